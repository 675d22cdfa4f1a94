//! The outside world: clock, files, terminal, children, network. Nothing here decides or words anything.

#![allow(clippy::disallowed_methods, reason = "this room is what they are disallowed for elsewhere")]

pub(crate) mod capture;
pub(crate) mod clock;
pub(crate) mod excerpts;
pub(crate) mod files;
pub(crate) mod inputs;
pub mod load;
pub(crate) mod memory;
pub(crate) mod notify;
pub(crate) mod packet;
pub(crate) mod process;
pub(crate) mod progress_file;
pub(crate) mod provenance;
pub(crate) mod random;
pub mod read;
pub(crate) mod runs;
pub(crate) mod shards;
pub(crate) mod stage_client;
pub(crate) mod tty;
