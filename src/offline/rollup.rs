//! What a batch of sessions came to: one row for each, and what was skipped and why.

use serde::Serialize;

use super::deltas::Delta;
use super::document::{Document, NOT_DRILLED};
use super::id::Id;
use super::moment::Moment;
use super::publishing;
use super::search::DrillResult;
use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/offline-qa-rollup/v1";

/// What the lexicon is called where none was given.
pub(crate) const BUILT_IN: &str = "built-in";
/// How many deltas and retries of a session are shown to people one by one.
const MAX_SHOWN: usize = 25;

/// What a batch came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rollup {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The verdict: the highest of all rows and findings.
    pub status: Status,
    /// The same.
    pub verdict: Status,
    /// `SOURCE_DATE_EPOCH`, or the latest end of a session.
    pub generated_at: Moment,
    /// What the text was searched for.
    pub lexicon: LexiconUse,
    /// Sessions that went through all stages.
    pub total_sessions: usize,
    /// Their mentions.
    pub total_mentions: usize,
    /// Their deltas.
    pub total_deltas: usize,
    /// Sessions that wait for moderation.
    pub sessions_with_moderation: usize,
    /// Sessions that name a capability.
    pub sessions_with_capability_violations: usize,
    /// Sessions with rival claims.
    pub sessions_with_conflicts: usize,
    /// Sessions with guesses or rumours.
    pub sessions_with_low_confidence: usize,
    /// Sessions whose verdict is FAIL, and files that are no usable session.
    pub failed: usize,
    /// What the drill did in all sessions; none if there was no drill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillTotals>,
    /// One row for each file that went through, in the order of the files.
    pub sessions: Vec<Row>,
    /// Files that were left out, and why.
    pub skipped: Vec<Skipped>,
    /// What is wrong beyond single sessions: files that could not be used, a batch without sessions.
    pub findings: Vec<Finding>,
}

/// The lexicon of a batch, and how much of it was met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LexiconUse {
    /// The file, as given; `built-in` where none was.
    pub source: String,
    /// Entities and capabilities in it.
    pub entries: usize,
    /// How often their names occur in all sessions.
    pub occurrences: usize,
}

/// What the drill did in all sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DrillTotals {
    /// Search jobs that were planned.
    pub planned_jobs: usize,
    /// Jobs that were refused at first.
    pub refused_jobs: usize,
    /// Of those, jobs that a retry got through.
    pub drained_jobs: usize,
}

/// One session in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// The session.
    pub session_id: Id,
    /// The file that it was read from.
    pub input: String,
    /// Its verdict.
    pub status: Status,
    /// Scenes.
    pub scene_count: usize,
    /// How often names of the lexicon occur.
    pub occurrences: usize,
    /// Mentions.
    pub mention_count: usize,
    /// Deltas.
    pub delta_count: usize,
    /// `published`, `awaiting_moderation` or `retry_pending`.
    pub publishing_status: &'static str,
    /// The batch.
    pub batch_id: String,
    /// When the batch goes out.
    pub scheduled_run: Moment,
    /// The file name of its document, under `--out`.
    pub output_path: String,
    /// Whether a person must look first.
    pub requires_moderation: bool,
    /// Deltas that wait for a person.
    pub pending_deltas: usize,
    /// Why.
    pub moderation_reasons: Vec<&'static str>,
    /// Deltas that name a capability.
    pub capability_violations: usize,
    /// Deltas that claim what another claims.
    pub conflict_detections: usize,
    /// Deltas that are guesses or rumours.
    pub low_confidence_deltas: usize,
    /// Safety flags of turns and of the change feed.
    pub safety_flags: usize,
    /// What the drill did; none if there was no drill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillResult>,
    /// What decided the verdict.
    pub findings: Vec<Finding>,
    /// More for people; machines have the session's own document.
    #[serde(skip)]
    pub detail: Detail,
}

