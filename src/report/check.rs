//! What `final-dry-run --check` found, for people.

use super::{Block, Cell, Doc, Table, Tone, criteria};
use crate::finding::{Criterion, Status, count};
use crate::supervise::plan::Restart;
use crate::supervise::workloads::document::{Planned, PlannedWorkload};
use crate::time::human_seconds;

/// One thing that a run needs.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Need {
    /// What: `command`.
    pub name: &'static str,
    /// Whether it is as it must be; a WARN does not keep a run from starting.
    pub status: Status,
    /// What was found, or how to fix it.
    pub detail: String,
}

/// An option that somebody set.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Set {
    /// The option, without its hyphens.
    pub option: String,
    /// Its value, for people.
    pub value: String,
    /// Where: `--duration`, `EMP_OPS_DURATION`, `emp-ops.toml:3`.
    pub source: String,
}

/// What a run would start with.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Check {
    /// The name of this form: `emp-ops/check/v1`.
    pub schema: &'static str,
    /// Whether a run could start.
    pub ready: bool,
    /// What it needs.
    pub checks: Vec<Need>,
    /// The options that somebody set, without the limits.
    pub settings: Vec<Set>,
    /// Every limit with its source; empty where they contradict each other.
    pub criteria: Vec<Criterion>,
    /// The workloads as they would be supervised, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Planned>,
}

/// The check as a document.
pub(crate) fn document(check: &Check) -> Doc {
    let mut doc = Doc::new("Check before a rehearsal");
    let failed = check.checks.iter().filter(|need| need.status == Status::Fail).count() as u64;
    doc.push(Block::Text(match failed {
        0 => "Ready: nothing was started.".into(),
        _ => Cell::new(
            format!(
                "Not ready: {} of {} failed. Nothing was started.",
                failed,
                count(check.checks.len() as u64, "check")
            ),
            Tone::Status(Status::Fail),
        ),
    }));
    let mut needs = Table::new(&["check", "", "found"]);
    for need in &check.checks {
        let word = if need.status == Status::Pass { "ok" } else { need.status.label() };
        let state = Cell::new(word, Tone::Status(need.status));
        needs.row([Cell::from(need.name), state, need.detail.as_str().into()]);
    }
    doc.section("Checks", Block::Table(needs));
    if let Some(planned) = &check.workloads {
        doc.section("Workloads", Block::Table(workloads(planned)));
    }
    let mut settings = Table::new(&["option", "value", "set by"]);
    for set in &check.settings {
        settings.row([set.option.as_str(), set.value.as_str(), set.source.as_str()]);
    }
    doc.section("Settings", Block::Table(settings));
    criteria::section(&mut doc, &check.criteria);
    doc
}

/// The workloads in the order of their starts. They are stopped in the reverse order.
fn workloads(planned: &Planned) -> Table {
    let mut table = Table::new(&["start", "workload", "what", "waits for", "ready", "limits", "set by"]);
    let mut order: Vec<&PlannedWorkload> = planned.workloads.iter().collect();
    order.sort_by_key(|workload| workload.level);
    for workload in order {
        let what = match (workload.left_out, workload.job, workload.required) {
            (true, ..) => "left out",
            (_, true, true) => "required job",
            (_, true, false) => "optional job",
            (_, false, true) => "required service",
            (_, false, false) => "optional service",
        };
        let waits = workload.depends_on.iter().map(|(name, condition)| format!("{name} {}", condition.word()));
        let waits: Vec<String> = waits.collect();
        let ready = workload.ready.as_ref().map_or_else(
            || if workload.job { "when it is done".to_owned() } else { "no probe".to_owned() },
            |ready| format!("{} within {}", ready.check, human_seconds(ready.within_seconds)),
        );
        let sources: Vec<String> = workload.sources.iter().map(|(key, source)| format!("{key} {source}")).collect();
        table.row([
            workload.level.to_string(),
            workload.name.clone(),
            what.to_owned(),
            if waits.is_empty() { "nothing".to_owned() } else { waits.join(", ") },
            ready,
            limits(workload),
            sources.join(", "),
        ]);
    }
    table
}

fn limits(workload: &PlannedWorkload) -> String {
    let mut limits = vec![match workload.restart {
        Restart::Never => "never restarted".to_owned(),
        Restart::OnFailure => format!("{} after failures", count(workload.max_restarts, "restart")),
        Restart::Always => format!("{} after any end", count(workload.max_restarts, "restart")),
    }];
    if let Some(seconds) = workload.hang_timeout_seconds {
        limits.push(format!("hangs after {}", human_seconds(seconds)));
    }
    limits.push(format!("{} to stop", human_seconds(workload.shutdown_grace_seconds)));
    limits.join(", ")
}
