//! The life of one workload: its starts, its ends, and what follows from each.

use std::time::Duration;

use serde_json::json;

use super::workload::{Child, Fate, Why};
use super::{FIRST_SAMPLE, Machine};
use crate::finding::{Status, count};
use crate::supervise::attempts::Ended;
use crate::supervise::event::{Action, Exit, Now, Stage, StopSignal};
use crate::supervise::incidents::incident;
use crate::supervise::plan::Restart;
use crate::supervise::progress::{self, Phase};
use crate::supervise::record::EndReason;
use crate::supervise::workloads::state::State;
use crate::time::human_duration;

impl Machine {
    /// Asks for a start.
    pub(super) fn spawn(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        workload.met_at.get_or_insert(now.mono);
        workload.child = Child::Spawning;
        todo.push(Action::Spawn(number));
    }

    pub(super) fn spawned(&mut self, now: Now, number: usize, pid: u32, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        workload.attempts.spawned(pid, now.wall);
        workload.child = Child::Alive;
        workload.last_output = now.mono;
        workload.silence_reported = false;
        if let Some(ready) = &workload.plan.ready {
            workload.probe.begin(ready, now.mono);
        }
        let again = workload.attempts.number() > 1;
        let because = if again { "started again" } else { "started" };
        let to = if workload.plan.ready.is_some() { State::Starting } else { State::Running };
        workload.go(now, to, because, todo);
        if again {
            workload.restarted.push_back(now.mono);
        }
        self.back(now, number);
        self.workloads[number].down_since = None;
        self.next.sample = now.mono + self.plan.sample_interval.unwrap_or_default().min(FIRST_SAMPLE);
        if self.phase == Phase::Startup {
            self.phase = Phase::Running;
        }
        self.snapshot(now, true, todo);
        if self.ending.is_some() {
            self.stop(now, number, Why::Run, "the run ends", todo);
        }
    }

    pub(super) fn not_spawned(&mut self, now: Now, number: usize, error: &str, todo: &mut Vec<Action>) {
        let called = &self.workloads[number].plan.called;
        let message = format!("cannot start {called}: {error}");
        let key = self.raise_of(number, "spawn", incident(Status::Fail, "exit", now.wall, message));
        let workload = &mut self.workloads[number];
        workload.root = Some(key);
        workload.child = Child::Down;
        workload.attempts.not_started();
        workload.restarted.push_back(now.mono);
        workload.down_since.get_or_insert(now.mono);
        let because = format!("cannot be started: {error}");
        match workload.plan.restart {
            Restart::Never => self.over((now, now), number, (State::Failed, because), true, todo),
            _ => self.start_again((now, now), number, &because, todo),
        }
    }

    /// The workload has ended: says so at once, whatever it has left to be collected.
    pub(super) fn gone(&mut self, now: Now, number: usize, exit: Exit) {
        self.drills_exit(now, exit);
        let workload = &mut self.workloads[number];
        let ended = match workload.child {
            Child::Stopping { why: Why::Timeout, .. } => Ended::Hung,
            Child::Stopping { sent: Some(StopSignal::Kill), .. } => Ended::Killed,
            Child::Stopping { .. } => Ended::Stopped,
            _ => Ended::ByItself,
        };
        workload.gone = Some((now, ended));
        let plan = &workload.plan;
        // Whatever a service ends with, it has ended early; where it is the only one, the end of the run says that.
        let success = if plan.job { plan.succeeds(exit.code) } else { exit.success() };
        let well = success && (plan.job || self.plan.single);
        let answered = !(plan.job && success) && self.answered(now, number, !success);
        if ended != Ended::ByItself || (well && !answered) {
            return;
        }
        let how = format!("{} {}", self.workloads[number].plan.called, self.ended_text(number, exit));
        let mut found = incident(Status::Fail, "exit", now.wall, how.clone());
        found.metadata.insert("exit_code".to_owned(), json!(exit.code));
        found.metadata.insert("signal".to_owned(), json!(exit.signal));
        // What is answered by a restart that is allowed was foreseen.
        if answered {
            return self.await_restart(number, how, found);
        }
        let key = self.raise_of(number, &exit.text(), found);
        self.workloads[number].root = Some(key);
    }

