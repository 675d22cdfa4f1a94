//! Plans and partials on disk, told apart by what they hold.

use std::io::Write as _;
use std::path::Path;

use crate::io::files::{self, FileError};
use crate::shards::partial::Partial;
use crate::shards::plan::Plan;

/// The largest plan or partial that is read.
const LIMIT: u64 = 1 << 30;
/// The largest partial that is written: the next one could not read many of more.
const MOST: usize = 64 << 20;

/// A plan with its id, or a partial.
pub(crate) enum Document {
    /// How logs are divided.
    Plan(Box<Plan>, String),
    /// What some shards come to.
    Partial(Box<Partial>),
}

/// Why a document is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DocumentError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is damaged, of another version, or something else.
    #[error("{0}")]
    Unfit(String),
}

/// Reads a plan or a partial.
///
/// # Errors
/// It cannot be read, or is neither.
pub(crate) fn load(path: &Path) -> Result<Document, DocumentError> {
    let bytes = files::read_within(path, LIMIT)?;
    let unfit = |why: String| DocumentError::Unfit(format!("{}: {why}", path.display()));
    if Partial::is_one(&bytes) {
        return Partial::read(&bytes).map(|partial| Document::Partial(Box::new(partial))).map_err(unfit);
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Plan::read(&bytes).map(|(plan, id)| Document::Plan(Box::new(plan), id)).map_err(unfit);
    }
    Err(unfit("this is neither a plan of shards nor a partial of an audit".to_owned()))
}

/// Writes a plan.
///
/// # Errors
/// It cannot be written.
pub(crate) fn write_plan(path: &Path, plan: &Plan) -> Result<(), FileError> {
    files::replace_with(path, |file| {
        serde_json::to_writer(&mut *file, plan)?;
        file.write_all(b"\n")
    })
}

/// Writes a partial to a file, or to standard output for `-`.
///
/// # Errors
/// It cannot be written, or is too large to be merged with others.
pub(crate) fn write_partial(path: &Path, mut partial: Partial) -> Result<(), FileError> {
    let fail = |source| FileError::new("write", path, source);
    let bytes = partial.write().map_err(fail)?;
    if bytes.len() > MOST {
        let why = format!(
            "it has {} MiB, and at most {} MiB can be merged: list fewer findings with --max-listed when \
                           planning, or plan smaller shards",
            bytes.len() >> 20,
            MOST >> 20
        );
        return Err(fail(std::io::Error::other(why)));
    }
    if path.as_os_str() == "-" {
        let mut out = std::io::stdout().lock();
        return out.write_all(&bytes).and_then(|()| out.flush()).map_err(fail);
    }
    files::create_dir(files::folder_of(path))?;
    files::replace_many_with(path, |file| file.write_all(&bytes))
}
