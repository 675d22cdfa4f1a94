//! The review brief: what the reviewers of a run must know before they decide.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sign_off::SignOff;
use crate::finding::{Finding, Status};
use crate::log::summary::Summary;
use crate::time::{Stamp, human_seconds};

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/review/v1";

/// The brief. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// [`SCHEMA`].
    #[serde(default)]
    pub schema: String,
    /// When the brief was made.
    pub generated_at: Stamp,
    /// The highest status of everything below.
    pub status: Status,
    /// The verdict on the evidence.
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
    /// Where the packet is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_packet: Option<Value>,
}

/// Something that somebody must look after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionItem {
    /// How bad it is.
    pub severity: Status,
    /// Where it comes from: `logs`, `log_gap`, `log_content`, `diary`, `performance`, `run`, `sign_off`, `objective`.
    pub category: String,
    /// One sentence for people.
    pub description: String,
    /// How often it stands in the evidence.
    #[serde(default = "once")]
    pub count: u64,
    /// The finding itself.
    pub context: Value,
}

fn once() -> u64 {
    1
}

/// What the rehearsal was for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// Whether it was reached.
    pub status: Status,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Objective {
    /// Reads `NAME=STATUS[:NOTE]`.
    ///
    /// # Errors
    /// There is no name or status, or the status is no word of any vocabulary.
    pub fn parse(text: &str) -> Result<Self, String> {
        const HINT: &str = "write NAME=STATUS or NAME=STATUS:NOTE, with the status pass, warn or fail";
        let (name, rest) = text.split_once('=').ok_or(HINT)?;
        let (status, note) = rest.split_once(':').unwrap_or((rest, ""));
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(format!("the objective has no name; {HINT}"));
        }
        let status = Status::from_word(status).ok_or_else(|| format!("`{}` is not a status; {HINT}", status.trim()))?;
        let note = Some(note.trim().to_owned()).filter(|n| !n.is_empty());
        Ok(Self { name, status, note })
    }
}

/// What the operator adds to the evidence.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    /// What the run is called.
    pub label: Option<String>,
    /// Who decides.
    pub attendees: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// What the rehearsal was for.
    pub objectives: Vec<Objective>,
}

/// Makes the brief.
pub fn brief(summary: &Summary, sign_off: Option<&SignOff>, remarks: Remarks, generated_at: Stamp) -> Review {
    let action_items = action_items(summary, sign_off, &remarks.objectives);
    let statuses = [summary.status].into_iter().chain(sign_off.map(|s| s.status));
    let status = Status::roll_up(statuses.chain(action_items.iter().map(|i| i.severity)));
    Review {
        schema: SCHEMA.to_owned(),
        generated_at,
        status,
        summary_status: summary.status,
        sign_off_status: sign_off.map(|s| s.status),
        run_label: remarks.label,
        attendees: remarks.attendees,
        notes: remarks.notes,
        highlights: highlights(summary),
        action_items,
        objectives: remarks.objectives,
        evidence_packet: None,
    }
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
        items.extend(findings.iter().map(|f| item(f.severity, category, &f.summary, f)));
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
    let percent = |ratio: f64| json!(format!("{:.2}%", ratio * 100.0));
    let levels: Vec<String> = logs.level_counts.iter().map(|(level, n)| format!("{level}={n}")).collect();
    let mut all = vec![
        ("Log start", logs.started_at.map(|at| json!(at))),
        ("Log end", logs.ended_at.map(|at| json!(at))),
        ("Observed duration", logs.duration_seconds.map(|s| json!(human_seconds(s)))),
        ("Uptime", logs.uptime_ratio.map(percent)),
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

    #[test]
    fn objectives_are_read_and_unknown_words_refused() {
        let good = Objective::parse(" order  flow =go: all fills seen ").unwrap();
        assert_eq!(
            (good.name.as_str(), good.status, good.note.as_deref()),
            ("order flow", Status::Pass, Some("all fills seen"))
        );
        for bad in ["x", "=pass", "x=purple", "x="] {
            assert!(Objective::parse(bad).is_err(), "{bad}");
        }
    }
}
