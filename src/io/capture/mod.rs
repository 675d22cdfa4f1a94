//! Capturing the output of a supervised command: pumps read it, the sink keeps it.

mod log_file;
mod pump;
mod sink;

pub use log_file::Compression;
pub(in crate::io) use pump::lock;
pub use pump::{Mailbox, PumpPlan, pump};
pub use sink::{Sink, SinkPlan};
