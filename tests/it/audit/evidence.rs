//! Diaries and performance reports that say nothing, or tell of another run.

use serde_json::{Value, json};

use super::verdict;
use crate::harness::Bench;

/// Log records of a run of 72 hours, one an hour, from 2025-01-06.
fn three_days(bench: &Bench) {
    let start = 1_736_121_600_i64;
    let lines: String = (0..=72)
        .map(|hour| json!({"time": start + hour * 3600, "level": "info", "message": "tick"}).to_string() + "\n")
        .collect();
    bench.write("run.jsonl", lines);
}

/// What `audit` says of a run of 72 hours with this performance report.
fn with_report(report: &Value) -> (String, String) {
    let bench = Bench::new();
    three_days(&bench);
    bench.write("p.json", report.to_string());
    let out = bench.run(&["audit", "--log", "run.jsonl", "--performance", "p.json", "--format", "json"]);
    let because = out.json()["performance"]["findings"].to_string();
    (verdict(&out), because)
}

#[test]
fn a_performance_report_without_possible_figures_of_the_run_fails() {
    let period = |start: &str, end: &str, figures: Value| {
        let mut report = json!({"period_start": start, "generated_at": end});
        report.as_object_mut().unwrap().extend(figures.as_object().unwrap().clone());
        report
    };
    let good = || json!({"trades": 40, "roi": 0.02, "win_rate": 0.6, "sharpe_ratio": 1.4});
    let run = ("2025-01-06", "2025-01-09");
    for (report, expect, why) in [
        (period(run.0, run.1, good()), "pass", "[]"),
        (period(run.0, run.1, json!({"trades": 0, "roi": null, "win_rate": null})), "fail", "no figures"),
        (period(run.0, run.1, json!({"aggregates": {"trades": 0}})), "fail", "no figures"),
        (period(run.0, run.1, json!({"trades": 40, "win_rate": 7.0})), "fail", "no share from 0 to 1"),
        (period(run.0, run.1, json!({"trades": -4, "roi": 0.02})), "fail", "negative"),
        (period(run.0, run.1, json!({"trades": 4, "roi": 1e12})), "fail", "no run reaches"),
        (period("2019-01-09", run.1, good()), "fail", "a tenth of the period"),
        (period("2025-01-08T23:59:00Z", run.1, good()), "fail", "a tenth of the run"),
        (period("2024-12-01", "2025-01-05", good()), "fail", "do not overlap"),
        (period("2025-01-10", "2025-01-12", good()), "fail", "do not overlap"),
        (
            period(run.0, run.1, json!({"trades": 40, "roi": 0.02, "win_rate": 0.6, "partial": true})),
            "warn",
            "says of itself that it is partial",
        ),
    ] {
        let (verdict, because) = with_report(&report);
        assert_eq!(verdict, expect, "{report}: {because}");
        assert!(because.contains(why), "{report}: {because}");
    }
}

#[test]
fn a_diary_of_another_time_or_with_days_of_silence_does_not_cover_the_run() {
    for (times, expect, why) in [
        (
            vec!["2025-01-06T00:05:00Z", "2025-01-07T09:00:00Z", "2025-01-08T09:00:00Z", "2025-01-08T23:55:00Z"],
            "pass",
            "[]",
        ),
        (vec!["2025-01-05T10:00:00Z", "2025-01-05T23:55:00Z"], "fail", "none of the 2 entries"),
        (vec!["2025-01-05T23:50:00Z", "2025-01-09T00:10:00Z"], "fail", "none of the 2 entries"),
        (vec!["2025-01-06T00:05:00Z", "2025-01-08T23:55:00Z"], "warn", "no entry for 2d 23h 50m"),
    ] {
        let bench = Bench::new();
        three_days(&bench);
        let entries: Vec<Value> =
            times.iter().map(|at| json!({"entry_id": at, "recorded_at": at, "policy_id": "p"})).collect();
        bench.write("d.json", json!({ "entries": entries }).to_string());
        let out = bench.run(&["audit", "--log", "run.jsonl", "--diary", "d.json", "--format", "json"]);
        let issues = out.json()["diary"]["issues"].to_string();
        assert_eq!(verdict(&out), expect, "{times:?}: {issues}");
        assert!(issues.contains(why), "{times:?}: {issues}");
    }
}

