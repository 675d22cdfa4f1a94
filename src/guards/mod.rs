//! Guards: figures of a run that are watched while it goes on, each against its limits.
//!
//! [`plan`] is what a guard is to be, [`machine`] looks when it is time and takes what it is given, [`mod@derive`] reads the
//! verdict off the stretches that were noted, for the live run and for whoever judges it again, and [`document`] is the
//! file that keeps them; [`samples`] keeps what each look gave, from which the stretches can be made again. Nothing here asks anything itself.

pub(crate) mod derive;
pub(crate) mod document;
pub(crate) mod fields;
pub(crate) mod growth;
pub(crate) mod judge;
pub(crate) mod machine;
pub(crate) mod pile;
pub mod plan;
pub(crate) mod prometheus;
pub(crate) mod samples;
mod sketch;
pub(crate) mod source;
pub(crate) mod unit;
mod watch;

#[cfg(test)]
mod tests;
