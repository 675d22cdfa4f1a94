//! Reads the fields of a line in which a level may be.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::level_words::{self, Sure};
use super::tokens;
use crate::level::Level;

/// How many fields are looked through for a pair.
const PAIRED: usize = 24;

/// Where a level is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Place {
    /// `<n>` at the start of the line.
    Pri,
    /// The letter that a stamp starts with.
    Glued,
    /// This field before the stamp, from the left.
    Before(u8),
    /// This field behind the stamp; of lines without a stamp, from the start.
    Behind(u8),
    /// The value of a pair, wherever it is.
    Pair,
    /// The last field of the line.
    End,
}

/// Which part of a field states the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum View {
    /// All of it but the marks around it.
    Word,
    /// What is before the first `/`, `:`, `(`, `[`, `!` or `#`.
    Head,
    /// What is behind the last `.`, `/` or `:`.
    Tail,
    /// The first word in brackets.
    First,
    /// The last word in brackets.
    Last,
    /// A capital letter.
    Letter,
    /// A mark.
    Symbol,
    /// The digit in the name of a message of Cisco: `%LINK-3-UPDOWN:`.
    Mnemonic,
    /// A priority of syslog: `pri=6`, or `<6>` as a field.
    Number,
}

/// A level as it is in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) range: Range<usize>,
    pub(crate) level: Level,
    pub(crate) marked: bool,
    /// Whether the word is one for levels alone, or looks like one.
    pub(super) certain: bool,
    pub(super) bracketed: bool,
}

impl Found {
    /// A word that stands for a level which nobody knows.
    pub(super) fn unknown(range: Range<usize>) -> Self {
        Self { range, level: Level::Unknown, marked: true, certain: false, bracketed: false }
    }
}

/// The field at a place before a stamp or behind it.
#[inline]
pub(super) fn field(line: &[u8], stamp: Option<&Range<usize>>, place: Place) -> Option<Range<usize>> {
    match place {
        Place::Before(number) => tokens::of(&line[..before(line, stamp?)]).nth(usize::from(number)),
        Place::Behind(number) => {
            let start = behind(line, stamp);
            let token = tokens::of(&line[start..]).nth(usize::from(number))?;
            Some(token.start + start..token.end + start)
        }
        _ => None,
    }
}

/// Where the fields before a stamp end: its bracket does not belong to them.
pub(super) fn before(line: &[u8], stamp: &Range<usize>) -> usize {
    let text = line[..stamp.start].trim_ascii_end();
    text.len() - text.iter().rev().take_while(|b| b"[({<\"'".contains(b)).count()
}

/// Where the fields behind a stamp start.
pub(crate) fn behind(line: &[u8], stamp: Option<&Range<usize>>) -> usize {
    let Some(stamp) = stamp else { return 0 };
    stamp.end + line[stamp.end..].iter().take_while(|b| b"])}>\"'".contains(b)).count()
}

/// The last field, where it is in brackets or behind a bar or a dash: the last word of a message is none.
pub(super) fn last(line: &[u8], start: usize) -> Option<Range<usize>> {
    let text = line[start..].trim_ascii_end();
    let open = match text.last()? {
        b']' => b'[',
        b')' => b'(',
        b'>' => b'<',
        _ => {
            let at = memchr::memrchr(b' ', text)? + 1;
            let front = text[..at].trim_ascii_end();
            let set_off = front.ends_with(b" -") || front.ends_with(b"|");
            return set_off.then_some(start + at..start + text.len());
        }
    };
    let at = memchr::memrchr(open, text)?;
    (at > 0).then_some(start + at..start + text.len())
}

pub(super) fn pri(line: &[u8]) -> Option<Found> {
    let digits = line.strip_prefix(b"<")?.iter().take_while(|b| b.is_ascii_digit()).count();
    (line.get(digits + 1) == Some(&b'>')).then_some(())?;
    let number = crate::log::timestamp::number(&line[1..=digits]).filter(|number| *number < 192)?;
    let level = Level::from_syslog(f64::from(number & 7));
    Some(Found { range: 1..digits + 1, level, marked: true, certain: true, bracketed: true })
}

pub(super) fn glued(line: &[u8], stamp: &Range<usize>) -> Option<Found> {
    let level = level_words::letter(*line.get(stamp.start)?)?;
    Some(Found { range: stamp.start..stamp.start + 1, level, marked: true, certain: true, bracketed: false })
}

/// `level=error`, `severity="WARN"`, also behind a colon: behind the stamp, else before it.
pub(super) fn pair(line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
    let before = || stamp.filter(|stamp| stamp.start > 0).and_then(|stamp| pair_from(&line[..stamp.start], 0));
    pair_from(line, behind(line, stamp)).or_else(before)
}

