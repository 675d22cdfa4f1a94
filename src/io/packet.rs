//! Writes packets: a directory that vouches for itself, and the same as one archive.

use std::fs::Permissions;
use std::io::{BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use sha2::{Digest as _, Sha256};

use super::files::{self, FileError, Folder, Kind};
use crate::digest::{hex, sha256};
use crate::time::Stamp;
use crate::verdict::packet::{Listed, Manifest, SCHEMA};

/// What goes into a packet.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The run directory.
    pub run: Folder,
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

/// Writes the packet into `folder`, which must be empty: documents and evidence, then the manifest, then `SHA256SUMS`.
///
/// # Errors
/// A file cannot be written, or evidence cannot be read; evidence that is missing, or that lies behind a link, belongs
/// to somebody else or is no regular file, is listed instead.
pub fn write(folder: &Folder, contents: &Contents, generated_at: Stamp) -> Result<Manifest, FileError> {
    let mut listed = Vec::new();
    for (name, bytes) in &contents.documents {
        folder.replace(name, bytes)?;
        listed.push(Listed { path: name.clone(), bytes: bytes.len() as u64, sha256: sha256(bytes) });
    }
    let (mut raw_artifacts, mut missing) = (Vec::new(), Vec::new());
    for (name, source) in &contents.raw {
        let path = format!("raw/{name}");
        match copy(contents, source, folder, Path::new(&path))? {
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
    folder.replace("manifest.json", text.as_bytes())?;
    let mut sums: Vec<(String, &str)> = manifest.files.iter().map(|f| (f.sha256.clone(), f.path.as_str())).collect();
    sums.push((sha256(text.as_bytes()), "manifest.json"));
    sums.sort_by_key(|(_, path)| *path);
    let sums: String = sums.iter().map(|(digest, path)| format!("{digest}  {path}\n")).collect();
    folder.replace("SHA256SUMS", sums.as_bytes())?;
    Ok(manifest)
}

/// Copies a file and digests it in one pass; `None` where it may not be copied. Makes the parent folders. Who may not
/// read the file may not read its copy.
fn copy(
    contents: &Contents,
    source: &Path,
    packet: &Folder,
    target: &Path,
) -> Result<Option<(u64, String)>, FileError> {
    let mut input = match files::open_evidence(&contents.run, source) {
        Ok(input) => input,
        // It is as good as missing, and judged so.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::NotFound
                    | ErrorKind::NotADirectory
                    | ErrorKind::IsADirectory
                    | ErrorKind::Other
                    | ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(FileError::new("read", source, error)),
    };
    if let Some(parent) = target.parent() {
        packet.make_folder(parent)?;
    }
    let fail = |error| FileError::new("write", packet.path().join(target), error);
    let mut output = packet.create_file(target).map_err(fail)?;
    let mode = |file: &std::fs::File| file.metadata().map(|about| about.permissions().mode());
    let allowed = mode(&input).and_then(|theirs| Ok(theirs & mode(&output)? | 0o600)).map_err(fail)?;
    output.set_permissions(Permissions::from_mode(allowed & 0o666)).map_err(fail)?;
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

/// Writes the packet in `packet` as a gzipped tar `name` in `folder`: sorted names, one time, no owner, so that the same
/// packet gives the same bytes. Who may not read all of the packet may not read the archive.
///
/// # Errors
/// The packet cannot be read, or the archive cannot be written.
pub fn archive(packet: &Folder, folder: &Folder, name: &str, generated_at: Stamp) -> Result<(), FileError> {
    let files::Walked { found: names, faults } = packet.walk();
    if let Some((path, error)) = faults.into_iter().next() {
        return Err(FileError::new("read", packet.path().join(path), error));
    }
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
            tar.append_data(&mut header, &name, source.take(size))?;
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
        };
        let at = Stamp::from_seconds(1_736_121_600).unwrap();
        let archives: Vec<Vec<u8>> = ["one", "two"]
            .map(|name| {
                let packet = run.create_folder(name).unwrap();
                let manifest = write(&packet, &contents, at).unwrap();
                assert_eq!(manifest.missing, ["raw/decision_diary.json"]);
                let file = format!("{name}.tar.gz");
                archive(&packet, &run, &file, at).unwrap();
                fs::read(folder.path().join(file)).unwrap()
            })
            .into();
        assert_eq!(archives[0], archives[1]);
    }
}
