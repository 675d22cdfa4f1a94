//! Access logs of web servers: they state no level, but a policy may say which statuses of responses are errors.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::{Deserialize, Serialize};

use super::dialect::Scale;
use super::record::Record;
use crate::crash::prefilter::AnyOf;
use crate::finding::Status;
use crate::json::pull::{Members, Raw};
use crate::level::Level;

/// The keys of JSON records under which the status of a response is.
const STATUS: [&[u8]; 11] = [
    b"status",
    b"status_code",
    b"statusCode",
    b"http_status",
    b"response_status",
    b"responseStatus",
    b"DownstreamStatus",
    b"EdgeResponseStatus",
    b"httpStatusCode",
    b"http.response.status_code",
    b"response_code",
];
/// The keys beside them that make a record one of a request.
const REQUEST: [&[u8]; 13] = [
    b"request",
    b"request_method",
    b"requestMethod",
    b"RequestMethod",
    b"http_method",
    b"http.request.method",
    b"method",
    b"verb",
    b"request_uri",
    b"httpMethod",
    b"ClientRequestMethod",
    b"req",
    b"reqId",
];
/// Objects in which both may be, one of them in another; one of a response tells of a request by itself.
const HOLDERS: [&[u8]; 5] = [b"httpRequest", b"meta", b"properties", b"res", b"response"];

/// Which statuses of HTTP responses make a record an error or a warning: a class such as `5xx`, or one such as `429`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Statuses {
    /// Those that are errors; none if nobody says which, so that those of the class 5xx are worth a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Vec<String>>,
    /// Those that are warnings, where they are no errors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warn: Vec<String>,
}

/// Letters that are in each line that tells of a response with a status of 5xx: the status with what is before it.
const HINTS: [&str; 19] = [
    "\" 5",
    " 50",
    " 52",
    "/50",
    "/52",
    "tatus\":5",
    "tatus\": 5",
    "tatus\":\"5",
    "tatus\": \"5",
    "tatus\\\":5",
    "tatus=5",
    "tatus=\"5",
    "ode\":5",
    "ode\": 5",
    "ode\":\"5",
    "ode\": \"5",
    "ode\\\":5",
    "ode=5",
    "pleted 5",
];
/// Letters of which some are in logs that tell of requests.
const REQUESTS: [&str; 9] =
    ["HTTP/", "<BADREQ>", " TCP_", "tatus\"", "atus_code", "atusCode", "ponse_code", "tatus=", "Completed "];

/// Whether some lines of a text may tell of requests.
pub(crate) fn may_tell(text: &[u8]) -> bool {
    static SEARCH: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::of(&REQUESTS));
    SEARCH.find(text, 0).is_some()
}

/// The next place at or after `from` where a line may tell of a response with a status of 5xx.
pub(crate) fn find_hint(text: &[u8], from: usize) -> Option<usize> {
    static SEARCH: LazyLock<AnyOf> = LazyLock::new(|| AnyOf::of(&HINTS));
    SEARCH.find(text, from).map(|(at, _)| at)
}

/// Whether a text names a status or a class of them.
///
/// # Errors
/// It does not: what it should look like.
pub fn check(text: &str) -> Result<(), String> {
    let known = match text.as_bytes() {
        [b'1'..=b'5', b'x', b'x'] => true,
        [b'1'..=b'5', tens, ones] => tens.is_ascii_digit() && ones.is_ascii_digit(),
        _ => false,
    };
    if known {
        Ok(())
    } else {
        Err("this is no status of HTTP; write a class such as \"5xx\" or one such as \"503\"".to_owned())
    }
}

impl Statuses {
    /// Whether none is named.
    pub fn is_empty(&self) -> bool {
        self.error.is_none() && self.warn.is_empty()
    }

    /// How many of all statuses are at least of a severity.
    pub fn count(&self, severity: Status) -> usize {
        (100..600_u16).filter(|status| self.level(*status).status() >= severity).count()
    }

