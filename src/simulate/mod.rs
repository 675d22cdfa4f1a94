//! The built-in systems that a rehearsal can be tried on: a runtime and a staging server.

pub mod runtime;
pub mod stage_server;
