//! One verdict, said once: every document of a run agrees on it, and names what it does not rest on.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::{Bench, Output};

/// A command that says something as long as it runs.
const BEATS: &str = "while :; do echo beat; sleep 0.1; done";
/// Options of a short run that keeps no diary and no performance report.
const BARE: &[&str] = &["--no-diary", "--no-performance"];

struct Run {
    bench: Bench,
    output: Output,
}

/// Supervises `sh -c script` with these options.
fn rehearse(options: &[&str], script: &str) -> Run {
    rehearse_with(Bench::new(), options, script)
}

fn rehearse_with(bench: Bench, options: &[&str], script: &str) -> Run {
    let second = if options.contains(&"--duration") { &[][..] } else { &["--duration", "1s"] };
    let start = &["final-dry-run", "--run-name", "r"][..];
    let output = bench.run(&[start, second, options, &["--", "sh", "-c", script]].concat());
    Run { bench, output }
}

impl Run {
    fn path(&self, name: &str) -> PathBuf {
        self.bench.path().join("runs/r").join(name)
    }

    fn document(&self, name: &str) -> Value {
        let bytes = fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}: {:?}", self.output));
        serde_json::from_slice(&bytes).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn audit(&self, subject: &str) -> Value {
        self.bench.run(&["audit", &format!("runs/r{subject}"), "--format", "json"]).json()
    }

    /// Every document of the run, by its name, and what `audit` says of the directory, the packet and the archive.
    fn documents(&self) -> Vec<(String, Value)> {
        let sealed = [
            "summary.json",
            "review.json",
            "backlog.json",
            "wrap_up.json",
            "progress.json",
            "packet/dry_run_summary.json",
            "packet/dry_run_sign_off.json",
        ];
        let audits = ["", "/packet", "/r-packet.tar.gz"];
        sealed
            .iter()
            .map(|name| ((*name).to_owned(), self.document(name)))
            .chain(audits.iter().map(|subject| (format!("audit r{subject}"), self.audit(subject))))
            .collect()
    }

    /// All documents, the first line of the terminal and the exit code say this verdict.
    #[track_caller]
    fn says(&self, verdict: &str, headline: &str) {
        assert_eq!(self.output.code, i32::from(verdict == "fail"), "{:?}", self.output);
        assert!(self.output.stdout.starts_with(&format!("{headline}  ")), "{headline}: {:?}", self.output);
        for (name, document) in self.documents() {
            assert_eq!((&document["status"], &document["verdict"]), (&json!(verdict), &json!(verdict)), "{name}");
            assert_eq!(document["headline"], headline, "{name}");
        }
        let gates = &self.document("summary.json")["summary"]["gates"];
        assert_eq!(gates, &self.document("packet/dry_run_sign_off.json")["gates"]);
        assert_eq!(gates, &self.audit("")["gates"], "the run directory");
    }

    #[track_caller]
    fn gate(&self, name: &str) -> Value {
        let sign_off = self.document("packet/dry_run_sign_off.json");
        let gates = sign_off["gates"].as_array().unwrap();
        gates.iter().find(|gate| gate["name"] == name).unwrap_or_else(|| panic!("no gate {name}: {gates:?}")).clone()
    }

    /// Severity and message of each incident.
    fn incidents(&self) -> Vec<String> {
        let record = self.document("run.json");
        let told = |i: &Value| format!("{} {}", i["severity"].as_str().unwrap(), i["message"].as_str().unwrap());
        record["incidents"].as_array().unwrap().iter().map(told).collect()
    }
}

