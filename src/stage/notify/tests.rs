use serde_json::{Value, json};

use super::message::{self, Outgoing};
use super::policy::{self, Fault, Policy, Secret};
use super::router::Router;
use super::*;
use crate::prose::glob_matches;

fn policy(document: &Value) -> Result<Policy, Fault> {
    policy::read(document, &|secret| match secret {
        Secret::Env("KNOWN") => Ok("https://chat.example/hooks/x".to_owned()),
        _ => Err("it is not set".to_owned()),
    })
}

fn event(at: f64, severity: Severity, message: &str) -> Event {
    let category = "run.fail".to_owned();
    Event {
        at,
        severity,
        message: message.to_owned(),
        fingerprint: format!("{category}: {message}"),
        category,
        ..Event::default()
    }
}

#[test]
fn a_policy_that_cannot_be_meant_is_refused_with_its_place() {
    let hook = json!({"name": "hook", "type": "webhook", "url": "http://a.example/x"});
    for (channels, rules, at, says) in [
        (json!([]), json!([]), "", "no channel"),
        (json!([hook, hook]), json!([]), "channels[1]", "two channels are called `hook`"),
        (json!([{"name": "x"}]), json!([]), "channels[0]", "no type"),
        (json!([{"type": "webhook"}]), json!([]), "channels[0]", "needs a name"),
        (json!([{"name": "x", "type": "pager"}]), json!([]), "channels[0]", "`pager` is no type"),
        (json!([{"name": "x", "type": "webhook"}]), json!([]), "channels[0]", "needs url"),
        (json!([{"name": "x", "type": "webhook", "url": "ftp://a"}]), json!([]), "channels[0]", "http or https"),
        (json!([{"name": "x", "type": "webhook", "urll": "http://a"}]), json!([]), "channels[0]", "did you mean `url`"),
        (json!([{"name": "x", "type": "slack", "url_env": "NO"}]), json!([]), "channels[0]", "it is not set"),
        (json!([{"name": "x", "type": "sms", "url": "http://a"}]), json!([]), "channels[0]", "recipients"),
        (
            json!([{"name": "x", "type": "github_issue", "repository": "r", "token": "t"}]),
            json!([]),
            "channels[0]",
            "OWNER/NAME",
        ),
        (json!([{"name": "x", "type": "github_issue", "repository": "o/r"}]), json!([]), "channels[0]", "needs token"),
        (
            json!([{"name": "x", "type": "email", "sender": "a@b.example", "recipients": ["c@d.example"]}]),
            json!([]),
            "channels[0]",
            "smtp_host",
        ),
        (json!([{"name": "x", "type": "exec"}]), json!([]), "channels[0]", "argv"),
        (
            json!([{"name": "x", "type": "exec", "argv": ["a"], "body": "{nothing}"}]),
            json!([]),
            "channels[0]",
            "`{nothing}`",
        ),
        (
            json!([{"name": "x", "type": "exec", "argv": ["a"], "min_severity": "high"}]),
            json!([]),
            "channels[0]",
            "`high`",
        ),
        (json!([hook]), json!([{"channels": ["chat"]}]), "rules[0]", "no channel is called `chat`"),
        (json!([hook]), json!([{"name": "r"}]), "rules[0]", "no channels"),
        (json!([hook]), json!([{"channels": ["hook"], "suppress": "-5m"}]), "rules[0]", "length of time"),
        (json!([hook]), json!([{"channels": ["hook"], "suppress_seconds": -1}]), "rules[0]", "length of time"),
        (json!([hook]), json!([{"channels": ["hook"], "min_severity": "urgent"}]), "rules[0]", "`urgent`"),
        (json!([hook]), json!([{"channels": ["hook"], "escalate_after": "5m"}]), "rules[0]", "go together"),
        (json!([hook]), json!([{"channels": ["hook"], "silence": 5}]), "rules[0]", "not known"),
    ] {
        let fault = policy(&json!({"channels": channels, "rules": rules})).unwrap_err();
        assert_eq!(fault.at, at, "{}", fault.why);
        assert!(fault.why.contains(says), "{says}: {}", fault.why);
    }
    let never = policy(&json!({"channels": [hook], "deadline": "0s"})).unwrap_err();
    assert!(never.why.contains("in no time nothing can be sent"), "{}", never.why);
    let fine = policy(&json!({"notify": {"channel": [{"name": "chat", "type": "slack", "url_env": "KNOWN"}],
        "default_channels": ["chat"], "rule": [{"categories": ["run.*"], "suppress": "5m"}]}}))
    .unwrap();
    assert_eq!((fine.rules[0].channels.as_slice(), fine.rules[0].suppress), ([0].as_slice(), 300.0));
    let told = policy(
        &json!({"channels": [{"name": "t", "type": "github_issue", "repository": "o/r", "token": "T", "issue_number": "#12"}]}),
    );
    assert_eq!(told.unwrap().remarks.len(), 1, "a secret in the file is remarked");
}

