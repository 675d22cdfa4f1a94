//! From a line of any program to a record, and from the records of a file to what it says. Opens no file.

pub(crate) mod access;
pub(crate) mod ansi;
pub(crate) mod dialect;
pub mod excuse;
pub(crate) mod frame;
pub(crate) mod ignore;
mod json_level;
pub(crate) mod json_record;
pub(crate) mod key_cache;
pub mod layout;
pub(crate) mod level_after_date;
pub(crate) mod level_at_start;
pub(crate) mod logfmt;
mod outcome;
pub(crate) mod parse;
pub(crate) mod record;
pub mod scan;
pub mod summary;
pub(crate) mod text_record;
pub(crate) mod timestamp;
pub mod totals;
pub(crate) mod trace;
pub(crate) mod wrapped;
