//! The live run as a pure state machine, with the documents that it keeps: no threads, children or clock.

pub mod acks;
pub(crate) mod attempts;
pub(crate) mod capture;
pub(crate) mod event;
pub(crate) mod history;
pub(crate) mod incidents;
pub(crate) mod listener;
pub(crate) mod log_lines;
pub(crate) mod machine;
pub(crate) mod monitors;
pub(crate) mod objective;
pub mod plan;
pub(crate) mod progress;
pub mod progress_reader;
pub(crate) mod provenance;
pub mod record;
pub(crate) mod redact;
pub(crate) mod staleness;
pub(crate) mod stalls;
pub mod workloads;
