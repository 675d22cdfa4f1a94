//! What a workload waits for before each of its starts, looked at in the present.

use serde_json::json;

use super::Machine;
use super::workload::{Child, Why};
use crate::finding::Status;
use crate::supervise::event::{Action, Now};
use crate::supervise::incidents::incident;
use crate::supervise::plan::Restart;
use crate::supervise::record::EndReason;
use crate::supervise::workloads::plan::{Condition, OnLoss};
use crate::supervise::workloads::probe::Before;
use crate::supervise::workloads::state::State;

/// The state of a condition.
enum Standing {
    Met,
    Open,
    /// It cannot be met any more, for this reason.
    Lost(String),
}

impl Machine {
    /// Skips what the operator leaves out.
    pub(super) fn leave_out(&mut self, now: Now, todo: &mut Vec<Action>) {
        for workload in self.workloads.iter_mut().filter(|workload| workload.plan.left_out) {
            workload.go(now, State::Skipped, "left out by --skip-workload", todo);
        }
    }

    /// Looks at all conditions until nothing changes any more: what one start or end makes possible comes at once.
    pub(super) fn advance(&mut self, now: Now, todo: &mut Vec<Action>) {
        while self.ending.is_none() && (0..self.workloads.len()).any(|number| self.consider(now, number, todo)) {}
        if let Some(by) = self.broken.take() {
            self.end(now, EndReason::WorkloadFailed, Some(by), todo);
        }
        if self.ending.is_none() {
            for number in 0..self.workloads.len() {
                self.look_at_losses(now, number, todo);
            }
        }
        self.look_for_the_end(now, todo);
    }

    /// Whether the state of a workload changed because of its conditions.
    fn consider(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) -> bool {
        let workload = &self.workloads[number];
        let due = match workload.state {
            State::Pending | State::Waiting => true,
            State::Restarting => now.mono >= workload.next_start && now.mono < self.plan.target,
            _ => false,
        };
        if !due || workload.child != Child::Down {
            return false;
        }
        let mut open = Vec::new();
        for &(on, condition) in &workload.plan.depends_on {
            match self.standing(on, condition) {
                Standing::Met => {}
                Standing::Open => open.push(self.waited_for(on, condition)),
                Standing::Lost(because) => {
                    self.skip(now, number, on, because, todo);
                    return true;
                }
            }
        }
        if !open.is_empty() {
            return self.wait(now, number, format!("waits for {}", open.join(", ")), todo);
        }
        if self.broken.is_some() {
            return false;
        }
        if workload.plan.ready.as_ref().is_some_and(|ready| !ready.by_log) {
            match workload.probe.before {
                Before::Done => {}
                Before::Asked => return false,
                Before::Open => {
                    self.workloads[number].probe.before = Before::Asked;
                    let attempt = self.workloads[number].attempts.number();
                    self.wait(now, number, "its probe must not pass before it is started".to_owned(), todo);
                    todo.push(Action::Probe { workload: number, attempt, before: true });
                    return true;
                }
            }
        }
        self.spawn(now, number, todo);
        true
    }

    /// Notes that it waits. Whether that is new.
    fn wait(&mut self, now: Now, number: usize, because: String, todo: &mut Vec<Action>) -> bool {
        let workload = &mut self.workloads[number];
        if workload.state == State::Waiting {
            workload.because = because;
            return false;
        }
        workload.go(now, State::Waiting, because, todo);
        self.owe(true);
        true
    }

    /// What a workload waits for now, each with its state.
    pub(super) fn waiting_for(&self, number: usize) -> Vec<String> {
        let workload = &self.workloads[number];
        if workload.state != State::Waiting {
            return Vec::new();
        }
        let open = workload.plan.depends_on.iter();
        let open = open.filter(|(on, condition)| matches!(self.standing(*on, *condition), Standing::Open));
        open.map(|(on, condition)| self.waited_for(*on, *condition)).collect()
    }

    fn waited_for(&self, on: usize, condition: Condition) -> String {
        let other = &self.workloads[on];
        format!("{} to be {} (it is {})", other.plan.name, condition.word(), other.state.word())
    }

    fn standing(&self, on: usize, condition: Condition) -> Standing {
        let other = &self.workloads[on];
        let met = match condition {
            Condition::Started => {
                other.runs() || (matches!(other.child, Child::Stopping { .. }) && other.gone.is_none())
            }
            Condition::Ready => other.state == State::Ready && other.gone.is_none(),
            Condition::Completed => other.state == State::Completed,
        };
        match other.state {
            _ if met => Standing::Met,
            State::Skipped | State::Failed | State::Stopped => {
                Standing::Lost(format!("{} {} ({})", other.plan.name, past(other.state), other.because))
            }
            State::Completed => {
                Standing::Lost(format!("{} has completed, and is not {}", other.plan.name, condition.word()))
            }
            _ => Standing::Open,
        }
    }

