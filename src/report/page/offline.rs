//! The page of `offline-qa`.

use maud::{Markup, html};

use super::bars::{self, FAIL, PLAIN, Part, Row, WARN};
use super::document;
use crate::finding::count;
use crate::offline::rollup::Rollup;
use crate::report::Doc;

/// The page of a batch of sessions: how much of each waits for a person, why, and the retry queue of a drill.
pub(crate) fn offline_qa(doc: &Doc, rollup: &Rollup) -> String {
    let mut pictures = Vec::new();
    if rollup.total_deltas > 0 {
        pictures.push(("Deltas of each session", sessions(rollup)));
    }
    pictures.extend(moderation(rollup).map(|picture| ("Why moderation is needed", picture)));
    pictures.extend(queue(rollup).map(|picture| ("Retry queue", picture)));
    document::page(doc, pictures, rollup.generated_at.0)
}

fn row(name: impl Into<String>, values: Vec<f64>, text: impl Into<String>) -> Row {
    Row { name: name.into(), offset: 0.0, values, text: text.into() }
}

fn sessions(rollup: &Rollup) -> Markup {
    const PARTS: [Part; 2] = [Part::new("may be published", PLAIN), Part::new("waiting for a person", WARN)];
    let mut sessions: Vec<_> = rollup.sessions.iter().collect();
    sessions.sort_by_key(|session| std::cmp::Reverse((session.status, session.pending_deltas, session.delta_count)));
    let of = |session: &&crate::offline::rollup::Row| {
        let free = session.delta_count.saturating_sub(session.pending_deltas);
        let text = format!("{}, {} waiting", count(session.delta_count as u64, "delta"), session.pending_deltas);
        row(session.session_id.to_string(), vec![free as f64, session.pending_deltas as f64], text)
    };
    bars::chart(&PARTS, &sessions.iter().map(of).collect::<Vec<_>>(), "Deltas by session, those that wait first.")
}

fn moderation(rollup: &Rollup) -> Option<Markup> {
    let of = |pick: fn(&crate::offline::rollup::Row) -> usize| rollup.sessions.iter().map(pick).sum::<usize>();
    let reasons = [
        ("capability named", of(|session| session.capability_violations)),
        ("rival claims", of(|session| session.conflict_detections)),
        ("guesses and rumours", of(|session| session.low_confidence_deltas)),
        ("safety flags", of(|session| session.safety_flags)),
    ];
    let rows: Vec<Row> = reasons
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .map(|(name, number)| row(name, vec![number as f64], number.to_string()))
        .collect();
    let about = format!(
        "{} of {} wait for moderation.",
        rollup.sessions_with_moderation,
        count(rollup.total_sessions as u64, "session")
    );
    (!rows.is_empty()).then(|| bars::chart(&[Part::new("findings", WARN)], &rows, &about))
}

/// The jobs of the drill before and after the queue was drained.
fn queue(rollup: &Rollup) -> Option<Markup> {
    let drill = rollup.drill.filter(|drill| drill.refused_jobs > 0)?;
    let left = drill.refused_jobs.saturating_sub(drill.drained_jobs);
    let rows = [("before the drain", drill.refused_jobs), ("after the drain", left)]
        .map(|(name, number)| row(name, vec![number as f64], count(number as u64, "job")));
    let about =
        format!("{} of {} were refused at first.", drill.refused_jobs, count(drill.planned_jobs as u64, "search job"));
    Some(html! { (bars::chart(&[Part::new("refused jobs", if left > 0 { FAIL } else { PLAIN })], &rows, &about)) })
}
