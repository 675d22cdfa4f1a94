//! The built-in systems that a rehearsal can be tried on: a runtime and a staging server.

pub(crate) mod runtime;
pub(crate) mod stage_server;
