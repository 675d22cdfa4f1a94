//! Does a text tell of a crash, and what is its headline?

pub(crate) mod classify;
pub(crate) mod fields;
pub(crate) mod frames;
mod headline;
mod kind;
pub(crate) mod marks;
mod memo;
mod mentions;
mod pattern;
pub(crate) mod rules;
#[cfg(test)]
mod tests;

pub(crate) use headline::headline;
