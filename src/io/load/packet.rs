//! Finds the evidence in a packet: verified first, then read like a run directory.

use std::path::Path;

use super::{Evidence, LoadError, folder};
use crate::io::{checksums, packet_reader};
use crate::verdict::packet;
use crate::verdict::run::Place;

/// A packet directory.
pub(super) fn read(path: &Path) -> Evidence {
    let checksums = checksums::verify_packet(path);
    let raw = path.join("raw");
    let mut evidence = if raw.is_dir() { folder::read(&raw, Place::Packet) } else { Evidence::default() };
    if !raw.is_dir() {
        evidence.run.findings.push(packet::without_evidence());
    }
    evidence.checksums = Some(checksums);
    evidence
}

/// A packet archive: unpacked into a temporary folder that goes away with the evidence.
pub(super) fn unpack(path: &Path, shown: &str) -> Result<Evidence, LoadError> {
    let mut unpacked = packet_reader::unpack(path, shown)?;
    let mut evidence = read(&unpacked.packet());
    // What is wrong with the archive explains what is missing in it.
    evidence.run.findings.splice(0..0, std::mem::take(&mut unpacked.findings));
    evidence._unpacked = Some(unpacked);
    Ok(evidence)
}
