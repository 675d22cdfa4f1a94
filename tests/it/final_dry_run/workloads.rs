//! Rehearsals of several workloads, with real children whose siblings must not notice what befalls them.

use serde_json::json;

use super::*;

/// A service that says `tick` five times a second until it is asked to stop.
pub(super) const TICK: &str = r#"["sh", "-c", "trap 'exit 0' INT; while :; do echo tick; sleep 0.2; done"]"#;

/// Options that leave the verdict to the workloads.
pub(super) const PLAIN: &[&str] = &[
    "--no-diary",
    "--no-performance",
    "--run-name",
    "r",
    "--min-uptime",
    "10%",
    "--allow-warnings",
    "--warn-gap=1m",
    "--fail-gap=1m",
    "--shutdown-grace=5s",
];

pub(super) fn workload(name: &str, command: &str, rest: &str) -> String {
    format!("[[workload]]\nname = \"{name}\"\ncommand = {command}\n{rest}\n")
}

pub(super) fn sh(script: &str) -> String {
    json!(["sh", "-c", script]).to_string()
}

/// Supervises these workloads.
pub(super) fn several(bench: &Bench, options: &[&str], workloads: &[String]) -> Run {
    bench.write("w.toml", workloads.concat());
    finish(bench, bench.run(&[&["final-dry-run", "--workloads", "w.toml"], PLAIN, options].concat()))
}

pub(super) fn state<'r>(run: &'r Run, name: &str) -> &'r Value {
    let all = run.record["workloads"].as_array().unwrap();
    all.iter().find(|workload| workload["name"] == name).unwrap_or_else(|| panic!("no {name}: {all:?}"))
}

/// The row of a workload in the verdict.
pub(super) fn row(run: &Run, name: &str) -> Value {
    let summary: Value = serde_json::from_slice(&fs::read(run.folder.join("summary.json")).unwrap()).unwrap();
    let gates = summary["gates"].as_array().or_else(|| summary["sign_off"]["gates"].as_array()).unwrap().clone();
    let name = format!("workload/{name}");
    gates.into_iter().find(|gate| gate["name"] == name.as_str()).unwrap_or_else(|| panic!("no {name} in {summary}"))
}

/// The verdict is the same wherever it is derived again.
pub(super) fn agrees(bench: &Bench, run: &Run) {
    let code = run.output.code;
    for place in ["runs/r", "runs/r/packet", "runs/r/r-packet.tar.gz"] {
        let _ = bench.run(&["audit", place, "--quiet"]).exits(code);
    }
}

