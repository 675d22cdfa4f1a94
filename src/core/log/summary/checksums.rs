//! What the lists of checksums have shown.

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};

/// What re-hashing the listed files has shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChecksumSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The lists, as given.
    pub lists: Vec<String>,
    /// Files that the lists name.
    pub listed: u64,
    /// Files whose digest is the listed one.
    pub verified: u64,
    /// Changed, missing and unlisted files.
    pub findings: Vec<Finding>,
}

impl ChecksumSummary {
    /// Brings the status in line with the findings.
    pub fn settle(&mut self) {
        self.status = Status::roll_up(self.findings.iter().map(|finding| finding.severity));
    }

    /// Adds what another list, or the search for unlisted files, has shown.
    pub fn merge(&mut self, other: Self) {
        self.lists.extend(other.lists);
        self.listed += other.listed;
        self.verified += other.verified;
        self.findings.extend(other.findings);
        self.settle();
    }
}
