//! The words for levels, in one table.

use crate::finding::Status;
use crate::level::Level;
use crate::log::ansi;

/// How sure it is that a word states a level where it is among the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sure {
    /// It is one in every case and spelling.
    Certain,
    /// It names threads, loggers and settings too, or is ordinary English.
    Doubtful,
    /// Only in capitals; otherwise it is ordinary English.
    Loud,
}

/// Every word, in lower case, with its level.
#[rustfmt::skip]
const WORDS: &[(&str, Level, Sure)] = &[
    ("trace", Level::Trace, Sure::Certain), ("trc", Level::Trace, Sure::Certain), ("trce", Level::Trace, Sure::Certain),
    ("trac", Level::Trace, Sure::Certain), ("vrb", Level::Trace, Sure::Certain), ("finest", Level::Trace, Sure::Doubtful),
    ("finer", Level::Trace, Sure::Doubtful), ("verbose", Level::Trace, Sure::Doubtful), ("silly", Level::Trace, Sure::Doubtful),
    ("all", Level::Trace, Sure::Doubtful), ("ii", Level::Info, Sure::Doubtful), ("ww", Level::Warning, Sure::Doubtful),
    ("ee", Level::Error, Sure::Doubtful),
    ("debug", Level::Debug, Sure::Certain), ("dbg", Level::Debug, Sure::Certain), ("dbug", Level::Debug, Sure::Certain),
    ("debu", Level::Debug, Sure::Certain), ("fine", Level::Debug, Sure::Doubtful), ("config", Level::Debug, Sure::Doubtful),
    ("info", Level::Info, Sure::Certain), ("inf", Level::Info, Sure::Certain), ("information", Level::Info, Sure::Certain),
    ("informational", Level::Info, Sure::Certain), ("success", Level::Info, Sure::Doubtful), ("http", Level::Info, Sure::Doubtful),
    ("default", Level::Info, Sure::Doubtful), ("log", Level::Info, Sure::Doubtful),
    ("statement", Level::Info, Sure::Loud), ("detail", Level::Info, Sure::Loud), ("hint", Level::Info, Sure::Loud),
    ("context", Level::Info, Sure::Loud), ("query", Level::Info, Sure::Loud), ("location", Level::Info, Sure::Loud),
    ("notice", Level::Notice, Sure::Certain), ("ntc", Level::Notice, Sure::Certain), ("noti", Level::Notice, Sure::Certain),
    ("note", Level::Notice, Sure::Doubtful),
    ("warning", Level::Warning, Sure::Certain), ("warn", Level::Warning, Sure::Certain), ("wrn", Level::Warning, Sure::Certain),
    ("warnings", Level::Warning, Sure::Doubtful),
    ("error", Level::Error, Sure::Certain), ("err", Level::Error, Sure::Certain), ("eror", Level::Error, Sure::Certain),
    ("erro", Level::Error, Sure::Certain), ("severe", Level::Error, Sure::Certain), ("svr", Level::Error, Sure::Loud),
    ("errors", Level::Error, Sure::Doubtful), ("exception", Level::Error, Sure::Doubtful), ("fail", Level::Error, Sure::Doubtful),
    ("failure", Level::Error, Sure::Doubtful), ("failed", Level::Error, Sure::Doubtful), ("fault", Level::Error, Sure::Doubtful),
    ("critical", Level::Critical, Sure::Certain), ("crit", Level::Critical, Sure::Certain), ("crt", Level::Critical, Sure::Certain),
    ("fatal", Level::Critical, Sure::Certain), ("ftl", Level::Critical, Sure::Certain), ("fata", Level::Critical, Sure::Certain),
    ("fatl", Level::Critical, Sure::Certain), ("dpanic", Level::Critical, Sure::Certain), ("pnc", Level::Critical, Sure::Certain),
    ("pani", Level::Critical, Sure::Certain), ("panic", Level::Critical, Sure::Doubtful),
    // Of Core Lightning, and of Dart.
    ("unusual", Level::Warning, Sure::Loud), ("broken", Level::Error, Sure::Loud), ("shout", Level::Critical, Sure::Loud),
    // Of other languages, those that are no words of English.
    ("hinweis", Level::Info, Sure::Certain), ("warnung", Level::Warning, Sure::Certain), ("fehler", Level::Error, Sure::Certain),
    ("avertissement", Level::Warning, Sure::Certain), ("erreur", Level::Error, Sure::Certain),
    ("advertencia", Level::Warning, Sure::Certain), ("aviso", Level::Warning, Sure::Certain),
    ("avviso", Level::Warning, Sure::Certain), ("errore", Level::Error, Sure::Certain),
    ("alert", Level::Alert, Sure::Certain), ("alrt", Level::Alert, Sure::Certain),
    ("emerg", Level::Emergency, Sure::Certain), ("emergency", Level::Emergency, Sure::Certain),
];

