//! The run record, `run.json`: what was supervised, under which settings, and how it ended.
//!
//! It is the first file of a run directory and is replaced at each change of state: a record in any state but
//! [`State::Complete`] is a run that was not completed.

mod evidence;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::evidence::{CHECKLIST, EvidencePaths, SealedFile};
use super::objective::Objective;
use super::plan::NotifyRecord;
use super::progress::Incident;
use super::provenance::Provenance;
pub use super::provenance::is_simulator;
pub use super::workloads::record::{Down, EndedBy, ProbeRecord, Signalled, Stop, WorkloadRecord};
use crate::drills::plan::DrillsPlan;
use crate::evidence::diary::Explained;
use crate::evidence::figures::Figure;
use crate::finding::{Criterion, Metadata, Status, Waiver};
use crate::guards::plan::GuardsPlan;
use crate::log::access::Statuses;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/run/v1";

/// The name of the file in the run directory and, below `raw/`, in the packet.
pub const FILE_NAME: &str = "run.json";

/// A supervised run. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// [`SCHEMA`].
    pub schema: String,
    /// The name of the run: that of its directory.
    pub name: String,
    /// What the operator called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// How far the run got.
    pub state: State,
    /// The version of emp-ops that supervised it.
    pub version: String,
    /// The process id of the supervisor.
    pub supervisor_pid: u32,
    /// The command with its arguments.
    pub command: Vec<String>,
    /// The names of the variables that were set for the command; never their values.
    #[serde(default)]
    pub environment: Vec<String>,
    /// When supervision started.
    pub started_at: Stamp,
    /// When supervision ended: when the command ended by itself, or was asked to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Supervised seconds by the monotonic clock: the length of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Seconds that the command took to end after it was asked to stop; no part of the supervised time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drain_seconds: Option<f64>,
    /// Why supervision ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_because: Option<EndReason>,
    /// Which workload ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<EndedBy>,
    /// What was supervised, one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<WorkloadRecord>,
    /// The SHA-256 of `workloads.json`, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workloads_sha256: Option<String>,
    /// The thresholds and criteria of the run; `audit` of the run directory applies the same.
    pub settings: Settings,
    /// Those criteria and who set them, as documents show them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
    /// Who ran it, of what, where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance>,
    /// The drills that were planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drills: Option<DrillsPlan>,
    /// The guards on figures that were planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<GuardsPlan>,
    /// Who was to hear of what; none if nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<NotifyRecord>,
    /// What somebody accepts by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// The evidence files, relative to the run directory where they are inside it.
    pub evidence: EvidencePaths,
    /// What the rehearsal was for, and whether that was reached: stated by the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objectives: Vec<Objective>,
    /// Each start of the command.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// What happened, in order of first occurrence; `log_level` and `stack_trace` are in the logs too, others only here.
    #[serde(default)]
    pub incidents: Vec<Incident>,
    /// Incidents by severity, listed or not.
    #[serde(default)]
    pub incident_counts: BTreeMap<Status, u64>,
    /// When emp-ops itself did not run, and received nothing: from and to, in seconds since the start (monotonic).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_up: Vec<(f64, f64)>,
    /// The same by the wall clock, and when the machine was suspended: silence in these times is not the command's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paused: Vec<(Stamp, Stamp)>,
    /// What was captured.
    #[serde(default)]
    pub capture: Capture,
    /// What was sampled of the process tree.
    #[serde(default)]
    pub resource_monitor: ResourceMonitor,
    /// Seconds since each evidence file was last written (else since the start), by name: at most 720 looks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence_age: BTreeMap<String, Vec<(Stamp, f64)>>,
    /// From which of these ages, in seconds, it is a `warn` and a `fail`; by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence_limits: BTreeMap<String, BTreeMap<Status, f64>>,
    /// How often and how long each evidence file was not refreshed in time, by name; none if all were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence_stalls: BTreeMap<String, Stalls>,
    /// The evidence files when supervision had ended, as the last snapshot lists them too; none before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_files: Option<Vec<SealedFile>>,
    /// The chain of progress snapshots. A record without it is no record: its absence would hide a lost timeline.
    pub progress: ProgressChain,
    /// What the operator attached to the run.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
}

