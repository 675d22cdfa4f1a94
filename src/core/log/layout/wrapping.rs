//! What multiplexers put before each line: the name of a container, a process, a package or a file.

use serde::{Deserialize, Serialize};

use super::{date_formats, level_words, tokens};
use crate::log::level_at_start;

/// A way of putting names before lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Form {
    Bar,
    NumberBar,
    ClockBar,
    Bracket,
    Colons,
    File,
    Number,
    Names,
    Name,
}

/// One row of the table of forms.
struct Row {
    form: Form,
    /// Its name in reports and policies.
    name: &'static str,
    /// The share of lines, in percent, that must have it.
    share: usize,
}

const FORMS: [Row; 9] = [
    Row { form: Form::Bar, name: "NAME |", share: 50 },
    Row { form: Form::NumberBar, name: "N|NAME |", share: 50 },
    Row { form: Form::ClockBar, name: "hh:mm:ss NAME |", share: 50 },
    Row { form: Form::Bracket, name: "[NAME]", share: 95 },
    Row { form: Form::Colons, name: "NAME:NAME:", share: 95 },
    Row { form: Form::File, name: "FILE:N:", share: 95 },
    Row { form: Form::Number, name: "N:", share: 95 },
    Row { form: Form::Names, name: "NAME NAME", share: 95 },
    Row { form: Form::Name, name: "NAME", share: 95 },
];

/// The names of all forms, for messages.
pub(super) fn names() -> String {
    FORMS.iter().map(|row| format!("`{}`", row.name)).collect::<Vec<_>>().join(", ")
}

impl Form {
    /// Its name in reports and policies.
    pub(crate) fn name(self) -> &'static str {
        FORMS.iter().find(|row| row.form == self).map_or("", |row| row.name)
    }

    /// The form of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        FORMS.iter().find(|row| row.name == name).map(|row| row.form)
    }

    /// The name before a line, and the line itself; none if it is not wrapped.
    pub(crate) fn strip(self, line: &[u8]) -> Option<(&[u8], &[u8])> {
        match self {
            Self::Bar => {
                let name = name(line)?;
                Some((name, bar(&line[name.len()..])?))
            }
            Self::NumberBar => {
                let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
                let rest = line[digits..].strip_prefix(b"|").filter(|_| digits > 0)?;
                let name = name(rest)?;
                Some((name, bar(&rest[name.len()..])?))
            }
            Self::ClockBar => {
                let clock = date_formats::read(date_formats::Shape::Clock, line)?;
                let rest = line[clock.len..].strip_prefix(b" ")?;
                let name = name(rest)?;
                Some((name, bar(&rest[name.len()..])?))
            }
            Self::Bracket => {
                let inner = line.strip_prefix(b"[")?;
                let name = name(inner)?;
                let rest = inner[name.len()..].strip_prefix(b"]")?;
                Some((name, rest.strip_prefix(b":").unwrap_or(rest).strip_prefix(b" ")?))
            }
            Self::Colons => {
                let first = name(line)?;
                let rest = line[first.len()..].strip_prefix(b":")?;
                let second = name(rest)?;
                let rest = rest[second.len()..].strip_prefix(b":")?.strip_prefix(b" ")?;
                Some((&line[..=first.len() + second.len()], rest))
            }
            Self::File => {
                let name = name(line)?;
                let rest = line[name.len()..].strip_prefix(b":")?;
                let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                Some((name, rest[digits..].strip_prefix(b":").filter(|_| digits > 0)?))
            }
            Self::Number => {
                let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
                (1..10).contains(&digits).then_some(())?;
                Some((b"", line[digits..].strip_prefix(b":")?))
            }
            Self::Names => {
                let first = name(line)?;
                let rest = line[first.len()..].strip_prefix(b" ")?;
                let second = name(rest)?;
                let rest = rest[second.len()..].strip_prefix(b" ")?;
                Some((&line[..=first.len() + second.len()], rest))
            }
            Self::Name => {
                let name = name(line)?;
                Some((name, line[name.len()..].strip_prefix(b" ")?))
            }
        }
    }
}

/// A name at the start: it has a letter, and is no level.
fn name(text: &[u8]) -> Option<&[u8]> {
    let len = text.iter().take_while(|b| b.is_ascii_alphanumeric() || b"_.-@/".contains(b)).count();
    let name = &text[..len];
    let level =
        || level_words::stepped(name).is_some() || matches!(name, [letter] if level_words::letter(*letter).is_some());
    (len < 80 && name.iter().any(u8::is_ascii_alphabetic) && !level()).then_some(name)
}

