//! `[logs] ignore`: what it takes from the verdict, and that it is seen in every view.

use serde_json::{Value, json};

use crate::harness::Bench;

/// An hour of heartbeats, with these records among them.
fn log(among: &[(&str, &str)]) -> String {
    let record = |minute: usize, second: u32, level: &str, message: &str| json!({"timestamp": format!("2025-01-06T00:{minute:02}:{second:02}Z"), "level": level, "message": message});
    let mut lines = Vec::new();
    for minute in 0..60 {
        lines.push(record(minute, 0, "info", "tick"));
        lines.extend(among.get(minute).map(|(level, message)| record(minute, 30, level, message)));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn policy(texts: &[&str]) -> String {
    format!(
        "[logs]\nignore = {}\n[sign_off]\nmin_duration = \"30m\"\noptional_diary = true\noptional_performance = true\n",
        json!(texts)
    )
}

/// The document of an audit of a log of these records under a policy that ignores these texts.
fn audit(among: &[(&str, &str)], texts: &[&str], code: i32) -> Value {
    let bench = Bench::new();
    bench.write("a.jsonl", log(among));
    bench.write("p.toml", policy(texts));
    bench.run(&["audit", "--log", "a.jsonl", "--policy", "p.toml", "--format", "json"]).exits(code).json()
}

fn gate<'a>(audit: &'a Value, name: &str) -> &'a Value {
    audit["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn ignored_messages_are_a_waiver_that_every_view_shows() {
    let among =
        [("warning", "the mirror is slow: 5 s"), ("warning", "the mirror is slow: 6 s"), ("error", "no mirror")];
    let json = audit(&among, &["mirror is slow", "no mirror"], 0);
    assert_eq!(json["verdict"], "pass");
    assert_eq!(json["headline"], "PASS with 3 waivers");
    assert_eq!(json["logs"]["ignored_by_policy"], json!({"mirror is slow": 2, "no mirror": 1}));
    assert_eq!(json["logs"]["totals"], json!({"gap_incidents": 0, "content_incidents": 0, "warnings": 0, "errors": 0}));
    assert_eq!(json["logs"]["level_counts"], json!({"error": 1, "info": 60, "warning": 2}));
    let ignored = gate(&json, "ignored");
    assert_eq!((&ignored["status"], &ignored["not_required"]), (&json!("pass"), &json!({"by": "p.toml:2"})));
    let row = json["criteria"].as_array().unwrap().iter().find(|row| row["limit"] == "ignore").unwrap();
    assert_eq!((&row["source"], &row["relaxed"]), (&json!("p.toml:2"), &json!(true)));

    let bench = Bench::new();
    bench.write("a.jsonl", log(&among));
    bench.write("p.toml", policy(&["mirror is slow", "no mirror"]));
    for format in ["text", "markdown"] {
        let out = bench.run(&["audit", "--log", "a.jsonl", "--policy", "p.toml", "--format", format]).exits(0);
        assert!(out.stdout.contains("PASS with 3 waivers"), "{out:?}");
        assert!(out.stdout.contains("ignored (p.toml:2)"), "{out:?}");
        assert!(out.stdout.contains("mirror is slow=2, no mirror=1"), "{out:?}");
    }
}

#[test]
fn errors_and_certain_crashes_are_not_ignored_by_a_part_of_their_message() {
    for (level, message) in [
        ("error", "cannot write: the mirror is slow"),
        ("critical", "the mirror is slow"),
        ("info", "thread 'main' panicked at src/main.rs:4:5: the mirror is slow"),
        ("warning", "the mirror is slow\n\tat a.B.c(D.java:1)\n\tat a.B.d(D.java:2)"),
        ("warning", "The Mirror Is Slow"),
    ] {
        let json = audit(&[(level, message), ("warning", "mirror is slow")], &["mirror is slow"], 1);
        assert_eq!(gate(&json, "logs")["status"], "fail", "{message}");
        assert_eq!(json["logs"]["ignored_by_policy"], json!({"mirror is slow": 1}), "{message}");
    }
    // Words that can mean another thing.
    let json = audit(&[("info", "exception in the mirror: retry 5")], &["exception in the mirror"], 0);
    assert_eq!(json["logs"]["ignored_by_policy"], json!({"exception in the mirror": 1}));
    assert_eq!(
        gate(&audit(&[("info", "exception in the mirror: retry 5")], &["nothing"], 1), "logs")["status"],
        "fail"
    );
}

#[test]
fn a_text_that_matches_nothing_is_a_warning() {
    let json = audit(&[("warning", "the mirror is slow")], &["mirror is slow", "never printed"], 0);
    assert_eq!(json["verdict"], "warn");
    assert_eq!(gate(&json, "ignored")["status"], "warn");
    assert_eq!(gate(&json, "logs")["status"], "pass");
    let found = json["sign_off"]["findings"].as_array().unwrap();
    assert!(found.len() == 1 && found[0]["message"].as_str().unwrap().contains("\"never printed\" matches nothing"));
}

#[test]
fn files_and_threads_do_not_matter() {
    let among: Vec<(&str, &str)> = (0..50)
        .map(|n| if n % 3 == 0 { ("warning", "the mirror is slow") } else { ("info", "exception in the mirror: 5") })
        .collect();
    let (whole, texts) = (log(&among), ["mirror is slow", "exception in the mirror"]);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let bench = Bench::new();
    bench.write("p.toml", policy(&texts));
    bench.write("whole/a.jsonl", &whole);
    for (number, part) in lines.chunks(7).enumerate() {
        bench.write(&format!("cut/{number:02}.jsonl"), part.concat());
    }
    let seen = |folder: &str, threads: &str| {
        let options = ["audit", "--policy", "p.toml", "--format", "json", "--log", folder, "--threads", threads];
        let json = bench.run(&options).exits(0).json();
        (json["logs"]["ignored_by_policy"].clone(), json["logs"]["totals"].clone(), json["headline"].clone())
    };
    let expect = seen("whole", "1");
    assert_eq!(expect.0, json!({"mirror is slow": 17, "exception in the mirror": 33}));
    for (folder, threads) in [("whole", "4"), ("cut", "1"), ("cut", "3")] {
        assert_eq!(seen(folder, threads), expect, "{folder} {threads}");
    }
}

#[test]
fn a_run_is_judged_by_what_its_policy_ignored() {
    let bench = Bench::new();
    bench.write("p.toml", policy(&["mirror is slow"]).replace("30m", "1s"));
    let prints = "for i in 1 2 3 4 5; do echo 'WARNING: the mirror is slow'; echo tick; sleep 0.3; done";
    let run = ["final-dry-run", "--policy", "p.toml", "--duration", "1s", "--warn-gap", "30s", "--run-name", "r"];
    let run = [&run[..], &["--", "sh", "-c", prints]].concat();
    let out = bench.run(&run);
    assert!(out.stdout.contains("ignored"), "{out:?}");
    for target in ["runs/r", "runs/r/packet"] {
        let json = bench.run(&["audit", target, "--format", "json"]);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(gate(&json, "ignored")["not_required"], json!({"by": "p.toml:2"}), "{target}");
        assert_eq!(gate(&json, "logs")["status"], "pass", "{target}");
        assert_ne!(gate(&json, "record")["status"], "fail", "{target}");
    }
}
