//! Equal incidents together, in bounded memory and in any order of reading.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::first_n::{self, Key};
use super::signature;
use crate::finding::{self, Finding, Status};
use crate::json::stored;
use crate::log::summary::Group;

/// At most this many groups are kept: the most severe, then the first by signature.
const LIMIT: usize = 1000;

/// The most bytes that the examples of all groups take.
const EXAMPLES_LIMIT: usize = 1 << 20;

type Name = (Reverse<Status>, Cow<'static, str>, String);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Members {
    count: u64,
    first: Key,
    last: Key,
    example: Finding,
}

/// Incidents by kind and signature.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Groups {
    #[serde(with = "stored::pairs")]
    groups: BTreeMap<Name, Members>,
    dropped: u64,
    /// Groups beyond this one were dropped.
    bound: Option<Name>,
}

impl Groups {
    /// Adds an incident; its finding is made only where it is an example.
    pub fn add(&mut self, severity: Status, kind: &'static str, text: &str, key: Key, make: impl FnOnce() -> Finding) {
        let name = (Reverse(severity), Cow::Borrowed(kind), signature::of(text));
        if let Some(group) = self.groups.get_mut(&name) {
            group.count += 1;
            group.last = group.last.max(key);
            if key < group.first {
                group.first = key;
                group.example = make();
            }
        } else if self.bound.as_ref().is_some_and(|bound| name > *bound) {
            self.dropped += 1;
        } else {
            self.insert(name, Members { count: 1, first: key, last: key, example: make() });
        }
    }

    fn insert(&mut self, name: Name, members: Members) {
        if self.bound.as_ref().is_some_and(|bound| name > *bound) {
            self.dropped += members.count;
            return;
        }
        self.groups.insert(name, members);
        while self.groups.len() > LIMIT {
            self.dropped += self.groups.pop_last().map_or(0, |(_, members)| members.count);
            self.bound = self.groups.last_key_value().map(|(name, _)| name.clone());
        }
    }

    /// Moves everything down by a number of lines.
    pub fn shift(&mut self, lines: u64) {
        for group in self.groups.values_mut() {
            group.first = group.first.shifted(lines);
            group.last = group.last.shifted(lines);
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.dropped += other.dropped;
        for (name, members) in other.groups {
            match self.groups.get_mut(&name) {
                Some(group) => {
                    group.count += members.count;
                    group.last = group.last.max(members.last);
                    if members.first < group.first {
                        group.first = members.first;
                        group.example = members.example;
                    }
                }
                None => self.insert(name, members),
            }
        }
        if let Some(bound) = other.bound.filter(|bound| self.bound.as_ref().is_none_or(|own| bound < own)) {
            while let Some(last) = self.groups.last_entry().filter(|last| *last.key() > bound) {
                self.dropped += last.remove().count;
            }
            self.bound = Some(bound);
        }
    }

    /// The groups by severity and count, and the number of incidents in none of them.
    pub fn finish(mut self, files: &[String]) -> (Vec<Group>, u64) {
        finding::share(self.groups.values_mut().map(|group| &mut group.example), EXAMPLES_LIMIT);
        let group = |((Reverse(severity), kind, signature), members): (Name, Members)| Group {
            id: signature::id(&kind, &signature),
            severity,
            kind: kind.into_owned(),
            signature,
            count: members.count,
            first_at: members.first.at(),
            last_at: members.last.at(),
            example: first_n::place(members.example, &members.first, files),
            waived: None,
        };
        let mut groups: Vec<Group> = self.groups.into_iter().map(group).collect();
        // Stable, so that equal counts stay in the order of their signatures.
        groups.sort_by_key(|group| (Reverse(group.severity), Reverse(group.count)));
        (groups, self.dropped)
    }
}
