//! The live run as a pure state machine: [`Machine::step`] owns all state, threads only feed it.

mod output;
mod ticking;
mod view;

use std::time::Duration;

use serde_json::json;

use super::attempts::{Attempts, Ended};
use super::event::{Action, Event, Exit, Now, StopSignal};
use super::incidents::{Added, Incidents, incident};
use super::monitors::{ClockMonitor, EvidenceMonitor, ResourceState, capture_fault, disk_seen};
use super::plan::Plan;
use super::progress::{self, Phase};
use super::record::{Capture, EndReason};
use crate::finding::{Status, count};
use crate::time::{Stamp, human_duration, reaches};

/// The longest sleep: clock steps and finished pipes are noticed after at most this.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// Two refreshes of the progress file are at least this far apart, where only counts have changed this, and two timeline
/// files for incidents this.
const REFRESH_SPACING: Duration = Duration::from_millis(50);
const COUNTS_SPACING: Duration = Duration::from_secs(1);
const TIMELINE_SPACING: Duration = Duration::from_secs(1);

/// The first sample of an attempt comes after this at the latest: a short run must not end unmeasured.
const FIRST_SAMPLE: Duration = Duration::from_secs(1);

/// What the command is doing.
#[derive(Debug, PartialEq)]
enum Child {
    /// Not started yet, or between attempts until the given time of the monotonic clock.
    Waiting { until: Duration, restart: bool },
    /// The driver was asked to start it.
    Starting,
    /// Running.
    Running,
    /// Asked to stop.
    Stopping { why: Why, since: Duration, sent: StopSignal },
    /// Over.
    Over,
}

/// Why the command is being stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// The target duration is reached.
    Target,
    /// The operator asked.
    Operator,
    /// It hangs.
    Hang,
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Machine {
    plan: Plan,
    started_at: Stamp,
    child: Child,
    phase: Phase,
    attempts: Attempts,
    incidents: Incidents,
    capture: Capture,
    evidence: EvidenceMonitor,
    resources: ResourceState,
    clock: ClockMonitor,
    disk: Status,
    /// The last output, or the start, on the monotonic clock; and whether this silence was reported.
    last_output: Duration,
    silence_reported: bool,
    /// Silence beyond the warning gap so far, and the time between attempts.
    lost_uptime: Duration,
    /// Since when no attempt is running, on the monotonic clock.
    down_since: Option<Duration>,
    /// When the command ended, while its last output is collected: nothing that is due then concerns it any more.
    gone: Option<(Now, Ended)>,
    /// The incident of the last end, while its restart is awaited: its key, and how the command ended.
    awaited: Option<(String, String)>,
    next: Schedule,
    refresh: Refresh,
    last_step: Now,
    /// When the command was asked to stop for good: there the supervised time ends.
    stopped: Option<Now>,
    /// When the supervisor itself did not run, in seconds of the monotonic clock.
    held_up: Vec<(f64, f64)>,
    /// The same by the wall clock, and when the machine was suspended.
    paused: Vec<(Stamp, Stamp)>,
    ended: Option<(EndReason, Now)>,
    exit: Exit,
}

/// When each periodic thing is due, on the monotonic clock.
#[derive(Debug, Default)]
struct Schedule {
    snapshot: Duration,
    sample: Duration,
    evidence: Duration,
    disk: Duration,
}

/// The supervisor's process, for readers who want to know whether it is alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// Its process id.
    pub pid: u32,
    /// The name of its machine, where that is known.
    pub host: Option<String>,
}

/// Snapshots that are owed because something happened.
#[derive(Debug, Default)]
struct Refresh {
    /// How long after the one before the progress file is due; none where nothing has changed.
    progress: Option<Duration>,
    timeline: bool,
    last_progress: Option<Duration>,
    last_timeline: Option<Duration>,
}

impl Machine {
    /// A run that is about to start.
    pub(crate) fn new(plan: Plan, started_at: Stamp) -> Self {
        Self {
            next: Schedule { snapshot: plan.progress_interval.unwrap_or_default(), ..Schedule::default() },
            plan,
            started_at,
            child: Child::Waiting { until: Duration::ZERO, restart: false },
            phase: Phase::Startup,
            attempts: Attempts::default(),
            incidents: Incidents::default(),
            capture: Capture::default(),
            evidence: EvidenceMonitor::default(),
            resources: ResourceState::default(),
            clock: ClockMonitor::default(),
            disk: Status::Pass,
            last_output: Duration::ZERO,
            silence_reported: false,
            lost_uptime: Duration::ZERO,
            down_since: None,
            gone: None,
            awaited: None,
            refresh: Refresh::default(),
            last_step: Now { wall: started_at, mono: Duration::ZERO, boot: Duration::ZERO },
            stopped: None,
            held_up: Vec::new(),
            paused: Vec::new(),
            ended: None,
            exit: Exit::default(),
        }
    }

