//! Where the evidence of a run is, and what each file was when the run was sealed.

use serde::{Deserialize, Serialize};

use crate::evidence::readiness::ComponentFile;

/// Where the evidence is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidencePaths {
    /// Structured logs, in the order of writing.
    pub logs: Vec<String>,
    /// Raw logs, in the order of writing.
    pub raw_logs: Vec<String>,
    /// The decision diary; none if it was waived.
    pub diary: Option<String>,
    /// The performance report; none if it was waived.
    pub performance: Option<String>,
    /// The checklist; none if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checklist: Option<String>,
    /// The files that its ticked items name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checklist_files: Vec<String>,
    /// The acknowledgements of incidents; none if there were none when the run was sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acks: Option<String>,
    /// The plan of the workloads, their changes of state and further evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workload_files: Vec<String>,
    /// The receipts of notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<String>,
    /// What tells of the drills, and the timeline of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drill_files: Vec<String>,
    /// What tells of the guards on figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guards: Option<String>,
    /// What each look at a source of them gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard_samples: Option<String>,
    /// Documents of other systems as components, copied when the run had ended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<ComponentFile>,
    /// Earlier validation reports, copied with them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub component_history: Vec<String>,
}

/// The name of the checklist in a run directory.
pub const CHECKLIST: &str = "checklist.md";

/// An evidence file as it was when the run was sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SealedFile {
    /// Relative to the run directory; absolute where a file outside could not be copied into it.
    pub path: String,
    /// Where the command wrote it, for a copy of a file outside the run directory: relative to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// For a log: the lines of output that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<u64>,
}
