use super::*;
use crate::evidence::checksums::Found;
use crate::log::summary::Summary;
use crate::verdict::audit::Audit;
use crate::verdict::gates::About;
use crate::verdict::policy;

/// The documents of an honest run whose record was changed before it was sealed.
fn documents(change: impl FnOnce(&mut Value)) -> Documents {
    touched(change, |_, _| {})
}

/// The documents of a run whose record and last snapshot were changed after it was sealed.
fn touched(before: impl FnOnce(&mut Value), after: impl FnOnce(&mut Value, &mut Value)) -> Documents {
    let mut record: Value = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
    let mut last: Value = serde_json::from_str(include_str!("../../../fixtures/audit/run/progress.json")).unwrap();
    // Kept without a timeline.
    (record["progress"], last["previous_sha256"]) = (json!({"snapshots": 0}), Value::Null);
    before(&mut record);
    for (key, pointer) in sealed::SAME {
        last[*key] = record.pointer(pointer).cloned().unwrap_or_default();
    }
    last["record"] = record.clone();
    last["record"].as_object_mut().unwrap().retain(|key, _| !record::UNSEALED.contains(&key.as_str()));
    after(&mut record, &mut last);
    let record = Some(Ok(record.to_string().into_bytes()));
    let progress = Some(last.to_string().into_bytes());
    Documents {
        place: Place::Home,
        record,
        progress,
        timeline: None,
        snapshot: None,
        drills: None,
        restored: None,
        guards: None,
        guard_samples: None,
        notifications: None,
        workloads: Default::default(),
        sealing: false,
    }
}

fn incident_of(severity: &str, kind: &str) -> Value {
    json!({"severity": severity, "occurred_at": "2025-03-03T08:00:30Z", "message": format!("a {kind}"), "kind": kind})
}

fn summaries(run: &Run) -> Vec<String> {
    run.differs.iter().chain(&run.findings).map(|finding| format!("{} {}", finding.severity, finding.summary)).collect()
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
            r["incident_counts"] = json!({"warn": 1});
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
            r["incident_counts"] = json!({"fail": 1});
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
            r["attempts"][0]["lines"] = json!(18);
        }),
        (&["FAIL the attempts printed 14 lines by the run record, but it counts 15"], |r| {
            r["attempts"][0]["lines"] = json!(14);
        }),
        (&["FAIL the run record lists 2 incidents of the level warn, but counts 1 record of it"], |r| {
            let mut incident = incident_of("warn", "log_level");
            (incident["count"], incident["metadata"]) = (json!(2), json!({"level": "warn"}));
            (r["incidents"], r["incident_counts"]) = (json!([incident]), json!({"warn": 2}));
            r["capture"]["level_counts"] = json!({"info": 14, "warn": 1});
        }),
        (&["FAIL the run was not completed: its supervisor ended while it sealed"], |r| r["state"] = json!("sealing")),
        (&["FAIL the run record cannot be read"], |r| r["settings"] = Value::Null),
        (&["FAIL the run record cannot be read"], |r| r["schema"] = json!("emp-ops/run/v0")),
        (&["FAIL the progress timeline is broken: it ends after 0 of 3", "FAIL the progress file was altered"], |r| {
            r["progress"] = json!({"snapshots": 3, "head_sha256": "00"});
        }),
        // These are found again in the logs.
        (&[], |r| {
            r["incidents"] = json!([incident_of("fail", "log_level"), incident_of("fail", "stack_trace")]);
            r["incident_counts"] = json!({"fail": 2});
        }),
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
        let run = judge(&Documents {
            place,
            record: None,
            progress,
            timeline: None,
            snapshot: None,
            drills: None,
            restored: None,
            guards: None,
            guard_samples: None,
            notifications: None,
            workloads: Default::default(),
            sealing: false,
        });
        let found = summaries(&run);
        assert_eq!(found.len(), expect.len(), "{expect:?}: {found:?}");
        assert!(found.iter().zip(&expect).all(|(found, expect)| found.starts_with(expect)), "{expect:?}: {found:?}");
    }
}

