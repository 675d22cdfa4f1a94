//! A limit by which evidence is judged, and where it comes from.

use serde::{Deserialize, Serialize};

/// One limit with its value and its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Criterion {
    /// The limit, by its name in the policy file: `min_uptime`.
    pub limit: String,
    /// Its value, in words.
    pub value: String,
    /// Who set it: an option, a line of a policy file, or `default`.
    pub source: String,
    /// The SHA-256 of the policy file, in hex, where it comes from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_sha256: Option<String>,
    /// Whether it is looser than what it replaced: the policy file, or the default of this run.
    pub relaxed: bool,
    /// The stricter value that it replaced, with the source of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relaxed_from: Option<String>,
}
