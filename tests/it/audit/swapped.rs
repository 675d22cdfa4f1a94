//! What is exchanged for that of another run, added to it, or set back in time: `watch`, `wrap-up` and `audit` agree.

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::harness::Bench;

const OPTIONS: [&str; 7] = ["final-dry-run", "-q", "--no-diary", "--no-performance", "--duration", "1s", "--run-name"];
const TICKS: &str = "while :; do echo INFO tick; sleep 0.1; done";

/// A run that passes, and one that does not.
fn two() -> Bench {
    let bench = Bench::new();
    let run = |name: &str, script: &str| bench.run(&[&OPTIONS[..], &[name, "--", "sh", "-c", script]].concat());
    let _ = run("good", TICKS).exits(0);
    let _ = run("bad", &format!("echo 'ERROR: the venue is gone'; {TICKS}")).exits(1);
    bench
}

fn copy(from: &Path, to: &Path, names: &[&str]) {
    for name in names {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

#[test]
fn documents_of_a_better_run_do_not_make_this_one_better() {
    let bench = two();
    let (good, bad) = (bench.path().join("runs/good"), bench.path().join("runs/bad"));
    for (names, told) in [
        (&["progress.json"][..], "not the last snapshot"),
        (&["progress.json", "run.json"], " is gone"),
        (&["summary.json"], "another run"),
    ] {
        let keep: Vec<_> = names.iter().map(|name| fs::read(bad.join(name)).unwrap()).collect();
        copy(&good, &bad, names);
        let command: &[&str] = match names {
            ["summary.json"] => &["wrap-up", "runs/bad", "--format", "json"],
            _ => &["watch", "runs/bad", "--once", "--format", "json"],
        };
        let out = bench.run(command).exits(1);
        assert_eq!(out.json()["verdict"], "fail", "{names:?}: {out:?}");
        assert!(out.stdout.contains(told), "{names:?}: {out:?}");
        let _ = bench.run(&["audit", "runs/bad"]).exits(1);
        for (name, bytes) in names.iter().zip(keep) {
            fs::write(bad.join(name), bytes).unwrap();
        }
    }
    // A summary whose words were changed, with the last snapshot as it was.
    let summary = fs::read_to_string(bad.join("summary.json")).unwrap().replace("\"fail\"", "\"pass\"");
    fs::write(bad.join("summary.json"), summary).unwrap();
    let out = bench.run(&["wrap-up", "runs/bad"]).exits(1);
    assert!(out.stdout.contains("its verdict is pass, the last snapshot of the run says fail"), "{out:?}");
    let out = bench.run(&["backlog", "runs/bad"]).exits(1);
    assert!(out.stdout.contains("one of them was altered"), "{out:?}");
    for args in [&["watch", "runs/good", "--once"][..], &["wrap-up", "runs/good"], &["audit", "runs/good"]] {
        let _ = bench.run(args).exits(0);
    }
}

#[test]
fn what_no_acknowledgement_can_be_is_a_warning_and_one_cut_short_is_none() {
    let bench = two();
    let file = bench.path().join("runs/good/acks.jsonl");
    let record = || bench.run(&["audit", "runs/good", "--format", "json"]).json()["record"].clone();
    for (text, status) in [
        ("garbage\n", "warn"),
        ("{\"approved\":true}\n", "warn"),
        ("\u{0}\u{1}\u{2}", "warn"),
        ("{\"at\":\"2025-01-06T00:00:00Z\",\"incident\":\"ab\",\"by\":\"\"}\n", "warn"),
        ("{\"at\":\"2025-01-0", "pass"),
        ("{\"a", "pass"),
        ("{\"at\":\"2025-01-0\n{\"at\":\"2025-01-06T00:00:00Z\",\"incident\":\"ab\",\"by\":\"eve\"}\n", "pass"),
    ] {
        fs::write(&file, text).unwrap();
        let found = record();
        assert_eq!(found["status"], status, "{text:?}: {found}");
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(record()["status"], "warn", "a directory in its place");
}

#[test]
fn evidence_whose_times_an_archive_has_set_back_is_that_of_the_run() {
    let bench = Bench::new();
    let script = "while :; do now=$(date -u +%FT%T.%3NZ); echo INFO tick; \
        echo \"{\\\"entry_id\\\":\\\"$now\\\",\\\"recorded_at\\\":\\\"$now\\\",\\\"policy_id\\\":\\\"p\\\",\\\"status\\\":\\\"done\\\"}\" \
        >> \"$FINAL_DRY_RUN_DIARY_PATH\"; sleep 0.1; done";
    let options = ["final-dry-run", "-q", "--no-performance", "--duration", "2s", "--run-name", "r"];
    let _ = bench.run(&[&options[..], &["--", "sh", "-c", script]].concat()).exits(0);
    let diary = bench.path().join("runs/r/decision_diary.json");
    let old = UNIX_EPOCH + Duration::from_secs(1000);
    fs::File::options().append(true).open(&diary).unwrap().set_modified(old).unwrap();
    let audit: Value = bench.run(&["audit", "runs/r", "--format", "json"]).exits(0).json();
    assert_eq!(audit["diary"]["status"], "pass", "{audit}");
}