    /// Takes one event and says what is to be done, in this order.
    pub(crate) fn step(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut todo = Vec::new();
        let held_up = self.look_at_clocks(now);
        match event {
            Event::Start => {
                todo.push(Action::CheckDisk);
                self.snapshot(now, true, &mut todo);
                self.child = Child::Starting;
                todo.push(Action::Spawn);
            }
            Event::Spawned { pid } => {
                self.attempts.spawned(pid, now.wall);
                self.child = Child::Running;
                self.back(now);
                self.settle_uptime(now);
                self.next.sample = now.mono + self.plan.sample_interval.unwrap_or_default().min(FIRST_SAMPLE);
                self.silence_reported = false;
                if self.phase == Phase::Startup {
                    self.phase = Phase::Running;
                }
                self.snapshot(now, true, &mut todo);
            }
            Event::SpawnFailed { error } => {
                let message = format!("cannot start the command: {error}");
                self.raise("spawn", incident(Status::Fail, "exit", now.wall, message));
                self.attempts.not_started();
                self.start_again(now, &mut todo);
            }
            Event::Output(batch) => self.output(now, &batch),
            Event::Gone(exit) => self.gone(now, exit),
            Event::Exited(exit) => self.exited(now, exit, &mut todo),
            Event::Leaked(processes) => {
                for process in processes {
                    let (severity, end) = match process.survived {
                        false => (Status::Warn, "was killed"),
                        true => (Status::Fail, "could not be killed: it still runs"),
                    };
                    let message = format!("process {} outlived the command and {end}: {}", process.pid, process.name);
                    let mut found = incident(severity, "leak", now.wall, message);
                    found.metadata.insert("pid".to_owned(), json!(process.pid));
                    self.raise(&process.name, found);
                }
            }
            Event::Sampled(seen) => {
                if self.resources.sampled(seen, &self.plan.limits, now, &mut self.incidents) {
                    self.owe(true);
                }
            }
            Event::EvidenceSeen { name, modified } => {
                if let Some(watch) = self.plan.evidence.iter().find(|w| w.name == name)
                    && self.evidence.seen(watch, modified, self.plan.evidence_grace, now, &mut self.incidents)
                {
                    self.owe(true);
                }
            }
            Event::DiskSeen { available, total } => {
                if disk_seen(available, total, &mut self.disk, now, &mut self.incidents) {
                    self.owe(true);
                }
            }
            Event::Capture(fault) => {
                let new = capture_fault(&fault, now, &mut self.incidents);
                self.capture.lost_lines = fault.lost_lines;
                self.owe(new);
            }
            Event::Stop { signal } => self.stop_asked(now, signal, &mut todo),
            Event::Stray { signal } => {
                let message = format!("emp-ops received {signal}, which asks for nothing; the run went on");
                self.raise(&signal, incident(Status::Pass, "signal", now.wall, message));
            }
            Event::Tick => {}
        }
        self.tick(now, held_up, &mut todo);
        todo
    }

    /// The monotonic time of the next [`Event::Tick`], however little happens.
    pub(crate) fn deadline(&self, now: Now) -> Duration {
        let mut at = now.mono + HEARTBEAT;
        if let Some(spacing) = self.refresh.progress {
            at = at.min(self.refresh.last_progress.unwrap_or_default() + spacing);
        }
        if self.refresh.timeline {
            at = at.min(self.refresh.last_timeline.unwrap_or_default() + TIMELINE_SPACING);
        }
        match self.child {
            Child::Waiting { until, .. } => at = at.min(until),
            Child::Running => at = at.min(self.plan.target),
            _ => {}
        }
        at
    }

    /// Charges the time since the last output: beyond the warning gap while the command runs, all of it between
    /// attempts.
    fn settle_uptime(&mut self, now: Now) {
        if self.stopped.is_some() {
            return;
        }
        self.lost_uptime += self.open_downtime(now);
        self.last_output = now.mono;
        self.down_since = None;
    }

    fn open_downtime(&self, now: Now) -> Duration {
        match self.down_since {
            Some(since) => now.mono.saturating_sub(since),
            None => now.mono.saturating_sub(self.last_output).saturating_sub(self.plan.warn_gap),
        }
    }

