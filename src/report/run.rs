//! The report at the end of a rehearsal: one screen.

use super::{Block, Cell, Doc, Table, Verdict, audit, bytes_text, count, criteria, thousands};
use crate::finding::{Status, percent};
use crate::sanitize;
use crate::supervise::progress::Incident;
use crate::supervise::record::{EndReason, RunRecord};
use crate::time::human_seconds;
use crate::verdict::audit::Audit;
use crate::verdict::gates;

/// Incidents shown; `summary.json` has all.
const SHOWN: usize = 8;

/// Incidents shown on the terminal, which has one screen.
const ON_SCREEN: usize = 5;
/// What a row needs beside its text, in columns.
const BESIDE: usize = 42;
/// The longest list of causes on the screen.
const CAUSES: usize = 5;

/// The report of a run. `folder` is the run directory as it is shown, none if the report is in it; `packet` is what
/// to audit again.
pub(crate) fn run(record: &RunRecord, verdict: &Audit, folder: Option<&str>, packet: &str) -> Doc {
    let mut doc = head(record, verdict, folder);
    doc.section("Gates", Block::Table(audit::gate_table(&verdict.gates)));
    audit::changes(&mut doc, verdict);
    audit::drills::push(&mut doc, verdict.summary.drills.as_ref());
    audit::guards::push(&mut doc, verdict.summary.guards.as_ref());
    audit::down_times(&mut doc, &verdict.summary.logs.down_times);
    criteria::section(&mut doc, &verdict.criteria);
    let all = folder.map_or_else(|| "summary.json".to_owned(), |folder| format!("{folder}/summary.json"));
    incidents(&mut doc, (record, Some(verdict)), SHOWN, long, &all);
    again(&mut doc, packet);
    doc
}

/// The same on one screen of that width, if it is one: what was `made` of it, a line for each gate, and the worst
/// incidents.
pub(crate) fn screen(
    record: &RunRecord,
    verdict: &Audit,
    (folder, made): (&str, Vec<(String, Cell)>),
    packet: &str,
    width: Option<u16>,
) -> Doc {
    let mut doc = head(record, verdict, Some(folder));
    if let Some(Block::Facts(facts)) = doc.blocks.first_mut() {
        facts.extend(made);
    }
    if let Some(Verdict { because, .. }) = doc.verdict.as_mut().filter(|_| width.is_some())
        && because.len() > CAUSES
    {
        let more = because.len() - CAUSES;
        because.truncate(CAUSES);
        because.push(format!("{} in {folder}/summary.md", count(more as u64, "more cause")));
    }
    let mut gates = Table::new(&["gate", "verdict", "measured", "asked for"]);
    for gate in &verdict.gates {
        let measured = Cell::from(brief(&gate.measured, width));
        gates.row([gate.name.as_str().into(), gate.status.into(), measured, gate.threshold.as_str().into()]);
    }
    doc.section("Gates", Block::Table(gates));
    audit::changes(&mut doc, verdict);
    audit::down_times(&mut doc, &verdict.summary.logs.down_times);
    criteria::section(&mut doc, &verdict.criteria);
    let all = format!("{folder}/summary.md");
    incidents(&mut doc, (record, Some(verdict)), ON_SCREEN, |text| brief(text, width), &all);
    again(&mut doc, packet);
    doc
}

fn head(record: &RunRecord, verdict: &Audit, folder: Option<&str>) -> Doc {
    let because = audit::because(verdict);
    let mut doc = Doc::new(title(record)).verdict(verdict.verdict, because).remark(verdict.remark());
    doc.push(Block::Facts(facts(record, Some(verdict), folder)));
    doc
}

fn again(doc: &mut Doc, packet: &str) {
    doc.push(Block::Heading("Judge it again".to_owned()));
    doc.push(Block::Code(format!("emp-ops audit {packet}")));
}

