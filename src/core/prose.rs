//! The words of a text, and whether the words around a fault ("exception", "error", "halt") deny it.
//!
//! A denial reaches to the end of its clause and concerns only what it stands for: "no exceptions" and "exceptions: 0"
//! deny, "worker 0 panicked" and "no brokers left, exception raised" do not.

mod decision;
pub(crate) mod outcome;

use std::borrow::Cow;

pub use decision::{is_not_ready, is_reserved, is_unfinished, refuses, withholds_consent};
pub use outcome::{is_consent_key, is_end_key, is_failed, is_failed_exit, is_no, is_success_key, states_failure};

/// Whether a value says that there is nothing: it is empty, or a word for nothing.
pub fn is_nothing(value: &str) -> bool {
    const NOTHING: [&str; 20] = [
        "",
        "none",
        "null",
        "nil",
        "no",
        "nothing",
        "false",
        "0",
        "0%",
        "-",
        "–",
        "—",
        "n/a",
        "na",
        "n.a.",
        "{}",
        "[]",
        "()",
        "not applicable",
        "nonetype: none",
    ];
    let value = value.trim();
    NOTHING.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// A text as words, with what is between them.
pub struct Phrase<'a> {
    words: Vec<Word<'a>>,
}

struct Word<'a> {
    text: &'a str,
    lower: Cow<'a, str>,
    /// What is between this word and the next.
    after: &'a str,
}

/// What a fault is named by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// An ordinary noun: "exception", "uncaught error".
    Noun,
    /// A noun in prose that people write, where "no feed error" means that there was none.
    Prose,
    /// The name of a type: what follows its colon is the text of the exception, whatever it says.
    Type,
    /// Something that happened: "panicked".
    Verb,
}

/// Words that may be before a fault without changing what is said of it.
const MODIFIERS: [&str; 20] = [
    "a",
    "an",
    "any",
    "the",
    "these",
    "those",
    "new",
    "further",
    "more",
    "other",
    "known",
    "open",
    "single",
    "unhandled",
    "uncaught",
    "unexpected",
    "fatal",
    "critical",
    "serious",
    "runtime",
];

/// Verbs whose object a fault may be: "did not raise any exception", "no worker raised an exception".
const VERBS: [&str; 20] = [
    "raise", "raised", "raising", "throw", "throws", "threw", "thrown", "throwing", "see", "seen", "saw", "cause",
    "caused", "causing", "report", "reported", "have", "had", "been", "hit",
];

/// Words that end the noun phrase before them.
const ENDERS: [&str; 34] = [
    "in",
    "on",
    "at",
    "to",
    "from",
    "of",
    "with",
    "for",
    "by",
    "after",
    "before",
    "while",
    "when",
    "during",
    "until",
    "because",
    "since",
    "due",
    "as",
    "that",
    "which",
    "who",
    "is",
    "was",
    "were",
    "are",
    "has",
    "got",
    "failed",
    "left",
    "available",
    "found",
    "present",
    "remaining",
];

/// Words that turn the noun before them into a count.
const COUNTERS: [&str; 7] = ["count", "counts", "counter", "counters", "rate", "total", "number"];

/// Faults that are listed together: "no errors, exceptions or panics".
const FAULTS: [&str; 32] = [
    "abort",
    "aborts",
    "crash",
    "crashes",
    "error",
    "errors",
    "exception",
    "exceptions",
    "failure",
    "failures",
    "fault",
    "faults",
    "halt",
    "halts",
    "incident",
    "incidents",
    "issue",
    "issues",
    "panic",
    "panics",
    "problem",
    "problems",
    "rejection",
    "rejections",
    "restart",
    "restarts",
    "timeout",
    "timeouts",
    "traceback",
    "tracebacks",
    "warning",
    "warnings",
];

impl<'a> Phrase<'a> {
    /// The words of a text. Dots and apostrophes inside a word belong to it: `a.b.FooError`, `0.5`, `isn't`.
    pub fn of(text: &'a str) -> Self {
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        let mut words: Vec<Word<'a>> = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(plain) {
            rest = &rest[start..];
            let mut end = 0;
            loop {
                end += rest[end..].find(|c| !plain(c)).unwrap_or(rest.len() - end);
                let mut tail = rest[end..].chars();
                match (tail.next(), tail.next()) {
                    (Some(inner @ ('.' | '\'' | '’')), Some(next)) if plain(next) => end += inner.len_utf8(),
                    _ => break,
                }
            }
            let (word, tail) = rest.split_at(end);
            let after = &tail[..tail.find(plain).unwrap_or(tail.len())];
            let plain_case = word.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
            let lower = if plain_case { Cow::Borrowed(word) } else { Cow::Owned(word.to_lowercase()) };
            words.push(Word { text: word, lower, after });
            rest = tail;
        }
        Self { words }
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// A word in lower case; empty beyond the ends.
    pub fn lower(&self, at: usize) -> &str {
        self.words.get(at).map_or("", |word| &word.lower)
    }

