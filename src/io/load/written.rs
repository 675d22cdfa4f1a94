//! What a run wrote about itself: diaries and performance reports, of one command or of several workloads.

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
            if let Some((modified, started)) = file.modified().zip(evidence.earliest()) {
                diary::check_written(&mut summary, &file.name, modified, started);
            }
            summary
        }
        Err(error) => diary::unreadable(&file.name, &unreadable("the decision diary", &error)),
    }
}

/// The performance report in `file`.
pub(super) fn performance(evidence: &Evidence, file: &Named, window: Window, policy: &Policy) -> PerformanceSummary {
    match file.read(files::FIGURES_LIMIT) {
        Ok(bytes) => {
            let mut summary = performance::summarise(&file.name, &bytes, window, &policy.performance_rules());
            if let Some((modified, started)) = file.modified().zip(evidence.earliest()) {
                performance::check_written(&mut summary, &file.name, modified, started);
            }
            summary
        }
        Err(error) => performance::unreadable(&file.name, &unreadable("the performance report", &error)),
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
                let summary = performance(evidence, &further.file, window, policy);
                let worst = summary.findings.into_iter().find(|finding| finding.severity == summary.status);
                (summary.status, worst.map(|finding| finding.summary))
            }
        };
        workloads.add_evidence(&further.workload, &further.kind, &further.file.name, (status, said));
    }
}
