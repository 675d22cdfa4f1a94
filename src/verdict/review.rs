//! The review brief: what the reviewers of a run must know before they decide.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::audit::Audit;
use super::sign_off::SignOff;
use crate::finding::{Criterion, Finding, Status, percent};
use crate::log::summary::Summary;
use crate::log::summary::drills::DrillsSummary;
use crate::log::summary::guards::GuardsSummary;
use crate::sanitize::collapse;
use crate::supervise::objective::Objective;
use crate::time::{Stamp, human_seconds};

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/review/v1";

/// The brief. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Review {
    /// [`SCHEMA`].
    #[serde(default)]
    pub schema: String,
    /// When the brief was made.
    pub generated_at: Stamp,
    /// The verdict on the run.
    pub status: Status,
    /// The same.
    #[serde(default)]
    pub verdict: Status,
    /// The verdict in one line, with what was waived and relaxed.
    #[serde(default)]
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// The status of the evidence by itself, before any criterion.
    #[serde(default)]
    pub evidence_status: Status,
    /// The same; the name that other tools look for.
    pub summary_status: Status,
    /// The verdict of the gates.
    pub sign_off_status: Option<Status>,
    /// What the operator called the run.
    pub run_label: Option<String>,
    /// Who decides.
    pub attendees: Vec<String>,
    /// Remarks of the operator.
    pub notes: Vec<String>,
    /// The key figures, by their names.
    pub highlights: BTreeMap<String, Value>,
    /// What somebody must look after, the worst first.
    pub action_items: Vec<ActionItem>,
    /// What the rehearsal was for, and whether that was reached.
    pub objectives: Vec<Objective>,
    /// The drills of the run, where it had some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drills: Option<DrillsSummary>,
    /// Its guards on figures, where it had some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guards: Option<GuardsSummary>,
    /// Every limit with its value and its source.
    #[serde(default)]
    pub criteria: Vec<Criterion>,
    /// Where the packet is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_packet: Option<Value>,
}

/// Something that somebody must look after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionItem {
    /// How bad it is.
    pub severity: Status,
    /// Where it comes from: `logs`, `log_gap`, `log_content`, `diary`, `performance`, `run`, `sign_off`, `objective`.
    pub category: String,
    /// One sentence for people.
    pub description: String,
    /// How often it is in the evidence.
    #[serde(default = "once")]
    pub count: u64,
    /// The finding itself.
    pub context: Value,
}

fn once() -> u64 {
    1
}

/// What the operator adds to the evidence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remarks {
    /// What the run is called.
    pub label: Option<String>,
    /// Who decides.
    pub attendees: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// Makes the brief of a run that was judged.
pub(crate) fn brief(audit: &Audit, remarks: Remarks) -> Review {
    let (summary, sign_off) = (&audit.summary, audit.sign_off.as_ref());
    Review {
        schema: SCHEMA.to_owned(),
        generated_at: summary.generated_at,
        status: audit.verdict,
        verdict: audit.verdict,
        headline: audit.headline.clone(),
        simulated: audit.simulated,
        evidence_status: summary.evidence_status,
        summary_status: summary.evidence_status,
        sign_off_status: sign_off.map(|s| s.status),
        run_label: remarks.label.map(|label| collapse(&label)).filter(|label| !label.is_empty()),
        attendees: names(&remarks.attendees),
        notes: remarks.notes,
        highlights: highlights(summary),
        action_items: action_items(summary, sign_off, &audit.objectives),
        objectives: audit.objectives.clone(),
        drills: summary.drills.clone(),
        guards: summary.guards.clone(),
        criteria: audit.criteria.clone(),
        evidence_packet: None,
    }
}

/// Names as they are shown: without the blanks around and in them, and without empty ones.
pub(crate) fn names(given: &[String]) -> Vec<String> {
    given.iter().map(|name| collapse(name)).filter(|name| !name.is_empty()).collect()
}

fn action_items(summary: &Summary, sign_off: Option<&SignOff>, objectives: &[Objective]) -> Vec<ActionItem> {
    let mut items = Vec::new();
    let logs = &summary.logs;
    for (category, findings) in [
        ("logs", &logs.errors),
        ("logs", &logs.warnings),
        ("log_gap", &logs.gap_incidents),
        ("log_content", &logs.content_incidents),
        ("run", &summary.findings),
    ] {
        items.extend(findings.iter().map(|f| item(f.severity, category, &f.told(), f)));
    }
    for issue in summary.diary.iter().flat_map(|d| &d.issues) {
        let description = format!("{} {}: {}", issue.policy_id, issue.entry_id, issue.reason);
        items.push(item(issue.severity, "diary", description.trim_start_matches("* "), issue));
    }
    let performance: Vec<&Finding> = summary.performance.iter().flat_map(|p| &p.findings).collect();
    items.extend(performance.iter().map(|f| item(f.severity, "performance", &f.summary, f)));
    for finding in sign_off.iter().flat_map(|s| &s.findings) {
        items.push(item(finding.severity, "sign_off", &finding.message, finding));
    }
    for objective in objectives.iter().filter(|o| o.status > Status::Pass) {
        let note = objective.note.as_ref().map(|n| format!(": {n}")).unwrap_or_default();
        items.push(item(objective.status, "objective", &format!("objective {}{note}", objective.name), objective));
    }
    merge(items)
}

