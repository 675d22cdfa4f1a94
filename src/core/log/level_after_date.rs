//! The level among the fields between the date of a line and its message.
//!
//! A word of the vocabulary of levels counts where it is in capitals or set off as a field, unless it counts things of
//! which there are none (`errors: 0`). The first such word decides. Words that name threads, loggers and settings too
//! (`http`, `default`), or that are ordinary English (`failed`), decide only where no better one follows.

use std::ops::Range;

use super::layout::level_words::{self, Sure};
use crate::finding::Status;
use crate::level::Level;

/// How many fields outside brackets may come before the level, and how many bytes.
const FIELDS: usize = 6;
const REACH: usize = 240;

/// What is before the text in which a level is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// A date: fields of a log line follow.
    Date,
    /// Nothing but an envelope: any text follows, so that a level must come sooner.
    Envelope,
}

/// Where the level word is.
pub(crate) fn level(text: &[u8], after: After) -> Option<Range<usize>> {
    match request(text) {
        Some((fields, protocol)) => search(text, after, fields, Some(protocol)),
        None if may_state(text) => search(text, after, Fields::default(), None),
        None => None,
    }
}

/// What is behind the request of HTTP in quotes at the start of a text, and where its protocol is, which is a level of
/// its own: `] "GET /a HTTP/1.1"`. What somebody asked for states none, and it is the longest part of such lines.
fn request(text: &[u8]) -> Option<(Fields, Range<usize>)> {
    let before = text.iter().take_while(|b| b.is_ascii_whitespace() || **b == b']').count();
    let request = text[before..].strip_prefix(b"\"")?;
    let method = request.iter().position(|b| !b.is_ascii_uppercase()).map(|len| &request[..len])?;
    // What only looks alike states its level: `"ERROR after GET /a HTTP/1.1"`.
    if method.is_empty() || level_of(method).is_some() {
        return None;
    }
    let end = memchr::memchr(b'"', request)?;
    let version = request[..end].iter().rposition(|b| *b == b' ')? + 1;
    let start = before + 1 + version;
    let passed = 3 + usize::from(text[..before].contains(&b']'));
    let fields = Fields { at: before + 1 + end + 1, passed, ..Fields::default() };
    request[version..end].starts_with(b"HTTP/").then_some((fields, start..start + 4))
}

fn search(text: &[u8], after: After, mut fields: Fields, mut doubtful: Option<Range<usize>>) -> Option<Range<usize>> {
    let status = |word: &Range<usize>| level_of(&text[word.clone()]).map_or(Status::Pass, Level::status);
    while let Some(field) = fields.next(text) {
        for word in words(text, field.clone()) {
            if !fields.counts(text, &word, after) {
                continue;
            }
            if !is_doubtful(&text[word.clone()]) {
                return Some(doubtful.filter(|other| status(other) > status(&word)).unwrap_or(word));
            }
            doubtful.get_or_insert(word);
        }
        fields.pass(text, field);
    }
    doubtful
}

/// A cheap test that passes every text in which [`level`] could find one: a word in capitals, or one before a mark that
/// sets it off. Most texts without a level have neither, and looking at their words takes many times as long.
fn may_state(text: &[u8]) -> bool {
    /// So many places are looked at together.
    const STEP: usize = 16;
    let blank = |b: &u8| b.is_ascii_whitespace();
    // The last field may be long; and a mark may follow behind blanks.
    let end = text.iter().skip(REACH).position(blank).map_or(text.len(), |len| REACH + len);
    let end = text[end..].iter().position(|b| !blank(b)).map_or(text.len(), |len| end + len + 1);
    let text = &text[..end];
    let (&[first, second, ..], &[.., next, last]) = (text, text) else { return true };
    // What is before and behind the text is as good as a blank.
    if end < STEP + 2 || tells(b' ', first, second) || tells(next, last, b' ') {
        return true;
    }
    (0..end - STEP - 2).step_by(STEP).chain([end - STEP - 2]).any(|at| {
        let window = |from: usize| text[from..].first_chunk::<STEP>();
        let (Some(first), Some(second), Some(third)) = (window(at), window(at + 1), window(at + 2)) else {
            return true;
        };
        let mut any = false;
        for ((a, b), c) in first.iter().zip(second).zip(third) {
            any |= tells(*a, *b, *c);
        }
        any
    })
}

