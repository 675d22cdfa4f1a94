//! What a workload is to be: already validated, in the terms of the machine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::finding::{Metadata, Status};
use crate::supervise::event::StopSignal;

/// What must hold of another workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Its process is alive.
    Started,
    /// Its probe passes.
    Ready,
    /// It is a job and has ended well.
    Completed,
}

impl Condition {
    /// Its name in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ready => "ready",
            Self::Completed => "completed",
        }
    }
}

/// What happens to a workload when another one leaves the condition on which it depends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnLoss {
    /// Nothing.
    #[default]
    Continue,
    /// It is stopped, and started again when the condition is met.
    Restart,
    /// It is stopped for good.
    Stop,
}

/// Limits of the whole process tree; a sample above one of them is an incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// The run ends with it.
    #[default]
    Never,
    /// It is started again when it failed (a non-zero code, a signal, or a hang).
    OnFailure,
    /// It is always started again.
    Always,
}

/// The name of the workload of a run of one command.
pub(crate) const MAIN: &str = "main";

/// The plan of a workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WorkloadPlan {
    /// Its name; unique in the run.
    pub name: String,
    /// What messages call it: its name, or `the command` where it is the only one.
    pub called: String,
    /// The command with its arguments as it may be shown; never empty.
    pub command: Vec<String>,
    /// The names of the variables that are set for it.
    pub environment: Vec<String>,
    /// Its evidence files as they are shown, by name.
    pub evidence: BTreeMap<String, String>,
    /// Labels, which decide nothing.
    pub kind: String,
    /// What it is, in words.
    pub description: Option<String>,
    /// Further labels.
    pub metadata: Metadata,
    /// Whether it must end, with one of `success_codes`; otherwise it must not end.
    pub job: bool,
    /// The codes of a job that has ended well.
    pub success_codes: Vec<i32>,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether the operator leaves it out.
    pub left_out: bool,
    /// What must hold before each of its starts: the number of the other workload, and what of it.
    pub depends_on: Vec<(usize, Condition)>,
    /// How it is known to be ready; none if it has no probe.
    pub ready: Option<ReadyPlan>,
    /// What happens when it ends before its time.
    pub restart: Restart,
    /// How many restarts are tolerated.
    pub max_restarts: u64,
    /// In a stretch of time of this length; over the whole run where none is given.
    pub restart_window: Option<Duration>,
    /// Before the first restart; doubled for each further one.
    pub backoff: Duration,
    /// The longest pause before a restart.
    pub backoff_max: Duration,
    /// After this time of being up the pauses are short again.
    pub backoff_reset: Duration,
    /// No output for this long: it hangs and is stopped; none if that is off.
    pub hang_timeout: Option<Duration>,
    /// Not ready again for this long: it is stopped; none if that is off.
    pub unready_timeout: Option<Duration>,
    /// What happens when something that it depends on is lost.
    pub on_dependency_loss: OnLoss,
    /// The first signal of its way down.
    pub stop_signal: StopSignal,
    /// Between that and the kill of its group.
    pub shutdown_grace: Duration,
    /// How many actions come before the first signal, and how many after its end.
    pub actions: [usize; 2],
    /// Silence beyond this counts against its uptime.
    pub warn_gap: Duration,
    /// Silence longer than this is an incident at once; none if that is off.
    pub live_gap: Option<(Duration, Status)>,
    /// Whether it need not log.
    pub quiet: bool,
    /// Whether it writes to a pseudo-terminal, where standard output and standard error are one stream.
    pub tty: bool,
    /// The limits of its process tree.
    pub limits: Limits,
}

/// How a workload is known to be ready.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReadyPlan {
    /// Whether its own log says so; otherwise somebody asks.
    pub by_log: bool,
    /// What is asked, for people.
    pub shown: String,
    /// Between two probes.
    pub interval: Duration,
    /// So many successes in a row make it ready.
    pub successes: u64,
    /// So many failures in a row make it unready.
    pub failures: u64,
    /// Before the first probe of an attempt.
    pub initial_delay: Duration,
    /// It must be ready this long after its start.
    pub within: Duration,
    /// Whether an answer may come before its first start.
    pub may_precede: bool,
}

impl WorkloadPlan {
    /// A required service without anything special about it.
    pub(crate) fn service(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            called: name.to_owned(),
            command: Vec::new(),
            environment: Vec::new(),
            evidence: BTreeMap::new(),
            kind: name.to_owned(),
            description: None,
            metadata: Metadata::new(),
            job: false,
            success_codes: vec![0],
            required: true,
            left_out: false,
            depends_on: Vec::new(),
            ready: None,
            restart: Restart::Never,
            max_restarts: 3,
            restart_window: None,
            backoff: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            backoff_reset: Duration::from_secs(300),
            hang_timeout: None,
            unready_timeout: None,
            on_dependency_loss: OnLoss::Continue,
            stop_signal: StopSignal::Interrupt,
            shutdown_grace: Duration::from_secs(60),
            actions: [0, 0],
            warn_gap: Duration::from_secs(3600),
            live_gap: None,
            quiet: false,
            tty: false,
            limits: Limits { severity: Status::Fail, ..Limits::default() },
        }
    }

    /// The pause before restart number `restart` (from 1) in a row.
    pub(crate) fn pause_before(&self, restart: u64) -> Duration {
        let doublings = u32::try_from(restart.saturating_sub(1)).unwrap_or(u32::MAX).min(30);
        self.backoff.saturating_mul(1 << doublings).min(self.backoff_max)
    }

    /// What a fault of it is to the rehearsal, which would be `status` for one that is required.
    pub(crate) fn severity(&self, status: Status) -> Status {
        if self.required { status } else { status.min(Status::Warn) }
    }

    /// Whether `code` is a good end of it.
    pub(crate) fn succeeds(&self, code: Option<i32>) -> bool {
        code.is_some_and(|code| self.success_codes.contains(&code))
    }
}
