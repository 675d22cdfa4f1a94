//! From a line of any program to a record, and from the records of a file to what it says. Opens no file.

pub mod ansi;
pub mod crash;
pub mod dialect;
pub mod frame;
pub mod ignore;
mod json_level;
pub mod json_record;
pub mod key_cache;
pub mod layout;
pub mod leading;
pub mod level;
pub mod level_in_text;
pub mod logfmt;
pub mod record;
pub mod scan;
pub mod summary;
pub mod text_record;
pub(crate) mod timestamp;
pub mod totals;
pub mod wrapped;
