//! One log record: time, level, event and message of a line, whichever dialect wrote it.

use std::borrow::Cow;

use super::classify::{self, Kind};
use super::dialect::{self, Clock, Dialect, KEYS, Role, Scale, bit};
use super::json::{Members, Raw, Text};
use super::level::Level;
use super::{logfmt, plain};
use crate::finding::Metadata;
use crate::time::{Stamp, is_blank};

/// How deep exceptions and stack traces are looked for inside a record.
const SEARCH_DEPTH: u8 = 8;

/// A log record. It borrows from its line, and texts are decoded only when asked for.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The dialect of this line.
    pub dialect: Dialect,
    /// When it happened; none where the line does not say, or says it unusably.
    pub at: Option<Stamp>,
    level: Option<(Raw<'a>, Scale)>,
    event: Raw<'a>,
    message: Raw<'a>,
    pub(super) keys: u64,
    /// The whole line.
    body: &'a [u8],
    /// What the line inside this one says, for dialects that wrap lines.
    inner: Option<Box<Inner>>,
}

/// The record inside a wrapped line, which may be escaped and so cannot be borrowed.
#[derive(Clone, Debug)]
struct Inner {
    level: Option<(Level, String)>,
    event: Option<String>,
    message: Option<String>,
    traces: Vec<String>,
}

/// Reads one line; none when it is neither a JSON object nor text that states a time or a level.
///
/// The line may still lack a usable time ([`Record::at`]). Times without a year (syslog, klog) count as none; see
/// [`parse_near`].
pub fn parse(line: &[u8]) -> Option<Record<'_>> {
    parse_near(line, None)
}

/// [`parse`] for lines that were written before `written`, such as the time of their file: times without a year get
/// the last year that lies before it.
pub fn parse_near(line: &[u8], written: Option<Stamp>) -> Option<Record<'_>> {
    let line = trim(line);
    match line.first()? {
        b'{' => Record::of_json(line),
        _ => plain::parse(line, written),
    }
}

