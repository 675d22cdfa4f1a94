//! The live run as a pure state machine, with the documents that it keeps: no threads, children or clock.

pub mod attempts;
pub mod capture;
pub mod event;
pub mod history;
pub mod incidents;
pub mod machine;
pub mod monitors;
pub mod objective;
pub mod plan;
pub mod progress;
pub mod progress_reader;
pub mod provenance;
pub mod record;
pub mod redact;
pub mod staleness;
