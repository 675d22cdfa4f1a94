//! The manifest of a packet: which files reviewers get, and their digests.

use std::io;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/packet/v1";

/// The summary of the evidence.
pub(crate) const SUMMARY_JSON: &str = "dry_run_summary.json";
/// The summary for people.
pub(crate) const SUMMARY_MARKDOWN: &str = "dry_run_summary.md";
/// The verdict of the gates.
pub(crate) const SIGN_OFF_JSON: &str = "dry_run_sign_off.json";
/// The policy of the verdict.
pub(crate) const POLICY_JSON: &str = "policy.json";

/// The waivers that were in force.
pub(crate) const WAIVERS_JSON: &str = "waivers.json";
/// The page for reviewers.
pub(crate) const PAGE: &str = "report.html";
/// What is where in the packet.
pub(crate) const README: &str = "README.md";
/// How the packet is verified by hand.
pub(crate) const VERIFY: (&str, &str) = ("VERIFY.md", include_str!("attestation/VERIFY.md"));

/// What is in every packet and in no run directory: the manifest and the sums of all files, or what a packet holds
/// before they are written.
pub(crate) const PACKET_MARKS: &[&str] = &["manifest.json", "SHA256SUMS", SUMMARY_JSON];

/// The manifest. Keys are documented in `runbooks/formats.md`; paths are relative to the packet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
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
    /// Evidence that was left out of the packet, so that it can be matched later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Listed>,
    /// Every file but the manifest itself and `SHA256SUMS`, sorted by path.
    #[serde(default)]
    pub files: Vec<Listed>,
}

/// A file of the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Relative to the packet.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// A packet whose sealing was cut short.
pub(crate) fn unfinished() -> Finding {
    let text = "the packet was not completed: it has neither manifest.json nor SHA256SUMS, which are written last; judge \
                the run directory";
    Finding::fail(text).in_file("manifest.json", None)
}

/// A packet that holds no evidence to judge, and why it cannot be read where there is some.
pub(crate) fn without_evidence(why: Option<&str>) -> Finding {
    let none = "the packet holds no evidence (it was made without raw files); judge the run directory instead";
    let text = why.map_or_else(|| none.to_owned(), |why| format!("the evidence of the packet cannot be read: {why}"));
    Finding::fail(text).in_file("raw", None)
}

/// An archive that ends in damage after some members. `archive` is what the user calls it, here and below.
pub(crate) fn damaged(archive: &str, after: usize, error: &io::Error) -> Finding {
    Finding::fail(format!("the archive is damaged after {after} members: {error}")).in_file(archive, None)
}

/// An archive with damage behind its last member.
pub(crate) fn damaged_end(archive: &str, error: &io::Error) -> Finding {
    Finding::fail(format!("the end of the archive is damaged: {error}")).in_file(archive, None)
}

/// A member that was not unpacked, and why.
pub(crate) fn refused(archive: &str, member: &str, why: &str) -> Finding {
    Finding::fail(format!("member {member} was refused: {why}")).in_file(archive, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Status;

    #[test]
    fn a_manifest_says_when_it_was_made_and_where_the_summary_is_and_may_leave_out_the_rest() {
        let whole = r#"{"generated_at": "2025-03-03T08:00:00Z", "summary_json": "a.json", "summary_markdown": "a.md"}"#;
        let manifest: Manifest = serde_json::from_str(whole).expect("a manifest");
        assert!(manifest.files.is_empty() && manifest.raw_artifacts.is_empty() && manifest.sign_off_json.is_none());
        for key in ["generated_at", "summary_json", "summary_markdown"] {
            let less = whole.replace(key, "other");
            assert!(serde_json::from_str::<Manifest>(&less).is_err(), "without {key}");
        }
    }

    #[test]
    fn a_packet_that_cannot_be_judged_is_a_fail_that_says_why() {
        let error = || io::Error::new(io::ErrorKind::InvalidData, "bad checksum");
        for (finding, words) in [
            (unfinished(), "was not completed"),
            (without_evidence(None), "made without raw files"),
            (without_evidence(Some("a loop of links")), "cannot be read: a loop of links"),
            (damaged("p.tar.gz", 3, &error()), "damaged after 3 members: bad checksum"),
            (damaged_end("p.tar.gz", &error()), "the end of the archive is damaged"),
            (refused("p.tar.gz", "../x", "it is outside"), "member ../x was refused: it is outside"),
        ] {
            assert!(finding.severity == Status::Fail && finding.summary.contains(words), "{finding:?}");
            assert!(finding.place.is_some(), "{finding:?}");
        }
    }
}
