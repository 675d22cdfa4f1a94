//! The one way in which whole files come into being.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{AtFlags, CWD, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::io::random;

/// A file that must be new: a link of that name is not followed.
pub(super) const NEW: OFlags = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// Less what the umask takes away.
pub(super) const FILE_MODE: Mode = Mode::from_raw_mode(0o666);

/// Where the kernel shows an open file.
pub(super) fn by_descriptor(descriptor: RawFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{descriptor}"))
}

/// Replaces the file `name` in `directory` by what `write` writes. A file that lasts has no name until it is whole,
/// where the file system can do that, so that a kill leaves nothing behind.
pub(super) fn replace(
    directory: &OwnedFd,
    name: &OsStr,
    durable: bool,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_name()?;
    let nameless = if durable { nameless(directory) } else { None };
    let named = nameless.is_none();
    let mut file = match nameless {
        Some(file) => file,
        None => File::from(rustix::fs::openat(directory, &temporary, OFlags::WRONLY | NEW, FILE_MODE)?),
    };
    // The kernel takes the lock back when this process is killed, which tells what it leaves from what is in use.
    let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
    let written = (|| {
        keep_permissions(directory, name, &file)?;
        write(&mut file)?;
        if durable {
            file.sync_all()?;
        }
        if named || !link_new(directory, name, &file, &temporary)? {
            rustix::fs::renameat(directory, &temporary, directory, name)?;
        }
        Ok(())
    })();
    if written.is_err() {
        // The name is ours alone, and the first error is the one worth telling.
        let _ = rustix::fs::unlinkat(directory, &temporary, AtFlags::empty());
    } else if durable
        && let Ok(listing) = rustix::fs::openat(directory, ".", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    {
        remove_stale(directory, &listing);
        // The name itself is durable once the directory is; some file systems cannot sync directories.
        let _ = rustix::fs::fsync(listing);
    }
    written
}

/// Tries whether a file can be made in `directory`, without leaving one.
pub(super) fn check(directory: &OwnedFd) -> io::Result<()> {
    if nameless(directory).is_none() {
        let name = temporary_name()?;
        rustix::fs::openat(directory, &name, OFlags::WRONLY | NEW, FILE_MODE)?;
        rustix::fs::unlinkat(directory, &name, AtFlags::empty())?;
    }
    Ok(())
}

const TEMPORARY: (&str, &str) = (".emp-ops-", ".tmp");
/// A writer that has just made its file may not have locked it yet.
const FRESH: Duration = Duration::from_secs(2);

/// A name that nobody can guess and no reader takes for that of evidence.
fn temporary_name() -> io::Result<String> {
    Ok(format!("{}{}{}", TEMPORARY.0, random::word()?, TEMPORARY.1))
}

/// Whether this is the name of a file that is not whole yet.
pub(super) fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(TEMPORARY.0.as_bytes()) && name.ends_with(TEMPORARY.1.as_bytes())
}

/// Removes what writers of ours left in a directory when they were killed. What cannot be removed stays: readers pass
/// over it.
fn remove_stale(directory: &OwnedFd, listing: &OwnedFd) {
    let Ok(entries) = Dir::read_from(listing) else { return };
    for entry in entries.filter_map(Result::ok).filter(|entry| is_temporary(entry.file_name().to_bytes())) {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let Ok(file) = rustix::fs::openat(directory, entry.file_name(), flags, Mode::empty()).map(File::from) else {
            continue;
        };
        let stale = file.metadata().is_ok_and(|about| {
            let age = about.modified().ok().and_then(|at| at.elapsed().ok());
            about.is_file() && about.uid() == rustix::process::geteuid().as_raw() && age.is_some_and(|age| age > FRESH)
        });
        if stale && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = rustix::fs::unlinkat(directory, entry.file_name(), AtFlags::empty());
        }
    }
}

/// A file without a name; none if the file system has no such files, or where they could not be named later.
fn nameless(directory: &OwnedFd) -> Option<File> {
    if !Path::new("/proc/self/fd").exists() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    rustix::fs::openat(directory, ".", flags, FILE_MODE).ok().map(File::from)
}

/// Gives a nameless file its name, or where that is taken the temporary one. Whether it has its own.
fn link_new(directory: &OwnedFd, name: &OsStr, file: &File, temporary: &str) -> io::Result<bool> {
    let path = by_descriptor(file.as_raw_fd());
    match rustix::fs::linkat(CWD, &path, directory, name, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => {
            rustix::fs::linkat(CWD, &path, directory, temporary, AtFlags::SYMLINK_FOLLOW)?;
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// A page of ours that others may edit stays one.
fn keep_permissions(directory: &OwnedFd, name: &OsStr, file: &File) -> io::Result<()> {
    if let Ok(before) = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        && FileType::from_raw_mode(before.st_mode) == FileType::RegularFile
        && before.st_uid == rustix::process::geteuid().as_raw()
    {
        rustix::fs::fchmod(file, Mode::from_raw_mode(before.st_mode & 0o777))?;
    }
    Ok(())
}