#[test]
fn a_job_a_feed_and_a_trade_start_in_order_and_stop_in_reverse() {
    let bench = Bench::new();
    let ready = "depends_on = [\"migrate\"]\nkind = \"ingest\"\n[workload.ready]\nlog = { event = \"up\" }";
    let feed = sh(
        "trap 'sleep 0.3; exit 0' INT; sleep 0.2; printf '{\"event\":\"up\"}'; while :; do echo; echo tick; sleep 0.2; done",
    );
    let run = several(
        &bench,
        &["--duration", "3s"],
        &[
            workload("trade", TICK, "depends_on = { migrate = \"completed\", feed = \"ready\" }"),
            workload("feed", &feed, ready),
            workload("migrate", &sh("echo one; sleep 0.2; echo two"), "job = true"),
        ],
    );
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert_eq!(run.record["ended_because"], "duration_reached");
    let names: Vec<&str> =
        run.record["workloads"].as_array().unwrap().iter().map(|w| w["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["trade", "feed", "migrate"]);
    let states = fs::read_to_string(run.folder.join("states.jsonl")).unwrap();
    let changes: Vec<Value> = states.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let at = |name: &str, to: &str| {
        changes
            .iter()
            .position(|c| c["workload"] == name && c["to"] == to)
            .unwrap_or_else(|| panic!("{name} {to}: {states}"))
    };
    assert!(at("migrate", "completed") < at("feed", "starting") && at("feed", "ready") < at("trade", "running"));
    assert!(at("trade", "stopped") < at("feed", "stopping"), "the feed ends last: {states}");
    let records = run.structured();
    assert!(records.iter().all(|record| record["source"].is_string() && record["attempt"] == 1));
    assert!(state(&run, "feed")["logs"][0].as_str().unwrap().starts_with("logs/feed_"));
    assert_eq!(row(&run, "migrate")["status"], "pass");
    agrees(&bench, &run);
}

#[test]
fn a_crash_a_hang_and_a_flood_of_one_leave_the_others_alone() {
    let bench = Bench::new();
    let again = "restart = \"on-failure\"\nbackoff = \"100ms\"\nmax_restarts = 20";
    let crash = sh("trap 'exit 0' INT; [ -e once ] || { touch once; echo tick; sleep 0.1; echo tick; exit 7; }; \
                    while :; do echo tick; sleep 0.2; done");
    let hang = format!("{again}\nhang_timeout = \"500ms\"");
    let run = several(
        &bench,
        &["--duration", "4s"],
        &[
            workload("calm", TICK, ""),
            workload("crash", &crash, again),
            workload("hang", &sh("trap '' TERM; echo start; sleep 100"), &hang),
            workload(
                "flood",
                &sh("trap 'exit 0' INT; while :; do yes | head -c 200000; sleep 0.01; done"),
                "required = false",
            ),
        ],
    );
    assert_eq!(state(&run, "calm")["attempts"].as_array().unwrap().len(), 1);
    assert!(state(&run, "crash")["restarts"].as_u64() >= Some(1), "{}", state(&run, "crash"));
    assert!(state(&run, "hang")["restarts"].as_u64() >= Some(1), "{}", state(&run, "hang"));
    run.has("warn hang", "hang hung (no output for");
    run.has("warn exit", "crash exited with code 7, back after");
    // A sibling of theirs never waited.
    let calm = run.structured().into_iter().filter(|record| record["source"] == "calm");
    let calm: u64 = calm.map(|record| record["repeated"].as_u64().unwrap_or(1)).sum();
    assert!(calm >= 5, "{calm} heartbeats");
    for (name, expect) in [("calm", "pass"), ("crash", "warn")] {
        let row = row(&run, name);
        assert_eq!(row["status"], expect, "{row}");
    }
}

#[test]
fn whatever_is_required_and_did_not_work_is_no_pass() {
    let cases: &[(&str, String, &str, &str)] = &[
        ("crash", sh("echo x; exit 3"), "", "crash: exited with code 3"),
        ("early", sh("echo x"), "", "early: exited with code 0, before the end of the run"),
        (
            "missing",
            sh("exec sleep 100"),
            "[workload.ready]\ntcp = \"127.0.0.1:1\"\nwithin = \"500ms\"",
            "not ready within",
        ),
        ("mute", sh("exec sleep 100"), "", "nothing was measured, 0 lines"),
        ("job", sh("exec sleep 100"), "job = true", "was not done when the run ended"),
        (
            "late",
            sh("trap '' INT TERM; while :; do echo x; sleep 0.1; done"),
            "shutdown_grace = \"300ms\"",
            "did not stop within 300ms",
        ),
    ];
    for (name, command, rest, expect) in cases {
        let bench = Bench::new();
        let run = several(&bench, &["--duration", "2s"], &[workload("other", TICK, ""), workload(name, command, rest)]);
        assert_eq!(run.output.code, 1, "{name}: {:?}", run.output);
        let row = row(&run, name);
        assert_eq!(row["status"], "fail", "{name}: {row}");
        let told = format!("{row} {:?}", run.incidents());
        assert!(told.contains(expect), "{name}: {told}");
        assert!(*name != "mute" || !row["measured"].as_str().unwrap().contains(", up "), "{row}");
        // Of one that may fail the same is a WARN.
        let bench = Bench::new();
        let optional = format!("required = false\n{rest}");
        let run =
            several(&bench, &["--duration", "2s"], &[workload("other", TICK, ""), workload(name, command, &optional)]);
        assert_eq!(run.output.code, 0, "{name}: {:?}", run.output);
        assert_eq!(self::row(&run, name)["status"], "warn", "{name}");
    }
}

#[test]
fn a_failed_dependency_is_the_root_of_what_is_skipped() {
    let bench = Bench::new();
    let run = several(
        &bench,
        &["--duration", "20s"],
        &[
            workload("feed", &sh("echo x; exit 2"), "[workload.ready]\nlog = { event = \"up\" }"),
            workload("trade", TICK, "depends_on = [\"feed\"]"),
            workload("report", TICK, "depends_on = [\"trade\"]"),
        ],
    );
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    assert_eq!(run.record["ended_because"], "workload_failed");
    assert_eq!(run.record["ended_by"]["workload"], "feed");
    assert_eq!(state(&run, "report")["state"], "skipped");
    assert!(state(&run, "report")["because"].as_str().unwrap().contains("feed"), "{}", state(&run, "report"));
    agrees(&bench, &run);
}

#[test]
fn an_answer_of_somebody_else_proves_nothing() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ready = format!("[workload.ready]\ntcp = \"{}\"", listener.local_addr().unwrap());
    let run = several(&bench, &["--duration", "5s"], &[workload("feed", TICK, &ready), workload("calm", TICK, "")]);
    assert_eq!(run.output.code, 1);
    run.has("fail readiness", "somebody else answers");
    assert_eq!(state(&run, "feed")["attempts"].as_array().unwrap().len(), 0, "it is not started");
}

#[test]
fn a_grandchild_in_a_session_of_its_own_is_found_and_ended_and_no_sibling() {
    let bench = Bench::new();
    let leaver = sh("setsid sh -c 'echo $$ > grandchild; exec sleep 1000' & sleep 0.5; echo done; exit 1");
    let run = several(
        &bench,
        &["--duration", "4s"],
        &[
            workload(
                "calm",
                &sh("sleep 1000 & trap 'kill $!; exit 0' INT; while :; do echo tick; sleep 0.2; done"),
                "",
            ),
            workload("leaver", &leaver, "required = false"),
        ],
    );
    run.has("warn leak", "outlived leaver and was killed: sleep 1000");
    assert_eq!(state(&run, "calm")["attempts"].as_array().unwrap().len(), 1);
    let leaks = run.incidents().into_iter().filter(|(kind, _)| kind.ends_with("leak")).count();
    assert_eq!(leaks, 1, "{:?}", run.incidents());
    let pid = fs::read_to_string(bench.path().join("grandchild")).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists());
}

