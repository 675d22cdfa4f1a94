//! Which incidents a drill may cause.

use super::record::Record;
use crate::prose::glob_matches;
use crate::time::Stamp;

/// Whether a pattern is meant for an incident: it fits the kind or the message, or with a slash the workload and the
/// kind.
pub fn fits(glob: &str, kind: &str, message: &str, workload: Option<&str>) -> bool {
    let by_workload = || match (glob.split_once('/'), workload) {
        (Some((of, glob)), Some(workload)) => glob_matches(of, workload) && glob_matches(glob, kind),
        _ => false,
    };
    glob_matches(glob, kind) || glob_matches(glob, message) || by_workload()
}

/// The time in which a drill may cause incidents, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The name of the drill.
    pub drill: String,
    /// The injection.
    pub from: Stamp,
    /// A little after the recovery; the end of the drill where it did not recover.
    pub to: Stamp,
    /// The same in seconds since the start of the run, by the monotonic clock.
    pub seconds: (f64, f64),
    /// The patterns.
    pub globs: Vec<String>,
}

impl Window {
    /// Whether something that happened from `first` to `last` is one of these incidents.
    pub fn holds(&self, (first, last): (Stamp, Stamp), kind: &str, message: &str, workload: Option<&str>) -> bool {
        self.from <= first && last <= self.to && self.globs.iter().any(|glob| fits(glob, kind, message, workload))
    }
}

/// The drill that excuses a record, which may show a crash.
pub(super) fn of_record<'w>(windows: &'w [Window], record: &Record<'_>, crash: bool) -> Option<&'w str> {
    let received = || record.received().map(|since| since.as_secs_f64());
    // By the time of its own where nobody received it: that may be cut to seconds.
    let within = |window: &&Window| match received() {
        Some(since) => window.seconds.0 <= since && since <= window.seconds.1,
        None => record.at.is_some_and(|at| window.from <= at && at <= window.to),
    };
    let kind = if crash { "stack_trace" } else { "log_level" };
    let workload = record.workload().and_then(|name| std::str::from_utf8(name).ok());
    let message = || record.message().unwrap_or_default();
    let fits = |window: &&Window| window.globs.iter().any(|glob| fits(glob, kind, &message(), workload));
    windows.iter().filter(within).find(fits).map(|window| window.drill.as_str())
}
