//! Curves of few points: the least and the most of each stretch are kept, so that no peak is lost.

use crate::time::Stamp;

/// At most this many points are drawn of a curve.
pub(super) const MOST: usize = 240;

/// Thins a series in the order of time to at most [`MOST`] points.
pub(super) fn thin(points: &[(Stamp, f64)]) -> Vec<(Stamp, f64)> {
    if points.len() <= MOST {
        return points.to_vec();
    }
    let stretches = MOST / 2;
    let mut kept = Vec::with_capacity(MOST);
    for stretch in 0..stretches {
        let from = stretch * points.len() / stretches;
        let to = (stretch + 1) * points.len() / stretches;
        let part = &points[from..to];
        let least = part.iter().enumerate().min_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at);
        let most = part.iter().enumerate().max_by(|a, b| a.1.1.total_cmp(&b.1.1)).map(|(at, _)| at);
        if let (Some(least), Some(most)) = (least, most) {
            let (first, last) = (least.min(most), least.max(most));
            kept.push(part[first]);
            if last > first {
                kept.push(part[last]);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_keeps_its_peaks() {
        let at = |n: i64| Stamp::from_seconds(n).unwrap();
        let series: Vec<(Stamp, f64)> = (0..10_000).map(|n| (at(n), if n == 4321 { 99.0 } else { 1.0 })).collect();
        let thin = thin(&series);
        assert!(thin.len() <= MOST);
        assert!(thin.contains(&(at(4321), 99.0)));
        assert!(thin.is_sorted_by_key(|(at, _)| *at));
    }
}
