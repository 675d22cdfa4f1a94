//! The level of a JSON record where it is not under one of the usual keys alone: on a scale of its own, in a list,
//! one step deeper, among tags, at the front of the message.

use super::dialect::{self, KEYS, Role, Scale, bit};
use super::layout::level_words::{self, Sure};
use super::level_at_start;
use super::record::Record;
use crate::json::pull::{Members, Raw};
use crate::level::{self, Level};

/// The keys whose objects may hold the level or the time of a record, in plain form.
const CONTAINERS: [&str; 21] = [
    "_source",
    "log",
    "fields",
    "context",
    "ctx",
    "attributes",
    "attrs",
    "record",
    "data",
    "meta",
    "metadata",
    "_meta",
    "logmeta",
    "jsonpayload",
    "payload",
    "event",
    "labels",
    "extra",
    "details",
    "body",
    "message",
];

/// Whether an object under this key may hold the level or the time.
pub(crate) fn is_container(key: &[u8]) -> bool {
    let key = key.strip_prefix(b"@").unwrap_or(key);
    CONTAINERS.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()))
}

/// What a number means in a record with these keys, by the keys beside it.
pub(crate) fn scaled(number: f64, keys: u128) -> Level {
    let all = |names: &[&str]| names.iter().all(|name| keys & bit(name) != 0);
    if (all(&["short_message"]) || all(&["facility"])) && number < 8.0 {
        Level::from_syslog(number)
    } else if number >= 10.0 {
        if all(&["func_name"]) || all(&["levelname"]) { Level::from_python(number) } else { Level::from_size(number) }
    } else if all(&["req_id", "app"]) {
        Level::from_nextcloud(number)
    } else if all(&["event_id", "channel"]) {
        Level::from_windows(number)
    } else if all(&["LogLevel"]) && (all(&["Category"]) || all(&["event_id"])) {
        Level::from_dot_net(number)
    } else if all(&["hostIdentifier", "filename"]) {
        // The status lines of osquery, which logs with glog; syslog counts from the worst down.
        Level::from_glog(number)
    } else if all(&["log_level", "source", "data"]) {
        Level::from_lager(number)
    } else {
        Level::Unknown
    }
}

/// The level of a text under a key for levels, also as the name of a constant: `Reporter::ERROR`.
fn of_text(text: &str) -> Level {
    let level = Level::from_word(text);
    if level == Level::Unknown && text.contains([':', '.', '_']) {
        return level_words::stepped(level_words::tail(text.as_bytes())).map_or(level, |(level, _)| level);
    }
    level
}

/// The level in an object or a list: `{"name": "ERROR"}`, `["error"]`. The worst of those that are known.
pub(crate) fn nested(raw: Raw<'_>, keys: u128) -> Level {
    let one = |raw: Raw<'_>| match raw {
        Raw::Text(text) => Level::from_word(&text.decode()),
        Raw::Number(_) => raw.number().map_or(Level::Unknown, |number| scaled(number, keys)),
        _ => Level::Unknown,
    };
    let worst = |levels: &mut dyn Iterator<Item = Level>| levels.max().unwrap_or(Level::Unknown);
    match raw {
        Raw::Array(_) => worst(&mut raw.elements().map(one)),
        Raw::Object(bytes) => {
            const NAMES: [&str; 8] = ["name", "levelstr", "levelname", "level", "label", "text", "severity", "value"];
            let named = |key: &[u8]| NAMES.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()));
            let members = Members::new(bytes).into_iter().flatten().flatten();
            let found: Vec<Raw<'_>> = members.filter(|(key, _)| named(key.bytes)).map(|(_, value)| value).collect();
            // Words before numbers.
            let words = worst(&mut found.iter().filter(|raw| matches!(raw, Raw::Text(_))).copied().map(one));
            if words == Level::Unknown { worst(&mut found.into_iter().map(one)) } else { words }
        }
        _ => Level::Unknown,
    }
}

/// The level of a record that has none at its top.
#[cold]
pub(crate) fn elsewhere<'a>(record: &Record<'a>) -> Option<(Raw<'a>, Scale)> {
    let sure = || deeper(record.body).or_else(|| tagged(record));
    sure().or_else(|| doubtful(record)).or_else(|| beside_doubtful(record))
}

/// The same where the keys that often hold something else do so.
pub(crate) fn beside_doubtful<'a>(record: &Record<'a>) -> Option<(Raw<'a>, Scale)> {
    in_message(record).or_else(|| {
        const TRAIL: u128 = bit("errorCode") | bit("eventName");
        // Others write `errorCode` where nothing failed.
        const FAILURES: u128 = bit("err") | bit("error") | bit("exceptions");
        let failed = record.keys & FAILURES != 0 || record.keys & TRAIL == TRAIL;
        failed.then_some((Raw::Null, Scale::Is(Level::Error)))
    })
}

/// Whether a key that often holds something else may state the level of a record.
pub(crate) fn may_be_doubtful(record: &Record<'_>) -> bool {
    const KEYS: u128 = bit("s") | bit("l") | bit("priority") | bit("status");
    record.keys & KEYS != 0
}

