//! From the members of a record, whatever their names and depth, to its time, level, event and message.

use std::collections::HashSet;

use super::dialect::{self, Clock, KEYS, Role, Scale, TWINS, bit};
use super::key_cache::Shape;
use super::record::{Inner, Record, member};
use super::wrapped::Wrapping;
use super::{json_level, layout};
use crate::json::pull::{Members, Raw, Text};
use crate::time::Stamp;

/// The roles of a JSON record while its members are read.
pub(crate) struct Fields<'a> {
    keys: u128,
    time: (u8, Raw<'a>, Clock),
    level: (u8, Raw<'a>, Scale),
    /// Further levels: two libraries may state one each.
    more: Vec<(Raw<'a>, Scale)>,
    message: (u8, Raw<'a>),
    event: Raw<'a>,
    numeric_level: bool,
    /// A key of one meaning was there twice, perhaps in two ways of writing.
    again: bool,
    nested: Option<Vec<(&'static str, Raw<'a>)>>,
}

/// A rank behind all others.
const LAST: u8 = u8::MAX;
/// The ranks of levels that are numbers, behind those of words.
const NUMBERS: u8 = 64;

/// The rank of a message among the fields of a record.
const FIELDS: u8 = 11;

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            keys: 0,
            time: (LAST, Raw::Null, Clock::Auto),
            level: (LAST, Raw::Null, Scale::Auto),
            more: Vec::new(),
            message: (LAST, Raw::Null),
            event: Raw::Null,
            numeric_level: false,
            again: false,
            nested: None,
        }
    }
}