#[test]
fn an_objective_that_was_missed_counts_in_every_document() {
    let run = rehearse(&[BARE, &["--objective", "failover=fail:no take-over"]].concat(), BEATS);
    run.says("fail", "FAIL with 2 waivers");
    assert_eq!(run.gate("objectives")["measured"], "failover: no take-over (stated by the operator)");
    // No review is needed for that; a warning counts as every other one does.
    let warned = &["--objective", "failover=warn", "--no-review", "--no-wrap-up"];
    let run = rehearse(&[BARE, warned].concat(), BEATS);
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    let run = rehearse(&[BARE, &["--note", "I do not approve"]].concat(), BEATS);
    assert_eq!(run.gate("objectives")["measured"], "consent: I do not approve (stated by the operator)");
    let run = rehearse(&[BARE, &["--objective", "failover=warn", "--allow-warnings"]].concat(), BEATS);
    run.says("warn", "WARN with 2 waivers, 1 limit relaxed");
}

#[test]
fn a_part_that_is_not_required_and_not_there_passes_and_is_shown() {
    for (key, gate) in [("optional_diary", "diary"), ("optional_performance", "performance")] {
        let bench = Bench::new();
        bench.write("p.toml", format!("[sign_off]\nmin_uptime = 0.5\n{key} = true\n"));
        let other = if gate == "diary" { "--no-performance" } else { "--no-diary" };
        let options = ["--duration", "1s", "--policy", "p.toml", other];
        let run = rehearse_with(bench, &options, BEATS);
        run.says("pass", "PASS with 2 waivers, 1 limit relaxed");
        let row = run.gate(gate);
        assert_eq!((&row["status"], &row["not_required"]["by"]), (&json!("pass"), &json!("p.toml:3")), "{row}");
    }
}

#[test]
fn what_was_waived_and_relaxed_is_named_with_its_source() {
    let loose = ["--min-uptime", "0", "--warn-gap", "1000h", "--allow-warnings"];
    let run = rehearse(&[BARE, &loose].concat(), BEATS);
    run.says("pass", "PASS with 2 waivers, 4 limits relaxed");
    for name in ["summary.md", "review.md", "wrap_up.md", "backlog.md", "packet/dry_run_summary.md"] {
        let text = run.text(name);
        assert!(text.contains("2 waivers, 4 limits relaxed") && text.contains("RELAXED from 98%"), "{name}: {text}");
    }

    let policy = "[logs]\nwarn_gap = \"1000h\"\n\n[sign_off]\nmin_uptime = 0.0\nallow_warnings = true\n\
                  optional_diary = true\noptional_performance = true\n";
    let bench = Bench::new();
    bench.write("p.toml", policy);
    let run = rehearse_with(bench, &["--duration", "1s", "--policy", "p.toml"], BEATS);
    run.says("pass", "PASS with 2 waivers, 4 limits relaxed");
    for (name, document) in run.documents().into_iter().filter(|(name, _)| !name.contains("sign_off")) {
        let rows = document["criteria"].as_array().unwrap_or_else(|| panic!("{name} has no criteria"));
        let row = rows.iter().find(|row| row["limit"] == "min_uptime").unwrap();
        assert_eq!((&row["value"], &row["source"], &row["relaxed"]), (&json!("0%"), &json!("p.toml:5"), &json!(true)));
        assert_eq!(row["policy_sha256"].as_str().map(str::len), Some(64), "{name}");
        assert_eq!(row["relaxed_from"], "98% (default)", "{name}");
    }
}

#[test]
fn a_policy_that_an_option_loosens_is_named() {
    let bench = Bench::new();
    bench.write("p.toml", "[sign_off]\nmin_duration = \"1s\"\nmin_uptime = 0.99\n");
    let options = [BARE, &["--policy", "p.toml", "--required-duration", "500ms", "--min-uptime", "0.98"]].concat();
    let run = rehearse_with(bench, &options, BEATS);
    run.says("pass", "PASS with 2 waivers, 2 limits relaxed");
    let text = run.text("summary.md");
    assert!(text.contains("RELAXED from 1s (p.toml:2)") && text.contains("RELAXED from 99% (p.toml:3)"), "{text}");
    // A stricter option relaxes nothing, and what the judge asks for in addition is told apart from the run's own.
    let stricter = run.bench.run(&["audit", "runs/r", "--min-uptime", "0.999", "--format", "json"]).json();
    let rows = stricter["criteria"].as_array().unwrap();
    let row = rows.iter().find(|row| row["limit"] == "min_uptime").unwrap();
    assert_eq!((&row["source"], &row["relaxed"]), (&json!("--min-uptime"), &json!(false)));
}

