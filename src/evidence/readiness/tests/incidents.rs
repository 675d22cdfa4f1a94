//! Incident response.

use super::*;

/// A team that is ready, with some of its limits and states replaced; null takes one away.
fn team(extra: &Value) -> Value {
    let mut all = json!({
        "INCIDENT_TRAINING_AGE_DAYS": 12, "INCIDENT_DRILL_AGE_DAYS": "20d", "INCIDENT_PRIMARY_RESPONDERS": "ada; grace",
        "INCIDENT_SECONDARY_RESPONDERS": ["edsger"], "INCIDENT_CHATOPS_READY": "yes",
    });
    for (key, value) in extra.as_object().expect("an object") {
        all[format!("INCIDENT_{key}")] = value.clone();
    }
    all
}

#[test]
fn states_are_held_against_their_limits() {
    let open = "[incident]\nwarn_block_categories = []";
    table(&[
        (team(&json!({})), "", Status::Pass, ""),
        (json!({"INCIDENT_REQUIRE_CHATOPS": "no"}), "", Status::Fail, "0 people are on the primary roster"),
        (team(&json!({"TRAINING_AGE_DAYS": 90})), "", Status::Pass, ""),
        (team(&json!({"TRAINING_AGE_DAYS": 91})), "", Status::Warn, "training"),
        (team(&json!({"TRAINING_AGE_DAYS": 181})), "", Status::Fail, "twice"),
        (team(&json!({"TRAINING_AGE_DAYS": null})), "", Status::Warn, "no training is recorded"),
        (team(&json!({"TRAINING_AGE_DAYS": "nan"})), "", Status::Fail, "no length of time"),
        (team(&json!({"DRILL_AGE_DAYS": -1})), "", Status::Fail, "negative"),
        (team(&json!({"DRILL_INTERVAL_DAYS": 0, "DRILL_AGE_DAYS": 900})), "", Status::Pass, ""),
        (team(&json!({"PRIMARY_RESPONDERS": "TBD, n/a"})), "", Status::Fail, "primary roster"),
        (
            team(&json!({"MIN_PRIMARY_RESPONDERS": 2, "PRIMARY_RESPONDERS": "Ada, ada"})),
            "",
            Status::Fail,
            "1 person is",
        ),
        (team(&json!({"SECONDARY_RESPONDERS": ""})), "", Status::Warn, "secondary roster"),
        (
            team(&json!({"PRIMARY_RESPONDERS": "ada", "SECONDARY_RESPONDERS": "Ada"})),
            "",
            Status::Warn,
            "nobody can take over",
        ),
        (team(&json!({"OPEN_INCIDENTS": 7})), "", Status::Fail, "7 open incidents"),
        (team(&json!({"OPEN_INCIDENTS": "none"})), "", Status::Pass, ""),
        (team(&json!({"OPEN_INCIDENTS": ["a"]})), open, Status::Warn, "1 open incident"),
        (team(&json!({"OPEN_INCIDENTS": ["a"]})), "", Status::Fail, "hold up the release"),
        (team(&json!({"OPEN_INCIDENTS": ["a"], "MAX_OPEN_INCIDENTS": 2})), "", Status::Pass, ""),
        (team(&json!({"MAX_OPEN_INCIDENTS": 0, "OPEN_INCIDENTS": 0})), "", Status::Pass, ""),
        (team(&json!({"MAX_OPEN_INCIDENTS": 2})), "", Status::Fail, "limited, and not known"),
        (team(&json!({"OPEN_INCIDENTS": 1.5})), "", Status::Fail, "no count"),
        (team(&json!({"POSTMORTEM_BACKLOG_HOURS": 24})), "", Status::Pass, ""),
        (team(&json!({"POSTMORTEM_BACKLOG_HOURS": 48})), open, Status::Warn, "postmortem"),
        (team(&json!({"POSTMORTEM_BACKLOG_HOURS": "49h"})), open, Status::Fail, "postmortem"),
        (team(&json!({"POSTMORTEM_SLA_HOURS": 24})), "", Status::Fail, "backlog is not known"),
        (team(&json!({"CHATOPS_READY": false})), "", Status::Warn, "chat"),
        (team(&json!({"CHATOPS_READY": false, "REQUIRE_CHATOPS": "0"})), "", Status::Pass, ""),
        (team(&json!({"REQUIRE_MAJOR_HISTORY": true})), "", Status::Fail, "none is recorded"),
        (team(&json!({"REQUIRE_MAJOR_HISTORY": true, "LAST_MAJOR_AGE_DAYS": 181})), "", Status::Warn, "major incident"),
        (team(&json!({"REQUIRE_MAJOR_HISTORY": true, "LAST_MAJOR_AGE_DAYS": 360})), "", Status::Fail, "major incident"),
        (team(&json!({"METRICS_MTTA_MINUTES": 0, "METRICS_MTTR_MINUTES": 0})), "", Status::Pass, ""),
        (team(&json!({"METRICS_MTTA_MINUTES": 30})), open, Status::Warn, "minutes to acknowledge"),
        (team(&json!({"METRICS_MTTR_MINUTES": "6h"})), "", Status::Fail, "minutes to resolve"),
        (team(&json!({"METRICS_MTTR_MINUTES": -3})), "", Status::Fail, "negative"),
        (team(&json!({"METRICS_DATA_AGE_HOURS": 500})), "", Status::Fail, "measured"),
        (team(&json!({"MTTA_FAIL_MINUTES": "10m", "METRICS_MTTA_MINUTES": 10})), "", Status::Fail, "fewer than 10"),
        (team(&json!({"MTTA_FAIL_MINUTES": 20})), "", Status::Fail, "nothing was measured"),
        (
            team(&json!({"REQUIRED_RUNBOOKS": ["Failover", "restore"], "AVAILABLE_RUNBOOKS": "docs/failover.md"})),
            "",
            Status::Fail,
            "the runbook restore is missing",
        ),
        (team(&json!({})), "[incident]\nmin_primary_responders = 3", Status::Fail, "at least 3"),
    ]);
}

