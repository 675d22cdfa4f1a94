//! How long a run takes unless the operator says otherwise, and what follows from that.

use std::time::Duration;

use super::args::FinalDryRun;
use crate::finding::Status;

/// The run of a drill is this long unless the operator says otherwise.
const DRILL: Duration = Duration::from_secs(20);
const REHEARSAL: Duration = Duration::from_secs(72 * 3600);

/// Everything that the drill scales with its length, unless the operator says otherwise.
pub(super) struct Scale {
    pub(super) tick: Duration,
    /// None if they follow from the required duration.
    pub(super) warn_gap: Option<Duration>,
    pub(super) fail_gap: Option<Duration>,
    pub(super) live_gap: Option<(Duration, Status)>,
    pub(super) stale: (Option<Duration>, Option<Duration>),
    pub(super) evidence_grace: Duration,
    pub(super) sample_interval: Duration,
    pub(super) progress_interval: Duration,
}

impl Scale {
    pub(super) fn of(simulated: bool, target: Duration) -> Self {
        if !simulated {
            return Self {
                tick: Duration::ZERO,
                warn_gap: None,
                fail_gap: None,
                live_gap: None,
                stale: (None, None),
                evidence_grace: Duration::from_secs(15 * 60),
                sample_interval: Duration::from_secs(60),
                progress_interval: Duration::from_secs(300),
            };
        }
        // Forty heartbeats, and limits that a busy machine does not break but a silent runtime does.
        let tick = (target / 40).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let fail_gap = (tick * 8).max(Duration::from_secs(1));
        Self {
            tick,
            warn_gap: Some(fail_gap / 2),
            fail_gap: Some(fail_gap),
            live_gap: Some((fail_gap, Status::Fail)),
            stale: (Some(fail_gap / 2), Some(fail_gap)),
            evidence_grace: (tick * 2).max(Duration::from_millis(500)),
            sample_interval: tick * 4,
            progress_interval: tick * 4,
        }
    }
}

/// How long the run takes, and what scales with that.
pub(super) fn length(args: &FinalDryRun) -> (Duration, Scale) {
    let target = args.duration.unwrap_or(if args.simulate.is_some() { DRILL } else { REHEARSAL });
    (target, Scale::of(args.simulate.is_some(), target))
}
