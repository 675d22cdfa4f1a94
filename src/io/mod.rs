//! The outside world: clock, files, terminal, children, network. Nothing here decides or words anything.

pub mod clock;
pub mod files;
pub mod terminal;
