//! Drills, with real children and real faults.

use serde_json::json;

use super::*;

/// A feed that says `quote` while there is no file `off`, and `feed lost` as an error while there is one.
const FEED: &str = r#"trap 'exit 0' INT TERM
while :; do
  if [ -e off ]; then echo '{"level":"error","event":"feed_lost","message":"feed lost: no quotes"}'
  else echo '{"level":"info","event":"quote","message":"quote"}'; fi
  sleep 0.1
done"#;

/// A drill that takes the feed away and gives it back; each part can be said otherwise.
fn outage(changes: &[(&str, &str)]) -> String {
    let mut keys = vec![
        ("name", "\"feed-outage\""),
        ("at", "\"500ms\""),
        ("poll", "\"100ms\""),
        ("steady", "[{ log = { event = \"quote\" }, within = \"20s\" }]"),
        ("inject", "[{ exec = [\"touch\", \"off\"] }]"),
        ("detect", "[{ incident = \"feed lost*\" }]"),
        ("detect_within", "\"20s\""),
        ("restore", "[{ exec = [\"rm\", \"-f\", \"off\"] }]"),
        ("recover", "[{ log = { event = \"quote\" } }, { file = \"off\", absent = true }]"),
        ("recover_within", "\"40s\""),
        ("hold", "\"300ms\""),
        ("excuses", "[\"feed lost*\"]"),
    ];
    for (key, value) in changes {
        keys.retain(|(known, _)| known != key);
        if !value.is_empty() {
            keys.push((key, value));
        }
    }
    let lines: String = keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("[[drill]]\n{lines}")
}

/// Supervises the feed with these drills; the run ends when they are over, or after half a minute.
fn drilled(bench: &Bench, options: &[&str], drills: &str) -> Run {
    bench.write("drills.toml", drills);
    let plain = ["--drill", "drills.toml", "--min-uptime", "1%", "--warn-gap=1m", "--fail-gap=1m", "--quiet"];
    rehearse(bench, &[&plain, options].concat(), FEED)
}

fn document(run: &Run) -> Value {
    serde_json::from_slice(&fs::read(run.folder.join("drills.json")).unwrap()).unwrap()
}

#[test]
fn a_drill_is_detected_restored_and_recovered_and_its_errors_are_not_held_against_the_run() {
    let bench = Bench::new();
    let policy = "[drill_policy]\nmax_age = \"30d\"\n";
    let run = drilled(&bench, &["--duration", "5s"], &format!("{}{policy}", outage(&[])));
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    // What was rehearsed long ago is worth nothing, where somebody asks by a later time.
    for (as_of, code) in [("2099-01-01T00:00:00Z", 1), ("", 0)] {
        let asked = ["audit", "runs/r", "--quiet", "--as-of", as_of];
        let said = bench.run(&asked[..if as_of.is_empty() { 3 } else { 5 }]).exits(code).stdout;
        assert_eq!(said.contains("max_age is 4w 2d") || said.contains("max_age is 30d"), code == 1, "{said}");
    }
    let document = document(&run);
    let row = &document["drills"][0];
    assert_eq!((&row["status"], &document["status"]), (&json!("passed"), &json!("pass")), "{document}");
    assert_eq!(row["detected_by"], "feed lost: no quotes");
    assert!(row["time_to_detect_seconds"].as_f64().unwrap() <= row["time_to_recover_seconds"].as_f64().unwrap());
    assert_eq!(document["samples"]["detected"], 1);
    let caused = run.record["incidents"].as_array().unwrap().iter().find(|i| i["kind"] == "log_level").unwrap();
    assert_eq!(caused["drill"], "feed-outage");
    assert_eq!(row["incidents"], json!([caused["id"]]));
    for (name, status) in [("drills", "pass"), ("logs", "pass"), ("run", "pass")] {
        assert_eq!(gate(&run.folder, name)["status"], status, "{name}: {}", gate(&run.folder, name));
    }
    let timeline: Value =
        serde_json::from_slice(&fs::read(run.folder.join("timelines/feed-outage.json")).unwrap()).unwrap();
    assert_eq!(timeline["events"][0]["type"], "opened");
    assert_eq!(timeline["events"][1]["type"], "resolved");
    agrees(&bench, &run);
    // What the alert rules made of the fault: one that saw it, one that told of something else.
    for (rule, code) in [("feed-outage", 0), ("disk-full", 1)] {
        let fired = json!({"id": "a1", "rule": rule, "at": row["detected_at"]});
        bench.write("fired.jsonl", fired.to_string());
        let files = ["--expected", "runs/r/drills.json", "--fired", "fired.jsonl"];
        let said = bench.run(&[&["stage-alerts"], &files[..]].concat()).exits(code).stdout;
        assert!(said.contains(&format!("{code} of 1 incident")), "{said}");
    }
}

