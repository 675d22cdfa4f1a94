//! From bytes to records, in chunks that merge.

pub mod chunk;
pub mod continuation;
pub(crate) mod damaged;
pub(crate) mod line;
pub mod reader;
pub(crate) mod unread;
