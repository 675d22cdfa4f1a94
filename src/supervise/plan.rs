//! What a run is to be: every duration, limit and choice that the machine needs, already validated.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::finding::{Metadata, Status};

/// The plan of a run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    /// The command with its arguments; never empty.
    pub command: Vec<String>,
    /// Whether that is the built-in simulator, and not a system of the operator.
    pub simulated: bool,
    /// After this the command is stopped.
    pub target: Duration,
    /// Shorter runs fail.
    pub required: Duration,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime: f64,
    /// Silence beyond this counts against the uptime.
    pub warn_gap: Duration,
    /// Whether a diary must be there at the end.
    pub require_diary: bool,
    /// Whether a performance report must be there at the end.
    pub require_performance: bool,
    /// Between periodic snapshots; none where they are off.
    pub progress_interval: Option<Duration>,
    /// Silence longer than this is an incident at once; none where that is off.
    pub live_gap: Option<(Duration, Status)>,
    /// The evidence files whose freshness is watched.
    pub evidence: Vec<EvidenceWatch>,
    /// Between two looks at the evidence files.
    pub evidence_interval: Duration,
    /// How long after the start the evidence may be missing.
    pub evidence_grace: Duration,
    /// Between samples of the process tree; none where they are off.
    pub sample_interval: Option<Duration>,
    /// The limits of the process tree.
    pub limits: Limits,
    /// Whether error lines and stack traces become incidents while the command runs.
    pub monitor_log: bool,
    /// What happens when the command ends before its time.
    pub restart: Restart,
    /// How many restarts are tolerated.
    pub max_restarts: u64,
    /// Before the first restart; doubled for each further one.
    pub backoff: Duration,
    /// The longest pause before a restart.
    pub backoff_max: Duration,
    /// No output for this long: the command hangs and is stopped; none where that is off.
    pub hang_timeout: Option<Duration>,
    /// Between the polite signal and the kill of the group.
    pub shutdown_grace: Duration,
    /// What the operator attached to the run.
    pub metadata: Metadata,
}

/// An evidence file whose freshness is watched.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EvidenceWatch {
    /// `diary` or `performance`.
    pub name: &'static str,
    /// The file, as it is shown: relative to the run directory where it lies there.
    pub path: String,
    /// From this age it is a WARN.
    pub warn: Option<Duration>,
    /// From this age it is a FAIL.
    pub fail: Option<Duration>,
}

/// Limits of the whole process tree; a sample above one of them is an incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// CPU in percent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Resident memory in percent of the machine's.
    pub memory_percent: Option<f64>,
    /// What a breach is.
    pub severity: Status,
}

/// What happens when the command ends before its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Restart {
    /// The run ends with it.
    #[default]
    Never,
    /// It is started again when it failed (a non-zero code, a signal, or a hang).
    OnFailure,
    /// It is always started again.
    Always,
}

impl Plan {
    /// The limits of the age of the evidence files, in seconds, by name; of those that have some.
    pub(crate) fn evidence_limits(&self) -> BTreeMap<String, BTreeMap<Status, f64>> {
        let limits = self.evidence.iter().map(|watch| {
            let limits = [(Status::Warn, watch.warn), (Status::Fail, watch.fail)];
            let limits = limits.into_iter().filter_map(|(status, limit)| Some((status, limit?.as_secs_f64())));
            (watch.name.to_owned(), limits.collect::<BTreeMap<_, _>>())
        });
        limits.filter(|(_, limits)| !limits.is_empty()).collect()
    }

    /// The pause before restart number `restart` (from 1).
    pub(crate) fn pause_before(&self, restart: u64) -> Duration {
        let doublings = u32::try_from(restart.saturating_sub(1)).unwrap_or(u32::MAX).min(30);
        self.backoff.saturating_mul(1 << doublings).min(self.backoff_max)
    }
}
