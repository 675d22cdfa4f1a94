//! The inputs of `backlog` and `wrap-up`: run directories, JSON documents and Markdown reports, told apart by what
//! they hold.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{self, FileError};
use crate::json::lenient;

/// One input.
#[derive(Clone, Debug)]
pub enum Input {
    /// A JSON document; that of a run directory is its summary bundle, with the review that stands beside it.
    Document {
        /// The file that was read.
        path: PathBuf,
        /// What it holds.
        value: Value,
    },
    /// A status report in Markdown.
    Report {
        /// The file that was read.
        path: PathBuf,
        /// Its text.
        text: String,
    },
    /// A run directory without a summary, with the run record where there is one.
    UnfinishedRun {
        /// The run directory.
        path: PathBuf,
        /// The run record.
        record: Option<Value>,
    },
}

/// An input could not be used.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// It could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not what its name promises.
    #[error("cannot read {} as JSON: {source}; repair it, or leave it out", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why it is wrong.
        source: serde_json::Error,
    },
    /// The directory is not one of a run.
    #[error("{} is not a run directory: it has no summary.json, run.json or logs; name a file, or a run directory", .0.display())]
    NotARun(PathBuf),
}

/// Reads one input.
///
/// # Errors
/// It cannot be read, is a broken JSON document, or a directory of something else.
pub fn read(path: &Path) -> Result<Input, InputError> {
    if path.is_dir() {
        return read_run(path);
    }
    let bytes = files::read(path)?;
    let text = lenient::text(&bytes);
    let named = |extensions: &[&str]| {
        path.extension().is_some_and(|found| extensions.iter().any(|e| found.eq_ignore_ascii_case(e)))
    };
    if named(&["md", "markdown"]) {
        return Ok(Input::Report { path: path.to_owned(), text: text.into_owned() });
    }
    match lenient::parse(&text) {
        Ok(value) => Ok(Input::Document { path: path.to_owned(), value }),
        Err(source) if named(&["json"]) || text.trim_start().starts_with('{') => {
            Err(InputError::Json { path: path.to_owned(), source })
        }
        Err(_) => Ok(Input::Report { path: path.to_owned(), text: text.into_owned() }),
    }
}

/// Reads a JSON document.
///
/// # Errors
/// It cannot be read, or is not JSON.
pub fn read_json(path: &Path) -> Result<Value, InputError> {
    let bytes = files::read(path)?;
    lenient::parse(&lenient::text(&bytes)).map_err(|source| InputError::Json { path: path.to_owned(), source })
}

fn read_run(folder: &Path) -> Result<Input, InputError> {
    // A packet holds the summary under another name.
    for name in ["summary.json", "dry_run_summary.json"] {
        let path = folder.join(name);
        if path.is_file() {
            let mut value = read_json(&path)?;
            let review = folder.join("review.json");
            if let Some(object) = value.as_object_mut()
                && !object.contains_key("review")
                && review.is_file()
            {
                object.insert("review".to_owned(), read_json(&review)?);
            }
            return Ok(Input::Document { path, value });
        }
    }
    let record = folder.join("run.json");
    if record.is_file() {
        return Ok(Input::UnfinishedRun { path: folder.to_owned(), record: Some(read_json(&record)?) });
    }
    if folder.join("progress.json").is_file() || folder.join("logs").is_dir() {
        return Ok(Input::UnfinishedRun { path: folder.to_owned(), record: None });
    }
    Err(InputError::NotARun(folder.to_owned()))
}
