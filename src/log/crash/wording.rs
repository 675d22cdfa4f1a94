//! The words of a message that tell of a crash, and those that say that it was handled or is only spoken of.

use super::classify::Kind;
use crate::prose::{Naming, Phrase};

/// What follows any error where only its handling is spoken of: "uncaught exception handler".
const HANDLING: [&str; 22] = [
    "filter",
    "filters",
    "handler",
    "handlers",
    "handling",
    "hook",
    "hooks",
    "logging",
    "management",
    "mapper",
    "mappers",
    "mapping",
    "middleware",
    "monitor",
    "monitoring",
    "policies",
    "policy",
    "safe",
    "safety",
    "tracking",
    "translation",
    "translator",
];

/// What follows "exception" where it is a kind of thing: "exception list", "exception calendar".
const KINDS: [&str; 14] = [
    "calendar",
    "calendars",
    "class",
    "classes",
    "list",
    "lists",
    "report",
    "reports",
    "rule",
    "rules",
    "table",
    "tables",
    "type",
    "types",
];

/// Words between an exception and "handled": "exception was already handled".
const AUXILIARIES: [&str; 16] = [
    "was",
    "were",
    "is",
    "are",
    "been",
    "got",
    "has",
    "have",
    "and",
    "already",
    "successfully",
    "gracefully",
    "properly",
    "safely",
    "correctly",
    "caught",
];

/// A text as words that may tell of a crash.
pub(crate) struct Words<'a>(Phrase<'a>);

impl<'a> Words<'a> {
    /// The words of a text.
    pub(crate) fn of(text: &'a str) -> Self {
        Self(Phrase::of(text))
    }

    /// What the words tell of, if of a crash.
    pub(crate) fn kind(&self) -> Option<Kind> {
        (0..self.0.len()).filter_map(|at| self.kind_at(at)).min()
    }

    fn kind_at(&self, at: usize) -> Option<Kind> {
        let words = &self.0;
        let next = words.lower(at + 1);
        let mark = words.mark(at);
        let is_error = |at: usize| is_error_word(words.text(at)) && !self.is_topic(at);
        let noun = |kind, len| Some((kind, at + len, Naming::Noun));
        let verb = |kind| Some((kind, at, Naming::Verb));
        let (kind, noun, naming) = match words.lower(at) {
            // "panic: …" and "panic(…)", but not "panic button" or "panic sell".
            "panic" if mark.starts_with([':', '(']) || at > 0 && words.lower(at - 1) == "kernel" => {
                noun(Kind::Panic, 0)
            }
            "panicked" | "panicking" => verb(Kind::Panic),
            "terminate" if next == "called" => verb(Kind::Panic),
            "core" if next == "dumped" => verb(Kind::Panic),
            "overflowed" if next == "its" && words.lower(at + 2) == "stack" => verb(Kind::Panic),
            "segmentation" if next == "fault" => noun(Kind::Panic, 1),
            "assertion" if self.is_failed_assertion(at) => noun(Kind::Panic, 0),
            "addresssanitizer" | "threadsanitizer" | "leaksanitizer" | "memorysanitizer" if mark.starts_with(':') => {
                noun(Kind::Panic, 0)
            }
            _ if self.is_heap_corruption(at) => noun(Kind::Panic, 0),
            // "fatal error", "Fatal Python error"
            "fatal" if mark.is_empty() => {
                let len = 1 + usize::from(!is_error_word(words.text(at + 1)) && words.mark(at + 1).is_empty());
                (is_plain_error(words.lower(at + len)) && !self.is_topic(at + len)).then_some((
                    Kind::FatalError,
                    at + len,
                    Naming::Noun,
                ))
            }
            "uncaught" if next == "in" => noun(Kind::Uncaught, 0),
            "uncaught" | "unhandled" if mark.is_empty() && is_error(at + 1) => {
                Some((Kind::Uncaught, at + 1, naming(words.text(at + 1))))
            }
            "unhandled" if matches!(next, "rejection" | "promise") && !self.is_topic(at + 1) => noun(Kind::Uncaught, 1),
            "unhandledrejection" | "unhandledpromiserejection" | "unhandledpromiserejectionwarning"
                if !self.is_topic(at) =>
            {
                noun(Kind::Uncaught, 0)
            }
            "traceback" if mark.starts_with(':') && !next.is_empty() => noun(Kind::StackTrace, 0),
            _ if is_exception_word(words.text(at)) && !self.is_topic(at) && !self.is_handled(at) => {
                Some((Kind::Exception, at, naming(words.text(at))))
            }
            _ => None,
        }?;
        (!words.is_denied(at, noun, naming)).then_some(kind)
    }

