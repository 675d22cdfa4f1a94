//! The search index: what would be written to it, and the drill of what happens when it drifts.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use super::id::{self, Id};
use super::moment::Moment;
use super::publishing::{LoreBundle, NewsCard, Prepared, Provenance};

/// The queue tries a job this often.
pub(crate) const MAX_ATTEMPTS: u32 = 3;
/// The delay before the first retry; it doubles from try to try.
const FIRST_DELAY: Duration = Duration::from_secs(300);

/// A document to be written to the index.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job<'b> {
    /// `index-lore-…` or `index-news-…`.
    pub job_id: String,
    /// `lore_bundles` or `news_cards`.
    pub index: &'static str,
    /// The bundle or the card.
    pub document_id: &'b str,
    /// `loreBundle` or `newsCard`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What is written.
    pub body: Body<'b>,
    /// The version that the index must have afterwards.
    pub expected_version: usize,
}

/// What is written to the index.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub(crate) enum Body<'b> {
    /// About an entity.
    Lore {
        /// The bundle.
        bundle_id: &'b str,
        /// Its text.
        summary_markdown: &'b str,
        /// Its entity.
        entity_id: &'b str,
        /// When it goes out.
        publish_at: Moment,
        /// Always empty.
        safety_tags: [&'b str; 0],
        /// Where it comes from.
        provenance: &'b Provenance<'b>,
    },
    /// A piece of news.
    News {
        /// The card.
        card_id: &'b str,
        /// Its title.
        headline: &'b str,
        /// Its text.
        lead: &'b str,
        /// When it goes out.
        publish_at: Moment,
        /// When it ends.
        expires_at: Moment,
        /// Always `routine`.
        urgency: &'b str,
        /// Always empty.
        safety_tags: [&'b str; 0],
    },
}

/// How the index is made to drift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Drill {
    /// The share of the jobs that are refused, 0 to 1.
    pub rate: f64,
    /// How often in a row a job of that share is refused, at least once.
    pub refusals: u32,
    /// Chooses which jobs those are.
    pub seed: u64,
}

/// A job that was refused and waits for its next try, or has been tried again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retry<'b> {
    /// Made from the job.
    pub retry_id: String,
    /// The session.
    pub session_id: &'b Id,
    /// The batch.
    pub batch_id: &'b str,
    /// The job of the plan.
    pub job_id: &'b str,
    /// Its index.
    pub index: &'static str,
    /// Its document.
    pub document_id: &'b str,
    /// Which try this is, 1 to 3.
    pub attempt: u32,
    /// When it is due.
    pub retry_at: Moment,
    /// Always `failure`.
    pub reason: &'static str,
    /// What went wrong.
    pub payload: Refusal<'b>,
    /// The tries so far.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// What went wrong with a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal<'b> {
    index: &'static str,
    document_id: &'b str,
    status: &'static str,
    expected_version: usize,
    actual_version: usize,
    reason: &'static str,
    job_id: &'b str,
}

/// One try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// When it was made.
    pub at: Moment,
    /// `success` or `failure`.
    pub status: &'static str,
}

/// The state of the queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary<'b> {
    /// Jobs that wait.
    pub pending_count: usize,
    /// `pending` or `clear`.
    pub status: &'static str,
    /// The earliest time at which one is due.
    pub next_retry_at: Option<Moment>,
    /// The jobs that wait.
    pub jobs: Vec<Retry<'b>>,
}

impl<'b> Summary<'b> {
    fn of(jobs: Vec<Retry<'b>>) -> Self {
        Self {
            pending_count: jobs.len(),
            status: if jobs.is_empty() { "clear" } else { "pending" },
            next_retry_at: jobs.iter().map(|job| job.retry_at).min(),
            jobs,
        }
    }
}

/// The queue before and after it was drained.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Queue<'b> {
    /// As after the drain.
    pub status: &'static str,
    /// After the first writes.
    pub before_drain: Summary<'b>,
    /// After all retries.
    pub after_drain: Summary<'b>,
    /// The jobs that a retry got through.
    pub drained_jobs: Vec<Retry<'b>>,
    /// What the drill did; none if there was no drill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<DrillResult>,
}

/// What a drill did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DrillResult {
    /// The share of jobs that was to be refused.
    pub rate: f64,
    /// How often in a row.
    pub refusals: u32,
    /// Which jobs.
    pub seed: u64,
    /// Jobs that were refused.
    pub refused_jobs: usize,
    /// Of those, jobs that a retry got through.
    pub drained_jobs: usize,
    /// Planned documents that the index holds in the right version, looked up after the drain.
    pub verified_documents: usize,
    /// All planned documents.
    pub planned_documents: usize,
}

