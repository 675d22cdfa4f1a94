//! Finds the evidence in a packet: verified first, then read like a run directory.

use std::path::Path;

use super::run::{self, Place};
use super::{Evidence, LoadError};
use crate::finding::Finding;
use crate::io::{checksums, packet_reader};

/// A packet directory.
pub(super) fn folder(path: &Path) -> Evidence {
    let checksums = checksums::verify_packet(path);
    let raw = path.join("raw");
    let mut evidence = if raw.is_dir() {
        run::folder(&raw, Place::Packet)
    } else {
        let text = "the packet holds no evidence (it was made without raw files); judge the run directory instead";
        Evidence { findings: vec![Finding::fail(text).in_file("raw", None)], ..Evidence::default() }
    };
    evidence.checksums = Some(checksums);
    evidence
}

/// A packet archive: unpacked into a temporary folder that goes away with the evidence.
pub(super) fn archive(path: &Path, shown: &str) -> Result<Evidence, LoadError> {
    let mut unpacked = packet_reader::unpack(path, shown)?;
    let mut evidence = folder(&unpacked.packet());
    // What is wrong with the archive explains what is missing in it.
    evidence.findings.splice(0..0, std::mem::take(&mut unpacked.findings));
    evidence._unpacked = Some(unpacked);
    Ok(evidence)
}
