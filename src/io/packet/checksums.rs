//! Re-hashes the files that a list of checksums names.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use super::seal::transfer;
use crate::evidence::checksums::{self, Found, List};
use crate::finding::Finding;
use crate::io::files::{self, FileError, Folder, Kind};
use crate::log::summary::ChecksumSummary;
use crate::verdict::attestation::BUNDLE;

/// Verifies the list at `path`; the files are relative to its folder. `shown` is what the user calls the list.
pub(crate) fn verify(path: &Path, shown: &str) -> ChecksumSummary {
    let folder = Folder::open(files::folder_of(path));
    match files::read(path).and_then(|bytes| Ok((bytes, folder?))) {
        Ok((bytes, folder)) => Digests::of(&folder).verify(&checksums::read(shown, &bytes), shown),
        Err(error) => unreadable(shown, &error),
    }
}

/// Verifies a packet: its manifest, its `SHA256SUMS`, and that it holds nothing else. Files are named relative to the
/// packet. Also returns what was found at each path, so that nothing is digested twice.
pub(crate) fn verify_packet(packet: &Folder) -> (ChecksumSummary, BTreeMap<String, Found>) {
    let mut digests = Digests::of(packet);
    let summary = digests.verify_packet();
    for (name, _) in packet.walk().found {
        let name = name.to_string_lossy().into_owned();
        digests.known.entry(name).or_insert_with_key(|name| look(packet, name));
    }
    (summary, digests.known)
}

fn read_list(packet: &Folder, name: &str) -> Result<List, ChecksumSummary> {
    packet.read(name).map(|bytes| checksums::read(name, &bytes)).map_err(|error| unreadable(name, &error))
}

fn unreadable(shown: &str, error: &FileError) -> ChecksumSummary {
    checksums::unreadable_list(shown, &error.source.to_string())
}

/// The digests of the files in a folder, each computed once.
struct Digests<'f> {
    folder: &'f Folder,
    known: BTreeMap<String, Found>,
}

impl<'f> Digests<'f> {
    fn of(folder: &'f Folder) -> Self {
        Self { folder, known: BTreeMap::new() }
    }

    fn verify(&mut self, list: &List, shown: &str) -> ChecksumSummary {
        checksums::verify(shown, list, |name| {
            let Self { folder, known } = self;
            known.entry(name.to_owned()).or_insert_with(|| look(folder, name)).clone()
        })
    }

    /// The manifest, the sums, and that there is nothing else.
    fn verify_packet(&mut self) -> ChecksumSummary {
        let manifest = match read_list(self.folder, "manifest.json") {
            Ok(list) => list,
            Err(summary) => return summary,
        };
        let mut summary = self.verify(&manifest, "manifest.json");
        // A packet of another writer has no digests at all; then there is nothing that the rest could prove.
        let undigested = manifest.files.values().any(|listed| listed.sha256.is_none());
        if undigested && self.folder.kind("SHA256SUMS").is_none() {
            return summary;
        }
        match read_list(self.folder, "SHA256SUMS") {
            Ok(sums) => {
                // What the manifest told of a file, the sums tell again.
                let mut second = self.verify(&sums, "SHA256SUMS");
                let told = |finding: &Finding| {
                    let file = finding.metadata.get("path");
                    file.is_some() && summary.findings.iter().any(|first| first.metadata.get("path") == file)
                };
                second.findings.retain(|finding| !told(finding));
                summary.merge(second);
                let unlisted =
                    |path: &str| !manifest.files.contains_key(path) && !matches!(path, "manifest.json" | "SHA256SUMS");
                // The bundle signs the lists, so that none of them can hold it.
                let signs = |path: &str| path == BUNDLE && self.folder.kind(path) == Some(Kind::File);
                let unlisted = |path: &String| unlisted(path) && !signs(path);
                summary.merge(checksums::unlisted(self.names().into_iter().filter(unlisted)));
            }
            Err(missing) => summary.merge(missing),
        }
        summary
    }

    /// Everything below the folder that is no directory by its relative path, sorted, and what cannot be listed.
    fn names(&self) -> Vec<String> {
        let files::Walked { found, faults } = self.folder.walk();
        let paths = found.into_iter().map(|(path, _)| path).chain(faults.into_iter().map(|(path, _)| path));
        paths.map(|path| path.to_string_lossy().into_owned()).collect()
    }
}

/// Digests the file `name` in `folder`; only a regular file that really is there is opened.
pub(crate) fn look(folder: &Folder, name: &str) -> Found {
    match folder.open_file(name).and_then(digest) {
        Ok((sha256, bytes)) => Found::File { sha256, bytes },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Unreadable("is missing".to_owned()),
        Err(error) => Found::Unreadable(error.to_string()),
    }
}

/// The SHA-256 of what is read, in hexadecimal digits, and its size.
pub(crate) fn digest(input: impl Read) -> io::Result<(String, u64)> {
    transfer(input, io::sink())
}
