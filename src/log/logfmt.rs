//! `key=value` lines, as Go's libraries and many services write them.

use crate::json::pull::{Raw, Text};

/// Whether a key may hold this byte.
pub(super) fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-' | b'/')
}

/// The pairs of a line. Words without `=` are passed over; numbers are numbers, everything else is text.
pub(crate) fn pairs(line: &[u8]) -> Pairs<'_> {
    Pairs { rest: line }
}

/// See [`pairs`].
#[derive(Clone)]
pub(crate) struct Pairs<'a> {
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

impl<'a> Pairs<'a> {
    fn value(&mut self, tail: &'a [u8]) -> Raw<'a> {
        if let Some((b'"', quoted)) = tail.split_first() {
            let mut at = 0;
            let mut escaped = false;
            while let Some(byte) = quoted.get(at).filter(|b| **b != b'"') {
                escaped |= *byte == b'\\';
                at += 1 + usize::from(*byte == b'\\');
            }
            let end = at.min(quoted.len());
            self.rest = quoted.get(end + 1..).unwrap_or_default();
            return Raw::Text(Text { bytes: &quoted[..end], escaped });
        }
        let end = tail.iter().position(u8::is_ascii_whitespace).unwrap_or(tail.len());
        let (value, rest) = tail.split_at(end);
        self.rest = rest;
        let number = value.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            && std::str::from_utf8(value).is_ok_and(|text| text.parse::<f64>().is_ok());
        if number { Raw::Number(value) } else { Raw::Text(Text { bytes: value, escaped: false }) }
    }
}
