//! The words of `offline-qa`: one row for each session, and the details for its reviewer.

use std::collections::BTreeMap;

use super::view::{self, View};
use super::{Block, Cell, Doc, Table, count};
use crate::finding::{Finding, Gate, Status};
use crate::offline::document::NOT_DRILLED;
use crate::offline::rollup::{Detail, Rollup, Row};
use crate::sanitize::shorten;

/// How many findings of a session are shown.
const MAX_FINDINGS: usize = 10;

/// The result of a batch; `details` adds a section for each session.
pub(crate) fn doc(rollup: &Rollup, details: bool) -> Doc {
    let mut doc = Doc::new("Offline QA").verdict(rollup.status, because(rollup));
    let mut table =
        Table::new(&["session", "verdict", "deltas", "waiting", "because of", "publishing", "goes out"]).right(&[2, 3]);
    for row in &rollup.sessions {
        let words: Vec<String> = row.moderation_reasons.iter().map(|reason| reason.replace('_', " ")).collect();
        table.row([
            row.session_id.to_string().into(),
            Cell::from(row.status),
            (row.delta_count as u64).into(),
            (row.pending_deltas as u64).into(),
            words.join(", ").into(),
            publishing(row).into(),
            Cell::from(row.scheduled_run.0.utc().format("%Y-%m-%d %H:%MZ").to_string()),
        ]);
    }
    doc.section("Sessions", Block::Table(table));
    let used = &rollup.lexicon;
    doc.push(Block::Facts(vec![
        ("Lexicon".to_owned(), Cell::code(&*used.source)),
        ("Entries".to_owned(), (used.entries as u64).into()),
        ("Occurrences".to_owned(), (used.occurrences as u64).into()),
        ("Mentions".to_owned(), (rollup.total_mentions as u64).into()),
    ]));
    let faults: Vec<Cell> = rollup.findings.iter().map(finding).collect();
    doc.section("Files and batch", Block::List(faults));
    doc.section("Skipped", Block::List(skipped(rollup)));
    for row in rollup.sessions.iter().filter(|_| details) {
        session(&mut doc, row);
    }
    doc
}

/// The same for exports: a gate for each session.
pub(crate) fn view(rollup: &Rollup) -> View<'static> {
    let gate = |row: &Row| Gate {
        name: row.session_id.to_string(),
        threshold: "no warnings".to_owned(),
        measured: format!("{}, {}", count(row.delta_count as u64, "delta"), publishing(row)),
        samples: row.occurrences as u64,
        status: row.status,
        evidence: Some(row.input.clone()),
        ..Gate::default()
    };
    let of_sessions = rollup.sessions.iter().flat_map(|row| &row.findings);
    View {
        subject: "sessions".to_owned(),
        status: rollup.status,
        headline: rollup.status.label().to_owned(),
        gates: rollup.sessions.iter().map(gate).collect(),
        rows: view::Row::all(rollup.findings.iter().chain(of_sessions), "offline qa"),
        generated_at: Some(rollup.generated_at.0),
        ..View::default()
    }
}

fn publishing(row: &Row) -> String {
    if row.delta_count == 0 && row.publishing_status == "published" {
        return "nothing to publish".to_owned();
    }
    row.publishing_status.replace('_', " ")
}

/// The files that were left out, by reason: `a transcript: 3 files, such as x.json`.
fn skipped(rollup: &Rollup) -> Vec<Cell> {
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for file in &rollup.skipped {
        by_reason.entry(&file.reason).or_default().push(&file.input);
    }
    let line = |(reason, files): (&str, Vec<&str>)| match files.as_slice() {
        [one] => format!("{one}: {reason}"),
        all => format!("{}, such as {}: {reason}", count(all.len() as u64, "file"), all[0]),
    };
    by_reason.into_iter().map(|group| line(group).into()).collect()
}

