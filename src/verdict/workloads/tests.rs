//! Workloads judged from documents.

use serde_json::{Value, json};

use super::spans::Spans;
use super::*;
use crate::log::summary::LogSummary;
use crate::supervise::workloads::document::SCHEMA;
use crate::time::Stamp;

#[test]
fn spans_unite_and_leave_a_rest() {
    let spans = Spans::of(vec![(5.0, 7.0), (1.0, 2.0), (6.0, 9.0), (4.0, 4.0)]);
    assert_eq!(spans, Spans::of(vec![(1.0, 2.0), (5.0, 9.0)]));
    assert_eq!(spans.rest(10.0), Spans::of(vec![(0.0, 1.0), (2.0, 5.0), (9.0, 10.0)]));
    assert_eq!(spans.within(1.5, 6.0).total(), 1.5);
    assert_eq!(Spans::union([&spans, &Spans::of(vec![(0.0, 1.5)])]).starts_with(), 2.0);
    assert_eq!(Spans::default().rest(3.0).total(), 3.0);
}

/// The documents of a run of 100 seconds: `a`, which was restarted from 10 to 20, and `b`, which has a probe and became
/// ready after 2.
fn documents() -> (Value, Value, Vec<Value>) {
    let planned = |name: &str, ready: Option<Value>| {
        json!({
            "name": name, "kind": name, "command": ["x"], "environment": [], "job": false, "success_codes": [0],
            "required": true, "level": 0, "depends_on": {}, "ready": ready, "restart": "on-failure", "max_restarts": 3,
            "backoff_seconds": 1.0, "backoff_max_seconds": 60.0, "backoff_reset_seconds": 300.0,
            "on_dependency_loss": "continue", "stop_signal": "SIGINT", "shutdown_grace_seconds": 10.0,
            "warn_gap_seconds": 30.0, "fail_gap_seconds": 60.0, "min_uptime": 0.5,
        })
    };
    let probe = json!({
        "check": "p", "interval_seconds": 1.0, "timeout_seconds": 2.0, "successes": 1, "failures": 3,
        "initial_delay_seconds": 0.0, "within_seconds": 60.0, "may_precede": false,
    });
    let plan = json!({
        "schema": SCHEMA, "source": "w.toml", "keep_going": false,
        "workloads": [planned("a", None), planned("b", Some(probe))],
    });
    let at =
        |seconds: f64| Stamp::parse("2025-01-06T00:00:00Z").unwrap().plus(std::time::Duration::from_secs_f64(seconds));
    let attempt = |number: u64, from: f64, to: f64| json!({"number": number, "pid": 7, "started_at": at(from), "ended_at": at(to), "exit_code": 1, "lines": 1});
    let own = |name: &str, attempts: Vec<Value>, probe: Value| {
        json!({
            "name": name, "kind": name, "required": true, "job": false, "command": ["x"], "state": "stopped",
            "restarts": attempts.len() - 1, "attempts": attempts, "probe": probe, "logs": [format!("logs/{name}.jsonl")],
            "capture": {"total_lines": 50},
        })
    };
    let mut record: Value = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
    record["command"] = json!([]);
    record["started_at"] = json!(at(0.0));
    record["duration_seconds"] = json!(100.0);
    record["settings"]["required_duration_seconds"] = json!(100.0);
    record["ended_because"] = json!("duration_reached");
    let a = own("a", vec![attempt(1, 0.0, 10.0), attempt(2, 20.0, 101.0)], Value::Null);
    let b = own("b", vec![attempt(1, 0.0, 101.0)], json!({"answers": 9, "episodes": 0}));
    record["workloads"] = json!([a, b]);
    let change = |seconds: f64, name: &str, from: &str, to: &str, attempt: u64| {
        json!({
            "at": at(seconds), "mono_seconds": seconds, "workload": name, "from": from, "to": to, "attempt": attempt,
            "because": "so",
        })
    };
    let states = vec![
        change(0.0, "a", "pending", "running", 1),
        change(0.0, "b", "pending", "starting", 1),
        change(2.0, "b", "starting", "ready", 1),
        // Its output was collected until 11.
        change(11.0, "a", "running", "restarting", 1),
        change(20.0, "a", "restarting", "running", 2),
        change(100.0, "a", "running", "stopping", 2),
        change(100.0, "b", "ready", "stopping", 1),
        change(101.0, "a", "stopping", "stopped", 2),
        change(101.0, "b", "stopping", "stopped", 1),
    ];
    (record, plan, states)
}

/// What is said of these documents: the rows with the uptime of all, and the contradictions.
fn judged(change: impl FnOnce(&mut Value, &mut Value, &mut Vec<Value>)) -> (WorkloadsSummary, Vec<String>) {
    let (mut record, mut plan, mut states) = documents();
    change(&mut record, &mut plan, &mut states);
    let plan = plan.to_string().into_bytes();
    if record["workloads_sha256"].is_null() {
        record["workloads_sha256"] = json!(sha256(&plan));
    }
    let record: RunRecord = serde_json::from_value(record).unwrap();
    let states: String = states.iter().map(|state| format!("{state}\n")).collect();
    let documents = Documents { plan: Some(Ok(plan)), states: Some(Ok(states.into_bytes())), ..Documents::default() };
    let mut differs = Vec::new();
    let workloads = Workloads::read(&record, &documents, str::to_owned, &mut differs);
    let log = |name: &str| {
        let at = |seconds| Some(record.started_at.plus(std::time::Duration::from_secs(seconds)));
        let sources = BTreeMap::from([(name.to_owned(), 50)]);
        LogSummary { lines: 50, records: 50, started_at: at(1), ended_at: at(99), sources, ..LogSummary::default() }
    };
    let logs: Vec<LogSummary> = workloads.parts.iter().map(|part| log(&part.planned.name)).collect();
    let summary = workloads.judge(&record, logs, &mut LogSummary::default(), 100);
    (summary, differs.into_iter().map(|finding| finding.summary).collect())
}

