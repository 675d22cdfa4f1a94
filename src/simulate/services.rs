//! The built-in services of a rehearsal of several workloads: a job, a feed, a quiet one. The trade is the runtime.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::io::{clock, files};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Does three things and ends with code 0
    Job,
    /// Says when it is ready, then logs heartbeats
    Feed,
    /// Logs nothing; a file tells that it is there
    Quiet,
}

/// The file of these workloads, for this program at `exe` and heartbeats at `tick`.
pub(crate) fn file(exe: &str, tick: &str) -> String {
    let service = |role: &str| json!([exe, "simulate", "service", "--role", role, "--tick", tick]);
    let trade = json!([exe, "simulate", "runtime", "--tick", tick]);
    format!(
        r#"[[workload]]
name = "migrate"
command = {job}
job = true

[[workload]]
name = "feed"
kind = "ingest"
command = {feed}
depends_on = ["migrate"]
[workload.ready]
log = {{ event = "ready" }}

[[workload]]
name = "trade"
kind = "trading"
command = {trade}
depends_on = {{ migrate = "completed", feed = "ready" }}
diary = true
performance = true

[[workload]]
name = "quiet"
command = {quiet}
quiet = true
[workload.ready]
exec = ["sh", "-c", "test -s \"$FINAL_DRY_RUN_RUNTIME_PATH\""]
interval = "500ms"
"#,
        job = service("job"),
        feed = service("feed"),
        quiet = service("quiet"),
    )
}

/// Runs one of them until it is done or a polite signal comes.
///
/// # Errors
/// Its output cannot be written.
pub(crate) fn run(role: Role, tick: Duration) -> io::Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    match role {
        Role::Job => (1..=3).try_for_each(|step| log("step", &format!("step {step} of 3"))),
        Role::Feed => {
            log("ready", "the feed is ready")?;
            while !stopped(&stop, tick) {
                log("heartbeat", "prices came")?;
            }
            log("shutdown", "shutting down")
        }
        Role::Quiet => {
            if let Some(path) = env::var_os("FINAL_DRY_RUN_RUNTIME_PATH").map(PathBuf::from) {
                files::replace_json(
                    &path,
                    &json!({"workload_states": {"quiet": "running"}, "task_supervisor":
                    {"tasks": [{"name": "quiet", "state": "running", "created_at": clock::now()}]}}),
                )
                .map_err(|error| error.source)?;
            }
            while !stopped(&stop, tick) {}
            Ok(())
        }
    }
}

/// Waits for `tick`. Whether somebody asked to stop meanwhile.
fn stopped(stop: &AtomicBool, tick: Duration) -> bool {
    let started = Instant::now();
    while let Some(left) = tick.checked_sub(started.elapsed()) {
        if stop.load(Ordering::Relaxed) {
            return true;
        }
        thread::sleep(left.min(Duration::from_millis(20)));
    }
    stop.load(Ordering::Relaxed)
}

fn log(event: &str, message: &str) -> io::Result<()> {
    let record = json!({"timestamp": clock::now(), "level": "info", "event": event, "message": message});
    let mut out = io::stdout().lock();
    writeln!(out, "{record}")?;
    out.flush()
}
