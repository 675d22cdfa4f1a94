//! From the bytes of a text that is not one record to a line to lines that are: JSON that is an array, pretty-printed or one
//! object around the list of records, records behind their length or between zeros, exports of the journal, XML.
//!
//! Each record becomes one line, on the number of the line where it starts; the other lines of it hold [`FILL`] alone.

mod aligned;
mod containers;
mod journal;
pub mod jul;
mod octets;
mod values;
mod xml;

use std::borrow::Cow;

use crate::json::pull;

/// What is on the further lines of a record of several lines.
pub(crate) const FILL: &[u8] = &[0x17];
/// What is before a line of a container that goes on with a stack trace in its stream.
pub(crate) const CONTINUES: &[u8] = &[0x16];
/// Longer records are not read, in bytes.
pub(crate) const RECORD_LIMIT: usize = 16 << 20;

/// How a text is divided into records, where not by its line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A stream of JSON values; lists are opened.
    Values,
    /// Records end in a zero byte.
    Zeros,
    /// Each record behind its length: `34 <13>1 …`.
    Octets,
    /// `journalctl -o export`.
    Journal,
    /// Lines of containers, some of which are pieces of longer ones, or, with their line ends cut off, all whole.
    Containers {
        /// Whether the line ends are cut off.
        cut: bool,
    },
    /// `java.util.logging` as text: the level is on the second line of a record.
    Jul,
    /// Lines of which some leave out the stamp that they share with the line before.
    Aligned,
    /// Events in XML: of log4j, of `java.util.logging`, of Windows.
    Xml,
}

impl Frame {
    /// The frame of a text by its start; none if its lines are its records.
    pub fn detect(head: &[u8]) -> Option<Self> {
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let blank = |b: &u8| b.is_ascii_whitespace() || *b == 0x1e;
        let text = &text[text.iter().position(|b| !blank(b))?..];
        let line = text.split(|b| *b == b'\n').next().unwrap_or(text).trim_ascii_end();
        if text.starts_with(b"__CURSOR=") || text.starts_with(b"__REALTIME_TIMESTAMP=") {
            return Some(Self::Journal);
        }
        if let Some(cut) = containers::is_log(text) {
            return Some(Self::Containers { cut });
        }
        if octets::length(text).is_some_and(|(start, length)| text.get(start) == Some(&b'<') && length > 8) {
            return Some(Self::Octets);
        }
        if text[0] == b'<' && xml::is_log(text) {
            return Some(Self::Xml);
        }
        let zeros =
            memchr::memchr_iter(0, text).filter(|at| text[..*at].ends_with(b"}") || text[at + 1..].starts_with(b"{"));
        if text[0] == b'{' && memchr::memchr(b'\n', text).is_none() && zeros.count() > 0 {
            return Some(Self::Zeros);
        }
        if text[0].is_ascii_alphanumeric() && jul::is_log(text) {
            return Some(Self::Jul);
        }
        if matches!(text[0], b'[' | b'0'..=b'9') && aligned::is_log(text) {
            return Some(Self::Aligned);
        }
        let opens = match text[0] {
            b'[' => matches!(text[1..].trim_ascii_start().first(), Some(b'{' | b']')),
            b'{' => matches!(text[1..].trim_ascii_start().first(), Some(b'"' | b'}')),
            _ => false,
        };
        let whole = text[0] == b'{' && pull::object_len(line) == Some(line.len());
        // A line of OTLP is read as the batch of records that it is.
        let holder = || !line.starts_with(b"{\"resourceLogs\"") && values::holds_list(line);
        let broken =
            text[0] == b'{' && !whole && line.len() > 1 && pull::object_len(text).is_none_or(|len| len <= line.len());
        (opens && !broken && (!whole || holder())).then_some(Self::Values)
    }
}

