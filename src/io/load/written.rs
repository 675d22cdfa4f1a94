//! What a run wrote about itself: diaries and performance reports, of one command or of several workloads.

use std::time::Duration;

use super::{Evidence, Named, Request, unreadable};
use crate::evidence::{diary, performance};
use crate::io::files;
use crate::log::summary::workloads::WorkloadsSummary;
use crate::log::summary::{DiarySummary, PerformanceSummary};
use crate::time::Stamp;
use crate::verdict::policy::Policy;

/// The time that evidence must cover, where that is known.
type Window = Option<(Stamp, Stamp)>;

/// The diary in `file`.
pub(super) fn diary(
    evidence: &Evidence,
    file: &Named,
    window: Window,
    policy: &Policy,
    request: &Request,
) -> DiarySummary {
    match file.text() {
        Ok(text) => {
            let rules = policy.diary_rules(request.diary_key.clone());
            let mut summary = diary::summarise(&file.name, text, window, &rules);
            if let Some((modified, started)) = evidence.written(file, "diary", request).zip(evidence.earliest()) {
                diary::check_written(&mut summary, &file.name, modified, started);
            }
            summary
        }
        Err(error) => diary::unreadable(&file.name, &unreadable("the decision diary", &error)),
    }
}

/// The performance report in `file`.
pub(super) fn performance(
    evidence: &Evidence,
    file: &Named,
    window: Window,
    policy: &Policy,
    request: &Request,
) -> PerformanceSummary {
    match file.read(files::FIGURES_LIMIT) {
        Ok(bytes) => {
            let mut summary = performance::summarise(&file.name, &bytes, window, &policy.performance_rules());
            if let Some((modified, started)) = evidence.written(file, "performance", request).zip(evidence.earliest()) {
                performance::check_written(&mut summary, &file.name, modified, started);
            }
            summary
        }
        Err(error) => performance::unreadable(&file.name, &unreadable("the performance report", &error)),
    }
}

impl Evidence {
    /// When an evidence file was last written. Archives may set that back, so of a run that is over the record counts too, by
    /// how old the file was when the run looked at it last.
    fn written(&self, file: &Named, kind: &str, request: &Request) -> Option<Stamp> {
        let record = self.run.record.as_ref().filter(|_| self.run.is_complete() && !request.sealing);
        let of_run = record.filter(|record| {
            let named = [&record.evidence.diary, &record.evidence.performance];
            named.into_iter().flatten().any(|path| file.path.ends_with(path))
        });
        let seen = of_run.and_then(|record| record.evidence_age.get(kind)?.last().copied());
        let told = seen.and_then(|(at, age)| Some(at.minus(Duration::try_from_secs_f64(age).ok()?)));
        told.max(file.modified())
    }
}

/// Judges the evidence of further workloads as that of the first; what is wrong with it belongs to its workload.
pub(super) fn further(evidence: &Evidence, policy: &Policy, request: &Request, workloads: &mut WorkloadsSummary) {
    let required = |kind: &str| match kind {
        "diary" => policy.sign_off.as_ref().is_none_or(|criteria| criteria.require_diary),
        _ => policy.needs_performance(),
    };
    for further in evidence.further.iter().filter(|further| required(&further.kind) || further.file.path.exists()) {
        let window = evidence.run.window_of(Some(&further.path));
        let (status, said) = match further.kind.as_str() {
            "diary" => {
                let summary = diary(evidence, &further.file, window, policy, request);
                let worst = summary.issues.into_iter().find(|issue| issue.severity == summary.status);
                (summary.status, worst.map(|issue| issue.reason))
            }
            _ => {
                let summary = performance(evidence, &further.file, window, policy, request);
                let worst = summary.findings.into_iter().find(|finding| finding.severity == summary.status);
                (summary.status, worst.map(|finding| finding.summary))
            }
        };
        workloads.add_evidence(&further.workload, &further.kind, &further.file.name, (status, said));
    }
}
