//! Cuts a turn's text into sentences.

/// Blank between words: white space as scripts in browsers know it.
pub(crate) fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// Titles and the like whose stop does not end a sentence.
const ABBREVIATIONS: &[&str] =
    &["dr", "mr", "mrs", "ms", "st", "prof", "capt", "cpt", "lt", "sgt", "gen", "col", "cmdr", "maj", "rev", "hon"];

/// The sentences of `text`, trimmed, none empty. A sentence ends after `.`, `!` or `?` before a blank, unless
/// the stop belongs to a title (`Dr. X`), and also where the blank was forgotten (`ruined.The`).
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(['.', '!', '?']) {
        let after = at + 1;
        if ends_sentence(&text[start..at], &text[at..after], &text[after..]) {
            add(&mut sentences, &text[start..after]);
            start = after;
        }
    }
    add(&mut sentences, &text[start..]);
    sentences
}

fn add<'t>(sentences: &mut Vec<&'t str>, piece: &'t str) {
    let piece = piece.trim_matches(is_blank);
    if !piece.is_empty() {
        sentences.push(piece);
    }
}

fn ends_sentence(before: &str, stop: &str, after: &str) -> bool {
    let Some(next) = after.chars().next() else { return true };
    if is_blank(next) {
        return stop != "." || !is_title(before, after);
    }
    next.is_uppercase() && before.chars().next_back().is_some_and(char::is_lowercase)
}

/// Whether `before` ends with an abbreviation that goes on with a capital, as in `Dr. X`.
fn is_title(before: &str, after: &str) -> bool {
    let goes_on = after.trim_start_matches(is_blank).starts_with(|c: char| c.is_uppercase());
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    goes_on && ABBREVIATIONS.iter().any(|a| a.eq_ignore_ascii_case(word))
}

/// `text` as it is compared: lower case, runs of blanks as one, invisible characters and marks of style gone, plain
/// apostrophes, letters of full width narrow.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::new();
    fold_into(text, &mut folded);
    folded
}

pub(crate) fn fold_into(text: &str, folded: &mut String) {
    folded.clear();
    folded.reserve(text.len());
    let mut gap = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = match c {
            '<' | '&' => match markup(c, rest.as_str()) {
                Some((stands_for, length)) => {
                    rest = rest.as_str()[length..].chars();
                    let Some(c) = stands_for else { continue };
                    c
                }
                None => c,
            },
            // The same signs as those of ASCII, which begin at `!`.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
            c => c,
        };
        match c {
            c if is_blank(c) => gap = true,
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{ad}' | '*' | '`' => {}
            c => {
                if gap && !folded.is_empty() {
                    folded.push(' ');
                }
                gap = false;
                match c {
                    '\u{2019}' | '\u{2bc}' => folded.push('\''),
                    'ς' => folded.push('σ'),
                    c if c.is_ascii() => folded.push(c.to_ascii_lowercase()),
                    c => folded.extend(c.to_lowercase()),
                }
            }
        }
    }
}

/// The longest tag or entity that is passed over, in bytes.
const MARKUP: usize = 80;

/// What a tag or an entity of HTML stands for, and how long its rest is; none for what is neither.
fn markup(first: char, rest: &str) -> Option<(Option<char>, usize)> {
    if first == '<' {
        let begins = rest.trim_start_matches('/').starts_with(|c: char| c.is_ascii_alphabetic());
        let end = rest.find('>').filter(|end| begins && *end < MARKUP && !rest[..*end].contains('<'))?;
        return Some((None, end + 1));
    }
    let end = rest.find(';').filter(|end| *end < 10)?;
    let stands_for = match &rest[..end] {
        "nbsp" | "ensp" | "emsp" | "thinsp" => Some(' '),
        "shy" | "zwnj" | "zwj" => None,
        "amp" => Some('&'),
        "apos" | "rsquo" => Some('\''),
        "quot" => Some('"'),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            Some(char::from_u32(code)?)
        }
    };
    Some((stands_for, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_invisible_signs_hide_no_name() {
        for text in [
            "Ochre Quay",
            "**Ochre** Quay",
            "<b>Ochre</b> <i class=\"x\">Quay</i>",
            "Ochre&nbsp;Quay",
            "Och&shy;re&#160;Qua\u{ad}y",
            "Ｏｃｈｒｅ\u{3000}Ｑｕａｙ",
            "Och\u{200b}re\u{a0}\nQuay",
        ] {
            assert_eq!(fold(text), "ochre quay", "{text}");
        }
        for text in ["1 < 2 and 3 > 2", "r&d", "a & b; c"] {
            assert_eq!(fold(text), text);
        }
    }

    #[test]
    fn sentences_end_where_people_end_them() {
        for (text, expect) in [
            ("One.  Two!? Three", &["One.", "Two!?", "Three"][..]),
            ("It was ruined.No gap here.", &["It was ruined.", "No gap here."]),
            ("Dr. Ash met St. Vey. They left.", &["Dr. Ash met St. Vey.", "They left."]),
            ("They paid the dr. and left.", &["They paid the dr.", "and left."]),
            ("A. B. C.", &["A.", "B.", "C."]),
            ("Wait... what?", &["Wait...", "what?"]),
            ("a\nb.\n\nc\u{a0}d", &["a\nb.", "c\u{a0}d"]),
            ("v1.2 of it. \"Quoted.\" Done.", &["v1.2 of it.", "\"Quoted.\" Done."]),
            (" \u{feff} ", &[]),
        ] {
            assert_eq!(split(text), expect, "{text:?}");
        }
    }
}
