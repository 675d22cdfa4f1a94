//! Walks the members of a JSON object without building it.
//!
//! Log lines are long and few of their members matter, so values are only delimited and checked; callers decode
//! what they need. The reader is strict about structure and lenient about what harms nobody: `NaN` and
//! infinities, lone surrogates, numbers of any length, any depth of nesting.

use std::borrow::Cow;

use memchr::memmem::Finder;
use serde_json::{Map, Value};

use super::cursor::Cursor;
pub use super::cursor::{Raw, Text};
use super::python_repr;
use crate::sanitize;

impl<'a> Text<'a> {
    /// The text. Invalid UTF-8 and lone surrogates become U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        let text = sanitize::utf8(self.bytes);
        if self.escaped { Cow::Owned(unescape(&text)) } else { text }
    }
}

impl<'a> Raw<'a> {
    /// Whether there is something in it: not `null`, `false`, zero, or empty.
    pub fn is_truthy(self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => value,
            Self::Number(_) => self.number() != Some(0.0),
            Self::Text(text) => !text.bytes.is_empty(),
            Self::Array(bytes) | Self::Object(bytes) => {
                bytes[1..bytes.len() - 1].iter().any(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n'))
            }
        }
    }

    /// The number, where it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// The text of a string; none for everything else.
    pub fn string(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.decode()),
            _ => None,
        }
    }

    /// The value as text: strings as they are, others as Python prints them (`None`, `True`, `1.0`,
    /// `['a', 1]`), because that is how the established tools name events and messages that are no strings.
    pub fn to_text(self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("None"),
            Self::Bool(true) => Cow::Borrowed("True"),
            Self::Bool(false) => Cow::Borrowed("False"),
            Self::Number(bytes) => python_repr::number(bytes),
            Self::Text(text) => text.decode(),
            Self::Array(_) | Self::Object(_) => {
                let mut text = String::new();
                python_repr::append(&mut text, &self.to_value());
                Cow::Owned(text)
            }
        }
    }

    /// The members of an object; none for everything else.
    pub fn members(self) -> Option<Members<'a>> {
        match self {
            Self::Object(bytes) => Members::new(bytes),
            _ => None,
        }
    }

    /// The elements of an array; nothing for everything else.
    pub fn elements(self) -> Elements<'a> {
        match self {
            Self::Array(bytes) => Elements(Cursor { bytes, at: 1 }),
            _ => Elements(Cursor { bytes: b"]", at: 0 }),
        }
    }

    /// The value for our own documents. Numbers that JSON cannot hold become text, and so does what is deeper
    /// than 64 levels.
    pub fn to_value(self) -> Value {
        self.value_at(64)
    }

    fn value_at(self, depth: u8) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(bytes) => {
                let whole = bytes.iter().all(|b| b.is_ascii_digit() || *b == b'-');
                // A whole number beyond 64 bits would lose its last digits.
                let kept = |value: &Value| !(whole && value.is_f64());
                let value = serde_json::from_slice(bytes).ok().filter(kept);
                value.unwrap_or_else(|| String::from_utf8_lossy(bytes).into())
            }
            Self::Text(text) => Value::String(text.decode().into_owned()),
            Self::Array(bytes) | Self::Object(bytes) if depth == 0 => String::from_utf8_lossy(bytes).into(),
            Self::Array(_) => self.elements().map(|element| element.value_at(depth - 1)).collect(),
            Self::Object(_) => Value::Object(match self.members() {
                Some(members) => members
                    .flatten()
                    .map(|(key, value)| (key.decode().into_owned(), value.value_at(depth - 1)))
                    .collect(),
                None => Map::new(),
            }),
        }
    }
}

/// The line is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The members of one object, in their order; ends after the first error.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    cursor: Cursor<'a>,
    first: bool,
    ended: bool,
    done: bool,
    /// Where the object ends, once it was read.
    end: usize,
}

/// The length of the object at the start of a text, whatever follows it.
pub fn object_len(text: &[u8]) -> Option<usize> {
    let mut members = Members::new(text)?;
    for member in members.by_ref() {
        if member.is_err() {
            break;
        }
    }
    Some(members.end).filter(|end| *end > 0)
}

/// The value of the first member of an object whose key is this name in its quotes, without reading what is before it.
/// The object must be known to be a valid one; a name that is written with escapes is not found.
///
/// # Errors
/// It may be that of an object inside: the members must be read.
pub fn spot<'a>(object: &'a [u8], quoted: &Finder<'_>) -> Result<Option<Raw<'a>>, Malformed> {
    let mut from = 0;
    while let Some(found) = quoted.find(&object[from..]) {
        let at = from + found;
        from = at + quoted.needle().len();
        // A quote after a backslash is within a text, and a text that no colon follows is a value.
        if object[..at].ends_with(b"\\") {
            continue;
        }
        let mut cursor = Cursor { bytes: object, at: from };
        cursor.blanks();
        if !cursor.eat(b':') {
            continue;
        }
        // One brace before it is that of the object itself.
        if memchr::memchr_iter(b'{', &object[..at]).nth(1).is_some() {
            return Err(Malformed);
        }
        cursor.blanks();
        return cursor.value().map(Some).ok_or(Malformed);
    }
    // A key may be written in another way.
    if memchr::memchr(b'\\', object).is_some() { Err(Malformed) } else { Ok(None) }
}