/// What is behind a bar with blanks before it.
fn bar(text: &[u8]) -> Option<&[u8]> {
    let rest = text.trim_ascii_start().strip_prefix(b"|")?;
    Some(rest.strip_prefix(b" ").unwrap_or(rest)).filter(|_| text.starts_with(b" "))
}

/// Whether a line starts as records do: with an object, a date, a priority, a pair or a level.
fn begins(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    match line.first() {
        Some(b'{' | b'<') => true,
        Some(b'[') if is_dated(&line[1..]) => true,
        Some(_) if is_dated(line) => true,
        _ => {
            let first = tokens::of(line).next().unwrap_or(0..0);
            let pair = line[first].iter().position(|b| *b == b'=').is_some_and(|at| at > 0);
            pair || std::str::from_utf8(line).ok().and_then(level_at_start::level).is_some()
        }
    }
}

/// Whether a text starts with a date.
fn is_dated(text: &[u8]) -> bool {
    date_formats::any(text).is_some_and(|(shape, _)| shape != date_formats::Shape::Clock)
}

/// The form that lines are wrapped in; none if taking it off shows no more records.
pub(crate) fn learn(lines: &[&[u8]]) -> Option<Form> {
    let share = |count: usize, total: usize| count * 100 / total.max(1);
    let before = share(lines.iter().filter(|line| begins(line)).count(), lines.len());
    if before > 70 {
        return None;
    }
    FORMS.iter().find_map(|row| {
        let stripped: Vec<(&[u8], &[u8])> = lines.iter().filter_map(|line| row.form.strip(line)).collect();
        let mut names: Vec<&[u8]> = stripped.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        let behind = stripped.iter().filter(|(_, rest)| begins(rest)).count();
        // A bar behind the same few names is no accident, whatever the programs print.
        let bars = row.share < 95 && share(stripped.len(), lines.len()) >= 95 && names.len() * 3 <= stripped.len();
        let few = names.len() <= 12.max(lines.len() / 10) && (names.len() < stripped.len() || row.share < 95);
        let taken = !stripped.is_empty()
            && share(stripped.len(), lines.len()) >= row.share
            && few
            && (bars || share(behind, stripped.len()) >= before + 30);
        taken.then_some(row.form)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_multiplexers_are_found_and_prose_is_not_cut() {
        for (lines, form, rest) in [
            (&["api-1  | {\"level\":\"info\"}", "web-1  | ERROR: gone"][..], Some("NAME |"), "{\"level\":\"info\"}"),
            (&["0|api  | {\"a\":1}", "1|web  | {\"a\":2}"], Some("N|NAME |"), "{\"a\":1}"),
            (&["08:00:00 web.1  | {\"a\":1}", "08:00:01 job.1  | {}"], Some("hh:mm:ss NAME |"), "{\"a\":1}"),
            (
                &["[api] 2025-03-03 08:00:00 up", "[web] 2025-03-03 08:00:01 up", "[api] 2025-03-03 08:00:02 x"],
                Some("[NAME]"),
                "2025-03-03 08:00:00 up",
            ),
            (&["web:dev: {\"a\":1}", "api:dev: {\"a\":1}", "web:dev: {\"a\":2}"], Some("NAME:NAME:"), "{\"a\":1}"),
            (
                &["a.log:7:2025-03-03 08:00:00 x", "a.log:9:2025-03-03 08:00:01 x"],
                Some("FILE:N:"),
                "2025-03-03 08:00:00 x",
            ),
            (&["7:2025-03-03 08:00:00 x", "9:2025-03-03 08:00:01 x"], Some("N:"), "2025-03-03 08:00:00 x"),
            (&["pod-a app {\"a\":1}", "pod-b app {\"a\":1}", "pod-a app {}"], Some("NAME NAME"), "{\"a\":1}"),
            (&["2025-03-03 08:00:00 api | up", "2025-03-03 08:00:00 web | up"], None, ""),
            (&["ERROR {\"a\":1}", "ERROR {\"a\":2}"], None, ""),
            (&["the cat | sat", "the dog | ran"], None, ""),
            (&["api-1 | up", "api-1 | GET /", "api-1 | GET /a", "api-1 | bye"], Some("NAME |"), "up"),
            (&["anna | 5", "ben | 7", "carl | 8", "dora | 9"], None, ""),
        ] {
            let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            let found = learn(&bytes);
            assert_eq!(found.map(Form::name), form, "{lines:?}");
            if let Some(found) = found {
                assert_eq!(Form::from_name(found.name()), Some(found));
                assert_eq!(found.strip(bytes[0]).map(|(_, rest)| rest), Some(rest.as_bytes()), "{lines:?}");
            }
        }
    }
}
