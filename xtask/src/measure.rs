//! Runs a command and measures it. The command is run by a copy of this program, because the kernel tells the peak
//! memory only of all children together.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::Outcome;

/// The first argument of the copy.
pub(crate) const WORD: &str = "measure";

/// What a command cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// User and system time, children included.
    pub(crate) cpu: Duration,
    /// User time alone, children included.
    pub(crate) user: Duration,
    /// The largest process, in bytes.
    pub(crate) peak: u64,
    pub(crate) code: i32,
}

impl Cost {
    /// `1.21s wall, 1.90s CPU, 5.1 MiB`
    pub(crate) fn text(&self) -> String {
        let peak = self.peak as f64 / f64::from(1 << 20);
        format!("{:7.3}s wall {:7.3}s CPU {peak:7.1} MiB peak", self.wall.as_secs_f64(), self.cpu.as_secs_f64())
    }
}

/// Runs `command` with its output thrown away.
pub(crate) fn run(command: &[&str]) -> Result<Cost, String> {
    let here = env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new(here).arg(WORD).args(command).stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("cannot measure {command:?}: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<i64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wall, user, system, peak, code] = numbers[..] else {
        return Err(format!("{command:?} could not be measured"));
    };
    let micros = |n: i64| Duration::from_micros(n.unsigned_abs());
    Ok(Cost {
        wall: micros(wall),
        cpu: micros(user) + micros(system),
        user: micros(user),
        peak: peak.unsigned_abs(),
        code: i32::try_from(code).unwrap_or(-1),
    })
}

/// Measures five times, and gives the one with the median CPU time.
pub(crate) fn median(mut measure: impl FnMut() -> Result<Cost, String>) -> Result<Cost, String> {
    let mut costs = (0..5).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
    costs.sort_by_key(|cost| cost.cpu);
    Ok(costs[costs.len() / 2])
}

/// The copy's side of [`run`].
pub(crate) fn child(command: &[&str]) -> Outcome {
    let [program, args @ ..] = command else { return Err("there is nothing to measure".to_owned()) };
    let started = Instant::now();
    let status =
        Command::new(program).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.map_err(|e| format!("cannot run {program}: {e}"))?;
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|e| e.to_string())?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let (user, system) = (micros(usage.user_time()), micros(usage.system_time()));
    println!("{} {user} {system} {} {}", wall.as_micros(), usage.max_rss() * 1024, status.code().unwrap_or(-1));
    Ok(())
}
