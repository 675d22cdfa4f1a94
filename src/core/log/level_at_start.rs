//! The level of a plain line that has no date: by the word at its start. Where the lines of a file have a column of
//! levels, `layout/level_columns.rs` learns it; what the words mean is in [`super::layout::level_words`].

use super::ansi;
use super::layout::level_words::{self, Sure};
use super::level_after_date::{self, After};
use crate::crash::classify;
use crate::finding::Status;
use crate::level::Level;
use crate::prose;

/// The level that a line states at its start: `ERROR: …`, `[error] …`, `FATAL …`, `<3>…`, after a time of day
/// (`05:51:29.123 [main] ERROR …`) too, or the name of an exception (`java.lang.OutOfMemoryError: …`). In lower or mixed
/// case a word needs a colon or brackets, because prose starts with such words. Colours are passed over.
pub(crate) fn level(line: &str) -> Option<Level> {
    let line = ansi::strip(line);
    let line = line.trim_start();
    word(line).or_else(|| names_exception(line).then_some(Level::Error))
}

/// Of a line that was written over itself, as that of a progress bar, the text from the first part on that states a
/// warning or worse; all of any other.
pub fn telling(text: &str) -> &str {
    if !text.contains('\r') {
        return text;
    }
    let starts = memchr::memchr2_iter(b'\r', b'\n', text.as_bytes()).map(|at| &text[at + 1..]);
    let states = |rest: &&str| {
        let part = rest.split(['\r', '\n']).next().unwrap_or_default();
        level(part).is_some_and(|level| level >= Level::Warning)
    };
    std::iter::once(text).chain(starts).find(states).unwrap_or(text)
}

