//! The page of a run.

use std::collections::BTreeSet;

use maud::{Markup, html};
use serde_json::Value;

use super::Page;
use super::findings::{self, Excerpts};
use super::markup::{Links, Safe, badge, class, time};
use super::timeline::{self, Curve, Mark, Timeline, Unit};
use crate::finding::{Finding, Gate, NotRequired, Status, count, percent, thousands};
use crate::report::bytes_text;
use crate::supervise::record::RunRecord;
use crate::time::{Stamp, human_seconds};
use crate::verdict::audit::Audit;

use crate::verdict::packet::Listed;
use crate::verdict::review::Review;

pub(crate) use super::findings::places;
pub(crate) use crate::report::view::{Row, rows};

/// All that the page shows.
pub(crate) struct Facts<'a> {
    /// The judged evidence.
    pub(crate) audit: &'a Audit,
    /// The record of the run, where there is one.
    pub(crate) record: Option<&'a RunRecord>,
    /// The review brief, where one was made.
    pub(crate) review: Option<&'a Review>,
    /// The files beside the page.
    pub(crate) files: &'a [Listed],
    /// What stands before the path of a file of the run.
    pub(crate) prefix: &'a str,
    /// The findings, from [`rows`].
    pub(crate) rows: &'a [Row],
    /// Lines of the logs around the first findings.
    pub(crate) excerpts: &'a Excerpts,
    /// The commands that verify the packet by hand; none for a run directory.
    pub(crate) verify: Option<&'a str>,
}

impl<'a> Facts<'a> {
    /// What is known of judged evidence of any origin.
    pub(crate) fn of_audit(audit: &'a Audit, rows: &'a [Row], excerpts: &'a Excerpts) -> Self {
        Self { audit, record: None, review: None, files: &[], prefix: "", rows, excerpts, verify: None }
    }
}

/// The page.
pub(crate) fn page(facts: &Facts<'_>) -> String {
    let files: BTreeSet<String> = facts.files.iter().map(|file| file.path.clone()).collect();
    let links = Links { prefix: facts.prefix, files: &files };
    let audit = facts.audit;
    let label = facts.record.and_then(|record| record.label.clone().or_else(|| Some(record.name.clone())));
    let simulated = if audit.simulated { " (simulated)" } else { "" };
    let title = format!("{}{simulated}", label.unwrap_or_else(|| "Evidence".to_owned()));
    let mut sections = vec![("gates".to_owned(), "Gates".to_owned(), gate_section(audit, links))];
    let mut add = |id: &str, title: String, content: Markup| sections.push((id.to_owned(), title, content));
    if let Some(course) = course(facts) {
        add("timeline", "Timeline".to_owned(), course);
    }
    add(
        "findings",
        format!("Findings ({})", thousands(facts.rows.len() as u64)),
        findings::section(facts.rows, links, facts.excerpts),
    );
    if let Some(review) = facts.review {
        add("review", "Review".to_owned(), review_section(review));
    }
    if !facts.files.is_empty() {
        add("evidence", "Evidence".to_owned(), evidence(facts.files, links));
    }
    if let Some(commands) = facts.verify {
        add("verify", "Verify".to_owned(), verify(commands));
    }
    Page {
        status: Some(audit.verdict),
        title: &title,
        sentence: sentence(audit),
        because: because(audit, links),
        facts: facts_list(facts),
        sections,
        footer: super::footer(audit.summary.generated_at),
    }
    .render()
}

/// One sentence under the verdict.
fn sentence(audit: &Audit) -> String {
    let total = audit.gates.len() as u64;
    let with = |status: Status| audit.gates.iter().filter(|gate| gate.status == status).count() as u64;
    let logs = &audit.summary.logs;
    let over = logs.duration_seconds.map(|seconds| format!(" over {}", human_seconds(seconds))).unwrap_or_default();
    let basis = format!("on {}{over}", count(logs.records, "log record"));
    // The title says that a run was simulated.
    let remark = audit.remark();
    let remark = remark.trim().trim_start_matches("(simulated)").trim();
    let remark = if remark.is_empty() { String::new() } else { format!(" {}: {}.", audit.verdict.label(), remark) };
    match audit.verdict {
        Status::Fail => format!("Not acceptable: {} of {} failed.{remark}", with(Status::Fail), count(total, "gate")),
        Status::Warn => {
            format!(
                "Acceptable with reservations: {} of {} warn, {basis}.{remark}",
                with(Status::Warn),
                count(total, "gate")
            )
        }
        Status::Pass => format!("Acceptable: all {} passed, {basis}.{remark}", count(total, "gate")),
    }
}

