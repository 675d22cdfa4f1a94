//! What a packet contains, one row for each file: what `README.md` says of it, and how an audit holds it against the
//! evidence. The documents are written in `report/run_documents.rs` and `command/final_dry_run/seal.rs`; one that has no
//! row here is not packed.

use crate::supervise::record::RunRecord;
use crate::supervise::workloads::runtime::RUNTIME_SUMMARY;
use crate::verdict::packet::{
    PAGE, POLICY_JSON, README, SIGN_OFF_JSON, SUMMARY_JSON, SUMMARY_MARKDOWN, VERIFY, WAIVERS_JSON,
};
use crate::verdict::run::PROGRESS;

/// A file of a packet, or all files of a folder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Its path in the packet; that of a folder ends in a slash.
    pub path: &'static str,
    /// What `README.md` says of it; empty where that names it with others.
    pub what: &'static str,
    /// How an audit of the packet holds it against the evidence.
    pub held: Held,
}

/// How an audit holds a file of a packet against the evidence, beside its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It is evidence: digests in the run record vouch for it, or it is judged itself.
    Evidence,
    /// It is written again from the evidence, and must be the same.
    Derived,
    /// It is written again as well, and no packet is without it.
    Required,
    /// Only digests and signatures vouch for it: it says nothing of the run, or nothing that the evidence knows.
    Digest,
}

const fn part(path: &'static str, held: Held, what: &'static str) -> Part {
    Part { path, what, held }
}

/// Every file, in the order in which people read them.
pub(crate) const CONTENTS: &[Part] = &[
    part(README, Held::Derived, ""),
    part(PAGE, Held::Derived, "the page for reviewers, with everything below in one place; any browser opens it"),
    part("summary.md", Held::Derived, "the verdict, why, the gates and the criteria"),
    part("review.md", Held::Derived, "what the reviewers decide on: objectives, action items, remarks, attendees"),
    part(
        "wrap_up.md",
        Held::Derived,
        "the minutes: what happened, who does what by when; what was waived is still work there",
    ),
    part("backlog.md", Held::Derived, "the follow-ups, for a tracker; what was waived is still one"),
    part(SUMMARY_MARKDOWN, Held::Derived, "the evidence in detail: logs, silences, diary, performance"),
    part(VERIFY.0, Held::Digest, "how to verify the files and their signatures by hand"),
    part(
        "attestations.intoto.jsonl",
        Held::Digest,
        "the signatures: of the verdict, and of the decisions of reviewers",
    ),
    part("SHA256SUMS", Held::Digest, "the digest of every file"),
    part("manifest.json", Held::Digest, "the list of the files"),
    part(POLICY_JSON, Held::Required, "the policy by which the run was judged"),
    part(WAIVERS_JSON, Held::Derived, "the waivers that were in force"),
    part(SIGN_OFF_JSON, Held::Required, "the gates, for programs"),
    part(
        "summary.json",
        Held::Derived,
        "the verdict with everything that it rests on, for programs; so are the other JSON files",
    ),
    part(SUMMARY_JSON, Held::Required, ""),
    part("review.json", Held::Derived, ""),
    part("delivery_receipt.json", Held::Digest, "who heard of the verdict"),
    part(RUNTIME_SUMMARY, Held::Derived, "the workloads, for readers of supervised tasks"),
    part("wrap_up.json", Held::Derived, ""),
    part("backlog.json", Held::Derived, ""),
    part("raw/run.json", Held::Evidence, "the record of the run: settings, attempts, incidents"),
    part("raw/logs/", Held::Evidence, "the logs: structured (.jsonl) and as they were printed (.log)"),
    part("raw/progress_timeline/", Held::Evidence, "snapshots during the run, each with the digest of the one before"),
    // The last snapshot, diary, performance report, checklist, acknowledgements, documents of components; of several workloads their plan and their
    // changes of state.
    part("raw/", Held::Evidence, ""),
];

/// The documents that tell the verdict.
pub(crate) fn documents() -> impl Iterator<Item = &'static str> {
    // These are compared by functions of their own.
    let told = CONTENTS.iter().filter(|part| ![POLICY_JSON, WAIVERS_JSON].contains(&part.path));
    told.filter(|part| [Held::Derived, Held::Required].contains(&part.held)).map(|part| part.path)
}

