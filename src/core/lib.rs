//! The rooms that go over every byte of a log, and the vocabulary that they share with those above them.
//!
//! A crate of its own, so that it alone is built for speed; the map is in the documentation of `emp_ops`.

// A table of cases is better in one piece.
#![cfg_attr(test, allow(clippy::too_many_lines))]
// Tests set up what they like.
#![cfg_attr(test, allow(clippy::disallowed_methods))]
#![allow(rustdoc::private_intra_doc_links)]

pub mod crash;
pub mod digest;
pub mod finding;
pub mod json;
pub mod level;
pub mod log;
pub mod prose;
pub mod sanitize;
pub mod time;
