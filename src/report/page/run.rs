//! The page of a run.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::findings::{self, Excerpts};
use super::markup::{Links, Safe, time};
use super::timeline::{self, Curve, Mark, Timeline, Unit, workloads};
use super::{Page, comparison, document, evidence, gates, latency, review};
use crate::finding::{Gate, Status, count, percent, thousands};
use crate::sanitize::shorten;
use crate::supervise::provenance::Provenance;
use crate::supervise::record::{RunRecord, Sample, Stalls};
use crate::time::human_seconds;
use crate::verdict::audit::Audit;
use crate::verdict::gates::first_of_logs;
use crate::verdict::headline::reasons;
use crate::verdict::packet::Listed;

pub(crate) use super::findings::places;
use crate::report::Doc;
use crate::report::audit::{drills, guards};
use crate::report::view::silence;
pub(crate) use crate::report::view::{Row, rows};

/// All that the page shows.
pub(crate) struct Facts<'a> {
    /// What people call the evidence.
    pub(crate) subject: &'a str,
    /// The judged evidence.
    pub(crate) audit: &'a Audit,
    /// The record of the run, where there is one.
    pub(crate) record: Option<&'a RunRecord>,
    /// Who decides, as far as the operator named them.
    pub(crate) people: &'a [String],
    /// Remarks of the operator.
    pub(crate) notes: &'a [String],
    /// The files of the evidence, relative to its directory.
    pub(crate) files: &'a [Listed],
    /// The way from the page to that directory, empty or with a slash at its end; none if links would lead nowhere.
    pub(crate) base: Option<&'a str>,
    /// What is before the path of a file of the run: `raw/` in a packet.
    pub(crate) prefix: &'a str,
    /// The findings, from [`rows`].
    pub(crate) rows: &'a [Row],
    /// Lines of the logs around the first findings.
    pub(crate) excerpts: &'a Excerpts,
    /// The commands that verify the packet by hand; none for a run directory.
    pub(crate) verify: Option<&'a str>,
}

/// The page.
pub(crate) fn page(facts: &Facts<'_>) -> String {
    let files: BTreeSet<String> = facts.files.iter().map(|file| file.path.clone()).collect();
    let links = Links { base: facts.base, prefix: facts.prefix, files: &files };
    let audit = facts.audit;
    let mut sections = vec![("gates", "Gates".to_owned(), gates::section(audit, facts.rows, links))];
    sections.extend(course(facts).map(|course| ("timeline", "Timeline".to_owned(), course)));
    sections.extend(document::sections(&rehearsed(audit)));
    sections.extend(comparison::sections(audit));
    let found = format!("Findings ({})", thousands(facts.rows.len() as u64));
    sections.push(("findings", found, findings::section(facts.rows, links, facts.excerpts)));
    sections.push(("review", "Review".to_owned(), review::section(audit, facts.people, facts.notes)));
    if !facts.files.is_empty() {
        sections.push(("evidence", "Evidence".to_owned(), evidence::section(facts.files, links)));
    }
    if let Some(commands) = facts.verify {
        sections.push(("verify", "Verify".to_owned(), evidence::verify(commands)));
    }
    Page {
        status: Some(audit.verdict),
        title: &title(facts),
        sentence: sentence(audit),
        because: because(audit, links),
        facts: html! { (facts_list(facts)) @if let Some(from) = facts.record.and_then(|record| record.provenance.as_ref()) { (provenance(from)) } },
        sections: sections.into_iter().map(|(id, title, content)| (id.to_owned(), title, content)).collect(),
        footer: super::footer(audit.summary.generated_at),
    }
    .render()
}

/// Its drills and its guards, one by one.
fn rehearsed(audit: &Audit) -> Doc {
    let mut doc = Doc::new("");
    drills::push(&mut doc, audit.summary.drills.as_ref());
    guards::push(&mut doc, audit.summary.guards.as_ref());
    doc
}

