//! Gates, waivers and criteria: what was asked for, by whom, and what was measured.

use maud::{Markup, html};

use super::markup::{Links, Safe, badge, class};
use crate::finding::{Criterion, Gate, NotRequired, Waived, thousands};
use crate::report::view::Row;
use crate::verdict::audit::Audit;

/// The section of an audit.
pub(super) fn section(audit: &Audit, rows: &[Row], links: Links<'_>) -> Markup {
    let policy = serde_json::to_string_pretty(&audit.policy).unwrap_or_default();
    html! {
        (table(&audit.gates, links))
        (waivers(audit, rows))
        (criteria(&audit.criteria))
        details.screen { summary { "The policy in full" } pre tabindex="0" { @for line in policy.lines() { (Safe(line)) "\n" } } }
    }
}

/// The gates, one to a row.
pub(super) fn table(gates: &[Gate], links: Links<'_>) -> Markup {
    html! {
        table.cards {
            caption { "What was asked for and what was measured" }
            thead { tr {
                th scope="col" { "Gate" } th scope="col" { "Verdict" } th scope="col" { "Measured" }
                th scope="col" { "Asked for" } th.num scope="col" { "Samples" } th scope="col" { "Evidence" }
            } }
            tbody { @for gate in gates {
                tr class=(class(gate.status)) {
                    th scope="row" { (Safe(&gate.name)) }
                    td data-l="Verdict" { (badge(gate.status)) }
                    td.what data-l="Measured" {
                        (Safe(&gate.measured))
                        @if let Some(fix) = &gate.fix { br; span.quiet { "To pass: " (Safe(fix)) } }
                        @if let Some(waived) = &gate.waived { br; strong { (waiver(waived)) } }
                        @if let Some(not) = given_up(gate) { br; strong { "Not asked for: " (Safe(&not.by)) } }
                    }
                    td data-l="Asked for" { (Safe(&gate.threshold)) }
                    td.num data-l="Samples" { (thousands(gate.samples)) }
                    td data-l="Evidence" { @if let Some(evidence) = &gate.evidence { (links.evidence(evidence)) } }
                }
            } }
        }
    }
}

/// Who gave a gate up, where that is not the default.
fn given_up(gate: &Gate) -> Option<&NotRequired> {
    gate.not_required.as_ref().filter(|not| not.by != NotRequired::DEFAULT)
}

fn waiver(waived: &Waived) -> Markup {
    html! { (waived.from.label()) " waived by " (Safe(&waived.owner)) " until " (Safe(&waived.expires)) ": " (Safe(&waived.reason)) }
}

/// What does not count, and who answers for it.
fn waivers(audit: &Audit, rows: &[Row]) -> Markup {
    let of_gates = audit.gates.iter().filter(|gate| gate.is_given_up());
    let of_rows = rows.iter().filter(|row| row.waived.is_some());
    if of_gates.clone().next().is_none() && of_rows.clone().next().is_none() {
        return html! { p { "Nothing was waived." } };
    }
    html! {
        table.cards {
            caption { "What was waived, or not asked for" }
            thead { tr {
                th scope="col" { "What" } th scope="col" { "Owner" } th scope="col" { "Until" } th scope="col" { "Reason" }
            } }
            tbody {
                @for gate in of_gates {
                    @let what = html! { "gate " (Safe(&gate.name)) };
                    @if let Some(waived) = &gate.waived { (waiver_row(&what, waived)) } @else if let Some(not) = given_up(gate) {
                        tr { th scope="row" { (what) } td data-l="Owner" { "the operator" } td data-l="Until" { "always" } td data-l="Reason" { (Safe(&not.by)) } }
                    }
                }
                @for row in of_rows {
                    @if let Some(waived) = &row.waived {
                        (waiver_row(&html! { (Safe(&row.kind)) " " code { (row.id) } ": " (Safe(&crate::sanitize::shorten(&row.text, 120))) }, waived))
                    }
                }
            }
        }
    }
}

fn waiver_row(what: &Markup, waived: &Waived) -> Markup {
    html! { tr {
        th scope="row" { (what) }
        td data-l="Owner" { (Safe(&waived.owner)) }
        td data-l="Until" { (Safe(&waived.expires)) }
        td data-l="Reason" { (Safe(&waived.reason)) " (" (waived.from.label()) " without the waiver)" }
    } }
}

/// Each limit with its value and who set it: the relaxed ones first, then those that somebody chose.
fn criteria(criteria: &[Criterion]) -> Markup {
    let mut sorted: Vec<&Criterion> = criteria.iter().collect();
    sorted.sort_by_key(|criterion| (!criterion.relaxed, criterion.source == "default"));
    html! {
        @if !criteria.is_empty() { table.cards {
            caption { "Criteria: each limit, its value, and who set it" }
            thead { tr { th scope="col" { "Limit" } th scope="col" { "Value" } th scope="col" { "Set by" } } }
            tbody { @for criterion in sorted { tr {
                th scope="row" { (Safe(&criterion.limit)) }
                td data-l="Value" {
                    (Safe(&criterion.value))
                    @if criterion.relaxed { " " strong { "RELAXED" } }
                    @if let Some(from) = criterion.relaxed_from.as_ref().filter(|_| criterion.relaxed) { " from " (Safe(from)) }
                }
                td data-l="Set by" { (Safe(&criterion.source)) }
            } } }
        } }
    }
}
