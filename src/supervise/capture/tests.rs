//! Lines in, records and incidents out.

use serde_json::{Value, json};

use super::text::suspected;
use super::*;
use crate::log::parse;

fn capture(stream: &'static str, lines: &[&str]) -> (Vec<Value>, Batch) {
    capture_with(&[], stream, &[lines])
}

/// What becomes of lines that arrive in pieces, one second apart, without a pause; then the stream ends.
fn capture_with(secrets: &[&str], stream: &'static str, pieces: &[&[&str]]) -> (Vec<Value>, Batch) {
    let redactor = Arc::new(Redactor::new(secrets.iter().copied()));
    let level = if stream == "stderr" { Level::Error } else { Level::Info };
    let mut formatter = Formatter::new(stream, level, redactor);
    take(&mut formatter, false, &[pieces, &[&[]]].concat())
}

/// The records that the audit counts as crashes.
fn told(records: &[Value]) -> impl Iterator<Item = &Value> {
    records.iter().filter(|record| {
        let text = record.to_string();
        let record = parse::parse(text.as_bytes()).unwrap();
        let crash = if suspected(text.as_bytes()).is_some() { record.crash() } else { record.frame() };
        crash.is_some() && !record.continues()
    })
}

/// Takes pieces; the stream pauses after the last.
fn take(formatter: &mut Formatter, interrupted: bool, pieces: &[&[&str]]) -> (Vec<Value>, Batch) {
    let (mut out, mut all) = (Vec::new(), Batch::default());
    let mut at = Stamp::parse("2025-01-06T00:00:00Z").unwrap();
    for (i, lines) in pieces.iter().enumerate() {
        let mut batch = Batch::default();
        formatter.learn((lines.join("\n") + "\n").as_bytes(), at, i + 1 == pieces.len());
        let arrived = Arrival { at, since_start: std::time::Duration::from_millis(1500) };
        let mut chunk = formatter.chunk(arrived, interrupted, &mut out, &mut batch);
        for line in *lines {
            chunk.line(line.as_bytes(), None);
        }
        chunk.finish(i + 1 == pieces.len());
        all.merge(batch);
        at = at.plus(std::time::Duration::from_secs(1));
    }
    let records = String::from_utf8(out).unwrap();
    (records.lines().map(|l| serde_json::from_str(l).unwrap()).collect(), all)
}

#[test]
fn lines_are_judged_as_the_audit_judges_them_later() {
    for (lines, levels) in [
        (&[" 10%|# | 1/10\r 20%|##| 2/10\rERROR: order rejected"][..], &["error"][..]),
        (&["2025-01-06 00:00:00 info up", "2025-01-06 00:00:01 error down"], &["info", "error"]),
        (&["[08:10:00 INF] up", "[08:10:01 ERR] down", "[08:10:02 WRN] late"], &["inf", "err", "wrn"]),
        (&["{\"level\":\"info\",\"msg\":\"a\"}{\"level\":\"error\",\"msg\":\"b\"}"], &["error"]),
        (&["api-1  | {\"level\":\"info\",\"msg\":\"up\"}", "web-1  | ERROR: no upstream"], &["info", "error"]),
        (&["the error rate is 0.1%", "all is well"], &["info", "info"]),
        (&["info app up", "warn app slow", "error something failed"], &["info", "warn", "error"]),
        (&["error handling was improved", "the rest is well", "error budgets are fine"], &["info", "info", "info"]),
        (&["{'level': 'INFO', 'msg': 'up'}", "{'level': 'ERROR', 'msg': 'down'}"], &["info", "error"]),
    ] {
        let (records, batch) = capture("stdout", lines);
        let found: Vec<&str> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
        assert_eq!((found.as_slice(), batch.total()), (levels, lines.len() as u64), "{lines:?}");
    }
    let (records, _) = capture("stdout", &["api-1  | {\"level\":\"info\"}", "web-1  | ERROR: no upstream"]);
    assert_eq!((&records[0]["service"], &records[1]["service"]), (&json!("api-1"), &json!("web-1")));
    let (_, batch) = capture("stdout", &["api-1  | ERROR: no upstream", "web-1  | ERROR: no upstream"]);
    let services: Vec<Option<&str>> = batch.incidents.iter().map(|incident| incident.service.as_deref()).collect();
    assert_eq!(services, [Some("api-1"), Some("web-1")]);
}

