//! Table tests of the minutes: what decides their verdict, and why.

use serde_json::json;

use super::*;

fn options() -> Options {
    Options::new(Stamp::parse("2025-01-10").expect("a day"))
}

/// A bundle of a run that covers this many hours and was signed off with this status.
fn bundle(hours: f64, status: &str) -> Value {
    json!({
        "status": status,
        "summary": {"status": status, "logs": {"duration_seconds": hours * 3600.0, "records": 9, "uptime_ratio": 1.0}},
        "sign_off": {"status": status, "criteria": {"minimum_duration_seconds": 72.0 * 3600.0}, "gates": [{"name": "logs", "status": status}]},
    })
}

fn minutes(bundle: &Value, options: &Options) -> WrapUp {
    from_bundle(bundle, "summary.json", &[], options)
}

#[test]
fn a_run_must_cover_what_its_sign_off_or_the_caller_asks_for() {
    let hours = |h: f64| Duration::from_secs_f64(h * 3600.0);
    for (covered, required, tolerance, met, status) in [
        (72.0, Required::AsSignedOff, None, Some(true), Status::Pass),
        // One percent, at most five minutes, as everywhere.
        (71.95, Required::AsSignedOff, None, Some(true), Status::Pass),
        (71.9, Required::AsSignedOff, None, Some(false), Status::Fail),
        (71.9, Required::AsSignedOff, Some(hours(1.0)), Some(true), Status::Pass),
        (1.0, Required::AsSignedOff, None, Some(false), Status::Fail),
        (1.0, Required::AtLeast(hours(1.0)), None, Some(true), Status::Pass),
        (1.0, Required::Nothing, None, None, Status::Pass),
        (0.0, Required::AtLeast(hours(1.0)), None, Some(false), Status::Fail),
    ] {
        let made = minutes(&bundle(covered, "pass"), &Options { required, tolerance, ..options() });
        assert_eq!((made.duration_met, made.status), (met, status), "{covered} {required:?} {tolerance:?}");
        assert_eq!(made.verdict, made.status);
    }
}

#[test]
fn a_duration_that_is_not_known_is_a_fail_and_a_question() {
    let mut unknown = bundle(1.0, "pass");
    unknown["summary"]["logs"]["duration_seconds"] = Value::Null;
    let made = minutes(&unknown, &options());
    assert_eq!((made.status, made.duration_met), (Status::Fail, None));
    assert!(made.open_questions[0].starts_with("How long did the run last?"), "{:?}", made.open_questions);
}

#[test]
fn the_worst_of_evidence_sign_off_and_review_decides_and_is_named() {
    for (evidence, sign_off, review, expect, because) in [
        ("pass", "pass", "pass", Status::Pass, "3d were covered, 3d are required"),
        ("warn", "pass", "pass", Status::Warn, "evidence: WARN"),
        ("pass", "fail", "pass", Status::Fail, "sign-off: FAIL"),
        ("warn", "fail", "fail", Status::Fail, "sign-off, review: FAIL"),
        ("PASS", "Passed", "ok", Status::Pass, "3d were covered, 3d are required"),
    ] {
        let mut run = bundle(72.0, "pass");
        run["summary"]["status"] = json!(evidence);
        run["sign_off"]["status"] = json!(sign_off);
        run["review"] = json!({"status": review, "action_items": []});
        let made = minutes(&run, &options());
        assert_eq!((made.status, made.because.first().map(String::as_str)), (expect, Some(because)), "{run}");
    }
}

