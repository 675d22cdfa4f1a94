//! Rehearsals with real children.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Bench, Output};

/// A rehearsal that is over.
struct Run {
    output: Output,
    folder: PathBuf,
    record: Value,
}

impl Run {
    fn incidents(&self) -> Vec<(String, String)> {
        let text = |i: &Value, key: &str| i[key].as_str().unwrap().to_owned();
        let all = self.record["incidents"].as_array().unwrap();
        all.iter().map(|i| (format!("{} {}", text(i, "severity"), text(i, "kind")), text(i, "message"))).collect()
    }

    #[track_caller]
    fn has(&self, kind: &str, message: &str) {
        let found = self.incidents();
        assert!(
            found.iter().any(|(k, m)| k == kind && m.contains(message)),
            "no {kind:?} with {message:?} in {found:?}"
        );
    }

    fn structured(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for name in self.record["evidence"]["logs"].as_array().unwrap() {
            let file = fs::File::open(self.folder.join(name.as_str().unwrap())).unwrap();
            records.extend(BufReader::new(file).lines().map(|l| serde_json::from_str::<Value>(&l.unwrap()).unwrap()));
        }
        records
    }

    fn raw(&self) -> Vec<u8> {
        let logs = self.record["evidence"]["raw_logs"].as_array().unwrap();
        logs.iter().flat_map(|name| fs::read(self.folder.join(name.as_str().unwrap())).unwrap()).collect()
    }
}

/// Options for a short run without evidence files, so that a test shows one thing at a time.
const SHORT: &[&str] = &["--no-diary", "--no-performance", "--run-name", "r"];

/// Supervises `sh -c script` with these options.
fn rehearse(bench: &Bench, options: &[&str], script: &str) -> Run {
    finish(bench, bench.run(&[&["final-dry-run"], SHORT, options, &["--", "sh", "-c", script]].concat()))
}

fn finish(bench: &Bench, output: Output) -> Run {
    let folder = bench.path().join("runs/r");
    let record = fs::read(folder.join("run.json")).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    Run { record: serde_json::from_slice(&record).unwrap(), folder, output }
}

/// Starts a rehearsal in the background and waits until its log shows a first line.
fn start(bench: &Bench, options: &[&str], script: &str) -> Running {
    let mut command = bench.command(&[&["final-dry-run"], SHORT, options, &["--", "sh", "-c", script]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let running = Running(Some(child));
    wait_for(|| {
        let logs = fs::read_dir(bench.path().join("runs/r/logs")).ok()?;
        logs.flatten().any(|f| f.metadata().is_ok_and(|m| m.len() > 0)).then_some(())
    });
    running
}

/// A rehearsal in the background, which does not outlive a test that fails.
struct Running(Option<Child>);

impl Running {
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(self.0.as_ref().unwrap()), signal).unwrap();
    }

    fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn wait_for<T>(mut what: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn alive(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z') && !rest.is_empty())
}

fn number_in(path: &Path) -> u32 {
    wait_for(|| fs::read_to_string(path).ok()?.trim().parse().ok())
}

#[test]
fn a_command_that_is_stopped_at_the_end_passes() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1s"], "while :; do echo beat; sleep 0.1; done");
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
    let run = rehearse(&one, &["--duration", "300ms", "--shutdown-grace", "2s"], polite);
    assert_eq!(run.incidents(), []);
    assert!(String::from_utf8(run.raw()).unwrap().contains("bye"));
    let stubborn = "trap '' INT TERM; echo up; while :; do sleep 0.05; done";
    let run = rehearse(&two, &["--duration", "300ms", "--shutdown-grace", "400ms"], stubborn);
    run.has("fail exit", "did not stop within 400ms and was killed");
    let _ = run.output.exits(1);
}

#[test]
fn processes_that_outlive_the_command_are_killed_and_named() {
    for script in ["setsid sleep 987 & echo up; sleep 0.1", "sleep 987 >/dev/null 2>&1 & echo up; sleep 0.1"] {
        let bench = Bench::new();
        let started = Instant::now();
        let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
        assert!(started.elapsed() < Duration::from_secs(10), "the pipe that it holds must not stop the run");
        run.has("warn leak", "sleep 987");
        let pid = run.record["incidents"][0]["metadata"]["pid"].as_u64().unwrap();
        assert!(!alive(u32::try_from(pid).unwrap()));
    }
}

#[test]
fn a_thousand_children_leave_nothing_behind() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 1000 ]; do (:) & i=$((i+1)); done; wait; echo done";
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
    assert_eq!(run.incidents(), []);
    let _ = run.output.exits(0);
}

