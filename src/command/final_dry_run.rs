//! `emp-ops final-dry-run`: supervise a rehearsal, keep its evidence, judge it.

mod args;
mod beside;
mod check;
mod components;
mod console;
mod details;
mod planning;
mod prepare;
mod scale;
mod seal;
mod several;
mod verdict;

use std::process::ExitCode;

use super::export::Exports;
use super::{Common, Error};
use crate::io::process::run_error::RunError;
use crate::io::process::supervisor;
use crate::sanitize;

pub(crate) use args::FinalDryRun;
pub(crate) use check::check;

/// Supervises the command, then judges, packs and reports the run.
///
/// # Errors
/// The options contradict each other, the run directory cannot be made, or the command cannot be started.
pub(crate) fn run(common: &Common, args: &FinalDryRun, exports: &Exports) -> Result<ExitCode, Error> {
    let signers = args.signatures.signers(common)?;
    let config = &common.settings;
    let prepared = match several::asked(args, config)? {
        Some(asked) => several::prepare(args, config, &signers, &asked)?,
        None => prepare::prepare(args, config, &signers)?,
    };
    let short = args.env.iter().filter(|(_, value)| (1..sanitize::SHORTEST_SECRET).contains(&value.len()));
    let short: Vec<&str> = short.map(|(name, _)| name.as_str()).collect();
    if !short.is_empty() {
        common.note(&format!(
            "too short to be hidden within text, only where they are a whole value: the values of {}",
            short.join(", ")
        ));
    }
    let target = crate::time::human_duration(prepared.plan.target);
    common.note(&format!("supervising for up to {target}: {}", sanitize::shorten(&prepared.what, 200)));
    if prepared.plan.simulated {
        common.note("this is the built-in simulator, not your system: a clean run ends with WARN, exit code 0");
    }
    common.note(&format!("watch it with: emp-ops watch {}", prepared.shown_folder));
    let tell = |lines: Vec<String>| lines.iter().filter(|_| common.verbose).for_each(|line| common.note(line));
    tell(details::before(&prepared.plan, &prepared.setup));
    let folder = prepared.setup.folder.clone();
    let (interval, grace) = (prepared.plan.progress_interval, prepared.plan.shutdown_grace);
    let mut console = console::Console::new(common.quiet, interval, grace);
    let supervised =
        supervisor::supervise(prepared.plan, prepared.setup, &mut console).map_err(|error| match error {
            RunError::File(error) => Error::File(error),
            error @ RunError::Spawn { .. } => {
                // Nothing ran, so there is nothing to keep; the directory was made by us.
                let _ = folder.remove();
                Error::NoVerdict(error.to_string())
            }
            error @ RunError::System(_) => Error::NoVerdict(error.to_string()),
        })?;
    tell(details::after(&supervised));
    seal::seal(common, args, (&signers, exports), supervised, &folder, &prepared.shown_folder)
}
