//! `audit` of run directories, whole and damaged.

use std::fs;
use std::path::Path;

use emp_ops::io::read::scan::{ScanOptions, expand, scan};
use emp_ops::time::Stamp;

use super::tampering::mend_head;
use super::{bench, verdict};
use crate::harness::{Bench, Output, fixture};

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.unwrap();
        let target = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir_all(target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A bench with a copy of our run directory that a test may damage.
pub(super) fn run() -> Bench {
    let bench = Bench::new();
    copy(&fixture("audit/run"), &bench.path().join("run"));
    bench
}

fn edit(bench: &Bench, file: &str, from: &str, to: &str) {
    let path = bench.path().join("run").join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_run_is_judged_by_its_own_settings() {
    let out = bench().run(&["audit", "audit/run"]).exits(0);
    insta::assert_snapshot!(out.stdout);
}

#[test]
fn the_raw_log_is_not_counted_twice_and_options_win_over_the_settings() {
    let args = ["audit", "audit/run", "--format", "json"];
    let json = bench().run(&args).exits(0).json();
    assert_eq!(json["logs"]["records"], 15);
    assert_eq!(json["logs"]["duration_seconds"], 60.0);
    assert_eq!(json["policy"]["logs"]["warn_gap_seconds"], 10.0);
    let out = bench().run(&[&args[..], &["--sign-off-min-duration", "2m"]].concat()).exits(1);
    assert_eq!(out.json()["to_fix"], serde_json::json!(["duration"]));
}

#[test]
fn damage_is_found_and_named() {
    type Damage = fn(&Bench);
    let remove: fn(&Bench, &str) = |bench, file| fs::remove_file(bench.path().join("run").join(file)).unwrap();
    let cases: &[(&str, Damage)] = &[
        ("was not completed", |b| edit(b, "run.json", "\"complete\"", "\"running\"")),
        ("run record cannot be read", |b| edit(b, "run.json", "\"settings\"", "\"other\"")),
        ("snapshot 1 is missing", |b| {
            fs::remove_file(b.path().join("run/progress_timeline/snapshot-000001.json")).unwrap();
        }),
        ("snapshot 1 was altered", |b| edit(b, "progress_timeline/snapshot-000001.json", "running", "stopped")),
        ("it ends after 0 of 3", |b| fs::remove_dir_all(b.path().join("run/progress_timeline")).unwrap()),
        ("the log cannot be read", |b| fs::remove_dir_all(b.path().join("run/logs")).unwrap()),
        ("is outside", |b| {
            edit(b, "run.json", "\"logs/final_dry_run_20250303T080000Z.jsonl\"\n    ]", "\"../../etc\"]");
        }),
        ("lasted 259200 seconds, but 60 passed", |b| {
            edit(b, "run.json", "\"duration_seconds\": 60.0", "\"duration_seconds\": 259200");
        }),
        ("no incident of its record says so", |b| edit(b, "run.json", "duration_reached", "gave_up")),
        ("no incident of its record says so", |b| {
            edit(b, "run.json", "duration_reached", "command_ended");
            edit(b, "run.json", "\"exit_code\": 0", "\"exit_code\": 7");
        }),
        ("does not say when or why it ended", |b| {
            edit(b, "run.json", "\"ended_at\": \"2025-03-03T08:01:00+00:00\",\n  \"dur", "\"dur");
        }),
        ("does not say when or why it ended", |b| edit(b, "run.json", "\"ended_because\": \"duration_reached\",", "")),
        ("minimum_uptime_ratio of the run record is out of its range", |b| edit(b, "run.json", "0.98", "1e300")),
        ("3 lines of the command were lost", |b| {
            edit(b, "run.json", "\"lost_lines\": 0", "\"lost_lines\": 3");
        }),
        ("(run.json) is missing", |b| fs::remove_file(b.path().join("run/run.json")).unwrap()),
        ("disk is full", |b| {
            let incident = r#""incidents": [{"severity": "fail", "occurred_at": "2025-03-03T08:00:30Z",
                "message": "the disk is full", "kind": "disk"}]"#;
            edit(b, "run.json", "\"incidents\": []", incident);
        }),
    ];
    for (expect, damage) in cases {
        let bench = run();
        damage(&bench);
        let out = bench.run(&["audit", "run"]).exits(1);
        assert!(out.stdout.starts_with("FAIL"), "{out:?}");
        assert!(
            out.stdout.split_once("\nGates").unwrap().0.replace("\n          ", " ").contains(expect),
            "{expect}: {}",
            out.stdout
        );
    }
    let bench = run();
    remove(&bench, "decision_diary.json");
    let out = bench.run(&["audit", "run", "--format", "json"]).exits(1);
    assert_eq!(out.json()["to_fix"], serde_json::json!(["diary", "record"]));
}