#[test]
fn a_flood_is_counted_line_by_line() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], "yes | head -c 20000000");
    assert_eq!(run.record["capture"]["total_lines"], 10_000_000);
    assert_eq!(run.raw().len(), 20_000_000);
    let counted: u64 = run.structured().iter().map(|r| r["repeated"].as_u64().unwrap_or(1)).sum();
    assert_eq!(counted, 10_000_000);
}

#[test]
fn the_last_line_needs_no_line_end_and_long_lines_are_cut() {
    let bench = Bench::new();
    let script = "head -c 5000000 /dev/zero | tr '\\0' x; printf '\\nlast'";
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
    let records = run.structured();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["message"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(records[1]["message"], "last");
    assert_eq!(run.record["capture"]["cut_lines"], 1);
    assert_eq!(run.record["capture"]["bytes"], 5_000_005);
}

#[test]
fn binary_output_is_kept_raw_and_replaced_in_records() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], r"printf 'a\377\000b\n'");
    assert_eq!(run.raw(), b"a\xff\0b\n");
    assert_eq!(run.structured()[0]["message"], "a\u{fffd}\0b");
    assert_eq!(run.record["capture"]["invalid_utf8_lines"], 1);
}

#[test]
fn a_command_that_closes_its_output_runs_on() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1s"], "echo up; exec >&- 2>&-; exec sleep 60");
    assert_eq!(run.record["ended_because"], "duration_reached");
    assert_eq!(run.incidents(), []);
}

#[test]
fn silence_is_seen_while_it_lasts() {
    let bench = Bench::new();
    let options = ["--duration", "1500ms", "--live-gap", "400ms", "--live-gap-severity", "fail"];
    let run = rehearse(&bench, &options, "echo up; sleep 60");
    run.has("fail silence", "no output for");
}

#[test]
fn a_crash_just_before_the_end_is_still_a_crash() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1s"], "echo up; sleep 0.85; (sleep 0.25; echo bye) & kill -SEGV $$");
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
    let run = rehearse(&bench, &["--duration", "500ms", "--shutdown-grace", "2s"], &script);
    assert_eq!(run.structured().last().unwrap()["message"], "saved", "{:?}", run.output);
    assert!(run.incidents().is_empty(), "{:?}", run.incidents());
}

#[test]
fn the_last_snapshot_is_vouched_for_too() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "300ms"], "echo up; exec sleep 9");
    let snapshots = fs::read_dir(run.folder.join("progress_timeline")).unwrap();
    let mut snapshots: Vec<PathBuf> = snapshots.flatten().map(|entry| entry.path()).collect();
    snapshots.sort();
    assert_eq!(run.record["progress"]["snapshots"], snapshots.len());
    let last = snapshots.last().unwrap();
    let text = fs::read_to_string(last).unwrap();
    let _ = bench.run(&["audit", "runs/r"]).exits(0);
    for path in [last.clone(), run.folder.join("progress.json")] {
        fs::write(&path, text.replace("\"pass\"", "\"warn\"")).unwrap();
        let audit = bench.run(&["audit", "runs/r"]).exits(1);
        assert!(audit.stdout.contains("altered"), "{audit:?}");
        fs::write(&path, &text).unwrap();
    }
}

