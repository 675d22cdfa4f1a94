//! The audit as a document: the verdict and what decided it, the gates, what would change the verdict, the evidence.

pub(super) mod acks;
pub(super) mod comparison;
pub(super) mod drills;
mod evidence;
pub(super) mod guards;
mod logs;
mod readiness;
mod signatures;

pub(super) use logs::down_times;

use super::{Block, Cell, Doc, Table, Tone, count, criteria};
use crate::finding::{Gate, Place, Status, Waived, to_fix};
use crate::verdict::audit::Audit;
use crate::verdict::gates;
use crate::verdict::headline::{WORKLOADS, reasons};

/// How many items of a kind people are shown; JSON has them all.
const SHOWN: usize = 10;

/// The document of an audit of `subject`.
pub(crate) fn doc(audit: &Audit, subject: &str) -> Doc {
    let mut doc = Doc::new(format!("audit of {subject}")).verdict(audit.verdict, because(audit)).remark(audit.remark());
    doc.push(Block::Facts(signatures::in_short(audit).into_iter().collect()));
    doc.section("Gates", Block::Table(gate_table(&audit.gates)));
    changes(&mut doc, audit);
    criteria::section(&mut doc, &audit.criteria);
    evidence::run(&mut doc, audit);
    readiness::push(&mut doc, audit);
    readiness::checklist(&mut doc, audit);
    drills::push(&mut doc, audit.summary.drills.as_ref());
    guards::push(&mut doc, audit.summary.guards.as_ref());
    comparison::baseline(&mut doc, audit);
    comparison::trend(&mut doc, audit);
    if audit.has_logs() {
        logs::push(&mut doc, &audit.summary.logs);
    }
    evidence::diary(&mut doc, audit);
    evidence::performance(&mut doc, audit);
    evidence::checksums(&mut doc, audit);
    signatures::push(&mut doc, audit);
    if let Some(acks) = &audit.acknowledgements {
        acks::push(&mut doc, &acks.list);
        doc.push(Block::List(acks::rest(acks).into_iter().map(Cell::from).collect()));
    }
    evidence::record(&mut doc, audit);
    evidence::plan(&mut doc, audit);
    evidence::metadata(&mut doc, audit);
    doc
}

/// Adds what would change the verdict; nothing where it is a PASS.
pub(crate) fn changes(doc: &mut Doc, audit: &Audit) {
    if let Some(text) = would_change(audit) {
        doc.section("What would change the verdict", Block::Text(text.into()));
        doc.push(Block::List(to_fix(&audit.gates).into_iter().map(fix).collect()));
    }
}

/// Adds what was learnt of each log: where its lines state time and level.
pub(crate) fn layouts(doc: &mut Doc, audit: &Audit) {
    logs::layouts(doc, &audit.summary.logs.files);
}

/// What decided the verdict, the weightiest first.
pub(crate) fn because(audit: &Audit) -> Vec<String> {
    let mut because = Vec::new();
    let deciding: Vec<&Gate> = audit.gates.iter().filter(|gate| gate.status == audit.verdict).collect();
    if audit.verdict == Status::Pass {
        let gates = match deciding.len() {
            1 => "its one gate passed".to_owned(),
            n => format!("all {n} gates passed"),
        };
        let asked = if audit.sign_off.is_some() { "sign-off" } else { "no sign-off was asked for" };
        because.push(format!("{gates} ({asked})"));
        if audit.has_logs() {
            because.push(logs::in_short(&audit.summary.logs));
        }
    } else {
        // What all of them together come to is told by the first that decides it.
        let repeats = |gate: &Gate| {
            gate.name == WORKLOADS && deciding.iter().any(|other| gate.follows.as_ref() == Some(&other.name))
        };
        because.extend(deciding.iter().filter(|gate| !repeats(gate)).map(|gate| told(gate, audit)));
    }
    because.extend(reasons(&audit.gates, &audit.criteria));
    because
}

