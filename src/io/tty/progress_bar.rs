//! A progress bar on standard error, for work that takes longer than a second.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Waits until all senders of `work` are gone, showing meanwhile how many of `total` bytes are done. Shows nothing
/// where standard error is no terminal.
pub(crate) fn show(total: u64, done: &AtomicU64, work: &Receiver<()>) {
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    while work.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        if bar.is_none() && started.elapsed() >= Duration::from_secs(1) {
            let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            bar = Some(ProgressBar::new(total).with_style(style).with_elapsed(started.elapsed()));
        }
        if let Some(bar) = &bar {
            bar.set_position(done.load(Ordering::Relaxed));
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}
