//! Evidence that was touched after the run: whoever changes one part contradicts another.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::run_dir::copy;
use crate::harness::Bench;

/// Three honest rehearsals, made once: a clean one, one with an error line, one whose command failed.
static RUNS: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::new();
    let _ = bench.run(&[
        "final-dry-run",
        "-q",
        "--simulate",
        "--duration",
        "2s",
        "--run-name",
        "good",
        "--output-root",
        ".",
    ]);
    let loud = r#"for i in 1 2 3 4 5 6 7 8; do echo "INFO tick $i"; [ $i = 4 ] && echo "ERROR db down"; sleep 0.2; done; sleep 9"#;
    for (name, duration, script) in [("loud", "2s", loud), ("crash", "3s", "echo hello; sleep 1.2; exit 3")] {
        let options =
            ["final-dry-run", "-q", "--no-diary", "--no-performance", "--output-root", ".", "--progress-interval"];
        let _ = bench.run(
            &[&options[..], &["500ms", "--run-name", name, "--duration", duration, "--", "sh", "-c", script]].concat(),
        );
    }
    bench
});

/// What is copied and touched.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    Run(&'static str),
    Packet(&'static str),
}

pub(super) fn touched(of: Of, change: impl FnOnce(&Path)) -> Bench {
    let bench = Bench::new();
    let source = match of {
        Of::Run(name) => RUNS.path().join(name),
        Of::Packet(name) => RUNS.path().join(name).join("packet"),
    };
    let target = bench.path().join("it");
    copy(&source, &target);
    change(&target);
    bench
}

/// The exit code, and every sentence of the audit that tells what is wrong.
pub(super) fn audit(bench: &Bench, path: &str) -> (i32, String, Value) {
    let out = bench.run(&["audit", path, "--format", "json"]);
    let code = out.code;
    let json = out.json();
    let said: Vec<String> = ["/record/differs", "/findings", "/checksums/findings", "/logs/findings"]
        .iter()
        .filter_map(|list| json.pointer(list)?.as_array())
        .flatten()
        .map(|finding| finding["summary"].as_str().unwrap().to_owned())
        .collect();
    (code, said.join("\n"), json)
}

fn sha256(path: &Path) -> String {
    Sha256::digest(fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Changes a JSON document.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    change(&mut document);
    fs::write(path, serde_json::to_string_pretty(&document).unwrap() + "\n").unwrap();
}

/// Changes a text, which must hold what is replaced.
pub(crate) fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} holds no {from}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

pub(crate) fn append(path: &Path, text: &str) {
    fs::write(path, fs::read_to_string(path).unwrap() + text).unwrap();
}

/// The log of a run with this extension.
pub(crate) fn log(run: &Path, extension: &str) -> PathBuf {
    let mut all = fs::read_dir(run.join("logs")).unwrap().map(|entry| entry.unwrap().path());
    all.find(|path| path.extension().is_some_and(|found| found == extension)).unwrap()
}

pub(crate) fn snapshots(run: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(run.join("progress_timeline")).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort_by_key(|path| path.to_str().unwrap().rsplit('-').next().unwrap().to_owned());
    all
}

/// Writes manifest and sums of a packet again, as an attacker would.
pub(crate) fn redo_sums(packet: &Path) {
    let mut files: Vec<(String, String, u64)> = walkdir::WalkDir::new(packet)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| (entry.path().strip_prefix(packet).unwrap().display().to_string(), entry.path().to_owned()))
        .filter(|(name, _)| !["manifest.json", "SHA256SUMS", "attestations.intoto.jsonl"].contains(&name.as_str()))
        .map(|(name, path)| (name, sha256(&path), fs::metadata(&path).unwrap().len()))
        .collect();
    files.sort();
    let listed: Vec<Value> =
        files.iter().map(|(path, sha256, bytes)| json!({"path": path, "sha256": sha256, "bytes": bytes})).collect();
    edit(&packet.join("manifest.json"), |manifest| manifest["files"] = listed.into());
    files.push(("manifest.json".to_owned(), sha256(&packet.join("manifest.json")), 0));
    let sums: String = files.iter().map(|(path, sha256, _)| format!("{sha256}  {path}\n")).collect();
    fs::write(packet.join("SHA256SUMS"), sums).unwrap();
}

