//! Measures the process tree and the file system of the output.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Instant;

use super::table::Member;
use crate::supervise::event::Measure;

/// Measures CPU and memory of the process trees.
pub(crate) struct Sampler {
    /// CPU ticks of each process at the sample before, by process id and start time.
    before: HashMap<(i32, u64), u64>,
    at: Instant,
    machine_memory: u64,
}

impl Sampler {
    /// A sampler whose first sample covers the time from now on.
    pub(crate) fn new() -> Self {
        let meminfo = procfs::Current::current().map(|info: procfs::Meminfo| info.mem_total);
        Self { before: HashMap::new(), at: Instant::now(), machine_memory: meminfo.unwrap_or(0) }
    }

    /// Measures the tree of each workload that has one.
    pub(crate) fn sample(&mut self, members: &[Member]) -> Vec<(usize, Measure)> {
        let seconds = self.at.elapsed().as_secs_f64().max(0.001);
        self.at = Instant::now();
        let percent = |part: f64, whole: f64| if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
        let mut now = HashMap::new();
        let mut measured: BTreeMap<usize, Measure> = BTreeMap::new();
        for Member { stat, owner } in members {
            let Some(owner) = owner else { continue };
            let used = stat.utime + stat.stime;
            let key = (stat.pid, stat.starttime);
            // A process that ended since takes its last ticks with it; short-lived ones are undercounted.
            let ticks = used.saturating_sub(self.before.get(&key).copied().unwrap_or(0));
            now.insert(key, used);
            let rss_bytes = stat.rss * procfs::page_size();
            measured.entry(*owner).or_default().add(&Measure {
                processes: u64::from(stat.state != 'Z'),
                cpu_percent: percent(ticks as f64 / procfs::ticks_per_second() as f64, seconds),
                rss_bytes,
                memory_percent: percent(rss_bytes as f64, self.machine_memory as f64),
            });
        }
        self.before = now;
        measured.into_iter().collect()
    }
}

/// Bytes available to us and the size of the file system that holds `path`.
///
/// # Errors
/// The path is not there.
pub(crate) fn disk_space(path: &Path) -> std::io::Result<(u64, u64)> {
    let found = rustix::fs::statvfs(path)?;
    Ok((found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize))
}
