//! The colours that loggers put around levels and fields, on their way to a terminal that is not there.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';

/// The text without its escape sequences (`ESC [ 31 m` and the like), and without any other escape character.
pub fn strip(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut pieces = text.split(ESCAPE);
    plain.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        // Parameters, then the one letter that ends a sequence.
        let after = piece.strip_prefix('[').and_then(|rest| {
            let end = rest.find(|c| !matches!(c, ' '..='?'))?;
            rest[end..].starts_with(|c| matches!(c, '@'..='~')).then(|| &rest[end + 1..])
        });
        plain.push_str(after.unwrap_or(piece));
    }
    Cow::Owned(plain)
}

/// [`strip`] for bytes.
pub fn strip_bytes(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(0x1b, text) else { return Cow::Borrowed(text) };
    let mut plain = Vec::with_capacity(text.len());
    plain.extend_from_slice(&text[..first]);
    let mut rest = &text[first + 1..];
    loop {
        let after = rest.strip_prefix(b"[").and_then(|sequence| {
            let end = sequence.iter().position(|b| !matches!(b, b' '..=b'?'))?;
            matches!(sequence[end], b'@'..=b'~').then(|| &sequence[end + 1..])
        });
        rest = after.unwrap_or(rest);
        let Some(next) = memchr::memchr(0x1b, rest) else { break };
        plain.extend_from_slice(&rest[..next]);
        rest = &rest[next + 1..];
    }
    plain.extend_from_slice(rest);
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_and_text_stays() {
        for (text, expect) in [
            ("\u{1b}[31merror\u{1b}[39m: db", "error: db"),
            ("\u{1b}[2m12:00\u{1b}[0m \u{1b}[1;38;5;9mERROR\u{1b}[m x", "12:00 ERROR x"),
            ("\u{1b}\u{1b}[0m[31mx", "[31mx"),
            ("a\u{1b}[", "a["),
            ("a\u{1b}[3é", "a[3é"),
            ("[31m plain", "[31m plain"),
        ] {
            assert_eq!(strip(text), expect, "{text:?}");
            assert_eq!(strip_bytes(text.as_bytes()), expect.as_bytes(), "{text:?}");
        }
    }
}
