//! A line inside another one: what containers, syslog and systemd keep of the output of a program.

use std::borrow::Cow;

use super::key_cache::Shape;
use super::level_after_date::{self, After};
use super::parse;
use super::record::{Inner, Message, Record};
use super::{ansi, level_at_start};
use crate::crash::classify::{self, Named};
use crate::crash::frames;
use crate::json::pull::{Raw, Text};
use crate::level::Level;
use crate::sanitize;
use crate::time::Stamp;

/// How a line is wrapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrapping {
    /// How many lines are around it.
    pub(crate) depth: u8,
    /// Whether a level is outside: then one inside must be at the front.
    pub(crate) leveled: bool,
    /// Whether it is only a piece of a line.
    pub(crate) piece: bool,
}

impl Inner {
    /// Reads the line, whatever it is. `shape` is that of the lines before in the same place.
    pub(crate) fn of(line: Cow<'_, str>, wrapping: Wrapping, shape: &mut Shape) -> Self {
        let mut line = match ansi::strip(&line) {
            Cow::Borrowed(_) => line.into_owned(),
            Cow::Owned(plain) => plain,
        };
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        let depth = wrapping.depth + 1;
        if let Some(record) = parse::parse_shaped(line.as_bytes(), None, depth, shape) {
            let inner = Self::of_record(&record, &line, depth);
            return Self { line, ..inner };
        }
        let object = line.trim_start();
        let piece = wrapping.piece || object.starts_with("{\"") || object.ends_with('}') && object.contains("\":");
        // In a piece of JSON the lines of a trace are still escaped.
        let text = Text { bytes: line.as_bytes(), escaped: piece && line.contains('\\') };
        let mut inner = Self {
            level: None,
            event: None,
            line: String::new(),
            message: if text.escaped { Message::Text(Some(text.decode().into_owned())) } else { Message::From(0) },
            depth,
            frame: frames::is_alone(&line),
            cut: false,
            twins: false,
            structured: false,
            json: object.starts_with("{\""),
        };
        if object.starts_with("{\"") {
            let start = Record::of_start(object.as_bytes());
            inner.level = start.and_then(|record| {
                let (level, word) = record.level_and_word()?;
                Some((level, word_of(level, word)))
            });
            inner.cut = inner.level.is_none() && (wrapping.piece || !object.ends_with('}'));
        } else {
            inner.level = level_of_text(&line, wrapping.leveled);
        }
        Self { line, ..inner }
    }

    /// Reads the line if it is a record that says more than text would.
    pub(crate) fn record(line: &[u8], depth: u8) -> Option<Self> {
        let line = line.trim_ascii_start();
        let record = parse::parse_inside(line, None, depth + 1)?;
        let telling = line.first() == Some(&b'{') || record.level().is_some();
        telling.then(|| {
            let line = sanitize::utf8(line).into_owned();
            let inner = Self::of_record(&record, &line, depth + 1);
            Self { line, ..inner }
        })
    }

    /// The texts of its fields that are named after exceptions and stack traces.
    pub(crate) fn traces(&self) -> Vec<Named<'static>> {
        // Few lines are asked for them, and only one with a mark can show a crash.
        let suspected = self.structured && classify::suspect(self.line.as_bytes(), 0).is_some();
        let record = if suspected { parse::parse_inside(self.line.as_bytes(), None, self.depth) } else { None };
        record.map_or_else(Vec::new, |record| record.traces().into_iter().map(Named::into_owned).collect())
    }

    /// Whether one of its fields states a failure.
    pub(crate) fn states_failure(&self) -> bool {
        let record = || parse::parse_inside(self.line.as_bytes(), None, self.depth);
        self.structured && record().is_some_and(|record| record.states_failure())
    }

    /// Whether it says more than its text.
    pub(crate) fn tells(&self) -> bool {
        self.level.is_some() || self.structured || self.frame || self.cut
    }

    /// Whether nothing but its place makes it a record.
    pub(crate) fn is_bare(&self) -> bool {
        !self.structured && !self.json
    }

    /// The same with another message, where it is but text.
    pub(crate) fn shown_as(self, message: Option<String>) -> Self {
        if self.structured { self } else { Self { message: Message::Text(message), ..self } }
    }

    /// What a record says that the line is; the line itself is still to be added.
    fn of_record(record: &Record<'_>, line: &str, depth: u8) -> Self {
        let message = match record.message {
            // Of most lines of text it is the end.
            Raw::Text(Text { bytes, escaped: false }) if record.inner.is_none() && line.as_bytes().ends_with(bytes) => {
                Message::From(line.len() - bytes.len())
            }
            _ => match record.message() {
                Some(message) => Message::Text(Some(message.into_owned())),
                None => Message::From(0),
            },
        };
        Self {
            level: record.level_and_word().map(|(level, word)| (level, word_of(level, word))),
            event: record.event().map(Into::into),
            line: String::new(),
            message,
            depth,
            frame: record.frame().is_some(),
            cut: record.is_cut(),
            twins: record.has_twins(),
            structured: true,
            json: record.dialect.is_json(),
        }
    }
}

/// The word of a level, which most programs call as we do.
fn word_of(level: Level, word: Cow<'_, str>) -> Cow<'static, str> {
    if word == level.word() { Cow::Borrowed(level.word()) } else { Cow::Owned(word.into_owned()) }
}

fn level_of_text(line: &str, leveled: bool) -> Option<(Level, Cow<'static, str>)> {
    if let Some(level) = level_at_start::level(line) {
        return Some((level, Cow::Borrowed(level.word())));
    }
    let word = level_after_date::level(line.as_bytes(), After::Envelope).filter(|_| !leveled)?;
    let word = &line[word];
    let level = Level::from_word(word);
    Some((level, word_of(level, word.to_lowercase().into())))
}

/// Reads a line of text with colours in it.
pub(crate) fn coloured(line: &[u8], written: Option<Stamp>, depth: u8) -> Option<Record<'_>> {
    let text = sanitize::utf8(line);
    let plain = ansi::strip(&text);
    let record = parse::parse_inside(plain.as_bytes(), written, depth + 1)?;
    let (dialect, at) = (record.dialect, record.at);
    let inner = Inner { line: plain.clone().into_owned(), ..Inner::of_record(&record, &plain, depth + 1) };
    Some(Record::of_text(dialect, line, at, None, line).with_inner(inner))
}