fn pair_from(line: &[u8], start: usize) -> Option<Found> {
    tokens::of(&line[start..]).take(PAIRED).find_map(|token| {
        let token = token.start + start..token.end + start;
        let bytes = &line[token.clone()];
        let equals = bytes.iter().position(|b| matches!(b, b'=' | b':'))?;
        let key = &bytes[bytes.iter().take_while(|b| b"[({\"".contains(b)).count().min(equals)..equals];
        let key = key.strip_suffix(b"\"").unwrap_or(key);
        level_words::PAIRS.iter().any(|known| key.eq_ignore_ascii_case(known.as_bytes())).then_some(())?;
        let mut value = tokens::bare(line, token.start + equals + 1..token.end);
        let mut level = level_of(&line[value.clone()]);
        if value.is_empty() && bytes.ends_with(b":") && line.get(token.end) == Some(&b' ') && key.len() > 3 {
            // `LEVEL: Severe`
            let next = tokens::of(&line[token.end..]).next()?;
            value = tokens::bare(line, next.start + token.end..next.end + token.end);
            let text = &line[value.clone()];
            // What DB2 calls an event is none of its errors.
            level = level_of(text).or_else(|| (text == b"Event").then_some(Level::Info));
        }
        let level = level?;
        Some(Found { range: value, level, marked: true, certain: true, bracketed: false })
    })
}

/// `pri=6`, `pri=134`: a priority of syslog as firewalls write it.
pub(super) fn numbered_pair(line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
    const KEY: &[u8] = b"pri=";
    // Most lines have none, and cutting them into fields takes long.
    memchr::memmem::find(line, KEY)?;
    let read = |start: usize| {
        tokens::of(&line[start..]).take(PAIRED).find_map(|token| {
            let value = line[token.start + start..token.end + start].strip_prefix(KEY)?;
            let number = crate::log::timestamp::number(value).filter(|number| *number < 192)?;
            let range = token.start + start + KEY.len()..token.end + start;
            let level = Level::from_syslog(f64::from(number & 7));
            Some(Found { range, level, marked: true, certain: true, bracketed: false })
        })
    };
    read(behind(line, stamp)).or_else(|| read(0))
}

/// The level of a word or a letter.
fn level_of(text: &[u8]) -> Option<Level> {
    match text {
        [letter] => level_words::letter(*letter),
        text => level_words::stepped(text).map(|(level, _)| level),
    }
}

/// Reads one view of a field. `front` says that it is the first of the line, before a stamp.
pub(super) fn view(line: &[u8], token: Range<usize>, front: bool, view: View) -> Option<Found> {
    let bare = tokens::bare(line, token.clone());
    let bare_start = bare.start;
    let range = match view {
        View::Symbol => {
            let level = (token.len() == 1).then(|| level_words::symbol(line[token.start]))??;
            return Some(Found { range: token, level, marked: false, certain: true, bracketed: false });
        }
        View::Mnemonic => return mnemonic(line, token),
        View::Number => return priority(line, token),
        View::Word | View::Letter => bare,
        View::Head => {
            let len = line[bare.clone()].iter().position(|b| !b.is_ascii_alphanumeric() && *b != b'_')?;
            let mark = line[bare.start + len];
            b"/:([!#".contains(&mark).then_some(())?;
            // `LOG[` opens what a program says.
            let word = &line[bare.start..bare.start + len];
            (mark != b'[' || len < 2 || level_words::word(word)?.1 == Sure::Certain).then_some(())?;
            bare.start..bare.start + len
        }
        View::Tail => tail(line, bare)?,
        View::First | View::Last => {
            matches!(line[token.start], b'[' | b'(' | b'{' | b'<').then_some(())?;
            let inner = &line[token.clone()];
            let blank = |b: &u8| tokens::separates(*b);
            if view == View::First {
                // `[ info|12|main]`
                let start = 1 + inner[1..].iter().position(|b| *b != b' ')?;
                let end = start + inner[start..].iter().position(blank)?;
                tokens::bare(line, token.start + start..token.start + end)
            } else {
                let start = inner.iter().rposition(blank)? + 1;
                tokens::bare(line, token.start + start..token.end)
            }
        }
    };
    let text = &line[range.clone()];
    let loud = text.iter().take_while(|b| b.is_ascii_alphabetic()).all(u8::is_ascii_uppercase);
    let (level, certain) = match (view, text) {
        (View::Letter, text) => (letter(text, &line[range.end..])?, true),
        (View::Head, [_]) if is_thread(line, token.start, range.end) => return None,
        (View::Head, [letter]) => (level_words::letter(*letter)?, true),
        (View::Head, [_, _]) if line.get(range.end) == Some(&b'(') => (level_words::head(text)?, true),
        (_, [] | [_]) => return None,
        (_, text) => match level_words::stepped(text) {
            Some((level, sure)) => (level, sure == Sure::Certain || loud),
            None => (rated(line, &range)?, false),
        },
    };
    let (head, tail) = (&line[..range.start], &line[range.end..]);
    let bracketed = matches!(
        (head.last(), tail.first()),
        (Some(b'['), Some(b']')) | (Some(b'<'), Some(b'>')) | (Some(b'('), Some(b')')) | (Some(b'{'), Some(b'}'))
    ) || view == View::Letter && is_uptime(tail);
    // In a group the number is a place in a source.
    let grouped = view == View::Tail && line[token.start] == b'[' && certain;
    if !loud && !grouped && counts(tail) || level_words::ends_name(text, head) {
        return None;
    }
    let near = |text: &[u8]| text.trim_ascii_end().last().copied();
    let marked = front
        || bracketed
        || view == View::Head
        || view == View::Tail && (line[token.start] == b'[' || is_facility(&line[bare_start..range.start - 1]))
        || matches!(tail.first(), Some(b':' | b'|' | b'\t' | b','))
        || view == View::Tail && tail.starts_with(b"[")
        || tail.starts_with(b" - ")
        || tail.starts_with(b"  ")
        || tail.trim_ascii_start().first() == Some(&b'|')
        || near(head) == Some(b'|')
        || view != View::Letter && loud && text.iter().filter(|b| b.is_ascii_uppercase()).count() > 2;
    Some(Found { range, level, marked, certain: certain || bracketed, bracketed })
}

