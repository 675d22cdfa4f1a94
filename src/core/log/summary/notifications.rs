//! The notifications of a run, as its documents have them.

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};

/// The notifications of a run. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NotificationsSummary {
    /// The worst of what is wrong with them.
    pub status: Status,
    /// How many arrived.
    pub delivered: u64,
    /// How many did not.
    pub failed: u64,
    /// How many were held back, as an equal one had arrived a short while before.
    pub suppressed: u64,
    /// How many no rule brought to a channel.
    pub unrouted: u64,
    /// How many were given up for what mattered more.
    pub dropped: u64,
    /// What did not arrive, in words; the first hundred.
    pub undelivered: Vec<String>,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}
