//! Documents of emp-ops itself: their own verdict, which is that of their gates.

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Object, text};
use super::{drills, generic, guardian, runtime};
use crate::finding::{Status, count};

/// Judges a document of our own. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let schema = text(document, "schema").unwrap_or_default();
    if schema.starts_with("emp-ops/drills/") {
        return drills::judge(document, reader);
    }
    if schema.starts_with("emp-ops/guards/") {
        return guards(document, reader);
    }
    if document.contains_key("workload_states") {
        return runtime::judge(document, reader);
    }
    let gates = document.get("gates").or_else(|| document.get("sign_off")?.get("gates")).and_then(Value::as_array);
    let Some(gates) = gates else { return generic::judge(document, reader) };
    let stated = reader.stated(document, &["verdict", "status"], "");
    let mut worst = Status::Pass;
    for (n, gate) in gates.iter().enumerate() {
        let place = format!("/gates/{n}");
        let part = |key: &str| gate.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some(status) = gate.get("status").and_then(|status| reader.word(status)) else {
            reader.not_understood(&place, &format!("the gate {} states no verdict", part("name")));
            continue;
        };
        worst = worst.max(status);
        if status > Status::Pass {
            reader.add(status, "gate", &place, &format!("{}: {}", part("name"), part("measured")));
        }
    }
    match stated {
        _ if gates.is_empty() => reader.fail("gate", "/gates", "it holds no gate: nothing was judged"),
        None => reader.not_understood("", "it states no verdict"),
        Some(stated) if stated < worst => {
            reader.contradiction(
                "/verdict",
                &format!("it says {}, but a gate of it is {}", stated.label(), worst.label()),
            );
        }
        Some(stated) if stated > reader.status() => {
            reader.add(stated, "status", "/verdict", &format!("it says {} of itself", stated.label()));
        }
        Some(_) => {}
    }
    reader.samples = gates.len() as u64;
    count(gates.len() as u64, "gate")
}

/// Guards are told in the keys of a guardian; the verdict beside them is that of a run.
fn guards(document: &Object, reader: &mut Reader<'_>) -> String {
    let summary = guardian::judge(document, reader);
    match reader.stated(document, &["verdict"], "") {
        Some(stated) if stated > reader.status() => {
            reader.add(stated, "status", "/verdict", &format!("it says {} of itself", stated.label()));
        }
        Some(_) => {}
        None => reader.not_understood("/verdict", "it states no verdict"),
    }
    summary
}
