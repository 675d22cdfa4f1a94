//! Finds and follows the runs of an output root.

pub(crate) mod all;
pub(crate) mod changes;
pub(crate) mod find;
pub(crate) mod follow;
pub(crate) mod log_tail;
pub(crate) mod replay;
