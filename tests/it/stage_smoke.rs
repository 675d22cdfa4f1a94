//! `stage-smoke` as its users see it: against the simulated server, and against servers that misbehave on the wire.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Bench, Output, wait_for};

const REPORT: &str = "artifacts/stage-smoke.json";
const OBSERVATION: &str = "artifacts/admin-alert-observations.json";
const SECRET: &str = "correct-horse-battery";
const TOKEN: &str = "to/ken with+signs";
/// How long a server of a test keeps silent: its thread ends with the test.
const FOREVER: Duration = Duration::from_secs(3600);

fn document(bench: &Bench, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path().join(name)).unwrap()).unwrap()
}

/// The state of each step that did not simply pass.
fn trouble(report: &Value) -> String {
    let steps = report["steps"].as_array().unwrap().iter();
    let odd = steps.filter(|step| step["state"] != "passed" && step["state"] != "not-reached");
    odd.map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["state"].as_str().unwrap()))
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn every_scenario_ends_as_it_should() {
    const SEEDLESS: &str = "seed skipped, seeded-alert skipped";
    let cases = [
        ("clean", "", 0, "pass", SEEDLESS),
        ("tls", "", 0, "pass", SEEDLESS),
        ("stale-events", "", 0, "pass", SEEDLESS),
        ("named-events", "", 0, "warn", SEEDLESS),
        ("garbage", "", 0, "warn", SEEDLESS),
        ("drop-stream", "", 0, "warn", SEEDLESS),
        ("slow", "--slo=resolve=100ms --slo=login=50s", 0, "warn", SEEDLESS),
        ("no-alert", "", 1, "fail", "alert failed, seed skipped, seeded-alert skipped"),
        ("no-alert", "--seed-admin-alert", 0, "warn", "alert failed"),
        ("seed-lost", "--seed-admin-alert", 1, "fail", "alert failed, seeded-alert failed"),
        (
            "clean",
            "--skip-admin-alert",
            0,
            "pass",
            "safety skipped, veto skipped, alert skipped, seed skipped, seeded-alert skipped",
        ),
        ("login-refused", "", 1, "fail", "login failed, seed skipped, seeded-alert skipped"),
        ("no-debug", "", 1, "fail", "check failed, seed skipped, seeded-alert skipped"),
        ("never-closes", "", 1, "fail", "seed skipped, seeded-alert skipped, closed failed, queue failed"),
        ("hang", "--deadline=2s", 3, "fail", "login failed, seed skipped, seeded-alert skipped"),
    ];
    let check = |(scenario, more, code, verdict, odd): (&str, &str, i32, &str, &str)| {
        let bench = Bench::new();
        let mut args = vec!["stage-smoke", "--simulate", scenario, "--format", "json"];
        // What comes has time to come on a busy machine; only what never comes is waited for in vain.
        args.push(if odd.contains("failed") { "--timeout=3s" } else { "--timeout=1m" });
        args.extend(more.split_whitespace());
        let out = bench.run(&args).exits(code);
        let report = out.json();
        assert_eq!(
            (report["status"].as_str().unwrap(), trouble(&report).as_str()),
            (verdict, odd),
            "{scenario} {more}"
        );
        assert_eq!(report["success"], verdict != "fail");
        assert_eq!(document(&bench, REPORT), report, "{scenario}");
        let observation = document(&bench, OBSERVATION);
        let seen = report["metrics"]["adminAlert"]["observed"] == true;
        assert_eq!(observation["observedAt"].is_string(), seen, "{scenario} {more}: {observation}");
        for step in report["steps"].as_array().unwrap() {
            assert!(step["latencyMs"].is_null() || step["latencyMs"].is_u64(), "{step}");
        }
    };
    // All at once: they mostly wait.
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

#[test]
fn lost_streams_and_junk_are_told() {
    let bench = Bench::new();
    let report = bench.run(&["stage-smoke", "--simulate", "drop-stream", "--format", "json"]).exits(0).json();
    let loss = &report["stream"]["losses"][0];
    assert!(loss["reopenedAt"].is_string() && loss["resumable"] == true, "{loss}");
    let report = bench.run(&["stage-smoke", "--simulate", "garbage", "--format", "json"]).exits(0).json();
    assert_eq!(report["stream"]["unparsable"], 24);
    let report = bench.run(&["stage-smoke", "--simulate", "stale-events", "--format", "json"]).exits(0).json();
    assert!(report["stream"]["foreignEvents"].as_u64().unwrap() > 0);
}

#[test]
fn repeated_runs_give_percentiles_and_one_verdict() {
    let bench = Bench::new();
    let out = bench.run(&["stage-smoke", "--simulate", "--repeat", "5", "--format", "json"]).exits(0);
    let rows = out.json()["percentiles"].clone();
    let login = rows.as_array().unwrap().iter().find(|row| row["step"] == "login").unwrap();
    assert_eq!((&login["passed"], &login["latencyMs"]["samples"]), (&5.into(), &5.into()));
    let out = bench.run(&["stage-smoke", "--simulate", "--slo", "nap=1s"]).exits(2);
    assert!(out.stderr.contains("resolve"), "{}", out.stderr);
}

/// What a scripted server does with a request: answers it, or plays with the connection itself.
type Script = dyn Fn(&str, &str, &mut TcpStream) -> Option<String> + Send + Sync;

/// A server on raw sockets; remembers its requests.
struct Scripted {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    fn start(script: impl Fn(&str, &str, &mut TcpStream) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, script) = (Arc::clone(&requests), Arc::new(script) as Arc<Script>);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                thread::spawn(move || handle(stream, &seen, &*script));
            }
        });
        Self { url, requests }
    }

    fn requests(&self) -> String {
        self.requests.lock().unwrap().join("\n")
    }
}

