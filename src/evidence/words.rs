//! The words of a message that tell of a crash, and the words around them that deny it.

use super::classify::Kind;

/// A text as words, with what stands between them.
pub(super) struct Words<'a> {
    words: Vec<Word<'a>>,
}

struct Word<'a> {
    text: &'a str,
    lower: String,
    /// What stands between this word and the next, without blanks.
    after: &'a str,
}

impl<'a> Words<'a> {
    /// The words of a text.
    pub(super) fn of(text: &'a str) -> Self {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
        let mut words = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_word) {
            let len = rest[start..].find(|c| !is_word(c)).unwrap_or(rest.len() - start);
            let (word, tail) = rest[start..].split_at(len);
            let after = tail[..tail.find(is_word).unwrap_or(tail.len())].trim();
            let word = word.trim_matches('\'');
            words.push(Word { text: word, lower: word.to_lowercase(), after });
            rest = tail;
        }
        Self { words }
    }

    fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.lower)
    }

    fn after(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.after)
    }

    /// What the words tell of, if of a crash.
    pub(super) fn kind(&self) -> Option<Kind> {
        (0..self.words.len()).filter_map(|at| self.kind_at(at)).min()
    }

    fn kind_at(&self, at: usize) -> Option<Kind> {
        let next = self.lower(at + 1);
        let kind = match self.lower(at) {
            // "panic: …" and "panic(…)", but not "panic button" or "panic sell".
            "panic" if self.after(at).starts_with([':', '(']) || self.lower(at.wrapping_sub(1)) == "kernel" => {
                Kind::Panic
            }
            "panicked" | "panicking" => Kind::Panic,
            "terminate" if next == "called" => Kind::Panic,
            "segmentation" if next == "fault" => Kind::Panic,
            "core" if next == "dumped" => Kind::Panic,
            "addresssanitizer" | "threadsanitizer" | "leaksanitizer" | "memorysanitizer" => Kind::Panic,
            "fatal" if matches!(next, "error" | "exception") && self.after(at).is_empty() => Kind::FatalError,
            "uncaught" if is_error_word(self.text(at + 1)) || next == "in" => Kind::Uncaught,
            "unhandled" if is_error_word(self.text(at + 1)) || matches!(next, "rejection" | "promise") => {
                Kind::Uncaught
            }
            "unhandledpromiserejection" | "unhandledpromiserejectionwarning" => Kind::Uncaught,
            "traceback" if self.after(at).starts_with(':') && !next.is_empty() => Kind::StackTrace,
            _ if is_exception_word(self.text(at)) && !self.is_about_exceptions(at) && !self.handled() => {
                Kind::Exception
            }
            _ => return None,
        };
        (!self.is_denied(at)).then_some(kind)
    }

    fn text(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| word.text)
    }

    /// "no exceptions", "0 unhandled exceptions", "without any panic", "exceptions: 0", "panics=none".
    fn is_denied(&self, at: usize) -> bool {
        let before = (at.saturating_sub(3)..at).rev();
        for word in before {
            // A denial reaches to the end of its clause.
            if self.after(word).contains([',', ';', '.', ':']) {
                break;
            }
            if matches!(self.lower(word), "no" | "zero" | "0" | "without" | "never" | "not" | "non" | "didn't" | "free")
            {
                return true;
            }
        }
        (at..at + 2).any(|word| {
            (self.after(word) == ":" || self.after(word) == "=" || self.after(word) == "free")
                && matches!(self.lower(word + 1), "0" | "none" | "no" | "null" | "false")
        })
    }

    /// Whether an exception word at `at` is about the handling, the absence or the number of exceptions.
    fn is_about_exceptions(&self, at: usize) -> bool {
        let follows = self.lower(at + 1);
        (self.after(at) == "-" && follows == "free")
            || matches!(
                follows,
                "free"
                    | "handler"
                    | "handlers"
                    | "handling"
                    | "filter"
                    | "filters"
                    | "mapper"
                    | "mappers"
                    | "hook"
                    | "hooks"
                    | "count"
                    | "counts"
                    | "counter"
                    | "counters"
                    | "rate"
                    | "rates"
                    | "policy"
                    | "policies"
                    | "class"
                    | "classes"
                    | "type"
                    | "types"
                    | "list"
                    | "middleware"
                    | "logging"
                    | "monitor"
                    | "tracking"
            )
    }

    /// Whether the text says that something was handled, and not that it was not.
    pub(super) fn handled(&self) -> bool {
        (0..self.words.len()).any(|at| {
            self.lower(at) == "handled"
                && !(at.saturating_sub(2)..at).any(|before| {
                    matches!(self.lower(before), "not" | "never" | "un" | "without")
                        || self.lower(before).ends_with("n't")
                })
        })
    }
}

/// `exception`, `exceptions`, and names such as `SocketTimeoutException`.
fn is_exception_word(word: &str) -> bool {
    word.eq_ignore_ascii_case("exception")
        || word.eq_ignore_ascii_case("exceptions")
        || word.ends_with("Exception")
        || word.ends_with("_exception")
}

/// An exception word, `error`, `errors`, and names such as `TypeError`.
fn is_error_word(word: &str) -> bool {
    is_exception_word(word)
        || word.eq_ignore_ascii_case("error")
        || word.eq_ignore_ascii_case("errors")
        || word.ends_with("Error")
}