/// Makes the logs of a run those of another writer, which does not note when it received a line.
pub(super) fn of_another_writer(run: &Path) {
    for entry in fs::read_dir(run.join("logs")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"received\"", "\"offset\"")).unwrap();
    }
}

#[test]
fn incidents_that_the_logs_show_are_not_counted_twice() {
    let bench = run();
    let incident = r#""incidents": [{"severity": "fail", "occurred_at": "2025-03-03T08:00:30Z",
        "message": "an error line", "kind": "log_level"}]"#;
    edit(&bench, "run.json", "\"incidents\": []", incident);
    edit(&bench, "run.json", "\"incident_counts\": {}", "\"incident_counts\": {\"fail\": 1}");
    mend_head(&bench.path().join("run"));
    assert_eq!(verdict(&bench.run(&["audit", "run", "--format", "json"]).exits(0)), "pass");
}

#[test]
fn a_run_that_was_cut_short_shows_the_incidents_of_its_last_snapshot() {
    let bench = run();
    edit(&bench, "run.json", "\"complete\"", "\"running\"");
    let progress = r#"{"schema": "emp-ops/progress/v1", "incidents": [{"severity": "fail", "kind": "exit",
        "occurred_at": "2025-03-03T08:00:30Z", "message": "the command exited with code 3"}]}"#;
    bench.write("run/progress.json", progress);
    let out = bench.run(&["audit", "run"]).exits(1);
    assert!(out.stdout.contains("exited with code 3"), "{out:?}");
}

#[test]
fn the_time_in_which_nothing_ran_counts_against_the_uptime_once() {
    let bench = run();
    let path = bench.path().join("run/run.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    // 20 of 60 seconds between two attempts, and 6 after the last.
    record["attempts"] = serde_json::json!([
        {"number": 1, "pid": 1, "started_at": "2025-03-03T08:00:00Z", "ended_at": "2025-03-03T08:00:10Z"},
        {"number": 2, "pid": 2, "started_at": "2025-03-03T08:00:30Z", "ended_at": "2025-03-03T08:00:54Z"},
    ]);
    fs::write(path, record.to_string()).unwrap();
    let log = fs::read_dir(bench.path().join("run/logs")).unwrap().flatten().map(|entry| entry.path());
    let log = log.into_iter().find(|path| path.extension().is_some_and(|e| e == "jsonl")).unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let uptime = |bench: &Bench| {
        bench.run(&["audit", "run", "--format", "json"]).exits(1).json()["logs"]["uptime_ratio"].as_f64().unwrap()
    };
    let expected = 1.0 - 26.0 / 60.0;
    assert!((uptime(&bench) - expected).abs() < 1e-9, "{}", uptime(&bench));
    // Silence in the pause is the same time.
    let quiet = |line: &&str| !("08:00:12".."08:00:30").contains(&&line[26..34]);
    let left: Vec<&str> = text.lines().filter(quiet).collect();
    fs::write(log, left.join("\n") + "\n").unwrap();
    assert_eq!(left.len(), 10);
    assert!((uptime(&bench) - expected).abs() < 1e-9, "{}", uptime(&bench));
}

#[test]
fn silence_at_the_ends_of_a_supervised_run_counts() {
    let bench = run();
    edit(&bench, "run.json", "08:01:00+00:00", "08:02:00+00:00");
    let out = bench.run(&["audit", "run", "--format", "json"]).exits(1);
    assert_eq!(out.json()["logs"]["totals"]["gap_incidents"], 1);
}

#[test]
fn a_run_of_another_writer_is_read_by_convention() {
    let bench = run();
    fs::remove_file(bench.path().join("run/run.json")).unwrap();
    fs::remove_dir_all(bench.path().join("run/progress_timeline")).unwrap();
    of_another_writer(&bench.path().join("run"));
    let progress = r#"{"phase": "complete", "status": "pass", "required_duration_seconds": 50,
        "minimum_uptime_ratio": 0.9, "require_diary_evidence": true, "require_performance_evidence": true}"#;
    bench.write("run/progress.json", progress);
    let args = ["audit", "run", "--format", "json"];
    let json = bench.run(&args).exits(0).json();
    assert_eq!(json["sign_off"]["criteria"]["minimum_duration_seconds"], 50.0);
    bench.write("run/progress.json", progress.replace("complete", "running"));
    assert_eq!(bench.run(&args).exits(1).json()["to_fix"], serde_json::json!(["run"]));
    // A run of ours without its record is no longer vouched for.
    bench.write("run/progress.json", progress.replacen('{', "{\"schema\": \"emp-ops/progress/v1\", ", 1));
    assert_eq!(bench.run(&args).exits(1).json()["to_fix"], serde_json::json!(["run"]));
}