/// The failing gates, then those that warn.
fn because(audit: &Audit, links: Links<'_>) -> Vec<Markup> {
    let mut all: Vec<&Gate> = audit.gates.iter().filter(|gate| gate.status > Status::Pass).collect();
    all.sort_by_key(|gate| std::cmp::Reverse(gate.status));
    all.into_iter()
        .map(|gate| {
            html! {
                b { (gate.name) } ": " (Safe(&gate.measured)) ", asked for: " (Safe(&gate.threshold))
                @if let Some(evidence) = &gate.evidence { " " span.quiet { "(" (links.evidence(evidence)) ")" } }
            }
        })
        .collect()
}

fn facts_list(facts: &Facts<'_>) -> Markup {
    let logs = &facts.audit.summary.logs;
    let record = facts.record;
    let from = record.map(|record| record.started_at).or(logs.started_at);
    let to = record.and_then(|record| record.ended_at).or(logs.ended_at);
    let lines = record.map_or(logs.records, |record| record.capture.total_lines);
    html! {
        dl {
            div { dt { "Supervised" } dd { (logs.duration_seconds.map_or("not known".to_owned(), human_seconds)) } }
            @if let Some(from) = from { div { dt { "From" } dd { (time(from)) } } }
            @if let Some(to) = to { div { dt { "To" } dd { (time(to)) } } }
            div { dt { "Uptime" } dd { (logs.uptime_ratio.map_or("not known".to_owned(), percent)) } }
            div { dt { "Log lines" } dd { (thousands(lines)) } }
            @if let Some(record) = record {
                div { dt { "Restarts" } dd { (record.attempts.len().saturating_sub(1)) } }
                div { dt { "Run" } dd { (Safe(&record.name)) } }
                div { dt { "Command" } dd { code { (Safe(&record.command.join(" "))) } } }
            }
        }
    }
}

fn gate_section(audit: &Audit, links: Links<'_>) -> Markup {
    let policy = serde_json::to_string_pretty(&audit.policy).unwrap_or_default();
    html! {
        table.cards {
            caption { "What was asked for and what was measured" }
            thead { tr {
                th scope="col" { "Gate" } th scope="col" { "Verdict" } th scope="col" { "Measured" }
                th scope="col" { "Asked for" } th.num scope="col" { "Samples" } th scope="col" { "Evidence" }
            } }
            tbody { @for gate in &audit.gates {
                tr class=(class(gate.status)) {
                    th scope="row" { (gate.name) }
                    td data-l="Verdict" { (badge(gate.status)) }
                    td data-l="Measured" {
                        (Safe(&gate.measured))
                        @if let Some(fix) = &gate.fix { br; span.quiet { "To pass: " (Safe(fix)) } }
                        @if let Some(waived) = &gate.waived {
                            br; strong { "Waived by " (Safe(&waived.owner)) " until " (Safe(&waived.expires)) ": " (Safe(&waived.reason)) }
                        }
                        @if let Some(not) = gate.not_required.as_ref().filter(|not| not.by != NotRequired::DEFAULT) { br; span.quiet { "Not asked for: " (Safe(&not.by)) } }
                    }
                    td data-l="Asked for" { (Safe(&gate.threshold)) }
                    td.num data-l="Samples" { (thousands(gate.samples)) }
                    td data-l="Evidence" { @if let Some(evidence) = &gate.evidence { (links.evidence(evidence)) } }
                }
            } }
        }
        table.cards {
            caption { "Criteria: each limit, its value, and who set it" }
            thead { tr { th scope="col" { "Limit" } th scope="col" { "Value" } th scope="col" { "Set by" } } }
            tbody { @for criterion in &audit.criteria { tr {
                th scope="row" { (Safe(&criterion.limit)) }
                td data-l="Value" { (Safe(&criterion.value)) @if criterion.relaxed { " " strong { "RELAXED" } } }
                td data-l="Set by" { (Safe(&criterion.source)) }
            } } }
        }
        details.screen { summary { "The policy in full" } pre tabindex="0" { @for line in policy.lines() { (Safe(line)) "\n" } } }
    }
}

