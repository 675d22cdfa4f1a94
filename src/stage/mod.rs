//! Staging: whether it is alive and whether its alerts can be believed.
//!
//! [`observation`] is the file that a smoke run leaves and [`freshness`] judges; [`history`] lines up earlier ones.
//! [`rehearsal`] measures alert rules against incidents that were expected; [`notify`] decides who hears of what.

pub(crate) mod freshness;
pub(crate) mod history;
pub(crate) mod notify;
pub(crate) mod observation;
pub(crate) mod rehearsal;
pub mod smoke;
pub mod sse;