#[test]
fn a_line_whose_level_is_learnt_later_is_told_again() {
    let line = |number: usize, level: &str| {
        format!("2025-01-06 00:{:02}:{:02} app {level} text {number}", number / 60, number % 60)
    };
    let early: Vec<String> = (0..30).map(|number| line(number, if number == 0 { "error" } else { "info" })).collect();
    // The second writer comes when the first lines have told all they can.
    let json = |number: usize| format!("{{\"level\":\"info\",\"msg\":\"text {number}\"}}");
    let late = (0..300).map(json).chain((0..20).map(|number| line(number, if number == 1 { "error" } else { "info" })));
    for lines in [early, late.collect()] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let one_by_one: Vec<&[&str]> = lines.chunks(1).collect();
        let (records, batch) = capture_with(&[], "stdout", &one_by_one);
        let again: Vec<&Value> = records.iter().filter(|record| record["restates"] == json!(true)).collect();
        assert_eq!(again.len(), 1, "{records:#?}");
        assert!(again[0]["level"] == "error" && again[0]["message"].as_str().unwrap().contains(" error text "));
        assert_eq!((batch.total(), batch.levels["error"]), (lines.len() as u64, 1));
        assert_eq!(
            batch.incidents.iter().map(|incident| (incident.kind, incident.count)).collect::<Vec<_>>(),
            [("log_level", 1)]
        );
        // In one piece it counts once too.
        let (_, batch) = capture_with(&[], "stdout", &[&lines]);
        assert_eq!((batch.total(), batch.levels["error"]), (lines.len() as u64, 1));
    }
}

#[test]
fn a_level_behind_a_name_that_is_learnt_later_is_told_again() {
    let early = ["web-1  | starting", "web-1  | started", "web-1  | [warn] started", "api-1  | started"];
    let (records, batch) = capture_with(&[], "stdout", &[&early, &["web-1  | [info] ready", "web-1  | [info] ready"]]);
    assert_eq!((batch.total(), batch.levels.get("warning").copied()), (6, Some(1)), "{records:#?}");
    assert!(records.iter().any(|record| record["restates"] == json!(true) && record["service"] == "web-1"));
}

#[test]
fn a_record_of_several_lines_is_one() {
    for (lines, levels) in [
        (
            &["{", "  \"level\": \"info\",", "  \"msg\": \"up\"", "}", "{", "  \"level\": \"error\"", "}"][..],
            &["info", "error"][..],
        ),
        (&["{", "  level: 'error',", "  message: 'down'", "}", "done"], &["error", "info"]),
        (
            &["Jan 6, 2025 12:00:00 AM a.B main", "SEVERE: down", "Jan 6, 2025 12:00:01 AM a.B main", "INFO: up"],
            &["severe", "info"],
        ),
        (&["{", "no object"], &["info", "info"]),
    ] {
        for pieces in [vec![lines], lines.chunks(1).collect()] {
            let (records, batch) = capture_with(&[], "stdout", &pieces);
            let found: Vec<&str> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
            assert_eq!((found.as_slice(), batch.total()), (levels, lines.len() as u64), "{pieces:?}");
        }
    }
}

#[test]
fn a_plain_line_is_kept_with_its_arrival() {
    let (records, batch) = capture("stdout", &["hello \"world\""]);
    assert_eq!(
        records,
        [json!({
            "timestamp": "2025-01-06T00:00:00+00:00", "received": 1.5, "level": "info", "event": null,
            "message": "hello \"world\"", "stream": "stdout",
            "payload": {"stream": "stdout", "ingested_at": "2025-01-06T00:00:00+00:00"},
        })]
    );
    assert_eq!(batch.total(), 1);
    assert!(batch.incidents.is_empty());
    let (records, _) = capture("stdout", &["", "{}"]);
    assert_eq!(records[0]["payload"]["raw"], "", "an empty line is no object without a message");
    assert_eq!(records[1]["payload"].as_object().map(|payload| payload.contains_key("raw")), Some(false));
}

