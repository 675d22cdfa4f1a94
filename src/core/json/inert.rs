//! The one writer of JSON documents: what would steer a terminal or reorder text is escaped, so that a document can be
//! shown with any tool and still says the same.

use std::io::{self, Write};

use serde::Serialize;

use crate::sanitize::steers;

/// Writes `value` with an indent of two and a final newline.
///
/// # Errors
/// Whatever `out` returns.
pub fn write_json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(Inert(&mut *out), value)?;
    out.write_all(b"\n")
}

/// `value` as the JSON text of all our documents: an indent of two and a final newline.
pub fn json_text(value: &impl Serialize) -> String {
    text(|out| write_json(out, value))
}

/// `value` as one line of JSON.
pub fn json_line(value: &impl Serialize) -> String {
    text(|out| {
        serde_json::to_writer(Inert(&mut *out), value)?;
        out.write_all(b"\n")
    })
}

/// Appends a text as a string of JSON.
pub fn append_string(out: &mut Vec<u8>, text: &str) {
    if all(text, |byte| (0x20..0x7f).contains(&byte) & (byte != b'"') & (byte != b'\\')) {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        return out.push(b'"');
    }
    // Writing into memory cannot fail.
    let _ = serde_json::to_writer(Inert(out), text);
}

/// Appends a JSON document of others as it is, but for what steers: that is escaped. It is within strings, because
/// all else in JSON is plain ASCII.
pub fn append_document(out: &mut Vec<u8>, text: &str) {
    if all(text, |byte| (0x20..0x7f).contains(&byte) | byte.is_ascii_whitespace()) {
        return out.extend_from_slice(text.as_bytes());
    }
    for c in text.chars() {
        if steers(c) && !c.is_ascii_whitespace() {
            escape(c, out);
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// Whether all bytes are plain ones. Most texts are plain to their end, so many bytes are looked at in one step.
fn all(text: &str, plain: impl Fn(u8) -> bool) -> bool {
    let odd = |piece: &[u8]| piece.iter().fold(false, |odd, byte| odd | !plain(*byte));
    !text.as_bytes().chunks(64).any(odd)
}

fn escape(c: char, out: &mut Vec<u8>) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    // Our documents have string keys and no failing serialisers, and memory takes everything.
    let _ = write(&mut bytes);
    String::from_utf8(bytes).unwrap_or_default()
}

/// Escapes within the strings of JSON; all else in JSON is plain ASCII.
struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The serialiser hands over whole characters.
        let plain = bytes.iter().all(|byte| *byte < 0x7f);
        match std::str::from_utf8(bytes) {
            Ok(text) if !plain && text.contains(odd) => {
                let mut safe = Vec::with_capacity(text.len() + 16);
                for c in text.chars() {
                    if odd(c) {
                        escape(c, &mut safe);
                    } else {
                        safe.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
                self.0.write_all(&safe)?;
            }
            _ => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The serialiser has escaped the ASCII ones but for DEL; what is left of them is layout.
fn odd(c: char) -> bool {
    c >= '\u{7f}' && steers(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_shows_nothing_that_steers_and_reads_back_the_same() {
        let hostile = "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}exe.\u{2066}\u{feff}\u{e0041}\n\"\\ täglich 🦀";
        let value = serde_json::json!({hostile: [hostile, 1.5, null]});
        for text in [json_text(&value), json_line(&value)] {
            assert!(!text.contains(|c| c != '\n' && steers(c)), "{text}");
            assert!(
                text.contains("\\u009b") && text.contains("\\udb40\\udc41") && text.contains("täglich 🦀"),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), value);
        }
        let (mut string, mut document) = (Vec::new(), Vec::new());
        append_string(&mut string, hostile);
        append_document(&mut document, &serde_json::json!({"a": hostile}).to_string());
        for made in [string, document] {
            let text = String::from_utf8(made).expect("UTF-8");
            assert!(!text.contains(steers) && text.contains("\\u202e") && text.contains("\\udb40\\udc41"), "{text}");
            let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(read.get("a").unwrap_or(&read), hostile);
        }
    }
}
