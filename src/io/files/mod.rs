//! The one door to files: reading with limits, replacing atomically, directories by their descriptor, and errors that
//! name the file and the remedy.

mod folder;
mod pipe;
mod syncer;
mod write;

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::Serialize;

pub(crate) use crate::json::inert::{json_line, json_text, write_json};
pub(crate) use folder::{Folder, Kind, Walked};
pub(crate) use pipe::Pipe;
pub(crate) use syncer::Syncer;

/// The largest JSON or Markdown document that is read whole.
pub(crate) const DOCUMENT_LIMIT: u64 = 256 << 20;
/// The largest JSON document of figures and findings, such as the summary of a run.
pub(crate) const FIGURES_LIMIT: u64 = 16 << 20;
/// The largest report that people wrote.
pub(crate) const REPORT_LIMIT: u64 = 2 << 20;

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

/// What helps against an error of a file.
pub(crate) fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check the path",
        io::ErrorKind::PermissionDenied => "; check its permissions, or choose another place",
        io::ErrorKind::StorageFull => "; free some space, or choose another place",
        io::ErrorKind::FileTooLarge => "; raise the limit of file sizes (ulimit -f), or choose another place",
        io::ErrorKind::IsADirectory => "; name a file in it",
        _ if matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE)) => {
            "; too many files are open: raise the limit (ulimit -n)"
        }
        _ => "",
    }
}

/// Opens what a user named: links are followed, and a pipe is opened without waiting for its other end.
///
/// # Errors
/// It is missing or may not be read.
pub(crate) fn open(path: &Path) -> io::Result<(File, fs::Metadata)> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let about = file.metadata()?;
    Ok((file, about))
}

/// Opens a file that was found rather than named by a user: it must be a regular one, or a link to one.
///
/// # Errors
/// It is missing, may not be read, or is something else.
pub(crate) fn open_found(path: &Path) -> io::Result<File> {
    let (file, about) = open(path)?;
    folder::regular(&about)?;
    Ok(file)
}

/// What to read from a file that was opened by [`open`] and is no regular one: with a limit to the patience.
pub(crate) fn pipe(file: File) -> Pipe {
    Pipe::new(file)
}

/// Opens what a user named to be read from its start to its end.
///
/// # Errors
/// It is missing or may not be read.
pub(crate) fn open_named(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let (file, about) = open(path)?;
    Ok(if about.is_file() || about.is_dir() { Box::new(file) } else { Box::new(pipe(file)) })
}

/// The whole of a document of at most [`DOCUMENT_LIMIT`] bytes that a user named.
///
/// # Errors
/// The file is missing, unreadable, a directory, a pipe to which nobody writes, or larger than the limit.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    read_within(path, DOCUMENT_LIMIT)
}

/// [`read`] of a document of at most `limit` bytes.
///
/// # Errors
/// As for [`read`].
pub(crate) fn read_within(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let read = open_named(path).and_then(|file| read_whole(file, limit));
    read.map_err(|source| FileError::new("read", path, source))
}

/// The whole of a document of at most [`DOCUMENT_LIMIT`] bytes that was found; see [`open_found`].
///
/// # Errors
/// As for [`open_found`], and when it is larger than the limit.
pub(crate) fn read_found(path: &Path) -> Result<Vec<u8>, FileError> {
    let read = open_found(path).and_then(|file| read_whole(file, DOCUMENT_LIMIT));
    read.map_err(|source| FileError::new("read", path, source))
}

fn read_whole(input: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!(
            "it is larger than {} MiB, the most that is read of such a file",
            limit >> 20
        )));
    }
    Ok(bytes)
}

/// Opens a file that a record names: below the directory `run`, or anywhere else by an absolute path. The last part
/// of that is not followed where it is a link.
///
/// # Errors
/// As for [`Folder::open_file`].
pub(crate) fn open_evidence(run: &Folder, path: &Path) -> io::Result<File> {
    match (run.relative(path), path.file_name()) {
        (Some(relative), _) => run.open_file(relative),
        (None, Some(name)) => Folder::of_evidence(folder_of(path)).map_err(|error| error.source)?.open_file(name),
        (None, None) => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// The whole of a document of at most `limit` bytes that a record names; see [`open_evidence`].
///
/// # Errors
/// As for [`open_evidence`], and when it is larger.
pub(crate) fn read_evidence(run: &Folder, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let read = open_evidence(run, path).and_then(|file| read_whole(file, limit));
    read.map_err(|source| FileError::new("read", path, source))
}

/// Creates a directory with its parents.
///
/// # Errors
/// It cannot be made, or something else has its name.
pub(crate) fn create_dir(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|source| FileError::new("create", path, source))
}

/// Replaces `path` by `bytes`: readers see the old content or the new, whatever happens in between.
///
/// # Errors
/// The folder cannot be written. The old content is still there then.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    replace_with(path, |file| file.write_all(bytes))
}