#[test]
fn a_pass_that_its_own_document_contradicts_is_none() {
    for (pointer, value, expect) in [
        ("/verdict", json!("fail"), Status::Fail),
        ("/summary/verdict", json!("warn"), Status::Warn),
        ("/sign_off/gates", json!([{"name": "logs", "status": "fail"}]), Status::Fail),
        ("/summary/gates", json!([{"name": "uptime", "status": "warn"}]), Status::Warn),
        ("/summary/logs/uptime_ratio", json!(2.0), Status::Fail),
        ("/summary/logs/uptime_ratio", json!(-0.1), Status::Fail),
        ("/summary/logs/records", json!(0), Status::Fail),
        ("/sign_off/gates", json!([{"name": "logs", "status": "pass"}]), Status::Pass),
    ] {
        let mut run = bundle(72.0, "pass");
        let (holder, key) = pointer.rsplit_once('/').expect("a place");
        run.pointer_mut(holder).expect("a holder")[key] = value.clone();
        assert_eq!(minutes(&run, &options()).status, expect, "{pointer}: {value}");
    }
}

#[test]
fn a_warning_counts_as_a_fail_where_that_is_asked_for_and_the_minutes_say_so() {
    let strict = Options { warn_as_fail: true, ..options() };
    for (status, expect) in [("pass", Status::Pass), ("warn", Status::Fail), ("fail", Status::Fail)] {
        let made = minutes(&bundle(72.0, status), &strict);
        assert_eq!(made.status, expect, "{status}");
        assert_eq!(made.because.iter().any(|why| why == "a WARN counts as a FAIL here"), status == "warn");
    }
}

#[test]
fn a_minimum_given_to_the_minutes_is_among_the_limits() {
    let length = |hours: u64| Required::AtLeast(Duration::from_secs(hours * 3600));
    for (required, value, from, headline) in [
        (Required::AsSignedOff, "3d", None, "PASS"),
        (length(72), "3d", None, "PASS"),
        (length(1), "1h", Some("3d (default)"), "PASS with 1 limit relaxed"),
        (Required::Nothing, "0s", Some("3d (default)"), "PASS with 1 limit relaxed"),
    ] {
        let mut run = bundle(72.0, "pass");
        run["criteria"] = json!([{"limit": "min_duration", "value": "3d", "source": "default"}]);
        let made = minutes(&run, &Options { required, ..options() });
        let row = &made.criteria[0];
        assert_eq!(
            (&*row.value, row.relaxed_from.as_deref(), &*made.headline),
            (value, from, headline),
            "{required:?}"
        );
        assert_eq!(row.relaxed, from.is_some());
    }
    // What the run had loosened already is measured by what it was loosened from.
    let mut run = bundle(72.0, "pass");
    run["criteria"] = json!([{"limit": "min_duration", "value": "1s", "source": "--min-duration", "relaxed": true,
        "relaxed_from": "3d (p.toml:2)"}]);
    let made = minutes(&run, &Options { required: Required::Nothing, ..options() });
    assert_eq!(made.criteria[0].relaxed_from.as_deref(), Some("3d (p.toml:2)"));
}

#[test]
fn a_run_that_is_too_short_is_one_follow_up() {
    let mut run = bundle(1.0, "fail");
    let text = "the duration is 1h, asked for at least 3d";
    let figures = json!({"actual_seconds": 3600, "required_seconds": 259_200});
    let finding = json!({"severity": "fail", "message": text, "metadata": figures});
    run["sign_off"]["findings"] = json!([finding]);
    run["review"]["action_items"] =
        json!([{"category": "sign_off", "severity": "fail", "summary": text, "context": finding}]);
    let made = minutes(&run, &options());
    let told: Vec<&str> =
        made.backlog_items.iter().map(|entry| &*entry.description).filter(|text| text.contains("1h")).collect();
    assert_eq!(told, ["the evidence covers 1h, 3d are required"]);
}

#[test]
fn a_summary_that_nobody_signed_off_is_no_pass() {
    for sign_off in
        [json!(null), json!({}), json!({"criteria": {"minimum_duration_seconds": 3600}}), json!({"gates": []})]
    {
        let mut run = bundle(72.0, "pass");
        run["sign_off"] = sign_off.clone();
        let made = minutes(&run, &options());
        assert_eq!(made.status, Status::Warn, "{sign_off}");
        let told = made.backlog_items.iter().any(|entry| entry.description.contains("nobody signed this off"));
        assert!(told, "{sign_off}: {:?}", made.backlog_items);
        // The table of limits of a bundle is no sign-off.
        run["criteria"] = json!([{"limit": "min_uptime", "value": "98%", "source": "default"}]);
        run["verdict"] = json!("pass");
        assert_eq!(minutes(&run, &options()).status, Status::Warn, "{sign_off}");
    }
}

