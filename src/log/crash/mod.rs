//! Does a text tell of a crash, and what is its headline?

pub mod classify;
pub mod fields;
pub mod frames;
mod headline;
pub(crate) mod marks;
mod mentions;
mod pattern;
pub mod rules;
#[cfg(test)]
mod tests;

pub use headline::headline;
