//! The log dialects that are recognised, each in one row, and the JSON keys that carry time, level, event and
//! message in them. `runbooks/formats.md` shows the same list; a test keeps the two together.

use crate::level::Level;

/// A way of writing log records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "the rows of DIALECTS say what each one is")]
pub enum Dialect {
    Captured,
    Otlp,
    Docker,
    Loguru,
    Journald,
    Gelf,
    Clef,
    DotNet,
    Gcp,
    Ecs,
    Tracing,
    Bunyan,
    Pino,
    Zap,
    Slog,
    Zerolog,
    PythonJson,
    OwnForm,
    Structlog,
    Winston,
    Json,
    Logfmt,
    Cri,
    Syslog5424,
    Syslog3164,
    Klog,
    Dated,
    PythonBasic,
}

/// One row of the table of dialects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The dialect.
    pub dialect: Dialect,
    /// Its name in reports.
    pub name: &'static str,
    /// How it is recognised: keys that are all there, or the shape of the line.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test that writes the runbook's table"))]
    pub marks: &'static str,
    /// Keys that must all be there; empty for dialects that are no JSON.
    keys: &'static [&'static str],
    /// Whether `level` must be a number (or must not be one).
    numeric_level: Option<bool>,
    /// Where time, level, event and message are.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the test that writes the runbook's table"))]
    pub fields: &'static str,
}

const fn json(
    dialect: Dialect,
    name: &'static str,
    marks: &'static str,
    keys: &'static [&'static str],
    fields: &'static str,
) -> Row {
    Row { dialect, name, marks, keys, numeric_level: None, fields }
}

const fn plain(dialect: Dialect, name: &'static str, marks: &'static str, fields: &'static str) -> Row {
    Row { dialect, name, marks, keys: &[], numeric_level: None, fields }
}

impl Row {
    const fn numeric(mut self, numeric: bool) -> Self {
        self.numeric_level = Some(numeric);
        self
    }
}

