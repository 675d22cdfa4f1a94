//! The changes of state that a run has written since the last look.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::io::files;
use crate::supervise::workloads::state::{Change, STATES};

/// So much is read at a time.
const AT_ONCE: u64 = 1 << 20;

/// Reads the changes of state of a run, each once.
#[derive(Default)]
pub(crate) struct Changes {
    /// So many bytes were read; none before the first look, which only notes what is there already.
    read: Option<u64>,
}

impl Changes {
    /// What is new in the run whose progress file this is.
    pub(crate) fn look(&mut self, progress: &Path) -> Vec<Change> {
        let Ok(mut file) = files::open_found(&progress.with_file_name(STATES)) else { return Vec::new() };
        let size = file.metadata().map_or(0, |about| about.len());
        let Some(read) = self.read.filter(|read| *read <= size) else {
            self.read = Some(size);
            return Vec::new();
        };
        let mut bytes = Vec::new();
        let seen = file.seek(SeekFrom::Start(read)).and_then(|_| file.take(AT_ONCE).read_to_end(&mut bytes));
        if seen.is_err() {
            return Vec::new();
        }
        // What does not end yet is still being written.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.read = Some(read + whole as u64);
        bytes[..whole].split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}