/// Whether three bytes in a row may be of a word that states a level. Without branches, so that it is done for many bytes
/// at once.
#[inline(always)]
fn tells(a: u8, b: u8, c: u8) -> bool {
    let capital = |b: u8| b.wrapping_sub(b'A') < 26;
    let letter = |b: u8| (b | 0x20).wrapping_sub(b'a') < 26;
    let blank = |b: u8| (b == b' ') | (b.wrapping_sub(9) < 5);
    let marked = (b == b':') | (b == b'\t') | (b == b']') | (b == b'>') | (b == b')') | (b == b'|');
    // `level=`, `lvl=`, `severity=`.
    let keyed = ((a == b'l') | (a == b'y')) & (b == b'=');
    (capital(a) & capital(b))
        | (blank(a) & capital(b) & blank(c))
        | ((letter(a) | blank(a)) & marked)
        | (blank(a) & (b == b'-'))
        | keyed
}

fn level_of(word: &[u8]) -> Option<Level> {
    let level = Level::from_letters(word);
    (level != Level::Unknown).then_some(level)
}

fn is_doubtful(word: &[u8]) -> bool {
    level_words::word(word).is_some_and(|(_, sure)| sure != Sure::Certain)
}

/// The words of letters alone within a field that may name a level.
fn words(text: &[u8], field: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = field.start;
    std::iter::from_fn(move || {
        while at < field.end {
            let start = at + text[at..field.end].iter().position(u8::is_ascii_alphabetic)?;
            let len = text[start..field.end].iter().position(|b| !b.is_ascii_alphabetic());
            let end = len.map_or(field.end, |len| start + len);
            at = end;
            if !level_words::may_be(&text[start..end]) {
                continue;
            }
            let joined = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_digit() || matches!(b, b'_' | b'\'' | 0x80..));
            if !joined(text[..start].last()) && !joined(text.get(end)) {
                return Some(start..end);
            }
        }
        None
    })
}

/// The fields that were passed: what is between blanks.
#[derive(Debug, Default)]
struct Fields {
    at: usize,
    passed: usize,
    /// Passed fields that are plain words.
    prose: usize,
    /// Passed fields in a row that are numbers.
    numbers: usize,
    /// Open brackets: what they hold is one field.
    depth: usize,
    denied: bool,
}

impl Fields {
    fn next(&mut self, text: &[u8]) -> Option<Range<usize>> {
        let start = self.at + text[self.at..].iter().position(|b| !b.is_ascii_whitespace())?;
        let end = text[start..].iter().position(u8::is_ascii_whitespace).map_or(text.len(), |len| start + len);
        (self.passed < FIELDS && start < REACH).then_some(start..end)
    }