impl RunRecord {
    /// How many times something was started again.
    pub fn restarts(&self) -> u64 {
        match self.workloads.is_empty() {
            true => (self.attempts.len() as u64).saturating_sub(1),
            false => self.workloads.iter().map(|workload| workload.attempts.len().saturating_sub(1) as u64).sum(),
        }
    }

    /// Whether the built-in simulator ran, by the record or by the command itself.
    pub fn is_simulated(&self) -> bool {
        let mut workloads = self.workloads.iter().map(|workload| &workload.command);
        self.simulated || is_simulator(&self.command) || workloads.any(|command| is_simulator(command))
    }

    /// What the last snapshot repeats of the record: all of it but what is known only after that snapshot.
    pub fn sealed(&self) -> Value {
        let mut record = serde_json::to_value(self).unwrap_or_default();
        if let Some(keys) = record.as_object_mut() {
            keys.retain(|key, _| !UNSEALED.contains(&key.as_str()));
        }
        record
    }
}

/// How far a run got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// The command is about to be started or running; also what a killed supervisor leaves behind.
    Running,
    /// Supervision ended; the evidence is being judged and packed. Also what a supervisor killed meanwhile leaves behind.
    Sealing,
    /// Everything is written; the evidence is whole.
    Complete,
}

/// Why supervision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The target duration was reached and the command was stopped.
    DurationReached,
    /// The command ended by itself.
    CommandEnded,
    /// The command ended too often, or hung, and was not started again.
    GaveUp,
    /// The operator (or the machine) asked emp-ops to stop.
    Interrupted,
    /// A required workload ended for good, or can never start.
    WorkloadFailed,
    /// Everything was a job, and is done.
    AllCompleted,
    /// A guard on a figure failed that ends the run.
    Guard,
}

impl EndReason {
    /// Its name in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::DurationReached => "duration_reached",
            Self::CommandEnded => "command_ended",
            Self::GaveUp => "gave_up",
            Self::Interrupted => "interrupted",
            Self::WorkloadFailed => "workload_failed",
            Self::AllCompleted => "all_completed",
            Self::Guard => "guard",
        }
    }
}

/// The keys of a record that change after the last snapshot was written.
pub const UNSEALED: &[&str] = &["state", "progress"];

/// The thresholds and criteria of a run; durations in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// After this the command is stopped.
    pub target_duration_seconds: f64,
    /// Shorter runs fail.
    pub required_duration_seconds: f64,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime_ratio: f64,
    /// Longer silence in the logs is a WARN.
    pub warn_gap_seconds: f64,
    /// Longer silence in the logs is a FAIL.
    pub fail_gap_seconds: f64,
    /// Whether a decision diary must be there.
    pub require_diary: bool,
    /// Whether a performance report must be there.
    pub require_performance: bool,
    /// Whether a WARN is acceptable.
    pub allow_warnings: bool,
    /// The lowest acceptable Sharpe ratio.
    pub minimum_sharpe_ratio: Option<f64>,
    /// Entries that the diary must hold for each UTC day; 0 where that is not asked for.
    #[serde(default)]
    pub diary_min_entries_per_day: u64,
    /// What a day below that minimum is.
    #[serde(default = "warn")]
    pub diary_daily_gap_severity: Status,
    /// Status words of the diary that are no reason to look, beside those known.
    #[serde(default)]
    pub diary_accept_status: Vec<String>,
    /// By which fields entries of the diary are explained, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diary_explained: Option<Explained>,
    /// A lower return on investment is a WARN.
    #[serde(default)]
    pub performance_min_roi: Option<f64>,
    /// What a line on standard error is that states no level itself, where that is not a FAIL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_severity: Option<Status>,
    /// Figures of the performance report with their limits, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub performance_figures: BTreeMap<String, Figure>,
    /// How many findings of a kind are listed.
    #[serde(default)]
    pub max_listed: Option<usize>,
    /// Texts of log messages that are not held against the logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_ignore: Vec<String>,
    /// Which responses of web servers are errors or warnings.
    #[serde(default, skip_serializing_if = "Statuses::is_empty")]
    pub log_statuses: Statuses,
    /// What is asked of components, as the tables of the policy say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<Value>,
}

fn warn() -> Status {
    Status::Warn
}

