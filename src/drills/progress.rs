//! One drill while it runs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::order::{Moment, Order, Outcome};
use super::plan::{Condition, Drill, Known, seconds};
use super::step::{Stage, Step, StepKind};

/// More steps of one drill are not noted: it has failed then.
const MOST_STEPS: usize = 2000;

/// One drill while it runs.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) stage: At,
    pub(super) steps: Vec<Step>,
    /// Since when it is in its stage.
    since: Duration,
    pub(super) injected: Option<Duration>,
    /// When its restore began, or would have where it has none.
    restoring: Option<Duration>,
    /// The action that is being done.
    doing: Option<usize>,
    /// What is known of the conditions of the stage.
    tests: Vec<Test>,
    /// When something happened last: by the list of its condition and its place there.
    seen: BTreeMap<(Stage, usize), Seen>,
    /// When somebody was told of it, and when somebody looked after it.
    notified: Option<Duration>,
    acked: Option<Duration>,
    /// Whether the run has ended.
    ended: bool,
    pub(super) over: Option<Duration>,
}

/// Where a drill is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum At {
    #[default]
    Waiting,
    In(Stage),
    Done,
}

#[derive(Clone, Debug, Default)]
struct Test {
    asked: bool,
    next: Duration,
    holds: Option<bool>,
    /// Since when it holds or not.
    since: Duration,
    message: String,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    at: Duration,
    /// The same of what belongs to no other drill.
    own: Option<Duration>,
    message: String,
}

impl Progress {
    /// Begins.
    pub(super) fn start(&mut self, now: Moment, drill: &Drill) {
        self.enter(now, drill, Stage::Steady);
    }

    /// The run ends: what was injected is restored, everything else is left.
    pub(super) fn end(&mut self, now: Moment, drill: &Drill) {
        if self.ended {
            return;
        }
        self.ended = true;
        match self.stage {
            At::Waiting => self.stage = At::Done,
            At::In(stage) => {
                self.note(now, stage, StepKind::Ended, 0, "the run ended", false, "");
                match stage {
                    Stage::Detect => self.enter(now, drill, Stage::Restore),
                    // What is being injected is restored when it is done; a restore goes on.
                    Stage::Inject | Stage::Restore => {}
                    _ => self.finish(now),
                }
            }
            At::Done => {}
        }
    }