#[test]
fn an_edited_run_directory_does_not_pass() {
    let bench = Bench::new();
    let run = rehearse(
        &bench,
        &["--duration", "1h", "--required-duration", "0s"],
        "echo 'ERROR: gone'; (sleep 9 &) ; echo up",
    );
    let log = run.folder.join(run.record["evidence"]["logs"][0].as_str().unwrap());
    let edited = fs::read_to_string(&log).unwrap().replace("\"level\":\"error\"", "\"level\":\"info\"");
    fs::write(&log, edited).unwrap();
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(audit.stdout.contains("levels of the records are not those"), "{audit:?}");
    let mut record = run.record.clone();
    record["incidents"] = serde_json::json!([]);
    fs::write(run.folder.join("run.json"), record.to_string()).unwrap();
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(audit.stdout.contains("the incidents of the run"), "{audit:?}");
    record["schema"] = "emp-ops/run/v9".into();
    fs::write(run.folder.join("run.json"), record.to_string()).unwrap();
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(audit.stdout.contains("its schema is `emp-ops/run/v9`"), "{audit:?}");
}

#[test]
fn a_policy_file_counts_at_the_end_too() {
    let bench = Bench::new();
    bench.write("policy.toml", "[performance]\nmin_roi = 5.0\n");
    let options = ["final-dry-run", "--simulate", "--duration", "1s", "--policy", "policy.toml", "--allow-warnings"];
    let out = bench.run(&options).exits(0);
    assert!(out.stdout.starts_with("WARN"), "the return of 1.5 % is below the policy's: {out:?}");
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
fn a_command_that_cannot_start_leaves_nothing_behind() {
    let bench = Bench::new();
    let out = bench.run(&["final-dry-run", "--", "no-such-command-here"]).exits(3);
    assert!(out.stderr.contains("command not found"), "{out:?}");
    bench.write("script", "#!/bin/sh\n");
    let out = bench.run(&["final-dry-run", "--", "./script"]).exits(3);
    assert!(out.stderr.contains("not executable"), "{out:?}");
    assert!(!bench.path().join("runs").exists());
}

#[test]
fn contradictory_options_are_refused_before_anything_starts() {
    let bench = Bench::new();
    for (options, says) in [
        (&["--duration", "1h", "--required-duration", "2h"][..], "--required-duration"),
        (&["--warn-gap", "2h", "--fail-gap", "1h"], "gap"),
        (&["--diary-stale-warn", "2h", "--diary-stale-fail", "1h"], "--diary-stale-warn"),
        (&["--diary", "d.json", "--no-diary"], "--no-diary"),
        (&["--duration", "72"], "72h"),
        (&["--run-name", "../../escape"], "--run-name"),
        (&["--min-uptime", "1.5"], "98%"),
        (&["--sample-interval", "0s", "--max-cpu", "50"], "--sample-interval"),
        (&["--max-restarts", "4"], "--restart on-failure"),
    ] {
        let out = bench.run(&[&["final-dry-run"], options, &["--", "true"]].concat()).exits(2);
        assert!(out.stderr.contains(says), "{options:?}: {out:?}");
    }
    assert!(!bench.path().join("runs").exists());
}

#[test]
fn an_existing_run_is_never_touched() {
    let bench = Bench::new();
    bench.write("runs/r/keep", "me");
    let out = bench.run(&[&["final-dry-run"], SHORT, &["--", "true"]].concat()).exits(2);
    assert!(out.stderr.contains("--run-name"), "{out:?}");
    assert_eq!(fs::read_dir(bench.path().join("runs/r")).unwrap().count(), 1);
}

#[test]
fn values_of_the_environment_stay_out_of_the_evidence() {
    let bench = Bench::new();
    let options = ["--duration", "1h", "--required-duration", "0s", "--env", "TOKEN=hunter2secret", "--env", "KEY"];
    let script = "test \"$TOKEN\" = hunter2secret && echo token: $TOKEN, key: $KEY";
    let words = [&["final-dry-run"], SHORT, &options, &["--", "sh", "-c", script]].concat();
    let out = bench.run(&words).exits(2);
    assert!(out.stderr.contains("set \"KEY\""), "{out:?}");
    let output = bench.command(&words).env("KEY", "hunter2secret").output().unwrap();
    let run = finish(&bench, output.into());
    assert_eq!(run.structured()[0]["message"], "token: *************, key: *************");
    assert_eq!(run.record["environment"], serde_json::json!(["TOKEN", "KEY"]));
    for file in walkdir::WalkDir::new(&run.folder).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        assert!(memchr::memmem::find(&bytes, b"hunter2secret").is_none(), "{}", file.path().display());
    }
}

