//! All drills of a run: what is due, by a clock and answers that it is given.

use std::time::Duration;

use super::derive::{Mark, State, derive};
use super::document::{Document, Of, document};
pub(crate) use super::order::{Moment, Order, Outcome, Told};
use super::plan::{DrillsPlan, Known, seconds};
use super::progress::{At, Progress};
use super::step::{Stage, Step};
use crate::log::excuse::fits;
use crate::time::{Stamp, human_seconds};

/// All drills of a run.
#[derive(Debug)]
pub(crate) struct Drills {
    plan: DrillsPlan,
    all: Vec<Progress>,
    ended: bool,
}

impl Drills {
    pub(crate) fn new(plan: DrillsPlan) -> Self {
        let all = plan.list.iter().map(|_| Progress::default()).collect();
        Self { plan, all, ended: false }
    }

    /// Takes an answer. What follows from it is due at the next [`Self::tick`].
    pub(crate) fn told(&mut self, now: Moment, told: Told) {
        match told {
            Told::Done { drill, stage, number, outcome } => {
                if let (Some(progress), Some(plan)) = (self.all.get_mut(drill), self.plan.list.get(drill)) {
                    progress.done(now, plan, (stage, number), &outcome);
                }
            }
            Told::Answered { drill, stage, number, ok, message } => {
                if let (Some(progress), Some(plan)) = (self.all.get_mut(drill), self.plan.list.get(drill)) {
                    progress.answered(now, plan, (stage, number), ok, &message);
                }
            }
        }
    }

    /// A line of the log came that a condition waits for.
    pub(crate) fn line(&mut self, now: Moment, drill: usize, list: Stage, number: usize, at: Stamp) {
        if let Some(progress) = self.all.get_mut(drill) {
            progress.happened(now.back_to(at), list, number, "", false);
        }
    }

    /// An incident was raised, which belongs to the drill `owner` where one may cause it.
    pub(crate) fn incident(
        &mut self,
        now: Moment,
        (kind, message, workload): (&str, &str, Option<&str>),
        owner: Option<&str>,
        at: Stamp,
    ) {
        let now = now.back_to(at);
        for (progress, drill) in self.all.iter_mut().zip(&self.plan.list) {
            for list in [Stage::Steady, Stage::Detect, Stage::Recover, Stage::Verify] {
                for (number, condition) in drill.conditions(list).iter().enumerate() {
                    if condition.kind == Known::Incident && fits(&condition.of, kind, message, workload) {
                        progress.happened(now, list, number, message, owner.is_some_and(|owner| owner != drill.name));
                    }
                }
            }
        }
    }

    /// The drills that may cause incidents now, since when, and the patterns of those.
    pub(crate) fn open(&self, now: Duration) -> Vec<(String, Stamp, Vec<String>)> {
        let open = |progress: &Progress, poll: Duration| {
            progress.injected.is_some() && progress.over.is_none_or(|over| now <= over + 2 * poll)
        };
        let all = self.all.iter().zip(&self.plan.list).filter(|(progress, drill)| open(progress, drill.poll()));
        all.filter_map(|(progress, drill)| Some((drill.name.clone(), progress.injected_at()?, drill.excuses.clone())))
            .collect()
    }

