//! Sessions that somebody watched: guardians, runtimes, drills, budgets.

use super::*;

pub(super) fn merged(mut base: Value, extra: &Value) -> Value {
    for (key, value) in extra.as_object().expect("an object") {
        base[key] = value.clone();
    }
    base
}

/// A session of an hour, watched every two minutes, whose memory grows by `rate` MB an hour.
pub(super) fn watched(extra: &Value, limits: &Value, rate: f64) -> Value {
    let samples: Vec<Value> = (0..=30)
        .map(|n| {
            let noise = f64::from((n * 7) % 5) * 0.2;
            json!({"timestamp": NOW, "runtime_seconds": n * 120, "errors_observed": 0,
                "memory_mb": 200.0 + rate * f64::from(n) / 30.0 + noise, "latency_metrics": {"p99_latency_s": 0.02}})
        })
        .collect();
    let base = json!({
        "status": "completed", "started_at": NOW, "finished_at": NOW, "runtime_seconds": 3600, "stop_reasons": [],
        "invariant_breaches": [], "error_events": [], "samples": samples,
        "metrics": {"objective_thresholds": limits, "objective_compliance": {"minimum_runtime_met": true}},
    });
    merged(base, extra)
}

#[test]
fn a_guardian_is_judged_by_its_samples_and_events() {
    let of = |extra: Value| watched(&extra, &json!({}), 0.0);
    let limited = |limits: Value| watched(&json!({}), &limits, 0.0);
    let error = json!({"stage": "book", "message": "lost"});
    let mut seen = of(json!({}));
    for n in 0..3 {
        seen["samples"][n]["last_error"] = error.clone();
    }
    let active = |word: &str| {
        let mut session = of(json!({}));
        session["samples"][2]["failover"] = json!({ "active": word });
        session
    };
    table(&[
        (of(json!({})), "", Status::Pass, ""),
        (of(json!({"status": "stopped", "stop_reasons": ["duration-elapsed"]})), "", Status::Pass, ""),
        (of(json!({"status": "stopped", "stop_reasons": ["operator"]})), "", Status::Warn, "stopped (operator)"),
        (of(json!({"status": "degraded"})), "", Status::Warn, "degraded"),
        (of(json!({"status": "failed"})), "", Status::Fail, "it failed"),
        (of(json!({"status": "running"})), "", Status::Fail, "not ended"),
        (of(json!({"status": "purple"})), "", Status::Fail, "`purple`"),
        (of(json!({"samples": []})), "", Status::Fail, "no sample"),
        (of(json!({"metrics": {"objective_compliance": {"fast_enough": false}}})), "", Status::Fail, "fast_enough"),
        (limited(json!({"minimum_runtime_seconds": 3600})), "", Status::Pass, ""),
        (limited(json!({"minimum_runtime_seconds": 3601})), "", Status::Fail, "at least 3601"),
        (limited(json!({"latency_p99_threshold_s": 0.02})), "", Status::Pass, ""),
        (limited(json!({"latency_p99_threshold_s": 0.019})), "", Status::Fail, "reached 0.02"),
        (
            watched(&json!({"samples": [{"memory_mb": 1}]}), &json!({"latency_p99_threshold_s": 1}), 0.0),
            "",
            Status::Fail,
            "never measured",
        ),
        (watched(&json!({}), &json!({"memory_growth_threshold_mb": 64}), 60.0), "", Status::Warn, "within a day"),
        (watched(&json!({}), &json!({"memory_growth_threshold_mb": 64}), 0.0), "", Status::Pass, ""),
        (
            watched(&json!({}), &json!({"memory_growth_threshold_mb": 64}), 80.0),
            "",
            Status::Fail,
            "the memory grew by 6",
        ),
        (seen.clone(), "", Status::Fail, "3 times: book: lost"),
        (merged(seen.clone(), &json!({"error_events": [error]})), "", Status::Warn, "3 times"),
        (
            merged(seen, &json!({"status": "degraded", "error_events": [error], "invariant_breaches": [error]})),
            "",
            Status::Warn,
            "an invariant was breached: book: lost, 3 times",
        ),
        (of(json!({"error_events": [{"message": "gone", "severity": "critical"}]})), "", Status::Fail, "gone"),
        (of(json!({"report": {"errors": [error, error]}})), "", Status::Fail, "2 errors of the report"),
        (active("false"), "", Status::Pass, ""),
        (active("yes"), "", Status::Warn, "failover"),
    ]);
}

