//! Records over time, in buckets whose width fits the span of the records.

use serde::{Deserialize, Serialize};

use crate::log::summary::Bucket;
use crate::time::Stamp;

/// The length of a tick, the smallest width of a bucket, in microseconds.
const TICK: i64 = 500_000;
/// While records are added there are at most so many buckets.
const KEPT: usize = 600;
/// The most rows of a summary, empty stretches included.
const ROWS: usize = 240;
/// The widths while records are added, in ticks: each divides the next one.
const WIDTHS: [i64; 18] = [
    1,
    2,
    10,
    20,
    60,
    120,
    600,
    1200,
    3600,
    7200,
    21_600,
    43_200,
    86_400,
    172_800,
    1_728_000,
    17_280_000,
    172_800_000,
    1_728_000_000,
];
/// Round widths for people, in ticks: half a second to 1000 days.
const ROUND: [i64; 24] = [
    1,
    2,
    4,
    10,
    20,
    30,
    60,
    120,
    240,
    600,
    1200,
    1800,
    3600,
    7200,
    14_400,
    21_600,
    43_200,
    86_400,
    172_800,
    345_600,
    1_728_000,
    5_184_000,
    17_280_000,
    172_800_000,
];

/// Records, warnings and errors.
pub(crate) type Figures = [u64; 3];

/// Records by time. The width of the buckets depends on the records alone, not on their order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Histogram {
    /// The index of the width.
    width: usize,
    /// By number, in order.
    buckets: Vec<(i64, Figures)>,
}

impl Histogram {
    /// The number of the tick that an instant is in.
    #[inline]
    pub fn tick(at: Stamp) -> i64 {
        at.micros().div_euclid(TICK)
    }

    /// Adds the figures of one tick.
    pub fn add(&mut self, tick: i64, figures: Figures) {
        let number = tick.div_euclid(WIDTHS[self.width]);
        // Records come in order of time, nearly always.
        let at = match self.buckets.last() {
            Some((last, _)) if *last == number => Ok(self.buckets.len() - 1),
            Some((last, _)) if *last > number => self.buckets.binary_search_by_key(&number, |(number, _)| *number),
            _ => Err(self.buckets.len()),
        };
        match at {
            Ok(at) => sum(&mut self.buckets[at].1, figures),
            Err(at) => self.buckets.insert(at, (number, figures)),
        }
        if self.buckets.len() > KEPT {
            self.coarsen(self.width);
        }
    }

    /// Widens the buckets to at least the width with this index, and until there are few enough.
    fn coarsen(&mut self, least: usize) {
        while self.width < least || (self.buckets.len() > KEPT && self.width + 1 < WIDTHS.len()) {
            let ratio = WIDTHS[self.width + 1] / WIDTHS[self.width];
            self.width += 1;
            self.buckets = joined(&self.buckets, ratio);
        }
    }

    /// Adds all figures of `other`.
    pub fn merge(&mut self, mut other: Self) {
        let width = self.width.max(other.width);
        self.coarsen(width);
        other.coarsen(self.width);
        self.coarsen(other.width);
        self.buckets.extend(other.buckets);
        self.buckets.sort_by_key(|(number, _)| *number);
        self.buckets = joined(&self.buckets, 1);
        self.coarsen(self.width);
    }

    /// The buckets in order of time, with each empty stretch between them as one row: of the smallest round width at
    /// which there are few enough.
    pub fn finish(self) -> Vec<Bucket> {
        let width = WIDTHS[self.width];
        let wider = || ROUND.into_iter().chain(WIDTHS).filter(|wider| *wider >= width && wider % width == 0);
        wider()
            .map(|wider| rows(&joined(&self.buckets, wider / width), wider))
            .find(|rows| rows.len() <= ROWS)
            .unwrap_or_else(|| rows(&self.buckets, width))
    }
}

fn sum(total: &mut Figures, more: Figures) {
    total.iter_mut().zip(more).for_each(|(total, more)| *total += more);
}

/// Buckets that are wider by this ratio.
fn joined(buckets: &[(i64, Figures)], ratio: i64) -> Vec<(i64, Figures)> {
    let mut joined: Vec<(i64, Figures)> = Vec::with_capacity(KEPT);
    for &(number, figures) in buckets {
        let number = number.div_euclid(ratio);
        match joined.last_mut() {
            Some((last, total)) if *last == number => sum(total, figures),
            _ => joined.push((number, figures)),
        }
    }
    joined
}

