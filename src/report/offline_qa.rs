//! The words of `offline-qa`: one row for each session, and the details for its reviewer.

use super::{Block, Cell, Doc, Table, count};
use crate::finding::{Finding, Status};
use crate::offline::rollup::{Detail, Rollup, Row};

/// How many findings of a session are shown.
const MAX_FINDINGS: usize = 10;

/// The result of a batch; `details` adds a section for each session.
pub fn doc(rollup: &Rollup, details: bool) -> Doc {
    let mut doc = Doc::new("Offline QA").verdict(rollup.status, because(rollup));
    let mut table = Table::new(&["session", "verdict", "scenes", "deltas", "to moderate", "publishing", "goes out"])
        .right(&[2, 3, 4]);
    for row in &rollup.sessions {
        table.row([
            row.session_id.to_string().into(),
            Cell::from(row.status),
            (row.scene_count as u64).into(),
            (row.delta_count as u64).into(),
            waiting(row).into(),
            row.publishing_status.into(),
            row.scheduled_run.0.human().into(),
        ]);
    }
    doc.section("Sessions", Block::Table(table));
    let faults: Vec<Cell> = rollup.findings.iter().map(finding).collect();
    doc.section("Files and batch", Block::List(faults));
    let skipped = rollup.skipped.iter().map(|file| format!("{}: {}", file.input, file.reason).into()).collect();
    doc.section("Skipped", Block::List(skipped));
    for row in rollup.sessions.iter().filter(|_| details) {
        session(&mut doc, row);
    }
    doc
}

fn waiting(row: &Row) -> String {
    if row.requires_moderation { row.moderation_reasons.join(", ") } else { "-".to_owned() }
}

/// The weightiest first: what failed, what waits, what was drilled, what was done.
fn because(rollup: &Rollup) -> Vec<String> {
    const MOST: usize = 6;
    let mut because = Vec::new();
    for severity in [Status::Fail, Status::Warn] {
        let of_batch = rollup.findings.iter().filter(|finding| finding.severity == severity).map(|f| at_place(f));
        let of_sessions = rollup.sessions.iter().filter(|row| row.status == severity).filter_map(|row| {
            let first = row.findings.iter().find(|finding| finding.severity == severity)?;
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
    let mut table = Table::new(&["needs moderation", "because of", "turn", "sentence"]);
    for review in reviews {
        table.row([
            format!("{}: {}", review.entity, review.change),
            review.reasons.clone(),
            review.turn.clone(),
            super::inert::shorten(&review.sentence, 240),
        ]);
    }
    doc.push(Block::Table(table));
    more(doc, reviews.len(), row.pending_deltas, row);
    let mut table = Table::new(&["would change", "how", "turn"]);
    for (entity, change, turn) in changes {
        table.row([entity.as_str(), change, turn]);
    }
    doc.push(Block::Table(table));
    more(doc, changes.len(), row.delta_count - row.pending_deltas, row);
    let mut table = Table::new(&["would be published", "title", "text"]);
    for (kind, title, text) in publishes {
        table.row([kind, title.as_str(), text]);
    }
    doc.push(Block::Table(table));
    more(doc, publishes.len(), *publish_count, row);
    if row.drill.is_some() {
        let (before, after) = *queue;
        doc.push(Block::Text(format!("Retry queue: {before} before the drain, {after} after it.").into()));
    }
    let mut table = Table::new(&["search job", "try", "due", "state"]).right(&[1]);
    for (job, attempt, due, state) in retries {
        table.row([job.clone(), attempt.to_string(), due.clone(), (*state).to_owned()]);
    }
    doc.push(Block::Table(table));
    more(doc, retries.len(), queue.0, row);
    let mut table = Table::new(&["safety flag", "severity", "about"]);
    for (flag, severity, about) in safety {
        table.row([flag.as_str(), severity, about]);
    }
    doc.push(Block::Table(table));
    more(doc, safety.len(), row.safety_flags, row);
}

fn more(doc: &mut Doc, shown: usize, all: usize, row: &Row) {
    if shown < all {
        doc.push(Block::Text(Cell::dim(format!("and {} more in {}", all - shown, row.output_path))));
    }
}
