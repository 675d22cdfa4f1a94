//! Makes untrusted text harmless: the only place that knows what is dangerous where.

use std::borrow::Cow;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The longest piece of untrusted text that a view shows; JSON keeps the whole.
pub(crate) const LONGEST: usize = 2000;

/// Bytes as text, with U+FFFD for what is no UTF-8. The standard library does the same, but passes over sound text, which
/// nearly all is, at a fraction of the speed of its own check.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Decodes UTF-16 as it comes. Lone surrogates become U+FFFD, and half a unit at the end too.
#[derive(Debug)]
pub struct Utf16 {
    big: bool,
    /// Bytes that are not decoded yet.
    raw: Vec<u8>,
}

impl Utf16 {
    /// A decoder; `big` where the high byte comes first.
    pub fn new(big: bool) -> Self {
        Self { big, raw: Vec::new() }
    }

    /// The text of further bytes, as far as it is whole; `end` where no more follow.
    pub fn decode(&mut self, bytes: &[u8], end: bool) -> String {
        self.raw.extend_from_slice(bytes);
        let unit = |pair: &[u8]| {
            let pair = [pair[0], pair[1]];
            if self.big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
        };
        let mut units: Vec<u16> = self.raw.chunks_exact(2).map(unit).collect();
        // The second half of a pair may come with the next bytes.
        if !end && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.raw.drain(..units.len() * 2);
        let half = (end && !self.raw.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).chain(half).collect()
    }
}

/// Cuts `text` to `max` bytes, at the border of a character; how many were cut off is in their place.
pub(crate) fn bytes(text: &str, max: usize) -> Cow<'_, str> {
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

/// Secrets with fewer bytes cannot be told from words of everyday text.
pub const SHORTEST_SECRET: usize = 6;

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

/// Characters that steer a terminal, reorder text without being seen, or are none.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
            | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
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

/// HTML text or a quoted attribute value that shows `text` as it is: no element, entity, control or bidirectional
/// character can come of it.
pub fn html_text(text: &str) -> String {
    let plain = line(text);
    let mut safe = String::with_capacity(plain.len() + 8);
    for c in plain.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// The value of an attribute of XML that shows `text` in one line: no markup, and none of the characters that XML
/// cannot hold, which are written out as `\x1b`.
pub fn xml_attribute(text: &str) -> String {
    xml(&shorten(text, LONGEST).replace(['\n', '\r', '\t'], " "))
}

/// The same for the text of an element, with its lines; cut to `max` bytes.
pub fn xml_text(text: &str, max: usize) -> String {
    xml(&bytes(text, max))
}

fn xml(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push_str(&format!("\\x{:02x}", u32::from(c))),
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

/// The forms in which a secret may be met in the output of programs, the longest first: as it is, in JSON and in JSON
/// within JSON within JSON, percent-encoded, in HTML, in hexadecimal digits, and in base64 at any place of what was encoded.
pub fn spellings(secret: &str) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), html(secret, false), html(secret, true)];
    // What one program writes as JSON, another may put into its own, which may write only ASCII; and a third again.
    let mut last = forms.clone();
    for _ in 0..3 {
        let quote = |text: &String| [json_inner(text), json_ascii(text, false), json_ascii(text, true)];
        last = last.iter().flat_map(quote).flat_map(|form| [form.replace('/', "\\/"), form]).collect();
        last.sort_unstable();
        last.dedup();
        forms.extend_from_slice(&last);
    }
    for kept in ["-._~", "-._~!'()*", "-._*"] {
        let upper = percent(secret, kept);
        for form in [upper.replace("%20", "+"), upper] {
            forms.push(lower_escapes(&form));
            forms.push(form);
        }
    }
    // Short ones would be found everywhere.
    if secret.len() >= SHORTEST_SECRET {
        forms.push(BASE64_STANDARD.encode(secret));
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        forms.extend([hex.to_uppercase(), hex]);
        for (before, skipped) in [(0, 0), (1, 2), (2, 3)] {
            let padded = [&[0; 2][..before], secret.as_bytes()].concat();
            for encoded in [BASE64_STANDARD_NO_PAD.encode(&padded), BASE64_URL_SAFE_NO_PAD.encode(&padded)] {
                // What hangs on the bytes around it is left out.
                forms.push(encoded[skipped..padded.len() * 8 / 6].to_owned());
            }
        }
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    forms.dedup();
    forms
}

