//! Writes each frame in one piece, with colours in the form that terminals of sixteen colours understand.
//!
//! crossterm spells even the basic colours as `38;5;1`; a terminal that knows only sixteen may read that as blinking
//! and bold. Here it becomes `31`.

use std::io::{self, Write};

/// A writer that holds what it gets until it is flushed.
pub(crate) struct Sixteen<W> {
    out: W,
    frame: Vec<u8>,
}

impl<W: Write> Sixteen<W> {
    /// Writes to `out`.
    pub(crate) fn new(out: W) -> Self {
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
    while let Some(at) = memchr::memmem::find(rest, b"\x1b[") {
        let (before, style) = rest.split_at(at + 2);
        out.extend_from_slice(before);
        let end = style.iter().position(|byte| !byte.is_ascii_digit() && *byte != b';').unwrap_or(style.len());
        match (std::str::from_utf8(&style[..end]), style.get(end)) {
            (Ok(codes), Some(b'm')) => out.extend_from_slice(basic_codes(codes).as_bytes()),
            _ => out.extend_from_slice(&style[..end]),
        }
        rest = &style[end..];
    }
    out.extend_from_slice(rest);
    out
}

/// The codes of one style, `38;5;1;49` as `31;49`.
fn basic_codes(codes: &str) -> String {
    let all: Vec<&str> = codes.split(';').collect();
    let mut kept: Vec<String> = Vec::new();
    let mut rest = all.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let ground = match *first {
            "38" => Some(30),
            "48" => Some(40),
            _ => None,
        };
        rest = match (ground, tail) {
            (Some(ground), ["5", index, after @ ..]) => {
                kept.push(match index.parse::<u8>() {
                    Ok(index @ 0..=7) => (ground + index).to_string(),
                    Ok(index @ 8..=15) => (ground + 60 + index - 8).to_string(),
                    _ => format!("{first};5;{index}"),
                });
                after
            }
            // A colour given in full: none of its numbers is a code.
            (Some(_), ["2", ..]) => {
                kept.extend(rest.iter().map(|code| (*code).to_owned()));
                &[]
            }
            _ => {
                kept.push((*first).to_owned());
                tail
            }
        };
    }
    kept.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sixteen_colours_become_basic_and_nothing_else_changes() {
        for (frame, expect) in [
            ("a\u{1b}[38;5;1mb", "a\u{1b}[31mb"),
            ("\u{1b}[48;5;3m\u{1b}[38;5;12m", "\u{1b}[43m\u{1b}[94m"),
            ("\u{1b}[38;5;1;49mx", "\u{1b}[31;49mx"),
            ("\u{1b}[1;38;5;2;48;5;9m", "\u{1b}[1;32;101m"),
            ("\u{1b}[38;2;48;5;1m", "\u{1b}[38;2;48;5;1m"),
            ("\u{1b}[38;5;200m", "\u{1b}[38;5;200m"),
            ("\u{1b}[m\u{1b}[3;7H\u{1b}[?25l", "\u{1b}[m\u{1b}[3;7H\u{1b}[?25l"),
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