    /// Whether an end of it, failed or not, is answered by a restart that the plan allows.
    pub(super) fn answered(&self, now: Now, number: usize, failed: bool) -> bool {
        let workload = &self.workloads[number];
        let plan = &workload.plan;
        let wanted = match plan.restart {
            Restart::Never => false,
            Restart::OnFailure => failed,
            Restart::Always => true,
        };
        wanted && workload.restarts_counted(now.mono) < plan.max_restarts
    }

    /// Tells of an end that a restart will answer; when it is back, the incident says so.
    pub(super) fn await_restart(&mut self, number: usize, how: String, mut found: progress::Incident) {
        let workload = &self.workloads[number];
        let restart = workload.attempts.restarts() + 1;
        let key = format!("restart {restart}");
        let pause = human_duration(workload.plan.pause_before(workload.streak + 1));
        found.severity = Status::Warn;
        found.message = format!("{how}; restart {restart} of {} follows after {pause}", workload.plan.max_restarts);
        let key = self.raise_of(number, &key, found);
        self.workloads[number].awaited = Some((key, how));
    }

    /// It was started again.
    fn back(&mut self, now: Now, number: usize) {
        let workload = &mut self.workloads[number];
        let (Some((key, how)), Some(since)) = (workload.awaited.take(), workload.down_since) else { return };
        let down = now.mono.saturating_sub(since);
        let (restart, most) = (workload.attempts.restarts(), workload.plan.max_restarts);
        self.incidents.retell(&key, |found| {
            found.message = format!("{how}, back after {} (restart {restart} of {most})", human_duration(down));
            found.metadata.insert("recovered_at".to_owned(), json!(now.wall));
            found.metadata.insert("down_seconds".to_owned(), json!(down.as_secs_f64()));
        });
        self.owe(true);
    }

    pub(super) fn exited(&mut self, now: Now, number: usize, exit: Exit, todo: &mut Vec<Action>) {
        if self.workloads[number].gone.is_none() {
            self.gone(now, number, exit);
        }
        let workload = &mut self.workloads[number];
        let Some((gone, ended)) = workload.gone else { return };
        workload.exit = exit;
        workload.down_since = Some(gone.mono);
        workload.attempts.ended(gone.wall, exit, ended);
        self.last_end = Some(gone);
        let fate = self.fate(number, exit);
        let workload = &mut self.workloads[number];
        if let Child::Stopping { since, sent, .. } = workload.child {
            workload.stop.seconds = gone.mono.saturating_sub(since).as_secs_f64();
            workload.stop.in_time = sent != Some(StopSignal::Kill);
            if workload.plan.actions[1] > 0 {
                workload.child = Child::Closing(fate);
                return todo.push(Action::Act(number, Stage::AfterStop));
            }
        }
        self.settle(now, number, fate, todo);
    }

    /// How it ended, with a word where a good code is no good end.
    fn ended_text(&self, number: usize, exit: Exit) -> String {
        let early = exit.success() && !self.plan.single && !self.workloads[number].plan.job;
        format!("{}{}", exit.text(), if early { ", before the end of the run" } else { "" })
    }

    /// What becomes of a workload that has ended like this.
    fn fate(&self, number: usize, exit: Exit) -> Fate {
        let workload = &self.workloads[number];
        let plan = &workload.plan;
        let last = |state, because: String| Fate::Final { state, because };
        let again = |because: String| Fate::Again { because };
        let (why, sent) = match workload.child {
            Child::Stopping { why, sent, .. } => (why, sent),
            _ if plan.job && plan.succeeds(exit.code) => return last(State::Completed, exit.text()),
            _ => {
                let because = self.ended_text(number, exit);
                let wanted = match plan.restart {
                    Restart::Never => false,
                    Restart::OnFailure => plan.job || !exit.success(),
                    Restart::Always => true,
                };
                // A command that ends well has done what it was asked to; the end of the run tells whether it was early.
                let well = self.plan.single && exit.success();
                return match wanted {
                    true => again(because),
                    false => last(if well { State::Completed } else { State::Failed }, because),
                };
            }
        };
        let killed = sent == Some(StopSignal::Kill);
        let stopped = match killed {
            true => format!("killed, as it did not stop within {}", human_duration(plan.shutdown_grace)),
            false => format!("stopped; it {}", exit.text()),
        };
        let state = if killed { State::Failed } else { State::Stopped };
        match why {
            _ if self.ending.is_some() => last(state, stopped),
            Why::Loss { again: true } => again(workload.because.clone()),
            Why::Timeout if plan.restart == Restart::Never => last(State::Failed, workload.because.clone()),
            Why::Timeout => again(workload.because.clone()),
            Why::Run | Why::Loss { again: false } => last(state, stopped),
        }
    }

