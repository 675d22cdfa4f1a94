//! `offline-qa` as its users see it.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{Bench, Output, fixture};

fn run(bench: &Bench, args: &[&str]) -> Output {
    bench.run(&[&["offline-qa", "--format", "json"], args].concat())
}

/// Writes a session with these turns and gives its document.
fn document(turns: &Value) -> Value {
    let bench = Bench::new();
    let session = json!({"sessionId": "s", "sessionState": {"closedAt": "2025-01-06T20:00:00Z"}, "transcript": turns});
    bench.write("s.json", session.to_string());
    let _ = run(&bench, &["--input", "s.json", "--out", "out", "--fail-on", "never"]).exits(0);
    read(&bench, "out/s-offline-qa.json")
}

fn read(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&fs::read(bench.path().join(name)).unwrap()).unwrap()
}

fn turn(text: &str) -> Value {
    json!({"text": text})
}

#[test]
fn a_batch_is_read_at_a_glance() {
    let folder = fixture("offline-qa/sessions");
    let bench = Bench::new();
    let out = bench.run(&["offline-qa", "--input", folder.to_str().unwrap(), "--out", "qa", "--simulate-search-drift"]);
    insta::assert_snapshot!("offline_qa_batch", out.exits(0).stdout);
    let page = fs::read_to_string(bench.path().join("qa/offline-qa.md")).unwrap();
    let page = page.replace(&*folder.to_string_lossy(), "sessions");
    insta::assert_snapshot!("offline_qa_page", page);
    let mut names: Vec<String> = fs::read_dir(bench.path().join("qa"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "calm-harbour-offline-qa.json",
            "contested-tide-offline-qa.json",
            "offline-qa-rollup.json",
            "offline-qa.md",
            "quiet-watch-offline-qa.json"
        ]
    );
    let rollup = read(&bench, "qa/offline-qa-rollup.json");
    assert_eq!((&rollup["totalSessions"], &rollup["sessionsWithModeration"]), (&json!(3), &json!(1)));
}

#[test]
fn a_lexicon_of_which_no_name_occurs_checks_nothing() {
    let bench = Bench::new();
    let text = "The Amber Court took the Low Fen in the night.";
    bench.write("s.json", json!({"sessionId": "s", "transcript": [turn(text)]}).to_string());
    let lexicon = |name: &str| {
        format!(
            "[words]\ngain = [\"took\"]\nloss = [\"lost\"]\ndoubt = [\"perhaps\"]\n[[entities]]\nid = \"f\"\ntype = \"faction\"\nname = \"{name}\"\n"
        )
    };
    bench.write("none.toml", lexicon("Copper Guild"));
    bench.write("some.toml", lexicon("Amber Court"));
    for (args, code, source, occurrences) in [
        (vec!["--input", "s.json"], 1, "built-in", 0),
        (vec!["--input", "s.json", "--lexicon", "none.toml"], 1, "none.toml", 0),
        (vec!["--input", "s.json", "--lexicon", "some.toml", "--fail-on", "never"], 0, "some.toml", 1),
    ] {
        let rollup = run(&bench, &args).exits(code).json();
        assert_eq!(rollup["lexicon"]["source"], source, "{rollup:#}");
        assert_eq!(rollup["lexicon"]["occurrences"], occurrences, "{rollup:#}");
        let fails = rollup["findings"].to_string().contains("no name of the lexicon occurs: nothing was checked");
        assert_eq!(fails, occurrences == 0, "{rollup:#}");
    }
    let text = bench.run(&["offline-qa", "--input", "s.json", "--lexicon", "none.toml"]).exits(1).stdout;
    assert!(text.contains("Lexicon") && text.contains("none.toml"), "{text}");
}

#[test]
fn a_gated_session_is_never_published() {
    let bench = Bench::new();
    let path = fixture("offline-qa/sessions/contested-tide.json");
    let args = ["--input", path.to_str().unwrap(), "--out", "qa"];
    let rollup = run(&bench, &args).exits(0).json();
    let _ = run(&bench, &[&args[..], &["--fail-on", "warn"]].concat()).exits(1);
    assert_eq!(rollup["status"], "warn");
    let document = read(&bench, "qa/contested-tide-offline-qa.json");
    let publishing = &document["publishing"];
    assert_eq!(publishing["status"], "awaiting_moderation");
    assert_eq!(publishing["searchPlan"]["status"], "blocked");
    assert_eq!(publishing["preparedBatch"], Value::Null);
    assert_eq!(publishing["schedule"]["sessionClosedAt"], "2025-01-06T21:00:00.000Z", "the closure job's time");
    let reasons = json!(["capability_violation", "conflict_detected", "low_confidence"]);
    assert_eq!(document["moderation"]["reasons"], reasons);
    assert_eq!(document["summary"]["safetyNotes"][0]["flag"], "content-review");
    // The power that a stranger uses has no entity of its own in the lexicon.
    let mentions = document["entityExtraction"]["mentions"].as_array().unwrap();
    assert!(mentions.iter().any(|mention| mention["entityId"] == "capability.tide-reversal"), "{mentions:?}");
}

