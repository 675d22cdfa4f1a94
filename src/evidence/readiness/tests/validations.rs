//! Validation reports.

use super::*;

#[test]
fn the_list_is_the_evidence() {
    let of = |extra: Value| {
        let mut report = json!({"timestamp": NOW});
        report.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
        report
    };
    let twenty = |failed: Value| {
        let mut results: serde_json::Map<String, Value> =
            (0..19).map(|n| (format!("probe {n}"), json!(true))).collect();
        results.insert("feed".to_owned(), failed);
        of(json!({ "results": results }))
    };
    table(&[
        (of(json!({"results": {"feed": true, "books": "passed"}})), "", Status::Pass, ""),
        (of(json!({"results": {"feed": "failed"}})), "", Status::Fail, "none of 1 check passed"),
        (of(json!({"checks": [{"name": "feed", "passed": "false"}]})), "", Status::Fail, "feed failed"),
        (
            of(json!({"checks": [{"name": "feed"}, {"name": "books", "passed": true}]})),
            "",
            Status::Fail,
            "says nothing",
        ),
        (of(json!({"checks": [{"check": "feed", "status": 7}]})), "", Status::Fail, "says 7"),
        (of(json!({"results": {"feed": true, "books": "skipped"}})), "", Status::Warn, "books did not pass"),
        (of(json!({"results": {"books": "skipped"}})), "", Status::Fail, "none of"),
        (of(json!({"results": {}})), "", Status::Fail, "holds no check"),
        (of(json!({"results": "all good"})), "", Status::Fail, "not a list"),
        (
            of(json!({"checks": [{"name": "a", "passed": true}, {"name": "a", "passed": false}]})),
            "",
            Status::Fail,
            "none of",
        ),
        (twenty(json!(false)), "", Status::Warn, "feed failed"),
        (twenty(json!(false)), "[validation]\nmin_success_rate = \"99%\"", Status::Fail, "at least 99%"),
        (twenty(json!({"passed": true, "status": "error", "message": "late"})), "", Status::Warn, "feed failed: late"),
        (twenty(json!(false)), "[validation]\nrequired_checks = [\"FEED\"]", Status::Fail, "did not pass"),
        (twenty(json!(true)), "[validation]\nrequired_checks = [\"books\"]", Status::Fail, "books is missing"),
        (of(json!({"status": "ok", "results": {"a": true, "b": false}})), "", Status::Fail, "a check in it failed"),
        (of(json!({"status": "degraded", "results": {"a": true}})), "", Status::Warn, "WARN of itself"),
        (
            of(json!({"summary": {"status": "fail", "message": "no"}, "results": {"a": true}})),
            "",
            Status::Fail,
            "itself: no",
        ),
        (of(json!({"status": "blocked", "results": {"a": true}})), "", Status::Fail, "FAIL of itself"),
        (of(json!({"status": "mauve", "results": {"a": true}})), "", Status::Fail, "`mauve`"),
        (of(json!({"passed_checks": 2, "results": {"a": true, "b": false}})), "", Status::Fail, "but the list says 1"),
        (of(json!({"success_rate": "99%", "results": {"a": true, "b": false}})), "", Status::Fail, "1 of 2 passed"),
        (of(json!({"success_rate": "NaN", "results": {"a": true}})), "", Status::Fail, "no share"),
        (
            of(json!({"success_rate": 66.7, "total_checks": 3, "results": {"a": 1, "b": true, "c": true}})),
            "",
            Status::Fail,
            "a says 1",
        ),
    ]);
}

#[test]
fn counters_stand_for_a_list_and_a_rate_alone_does_not() {
    let of = |total: Value, passed: Value, failed: Value, rate: Value| json!({"timestamp": NOW, "total_checks": total, "passed_checks": passed, "failed_checks": failed, "success_rate": rate});
    let n = Value::Null;
    table(&[
        (of(json!(8), json!(8), n.clone(), n.clone()), "", Status::Pass, ""),
        (of(json!(100), json!(97), json!(3), json!(0.97)), "", Status::Warn, "3 checks did not pass"),
        (of(json!(10), json!(8), n.clone(), n.clone()), "", Status::Fail, "80%"),
        (of(json!(10), json!(11), n.clone(), n.clone()), "", Status::Fail, "11 passed of 10"),
        (of(json!(10), json!(8), json!(5), n.clone()), "", Status::Fail, "5 failed of 10"),
        (of(json!(-3), json!(-3), n.clone(), n.clone()), "", Status::Fail, "negative"),
        (of(json!(0), json!(0), n.clone(), n.clone()), "", Status::Fail, "holds no check"),
        (of(n.clone(), n.clone(), n.clone(), json!(1)), "", Status::Fail, "a rate alone"),
        (of(json!(100), json!(1), n.clone(), json!(1)), "", Status::Fail, "1%"),
        (of(json!(100), json!(100), n, json!(0.5)), "", Status::Fail, "100 of 100 passed"),
    ]);
}

#[test]
fn earlier_reports_tell_of_streaks() {
    let report = |time: &str, good: bool| json!({"timestamp": time, "results": {"a": good, "b": true}});
    let short =
        |time: &str, status: &str, rate: f64| json!({"generated_at": time, "status": status, "success_rate": rate});
    let policy = rules("[validation]\nhistory = [\"x.json\"]");
    for (now_good, earlier, status, expect) in [
        (true, vec![report("2031-05-03T12:00:00Z", true)], Status::Pass, ""),
        (false, vec![report("2031-05-03T12:00:00Z", false)], Status::Fail, "2 reports in a row failed"),
        (true, vec![short("2031-05-03T12:00:00Z", "fail", 0.0)], Status::Fail, "on average 50%"),
        (true, vec![short("2031-05-03T12:00:00Z", "pass", 0.85)], Status::Warn, "on average 92.5%"),
        (true, vec![short("2031-04-03T12:00:00Z", "fail", 0.0)], Status::Pass, ""),
        (true, vec![json!({"status": "pass", "success_rate": 1.0})], Status::Fail, "has no time"),
        (true, vec![json!([])], Status::Fail, "is a list"),
    ] {
        let history: Vec<Given> = earlier.iter().map(|document| file("earlier", document)).collect();
        let readiness = judge(&[file("it", &report(NOW, now_good))], &history, &policy, now()).expect("judged");
        let said: Vec<&str> = readiness.findings.iter().map(|finding| finding.summary.as_str()).collect();
        assert_eq!(readiness.status, status, "{earlier:?}: {said:?}");
        assert!(said.join(" | ").contains(expect), "{earlier:?}: {said:?}");
    }
}