#[test]
fn the_uptime_is_derived_from_states_and_attempts() {
    let (summary, differs) = judged(|_, _, _| {});
    assert_eq!(differs, Vec::<String>::new());
    let ratios: Vec<f64> = summary.rows.iter().map(|row| row.uptime_ratio.unwrap()).collect();
    assert_eq!(ratios, [0.9, 0.98], "a was down from its end at 10, not from the end of its output");
    // Two seconds of the start, of which one is free, and ten of the restart.
    assert_eq!(summary.uptime_ratio.map(|ratio| (ratio * 1000.0).round()), Some(890.0));
    let statuses: Vec<Status> = summary.rows.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [Status::Warn, Status::Pass], "it was restarted");
}

#[test]
fn what_cannot_be_true_is_a_contradiction() {
    type Change = fn(&mut Value, &mut Value, &mut Vec<Value>);
    let cases: &[(&str, Change)] = &[
        ("its digest is not the one", |record, _, _| record["workloads_sha256"] = json!("00")),
        ("b is in the plan, but the record does not have it", |record, _, _| {
            record["workloads"].as_array_mut().unwrap().truncate(1);
        }),
        ("the record has a workload c, which the plan has not", |record, _, _| {
            let mut extra = record["workloads"][0].clone();
            extra["name"] = json!("c");
            record["workloads"].as_array_mut().unwrap().push(extra);
        }),
        ("required or job differ", |record, _, _| record["workloads"][0]["required"] = json!(false)),
        ("a has no log in the record", |record, _, _| record["workloads"][0]["logs"] = json!([])),
        ("a change is missing", |_, _, states| drop(states.remove(3))),
        ("cannot go from", |_, _, states| states[2]["to"] = json!("completed")),
        ("not in order of time", |_, _, states| states[4]["mono_seconds"] = json!(1.0)),
        ("by its last change of state", |_, _, states| drop(states.pop())),
        ("was started 2 times by its states, 1 times by the record", |record, _, _| {
            record["workloads"][0]["attempts"].as_array_mut().unwrap().truncate(1);
        }),
        ("2 attempts by the record, but 0 restarts", |record, _, _| record["workloads"][0]["restarts"] = json!(0)),
        ("no answer to its probe is recorded", |record, _, _| record["workloads"][1]["probe"]["answers"] = json!(0)),
        ("changed its state, but the plan has no such workload", |_, _, states| {
            let mut stray = states[0].clone();
            stray["workload"] = json!("z");
            states.push(stray);
        }),
        ("the changes of state cannot be relied on", |_, _, states| states.push(json!({"at": 1}))),
    ];
    for (expect, change) in cases {
        let (_, differs) = judged(*change);
        assert!(differs.iter().any(|text| text.contains(expect)), "{expect}: {differs:?}");
    }
}

#[test]
fn a_row_fails_for_what_its_workload_did_not_do() {
    type Change = fn(&mut Value, &mut Value, &mut Vec<Value>);
    let cases: &[(&str, Change)] = &[
        ("b: so", |record, _, states| {
            (states[8]["to"], record["workloads"][1]["state"]) = (json!("failed"), json!("failed"));
        }),
        ("b was never up", |_, _, states| drop(states.remove(2))),
        ("at least 99% are asked for", |_, plan, _| plan["workloads"][1]["min_uptime"] = json!(0.99)),
        ("b was stopped before the end of the run", |_, _, states| states[6]["mono_seconds"] = json!(60.0)),
        ("the log of b holds 50 records of a", |_, _, _| {}),
        ("b printed 60 lines, but its log holds 50", |record, _, _| {
            record["workloads"][1]["capture"]["total_lines"] = json!(60);
        }),
    ];
    for (expect, change) in cases {
        for required in [true, false] {
            let (mut record, mut plan, mut states) = documents();
            change(&mut record, &mut plan, &mut states);
            (plan["workloads"][1]["required"], record["workloads"][1]["required"]) = (json!(required), json!(required));
            let plan = plan.to_string().into_bytes();
            record["workloads_sha256"] = json!(sha256(&plan));
            let record: RunRecord = serde_json::from_value(record).unwrap();
            let states: String = states.iter().map(|state| format!("{state}\n")).collect();
            let documents =
                Documents { plan: Some(Ok(plan)), states: Some(Ok(states.into_bytes())), ..Documents::default() };
            let workloads = Workloads::read(&record, &documents, str::to_owned, &mut Vec::new());
            let at = |seconds| Some(record.started_at.plus(std::time::Duration::from_secs(seconds)));
            let foreign = expect.starts_with("the log of");
            let sources = BTreeMap::from([(if foreign { "a" } else { "b" }.to_owned(), 50)]);
            let log =
                LogSummary { lines: 50, records: 50, started_at: at(1), ended_at: at(99), ..LogSummary::default() };
            let logs = vec![log.clone(), LogSummary { sources, ..log }];
            let summary = workloads.judge(&record, logs, &mut LogSummary::default(), 100);
            let row = &summary.rows[1];
            assert_eq!(row.status, if required { Status::Fail } else { Status::Warn }, "{expect}: {row:?}");
            assert!(row.findings.iter().any(|finding| finding.summary.contains(expect)), "{expect}: {row:?}");
        }
    }
}
