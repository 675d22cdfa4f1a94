//! One file per subcommand, named as it is typed: its arguments and one function that glues the rooms below.
//! A command never uses another command; what they share is here.

pub(crate) mod audit;
pub(crate) mod backlog;
pub(crate) mod config;
pub(crate) mod drills;
pub(crate) mod export;
pub(crate) mod final_dry_run;
pub(crate) mod guards;
pub(crate) mod limits;
pub(crate) mod notify;
pub(crate) mod offline_qa;
mod page;
pub(crate) mod shell;
pub(crate) mod signing;
pub(crate) mod simulate;
pub(crate) mod stage_alerts;
pub(crate) mod stage_smoke;
pub(crate) mod watch;
pub(crate) mod workloads;
pub(crate) mod wrap_up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::finding::{Metadata, Status, Waiver};
use crate::io::files::{self, FileError};
use crate::io::inputs::InputError;
use crate::io::tty::terminal::{self, ColorChoice};
use crate::json::lenient;
use crate::report::export::Export;
use crate::report::view::View;
use crate::report::{self, Doc, Look};
use crate::sanitize;
use crate::time::{self, Stamp};
use crate::verdict::policy;

/// The verdict was accepted.
pub(crate) const ACCEPTED: u8 = 0;
/// The verdict was not accepted: FAIL, or WARN under `--fail-on warn`.
pub(crate) const NOT_ACCEPTED: u8 = 1;
/// The command line or the policy is wrong; nothing was done.
pub(crate) const USAGE: u8 = 2;
/// No verdict could be formed: I/O, spawn or network failure.
pub(crate) const NO_VERDICT: u8 = 3;

/// Options that every subcommand takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Common {
    /// What goes to standard output
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
    /// Also write the evidence pack (<name>.json and <name>.md) into this directory
    #[arg(short, long, value_name = "DIR", global = true)]
    pub out: Option<PathBuf>,
    /// Which verdicts exit with code 1
    #[arg(long, value_enum, default_value_t, global = true)]
    pub fail_on: FailOn,
    /// When to colour the text output
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    pub color: ColorChoice,
    /// Say less on standard error
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Take settings from this file [default: emp-ops.toml in the working directory or the nearest one above it]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Let the tables under [profile.NAME] of the configuration win over the others
    #[arg(long, value_name = "NAME", global = true, help_heading = "Configuration")]
    pub profile: Option<String>,
    /// Use no emp-ops.toml
    #[arg(long, global = true, help_heading = "Configuration", conflicts_with_all = ["config", "profile"])]
    pub no_config: bool,
    /// What the configuration and the environment say.
    #[arg(skip)]
    pub settings: config::Config,
}

/// What goes to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables for people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// Markdown for reports
    Markdown,
    /// Rows for trackers and spreadsheets (backlog only)
    Csv,
    /// Annotations of a GitHub Actions job
    Github,
}

/// Which verdicts are not accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// FAIL only
    #[default]
    Fail,
    /// WARN and FAIL
    Warn,
    /// None: the exit code is 0 whatever the verdict
    Never,
}

impl FailOn {
    /// The lowest verdict that is not accepted, if there is any.
    pub(crate) fn from(self) -> Option<Status> {
        match self {
            Self::Fail => Some(Status::Fail),
            Self::Warn => Some(Status::Warn),
            Self::Never => None,
        }
    }

    /// The exit code of a verdict.
    pub(crate) fn code(self, status: Status) -> u8 {
        if self.from().is_some_and(|from| status >= from) { NOT_ACCEPTED } else { ACCEPTED }
    }
}

/// A severity that can be chosen for a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SeverityArg {
    /// Somebody should look
    Warn,
    /// Not acceptable
    Fail,
}

impl From<SeverityArg> for Status {
    fn from(severity: SeverityArg) -> Self {
        match severity {
            SeverityArg::Warn => Self::Warn,
            SeverityArg::Fail => Self::Fail,
        }
    }
}

