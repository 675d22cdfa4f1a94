//! What looks like a notification that reached people, and is none.

use super::*;

/// A program that keeps what it is told.
fn inbox(name: &str, least: &str) -> Value {
    let keeps = format!("cat >> {name}; echo >> {name}");
    json!({"name": name, "type": "exec", "argv": ["sh", "-c", keeps], "min_severity": least})
}

fn event(at: u32, category: &str, severity: &str, message: &str) -> Value {
    json!({"at": at, "category": category, "severity": severity, "message": message})
}

fn told(bench: &Bench, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(bench.path().join(name)).unwrap_or_default();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn suppression_hides_nothing_that_nobody_has_heard() {
    let five: Vec<Value> = (0..5).map(|n| event(n, "run.diary", "warning", &format!("entry {n} is stale"))).collect();
    let worse = vec![event(0, "run.fail", "warning", "boom"), event(60, "run.fail", "critical", "boom")];
    let below = vec![event(0, "run.fail", "info", "boom"), event(60, "run.fail", "warning", "boom")];
    let back = [18_000, 60, 400].map(|at| event(at, "run.fail", "critical", "boom")).to_vec();
    for (what, events, heard) in [
        ("five findings of one category are five", five, 5),
        ("what is worse is heard within the time", worse, 2),
        ("what was below the channel holds nothing back", below, 1),
        ("a clock that is set back silences for no longer than that", back, 2),
    ] {
        let bench = Bench::new();
        let policy =
            json!({"channels": [inbox("chat", "warning")], "rules": [{"channels": ["chat"], "suppress": "5m"}]});
        let output = play(&bench, &policy, &events, &["--deliver"]).exits(0);
        assert_eq!(told(&bench, "chat").len(), heard, "{what}: {output:?}");
    }
}

#[test]
fn what_has_no_channel_or_no_rule_is_no_notification() {
    let bench = Bench::new();
    let critical = [event(0, "operational.readiness.gate", "critical", "blocked")];
    for policy in [json!({}), json!({"channels": []}), json!({"channels": [], "rules": [{"channels": ["chat"]}]})] {
        let output = play(&bench, &policy, &critical, &["--deliver"]).exits(2);
        assert!(output.stderr.contains("notify.json"), "{policy}: {output:?}");
    }
    // Events of gates fit no rule for components, and that leaves a trace.
    let rules = json!([{"categories": ["operational.feed", "operational.books"], "channels": ["chat"]}]);
    let policy = json!({"channels": [inbox("chat", "info")], "rules": rules, "events": ["operational.*"]});
    let found = play(&bench, &policy, &critical, &["--deliver"]).exits(1).json();
    assert_eq!((&found["verdict"], &found["notifications"]["unrouted"]), (&json!("fail"), &json!(1)), "{found}");
    let receipts = std::fs::read_to_string(bench.path().join("delivery_receipt.json")).unwrap();
    assert!(receipts.contains("unrouted") && receipts.contains("operational.readiness.gate"), "{receipts}");
    assert!(told(&bench, "chat").is_empty());
}

#[test]
fn an_address_is_in_nothing_that_is_written_when_it_fails() {
    let (url, _) = receiver();
    let bench = Bench::new();
    let channels = json!([
        {"name": "chat", "type": "slack", "url": format!("{url}/403/T0/B0/s3cr3t")},
        {"name": "desk", "type": "github_issue", "repository": "o/r", "token": "t0k3n-s3cr3t", "api_url": format!("{url}/500")},
        {"name": "text", "type": "sms", "url": format!("{url}/302/s3cr3t"), "recipients": "+100"},
    ]);
    let policy = json!({"deadline": 1, "channels": channels, "rules": [{"channels": ["chat", "desk", "text"]}]});
    let output = play(&bench, &policy, &[boom(0, "critical")], &["--deliver"]).exits(1);
    let receipts = std::fs::read_to_string(bench.path().join("delivery_receipt.json")).unwrap();
    assert_eq!(receipts.matches("\"failed\"").count(), 3, "{receipts}");
    for text in [&output.stdout, &output.stderr, &receipts] {
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
