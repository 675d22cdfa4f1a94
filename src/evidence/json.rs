//! Walks the members of a JSON object without building it.
//!
//! Log lines are long and few of their members matter, so values are only delimited and checked; callers decode
//! what they need. The reader is strict about structure and lenient about what harms nobody: `NaN` and
//! infinities, lone surrogates, numbers of any length, any depth of nesting.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// A value as it stands in the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as written; also `NaN`, `Infinity` and `-Infinity`.
    Number(&'a [u8]),
    /// A string.
    Text(Text<'a>),
    /// `[…]`
    Array(&'a [u8]),
    /// `{…}`
    Object(&'a [u8]),
}

/// A string between its quotes, still escaped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Text<'a> {
    /// The bytes between the quotes.
    pub bytes: &'a [u8],
    /// Whether there is a backslash among them.
    pub escaped: bool,
}

impl<'a> Text<'a> {
    /// The text. Invalid UTF-8 and lone surrogates become U+FFFD.
    pub fn decode(self) -> Cow<'a, str> {
        let text = String::from_utf8_lossy(self.bytes);
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
            Self::Number(bytes) => number_text(bytes),
            Self::Text(text) => text.decode(),
            Self::Array(_) | Self::Object(_) => {
                let mut text = String::new();
                python(&mut text, &self.to_value());
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

    /// The value for our own documents. Numbers that JSON cannot hold become text, and so does what lies deeper
    /// than 64 levels.
    pub fn to_value(self) -> Value {
        self.value_at(64)
    }

    fn value_at(self, depth: u8) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Number(bytes) => {
                serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
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
}

impl<'a> Members<'a> {
    /// Starts on a line; none when it does not begin with a brace.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor { bytes, at: 0 };
        cursor.blanks();
        cursor.eat(b'{').then_some(Self { cursor, first: true, ended: false, done: false })
    }

    /// The next key, and all that stands before its value. None at the end, and when the object is malformed;
    /// [`Members::ended`] tells which.
    #[inline]
    pub(super) fn key(&mut self) -> Option<(Text<'a>, &'a [u8])> {
        let cursor = &mut self.cursor;
        let start = cursor.at;
        cursor.blanks();
        if cursor.eat(b'}') {
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

    /// Passes over a key that stands here just as `lead` was given by [`Members::key`] before, at the same place.
    #[inline]
    pub(super) fn pass(&mut self, lead: &[u8]) -> bool {
        let found = self.cursor.bytes[self.cursor.at..].starts_with(lead);
        if found {
            self.cursor.at += lead.len();
            self.cursor.blanks();
            self.first = false;
        }
        found
    }

    /// The value of the key before it. None when it is malformed.
    #[inline]
    pub(super) fn value(&mut self) -> Option<Raw<'a>> {
        self.cursor.value()
    }

    /// Whether the object was read to its end.
    #[inline]
    pub(super) fn ended(&self) -> bool {
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

#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline(always)]
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[inline(always)]
    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn text(&mut self) -> Option<Text<'a>> {
        self.eat(b'"').then_some(())?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = special(self.bytes, self.at)?;
            match self.bytes[self.at] {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += match *self.bytes.get(self.at + 1)? {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
                        b'u' if self.bytes.get(self.at + 2..self.at + 6)?.iter().all(u8::is_ascii_hexdigit) => 6,
                        _ => return None,
                    };
                }
                _ => return None,
            }
        }
        let bytes = &self.bytes[start..self.at];
        self.at += 1;
        Some(Text { bytes, escaped })
    }

    #[inline(always)]
    fn value(&mut self) -> Option<Raw<'a>> {
        let start = self.at;
        Some(match self.peek()? {
            b'"' => Raw::Text(self.text()?),
            b'{' => {
                self.skip_nested()?;
                Raw::Object(&self.bytes[start..self.at])
            }
            b'[' => {
                self.skip_nested()?;
                Raw::Array(&self.bytes[start..self.at])
            }
            _ => self.scalar()?,
        })
    }

    #[inline(always)]
    fn scalar(&mut self) -> Option<Raw<'a>> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let (value, len) = match rest.first()? {
            b't' if rest.starts_with(b"true") => (Raw::Bool(true), 4),
            b'f' if rest.starts_with(b"false") => (Raw::Bool(false), 5),
            b'n' if rest.starts_with(b"null") => (Raw::Null, 4),
            b'N' if rest.starts_with(b"NaN") => (Raw::Number(&rest[..3]), 3),
            b'I' if rest.starts_with(b"Infinity") => (Raw::Number(&rest[..8]), 8),
            b'-' if rest.starts_with(b"-Infinity") => (Raw::Number(&rest[..9]), 9),
            _ => {
                let len = number_len(rest)?;
                (Raw::Number(&rest[..len]), len)
            }
        };
        self.at += len;
        Some(value)
    }

    /// Passes over an object or array, checking its structure, with a stack of its own: no depth of nesting
    /// exhausts the thread's.
    fn skip_nested(&mut self) -> Option<()> {
        let mut open = Open::default();
        loop {
            // Here a value, or the end of an empty container, is due.
            self.blanks();
            match self.peek()? {
                b'{' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? != b'}' {
                        open.push(true);
                        self.key()?;
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    self.blanks();
                    if self.peek()? != b']' {
                        open.push(false);
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => {
                    self.text()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value is complete: close what ends here, or go on to the next one.
            loop {
                let Some(object) = open.innermost() else { return Some(()) };
                self.blanks();
                if self.eat(if object { b'}' } else { b']' }) {
                    open.pop();
                    continue;
                }
                self.eat(b',').then_some(())?;
                if object {
                    self.blanks();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.text()?;
        self.blanks();
        self.eat(b':').then_some(())
    }
}

/// The containers that are open, innermost last: one bit each, set for objects. Only deep nesting takes memory.
#[derive(Default)]
struct Open {
    bits: u64,
    depth: usize,
    outer: Vec<u64>,
}

impl Open {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.bits = self.bits << 1 | u64::from(object);
        self.depth += 1;
    }

    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().unwrap_or(0);
        }
    }
}

/// The index of the next quote, backslash or control character, eight bytes at a time.
#[inline]
fn special(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    while let Some(word) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(word.try_into().ok()?);
        let quote = word ^ (ONES * 0x22);
        let slash = word ^ (ONES * 0x5c);
        // The usual test for a zero byte; the lowest hit is exact.
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let hit = hit & (ONES * 0x80);
        if hit != 0 {
            return Some(at + (hit.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    bytes[at.min(bytes.len())..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).map(|i| at + i)
}

/// The length of the JSON number at the front.
#[inline]
fn number_len(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from.min(bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let part = digits(at + 1);
        if part == 0 {
            return None;
        }
        at += 1 + part;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let power = digits(at);
        if power == 0 {
            return None;
        }
        at += power;
    }
    Some(at)
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
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

fn number_text(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if bytes.iter().all(|b| b.is_ascii_digit() || *b == b'-') {
        return if bytes == b"-0" { Cow::Borrowed("0") } else { text };
    }
    match text.as_ref() {
        "NaN" => "nan".into(),
        "Infinity" => "inf".into(),
        "-Infinity" => "-inf".into(),
        other => other.parse::<f64>().map_or_else(|_| other.to_owned(), float_text).into(),
    }
}

/// The shortest text that reads back as the same number, with the exponent as Python writes it: `1e+22`.
fn float_text(number: f64) -> String {
    let text = format!("{number:?}");
    match text.split_once('e') {
        None => text,
        Some((mantissa, power)) => {
            let (sign, power) = power.strip_prefix('-').map_or(('+', power), |p| ('-', p));
            format!("{mantissa}e{sign}{power:0>2}")
        }
    }
}

fn python(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => out.push_str(&number_text(number.to_string().as_bytes())),
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                python(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, item)) in members.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                quote(out, key);
                out.push_str(": ");
                python(out, item);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == mark => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out.push(mark);
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
