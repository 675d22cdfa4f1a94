//! The log dialects that are recognised, each in one row, and the JSON keys that carry time, level, event and
//! message in them. `runbooks/formats.md` shows the same list; a test keeps the two together.

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
pub struct Row {
    /// The dialect.
    pub dialect: Dialect,
    /// Its name in reports.
    pub name: &'static str,
    /// How it is recognised: keys that are all there, or the shape of the line.
    pub marks: &'static str,
    /// Keys that must all be there; empty for dialects that are no JSON.
    keys: &'static [&'static str],
    /// Whether `level` must be a number (or must not be one).
    numeric_level: Option<bool>,
    /// Where time, level, event and message are.
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
pub static DIALECTS: [Row; 31] = [
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
}

/// What a key of a JSON record carries. The number is its rank: the lowest that holds something wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Time(u8, Clock),
    Level(u8, Scale),
    Event,
    Message(u8),
    /// Holds some of the fields one step deeper.
    Nested,
    /// Only tells dialects apart.
    Mark,
}

/// Every key that matters. The first ten are the ones of our own form, in their order of precedence.
pub(crate) const KEYS: [(&str, Role); 64] = [
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
];

/// The names that belong to time, level, event and message in our own form; all others are payload.
pub(crate) fn is_core(key: &[u8]) -> bool {
    find(key).is_some_and(|at| at < 10)
}

const SLOTS: usize = 512;

const fn slot(key: &[u8]) -> usize {
    let len = key.len();
    let (first, middle, last) = (key[0] as usize, key[len / 2] as usize, key[len - 1] as usize);
    (len * 37 + first * 5 + middle * 83 + last * 29) % SLOTS
}

/// Open addressing; 255 is empty.
static TABLE: [u8; SLOTS] = {
    let mut table = [255_u8; SLOTS];
    let mut at = 0;
    while at < KEYS.len() {
        let mut place = slot(KEYS[at].0.as_bytes());
        while table[place] != 255 {
            place = (place + 1) % SLOTS;
        }
        table[place] = at as u8;
        at += 1;
    }
    table
};

/// The index of a key in [`KEYS`].
#[inline]
pub(crate) fn find(key: &[u8]) -> Option<usize> {
    if key.is_empty() {
        return None;
    }
    let mut place = slot(key);
    loop {
        let at = usize::from(TABLE[place]);
        let (name, _) = KEYS.get(at)?;
        if name.as_bytes() == key {
            return Some(at);
        }
        place = (place + 1) % SLOTS;
    }
}

/// The set with one key, for [`detect`] and for tests of presence.
pub(crate) const fn bit(name: &str) -> u64 {
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
static MASKS: [u64; DIALECTS.len()] = {
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
pub(crate) fn detect(present: u64, numeric_level: bool) -> Dialect {
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
        for key in ["", "x", "Time", "timestamps", "MESSAGES"] {
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
        let runbook = include_str!("../../runbooks/formats.md");
        for row in &DIALECTS {
            let line = format!("| {} | {} | {} |", row.name, row.marks, row.fields);
            assert!(runbook.contains(&line), "add to runbooks/formats.md: {line}");
        }
    }
}
