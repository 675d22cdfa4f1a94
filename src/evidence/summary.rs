//! The summary of a run's evidence: the document that `audit` writes and `backlog`, `wrap-up` and reviewers read.
//!
//! Keys and their meaning are documented in `runbooks/formats.md`. Every field has a default on reading, so
//! that summaries of other writers are accepted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Metadata, Place, Status};
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/audit/v1";

/// The whole of the evidence, summarised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA`].
    #[serde(default)]
    pub schema: String,
    /// When the summary was made.
    pub generated_at: Stamp,
    /// The highest status of all parts.
    pub status: Status,
    /// Paths as given, and what the caller added; never overwrites evidence.
    #[serde(default)]
    pub metadata: Metadata,
    /// The logs; always there.
    pub logs: LogSummary,
    /// The decision diary, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diary: Option<DiarySummary>,
    /// The performance report, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<PerformanceSummary>,
    /// The digests of the evidence files, where a list of them was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksums: Option<ChecksumSummary>,
    /// The infrastructure plan, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanSummary>,
    /// Faults of the input and of the run itself: unreadable files, a run that was not completed,
    /// incidents that the supervisor saw.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// What the logs say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSummary {
    /// The highest severity of the incidents below and of the faults of the files.
    pub status: Status,
    /// Usable records.
    pub records: u64,
    /// Lines that are no record: blank, not understood, or without a usable time.
    pub ignored_lines: u64,
    /// Records by level, in the words of the log.
    pub level_counts: BTreeMap<String, u64>,
    /// Records by event name.
    pub event_counts: BTreeMap<String, u64>,
    /// Silences longer than the limit.
    pub gap_incidents: Vec<Finding>,
    /// Stack traces, panics and the like.
    pub content_incidents: Vec<Finding>,
    /// Records at a warning level; at most the limit for listing.
    pub warnings: Vec<Finding>,
    /// Records at an error level; at most the limit for listing.
    pub errors: Vec<Finding>,
    /// How many there are of each kind, listed or not.
    pub totals: LogTotals,
    /// The time of the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Stamp>,
    /// The time of the last record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Seconds that the evidence covers: from the first to the last record, or the supervised time of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// The share of the duration that lies outside gaps, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ratio: Option<f64>,
}

/// Exact counts of the findings in the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogTotals {
    /// Gaps longer than the warning limit.
    pub gap_incidents: u64,
    /// Content incidents.
    pub content_incidents: u64,
    /// Records at a warning level.
    pub warnings: u64,
    /// Records at an error level.
    pub errors: u64,
}

/// What the decision diary says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiarySummary {
    /// The highest severity of the issues.
    pub status: Status,
    /// Entries read.
    pub total_entries: u64,
    /// Entries by policy.
    pub policy_counts: BTreeMap<String, u64>,
    /// Entries and coverage that need a look, by time; at most the limit for listing, the worst kept.
    pub issues: Vec<DiaryIssue>,
    /// How many issues there are, listed or not.
    pub total_issues: u64,
    /// The time of the first entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_recorded_at: Option<Stamp>,
    /// The time of the last entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_recorded_at: Option<Stamp>,
}

/// One thing about the diary that needs a look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiaryIssue {
    /// The entry, or `coverage/…`.
    #[serde(default)]
    pub entry_id: String,
    /// Its policy, or `*`.
    #[serde(default)]
    pub policy_id: String,
    /// When it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<Stamp>,
    /// How bad it is.
    pub severity: Status,
    /// Why: the note or status that decided.
    #[serde(default)]
    pub reason: String,
    /// The entry's own metadata, or the figures of a coverage issue.
    #[serde(default)]
    pub metadata: Metadata,
    /// The file and line at which the entry can be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// What the performance report says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PerformanceSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// When the report was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Stamp>,
    /// The start of the period that it covers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_start: Option<Stamp>,
    /// Trades in the period.
    pub total_trades: u64,
    /// Return on investment; -0.05 is a loss of five percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roi: Option<f64>,
    /// Share of winning trades, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub win_rate: Option<f64>,
    /// The Sharpe ratio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharpe_ratio: Option<f64>,
    /// The length of the period in seconds; absent when it is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_duration_seconds: Option<f64>,
    /// What is wrong with the report.
    pub findings: Vec<Finding>,
    /// The report's own metadata.
    pub metadata: Metadata,
}

/// What re-hashing the listed files has shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChecksumSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The lists, as given.
    pub lists: Vec<String>,
    /// Files that the lists name.
    pub listed: u64,
    /// Files whose digest is the listed one.
    pub verified: u64,
    /// Changed, missing and unlisted files.
    pub findings: Vec<Finding>,
}

/// What the infrastructure plan would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The plan, as given.
    pub path: String,
    /// Resources in the plan.
    pub resources: u64,
    /// Every pending change.
    pub changes: Vec<PlanChange>,
    /// The changes and the faults of the plan.
    pub findings: Vec<Finding>,
}

/// A pending change of one resource or output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanChange {
    /// The address of the resource, or `output.NAME`.
    pub address: String,
    /// The type of the resource, or `output`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What would be done: `create`, `update`, `delete`, `import`, `move`, …
    pub actions: Vec<String>,
}
