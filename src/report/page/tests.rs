//! The page of a long and troubled run: its size.

use std::time::Duration;

use serde_json::json;

use super::Excerpts;
use super::run::{Facts, page, places};
use crate::finding::{Finding, Status};
use crate::log::summary::{Bucket, Group, LogSummary, Summary};
use crate::report::view::rows;
use crate::supervise::record::{RunRecord, Sample};
use crate::time::Stamp;
use crate::verdict::audit::Audit;
use crate::verdict::gates::About;
use crate::verdict::packet::Listed;
use crate::verdict::policy;

fn at(seconds: u64) -> Stamp {
    Stamp::parse("2025-03-03T08:00:00Z").unwrap().plus(Duration::from_secs(seconds))
}

const HOURS: u64 = 72;
const LOG: &str = "logs/final_dry_run_20250303T080000Z.jsonl";

/// 72 hours with 330 kinds of findings, each with a long text.
fn summary() -> Summary {
    let group = |n: u64| Group {
        id: format!("{n:012x}"),
        severity: if n < 60 { Status::Fail } else { Status::Warn },
        kind: ["error", "warning", "stack_trace"][n as usize % 3].to_owned(),
        signature: format!("kind {n}"),
        count: n + 1,
        first_at: Some(at(n * 700)),
        last_at: Some(at(n * 700 + 5000)),
        example: Finding::fail(format!("component {n} said: {}", "a rather long message <b> ".repeat(20)))
            .in_file(LOG, n * 10 + 3),
        waived: None,
    };
    let bucket =
        |n: u64| Bucket { start: at(n * 1080), seconds: 1080.0, records: 5000 + n * 7, warnings: n, errors: n / 3 };
    let logs = LogSummary {
        records: 1_200_000,
        started_at: Some(at(0)),
        ended_at: Some(at(HOURS * 3600)),
        duration_seconds: Some((HOURS * 3600) as f64),
        uptime_ratio: Some(0.991),
        groups: (0..330).map(group).collect(),
        histogram: (0..240).map(bucket).collect(),
        ..LogSummary::default()
    };
    let empty = json!({"generated_at": "2025-03-06T08:00:00Z", "evidence_status": "fail", "logs": {}});
    Summary { logs, ..serde_json::from_value(empty).unwrap() }
}

fn record() -> RunRecord {
    let mut record: RunRecord = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
    (record.started_at, record.ended_at) = (at(0), Some(at(HOURS * 3600)));
    let wave = |n: u64| 50.0 + 40.0 * (n as f64 / 9.0).sin();
    let sample = |n: u64| Sample {
        timestamp: at(n * 360),
        cpu_percent: wave(n),
        memory_mb: 300.0 + wave(n),
        memory_percent: 3.0,
    };
    record.resource_monitor.series = (0..720).map(sample).collect();
    for name in ["diary", "performance"] {
        record.evidence_age.insert(name.to_owned(), (0..720).map(|n| (at(n * 360), wave(n))).collect());
    }
    record
}

#[test]
fn three_days_with_hundreds_of_kinds_of_findings_stay_below_300_kilobytes() {
    let audit = Audit::new(summary(), policy::resolve(&[]).unwrap(), About::default(), at(HOURS * 3600));
    let (record, rows) = (record(), rows(&audit.summary));
    let line = "{\"timestamp\":\"2025-03-03T08:00:00Z\",\"level\":\"info\",\"message\":\"<beat> & more\"} ".repeat(10);
    let near = |line_at: u64| (line_at - 2..=line_at + 2).map(|n| (n, line.clone())).collect();
    let excerpts: Excerpts =
        places(&rows).into_iter().map(|place| (place.clone(), near(place.line.unwrap()))).collect();
    let listed = |path: String| Listed { path, bytes: 1 << 20, sha256: "ab".repeat(32) };
    let snapshots = (0..900).map(|n| listed(format!("raw/progress_timeline/snapshot-{n:05}.json")));
    let files: Vec<Listed> = [listed(format!("raw/{LOG}"))].into_iter().chain(snapshots).collect();
    let facts = Facts {
        subject: "r",
        audit: &audit,
        record: Some(&record),
        people: &[],
        notes: &[],
        files: &files,
        base: Some(""),
        prefix: "raw/",
        rows: &rows,
        excerpts: &excerpts,
        verify: None,
    };
    let text = page(&facts);
    assert!(text.len() < 300_000, "{} bytes", text.len());
    assert_eq!(text, page(&facts), "the same evidence gives the same bytes");
    assert!(text.contains("130 more kinds"), "what is not listed is counted");
    assert!(text.contains("900 snapshots"));
}
