//! What is refused before anything starts, and what the options of a run decide.

use std::fs;

use super::{SHORT, UNHURRIED, rehearse};
use crate::harness::Bench;

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
        (&["--duration", "1h", "--required-duration", "2h"][..], "--min-duration"),
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
fn a_policy_file_counts_at_the_end_too() {
    let bench = Bench::new();
    bench.write("policy.toml", "[performance]\nmin_roi = 5.0\n");
    let options = ["final-dry-run", "--simulate", "--duration", "2s", "--policy", "policy.toml", "--allow-warnings"];
    let out = bench.run(&[&options[..], UNHURRIED].concat()).exits(0);
    assert!(out.stdout.starts_with("WARN"), "the return of 1.5 % is below the policy's: {out:?}");
}

#[test]
fn warnings_are_accepted_only_where_that_is_asked_for() {
    let bench = Bench::new();
    let options = [&["--duration", "2s", "--allow-warnings"], UNHURRIED].concat();
    let _ =
        bench.run(&[&["final-dry-run", "--simulate", "warnings", "--run-name", "w"][..], &options].concat()).exits(0);
    let out =
        bench.run(&[&["final-dry-run", "--simulate", "grandchild", "--run-name", "g"][..], &options].concat()).exits(0);
    assert!(out.stdout.starts_with("WARN"), "{out:?}");
    let _ = bench.run(&["audit", "runs/g/packet", "--fail-on", "warn"]).exits(1);
}

#[test]
fn verbose_tells_limits_monitors_files_and_what_was_learnt_on_standard_error() {
    let bench = Bench::new();
    let options = ["-v", "--min-uptime", "0.5", "--max-cpu", "150", "--sample-interval", "1m", "--compress", "zst"];
    let run = rehearse(&bench, &options, "for i in 1 2 3; do echo \"2025-01-06 00:00:0$i INFO app: step $i\"; done");
    for says in [
        "limit min_uptime: 50% (--min-uptime), RELAXED from 98% (default)\n",
        "samples of CPU and memory: every 1m; at most CPU 150% of one core\n",
        ".jsonl.zst and .log.zst\n",
        "progress.json: every 5m, kept in progress_timeline/\n",
        "layout learnt of stdout: time `YYYY-MM-DD hh:mm:ss` in field 0",
        ".log.zst: ",
        ", 3 lines, SHA-256 ",
    ] {
        assert!(run.output.stderr.contains(says), "{says}: {}", run.output.stderr);
    }
}

#[test]
fn what_standard_error_says_may_count_for_less_but_not_in_silence() {
    let bench = Bench::new();
    let script = "echo 'cannot open the ledger' >&2; while :; do echo INFO tick; sleep 0.1; done";
    let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s", "--run-name", "r"];
    let _ = bench.run(&[&options[..], &["--stderr-level", "info", "--", "sh", "-c", script]].concat()).exits(0);
    for place in ["runs/r", "runs/r/packet", "runs/r/r-packet.tar.gz"] {
        let audit = bench.run(&["audit", place, "--format", "json"]).exits(0).json();
        assert_eq!(audit["headline"], "PASS with 2 waivers, 1 limit relaxed", "{place}");
        let rows = audit["criteria"].as_array().unwrap();
        let row = rows.iter().find(|row| row["limit"] == "stderr_level").unwrap();
        assert_eq!((&row["value"], &row["source"]), (&"info".into(), &"--stderr-level".into()), "{place}");
        assert_eq!(row["relaxed_from"], "error (default)", "{place}");
    }
    // Of one of several workloads, too.
    let ticks = "while :; do echo INFO tick; sleep 0.1; done";
    let file =
        format!("[[workload]]\nname = \"a\"\ncommand = [\"sh\", \"-c\", \"{ticks}\"]\nstderr_level = \"warning\"\n");
    bench.write("w.toml", file);
    let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "2s", "--run-name", "w"];
    // The uptime of so short a run depends on how busy the machine is, and so does the exit code.
    let out = bench.run(&[&options[..], &["--workloads", "w.toml"]].concat());
    assert!(out.stdout.contains("a/stderr_level warning (w.toml:"), "{out:?}");
}

#[test]
fn the_simulator_is_no_system_however_it_is_started() {
    let bench = Bench::new();
    let exe = env!("CARGO_BIN_EXE_emp-ops");
    let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "2s", "--run-name"];
    let shell = format!("exec {exe} simulate runtime --tick 100ms");
    let file = format!(
        "[[workload]]\nname = \"a\"\ncommand = [\"{exe}\", \"simulate\", \"runtime\", \"--tick\", \"100ms\"]\n"
    );
    bench.write("w.toml", file);
    for (name, rest) in [
        ("direct", &["--", exe, "simulate", "runtime", "--tick", "100ms"][..]),
        ("shell", &["--", "sh", "-c", &shell]),
        ("workload", &["--workloads", "w.toml"]),
    ] {
        // A busy machine may make it a FAIL as well, of so short a run.
        let out = bench.run(&[&options[..], &[name], rest].concat());
        let (first, told) =
            (out.stdout.lines().next().unwrap_or_default(), "the built-in simulator ran, not your system");
        assert!(first.contains("(simulated)") && out.stdout.contains(told), "{name}: {out:?}");
    }
}