#[test]
fn a_record_and_a_last_snapshot_that_do_not_agree_are_both_named() {
    type Change = fn(&mut Value, &mut Value);
    let cases: &[(&[&str], Change)] = &[
        (&[], |_, _| {}),
        (&["about command: the first says 1 item, the second 2 items"], |r, _| r["command"] = json!(["other"])),
        (&["about settings.fail_gap_seconds: the first says 9000.0, the second 30.0"], |r, _| {
            r["settings"]["fail_gap_seconds"] = json!(9000.0);
        }),
        (&["about capture.total_lines: the first says 15, the second 14"], |_, last| last["total_lines"] = json!(14)),
        (&["about label: the first says \"x\", the second nothing"], |r, _| r["label"] = json!("x")),
        (&["about held_up: the first says 1 item, the second nothing"], |r, _| r["held_up"] = json!([[1.0, 50.0]])),
        (&["about sealed_files: the first says 1 item, the second 4 items"], |r, _| {
            r["sealed_files"] = json!([r["sealed_files"][0]]);
        }),
        (&["the last snapshot does not repeat the run record"], |_, last| {
            last.as_object_mut().unwrap().remove("record");
        }),
        (&["says that the run is complete, its last snapshot that its phase is \"running\""], |_, last| {
            last["phase"] = json!("running");
        }),
        (&["is one of a timeline, but the run record names none"], |_, last| last["previous_sha256"] = json!("00")),
    ];
    for (expect, change) in cases {
        let found = summaries(&judge(&touched(|_| {}, change)));
        assert_eq!(found.len(), expect.len(), "{expect:?}: {found:?}");
        assert!(found.iter().zip(*expect).all(|(found, expect)| found.contains(expect)), "{expect:?}: {found:?}");
    }
    let mut documents = documents(|_| {});
    documents.progress = None;
    assert!(summaries(&judge(&documents))[0].contains("last snapshot of a complete run is missing"));
    // The supervisor itself judges before the last snapshot is written.
    let sealing =
        Documents { sealing: true, progress: None, ..super::tests::documents(|r| r["state"] = json!("sealing")) };
    assert_eq!(summaries(&judge(&sealing)), [""; 0]);
}

#[test]
fn figures_of_a_timeline_only_grow() {
    type Change = fn(&mut Value);
    let record: RunRecord = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
    let cases: &[(&str, Change)] = &[
        ("", |_| {}),
        ("total_lines went down from 20 to 15", |s| s["total_lines"] = json!(20)),
        ("level_counts.error went down from 1 to 0", |s| s["level_counts"] = json!({"error": 1})),
        ("incident_counts.fail went down from 1 to 0", |s| s["incident_counts"] = json!({"fail": 1})),
        ("restarts went down from 1 to 0", |s| s["restarts"] = json!(1)),
        ("required_duration_seconds is another", |s| s["required_duration_seconds"] = json!(1.0)),
        ("the start is another", |s| s["started_at"] = json!("2025-03-03T07:00:00Z")),
        ("lasted 31 seconds, its record 60", |s| (s["phase"], s["elapsed_seconds"]) = (json!("sealing"), json!(31.0))),
        ("this is no snapshot of a run", |s| s["total_lines"] = json!("many")),
    ];
    for (expect, change) in cases {
        let mut middle: Value =
            serde_json::from_str(include_str!("../../../fixtures/audit/run/progress.json")).unwrap();
        let mut last = middle.clone();
        (middle["phase"], middle["sequence"], middle["previous_sha256"]) = (json!("running"), json!(0), Value::Null);
        change(&mut middle);
        let middle = middle.to_string();
        (last["sequence"], last["previous_sha256"]) = (json!(1), json!(sha256(middle.as_bytes())));
        let last = last.to_string();
        let mut course = Course::default();
        course.push("a", middle.as_bytes());
        course.push("b", last.as_bytes());
        let mut record = record.clone();
        (record.progress.snapshots, record.progress.head_sha256) = (2, Some(sha256(last.as_bytes())));
        let found = course.finish("timeline", &record, true);
        match found.first() {
            None => assert!(expect.is_empty(), "nothing found: {expect}"),
            Some(first) => assert!(!expect.is_empty() && first.summary.contains(expect), "{expect}: {found:?}"),
        }
    }
}

#[test]
fn files_are_held_against_what_was_sealed() {
    type Change = fn(&mut Vec<FileFound>, &mut Vec<String>);
    let cases: &[(&str, Change)] = &[
        ("", |_, _| {}),
        ("logs/extra.jsonl is among the logs", |_, logs| logs.push("logs/extra.jsonl".to_owned())),
        ("was changed after the run: its digest is not the one in run.json (1 bytes instead of", |files, _| {
            files[2].found = Found::File { sha256: "00".to_owned(), bytes: 1 };
        }),
        ("which run.json sealed, is missing", |files, _| {
            files[1].found = Found::Unreadable("is missing".to_owned());
        }),
        ("holds 3 lines, but run.json says 15", |files, _| files[1].text = Some((3, 300))),
        ("captured 300 bytes for its raw logs, but they hold 299", |files, _| files[1].text = Some((15, 299))),
    ];
    for (expect, change) in cases {
        let mut run = judge(&documents(|r| r["capture"]["raw_bytes"] = json!(300)));
        let sealed = run.record.as_ref().unwrap().sealed_files.clone().unwrap();
        let mut logs: Vec<String> = sealed.iter().take(2).map(|file| file.path.clone()).collect();
        let mut files: Vec<FileFound> = sealed
            .into_iter()
            .map(|file| FileFound {
                path: file.path,
                found: Found::File { sha256: file.sha256, bytes: file.bytes },
                text: file.lines.map(|lines| (lines, 300)),
                source_sha256: None,
            })
            .collect();
        change(&mut files, &mut logs);
        compare_files(&mut run, Place::Home, &files, &logs);
        assert_eq!(run.differs.len(), usize::from(!expect.is_empty()), "{expect}: {:?}", run.differs);
        assert!(run.differs.iter().all(|found| found.summary.contains(expect)), "{expect}: {:?}", run.differs);
    }
}