/// The worst level in the objects of a record.
fn deeper(line: &[u8]) -> Option<(Raw<'_>, Scale)> {
    let mut worst: Option<(Raw<'_>, Scale, Level)> = None;
    for (_, value) in Members::new(line)?.flatten().filter(|(key, _)| is_container(key.bytes)) {
        for (key, value) in value.members().into_iter().flatten().flatten() {
            let Some((_, Role::Level(_, _))) = dialect::find(key.bytes).and_then(|at| KEYS.get(at)) else { continue };
            let level = match value {
                Raw::Text(text) => Level::from_word(&text.decode()),
                Raw::Number(_) => value.number().map_or(Level::Unknown, Level::from_size),
                _ => nested(value, 0),
            };
            if level != Level::Unknown && worst.is_none_or(|(_, _, known)| level > known) {
                worst = Some((value, Scale::Is(level), level));
            }
        }
    }
    worst.map(|(value, scale, _)| (value, scale))
}

/// The worst level among the tags of a record.
fn tagged<'a>(record: &Record<'a>) -> Option<(Raw<'a>, Scale)> {
    (record.keys & const { bit("tags") } != 0).then_some(())?;
    let (_, tags) = Members::new(record.body)?.flatten().find(|(key, _)| key.bytes.eq_ignore_ascii_case(b"tags"))?;
    let levels = tags.elements().filter_map(|tag| {
        let word = tag.string()?;
        let (level, sure) = level_words::word(word.as_bytes())?;
        (sure == Sure::Certain).then_some((tag, level))
    });
    levels.max_by_key(|(_, level)| *level).map(|(tag, level)| (tag, Scale::Is(level)))
}

/// The level under a key that often holds something else: only a word or letter that is one.
fn doubtful<'a>(record: &Record<'a>) -> Option<(Raw<'a>, Scale)> {
    let members = Members::new(record.body)?.flatten();
    let found = members.filter_map(|(key, value)| match (KEYS.get(dialect::find(key.bytes)?)?.1, value) {
        (Role::Doubtful(rank), Raw::Text(text)) => {
            let level = match text.bytes {
                [letter] => level_words::letter(*letter)?,
                [letter, b'0'..=b'9'] => level_words::letter(*letter)?,
                word => level_words::word(word).filter(|(_, sure)| *sure == Sure::Certain)?.0,
            };
            Some((rank, value, level))
        }
        // The severity of syslog.
        (Role::Doubtful(rank @ 42), Raw::Number(_)) if record.keys & const { bit("facility") } != 0 => {
            let level = Level::from_syslog(value.number()?);
            (level != Level::Unknown).then_some((rank, value, level))
        }
        (Role::Doubtful(rank @ 44), Raw::Number(_)) if record.keys & const { bit("err_code") } != 0 => {
            let level = Level::from_mysql(value.number()?);
            (level != Level::Unknown).then_some((rank, value, level))
        }
        _ => None,
    });
    found.min_by_key(|(rank, ..)| *rank).map(|(_, value, level)| (value, Scale::Is(level)))
}

/// The level at the front of the message.
fn in_message<'a>(record: &Record<'a>) -> Option<(Raw<'a>, Scale)> {
    let level = level_at_start::word(&record.message()?)?;
    Some((Raw::Null, Scale::Is(level)))
}

impl<'a> Record<'a> {
    /// The level with the value that states it.
    pub(super) fn stated_level(&self) -> Option<(Raw<'a>, Level)> {
        let (raw, scale) = self.level?;
        let level = self.read_level(raw, scale)?;
        let other = if level == Level::Unknown && self.keys != 0 { self.other_level() } else { None };
        Some(other.unwrap_or((raw, level)))
    }

    pub(super) fn read_level(&self, raw: Raw<'a>, scale: Scale) -> Option<Level> {
        let number = match raw {
            Raw::Text(text) if text.bytes.first().is_some_and(u8::is_ascii_alphabetic) => None,
            raw => raw.number().or_else(|| raw.string().and_then(|text| level::number(text.trim()))),
        };
        Some(match (number, scale) {
            (_, Scale::Is(level)) => level,
            (Some(number), Scale::Python) => Level::from_python(number),
            (Some(number), Scale::Syslog) => Level::from_syslog(number),
            (Some(number), Scale::Otlp) => Level::from_otlp(number),
            // Zero is "no level" in our own form, and no step of the scale.
            (Some(0.0), Scale::Auto) if matches!(raw, Raw::Number(_)) && scaled(0.0, self.keys) == Level::Unknown => {
                return None;
            }
            (Some(number), Scale::Auto) => scaled(number, self.keys),
            (Some(number), Scale::Tslog) => Level::from_tslog(number),
            (Some(number), Scale::Insights) => Level::from_dot_net(number + 1.0),
            (None, _) => match raw {
                Raw::Text(text) if scale == Scale::Otlp => Level::from_otlp_name(&text.decode()),
                Raw::Text(text) => of_text(&text.decode()),
                raw => nested(raw, self.keys),
            },
        })
    }

    /// Takes the worst of several levels: words where one is known, else numbers.
    #[cold]
    pub(crate) fn take_worst(&mut self, more: &[(Raw<'a>, Scale)]) {
        let known = |(raw, scale): (Raw<'a>, Scale)| {
            let level = self.read_level(raw, scale).filter(|level| *level != Level::Unknown)?;
            let number =
                raw.number().is_some() || raw.string().is_some_and(|text| level::number(text.trim()).is_some());
            Some((!number, level, (raw, scale)))
        };
        let levels = self.level.into_iter().chain(more.iter().copied()).filter_map(known);
        // Of equal ones the first.
        let worst =
            levels.reduce(|best, next| if (next.0, next.1.status()) > (best.0, best.1.status()) { next } else { best });
        self.level = worst.map(|(.., level)| level).or(self.level);
    }

    /// A level that another key states in a known way, where the first is of a scale or a wording of its own.
    pub(super) fn other_level(&self) -> Option<(Raw<'a>, Level)> {
        self.members().find_map(|(key, value)| match KEYS.get(dialect::find(key.bytes)?)?.1 {
            Role::Level(_, scale) => {
                let level = self.read_level(value, scale).filter(|level| *level != Level::Unknown)?;
                Some((value, level))
            }
            _ => None,
        })
    }
}
