//! From files and streams to the fold of their records, in parallel.

pub mod decode;
pub(crate) mod file_ranges;
pub(crate) mod line_chunks;
pub mod options;
pub(crate) mod parallel;
pub mod scan;
pub(crate) mod shared_stream;
pub(crate) mod sources;
pub(crate) mod text;
