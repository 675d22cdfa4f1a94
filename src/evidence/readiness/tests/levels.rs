//! Service levels and drift.

use super::*;

#[test]
fn objectives_are_judged_by_what_was_observed() {
    let of = |target: Value, observed: Value, stated: &str| {
        json!({"service": "till", "generated_at": NOW, "status": stated, "slos": [
            {"name": "till", "status": stated, "target": {}, "observed": {"probes": 1}},
            {"name": "till.pay", "status": stated, "message": "as seen", "target": target, "observed": observed}]})
    };
    let latency = |observed: Value| of(json!({"p95_seconds": 2.0}), observed, "pass");
    let fresh =
        |observed: Value| of(json!({"freshness_warn_seconds": 60, "freshness_fail_seconds": 300}), observed, "pass");
    let same = |observed: Value| of(json!({"warn_threshold": 0.2, "fail_threshold": 0.4}), observed, "pass");
    table(&[
        (latency(json!({"p95_seconds": 2.0})), "", Status::Pass, ""),
        (latency(json!({"p95_seconds": 3.0})), "", Status::Warn, "the target is 2 s"),
        (latency(json!({"p95_seconds": 3.1})), "", Status::Fail, "beyond 3 s"),
        (latency(json!({"p95_seconds": 1.0, "max_seconds": 3.5})), "", Status::Fail, "beyond 3 s"),
        (latency(json!({})), "", Status::Fail, "was not measured"),
        (latency(json!({"p95_seconds": "NaN"})), "", Status::Fail, "no real number"),
        (latency(json!({"p95_seconds": -1})), "", Status::Fail, "negative"),
        (latency(json!({"p95_seconds": 1, "samples": 0})), "", Status::Fail, "no sample"),
        (
            of(json!({"p95_seconds": 2.0}), json!({"p95_seconds": 1}), "breached"),
            "",
            Status::Fail,
            "till.pay is FAIL: as seen",
        ),
        (of(json!({"p95_seconds": 2.0}), json!({"p95_seconds": 1}), "purple"), "", Status::Fail, "no verdict"),
        (fresh(json!({"age_seconds": 60})), "", Status::Pass, ""),
        (fresh(json!({"age_seconds": 61})), "", Status::Warn, "last seen"),
        (fresh(json!({"last_seen_at": "2031-05-04T11:00:00Z"})), "", Status::Fail, "last seen 1h ago"),
        (fresh(json!({"last_seen_at": "2031-05-04T13:00:00Z"})), "", Status::Fail, "future"),
        (fresh(json!({"age_seconds": -5})), "", Status::Fail, "negative"),
        (fresh(json!({"alerts_sent": 0})), "", Status::Fail, "never seen"),
        (same(json!({"checksum_match": true, "drift_score": 0.1})), "", Status::Pass, ""),
        (same(json!({"checksum_match": false})), "", Status::Fail, "another checksum"),
        (same(json!({"checksum_match": true, "mismatched_fields": ["a", "b"]})), "", Status::Fail, "2 fields differ"),
        (same(json!({"checksum_match": true, "drift_score": 0.3})), "", Status::Warn, "a drift of 0.3"),
        (same(json!({"mismatched_fields": []})), "", Status::Fail, "no replay"),
        (
            json!({"service": "till", "generated_at": NOW, "status": "pass", "slos": [
            {"name": "till", "status": "pass", "target": {}, "observed": {}}]}),
            "",
            Status::Fail,
            "holds no objective",
        ),
        (json!({"generated_at": NOW, "slos": []}), "", Status::Fail, "holds no objective"),
        (json!({"generated_at": NOW, "slos": {}}), "", Status::Fail, "no list"),
    ]);
}

#[test]
fn drift_is_that_of_its_series_and_those_expected_must_be_there() {
    let of = |series: Value, stated: &str| json!({"generated_at": NOW, "status": stated, "config": {}, "metrics": {"spread": series}});
    let calm = json!({"severity": "normal", "baseline_mean": 1, "evaluation_mean": 1.1, "baseline_count": 9, "evaluation_count": 4});
    let with = |key: &str, value: Value| {
        let mut series = calm.clone();
        series[key] = value;
        of(series, "normal")
    };
    table(&[
        (of(calm.clone(), "normal"), "", Status::Pass, ""),
        (with("severity", json!("warn")), "", Status::Warn, "spread begins to drift"),
        (with("severity", json!("alert")), "", Status::Fail, "spread drifts"),
        (with("severity", json!("odd")), "", Status::Fail, "`odd`"),
        (with("severity", json!(null)), "", Status::Fail, "no verdict"),
        (with("evaluation_mean", json!("NaN")), "", Status::Fail, "evaluation_mean of spread"),
        (with("evaluation_mean", json!(null)), "", Status::Fail, "was not measured"),
        (with("evaluation_count", json!(0)), "", Status::Fail, "0 samples"),
        (of(calm.clone(), "alert"), "", Status::Fail, "FAIL of itself"),
        (of(calm.clone(), "normal"), "[drift]\nexpected = [\"Spread\"]", Status::Pass, ""),
        (of(calm.clone(), "normal"), "[drift]\nexpected = [\"depth\"]", Status::Fail, "the series depth is missing"),
        (json!({"generated_at": NOW, "status": "normal", "config": {}, "metrics": {}}), "", Status::Fail, "no series"),
        (
            json!({"generated_at": NOW, "dimensions": [{"dimension": "rows", "status": "warn"}]}),
            "",
            Status::Warn,
            "rows begins",
        ),
    ]);
}
