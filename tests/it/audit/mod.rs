//! `audit`: what a person (or a CI job) gets for evidence of every kind.

mod comparison;
mod damage;
mod evidence;
mod ignore;
mod packet;
mod readiness;
mod rewritten;
pub(crate) mod run_dir;
mod shards;
mod statuses;
mod swapped;
pub(crate) mod tampering;
mod twin_keys;

use crate::harness::{Bench, Output, fixture};

/// A bench with `name` linked to our fixture of that name, so that paths in reports are short.
fn bench() -> Bench {
    let bench = Bench::new();
    std::os::unix::fs::symlink(fixture("audit"), bench.path().join("audit")).unwrap();
    bench
}

/// The verdict in the JSON document.
fn verdict(out: &Output) -> String {
    out.json()["verdict"].as_str().unwrap().to_owned()
}

const CLEAN: [&str; 7] = [
    "audit",
    "--log",
    "audit/clean/service.jsonl",
    "--diary",
    "audit/clean/diary.json",
    "--performance",
    "audit/clean/performance.json",
];
const TROUBLED: [&str; 7] = [
    "audit",
    "--log",
    "audit/troubled/service.jsonl",
    "--diary",
    "audit/troubled/diary.json",
    "--performance",
    "audit/troubled/performance.json",
];

#[test]
fn good_evidence_passes_its_policy() {
    let out = bench().run(&[&CLEAN[..], &["--policy", "audit/policy.toml"]].concat()).exits(0);
    insta::assert_snapshot!(out.stdout);
    assert!(out.stderr.is_empty());
}

#[test]
fn troubled_evidence_fails_and_the_first_lines_say_why() {
    let out = bench().run(&[&TROUBLED[..], &["--policy", "audit/policy.toml"]].concat()).exits(1);
    insta::assert_snapshot!(out.stdout);
}

#[test]
fn the_document_has_the_keys_that_others_read() {
    let out = bench().run(&[&TROUBLED[..], &["--sign-off", "--format", "json"]].concat()).exits(1);
    let json = out.json();
    assert_eq!(json["schema"], "emp-ops/audit/v1");
    assert_eq!(json["status"], "fail");
    assert_eq!(json["metadata"]["diary_path"], "audit/troubled/diary.json");
    assert_eq!(json["logs"]["errors"].as_array().unwrap().len(), 2);
    assert_eq!(json["diary"]["issues"][0]["entry_id"], "d-002");
    assert_eq!(json["performance"]["roi"], -0.012);
    assert_eq!(json["sign_off"]["criteria"]["minimum_duration_seconds"], 259_200.0);
    assert_eq!(json["policy"]["logs"]["warn_gap_seconds"], 3600.0);
    assert_eq!(json["generated_at"], "2025-01-06T00:00:00+00:00");
}

#[test]
fn what_is_named_but_missing_is_a_failure_that_names_it() {
    for (args, name) in [
        (vec!["audit", "--log", "gone.jsonl"], "gone.jsonl"),
        (vec!["audit", "--log", "audit/clean/service.jsonl", "--diary", "gone.json"], "gone.json"),
        (vec!["audit", "--log", "audit/clean/service.jsonl", "--performance", "gone.json"], "gone.json"),
        (vec!["audit", "--log", "audit/clean/service.jsonl", "--checksums", "SHA256SUMS"], "SHA256SUMS"),
        (vec!["audit", "--log", "audit/clean/service.jsonl", "--terraform-plan", "gone.json"], "gone.json"),
    ] {
        let out = bench().run(&args).exits(1);
        assert!(out.stdout.starts_with("FAIL"), "{out:?}");
        assert!(out.stdout.lines().take(3).any(|line| line.contains(name)), "{out:?}");
    }
}

