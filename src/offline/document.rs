//! All stages in a row: the document about one session, and its verdict.

use std::time::UNIX_EPOCH;

use serde::Serialize;

use super::deltas::{self, Delta};
use super::id::Id;
use super::moderation::Moderation;
use super::moment::Moment;
use super::publishing::{self, Prepared};
use super::reading::matcher::Matcher;
use super::reading::mentions::{self, Mention};
use super::schedule::{self, Schedule};
use super::search::{self, Drill, Job, Queue, Summary};
use super::session::Session;
use super::story::{self, Story};
use crate::finding::{Finding, Status};
use crate::time::{Stamp, human_duration};

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/offline-qa/v1";

/// How findings begin that say that a drill met no job.
pub(crate) const NOT_DRILLED: &str = "nothing was drilled";

/// What was made of one session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The session.
    pub session_id: &'a Id,
    /// The verdict.
    pub status: Status,
    /// What decided the verdict, and what is wrong with the file.
    pub findings: Vec<Finding>,
    /// `SOURCE_DATE_EPOCH`, or the end of the session.
    pub generated_at: Moment,
    /// Scenes, acts, highlights.
    pub summary: Story<'a>,
    /// Who is named where.
    pub entity_extraction: Extraction<'a>,
    /// What would change.
    pub world_deltas: Deltas<'a>,
    /// What would be published, when, and how the index took it.
    pub publishing: Publishing<'a>,
    /// What stands against publishing.
    pub moderation: Moderation,
}

/// Who is named where.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extraction<'a> {
    /// How often names and capabilities of the lexicon occur, whether anything is said of them or not.
    pub occurrences: usize,
    /// The number of mentions.
    pub mention_count: usize,
    /// In the order of the text.
    pub mentions: Vec<Mention<'a>>,
}

/// What would change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Deltas<'a> {
    /// The number of deltas.
    pub delta_count: usize,
    /// One for each mention.
    pub deltas: &'a [Delta<'a>],
}

/// What would be published, when, and how the index took it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Publishing<'a> {
    /// `published`, `awaiting_moderation` or `retry_pending`.
    pub status: &'static str,
    /// When.
    pub schedule: Schedule<'a>,
    /// What; none if a person must look first.
    pub prepared_batch: Option<&'a Prepared<'a>>,
    /// What the index is asked to write.
    pub search_plan: Plan<'a>,
    /// As at the top.
    pub moderation: Moderation,
    /// How the index took it.
    pub retry_queue: Queue<'a>,
}

/// What the index is asked to write.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Plan<'a> {
    /// All bundles, then all cards.
    pub jobs: &'a [Job<'a>],
    /// `published`, `blocked` or `retry_pending`.
    pub status: &'static str,
    /// The queue as the drain left it.
    pub retry_summary: Summary<'a>,
}

/// How to run the stages.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    /// "Now" for every session; none: each session's own end.
    pub now: Option<Stamp>,
    /// Whether and how the index drifts.
    pub drill: Option<Drill>,
}

