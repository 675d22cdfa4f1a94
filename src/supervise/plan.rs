//! What a run is to be: every duration, limit and choice that the machine needs, already validated.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::workloads::plan::WorkloadPlan;
pub use super::workloads::plan::{Limits, Restart};
use crate::drills::plan::DrillsPlan;
use crate::finding::{Metadata, Status};
use crate::guards::plan::GuardsPlan;
use crate::stage::notify::policy::Policy;

/// The plan of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// What is supervised; never empty.
    pub workloads: Vec<WorkloadPlan>,
    /// Who hears of what, and what the run is called there; none if nobody does.
    pub notify: Option<(Arc<Policy>, String)>,
    /// The drills; none if there are none.
    pub drills: Option<DrillsPlan>,
    /// The guards on figures; none if there are none.
    pub guards: Option<GuardsPlan>,
    /// Whether that is one command, as it was given after `--`.
    pub single: bool,
    /// The SHA-256 of `workloads.json`, in hex.
    pub sha256: Option<String>,
    /// Whether the run goes on when a required workload has ended for good.
    pub keep_going: bool,
    /// Whether that is the built-in simulator, and not a system of the operator.
    pub simulated: bool,
    /// After this the command is stopped.
    pub target: Duration,
    /// Shorter runs fail.
    pub required: Duration,
    /// Whether somebody wrote that down; a run of jobs that are all done need not last as long as a default.
    pub duration_is_written: bool,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime: f64,
    /// Silence beyond this counts against the uptime.
    pub warn_gap: Duration,
    /// Whether a diary must be there at the end.
    pub require_diary: bool,
    /// Whether a performance report must be there at the end.
    pub require_performance: bool,
    /// Between periodic snapshots; none if they are off.
    pub progress_interval: Option<Duration>,
    /// The evidence files whose freshness is watched.
    pub evidence: Vec<EvidenceWatch>,
    /// Between two looks at the evidence files.
    pub evidence_interval: Duration,
    /// How long after the start the evidence may be missing.
    pub evidence_grace: Duration,
    /// Between samples of the process tree; none if they are off.
    pub sample_interval: Option<Duration>,
    /// The limits of the process tree.
    pub limits: Limits,
    /// Whether error lines and stack traces become incidents while the command runs.
    pub monitor_log: bool,
    /// How long the whole way down may take.
    pub shutdown_grace: Duration,
    /// What the operator attached to the run.
    pub metadata: Metadata,
}

/// An evidence file whose freshness is watched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EvidenceWatch {
    /// `diary` or `performance`; of one workload of several, after its name and a slash.
    pub name: String,
    /// The file, as it is shown: relative to the run directory where it is there.
    pub path: String,
    /// From this age it is a WARN.
    pub warn: Option<Duration>,
    /// From this age it is a FAIL.
    pub fail: Option<Duration>,
}

impl Plan {
    /// The limits of the age of the evidence files, in seconds, by name; of those that have some.
    pub(crate) fn evidence_limits(&self) -> BTreeMap<String, BTreeMap<Status, f64>> {
        let limits = self.evidence.iter().map(|watch| {
            let limits = [(Status::Warn, watch.warn), (Status::Fail, watch.fail)];
            let limits = limits.into_iter().filter_map(|(status, limit)| Some((status, limit?.as_secs_f64())));
            (watch.name.clone(), limits.collect::<BTreeMap<_, _>>())
        });
        limits.filter(|(_, limits)| !limits.is_empty()).collect()
    }

    /// The command, where it is only one.
    pub(crate) fn command(&self) -> &[String] {
        if self.single { &self.workloads[0].command } else { &[] }
    }

    /// So much of the time until all are up for the first time costs no uptime.
    pub(crate) fn free_start(&self) -> Duration {
        if self.single { Duration::ZERO } else { free_start(self.required) }
    }
}

/// The free part of the start of a rehearsal that must last so long.
pub(crate) fn free_start(required: Duration) -> Duration {
    (required / 100).min(Duration::from_secs(300))
}

/// Who was to hear of what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NotifyRecord {
    /// Whether a critical that nobody heard of is a FAIL.
    pub required: bool,
    /// The categories that somebody must hear of, as patterns; empty for all.
    pub events: Vec<String>,
    /// The names of the channels.
    pub channels: Vec<String>,
}

/// The name of the receipts of notifications in a run directory.
pub const NOTIFICATIONS: &str = "notifications.jsonl";