/// A short secret where it is a whole value: with its quotes, in JSON and in JSON within JSON.
pub fn quoted(secret: &str) -> [String; 2] {
    let quoted = format!("\"{}\"", json_inner(secret));
    [json_inner(&quoted), quoted]
}

/// Whether a `form` of a secret is to be hidden that is between `before` and `after`: not in the name of a field of
/// JSON; and a secret that may be a word of everyday text only where it is a whole one.
pub fn is_hidden(before: &str, form: &str, after: &str, is_plain: bool) -> bool {
    let is_word = is_plain && form.bytes().all(|byte| byte.is_ascii_alphabetic());
    !(is_name(form, after) || is_word && is_part(before, after))
}

/// Whether what was found ends in the name of a field of JSON: only such text follows, then a quote and a colon.
fn is_name(form: &str, after: &str) -> bool {
    let rest = if form.trim_start_matches('\\').starts_with('"') {
        after
    } else {
        let end = after.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(after.len());
        let Some(rest) = after[end..].trim_start_matches('\\').strip_prefix('"') else { return false };
        rest
    };
    rest.trim_start().starts_with(':')
}

/// Whether a word goes on before or after it. A letter that ends an escape, such as `\n` or `%20`, is none.
fn is_part(before: &str, after: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let tail = &before.as_bytes()[before.len().saturating_sub(6)..];
    let escaped = matches!(tail, [.., b'\\', _] | [.., b'%', _, _] | [b'\\', b'u', ..]);
    (before.ends_with(word) && !escaped) || after.starts_with(word)
}

/// A text inside the quotes of JSON.
fn json_inner(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The same where only ASCII is written.
fn json_ascii(text: &str, upper: bool) -> String {
    let mut out = String::new();
    for c in json_inner(text).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
            }
        }
    }
    out
}

/// `text` percent-encoded but for letters, digits and the characters of `kept`.
pub fn percent(text: &str, kept: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Percent escapes with small letters.
fn lower_escapes(text: &str) -> String {
    let mut left = 0;
    text.chars()
        .map(|c| {
            left = if c == '%' { 2 } else { i32::max(left - 1, -1) };
            if left >= 0 { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

fn html(text: &str, numbers: bool) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if !numbers => out.push_str("&quot;"),
            '\'' if !numbers => out.push_str("&#x27;"),
            '"' | '\'' => out.push_str(&format!("&#{};", u32::from(c))),
            c if numbers && !c.is_ascii() => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_in_every_spelling() {
        let secret = "pä\"w/d &x1";
        let json = serde_json::json!({ "a": secret }).to_string();
        let forms = spellings(secret);
        let encoded = |before: &str| BASE64_STANDARD.encode(format!("{before}{secret} and more"));
        for text in [
            secret.to_owned(),
            json.clone(),
            serde_json::json!(json).to_string(),
            "{\"a\":\"p\\u00e4\\\"w/d &x1\"}".to_owned(),
            "{\"a\":\"p\\u00E4\\\"w\\/d &x1\"}".to_owned(),
            "p%C3%A4%22w%2Fd%20%26x1".to_owned(),
            "p%c3%a4%22w%2fd+%26x1".to_owned(),
            "pä&quot;w/d &amp;x1".to_owned(),
            "p&#228;&#34;w/d &amp;x1".to_owned(),
            // JSON of one program in that of another which writes only ASCII, and what a third makes of it; HTML in JSON.
            r#"{"b": "{\"a\":\"p\u00e4\\\"w/d &x1\"}"}"#.to_owned(),
            serde_json::json!(r#""{\"a\":\"p\u00e4\\\"w/d &x1\"}""#).to_string(),
            r#"{"a": "p\u00e4&quot;w/d &amp;x1"}"#.to_owned(),
            encoded(""),
            encoded("u:"),
            encoded("user:"),
            encoded("user1:"),
            "70c3a422772f64202678".to_owned() + "31",
        ] {
            assert!(forms.iter().any(|form| text.contains(form)), "{text}: {forms:?}");
        }
        assert!(forms.is_sorted_by_key(|form| std::cmp::Reverse(form.len())));
    }

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
