//! Reading with a limit, replacing atomically, and errors that name the file and the remedy.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The largest JSON or Markdown document that is read whole.
pub const DOCUMENT_LIMIT: u64 = 256 << 20;

/// A file could not be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}{}", path.display(), remedy(source))]
pub struct FileError {
    /// What was tried: `read`, `write`, `create`.
    pub action: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// An error about `path`.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::PermissionDenied => "; check its permissions, or choose another place",
        io::ErrorKind::StorageFull => "; free some space, or choose another place",
        io::ErrorKind::IsADirectory => "; name a file in it",
        _ => "",
    }
}

/// The whole of a document of at most [`DOCUMENT_LIMIT`] bytes.
///
/// # Errors
/// The file is missing, unreadable, a directory, or larger than the limit.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    let fail = |source| FileError::new("read", path, source);
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(DOCUMENT_LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > DOCUMENT_LIMIT {
        return Err(fail(io::Error::other("the document is larger than 256 MiB")));
    }
    Ok(bytes)
}

/// Creates a directory with its parents.
///
/// # Errors
/// It cannot be made, or something else has its name.
pub fn create_dir(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|source| FileError::new("create", path, source))
}

/// Replaces `path` by `bytes`: readers see the old content or the new, whatever happens in between.
///
/// # Errors
/// The folder cannot be written. The old content is still there then.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace_with(path, |file| file.write_all(bytes))
}

/// [`replace`] for content that is written piece by piece.
///
/// # Errors
/// As for [`replace`], and whatever `write` returns.
pub fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    rename_over(path, |file| {
        write(file)?;
        file.sync_all()
    })?;
    // The rename itself is durable once the folder is; some file systems cannot sync folders.
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// [`replace_with`] for one of many files that can be made again: whole whenever it is there, but not waited for
/// until it is on the disk, which takes longer than to make it.
///
/// # Errors
/// As for [`replace_with`].
pub fn replace_many_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    rename_over(path, write)
}

fn rename_over(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    let fail = |source| FileError::new("write", path, source);
    let folder = folder_of(path);
    let name = path.file_name().ok_or_else(|| fail(io::Error::other("this is not the name of a file")))?;
    let temporary = folder.join(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        // A page that others may edit stays one.
        if let Ok(before) = fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        write(&mut file)?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|source| {
        // The name is ours alone, and the first error is the one worth telling.
        let _ = fs::remove_file(&temporary);
        fail(source)
    })
}

/// Replaces `path` by `value` as JSON with an indent of two and a final newline.
///
/// # Errors
/// As for [`replace`].
pub fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    replace(path, json_text(value).as_bytes())
}

/// `value` as the JSON text of all our documents: an indent of two and a final newline.
pub fn json_text(value: &impl Serialize) -> String {
    // Our documents have string keys and no failing serialisers, so this cannot fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_keeps_the_old_content_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a.json");
        replace(&path, b"old").expect("writable");
        let error = replace_with(&path, |file| {
            file.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        })
        .expect_err("the write fails");
        assert!(error.to_string().contains("free some space"), "{error}");
        assert_eq!(read(&path).expect("readable"), b"old");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }
}
