//! All guards of a run: what is due, by a clock and readings that it is given.

use std::collections::BTreeMap;
use std::time::Duration;

use super::derive::{Change, Judged, derive};
use super::document::{self, Document, Of, Sample, When};
use super::pile::Pile;
use super::plan::{Guard, GuardsPlan, Level, Stat};
use super::samples;
use super::source::{Reading, Source};
use super::watch::{Watch, rounded};
use crate::drills::machine::Moment;
use crate::finding::Status;

/// About so many samples of all figures are kept.
const SAMPLES: u32 = 200;
/// The document is kept again after this at the latest.
const WRITE: Duration = Duration::from_secs(60);

/// All guards of a run.
#[derive(Debug)]
pub(crate) struct Guards {
    plan: GuardsPlan,
    all: Vec<Watch>,
    /// Whether its log tells it, and whether its figures cannot be negative.
    about: Vec<(bool, bool)>,
    /// The drills that may have caused an episode: by the guard and the beginning.
    excused: BTreeMap<(usize, u64), String>,
    samples: Vec<Sample>,
    spacing: Duration,
    next_sample: Duration,
    next_write: Duration,
    ended: Option<Moment>,
    /// What looks gave since the last call of [`Guards::take_looks`].
    looks: Vec<samples::Look>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    /// Look at the source of this guard.
    Look(usize),
    /// An episode of a guard began, or became worse.
    Raised(Breach),
    /// It is over.
    Over(Breach),
    /// Keep what is known now.
    Write,
}

/// An episode, as it is told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Breach {
    pub guard: usize,
    pub name: String,
    pub workload: Option<String>,
    /// Which episode of the guard, from 1.
    pub number: usize,
    pub severity: Status,
    /// Whether it was a WARN before.
    pub worse: bool,
    pub message: String,
    pub worst: f64,
    pub samples: u64,
    pub from_seconds: f64,
    /// Whether a FAIL of it ends the run.
    pub stop: bool,
}

impl Guards {
    /// Guards of a run that is to take so long.
    pub(crate) fn new(plan: GuardsPlan, target: Duration) -> Self {
        let about = plan.list.iter().map(|guard| {
            let source = Source::parse(&guard.source).ok();
            (source.as_ref().is_some_and(Source::is_of_log), guard.is_positive())
        });
        Self {
            about: about.collect(),
            all: plan.list.iter().map(Watch::new).collect(),
            plan,
            excused: BTreeMap::new(),
            samples: Vec::new(),
            spacing: target / SAMPLES,
            next_sample: Duration::ZERO,
            next_write: Duration::ZERO,
            ended: None,
            looks: Vec::new(),
        }
    }

    /// What looks gave since the last call.
    pub(crate) fn take_looks(&mut self) -> Vec<samples::Look> {
        std::mem::take(&mut self.looks)
    }

    /// Takes what lines of the log said.
    pub(crate) fn lines(&mut self, now: Moment, guard: usize, came: &Pile) {
        if let (Some(watch), Some(plan)) = (self.all.get_mut(guard), self.plan.list.get(guard))
            && self.ended.is_none()
        {
            watch.lines(plan, now.at.as_secs_f64(), came);
        }
    }

    /// Takes what a look at a source gave.
    pub(crate) fn told(&mut self, now: Moment, guard: usize, reading: Result<Reading, String>) -> Vec<Order> {
        if self.ended.is_some() || !self.all.get(guard).is_some_and(|watch| watch.asked) {
            return Vec::new();
        }
        let (watch, plan) = (&mut self.all[guard], &self.plan.list[guard]);
        watch.asked = false;
        // To the millisecond, so that it can be made again from what is kept.
        let seconds = rounded(now.at.as_secs_f64());
        self.looks.push(samples::Look { seconds, guard: plan.name.clone(), reading: reading.clone() });
        watch.read(plan, self.about[guard].1, seconds, reading);
        self.look(now, guard, false).into_iter().collect()
    }

