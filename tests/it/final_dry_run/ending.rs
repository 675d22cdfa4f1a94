//! How a run ends: by its time, by the command, by a signal; and what is left behind then.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{Run, SHORT, alive, finish, number_in, rehearse, start};
use crate::harness::{Bench, wait_for};

#[test]
fn a_command_that_is_stopped_at_the_end_passes() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "2s"], "while :; do echo beat; sleep 0.1; done");
    assert_eq!(run.incidents(), []);
    assert_eq!(run.record["state"], "complete");
    assert_eq!(run.record["ended_because"], "duration_reached");
    let run = Run { output: run.output.exits(0), ..run };
    assert!(run.output.stdout.starts_with("PASS"), "{}", run.output.stdout);
}

#[test]
fn a_command_that_ends_early_fails() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h"], "echo hello");
    run.has("fail exit", "ended early");
    let _ = run.output.exits(1);
}

#[test]
fn an_exit_code_and_a_signal_are_told_apart() {
    let (one, two) = (Bench::new(), Bench::new());
    let code = rehearse(&one, &["--duration", "1h"], "exit 7");
    code.has("fail exit", "exited with code 7");
    assert_eq!(code.record["attempts"][0]["exit_code"], 7);
    let signal = rehearse(&two, &["--duration", "1h"], "kill -SEGV $$");
    signal.has("fail exit", "ended by signal 11 (SIGSEGV)");
    assert_eq!(signal.record["attempts"][0]["signal"], 11);
}

#[test]
fn a_command_that_ignores_one_signal_gets_the_next() {
    let (one, two) = (Bench::new(), Bench::new());
    let polite = "exec 2>/dev/null; trap '' INT; trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done";
    let run = rehearse(&one, &["--duration", "2s", "--shutdown-grace", "4s"], polite);
    assert_eq!(run.incidents(), []);
    assert!(String::from_utf8(run.raw()).unwrap().contains("bye"));
    let stubborn = "trap '' INT TERM; echo up; while :; do sleep 0.05; done";
    let run = rehearse(&two, &["--duration", "2s", "--shutdown-grace", "400ms"], stubborn);
    run.has("fail exit", "did not stop within 400ms and was killed");
    let _ = run.output.exits(1);
}

#[test]
fn processes_that_outlive_the_command_are_killed_and_named() {
    for script in ["setsid sleep 987 & echo up; sleep 0.1", "sleep 987 >/dev/null 2>&1 & echo up; sleep 0.1"] {
        let bench = Bench::new();
        let started = Instant::now();
        let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
        assert!(started.elapsed() < Duration::from_secs(60), "the pipe that it holds must not stop the run");
        run.has("warn leak", "sleep 987");
        let pid = run.record["incidents"][0]["metadata"]["pid"].as_u64().unwrap();
        assert!(!alive(u32::try_from(pid).unwrap()));
    }
}

#[test]
fn a_thousand_children_leave_nothing_behind() {
    let bench = Bench::new();
    let script = "echo up; i=0; while [ $i -lt 1000 ]; do (:) & i=$((i+1)); done; wait; echo done";
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
    assert_eq!(run.incidents(), []);
    let _ = run.output.exits(0);
}

#[test]
fn a_crash_just_before_the_end_is_still_a_crash() {
    let bench = Bench::new();
    // What the command leaves behind holds its output for longer than a run of two seconds: it must be killed, which is
    // tried only after two seconds of politeness.
    let script = "(trap '' TERM; : > held; exec sleep 987) & while [ ! -e held ]; do sleep 0.02; done; \
                  echo up; kill -SEGV $$";
    let started = Instant::now();
    let run = rehearse(&bench, &["--duration", "2s"], script);
    assert!(started.elapsed() > Duration::from_secs(2), "the end of the run must fall into the collection");
    run.has("fail exit", "SIGSEGV");
    run.has("fail exit", "ended early");
    let _ = run.output.exits(1);
}

