//! Finds stack traces, panics and uncaught errors in text. The live run and the audit share this classifier.
//!
//! Words count as words: "no exceptions raised", "exception-free", "handled exception", "panic button" and
//! "0 errors" are harmless; "unhandled", "exception not handled" and "panicked at" are not.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};
use serde::{Deserialize, Serialize};

use super::words::Words;

/// What a text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The frames or the header of a stack trace.
    StackTrace,
    /// A panic, an abort, or a crash of the process.
    Panic,
    /// An exception or rejection that nothing caught.
    Uncaught,
    /// "fatal error".
    FatalError,
    /// An exception that is not said to be handled.
    Exception,
}

impl Kind {
    /// As in the JSON documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::StackTrace => "stack_trace",
            Self::Panic => "panic",
            Self::Uncaught => "uncaught",
            Self::FatalError => "fatal_error",
            Self::Exception => "exception",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::StackTrace => "stack trace",
            Self::Panic => "panic",
            Self::Uncaught => "uncaught exception",
            Self::FatalError => "fatal error",
            Self::Exception => "exception",
        }
    }
}

/// Judges a free text such as a message, of one line or many.
pub fn text(text: &str) -> Option<Kind> {
    if !may_match(text.as_bytes()) {
        return None;
    }
    if is_stack_trace(text) {
        return Some(Kind::StackTrace);
    }
    let words = Words::of(text);
    words.kind()
}

/// The text of a field that is named after an exception or a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The field's name says exception: any text counts, unless it says that there is none.
    Exception(Cow<'a, str>),
    /// The field's name says stack or trace: a text of many lines counts.
    Stack(Cow<'a, str>),
    /// The field may hold a longer message.
    Text(Cow<'a, str>),
}

impl Named<'_> {
    fn kind(&self) -> Option<Kind> {
        const NOTHING: [&str; 12] =
            ["", "none", "null", "nil", "no", "false", "0", "-", "n/a", "{}", "[]", "nonetype: none"];
        match self {
            Self::Exception(value) if NOTHING.iter().any(|word| value.trim().eq_ignore_ascii_case(word)) => None,
            Self::Exception(value) => Some(text(value).unwrap_or(Kind::Exception)),
            Self::Stack(value) if value.trim().contains('\n') => Some(Kind::StackTrace),
            Self::Stack(value) | Self::Text(value) => text(value),
        }
    }

    /// The same with a text of its own.
    pub fn into_owned(self) -> Named<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Exception(text) => Named::Exception(owned(text)),
            Self::Stack(text) => Named::Stack(owned(text)),
            Self::Text(text) => Named::Text(owned(text)),
        }
    }
}

/// Judges a record: its message, and the fields that [`crate::evidence::record::Record::traces`] lists. An
/// exception that the message calls handled is none, but a stack trace is one in any case.
pub fn record(message: &str, traces: &[Named<'_>]) -> Option<Kind> {
    let hidden = traces.iter().filter_map(Named::kind).min();
    match (text(message), hidden) {
        (Some(kind), hidden) => Some(hidden.map_or(kind, |hidden| hidden.min(kind))),
        (None, Some(Kind::Exception)) if Words::of(message).handled() => None,
        (None, hidden) => hidden,
    }
}

/// The first place at or after `from` in raw lines, escaped as in JSON or not, where a crash may be told of. Lines
/// without such a place need no closer look.
pub fn suspect(lines: &[u8], from: usize) -> Option<usize> {
    // Exact letters are found several times faster than letters of either case, and at most 32 marks twice as fast
    // as more; nothing that crashes writes mixed case inside a word.
    const MARKS: [&str; 31] = [
        "xception",
        "XCEPTION",
        "raceback",
        "RACEBACK",
        "acktrace",
        "ACKTRACE",
        "panic",
        "Panic",
        "PANIC",
        "atal e",
        "ATAL E",
        "ncaught",
        "NCAUGHT",
        "nhandled",
        "NHANDLED",
        "oroutine ",
        "erminate called",
        "egmentation f",
        "EGMENTATION F",
        "ore dumped",
        "anitizer",
        "in `",
        ":in '",
        "stack",
        "Stack",
        "STACK",
        "exc_info",
        "exc_text",
        "errorVerbose",
        "\\tat ",
        "   at ",
    ];
    static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let builder = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(MARKS);
        builder.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}"))
    });
    SEARCH.find(Input::new(lines).range(from..)).map(|found| found.start())
}