    /// The level of a response.
    fn level(&self, status: u16) -> Level {
        let (code, class) = (status.to_string(), format!("{}xx", status / 100));
        let named = |texts: &[String]| texts.iter().any(|text| *text == code || *text == class);
        match () {
            () if named(self.error.as_deref().unwrap_or_default()) => Level::Error,
            () if named(&self.warn) => Level::Warning,
            () => Level::Info,
        }
    }

    /// Gives a record of a request the level of its status, where it states none that is worse.
    pub(crate) fn apply(&self, record: &mut Record<'_>) {
        if self.is_empty() {
            return;
        }
        let Some(level) = status(record).map(|status| self.level(status)) else { return };
        if record.level().is_none_or(|own| own.status() < level.status()) {
            record.level = Some((Raw::Null, Scale::Is(level)));
        }
    }
}

/// Whether a record tells of a response with a status of 5xx.
pub(crate) fn is_server_error(record: &Record<'_>) -> bool {
    status(record).is_some_and(|status| status >= 500)
}

/// The status of the response that a record tells of, if it does.
fn status(record: &Record<'_>) -> Option<u16> {
    let inside = record.inner.as_ref().filter(|inner| inner.json).map(|inner| inner.line.as_bytes());
    let object = inside.or_else(|| record.dialect.is_json().then_some(record.source()));
    in_text(record.source()).or_else(|| in_object(object?))
}

/// Of `"GET / HTTP/1.1" 502 …`, of `0/0/30/69/109 503 … "GET / HTTP/1.1"`, or of `TCP_MISS/502 … GET`, also where the
/// quotes are escaped in JSON.
fn in_text(line: &[u8]) -> Option<u16> {
    static VERSION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("HTTP/"));
    static UNREADABLE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"<BADREQ>"));
    static CACHE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" TCP_"));
    let mut request = None;
    let behind = VERSION.find_iter(line).find_map(|at| {
        let rest = &line[at + "HTTP/".len()..];
        matches!(line[..at].last(), Some(b' ' | b'(')).then_some(())?;
        let version = rest.iter().take(3).take_while(|b| b.is_ascii_digit() || **b == b'.').count();
        let rest = &rest[version..];
        if let Some(request) = rest.strip_prefix(b" ").filter(|_| version > 0) {
            // `(HTTP/1.1 503)`, of uWSGI, and `HTTP/1.1 GET /path 503`, of Windows.
            if request.get(3) == Some(&b')') {
                return number(&request[..3]);
            }
            let mut words = request.split(|b| *b == b' ');
            let method =
                words.next().is_some_and(|method| !method.is_empty() && method.iter().all(u8::is_ascii_uppercase));
            return words.nth(1).filter(|_| method).and_then(number);
        }
        let end = rest.strip_prefix(b"\\").unwrap_or(rest).strip_prefix(b"\"").filter(|_| version > 0)?;
        request.get_or_insert(at);
        word(end.strip_prefix(b" ")?)
    });
    let start = || request.and_then(|at| memchr::memrchr(b'"', &line[..at])).or_else(|| UNREADABLE.find(line));
    behind.or_else(|| behind_times(&line[..start()?])).or_else(|| in_pairs(line)).or_else(|| {
        let rest = &line[CACHE.find(line)? + 1..];
        let result = &rest[..memchr::memchr(b' ', rest)?];
        number(&result[memchr::memchr(b'/', result)? + 1..])
    })
}

/// Of `method=GET path=/ status=502`, and of `Completed 502 Bad Gateway in 3ms`.
fn in_pairs(line: &[u8]) -> Option<u16> {
    static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("status="));
    static CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("status_code="));
    static METHOD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("method="));
    static COMPLETED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Completed "));
    if let Some(at) = COMPLETED.find(line) {
        return word(&line[at + "Completed ".len()..]);
    }
    let value = |key: &Finder<'_>| key.find(line).map(|at| &line[at + key.needle().len()..]);
    let value = value(&STATUS).or_else(|| value(&CODE)).filter(|_| METHOD.find(line).is_some())?;
    word(value.strip_prefix(b"\"").unwrap_or(value))
}

