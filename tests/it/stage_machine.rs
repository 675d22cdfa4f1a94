//! Whole smoke runs in simulated time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use emp_ops::finding::Status;
use emp_ops::report::{self, Look};
use emp_ops::stage::smoke::{
    Action, AlertOutcome, Answer, Config, Event, Failure, Lost, Machine, Report, Settings, Step,
};
use emp_ops::stage::sse;
use emp_ops::time::Stamp;

const DEADLINE: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    Settings {
        run_id: "run-1".into(),
        base_url: "https://stage.example.org/api".into(),
        email: "admin".into(),
        password: "pass word".into(),
        session_id: "s-1".into(),
        session_title: "t".into(),
        timeout: Duration::from_secs(10),
        deadline: DEADLINE,
        skip_alert: false,
        seed_alert: false,
        retries: 1,
        slos: BTreeMap::from([(Step::Resolve, Duration::from_millis(100))]),
        started_at: Stamp::parse("2025-01-06T09:00:00Z").expect("a time"),
    }
}

fn config() -> Config {
    Config {
        timeout_ms: 10_000,
        deadline_ms: 60_000,
        skip_admin_alert: false,
        seed_admin_alert: false,
        report_path: Some("artifacts/stage-smoke.json".into()),
        skip_sse: false,
        auto_admin_alert: false,
        admin_alert_observation_path: None,
        admin_alert_observation_window_ms: 1,
        admin_alert_auto_decision: None,
        retries: 1,
        slo_ms: BTreeMap::new(),
    }
}

fn ok(ticket: u64, body: &Value) -> Event {
    Event::Answer(ticket, Ok(Answer { status: 200, body: body.to_string(), ..Answer::default() }))
}

fn news(ticket: u64, kind: &str, payload: &Value) -> Event {
    let data = json!({ "type": kind, "payload": payload }).to_string();
    Event::Stream(ticket, sse::Event { name: "message".into(), data })
}

/// What the server of a test does about a request: events, each after a delay.
type Server<'a> = dyn FnMut(u64, &str) -> Vec<(u64, Event)> + 'a;

/// Runs a machine against `server`; gives the report and the requests that were sent.
fn play(settings: Settings, server: &mut Server<'_>) -> (Report, AlertOutcome, Vec<String>) {
    let mut machine = Machine::new(settings);
    let (mut now, mut sent) = (Duration::ZERO, Vec::new());
    let mut queue: Vec<(Duration, Event)> = vec![(now, Event::Start)];
    while !machine.is_done() {
        queue.sort_by_key(|(at, _)| *at);
        let wake = machine.wake_at(now).max(now);
        let event = match queue.first() {
            Some((at, _)) if sent.is_empty() || *at <= wake => {
                let (at, event) = queue.remove(0);
                now = now.max(at);
                event
            }
            _ => {
                now = wake;
                Event::Tick
            }
        };
        for action in machine.step(now, event) {
            let (ticket, request, delay) = match action {
                Action::Send(ticket, request, _) => (ticket, request, Duration::ZERO),
                Action::Open(ticket, request, delay, _) => (ticket, request, delay),
            };
            sent.push(request.label());
            let replies = server(ticket, &request.label());
            queue.extend(replies.into_iter().map(|(ms, event)| (now + delay + Duration::from_millis(ms), event)));
        }
        assert!(now <= DEADLINE, "the run outlasts its deadline");
    }
    let (report, alert, _) = machine.finish(config());
    (report, alert, sent)
}

/// A good server; `stream` is the ticket of the stream.
fn good(ticket: u64, request: &str, stream: &mut u64, checks: &mut u32) -> Vec<(u64, Event)> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    let on = *stream;
    match path.rsplit('/').next().unwrap_or_default() {
        "login" => vec![(40, ok(ticket, &json!({ "token": "tok", "account": { "email": "a", "roles": ["admin"] } })))],
        "sessions" => vec![(5, ok(ticket, &json!({ "session": { "sessionId": "s-1" } })))],
        "events" => {
            *stream = ticket;
            vec![(5, Event::StreamOpen(ticket))]
        }
        "checks" => {
            *checks += 1;
            let id = format!("c-{checks}");
            let event = if *checks == 1 {
                vec![
                    // Before the answer to its request: still of this run.
                    (2, news(on, "event.checkResolved", &json!({ "id": id, "tier": "full-success" }))),
                    (150, news(on, "overlay.characterSync", &json!({ "revision": 2 }))),
                ]
            } else {
                let alert = json!({ "severity": "high", "reason": "prohibited-capability", "data": { "checkId": id } });
                vec![
                    (9, news(on, "admin.alert", &alert)),
                    (12, news(on, "event.checkVetoed", &json!({ "id": id, "sessionId": "s-1" }))),
                ]
            };
            let mut replies = vec![(4, ok(ticket, &json!({ "check": { "id": id, "move": "m" } })))];
            replies.extend(event);
            replies
        }
        _ => vec![
            (4, ok(ticket, &json!({ "closureJob": { "jobId": "j", "auditRef": "ref" } }))),
            (5, news(on, "offline.sessionClosure.queued", &json!({ "sessionId": "s-1", "jobId": "j" }))),
            (6, news(on, "session.closed", &json!({ "sessionId": "s-1", "auditRef": "ref" }))),
        ],
    }
}