/// Cuts blanks from both ends.
pub(super) fn trim(line: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | 0x1c..=0x1f);
    let start = line.iter().position(|b| !blank(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    let line = &line[start..end];
    // Blanks beyond ASCII are rare; look only where one could be.
    match (line.first(), line.last()) {
        (Some(0..0x80), Some(0..0x80)) | (None, _) => line,
        _ => std::str::from_utf8(line).map_or(line, |text| text.trim_matches(is_blank).as_bytes()),
    }
}

impl<'a> Record<'a> {
    /// A record of plain text: the whole line, and the parts of it.
    pub(super) fn of_text(
        dialect: Dialect,
        line: &'a [u8],
        at: Option<Stamp>,
        level: Option<&'a [u8]>,
        message: &'a [u8],
    ) -> Self {
        let text = |bytes| Raw::Text(Text { bytes, escaped: false });
        Self {
            dialect,
            at,
            level: level.map(|word| (text(word), Scale::Auto)),
            event: Raw::Null,
            message: text(message),
            keys: 0,
            body: line,
            inner: None,
        }
    }

    /// The same record with the level read as a syslog severity.
    pub(super) fn with_syslog_level(mut self, digit: &'a [u8]) -> Self {
        self.level = Some((Raw::Number(digit), Scale::Syslog));
        self
    }

    /// The record of a line that wraps `line`, and has its own time.
    pub(super) fn wrapping(dialect: Dialect, at: Option<Stamp>, whole: &'a [u8], line: &'a [u8]) -> Self {
        let inner = Inner::of(&String::from_utf8_lossy(line));
        Self { inner: Some(Box::new(inner)), ..Self::of_text(dialect, whole, at, None, line) }
    }

    /// A record of `key=value` pairs.
    pub(super) fn of_pairs(line: &'a [u8], pairs: impl Iterator<Item = (Text<'a>, Raw<'a>)>) -> Option<Self> {
        let mut fields = Fields::default();
        pairs.for_each(|(key, value)| fields.add(key, value));
        let stated = fields.time.0 != LAST || fields.level.0 != LAST;
        stated.then(|| Self { dialect: Dialect::Logfmt, ..fields.record(line) })
    }

    /// The members of the record, of whichever dialect.
    fn members(&self) -> impl Iterator<Item = (Text<'a>, Raw<'a>)> + use<'a> {
        let pairs = (self.dialect == Dialect::Logfmt).then(|| logfmt::pairs(self.body));
        let members = if pairs.is_some() { None } else { Members::new(self.body) };
        members.into_iter().flatten().flatten().chain(pairs.into_iter().flatten())
    }

    /// Reads a line that is one JSON object; none when it is not.
    #[inline]
    fn of_json(line: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::default();
        for member in Members::new(line)? {
            let (key, value) = member.ok()?;
            fields.add(key, value);
        }
        Some(fields.record(line))
    }

    /// The level; none where the record states none.
    pub fn level(&self) -> Option<Level> {
        if let Some(Inner { level: Some((level, _)), .. }) = self.inner.as_deref() {
            return Some(*level);
        }
        let level = match self.level {
            Some((raw, scale)) => self.read_level(raw, scale)?,
            // CLEF leaves out the level of ordinary records.
            None => return (self.keys & bit("@t") != 0).then_some(Level::Info),
        };
        if level == Level::Unknown && self.keys.count_ones() > 0 {
            Some(self.other_level().unwrap_or(level))
        } else {
            Some(level)
        }
    }

    fn read_level(&self, raw: Raw<'a>, scale: Scale) -> Option<Level> {
        let number = raw.number().or_else(|| raw.string().and_then(|text| text.trim().parse().ok()));
        Some(match (number, scale) {
            (Some(number), Scale::Python) => Level::from_python(number),
            (Some(number), Scale::Syslog) => Level::from_syslog(number),
            (Some(number), Scale::Otlp) => Level::from_otlp(number),
            (Some(number), Scale::Auto)
                if self.keys & (bit("short_message") | bit("facility")) != 0 && number < 8.0 =>
            {
                Level::from_syslog(number)
            }
            // Zero is "no level" in our own form, and no step of the scale.
            (Some(0.0), Scale::Auto) if matches!(raw, Raw::Number(_)) => return None,
            (Some(number), Scale::Auto) => Level::from_scale(number),
            (None, _) => match raw {
                Raw::Text(text) => Level::from_word(&text.decode()),
                _ => Level::Unknown,
            },
        })
    }

    /// A level that another key states in known words, such as `level_name` beside a number of its own scale.
    fn other_level(&self) -> Option<Level> {
        self.members().find_map(|(key, value)| match KEYS.get(dialect::find(key.bytes)?)?.1 {
            Role::Level(rank, scale) if rank > 2 => {
                self.read_level(value, scale).filter(|level| *level != Level::Unknown)
            }
            _ => None,
        })
    }

    /// The level in the words of the log, trimmed and in lower case; `info` where none is stated.
    pub fn level_word(&self) -> Cow<'a, str> {
        if let Some(Inner { level: Some((_, word)), .. }) = self.inner.as_deref() {
            return Cow::Owned(word.clone());
        }
        match self.level {
            _ if self.level().is_none() => Cow::Borrowed("info"),
            None => Cow::Borrowed("info"),
            Some((raw, _)) => {
                let text = raw.to_text();
                let trimmed = text.trim_matches(is_blank);
                if trimmed.len() == text.len() && !trimmed.chars().any(char::is_uppercase) {
                    text
                } else {
                    Cow::Owned(trimmed.to_lowercase())
                }
            }
        }
    }

    /// The event's name; none where the record has none.
    pub fn event(&self) -> Option<Cow<'a, str>> {
        match (&self.inner, self.event) {
            (Some(inner), Raw::Null) => inner.event.clone().map(Cow::Owned),
            (_, Raw::Null) => None,
            (_, event) => Some(event.to_text()),
        }
    }

    /// The message: the first of the message keys that says something, else the event.
    pub fn message(&self) -> Option<Cow<'a, str>> {
        match &self.inner {
            Some(inner) => inner.message.clone().map(Cow::Owned),
            None if self.message == Raw::Null => self.event(),
            None => Some(self.message.to_text()),
        }
    }

    /// What to call the record: its event, else its message.
    pub fn label(&self) -> Option<Cow<'a, str>> {
        self.event().filter(|event| !event.is_empty()).or_else(|| self.message()).filter(|label| !label.is_empty())
    }

    /// The texts of fields named after exceptions and stack traces, at any depth.
    pub fn traces(&self) -> Vec<Cow<'a, str>> {
        let mut found = Vec::new();
        search(&mut found, self.members(), SEARCH_DEPTH);
        if let Some(inner) = &self.inner {
            found.extend(inner.traces.iter().cloned().map(Cow::Owned));
        }
        found
    }

    /// Whether the record shows a crash: in its message or in the fields named after exceptions.
    pub fn crash(&self) -> Option<Kind> {
        let traces = self.traces();
        let event = self.event().filter(|_| self.message != Raw::Null).unwrap_or_default();
        classify::record(&self.message().unwrap_or_default(), &traces).or_else(|| classify::text(&event))
    }

    /// Every field but those of time, level, event and message, for the details of a finding.
    pub fn payload(&self) -> Metadata {
        self.members()
            .filter(|(key, _)| key.escaped || !dialect::is_core(key.bytes))
            .map(|(key, value)| (key.decode().into_owned(), value.to_value()))
            .collect()
    }

    /// The records inside a line that holds many, as OpenTelemetry exports them; none for all other lines.
    pub fn batch(&self) -> Option<Vec<Record<'a>>> {
        if self.keys & bit("resourceLogs") == 0 {
            return None;
        }
        let mut records = Vec::new();
        for resource in list(self.body, b"resourceLogs") {
            for scope in list(resource, b"scopeLogs") {
                records.extend(list(scope, b"logRecords").filter_map(Record::of_json));
            }
        }
        Some(records)
    }
}

