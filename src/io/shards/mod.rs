//! Logs that are read in shards, by any number of machines: plans and partials on disk, and the reading of a shard.

pub(crate) mod documents;
pub(crate) mod planning;
pub(crate) mod read;
mod spool;
#[cfg(test)]
mod tests;
