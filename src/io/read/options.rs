//! How logs are read and judged.

use std::sync::Arc;
use std::time::Duration;

use crate::log::access::Statuses;
use crate::log::excuse::Window;
use crate::log::layout::Layout;
use crate::log::summary::DownTime;
use crate::log::totals::summarise::{self, Receipt, Terms};
use crate::log::totals::tally::Limits;
use crate::time::Stamp;

/// How logs are read and judged.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// A longer silence is a WARN.
    pub warn_gap: Duration,
    /// A silence of this length is a FAIL; at least the above.
    pub fail_gap: Duration,
    /// How many findings of a kind are listed; all are counted.
    pub max_listed: usize,
    /// The layout of all logs, where it is not to be learnt.
    pub layout: Option<Arc<Layout>>,
    /// Texts of messages that are not held against the logs.
    pub ignore: Vec<String>,
    /// Which responses of web servers are errors or warnings.
    pub statuses: Statuses,
    /// When drills may have caused records, and which.
    pub drills: Vec<Window>,
    /// How many threads read; 0 for all cores.
    pub threads: usize,
    /// The supervised time of a run: the duration, and silence at its ends is a gap.
    pub window: Option<(Stamp, Stamp)>,
    /// When nothing ran in that time, in order of time.
    pub pauses: Vec<DownTime>,
    /// How long the command took to end after that time.
    pub drain: Duration,
    /// When lines of a supervised run could be received.
    pub receipt: Option<Receipt>,
    /// The limits of silence, for a WARN and for a FAIL, of each group of logs that is summed up by itself.
    pub groups: Vec<(Duration, Duration)>,
    /// Whether to show progress on standard error, where that is a terminal.
    pub show_progress: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            warn_gap: Duration::from_secs(3600),
            fail_gap: Duration::from_secs(6 * 3600),
            max_listed: 1000,
            layout: None,
            ignore: Vec::new(),
            statuses: Statuses::default(),
            drills: Vec::new(),
            threads: 0,
            window: None,
            pauses: Vec::new(),
            drain: Duration::ZERO,
            receipt: None,
            groups: Vec::new(),
            show_progress: false,
        }
    }
}

impl ScanOptions {
    /// How records are tallied.
    pub(crate) fn limits(&self) -> Limits {
        let warn_gap = self.groups.iter().map(|(warn, _)| *warn).fold(self.warn_gap, Duration::min);
        Limits {
            silence: summarise::silence(warn_gap, self.window),
            listed: self.max_listed,
            sources: !self.groups.is_empty(),
        }
    }

    /// How what was read is judged, with these limits of silence for a WARN and for a FAIL.
    pub(crate) fn terms(&self, (warn_gap, fail_gap): (Duration, Duration)) -> Terms {
        Terms {
            warn_gap,
            fail_gap: fail_gap.max(warn_gap),
            listed: self.max_listed,
            window: self.window,
            pauses: self.pauses.clone(),
            drain: self.drain,
            receipt: self.receipt.clone(),
            ignore: self.ignore.clone(),
            drills: self.drills.clone(),
        }
    }
}
