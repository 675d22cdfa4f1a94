//! From a line of any program to a record, and from the records of a file to what it says. Opens no file.

pub mod access;
pub mod ansi;
pub(crate) mod dialect;
pub mod excuse;
pub mod frame;
pub mod ignore;
mod json_level;
pub(crate) mod json_record;
pub mod key_cache;
pub mod layout;
pub(crate) mod level_after_date;
pub mod level_at_start;
pub mod logfmt;
mod outcome;
pub mod parse;
pub mod record;
pub mod scan;
pub mod summary;
pub(crate) mod text_record;
pub(crate) mod timestamp;
pub mod totals;
pub mod trace;
pub(crate) mod wrapped;
