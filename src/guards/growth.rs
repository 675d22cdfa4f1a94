//! Growth of a figure: not its peak, but where it goes.

/// A slope is judged from so many samples on.
pub(crate) const SLOPED: usize = 20;
/// The most samples whose pairs are compared for a slope.
const PAIRED: usize = 400;
/// The quantile of the normal distribution for an interval of 95 %.
const Z: f64 = 1.96;

/// The median of the slopes of all pairs, per hour, with an interval of 95 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slope {
    pub low: f64,
    pub median: f64,
    pub high: f64,
}

/// By how much the last tenth of the figures is above the first one, by their medians: a peak is no growth. None
/// without any.
pub(crate) fn growth(points: &[(f64, f64)]) -> Option<f64> {
    let tenth = (points.len() / 10).max(1);
    let median = |points: &[(f64, f64)]| {
        let mut figures: Vec<f64> = points.iter().map(|(_, figure)| *figure).collect();
        figures.sort_by(f64::total_cmp);
        f64::midpoint(figures[(figures.len() - 1) / 2], figures[figures.len() / 2])
    };
    (!points.is_empty()).then(|| median(&points[points.len() - tenth..]) - median(&points[..tenth]))
}

/// The slope of points, each a time in seconds and a figure; none for fewer than three.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    if points.len() < 3 {
        return None;
    }
    let step = points.len().div_ceil(PAIRED);
    let points: Vec<(f64, f64)> = points.iter().copied().step_by(step).collect();
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (n, (time, figure)) in points.iter().enumerate() {
        let later = points[n + 1..].iter().filter(|(later, _)| later > time);
        slopes.extend(later.map(|(later, other)| (other - figure) / (later - time) * 3600.0));
    }
    let last = slopes.len().checked_sub(1)?;
    let n = points.len() as f64;
    // The spread of Kendall's count of rising pairs, where nothing is tied.
    let spread = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let low = ((slopes.len() as f64 - spread) / 2.0).floor().max(0.0) as usize;
    let mut ranked = |rank: usize| *slopes.select_nth_unstable_by(rank.min(last), f64::total_cmp).1;
    let (low, high) = (ranked(low), ranked(last - low.min(last)));
    let median = f64::midpoint(ranked(last / 2), ranked(last.div_ceil(2)));
    Some(Slope { low, median, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of ±2.5 around zero that is the same in each run.
    fn noise(n: u64) -> f64 {
        let mixed = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (mixed >> 33) as f64 / f64::from(1_u32 << 31) * 5.0 - 2.5
    }

    #[test]
    fn a_leak_has_a_slope_and_noise_and_a_peak_have_none() {
        let series = |per_hour: f64, peak: bool| -> Vec<(f64, f64)> {
            (0..60_u32)
                .map(|n| {
                    let more = if peak && (30..33).contains(&n) { 60.0 } else { 0.0 };
                    (f64::from(n) * 60.0, 200.0 + per_hour * f64::from(n) / 60.0 + noise(n.into()) + more)
                })
                .collect()
        };
        for peak in [false, true] {
            let flat = slope(&series(0.0, peak)).unwrap();
            assert!(flat.low < 0.0 && flat.high > 0.0, "{flat:?}");
            assert!(growth(&series(0.0, peak)).unwrap().abs() < 4.0);
        }
        let leak = slope(&series(60.0, false)).unwrap();
        assert!((55.0..65.0).contains(&leak.median) && leak.low > 50.0 && leak.high < 70.0, "{leak:?}");
        assert!((50.0..60.0).contains(&growth(&series(60.0, false)).unwrap()));
        assert_eq!((slope(&[(0.0, 1.0), (1.0, 2.0)]), growth(&[])), (None, None));
    }
}