#[test]
fn a_summary_without_figures_of_the_logs_measured_nothing() {
    for logs in [json!(null), json!({}), json!([]), json!({"duration_seconds": null}), json!({"errors": []})] {
        let mut run = bundle(72.0, "pass");
        run["summary"]["logs"] = logs.clone();
        let made = minutes(&run, &Options { required: Required::Nothing, ..options() });
        assert_eq!(made.status, Status::Fail, "{logs}");
        assert!(made.because.iter().any(|why| why.contains("nothing was measured")), "{logs}: {:?}", made.because);
    }
}

#[test]
fn a_summary_that_counts_no_records_is_no_pass() {
    for (logs, expect) in [
        (json!({"duration_seconds": 259_200}), Status::Warn),
        (json!({"duration_seconds": 259_200, "uptime_ratio": 1.0, "records": null}), Status::Warn),
        (json!({"duration_seconds": 259_200, "uptime_ratio": 1.0, "records": "many"}), Status::Warn),
        (json!({"duration_seconds": 259_200, "level_counts": {"info": "some"}}), Status::Fail),
        // A count of nothing is known to be nothing.
        (json!({"duration_seconds": 259_200, "level_counts": {}}), Status::Fail),
        (json!({"duration_seconds": 259_200, "records": 0}), Status::Fail),
        (json!({"duration_seconds": 259_200, "level_counts": {"info": 7}}), Status::Pass),
        (json!({"duration_seconds": 259_200, "records": 7}), Status::Pass),
    ] {
        let mut run = bundle(72.0, "pass");
        run["summary"]["logs"] = logs.clone();
        assert_eq!(minutes(&run, &options()).status, expect, "{logs}");
    }
}

#[test]
fn errors_that_are_counted_and_not_listed_are_a_fail_in_any_case_of_the_level() {
    for (levels, expect) in [
        (json!({"info": 5}), Status::Pass),
        (json!({"info": 5, "error": 0}), Status::Pass),
        (json!({"ERROR": 1}), Status::Fail),
        (json!({"Fatal": 1}), Status::Fail),
        (json!({"crit": "2"}), Status::Fail),
        (json!({"emergency": 1}), Status::Fail),
        (json!({"warning": 3}), Status::Pass),
    ] {
        let mut run = bundle(72.0, "pass");
        run["summary"]["logs"]["level_counts"] = levels.clone();
        assert_eq!(minutes(&run, &options()).status, expect, "{levels}");
    }
}

#[test]
fn three_reasons_are_told_and_the_others_counted() {
    let mut run = bundle(72.0, "pass");
    run["incidents"] = (0..5)
        .map(|n| json!({"severity": "fail", "message": format!("fault {}", ["a", "b", "c", "d", "e"][n])}))
        .collect();
    let made = minutes(&run, &options());
    assert_eq!(made.because, ["fault a", "fault b", "fault c", "and 2 more at FAIL"]);
    assert_eq!(made.backlog_items.len(), 5);
    assert_eq!(made.incidents.len(), 5);
}

#[test]
fn without_follow_ups_the_verdict_is_the_same() {
    let mut run = bundle(72.0, "pass");
    run["incidents"] = json!([{"severity": "fail", "message": "killed"}]);
    let made = minutes(&run, &Options { backlog: false, ..options() });
    assert_eq!((made.status, made.backlog_items.len()), (Status::Fail, 0));
}