/// What is behind the last mark of a field, without a number at its end: of `broker.err[0]`, `[app.main:Error:12]`.
fn tail(line: &[u8], mut bare: Range<usize>) -> Option<Range<usize>> {
    let mark = |range: &Range<usize>| line[range.clone()].iter().rposition(|b| b"./:#-".contains(b));
    let mut at = mark(&bare)?;
    if line[bare.start + at] == b':' && line[bare.start + at + 1..bare.end].iter().all(u8::is_ascii_digit) {
        bare.end = bare.start + at;
        at = mark(&bare)?;
    }
    let tail = bare.start + at + 1..bare.end;
    let number = line[tail.clone()].iter().rposition(|b| !b.is_ascii_digit());
    Some(match number.map(|open| tail.start + open).filter(|open| line[*open] == b'[' && *open > tail.start) {
        Some(open) => tail.start..open,
        None => tail,
    })
}

/// `<6>`, as a program writes before each line for systemd and others.
fn priority(line: &[u8], token: Range<usize>) -> Option<Found> {
    let digits = line[token.clone()].strip_prefix(b"<")?;
    let digits = &digits[..digits.iter().take(4).position(|b| *b == b'>')?];
    let number = crate::log::timestamp::number(digits).filter(|number| *number < 192)?;
    let level = Level::from_syslog(f64::from(number & 7));
    let start = token.start + 1;
    Some(Found { range: start..start + digits.len(), level, marked: true, certain: true, bracketed: true })
}

/// How severe a word rates an event that is all of its field: `,high,`. Elsewhere it is ordinary English.
fn rated(line: &[u8], word: &Range<usize>) -> Option<Level> {
    let (before, behind) = (line.get(word.start.checked_sub(1)?)?, line.get(word.end)?);
    (b"[(<|,;\"\t".contains(before) && b"])>|,;\"\t".contains(behind)).then_some(())?;
    match &line[word.clone()] {
        b"low" | b"Low" | b"LOW" => Some(Level::Info),
        b"medium" | b"Medium" | b"MEDIUM" => Some(Level::Warning),
        b"high" | b"High" | b"HIGH" => Some(Level::Error),
        _ => None,
    }
}

/// `%LINK-3-UPDOWN:`, `%ASA-4-106023:`: facility, severity of syslog, name.
fn mnemonic(line: &[u8], token: Range<usize>) -> Option<Found> {
    let name = line[token.clone()].strip_prefix(b"%")?;
    if let Some(at) = huawei(name) {
        let level = Level::from_syslog(f64::from(name[at] - b'0'));
        let at = token.start + 1 + at;
        return (level != Level::Unknown).then_some(Found {
            range: at..at + 1,
            level,
            marked: true,
            certain: true,
            bracketed: false,
        });
    }
    let dash = name.windows(3).position(|three| three[0] == b'-' && three[1].is_ascii_digit() && three[2] == b'-')?;
    let facility =
        name[..dash].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
    let level = Level::from_syslog(f64::from(name[dash + 1] - b'0'));
    (dash > 0 && facility && level != Level::Unknown).then_some(())?;
    let at = token.start + 2 + dash;
    Some(Found { range: at..at + 1, level, marked: true, certain: true, bracketed: false })
}

