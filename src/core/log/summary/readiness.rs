//! What the documents of other systems say of their readiness: one component each, and the verdict on all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Gate, Metadata, Status};
use crate::time::Stamp;

/// What is before the name of a component in the name of its gate.
pub const GATE: &str = "readiness";

/// The components of a release with the verdict on them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Readiness {
    /// The verdict by the policy, before any waiver.
    pub status: Status,
    /// The time of the newest component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Stamp>,
    /// The components, by name.
    pub components: Vec<Component>,
    /// Counts over the components, and their issues.
    pub metadata: Counts,
    /// Whether the release is held up, and by what.
    pub gate: Hold,
    /// Every issue of every component, and what the policy holds against them.
    pub findings: Vec<Finding>,
    /// What people are told of it: each issue with its own severity, the whole and its gate; warnings and worse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<Alert>,
    /// What the gates rest on.
    #[serde(skip)]
    pub reasons: Vec<Reason>,
    /// The gate of each component, and that of all of them where it has something to say.
    #[serde(skip)]
    pub gates: Vec<Gate>,
}

/// One document, or one part of it, with a verdict.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Component {
    /// Its name: given, its own, or that of its file.
    pub name: String,
    /// What it says, by the rules of its kind.
    pub status: Status,
    /// The verdict of its gate: what the policy makes of that.
    pub verdict: Status,
    /// One sentence for people.
    pub summary: String,
    /// What kind of document it is: `validation`, `incident`, …
    pub kind: String,
    /// The file, as given.
    pub path: String,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated_at: Option<Stamp>,
    /// How old it was when it was judged, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// How many checks, figures or events the verdict rests on.
    pub samples: u64,
    /// Further figures of its kind.
    pub metadata: Metadata,
}

/// Counts over all components.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// How many components there are.
    pub component_count: u64,
    /// Components by status.
    pub status_breakdown: BTreeMap<String, u64>,
    /// The status of each.
    pub component_statuses: BTreeMap<String, Status>,
    /// Issues of all components by severity; a component without a list of issues counts as one.
    pub issue_counts: BTreeMap<String, u64>,
    /// The issues of each component that has any.
    pub component_issue_details: BTreeMap<String, Issues>,
    /// Components that are required and not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_components: Vec<String>,
}

/// The issues of a component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issues {
    /// By severity.
    pub issue_counts: BTreeMap<String, u64>,
    /// Each, the worst first; at most a thousand.
    pub issue_details: Vec<Issue>,
    /// The same by category.
    pub issue_catalog: BTreeMap<String, Vec<Issue>>,
    /// The worst of each category.
    pub issue_category_severity: BTreeMap<String, Status>,
    /// The worst of all.
    pub highest_issue_severity: Status,
    /// The status of the component.
    pub severity: Status,
    /// What the component says in one sentence.
    pub summary: String,
}

/// One thing that is wrong with a component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// What it is about: `check`, `training`, `age`, …
    pub category: String,
    /// How bad it is.
    pub severity: Status,
    /// One sentence for people.
    pub message: String,
    /// Where in the document it is: a JSON pointer, empty for the whole of it.
    pub detail: String,
    /// Its code in the list of reasons, beside that of the component.
    #[serde(skip)]
    pub code: Option<String>,
    /// The line of the file, where the document itself cannot be read.
    #[serde(skip)]
    pub line: Option<u64>,
}

/// Whether the release is held up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hold {
    /// The highest status of the gates of readiness, with their waivers.
    pub status: Status,
    /// Whether it is a FAIL.
    pub should_block: bool,
    /// Why, in words.
    pub blocking_reasons: Vec<String>,
    /// What does not hold it up, in words.
    pub warnings: Vec<String>,
    /// Why, as codes: lower-case letters, digits and `_`.
    pub blocking_reason_codes: Vec<String>,
    /// What does not hold it up, as codes.
    pub warning_reason_codes: Vec<String>,
}

/// An event for those who are told of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// `operational.readiness`, `operational.readiness.gate`, or `operational.` with the name of a component.
    pub category: String,
    /// `warning` or `critical`.
    pub severity: String,
    /// One sentence for people.
    pub message: String,
}

/// Why a gate of readiness is what it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reason {
    /// The name of the gate; empty for all of them.
    pub gate: String,
    /// Whether it makes that gate a FAIL or a WARN.
    pub severity: Status,
    /// Its code.
    pub code: String,
    /// In words.
    pub text: String,
}

impl Readiness {
    /// Says whether the release is held up, by the final gates: waivers and the criteria of a sign-off may have changed
    /// them since.
    pub fn settle(&mut self, gates: &[Gate]) {
        let own = |name: &str| name == GATE || name.strip_prefix(GATE).is_some_and(|rest| rest.starts_with('/'));
        let gates: Vec<&Gate> = gates.iter().filter(|gate| own(&gate.name)).collect();
        let status = Status::roll_up(gates.iter().map(|gate| gate.status));
        let mut hold = Hold { status, should_block: status == Status::Fail, ..Hold::default() };
        for reason in &self.reasons {
            let of = gates.iter().find(|gate| gate.name == reason.gate);
            let blocks = match of {
                Some(gate) => gate.status == Status::Fail && (reason.severity == Status::Fail || gate.raised),
                None => hold.should_block,
            };
            let (texts, codes) = match blocks {
                true => (&mut hold.blocking_reasons, &mut hold.blocking_reason_codes),
                false => (&mut hold.warnings, &mut hold.warning_reason_codes),
            };
            for (list, item) in [(texts, &reason.text), (codes, &reason.code)] {
                if !item.is_empty() && !list.contains(item) {
                    list.push(item.clone());
                }
            }
        }
        self.gate = hold;
        self.alerts = self.told();
    }

    /// The events of these verdicts: one for each issue, so that none hides behind another.
    fn told(&self) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let mut add = |about: &str, status: Status, message: &str| {
            let severity = match status {
                Status::Pass => return,
                Status::Warn => "warning",
                Status::Fail => "critical",
            };
            let category = format!("operational.{about}");
            alerts.push(Alert { category, severity: severity.to_owned(), message: message.to_owned() });
        };
        add("readiness", self.status, &format!("the readiness is {}", self.status.label()));
        for component in &self.components {
            let issues = self.metadata.component_issue_details.get(&component.name);
            match issues.filter(|issues| !issues.issue_details.is_empty()) {
                Some(issues) => issues.issue_details.iter().for_each(|i| add(&component.name, i.severity, &i.message)),
                None => add(&component.name, component.status, &component.summary),
            }
        }
        for name in &self.metadata.missing_components {
            add(name, Status::Fail, &format!("{name} is missing"));
        }
        let why = if self.gate.should_block { &self.gate.blocking_reasons } else { &self.gate.warnings };
        add("readiness.gate", self.gate.status, &why.join("; "));
        alerts
    }
}
