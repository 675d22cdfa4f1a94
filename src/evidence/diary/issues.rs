//! The issues of a diary in bounded memory: the worst are kept, all are counted.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::finding::{self, FINDING_LIMIT, Status};
use crate::log::summary::DiaryIssue;
use crate::time::Stamp;

/// The worst issues, and the number of all.
#[derive(Default)]
pub(super) struct Issues {
    /// How many are kept.
    max: usize,
    /// How many there are, kept or not.
    pub(super) total: u64,
    /// The highest severity.
    pub(super) status: Status,
    kept: BTreeMap<(Reverse<Status>, Moment), DiaryIssue>,
}

/// By time, undated ones last, then as they were found.
type Moment = (bool, Option<Stamp>, u64);

impl Issues {
    /// None yet; the worst `max` are kept.
    pub(super) fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    pub(super) fn add(&mut self, mut issue: DiaryIssue) {
        let moment = (issue.recorded_at.is_none(), issue.recorded_at, self.total);
        self.total += 1;
        self.status = self.status.max(issue.severity);
        let rank = (Reverse(issue.severity), moment);
        if self.kept.len() >= self.max && self.kept.last_key_value().is_none_or(|(last, _)| rank > *last) {
            return;
        }
        for (text, limit) in
            [(&mut issue.entry_id, 256), (&mut issue.policy_id, 256), (&mut issue.reason, FINDING_LIMIT / 2)]
        {
            *text = finding::cut(std::mem::take(text), limit);
        }
        issue.metadata = finding::details(std::mem::take(&mut issue.metadata), FINDING_LIMIT / 2);
        self.kept.insert(rank, issue);
        if self.kept.len() > self.max {
            self.kept.pop_last();
        }
    }

    /// Adds those of `other`, which were found later.
    pub(super) fn append(&mut self, other: Self) {
        let total = self.total + other.total;
        let status = self.status.max(other.status);
        other.kept.into_values().for_each(|issue| self.add(issue));
        (self.total, self.status) = (total, status);
    }

    /// Those kept, by time.
    pub(super) fn finish(self) -> Vec<DiaryIssue> {
        let mut kept: Vec<(Moment, DiaryIssue)> =
            self.kept.into_iter().map(|((_, moment), issue)| (moment, issue)).collect();
        kept.sort_by_key(|(moment, _)| *moment);
        kept.into_iter().map(|(_, issue)| issue).collect()
    }
}