/// The buckets as rows; `width` is theirs, in ticks.
fn rows(buckets: &[(i64, Figures)], width: i64) -> Vec<Bucket> {
    let bucket = |number: i64, length: i64, [records, warnings, errors]: Figures| {
        // The first bucket may start before the year 1.
        let start = Stamp::from_micros(number * width * TICK).or_else(|| Stamp::parse("0001-01-01"))?;
        let seconds = (length * width) as f64 * (TICK as f64 / 1e6);
        Some(Bucket { start, seconds, records, warnings, errors })
    };
    let mut rows = Vec::with_capacity(buckets.len());
    let mut next = None;
    for &(number, figures) in buckets {
        if let Some(next) = next.filter(|next| *next < number) {
            rows.extend(bucket(next, number - next, [0; 3]));
        }
        rows.extend(bucket(number, 1, figures));
        next = Some(number + 1);
    }
    rows
}

/// The buckets of a summary as at most `most` rows of one round width, for a picture of the time from `start` to `end`:
/// what is outside counts at the edge, and an empty stretch is one row.
pub fn spread(buckets: &[Bucket], start: Stamp, end: Stamp, most: i64) -> Vec<Bucket> {
    let filled = || buckets.iter().filter(|bucket| bucket.records + bucket.warnings + bucket.errors > 0);
    let widest = filled().map(|bucket| (bucket.seconds * 1e6) as i64 / TICK).max().unwrap_or(1);
    let (first, last) = (Histogram::tick(start), Histogram::tick(end).max(Histogram::tick(start)));
    let number = |tick: i64, width: i64| tick.clamp(first, last).div_euclid(width);
    let fits = |width: &i64| *width >= widest && number(last, *width) - number(first, *width) < most;
    let width = ROUND.into_iter().find(fits).unwrap_or_else(|| widest.max((last - first) / (most - 1) + 1));
    let mut all: Vec<(i64, Figures)> = filled()
        .map(|bucket| (number(Histogram::tick(bucket.start), width), [bucket.records, bucket.warnings, bucket.errors]))
        .collect();
    all.sort_by_key(|(number, _)| *number);
    rows(&joined(&all, 1), width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(rows: &[Bucket]) -> Vec<(i64, f64, u64)> {
        rows.iter().map(|row| (row.start.micros() / 1_000_000, row.seconds, row.records)).collect()
    }

    #[test]
    fn empty_stretches_are_one_row_and_the_width_fits_the_span() {
        let mut short = Histogram::default();
        short.add(20, [3, 1, 0]);
        short.add(8, [1, 0, 1]);
        assert_eq!(shown(&short.finish()), [(4, 0.5, 1), (4, 5.5, 0), (10, 0.5, 3)]);

        // A record each second, for 20,000 hours as for three minutes.
        for (seconds, width) in [(110, 0.5), (180, 1.0), (1000, 5.0), (72 * 3600, 1800.0), (20_000 * 3600, 864_000.0)] {
            let mut dense = Histogram::default();
            (0..seconds).step_by(1.max(seconds / 3000) as usize).for_each(|second| dense.add(second * 2, [1, 0, 0]));
            let rows = dense.finish();
            assert!(rows.len() <= ROWS && rows.len() > 30, "{seconds}: {}", rows.len());
            assert_eq!(rows[0].seconds, width, "{seconds}");
        }
    }

    #[test]
    fn the_order_of_the_records_does_not_matter() {
        let ticks: Vec<i64> = (0..5000).map(|n| (n * 7919) % 100_003).collect();
        let mut sorted = ticks.clone();
        sorted.sort_unstable();
        let of = |ticks: &[i64]| {
            let mut all = Histogram::default();
            ticks.iter().for_each(|tick| all.add(*tick, [1, 1, 0]));
            all
        };
        let (mut left, right) = (of(&ticks[..2500]), of(&ticks[2500..]));
        left.merge(right);
        assert_eq!(of(&ticks).finish(), of(&sorted).finish());
        assert_eq!(left.finish(), of(&sorted).finish());
    }

    #[test]
    fn a_picture_has_even_buckets_that_hold_every_record() {
        let at = |second: i64| Stamp::from_seconds(1_700_000_000 + second).unwrap();
        let bucket = |second, records| Bucket { start: at(second), seconds: 0.5, records, warnings: 0, errors: 0 };
        let rows = spread(&[bucket(0, 3), bucket(59, 4), bucket(-5, 1)], at(0), at(60), 24);
        assert!(rows.len() <= 24, "{rows:?}");
        assert_eq!(rows.iter().map(|row| row.records).sum::<u64>(), 8);
        assert_eq!(
            rows.iter().map(|row| (row.seconds, row.records)).collect::<Vec<_>>(),
            [(5.0, 4), (50.0, 0), (5.0, 4)]
        );
        assert_eq!(spread(&[], at(0), at(60), 24), []);
        assert_eq!(spread(&[bucket(0, 3)], at(0), at(0), 24).iter().map(|row| row.records).sum::<u64>(), 3);
    }
}
