//! A file that was read to its end: what it adds to the totals, and what is said of it.

use std::io;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::log::scan::chunk::ChunkReport;
use crate::log::summary::FileReport;
use crate::log::totals::faults;
use crate::log::totals::tally::Tally;

/// What is said of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Said {
    /// How it was read.
    pub report: Option<FileReport>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl Said {
    /// Adds what is said elsewhere of the same file.
    pub(super) fn merge(&mut self, other: Self) {
        self.report = self.report.take().or(other.report);
        // Shards of one file find the same of it.
        let news: Vec<Finding> =
            other.findings.into_iter().filter(|finding| !self.findings.contains(finding)).collect();
        self.findings.extend(news);
    }
}

/// Closes a file that was read to its end or up to a fault. `report` says how it was packed and how long it is.
pub(crate) fn close(mut report: FileReport, mut part: ChunkReport, fault: Option<&io::Error>) -> (Tally, Said) {
    part.close_ends();
    report.dialect = part.dialect().map_or_else(String::new, |dialect| dialect.name().to_owned());
    report.layout = part.context().layout.describe();
    report.lines = part.tally.lines;
    report.records = part.tally.records;
    report.ignored_lines = part.tally.ignored;
    report.continued_lines = part.tally.continued;
    report.started_at = part.tally.first;
    report.ended_at = part.tally.last;
    report.complete = fault.is_none();
    report.first_ignored = std::mem::take(&mut part.samples);
    let mut findings = faults::of(&report, &part);
    findings.extend(fault.map(|error| faults::broken(&report, error)));
    part.tally.longest_pause = part.odd.longest_pause;
    (part.tally, Said { report: Some(report), findings })
}
