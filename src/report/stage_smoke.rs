//! How `stage-smoke` looks: the verdict, the steps with their times as bars, what was observed, what to do next.

use std::collections::BTreeMap;

use serde_json::Value;

use super::view::{Row, View};
use super::{Block, Cell, Doc, Table, Tone, count};
use crate::finding::{Gate, Status};
use crate::stage::smoke::{Percentiles, Report, StepReport, StepState};
use crate::time::{Stamp, human_seconds};

/// How wide the longest bar is.
const BAR: usize = 16;

/// The same for exports: a gate for each step.
pub(crate) fn view(report: &Report) -> View<'static> {
    // A step that another made good, such as an alert that was seeded, is no worse than the whole.
    let gate = |step| Gate { status: gate(step).status.min(report.status), ..gate(step) };
    let gates = report.steps.iter().filter(|step| step.state != StepState::Skipped).map(gate);
    let started_at = Stamp::parse(&report.started_at);
    View {
        subject: report.base_url.clone(),
        status: report.status,
        headline: report.status.label().to_owned() + if report.simulated { " (simulated)" } else { "" },
        gates: gates.collect(),
        rows: Row::all(&report.findings, "stage"),
        started_at,
        ended_at: Stamp::parse(&report.completed_at),
        duration_seconds: Some(report.duration_ms as f64 / 1000.0),
        uptime_ratio: None,
        generated_at: started_at,
        unfinished: false,
    }
}

fn gate(step: &StepReport) -> Gate {
    let worst = if step.step.is_vital() { Status::Fail } else { Status::Warn };
    let (status, word) = match step.state {
        StepState::Passed if step.slower_than_ms.is_some() => (Status::Warn, "slow"),
        StepState::Passed => (Status::Pass, "passed"),
        StepState::Skipped => (Status::Pass, "skipped"),
        StepState::Failed => (worst, "failed"),
        StepState::NotReached => (worst, "not reached"),
    };
    let took = step.latency_ms.map(|ms| format!("{word} in {ms}ms")).unwrap_or(word.to_owned());
    let detail = detail(step);
    Gate {
        name: step.step.word().to_owned(),
        threshold: step.slower_than_ms.map_or("passes".to_owned(), |ms| format!("passes in {ms}ms")),
        measured: if detail.is_empty() { took } else { format!("{took}: {detail}") },
        samples: step.attempts.into(),
        status,
        ..Gate::default()
    }
}

/// The document of a run, or of the last of several.
pub fn doc(report: &Report, next: &[String]) -> Doc {
    let mut because: Vec<String> = report.findings.iter().map(|finding| finding.summary.clone()).collect();
    if because.is_empty() {
        because.push(format!("every step passed in {}", human_seconds(report.duration_ms as f64 / 1000.0)));
    }
    let what = if report.simulated { "the simulated staging server" } else { &report.base_url };
    let mut doc = Doc::new(format!("Smoke of {what}")).verdict(report.status, because);
    doc.section("Steps", Block::Table(steps(&report.steps)));
    doc.section("Repeated runs", Block::Table(percentiles(&report.percentiles)));
    doc.section("Metrics", Block::Facts(metrics(&report.metrics)));
    doc.section("Admin alert", Block::Facts(alert(report)));
    let mut run = vec![
        ("Run".to_owned(), Cell::code(&report.run_id)),
        ("Started".to_owned(), report.started_at.as_str().into()),
        ("Took".to_owned(), human_seconds(report.duration_ms as f64 / 1000.0).into()),
    ];
    let text = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or("unknown").to_owned();
    if let Some(account) = &report.account {
        run.push((
            "Account".to_owned(),
            format!("{}, role {}", text(account, "/email"), text(account, "/role")).into(),
        ));
    }
    if let Some(session) = &report.session {
        let closed = if session.pointer("/closed") == Some(&Value::Bool(true)) { "closed" } else { "left open" };
        run.push(("Session".to_owned(), format!("{}, {closed}", text(session, "/id")).into()));
    }
    if let Some(stream) = &report.stream {
        let types: Vec<String> = report.event_counts.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        run.push(("Events".to_owned(), format!("{}: {}", stream.events, types.join(", ")).into()));
        if stream.foreign_events > 0 {
            run.push(("Foreign events".to_owned(), count(stream.foreign_events, "event").into()));
        }
    }
    doc.section("Run", Block::Facts(run));
    doc.section(
        "What to do next",
        Block::List(
            next.iter()
                .map(|line| if line.starts_with("emp-ops") { Cell::code(line) } else { line.as_str().into() })
                .collect(),
        ),
    );
    doc
}

