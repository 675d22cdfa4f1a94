//! `watch`: what it shows, when it ends, and with which code.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use crate::harness::{Bench, fixture, wait_for};

const COMPLETE: &str = r#"{"status":"FAIL","phase":"Complete","now":"2025-01-06T01:00:00Z",
    "started_at":"2025-01-06T00:00:00Z","elapsed_seconds":"3600","total_lines":7,
    "sign_off":{"status":"fail","findings":[{"severity":"fail","message":"the run was too short"}]},
    "incidents":[{"severity":"fail","message":"\u001b[2J\u001b]0;pwn\u0007 boom\n  - [PASS] all is well"}]}"#;

/// Replaces a file as a supervisor does.
fn replace(bench: &Bench, name: &str, text: &str) {
    let temporary = bench.write(&format!("{name}.tmp"), text);
    fs::rename(temporary, bench.path().join(name)).unwrap();
}

/// The exit code of a command that must end.
#[track_caller]
fn code_of(child: &mut Child) -> i32 {
    wait_for(|| child.try_wait().unwrap()).code().unwrap()
}

/// Waits until a file of the bench fulfils `holds`.
#[track_caller]
fn until(bench: &Bench, name: &str, holds: impl Fn(&str) -> bool) -> String {
    let path = bench.path().join(name);
    wait_for(|| Some(fs::read_to_string(&path).unwrap()).filter(|text| holds(text)))
}

#[test]
fn once_shows_a_failed_run_and_does_not_exit_with_0() {
    let bench = Bench::new();
    bench.write("progress.json", COMPLETE);
    let out = bench.run(&["watch", "progress.json", "--once"]).exits(1);
    assert!(out.stdout.starts_with("Status: FAIL (phase: complete,"), "{}", out.stdout);
    assert!(out.stdout.contains("the run was too short"));
    assert!(!out.stdout.contains('\u{1b}') && !out.stdout.contains("\n  - [PASS]"), "{}", out.stdout);
    let _ = bench.run(&["watch", "progress.json", "--once", "--fail-on", "never"]).exits(0);
    let markdown = bench.run(&["watch", ".", "--once", "--format", "markdown"]).exits(1).stdout;
    assert!(markdown.starts_with("# Run .: FAIL") && !markdown.contains('\u{1b}'), "{markdown}");
}

#[test]
fn once_shows_what_stands_in_the_snapshot_and_a_run_that_was_too_short() {
    let bench = Bench::new();
    let snapshot = r#"{"status":"pass","phase":"complete","now":"2025-01-06T01:00:00Z","elapsed_seconds":3600,
        "required_duration_seconds":7200,"incidents":[{"severity":"pass","message":"back again"},
        {"severity":"warn","message":{"code":7}}]}"#;
    bench.write("progress.json", snapshot);
    let out = bench.run(&["watch", "progress.json", "--once"]).exits(0);
    assert!(out.stdout.contains("[PASS] no time — back again"), "{}", out.stdout);
    assert!(out.stdout.contains("[WARN] no time — {\"code\":7}"), "{}", out.stdout);
    bench.write("progress.json", snapshot.replace("\"warn\"", "\"pass\""));
    let out = bench.run(&["watch", "progress.json", "--once"]).exits(0);
    assert!(out.stdout.contains("WARN, because the run lasted 1h, 2h are required"), "{}", out.stdout);
    let _ = bench.run(&["watch", "progress.json", "--once", "--fail-on", "warn"]).exits(1);
}

#[test]
fn once_without_a_snapshot_has_no_verdict() {
    let bench = Bench::new();
    bench.write("half.json", "{\"status\":\"pass\",\"pha");
    bench.write("foreign.json", "{\"schema\":\"emp-ops/audit/v1\",\"status\":\"pass\"}");
    bench.write("empty.json", "");
    bench.write("folder/notes.txt", "");
    for (path, why) in [
        ("missing.json", "does not exist"),
        ("half.json", "not valid JSON"),
        ("foreign.json", "another kind"),
        ("empty.json", "empty"),
        ("folder", "no run in folder"),
        ("/dev/null", "neither a file nor a directory"),
    ] {
        let out = bench.run(&["watch", path, "--once"]).exits(3);
        assert!(out.stdout.is_empty() && out.stderr.contains(why) && out.stderr.contains(path), "{out:?}");
        assert_eq!(out.stderr.lines().count(), 1, "{out:?}");
    }
}