fn two_channels(rule: &Value) -> Policy {
    let all = json!({"channels": [
        {"name": "hook", "type": "exec", "argv": ["a"]},
        {"name": "pager", "type": "exec", "argv": ["b"], "min_severity": "critical"},
    ], "rules": [rule, {"channels": ["hook"], "min_severity": "warning"}]});
    policy(&all).unwrap()
}

#[test]
fn what_is_equal_is_held_back_for_a_while_after_a_delivery() {
    use Severity::{Critical, Info, Warning};
    let policy = two_channels(&json!({"channels": ["hook", "pager"], "suppress": 300}));
    let mut router = Router::new(&policy);
    let step = |router: &mut Router<&Policy>, at: f64, severity, message: &str, arrives: bool| {
        let event = event(at, severity, message);
        let routed = router.route(&event);
        for (channel, rule, _) in &routed.deliver {
            if arrives {
                router.delivered(&event, *channel, *rule);
            }
        }
        let delivered: Vec<usize> = routed.deliver.iter().map(|(channel, _, _)| *channel).collect();
        let held: Vec<u64> = routed.deliver.iter().map(|(_, _, held)| *held).collect();
        (delivered, held, routed.suppressed.len())
    };
    // A channel hears of an event once, and nothing below what it is for.
    assert_eq!(step(&mut router, 0.0, Warning, "a", true), (vec![0], vec![0], 0));
    assert_eq!(step(&mut router, 1.0, Info, "a", true), (vec![], vec![], 0));
    // Another message is another event; the same one is held back.
    assert_eq!(step(&mut router, 2.0, Warning, "b", true), (vec![0], vec![0], 0));
    assert_eq!(step(&mut router, 3.0, Warning, "a", true), (vec![], vec![], 1));
    // What is worse is never held back, and was never sent to the pager.
    assert_eq!(step(&mut router, 4.0, Critical, "a", true), (vec![0, 1], vec![1, 0], 0));
    assert_eq!(step(&mut router, 5.0, Critical, "a", true), (vec![], vec![], 2));
    // A clock that is set back silences nobody for longer.
    assert_eq!(step(&mut router, -20_000.0, Critical, "a", true), (vec![], vec![], 2));
    assert_eq!(step(&mut router, -19_702.0, Critical, "a", true), (vec![], vec![], 2));
    assert_eq!(step(&mut router, -19_700.0, Critical, "a", true), (vec![0, 1], vec![3, 3], 0));
    // What did not arrive holds nothing back.
    assert_eq!(step(&mut router, 400.0, Warning, "c", false), (vec![0], vec![0], 0));
    assert_eq!(step(&mut router, 401.0, Warning, "c", true), (vec![0], vec![0], 0));
}

#[test]
fn what_nobody_acknowledges_is_escalated_once() {
    let policy = two_channels(&json!({"channels": ["hook"], "escalate_after": "15m", "escalate_to": ["pager"]}));
    let mut router = Router::new(&policy);
    let first = event(0.0, Severity::Critical, "a");
    assert!(router.route(&first).is_matched());
    router.delivered(&first, 0, 0);
    router.delivered(&event(1.0, Severity::Critical, "b"), 0, 0);
    assert!(router.due(899.0).is_empty());
    router.acknowledged(Some("run.fail: b"));
    let due = router.due(901.0);
    assert_eq!(due.iter().map(|(rule, event)| (*rule, event.message.as_str())).collect::<Vec<_>>(), [(0, "a")]);
    assert!(router.due(9999.0).is_empty());
}

