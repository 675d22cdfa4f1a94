//! From the bytes of logs, diaries and reports to summaries and findings. Opens no file and reads no clock.

pub mod checksums;
pub mod classify;
pub mod counts;
pub mod dialect;
pub mod diary;
pub mod document;
pub mod histogram;
pub mod json;
pub mod level;
mod logfmt;
pub mod outcome;
pub mod performance;
mod plain;
pub mod plan;
pub mod record;
pub mod signature;
pub mod summary;
