//! SARIF 2.1.0: a result for each kind of finding.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Check, Export, by, relative_uri, word};
use crate::finding::{Place, Status};
use crate::log::totals::signature;
use crate::report::view::Row;
use crate::sanitize;

/// Code scanning stores no more.
const RESULTS: usize = 5000;
/// The folder that the places of findings are in.
const BASE: &str = "RUN";
/// The rule of a gate that no finding stands for.
const GATE: &str = "gate";

/// The whole document.
pub(crate) fn document(export: &Export<'_>) -> Value {
    let view = export.view;
    let mut rules: BTreeMap<String, (String, Status)> = BTreeMap::new();
    let mut results = Vec::new();
    for (kind, severity, result) in gates(export).into_iter().chain(findings(export)) {
        let id = rule(&kind);
        rules.entry(id).and_modify(|(_, worst)| *worst = (*worst).max(severity)).or_insert((kind, severity));
        results.push(result);
    }
    let left_out = results.len().saturating_sub(RESULTS);
    results.truncate(RESULTS);
    let rules: Vec<Value> = rules.iter().map(|(id, (kind, severity))| describe(id, kind, *severity)).collect();
    let gates: Vec<Value> = view
        .gates
        .iter()
        .map(|gate| {
            let waived = gate.waived.as_ref().map(by);
            json!({"name": gate.name, "status": gate.status, "measured": gate.measured, "askedFor": gate.threshold, "waived": waived})
        })
        .collect();
    let why = view.gates.first().map_or("", |gate| gate.measured.as_str());
    let said: Vec<Value> = if view.unfinished {
        vec![json!({"level": "error", "message": {"text": format!("no verdict: {}", sanitize::line(why))}})]
    } else {
        Vec::new()
    };
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "emp-ops",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("emp-ops/{}", word(&view.subject))},
            "originalUriBaseIds": {BASE: {"description": {"text": "The run directory, or the folder that the paths of the evidence were given from."}}},
            "invocations": [{"executionSuccessful": !view.unfinished, "toolExecutionNotifications": said}],
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": {
                "verdict": if view.unfinished { Value::Null } else { json!(view.status) },
                "headline": export.headline(),
                "gates": gates,
                "resultsLeftOut": left_out,
            },
        }],
    })
}

/// A result with its kind and its severity.
type Found = (String, Status, Value);

/// The kinds of finding, the worst first.
fn findings<'a>(export: &'a Export<'_>) -> impl Iterator<Item = Found> + 'a {
    export.rows.iter().map(|row| (row.kind.clone(), row.severity, result(row, &rule(&row.kind))))
}

/// The gates that decided, where no finding is as bad as the verdict: nobody may take an empty list for a PASS.
fn gates(export: &Export<'_>) -> Vec<Found> {
    let verdict = export.view.status;
    if verdict == Status::Pass || export.rows.iter().any(|row| row.severity >= verdict) {
        return Vec::new();
    }
    let decided = export.gates().into_iter().filter(|gate| gate.status >= verdict);
    decided.map(|gate| (GATE.to_owned(), gate.status, result(&row(&gate), GATE))).collect()
}

fn row(gate: &Check) -> Row {
    let text = format!("{}: {}", gate.name, gate.message);
    let id = signature::id(GATE, &gate.name);
    Row { id, severity: gate.status, text, count: 1, ..Row::default() }
}

fn result(row: &Row, rule: &str) -> Value {
    let place = row.place.clone().unwrap_or_else(|| Place { path: String::new(), line: None });
    let waived = row.waived.as_ref().map(|waived| format!("{}; ", by(waived))).unwrap_or_default();
    let mut result = json!({
        "ruleId": rule,
        "level": level(row.severity),
        "message": {"text": format!("{waived}{}", sanitize::line(&row.text))},
        "occurrenceCount": row.count.max(1),
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": relative_uri(&place.path), "uriBaseId": BASE},
            "region": {"startLine": place.line.unwrap_or(1).max(1)},
        }}],
        "partialFingerprints": {"empOpsFinding/v1": row.id},
    });
    let times = [("firstAt", row.first), ("lastAt", row.last)];
    let times: serde_json::Map<String, Value> =
        times.into_iter().filter_map(|(name, at)| Some((name.to_owned(), json!(at?)))).collect();
    if !times.is_empty() {
        result["properties"] = times.into();
    }
    result
}

fn level(severity: Status) -> &'static str {
    match severity {
        Status::Pass => "note",
        Status::Warn => "warning",
        Status::Fail => "error",
    }
}

/// The id of the rule of a kind: one word.
fn rule(kind: &str) -> String {
    let id: String = kind.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if id.is_empty() { "finding".to_owned() } else { id }
}

fn describe(id: &str, kind: &str, severity: Status) -> Value {
    let short = match id {
        "error" => "An error line in a log",
        "warning" => "A warning line in a log",
        "stack_trace" | "crash" => "A program crashed",
        "gap" | "silence" => "A silence that is too long",
        "exit" => "The command ended before its time",
        "restart" => "The command was started again",
        "hang" => "The command was stopped because it said nothing",
        "resource" => "A limit of CPU or memory was passed",
        "evidence" | "stale_evidence" => "A file of evidence was not refreshed",
        "diary" => "The decision diary is not as it should be",
        "performance" => "The performance report is not as it should be",
        "checksums" => "A file differs from its digest",
        "record" => "The record of the run and its evidence disagree",
        GATE => "A criterion is not met",
        _ => "",
    };
    let short = if short.is_empty() { format!("A finding about: {}", word(kind)) } else { short.to_owned() };
    // `StackTrace`: the form that viewers expect of a name.
    let name: String = id.split(['_', '-']).map(capitalised).collect();
    json!({
        "id": id,
        "name": if name.is_empty() { "Finding".to_owned() } else { name },
        "shortDescription": {"text": short},
        "fullDescription": {"text": format!("{short}.")},
        "help": {"text": "The report of emp-ops shows where, how often, and what was asked for."},
        "defaultConfiguration": {"level": level(severity)},
    })
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