/// A status at the start of a text, as a number of its own.
fn word(text: &[u8]) -> Option<u16> {
    number(text.get(..3)?).filter(|_| text.get(3).is_none_or(|b| !b.is_ascii_digit()))
}

/// Of the words before a request: the status that is behind how long it took.
fn behind_times(before: &[u8]) -> Option<u16> {
    let timed = |word: &[u8]| {
        let part = |b: &u8| matches!(b, b'0'..=b'9' | b'/' | b'.' | b'+' | b'-');
        word.iter().all(part) && word.iter().any(|b| matches!(b, b'/' | b'.'))
    };
    let words = before.split(|b| *b == b' ');
    words.clone().zip(words.skip(1)).find_map(|(times, status)| number(status).filter(|_| timed(times)))
}

fn in_object(object: &[u8]) -> Option<u16> {
    in_members(object, false, 2)
}

/// The status among the members of an object, which is one of a response by its name where `request`, and in objects in
/// it to this depth.
fn in_members(object: &[u8], mut request: bool, depth: u8) -> Option<u16> {
    let (mut status, mut deeper) = (None, None);
    for (key, value) in Members::new(object)?.flatten() {
        request |= REQUEST.contains(&key.bytes);
        if let Raw::Object(inner) = value
            && depth > 0
            && HOLDERS.contains(&key.bytes)
        {
            deeper = deeper.or_else(|| in_members(inner, key.bytes.starts_with(b"res"), depth - 1));
        }
        if STATUS.contains(&key.bytes) {
            status = match value {
                Raw::Number(digits) => number(digits),
                Raw::Text(text) => number(text.bytes),
                _ => None,
            };
        }
    }
    status.filter(|_| request).or(deeper)
}