/// [`level`] without the names of exceptions.
pub fn word(line: &str) -> Option<Level> {
    let line = without_mark(line.trim_start());
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
    if names_oracle_error(line) {
        return Some(Level::Error);
    }
    if let Some(level) = behind_program(line) {
        return Some(level);
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

/// The level of a warning or worse that a line states that is set in, as a line of a log does: at its start, or as a word
/// that is set off. A frame of a trace states none, nor a list of the names of levels, nor a setting of a level.
pub(crate) fn set_in(line: &str) -> Option<Level> {
    let line = ansi::strip(line);
    let text = line.trim();
    let named = || {
        let word = level_after_date::level(text.as_bytes(), After::Envelope)?;
        let set_off = !text[..word.start].trim_end().ends_with(char::is_alphanumeric);
        set_off.then(|| Level::from_word(&text[word]))
    };
    let level = word(text).or_else(named).filter(|level| level.status() > Status::Pass)?;
    let other = |word: &str| {
        let found = level_words::word(word.as_bytes()).filter(|(_, sure)| *sure == Sure::Certain);
        found.is_some_and(|(other, _)| other.status() != level.status())
    };
    let lists = text.split(|c: char| !c.is_ascii_alphanumeric()).any(other);
    let setting = text.split(['=', ':', ' ']).next().is_some_and(|key| key.to_ascii_lowercase().ends_with("level"))
        && text.split_whitespace().count() < 3;
    let markup = text.starts_with('<') && text.contains("</");
    (!lists && !setting && !markup && !classify::is_frame(text)).then_some(level)
}

/// The level that a line without a date states, set in or not.
pub fn anywhere(line: &str) -> Option<Level> {
    level(line).or_else(|| set_in(line).filter(|_| line.starts_with([' ', '\t'])))
}

/// A line without the pictures and rules before its first word: `❌ ERROR: …`, `│ Error: …`.
fn without_mark(line: &str) -> &str {
    if line.as_bytes().first().is_none_or(u8::is_ascii) {
        return line;
    }
    let mark = |c: char| !c.is_ascii() && !c.is_alphanumeric();
    let rest = line.trim_start_matches(mark);
    if rest.len() < line.len() && rest.starts_with(' ') { rest.trim_start() } else { line }
}

/// What follows a time of day, or a number of seconds with at least three digits behind the point, in brackets or not, if
/// the line starts with one.
fn after_time(line: &str) -> Option<&str> {
    line.starts_with(|c: char| c.is_ascii_digit() || c == '[').then_some(())?;
    let inside = line.strip_prefix('[').map(str::trim_start);
    let start = inside.unwrap_or(line);
    let (time, rest) = start.split_at(start.find(|c: char| !c.is_ascii_digit() && !":.,".contains(c))?);
    let rest = if inside.is_some() { rest.strip_prefix(']')? } else { rest };
    let uptime = || time.split_once('.').is_some_and(|(whole, part)| !whole.is_empty() && part.len() >= 3);
    let is_time = match time.matches(':').count() {
        2 => time.bytes().filter(u8::is_ascii_digit).count() >= 6,
        0 => !time.contains(',') && time.matches('.').count() == 1 && uptime(),
        _ => false,
    };
    rest.starts_with(' ').then_some(rest).filter(|_| is_time)
}

/// The level behind the name of a program or the place in a source, as compilers and tools of GNU write it:
/// `psql: error: …`, `a.c:3:5: warning: …`, `a.cs(3,5): error CS0103: …`. What an exception says is no level.
fn behind_program(line: &str) -> Option<Level> {
    let (first, rest) = line.split_once(' ')?;
    let (name, rest) = match first.strip_suffix(':') {
        Some(name) => (name, rest),
        None if first.ends_with(|c: char| c.is_ascii_digit()) => (first, rest.strip_prefix("- ")?),
        None => return None,
    };
    if name.contains(['{', '"', '=', '[']) {
        return None;
    }
    let exception =
        name.ends_with("Error") || name.ends_with("Exception") || level_words::word(name.as_bytes()).is_some();
    let rest = rest.strip_prefix("fatal ").unwrap_or(rest);
    let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    let (level, sure) = level_words::word(word.as_bytes())?;
    let code = after.strip_prefix(' ').and_then(|code| code.split_once(": ")).map(|(code, _)| code);
    let coded = code.is_some_and(|code| {
        code.ends_with(|c: char| c.is_ascii_digit())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    });
    let value = after.strip_prefix(": ").map(str::trim);
    let says = value.is_some_and(|value| !prose::is_nothing(value) && !value.starts_with(|c: char| c.is_ascii_digit()));
    (!exception && sure == Sure::Certain && (coded || says)).then_some(level)
}

/// Whether a line starts with the number of an error as the programs of Oracle write it: `ORA-00600: …`. Number 0 is none.
fn names_oracle_error(line: &str) -> bool {
    let Some((program, rest)) = line.split_once('-') else { return false };
    let known = ["ORA", "TNS", "PLS", "RMAN", "EXP", "IMP", "NID", "OSD", "LRM"].contains(&program);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    known && digits == 5 && rest[digits..].starts_with(':') && &rest[..digits] != "00000"
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
    fn a_line_that_was_written_over_itself_is_told_from_where_it_states_an_error() {
        for (text, expect) in [
            ("10%\rERROR: boom\r100%", "ERROR: boom\r100%"),
            ("\r10%\r20%\nFATAL no disk\r", "FATAL no disk\r"),
            ("10%\rINFO half\r[warn] slow\rERROR: boom", "[warn] slow\rERROR: boom"),
            ("ERROR: boom\r100%", "ERROR: boom\r100%"),
            ("10%\r100%", "10%\r100%"),
            ("a trace\nERROR: boom", "a trace\nERROR: boom"),
        ] {
            assert_eq!(telling(text), expect, "{text:?}");
        }
    }

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
            ("psql: error: connection to server failed", Some(Level::Error)),
            ("src/a.c:3:5: error: expected ';'", Some(Level::Error)),
            ("src/a.c:3:5: warning: unused", Some(Level::Warning)),
            ("cc1plus: fatal error: x.h: No such file", Some(Level::Error)),
            ("a.cs(3,5): error CS0103: no such name", Some(Level::Error)),
            ("src/a.ts:3:5 - error TS2304: Cannot find name", Some(Level::Error)),
            ("ValueError: error: bad", None),
            ("state: error: none", None),
            ("count: error: 3", None),
            ("two words: error: x", None),
            ("│ Error: creating instance: gone", Some(Level::Error)),
            ("🚨 Error: gone", Some(Level::Error)),
            ("⚠️ WARN slow", Some(Level::Warning)),
            ("✘ [ERROR] gone", Some(Level::Error)),
            ("│ a column", None),
            ("é ERROR x", None),
            ("FATAL: gone", Some(Level::Critical)),
            ("<3>kernel err", Some(Level::Error)),
            ("05:51:29.123 [main] ERROR com.x.Y - gone", Some(Level::Error)),
            ("05:51:29 INFO up", Some(Level::Info)),
            ("05:51:29,123 [http] ERROR gone", Some(Level::Error)),
            ("[05:51:29.123] ERROR (4711): gone", Some(Level::Error)),
            ("[05:51:29] [Server thread/ERROR]: gone", Some(Level::Error)),
            ("[ERROR app::feed] gone", Some(Level::Error)),
            ("05:51:29 errors: 0", None),
            ("30.123 Error a.cpp:12: gone", None),
            ("30.123 ERROR a.cpp:12: gone", Some(Level::Error)),
            ("[   30.123456] error: gone", Some(Level::Error)),
            ("30.12 ERROR is a price", None),
            ("1.234.567 ERROR", None),
            ("\u{1b}[31mERROR\u{1b}[0m gone", Some(Level::Error)),
            ("SEVERE: gone", Some(Level::Error)),
            ("fail: App.Feed[0]", Some(Level::Error)),
            ("fail: of the [0]", None),
            ("ERRO[0012] gone", Some(Level::Error)),
            ("NOTE[1] of three", Some(Level::Notice)),
            ("ORA-00600: internal error code", Some(Level::Error)),
            ("ORA-00000: normal, successful completion", None),
            ("ORA-006 is no number", None),
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

    #[test]
    fn a_line_that_is_set_in_may_state_a_level_of_its_own() {
        for (line, expect) in [
            ("  failed: ERROR boom", true),
            ("  ERROR boom", true),
            ("\tERROR: boom", true),
            ("  [error] boom", true),
            ("  error: boom", true),
            ("    12:00:01 [worker] ERROR boom", true),
            ("  detail: level=error msg=boom", true),
            ("  - FATAL no quorum", true),
            ("  WARN slow", true),
            ("  \u{1b}[31mERROR\u{1b}[0m boom", true),
            ("  status: ERROR", true),
            ("  the ERROR page was shown", false),
            ("  errors: 0", false),
            ("  error: none", false),
            ("  last error: none", false),
            ("  DEBUG, INFO, WARN, ERROR", false),
            ("  level: ERROR", false),
            ("  log_level=ERROR", false),
            ("  LOG_LEVEL: warn", false),
            ("  on_error: retry", false),
            ("  error_rate: 0.02", false),
            ("  error handler: installed", false),
            ("  INFO ready", false),
            ("  WHERE status = 'ERROR'", false),
            ("  \"level\": \"ERROR\",", true),
            ("  \"error\": null,", false),
            ("  \"error\": \"boom\",", false),
            ("  at c.d.Error.run(Error.java:3)", false),
            ("  File \"/app/error.py\", line 3, in fail", false),
            ("  raise ValueError(\"boom\")", false),
            ("  if err != nil {", false),
            ("  a warning was shown to the user", false),
            ("  <error>none</error>", false),
            ("  ERROR_PAGE = /srv/error.html", false),
            ("  [x] handle errors", false),
            ("  retries on error: 3", false),
            ("", false),
        ] {
            assert_eq!(set_in(line).is_some(), expect, "{line:?}");
        }
    }
}