#[test]
fn a_simulated_run_says_so_everywhere_and_is_no_pass() {
    let bench = Bench::new();
    let program = env!("CARGO_BIN_EXE_emp-ops");
    let simulate = ["final-dry-run", "--simulate", "--label", "Release 7", "--duration", "2s", "--run-name", "r"];
    let output = bench.run(&simulate);
    let clean = Run { bench, output };
    clean.says("warn", "WARN (simulated)");
    let bench = Bench::new();
    // The same, started by hand.
    let command = ["--", program, "simulate", "runtime", "--scenario", "clean", "--tick", "50ms"];
    let output = bench.run(&[&["final-dry-run", "--run-name", "r", "--duration", "2s"], &command[..]].concat());
    let by_hand = Run { bench, output };
    by_hand.says("warn", "WARN (simulated)");
    for run in [&clean, &by_hand] {
        assert!(run.documents().iter().all(|(_, document)| document["simulated"] == true));
        assert!(run.output.stdout.lines().next().unwrap().matches("(simulated)").count() == 2, "title and headline");
        for name in ["summary.md", "review.md", "wrap_up.md", "backlog.md", "packet/dry_run_summary.md"] {
            assert!(run.text(name).lines().next().unwrap().contains("simulated"), "{name}");
        }
        let watched = run.bench.run(&["watch", "runs/r", "--once"]);
        assert!(watched.stdout.contains("Headline: WARN (simulated)"), "{watched:?}");
        assert!(watched.stdout.contains("Run: runs/r (simulated)"), "{watched:?}");
        let others = run.audit("")["gates"].as_array().unwrap().clone();
        assert!(others.iter().filter(|gate| gate["name"] != "subject").all(|gate| gate["status"] == "pass"));
    }
}

#[test]
fn minutes_judge_the_duration_as_the_run_did() {
    let bench = Bench::new();
    for (seconds, target, met) in [
        (2.0, 20.0, false),
        (19.8, 20.0, true),
        (19.7, 20.0, false),
        (258_900.0, 259_200.0, true),
        (258_890.0, 259_200.0, false),
    ] {
        let summary = json!({"status": "pass", "summary": {"status": "pass", "logs": {"duration_seconds": seconds, "records": 9}},
            "sign_off": {"status": "pass", "criteria": {"minimum_duration_seconds": target}}});
        bench.write("s.json", summary.to_string());
        let minutes = bench.run(&["wrap-up", "s.json", "--format", "json"]).json();
        assert_eq!(minutes["duration_met"], met, "{seconds} of {target}");
        assert_eq!(minutes["verdict"], if met { "pass" } else { "fail" }, "{seconds} of {target}");
    }
    let run = rehearse(&[BARE, &["--duration", "20s"]].concat(), "echo up; sleep 1; echo done");
    let minutes = run.document("wrap_up.json");
    assert_eq!((&minutes["duration_met"], &minutes["duration_tolerance_seconds"]), (&json!(false), &json!(0.2)));
}

#[test]
fn a_crash_that_an_allowed_restart_answers_is_a_warning() {
    let options = [
        BARE,
        &[
            "--duration",
            "2s",
            "--restart",
            "on-failure",
            "--backoff",
            "50ms",
            "--min-uptime",
            "0.2",
            "--allow-warnings",
        ],
    ];
    let once = format!("echo up; test -e once || {{ touch once; sleep 0.2; exit 3; }}; {BEATS}");
    let run = rehearse(&options.concat(), &once);
    run.says("warn", "WARN with 2 waivers, 2 limits relaxed");
    let told = run.incidents();
    assert!(told.len() == 1 && told[0].starts_with("warn the command exited with code 3, back after "), "{told:?}");

    let hangs = format!("echo up; test -e once || {{ touch once; exec sleep 60; }}; {BEATS}");
    let run = rehearse(&[options.concat(), vec!["--hang-timeout", "500ms"]].concat(), &hangs);
    run.says("warn", "WARN with 2 waivers, 2 limits relaxed");
    let told = run.incidents();
    assert!(told.len() == 1 && told[0].starts_with("warn the command hung (no output for "), "{told:?}");

    let run = rehearse(&[options.concat(), vec!["--max-restarts", "1"]].concat(), "echo up; sleep 0.1; exit 3");
    run.says("fail", "FAIL with 2 waivers, 2 limits relaxed");
    assert!(run.incidents().iter().any(|told| told == "fail the command exited with code 3"), "{:?}", run.incidents());
}

