//! `--export FORMAT=PATH`: the result of a command as files for people and programs that come later, besides what goes
//! to standard output.
//!
//! A file is written twice: as "not finished" when the command starts, so that a killed job cannot show the result of
//! the job before, and with the result, or with the error that prevented one, when it ends.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Error, FailOn, Outcome};
use crate::finding::Status;
use crate::io::clock;
use crate::io::files::{self, FileError};
use crate::report::export::{self, Export};
use crate::report::view::View;
use crate::report::{Block, Doc, page, to_markdown};

/// The option, for every command that gives a verdict.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ExportArgs {
    /// Also write the result to this file, whatever the verdict; repeatable. FORMAT is html (the page for reviewers),
    /// junit, summary (Markdown for a CI job, added to the file), json, markdown, metrics (Prometheus), sarif or tap
    #[arg(long, value_name = "FORMAT=PATH", value_parser = target, help_heading = "Output")]
    export: Vec<Target>,
}

/// In which form a result is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The page for reviewers
    Html,
    /// JUnit XML: a test for each gate and each kind of finding
    Junit,
    /// Markdown for the summary of a CI job, added to what is in the file
    Summary,
    /// As `--format json`
    Json,
    /// As `--format markdown`
    Markdown,
    /// Text format of Prometheus
    Metrics,
    /// SARIF 2.1.0
    Sarif,
    /// TAP version 14: a test for each gate
    Tap,
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
        return Err("name a file behind the `=`; is a variable empty?".to_owned());
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
    /// The files that will be written.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.export.iter().map(|target| target.path.as_path())
    }

    /// Marks every export as not finished; `command` is the subcommand as it is typed.
    ///
    /// # Errors
    /// A path is given twice, or cannot be written.
    pub(crate) fn begin(&self, command: &'static str) -> Result<Exports, Error> {
        self.begin_outside(command, None)
    }

    /// [`Self::begin`] for a command that makes the directory `folder`, in which nothing may be yet.
    ///
    /// # Errors
    /// The same, and for a path in it.
    pub(crate) fn begin_outside(&self, command: &'static str, folder: Option<&Path>) -> Result<Exports, Error> {
        let exports = Exports { command, targets: self.export.clone() };
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        for (number, target) in exports.targets.iter().enumerate() {
            if exports.targets[..number].iter().any(|other| absolute(&other.path) == absolute(&target.path)) {
                let text = format!("--export: {} is named twice; give each export a file", target.path.display());
                return Err(Error::Usage(text));
            }
            target.check(folder)?;
        }
        let started = {
            let text = exports.unfinished_text("the command has not finished, or was killed");
            let mut replaced = exports.targets.iter().filter(|target| target.format != ExportFormat::Summary);
            replaced.try_for_each(|target| target.write(&text(target)))
        };
        if let Err(error) = started {
            let _ = exports.unfinished(&error.to_string());
            return Err(error.into());
        }
        Ok(exports)
    }
}

