//! Finds the evidence in a packet: verified first, then read like a run directory.

use std::io::ErrorKind;
use std::path::Path;

use super::{Evidence, LoadError, attested, folder};
use crate::io::files::Folder;
use crate::io::packet::{checksums, reader, signatures};
use crate::verdict::attestation::judge::Packet;
use crate::verdict::packet::{self, POLICY_JSON, WAIVERS_JSON};
use crate::verdict::packet_contents;
use crate::verdict::run::{self, Place, Sealed};

/// A packet directory.
pub(super) fn read(found: &Folder) -> Evidence {
    if ["manifest.json", "SHA256SUMS"].iter().all(|name| found.kind(name).is_none()) {
        // They are written last: what is here is a part of the evidence, and nothing can be said of it.
        let mut evidence = Evidence { place: Some(Place::Packet), ..Evidence::default() };
        evidence.run.findings.push(packet::unfinished());
        return evidence;
    }
    let lock = signatures::shared(found.path());
    let (checksums, known) = checksums::verify_packet(found);
    let mut evidence = match found.folder("raw") {
        Ok(raw) => folder::read(&raw, Place::Packet, false, &known),
        Err(error) => {
            let why = (error.kind() != ErrorKind::NotFound).then(|| error.to_string());
            let mut evidence = Evidence { place: Some(Place::Packet), ..Evidence::default() };
            evidence.run.findings.push(packet::without_evidence(why.as_deref()));
            evidence
        }
    };
    evidence.documents.extend(packet_contents::documents().filter_map(|name| folder::sealed(found, name)));
    evidence.policy = folder::sealed(found, POLICY_JSON);
    if evidence.run.record.is_some() {
        let there: Vec<Sealed> = evidence.documents.iter().chain(&evidence.policy).cloned().collect();
        let required: Vec<&str> = packet_contents::required().collect();
        evidence.run.differs.extend(run::missing_documents(&required, &there));
    }
    evidence.waivers = folder::sealed(found, WAIVERS_JSON);
    let mut packet = attested::packet(found, &known, &evidence.documents);
    if let Some(record) = &evidence.run.record {
        packet = Packet { files: packet.files, sealed: packet.sealed, bundle: packet.bundle, ..Packet::of_run(record) };
    }
    drop(lock);
    evidence.top = Some(found.clone());
    evidence.found = known;
    evidence.packet = Some(packet);
    evidence.checksums = Some(checksums);
    evidence
}

/// A packet archive: unpacked into a temporary folder that goes away with the evidence.
pub(super) fn unpack(path: &Path, shown: &str) -> Result<Evidence, LoadError> {
    let mut unpacked = reader::unpack(path, shown)?;
    let mut evidence = read(&Folder::of_evidence(&unpacked.packet())?);
    // What is wrong with the archive explains what is missing in it.
    evidence.run.findings.splice(0..0, std::mem::take(&mut unpacked.findings));
    evidence._unpacked = Some(unpacked);
    Ok(evidence)
}
