//! One guard while it runs.

use std::collections::VecDeque;
use std::time::Duration;

use super::derive::{Change, Fold, Noted, Stretch};
use super::growth::{self, SLOPED};
use super::pile::{EXACT, Pile};
use super::plan::{Guard, Level, Stat};
use super::prometheus;
use super::source::Reading;
use crate::time::Stamp;

/// A window has so many parts: so exact is its beginning.
const PARTS: f64 = 60.0;
/// More points are thinned out by half.
const MOST_POINTS: usize = 200;
/// More stretches are not told apart: the last one goes on, at the worse of the levels.
const MOST_STRETCHES: usize = 2000;

/// One guard while it runs.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When the next look is due.
    pub(super) next: Duration,
    pub(super) asked: bool,
    pub(super) noted: Noted,
    pub(super) fold: Fold,
    /// What came so far: in parts of the window, each with when it began; of a guard without one all together.
    parts: VecDeque<(f64, Pile)>,
    /// What came since the last look.
    fresh: Pile,
    /// Whether its source was to be seen at the last look, or why not.
    sight: Option<Result<(), String>>,
    /// On how many samples the last figure rests by its own word.
    stated: Option<u64>,
    /// A counter, and the buckets of a histogram, at the look before.
    counter: Option<f64>,
    buckets: Option<Vec<(f64, f64)>>,
    /// Of the whole run.
    points: Points,
    /// Of the window, of a guard that has one.
    recent: Points,
    /// The slope or growth of so many points.
    grown: Option<(u64, Option<f64>)>,
    /// When the first sample came.
    since: Option<f64>,
}

/// Times and figures, thinned out where there are many.
#[derive(Debug, Default)]
struct Points {
    kept: Vec<(f64, f64)>,
    /// Each of so many was kept.
    stride: u64,
    came: u64,
}

impl Points {
    fn add(&mut self, point: (f64, f64)) {
        if self.came.is_multiple_of(self.stride.max(1)) {
            self.kept.push(point);
        }
        self.came += 1;
        if self.kept.len() > MOST_POINTS {
            let mut at = 0;
            self.kept.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.stride = self.stride.max(1) * 2;
        }
    }

    /// Takes out those before a time, and keeps more of the next ones where few are left.
    fn forget(&mut self, before: f64) {
        let gone = self.kept.partition_point(|(at, _)| *at < before);
        self.kept.drain(..gone);
        if gone > 0 && self.kept.len() < MOST_POINTS / 4 {
            self.stride = (self.stride / 2).max(1);
        }
    }
}

