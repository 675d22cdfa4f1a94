//! Runtime summaries: the workloads of a process and the tasks that carry them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Object, at, quoted, text};
use crate::finding::count;

/// Judges a runtime summary, itself or under `runtime`. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let (runtime, root) = match document.get("runtime").and_then(Value::as_object) {
        Some(runtime) if !document.contains_key("workload_states") => (runtime, "/runtime"),
        _ => (document, ""),
    };
    let mut states: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (name, value) in runtime.get("workload_states").and_then(Value::as_object).into_iter().flatten() {
        let pointer = at(&at(root, "workload_states"), name);
        let state = value.as_str().map_or_else(|| quoted(value), |state| state.trim().to_lowercase());
        states.insert(name.clone(), (state, pointer));
    }
    let workloads = workloads(runtime, root);
    let mut tasks: Vec<(String, &Object)> = Vec::new();
    for (pointer, workload) in &workloads {
        let name = text(workload, "name").unwrap_or("a workload").to_owned();
        if let Some(state) = text(workload, "state") {
            let (listed, _) = states.entry(name).or_insert_with(|| (state.to_lowercase(), at(pointer, "state")));
            if listed != "failed" && state.eq_ignore_ascii_case("failed") {
                "failed".clone_into(listed);
            }
        }
        tasks.extend(objects(workload.get("tasks"), &at(pointer, "tasks")));
    }
    let supervisor = runtime.get("task_supervisor").and_then(Value::as_object);
    let place = at(root, "task_supervisor");
    let supervised = objects(supervisor.and_then(|supervisor| supervisor.get("tasks")), &at(&place, "tasks"));
    let active = supervisor.and_then(|supervisor| supervisor.get("active_tasks"));
    if let Some(active) = reader.count(active, "active_tasks", &at(&place, "active_tasks"))
        && active != supervised.len() as u64
    {
        let message = format!("active_tasks is {active}, but {} are listed", count(supervised.len() as u64, "task"));
        reader.contradiction(&at(&place, "active_tasks"), &message);
    }
    tasks.extend(supervised);
    by_state(&states, &tasks, reader);
    by_task(&tasks, reader);
    if states.is_empty() {
        reader.fail("workload", root, "it holds no workload: nothing ran");
    }
    if let Some(stated) = reader.stated(document, &["status"], "").filter(|stated| *stated > reader.status()) {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.samples = states.len() as u64;
    count(states.len() as u64, "workload")
}

/// The workloads that are described one by one.
fn workloads<'a>(runtime: &'a Object, root: &str) -> Vec<(String, &'a Object)> {
    let single =
        ["ingestion", "trading"].iter().filter_map(|key| Some((at(root, key), runtime.get(*key)?.as_object()?)));
    single.chain(objects(runtime.get("auxiliary"), &at(root, "auxiliary"))).collect()
}

fn objects<'a>(list: Option<&'a Value>, pointer: &str) -> Vec<(String, &'a Object)> {
    let items = list.and_then(Value::as_array).into_iter().flatten().enumerate();
    items.filter_map(|(n, item)| Some((format!("{pointer}/{n}"), item.as_object()?))).collect()
}

fn by_state(states: &BTreeMap<String, (String, String)>, tasks: &[(String, &Object)], reader: &mut Reader<'_>) {
    let runs = states.values().any(|(state, _)| matches!(state.as_str(), "running" | "scheduled"));
    for (name, (state, pointer)) in states {
        match state.as_str() {
            "failed" => reader.fail("workload", pointer, &format!("{name} failed")),
            "finished" | "cancelled" if runs => {
                reader.warn("workload", pointer, &format!("{name} is {state} while others run"));
            }
            "cancelled" => reader.warn("workload", pointer, &format!("{name} was cancelled")),
            "finished" => {}
            "running" | "scheduled" => {
                let of = |task: &Object| {
                    let metadata = task.get("metadata").and_then(Value::as_object);
                    let workload = metadata.and_then(|metadata| text(metadata, "workload"));
                    workload == Some(name)
                        || text(task, "name").is_some_and(|task| task == name || task.starts_with(&format!("{name}-")))
                };
                if !tasks.iter().any(|(_, task)| of(task)) {
                    reader.fail(
                        "workload",
                        pointer,
                        &format!("{name} is {state}, but no task carries it: the task is dead"),
                    );
                }
            }
            _ => reader.not_understood(pointer, &format!("{name} is `{state}`, which is no state of a workload")),
        }
    }
}

fn by_task(tasks: &[(String, &Object)], reader: &mut Reader<'_>) {
    // A task is listed by its workload and by its supervisor.
    let mut told: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for (pointer, task) in tasks {
        let name = text(task, "name").unwrap_or("a task").to_owned();
        if text(task, "state").is_some_and(|state| state.eq_ignore_ascii_case("failed")) {
            reader.fail("task", &at(pointer, "state"), &format!("the task {name} failed"));
        }
        reader.figure(task.get("age_seconds"), &format!("age_seconds of {name}"), &at(pointer, "age_seconds"));
        let place = at(pointer, "restarts");
        if let Some(restarts) = reader.count(task.get("restarts"), &format!("restarts of {name}"), &place) {
            let most = told.entry(name).or_insert((restarts, place));
            most.0 = most.0.max(restarts);
        }
    }
    for (name, (restarts, pointer)) in told.into_iter().filter(|(_, (restarts, _))| *restarts > 0) {
        reader.warn("task", &pointer, &format!("the task {name} was started again: {}", count(restarts, "restart")));
    }
}