    /// A word as it is written; empty beyond the ends.
    pub(crate) fn text(&self, at: usize) -> &'a str {
        self.words.get(at).map_or("", |word| word.text)
    }

    /// What is between a word and the next, without blanks.
    pub fn mark(&self, at: usize) -> &'a str {
        self.words.get(at).map_or("", |word| word.after.trim())
    }

    /// Whether a word is joined to the next by a hyphen: "exception-free".
    pub fn hyphened(&self, at: usize) -> bool {
        self.words.get(at).is_some_and(|word| word.after == "-") && at + 1 < self.len()
    }

    /// Whether a clause ends after a word.
    pub fn ends_clause(&self, at: usize) -> bool {
        let Some(word) = self.words.get(at) else { return true };
        word.after.contains(['.', ';', ',', '!', '?', '\n', '(', ')', '[', ']'])
            || word.after.len() > 1 && matches!(word.after.trim(), "-" | "--" | "–" | "—" | "|" | "/")
            || matches!(self.lower(at + 1), "" | "then" | "but" | "however")
    }

    /// Whether a word names a fault.
    pub(crate) fn is_fault(&self, at: usize) -> bool {
        let text = self.text(at);
        FAULTS.contains(&self.lower(at)) || text.ends_with("Error") || text.ends_with("Exception")
    }

    /// Whether a word says "not".
    pub fn is_not(&self, at: usize) -> bool {
        let word = self.lower(at);
        matches!(word, "not" | "never" | "cannot" | "hardly") || word.ends_with("n't") || word.ends_with("n’t")
    }

    /// Whether the noun is followed by a word that makes it a count: "error rate".
    pub(crate) fn has_counter(&self, noun: usize) -> bool {
        COUNTERS.contains(&self.lower(noun + 1)) && self.mark(noun).is_empty()
    }

    /// "error-free", "exception free"
    pub fn is_free(&self, noun: usize) -> bool {
        self.lower(noun + 1) == "free" && (self.hyphened(noun) || self.mark(noun).is_empty())
    }

    /// Whether the fault whose words reach from `start` to `noun` is denied.
    pub fn is_denied(&self, start: usize, noun: usize, naming: Naming) -> bool {
        self.counted(noun, naming).map_or_else(|| self.denied_before(start, noun, naming), |some| !some)
    }

    /// "exceptions", "exception(s)"
    fn is_plural(&self, noun: usize) -> bool {
        self.lower(noun).ends_with('s') || self.mark(noun).starts_with('(') && self.lower(noun + 1) == "s"
    }

    /// Whether a word is a number.
    pub fn is_number(&self, at: usize) -> bool {
        self.lower(at).parse::<f64>().is_ok()
    }

    fn is_zero(&self, at: usize) -> bool {
        self.lower(at).parse::<f64>().is_ok_and(|number| number == 0.0)
    }

    /// Whether there are some or none by the number or word after the noun: `errors: 0`, `exceptions (0)`, `error
    /// count 0`, `panic: disabled`. None if nothing like that follows.
    pub(crate) fn counted(&self, noun: usize, naming: Naming) -> Option<bool> {
        let suffixed = self.lower(noun + 1) == "s" && self.is_plural(noun);
        let many = self.is_plural(noun) || self.has_counter(noun);
        let first = noun + usize::from(suffixed || self.has_counter(noun));
        for at in first..(first + 5).min(self.len().saturating_sub(1)) {
            let mark = self.mark(at);
            // "10:00" assigns nothing.
            let clock = self.is_number(at) && self.words[at].after == ":";
            let assigned = (mark.contains([':', '=', '→']) || mark == "->") && !clock;
            if naming == Naming::Type && assigned && !mark.contains('=') {
                return None;
            }
            let value = at + 1;
            let bare = at == first
                && match mark {
                    "" => many && self.is_number(value),
                    "(" | "[" => many && self.is_number(value) || self.lower(value) == "none",
                    _ => false,
                };
            if assigned || bare {
                // "no value present" is no answer, and "0 bytes read" counts no faults.
                let alone = self.ends_clause(value);
                let none = match self.lower(value) {
                    "none" => alone || many && self.lower(value + 1) != "of",
                    "no" | "null" | "false" | "off" | "disabled" | "never" => alone,
                    _ => self.is_zero(value) && (many || alone),
                };
                return if none { Some(false) } else { (many && self.is_number(value)).then_some(true) };
            }
            if !many || self.ends_clause(at) && !matches!(mark, "(" | ")") {
                return None;
            }
        }
        None
    }

    /// "no exceptions", "0 unhandled exceptions", "without any panic", "did not throw an exception".
    fn denied_before(&self, start: usize, noun: usize, naming: Naming) -> bool {
        let plural = self.is_plural(noun);
        // How many words that are no modifiers may be between. "No data exception" is one for want of data.
        let room = match naming {
            Naming::Verb => 2,
            _ if plural => 2,
            Naming::Prose => 1,
            Naming::Noun | Naming::Type => 0,
        };
        let (mut others, mut verbs) = (0, 0);
        for at in (start.saturating_sub(6)..start).rev() {
            let listed = |item: usize| others <= usize::from(plural) && self.is_fault(item);
            if self.ends_clause(at) {
                let list = self.mark(at) == "," && self.continues(noun);
                return list && listed(at) && self.denied_before(at, at, Naming::Noun);
            }
            if self.mark(at).contains(':') {
                return false;
            }
            let near = others <= if verbs > 0 { 2 } else { room };
            match self.lower(at) {
                "no" | "zero" | "neither" | "nor" => return near,
                "without" => return near && naming != Naming::Verb,
                "none" => return near && (verbs > 0 || naming == Naming::Verb),
                "of" | "from" if at > 0 && matches!(self.lower(at - 1), "free" | "none" | "clear" | "neither") => {
                    return near || naming == Naming::Verb;
                }
                "of" if verbs > 0 || naming == Naming::Verb => others = 0,
                "non" => return at + 1 == start,
                "or" | "and" if at > 0 && (plural || self.lower(at) == "or") => {
                    return listed(at - 1) && self.denied_before(at - 1, at - 1, Naming::Noun);
                }
                _ if self.is_not(at) => return others == 0,
                // A zero denies what it counts: "0 errors", and not "shard 0 error" or "worker 0 panicked".
                _ if self.is_zero(at) => {
                    let counts = if naming == Naming::Verb { others > 0 && self.is_plural(at + 1) } else { plural };
                    return counts && near && verbs == 0;
                }
                word if MODIFIERS.contains(&word) => {}
                word if VERBS.contains(&word) => verbs += 1,
                word if ENDERS.contains(&word) || matches!(word, "or" | "and") => return false,
                _ => others += 1,
            }
        }
        false
    }

    /// Whether a list of faults goes on after one: "errors, *exceptions* or panics".
    fn continues(&self, noun: usize) -> bool {
        let mut at = noun;
        while matches!(self.mark(at), "," | "") && at + 1 < self.len() {
            at += 1;
            if matches!(self.lower(at), "or" | "nor" | "and") {
                return self.is_fault(at + 1);
            }
            if !self.is_fault(at) {
                return false;
            }
        }
        false
    }
}