/// What is known of a run whose evidence could not be closed, such as on a full disk.
pub(crate) fn unjudged(record: &RunRecord, folder: &str) -> Doc {
    let because = "the evidence could not be closed, so nobody can judge it; what follows is on no disk".to_owned();
    let mut doc = Doc::new(title(record)).verdict(Status::Fail, vec![because]);
    doc.push(Block::Facts(facts(record, None, Some(folder))));
    incidents(&mut doc, (record, None), SHOWN, long, "no file");
    doc.push(Block::Heading("Judge what is on disk, once there is space".to_owned()));
    doc.push(Block::Code(format!("emp-ops audit {folder}")));
    doc
}

/// What the run is called.
pub(crate) fn title(record: &RunRecord) -> String {
    let simulated = if record.is_simulated() { " (simulated)" } else { "" };
    let name = record.label.clone().unwrap_or_else(|| format!("Rehearsal {}", record.name));
    format!("{name}{simulated}")
}

/// What a row of a terminal of this width holds; all of it where there is none.
fn brief(text: &str, width: Option<u16>) -> String {
    let line = text.lines().next().unwrap_or_default();
    width.map_or_else(
        || line.to_owned(),
        |width| sanitize::columns(line, usize::from(width).saturating_sub(BESIDE).max(30)),
    )
}

fn long(text: &str) -> String {
    sanitize::shorten(text, 160)
}

/// How many incidents there were, and how many of them drills caused.
fn incident_fact(record: &RunRecord, verdict: Option<&Audit>) -> Cell {
    let excused = |incident: &&Incident| is_excused(incident, verdict);
    let by_drills: Vec<&Incident> = record.incidents.iter().filter(excused).collect();
    let of = |severity: Status| {
        let all = record.incident_counts.get(&severity).copied().unwrap_or_default();
        let theirs = by_drills.iter().filter(|incident| incident.severity == severity);
        all.saturating_sub(theirs.map(|incident| incident.count).sum())
    };
    let own = [Status::Fail, Status::Warn].map(|severity| (severity, of(severity)));
    let own = own.into_iter().filter(|(_, number)| *number > 0);
    let mut told: Vec<String> =
        own.map(|(severity, number)| format!("{} {}", thousands(number), severity.label())).collect();
    let caused: u64 = by_drills.iter().map(|incident| incident.count).sum();
    told.extend((caused > 0).then(|| format!("{} caused by drills and excused", thousands(caused))));
    let worst = record.incidents.iter().filter(|incident| !excused(incident)).map(|incident| incident.severity).max();
    match worst {
        _ if told.is_empty() => Cell::from("none"),
        None => Cell::from(told.join(", ")),
        Some(worst) => Cell::new(told.join(", "), super::Tone::Status(worst)),
    }
}

/// Whether an incident is not held against the run because a drill caused it.
fn is_excused(incident: &Incident, verdict: Option<&Audit>) -> bool {
    let drills = verdict.and_then(|verdict| verdict.summary.drills.as_ref());
    drills.is_some_and(|drills| drills.excuses(&incident.id))
}

/// The worst incidents, so many, and where all are.
fn incidents(
    doc: &mut Doc,
    (record, verdict): (&RunRecord, Option<&Audit>),
    shown: usize,
    shorten: impl Fn(&str) -> String,
    all: &str,
) {
    let mut incidents = Table::new(&["severity", "first seen", "count", "incident"]).right(&[2]);
    let mut worst: Vec<_> = record.incidents.iter().collect();
    // What drills caused is no reason to look.
    worst.sort_by_key(|i| (is_excused(i, verdict), std::cmp::Reverse(i.severity), i.occurred_at));
    for incident in worst.iter().take(shown) {
        let excused = is_excused(incident, verdict);
        let drill = incident.drill.as_ref().map(|drill| match excused {
            true => format!(" (excused by drill {drill})"),
            false => format!(" (during drill {drill})"),
        });
        let drill = drill.unwrap_or_default();
        let severity = if excused { Cell::dim("excused") } else { incident.severity.into() };
        let message = format!("{}{drill}", shorten(&incident.message));
        let at = incident.occurred_at.human();
        incidents.row([severity, at.into(), incident.count.into(), Cell::from(message)]);
    }
    doc.section("Incidents", Block::Table(incidents));
    if worst.len() > shown {
        doc.push(Block::Text(Cell::dim(format!("{} more are in {all}.", worst.len() - shown))));
    }
}

