//! The live run as a pure state machine: [`Machine::step`] owns all state, threads only feed it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::attempts::{Attempts, Ended};
use super::event::{Action, Batch, Event, Exit, Now, StopSignal};
use super::incidents::{Added, Incidents, incident};
use super::monitors::{ClockMonitor, EvidenceMonitor, ResourceState, capture_fault, disk_seen};
use super::plan::Plan;
use super::progress::{self, Phase, Snapshot};
use super::record::{Capture, EndReason};
use crate::finding::Status;
use crate::time::{Stamp, human_duration};

/// Between looks at the file system of the output.
const DISK_INTERVAL: Duration = Duration::from_secs(30);
/// The longest sleep: clock steps and finished pipes are noticed after at most this.
const HEARTBEAT: Duration = Duration::from_millis(250);
/// Two refreshes of the progress file are at least this far apart, and two timeline files for incidents this.
const REFRESH_SPACING: Duration = Duration::from_millis(50);
const TIMELINE_SPACING: Duration = Duration::from_secs(1);
/// A tick that comes later than this was held up: the supervisor itself did not run.
const HELD_UP: Duration = Duration::from_secs(5);
/// Incidents shown in a snapshot.
const SHOWN_INCIDENTS: usize = 50;
/// After the kill, this long is waited for the end of a process that cannot be killed.
const KILL_WAIT: Duration = Duration::from_secs(10);

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
pub struct Machine {
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
    next: Schedule,
    refresh: Refresh,
    last_tick: Duration,
    ended: Option<(EndReason, Now)>,
    exit: Exit,
    sequence: u64,
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
pub struct Identity {
    /// Its process id.
    pub pid: u32,
    /// The name of its machine, where that is known.
    pub host: Option<String>,
}

/// Snapshots that are owed because something happened.
#[derive(Debug, Default)]
struct Refresh {
    progress: bool,
    timeline: bool,
    last_progress: Option<Duration>,
    last_timeline: Option<Duration>,
}

impl Machine {
    /// A run that is about to start.
    pub fn new(plan: Plan, started_at: Stamp) -> Self {
        Self {
            next: Schedule {
                snapshot: plan.progress_interval.unwrap_or_default(),
                evidence: plan.evidence_grace,
                ..Schedule::default()
            },
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
            refresh: Refresh::default(),
            last_tick: Duration::ZERO,
            ended: None,
            exit: Exit::default(),
            sequence: 0,
        }
    }

    /// Takes one event and says what is to be done, in this order.
    pub fn step(&mut self, now: Now, event: Event) -> Vec<Action> {
        let mut todo = Vec::new();
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
                self.settle_uptime(now);
                self.silence_reported = false;
                if self.phase == Phase::Startup {
                    self.phase = Phase::Running;
                }
                self.snapshot(now, true, &mut todo);
            }
            Event::SpawnFailed { error } => {
                self.raise(
                    "spawn",
                    incident(Status::Fail, "exit", now.wall, format!("cannot start the command: {error}")),
                );
                self.finish(now, EndReason::GaveUp, &mut todo);
            }
            Event::Output(batch) => self.output(now, &batch),
            Event::Exited(exit) => self.exited(now, exit, &mut todo),
            Event::Leaked(processes) => {
                for process in processes {
                    let message =
                        format!("process {} outlived the command and was killed: {}", process.pid, process.name);
                    let mut found = incident(Status::Warn, "leak", now.wall, message);
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
                    && self.evidence.seen(watch, modified, now, &mut self.incidents)
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
                capture_fault(&fault, now, &mut self.incidents);
                self.capture.lost_lines = fault.lost_lines;
                self.owe(true);
            }
            Event::Stop { signal } => self.stop_asked(now, signal, &mut todo),
            Event::Tick => {}
        }
        self.tick(now, &mut todo);
        todo
    }

    /// The monotonic time of the next [`Event::Tick`], however little happens.
    pub fn deadline(&self, now: Now) -> Duration {
        let soon = if self.refresh.progress || self.refresh.timeline { REFRESH_SPACING } else { HEARTBEAT };
        let mut at = now.mono + soon;
        match self.child {
            Child::Waiting { until, .. } => at = at.min(until),
            Child::Running => at = at.min(self.plan.target),
            _ => {}
        }
        at
    }

