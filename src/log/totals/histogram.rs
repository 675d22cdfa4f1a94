//! Records over time, in buckets of an hour.

use std::collections::BTreeMap;

use crate::log::summary::Bucket;
use crate::time::Stamp;

/// More buckets than this are made coarser.
const LIMIT: usize = 10_000;
/// The widths in seconds: an hour, a day, thirty days, ten years.
const WIDTHS: [i64; 4] = [3600, 86_400, 30 * 86_400, 3653 * 86_400];

/// Records, warnings and errors.
pub(crate) type Figures = [u64; 3];

/// Records by time. The width of the buckets depends on the records alone, not on their order.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    width: usize,
    buckets: BTreeMap<i64, Figures>,
}

impl Histogram {
    /// The number of the hour that an instant is in.
    #[inline]
    pub fn hour(at: Stamp) -> i64 {
        at.micros().div_euclid(WIDTHS[0] * 1_000_000)
    }

    /// Adds the figures of one hour.
    pub fn add(&mut self, hour: i64, figures: Figures) {
        self.add_seconds(hour * WIDTHS[0], figures);
        self.coarsen(self.width);
    }

    fn add_seconds(&mut self, seconds: i64, figures: Figures) {
        let bucket = self.buckets.entry(seconds.div_euclid(WIDTHS[self.width])).or_default();
        bucket.iter_mut().zip(figures).for_each(|(total, more)| *total += more);
    }

    /// Widens the buckets to at least the width with this index, and until there are few enough.
    fn coarsen(&mut self, least: usize) {
        while self.width < least || (self.buckets.len() > LIMIT && self.width + 1 < WIDTHS.len()) {
            let old = WIDTHS[self.width];
            self.width += 1;
            for (number, figures) in std::mem::take(&mut self.buckets) {
                self.add_seconds(number * old, figures);
            }
        }
    }

    /// Adds all figures of `other`.
    pub fn merge(&mut self, mut other: Self) {
        let width = self.width.max(other.width);
        self.coarsen(width);
        other.coarsen(width);
        for (number, figures) in other.buckets {
            self.add_seconds(number * WIDTHS[width], figures);
        }
        self.coarsen(width);
    }

    /// The buckets in order of time, with each empty stretch between them as one.
    pub fn finish(self) -> Vec<Bucket> {
        let width = WIDTHS[self.width];
        let bucket = |number: i64, length: i64, [records, warnings, errors]: Figures| {
            // The first bucket may start before the year 1.
            let start = Stamp::from_seconds(number * width).or_else(|| Stamp::parse("0001-01-01"))?;
            Some(Bucket { start, seconds: (length * width).unsigned_abs(), records, warnings, errors })
        };
        let mut rows = Vec::with_capacity(self.buckets.len());
        let mut next = None;
        for (number, figures) in self.buckets {
            if let Some(next) = next.filter(|next| *next < number) {
                rows.extend(bucket(next, number - next, [0; 3]));
            }
            rows.extend(bucket(number, 1, figures));
            next = Some(number + 1);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_stretches_are_shown_and_long_spans_made_coarser() {
        let mut hours = Histogram::default();
        hours.add(5, [3, 1, 0]);
        hours.add(2, [1, 0, 1]);
        let rows: Vec<_> =
            hours.finish().iter().map(|row| (row.start.micros() / 3_600_000_000, row.seconds, row.records)).collect();
        assert_eq!(rows, [(2, 3600, 1), (3, 7200, 0), (5, 3600, 3)]);

        let mut long = Histogram::default();
        (0..20_000).for_each(|hour| long.add(hour, [1, 0, 0]));
        let rows = long.finish();
        assert_eq!((rows.len(), rows[0].seconds, rows[0].records), (834, 86_400, 24));
    }
}