/// How the command ended after it was asked to.
fn drained(record: &RunRecord) -> String {
    let Some(seconds) = record.drain_seconds else { return String::new() };
    let killed =
        record.attempts.last().and_then(|last| last.reason.as_deref()).is_some_and(|why| why.contains("killed"));
    let how = if killed { "killed after" } else { "then drained for" };
    format!(", {how} {}", human_seconds(seconds))
}

fn facts(record: &RunRecord, verdict: Option<&Audit>, folder: Option<&str>) -> Vec<(String, Cell)> {
    let settings = &record.settings;
    let ended = match record.ended_because {
        Some(EndReason::DurationReached) => "stopped at its time",
        Some(EndReason::CommandEnded) => "the command ended",
        Some(EndReason::GaveUp) => "given up",
        Some(EndReason::Interrupted) => "interrupted",
        Some(EndReason::WorkloadFailed) => "a workload failed",
        Some(EndReason::AllCompleted) => "all jobs completed",
        Some(EndReason::Guard) => "a guard failed",
        None => "not completed",
    };
    let required = match settings.required_duration_seconds {
        seconds if seconds > 0.0 => format!(" of {} required", human_seconds(seconds)),
        _ => String::new(),
    };
    let supervised = human_seconds(record.duration_seconds.unwrap_or_default());
    let duration = format!("{supervised}{required}; {ended}{}", drained(record));
    let capture = &record.capture;
    let mut lines = thousands(capture.total_lines);
    let levels: Vec<String> = capture.level_counts.iter().map(|(l, n)| format!("{l} {}", thousands(*n))).collect();
    if !levels.is_empty() {
        lines.push_str(&format!(" ({})", levels.join(", ")));
    }
    if capture.lost_lines > 0 {
        lines.push_str(&format!("; {} lost", thousands(capture.lost_lines)));
    }
    let incidents = incident_fact(record, verdict);
    let logs = verdict.map(|verdict| &verdict.summary.logs);
    let required = percent(settings.minimum_uptime_ratio);
    let uptime = match logs.and_then(|logs| Some((logs.uptime_ratio?, logs))) {
        Some((ratio, logs)) => format!("{} ({required} required){}", percent(ratio), gates::silences(logs)),
        None => {
            let why = logs.and_then(gates::uptime_in_words).unwrap_or_else(|| "not known".to_owned());
            format!("{why} ({required} required)")
        }
    };
    let by = record.ended_by.as_ref().map(|by| match &by.root {
        Some(root) => format!(" ({}, because of {root})", by.workload),
        None => format!(" ({})", by.workload),
    });
    let duration = duration + &by.unwrap_or_default();
    let mut facts = vec![
        ("Duration".to_owned(), duration.into()),
        ("Uptime".to_owned(), uptime.into()),
        ("Lines".to_owned(), lines.into()),
        ("Incidents".to_owned(), incidents),
    ];
    if record.restarts() > 0 {
        facts.push(("Restarts".to_owned(), count(record.restarts(), "restart").into()));
    }
    let monitor = &record.resource_monitor;
    // Of a command that is over sooner than it was looked at nothing was measured.
    let memory = monitor.peak_memory_mb.filter(|memory| *memory > 0.0);
    if let (Some(cpu), Some(memory)) = (monitor.peak_cpu_percent, memory) {
        let memory = bytes_text((memory * f64::from(1 << 20)) as u64);
        facts.push(("Peaks".to_owned(), format!("{cpu:.1}% of one core, {memory} of memory").into()));
    }
    if let Some(head) = &record.progress.head_sha256 {
        let snapshots = count(record.progress.snapshots, "snapshot");
        facts.push(("Timeline".to_owned(), format!("{snapshots}, head {}", &head[..head.len().min(16)]).into()));
    }
    facts.extend(folder.map(|folder| ("Evidence".to_owned(), Cell::code(folder))));
    facts
}
