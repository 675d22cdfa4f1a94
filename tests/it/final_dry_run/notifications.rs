//! Notifications of a live run, with programs and servers that receive them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use super::*;

/// A command that says once that something is wrong, and goes on.
const ONE_ERROR: &str = r#"trap 'exit 0' INT TERM
echo '{"level":"info","message":"up"}'; sleep 0.3
echo '{"level":"error","message":"order 7 lost"}'
while :; do echo '{"level":"info","message":"tick"}'; sleep 0.2; done"#;

/// A command with which nothing is wrong.
const QUIET: &str = r#"trap 'exit 0' INT TERM
while :; do echo '{"level":"info","message":"tick"}'; sleep 0.2; done"#;

/// A channel that appends what it is told to a file.
fn inbox(name: &str) -> Value {
    json!({"name": name, "type": "exec", "argv": ["sh", "-c", format!("cat >> {name}; echo >> {name}")]})
}

fn policy(bench: &Bench, channels: &[Value], rule: &Value, more: &Value) {
    let names: Vec<&Value> = channels.iter().map(|channel| &channel["name"]).collect();
    let mut rule = rule.clone();
    if rule.get("channels").is_none() {
        rule["channels"] = json!(names);
    }
    let mut policy = json!({"channels": channels, "rules": [rule], "deadline": "5s"});
    for (key, value) in more.as_object().unwrap() {
        policy[key] = value.clone();
    }
    bench.write("notify.json", policy.to_string());
}

fn told(bench: &Bench, name: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path().join(name)).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn run(bench: &Bench, options: &[&str]) -> Run {
    let plain = ["--notify", "notify.json", "--quiet", "--min-uptime=1%", "--warn-gap=1m", "--fail-gap=1m"];
    rehearse(bench, &[&plain, options].concat(), ONE_ERROR)
}

fn gate(run: &Run) -> Value {
    let summary: Value = serde_json::from_slice(&fs::read(run.folder.join("summary.json")).unwrap()).unwrap();
    let gates = summary["summary"]["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["name"] == "notifications").unwrap().clone()
}

#[test]
fn an_incident_reaches_programs_and_servers_and_leaves_receipts() {
    let bench = Bench::new();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=s3cr3t", server.local_addr().unwrap());
    let received = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut text = Vec::new();
        let mut chunk = [0; 4096];
        while !text.windows(4).any(|end| end == b"\r\n\r\n") || !text.ends_with(b"}") {
            let read = stream.read(&mut chunk).unwrap();
            text.extend_from_slice(&chunk[..read]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8(text).unwrap()
    });
    let hook = json!({"name": "hook", "type": "webhook", "url": url});
    policy(&bench, &[inbox("chat"), hook], &json!({"categories": ["run.log_level"]}), &json!({}));
    let run = run(&bench, &["--duration", "3s"]);
    let posted = received.join().unwrap();
    assert!(posted.contains("order 7 lost") && posted.to_lowercase().contains("idempotency-key"), "{posted}");
    let told = told(&bench, "chat");
    let [event] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&event["category"], &event["severity"]), (&json!("run.log_level"), &json!("critical")));
    assert_eq!(event["context"]["run"], "r");
    assert_eq!(gate(&run)["status"], "pass", "{}", gate(&run));
    let receipts = fs::read_to_string(run.folder.join("notifications.jsonl")).unwrap();
    assert_eq!(receipts.matches("\"delivered\"").count(), 2, "{receipts}");
    assert!(
        !receipts.contains("s3cr3t") && !fs::read_to_string(run.folder.join("run.json")).unwrap().contains("s3cr3t")
    );
    for place in ["runs/r", "runs/r/packet"] {
        let _ = bench.run(&["audit", place, "--quiet"]).exits(run.output.code);
    }
    fs::write(run.folder.join("notifications.jsonl"), "").unwrap();
    let output = bench.run(&["audit", "runs/r", "--quiet"]).exits(1);
    assert!(output.stdout.contains("notifications.jsonl was changed"), "{}", output.stdout);
}

