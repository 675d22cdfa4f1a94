//! Development chores.
//!
//! - `cargo xtask bench [NAME…]` measures speed and memory on generated data, next to plain references; with
//!   `BENCH_PROGRAM` that of a program which is built already, such as an older one.
//! - `cargo xtask cluster [MIB [PROGRAM]]` tries the adapters of `runbooks/cluster/` on the engines that are here.
//! - `cargo xtask soak [MINUTES]` supervises a misbehaving command and checks that nothing is lost or leaked.
//! - `cargo xtask fuzz [--seconds N] [--seed N] [TARGET…]` feeds mutated fixtures to every reader of what others wrote.
//! - `cargo xtask dist` packs the release build with completions, manual pages and sums.
//! - `cargo xtask pictures` makes the pictures of README from a real run.
//! - `cargo xtask kills [TRIALS]` kills supervisors while they seal their evidence and checks what is said of the runs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the chores talk to the terminal")]
#![expect(clippy::disallowed_methods, reason = "the chores are programs of their own")]

mod capture;
mod cluster;
mod dist;
mod fuzz;
mod kills;
mod logs;
mod measure;
mod offline;
mod page;
mod pictures;
mod soak;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What a chore returns: the message of an error is shown.
type Outcome = Result<(), String>;

/// A bench: its name, and what runs it.
type Bench = (&'static str, fn(&Tool) -> Outcome);

const BENCHES: &[Bench] =
    &[("logs", logs::bench), ("capture", capture::bench), ("offline", offline::bench), ("page", page::bench)];

/// The program under test, as a release build.
struct Tool {
    path: PathBuf,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["bench", ref names @ ..] => bench(names),
        ["soak", ref minutes @ ..] => soak(minutes),
        ["cluster", ref args @ ..] => cluster(args),
        ["kills", ref trials @ ..] => kills(trials),
        ["dist"] => dist::run(),
        ["pictures"] => pictures::run(),
        ["fuzz", ref args @ ..] => fuzz::run(args),
        [logs::DECODE, path] => logs::decode(path),
        [measure::WORD, ref command @ ..] => measure::child(command),
        _ => {
            let usage = "cargo xtask bench [NAME…] | cluster [MIB] | dist | fuzz [TARGET…] | kills [TRIALS] | pictures | soak [MINUTES]";
            Err(format!("usage: {usage}"))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench(names: &[&str]) -> Outcome {
    let unknown: Vec<&&str> = names.iter().filter(|name| BENCHES.iter().all(|(known, _)| known != *name)).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = BENCHES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no bench {unknown:?}; there are {known:?}"));
    }
    let tool = match env::var_os("BENCH_PROGRAM") {
        Some(path) => Tool { path: path.into() },
        None => Tool::build()?,
    };
    for (name, run) in BENCHES.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        println!("\n{name}");
        run(&tool)?;
    }
    Ok(())
}

fn soak(minutes: &[&str]) -> Outcome {
    let minutes = match minutes {
        [] => 10.0,
        [number] => number.parse().map_err(|_| format!("{number} is no number of minutes"))?,
        _ => return Err("usage: cargo xtask soak [MINUTES]".to_owned()),
    };
    soak::run(&Tool::build()?, minutes)
}

fn cluster(args: &[&str]) -> Outcome {
    let usage = || "usage: cargo xtask cluster [MIB [PROGRAM]]".to_owned();
    let number = |text: &str| text.parse().map_err(|_| usage());
    match args {
        [] => cluster::run(&Tool::build()?.path, 256),
        [size] => cluster::run(&Tool::build()?.path, number(size)?),
        [size, program] => cluster::run(program.as_ref(), number(size)?),
        _ => Err(usage()),
    }
}

fn kills(trials: &[&str]) -> Outcome {
    let usage = || "usage: cargo xtask kills [TRIALS [PROGRAM]]".to_owned();
    let number = |text: &str| text.parse().map_err(|_| usage());
    match trials {
        [] => kills::run(&Tool::build()?, 300),
        [trials] => kills::run(&Tool::build()?, number(trials)?),
        [trials, program] => kills::run(&Tool { path: program.into() }, number(trials)?),
        _ => Err(usage()),
    }
}

/// Cargo, told nothing of this package.
fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // What cargo told this process of its own package would make some build scripts run again.
    let own = ["CARGO_PKG_", "CARGO_MANIFEST_"];
    for (name, _) in env::vars_os().filter(|(n, _)| own.iter().any(|own| n.to_string_lossy().starts_with(own))) {
        cargo.env_remove(name);
    }
    cargo
}

/// What a command prints.
fn output(command: &mut Command) -> Result<String, String> {
    let out = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if !out.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&out.stderr)));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

impl Tool {
    /// Builds emp-ops for release, together with this crate: so both share one build of every dependency.
    fn build() -> Result<Self, String> {
        let mut cargo = cargo();
        cargo.args(["build", "--release", "--package", "emp-ops", "--package", "xtask"]);
        let status = cargo.status();
        if !status.map_err(|e| format!("cannot run cargo: {e}"))?.success() {
            return Err("the release build failed".to_owned());
        }
        let here = env::current_exe().map_err(|e| e.to_string())?;
        Ok(Self { path: here.with_file_name("emp-ops") })
    }
}
