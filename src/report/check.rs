//! What `final-dry-run --check` found, for people.

use super::{Block, Cell, Doc, Table, Tone, criteria};
use crate::finding::{Criterion, Status, count};

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
    let mut settings = Table::new(&["option", "value", "set by"]);
    for set in &check.settings {
        settings.row([set.option.as_str(), set.value.as_str(), set.source.as_str()]);
    }
    doc.section("Settings", Block::Table(settings));
    criteria::section(&mut doc, &check.criteria);
    doc
}
