use super::*;

/// The documents of an honest run, with its record changed.
fn documents(change: impl FnOnce(&mut Value)) -> Documents {
    let mut record: Value = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
    record["progress"] = json!({"snapshots": 0});
    change(&mut record);
    let record = Some(Ok(record.to_string().into_bytes()));
    Documents { place: Place::Home, record, progress: None, timeline: None, snapshot: None }
}

fn incident_of(severity: &str, kind: &str) -> Value {
    json!({"severity": severity, "occurred_at": "2025-03-03T08:00:30Z", "message": format!("a {kind}"), "kind": kind})
}

fn summaries(run: &Run) -> Vec<String> {
    run.findings.iter().map(|finding| format!("{} {}", finding.severity, finding.summary)).collect()
}

#[test]
fn each_contradiction_of_a_record_with_itself_is_named() {
    type Change = fn(&mut Value);
    let cases: &[(&[&str], Change)] = &[
        (&[], |_| {}),
        (&["FAIL the run is said to have lasted 259200 seconds, but 60 passed"], |r| {
            r["duration_seconds"] = json!(259_200);
        }),
        (&["FAIL the run is said to have lasted -1 seconds"], |r| r["duration_seconds"] = json!(-1)),
        // A step of the clock that was seen explains it.
        (&["WARN a clock"], |r| {
            r["duration_seconds"] = json!(4000);
            r["incidents"] = json!([incident_of("warn", "clock")]);
        }),
        (&["FAIL the run gave the command up, but no incident"], |r| r["ended_because"] = json!("gave_up")),
        (&["FAIL the run was interrupted, but no incident"], |r| r["ended_because"] = json!("interrupted")),
        (&["FAIL the run ended with a command that failed, but no incident"], |r| {
            r["ended_because"] = json!("command_ended");
            r["attempts"][0]["exit_code"] = json!(7);
        }),
        (&["FAIL the run ended with a command that failed, but no incident"], |r| {
            r["ended_because"] = json!("command_ended");
            r["attempts"][0]["signal"] = json!(9);
        }),
        (&["FAIL a signal"], |r| {
            r["ended_because"] = json!("interrupted");
            r["incidents"] = json!([incident_of("fail", "signal")]);
        }),
        (&["FAIL the incidents of the run record are not those that it counted"], |r| {
            r["incident_counts"] = json!({"fail": 1});
        }),
        (&["FAIL the run is said to be complete, but its record does not say when or why"], |r| {
            r["ended_because"] = Value::Null;
        }),
        (&["FAIL the run is said to be complete, but its record does not say when or why"], |r| {
            r["ended_at"] = Value::Null;
        }),
        (&["FAIL the setting minimum_uptime_ratio of the run record is out of its range"], |r| {
            r["settings"]["minimum_uptime_ratio"] = json!(1.5);
        }),
        (&["FAIL the setting fail_gap_seconds of the run record is out of its range"], |r| {
            r["settings"]["fail_gap_seconds"] = json!(0);
        }),
        (&["FAIL the run was not completed"], |r| r["state"] = json!("running")),
        (&["FAIL 3 lines of the command were lost"], |r| {
            r["capture"] = json!({"total_lines": 18, "lost_lines": 3});
        }),
        (&["FAIL the run record cannot be read"], |r| r["settings"] = Value::Null),
        (&["FAIL the run record cannot be read"], |r| r["schema"] = json!("emp-ops/run/v0")),
        (&["FAIL the progress timeline is broken: it ends after 0 of 3"], |r| {
            r["progress"] = json!({"snapshots": 3, "head_sha256": "00"});
        }),
        // These are found again in the logs.
        (&[], |r| r["incidents"] = json!([incident_of("fail", "log_level"), incident_of("fail", "stack_trace")])),
    ];
    for (expect, change) in cases {
        let found = summaries(&judge(&documents(change)));
        assert_eq!(found.len(), expect.len(), "{expect:?}: {found:?}");
        for (found, expect) in found.iter().zip(*expect) {
            assert!(found.starts_with(expect), "{expect}: {found}");
        }
    }
}

#[test]
fn a_run_without_its_record_is_judged_by_its_last_snapshot() {
    let cases = [
        (json!({"phase": "complete"}), vec![]),
        (json!({"phase": "running"}), vec!["FAIL the run was not completed: its last snapshot says `running`"]),
        (json!({"phase": " Complete", "incidents": [7]}), vec!["WARN an incident of the run cannot be read: 7"]),
        (
            json!({"phase": "complete", "schema": "emp-ops/progress/v1"}),
            vec!["FAIL the run record (run.json) is missing"],
        ),
    ];
    for (progress, expect) in cases {
        let progress = Some(progress.to_string().into_bytes());
        let place = Place::Home;
        let run = judge(&Documents { place, record: None, progress, timeline: None, snapshot: None });
        let found = summaries(&run);
        assert_eq!(found.len(), expect.len(), "{expect:?}: {found:?}");
        assert!(found.iter().zip(&expect).all(|(found, expect)| found.starts_with(expect)), "{expect:?}: {found:?}");
    }
}

#[test]
fn logs_are_held_against_what_was_captured() {
    let levels = |info: u64| BTreeMap::from([("info".to_owned(), info)]);
    let run = Run { captured: Some(5), levels: Some(levels(5)), ..Run::default() };
    for (lines, folded, info, expect) in [
        (5, 0, 5, ""),
        (3, 2, 5, ""),
        (4, 0, 5, "captured 5 lines, but its logs hold 4"),
        (5, 0, 4, "the levels of the"),
    ] {
        let mut logs = LogSummary { lines, folded_lines: folded, level_counts: levels(info), ..LogSummary::default() };
        compare_logs(&run, &mut logs);
        assert_eq!(logs.findings.is_empty(), expect.is_empty(), "{expect}");
        assert!(logs.findings.iter().all(|finding| finding.summary.contains(expect)), "{:?}", logs.findings);
    }
}

#[test]
fn a_record_names_files_outside_only_where_it_was_written() {
    for (path, home, packet) in
        [("logs/a.jsonl", true, true), ("/var/diary.json", true, false), ("../a", false, false), ("", false, false)]
    {
        assert_eq!((Place::Home.admits(path), Place::Packet.admits(path)), (home, packet), "{path}");
    }
}
