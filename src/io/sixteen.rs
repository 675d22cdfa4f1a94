//! Writes each frame in one piece, with colours in the form that terminals of sixteen colours understand.
//!
//! crossterm spells even the basic colours as `38;5;1`; a terminal that knows only sixteen may read that as blinking
//! and bold. Here it becomes `31`.

use std::io::{self, Write};

/// A writer that holds what it gets until it is flushed.
pub struct Sixteen<W> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Sixteen<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out, frame: Vec::new() }
    }
}

impl<W: Write> Write for Sixteen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = basic(&self.frame);
        self.frame.clear();
        self.out.write_all(&frame)?;
        self.out.flush()
    }
}

/// `frame` with the first sixteen of the indexed colours as basic ones.
fn basic(frame: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(frame.len());
    let mut rest = frame;
    while let Some(at) = memchr::memchr(0x1b, rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        match indexed(rest) {
            Some((code, used)) => {
                out.extend_from_slice(format!("\u{1b}[{code}m").as_bytes());
                rest = &rest[used..];
            }
            None => {
                out.push(0x1b);
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest);
    out
}

/// The basic code of the indexed colour that `bytes` starts with, and how many bytes that is.
fn indexed(bytes: &[u8]) -> Option<(u8, usize)> {
    let (ground, rest) = match bytes {
        [0x1b, b'[', ground @ (b'3' | b'4'), b'8', b';', b'5', b';', rest @ ..] => ((ground - b'0') * 10, rest),
        _ => return None,
    };
    let end = rest.iter().take(3).position(|byte| *byte == b'm')?;
    let index: u8 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    let code = match index {
        0..=7 => ground + index,
        8..=15 => ground + 60 + index - 8,
        _ => return None,
    };
    Some((code, 7 + end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sixteen_colours_become_basic_and_nothing_else_changes() {
        for (frame, expect) in [
            ("a\u{1b}[38;5;1mb", "a\u{1b}[31mb"),
            ("\u{1b}[48;5;3m\u{1b}[38;5;12m", "\u{1b}[43m\u{1b}[94m"),
            ("\u{1b}[38;5;200m", "\u{1b}[38;5;200m"),
            ("\u{1b}[39m\u{1b}[1;7m▁", "\u{1b}[39m\u{1b}[1;7m▁"),
            ("\u{1b}[38;5;", "\u{1b}[38;5;"),
            ("", ""),
        ] {
            let mut out = Vec::new();
            let mut writer = Sixteen::new(&mut out);
            // In pieces, as a backend writes.
            for byte in frame.as_bytes() {
                writer.write_all(&[*byte]).expect("written");
            }
            writer.flush().expect("written");
            assert_eq!(String::from_utf8_lossy(&out), expect);
        }
    }
}
