//! Finds stack traces, panics and uncaught errors in text. The live run and the audit share this classifier.
//!
//! Words count as words: "no exceptions raised", "exception-free", "handled exception", "panic button" and
//! "0 errors" are harmless; "unhandled", "exception not handled" and "panicked at" are not.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::LazyLock;

pub use super::frames::is_frame;
pub use super::kind::Kind;
use super::markers::RULES;
use super::memo::{self, Memory};
use super::pattern::{Candidate, Search};
use super::prefilter;
use super::{frames, mentions};
use crate::prose;

/// Judges a free text such as a message, of one line or many.
pub fn text(text: &str) -> Option<Kind> {
    told(text).map(|(kind, _)| kind)
}

/// Whether a text tells of a crash by a fixed form that means nothing else.
pub(super) fn is_sure(text: &str) -> bool {
    told(text).is_some_and(|(_, sure)| sure)
}

/// What a text shows, and whether by a fixed form that means nothing else.
fn told(text: &str) -> Option<(Kind, bool)> {
    if !may_match(text.as_bytes()) {
        return None;
    }
    // A text that quotes another, as in `err="boom\n\tat …"`, may have its line ends escaped.
    if text.contains("\\n") && !text.contains('\n') {
        return told(&text.replace("\\n", "\n").replace("\\t", "\t"));
    }
    // No row can say more.
    if frames::is_stack_trace(text) {
        return Some((Kind::StackTrace, true)).filter(|_| !mentions::is_title(text));
    }
    thread_local!(static TOLD: RefCell<Memory<Option<(Kind, bool)>>> = RefCell::default());
    TOLD.with(|told| memo::remembered(told, text, judge))
}

/// What a text without frames shows that holds a mark.
pub(super) fn judge(text: &str) -> Option<(Kind, bool)> {
    static SEARCH: LazyLock<Search> = LazyLock::new(|| Search::new(RULES));
    let rows = SEARCH.candidates(text);
    let counts = |row: &Candidate| {
        SEARCH.places(row, text).any(|(start, end)| match row.rule.sure {
            true => !mentions::only_named(text, start, end),
            false => !mentions::denied(text, (start, end), row.rule.kind),
        })
    };
    let told = rows.into_iter().filter(counts).map(|row| (row.rule.kind, row.rule.sure));
    let told = told.reduce(|(kind, sure), (other, also)| (kind.min(other), sure || also));
    told.filter(|_| !mentions::is_title(text))
}

/// Whether what a record shows is told by words of prose alone, which can mean another thing: by no stack trace, no
/// field that is named after exceptions and no fixed form of a crash report.
pub(crate) fn is_doubtful(texts: &[&str], traces: &[Named<'_>]) -> bool {
    traces.iter().all(|named| named.kind().is_none())
        && texts.iter().filter_map(|text| told(text)).all(|(_, sure)| !sure)
}

/// The text of a field, by what its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The field's name says exception: any text counts, unless it says that there is none.
    Exception(Cow<'a, str>),
    /// The field's name says stack or trace: a text of many lines counts.
    Stack(Cow<'a, str>),
    /// The field may hold a longer message.
    Text(Cow<'a, str>),
    /// The field's name says stack or trace, and it holds a list of frames.
    Frames,
}

impl Named<'_> {
    fn kind(&self) -> Option<Kind> {
        match self {
            Self::Exception(value) if prose::is_nothing(value) => None,
            Self::Exception(value) => text(value).or_else(|| (!mentions::says_none(value)).then_some(Kind::Exception)),
            Self::Stack(value) if value.trim().contains('\n') => Some(Kind::StackTrace),
            Self::Stack(value) | Self::Text(value) => text(value),
            Self::Frames => Some(Kind::StackTrace),
        }
    }

    /// The text, where it tells of a crash.
    pub fn trace(&self) -> Option<&str> {
        match self {
            Self::Exception(value) | Self::Stack(value) | Self::Text(value) => self.kind().map(|_| &**value),
            Self::Frames => None,
        }
    }

    /// The same with a text of its own.
    pub fn into_owned(self) -> Named<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Exception(text) => Named::Exception(owned(text)),
            Self::Stack(text) => Named::Stack(owned(text)),
            Self::Text(text) => Named::Text(owned(text)),
            Self::Frames => Named::Frames,
        }
    }
}

