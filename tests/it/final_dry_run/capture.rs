//! What the command writes, and what is kept of it whatever happens to the files.

use std::fs;
use std::path::PathBuf;

use emp_ops::time::Stamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::Signal;
use serde_json::Value;

use super::{SHORT, finish, rehearse, start};
use crate::harness::{Bench, wait_for};

#[test]
fn a_flood_is_counted_line_by_line() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], "yes | head -c 20000000");
    assert_eq!(run.record["capture"]["total_lines"], 10_000_000);
    assert_eq!(run.raw().len(), 20_000_000);
    let counted: u64 = run.structured().iter().map(|r| r["repeated"].as_u64().unwrap_or(1)).sum();
    assert_eq!(counted, 10_000_000);
}

#[test]
fn the_last_line_needs_no_line_end_and_long_lines_are_cut() {
    let bench = Bench::new();
    let script = "head -c 5000000 /dev/zero | tr '\\0' x; printf '\\nlast'";
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
    let records = run.structured();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["message"].as_str().unwrap().len(), 1 << 20);
    assert_eq!(records[1]["message"], "last");
    assert_eq!(run.record["capture"]["cut_lines"], 1);
    assert_eq!(run.record["capture"]["bytes"], 5_000_005);
}

#[test]
fn binary_output_is_kept_raw_and_replaced_in_records() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], r"printf 'a\377\000b\n'");
    assert_eq!(run.raw(), b"a\xff\0b\n");
    assert_eq!(run.structured()[0]["message"], "a\u{fffd}\0b");
    assert_eq!(run.record["capture"]["invalid_utf8_lines"], 1);
}

/// Where only the end of the output makes sure where its levels are, what the first line stated is kept in the log as well.
#[test]
fn the_level_of_an_early_line_that_is_learnt_at_the_end_is_kept() {
    let bench = Bench::new();
    let script = "n=10; for level in error info debug info notice info; do \
                  echo \"host1 *$level* 17636256${n}123 text\"; n=$((n + 1)); sleep 0.1; done";
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], script);
    let errors: Vec<_> = run.structured().into_iter().filter(|record| record["level"] == "error").collect();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0]["message"].as_str().unwrap().contains("*error* 1763625610123"));
}

#[test]
fn a_command_that_closes_its_output_runs_on() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "2s"], "echo up; exec >&- 2>&-; exec sleep 60");
    assert_eq!(run.record["ended_because"], "duration_reached");
    assert_eq!(run.incidents(), []);
}

#[test]
fn silence_is_seen_while_it_lasts() {
    let bench = Bench::new();
    let options = ["--duration", "1h", "--live-gap", "400ms", "--live-gap-severity", "fail"];
    let child = start(&bench, &options, "echo up; exec sleep 987");
    child.wait_until_told(&bench, "no output for");
    child.send(Signal::INT);
    finish(&bench, child.output()).has("fail silence", "no output for");
}

#[test]
fn values_of_the_environment_stay_out_of_the_evidence() {
    let bench = Bench::new();
    let options = ["--duration", "1h", "--required-duration", "0s", "--env", "TOKEN=hunter2secret", "--env", "KEY"];
    let script = "test \"$TOKEN\" = hunter2secret && echo token: $TOKEN, key: $KEY";
    let words = [&["final-dry-run"], SHORT, &options, &["--", "sh", "-c", script]].concat();
    let out = bench.run(&words).exits(2);
    assert!(out.stderr.contains("set \"KEY\""), "{out:?}");
    let output = bench.command(&words).env("KEY", "hunter2secret").output().unwrap();
    let run = finish(&bench, output.into());
    assert_eq!(run.structured()[0]["message"], "token: *************, key: *************");
    assert_eq!(run.record["environment"], serde_json::json!(["TOKEN", "KEY"]));
    for file in walkdir::WalkDir::new(&run.folder).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        assert!(memchr::memmem::find(&bytes, b"hunter2secret").is_none(), "{}", file.path().display());
    }
}

#[test]
fn a_value_of_the_environment_blinds_nobody() {
    let bench = Bench::new();
    let env = ["LIMIT=7654321", "MODE=critical", "K=timestamp", "LOG_LEVEL=WARNING", "KEY=BEGIN KEY\nMIIE1234"];
    let env = env.map(|value| ["--env", value]).concat();
    let script = r#"echo '{"level":"error","value":7654321,"msg":"db gone"}'; echo 'WARNING:root:slow'
        echo '{"timestamp":"2025-01-06T00:00:00Z","level":"critical","msg":"x"}'
        echo "$KEY"; setsid sh -c ': > apart; sleep 987; :' "$KEY" & while [ ! -e apart ]; do sleep 0.02; done"#;
    let options = [&["--duration", "1h", "--required-duration", "0s"], &*env].concat();
    let run = rehearse(&bench, &options, script);
    let levels = serde_json::json!({"critical": 1, "error": 1, "info": 2, "warning": 1});
    assert_eq!(run.record["capture"]["level_counts"], levels);
    run.has("fail log_level", "db gone");
    run.has("warn leak", "sleep 987");
    for file in walkdir::WalkDir::new(&run.folder).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        let bytes = fs::read(file.path()).unwrap();
        for secret in ["7654321", "MIIE1234", "BEGIN KEY"] {
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{secret}: {}", file.path().display());
        }
    }
    let audit = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
    assert_eq!(audit.json()["logs"]["level_counts"], levels);
    let _ = run.output.exits(1);
}