#[test]
fn a_good_run_reads_well() {
    let (mut stream, mut checks) = (0, 0);
    let (report, alert, _) = play(settings(), &mut |ticket, request| good(ticket, request, &mut stream, &mut checks));
    assert_eq!(report.status, Status::Pass, "{:?}", report.findings);
    assert!(matches!(alert, AlertOutcome::Seen { seeded: false, latency_ms: 9, .. }), "{alert:?}");
    let next = ["emp-ops stage-alerts".to_owned()];
    let doc = report::stage_smoke::doc(&report, &next);
    insta::assert_snapshot!("good_text", report::to_text(&doc, Look { width: Some(100), color: false }));
    insta::assert_snapshot!("good_markdown", report::to_markdown(&doc));
}

#[test]
fn a_session_is_closed_after_a_failure_and_the_password_is_masked() {
    let (mut stream, mut checks) = (0, 0);
    let (report, _, sent) = play(settings(), &mut |ticket, request| match request.contains("/checks") {
        true => {
            let body = "no \"pass word\" tok".to_owned();
            vec![(3, Event::Answer(ticket, Ok(Answer { status: 500, body, ..Answer::default() })))]
        }
        false => good(ticket, request, &mut stream, &mut checks),
    });
    assert_eq!((report.status, sent.last().map(String::as_str)), (Status::Fail, Some("POST /sessions/s-1/close")));
    let text = serde_json::to_string(&report).expect("JSON");
    assert!(text.contains("[secret]") && !text.contains("pass word") && !text.contains("tok\\\""), "{text}");
}

#[test]
fn a_redirect_is_not_followed_and_a_refused_session_is_not_closed() {
    for (step, answer, why) in [
        (
            "/auth/login",
            Answer { status: 302, location: Some("https://elsewhere.example/x".to_owned()), ..Answer::default() },
            "redirects to https://elsewhere.example/x, which is not followed",
        ),
        ("/accounts/me/sessions", Answer { status: 409, ..Answer::default() }, "belongs to another account"),
        ("/accounts/me/sessions", Answer { status: 403, ..Answer::default() }, "the token was not accepted"),
    ] {
        let (mut stream, mut checks) = (0, 0);
        let (report, _, sent) = play(settings(), &mut |ticket, request| match request.ends_with(step) {
            true => vec![(3, Event::Answer(ticket, Ok(answer.clone())))],
            false => good(ticket, request, &mut stream, &mut checks),
        });
        assert_eq!(report.status, Status::Fail);
        assert!(report.findings[0].summary.contains(why), "{:?}", report.findings);
        assert!(sent.last().is_some_and(|last| last.ends_with(step)), "{sent:?}");
    }
}

#[test]
fn a_stream_that_is_not_given_back_ends_the_waits_at_once() {
    let (mut stream, mut checks) = (0, 0);
    let mut opened = 0;
    let (report, ..) = play(settings(), &mut |ticket, request| {
        let mut replies = good(ticket, request, &mut stream, &mut checks);
        if request.contains("/events") {
            opened += 1;
            let lost = Lost { reason: "gone".into(), retry: Some(Duration::from_millis(50)), ..Lost::default() };
            let refused = Answer { status: 404, ..Answer::default() };
            replies = if opened == 1 {
                vec![(5, Event::StreamOpen(ticket)), (7, Event::StreamLost(ticket, lost))]
            } else {
                vec![(1, Event::StreamRefused(ticket, refused))]
            };
        }
        replies
    });
    assert_eq!(report.status, Status::Fail);
    assert!(report.duration_ms < 1000, "{}", report.duration_ms);
    assert!(report.findings[0].summary.contains("404"), "{:?}", report.findings);
}

#[test]
fn a_silent_server_costs_one_deadline() {
    let (report, _, sent) = play(Settings { retries: 20, ..settings() }, &mut |_, _| Vec::new());
    assert_eq!((report.status, report.answered), (Status::Fail, false));
    assert!(sent.len() > 1);
}

