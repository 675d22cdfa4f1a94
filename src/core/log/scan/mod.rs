//! From bytes to records, in chunks that merge.

pub mod chunk;
pub(crate) mod continuation;
pub(crate) mod damaged;
pub mod line;
mod places;
pub(crate) mod reader;
pub(crate) mod stream;
pub(crate) mod unended;
pub mod unread;
