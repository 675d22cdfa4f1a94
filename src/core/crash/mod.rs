//! Does a text tell of a crash, and what is its headline?

pub mod classify;
pub(crate) mod fields;
pub(crate) mod frames;
mod headline;
mod kind;
pub(crate) mod markers;
mod memo;
mod mentions;
mod pattern;
pub(crate) mod prefilter;
#[cfg(test)]
mod tests;

pub use headline::{headline, headline_among};
