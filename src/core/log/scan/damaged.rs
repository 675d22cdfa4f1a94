//! Lines that hold JSON but are not one object: two objects after a lost line end, a comma behind one, the rest of a cut
//! one. Whole objects are read; of what is left over the level counts where it can be seen.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem::Finder;

use crate::finding::Status;
use crate::json::pull;
use crate::level::Level;
use crate::log::dialect::{self, Dialect, KEYS, Role, Scale};
use crate::log::key_cache::Shape;
use crate::log::layout;
use crate::log::layout::level_words::{self, Sure};
use crate::log::level_after_date::{self, After};
use crate::log::record::Record;

/// More objects in a line than this are not looked for.
const TRIES: usize = 1000;
/// The name of the level of errors, as most programs write it.
const SHOUT: &[u8] = b"ERROR";

/// What a damaged line holds.
#[derive(Debug)]
pub(crate) struct Pieces<'a> {
    /// The whole objects that are records.
    pub(crate) records: Vec<Record<'a>>,
    /// The worst level that can be seen in the rest, where that is a warning or worse.
    pub(crate) level: Option<Level>,
    /// Whether more than separators is left over.
    pub(crate) damaged: bool,
}

/// Whether there are members of an object in a line: of JSON, or as Python and JavaScript show objects.
fn holds_members(line: &[u8]) -> bool {
    const COLONS: [&[u8]; 3] = [b"\":", b"\" :", b"':"];
    COLONS.iter().any(|colon| memchr::memmem::find(line, colon).is_some())
        || line.trim_ascii_start().starts_with(b"{") && memchr::memmem::find(line, b": '").is_some()
}

/// Takes a line apart that is no JSON object; none if there is no JSON in it.
pub(crate) fn pieces(line: &[u8]) -> Option<Pieces<'_>> {
    holds_members(line).then_some(())?;
    let mut pieces = Pieces { records: Vec::new(), level: None, damaged: false };
    let (mut at, mut rest, mut tries) = (0, 0, 0);
    while let Some(start) = memchr::memchr(b'{', &line[at..]).map(|open| at + open).filter(|_| tries < TRIES) {
        tries += 1;
        let whole = pull::object_len(&line[start..]).map(|len| &line[start..start + len]);
        let record = whole.and_then(|object| Record::of_json(object, &mut Shape::default()));
        match record.filter(|record| record.at.is_some() || record.states_level()) {
            Some(record) => {
                at = start + record.source().len();
                pieces.leave(&line[rest..start]);
                rest = at;
                pieces.records.push(record);
            }
            None => at = start + 1,
        }
    }
    pieces.leave(&line[rest..]);
    Some(pieces)
}

impl Pieces<'_> {
    fn leave(&mut self, rest: &[u8]) {
        if rest.iter().all(|b| b.is_ascii_whitespace() || matches!(b, b',' | b'[' | b']' | 0 | 0x1e)) {
            return;
        }
        self.damaged = true;
        self.level = self.level.max(visible_level(rest).filter(|level| level.status() > Status::Pass));
    }

    /// The worst level of all that the line holds.
    pub(crate) fn worst(&self) -> Option<Level> {
        self.records.iter().filter_map(Record::level).chain(self.level).max()
    }
}

/// The worst level that is under a key for levels in a piece of JSON.
fn visible_level(piece: &[u8]) -> Option<Level> {
    let colons = memchr::memchr_iter(b':', piece);
    let levels = colons.filter_map(|colon| {
        let name = key_before(&piece[..colon])?;
        let Role::Level(..) = KEYS.get(dialect::find(name)?)?.1 else { return None };
        let value = piece[colon + 1..].trim_ascii_start();
        let quoted = value.strip_prefix(b"\\").unwrap_or(value);
        match quoted.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let text = &quoted[1..];
                let end = text.iter().position(|b| b == quote || *b == b'\\')?;
                Some(Level::from_word(std::str::from_utf8(&text[..end]).ok()?))
            }
            // Without quotes around it, a key is a word of a sentence as often.
            _ if !piece[..colon].ends_with(b"\"") => None,
            _ => {
                let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
                let whole = value.get(digits).is_some_and(|b| matches!(b, b',' | b'}' | b' '));
                let number = std::str::from_utf8(&value[..digits]).ok()?.parse().ok().filter(|_| whole)?;
                Some(Level::from_size(number))
            }
        }
    });
    levels.max()
}

/// Whether the message of a record is another record, of JSON or of pairs, that states an error.
pub(crate) fn holds_error(message: &[u8]) -> bool {
    let message = message.trim_ascii_start();
    let stated = match message {
        [b'{', ..] => visible_level(message),
        _ => message.strip_prefix(b"level=").and_then(|value| {
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let end = value.iter().position(|b| !b.is_ascii_alphabetic()).unwrap_or(value.len());
            Some(Level::from_word(std::str::from_utf8(&value[..end]).ok()?))
        }),
    };
    stated.is_some_and(|level| level.status() == Status::Fail)
}