/// Where the severity of `%01IFNET/4/LINK_STATE(l)[7]:` is, behind the first of two marks.
fn huawei(name: &[u8]) -> Option<usize> {
    let name = name.strip_prefix(b"%")?;
    let slash = memchr::memchr(b'/', name)?;
    let named = name[..slash].iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    (named && name.get(slash + 1)?.is_ascii_digit() && name.get(slash + 2) == Some(&b'/')).then_some(slash + 2)
}

/// The level of a column of letters: `E`, `D1`, `Df`, or `I005` and `E105`, as VMware numbers its levels. `tail` follows.
fn letter(text: &[u8], tail: &[u8]) -> Option<Level> {
    match text {
        [b'A'] if is_audited(tail) => Some(Level::Notice),
        [letter, digits @ ..] if matches!(digits.len(), 0 | 1 | 3) && digits.iter().all(u8::is_ascii_digit) => {
            level_words::letter(*letter)
        }
        text => level_words::short(text),
    }
}

/// Whether a letter before a colon names a thread, as in `T:12`, and no level, as in `[E:App]`.
fn is_thread(line: &[u8], start: usize, end: usize) -> bool {
    line.get(end..end + 2).is_some_and(|next| {
        let named = next[1].is_ascii_alphabetic() && line[start] == b'[';
        next[0] == b':' && next[1] != b' ' && !named
    })
}

/// Whether what follows a letter is the id of a message of IBM that is none of an error: there `A` is for audits.
fn is_audited(tail: &[u8]) -> bool {
    let id = tail.trim_ascii_start();
    let id = &id[..id.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(id.len())];
    id.len() >= 8
        && id[..4].iter().all(u8::is_ascii_uppercase)
        && matches!(id[id.len() - 2..], [digit, b'I' | b'A'] if digit.is_ascii_digit())
}

/// Whether a time since the start follows a letter, as on microcontrollers: `E (1030) wifi: …`.
fn is_uptime(tail: &[u8]) -> bool {
    let Some(rest) = tail.strip_prefix(b" (") else { return false };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && rest[digits..].starts_with(b") ")
}

/// The level of a line before whose stamp is nothing but its name: `error<TAB>13-Mar-2025 …`.
pub(super) fn alone_before(line: &[u8], stamp: &Range<usize>) -> Option<(Range<usize>, Option<Level>)> {
    let end = before(line, stamp);
    let (level, sure) = level_words::word(&line[..end])?;
    (sure == Sure::Certain).then_some((0..end, Some(level)))
}

/// A pair for a level whose value is no level that anybody knows: `severity=Grave`.
#[cold]
pub(super) fn unknown_pair(line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
    const SURE: [&[u8]; 6] = [b"level", b"lvl", b"severity", b"loglevel", b"log_level", b"levelname"];
    let start = behind(line, stamp);
    tokens::of(&line[start..]).take(PAIRED).find_map(|token| {
        let token = token.start + start..token.end + start;
        let equals = token.start + line[token.clone()].iter().position(|b| *b == b'=')?;
        SURE.iter().any(|key| line[token.start..equals].eq_ignore_ascii_case(key)).then_some(())?;
        let value = tokens::bare(line, equals + 1..token.end);
        line[value.clone()].iter().any(u8::is_ascii_alphabetic).then(|| Found::unknown(value))
    })
}

/// Whether a number follows a word and a colon: `errors: 0` counts something.
fn counts(tail: &[u8]) -> bool {
    let Some(value) = tail.strip_prefix(b":").or_else(|| tail.strip_prefix(b"=")).map(<[u8]>::trim_ascii_start) else {
        return false;
    };
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    // What goes on is a date or a name.
    digits > 0 && value.get(digits).is_none_or(|b| !matches!(b, b'-' | b'/' | b'_') && !b.is_ascii_alphabetic())
}

/// Whether a word names a facility of syslog: `daemon.err`.
fn is_facility(word: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"kern",
        b"user",
        b"mail",
        b"daemon",
        b"auth",
        b"syslog",
        b"lpr",
        b"news",
        b"uucp",
        b"cron",
        b"authpriv",
        b"ftp",
        b"ntp",
        b"security",
        b"console",
        b"mark",
    ];
    NAMES.contains(&word) || matches!(word, [b'l', b'o', b'c', b'a', b'l', b'0'..=b'7'])
}