/// [`replace`] for content that is written piece by piece.
///
/// # Errors
/// As for [`replace`], and whatever `write` returns.
pub(crate) fn replace_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    put(path, true, write)
}

/// [`replace_with`] for one of many files that can be made again: whole whenever it is there, but not waited for
/// until it is on the disk, which takes longer than to make it.
///
/// # Errors
/// As for [`replace_with`].
pub(crate) fn replace_many_with(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    put(path, false, write)
}

/// Makes the directory of a result and tries whether a file can be put there, before any work starts.
///
/// # Errors
/// The result could not be written.
pub(crate) fn check_writable(path: &Path) -> Result<(), FileError> {
    let fail = |source| FileError::new("write", path, source);
    create_dir(folder_of(path))?;
    if path.is_dir() {
        return Err(fail(io::ErrorKind::IsADirectory.into()));
    }
    Folder::open(folder_of(path)).and_then(|folder| folder.check_writable()).map_err(|error| fail(error.source))
}

/// [`check_writable`] for a file that is replaced: a device or a pipe would be a file ever after.
///
/// # Errors
/// The same, and for what is no regular file.
pub(crate) fn check_replaceable(path: &Path) -> Result<(), FileError> {
    if let Ok(about) = fs::metadata(path) {
        folder::regular(&about).map_err(|source| FileError::new("write", path, source))?;
    }
    check_writable(path)
}

/// Adds `bytes` to the end of a file, below what is there; it is made where it is missing, with its directory.
///
/// # Errors
/// It cannot be written, or is no regular file.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    create_dir(folder_of(path))?;
    let add = || {
        let flags =
            OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::open(path, flags, write::FILE_MODE)?);
        let about = file.metadata()?;
        folder::regular(&about)?;
        if bytes.is_empty() {
            return Ok(());
        }
        let start: &[u8] = if about.len() > 0 { b"\n" } else { b"" };
        // In one piece: others may add to it too.
        file.write_all(&[start, bytes].concat())
    };
    add().map_err(|source| FileError::new("write", path, source))
}

/// Whether two paths lead to one file, also where it does not exist yet.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |path: &Path| fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    match (id(one), id(other)) {
        (Some(one), Some(other)) => one == other,
        _ => std::path::absolute(one).ok() == std::path::absolute(other).ok(),
    }
}

/// The sealed packet in which `path` is, if it is in one.
pub(crate) fn packet_around(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let sealed = |folder: &&Path| folder.join("SHA256SUMS").is_file() && folder.join("manifest.json").is_file();
    path.ancestors().skip(1).find(sealed).map(Path::to_owned)
}

fn put(path: &Path, durable: bool, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), FileError> {
    let fail = |source| FileError::new("write", path, source);
    let name = path.file_name().ok_or_else(|| fail(io::Error::other("this is not the name of a file")))?;
    let folder = Folder::open(folder_of(path)).map_err(|error| fail(error.source))?;
    folder.put(Path::new(name), durable, write).map_err(|error| fail(error.source))
}

/// Replaces `path` by `value` as JSON with an indent of two and a final newline.
///
/// # Errors
/// As for [`replace`].
pub(crate) fn replace_json(path: &Path, value: &impl Serialize) -> Result<(), FileError> {
    replace(path, json_text(value).as_bytes())
}

/// The directory that holds what `path` names.
pub(crate) fn folder_of(path: &Path) -> &Path {
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

    #[test]
    fn what_a_killed_writer_left_is_passed_over_and_removed_by_the_next() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let make = |name: &str, age: u64| {
            let file = File::create(folder.path().join(name)).expect("writable");
            let at = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            file.set_modified(at).expect("a file of ours");
            file
        };
        make(".emp-ops-stale.tmp", 60);
        make(".emp-ops-fresh.tmp", 0);
        make("other.tmp", 60);
        std::os::unix::fs::symlink("other.tmp", folder.path().join(".emp-ops-link.tmp")).expect("a link");
        let used = make(".emp-ops-used.tmp", 60);
        rustix::fs::flock(&used, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
        let names = || Folder::open(folder.path()).and_then(|f| f.names().map_err(|e| FileError::new("read", "", e)));
        assert_eq!(names().expect("readable"), ["other.tmp"]);
        replace(&folder.path().join("a.json"), b"new").expect("writable");
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("readable").file_name()).collect();
        left.sort();
        assert_eq!(left, [".emp-ops-fresh.tmp", ".emp-ops-link.tmp", ".emp-ops-used.tmp", "a.json", "other.tmp"]);
        assert_eq!(names().expect("readable"), ["a.json", "other.tmp"]);
    }
}
