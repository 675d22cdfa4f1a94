//! From a closed session to what would be published: one file per stage, in the order of the data.
//!
//! ```text
//! json -> turns, session -> scenes, highlights -> story
//!                 -> sentences -> matcher -> claims -> mentions -> deltas -> moderation
//!                                                   -> schedule, publishing -> search -> document -> rollup
//! ```
//!
//! Nothing here opens a file or reads a clock: "now" is an argument, and ids are hashes of content.

pub(crate) mod deltas;
pub(crate) mod document;
pub(crate) mod highlights;
pub(crate) mod id;
pub(crate) mod json;
pub(crate) mod moderation;
pub(crate) mod moment;
mod notes;
pub(crate) mod publishing;
pub(crate) mod reading;
pub(crate) mod rollup;
pub(crate) mod scenes;
pub(crate) mod schedule;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod story;
pub(crate) mod turns;
