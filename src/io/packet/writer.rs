//! Writes packets: a directory that vouches for itself, and the same as one archive.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use super::checksums;
use super::seal::copy;
use crate::digest::sha256;
use crate::io::files::{self, FileError, Folder, Kind};
use crate::supervise::record;
use crate::time::Stamp;
use crate::verdict::packet::{Listed, Manifest, PAGE, SCHEMA, SIGN_OFF_JSON, SUMMARY_JSON, SUMMARY_MARKDOWN};
use crate::verdict::packet_contents::belongs;

/// What goes into a packet.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// The run directory.
    pub run: Folder,
    /// Documents made for the reviewers, by their names in the packet.
    pub documents: Vec<(String, Vec<u8>)>,
    /// Evidence: the name below `raw/`, and the file.
    pub raw: Vec<(String, PathBuf)>,
    /// Evidence that stays in the run directory, by its name below `raw/`.
    pub left_out: Vec<Listed>,
}

impl Contents {
    /// Leaves the evidence itself out, and notes the digest of each file of it.
    #[must_use]
    pub(crate) fn without_raw(mut self) -> Self {
        for (name, source) in std::mem::take(&mut self.raw) {
            let found = files::open_evidence(&self.run, &source).and_then(checksums::digest);
            if let Ok((sha256, bytes)) = found {
                self.left_out.push(Listed { path: format!("raw/{name}"), bytes, sha256 });
            }
        }
        self
    }
}

/// Writes the packet into `folder`, which must be empty: documents and evidence, then the manifest, then `SHA256SUMS`.
///
/// `page` makes the page for reviewers from the files that it can name: all but itself, the manifest and the sums. Gives
/// the digest of each file, by its path in the packet.
///
/// # Errors
/// A file cannot be written, or evidence cannot be read; evidence that is missing, or that is behind a link, belongs
/// to somebody else or is no regular file, is listed instead.
pub(crate) fn write(
    folder: &Folder,
    contents: &Contents,
    generated_at: Stamp,
    page: impl FnOnce(&[Listed]) -> Option<String>,
) -> Result<BTreeMap<String, String>, FileError> {
    let mut listed = Vec::new();
    for (name, bytes) in &contents.documents {
        if !belongs(name) {
            let source = io::Error::other("no row of the table of a packet's contents names it");
            return Err(FileError::new("pack", name, source));
        }
        if let Some(parent) = Path::new(name).parent().filter(|parent| !parent.as_os_str().is_empty()) {
            folder.make_folder(parent)?;
        }
        folder.replace(name, bytes)?;
        listed.push(Listed { path: name.clone(), bytes: bytes.len() as u64, sha256: sha256(bytes) });
    }
    let (mut raw_artifacts, mut missing) = (Vec::new(), Vec::new());
    raw_artifacts
        .extend(contents.documents.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with("raw/")));
    for (name, source) in &contents.raw {
        let path = format!("raw/{name}");
        match copy(&contents.run, source, folder, Path::new(&path))? {
            Some((bytes, sha256)) => {
                listed.push(Listed { path: path.clone(), bytes, sha256 });
                raw_artifacts.push(path);
            }
            None => missing.push(path),
        }
    }
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(page) = page(&listed) {
        folder.replace(PAGE, page.as_bytes())?;
        listed.push(Listed { path: PAGE.to_owned(), bytes: page.len() as u64, sha256: sha256(page.as_bytes()) });
        listed.sort_by(|a, b| a.path.cmp(&b.path));
    }
    let has = |name: &str| contents.documents.iter().any(|(n, _)| n == name);
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        generated_at,
        summary_json: SUMMARY_JSON.to_owned(),
        summary_markdown: SUMMARY_MARKDOWN.to_owned(),
        sign_off_json: has(SIGN_OFF_JSON).then(|| SIGN_OFF_JSON.to_owned()),
        raw_artifacts,
        missing,
        left_out: contents.left_out.clone(),
        files: listed,
    };
    let text = files::json_text(&manifest);
    folder.replace("manifest.json", text.as_bytes())?;
    let mut digests: BTreeMap<String, String> =
        manifest.files.into_iter().map(|file| (file.path, file.sha256)).collect();
    digests.insert("manifest.json".to_owned(), sha256(text.as_bytes()));
    let sums: String = digests.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    folder.replace("SHA256SUMS", sums.as_bytes())?;
    digests.insert("SHA256SUMS".to_owned(), sha256(sums.as_bytes()));
    Ok(digests)
}

