//! Restores what a drill broke where emp-ops was killed meanwhile: the watchdog does it, and notes what it did.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::child;
use crate::io::{clock, files};
use crate::supervise::workloads::check::{Act, Deed};

/// What it notes, in the run directory.
pub(crate) const LOG: &str = crate::drills::document::RESTORED;

/// What is to be restored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Owed {
    /// Where it is noted.
    pub(super) log: PathBuf,
    /// The variables of the command.
    pub(super) environment: Vec<(String, String)>,
    pub(super) folder: Option<PathBuf>,
    /// In the order in which it is done.
    pub(super) acts: Vec<Plain>,
}

/// An action that needs nobody but itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plain {
    what: String,
    seconds: f64,
    deed: PlainDeed,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum PlainDeed {
    Exec(Vec<String>),
    Touch(PathBuf),
    Remove(PathBuf),
    /// What only concerns the command, which is gone.
    Idle,
    /// What a person must do.
    ByHand,
}

/// An action as the watchdog can do it.
pub(super) fn plain(act: &Act) -> Plain {
    let absolute = |path: &str| std::path::absolute(path).unwrap_or_else(|_| path.into());
    let deed = match &act.deed {
        Deed::Exec { command } => PlainDeed::Exec(command.clone()),
        Deed::Touch { path } => PlainDeed::Touch(absolute(path)),
        Deed::Remove { path } => PlainDeed::Remove(absolute(path)),
        Deed::Signal { .. } | Deed::Restart | Deed::Wait { .. } => PlainDeed::Idle,
        Deed::Http(_) => PlainDeed::ByHand,
    };
    Plain { what: act.shown.clone(), seconds: act.timeout.as_secs_f64(), deed }
}

/// Restores what is owed.
pub(super) fn restore(owed: &Owed) {
    for act in &owed.acts {
        let outcome = match &act.deed {
            PlainDeed::Exec(command) => exec(command, owed, act.seconds),
            PlainDeed::Touch(path) => files::append(path, b"").map_err(|error| error.to_string()),
            PlainDeed::Remove(path) => match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(()),
            },
            PlainDeed::Idle => Ok(()),
            PlainDeed::ByHand => Err("the watchdog cannot do this: do it by hand".to_owned()),
        };
        note(&owed.log, &act.what, &outcome);
    }
}

fn note(log: &Path, what: &str, outcome: &Result<(), String>) {
    let line = serde_json::json!({
        "at": clock::now(), "what": what, "done": outcome.is_ok(), "error": outcome.as_ref().err(),
    });
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(log) {
        let _ = writeln!(file, "{line}");
        let _ = file.sync_all();
    }
}

fn exec(command: &[String], owed: &Owed, seconds: f64) -> Result<(), String> {
    let mut program = Command::new(&command[0]);
    let environment = owed.environment.iter().filter(|(name, _)| name != super::watchdog::MARK);
    program.args(&command[1..]).envs(environment.map(|(name, value)| (name, value)));
    if let Some(folder) = &owed.folder {
        program.current_dir(folder);
    }
    program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut started = program.spawn().map_err(|error| format!("cannot start {}: {error}", command[0]))?;
    let limit = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let since = Instant::now();
    loop {
        match started.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(child::exit_of(status).text()),
            Ok(None) if since.elapsed() < limit => thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                let _ = started.kill();
                let _ = started.wait();
                return Err("took too long and was killed".to_owned());
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}
