//! Re-hashes the files that a list of checksums names.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::files;
use crate::digest::hex;
use crate::evidence::checksums::{self, Found, List};
use crate::log::summary::ChecksumSummary;

/// Verifies the list at `path`; the files lie relative to its folder. `shown` is what the user calls the list.
pub fn verify(path: &Path, shown: &str) -> ChecksumSummary {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match read_list(path, shown) {
        Ok(list) => Folder::new(folder).verify(&list, shown),
        Err(summary) => summary,
    }
}

/// Verifies a packet: its manifest, its `SHA256SUMS`, and that it holds nothing else. Files are named relative to the
/// packet.
pub fn verify_packet(packet: &Path) -> ChecksumSummary {
    let mut folder = Folder::new(packet);
    let manifest = match read_list(&packet.join("manifest.json"), "manifest.json") {
        Ok(list) => list,
        Err(summary) => return summary,
    };
    let mut summary = folder.verify(&manifest, "manifest.json");
    // A packet of another writer has no digests at all; then there is nothing that the rest could prove.
    let undigested = manifest.files.values().any(|listed| listed.sha256.is_none());
    if undigested && !packet.join("SHA256SUMS").exists() {
        return summary;
    }
    match read_list(&packet.join("SHA256SUMS"), "SHA256SUMS") {
        Ok(sums) => {
            summary.merge(folder.verify(&sums, "SHA256SUMS"));
            let unlisted =
                |path: &str| !manifest.files.contains_key(path) && !matches!(path, "manifest.json" | "SHA256SUMS");
            summary.merge(checksums::unlisted(folder.names().into_iter().filter(|path| unlisted(path))));
        }
        Err(missing) => summary.merge(missing),
    }
    summary
}

fn read_list(path: &Path, shown: &str) -> Result<List, ChecksumSummary> {
    files::read(path)
        .map(|bytes| checksums::read(shown, &bytes))
        .map_err(|error| checksums::unreadable_list(shown, &error.source.to_string()))
}

/// A folder with the digests of its files, each computed once.
struct Folder {
    path: PathBuf,
    known: BTreeMap<String, Found>,
}

impl Folder {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), known: BTreeMap::new() }
    }

    fn verify(&mut self, list: &List, shown: &str) -> ChecksumSummary {
        checksums::verify(shown, list, |name| {
            let Self { path, known } = self;
            known.entry(name.to_owned()).or_insert_with(|| look(path, name)).clone()
        })
    }

    /// Every file below the folder by its relative path, sorted. Links count as files: they are not followed.
    fn names(&self) -> Vec<String> {
        walkdir::WalkDir::new(&self.path)
            .sort_by_file_name()
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| !entry.file_type().is_dir())
            .filter_map(|entry| Some(entry.path().strip_prefix(&self.path).ok()?.to_string_lossy().into_owned()))
            .collect()
    }
}

/// Digests the file `name` in `folder`; only a plain file that really lies there is opened.
fn look(folder: &Path, name: &str) -> Found {
    let path = folder.join(name);
    let plain = || -> io::Result<PathBuf> {
        if !fs::symlink_metadata(&path)?.is_file() {
            return Err(io::Error::other("is not a plain file"));
        }
        let real = path.canonicalize()?;
        if real.starts_with(folder.canonicalize()?) {
            Ok(real)
        } else {
            Err(io::Error::other("lies outside the folder, behind a link"))
        }
    };
    match plain().and_then(File::open).and_then(digest) {
        Ok((sha256, bytes)) => Found::File { sha256, bytes },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Found::Unreadable("is missing".to_owned()),
        Err(error) => Found::Unreadable(error.to_string()),
    }
}

/// The SHA-256 of what is read, in hexadecimal digits, and its size.
pub(super) fn digest(mut input: impl Read) -> io::Result<(String, u64)> {
    let mut digest = Sha256::new();
    let mut chunk = vec![0; 256 << 10];
    let mut bytes = 0;
    loop {
        let read = input.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
        bytes += read as u64;
    }
    Ok((hex(&digest.finalize()), bytes))
}