/// The objects in the array under `key`.
fn list<'a>(object: &'a [u8], key: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    member(object, key).into_iter().flat_map(Raw::elements).filter_map(|element| match element {
        Raw::Object(bytes) => Some(bytes),
        _ => None,
    })
}

/// The value under `key`, the last where there are several.
fn member<'a>(object: &'a [u8], key: &[u8]) -> Option<Raw<'a>> {
    Members::new(object)?.flatten().filter(|(name, _)| name.bytes == key).map(|(_, value)| value).last()
}

/// Fields named after exceptions and traces, wherever they are.
fn search<'a>(found: &mut Vec<Cow<'a, str>>, members: impl Iterator<Item = (Text<'a>, Raw<'a>)>, depth: u8) {
    let members: Vec<_> = members.collect();
    // OpenTelemetry writes members as `{"key": "exception.stacktrace", "value": …}`.
    let key_of_pair = members.iter().find(|(key, _)| key.bytes == b"key").and_then(|(_, name)| name.string());
    let pair = key_of_pair.is_some_and(|name| names_a_trace(&name));
    for (key, value) in members {
        let named = names_a_trace(&key.decode()) || (pair && key.bytes == b"value");
        match value {
            Raw::Text(text) if named => found.push(text.decode()),
            Raw::Bool(true) if named && key.bytes.ends_with(b"xception") => found.push(Cow::Borrowed("true")),
            Raw::Array(bytes) | Raw::Object(bytes) => {
                if named && value.is_truthy() {
                    // Frames as a list, or an exception as an object: the texts in it, one to a line.
                    let mut lines = Vec::new();
                    texts(&mut lines, value, depth);
                    let all = lines.join("\n");
                    found.push(if all.is_empty() { String::from_utf8_lossy(bytes) } else { Cow::Owned(all) });
                }
                if depth > 0 {
                    let objects = value.members().into_iter().chain(value.elements().filter_map(Raw::members));
                    objects.for_each(|members| {
                        search(found, members.flatten(), depth - 1);
                    });
                }
            }
            _ => {}
        }
    }
}