/// The next place at or after `from` where the name of the level of errors is in capitals.
pub(super) fn find_shout(text: &[u8], from: usize) -> Option<usize> {
    static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(SHOUT));
    ERROR.find(&text[from..]).map(|at| from + at)
}

/// Whether the message of a record holds a line of text that states an error: behind a date of its own, or behind what
/// ends lines elsewhere.
pub(super) fn holds_line_of_error(message: &[u8]) -> bool {
    const ENDS: [&[u8]; 6] =
        [b"\x0b", b"\x0c", b"\x08", "\u{85}".as_bytes(), "\u{2028}".as_bytes(), "\u{2029}".as_bytes()];
    let Some(at) = find_shout(message, 0) else { return false };
    let ends = ENDS.iter().filter_map(|end| Some(memchr::memmem::rfind(&message[..at], end)? + end.len()));
    let start = ends.max().unwrap_or(0);
    let text = &message[start..];
    let dated = || {
        let end = layout::stamp_inside(text)?;
        let word = level_after_date::level(&text[end..], After::Date)?;
        Some(Level::from_letters(&text[word.start + end..word.end + end]))
    };
    start > 0 && start == at || dated().is_some_and(|level| level.status() == Status::Fail)
}

/// A text with letters of full width made ordinary ones.
pub(crate) fn narrowed(text: &[u8]) -> Cow<'_, [u8]> {
    const WIDE: u8 = 0xef;
    if memchr::memchr(WIDE, text).is_none() {
        return Cow::Borrowed(text);
    }
    let narrow = |c: char| match u32::from(c) {
        wide @ 0xff01..=0xff5e => char::from_u32(wide - 0xfee0).unwrap_or(c),
        _ => c,
    };
    Cow::Owned(String::from_utf8_lossy(text).chars().map(narrow).collect::<String>().into_bytes())
}

/// The key at the end of a text: in quotes, which may be escaped, or bare.
fn key_before(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii_end();
    let quote = text.last().copied().filter(|last| matches!(last, b'"' | b'\''));
    let text = quote.map_or(text, |_| &text[..text.len() - 1]);
    let text = text.strip_suffix(b"\\").unwrap_or(text);
    let in_key = |b: &u8| quote.map_or(b.is_ascii_alphanumeric() || *b == b'_', |quote| *b != quote);
    let start = text.iter().rposition(|b| !in_key(b)).map_or(0, |at| at + 1);
    Some(&text[start..]).filter(|key| !key.is_empty())
}

/// A damaged line as a record of its visible level.
pub(crate) fn record(line: &[u8], level: Level) -> Record<'_> {
    let mut record = Record::of_text(Dialect::Json, line, None, None, line);
    record.level = Some((pull::Raw::Null, Scale::Is(level)));
    record
}

/// Whether a line holds the name of a level for errors in capitals, as the lines of logs do.
pub(crate) fn shouts(line: &[u8]) -> bool {
    let mut words = line.split(|b| !b.is_ascii_alphanumeric() && *b != b'_');
    let loud = |word: &[u8]| word.len() > 3 && word.iter().all(u8::is_ascii_uppercase);
    words.any(|word| {
        loud(word)
            && level_words::word(word)
                .is_some_and(|(level, sure)| level.status() == Status::Fail && sure == Sure::Certain)
    }) && tells_of_error(line)
}

/// Words that tell of an error without being the name of a level, or a sure one.
const MORE: [&[u8]; 19] = [
    b"aborted",
    b"corrupt",
    b"corrupted",
    b"corruption",
    b"crashed",
    b"denied",
    b"exception",
    b"fail",
    b"failed",
    b"failure",
    b"killed",
    b"oom",
    b"panic",
    b"panicked",
    b"refused",
    b"segfault",
    b"traceback",
    b"unable",
    b"unreachable",
];

/// Words behind a word for an error that is only what they are about: "exception support", "error correction".
const ABOUT: [&[u8]; 15] = [
    b"budget",
    b"correction",
    b"detection",
    b"handler",
    b"handlers",
    b"handling",
    b"injection",
    b"level",
    b"logging",
    b"page",
    b"pages",
    b"recovery",
    b"reporting",
    b"support",
    b"tolerance",
];

/// Words before "down" with which something is.
const WENT: [&[u8]; 6] = [b"are", b"is", b"link", b"marked", b"to", b"went"];

