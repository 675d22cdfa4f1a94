//! Rehearsals of notifications: `emp-ops stage-alerts --notify`.

mod mail;
mod pitfalls;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::harness::{Bench, Output};

type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// A server that answers what the first part of the path says, and keeps what it hears.
fn receiver() -> (String, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let kept = Arc::clone(&kept);
            thread::spawn(move || answer(stream, &kept));
        }
    });
    (address, heard)
}

/// The first line and the body of a request.
fn request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, String::from_utf8_lossy(&body).into_owned()))
}

fn answer(mut stream: TcpStream, heard: &Heard) -> Option<()> {
    let (first, body) = request(&stream)?;
    let path = first.split(' ').nth(1)?.to_owned();
    let status =
        path.trim_start_matches('/').split('/').next().and_then(|part| part.parse::<u16>().ok()).unwrap_or(200);
    heard.lock().unwrap().push((path, body));
    let extra = if status == 302 { "Location: /ok\r\n" } else { "" };
    let answer = if first.contains("/refused") { "{\"ok\":false}" } else { "ok" };
    let text =
        format!("HTTP/1.1 {status} x\r\n{extra}Content-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len());
    stream.write_all(text.as_bytes()).ok()
}

/// Plays events through a policy.
fn play(bench: &Bench, policy: &Value, events: &[Value], rest: &[&str]) -> Output {
    bench.write("notify.json", policy.to_string());
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    bench.write("events.jsonl", lines.join("\n"));
    let args = ["stage-alerts", "--notify", "notify.json", "--replay", "events.jsonl", "--format", "json"];
    bench.run(&[&args, rest].concat())
}

fn boom(at: u32, severity: &str) -> Value {
    json!({"at": at, "category": "run.fail", "severity": severity, "message": "boom"})
}

#[test]
fn every_channel_is_tried_and_what_is_refused_is_no_delivery() {
    let (url, heard) = receiver();
    let bench = Bench::new();
    let policy = json!({"deadline": 2, "channels": [
        {"name": "moved", "type": "webhook", "url": format!("{url}/302/secret-word")},
        {"name": "refused", "type": "slack", "url": format!("{url}/refused")},
        {"name": "gone", "type": "webhook", "url": format!("{url}/404")},
        {"name": "hook", "type": "webhook", "url": format!("{url}/ok")},
    ], "rules": [{"channels": ["moved", "refused", "gone", "hook"], "suppress": "5m"}]});
    let output = play(&bench, &policy, &[boom(0, "critical"), boom(5, "critical")], &["--deliver"]).exits(1);
    let found = output.json();
    let actions = |n: usize| found["notifications"]["events"][n]["actions"].clone();
    let failed = |name: &str| json!([name, "failed"]);
    assert_eq!(actions(0), json!([failed("gone"), ["hook", "delivered"], failed("moved"), failed("refused")]));
    assert_eq!(actions(1), json!([failed("gone"), ["hook", "suppressed"], failed("moved"), failed("refused")]));
    assert!(!output.stdout.contains("secret-word"), "an address may be a secret");
    let paths: Vec<String> = heard.lock().unwrap().iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(paths.iter().filter(|path| *path == "/ok").count(), 1, "nothing followed the redirect: {paths:?}");
    let receipt = std::fs::read_to_string(bench.path().join("delivery_receipt.json")).unwrap();
    assert!(receipt.contains("a redirect is no delivery") && !receipt.contains("secret-word"));
}

#[test]
fn a_service_that_is_busy_is_asked_again() {
    let (url, heard) = receiver();
    let bench = Bench::new();
    let policy = json!({"deadline": 2, "channels": [{"name": "hook", "type": "webhook", "url": format!("{url}/503")}],
        "rules": [{"channels": ["hook"]}]});
    let found = play(&bench, &policy, &[boom(0, "critical")], &["--deliver"]).exits(1).json();
    assert_eq!(found["notifications"]["receipts"][0]["attempt"], 2);
    assert_eq!(heard.lock().unwrap().len(), 2);
}

#[test]
fn what_nobody_hears_of_is_told_and_nothing_sent_is_no_pass() {
    let bench = Bench::new();
    let policy = |extra: &Value| {
        let mut policy = json!({"channels": [{"name": "log", "type": "exec", "argv": ["true"]}],
            "rules": [{"channels": ["log"], "min_severity": "critical"}]});
        for (key, value) in extra.as_object().unwrap() {
            policy[key] = value.clone();
        }
        policy
    };
    for (extra, events, deliver, code, verdict) in [
        (json!({}), vec![boom(0, "critical")], true, 0, "pass"),
        (json!({}), vec![boom(0, "critical")], false, 0, "warn"),
        (json!({}), vec![boom(0, "warning")], true, 0, "warn"),
        (json!({}), vec![boom(0, "info"), boom(1, "critical")], true, 0, "pass"),
        (json!({"events": ["run.*"]}), vec![boom(0, "warning")], true, 1, "fail"),
        (json!({}), vec![], true, 1, "fail"),
        (json!({}), vec![json!({"at": 0, "category": "x"})], true, 1, "fail"),
        (
            json!({"channels": [{"name": "log", "type": "exec", "argv": ["false"]}]}),
            vec![boom(0, "critical")],
            true,
            1,
            "fail",
        ),
    ] {
        let rest: &[&str] = if deliver { &["--deliver"] } else { &[] };
        let found = play(&bench, &policy(&extra), &events, rest).exits(code).json();
        assert_eq!(found["verdict"], verdict, "{extra} {events:?}: {}", found["notifications"]["findings"]);
    }
    bench.write("notify.toml", "[notify]\nevents = [\"run.*\"]\n[[notify.channel]]\nname = \"log\"\ntype = \"exec\"\nargv = [\"true\"]\n[[notify.rule]]\nchannels = [\"log\"]\n");
    let shown = bench.run(&["stage-alerts", "--notify", "notify.toml"]).exits(0).stdout;
    assert!(shown.contains("Who hears of what") && shown.contains("nothing was sent"), "{shown}");
    let _ = bench.run(&["stage-alerts", "--notify", "notify.toml", "--deliver"]).exits(0);
    let twice = r#"{"channels": [{"name": "a", "type": "exec", "argv": ["true"]}], "default_channels": [], "default_channels": ["a"]}"#;
    bench.write("twice.json", twice);
    let refused = bench.run(&["stage-alerts", "--notify", "twice.json"]).exits(2).stderr;
    assert!(refused.contains("the key `default_channels` is in one object twice"), "{refused}");
    bench.write("notify.toml", "[notify]\n[[notify.channel]]\nname = \"log\"\ntype = \"pager\"\n");
    let refused = bench.run(&["stage-alerts", "--notify", "notify.toml"]).exits(2).stderr;
    assert!(refused.contains("notify.toml:4:9") && refused.contains('^'), "{refused}");
}

#[test]
fn mail_goes_to_a_server_that_speaks_smtp() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut said = String::new();
        stream.write_all(b"220-hello\r\n220 there\r\n").unwrap();
        let mut in_data = false;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 {
                return said;
            }
            said.push_str(&line);
            let answer = match line.trim_end() {
                "." => Some("250 kept"),
                _ if in_data => None,
                "DATA" => Some("354 go"),
                "QUIT" => Some("221 bye"),
                _ => Some("250-fine\r\n250 go on"),
            };
            in_data = line.trim_end() == "DATA" || (in_data && line.trim_end() != ".");
            if let Some(answer) = answer {
                stream.write_all(format!("{answer}\r\n").as_bytes()).unwrap();
            }
        }
    });
    let bench = Bench::new();
    let mut mail = json!({"name": "mail", "type": "email", "sender": "Ops <ops@x.example>", "recipients": "ann@x.example, bo@x.example",
        "smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": false});
    let rules = json!([{"channels": ["mail"]}]);
    let _ = play(&bench, &json!({"channels": [mail], "rules": rules}), &[boom(0, "critical")], &["--deliver"]).exits(0);
    let said = server.join().unwrap();
    for line in [
        "MAIL FROM:<ops@x.example>\r\n",
        "RCPT TO:<ann@x.example>\r\n",
        "RCPT TO:<bo@x.example>\r\n",
        "Subject: [CRITICAL] run.fail\r\n",
        "boom\r\n",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // A server without TLS gets nothing in the clear that was to be encrypted.
    let (_, heard) = receiver();
    mail["smtp_tls"] = json!(true);
    mail["timeout"] = json!(0.5);
    let _ = play(
        &bench,
        &json!({"deadline": 1, "channels": [mail], "rules": rules}),
        &[boom(0, "critical")],
        &["--deliver"],
    )
    .exits(1);
    assert!(heard.lock().unwrap().is_empty());
}

