//! The end of a run, and the way down of its workloads: what depends on others first.

use std::time::Duration;

use serde_json::json;

use super::workload::{Child, Why};
use super::{Ending, Machine};
use crate::finding::Status;
use crate::supervise::event::{Action, Now, Stage, StopSignal};
use crate::supervise::incidents::incident;
use crate::supervise::progress::Phase;
use crate::supervise::record::{EndReason, EndedBy, Signalled};
use crate::supervise::workloads::state::State;
use crate::time::{human_duration, reaches};

/// After the kill, this long is waited for the end of a process that cannot be killed.
const KILL_WAIT: Duration = Duration::from_secs(10);

impl Machine {
    pub(super) fn stop_asked(&mut self, now: Now, signal: &'static str, todo: &mut Vec<Action>) {
        if self.ended.is_some() {
            return;
        }
        match self.ending.as_mut() {
            None => {
                let message = format!("the run was interrupted by {signal} after {}", human_duration(now.mono));
                self.raise(signal, incident(Status::Fail, "signal", now.wall, message));
                self.end(now, EndReason::Interrupted, None, todo);
            }
            Some(ending) if !ending.forced => {
                ending.forced = true;
                let reached = ending.why == EndReason::DurationReached;
                self.give_up_drills(now);
                let alive: Vec<usize> = self.alive_dependents_first();
                let killed =
                    |w: &super::Workload| matches!(w.child, Child::Stopping { sent: Some(StopSignal::Kill), .. });
                if reached && alive.iter().any(|number| !killed(&self.workloads[*number])) {
                    // The run has reached its time: this only cuts short the end of what runs.
                    let what = if self.plan.single { "the command was" } else { "the workloads were" };
                    let message = format!("{what} killed by {signal} before the grace period was over");
                    self.raise(signal, incident(Status::Warn, "signal", now.wall, message));
                }
                for number in alive {
                    self.kill(now, number, todo);
                }
            }
            Some(_) => {}
        }
    }

    /// Begins the end of the run, whose cause came `at` this time.
    pub(super) fn end(&mut self, at: Now, why: EndReason, by: Option<usize>, todo: &mut Vec<Action>) {
        if self.ending.is_some() {
            return;
        }
        let by = by.filter(|_| !self.plan.single).map(|number| {
            let root = self.workloads[number].led_by;
            let name = |number: usize| self.workloads[number].plan.name.clone();
            EndedBy { workload: name(number), root: root.map(name) }
        });
        self.ending = Some(Ending { why, at, by, forced: false, down_from: at.mono });
        self.end_drills(at);
        self.end_guards(at, todo);
        let early = match why {
            EndReason::Interrupted => "interrupted",
            EndReason::DurationReached => "the run reached its time before it could start",
            _ => "the run ended before it could start",
        };
        for number in 0..self.workloads.len() {
            let workload = &mut self.workloads[number];
            match workload.state {
                State::Pending | State::Waiting if workload.child == Child::Down => {
                    workload.go(at, State::Skipped, early, todo);
                }
                State::Restarting if workload.child == Child::Down => {
                    workload.go(at, State::Stopped, "the run ended before it was started again", todo);
                }
                State::Hung => workload.go(at, State::Stopping, "the run ends", todo),
                _ => {}
            }
        }
        if self.workloads.iter().any(super::Workload::is_alive) {
            self.stopped = Some(at);
            self.phase = Phase::Stopping;
        }
        let running = todo.len();
        self.go_down(at, todo);
        if self.phase == Phase::Stopping {
            if self.plan.sample_interval.is_some() {
                todo.insert(running, Action::Sample);
            }
            self.snapshot(at, true, todo);
        }
    }

    /// Asks everything to stop of which nothing depends any more; when all is over, so is the run.
    pub(super) fn go_down(&mut self, now: Now, todo: &mut Vec<Action>) {
        let restores = self.restores();
        let Some(ending) = &mut self.ending else { return };
        if self.ended.is_some() {
            return;
        }
        if restores {
            ending.down_from = now.mono;
            return;
        }
        let over = now.mono.saturating_sub(ending.down_from) >= self.plan.shutdown_grace;
        let (why, at) = (ending.why, ending.at);
        for number in 0..self.workloads.len() {
            // What has ended by itself just now is not asked to.
            if self.workloads[number].runs() && (over || !self.has_dependents(number)) {
                self.stop(now, number, Why::Run, "the run ends", todo);
            }
        }
        if over && !self.plan.single {
            for number in self.alive_dependents_first() {
                if !matches!(self.workloads[number].child, Child::Stopping { sent: Some(StopSignal::Kill), .. }) {
                    self.not_in_time(now, number, self.plan.shutdown_grace);
                    self.kill(now, number, todo);
                }
            }
        }
        if !self.workloads.iter().any(super::Workload::is_alive) {
            let ended = self.stopped.and(self.last_end).filter(|last| last.mono >= at.mono).unwrap_or(at);
            self.finish(ended, why, todo);
        }
    }

