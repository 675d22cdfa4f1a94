//! Lines that are no record of their own: the continuation of the record before them, such as a stack trace, or
//! noise. Which of the two is decided when the next record comes, so that blocks may be cut anywhere and joined.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::damaged;
use crate::crash::classify::{self, Kind};
use crate::crash::prefilter::{self, Suspicion};
use crate::finding::Status;
use crate::json::stored;

use crate::log::summary::IgnoredLine;
use crate::log::{ansi, level_at_start};
use crate::{prose, sanitize};

/// As much of a block is kept, in bytes.
const KEPT: usize = 16 << 10;
/// How many ignored lines of a file are shown.
pub(crate) const SHOWN: usize = 3;
/// How much of each is shown, in characters.
const WIDTH: usize = 120;

/// More lines than this do not continue a record: they are something else.
const CONTINUES: u64 = 2000;
/// The same for lines that nothing but their place connects with the record: not indented, and no part of a trace.
const CONTINUES_LOOSELY: u64 = 20;

/// What connects a line that is no record with the record before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tie {
    /// Its look: it is indented, or part of a trace.
    Close,
    /// Its place alone.
    Loose,
    /// Nothing: it states a level, and is counted on its own.
    None,
}

/// Consecutive lines between two records.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct ContinuationLines {
    /// How many lines there are, blank ones not counted.
    pub(crate) lines: u64,
    /// Those that are tied loosely, and those that are counted on their own.
    loose: u64,
    own: u64,
    /// Whether a container put them there, line by line: without a record before them too they are no noise.
    carried: bool,
    /// The first ones of each tie, for the report on ignored lines.
    samples: [Vec<IgnoredLine>; 2],
    /// Those of each tie that hold a word for an error.
    suspects: [Suspects; 2],
    /// Those with such a word in capitals that nothing but their place connects with the record.
    loud: Suspects,
    /// Those that look like a part of the record and state a warning or worse of their own.
    stated: Suspects,
    /// Blank lines before the first line.
    blanks: u64,
    /// The line on which the head starts.
    first: u64,
    /// The start of the block.
    #[serde(with = "stored::bytes")]
    head: Vec<u8>,
    /// The line that looks like part of a trace, and the text from there.
    #[serde(with = "stored::marked")]
    marked: Option<(u64, Vec<u8>)>,
}

/// Lines that look as if something was lost with them, should they be ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspects {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Option<IgnoredLine>,
}

impl Suspects {
    pub(crate) fn add(&mut self, number: u64, line: &[u8]) {
        self.count += 1;
        self.first.get_or_insert_with(|| IgnoredLine { line: number, text: shown(line) });
    }

    pub(crate) fn append(&mut self, next: &Self) {
        self.count += next.count;
        let earlier = next.first.as_ref().filter(|next| self.first.as_ref().is_none_or(|own| next.line < own.line));
        if let Some(earlier) = earlier {
            self.first = Some(earlier.clone());
        }
    }

    pub(crate) fn shift(&mut self, lines: u64) {
        if let Some(first) = &mut self.first {
            first.line += lines;
        }
    }
}

/// A crash found in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Crash {
    /// What it is.
    pub(crate) kind: Kind,
    /// The line on which its text starts.
    pub(crate) line: u64,
    /// Its text.
    pub(crate) text: String,
}

impl ContinuationLines {
    /// Adds a line, of which `suspected` says whether it may belong to a trace or state a failure.
    pub(crate) fn add(&mut self, number: u64, line: &[u8], suspected: Suspicion, tie: Tie) {
        self.lines += 1;
        let kind = match tie {
            Tie::Close => Some(0),
            Tie::Loose => {
                self.loose += 1;
                Some(1)
            }
            Tie::None => {
                self.own += 1;
                None
            }
        };
        if let Some(kind) = kind {
            if self.samples[kind].len() < SHOWN {
                self.samples[kind].push(IgnoredLine { line: number, text: shown(line) });
            }
            if damaged::may_tell(line) {
                self.look(number, line, tie, kind);
            }
        }
        let may_fail = suspected.failure && kind.is_some() && prefilter::failure(line);
        if may_fail && prose::states_failure(&sanitize::utf8(line)) {
            let list = if tie == Tie::Loose { &mut self.loud } else { &mut self.stated };
            list.add(number, line);
        }
        self.keep(number, line);
        let starts = self.marked.is_none() && suspected.crash && classify::is_marker(&sanitize::utf8(line));
        if let Some((_, text)) = &mut self.marked {
            extend(text, line);
        } else if starts {
            let mut text = Vec::with_capacity(self.head.capacity());
            extend(&mut text, line);
            self.marked = Some((number, text));
        }
    }

