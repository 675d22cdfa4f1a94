//! The built-in runtime for drills: a child that logs heartbeats, keeps a decision diary and a performance report,
//! and misbehaves on request.

use std::env;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::io::{clock, files};
use crate::time::Stamp;

/// How the simulated runtime behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// Nothing goes wrong: WARN, as a simulation is never a PASS
    #[default]
    Clean,
    /// Warnings in the log: FAIL, or WARN with --allow-warnings
    Warnings,
    /// Errors in the log: FAIL
    Errors,
    /// A stack trace on standard error: FAIL
    Traceback,
    /// The log falls silent: FAIL
    Silence,
    /// Ends with code 0 before its time: FAIL
    EarlyExit,
    /// Ends with code 3 before its time: FAIL
    Crash,
    /// Diary and performance report are not refreshed: FAIL
    StaleEvidence,
    /// Ignores the polite signals and must be killed: FAIL
    IgnoreSignals,
    /// Has a feed that goes off at SIGUSR1 and on at SIGUSR2, and tells of both: to try drills on
    Drill,
    /// Leaves a process behind that holds its output: FAIL, or WARN with --allow-warnings
    Grandchild,
    /// Four workloads: a job, a feed that waits for it, a trade that needs both, and a quiet one; nothing goes wrong
    Workloads,
}

/// Entries at the start and at the end of the diary that are kept; those between are dropped, so that each refresh
/// stays cheap however long the run is.
const DIARY_HEAD: usize = 10;
const DIARY_TAIL: usize = 490;

/// After this many ticks, scenarios go wrong.
const TROUBLE: u64 = 5;

/// The exit code of [`Scenario::Crash`].
const CRASH_CODE: u8 = 3;

/// Runs until a polite signal comes, or as the scenario says. Returns the exit code.
///
/// # Errors
/// The log or an evidence file cannot be written.
pub(crate) fn run(scenario: Scenario, tick: Duration) -> io::Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let [off, on] = [Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false))];
    if scenario == Scenario::Drill {
        signal_hook::flag::register(SIGUSR1, Arc::clone(&off))?;
        signal_hook::flag::register(SIGUSR2, Arc::clone(&on))?;
    }
    let mut feed = true;
    let evidence = |name| env::var_os(name).map(PathBuf::from);
    let (diary, performance) = (evidence("DECISION_DIARY_PATH"), evidence("PERFORMANCE_METRICS_PATH"));
    let mut entries: Vec<Value> = Vec::new();
    let (started, period_start) = (Instant::now(), clock::now());
    for seq in 1_u64.. {
        let trouble = seq == TROUBLE;
        let fresh = scenario != Scenario::StaleEvidence || seq < TROUBLE;
        if fresh && let Some(path) = &diary {
            write_diary(path, &mut entries, seq)?;
        }
        if fresh && let Some(path) = &performance {
            write_performance(path, period_start, seq)?;
        }
        if scenario != Scenario::Silence || seq < TROUBLE {
            log("info", "heartbeat", &format!("heartbeat #{seq}"), seq)?;
        }
        match scenario {
            Scenario::Warnings if trouble => log("warning", "feed", "market feed is 3 s behind", seq)?,
            Scenario::Errors if trouble => log("error", "order", "order 4711 rejected: limit exceeded", seq)?,
            Scenario::Traceback if trouble => traceback()?,
            Scenario::Grandchild if trouble => leave_process_behind()?,
            Scenario::EarlyExit if trouble => return Ok(0),
            Scenario::Crash if trouble => return Ok(CRASH_CODE),
            Scenario::Drill if feed => log("info", "quote", &format!("quote #{seq}"), seq)?,
            Scenario::Drill => log("error", "feed_lost", "feed lost: no quotes", seq)?,
            _ => {}
        }
        // Sleep to the next tick, but notice a signal soon; also where the machine is too busy for any sleep.
        let next = tick.saturating_mul(u32::try_from(seq).unwrap_or(u32::MAX));
        loop {
            // What came last holds, and the first is not lost where both have come.
            for (switch, state) in [(&off, false), (&on, true)] {
                feed = if switch.swap(false, Ordering::Relaxed) { state } else { feed };
            }
            if stop.swap(false, Ordering::Relaxed) && scenario != Scenario::IgnoreSignals {
                log("info", "shutdown", "shutting down", seq)?;
                return Ok(0);
            }
            let Some(left) = next.checked_sub(started.elapsed()) else { break };
            thread::sleep(left.min(Duration::from_millis(20)));
        }
    }
    Ok(0)
}

/// What [`Scenario::Grandchild`] leaves behind: a process in a group of its own that holds standard output.
pub(crate) fn linger() {
    thread::sleep(Duration::from_secs(3600));
}

fn log(level: &str, event: &str, message: &str, seq: u64) -> io::Result<()> {
    let record = json!({"timestamp": clock::now(), "level": level, "event": event, "message": message, "seq": seq});
    let mut out = io::stdout().lock();
    writeln!(out, "{record}")?;
    out.flush()
}

fn traceback() -> io::Result<()> {
    io::stderr().lock().write_all(
        b"Traceback (most recent call last):\n  File \"runtime/engine.py\", line 214, in step\n    \
          self.book.apply(order)\n  File \"runtime/book.py\", line 88, in apply\n    \
          raise ValueError(\"negative quantity\")\nValueError: negative quantity\n",
    )
}

fn leave_process_behind() -> io::Result<()> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["simulate", "linger"]).stdin(Stdio::null()).process_group(0);
    command.spawn().map(drop)
}

fn write_diary(path: &Path, entries: &mut Vec<Value>, seq: u64) -> io::Result<()> {
    entries.push(json!({
        "entry_id": format!("sim-{seq:06}"),
        "recorded_at": clock::now(),
        "policy_id": "sim-policy",
        "decision": {"tactic_id": "hold", "rationale": "simulated"},
        "regime_state": {"regime": "calm", "confidence": 0.9},
        "outcomes": {"status": "pending"},
    }));
    if entries.len() > DIARY_HEAD + DIARY_TAIL {
        entries.remove(DIARY_HEAD);
    }
    replace(path, &json!({"generated_at": clock::now(), "entries": entries}))
}

fn write_performance(path: &Path, period_start: Stamp, seq: u64) -> io::Result<()> {
    let now = clock::now();
    let aggregates = json!({"trades": seq, "roi": 0.015, "win_rate": 0.58, "sharpe_ratio": 1.2});
    replace(path, &json!({"generated_at": now, "period_start": period_start, "aggregates": aggregates}))
}

fn replace(path: &Path, value: &Value) -> io::Result<()> {
    // Every tick brings the next, so none is waited for until it is on the disk.
    files::replace_many_with(path, |file| files::write_json(file, value)).map_err(|error| error.source)
}
