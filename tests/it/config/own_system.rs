//! The examples of the runbook for a first system of one's own, run as they are written there.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::Bench;

/// The code block of the runbook that begins with `start`.
fn block(language: &str, start: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks/own-system.md");
    let text = fs::read_to_string(page).unwrap();
    let fence = format!("```{language}\n");
    let mut blocks = text.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.starts_with(start)).unwrap_or_else(|| panic!("no {language} block")).to_owned()
}

fn gate(json: &Value, name: &str) -> (String, String) {
    let gate = json["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == name);
    let gate = gate.unwrap_or_else(|| panic!("no gate {name} in {json}"));
    (gate["status"].as_str().unwrap().to_owned(), gate["measured"].as_str().unwrap().to_owned())
}

#[test]
fn the_examples_pass_with_the_figures_that_they_are_asked_for() {
    let bench = Bench::new();
    bench.write("app.sh", block("sh", "#!"));
    bench.write("app.py", block("python", "import"));
    bench.write("emp-ops.toml", block("toml", "[performance"));
    for (program, script) in [("sh", "app.sh"), ("python3", "app.py")] {
        if Command::new(program).args(["-c", ""]).output().is_err() {
            eprintln!("skipped: {program} is not installed");
            continue;
        }
        let lines = fs::read_to_string(bench.path().join(script)).unwrap().lines().count();
        assert!(lines <= 17, "{script} has {lines} lines");
        let args =
            ["final-dry-run", "--duration", "5s", "--format", "json", "--run-name", script, "--", program, script];
        let out = bench.run(&args);
        let json = &out.json()["summary"];
        assert_eq!(gate(json, "figure p99"), ("pass".to_owned(), "182 ms".to_owned()), "{script}");
        assert_eq!(gate(json, "performance"), ("pass".to_owned(), "no findings".to_owned()), "{script}");
        // On a busy machine the example may start late, which a run of seconds is judged by; nothing else may be wrong.
        let (_, diary) = gate(json, "diary");
        assert!(diary == "no issues" || diary.contains("of the run"), "{script}: {diary}");
        assert_eq!(gate(json, "logs").0, "pass", "{script}");
        // Whoever asks for more of the packet than its run did sees the figure fail.
        bench.write("strict.toml", "[performance.figures.p99]\npointer = \"/latency/p99_ms\"\nmax = 100\n");
        let packet = format!("runs/{script}/packet");
        let strict =
            bench.run(&["audit", &packet, "--no-config", "--policy", "strict.toml", "--format", "json"]).exits(1);
        assert_eq!(gate(&strict.json(), "figure p99"), ("fail".to_owned(), "182".to_owned()));
        let own = bench.run(&["audit", &packet, "--no-config", "--format", "json"]).json();
        assert_eq!(super::limit(&own, "figures.p99").1, "emp-ops.toml:1");
    }
}

#[test]
fn a_figure_that_is_not_there_is_no_pass_and_a_looser_one_is_named() {
    let bench = Bench::new();
    bench.write("app.log", super::LOG);
    bench.write("p.toml", "[performance.figures.p99]\npointer = \"/p99\"\nmax = 250\nwarn = 200\n");
    let report = |figure: &str| {
        format!("{{\"period_start\": \"2026-01-06T00:00:00Z\", \"generated_at\": \"2026-01-06T00:00:01Z\"{figure}}}")
    };
    for (figure, status, measured) in [
        (", \"p99\": 100", "pass", "100"),
        (", \"p99\": 225", "warn", "225"),
        (", \"p99\": 251", "fail", "251"),
        (", \"p99\": \"100\"", "fail", "/p99 is text, no number"),
        (", \"p99\": null", "fail", "/p99 is null"),
        (", \"p99\": NaN", "fail", "/p99 is text, no number"),
        ("", "fail", "the report has no /p99"),
    ] {
        bench.write("perf.json", report(figure));
        let args =
            ["audit", "--log", "app.log", "--performance", "perf.json", "--policy", "p.toml", "--format", "json"];
        let json = bench.run(&args).json();
        assert_eq!(gate(&json, "figure p99"), (status.to_owned(), measured.to_owned()));
        assert_eq!(json["verdict"], status, "{figure}");
    }
    let none = bench.run(&["audit", "--log", "app.log", "--policy", "p.toml", "--format", "json"]).exits(1).json();
    assert_eq!(gate(&none, "figure p99").0, "fail");
    bench.write("emp-ops.toml", "[performance.figures.p99]\npointer = \"/p99\"\nmax = 500\n");
    bench.write("perf.json", report(", \"p99\": 300"));
    let args = ["audit", "--log", "app.log", "--performance", "perf.json", "--policy", "p.toml", "--format", "json"];
    let loose = bench.run(&args).exits(0).json();
    let row = loose["criteria"].as_array().unwrap().iter().find(|row| row["limit"] == "figures.p99").unwrap();
    assert_eq!(row["relaxed_from"], "at most 250, a WARN above 200 (p.toml:1)");
    assert!(loose["headline"].as_str().unwrap().contains("1 limit relaxed"), "{}", loose["headline"]);
    bench.write("emp-ops.toml", "[performance.figures.p99]\npointer = \"p99\"\nmax = 500\n");
    let wrong = bench.run(&args).exits(2);
    assert!(wrong.stderr.contains("the pointer must begin with a slash"), "{wrong:?}");
}