fn title(facts: &Facts<'_>) -> String {
    let label = facts.record.map(|record| record.label.clone().unwrap_or_else(|| record.name.clone()));
    let simulated = if facts.audit.simulated { " (simulated)" } else { "" };
    format!("{}{simulated}", label.unwrap_or_else(|| facts.subject.to_owned()))
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
    let remark = if remark.is_empty() { String::new() } else { format!(", {remark}") };
    match audit.verdict {
        Status::Fail => format!("Not acceptable: {} of {} failed{remark}.", with(Status::Fail), count(total, "gate")),
        Status::Warn => {
            format!(
                "Acceptable with reservations: {} of {} warn, {basis}{remark}.",
                with(Status::Warn),
                count(total, "gate")
            )
        }
        Status::Pass => format!("Acceptable: all {} passed, {basis}{remark}.", count(total, "gate")),
    }
}

/// The failing gates, then those that warn, then what was given up.
fn because(audit: &Audit, links: Links<'_>) -> Vec<Markup> {
    let mut all: Vec<&Gate> = audit.gates.iter().filter(|gate| gate.status > Status::Pass).collect();
    all.sort_by_key(|gate| std::cmp::Reverse(gate.status));
    let first = |gate: &Gate| first_of_logs(&audit.summary.logs).filter(|_| gate.name == "logs");
    let gates = all.into_iter().map(|gate| {
        html! {
            b { (gate.name) } ": " (Safe(&gate.measured))
            @if let Some(first) = first(gate) { "; first: " (Safe(&shorten(&first.summary, 160))) }
            ", asked for: " (Safe(&gate.threshold))
            @if let Some(evidence) = &gate.evidence { " " span.quiet { "(" (links.evidence(evidence)) ")" } }
        }
    });
    let given_up = reasons(&audit.gates, &audit.criteria);
    gates.chain(given_up.iter().map(|reason| html! { (Safe(reason)) })).collect()
}

fn facts_list(facts: &Facts<'_>) -> Markup {
    let logs = &facts.audit.summary.logs;
    let why = || logs.uptime_not_measured.as_ref().map(|why| format!("not measured: {why}"));
    let uptime = logs.uptime_ratio.map(percent).or_else(why).unwrap_or_else(|| "not known".to_owned());
    let record = facts.record;
    let from = record.map(|record| record.started_at).or(logs.started_at);
    let to = record.and_then(|record| record.ended_at).or(logs.ended_at);
    let lines = record.map_or(logs.records, |record| record.capture.total_lines);
    let length = if record.is_some() { "Supervised" } else { "Covered" };
    html! {
        dl {
            div { dt { (length) } dd { (logs.duration_seconds.map_or("not known".to_owned(), human_seconds)) } }
            @if let Some(from) = from { div { dt { "From" } dd { (time(from)) } } }
            @if let Some(to) = to { div { dt { "To" } dd { (time(to)) } } }
            div { dt { "Uptime" } dd { (uptime) } }
            @if let Some(silence) = logs.longest_silence_seconds { div { dt { "Longest silence" } dd { (human_seconds(silence)) } } }
            div { dt { "Log lines" } dd { (thousands(lines)) } }
            @if let Some(record) = record {
                div { dt { "Restarts" } dd { (record.restarts()) } }
                div { dt { "Run" } dd { (Safe(&record.name)) } }
                @if record.command.is_empty() {
                    @let names: Vec<&str> = record.workloads.iter().map(|own| own.name.as_str()).collect();
                    div.wide { dt { (count(names.len() as u64, "workload")) } dd { (Safe(&shorten(&names.join(", "), 200))) } }
                } @else {
                    div.wide { dt { "Command" } dd { code { (Safe(&record.command.join(" "))) } } }
                }
            }
        }
    }
}