/// The jobs of a batch: all bundles, then all cards.
pub(crate) fn plan<'b>(prepared: &'b Prepared<'_>) -> Vec<Job<'b>> {
    let lore = prepared.lore_bundles.iter().map(lore_job);
    let news = prepared.news_cards.iter().map(news_job);
    lore.chain(news).collect()
}

fn lore_job<'b>(bundle: &'b LoreBundle<'_>) -> Job<'b> {
    Job {
        job_id: format!("index-lore-{}", bundle.bundle_id),
        index: "lore_bundles",
        document_id: &bundle.bundle_id,
        kind: "loreBundle",
        body: Body::Lore {
            bundle_id: &bundle.bundle_id,
            summary_markdown: &bundle.summary_markdown,
            entity_id: bundle.entity_id,
            publish_at: bundle.publish_at,
            safety_tags: [],
            provenance: &bundle.provenance,
        },
        expected_version: bundle.revisions.len(),
    }
}

fn news_job<'b>(card: &'b NewsCard<'_>) -> Job<'b> {
    Job {
        job_id: format!("index-news-{}", card.card_id),
        index: "news_cards",
        document_id: &card.card_id,
        kind: "newsCard",
        body: Body::News {
            card_id: &card.card_id,
            headline: &card.headline,
            lead: &card.lead,
            publish_at: card.publish_at,
            expires_at: card.expires_at,
            urgency: card.urgency,
            safety_tags: [],
        },
        expected_version: 1,
    }
}

/// The time between two tries: 5 minutes before the first, doubled from try to try.
fn delay(attempt: u32) -> Duration {
    FIRST_DELAY * 2_u32.pow(attempt.clamp(1, MAX_ATTEMPTS) - 1)
}

/// Writes the jobs to an index that refuses some of them as `drill` says, and drains the queue of retries.
pub(crate) fn write<'b>(
    jobs: &'b [Job<'b>],
    session: &'b Id,
    batch: &'b str,
    drill: Option<Drill>,
    now: Moment,
) -> Queue<'b> {
    let session_text = session.to_string();
    let refusals = |job: &Job<'_>| match drill {
        Some(drill) if id::fraction(&["drift", &drill.seed.to_string(), &session_text, &job.job_id]) < drill.rate => {
            drill.refusals
        }
        _ => 0,
    };
    let mut index: HashMap<&str, usize> = HashMap::new();
    let (mut before, mut left, mut drained) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        let refusals = refusals(job);
        if refusals == 0 {
            index.insert(job.document_id, job.expected_version);
            continue;
        }
        let mut retry = first_retry(job, session, batch, now);
        before.push(retry.clone());
        let mut tried = 1;
        loop {
            let through = tried >= refusals;
            let status = if through { "success" } else { "failure" };
            retry.attempts.push(Attempt { attempt: retry.attempt, at: retry.retry_at, status });
            if through {
                index.insert(job.document_id, job.expected_version);
                drained.push(retry);
                break;
            }
            tried += 1;
            let last = retry.attempt == MAX_ATTEMPTS;
            retry.attempt = (retry.attempt + 1).min(MAX_ATTEMPTS);
            retry.retry_at = Moment(retry.retry_at.0.plus(delay(retry.attempt)));
            if last {
                left.push(retry);
                break;
            }
        }
    }
    // Looked up rather than counted, so that a fault of the drain would show.
    let verified = jobs.iter().filter(|job| index.get(job.document_id) == Some(&job.expected_version)).count();
    let (before, after) = (Summary::of(before), Summary::of(left));
    Queue {
        status: after.status,
        drill: drill.map(|drill| DrillResult {
            rate: drill.rate,
            refusals: drill.refusals,
            seed: drill.seed,
            refused_jobs: before.pending_count,
            drained_jobs: drained.len(),
            verified_documents: verified,
            planned_documents: jobs.len(),
        }),
        before_drain: before,
        after_drain: after,
        drained_jobs: drained,
    }
}

fn first_retry<'b>(job: &'b Job<'b>, session_id: &'b Id, batch_id: &'b str, now: Moment) -> Retry<'b> {
    Retry {
        retry_id: format!("search-retry-{}", id::short(&["retry", &session_id.to_string(), &job.job_id])),
        session_id,
        batch_id,
        job_id: &job.job_id,
        index: job.index,
        document_id: job.document_id,
        attempt: 1,
        retry_at: Moment(now.0.plus(delay(1))),
        reason: "failure",
        payload: Refusal {
            index: job.index,
            document_id: job.document_id,
            status: "failure",
            expected_version: job.expected_version,
            actual_version: job.expected_version.saturating_sub(1),
            reason: "failure",
            job_id: &job.job_id,
        },
        attempts: Vec::new(),
    }
}
