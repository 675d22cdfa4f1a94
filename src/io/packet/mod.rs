//! Writes, seals, signs, reads and verifies packets.

pub(crate) mod checksums;
pub(crate) mod keys;
pub(crate) mod reader;
pub(crate) mod seal;
pub(crate) mod signatures;
pub(crate) mod timestamp;
pub(crate) mod writer;