#[test]
fn a_value_of_the_environment_blinds_nobody() {
    let bench = Bench::new();
    let env = ["LIMIT=500000", "MODE=critical", "K=timestamp", "LOG_LEVEL=WARNING", "KEY=BEGIN KEY\nMIIE1234"];
    let env = env.map(|value| ["--env", value]).concat();
    let script = r#"echo '{"level":"error","value":500000,"msg":"db gone"}'; echo 'WARNING:root:slow'
        echo '{"timestamp":"2025-01-06T00:00:00Z","level":"critical","msg":"x"}'
        echo "$KEY"; setsid sh -c 'sleep 987; :' "$KEY" & sleep 0.2"#;
    let options = [&["--duration", "1h", "--required-duration", "0s"], &*env].concat();
    let run = rehearse(&bench, &options, script);
    let levels = serde_json::json!({"critical": 1, "error": 1, "info": 2, "warning": 1});
    assert_eq!(run.record["capture"]["level_counts"], levels);
    run.has("fail log_level", "db gone");
    run.has("warn leak", "sleep 987");
    for file in walkdir::WalkDir::new(&run.folder).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        for secret in ["500000", "MIIE1234", "BEGIN KEY"] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{secret}: {}", file.path().display());
        }
    }
    let audit = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
    assert_eq!(audit.json()["logs"]["level_counts"], levels);
    let _ = run.output.exits(1);
}

#[test]
fn a_removed_directory_is_noticed_and_capture_goes_on() {
    let bench = Bench::new();
    let child = start(&bench, &["--duration", "4s"], "while :; do echo beat; sleep 0.05; done");
    fs::remove_dir_all(bench.path().join("runs/r/logs")).unwrap();
    let run = finish(&bench, child.output());
    run.has("fail capture", "the file was removed");
    let lost = run.record["capture"]["lost_lines"].as_u64().unwrap();
    assert!(lost > 0);
    assert_eq!(run.structured().len() as u64 + lost, run.record["capture"]["total_lines"].as_u64().unwrap());
}

#[test]
fn a_removed_part_of_a_log_is_no_pass() {
    for (file, others) in [("*_p001.jsonl", ".log"), ("*.log", ".jsonl")] {
        let bench = Bench::new();
        let script = format!(
            "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.02; done; rm $FINAL_DRY_RUN_LOG_DIR/{file}; sleep 60"
        );
        let run = rehearse(&bench, &["--duration", "600ms", "--rotate-size", "300"], &script);
        run.has("fail capture", "the file was removed");
        let ending = file.trim_start_matches('*');
        let end =
            |m: &str| m.contains(&format!("{ending}: the file")) || ending == ".log" && m.contains(".log: the file");
        assert!(run.incidents().iter().all(|(_, m)| end(m) && !m.contains(others)), "{:?}", run.incidents());
        assert!(run.record["capture"]["lost_lines"].as_u64().unwrap() > 0);
        let _ = run.output.exits(1);
    }
}

#[test]
fn snapshots_that_could_not_be_written_are_not_missed() {
    let bench = Bench::new();
    let script = "cd $FINAL_DRY_RUN_LOG_DIR/..; echo up; sleep 0.2; mv progress_timeline t; : > progress_timeline; \
                  sleep 0.3; rm progress_timeline; mv t progress_timeline; sleep 60";
    let run = rehearse(&bench, &["--duration", "900ms", "--progress-interval", "50ms"], script);
    run.has("fail capture", "cannot write the progress file");
    assert!(run.incidents().iter().all(|(_, m)| !m.contains("lines are being lost")), "{:?}", run.incidents());
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(!audit.stdout.contains("timeline is broken"), "{audit:?}");
    let kept = fs::read_dir(run.folder.join("progress_timeline")).unwrap().count() as u64;
    assert_eq!(kept, run.record["progress"]["snapshots"].as_u64().unwrap());
}

