//! `emp-ops backlog`: one queue of follow-ups.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::export::{ExportArgs, Exports};
use super::{Common, Error, Format, Outcome, positive_duration};
use crate::finding::Status;
use crate::io::inputs::{self, Input};
use crate::io::tty::terminal;
use crate::io::{clock, files};
use crate::report;
use crate::status_report::Report;
use crate::time::Stamp;
use crate::verdict::backlog::{self, Gathered, Options};

/// Make one queue of follow-ups from evidence and status reports
#[derive(Clone, Debug, Args)]
#[command(after_help = "Try it: emp-ops backlog runs/r1 status.md --previous backlog.json")]
pub(crate) struct Backlog {
    /// A run directory, a summary, sign-off or review JSON, an earlier backlog, or a status report in Markdown
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// List items from this severity up
    #[arg(long, value_enum, default_value_t)]
    min_severity: MinSeverity,
    /// What the backlog is called
    #[arg(long, value_name = "TEXT", default_value = "Backlog")]
    title: String,
    /// An earlier backlog: say what is new, carried over and closed since
    #[arg(long, value_name = "backlog.json")]
    previous: Option<PathBuf>,
    /// Items that are open for longer than this FAIL
    #[arg(long, value_name = "D", value_parser = positive_duration)]
    max_age: Option<Duration>,
    /// Rewrite the block between `<!-- emp-ops:begin -->` and `<!-- emp-ops:end -->` of this file
    #[arg(long, value_name = "FILE.md")]
    update: Option<PathBuf>,
    /// Judge due dates and ages as of this time, such as 2025-01-15 [default: now]
    #[arg(long, value_name = "TIME", value_parser = super::stamp)]
    as_of: Option<Stamp>,
    #[command(flatten)]
    pub export: ExportArgs,
}

/// The lowest severity that is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MinSeverity {
    /// Everything, also what is done
    Pass,
    /// What needs work
    #[default]
    Warn,
    /// What is not acceptable
    Fail,
}

/// Reads the inputs, makes the backlog, and says what to do.
///
/// # Errors
/// An input cannot be read, the file to update has no block, or an output cannot be written.
pub(crate) fn run(common: &Common, args: &Backlog, exports: &Exports) -> Result<ExitCode, Error> {
    let generated_at = clock::generated_at();
    let options = Options {
        title: args.title.clone(),
        generated_at,
        as_of: args.as_of.unwrap_or(generated_at),
        min_severity: match args.min_severity {
            MinSeverity::Pass => Status::Pass,
            MinSeverity::Warn => Status::Warn,
            MinSeverity::Fail => Status::Fail,
        },
        max_age: args.max_age,
    };
    let mut gathered = Gathered::default();
    for path in &args.inputs {
        match inputs::read(path)? {
            Input::Document { path, value, last } => {
                gathered.document(&value, &path.to_string_lossy(), options.as_of);
                gathered.of_another_run(&value, last.as_ref(), &path.to_string_lossy());
            }
            Input::Report { path, text } => {
                gathered.report(&Report::read(&text), &path.to_string_lossy(), options.as_of);
            }
            Input::UnfinishedRun { path, record } => gathered.unfinished_run(record.as_ref(), &path.to_string_lossy()),
        }
    }
    let previous = args.previous.as_deref().map(inputs::read_json).transpose()?;
    if let (Some(path), Some(value)) = (&args.previous, &previous)
        && !(value.is_array() || value.get("items").is_some_and(serde_json::Value::is_array))
    {
        let why = "is no backlog: it holds no list of items; name the backlog.json of an earlier run";
        return Err(Error::Usage(format!("--previous: {} {why}", path.display())));
    }
    let result = backlog::build(gathered, previous.as_ref(), &options);
    let document = report::backlog::document(&result);
    if let Some(path) = &args.update {
        // A link stays a link: what it points to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let before = files::read(&path)?;
        let after = report::managed_block::replace(&before, &report::to_markdown(&document))
            .map_err(|why| Error::Usage(format!("cannot update {}: {why}", path.display())))?;
        if after != before {
            files::replace(&path, &after)?;
        }
    }
    let view = report::backlog::view(&result);
    let outcome = Outcome { name: "backlog", view: &view, json: &result, doc: &document };
    let code = if common.format == Format::Csv {
        common.pack(outcome.name, outcome.json, outcome.doc)?;
        terminal::print(&report::backlog::csv(&result))?;
        common.fail_on.code(result.status).into()
    } else {
        common.emit_short(&outcome, &report::backlog::screen(&result))?
    };
    exports.finish(common.fail_on, &outcome, |_| report::page::backlog(&document, &result))?;
    Ok(code)
}
