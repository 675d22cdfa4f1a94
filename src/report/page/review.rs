//! Review: objectives, remarks, signatures, decisions, and lines to sign on paper.

use maud::{Markup, html};

use super::markup::{Safe, badge, time};
use crate::finding::Status;
use crate::report::audit::acks;
use crate::sanitize::shorten;
use crate::supervise::acks::Acknowledgements;
use crate::verdict::attestation::decisions::{Choice, Judged};
use crate::verdict::attestation::judge::{Signatures, State};
use crate::verdict::audit::Audit;

/// The most signatures and decisions that are listed.
const LISTED: usize = 64;

/// The section. `people` are those who decide, `notes` the remarks of the operator.
pub(super) fn section(audit: &Audit, people: &[String], notes: &[String]) -> Markup {
    html! {
        @if !audit.objectives.is_empty() {
            table.cards {
                caption { "Objectives of the rehearsal, as the operator states them" }
                thead { tr { th scope="col" { "Objective" } th scope="col" { "Status" } th scope="col" { "Remark" } } }
                tbody { @for objective in &audit.objectives { tr {
                    th scope="row" { (Safe(&objective.name)) }
                    td data-l="Status" { (badge(objective.status)) }
                    td data-l="Remark" { (Safe(objective.note.as_deref().unwrap_or_default())) }
                } } }
            }
        }
        @if !notes.is_empty() { h3 { "Remarks of the operator" } ul { @for note in notes { li { (Safe(note)) } } } }
        @if let Some(acks) = &audit.acknowledgements { (acknowledged(acks)) }
        @if let Some(signature) = &audit.signature { (signatures(signature)) }
        @if !audit.decisions.is_empty() { (decisions(&audit.decisions)) }
        (paper(people))
    }
}

fn acknowledged(acks: &Acknowledgements) -> Markup {
    html! {
        table.cards {
            caption { "Incidents that somebody has seen, as the operators noted; no part of the verdict" }
            thead { tr {
                th scope="col" { "Who" } th scope="col" { "When" } th scope="col" { "Incident" }
                th scope="col" { "How soon" } th scope="col" { "Note" }
            } }
            tbody { @for told in acks.list.iter().take(LISTED) { tr {
                th scope="row" { (Safe(&shorten(&told.ack.by, 100))) }
                td data-l="When" { (time(told.ack.at)) }
                td data-l="Incident" {
                    @if let Some(severity) = told.severity { (badge(severity)) " " }
                    (Safe(&shorten(told.what(), 240)))
                }
                td data-l="How soon" { (told.soon()) }
                td data-l="Note" { (Safe(&shorten(told.ack.note.as_deref().unwrap_or_default(), 240))) }
            } } }
        }
        @if acks.list.len() > LISTED { p { (acks.list.len() - LISTED) " more are in the JSON." } }
        @if let Some(rest) = acks::rest(acks) { p.quiet { (rest) "." } }
    }
}

fn signatures(signature: &Signatures) -> Markup {
    let (status, says) = match signature.state {
        State::None => (None, "The packet is not signed."),
        State::NotChecked => (None, "The signatures were not checked: nobody named a key to trust."),
        State::Valid => {
            (Some(Status::Pass), "The verdict and every file are as they were signed by keys that are trusted.")
        }
        State::Untrusted => (Some(Status::Fail), "Too few keys that are trusted have signed."),
        State::Invalid => (Some(Status::Fail), "A signature does not fit what it is said to sign."),
        State::Mismatch => (Some(Status::Fail), "What was signed is not this packet."),
    };
    html! {
        h3 { "Signatures" }
        p { @if let Some(status) = status { (badge(status)) " " } (says) }
        @if !signature.keys.is_empty() { table.cards {
            caption { "Keys that signed the verdict" @if let Some(result) = signature.result { " " (result.word()) } }
            thead { tr { th scope="col" { "Key" } th scope="col" { "Trusted" } th scope="col" { "Signature" } } }
            tbody { @for key in signature.keys.iter().take(LISTED) { tr {
                th.hash scope="row" { (Safe(&key.id)) }
                td data-l="Trusted" { (if key.trusted { "yes" } else { "no" }) }
                td data-l="Signature" { (match key.valid { Some(true) => "valid", Some(false) => "broken", None => "not checked" }) }
            } } }
        } }
    }
}

fn decisions(decisions: &[Judged]) -> Markup {
    html! {
        table.cards {
            caption { "Signed decisions of reviewers, in their order; a decision never changes the verdict" }
            thead { tr {
                th scope="col" { "Reviewer" } th scope="col" { "Decision" } th scope="col" { "When" }
                th scope="col" { "Note" } th scope="col" { "Counts" }
            } }
            tbody { @for decision in decisions.iter().take(LISTED) { tr {
                th scope="row" { (Safe(&decision.reviewer)) }
                td data-l="Decision" { (match decision.decision { Choice::Approve => "approves", Choice::Reject => "rejects" }) }
                td data-l="When" { (Safe(&decision.decided_at)) }
                td data-l="Note" { (Safe(decision.note.as_deref().unwrap_or_default())) }
                td data-l="Counts" { @if let Some(why) = &decision.why_not { "no: " (Safe(why)) } @else { "yes" } }
            } } }
        }
    }
}

/// Lines to sign, for those who decide on paper.
fn paper(people: &[String]) -> Markup {
    html! {
        h3 { "To be signed" }
        p.quiet { "On paper, or with a key: " code { "emp-ops audit PACKET --sign-key KEY --decision approve|reject --as NAME --note TEXT" } }
        table.sign {
            caption { "Decisions of the reviewers" }
            thead { tr { th scope="col" { "Reviewer" } th scope="col" { "Decision" } th scope="col" { "Date" } th scope="col" { "Signature" } } }
            tbody {
                @for name in people { tr { td { (Safe(name)) } td { "approve / reject" } td {} td {} } }
                @if people.is_empty() { tr { td {} td { "approve / reject" } td {} td {} } }
            }
        }
    }
}