/// What is before the words where they are names of constants.
const CONSTANT: &str = "LOG_";

/// The letters that stand for levels.
const LETTERS: &[(u8, Level)] = &[
    (b'T', Level::Trace),
    (b'V', Level::Trace),
    (b'D', Level::Debug),
    (b'I', Level::Info),
    (b'N', Level::Notice),
    (b'W', Level::Warning),
    (b'E', Level::Error),
    (b'C', Level::Critical),
    (b'F', Level::Critical),
    (b'A', Level::Critical),
];

/// Two letters that stand for levels before a parenthesis, as on ESXi: `In(14)`.
const HEADS: &[(&[u8], Level)] = &[
    (b"Db", Level::Debug),
    (b"In", Level::Info),
    (b"No", Level::Notice),
    (b"Wa", Level::Warning),
    (b"Er", Level::Error),
    (b"Cr", Level::Critical),
    (b"Al", Level::Alert),
    (b"Em", Level::Emergency),
];

/// The marks that stand for levels in a column of their own, as Redis writes them.
const SYMBOLS: &[(u8, Level)] =
    &[(b'.', Level::Debug), (b'-', Level::Info), (b'*', Level::Notice), (b'#', Level::Warning)];

/// The keys of pairs that state a level, in lower case; the single letter last.
pub(crate) const PAIRS: [&str; 12] = [
    "level",
    "lvl",
    "severity",
    "sev",
    "loglevel",
    "log_level",
    "levelname",
    "log.level",
    "pri",
    "priority",
    "at",
    "l",
];

/// The words that are names of levels for errors and nothing else, in lower case.
pub(crate) fn of_errors() -> impl Iterator<Item = &'static str> {
    let errors = |(_, level, sure): &&(&str, Level, Sure)| level.status() == Status::Fail && *sure == Sure::Certain;
    WORDS.iter().filter(errors).map(|(word, ..)| *word)
}

/// The first word with each letter, and behind each word the next one with the same: places in [`WORDS`], one more each.
const CHAINS: ([usize; 26], [usize; WORDS.len()]) = {
    let (mut first, mut next) = ([0; 26], [0; WORDS.len()]);
    let mut at = WORDS.len();
    while at > 0 {
        at -= 1;
        let letter = (WORDS[at].0.as_bytes()[0] - b'a') as usize;
        next[at] = first[letter];
        first[letter] = at + 1;
    }
    (first, next)
};

/// How long the words with each letter are: a bit for each length.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < WORDS.len() {
        let word = WORDS[at].0.as_bytes();
        lengths[(word[0] - b'a') as usize] |= 1 << word.len();
        at += 1;
    }
    lengths
};

/// Whether a word has the first letter and the length of one for a level, or is a letter alone. Most words have not.
#[inline]
pub(crate) fn may_be(word: &[u8]) -> bool {
    word.len() == 1 || first_of(word).is_some()
}

/// The number of the first letter, where some word with it has the same length.
#[inline]
fn first_of(word: &[u8]) -> Option<usize> {
    let letter = usize::from(word.first()?.to_ascii_lowercase().wrapping_sub(b'a'));
    (word.len() < 16 && LENGTHS.get(letter)? >> word.len() & 1 != 0).then_some(letter)
}

/// The level of a word of letters in any case, and how sure it is; none for every other text.
#[inline]
pub(crate) fn word(word: &[u8]) -> Option<(Level, Sure)> {
    known(first_of(word)?, word)
}

fn known(letter: usize, word: &[u8]) -> Option<(Level, Sure)> {
    let mut at = CHAINS.0[letter];
    let (_, level, sure) = loop {
        let row = &WORDS[at.checked_sub(1)?];
        if row.0.as_bytes().eq_ignore_ascii_case(word) {
            break row;
        }
        at = CHAINS.1[at - 1];
    };
    (*sure != Sure::Loud || word.iter().all(u8::is_ascii_uppercase)).then_some((*level, *sure))
}

/// The level of a word that is the start of the name of just one level, where others of its column are levels: `FAT`,
/// `NOTI`, `CRITI`.
pub(super) fn shortened(text: &[u8]) -> Option<Level> {
    let begins = |(name, _, sure): &&(&str, Level, Sure)| {
        *sure == Sure::Certain && name.get(..text.len()).is_some_and(|head| head.as_bytes().eq_ignore_ascii_case(text))
    };
    let mut levels = WORDS.iter().filter(|_| text.len() >= 3).filter(begins).map(|(_, level, _)| *level);
    let level = levels.next()?;
    levels.all(|other| other == level).then_some(level)
}