/// Who ran it, of what, where.
fn provenance(from: &Provenance) -> Markup {
    html! {
        dl.origin aria-label="Provenance" {
            div { dt { "Run by" } dd { (Safe(&from.user)) " on " (Safe(&from.host)) } }
            @if let Some(machine) = &from.machine { div { dt { "Machine" } dd { span.hash { (Safe(machine)) } } } }
            @if let Some(container) = &from.container { div { dt { "Container" } dd { span.hash { (Safe(container)) } } } }
            div { dt { "Supervised by" } dd { "emp-ops " (Safe(&from.emp_ops_version)) } }
            @if let Some(commit) = &from.commit { div { dt { "Commit" } dd {
                span.hash { (Safe(&commit.id)) }
                (match commit.dirty { Some(true) => ", files were changed", Some(false) => "", None => ", whether files were changed is not known" })
            } } }
            @if let Some(program) = &from.program_sha256 { div.wide { dt { "SHA-256 of the program" } dd { span.hash { (Safe(program)) } } } }
            @for subject in &from.subjects { div.wide { dt { "Rehearsed" } dd { (Safe(&subject.name)) " " span.hash { (Safe(&subject.sha256)) } } } }
            @if from.subjects.is_empty() { div { dt { "Rehearsed" } dd { "nothing was named (--subject)" } } }
        }
    }
}

/// The timeline; none if no time is known.
fn course(facts: &Facts<'_>) -> Option<Markup> {
    let logs = &facts.audit.summary.logs;
    let record = facts.record;
    let start = record.map(|record| record.started_at).or(logs.started_at)?;
    let end = record.and_then(|record| record.ended_at).or(logs.ended_at)?;
    let several = workloads::section(&facts.audit.summary, record, start, end);
    let attempts = record.map_or(&[][..], |record| &record.attempts);
    let picture = timeline::picture(&Timeline {
        start,
        end,
        buckets: &logs.histogram,
        // Those of workloads are in their lanes: the log of another one was not silent.
        silences: logs.gap_incidents.iter().filter(|gap| gap.workload().is_none()).filter_map(silence).collect(),
        marks: facts.rows.iter().filter_map(mark).collect(),
        attempts: several.is_none().then_some(attempts),
        curves: record.map(curves).unwrap_or_default(),
    });
    let seen = record.map(seen_after).unwrap_or_default();
    let seen = latency::histogram(&seen, "From an incident to the first snapshot that shows it", "incident kind");
    Some(html! {
        (picture)
        @if let Some(several) = several { (several) }
        @if record.is_some() {
            h3 { "How soon an incident could be seen" }
            @if let Some(seen) = seen { (seen) } @else { p { "No incident was shown while the run lasted." } }
        }
    })
}

/// How long after each incident a snapshot showed it, in seconds.
fn seen_after(record: &RunRecord) -> Vec<f64> {
    let shown = record.incidents.iter().filter_map(|incident| Some((incident.shown_at?, incident.occurred_at)));
    shown.map(|(shown, occurred)| shown.seconds_since(occurred).max(0.0)).collect()
}

/// What the curve of a file shows, and how often and how long it was not refreshed in time.
fn stalled(stalls: Option<&Stalls>) -> String {
    stalls.map_or("age of the file".to_owned(), |stalls| {
        format!("stale {}×, {} in all", stalls.count, human_seconds(stalls.total_seconds))
    })
}

fn mark(row: &Row) -> Option<Mark> {
    let Row { severity, first, last, count, ref text, .. } = *row;
    Some(Mark { severity, first: first?, last, count, text: text.clone() })
}

/// CPU and memory of the process tree, and the age of the evidence files.
fn curves(record: &RunRecord) -> Vec<Curve> {
    let monitor = &record.resource_monitor;
    let severity = monitor.violation_severity.unwrap_or(Status::Warn);
    let limit = |key: &str| monitor.thresholds.get(key).map(|value| (*value, severity)).into_iter().collect();
    let points =
        |value: fn(&Sample) -> f64| monitor.series.iter().map(|sample| (sample.timestamp, value(sample))).collect();
    let mut curves = vec![
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
    ];
    for (name, title, file) in
        [("diary", "Diary", &record.evidence.diary), ("performance", "Performance", &record.evidence.performance)]
    {
        let limits = record.evidence_limits.get(name);
        let ages = record.evidence_age.get(name);
        if file.is_some() || ages.is_some() {
            curves.push(Curve {
                name: title.to_owned(),
                what: stalled(record.evidence_stalls.get(name)),
                unit: Unit::Seconds,
                points: ages.cloned().unwrap_or_default(),
                limits: limits.iter().flat_map(|limits| limits.iter().map(|(status, age)| (*age, *status))).collect(),
            });
        }
    }
    curves
}
