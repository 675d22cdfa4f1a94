//! The fields of a line: what is between blanks, bars and commas, with brackets and quotes held together.

use std::ops::Range;

/// Brackets and quotes that reach further than this are no field.
const GROUP: usize = 120;

/// Whether a byte is between fields.
pub(crate) fn separates(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'|' | b',' | b';')
}

/// The fields of a text, one by one.
#[derive(Clone, Debug)]
pub(crate) struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
}

/// The fields of a text.
pub(crate) fn of(text: &[u8]) -> Tokens<'_> {
    Tokens { text, at: 0 }
}

impl Iterator for Tokens<'_> {
    type Item = Range<usize>;

    #[inline]
    fn next(&mut self) -> Option<Range<usize>> {
        let text = self.text;
        let start = self.at + text[self.at..].iter().position(|b| !separates(*b))?;
        let mut at = start;
        while let Some(byte) = text.get(at).filter(|b| !separates(**b)) {
            at = match (*byte, at == start) {
                (b'[' | b'(' | b'{', _) | (b'<' | b'"', true) => match closed(&text[at..]) {
                    Some(len) => at + len,
                    None => at + 1,
                },
                _ => at + 1,
            };
            // `[a][b]` are two.
            if text.get(at) == Some(&b'[') && text[at - 1] == b']' {
                break;
            }
        }
        self.at = at;
        Some(start..at)
    }
}

/// The length of the group that opens at the start of a text, its end included.
fn closed(text: &[u8]) -> Option<usize> {
    let (open, close) = match text.first()? {
        b'[' => (b'[', b']'),
        b'(' => (b'(', b')'),
        b'{' => (b'{', b'}'),
        b'<' => (b'<', b'>'),
        _ => {
            let end = text[1..text.len().min(GROUP)].iter().position(|b| *b == b'"')?;
            return Some(end + 2);
        }
    };
    let mut depth = 0;
    for (at, byte) in text.iter().take(GROUP).enumerate() {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

/// A field without the marks around its first and last letter or digit.
pub(crate) fn bare(text: &[u8], token: Range<usize>) -> Range<usize> {
    let bytes = &text[token.clone()];
    let letter = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    match (bytes.iter().position(letter), bytes.iter().rposition(letter)) {
        (Some(first), Some(last)) => token.start + first..token.start + last + 1,
        _ => token.start..token.start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_hold_brackets_and_quotes_together() {
        for (text, expect) in [
            (" [Server thread/ERROR]: x", vec!["[Server thread/ERROR]:", "x"]),
            ("[INFO][main] a|b, c", vec!["[INFO]", "[main]", "a", "b", "c"]),
            ("- \"a b\" E/Tag( 77): x", vec!["-", "\"a b\"", "E/Tag( 77):", "x"]),
            ("[open x", vec!["[open", "x"]),
            ("", vec![]),
        ] {
            let found: Vec<&str> = of(text.as_bytes()).map(|token| &text[token]).collect();
            assert_eq!(found, expect, "{text}");
        }
        assert_eq!(bare(b"[INFO]:", 0..7), 1..5);
        assert_eq!(bare(b"---", 0..3), 0..0);
    }
}