    /// Whether the command was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.child, Child::Stopping { .. })
    }

    /// The command has ended: says so at once, whatever it has left to be collected.
    fn gone(&mut self, now: Now, exit: Exit) {
        let ended = match self.child {
            Child::Stopping { why: Why::Hang, .. } => Ended::Hung,
            Child::Stopping { sent: StopSignal::Kill, .. } => Ended::Killed,
            Child::Stopping { .. } => Ended::Stopped,
            _ => Ended::ByItself,
        };
        self.gone = Some((now, ended));
        let failed = !exit.success();
        if ended != Ended::ByItself || (!failed && !self.answered(failed)) {
            return;
        }
        // What is answered by a restart that is allowed was foreseen.
        let how = format!("the command {}", exit.text());
        let mut found = incident(Status::Fail, "exit", now.wall, how.clone());
        found.metadata.insert("exit_code".to_owned(), json!(exit.code));
        found.metadata.insert("signal".to_owned(), json!(exit.signal));
        if self.answered(failed) {
            return self.await_restart(how, found);
        }
        self.raise(&exit.text(), found);
    }

    /// Whether an end of the command, failed or not, is answered by a restart that the plan allows.
    fn answered(&self, failed: bool) -> bool {
        let wanted = match self.plan.restart {
            super::plan::Restart::Never => false,
            super::plan::Restart::OnFailure => failed,
            super::plan::Restart::Always => true,
        };
        wanted && self.attempts.restarts() < self.plan.max_restarts
    }

    /// Tells of an end that a restart will answer; when the command is back, the incident says so.
    fn await_restart(&mut self, how: String, mut found: progress::Incident) {
        let restart = self.attempts.restarts() + 1;
        let (kind, key) = (found.kind.clone(), format!("restart {restart}"));
        let pause = human_duration(self.plan.pause_before(restart));
        found.severity = Status::Warn;
        found.message = format!("{how}; restart {restart} of {} follows after {pause}", self.plan.max_restarts);
        self.raise(&key, found);
        self.awaited = Some((format!("{kind}/{}/{key}", Status::Warn.word()), how));
    }

    /// The command was started again.
    fn back(&mut self, now: Now) {
        let (Some((key, how)), Some(since)) = (self.awaited.take(), self.down_since) else { return };
        let down = now.mono.saturating_sub(since);
        let restart = self.attempts.restarts();
        self.incidents.retell(&key, |found| {
            found.message =
                format!("{how}, back after {} (restart {restart} of {})", human_duration(down), self.plan.max_restarts);
            found.metadata.insert("recovered_at".to_owned(), json!(now.wall));
            found.metadata.insert("down_seconds".to_owned(), json!(down.as_secs_f64()));
        });
        self.owe(true);
    }

    fn exited(&mut self, now: Now, exit: Exit, todo: &mut Vec<Action>) {
        if self.gone.is_none() {
            self.gone(now, exit);
        }
        let Some((now, ended)) = self.gone.take() else { return };
        self.exit = exit;
        self.settle_uptime(now);
        self.down_since = Some(now.mono);
        self.attempts.ended(now.wall, exit, ended);
        match self.child {
            Child::Stopping { why: Why::Target, .. } => return self.finish(now, EndReason::DurationReached, todo),
            Child::Stopping { why: Why::Operator, .. } => return self.finish(now, EndReason::Interrupted, todo),
            _ => {}
        }
        let failed = ended == Ended::Hung || !exit.success();
        let wanted = match self.plan.restart {
            super::plan::Restart::Never => false,
            super::plan::Restart::OnFailure => failed,
            super::plan::Restart::Always => true,
        };
        if !wanted {
            let why = if ended == Ended::Hung { EndReason::GaveUp } else { EndReason::CommandEnded };
            return self.finish(now, why, todo);
        }
        self.start_again(now, todo);
    }

    /// Plans the next start of a command that ended, unless that happened too often.
    fn start_again(&mut self, now: Now, todo: &mut Vec<Action>) {
        let restart = self.attempts.restarts() + 1;
        if restart > self.plan.max_restarts {
            let message = format!("gave up after {}: the command ended again", count(restart - 1, "restart"));
            self.raise("limit", incident(Status::Fail, "restart", now.wall, message));
            return self.finish(now, EndReason::GaveUp, todo);
        }
        self.child = Child::Waiting { until: now.mono + self.plan.pause_before(restart), restart: true };
    }

    fn stop_asked(&mut self, now: Now, signal: &'static str, todo: &mut Vec<Action>) {
        match self.child {
            Child::Over => {}
            Child::Stopping { why: why @ (Why::Operator | Why::Target), since, sent } => {
                if why == Why::Target && sent != StopSignal::Kill {
                    // The run has reached its time: this only cuts short the end of the command.
                    let message = format!("the command was killed by {signal} before its grace period was over");
                    self.raise(signal, incident(Status::Warn, "signal", now.wall, message));
                }
                if sent != StopSignal::Kill {
                    self.child = Child::Stopping { why, since, sent: StopSignal::Kill };
                    todo.push(Action::Signal(StopSignal::Kill));
                }
            }
            Child::Waiting { .. } => {
                self.interrupted(now, signal);
                self.finish(now, EndReason::Interrupted, todo);
            }
            _ => {
                self.interrupted(now, signal);
                self.stop(now, Why::Operator, todo);
            }
        }
    }

    fn interrupted(&mut self, now: Now, signal: &'static str) {
        let message = format!("the run was interrupted by {signal} after {}", human_duration(now.mono));
        self.raise(signal, incident(Status::Fail, "signal", now.wall, message));
    }

    fn stop(&mut self, now: Now, why: Why, todo: &mut Vec<Action>) {
        let sent = if self.plan.shutdown_grace.is_zero() { StopSignal::Kill } else { StopSignal::Interrupt };
        self.child = Child::Stopping { why, since: now.mono, sent };
        if self.plan.sample_interval.is_some() {
            todo.push(Action::Sample);
        }
        todo.push(Action::Signal(sent));
        if why != Why::Hang {
            self.settle_uptime(now);
            self.stopped = Some(now);
            self.phase = Phase::Stopping;
            self.snapshot(now, true, todo);
        }
    }

    fn finish(&mut self, now: Now, why: EndReason, todo: &mut Vec<Action>) {
        self.child = Child::Over;
        self.phase = Phase::Sealing;
        self.settle_uptime(now);
        self.ended = Some((why, now));
        let supervised = self.elapsed(now);
        if let Some((_, how)) = self.awaited.take() {
            let message = format!("{how}, and was not back when the run ended");
            self.raise("down", incident(Status::Fail, "exit", now.wall, message));
        }
        if !reaches(supervised.as_secs_f64(), self.plan.required.as_secs_f64()) {
            let message = format!(
                "the run ended early: {} of the required {}",
                human_duration(supervised),
                human_duration(self.plan.required)
            );
            let mut found = incident(Status::Fail, "exit", now.wall, message);
            found.metadata.insert("required_seconds".to_owned(), json!(self.plan.required.as_secs_f64()));
            found.metadata.insert("actual_seconds".to_owned(), json!(supervised.as_secs_f64()));
            self.raise("early", found);
        }
        self.snapshot(now, true, todo);
        todo.push(Action::Finish);
    }

    fn raise(&mut self, key: &str, found: progress::Incident) {
        let new = self.incidents.add(key, found) == Added::New;
        self.owe(new);
    }

    /// Notes that the progress file must be refreshed: at once for what is `new`, which goes into the timeline too, and
    /// soon where only counts have changed.
    fn owe(&mut self, new: bool) {
        let spacing = if new { REFRESH_SPACING } else { COUNTS_SPACING };
        self.refresh.progress = Some(self.refresh.progress.map_or(spacing, |known| known.min(spacing)));
        self.refresh.timeline |= new;
    }

    /// Pays for what is owed, at most so often that a flood of incidents costs little.
    fn refresh_if_owed(&mut self, now: Now, todo: &mut Vec<Action>) {
        let rested = |last: Option<Duration>, spacing| last.is_none_or(|at| now.mono.saturating_sub(at) >= spacing);
        let timeline = self.refresh.timeline && rested(self.refresh.last_timeline, TIMELINE_SPACING);
        if timeline || self.refresh.progress.is_some_and(|spacing| rested(self.refresh.last_progress, spacing)) {
            self.snapshot(now, timeline, todo);
        }
    }

    fn snapshot(&mut self, now: Now, timeline: bool, todo: &mut Vec<Action>) {
        self.refresh.last_progress = Some(now.mono);
        if timeline {
            self.refresh.last_timeline = Some(now.mono);
            self.refresh.timeline = false;
        }
        self.refresh.progress = None;
        todo.push(Action::Snapshot { timeline });
    }
}

#[cfg(test)]
mod tests;
