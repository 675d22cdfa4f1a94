//! Acknowledgements: told everywhere, sealed with the run, and never judged.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::{Bench, wait_for};
use crate::watch::OnTerminal;

/// A run whose two incidents were acknowledged while it lasted, the first with a hostile note.
fn run() -> (Bench, String) {
    let bench = Bench::new();
    let script = "echo 'ERROR: the venue is gone'; echo 'WARN: slow'; while :; do echo beat; sleep 0.1; done";
    let options = ["-q", "--duration", "8s", "--run-name", "r", "--progress-interval", "100ms"];
    let rest = ["--no-diary", "--no-performance", "--", "sh", "-c", script];
    let mut child = bench.command(&[&["final-dry-run"], &options[..], &rest].concat()).spawn().unwrap();
    let ids = wait_for(|| {
        let out = bench.run(&["watch", "runs", "--once", "--format", "json"]);
        let shown: Value = serde_json::from_str(&out.stdout).ok()?;
        let ids: Vec<String> =
            shown["incidents"].as_array()?.iter().filter_map(|one| Some(one["id"].as_str()?.to_owned())).collect();
        (ids.len() == 2).then_some(ids)
    });
    let note = "seen | <script>alert(1)</script> \u{1b}[2J";
    let out = bench.run(&["watch", "runs", "--ack", &ids[0][..6], "--by", "alice", "--note", note]).exits(0);
    assert!(out.stdout.contains(&ids[0]) && out.stdout.contains("the venue is gone"), "{out:?}");
    let out = bench.run(&["watch", "runs/r", "--ack", "all", "--by", "bob"]).exits(0);
    assert!(out.stdout.contains("slow") && out.stdout.lines().count() == 1, "only what nobody has seen: {out:?}");
    let shown = bench.run(&["watch", "runs", "--once"]).stdout;
    assert!(shown.contains("acknowledged by alice") && !shown.contains('\u{1b}'), "{shown}");
    assert_eq!(child.wait().unwrap().code(), Some(1), "what was seen is as bad as before");
    (bench, ids[0].clone())
}

#[test]
fn acknowledgements_are_told_and_sealed_and_later_ones_are_told_as_such() {
    let (bench, id) = run();
    let read = |name: &str| fs::read_to_string(bench.path().join("runs/r").join(name)).unwrap();
    for name in ["wrap_up.md", "summary.md", "packet/dry_run_summary.md"] {
        assert!(read(name).contains("alice") == (name != "summary.md"), "{name}");
        assert!(!read(name).contains("<script>"), "{name}");
    }
    for name in ["report.html", "packet/report.html"] {
        assert!(read(name).contains("alice") && read(name).contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{name}");
    }
    let sealed: Value = serde_json::from_str(&read("summary.json")).unwrap();
    assert_eq!(sealed["summary"]["acknowledgements"]["list"].as_array().unwrap().len(), 2);
    assert_eq!(sealed["summary"]["acknowledgements"]["unacknowledged"], 0);

    // Others come later: the record still fits, and the packet is what it was.
    let _ = bench.run(&["watch", "runs/r", "--ack", &id, "--by", "late"]).exits(0);
    for (place, count) in [("runs/r", 3), ("runs/r/packet", 2), ("runs/r/r-packet.tar.gz", 2)] {
        let json = bench.run(&["audit", place, "--format", "json"]).exits(1).json();
        assert_eq!(json["record"]["status"], "pass", "{place}: {json}");
        assert_eq!(json["to_fix"], serde_json::json!(["logs"]), "{place}");
        let list = json["acknowledgements"]["list"].as_array().unwrap();
        assert_eq!((list.len(), &list[count - 1]["late"]), (count, &Value::Bool(count == 3)), "{place}");
        assert!(list[0]["after_seconds"].as_f64().unwrap() >= 0.0);
    }
}

#[test]
fn what_was_acknowledged_cannot_be_changed_behind_the_record() {
    let (bench, _) = run();
    let file = bench.path().join("runs/r/acks.jsonl");
    let before = fs::read_to_string(&file).unwrap();
    let first_line = before.lines().next().unwrap().to_owned() + "\n";
    for (what, text) in [
        ("another name", before.replace("alice", "mallo")),
        ("the last one cut", first_line),
        ("one put before them", format!("{before}{before}")[10..].to_owned()),
    ] {
        fs::write(&file, text).unwrap();
        let out = bench.run(&["audit", "runs/r", "--format", "json"]).exits(1);
        let json = out.json();
        assert_eq!(json["record"]["status"], "fail", "{what}: {json}");
        assert!(out.stdout.contains("acks.jsonl"), "{what}: {json}");
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(bench.run(&["audit", "runs/r", "--format", "json"]).json()["record"]["status"], "fail", "removed");
}

#[test]
fn an_acknowledgement_goes_nowhere_else() {
    let bench = Bench::new();
    let snapshot = r#"{"status":"fail","phase":"running","incidents":[{"severity":"fail","message":"boom"}]}"#;
    bench.write("packet/raw/progress.json", snapshot);
    bench.write("packet/manifest.json", "{}");
    let out = bench.run(&["watch", "packet/raw", "--ack", "all"]).exits(3);
    assert!(out.stderr.contains("in a packet, which is sealed"), "{out:?}");
    bench.write("run/progress.json", snapshot);
    let elsewhere = bench.write("elsewhere", "");
    symlink(&elsewhere, bench.path().join("run/acks.jsonl")).unwrap();
    let out = bench.run(&["watch", "run", "--ack", "all"]).exits(3);
    assert!(out.stderr.contains("symbolic link") && fs::read(elsewhere).unwrap().is_empty(), "{out:?}");
    let _ = bench.run(&["watch", "nowhere", "--ack", "all"]).exits(3);
    for args in [["--ack", "zzzz"], ["--ack", "abc"], ["--by", " "], ["--note", "without an id"]] {
        let _ = bench.run(&[&["watch", "run"], &args[..]].concat()).exits(2);
    }
    // Half a line of somebody else does not swallow the next one.
    fs::remove_file(bench.path().join("run/acks.jsonl")).unwrap();
    bench.write("run/acks.jsonl", "{\"at\":\"2025");
    let _ = bench.run(&["watch", "run", "--ack", "all", "--by", "carol"]).exits(0);
    let shown = bench.run(&["watch", "run", "--once"]).stdout;
    assert!(shown.contains("acknowledged by carol"), "{shown}");
}

#[test]
fn the_key_a_acknowledges_what_is_selected() {
    let bench = Bench::new();
    let snapshot = r#"{"status":"fail","phase":"running","now":"2025-01-06T00:00:00Z",
        "incidents":[{"id":"aaaa00000001","severity":"fail","message":"older"},{"severity":"warn","message":"newer"}]}"#;
    bench.write("progress.json", snapshot);
    let mut terminal = OnTerminal::watch(&bench, &[".", "--by", "dora"]);
    terminal.read_until("q quit");
    // Only what changes is drawn, so that the screen cannot be waited for by its words.
    terminal.press("jafine\r");
    let line = wait_for(|| serde_json::from_slice::<Value>(&fs::read(bench.path().join("acks.jsonl")).ok()?).ok());
    terminal.press("q");
    assert_eq!(wait_for(|| terminal.child.try_wait().unwrap()).code(), Some(0));
    assert_eq!(
        (&line["incident"], &line["by"], &line["note"]),
        (&"aaaa00000001".into(), &"dora".into(), &"fine".into())
    );
}