impl<'a> Members<'a> {
    /// Starts on a line; none when it does not begin with a brace.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes, at: 0 };
        cursor.blanks();
        cursor.eat(b'{').then_some(Self { cursor, first: true, ended: false, done: false, end: 0 })
    }

    /// The next key, and all that is before its value. None at the end, and when the object is malformed;
    /// [`Members::ended`] tells which.
    #[inline]
    pub(crate) fn key(&mut self) -> Option<(Text<'a>, &'a [u8])> {
        let cursor = &mut self.cursor;
        let start = cursor.at;
        cursor.blanks();
        if cursor.eat(b'}') {
            self.end = cursor.at;
            cursor.blanks();
            self.ended = cursor.at == cursor.bytes.len();
            return None;
        }
        if !std::mem::take(&mut self.first) {
            cursor.eat(b',').then_some(())?;
            cursor.blanks();
        }
        let key = cursor.text()?;
        cursor.blanks();
        cursor.eat(b':').then_some(())?;
        cursor.blanks();
        Some((key, &cursor.bytes[start..cursor.at]))
    }

    /// Passes over a key that is here just as `lead` was given by [`Members::key`] before, at the same place.
    #[inline]
    pub(crate) fn pass(&mut self, lead: &[u8]) -> bool {
        let found = starts_with(&self.cursor.bytes[self.cursor.at..], lead);
        if found {
            self.cursor.at += lead.len();
            self.cursor.blanks();
            self.first = false;
        }
        found
    }

    /// The value of the key before it. None when it is malformed.
    #[inline]
    pub(crate) fn value(&mut self) -> Option<Raw<'a>> {
        self.cursor.value()
    }

    /// Where the next part of the object starts.
    pub(crate) fn place(&self) -> usize {
        self.cursor.at
    }

    /// Whether the object was read to its end.
    #[inline]
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Text<'a>, Raw<'a>), Malformed>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let member = self.key().and_then(|(key, _)| Some((key, self.value()?)));
        self.done = member.is_none();
        match member {
            Some(member) => Some(Ok(member)),
            None if self.ended => None,
            None => Some(Err(Malformed)),
        }
    }
}

/// The elements of one array that was already checked.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Cursor<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let cursor = &mut self.0;
        cursor.blanks();
        cursor.eat(b',');
        cursor.blanks();
        if cursor.peek() == Some(b']') { None } else { cursor.value() }
    }
}

/// Whether a text starts with a short one. The comparison of the standard library is called, which takes longer than it
/// takes itself.
#[inline(always)]
fn starts_with(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else { return false };
    let (Some(last), Some(expect)) = (text.last_chunk::<8>(), start.last_chunk::<8>()) else {
        return text.iter().zip(start).all(|(a, b)| a == b);
    };
    let (eights, _) = text.as_chunks::<8>();
    let (expected, _) = start.as_chunks::<8>();
    last == expect && eights.iter().zip(expected).all(|(a, b)| a == b)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next().unwrap_or('\\');
        rest = rest.get(at + 1 + escape.len_utf8()..).unwrap_or_default();
        match escape {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => {
                let unit = hex4(rest);
                rest = rest.get(4..).unwrap_or_default();
                let pair = rest.strip_prefix("\\u").map(hex4);
                match (unit, pair) {
                    (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
                        rest = rest.get(6..).unwrap_or_default();
                        let scalar = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    _ => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => out.push(other),
        }
    }
    out.push_str(rest);
    out
}

fn hex4(text: &str) -> u32 {
    text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xfffd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Vec<(String, String)>> {
        Members::new(line.as_bytes())?
            .map(|member| member.map(|(key, value)| (key.decode().into_owned(), value.to_text().into_owned())))
            .collect::<Result<_, _>>()
            .ok()
    }

    #[test]
    fn members_come_in_order_and_as_text() {
        let line = r#" {"a" : "x\n\u00e9\ud83d\ude00\ud800" , "b":[ 1, "it's", null,{"k":true} ],"c":-1.50e+3,"d":{},"e":1e22,"f":NaN} "#;
        let texts: Vec<String> = read(line).expect("an object").into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["x\né😀\u{fffd}", "[1, \"it's\", None, {'k': True}]", "-1500.0", "{}", "1e+22", "nan"]);
    }

    #[test]
    fn what_is_not_one_object_is_refused() {
        for line in [
            "",
            "[]",
            "{",
            "{}x",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a":1 "b":2}"#,
            r#"{,"a":1}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":tru}"#,
            r#"{"a":"\x"}"#,
            r#"{"a":"\u12g4"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":[1,]}"#,
            r#"{"a":[1}"#,
            r#"{"a":{"b":1]}"#,
            r#"{"a":"b"#,
            r#"{a:1}"#,
            r#"{"a":{"b"}}"#,
            r#"{"a":[,1]}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn depth_and_length_exhaust_nothing() {
        let deep = format!("{{\"a\":{}{},\"b\":{}}}", "[".repeat(100_000), "]".repeat(100_000), "9".repeat(5000));
        let members: Vec<_> = Members::new(deep.as_bytes()).expect("an object").collect();
        assert_eq!(members.len(), 2);
        assert!(members[0].is_ok_and(|(_, value)| value.to_value().is_array()));
        assert!(members[1].is_ok_and(|(_, value)| value.is_truthy()));
        let mixed = format!("{{\"a\":{}1{}}}", "[{\"b\":".repeat(500), "}]".repeat(500));
        assert!(read(&mixed).is_some());
        assert!(read(&mixed.replace("1}]}]", "1]}}]")).is_none());
    }
}