/// A session for its reviewer; long lists are cut, and counted in full by the row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Detail {
    /// Deltas that need moderation.
    pub reviews: Vec<Review>,
    /// The other deltas: entity, what happens, turn.
    pub changes: Vec<(String, String, String)>,
    /// What would be published: kind, title, text.
    pub publishes: Vec<(&'static str, String, String)>,
    /// How many bundles and cards there are in all.
    pub publish_count: usize,
    /// Jobs of the retry queue: job, tries, when due, state after the drain.
    pub retries: Vec<(String, u32, String, &'static str)>,
    /// How many jobs were refused, and how many are left.
    pub queue: (usize, usize),
    /// Safety flags: flag, severity, what about.
    pub safety: Vec<(String, String, String)>,
}

/// A delta that needs moderation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Review {
    /// Who it is about.
    pub entity: String,
    /// Why a person must look, with the capability or the rival claim.
    pub reasons: String,
    /// What would change.
    pub change: String,
    /// The turn.
    pub turn: String,
    /// The sentence that caused it.
    pub sentence: String,
}

/// A file that was left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Skipped {
    /// The file.
    pub input: String,
    /// Why.
    pub reason: String,
}

impl Row {
    /// The row of a document that was made from the file `input` and is written to `output_path`.
    pub(crate) fn of(document: &Document<'_>, input: String, output_path: String) -> Self {
        let moderation = &document.moderation;
        let batch = &document.publishing.schedule.batches[0];
        Self {
            session_id: document.session_id.clone(),
            input,
            status: document.status,
            scene_count: document.summary.scene_breakdown.len(),
            occurrences: document.entity_extraction.occurrences,
            mention_count: document.entity_extraction.mention_count,
            delta_count: document.world_deltas.delta_count,
            publishing_status: document.publishing.status,
            batch_id: batch.batch_id.clone(),
            scheduled_run: batch.run_at,
            output_path,
            requires_moderation: moderation.requires_moderation,
            pending_deltas: moderation.pending,
            moderation_reasons: moderation.reasons.iter().map(|reason| reason.word()).collect(),
            capability_violations: moderation.capability_violations,
            conflict_detections: moderation.conflict_detections,
            low_confidence_deltas: moderation.low_confidence_findings,
            safety_flags: document.summary.safety_notes.len(),
            drill: document.publishing.retry_queue.drill,
            findings: document.findings.clone(),
            detail: Detail::of(document),
        }
    }
}

impl Detail {
    fn of(document: &Document<'_>) -> Self {
        let deltas = document.world_deltas.deltas;
        let (review, plain): (Vec<_>, Vec<_>) = deltas.iter().partition(|delta| delta.safety.requires_moderation);
        let prepared = document.publishing.prepared_batch;
        let bundles = prepared.iter().flat_map(|prepared| &prepared.lore_bundles);
        let cards = prepared.iter().flat_map(|prepared| &prepared.news_cards);
        let queue = &document.publishing.retry_queue;
        let drained = queue.drained_jobs.iter().map(|job| (job, "drained"));
        let left = queue.after_drain.jobs.iter().map(|job| (job, "still failed"));
        let notes = document.summary.safety_notes.iter();
        Self {
            reviews: review.into_iter().take(MAX_SHOWN).map(Review::of).collect(),
            changes: plain
                .into_iter()
                .take(MAX_SHOWN)
                .map(|delta| (delta.canonical_name.to_owned(), lead(delta), delta.source.turn_id.to_string()))
                .collect(),
            publishes: bundles
                .map(|bundle| ("lore bundle", bundle.canonical_name.to_owned(), told(&bundle.summary_markdown)))
                .chain(cards.map(|card| ("news card", card.headline.clone(), card.lead.clone())))
                .take(MAX_SHOWN)
                .collect(),
            publish_count: prepared.map_or(0, |prepared| prepared.lore_bundles.len() + prepared.news_cards.len()),
            retries: left
                .chain(drained)
                .take(MAX_SHOWN)
                .map(|(job, state)| (job.job_id.to_owned(), job.attempt, job.retry_at.0.human(), state))
                .collect(),
            queue: (queue.before_drain.pending_count, queue.after_drain.pending_count),
            safety: notes
                .take(MAX_SHOWN)
                .map(|note| {
                    let about = note.description.map(str::to_owned);
                    let turn = note.turn_id.map(|turn| format!("turn {turn}"));
                    (note.flag.to_owned(), note.severity.to_owned(), about.or(turn).unwrap_or_default())
                })
                .collect(),
        }
    }
}