#[test]
fn the_group_of_a_command_that_is_stopped_has_its_grace_period() {
    let bench = Bench::new();
    // The leader goes at the first signal. Its child, which ignores that one like all background processes of a
    // shell, goes at the second: later than a process that was left behind would have to.
    let child = "trap 'sleep 0.2; echo saved; exit' TERM; echo up; while :; do sleep 0.05; done";
    let script = format!("trap exit INT; sh -c \"{child}\" 2>/dev/null & while :; do sleep 0.05; done");
    let run = rehearse(&bench, &["--duration", "2s", "--shutdown-grace", "4s"], &script);
    assert_eq!(run.structured().last().unwrap()["message"], "saved", "{:?}", run.output);
    assert!(run.incidents().is_empty(), "{:?}", run.incidents());
}

#[test]
fn restarts_are_bounded_and_each_attempt_has_its_entry() {
    let bench = Bench::new();
    let options = ["--duration", "1h", "--restart", "on-failure", "--max-restarts", "2", "--backoff", "20ms"];
    let run = rehearse(&bench, &options, "echo up; exit 3");
    assert_eq!(run.record["attempts"].as_array().unwrap().len(), 3);
    run.has("fail restart", "gave up after 2 restarts");
    assert!(run.record["attempts"][1]["recovery_seconds"].as_f64().unwrap() >= 0.02);
}

#[test]
fn the_interrupt_at_the_end_is_no_crash_of_the_command() {
    let bench = Bench::new();
    let trace = r#"printf 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyboardInterrupt\n' >&2"#;
    let script = format!("{trace}; exit 130");
    let asked = format!("end() {{ {script}; }}; trap end INT; echo up; while :; do sleep 0.05; done");
    let run = rehearse(&bench, &["--duration", "2s"], &asked);
    assert_eq!(run.incidents(), []);
    let _ = run.output.exits(0);
    let _ = bench.run(&["audit", "runs/r"]).exits(0);
    let bench = Bench::new();
    rehearse(&bench, &["--duration", "1h"], &script).has("fail stack_trace", "KeyboardInterrupt");
}

