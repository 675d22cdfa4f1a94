//! One workload of a live run.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::finding::Status;

use crate::supervise::attempts::{Attempts, Ended};
use crate::supervise::event::{Action, Exit, Now, StopSignal};
use crate::supervise::monitors::ResourceState;
use crate::supervise::progress::WorkloadSeen;
use crate::supervise::record::{Capture, Down, Stop};
use crate::supervise::workloads::plan::WorkloadPlan;
use crate::supervise::workloads::probe::Probe;
use crate::supervise::workloads::state::{Change, State};
use crate::time::Stamp;

/// So many down-times are listed; later ones are counted in the uptime only.
const MOST_DOWNS: usize = 1000;

/// What the process of a workload is doing.
#[derive(Debug, PartialEq)]
pub(super) enum Child {
    /// There is none.
    Down,
    /// The driver was asked to start it.
    Spawning,
    /// It runs.
    Alive,
    /// Asked to stop, or about to be.
    Stopping {
        why: Why,
        /// When the first signal was sent, or will be asked for.
        since: Duration,
        /// The last signal; none while the actions before it are done.
        sent: Option<StopSignal>,
    },
    /// It has ended, and the actions after its stop are done.
    Closing(Fate),
}

/// Why a workload is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The run ends.
    Run,
    /// It hangs, or is not ready in time.
    Timeout,
    /// What it depends on was lost; whether it goes on when that is back.
    Loss { again: bool },
}

/// What a workload that has ended becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays in this state for good.
    Final { state: State, because: String },
    /// It is started again, if that is still allowed.
    Again { because: String },
}

/// The state of a workload.
#[derive(Debug)]
pub(super) struct Workload {
    pub plan: WorkloadPlan,
    pub state: State,
    /// When it came into that state, and why.
    pub since: Now,
    pub because: String,
    pub child: Child,
    pub attempts: Attempts,
    pub capture: Capture,
    pub resources: ResourceState,
    pub probe: Probe,
    /// The last output, or the start, on the monotonic clock; and whether this silence was reported.
    pub last_output: Duration,
    pub silence_reported: bool,
    /// When the process ended, while its last output is collected: nothing that is due then concerns it any more.
    pub gone: Option<(Now, Ended)>,
    /// The incident of the last end, while its restart is awaited: its key, and how it ended.
    pub awaited: Option<(String, String)>,
    /// The incident that says why it ended for good.
    pub root: Option<String>,
    /// Which other workload began that, where it was not this one.
    pub led_by: Option<usize>,
    /// Whether it was told that something it depends on is lost.
    pub loss_reported: bool,
    /// Since when it has been down, on the monotonic clock.
    pub down_since: Option<Duration>,
    /// Before this time of the monotonic clock it is not started again.
    pub next_start: Duration,
    /// When it was started again, as far back as the plan counts; and how often in a row.
    pub restarted: VecDeque<Duration>,
    pub streak: u64,
    /// When its conditions were met first.
    pub met_at: Option<Duration>,
    /// From then until it was up first.
    pub startup: Option<Duration>,
    /// How much of the time since it was not up.
    pub lost: Duration,
    pub downs: Vec<Down>,
    /// The incident that tells of a stop that was not in time, while nothing is known yet of what was left.
    pub late_stop: Option<String>,
    /// Signals of its last way down.
    pub stop: Stop,
    pub exit: Exit,
}

impl Workload {
    pub(super) fn new(plan: WorkloadPlan, started_at: Stamp) -> Self {
        Self {
            plan,
            state: State::Pending,
            since: Now { wall: started_at, mono: Duration::ZERO, boot: Duration::ZERO },
            because: String::new(),
            child: Child::Down,
            attempts: Attempts::default(),
            capture: Capture::default(),
            resources: ResourceState::default(),
            probe: Probe::default(),
            last_output: Duration::ZERO,
            silence_reported: false,
            gone: None,
            awaited: None,
            root: None,
            led_by: None,
            loss_reported: false,
            down_since: None,
            next_start: Duration::ZERO,
            restarted: VecDeque::new(),
            streak: 0,
            met_at: None,
            startup: None,
            lost: Duration::ZERO,
            downs: Vec::new(),
            late_stop: None,
            stop: Stop::default(),
            exit: Exit::default(),
        }
    }

    /// Goes to another state, which is kept.
    pub(super) fn go(&mut self, now: Now, to: State, because: impl Into<String>, todo: &mut Vec<Action>) {
        debug_assert!(self.state.leads_to(to), "{}: {:?} to {to:?}", self.plan.name, self.state);
        let from = std::mem::replace(&mut self.state, to);
        self.because = because.into();
        self.note_down(now, from);
        self.since = now;
        todo.push(Action::Changed(Change {
            at: now.wall,
            mono_seconds: now.mono.as_secs_f64(),
            workload: self.plan.name.clone(),
            from,
            to,
            attempt: self.attempts.number(),
            pid: self.attempts.running_pid(),
            because: self.because.clone(),
        }));
    }