proptest::proptest! {
    /// Whatever comes in whatever order: the run ends in time, and passes only when every vital step did.
    #[test]
    fn every_run_ends(plan in proptest::collection::vec((0..14_u8, 0..9_000_u64), 1..80), seed: bool, skip: bool) {
        let (mut stream, mut checks, mut turn) = (0, 0, 0);
        let settings = Settings { seed_alert: seed, skip_alert: skip, ..settings() };
        let (report, ..) = play(settings, &mut |ticket, request| {
            let (kind, delay) = plan[turn % plan.len()];
            turn += 1;
            let lost = Lost { reason: "gone".into(), ..Lost::default() };
            let mut replies = good(ticket, request, &mut stream, &mut checks);
            match kind {
                0 => return Vec::new(),
                1 => return vec![(delay, Event::Answer(ticket, Err(Failure { message: "no".into() })))],
                2 => return vec![(delay, Event::Answer(ticket, Ok(Answer { status: 503, ..Answer::default() })))],
                3 => return vec![(delay, ok(ticket, &Value::Null))],
                4 => replies.push((delay, Event::StreamLost(stream, lost))),
                5 => replies.push((delay, Event::StreamRefused(ticket, Answer::default()))),
                6 => replies.push((delay, news(stream, "session.closed", &json!({ "sessionId": "s-1" })))),
                7 => replies.push((delay, Event::Interrupted)),
                8 => replies.iter_mut().for_each(|(at, _)| *at += delay),
                9 => replies.truncate(1),
                _ => {}
            }
            replies
        });
        let done = |step: Step| report.steps.iter().any(|entry| entry.step == step && entry.latency_ms.is_some());
        if report.success {
            for step in [Step::Login, Step::Session, Step::Stream, Step::Resolve, Step::Close, Step::Closed] {
                proptest::prop_assert!(done(step), "{step:?}");
            }
            proptest::prop_assert!(skip || done(Step::Alert) || (seed && done(Step::SeededAlert)));
        } else {
            proptest::prop_assert!(report.error.is_some());
        }
    }
}

#[test]
fn what_answers_and_events_say_against_themselves_is_a_warning() {
    // What an answer (by its request) or an event (by its type) holds besides, and what is said of it.
    for (which, patch, told) in [
        ("login", json!({"error": "account_invalid_credentials"}), "the answer to login: it tells of an error"),
        ("login", json!({"account": {"roles": ["admin"], "status": "suspended"}}), "the account is suspended"),
        ("login", json!({"account": {}}), "names no roles"),
        ("sessions", json!({"session": {"sessionId": "s-1", "status": "closed"}}), "the session is closed"),
        ("close", json!({"session": {"status": "active"}}), "the session is active after it was closed"),
        ("close", json!({"closureJob": {"jobId": "j", "status": "failed"}}), "the closure job is failed"),
        ("close", json!({"closureJob": null}), "neither the session nor the closure job"),
        ("event.checkResolved", json!({"tier": "banana"}), "tier `banana`"),
        ("event.checkResolved", json!({"tier": null}), "states no tier"),
        ("event.checkResolved", json!({"error": "engine crashed"}), "event.checkResolved: it tells of an error"),
        ("overlay.characterSync", json!({"revision": null}), "neither a revision nor a character"),
        ("event.checkVetoed", json!({"safetyFlags": ["other"]}), "not for prohibited-capability"),
        ("admin.alert", json!({"test": true}), "it says of itself: test"),
        ("admin.alert", json!({"status": "resolved"}), "it is resolved"),
        ("admin.alert", json!({"severity": "none"}), "its severity is none"),
        ("admin.alert", json!({"severity": null}), "states no severity"),
        ("admin.alert", json!({"createdAt": "2020-01-01T00:00:00Z"}), "no time of this run"),
        ("session.closed", json!({"status": "failed"}), "the session is failed"),
        ("session.closed", json!({"pendingChecks": 5}), "5 checks of it still pending"),
        ("offline.sessionClosure.queued", json!({"status": "failed"}), "the closure job is failed"),
    ] {
        let (mut stream, mut checks) = (0, 0);
        let (report, ..) = play(settings(), &mut |ticket, request| {
            let path = request.split(' ').nth(1).unwrap_or_default();
            let asked = path.rsplit('/').next() == Some(which);
            let mut replies = good(ticket, request, &mut stream, &mut checks);
            for (_, event) in &mut replies {
                match event {
                    Event::Answer(_, Ok(answer)) if asked => answer.body = merged(&answer.body, None, &patch),
                    Event::Stream(_, event) if event.data.contains(&format!("\"{which}\"")) => {
                        event.data = merged(&event.data, Some("payload"), &patch);
                    }
                    _ => {}
                }
            }
            replies
        });
        let said: Vec<&str> = report.findings.iter().map(|finding| finding.summary.as_str()).collect();
        assert_eq!(report.status, Status::Warn, "{which} {patch}: {said:?}");
        assert!(said.join("; ").contains(told), "{which} {patch}: {said:?}");
    }
}

/// A JSON object with other members, in itself or in the member `inner`.
fn merged(text: &str, inner: Option<&str>, patch: &Value) -> String {
    let mut value: Value = serde_json::from_str(text).expect("JSON");
    let holder = match inner {
        Some(key) => value.get_mut(key).expect("a member"),
        None => &mut value,
    };
    let patch = patch.as_object().expect("an object").clone();
    holder.as_object_mut().expect("an object").extend(patch);
    value.to_string()
}
