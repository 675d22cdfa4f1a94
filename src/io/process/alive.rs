//! Whether the process that a document names is still there.

use std::fs;

use procfs::process::{ProcState, Process};

use crate::supervise::machine::Identity;
use crate::supervise::progress_reader::View;
use crate::supervise::staleness::Supervisor;
use crate::time::Stamp;

/// Looks for the supervisor of `view`. Process ids mean nothing on another host, and an id is given away again:
/// a process that began after the snapshot was taken is not the supervisor.
pub(crate) fn supervisor(view: &View) -> Supervisor {
    let Some(pid) = view.supervisor_pid.filter(|pid| *pid > 0).and_then(|pid| i32::try_from(pid).ok()) else {
        return Supervisor::Unknown;
    };
    if view.supervisor_host.is_some() && view.supervisor_host != host() {
        return Supervisor::Unknown;
    }
    let stat = match Process::new(pid).and_then(|process| process.stat()) {
        Ok(stat) => stat,
        Err(procfs::ProcError::NotFound(_)) => return Supervisor::Gone,
        Err(_) => return Supervisor::Unknown,
    };
    // A killed process whose parent has not collected it yet still has its id.
    if matches!(stat.state(), Ok(ProcState::Zombie | ProcState::Dead)) {
        return Supervisor::Gone;
    }
    match (began(stat.starttime), view.started_at) {
        // The two clocks agree to a few seconds at best after the wall clock was set.
        (Some(began), Some(run)) if began.seconds_since(run) > 60.0 => Supervisor::Gone,
        _ => Supervisor::Alive,
    }
}

/// This very process, as snapshots name it.
pub(crate) fn own() -> Identity {
    Identity { pid: std::process::id(), host: host() }
}

/// The name of this host.
fn host() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_owned())
}

/// The instant that is `ticks` after the start of the machine.
fn began(ticks: u64) -> Option<Stamp> {
    let boot = procfs::boot_time_secs().ok()?;
    let seconds = boot.checked_add(ticks.checked_div(procfs::ticks_per_second())?)?;
    Stamp::from_seconds(i64::try_from(seconds).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(extra: &str) -> View {
        View::parse(format!(r#"{{"status":"running"{extra}}}"#).as_bytes()).expect("a view")
    }

    #[test]
    fn only_a_process_of_this_host_and_time_counts() {
        let own = std::process::id();
        for (extra, expect) in [
            (String::new(), Supervisor::Unknown),
            (format!(r#","supervisor_pid":{own}"#), Supervisor::Alive),
            (format!(r#","supervisor_pid":{own},"supervisor_host":"no such host""#), Supervisor::Unknown),
            (format!(r#","supervisor_pid":{own},"started_at":"2001-01-01T00:00:00Z""#), Supervisor::Gone),
            // Above the largest id that Linux gives.
            (r#","supervisor_pid":4194305"#.to_owned(), Supervisor::Gone),
            (r#","supervisor_pid":0"#.to_owned(), Supervisor::Unknown),
        ] {
            assert_eq!(supervisor(&view(&extra)), expect, "{extra}");
        }
    }
}
