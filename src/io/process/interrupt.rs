//! Signals that ask a reader to end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// How soon a signal is noticed while waiting.
const SLICE: Duration = Duration::from_millis(50);

/// Remembers the last of SIGHUP, SIGINT and SIGTERM instead of being ended by it.
pub(crate) struct Interrupts {
    last: Arc<AtomicUsize>,
}

/// Lets a write beyond the limit of file sizes fail like any other instead of ending emp-ops.
pub(crate) fn outlive_file_size_limit() {
    // Where the handler is refused, the limit ends emp-ops as before.
    let _ = flag::register(SIGXFSZ, Arc::default());
}

impl Interrupts {
    /// Begins to catch the signals.
    ///
    /// # Errors
    /// The system refuses the handlers.
    pub(crate) fn catch() -> io::Result<Self> {
        let last = Arc::new(AtomicUsize::new(0));
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            flag::register_usize(signal, Arc::clone(&last), usize::try_from(signal).unwrap_or_default())?;
        }
        Ok(Self { last })
    }

    /// The signal that came, if one did.
    pub(crate) fn pending(&self) -> Option<u8> {
        match self.last.load(Ordering::SeqCst) {
            0 => None,
            signal => u8::try_from(signal).ok(),
        }
    }

    /// Waits for `length`, or until a signal comes, which it returns.
    pub(crate) fn wait(&self, length: Duration) -> Option<u8> {
        let end = Instant::now() + length;
        loop {
            if let Some(signal) = self.pending() {
                return Some(signal);
            }
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return None,
                left => thread::sleep(left.min(SLICE)),
            }
        }
    }
}
