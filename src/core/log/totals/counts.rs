//! Counts by name in bounded memory: exact for the names that are kept, and the same ones in any order of reading.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::json::stored;

/// The longest name that is told apart from others that start in the same way, in bytes.
const NAME_LIMIT: usize = 256;

/// Counts by name. Of more than `limit` names the first in alphabetical order are kept: whatever the order of
/// arrival, these were never dropped before, so their counts are exact.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    limit: usize,
    #[serde(with = "stored::counts")]
    names: HashMap<Box<[u8]>, u64, FixedState>,
    /// Names beyond this one were dropped.
    #[serde(with = "stored::optional_bytes")]
    bound: Option<Box<[u8]>>,
    dropped: u64,
}

impl Counts {
    /// No counts, for at most `limit` names.
    pub fn new(limit: usize) -> Self {
        Self { limit, names: HashMap::default(), bound: None, dropped: 0 }
    }

    /// Adds to the count of a name.
    #[inline]
    pub fn add(&mut self, name: &[u8], count: u64) {
        let name = &name[..name.len().min(NAME_LIMIT)];
        if let Some(total) = self.names.get_mut(name) {
            *total += count;
        } else {
            self.add_new(name, count);
        }
    }

    fn add_new(&mut self, name: &[u8], count: u64) {
        if self.bound.as_deref().is_some_and(|bound| name > bound) {
            self.dropped += count;
            return;
        }
        self.names.insert(name.into(), count);
        // Pruning now and then is enough; sorting at each new name would not be.
        if self.names.len() > 2 * self.limit {
            self.prune();
        }
    }

    /// Drops the names beyond the limit: what is left depends on the names alone, not on the order of their arrival.
    pub(super) fn prune(&mut self) {
        if self.names.len() <= self.limit {
            return;
        }
        let mut names: Vec<Box<[u8]>> = self.names.keys().cloned().collect();
        names.sort_unstable();
        for name in names.drain(self.limit..) {
            self.dropped += self.names.remove(&name).unwrap_or(0);
        }
        self.bound = names.pop();
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: Self) {
        self.dropped += other.dropped;
        if let Some(bound) = other.bound {
            if self.bound.as_ref().is_none_or(|own| bound < *own) {
                self.bound = Some(bound);
            }
            let bound = self.bound.clone().unwrap_or_default();
            let mut dropped = 0;
            self.names.retain(|name, count| {
                let kept = **name <= *bound;
                dropped += if kept { 0 } else { *count };
                kept
            });
            self.dropped += dropped;
        }
        for (name, count) in other.names {
            self.add(&name, count);
        }
    }

    /// The counts by name, and the sum of those that were dropped. Names cut at the limit end in `…`.
    pub fn finish(mut self) -> (BTreeMap<String, u64>, u64) {
        self.prune();
        let mut counts = BTreeMap::new();
        for (name, count) in self.names {
            let cut = name.len() == NAME_LIMIT;
            let mut text = String::from_utf8_lossy(&name).into_owned();
            if cut {
                text.truncate(text.trim_end_matches(char::REPLACEMENT_CHARACTER).len());
                text.push('…');
            }
            *counts.entry(text).or_default() += count;
        }
        (counts, self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_names_are_kept_in_any_order_with_exact_counts() {
        let names: Vec<String> = (0..100_u32).map(|n| format!("event {:02}", n * 37 % 100)).collect();
        let mut forward = Counts::new(10);
        names.iter().chain(&names).for_each(|name| forward.add(name.as_bytes(), 1));
        let mut parts: Vec<Counts> = names
            .chunks(7)
            .map(|part| {
                let mut counts = Counts::new(10);
                part.iter().rev().for_each(|name| counts.add(name.as_bytes(), 2));
                counts
            })
            .collect();
        let mut merged = parts.pop().expect("some parts");
        parts.into_iter().for_each(|part| merged.merge(part));
        let (kept, dropped) = forward.finish();
        assert_eq!((kept.len(), dropped), (10, 180));
        assert!(kept.iter().all(|(name, count)| name.as_str() < "event 10" && *count == 2), "{kept:?}");
        assert_eq!(merged.finish(), (kept, dropped));
    }
}
