//! `stage-alerts` as its users see it.

use crate::harness::{Bench, fixture};

const NOW: &str = "2025-01-06T12:00:00Z";
const LIVE: &str = r#"{"observedAt":"2025-01-06T10:00:00.000Z","latencyMs":3,"seeded":false}"#;

#[test]
fn every_state_has_its_verdict_and_exit_code() {
    for (document, state, verdict, code) in [
        (Some(LIVE), "ready", "pass", 0),
        (Some(r#"{"observedAt":"2025-01-06T10:00:00.000Z","seeded":true}"#), "seeded", "warn", 0),
        (Some(r#"{"observedAt":"2025-01-05T10:00:00.000Z","seeded":false}"#), "stale", "warn", 0),
        (Some(r#"{"observedAt":null,"seeded":false}"#), "no-alerts", "warn", 0),
        (Some(r#"{"observedAt":"2025-01-06T10:00:00.000Z"}"#), "unknown", "warn", 0),
        (Some(r#"{"observedAt":"2025-01-06T13:00:00.000Z","seeded":false}"#), "invalid", "fail", 1),
        (Some(r#"{"observedAt":"2025-01-06T10:00:00.000Z","seeded":false,"simulated":true}"#), "unknown", "warn", 0),
        (Some(r#"{"observedAt":null,"lastRun":{"alertStep":"not-reached"}}"#), "unknown", "fail", 1),
        (
            Some(r#"{"observedAt":"2025-01-06T10:00:00Z","seeded":false,"lastRun":{"alertStep":"not-reached"}}"#),
            "unknown",
            "fail",
            1,
        ),
        (Some("[]"), "invalid", "fail", 1),
        (Some("half a docu"), "invalid", "fail", 1),
        (None, "missing", "fail", 1),
    ] {
        let bench = Bench::new();
        if let Some(document) = document {
            bench.write("artifacts/admin-alert-observations.json", document);
        }
        let found = bench.run(&["stage-alerts", "--as-of", NOW, "--format", "json"]).exits(code).json();
        assert_eq!(found["recommendation"]["status"], state, "{document:?}");
        assert_eq!(found["status"], verdict, "{document:?}");
        assert_eq!(found["recommendation"]["keepFallbackSeeding"], state != "ready");
    }
}

#[test]
fn an_unreadable_observation_is_no_verdict_and_a_wrong_window_is_a_usage_error() {
    let bench = Bench::new();
    bench.write("folder/x.json", "{}");
    let out = bench.run(&["stage-alerts", "--observation", "folder"]).exits(3);
    assert!(out.stderr.contains("folder") && out.stdout.is_empty(), "{out:?}");
    for window in ["0s", "5", "soon", "-1h", "3hours"] {
        let out = bench.run(&["stage-alerts", &format!("--window={window}")]).exits(2);
        assert!(out.stderr.contains("30s") || out.stderr.contains("72h"), "{window}: {}", out.stderr);
    }
    let out = bench.run(&["stage-alerts", "--expected", "folder/x.json"]).exits(2);
    assert!(out.stderr.contains("--fired"), "{}", out.stderr);
}

#[test]
fn the_rehearsal_of_the_fixture_is_read_at_a_glance() {
    let (expected, fired) = (fixture("stage/expected.jsonl"), fixture("stage/fired.jsonl"));
    let files = ["--expected", expected.to_str().unwrap(), "--fired", fired.to_str().unwrap()];
    let bench = Bench::new();
    let args = [&["stage-alerts", "--baseline-latency", "45s"], &files[..]].concat();
    insta::assert_snapshot!("rehearsal", bench.run(&args).exits(0).stdout);
    let args = [&["stage-alerts", "--baseline-latency", "30s", "--format", "json"], &files[..]].concat();
    let slow = bench.run(&args).exits(0).json();
    assert_eq!(slow["status"], "warn");
    assert_eq!(slow["rehearsal"]["total"]["latencySeconds"]["mean"], 38.0);
    let args = [&["stage-alerts", "--max-noise", "3%"], &files[..]].concat();
    assert!(bench.run(&args).exits(1).stdout.starts_with("FAIL"));
}

#[test]
fn nothing_measured_fails_and_so_does_a_faulty_file() {
    let bench = Bench::new();
    let incident = "{\"id\":\"i\",\"rule\":\"r\",\"at\":\"2025-01-06T10:00:00Z\"}\n";
    let alert = "{\"rule\":\"r\",\"at\":\"2025-01-06T10:00:10Z\"}\n";
    for (expected, fired, why) in [
        ("", "", "nothing was measured"),
        (incident, "", "nothing was measured: no alerts"),
        ("", alert, "nothing was measured: no expected"),
        (incident, &*format!("{alert}oops\n"), "fired.jsonl:2"),
        ("rule,id,at\nr,i,yesterday\n", alert, "expected.jsonl:2"),
    ] {
        bench.write("expected.jsonl", expected);
        bench.write("fired.jsonl", fired);
        let out = bench.run(&["stage-alerts", "--expected", "expected.jsonl", "--fired", "fired.jsonl"]).exits(1);
        assert!(out.stdout.contains(why), "{why}: {}", out.stdout);
    }
    // What passed is no reason for a FAIL.
    bench.write("expected.jsonl", incident);
    bench.write("fired.jsonl", format!("{alert}{}", alert.replace("\"r\"", "\"other\"")));
    let out = bench.run(&["stage-alerts", "--expected", "expected.jsonl", "--fired", "fired.jsonl"]).exits(1);
    let because: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with("  because ")).collect();
    assert!(
        because[0].starts_with("  because noise: ") && because.iter().all(|why| !why.contains("misses")),
        "{because:?}"
    );
    bench.write("fired.jsonl", alert);
    let out = bench.run(&["stage-alerts", "--expected", "expected.jsonl", "--fired", "fired.jsonl"]).exits(0);
    assert!(out.stdout.starts_with("PASS"), "{}", out.stdout);
}

#[test]
fn duplicates_flaps_and_strangers_are_told_apart() {
    let bench = Bench::new();
    bench.write("e.csv", "id,rule,tier,at,until,labels\ni,r,A,2025-01-06T10:00:00Z,2025-01-06T11:00:00Z,h=1\n");
    bench.write(
        "f.csv",
        "rule,at,resolved_at,labels,incident\n\
         r,2025-01-06T10:00:10Z,2025-01-06T10:05:00Z,h=1,\n\
         r,2025-01-06T10:06:00Z,,h=1;pod=x,\n\
         r,2025-01-06T10:07:00Z,,h=1,\n\
         r,2025-01-06T10:07:00Z,,h=2,\n\
         r,2025-01-06T10:08:00Z,,h=1,ghost\n",
    );
    let args = ["stage-alerts", "--expected", "e.csv", "--fired", "f.csv", "--format", "json"];
    let found = bench.run(&args).exits(1).json();
    let total = &found["rehearsal"]["total"];
    let counts = ["fired", "truePositives", "falsePositives", "misses", "duplicates", "flaps"];
    assert_eq!(counts.map(|key| total[key].as_u64().unwrap()), [5, 1, 2, 0, 1, 1], "{total}");
    assert_eq!(found["rehearsal"]["storm"]["alerts"], 4);
}

#[test]
fn neither_repeats_nor_late_names_nor_missing_alerts_make_rules_look_good() {
    let bench = Bench::new();
    let at = |minute: u64| format!("2025-01-06T10:{minute:02}:00Z");
    let incident = format!("{{\"id\":\"i\",\"rule\":\"r\",\"at\":\"{}\"}}\n", at(0));
    let alert =
        |rule: &str, minute: u64, more: &str| format!("{{\"rule\":\"{rule}\",\"at\":\"{}\"{more}}}\n", at(minute));
    let repeats = |count: usize| alert("r", 5, "").repeat(count);
    let strangers = |count: usize| (0..count).map(|n| alert(&format!("x{n}"), 20, "")).collect::<String>();
    let webhook = |more: &str| {
        format!("{{\"alerts\":[{{\"labels\":{{\"alertname\":\"r\"}},\"startsAt\":\"{}\"}}]{more}}}\n", at(1))
    };
    for (fired, status, why) in [
        (repeats(97) + &strangers(5), "fail", "4.9% (5 of 102 alerts"),
        (repeats(97) + &strangers(5), "fail", "distinct: 83.3% (5 of 6)"),
        // Many equal false alerts are many all the same.
        (repeats(1) + &strangers(1).repeat(9), "fail", "90.0% (9 of 10 alerts"),
        (repeats(3), "pass", "distinct: 0.0% (0 of 1)"),
        (alert("r", 5, ",\"incident\":\"i\"").replace("2025", "2029"), "fail", "1 of 1 incident"),
        (alert("r", 16, ",\"incident\":\"i\""), "fail", "1 of 1 incident"),
        (alert("other", 1, ",\"incident\":\"i\""), "fail", "1 of 1 incident"),
        (alert("r", 15, ",\"incident\":\"i\""), "pass", "0 of 1 incident"),
        (webhook(",\"truncatedAlerts\":37"), "warn", "at least 37 alerts are missing"),
        (webhook(",\"truncatedAlerts\":\"2\"") + &webhook(",\"truncatedAlerts\":1"), "warn", "at least 2 alerts"),
        (webhook(",\"partial\":true"), "warn", "some alerts are missing"),
        (alert("r", 1, ",\"state\":\"pending\""), "fail", "no alerts"),
        (alert("r", 1, "") + &alert("r", 2, ",\"status\":\"suppressed\""), "warn", "1 alert that nobody heard"),
        (webhook(",\"truncatedAlerts\":0,\"truncated\":false"), "pass", "1 incident, 1 alert"),
    ] {
        bench.write("e.jsonl", &incident);
        bench.write("f.jsonl", &fired);
        let found =
            bench.run(&["stage-alerts", "--expected", "e.jsonl", "--fired", "f.jsonl", "--format", "json"]).json();
        assert_eq!(found["status"], status, "{why}: {found:#}");
        assert!(found["rehearsal"].to_string().contains(why), "{why}: {found:#}");
    }
}

#[test]
fn the_history_shows_the_trend() {
    let bench = Bench::new();
    bench.write("artifacts/admin-alert-observations.json", LIVE);
    bench.write("old/a.json", r#"{"observedAt":"2025-01-04T10:00:00.000Z","latencyMs":9,"seeded":true,"runId":"a"}"#);
    bench.write("old/b.json", r#"{"observedAt":"2025-01-05T10:00:00.000Z","latencyMs":5,"seeded":false,"runId":"b"}"#);
    bench.write("old/c.json", "not JSON");
    let out = bench.run(&["stage-alerts", "--as-of", NOW, "--history", "old"]).exits(0);
    assert!(out.stdout.contains("2 earlier runs: 1 live, 1 seeded"), "{}", out.stdout);
    assert!(out.stdout.contains("c.json: the file is not JSON"), "{}", out.stdout);
}

#[test]
fn means_are_held_against_their_limits_and_what_was_never_measured_fails() {
    let bench = Bench::new();
    let alert = |extra: &str| format!("{{\"rule\": \"a\", \"at\": 1700001060{extra}}}\n");
    bench.write("expected.jsonl", "{\"id\": \"1\", \"rule\": \"a\", \"at\": 1700001000}\n");
    let args = ["stage-alerts", "--expected", "expected.jsonl", "--fired", "fired.jsonl", "--format", "json"];
    for (fired, limit, most, code) in [
        ("", "--max-mttd", "1m", 0),
        ("", "--max-mttd", "59s", 1),
        ("", "--max-mtta", "1h", 1),
        (", \"acked_at\": 1700001160", "--max-mtta", "100s", 0),
        (", \"acked_at\": 1700001160", "--max-mtta", "99s", 1),
        (", \"resolved_at\": 1700001360", "--max-mttr", "5m", 0),
        (", \"resolved_at\": 1700001361", "--max-mttr", "5m", 1),
    ] {
        bench.write("fired.jsonl", alert(fired));
        let found = bench.run(&[&args[..], &[limit, most]].concat()).exits(code).json();
        let gates = found["rehearsal"]["gates"].as_array().unwrap();
        let gate = gates.iter().find(|gate| gate["name"] == limit.trim_start_matches("--max-")).unwrap();
        assert_eq!(gate["status"], if code == 0 { "pass" } else { "fail" }, "{limit} {most} {fired}");
    }
}