#[test]
fn a_dead_channel_holds_up_nobody_and_counts_as_the_policy_says() {
    let dead = json!({"name": "dead", "type": "webhook", "url": "http://127.0.0.1:9/"});
    for (channels, required, status) in [
        (vec![dead.clone(), inbox("chat")], true, "warn"),
        (vec![dead.clone()], false, "warn"),
        (vec![dead], true, "fail"),
    ] {
        let bench = Bench::new();
        policy(
            &bench,
            &channels,
            &json!({"categories": ["run.log_level"]}),
            &json!({"required": required, "deadline": "1s"}),
        );
        let run = run(&bench, &["--duration", "2s", "--allow-warnings"]);
        assert_eq!(gate(&run)["status"], status, "{}", gate(&run));
        assert!(gate(&run)["measured"].as_str().unwrap().contains("dead did not get run.log_level"), "{}", gate(&run));
        assert_eq!(told(&bench, "chat").len(), channels.len() - 1);
        assert!(run.record["duration_seconds"].as_f64().unwrap() < 3.0, "{}", run.record["duration_seconds"]);
    }
}

#[test]
fn what_is_acknowledged_is_not_escalated() {
    for acknowledged in [false, true] {
        let bench = Bench::new();
        let rule = json!({"categories": ["run.log_level"], "channels": ["chat"], "escalate_after": "2s", "escalate_to": ["pager"]});
        policy(&bench, &[inbox("chat"), inbox("pager")], &rule, &json!({}));
        let options = ["--notify", "notify.json", "--quiet", "--duration", "6s"];
        let running = start(&bench, &options, ONE_ERROR);
        wait_for(|| (!told(&bench, "chat").is_empty()).then_some(()));
        if acknowledged {
            let _ = bench.run(&["watch", "runs/r", "--ack", "all", "--by", "Kim"]).exits(0);
        }
        let _ = running.output();
        assert_eq!(told(&bench, "pager").len(), usize::from(!acknowledged), "acknowledged: {acknowledged}");
    }
}

#[test]
fn a_heartbeat_tells_that_the_run_goes_on_and_a_found_file_sends_nothing() {
    let bench = Bench::new();
    policy(&bench, &[inbox("chat")], &json!({}), &json!({"heartbeat": {"every": "1s", "channels": ["chat"]}}));
    let quiet = "trap 'exit 0' INT TERM; while :; do echo tick; sleep 0.2; done";
    let run = rehearse(&bench, &["--notify", "notify.json", "--quiet", "--duration", "4s"], quiet);
    let beats = told(&bench, "chat").iter().filter(|event| event["category"] == "run.heartbeat").count();
    assert!((2..=4).contains(&beats), "{beats}");
    assert_eq!((run.output.code, &gate(&run)["status"]), (0, &json!("pass")), "{:?}", run.output);

    let notify = "[notify]\n[[notify.channel]]\nname = \"chat\"\ntype = \"exec\"\nargv = [\"true\"]\n";
    bench.write("emp-ops.toml", notify);
    let words = ["final-dry-run", "--check", "--duration", "1s", "--", "true"];
    let found = bench.run(&words).exits(2);
    assert!(found.stderr.contains("--config"), "{}", found.stderr);
    bench.write("named.toml", notify);
    fs::remove_file(bench.path().join("emp-ops.toml")).unwrap();
    let named = bench.run(&[&["final-dry-run", "--config", "named.toml"], &words[1..]].concat()).exits(0);
    assert!(named.stdout.contains("nobody hears of anything"), "{}", named.stdout);
}