fn number(digits: &[u8]) -> Option<u16> {
    let [hundreds @ b'1'..=b'5', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = digits else { return None };
    let value = |digit: &u8| u16::from(digit - b'0');
    Some(value(hundreds) * 100 + value(tens) * 10 + value(ones))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::parse;

    #[test]
    fn requests_of_all_servers_get_the_level_of_their_status() {
        let error = Some(vec!["5xx".into(), "499".into()]);
        let statuses = Statuses { error, warn: vec!["4xx".into(), "503".into()] };
        for (line, expect) in [
            (r#"2025-01-06 08:00:00 10.0.0.1 "GET / HTTP/1.1" 200 5 "-" "agent""#, Level::Info),
            (r#"2025-01-06 08:00:00 10.0.0.1 "GET / HTTP/1.1" 404 5 "-" "agent""#, Level::Warning),
            (r#"2025-01-06 08:00:00 10.0.0.1 "GET / HTTP/2" 503"#, Level::Error),
            (r#"2025-01-06 08:00:00 INFO 10.0.0.1:1 - "POST /a HTTP/1.1" 500 Internal Server Error"#, Level::Error),
            (r#"2025-01-06 08:00:00 INFO 10.0.0.1:1 - "POST /a HTTP/1.1" 5000"#, Level::Info),
            (r#"2025-01-06 08:00:00 INFO upstream speaks HTTP/1.1, 502 times"#, Level::Info),
            (
                r#"2025-01-06 08:00:00 lb haproxy[7]: 10.0.0.1:5 [06/Jan/2025:08:00:00.1] in app/a 0/0/-1/-1/+9 503 17 - - SC-- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#,
                Level::Error,
            ),
            (
                r#"2025-01-06 08:00:00 lb haproxy[7]: 10.0.0.1:5 [06/Jan/2025:08:00:00.1] in app/a 0/0/1/2/3 200 503 - - ---- 1/1/0/0/0 0/0 "GET / HTTP/1.1""#,
                Level::Info,
            ),
            (
                r#"2025-01-06 08:00:00 lb haproxy[7]: 10.0.0.1:5 [06/Jan/2025:08:00:00.1] in in/<NOSRV> -1/-1/-1/-1/0 400 187 - - PR-- 1/1/0/0/0 0/0 "<BADREQ>""#,
                Level::Warning,
            ),
            (
                r#"2025-01-06T08:00:00.1Z app/lb/1 10.0.0.1:5 10.0.0.2:80 0.000 0.001 0.000 502 - 34 366 "GET http://a:80/ HTTP/1.1" "agent""#,
                Level::Error,
            ),
            ("2025-01-06 08:00:00 10.0.0.2 50 10.0.0.1 443 HTTP/1.1 GET /a 503 1 AppOffline pool", Level::Error),
            ("2025-01-06 08:00:00 the upgrade to HTTP/2 took 503 ms", Level::Info),
            (r#"2025-01-06 08:00:00 61 10.0.0.1 TCP_MISS/404 507 GET http://a/ - DIRECT/10.0.0.2 -"#, Level::Warning),
            (r#"time=2025-01-06T08:00:00Z level=info method=GET path=/ status=502 duration=3"#, Level::Error),
            (r#"time=2025-01-06T08:00:00Z level=info job=7 status=502"#, Level::Info),
            ("2025-01-06 08:00:00 INFO Completed 500 Internal Server Error in 12ms", Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","status":499,"method":"GET"}"#, Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","status":"502","request":"GET / HTTP/1.1"}"#, Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","level":"info","status":502,"request":{"uri":"/"}}"#, Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","level":"error","status":200,"method":"GET"}"#, Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","httpRequest":{"requestMethod":"GET","status":404}}"#, Level::Warning),
            (r#"{"time":"2025-01-06T08:00:00Z","level":"info","status":502,"jobs":3}"#, Level::Info),
            (r#"{"time":"2025-01-06T08:00:00Z","level":30,"reqId":"1","res":{"statusCode":500}}"#, Level::Error),
            (r#"{"time":"2025-01-06T08:00:00Z","meta":{"req":{},"res":{"statusCode":404}}}"#, Level::Warning),
            (r#"{"time":"2025-01-06T08:00:00Z","meta":{"statusCode":500}}"#, Level::Info),
            ("2025-01-06 08:00:00 GET / => 12 bytes in 3 msecs (HTTP/1.1 500) 2 headers", Level::Error),
            (
                r#"{"log":"10.0.0.1 - \"GET / HTTP/1.1\" 500 5\n","stream":"stdout","time":"2025-01-06T08:00:00Z"}"#,
                Level::Error,
            ),
            (
                r#"{"log":"{\"status\":404,\"method\":\"GET\"}\n","stream":"stdout","time":"2025-01-06T08:00:00Z"}"#,
                Level::Warning,
            ),
        ] {
            let mut record = parse::parse(line.as_bytes()).expect("a record");
            let before = record.level();
            Statuses::default().apply(&mut record);
            assert_eq!(record.level(), before, "{line}");
            statuses.apply(&mut record);
            assert_eq!(record.level().unwrap_or(Level::Info).status(), expect.status(), "{line}");
            if is_server_error(&record) {
                assert!(may_tell(line.as_bytes()) && find_hint(line.as_bytes(), 0).is_some(), "{line}");
            }
        }
        assert_eq!((statuses.count(Status::Fail), statuses.count(Status::Warn)), (101, 200));
    }

    #[test]
    fn a_status_is_a_class_or_three_digits() {
        for (text, expect) in
            [("5xx", true), ("404", true), ("6xx", false), ("50x", false), ("5XX", false), ("", false)]
        {
            assert_eq!(check(text).is_ok(), expect, "{text}");
        }
    }
}
