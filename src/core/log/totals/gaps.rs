//! Gaps between records without a sorted list of the records.
//!
//! Spans are kept whose records are within the limit of each other. The order of insertion does not matter, two
//! coverages merge, and memory grows with the number of gaps alone, by 48 bytes each.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::first_n::Key;
use crate::json::stored;
use crate::time::Stamp;

/// Of so many spans, from the earliest on, it is known what the records at their ends are called.
const NAMED: usize = 4096;
/// So many spans may wait for their place, beside an eighth of those that have theirs.
const WAITING: usize = 1024;

/// A record at an end of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where and when it is.
    pub key: Key,
    /// What it is called.
    pub name: Name,
}

/// What a record is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// Its event.
    pub event: Option<Box<str>>,
    /// Its event or message.
    pub label: Option<Box<str>>,
}

/// Records without a gap between them, by the first and the last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Span {
    first: Key,
    last: Key,
}

/// A silence longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The number of the span before it; none at the start of the supervised time.
    pub(super) before: Option<u32>,
    /// The number of the span after it; none at the end of the supervised time.
    pub(super) after: Option<u32>,
    /// When it began.
    pub from: Stamp,
    /// When it ended.
    pub to: Stamp,
}

/// The time that records cover.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Coverage {
    /// In microseconds.
    limit: i64,
    /// In order of time; more than the limit is between two.
    spans: Vec<Span>,
    /// Not in their place yet.
    waiting: Vec<Span>,
    /// What the records at the ends of spans are called.
    #[serde(with = "stored::pairs")]
    names: BTreeMap<Key, Name>,
    /// Later records are not named.
    named_until: Option<Key>,
}