/// All dialects. For JSON lines the first row whose keys are all there names the dialect; the fields are read in the
/// same way whatever the name.
#[rustfmt::skip]
pub(crate) static DIALECTS: [Row; 31] = [
    json(Dialect::Captured, "emp-ops capture", "`stream`, `payload`, `message`", &["stream", "payload", "message"], "`timestamp`, `level`, `event`, `message`; the captured line in `payload`"),
    json(Dialect::Otlp, "OTLP JSON", "`resourceLogs`", &["resourceLogs"], "each log record: `timeUnixNano`, `severityText` or `severityNumber`, `eventName`, `body`"),
    json(Dialect::Otlp, "OTLP JSON", "`timeUnixNano`", &["timeUnixNano"], "`timeUnixNano`, `severityText` or `severityNumber`, `eventName`, `body`"),
    json(Dialect::Docker, "Docker json-file", "`log`, `stream`, `time`", &["log", "stream", "time"], "`time`; the line inside `log` is read as a line of its own"),
    json(Dialect::Loguru, "loguru serialize", "`text`, `record`", &["text", "record"], "in `record`: `time.timestamp`, `level.name`, `message`, `exception`"),
    json(Dialect::Journald, "journald export JSON", "`__REALTIME_TIMESTAMP`", &["__REALTIME_TIMESTAMP"], "`__REALTIME_TIMESTAMP` (microseconds), `PRIORITY` (syslog), `MESSAGE`, read as a line of its own"),
    json(Dialect::Gelf, "GELF", "`short_message`, `version`", &["short_message", "version"], "`timestamp`, `level` (syslog), `short_message`, `full_message`"),
    json(Dialect::Clef, "Serilog CLEF", "`@t`", &["@t"], "`@t`, `@l` (absent: information), `@m` or `@mt`, `@x`"),
    json(Dialect::DotNet, ".NET console JSON", "`LogLevel`, `Category`", &["LogLevel", "Category"], "`Timestamp`, `LogLevel`, `Message`, `Exception`"),
    json(Dialect::Gcp, "Google Cloud logging", "`severity`, `jsonPayload`", &["severity", "jsonPayload"], "`timestamp`, `severity`, `jsonPayload.message`"),
    json(Dialect::Gcp, "Google Cloud logging", "`severity`, `textPayload`", &["severity", "textPayload"], "`timestamp`, `severity`, `textPayload`"),
    json(Dialect::Ecs, "ECS", "`@timestamp`, `log.level`", &["@timestamp", "log.level"], "`@timestamp`, `log.level`, `event.action`, `message`, `error.stack_trace`"),
    json(Dialect::Ecs, "ECS", "`@timestamp`, `log` (nested)", &["@timestamp", "log"], "the same, nested"),
    json(Dialect::Tracing, "Rust tracing JSON", "`fields`, `target`", &["fields", "target"], "`timestamp`, `level`, `fields.message`"),
    json(Dialect::Bunyan, "bunyan", "`v`, `name`, `hostname`, `pid`", &["v", "name", "hostname", "pid"], "`time`, `level` (10 to 60), `msg`, `err.stack`"),
    json(Dialect::Pino, "pino", "`level` (number), `time`", &["level", "time"], "`time` (ms), `level` (10 to 60), `msg`, `err.stack`").numeric(true),
    json(Dialect::Zap, "zap", "`ts`, `level`, `msg`", &["ts", "level", "msg"], "`ts` (seconds), `level`, `msg`, `stacktrace`"),
    json(Dialect::Slog, "Go slog JSON", "`time`, `level`, `msg`", &["time", "level", "msg"], "`time`, `level` (also `INFO+2`), `msg`"),
    json(Dialect::Zerolog, "zerolog", "`time`, `level`, `message`", &["time", "level", "message"], "`time` (text, seconds or ms), `level`, `message`, `stack`").numeric(false),
    json(Dialect::PythonJson, "python-json-logger", "`levelname`, `message`", &["levelname", "message"], "`asctime` or `timestamp`, `levelname`, `message`, `exc_info`"),
    json(Dialect::OwnForm, "structured log", "`timestamp`, `level`, `event`, `message`", &["timestamp", "level", "event", "message"], "`timestamp`, `level`, `event`, `message`, `exception`, `traceback`, `stack_trace`"),
    json(Dialect::Structlog, "structlog", "`event`, `level`, `timestamp`", &["event", "level", "timestamp"], "`timestamp`, `level`, `event`, `exception`"),
    json(Dialect::Winston, "winston", "`level`, `message`, `timestamp`", &["level", "message", "timestamp"], "`timestamp`, `level`, `message`, `stack`"),
    json(Dialect::Json, "JSON lines", "any other JSON object", &[], "the first usable one of all keys above"),
    plain(Dialect::Logfmt, "logfmt", "`key=value` pairs with a time or a level", "`time`, `ts` or `t`; `level` or `lvl`; `event`; `msg` or `message`"),
    plain(Dialect::Cri, "Kubernetes CRI", "`<RFC 3339> stdout F …`", "the time; the rest is read as a line of its own"),
    plain(Dialect::Syslog5424, "syslog RFC 5424", "`<PRI>1 <RFC 3339> …`", "the time; the severity in `<PRI>`; the message, read as a line of its own"),
    plain(Dialect::Syslog3164, "syslog RFC 3164", "`Jan  6 00:00:00 host tag: …`, with or without `<PRI>`", "the time, in the year that fits the file; the severity in `<PRI>`; the message, read as a line of its own"),
    plain(Dialect::Klog, "klog", "`E0106 00:00:00.000000 …]`, also with the year", "the time, in the year that fits the file; the first letter; the message"),
    plain(Dialect::Dated, "dated text", "a line that starts with a date and time: Python logging, log4j, logback, nginx, Apache, env_logger, loguru, Go log, NLog, Ruby, Android", "the date; the first level word near it; the rest"),
    plain(Dialect::PythonBasic, "Python basic logging", "`ERROR:name:…`", "no time; the level; the message"),
];

impl Dialect {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        DIALECTS.iter().find(|row| row.dialect == self).map_or("JSON lines", |row| row.name)
    }

    /// Whether a record that states no level has one all the same: that of its stream, or the usual one.
    pub fn has_default_level(self) -> bool {
        matches!(self, Self::Captured | Self::Clef)
    }

    /// Whether its records are JSON objects, one to a line.
    pub fn is_json(self) -> bool {
        self <= Self::Json
    }
}

/// How a time is written where it is not text of ISO 8601 or a number of plain magnitude.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// ISO 8601 text, or a number told apart by its magnitude.
    Auto,
    /// A number in text: microseconds since the epoch.
    MicrosText,
    /// A number in text: nanoseconds since the epoch.
    NanosText,
}