    /// What is due now.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Order> {
        let mut orders = Vec::new();
        if self.ended.is_some() {
            return orders;
        }
        for number in 0..self.all.len() {
            let (watch, every) = (&mut self.all[number], self.plan.list[number].every());
            // An answer that does not come is waited for: what it looks at is as slow as that.
            if watch.asked || now.at < watch.next {
                continue;
            }
            watch.next = (watch.next + every).max(now.at + every / 2);
            if self.about[number].0 {
                orders.extend(self.look(now, number, false));
            } else {
                watch.asked = true;
                orders.push(Order::Look(number));
            }
        }
        if now.at >= self.next_sample {
            self.sample(now);
        }
        if now.at >= self.next_write || orders.iter().any(|order| matches!(order, Order::Raised(_) | Order::Over(_))) {
            self.next_write = now.at + WRITE;
            orders.push(Order::Write);
        }
        orders
    }

    fn look(&mut self, now: Moment, number: usize, last: bool) -> Option<Order> {
        let (watch, guard) = (&mut self.all[number], &self.plan.list[number]);
        let change = watch.look(guard, (self.about[number].0, last), (rounded(now.at.as_secs_f64()), now.wall))?;
        let episode = watch.fold.episodes.last()?;
        let limit = match episode.severity {
            Status::Fail => &guard.fail,
            _ => &guard.warn,
        };
        let limit = limit.as_ref().map(|limit| format!(" (limit {})", guard.text(limit.value))).unwrap_or_default();
        let breach = Breach {
            guard: number,
            name: guard.name.clone(),
            workload: guard.workload.clone(),
            number: watch.fold.episodes.len(),
            severity: episode.severity,
            worse: false,
            message: format!("{}: {} is {}{limit}", guard.name, guard.what(), guard.text(episode.worst)),
            worst: episode.worst,
            samples: episode.samples,
            from_seconds: episode.from_seconds,
            stop: guard.stop,
        };
        Some(match change {
            Change::Raised(severity) => {
                let worse = severity == Status::Fail && watch.fold.was_warn;
                Order::Raised(Breach { worse, ..breach })
            }
            Change::Over => Order::Over(breach),
        })
    }

    fn sample(&mut self, now: Moment) {
        self.next_sample = now.at + self.spacing;
        let figures: BTreeMap<String, f64> = self
            .plan
            .list
            .iter()
            .zip(&self.all)
            .filter_map(|(guard, watch)| Some((guard.name.clone(), watch.now()?)))
            .collect();
        if figures.is_empty() {
            self.next_sample = Duration::ZERO;
            return;
        }
        let seconds = rounded(now.at.as_secs_f64());
        self.samples.push(document::sample(&self.plan, (now.wall, seconds), figures));
    }

    /// The drill that may have caused an episode.
    pub(crate) fn excuse(&mut self, breach: &Breach, drill: &str) {
        self.excused.insert((breach.guard, key(breach.from_seconds)), drill.to_owned());
    }

    /// Whether a guard is `pass`, `warn` or `fail` now; none if that is not known.
    pub(crate) fn state(&self, name: &str) -> Option<Status> {
        let number = self.plan.list.iter().position(|guard| guard.name == name)?;
        let watch = &self.all[number];
        if watch.fold.open {
            return watch.fold.episodes.last().map(|episode| episode.severity);
        }
        let last = watch.noted.stretches.last()?;
        (last.level >= Level::Ok).then_some(Status::Pass)
    }

    /// The run ends: what happens from now on is no figure of it.
    pub(crate) fn end(&mut self, now: Moment) -> Vec<Order> {
        if self.ended.is_some() {
            return Vec::new();
        }
        self.ended = Some(now);
        self.unanswered(now);
        // What is only known when all is over.
        let growth = |guard: &Guard| guard.stat == Stat::Delta && guard.window_seconds.is_none();
        let last: Vec<usize> = (0..self.all.len()).filter(|at| growth(&self.plan.list[*at])).collect();
        let orders = last.into_iter().filter_map(|number| self.look(now, number, true)).collect();
        self.sample(now);
        orders
    }

    /// A source that was asked and never told anything has not answered.
    fn unanswered(&mut self, now: Moment) {
        let waits = |watch: &Watch| watch.asked && watch.noted.samples + watch.noted.bad_samples == 0;
        let silent: Vec<usize> = (0..self.all.len()).filter(|at| waits(&self.all[*at])).collect();
        for number in silent {
            let (seconds, guard) = (rounded(now.at.as_secs_f64()), &self.plan.list[number]);
            let reading = Err("it had not answered when the run ended".to_owned());
            self.looks.push(samples::Look { seconds, guard: guard.name.clone(), reading: reading.clone() });
            self.all[number].read(guard, self.about[number].1, seconds, reading);
            // Nothing can be over that never began.
            let _ = self.look(now, number, false);
        }
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let due = self.all.iter().filter(|watch| !watch.asked).map(|watch| watch.next).min();
        due.filter(|_| self.ended.is_none())
    }

    /// What is known at this time.
    pub(crate) fn document(&self, of: Of<'_>, now: Moment, stopped_by: &[String]) -> Document {
        let seconds = rounded(self.ended.unwrap_or(now).at.as_secs_f64());
        let judged: Vec<(super::derive::Noted, Judged)> = self
            .plan
            .list
            .iter()
            .zip(&self.all)
            .enumerate()
            .map(|(number, (guard, watch))| {
                let noted = watch.evidence();
                let of =
                    |episode: &super::derive::Episode| self.excused.get(&(number, key(episode.from_seconds))).cloned();
                let judged = derive(guard, &noted, Some(seconds), of);
                (noted, judged)
            })
            .collect();
        let when = When { generated_at: now.wall, finished_at: self.ended.map(|end| end.wall), seconds };
        document::document(&self.plan, &judged, &self.samples, of, when, stopped_by)
    }
}

fn key(seconds: f64) -> u64 {
    (seconds * 1e3).round() as u64
}
