//! Records over time.

use serde::{Deserialize, Serialize};

use crate::time::Stamp;

/// A stretch of time with the records in it. Empty stretches are there too, as one however long they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The start; the end is the start of the next one.
    pub start: Stamp,
    /// The length: the same for all with records in them, half a second or more as the span of the logs asks for.
    pub seconds: f64,
    /// Records in it; 0 for an empty stretch.
    pub records: u64,
    /// Those at a warning level.
    pub warnings: u64,
    /// Those at an error level, or with a crash in them.
    pub errors: u64,
}

impl Bucket {
    /// Where it ends.
    pub fn end(&self) -> Stamp {
        self.start.plus(std::time::Duration::try_from_secs_f64(self.seconds).unwrap_or_default())
    }
}