fn steps(steps: &[StepReport]) -> Table {
    let longest = steps.iter().filter_map(|step| step.latency_ms).max().unwrap_or(0).max(1);
    let mut table = Table::new(&["step", "state", "time", "", "detail"]).right(&[2]);
    for step in steps {
        let (word, tone) = match step.state {
            StepState::Passed if step.slower_than_ms.is_some() => ("slow", Tone::Status(Status::Warn)),
            StepState::Passed => ("passed", Tone::Status(Status::Pass)),
            StepState::Failed if step.step.is_vital() => ("failed", Tone::Status(Status::Fail)),
            StepState::Failed => ("failed", Tone::Status(Status::Warn)),
            StepState::Skipped => ("skipped", Tone::Dim),
            StepState::NotReached => ("not reached", Tone::Dim),
        };
        let bar = step.latency_ms.map_or(0, |ms| ((ms as f64 / longest as f64 * BAR as f64).ceil() as usize).max(1));
        table.row([
            step.step.word().into(),
            Cell::new(word, tone),
            match step.latency_ms {
                Some(0) => "<1ms".into(),
                Some(ms) => format!("{ms}ms").into(),
                None => Cell::dim("-"),
            },
            Cell::dim("▇".repeat(bar)),
            detail(step).into(),
        ]);
    }
    table
}

fn detail(step: &StepReport) -> String {
    let mut parts = vec![step.detail.clone()];
    if step.attempts > 1 {
        parts.push(count(step.attempts.into(), "attempt"));
    }
    if step.state == StepState::Failed {
        parts.extend(step.request.clone());
        parts.extend(step.http_status.map(|status| format!("HTTP {status}")));
        parts.extend(step.body.as_ref().map(|body| format!("body: {body}")));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("; ")
}

fn percentiles(rows: &[Percentiles]) -> Table {
    let mut table =
        Table::new(&["step", "passed", "failed", "mean", "median", "p95", "max"]).right(&[1, 2, 3, 4, 5, 6]);
    for row in rows {
        let mut cells: Vec<Cell> = vec![row.step.word().into(), row.passed.into(), row.failed.into()];
        match &row.latency_ms {
            Some(spread) => {
                let values = [spread.mean, spread.median, spread.p95, spread.max];
                cells.extend(values.map(|ms| Cell::from(human_seconds(ms / 1000.0))));
            }
            None => cells.extend((0..4).map(|_| Cell::dim("-"))),
        }
        table.row(cells);
    }
    table
}

/// Each metric as its fields, one line.
fn metrics(metrics: &BTreeMap<&'static str, Value>) -> Vec<(String, Cell)> {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |value: &Value| match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect::<Vec<_>>().join(", ")
        }
        other => shown(other),
    };
    metrics.iter().map(|(name, value)| ((*name).to_owned(), line(value).into())).collect()
}

fn alert(report: &Report) -> Vec<(String, Cell)> {
    let config = &report.config;
    let mut facts = Vec::new();
    let seen = report.metrics.get("adminAlert").filter(|alert| alert.get("observed") == Some(&Value::Bool(true)));
    facts.push((
        "Observed".to_owned(),
        match seen {
            Some(alert) if alert.get("seeded") == Some(&Value::Bool(true)) => "the seed of this run".into(),
            Some(_) => "a live alert".into(),
            None => "none in this run".into(),
        },
    ));
    if let Some(auto) = &config.admin_alert_auto_decision {
        let decision = if auto.switched_off { "seeding off" } else { "seeding as asked for" };
        let window = human_seconds(config.admin_alert_observation_window_ms as f64 / 1000.0);
        let within = if auto.within_window { "within" } else { "not within" };
        facts.push(("Automatic seeding".to_owned(), format!("{decision}: last alert {within} {window}").into()));
    }
    if let Some(path) = &config.admin_alert_observation_path {
        facts.push(("Observation".to_owned(), Cell::code(path)));
    }
    if let Some(path) = &config.report_path {
        facts.push(("Report".to_owned(), Cell::code(path)));
    }
    facts
}
