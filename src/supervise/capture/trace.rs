//! Stack traces line by line: which lines belong together, and what they say.

use crate::log::crash::classify::{self, Kind};

/// Whether the lines at hand belong to a stack trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Trace {
    #[default]
    None,
    /// Frames follow, and perhaps something else.
    Open(Style),
}

/// What stands between the frames without indentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Nothing.
    Frames,
    /// One line that says what happened: Python's exception after the frames, Rust's message before them.
    Sentence,
    /// The functions of Go.
    Calls,
    /// The members of an object that is laid out over several lines, which is no trace.
    Object,
}

impl Trace {
    /// The state after a line that belongs to nothing before it.
    pub(super) fn begins(line: &[u8], crash: Option<Kind>) -> Self {
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
    pub(super) fn takes(&mut self, line: &[u8]) -> bool {
        let Self::Open(style) = *self else { return false };
        let Ok(text) = std::str::from_utf8(line) else { return false };
        if style == Style::Object {
            let ends = text.starts_with('}');
            *self = if text.starts_with([' ', '\t']) { *self } else { Self::None };
            return ends || *self != Self::None;
        }
        if text.starts_with([' ', '\t']) || text.is_empty() || classify::is_frame(text) {
            return true;
        }
        const CHAINED: [&str; 7] = [
            "Traceback (",
            "During handling of",
            "The above exception",
            "Caused by: ",
            "goroutine ",
            "note: run with",
            "stack backtrace:",
        ];
        let belongs = match style {
            _ if CHAINED.iter().any(|start| text.starts_with(start)) => {
                let new = Style::of(text);
                *self = Self::Open(if new == Style::Frames { style } else { new });
                return true;
            }
            Style::Frames | Style::Object => false,
            Style::Sentence => true,
            Style::Calls => text.ends_with(')') || text.starts_with("created by "),
        };
        *self = match style {
            _ if !belongs => Self::None,
            Style::Calls => Self::Open(style),
            Style::Frames | Style::Sentence | Style::Object => Self::Open(Style::Frames),
        };
        belongs
    }
}

impl Style {
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

/// `thread 'main' panicked at src/main.rs:4:5:`, after which the message follows.
fn is_panic_header(line: &str) -> bool {
    line.contains(" panicked at ") && line.ends_with(':')
}

/// Whether a text is what Python writes when SIGINT ends it, and nothing else: every exception in it is that one, or
/// the cancellation of tasks that comes with it.
pub(super) fn is_own_interrupt(text: &str) -> bool {
    const PROSE: [&str; 3] = ["Traceback (most recent call last):", "During handling of", "The above exception"];
    const CANCELLED: [&str; 2] = ["asyncio.exceptions.CancelledError", "concurrent.futures._base.CancelledError"];
    let outer = |line: &&str| !line.is_empty() && !line.starts_with([' ', '\t']);
    let exceptions = text.lines().filter(outer).filter(|line| !PROSE.iter().any(|start| line.starts_with(start)));
    let mut last = None;
    for exception in exceptions {
        if exception != "KeyboardInterrupt" && !CANCELLED.contains(&exception) {
            return false;
        }
        last = Some(exception);
    }
    text.starts_with(PROSE[0]) && last == Some("KeyboardInterrupt")
}
