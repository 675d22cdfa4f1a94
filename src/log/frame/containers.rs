//! What containers keep of the output of a program, line by line: long lines come in pieces, which are joined per stream.
//! The joined line stands where its last piece stood.

use std::borrow::Cow;

use super::{RECORD_LIMIT, Step};
use crate::json::pull::{Members, Raw, Text};

/// Docker cuts lines to this length, in bytes.
const PIECE: usize = 16 << 10;

/// The lines that are not whole yet, one for each stream, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Started>);

#[derive(Debug)]
struct Started {
    stream: Vec<u8>,
    /// What the program wrote, as far as it came.
    text: Vec<u8>,
    /// What the container put around the last piece.
    around: [Vec<u8>; 2],
}

/// A line of a container in its parts.
struct Line<'a> {
    stream: &'a [u8],
    before: &'a [u8],
    text: &'a [u8],
    after: &'a [u8],
    /// Whether a line of the program ends here.
    whole: bool,
}

/// Whether a text starts with lines of a container, of which some may be pieces.
pub(super) fn is_log(text: &[u8]) -> bool {
    let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let Some(first) = lines.next().filter(|line| parse(line).is_some()) else { return false };
    // Collectors cut the line end off all lines alike: then nothing tells pieces from lines.
    let tells = |line: &[u8]| {
        parse(line).is_some_and(|line| {
            let is_cut = line.text.starts_with(b"{\\\"") && !line.text.ends_with(b"}");
            line.whole || line.text.len() >= PIECE || is_cut
        })
    };
    first[0] != b'{' || tells(first) || lines.any(tells)
}

pub(super) fn next<'a>(text: &'a [u8], end: bool, pending: &mut Pending) -> Option<Step<'a>> {
    let length = match memchr::memchr(b'\n', text) {
        Some(at) => at + 1,
        None if end => text.len(),
        None => return None,
    };
    let line = text[..length].strip_suffix(b"\n").unwrap_or(&text[..length]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let whole = |line: Cow<'a, [u8]>| Some(Step { start: 0, end: length, line: Some(line) });
    if pending.0.is_empty() && is_plainly_whole(line) {
        return whole(line.into());
    }
    let Some(parts) = parse(line) else { return whole(line.into()) };
    let known = pending.0.iter().position(|started| started.stream == parts.stream);
    let before = known.map_or(0, |at| pending.0[at].text.len());
    if parts.whole || before + parts.text.len() > RECORD_LIMIT {
        let Some(known) = known else { return whole(line.into()) };
        let started = pending.0.remove(known).text;
        return whole([parts.before, &started, parts.text, parts.after].concat().into());
    }
    let around = [parts.before.to_vec(), parts.after.to_vec()];
    match known {
        Some(at) => {
            pending.0[at].text.extend_from_slice(parts.text);
            pending.0[at].around = around;
        }
        None => pending.0.push(Started { stream: parts.stream.to_vec(), text: parts.text.to_vec(), around }),
    }
    Some(Step::skip(length))
}

impl Pending {
    /// The lines whose last pieces never came, once nothing follows.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Vec<u8>> {
        let line = |Started { text, around: [before, after], .. }| [before, text, after].concat();
        std::mem::take(&mut self.0).into_iter().map(line)
    }
}

/// Whether a line as Docker writes it, or the runtimes of Kubernetes, needs no closer look.
fn is_plainly_whole(line: &[u8]) -> bool {
    const END: &[u8] = b"\\n\",\"stream\":\"";
    line.starts_with(b"{\"log\":\"")
        && memchr::memchr_iter(b'"', line)
            .any(|at| at > 2 && line[at - 2..].starts_with(END) && ends_in_newline(&line[..at]))
}

/// Whether text of JSON, still escaped, ends in a line end.
fn ends_in_newline(text: &[u8]) -> bool {
    let Some(before) = text.strip_suffix(b"n") else { return false };
    before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

fn parse(line: &[u8]) -> Option<Line<'_>> {
    if line.first()? == &b'{' { docker(line) } else { cri(line) }
}

/// `{"log":"text\n","stream":"stdout","time":"2025-01-06T00:00:00Z"}`
fn docker(line: &[u8]) -> Option<Line<'_>> {
    let mut members = Members::new(line)?;
    let (mut log, mut stream, mut time) = (None, None, false);
    while let Some((key, _)) = members.key() {
        let start = members.place();
        match (key.bytes, members.value()?) {
            (b"log", Raw::Text(Text { bytes, .. })) => log = Some((start + 1, bytes)),
            (b"stream", Raw::Text(Text { bytes, .. })) => stream = Some(bytes),
            (b"time", Raw::Text(_)) => time = true,
            _ => {}
        }
    }
    let (start, text) = log.filter(|_| time && members.ended())?;
    let (before, after) = (&line[..start], &line[start + text.len()..]);
    Some(Line { stream: stream?, before, text, after, whole: ends_in_newline(text) })
}

/// `2025-01-06T00:00:00Z stdout P text`
fn cri(line: &[u8]) -> Option<Line<'_>> {
    let time = line.iter().take(40).position(|b| *b == b' ').filter(|end| *end >= 20 && line[0].is_ascii_digit())?;
    let stream = [&b"stdout"[..], b"stderr"].into_iter().find(|name| line[time + 1..].starts_with(name))?;
    let [b' ', mark @ (b'P' | b'F'), rest @ ..] = &line[time + 1 + stream.len()..] else { return None };
    let text = match rest {
        [] => rest,
        [b' ', text @ ..] => text,
        _ => return None,
    };
    let before = &line[..line.len() - text.len()];
    Some(Line { stream, before, text, after: b"", whole: *mark == b'F' })
}
