//! Stack traces line by line: which lines belong together, and what they say.

use super::layout::level_words::{self, Sure};
use super::level_at_start;
use crate::crash::classify::{self, Kind};
use crate::crash::frames;

/// Whether the lines at hand belong to a stack trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trace {
    /// No trace is open.
    #[default]
    None,
    /// Frames follow, and perhaps something else.
    Open(Style),
}

/// What is between the frames without indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Nothing.
    Frames,
    /// One line that says what happened: Python's exception after the frames, Rust's message before them.
    Sentence,
    /// The same, behind the mark below a line of source as Node prints it.
    Caret,
    /// A further trace: a phrase says that there was another exception.
    Chain,
    /// The functions of Go.
    Calls,
    /// The members of an object that is laid out over several lines, which is no trace.
    Object,
}

impl Trace {
    /// The state after a line that belongs to nothing before it.
    pub fn begins(line: &[u8], crash: Option<Kind>) -> Self {
        let Ok(text) = std::str::from_utf8(line) else { return Self::None };
        if text.trim_end() == "{" {
            return Self::Open(Style::Object);
        }
        if crash.is_some() || classify::is_frame(text) {
            return Self::Open(Style::of(text));
        }
        Self::None
    }

    /// Whether `line` goes on with the trace.
    pub fn takes(&mut self, line: &[u8]) -> bool {
        let Self::Open(style) = *self else { return false };
        let Ok(text) = std::str::from_utf8(line) else { return false };
        if style == Style::Object {
            let ends = text.starts_with('}');
            *self = if text.starts_with([' ', '\t']) { *self } else { Self::None };
            return ends || *self != Self::None;
        }
        if text.starts_with([' ', '\t']) || text.is_empty() || classify::is_frame(text) || is_php_frame(text) {
            if style == Style::Frames && is_caret(text) {
                *self = Self::Open(Style::Caret);
            } else if style == Style::Caret && !text.is_empty() && !is_caret(text) {
                *self = Self::Open(Style::Frames);
            }
            return true;
        }
        if let Some(new) = Style::chained(text) {
            *self = Self::Open(if new == Style::Frames { style } else { new });
            return true;
        }
        let belongs = match style {
            Style::Chain => text.starts_with("Traceback ("),
            Style::Frames | Style::Object => false,
            Style::Sentence => true,
            Style::Caret => !text.starts_with(['[', '<']) && !is_loud(text),
            Style::Calls => text.ends_with(')') || text.starts_with("created by ") || text.starts_with("exit status "),
        };
        *self = match style {
            _ if !belongs => Self::None,
            Style::Chain => Self::Open(Style::Sentence),
            Style::Calls => Self::Open(style),
            Style::Frames | Style::Sentence | Style::Caret | Style::Object => Self::Open(Style::Frames),
        };
        belongs
    }

    /// The state after a line that was kept with a time of its own, and whether it belongs to the lines before it in
    /// its stream. The head of a crash report does not: it is a record.
    pub(crate) fn follow(&mut self, line: &str) -> bool {
        let set_in = line.starts_with([' ', '\t']);
        if set_in && (level_at_start::word(line).is_some() || starts_with_level(line)) {
            *self = Self::None;
            return false;
        }
        if self.takes(line.as_bytes()) {
            return true;
        }
        let belongs = set_in || frames::is_frame(line) || is_unmistakable(line) || names_exception(line);
        *self = if belongs || is_head(line) {
            Self::Open(if is_caret(line) { Style::Caret } else { Style::of(line) })
        } else {
            Self::None
        };
        belongs
    }
}

/// Whether the first word of a line is the name of a level in capitals, sure or not: ` LOG  ready`.
fn starts_with_level(line: &str) -> bool {
    let word = line.trim_start().split(' ').next().unwrap_or_default();
    word.len() > 2
        && word.bytes().all(|b| b.is_ascii_uppercase())
        && level_words::word(word.as_bytes()).is_some_and(|(_, sure)| sure != Sure::Loud)
}

/// Whether a line may be a part of a trace, its head, or blank, by its first bytes: all others leave no trace open.
pub(crate) fn may_belong(line: &[u8]) -> bool {
    const HEADS: [&[u8]; 9] = [
        b"Traceback (",
        b"goroutine ",
        b"panic: ",
        b"thread '",
        b"Caused by: ",
        b"... ",
        b"File ",
        b"Stack trace:",
        b"stack backtrace:",
    ];
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || b"._$".contains(b)).count();
    let name = &line[..name];
    matches!(line.first(), None | Some(b' ' | b'\t' | b'\\'))
        || HEADS.iter().any(|head| line.starts_with(head))
        || name.ends_with(b"Error")
        || name.ends_with(b"Exception")
}

/// Whether a line by itself shows that it is of a crash.
pub(crate) fn shows_crash(line: &str) -> bool {
    frames::is_frame(line) || is_unmistakable(line) || names_exception(line) || is_head(line)
}

/// Whether a line is the head of a report of a crash.
fn is_head(line: &str) -> bool {
    line.starts_with("panic: ") || Style::of(line) != Style::Frames
}

/// `ValueError: boom`
fn names_exception(line: &str) -> bool {
    level_at_start::word(line).is_none() && level_at_start::level(line).is_some()
}

/// Whether a line is inside a report of a crash only.
fn is_unmistakable(line: &str) -> bool {
    ["Stack trace:", "stack backtrace:"].contains(&line.trim_end())
        || line.starts_with("goroutine ") && line.ends_with("]:")
}

/// Whether a line starts with a word in capitals.
fn is_loud(line: &str) -> bool {
    let capitals = line.bytes().take_while(u8::is_ascii_uppercase).count();
    capitals > 3 && !line[capitals..].starts_with(|c: char| c.is_alphanumeric())
}

/// The mark below a line of source.
fn is_caret(line: &str) -> bool {
    let line = line.trim();
    line.contains('^') && line.bytes().all(|b| matches!(b, b'^' | b'~' | b' '))
}

impl Style {
    /// What a line opens that only goes on with a trace.
    fn chained(line: &str) -> Option<Self> {
        const PHRASES: [&str; 2] = ["During handling of", "The above exception"];
        const STARTS: [&str; 7] =
            ["Caused by: ", "goroutine ", "note: ", "stack backtrace:", "Stack trace:", "[signal ", "Node.js v"];
        if PHRASES.iter().any(|start| line.starts_with(start)) {
            return Some(Self::Chain);
        }
        STARTS.iter().any(|start| line.starts_with(start)).then(|| Self::of(line))
    }

    /// What a line announces.
    fn of(line: &str) -> Self {
        if line.trim_start().starts_with("Traceback (") || is_panic_header(line) {
            Self::Sentence
        } else if line.starts_with("goroutine ") {
            Self::Calls
        } else {
            Self::Frames
        }
    }
}

/// `#0 /app/a.php(7): f()`
fn is_php_frame(line: &str) -> bool {
    let rest = line.strip_prefix('#').unwrap_or_default();
    rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(' ')
}

/// `thread 'main' panicked at src/main.rs:4:5:`, after which the message follows.
fn is_panic_header(line: &str) -> bool {
    line.contains(" panicked at ") && line.ends_with(':')
}