    /// The drills that have injected something that is not restored.
    pub(crate) fn owed(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|at| self.all[*at].is_owed()).collect()
    }

    /// The drills that have injected something that is not restored, with what would restore it.
    pub(crate) fn unmended(&self) -> Vec<(String, String)> {
        let told = |at: usize| {
            let drill = &self.plan.list[at];
            let restore: Vec<&str> = drill.restore.iter().rev().map(|action| action.what.as_str()).collect();
            (drill.name.clone(), restore.join("; "))
        };
        self.owed().into_iter().map(told).collect()
    }

    /// The name of a drill.
    pub(crate) fn name(&self, drill: usize) -> &str {
        self.plan.list.get(drill).map_or("", |drill| &drill.name)
    }

    /// A notification arrived by this channel of what happened `at` so many seconds after the start, and belongs to the
    /// drill `of` where one caused it.
    pub(crate) fn notified(&mut self, now: Moment, channel: &str, of: Option<&str>, at: f64) {
        let at = seconds(at);
        for (progress, drill) in self.all.iter_mut().zip(&self.plan.list) {
            // What happened before the fault says nothing about it.
            if progress.injected.is_some_and(|injected| at < injected) {
                continue;
            }
            progress.each(drill, |kind, wanted| kind == Known::Notified && wanted == channel, now, channel);
            if of == Some(drill.name.as_str()) {
                progress.notified(now, channel);
            }
        }
    }

    /// Somebody looks after what this drill caused.
    pub(crate) fn acknowledged(&mut self, now: Moment, of: &str) {
        for (progress, drill) in self.all.iter_mut().zip(&self.plan.list).filter(|(_, drill)| drill.name == of) {
            progress.each(drill, |kind, _| kind == Known::Acknowledged, now, "");
            progress.acknowledged(now);
        }
    }

    /// How a drill ended: its name, its state, and why or how fast; none before its end.
    pub(crate) fn outcome(&self, drill: usize) -> Option<(String, State, String)> {
        let (progress, plan) = (self.all.get(drill)?, self.plan.list.get(drill)?);
        let judged = derive(plan, &progress.steps, self.plan.dry);
        let since = |mark: Option<Mark>| Some(human_seconds(mark?.seconds - judged.injected?.seconds));
        let mut told = judged.findings.clone();
        told.extend(since(judged.detected).map(|time| format!("detected after {time}")));
        told.extend(since(judged.recovered).map(|time| format!("recovered after {time}")));
        Some((plan.name.clone(), judged.state, told.join("; ")))
    }

    /// The command ended with this code, or by a signal.
    pub(crate) fn exited(&mut self, now: Moment, code: Option<i32>, how: &str) {
        let code = code.map(|code| code.to_string());
        let met = |kind, of: &str| kind == Known::Exit && (of.is_empty() || code.as_deref() == Some(of));
        for (progress, drill) in self.all.iter_mut().zip(&self.plan.list) {
            progress.each(drill, met, now, how);
        }
    }

    /// What is due now.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Order> {
        let mut orders = Vec::new();
        let mut news = false;
        for at in 0..self.all.len() {
            let drill = &self.plan.list[at];
            let running = |progress: &Progress| matches!(progress.stage, At::In(_));
            let due = self.all[at].stage == At::Waiting && !self.ended && !drill.skipped && now.at >= drill.at();
            // One that takes longer than it should holds the next up.
            let free = || {
                let others = self.all.iter().zip(&self.plan.list);
                others.filter(|(progress, _)| running(progress)).all(|(_, other)| other.parallel && drill.parallel)
            };
            if due && free() {
                self.all[at].start(now, drill);
                orders.push(Order::Begun { drill: at });
                news = true;
            }
            let was_over = self.all[at].over.is_some();
            news |= self.all[at].tick(now, drill, self.plan.dry, &mut orders, at);
            if !was_over && self.all[at].over.is_some() {
                let failed = || derive(drill, &self.all[at].steps, self.plan.dry).stage.is_some();
                let stop = drill.stop_on_failure && !self.ended && failed();
                orders.push(Order::Over { drill: at, stop });
            }
        }
        if news {
            // What was begun is on disk before anything is done.
            orders.insert(0, Order::Write);
        }
        orders
    }

    /// The run ends: what was injected is restored, and nothing begins any more.
    pub(crate) fn end(&mut self, now: Moment) {
        self.ended = true;
        for (progress, drill) in self.all.iter_mut().zip(&self.plan.list) {
            progress.end(now, drill);
        }
    }

    /// Whether something that was injected is still to be restored.
    pub(crate) fn is_broken(&self) -> bool {
        self.all.iter().any(Progress::is_broken)
    }

    /// When something is due at the latest, on the monotonic clock.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let all = self.all.iter().zip(&self.plan.list);
        all.filter_map(|(progress, drill)| match progress.stage {
            At::Waiting if !drill.skipped && !self.ended => Some(drill.at()),
            _ => progress.deadline(drill),
        })
        .min()
    }

    /// Whether lines of the log matter now: a drill runs, or begins so soon that what comes already would be taken for
    /// its fault.
    pub(crate) fn listens(&self, now: Duration) -> bool {
        let soon = Duration::from_secs(1);
        self.all.iter().zip(&self.plan.list).any(|(progress, drill)| match progress.stage {
            At::Waiting => {
                let early = seconds(drill.detect_within_seconds) + soon;
                !drill.skipped && !self.ended && now + early >= drill.at()
            }
            At::In(_) => true,
            At::Done => false,
        })
    }

    /// What is known of them, as the file has it.
    pub(crate) fn document(&self, of: Of<'_>, now: Stamp, incidents: &[(String, String)]) -> Document {
        let steps: Vec<&[Step]> = self.all.iter().map(|progress| progress.steps.as_slice()).collect();
        document(&self.plan, &steps, of, now, incidents)
    }
}