/// A cheap test that passes every text of which [`tells_of_error`] may be true, and few others.
pub(crate) fn may_tell_of_error(line: &[u8]) -> bool {
    static SEARCH: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let words = level_words::of_errors().map(str::as_bytes).chain(MORE).chain([&b"down"[..]]);
        let search = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(words);
        search.unwrap_or_else(|error| unreachable!("a few short words always fit: {error}"))
    });
    SEARCH.is_match(line)
}

/// How long those with each letter are: a bit for each length.
const LENGTHS: [u16; 26] = {
    let mut lengths = [0; 26];
    let mut at = 0;
    while at < MORE.len() {
        lengths[(MORE[at][0] - b'a') as usize] |= 1 << MORE[at].len();
        at += 1;
    }
    lengths
};

/// Whether a word is one of [`MORE`]. Of most the first letter and the length tell that it is not.
fn is_more(word: &[u8]) -> bool {
    let letter = word.first().map_or(0, |first| first.to_ascii_lowercase().wrapping_sub(b'a'));
    let fits =
        LENGTHS.get(usize::from(letter)).is_some_and(|lengths| word.len() < 16 && lengths >> word.len() & 1 != 0);
    fits && MORE.iter().any(|more| word.eq_ignore_ascii_case(more))
}

/// Whether something is said to be down: "is DOWN", "changed state to down".
fn is_down(before: &[u8], word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"down") && WENT.iter().any(|went| before.eq_ignore_ascii_case(went))
}

/// A cheap test that passes every line of which [`tells_of_error`] or [`crate::log::level_at_start::set_in`] may say something: most
/// lines of traces hold no word for a level or an error, and looking at them closely takes many times as long.
pub(super) fn may_tell(line: &[u8]) -> bool {
    const ESCAPE: u8 = 0x1b;
    // A priority of syslog, and colours, which hide words.
    if memchr::memchr2(b'<', ESCAPE, line).is_some() {
        return true;
    }
    let mut at = 0;
    while let Some(start) = line[at..].iter().position(u8::is_ascii_alphabetic).map(|start| at + start) {
        let end = line[start..].iter().position(|b| !b.is_ascii_alphabetic()).map_or(line.len(), |len| start + len);
        let word = &line[start..end];
        // `ORA-00600`.
        let coded = matches!(line[end..], [b'-', b'0'..=b'9', ..]);
        let known = word.len() == 1 || level_words::word(word).is_some() || is_more(word);
        if known || coded || word.eq_ignore_ascii_case(b"down") {
            return true;
        }
        at = end;
    }
    false
}

