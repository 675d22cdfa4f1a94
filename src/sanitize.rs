//! Makes untrusted text harmless: the only place that knows what is dangerous where.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The longest piece of untrusted text that a view shows; JSON keeps the whole.
pub const LONGEST: usize = 2000;

/// Cuts `text` to `max` bytes, at the border of a character; how many were cut off stands in their place.
pub fn bytes(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    let end = (0..=max).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    Cow::Owned(format!("{}… ({} more bytes)", &text[..end], text.len() - end))
}

/// Cuts `text` to `columns` of a terminal, with an ellipsis where something is missing.
pub fn columns(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        kept.push(c);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// Cuts `text` to `max` characters; what was cut off is counted in its place.
pub fn shorten(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some((end, _)) => {
            let kept = &text[..end];
            format!("{}… (+{} characters)", kept.trim_end(), text[end..].chars().count())
        }
    }
}

/// `text` with single blanks between its words and none around it.
pub fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines of a text that people wrote, wherever Unicode divides it: also at a lone carriage return, a form feed, a next
/// line, a line or a paragraph separator. Empty ones are left out.
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| {
        matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    };
    text.split(ends).filter(|line| !line.is_empty())
}

/// Characters that steer a terminal or reorder text without being seen.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line that cannot steer a terminal: line breaks and tabs become blanks, other control, bidirectional
/// and invisible characters are written out as `\u{1b}`.
pub fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in shorten(text, LONGEST).chars() {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => safe.push(' '),
            c if steers(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// One line of Markdown that shows `text` as it is: no markup, HTML, link, table cell or heading can come of it.
pub fn markdown(text: &str) -> String {
    let plain = line(text);
    let mut safe = String::with_capacity(plain.len() + 8);
    for (i, c) in plain.char_indices() {
        let start = i == 0;
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                // An underscore within a word is plain in Markdown, and names are easier to read without a backslash.
                let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                let inside = c == '_' && word(plain[..i].chars().next_back()) && word(plain[i + 1..].chars().next());
                if !inside {
                    safe.push('\\');
                }
                safe.push(c);
            }
            // `-1.2` is a number, but `- 1` would be an item of a list, and `#1` a link to an issue.
            '-' | '+' | '=' if start && plain[1..].starts_with(|c: char| c.is_ascii_digit()) => safe.push(c),
            '#' | '-' | '+' | '=' if start => {
                safe.push('\\');
                safe.push(c);
            }
            '.' | ')' if ends_a_number(plain.as_str(), i) => {
                safe.push('\\');
                safe.push(c);
            }
            '@' => safe.push_str("&#64;"),
            ':' if plain[i..].starts_with("://") => safe.push_str("&#58;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Whether the mark at `i` would make the number before it the start of a numbered list.
fn ends_a_number(line: &str, i: usize) -> bool {
    i > 0 && line[..i].bytes().all(|b| b.is_ascii_digit()) && !line[i + 1..].starts_with(|c: char| c.is_alphanumeric())
}

/// A Markdown code span that shows `text` as it is, whatever back-ticks and pipes it holds.
pub fn markdown_code(text: &str) -> String {
    let plain = line(text);
    if plain.is_empty() {
        return String::new();
    }
    // A pipe would end a table cell even inside a code span, so such text is escaped as prose.
    if plain.contains('|') {
        return markdown(text);
    }
    let longest = plain.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if plain.starts_with('`') || plain.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{plain}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_are_not_steered() {
        assert_eq!(line("a\u{1b}[2Jb\nc\u{202e}d"), "a\\u{1b}[2Jb c\\u{202e}d");
    }

    #[test]
    fn markdown_stays_text() {
        for (text, expect) in [
            ("# no heading", "\\# no heading"),
            ("a|b `c` **d**", "a\\|b \\`c\\` \\*\\*d\\*\\*"),
            ("<script>&", "&lt;script&gt;&amp;"),
            ("snake_case _em_", "snake_case \\_em\\_"),
            ("1. item", "1\\. item"),
            ("- item", "\\- item"),
            ("-1.2", "-1.2"),
            ("0.4", "0.4"),
            ("#7", "\\#7"),
            ("see http://evil", "see http&#58;//evil"),
        ] {
            assert_eq!(markdown(text), expect);
        }
        assert_eq!(markdown_code("a`b"), "``a`b``");
        assert_eq!(markdown_code("a|b"), "a\\|b");
    }

    #[test]
    fn lines_end_where_unicode_ends_them() {
        let text = "one\r\ntwo\rthree\u{2028}four\u{85}five\u{c}six\n\nseven";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["one", "two", "three", "four", "five", "six", "seven"]);
        assert_eq!(collapse(" a \t b\u{a0}\u{2003}c\n"), "a b c");
    }

    #[test]
    fn long_text_is_cut_and_counted() {
        assert_eq!(shorten("äbcdef", 3), "äbc… (+3 characters)");
        assert_eq!(shorten("abc", 3), "abc");
        assert_eq!(bytes("äbc", 1), "… (4 more bytes)");
        assert_eq!(bytes("äbc", 3), "äb… (1 more bytes)");
        assert_eq!(bytes("äbc", 4), "äbc");
        for (text, width, expect) in [("abc", 3, "abc"), ("abcd", 3, "ab…"), ("日本語", 4, "日…"), ("abc", 0, "")]
        {
            assert_eq!(columns(text, width), expect);
        }
    }
}