/// Whether a line of raw output may begin or belong to a stack trace or a crash report.
pub fn is_marker(line: &str) -> bool {
    is_frame(line) || text(line).is_some()
}

/// A cheap test that passes everything which [`text`] could recognise: most log lines have none of the words.
pub(crate) fn may_match(text: &[u8]) -> bool {
    static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let builder = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(HINTS);
        builder.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}"))
    });
    SEARCH.is_match(text)
}

/// Lower-case letters stand for both cases.
const HINTS: [&str; 14] = [
    "xception",
    "raceback",
    "panic",
    "fatal",
    "ncaught",
    "nhandled",
    "backtrace",
    "goroutine",
    "\n",
    "terminate called",
    "egmentation fault",
    "core dumped",
    "sanitizer",
    "in `",
];

fn is_stack_trace(text: &str) -> bool {
    text.contains("Traceback (most recent call last)")
        || text.contains("Traceback (innermost last)")
        || text.contains("stack backtrace:")
        || text.trim_start().starts_with("Traceback:")
        || is_java_header(text)
        || (text.contains('\n') && text.lines().any(is_frame))
        || is_goroutine(text)
}

/// `goroutine 1 [running]:`
fn is_goroutine(text: &str) -> bool {
    text.match_indices("goroutine ").any(|(at, mark)| {
        let rest = &text[at + mark.len()..];
        let number = rest.bytes().take_while(u8::is_ascii_digit).count();
        number > 0 && rest[number..].starts_with(" [") && rest.contains("]:")
    })
}

/// `Exception in thread "main" java.lang.IllegalStateException: boom`
fn is_java_header(text: &str) -> bool {
    text.contains("Exception in thread \"")
}

/// Whether a line is one frame of a stack trace, in the style of any of the languages.
pub fn is_frame(line: &str) -> bool {
    let indented = line.starts_with([' ', '\t']);
    let line = line.trim();
    if let Some(place) = line.strip_prefix("at ") {
        // Java `at a.B.c(D.java:1)`, Node `at f (/a.js:1:2)` and `at /a.js:1:2`, .NET `at A.B() in c.cs:line 1`.
        return indented
            && (place.ends_with(')') && place.contains('(') || place.contains(":line ") || ends_with_position(place));
    }
    if let Some(place) = line.strip_prefix("File \"") {
        return place.contains("\", line ");
    }
    // Ruby: `a.rb:1:in 'f': boom (E)` and `from a.rb:1:in 'f'`.
    if let Some((place, _)) = line.split_once(":in `").or_else(|| line.split_once(":in '")) {
        return place.rsplit(':').next().is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    }
    // Go `\t/app/main.go:12 +0x1d`.
    if let Some((_, place)) = line.split_once(".go:") {
        return indented && place.starts_with(|c: char| c.is_ascii_digit());
    }
    // Java again.
    line.starts_with("Caused by: ") || line.starts_with("... ") && line.ends_with(" more")
}

