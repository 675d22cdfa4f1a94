//! Finds the evidence in a packet: verified first, then read like a run directory.

use std::io::ErrorKind;
use std::path::Path;

use super::{Evidence, LoadError, folder};
use crate::io::files::Folder;
use crate::io::{checksums, packet_reader};
use crate::verdict::packet;
use crate::verdict::run::Place;

/// A packet directory.
pub(super) fn read(found: &Folder) -> Evidence {
    let checksums = checksums::verify_packet(found);
    let mut evidence = match found.folder("raw") {
        Ok(raw) => folder::read(&raw, Place::Packet),
        Err(error) => {
            let why = (error.kind() != ErrorKind::NotFound).then(|| error.to_string());
            let mut evidence = Evidence::default();
            evidence.run.findings.push(packet::without_evidence(why.as_deref()));
            evidence
        }
    };
    evidence.checksums = Some(checksums);
    evidence
}

/// A packet archive: unpacked into a temporary folder that goes away with the evidence.
pub(super) fn unpack(path: &Path, shown: &str) -> Result<Evidence, LoadError> {
    let mut unpacked = packet_reader::unpack(path, shown)?;
    let mut evidence = read(&Folder::of_evidence(&unpacked.packet())?);
    // What is wrong with the archive explains what is missing in it.
    evidence.run.findings.splice(0..0, std::mem::take(&mut unpacked.findings));
    evidence._unpacked = Some(unpacked);
    Ok(evidence)
}
