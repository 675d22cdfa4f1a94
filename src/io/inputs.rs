//! The inputs of `backlog` and `wrap-up`: run directories, JSON documents and Markdown reports, told apart by what
//! they hold.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{self, FileError, Folder, Kind};
use crate::json::lenient;

/// One input.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A JSON document; that of a run directory is its summary bundle, with the review that is beside it.
    Document {
        /// The file that was read.
        path: PathBuf,
        /// What it holds.
        value: Value,
        /// Of a run directory or packet: the last snapshot of the run.
        last: Option<Value>,
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
pub(crate) enum InputError {
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
pub(crate) fn read(path: &Path) -> Result<Input, InputError> {
    if path.is_dir() {
        return read_run(path);
    }
    let bytes = files::read_within(path, files::FIGURES_LIMIT)?;
    let text = lenient::text(&bytes);
    let report = || {
        if bytes.len() as u64 > files::REPORT_LIMIT {
            let text =
                format!("it is larger than {} MiB, the most that is read of a report", files::REPORT_LIMIT >> 20);
            return Err(FileError::new("read", path, std::io::Error::other(text)).into());
        }
        Ok(Input::Report { path: path.to_owned(), text: text.clone().into_owned() })
    };
    let named = |extensions: &[&str]| {
        path.extension().is_some_and(|found| extensions.iter().any(|e| found.eq_ignore_ascii_case(e)))
    };
    if named(&["md", "markdown"]) {
        return report();
    }
    match lenient::parse_within(&text, lenient::BUDGET) {
        Ok(value) => Ok(Input::Document { path: path.to_owned(), value, last: None }),
        Err(source) if named(&["json"]) || text.trim_start().starts_with('{') => {
            Err(InputError::Json { path: path.to_owned(), source })
        }
        Err(_) => report(),
    }
}

/// Reads a JSON document.
///
/// # Errors
/// It cannot be read, or is not JSON.
pub(crate) fn read_json(path: &Path) -> Result<Value, InputError> {
    parse(path, &files::read_within(path, files::FIGURES_LIMIT)?)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Value, InputError> {
    lenient::parse_within(&lenient::text(bytes), lenient::BUDGET)
        .map_err(|source| InputError::Json { path: path.to_owned(), source })
}

fn read_run(path: &Path) -> Result<Input, InputError> {
    let folder = Folder::of_evidence(path)?;
    // Whatever has the name is meant to be the document; what is no regular file cannot be read.
    let has = |name: &str| folder.kind(name).is_some();
    let read_json = |name: &str| parse(&path.join(name), &folder.read(name)?);
    // A packet holds the summary under another name.
    for name in ["summary.json", "dry_run_summary.json"] {
        if has(name) {
            let mut value = read_json(name)?;
            if let Some(object) = value.as_object_mut()
                && !object.contains_key("review")
                && has("review.json")
            {
                object.insert("review".to_owned(), read_json("review.json")?);
            }
            let last = ["progress.json", "raw/progress.json"].into_iter().find(|name| has(name)).map(read_json);
            return Ok(Input::Document { path: path.join(name), value, last: last.transpose()? });
        }
    }
    let path = path.to_owned();
    if has("run.json") {
        return Ok(Input::UnfinishedRun { path, record: Some(read_json("run.json")?) });
    }
    if has("progress.json") || folder.kind("logs") == Some(Kind::Folder) {
        return Ok(Input::UnfinishedRun { path, record: None });
    }
    Err(InputError::NotARun(path))
}
