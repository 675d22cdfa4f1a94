//! The outside world: clock, files, terminal, children, network. Nothing here decides or words anything.

pub mod capture;
pub mod checksums;
pub mod child;
pub mod clock;
pub mod decode;
pub mod files;
pub mod fleet;
pub mod follow;
pub mod inputs;
pub mod interrupt;
pub mod keyboard;
pub mod load;
pub mod packet;
pub mod packet_reader;
pub mod parallel;
pub mod pid;
mod pieces;
mod progress_bar;
pub mod progress_file;
pub mod runs;
pub mod sampler;
pub mod scan;
pub mod screen;
pub mod simulated_runtime;
mod sources;
pub mod supervisor;
pub mod terminal;