impl Coverage {
    /// Nothing yet. A silence longer than `limit` is a gap; one of just that length is none.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit: i64::try_from(limit.as_micros()).unwrap_or(i64::MAX),
            spans: Vec::new(),
            waiting: Vec::new(),
            names: BTreeMap::new(),
            named_until: None,
        }
    }

    /// Adds records that are within the limit of each other, by the first and the last. On equal times the one that
    /// is first in the evidence is the first, and the one that is last is the last.
    pub fn add(&mut self, first: Mark, last: Mark) {
        self.waiting.push(Span { first: first.key, last: last.key });
        for mark in [first, last] {
            if self.named_until.is_none_or(|until| mark.key <= until) {
                self.names.insert(mark.key, mark.name);
            }
        }
        self.settle_some();
    }

    /// Moves everything down by a number of lines.
    pub fn shift(&mut self, lines: u64) {
        for span in self.spans.iter_mut().chain(&mut self.waiting) {
            *span = Span { first: span.first.shifted(lines), last: span.last.shifted(lines) };
        }
        self.names =
            std::mem::take(&mut self.names).into_iter().map(|(key, name)| (key.shifted(lines), name)).collect();
        self.named_until = self.named_until.map(|until| until.shifted(lines));
    }

    /// Adds all of `other`, which has the same limit.
    pub fn merge(&mut self, mut other: Self) {
        if other.spans.len() > self.spans.len() {
            std::mem::swap(self, &mut other);
        }
        self.waiting.append(&mut other.spans);
        self.waiting.append(&mut other.waiting);
        let until = self.named_until;
        self.names.extend(other.names.into_iter().filter(|(key, _)| until.is_none_or(|until| *key <= until)));
        self.settle_some();
    }

    fn settle_some(&mut self) {
        if self.waiting.len() > WAITING + self.spans.len() / 8 {
            self.settle();
        }
    }

    /// Gives each span its place, and joins those without a gap between them.
    fn settle(&mut self) {
        // Doubling the memory would cost more than the move.
        self.spans.reserve_exact(self.waiting.len());
        self.spans.append(&mut self.waiting);
        self.spans.sort_unstable_by_key(|span| span.first);
        self.spans.dedup_by(|next, span| {
            let joined = next.first.micros().saturating_sub(span.last.micros()) <= self.limit;
            if joined {
                span.last = span.last.max(next.last);
            }
            joined
        });
        self.named_until = self.spans.get(NAMED).map(|span| span.first).or(self.named_until);
        if self.names.len() > 2 * NAMED {
            let first = &self.spans[..self.spans.len().min(NAMED)];
            let is_end = |key: &Key| {
                let next = first.partition_point(|span| span.last < *key);
                first.get(next).is_some_and(|span| span.first == *key || span.last == *key)
            };
            self.names.retain(|key, _| is_end(key));
        }
    }

    /// Settles everything, and keeps the names at the ends of the first spans only: what is left depends on the records
    /// alone.
    pub(crate) fn settle_names(&mut self) {
        self.settle();
        let first = &self.spans[..self.spans.len().min(NAMED)];
        let ends: BTreeSet<Key> = first.iter().flat_map(|span| [span.first, span.last]).collect();
        self.names.retain(|key, _| ends.contains(key));
    }

    /// The gaps in order of time; with a `window`, within it, and at its ends too.
    pub fn gaps(&mut self, window: Option<(Stamp, Stamp)>) -> Vec<Gap> {
        self.settle();
        let spans = &self.spans;
        let (start, end) = window.map_or((0, spans.len()), |(from, to)| {
            let start = spans.partition_point(|span| span.last.micros() < from.micros());
            (start, spans.partition_point(|span| span.first.micros() <= to.micros()).max(start))
        });
        let number = |index: usize| u32::try_from(index).ok();
        let gap = |index: usize| {
            let before = (index > start).then(|| index - 1);
            let after = (index < end).then_some(index);
            let from = before.map_or(window.map(|(from, _)| from), |before| spans[before].last.at())?;
            let to = after.map_or(window.map(|(_, to)| to), |after| spans[after].first.at())?;
            let long = to.micros().saturating_sub(from.micros()) > self.limit;
            long.then_some(Gap { before: before.and_then(number), after: after.and_then(number), from, to })
        };
        let mut gaps = Vec::with_capacity(end - start + 1);
        gaps.extend((start..=end).filter_map(gap));
        gaps
    }

    /// The record before a gap; none at the start of the supervised time.
    pub fn before(&self, gap: &Gap) -> Option<Mark> {
        gap.before.and_then(|number| Some(self.mark(self.spans.get(number as usize)?.last)))
    }

    /// The record after a gap; none at the end of the supervised time.
    pub fn after(&self, gap: &Gap) -> Option<Mark> {
        gap.after.and_then(|number| Some(self.mark(self.spans.get(number as usize)?.first)))
    }

    fn mark(&self, key: Key) -> Mark {
        Mark { key, name: self.names.get(&key).cloned().unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(seconds: i64, line: u64) -> Mark {
        let at = Stamp::from_seconds(seconds).expect("in range");
        let name = Name { event: None, label: Some(format!("record {line}").into()) };
        Mark { key: Key::new(Some(at), 0, line, 0), name }
    }

    fn stamp(seconds: i64) -> Stamp {
        Stamp::from_seconds(seconds).expect("in range")
    }

    fn gaps_of(coverage: &mut Coverage) -> Vec<(Mark, Mark)> {
        let gaps = coverage.gaps(None);
        let ends = |gap| Some((coverage.before(gap)?, coverage.after(gap)?));
        gaps.iter().map(|gap| ends(gap).expect("no window")).collect()
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
            let expect: Vec<(Mark, Mark)> = marks
                .windows(2)
                .filter(|pair| pair[1].key.micros() - pair[0].key.micros() > 20_000_000)
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect();
            prop_assert_eq!(gaps_of(&mut right), expect);
        }
    }

    #[test]
    fn many_gaps_are_told_in_any_order_and_the_first_are_named() {
        let count = 40_000_u64;
        let add = |numbers: &mut dyn Iterator<Item = u64>| {
            let mut coverage = Coverage::new(Duration::from_secs(20));
            numbers.for_each(|number| {
                let mark = mark(i64::try_from(number).expect("small") * 30, number);
                coverage.add(mark.clone(), mark);
            });
            coverage
        };
        // 7 and the count have no divisor in common.
        let mut shuffled = add(&mut (0..count / 2).map(|n| n * 7 % count));
        shuffled.merge(add(&mut (count / 2..count).map(|n| n * 7 % count)));
        let mut ordered = add(&mut (0..count));
        let (shuffled, ordered) = (gaps_of(&mut shuffled), gaps_of(&mut ordered));
        assert_eq!(ordered.len() as u64, count - 1);
        assert_eq!(shuffled[..1000], ordered[..1000]);
        assert!(shuffled.iter().zip(&ordered).all(|(a, b)| (a.0.key, a.1.key) == (b.0.key, b.1.key)));
        assert_eq!(ordered[999].1.name.label.as_deref(), Some("record 1000"));
    }

    #[test]
    fn silence_at_the_ends_of_the_supervised_time_is_a_gap() {
        let mut coverage = Coverage::new(Duration::from_secs(10));
        [100, 105, 130].into_iter().for_each(|at| coverage.add(mark(at, 1), mark(at, 1)));
        let window = |from, to| Some((stamp(from), stamp(to)));
        let mut seconds =
            |window| -> Vec<f64> { coverage.gaps(window).iter().map(|gap| gap.to.seconds_since(gap.from)).collect() };
        assert_eq!(seconds(None), [25.0]);
        assert_eq!(seconds(window(90, 140)), [25.0]);
        assert_eq!(seconds(window(80, 150)), [20.0, 25.0, 20.0]);
        assert_eq!(seconds(window(200, 260)), [60.0]);
    }
}
