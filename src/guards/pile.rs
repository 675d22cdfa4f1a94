//! Values of one figure that came in one stretch of time.

use super::sketch::Sketch;

/// So many values are kept as they are; of more it is known within 1 % where they are.
pub(crate) const EXACT: usize = 10_000;

/// What a look at a source gives.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reading {
    /// A figure, and on how many samples it rests.
    Value(f64, u64),
    /// Nothing was written since the last look; what was read then still holds.
    Same,
    /// A histogram: how many samples so far up to each bound.
    Buckets(Vec<(f64, f64)>),
}

/// Values of one figure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pile {
    /// How many.
    pub count: u64,
    /// How many were no numbers, or impossible.
    pub bad: u64,
    /// Of a count: how many records had the field at all.
    pub seen: u64,
    pub last: Option<f64>,
    sum: f64,
    least: Option<f64>,
    most: Option<f64>,
    /// By how much a counter rose.
    pub rise: f64,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Exact(Vec<f64>),
    Sketch(Sketch),
}

impl Default for Values {
    fn default() -> Self {
        Self::Exact(Vec::new())
    }
}

impl Pile {
    /// Adds what may be no number.
    pub(crate) fn take(&mut self, number: Option<f64>, positive: bool) {
        match number.filter(|number| number.is_finite() && !(positive && *number < 0.0)) {
            Some(number) => self.add(number, 1),
            None => self.bad += 1,
        }
    }

    /// Adds a value that came so many times, but for the value itself, which only a percentile needs.
    pub(super) fn add_sums(&mut self, value: f64, times: u64) {
        if times == 0 {
            return;
        }
        self.count += times;
        self.last = Some(value);
        self.sum += value * times as f64;
        self.least = Some(self.least.map_or(value, |least| least.min(value)));
        self.most = Some(self.most.map_or(value, |most| most.max(value)));
    }

    /// Adds a value that came so many times.
    pub(crate) fn add(&mut self, value: f64, times: u64) {
        self.add_sums(value, times);
        if times == 0 {
            return;
        }
        match &mut self.values {
            Values::Exact(values) if values.len() as u64 + times <= EXACT as u64 => {
                values.extend(std::iter::repeat_n(value, times as usize));
            }
            _ => self.sketch().add(value, times),
        }
    }

    /// Adds values that came later.
    pub(crate) fn merge(&mut self, later: &Self) {
        self.merge_sums(later);
        match (&mut self.values, &later.values) {
            (Values::Exact(own), Values::Exact(other)) if own.len() + other.len() <= EXACT => own.extend(other),
            (_, Values::Exact(other)) => {
                let sketch = self.sketch();
                other.iter().for_each(|value| sketch.add(*value, 1));
            }
            (_, Values::Sketch(other)) => self.sketch().merge(other),
        }
    }

    /// The same but for the values themselves, which only a percentile needs.
    pub(super) fn merge_sums(&mut self, later: &Self) {
        self.count += later.count;
        self.bad += later.bad;
        self.seen += later.seen;
        self.last = later.last.or(self.last);
        self.sum += later.sum;
        self.least = self.least.into_iter().chain(later.least).reduce(f64::min);
        self.most = self.most.into_iter().chain(later.most).reduce(f64::max);
        self.rise += later.rise;
    }

    /// Keeps from now on only where its values are.
    pub(super) fn sketch(&mut self) -> &mut Sketch {
        if let Values::Exact(values) = &mut self.values {
            let mut sketch = Sketch::default();
            values.drain(..).for_each(|value| sketch.add(value, 1));
            self.values = Values::Sketch(sketch);
        }
        match &mut self.values {
            Values::Sketch(sketch) => sketch,
            Values::Exact(_) => unreachable!("it was made one"),
        }
    }

    /// How many values are kept as they are.
    pub(super) fn exact(&self) -> usize {
        match &self.values {
            Values::Exact(values) => values.len(),
            Values::Sketch(_) => 0,
        }
    }

    pub(crate) fn least(&self) -> Option<f64> {
        self.least
    }

    pub(crate) fn most(&self) -> Option<f64> {
        self.most
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        (self.count > 0 && self.last.is_some()).then(|| self.sum / self.count as f64)
    }

    /// The value that so large a share of all do not exceed.
    pub(crate) fn quantile(&mut self, share: f64) -> Option<f64> {
        self.last?;
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count);
        match &mut self.values {
            Values::Exact(values) => {
                let at = (rank as usize - 1).min(values.len().checked_sub(1)?);
                Some(*values.select_nth_unstable_by(at, f64::total_cmp).1)
            }
            Values::Sketch(sketch) => sketch.ranked(rank),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piles_add_up_however_they_are_cut() {
        let values: Vec<f64> = (0..30_000).map(|n| f64::from((n * 7919) % 30_000)).collect();
        for many in [100, 9_000, 30_000] {
            let mut whole = Pile::default();
            let mut parts = Pile::default();
            for part in values[..many].chunks(777) {
                let mut pile = Pile::default();
                part.iter().for_each(|value| pile.add(*value, 1));
                parts.merge(&pile);
                part.iter().for_each(|value| whole.add(*value, 1));
            }
            let mut sorted = values[..many].to_vec();
            sorted.sort_by(f64::total_cmp);
            for share in [0.5, 0.99] {
                let exact = sorted[(share * many as f64).ceil() as usize - 1];
                let error = if many <= EXACT { 0.0 } else { exact * 0.0101 };
                for pile in [&mut whole, &mut parts] {
                    assert!((pile.quantile(share).unwrap() - exact).abs() <= error, "{many} {share}");
                }
            }
            assert_eq!((parts.count, parts.last), (whole.count, whole.last));
            assert_eq!((parts.least(), parts.most()), (Some(sorted[0]), sorted.last().copied()));
        }
        assert_eq!(Pile::default().quantile(0.5), None);
    }
}
