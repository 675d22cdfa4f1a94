//! From the bytes of logs, diaries and reports to summaries and findings. Opens no file and reads no clock.

mod block;
pub mod checksums;
pub mod classify;
pub mod conclude;
pub mod counts;
pub mod coverage;
pub mod dialect;
pub mod diary;
pub mod document;
pub mod faults;
mod fields;
pub mod groups;
pub mod histogram;
pub mod json;
pub mod level;
pub mod listing;
mod logfmt;
pub mod outcome;
pub mod part;
pub mod performance;
mod plain;
pub mod plan;
pub mod record;
pub mod signature;
pub mod summary;
pub mod tally;
mod traces;
