use super::*;

fn view(text: &str) -> View {
    View::parse(text.as_bytes()).expect(text)
}

#[test]
fn what_is_no_snapshot_is_refused_with_the_reason() {
    for (text, why) in [
        ("", "empty"),
        (" \n", "empty"),
        ("{\"status\":", "not valid JSON"),
        ("{\"status\":\"running\",\"elapsed_seconds\":Infinity}", "not valid JSON"),
        ("[]", "not a JSON object"),
        ("{}", "neither"),
        ("{\"status\":7}", "neither"),
        ("{\"schema\":\"emp-ops/audit/v1\",\"status\":\"pass\"}", "another kind"),
    ] {
        let error = View::parse(text.as_bytes()).expect_err(text);
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!(View::parse(b"\xef\xbb\xbf{\"schema\":\"emp-ops/progress/v1\",\"status\":\"x\"}").is_ok());
}

#[test]
fn numbers_may_be_text_and_what_is_no_number_is_unknown() {
    let view = view(
        r#"{"status":" Running ","elapsed_seconds":"90.9","target_duration_seconds":"abc",
            "required_duration_seconds":-5,"minimum_uptime_ratio":"0.5","total_lines":2.9,
            "line_counts":{"a":"3.9","b":true,"c":"x","d":2.9,"e":-1},"level_counts":["x"],
            "require_diary_evidence":"no","require_performance_evidence":"YES","uptime_ratio":"nan"}"#,
    );
    assert_eq!(view.status.as_deref(), Some("running"));
    assert_eq!((view.elapsed_seconds, view.target_duration_seconds), (Some(90.9), None));
    assert_eq!((view.required_duration_seconds, view.minimum_uptime_ratio), (Some(0.0), Some(0.5)));
    assert_eq!((view.total_lines, view.uptime_ratio), (Some(2), None));
    assert_eq!(view.line_counts, BTreeMap::from([("a".into(), 3), ("d".into(), 2), ("e".into(), -1)]));
    assert!(view.level_counts.is_empty());
    assert_eq!(view.required_evidence(), ["performance"]);
}

#[test]
fn only_the_phase_completes_a_run() {
    for (text, complete) in [
        (r#"{"status":"fail","phase":"running"}"#, false),
        (r#"{"status":"FAIL","phase":" Complete "}"#, true),
        (r#"{"status":"pass"}"#, false),
        (r#"{"phase":"COMPLETE"}"#, true),
    ] {
        assert_eq!(view(text).is_complete(), complete, "{text}");
    }
}

#[test]
fn incidents_of_any_writer_are_counted_and_none_is_taken_for_a_pass() {
    let view = view(
        r#"{"status":"warn","incidents":[{"severity":"FAIL","message":"a"},{"severity":"purple","summary":"b"},
            {"message":" "},7,{"severity":"critical","count":3},{"message":{"code":7}},{"summary":["a",1]}]}"#,
    );
    let shown: Vec<(Status, &str)> = view.events().iter().map(|e| (e.severity, e.message.as_str())).collect();
    assert_eq!(
        shown,
        [
            (Status::Fail, "a"),
            (Status::Warn, "b"),
            (Status::Warn, "(no message)"),
            (Status::Fail, "(no message)"),
            (Status::Warn, r#"{"code":7}"#),
            (Status::Warn, r#"["a",1]"#)
        ]
    );
    assert_eq!(view.incident_counts, BTreeMap::from([(Status::Warn, 4), (Status::Fail, 4)]));
}

#[test]
fn incidents_left_out_of_a_periodic_snapshot_are_kept() {
    let earlier = view(r#"{"status":"fail","incidents":[{"severity":"fail","message":"a"}]}"#);
    let mut later = view(r#"{"status":"fail","total_lines":9}"#);
    later.inherit(&earlier);
    assert_eq!(later.events().len(), 1);
    let mut emptied = view(r#"{"status":"fail","incidents":[]}"#);
    emptied.inherit(&earlier);
    assert!(emptied.events().is_empty(), "a writer that lists none has none");
    let mut other = view(r#"{"status":"fail","started_at":"2025-01-06T00:00:00Z"}"#);
    other.inherit(&earlier);
    assert!(other.events().is_empty(), "another run");
}

#[test]
fn our_own_snapshots_are_read_in_full() {
    let text = r#"{"schema":"emp-ops/progress/v1","status":"warn","phase":"running","supervisor_pid":42,
        "incident_counts":{"warn":2},"evidence":{"diary":{"path":"d","state":"stale","age_seconds":60.0,
        "warn_seconds":30.0,"fail_seconds":null}},"resources":{"cpu_percent":12.5,"rss_bytes":1024}}"#;
    let view = view(text);
    assert_eq!(view.supervisor_pid, Some(42));
    assert_eq!(view.incident_counts[&Status::Warn], 2);
    assert_eq!(view.evidence["diary"].status(), Status::Warn);
    assert_eq!(view.resources.expect("resources").rss_bytes, Some(1024));
}
