//! Several workloads: the file that names them, and the plan that comes of it.

pub(in crate::command) mod checks;
pub(in crate::command) mod keys;
mod plan;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::Error;
use crate::io::files;
use crate::json::lenient;

pub(crate) use plan::{Terms, Workloads, program};
pub(crate) use read::Asked;

/// Reads the file of `--workloads`.
///
/// # Errors
/// It cannot be read, or something in it is unknown or impossible.
pub(crate) fn load(path: &Path) -> Result<Asked, Error> {
    let bytes = files::read_within(path, files::REPORT_LIMIT).map_err(|error| Error::Usage(error.to_string()))?;
    let content = lenient::text(&bytes);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let shown = path.display().to_string();
    let is = |endings: &[&str]| endings.iter().any(|ending| name.to_lowercase().ends_with(ending));
    if is(&[".yml", ".yaml"]) {
        return Err(Error::Usage(format!("{shown}: this is YAML, which is not read{}", read::COMPOSE)));
    }
    let asked = match name.starts_with("Procfile") || is(&["procfile"]) {
        true => read::procfile(&shown, &content),
        false => read::read(&shown, &content, path.parent().unwrap_or(Path::new(""))),
    };
    asked.map_err(Error::Usage)
}

/// Reads the `[[workload]]` tables of a configuration; none if it has none.
///
/// # Errors
/// As [`load`].
pub(crate) fn of_config(source: &str, content: &str, folder: &Path) -> Result<Option<Asked>, Error> {
    read::of_config(source, content, folder).map_err(Error::Usage)
}