#[test]
fn logs_are_held_against_what_was_captured() {
    let levels = |info: u64| BTreeMap::from([("info".to_owned(), info)]);
    for (lines, folded, info, expect) in [
        (5, 0, 5, ""),
        (3, 2, 5, ""),
        (4, 0, 5, "captured 5 lines, but its logs hold 4"),
        (5, 0, 4, "(info: 5 captured, 4 in the logs)"),
    ] {
        let mut run = Run { captured: Some(5), levels: Some(levels(5)), ..Run::default() };
        let logs = LogSummary { lines, folded_lines: folded, level_counts: levels(info), ..LogSummary::default() };
        compare_logs(&mut run, Place::Home, &logs, &[]);
        assert_eq!(run.differs.is_empty(), expect.is_empty(), "{expect}");
        assert!(run.differs.iter().all(|finding| finding.summary.contains(expect)), "{:?}", run.differs);
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

/// The verdict on a run of ten records without an error.
fn verdict() -> Audit {
    verdict_on(Status::Pass)
}

/// The verdict on a run of ten records whose logs have this status.
fn verdict_on(status: Status) -> Audit {
    let at = Stamp::from_seconds(0).unwrap();
    let logs = LogSummary { status, records: 10, lines: 10, ..LogSummary::default() };
    let summary = Summary {
        schema: String::new(),
        drills: None,
        guards: None,
        notifications: None,
        generated_at: at,
        evidence_status: Status::Pass,
        metadata: Metadata::new(),
        logs,
        diary: None,
        performance: None,
        checksums: None,
        plan: None,
        record: None,
        workloads: None,
        readiness: None,
        baseline: None,
        trend: None,
        checklist: None,
        findings: Vec::new(),
    };
    Audit::new(summary, policy::resolve(&[]).unwrap(), About::default(), at)
}

#[test]
fn follow_ups_may_be_worse_than_the_evidence_and_are_never_better() {
    use Status::{Fail, Pass, Warn};
    for version in [env!("CARGO_PKG_VERSION"), "0.0.9"] {
        let record = judge(&documents(|r| r["version"] = json!(version))).record.unwrap();
        for (evidence, said, fits) in [
            (Pass, Pass, true),
            (Pass, Warn, true),
            (Pass, Fail, true),
            (Warn, Fail, true),
            (Warn, Pass, false),
            (Fail, Warn, false),
            (Fail, Pass, false),
        ] {
            let derived = verdict_on(evidence);
            let (word, label) = (said.word(), said.label());
            let document = json!({"status": word, "verdict": word, "headline": label});
            for (name, content) in [
                ("backlog.json", document.clone()),
                ("raw/wrap_up.json", document),
                ("backlog.md", json!(format!("# Backlog: {label}\n"))),
                ("wrap_up.md", json!(format!("# Minutes of r: {label}\n"))),
            ] {
                let sealed = Sealed { name: name.to_owned(), content: Ok(content) };
                let found = compare_documents(&[sealed], &derived, &record);
                assert_eq!(found.is_empty(), fits, "{version} {name}: {evidence} {said}: {found:?}");
            }
        }
    }
    // What was given up for the verdict is still to be named, and a word that nobody knows is no verdict.
    let record = judge(&documents(|r| r["version"] = json!(env!("CARGO_PKG_VERSION")))).record.unwrap();
    for content in [json!({"headline": "FAIL with 1 waiver"}), json!({"status": "splendid"}), json!("# Backlog: \n")] {
        let sealed = Sealed { name: "backlog.json".to_owned(), content: Ok(content.clone()) };
        assert!(!compare_documents(&[sealed], &verdict(), &record).is_empty(), "{content}");
    }
}

#[test]
fn documents_say_what_is_derived_again() {
    let record = judge(&documents(|r| r["version"] = json!(env!("CARGO_PKG_VERSION")))).record.unwrap();
    let derived = verdict();
    let gate = |status: &str| json!([{"name": "logs", "status": status}]);
    for (name, content, expect) in [
        ("a.json", json!({}), ""),
        ("a.json", json!({"status": "pass", "verdict": "PASS", "headline": "PASS"}), ""),
        (
            "a.json",
            json!({"status": "fail", "verdict": "fail"}),
            "a.json says FAIL for the verdict, its evidence says PASS",
        ),
        ("a.json", json!({"verdict": null}), "says null for the verdict"),
        ("a.json", json!({"summary": {"status": "warn"}}), "says WARN for the verdict of its summary"),
        ("a.json", json!({"gates": gate("pass")}), ""),
        ("a.json", json!({"gates": gate("warn")}), "says WARN for the gate logs"),
        ("a.json", json!({"gates": [{"name": "luck", "status": "pass"}]}), "for the gate luck, which there is not"),
        ("a.json", json!({"gates": []}), "says null for the gate logs, which it leaves out"),
        ("a.json", json!({"gates": [{"name": "record", "status": "pass"}, gate("pass")[0]]}), ""),
        ("a.json", json!({"logs": {"records": 10}}), ""),
        ("a.json", json!({"summary": {"logs": {"records": 11}}}), "says 11 for logs.records, its evidence says 10"),
        ("a.json", json!({"headline": "PASS with 1 waiver"}), "says PASS with 1 waiver for the headline"),
        ("a.json", json!({"command": ["true"]}), "for command, its evidence says"),
        ("a.json", json!({"objectives": []}), ""),
        (
            "a.json",
            json!({"criteria": []}),
            "says nothing (nothing) for the limit warn_gap, its evidence says 1h (default)",
        ),
        // A sign-off has its criteria under this key, and the table under another.
        ("a.json", json!({"criteria": {"allow_warnings": true}}), ""),
        ("a.md", json!("# Rehearsal r: PASS\n\n| **logs** | **PASS** | no errors |\n"), ""),
        ("a.md", json!("# Rehearsal r: FAIL\n"), "a.md says FAIL for the headline, its evidence says PASS"),
        ("a.md", json!("# Rehearsal r: PASS\n\n| **logs** | **FAIL** | 1 error |\n"), "says FAIL for the gate logs"),
        ("a.md", json!("nothing"), "a.md says  for the headline"),
        ("a.html", json!("<title>PASS – r</title><th scope=\"row\">logs</th><td><svg></svg>PASS</td>"), ""),
        ("a.html", json!("<title>WARN – r</title>"), "a.html says WARN for the headline, its evidence says PASS"),
        (
            "a.html",
            json!("<title>PASS – r</title><th scope=\"row\">logs</th><svg></svg>FAIL<"),
            "FAIL for the gate logs",
        ),
    ] {
        let document = Sealed { name: name.to_owned(), content: Ok(content.clone()) };
        let found = compare_documents(&[document], &derived, &record);
        let told: Vec<&str> = found.iter().map(|finding| finding.summary.as_str()).collect();
        assert_eq!(found.is_empty(), expect.is_empty(), "{content}: {told:?}");
        assert!(expect.is_empty() || told[0].contains(expect), "{content}: {told:?}");
    }
    // Another version may say the same in other words, but not another verdict.
    let other = RunRecord { version: "0.0.1".to_owned(), ..record };
    for (content, differs) in [(json!({"headline": "passed"}), 0), (json!({"status": "fail"}), 1)] {
        let document = Sealed { name: "a.json".to_owned(), content: Ok(content) };
        assert_eq!(compare_documents(&[document], &derived, &other).len(), differs);
    }
}

#[test]
fn the_criteria_of_a_record_are_its_settings() {
    let with = |change: fn(&mut Value)| {
        let record = judge(&documents(|_| {})).record.unwrap();
        let rows = policy::resolve(&[layer(&record, String::new()), defaults(Some(60.0))]).unwrap().rows;
        let run = judge(&documents(|record| {
            (record["version"], record["criteria"]) = (json!(env!("CARGO_PKG_VERSION")), json!(rows));
            change(record);
        }));
        summaries(&run)
    };
    assert_eq!(with(|_| {}), Vec::<String>::new());
    for (change, expect) in [
        (
            (|r| r["settings"]["allow_warnings"] = json!(true)) as fn(&mut Value),
            "no for allow_warnings, its settings yes",
        ),
        (|r| r["settings"]["log_ignore"] = json!(["a b c"]), "nothing for ignore, its settings \"a b c\""),
        (|r| r["settings"]["log_statuses"] = json!({"error": ["5xx"]}), "nothing for error_statuses, its settings 5xx"),
        (|r| r["settings"]["minimum_uptime_ratio"] = json!(0.1), "for min_uptime, its settings 10%"),
        (|r| r["settings"]["diary_accept_status"] = json!(["sunk"]), "none for accept_status, its settings sunk"),
    ] {
        let told = with(change);
        assert!(told.len() == 1 && told[0].contains(expect), "{expect}: {told:?}");
    }
}
