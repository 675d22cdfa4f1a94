//! A run held against earlier ones: `emp-ops audit --baseline` and `--trend`.

use serde_json::{Value, json};

use crate::harness::{Bench, Output, wait_for};

const POLICY: &str = r#"
[performance.figures.p99]
pointer = "/latency/p99_ms"
max = 900
unit = "ms"
[baseline.metrics.answers]
pointer = "/latency/answers_ms"
better = "lower"
floor = "2ms"
"#;

/// Supervises a command of two seconds whose answers take `latency` milliseconds.
fn rehearse(bench: &Bench, name: &str, latency: u32) {
    let script = r#"
answers=$(seq 24 | while read n; do printf '%s,' "$((LATENCY + n % 3))"; done)
now() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }
start=$(now)
while echo "level=info msg=alive"; do
  printf '{"generated_at":"%s","period_start":"%s","latency":{"p99_ms":%s,"answers_ms":[%s1]}}' \
    "$(now)" "$start" "$LATENCY" "$answers" > report.part
  mv report.part "$FINAL_DRY_RUN_PERFORMANCE_PATH"
  sleep 0.2
done
"#;
    bench.write("serve.sh", script);
    let args =
        ["--output-root", "runs", "--run-name", name, "--duration", "2s", "--no-diary", "--policy", "policy.toml"];
    // On a busy machine a run takes longer, and is not compared with others any more: then again.
    wait_for(|| {
        let _ = std::fs::remove_dir_all(bench.path().join("runs").join(name));
        let mut command = bench.command(&[&["final-dry-run"], &args[..], &["--", "sh", "serve.sh"]].concat());
        let output: Output = command.env("LATENCY", latency.to_string()).output().unwrap().into();
        let record = std::fs::read_to_string(bench.path().join("runs").join(name).join("run.json")).unwrap();
        let record: Value = serde_json::from_str(&record).unwrap();
        (output.code == 0 && record["duration_seconds"].as_f64().unwrap() < 2.09).then_some(())
    });
}

fn gate(document: &Value, name: &str) -> Value {
    document["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == name).unwrap().clone()
}

#[test]
fn a_slower_run_is_found_by_its_baseline_and_told_in_every_view() {
    let bench = Bench::new();
    bench.write("policy.toml", POLICY);
    for (name, latency) in [("r1", 100), ("r2", 101), ("slow", 300)] {
        rehearse(&bench, name, latency);
    }
    let audit = |args: &[&str]| bench.run(&[&["audit", "--policy", "policy.toml"], args].concat());
    // As good as before.
    let same = audit(&["runs/r2", "--baseline", "runs/r1", "--format", "json"]).exits(0).json();
    let metrics = same["baseline"]["metrics"].as_array().unwrap();
    for name in ["answers", "p99"] {
        let metric = metrics.iter().find(|metric| metric["name"] == name).unwrap();
        assert_eq!(metric["status"], "pass", "{metric}");
    }
    assert_eq!(same["baseline"]["compared"], 1);
    // Worse within the runs is a FAIL; worse by one figure each is only worth a look.
    let slow =
        audit(&["runs/slow", "--baseline", "auto", "--format", "json", "--out", "out", "--export", "html=page.html"]);
    let slow = slow.exits(1).json();
    let metric = |name: &str| {
        let metrics = slow["baseline"]["metrics"].as_array().unwrap();
        metrics.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("{name}: {metrics:?}")).clone()
    };
    assert_eq!((&metric("answers")["status"], &metric("answers")["method"]), (&json!("fail"), &json!("windows")));
    assert_eq!((&metric("p99")["status"], &metric("p99")["method"]), (&json!("warn"), &json!("difference")));
    assert_eq!(gate(&slow, "baseline")["status"], "fail");
    assert_eq!(slow["baseline"]["baselines"][0]["path"], "runs/r1");
    let page = std::fs::read_to_string(bench.path().join("page.html")).unwrap();
    assert!(page.contains("Against accepted runs") && page.contains("answers"), "the page shows it");
    let backlog = bench.run(&["backlog", "out/audit.json", "--format", "json"]).exits(1).json();
    let items = backlog["items"].as_array().unwrap();
    assert!(items.iter().any(|item| item["category"] == "baseline" && item["severity"] == "fail"), "{items:?}");
    // Whoever names them in another order gets the same bytes, but for the time of the report.
    let two = |first: &str, second: &str| {
        let mut document =
            audit(&["runs/slow", "--baseline", first, "--baseline", second, "--format", "json"]).exits(1).json();
        document["generated_at"].take();
        document.to_string()
    };
    assert_eq!(two("runs/r1", "runs/r2"), two("runs/r2", "runs/r1"));
    // Earlier runs are a history of validation; a directory that holds none is no pass.
    bench.write("validation.json", json!({"timestamp": "2031-05-04T12:00:00Z", "results": {"feed": true}}).to_string());
    for (history, code) in [("[\"runs/r1\", \"runs/slow\"]", 0), ("[\"runs\"]", 1)] {
        bench.write("history.toml", format!("[validation]\nhistory = {history}\n"));
        let args =
            ["audit", "--component", "validation.json", "--as-of", "2031-05-04T12:10:00Z", "--policy", "history.toml"];
        let _ = bench.run(&args).exits(code);
    }
    // From run to run.
    let trend = audit(&["--trend", "runs/r1", "runs/r2", "runs/slow"]).exits(0).stdout;
    assert!(trend.contains("▁▁█"), "{trend}");
    let trend = audit(&["--format", "json", "--trend", "runs/r1", "runs/r2", "runs/slow"]).exits(0).json();
    let p99 =
        trend["trend"]["metrics"].as_array().unwrap().iter().find(|metric| metric["name"] == "p99").unwrap().clone();
    assert_eq!((&p99["values"], &p99["worse_in_a_row"]), (&json!([100.0, 101.0, 300.0]), &json!(2)));
}

