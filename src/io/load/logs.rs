//! The logs among the evidence, read here or in shards.

use std::path::PathBuf;

use super::{Evidence, Request, Subject};
use crate::io::read::scan::{self, ScanOptions, Source};
use crate::log::summary::LogSummary;
use crate::log::totals::faults;
use crate::verdict::policy::Policy;

/// The summary of the logs, and how each of them is called.
pub(super) fn read(evidence: &Evidence, policy: &Policy, request: &Request) -> (LogSummary, Vec<String>) {
    let options = ScanOptions {
        warn_gap: policy.warn_gap(),
        fail_gap: policy.fail_gap(),
        max_listed: policy.logs.max_listed,
        layout: policy.layout(),
        ignore: policy.logs.ignore.clone(),
        statuses: policy.logs.statuses.clone(),
        threads: request.threads,
        window: evidence.run.window,
        pauses: evidence.run.pauses.clone(),
        drain: evidence.run.drain(),
        receipt: evidence.run.receipt.clone(),
        show_progress: request.show_progress,
    };
    let names = |logs: &[PathBuf]| {
        let mut names: Vec<String> = logs.iter().map(|path| path.display().to_string()).collect();
        names.sort();
        names
    };
    if let Some(folded) = &request.folded {
        let logs = folded.summary(&options.terms());
        return (logs, names(&evidence.logs));
    }
    let (mut sources, mut faults) = scan::expand(&evidence.logs, evidence.root.as_ref().map(|(folder, _)| folder));
    for source in &mut sources {
        if let Source::File { shown, .. } = source {
            evidence.rename(shown);
        }
    }
    for place in faults.iter_mut().filter_map(|fault| fault.place.as_mut()) {
        evidence.rename(&mut place.path);
    }
    // The same report for any order of the files.
    sources.sort_by(|a, b| a.shown().cmp(b.shown()));
    faults.sort_by(|a, b| a.place.cmp(&b.place));
    let mut logs = scan::scan(&sources, &options);
    faults::before(&mut logs, faults);
    if let Some(seconds) = evidence.run.duration_seconds {
        logs.duration_seconds = Some(seconds);
        logs.uptime_ratio = logs.uptime_ratio.filter(|_| seconds > 0.0);
    }
    let names = match &request.subject {
        Subject::Run(_) => sources.iter().map(|source| source.shown().to_owned()).collect(),
        Subject::Files { logs, .. } => names(logs),
    };
    (logs, names)
}
