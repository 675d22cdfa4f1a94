//! Every scenario of the simulated runtime.

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Bench, Output, wait_for};

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
            // That nothing is found must be true of a busy machine too: the limits grow with the length of the run.
            let duration = if *scenario == "clean" { "12s" } else { "3s" };
            let options = ["--duration", duration, "--shutdown-grace", "1s", "--run-name", "r"];
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
        let archive = bench.run(&["audit", "runs/r/r-packet.tar.gz", "--format", "json"]).exits(*code);
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

#[test]
fn a_runtime_that_cannot_keep_its_pace_ends_when_it_is_asked_to() {
    let bench = Bench::new();
    let diary = bench.path().join("diary.json");
    let mut command = bench.command(&["simulate", "runtime", "--tick", "1ms"]);
    let mut child = command.env("DECISION_DIARY_PATH", &diary).stdout(Stdio::null()).spawn().unwrap();
    wait_for(|| diary.exists().then_some(()));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(wait_for(|| child.try_wait().unwrap()).code(), Some(0));
}