/// Whether a line holds a word for an error, and does not deny it.
pub(crate) fn tells_of_error(line: &[u8]) -> bool {
    let mut before: &[u8] = b"";
    let mut at = 0;
    while let Some(start) = line[at..].iter().position(u8::is_ascii_alphanumeric).map(|start| at + start) {
        let end = line[start..].iter().position(|b| !b.is_ascii_alphanumeric()).map_or(line.len(), |len| start + len);
        let word = &line[start..end];
        let known = match level_words::word(word) {
            Some((level, sure)) => level.status() == Status::Fail && (sure == Sure::Certain || is_more(word)),
            None => is_more(word) || is_down(before, word),
        };
        if !known {
            before = word;
            at = end;
            continue;
        }
        let denied = [&b"no"[..], b"0", b"without", b"zero", b"not"].iter().any(|no| before.eq_ignore_ascii_case(no));
        let after = line[end..].trim_ascii_start();
        let next = after.iter().position(|b| !b.is_ascii_alphabetic()).map_or(after, |len| &after[..len]);
        let denied = denied || ABOUT.iter().any(|about| next.eq_ignore_ascii_case(about));
        let after = after.strip_prefix(b":").or_else(|| after.strip_prefix(b"=")).map(<[u8]>::trim_ascii_start);
        let nothing = after.is_some_and(|value| {
            let end = value.iter().position(|b| !b.is_ascii_alphanumeric()).unwrap_or(value.len());
            [&b"0"[..], b"none", b"no", b"null", b"false"].iter().any(|no| value[..end].eq_ignore_ascii_case(no))
        });
        if !denied && !nothing {
            return true;
        }
        before = word;
        at = end;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::level_at_start;

    #[test]
    fn each_object_of_a_damaged_line_is_read() {
        for (line, records, level, damaged) in [
            (r#"{"level":"info","msg":"a"}{"level":"error","msg":"b"}"#, 2, None, false),
            (r#"{"level":"error","msg":"a"},"#, 1, None, false),
            (r#"{"level":"info","msg":"cut {"level":"error","msg":"b"}"#, 1, None, true),
            (r#"sg":"x","level":"error"}"#, 0, Some(Level::Error), true),
            (r#"{"level":"error","msg":"cut"#, 0, Some(Level::Error), true),
            (r#"{"log":"{\"level\":\"fatal\",\"m"#, 0, Some(Level::Critical), true),
            (r#"{"level":50,"msg":"cut"#, 0, Some(Level::Error), true),
            (r#"{"msg":"cut","level":"info","a":{"b":1}"#, 0, None, true),
            ("{'time': '2025-01-06', 'level': 'ERROR', 'msg': 'x'}", 0, Some(Level::Error), true),
            ("{ level: 'error', message: 'x' }", 0, Some(Level::Error), true),
        ] {
            let pieces = pieces(line.as_bytes()).expect("JSON");
            assert_eq!((pieces.records.len(), pieces.level, pieces.damaged), (records, level, damaged), "{line}");
        }
        assert!(pieces(b"plain words").is_none());
        assert!(pieces(b"12:00 level: error").is_none());
    }

    #[test]
    fn a_record_in_a_message_states_its_level() {
        for (message, expect) in [
            (r#"{"level":"error","msg":"x"}"#, true),
            (r#"{\"ts\":1,\"level\":\"fatal\"}"#, true),
            ("level=error msg=x", true),
            (r#"{"level":"info","msg":"error"}"#, false),
            (r#"{"price":4}"#, false),
            ("level=info msg=error", false),
            ("the level=error of the pump", false),
            ("", false),
        ] {
            assert_eq!(holds_error(message.as_bytes()), expect, "{message}");
        }
    }

    #[test]
    fn a_line_in_a_message_states_its_level() {
        for (message, expect) in [
            ("proxy: 2025-03-03 08:01:00 ERROR boom", true),
            ("jvm 1 | 2025/03/03 08:01:00.123 [main] ERROR a.B - boom", true),
            ("a\x0bERROR boom", true),
            ("a\u{2028}ERROR boom", true),
            ("a\u{2028}2025-03-03 08:01:00 ERROR boom", true),
            ("a\x0c2025-03-03 08:01:00 ERROR boom", true),
            ("proxy: 2025-03-03 08:01:00 INFO the ERROR page was shown", false),
            ("since 2025-03-03 08:01:00 the count of ERROR: 0", false),
            ("the ERROR page", false),
            ("ERROR budget: 5%", false),
            ("proxy: 2025-03-03 08:01:00 INFO up", false),
        ] {
            assert_eq!(holds_line_of_error(message.as_bytes()), expect, "{message}");
        }
        assert_eq!(&*narrowed("ＥＲＲＯＲ at 東京".as_bytes()), "ERROR at 東京".as_bytes());
    }

    #[test]
    fn words_for_errors_count_unless_denied() {
        for (line, expect) in [
            ("order failed", true),
            ("x FATAL y", true),
            ("an error occurred", true),
            ("Permission denied", true),
            ("connect: connection refused", true),
            ("unable to open the database", true),
            ("Server be/s1 is DOWN, reason: Layer4", true),
            ("link state changed to down", true),
            ("the file system is corrupt", true),
            ("shutting down", false),
            ("Enabling unmasked SIMD FPU exception support... done.", false),
            ("EDAC: error correction enabled", false),
            ("no error so far", false),
            ("errors: 0", false),
            ("error: none", false),
            ("terror of the seas", false),
            ("all is well", false),
        ] {
            assert_eq!(tells_of_error(line.as_bytes()), expect, "{line}");
            assert!(!expect || may_tell_of_error(line.as_bytes()), "{line}");
        }
        for word in level_words::of_errors().chain(MORE.iter().map(|word| std::str::from_utf8(word).expect("ASCII"))) {
            let loud = format!("x {} y", word.to_ascii_uppercase());
            assert!(tells_of_error(loud.as_bytes()) && may_tell_of_error(loud.as_bytes()), "{word}");
        }
    }

    proptest! {
        #[test]
        fn the_cheap_test_passes_whatever_says_something(
            parts in prop::collection::vec(prop_oneof![
                Just("error"), Just("ERROR"), Just("Warn"), Just("fail"), Just("E"), Just("w"), Just("is"), Just("down"),
                Just("no"), Just("0"), Just("ORA-00600"), Just("❌"), Just("panic"), Just("level"), Just("app"), Just("denied"),
                Just(" "), Just("  "), Just(": "), Just(":"), Just("["), Just("]"), Just("("), Just(")"), Just("<3>"), Just("="),
                Just("-"), Just("12:00:01"), Just("\u{1b}[31m"), Just("_"), Just("7"), Just("."), Just("/"),
            ], 0..9),
        ) {
            let line = parts.concat();
            let says = tells_of_error(line.as_bytes()) || level_at_start::set_in(&line).is_some();
            prop_assert!(!says || may_tell(line.as_bytes()), "{line}");
        }
    }
}