#[test]
fn two_claimants_are_a_conflict_and_one_claimant_of_two_regions_is_not() {
    let claims = |texts: &[&str]| {
        let turns: Vec<Value> = texts.iter().map(|text| turn(text)).collect();
        document(&json!(turns))["moderation"]["conflictDetections"].clone()
    };
    assert_eq!(claims(&["The Lamplighters seized Ochre Quay.", "The Grey Wardens seized Ochre Quay."]), 1);
    assert_eq!(claims(&["The Lamplighters seized Ochre Quay.", "The Lamplighters seized the Low Fens."]), 0);
    assert_eq!(claims(&["The Lamplighters lost Ochre Quay.", "The Lamplighters seized the Low Fens."]), 0);
}

#[test]
fn the_best_of_duplicate_mentions_stays_and_different_ones_are_both_kept() {
    let turns = |second: &str| {
        json!([{"turnId": "t", "sceneId": "a", "text": "Ochre Quays were ruined."},
               {"turnId": "t", "sceneId": "a", "text": second}])
    };
    let one = document(&turns("Ochre Quay was ruined."));
    assert_eq!(one["entityExtraction"]["mentionCount"], 1);
    assert_eq!(one["entityExtraction"]["mentions"][0]["confidence"], 0.95);
    assert_eq!(document(&turns("Ochre Quay was rebuilt."))["entityExtraction"]["mentionCount"], 2);
}

#[test]
fn text_is_cut_between_characters() {
    let text = format!("{}😀{}", "x".repeat(318), "y".repeat(30));
    let summary = document(&json!([turn(&text)]))["summary"]["sceneBreakdown"][0]["summary"].clone();
    assert_eq!(summary.as_str().unwrap(), format!("{}…", "x".repeat(318)));
}

#[test]
fn a_drill_ends_as_it_really_went() {
    let bench = Bench::new();
    let path = fixture("offline-qa/sessions/calm-harbour.json");
    for (refusals, code, status, left, attempt) in
        [("1", 0, "published", 0, 1), ("3", 0, "published", 0, 3), ("4", 1, "retry_pending", 8, 3)]
    {
        let args =
            ["--input", path.to_str().unwrap(), "--out", "qa", "--simulate-search-drift", "--drift-attempts", refusals];
        let _ = run(&bench, &args).exits(code);
        let publishing = &read(&bench, "qa/calm-harbour-offline-qa.json")["publishing"];
        let queue = &publishing["retryQueue"];
        assert_eq!(publishing["status"], status);
        assert_eq!(publishing["searchPlan"]["status"], status);
        assert_eq!(queue["beforeDrain"]["pendingCount"], 8);
        assert_eq!(queue["afterDrain"]["pendingCount"], left);
        assert_eq!(publishing["searchPlan"]["retrySummary"], queue["afterDrain"]);
        let jobs = if left == 0 { &queue["drainedJobs"] } else { &queue["afterDrain"]["jobs"] };
        let jobs = jobs.as_array().unwrap();
        assert_eq!(jobs.len(), 8);
        for (job, planned) in jobs.iter().zip(publishing["searchPlan"]["jobs"].as_array().unwrap()) {
            assert_eq!((&job["attempt"], &job["jobId"]), (&json!(attempt), &planned["jobId"]));
        }
    }
    // 5, 10 and 20 minutes: due after 5, 15 and 35, counted from SOURCE_DATE_EPOCH.
    let due = &read(&bench, "qa/calm-harbour-offline-qa.json")["publishing"]["retryQueue"]["afterDrain"]["jobs"][0];
    let times: Vec<&str> = due["attempts"].as_array().unwrap().iter().map(|a| a["at"].as_str().unwrap()).collect();
    assert_eq!(times, ["2025-01-06T00:05:00.000Z", "2025-01-06T00:15:00.000Z", "2025-01-06T00:35:00.000Z"]);
}

