//! The command line as a whole: one binary, its subcommands, and how errors and panics leave it.

mod advice;

use std::env;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::command::config::{self, Failure};
use crate::command::{self, Common, Error, Format};
use crate::io::files;
use crate::io::memory;
use crate::io::process::{interrupt, watchdog};
use crate::io::tty::terminal;

/// Supervises a rehearsal, keeps its evidence, judges it and packs it for sign-off.
#[derive(Debug, Parser)]
#[command(name = "emp-ops", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(
    after_help = "Every option can be set in emp-ops.toml or by a variable of the environment too: --min-uptime is \
                  EMP_OPS_MIN_UPTIME.\nExit codes: 0 accepted, 1 not accepted, 2 usage or policy error, 3 no verdict, 130/143 interrupted."
)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge evidence that exists: a run directory, a packet, or logs with their diary and performance report
    Audit(Box<command::audit::Audit>),
    /// Supervise a rehearsal, keep its evidence and judge it
    FinalDryRun(Box<command::final_dry_run::FinalDryRun>),
    /// The built-in systems for drills and tests
    #[command(hide = true, subcommand)]
    Simulate(command::simulate::Simulate),
    /// The process that outlives a killed supervisor to end its command
    #[command(name = watchdog::WORD, hide = true)]
    Watchdog {
        /// What the environment of the command holds
        mark: String,
        /// The cgroup of the command
        cgroup: Option<std::path::PathBuf>,
    },
    /// Make one queue of follow-ups from evidence and status reports
    Backlog(command::backlog::Backlog),
    /// Prove a staging environment end to end
    StageSmoke(Box<command::stage_smoke::StageSmoke>),
    /// Judge whether fallback seeding may go, and how noisy the alert rules are
    StageAlerts(command::stage_alerts::StageAlerts),
    /// Rehearse the publishing of closed sessions, before players see any of it
    OfflineQa(command::offline_qa::OfflineQa),
    /// Follow a rehearsal live
    Watch(command::watch::WatchArgs),
    /// Write the minutes of a rehearsal: verdict, incidents, decisions, who does what by when
    WrapUp(command::wrap_up::WrapUp),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page; with --out DIR write one for each command
    Man,
}

/// Runs the command line and gives the exit code. Errors go to standard error, once, without a backtrace.
pub fn main() -> ExitCode {
    memory::live_within_limit();
    interrupt::outlive_file_size_limit();
    let cli = config::parse(Cli::command(), env::args_os().collect()).and_then(|(matches, settings)| {
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.common.settings = settings;
        Ok(cli)
    });
    let cli = match cli {
        Ok(cli) => cli,
        Err(Failure::Settings(error)) => return failed(&error),
        Err(Failure::Options(mut error)) => {
            advice::advise(&mut error, &env::args_os().skip(1).collect::<Vec<_>>());
            // Help and version go to standard output with code 0, everything else to standard error with code 2.
            let code = if error.use_stderr() { command::USAGE } else { command::ACCEPTED };
            let _ = error.print();
            return code.into();
        }
    };
    match run(cli) {
        Ok(code) => code,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> ExitCode {
    for line in format!("error: {error}").lines() {
        terminal::note(line);
    }
    error.code().into()
}

fn run(cli: Cli) -> Result<ExitCode, Error> {
    let Cli { common, command } = cli;
    match (common.format, &command) {
        (Format::Csv, Command::Backlog(_)) => {}
        (Format::Csv, _) => return Err(Error::Usage(command::NO_CSV.to_owned())),
        (Format::Github, Command::Watch(_)) => return Err(Error::Usage(command::NO_GITHUB.to_owned())),
        _ => {}
    }
    match command {
        Command::Backlog(args) => {
            args.export.begin("backlog")?.around(|exports| command::backlog::run(&common, &args, exports))
        }
        Command::Audit(args) => {
            args.export.begin("audit")?.around(|exports| command::audit::run(&common, *args, exports))
        }
        Command::FinalDryRun(args) if args.init => {
            config::init(Cli::command())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::FinalDryRun(args) if args.config_schema => {
            terminal::print(&files::json_text(&config::schema(Cli::command())))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::FinalDryRun(args) if args.check => command::final_dry_run::check(&common, &args),
        Command::FinalDryRun(args) => args
            .export
            .begin_outside("final-dry-run", args.named_folder().as_deref())?
            .around(|exports| command::final_dry_run::run(&common, &args, exports)),
        Command::OfflineQa(args) => {
            args.export.begin("offline-qa")?.around(|exports| command::offline_qa::run(&common, &args, exports))
        }
        Command::Simulate(simulate) => command::simulate::run(&simulate),
        Command::Watchdog { mark, cgroup } => {
            watchdog::watch(&mark, cgroup.as_deref());
            Ok(ExitCode::SUCCESS)
        }
        Command::StageSmoke(args) => {
            args.export.begin("stage-smoke")?.around(|exports| command::stage_smoke::run(&common, &args, exports))
        }
        Command::StageAlerts(args) => {
            args.export.begin("stage-alerts")?.around(|exports| command::stage_alerts::run(&common, &args, exports))
        }
        Command::Watch(args) => command::watch::run(&common, &args),
        Command::WrapUp(args) => {
            args.export.begin("wrap-up")?.around(|exports| command::wrap_up::run(&common, &args, exports))
        }
        Command::Completions { shell } => command::shell::completions(&Cli::command(), shell),
        Command::Man => command::shell::man(&common, &Cli::command()),
    }
}