impl Exports {
    /// Writes the result, as the last act of a command. `fail_on` says what its exit code calls a failure; `page` makes
    /// the page for reviewers, given the path at which it will be.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn finish<T: Serialize>(
        &self,
        fail_on: FailOn,
        outcome: &Outcome<'_, T>,
        page: impl Fn(&Path) -> String,
    ) -> Result<(), Error> {
        let export = Export::new(outcome.view, fail_on.from());
        self.write(|target| match target.format {
            ExportFormat::Html => page(&target.path),
            ExportFormat::Json => files::json_text(outcome.json),
            ExportFormat::Markdown => to_markdown(outcome.doc),
            format => text(format, &export),
        })?;
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
            let _ = self.unfinished(&error.to_string());
        }
        result
    }

    /// Writes `why` there is no verdict.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(crate) fn unfinished(&self, why: &str) -> Result<(), FileError> {
        self.write(self.unfinished_text(why))
    }

    /// What each export says without a verdict.
    fn unfinished_text(&self, why: &str) -> impl Fn(&Target) -> String {
        let (command, why) = (self.command, why.to_owned());
        let now = clock::generated_at();
        move |target| {
            let view = View::unfinished(command, &why, now);
            match target.format {
                ExportFormat::Html => page::unfinished(command, &why),
                ExportFormat::Json => files::json_text(&NoVerdict::new(command, &why)),
                ExportFormat::Markdown => {
                    let mut doc = Doc::new(format!("emp-ops {command}: no verdict"));
                    doc.push(Block::Text(format!("Not finished: {why}.").into()));
                    to_markdown(&doc)
                }
                format => text(format, &Export::new(&view, None)),
            }
        }
    }

    /// Writes every export, those last that are added to what is there: nothing is wrong any more then.
    fn write(&self, text: impl Fn(&Target) -> String) -> Result<(), FileError> {
        let (added, replaced): (Vec<&Target>, _) =
            self.targets.iter().partition(|target| target.format == ExportFormat::Summary);
        replaced.into_iter().chain(added).try_for_each(|target| target.write(&text(target)))
    }
}

/// What may be a file among the words of the command line, but for the exports themselves.
fn others() -> Vec<PathBuf> {
    let mut words = std::env::args_os().skip(1).filter_map(|word| word.into_string().ok());
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            None if word == "--export" => drop(words.next()),
            Some(("--export", _)) => {}
            value => found.push(PathBuf::from(value.map_or(word.as_str(), |(_, value)| value))),
        }
    }
    found
}

/// The formats that are made of the verdict, its gates and its findings alone.
fn text(format: ExportFormat, export: &Export<'_>) -> String {
    match format {
        ExportFormat::Junit => export::junit(export),
        ExportFormat::Summary => export::summary(export),
        ExportFormat::Metrics => export::metrics(export),
        ExportFormat::Sarif => files::json_text(&export::sarif(export)),
        ExportFormat::Tap => export::tap(export),
        ExportFormat::Html | ExportFormat::Json | ExportFormat::Markdown => String::new(),
    }
}

/// The document of a command without a verdict; whoever reads only its status takes it for no PASS.
#[derive(Serialize)]
struct NoVerdict<'a> {
    schema: &'static str,
    status: Status,
    verdict: Status,
    finished: bool,
    command: &'a str,
    error: &'a str,
}

impl<'a> NoVerdict<'a> {
    fn new(command: &'a str, error: &'a str) -> Self {
        let status = Status::Fail;
        Self { schema: "emp-ops/no-verdict/v1", status, verdict: status, finished: false, command, error }
    }
}

impl Target {
    /// Whether it can be written, before any work, and nobody needs what it would replace.
    fn check(&self, folder: Option<&Path>) -> Result<(), Error> {
        let file = self.path.display();
        let absolute = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        if folder.is_some_and(|folder| absolute.starts_with(folder)) {
            let text =
                format!("--export: {file} is in the directory that the run will make; choose a place outside it");
            return Err(Error::Usage(text));
        }
        if others().iter().any(|other| files::is_same(other, &absolute)) {
            let text = format!("--export: {file} is named by another option or as an input too; choose another file");
            return Err(Error::Usage(text));
        }
        if let Some(packet) = files::packet_around(&self.path) {
            let packet = packet.display();
            let text = format!("--export: {file} would alter the sealed packet {packet}; choose a place outside it");
            return Err(Error::Usage(text));
        }
        match self.format {
            ExportFormat::Summary => files::append(&self.path, b"")?,
            _ => files::check_replaceable(&self.path)?,
        }
        Ok(())
    }

    fn write(&self, text: &str) -> Result<(), FileError> {
        match self.format {
            ExportFormat::Summary => files::append(&self.path, text.as_bytes()),
            _ => files::replace(&self.path, text.as_bytes()),
        }
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
