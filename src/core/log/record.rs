//! One log record: time, level, event and message of a line, whichever dialect wrote it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use super::dialect::{self, Dialect, Scale, TWINS, bit};
use super::{ansi, level_at_start, logfmt, outcome};
use crate::crash::classify::{self, Kind, Named};
use crate::crash::fields;
use crate::finding::{self, Metadata};
use crate::json::pull::{Members, Raw, Text};
use crate::level::Level;
use crate::time::{Stamp, is_blank};
use crate::{prose, sanitize};

/// What a line inside another one says. It may be escaped there, and so owns its texts.
#[derive(Clone, Debug)]
pub(crate) struct Inner {
    pub(crate) level: Option<(Level, Cow<'static, str>)>,
    pub(crate) event: Option<String>,
    pub(super) line: String,
    pub(super) message: Message,
    /// How many lines are around it.
    pub(super) depth: u8,
    /// It is a frame of a stack trace.
    pub(crate) frame: bool,
    /// It is the start of a JSON object that ends elsewhere, before the level.
    pub(crate) cut: bool,
    /// It has a key twice.
    pub(crate) twins: bool,
    /// It is a record of its own.
    pub(super) structured: bool,
    /// It is a JSON object.
    pub(crate) json: bool,
}

/// The message of a line inside another one.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// The line from this byte on.
    From(usize),
    /// Another text, or none.
    Text(Option<String>),
}

impl Inner {
    /// The message; none if the line is a record without one.
    pub(crate) fn message(&self) -> Option<&str> {
        match &self.message {
            Message::From(start) => self.line.get(*start..),
            Message::Text(text) => text.as_deref(),
        }
    }
}

/// A log record. It borrows from its line, and texts are decoded only when asked for.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// The dialect of this line.
    pub dialect: Dialect,
    /// When it happened; none if the line does not say, or says it unusably.
    pub at: Option<Stamp>,
    pub(crate) level: Option<(Raw<'a>, Scale)>,
    pub(crate) event: Raw<'a>,
    pub(crate) message: Raw<'a>,
    pub(crate) keys: u128,
    /// The name of the service that a multiplexer put before the line.
    pub(crate) service: Option<&'a [u8]>,
    /// The whole line.
    pub(crate) body: &'a [u8],
    /// What the line inside this one says, for dialects that wrap lines.
    pub(crate) inner: Option<Box<Inner>>,
}

/// What decides the level of a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LevelSource<'a> {
    level: Option<(Raw<'a>, Scale)>,
    keys: u128,
}

impl LevelSource<'_> {
    /// Whether there is a level.
    pub(crate) fn is_stated(&self) -> bool {
        self.level.is_some()
    }
}

/// Cuts from both ends what says nothing: blanks, the zeros that a crash leaves in a file, and byte order marks, which
/// are in the middle where files were joined.
pub(crate) fn trim(line: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0b | 0x0c | 0x1c..=0x1f);
    let start = line.iter().position(|b| !blank(b)).unwrap_or(line.len());
    let end = line.iter().rposition(|b| !blank(b)).map_or(start, |at| at + 1);
    let line = &line[start..end];
    // Blanks beyond ASCII are rare; look only where one could be.
    match (line.first(), line.last()) {
        (Some(0..0x80), Some(0..0x80)) | (None, _) => line,
        _ => match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(line) => trim(line),
            None => std::str::from_utf8(line).map_or(line, |text| text.trim_matches(is_blank).as_bytes()),
        },
    }
}

/// Cuts zeros and a byte order mark from the start of a line.
pub(crate) fn trim_zeros(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|b| *b != 0).unwrap_or(line.len());
    line[start..].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line[start..])
}

