//! Logs that are read in shards: the report of one run, or what is missing.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;

use super::bench;
use crate::harness::{Bench, Output};

/// A bench with `app.log` of some shards, and the plan of it.
fn planned(options: &[&str]) -> (Bench, usize) {
    let bench = bench();
    let lines = (0..600).map(|n| {
        let level = if n % 50 == 7 { "ERROR" } else { "INFO" };
        format!("2025-01-06 00:{:02}:{:02} {level} step {n} of the pump\n", n / 60, n % 60)
    });
    bench.write("app.log", lines.collect::<String>());
    let small = ["--log", "app.log", "--log", "audit/troubled/service.jsonl", "--shard-size", "7K"];
    let args = [&["audit", "--shard-plan", "plan.json"][..], &small, options].concat();
    let _ = bench.run(&args).exits(0);
    let plan: serde_json::Value = serde_json::from_slice(&fs::read(bench.path().join("plan.json")).unwrap()).unwrap();
    let shards = plan["shards"].as_array().unwrap().len();
    assert!(shards > 4, "{plan}");
    (bench, shards)
}

fn read(bench: &Bench, shard: usize) -> String {
    let (name, number) = (format!("parts/{shard}"), shard.to_string());
    let _ = bench.run(&["audit", "--quiet", "--partial", &name, "--shard", &number, "plan.json"]).exits(0);
    name
}

fn merge(bench: &Bench, paths: &[&str], options: &[&str]) -> Output {
    bench.run(&[&["audit", "--merge"][..], paths, options].concat())
}

#[test]
fn the_report_of_all_shards_is_that_of_one_run() {
    let criteria = ["--sign-off", "--min-duration", "1h", "--warn-gap", "20s"];
    let (bench, shards) = planned(&criteria);
    let mut names: Vec<String> = (0..shards).map(|shard| read(&bench, shard)).collect();
    // A task that ran twice, and an inner node of a tree.
    fs::copy(bench.path().join("parts/1"), bench.path().join("again")).unwrap();
    let _ = merge(&bench, &["parts/4", "parts/2", "parts/3"], &["--partial", "inner"]).exits(0);
    names.drain(2..5);
    names.reverse();
    let parts: Vec<&str> = names.iter().map(String::as_str).chain(["inner", "again", "plan.json"]).collect();
    let logs = ["audit", "--log", "app.log", "--log", "audit/troubled/service.jsonl"];
    for format in ["json", "text", "markdown"] {
        let options = [&criteria[..], &["--format", format]].concat();
        let single = bench.run(&[&logs[..], &options].concat()).exits(1);
        let merged = merge(&bench, &parts, &options).exits(1);
        assert_eq!(merged.stdout, single.stdout, "{format}");
        // What the plan fixes need not be said again.
        let fewer = [&["--sign-off", "--min-duration", "1h", "--format"][..], &[format]].concat();
        assert_eq!(merge(&bench, &parts, &fewer).exits(1).stdout, single.stdout, "{format}");
    }
}

#[test]
fn bytes_that_are_piped_in_are_read_like_files() {
    let (bench, shards) = planned(&[]);
    let plan: serde_json::Value = serde_json::from_slice(&fs::read(bench.path().join("plan.json")).unwrap()).unwrap();
    for shard in 0..shards {
        let mut bytes = Vec::new();
        for piece in plan["shards"][shard].as_array().unwrap() {
            let number = |key: &str| usize::try_from(piece[key].as_u64().unwrap()).unwrap();
            let file = &plan["files"][number("file")];
            let text = fs::read(bench.path().join(file["name"].as_str().unwrap())).unwrap();
            // A piece that is cut is open at its end.
            bytes.extend_from_slice(&text[number("from").saturating_sub(1)..]);
        }
        let from_file = fs::read(bench.path().join(read(&bench, shard))).unwrap();
        let (piped, _) = pipe(&bench, shard, &bytes);
        assert!(piped == from_file, "shard {shard}");
    }
    let (nothing, error) = pipe(&bench, 1, b"too short");
    assert!(nothing.is_empty() && error.contains("the input ends after 9 of"), "{error}");
}