    /// Whether an injection must still be restored.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.stage, At::In(Stage::Inject | Stage::Detect | Stage::Restore))
    }

    /// When it began to inject, by the wall clock.
    pub(super) fn injected_at(&self) -> Option<crate::time::Stamp> {
        let begun = |step: &&Step| (step.stage, step.kind) == (Stage::Inject, StepKind::Begun);
        self.steps.iter().find(begun).map(|step| step.at)
    }

    /// Whether it has begun to inject, and not done what restores that.
    pub(super) fn is_owed(&self) -> bool {
        self.injected.is_some() && self.is_broken()
    }

    /// An action is over.
    pub(super) fn done(&mut self, now: Moment, drill: &Drill, (stage, number): (Stage, usize), outcome: &Outcome) {
        if self.stage != At::In(stage) || self.doing != Some(number) {
            return;
        }
        self.doing = None;
        let what = drill.actions(stage).get(number).map_or("", |action| &action.what).to_owned();
        self.note(now, stage, StepKind::Action, number, &what, outcome.ok, &outcome.message);
        if let Some(step) = self.steps.last_mut() {
            step.duration_seconds = Some(outcome.duration.as_secs_f64());
        }
        // The next one.
        self.tests.get_mut(number).into_iter().for_each(|test| test.holds = Some(outcome.ok));
    }

    /// A condition was looked at.
    pub(super) fn answered(
        &mut self,
        now: Moment,
        drill: &Drill,
        (stage, number): (Stage, usize),
        ok: bool,
        message: &str,
    ) {
        if self.stage != At::In(stage) {
            return;
        }
        if let Some(test) = self.tests.get_mut(number).filter(|test| test.asked) {
            test.asked = false;
            test.next = now.at + drill.poll();
            self.learnt(now, drill, number, ok, message);
        }
    }

    fn learnt(&mut self, now: Moment, drill: &Drill, number: usize, ok: bool, message: &str) {
        let At::In(stage) = self.stage else { return };
        let Some(test) = self.tests.get_mut(number) else { return };
        message.clone_into(&mut test.message);
        if test.holds == Some(ok) {
            return;
        }
        (test.holds, test.since) = (Some(ok), now.at);
        let what = drill.conditions(stage).get(number).map_or("", |condition| &condition.what).to_owned();
        self.note(now, stage, StepKind::Condition, number, &what, ok, message);
    }

    /// Something happened that conditions of this drill wait for; `foreign` where it belongs to another drill.
    pub(super) fn happened(&mut self, now: Moment, list: Stage, number: usize, message: &str, foreign: bool) {
        let seen = self.seen.entry((list, number)).or_default();
        seen.at = now.at;
        if !foreign {
            seen.own = Some(now.at);
        }
        message.clone_into(&mut seen.message);
    }

    /// Something happened that all conditions wait for of which `met` is true, by their kind and what they are of.
    pub(super) fn each(&mut self, drill: &Drill, met: impl Fn(Known, &str) -> bool, now: Moment, message: &str) {
        for list in [Stage::Steady, Stage::Detect, Stage::Recover, Stage::Verify] {
            for (number, condition) in drill.conditions(list).iter().enumerate() {
                if met(condition.kind, &condition.of) {
                    self.happened(now, list, number, message, false);
                }
            }
        }
    }

    /// Somebody was told of it.
    pub(super) fn notified(&mut self, now: Moment, channel: &str) {
        if self.notified.is_none() && self.injected.is_some() && self.over.is_none() {
            self.notified = Some(now.at);
            self.note(now, Stage::Acknowledge, StepKind::Condition, 0, "notified", true, channel);
        }
    }

    /// Somebody looks after it.
    pub(super) fn acknowledged(&mut self, now: Moment) {
        if self.notified.is_some() && self.acked.is_none() && self.over.is_none() {
            self.acked = Some(now.at);
            self.note(now, Stage::Acknowledge, StepKind::Condition, 1, "acknowledged", true, "");
        }
    }

    /// What is due. True where something is new.
    pub(super) fn tick(&mut self, now: Moment, drill: &Drill, dry: bool, orders: &mut Vec<Order>, id: usize) -> bool {
        let before = (self.steps.len(), self.stage);
        // Each turn is another stage at least.
        while let At::In(stage) = self.stage {
            let next = match stage {
                Stage::Inject | Stage::Restore => self.act(now, drill, stage, orders, id),
                _ => {
                    self.look(now, drill, stage, orders, id);
                    self.conclude(now, drill, stage, dry)
                }
            };
            match next {
                Some(next) if self.stage == At::In(stage) => self.enter(now, drill, next),
                _ => break,
            }
        }
        self.detected_late(now, drill);
        before != (self.steps.len(), self.stage)
    }

    /// Notes what would have shown the fault in time, and came too late.
    fn detected_late(&mut self, now: Moment, drill: &Drill) {
        let (At::In(Stage::Restore | Stage::Recover), Some(injected)) = (self.stage, self.injected) else { return };
        for (number, condition) in drill.detect.iter().enumerate() {
            let Some(seen) = self.seen.get(&(Stage::Detect, number)).filter(|seen| seen.at >= injected) else {
                continue;
            };
            let noted = |step: &Step| (step.stage, step.number, step.ok) == (Stage::Detect, number, true);
            if !self.steps.iter().any(|step| step.kind == StepKind::Condition && noted(step)) {
                let message = seen.message.clone();
                self.note(now, Stage::Detect, StepKind::Condition, number, &condition.what, true, &message);
            }
        }
    }

    fn enter(&mut self, now: Moment, drill: &Drill, stage: Stage) {
        self.stage = At::In(stage);
        self.since = now.at;
        self.doing = None;
        let many = drill.conditions(stage).len().max(drill.actions(stage).len());
        self.tests = vec![Test { next: now.at, ..Test::default() }; many];
        if stage == Stage::Restore {
            self.restoring = Some(now.at);
        }
    }

    fn finish(&mut self, now: Moment) {
        self.stage = At::Done;
        self.over = Some(now.at);
    }

    /// Does the next action, if none is being done. Gives the next stage.
    fn act(&mut self, now: Moment, drill: &Drill, stage: Stage, orders: &mut Vec<Order>, id: usize) -> Option<Stage> {
        if self.doing.is_some() {
            return None;
        }
        let failed = self.tests.iter().any(|test| test.holds == Some(false));
        let stops = stage == Stage::Inject && (failed || self.ended);
        let order = |at: &usize| self.tests[*at].holds.is_none();
        let left = match stage {
            // What was done last is undone first.
            Stage::Restore => (0..self.tests.len()).rev().find(order),
            _ => (0..self.tests.len()).find(order),
        };
        if let Some(number) = left.filter(|_| !stops) {
            let what = drill.actions(stage)[number].what.clone();
            self.note(now, stage, StepKind::Begun, number, &what, true, "");
            if stage == Stage::Inject {
                self.injected.get_or_insert(now.at);
            }
            self.doing = Some(number);
            orders.push(Order::Do { drill: id, stage, number });
            return None;
        }
        if !self.tests.is_empty() {
            self.note(now, stage, StepKind::Over, 0, stage.word(), !failed, "");
        }
        if stage == Stage::Restore {
            if self.ended {
                self.finish(now);
                return None;
            }
            return Some(Stage::Recover);
        }
        Some(if stops { Stage::Restore } else { Stage::Detect })
    }

    /// Looks at the conditions of a stage: what happened is known, the rest is asked for.
    fn look(&mut self, now: Moment, drill: &Drill, stage: Stage, orders: &mut Vec<Order>, id: usize) {
        let injected = self.injected.unwrap_or(self.since);
        let from = match stage {
            Stage::Detect | Stage::Verify => injected,
            Stage::Recover => self.restoring.unwrap_or(injected),
            // What comes so often would be taken for the fault.
            Stage::Before => self.since.saturating_sub(seconds(drill.detect_within_seconds)),
            _ => self.since,
        };
        let list = match stage {
            Stage::Before => Stage::Detect,
            Stage::Again => Stage::Steady,
            other => other,
        };
        for (number, condition) in drill.conditions(stage).iter().enumerate() {
            if condition.kind.happens() {
                let seen = self.seen.get(&(list, number)).filter(|seen| match stage {
                    Stage::Before => seen.own.is_some_and(|own| own >= from),
                    _ => seen.at >= from,
                });
                let (ok, message) = seen.map_or((false, String::new()), |seen| (true, seen.message.clone()));
                self.learnt(now, drill, number, ok, &message);
            } else if let Some(test) = self.tests.get_mut(number).filter(|test| !test.asked && test.next <= now.at) {
                // What was seen once was detected.
                let known = match stage {
                    Stage::Detect => test.holds == Some(true),
                    Stage::Before => test.holds.is_some(),
                    _ => false,
                };
                if !known {
                    test.asked = true;
                    orders.push(Order::Ask { drill: id, stage, number });
                }
            }
        }
    }

    /// Whether a stage of conditions is over. Gives the next stage.
    fn conclude(&mut self, now: Moment, drill: &Drill, stage: Stage, dry: bool) -> Option<Stage> {
        let conditions = drill.conditions(stage);
        let injected = self.injected.unwrap_or(self.since);
        let all = self.tests.iter().all(|test| test.holds == Some(true));
        let ok = match stage {
            _ if self.steps.len() >= MOST_STEPS => false,
            Stage::Acknowledge => {
                let limit = seconds(drill.acknowledge_within_seconds.unwrap_or_default());
                let late = now.at > self.notified.unwrap_or(injected) + limit;
                if self.acked.is_none() && !late {
                    return None;
                }
                self.acked.is_some()
            }
            Stage::Before => {
                if self.tests.iter().any(|test| test.holds.is_none()) {
                    return None;
                }
                conditions.is_empty() || !all
            }
            Stage::Detect => {
                let late = now.at > injected + seconds(drill.detect_within_seconds);
                if !all && !late {
                    return None;
                }
                all
            }
            Stage::Recover if !dry => {
                let since = self.tests.iter().map(|test| test.since).max().unwrap_or(now.at);
                let limit = injected + seconds(drill.recover_within_seconds);
                let held = now.at.saturating_sub(since) >= seconds(drill.hold_seconds);
                if (all && since <= limit && !held) || (!all && now.at <= limit) {
                    return None;
                }
                all && since <= limit
            }
            _ => {
                let missing = |(test, condition): (&Test, &Condition)| {
                    test.holds != Some(true) && !is_late(test, condition, now.at.saturating_sub(self.since))
                };
                let late = |(test, condition): (&Test, &Condition)| {
                    test.holds != Some(true) && is_late(test, condition, now.at.saturating_sub(self.since))
                };
                let pairs = || self.tests.iter().zip(conditions);
                if !pairs().any(late) && pairs().any(missing) {
                    return None;
                }
                all
            }
        };
        if !conditions.is_empty() || stage == Stage::Acknowledge {
            self.note(now, stage, StepKind::Over, 0, stage.word(), ok, "");
        }
        let next = match stage {
            Stage::Steady | Stage::Before if !ok => None,
            Stage::Steady => Some(Stage::Before),
            Stage::Before if dry => Some(Stage::Recover),
            Stage::Before => Some(Stage::Inject),
            Stage::Detect => Some(Stage::Restore),
            Stage::Recover if dry || ok => Some(Stage::Verify),
            Stage::Verify => Some(Stage::Again),
            Stage::Again if drill.acknowledge_within_seconds.is_some() && !dry => Some(Stage::Acknowledge),
            _ => None,
        };
        match next {
            None => self.finish(now),
            Some(Stage::Inject) if drill.detect.is_empty() => self.note_what_comes_anyway(now, drill),
            Some(_) => {}
        }
        next
    }

    /// Notes what is to show the recovery of a drill without `detect` and came before anything was injected, too, and how
    /// long ago.
    fn note_what_comes_anyway(&mut self, now: Moment, drill: &Drill) {
        let from = now.at.saturating_sub(seconds(drill.recover_within_seconds));
        for (place, (list, number, condition)) in drill.shown().enumerate() {
            let Some(seen) = self.seen.get(&(list, number)).filter(|_| condition.kind.happens()) else { continue };
            if let Some(own) = seen.own.filter(|own| *own >= from) {
                let message = seen.message.clone();
                self.note(now, Stage::Before, StepKind::Condition, place, &condition.what, true, &message);
                let ago = now.at.saturating_sub(own).as_secs_f64();
                self.steps.last_mut().into_iter().for_each(|step| step.duration_seconds = Some(ago));
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "each is a field of the step")]
    fn note(&mut self, now: Moment, stage: Stage, kind: StepKind, number: usize, what: &str, ok: bool, message: &str) {
        self.steps.push(Step {
            at: now.wall,
            seconds: (now.at.as_secs_f64() * 1e3).round() / 1e3,
            stage,
            kind,
            number,
            what: what.to_owned(),
            ok,
            duration_seconds: None,
            message: message.to_owned(),
        });
    }

    /// When it must be looked at again, at the latest.
    pub(super) fn deadline(&self, drill: &Drill) -> Option<Duration> {
        let At::In(stage) = self.stage else { return None };
        let injected = self.injected.unwrap_or(self.since);
        let asks = self.tests.iter().filter(|test| !test.asked).map(|test| test.next).filter(|next| *next > self.since);
        let limit = match stage {
            Stage::Detect => injected + seconds(drill.detect_within_seconds),
            Stage::Recover => injected + seconds(drill.recover_within_seconds),
            Stage::Acknowledge => {
                self.notified.unwrap_or(injected) + seconds(drill.acknowledge_within_seconds.unwrap_or_default())
            }
            _ => self.since + seconds(drill.conditions(stage).iter().map(Condition::within).fold(0.0, f64::max)),
        };
        asks.chain([limit]).min()
    }
}

/// Whether a condition that does not hold has had its time: one that is asked for has been answered at least.
fn is_late(test: &Test, condition: &Condition, waited: Duration) -> bool {
    test.holds.is_some() && waited >= seconds(condition.within())
}
