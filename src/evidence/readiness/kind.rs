//! What kind of document a component is, told by what it holds; and what it holds of others.

use serde_json::Value;

use super::kinds::incident;
use super::values::{Object, at, text};

/// The kind of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Validation,
    Incident,
    Slo,
    Drift,
    Guardian,
    Drills,
    Runtime,
    Timeline,
    Budgets,
    Ours,
    Generic,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Incident => "incident",
            Self::Slo => "slo",
            Self::Drift => "drift",
            Self::Guardian => "guardian",
            Self::Drills => "drills",
            Self::Runtime => "runtime",
            Self::Timeline => "timeline",
            Self::Budgets => "budgets",
            Self::Ours => "ours",
            Self::Generic => "generic",
        }
    }

    /// What an object is; everything that is nothing else is judged by its word.
    pub(super) fn of(document: &Object) -> Self {
        let has = |key: &str| document.contains_key(key);
        let list = |key: &str| document.get(key).is_some_and(Value::is_array);
        let map = |key: &str| document.get(key).is_some_and(Value::is_object);
        let of_results =
            |key: &str| document.get(key).and_then(Value::as_object).and_then(|map| map.values().next()?.get("status"));
        let typed = || {
            document
                .get("events")
                .and_then(Value::as_array)
                .is_some_and(|events| events.iter().any(|event| event.get("type").is_some()))
        };
        let states = |document: &Object| document.get("workload_states").is_some_and(Value::is_object);
        if text(document, "schema").is_some_and(|schema| schema.starts_with("emp-ops/")) {
            Self::Ours
        } else if (has("scenario") && has("failover_decision"))
            || list("drills")
            || (has("run_id") && of_results("results").is_some())
        {
            Self::Drills
        } else if has("stop_reasons") && map("metrics") {
            Self::Guardian
        } else if incident::is_flat(document) || (has("missing_runbooks") && has("primary_oncall")) {
            Self::Incident
        } else if has("slos") {
            Self::Slo
        } else if (map("metrics") && has("config")) || has("dimensions") {
            Self::Drift
        } else if states(document) || document.get("runtime").and_then(Value::as_object).is_some_and(states) {
            Self::Runtime
        } else if typed() || has("opened_at") || list("alert_response_trend") {
            Self::Timeline
        } else if list("orders") && has("paper_metrics") {
            Self::Budgets
        } else if has("results") || has("checks") || has("total_checks") {
            Self::Validation
        } else {
            Self::Generic
        }
    }
}

/// A part of a document that is a component of its own.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Its own name, or the key that it is under.
    pub name: String,
    /// Where it is in the document.
    pub pointer: String,
    pub value: Value,
}

/// The components that a document lists: under `components`, or by section under `snapshots` where those missing are
/// named. None for a document that is one component itself.
pub(super) fn parts(value: &Value) -> Option<(Vec<Part>, Vec<String>)> {
    let time_of = |document: &Object| super::age::time_of(document).map(|time| time.to_string());
    let from_list = |list: &[Value], pointer: &str, time: Option<String>| {
        let parts = list.iter().enumerate().map(|(n, item)| {
            let name = item.as_object().and_then(|item| text(item, "name").or_else(|| text(item, "service")));
            let mut value = item.clone();
            // A part is as old as the whole where it does not say itself.
            if let (Some(item), Some(time)) = (value.as_object_mut(), &time)
                && super::age::time_of(item).is_none()
            {
                item.insert("generated_at".to_owned(), time.as_str().into());
            }
            Part {
                name: name.map_or_else(|| format!("component {}", n + 1), str::to_owned),
                pointer: format!("{pointer}/{n}"),
                value,
            }
        });
        parts.collect::<Vec<Part>>()
    };
    match value {
        Value::Array(list) => {
            let named = |item: &Value| item.get("name").is_some_and(Value::is_string) && item.get("status").is_some();
            (!list.is_empty() && list.iter().all(named)).then(|| (from_list(list, "", None), Vec::new()))
        }
        Value::Object(document) => {
            if let Some(snapshots) = document.get("snapshots").and_then(Value::as_object) {
                let parts = snapshots.iter().map(|(section, value)| Part {
                    name: section.clone(),
                    pointer: at("/snapshots", section),
                    value: value.clone(),
                });
                let missing = document.get("missing_sections").and_then(super::values::names).unwrap_or_default();
                return Some((parts.collect(), missing));
            }
            let list = document.get("components").and_then(Value::as_array)?;
            let alone = Kind::of(document) == Kind::Generic;
            alone.then(|| (from_list(list, "/components", time_of(document)), Vec::new()))
        }
        _ => None,
    }
}

/// Whether a list holds timelines of incidents.
pub(super) fn is_timelines(list: &[Value]) -> bool {
    let is_timeline = |value: &Value| value.as_object().is_some_and(|entry| Kind::of(entry) == Kind::Timeline);
    !list.is_empty() && list.iter().all(is_timeline)
}
