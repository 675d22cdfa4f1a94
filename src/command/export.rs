//! `--export FORMAT=PATH`: the result of a command as files for people and programs that come later, besides what goes
//! to standard output.
//!
//! A file is written twice: as "not finished" when the command starts, so that a killed job cannot show the result of
//! the job before, and with the result, or with the error that prevented one, when it ends.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Error, Outcome};
use crate::io::files::{self, FileError};
use crate::report::page;
use crate::report::view::View;

/// The option, for every command that gives a verdict.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ExportArgs {
    /// Also write the result to this file, whatever the verdict; html is the page for reviewers; repeatable
    #[arg(long, value_name = "FORMAT=PATH", value_parser = target, help_heading = "Output")]
    export: Vec<Target>,
}

/// In which form a result is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The page for reviewers
    Html,
}

/// One export that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    format: ExportFormat,
    path: PathBuf,
}

/// clap parser for `FORMAT=PATH`.
///
/// # Errors
/// The format is none of ours, or there is no path.
fn target(text: &str) -> Result<Target, String> {
    let formats: Vec<String> = ExportFormat::value_variants()
        .iter()
        .filter_map(|f| Some(f.to_possible_value()?.get_name().to_owned()))
        .collect();
    let known = || format!("the formats are {}", formats.join(", "));
    let (format, path) = text.split_once('=').ok_or_else(|| format!("write FORMAT=PATH; {}", known()))?;
    let format = ExportFormat::from_str(format, true).map_err(|_| format!("{format:?} is no format; {}", known()))?;
    if path.is_empty() {
        return Err("name a file behind the `=`".to_owned());
    }
    Ok(Target { format, path: path.into() })
}

/// The exports of a running command.
#[derive(Debug)]
pub(crate) struct Exports {
    command: &'static str,
    targets: Vec<Target>,
}

impl ExportArgs {
    /// Marks every export as not finished; `command` is the subcommand as it is typed.
    ///
    /// # Errors
    /// A path is given twice, or cannot be written.
    pub(crate) fn begin(&self, command: &'static str) -> Result<Exports, Error> {
        let exports = Exports { command, targets: self.export.clone() };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for (number, target) in exports.targets.iter().enumerate() {
            if exports.targets[..number].iter().any(|other| absolute(&other.path) == absolute(&target.path)) {
                let text = format!("--export: {} is named twice; give each export a file", target.path.display());
                return Err(Error::Usage(text));
            }
        }
        exports.write_unfinished("the command has not finished, or was killed")?;
        Ok(exports)
    }
}

impl Exports {
    /// Writes the result. `page` makes the page for reviewers, given the path at which it will be.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn finish<T: Serialize>(
        &self,
        _outcome: &Outcome<'_, T>,
        _view: &View<'_>,
        page: impl Fn(&Path) -> String,
    ) -> Result<(), Error> {
        for target in &self.targets {
            let text = match target.format {
                ExportFormat::Html => page(&target.path),
            };
            target.write(&text)?;
        }
        Ok(())
    }

    /// Runs the command; where it gives no verdict, the exports say why.
    ///
    /// # Errors
    /// Those of the command.
    pub(crate) fn around(self, run: impl FnOnce(&Self) -> Result<ExitCode, Error>) -> Result<ExitCode, Error> {
        let result = run(&self);
        if let Err(error) = &result {
            // The error of the command is the one to tell, even where this fails too.
            let _ = self.write_unfinished(&error.to_string());
        }
        result
    }

    /// Writes what is known without a verdict: `why` there is none.
    fn write_unfinished(&self, why: &str) -> Result<(), FileError> {
        self.targets.iter().try_for_each(|target| {
            target.write(&match target.format {
                ExportFormat::Html => page::unfinished(self.command, why),
            })
        })
    }
}

impl Target {
    fn write(&self, text: &str) -> Result<(), FileError> {
        if let Some(parent) = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::create_dir(parent)?;
        }
        files::replace(&self.path, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_names_a_format_and_a_file() {
        assert_eq!(target("html=a=b.html"), Ok(Target { format: ExportFormat::Html, path: "a=b.html".into() }));
        for (text, says) in [("html", "FORMAT=PATH"), ("pdf=x", "formats are html"), ("html=", "name a file")] {
            assert!(target(text).unwrap_err().contains(says), "{text}");
        }
    }
}
