//! Does a text tell of a crash, and what is its headline?

pub mod classify;
pub mod fields;
pub mod frames;
pub mod wording;
