//! Lines as text.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::de::IgnoredAny;

use crate::crash::classify;
use crate::level::{Level, number};
use crate::log::ansi;
use crate::log::key_cache::Shape;
use crate::log::record::Record;
use crate::supervise::redact::Redactor;

/// A line without colours, which are between the fields that matter, or `lines` of them as one.
pub(super) fn plain(line: &[u8], lines: u64) -> Cow<'_, [u8]> {
    let plain = ansi::strip_bytes(line);
    if lines == 1 {
        return plain;
    }
    Cow::Owned(plain.iter().map(|b| if *b == b'\n' { b' ' } else { *b }).collect())
}

/// An object as one line: between its members a line end is no more than a blank.
pub(super) fn one_line(object: &str) -> Cow<'_, str> {
    let object = object.trim();
    if object.contains('\n') { Cow::Owned(object.replace('\n', " ")) } else { Cow::Borrowed(object) }
}

/// Whether a line is one JSON object. `record` is what was read of it, without colours.
pub(super) fn is_object(line: &[u8], record: Option<&Record<'_>>) -> bool {
    // What was read as an object need not be read again, unless it has numbers that JSON has not.
    static NUMBERS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| ["NaN", "Infinity"].map(Finder::new));
    let read = record.filter(|record| record.dialect.is_json() && record.source().len() == line.len());
    if read.is_some() && NUMBERS.iter().all(|number| number.find(line).is_none()) {
        return true;
    }
    line.first() == Some(&b'{') && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

/// Whether a record of the structured log shows a crash to those who read it later.
pub(super) fn shows_crash(written: &[u8]) -> bool {
    let record = suspected(written).and_then(|()| Record::of_json(written, &mut Shape::default()));
    record.is_some_and(|record| record.crash().is_some())
}

/// Whether a line of JSON may tell of a crash; most need no closer look.
pub(super) fn suspected(line: &[u8]) -> Option<()> {
    classify::suspect(line, 0).map(|_| ())
}

/// A text without what must not be written.
pub(super) fn without_secrets<'t>(redactor: &Redactor, text: &'t str, cut: bool) -> Cow<'t, str> {
    match redactor.line(text.as_bytes(), cut) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// A line as text. Nearly all are valid, and that is seen faster than what is wrong with one.
pub(super) fn lossy(line: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed)
}

/// The level in the words of the line.
pub(super) fn level_word<'a>(level: Level, word: Cow<'a, str>, redactor: &Redactor) -> Cow<'a, str> {
    match word {
        // Any text can be there; but known words must not be lost.
        word if level == Level::Unknown => redactor.text(word),
        // Numbers mean nothing outside their dialect.
        word if number(&word).is_some() => Cow::Borrowed(level.word()),
        word => word,
    }
}
