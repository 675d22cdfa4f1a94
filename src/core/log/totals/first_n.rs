//! The first findings of a kind, with their exact number, in bounded memory and in any order of reading.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};

use crate::finding::{self, Finding};
use crate::json::stored;
use crate::time::Stamp;

/// Where something is in the evidence. Ordered by time (undated last), then by file and line, so that the same
/// evidence gives the same order however it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key {
    /// Microseconds since the epoch; `i64::MAX` where the time is not known.
    at: i64,
    /// The number of the file.
    pub file: u32,
    /// The line, from 1.
    pub line: u64,
    /// The number of the record in its line, for lines that hold many.
    pub part: u32,
}

impl Key {
    /// The key of a record.
    pub fn new(at: Option<Stamp>, file: u32, line: u64, part: u32) -> Self {
        Self { at: at.map_or(i64::MAX, Stamp::micros), file, line, part }
    }

    /// The time.
    pub fn at(&self) -> Option<Stamp> {
        Stamp::from_micros(self.at)
    }

    /// The time in microseconds since the epoch; `i64::MAX` where it is not known.
    pub(super) fn micros(&self) -> i64 {
        self.at
    }

    /// The same place in a text with `lines` more lines before it.
    #[must_use]
    pub fn shifted(mut self, lines: u64) -> Self {
        self.line += lines;
        self
    }
}

/// The most bytes that the findings of a listing take.
const LISTING_LIMIT: usize = 2 << 20;

/// The first findings of a kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Listing {
    limit: usize,
    total: u64,
    #[serde(with = "stored::pairs")]
    kept: BTreeMap<Key, Finding>,
    /// Findings after this time are not kept, in microseconds since the epoch. What is stored is merged, and no finding added.
    #[serde(skip, default = "unbounded")]
    bound: i64,
}

/// The time after which no finding of a listing is kept, because enough earlier ones were read in another part of the
/// same log: it need not be made.
#[derive(Debug)]
pub(super) struct Bound(AtomicI64);

impl Default for Bound {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MAX))
    }
}

fn unbounded() -> i64 {
    i64::MAX
}

impl Listing {
    /// Nothing yet; at most `limit` findings are kept.
    pub fn new(limit: usize) -> Self {
        Self { limit, total: 0, kept: BTreeMap::new(), bound: unbounded() }
    }

    /// How many there are, kept or not.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Leaves out what is beyond a bound. Times alone are compared: the numbers of lines are not known yet.
    pub(super) fn keep_to(&mut self, bound: &Bound) {
        self.bound = bound.0.load(Ordering::Relaxed);
    }

    /// Tells other listings of the same log what need not be kept.
    pub(super) fn tell(&self, bound: &Bound) {
        if let Some((last, _)) = self.kept.last_key_value().filter(|_| self.kept.len() >= self.limit) {
            bound.0.fetch_min(last.at, Ordering::Relaxed);
        }
    }

    /// Counts one, and makes its finding only if it is among the first.
    pub fn add(&mut self, key: Key, make: impl FnOnce() -> Finding) {
        self.total += 1;
        if key.at > self.bound {
            return;
        }
        if self.kept.len() < self.limit || self.kept.last_key_value().is_some_and(|(last, _)| key < *last) {
            self.kept.insert(key, make());
            self.cut();
        }
    }

    fn cut(&mut self) {
        while self.kept.len() > self.limit {
            self.kept.pop_last();
        }
    }

    /// Moves everything down by a number of lines.
    pub fn shift(&mut self, lines: u64) {
        self.kept =
            std::mem::take(&mut self.kept).into_iter().map(|(key, finding)| (key.shifted(lines), finding)).collect();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, mut other: Self) {
        self.total += other.total;
        self.kept.append(&mut other.kept);
        self.cut();
    }

    /// The findings in order, each with its place.
    pub fn finish(mut self, files: &[String]) -> Vec<Finding> {
        finding::share(self.kept.values_mut(), LISTING_LIMIT);
        self.kept.into_iter().map(|(key, finding)| place(finding, &key, files)).collect()
    }
}

/// A finding with the file and line of its key.
pub(crate) fn place(finding: Finding, key: &Key, files: &[String]) -> Finding {
    match files.get(key.file as usize) {
        Some(path) => finding.in_file(path.as_str(), key.line),
        None => finding,
    }
}