fn texts(lines: &mut Vec<String>, value: Raw<'_>, depth: u8) {
    match value {
        Raw::Text(text) => lines.push(text.decode().into_owned()),
        Raw::Array(_) | Raw::Object(_) if depth > 0 => {
            value.elements().for_each(|element| texts(lines, element, depth - 1));
            value.members().into_iter().flatten().flatten().for_each(|(_, member)| texts(lines, member, depth - 1));
        }
        _ => {}
    }
}

fn names_a_trace(key: &str) -> bool {
    let lower = key.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "stack" | "@x" | "exc_info" | "exc_text" | "backtrace" | "errorverbose" | "full_message" | "stacktrace"
    ) || ["exception", "traceback", "stacktrace", "stack_trace", ".stack", "backtrace"]
        .iter()
        .any(|end| lower.ends_with(end))
}

/// The roles of a JSON record while its members are read.
struct Fields<'a> {
    keys: u64,
    time: (u8, Raw<'a>, Clock),
    level: (u8, Raw<'a>, Scale),
    message: (u8, Raw<'a>),
    event: Raw<'a>,
    numeric_level: bool,
    nested: Option<Vec<(&'static str, Raw<'a>)>>,
}

/// A rank behind all others.
const LAST: u8 = u8::MAX;

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            keys: 0,
            time: (LAST, Raw::Null, Clock::Auto),
            level: (LAST, Raw::Null, Scale::Auto),
            message: (LAST, Raw::Null),
            event: Raw::Null,
            numeric_level: false,
            nested: None,
        }
    }
}

impl<'a> Fields<'a> {
    #[inline]
    fn add(&mut self, key: Text<'a>, value: Raw<'a>) {
        let Some(at) = dialect::find(key.bytes) else { return };
        let (name, role) = KEYS[at];
        self.keys |= 1 << at;
        match role {
            Role::Time(rank, clock) => self.time_is(rank, value, clock),
            Role::Level(rank, scale) => self.level_is(rank, value, scale),
            Role::Event => self.event = value,
            Role::Message(rank) => self.message_is(rank, value),
            Role::Nested => self.nested.get_or_insert_default().push((name, value)),
            Role::Mark => {}
        }
    }

    #[inline]
    fn time_is(&mut self, rank: u8, value: Raw<'a>, clock: Clock) {
        if rank <= self.time.0 && value.is_truthy() {
            self.time = (rank, value, clock);
        }
    }

    #[inline]
    fn level_is(&mut self, rank: u8, value: Raw<'a>, scale: Scale) {
        let number = matches!(value, Raw::Number(_));
        if rank <= self.level.0 && (value.is_truthy() || number) {
            self.level = (rank, value, scale);
            self.numeric_level = number;
        }
    }

    #[inline]
    fn message_is(&mut self, rank: u8, value: Raw<'a>) {
        if rank <= self.message.0 && value.is_truthy() {
            self.message = (rank, value);
        }
    }

