//! Writes packets: a directory that vouches for itself, and the same as one archive.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use super::files::{self, FileError};
use crate::digest::{hex, sha256};
use crate::time::Stamp;
use crate::verdict::packet::{Listed, Manifest, SCHEMA};

/// What goes into a packet.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// Documents made for the reviewers, by their names in the packet.
    pub documents: Vec<(String, Vec<u8>)>,
    /// Evidence: the name below `raw/`, and the file.
    pub raw: Vec<(String, PathBuf)>,
}

/// The fixed names of the packet's own documents.
pub const SUMMARY_JSON: &str = "dry_run_summary.json";
/// The summary for people.
pub const SUMMARY_MARKDOWN: &str = "dry_run_summary.md";
/// The verdict of the gates.
pub const SIGN_OFF_JSON: &str = "dry_run_sign_off.json";

/// Writes the packet into `folder`, which must be new: documents and evidence, then the manifest, then `SHA256SUMS`.
///
/// # Errors
/// A file cannot be written, or evidence cannot be read; evidence that is missing is listed instead.
pub fn write(folder: &Path, contents: &Contents, generated_at: Stamp) -> Result<Manifest, FileError> {
    fs::create_dir(folder).map_err(|source| FileError::new("create", folder, source))?;
    let mut listed = Vec::new();
    for (name, bytes) in &contents.documents {
        files::replace(&folder.join(name), bytes)?;
        listed.push(Listed { path: name.clone(), bytes: bytes.len() as u64, sha256: sha256(bytes) });
    }
    let (mut raw_artifacts, mut missing) = (Vec::new(), Vec::new());
    for (name, source) in &contents.raw {
        let path = format!("raw/{name}");
        match copy(source, &folder.join(&path))? {
            Some((bytes, sha256)) => {
                listed.push(Listed { path: path.clone(), bytes, sha256 });
                raw_artifacts.push(path);
            }
            None => missing.push(path),
        }
    }
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    let has = |name: &str| contents.documents.iter().any(|(n, _)| n == name);
    let manifest = Manifest {
        schema: SCHEMA.to_owned(),
        generated_at,
        summary_json: SUMMARY_JSON.to_owned(),
        summary_markdown: SUMMARY_MARKDOWN.to_owned(),
        sign_off_json: has(SIGN_OFF_JSON).then(|| SIGN_OFF_JSON.to_owned()),
        raw_artifacts,
        missing,
        files: listed,
    };
    let text = files::json_text(&manifest);
    files::replace(&folder.join("manifest.json"), text.as_bytes())?;
    let mut sums: Vec<(String, &str)> = manifest.files.iter().map(|f| (f.sha256.clone(), f.path.as_str())).collect();
    sums.push((sha256(text.as_bytes()), "manifest.json"));
    sums.sort_by_key(|(_, path)| *path);
    let sums: String = sums.iter().map(|(digest, path)| format!("{digest}  {path}\n")).collect();
    files::replace(&folder.join("SHA256SUMS"), sums.as_bytes())?;
    Ok(manifest)
}

/// Copies a file and digests it in one pass; `None` where it is missing. Makes the parent folders.
fn copy(source: &Path, target: &Path) -> Result<Option<(u64, String)>, FileError> {
    let mut input = match File::open(source) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.map_err(|error| FileError::new("read", source, error))?,
    };
    if let Some(parent) = target.parent() {
        files::create_dir(parent)?;
    }
    let fail = |error| FileError::new("write", target, error);
    let mut output = File::create_new(target).map_err(fail)?;
    let mut digest = Sha256::new();
    let mut total = 0;
    let mut chunk = vec![0; 256 << 10];
    loop {
        let read = input.read(&mut chunk).map_err(|error| FileError::new("read", source, error))?;
        if read == 0 {
            break;
        }
        digest.update(&chunk[..read]);
        output.write_all(&chunk[..read]).map_err(fail)?;
        total += read as u64;
    }
    output.sync_all().map_err(fail)?;
    Ok(Some((total, hex(&digest.finalize()))))
}

/// Writes the packet in `folder` as a gzipped tar: sorted names, one time, no owner, so that the same packet gives
/// the same bytes.
///
/// # Errors
/// The packet cannot be read, or the archive cannot be written.
pub fn archive(folder: &Path, path: &Path, generated_at: Stamp) -> Result<(), FileError> {
    let mut names = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|e| FileError::new("read", folder, e.into()))?;
        if entry.file_type().is_file() {
            names.push(entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_owned());
        }
    }
    names.sort();
    let mtime = u64::try_from(generated_at.micros() / 1_000_000).unwrap_or(0);
    files::replace_with(path, |file| {
        // Level 4 is within a few percent of the best for logs, at twice the speed.
        let gzip = GzBuilder::new().operating_system(255).write(BufWriter::new(file), Compression::new(4));
        let mut tar = tar::Builder::new(gzip);
        for name in names {
            let source = File::open(folder.join(&name))?;
            let mut header = tar::Header::new_ustar();
            header.set_size(source.metadata()?.len());
            header.set_mode(0o644);
            header.set_mtime(mtime);
            header.set_entry_type(tar::EntryType::Regular);
            let size = header.size()?;
            tar.append_data(&mut header, &name, source.take(size))?;
        }
        tar.into_inner()?.finish()?.flush()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_contents_give_the_same_archive_and_missing_evidence_is_listed() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.jsonl");
        fs::write(&log, "{}\n").unwrap();
        let contents = Contents {
            documents: vec![(SUMMARY_JSON.to_owned(), b"{}".to_vec())],
            raw: vec![("logs/a.jsonl".to_owned(), log), ("decision_diary.json".to_owned(), folder.path().join("none"))],
        };
        let at = Stamp::from_seconds(1_736_121_600).unwrap();
        let archives: Vec<Vec<u8>> = ["one", "two"]
            .map(|name| {
                let manifest = write(&folder.path().join(name), &contents, at).unwrap();
                assert_eq!(manifest.missing, ["raw/decision_diary.json"]);
                let path = folder.path().join(format!("{name}.tar.gz"));
                archive(&folder.path().join(name), &path, at).unwrap();
                fs::read(path).unwrap()
            })
            .into();
        assert_eq!(archives[0], archives[1]);
    }
}
