//! What people see and hear of a workload that is started again.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::json;

use super::workloads::{TICK, several, sh, workload};
use super::*;

/// Ends twice with a code of its own before it stays.
fn flaky() -> String {
    sh("trap 'exit 0' INT TERM; n=$(cat n 2>/dev/null || echo 0); echo $((n+1)) > n; echo start $n; sleep 0.2; \
        if [ $n -lt 2 ]; then exit $((n+7)); fi; while :; do echo tick; sleep 0.1; done")
}

const AGAIN: &str = "restart = \"on-failure\"\nbackoff = \"100ms\"\nmax_restarts = 20";

/// A server that hands on the body of each request.
fn receiver() -> (String, mpsc::Receiver<Value>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", server.local_addr().unwrap());
    let (sender, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in server.incoming().flatten() {
            let (mut text, mut chunk) = (Vec::new(), [0; 4096]);
            let body = loop {
                let read = stream.read(&mut chunk).unwrap_or_default();
                text.extend_from_slice(&chunk[..read]);
                let start = text.windows(4).position(|end| end == b"\r\n\r\n").map(|end| end + 4);
                if let Some(body) = start.and_then(|start| serde_json::from_slice(&text[start..]).ok()) {
                    break body;
                }
                assert!(read > 0, "{}", String::from_utf8_lossy(&text));
            };
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

#[test]
fn watch_lists_the_attempts_of_a_workload() {
    let bench = Bench::new();
    let run = several(
        &bench,
        &["--duration", "3s", "--quiet"],
        &[workload("calm", TICK, ""), workload("flaky", &flaky(), AGAIN)],
    );
    let seen = bench.run(&["watch", "runs/r", "--once", "--workload", "flaky", "--fail-on", "never"]).exits(0).stdout;
    let before: Vec<&str> = seen.lines().filter(|line| line.starts_with("Before: ")).collect();
    assert!(seen.lines().any(|line| line.starts_with("Attempt: 3")), "{seen}");
    assert!(
        before[0].starts_with("Before: 2: exited with code 8, ended by itself, after ")
            && before[1].starts_with("Before: 1: exited with code 7,")
            && before.len() == 2,
        "{seen}"
    );
    let calm = bench.run(&["watch", "runs/r", "--once", "--workload", "calm", "--fail-on", "never"]).exits(0).stdout;
    assert!(!calm.contains("Before:"), "{calm}");
    let words = ["watch", "runs/r", "--once", "--format", "json", "--fail-on", "never"];
    let json: Value = serde_json::from_str(&bench.run(&words).exits(0).stdout).unwrap();
    let all = json["workloads"].as_array().unwrap();
    let earlier = &all.iter().find(|worker| worker["name"] == "flaky").unwrap()["earlier"];
    assert_eq!((&earlier[0]["attempt"], &earlier[1]["exit_code"]), (&json!(1), &json!(8)), "{json}");
    drop(run);
}

#[test]
fn watch_lists_the_attempts_of_the_only_command() {
    let bench = Bench::new();
    let script: Vec<String> = serde_json::from_str(&flaky()).unwrap();
    let options = ["--duration", "3s", "--quiet", "--restart", "on-failure", "--backoff", "100ms"];
    let run = rehearse(&bench, &options, &script[2]);
    let seen = bench.run(&["watch", "runs/r", "--once", "--fail-on", "never"]).exits(0).stdout;
    assert!(seen.contains("Before: 2: exited with code 8") && seen.contains("Before: 1: exited with code 7"), "{seen}");
    drop(run);
}

#[test]
fn a_server_hears_which_workload_it_was() {
    let bench = Bench::new();
    let (url, heard) = receiver();
    let rules = json!([{"categories": ["run.*"], "tags": ["flaky"], "channels": ["hook"], "suppress": "0s"}]);
    let policy =
        json!({"channels": [{"name": "hook", "type": "webhook", "url": url}], "rules": rules, "deadline": "5s"});
    bench.write("notify.json", policy.to_string());
    let run = several(
        &bench,
        &["--duration", "3s", "--quiet", "--notify", "notify.json"],
        &[workload("calm", TICK, ""), workload("flaky", &flaky(), AGAIN)],
    );
    let events: Vec<Value> = heard.try_iter().collect();
    let exits: Vec<&Value> = events.iter().filter(|event| event["message"].to_string().contains("code 7")).collect();
    assert!(!exits.is_empty(), "{events:?}");
    for event in &events {
        assert_eq!(
            (&event["context"]["workload"], &event["context"]["run"]),
            (&json!("flaky"), &json!("r")),
            "{event}"
        );
        assert!(event["tags"].as_array().unwrap().contains(&json!("flaky")), "{event}");
        assert!(event["message"].as_str().unwrap().contains("flaky"), "people read which it was: {event}");
    }
    let receipts = fs::read_to_string(run.folder.join("notifications.jsonl")).unwrap();
    assert_eq!(receipts.matches("\"delivered\"").count(), events.len(), "{receipts}");
}
