//! The timeline of a run: a chain of snapshots, none lost, altered or moved, whose figures only grow.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::evidence::snapshot_chain::Chain;
use crate::finding::{Criterion, Finding, Status};
use crate::json::lenient;
use crate::supervise::progress::Phase;
use crate::supervise::record::RunRecord;
use crate::time::Stamp;

/// What must hold from one snapshot to the next.
#[derive(Clone, Debug, Deserialize)]
struct Figures {
    phase: Phase,
    started_at: Stamp,
    elapsed_seconds: f64,
    target_duration_seconds: f64,
    required_duration_seconds: f64,
    minimum_uptime_ratio: f64,
    require_diary_evidence: bool,
    require_performance_evidence: bool,
    total_lines: u64,
    restarts: u64,
    level_counts: BTreeMap<String, u64>,
    incident_counts: BTreeMap<Status, u64>,
    #[serde(default)]
    criteria: Vec<Criterion>,
}

/// A timeline, given one snapshot after the other in the order of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    chain: Chain,
    /// Snapshots so far.
    pub snapshots: u64,
    before: Option<(String, Figures)>,
    /// The limits as the first one has them.
    criteria: Vec<Criterion>,
    /// The phase of the last one.
    last_phase: Option<Phase>,
    ended: Vec<(String, f64)>,
    findings: Vec<Finding>,
}

impl Course {
    /// Adds the next snapshot. `path` is what the user calls it.
    pub(crate) fn push(&mut self, path: &str, bytes: &[u8]) {
        self.chain.push(path, bytes);
        self.snapshots += 1;
        self.last_phase = None;
        // A snapshot that cannot be read is a finding of the chain already.
        let Some(document) = lenient::parse(&lenient::text(bytes)).ok() else { return };
        let figures: Figures = match serde_json::from_value(document) {
            Ok(figures) => figures,
            Err(error) => {
                let text = format!("this is no snapshot of a run: {error}");
                return self.findings.push(Finding::fail(text).in_file(path, None));
            }
        };
        self.last_phase = Some(figures.phase);
        if matches!(figures.phase, Phase::Sealing | Phase::Complete) {
            self.ended.push((path.to_owned(), figures.elapsed_seconds));
        }
        if self.snapshots == 1 {
            self.criteria.clone_from(&figures.criteria);
        }
        if let Some((earlier, before)) = &self.before {
            let wrong = before.contradicted_by(&figures);
            self.findings.extend(
                wrong
                    .into_iter()
                    .map(|what| Finding::fail(format!("{path} contradicts {earlier}: {what}")).in_file(path, None)),
            );
        }
        self.before = Some((path.to_owned(), figures));
    }

    /// What is wrong, given the record of the run. `complete` says whether the record closes the timeline. `path` is
    /// the timeline itself.
    pub(super) fn finish(self, path: &str, record: &RunRecord, complete: bool) -> Vec<Finding> {
        let recorded = &record.progress;
        let mut findings = self.chain.finish(path, recorded.snapshots, recorded.head_sha256.as_deref());
        let fail = |text: String| Finding::fail(text).in_file(path, None);
        findings.extend(self.findings);
        if complete {
            if recorded.head_sha256.is_none() {
                findings.push(fail("there is a timeline, but the run record names no last snapshot of it".to_owned()));
            } else if self.snapshots > recorded.snapshots {
                let text = format!("it has {} snapshots, the run recorded {}", self.snapshots, recorded.snapshots);
                findings.push(fail(format!("the progress timeline is broken: {text}")));
            }
            if self.last_phase.is_some_and(|phase| phase != Phase::Complete) {
                findings.push(fail("the last snapshot of the timeline is not that of a complete run".to_owned()));
            }
        }
        if let Some((_, figures)) = &self.before
            && figures.started_at != record.started_at
        {
            let (shown, recorded) = (figures.started_at, record.started_at);
            findings.push(fail(format!("the run started at {shown} by its timeline, at {recorded} by its record")));
        }
        if !self.criteria.is_empty() && self.criteria != record.criteria {
            let text = "the criteria of the run record are not those with which its first snapshot was written";
            findings.push(fail(text.to_owned()));
        }
        if let Some(recorded) = record.duration_seconds {
            for (name, seconds) in self.ended.iter().filter(|(_, seconds)| (seconds - recorded).abs() > 1e-3) {
                let text = format!("{name} says that the run lasted {seconds} seconds, its record {recorded}");
                findings.push(Finding::fail(text).in_file(name.as_str(), None));
            }
        }
        findings
    }
}

