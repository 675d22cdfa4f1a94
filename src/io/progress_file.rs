//! The progress file and the timeline: each snapshot holds the digest of the one before it in the timeline.

use std::path::Path;
use std::sync::Arc;

use super::files::{self, FileError, Folder, Syncer};
use crate::digest::sha256;
use crate::supervise::progress::Snapshot;
use crate::supervise::record::ProgressChain;
use crate::time::Stamp;

/// The last snapshot, and the folder of all, in a run directory.
const PROGRESS: &str = "progress.json";
const TIMELINE: &str = "progress_timeline";

/// Where snapshots go.
pub(crate) struct ProgressFile {
    folder: Folder,
    /// Makes snapshots durable while the run goes on: the next one must not wait for the disk.
    syncer: Option<Arc<Syncer>>,
    timeline: bool,
    chain: ProgressChain,
    /// The instant of the snapshot before.
    newest: Option<Stamp>,
}

impl ProgressFile {
    /// Snapshots go into the run directory `folder`, and into its timeline too where there is one. They are shown at
    /// once, and `syncer` makes them durable.
    pub(crate) fn new(folder: Folder, syncer: Arc<Syncer>, timeline: bool) -> Self {
        Self { folder, syncer: Some(syncer), timeline, chain: ProgressChain::default(), newest: None }
    }

    /// Waits until all snapshots are durable; each further one is before [`Self::write`] returns.
    pub(crate) fn settle(&mut self) {
        self.syncer.take().inspect(|syncer| syncer.finish());
    }

    fn put(&self, name: &Path, text: &str) -> Result<(), FileError> {
        match &self.syncer {
            Some(syncer) => syncer.replace(name, text.as_bytes()),
            None => self.folder.replace(name, text.as_bytes()),
        }
    }

    /// The snapshots of the timeline so far.
    pub(crate) fn chain(&self) -> &ProgressChain {
        &self.chain
    }

    /// Writes a snapshot, which must follow [`Self::chain`]. A timeline file is never written twice, and only what was
    /// written counts. No snapshot is older than the one before, even where the wall clock was set back: readers take the
    /// newest by name, and the names begin with the time. Gives the time of the snapshot.
    ///
    /// # Errors
    /// One of the files cannot be written.
    pub(crate) fn write(&mut self, mut snapshot: Snapshot, timeline: bool) -> Result<Stamp, FileError> {
        let now = self.newest.map_or(snapshot.now, |newest| newest.max(snapshot.now));
        snapshot.now = now;
        self.newest = Some(now);
        let text = files::json_text(&snapshot);
        if self.timeline && timeline {
            let name = format!("snapshot-{}-{:05}.json", snapshot.now.utc().format("%Y%m%dT%H%M%S"), snapshot.sequence);
            let path = Path::new(TIMELINE).join(name);
            if self.folder.kind(&path).is_some() {
                let taken = std::io::ErrorKind::AlreadyExists.into();
                return Err(FileError::new("write", self.folder.path().join(path), taken));
            }
            self.folder.make_folder(TIMELINE)?;
            self.put(&path, &text).inspect_err(|_| {
                // It may be there all the same, and another will take its place.
                let _ = self.folder.remove_file(&path);
            })?;
            self.chain.head_sha256 = Some(sha256(text.as_bytes()));
        }
        self.chain.snapshots += u64::from(timeline);
        self.put(Path::new(PROGRESS), &text).map(|()| now)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    /// A snapshot of the fixtures, as it would be at `now`.
    fn snapshot(now: Stamp, chain: &ProgressChain) -> Snapshot {
        let text = include_str!("../../fixtures/watch/runs/rehearsal-2/progress.json");
        let snapshot: Snapshot = serde_json::from_str(text).unwrap();
        Snapshot { now, sequence: chain.snapshots, previous_sha256: chain.head_sha256.clone(), ..snapshot }
    }

    #[test]
    fn the_last_snapshot_is_the_newest_by_name_and_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let (path, timeline) = (folder.path().join(PROGRESS), folder.path().join(TIMELINE));
        let run = Folder::open(folder.path()).unwrap();
        let mut file = ProgressFile::new(run.clone(), Arc::new(Syncer::start(run).unwrap()), true);
        let start = Stamp::parse("2025-01-06T00:00:00.9Z").unwrap();
        // The clock is set back in the middle, once for a snapshot that is not kept in the timeline.
        for (millis, kept) in [(0, true), (3000, false), (200, true), (0, true), (4000, true), (3999, true)] {
            let next = snapshot(start.plus(Duration::from_millis(millis)), file.chain());
            file.write(next, kept).unwrap();
            if millis == 200 {
                file.settle();
            }
        }
        let mut names: Vec<PathBuf> = fs::read_dir(&timeline).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        let read = |path: &PathBuf| serde_json::from_slice::<Snapshot>(&fs::read(path).unwrap()).unwrap();
        let all: Vec<Snapshot> = names.iter().map(read).collect();
        assert!(all.iter().map(|one| one.sequence).eq(0..5), "{names:?}");
        assert!(all.is_sorted_by_key(|one| one.now), "{names:?}");
        assert_eq!(all.last(), Some(&read(&path)));
        let after: Vec<f64> = all.iter().map(|one| one.now.seconds_since(start)).collect();
        assert_eq!(after, [0.0, 3.0, 3.0, 4.0, 4.0]);
    }
}