#[test]
fn an_abandoned_run_is_a_fail() {
    let bench = Bench::new();
    bench.write(
        "progress.json",
        r#"{"status":"running","phase":"running","now":"2025-01-06T01:00:00Z","progress_interval_seconds":300}"#,
    );
    for args in [&["--once"][..], &["--exit-when-complete"]] {
        let out = bench.run(&[&["watch", "progress.json"], args].concat()).exits(1);
        assert!(out.stdout.contains("STALE HARNESS, because no new snapshot since 2025-01-06 01:00:00Z"), "{out:?}");
    }
}

#[test]
fn the_newest_run_of_a_root_is_chosen_and_named() {
    let bench = Bench::new();
    let root = fixture("watch/runs");
    let root = root.to_str().unwrap();
    let out = bench.run(&["watch", root, "--once"]).exits(0);
    assert!(out.stdout.contains("rehearsal-2, newest of 2 in"), "{}", out.stdout);
    let _ = bench.run(&["watch", root, "--once", "--fail-on", "warn"]).exits(1);
    let all = bench.run(&["watch", root, "--all", "--once"]).exits(0).stdout;
    let rows: Vec<&str> = all.lines().filter(|line| line.contains("rehearsal-")).collect();
    assert!(rows[0].contains("rehearsal-2") && rows[0].contains("WARN"), "{all}");
    assert!(rows[1].contains("rehearsal-1") && rows[1].contains("PASS") && rows[1].contains("99.91%"), "{all}");
    let lines = bench.run(&["watch", root, "--all", "--once", "--format", "json"]).exits(0).stdout;
    assert_eq!(lines.lines().count(), 2);
}

