//! The signatures of a packet: those in it and those that are kept elsewhere.

use std::collections::BTreeMap;

use super::{Evidence, LoadError, Request};
use crate::evidence::checksums::Found;
use crate::io::files::{self, Folder};
use crate::io::packet::signatures;
use crate::verdict::attestation::BUNDLE;
use crate::verdict::attestation::judge::{self, Judgement, Packet};
use crate::verdict::attestation::statement::Gates;
use crate::verdict::packet::SIGN_OFF_JSON;
use crate::verdict::run::Sealed;

/// What a packet in `folder` is for those who sign it. `known` is what was found at each path.
pub(super) fn packet(folder: &Folder, known: &BTreeMap<String, Found>, documents: &[Sealed]) -> Packet {
    let files = known.iter().filter_map(|(name, found)| match found {
        Found::File { sha256, .. } if name != BUNDLE => Some((name.clone(), sha256.clone())),
        _ => None,
    });
    let sign_off = documents.iter().find(|document| document.name == SIGN_OFF_JSON);
    // What is there and cannot be read is as damaged as what is empty.
    let bundle = signatures::read(folder.path()).unwrap_or_else(|_| Some(Vec::new()));
    Packet {
        files: files.collect(),
        sealed: sign_off.and_then(|document| Gates::of_document(document.content.as_ref().ok()?)),
        bundle,
        ..Packet::default()
    }
}

/// Judges the signatures; none if there is no packet and nobody asks.
pub(super) fn judge(evidence: &Evidence, request: &Request) -> Result<Option<Judgement>, LoadError> {
    let asked = !request.trust.keys.is_empty() || !request.trust.reviewers.is_empty();
    let mut bundles = Vec::new();
    if let Some(bundle) = evidence.packet.as_ref().and_then(|packet| packet.bundle.clone()) {
        bundles.push((BUNDLE.to_owned(), bundle));
    }
    for path in &request.attestations {
        let bytes = files::read(path).map_err(|error| LoadError::Usage(format!("--attestation: {error}")))?;
        bundles.push((path.display().to_string(), bytes));
    }
    let none = Packet::default();
    let packet = evidence.packet.as_ref();
    Ok((packet.is_some() || asked).then(|| judge::judge(&bundles, &request.trust, packet.unwrap_or(&none))))
}