impl Figures {
    /// What cannot follow from one snapshot to the next.
    fn contradicted_by(&self, next: &Self) -> Vec<String> {
        let mut wrong = Vec::new();
        let fixed = [
            ("the start", self.started_at != next.started_at),
            ("target_duration_seconds", self.target_duration_seconds != next.target_duration_seconds),
            ("required_duration_seconds", self.required_duration_seconds != next.required_duration_seconds),
            ("minimum_uptime_ratio", self.minimum_uptime_ratio != next.minimum_uptime_ratio),
            ("require_diary_evidence", self.require_diary_evidence != next.require_diary_evidence),
            ("require_performance_evidence", self.require_performance_evidence != next.require_performance_evidence),
        ];
        wrong.extend(fixed.iter().filter(|(_, changed)| *changed).map(|(what, _)| format!("{what} is another")));
        let mut fewer = |what: String, before: u64, after: u64| {
            if after < before {
                wrong.push(format!("{what} went down from {before} to {after}"));
            }
        };
        fewer("total_lines".to_owned(), self.total_lines, next.total_lines);
        fewer("restarts".to_owned(), self.restarts, next.restarts);
        for (level, before) in &self.level_counts {
            fewer(format!("level_counts.{level}"), *before, next.level_counts.get(level).copied().unwrap_or(0));
        }
        for (severity, before) in &self.incident_counts {
            let after = next.incident_counts.get(severity).copied().unwrap_or(0);
            fewer(format!("incident_counts.{}", severity.word()), *before, after);
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn figures(change: impl FnOnce(&mut Value)) -> Figures {
        let mut document = json!({
            "phase": "running", "started_at": "2025-01-06T00:00:00Z", "elapsed_seconds": 10.0,
            "target_duration_seconds": 60.0, "required_duration_seconds": 60.0, "minimum_uptime_ratio": 0.98,
            "require_diary_evidence": true, "require_performance_evidence": true, "total_lines": 100, "restarts": 1,
            "level_counts": {"info": 99, "error": 1}, "incident_counts": {"fail": 1},
        });
        change(&mut document);
        serde_json::from_value(document).expect("figures")
    }

    #[test]
    fn from_one_snapshot_to_the_next_limits_stay_and_counts_only_grow() {
        type Change = fn(&mut Value);
        let cases: &[(&[&str], Change)] = &[
            (&[], |_| {}),
            (&[], |v| v["total_lines"] = json!(5000)),
            (&[], |v| v["level_counts"] = json!({"info": 100, "error": 1, "debug": 7})),
            (&["the start is another"], |v| v["started_at"] = json!("2025-01-06T00:00:01Z")),
            (&["required_duration_seconds is another"], |v| v["required_duration_seconds"] = json!(1.0)),
            (&["minimum_uptime_ratio is another"], |v| v["minimum_uptime_ratio"] = json!(0.0)),
            (&["require_diary_evidence is another"], |v| v["require_diary_evidence"] = json!(false)),
            (&["total_lines went down from 100 to 99"], |v| v["total_lines"] = json!(99)),
            (&["restarts went down from 1 to 0"], |v| v["restarts"] = json!(0)),
            (&["level_counts.error went down from 1 to 0"], |v| v["level_counts"] = json!({"info": 99})),
            (&["incident_counts.fail went down from 1 to 0"], |v| v["incident_counts"] = json!({})),
        ];
        for (expect, change) in cases {
            assert_eq!(figures(|_| {}).contradicted_by(&figures(change)), *expect);
        }
    }

    #[test]
    fn what_is_no_snapshot_is_named_with_its_file() {
        let mut course = Course::default();
        course.push("t/1.json", b"{}");
        assert_eq!(course.snapshots, 1);
        let found = course.findings.first().expect("a finding");
        assert!(found.summary.starts_with("this is no snapshot of a run"), "{}", found.summary);
        assert_eq!(found.place.as_ref().map(|place| place.path.as_str()), Some("t/1.json"));
    }
}
