//! What a text that tells of a crash shows.

use serde::{Deserialize, Serialize};

/// What a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The frames or the header of a stack trace.
    StackTrace,
    /// A panic, an abort, or a crash of the process.
    Panic,
    /// An exception or rejection that nothing caught.
    Uncaught,
    /// "fatal error".
    FatalError,
    /// An exception that is not said to be handled.
    Exception,
}

impl Kind {
    /// As in the JSON documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::StackTrace => "stack_trace",
            Self::Panic => "panic",
            Self::Uncaught => "uncaught",
            Self::FatalError => "fatal_error",
            Self::Exception => "exception",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::StackTrace => "stack trace",
            Self::Panic => "panic",
            Self::Uncaught => "uncaught exception",
            Self::FatalError => "fatal error",
            Self::Exception => "exception",
        }
    }
}