    /// Notes what a line says that holds a word for a level or an error.
    fn look(&mut self, number: u64, line: &[u8], tie: Tie, kind: usize) {
        if tie == Tie::Loose && damaged::shouts(line) {
            self.loud.add(number, line);
        } else if damaged::tells_of_error(line) {
            self.suspects[kind].add(number, line);
        }
        if tie == Tie::Close && !starts_frame(line) && level_at_start::set_in(&sanitize::utf8(line)).is_some() {
            self.stated.add(number, line);
        }
    }

    /// Adds a line that a container carries.
    pub(crate) fn carry(&mut self, number: u64, line: &[u8]) {
        self.carried = true;
        self.add(number, line, Suspicion { crash: true, failure: true }, Tie::Close);
    }

    fn keep(&mut self, number: u64, line: &[u8]) {
        if self.head.is_empty() {
            self.first = number;
        }
        extend(&mut self.head, line);
    }

    /// Adds a blank line, which may be inside a trace.
    pub(crate) fn add_blank(&mut self) {
        if self.lines == 0 {
            self.blanks += 1;
            return;
        }
        extend(&mut self.head, b"");
        if let Some((_, text)) = &mut self.marked {
            extend(text, b"");
        }
    }

    /// An empty block that uses the room of this one again: blocks of traces are of about one length.
    pub(crate) fn emptied(mut self) -> Self {
        self.head.clear();
        Self { head: self.head, ..Self::default() }
    }

    /// Joins the block that follows directly.
    pub(crate) fn append(&mut self, next: Self) {
        if self.lines == 0 {
            *self = Self { blanks: self.blanks + next.blanks, ..next };
            return;
        }
        (0..next.blanks.min(KEPT as u64)).for_each(|_| self.add_blank());
        self.lines += next.lines;
        self.loose += next.loose;
        self.own += next.own;
        self.carried |= next.carried;
        for (samples, more) in self.samples.iter_mut().zip(next.samples) {
            samples.extend(more);
            samples.truncate(SHOWN);
        }
        self.loud.append(&next.loud);
        self.stated.append(&next.stated);
        self.suspects.iter_mut().zip(&next.suspects).for_each(|(suspects, more)| suspects.append(more));
        match &mut self.marked {
            Some((_, text)) => join(text, &next.head),
            None => self.marked = next.marked,
        }
        join(&mut self.head, &next.head);
    }

    /// Moves the block down by a number of lines.
    pub(crate) fn shift(&mut self, lines: u64) {
        self.first += lines;
        self.samples.iter_mut().flatten().for_each(|sample| sample.line += lines);
        self.suspects.iter_mut().chain([&mut self.loud, &mut self.stated]).for_each(|suspects| suspects.shift(lines));
        if let Some((line, _)) = &mut self.marked {
            *line += lines;
        }
    }

    /// How many lines continue the record before them and how many are ignored, with the first of those, behind a record
    /// of text or anything else. Lines that are counted on their own are in neither.
    pub(crate) fn split(&self, behind_text: bool) -> (u64, u64, impl Iterator<Item = &IgnoredLine>) {
        let close = self.lines - self.own - self.loose;
        let continues = |lines: u64, most: u64| (behind_text || self.carried) && lines <= most;
        let (closely, loosely) = (continues(close, CONTINUES), continues(self.loose, CONTINUES_LOOSELY));
        let both = [(close, closely), (self.loose, loosely)];
        let sum = |continued: bool| both.iter().filter(|(_, kind)| *kind == continued).map(|(lines, _)| *lines).sum();
        let samples = self.samples.iter().zip(both).filter(|(_, (_, continued))| !continued);
        (sum(true), sum(false), samples.flat_map(|(samples, _)| samples))
    }