fn ends_with_position(text: &str) -> bool {
    let mut parts = text.rsplit(':');
    let mut digits = || parts.next().is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    digits() && digits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traces_and_panics_of_all_languages_are_found() {
        for (shown, expect) in [
            ("Traceback (most recent call last):", Kind::StackTrace),
            (
                "boom\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x",
                Kind::StackTrace,
            ),
            ("Exception in thread \"main\" java.lang.IllegalStateException: boom", Kind::StackTrace),
            ("failed\n\tat com.acme.Feed.read(Feed.java:12)\n\t... 7 more", Kind::StackTrace),
            ("TypeError: x is not a function\n    at run (/app/index.js:3:9)", Kind::StackTrace),
            ("Error: boom\n    at /app/index.js:3:9", Kind::StackTrace),
            ("panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nmain.main()", Kind::StackTrace),
            ("fatal error: all goroutines are asleep - deadlock!", Kind::FatalError),
            ("goroutine 17 panicked while closing", Kind::Panic),
            ("thread 'main' panicked at src/main.rs:4:5:", Kind::Panic),
            ("thread 'main' (4711) panicked at src/main.rs:4:5:\nboom\nstack backtrace:\n  0: f", Kind::StackTrace),
            ("Unhandled exception. System.InvalidOperationException: boom", Kind::Uncaught),
            ("boom\n   at Acme.Feed.Read() in /src/Feed.cs:line 12", Kind::StackTrace),
            ("feed.rb:12:in `read': boom (RuntimeError)\n\tfrom feed.rb:20:in `<main>'", Kind::StackTrace),
            ("terminate called after throwing an instance of 'std::runtime_error'", Kind::Panic),
            ("Segmentation fault (core dumped)", Kind::Panic),
            ("Unhandled rejection: exception in feed handler", Kind::Uncaught),
            ("Uncaught TypeError: x is undefined", Kind::Uncaught),
            ("UNCAUGHT EXCEPTION in worker", Kind::Uncaught),
            ("exception not handled", Kind::Exception),
            ("exception wasn't handled", Kind::Exception),
            ("java.net.SocketTimeoutException: Read timed out", Kind::Exception),
            ("no luck: exception in worker 3", Kind::Exception),
            ("panic: at the disco", Kind::Panic),
            ("kernel panic - not syncing", Kind::Panic),
        ] {
            assert_eq!(text(shown), Some(expect), "{shown}");
        }
    }

    #[test]
    fn harmless_words_are_told_apart() {
        for shown in [
            "no exceptions raised",
            "0 exceptions in the last hour",
            "exceptions: 0",
            "No unhandled exceptions, no panic: all quiet",
            "exception-free run",
            "handled exception ValueError",
            "exception was handled by retry",
            "exception handler installed",
            "an exceptional day",
            "panic button disabled by operator",
            "panicle hydrangea delivered",
            "panic sell signal ignored",
            "order traceback id 991",
            "0 fatal errors",
            "unhandled order type",
            "0 errors",
            "meet me\nat the gate (north)",
            "",
        ] {
            assert_eq!(text(shown), None, "{shown}");
        }
    }

    #[test]
    fn fields_named_after_exceptions_count_unless_empty_or_handled() {
        let exception = |text: &'static str| Named::Exception(text.into());
        let stack = |text: &'static str| Named::Stack(text.into());
        for (message, field, expect) in [
            ("tick", exception("TimeoutError"), Some(Kind::Exception)),
            ("handled by retry", exception("TimeoutError"), None),
            ("handled by retry", stack("E: x\n    at f (/a.js:1:2)"), Some(Kind::StackTrace)),
            ("tick", stack("main.main\n\t/app/main.go:12"), Some(Kind::StackTrace)),
            ("tick", stack("production"), None),
            ("tick", exception("None"), None),
            ("tick", exception(" "), None),
        ] {
            assert_eq!(record(message, std::slice::from_ref(&field)), expect, "{message} {field:?}");
        }
        assert_eq!(record("tick", &[]), None);
    }

    #[test]
    fn every_crash_is_suspect_in_raw_lines() {
        for line in [
            "a\\n\\tat b.C(D.java:1)",
            "a\\n    at b (c.js:1:2)",
            "UNCAUGHT EXCEPTION",
            "thread 'main' panicked",
            "Fatal error",
        ] {
            assert!(suspect(line.as_bytes(), 0).is_some(), "{line}");
        }
        assert_eq!(suspect(b"panic\nall is well", 6), None);
    }
}
