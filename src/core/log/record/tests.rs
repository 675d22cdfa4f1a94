//! Lines of every dialect, as what is read from them.

use super::*;
use crate::log::parse::{parse, parse_inside};

/// `dialect | time | level word = level | event | message`, with `-` for what is absent.
fn show(line: &str) -> String {
    let written = Stamp::parse("2025-02-01");
    let Some(record) = parse_inside(line.as_bytes(), written, 0) else { return "none".to_owned() };
    let text = |text: Option<Cow<'_, str>>| text.map_or("-".to_owned(), Cow::into_owned);
    format!(
        "{} | {} | {}={} | {} | {}",
        record.dialect.name(),
        record.at.map_or("-".to_owned(), |at| at.to_string()),
        record.level_word(),
        record.level().map_or("-", Level::word),
        text(record.event()),
        text(record.message())
    )
}

#[test]
fn calls_that_failed_are_errors_in_the_trail_of_a_cloud() {
    let level = |line: &str| parse(line.as_bytes()).and_then(|record| record.level());
    let line = |code: &str| format!(r#"{{"eventTime":"2025-01-06T00:00:00Z","eventName":"GetObject"{code}}}"#);
    assert_eq!(level(&line(r#","errorCode":"AccessDenied""#)), Some(Level::Error));
    assert_eq!(level(&line("")), None);
    assert_eq!(level(r#"{"time":"2025-01-06T00:00:00Z","errorCode":"OK"}"#), None);
}

#[test]
fn json_records_are_read_whatever_library_wrote_them() {
    for (line, expect) in [
        (
            r#"{"timestamp":"2025-01-06T00:00:00Z","level":" Error ","event":"e","message":"m"}"#,
            "structured log | 2025-01-06T00:00:00+00:00 | error=error | e | m",
        ),
        (
            r#"{"level":50,"time":1736121600123,"pid":1,"hostname":"h","msg":"db down"}"#,
            "pino | 2025-01-06T00:00:00.123000+00:00 | 50=error | - | db down",
        ),
        (
            r#"{"name":"a","hostname":"h","pid":1,"level":60,"msg":"x","time":"2025-01-06T00:00:00.000Z","v":0}"#,
            "bunyan | 2025-01-06T00:00:00+00:00 | 60=critical | - | x",
        ),
        (
            r#"{"level":"warn","ts":1736121600.25,"caller":"a.go:1","msg":"slow"}"#,
            "zap | 2025-01-06T00:00:00.250000+00:00 | warn=warning | - | slow",
        ),
        (
            r#"{"time":"2025-01-06T05:30:00.123456789+05:30","level":"ERROR+1","msg":"x"}"#,
            "Go slog JSON | 2025-01-06T00:00:00.123456+00:00 | error+1=error | - | x",
        ),
        (
            r#"{"timestamp":"2025-01-06T00:00:00Z","level":"INFO","fields":{"message":"hi","n":1},"target":"app"}"#,
            "Rust tracing JSON | 2025-01-06T00:00:00+00:00 | info=info | - | hi",
        ),
        (
            r#"{"@t":"2025-01-06T00:00:00.1234567Z","@mt":"hi {Name}","Name":"x"}"#,
            "Serilog CLEF | 2025-01-06T00:00:00.123456+00:00 | info=info | - | hi {Name}",
        ),
        (
            r#"{"EventId":0,"LogLevel":"Critical","Category":"A","Message":"x","Timestamp":"2025-01-06T00:00:00Z"}"#,
            ".NET console JSON | 2025-01-06T00:00:00+00:00 | critical=critical | - | x",
        ),
        (
            r#"{"@timestamp":"2025-01-06T00:00:00Z","log":{"level":"error"},"event":{"action":"read"},"message":"x"}"#,
            "ECS | 2025-01-06T00:00:00+00:00 | error=error | read | x",
        ),
        (
            r#"{"@timestamp":"2025-01-06T00:00:00Z","log.level":"WARN","message":"x"}"#,
            "ECS | 2025-01-06T00:00:00+00:00 | warn=warning | - | x",
        ),
        (
            r#"{"severity":"ALERT","timestamp":"2025-01-06T00:00:00Z","jsonPayload":{"message":"x"}}"#,
            "Google Cloud logging | 2025-01-06T00:00:00+00:00 | alert=alert | - | x",
        ),
        (
            r#"{"version":"1.1","host":"h","short_message":"x","timestamp":1736121600.5,"level":3}"#,
            "GELF | 2025-01-06T00:00:00.500000+00:00 | 3=error | - | x",
        ),
        (
            r#"{"version":"1.1","host":"h","short_message":"x","timestamp":1736121600,"level":0}"#,
            "GELF | 2025-01-06T00:00:00+00:00 | 0=emergency | - | x",
        ),
        (
            r#"{"__REALTIME_TIMESTAMP":"1736121600000001","PRIORITY":"4","MESSAGE":"x"}"#,
            "journald export JSON | 2025-01-06T00:00:00.000001+00:00 | 4=warning | - | x",
        ),
        (
            r#"{"timeUnixNano":"1736121600000001999","severityNumber":17,"body":{"stringValue":"x"}}"#,
            "OTLP JSON | 2025-01-06T00:00:00.000001+00:00 | 17=error | - | x",
        ),
        (
            r#"{"log":"{\"level\":\"error\",\"event\":\"e\",\"msg\":\"x\"}\n","stream":"stdout","time":"2025-01-06T00:00:00Z"}"#,
            "Docker json-file | 2025-01-06T00:00:00+00:00 | error=error | e | x",
        ),
        (
            r#"{"log":"plain\n","stream":"stdout","time":"2025-01-06T00:00:00Z"}"#,
            "Docker json-file | 2025-01-06T00:00:00+00:00 | info=- | - | plain",
        ),
        (
            r#"{"text":"t\n","record":{"level":{"name":"SUCCESS","no":25},"time":{"timestamp":1736121600.0},"message":"m"}}"#,
            "loguru serialize | 2025-01-06T00:00:00+00:00 | success=info | - | m",
        ),
        (
            r#"{"asctime":"2025-01-06 00:00:00,123","levelname":"ERROR","levelno":40,"message":"order rejected"}"#,
            "python-json-logger | 2025-01-06T00:00:00.123000+00:00 | error=error | - | order rejected",
        ),
        (
            r#"{"datetime":"2025-01-06T00:00:00+00:00","level":400,"level_name":"ERROR","message":"x"}"#,
            "JSON lines | 2025-01-06T00:00:00+00:00 | error=error | - | x",
        ),
        (
            r#"{"timestamp":"1736121600123","level":40,"levelname":"ERROR","message":"x"}"#,
            "python-json-logger | 2025-01-06T00:00:00.123000+00:00 | error=error | - | x",
        ),
        (
            r#"{"timestamp":"2025-01-06","level":6,"severity":"ERROR","message":"x"}"#,
            "winston | 2025-01-06T00:00:00+00:00 | error=error | - | x",
        ),
        (
            r#"{"timestamp":"2025-01-06","level":"purple","severity":"ERROR","message":"x"}"#,
            "winston | 2025-01-06T00:00:00+00:00 | error=error | - | x",
        ),
        (
            r#"{"Timestamp":"2025-01-06T00:00:00.1+00:00","Level":"Error","MessageTemplate":"x"}"#,
            "JSON lines | 2025-01-06T00:00:00.100000+00:00 | error=error | - | -",
        ),
        (
            r#"{"timeUnixNano":"0","observedTimeUnixNano":"1736121600000000000","severityNumber":"SEVERITY_NUMBER_ERROR"}"#,
            "OTLP JSON | 2025-01-06T00:00:00+00:00 | severity_number_error=error | - | -",
        ),
        (
            r#"{"timestamp":"n/a","ts":"2025-01-06T00:00:00Z","lvl":"error"}"#,
            "JSON lines | 2025-01-06T00:00:00+00:00 | error=error | - | -",
        ),
        (r#"{"timestamp":true,"level":0,"event":["x"]}"#, "structlog | - | info=- | ['x'] | ['x']"),
        (
            r#"{"timestamp":"0001-01-01T00:00:00+05:00","level":"purple","message":1e-07}"#,
            "winston | - | purple=unknown | - | 1e-07",
        ),
        (r#"{"timestamp":NaN}"#, "JSON lines | - | info=- | - | -"),
        (
            r#"{"timestamp":"2025-01-06T00:00:00Z","level":"\u001b[31merror\u001b[39m","message":"x"}"#,
            "winston | 2025-01-06T00:00:00+00:00 | error=error | - | x",
        ),
        (
            "\u{feff}\0\0\u{feff}{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"error\",\"message\":\"x\"}",
            "winston | 2025-01-06T00:00:00+00:00 | error=error | - | x",
        ),
        (r#"{"timestamp":"2025-01-06""#, "none"),
        ("[1]", "none"),
    ] {
        assert_eq!(show(line), expect, "{line}");
    }
}

#[test]
fn text_records_are_read_by_their_date_or_header() {
    for (line, expect) in [
        (
            "2025-01-06 00:00:00,123 - app.feed - ERROR - boom",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | error=error | - | boom",
        ),
        (
            "2025-01-06 00:00:00,123 [main] WARN  c.a.Feed - slow",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | warn=warning | - | c.a.Feed - slow",
        ),
        (
            "2025-01-06T05:30:00.5+05:30  INFO 71 --- [main] c.a.App : up",
            "dated text | 2025-01-06T00:00:00.500000+00:00 | info=info | - | 71 --- [main] c.a.App : up",
        ),
        (
            "[2025-01-06T00:00:00Z ERROR app::feed] boom",
            "dated text | 2025-01-06T00:00:00+00:00 | error=error | - | app::feed] boom",
        ),
        (
            "2025/01/06 00:00:00 [emerg] 12#12: no port",
            "dated text | 2025-01-06T00:00:00+00:00 | emerg=emergency | - | 12#12: no port",
        ),
        ("2025/01/06 00:00:00 plain words", "dated text | 2025-01-06T00:00:00+00:00 | info=- | - | plain words"),
        (
            "2025-01-06 00:00:00.123 | WARNING  | m:f:1 - x",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | warning=warning | - | m:f:1 - x",
        ),
        (
            "[2025-01-06T00:00:00.000000+00:00] app.ERROR: x {} []",
            "dated text | 2025-01-06T00:00:00+00:00 | error=error | - | x {} []",
        ),
        (
            "[Mon Jan 06 00:00:00.123456 2025] [core:error] [pid 7] x",
            "dated text | 2025-01-06T00:00:00.123456+00:00 | error=error | - | [pid 7] x",
        ),
        (
            "<34>1 2025-01-06T00:00:00.003Z h app 1 ID [a b=\"]\"] boom",
            "syslog RFC 5424 | 2025-01-06T00:00:00.003000+00:00 | 2=critical | - | boom",
        ),
        ("<14>Jan  6 00:00:00 h app[1]: up", "syslog RFC 3164 | 2025-01-06T00:00:00+00:00 | 6=info | - | app[1]: up"),
        (
            "Dec 31 23:59:59 h app[1]: ERROR x",
            "syslog RFC 3164 | 2024-12-31T23:59:59+00:00 | error=error | - | app[1]: ERROR x",
        ),
        ("E0106 00:00:00.000001   12 f.go:3] boom", "klog | 2025-01-06T00:00:00.000001+00:00 | e=error | - | boom"),
        (
            "time=2025-01-06T00:00:00Z level=warn msg=\"a \\\"b\\\"\" n=1",
            "logfmt | 2025-01-06T00:00:00+00:00 | warn=warning | - | a \"b\"",
        ),
        ("ts=1736121600.5 lvl=eror event=tick", "logfmt | 2025-01-06T00:00:00.500000+00:00 | eror=error | tick | tick"),
        (
            "2025-01-06T00:00:00.123456789Z stderr F {\"level\":50,\"msg\":\"x\"}",
            "Kubernetes CRI | 2025-01-06T00:00:00.123456+00:00 | 50=error | - | x",
        ),
        ("ERROR:root:boom", "Python basic logging | - | error=error | - | boom"),
        ("E20250106 00:00:00.123456   1 f.cc:1] boom", "klog | 2025-01-06T00:00:00.123456+00:00 | e=error | - | boom"),
        (
            "E, [2025-01-06T00:00:00.123 #1] ERROR -- : db down",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | error=error | - | db down",
        ),
        (
            "2025-01-06T00:00:00.000Z \u{1b}[31merror\u{1b}[39m: db down",
            "dated text | 2025-01-06T00:00:00+00:00 | error=error | - | db down",
        ),
        (
            "\u{1b}[2m2025-01-06T00:00:00.000000Z\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m \u{1b}[2mapp\u{1b}[0m: x",
            "dated text | 2025-01-06T00:00:00+00:00 | error=error | - | app: x",
        ),
        (
            "2025-01-06 00:00:00.1234|ERROR|MyApp.Main|db down",
            "dated text | 2025-01-06T00:00:00.123400+00:00 | error=error | - | MyApp.Main|db down",
        ),
        (
            "01-06 00:00:00.123  1234  5678 E Tag: db down",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | e=error | - | Tag: db down",
        ),
        (
            "2025-01-06 00:00:00 errors: 0 warnings: 0",
            "dated text | 2025-01-06T00:00:00+00:00 | info=- | - | errors: 0 warnings: 0",
        ),
        (
            "2025-01-06 00:00:00,123 [uvicorn.error] INFO: Started",
            "dated text | 2025-01-06T00:00:00.123000+00:00 | info=info | - | Started",
        ),
        (
            "2025-01-06T00:00:00.000000000Z {\"level\":\"error\",\"msg\":\"boom\"}",
            "dated text | 2025-01-06T00:00:00+00:00 | error=error | - | boom",
        ),
        (
            "2025-01-06T00:00:00.000000000Z level=info msg=\"no ERROR: x\"",
            "dated text | 2025-01-06T00:00:00+00:00 | info=info | - | no ERROR: x",
        ),
        (
            "2025-01-06T00:00:00.000000000Z E0106 00:00:00.1 1 f.go:1] boom",
            "dated text | 2025-01-06T00:00:00+00:00 | e=error | - | boom",
        ),
        (
            "2025-01-06T00:00:00.123456+00:00 host app[1]: {\"level\":\"info\",\"msg\":\"no ERROR at all\"}",
            "dated text | 2025-01-06T00:00:00.123456+00:00 | info=info | - | no ERROR at all",
        ),
        (
            "2025-01-06 00:00:00 INFO app: level=error in the settings",
            "dated text | 2025-01-06T00:00:00+00:00 | info=info | - | app: level=error in the settings",
        ),
        (
            "2025-01-06T00:00:00.1Z stderr F [ERROR] db down",
            "Kubernetes CRI | 2025-01-06T00:00:00.100000+00:00 | error=error | - | [ERROR] db down",
        ),
        (
            "Jan  6 00:00:00 host app[1]: {\"level\":\"error\",\"msg\":\"boom\"}",
            "syslog RFC 3164 | 2025-01-06T00:00:00+00:00 | error=error | - | boom",
        ),
        (
            "<14>1 2025-01-06T00:00:00Z h app 1 - - ERROR:root:boom",
            "syslog RFC 5424 | 2025-01-06T00:00:00+00:00 | error=error | - | boom",
        ),
        (
            "<11>1 2025-01-06T00:00:00Z h app 1 - - INFO:root:boom",
            "syslog RFC 5424 | 2025-01-06T00:00:00+00:00 | 3=error | - | boom",
        ),
        (
            "Jan  6 00:00:00 host app[1]: errors: 0",
            "syslog RFC 3164 | 2025-01-06T00:00:00+00:00 | info=- | - | app[1]: errors: 0",
        ),
        ("a=b is no log", "none"),
        ("ERROR: x", "none"),
        ("2025-13-06 00:00:00 x", "none"),
        ("  at x", "none"),
        ("", "none"),
    ] {
        assert_eq!(show(line), expect, "{line}");
    }
}

#[test]
fn the_worse_level_of_a_line_in_a_line_counts() {
    let docker = |log: &str| format!(r#"{{"log":{},"stream":"stderr","time":"2025-01-06"}}"#, serde_json::json!(log));
    let journal = |priority: &str, message: serde_json::Value| {
        let time = "1736121600000001";
        serde_json::json!({"__REALTIME_TIMESTAMP": time, "PRIORITY": priority, "MESSAGE": message}).to_string()
    };
    for (line, level, message) in [
        (docker("ERROR db down\n"), "error=error", "ERROR db down"),
        (docker("[ERROR] db down\n"), "error=error", "[ERROR] db down"),
        (docker("12:00:01.123 [main] ERROR a.b - x\n"), "error=error", "12:00:01.123 [main] ERROR a.b - x"),
        (docker("\u{1b}[31mERROR\u{1b}[0m db down\n"), "error=error", "ERROR db down"),
        (docker("\u{1b}[2m2025-01-06T00:00:00Z\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m x\n"), "error=error", "x"),
        (docker("no errors so far\n"), "info=-", "no errors so far"),
        (docker("errors: 0\n"), "info=-", "errors: 0"),
        (docker("{\"level\":\"error\",\"msg\":\"long"), "error=error", "{\"level\":\"error\",\"msg\":\"long"),
        (journal("6", "{\"level\":\"error\",\"msg\":\"boom\"}".into()), "error=error", "boom"),
        (journal("6", "ERROR:root:boom".into()), "error=error", "boom"),
        (journal("6", b"\x1b[31mERROR\x1b[0m x".to_vec().into()), "error=error", "ERROR x"),
        (journal("6", "the last error: none".into()), "6=info", "the last error: none"),
        (journal("3", "INFO: refused".into()), "3=error", "INFO: refused"),
    ] {
        let shown = show(&line);
        let parts: Vec<&str> = shown.split(" | ").collect();
        assert_eq!((parts[2], parts[4]), (level, message), "{line}");
    }
    let cut = |text: &str| parse(docker(text).as_bytes()).is_some_and(|record| record.is_cut());
    assert!(cut("{\"msg\":\"long"));
    assert!(!cut("{\"level\":\"info\",\"msg\":\"long"));
    assert!(!cut("{cluster} is up\n"));
    assert!(!cut("{\"a\" = 1}\n"));
}

#[test]
fn lines_in_lines_end_somewhere() {
    let line = "2025-01-06T00:00:00Z stdout F ".repeat(100_000) + "x";
    assert!(parse(line.as_bytes()).is_some_and(|record| record.message().is_some()));
    assert!(parse("2025-01-06 00:00:00 ".repeat(100_000).as_bytes()).is_some());
}

#[test]
fn crashes_hide_anywhere_in_a_record() {
    for (line, expect) in [
        (
            r#"{"level":"info","payload":{"structured":{"exc_info":"Traceback (most recent call last)\n"}}}"#,
            Some(Kind::StackTrace),
        ),
        (r#"{"level":40,"err":{"message":"x","stack":"Error: x\n    at f (/a.js:1:2)"}}"#, Some(Kind::StackTrace)),
        (
            r#"{"attributes":[{"key":"exception.stacktrace","value":{"stringValue":"E\n\tat a.B(C.java:1)"}}]}"#,
            Some(Kind::StackTrace),
        ),
        (r#"{"log":"panic: boom\n","stream":"stderr","time":"2025-01-06"}"#, Some(Kind::Panic)),
        (r#"{"event":"Unhandled exception","message":"x"}"#, Some(Kind::Uncaught)),
        (r#"{"exception":[{"exc_type":"ValueError"}]}"#, Some(Kind::Exception)),
        (r#"{"log":"    at f (/a.js:1:2)\n","stream":"stderr","time":"2025-01-06"}"#, Some(Kind::StackTrace)),
        (r#"{"log":"    at noon (local)\n","stream":"stderr","time":"2025-01-06"}"#, None),
        ("2025-01-06T00:00:00.1Z stderr F \tat a.B.c(D.java:1)", Some(Kind::StackTrace)),
        ("Jan  6 00:00:00 h app[1]:     at f (/a.js:1:2)", Some(Kind::StackTrace)),
        ("<14>1 2025-01-06T00:00:00Z h app 1 - -    at A.B.F()", Some(Kind::StackTrace)),
        ("2025-01-06T00:00:00Z host app[1]:     at A.B.F()", Some(Kind::StackTrace)),
        (
            r#"{"__REALTIME_TIMESTAMP":"1","PRIORITY":"6","MESSAGE":"a.rb:3:in `foo': boom (RuntimeError)"}"#,
            Some(Kind::StackTrace),
        ),
        (
            r#"{"log":"x\\n    at f (/a.js:1:2)\\n    at g (/a.js:3:4)\",\"level\":\"info\"}\n","stream":"stderr","time":"2025-01-06"}"#,
            Some(Kind::StackTrace),
        ),
        (r#"{"last_exception":null,"message":"tick","exception":"","stack":[]}"#, None),
        (r#"{"last_exception":"TimeoutError","message":"handled"}"#, None),
    ] {
        assert_eq!(parse(line.as_bytes()).and_then(|record| record.crash()), expect, "{line}");
    }
}
