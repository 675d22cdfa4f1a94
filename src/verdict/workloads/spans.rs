//! Stretches of time in seconds since the start of a run.

/// Stretches that do not touch, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spans(Vec<(f64, f64)>);

impl Spans {
    /// The stretches of a list, in any order.
    pub(super) fn of(mut list: Vec<(f64, f64)>) -> Self {
        list.retain(|(from, to)| to > from);
        list.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut spans: Vec<(f64, f64)> = Vec::with_capacity(list.len());
        for (from, to) in list {
            match spans.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => spans.push((from, to)),
            }
        }
        Self(spans)
    }

    /// What is in any of them.
    pub(super) fn union<'s>(all: impl IntoIterator<Item = &'s Self>) -> Self {
        Self::of(all.into_iter().flat_map(|spans| spans.0.iter().copied()).collect())
    }

    /// What is in none of them, from 0 to `end`.
    pub(super) fn rest(&self, end: f64) -> Self {
        let mut rest = Vec::new();
        let mut at = 0.0_f64;
        for (from, to) in self.0.iter().map(|(from, to)| (from.min(end), to.min(end))) {
            rest.push((at, from));
            at = at.max(to);
        }
        rest.push((at, end));
        Self::of(rest)
    }

    /// The part between two instants.
    pub(super) fn within(&self, start: f64, end: f64) -> Self {
        Self::of(self.0.iter().map(|(from, to)| (from.max(start), to.min(end))).collect())
    }

    /// How long they are together.
    pub(super) fn total(&self) -> f64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// How long the one is that begins at the start of the run; 0 where there is none.
    pub(super) fn starts_with(&self) -> f64 {
        self.0.first().filter(|(from, _)| *from <= 0.0).map_or(0.0, |(_, to)| *to)
    }

    /// Each of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.0.iter().copied()
    }
}