#[test]
fn an_uptime_is_one_figure_and_lists_what_it_lacks() {
    let crashes =
        format!("echo up; for n in 1 2; do test -e $n || {{ touch $n; sleep 0.2; kill -SEGV $$; }}; done; {BEATS}");
    let options = ["--duration", "3s", "--restart", "on-failure", "--backoff", "400ms", "--allow-warnings"];
    let run = rehearse(&[BARE, &options].concat(), &crashes);
    let summary = run.document("summary.json");
    let logs = &summary["summary"]["logs"];
    let uptime = logs["uptime_ratio"].as_f64().unwrap();
    assert!((0.2..0.9).contains(&uptime), "{uptime}");
    assert_eq!(run.document("progress.json")["uptime_ratio"], logs["uptime_ratio"]);
    let downs = logs["down_times"].as_array().unwrap();
    assert_eq!(downs.len(), 2, "{downs:?}");
    assert!(downs.iter().all(|down| down["cause"] == "the command ended by signal 11"), "{downs:?}");
    let lost: f64 = downs.iter().map(|down| down["seconds"].as_f64().unwrap()).sum();
    let length = logs["duration_seconds"].as_f64().unwrap();
    assert!((1.0 - lost / length - uptime).abs() < 0.02, "{lost} of {length}: {uptime}");
    run.says("fail", "FAIL with 2 waivers, 1 limit relaxed");
    assert!(!format!("{}{}", run.output.stdout, run.text("summary.md")).contains("lower"), "{:?}", run.output);
    assert!(run.output.stdout.contains("Down-times"), "{:?}", run.output);

    let silent = "echo up; sleep 0.1; echo quiet; sleep 1.2; echo back; exec sleep 9";
    let run = rehearse(&[BARE, &["--duration", "2s", "--warn-gap", "500ms", "--allow-warnings"]].concat(), silent);
    let logs = &run.document("summary.json")["summary"]["logs"];
    let downs = logs["down_times"].as_array().unwrap();
    assert!(downs[0]["cause"].as_str().unwrap().starts_with("no output for 1."), "{downs:?}");
    assert_eq!(run.document("progress.json")["uptime_ratio"], logs["uptime_ratio"]);
}

#[test]
fn the_time_that_a_command_takes_to_end_is_no_part_of_the_run() {
    let drains = format!("exec 2>/dev/null; trap 'sleep 1.5; echo saved; exit' INT; {BEATS}");
    let run = rehearse(BARE, &drains);
    run.says("pass", "PASS with 2 waivers");
    let record = run.document("run.json");
    let figure = |key: &str| record[key].as_f64().unwrap();
    assert!((1.0..1.4).contains(&figure("duration_seconds")), "{record}");
    assert!((1.4..4.0).contains(&figure("drain_seconds")), "{record}");
    assert!(run.output.stdout.contains("stopped at its time, then drained for "), "{:?}", run.output);

    let stubborn = format!("exec 2>/dev/null; trap '' INT TERM; {BEATS}");
    let run = rehearse(&[BARE, &["--shutdown-grace", "600ms"]].concat(), &stubborn);
    run.says("fail", "FAIL with 2 waivers");
    assert!(run.output.stdout.contains("stopped at its time, killed after "), "{:?}", run.output);
    assert!(run.document("run.json")["duration_seconds"].as_f64().unwrap() < 1.5);
}

