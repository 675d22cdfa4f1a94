//! What is due because time has passed: monitors, restarts, the way down.

use std::time::Duration;

use serde_json::json;

use super::{Child, Machine, Why};
use crate::finding::Status;
use crate::supervise::event::{Action, Now, StopSignal};
use crate::supervise::incidents::incident;
use crate::supervise::progress::Phase;
use crate::supervise::record::EndReason;
use crate::time::human_duration;

/// Between looks at the file system of the output.
const DISK_INTERVAL: Duration = Duration::from_secs(30);
/// A step that comes later than this was held up: the supervisor itself did not run.
const HELD_UP: Duration = Duration::from_secs(5);
/// So many times of that are noted; silence in later ones counts.
const MOST_PAUSES: usize = 1000;
/// After the kill, this long is waited for the end of a process that cannot be killed.
const KILL_WAIT: Duration = Duration::from_secs(10);

impl Machine {
    /// Notes when emp-ops itself or the machine did not run since the last step: that is no silence of the command. True
    /// when emp-ops did not.
    pub(super) fn look_at_clocks(&mut self, now: Now) -> bool {
        let last = std::mem::replace(&mut self.last_step, now);
        if self.clock.look(now, &mut self.incidents) {
            self.owe(true);
        }
        let ran = now.mono.saturating_sub(last.mono);
        let suspended = now.boot.saturating_sub(last.boot).saturating_sub(ran);
        let held_up = ran > HELD_UP;
        if self.phase == Phase::Startup || !(held_up || suspended > HELD_UP) {
            return false;
        }
        if self.paused.len() < MOST_PAUSES {
            self.paused.push((last.wall.min(now.wall), now.wall));
        }
        if held_up {
            if self.held_up.len() < MOST_PAUSES {
                let seconds = |at: Duration| at.as_micros() as f64 / 1e6;
                self.held_up.push((seconds(last.mono), seconds(now.mono)));
                self.last_output = (self.last_output + ran).min(now.mono);
            }
            let message = format!("emp-ops itself did not run for {}", human_duration(ran));
            self.raise("held up", incident(Status::Warn, "clock", now.wall, message));
        }
        held_up
    }

    /// Everything that is due because time has passed; `held_up` says that emp-ops did not run just before.
    pub(super) fn tick(&mut self, now: Now, held_up: bool, todo: &mut Vec<Action>) {
        if self.child == Child::Over {
            return self.refresh_if_owed(now, todo);
        }
        if self.gone.is_none() {
            self.watch_child(now, held_up, todo);
        }
        if due(&mut self.next.disk, now, DISK_INTERVAL) {
            todo.push(Action::CheckDisk);
        }
        if !self.plan.evidence.is_empty() && due(&mut self.next.evidence, now, self.plan.evidence_interval) {
            todo.push(Action::CheckEvidence);
        }
        if let Some(interval) = self.plan.sample_interval
            && self.gone.is_none()
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

    pub(super) fn watch_child(&mut self, now: Now, held_up: bool, todo: &mut Vec<Action>) {
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
                    let how = format!("the command hung (no output for {})", human_duration(silence));
                    let found = incident(Status::Fail, "hang", now.wall, format!("{how} and is stopped"));
                    if self.answered(true) {
                        self.await_restart(how, found);
                    } else {
                        self.raise("hang", found);
                    }
                    self.stop(now, Why::Hang, todo);
                }
            }
            _ => {}
        }
        if matches!(self.child, Child::Waiting { .. }) && now.mono >= self.plan.target && self.attempts.any() {
            self.finish(now, EndReason::DurationReached, todo);
        }
    }

    pub(super) fn silence(&mut self, now: Now, silence: Duration, limit: Duration, severity: Status) {
        let message = format!("no output for {} (limit {})", human_duration(silence), human_duration(limit));
        let mut found = incident(severity, "silence", now.wall, message);
        found.metadata.insert("threshold_seconds".to_owned(), json!(limit.as_secs_f64()));
        found.metadata.insert("gap_seconds".to_owned(), json!(silence.as_secs_f64()));
        found.metadata.insert("last_log_at".to_owned(), json!(self.capture.last_line_at));
        let key = self.capture.last_line_at.map(|at| at.to_string()).unwrap_or_default();
        self.raise(&key, found);
    }

    /// Interrupt, then terminate at half the grace period, then kill at its end.
    pub(super) fn climb_down(&mut self, now: Now, why: Why, since: Duration, sent: StopSignal, todo: &mut Vec<Action>) {
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
            // Of a command that hangs nobody expects to hear the signal.
            let answered = why == Why::Hang && self.awaited.is_some();
            let severity = if answered { Status::Warn } else { Status::Fail };
            self.raise("killed", incident(severity, "exit", now.wall, message));
        }
        self.child = Child::Stopping { why, since, sent: next };
        todo.push(Action::Signal(next));
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