/// What the numbers of a level mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// 10 to 60 as in pino and bunyan, or 0 to 7 where the record is GELF.
    Auto,
    /// Python's `levelno`.
    Python,
    /// 0 to 7.
    Syslog,
    /// 1 to 24.
    Otlp,
    /// 0 to 6, as tslog counts.
    Tslog,
    /// 0 to 4, as Azure's Application Insights counts.
    Insights,
    /// Whatever is there means this.
    Is(Level),
}

/// What a key of a JSON record carries. The number is its rank: the lowest that holds something wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Time(u8, Clock),
    Level(u8, Scale),
    /// A level only where the values of the file show that it is one.
    Doubtful(u8),
    Event,
    Message(u8),
    /// What went wrong, where something did.
    Failure,
    /// Holds some of the fields one step deeper.
    Nested,
    /// Only tells dialects apart.
    Mark,
}

/// Every key that matters. The first ten are the ones of our own form, in their order of precedence. Others are found
/// without regard to case and to `_`, `-` and `@`.
pub(crate) const KEYS: [(&str, Role); 113] = [
    ("timestamp", Role::Time(0, Clock::Auto)),
    ("ts", Role::Time(1, Clock::Auto)),
    ("@timestamp", Role::Time(2, Clock::Auto)),
    ("time", Role::Time(3, Clock::Auto)),
    ("level", Role::Level(0, Scale::Auto)),
    ("lvl", Role::Level(1, Scale::Auto)),
    ("severity", Role::Level(2, Scale::Auto)),
    ("event", Role::Event),
    ("message", Role::Message(0)),
    ("msg", Role::Message(1)),
    ("@t", Role::Time(4, Clock::Auto)),
    ("Timestamp", Role::Time(5, Clock::Auto)),
    ("asctime", Role::Time(6, Clock::Auto)),
    ("datetime", Role::Time(7, Clock::Auto)),
    ("eventTime", Role::Time(8, Clock::Auto)),
    ("created", Role::Time(9, Clock::Auto)),
    ("__REALTIME_TIMESTAMP", Role::Time(10, Clock::MicrosText)),
    ("timeUnixNano", Role::Time(11, Clock::NanosText)),
    ("observedTimeUnixNano", Role::Time(12, Clock::NanosText)),
    ("receiveTimestamp", Role::Time(13, Clock::Auto)),
    ("log.level", Role::Level(3, Scale::Auto)),
    ("levelname", Role::Level(4, Scale::Auto)),
    ("level_name", Role::Level(5, Scale::Auto)),
    ("@l", Role::Level(6, Scale::Auto)),
    ("LogLevel", Role::Level(7, Scale::Auto)),
    ("loglevel", Role::Level(8, Scale::Auto)),
    ("log_level", Role::Level(9, Scale::Auto)),
    ("severityText", Role::Level(10, Scale::Auto)),
    ("levelno", Role::Level(11, Scale::Python)),
    ("PRIORITY", Role::Level(12, Scale::Syslog)),
    ("severityNumber", Role::Level(13, Scale::Otlp)),
    ("severity_number", Role::Level(13, Scale::Otlp)),
    ("Level", Role::Level(16, Scale::Auto)),
    ("levelName", Role::Level(17, Scale::Auto)),
    ("timeMillis", Role::Time(15, Clock::Auto)),
    ("@m", Role::Message(3)),
    ("@mt", Role::Message(4)),
    ("Message", Role::Message(5)),
    ("short_message", Role::Message(6)),
    ("MESSAGE", Role::Message(7)),
    ("textPayload", Role::Message(8)),
    ("body", Role::Nested),
    ("log", Role::Nested),
    ("record", Role::Nested),
    ("fields", Role::Nested),
    ("jsonPayload", Role::Nested),
    ("text", Role::Mark),
    ("resourceLogs", Role::Mark),
    ("stream", Role::Mark),
    ("payload", Role::Mark),
    ("version", Role::Mark),
    ("v", Role::Mark),
    ("name", Role::Mark),
    ("hostname", Role::Mark),
    ("pid", Role::Mark),
    ("target", Role::Mark),
    ("Category", Role::Mark),
    ("facility", Role::Mark),
    ("@x", Role::Mark),
    ("@i", Role::Mark),
    ("host", Role::Mark),
    ("eventName", Role::Mark),
    ("caller", Role::Mark),
    ("repeated", Role::Mark),
    ("lines", Role::Mark),
    ("twin_keys", Role::Mark),
    ("severity_text", Role::Level(18, Scale::Auto)),
    ("level_str", Role::Level(19, Scale::Auto)),
    ("level_value", Role::Level(20, Scale::Auto)),
    ("syslog_severity", Role::Level(21, Scale::Syslog)),
    ("sev", Role::Level(22, Scale::Auto)),
    ("level_id", Role::Level(23, Scale::Tslog)),
    ("log_level_id", Role::Level(24, Scale::Tslog)),
    ("log_level_name", Role::Level(25, Scale::Auto)),
    ("s", Role::Doubtful(40)),
    ("l", Role::Doubtful(41)),
    ("priority", Role::Doubtful(42)),
    ("status", Role::Doubtful(43)),
    ("when", Role::Time(16, Clock::Auto)),
    ("instant", Role::Time(17, Clock::Auto)),
    ("t", Role::Time(18, Clock::Auto)),
    ("timestamp_ms", Role::Time(19, Clock::Auto)),
    ("timestamp_us", Role::Time(20, Clock::Auto)),
    ("timestamp_ns", Role::Time(21, Clock::Auto)),
    ("start_time", Role::Time(22, Clock::Auto)),
    ("time_iso8601", Role::Time(23, Clock::Auto)),
    ("time_local", Role::Time(24, Clock::Auto)),
    ("created_at", Role::Time(25, Clock::Auto)),
    ("date", Role::Time(26, Clock::Auto)),
    ("time_created", Role::Time(27, Clock::Auto)),
    ("tags", Role::Mark),
    ("err", Role::Failure),
    ("error", Role::Failure),
    ("req_id", Role::Mark),
    ("app", Role::Mark),
    ("func_name", Role::Mark),
    ("event_id", Role::Mark),
    ("channel", Role::Mark),
    ("service", Role::Mark),
    ("continues", Role::Mark),
    ("restates", Role::Mark),
    ("errorCode", Role::Failure),
    ("level_number", Role::Level(27, Scale::Python)),
    ("severityLevel", Role::Level(26, Scale::Insights)),
    ("LevelDisplayName", Role::Level(28, Scale::Auto)),
    ("prio", Role::Doubtful(44)),
    ("err_code", Role::Mark),
    ("hostIdentifier", Role::Mark),
    ("filename", Role::Mark),
    ("received", Role::Mark),
    ("source", Role::Mark),
    ("data", Role::Mark),
    ("exceptions", Role::Failure),
];

