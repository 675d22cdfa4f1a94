//! The signature of an incident: its text with numbers, ids and quoted values masked, so that equal ones are grouped.

use crate::digest::sha256;

/// Signatures are cut at this many characters.
const LIMIT: usize = 160;

/// The first line of a text with the varying parts masked: `order 4711 of "x" failed` is `order # of "…" failed`.
pub fn of(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LIMIT));
    let line = text.trim().lines().next().unwrap_or_default();
    let (mut at, mut length) = (0, 0);
    while let Some(c) = line[at..].chars().next() {
        length += 1;
        if length > LIMIT {
            out.push('…');
            break;
        }
        match c {
            '"' | '`' | '\'' if opens(line, at, c) => {
                out.extend([c, '…', c]);
                at = line[at + 1..].find(c).map_or(line.len(), |end| at + end + 2);
            }
            c if c.is_alphanumeric() => {
                let rest = &line[at..];
                let len = uuid_len(rest).unwrap_or_else(|| word_len(rest));
                if len == UUID_LEN || is_id(&rest[..len]) {
                    out.push('#');
                } else {
                    mask_digits(&mut out, &rest[..len]);
                }
                at += len;
            }
            c => {
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    join_masks(&out)
}

/// The id of a kind of finding by its signature: the same in every run. Twelve hexadecimal digits.
pub fn id(kind: &str, signature: &str) -> String {
    sha256(format!("{kind}\0{signature}").as_bytes())[..12].to_owned()
}

/// Makes one mask of dates, versions and addresses, which are masks with punctuation between them.
fn join_masks(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('#') {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        while let Some(next) = rest.strip_prefix(['-', '.', ':', ',', '/', 'T', '_']).and_then(|r| r.strip_prefix('#'))
        {
            rest = next;
        }
    }
    out + rest
}

/// The length of `9f8e7d6c-1234-5678-9abc-def012345678`.
const UUID_LEN: usize = 36;

fn uuid_len(text: &str) -> Option<usize> {
    let uuid = text.get(..UUID_LEN).filter(|uuid| uuid.as_bytes()[8] == b'-')?;
    let shaped = uuid.bytes().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    shaped.then_some(UUID_LEN)
}

fn word_len(text: &str) -> usize {
    let ascii = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    match text.as_bytes().get(ascii) {
        Some(0x80..) => text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len()),
        _ => ascii,
    }
}

/// Whether a quote opens a quoted value that ends in the same line; apostrophes inside words do not.
fn opens(line: &str, at: usize, quote: char) -> bool {
    let inside_word = quote == '\'' && line[..at].ends_with(char::is_alphanumeric);
    !inside_word && line[at + 1..].contains(quote)
}

/// A hexadecimal id: at least six characters with a digit among them.
fn is_id(word: &str) -> bool {
    let hex = word.strip_prefix("0x").unwrap_or(word);
    let digits = hex.bytes().filter(u8::is_ascii_digit).count();
    (word.len() != hex.len() || (hex.len() >= 6 && digits > 0)) && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

fn mask_digits(out: &mut String, word: &str) {
    if word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
        return out.push_str(word);
    }
    let mut masked = false;
    for c in word.chars() {
        if c.is_numeric() {
            if !masked {
                out.push('#');
            }
            masked = true;
        } else {
            masked = false;
            out.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_masked_and_what_matters_stays() {
        for (text, expect) in [
            ("order 4711 of \"alpha\" failed after 3.5s", "order # of \"…\" failed after #s"),
            ("can't open 'a b'", "can't open '…'"),
            ("job 9f8e7d6c-1234-5678-9abc-def012345678 lost", "job # lost"),
            ("at 2025-01-06T00:00:00 from 10.0.0.1:80", "at # from #"),
            ("deadbeef1 facade", "# facade"),
            ("0x7ffe at line2\nsecond line", "# at line#"),
            ("", ""),
        ] {
            assert_eq!(of(text), expect, "{text}");
        }
        assert_eq!(of(&"x ".repeat(500)).chars().count(), LIMIT + 1);
    }
}