    /// Whether one that depends on this workload is still there.
    fn has_dependents(&self, number: usize) -> bool {
        self.workloads.iter().any(|other| other.is_alive() && other.plan.depends_on.iter().any(|(on, _)| *on == number))
    }

    /// What is still there, in such an order that nothing comes before what depends on it.
    fn alive_dependents_first(&self) -> Vec<usize> {
        let mut left: Vec<usize> = (0..self.workloads.len()).filter(|n| self.workloads[*n].is_alive()).collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let needed = |number: &usize| {
                left.iter().any(|other| self.workloads[*other].plan.depends_on.iter().any(|(on, _)| on == number))
            };
            let next = left.iter().position(|number| !needed(number)).unwrap_or(0);
            order.push(left.remove(next));
        }
        order
    }

    /// Asks a workload to stop, or first for what comes before that.
    pub(super) fn stop(&mut self, now: Now, number: usize, why: Why, because: &str, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        workload.stop = Default::default();
        let waits = workload.plan.actions[0] > 0;
        workload.child = Child::Stopping { why, since: now.mono, sent: None };
        let to = if why == Why::Timeout { State::Hung } else { State::Stopping };
        workload.go(now, to, because, todo);
        self.owe(true);
        match waits {
            true => todo.push(Action::Act(number, Stage::BeforeStop)),
            false => self.first_signal(now, number, todo),
        }
    }

    fn first_signal(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let plan = &self.workloads[number].plan;
        let signal = if plan.shutdown_grace.is_zero() { StopSignal::Kill } else { plan.stop_signal };
        if let Child::Stopping { since, .. } = &mut self.workloads[number].child {
            *since = now.mono;
        }
        self.send(now, number, signal, todo);
    }

    /// Sends a signal on the way down.
    fn send(&mut self, now: Now, number: usize, signal: StopSignal, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        if let Child::Stopping { sent, .. } = &mut workload.child {
            *sent = Some(signal);
            workload.stop.signals.push(Signalled { signal: signal.name(), at: now.wall });
            todo.push(Action::Signal(number, signal));
        }
    }

    /// Does not wait any more for a workload, whatever it is at.
    fn kill(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        match std::mem::replace(&mut self.workloads[number].child, Child::Down) {
            Child::Closing(fate) => self.settle(now, number, fate, todo),
            Child::Stopping { sent: Some(StopSignal::Kill), since, why } => {
                self.workloads[number].child = Child::Stopping { why, since, sent: Some(StopSignal::Kill) };
            }
            child @ (Child::Down | Child::Spawning) => self.workloads[number].child = child,
            child => {
                let alive = child == Child::Alive;
                self.workloads[number].child = child;
                if alive {
                    self.workloads[number].child = Child::Stopping { why: Why::Run, since: now.mono, sent: None };
                    self.workloads[number].go(now, State::Stopping, "the run ends at once", todo);
                }
                self.send(now, number, StopSignal::Kill, todo);
            }
        }
    }

    /// The actions before or after a stop are done.
    pub(super) fn acted(&mut self, now: Now, number: usize, stage: Stage, faults: Vec<String>, todo: &mut Vec<Action>) {
        for fault in faults {
            let called = &self.workloads[number].plan.called;
            let message = match stage {
                Stage::BeforeStop => format!("an action before the stop of {called} failed: {fault}"),
                Stage::AfterStop => format!("an action after the stop of {called} failed: {fault}"),
            };
            self.raise_of(number, &fault, incident(Status::Warn, "workload", now.wall, message));
        }
        match (stage, &self.workloads[number].child) {
            (Stage::BeforeStop, Child::Stopping { sent: None, .. }) if self.workloads[number].gone.is_none() => {
                self.first_signal(now, number, todo);
            }
            (Stage::AfterStop, Child::Closing(fate)) => {
                let fate = fate.clone();
                self.settle(now, number, fate, todo);
            }
            _ => {}
        }
    }

    /// First the signal of the plan, then terminate at half the grace period, then kill at its end.
    pub(super) fn climb_down(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &self.workloads[number];
        let Child::Stopping { why, since, sent: Some(sent) } = workload.child else { return };
        let waited = now.mono.saturating_sub(since);
        let grace = workload.plan.shutdown_grace;
        let next = match sent {
            StopSignal::Interrupt | StopSignal::Other(_) if waited >= grace / 2 => StopSignal::Terminate,
            StopSignal::Terminate if waited >= grace => StopSignal::Kill,
            StopSignal::Kill if waited >= grace + KILL_WAIT => return self.immortal(now, number, why, todo),
            _ => return,
        };
        if next == StopSignal::Kill {
            self.not_in_time(now, number, grace);
        }
        self.send(now, number, next, todo);
    }

    fn not_in_time(&mut self, now: Now, number: usize, grace: Duration) {
        let workload = &self.workloads[number];
        let Child::Stopping { why, .. } = workload.child else { return };
        let called = &workload.plan.called;
        let message = format!("{called} did not stop within {} and was killed", human_duration(grace));
        // Of one that hangs nobody expects to hear the signal.
        let answered = why == Why::Timeout && workload.awaited.is_some();
        let severity = if answered { Status::Warn } else { Status::Fail };
        let kind = if self.plan.single { "exit" } else { "stop" };
        let mut found = incident(severity, kind, now.wall, message);
        found.metadata.insert("pid".to_owned(), json!(workload.attempts.running_pid()));
        found.metadata.insert("signals".to_owned(), json!(workload.stop.signals));
        found.metadata.insert("last_line_at".to_owned(), json!(workload.capture.last_line_at));
        let silent = workload.capture.last_line_at.map(|at| now.wall.seconds_since(at));
        found.metadata.insert("last_line_age_seconds".to_owned(), json!(silent));
        let dependents = self.plan.workloads.iter().filter(|o| o.depends_on.iter().any(|(on, _)| *on == number));
        let dependents: Vec<&str> = dependents.map(|other| other.name.as_str()).collect();
        found.metadata.insert("dependents".to_owned(), json!(dependents));
        let key = self.raise_of(number, "killed", found);
        self.workloads[number].late_stop = Some(key);
    }

    /// What was there just before the kill.
    pub(super) fn diagnosed(&mut self, number: usize, processes: &[String]) {
        if let Some(key) = self.workloads[number].late_stop.take() {
            self.incidents.retell(&key, |found| {
                found.metadata.insert("processes".to_owned(), json!(processes));
            });
        }
    }

    fn immortal(&mut self, now: Now, number: usize, why: Why, todo: &mut Vec<Action>) {
        let message = format!("{} could not be killed", self.workloads[number].plan.called);
        self.raise_of(number, "immortal", incident(Status::Fail, "exit", now.wall, message));
        self.workloads[number].child = Child::Down;
        self.last_end = Some(now);
        self.workloads[number].go(now, State::Failed, "could not be killed", todo);
        let gave_up =
            if self.plan.single && why == Why::Timeout { EndReason::GaveUp } else { EndReason::WorkloadFailed };
        if self.plan.single || self.workloads[number].plan.required {
            self.end(now, gave_up, Some(number), todo);
        }
    }

    fn finish(&mut self, now: Now, why: EndReason, todo: &mut Vec<Action>) {
        self.phase = Phase::Sealing;
        self.ended = Some((why, now));
        let supervised = self.elapsed(now);
        for number in 0..self.workloads.len() {
            if let Some((_, how)) = self.workloads[number].awaited.take() {
                let message = format!("{how}, and was not back when the run ended");
                self.raise_of(number, "down", incident(Status::Fail, "exit", now.wall, message));
            }
            self.judge_job(now, number);
        }
        let all_done = why == EndReason::AllCompleted && !self.plan.duration_is_written;
        if !all_done && !reaches(supervised.as_secs_f64(), self.plan.required.as_secs_f64()) {
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
        self.announce_end(now, why, todo);
        self.snapshot(now, true, todo);
        todo.push(Action::Finish);
    }

    /// A job that the end of the run found unfinished has failed.
    fn judge_job(&mut self, now: Now, number: usize) {
        let workload = &self.workloads[number];
        if workload.plan.left_out || workload.root.is_some() {
            return;
        }
        let (name, because) = (&workload.plan.name, &workload.because);
        let message = match workload.state {
            State::Stopped if workload.plan.job => format!("{name} is a job, and was not done when the run ended"),
            State::Skipped => format!("{name} was never started, or not again: {because}"),
            _ => return,
        };
        self.raise_of(number, "unfinished", incident(Status::Fail, "workload", now.wall, message));
    }
}
