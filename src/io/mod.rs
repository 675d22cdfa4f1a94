//! The outside world: clock, files, terminal, children, network. Nothing here decides or words anything.

pub mod capture;
pub mod clock;
pub mod excerpts;
pub mod files;
pub mod inputs;
pub mod load;
pub mod packet;
pub mod process;
pub mod progress_file;
pub mod provenance;
pub mod random;
pub mod read;
pub mod runs;
pub mod stage_client;
pub mod tty;
