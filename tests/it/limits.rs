//! Inputs far larger than they should be, and limits of memory and files that are far smaller.

use std::fmt::Write as _;
use std::process::Command;

use crate::harness::{Bench, Output};

/// `emp-ops` with `arguments` under a limit of the shell, such as `-v 131072`.
fn limited(bench: &Bench, limit: &str, arguments: &str) -> Output {
    let command = format!("ulimit {limit}; exec {} {arguments}", env!("CARGO_BIN_EXE_emp-ops"));
    Output::from(Command::new("sh").args(["-c", &command]).current_dir(bench.path()).output().unwrap())
}

/// Many errors, all different, with silences between them.
fn noisy(bench: &Bench) {
    let mut log = String::new();
    for line in 0..40_000_u64 {
        let (day, minute) = (line / 1440, line % 1440);
        let word: String = line.to_string().bytes().map(|digit| char::from(digit + b'A' - b'0')).collect();
        let text = format!("{} failed{}", word, " and says why".repeat(10));
        let _ = writeln!(
            log,
            "{{\"timestamp\":\"2025-01-{:02}T{:02}:{:02}:00Z\",\"level\":\"error\",\"message\":\"{text}\"}}",
            day + 1,
            minute / 60,
            minute % 60
        );
    }
    bench.write("noisy.jsonl", log);
}

#[test]
fn an_audit_in_little_memory_ends_with_a_verdict_or_a_clear_error() {
    let bench = Bench::new();
    noisy(&bench);
    let mut refused = 0;
    for mebibytes in [40, 48, 56, 64, 80, 96] {
        let limit = format!("-v {}", mebibytes * 1024);
        let out = limited(&bench, &limit, "audit --log noisy.jsonl --warn-gap 10s --threads 16 --format json");
        match out.code {
            1 => assert_eq!(out.json()["logs"]["records"], 40_000),
            3 => {
                assert!(out.stderr.starts_with("error: out of memory; raise the limit"), "{out:?}");
                refused += 1;
            }
            // The program itself does not fit.
            -1 if mebibytes < 56 => {}
            127 => assert!(out.stderr.contains("error while loading shared libraries"), "{out:?}"),
            _ => panic!("with {mebibytes} MiB: {out:?}"),
        }
    }
    assert!(refused < 6);
    let out = limited(&bench, "-v 131072", "audit --log noisy.jsonl --warn-gap 10s --threads 64 --format json");
    assert_eq!((out.code, &out.json()["logs"]["totals"]["gap_incidents"]), (1, &39_999.into()));
}

#[test]
fn figures_and_reports_of_any_size_are_bounded() {
    let bench = Bench::new();
    bench.write(
        "app.jsonl",
        "{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"info\",\"message\":\"up\"}\n\
         {\"timestamp\":\"2025-01-06T01:00:00Z\",\"level\":\"info\",\"message\":\"up\"}\n",
    );
    let report = |more: &str| {
        format!(
            "{{\"generated_at\":\"2025-01-06T01:00:00Z\",\"period_start\":\"2025-01-06T00:00:00Z\",\"roi\":0.1,{more}}}"
        )
    };
    let objects = format!("\"metadata\":{{\"list\":[{}0]}}", "{\"a\":1},".repeat(200_000));
    let long = format!("\"metadata\":{{\"text\":\"{}\"}}", "x".repeat(17 << 20));
    for (more, expect) in
        [(objects.as_str(), "more than fits into 32 MiB of memory"), (long.as_str(), "it is larger than 16 MiB")]
    {
        bench.write("performance.json", report(more));
        let out = bench.run(&["audit", "--log", "app.jsonl", "--performance", "performance.json", "--format", "json"]);
        let out = out.exits(1);
        assert!(out.stdout.contains(expect) && out.stdout.len() < 100_000, "{expect}: {}", out.stdout.len());
    }
    // What is shown of a report is bounded too, whatever is in the place of a figure.
    let list = format!("\"trades\":[{}0]", "1,".repeat(50_000));
    bench.write("performance.json", report(&list));
    let out = bench.run(&["audit", "--log", "app.jsonl", "--performance", "performance.json", "--format", "json"]);
    assert!(out.stdout.contains("trades is not a number") && out.stdout.len() < 100_000, "{}", out.stdout.len());
    bench.write("status.md", format!("# Status\n\n{}", "- [ ] something that is to be done\n".repeat(70_000)));
    let out = bench.run(&["backlog", "status.md"]).exits(3);
    assert!(out.stderr.contains("status.md: it is larger than 2 MiB"), "{out:?}");
}

#[test]
fn too_many_open_files_are_told_as_that() {
    let bench = Bench::new();
    let run = "final-dry-run --output-root runs --duration 1h -q --no-diary --no-performance -- true";
    let mut told = 0;
    for files in [6, 9, 12, 15] {
        let out = limited(&bench, &format!("-n {files}"), run);
        if out.code == 3 {
            assert!(out.stderr.contains("too many files are open: raise the limit (ulimit -n)"), "{files}: {out:?}");
            told += 1;
        }
    }
    assert!(told > 0);
}