#[test]
fn what_was_changed_afterwards_is_named() {
    let bench = Bench::new();
    let run = several(&bench, &["--duration", "2s"], &[workload("a", TICK, ""), workload("b", TICK, "")]);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    let states = fs::read_to_string(run.folder.join("states.jsonl")).unwrap();
    let restore = || fs::write(run.folder.join("states.jsonl"), &states).unwrap();
    let thinned: String = states.lines().skip(1).map(|line| format!("{line}\n")).collect();
    fs::write(run.folder.join("states.jsonl"), thinned).unwrap();
    let _ = bench.run(&["audit", "runs/r"]).exits(1);
    restore();
    let _ = bench.run(&["audit", "runs/r", "--quiet"]).exits(0);
    let plan = run.folder.join("workloads.json");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replace("\"required\": true", "\"required\": false")).unwrap();
    let told = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(told.stdout.contains("the plan of the workloads cannot be relied on"), "{told:?}");
    fs::remove_file(&plan).unwrap();
    let _ = bench.run(&["audit", "runs/r"]).exits(1);
}

#[test]
fn an_interrupt_during_the_start_skips_what_waits() {
    let bench = Bench::new();
    bench.write(
        "w.toml",
        [
            workload("migrate", &sh("echo go; exec sleep 1000"), "job = true"),
            workload("feed", TICK, "depends_on = [\"migrate\"]"),
        ]
        .concat(),
    );
    let mut command = bench.command(&[&["final-dry-run", "--workloads", "w.toml", "--duration", "1h"], PLAIN].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let states = bench.path().join("runs/r/states.jsonl");
    wait_for(|| {
        fs::read_to_string(&states).ok().filter(|text| text.contains("\"running\"") && text.contains("\"waiting\""))
    });
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let run = finish(&bench, child.wait_with_output().unwrap().into());
    assert_eq!(run.output.code, 1);
    assert_eq!(run.record["ended_because"], "interrupted");
    assert_eq!(
        (&state(&run, "feed")["state"], &state(&run, "feed")["because"]),
        (&json!("skipped"), &json!("interrupted"))
    );
}

#[test]
fn a_killed_supervisor_leaves_no_process_and_an_honest_record() {
    let bench = Bench::new();
    let linger =
        sh("echo $$ > pid; setsid sh -c 'echo $$ > far; exec sleep 1000' & while :; do echo tick; sleep 0.2; done");
    bench.write("w.toml", [workload("a", &linger, ""), workload("b", TICK, "")].concat());
    let mut command = bench.command(&[&["final-dry-run", "--workloads", "w.toml", "--duration", "1h"], PLAIN].concat());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pid = |name: &str| fs::read_to_string(bench.path().join(name)).ok().filter(|text| text.ends_with('\n'));
    let states = bench.path().join("runs/r/states.jsonl");
    wait_for(|| fs::read_to_string(&states).ok().filter(|text| text.matches("\"to\":\"running\"").count() == 2));
    let pids = [wait_for(|| pid("pid")), wait_for(|| pid("far"))];
    child.kill().unwrap();
    child.wait().unwrap();
    for pid in pids {
        wait_for(|| (!Path::new("/proc").join(pid.trim()).exists()).then_some(()));
    }
    let told = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(told.stdout.contains("the run was not completed"), "{told:?}");
    assert!(told.stdout.contains("a running"), "{told:?}");
}

#[test]
fn the_built_in_workloads_end_with_a_warning_that_they_are_built_in() {
    let bench = Bench::new();
    let output = bench.run(&[
        "final-dry-run",
        "--simulate",
        "workloads",
        "--duration",
        "6s",
        "--run-name",
        "r",
        "--min-uptime",
        "10%",
        "--warn-gap=1m",
        "--fail-gap=1m",
        "--live-gap=1m",
    ]);
    let run = finish(&bench, output);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert!(run.output.stdout.contains("WARN (simulated)"), "{:?}", run.output);
    for name in ["migrate", "feed", "trade", "quiet"] {
        assert_eq!(row(&run, name)["status"], "pass", "{}", row(&run, name));
    }
    agrees(&bench, &run);
    let told = bench.run(&["watch", "runs/r", "--once", "--workload", "feed"]);
    assert!(told.stdout.contains("Workload feed: stopped") && !told.stdout.contains("Workload trade"), "{told:?}");
    let told = bench.run(&["watch", "runs/r", "--once", "--workload", "fed"]).exits(2);
    assert!(told.stderr.contains("it has ") && told.stderr.contains("feed"), "{told:?}");
}

#[test]
fn a_check_shows_the_plan_and_starts_nothing() {
    let bench = Bench::new();
    bench.write("w.toml", [workload("a", TICK, "depends_on = [\"b\"]"), workload("b", TICK, "")].concat());
    let told =
        bench.run(&["final-dry-run", "--workloads", "w.toml", "--check", "--no-diary", "--no-performance"]).exits(0);
    assert!(told.stdout.contains("b started"), "{told:?}");
    assert!(!bench.path().join("runs").exists());
    bench.write("w.toml", [workload("a", r#"["no-such-program"]"#, ""), workload("b", TICK, "")].concat());
    let _ =
        bench.run(&["final-dry-run", "--workloads", "w.toml", "--check", "--no-diary", "--no-performance"]).exits(2);
    let _ = bench.run(&[&["final-dry-run", "--workloads", "w.toml"], PLAIN].concat()).exits(3);
    bench.write(
        "c.toml",
        format!("[run]\nduration = \"1h\"\n{}", workload("x", TICK, "")).replace("[run]\nduration = \"1h\"\n", ""),
    );
    let _ = bench.run(&["final-dry-run", "--config", "c.toml", "--check", "--no-diary", "--no-performance"]).exits(0);
    for other in [&["--workloads", "w.toml"][..], &["--", "true"]] {
        let told = bench.run(&[&["final-dry-run", "--config", "c.toml"], other].concat()).exits(2);
        assert!(told.stderr.contains("at once: take one of them out"), "{told:?}");
    }
    bench.write("emp-ops.toml", workload("x", TICK, ""));
    let _ = bench.run(&["final-dry-run", "--check", "--no-diary", "--no-performance"]).exits(2);
}

#[test]
fn what_each_workload_writes_is_judged_and_what_is_looser_for_one_is_told() {
    let bench = Bench::new();
    let script = |write: &str| {
        sh(&format!("trap 'exit 0' INT; {write}; test -t 1 && echo terminal; while :; do echo tick; sleep 0.2; done"))
    };
    let entry =
        r#"{"entries":[{"entry_id":"1","recorded_at":"'"$(date -u +%FT%TZ)"'","status":"ok","policy_id":"p"}]}"#;
    let good = script(&format!("echo '{entry}' > $FINAL_DRY_RUN_DIARY_PATH"));
    let task = r#"{"task_supervisor":{"tasks":[{"name":"poll","state":"running"}]}}"#;
    let bad =
        script(&format!("echo nonsense > $FINAL_DRY_RUN_DIARY_PATH; echo '{task}' > $FINAL_DRY_RUN_RUNTIME_PATH"));
    let elsewhere = format!("diary = \"{}\"", bench.path().join("elsewhere.json").display());
    bench.write(
        "w.toml",
        [
            workload("one", &good, "diary = true\ntty = true"),
            workload("two", &bad, &format!("{elsewhere}\n[workload.ready]\nexec = [\"true\"]\nmay_precede = true")),
            workload("three", TICK, "min_uptime = 0.05"),
        ]
        .concat(),
    );
    let options = [&["final-dry-run", "--workloads", "w.toml", "--duration", "2s"], &PLAIN[1..]].concat();
    let run = finish(&bench, bench.run(&options));
    assert_eq!(run.output.code, 1, "{:?}", run.output);
    assert!(run.output.stdout.contains("relaxed: two: diary: "), "the headline names the culprit: {:?}", run.output);
    assert_eq!(row(&run, "one")["status"], "pass", "{}", row(&run, "one"));
    assert_eq!(row(&run, "two")["status"], "fail", "{}", row(&run, "two"));
    for told in ["two/may_precede yes", "three/min_uptime 5%"] {
        assert!(run.output.stdout.contains(told), "{told}: {:?}", run.output);
    }
    let of_one = run.structured().into_iter().find(|record| record["message"] == "terminal").unwrap();
    assert_eq!((&of_one["source"], &state(&run, "one")["tty"]), (&json!("one"), &json!(true)));
    let summary: Value = serde_json::from_slice(&fs::read(run.folder.join("runtime_summary.json")).unwrap()).unwrap();
    let tasks = summary["task_supervisor"]["tasks"].as_array().unwrap();
    assert!(tasks.iter().any(|task| task["name"] == "poll"), "{summary}");
    agrees(&bench, &run);
    let told = bench.run(&["audit", "runs/r"]);
    assert!(!told.stdout.contains("says"), "an honest run contradicts nothing: {told:?}");
    fs::write(run.folder.join("runtime/two.json"), "{}").unwrap();
    let told = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(told.stdout.contains("runtime/two.json was changed after the run"), "{told:?}");
}

#[test]
fn one_command_is_the_case_of_one_workload() {
    let bench = Bench::new();
    let script = "echo $FINAL_DRY_RUN_WORKLOAD; echo '{}' > $FINAL_DRY_RUN_RUNTIME_PATH; echo tick; sleep 1; echo end";
    let run = rehearse(&bench, &["--duration", "5s", "--min-duration", "0s", "--warn-gap=1m", "--fail-gap=1m"], script);
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert!(run.raw().starts_with(b"main\n"));
    assert!(run.record["evidence"]["logs"][0].as_str().unwrap().starts_with("logs/final_dry_run_"));
    assert!(run.structured().iter().all(|record| record["source"].is_null()));
    let states = fs::read_to_string(run.folder.join("states.jsonl")).unwrap();
    assert_eq!(states.matches("\"workload\":\"main\"").count(), 2, "{states}");
    assert!(run.folder.join("packet/raw/runtime/main.json").exists());
    agrees(&bench, &run);
    fs::write(run.folder.join("states.jsonl"), states.lines().next().unwrap()).unwrap();
    let told = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(
        told.stdout.contains("main is completed by the record, but running by its last change of state"),
        "{told:?}"
    );
}