/// Turns the error of the log into information, and the counts of the record with it.
pub(crate) fn whiten(run: &Path) {
    let log = log(run, "jsonl");
    replace(&log, "\"level\":\"error\"", "\"level\":\"info\"");
    replace(&log, "ERROR db down", "INFO  db fine");
    edit(&run.join("run.json"), |record| {
        let levels = record["capture"]["level_counts"].as_object_mut().unwrap();
        let errors = levels.remove("error").unwrap().as_u64().unwrap();
        levels["info"] = json!(levels["info"].as_u64().unwrap() + errors);
    });
}

/// Clears what the record says against the run, and seals the log as it is now.
pub(crate) fn clear(run: &Path) {
    let (log, raw) = (log(run, "jsonl"), log(run, "log"));
    edit(&run.join("run.json"), |record| {
        record["incidents"] = json!([]);
        record["incident_counts"] = json!({});
        record["ended_because"] = json!("duration_reached");
        record["attempts"][0]["exit_code"] = json!(0);
        for file in record["sealed_files"].as_array_mut().into_iter().flatten() {
            let path = if file["path"].as_str().unwrap().ends_with(".jsonl") { &log } else { &raw };
            file["sha256"] = json!(sha256(path));
            file["bytes"] = json!(fs::metadata(path).unwrap().len());
        }
    });
}

/// Makes the last snapshot, and all that names it, agree with the record.
pub(crate) fn mend_head(run: &Path) {
    let last = snapshots(run).pop().unwrap();
    let record: Value = serde_json::from_slice(&fs::read(run.join("run.json")).unwrap()).unwrap();
    edit(&last, |head| {
        (head["status"], head["exit_code"]) = (json!("pass"), json!(0));
        (head["summary"], head["sign_off"]) = (Value::Null, Value::Null);
        (head["incidents"], head["incident_counts"]) = (record["incidents"].clone(), record["incident_counts"].clone());
        head["level_counts"] = record["capture"]["level_counts"].clone();
        head["required_duration_seconds"] = record["settings"]["required_duration_seconds"].clone();
        head["elapsed_seconds"] = record["duration_seconds"].clone();
        head["record"] = record.clone();
        let keys = head["record"].as_object_mut().unwrap();
        keys.retain(|key, _| !["state", "progress"].contains(&key.as_str()));
    });
    fs::copy(&last, run.join("progress.json")).unwrap();
    edit(&run.join("run.json"), |record| record["progress"]["head_sha256"] = json!(sha256(&last)));
}

fn remove_record(run: &Path) {
    ["run.json", "progress.json"].iter().for_each(|name| fs::remove_file(run.join(name)).unwrap());
    fs::remove_dir_all(run.join("progress_timeline")).unwrap();
}

type Change = fn(&Path);