/// What was asked of a tracker, and its issues.
type Desk = Arc<Mutex<(Vec<String>, Vec<Value>)>>;

/// A tracker that keeps issues: what was asked of it, and its issues with their states.
fn tracker() -> (String, Desk) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let kept = Desk::default();
    let state = Arc::clone(&kept);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Some((first, body)) = request(&stream) else { continue };
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let mut state = state.lock().unwrap();
            let [method, path] = [0, 1].map(|n| first.split(' ').nth(n).unwrap().to_owned());
            let number = |path: &str| path.split('/').nth(7).and_then(|part| part.parse::<usize>().ok());
            state.0.push(format!("{method} {path}"));
            let answer = match (method.as_str(), number(&path)) {
                ("GET", _) => {
                    let label = path.split("labels=").nth(1).unwrap().split('&').next().unwrap().to_owned();
                    let open = |issue: &&Value| {
                        issue["state"] == "open" && issue["labels"].as_array().unwrap().contains(&json!(label))
                    };
                    Value::Array(state.1.iter().filter(open).cloned().collect())
                }
                ("PATCH", Some(number)) => {
                    state.1[number - 1]["state"] = body["state"].clone();
                    json!({})
                }
                (_, Some(_)) => json!({}),
                _ => {
                    let issue = json!({"number": state.1.len() + 1, "state": "open", "title": body["title"],
                        "labels": body["labels"]});
                    state.1.push(issue.clone());
                    issue
                }
            };
            let answer = answer.to_string();
            let text =
                format!("HTTP/1.1 200 x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}", answer.len());
            let _ = stream.write_all(text.as_bytes());
        }
    });
    (address, kept)
}

