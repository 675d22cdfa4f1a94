//! Logs that are read in shards: the plan that divides them, what a shard comes to, and how that merges.
//!
//! The report of all shards is that of one run over everything, or a FAIL that names what is missing.

pub(crate) mod close;
pub(crate) mod fold;
pub(crate) mod missing;
pub mod partial;
pub mod plan;
