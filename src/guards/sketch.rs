//! Many values in little room: how many are where, each place within 1 % of the value.

use std::collections::BTreeMap;

/// Neighbouring places are so far apart that the middle of one is within 1 % of all values in it.
const GAMMA: f64 = 1.01 / 0.99;
/// Smaller values count as zero.
const LEAST: f64 = 1e-12;

/// How many values are where.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sketch {
    /// Places of negative values have a negative side, zero is between.
    places: BTreeMap<(i8, i32), u64>,
}

impl Sketch {
    pub(super) fn add(&mut self, value: f64, times: u64) {
        *self.places.entry(place(value)).or_default() += times;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (place, times) in &other.places {
            *self.places.entry(*place).or_default() += times;
        }
    }

    /// The value of this rank, from 1.
    pub(super) fn ranked(&self, rank: u64) -> Option<f64> {
        let mut seen = 0;
        let found = self.places.iter().find(|(_, times)| {
            seen += *times;
            seen >= rank
        });
        found.map(|((side, index), _)| match side {
            0 => 0.0,
            -1 => -middle(-index),
            _ => middle(*index),
        })
    }
}

fn place(value: f64) -> (i8, i32) {
    let size = value.abs();
    if size < LEAST {
        return (0, 0);
    }
    let index = (size.ln() / GAMMA.ln()).ceil() as i32;
    // The largest negative numbers come last among those.
    if value < 0.0 { (-1, -index) } else { (1, index) }
}

fn middle(index: i32) -> f64 {
    2.0 * GAMMA.powi(index) / (GAMMA + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_is_within_one_percent() {
        let mut sketch = Sketch::default();
        let values: Vec<f64> = (-2000..20_000).map(|n| f64::from(n) * 0.37).collect();
        values.iter().for_each(|value| sketch.add(*value, 1));
        for rank in [1, 500, 1999, 2001, 2002, 5000, 21_000, 22_000] {
            let (exact, told) = (values[rank - 1], sketch.ranked(rank as u64).unwrap());
            assert!((exact - told).abs() <= exact.abs() * 0.0101, "{rank}: {exact} {told}");
        }
        assert_eq!(sketch.ranked(22_001), None);
    }
}