/// Whatever is printed and however it is packed. Paths in the documents of a run are relative to it.
#[test]
fn an_untouched_run_is_the_same_as_directory_packet_and_archive() {
    // Rotation, a restart, a line that is cut, one without an end, masked values, colours and bytes that are no text.
    let script = r#"[ -e again ] || { touch again; printf 'INFO first try\nno end'; exit 3; }
        for i in 1 2 3 4 5 6; do printf 'INFO tick %s\n' $i; printf '\033[32mINFO\033[0m green\r\n\377\376\000\n'; done
        head -c 1200000 /dev/zero | tr '\0' x; echo; echo "INFO token=$SECRET_TOKEN"; printf 'INFO no end'"#;
    for packing in ["none", "gz", "xz", "zst"] {
        let bench = Bench::new();
        let options = "final-dry-run --diary outside/diary.json --no-performance --duration 1h --run-name r \
                       --restart on-failure --backoff 100ms --rotate-size 1MB --warn-gap 1m \
                       --fail-gap 1m --live-gap 1m --progress-interval 300ms --diary-stale-warn 200ms -q --format json";
        let mut command = bench.command(&options.split_whitespace().collect::<Vec<_>>());
        command.args([
            "--attendee",
            " Ann \t Lee ",
            "--attendee",
            " ",
            "--note",
            "one\u{2028}<b>two</b>",
            "--label",
            " R  7",
        ]);
        command.env("SECRET_TOKEN", "hush-hush-4711").args(["--compress", packing, "--", "sh", "-c", script]);
        let out: Output = command.output().unwrap().into();
        let verdict = out.json()["verdict"].clone();
        for at in ["runs/r", "runs/r/packet", "runs/r/r-packet.tar.gz"] {
            let audit = bench.run(&["audit", at, "--format", "json"]).json();
            assert_eq!(audit["record"]["differs"], serde_json::json!([]), "{packing} {at}");
            assert_eq!(audit["verdict"], verdict, "{packing} {at}");
        }
        let record: serde_json::Value =
            serde_json::from_slice(&fs::read(bench.path().join("runs/r/run.json")).unwrap()).unwrap();
        assert!(record["attempts"].as_array().unwrap().len() > 1, "{packing}: {record:#}");
        assert!(record["capture"]["cut_lines"].as_u64() > Some(0), "{packing}: {record:#}");
        let here = bench.path().display().to_string();
        for name in ["progress.json", "run.json"] {
            let document: serde_json::Value =
                serde_json::from_slice(&fs::read(bench.path().join("runs/r").join(name)).unwrap()).unwrap();
            for incident in document["incidents"].as_array().unwrap() {
                let path = incident["metadata"]["path"].as_str().unwrap_or_default();
                assert!(!path.starts_with(&format!("{here}/runs")), "{name}: {path}");
            }
        }
    }
}

#[test]
fn a_run_whose_clock_was_ahead_says_the_same_whenever_it_is_judged() {
    let bench = Bench::new();
    let log = bench.write("a.log", "2199-01-01T00:00:00Z INFO a\n2199-01-01T00:00:01Z INFO b\n");
    let second = |second: &str| Stamp::parse(&format!("2199-01-01T00:00:0{second}Z")).unwrap();
    for (window, future) in [(None, true), (Some((second("0"), second("1"))), false)] {
        let (sources, _) = expand(std::slice::from_ref(&log), None);
        let summary = scan(&sources, &ScanOptions { window, ..ScanOptions::default() });
        let told = summary.findings.iter().any(|finding| finding.summary.contains("is in the future"));
        assert_eq!(told, future, "{:?}", summary.findings);
    }
}
