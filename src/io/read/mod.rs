//! From files and streams to the fold of their records, in parallel.

pub mod decode;
pub mod file_ranges;
pub mod line_chunks;
pub mod parallel;
pub mod scan;
pub mod shared_stream;
pub mod sources;
