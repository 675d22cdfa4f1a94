//! What others take for a pass: inputs that look well and are not, and such that look bad and are well.

use super::sessions::{merged, watched};
use super::*;

#[test]
fn words_that_mean_a_failure_are_none_of_success() {
    let report = |check: Value| json!({"timestamp": NOW, "results": {"db": check, "api": true}});
    table(&[
        (report(json!({"status": "fail"})), "", Status::Fail, "db failed"),
        (json!({"generated_at": NOW, "status": "ABORTED"}), "", Status::Fail, "FAIL of itself"),
        (json!({"generated_at": NOW, "status": "blocked"}), "", Status::Fail, "FAIL of itself"),
        (
            json!({"timestamp": "2099-01-01T00:00:00Z", "results": {"db": true}}),
            "",
            Status::Fail,
            "ahead of the present",
        ),
        (
            json!({"timestamp": NOW, "passed_checks": 2, "total_checks": 2, "results": {"a": false, "b": false}}),
            "",
            Status::Fail,
            "but the list says 0",
        ),
    ]);
}

#[test]
fn figures_of_a_team_that_cannot_be_or_that_are_old_are_no_pass() {
    let team = |extra: Value| {
        let base = json!({
            "INCIDENT_TRAINING_AGE_DAYS": 12, "INCIDENT_DRILL_AGE_DAYS": 20, "INCIDENT_PRIMARY_RESPONDERS": "ada, grace",
            "INCIDENT_SECONDARY_RESPONDERS": "edsger", "INCIDENT_CHATOPS_READY": true});
        merged(base, &extra)
    };
    table(&[
        (team(json!({"INCIDENT_METRICS_MTTA_MINUTES": "nan"})), "", Status::Fail, "no length of time"),
        (team(json!({"INCIDENT_METRICS_MTTA_MINUTES": -3})), "", Status::Fail, "negative"),
        (team(json!({"INCIDENT_TRAINING_AGE_DAYS": -5})), "", Status::Fail, "negative"),
        (
            team(
                json!({"INCIDENT_METRICS_MTTA_MINUTES": 0, "INCIDENT_METRICS_MTTR_MINUTES": 0, "INCIDENT_METRICS_DATA_AGE_HOURS": 500}),
            ),
            "",
            Status::Fail,
            "measured",
        ),
    ]);
    // An interval of zero is none: neither the verdict nor the alerts speak of it.
    let off = team(json!({"INCIDENT_TRAINING_INTERVAL_DAYS": 0, "INCIDENT_TRAINING_AGE_DAYS": 900}));
    let readiness = all(&[("team", off)], "");
    assert_eq!((readiness.status, readiness.alerts.len()), (Status::Pass, 0), "{readiness:#?}");
}

#[test]
fn every_issue_of_every_component_counts() {
    let drift = json!({"generated_at": NOW, "status": "alert", "config": {}, "metrics": {
        "spread": {"severity": "alert", "baseline_mean": 1, "evaluation_mean": 9, "baseline_count": 9, "evaluation_count": 9},
        "depth": {"severity": "alert", "baseline_mean": 1, "evaluation_mean": 9, "baseline_count": 9, "evaluation_count": 9}}});
    let team = json!({"INCIDENT_OPEN_INCIDENTS": 7, "INCIDENT_TRAINING_AGE_DAYS": 999});
    let counts = |documents: &[(&str, Value)]| all(documents, "").metadata.issue_counts["fail"];
    let (first, second) = (counts(&[("drift", drift.clone())]), counts(&[("team", team.clone())]));
    assert!(first > 1 && second > 1, "{first} {second}");
    assert_eq!(counts(&[("drift", drift), ("team", team)]), first + second);
}

#[test]
fn a_session_is_judged_by_what_happened_in_it_and_not_by_words() {
    let of = |extra: Value| watched(&extra, &json!({}), 0.0);
    let long = json!({"minimum_runtime_seconds": 7200});
    let own_timer = json!({"status": "stopped", "stop_reasons": ["duration-elapsed"]});
    let mut breach = of(json!({"invariant_breaches": [{"stage": "book", "message": "crossed"}]}));
    breach["samples"][30]["last_error"] = json!({"stage": "later", "message": "another error"});
    let mut errors = of(json!({}));
    for n in 0..31 {
        errors["samples"][n]["errors_observed"] = json!(n * 17);
        errors["samples"][n]["orders_observed"] = json!(0);
    }
    let limited = json!({"memory_growth_threshold_mb": 64});
    let mut spike = watched(&json!({}), &limited, 0.0);
    spike["samples"][15]["memory_mb"] = json!(500.0);
    let mut warm_up = watched(&json!({}), &limited, 0.0);
    for n in 0..3 {
        warm_up["samples"][n]["memory_mb"] = json!(20 + 60 * n);
    }
    let word = |text: &str| of(json!({"status": "completed", "error_events": [{"message": text}]}));
    table(&[
        (watched(&own_timer, &long, 0.0), "", Status::Fail, "at least 7200 s"),
        (breach, "", Status::Fail, "an invariant was breached: book: crossed"),
        (word("limit exceeded"), "", Status::Warn, "limit exceeded"),
        (word("all invariants hold"), "", Status::Warn, "all invariants hold"),
        (errors, "", Status::Fail, "error"),
        (spike, "", Status::Pass, ""),
        (warm_up, "", Status::Pass, ""),
    ]);
}
