//! What an infrastructure plan would change.

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};

/// What the infrastructure plan would change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanSummary {
    /// The highest severity of the findings below.
    pub status: Status,
    /// The plan, as given.
    pub path: String,
    /// Resources in the plan.
    pub resources: u64,
    /// Every pending change.
    pub changes: Vec<PlanChange>,
    /// The changes and the faults of the plan.
    pub findings: Vec<Finding>,
}

/// A pending change of one resource or output.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanChange {
    /// The address of the resource, or `output.NAME`.
    pub address: String,
    /// The type of the resource, or `output`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What would be done: `create`, `update`, `delete`, `import`, `move`, …
    pub actions: Vec<String>,
}

impl PlanChange {
    /// What would happen, as a participle: `replaced`, `created and moved`.
    pub fn words(&self) -> String {
        let actions: Vec<&str> = self.actions.iter().map(String::as_str).collect();
        let (replaced, rest) = match actions.as_slice() {
            ["delete", "create", rest @ ..] | ["create", "delete", rest @ ..] => (Some("replaced"), rest),
            rest => (None, rest),
        };
        let word = |action: &&str| match *action {
            "create" => "created".to_owned(),
            "update" => "updated in place".to_owned(),
            "delete" => "destroyed".to_owned(),
            "import" => "imported".to_owned(),
            "move" => "moved".to_owned(),
            "forget" => "forgotten".to_owned(),
            "unknown" => "changed in a way that the plan does not state".to_owned(),
            other => format!("changed ({other})"),
        };
        replaced.map(str::to_owned).into_iter().chain(rest.iter().map(word)).collect::<Vec<_>>().join(" and ")
    }
}
