//! Neighbours that plant links, pipes and files of others where emp-ops reads and writes.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, Mode};
use serde_json::Value;

use crate::harness::{Bench, Output, wait_for};

const SECRET: &str = "nobody else may read this";
const LOG: &str = "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"info\",\"message\":\"up\"}\n";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0).unwrap();
}

/// A file that only its owner may read.
fn secret(bench: &Bench) -> String {
    let path = bench.write("secret", SECRET);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// A run of a shell script, long enough to plant something.
fn rehearse(bench: &Bench, options: &[&str], script: &str) -> Output {
    let fixed = ["final-dry-run", "--output-root", "runs", "--run-name", "run", "--duration", "1h", "-q"];
    bench.run(&[&fixed[..], &["--no-performance", "--format", "json"], options, &["--", "sh", "-c", script]].concat())
}

/// Whether any file below `folder` holds `text`, packed or not.
fn holds(folder: &Path, text: &str) -> Option<String> {
    walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok).find_map(|entry| {
        if !entry.file_type().is_file() {
            return None;
        }
        let bytes = fs::read(entry.path()).unwrap();
        let mut plain = Vec::new();
        let _ = std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut plain);
        let found = [bytes, plain].iter().any(|bytes| memchr::memmem::find(bytes, text.as_bytes()).is_some());
        found.then(|| entry.path().display().to_string())
    })
}

#[test]
fn links_planted_under_the_names_of_temporary_files_overwrite_nothing() {
    let bench = Bench::new();
    bench.write("app.jsonl", LOG);
    bench.write("victim", SECRET);
    let out = bench.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(bench.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let neighbour = if is_root() {
        "setpriv --reuid 65534 --regid 65534 --clear-groups"
    } else {
        eprintln!("SKIPPED: the attack by another user needs root; it is replayed as this user");
        ""
    };
    let script = format!(
        "for name in audit.json audit.md; do {neighbour} ln -s ../victim out/.$name.$$.tmp; done
         exec {} audit --log app.jsonl --out out -q",
        env!("CARGO_BIN_EXE_emp-ops")
    );
    let output = Command::new("sh").args(["-ec", &script]).current_dir(bench.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(bench.path().join("victim")).unwrap(), SECRET);
    for name in ["audit.json", "audit.md"] {
        assert!(fs::symlink_metadata(out.join(name)).unwrap().is_file(), "{name}");
    }
    let left = fs::read_dir(&out).unwrap().filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_file());
    assert_eq!(left.count(), 2, "no temporary file is left");
}

#[test]
fn pipes_where_evidence_is_found_are_findings_and_are_not_waited_for() {
    for (name, other) in [
        ("run.json", "logs/app.jsonl"),
        ("logs/final.jsonl", "run.txt"),
        ("decision_diary.json", "logs/app.jsonl"),
        ("performance_metrics.json", "logs/app.jsonl"),
        ("manifest.json", "raw/logs/app.jsonl"),
    ] {
        let bench = Bench::new();
        bench.write(&format!("run/{other}"), LOG);
        fs::create_dir_all(bench.path().join("run/logs")).unwrap();
        pipe(&bench.path().join("run").join(name));
        let out = bench.run(&["audit", "run", "--format", "json"]).exits(1);
        assert!(out.stdout.contains("it is a named pipe, not a regular file"), "{name}: {out:?}");
    }
    let bench = Bench::new();
    bench.write("logs/app.jsonl", LOG);
    pipe(&bench.path().join("logs/other.log"));
    let out = bench.run(&["audit", "--log", "logs", "--format", "json"]).exits(1);
    assert!(out.stdout.contains("it is a named pipe, not a regular file"), "{out:?}");
    pipe(&bench.path().join("run/summary.json"));
    let out = bench.run(&["backlog", "run"]).exits(3);
    assert!(out.stderr.contains("it is a named pipe"), "{out:?}");
    pipe(&bench.path().join("sessions/a.json"));
    let out = bench.run(&["offline-qa", "--input", "sessions", "--format", "json"]).exits(1);
    assert!(out.stdout.contains("it is a named pipe"), "{out:?}");
    pipe(&bench.path().join("history/a.json"));
    let out = bench.run(&["stage-alerts", "--history", "history"]).exits(3);
    assert!(out.stderr.contains("it is a named pipe"), "{out:?}");
}