#[test]
fn it_waits_over_what_is_missing_or_broken_and_ends_only_when_the_phase_is_complete() {
    let bench = Bench::new();
    let mut watch = bench
        .command(&["watch", "runs/r1", "--exit-when-complete", "--interval", "20ms", "--format", "json"])
        .stdout(File::create(bench.path().join("out")).unwrap())
        .stderr(File::create(bench.path().join("err")).unwrap())
        .spawn()
        .unwrap();
    let read = |name: &str| fs::read_to_string(bench.path().join(name)).unwrap();
    until(&bench, "err", |text| text.contains("runs/r1 does not exist yet"));
    // The folder comes with its file: one without would be another problem.
    bench.write("made/r1/progress.json", "{\"status\":");
    fs::rename(bench.path().join("made"), bench.path().join("runs")).unwrap();
    until(&bench, "err", |text| text.contains("not valid JSON"));
    let failing = r#"{"status":"fail","phase":"running","incidents":[{"severity":"fail","message":"a"}]}"#;
    replace(&bench, "runs/r1/progress.json", failing);
    until(&bench, "out", |text| text.lines().count() == 1);
    replace(&bench, "runs/r1/progress.json", failing);
    replace(&bench, "runs/r1/progress.json", r#"{"status":"fail","phase":"sealing"}"#);
    until(&bench, "out", |text| text.lines().count() == 2);
    assert!(watch.try_wait().unwrap().is_none(), "a status of fail does not complete a run");
    replace(&bench, "runs/r1/progress.json", r#"{"status":"fail","phase":"complete"}"#);
    assert_eq!(code_of(&mut watch), 1);
    let lines: Vec<serde_json::Value> = read("out").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "unchanged snapshots are printed once");
    assert_eq!((lines[0]["state"].as_str(), lines[2]["state"].as_str()), (Some("live"), Some("complete")));
    assert_eq!(lines[1]["incidents"][0]["message"], "a", "incidents left out of a snapshot are kept");
    assert_eq!(read("err").lines().count(), 2, "each problem is reported once: {}", read("err"));
}

#[test]
fn the_wait_ends_when_the_supervisor_dies() {
    let bench = Bench::new();
    let mut supervisor = Command::new("sleep").arg("60").spawn().unwrap();
    let text = format!(r#"{{"status":"running","phase":"running","supervisor_pid":{}}}"#, supervisor.id());
    bench.write("progress.json", text);
    let mut watch = bench
        .command(&["watch", ".", "--exit-when-complete", "--interval", "20ms"])
        .stdout(File::create(bench.path().join("out")).unwrap())
        .spawn()
        .unwrap();
    let shown = until(&bench, "out", |text| text.contains("RUNNING"));
    assert!(!shown.contains("STALE"));
    // Not yet collected, it still has its process id.
    supervisor.kill().unwrap();
    assert_eq!(code_of(&mut watch), 1);
    supervisor.wait().unwrap();
    until(&bench, "out", |text| text.contains("is gone and the run is not complete"));
}

/// `emp-ops` on a pseudo-terminal of 80 by 24.
pub(crate) struct OnTerminal {
    pub(crate) child: Child,
    master: Option<File>,
}

impl OnTerminal {
    pub(crate) fn watch(bench: &Bench, args: &[&str]) -> Self {
        use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = File::options().read(true).write(true).open(name).unwrap();
        let size = rustix::termios::Winsize { ws_col: 80, ws_row: 24, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&master, size).unwrap();
        let end = || Stdio::from(OwnedFd::from(slave.try_clone().unwrap()));
        let mut command = bench.command(&[&["watch"], args].concat());
        command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(Stdio::null());
        Self { child: command.spawn().unwrap(), master: Some(master.into()) }
    }

    /// Everything that is written until `mark` appears, or until the terminal is closed.
    pub(crate) fn read_until(&mut self, mark: &str) -> String {
        let mut seen = Vec::new();
        let mut buffer = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(mark) {
            match self.master.as_mut().unwrap().read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => seen.extend_from_slice(&buffer[..count]),
            }
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// Everything that is written until the terminal is closed.
    fn read_to_end(&mut self) -> String {
        self.read_until("\u{0}never written")
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.master.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }
}

const GIVEN_BACK: &str = "\u{1b}[?1049l";

#[test]
fn the_dashboard_takes_the_terminal_and_gives_it_back() {
    let bench = Bench::new();
    bench.write("progress.json", COMPLETE);
    let mut terminal = OnTerminal::watch(&bench, &["."]);
    let screen = terminal.read_until("q quit");
    assert!(screen.contains("\u{1b}[?1049h") && screen.contains("FAIL"), "{screen:?}");
    assert!(!screen.contains("]0;pwn\u{7}"), "{screen:?}");
    assert!(screen.contains("\u{1b}[31") && !screen.contains("38;5"), "sixteen colours are enough: {screen:?}");
    terminal.press("?xf\u{1b}[B\rq");
    assert!(terminal.read_until(GIVEN_BACK).contains(GIVEN_BACK));
    assert_eq!(code_of(&mut terminal.child), 0);
}

#[test]
fn a_signal_gives_the_terminal_back_too() {
    let bench = Bench::new();
    bench.write("progress.json", COMPLETE);
    for (signal, code) in [(rustix::process::Signal::TERM, 143), (rustix::process::Signal::HUP, 129)] {
        let mut terminal = OnTerminal::watch(&bench, &["."]);
        terminal.read_until("q quit");
        rustix::process::kill_process(rustix::process::Pid::from_child(&terminal.child), signal).unwrap();
        assert!(terminal.read_until(GIVEN_BACK).contains(GIVEN_BACK));
        assert_eq!(code_of(&mut terminal.child), code);
    }
}

#[test]
fn a_terminal_that_is_closed_ends_the_dashboard() {
    let bench = Bench::new();
    bench.write("progress.json", COMPLETE);
    let mut terminal = OnTerminal::watch(&bench, &["."]);
    terminal.read_until("q quit");
    terminal.master = None;
    assert_eq!(code_of(&mut terminal.child), 129);
}

#[test]
fn leaving_before_the_end_is_no_verdict() {
    let bench = Bench::new();
    let mut terminal = OnTerminal::watch(&bench, &["later", "--exit-when-complete"]);
    terminal.read_until("q quit");
    terminal.press("q");
    assert_eq!(code_of(&mut terminal.child), 130);
}

#[test]
fn the_verdict_stays_on_the_terminal_when_the_run_is_complete() {
    let bench = Bench::new();
    bench.write("progress.json", COMPLETE);
    let mut terminal = OnTerminal::watch(&bench, &[".", "--exit-when-complete"]);
    let all = terminal.read_to_end();
    let after = all.split(GIVEN_BACK).nth(1).unwrap();
    assert!(after.contains("too short"), "{all:?}");
    assert_eq!(code_of(&mut terminal.child), 1);
}

/// The record decides whether a run is over, whatever its progress file was made to say.
#[test]
fn a_killed_run_does_not_pass_by_its_progress_file() {
    let bench = Bench::new();
    let options =
        "final-dry-run -q --no-diary --no-performance --duration 1h --run-name r --progress-interval 50ms -- sh -c";
    let options: Vec<&str> = options.split_whitespace().chain(["echo INFO up; exec sleep 987"]).collect();
    let mut child = bench.command(&options).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let progress = bench.path().join("runs/r/progress.json");
    wait_for(|| fs::read_to_string(&progress).ok()?.contains("\"total_lines\": 1").then_some(()));
    child.kill().unwrap();
    child.wait().unwrap();
    let killed: serde_json::Value = serde_json::from_slice(&fs::read(&progress).unwrap()).unwrap();
    for (state, phase) in [("running", "complete"), ("sealing", "complete"), ("sealing", "sealing")] {
        let mut shown = killed.clone();
        (shown["status"], shown["phase"], shown["exit_code"]) = ("pass".into(), phase.into(), 0.into());
        fs::write(&progress, shown.to_string()).unwrap();
        let path = bench.path().join("runs/r/run.json");
        let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        record["state"] = state.into();
        fs::write(&path, record.to_string()).unwrap();
        for args in
            [["watch", "runs/r", "--once", "--format", "json"].as_slice(), &["audit", "runs/r", "--format", "json"]]
        {
            let out = bench.run(args).exits(1);
            assert_eq!(out.json()["verdict"], "fail", "{state} {phase}: {out:?}");
        }
    }
}

#[test]
fn a_finished_run_is_played_back_and_a_run_that_never_starts_is_given_up() {
    let bench = Bench::new();
    let script = "echo up; sleep 1; echo 'ERROR: gone'; exec sleep 60";
    let options =
        ["-q", "--duration", "3s", "--progress-interval", "1s", "--no-diary", "--no-performance", "--run-name", "r"];
    let _ = bench.run(&[&["final-dry-run"], &options[..], &["--", "sh", "-c", script]].concat());
    let replay = bench.run(&["watch", "--replay", "runs/r", "--speed", "1000", "--interval", "20ms"]).exits(1);
    assert!(replay.stdout.contains("phase: complete") && replay.stdout.contains("ERROR: gone"), "{replay:?}");
    // At its start nobody knew of the error. Its first snapshot may be of the next second, and says of which.
    let before = bench.run(&["watch", "runs", "--at", "2020-01-01"]).exits(3);
    let start = before.stderr.trim().rsplit_once("its first is of ").unwrap().1.replace(' ', "T");
    let moment = bench.run(&["watch", "runs", "--at", &start]);
    assert!(moment.stdout.contains("Elapsed: ") && !moment.stdout.contains("gone"), "{moment:?}");
    assert!(before.stderr.contains("no snapshot by 2020-01-01"), "{before:?}");
    let _ = bench.run(&["watch", "elsewhere", "--replay"]).exits(3);
    let late = bench.run(&["watch", "elsewhere", "--wait", "100ms"]).exits(3);
    assert!(late.stderr.contains("does not exist yet"), "{late:?}");
    // Both take the newest run of a root.
    let audit = bench.run(&["audit", "runs"]).exits(1);
    assert!(audit.stderr.contains("judging runs/r, the newest of 1"), "{audit:?}");
}
