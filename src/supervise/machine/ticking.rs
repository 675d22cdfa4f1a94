//! What is due because time has passed: monitors, restarts, the way down.

use std::time::Duration;

use serde_json::json;

use super::Machine;
use super::lifecycle::is_over;
use super::workload::{Child, Why};
use crate::finding::Status;
use crate::supervise::event::{Action, Measure, Now};
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
                for workload in &mut self.workloads {
                    workload.last_output = (workload.last_output + ran).min(now.mono);
                }
            }
            let message = format!("emp-ops itself did not run for {}", human_duration(ran));
            self.raise("held up", incident(Status::Warn, "clock", now.wall, message));
        }
        held_up
    }

    /// Everything that is due because time has passed; `held_up` says that emp-ops did not run just before.
    pub(super) fn tick(&mut self, now: Now, held_up: bool, todo: &mut Vec<Action>) {
        if self.ended.is_some() {
            return self.refresh_if_owed(now, todo);
        }
        if self.ending.is_none() && now.mono >= self.plan.target && self.may_reach_its_time() {
            self.end(now, EndReason::DurationReached, None, todo);
        }
        for number in 0..self.workloads.len() {
            self.watch(now, number, held_up, todo);
        }
        self.advance(now, todo);
        self.guard(now, todo);
        let fresh = self.incidents.fresh();
        self.drill(now, &fresh, todo);
        self.tell(now, &fresh, todo);
        self.go_down(now, todo);
        if self.ended.is_some() {
            return;
        }
        if due(&mut self.next.disk, now, DISK_INTERVAL) {
            todo.push(Action::CheckDisk);
        }
        // What was asked to stop refreshes nothing any more.
        let refreshed = self.ending.is_none() && !self.plan.evidence.is_empty();
        if refreshed && due(&mut self.next.evidence, now, self.plan.evidence_interval) {
            todo.push(Action::CheckEvidence);
        }
        if let Some(interval) = self.plan.sample_interval
            && self.workloads.iter().any(|w| w.gone.is_none() && !matches!(w.child, Child::Down | Child::Spawning))
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

    /// Whether its time may end the run: of one command, what is being started is told first, and one that hangs, with its
    /// silence, until its end.
    fn may_reach_its_time(&self) -> bool {
        let first = &self.workloads[0];
        let hung = matches!(first.child, Child::Stopping { why: Why::Timeout, .. });
        !self.plan.single || first.attempts.any() && first.child != Child::Spawning && first.gone.is_none() && !hung
    }

    /// What is due for one workload.
    fn watch(&mut self, now: Now, number: usize, held_up: bool, todo: &mut Vec<Action>) {
        let workload = &self.workloads[number];
        if workload.gone.is_some() {
            return;
        }
        match workload.child {
            Child::Stopping { .. } => self.climb_down(now, number, todo),
            // After a pause of our own the lines of that time may still be in the pipe.
            Child::Alive if !held_up && self.ending.is_none() => {
                self.watch_silence(now, number, todo);
                self.look_at_probe(now, number, todo);
            }
            _ => {}
        }
    }

    fn watch_silence(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        let silence = now.mono.saturating_sub(workload.last_output);
        if let Some((limit, severity)) = workload.plan.live_gap
            && silence > limit
            && !workload.silence_reported
        {
            workload.silence_reported = true;
            self.silence(now, number, silence, limit, severity);
        }
        let workload = &self.workloads[number];
        if is_over(workload.plan.hang_timeout, silence) {
            let because = format!("hung (no output for {})", human_duration(silence));
            let how = format!("{} {because}", workload.plan.called);
            let found = incident(Status::Fail, "hang", now.wall, format!("{how} and is stopped"));
            if self.comes_back(now, number) {
                self.await_restart(number, how, found);
            } else {
                let key = self.raise_of(number, "hang", found);
                self.workloads[number].root = Some(key);
            }
            self.stop(now, number, Why::Timeout, &because, todo);
        }
    }

    fn silence(&mut self, now: Now, number: usize, silence: Duration, limit: Duration, severity: Status) {
        let of = self.name_of(number).map(|name| format!("{name}: ")).unwrap_or_default();
        let message = format!("{of}no output for {} (limit {})", human_duration(silence), human_duration(limit));
        let last = self.workloads[number].capture.last_line_at;
        let mut found = incident(severity, "silence", now.wall, message);
        found.metadata.insert("threshold_seconds".to_owned(), json!(limit.as_secs_f64()));
        found.metadata.insert("gap_seconds".to_owned(), json!(silence.as_secs_f64()));
        found.metadata.insert("last_log_at".to_owned(), json!(last));
        let key = last.map(|at| at.to_string()).unwrap_or_default();
        self.raise_of(number, &key, found);
    }

    /// The process trees were measured.
    pub(super) fn sampled(&mut self, now: Now, seen: &[(usize, Measure)]) {
        let mut sum = Measure::default();
        for (number, measure) in seen {
            sum.add(measure);
            if self.plan.single {
                continue;
            }
            let workload = &mut self.workloads[*number];
            let whose = Some(workload.plan.name.as_str());
            if workload.resources.sampled(*measure, &workload.plan.limits, now, whose, &mut self.incidents) {
                self.owe(true);
            }
        }
        if self.resources.sampled(sum, &self.plan.limits, now, None, &mut self.incidents) {
            self.owe(true);
        }
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
