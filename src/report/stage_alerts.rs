//! How `stage-alerts` looks: the observation and the rehearsal, each with what decided it first.

use std::collections::BTreeMap;

use serde_json::Value;

use super::view::{Row, View};
use super::{Block, Cell, Doc, Table, Tone, count, notify};
use crate::finding::{Criterion, Gate, Status};
use crate::stage::freshness::Freshness;
use crate::stage::history::History;
use crate::stage::notify::report::Notifications;
use crate::stage::rehearsal::figures::Spread;
use crate::stage::rehearsal::{Counts, Example, Labels, Rehearsal};
use crate::time::{Stamp, human_seconds};
use crate::verdict::headline;

/// How many rows of a long list are shown; JSON has more.
const SHOWN: usize = 10;

/// What was found, of what was asked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found<'a> {
    /// The observation of a smoke run, judged.
    pub(crate) freshness: Option<&'a Freshness>,
    /// Alert rules against incidents that were expected.
    pub(crate) rehearsal: Option<&'a Rehearsal>,
    /// Who hears of what.
    pub(crate) notifications: Option<&'a Notifications>,
    /// The limits that are looser than their defaults.
    pub(crate) relaxed: &'a [Criterion],
}

/// The document for what was asked.
pub(crate) fn doc(status: Status, found: Found<'_>, history: Option<&History>) -> Doc {
    let Found { freshness, rehearsal, notifications, relaxed } = found;
    let title = match (freshness, rehearsal, notifications) {
        (Some(_), Some(_), _) => "Admin alert observation and alert rehearsal",
        (None, Some(_), _) => "Alert rehearsal",
        (None, None, Some(_)) => "Rehearsal of notifications",
        _ => "Admin alert observation",
    };
    let mut because = Vec::new();
    if let Some(freshness) = freshness {
        let advice = &freshness.recommendation;
        because.push((advice.verdict, format!("{}: {}", advice.status.word(), advice.reason)));
    }
    if let Some(rehearsal) = rehearsal {
        because.extend(rehearsal_because(rehearsal));
    }
    if let Some(notifications) = notifications {
        let gates = notifications.gates.iter();
        because.extend(gates.map(|gate| (gate.status, format!("{}: {}", gate.name, gate.measured))));
    }
    because.retain(|(reason, _)| *reason == status);
    let because = because.into_iter().map(|(_, text)| text).chain(headline::reasons(&[], relaxed)).collect();
    let mut doc = Doc::new(title).verdict(status, because).remark(headline::remark(false, &[], relaxed));
    if let Some(freshness) = freshness {
        observation(&mut doc, freshness);
    }
    if let Some(history) = history {
        trend(&mut doc, history);
    }
    if let Some(rehearsal) = rehearsal {
        figures(&mut doc, rehearsal);
    }
    if let Some(notifications) = notifications {
        notify::push(&mut doc, notifications);
    }
    doc
}