#[test]
fn levels_of_every_spelling_reach_the_record() {
    for (line, level, severity) in [
        (r#"{"lvl":"error","msg":"order rejected"}"#, "error", Some(Status::Fail)),
        (r#"{"level":50,"time":1736121600000,"msg":"db down"}"#, "error", Some(Status::Fail)),
        (r#"{"levelname":"ERROR","levelno":40,"message":"order rejected"}"#, "error", Some(Status::Fail)),
        (r#"{"level":"warn","msg":"slow"}"#, "warn", Some(Status::Warn)),
        ("WARNING:root:slow", "warning", Some(Status::Warn)),
        ("INFO:root:fine", "info", None),
        ("all is well", "info", None),
        ("ERROR: database gone", "error", Some(Status::Fail)),
        ("05:51:29.123 [main] WARN com.x.Y - slow", "warn", Some(Status::Warn)),
    ] {
        let (records, batch) = capture("stdout", &[line]);
        assert_eq!(records[0]["level"], level, "{line}");
        assert_eq!(batch.incidents.first().map(|i| i.severity), severity, "{line}");
    }
}

#[test]
fn a_stderr_line_that_states_its_level_keeps_it() {
    let (_, batch) = capture("stderr", &[r#"{"level":"info","message":"started"}"#, "INFO:root:ready"]);
    assert!(batch.incidents.is_empty(), "{batch:?}");
    let (_, batch) = capture("stderr", &["something odd"]);
    assert_eq!(batch.incidents[0].severity, Status::Fail);
}

#[test]
fn a_stack_trace_is_one_record_and_one_incident_named_by_its_exception() {
    let trace = ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: boom"];
    let (records, batch) = capture("stderr", &[trace[0], trace[1], trace[2], "INFO:root:going on"]);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["lines"], 3);
    assert_eq!(records[0]["message"], trace.join("\n"));
    assert_eq!(batch.total(), 4);
    assert_eq!(batch.incidents.len(), 1);
    assert_eq!((batch.incidents[0].kind, &*batch.incidents[0].message), ("stack_trace", "ValueError: boom"));
}

const TRACE: [&str; 3] = ["Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: boom"];

#[test]
fn traces_of_every_language_are_one_incident() {
    for (lines, shown) in [
        (
            "panic: index out of range [3]\n\ngoroutine 1 [running]:\nmain.run(0xc000)\n\t/app/main.go:12 +0x1d\n\
             created by main.main in goroutine 1\n\t/app/main.go:20 +0x1d",
            "panic: index out of range [3]",
        ),
        (
            "thread 'main' panicked at src/main.rs:4:5:\nboom\nnote: run with `RUST_BACKTRACE=1` to display more",
            "thread 'main' panicked at src/main.rs:4:5: boom",
        ),
        (
            "thread 'main' panicked at src/main.rs:4:5:\nassertion failed\n  left: 1\n right: 2\nstack backtrace:\n   0: f",
            "thread 'main' panicked at src/main.rs:4:5: assertion failed",
        ),
        (
            "TypeError: x is not a function\n    at run (/app/index.js:3:9)\n    at main (/app/index.js:8:1)",
            "TypeError: x is not a function",
        ),
        (
            "Exception in thread \"main\" a.B: boom\n\tat a.B.c(B.java:1)\nCaused by: a.C: x\n\tat a.C.d(C.java:1)\n\t... 7 more",
            "Exception in thread \"main\" a.B: boom",
        ),
    ] {
        let lines: Vec<&str> = lines.lines().chain(["going on"]).collect();
        let (records, batch) = capture("stdout", &lines);
        assert_eq!((records.len(), batch.total()), (2, lines.len() as u64), "{records:?}");
        assert_eq!(records[1]["message"], "going on");
        let found: Vec<_> = batch.incidents.iter().map(|i| (i.kind, &*i.message)).collect();
        assert_eq!(found, [("stack_trace", shown)]);
    }
    let (records, _) = capture("stdout", &[r#"{"level":"info","msg":"x"}"#, "    at run (/app/index.js:3:9)"]);
    assert_eq!(records.len(), 2, "a record has no frames below it");
}

#[test]
fn what_a_field_beside_the_message_tells_of_is_what_the_incident_is_called() {
    let record = |error: &str| {
        let trace = format!("Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n{error}");
        json!({"level": "error", "message": "tick failed", "exc_info": trace}).to_string()
    };
    let records = [record("ValueError: bad price"), record("KeyError: 'qty'"), record("ValueError: bad price")];
    let (_, batch) = capture("stdout", &records.each_ref().map(String::as_str));
    let found: Vec<_> = batch.incidents.iter().map(|i| (i.kind, &*i.message, i.count)).collect();
    assert_eq!(found, [("stack_trace", "ValueError: bad price", 2), ("stack_trace", "KeyError: 'qty'", 1)]);
}

#[test]
fn a_stack_trace_in_pieces_is_still_one() {
    let pieces: [&[&str]; 5] = [&TRACE[..1], &TRACE[1..2], &[], &TRACE[2..], &["INFO:root:going on"]];
    let (records, batch) = capture_with(&[], "stderr", &pieces);
    assert_eq!((records.len(), &records[0]["message"]), (2, &json!(TRACE.join("\n"))));
    assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:00+00:00", "that of its first line");
    assert_eq!((batch.total(), batch.levels["error"]), (4, 1));
    let found: Vec<_> = batch.incidents.iter().map(|i| (i.kind, &*i.message, i.count)).collect();
    assert_eq!(found, [("stack_trace", "ValueError: boom", 1)]);
}

#[test]
fn a_stack_trace_is_over_after_a_pause() {
    let mut formatter = Formatter::new("stdout", Level::Info, Arc::default());
    let (records, batch) = take(&mut formatter, false, &[&TRACE]);
    assert_eq!((records.len(), batch.incidents.len()), (1, 1));
    let (records, batch) = take(&mut formatter, false, &[&["  indented, but nothing is wrong"]]);
    assert_eq!((&records[0]["level"], batch.incidents), (&json!("info"), vec![]));
}

#[test]
fn an_endless_stack_trace_is_cut_into_records() {
    let frame = format!("  at {}", "x".repeat(1 << 10));
    let lines: Vec<&str> = std::iter::once("panic: boom").chain(std::iter::repeat_n(&*frame, 600)).collect();
    let (records, batch) = capture("stdout", &lines);
    assert_eq!((records.len(), batch.total()), (3, 601));
    assert!(batch.incidents.iter().all(|i| i.kind == "stack_trace"), "{:?}", batch.incidents);
}

#[test]
fn secrets_are_hidden_and_cost_no_level() {
    for (secret, line, level, shown) in [
        ("500000", r#"{"level":"error","value":500000,"msg":"db gone"}"#, "error", "db gone"),
        ("WARNING", "WARNING:root:order book slow", "warning", "*******:root:order book slow"),
        ("critical", r#"{"time":"2025-01-06T00:00:01Z","level":"critical","msg":"x"}"#, "critical", "x"),
        ("timestamp", r#"{"timestamp":"2025-01-06T00:00:01Z","level":"warn","msg":"x"}"#, "warn", "x"),
        ("hunter2secret", "ERROR: no hunter2secret", "error", "ERROR: no *************"),
        ("hunter2secret", r#"{"level":"error","msg":"no hunter2secret"}"#, "error", "no *************"),
        ("hunter2secret", r#"{"level":"hunter2secret","msg":"x"}"#, "*************", "x"),
    ] {
        let (records, batch) = capture_with(&[secret], "stdout", &[&[line]]);
        assert_eq!((&records[0]["level"], &records[0]["message"]), (&json!(level), &json!(shown)), "{line}");
        assert_eq!(batch.levels.keys().collect::<Vec<_>>(), [level], "{line}");
        assert_eq!(records[0]["payload"]["structured"].is_object(), line.starts_with('{'), "{line}");
        if line.contains("00:01") {
            assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:01+00:00");
        }
        if !level.starts_with('*') {
            assert_eq!((batch.incidents.len(), &*batch.incidents[0].message), (1, shown), "{line}");
        }
        let written = format!("{:?}", records[0]["payload"]);
        assert!(secret == "timestamp" || !written.contains(secret), "{written}");
    }
}

#[test]
fn an_interrupt_that_emp_ops_sent_is_no_crash() {
    let interrupt = [TRACE[0], TRACE[1], "KeyboardInterrupt"];
    let asyncio = "asyncio.exceptions.CancelledError";
    let during = "During handling of the above exception, another exception occurred:";
    let chained = [TRACE[0], TRACE[1], asyncio, "", during, "", TRACE[0], TRACE[1], "KeyboardInterrupt"];
    let masked = [TRACE[0], TRACE[1], TRACE[2], "", during, "", TRACE[0], TRACE[1], "KeyboardInterrupt"];
    let cut = [TRACE[0], "KeyboardInterrupt", "ValueError: boom"];
    for (asked, lines, harmless) in [
        (true, &interrupt[..], true),
        (true, &chained, true),
        (false, &interrupt, false),
        (true, &masked, false),
        (true, &TRACE, false),
        (true, &cut, false),
    ] {
        let mut formatter = Formatter::new("stderr", Level::Error, Arc::default());
        let (records, batch) = take(&mut formatter, asked, &[&lines[..1], &lines[1..]]);
        assert_eq!(batch.incidents.is_empty(), harmless, "{lines:?}");
        assert_eq!(records.iter().all(|r| r["level"] == "info"), harmless, "{lines:?}");
        assert_eq!(batch.total(), lines.len() as u64);
        let crashes = |r: &Value| parse::parse(r.to_string().as_bytes()).unwrap().crash().is_some();
        let seen = records.iter().any(|r| r["level"] == "error" || crashes(r));
        assert_eq!(seen, !harmless, "the audit agrees: {records:?}");
    }
}

#[test]
fn a_crash_is_an_incident_wherever_the_line_tells_of_it() {
    for line in [
        r#"{"level":"info","msg":"done","err":"boom\n\tat a.B.c(D.java:1)"}"#,
        r#"level=info msg=done err="boom\n\tat a.B.c(D.java:1)""#,
        "{worker} panicked at src/main.rs:4:5",
        "\tat a.B.c(D.java:1)",
        "Fatal Error: cannot continue",
    ] {
        let (records, batch) = capture("stdout", &[line]);
        assert_eq!(batch.incidents.first().map(|i| i.kind), Some("stack_trace"), "{line}");
        // The audit of what was kept comes to the same end.
        let kept = records[0].to_string();
        let crash = parse::parse(kept.as_bytes()).and_then(|record| record.crash());
        assert!(crash.is_some() && classify::suspect(kept.as_bytes(), 0).is_some(), "{kept}");
    }
}

#[test]
fn equal_lines_of_a_burst_are_counted() {
    let (records, batch) = capture("stdout", &["y", "y", "y", "n"]);
    assert_eq!((records.len(), &records[0]["repeated"]), (2, &json!(3)));
    assert_eq!((batch.total(), batch.levels["info"]), (4, 4));
    let (records, _) = capture("stdout", &["ERROR:root:x"; 3]);
    assert_eq!(records.len(), 3, "each error keeps its own record");
}

#[test]
fn a_time_far_from_arrival_is_not_trusted() {
    let (records, batch) = capture("stdout", &[r#"{"timestamp":"2025-01-06T05:30:00","level":"info"}"#]);
    assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:00+00:00");
    assert_eq!(batch.skew.map(|s| s.lines), Some(1));
    let (records, _) = capture("stdout", &[r#"{"level":30,"time":1736121601500,"msg":"hi"}"#]);
    assert_eq!(records[0]["timestamp"], "2025-01-06T00:00:01.500000+00:00");
}

#[test]
fn what_another_service_prints_tears_no_trace_apart() {
    let lines: Vec<String> =
        TRACE.iter().flat_map(|line| [format!("api-1  | {line}"), "web-1  | GET /".into()]).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    lines.splice(
        0..0,
        ["api-1  | INFO: up", "web-1  | INFO: up", "api-1  | a", "web-1  | b", "api-1  | c", "web-1  | d"],
    );
    for pieces in [vec![&lines[..]], lines.chunks(1).collect()] {
        let (records, batch) = capture_with(&[], "stdout", &pieces);
        let found: Vec<_> = batch.incidents.iter().map(|i| (i.kind, i.service.as_deref(), &*i.message)).collect();
        assert_eq!(found, [("stack_trace", Some("api-1"), "ValueError: boom")], "{records:#?}");
        assert_eq!(batch.total(), lines.len() as u64);
        assert_eq!(told(&records).count(), 1, "the audit agrees");
    }
}

#[test]
fn what_comes_of_a_trace_after_a_pause_is_no_crash_of_its_own() {
    let mut formatter = Formatter::new("stderr", Level::Error, Arc::default());
    let (mut records, mut incidents) = (Vec::new(), 0);
    for line in TRACE.iter().chain(&["ERROR: another"]) {
        let (more, batch) = take(&mut formatter, false, &[&[*line]]);
        records.extend(more);
        incidents += batch.incidents.len();
    }
    assert_eq!(incidents, 2, "the trace and the error behind it: {records:#?}");
    let levels: Vec<_> = records.iter().map(|r| (r["level"].as_str().unwrap(), r["continues"] == true)).collect();
    assert_eq!(levels, [("error", false), ("info", true), ("info", true), ("error", false)]);
    assert_eq!(told(&records).count(), 1, "the audit agrees");
}

#[test]
fn a_trace_behind_the_name_of_a_service_is_seen_by_the_audit_too() {
    let start: Vec<String> = (0..6).map(|n| format!("api-1  | GET /{n}")).collect();
    let trace = ["/app/a.rb:1:in 'f': boom (RuntimeError)", "\tfrom /app/a.rb:4:in 'g'", "\tfrom /app/a.rb:7:in 'h'"];
    let lines: Vec<String> = start.into_iter().chain(trace.iter().map(|line| format!("api-1  | {line}"))).collect();
    let mut formatter = Formatter::new("stdout", Level::Info, Arc::default());
    let mut seen = Vec::new();
    for line in &lines {
        let (records, batch) = take(&mut formatter, false, &[&[line]]);
        assert_eq!(told(&records).count(), batch.incidents.len(), "{records:#?}");
        seen.extend(batch.incidents);
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[test]
fn a_crash_that_only_its_frames_show_is_told_after_a_pause_too() {
    let lines = [
        "/app/index.js:3",
        "    throw new Error(\"boom\")",
        "    ^",
        "",
        "boom",
        "    at f (/app/index.js:3:7)",
        "    at g (/app/index.js:4:7)",
    ];
    let whole: Vec<&[&str]> = vec![&lines];
    for pieces in [whole, lines.chunks(1).collect(), lines.chunks(2).collect(), lines.chunks(5).collect()] {
        let mut formatter = Formatter::new("stdout", Level::Info, Arc::default());
        let (mut records, mut incidents) = (Vec::new(), 0);
        for piece in &pieces {
            let (more, batch) = take(&mut formatter, false, &[piece]);
            records.extend(more);
            incidents += batch.incidents.len();
        }
        assert_eq!((incidents > 0, told(&records).count()), (true, 1), "{pieces:?} {records:#?}");
    }
}
