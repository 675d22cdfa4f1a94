//! Capturing the output of a supervised command: pumps read it, the sink keeps it.

mod log_file;
mod part;
mod pump;
mod sink;

pub(crate) use log_file::Kept;
pub(crate) use part::Compression;
pub(crate) use pump::{Mailbox, PumpPlan, Waiting, pump};
pub(crate) use sink::{Room, Sink, SinkPlan};
