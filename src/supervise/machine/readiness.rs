//! Probes: when they are asked, and what their answers mean.

use serde_json::json;

use super::Machine;
use super::lifecycle::is_over;
use super::workload::Why;
use crate::finding::{Status, count};
use crate::supervise::event::{Action, Now};
use crate::supervise::incidents::incident;
use crate::supervise::workloads::probe::{Answer, Before, Verdict};
use crate::supervise::workloads::state::State;
use crate::time::human_duration;

/// From so many episodes on a workload is said to flap.
const FLAPPING: u64 = 5;

impl Machine {
    /// Asks what is due, and ends what is not ready in time.
    pub(super) fn look_at_probe(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        let Some(ready) = workload.plan.ready.as_ref().filter(|_| workload.runs()) else { return };
        if !ready.by_log && !workload.probe.in_flight && now.mono >= workload.probe.next {
            workload.probe.in_flight = true;
            workload.probe.next = (workload.probe.next + ready.interval).max(now.mono + ready.interval / 2);
            let attempt = workload.attempts.number();
            todo.push(Action::Probe { workload: number, attempt, before: false });
        }
        let passed = now.mono.saturating_sub(workload.since.mono);
        let late = match workload.state {
            State::Starting => is_over(Some(ready.within), passed).then_some("was not ready"),
            State::Unready => is_over(workload.plan.unready_timeout, passed).then_some("was not ready again"),
            _ => None,
        };
        let Some(late) = late else { return };
        let how = format!("{} {late} within {}", workload.plan.called, human_duration(passed));
        let seen = workload.probe.last_failure.as_ref().map(|seen| format!(" ({})", seen.message)).unwrap_or_default();
        let because = format!("{late} within {}{seen}", human_duration(passed));
        let mut found =
            incident(Status::Fail, "readiness", now.wall, format!("{how} and is stopped: {}{seen}", ready.shown));
        found.metadata.insert("probe".to_owned(), json!(workload.probe.last_failure));
        if self.comes_back(now, number) {
            self.await_restart(number, how, found);
        } else {
            let key = self.raise_of(number, "late", found);
            self.workloads[number].root = Some(key);
        }
        self.stop(now, number, Why::Timeout, &because, todo);
    }

    pub(super) fn probed(
        &mut self,
        now: Now,
        number: usize,
        (attempt, before): (u64, bool),
        answer: &Answer,
        todo: &mut Vec<Action>,
    ) {
        if before {
            return self.answered_before(now, number, answer, todo);
        }
        let workload = &mut self.workloads[number];
        let Some(ready) = workload.plan.ready.clone() else { return };
        // An answer belongs to the attempt in which it was asked for, and that of a process that is gone is none.
        if attempt != workload.attempts.number() {
            return;
        }
        workload.probe.in_flight = false;
        if !workload.runs() {
            return;
        }
        let verdict = workload.probe.answered(&ready, answer, now.wall);
        let message = answer.message.clone();
        match (workload.state, verdict) {
            (State::Starting, Verdict::Ready) => workload.go(now, State::Ready, message, todo),
            (State::Unready, Verdict::Ready) => {
                let down = now.mono.saturating_sub(workload.since.mono);
                workload.go(now, State::Ready, message, todo);
                self.episode_over(now, number, down);
            }
            (State::Ready, Verdict::Unready) => {
                workload.probe.episodes += 1;
                workload.go(now, State::Unready, format!("{}: {message}", count(ready.failures, "failed probe")), todo);
                self.episode(now, number, &message);
            }
            _ => return,
        }
        self.owe(true);
    }

    /// A line of its own says that it is ready.
    pub(super) fn ready_by_log(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        let by_log = workload.plan.ready.as_ref().filter(|ready| ready.by_log).map(|ready| ready.shown.clone());
        if let Some(shown) = by_log.filter(|_| workload.state == State::Starting) {
            workload.probe.answers += 1;
            workload.go(now, State::Ready, shown, todo);
            self.owe(true);
        }
    }

    /// What answers while the workload is down is somebody else.
    fn answered_before(&mut self, now: Now, number: usize, answer: &Answer, todo: &mut Vec<Action>) {
        let workload = &mut self.workloads[number];
        if workload.probe.before != Before::Asked || self.ending.is_some() {
            return;
        }
        workload.probe.before = Before::Done;
        let Some(ready) = workload.plan.ready.clone().filter(|ready| answer.ok && !ready.may_precede) else { return };
        let (called, first) = (workload.plan.called.clone(), !workload.attempts.any());
        let message = format!(
            "{called} was not running, but its probe passed ({}): somebody else answers, so it proves nothing",
            answer.message
        );
        let severity = if first { Status::Fail } else { Status::Warn };
        let mut found = incident(severity, "readiness", now.wall, message);
        found.metadata.insert("probe".to_owned(), json!(ready.shown));
        let key = self.raise_of(number, "before", found);
        let workload = &mut self.workloads[number];
        if !first {
            return workload.probe.suspect();
        }
        workload.root = Some(key);
        let because = format!("its probe passed before it was started ({}): somebody else answers", answer.message);
        self.refuse(now, number, State::Failed, because, todo);
    }

    /// It became unready.
    fn episode(&mut self, now: Now, number: usize, message: &str) {
        let workload = &self.workloads[number];
        let (called, episodes) = (workload.plan.called.clone(), workload.probe.episodes);
        let mut found =
            incident(Status::Warn, "readiness", now.wall, format!("{called} is not ready any more: {message}"));
        found.metadata.insert("from".to_owned(), json!(now.wall));
        let key = self.raise_of(number, "unready", found);
        if episodes >= FLAPPING {
            let message = format!("{called} flaps: {} of not being ready", count(episodes, "episode"));
            self.incidents.retell(&key, |found| {
                found.message = message;
                found.metadata.insert("flapping".to_owned(), json!(true));
            });
        }
    }

    /// It is ready again.
    fn episode_over(&mut self, now: Now, number: usize, down: std::time::Duration) {
        let name = self.name_of(number).map(|name| format!("{name}/")).unwrap_or_default();
        self.incidents.amend("readiness", Status::Warn, &format!("{name}unready"), |metadata| {
            metadata.insert("recovered_at".to_owned(), json!(now.wall));
            metadata.insert("down_seconds".to_owned(), json!(down.as_secs_f64()));
        });
    }
}
