//! `emp-ops wrap-up`, run as its users run it.

use serde_json::{Value, json};

use crate::harness::Bench;

/// A bundle of a run of this many seconds, with one logged error that four documents tell of.
fn bundle(seconds: f64) -> Value {
    let error = json!({"severity": "fail", "summary": "order refused", "occurred_at": "2025-01-05T01:00:00+00:00",
        "metadata": {"event": "order"}});
    json!({
        "schema": "emp-ops/summary/v1", "status": "fail", "generated_at": "2025-01-06T00:00:00+00:00",
        "summary": {
            "status": "fail",
            "logs": {"status": "fail", "duration_seconds": seconds, "uptime_ratio": 1.0, "errors": [error],
                "level_counts": {"info": 9, "error": 1}},
        },
        "sign_off": {"status": "fail", "evaluated_at": "2025-01-06T00:00:00+00:00", "criteria": {},
            "findings": [{"severity": "fail", "message": "the logs: there are failures", "metadata": {}}],
            "gates": [{"name": "logs", "threshold": "no failures", "measured": "1 error", "status": "fail", "samples": 10}]},
        "review": {"status": "fail", "action_items": [
            {"severity": "fail", "category": "logs", "description": "order refused", "context": error},
            {"severity": "fail", "category": "sign_off", "description": "the logs: there are failures", "context": {}},
        ]},
        "incidents": [{"severity": "fail", "occurred_at": "2025-01-05T01:00:00+00:00", "kind": "log_level",
            "message": "error on stdout: order refused"}],
        "metadata": {"run_name": "night-1"},
    })
}