#[test]
fn a_runtime_is_judged_by_its_workloads_and_tasks() {
    let task = |name: &str, restarts: u64| json!({"name": format!("{name}-loop"), "state": "running", "metadata": {"workload": name}, "restarts": restarts});
    let of = |states: Value, tasks: Value| {
        let active = tasks.as_array().map_or(0, Vec::len);
        json!({"generated_at": NOW, "workload_states": states, "task_supervisor": {"active_tasks": active, "tasks": tasks}})
    };
    table(&[
        (of(json!({"feed": "running"}), json!([task("feed", 0)])), "", Status::Pass, ""),
        (
            json!({"generated_at": NOW, "runtime": of(json!({"feed": "running"}), json!([task("feed", 0)]))}),
            "",
            Status::Pass,
            "",
        ),
        (of(json!({"feed": "finished", "book": "finished"}), json!([])), "", Status::Pass, ""),
        (of(json!({"feed": "failed", "book": "running"}), json!([task("book", 0)])), "", Status::Fail, "feed failed"),
        (
            of(json!({"feed": "finished", "book": "running"}), json!([task("book", 0)])),
            "",
            Status::Warn,
            "while others run",
        ),
        (of(json!({"feed": "running"}), json!([task("feed", 2)])), "", Status::Warn, "2 restarts"),
        (
            of(json!({"feed": "running", "book": "running"}), json!([task("feed", 0)])),
            "",
            Status::Fail,
            "no task carries it",
        ),
        (of(json!({"feed": "asleep"}), json!([])), "", Status::Fail, "`asleep`"),
        (of(json!({}), json!([])), "", Status::Fail, "no workload"),
        (
            merged(
                of(json!({"feed": "running"}), json!([task("feed", 0)])),
                &json!({"ingestion": {"name": "feed", "state": "failed"}}),
            ),
            "",
            Status::Fail,
            "feed failed",
        ),
    ]);
}

#[test]
fn drills_of_others_must_show_that_something_was_seen_and_came_back() {
    let of = |drill: Value| json!({"run_id": "r", "timestamp": NOW, "results": {"feed": drill}});
    let failover = |extra: &Value| {
        let base = json!({
            "generated_at": NOW, "status": "ok", "scenario": "store", "failover_decision": {"triggered_dimensions": ["bars"]},
            "components": [{"name": "fallback", "status": "ok", "metadata": {"executed": true}}],
            "metadata": {"targeted_dimensions": ["bars"]}, "verification": {"status": "ok"},
        });
        merged(base, extra)
    };
    table(&[
        (of(json!({"status": "passed", "detected_at": NOW})), "", Status::Pass, ""),
        (of(json!({"status": "passed"})), "", Status::Warn, "does not show when"),
        (of(json!({"status": "failed", "error": "no alarm"})), "", Status::Fail, "no alarm"),
        (of(json!({"status": "not_run"})), "", Status::Fail, "was not run"),
        (of(json!({"status": "skipped"})), "", Status::Warn, "did not pass"),
        (json!({"generated_at": NOW, "drills": []}), "", Status::Fail, "no drill"),
        (failover(&json!({})), "", Status::Pass, ""),
        (failover(&json!({"verification": null})), "", Status::Fail, "may have done nothing"),
        (failover(&json!({"verification": {"status": "down"}})), "", Status::Fail, "not well after"),
        (failover(&json!({"metadata": {"targeted_dimensions": []}})), "", Status::Fail, "no target"),
        (failover(&json!({"failover_decision": {}})), "", Status::Fail, "was not seen"),
        (
            failover(&json!({"failover_decision": {"triggered_dimensions": ["bars", "ticks"]}})),
            "",
            Status::Fail,
            "ticks was down as well",
        ),
        (failover(&json!({"components": []})), "", Status::Fail, "nothing recovered"),
        (
            failover(
                &json!({"components": [{"name": "fallback", "metadata": {"executed": true, "error": "no replica"}}]}),
            ),
            "",
            Status::Fail,
            "no replica",
        ),
    ]);
}