/// Turns the bytes of a text into lines of records, however they are cut.
#[derive(Debug)]
pub struct Framer {
    frame: Frame,
    /// What is not used yet.
    rest: Vec<u8>,
    /// How many line ends were taken in, and how many were given out.
    taken: u64,
    given: u64,
    state: values::State,
    streams: containers::Streams,
    stamp: aligned::State,
}

impl Framer {
    /// A framer of texts of this kind.
    pub fn new(frame: Frame) -> Self {
        let streams = containers::Streams::new(frame == Frame::Containers { cut: true });
        let state = values::State::default();
        Self { frame, rest: Vec::new(), taken: 0, given: 0, state, streams, stamp: aligned::State::new() }
    }

    /// Takes in bytes, of which the text may end with the last, and gives out whole lines.
    pub fn push(&mut self, bytes: &[u8], end: bool, out: &mut Vec<u8>) {
        self.rest.extend_from_slice(bytes);
        let text = std::mem::take(&mut self.rest);
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let step = match self.frame {
                Frame::Values => values::next(rest, end, &mut self.state),
                Frame::Zeros => zeros(rest, end),
                Frame::Octets => octets::next(rest, end),
                Frame::Containers { .. } => containers::next(rest, end, &mut self.streams),
                Frame::Journal => journal::next(rest, end),
                Frame::Aligned => aligned::next(rest, end, &mut self.stamp),
                Frame::Jul => jul::next(rest, end),
                Frame::Xml => xml::next(rest, end),
            };
            let Some(step) = step else {
                if rest.len() <= RECORD_LIMIT && !end {
                    break;
                }
                // What has no end is given as it is, so that it is seen.
                self.give(&text[at..], out);
                at = text.len();
                break;
            };
            self.skip(&rest[..step.start]);
            if let Some(line) = step.line {
                self.line(&line, out);
            }
            self.skip(&rest[step.start..step.end]);
            at += step.end.max(1);
        }
        self.rest = text.get(at..).unwrap_or_default().to_vec();
        if end {
            let lines: Vec<_> = self.streams.finish().collect();
            // They are where their last pieces were, as far as those lines are free.
            self.taken -= (lines.len() as u64).min(self.taken.saturating_sub(self.given));
            lines.iter().for_each(|line| self.line(line, out));
            // That the last line has no end is seen behind this.
            let whole = !matches!(self.frame, Frame::Containers { .. }) || text.last().is_none_or(|b| *b == b'\n');
            if !whole && lines.is_empty() && out.last() == Some(&b'\n') {
                out.pop();
            }
        }
    }

    fn skip(&mut self, text: &[u8]) {
        self.taken += memchr::memchr_iter(b'\n', text).count() as u64;
    }

    /// Gives out a record, on the number of its line.
    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        while self.given < self.taken {
            out.extend_from_slice(FILL);
            out.push(b'\n');
            self.given += 1;
        }
        out.extend_from_slice(line);
        out.push(b'\n');
        self.given += 1 + memchr::memchr_iter(b'\n', line).count() as u64;
    }

    fn give(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.line(text.trim_ascii_end(), out);
        self.skip(text);
    }
}

/// What was found at the start of a text.
#[derive(Debug)]
struct Step<'a> {
    /// Where the record starts, and where what belongs to it ends.
    start: usize,
    end: usize,
    /// The record as a line; none if there is none.
    line: Option<Cow<'a, [u8]>>,
}

impl Step<'_> {
    fn skip(end: usize) -> Self {
        Self { start: end, end, line: None }
    }
}

fn zeros(text: &[u8], end: bool) -> Option<Step<'_>> {
    let length = memchr::memchr(0, text).or_else(|| end.then_some(text.len()))?;
    let line = one_line(&text[..length]);
    Some(Step {
        start: 0,
        end: (length + 1).min(text.len()),
        line: (!line.trim_ascii().is_empty()).then_some(line.into()),
    })
}

/// A text with blanks for its line ends.
fn one_line(text: &[u8]) -> Vec<u8> {
    text.iter().map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }).collect()
}

#[cfg(test)]
mod tests;