/// The lines of a bundle without their Markdown.
fn told(markdown: &str) -> String {
    markdown.lines().skip(1).map(|line| line.trim_start_matches("- ")).collect::<Vec<_>>().join("; ")
}

fn lead(delta: &Delta<'_>) -> String {
    publishing::lead(delta.proposed_changes.as_ref())
}

impl Review {
    fn of(delta: &Delta<'_>) -> Self {
        let mut reasons: Vec<String> = delta.safety.reasons.iter().map(|reason| reason.word().to_owned()).collect();
        reasons.extend(delta.safety.capability_violations.iter().map(|v| format!("{} ({})", v.label, v.severity)));
        reasons.extend(delta.safety.conflicts.iter().map(|conflict| format!("{} is claimed already", conflict.target)));
        Self {
            entity: delta.canonical_name.to_owned(),
            reasons: reasons.join(", "),
            change: if delta.proposed_changes.is_some() { lead(delta) } else { "names a capability".to_owned() },
            turn: delta.source.turn_id.to_string(),
            sentence: delta.sentence.to_owned(),
        }
    }
}

impl Rollup {
    /// Sums up. `findings` are about files that could not be used; a batch in which no session went through, in which
    /// no name of the lexicon (called `source`, with so many `entries`) occurs, or in which a drill met no job, says so
    /// itself.
    pub(crate) fn of(
        sessions: Vec<Row>,
        skipped: Vec<Skipped>,
        mut findings: Vec<Finding>,
        (source, entries): (String, usize),
        now: Option<Stamp>,
    ) -> Self {
        let lexicon =
            LexiconUse { source, entries, occurrences: sessions.iter().map(|row| row.occurrences).sum::<usize>() };
        let mentioned = sessions.iter().any(|row| row.mention_count > 0);
        if !sessions.is_empty() && lexicon.occurrences == 0 && !mentioned {
            let which = match lexicon.source.as_str() {
                BUILT_IN => "the built-in demonstration lexicon; name your own with --lexicon FILE".to_owned(),
                path => path.to_owned(),
            };
            findings.push(Finding::fail(format!("no name of the lexicon occurs: nothing was checked ({which})")));
        }
        let count = |test: fn(&Row) -> bool| sessions.iter().filter(|row| test(row)).count();
        let unusable = findings.iter().filter(|finding| finding.severity == Status::Fail).count();
        if sessions.is_empty() && unusable == 0 {
            findings.push(Finding::fail("no session was found, so nothing was checked"));
        }
        let drills: Vec<&DrillResult> = sessions.iter().filter_map(|row| row.drill.as_ref()).collect();
        let drill = (!drills.is_empty()).then(|| DrillTotals {
            planned_jobs: drills.iter().map(|drill| drill.planned_documents).sum(),
            refused_jobs: drills.iter().map(|drill| drill.refused_jobs).sum(),
            drained_jobs: drills.iter().map(|drill| drill.drained_jobs).sum(),
        });
        if drill.is_some_and(|drill| drill.refused_jobs == 0) {
            findings.push(Finding::warn(format!("{NOT_DRILLED}: no search job of any session was refused")));
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let latest = sessions.iter().map(|row| row.scheduled_run.0).max();
        let ends = latest.map(|run| run.minus(std::time::Duration::from_secs(3600)));
        let severities = findings.iter().map(|finding| finding.severity);
        let status = Status::roll_up(sessions.iter().map(|row| row.status).chain(severities));
        Self {
            schema: SCHEMA,
            status,
            verdict: status,
            generated_at: Moment(now.or(ends).unwrap_or(std::time::UNIX_EPOCH.into())),
            lexicon,
            total_sessions: sessions.len(),
            total_mentions: sessions.iter().map(|row| row.mention_count).sum(),
            total_deltas: sessions.iter().map(|row| row.delta_count).sum(),
            sessions_with_moderation: count(|row| row.requires_moderation),
            sessions_with_capability_violations: count(|row| row.capability_violations > 0),
            sessions_with_conflicts: count(|row| row.conflict_detections > 0),
            sessions_with_low_confidence: count(|row| row.low_confidence_deltas > 0),
            failed: count(|row| row.status == Status::Fail) + unusable,
            drill,
            sessions,
            skipped,
            findings,
        }
    }
}