/// Why a command ended without a verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line or a policy file is wrong: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something outside failed: exit code 3.
    #[error("{0}")]
    NoVerdict(String),
    /// A file could not be used: exit code 3.
    #[error(transparent)]
    File(#[from] FileError),
    /// Standard output could not be written: exit code 3.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] std::io::Error),
    /// A signal ended the command before a verdict: exit code 128 + the signal.
    #[error("interrupted by signal {0}")]
    Interrupted(u8),
}

impl From<InputError> for Error {
    fn from(error: InputError) -> Self {
        match error {
            InputError::File(error) => Self::File(error),
            error => Self::NoVerdict(error.to_string()),
        }
    }
}

impl Error {
    /// The exit code that tells callers of this.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::NoVerdict(_) | Self::File(_) | Self::Output(_) => NO_VERDICT,
            Self::Interrupted(signal) => 128 + signal,
        }
    }
}

/// What a command found: the same result for machines (`json`) and for people (`doc`).
pub(crate) struct Outcome<'a, T> {
    /// The base name of the files under `--out`: the subcommand's name with underscores.
    pub name: &'a str,
    /// What exports draw on; its verdict decides the exit code.
    pub view: &'a View<'a>,
    /// The result for machines.
    pub json: &'a T,
    /// The result for people.
    pub doc: &'a Doc,
}

impl Common {
    /// What standard output can show.
    pub(crate) fn look(&self) -> Look {
        Look { width: terminal::width(), color: terminal::colored(self.color) }
    }

    /// Writes the pack under `--out`, prints the result in the chosen format, and gives the exit code.
    ///
    /// # Errors
    /// The pack or standard output cannot be written.
    pub(crate) fn emit<T: Serialize>(&self, outcome: &Outcome<'_, T>) -> Result<ExitCode, Error> {
        self.emit_short(outcome, outcome.doc)
    }

    /// [`Common::emit`] with `screen` in the place of the whole document where people read it on a terminal.
    ///
    /// # Errors
    /// The same.
    pub(crate) fn emit_short<T: Serialize>(&self, outcome: &Outcome<'_, T>, screen: &Doc) -> Result<ExitCode, Error> {
        self.pack(outcome.name, outcome.json, outcome.doc)?;
        terminal::print(&match self.format {
            Format::Text => report::to_text(screen, self.look()),
            Format::Json => files::json_text(outcome.json),
            Format::Markdown => report::to_markdown(outcome.doc),
            Format::Github => report::export::github(&Export::new(outcome.view, self.fail_on.from())),
            Format::Csv => return Err(Error::Usage(NO_CSV.to_owned())),
        })?;
        Ok(self.fail_on.code(outcome.view.status).into())
    }

    /// Writes the pack under `--out`, where that was asked for: `<name>.json` and `<name>.md`.
    ///
    /// # Errors
    /// The pack cannot be written.
    pub(crate) fn pack(&self, name: &str, json: &impl Serialize, doc: &Doc) -> Result<(), Error> {
        if let Some(folder) = &self.out {
            files::create_dir(folder)?;
            files::replace_json(&folder.join(format!("{name}.json")), json)?;
            files::replace(&folder.join(format!("{name}.md")), report::to_markdown(doc).as_bytes())?;
        }
        Ok(())
    }

    /// Says something on standard error, unless `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            terminal::note(text);
        }
    }
}

/// Only lists of items have a form in rows.
pub(crate) const NO_CSV: &str = "--format csv is for `backlog`; choose text, json or markdown";

/// Who only watches gives no verdict of its own.
pub(crate) const NO_GITHUB: &str = "--format github is for commands that give a verdict; once the run is complete, use \
                                    `audit RUN --format github`";

/// clap parser for an instant: `2025-01-15`, `2025-01-15T12:00:00Z`.
///
/// # Errors
/// Not an ISO 8601 time.
pub(crate) fn stamp(text: &str) -> Result<Stamp, String> {
    Stamp::parse(text).ok_or_else(|| "write a time such as 2025-01-15 or 2025-01-15T12:00:00Z".to_owned())
}

/// clap parser for a duration with units.
///
/// # Errors
/// As [`time::parse_duration`].
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    time::parse_duration(text)
}

