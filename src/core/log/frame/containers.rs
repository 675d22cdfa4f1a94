//! What containers keep of the output of a program, line by line: long lines come in pieces, which are joined per stream.
//! The joined line is where its last piece was. Lines that go on with a stack trace in their stream are marked: what
//! the other stream says in between must not tear them apart.

use std::borrow::Cow;

use super::{CONTINUES, RECORD_LIMIT, Step};
use crate::json::pull::{Members, Raw, Text};
use crate::log::scan::damaged::tells_of_error;
use crate::log::trace::{self, Trace};
use crate::sanitize;

/// Docker cuts lines to this length, in bytes.
const PIECE: usize = 16 << 10;

/// A trace of which no more comes for so many lines is over.
const IDLE: u16 = 1000;
/// So much of a line tells whether it belongs to a trace, in bytes.
const HEAD: usize = 4096;

/// The streams, of which a line is not whole yet or a stack trace is open, the oldest first.
#[derive(Debug)]
pub(super) struct Streams {
    /// Whether the line ends are cut off: then each line is whole.
    cut: bool,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    stream: Vec<u8>,
    started: Option<Started>,
    trace: Trace,
    /// Whether a line of the trace shows a crash; otherwise its lines are set in, and no more is known.
    crashed: bool,
    /// How many lines came since one of this stream.
    idle: u16,
}

impl Open {
    /// Whether a line goes on with the lines before it in its stream. One that tells of an error by itself does so in a
    /// crash only, which is counted: as a part of a record that shows none it would be passed over.
    fn goes_on(&mut self, line: &str) -> bool {
        let was_open = self.trace != Trace::None;
        let belongs = self.trace.follow(line);
        self.crashed = self.trace != Trace::None && (was_open && self.crashed || trace::shows_crash(line));
        belongs && (self.crashed || !tells_of_error(line.as_bytes()))
    }
}

#[derive(Debug)]
struct Started {
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

/// Whether a text starts with lines of a container, and then whether their line ends are cut off, so that nothing tells
/// pieces from lines: collectors do so.
pub(super) fn is_log(text: &[u8]) -> Option<bool> {
    let mut lines = text.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty());
    let first = lines.next().filter(|line| parse(line).is_some())?;
    let tells = |line: &[u8]| {
        parse(line).is_some_and(|line| {
            let is_cut = line.text.starts_with(b"{\\\"") && !line.text.ends_with(b"}");
            line.whole || line.text.len() >= PIECE || is_cut
        })
    };
    Some(first[0] == b'{' && !tells(first) && !lines.any(tells))
}

pub(super) fn next<'a>(text: &'a [u8], end: bool, streams: &mut Streams) -> Option<Step<'a>> {
    let length = match memchr::memchr(b'\n', text) {
        Some(at) => at + 1,
        None if end => text.len(),
        None => return None,
    };
    let line = text[..length].strip_suffix(b"\n").unwrap_or(&text[..length]);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = match streams.is_plain(line) {
        true => Some(line.into()),
        false => streams.line(line),
    };
    Some(line.map_or_else(|| Step::skip(length), |line| Step { start: 0, end: length, line: Some(line) }))
}

impl Streams {
    /// Of lines whose ends are cut off or not.
    pub(super) fn new(cut: bool) -> Self {
        Self { cut, open: Vec::new() }
    }

    /// Whether a line, as Docker writes it, needs no closer look.
    fn is_plain(&self, line: &[u8]) -> bool {
        let start = DOCKER.len();
        self.open.is_empty()
            && line.starts_with(DOCKER)
            && !trace::may_belong(&line[start..])
            && (self.cut || is_plainly_whole(line))
    }

    /// Takes in a line; none if it is a piece of a longer one.
    fn line<'a>(&mut self, line: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let Some(parts) = parse(line) else { return Some(line.into()) };
        self.open.iter_mut().for_each(|open| open.idle = open.idle.saturating_add(1));
        let known = self.open.iter().position(|open| open.stream == parts.stream);
        let at = known.unwrap_or_else(|| {
            self.open.push(Open {
                stream: parts.stream.to_vec(),
                started: None,
                trace: Trace::None,
                crashed: false,
                idle: 0,
            });
            self.open.len() - 1
        });
        let open = &mut self.open[at];
        open.idle = 0;
        let before = open.started.as_ref().map_or(0, |started| started.text.len());
        if !(self.cut || parts.whole) && before + parts.text.len() <= RECORD_LIMIT {
            let started = open.started.get_or_insert_with(|| Started { text: Vec::new(), around: Default::default() });
            started.text.extend_from_slice(parts.text);
            started.around = [parts.before.to_vec(), parts.after.to_vec()];
            return None;
        }
        let joined = open.started.take().map(|started| [&started.text, parts.text].concat());
        let text = joined.as_deref().unwrap_or(parts.text);
        let text = Text { bytes: &text[..text.len().min(HEAD)], escaped: !parts.after.is_empty() };
        let text = match parts.after {
            [] => sanitize::utf8(text.bytes),
            _ => text.decode(),
        };
        let continues = open.goes_on(text.trim_end());
        self.open.retain(|open| open.started.is_some() || open.trace != Trace::None && open.idle < IDLE);
        let line = joined.map_or(Cow::Borrowed(line), |text| [parts.before, &text, parts.after].concat().into());
        Some(if continues { [CONTINUES, &line].concat().into() } else { line })
    }

    /// The lines whose last pieces never came, once nothing follows.
    pub(super) fn finish(&mut self) -> impl Iterator<Item = Vec<u8>> {
        let line = |Started { text, around: [before, after] }| [before, text, after].concat();
        std::mem::take(&mut self.open).into_iter().filter_map(move |open| open.started.map(line))
    }
}

/// How the lines of Docker start.
const DOCKER: &[u8] = b"{\"log\":\"";

/// Whether a line of Docker shows at once that it is whole.
fn is_plainly_whole(line: &[u8]) -> bool {
    const END: &[u8] = b"\\n\",\"stream\":\"";
    memchr::memchr_iter(b'"', line).any(|at| at > 2 && line[at - 2..].starts_with(END) && ends_in_newline(&line[..at]))
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