/// The timeline; none where no time is known.
fn course(facts: &Facts<'_>) -> Option<Markup> {
    let logs = &facts.audit.summary.logs;
    let record = facts.record;
    let start = record.map(|record| record.started_at).or(logs.started_at)?;
    let end = record.and_then(|record| record.ended_at).or(logs.ended_at)?;
    let attempts = record.map_or(&[][..], |record| &record.attempts);
    let picture = timeline::picture(&Timeline {
        start,
        end,
        buckets: &logs.histogram,
        silences: logs.gap_incidents.iter().filter_map(silence).collect(),
        marks: facts.rows.iter().filter_map(mark).collect(),
        attempts,
        curves: record.map(curves).unwrap_or_default(),
    });
    Some(picture)
}

/// From when to when a silence lasted.
fn silence(finding: &Finding) -> Option<(Stamp, Stamp)> {
    let end = finding.occurred_at?;
    let seconds = finding.metadata.get("gap_seconds").and_then(Value::as_f64)?;
    Some((end.minus(std::time::Duration::try_from_secs_f64(seconds).ok()?), end))
}

fn mark(row: &Row) -> Option<Mark> {
    let Row { severity, first, last, count, ref text, .. } = *row;
    Some(Mark { severity, first: first?, last, count, text: text.clone() })
}

/// CPU and memory of the process tree.
fn curves(record: &RunRecord) -> Vec<Curve> {
    let monitor = &record.resource_monitor;
    let severity = monitor.violation_severity.unwrap_or(Status::Warn);
    let limit = |key: &str| monitor.thresholds.get(key).map(|value| (*value, severity)).into_iter().collect();
    let points = |value: fn(&crate::supervise::record::Sample) -> f64| {
        monitor.series.iter().map(|sample| (sample.timestamp, value(sample))).collect()
    };
    vec![
        Curve {
            name: "CPU".to_owned(),
            what: "of one core".to_owned(),
            unit: Unit::Percent,
            points: points(|sample| sample.cpu_percent),
            limits: limit("cpu_percent"),
        },
        Curve {
            name: "Memory".to_owned(),
            what: "resident".to_owned(),
            unit: Unit::Mebibytes,
            points: points(|sample| sample.memory_mb),
            limits: limit("memory_mb"),
        },
    ]
}

fn review_section(review: &Review) -> Markup {
    html! {
        @if !review.objectives.is_empty() {
            table.cards {
                caption { "Objectives of the rehearsal, as the operator states them" }
                thead { tr { th scope="col" { "Objective" } th scope="col" { "Status" } th scope="col" { "Remark" } } }
                tbody { @for objective in &review.objectives { tr {
                    th scope="row" { (Safe(&objective.name)) }
                    td data-l="Status" { (badge(objective.status)) }
                    td data-l="Remark" { (Safe(objective.note.as_deref().unwrap_or_default())) }
                } } }
            }
        }
        @for note in &review.notes { p { (Safe(note)) } }
        table.sign {
            caption { "Decisions of the reviewers, to be filled in by hand on paper" }
            thead { tr { th scope="col" { "Reviewer" } th scope="col" { "Decision" } th scope="col" { "Date" } th scope="col" { "Signature" } } }
            tbody {
                @for name in &review.attendees { tr { td { (Safe(name)) } td { "approve / reject" } td {} td {} } }
                @if review.attendees.is_empty() { tr { td {} td { "approve / reject" } td {} td {} } }
            }
        }
    }
}

/// The files; the timeline is one row.
fn evidence(files: &[Listed], links: Links<'_>) -> Markup {
    let (snapshots, files): (Vec<&Listed>, Vec<&Listed>) =
        files.iter().partition(|file| file.path.contains("progress_timeline/"));
    html! {
        table.cards {
            caption { "Files and their SHA-256 digests" }
            thead { tr { th scope="col" { "File" } th.num scope="col" { "Size" } th scope="col" { "SHA-256" } } }
            tbody {
                @for file in files { tr {
                    td { (links.file(&file.path, None)) }
                    td.num data-l="Size" { (bytes_text(file.bytes)) }
                    td data-l="SHA-256" { span.hash { (file.sha256) } }
                } }
                @if let Some(head) = snapshots.last() { tr {
                    td { code { "progress_timeline/" } " " (count(snapshots.len() as u64, "snapshot")) ", each naming the one before" }
                    td.num data-l="Size" { (bytes_text(snapshots.iter().map(|file| file.bytes).sum())) }
                    td data-l="Head" { span.hash { (head.sha256) } }
                } }
            }
        }
    }
}

fn verify(commands: &str) -> Markup {
    html! {
        p { "In the directory of the packet, with tools that every system has; the last line judges the evidence again." }
        pre tabindex="0" { @for line in commands.lines() { (Safe(line)) "\n" } }
    }
}
