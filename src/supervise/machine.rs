//! The live run as a pure state machine: [`Machine::step`] owns all state, threads only feed it.
//!
//! It has one [`Workload`] for each that is supervised; a run of one command has one. Nothing of one workload is decided
//! by what another one prints, and what one does changes nothing for the others but by conditions that the plan states.

mod conditions;
mod down;
mod drilling;
mod guarding;
mod lifecycle;
mod notices;
mod output;
mod readiness;
mod ticking;
mod uptime;
mod view;
mod workload;

use std::time::Duration;

use serde_json::json;

use super::event::{Action, Event, Happened, Now, Process};
use super::incidents::{Added, Incidents, incident};
use super::monitors::{ClockMonitor, EvidenceMonitor, ResourceState, capture_fault, disk_seen};
use super::plan::Plan;
use super::progress::{self, Phase};
use super::record::{EndReason, EndedBy};
use crate::drills::machine::Drills;
use crate::finding::Status;
use crate::guards::machine::Guards;
use crate::stage::notify::Severity;
use crate::time::{Stamp, human_duration};
use notices::Notices;
use uptime::Uptime;
use workload::{Child, Workload};

/// The longest sleep: clock steps and finished pipes are noticed after at most this.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// Two refreshes of the progress file are at least this far apart, where only counts have changed this, and two timeline
/// files for incidents this.
const REFRESH_SPACING: Duration = Duration::from_millis(50);
const COUNTS_SPACING: Duration = Duration::from_secs(1);
const TIMELINE_SPACING: Duration = Duration::from_secs(1);

/// The first sample of an attempt comes after this at the latest: a short run must not end unmeasured.
const FIRST_SAMPLE: Duration = Duration::from_secs(1);

/// The end of a run that has begun: everything that is still there is stopped.
#[derive(Clone, Debug)]
struct Ending {
    why: EndReason,
    /// When its cause happened.
    at: Now,
    /// Which workload brought it, where one did.
    by: Option<EndedBy>,
    /// Whether an operator will not wait any more.
    forced: bool,
    /// Since when nothing holds the way down up, on the monotonic clock.
    down_from: Duration,
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Machine {
    plan: Plan,
    started_at: Stamp,
    workloads: Vec<Workload>,
    phase: Phase,
    incidents: Incidents,
    drills: Option<Drills>,
    guards: Option<Guards>,
    /// The guards that ended the run.
    stopped_by: Vec<String>,
    notices: Option<Notices>,
    evidence: EvidenceMonitor,
    resources: ResourceState,
    clock: ClockMonitor,
    disk: Status,
    uptime: Uptime,
    next: Schedule,
    refresh: Refresh,
    last_step: Now,
    /// When what runs was asked to stop for good: there the supervised time ends.
    stopped: Option<Now>,
    /// When the last process ended.
    last_end: Option<Now>,
    /// When the supervisor itself did not run, in seconds of the monotonic clock.
    held_up: Vec<(f64, f64)>,
    /// The same by the wall clock, and when the machine was suspended.
    paused: Vec<(Stamp, Stamp)>,
    /// The first required workload that ended for good, until the run ends because of it.
    broken: Option<usize>,
    ending: Option<Ending>,
    ended: Option<(EndReason, Now)>,
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
    /// How long after the one before the progress file is due; none if nothing has changed.
    progress: Option<Duration>,
    timeline: bool,
    last_progress: Option<Duration>,
    last_timeline: Option<Duration>,
}

impl Machine {
    /// A run that is about to start.
    pub(crate) fn new(plan: Plan, started_at: Stamp) -> Self {
        let start = Now { wall: started_at, mono: Duration::ZERO, boot: Duration::ZERO };
        let mut incidents = Incidents::default();
        if plan.drills.is_some() || plan.guards.is_some() || plan.notify.is_some() {
            incidents.watch();
        }
        Self {
            next: Schedule { snapshot: plan.progress_interval.unwrap_or_default(), ..Schedule::default() },
            workloads: plan.workloads.iter().cloned().map(|plan| Workload::new(plan, started_at)).collect(),
            uptime: Uptime::new(plan.free_start()),
            drills: plan.drills.clone().map(Drills::new),
            guards: plan.guards.clone().map(|guards| Guards::new(guards, plan.target)),
            stopped_by: Vec::new(),
            notices: plan.notify.clone().map(Notices::new),
            plan,
            started_at,
            phase: Phase::Startup,
            incidents,
            evidence: EvidenceMonitor::default(),
            resources: ResourceState::default(),
            clock: ClockMonitor::default(),
            disk: Status::Pass,
            refresh: Refresh::default(),
            last_step: start,
            stopped: None,
            last_end: None,
            held_up: Vec::new(),
            paused: Vec::new(),
            broken: None,
            ending: None,
            ended: None,
        }
    }