    /// It never starts, or never again, because of another one.
    fn skip(&mut self, now: Now, number: usize, on: usize, because: String, todo: &mut Vec<Action>) {
        if self.workloads[number].state == State::Restarting {
            self.workloads[number].go(now, State::Waiting, because.clone(), todo);
        }
        // The incident of what began it names what followed.
        let root = self.workloads[on].root.clone();
        let name = self.workloads[number].plan.name.clone();
        let severity = self.workloads[number].plan.severity(Status::Fail);
        let follows = |key: &String| self.incidents.follow(key, severity, &format!("{name} was skipped"));
        let known = root.filter(follows);
        let key = known.unwrap_or_else(|| {
            let message = format!("{name} was skipped: {because}");
            self.raise_of(number, "skipped", incident(Status::Fail, "dependency", now.wall, message))
        });
        self.workloads[number].root = Some(key);
        self.workloads[number].led_by = Some(self.workloads[on].led_by.unwrap_or(on));
        self.refuse(now, number, State::Skipped, because, todo);
    }

    /// What runs, and has lost something that it depends on.
    fn look_at_losses(&mut self, now: Now, number: usize, todo: &mut Vec<Action>) {
        let workload = &self.workloads[number];
        if !workload.runs() {
            return;
        }
        let lost = workload.plan.depends_on.iter().find(|(on, condition)| {
            // A job that is over was there.
            *condition != Condition::Completed
                && !(self.workloads[*on].state == State::Completed)
                && !matches!(self.standing(*on, *condition), Standing::Met)
        });
        let Some(&(on, condition)) = lost else {
            self.workloads[number].loss_reported = false;
            return;
        };
        if workload.loss_reported {
            return;
        }
        let (policy, called) = (workload.plan.on_dependency_loss, workload.plan.called.clone());
        let (other, state) = (self.workloads[on].plan.name.clone(), self.workloads[on].state);
        self.workloads[number].loss_reported = true;
        let state = if self.workloads[on].gone.is_some() { "over" } else { state.word() };
        let how = format!("{other} is not {} any more (it is {state})", condition.word());
        let what = match policy {
            OnLoss::Continue => return,
            OnLoss::Restart => "is restarted",
            OnLoss::Stop => "is stopped",
        };
        let severity = if policy == OnLoss::Stop { Status::Fail } else { Status::Warn };
        let mut found = incident(severity, "dependency", now.wall, format!("{called} {what}: {how}"));
        found.metadata.insert("dependency".to_owned(), json!(other));
        let key = self.raise_of(number, &format!("{other}/{}", condition.word()), found);
        if policy == OnLoss::Stop {
            self.workloads[number].root = Some(key);
        }
        self.stop(now, number, Why::Loss { again: policy == OnLoss::Restart }, &how, todo);
    }

    /// Ends a run in which nothing is left to happen.
    fn look_for_the_end(&mut self, now: Now, todo: &mut Vec<Action>) {
        if self.ending.is_some() || self.plan.single || !self.workloads.iter().all(|w| w.state.is_final()) {
            return;
        }
        // Jobs that are done, and nothing that should have gone on; what was left out has done nothing.
        let mut all = self.workloads.iter().filter(|w| !w.plan.left_out);
        let done = |w: &super::Workload| w.state == State::Completed;
        let completed = all.clone().any(done) && all.all(|w| w.plan.job && (done(w) || !w.plan.required));
        // What was skipped followed from another one, and an optional one matters least.
        let first = |number: &usize| {
            let workload = &self.workloads[*number];
            (!workload.plan.required, workload.state == State::Skipped, workload.since.mono)
        };
        let failed = (0..self.workloads.len())
            .filter(|at| !done(&self.workloads[*at]) && !self.workloads[*at].plan.left_out)
            .filter(|_| !completed);
        let by = failed.min_by_key(first);
        let why = if completed { EndReason::AllCompleted } else { EndReason::WorkloadFailed };
        self.end(now, why, by, todo);
    }

    /// Whether it would be started again after a failure.
    pub(super) fn comes_back(&self, now: Now, number: usize) -> bool {
        self.workloads[number].plan.restart != Restart::Never && self.answered(now, number, true)
    }
}

fn past(state: State) -> &'static str {
    match state {
        State::Skipped => "was skipped",
        State::Stopped => "was stopped",
        _ => "failed",
    }
}
