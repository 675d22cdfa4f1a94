//! Finds and follows the runs of an output root.

pub mod all;
pub mod find;
pub mod follow;