#[test]
fn a_first_signal_seals_the_packet_and_a_second_kills() {
    for (signal, name) in
        [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP"), (Signal::QUIT, "SIGQUIT")]
    {
        let bench = Bench::new();
        let child = start(&bench, &["--duration", "1h"], "echo up; exec sleep 60");
        child.send(signal);
        let run = finish(&bench, child.output());
        run.has("fail signal", name);
        assert_eq!(run.record["state"], "complete");
        assert!(run.folder.join("packet/SHA256SUMS").exists(), "{:?}", run.output);
    }
    let bench = Bench::new();
    let script = "trap '' INT TERM; echo up; while :; do sleep 0.05; done";
    let child = start(&bench, &["--duration", "1h", "--shutdown-grace", "1h"], script);
    child.send(Signal::INT);
    child.wait_until_told(&bench, "\"stopping\"");
    child.send(Signal::INT);
    let run = finish(&bench, child.output());
    assert_eq!(run.record["attempts"][0]["signal"], 9);
}

#[test]
fn a_stopped_command_can_still_be_ended() {
    let bench = Bench::new();
    let pid = bench.path().join("pid");
    let script = format!("echo $$ > {}; echo up; exec sleep 60", pid.display());
    let child = start(&bench, &["--duration", "3s"], &script);
    let app = i32::try_from(number_in(&pid)).unwrap();
    kill_process(Pid::from_raw(app).unwrap(), Signal::STOP).unwrap();
    let run = finish(&bench, child.output());
    assert_eq!(run.record["ended_because"], "duration_reached");
}

/// The process that the simulated runtime left behind, told from others by what it inherited from `app`.
fn lingering(app: u32) -> Option<u32> {
    let of = |pid: u32, file: &str| fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let environment = of(app, "environ");
    let mark = environment.split(|b| *b == 0).find(|v| v.starts_with(b"EMP_OPS_RUN_MARK="))?;
    let pids = fs::read_dir("/proc").ok()?.flatten().filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.into_iter().find(|pid| {
        memchr::memmem::find(&of(*pid, "cmdline"), b"linger").is_some()
            && of(*pid, "environ").split(|b| *b == 0).any(|variable| variable == mark)
    })
}

#[test]
fn a_killed_supervisor_takes_the_command_with_it_and_leaves_evidence_that_fails() {
    let bench = Bench::new();
    let (app, cleared) = (bench.path().join("app"), bench.path().join("cleared"));
    // One process of the group with an environment of its own, and one with a group of its own.
    let script = format!(
        "echo $$ > {}; env -i sleep 60 & echo $! > {}; {} simulate runtime --scenario grandchild --tick 10ms >/dev/null & \
         while :; do echo beat; sleep 0.05; done",
        app.display(),
        cleared.display(),
        env!("CARGO_BIN_EXE_emp-ops")
    );
    let child = start(&bench, &["--duration", "1h", "--compress", "gz"], &script);
    let (app, cleared) = (number_in(&app), number_in(&cleared));
    let apart = wait_for(|| lingering(app));
    // Compressed logs are flushed every second; wait for the first.
    wait_for(|| {
        let audit = bench.run(&["audit", "runs/r", "--format", "json"]);
        let json: Value = serde_json::from_str(&audit.stdout).ok()?;
        (json["logs"]["records"].as_u64()? > 0).then_some(())
    });
    child.send(Signal::KILL);
    let _ = child.output();
    wait_for(|| [app, cleared, apart].into_iter().all(|pid| !alive(pid)).then_some(()));
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(audit.stdout.starts_with("FAIL"), "{audit:?}");
    assert!(audit.stdout.contains("not completed"), "{audit:?}");
}

#[test]
fn the_first_signal_is_answered_at_once_and_a_pipe_hears_of_the_progress() {
    let bench = Bench::new();
    let options = "final-dry-run --run-name r --duration 60s --no-diary --no-performance --progress-interval 200ms \
                   --shutdown-grace 20s -- sh -c";
    let options: Vec<&str> =
        options.split_whitespace().chain(["trap 'exit 3' INT; while :; do echo beat; sleep 0.1; done"]).collect();
    let mut child = bench.command(&options).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap())).map(Result::unwrap);
    let progress = lines.find(|line| line.contains(" of 1m · ")).unwrap();
    assert!(progress.contains("lines") && progress.contains("no incidents"), "{progress}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let answer = lines.find(|line| line.starts_with("SIGINT")).unwrap();
    assert!(answer.contains("SIGTERM follows at") && answer.contains("another Ctrl-C kills it"), "{answer}");
    assert!(lines.by_ref().any(|line| line.contains("packing")));
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

/// Whenever the supervisor is killed while it closes the evidence: either all is there, or the run was not completed.
#[test]
fn a_supervisor_that_is_killed_while_it_seals_leaves_a_run_that_is_complete_or_not() {
    for (file, text) in [
        ("progress.json", "\"sealing\""),
        ("progress.json", "\"complete\""),
        ("run.json", "\"complete\""),
        ("summary.json", ""),
        ("packet", ""),
        ("packet/manifest.json", ""),
    ] {
        let bench = Bench::new();
        let options = ["--duration", "1h", "--required-duration", "0s", "--min-uptime", "0", "-q"];
        let script = "seq -f 'INFO line %.0f' 20000";
        let all = [&["final-dry-run"], SHORT, &options, &["--", "sh", "-c", script]].concat();
        let mut child = bench.command(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let path = bench.path().join("runs/r").join(file);
        // It is killed at once: the next file comes within milliseconds.
        let written = || text.is_empty() && path.exists() || fs::read_to_string(&path).is_ok_and(|t| t.contains(text));
        while !written() && child.try_wait().unwrap().is_none() {}
        child.kill().unwrap();
        child.wait().unwrap();
        let audit = bench.run(&["audit", "runs/r", "--format", "json"]).json();
        let watch = bench.run(&["watch", "runs/r", "--once", "--format", "json"]).json();
        let what = format!("{file} {text}: {} {}", audit["findings"], audit["record"]);
        assert_eq!(audit["verdict"], watch["verdict"], "{what}: {}", watch["because"]);
        assert!(audit["record"]["differs"].as_array().is_none_or(Vec::is_empty), "accused: {what}");
        let not_completed = audit["findings"].to_string().contains("was not completed");
        assert_eq!(audit["verdict"] == "fail", not_completed, "{what}");
        let packet = bench.path().join("runs/r/packet");
        assert!(not_completed || packet.join("SHA256SUMS").exists(), "complete without its packet: {what}");
    }
}