    /// A service that is not up any more has a down-time, which ends when it is up again.
    fn note_down(&mut self, now: Now, from: State) {
        if self.plan.job || self.state == State::Stopping {
            return;
        }
        if self.state.is_up() {
            self.startup.get_or_insert(now.mono.saturating_sub(self.met_at.unwrap_or(now.mono)));
            if let Some(down) = self.downs.last_mut().filter(|down| down.to.is_none()) {
                down.to = Some(now.wall);
            }
        } else if from.is_up() && self.downs.len() < MOST_DOWNS {
            let since = self.gone.map_or(now.wall, |(gone, _)| gone.wall);
            self.downs.push(Down { from: since, to: None, because: self.because.clone() });
        }
    }

    /// Whether there is a process of it, or soon will be.
    pub(super) fn is_alive(&self) -> bool {
        self.child != Child::Down
    }

    /// Whether its process is there and nobody has asked it to stop.
    pub(super) fn runs(&self) -> bool {
        self.child == Child::Alive && self.gone.is_none()
    }

    /// Whether a service does its work now, as far as its state tells.
    pub(super) fn is_up(&self) -> bool {
        !self.plan.job && self.state.is_up() && self.gone.is_none()
    }

    /// Since when it has not been up, where that has to be charged for the time from `before` to `now`.
    pub(super) fn down_from(&self, before: Duration, now: Duration) -> Option<Duration> {
        if !self.is_up() {
            return Some(before);
        }
        let silent = self.last_output + self.plan.warn_gap;
        (!self.plan.quiet && silent < now).then(|| silent.max(before))
    }

    /// The share of the time since its conditions were met first in which it was up; none for a job.
    pub(super) fn uptime_ratio(&self, end: Duration) -> Option<f64> {
        let time = end.saturating_sub(self.met_at.filter(|_| !self.plan.job)?).as_secs_f64();
        (time > 0.0).then(|| (1.0 - self.lost.as_secs_f64() / time).clamp(0.0, 1.0))
    }

    /// What is to be seen of it; `run` is when the run started, and how long it has lasted.
    pub(super) fn seen(
        &self,
        now: Now,
        (started_at, elapsed): (Stamp, Duration),
        resources: &ResourceState,
        waiting_for: Vec<String>,
        incident_counts: BTreeMap<Status, u64>,
    ) -> WorkloadSeen {
        let sample = resources.shown.as_ref().filter(|_| self.attempts.running_pid().is_some());
        let next = self.state == State::Restarting;
        let lines = self.capture.total_lines;
        WorkloadSeen {
            state: self.state,
            since: self.since.wall,
            because: self.because.clone(),
            required: self.plan.required,
            job: self.plan.job,
            attempt: self.attempts.number(),
            restarts: self.attempts.restarts(),
            pid: self.attempts.running_pid(),
            ready: self.plan.ready.as_ref().map(|_| self.state == State::Ready),
            probe: self.probe.last.clone(),
            cpu_percent: sample.map(|seen| seen.cpu_percent),
            rss_bytes: sample.map(|seen| seen.rss_bytes),
            processes: sample.map(|seen| seen.processes),
            lines,
            lines_per_second: if elapsed.is_zero() { 0.0 } else { lines as f64 / elapsed.as_secs_f64() },
            last_line_age_seconds: self.capture.last_line_at.map(|at| now.wall.since(at).as_secs_f64()),
            uptime_ratio: self.uptime_ratio(elapsed),
            waiting_for,
            next_start_at: next.then(|| started_at.plus(self.next_start)),
            incident_counts,
            earlier: self.attempts.earlier(),
        }
    }

    /// How many restarts count against the limit.
    pub(super) fn restarts_counted(&self, now: Duration) -> u64 {
        match self.plan.restart_window {
            None => self.attempts.restarts(),
            Some(window) => self.restarted.iter().filter(|at| now.saturating_sub(**at) < window).count() as u64,
        }
    }

    /// When something of it is due, where that is before the next heartbeat.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let start = (self.state == State::Restarting && self.child == Child::Down).then_some(self.next_start);
        let probe = self.plan.ready.as_ref().filter(|ready| !ready.by_log && self.runs() && !self.probe.in_flight);
        start.into_iter().chain(probe.map(|_| self.probe.next)).min().map(|at| at.max(now))
    }
}