#[test]
fn a_pipe_in_place_of_the_record_is_not_believed_by_watch_whatever_comes_through_it() {
    let bench = Bench::new();
    let _ = rehearse(&bench, &["--no-diary"], "echo INFO up; echo INFO down");
    let record = bench.path().join("runs/run/run.json");
    fs::rename(&record, bench.path().join("kept.json")).unwrap();
    pipe(&record);
    let mut shell = Command::new("sh");
    let writes = shell.args(["-c", "exec cat kept.json > runs/run/run.json"]).current_dir(bench.path());
    let mut writer = writes.spawn().unwrap();
    let out = bench.run(&["watch", "runs/run", "--once"]);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert!(out.stdout.contains("the run record (run.json) cannot be read"), "{out:?}");
}

#[test]
fn a_pipe_that_the_user_names_is_read() {
    let bench = Bench::new();
    pipe(&bench.path().join("app.jsonl"));
    let audit = bench
        .command(&["audit", "--log", "app.jsonl", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    fs::write(bench.path().join("app.jsonl"), LOG).unwrap();
    let out = Output::from(audit.wait_with_output().unwrap()).exits(0);
    assert_eq!(out.json()["logs"]["records"], 1);
}

#[test]
fn evidence_behind_a_link_is_a_finding_and_is_not_packed() {
    for plant in [
        "ln -s \"$SECRET\" \"$DECISION_DIARY_PATH\"",
        "mkdir elsewhere; cp \"$SECRET\" elsewhere/progress.json; ln -s \"$PWD/elsewhere\" runs/run/elsewhere; \
         ln -s elsewhere/progress.json \"$DECISION_DIARY_PATH\"",
    ] {
        let bench = Bench::new();
        let path = secret(&bench);
        let out = rehearse(&bench, &["--env", &format!("SECRET={path}")], &format!("{plant}; echo done")).exits(1);
        assert!(out.stdout.contains("symbolic link, which is not followed here"), "{out:?}");
        assert_eq!(holds(&bench.path().join("runs"), SECRET), None);
        let again = bench.run(&["audit", "runs/run", "--format", "json"]).exits(1);
        assert!(again.stdout.contains("symbolic link, which is not followed here"), "{again:?}");
    }
}

#[test]
fn logs_that_are_swapped_for_a_link_are_neither_written_nor_read_through_it() {
    let bench = Bench::new();
    let victim = bench.write("elsewhere/app.jsonl", SECRET);
    let script = "echo one; sleep 0.3; mv runs/run/logs runs/run/moved; ln -s ../../elsewhere runs/run/logs; sleep 2.5; echo two";
    let out = rehearse(&bench, &["--no-diary", "--rotate-every", "1s"], script).exits(1);
    assert!(out.stdout.contains("not followed here"), "{out:?}");
    let there: Vec<_> = fs::read_dir(victim.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(there, ["app.jsonl"], "nothing was written through the link");
    assert_eq!(holds(&bench.path().join("runs"), SECRET), None);
}

#[test]
fn files_of_strangers_are_findings_and_are_not_packed() {
    if !is_root() {
        eprintln!("SKIPPED: a file of another user can only be made by root");
        return;
    }
    let bench = Bench::new();
    let script = "echo '[]' > \"$DECISION_DIARY_PATH\"; chown 65534 \"$DECISION_DIARY_PATH\"; echo done";
    let out = rehearse(&bench, &[], script).exits(1);
    assert!(out.stdout.contains("it belongs to user number 65534"), "{out:?}");
    assert!(!bench.path().join("runs/run/packet/raw/decision_diary.json").exists());
}

#[test]
fn a_packet_is_no_more_readable_than_its_evidence() {
    let bench = Bench::new();
    let script = "echo '[]' > \"$DECISION_DIARY_PATH\"; chmod 600 \"$DECISION_DIARY_PATH\"; echo done";
    let _ = rehearse(&bench, &[], script);
    for name in ["packet/raw/decision_diary.json", "run-packet.tar.gz"] {
        let mode = fs::metadata(bench.path().join("runs/run").join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn stray_signals_are_survived_and_named() {
    let bench = Bench::new();
    let signals =
        ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XCPU", "XFSZ", "TRAP", "SYS", "PWR", "RTMIN", "RTMIN+5"];
    let script = format!("for s in {}; do kill -s $s $PPID; sleep 0.05; done; echo done; sleep 0.2", signals.join(" "));
    let out = rehearse(&bench, &["--no-diary"], &script).exits(1);
    let record: Value = serde_json::from_slice(&fs::read(bench.path().join("runs/run/run.json")).unwrap()).unwrap();
    assert_eq!(record["state"], "complete", "{out:?}");
    let incidents = record["incidents"].to_string();
    for signal in signals {
        assert!(incidents.contains(&format!("emp-ops received SIG{signal}, which asks for nothing")), "{incidents}");
    }
}

#[test]
fn a_limit_of_file_sizes_is_told_like_a_full_disk_and_the_run_is_sealed() {
    let bench = Bench::new();
    let script = "i=0; while [ $i -lt 400 ]; do echo \"line $i of some length that fills the log of the run\"; i=$((i+1)); done; sleep 0.3";
    let command = format!(
        "ulimit -f 100; exec {} final-dry-run --output-root runs --run-name run --duration 1h -q --no-diary \
         --no-performance --no-packet -- sh -c '{script}; {script}; {script}'",
        env!("CARGO_BIN_EXE_emp-ops")
    );
    let output = Command::new("sh").args(["-c", &command]).current_dir(bench.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let record: Value = serde_json::from_slice(&fs::read(bench.path().join("runs/run/run.json")).unwrap()).unwrap();
    assert_eq!(record["state"], "complete");
    assert!(record["incidents"].to_string().contains("File too large"), "{record}");
}

#[test]
fn json_output_cannot_steer_a_terminal() {
    let bench = Bench::new();
    let hostile = "up \u{9b}31m \u{202e}gpj.exe \u{7f}";
    let record = serde_json::json!({"timestamp": "2025-01-06T00:00:00Z", "level": "error", "message": hostile});
    bench.write("app.jsonl", format!("{record}\n"));
    let out = bench.run(&["audit", "--log", "app.jsonl", "--format", "json"]).exits(1);
    assert!(!out.stdout.contains(['\u{9b}', '\u{202e}', '\u{7f}']), "{out:?}");
    assert!(out.stdout.contains("\\u009b31m \\u202egpj.exe \\u007f"), "{out:?}");
    let _: Value = out.json();
}

#[test]
fn a_stopped_supervisor_is_no_silence_of_the_command() {
    let bench = Bench::new();
    // The command stops its supervisor, goes on meanwhile, and lets it go on after longer than a silence may last.
    let script = "say() { i=0; while [ $i -lt $1 ]; do echo tick; sleep 0.2; i=$((i+1)); done; }; \
                  say 5; kill -STOP $PPID; say 35; kill -CONT $PPID; say 1000";
    let run = ["final-dry-run", "--output-root", "runs", "--run-name", "run", "--duration", "10s", "-q"];
    let options = ["--no-diary", "--no-performance", "--warn-gap", "5s", "--fail-gap", "6s", "--format", "json"];
    let out = bench.run(&[&run[..], &options, &["--", "sh", "-c", script]].concat());
    let summary = out.json();
    assert_eq!(summary["summary"]["logs"]["totals"]["gap_incidents"], 0, "{summary}");
    assert_eq!(summary["summary"]["logs"]["uptime_ratio"], 1.0, "{summary}");
    let record: Value = serde_json::from_slice(&fs::read(bench.path().join("runs/run/run.json")).unwrap()).unwrap();
    assert!(record["incidents"].to_string().contains("emp-ops itself did not run for"), "{record}");
    assert_eq!(record["paused"].as_array().map(Vec::len), Some(1), "{record}");
    let progress = fs::read(bench.path().join("runs/run/progress.json")).unwrap();
    let progress: Value = serde_json::from_slice(&progress).unwrap();
    assert!(!progress["incidents"].to_string().contains("no output for"), "{progress}");
}

#[test]
fn what_a_command_prints_steers_no_terminal_through_its_structured_log() {
    let bench = Bench::new();
    let hostile = "up \u{9b}31m \u{202e}gpj.exe \u{7f} \u{1b}[2J";
    let object = serde_json::json!({"level": "info", "message": hostile, hostile: [hostile]});
    bench.write("lines", format!("{object}\nplain {hostile}\n"));
    let _ = rehearse(&bench, &["--no-diary"], "cat lines");
    let log = walkdir::WalkDir::new(bench.path().join("runs/run/logs")).into_iter().filter_map(Result::ok);
    let log = log.map(|entry| entry.into_path()).find(|path| path.extension().is_some_and(|e| e == "jsonl")).unwrap();
    let text = fs::read_to_string(log).unwrap();
    assert!(!text.contains(['\u{9b}', '\u{202e}', '\u{7f}', '\u{1b}']), "{text}");
    let read: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(read[0]["payload"]["structured"][hostile][0], hostile, "the text itself is kept");
    assert!(read[1]["message"].as_str().unwrap().contains("\u{202e}gpj.exe"), "{text}");
}

#[test]
fn secrets_are_hidden_in_every_form_but_never_in_names() {
    let bench = Bench::new();
    let script = r#"echo "{\"admin.alert\":1,\"orange\":\"a\",\"pin\":\"$PIN\",\"text\":\"say $WORD not ${WORD}s\"}"
        echo "key $KEY in hex $(printf %s "$KEY" | od -An -tx1 | tr -d ' \n') and base64 $(printf %s "$KEY" | base64)""#;
    let options = ["--no-diary", "--env", "PIN=4711", "--env", "WORD=orange", "--env", "KEY=hunter2&secret"];
    let fixed = ["final-dry-run", "--output-root", "runs", "--run-name", "run", "--duration", "1h"];
    let out = bench.run(&[&fixed[..], &["--no-performance"], &options, &["--", "sh", "-c", script]].concat()).exits(1);
    assert!(out.stderr.contains("only where they are a whole value: the values of PIN"), "{out:?}");
    let runs = bench.path().join("runs");
    for secret in ["hunter2&secret", "68756e74657232267365637265740", "aHVudGVyMiZzZWNyZX", "\"4711\"", "say orange"] {
        assert_eq!(holds(&runs, secret.trim_end_matches('0')), None, "{secret}");
    }
    for kept in ["admin.alert", "\"orange\":\"a\"", "oranges"] {
        assert!(holds(&runs, kept).is_some(), "{kept}");
    }
}

/// Processes whose command line is that of a sleep of so many seconds.
fn sleepers(seconds: &str) -> Vec<procfs::process::Process> {
    let all = procfs::process::all_processes().unwrap().flatten();
    all.filter(|process| process.cmdline().is_ok_and(|words| words == ["sleep", seconds])).collect()
}

#[test]
fn a_daemon_without_ties_is_ended_and_named() {
    let bench = Bench::new();
    let seconds = format!("7{}", std::process::id());
    let script = format!("setsid --fork env -i sleep {seconds} >/dev/null 2>&1; sleep 0.5; echo done");
    let _ = rehearse(&bench, &["--no-diary"], &script);
    let record: Value = serde_json::from_slice(&fs::read(bench.path().join("runs/run/run.json")).unwrap()).unwrap();
    let told = format!("outlived the command and was killed: sleep {seconds}");
    assert!(record["incidents"].to_string().contains(&told), "{record}");
    assert_eq!(sleepers(&seconds).len(), 0);
}

#[test]
fn a_daemon_without_ties_is_ended_where_its_supervisor_is_killed() {
    let bench = Bench::new();
    let seconds = format!("8{}", std::process::id());
    let script = format!("setsid --fork env -i sleep {seconds} >/dev/null 2>&1; sleep 1000");
    let run = ["final-dry-run", "--output-root", "runs", "--duration", "1h", "-q", "--", "sh", "-c", &script];
    let mut supervisor = bench.command(&run).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let daemon = wait_for(|| sleepers(&seconds).pop());
    let groups = daemon.cgroups().unwrap();
    let in_own = groups.into_iter().any(|group| group.pathname.contains("/emp-ops-"));
    supervisor.kill().unwrap();
    supervisor.wait().unwrap();
    if in_own {
        wait_for(|| sleepers(&seconds).is_empty().then_some(()));
    } else {
        eprintln!("SKIPPED: no cgroup can be made here");
        let pid = rustix::process::Pid::from_raw(daemon.pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
}