impl<'a> Record<'a> {
    /// A record of plain text: the whole line, and the parts of it.
    #[inline]
    pub(crate) fn of_text(
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
            service: None,
            body: line,
            inner: None,
        }
    }

    /// A line without a date that states its level at its front.
    pub(crate) fn of_line(line: &'a [u8]) -> Self {
        let text = sanitize::utf8(line);
        let level = level_at_start::level(&text).map(|level| level.word().as_bytes());
        Self::of_text(Dialect::Dated, line, None, level, line)
    }

    /// The same record with the level read as a syslog severity.
    pub(crate) fn with_syslog_level(mut self, digit: &'a [u8]) -> Self {
        self.level = Some((Raw::Number(digit), Scale::Syslog));
        self
    }

    /// The same record with what the line inside it says.
    pub(crate) fn with_inner(self, inner: Inner) -> Self {
        Self { inner: Some(Box::new(inner)), ..self }
    }

    /// The members of the record, of whichever dialect.
    pub(super) fn members(&self) -> impl Iterator<Item = (Text<'a>, Raw<'a>)> + Clone + use<'a> {
        let pairs = (self.dialect == Dialect::Logfmt).then(|| logfmt::pairs(self.body));
        let members = if pairs.is_some() { None } else { Members::new(self.body) };
        members.into_iter().flatten().flatten().chain(pairs.into_iter().flatten())
    }

    /// The level as it is in the line. Records with equal sources have the same level, if it is a known one. None
    /// where a wrapped line decides.
    #[inline]
    pub(crate) fn level_source(&self) -> Option<LevelSource<'a>> {
        const DECISIVE: u128 = bit("short_message")
            | bit("facility")
            | bit("@t")
            | bit("func_name")
            | bit("levelname")
            | bit("req_id")
            | bit("app")
            | bit("event_id")
            | bit("channel")
            | bit("Category")
            | bit("LogLevel")
            | bit("log_level")
            | bit("source")
            | bit("data")
            | bit("hostIdentifier")
            | bit("filename");
        self.inner.is_none().then_some(LevelSource { level: self.level, keys: self.keys & DECISIVE })
    }

    /// Whether a level is in the line, known or not.
    #[inline]
    pub(crate) fn states_level(&self) -> bool {
        self.level.is_some() || self.level().is_some()
    }

    /// The event's name where it needs no decoding; empty where there is no event.
    #[inline]
    pub(crate) fn plain_event(&self) -> Option<&'a [u8]> {
        match self.event {
            Raw::Text(Text { bytes, escaped: false }) => Some(bytes),
            Raw::Null if self.inner.is_none() => Some(b""),
            _ => None,
        }
    }

    /// The text of the record.
    pub fn source(&self) -> &'a [u8] {
        self.body
    }

    /// The level; none if the record states none. Of a line in a line the worse one counts: what carries it, such as
    /// systemd, often knows no better than "information".
    pub fn level(&self) -> Option<Level> {
        self.inner_level().map_or_else(|| self.own_level(), |(level, _)| Some(*level))
    }

    /// The level of the line inside this one, where it decides.
    #[inline]
    pub(crate) fn inner_level(&self) -> Option<&(Level, Cow<'static, str>)> {
        let inner = self.inner.as_deref()?.level.as_ref()?;
        self.own_level().is_none_or(|own| own.status() <= inner.0.status()).then_some(inner)
    }

    fn own_level(&self) -> Option<Level> {
        match self.level {
            Some(_) => self.stated_level().map(|(_, level)| level),
            // CLEF leaves out the level of ordinary records.
            None => (self.keys & const { bit("@t") } != 0).then_some(Level::Info),
        }
    }

    /// The level in the words of the log, trimmed and in lower case; `info` where none is stated.
    pub fn level_word(&self) -> Cow<'a, str> {
        if let Some((_, word)) = self.inner_level() {
            return word.clone();
        }
        self.stated_level().map_or(Cow::Borrowed("info"), |(raw, level)| level_word(raw, level))
    }

    /// [`Self::level`] and [`Self::level_word`] in one.
    pub fn level_and_word(&self) -> Option<(Level, Cow<'a, str>)> {
        match (self.inner_level(), self.level) {
            (None, Some(_)) => self.stated_level().map(|(raw, level)| (level, level_word(raw, level))),
            _ => self.level().map(|level| (level, self.level_word())),
        }
    }

    /// The event's name; none if the record has none.
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
            Some(inner) => inner.message().map(|message| Cow::Owned(message.to_owned())),
            None if self.message == Raw::Null => self.event(),
            None => Some(self.message.to_text()),
        }
    }

    /// What to call the record: its event, else its message.
    pub fn label(&self) -> Option<Cow<'a, str>> {
        self.event().filter(|event| !event.is_empty()).or_else(|| self.message()).filter(|label| !label.is_empty())
    }

    /// The texts of fields named after exceptions and stack traces, at any depth.
    pub fn traces(&self) -> Vec<Named<'a>> {
        let mut found = fields::of(self.members());
        if let Some(inner) = &self.inner {
            found.extend(inner.traces());
        }
        found
    }

    /// Whether the record shows a crash: in its message or in the fields named after exceptions.
    pub fn crash(&self) -> Option<Kind> {
        self.crash_in(&self.traces())
    }

    /// The same where its traces are known.
    pub(crate) fn crash_in(&self, traces: &[Named<'_>]) -> Option<Kind> {
        let event = self.event().filter(|_| self.message != Raw::Null).unwrap_or_default();
        let shown = classify::record(&self.message().unwrap_or_default(), traces);
        shown.or_else(|| classify::text(&event)).or_else(|| self.frame())
    }

    /// Whether a field beside its message tells of a crash.
    #[cold]
    pub(crate) fn crash_beside(&self) -> bool {
        fields::tell_of_crash(self.members(), self.message().unwrap_or_default().trim())
    }

    /// Whether it states that something failed, in its message or in a field such as `"success": false`.
    #[cold]
    pub(crate) fn states_failure(&self) -> bool {
        self.message().is_some_and(|message| prose::states_failure(&message))
            || outcome::states_failure(self.members())
            || self.inner.as_deref().is_some_and(Inner::states_failure)
    }

    /// Whether our capture says that a record before it shows its crash.
    pub fn continues(&self) -> bool {
        self.is_marked(const { bit("continues") }, b"continues")
    }

    /// Whether our capture says that it is of a line that a record before it is of, whose level was not known then.
    pub(crate) fn restates(&self) -> bool {
        self.is_marked(const { bit("restates") }, b"restates")
    }

    fn is_marked(&self, bit: u128, name: &[u8]) -> bool {
        self.dialect == Dialect::Captured && self.keys & bit != 0 && member(self.body, name) == Some(Raw::Bool(true))
    }

    /// The name of the service that wrote the line, where a multiplexer put it before the line.
    pub fn service(&self) -> Option<&'a [u8]> {
        if self.dialect != Dialect::Captured || self.keys & const { bit("service") } == 0 {
            return self.service;
        }
        match member(self.body, b"service") {
            Some(Raw::Text(text)) => Some(text.bytes),
            _ => None,
        }
    }

    /// Whether there is a line inside this one that says more than text.
    pub fn wraps(&self) -> bool {
        self.inner.is_some()
    }

    /// Whether the crash that the record shows is told by its words alone.
    pub fn is_doubtful_crash(&self) -> bool {
        let (message, event) = (self.message().unwrap_or_default(), self.event().unwrap_or_default());
        self.frame().is_none() && classify::is_doubtful(&[&message, &event], &self.traces())
    }

    /// The text of the program, where a container put a line around it.
    pub(crate) fn contained(&self) -> Option<Cow<'a, str>> {
        self.contains().then(|| self.message.to_text())
    }

    fn contains(&self) -> bool {
        matches!(self.dialect, Dialect::Docker | Dialect::Cri) && self.inner.is_some()
    }

    /// Whether a container kept it of the standard error of its program.
    #[inline]
    pub(crate) fn is_of_stderr(&self) -> bool {
        match self.dialect {
            Dialect::Cri => {
                let message = if let Raw::Text(text) = self.message { text.bytes.len() } else { 0 };
                let before = &self.body[..self.body.len().saturating_sub(message)];
                before.ends_with(b"stderr F ") || before.ends_with(b"stderr P ")
            }
            // It is near the end, where Docker writes it.
            Dialect::Docker => match memchr::memmem::rfind(self.body, b"\"stream\":\"") {
                Some(at) => self.body[at + 10..].starts_with(b"stderr\""),
                None => member(self.body, b"stream").and_then(Raw::string) == Some("stderr".into()),
            },
            _ => false,
        }
    }

    /// The same where it is no record of its own.
    pub(crate) fn bare(&self) -> Option<Cow<'a, str>> {
        self.inner.as_ref().filter(|inner| inner.is_bare())?;
        self.contained()
    }

    /// Whether lines of text may continue the record.
    pub(crate) fn is_text(&self) -> bool {
        match &self.inner {
            Some(inner) if self.contains() => !inner.json,
            _ => !self.dialect.is_json(),
        }
    }

    /// Whether the line inside this one is a frame of a stack trace: what wraps lines does so one by one.
    pub fn frame(&self) -> Option<Kind> {
        self.inner.as_deref().filter(|inner| inner.frame).map(|_| Kind::StackTrace)
    }

    /// Whether the line inside this one is the start of a longer one, and does not show the level.
    pub(crate) fn is_cut(&self) -> bool {
        self.inner.as_deref().is_some_and(|inner| inner.cut)
    }

    /// Whether it, or the line inside it, is an object that has a key twice, so that readers disagree about it.
    pub fn has_twins(&self) -> bool {
        let noted = self.dialect == Dialect::Captured && self.keys & const { bit("twin_keys") } != 0;
        noted || self.keys & TWINS != 0 || self.inner.as_deref().is_some_and(|inner| inner.twins)
    }

    /// How many equal lines a record of our own capture stands for, and how many lines each of them joins.
    pub fn captured(&self) -> (u64, u64) {
        const FOLDED: u128 = bit("repeated") | bit("lines");
        if self.dialect != Dialect::Captured || self.keys & FOLDED == 0 {
            return (1, 1);
        }
        let number = |name: &[u8]| {
            let value = Members::new(self.body)?.flatten().find(|(key, _)| key.bytes == name)?.1.number()?;
            (1.0..1e15).contains(&value).then_some(value as u64)
        };
        (number(b"repeated").unwrap_or(1), number(b"lines").unwrap_or(1))
    }

    /// For a record of our own capture: when it was received, since the start of the run by the monotonic clock.
    pub fn received(&self) -> Option<Duration> {
        if self.dialect != Dialect::Captured || self.keys & const { bit("received") } == 0 {
            return None;
        }
        // It is near the start, where it is there at all.
        let value = Members::new(self.body)?.flatten().take(3).find(|(key, _)| key.bytes == b"received")?.1.number()?;
        Duration::try_from_secs_f64(value).ok()
    }

    /// For a record of our own capture: the workload that wrote it, where there are several.
    pub fn workload(&self) -> Option<&'a [u8]> {
        match Members::new(self.body)?.flatten().take(8).find(|(key, _)| key.bytes == b"source")?.1 {
            Raw::Text(text) => Some(text.bytes),
            _ => None,
        }
    }

    /// Every field but those of time, level, event and message, in their order.
    fn payload(&self) -> impl Iterator<Item = (Text<'a>, Raw<'a>)> + use<'a> {
        self.members().filter(|(key, _)| key.escaped || !dialect::is_core(key.bytes))
    }

    /// The fields that belong into a finding, of at most about `limit` bytes.
    pub fn details(&self, limit: usize) -> Metadata {
        let value = |value: Raw<'a>| match value {
            // The text of its start is enough to recognise it.
            Raw::Object(bytes) | Raw::Array(bytes) if bytes.len() > limit => {
                let start = sanitize::utf8(&bytes[..limit]);
                format!("{start}… ({} more bytes)", bytes.len() - limit).into()
            }
            value => value.to_value(),
        };
        finding::details(self.payload().map(|(key, raw)| (key.decode().into_owned(), value(raw))), limit)
    }

    /// The names of those fields, the first `max`, and how many there are.
    pub fn payload_keys(&self, max: usize) -> (Vec<String>, u64) {
        let mut keys = BTreeSet::new();
        let mut count = 0;
        for (key, _) in self.payload() {
            count += 1;
            if keys.len() < max {
                keys.insert(finding::cut(key.decode().into_owned(), 256));
            }
        }
        (keys.into_iter().collect(), count)
    }
}

/// How a value calls a level that it states, trimmed and in lower case.
fn level_word(raw: Raw<'_>, level: Level) -> Cow<'_, str> {
    match raw {
        Raw::Null => Cow::Borrowed(level.word()),
        Raw::Array(_) | Raw::Object(_) if level != Level::Unknown => Cow::Borrowed(level.word()),
        // As most programs call it.
        Raw::Text(text) if text.bytes.eq_ignore_ascii_case(level.word().as_bytes()) => Cow::Borrowed(level.word()),
        raw => {
            let text = match raw.to_text() {
                text if text.contains('\u{1b}') => Cow::Owned(ansi::strip(&text).into_owned()),
                text => text,
            };
            let trimmed = text.trim_matches(is_blank);
            if trimmed.len() == text.len() && !trimmed.chars().any(char::is_uppercase) {
                text
            } else {
                Cow::Owned(trimmed.to_lowercase())
            }
        }
    }
}

/// The value under `key`, the last where there are several.
pub(crate) fn member<'a>(object: &'a [u8], key: &[u8]) -> Option<Raw<'a>> {
    Members::new(object)?.flatten().filter(|(name, _)| name.bytes == key).map(|(_, value)| value).last()
}

#[cfg(test)]
mod tests;