/// The weightiest first: what failed, what waits, what was drilled, what was done.
fn because(rollup: &Rollup) -> Vec<String> {
    const MOST: usize = 6;
    let mut because = Vec::new();
    for severity in [Status::Fail, Status::Warn] {
        let of_batch = rollup.findings.iter().filter(|finding| finding.severity == severity).map(at_place);
        // A drill that met no job is told once for the batch, not for each session again.
        let undrilled = rollup.drill.is_some_and(|drill| drill.refused_jobs == 0);
        let of_sessions = rollup.sessions.iter().filter(|row| row.status == severity).filter_map(|row| {
            let mut findings = row.findings.iter().filter(|finding| finding.severity == severity);
            let first = findings.find(|finding| !(undrilled && finding.summary.starts_with(NOT_DRILLED)))?;
            Some(format!("{}: {}", row.session_id, first.summary))
        });
        because.extend(of_batch.chain(of_sessions));
    }
    if because.len() > MOST {
        let more = because.len() - (MOST - 1);
        because.truncate(MOST - 1);
        because.push(format!("and {more} more"));
    }
    let (sessions, deltas) = (rollup.total_sessions as u64, rollup.total_deltas as u64);
    let waiting = match rollup.sessions_with_moderation {
        0 => String::new(),
        waiting => format!(", {waiting} of them awaiting moderation"),
    };
    because.push(format!("{} with {} checked{waiting}", count(sessions, "session"), count(deltas, "delta")));
    if let Some(drill) = rollup.drill.filter(|drill| drill.refused_jobs > 0) {
        because.push(format!(
            "drill: {} of {} refused, {} drained",
            drill.refused_jobs,
            count(drill.planned_jobs as u64, "search job"),
            drill.drained_jobs
        ));
    }
    because
}

fn at_place(finding: &Finding) -> String {
    match &finding.place {
        Some(place) => format!("{place}: {}", finding.summary),
        None => finding.summary.clone(),
    }
}

fn finding(finding: &Finding) -> Cell {
    format!("{}: {}", finding.severity.label(), at_place(finding)).into()
}

fn session(doc: &mut Doc, row: &Row) {
    doc.push(Block::Heading(format!("{}: {}", row.session_id, row.status.label())));
    doc.push(Block::Facts(vec![
        ("read from".to_owned(), Cell::code(&*row.input)),
        ("publishing".to_owned(), row.publishing_status.into()),
        ("batch".to_owned(), Cell::code(&*row.batch_id)),
        ("goes out".to_owned(), row.scheduled_run.0.human().into()),
    ]));
    let mut findings: Vec<Cell> = row.findings.iter().take(MAX_FINDINGS).map(finding).collect();
    if row.findings.len() > MAX_FINDINGS {
        findings.push(format!("and {} more in {}", row.findings.len() - MAX_FINDINGS, row.output_path).into());
    }
    doc.push(Block::List(findings));
    let Detail { reviews, changes, publishes, publish_count, retries, queue, safety } = &row.detail;
    let mut table = Table::new(&["delta", "because of", "turn", "sentence"]);
    for review in reviews {
        table.row([
            format!("{}: {}", review.entity, review.change),
            review.reasons.clone(),
            review.turn.clone(),
            shorten(&review.sentence, 240),
        ]);
    }
    part(doc, row, "needs moderation", table, row.pending_deltas);
    let mut table = Table::new(&["entity", "how", "turn"]);
    for (entity, change, turn) in changes {
        table.row([entity.as_str(), change, turn]);
    }
    part(doc, row, "would change", table, row.delta_count - row.pending_deltas);
    let mut table = Table::new(&["what", "title", "text"]);
    for (kind, title, text) in publishes {
        table.row([(*kind).to_owned(), title.clone(), shorten(text, 240)]);
    }
    part(doc, row, "would be published", table, *publish_count);
    let mut table = Table::new(&["search job", "try", "due", "state"]).right(&[1]);
    for (job, attempt, due, state) in retries {
        table.row([job.clone(), attempt.to_string(), due.clone(), (*state).to_owned()]);
    }
    let (before, after) = *queue;
    part(doc, row, &format!("retry queue ({before} before the drain, {after} after it)"), table, before);
    let mut table = Table::new(&["flag", "severity", "about"]);
    for (flag, severity, about) in safety {
        table.row([flag.clone(), severity.clone(), shorten(about, 240)]);
    }
    part(doc, row, "safety flags", table, row.safety_flags);
}

/// A table of a session under its own heading, and how many of `all` rows it leaves out.
fn part(doc: &mut Doc, row: &Row, heading: &str, table: Table, all: usize) {
    let left_out = all.saturating_sub(table.rows.len());
    doc.section(format!("{}: {heading}", row.session_id), Block::Table(table));
    if left_out > 0 {
        doc.push(Block::Text(Cell::dim(format!("and {left_out} more in {}", row.output_path))));
    }
}