#[test]
fn each_part_that_is_broken_fails_the_drill_at_its_stage() {
    type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], &'c str, &'c str);
    let cases: [Case<'_>; 6] = [
        (
            "nobody sees it",
            &[("detect", "[{ incident = \"fire*\" }]"), ("detect_within", "\"300ms\"")],
            "detect",
            "not detected within",
        ),
        (
            "it is not restored",
            &[("restore", "[{ exec = [\"false\"] }]"), ("recover_within", "\"1s\"")],
            "restore",
            "the restore failed",
        ),
        (
            "late",
            &[("recover", "[{ file = \"never\" }]"), ("recover_within", "\"500ms\"")],
            "recover",
            "not recovered within",
        ),
        ("seen before", &[("detect", "[{ file = \"drills.toml\" }]")], "steady", "was true before"),
        ("not steady", &[("steady", "[{ file = \"never\" }]")], "steady", "before anything was done"),
        ("no injection", &[("inject", "[{ exec = [\"false\"] }]")], "inject", "the injection failed"),
    ];
    std::thread::scope(|scope| {
        for (name, changes, stage, told) in cases {
            scope.spawn(move || {
                let bench = Bench::new();
                let run = drilled(&bench, &["--duration", "4s"], &outage(changes));
                assert_eq!(run.output.code, 1, "{name}: {:?}", run.output);
                let row = document(&run)["drills"][0].clone();
                assert_eq!((&row["status"], &row["stage"]), (&json!("failed"), &json!(stage)), "{name}: {row}");
                assert!(row["findings"].to_string().contains(told), "{name}: {row}");
                assert_eq!(gate(&run.folder, "drills")["status"], "fail", "{name}");
                let injected = !row["injected_at"].is_null();
                assert_eq!(injected, !matches!(stage, "steady"), "{name}");
                agrees(&bench, &run);
            });
        }
    });
}

#[test]
fn what_a_drill_does_not_excuse_counts_and_a_run_that_ends_meanwhile_mends_first() {
    let bench = Bench::new();
    let run = drilled(&bench, &["--duration", "4s"], &outage(&[("excuses", "[\"order*\"]")]));
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    assert_eq!(
        (&gate(&run.folder, "drills")["status"], &gate(&run.folder, "logs")["status"]),
        (&json!("pass"), &json!("fail"))
    );

    let bench = Bench::new();
    let never = outage(&[("detect", "[{ file = \"never\" }]")]);
    let run = drilled(&bench, &["--duration", "2s"], &never);
    let row = document(&run)["drills"][0].clone();
    assert_eq!((&row["status"], &row["stage"]), (&json!("failed"), &json!("detect")), "{row}");
    assert!(row["findings"].to_string().contains("until the run ended"), "{row}");
    assert!(!row["restored_at"].is_null() && !bench.path().join("off").exists(), "{row}");
    agrees(&bench, &run);
}

#[test]
fn tampering_with_what_tells_of_drills_is_a_failure() {
    let bench = Bench::new();
    let never = outage(&[("detect", "[{ incident = \"fire*\" }]"), ("detect_within", "\"200ms\"")]);
    let run = drilled(&bench, &["--duration", "3s"], &never);
    let path = run.folder.join("drills.json");
    let original = fs::read_to_string(&path).unwrap();
    let forged = original.replace("\"failed\"", "\"passed\"").replace("\"fail\"", "\"pass\"");
    for (content, told) in
        [(Some(forged.as_str()), "its steps and its run say"), (None, "is missing"), (Some("{}"), "no document")]
    {
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let output = bench.run(&["audit", "runs/r", "--quiet"]).exits(1);
        assert!(output.stdout.contains(told), "{told}: {}", output.stdout);
    }
}