#[test]
fn a_run_has_one_open_issue_that_is_closed_when_all_is_over() {
    let (url, state) = tracker();
    let bench = Bench::new();
    let policy = json!({"channels": [{"name": "desk", "type": "github_issue", "repository": "o/r", "token": "T",
        "api_url": format!("{url}/api/v3"), "upsert": true}], "rules": [{"channels": ["desk"]}]});
    let event = |at: u32, run: &str, context: Value| {
        let mut all = json!({"run": run});
        context.as_object().unwrap().iter().for_each(|(key, value)| all[key] = value.clone());
        json!({"at": at, "category": "run.evidence", "severity": "critical", "message": format!("stale {at}"),
            "fingerprint": format!("f{at}"), "context": all})
    };
    let events = [
        event(0, "r1", json!({"over": true})),
        event(1, "r1", json!({})),
        event(2, "r1", json!({})),
        event(3, "r2", json!({})),
        event(4, "r1", json!({"over": true})),
        event(5, "r1", json!({"over": true, "all_over": true})),
        event(6, "r1", json!({})),
    ];
    let _ = play(&bench, &policy, &events, &["--deliver"]).exits(0);
    let (asked, issues) = state.lock().unwrap().clone();
    let told: Vec<String> = issues.iter().map(|issue| format!("{} {}", issue["title"], issue["state"])).collect();
    assert_eq!(
        told,
        ["\"Rehearsal r1\" \"closed\"", "\"Rehearsal r2\" \"open\"", "\"Rehearsal r1\" \"open\""],
        "{asked:?}"
    );
    let comments = asked.iter().filter(|line| line.ends_with("/issues/1/comments")).count();
    assert_eq!(comments, 3, "all but the first: {asked:?}");
    assert!(asked.iter().all(|line| line.contains("/api/v3/repos/o/r/issues")), "{asked:?}");
}