#[test]
fn contradictions_are_usage_errors_that_say_what_to_do() {
    let bench = bench();
    bench.write("p.toml", "[logs]\nwarn_gap = \"2h\"\nfail_gap = \"1h\"\n");
    bench.write("q.toml", "[logs]\nwarn_gap = \"2h\"\n");
    for (args, expect) in [
        (vec!["audit"], "name a run directory or packet, or logs with --log"),
        (vec!["audit", "audit/run", "--log", "x"], "name either a run directory or files"),
        (vec!["audit", "audit/clean"], "write --log audit/clean"),
        (vec!["audit", "audit/clean/diary.json"], "write --log audit/clean/diary.json"),
        (vec!["audit", "--log", "x", "--warn-gap", "0s"], "longer than zero"),
        (vec!["audit", "--log", "x", "--warn-gap", "nan"], "72h"),
        (vec!["audit", "--log", "x", "--warn-gap", "2h", "--fail-gap", "1h"], "make the fail gap the longer one"),
        (vec!["audit", "--log", "x", "--policy", "q.toml", "--fail-gap", "1h"], "1h (the command line)"),
        (vec!["audit", "--log", "x", "--policy", "p.toml"], "p.toml:3:12"),
        (vec!["audit", "--log", "x", "--policy", "gone.toml"], "gone.toml"),
        (vec!["audit", "--log", "x", "--sign-off-min-sharpe=-1"], "negative"),
        (vec!["audit", "--log", "x", "--diary-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY"),
        (vec!["audit", "--log", "-", "--log", "-"], "only once"),
    ] {
        let out = bench.run(&args).exits(2);
        assert!(out.stdout.is_empty(), "{args:?}");
        assert!(out.stderr.contains(expect), "{args:?}: {}", out.stderr);
    }
    let out = bench.run(&["audit", "gone"]).exits(3);
    assert!(out.stderr.contains("gone"));
}

#[test]
fn metadata_of_people_does_not_overwrite_evidence() {
    let args = ["--metadata", "team=backend", "--metadata", "log_paths=none", "--format", "json"];
    let json = bench().run(&[&CLEAN[..], &args].concat()).exits(0).json();
    assert_eq!(json["metadata"]["team"], "backend");
    assert_eq!(json["metadata"]["log_paths"][0], "audit/clean/service.jsonl");
}

#[test]
fn drift_is_listed_resource_by_resource() {
    let args = ["audit", "--log", "audit/clean/service.jsonl", "--terraform-plan", "audit/plan.json"];
    let out = bench().run(&args).exits(1);
    for address in ["module.gateway.null_resource.node[1] would be updated", "random_id.suffix would be replaced"] {
        assert!(out.stdout.contains(address), "{out:?}");
    }
}

#[test]
fn checksums_are_computed_again() {
    let bench = bench();
    bench.write("e/a.jsonl", "{\"ts\": \"2025-03-03T08:00:00Z\", \"msg\": \"a\"}\n");
    bench.write("e/empty", "");
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    bench.write("e/SHA256SUMS", format!("{digest}  empty\n"));
    let args = ["audit", "--log", "e/a.jsonl", "--checksums", "e/SHA256SUMS", "--format", "json"];
    assert_eq!(bench.run(&args).json()["checksums"]["status"], "pass");
    bench.write("e/empty", "no longer");
    let json = bench.run(&args).exits(1).json();
    assert_eq!(json["checksums"]["findings"][0]["metadata"]["path"], "empty");
    // A list cannot make us read what is elsewhere, not even behind a link.
    std::os::unix::fs::symlink("/etc/hostname", bench.path().join("e/link")).unwrap();
    bench.write("e/SHA256SUMS", format!("{digest}  ../x\n{digest}  /etc/hostname\n{digest}  link\n"));
    let json = bench.run(&args).exits(1).json();
    assert_eq!(json["checksums"]["verified"], 0);
    assert_eq!(json["checksums"]["findings"].as_array().unwrap().len(), 3);
}

#[test]
fn warnings_count_only_where_they_are_asked_to() {
    let bench = bench();
    let log = "{\"ts\":\"2025-03-03T08:00:00Z\",\"level\":\"warn\",\"msg\":\"slow\"}\n";
    bench.write("w.jsonl", log.to_owned() + &log.replace("08:00", "08:30"));
    let gates = ["--sign-off-optional-diary", "--sign-off-optional-performance"];
    for (args, code) in [
        (vec![], 0),
        (vec!["--fail-on", "warn"], 1),
        (gates.to_vec(), 1),
        ([&gates[..], &["--fail-on", "never"]].concat(), 0),
        ([&gates[..], &["--sign-off-allow-warnings"]].concat(), 0),
    ] {
        let _ = bench.run(&[&["audit", "--log", "w.jsonl"][..], &args].concat()).exits(code);
    }
}

#[test]
fn the_signing_key_comes_from_the_environment() {
    let bench = bench();
    // The signature was made with `openssl dgst -sha256 -hmac` over the canonical text of the entry.
    let entry = r#"{"entry_id":"e-1","recorded_at":"2025-01-06T00:00:00+00:00","policy_id":"p","decision":{"size":1e-7},
        "notes":["grün"],"signature":"8c4458786784402e91bfd7c830d04b3dd122077adf7bbf5ed0f7dfca1cecebbc"}"#;
    bench.write("d.json", format!("[{entry}]"));
    bench.write("a.jsonl", "{\"ts\":\"2025-01-06T00:00:00Z\",\"msg\":\"a\"}\n");
    let args = ["audit", "--log", "a.jsonl", "--diary", "d.json", "--format", "json"];
    let _ = bench.run(&args).exits(1);
    let with_key = [&args[..], &["--diary-key-env", "DIARY_KEY"]].concat();
    let out = bench.command(&with_key).env("DIARY_KEY", "secret").output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    assert!(!String::from_utf8_lossy(&out.stdout).contains("secret"));
}

#[test]
fn the_order_of_the_logs_changes_nothing() {
    let bench = Bench::new();
    bench.write("a.jsonl", "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"error\",\"message\":\"one\"}\n");
    bench.write("b.jsonl", "{\"timestamp\":\"2025-01-06T00:00:01Z\",\"level\":\"error\",\"message\":\"two\"}\n");
    let judge = |first: &str, second: &str| {
        let args = ["audit", "--log", first, "--log", second, "--log", "gone.log", "--format", "json"];
        bench.run(&args).exits(1).stdout
    };
    assert_eq!(judge("a.jsonl", "b.jsonl"), judge("b.jsonl", "a.jsonl"));
}
