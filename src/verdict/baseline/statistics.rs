//! The statistics of comparisons: what the noise of earlier runs explains, and what it does not.

/// The quantile of the one-sided interval: a run of unchanged code is beyond it in one of a hundred comparisons.
const Z99: f64 = 2.326_347_874_040_841;
/// Runs differ by at least so much, however equal a few of them look: on logarithms, about 2 %.
const LEAST_SPREAD: f64 = 0.02;
/// How often the windows are drawn again.
const DRAWS: usize = 2000;

/// The middle of `values`; none if there are none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The quantile `share` (0 to 1) of `values`, between the two that are next to it; none if there are none.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    Some(sorted[low] + (sorted[high] - sorted[low]) * at.fract())
}

/// The 99 % quantile of Student's distribution with `freedom` of 4 and more, by the expansion of Cornish and Fisher:
/// within a thousandth.
fn t99(freedom: f64) -> f64 {
    let z = Z99;
    let [z3, z5, z7, z9] = [3, 5, 7, 9].map(|power| z.powi(power));
    z + (z3 + z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * z) / (384.0 * freedom.powi(3))
        + (79.0 * z9 + 776.0 * z7 + 1482.0 * z5 - 1920.0 * z3 - 945.0 * z) / (92_160.0 * freedom.powi(4))
}

/// The upper end of the one-sided 99 % prediction interval for one more figure like `logs`, which are five or more
/// logarithms. The lower end is as far below their mean.
pub(super) fn predicted(logs: &[f64]) -> (f64, f64) {
    let n = logs.len() as f64;
    let mean = logs.iter().sum::<f64>() / n;
    let variance = logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, t99(n - 1.0) * variance.sqrt().max(LEAST_SPREAD) * (1.0 + 1.0 / n).sqrt())
}

/// The 95 % bootstrap interval of the ratio of the median of `new` to that of `old`, both positive. The draws are the
/// same in every run, so that the same evidence gives the same verdict.
pub(super) fn ratio_of_medians(new: &[f64], old: &[f64]) -> Option<(f64, f64)> {
    let mut draws = Draws(0x9e37_79b9_7f4a_7c15);
    let mut picked = Vec::new();
    let mut middle = |values: &[f64], draws: &mut Draws| {
        picked.clear();
        picked.extend((0..values.len()).map(|_| values[draws.below(values.len())]));
        let half = picked.len() / 2;
        let (_, middle, _) = picked.select_nth_unstable_by(half, f64::total_cmp);
        *middle
    };
    if new.is_empty() || old.is_empty() {
        return None;
    }
    let ratios: Vec<f64> = (0..DRAWS).map(|_| middle(new, &mut draws) / middle(old, &mut draws)).collect();
    let ends = quantile(&ratios, 0.025).zip(quantile(&ratios, 0.975))?;
    (ends.0.is_finite() && ends.1.is_finite()).then_some(ends)
}

/// The median of the slopes between any two points (Theil and Sen), which a few wild ones do not move; none for fewer
/// than two. Long series are thinned evenly first.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    const MOST: usize = 240;
    let step = points.len().div_ceil(MOST).max(1);
    let points: Vec<&(f64, f64)> = points.iter().step_by(step).collect();
    let mut slopes = Vec::new();
    for (at, one) in points.iter().enumerate() {
        let pairs = points[at + 1..].iter().filter(|other| other.0 != one.0);
        slopes.extend(pairs.map(|other| (other.1 - one.1) / (other.0 - one.0)));
    }
    median(&slopes)
}

/// Numbers that look random and are the same every time (xorshift64*).
pub(super) struct Draws(pub(super) u64);

impl Draws {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `most`, which is not 0.
    fn below(&mut self, most: usize) -> usize {
        ((u128::from(self.next()) * most as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_student_are_those_of_the_tables() {
        for (freedom, expect) in [(4.0, 3.747), (5.0, 3.365), (7.0, 2.998), (9.0, 2.821), (30.0, 2.457)] {
            assert!((t99(freedom) - expect).abs() < 0.005, "{freedom}: {}", t99(freedom));
        }
    }

    #[test]
    fn medians_quantiles_and_slopes() {
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(quantile(&[0.0, 10.0], 0.95), Some(9.5));
        let line: Vec<(f64, f64)> =
            (0..1000).map(|n| (f64::from(n), if n == 500 { 1e9 } else { f64::from(n) * 2.0 })).collect();
        assert_eq!(slope(&line), Some(2.0));
        assert_eq!(slope(&line[..1]), None);
    }

    #[test]
    fn the_interval_of_a_ratio_holds_it() {
        let old: Vec<f64> = (0..100).map(|n| 100.0 + f64::from(n % 10)).collect();
        let new: Vec<f64> = old.iter().map(|x| x * 1.5).collect();
        let (low, high) = ratio_of_medians(&new, &old).unwrap();
        assert!((1.4..=1.5).contains(&low) && (1.5..1.6).contains(&high), "{low} {high}");
        assert_eq!(ratio_of_medians(&new, &old), Some((low, high)), "the same every time");
        assert_eq!(ratio_of_medians(&[], &old), None);
    }
}