fn item(severity: Status, category: &str, description: &str, context: &impl Serialize) -> ActionItem {
    ActionItem {
        severity,
        category: category.to_owned(),
        description: description.to_owned(),
        count: 1,
        context: json!(context),
    }
}

/// Makes equal items one, with a count, and puts the worst first.
fn merge(items: Vec<ActionItem>) -> Vec<ActionItem> {
    let mut seen = BTreeSet::new();
    let mut merged: BTreeMap<(std::cmp::Reverse<Status>, String, String), ActionItem> = BTreeMap::new();
    for item in items {
        let key = (std::cmp::Reverse(item.severity), item.category.clone(), item.description.clone());
        if seen.insert(key.clone()) {
            merged.insert(key, item);
        } else if let Some(known) = merged.get_mut(&key) {
            known.count += 1;
        }
    }
    merged.into_values().collect()
}

fn highlights(summary: &Summary) -> BTreeMap<String, Value> {
    let logs = &summary.logs;
    let percent = |ratio: f64| json!(percent(ratio));
    let unmeasured = || logs.uptime_not_measured.as_ref().map(|why| json!(format!("not measured: {why}")));
    let levels: Vec<String> = logs.level_counts.iter().map(|(level, n)| format!("{level}={n}")).collect();
    let mut all = vec![
        ("Log start", logs.started_at.map(|at| json!(at))),
        ("Log end", logs.ended_at.map(|at| json!(at))),
        ("Observed duration", logs.duration_seconds.map(|s| json!(human_seconds(s)))),
        ("Uptime", logs.uptime_ratio.map(percent).or_else(unmeasured)),
        ("Log levels", (!levels.is_empty()).then(|| json!(levels.join(", ")))),
    ];
    if let Some(diary) = &summary.diary {
        all.push(("Diary entries", Some(json!(diary.total_entries))));
        all.push(("Diary first", diary.first_recorded_at.map(|at| json!(at))));
        all.push(("Diary last", diary.last_recorded_at.map(|at| json!(at))));
    }
    if let Some(performance) = &summary.performance {
        all.push(("Trades", Some(json!(performance.total_trades))));
        all.push(("ROI", performance.roi.map(percent)));
        all.push(("Win rate", performance.win_rate.map(percent)));
        all.push(("Sharpe ratio", performance.sharpe_ratio.map(|s| json!((s * 100.0).round() / 100.0))));
    }
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(severity: Status, category: &str, text: &str) -> ActionItem {
        item(severity, category, text, &json!({"n": 1}))
    }

    #[test]
    fn equal_items_are_one_with_a_count_and_the_worst_comes_first() {
        let items = merge(vec![
            found(Status::Warn, "logs", "slow"),
            found(Status::Fail, "run", "killed"),
            found(Status::Warn, "logs", "slow"),
            found(Status::Fail, "logs", "slow"),
        ]);
        let told: Vec<(Status, &str, &str, u64)> = items
            .iter()
            .map(|item| (item.severity, item.category.as_str(), item.description.as_str(), item.count))
            .collect();
        assert_eq!(
            told,
            [(Status::Fail, "logs", "slow", 1), (Status::Fail, "run", "killed", 1), (Status::Warn, "logs", "slow", 2),]
        );
    }

    #[test]
    fn an_objective_that_was_reached_is_no_work() {
        let objective = |name: &str, status, note: Option<&str>| Objective {
            name: name.to_owned(),
            status,
            note: note.map(str::to_owned),
        };
        let objectives = [
            objective("failover", Status::Pass, None),
            objective("rollback", Status::Fail, Some("took 9 minutes")),
            objective("restore", Status::Warn, None),
        ];
        let at = Stamp::from_seconds(0).expect("in range");
        let summary = Summary {
            generated_at: at,
            ..serde_json::from_value(json!({
                "schema": "", "generated_at": at, "evidence_status": "pass", "metadata": {}, "logs": {}, "findings": [],
            }))
            .expect("a summary")
        };
        let told: Vec<String> =
            action_items(&summary, None, &objectives).into_iter().map(|item| item.description).collect();
        assert_eq!(told, ["objective rollback: took 9 minutes", "objective restore"]);
    }
}