#[test]
fn skipped_and_tried_drills_warn_and_the_file_is_refused_where_it_cannot_be_meant() {
    let bench = Bench::new();
    for option in [&["--skip-drill", "feed-outage"][..], &["--dry-drills"]] {
        let _ = fs::remove_dir_all(bench.path().join("runs"));
        let run = drilled(&bench, &[option, &["--duration", "2s", "--allow-warnings"]].concat(), &outage(&[]));
        assert_eq!(run.output.code, 0, "{option:?}: {:?}", run.output);
        assert_eq!(gate(&run.folder, "drills")["status"], "warn");
        assert_eq!(document(&run)["drills"][0]["status"], "skipped");
        assert!(!bench.path().join("off").exists());
    }
    for (drills, told) in [
        (outage(&[("detekt", "1")]), "did you mean `detect`?"),
        (outage(&[("detect", ""), ("recover", "")]), "it would prove nothing"),
        (outage(&[("at", "\"1h\"")]), "it would never take place"),
        (outage(&[("at", "")]), "say when"),
        (outage(&[("inject", "[{ exec = \"touch off\" }]")]), "[\"touch\", \"off\"]"),
        (outage(&[("inject", "[{ exec = [\"feed\", \"--token=abc\"] }]")]), "--token among the words"),
        (outage(&[("recover", "[{ http = \"http://192.0.2.1/\" }]")]), "is not this machine"),
        (outage(&[("excuses", "[\"*\"]")]), "would excuse everything"),
        (outage(&[("detect", "[{ incident = \"?*\" }]")]), "any incident would do"),
        (outage(&[("at", ""), ("every", "\"1ms\""), ("parallel", "true")]), "more than 256 drills"),
        (format!("{}{}", outage(&[]), outage(&[])), "two drills are called"),
        (format!("{}{}", outage(&[]), outage(&[("name", "\"b\"")])), "say parallel = true in both"),
        (format!("{}[drill_policy]\nrequired = [\"feed\"]\n", outage(&[])), "there is no drill `feed`"),
        (String::new(), "there is no drill"),
    ] {
        bench.write("bad.toml", &drills);
        let output = bench.run(&["final-dry-run", "--drill", "bad.toml", "--duration", "5s", "--", "true"]).exits(2);
        assert!(output.stderr.contains(told), "{told}: {}", output.stderr);
        let check = bench.run(&["final-dry-run", "--check", "--drill", "bad.toml", "--duration", "5s", "--", "true"]);
        assert!(check.exits(2).stdout.contains(told.split(' ').next().unwrap()), "{told}");
    }
}

#[test]
fn a_fault_is_mended_by_the_watchdog_where_emp_ops_is_killed() {
    let bench = Bench::new();
    bench.write("drills.toml", outage(&[("detect", "[{ file = \"never\" }]")]));
    let options = ["--drill", "drills.toml", "--duration", "1m", "--quiet"];
    let running = start(&bench, &options, FEED);
    wait_for(|| bench.path().join("off").exists().then_some(()));
    running.send(Signal::KILL);
    let restored = bench.path().join("runs/r/drills_restored.jsonl");
    let told = wait_for(|| fs::read_to_string(&restored).ok().filter(|told| told.ends_with('\n')));
    assert!(told.contains("\"done\":true"), "{told}");
    assert!(!bench.path().join("off").exists());
    let output = bench.run(&["audit", "runs/r", "--quiet"]).exits(1);
    assert!(output.stdout.contains("feed-outage"), "{}", output.stdout);
    let found = bench.run(&["audit", "runs/r", "--quiet", "--format", "json"]).json();
    let found = found["findings"].to_string();
    assert!(found.contains("the watchdog restored what a drill broke"), "{found}");
    fs::write(&restored, told.replace("true", "false")).unwrap();
    let found = bench.run(&["audit", "runs/r", "--quiet", "--format", "json"]).json()["findings"].to_string();
    assert!(found.contains("what a drill broke was not restored"), "{found}");
}

#[test]
fn the_drill_of_the_fixtures_passes_on_the_built_in_runtime() {
    let bench = Bench::new();
    let file = format!("{}/fixtures/drills/simulated.toml", env!("CARGO_MANIFEST_DIR"));
    let options = ["final-dry-run", "--simulate", "drill", "--drill", &file, "--run-name", "r", "--quiet"];
    let run = finish(&bench, bench.run(&[&options[..], UNHURRIED].concat()));
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert_eq!(gate(&run.folder, "drills")["status"], "pass");
    agrees(&bench, &run);
}