#[test]
fn a_removed_directory_is_noticed_and_capture_goes_on() {
    let bench = Bench::new();
    let child = start(&bench, &["--duration", "1h"], "while :; do echo beat; sleep 0.05; done");
    fs::remove_dir_all(bench.path().join("runs/r/logs")).unwrap();
    child.wait_until_told(&bench, "the file was removed");
    child.send(Signal::INT);
    let run = finish(&bench, child.output());
    run.has("fail capture", "the file was removed");
    let lost = run.record["capture"]["lost_lines"].as_u64().unwrap();
    assert!(lost > 0);
    assert_eq!(run.structured().len() as u64 + lost, run.record["capture"]["total_lines"].as_u64().unwrap());
}

#[test]
fn a_removed_part_of_a_log_is_no_pass() {
    for (file, others) in [("*_p001.jsonl", ".log"), ("*.log", ".jsonl")] {
        let bench = Bench::new();
        let script =
            format!("cd $FINAL_DRY_RUN_LOG_DIR; until [ -e *_p001.jsonl ]; do echo line; sleep 0.02; done; rm {file}");
        let run =
            rehearse(&bench, &["--duration", "1h", "--required-duration", "0s", "--rotate-size", "300B"], &script);
        run.has("fail capture", "the file was removed");
        let ending = file.trim_start_matches('*');
        let end =
            |m: &str| m.contains(&format!("{ending}: the file")) || ending == ".log" && m.contains(".log: the file");
        assert!(run.incidents().iter().all(|(_, m)| end(m) && !m.contains(others)), "{:?}", run.incidents());
        assert!(run.record["capture"]["lost_lines"].as_u64().unwrap() > 0);
        let _ = run.output.exits(1);
    }
}

#[test]
fn the_last_snapshot_is_the_newest_and_vouched_for_too() {
    let bench = Bench::new();
    let run = rehearse(&bench, &["--duration", "1h", "--required-duration", "0s"], "echo up; sleep 0.1; echo done");
    let snapshots = fs::read_dir(run.folder.join("progress_timeline")).unwrap();
    let mut snapshots: Vec<PathBuf> = snapshots.flatten().map(|entry| entry.path()).collect();
    snapshots.sort();
    assert_eq!(run.record["progress"]["snapshots"], snapshots.len());
    let read = |path: &PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let all: Vec<Value> = snapshots.iter().map(read).collect();
    let time = |at: &Value| Stamp::parse(at.as_str().unwrap()).unwrap();
    assert!(all.is_sorted_by_key(|one| one["sequence"].as_u64().unwrap()), "{snapshots:?}");
    assert!(all.is_sorted_by_key(|one| time(&one["now"])), "{all:?}");
    let last = all.last().unwrap();
    assert!(last["phase"] == "complete" && time(&last["now"]) > time(&run.record["ended_at"]), "{last}");
    let last = snapshots.last().unwrap();
    let text = fs::read_to_string(last).unwrap();
    let _ = bench.run(&["audit", "runs/r"]).exits(0);
    for path in [last.clone(), run.folder.join("progress.json")] {
        fs::write(&path, text.replace("\"pass\"", "\"warn\"")).unwrap();
        let audit = bench.run(&["audit", "runs/r"]).exits(1);
        assert!(audit.stdout.contains("altered"), "{audit:?}");
        fs::write(&path, &text).unwrap();
    }
}

#[test]
fn an_edited_run_directory_does_not_pass() {
    let bench = Bench::new();
    let run = rehearse(
        &bench,
        &["--duration", "1h", "--required-duration", "0s"],
        "echo 'ERROR: gone'; (sleep 9 &) ; echo up",
    );
    let log = run.folder.join(run.record["evidence"]["logs"][0].as_str().unwrap());
    let edited = fs::read_to_string(&log).unwrap().replace("\"level\":\"error\"", "\"level\":\"info\"");
    fs::write(&log, edited).unwrap();
    let audit = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
    assert!(audit.stdout.contains("levels of the records are not those"), "{audit:?}");
    let mut record = run.record.clone();
    record["incidents"] = serde_json::json!([]);
    fs::write(run.folder.join("run.json"), record.to_string()).unwrap();
    let audit = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
    assert!(audit.stdout.contains("the incidents of the run"), "{audit:?}");
    record["schema"] = "emp-ops/run/v9".into();
    fs::write(run.folder.join("run.json"), record.to_string()).unwrap();
    let audit = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
    assert!(audit.stdout.contains("its schema is `emp-ops/run/v9`"), "{audit:?}");
}

#[test]
fn snapshots_that_could_not_be_written_are_not_missed() {
    let bench = Bench::new();
    let options = ["--duration", "1h", "--progress-interval", "50ms"];
    let child = start(&bench, &options, "echo up; exec sleep 987");
    let timeline = bench.path().join("runs/r/progress_timeline");
    let in_the_way = bench.write("a file", "");
    // In one step: a timeline that is missing for a moment would be made again.
    let swap = || renameat_with(CWD, &timeline, CWD, &in_the_way, RenameFlags::EXCHANGE).unwrap();
    let kept = || {
        let names = fs::read_dir(&timeline).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("snapshot-")).count() as u64
    };
    wait_for(|| timeline.is_dir().then_some(()));
    swap();
    child.wait_until_told(&bench, "cannot write the progress file");
    swap();
    let before = kept();
    wait_for(|| (kept() > before).then_some(()));
    child.send(Signal::INT);
    let run = finish(&bench, child.output());
    run.has("fail capture", "cannot write the progress file");
    assert!(run.incidents().iter().all(|(_, m)| !m.contains("lines are being lost")), "{:?}", run.incidents());
    let audit = bench.run(&["audit", "runs/r"]).exits(1);
    assert!(!audit.stdout.contains("timeline is broken"), "{audit:?}");
    assert_eq!(kept(), run.record["progress"]["snapshots"].as_u64().unwrap());
}