/// The same for exports.
pub(crate) fn view(status: Status, generated_at: Stamp, found: Found<'_>) -> View<'static> {
    let Found { freshness, rehearsal, notifications, relaxed } = found;
    let mut rows = rehearsal.map(|found| Row::all(&found.findings, "alerts")).unwrap_or_default();
    rows.extend(notifications.iter().flat_map(|found| Row::all(&found.findings, "notifications")));
    let seeding = freshness.map(|found| Gate {
        name: "seeding".to_owned(),
        threshold: "a live alert within the window".to_owned(),
        measured: format!("{}: {}", found.recommendation.status.word(), found.recommendation.reason),
        samples: u64::from(found.has_observation),
        status: found.recommendation.verdict,
        evidence: Some(found.source_path.clone()),
        ..Gate::default()
    });
    View {
        subject: "alerts".to_owned(),
        status,
        headline: headline::headline(status, &headline::remark(false, &[], relaxed)),
        gates: seeding
            .into_iter()
            .chain(rehearsal.iter().flat_map(|found| found.gates.clone()))
            .chain(notifications.iter().flat_map(|found| found.gates.clone()))
            .collect(),
        rows,
        generated_at: Some(generated_at),
        ..View::default()
    }
}

fn observation(doc: &mut Doc, found: &Freshness) {
    let text = |value: &Value, none: &str| match value {
        Value::Null => Cell::dim(none),
        Value::String(text) => text.as_str().into(),
        other => other.to_string().into(),
    };
    let ago = |at: Cell, age: Option<i64>| match age.and_then(|age| u64::try_from(age).ok()) {
        Some(age) => format!("{} ({} ago)", at.text, human_seconds(age as f64 / 1000.0)).into(),
        None => at,
    };
    let window = human_seconds(found.window_ms as f64 / 1000.0);
    let mut facts = vec![
        ("Source".to_owned(), Cell::code(&found.source_path)),
        ("Alert observed".to_owned(), ago(text(&found.observed_at, "none"), found.observed_age_ms)),
        ("Recorded".to_owned(), ago(text(&found.recorded_at, "unknown"), found.recorded_age_ms)),
        (
            "Kind".to_owned(),
            match &found.seeded {
                _ if found.observed_at.is_null() => Cell::dim("none"),
                Value::Bool(true) => "seed of the smoke run".into(),
                Value::Bool(false) => "live".into(),
                _ => "unknown".into(),
            },
        ),
        (format!("Within {window}"), if found.window_within_ms.is_some() { "yes" } else { "no" }.into()),
        (
            "Fallback seeding".to_owned(),
            Cell::new(
                if found.recommendation.keep_fallback_seeding { "keep" } else { "may be switched off" },
                Tone::Strong,
            ),
        ),
    ];
    if let Some(latency) = &found.latency_ms {
        facts.insert(4, ("Latency".to_owned(), format!("{latency}ms").into()));
    }
    if let Some(run) = &found.last_run {
        let when = text(&run.recorded_at, "at an unknown time").text;
        facts.push(("Last run".to_owned(), format!("{when}: alert step {}; {}", run.alert_step, run.detail).into()));
    }
    doc.section("Observation", Block::Facts(facts));
    doc.push(Block::List(found.notes.iter().map(|note| note.as_str().into()).collect()));
}

fn trend(doc: &mut Doc, history: &History) {
    let mut table = Table::new(&["when", "alert", "latency", "file"]).right(&[2]);
    let hidden = history.runs.len().saturating_sub(SHOWN);
    for run in &history.runs[hidden..] {
        table.row([
            run.at.map_or(Cell::dim("unknown"), |at| at.human().into()),
            run.kind.into(),
            run.latency_ms.map_or(Cell::dim("-"), |latency| format!("{latency}ms").into()),
            Cell::code(&run.file),
        ]);
    }
    let mut line = format!(
        "{}: {} live, {} seeded, {} without alert",
        count(history.runs.len() as u64, "earlier run"),
        history.live,
        history.seeded,
        history.none
    );
    if let Some(latency) = history.latency_ms {
        let (median, max) = (latency.median, latency.max);
        line.push_str(&format!("; live latency median {median}ms, slowest {max}ms"));
    }
    if hidden > 0 {
        line.push_str(&format!("; the newest {SHOWN} are shown"));
    }
    doc.push(Block::Heading("History".to_owned()));
    doc.push(Block::Text(line.into()));
    doc.push(Block::Table(table));
    doc.push(Block::List(history.unusable.iter().map(|(file, why)| format!("{file}: {why}").into()).collect()));
}

fn rehearsal_because(rehearsal: &Rehearsal) -> Vec<(Status, String)> {
    let mut because: Vec<(Status, String)> = rehearsal
        .gates
        .iter()
        .filter(|gate| gate.name != "evidence" || gate.status > Status::Pass)
        .map(|gate| (gate.status, format!("{}: {}; limit: {}", gate.name, gate.measured, gate.threshold)))
        .collect();
    if let Some(more) = rehearsal.alerts_to_decide {
        because.push((
            rehearsal.gates.iter().find(|gate| gate.name == "noise").map_or(Status::Pass, |gate| gate.status),
            format!("the interval of the noise straddles its limit; {} at this rate would decide", {
                count(more, "more alert")
            }),
        ));
    }
    because
}

fn figures(doc: &mut Doc, found: &Rehearsal) {
    let mut gates = Table::new(&["gate", "verdict", "limit", "measured"]);
    for gate in &found.gates {
        gates.row([gate.name.as_str().into(), Cell::from(gate.status), gate.threshold.as_str().into(), {
            gate.measured.as_str().into()
        }]);
    }
    doc.section("Gates", Block::Table(gates));
    doc.section(
        "Findings",
        Block::List(
            found
                .findings
                .iter()
                .map(|finding| {
                    let place = finding.place.as_ref().map_or(String::new(), |place| format!("{place}: "));
                    let label = if finding.severity > Status::Pass { finding.severity.label() } else { "note:" };
                    format!("{label} {place}{}", finding.summary).into()
                })
                .collect(),
        ),
    );
    doc.section("By tier", Block::Table(counts("tier", &found.tiers, &found.total)));
    doc.section("By rule", Block::Table(counts("rule", &found.rules, &found.total)));
    doc.section("Times", Block::Table(times(found)));
    doc.section("Noise drivers", Block::Table(drivers(found)));
    let mut missed = Table::new(&["incident", "rule", "began", "labels"]);
    for incident in found.missed.iter().take(SHOWN) {
        missed.row(example(incident));
    }
    doc.section(format!("Missed incidents ({})", found.total.misses), Block::Table(missed));
    if let Some(storm) = found.storm.as_ref().filter(|storm| storm.alerts > 1) {
        let rules: Vec<String> = storm.rules.iter().take(5).map(|(rule, n)| format!("{rule} {n}")).collect();
        let text = format!(
            "{} in {} from {}: {}",
            count(storm.alerts, "alert"),
            human_seconds(storm.seconds as f64),
            storm.at.human(),
            rules.join(", ")
        );
        doc.section("Busiest minutes", Block::Text(text.into()));
    }
}

fn counts(of: &'static str, rows: &BTreeMap<String, Counts>, total: &Counts) -> Table {
    let mut table = Table::new(&[
        of, "expected", "fired", "true", "false", "missed", "dup", "flap", "noise", "recall", "mean", "p95",
    ])
    .right(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    // The worst rows first; a long tail of quiet ones is summed up in the last line.
    let mut ranked: Vec<(&String, &Counts)> = rows.iter().collect();
    if of == "rule" {
        ranked.sort_by_key(|(_, c)| std::cmp::Reverse((c.misses, c.false_positives, c.duplicates + c.flaps)));
    }
    for (name, row) in ranked.iter().take(3 * SHOWN) {
        table.row(count_row(Cell::code(name.as_str()), row));
    }
    if rows.len() > 1 {
        let label = if rows.len() > 3 * SHOWN { format!("all {}", rows.len()) } else { "all".to_owned() };
        table.row(count_row(Cell::new(label, Tone::Strong), total));
    }
    table
}

fn count_row(name: Cell, row: &Counts) -> Vec<Cell> {
    let share = |value: Option<f64>| value.map_or(Cell::dim("-"), |v| format!("{:.1}%", v * 100.0).into());
    let time = |pick: fn(&Spread) -> f64| {
        row.latency_seconds.as_ref().map_or(Cell::dim("-"), |spread| human_seconds(pick(spread)).into())
    };
    vec![
        name,
        row.expected.into(),
        row.fired.into(),
        row.true_positives.into(),
        row.false_positives.into(),
        row.misses.into(),
        row.duplicates.into(),
        row.flaps.into(),
        share(row.noise),
        share(row.recall),
        time(|spread| spread.mean),
        time(|spread| spread.p95),
    ]
}

fn times(found: &Rehearsal) -> Table {
    let mut table = Table::new(&["", "samples", "mean", "median", "p95", "max"]).right(&[1, 2, 3, 4, 5]);
    for (name, spread) in [
        ("to detection", &found.total.latency_seconds),
        ("to acknowledgement", &found.time_to_acknowledge),
        ("to resolution", &found.time_to_resolve),
    ] {
        if let Some(spread) = spread {
            let mut row: Vec<Cell> = vec![name.into(), spread.samples.into()];
            row.extend([spread.mean, spread.median, spread.p95, spread.max].map(|s| Cell::from(human_seconds(s))));
            table.row(row);
        }
    }
    table
}

fn drivers(found: &Rehearsal) -> Table {
    let mut table = Table::new(&["rule", "false", "share", "in common", "for example"]).right(&[1, 2]);
    for driver in found.noise_drivers.iter().take(SHOWN) {
        let examples: Vec<String> = driver.examples.iter().map(|example| example.at.human()).collect();
        table.row([
            Cell::code(&driver.rule),
            driver.false_positives.into(),
            format!("{:.0}%", driver.share * 100.0).into(),
            label_text(&driver.common_labels).into(),
            examples.join(", ").into(),
        ]);
    }
    table
}

fn example(example: &Example) -> [Cell; 4] {
    [
        Cell::code(example.incident.as_deref().unwrap_or_default()),
        Cell::code(&example.rule),
        example.at.human().into(),
        label_text(&example.labels).into(),
    ]
}

fn label_text(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}
