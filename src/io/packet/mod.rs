//! Writes, seals, signs, reads and verifies packets.

pub mod bundle;
pub mod checksums;
pub mod keys;
pub mod reader;
pub mod seal;
pub mod timestamp;
pub mod writer;
