//! The summary of a run's evidence: the document that `audit` writes and `backlog`, `wrap-up` and reviewers read.
//!
//! Keys and their meaning are documented in `runbooks/formats.md`. Every field has a default on reading, so
//! that summaries of other writers are accepted.

mod bucket;
mod checklist;
mod checksums;
pub mod comparison;
pub mod drills;
pub mod guards;
pub mod notifications;
mod plan;
pub mod readiness;
pub mod workloads;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::layout::description::Description;
use crate::finding::{Finding, Known, Metadata, Place, Status, Waived};
use crate::time::Stamp;
pub use bucket::Bucket;
pub use checklist::{ChecklistItem, ChecklistSummary};
pub use checksums::ChecksumSummary;

use comparison::{Baseline, Trend};
pub use plan::{PlanChange, PlanSummary};
use readiness::Readiness;
use workloads::WorkloadsSummary;

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
    /// The highest status of all parts: what the evidence says by itself, before any criterion.
    pub evidence_status: Status,
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
    /// Whether the evidence of a run is as it was sealed; for runs alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordSummary>,
    /// The drills of the run, where there were some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drills: Option<drills::DrillsSummary>,
    /// The guards on figures of the run, where there were some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<guards::GuardsSummary>,
    /// The notifications of the run, where somebody was to hear of something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<notifications::NotificationsSummary>,
    /// The checklist of the run, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checklist: Option<ChecklistSummary>,
    /// The workloads of the run, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads: Option<WorkloadsSummary>,
    /// What other systems say of their readiness, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness: Option<Readiness>,
    /// The run held against accepted ones, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The run as the last of several, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
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
    /// Lines read, blank ones included.
    pub lines: u64,
    /// Usable records.
    pub records: u64,
    /// Lines that are no record: blank, not understood, or without a usable time.
    pub ignored_lines: u64,
    /// Lines that continue the record before them, such as the frames of a stack trace.
    pub continued_lines: u64,
    /// Lines of output that the records of our own capture stand for, beyond the lines of the log: it folds equal lines
    /// of a burst, and joins the lines of a stack trace.
    #[serde(skip_serializing_if = "is_zero")]
    pub folded_lines: u64,
    /// Records of our own capture that state once more, and rightly, the level of a line that was not known when it came.
    #[serde(skip_serializing_if = "is_zero")]
    pub restated_lines: u64,
    /// Records that say when emp-ops received them: those of our own captures.
    #[serde(skip_serializing_if = "is_zero")]
    pub received_records: u64,
    /// Records by level, in the words of the log.
    pub level_counts: BTreeMap<String, u64>,
    /// Records by severity, in our words.
    pub severity_counts: BTreeMap<String, u64>,
    /// Records whose level no vocabulary defines, by that level.
    pub unknown_levels: BTreeMap<String, u64>,
    /// Records whose level is not listed above because there are too many different ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub levels_not_listed: u64,
    /// Records by event name.
    pub event_counts: BTreeMap<String, u64>,
    /// Records whose event is not listed above because there are too many different ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub events_not_listed: u64,
    /// Records by the service that wrote them, where a multiplexer such as `docker compose` named it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub service_counts: BTreeMap<String, u64>,
    /// Records by the workload that wrote them, in the logs of one that has others beside it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, u64>,
    /// Silences longer than the limit; at most the limit for listing.
    pub gap_incidents: Vec<Finding>,
    /// Stack traces, panics and the like; at most the limit for listing.
    pub content_incidents: Vec<Finding>,
    /// Records at a warning level; at most the limit for listing.
    pub warnings: Vec<Finding>,
    /// Records at an error level; at most the limit for listing.
    pub errors: Vec<Finding>,
    /// Records that are in none of these lists because the policy ignores their text: how many, by that text; 0 for one
    /// that matches nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ignored_by_policy: BTreeMap<String, u64>,
    /// What is in none of these lists because a drill caused it, by its name; left out where there is nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub excused_by_drills: BTreeMap<String, Excused>,
    /// How many there are of each kind, listed or not.
    pub totals: LogTotals,
    /// Equal incidents together: by severity, then by count.
    pub groups: Vec<Group>,
    /// Incidents in no group because there are too many different ones.
    #[serde(skip_serializing_if = "is_zero")]
    pub incidents_not_grouped: u64,
    /// Records over time.
    pub histogram: Vec<Bucket>,
    /// The time of the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Stamp>,
    /// The time of the last record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Seconds that the evidence covers: from the first to the last record, or the supervised time of a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// The share of the duration that is outside gaps, 0 to 1; absent where there is no duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_ratio: Option<f64>,
    /// Why no uptime was measured, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_not_measured: Option<String>,
    /// The longest time without a record, in seconds; where files overlap in time, at most so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_silence_seconds: Option<f64>,
    /// Silences up to this length, in seconds, cost no uptime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_silence_seconds: Option<f64>,
    /// What the uptime lacks, in order of time: silences beyond the free length, and times in which nothing ran.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub down_times: Vec<DownTime>,
    /// Each file that was read, by path.
    pub files: Vec<FileReport>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
}

