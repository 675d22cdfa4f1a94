//! The live run as a pure state machine, with the documents that it keeps: no threads, children or clock.

pub mod progress;
pub mod record;