/// Runs all stages and hands the document, which borrows from everything before it, to `then`.
pub(crate) fn rehearse<T>(
    session: &Session,
    matcher: &Matcher,
    settings: &Settings,
    then: impl FnOnce(&Document<'_>) -> T,
) -> T {
    let known = settings.now.or(session.closed_at).or(session.last_at);
    let now = Moment(known.unwrap_or(UNIX_EPOCH.into()));
    let (mentions, occurrences) = mentions::extract(session, matcher);
    let deltas = deltas::deltas(&mentions, matcher.lexicon(), now);
    let moderation = Moderation::of(&deltas, session.is_incomplete());
    let gated = moderation.requires_moderation;
    let run_at = schedule::run_at(session, now);
    let prepared = (!gated).then(|| publishing::prepare(session, &deltas, run_at, now));
    let bundles = prepared.as_ref().map(|prepared| prepared.lore_bundles.len());
    let schedule = schedule::schedule(session, deltas.len(), bundles, &moderation, now);
    let batch_id = schedule.batches[0].batch_id.clone();
    let jobs = prepared.as_ref().map(search::plan).unwrap_or_default();
    let queue = search::write(&jobs, &session.id, &batch_id, settings.drill, now);
    let (status, plan_status) = match (gated, queue.after_drain.pending_count) {
        (true, _) => ("awaiting_moderation", "blocked"),
        (_, 0) => ("published", "published"),
        _ => ("retry_pending", "retry_pending"),
    };
    let mut findings = verdict(&moderation, deltas.len(), &queue);
    if known.is_none() {
        findings.push(Finding::warn(
            "the session names no time at all, so its schedule starts at 1970-01-01; add sessionState.closedAt",
        ));
    }
    findings.extend(session.findings.iter().cloned());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let document = Document {
        schema: SCHEMA,
        session_id: &session.id,
        status: Status::roll_up(findings.iter().map(|finding| finding.severity)),
        findings,
        generated_at: now,
        summary: story::consolidate(session, now),
        entity_extraction: Extraction { occurrences, mention_count: mentions.len(), mentions },
        world_deltas: Deltas { delta_count: deltas.len(), deltas: &deltas },
        publishing: Publishing {
            status,
            schedule,
            prepared_batch: prepared.as_ref(),
            search_plan: Plan { jobs: &jobs, status: plan_status, retry_summary: queue.after_drain.clone() },
            moderation: moderation.clone(),
            retry_queue: queue,
        },
        moderation,
    };
    then(&document)
}

/// What the gate and the drill have to say.
fn verdict(moderation: &Moderation, deltas: usize, queue: &Queue<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if moderation.requires_moderation {
        let reasons: Vec<&str> = moderation.reasons.iter().map(|reason| reason.word()).collect();
        let what = match moderation.pending {
            0 => "the session needs moderation".to_owned(),
            pending => format!("{pending} of {deltas} deltas need moderation"),
        };
        findings.push(Finding::warn(format!("{what}, nothing is published: {}", reasons.join(", "))));
    }
    let Some(drill) = queue.drill else { return findings };
    let left = queue.after_drain.pending_count;
    if drill.refused_jobs == 0 {
        let why = match (moderation.requires_moderation, drill.planned_documents) {
            (true, _) => "the session waits for moderation and has no search jobs",
            (_, 0) => "the session changes nothing and has no search jobs",
            _ => "the drift rate and seed hit none of its search jobs",
        };
        findings.push(Finding::warn(format!("{NOT_DRILLED}: {why}")));
    } else if left > 0 {
        let tries = search::MAX_ATTEMPTS;
        findings.push(Finding::fail(format!(
            "{left} of {} search jobs stayed failed after {tries} retries",
            drill.refused_jobs
        )));
    } else if drill.verified_documents < drill.planned_documents {
        let (held, planned) = (drill.verified_documents, drill.planned_documents);
        findings.push(Finding::fail(format!("only {held} of {planned} documents are in the index after the drain")));
    } else {
        let last = queue.drained_jobs.iter().map(|job| job.retry_at).max();
        let first = queue.before_drain.jobs.iter().map(|job| job.retry_at).min();
        let took = last.zip(first).map(|(last, first)| last.0.since(first.0)).unwrap_or_default();
        let longest =
            if took.is_zero() { String::new() } else { format!(" within {} of back-off", human_duration(took)) };
        let count = drill.refused_jobs;
        findings.push(Finding::new(Status::Pass, format!("{count} refused search jobs drained{longest} and verified")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::super::session::{self, Artefact};
    use super::*;
    use crate::offline::reading::lexicon::Lexicon;

    /// Any JSON, mostly with the words that the stages look for.
    fn any_json() -> impl Strategy<Value = Value> {
        let words = prop::sample::select(vec![
            "The Lamplighters seized Ochre Quay from the Grey Wardens",
            "Rumours of Tide Reversal. The Low Fens, no longer ruined!But lost",
            "2025-01-06T00:00:00",
            "open",
            "rising",
            "player",
            " ",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            words.prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        let keys = prop::sample::select(vec![
            "text",
            "content",
            "turnId",
            "id",
            "sceneId",
            "actId",
            "speaker",
            "role",
            "timestamp",
            "metadata",
            "hooks",
            "tags",
            "tension",
            "momentum",
            "delta",
            "value",
            "safetyFlags",
            "highlights",
            "title",
            "status",
            "closedAt",
            "scenes",
            "changeFeed",
            "unresolvedHooks",
            "keyMoment",
            "achievements",
            "scene",
            "severity",
            "reason",
        ]);
        leaf.prop_recursive(5, 60, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|members| members
                    .into_iter()
                    .map(|(k, v)| (k.to_owned(), v))
                    .collect::<Map<_, _>>()
                    .into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_session_panics_and_none_that_was_not_read_is_published(
            transcript in any_json(),
            turns in prop::collection::vec(any_json(), 0..5),
            (state, job) in (any_json(), any_json()),
            listed in any::<bool>(),
        ) {
            let matcher = Matcher::new(Lexicon::built_in()).unwrap();
            let transcript = if listed { Value::from(turns) } else { transcript };
            let text = json!({"sessionId": "s", "transcript": transcript, "sessionState": state, "closureJob": job});
            let Artefact::Session(session) = session::read(text.to_string().as_bytes(), None) else { panic!("{text}") };
            let drill = Some(Drill { rate: 0.5, refusals: 2, seed: 1 });
            rehearse(&session, &matcher, &Settings { now: None, drill }, |document| {
                let spoken = session.turns.iter().any(|turn| !turn.text.trim().is_empty());
                prop_assert!(spoken || document.status == Status::Fail, "{text}");
                let clear = document.moderation.reasons.is_empty() && !session.is_incomplete();
                prop_assert_eq!(clear, document.publishing.status == "published");
                prop_assert_eq!(clear, document.publishing.prepared_batch.is_some());
                prop_assert!(serde_json::to_string(document).is_ok());
                Ok(())
            })?;
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = session::read(&bytes, Some("s"));
        }
    }
}