/// Seconds as they are noted.
pub(super) fn rounded(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

impl Watch {
    pub(super) fn new(guard: &Guard) -> Self {
        Self { next: guard.every(), ..Self::default() }
    }

    /// Takes what lines of the log said.
    pub(super) fn lines(&mut self, guard: &Guard, now: f64, came: &Pile) {
        if now >= guard.warmup_seconds {
            self.noted.samples += came.count.max(came.seen);
            self.noted.bad_samples += came.bad;
            if came.count + came.seen > 0 {
                self.since.get_or_insert(now);
            }
            self.fresh.merge(came);
        }
    }

    /// Takes what a look at its source gave.
    pub(super) fn read(&mut self, guard: &Guard, positive: bool, now: f64, reading: Result<Reading, String>) {
        let warm = now >= guard.warmup_seconds;
        let sight = reading.map(|reading| match reading {
            Reading::Same => {}
            Reading::Value(value, samples) => {
                self.stated = (samples > 1).then_some(samples);
                self.counted(value, warm);
                if warm {
                    self.fresh.take(Some(value), positive);
                }
            }
            Reading::Buckets(buckets) => {
                let came = prometheus::since(self.buckets.as_deref(), &buckets);
                // The first look tells what came before anybody looked.
                if warm && self.buckets.is_some() {
                    came.into_iter().for_each(|(value, times)| self.fresh.add(value, times));
                }
                self.buckets = Some(buckets);
            }
        });
        if warm && let Ok(()) = sight {
            self.noted.samples += self.fresh.count;
            self.noted.bad_samples += self.fresh.bad;
            if self.fresh.count > 0 {
                self.since.get_or_insert(now);
            }
        }
        self.sight = Some(sight);
    }

    /// A counter that fell began again.
    fn counted(&mut self, value: f64, warm: bool) {
        if !value.is_finite() {
            return;
        }
        if let Some(before) = self.counter.replace(value).filter(|_| warm) {
            self.fresh.rise += if value >= before { value - before } else { value };
        }
    }

    /// Looks at what came, and notes how it is; `last` says that the run ends.
    pub(super) fn look(
        &mut self,
        guard: &Guard,
        (of_log, last): (bool, bool),
        (now, at): (f64, Stamp),
    ) -> Option<Change> {
        // The end of a run may have been before somebody noticed it.
        let last_look = self.noted.stretches.last().map_or(0.0, |last| last.to_seconds);
        let now = now.max(last_look);
        let fresh = std::mem::take(&mut self.fresh);
        let any = fresh.count + fresh.seen > 0;
        if guard.stat.grows()
            && let Some(mean) = fresh.mean()
        {
            self.points.add((rounded(now), mean));
            if let Some(window) = guard.window_seconds {
                self.recent.add((rounded(now), mean));
                self.recent.forget(now - window);
            }
        }
        self.keep(guard, now, fresh);
        let counts = matches!(guard.stat, Stat::Count | Stat::Rate);
        // What is one part already need not be put together.
        let single = self.parts.len() == 1;
        let mut whole = if single { std::mem::take(&mut self.parts[0].1) } else { self.whole(guard) };
        let sees = match &self.sight {
            Some(Ok(())) => whole.count > 0 || self.buckets.is_some() && counts,
            Some(Err(why)) => {
                self.noted.blind_because = Some(why.clone());
                false
            }
            // Of what is counted nothing is a figure too, once the log has told of it at all.
            None if of_log && counts => self.since.is_some(),
            None => {
                if guard.window_seconds.is_some() {
                    whole.count > 0
                } else {
                    any
                }
            }
        };
        let samples = match (self.stated, guard.stat) {
            (Some(stated), Stat::Last) => stated,
            _ => whole.count.max(whole.seen),
        };
        let figure = if sees { self.figure(guard, now, of_log, &mut whole) } else { None };
        // Only the end tells growth over the whole run from a peak.
        let early = !last && guard.stat == Stat::Delta && guard.window_seconds.is_none();
        if single {
            self.parts[0].1 = whole;
        }
        let waits = now < guard.warmup_seconds || (self.since.is_none() && now < guard.grace_seconds);
        let level = match figure {
            _ if waits => Level::Waiting,
            None if !sees => Level::Blind,
            None => Level::Waiting,
            Some(_) if early => Level::Waiting,
            Some(_) if guard.min_samples.is_some_and(|least| samples < least) => Level::Waiting,
            Some(figure) => guard.level(figure),
        };
        let figure = figure.filter(|_| level >= Level::Ok);
        self.note(guard, (rounded(now), at), level, (figure, samples));
        self.fold.look(guard, (rounded(now), at), level, (figure, samples))
    }

    /// Keeps what came in its part of the window.
    fn keep(&mut self, guard: &Guard, now: f64, fresh: Pile) {
        let width = match guard.window_seconds {
            Some(window) => (window / PARTS).max(guard.every_seconds),
            None => f64::INFINITY,
        };
        match self.parts.back_mut() {
            Some((began, pile)) if now - *began < width => pile.merge(&fresh),
            _ => self.parts.push_back((now, fresh)),
        }
        if let Some(window) = guard.window_seconds {
            // A part is as old as its beginning.
            while self.parts.len() > 1 && self.parts.front().is_some_and(|(began, _)| now - began > window) {
                self.parts.pop_front();
            }
            if self.parts.front().is_some_and(|(began, _)| now - began > window) {
                self.parts.clear();
            }
        }
        if self.parts.iter().map(|(_, pile)| pile.exact()).sum::<usize>() > EXACT {
            for (_, pile) in &mut self.parts {
                pile.sketch();
            }
        }
    }

    fn whole(&self, guard: &Guard) -> Pile {
        let mut whole = Pile::default();
        for (_, pile) in &self.parts {
            if guard.stat.share().is_some() { whole.merge(pile) } else { whole.merge_sums(pile) }
        }
        whole
    }

    fn figure(&mut self, guard: &Guard, now: f64, of_log: bool, whole: &mut Pile) -> Option<f64> {
        match guard.stat {
            Stat::Last => whole.last,
            Stat::Min => whole.least(),
            Stat::Max => whole.most(),
            Stat::Mean => whole.mean(),
            Stat::Count => Some(whole.count as f64),
            Stat::Rate => {
                let from = self.since?.min(if of_log { guard.warmup_seconds } else { f64::INFINITY });
                let elapsed = (now - from).min(guard.window_seconds.unwrap_or(f64::INFINITY));
                let counted = of_log || self.buckets.is_some();
                let came = if counted { whole.count as f64 } else { whole.rise };
                (elapsed >= guard.every_seconds).then(|| came / elapsed)
            }
            Stat::Delta | Stat::Slope => self.grown(guard),
            percentile => whole.quantile(percentile.share()?),
        }
    }

    /// How it grows, judged by the end of the interval that is the more harmless.
    fn grown(&mut self, guard: &Guard) -> Option<f64> {
        let points = if guard.window_seconds.is_some() { &self.recent } else { &self.points };
        if let Some((_, figure)) = self.grown.filter(|(came, _)| *came == points.came) {
            return figure;
        }
        // Thinned out, the points are the same for a while.
        let stays = points.stride > 1 && !(points.came - 1).is_multiple_of(points.stride);
        if let Some((_, figure)) = self.grown.filter(|_| stays) {
            return figure;
        }
        let figure = match guard.stat {
            Stat::Delta => growth::growth(&points.kept),
            _ if points.kept.len() < SLOPED => None,
            _ => growth::slope(&points.kept).map(|slope| if guard.above() { slope.low } else { slope.high }),
        };
        self.grown = Some((points.came, figure));
        figure
    }

    fn note(
        &mut self,
        guard: &Guard,
        (seconds, at): (f64, Stamp),
        level: Level,
        (figure, samples): (Option<f64>, u64),
    ) {
        let full = self.noted.stretches.len() >= MOST_STRETCHES;
        if let Some(last) = self.noted.stretches.last_mut().filter(|last| last.level == level || full) {
            last.level = last.level.max(level);
            (last.to, last.to_seconds) = (at, seconds);
            last.looks += 1;
            last.last = figure.or(last.last);
            last.worst = [last.worst, figure].into_iter().flatten().reduce(|a, b| guard.worse(a, b));
            last.samples = last.samples.max(samples);
            return;
        }
        self.noted.stretches.push(Stretch {
            level,
            from: at,
            to: at,
            from_seconds: seconds,
            to_seconds: seconds,
            looks: 1,
            worst: figure,
            last: figure,
            samples,
        });
    }

    /// What was noted, as it is kept.
    pub(super) fn evidence(&self) -> Noted {
        let points = if self.points.kept.is_empty() { Vec::new() } else { self.points.kept.clone() };
        Noted { points, ..self.noted.clone() }
    }

    /// The figure of the last look; none if there was none.
    pub(super) fn now(&self) -> Option<f64> {
        self.noted.stretches.last().filter(|last| last.level >= Level::Ok).and_then(|last| last.last)
    }
}