/// The set with each of them alone.
const BITS: [u128; KEYS.len()] = {
    let mut bits = [0; KEYS.len()];
    let mut at = 0;
    while at < KEYS.len() {
        bits[at] = 1 << at;
        at += 1;
    }
    bits
};

/// The set with the key of that number; a table is faster than a shift of so many bits.
#[inline]
pub(crate) fn bit_of(at: usize) -> u128 {
    BITS[at]
}

/// The names that belong to time, level, event and message in our own form; all others are payload.
pub(crate) fn is_core(key: &[u8]) -> bool {
    find(key).is_some_and(|at| at < 10)
}

const SLOTS: usize = 1024;

const fn slot(key: &[u8]) -> usize {
    let len = key.len();
    let (first, middle, last) = (key[0] as usize, key[len / 2] as usize, key[len - 1] as usize);
    (len * 37 + first * 5 + middle * 83 + last * 29) % SLOTS
}

/// A key in small letters without `_`, `-` and `@`, and its length; longer ones than all that are known are cut.
const fn folded(key: &[u8]) -> ([u8; 24], usize) {
    let mut plain = [0_u8; 24];
    let (mut at, mut len) = (0, 0);
    while at < key.len() && len < plain.len() {
        if !matches!(key[at], b'_' | b'-' | b'@') {
            plain[len] = key[at].to_ascii_lowercase();
            len += 1;
        }
        at += 1;
    }
    (plain, len)
}

/// Open addressing; 255 is empty. The second table has the plain forms.
static TABLES: ([u8; SLOTS], [u8; SLOTS]) = {
    let (mut exact, mut loose) = ([255_u8; SLOTS], [255_u8; SLOTS]);
    let mut at = 0;
    while at < KEYS.len() {
        let key = KEYS[at].0.as_bytes();
        let mut place = slot(key);
        while exact[place] != 255 {
            place = (place + 1) % SLOTS;
        }
        exact[place] = at as u8;
        let (key, len) = folded(key);
        let mut place = slot(key.split_at(len).0);
        while loose[place] != 255 {
            place = (place + 1) % SLOTS;
        }
        loose[place] = at as u8;
        at += 1;
    }
    (exact, loose)
};

