//! Documents of other tools as baselines: assessments of performance (`healthy`, `throughput`, `backlog`, `resource`)
//! and notes of latencies (`latency_seconds`).

use serde_json::Value;

use crate::finding::Status;
use crate::json::lenient;
use crate::log::summary::comparison::{Better, Earlier};

/// The parts of such documents whose numbers can be compared.
const PARTS: [&str; 4] = ["/throughput", "/backlog/snapshot", "/resource/sample", "/latency_seconds"];
/// What is a number, and no figure.
const NO_FIGURES: [&str; 4] = ["samples", "threshold", "limit", "timestamp"];

/// The figures that a document or a performance report has by its form: `throughput.max_lag_ms`, …
pub(super) fn figures(document: &Value) -> Vec<(String, f64, Better)> {
    let mut found = Vec::new();
    for part in PARTS {
        let members = document.pointer(part).and_then(Value::as_object).into_iter().flatten();
        for (key, value) in members.filter(|(key, _)| !NO_FIGURES.iter().any(|word| key.contains(word))) {
            if let Some(number) = value.as_f64().filter(|number| number.is_finite()) {
                let name = format!("{}.{key}", part[1..].replace('/', "."));
                let better = better(&name);
                found.push((name, number, better));
            }
        }
    }
    found
}

/// Which way a figure gets better, by its name.
fn better(name: &str) -> Better {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    if has(&["throughput_per", "per_min", "per_second"]) {
        Better::Higher
    } else if has(&["lag", "latency", "processing", "breach", "memory", "cpu", "recovery"]) {
        Better::Lower
    } else {
        Better::Neither
    }
}

/// A document as a baseline, with what speaks against it. None for one that is of no form that is known.
pub(crate) fn read(path: &str, document: &Value) -> Option<(Earlier, Vec<(Status, String)>)> {
    let figures = figures(document);
    let healthy = document.get("healthy");
    if healthy.is_none() && figures.is_empty() {
        return None;
    }
    let at = ["generated_at", "captured_at", "timestamp"].iter().find_map(|key| lenient::stamp(document.get(*key)?));
    let mut against: Vec<(Status, String)> = Vec::new();
    let mut verdict = None;
    if let Some(healthy) = healthy {
        let said = match healthy {
            Value::Bool(true) => Status::Pass,
            Value::Bool(false) => Status::Fail,
            Value::String(word) => Status::of_state(word).unwrap_or(Status::Fail),
            _ => Status::Fail,
        };
        if said > Status::Pass {
            against.push((said, format!("it says healthy: {healthy}")));
        }
        for part in ["throughput", "backlog", "resource"] {
            if document.get(part).and_then(|part| part.get("healthy")) == Some(&Value::Bool(false)) {
                against.push((Status::Fail, format!("it says that its {part} is not healthy")));
            }
        }
        against.extend(beyond(document).into_iter().map(|text| (Status::Fail, text)));
        let samples = document.pointer("/throughput/samples").and_then(Value::as_f64);
        if samples.is_some_and(|samples| samples <= 0.0) || figures.is_empty() {
            against.push((Status::Fail, "it rests on no sample".to_owned()));
        }
        verdict = Some(Status::roll_up(against.iter().map(|(status, _)| *status)));
    }
    let earlier = Earlier {
        path: path.to_owned(),
        kind: "document".to_owned(),
        at,
        verdict,
        compared: false,
        remarks: counted(document),
        figures: figures.into_iter().map(|(name, value, _)| (name, value)).collect(),
    };
    Some((earlier, against))
}

/// The figures that are beyond the limits that the document states.
fn beyond(document: &Value) -> Vec<String> {
    let limits = [
        ("/options/max_processing_ms", "/throughput/max_processing_ms"),
        ("/options/max_lag_ms", "/throughput/max_lag_ms"),
        ("/backlog/threshold_ms", "/backlog/max_lag_ms"),
        ("/options/max_memory_mb", "/resource/sample/memory_mb"),
        ("/options/max_memory_percent", "/resource/sample/memory_percent"),
        ("/options/max_cpu_percent", "/resource/sample/cpu_percent"),
    ];
    let number = |pointer: &str| document.pointer(pointer).and_then(Value::as_f64);
    let above = limits.iter().filter_map(|(limit, figure)| {
        let (limit, measured) = (number(limit)?, number(figure)?);
        (measured > limit).then(|| format!("{} is {measured}, beyond {limit}", figure[1..].replace('/', ".")))
    });
    above.collect()
}

/// What it counts: how much of what was sent was done, and how much of that is explained.
fn counted(document: &Value) -> Vec<String> {
    let number = |key: &str| document.pointer(&format!("/execution/{key}")).and_then(Value::as_f64);
    let mut remarks = Vec::new();
    if let (Some(sent), Some(done)) = (number("orders_submitted"), number("orders_executed")) {
        remarks.push(format!("orders_executed {done} of {sent} submitted"));
    }
    let of = number("orders_submitted").map(|sent| format!(" of {sent} orders")).unwrap_or_default();
    match (number("orders_with_attribution"), number("attribution_coverage")) {
        (Some(explained), _) => remarks.push(format!("orders_with_attribution {explained}{of}")),
        (None, Some(coverage)) => remarks.push(format!("attribution_coverage {coverage}{of}")),
        (None, None) => {}
    }
    remarks
}
