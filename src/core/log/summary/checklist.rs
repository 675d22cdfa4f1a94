//! The checklist of a run, as its documents have it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// What the checklist of a run says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChecklistSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The list.
    pub path: String,
    /// Tasks in it.
    pub total: u64,
    /// Tasks that are ticked.
    pub done: u64,
    /// The same in words.
    pub summary: String,
    /// Every task, in its order.
    pub items: Vec<ChecklistItem>,
    /// Tasks that are open, and ticks that say too little.
    pub findings: Vec<Finding>,
}

/// A task of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChecklistItem {
    /// Its line, from 1.
    pub line: u64,
    /// Whether it is ticked.
    pub ticked: bool,
    /// Whether it must be.
    pub required: bool,
    /// What is to be done.
    pub text: String,
    /// Who ticked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Stamp>,
    /// Files and links that show it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The SHA-256 of each of these files, in hex.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
}