/// What a shard of these bytes comes to, and what is said on standard error.
fn pipe(bench: &Bench, shard: usize, bytes: &[u8]) -> (Vec<u8>, String) {
    let number = shard.to_string();
    let mut command =
        bench.command(&["audit", "--quiet", "--partial", "-", "--shard", &number, "plan.json", "--log", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The program closes the pipe when it has what it needs.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    let output = child.wait_with_output().unwrap();
    (output.stdout, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn what_is_missing_is_named_and_never_passes() {
    let (bench, shards) = planned(&[]);
    let names: Vec<String> = (0..shards).map(|shard| read(&bench, shard)).collect();
    for missing in 0..shards {
        let there = names.iter().enumerate().filter(|(shard, _)| *shard != missing).map(|(_, name)| name.as_str());
        let paths: Vec<&str> = there.chain(["plan.json"]).collect();
        let found = merge(&bench, &paths, &["--format", "json", "--allow-warnings"]).exits(1).json();
        let findings = found["logs"]["findings"].to_string();
        assert!(findings.contains(&format!("shard {missing} is missing: bytes ")), "{findings}");
        assert_eq!(found["verdict"], "fail");
    }
    // The file changed after it was planned.
    let log = bench.path().join("app.log");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, text + "2025-01-06 00:10:01 INFO one more\n").unwrap();
    let _ = read(&bench, 1);
    let paths: Vec<&str> = names.iter().map(String::as_str).chain(["plan.json"]).collect();
    let found = merge(&bench, &paths, &["--format", "json"]).exits(1).json();
    let findings = found["logs"]["findings"].to_string();
    assert!(findings.contains("when the shards were planned and "), "{findings}");
    assert!(findings.contains("parts of this file are missing, and none of it is counted"), "{findings}");
}

#[test]
fn partials_that_do_not_fit_are_refused() {
    let (bench, _) = planned(&[]);
    let (one, two) = (read(&bench, 0), read(&bench, 1));
    let _ = merge(&bench, &[&one, &two], &["--partial", "both"]).exits(0);
    let foreign = || -> PathBuf {
        let args = ["audit", "--shard-plan", "other.json", "--log", "app.log", "--shard-size", "9K"];
        let _ = bench.run(&args).exits(0);
        let _ = bench.run(&["audit", "--partial", "foreign", "--shard", "1", "other.json"]).exits(0);
        bench.path().join("foreign")
    };
    let bytes = fs::read(foreign()).unwrap();
    let plan = fs::read_to_string(bench.path().join("plan.json")).unwrap();
    bench.write("old.json", plan.replacen("\"rules\":\"", "\"rules\":\"0", 1));
    bench.write("cut.json", plan.replacen("\"from\":0", "\"from\":1", 1));
    bench.write("text", "no document of ours");
    for (paths, expect) in [
        (&["both", "parts/1", "plan.json"][..], "overlap"),
        (&["parts/0", "foreign"], "different plans"),
        (&["parts/0", "other.json"], "another plan"),
        (&["parts/0", "plan.json", "other.json"], "second plan"),
        (&["parts/0", "old.json"], "plan again"),
        (&["parts/0", "cut.json"], "every byte of app.log once"),
        (&["parts/0", "text"], "neither a plan"),
        (&["plan.json"], "no partial"),
        (&["parts/0"], "name the plan"),
    ] {
        let refused = merge(&bench, paths, &[]).exits(2);
        assert!(refused.stderr.contains(expect), "{paths:?}: {}", refused.stderr);
    }
    let other_gap = merge(&bench, &["both", "plan.json"], &["--warn-gap", "5s"]).exits(2);
    assert!(other_gap.stderr.contains("warn gap"), "{}", other_gap.stderr);
    // Whichever byte is damaged, it shows.
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        bench.write("damaged", damaged);
        let refused = merge(&bench, &["damaged", "other.json"], &[]).exits(2);
        assert!(!refused.stderr.is_empty(), "byte {at}");
    }
}