#[test]
fn limits_that_cannot_be_meant_are_refused() {
    for (extra, key, why) in [
        (json!({"TRAINING_INTERVALL_DAYS": 3}), "INCIDENT_TRAINING_INTERVALL_DAYS", "INCIDENT_TRAINING_INTERVAL_DAYS?"),
        (json!({"MTTA_WARN_MINUTES": 90, "MTTA_FAIL_MINUTES": 60}), "INCIDENT_MTTA_WARN_MINUTES", "never warns"),
        (json!({"POSTMORTEM_SLA_HOURS": "soon"}), "INCIDENT_POSTMORTEM_SLA_HOURS", "write a number"),
        (json!({"MAX_OPEN_INCIDENTS": -1}), "INCIDENT_MAX_OPEN_INCIDENTS", "negative"),
        (json!({"MAJOR_REVIEW_FAIL_MULTIPLIER": 0.5}), "INCIDENT_MAJOR_REVIEW_FAIL_MULTIPLIER", "1 or more"),
    ] {
        let refused = judge(&[file("it", &team(&extra))], &[], &Rules::default(), now()).expect_err(key);
        assert_eq!((refused.path.as_deref(), refused.key.as_str()), (Some("it.json"), key));
        assert!(refused.why.contains(why), "{}", refused.why);
    }
}

#[test]
fn a_snapshot_is_judged_by_its_figures_and_not_by_its_word() {
    let of = |extra: Value| {
        let mut all = json!({
            "service": "ledger", "generated_at": NOW, "status": "ok", "missing_runbooks": [], "training_age_days": 3,
            "drill_age_days": 4, "primary_oncall": ["ada"], "secondary_oncall": ["grace"], "open_incidents": [], "issues": [],
            "metadata": {"chatops_ready": true, "policy": {"minimum_primary_responders": 1, "postmortem_sla_hours": 24}},
        });
        all.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        all
    };
    table(&[
        (of(json!({})), "", Status::Pass, ""),
        (of(json!({"training_age_days": null})), "", Status::Warn, "training"),
        (of(json!({"missing_runbooks": ["restore"]})), "", Status::Fail, "restore is missing"),
        (of(json!({"primary_oncall": []})), "", Status::Fail, "primary roster"),
        (of(json!({"metrics": {"mtta_minutes": 75}})), "", Status::Fail, "75 minutes"),
        (
            of(json!({"metadata": {"chatops_ready": true, "open_incident_count": 2}})),
            "",
            Status::Fail,
            "but 0 are listed",
        ),
        (of(json!({"status": "fail"})), "", Status::Warn, "worse of itself"),
        (of(json!({"generated_at": "2020-01-01"})), "", Status::Fail, "old"),
    ]);
}

#[test]
fn each_issue_is_one_finding_with_its_own_severity_and_code() {
    let readiness = all(&[("team", team(&json!({"PRIMARY_RESPONDERS": "", "TRAINING_AGE_DAYS": 100})))], "");
    let severities: Vec<Status> = readiness.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Status::Fail, Status::Warn]);
    assert_eq!(readiness.findings[1].metadata["pointer"], "/INCIDENT_TRAINING_AGE_DAYS");
    assert!(readiness.gate.blocking_reason_codes.contains(&"issue_primary_roster_fail".to_owned()));
    assert!(readiness.gate.warning_reason_codes.contains(&"issue_training_warn".to_owned()));
}