    fn output(&mut self, now: Now, batch: &Batch) {
        if batch.total() == 0 && batch.bytes == 0 {
            return;
        }
        self.settle_uptime(now);
        self.silence_reported = false;
        self.attempts.lines(batch.total(), batch.first_at);
        let capture = &mut self.capture;
        capture.total_lines += batch.total();
        for (stream, lines) in &batch.lines {
            *capture.line_counts.entry((*stream).to_owned()).or_default() += lines;
        }
        for (level, lines) in &batch.levels {
            *capture.level_counts.entry(level.clone()).or_default() += lines;
        }
        capture.bytes += batch.bytes;
        capture.cut_lines += batch.cut;
        capture.invalid_utf8_lines += batch.invalid_utf8;
        capture.first_line_at = capture.first_line_at.or(batch.first_at);
        capture.last_line_at = batch.last_at.or(capture.last_line_at);
        if batch.cut > 0 {
            let message = "lines longer than 1 MiB were cut";
            self.raise("cut", incident(Status::Warn, "capture", now.wall, message));
        }
        if let Some(skew) = batch.skew {
            let apart = Duration::from_micros(skew.stated.micros().abs_diff(skew.arrived.micros()));
            let message = format!(
                "lines state a time that is {} from their arrival (a wrong clock, or a time zone that they do not state); \
                 the time of arrival is kept",
                human_duration(apart)
            );
            let mut found = incident(Status::Warn, "clock", now.wall, message);
            found.count = skew.lines;
            found.metadata.insert("stated".to_owned(), json!(skew.stated));
            found.metadata.insert("arrived".to_owned(), json!(skew.arrived));
            self.raise("skew", found);
        }
        if !self.plan.monitor_log {
            return;
        }
        for line in &batch.incidents {
            let mut found = incident(line.severity, line.kind, line.at, line.message.as_str());
            found.count = line.count;
            found.metadata.insert("level".to_owned(), json!(line.level));
            found.metadata.insert("stream".to_owned(), json!(line.stream));
            found.metadata.insert("event".to_owned(), json!(line.event));
            self.raise(&format!("{}/{}", line.stream, line.key), found);
        }
        for ((kind, severity), count) in &batch.more_incidents {
            let message = format!("further lines of the kind {kind} (not listed one by one)");
            let mut found = incident(*severity, kind, now.wall, message);
            found.count = *count;
            self.raise("", found);
        }
    }

