//! A line inside another one: what containers, syslog and systemd keep of the output of a program.

use super::crash::classify::Named;
use super::crash::frames;
use super::level::Level;
use super::level_in_text::{self, After};
use super::parse;
use super::record::{Inner, Record};
use super::{ansi, leading};
use crate::json::pull::Text;
use crate::time::Stamp;

/// How a line is wrapped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrapping {
    /// How many lines are around it.
    pub(crate) depth: u8,
    /// Whether a level stands outside: then one inside must stand at the front.
    pub(crate) leveled: bool,
    /// Whether it is only a piece of a line.
    pub(crate) piece: bool,
}

impl Inner {
    /// Reads the line, whatever it is.
    pub(crate) fn of(line: &str, wrapping: Wrapping) -> Self {
        let line = ansi::strip(line);
        let line = line.trim_end_matches(['\r', '\n']);
        if let Some(record) = parse::parse_inside(line.as_bytes(), None, wrapping.depth + 1) {
            return Self::of_record(&record, line);
        }
        let object = line.trim_start();
        let piece = wrapping.piece || object.starts_with("{\"") || object.ends_with('}') && object.contains("\":");
        // In a piece of JSON the lines of a trace are still escaped.
        let text = Text { bytes: line.as_bytes(), escaped: piece && line.contains('\\') };
        let mut inner = Self {
            level: None,
            event: None,
            message: Some(text.decode().into_owned()),
            traces: Vec::new(),
            frame: frames::is_alone(line),
            cut: false,
            twins: false,
            structured: false,
            json: object.starts_with("{\""),
        };
        if object.starts_with("{\"") {
            let start = Record::of_start(object.as_bytes());
            inner.level = start.and_then(|record| Some((record.level()?, record.level_word().into_owned())));
            inner.cut = inner.level.is_none() && (wrapping.piece || !object.ends_with('}'));
        } else {
            inner.level = level_of_text(line, wrapping.leveled);
        }
        inner
    }

    /// Reads the line if it is a record that says more than text would.
    pub(crate) fn record(line: &[u8], depth: u8) -> Option<Self> {
        let line = line.trim_ascii_start();
        let record = parse::parse_inside(line, None, depth + 1)?;
        let telling = line.first() == Some(&b'{') || record.level().is_some();
        telling.then(|| Self::of_record(&record, &String::from_utf8_lossy(line)))
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
        if self.structured { self } else { Self { message, ..self } }
    }

    fn of_record(record: &Record<'_>, line: &str) -> Self {
        Self {
            level: record.level().map(|level| (level, record.level_word().into_owned())),
            event: record.event().map(Into::into),
            message: Some(record.message().map_or_else(|| line.to_owned(), Into::into)),
            traces: record.traces().into_iter().map(Named::into_owned).collect(),
            frame: record.frame().is_some(),
            cut: record.is_cut(),
            twins: record.has_twins(),
            structured: true,
            json: record.dialect.is_json(),
        }
    }
}

fn level_of_text(line: &str, leveled: bool) -> Option<(Level, String)> {
    if let Some(level) = leading::level(line) {
        return Some((level, level.word().to_owned()));
    }
    let word = level_in_text::level(line.as_bytes(), After::Envelope).filter(|_| !leveled)?;
    let word = &line[word];
    Some((Level::from_word(word), word.to_lowercase()))
}

/// Reads a line of text with colours in it.
pub(crate) fn coloured(line: &[u8], written: Option<Stamp>, depth: u8) -> Option<Record<'_>> {
    let text = String::from_utf8_lossy(line);
    let plain = ansi::strip(&text);
    let record = parse::parse_inside(plain.as_bytes(), written, depth + 1)?;
    let (dialect, at, inner) = (record.dialect, record.at, Inner::of_record(&record, &plain));
    Some(Record::of_text(dialect, line, at, None, line).with_inner(inner))
}