    fn record(mut self, line: &'a [u8]) -> Record<'a> {
        let mut inner = None;
        for (name, value) in self.nested.take().unwrap_or_default() {
            match (name, value) {
                ("log", Raw::Text(text)) => {
                    if self.keys & (bit("stream") | bit("time")) == bit("stream") | bit("time") {
                        inner = Some(Box::new(Inner::of(&text.decode())));
                    } else {
                        self.message_is(10, value);
                    }
                }
                ("log", Raw::Object(bytes)) => {
                    if let Some(level) = member(bytes, b"level") {
                        self.level_is(3, level, Scale::Auto);
                    }
                }
                ("body", Raw::Object(bytes)) if self.keys & bit("timeUnixNano") != 0 => {
                    if let Some((_, text)) = Members::new(bytes).into_iter().flatten().flatten().next() {
                        self.message_is(9, text);
                    }
                }
                ("body", Raw::Text(_)) => self.message_is(9, value),
                ("record", Raw::Object(bytes)) => self.loguru(bytes),
                ("fields", Raw::Object(bytes)) => {
                    if let Some(message) = member(bytes, b"message") {
                        self.message_is(11, message);
                    }
                }
                ("jsonPayload", Raw::Object(bytes)) => {
                    for (key, value) in Members::new(bytes).into_iter().flatten().flatten() {
                        match key.bytes {
                            b"message" | b"msg" => self.message_is(12, value),
                            b"event" if self.event == Raw::Null => self.event = value,
                            b"level" | b"severity" => self.level_is(14, value, Scale::Auto),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if let (Raw::Object(bytes), true) = (self.event, self.keys & (bit("@timestamp") | bit("log.level")) != 0) {
            // In ECS the event is an object, and its action is the name.
            self.event = member(bytes, b"action").unwrap_or(Raw::Null);
        }
        if self.event == Raw::Null && self.keys & bit("eventName") != 0 {
            self.event = member(line, b"eventName").unwrap_or(Raw::Null);
        }
        let (rank, raw, clock) = self.time;
        let at = if rank == LAST { None } else { read_time(raw, clock).or_else(|| other_time(line)) };
        let level = (self.level.0 != LAST).then_some((self.level.1, self.level.2));
        let dialect = dialect::detect(self.keys, self.numeric_level);
        Record { dialect, at, level, event: self.event, message: self.message.1, keys: self.keys, body: line, inner }
    }

    /// `{"text": …, "record": {"level": {"name": …, "no": …}, "time": {"timestamp": …}, "message": …}}`
    fn loguru(&mut self, record: &'a [u8]) {
        if self.keys & bit("text") == 0 {
            return;
        }
        for (key, value) in Members::new(record).into_iter().flatten().flatten() {
            match (key.bytes, value) {
                (b"message", _) => self.message_is(13, value),
                (b"level", Raw::Object(level)) => {
                    if let Some(name) = member(level, b"name") {
                        self.level_is(15, name, Scale::Auto);
                    }
                }
                (b"time", Raw::Object(time)) => {
                    if let Some(seconds) = member(time, b"timestamp") {
                        self.time_is(14, seconds, Clock::Auto);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Inner {
    fn of(line: &str) -> Self {
        match parse(line.as_bytes()) {
            Some(record) => Self {
                level: record.level().map(|level| (level, record.level_word().into_owned())),
                event: record.event().map(Cow::into_owned),
                message: record.message().map(Cow::into_owned),
                traces: record.traces().into_iter().map(Cow::into_owned).collect(),
            },
            None => {
                let message = Some(line.trim_end_matches(['\r', '\n']).to_owned());
                Self { level: None, event: None, message, traces: Vec::new() }
            }
        }
    }
}

/// The first usable time among all time keys, in the order of their ranks.
fn other_time(line: &[u8]) -> Option<Stamp> {
    let times = Members::new(line)?.flatten().filter_map(|(key, value)| match KEYS.get(dialect::find(key.bytes)?)?.1 {
        Role::Time(rank, clock) => Some((rank, read_time(value, clock)?)),
        _ => None,
    });
    times.min_by_key(|(rank, _)| *rank).map(|(_, at)| at)
}

#[inline]
fn read_time(raw: Raw<'_>, clock: Clock) -> Option<Stamp> {
    match (raw, clock) {
        (Raw::Text(text), Clock::Auto) if !text.escaped => Stamp::parse(std::str::from_utf8(text.bytes).ok()?),
        (Raw::Text(text), Clock::Auto) => Stamp::parse(&text.decode()),
        (Raw::Text(text), Clock::MicrosText) => Stamp::from_micros(std::str::from_utf8(text.bytes).ok()?.parse().ok()?),
        (Raw::Text(text), Clock::NanosText) => {
            Stamp::from_micros(std::str::from_utf8(text.bytes).ok()?.parse::<i64>().ok()?.div_euclid(1000))
        }
        (Raw::Number(digits), _) => from_epoch(digits),
        _ => None,
    }
}

/// A number since the epoch: seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude (seconds
/// until the year 5138).
pub(super) fn from_epoch(digits: &[u8]) -> Option<Stamp> {
    let text = std::str::from_utf8(digits).ok()?;
    if let Ok(number) = text.parse::<i64>() {
        return Stamp::from_micros(match number.unsigned_abs() {
            0 => return None,
            1..100_000_000_000 => number.checked_mul(1_000_000)?,
            100_000_000_000..100_000_000_000_000 => number.checked_mul(1000)?,
            100_000_000_000_000..100_000_000_000_000_000 => number,
            _ => number.div_euclid(1000),
        });
    }
    let number = text.parse::<f64>().ok().filter(|n| n.is_finite() && *n != 0.0)?;
    let micros = match number.abs() {
        n if n < 1e11 => number * 1e6,
        n if n < 1e14 => number * 1e3,
        n if n < 1e17 => number,
        n if n < 1e20 => number / 1e3,
        _ => return None,
    };
    Stamp::from_micros(micros.round_ties_even() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dialect | time | level word = level | event | message`, with `-` for what is absent.
    fn show(line: &str) -> String {
        let written = Stamp::parse("2025-02-01");
        let Some(record) = parse_near(line.as_bytes(), written) else { return "none".to_owned() };
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
                "JSON lines | 2025-01-06T00:00:00+00:00 | 400=error | - | x",
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
            (
                "<14>Jan  6 00:00:00 h app[1]: up",
                "syslog RFC 3164 | 2025-01-06T00:00:00+00:00 | 6=info | - | app[1]: up",
            ),
            (
                "Dec 31 23:59:59 h app[1]: ERROR x",
                "syslog RFC 3164 | 2024-12-31T23:59:59+00:00 | error=error | - | app[1]: ERROR x",
            ),
            ("E0106 00:00:00.000001   12 f.go:3] boom", "klog | 2025-01-06T00:00:00.000001+00:00 | e=error | - | boom"),
            (
                "time=2025-01-06T00:00:00Z level=warn msg=\"a \\\"b\\\"\" n=1",
                "logfmt | 2025-01-06T00:00:00+00:00 | warn=warning | - | a \"b\"",
            ),
            (
                "ts=1736121600.5 lvl=eror event=tick",
                "logfmt | 2025-01-06T00:00:00.500000+00:00 | eror=error | tick | tick",
            ),
            (
                "2025-01-06T00:00:00.123456789Z stderr F {\"level\":50,\"msg\":\"x\"}",
                "Kubernetes CRI | 2025-01-06T00:00:00.123456+00:00 | 50=error | - | x",
            ),
            ("ERROR:root:boom", "Python basic logging | - | error=error | - | boom"),
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
            (r#"{"last_exception":null,"message":"tick","exception":"","stack":[]}"#, None),
            (r#"{"last_exception":"TimeoutError","message":"handled"}"#, None),
        ] {
            assert_eq!(parse(line.as_bytes()).and_then(|record| record.crash()), expect, "{line}");
        }
    }

    #[test]
    fn numbers_since_the_epoch_are_told_apart_by_magnitude() {
        for digits in
            ["1736121600", "1736121600.0", "1736121600000", "1736121600000000", "1736121600000000000", "1.7361216e9"]
        {
            assert_eq!(from_epoch(digits.as_bytes()), Stamp::parse("2025-01-06"), "{digits}");
        }
        for digits in ["0", "NaN", "Infinity", "1e30", "99999999999999999999999"] {
            assert_eq!(from_epoch(digits.as_bytes()), None, "{digits}");
        }
    }
}