#[test]
fn the_interrupt_at_the_end_is_no_crash_of_the_command() {
    let bench = Bench::new();
    let trace = r#"printf 'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyboardInterrupt\n' >&2"#;
    let script = format!("{trace}; exit 130");
    let asked = format!("end() {{ {script}; }}; trap end INT; echo up; while :; do sleep 0.05; done");
    let run = rehearse(&bench, &["--duration", "400ms"], &asked);
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
    let state = bench.path().join("runs/r/progress.json");
    wait_for(|| fs::read_to_string(&state).ok()?.contains("\"stopping\"").then_some(()));
    child.send(Signal::INT);
    let run = finish(&bench, child.output());
    assert_eq!(run.record["attempts"][0]["signal"], 9);
}

#[test]
fn a_stopped_command_can_still_be_ended() {
    let bench = Bench::new();
    let pid = bench.path().join("pid");
    let script = format!("echo $$ > {}; echo up; exec sleep 60", pid.display());
    let child = start(&bench, &["--duration", "700ms"], &script);
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
fn warnings_are_accepted_only_where_that_is_asked_for() {
    let bench = Bench::new();
    let options = ["--duration", "2s", "--allow-warnings"];
    let _ =
        bench.run(&[&["final-dry-run", "--simulate", "warnings", "--run-name", "w"][..], &options].concat()).exits(0);
    let out =
        bench.run(&[&["final-dry-run", "--simulate", "grandchild", "--run-name", "g"][..], &options].concat()).exits(0);
    assert!(out.stdout.starts_with("WARN"), "{out:?}");
    let _ = bench.run(&["audit", "runs/g/packet", "--fail-on", "warn"]).exits(1);
}

#[test]
fn every_scenario_of_the_drill_keeps_its_promise() {
    let runs: Vec<(&str, i32, &str, Bench)> = [
        ("clean", 0, "WARN (simulated)"),
        ("warnings", 1, "FAIL"),
        ("errors", 1, "FAIL"),
        ("traceback", 1, "FAIL"),
        ("silence", 1, "FAIL"),
        ("early-exit", 1, "FAIL"),
        ("crash", 1, "FAIL"),
        ("stale-evidence", 1, "FAIL"),
        ("ignore-signals", 1, "FAIL"),
        ("grandchild", 1, "FAIL"),
    ]
    .map(|(scenario, code, verdict)| (scenario, code, verdict, Bench::new()))
    .into();
    // All at once: they mostly sleep.
    let children: Vec<Child> = runs
        .iter()
        .map(|(scenario, .., bench)| {
            let options = ["--duration", "3s", "--shutdown-grace", "1s", "--run-name", "r"];
            let mut command = bench.command(&[&["final-dry-run", "--simulate", scenario][..], &options].concat());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for (child, (scenario, code, verdict, bench)) in children.into_iter().zip(&runs) {
        let output = Output::from(child.wait_with_output().unwrap());
        assert!(output.stdout.starts_with(verdict), "{scenario}: {output:?}");
        let _ = output.exits(*code);
        let again = bench.run(&["audit", "runs/r", "--format", "json"]).exits(*code);
        let packet = bench.run(&["audit", "runs/r/packet", "--format", "json"]).exits(*code);
        let archive = bench.run(&["audit", "runs/r/packet.tar.gz", "--format", "json"]).exits(*code);
        for figure in ["records", "duration_seconds", "uptime_ratio", "totals", "level_counts", "status"] {
            assert_eq!(again.json()["logs"][figure], packet.json()["logs"][figure], "{scenario}: {figure}");
            assert_eq!(again.json()["logs"][figure], archive.json()["logs"][figure], "{scenario}: {figure}");
        }
        assert_eq!(again.json()["status"], packet.json()["status"], "{scenario}");
        let mut sums = Command::new("sha256sum");
        sums.args(["-c", "--quiet", "SHA256SUMS"]).current_dir(bench.path().join("runs/r/packet"));
        assert!(sums.status().unwrap().success(), "{scenario}");
    }
}