    /// Of the lines that [`Self::split`] ignores, those that hold a word for an error, and all those that shout one. Of
    /// the lines that continue a record, those that state a level of their own, unless they are `explained`: what they
    /// belong to is a failure anyway.
    pub(crate) fn suspects(&self, behind_text: bool, explained: bool) -> Suspects {
        let close = self.lines - self.own - self.loose;
        let mut all = self.loud.clone();
        let continued = [(close, CONTINUES), (self.loose, CONTINUES_LOOSELY)]
            .map(|(lines, most)| (behind_text || self.carried) && lines <= most);
        for (suspects, _) in self.suspects.iter().zip(continued).filter(|(_, continued)| !continued) {
            all.append(suspects);
        }
        if continued[0] && !explained {
            all.append(&self.stated);
        }
        all
    }

    /// The start of the block.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        sanitize::utf8(&self.head)
    }

    /// The crash that the block tells of, if it does.
    pub(crate) fn crash(&self) -> Option<Crash> {
        let (line, marked) = self.marked.as_ref()?;
        let crash = |line: u64, text: &[u8]| {
            let text = sanitize::utf8(text);
            let kind = classify::text(&text)?;
            Some(Crash { kind, line, text: text.trim_end().to_owned() })
        };
        // The start of the block shows the whole trace; a trace far down is found by its first telling line. Where lines
        // that count on their own are above, as in a log without times, it starts there in any case.
        let (first, head) = (|| crash(self.first, &self.head), || crash(*line, marked));
        if self.own == 0 { first().or_else(head) } else { head().or_else(first) }
    }
}

impl Tie {
    /// What ties a line that is no record.
    pub(crate) fn of(line: &[u8]) -> Self {
        // Most lines of traces need no closer look.
        if matches!(line, [b'\t', ..]) || matches!(line, [b' ', next, ..] if !matches!(next, b'W' | 0x1b)) {
            return Self::Close;
        }
        let text = sanitize::utf8(line);
        let text = ansi::strip(&text);
        // Levels of four letters are set flush with those of five by one blank.
        let front = text.strip_prefix(' ').filter(|rest| rest.starts_with("WARN")).unwrap_or(&text);
        if front.starts_with([' ', '\t']) {
            return Self::Close;
        }
        if level_at_start::word(front).is_some_and(|level| level.status() > Status::Pass) {
            return Self::None;
        }
        let closes =
            text.starts_with("...") || text.trim_end().chars().all(|c| matches!(c, ')' | ']' | '}' | ';' | ','));
        if closes || classify::is_marker(&text) { Self::Close } else { Self::Loose }
    }
}

fn extend(text: &mut Vec<u8>, line: &[u8]) {
    join(text, line);
    join(text, b"\n");
}

fn join(text: &mut Vec<u8>, more: &[u8]) {
    let room = KEPT.saturating_sub(text.len());
    text.extend_from_slice(&more[..more.len().min(room)]);
}

/// The start of a line, for people.
pub(crate) fn shown(line: &[u8]) -> String {
    let start = sanitize::utf8(&line[..line.len().min(4 * WIDTH + 4)]);
    let start = start.trim();
    if start.chars().count() <= WIDTH {
        return start.to_owned();
    }
    start.chars().take(WIDTH).chain(['…']).collect()
}