/// Judges a record: its message, and the fields that [`crate::log::record::Record::traces`] lists. An
/// exception that the message calls handled is none, but a stack trace is one in any case.
pub(crate) fn record(message: &str, traces: &[Named<'_>]) -> Option<Kind> {
    let hidden = traces.iter().filter_map(Named::kind).min();
    match (text(message), hidden) {
        (Some(kind), hidden) => Some(hidden.map_or(kind, |hidden| hidden.min(kind))),
        (None, Some(Kind::Exception)) if mentions::says_handled(message) => None,
        (None, hidden) => hidden,
    }
}

/// The first place at or after `from` in raw lines, escaped as in JSON or not, where a crash may be told of. Lines
/// without such a place need no closer look.
pub fn suspect(lines: &[u8], from: usize) -> Option<usize> {
    prefilter::crash(lines, from)
}

/// Whether a line of raw output may begin or belong to a stack trace or a crash report.
pub(crate) fn is_marker(line: &str) -> bool {
    is_frame(line) || text(line).is_some()
}

/// A cheap test that passes everything which [`text`] could recognise: most log lines have none of the marks.
pub fn may_match(text: &[u8]) -> bool {
    matches!(text.first(), Some(b' ' | b'\t')) || memchr::memchr(b'\n', text).is_some() || suspect(text, 0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Crashes, and what each of them is.
    const CRASHES: &[(&str, Kind)] = &[
        ("Traceback (most recent call last):", Kind::StackTrace),
        ("boom\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x", Kind::StackTrace),
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
        // The text of an exception denies nothing.
        ("java.util.NoSuchElementException: No value present", Kind::Exception),
        ("java.io.IOException: No space left on device", Kind::Exception),
        ("java.lang.NullPointerException: null", Kind::Exception),
        ("panic: no brokers available", Kind::Panic),
        ("Uncaught TypeError: no such method", Kind::Uncaught),
        ("fatal error: 0 bytes read", Kind::FatalError),
        ("exception: list index out of range", Kind::Exception),
        // A number or a word before it denies only what it counts.
        ("worker 0 panicked at src/main.rs:1", Kind::Panic),
        ("thread '0' panicked at src/a.rs:3:1", Kind::Panic),
        ("shard 0 uncaught exception in loop", Kind::Uncaught),
        ("partition 0 raised SocketTimeoutException", Kind::Exception),
        ("non-retryable exception thrown by broker", Kind::Exception),
        ("no errors, exception in worker 3", Kind::Exception),
        ("no retry after exception", Kind::Exception),
        ("no such element exception", Kind::Exception),
        ("could not connect, exception raised", Kind::Exception),
        ("fatal error count: 2", Kind::FatalError),
        ("exceptions: 3", Kind::Exception),
        // Only an exception that was handled is handled.
        ("request handled, then NullPointerException in worker", Kind::Exception),
        ("NullPointerException while the request was being handled", Kind::Exception),
        ("request handled but an exception was thrown", Kind::Exception),
        ("exception of type E", Kind::Exception),
        ("handled error. Exception in worker", Kind::Exception),
        ("exception in feed; handled 3 others", Kind::Exception),
        ("unhandled error type mismatch", Kind::Uncaught),
        ("uncaught exception process exiting", Kind::Uncaught),
        ("nothing handled the exception", Kind::Exception),
        ("Fatal Error: cannot continue", Kind::FatalError),
        ("Segmentation Fault", Kind::Panic),
        ("SEGMENTATION FAULT", Kind::Panic),
        ("Fatal Python error: Aborted", Kind::FatalError),
        ("fatal runtime error: stack overflow", Kind::FatalError),
        ("thread 'main' has overflowed its stack", Kind::Panic),
        ("feed: feed.c:3: main: Assertion `x > 0' failed.", Kind::Panic),
        ("Assertion failed: (x > 0), function main, file feed.c, line 3.", Kind::Panic),
        ("free(): double free detected in tcache 2", Kind::Panic),
        ("free(): invalid pointer", Kind::Panic),
        ("double free or corruption (out)", Kind::Panic),
        ("corrupted size vs. prev_size", Kind::Panic),
        ("malloc(): corrupted top size", Kind::Panic),
        ("*** stack smashing detected ***: terminated", Kind::Panic),
        ("*** buffer overflow detected ***: terminated", Kind::Panic),
        ("unhandledRejection at: Promise", Kind::Uncaught),
        ("==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1", Kind::Panic),
        ("stack traceback:\n\tfeed.lua:3: in main chunk", Kind::StackTrace),
        ("stack traceback:", Kind::StackTrace),
        ("java.lang.OutOfMemoryError: Java heap space\n\tat a.B.c(D.java:1)", Kind::StackTrace),
        ("boom\n\tat a.B.c(D.java:1) ~[app.jar:1.0]", Kind::StackTrace),
        ("Error: x\n\tat a (b.js:1:2)", Kind::StackTrace),
        ("failed\nmain.main\n\t/app/main.go:8 +0x1d", Kind::StackTrace),
        (r#"job done err="boom\n\tat a.B.c(D.java:1)""#, Kind::StackTrace),
        // Lines that were wrapped one by one.
        ("\tat a.B.c(D.java:1)", Kind::StackTrace),
        ("    at run (/app/index.js:3:9)", Kind::StackTrace),
    ];

    #[test]
    fn traces_and_panics_of_all_languages_are_found() {
        for (shown, expect) in CRASHES {
            assert_eq!(text(shown), Some(*expect), "{shown}");
        }
    }

    #[test]
    fn every_crash_is_suspect_in_raw_lines() {
        for (shown, _) in CRASHES {
            let escaped = serde_json::to_string(shown).expect("text is JSON");
            assert!(suspect(escaped.as_bytes(), 0).is_some(), "{escaped}");
            let raw = shown.lines().any(|line| line.starts_with([' ', '\t']) || suspect(line.as_bytes(), 0).is_some());
            assert!(raw, "{shown}");
        }
        assert!(suspect(b"2025-01-06T00:00:00Z stderr F \tat a.B.c(D.java:1)", 0).is_some());
        assert_eq!(suspect(b"panic\nall is well", 6), None);
        assert_eq!(suspect(b"the store compacted 3 tables", 0), None);
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
            "meet me\n  at the gate (north)",
            "meet me\n   at 10:30:15",
            "with the exception of BTC, all pairs are live",
            "holiday exception calendar applied",
            "exceptions (0)",
            "exceptions 0",
            "exceptions so far: 0",
            "exceptions -> 0",
            "exception(s): 0",
            "exceptions=0 panics=0",
            "fatal error count: 0",
            "fatal error rate 0%",
            "uncaught exceptions 0",
            "Unhandled Error Count: 0",
            "none of the exceptions fired",
            "neither exceptions nor panics",
            "no errors, exceptions or panics",
            "no worker panicked",
            "did not throw an exception",
            "installed unhandled exception handler",
            "registered unhandledRejection handler",
            "panic: none",
            "panics: 0",
            "exception: none",
            "exception handled",
            "exception in worker 3 was handled",
            "handled the SocketTimeoutException",
            "handled exception: SocketTimeoutException",
            "TimeoutException raised, but handled by retry",
            "panic: disabled",
            "traceback: disabled",
            "exception-safe code path",
            "AddressSanitizer enabled",
            "malloc(): 5 bytes",
            "stack overflow is a site for questions",
            "corrupted record skipped",
            "assertion checks enabled",
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
            ("tick", exception("no exception"), None),
            ("tick", exception("java.lang.NullPointerException: null"), Some(Kind::Exception)),
            ("request handled", exception("TimeoutError"), Some(Kind::Exception)),
            ("error was handled", exception("TimeoutError"), None),
            ("handled 5 orders", exception("TimeoutError"), Some(Kind::Exception)),
            ("tick", exception("no error context"), Some(Kind::Exception)),
            ("tick", Named::Frames, Some(Kind::StackTrace)),
        ] {
            assert_eq!(record(message, std::slice::from_ref(&field)), expect, "{message} {field:?}");
        }
        assert_eq!(record("tick", &[]), None);
    }
}
