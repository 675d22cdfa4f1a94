//! `emp-ops simulate`: the built-in systems for drills and tests; hidden from the help.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::{Error, positive_duration};
use crate::io::files;
use crate::io::tty::terminal;
use crate::simulate::runtime::{self, Scenario};
use crate::simulate::services::{self, Role};
use crate::simulate::stage_server;

/// What to simulate.
#[derive(Debug, Subcommand)]
pub(crate) enum Simulate {
    /// A runtime that logs heartbeats and keeps evidence, for `final-dry-run`
    Runtime {
        /// How it behaves
        #[arg(long, value_enum, default_value_t)]
        scenario: Scenario,
        /// Between heartbeats
        #[arg(long, value_parser = positive_duration, default_value = "1s", value_name = "D")]
        tick: Duration,
    },
    /// A staging server on loopback, for `stage-smoke`; it runs until it is stopped
    Stage {
        /// Where it listens; 0 takes a free port
        #[arg(long, default_value_t = 0, value_name = "N")]
        port: u16,
        /// How it behaves
        #[arg(long, value_enum, default_value_t)]
        scenario: stage_server::Scenario,
        /// Where the certificate of its CA goes, in scenario tls
        #[arg(long, default_value = "simulated-stage-ca.pem", value_name = "PEM")]
        ca_out: PathBuf,
    },
    /// One of the services of `final-dry-run --simulate workloads`
    Service {
        /// Which
        #[arg(long, value_enum)]
        role: Role,
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
pub(crate) fn run(simulate: &Simulate) -> Result<ExitCode, Error> {
    match simulate {
        Simulate::Runtime { scenario, tick } => Ok(runtime::run(*scenario, *tick)?.into()),
        Simulate::Stage { port, scenario, ca_out } => stage(*port, *scenario, ca_out),
        Simulate::Service { role, tick } => {
            services::run(*role, *tick)?;
            Ok(ExitCode::SUCCESS)
        }
        Simulate::Linger => {
            runtime::linger();
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Says where the server is and how to log in, and serves until the process is ended.
fn stage(port: u16, scenario: stage_server::Scenario, ca_out: &Path) -> Result<ExitCode, Error> {
    let server = stage_server::start(port, scenario)
        .map_err(|error| Error::NoVerdict(format!("cannot listen on 127.0.0.1:{port}: {error}")))?;
    let mut lines =
        format!("base-url {}\nemail {}\npassword {}\n", server.base_url, stage_server::EMAIL, server.password);
    if let Some(pem) = &server.ca_pem {
        files::replace(ca_out, pem.as_bytes())?;
        lines.push_str(&format!("ca-cert {}\n", ca_out.display()));
    }
    terminal::print(&lines)?;
    loop {
        std::thread::park();
    }
}
