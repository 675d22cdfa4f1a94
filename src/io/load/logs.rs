//! Reads the logs of a run or those that were named, here or in shards, together and by workload.

use std::path::PathBuf;
use std::time::Duration;

use super::{Evidence, Request, Subject};
use crate::io::read::scan::{self, ScanOptions, Source};
use crate::log::summary::LogSummary;
use crate::log::summary::workloads::WorkloadsSummary;
use crate::log::totals::faults;
use crate::verdict::policy::Policy;
use crate::verdict::run::Place;

/// The summary of the logs, and how each of them is called.
pub(super) fn read(
    evidence: &Evidence,
    policy: &Policy,
    request: &Request,
) -> (LogSummary, Vec<String>, Option<WorkloadsSummary>) {
    let workloads = &evidence.run.workloads;
    let seconds = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let options = ScanOptions {
        warn_gap: policy.warn_gap(),
        fail_gap: policy.fail_gap(),
        max_listed: policy.logs.max_listed,
        layout: policy.layout(),
        ignore: policy.logs.ignore.clone(),
        statuses: policy.logs.statuses.clone(),
        drills: evidence.run.excuses.clone(),
        threads: request.threads,
        window: evidence.run.window,
        pauses: evidence.run.pauses.clone(),
        drain: evidence.run.drain(),
        receipt: evidence.run.receipt.clone(),
        groups: workloads.gaps().map(|(warn, fail)| (seconds(warn), seconds(fail))).collect(),
        show_progress: request.show_progress,
    };
    let names = |logs: &[PathBuf]| {
        let mut names: Vec<String> = logs.iter().map(|path| path.display().to_string()).collect();
        names.sort();
        names
    };
    if let Some(folded) = &request.folded {
        let logs = folded.summary(&options.terms((options.warn_gap, options.fail_gap)));
        return (logs, names(&evidence.logs), None);
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
    let prefix = evidence.place.map_or("", Place::prefix);
    let owner = |shown: &str| workloads.owner(shown.strip_prefix(prefix).unwrap_or(shown));
    let (mut logs, parts) = scan::scan_groups(&sources, &options, owner);
    faults::before(&mut logs, faults);
    if let Some(seconds) = evidence.run.duration_seconds {
        logs.duration_seconds = Some(seconds);
        logs.uptime_ratio = logs.uptime_ratio.filter(|_| seconds > 0.0);
    }
    let record = evidence.run.record.as_ref().filter(|_| !workloads.is_empty());
    let judged = record.map(|record| workloads.judge(record, parts, &mut logs, policy.logs.max_listed));
    let names = match &request.subject {
        Subject::Run(_) => sources.iter().map(|source| source.shown().to_owned()).collect(),
        Subject::Files { logs, .. } => names(logs),
    };
    (logs, names, judged)
}