    fn pass(&mut self, text: &[u8], field: Range<usize>) {
        let bytes = &text[field.clone()];
        self.at = field.end;
        self.denied = [&b"no"[..], b"without", b"zero"].iter().any(|word| bytes.eq_ignore_ascii_case(word));
        let outside = self.depth == 0;
        let (mut letters, mut digits) = (true, true);
        for byte in bytes {
            match byte {
                b'[' => self.depth += 1,
                b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            letters &= byte.is_ascii_alphabetic();
            digits &= byte.is_ascii_digit();
        }
        if outside {
            self.passed += 1;
            self.prose += usize::from(letters);
            self.numbers = if digits { self.numbers + 1 } else { 0 };
        }
    }

    /// Whether a word states a level.
    fn counts(&self, text: &[u8], word: &Range<usize>, after: After) -> bool {
        let letters = &text[word.clone()];
        if self.denied || level_of(letters).is_none() || level_words::ends_name(letters, &text[..word.start]) {
            return false;
        }
        let loud = letters.iter().all(u8::is_ascii_uppercase);
        let place = Place::of(text, word);
        if !(loud || place.boxed || place.keyed || place.before_colon || place.before_tab) {
            return false;
        }
        if letters.len() == 1 {
            return loud && (place.boxed || place.alone && self.letter_follows_header(text, word));
        }
        let doubtful = is_doubtful(letters);
        if after == After::Envelope && self.prose > usize::from(!doubtful) {
            return false;
        }
        let in_capitals = loud && letters.len() > 2 && place.edged;
        let set_off = place.boxed || place.keyed || place.before_tab;
        if !(in_capitals || set_off || place.before_colon && !letters.eq_ignore_ascii_case(b"panic")) {
            return false;
        }
        // Most that says so is the outcome of a job.
        if letters.eq_ignore_ascii_case(b"success") && !set_off && !place.before_colon {
            return false;
        }
        // The name of a level in its place is nothing else, even where its message is `null`.
        let sure = !doubtful && (set_off || in_capitals && self.prose == 0);
        !counts_nothing(&text[word.end..], sure, doubtful)
    }

    /// A single letter in the place of a level: behind the process and the thread (`1234 5678 E Tag: …`), or before the
    /// component in capitals (`E NETWORK [conn1] …`).
    fn letter_follows_header(&self, text: &[u8], word: &Range<usize>) -> bool {
        let next = text[word.end..].trim_ascii_start();
        let capitals = next.iter().take_while(|b| b.is_ascii_uppercase()).count();
        self.numbers >= 2
            || (self.passed == 0 && capitals > 2 && next.get(capitals).is_none_or(u8::is_ascii_whitespace))
    }
}

/// What is around a word.
struct Place {
    /// In brackets, or between bars or dashes.
    boxed: bool,
    /// `level=` is before it.
    keyed: bool,
    /// A colon and a blank follow.
    before_colon: bool,
    before_tab: bool,
    /// Between blanks.
    alone: bool,
    /// Between marks that may be beside a level in capitals.
    edged: bool,
}

impl Place {
    fn of(text: &[u8], word: &Range<usize>) -> Self {
        let (head, tail) = (&text[..word.start], &text[word.end..]);
        let (before, after) = (head.last().copied(), tail.first().copied());
        let blank = |b: Option<u8>| b.is_none_or(|b| b.is_ascii_whitespace());
        let (near_before, near_after) = (head.trim_ascii_end().last(), tail.trim_ascii_start().first());
        let ends = blank(tail.get(1).copied());
        let inside_name = head.len() > 1 && head[head.len() - 2].is_ascii_alphanumeric();
        let boxed = match (near_before, near_after) {
            (Some(b'['), Some(b']')) | (Some(b'<'), Some(b'>')) | (Some(b'('), Some(b')')) => true,
            (Some(b'|'), Some(b'|')) => true,
            (Some(b'-'), Some(b'-')) => blank(before) && blank(after),
            // `[core:error]`
            (Some(b':'), Some(b']')) => before == Some(b':'),
            _ => false,
        };
        let key = head.strip_suffix(b"\"").unwrap_or(head);
        let keyed = [&b"level="[..], b"lvl=", b"severity="].iter().any(|name| key.ends_with(name));
        let before_ok = match before {
            Some(b'-') => !inside_name || after == Some(b'-'),
            Some(b'.') => !matches!(after, Some(b'.')),
            // `[thread/ERROR]`
            Some(b'/') => after == Some(b']'),
            Some(byte) => byte.is_ascii_whitespace() || b"[<({|:,;\"*#>=`+".contains(&byte),
            None => true,
        };
        let after_ok = match after {
            Some(b'-') => ends || before == Some(b'-'),
            Some(b'.' | b'!' | b'?' | b'%') => ends,
            Some(byte) => byte.is_ascii_whitespace() || b"]>)}|:,;\"*/[(".contains(&byte),
            None => true,
        };
        Self {
            boxed,
            keyed,
            before_colon: after == Some(b':') && ends && blank(before),
            before_tab: after == Some(b'\t') && blank(before),
            alone: blank(before) && blank(after),
            edged: before_ok && after_ok,
        }
    }
}

/// Whether what follows a word says that there are none of them: ` count: 0`, and where the word is not `sure` to be a
/// level also `: 0`, ` none`, `: 0 warnings: 0`; behind a `doubtful` one even ` tests: 0`.
fn counts_nothing(rest: &[u8], sure: bool, doubtful: bool) -> bool {
    const NOTHING: [&str; 7] = ["0", "none", "no", "null", "nil", "false", "0%"];
    const COUNTS: [&str; 5] = ["count", "counts", "rate", "total", "totals"];
    let Ok(rest) = std::str::from_utf8(&rest[..rest.len().min(80)]) else { return false };
    let separator = |c: char| c.is_whitespace() || matches!(c, ':' | '=' | '-' | '|' | ']' | ')');
    let rest = rest.trim_start_matches(separator);
    let named = rest.find(|c: char| !c.is_ascii_alphabetic()).map(|end| rest.split_at(end));
    let value = match named {
        Some((name, value))
            if COUNTS.iter().any(|count| name.eq_ignore_ascii_case(count))
                || (doubtful && value.starts_with([':', '='])) =>
        {
            value.trim_start_matches(separator)
        }
        _ if sure => return false,
        _ => rest,
    };
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|')).unwrap_or(value.len());
    let (value, more) = value.split_at(end);
    let value = value.trim_end_matches('.');
    if !NOTHING.iter().any(|nothing| value.eq_ignore_ascii_case(nothing)) {
        return false;
    }
    let next = more.trim_start();
    let field = next.split_whitespace().next().unwrap_or_default();
    next.is_empty()
        || next.starts_with([',', ';', '|', '('])
        || field.ends_with([':', '='])
        || field.contains('=')
        || level_of(field.as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, after: After) -> Option<&str> {
        level(text.as_bytes(), after).map(|word| &text[word])
    }

    #[test]
    fn levels_of_all_layouts_are_found() {
        for (text, expect) in [
            (" [main] ERROR a.b - boom", "ERROR"),
            ("|ERROR|MyApp.Main|boom", "ERROR"),
            (" | warning  | m:f:1 - x", "warning"),
            (": ERROR/MainProcess] Task failed", "ERROR"),
            ("][1][critical][main] [source/x.cc:1] boom", "critical"),
            (" [http] ERROR upstream failed", "ERROR"),
            (" [default] ERROR x", "ERROR"),
            (" [config] WARN x", "WARN"),
            (" [http] GET /", "http"),
            (" [app.info] ERROR: boom", "ERROR"),
            (" [uvicorn.error] INFO: Started server process", "INFO"),
            ("] [core:error] [pid 7] x", "error"),
            ("] app.ERROR: x {} []", "ERROR"),
            (" error: boom", "error"),
            ("\terror\tmain.go:1\tboom", "error"),
            (" [a thread with many words in it] ERROR x", "ERROR"),
            (" [E] boom", "E"),
            ("  1234  5678 E Tag: boom", "E"),
            (" E NETWORK  [conn1] boom", "E"),
            (":ERROR:boom", "ERROR"),
            (",ERROR,boom", "ERROR"),
            ("] \"GET /a?level=WARN HTTP/1.1\" 200 ERROR", "ERROR"),
            (" \"ERROR after GET /a HTTP/1.1\" 200", "ERROR"),
            (" \"GET /a?level=ERROR HTTP/1.1\" 200 7 \"-\" \"b (c)\"", "HTTP"),
            ("-root-ERROR-boom", "ERROR"),
            (" - error - boom", "error"),
            (" [pod/a] level=error msg=boom", "error"),
            (" 0 [ERROR] [MY-010] x", "ERROR"),
            (" ERROR: null", "ERROR"),
            (" ERROR 0 rows written", "ERROR"),
            (" Last error: timeout", "error"),
            (" FAILED tests: 3", "FAILED"),
            (" FAILED to send an INFO packet", "FAILED"),
            (" errors: 12", "errors"),
            (" fail: App[0]", "fail"),
            (" <warn>  [17.1] dhcp: x", "warn"),
            (" | SUCCESS  | m:f:1 - x", "SUCCESS"),
            (" SUCCESS: done", "SUCCESS"),
        ] {
            assert_eq!(read(text, After::Date), Some(expect), "{text}");
        }
    }

    /// Longer texts are looked at in another way than short ones.
    #[test]
    fn the_cheap_test_passes_whatever_states_a_level() {
        let marks = ["", " ", "  ", ":", ": ", "]", " ]", " - ", "-", "\t", "|", " | ", ">", ")", ",", "\"", "="];
        for word in ["E", "ERROR", "error", "Warn", "http", "failed", "level=info", "lvl=\"warn", "severity=error"] {
            for (before, behind) in marks.iter().flat_map(|before| marks.iter().map(move |behind| (before, behind))) {
                for (front, end) in [("", ""), ("12 34", "the rest of the message"), ("some words of prose", "")] {
                    let text = format!("{front}{before}{word}{behind}{end}");
                    let (narrow, wide) = (format!("{text}{}", " ".repeat(9)), format!("{}{text}", " ".repeat(9)));
                    for text in [&text, &narrow, &wide] {
                        let found = search(text.as_bytes(), After::Date, Fields::default(), None);
                        assert_eq!(level(text.as_bytes(), After::Date), found, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn prose_and_counts_of_nothing_state_no_level() {
        for text in [
            " errors: 0 warnings: 0",
            " Last error: none",
            " TOTAL ERRORS 0",
            " ERROR COUNT: 0",
            " FAILED tests: 0",
            " errors=0, warnings=0",
            " no ERROR in sight",
            " JOB_I_40245 STATUS: STATUS SUCCESS JOB: a",
            " A COMPANY of wolves",
            " NON-FATAL accident",
            " error-free since Monday",
            " the errors_total metric is new",
            " I am here",
            " one two three four five six ERROR",
            "",
        ] {
            assert_eq!(read(text, After::Date), None, "{text}");
        }
    }

    #[test]
    fn text_of_any_kind_must_state_its_level_soon() {
        for (text, expect) in [
            ("feed ERROR boom", Some("ERROR")),
            ("Retrying after ERROR response", None),
            ("the last error: timeout", None),
            ("login failed: bad password", None),
            ("panic: boom", None),
        ] {
            assert_eq!(read(text, After::Envelope), expect, "{text}");
        }
    }
}