    /// Takes one event and says what is to be done, in this order.
    pub(crate) fn step(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut todo = Vec::new();
        let before = self.last_step.mono;
        let held_up = self.look_at_clocks(now);
        self.charge(before, now.mono);
        match event {
            Event::Start => {
                todo.push(Action::CheckDisk);
                self.snapshot(now, true, &mut todo);
                self.leave_out(now, &mut todo);
                let message = format!("the run starts, for up to {}", human_duration(self.plan.target));
                self.announce(now, ("run.started", Severity::Info, &message), None, &mut todo);
            }
            Event::Of(number, happened) => self.happened(now, number, happened, &mut todo),
            Event::Leaked(processes) => self.leaked(now, None, processes),
            Event::Sampled(seen) => self.sampled(now, &seen),
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
            Event::Capture { workload, fault } => {
                let whose = workload.and_then(|number| self.name_of(number)).map(str::to_owned);
                let new = capture_fault(&fault, now, whose.as_deref(), &mut self.incidents);
                if let Some(number) = workload {
                    self.workloads[number].capture.lost_lines = fault.lost_lines;
                }
                self.owe(new);
            }
            Event::Stop { signal } => self.stop_asked(now, signal, &mut todo),
            Event::Stray { signal } => {
                let message = format!("emp-ops received {signal}, which asks for nothing; the run went on");
                self.raise(&signal, incident(Status::Pass, "signal", now.wall, message));
            }
            Event::Drill(told) => self.of_drill(now, told),
            Event::Guard { guard, reading } => self.of_guard(now, guard, reading, &mut todo),
            Event::Sent { channel, delivery } => self.sent(now, channel, delivery, &mut todo),
            Event::Acknowledged { incident } => self.acknowledged(now, &incident),
            Event::Tick => {}
        }
        self.tick(now, held_up, &mut todo);
        todo
    }

    fn happened(&mut self, now: Now, number: usize, happened: Happened, todo: &mut Vec<Action>) {
        match happened {
            Happened::Spawned { pid } => self.spawned(now, number, pid, todo),
            Happened::SpawnFailed { error } => self.not_spawned(now, number, &error, todo),
            Happened::Output(batch) => self.output(now, number, &batch, todo),
            Happened::Gone(exit) => self.gone(now, number, exit),
            Happened::Exited(exit) => self.exited(now, number, exit, todo),
            Happened::Leaked(processes) => self.leaked(now, Some(number), processes),
            Happened::Probed { attempt, before, answer } => self.probed(now, number, (attempt, before), &answer, todo),
            Happened::Acted { stage, faults } => self.acted(now, number, stage, faults, todo),
            Happened::Diagnosed(processes) => self.diagnosed(number, &processes),
        }
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
        for due in [self.drill_deadline(), self.guard_deadline(), self.notice_deadline()].into_iter().flatten() {
            at = at.min(due.max(now.mono));
        }
        let at = self.workloads.iter().filter_map(|workload| workload.deadline(now.mono)).fold(at, Duration::min);
        if self.ending.is_none() { at.min(self.plan.target) } else { at }
    }

    /// Whether the workload of this number was asked to stop.
    pub(crate) fn is_stopping(&self, number: usize) -> bool {
        matches!(self.workloads[number].child, Child::Stopping { .. })
    }

    /// Whether the run is on its way down.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Processes that outlived a workload, or all of them.
    fn leaked(&mut self, now: Now, number: Option<usize>, processes: Vec<Process>) {
        for process in processes {
            let (severity, end) = match process.survived {
                false => (Status::Warn, "was killed"),
                true => (Status::Fail, "could not be killed: it still runs"),
            };
            let outlived = match number {
                Some(number) => self.workloads[number].plan.called.clone(),
                None => "all workloads".to_owned(),
            };
            let message = format!("process {} outlived {outlived} and {end}: {}", process.pid, process.name);
            let mut found = incident(severity, "leak", now.wall, message);
            found.metadata.insert("pid".to_owned(), json!(process.pid));
            match number {
                Some(number) => drop(self.raise_of(number, &process.name, found)),
                None => self.raise(&process.name, found),
            }
        }
    }

    fn raise(&mut self, key: &str, found: progress::Incident) {
        let new = self.incidents.add(key, found) == Added::New;
        self.owe(new);
    }

    /// Raises an incident of a workload, no worse than its faults are to the rehearsal. Gives the key of it.
    fn raise_of(&mut self, number: usize, key: &str, mut found: progress::Incident) -> String {
        let workload = &self.workloads[number];
        found.severity = workload.plan.severity(found.severity);
        let mut key = key.to_owned();
        if !self.plan.single {
            found.workload = Some(workload.plan.name.clone());
            found.attempt = Some(workload.attempts.number());
            key = format!("{}/{key}", workload.plan.name);
        }
        let whole = format!("{}/{}/{key}", found.kind, found.severity.word());
        self.raise(&key, found);
        whole
    }

    /// The name of a workload, where there are several.
    fn name_of(&self, number: usize) -> Option<&str> {
        (!self.plan.single).then(|| self.plan.workloads[number].name.as_str())
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