/// Where the parts of the packet are, relative to the run directory.
pub(crate) fn paths(contents: &Contents, signed_off: bool) -> Value {
    let file = |name: &str| format!("packet/{name}");
    let there = contents.raw.iter().filter(|(_, source)| source.exists()).map(|(name, _)| name.as_str());
    let raw = (!contents.raw.is_empty()).then_some(record::FILE_NAME).into_iter().chain(there);
    json!({
        "output_dir": "packet",
        "archive_path": archive_name(&contents.run),
        "manifest_json": file("manifest.json"),
        "summary_json": file(SUMMARY_JSON),
        "summary_markdown": file(SUMMARY_MARKDOWN),
        "sign_off_json": signed_off.then(|| file(SIGN_OFF_JSON)),
        "raw_artifacts": raw.map(|name| file(&format!("raw/{name}"))).collect::<Vec<_>>(),
    })
}

/// The name of the archive in a run directory: that of the run, so that packets of several runs can be together.
pub(crate) fn archive_name(run: &Folder) -> String {
    format!("{}.tar.gz", top_of(run))
}

/// The folder that holds everything in the archive.
fn top_of(run: &Folder) -> String {
    format!("{}-packet", run.path().file_name().unwrap_or_default().to_string_lossy())
}

/// Writes the packet in `packet` as a gzipped tar `name` in `folder`: sorted names, one time, no owner, so that the same
/// packet gives the same bytes. Who may not read all of the packet may not read the archive.
///
/// # Errors
/// The packet cannot be read, or the archive cannot be written.
pub(crate) fn archive(packet: &Folder, folder: &Folder, name: &str, generated_at: Stamp) -> Result<(), FileError> {
    let files::Walked { found: names, faults } = packet.walk();
    if let Some((path, error)) = faults.into_iter().next() {
        return Err(FileError::new("read", packet.path().join(path), error));
    }
    let top = top_of(folder);
    let mtime = u64::try_from(generated_at.micros() / 1_000_000).unwrap_or(0);
    folder.replace_with(name, |file| {
        let mut mode = file.metadata()?.permissions().mode();
        let archive = file.try_clone()?;
        // Level 4 is within a few percent of the best for logs, at twice the speed.
        let gzip = GzBuilder::new().operating_system(255).write(BufWriter::new(file), Compression::new(4));
        let mut tar = tar::Builder::new(gzip);
        for (name, _) in names.into_iter().filter(|(_, kind)| *kind == Kind::File) {
            let source = packet.open_file(&name)?;
            let about = source.metadata()?;
            mode &= about.permissions().mode() | 0o600;
            let mut header = tar::Header::new_ustar();
            header.set_size(about.len());
            header.set_mode(0o644);
            header.set_mtime(mtime);
            header.set_entry_type(tar::EntryType::Regular);
            let size = header.size()?;
            tar.append_data(&mut header, Path::new(&top).join(&name), source.take(size))?;
        }
        archive.set_permissions(Permissions::from_mode(mode & 0o666))?;
        tar.into_inner()?.finish()?.flush()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_same_contents_give_the_same_archive_and_missing_evidence_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.jsonl");
        fs::write(&log, "{}\n").unwrap();
        let run = Folder::open(folder.path()).unwrap();
        let contents = Contents {
            run: run.clone(),
            documents: vec![(SUMMARY_JSON.to_owned(), b"{}".to_vec())],
            raw: vec![("logs/a.jsonl".to_owned(), log), ("decision_diary.json".to_owned(), folder.path().join("none"))],
            left_out: Vec::new(),
        };
        let at = Stamp::from_seconds(1_736_121_600).unwrap();
        let archives: Vec<Vec<u8>> = ["one", "two"]
            .map(|name| {
                let packet = run.create_folder(name).unwrap();
                let digests = write(&packet, &contents, at, |_| None).unwrap();
                assert!(digests.contains_key("SHA256SUMS") && digests.contains_key("raw/logs/a.jsonl"), "{digests:?}");
                let manifest: Manifest = serde_json::from_slice(&packet.read("manifest.json").unwrap()).unwrap();
                assert_eq!(manifest.missing, ["raw/decision_diary.json"]);
                let file = format!("{name}.tar.gz");
                archive(&packet, &run, &file, at).unwrap();
                fs::read(folder.path().join(file)).unwrap()
            })
            .into();
        assert_eq!(archives[0], archives[1]);
    }
}