/// One start of the command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Of which workload, in a list of all; none in a run of one command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Counts from 1.
    pub number: u64,
    /// The process id.
    pub pid: u32,
    /// When it was started.
    pub started_at: Stamp,
    /// When it had ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Stamp>,
    /// Its exit code, where it ended by exiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why it ended, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Seconds from the end of the attempt before (for the first one: from its start) to its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_seconds: Option<f64>,
    /// Lines captured from it.
    #[serde(default)]
    pub lines: u64,
}

/// What was captured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capture {
    /// All lines, captured or lost.
    pub total_lines: u64,
    /// Lines by stream.
    pub line_counts: BTreeMap<String, u64>,
    /// Lines by level.
    pub level_counts: BTreeMap<String, u64>,
    /// Bytes of output, line ends included.
    pub bytes: u64,
    /// Bytes for the raw log before it is compressed: `bytes`, but for what was cut or hidden and a last line end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_bytes: Option<u64>,
    /// Lines longer than the limit, cut in the structured log.
    pub cut_lines: u64,
    /// Lines with invalid UTF-8: kept in the raw log, replaced in the structured one.
    pub invalid_utf8_lines: u64,
    /// Lines that could not be written.
    pub lost_lines: u64,
    /// When the first line came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_line_at: Option<Stamp>,
    /// When the last line came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_line_at: Option<Stamp>,
}

impl Capture {
    /// Adds what was captured of another workload.
    pub(crate) fn add_up(&mut self, other: &Self) {
        self.total_lines += other.total_lines;
        for (sum, more) in [(&mut self.line_counts, &other.line_counts), (&mut self.level_counts, &other.level_counts)]
        {
            more.iter().for_each(|(name, count)| *sum.entry(name.clone()).or_default() += count);
        }
        self.bytes += other.bytes;
        self.raw_bytes = self.raw_bytes.into_iter().chain(other.raw_bytes).reduce(|a, b| a + b);
        self.cut_lines += other.cut_lines;
        self.invalid_utf8_lines += other.invalid_utf8_lines;
        self.lost_lines += other.lost_lines;
        self.first_line_at = self.first_line_at.into_iter().chain(other.first_line_at).min();
        self.last_line_at = self.last_line_at.max(other.last_line_at);
    }
}

/// CPU and memory of the process tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceMonitor {
    /// Whether it was sampled.
    pub enabled: bool,
    /// Seconds between samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<f64>,
    /// What a breach is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violation_severity: Option<Status>,
    /// The limits that were set: `cpu_percent`, `memory_mb`, `memory_percent`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, f64>,
    /// How many samples were taken.
    pub samples: u64,
    /// The highest CPU, in percent of one core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_cpu_percent: Option<f64>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_cpu_percent_timestamp: Option<Stamp>,
    /// The highest resident memory, in MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_mb: Option<f64>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_mb_timestamp: Option<Stamp>,
    /// The highest resident memory, in percent of the machine's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_percent: Option<f64>,
    /// When that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_memory_percent_timestamp: Option<Stamp>,
    /// The last sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sample: Option<Sample>,
    /// A series of samples over the whole run, thinned to a bounded number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Sample>,
}

/// CPU and memory of the process tree at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was taken.
    pub timestamp: Stamp,
    /// CPU since the sample before, in percent of one core.
    pub cpu_percent: f64,
    /// Resident memory in MiB.
    pub memory_mb: f64,
    /// Resident memory in percent of the machine's.
    pub memory_percent: f64,
}

/// The times in which an evidence file was not refreshed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stalls {
    /// How many there were.
    pub count: u64,
    /// Their length together, in seconds.
    pub total_seconds: f64,
    /// The longest, in seconds.
    pub worst_seconds: f64,
    /// The highest severity that one reached.
    pub severity: Status,
    /// The first hundred, in order of time.
    pub episodes: Vec<Episode>,
}

/// A time in which an evidence file was not refreshed: from one refresh to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// The last refresh before; the start of the run where there was none.
    pub from: Stamp,
    /// The next refresh; none if there was none until the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Stamp>,
    /// How old the file became, in seconds.
    pub age_seconds: f64,
    /// The highest severity that it reached.
    pub severity: Status,
}

/// The chain of progress snapshots: each holds the SHA-256 of the one before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgressChain {
    /// Snapshots in the timeline when supervision ended; those of sealing follow.
    pub snapshots: u64,
    /// The SHA-256 of the last of them, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_sha256: Option<String>,
}
