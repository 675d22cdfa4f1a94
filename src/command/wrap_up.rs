//! `emp-ops wrap-up`: minutes for the meeting.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::export::{ExportArgs, Exports};
use super::{Common, Error, Outcome, duration};
use crate::io::inputs::{self, Input};
use crate::io::{clock, files};
use crate::report;
use crate::status_report::Report;
use crate::verdict::wrap_up::{self, Options, Required};

/// Write the minutes of a rehearsal: verdict, incidents, decisions, who does what by when
#[derive(Clone, Debug, Args)]
#[command(after_help = "Try it: emp-ops wrap-up runs/r1 status.md --attendee 'release manager'")]
pub(crate) struct WrapUp {
    /// A run directory, or a summary
    input: PathBuf,
    /// Status reports in Markdown to merge
    #[arg(value_name = "REPORT.md")]
    reports: Vec<PathBuf>,
    /// Shorter runs FAIL; `none` for no minimum [default: that of the run's sign-off, else 72h]
    #[arg(long, value_name = "D|none", value_parser = required, alias = "required-duration")]
    min_duration: Option<Required>,
    /// How much less is still enough [default: 1 % of the minimum, at most 5m]
    #[arg(long, value_name = "D", value_parser = duration, hide = true)]
    duration_tolerance: Option<Duration>,
    /// Count a WARN as a FAIL
    #[arg(long)]
    warn_as_fail: bool,
    /// Leave the list of follow-ups out
    #[arg(long)]
    no_backlog: bool,
    /// Write wrap_up.json only
    #[arg(long)]
    no_minutes: bool,
    /// Who decides; repeatable
    #[arg(long, value_name = "NAME")]
    attendee: Vec<String>,
    /// A remark; repeatable
    #[arg(long, value_name = "TEXT")]
    note: Vec<String>,
    /// Remarks, one to a line; repeatable
    #[arg(long, value_name = "PATH")]
    notes_file: Vec<PathBuf>,
    #[command(flatten)]
    pub export: ExportArgs,
}

/// clap parser for a required duration.
fn required(text: &str) -> Result<Required, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Required::Nothing);
    }
    match duration(text).map_err(|why| format!("{why}, or `none`"))? {
        Duration::ZERO => Ok(Required::Nothing),
        length => Ok(Required::AtLeast(length)),
    }
}

/// Reads the run and the reports and writes the minutes.
///
/// # Errors
/// An input cannot be read, a report is no Markdown, or an output cannot be written.
pub(crate) fn run(common: &Common, args: &WrapUp, exports: &Exports) -> Result<ExitCode, Error> {
    let input = inputs::read(&args.input)?;
    let mut reports = Vec::with_capacity(args.reports.len());
    for path in &args.reports {
        match inputs::read(path)? {
            Input::Report { path, text } => reports.push((path.to_string_lossy().into_owned(), Report::read(&text))),
            _ => {
                let why = "is no status report in Markdown; only the first input is a run";
                return Err(Error::Usage(format!("{} {why}", path.display())));
            }
        }
    }
    let options = Options {
        required: args.min_duration.unwrap_or_default(),
        tolerance: args.duration_tolerance,
        warn_as_fail: args.warn_as_fail,
        backlog: !args.no_backlog,
        attendees: args.attendee.clone(),
        notes: super::notes(&args.note, &args.notes_file)?,
        ..Options::new(clock::generated_at())
    };
    let (result, beside) = match &input {
        Input::Document { path, value, last } => {
            let result = wrap_up::from_run(value, last.as_ref(), &path.to_string_lossy(), &reports, &options);
            (result, parent(path))
        }
        Input::UnfinishedRun { path, record } => {
            let result = wrap_up::from_unfinished(record.as_ref(), &path.to_string_lossy(), &reports, &options);
            (result, path.clone())
        }
        Input::Report { path, .. } => {
            let why = "is no run directory or summary; status reports come after it";
            return Err(Error::Usage(format!("{} {why}", path.display())));
        }
    };
    let minutes = report::wrap_up::minutes(&result);
    let view = report::wrap_up::view(&result);
    let outcome = Outcome { name: "wrap_up", view: &view, json: &result, doc: &minutes };
    let folder = common.out.clone().unwrap_or(beside);
    files::create_dir(&folder)?;
    files::replace_json(&folder.join("wrap_up.json"), &result)?;
    if !args.no_minutes {
        files::replace(&folder.join("wrap_up.md"), report::to_markdown(&minutes).as_bytes())?;
    }
    let names = if args.no_minutes { "wrap_up.json" } else { "wrap_up.json and wrap_up.md" };
    common.note(&format!("{}; {names} are in {}", report::wrap_up::tally(&result), folder.display()));
    // The files are written already.
    let code = Common { out: None, ..common.clone() }.emit(&outcome)?;
    exports.finish(common.fail_on, &outcome, |_| report::page::wrap_up(&minutes, &result))?;
    Ok(code)
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