    /// ``main: Assertion `x > 0' failed.`` and `Assertion failed: (x > 0)`
    fn is_failed_assertion(&self, at: usize) -> bool {
        let words = &self.0;
        words.lower(at + 1) == "failed" && words.mark(at).is_empty()
            || words.mark(at).starts_with(['`', '\'', '‘']) && (at..words.len()).any(|at| words.lower(at) == "failed")
    }

    /// `free(): double free detected in tcache 2`, `malloc(): corrupted top size`, `double free or corruption (out)`,
    /// `*** stack smashing detected ***`: how the C library says that memory was overwritten.
    fn is_heap_corruption(&self, at: usize) -> bool {
        const FAULTS: [&str; 8] =
            ["corrupted", "double", "invalid", "memory", "mismatching", "unaligned", "unsorted", "chunk"];
        let words = &self.0;
        let next = words.lower(at + 1);
        match words.lower(at) {
            "free" | "malloc" | "calloc" | "realloc" | "munmap_chunk" | "malloc_consolidate" => {
                words.mark(at).starts_with("():") && FAULTS.contains(&next)
            }
            "double" => next == "free" && words.lower(at + 2) == "or" && words.lower(at + 3) == "corruption",
            "corrupted" => {
                next == "double" && words.lower(at + 2) == "linked" || next == "size" && words.lower(at + 2) == "vs"
            }
            "detected" => words.mark(at).starts_with("***"),
            _ => false,
        }
    }

    /// Whether the exception or error at `at` is only spoken of: its handling, its rate, the idiom "with the
    /// exception of".
    fn is_topic(&self, at: usize) -> bool {
        let words = &self.0;
        let next = words.lower(at + 1);
        if words.hyphened(at) {
            // "exception-safe" is an adjective.
            return !(matches!(next, "in" | "at" | "raised" | "thrown") || words.is_number(at + 1));
        }
        let before = |back: usize| at.checked_sub(back).map_or("", |at| words.lower(at));
        words.mark(at).is_empty()
            && (HANDLING.contains(&next)
                || KINDS.contains(&next) && !matches!(before(1), "fatal" | "uncaught" | "unhandled")
                || words.is_free(at)
                || words.has_counter(at) && words.counted(at, Naming::Noun) != Some(true)
                || next == "of" && (before(1) == "with" || before(1) == "the" && before(2) == "with"))
    }

    /// Whether the text says that the exception at `at` was handled, and not that it was not.
    fn is_handled(&self, at: usize) -> bool {
        let words = &self.0;
        // "handled the SocketTimeoutException", "handled exception: TimeoutException"
        for back in (0..at).rev() {
            let mark = words.mark(back);
            if words.ends_clause(back) || !(mark.is_empty() || mark == ":" && words.is_fault(back)) {
                break;
            }
            if words.lower(back) == "handled" {
                return !self.is_negated(back);
            }
            if !words.is_modifier(back) && !words.is_fault(back) {
                break;
            }
        }
        // "exception in worker 3 was handled", "exception raised, but handled by retry"
        let (mut direct, mut next_clause) = (true, false);
        for on in at + 1..words.len() {
            if words.mark(on - 1).contains(':') {
                break;
            }
            if words.ends_clause(on - 1) {
                (direct, next_clause) = (true, true);
            }
            match words.lower(on) {
                "handled" if direct => return !self.is_negated(on) && (!next_clause || self.is_intransitive(on)),
                "while" | "when" | "that" | "which" | "who" | "as" | "during" | "before" | "after" => break,
                word => direct = AUXILIARIES.contains(&word) || words.is_fault(on),
            }
            if next_clause && !(direct || matches!(words.lower(on), "but" | "then" | "it")) {
                break;
            }
            direct |= next_clause;
        }
        false
    }