fn handle(mut stream: TcpStream, seen: &Mutex<Vec<String>>, script: &Script) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length:").map_or(Some(length), |n| n.trim().parse().ok())?;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let request = first.rsplit_once(' ')?.0.to_owned();
    seen.lock().unwrap().push(request.clone());
    if let Some(answer) = script(&request, &String::from_utf8_lossy(&body), &mut stream) {
        stream.write_all(answer.as_bytes()).ok()?;
    }
    Some(())
}

fn http(status: u16, body: &str) -> String {
    let kind = "application/json";
    format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The answers of a good server; the events are up to the script.
fn good(request: &str, body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    Some(match request.split(' ').nth(1)?.split('?').next()? {
        "/api/auth/login" => http(200, &format!(r#"{{"account":{{"id":"a","roles":["admin"]}},"token":"{TOKEN}"}}"#)),
        "/api/accounts/me/sessions" => {
            http(201, &format!(r#"{{"session":{{"sessionId":{},"title":"t","createdAt":"x"}}}}"#, body["sessionId"]))
        }
        path if path.ends_with("/checks") => http(202, r#"{"check":{"id":"c1","move":"m"}}"#),
        path if path.ends_with("/close") => http(202, "{}"),
        _ => return None,
    })
}

fn smoke(bench: &Bench, url: &str, more: &[&str]) -> Output {
    let args = [
        &["stage-smoke", "--base-url", url, "--password-env", "STAGE_PASSWORD", "--session-id", "s1"],
        &["--format", "json", "--skip-admin-alert"][..],
        more,
    ];
    bench.command(&args.concat()).env("STAGE_PASSWORD", SECRET).output().unwrap().into()
}

#[test]
fn no_server_holds_a_run_beyond_its_deadline() {
    fn dribble(stream: &mut TcpStream, head: &str, drop: &str) -> Option<String> {
        stream.write_all(head.as_bytes()).ok()?;
        loop {
            stream.write_all(drop.as_bytes()).ok()?;
            thread::sleep(Duration::from_millis(50));
        }
    }
    type Case = (&'static str, fn(&str, &str, &mut TcpStream) -> Option<String>);
    let cases: [Case; 6] = [
        ("silent", |_, _, _| {
            thread::sleep(FOREVER);
            None
        }),
        ("endless headers", |_, _, stream| dribble(stream, "HTTP/1.1 200 OK\r\n", "x: y\r\n")),
        ("dribbling body", |_, _, stream| dribble(stream, "HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n", "x")),
        ("silent stream", |request, body, stream| match request.contains("/events") {
            true => dribble(stream, "HTTP/1.1 200 OK\r\n", ""),
            false => good(request, body),
        }),
        ("stream of comments", |request, body, stream| match request.contains("/events") {
            true => dribble(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", ":\n"),
            false => good(request, body),
        }),
        ("flood of events", |request, body, stream| match request.contains("/events") {
            true => {
                let flood = "data: {\"type\":\"noise\",\"payload\":{}}\n\n".repeat(2000);
                dribble(stream, "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", &flood)
            }
            false => good(request, body),
        }),
    ];
    let runs = cases.map(|(name, script)| {
        thread::spawn(move || {
            let server = Scripted::start(script);
            let bench = Bench::new();
            let start = Instant::now();
            // Far from the time limit of a request, and from the end of a server that stays silent.
            let out = smoke(&bench, &server.url, &["--deadline=3s", "--timeout=2m"]);
            let took = start.elapsed();
            assert!(took < Duration::from_secs(30), "{name}: {took:?}");
            assert_eq!(out.json()["status"], "fail", "{name}");
            assert!(document(&bench, REPORT)["error"]["message"].as_str().unwrap().contains("deadline"), "{name}");
            // A session that may exist is closed, even after the failure.
            match server.requests().contains("/sessions") {
                true => wait_for(|| server.requests().contains("/close").then_some(())),
                false => assert!(!server.requests().contains("/close"), "{name}"),
            }
        })
    });
    for run in runs {
        run.join().unwrap();
    }
}

#[test]
fn events_are_read_however_they_are_cut() {
    let events = [
        r#"{"type":"event.checkResolved","payload":{"id":"c1","sessionId":"s1","tier":"full-success"}}"#,
        r#"{"type":"overlay.characterSync","payload":{"revision":2,"note":"é🜁"}}"#,
        r#"{"type":"session.closed","payload":{"sessionId":"s1"}}"#,
        r#"{"type":"offline.sessionClosure.queued","payload":{"sessionId":"s1","jobId":"j"}}"#,
    ];
    type Cut = (&'static str, &'static str, usize);
    let cuts: [Cut; 5] = [
        ("data: $\n\n", "", 4096),
        ("data:$\r\n\r\n", "\u{feff}:hi\r\n", 7),
        ("data: $\r\r", "", 4096),
        (": c\nid: 1\ndata: $\n\n", "data: 5\n\n", 1),
        ("event: message\rdata:  $\n\r\n", "", 3),
    ];
    for (frame, start, size) in cuts {
        let ready = Arc::new(Mutex::new(0_usize));
        let asked = Arc::clone(&ready);
        let server = Scripted::start(move |request, body, stream| {
            if !request.contains("/events") {
                *asked.lock().unwrap() += usize::from(request.contains("/checks") || request.contains("/close"));
                return good(request, body);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; x=y\r\n\r\n").ok()?;
            stream.write_all(start.as_bytes()).ok()?;
            for (stage, pair) in events.chunks(2).enumerate() {
                while *asked.lock().unwrap() <= stage {
                    thread::sleep(Duration::from_millis(2));
                }
                let text: String = pair.iter().map(|event| frame.replace('$', event)).collect();
                for chunk in text.as_bytes().chunks(size) {
                    stream.write_all(chunk).ok()?;
                    stream.flush().ok()?;
                }
            }
            thread::sleep(FOREVER);
            None
        });
        let bench = Bench::new();
        let report = smoke(&bench, &server.url, &["--timeout=1m"]).json();
        assert_eq!(report["success"], true, "{frame:?}: {}", report["findings"]);
        assert_eq!(report["stream"]["unparsable"], u64::from(start.contains('5')), "{frame:?}");
    }
}

#[test]
fn old_events_never_satisfy_a_wait() {
    // The session is reported closed while nobody has asked for it, and never again.
    let checked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&checked);
    let server = Scripted::start(move |request, body, stream| {
        if !request.contains("/events") {
            asked.fetch_or(request.contains("/checks"), Ordering::Relaxed);
            return good(request, body);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").ok()?;
        let closed = r#"data: {"type":"session.closed","payload":{"sessionId":"s1"}}"#;
        stream.write_all(format!("{closed}\n\n").as_bytes()).ok()?;
        wait_for(|| checked.load(Ordering::Relaxed).then_some(()));
        for event in [
            r#"{"type":"event.checkResolved","payload":{"id":"c1","sessionId":"s1","tier":"t"}}"#,
            r#"{"type":"overlay.characterSync","payload":{"revision":2}}"#,
        ] {
            stream.write_all(format!("data: {event}\n\n").as_bytes()).ok()?;
        }
        thread::sleep(FOREVER);
        None
    });
    let bench = Bench::new();
    let report = smoke(&bench, &server.url, &["--timeout=3s"]).exits(1).json();
    assert!(trouble(&report).contains("closed failed"), "{}", trouble(&report));
    assert!(!trouble(&report).contains("resolve failed"), "{}", trouble(&report));
}

#[test]
fn secrets_stay_secret_and_failures_are_told_in_full() {
    // This server repeats whatever it was told.
    let server = Scripted::start(|request, body, _| {
        if request.contains("/login") || request.contains("/me/sessions") {
            return good(request, body);
        }
        Some(http(418, &format!("{{\"you\":\"said {request} {TOKEN} {SECRET}\"}}")))
    });
    let bench = Bench::new();
    let out = smoke(&bench, &server.url, &["--out", "pack", "-v"]).exits(1);
    let report = out.json();
    let step = report["steps"].as_array().unwrap().iter().find(|step| step["step"] == "stream").unwrap().clone();
    assert_eq!((&step["httpStatus"], &step["request"]), (&418.into(), &"GET /sessions/s1/events".into()));
    assert!(step["body"].as_str().unwrap().contains("said GET"), "{step}");
    assert!(server.requests().contains("token=to%2Fken%20with%2Bsigns"), "{}", server.requests());
    let files = [REPORT, OBSERVATION, "pack/stage_smoke.json", "pack/stage_smoke.md"]
        .map(|name| std::fs::read_to_string(bench.path().join(name)).unwrap());
    for text in files.iter().chain([&out.stdout, &out.stderr]) {
        for secret in [SECRET, TOKEN, "to%2Fken", "with+signs"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[test]
fn an_unreachable_host_leaves_a_report_and_what_was_known() {
    // The near end of a connection keeps its port from everybody else, and does not listen.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let bench = Bench::new();
    let live = r#"{"observedAt":"2025-01-06T10:00:00.000Z","latencyMs":3,"seeded":false,"runId":"r0"}"#;
    bench.write(OBSERVATION, live);
    let args = ["--base-url", &format!("http://127.0.0.1:{port}"), "--password-env", "STAGE_PASSWORD"];
    let mut command = bench.command(&[&["stage-smoke"][..], &args].concat());
    let out = command.env("STAGE_PASSWORD", SECRET).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&out.stdout).contains("connection refused"));
    assert_eq!(document(&bench, REPORT)["answered"], false);
    let kept = document(&bench, OBSERVATION);
    assert_eq!((&kept["runId"], &kept["lastRun"]["alertStep"]), (&"r0".into(), &"not-reached".into()));
    let out = bench.run(&["stage-alerts", "--as-of", "2025-01-06T11:00:00Z", "--format", "json"]).exits(1);
    assert_eq!(out.json()["recommendation"]["status"], "unknown");
}

#[test]
fn a_password_is_asked_for_in_the_right_way() {
    let bench = Bench::new();
    let url = ["--base-url", "http://127.0.0.1:9"];
    let out = bench.run(&[&["stage-smoke"][..], &url].concat()).exits(2);
    assert!(out.stderr.contains("--password-env") && out.stderr.contains("--password-file"), "{}", out.stderr);
    let out = bench.run(&[&["stage-smoke", "--password-env", "NOT_SET"][..], &url].concat()).exits(2);
    assert!(out.stderr.contains("NOT_SET"), "{}", out.stderr);
    let out = bench.run(&["stage-smoke", "--base-url", "http://u:p@h/?q=1"]).exits(2);
    assert!(out.stderr.contains("user"), "{}", out.stderr);
    let out = bench.run(&["stage-smoke", "--simulate", "--report", "/proc/nope/x.json"]).exits(3);
    assert!(out.stderr.contains("/proc/nope"), "{}", out.stderr);
}

#[test]
fn what_may_pass_is_tried_again_and_the_role_is_looked_at() {
    let failures = Arc::new(Mutex::new(2));
    let server = Scripted::start(move |request, _, _| {
        let mut left = failures.lock().unwrap();
        if request.contains("/login") && *left > 0 {
            *left -= 1;
            return Some(http(503, "{}"));
        }
        Some(match request.contains("/login") {
            true => http(200, r#"{"account":{"id":"a","roles":["player"]},"token":"tok-tok-tok"}"#),
            false => http(401, r#"{"error":"no"}"#),
        })
    });
    let report = smoke(&Bench::new(), &server.url, &["--retries=2"]).exits(1).json();
    assert_eq!(report["steps"][0]["attempts"], 3);
    let findings = report["findings"].to_string();
    assert!(findings.contains("login needed 3 attempts") && findings.contains("no admin"), "{findings}");
    assert_eq!(report["account"]["role"], "player");
}

#[test]
fn the_served_environment_is_reached_over_tls_by_its_own_name() {
    let bench = Bench::new();
    let mut command = bench.command(&["simulate", "stage", "--scenario", "tls", "--ca-out", "ca.pem"]);
    let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines: Vec<String> =
        BufReader::new(server.stdout.take().unwrap()).lines().take(4).map(Result::unwrap).collect();
    let field = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    bench.write("password", format!("{}\n", field("password")));
    let port = field("base-url").rsplit(':').next().unwrap().to_owned();
    let (url, pin) = (format!("https://stage.example.org:{port}"), format!("stage.example.org:{port}:127.0.0.1"));
    let args = ["stage-smoke", "--base-url", &url, "--resolve", &pin, "--password-file", "password"];
    let trusted = bench.run(&[&args[..], &["--ca-cert", "ca.pem"]].concat());
    let distrusted = bench.run(&args);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(trusted.exits(0).stdout.starts_with("PASS"));
    // Without any system roots the command ends before it connects.
    assert!(matches!(distrusted.code, 2 | 3), "{distrusted:?}");
    assert!(format!("{}{}", distrusted.stdout, distrusted.stderr).contains("--ca-cert"), "{distrusted:?}");
}

#[test]
fn an_interrupted_run_closes_its_session_and_keeps_its_report() {
    let bench = Bench::new();
    let checked = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&checked);
    let server = Scripted::start(move |request, body, stream| {
        if !request.contains("/events") {
            asked.fetch_or(request.contains("/checks"), Ordering::Relaxed);
            return good(request, body);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").ok()?;
        thread::sleep(FOREVER);
        None
    });
    let args = ["stage-smoke", "--base-url", &server.url, "--password-env", "STAGE_PASSWORD", "--timeout", "1m"];
    let mut command = bench.command(&args);
    let mut child = command.env("STAGE_PASSWORD", SECRET).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| checked.load(Ordering::Relaxed).then_some(()));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(server.requests().contains("/close"), "{}", server.requests());
    assert!(document(&bench, REPORT)["error"]["message"].as_str().unwrap().contains("interrupted"));
}