#[test]
fn a_drill_without_jobs_says_that_nothing_was_drilled() {
    for name in ["quiet-watch", "contested-tide"] {
        let path = fixture(&format!("offline-qa/sessions/{name}.json"));
        let rollup =
            run(&Bench::new(), &["--input", path.to_str().unwrap(), "--simulate-search-drift"]).exits(0).json();
        assert_eq!(rollup["status"], "warn", "{name}");
        assert!(rollup["findings"].to_string().contains("nothing was drilled"), "{name}");
    }
    let path = fixture("offline-qa/sessions/calm-harbour.json");
    let out = run(&Bench::new(), &["--input", path.to_str().unwrap(), "--simulate-search-drift=0%"]).exits(0).json();
    assert_eq!(out["status"], "warn");
}

#[test]
fn the_same_sessions_give_the_same_bytes_with_any_number_of_threads() {
    let bench = Bench::new();
    for n in 0..40 {
        let text = format!("The Lamplighters seized Ochre Quay. {n} lamps burn. The Low Fens were ruined.");
        let session = json!({"sessionId": format!("s{n}"), "closureJob": {"closedAt": "2025-01-06T20:00:00Z"},
            "transcript": [turn(&text)]});
        bench.write(&format!("in/{n}.json"), session.to_string());
    }
    let pack = |out: &str, threads: &str| {
        // Without SOURCE_DATE_EPOCH: times come from the sessions.
        let args = ["offline-qa", "--input", "in", "--out", out, "--threads", threads, "--simulate-search-drift=40%"];
        let output = bench.command(&args).env_remove("SOURCE_DATE_EPOCH").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let mut files: Vec<_> =
            fs::read_dir(bench.path().join(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let named = |path: &std::path::PathBuf| (path.file_name().unwrap().to_owned(), fs::read(path).unwrap());
        (output.stdout, files.iter().map(named).collect::<Vec<_>>())
    };
    let one = pack("a", "1");
    assert_eq!(one.1.len(), 42);
    assert_eq!(one, pack("b", "7"));
}

#[test]
fn one_bad_file_fails_alone_and_the_rest_goes_on() {
    let bench = Bench::new();
    let good = fs::read(fixture("offline-qa/sessions/calm-harbour.json")).unwrap();
    bench.write("in/a.json", "{\"sessionId\": \"a\", ");
    bench.write("in/b.json", &good);
    bench.write("in/c.json", &good);
    bench.write("in/d-transcript.json", "[{\"text\":\"x\"}]");
    bench.write("in/e.json", "{\"name\": \"something else\"}");
    let rollup = run(&bench, &["--input", "in", "--input", "in/b.json", "--out", "qa"]).exits(1).json();
    assert_eq!(rollup["totalSessions"], 1);
    let findings = rollup["findings"].to_string();
    for expect in ["in/a.json", "line 1 column", "is that of in/b.json already", "in/e.json", "neither `transcript`"] {
        assert!(findings.contains(expect), "{expect}: {findings}");
    }
    assert_eq!(rollup["skipped"].as_array().unwrap().len(), 2, "{}", rollup["skipped"]);
    assert!(bench.path().join("qa/calm-harbour-offline-qa.json").is_file());
}

#[test]
fn a_second_run_skips_the_results_of_the_first() {
    let bench = Bench::new();
    bench.write("s.json", fs::read(fixture("offline-qa/sessions/calm-harbour.json")).unwrap());
    let _ = run(&bench, &["--input", ".", "--out", "."]).exits(0);
    let rollup = run(&bench, &["--input", ".", "--out", "."]).exits(0).json();
    assert_eq!((&rollup["totalSessions"], rollup["skipped"].as_array().unwrap().len()), (&json!(1), 2));
}

#[test]
fn session_ids_do_not_steer_paths() {
    for id in ["../outside", "/tmp/x", "a/b", "..", "a\u{0}b", ".hidden"] {
        let bench = Bench::new();
        let session =
            json!({"sessionId": id, "sessionState": {"closedAt": 1_736_121_600_000_u64}, "transcript": [turn("x")]});
        bench.write("in.json", session.to_string());
        let _ = run(&bench, &["--input", "in.json", "--out", "deep/qa"]).exits(1);
        let count = |folder: &str| fs::read_dir(bench.path().join(folder)).unwrap().count();
        assert_eq!((count("."), count("deep"), count("deep/qa")), (2, 1, 3), "{id}");
    }
}

#[test]
fn malformed_sessions_never_pass() {
    let deep = format!("{{\"sessionId\":\"s\",\"x\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let closed = r#""sessionState":{"closedAt":"2025-01-06T20:00:00Z"}"#;
    let with = |members: &str| format!("{{\"sessionId\":\"s\",{closed},{members}}}");
    for (name, text) in [
        ("nothing", String::new()),
        ("null", "null".to_owned()),
        (
            "nulls everywhere",
            r#"{"sessionId":null,"transcript":null,"sessionState":null,"closureJob":null}"#.to_owned(),
        ),
        ("null turns", with(r#""transcript":[null,null]"#)),
        ("turns of nulls", with(r#""transcript":[{"turnId":null,"text":null,"metadata":null}]"#)),
        ("no turns", with(r#""transcript":[]"#)),
        ("wrong types", with(r#""transcript":[{"text":{"a":1},"metadata":5,"speaker":[]}]"#)),
        ("a list of texts", with(r#""transcript":["The Lamplighters seized Ochre Quay."]"#)),
        ("deep nesting", deep),
        ("half a surrogate pair", with(r#""transcript":[{"text":"a \ud83d b"}]"#)),
        ("a doubled transcript", with(r#""transcript":[{"text":"x"}],"transcript":[{"text":"y"}]"#)),
        ("a doubled text", with(r#""transcript":[{"text":"Tide Reversal","text":"y"}]"#)),
        (
            "a broken closing time",
            r#"{"sessionId":"s","sessionState":{"closedAt":"soon"},"transcript":[{"text":"x"}]}"#.to_owned(),
        ),
        ("cut off", with(r#""transcript":[{"text":"x"#)),
    ] {
        let bench = Bench::new();
        bench.write("s.json", &text);
        for input in ["s.json", "."] {
            let out = run(&bench, &["--input", input]).exits(1);
            assert_eq!(out.json()["status"], "fail", "{name}");
            assert!(!out.stderr.contains("panicked"), "{name}: {}", out.stderr);
        }
    }
}

#[test]
fn faults_of_the_command_line_are_told_before_any_work() {
    let bench = Bench::new();
    bench.write("in/a.json", "{}");
    bench.write("in/b.json", "{}");
    bench.write("bad.toml", "[[entities]]\nid = 'x'\ntype = 'region'\n");
    for (args, code, expect) in [
        (&["--input", "missing.json"][..], 3, "missing.json"),
        (&["--input", "in", "--session", "x"], 2, "--session names one session"),
        (&["--input", "in", "--lexicon", "bad.toml"], 2, "bad.toml: entities[0] (x): `name` is missing"),
        (&["--input", "in", "--lexicon", "none.toml"], 3, "none.toml"),
        (&["--input", "in", "--simulate-search-drift=2"], 2, "0.98"),
        (&["--input", "in", "--drift-attempts", "2"], 2, "--simulate-search-drift"),
        (&[], 2, "--input"),
    ] {
        let out = run(&bench, &[args, &["--out", "qa"]].concat()).exits(code);
        assert!(out.stderr.contains(expect) && out.stdout.is_empty(), "{args:?}: {out:?}");
        assert!(!bench.path().join("qa").exists(), "{args:?}");
    }
    let out = run(&bench, &["--input", "in"]).exits(1).json();
    assert!(out["findings"].to_string().contains("no session was found"), "{out}");
}

#[test]
fn a_lexicon_of_ones_own_is_used() {
    let (lexicon, input) = (fixture("offline-qa/lexicon.toml"), fixture("offline-qa/railway.json"));
    let bench = Bench::new();
    let args = ["--input", input.to_str().unwrap(), "--lexicon", lexicon.to_str().unwrap(), "--out", "qa"];
    let _ = run(&bench, &args).exits(0);
    let document = read(&bench, "qa/railway-offline-qa.json");
    let changes: Vec<&Value> =
        document["worldDeltas"]["deltas"].as_array().unwrap().iter().map(|d| &d["after"]).collect();
    assert_eq!(changes, [&json!({"control": ["region.upper-pass"]}), &json!({"status": "blocked"})]);
    assert_eq!(document["publishing"]["schedule"]["digest"]["runAt"], "2025-01-08T02:00:00.000Z");
}
