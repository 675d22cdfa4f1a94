//! Makes files durable while nobody waits for the disk.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::{FileError, Folder};
use crate::io::read::parallel::lock;

/// Syncs files below a directory on a thread of its own. A file that is named again before its turn is synced once.
pub(crate) struct Syncer {
    folder: Folder,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: BTreeSet<PathBuf>,
    busy: bool,
    closed: bool,
    failed: Vec<FileError>,
}

impl Syncer {
    /// Begins with nothing to do.
    ///
    /// # Errors
    /// There can be no further thread.
    pub(crate) fn start(folder: Folder) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let syncer = Self { folder: folder.clone(), shared: Arc::clone(&shared) };
        thread::Builder::new().name("syncer".to_owned()).spawn(move || work(&folder, &shared))?;
        Ok(syncer)
    }

    /// Replaces a file below the directory: at once for readers, on the disk soon.
    ///
    /// # Errors
    /// As for [`Folder::replace`].
    pub(crate) fn replace(&self, name: &Path, bytes: &[u8]) -> Result<(), FileError> {
        self.folder.put(name, false, |file| io::Write::write_all(file, bytes))?;
        self.add(name);
        Ok(())
    }

    /// Has a file below the directory synced, with its name.
    pub(crate) fn add(&self, name: &Path) {
        lock(&self.shared.state).waiting.insert(name.to_owned());
        self.shared.changed.notify_all();
    }

    /// What could not be synced since the last call.
    pub(crate) fn failures(&self) -> Vec<FileError> {
        std::mem::take(&mut lock(&self.shared.state).failed)
    }

    /// Waits until everything is on the disk, or has failed.
    pub(crate) fn finish(&self) {
        let working = |state: &mut State| state.busy || !state.waiting.is_empty();
        drop(self.shared.changed.wait_while(lock(&self.shared.state), working));
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        lock(&self.shared.state).closed = true;
        self.shared.changed.notify_all();
    }
}

fn work(folder: &Folder, shared: &Shared) {
    loop {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let Ok(mut state) = shared.changed.wait_while(lock(&shared.state), idle) else { return };
        let names = std::mem::take(&mut state.waiting);
        if names.is_empty() {
            return;
        }
        state.busy = true;
        drop(state);
        let mut failed = Vec::new();
        let holders: BTreeSet<&Path> = names.iter().filter_map(|name| name.parent()).collect();
        for name in &names {
            // What is gone, or may not be read, is missed by others.
            let synced = folder.open_file(name).map_or(Ok(()), |file| file.sync_all());
            failed.extend(synced.err().map(|error| FileError::new("write", folder.path().join(name), error)));
        }
        for holder in holders {
            // Some file systems cannot sync directories.
            let _ = folder.sync(holder);
        }
        let mut state = lock(&shared.state);
        state.busy = false;
        state.failed.append(&mut failed);
        shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_replaced_is_there_at_once_and_what_is_gone_is_no_failure() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(root.path()).unwrap();
        let syncer = Syncer::start(folder.clone()).unwrap();
        folder.make_folder("a").unwrap();
        for content in ["one", "two"] {
            syncer.replace(Path::new("a/b.json"), content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(root.path().join("a/b.json")).unwrap(), content);
        }
        syncer.add(Path::new("never/was.json"));
        syncer.finish();
        assert!(syncer.failures().is_empty());
        assert!(syncer.replace(Path::new("none/c.json"), b"").is_err());
        // Nothing is left to be done.
        syncer.finish();
    }
}
