//! The manifest of a packet: which files reviewers get, and their digests.

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/packet/v1";

/// The manifest. Keys are documented in `runbooks/formats.md`; paths are relative to the packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    #[serde(default)]
    pub schema: String,
    /// When the packet was made.
    pub generated_at: Stamp,
    /// The summary of the evidence.
    pub summary_json: String,
    /// The same for people.
    pub summary_markdown: String,
    /// The verdict of the gates.
    #[serde(default)]
    pub sign_off_json: Option<String>,
    /// The evidence itself, in the order of copying.
    #[serde(default)]
    pub raw_artifacts: Vec<String>,
    /// Evidence that was expected and is not there.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Every file but the manifest itself and `SHA256SUMS`, sorted by path.
    #[serde(default)]
    pub files: Vec<Listed>,
}

/// A file of the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Relative to the packet.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}