/// A stretch of time that does not count as uptime.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DownTime {
    /// When it began.
    pub from: Stamp,
    /// When it ended.
    pub to: Stamp,
    /// Its length.
    pub seconds: f64,
    /// Why.
    pub cause: String,
}

impl DownTime {
    /// From one instant to another.
    pub fn new(from: Stamp, to: Stamp, cause: impl Into<String>) -> Self {
        Self { from, to, seconds: to.since(from).as_secs_f64(), cause: cause.into() }
    }
}

/// Incidents whose texts differ only in numbers, ids and quoted values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The id of the kind of finding: the same in every run.
    #[serde(default)]
    pub id: String,
    /// How bad they are.
    pub severity: Status,
    /// `error`, `warning`, or the kind of crash: `stack_trace`, `panic`, …
    pub kind: String,
    /// The text with the varying parts masked.
    pub signature: String,
    /// How many there are.
    pub count: u64,
    /// The first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Stamp>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Stamp>,
    /// The first, in full.
    pub example: Finding,
    /// Who accepts them, and until when; such a group is a WARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waived>,
}

/// How one file was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileReport {
    /// The path as given, or below the directory that was given.
    pub path: String,
    /// The dialect of most records; empty where there are none.
    pub dialect: String,
    /// What was learnt of its lines: where they state time and level.
    #[serde(skip_serializing_if = "is_default")]
    pub layout: Description,
    /// How the file was packed: `plain`, `gz`, `bz2`, `xz`, `zst`; `+utf-16` where the text was that.
    pub encoding: String,
    /// Size of the file.
    pub bytes: u64,
    /// Size of its text.
    pub text_bytes: u64,
    /// Lines in it, blank ones included.
    pub lines: u64,
    /// Usable records.
    pub records: u64,
    /// Lines that are no record.
    pub ignored_lines: u64,
    /// Lines that continue the record before them.
    pub continued_lines: u64,
    /// The first three ignored lines that are not blank, shortened.
    pub first_ignored: Vec<IgnoredLine>,
    /// The time of the first record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Stamp>,
    /// The time of the last record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Whether it was read to its end.
    pub complete: bool,
}

/// A line that is no record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IgnoredLine {
    /// Its number, from 1.
    pub line: u64,
    /// Its start.
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn is_default(layout: &Description) -> bool {
    *layout == Description::default()
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

impl LogTotals {
    /// Adds those of another part.
    pub(crate) fn add(&mut self, more: Self) {
        self.gap_incidents += more.gap_incidents;
        self.content_incidents += more.content_incidents;
        self.warnings += more.warnings;
        self.errors += more.errors;
    }
}

/// What a drill excuses in the logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Excused {
    /// How much.
    #[serde(flatten)]
    pub totals: LogTotals,
    /// The injection.
    pub from: Option<Stamp>,
    /// Until when the drill may have caused it.
    pub to: Option<Stamp>,
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
    /// Entries of further policies; of more than 1000 the first in the diary are told apart.
    #[serde(skip_serializing_if = "is_zero")]
    pub policies_not_listed: u64,
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
    /// Its kind, by which it can be waived.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Box<Known>>,
}

impl DiaryIssue {
    /// Says which file, and which line of it.
    #[must_use]
    pub fn in_file(mut self, path: &str, line: Option<u64>) -> Self {
        self.place = Some(Place { path: path.to_owned(), line });
        self
    }
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
    /// The figures that the policy asks for, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, FigureRead>,
    /// The length of the period in seconds; absent when it is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_duration_seconds: Option<f64>,
    /// What is wrong with the report.
    pub findings: Vec<Finding>,
    /// The report's own metadata.
    pub metadata: Metadata,
}

/// A figure that the policy asks for, as the report has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FigureRead {
    /// Its value; none if the report has no number there.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Whether a run is as it was sealed: its record, snapshots, logs and documents, held against each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecordSummary {
    /// The highest severity of the disagreements.
    pub status: Status,
    /// How many files the run sealed.
    pub files: u64,
    /// Each disagreement, with both places.
    pub differs: Vec<Finding>,
    /// The verdict by the run's own policy, where another one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_verdict: Option<Status>,
}