#[test]
fn that_a_drill_begins_is_no_notification_of_its_fault() {
    let bench = Bench::new();
    let more = json!({"heartbeat": {"every": "1s", "channels": ["chat"]}});
    policy(&bench, &[inbox("chat")], &json!({"categories": ["drill.*"], "min_severity": "info"}), &more);
    bench.write(
        "drills.toml",
        "[[drill]]\nname = \"loss\"\nat = \"500ms\"\npoll = \"100ms\"\ninject = [{ touch = \"off\" }]\n\
         detect = [{ notified = \"chat\" }]\ndetect_within = \"2s\"\nrestore = [{ remove = \"off\" }]\n",
    );
    let quiet = "trap 'exit 0' INT TERM; while :; do echo tick; sleep 0.1; done";
    let options = ["--notify", "notify.json", "--drill", "drills.toml", "--quiet", "--duration", "4s"];
    let run = rehearse(&bench, &options, quiet);
    let document: Value = serde_json::from_slice(&fs::read(run.folder.join("drills.json")).unwrap()).unwrap();
    assert_eq!(document["drills"][0]["stage"], "detect", "{document}");
    let told: Vec<Value> = told(&bench, "chat").iter().map(|event| event["category"].clone()).collect();
    assert!(told.contains(&json!("drill.begun")) && told.contains(&json!("drill.failed")), "{told:?}");
}

#[test]
fn a_drill_is_acknowledged_in_time_or_not() {
    for acknowledged in [true, false] {
        let bench = Bench::new();
        policy(&bench, &[inbox("chat")], &json!({"categories": ["run.log_level"]}), &json!({}));
        bench.write(
            "drills.toml",
            "[[drill]]\nname = \"loss\"\nat = \"500ms\"\npoll = \"100ms\"\ninject = [{ touch = \"off\" }]\n\
             detect = [{ incident = \"feed lost*\" }]\ndetect_within = \"20s\"\nacknowledge_within = \"2s\"\n\
             restore = [{ remove = \"off\" }]\nrecover = [{ file = \"off\", absent = true }]\nexcuses = [\"feed lost*\"]\n",
        );
        let script = "trap 'exit 0' INT TERM; while :; do if [ -e off ]; then echo '{\"level\":\"error\",\"message\":\"feed lost\"}'; \
                      else echo tick; fi; sleep 0.1; done";
        let options = ["--notify", "notify.json", "--drill", "drills.toml", "--quiet", "--duration", "5s"];
        let running = start(&bench, &options, script);
        wait_for(|| (!told(&bench, "chat").is_empty()).then_some(()));
        if acknowledged {
            let _ = bench.run(&["watch", "runs/r", "--ack", "all", "--by", "Kim"]).exits(0);
        }
        let _ = running.output();
        let document = fs::read(bench.path().join("runs/r/drills.json")).unwrap();
        let document: Value = serde_json::from_slice(&document).unwrap();
        let row = &document["drills"][0];
        let expect = if acknowledged { ("passed", json!(null)) } else { ("failed", json!("acknowledge")) };
        assert_eq!((row["status"].as_str().unwrap(), &row["stage"]), (expect.0, &expect.1), "{row}");
        assert_eq!(document["mtta_seconds"].is_null(), !acknowledged);
    }
}

#[test]
fn the_verdict_is_told_and_its_receipts_are_packed() {
    for (script, severity, verdict) in [(ONE_ERROR, "critical", "fail"), (QUIET, "warning", "warn")] {
        let bench = Bench::new();
        policy(&bench, &[inbox("chat")], &json!({"categories": ["run.verdict"]}), &json!({}));
        let plain = ["--notify", "notify.json", "--quiet", "--min-uptime=1%", "--duration", "2s", "--allow-warnings"];
        let run = rehearse(&bench, &plain, script);
        let told = told(&bench, "chat");
        let [event] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&event["severity"], &event["context"]["verdict"]), (&json!(severity), &json!(verdict)));
        assert!(event["context"]["because"][0].is_string(), "{event}");
        for place in ["", "packet/"] {
            let text = fs::read_to_string(run.folder.join(format!("{place}delivery_receipt.json"))).unwrap();
            let receipt: Value = serde_json::from_str(&text).unwrap();
            assert_eq!((&receipt["verdict"], &receipt["status"]), (&json!(verdict), &json!(verdict)));
            assert_eq!(receipt["receipts"][0]["outcome"], "delivered", "{receipt}");
        }
        for place in ["runs/r", "runs/r/packet", "runs/r/r-packet.tar.gz"] {
            let _ = bench.run(&["audit", place, "--quiet"]).exits(run.output.code);
        }
    }
}
