//! `key=value` lines, as Go's libraries and many services write them.

use crate::json::pull::{Raw, Text};

/// Whether a key may hold this byte.
pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-' | b'/')
}

/// The pairs of a line. Words without `=` are passed over; numbers are numbers, everything else is text.
pub fn pairs(line: &[u8]) -> Pairs<'_> {
    Pairs { rest: line }
}

/// See [`pairs`].
#[derive(Clone)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Text<'a>, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.rest = self.rest.trim_ascii_start();
            if self.rest.is_empty() {
                return None;
            }
            let end = self.rest.iter().position(|b| *b == b'=' || b.is_ascii_whitespace()).unwrap_or(self.rest.len());
            let (key, tail) = self.rest.split_at(end);
            let Some((b'=', tail)) = tail.split_first() else {
                self.rest = tail;
                continue;
            };
            // `t` is the usual short form of `time`.
            let key = if key == b"t" { b"time" } else { key };
            let value = self.value(tail);
            return Some((Text { bytes: key, escaped: false }, value));
        }
    }
}

/// A value in single quotes, as Python shows texts, and what follows it.
fn single_quoted(tail: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = tail.strip_prefix(b"'")?;
    let mut ends = memchr::memchr_iter(b'\'', quoted);
    let end = ends.find(|at| quoted.get(at + 1).is_none_or(u8::is_ascii_whitespace))?;
    Some((&quoted[..end], &quoted[end + 1..]))
}

impl<'a> Pairs<'a> {
    fn value(&mut self, tail: &'a [u8]) -> Raw<'a> {
        if let Some((b'"', quoted)) = tail.split_first() {
            let mut at = 0;
            let mut escaped = false;
            let end = loop {
                match memchr::memchr2(b'"', b'\\', quoted.get(at..).unwrap_or_default()) {
                    Some(found) if quoted[at + found] == b'"' => break at + found,
                    Some(found) => at += found + 2,
                    None => break quoted.len(),
                }
                escaped = true;
            };
            self.rest = quoted.get(end + 1..).unwrap_or_default();
            return Raw::Text(Text { bytes: &quoted[..end], escaped });
        }
        if let Some((value, rest)) = single_quoted(tail) {
            self.rest = rest;
            return Raw::Text(Text { bytes: value, escaped: false });
        }
        let end = tail.iter().position(u8::is_ascii_whitespace).unwrap_or(tail.len());
        let (value, rest) = tail.split_at(end);
        self.rest = rest;
        if is_number(value) { Raw::Number(value) } else { Raw::Text(Text { bytes: value, escaped: false }) }
    }
}

/// Whether a value is digits, perhaps with a sign before them and a point among them.
fn is_number(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let points = digits.iter().filter(|b| **b == b'.').count();
    points < 2 && digits.len() > points && digits.iter().all(|b| b.is_ascii_digit() || *b == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbers_or_texts() {
        let line = br#"a=1 b=-2.5 word c="x \"y\" z" d=1.2.3 e=. f="open \"#;
        let shown: Vec<String> = pairs(line)
            .map(|(key, value)| match value {
                Raw::Number(digits) => format!("{}#{}", key.decode(), String::from_utf8_lossy(digits)),
                value => format!("{}:{}", key.decode(), value.to_text()),
            })
            .collect();
        assert_eq!(shown, ["a#1", "b#-2.5", "c:x \"y\" z", "d:1.2.3", "e:.", "f:open \\"]);
    }
}