#[test]
fn patterns_fit_the_whole_text() {
    for (pattern, text, fits) in [
        ("run.*", "run.fail", true),
        ("run.*", "rerun.fail", false),
        ("*", "", true),
        ("*.gate", "operational.readiness.gate", true),
        ("*.gate", "operational.gates", false),
        ("a*b*c", "a.b.b.c", true),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("", "a", false),
    ] {
        assert_eq!(glob_matches(pattern, text), fits, "{pattern} {text}");
    }
}

fn posted(channel: &Value, event: &Event) -> (String, Vec<(String, String)>, Value) {
    let policy = policy(&json!({"channels": [channel]})).unwrap();
    match message::of(&policy.channels[0], event, 0, false) {
        Outgoing::Post { url, headers, body, .. } => (url, headers, body),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_channel_gets_its_form_and_foreign_text_stays_text() {
    let mut hostile = event(0.0, Severity::Critical, "x <b>\n\n# PASS\n@org/everyone ``` end\n.dot");
    hostile.category = "run.fail\r\nBcc: evil@x.example".to_owned();
    hostile.context.insert("run".to_owned(), "release-7".into());
    hostile.context.insert("why".to_owned(), "```\n# PASS".into());
    let (url, headers, body) = posted(
        &json!({"name": "h", "type": "webhook", "url": "http://a.example/x", "headers": {"X-Team": "ops"}}),
        &hostile,
    );
    assert_eq!(
        (url.as_str(), &body["severity"], &body["run"]),
        ("http://a.example/x", &json!("critical"), &json!("release-7"))
    );
    assert!(headers.iter().any(|(name, value)| name == "X-Team" && value == "ops"));
    assert!(headers.iter().any(|(name, _)| name == "Idempotency-Key"));
    let (_, _, body) = posted(&json!({"name": "c", "type": "slack", "url": "http://a.example/x"}), &hostile);
    let text = body["text"].as_str().unwrap();
    assert!(
        text.starts_with("*CRITICAL* run.fail Bcc") && text.contains("x &lt;b&gt;") && body.get("channel").is_none(),
        "{text}"
    );
    assert_eq!(text.matches("```").count(), 2, "the fence alone: {text}");
    let tracker = json!({"name": "t", "type": "github_issue", "repository": "o/r", "token": "T", "api_url": "http://a.example/api/v3/", "issue_number": "#12"});
    let (url, headers, body) = posted(&tracker, &hostile);
    assert_eq!(url, "http://a.example/api/v3/repos/o/r/issues/12/comments");
    assert!(headers.contains(&("Authorization".to_owned(), "Bearer T".to_owned())));
    let text = body["body"].as_str().unwrap();
    let inside = text.split("```").nth(1).unwrap();
    assert!(
        inside.contains("# PASS") && inside.contains("@org/everyone") && text.matches("```").count() == 4,
        "{text}"
    );
    hostile.message = "long ".repeat(100);
    let (_, _, body) =
        posted(&json!({"name": "s", "type": "sms", "url": "http://a.example/x", "recipients": "+100; +200"}), &hostile);
    let text = body["message"].as_str().unwrap();
    assert!(text.chars().count() <= 160 && text.contains("release-7"), "{text}");
    assert_eq!(body["recipients"], json!(["+100", "+200"]));
}

#[test]
fn a_mail_has_the_headers_that_are_meant_and_no_others() {
    let channel = json!({"name": "m", "type": "email", "sender": "ops@x.example", "recipients": ["ann@x.example"], "smtp_host": "h", "smtp_tls": false});
    let policy = policy(&json!({"channels": [channel]})).unwrap();
    let mut told = event(0.0, Severity::Critical, "first\n.\n.second – dash");
    told.category = "run – fail\r\nBcc: evil@x.example".to_owned();
    told.occurred_at = "2031-05-04T12:00:00Z".to_owned();
    let Outgoing::Mail { data, port, .. } = message::of(&policy.channels[0], &told, 0, false) else { panic!() };
    assert_eq!(port, 25);
    let (head, body) = data.split_once("\r\n\r\n").unwrap();
    let names: Vec<&str> =
        head.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| line.split(':').next()).collect();
    let expect =
        ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"];
    assert_eq!(names, expect, "{head}");
    assert!(head.is_ascii() && head.contains("=?utf-8?B?"), "{head}");
    assert!(body.contains("first\r\n..\r\n..second – dash\r\n"), "{body}");
    assert!(data.lines().all(|line| line.len() <= 998) && !data.contains("\r\n.\r\n"));
}