/// A gate that decided the verdict, in one sentence.
fn told(gate: &Gate, audit: &Audit) -> String {
    let first = match gate.name.as_str() {
        "logs" => gates::first_of_logs(&audit.summary.logs).map(|first| first.summary.as_str()),
        _ => None,
    };
    let first = first.map(|first| format!("; first: {}", headline(first, 120))).unwrap_or_default();
    let place = gate.evidence.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let asked = match gate.name.as_str() {
        name if matches!(name, "duration" | "uptime" | "sharpe") || name.starts_with("figure ") => {
            format!(", asked for {}", gate.threshold)
        }
        _ => String::new(),
    };
    format!("{}: {}{asked}{first}{place}", gate.name, gate.measured)
}

/// The gates, one to a row.
pub(crate) fn gate_table(gates: &[Gate]) -> Table {
    let mut table =
        Table::new(&["gate", "verdict", "measured", "asked for", "samples", "evidence"]).right(&[4]).spare(&[4, 5]);
    for gate in gates {
        table.row([
            Cell::new(gate.name.as_str(), Tone::Strong),
            gate.status.into(),
            measured(gate).into(),
            gate.threshold.as_str().into(),
            gate.samples.into(),
            near(gate.evidence.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

/// What was measured, with the waiver of the gate where it has one.
fn measured(gate: &Gate) -> String {
    format!("{}{}", gate.measured, waiver(gate.waived.as_ref()))
}

/// Who waived something, behind what it is; empty where nobody did.
fn waiver(waived: Option<&Waived>) -> String {
    waived.map_or(String::new(), |Waived { from, owner, reason, expires }| {
        format!("; {from} waived by {owner} until {expires}: {reason}")
    })
}

/// How the verdict would change, and how many gates that takes.
fn would_change(audit: &Audit) -> Option<String> {
    let worst = to_fix(&audit.gates);
    if worst.is_empty() {
        return None;
    }
    let rest = audit.gates.iter().map(|gate| gate.status).filter(|status| *status < audit.verdict);
    let next = Status::roll_up(rest);
    let following: Vec<&str> = audit
        .gates
        .iter()
        .filter(|gate| gate.status == audit.verdict && !worst.contains(gate))
        .map(|gate| gate.name.as_str())
        .collect();
    let these = match (worst.len(), audit.gates.len()) {
        (1, 1) => "once this gate passes".to_owned(),
        (1, all) => format!("once this one of {all} gates passes"),
        (n, all) => format!("once these {n} of {all} gates pass"),
    };
    let follow = match following.as_slice() {
        [] => String::new(),
        names => format!(" ({} then passes too)", names.join(" and ")),
    };
    Some(format!("{} becomes {next} {these}{follow}:", audit.verdict))
}

fn fix(gate: &Gate) -> Cell {
    format!("{}: {}", gate.name, gate.fix.as_deref().unwrap_or("fix it")).into()
}

/// The line of a message that says most: of a Python stack trace the last, else the first.
fn headline(text: &str, longest: usize) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let line = match lines.next() {
        Some(first) if first.starts_with("Traceback") => lines.next_back().unwrap_or(first),
        first => first.unwrap_or_default(),
    };
    crate::sanitize::shorten(line, longest)
}

/// A place in a table.
fn near(place: &str) -> Cell {
    Cell::new(place, if place.contains(' ') { Tone::Code } else { Tone::Path })
}

/// Where a finding was made, for a table.
fn place(place: Option<&Place>) -> Cell {
    place.map(|place| near(&place.to_string())).unwrap_or_default()
}

/// Says how many are not shown; nothing where all are.
fn and_more(doc: &mut Doc, total: u64, shown: usize, what: &str) {
    let more = total.saturating_sub(shown as u64);
    if more > 0 {
        let text = format!("and {}; --format json lists them", count(more, &format!("more {what}")));
        doc.push(Block::Text(Cell::dim(text)));
    }
}
