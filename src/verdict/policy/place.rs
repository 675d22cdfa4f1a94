//! Messages about a file of settings that show the place: file, line, column, and a caret under what is meant.

use std::ops::Range;

use toml::de::DeTable;
use toml::{Spanned, Value};

/// A file of settings as a user wrote it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    /// What the user calls the file.
    pub source: &'a str,
    /// What is in it.
    pub text: &'a str,
    /// The profile whose tables are read; none outside of profiles.
    pub profile: Option<&'a str>,
}

impl<'a> Text<'a> {
    /// A file without profiles.
    pub(crate) fn new(source: &'a str, text: &'a str) -> Self {
        Self { source, text, profile: None }
    }

    /// Its tables with their places.
    ///
    /// # Errors
    /// It is not TOML, or holds a key twice.
    pub(crate) fn tables(&self) -> Result<Spanned<DeTable<'a>>, String> {
        DeTable::parse(self.text).map_err(|error| self.error(&error))
    }

    /// What the parser says, at its place. A key that it does not know is compared with those that it does.
    pub(crate) fn error(&self, error: &toml::de::Error) -> String {
        let message = error.message().replace("expected u64", "expected a whole number from 0");
        self.at(error.span().unwrap_or(0..0), &with_suggestion(&message))
    }

    /// `message` with its place: file, line, column, and the line with a caret under `span`.
    pub(crate) fn at(&self, span: Range<usize>, message: &str) -> String {
        let Self { source, text, .. } = self;
        let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let start = boundary(span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let number = self.line_of(start);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let column = text[line_start..start].chars().count();
        let end = boundary(span.end).clamp(start, line_start + line.len().max(start - line_start));
        let carets = "^".repeat(text[start..end].chars().count().max(1));
        let margin = " ".repeat(number.to_string().len());
        // Tabs would move the caret away from its place.
        let line = line.replace('\t', " ");
        format!(
            "{source}:{number}:{}: {}\n{margin} |\n{number} | {line}\n{margin} | {}{carets}",
            column + 1,
            message.trim(),
            " ".repeat(column)
        )
    }

    /// Where something is said: `emp-ops.toml:7 (profile ci)`.
    pub(crate) fn place(&self, span: &Range<usize>) -> String {
        let profile = self.profile.map(|name| format!(" (profile {name})")).unwrap_or_default();
        format!("{}:{}{profile}", self.source, self.line_of(span.start))
    }

    /// The line, counted from 1, that holds the byte at `at`.
    fn line_of(&self, at: usize) -> usize {
        self.text.as_bytes()[..at.min(self.text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
    }
}

/// ``unknown field `a`, expected one of `b`, `c` `` with the nearest of these first.
fn with_suggestion(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field ") else { return message.to_owned() };
    let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    match names.split_first() {
        Some((unknown, known)) => format!("unknown field `{unknown}`{}", expected(unknown, known)),
        None => message.to_owned(),
    }
}

/// ``; did you mean `b`?``, or what there is to choose from.
pub(crate) fn expected(unknown: &str, known: &[&str]) -> String {
    if let Some(near) = nearest(unknown, known) {
        return format!("; did you mean `{near}`?");
    }
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    match known.len() {
        0 => String::new(),
        1 => format!(", expected {}", known[0]),
        _ => format!(", expected one of {}", known.join(", ")),
    }
}

/// The one of `known` that somebody may have meant by `word`.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.replace('-', "_").to_lowercase();
    let near = known.iter().map(|name| (strsim::damerau_levenshtein(&word, name), *name)).min()?;
    (near.0 <= (word.chars().count() / 3).max(1)).then_some(near.1)
}

/// What a value is, for people.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Float(number) if !number.is_finite() => "no finite number",
        Value::Integer(_) | Value::Float(_) => "a bare number",
        Value::Boolean(_) => "a truth value",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_with_its_line_and_a_caret_under_what_is_meant() {
        for (text, span, expect) in [
            ("a = 1\nbb = 2\n", 6..8, "p:2:1: wrong\n  |\n2 | bb = 2\n  | ^^"),
            ("a = 1\n", 4..5, "p:1:5: wrong\n  |\n1 | a = 1\n  |     ^"),
            // Letters count, not bytes.
            ("ä = 1\n", 5..6, "p:1:5: wrong\n  |\n1 | ä = 1\n  |     ^"),
            ("\ta = 1\n", 1..2, "p:1:2: wrong\n  |\n1 |  a = 1\n  |  ^"),
            // What goes on in further lines is marked to the end of its first.
            ("a = [\n1]\n", 4..8, "p:1:5: wrong\n  |\n1 | a = [\n  |     ^"),
            ("a", 7..9, "p:1:2: wrong\n  |\n1 | a\n  |  ^"),
        ] {
            assert_eq!(Text::new("p", text).at(span, "wrong"), expect, "{text:?}");
        }
    }

    #[test]
    fn a_word_is_compared_with_those_that_somebody_may_have_meant() {
        for (word, expect) in [
            ("warn_gapp", Some("warn_gap")),
            ("Warn-Gap", Some("warn_gap")),
            ("fial_gap", Some("fail_gap")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &["warn_gap", "fail_gap"]), expect, "{word}");
        }
        assert_eq!(expected("colour", &["a", "b"]), ", expected one of `a`, `b`");
        assert_eq!(expected("colour", &["a"]), ", expected `a`");
        assert_eq!(expected("colour", &[]), "");
    }
}
