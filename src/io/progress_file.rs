//! The progress file and the timeline: each snapshot holds the digest of the one before it in the timeline.

use std::fs;
use std::path::PathBuf;

use super::files::{self, FileError};
use crate::digest::sha256;
use crate::supervise::progress::Snapshot;
use crate::supervise::record::ProgressChain;

/// Where snapshots go.
pub struct ProgressFile {
    path: PathBuf,
    timeline: Option<PathBuf>,
    chain: ProgressChain,
}

impl ProgressFile {
    /// Snapshots go to `path`, and those of the timeline into the folder `timeline` too.
    pub fn new(path: PathBuf, timeline: Option<PathBuf>) -> Self {
        Self { path, timeline, chain: ProgressChain::default() }
    }

    /// The snapshots of the timeline so far.
    pub fn chain(&self) -> &ProgressChain {
        &self.chain
    }

    /// Writes a snapshot, which must follow [`Self::chain`]. A timeline file is never written twice, and only what was
    /// written counts.
    ///
    /// # Errors
    /// One of the files cannot be written.
    pub fn write(&mut self, snapshot: &Snapshot, timeline: bool) -> Result<(), FileError> {
        let text = files::json_text(snapshot);
        if let Some(folder) = self.timeline.as_ref().filter(|_| timeline) {
            let name = format!("snapshot-{}-{:05}.json", snapshot.now.utc().format("%Y%m%dT%H%M%S"), snapshot.sequence);
            let path = folder.join(name);
            if path.exists() {
                let taken = std::io::ErrorKind::AlreadyExists.into();
                return Err(FileError::new("write", path, taken));
            }
            files::create_dir(folder)?;
            files::replace(&path, text.as_bytes()).inspect_err(|_| {
                // It may be there all the same, and another will take its place.
                let _ = fs::remove_file(&path);
            })?;
            self.chain.head_sha256 = Some(sha256(text.as_bytes()));
        }
        self.chain.snapshots += u64::from(timeline);
        files::replace(&self.path, text.as_bytes())
    }
}
