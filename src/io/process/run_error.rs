//! Why a run could not take place, and what helps.

use std::io::ErrorKind;

use crate::io::files::{self, FileError};

/// Why a run could not take place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The command could not be started at all.
    #[error("cannot start {command}: {source}{}", start_remedy(source))]
    Spawn {
        /// The program.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the run directory could not be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// Signals or process supervision are not available.
    #[error("cannot supervise processes: {0}{remedy}", remedy = files::remedy(.0))]
    System(#[from] std::io::Error),
}

/// What helps where a command cannot be started.
pub(super) fn start_remedy(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::PermissionDenied => "; check that it is installed and executable",
        ErrorKind::WouldBlock => "; too many processes run: end some, or raise the limit (ulimit -u)",
        ErrorKind::OutOfMemory => "; free some memory, or raise the limit (ulimit -v)",
        ErrorKind::ArgumentListTooLong => "; its arguments and its environment are too long",
        _ => files::remedy(error),
    }
}
