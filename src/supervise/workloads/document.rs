//! `workloads.json`: the plan of a run as it was resolved, without values of variables.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::plan::{Condition, OnLoss, WorkloadPlan};
use crate::finding::Metadata;
use crate::supervise::plan::Restart;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/workloads/v1";
/// The name of the file in the run directory.
pub const WORKLOADS: &str = "workloads.json";

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// [`SCHEMA`].
    pub schema: String,
    /// The file that asks for it.
    pub source: String,
    /// Whether the run goes on when a required workload has ended for good.
    pub keep_going: bool,
    /// The workloads in the order of the file.
    pub workloads: Vec<PlannedWorkload>,
}

/// The plan of a workload; durations in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedWorkload {
    /// Its name.
    pub name: String,
    /// Its kind, a label.
    pub kind: String,
    /// What it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Further labels.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// The command with its arguments.
    pub command: Vec<String>,
    /// Where it runs, where that is not the folder of emp-ops.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The names of its variables.
    pub environment: Vec<String>,
    /// Whether it must end.
    pub job: bool,
    /// The codes of a job that has ended well.
    pub success_codes: Vec<i32>,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether the operator leaves it out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// How far it is from the start: 0 for what waits for nothing.
    pub level: usize,
    /// What must hold before each of its starts, by the name of the other workload.
    pub depends_on: BTreeMap<String, Condition>,
    /// Its probe; none if it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<PlannedProbe>,
    /// What happens when it ends before its time.
    pub restart: Restart,
    /// How many restarts are tolerated.
    pub max_restarts: u64,
    /// In a stretch of this length; over the whole run where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_window_seconds: Option<f64>,
    /// Before the first restart.
    pub backoff_seconds: f64,
    /// The longest pause before a restart.
    pub backoff_max_seconds: f64,
    /// After being up so long the pauses are short again.
    pub backoff_reset_seconds: f64,
    /// No output for this long: it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hang_timeout_seconds: Option<f64>,
    /// Not ready again for this long: it is stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unready_timeout_seconds: Option<f64>,
    /// What happens when something that it depends on is lost.
    pub on_dependency_loss: OnLoss,
    /// The first signal of its way down.
    pub stop_signal: String,
    /// Between that and the kill of its group.
    pub shutdown_grace_seconds: f64,
    /// What is done before it is asked to stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before_stop: Vec<String>,
    /// What is done when it has stopped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after_stop: Vec<String>,
    /// Longer silence is a WARN.
    pub warn_gap_seconds: f64,
    /// Longer silence is a FAIL.
    pub fail_gap_seconds: f64,
    /// The lowest acceptable uptime, 0 to 1.
    pub min_uptime: f64,
    /// Whether it need not log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
    /// The level of a line on its standard error that states none itself, where that is no error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr_level: Option<String>,
    /// Whether it writes to a pseudo-terminal: both its streams are `stdout` in its log.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tty: bool,
    /// Its evidence files, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub evidence: BTreeMap<String, String>,
    /// Which of these are in the file itself, in its defaults, or come from an option: the source by the name of the key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, String>,
}

/// A probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedProbe {
    /// What is asked.
    pub check: String,
    /// Between two probes.
    pub interval_seconds: f64,
    /// How long an answer may take.
    pub timeout_seconds: f64,
    /// So many successes in a row make it ready.
    pub successes: u64,
    /// So many failures in a row make it unready.
    pub failures: u64,
    /// Before the first probe of an attempt.
    pub initial_delay_seconds: f64,
    /// It must be ready this long after its start.
    pub within_seconds: f64,
    /// Whether an answer may come before its first start.
    pub may_precede: bool,
}

impl PlannedWorkload {
    /// What is known of a workload by its plan, and the names of what it depends on; the rest is for the caller to fill in.
    pub(crate) fn of(plan: &WorkloadPlan, depends_on: BTreeMap<String, Condition>) -> Self {
        let seconds = |time: Duration| time.as_secs_f64();
        Self {
            name: plan.name.clone(),
            kind: plan.kind.clone(),
            description: plan.description.clone(),
            metadata: plan.metadata.clone(),
            command: plan.command.clone(),
            cwd: None,
            environment: plan.environment.clone(),
            job: plan.job,
            success_codes: plan.success_codes.clone(),
            required: plan.required,
            left_out: plan.left_out,
            level: 0,
            depends_on,
            ready: None,
            restart: plan.restart,
            max_restarts: plan.max_restarts,
            restart_window_seconds: plan.restart_window.map(seconds),
            backoff_seconds: seconds(plan.backoff),
            backoff_max_seconds: seconds(plan.backoff_max),
            backoff_reset_seconds: seconds(plan.backoff_reset),
            hang_timeout_seconds: plan.hang_timeout.map(seconds),
            unready_timeout_seconds: plan.unready_timeout.map(seconds),
            on_dependency_loss: plan.on_dependency_loss,
            stop_signal: plan.stop_signal.name(),
            shutdown_grace_seconds: seconds(plan.shutdown_grace),
            before_stop: Vec::new(),
            after_stop: Vec::new(),
            warn_gap_seconds: seconds(plan.warn_gap),
            fail_gap_seconds: seconds(plan.warn_gap),
            min_uptime: 0.0,
            quiet: plan.quiet,
            stderr_level: None,
            tty: plan.tty,
            evidence: plan.evidence.clone(),
            sources: BTreeMap::new(),
        }
    }
}