#[test]
fn people_and_notes_are_trimmed_collapsed_and_each_named_once() {
    let mut run = bundle(72.0, "pass");
    run["review"] = json!({"status": "pass", "action_items": [], "attendees": ["  ada \t lead ", "", 5], "notes": "one\u{2028}two\r\n \nthree"});
    let made = minutes(
        &run,
        &Options {
            attendees: vec!["ada lead".to_owned(), " ben ".to_owned()],
            notes: vec!["  ".to_owned()],
            ..options()
        },
    );
    assert_eq!(made.attendees, ["ada lead", "5", "ben"]);
    assert_eq!(made.notes, ["one", "two", "three"]);
}

#[test]
fn follow_ups_without_owner_or_date_are_questions() {
    let mut run = bundle(72.0, "pass");
    run["incidents"] = json!([
        {"severity": "fail", "message": "killed", "owner": "ops", "due": "2025-02-01"},
        {"severity": "warn", "message": "slow"},
    ]);
    let questions = minutes(&run, &options()).open_questions;
    assert_eq!(
        questions,
        ["Who takes the follow-ups without an owner (1)?", "By when are the follow-ups without a date due (1)?",]
    );
}

#[test]
fn what_was_measured_is_never_replaced_by_what_was_attached() {
    let mut run = bundle(72.0, "pass");
    run["summary"]["metadata"] = json!({"Uptime": "12%", "ticket": "REL-7"});
    run["review"] = json!({"status": "pass", "action_items": [], "highlights": {"Uptime": "50%"}});
    let made = minutes(&run, &options());
    assert_eq!(made.highlights["Uptime"], json!("100%"));
    assert_eq!(made.highlights["ticket"], json!("REL-7"));
}

#[test]
fn a_run_without_a_summary_has_minutes_that_fail() {
    for record in [None, Some(json!({"name": "a", "started_at": "2025-01-06T00:00:00Z"}))] {
        let made = from_unfinished(record.as_ref(), "runs/a", &[], &options());
        assert_eq!(made.status, Status::Fail);
        assert!(made.because.iter().any(|why| why.contains("not completed")), "{:?}", made.because);
    }
}

#[test]
fn what_a_summary_says_against_itself_is_no_pass() {
    for (place, value, expect) in [
        ("/drills", json!([{"name": "a", "status": "failed"}]), Status::Fail),
        ("/sign_off/gates", json!([]), Status::Warn),
        ("/sign_off/gates/0/status", Value::Null, Status::Warn),
        ("/summary/logs/records", json!("many"), Status::Warn),
        ("/summary/logs/records", json!("9"), Status::Pass),
        ("/summary/logs/uptime_ratio", json!(98), Status::Fail),
        ("/summary/logs/error_count", json!(5), Status::Fail),
        ("/summary/logs/level_counts", json!({"main": {"error": 3}}), Status::Warn),
        ("/summary/logs/level_counts", json!([{"error": 3}]), Status::Warn),
        ("/summary/record", json!({"differs": ["a log was changed"]}), Status::Fail),
        ("/summary/simulated", json!(true), Status::Warn),
        ("/started_at", json!("2025-01-08T23:00:00Z"), Status::Warn),
        ("/metadata", json!({"status": "failed"}), Status::Pass),
        ("/sign_off/criteria/minimum_uptime_ratio", json!(0.98), Status::Pass),
    ] {
        let mut run = bundle(72.0, "pass");
        (run["duration_seconds"], run["ended_at"]) = (json!(259_200), json!("2025-01-09T00:00:00Z"));
        let (holder, key) = place.rsplit_once('/').unwrap();
        match run.pointer_mut(holder).unwrap() {
            Value::Object(members) => drop(members.insert(key.to_owned(), value.clone())),
            other => panic!("{place}: {other}"),
        }
        let made = minutes(&run, &options());
        assert_eq!(made.status, expect, "{place} {value}: {:?}", made.because);
    }
    // An uptime that is lower than what was asked for.
    let mut run = bundle(72.0, "pass");
    run["sign_off"]["criteria"]["minimum_uptime_ratio"] = json!(0.98);
    run["summary"]["logs"]["uptime_ratio"] = json!(0.4);
    assert_eq!(minutes(&run, &options()).status, Status::Fail);
}