/// Whether a pattern with `*` (any text) and `?` (any character) fits the whole of `text`.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_their_inner_dots_and_apostrophes() {
        let words = |text| -> Vec<&str> {
            let phrase = Phrase::of(text);
            (0..phrase.len()).map(|at| phrase.text(at)).collect()
        };
        for (text, expect) in [
            ("a.b.FooError: isn't 0.5.", vec!["a.b.FooError", "isn't", "0.5"]),
            ("'0' x… über-y", vec!["0", "x", "über", "y"]),
            ("'tis .5 a.", vec!["tis", "5", "a"]),
            ("", vec![]),
        ] {
            assert_eq!(words(text), expect, "{text}");
        }
    }

    #[test]
    fn a_denial_concerns_only_what_it_stands_for() {
        for (text, expect) in [
            ("no errors", true),
            ("0 new errors", true),
            ("errors: 0", true),
            ("error count 0", true),
            ("errors (0)", true),
            ("error (none)", true),
            ("errors (last hour): 0", true),
            ("errors so far -> 0", true),
            ("retries 3 errors 0 halts 1", true),
            ("without any error", true),
            ("did not raise an error", true),
            ("no worker raised an error", true),
            ("none of the workers raised an error", true),
            ("no panics, errors or halts", true),
            ("neither halts nor errors", true),
            ("no panics or errors", true),
            ("non-error", true),
            ("retries 0 errors 5", false),
            ("shard 0 error", false),
            ("shard 0 raised an error", false),
            ("was 0. errors in feed", false),
            ("no idea why, error raised", false),
            ("no panics, error in feed", false),
            ("no panics but errors", false),
            ("not connected: error", false),
            ("not retryable error", false),
            ("no space left on device error", false),
            ("error: 0 bytes read", false),
            ("errors seen at 10:00", false),
            ("errors: none of them expected", false),
            ("error: no value present", false),
            ("error 0", false),
        ] {
            let phrase = Phrase::of(text);
            let noun = (0..phrase.len()).find(|at| phrase.lower(*at).starts_with("error")).expect("an error");
            assert_eq!(phrase.is_denied(noun, noun, Naming::Noun), expect, "{text}");
        }
    }
}
