//! Drills: a fault is injected at a planned time, and what is measured says whether it was detected, acknowledged and
//! recovered, and how fast.
//!
//! [`plan`] is what a drill is to be, [`machine`] runs it by a clock and answers that it is given, [`mod@derive`] reads the
//! verdict off the steps that were noted, for the live run and for whoever judges it again, and [`document`] is the file
//! that keeps them. Nothing here does or asks anything itself.

pub(crate) mod derive;
pub(crate) mod document;
pub(crate) mod judge;
pub(crate) mod machine;
mod order;
pub mod plan;
mod progress;
pub mod step;

#[cfg(test)]
mod tests;