    /// Whether the text says that what happened was handled: "handled by retry", "error was handled"; and not "request
    /// handled" or "handled 5 orders".
    pub(crate) fn handled(&self) -> bool {
        let words = &self.0;
        (0..words.len()).filter(|at| words.lower(*at) == "handled" && !self.is_negated(*at)).any(|at| {
            let object = (at + 1..words.len()).find(|at| !words.is_modifier(*at)).unwrap_or(at);
            let mut start = at;
            while start > 0 && !words.ends_clause(start - 1) && AUXILIARIES.contains(&words.lower(start - 1)) {
                start -= 1;
            }
            if words.is_fault(object) {
                true
            } else if start == 0 || words.ends_clause(start - 1) {
                self.is_intransitive(at)
            } else {
                words.is_fault(start - 1) || start < at && matches!(words.lower(start - 1), "it" | "this")
            }
        })
    }

    /// Whether "handled" at `at` has no object.
    fn is_intransitive(&self, at: usize) -> bool {
        self.0.ends_clause(at)
            || matches!(self.0.lower(at + 1), "by" | "with" | "in" | "via" | "and" | "gracefully" | "internally")
    }

    /// Whether "handled" at `at` is denied: "not handled", "nothing handled the exception".
    fn is_negated(&self, at: usize) -> bool {
        let words = &self.0;
        let denies = |at: usize| matches!(words.lower(at), "un" | "without" | "nothing" | "nobody" | "none" | "no");
        (at.saturating_sub(2)..at).any(|before| words.is_not(before) || denies(before))
    }

    /// Whether the text names exceptions only to say that there are none: "no exception", "no errors raised".
    pub(crate) fn denies_exceptions(&self) -> bool {
        let words = &self.0;
        let verbs = ["caught", "found", "occurred", "raised", "reported", "seen", "thrown"];
        let none = |at: usize| {
            let ended = words.ends_clause(at) || verbs.contains(&words.lower(at + 1)) || !words.mark(at).is_empty();
            ended && words.is_denied(at, at, naming(words.text(at)))
        };
        let mut named = (0..words.len()).filter(|at| is_error_word(words.text(*at))).peekable();
        named.peek().is_some() && named.all(none)
    }
}

/// How an exception word names an exception.
fn naming(word: &str) -> Naming {
    let name = word.rsplit('.').next().unwrap_or(word);
    let plain = name.eq_ignore_ascii_case("exception") || name.eq_ignore_ascii_case("error") || name.ends_with('s');
    if plain || name.contains('_') { Naming::Noun } else { Naming::Type }
}

fn is_plain_error(lower: &str) -> bool {
    matches!(lower, "error" | "errors" | "exception" | "exceptions")
}

/// `exception`, `exceptions`, and names such as `a.b.SocketTimeoutException`.
fn is_exception_word(word: &str) -> bool {
    let name = word.rsplit('.').next().unwrap_or(word);
    name.eq_ignore_ascii_case("exception")
        || name.eq_ignore_ascii_case("exceptions")
        || name.ends_with("Exception")
        || name.ends_with("_exception")
}

/// An exception word, `error`, `errors`, and names such as `TypeError`.
fn is_error_word(word: &str) -> bool {
    is_exception_word(word)
        || word.eq_ignore_ascii_case("error")
        || word.eq_ignore_ascii_case("errors")
        || word.ends_with("Error")
}
