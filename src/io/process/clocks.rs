//! The clocks that a run is timed by.

use std::time::{Duration, Instant};

use crate::io::clock;
use crate::supervise::event::Now;

/// The clocks of a run.
pub(super) struct Clocks {
    pub(super) mono: Instant,
    boot: Duration,
}

impl Clocks {
    pub(super) fn start() -> Self {
        Self { mono: Instant::now(), boot: boot_time() }
    }

    pub(super) fn now(&self) -> Now {
        Now { wall: clock::now(), mono: self.mono.elapsed(), boot: boot_time().saturating_sub(self.boot) }
    }
}

/// Time since the machine was booted, suspension included.
fn boot_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
