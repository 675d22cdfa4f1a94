//! From the bytes of logs, diaries and reports to summaries and findings. Opens no file and reads no clock.

pub mod classify;
pub mod dialect;
pub mod json;
pub mod level;
mod logfmt;
mod plain;
pub mod record;
pub mod summary;