/// The files that every packet holds, of those that are derived.
pub(crate) fn required() -> impl Iterator<Item = &'static str> {
    CONTENTS.iter().filter(|part| part.held == Held::Required).map(|part| part.path)
}

/// The evidence of a run below `raw/`, but for its record and its timeline: each path in the run directory, and whether
/// it is missed where there is no such file.
pub(crate) fn evidence(record: &RunRecord) -> Vec<(&str, bool)> {
    let (files, settings) = (&record.evidence, &record.settings);
    let needs_performance = settings.require_performance
        || settings.minimum_sharpe_ratio.is_some()
        || !settings.performance_figures.is_empty();
    let always = files.logs.iter().chain(&files.raw_logs).chain(&files.checklist).chain(&files.checklist_files);
    let always = always.chain(&files.acks);
    let diary = files.diary.iter().map(|path| (path, settings.require_diary));
    let performance = files.performance.iter().map(|path| (path, needs_performance));
    let workloads = files.workload_files.iter().map(|path| (path, false));
    let drills = files.drill_files.iter().chain(&files.guards).chain(&files.guard_samples).chain(&files.notifications);
    let drills = drills.map(|path| (path, true));
    let components = files.components.iter().map(|component| &component.path).chain(&files.component_history);
    let components = components.map(|path| (path, false));
    let named = always
        .map(|path| (path, true))
        .chain(diary)
        .chain(performance)
        .chain(components)
        .chain(workloads)
        .chain(drills);
    let named = named.map(|(path, missed)| (path.as_str(), missed));
    // What is elsewhere stays there.
    named.filter(|(path, _)| !path.starts_with('/')).chain([(PROGRESS, true)]).collect()
}

/// Whether a file of a packet is one that belongs in it.
pub(crate) fn belongs(path: &str) -> bool {
    CONTENTS.iter().any(|part| part.path == path || part.path.ends_with('/') && path.starts_with(part.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::record::FILE_NAME;
    use crate::verdict::run::TIMELINE;

    #[test]
    fn each_path_stands_once_and_folders_end_in_a_slash() {
        for (at, part) in CONTENTS.iter().enumerate() {
            assert!(!CONTENTS[..at].iter().any(|other| other.path == part.path), "{} twice", part.path);
            assert!(belongs(part.path));
        }
        assert!(belongs(&format!("raw/{FILE_NAME}")) && belongs(&format!("raw/{TIMELINE}/snapshot-1.json")));
        assert!(!belongs("notes.txt"));
    }

    #[test]
    fn what_an_audit_compares_is_what_tells_a_verdict() {
        let all: Vec<&str> = documents().collect();
        for name in [SUMMARY_JSON, SUMMARY_MARKDOWN, SIGN_OFF_JSON, PAGE, README, "review.md", "backlog.json"] {
            assert!(all.contains(&name), "{name}");
        }
        for name in [POLICY_JSON, WAIVERS_JSON, VERIFY.0, "SHA256SUMS", "raw/run.json"] {
            assert!(!all.contains(&name), "{name}");
        }
        assert_eq!(required().collect::<Vec<_>>(), [POLICY_JSON, SIGN_OFF_JSON, SUMMARY_JSON]);
    }

    #[test]
    fn evidence_that_nobody_asked_for_is_not_missed_and_what_lies_elsewhere_stays_there() {
        let record = include_str!("../../fixtures/audit/run/run.json");
        let record: serde_json::Value = serde_json::from_str(record).unwrap();
        let mut record: RunRecord = serde_json::from_value(record).unwrap();
        record.evidence.diary = Some("diary.json".to_owned());
        record.evidence.performance = Some("/srv/app/performance.json".to_owned());
        for required in [true, false] {
            record.settings.require_diary = required;
            let all = evidence(&record);
            assert!(all.contains(&("diary.json", required)), "{all:?}");
            assert!(all.contains(&(PROGRESS, true)), "{all:?}");
            assert!(record.evidence.logs.iter().all(|log| all.contains(&(log.as_str(), true))), "{all:?}");
            assert!(!all.iter().any(|(path, _)| path.contains("performance")), "{all:?}");
        }
    }
}
