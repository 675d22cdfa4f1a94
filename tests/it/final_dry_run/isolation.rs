//! Several workloads under stress: what befalls one of them is told, and is the affair of that one.

use serde_json::json;

use super::workloads::{PLAIN, TICK, agrees, row, several, sh, state, workload};
use super::*;

#[test]
fn restarts_are_counted_in_a_window_and_what_flaps_is_one_incident() {
    let bench = Bench::new();
    let again =
        "restart = \"on-failure\"\nbackoff = \"50ms\"\nmax_restarts = 2\nrestart_window = \"1m\"\nrequired = false";
    // It answers and does not, by turns.
    let turns = "trap 'exit 0' INT; while :; do touch up; echo tick; sleep 0.4; rm up; sleep 0.4; done";
    let probe = "required = false\n[workload.ready]\nexec = [\"test\", \"-e\", \"up\"]\ninterval = \"100ms\"\nfailures = 1\n\
                 may_precede = true";
    let run = several(
        &bench,
        &["--duration", "8s"],
        &[
            workload("calm", TICK, ""),
            workload("short", &sh("echo tick; sleep 0.1; echo tock; exit 3"), again),
            workload("turns", &sh(turns), probe),
        ],
    );
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert_eq!(state(&run, "short")["attempts"].as_array().unwrap().len(), 3);
    run.has("warn restart", "short: restarts used up (2 in 1m)");
    assert!(run.output.stdout.contains("short: restarts used up (2 in 1m): exited with code 3"), "{:?}", run.output);
    run.has("warn readiness", "turns flaps: ");
    let told = run.incidents().into_iter().filter(|(kind, _)| kind.ends_with("readiness")).count();
    assert_eq!(told, 1, "{:?}", run.incidents());
    assert_eq!(state(&run, "calm")["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(row(&run, "calm")["status"], "pass");
    agrees(&bench, &run);
}

#[test]
fn a_second_interrupt_kills_all_that_is_left() {
    let bench = Bench::new();
    let stubborn =
        |name: &str| sh(&format!("trap '' INT TERM; echo $$ > {name}.pid; while :; do echo tick; sleep 0.2; done"));
    bench.write(
        "w.toml",
        [workload("a", &stubborn("a"), ""), workload("b", &stubborn("b"), "depends_on = [\"a\"]")].concat(),
    );
    let options = ["final-dry-run", "--workloads", "w.toml", "--duration", "1h", "--shutdown-grace=1h"];
    let mut command = bench.command(&[&options[..], &PLAIN[..PLAIN.len() - 1]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pids = ["a.pid", "b.pid"].map(|name| number_in(&bench.path().join(name)));
    let interrupt = || kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    let states = bench.path().join("runs/r/states.jsonl");
    interrupt();
    wait_for(|| fs::read_to_string(&states).ok().filter(|text| text.contains("\"stopping\"")));
    // What depends on the other is asked first, and the other waits for that.
    assert!(
        !fs::read_to_string(&states).unwrap().contains("\"workload\":\"a\",\"from\":\"running\",\"to\":\"stopping\"")
    );
    interrupt();
    let run = finish(&bench, child.wait_with_output().unwrap().into());
    assert_eq!((run.output.code, &run.record["ended_because"]), (1, &json!("interrupted")));
    assert!(pids.iter().all(|pid| !alive(*pid)), "{:?}", run.output);
    for name in ["a", "b"] {
        assert_eq!(state(&run, name)["state"], "failed", "{}", state(&run, name));
        assert_eq!(state(&run, name)["stop"]["in_time"], false);
    }
    agrees(&bench, &run);
}

#[test]
fn one_that_fails_while_others_start_ends_the_start() {
    let bench = Bench::new();
    let run = several(
        &bench,
        &["--duration", "1h"],
        &[
            workload("migrate", &sh("echo go; exec sleep 1000"), "job = true"),
            workload("feed", TICK, "depends_on = [\"migrate\"]"),
            workload("broken", &sh("echo no; exit 4"), ""),
        ],
    );
    assert_eq!(run.output.code, 1);
    assert_eq!(
        (&run.record["ended_because"], &run.record["ended_by"]["workload"]),
        (&json!("workload_failed"), &json!("broken"))
    );
    assert_eq!(state(&run, "feed")["state"], "skipped");
    assert_eq!(state(&run, "migrate")["state"], "stopped");
    assert!(
        run.output.stdout.starts_with("FAIL") && run.output.stdout.contains(": broken: exited with code 4"),
        "{:?}",
        run.output
    );
    agrees(&bench, &run);
}

#[test]
fn secrets_of_one_are_hidden_in_all_that_is_written_of_any() {
    const SECRET: &str = "hunter2-correct-horse";
    const PASSED: &str = "battery-staple-77";
    let bench = Bench::new();
    let teller = sh(&format!("trap 'exit 0' INT; while :; do echo \"said {SECRET} and {PASSED}\"; sleep 0.2; done"));
    let own = "env = { TOKEN = \"hunter2-correct-horse\" }\npass_env = [\"PASSED\"]";
    bench.write("w.toml", [workload("owner", TICK, own), workload("teller", &teller, "")].concat());
    let options = ["final-dry-run", "--workloads", "w.toml", "--duration", "2s"];
    let output = bench.command(&[&options[..], PLAIN].concat()).env("PASSED", PASSED).output().unwrap();
    let run = finish(&bench, output.into());
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert_eq!(state(&run, "owner")["environment"], json!(["PASSED", "TOKEN"]));
    let told = format!("{:?}", run.output);
    assert!(!told.contains(SECRET) && !told.contains(PASSED), "{told}");
    for entry in walkdir::WalkDir::new(&run.folder).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let bytes = fs::read(entry.path()).unwrap();
        for secret in [SECRET, PASSED] {
            assert!(
                memchr::memmem::find(&bytes, secret.as_bytes()).is_none(),
                "{} tells {secret}",
                entry.path().display()
            );
        }
    }
}

#[test]
fn sixty_four_run_at_once_and_each_has_its_row_and_its_log() {
    let bench = Bench::new();
    // Slowly, and with time to end: sixty-four of anything are a load for a small machine.
    let slow = sh("trap 'exit 0' INT; while :; do echo tick; sleep 1; done");
    let all: Vec<String> =
        (0..64).map(|number| workload(&format!("w{number}"), &slow, "shutdown_grace = \"2m\"")).collect();
    bench.write("w.toml", all.concat());
    let options = ["final-dry-run", "--workloads", "w.toml", "--no-report", "--duration=10s", "--shutdown-grace=2m"];
    let run = finish(&bench, bench.run(&[&options[..], &PLAIN[..PLAIN.len() - 1]].concat()));
    assert_eq!(run.output.code, 0, "{:?}", run.output);
    assert_eq!(run.record["workloads"].as_array().unwrap().len(), 64);
    let records = run.structured();
    for number in 0..64 {
        let name = format!("w{number}");
        assert_eq!(row(&run, &name)["status"], "pass", "{}", row(&run, &name));
        assert!(records.iter().any(|record| record["source"] == name.as_str()), "{name}");
    }
    agrees(&bench, &run);
}
