//! The statistics of an alert rehearsal: interval of a proportion, spread of latencies, storms.

use std::time::Duration;

use serde::Serialize;

use crate::time::Stamp;

/// The 97.5 % quantile of the normal distribution: what makes an interval a 95 % one.
const Z: f64 = 1.959_963_984_540_054;

/// Where the true proportion is with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Interval {
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
}

/// The Wilson interval of `hits` out of `total`; none if nothing was counted.
pub(crate) fn wilson(hits: u64, total: u64) -> Option<Interval> {
    if total == 0 {
        return None;
    }
    let (n, p) = (total as f64, hits as f64 / total as f64);
    let center = p + Z * Z / (2.0 * n);
    let reach = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // At the ends the formula is exact but floats are not.
    let low = if hits == 0 { 0.0 } else { ((center - reach) / scale).max(0.0) };
    let high = if hits == total { 1.0 } else { ((center + reach) / scale).min(1.0) };
    Some(Interval { low, high })
}

/// How many more events, at the same proportion, would put `limit` outside the Wilson interval; none if it is
/// outside already, or where no number would (the proportion equals the limit, or the limit is 0 or 1).
pub(crate) fn more_to_decide(hits: u64, total: u64, limit: f64) -> Option<u64> {
    let interval = wilson(hits, total)?;
    let p = hits as f64 / total as f64;
    if !(interval.low < limit && limit < interval.high) || p == limit {
        return None;
    }
    // The Wilson interval holds exactly the limits that the score test does not reject, so the test gives the number.
    let needed = (Z * Z * limit * (1.0 - limit) / (p - limit).powi(2)).ceil();
    (needed < 1e15).then(|| (needed as u64).saturating_sub(total).max(1))
}

/// The spread of a set of numbers. Percentiles are nearest-rank: each is one of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// How many numbers there are; at least 1.
    pub samples: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The 50th percentile.
    pub median: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

/// Sorts `values` and gives their spread; none for an empty set.
pub(crate) fn spread(values: &mut [f64]) -> Option<Spread> {
    if values.is_empty() {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(Spread {
        samples: values.len() as u64,
        mean: values.iter().sum::<f64>() / values.len() as f64,
        median: percentile(values, 50),
        p95: percentile(values, 95),
        max: values[values.len() - 1],
    })
}

/// The nearest-rank percentile of `sorted`, which must not be empty: the smallest number with at least `percent` of
/// all at or below it.
pub(crate) fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

/// The densest stretch of `length` in `times` (sorted): the index of its first and the number of its members; the
/// earliest of equally dense ones. None if there are no times.
pub(crate) fn densest(times: &[Stamp], length: Duration) -> Option<(usize, usize)> {
    let mut best = None;
    let mut first = 0;
    for (last, at) in times.iter().enumerate() {
        while at.since(times[first]) >= length {
            first += 1;
        }
        let count = last + 1 - first;
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((first, count));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        for (hits, total, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let interval = wilson(hits, total).expect("something was counted");
            assert!(close(interval.low, low) && close(interval.high, high), "{hits}/{total}: {interval:?}");
        }
        assert_eq!(wilson(0, 0), None);
        assert_eq!(wilson(3, 3).map(|i| i.high), Some(1.0));
    }

    #[test]
    fn the_number_that_decides_does_decide() {
        for (hits, total, limit) in [(4_u64, 128_u64, 0.05), (7, 128, 0.05), (1, 10, 0.3)] {
            let more = more_to_decide(hits, total, limit).expect("undecided");
            let enough = total + more;
            let scaled = (hits as f64 / total as f64 * enough as f64).round() as u64;
            let interval = wilson(scaled, enough).expect("counted");
            // Rounding to whole alerts moves the ends a little.
            assert!(interval.low > limit * 0.97 || interval.high < limit * 1.03, "{more}: {interval:?}");
        }
        assert_eq!(more_to_decide(4, 128, 0.05), Some(392));
        assert_eq!(more_to_decide(0, 1000, 0.05), None);
        assert_eq!(more_to_decide(5, 100, 0.05), None);
        assert_eq!(more_to_decide(0, 100, 0.0), None);
    }

    #[test]
    fn percentiles_are_members() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        let found = spread(&mut values).expect("not empty");
        assert_eq!((found.median, found.p95, found.max, found.mean), (2.0, 4.0, 4.0, 2.5));
        assert_eq!(spread(&mut []), None);
    }

    #[test]
    fn the_densest_stretch_is_half_open() {
        let at = |s| Stamp::from_seconds(s).expect("in range");
        let times = [at(0), at(100), at(299), at(300), at(301), at(2000)];
        assert_eq!(densest(&times, Duration::from_secs(300)), Some((1, 4)));
        assert_eq!(densest(&[], Duration::from_secs(300)), None);
    }
}
