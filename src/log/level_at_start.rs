//! The level of a plain line that has no date: by the word at its start. Where the lines of a file have a column of
//! levels, [`super::layout::level_columns`] learns it; what the words mean is in [`super::layout::level_words`].

use super::ansi;
use super::layout::level_words::{self, Sure};
use super::level_after_date::{self, After};
use crate::level::Level;

/// The level that a line states at its start: `ERROR: …`, `[error] …`, `FATAL …`, `<3>…`, after a time of day
/// (`05:51:29.123 [main] ERROR …`) too, or the name of an exception (`java.lang.OutOfMemoryError: …`). In lower or mixed
/// case a word needs a colon or brackets, because prose starts with such words. Colours are passed over.
pub(crate) fn level(line: &str) -> Option<Level> {
    let line = ansi::strip(line);
    let line = line.trim_start();
    word(line).or_else(|| names_exception(line).then_some(Level::Error))
}

/// [`level`] without the names of exceptions.
pub(crate) fn word(line: &str) -> Option<Level> {
    let line = line.trim_start();
    if let Some((number, _)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>'))
        && let Ok(number) = number.parse::<u8>()
    {
        // A syslog priority: the severity is its lowest three bits.
        return Some(Level::from_syslog(f64::from(number & 7)));
    }
    if let Some(rest) = after_time(line) {
        let word = level_after_date::level(rest.as_bytes(), After::Date)?;
        return Some(Level::from_word(&rest[word]));
    }
    let (open, rest) = match line.strip_prefix('[') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let loud = word.bytes().all(|b| b.is_ascii_uppercase());
    // Compilers number what they say: `error[E0308]: …`.
    let numbered = after.strip_prefix('[').and_then(|code| code.split_once("]: "));
    let coded = numbered.is_some_and(|(code, _)| code.bytes().all(|b| b.is_ascii_alphanumeric()));
    let set_off = if open { after.starts_with(']') } else { after.starts_with(':') || coded };
    // In lower case, `panic: …` is how Go begins a crash report, which is more than a level.
    let known = match level_words::word(word.as_bytes()) {
        Some((_, Sure::Certain)) => true,
        _ => word.eq_ignore_ascii_case("panic") && (open || loud),
    };
    // In brackets too something may follow: `[ERROR app::feed] …`.
    if known && (set_off || loud && after.starts_with([' ', '\t'])) {
        let nothing = ["0", "none", "no", "false", "null"];
        let value = after.trim_start_matches([':', ']', ' ']).trim_end().to_ascii_lowercase();
        return (!nothing.contains(&value.as_str())).then(|| Level::from_word(word));
    }
    let numbered = |after: &str| {
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        digits > 0 && after[digits..].starts_with(']')
    };
    // The .NET console writes `fail: App[0]`, logrus `ERRO[0012] …` on terminals.
    let category = after.strip_prefix(": ").filter(|_| word == "fail" && !open);
    let dot_net =
        category.and_then(|name| name.split_once('[')).is_some_and(|(name, id)| !name.contains(' ') && numbered(id));
    let logrus = loud && word.len() == 4 && !open && after.strip_prefix('[').is_some_and(numbered);
    let level = (dot_net || logrus).then(|| Level::from_word(word))?;
    (level != Level::Unknown).then_some(level)
}

/// What follows a time of day, in brackets or not, if the line starts with one.
fn after_time(line: &str) -> Option<&str> {
    let (time, rest) = line.split_at(line.find(' ')?);
    let time = time.strip_prefix('[').and_then(|time| time.strip_suffix(']')).unwrap_or(time);
    let is_time = time.bytes().all(|b| b.is_ascii_digit() || b":.,".contains(&b))
        && time.bytes().filter(u8::is_ascii_digit).count() >= 6
        && time.matches(':').count() == 2;
    is_time.then_some(rest)
}

/// Whether a line starts with a dotted name that ends in `Error` or `Exception`, alone or before a colon.
fn names_exception(line: &str) -> bool {
    let ends = |b: u8| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'));
    let (name, after) = line.split_at(line.bytes().position(ends).unwrap_or(line.len()));
    name.contains('.')
        && (name.ends_with("Error") || name.ends_with("Exception"))
        && (after.trim().is_empty() || after.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_start_counts_and_prose_does_not() {
        for (line, expect) in [
            ("ERROR: database gone", Some(Level::Error)),
            ("ERROR shutdown broke", Some(Level::Error)),
            ("[ERROR] gone", Some(Level::Error)),
            ("[error] gone", Some(Level::Error)),
            ("error: no such file", Some(Level::Error)),
            ("error[E0308]: mismatched types", Some(Level::Error)),
            ("error[0]: none of the three", Some(Level::Error)),
            ("error[3] of the list", None),
            ("FATAL: gone", Some(Level::Critical)),
            ("<3>kernel err", Some(Level::Error)),
            ("05:51:29.123 [main] ERROR com.x.Y - gone", Some(Level::Error)),
            ("05:51:29 INFO up", Some(Level::Info)),
            ("05:51:29,123 [http] ERROR gone", Some(Level::Error)),
            ("[05:51:29.123] ERROR (4711): gone", Some(Level::Error)),
            ("[05:51:29] [Server thread/ERROR]: gone", Some(Level::Error)),
            ("[ERROR app::feed] gone", Some(Level::Error)),
            ("05:51:29 errors: 0", None),
            ("\u{1b}[31mERROR\u{1b}[0m gone", Some(Level::Error)),
            ("SEVERE: gone", Some(Level::Error)),
            ("fail: App.Feed[0]", Some(Level::Error)),
            ("fail: of the [0]", None),
            ("ERRO[0012] gone", Some(Level::Error)),
            ("NOTE[1] of three", Some(Level::Notice)),
            ("java.lang.OutOfMemoryError: Java heap space", Some(Level::Error)),
            ("Warning: slow", Some(Level::Warning)),
            ("errors: 0", None),
            ("PANIC: gone", Some(Level::Critical)),
            ("panic: runtime error", None),
            ("error: none", None),
            ("Error handling was improved", None),
            ("Information desk", None),
            ("all is well", None),
            ("<html>", None),
            ("", None),
        ] {
            assert_eq!(level(line), expect, "{line:?}");
        }
    }
}
