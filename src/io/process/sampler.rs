//! Measures the process tree and the file system of the output.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use super::child;
use crate::supervise::event::Measure;

/// Measures CPU and memory of all processes below this one.
pub(crate) struct Sampler {
    /// Processes that do not count.
    spared: Vec<u32>,
    /// CPU ticks of each process at the sample before, by process id and start time.
    before: HashMap<(i32, u64), u64>,
    at: Instant,
    machine_memory: u64,
}

impl Sampler {
    /// A sampler whose first sample covers the time from now on; `spared` are processes that do not count.
    pub(crate) fn new(spared: Vec<u32>) -> Self {
        let meminfo = procfs::Current::current().map(|info: procfs::Meminfo| info.mem_total);
        Self { spared, before: HashMap::new(), at: Instant::now(), machine_memory: meminfo.unwrap_or(0) }
    }

    /// Measures the tree now.
    pub(crate) fn sample(&mut self) -> Measure {
        let seconds = self.at.elapsed().as_secs_f64().max(0.001);
        self.at = Instant::now();
        let mut ticks = 0;
        let mut now = HashMap::new();
        let mut rss_bytes = 0;
        let mut processes = 0;
        for stat in child::descendants(&self.spared) {
            let used = stat.utime + stat.stime;
            let key = (stat.pid, stat.starttime);
            // A process that ended since takes its last ticks with it; short-lived ones are undercounted.
            ticks += used.saturating_sub(self.before.get(&key).copied().unwrap_or(0));
            now.insert(key, used);
            rss_bytes += stat.rss * procfs::page_size();
            processes += u64::from(stat.state != 'Z');
        }
        self.before = now;
        let percent = |part: f64, whole: f64| if whole > 0.0 { part / whole * 100.0 } else { 0.0 };
        Measure {
            processes,
            cpu_percent: percent(ticks as f64 / procfs::ticks_per_second() as f64, seconds),
            rss_bytes,
            memory_percent: percent(rss_bytes as f64, self.machine_memory as f64),
        }
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
