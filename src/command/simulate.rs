//! `emp-ops simulate`: the built-in systems for drills and tests; hidden from the help.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::{Error, positive_duration};
use crate::io::simulated_runtime::{self, Scenario};

/// What to simulate.
#[derive(Debug, Subcommand)]
pub enum Simulate {
    /// A runtime that logs heartbeats and keeps evidence, for `final-dry-run`
    Runtime {
        /// How it behaves
        #[arg(long, value_enum, default_value_t)]
        scenario: Scenario,
        /// Between heartbeats
        #[arg(long, value_parser = positive_duration, default_value = "1s", value_name = "D")]
        tick: Duration,
    },
    /// A process that stays for an hour
    Linger,
}

/// Runs the simulation in the foreground.
///
/// # Errors
/// Its output cannot be written.
pub fn run(simulate: &Simulate) -> Result<ExitCode, Error> {
    match simulate {
        Simulate::Runtime { scenario, tick } => Ok(simulated_runtime::run(*scenario, *tick)?.into()),
        Simulate::Linger => {
            simulated_runtime::linger();
            Ok(ExitCode::SUCCESS)
        }
    }
}