/// clap parser for a duration longer than zero.
///
/// # Errors
/// As [`time::parse_duration`], and for zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match time::parse_duration(text)? {
        Duration::ZERO => Err("this must be longer than zero, such as 30s".to_owned()),
        length => Ok(length),
    }
}

/// clap parser for a ratio from 0 to 1: `0.98` or `98%`.
///
/// # Errors
/// Not a number, or out of range.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    const HINT: &str = "write a ratio from 0 to 1 such as 0.98, or a percentage such as 98%";
    let text = text.trim();
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.parse(),
    };
    match value {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        Ok(_) => Err(format!("this is out of range; {HINT}")),
        Err(_) => Err(format!("this is not a ratio; {HINT}")),
    }
}

/// clap parser for a finite number.
///
/// # Errors
/// Not a number, infinite or NaN.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("write a number such as 1.2".to_owned()),
    }
}

/// clap parser for a size in bytes with its unit: `512MiB`, `2GB`, `1048576B`.
///
/// # Errors
/// Not a size, without a unit, or zero.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const HINT: &str = "write a size with its unit, such as 512MiB, 2GB or 1048576B";
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let Ok(value) = number.parse::<f64>() else { return Err(format!("this is not a size; {HINT}")) };
    let scale = match unit.trim().to_ascii_lowercase().as_str() {
        "" => return Err(format!("the unit is missing; {HINT}")),
        "b" => 1.0,
        "kib" | "k" => 1024.0,
        "mib" | "m" => 1024.0 * 1024.0,
        "gib" | "g" => 1024.0 * 1024.0 * 1024.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        other => return Err(format!("`{other}` is not a unit of size; {HINT}")),
    };
    match (value * scale).round() {
        bytes if (1.0..=1e18).contains(&bytes) => Ok(bytes as u64),
        _ => Err(format!("this size is out of range; {HINT}")),
    }
}

/// clap parser for `KEY=VALUE`.
///
/// # Errors
/// There is no `=`, or nothing before it.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".to_owned()),
    }
}

/// `--metadata` values as they go into documents.
pub(crate) fn metadata(pairs: &[(String, String)]) -> Metadata {
    pairs.iter().map(|(key, value)| (key.clone(), value.as_str().into())).collect()
}

/// The remarks of `--note` and `--notes-file`, one to a line, without blank ones.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn notes(given: &[String], paths: &[PathBuf]) -> Result<Vec<String>, Error> {
    let mut notes = given.to_vec();
    for path in paths {
        let text = files::read(path)?;
        notes.push(lenient::text(&text).into_owned());
    }
    let lines = notes.iter().flat_map(|note| sanitize::lines(note));
    Ok(lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// The waivers of a file.
///
/// # Errors
/// It cannot be read, or is none; the message shows the place.
pub(crate) fn waivers(path: &Path) -> Result<Vec<Waiver>, Error> {
    let shown = path.display().to_string();
    let bytes = files::read(path).map_err(|error| Error::Usage(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| Error::Usage(format!("{shown} is not UTF-8 text; write TOML")))?;
    policy::parse_waivers(&shown, &text).map_err(Error::Usage)
}

/// clap parser for `[NAME=]PATH`.
pub(crate) fn component(text: &str) -> Result<(Option<String>, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.contains('/') => match (name.trim(), path) {
            ("", _) | (_, "") => Err("write NAME=PATH, or a path".to_owned()),
            (name, path) => Ok((Some(name.to_owned()), path.into())),
        },
        _ if text.is_empty() => Err("write NAME=PATH, or a path".to_owned()),
        _ => Ok((None, text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_and_sizes_are_read_with_range_checks() {
        assert_eq!(ratio("98%"), Ok(0.98));
        assert_eq!(ratio("0.5"), Ok(0.5));
        for bad in ["98", "-1", "nan", "inf", "x%", "101%"] {
            assert!(ratio(bad).expect_err(bad).contains("98%"));
        }
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("1048576B"), Ok(1 << 20));
        for bad in ["0B", "-1B", "5 apples", "nan", "", "512"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