#[test]
fn a_session_is_held_against_its_budgets() {
    let session = |extra: &Value| {
        let base = json!({
            "generated_at": NOW, "orders": [{"id": 1}], "errors": [], "paper_metrics": {"avg_latency_s": 1.0, "failure_ratio": 0.05},
            "performance_health": {"throughput": {"healthy": true, "max_processing_ms": 250, "max_lag_ms": 250}},
            "trade_throttle": {"state": "open"}, "incident_response": {"snapshot": {"status": "ok"}},
        });
        merged(base, extra)
    };
    let throughput = |healthy: bool, lag: Value| json!({"performance_health": {"throughput": {"healthy": healthy, "max_processing_ms": 1, "max_lag_ms": lag}}});
    let budgets = |line: &str| format!("[budgets]\n{line}");
    table(&[
        (session(&json!({})), "", Status::Pass, ""),
        (
            session(&json!({"paper_metrics": {"avg_latency_s": 1.01, "failure_ratio": 0}})),
            "",
            Status::Fail,
            "at most 1 are",
        ),
        (
            session(&json!({"paper_metrics": {"avg_latency_s": 1.01, "failure_ratio": 0}})),
            &budgets("max_latency_seconds = 2"),
            Status::Pass,
            "",
        ),
        (
            session(&json!({"paper_metrics": {"avg_latency_s": 1}})),
            "",
            Status::Fail,
            "ratio of failures was not measured",
        ),
        (
            session(&json!({"paper_metrics": {"avg_latency_s": "NaN", "failure_ratio": 0}})),
            "",
            Status::Fail,
            "no real number",
        ),
        (session(&throughput(false, json!(3))), "", Status::Warn, "not healthy"),
        (session(&throughput(false, json!(null))), "", Status::Fail, "lag in ms was not measured"),
        (session(&throughput(true, json!(250.5))), "", Status::Fail, "250.5"),
        (session(&json!({"orders": []})), "", Status::Fail, "0 orders"),
        (session(&json!({"orders": []})), &budgets("min_orders = 0"), Status::Pass, ""),
        (session(&json!({"trade_throttle": null})), "", Status::Fail, "throttle"),
        (session(&json!({"trade_throttle": null})), &budgets("require_trade_throttle = false"), Status::Pass, ""),
        (session(&json!({"incident_response": null})), "", Status::Fail, "incident response"),
        (session(&json!({"incident_response": {"snapshot": {"status": "warn"}}})), "", Status::Fail, "at most PASS"),
        (
            session(&json!({"incident_response": {"snapshot": {"status": "warn"}}})),
            &budgets("max_incident_status = \"warn\""),
            Status::Pass,
            "",
        ),
        (
            session(&json!({})),
            &budgets("\"/paper_metrics/failure_ratio\" = \"<= 4%\""),
            Status::Fail,
            "asked for <= 4%",
        ),
    ]);
    let plain = json!({"generated_at": NOW, "status": "ok", "queue": {"depth": 3}});
    table(&[
        (plain.clone(), &budgets("\"/queue/depth\" = \"< 4\""), Status::Pass, ""),
        (plain.clone(), &budgets("\"/queue/depth\" = \"< 3\""), Status::Fail, "/queue/depth is 3"),
        (plain, &budgets("\"/queue/age\" = \"< 3\""), Status::Fail, "no component has /queue/age"),
    ]);
    for (line, expect) in [
        ("\"/a\" = \"about 3\"", "write a comparison"),
        ("max_lagg_ms = 3", "did you mean `max_lag_ms`?"),
        ("max_lag_ms = -1", "no such budget"),
        ("require_trade_throttle = 3", "no such budget"),
    ] {
        let error = refused(&budgets(line));
        assert!(error.contains(expect), "{line}: {error}");
    }
}

#[test]
fn documents_of_our_own_are_held_against_their_gates() {
    let of = |verdict: &str, gates: Value| json!({"schema": "emp-ops/audit/v1", "generated_at": NOW, "verdict": verdict, "gates": gates});
    let gate = |status: &str| json!({"name": "logs", "status": status, "measured": "3 errors"});
    table(&[
        (of("pass", json!([gate("pass")])), "", Status::Pass, ""),
        (of("warn", json!([gate("warn")])), "", Status::Warn, "logs: 3 errors"),
        (of("pass", json!([gate("fail")])), "", Status::Fail, "a gate of it is FAIL"),
        (of("fail", json!([gate("pass")])), "", Status::Fail, "FAIL of itself"),
        (of("pass", json!([])), "", Status::Fail, "no gate"),
    ]);
}
