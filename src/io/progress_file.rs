//! The progress file and the timeline: each snapshot holds the digest of the one before it in the timeline.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::files::{self, FileError};
use crate::supervise::progress::Snapshot;

/// Where snapshots go.
pub struct ProgressFile {
    path: PathBuf,
    timeline: Option<PathBuf>,
    head: Option<String>,
}

impl ProgressFile {
    /// Snapshots go to `path`, and those of the timeline into the folder `timeline` too.
    pub fn new(path: PathBuf, timeline: Option<PathBuf>) -> Self {
        Self { path, timeline, head: None }
    }

    /// The digest of the last snapshot in the timeline, in hex.
    pub fn head(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// Writes a snapshot, whose `previous_sha256` must be [`Self::head`]. A timeline file is never written twice.
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
            files::replace(&path, text.as_bytes())?;
            self.head = Some(hex(&Sha256::digest(text.as_bytes())));
        }
        files::replace(&self.path, text.as_bytes())
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
