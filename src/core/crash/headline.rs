//! What a crash is called: one line, the same whether it comes as text, as JSON or from a supervised command.

use super::classify::{self, Named};

/// Longer headlines are cut, in characters.
const LIMIT: usize = 500;

/// The line of a crash that says most: Python's exception, which is last; a panic with its message; else the line
/// above the first frame, or the first that tells of a crash.
pub fn headline(text: &str) -> String {
    let full = |line: &&str| !line.trim().is_empty();
    let line = python(text).or_else(|| panic(text)).unwrap_or_else(|| {
        let telling = text.lines().filter(full).position(classify::is_marker);
        let above = text.lines().filter(full).take(telling.map_or(1, |at| at + 1));
        above
            .filter(|line| !line.starts_with([' ', '\t']))
            .last()
            .or_else(|| text.lines().find(full))
            .unwrap_or_default()
            .to_owned()
    });
    line.trim().chars().take(LIMIT).collect()
}

/// What the crash of a record is called: by its `summary`, or by the first of its `traces` where that does not name it.
pub fn headline_among(summary: &str, traces: &[Named<'_>]) -> String {
    let trace = traces.iter().find_map(Named::trace).filter(|_| classify::text(summary).is_none());
    headline(trace.unwrap_or(summary))
}

/// The first line behind the frames of the last trace.
fn python(text: &str) -> Option<String> {
    let trace = memchr::memmem::rfind(text.as_bytes(), b"Traceback (")
        .or_else(|| text.find("File \"").filter(|at| text[..*at].trim().is_empty()))?;
    let mut lines = text[trace..].lines().skip(1).filter(|line| !line.trim().is_empty());
    lines.find(|line| !line.starts_with([' ', '\t'])).map(str::to_owned)
}

/// `thread 'main' panicked at src/main.rs:4:5:` with its message, which follows in the next line.
fn panic(text: &str) -> Option<String> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let header = lines.find(|line| line.contains(" panicked at ")).filter(|line| line.trim_end().ends_with(':'))?;
    let message = lines.next().filter(|line| !line.starts_with("note: "))?;
    Some(format!("{} {}", header.trim_end(), message.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_called_by_the_line_that_says_most() {
        for (text, expect) in [
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: bad\nend",
                "ValueError: bad",
            ),
            (
                "Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'x'\n\nDuring handling of the above \
                 exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"a.py\", line 3\n\
                 ValueError: bad",
                "ValueError: bad",
            ),
            (
                "  File \"a.py\", line 1\n    def (:\n        ^\nSyntaxError: invalid syntax",
                "SyntaxError: invalid syntax",
            ),
            (
                "thread 'main' panicked at src/main.rs:4:5:\nboom\nnote: run",
                "thread 'main' panicked at src/main.rs:4:5: boom",
            ),
            ("request failed\njava.io.IOException: closed\n\tat a.B.c(D.java:1)", "java.io.IOException: closed"),
            ("Error: boom\n    at run (/app/index.js:3:9)", "Error: boom"),
            ("panic: boom\n\ngoroutine 1 [running]:\nmain.main()", "panic: boom"),
            ("\tat a.B.c(D.java:1)", "at a.B.c(D.java:1)"),
            ("", ""),
        ] {
            assert_eq!(headline(text), expect, "{text}");
        }
    }
}