#[test]
fn what_was_touched_fails_and_both_places_are_named() {
    use Of::{Packet, Run};
    let cases: &[(&str, Of, Change)] = &[
        // A packet stays one, whatever is laid beside it.
        ("is in the packet but not in its manifest", Packet("loud"), |packet| {
            let good = RUNS.path().join("good");
            for name in ["run.json", "progress.json", "decision_diary.json", "performance_metrics.json"] {
                fs::copy(good.join(name), packet.join(name)).unwrap();
            }
            copy(&good.join("logs"), &packet.join("logs"));
            copy(&good.join("progress_timeline"), &packet.join("progress_timeline"));
        }),
        ("the list of checksums cannot be read", Packet("loud"), |packet| {
            copy(&RUNS.path().join("good/logs"), &packet.join("logs"));
            fs::copy(RUNS.path().join("good/run.json"), packet.join("run.json")).unwrap();
            fs::remove_file(packet.join("manifest.json")).unwrap();
        }),
        // What was cut short is not accused.
        ("the packet was not completed", Packet("loud"), |packet| {
            ["manifest.json", "SHA256SUMS"].iter().for_each(|name| fs::remove_file(packet.join(name)).unwrap());
        }),
        // The log and the counts of the record.
        ("lists 1 incident of the level error, but counts 0", Run("loud"), whiten),
        ("was changed after the run: its digest is not the one in run.json", Run("loud"), whiten),
        ("do not agree about capture.level_counts.error: the first says nothing, the second 1", Run("loud"), |run| {
            whiten(run);
            clear(run);
        }),
        ("level_counts.error went down from 1 to 0", Run("loud"), |run| {
            whiten(run);
            clear(run);
            mend_head(run);
        }),
        // The record alone.
        ("do not agree about incident_counts.fail: the first says nothing", Run("crash"), clear),
        ("do not agree about attempts", Run("crash"), clear),
        ("incident_counts.fail went down from", Run("crash"), |run| {
            clear(run);
            mend_head(run);
        }),
        (
            "do not agree about settings.required_duration_seconds: the first says 0.5, the second 3.0",
            Run("crash"),
            |run| {
                clear(run);
                edit(&run.join("run.json"), |record| record["settings"]["required_duration_seconds"] = json!(0.5));
            },
        ),
        ("do not agree about settings.minimum_uptime_ratio: the first says 0.5, the second 0.98", Run("good"), |run| {
            edit(&run.join("run.json"), |record| record["settings"]["minimum_uptime_ratio"] = json!(0.5));
        }),
        ("do not agree about settings.allow_warnings: the first says true, the second false", Run("good"), |run| {
            edit(&run.join("run.json"), |record| record["settings"]["allow_warnings"] = json!(true));
        }),
        ("the criteria of the run record say no for allow_warnings, its settings yes", Run("good"), |run| {
            edit(&run.join("run.json"), |record| record["settings"]["allow_warnings"] = json!(true));
            mend_head(run);
        }),
        ("do not agree about settings.log_ignore: the first says 1 item, the second nothing", Run("loud"), |run| {
            edit(&run.join("run.json"), |record| record["settings"]["log_ignore"] = json!(["ERROR db down"]));
        }),
        (
            "the criteria of the run record are not those with which its first snapshot was written",
            Run("loud"),
            |run| {
                edit(&run.join("run.json"), |record| {
                    record["settings"]["log_ignore"] = json!(["ERROR db down"]);
                    let ignore =
                        json!({"limit": "ignore", "value": "\"ERROR db down\"", "source": "p.toml:2", "relaxed": true});
                    record["criteria"].as_array_mut().unwrap().push(ignore);
                });
                mend_head(run);
            },
        ),
        ("says that the run lasted", Run("crash"), |run| {
            clear(run);
            edit(&run.join("run.json"), |record| {
                record["started_at"] = json!("2026-01-01T00:00:00+00:00");
                record["ended_at"] = json!("2026-01-04T00:00:00+00:00");
                record["duration_seconds"] = json!(259_200.0);
                record["settings"]["warn_gap_seconds"] = json!(300_000.0);
                record["settings"]["fail_gap_seconds"] = json!(300_000.0);
            });
        }),
        // No record at all.
        ("the logs are captures of emp-ops, but their run record (run.json) is missing", Run("good"), remove_record),
        ("the logs are captures of emp-ops, but their run record (run.json) is missing", Packet("loud"), |packet| {
            remove_record(&packet.join("raw"));
            redo_sums(packet);
        }),
        ("the logs are captures of emp-ops, but their run record (run.json) is missing", Run("loud"), |run| {
            remove_record(run);
            fs::remove_file(log(run, "jsonl")).unwrap();
        }),
        // One file of evidence.
        ("decision_diary.json was changed after the run", Run("good"), |run| {
            append(&run.join("decision_diary.json"), " ");
        }),
        ("performance_metrics.json was changed", Run("good"), |run| {
            append(&run.join("performance_metrics.json"), "\n");
        }),
        (".log, which run.json sealed, is missing", Run("good"), |run| fs::remove_file(log(run, "log")).unwrap()),
        (".log was changed after the run", Run("good"), |run| fs::write(log(run, "log"), "nothing\n").unwrap()),
        (".log is among the logs, but run.json does not name it", Run("good"), |run| {
            edit(&run.join("run.json"), |record| record["evidence"]["raw_logs"] = json!([]));
            edit(&run.join("run.json"), |record| drop(record["sealed_files"].as_array_mut().unwrap().remove(1)));
        }),
        ("extra.jsonl is among the logs", Run("good"), |run| {
            fs::copy(log(run, "jsonl"), run.join("logs/extra.jsonl")).unwrap();
        }),
        ("it was not there when the run was sealed", Run("good"), |run| {
            edit(&run.join("run.json"), |record| {
                record["sealed_files"].as_array_mut().unwrap().retain(|file| file["path"] != "decision_diary.json");
            });
        }),
        ("holds no digests of its evidence files", Run("good"), |run| {
            edit(&run.join("run.json"), |record| drop(record.as_object_mut().unwrap().remove("sealed_files")));
        }),
        // The snapshots.
        ("the last snapshot of a complete run is missing", Run("good"), |run| {
            fs::remove_file(run.join("progress.json")).unwrap();
        }),
        ("the last snapshot of a complete run is missing, or cannot be read", Run("good"), |run| {
            fs::write(run.join("progress.json"), "{").unwrap();
        }),
        ("is one of a timeline, but the run record names none", Run("good"), |run| {
            fs::remove_dir_all(run.join("progress_timeline")).unwrap();
            edit(&run.join("run.json"), |record| record["progress"] = json!({"snapshots": 0}));
        }),
        ("there is a timeline, but the run record names no last snapshot", Run("good"), |run| {
            edit(&run.join("run.json"), |record| record["progress"] = json!({"snapshots": 0}));
        }),
        ("its last snapshot that its phase is \"sealing\"", Run("crash"), |run| {
            let all = snapshots(run);
            fs::remove_file(all.last().unwrap()).unwrap();
            let head = &all[all.len() - 2];
            fs::copy(head, run.join("progress.json")).unwrap();
            let chain = json!({"snapshots": all.len() - 1, "head_sha256": sha256(head)});
            edit(&run.join("run.json"), |record| record["progress"] = chain);
        }),
        // The documents of a packet against its evidence.
        ("dry_run_sign_off.json says FAIL for", Packet("loud"), |packet| {
            whiten(&packet.join("raw"));
            clear(&packet.join("raw"));
            mend_head(&packet.join("raw"));
            redo_sums(packet);
        }),
        ("dry_run_sign_off.json says PASS for the sign-off, its evidence says FAIL", Packet("loud"), |packet| {
            edit(&packet.join("dry_run_sign_off.json"), |document| document["status"] = json!("pass"));
            redo_sums(packet);
        }),
        ("summary.json says PASS for the gate logs, its evidence says FAIL", Packet("loud"), |packet| {
            let text = fs::read_to_string(packet.join("summary.json")).unwrap();
            fs::write(packet.join("summary.json"), text.replace("\"fail\"", "\"pass\"")).unwrap();
            redo_sums(packet);
        }),
        ("review.json says PASS for the verdict, its evidence says FAIL", Packet("loud"), |packet| {
            edit(&packet.join("review.json"), |review| review["verdict"] = json!("pass"));
            redo_sums(packet);
        }),
        ("wrap_up.json says PASS with 2 waivers for the headline", Packet("loud"), |packet| {
            edit(&packet.join("wrap_up.json"), |minutes| minutes["headline"] = json!("PASS with 2 waivers"));
            redo_sums(packet);
        }),
        ("backlog.json says yes (--no-diary) for the limit optional_diary", Packet("loud"), |packet| {
            replace(&packet.join("backlog.json"), "\"relaxed\": true", "\"relaxed\": false");
            redo_sums(packet);
        }),
        ("dry_run_summary.json says 7007 for logs.records", Packet("loud"), |packet| {
            edit(&packet.join("dry_run_summary.json"), |summary| summary["logs"]["records"] = json!(7007));
            redo_sums(packet);
        }),
        ("summary.json says 259200.0 for duration_seconds", Packet("loud"), |packet| {
            edit(&packet.join("summary.json"), |summary| summary["duration_seconds"] = json!(259_200.0));
            redo_sums(packet);
        }),
        ("says no errors for what the gate logs measured, its evidence says 1 error", Packet("loud"), |packet| {
            edit(&packet.join("dry_run_sign_off.json"), |sign_off| {
                sign_off["gates"][2]["measured"] = json!("no errors");
            });
            redo_sums(packet);
        }),
        // Those for people.
        ("summary.md says PASS with 2 waivers for the headline, its evidence says FAIL", Packet("loud"), |packet| {
            replace(&packet.join("summary.md"), "FAIL", "PASS");
            redo_sums(packet);
        }),
        ("dry_run_summary.md says PASS for the gate logs, its evidence says FAIL", Packet("loud"), |packet| {
            replace(&packet.join("dry_run_summary.md"), "| **logs** | **FAIL**", "| **logs** | **PASS**");
            redo_sums(packet);
        }),
        ("backlog.md says FAIL for the headline, its evidence says FAIL with 2 waivers", Packet("loud"), |packet| {
            replace(&packet.join("backlog.md"), " with 2 waivers", "");
            redo_sums(packet);
        }),
        ("report.html says PASS for the headline, its evidence says FAIL", Packet("loud"), |packet| {
            replace(&packet.join("report.html"), "FAIL", "PASS");
            redo_sums(packet);
        }),
        ("summary.md says PASS with 2 waivers for the headline", Run("loud"), |run| {
            replace(&run.join("summary.md"), "FAIL", "PASS");
        }),
        ("dry_run_sign_off.json is missing, which every packet holds", Packet("loud"), |packet| {
            fs::remove_file(packet.join("dry_run_sign_off.json")).unwrap();
            redo_sums(packet);
        }),
        ("policy.json is not the policy of the run: they differ in sign_off", Packet("good"), |packet| {
            edit(&packet.join("policy.json"), |policy| policy["sign_off"]["minimum_uptime_ratio"] = json!(0.1));
            redo_sums(packet);
        }),
        ("more.jsonl is among the logs", Packet("good"), |packet| {
            fs::copy(log(&packet.join("raw"), "jsonl"), packet.join("raw/logs/more.jsonl")).unwrap();
            redo_sums(packet);
        }),
        ("raw/decision_diary.json was changed after the run", Packet("good"), |packet| {
            append(&packet.join("raw/decision_diary.json"), " ");
            redo_sums(packet);
        }),
    ];
    let mut wrong = Vec::new();
    for (expect, of, change) in cases {
        let bench = touched(*of, change);
        let (code, said, json) = audit(&bench, "it");
        if code != 1 || json["verdict"] != "fail" || !said.contains(expect) {
            wrong.push(format!("{of:?}: {expect}: exit {code}:\n{said}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_was_not_touched_is_not_accused() {
    // Whether the clean run passes depends on the load of the machine; that it is not accused does not.
    for name in ["good", "loud", "crash"] {
        let (code, _, _) = audit(&RUNS, name);
        assert!(code == 1 || name == "good", "{name}");
        for form in ["", "/packet", &format!("/{name}-packet.tar.gz")] {
            let (exit, said, json) = audit(&RUNS, &format!("{name}{form}"));
            assert_eq!(exit, code, "{name}{form}: {said}");
            assert_eq!(json["record"]["status"], "pass", "{name}{form}: {said}");
            assert_eq!(json["record"]["differs"], json!([]));
        }
    }
    // Wherever it is moved, and behind whichever link.
    let bench = touched(Of::Run("good"), |_| {});
    std::os::unix::fs::symlink("it/packet", bench.path().join("link")).unwrap();
    std::os::unix::fs::symlink("it", bench.path().join("other")).unwrap();
    for path in ["link", "link/", "other", "other/good-packet.tar.gz"] {
        let (code, said, json) = audit(&bench, path);
        assert_eq!((code, &json["record"]["differs"]), (audit(&RUNS, "good").0, &json!([])), "{path}: {said}");
    }
}

#[test]
fn a_packet_behind_a_link_is_the_same_packet() {
    let bench = touched(Of::Run("good"), |_| {});
    std::os::unix::fs::symlink("it/packet", bench.path().join("link")).unwrap();
    std::os::unix::fs::symlink("link", bench.path().join("again")).unwrap();
    std::os::unix::fs::symlink("it/good-packet.tar.gz", bench.path().join("packed.tar.gz")).unwrap();
    let (code, told, straight) = audit(&bench, "it/packet");
    for path in ["link", "link/", "again", "packed.tar.gz"] {
        let (exit, said, json) = audit(&bench, path);
        assert_eq!((exit, &json["verdict"], &said), (code, &straight["verdict"], &told), "{path}");
    }
}

#[test]
fn what_follows_the_end_of_an_archive_is_not_hidden() {
    let bench = touched(Of::Run("loud"), |_| {});
    let archive = fs::read(bench.path().join("it/loud-packet.tar.gz")).unwrap();
    let honest = audit(&bench, "it/loud-packet.tar.gz").1;
    for more in [&archive[..], b"more of it"] {
        bench.write("x.tar.gz", [&archive, more].concat());
        let (code, said, _) = audit(&bench, "x.tar.gz");
        assert!(code == 1 && said != honest && said.contains("the end of the archive is damaged"), "{said}");
    }
}

#[test]
fn who_judges_by_other_criteria_sees_both_verdicts() {
    let own = audit(&RUNS, "good").2["verdict"].clone();
    for (minimum, duration) in [("1h", "fail"), ("1s", "pass")] {
        let bench = touched(Of::Packet("good"), |_| {});
        let json = bench.run(&["audit", "it", "--format", "json", "--sign-off-min-duration", minimum]).json();
        assert_eq!(json["record"]["status"], "pass", "{}", json["record"]);
        assert_eq!(json["record"]["own_verdict"], own);
        let gate = json["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == "duration").unwrap();
        assert_eq!(gate["status"], duration);
    }
}

#[test]
fn the_copy_of_a_diary_elsewhere_is_judged() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("elsewhere")).unwrap();
    let script = r#"entries=; while :; do echo "INFO tick"
        entry=$(printf '{"entry_id": "e%s", "policy_id": "p", "recorded_at": "%s", "status": "approved"}' "${#entries}" "$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)")
        entries="$entries${entries:+, }$entry"; echo "[$entries]" > "$FINAL_DRY_RUN_DIARY_PATH.tmp"; mv "$FINAL_DRY_RUN_DIARY_PATH.tmp" "$FINAL_DRY_RUN_DIARY_PATH"; sleep 0.1; done"#;
    let options =
        ["final-dry-run", "-q", "--no-performance", "--run-name", "r", "--output-root", ".", "--duration", "2s"];
    let diary = bench.path().join("elsewhere/diary.json");
    let _ =
        bench.run(&[&options[..], &["--diary", diary.to_str().unwrap(), "--", "sh", "-c", script]].concat()).exits(0);
    let before = audit(&bench, "r").2;
    assert_eq!(before["record"]["differs"], json!([]));
    for change in [r"[]", r#"[{"status": "failed"}]"#] {
        fs::write(&diary, change).unwrap();
        let (code, said, json) = audit(&bench, "r");
        assert!(said.contains("../elsewhere/diary.json was changed after the run"), "{said}");
        let record = fs::read_to_string(bench.path().join("r/run.json")).unwrap();
        assert!(!record.contains(bench.path().to_str().unwrap()), "no path of this machine: {record}");
        let packet = audit(&bench, "r/packet").2;
        assert_eq!((code, &json["diary"]), (0, &before["diary"]));
        assert_eq!(json["diary"]["total_entries"], packet["diary"]["total_entries"]);
        assert_eq!(json["record"]["status"], "warn");
    }
}