#[test]
fn silence_from_the_start_is_no_uptime() {
    for script in [
        "echo up; exec sleep 60",
        "echo up; echo ready; exec sleep 60",
        "exec sleep 60",
        "sleep 2.5; echo up; sleep 0.1; echo ready; exec sleep 60",
        // Times that the lines claim for themselves do not fill the silence after them.
        "for s in 0 1 2 3; do date -u -d \"+$s seconds\" +'%Y-%m-%dT%H:%M:%SZ INFO beat'; done; exec sleep 60",
    ] {
        let run = rehearse(&[BARE, &["--duration", "3s"]].concat(), script);
        run.says("fail", "FAIL with 2 waivers");
        let gate = run.gate("uptime");
        assert!(gate["measured"].as_str().unwrap().starts_with("no uptime was measured: "), "{gate}");
        // And no document shows a figure.
        let summary = run.document("summary.json");
        assert_eq!(summary["summary"]["logs"]["uptime_ratio"], json!(null));
        assert!(
            gate["measured"]
                .as_str()
                .unwrap()
                .ends_with(summary["summary"]["logs"]["uptime_not_measured"].as_str().unwrap())
        );
        assert_eq!(run.document("progress.json")["uptime_ratio"], json!(null));
        assert!(run.text("wrap_up.md").contains("| uptime | not measured: "));
    }
    let run = rehearse(BARE, BEATS);
    let gate = run.gate("uptime");
    let measured = gate["measured"].as_str().unwrap();
    assert!(measured.contains("longest silence ") && measured.ends_with("silences up to 10s are free"), "{measured}");
}

#[test]
fn silence_is_judged_against_the_length_that_is_asked_for() {
    let bench = Bench::new();
    let line = |minute: u32| format!("2025-03-03T08:{minute:02}:00Z INFO beat {minute}\n");
    // 44 of 47 minutes are silent; the same silence is free where nobody asks for a length.
    bench.write("a.log", [0, 1, 2, 46, 47].map(line).concat());
    let audit = |options: &[&str]| bench.run(&[&["audit", "--log", "a.log", "--format", "json"], options].concat());
    assert_eq!(audit(&[]).exits(0).json()["policy"]["logs"]["warn_gap_seconds"], 3600.0);
    let optional = ["--sign-off-optional-diary", "--sign-off-optional-performance"];
    let asked = audit(&[&optional[..], &["--sign-off-min-duration", "47m"]].concat()).exits(1).json();
    assert_eq!(asked["policy"]["logs"]["warn_gap_seconds"], 705.0);
    assert_eq!(asked["logs"]["gap_incidents"][0]["severity"], "fail");
    // Two records are the least that an uptime can be measured by.
    bench.write("a.log", line(0));
    let single = audit(&[&optional[..], &["--sign-off-min-uptime", "0.9"]].concat()).exits(1).json();
    let gates = single["gates"].as_array().unwrap();
    let uptime = gates.iter().find(|gate| gate["name"] == "uptime").unwrap();
    assert_eq!(uptime["measured"], "no uptime was measured: 1 record");
}

#[test]
fn documents_of_the_other_commands_say_their_verdict_under_both_keys() {
    let bench = Bench::new();
    bench.write("expected.jsonl", "");
    bench.write("fired.jsonl", "");
    let alerts = ["stage-alerts", "--expected", "expected.jsonl", "--fired", "fired.jsonl", "--format", "json"];
    fs::create_dir(bench.path().join("sessions")).unwrap();
    let qa = ["offline-qa", "--input", "sessions", "--out", "qa", "--format", "json"];
    let smoke = ["stage-smoke", "--simulate", "--format", "json"];
    for args in [&alerts[..], &qa, &smoke] {
        let output = bench.run(args);
        let document = output.json();
        assert!(document["verdict"].is_string() && document["verdict"] == document["status"], "{args:?}: {document}");
    }
}
