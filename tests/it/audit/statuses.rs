//! `[logs] error_statuses` and `warn_statuses`: responses in access logs.

use serde_json::{Value, json};

use crate::harness::Bench;

/// Three access logs of half an hour: of a web server, of one inside a container, and in JSON.
fn write_logs(bench: &Bench) {
    let status = |minute: usize| match minute {
        7 => 502,
        8 => 429,
        9 => 404,
        _ => 200,
    };
    let (mut plain, mut docker, mut json) = (String::new(), String::new(), String::new());
    for minute in 0..30 {
        let line = format!(
            "10.0.0.{minute} - - [06/Jan/2025:08:{minute:02}:00 +0000] \"GET /a/{minute} HTTP/1.1\" {} 17 \"-\" \"probe\"\n",
            status(minute)
        );
        let time = format!("2025-01-06T08:{minute:02}:00Z");
        docker.push_str(&format!("{}\n", json!({"log": line, "stream": "stdout", "time": time})));
        plain.push_str(&line);
        json.push_str(&format!("{}\n", json!({"time": time, "method": "GET", "uri": "/a", "status": status(minute)})));
    }
    bench.write("plain.log", plain);
    bench.write("docker.log", docker);
    bench.write("json.log", json);
}

/// Errors and warnings in a log under a policy with these lines.
fn counts(bench: &Bench, log: &str, lines: &str, code: i32) -> [u64; 2] {
    bench.write("p.toml", format!("[logs]\n{lines}"));
    let json: Value = bench.run(&["audit", "--log", log, "--policy", "p.toml", "--format", "json"]).exits(code).json();
    ["errors", "warnings"].map(|name| json["logs"]["totals"][name].as_u64().expect("a number"))
}

#[test]
fn responses_count_as_the_policy_says() {
    let bench = Bench::new();
    write_logs(&bench);
    for log in ["plain.log", "docker.log", "json.log"] {
        let off = counts(&bench, log, "", 0);
        assert_eq!(off, [0, 0], "{log}");
        // What nobody decided is no pass, and the finding says what to decide.
        let said = |lines: &str| {
            bench.write("p.toml", format!("[logs]\n{lines}"));
            let json = bench.run(&["audit", "--log", log, "--policy", "p.toml", "--format", "json"]).exits(0).json();
            let faults = json["logs"]["findings"].as_array().unwrap();
            let asked = faults.iter().find(|fault| fault["summary"].as_str().unwrap().contains("`error_statuses`"));
            asked.map(|fault| (fault["severity"].clone(), fault["place"]["line"].clone()))
        };
        assert_eq!(said(""), Some((json!("warn"), json!(8))), "{log}");
        assert_eq!(said("error_statuses = []\n"), None, "{log}");
        assert_eq!(said("error_statuses = [\"501\"]\n"), None, "{log}");
        assert_eq!(counts(&bench, log, "error_statuses = [\"5xx\"]\n", 1), [1, 0], "{log}");
        let both = "error_statuses = [\"5xx\", \"429\"]\nwarn_statuses = [\"4xx\"]\n";
        assert_eq!(counts(&bench, log, both, 1), [2, 1], "{log}");
    }
}

#[test]
fn the_lists_are_criteria_and_a_run_keeps_them() {
    let bench = Bench::new();
    bench.write("p.toml", "[logs]\nerror_statuses = [\"5xx\"]\n");
    let line = "10.0.0.1 - - [06/Jan/2025:08:00:00 +0000] \"GET / HTTP/1.1\" 502 17";
    let run = ["final-dry-run", "--output-root", "runs", "--run-name", "r", "--duration", "1s", "--policy", "p.toml"];
    let rest = ["--no-diary", "--no-performance", "--format", "json", "--", "sh", "-c"];
    let script = format!("echo '{line}'; sleep 5");
    let _ = bench.run(&[&run[..], &rest[..], &[&script]].concat()).exits(1);
    let json = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1).json();
    assert_eq!(json["logs"]["totals"]["errors"], 1, "{json}");
    let row = json["criteria"].as_array().unwrap().iter().find(|row| row["limit"] == "error_statuses").unwrap();
    assert_eq!((&row["value"], &row["source"]), (&json!("5xx"), &json!("p.toml:2")));
}

#[test]
fn shards_are_read_and_judged_by_the_lists_of_their_plan() {
    let bench = Bench::new();
    write_logs(&bench);
    bench.write("p.toml", "[logs]\nerror_statuses = [\"5xx\"]\nwarn_statuses = [\"4xx\"]\n");
    let logs = ["--log", "plain.log", "--log", "docker.log", "--log", "json.log", "--policy", "p.toml"];
    let plan = bench.run(&[&["audit", "--shard-plan", "plan.json", "--shard-size", "1K"][..], &logs].concat()).exits(0);
    assert!(plan.stderr.contains("3 files in "), "{}", plan.stderr);
    let plan: Value = serde_json::from_slice(&std::fs::read(bench.path().join("plan.json")).unwrap()).unwrap();
    let shards = plan["shards"].as_array().unwrap().len();
    let mut merge = vec!["audit".to_owned(), "--merge".to_owned(), "plan.json".to_owned()];
    for shard in 0..shards {
        let (part, shard) = (format!("part-{shard}"), shard.to_string());
        let _ = bench.run(&["audit", "--partial", &part, "--shard", &shard, "plan.json"]).exits(0);
        merge.push(part);
    }
    merge.extend(["--format".to_owned(), "json".to_owned()]);
    let args: Vec<&str> = merge.iter().map(String::as_str).collect();
    let single = bench.run(&[&["audit", "--format", "json"][..], &logs].concat()).exits(1);
    assert_eq!(bench.run(&[&args[..], &["--policy", "p.toml"]].concat()).exits(1).stdout, single.stdout);
    // Who judges by other lists must plan again.
    bench.write("q.toml", "[logs]\nerror_statuses = [\"502\"]\n");
    let other = bench.run(&[&args[..], &["--policy", "q.toml"]].concat()).exits(2);
    assert!(other.stderr.contains("statuses"), "{}", other.stderr);
    // What the plan says need not be said again.
    assert_eq!(bench.run(&args).exits(1).json()["logs"]["totals"]["errors"], 3);
}