impl<'a> Fields<'a> {
    #[inline]
    pub(crate) fn add(&mut self, at: usize, value: Raw<'a>) {
        let ((name, role), bit) = (&KEYS[at], dialect::bit_of(at));
        self.again |= self.keys & bit != 0;
        self.keys |= bit;
        match *role {
            Role::Doubtful(_) => {}
            Role::Failure if !value.is_truthy() => self.keys &= !bit,
            Role::Failure => {}
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
        let number = match value {
            Raw::Number(_) => true,
            Raw::Text(text) => text.bytes.first().is_some_and(u8::is_ascii_digit),
            _ => false,
        };
        if rank == 0 {
            self.numeric_level = matches!(value, Raw::Number(_));
        }
        // The numbers of two libraries may mean different things, but a word is a word: any beats every number.
        let rank = if number { rank | NUMBERS } else { rank };
        if !value.is_truthy() && !number {
            return;
        }
        if rank <= self.level.0 {
            if self.level.0 != LAST {
                self.more.push((self.level.1, self.level.2));
            }
            self.level = (rank, value, scale);
        } else {
            self.more.push((value, scale));
        }
    }

    #[inline]
    fn message_is(&mut self, rank: u8, value: Raw<'a>) {
        if rank <= self.message.0 && value.is_truthy() {
            self.message = (rank, value);
        }
    }

    /// Whether a time or a level is stated.
    pub(crate) fn says_something(&self) -> bool {
        self.time.0 != LAST || self.level.0 != LAST
    }

    /// The record of the line.
    #[inline]
    pub(crate) fn record(&mut self, line: &'a [u8], shape: &mut Shape) -> Option<Record<'a>> {
        let mut inner = None;
        for (name, value) in self.nested.take().unwrap_or_default() {
            match (name, value) {
                ("log", Raw::Text(text)) => {
                    if self.keys & const { bit("stream") } != 0 {
                        let text = text.decode();
                        // A line that is too long is kept in pieces, of which the last has the line end.
                        let piece = self.keys & const { bit("time") } != 0 && !text.ends_with('\n');
                        let leveled = self.level.0 != LAST;
                        inner = Some(Inner::of(text, Wrapping { depth: 0, leveled, piece }, shape.inner()));
                        self.message_is(10, value);
                    } else {
                        self.message_is(10, value);
                    }
                }
                ("log", Raw::Object(bytes)) => {
                    if let Some(level) = member(bytes, b"level") {
                        self.level_is(3, level, Scale::Auto);
                    }
                }
                ("body", Raw::Object(bytes)) if self.keys & const { bit("timeUnixNano") } != 0 => {
                    if let Some((_, text)) = Members::new(bytes).into_iter().flatten().flatten().next() {
                        self.message_is(9, text);
                    }
                }
                ("body", Raw::Text(_)) => self.message_is(9, value),
                ("record", Raw::Object(bytes)) => self.loguru(bytes),
                // Most records have a message of a better rank, and the fields are the longest part of them.
                ("fields", Raw::Object(bytes)) if self.message.0 >= FIELDS => {
                    if let Some(message) = member(bytes, b"message") {
                        self.message_is(FIELDS, message);
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
        if let (Raw::Object(bytes), true) =
            (self.event, self.keys & (const { bit("@timestamp") } | const { bit("log.level") }) != 0)
        {
            // In ECS the event is an object, and its action is the name.
            self.event = member(bytes, b"action").unwrap_or(Raw::Null);
        }
        if self.event == Raw::Null && self.keys & const { bit("eventName") } != 0 {
            self.event = member(line, b"eventName").unwrap_or(Raw::Null);
        }
        if self.keys & const { bit("__REALTIME_TIMESTAMP") } != 0 {
            inner = self.journal(shape);
        }
        let (rank, raw, clock) = self.time;
        let at = if rank == LAST { None } else { read_time(raw, clock) }.or_else(|| other_time(line));
        let level = (self.level.0 != LAST).then_some((self.level.1, self.level.2));
        let dialect = shape.dialect(self.keys, self.numeric_level);
        let whole = self.more.is_empty() && !self.again && (level.is_some() || inner.is_some());
        let (event, message, keys, inner) = (self.event, self.message.1, self.keys, inner.map(Box::new));
        if whole {
            // It is made where it is handed on to: a record is long to copy.
            return Some(Record { dialect, at, level, event, message, keys, service: None, body: line, inner });
        }
        Some(self.complete(Record { dialect, at, level, event, message, keys, service: None, body: line, inner }))
    }

    /// A record with what takes a closer look at its line.
    fn complete(&self, mut record: Record<'a>) -> Record<'a> {
        if !self.more.is_empty() {
            record.take_worst(&self.more);
        } else if record.level.is_none() && record.inner.is_none() {
            record.level = json_level::elsewhere(&record);
        }
        if self.again && has_twins(record.body) {
            record.keys |= TWINS;
        }
        record
    }

    /// The line that a service wrote to its output, which systemd keeps as `MESSAGE`: as text, or as bytes where there
    /// are control characters in it.
    fn journal(&self, shape: &mut Shape) -> Option<Inner> {
        let wrapping = Wrapping { depth: 0, leveled: true, piece: false };
        match self.message.1 {
            Raw::Text(text) => Some(Inner::of(text.decode(), wrapping, shape.inner())).filter(Inner::tells),
            bytes @ Raw::Array(_) => {
                let bytes: Option<Vec<u8>> = bytes
                    .elements()
                    .map(|byte| byte.number().filter(|n| (0.0..256.0).contains(n)).map(|n| n as u8))
                    .collect();
                Some(Inner::of(String::from_utf8_lossy(&bytes?), wrapping, shape.inner()))
            }
            _ => None,
        }
    }

    /// `{"text": …, "record": {"level": {"name": …, "no": …}, "time": {"timestamp": …}, "message": …}}`
    fn loguru(&mut self, record: &'a [u8]) {
        if self.keys & const { bit("text") } == 0 {
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

/// Whether an object has a key with a meaning twice. Others are not remembered: there may be a million of them.
#[cold]
fn has_twins(object: &[u8]) -> bool {
    let mut seen = HashSet::new();
    let keys = Members::new(object).into_iter().flatten().flatten().map(|(key, _)| key.decode());
    keys.filter(|key| dialect::find(key.as_bytes()).is_some()).any(|key| !seen.insert(key))
}

/// The first usable time among all time keys, in the order of their ranks; else one under a key that is called like a
/// time, at the top or one step deeper.
#[cold]
fn other_time(line: &[u8]) -> Option<Stamp> {
    let times = Members::new(line)?.flatten().filter_map(|(key, value)| match KEYS.get(dialect::find(key.bytes)?)?.1 {
        Role::Time(rank, clock) => Some((rank, read_time(value, clock)?)),
        _ => None,
    });
    let known = times.min_by_key(|(rank, _)| *rank).map(|(_, at)| at);
    known.or_else(|| called_time(Members::new(line)?.flatten())).or_else(|| dated_text(line)).or_else(|| {
        Members::new(line)?.flatten().find_map(|(key, value)| match value {
            Raw::Object(bytes) if json_level::is_container(key.bytes) => {
                Members::new(bytes)?.flatten().find_map(|(key, value)| match KEYS.get(dialect::find(key.bytes)?)?.1 {
                    Role::Time(_, clock) => read_time(value, clock),
                    _ => None,
                })
            }
            _ => None,
        })
    })
}

/// The time under a key whose name ends like that of a time.
pub(super) fn called_time<'a>(mut members: impl Iterator<Item = (Text<'a>, Raw<'a>)>) -> Option<Stamp> {
    const ENDS: [&[u8]; 6] = [b"time", b"timestamp", b"date", b"at", b"ts", b"start"];
    members.find_map(|(key, value)| {
        let name = key.bytes.to_ascii_lowercase();
        let called = ENDS.iter().any(|end| name.ends_with(end)) && dialect::find(key.bytes).is_none();
        let at = read_time(value, Clock::Auto).filter(|_| called)?;
        // A count of milliseconds is no time.
        (at.micros() > 946_684_800_000_000).then_some(at)
    })
}

/// The first text that is a date with a time of day, whatever its key.
fn dated_text(line: &[u8]) -> Option<Stamp> {
    Members::new(line)?.flatten().find_map(|(_, value)| match value {
        Raw::Text(text) if !text.escaped && text.bytes.len() >= 19 => read_time(value, Clock::Auto),
        _ => None,
    })
}

#[inline]
fn read_time(raw: Raw<'_>, clock: Clock) -> Option<Stamp> {
    match (raw, clock) {
        (Raw::Text(text), Clock::Auto) if !text.escaped => {
            let digits = text.bytes.trim_ascii();
            Stamp::parse_bytes(text.bytes)
                // Fewer digits are a date, or no time at all.
                .or_else(|| if digits.len() >= 10 { Stamp::from_epoch(digits) } else { None })
                .or_else(|| layout::read_date(digits))
        }
        (Raw::Text(text), Clock::Auto) => Stamp::parse(&text.decode()),
        (Raw::Text(text), Clock::MicrosText) => Stamp::from_micros(since_epoch(text.bytes)?),
        (Raw::Text(text), Clock::NanosText) => Stamp::from_micros(since_epoch(text.bytes)?.div_euclid(1000)),
        (Raw::Number(digits), _) => Stamp::from_epoch(digits),
        (Raw::Object(bytes), Clock::Auto) => time_in_parts(bytes),
        _ => None,
    }
}

/// `{"$date": …}` of MongoDB, `{"epochSecond": …, "nanoOfSecond": …}` of log4j, `{"seconds": …, "nanos": …}`.
#[cold]
fn time_in_parts(object: &[u8]) -> Option<Stamp> {
    if let Some(date) = member(object, b"$date") {
        return match date {
            Raw::Object(bytes) => Stamp::from_epoch(member(bytes, b"$numberLong")?.string()?.as_bytes()),
            date => read_time(date, Clock::Auto),
        };
    }
    let number = |names: [&[u8]; 2]| names.into_iter().find_map(|name| member(object, name)?.number());
    let seconds = number([b"epochSecond", b"seconds"])?;
    let nanos = number([b"nanoOfSecond", b"nanos"]).unwrap_or(0.0);
    (seconds.abs() < 1e11 && (0.0..1e9).contains(&nanos)).then_some(())?;
    Stamp::from_micros(seconds as i64 * 1_000_000 + (nanos / 1000.0) as i64)
}

/// A whole number in text; none for 0, which stands for "not known".
fn since_epoch(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|number| *number != 0)
}