#[test]
fn documents_of_other_tools_are_judged_by_what_they_hold() {
    let bench = Bench::new();
    let document = |healthy: bool, slowest: f64| {
        let document = json!({
            "healthy": healthy, "generated_at": "2031-05-04T12:00:00Z", "options": {"max_processing_ms": 200.0},
            "throughput": {"healthy": healthy, "max_processing_ms": slowest, "samples": 9},
        });
        bench.write("assessment.json", document.to_string());
        bench.run(&["audit", "--baseline", "assessment.json", "--format", "json"])
    };
    let sound = document(true, 120.0).exits(0).json();
    assert_eq!((&sound["verdict"], gate(&sound, "baseline")["status"].as_str()), (&json!("pass"), Some("pass")));
    assert_eq!(sound["baseline"]["baselines"][0]["figures"]["throughput.max_processing_ms"], 120.0);
    let _ = document(false, 120.0).exits(1);
    let _ = document(true, 320.0).exits(1);
}

#[test]
fn what_cannot_be_compared_is_no_pass() {
    let bench = Bench::new();
    bench.write("a.log", "2031-05-04T12:00:00Z INFO up\n2031-05-04T12:10:00Z INFO up\n");
    bench.write("b.json", "{}");
    for (args, code) in [
        (&["--baseline", "nowhere"][..], 1),
        (&["--baseline", "b.json"], 1),
        (&["--baseline", "auto"], 2),
        (&["--trend", "a"], 2),
        (&["--trend", "a", "b"], 3),
        (&["--log", "a.log", "--baseline", "nowhere"], 1),
    ] {
        let _ = bench.run(&[&["audit"], args].concat()).exits(code);
    }
    bench.write("p.toml", "[baseline.metrics.memory_p95]\nfloor = 1\n");
    let refused = bench.run(&["audit", "--log", "a.log", "--baseline", "b.json", "--policy", "p.toml"]).exits(2);
    assert!(refused.stderr.contains("memory_p95_mb"), "{refused:?}");
    bench.write("p.toml", "[baseline.metrics.x]\npointer = \"/x\"\n");
    let refused = bench.run(&["audit", "--log", "a.log", "--policy", "p.toml"]).exits(2);
    assert!(refused.stderr.contains("better"), "{refused:?}");
}
