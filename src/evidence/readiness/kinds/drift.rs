//! Drift: the series that another system compares with their baseline.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::same_name;
use super::super::values::{Figure, Object, at, figure, quoted, text};
use crate::finding::{Status, count};

/// Judges a snapshot of drift. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let mut names = BTreeSet::new();
    for key in ["metrics", "dimensions"] {
        let members: Vec<(String, String, &Value)> = match document.get(key) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(map)) => {
                map.iter().map(|(name, value)| (name.clone(), at(&at("", key), name), value)).collect()
            }
            Some(Value::Array(list)) => {
                let name = |value: &Value| {
                    ["name", "dimension"].iter().find_map(|key| Some(value.get(*key)?.as_str()?.to_owned()))
                };
                let items = list.iter().enumerate();
                items
                    .map(|(n, value)| {
                        (name(value).unwrap_or_else(|| format!("series {}", n + 1)), format!("/{key}/{n}"), value)
                    })
                    .collect()
            }
            Some(other) => {
                reader.not_understood(&at("", key), &format!("{key} is {}", quoted(other)));
                continue;
            }
        };
        for (name, pointer, value) in members {
            series(&name, &pointer, value, reader);
            names.insert(name);
        }
    }
    if names.is_empty() {
        reader.fail("drift", "", "it holds no series: nothing was compared");
    }
    let expected = reader.rules.drift.as_ref().map(|drift| drift.expected.clone()).unwrap_or_default();
    for name in expected {
        if !names.iter().any(|found| same_name(found, &name)) {
            reader.fail("drift", "", &format!("the series {name} is missing, which the policy expects"));
        }
    }
    if let Some(stated) = reader.stated(document, &["status"], "").filter(|stated| *stated > reader.status()) {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples = names.len() as u64;
    // The plural is its own.
    format!("{} series", names.len())
}

fn series(name: &str, pointer: &str, value: &Value, reader: &mut Reader<'_>) {
    let Some(series) = value.as_object() else {
        reader.not_understood(pointer, &format!("the series {name} is {}", quoted(value)));
        return;
    };
    match reader.stated(series, &["severity", "status"], pointer) {
        Some(status) if status > Status::Pass => {
            let by = series
                .get("detectors")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
            let by = by.filter(|by| !by.is_empty()).or_else(|| text(series, "message").map(str::to_owned));
            let by = by.map(|by| format!(": {by}")).unwrap_or_default();
            let word = if status == Status::Fail { "drifts" } else { "begins to drift" };
            reader.add(status, "drift", pointer, &format!("{name} {word}{by}"));
        }
        Some(_) => {}
        None => reader.not_understood(pointer, &format!("the series {name} states no severity")),
    }
    for key in ["baseline_mean", "evaluation_mean"] {
        let Some(mean) = series.get(key) else { continue };
        match figure(Some(mean)) {
            Figure::Real(_) => {}
            Figure::Absent => reader.fail("drift", &at(pointer, key), &format!("{key} of {name} was not measured")),
            Figure::Unreal(said) => reader.contradiction(&at(pointer, key), &format!("{key} of {name} is {said}")),
        }
    }
    for key in ["baseline_count", "evaluation_count"] {
        if reader.count(series.get(key), &format!("{key} of {name}"), &at(pointer, key)) == Some(0) {
            reader.fail("drift", &at(pointer, key), &format!("{name} rests on {}", count(0, "sample")));
        }
    }
    for key in ["page_hinkley_stat", "cusum_stat", "variance_ratio"] {
        let pointer = at(pointer, key);
        match figure(series.get(key)) {
            Figure::Unreal(said) => reader.contradiction(&pointer, &format!("{key} of {name} is {said}")),
            Figure::Real(number) if number < 0.0 && key == "variance_ratio" => {
                reader.contradiction(&pointer, &format!("{key} of {name} is negative"));
            }
            _ => {}
        }
    }
}
