//! The summary of the workloads for readers of supervised tasks: `runtime_summary.json`, in their words.

use serde_json::{Map, Value, json};

use super::document::PlannedWorkload;
use super::record::WorkloadRecord;
use super::state::State;
use crate::json::lenient;
use crate::supervise::record::RunRecord;
use crate::time::Stamp;

/// The name of the file in the run directory.
pub(crate) const RUNTIME_SUMMARY: &str = "runtime_summary.json";

/// The folder in which each workload may tell of its own tasks.
pub(crate) const RUNTIME: &str = "runtime";
/// So many tasks of a workload are shown.
const TASKS: usize = 100;

/// Where a workload may tell of its own tasks.
pub(crate) fn runtime_path(workload: &str) -> String {
    format!("{RUNTIME}/{workload}.json")
}

/// The tasks in the summary that a workload wrote itself; none if it is none.
pub(crate) fn own_tasks(summary: &[u8]) -> Vec<Value> {
    let summary: Value = lenient::parse(&lenient::text(summary)).unwrap_or_default();
    let tasks = summary["task_supervisor"]["tasks"].as_array().into_iter().flatten();
    tasks.filter(|task| task["name"].is_string() && task["state"].is_string()).take(TASKS).cloned().collect()
}

/// What is known of a workload: its record, its plan, and its own tasks.
pub(crate) type Known<'k> = (&'k WorkloadRecord, &'k PlannedWorkload, &'k [Value]);

/// The summary of a run that is over.
pub(crate) fn summary(record: &RunRecord, all: &[Known<'_>]) -> Value {
    let ended_at = record.ended_at;
    let entries: Vec<(&PlannedWorkload, Value)> = all.iter().map(|known| (known.1, entry(*known, ended_at))).collect();
    let first = |kinds: &[&str]| entries.iter().position(|(planned, _)| kinds.contains(&planned.kind.as_str()));
    let (ingestion, trading) = (first(&["ingest", "data_backbone"]), first(&["trading", "understanding_loop"]));
    let at = |number: Option<usize>| number.map_or(Value::Null, |number| entries[number].1.clone());
    let others =
        entries.iter().enumerate().filter(|(number, _)| Some(*number) != ingestion && Some(*number) != trading);
    let auxiliary: Vec<Value> = others.map(|(_, (_, entry))| entry.clone()).collect();
    let states = all.iter().map(|(own, ..)| (own.name.clone(), word(own.state).into())).collect::<Map<_, _>>();
    let tasks: Vec<Value> =
        entries.iter().flat_map(|(_, entry)| entry["tasks"].as_array().cloned().unwrap_or_default()).collect();
    let mut services = Map::new();
    for (planned, entry) in &entries {
        let of_kind = services.entry(planned.kind.clone()).or_insert_with(|| json!([]));
        if let Some(list) = of_kind.as_array_mut() {
            list.push(entry.clone());
        }
    }
    let active = tasks.iter().filter(|task| task["state"] == "running").count();
    json!({
        "workload_states": states,
        "ingestion": at(ingestion),
        "trading": at(trading),
        "auxiliary": auxiliary,
        "task_supervisor": {"namespace": record.name, "active_tasks": active, "tasks": tasks},
        "services": services,
        "startup_callbacks": 0,
        "shutdown_callbacks": all.iter().map(|(_, p, _)| p.before_stop.len() + p.after_stop.len()).sum::<usize>(),
    })
}

fn entry((own, planned, tasks): Known<'_>, ended_at: Option<Stamp>) -> Value {
    let mut metadata = planned.metadata.clone();
    metadata.insert("workload_kind".to_owned(), planned.kind.as_str().into());
    let last = own.attempts.last();
    let task = last.map(|last| {
        json!({
            "name": own.name,
            "state": word(own.state),
            "created_at": last.started_at,
            "age_seconds": last.ended_at.or(ended_at).map(|end| end.seconds_since(last.started_at)),
            "restart_limit": planned.max_restarts,
            "restart_backoff_seconds": planned.backoff_seconds,
            "restarts": own.restarts,
            "hang_timeout_seconds": planned.hang_timeout_seconds,
        })
    });
    json!({
        "name": own.name,
        "description": planned.description,
        "state": word(own.state),
        "workload_state": own.state,
        "metadata": metadata,
        "restart_policy": {"max_restarts": planned.max_restarts, "backoff_seconds": planned.backoff_seconds},
        "hang_timeout_seconds": planned.hang_timeout_seconds,
        "restarts": own.restarts,
        "tasks": task.into_iter().chain(tasks.iter().cloned()).collect::<Vec<Value>>(),
    })
}

/// A state in the words of these readers.
fn word(state: State) -> &'static str {
    match state {
        State::Pending | State::Waiting => "scheduled",
        State::Completed => "finished",
        State::Stopped => "cancelled",
        State::Failed | State::Skipped => "failed",
        _ => "running",
    }
}