    /// Charges the time since the last output: beyond the warning gap while the command runs, all of it between
    /// attempts.
    fn settle_uptime(&mut self, now: Now) {
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

    fn exited(&mut self, now: Now, exit: Exit, todo: &mut Vec<Action>) {
        self.exit = exit;
        self.settle_uptime(now);
        self.down_since = Some(now.mono);
        let stopping = match self.child {
            Child::Stopping { why, sent, .. } => Some((why, sent)),
            _ => None,
        };
        let ended = match stopping {
            Some((Why::Hang, _)) => Ended::Hung,
            Some((_, StopSignal::Kill)) => Ended::Killed,
            Some(_) => Ended::Stopped,
            None => Ended::ByItself,
        };
        self.attempts.ended(now.wall, exit, ended);
        match stopping {
            Some((Why::Target, _)) => return self.finish(now, EndReason::DurationReached, todo),
            Some((Why::Operator, _)) => return self.finish(now, EndReason::Interrupted, todo),
            Some((Why::Hang, _)) | None => {}
        }
        let failed = ended == Ended::Hung || !exit.success();
        if ended == Ended::ByItself && failed {
            let mut found = incident(Status::Fail, "exit", now.wall, format!("the command {}", describe(exit)));
            found.metadata.insert("exit_code".to_owned(), json!(exit.code));
            found.metadata.insert("signal".to_owned(), json!(exit.signal));
            self.raise(&describe(exit), found);
        }
        let wanted = match self.plan.restart {
            super::plan::Restart::Never => false,
            super::plan::Restart::OnFailure => failed,
            super::plan::Restart::Always => true,
        };
        if !wanted {
            let why = if ended == Ended::Hung { EndReason::GaveUp } else { EndReason::CommandEnded };
            return self.finish(now, why, todo);
        }
        let restart = self.attempts.restarts() + 1;
        if restart > self.plan.max_restarts {
            let message = format!("gave up after {}: the command ended again", plural(restart - 1, "restart"));
            self.raise("limit", incident(Status::Fail, "restart", now.wall, message));
            return self.finish(now, EndReason::GaveUp, todo);
        }
        let pause = self.plan.pause_before(restart);
        let message = format!(
            "restart {restart} of {}, {} after the command {}",
            self.plan.max_restarts,
            human_duration(pause),
            if ended == Ended::Hung { "hung".to_owned() } else { describe(exit) }
        );
        self.raise(&restart.to_string(), incident(Status::Warn, "restart", now.wall, message));
        self.child = Child::Waiting { until: now.mono + pause, restart: true };
    }

    fn stop_asked(&mut self, now: Now, signal: &'static str, todo: &mut Vec<Action>) {
        match self.child {
            Child::Over => {}
            Child::Stopping { why: Why::Operator, since, sent } if sent != StopSignal::Kill => {
                self.child = Child::Stopping { why: Why::Operator, since, sent: StopSignal::Kill };
                todo.push(Action::Signal(StopSignal::Kill));
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
        todo.push(Action::Signal(sent));
        if why != Why::Hang {
            self.phase = Phase::Stopping;
            self.snapshot(now, true, todo);
        }
    }

    fn finish(&mut self, now: Now, why: EndReason, todo: &mut Vec<Action>) {
        self.child = Child::Over;
        self.phase = Phase::Sealing;
        self.ended = Some((why, now));
        self.settle_uptime(now);
        if now.mono < self.plan.required {
            let message = format!(
                "the run ended early: {} of the required {}",
                human_duration(now.mono),
                human_duration(self.plan.required)
            );
            let mut found = incident(Status::Fail, "exit", now.wall, message);
            found.metadata.insert("required_seconds".to_owned(), json!(self.plan.required.as_secs_f64()));
            found.metadata.insert("actual_seconds".to_owned(), json!(now.mono.as_secs_f64()));
            self.raise("early", found);
        }
        self.snapshot(now, true, todo);
        todo.push(Action::Finish);
    }

    /// Everything that is due because time has passed.
    fn tick(&mut self, now: Now, todo: &mut Vec<Action>) {
        let held_up = now.mono.saturating_sub(self.last_tick);
        self.last_tick = now.mono;
        if self.clock.look(now, &mut self.incidents) {
            self.owe(true);
        }
        if held_up > HELD_UP && self.phase != Phase::Startup {
            let message = format!("emp-ops itself did not run for {}", human_duration(held_up));
            self.raise("held up", incident(Status::Warn, "clock", now.wall, message));
        }
        if self.child == Child::Over {
            return self.refresh_if_owed(now, todo);
        }
        self.watch_child(now, held_up > HELD_UP, todo);
        if due(&mut self.next.disk, now, DISK_INTERVAL) {
            todo.push(Action::CheckDisk);
        }
        if !self.plan.evidence.is_empty() && due(&mut self.next.evidence, now, self.plan.evidence_interval) {
            todo.push(Action::CheckEvidence);
        }
        if let Some(interval) = self.plan.sample_interval
            && matches!(self.child, Child::Running | Child::Stopping { .. })
            && due(&mut self.next.sample, now, interval)
        {
            todo.push(Action::Sample);
        }
        if let Some(interval) = self.plan.progress_interval
            && due(&mut self.next.snapshot, now, interval)
        {
            self.snapshot(now, true, todo);
        }
        self.refresh_if_owed(now, todo);
    }

    fn watch_child(&mut self, now: Now, held_up: bool, todo: &mut Vec<Action>) {
        match self.child {
            Child::Waiting { until, restart: true } if now.mono >= until && now.mono < self.plan.target => {
                self.child = Child::Starting;
                todo.push(Action::Spawn);
            }
            Child::Stopping { why, since, sent } => self.climb_down(now, why, since, sent, todo),
            Child::Running => {
                let silence = now.mono.saturating_sub(self.last_output);
                if now.mono >= self.plan.target {
                    return self.stop(now, Why::Target, todo);
                }
                // After a pause of our own the lines of that time may still be in the pipe.
                if held_up {
                    return;
                }
                if let Some((limit, severity)) = self.plan.live_gap
                    && silence > limit
                    && !self.silence_reported
                {
                    self.silence_reported = true;
                    self.silence(now, silence, limit, severity);
                }
                if self.plan.hang_timeout.is_some_and(|limit| silence > limit) {
                    let message = format!("the command hangs: no output for {}", human_duration(silence));
                    self.raise("hang", incident(Status::Warn, "hang", now.wall, message));
                    self.stop(now, Why::Hang, todo);
                }
            }
            _ => {}
        }
        if matches!(self.child, Child::Waiting { .. }) && now.mono >= self.plan.target && self.attempts.any() {
            self.finish(now, EndReason::DurationReached, todo);
        }
    }

    fn silence(&mut self, now: Now, silence: Duration, limit: Duration, severity: Status) {
        let message = format!("no output for {} (limit {})", human_duration(silence), human_duration(limit));
        let mut found = incident(severity, "silence", now.wall, message);
        found.metadata.insert("threshold_seconds".to_owned(), json!(limit.as_secs_f64()));
        found.metadata.insert("gap_seconds".to_owned(), json!(silence.as_secs_f64()));
        found.metadata.insert("last_log_at".to_owned(), json!(self.capture.last_line_at));
        let key = self.capture.last_line_at.map(|at| at.to_string()).unwrap_or_default();
        self.raise(&key, found);
    }

    /// Interrupt, then terminate at half the grace period, then kill at its end.
    fn climb_down(&mut self, now: Now, why: Why, since: Duration, sent: StopSignal, todo: &mut Vec<Action>) {
        let waited = now.mono.saturating_sub(since);
        let grace = self.plan.shutdown_grace;
        let next = match sent {
            StopSignal::Interrupt if waited >= grace / 2 => StopSignal::Terminate,
            StopSignal::Terminate if waited >= grace => StopSignal::Kill,
            StopSignal::Kill if waited >= grace + KILL_WAIT => {
                let message = "the command could not be killed";
                self.raise("immortal", incident(Status::Fail, "exit", now.wall, message));
                let reason = match why {
                    Why::Target => EndReason::DurationReached,
                    Why::Operator => EndReason::Interrupted,
                    Why::Hang => EndReason::GaveUp,
                };
                return self.finish(now, reason, todo);
            }
            _ => return,
        };
        if next == StopSignal::Kill {
            let message = format!("the command did not stop within {} and was killed", human_duration(grace));
            self.raise("killed", incident(Status::Fail, "exit", now.wall, message));
        }
        self.child = Child::Stopping { why, since, sent: next };
        todo.push(Action::Signal(next));
    }

    fn raise(&mut self, key: &str, found: progress::Incident) {
        let new = self.incidents.add(key, found) == Added::New;
        self.owe(new);
    }

    /// Notes that the progress file must be refreshed, and whether the timeline gets the snapshot too.
    fn owe(&mut self, timeline: bool) {
        self.refresh.progress = true;
        self.refresh.timeline |= timeline;
    }

    /// Pays for what is owed, at most so often that a flood of incidents costs little.
    fn refresh_if_owed(&mut self, now: Now, todo: &mut Vec<Action>) {
        let rested = |last: Option<Duration>, spacing| last.is_none_or(|at| now.mono.saturating_sub(at) >= spacing);
        let timeline = self.refresh.timeline && rested(self.refresh.last_timeline, TIMELINE_SPACING);
        if timeline || self.refresh.progress && rested(self.refresh.last_progress, REFRESH_SPACING) {
            self.snapshot(now, timeline, todo);
        }
    }

    fn snapshot(&mut self, now: Now, timeline: bool, todo: &mut Vec<Action>) {
        self.refresh.last_progress = Some(now.mono);
        if timeline {
            self.refresh.last_timeline = Some(now.mono);
            self.refresh.timeline = false;
        }
        self.refresh.progress = false;
        todo.push(Action::Snapshot { timeline });
    }

    /// The state at this instant. Snapshots for the timeline are counted, so call it once for each.
    pub fn snapshot_now(
        &mut self,
        now: Now,
        previous_sha256: Option<String>,
        supervisor: Identity,
        timeline: bool,
    ) -> Snapshot {
        let sequence = self.sequence;
        self.sequence += u64::from(timeline);
        let worst = self.incidents.worst();
        let running = if self.phase == Phase::Startup { "starting" } else { "running" };
        let elapsed = self.elapsed(now).as_secs_f64();
        let open_silence = match self.ended {
            Some(_) => Duration::ZERO,
            None => self.open_downtime(now),
        };
        Snapshot {
            schema: progress::SCHEMA.to_owned(),
            sequence,
            previous_sha256,
            status: if worst > Status::Pass { worst.word().to_owned() } else { running.to_owned() },
            phase: self.phase,
            now: now.wall,
            started_at: self.started_at,
            elapsed_seconds: elapsed,
            target_duration_seconds: self.plan.target.as_secs_f64(),
            required_duration_seconds: self.plan.required.as_secs_f64(),
            progress_interval_seconds: self.plan.progress_interval.unwrap_or_default().as_secs_f64(),
            total_lines: self.capture.total_lines,
            line_counts: self.capture.line_counts.clone(),
            level_counts: self.capture.level_counts.clone(),
            first_line_at: self.capture.first_line_at,
            last_line_at: self.capture.last_line_at,
            uptime_ratio: (elapsed > 0.0)
                .then(|| (1.0 - (self.lost_uptime + open_silence).as_secs_f64() / elapsed).clamp(0.0, 1.0)),
            command: self.plan.command.clone(),
            minimum_uptime_ratio: self.plan.minimum_uptime,
            require_diary_evidence: self.plan.require_diary,
            require_performance_evidence: self.plan.require_performance,
            supervisor_pid: supervisor.pid,
            supervisor_host: supervisor.host,
            child_pid: self.attempts.running_pid(),
            restarts: self.attempts.restarts(),
            incident_counts: self.incidents.counts().clone(),
            incidents: self.incidents.head(SHOWN_INCIDENTS),
            evidence: self.evidence.shown().clone(),
            resources: self.resources.shown.clone(),
            exit_code: None,
            summary: None,
            sign_off: None,
            config_metadata: self.plan.metadata.clone(),
        }
    }

    /// Supervised time so far, or altogether.
    pub fn elapsed(&self, now: Now) -> Duration {
        self.ended.map_or(now.mono, |(_, at)| at.mono)
    }

    /// Why and when supervision ended.
    pub fn ended(&self) -> Option<(EndReason, Now)> {
        self.ended
    }

    /// How the command ended the last time.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Each start of the command.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// All incidents.
    pub fn incidents(&self) -> &Incidents {
        &self.incidents
    }

    /// What was captured.
    pub fn capture(&self) -> &Capture {
        &self.capture
    }

    /// What was sampled.
    pub fn resources(&self) -> &ResourceState {
        &self.resources
    }

    /// Snapshots in the timeline so far.
    pub fn snapshots(&self) -> u64 {
        self.sequence
    }

    /// The plan of the run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Incidents by severity.
    pub fn incident_counts(&self) -> BTreeMap<Status, u64> {
        self.incidents.counts().clone()
    }
}

/// Whether something periodic is due; if so, sets its next time without piling up what was missed.
fn due(next: &mut Duration, now: Now, interval: Duration) -> bool {
    if now.mono < *next {
        return false;
    }
    *next = (*next + interval).max(now.mono + interval / 2);
    true
}

/// `exited with code 3`, `was ended by signal 9 (SIGKILL)`.
pub fn describe(exit: Exit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}{}", signal_name(signal)),
        (None, None) => "ended".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU)",
        25 => " (SIGXFSZ)",
        _ => "",
    }
}

fn plural(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
