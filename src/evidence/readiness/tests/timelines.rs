//! Timelines of incidents.

use super::*;

fn of(events: &[(&str, Value)]) -> Value {
    let events: Vec<Value> = events.iter().map(|(word, time)| json!({"type": word, "timestamp": time})).collect();
    json!({"incident_id": "INC-4", "generated_at": NOW, "events": events})
}

fn at(time: &str) -> Value {
    json!(format!("2031-05-04T{time}Z"))
}

#[test]
fn times_to_acknowledge_and_to_resolve_are_held_against_the_limits() {
    let opened = ("opened", at("08:00:00"));
    let acknowledged = ("ack", at("08:10:00"));
    let resolved = ("resolved", at("09:00:00"));
    let all =
        |extra: &[(&str, Value)]| of(&[&[opened.clone(), acknowledged.clone(), resolved.clone()], extra].concat());
    let tight = "[incident]\nmtta_warn_minutes = 5\nmtta_fail_minutes = 10";
    table(&[
        (all(&[]), "", Status::Pass, ""),
        (of(&[resolved.clone(), acknowledged.clone(), opened.clone()]), "", Status::Pass, ""),
        (all(&[]), tight, Status::Fail, "acknowledged after 10m"),
        (
            of(&[opened.clone(), ("slack_ack", at("08:30:00")), resolved.clone()]),
            "",
            Status::Warn,
            "acknowledged after 30m",
        ),
        (
            of(&[opened.clone(), acknowledged.clone(), ("closed", at("11:00:00"))]),
            "",
            Status::Warn,
            "resolved after 3h",
        ),
        (of(&[opened.clone(), resolved.clone()]), "", Status::Warn, "nobody acknowledged"),
        (of(&[opened.clone(), acknowledged.clone()]), "", Status::Warn, "open since 4h"),
        (of(&[("opened", at("11:00:00")), ("ack", at("11:01:00"))]), "", Status::Pass, ""),
        (all(&[("reopened", at("09:30:00"))]), "", Status::Warn, "open since 4h"),
        (all(&[("reopened", at("09:30:00")), ("recovered", at("10:00:00"))]), "", Status::Pass, ""),
        (
            of(&[opened.clone(), ("acked", at("08:01:00")), resolved.clone()]),
            "",
            Status::Warn,
            "`acked` is not understood",
        ),
        (
            of(&[("ack", at("07:50:00")), opened.clone(), resolved.clone()]),
            "",
            Status::Fail,
            "10m before it was opened",
        ),
        (of(&[acknowledged.clone(), resolved.clone()]), "", Status::Fail, "when it was opened"),
        (of(&[opened.clone(), acknowledged.clone(), ("resolved", at("23:00:00"))]), "", Status::Fail, "future"),
        (of(&[opened.clone(), ("ack", json!("later")), resolved.clone()]), "", Status::Fail, "is no time"),
        (
            of(&[("opened", json!(1_935_648_000)), ("ack", json!(1_935_648_060)), ("resolved", json!(1_935_648_120))]),
            "",
            Status::Pass,
            "",
        ),
    ]);
}

#[test]
fn every_form_of_a_timeline_is_read_and_incidents_are_told_apart() {
    let flat = |id: &str, acknowledged: Value| json!({"incident_id": id, "generated_at": NOW, "opened_at": at("08:00:00"), "acknowledged_at": acknowledged, "resolved_at": at("09:00:00")});
    let trend = |minutes: &str| json!({"generated_at": NOW, "alert_response_trend": [{"label": "w17", "statuses": {"mtta_minutes": minutes, "mttr_minutes": "12.5"}}]});
    let two = json!({"generated_at": NOW, "events": [
        {"type": "opened", "timestamp": at("08:00:00"), "incident_id": "a"},
        {"type": "opened", "timestamp": at("08:00:00"), "incident_id": "b"},
        {"type": "ack", "timestamp": at("08:01:00"), "incident_id": "a"},
        {"type": "ack", "timestamp": at("10:00:00"), "incident_id": "b"},
        {"type": "resolved", "timestamp": at("08:05:00"), "incident_id": "a"},
        {"type": "resolved", "timestamp": at("10:05:00"), "incident_id": "b"}]});
    table(&[
        (flat("a", at("08:05:00")), "", Status::Pass, ""),
        (flat("a", json!(null)), "", Status::Warn, "nobody acknowledged"),
        (json!([flat("a", at("08:05:00")), flat("b", json!("n/a"))]), "", Status::Warn, "b: nobody acknowledged"),
        (trend("3.0"), "", Status::Pass, ""),
        (trend("n/a"), "", Status::Warn, "nobody acknowledged"),
        (trend("75"), "", Status::Fail, "acknowledged after"),
        (trend("-5"), "", Status::Fail, "negative"),
        (two, "", Status::Fail, "b: acknowledged after 2h"),
        (json!({"generated_at": NOW, "alert_response_trend": []}), "", Status::Fail, "no incident"),
        (merged(flat("a", at("08:05:00"))), "", Status::Fail, "its times say 5"),
    ]);
}

/// With a figure that is not that of its times.
fn merged(mut timeline: Value) -> Value {
    timeline["mtta_minutes"] = json!(1);
    timeline
}