#[test]
fn one_fault_is_one_follow_up_however_many_documents_tell_of_it() {
    let bench = Bench::new();
    bench.write("r/summary.json", bundle(259_200.0).to_string());
    let wrap_up = bench.run(&["wrap-up", "r", "--format", "json"]).exits(1).json();
    assert_eq!(wrap_up["status"], "fail");
    assert_eq!(wrap_up["backlog_items"].as_array().unwrap().len(), 1, "{wrap_up:#}");
    assert_eq!(wrap_up["backlog_items"][0]["description"], "order refused");
    assert_eq!(wrap_up["backlog_items"][0]["count"], 1);
    assert_eq!(wrap_up["incidents"].as_array().unwrap().len(), 1);
    let parts: Vec<&str> = wrap_up["backlog_items"][0]["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["part"].as_str().unwrap())
        .collect();
    assert_eq!(parts, ["logs.errors", "review.action_items", "incidents", "sign_off.findings"]);
    // The backlog gives the same follow-up the same id.
    let backlog = bench.run(&["backlog", "r", "--format", "json"]).exits(1).json();
    assert_eq!(backlog["items"][0]["id"], wrap_up["backlog_items"][0]["id"]);
    assert!(bench.path().join("r/wrap_up.md").is_file() && bench.path().join("r/wrap_up.json").is_file());
}

#[test]
fn the_duration_is_judged_with_its_tolerance_and_an_unknown_one_is_no_pass() {
    let bench = Bench::new();
    let clean = |seconds: Option<f64>, minimum: Option<f64>| {
        let mut bundle = json!({"status": "pass", "summary": {"status": "pass", "logs": {"status": "pass"}}});
        bundle["summary"]["logs"]["duration_seconds"] = json!(seconds);
        if let Some(minimum) = minimum {
            bundle["sign_off"] = json!({"status": "pass", "criteria": {"minimum_duration_seconds": minimum}});
        }
        bundle.to_string()
    };
    for (seconds, minimum, args, met, code) in [
        (Some(259_200.0), None, &[][..], Some(true), 0),
        (Some(258_900.0), None, &[], Some(true), 0),
        (Some(258_899.0), None, &[], Some(false), 1),
        (Some(258_900.0), None, &["--duration-tolerance", "0s"], Some(false), 1),
        (Some(10.0), Some(10.0), &[], Some(true), 0),
        (Some(10.0), Some(10.0), &["--required-duration", "1h"], Some(false), 1),
        (Some(10.0), None, &["--required-duration", "none"], None, 0),
        (None, None, &["--required-duration", "none"], None, 1),
        (None, None, &[], None, 1),
    ] {
        bench.write("s.json", clean(seconds, minimum));
        let args = [&["wrap-up", "s.json", "--format", "json"], args].concat();
        let wrap_up = bench.run(&args).exits(code).json();
        assert_eq!(wrap_up["duration_met"], json!(met), "{seconds:?} {minimum:?} {args:?}");
    }
}

#[test]
fn words_of_any_vocabulary_count_and_unknown_ones_do_not_pass() {
    let bench = Bench::new();
    for (word, code) in [("critical", 1), ("degraded", 0), ("purple", 0), ("OK", 0)] {
        bench.write(
            "s.json",
            json!({"summary": {"status": word, "logs": {"duration_seconds": 1, "records": 9}}, "sign_off": {"status": "pass"}})
                .to_string(),
        );
        let args = ["wrap-up", "s.json", "--required-duration", "none", "--format", "json"];
        let wrap_up = bench.run(&args).exits(code).json();
        let expect = match word {
            "critical" => "fail",
            "OK" => "pass",
            _ => "warn",
        };
        assert_eq!(wrap_up["status"], expect, "{word}");
        let strict = [&args[..], &["--warn-as-fail"]].concat();
        let _ = bench.run(&strict).exits(i32::from(word != "OK"));
    }
}

#[test]
fn nobody_signed_a_summary_without_a_sign_off() {
    let bench = Bench::new();
    let logs = json!({"status": "pass", "duration_seconds": 259_200, "uptime_ratio": 1, "records": 9});
    let whole = json!({"status": "pass", "summary": {"status": "pass", "logs": logs}, "sign_off": {"status": "pass"}});
    let args = ["wrap-up", "s.json", "--format", "json"];
    let judge = |document: &Value| {
        bench.write("s.json", document.to_string());
        let result = bench.run(&args).json();
        (result["status"].as_str().unwrap().to_owned(), result["because"].to_string())
    };
    assert_eq!(judge(&whole).0, "pass");
    for nothing in [Value::Null, json!({}), json!({"status": ""}), json!({"gates": [], "findings": []})] {
        let mut document = whole.clone();
        document["sign_off"] = nothing;
        let (status, because) = judge(&document);
        assert_eq!(status, "warn", "{document}");
        assert!(because.contains("nobody signed this off"), "{because}");
    }
    for (key, value, expect, why) in [
        ("state", json!("running"), "fail", "its state is `running`"),
        ("phase", json!("Sealing"), "fail", "its phase is `Sealing`"),
        ("findings", json!([{"severity": "fail", "summary": "the disk was full"}]), "fail", "the disk was full"),
        ("headline", json!("FAIL with 2 waivers"), "fail", "no cause is listed"),
        ("simulated", json!(true), "warn", "no cause is listed"),
        ("success", json!(false), "fail", "success is false"),
        ("result", json!("failed"), "fail", "result is failed"),
        ("review", json!({"status": "pass", "notes": ["I do not approve"]}), "warn", "a remark withholds consent"),
        ("review", json!({"status": "pass", "notes": ["I approve"]}), "pass", ""),
        ("state", json!("complete"), "pass", ""),
        ("headline", json!("PASS with 2 waivers"), "pass", ""),
    ] {
        let mut document = whole.clone();
        document[key] = value;
        let (status, because) = judge(&document);
        assert_eq!(status, expect, "{document}");
        assert!(because.contains(why), "{because}");
    }
    let mut absent = whole.clone();
    absent.as_object_mut().unwrap().remove("sign_off");
    assert_eq!(judge(&absent).0, "warn");
    for (key, value, why) in [
        ("uptime_ratio", json!(0), "the uptime is 0%"),
        ("uptime_ratio", json!("0.0"), "the uptime is 0%"),
        ("records", json!(0), "hold no records"),
        ("level_counts", json!({"ERROR": 2, "info": 7}), "at an error level"),
        ("level_counts", json!({"Severe": 1}), "at an error level"),
        ("level_counts", json!({"EMERG": 1}), "at an error level"),
        ("level_counts", json!({"info": 7, "katastrofe": 2}), "that nothing here understands"),
    ] {
        let mut document = whole.clone();
        document["summary"]["logs"][key] = value;
        let (status, because) = judge(&document);
        assert_eq!(status, if why.contains("understands") { "warn" } else { "fail" }, "{document}");
        assert!(because.contains(why), "{because}");
    }
    // Nobody said how much is enough.
    let mut low = whole.clone();
    low["summary"]["logs"]["uptime_ratio"] = json!(0.2);
    assert_eq!(judge(&low).0, "warn");
    low["sign_off"]["criteria"] = json!({"minimum_uptime_ratio": null});
    assert_eq!(judge(&low).0, "pass");
    let mut bare = whole.clone();
    bare["summary"]["logs"].as_object_mut().unwrap().remove("records");
    bare["summary"]["logs"]["level_counts"] = json!({});
    assert_eq!(judge(&bare).0, "fail");
    let mut without = whole;
    without["summary"]["logs"] = Value::Null;
    bench.write("s.json", without.to_string());
    let args = ["wrap-up", "s.json", "--required-duration", "none", "--format", "json"];
    assert_eq!(bench.run(&args).exits(1).json()["status"], "fail");
}

#[test]
fn names_are_trimmed_and_remarks_end_where_lines_end() {
    let bench = Bench::new();
    let mut document = bundle(7200.0);
    document["review"]["run_label"] = json!("  Night \t 7\n");
    document["review"]["attendees"] = json!([" Ann  Lee ", "", "Ann Lee"]);
    bench.write("s.json", document.to_string());
    bench.write("n.txt", "one\rtwo\u{2028}three\u{85}\r\n\n four ");
    let args =
        ["wrap-up", "s.json", "--attendee", "  ", "--attendee", "Bo\tMay", "--notes-file", "n.txt", "--format", "json"];
    let result = bench.run(&args).exits(1).json();
    assert_eq!(result["run_label"], "Night 7");
    assert_eq!(result["attendees"], json!(["Ann Lee", "Bo May"]));
    assert_eq!(result["notes"], json!(["one", "two", "three", "four"]));
}

#[test]
fn odd_documents_are_named_not_fatal() {
    let bench = Bench::new();
    for odd in [
        "[]",
        "null",
        "{\"summary\": 5}",
        "{\"summary\": {\"logs\": {\"errors\": [\"boom\", 5, null], \"uptime_ratio\": \"n/a\"}}}",
        "{\"summary\": {\"logs\": {\"duration_seconds\": NaN}}, \"incidents\": {\"severity\": 5}, \"review\": [1]}",
        "{\"logs\": [], \"diary\": \"x\", \"sign_off\": 1, \"items\": 3}",
    ] {
        bench.write("s.json", odd);
        let _ = bench.run(&["wrap-up", "s.json"]).exits(1);
        let backlog = bench.run(&["backlog", "s.json", "--format", "json"]).json();
        assert_ne!(backlog["status"], "pass", "{odd}");
    }
    bench.write("s.json", "{\"summary\": {\"logs\": {\"errors\": [\"boom\"]}}}");
    let out = bench.run(&["backlog", "s.json", "--fail-on", "warn"]).exits(1);
    assert!(out.stdout.contains("logs.errors[0]: \"boom\""), "{}", out.stdout);
}

#[test]
fn minutes_read_as_a_person_would_write_them() {
    let bench = Bench::new();
    bench.write("r/summary.json", bundle(7200.0).to_string());
    bench.write(
        "day.md",
        "# Night shift (2025-01-05)\n\n## Summary\n- The rehearsal ran on the new cluster.\n\n## Actions\n\
         - [ ] OPS-3: Raise the order limit @backend-team due:2025-01-09\n\n## Decisions\n\
         - Decision: repeat the rehearsal, pending the order limit.\n\n## Risks\n\
         - R-1 – Disk space (Owner: operator) – Status: Red (↑ from Yellow)\n",
    );
    let args = ["wrap-up", "r/summary.json", "day.md", "--attendee", "release manager", "--note", "quiet night", "-q"];
    insta::assert_snapshot!(bench.run(&args).exits(1).stdout);
    insta::assert_snapshot!("minutes_markdown", std::fs::read_to_string(bench.path().join("r/wrap_up.md")).unwrap());
    let _ = bench.run(&["wrap-up", "r", "--no-minutes", "--no-backlog", "--out", "o"]).exits(1);
    assert!(bench.path().join("o/wrap_up.json").is_file() && !bench.path().join("o/wrap_up.md").exists());
}

#[test]
fn a_run_that_was_killed_has_minutes_too() {
    let bench = Bench::new();
    bench.write(
        "r/run.json",
        "{\"name\": \"night-2\", \"incidents\": [{\"severity\": \"warn\", \"message\": \"restarted\"}]}",
    );
    let out = bench.run(&["wrap-up", "r"]).exits(1);
    assert!(out.stdout.contains("Minutes of night-2") && out.stdout.contains("not completed"), "{}", out.stdout);
}