/// The index of a key in [`KEYS`].
#[inline]
pub(crate) fn find(key: &[u8]) -> Option<usize> {
    if key.is_empty() {
        return None;
    }
    let mut place = slot(key);
    loop {
        let at = usize::from(TABLES.0[place]);
        match KEYS.get(at) {
            Some((name, _)) if name.as_bytes() == key => return Some(at),
            Some(_) => place = (place + 1) % SLOTS,
            None => return find_loosely(key),
        }
    }
}

/// The first key of the same plain form.
fn find_loosely(key: &[u8]) -> Option<usize> {
    let (plain_key, len) = folded(key);
    if len < 2 || len == plain_key.len() {
        return None;
    }
    let mut place = slot(&plain_key[..len]);
    loop {
        let at = usize::from(TABLES.1[place]);
        let (name, _) = KEYS.get(at)?;
        if folded(name.as_bytes()) == (plain_key, len) {
            return Some(at);
        }
        place = (place + 1) % SLOTS;
    }
}

/// Among the keys of a record: one of them is there twice.
pub(crate) const TWINS: u128 = 1 << 127;

/// The set with one key, for [`detect`] and for tests of presence.
pub(crate) const fn bit(name: &str) -> u128 {
    let mut at = 0;
    while at < KEYS.len() {
        if same(KEYS[at].0.as_bytes(), name.as_bytes()) {
            return 1 << at;
        }
        at += 1;
    }
    panic!("not a known key")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// The keys of each row of [`DIALECTS`] as a set.
static MASKS: [u128; DIALECTS.len()] = {
    let mut masks = [0; DIALECTS.len()];
    let mut row = 0;
    while row < DIALECTS.len() {
        let mut at = 0;
        while at < DIALECTS[row].keys.len() {
            masks[row] |= bit(DIALECTS[row].keys[at]);
            at += 1;
        }
        row += 1;
    }
    masks
};

/// The dialect of a JSON record with these keys.
pub(crate) fn detect(present: u128, numeric_level: bool) -> Dialect {
    DIALECTS
        .iter()
        .zip(MASKS)
        .find(|(row, mask)| present & mask == *mask && row.numeric_level.is_none_or(|n| n == numeric_level))
        .map_or(Dialect::Json, |(row, _)| row.dialect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        for (at, (key, _)) in KEYS.iter().enumerate() {
            assert_eq!(find(key.as_bytes()), Some(at), "{key}");
        }
        for (key, expect) in
            [("LEVEL", "level"), ("@level", "level"), ("logLevelName", "log_level_name"), ("TIME", "time")]
        {
            assert_eq!(find(key.as_bytes()).map(|at| KEYS[at].0), Some(expect), "{key}");
        }
        for key in ["", "x", "S", "timestamps", "MESSAGES"] {
            assert_eq!(find(key.as_bytes()), None, "{key}");
        }
    }

    #[test]
    fn dialects_are_told_apart_by_their_keys() {
        for (keys, numeric, expect) in [
            (&["timestamp", "level", "event", "message"][..], false, Dialect::OwnForm),
            (&["timestamp", "level", "event", "message", "stream", "payload"], false, Dialect::Captured),
            (&["time", "level", "msg", "pid", "hostname"], true, Dialect::Pino),
            (&["time", "level", "msg", "pid", "hostname", "v", "name"], true, Dialect::Bunyan),
            (&["time", "level", "msg"], false, Dialect::Slog),
            (&["time", "level", "message"], false, Dialect::Zerolog),
            (&["message"], false, Dialect::Json),
        ] {
            let present = keys.iter().map(|key| bit(key)).fold(0, |all, one| all | one);
            assert_eq!(detect(present, numeric), expect, "{keys:?}");
        }
    }

    #[test]
    fn the_runbook_shows_the_same_table() {
        let runbook = include_str!("../../../runbooks/formats.md");
        for row in &DIALECTS {
            let line = format!("| {} | {} | {} |", row.name, row.marks, row.fields);
            assert!(runbook.contains(&line), "add to runbooks/formats.md: {line}");
        }
    }
}
