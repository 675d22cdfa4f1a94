//! The built-in systems that a rehearsal can be tried on: a runtime and a staging server.

#![allow(clippy::disallowed_methods, reason = "these are systems of their own, with files and a server")]

pub(crate) mod runtime;
pub(crate) mod services;
pub(crate) mod stage_server;