impl Level {
    /// Reads a level word in any case, with brackets, a colon or colours around it, and numbers written as text.
    pub fn from_word(word: &str) -> Self {
        if word.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Self::from_letters(word.as_bytes());
        }
        let word = ansi::strip(word);
        let word =
            word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '<' | '>' | '(' | ')' | ':'));
        // `inf` is short for information, and no number.
        if word.bytes().any(|b| b.is_ascii_digit())
            && let Ok(number) = word.parse::<f64>()
        {
            return Self::from_size(number);
        }
        // Go's slog writes levels between the named ones as `INFO+2`.
        let word = match word.find(['+', '-']) {
            Some(at) if word[at + 1..].bytes().all(|b| b.is_ascii_digit()) && at + 1 < word.len() => &word[..at],
            _ => word,
        };
        Self::from_letters(word.strip_prefix(CONSTANT).unwrap_or(word).as_bytes())
    }

    /// Reads a level word that has nothing around it.
    pub(crate) fn from_letters(word: &[u8]) -> Self {
        match word {
            // Alone, an A is an article as often as a level.
            [b'a' | b'A'] => Self::Unknown,
            [single] => letter(single.to_ascii_uppercase()).unwrap_or(Self::Unknown),
            word => self::word(word).map_or(Self::Unknown, |(level, _)| level),
        }
    }
}

/// [`word`], also with a digit or a step behind it: `DEBUG1`, `INFO+2`, or as the name of a constant: `LOG_INFO`.
pub(crate) fn stepped(text: &[u8]) -> Option<(Level, Sure)> {
    let text = text.strip_prefix(CONSTANT.as_bytes()).unwrap_or(text);
    let letters = text.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let (name, step) = text.split_at(letters);
    let (level, sure) = word(name)?;
    let digits = step.strip_prefix(b"+").or_else(|| step.strip_prefix(b"-")).unwrap_or(step);
    match (step, digits) {
        ([], _) => Some((level, sure)),
        // The scale of slog: each level is four above the last.
        ([b'+', ..], [b'4'..=b'9']) if level == Level::Error => Some((Level::Critical, sure)),
        (_, [digit]) if digit.is_ascii_digit() => Some((level, sure)),
        _ => None,
    }
}

/// Whether a word for a level is the last word of a name in capitals, as in `SERVICE ALERT:`, and states none. `before` is
/// before it.
pub(crate) fn ends_name(word: &[u8], before: &[u8]) -> bool {
    word == b"ALERT"
        && before.strip_suffix(b" ").is_some_and(|before| {
            let capitals = before.iter().rev().take_while(|b| b.is_ascii_uppercase()).count();
            capitals > 3
                && before[..before.len() - capitals].last().is_none_or(u8::is_ascii_whitespace)
                && self::word(&before[before.len() - capitals..]).is_none()
        })
}

/// What is behind the last mark of a name: `Reporter::ERROR`.
pub(crate) fn tail(name: &[u8]) -> &[u8] {
    name.iter().rposition(|b| matches!(b, b':' | b'.' | b'/')).map_or(name, |at| &name[at + 1..])
}

/// The level of a capital letter.
pub(crate) fn letter(letter: u8) -> Option<Level> {
    LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, level)| *level)
}

/// The level of two letters in a column of letters, as the compact form of macOS has them: `Df`, `Db`.
pub(crate) fn short(letters: &[u8]) -> Option<Level> {
    match letters {
        b"Df" => Some(Level::Info),
        b"Db" => Some(Level::Debug),
        _ => None,
    }
}

/// The level of two letters before a parenthesis.
pub(crate) fn head(letters: &[u8]) -> Option<Level> {
    HEADS.iter().find(|(known, _)| *known == letters).map(|(_, level)| *level)
}

/// The level of a mark.
pub(crate) fn symbol(mark: u8) -> Option<Level> {
    SYMBOLS.iter().find(|(known, _)| *known == mark).map(|(_, level)| *level)
}

/// The five steps that tell levels apart when a column is looked for.
pub(crate) fn step(level: Level) -> u8 {
    match level {
        Level::Unknown | Level::Trace | Level::Debug => 0,
        Level::Info | Level::Notice => 1,
        Level::Warning => 2,
        Level::Error => 3,
        Level::Critical | Level::Alert | Level::Emergency => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_steps_and_letters_are_told_from_other_text() {
        for (text, expect) in [
            ("Error", Some(Level::Error)),
            ("DEBUG1", Some(Level::Debug)),
            ("INFO+2", Some(Level::Info)),
            ("ERROR+4", Some(Level::Critical)),
            ("HINT", Some(Level::Info)),
            ("hint", None),
            ("E", None),
            ("INFO22", None),
            ("infos", None),
            ("shout", None),
            ("SHOUT", Some(Level::Critical)),
            ("", None),
        ] {
            assert_eq!(stepped(text.as_bytes()).map(|(level, _)| level), expect, "{text}");
        }
        assert_eq!(letter(b'E'), Some(Level::Error));
        assert_eq!(letter(b'e'), None);
        let mut words: Vec<&str> = WORDS.iter().map(|(word, ..)| *word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), WORDS.len(), "each word is once");
    }
}