#[test]
fn an_entry_says_how_it_ended_under_several_names() {
    let entry = |at: &str, more: Value| {
        let mut entry = json!({"entry_id": at, "recorded_at": at, "policy_id": "p"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        entry
    };
    for (more, expect) in [
        (json!({"outcome": {"status": "failed"}}), "fail"),
        (json!({"outcomes": [{"status": "ok"}, {"result": "failure"}]}), "fail"),
        (json!({"decision": {"verdict": "no-go"}}), "fail"),
        (json!({"outcome": {"state": "completed", "result": {"fills": 3}}}), "pass"),
        (json!({"outcomes": {"result": "4 of 4 orders"}}), "pass"),
        (json!({"metadata": {"result": "failed"}}), "pass"),
        (json!({"metadata": {"approved": false}}), "pass"),
        (json!({"approved": false}), "fail"),
        (json!({"decision": {"approved": "no"}}), "fail"),
        (json!({"probes": [{"status": "ok", "passed": false}]}), "fail"),
        (json!({"STATUS": "FAILED"}), "fail"),
        (json!({"verdict": "reject"}), "fail"),
        (json!({"error": "timeout"}), "fail"),
        (json!({"error": "none", "approved": true}), "pass"),
        (json!({"status": "done?"}), "warn"),
        (json!({"notes": "approved with conditions: fix the feed"}), "warn"),
        (json!({"notes": "GO: all checks passed, nothing was rejected"}), "pass"),
        (json!({"notes": [{"text": "the rollback is late", "severity": "critical"}]}), "fail"),
    ] {
        let bench = Bench::new();
        three_days(&bench);
        let times = ["2025-01-06T00:05:00Z", "2025-01-07T09:00:00Z", "2025-01-08T09:00:00Z", "2025-01-08T23:55:00Z"];
        let entries: Vec<Value> = times.iter().map(|at| entry(at, more.clone())).collect();
        bench.write("d.json", json!({ "entries": entries }).to_string());
        let out = bench.run(&["audit", "--log", "run.jsonl", "--diary", "d.json", "--format", "json"]);
        assert_eq!(verdict(&out), expect, "{more}: {}", out.json()["diary"]["issues"]);
    }
}

#[test]
fn a_word_of_failure_cannot_be_accepted() {
    let bench = Bench::new();
    three_days(&bench);
    for word in ["failed", "Rejected", "no-go"] {
        let out = bench.run(&["audit", "--log", "run.jsonl", "--diary-accept-status", word]).exits(2);
        assert!(out.stderr.contains(&format!("`{word}` tells of a failure")), "{}", out.stderr);
        bench.write("p.toml", format!("[diary]\naccept_status = [\"parked\", \"{word}\"]\n"));
        let out = bench.run(&["audit", "--log", "run.jsonl", "--policy", "p.toml"]).exits(2);
        assert!(out.stderr.contains("p.toml:2:28"), "{}", out.stderr);
    }
}

#[test]
fn files_that_the_run_did_not_touch_are_stale() {
    let bench = Bench::new();
    let report = json!({"period_start": 0, "generated_at": "2099-01-01", "trades": 4, "roi": 0.01});
    for (option, name, text) in [
        ("--diary", "old-diary.json", "{\"entries\": []}".to_owned()),
        ("--performance", "old-report.json", report.to_string()),
    ] {
        let file = std::fs::File::options().write(true).open(bench.write(name, text)).unwrap();
        file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
        let other = if option == "--diary" { "--no-performance" } else { "--no-diary" };
        let args =
            ["final-dry-run", "--run-name", &name[..5], "--duration", "300ms", option, name, other, "--no-packet"];
        let out = bench.run(&[&args[..], &["--format", "json", "--", "sh", "-c", "echo up; sleep 9"]].concat());
        assert!(out.stdout.contains("before the run started"), "{out:?}");
    }
}
