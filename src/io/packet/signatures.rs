//! The bundle of signatures beside a packet: read, and replaced under a lock, so that two people who sign at once lose
//! nothing.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;

use crate::io::files::{self, FileError};
use crate::verdict::attestation::BUNDLE;

/// Keeps signers out of `folder` while a packet in it is looked at, so that what they are writing is not taken for what is
/// there. Where the folder cannot be locked, or somebody holds it for long, it is looked at all the same.
pub(crate) fn shared(folder: &Path) -> Option<File> {
    const LIMIT: Duration = Duration::from_secs(10);
    let lock = File::open(folder).ok()?;
    let start = Instant::now();
    while rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared).is_err() {
        if start.elapsed() > LIMIT {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
    Some(lock)
}

/// The content of the bundle in `folder`; none if there is none.
///
/// # Errors
/// It is there, but cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let path = folder.join(BUNDLE);
    match path.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // Whoever signs a packet of somebody else leaves a file of their own.
        Ok(about) if about.is_file() => files::read_found(&path).map(Some),
        Ok(_) => Err(FileError::new("read", path, io::Error::other("it is no regular file"))),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}

/// Replaces the bundle in `folder` by what `change` makes of it, while nobody else can.
///
/// # Errors
/// The folder cannot be locked or written, or whatever `change` returns; the bundle is as it was then.
pub(crate) fn replace<E: From<FileError>>(
    folder: &Path,
    change: impl FnOnce(Option<Vec<u8>>) -> Result<Vec<u8>, E>,
) -> Result<(), E> {
    let fail = |source: io::Error| FileError::new("lock", folder, source);
    // The folder itself is locked: a file for it would be one more in the packet.
    let lock = File::open(folder).map_err(fail)?;
    rustix::io::retry_on_intr(|| rustix::fs::flock(&lock, FlockOperation::LockExclusive))
        .map_err(|error| fail(error.into()))?;
    let changed = change(read(folder)?)?;
    Ok(files::replace(&folder.join(BUNDLE), &changed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writers_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        thread::scope(|scope| {
            for writer in 0..8_u8 {
                let folder = folder.path();
                scope.spawn(move || {
                    for _ in 0..20 {
                        let add = |before: Option<Vec<u8>>| {
                            let mut bytes = before.unwrap_or_default();
                            bytes.push(writer);
                            Ok::<_, FileError>(bytes)
                        };
                        replace(folder, add).unwrap();
                    }
                });
            }
        });
        let mut bytes = read(folder.path()).unwrap().unwrap();
        bytes.sort_unstable();
        assert_eq!(bytes, (0..8).flat_map(|writer| [writer; 20]).collect::<Vec<u8>>());
    }
}
