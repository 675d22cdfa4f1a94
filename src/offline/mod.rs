//! From a closed session to what would be published: one file per stage, in the order of the data.
//!
//! ```text
//! json -> turns, session -> scenes, highlights -> story
//!                 -> sentences -> matcher -> claims -> mentions -> deltas -> moderation
//!                                                   -> schedule, publishing -> search -> document -> rollup
//! ```
//!
//! Nothing here opens a file or reads a clock: "now" is an argument, and ids are hashes of content.

pub mod claims;
pub mod deltas;
pub mod document;
pub mod highlights;
pub mod id;
pub mod json;
pub mod lexicon;
pub mod matcher;
pub mod mentions;
pub mod moderation;
pub mod moment;
mod notes;
pub mod publishing;
pub mod rollup;
pub mod scenes;
pub mod schedule;
pub mod search;
pub mod sentences;
pub mod session;
pub mod story;
pub mod turns;
