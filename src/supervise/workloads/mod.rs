//! The workloads of a rehearsal: what each is to be, the states it goes through, and how far its probe has got. A run of
//! one command is the case of one workload.

pub(crate) mod check;
pub mod document;
pub(crate) mod drill;
pub mod plan;
pub mod probe;
pub mod record;
pub(crate) mod runtime;
pub mod seen;
pub mod state;
