//! Gaps between records without a sorted list of them.
//!
//! Spans are kept whose records lie within the limit of each other. The order of insertion does not matter, two
//! coverages merge, and memory grows with the number of gaps alone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::first_n::Key;
use crate::time::Stamp;

/// A record at an end of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where and when it is.
    pub key: Key,
    /// When it is.
    pub at: Stamp,
    /// Its event.
    pub event: Option<Box<str>>,
    /// Its event or message.
    pub label: Option<Box<str>>,
}

/// Records without a gap between them.
#[derive(Clone, Debug)]
struct Span {
    first: Mark,
    last: Mark,
}

/// A silence longer than the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The record before it; none at the start of the supervised time.
    pub before: Option<Mark>,
    /// The record after it; none at the end of the supervised time.
    pub after: Option<Mark>,
    /// When it began.
    pub from: Stamp,
    /// When it ended.
    pub to: Stamp,
}

/// The time that records cover.
#[derive(Clone, Debug)]
pub struct Coverage {
    limit: Duration,
    /// By the time of the first record.
    spans: BTreeMap<Stamp, Span>,
}

impl Coverage {
    /// Nothing yet. A silence longer than `limit` is a gap; one of just that length is none.
    pub fn new(limit: Duration) -> Self {
        Self { limit, spans: BTreeMap::new() }
    }

    /// Adds records that lie within the limit of each other, by the first and the last. On equal times the one that
    /// stands first in the evidence is the first, and the one that stands last is the last.
    pub fn add(&mut self, first: Mark, last: Mark) {
        let mut span = Span { first, last };
        while let Some((_, near)) = self.spans.range(..=span.last.at.plus(self.limit)).next_back() {
            if near.last.at.plus(self.limit) < span.first.at {
                break;
            }
            let start = near.first.at;
            let Some(near) = self.spans.remove(&start) else { break };
            if near.first.key < span.first.key {
                span.first = near.first;
            }
            if near.last.key > span.last.key {
                span.last = near.last;
            }
        }
        self.spans.insert(span.first.at, span);
    }

    /// Moves everything down by a number of lines.
    pub fn shift(&mut self, lines: u64) {
        for span in self.spans.values_mut() {
            span.first.key = span.first.key.shifted(lines);
            span.last.key = span.last.key.shifted(lines);
        }
    }

    /// Adds all of `other`, which has the same limit.
    pub fn merge(&mut self, other: Self) {
        other.spans.into_values().for_each(|span| self.add(span.first, span.last));
    }

    /// The gaps in order of time; with a `window`, within it, and at its ends too.
    pub fn gaps(&self, window: Option<(Stamp, Stamp)>) -> Vec<Gap> {
        let inside = |span: &&Span| window.is_none_or(|(from, to)| span.last.at >= from && span.first.at <= to);
        let mut gaps = Vec::new();
        let mut before: Option<&Mark> = None;
        for span in self.spans.values().filter(inside) {
            if let Some(from) = before.map(|mark| mark.at).or(window.map(|(from, _)| from)) {
                let gap = Gap { before: before.cloned(), after: Some(span.first.clone()), from, to: span.first.at };
                gaps.push(gap);
            }
            before = Some(&span.last);
        }
        if let Some((from, to)) = window {
            gaps.push(Gap { before: before.cloned(), after: None, from: before.map_or(from, |mark| mark.at), to });
        }
        gaps.retain(|gap| gap.to.since(gap.from) > self.limit);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(seconds: i64, line: u64) -> Mark {
        let at = Stamp::from_seconds(seconds).expect("in range");
        Mark { key: Key::new(Some(at), 0, line, 0), at, event: None, label: None }
    }

    fn gaps_of(coverage: &Coverage) -> Vec<(Key, Key)> {
        let key = |mark: Option<Mark>| mark.expect("no window").key;
        coverage.gaps(None).into_iter().map(|gap| (key(gap.before), key(gap.after))).collect()
    }

    proptest! {
        #[test]
        fn gaps_equal_those_of_the_sorted_list(times in prop::collection::vec(0..2000_i64, 1..60), cut in 0..60_usize) {
            let limit = Duration::from_secs(20);
            let mut marks: Vec<Mark> = times.iter().zip(1..).map(|(time, line)| mark(*time, line)).collect();
            let (mut left, mut right) = (Coverage::new(limit), Coverage::new(limit));
            for (index, mark) in marks.iter().enumerate() {
                if index < cut { &mut left } else { &mut right }.add(mark.clone(), mark.clone());
            }
            right.merge(left);
            marks.sort_by_key(|mark| mark.key);
            let expect: Vec<(Key, Key)> = marks
                .windows(2)
                .filter(|pair| pair[1].at.since(pair[0].at) > limit)
                .map(|pair| (pair[0].key, pair[1].key))
                .collect();
            prop_assert_eq!(gaps_of(&right), expect);
        }
    }

    #[test]
    fn silence_at_the_ends_of_the_supervised_time_is_a_gap() {
        let mut coverage = Coverage::new(Duration::from_secs(10));
        [100, 105, 130].into_iter().for_each(|at| coverage.add(mark(at, 1), mark(at, 1)));
        let window = |from, to| Some((mark(from, 0).at, mark(to, 0).at));
        let seconds =
            |window| -> Vec<f64> { coverage.gaps(window).iter().map(|gap| gap.to.seconds_since(gap.from)).collect() };
        assert_eq!(seconds(None), [25.0]);
        assert_eq!(seconds(window(90, 140)), [25.0]);
        assert_eq!(seconds(window(80, 150)), [20.0, 25.0, 20.0]);
        assert_eq!(seconds(window(200, 260)), [60.0]);
    }
}
