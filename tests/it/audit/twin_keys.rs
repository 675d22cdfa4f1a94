//! A key that is there twice in one object: readers disagree about which of its values counts.

use std::fs;

use super::run_dir;
use super::verdict;
use crate::harness::{Bench, fixture};

const LINES: &str = r#"{"time":"2025-01-06T00:00:00Z","level":"info","message":"a"}
{"time":"2025-01-06T00:00:01Z","level":"info","message":"b"}
"#;

/// What the audit says of a log with this third line.
fn with_line(line: &str) -> (String, String) {
    let bench = Bench::new();
    bench.write("a.jsonl", format!("{LINES}{line}\n"));
    let out = bench.run(&["audit", "--log", "a.jsonl", "--format", "json"]);
    (verdict(&out), out.json()["logs"]["findings"].to_string())
}

#[test]
fn a_log_record_that_says_two_things_is_at_least_a_warning() {
    for (line, expect, twice) in [
        (r#"{"time":"2025-01-06T00:00:02Z","level":"info","message":"c"}"#, "pass", false),
        (r#"{"time":"2025-01-06T00:00:02Z","level":"error","level":"info","message":"c"}"#, "fail", true),
        (r#"{"time":"2025-01-06T00:00:02Z","level":"info","lev\u0065l":"info","message":"c"}"#, "warn", true),
        (r#"{"time":"2025-01-06T00:00:02Z","time":"2025-01-06T00:00:03Z","level":"info"}"#, "warn", true),
        // Two keys of one meaning are no twins, and pairs of text may repeat themselves.
        (r#"{"time":"2025-01-06T00:00:02Z","level":"info","Level":"info","message":"c"}"#, "pass", false),
        (r"time=2025-01-06T00:00:02Z level=info msg=c msg=d", "pass", false),
        // The line of a container.
        (
            r#"{"log":"{\"level\":\"info\",\"level\":\"info\",\"msg\":\"c\"}\n","stream":"stdout","time":"2025-01-06T00:00:02Z"}"#,
            "warn",
            true,
        ),
    ] {
        let (verdict, findings) = with_line(line);
        assert_eq!(
            (verdict.as_str(), findings.contains("a record has a key twice")),
            (expect, twice),
            "{line}: {findings}"
        );
    }
}

#[test]
fn a_captured_line_that_says_two_things_is_a_warning() {
    let bench = Bench::new();
    let script =
        r#"for i in 1 2 3 4 5; do echo '{"level":"info","level":"info","msg":"x"}'; sleep 0.2; done; exec sleep 9"#;
    let options = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s", "--run-name", "r"];
    let out = bench.run(&[&options[..], &["--format", "json", "--", "sh", "-c", script]].concat());
    assert!(out.stdout.contains("a record has a key twice"), "{out:?}");
    assert_ne!(out.json()["verdict"], "pass");
}

#[test]
fn documents_that_say_two_things_fail_with_the_place() {
    let bench = Bench::new();
    bench.write("a.jsonl", LINES);
    let plan =
        r#"{"format_version":"1.2","resource_changes":[{"change":{"actions":["delete"]}}],"resource_changes":[]}"#;
    let diary = r#"{"entries":[{"entry_id":"1","recorded_at":"2025-01-06T00:00:00Z","policy_id":"p","decision":{"action":"a"},
        "outcomes":[{"status":"failed","status":"completed"}]}]}"#;
    let figures = r#"{"generated_at":"2025-01-06T00:00:01Z","trades":9,"roi":-0.9,"win_rate":0.5,"roi":0.1}"#;
    let manifest = format!(
        r#"{{"files":[{{"path":"gone.jsonl","sha256":"{0}","bytes":1}}],"files":[{{"path":"a.jsonl","sha256":"{0}","bytes":1}}]}}"#,
        "0".repeat(64)
    );
    for (option, text, key) in [
        ("--terraform-plan", plan, "resource_changes"),
        ("--diary", diary, "status"),
        ("--performance", figures, "roi"),
        ("--checksums", &manifest, "files"),
    ] {
        bench.write("it.json", text);
        let out = bench.run(&["audit", "--log", "a.jsonl", option, "it.json", "--format", "json"]).exits(1);
        let told = format!("the key `{key}` is in one object twice, for the second time at line ");
        assert!(out.stdout.contains(&told), "{option}: {out:?}");
    }
}

#[test]
fn documents_of_a_run_that_say_two_things_fail() {
    for (name, key) in [("run.json", "state"), ("progress.json", "phase"), ("summary.json", "status")] {
        let bench = Bench::new();
        run_dir::copy(&fixture("audit/run"), &bench.path().join("run"));
        let path = bench.path().join("run").join(name);
        let Ok(text) = fs::read_to_string(&path) else { continue };
        // The second one says the same: whoever reads the first only is told nothing else either.
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        fs::write(&path, text.replacen('{', &format!("{{\"{key}\": {},", value[key]), 1)).unwrap();
        let out = bench.run(&["audit", "run", "--format", "json"]).exits(1);
        assert!(out.stdout.contains(&format!("the key `{key}` is in one object twice")), "{name}: {out:?}");
    }
}

#[test]
fn settings_that_say_two_things_are_refused() {
    let bench = Bench::new();
    bench.write("a.jsonl", LINES);
    bench.write("s.json", r#"{"turns":[]}"#);
    bench.write("policy.toml", "[sign_off]\nminimum_uptime_ratio = 0.9\nminimum_uptime_ratio = 0.1\n");
    bench.write("lexicon.json", r#"{"entities":{"Amber Court":["x"]},"entities":{}}"#);
    for (args, told) in [
        (["audit", "--log", "a.jsonl", "--policy", "policy.toml"], "policy.toml:3:1: duplicate key"),
        (["offline-qa", "--input", "s.json", "--lexicon", "lexicon.json"], "the key `entities` is in one object twice"),
    ] {
        let out = bench.run(&args).exits(2);
        assert!(out.stderr.contains(told), "{out:?}");
    }
}