/// A cheap test for the commonest frames of traces, which state no level.
fn starts_frame(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    [&b"at "[..], b"File \"", b"from "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Suspicion = Suspicion { crash: true, failure: true };

    fn block(lines: &[&str], from: u64) -> ContinuationLines {
        let mut block = ContinuationLines::default();
        for (number, line) in (from..).zip(lines) {
            block.add(number, line.as_bytes(), ALL, Tie::Loose);
        }
        block
    }

    #[test]
    fn a_trace_is_one_crash_however_it_is_cut() {
        let lines =
            ["note", "Traceback (most recent call last):", "  File \"a.py\", line 1, in f", "ValueError: bad", "end"];
        let whole = block(&lines, 1);
        let crash = whole.crash().expect("a crash");
        assert_eq!((crash.kind, crash.line), (Kind::StackTrace, 1));
        for cut in 1..lines.len() {
            let mut joined = block(&lines[..cut], 1);
            joined.append(block(&lines[cut..], cut as u64 + 1));
            assert_eq!(joined.crash().as_ref(), Some(&crash), "{cut}");
            assert_eq!((joined.lines, &joined.samples), (whole.lines, &whole.samples), "{cut}");
        }
    }

    #[test]
    fn a_trace_below_lines_that_count_on_their_own_starts_where_it_starts() {
        let lines = ["ERROR:feed:lost", "note", "Traceback (most recent call last):", "  File \"a.py\", line 1, in f"];
        let mut block = ContinuationLines::default();
        for (number, line) in (4..).zip(lines.iter().chain(&["ValueError: bad"])) {
            block.add(number, line.as_bytes(), ALL, if number == 4 { Tie::None } else { Tie::of(line.as_bytes()) });
        }
        let crash = block.crash().expect("a crash");
        assert_eq!((crash.line, crash.text.lines().next()), (6, Some("Traceback (most recent call last):")));
    }

    #[test]
    fn lines_are_tied_by_their_look() {
        for (line, expect) in [
            ("  Position: 15", Tie::Close),
            ("\tat a.B.c(D.java:1)", Tie::Close),
            ("Caused by: java.io.IOException: closed", Tie::Close),
            ("Traceback (most recent call last):", Tie::Close),
            ("panic: boom", Tie::Close),
            ("...", Tie::Close),
            ("});", Tie::Close),
            ("  error: 7 of 12", Tie::Close),
            ("SELECT 1", Tie::Loose),
            ("%$# garbage", Tie::Loose),
            ("INFO: ready", Tie::Loose),
            ("error: none", Tie::Loose),
            ("java.lang.OutOfMemoryError: Java heap space", Tie::Close),
            ("ERROR db down", Tie::None),
            ("12:00:01.123 [main] ERROR a.b - db down", Tie::None),
            ("fail: App[0]", Tie::None),
            ("SEVERE: boom", Tie::None),
            (" WARN slow", Tie::None),
            ("\u{1b}[31mERROR\u{1b}[0m db down", Tie::None),
        ] {
            assert_eq!(Tie::of(line.as_bytes()), expect, "{line}");
        }
    }

    #[test]
    fn a_record_is_continued_within_limits() {
        for (close, loose, expect) in [
            (0, 20, (20, 0, 0)),
            (0, 21, (0, 21, 1)),
            (30, 21, (30, 21, 31)),
            (2000, 0, (2000, 0, 0)),
            (2001, 2, (2, 2001, 1)),
        ] {
            let mut block = ContinuationLines::default();
            (1..=close).for_each(|number| block.add(number, b" x", Suspicion::default(), Tie::Close));
            (1..=loose).for_each(|number| block.add(close + number, b"x", Suspicion::default(), Tie::Loose));
            block.add(close + loose + 1, b"ERROR x", Suspicion::default(), Tie::None);
            let (continued, ignored, samples) = block.split(true);
            let first = samples.map(|sample| sample.line).min().unwrap_or(0);
            assert_eq!((continued, ignored, first), expect, "{close} {loose}");
            assert_eq!(block.split(false).1, close + loose);
        }
    }

    #[test]
    fn a_trace_after_much_noise_is_still_found() {
        let mut block = ContinuationLines::default();
        (1..2000).for_each(|number| block.add(number, b"noise without any meaning", Suspicion::default(), Tie::Loose));
        block.add(2000, b"thread 'main' panicked at src/main.rs:1:1:", ALL, Tie::Close);
        let crash = block.crash().expect("a crash");
        assert_eq!((crash.kind, crash.line), (Kind::Panic, 2000));
    }
}
