//! The level of a plain line that has no date: by the word at its start.

use crate::evidence::level::Level;

/// The level that a line states at its start: `ERROR: …`, `[error] …`, `FATAL …`, `<3>…`, after a time of day
/// (`05:51:29.123 [main] ERROR …`) too, or the name of an exception (`java.lang.OutOfMemoryError: …`). In lower or mixed
/// case a word needs a colon or brackets, because prose starts with such words.
pub fn level(line: &str) -> Option<Level> {
    let line = line.trim_start();
    if let Some((number, _)) = line.strip_prefix('<').and_then(|rest| rest.split_once('>'))
        && let Ok(number) = number.parse::<u8>()
    {
        // A syslog priority: the severity is its lowest three bits.
        return Some(Level::from_syslog(f64::from(number & 7)));
    }
    let line = after_time(line);
    let (open, rest) = match line.strip_prefix('[') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let loud = word.bytes().all(|b| b.is_ascii_uppercase());
    let set_off = if open { after.starts_with(']') } else { after.starts_with(':') };
    if KNOWN.iter().any(|known| word.eq_ignore_ascii_case(known)) && (set_off || loud && after.starts_with([' ', '\t']))
    {
        let nothing = ["0", "none", "no", "false", "null"];
        let value = after.trim_start_matches([':', ']', ' ']).trim_end().to_ascii_lowercase();
        return (!nothing.contains(&value.as_str())).then(|| Level::from_word(word));
    }
    names_exception(line).then_some(Level::Error)
}

/// The words that count; others, such as `Log:` or `Failed:`, start ordinary prose.
const KNOWN: [&str; 16] = [
    "trace",
    "debug",
    "info",
    "notice",
    "warn",
    "warning",
    "err",
    "error",
    "crit",
    "critical",
    "fatal",
    "panic",
    "alert",
    "emerg",
    "emergency",
    "severe",
];

/// What follows a time of day and the name of a thread in brackets.
fn after_time(line: &str) -> &str {
    let end = line.find(' ').unwrap_or(line.len());
    let (time, rest) = line.split_at(end);
    let digits = time.bytes().filter(u8::is_ascii_digit).count();
    let is_time = digits >= 6
        && time.matches(':').count() == 2
        && time.bytes().all(|b| b.is_ascii_digit() || b":.,".contains(&b));
    if !is_time {
        return line;
    }
    let rest = rest.trim_start();
    match rest.strip_prefix('[').and_then(|thread| thread.split_once("] ")) {
        Some((thread, after)) if Level::from_word(thread) == Level::Unknown => after.trim_start(),
        _ => rest,
    }
}

/// Whether a line starts with a dotted name that ends in `Error` or `Exception`, alone or before a colon.
fn names_exception(line: &str) -> bool {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || "._$".contains(c))).unwrap_or(line.len());
    let (name, after) = line.split_at(end);
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
            ("FATAL: gone", Some(Level::Critical)),
            ("<3>kernel err", Some(Level::Error)),
            ("05:51:29.123 [main] ERROR com.x.Y - gone", Some(Level::Error)),
            ("05:51:29 INFO up", Some(Level::Info)),
            ("java.lang.OutOfMemoryError: Java heap space", Some(Level::Error)),
            ("Warning: slow", Some(Level::Warning)),
            ("errors: 0", None),
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