    /// Lets a workload that has ended, and has nothing left to do, go on.
    pub(super) fn settle(&mut self, now: Now, number: usize, fate: Fate, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        workload.child = Child::Down;
        let (at, ended) = workload.gone.map_or((now, Ended::ByItself), |(at, ended)| (at, ended));
        match fate {
            Fate::Final { state, because } => {
                self.over((now, at), number, (state, because), ended == Ended::Hung, todo);
            }
            Fate::Again { because } => {
                let up = at.mono.saturating_sub(workload.since.mono);
                if workload.state.is_up() && up >= workload.plan.backoff_reset {
                    workload.streak = 0;
                }
                self.start_again((now, at), number, &because, todo);
            }
        }
        self.workloads[number].gone = None;
    }

    /// Plans the next start of a workload that ended `at` some time before now, unless that happened too often.
    fn start_again(&mut self, (now, at): (Now, Now), number: usize, because: &str, todo: &mut Vec<Action>) {
        if self.ending.is_some() {
            return self.over((now, at), number, (State::Failed, because.to_owned()), false, todo);
        }
        let workload = &mut self.workloads[number];
        let plan = &workload.plan;
        let counted = workload.restarts_counted(now.mono);
        if counted >= plan.max_restarts {
            let window = plan.restart_window.map(|window| format!(" in {}", human_duration(window)));
            let window = window.unwrap_or_default();
            let message = match self.plan.single {
                true => format!("gave up after {}: the command ended again", count(counted, "restart")),
                false => format!("{}: restarts used up ({counted}{window})", plan.called),
            };
            let key = self.raise_of(number, "limit", incident(Status::Fail, "restart", at.wall, message));
            self.workloads[number].root = Some(key);
            let because = format!("restarts used up ({counted}{window}): {because}");
            return self.over((now, at), number, (State::Failed, because), true, todo);
        }
        workload.streak += 1;
        let pause = workload.plan.pause_before(workload.streak);
        workload.next_start = at.mono + pause;
        let because = format!("{because}; again in {}", human_duration(pause));
        match workload.state {
            State::Restarting => workload.because = because,
            _ => workload.go(now, State::Restarting, because, todo),
        }
        self.owe(true);
    }

    /// A workload has ended for good.
    fn over(
        &mut self,
        (now, at): (Now, Now),
        number: usize,
        (state, because): (State, String),
        gave_up: bool,
        todo: &mut Vec<Action>,
    ) {
        let single = self.plan.single;
        let workload = &mut self.workloads[number];
        workload.go(now, state, because, todo);
        let counts = workload.plan.required && !self.plan.keep_going && state != State::Completed;
        self.owe(true);
        match (single, gave_up) {
            (true, true) => self.end(at, EndReason::GaveUp, Some(number), todo),
            (true, false) => self.end(at, EndReason::CommandEnded, Some(number), todo),
            // First it is told what else that makes impossible.
            (false, _) if counts => self.broken = self.broken.or(Some(number)),
            _ => {}
        }
    }

    /// A workload can never start: it ends here.
    pub(super) fn refuse(&mut self, now: Now, number: usize, state: State, because: String, todo: &mut Vec<Action>) {
        self.over((now, now), number, (state, because), true, todo);
    }
}

/// Whether more time has passed than a limit allows.
pub(super) fn is_over(limit: Option<Duration>, passed: Duration) -> bool {
    limit.is_some_and(|limit| passed > limit)
}
