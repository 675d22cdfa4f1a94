//! Records of plain text: lines that start with a date, a syslog header, a klog header, or state a level.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::dialect::{Dialect, Scale};
use super::json_record::called_time;
use super::key_cache::Shape;
use super::layout::date_formats;
use super::layout::level_words::{self, Sure};
use super::level_after_date::{self, After};
use super::logfmt::{self, is_key};
use super::record::{Inner, Record};
use super::timestamp::{in_year_before, leading_time, month_of, number, time_of_day};
use super::wrapped::{self, Wrapping};
use crate::json::pull::{Raw, Text};
use crate::level::Level;
use crate::sanitize;
use crate::time::Stamp;

/// Reads a line of text, which may be inside `depth` others; none when it states neither a time nor a level.
pub(crate) fn parse(line: &[u8], written: Option<Stamp>, depth: u8) -> Option<Record<'_>> {
    if memchr::memchr(0x1b, line).is_some() {
        return wrapped::coloured(line, written, depth);
    }
    match line.first()? {
        b'<' => syslog(line, written, depth),
        b'0'..=b'9' => dated(line, line, written, depth),
        b'[' => dated(line, &line[1..], written, depth),
        b'I' | b'W' | b'E' | b'F' | b'D' if line.get(1).is_some_and(u8::is_ascii_digit) => klog(line, written),
        // Ruby: `E, [2025-01-06T00:00:00.123456 #12] ERROR -- : …`
        b'D' | b'I' | b'W' | b'E' | b'F' | b'A' if line[1..].starts_with(b", [") => {
            dated(line, &line[4..], written, depth)
        }
        b'A'..=b'Z' => {
            bsd_syslog(line, line, None, written, depth).or_else(|| python_basic(line)).or_else(|| pairs(line, depth))
        }
        _ => pairs(line, depth),
    }
}

/// Reads a line of `key=value` pairs that states a time or a level; none for every other line.
fn pairs(line: &[u8], depth: u8) -> Option<Record<'_>> {
    // A sentence with one `=` somewhere is no logfmt: the line must start with a pair.
    let first = line.iter().position(|b| !is_key(*b))?;
    (first > 0 && line[first] == b'=').then_some(())?;
    let record = Record::of_pairs(line, logfmt::pairs(line), None);
    // What is around a line inside another one states the time.
    if depth > 0 || record.as_ref().is_some_and(|record| record.at.is_some()) {
        return record;
    }
    match called_time(logfmt::pairs(line)) {
        None => record,
        at => Record::of_pairs(line, logfmt::pairs(line), at),
    }
}

/// `2025-01-06 00:00:00,123 …`, also in brackets, with slashes, as Kubernetes writes it, and with the dates of Apache, of
/// Java and of Android, which has no year.
fn dated<'a>(line: &'a [u8], start: &'a [u8], written: Option<Stamp>, depth: u8) -> Option<Record<'a>> {
    let iso = leading_time(start).map(|(at, len)| (Some(at), len));
    let (at, len) = iso.or_else(|| date_formats::leading_date(start, written))?;
    let rest = &start[len..];
    for stream in [&b" stdout "[..], b" stderr "] {
        if let Some([mark @ (b'F' | b'P'), b' ', line_inside @ ..]) = rest.strip_prefix(stream) {
            let wrapping = Wrapping { depth, leveled: false, piece: *mark == b'P' };
            let inner = Inner::of(sanitize::utf8(line_inside), wrapping, &mut Shape::default());
            return Some(Record::of_text(Dialect::Cri, line, at, None, line_inside).with_inner(inner));
        }
    }
    // `kubectl logs --timestamps` and `docker logs -t` put their own date before any line, rsyslog a host and a tag too.
    let tagged = after_tag(rest);
    if let Some(inner) = Inner::record(rest, depth).or_else(|| Inner::record(tagged?, depth)) {
        return Some(Record::of_text(Dialect::Dated, line, at, None, rest).with_inner(inner));
    }
    let mut record = leveled(Dialect::Dated, line, at, rest);
    if let Some(text) = tagged.filter(|_| record.level.is_none()) {
        add_line_inside(&mut record, text, depth);
    }
    Some(record)
}

/// The text behind ` host tag[12]: `, where no level is before it.
fn after_tag(rest: &[u8]) -> Option<&[u8]> {
    let rest = rest.strip_prefix(b" ")?;
    let host = rest.iter().position(|b| *b == b' ')?;
    let tag = host + 1 + rest[host + 1..].iter().position(|b| *b == b' ')?;
    let in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':');
    let shaped = rest[..tag].ends_with(b":") && rest[..host].iter().all(in_name);
    (shaped && level_after_date::level(&rest[..host], After::Date).is_none()).then(|| &rest[tag + 1..])
}

/// `<34>1 2025-01-06T00:00:00Z host app 12 ID [x y="z"] message`, or the older form behind `<34>`.
fn syslog(line: &[u8], written: Option<Stamp>, depth: u8) -> Option<Record<'_>> {
    const DIGITS: [&[u8]; 8] = [b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7"];
    let end = line.iter().take(6).position(|b| *b == b'>')?;
    let severity = DIGITS[number(&line[1..end])? as usize % 8];
    let rest = &line[end + 1..];
    let Some(rest) = rest.strip_prefix(b"1 ") else { return bsd_syslog(line, rest, Some(severity), written, depth) };
    let mut parts = rest.splitn(6, |b| *b == b' ');
    let at = parts.next().and_then(Stamp::parse_bytes);
    let message = structured_data_end(parts.nth(4)?);
    let mut record = Record::of_text(Dialect::Syslog5424, line, at, None, message).with_syslog_level(severity);
    add_line_inside(&mut record, message, depth);
    Some(record)
}

/// What follows the structured data (`-`, or elements in brackets) of a syslog line.
fn structured_data_end(rest: &[u8]) -> &[u8] {
    let mut at = 0;
    while rest.get(at) == Some(&b'[') {
        let mut quoted = false;
        let len = rest[at..].iter().position(|b| {
            quoted ^= *b == b'"';
            *b == b']' && !quoted
        });
        let Some(len) = len else { break };
        at += len + 1;
    }
    let rest = &rest[at..];
    let rest = rest.strip_prefix(b"-").unwrap_or(rest);
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest)
}

/// `Jan  6 00:00:00 host tag[12]: message`
fn bsd_syslog<'a>(
    line: &'a [u8],
    start: &'a [u8],
    severity: Option<&'a [u8]>,
    written: Option<Stamp>,
    depth: u8,
) -> Option<Record<'a>> {
    let month = month_of(start.get(..3)?)?;
    let day = number(start.get(4..6)?.trim_ascii())?;
    let (clock, len) = time_of_day(start.get(7..)?)?;
    (start[3] == b' ' && start[6] == b' ').then_some(())?;
    let at = written.and_then(|written| in_year_before(written, month, day, clock));
    let rest = start[7 + len..].trim_ascii_start();
    // A year where the host belongs: that is another form.
    if matches!(rest, [b'1' | b'2', b'0' | b'9', b'0'..=b'9', b'0'..=b'9', b' ', ..]) {
        return None;
    }
    let message = rest.iter().position(|b| *b == b' ').map_or(rest, |host| &rest[host + 1..]);
    let tag = message.iter().position(|b| *b == b' ').filter(|end| message[..*end].ends_with(b":"));
    let text = tag.map_or(message, |end| &message[end + 1..]);
    let mut record = match severity {
        Some(severity) => Record::of_text(Dialect::Syslog3164, line, at, None, message).with_syslog_level(severity),
        None => {
            let level = before_tag(message)
                .or_else(|| tag.and_then(|end| level_as_tag(&message[..end])))
                .or_else(|| level_after_date::level(text, After::Date).map(|range| &text[range]));
            Record::of_text(Dialect::Syslog3164, line, at, level, message)
        }
    };
    record.level = security_event(message).filter(|_| severity.is_none()).or(record.level);
    add_line_inside(&mut record, text, depth);
    Some(record)
}

/// The level that some devices write before the tag: `err tmm[12]: …`.
fn before_tag(message: &[u8]) -> Option<&[u8]> {
    let mut words = message.splitn(3, |b| *b == b' ');
    let (level, tag) = (words.next()?, words.next()?);
    let (_, sure) = level_words::word(level)?;
    (sure == Sure::Certain && tag.ends_with(b":")).then_some(level)
}

/// A level where a tag is expected, because the line names no host or no program: `12[IKE] error: no peer found`.
fn level_as_tag(tag: &[u8]) -> Option<&[u8]> {
    let word = tag.strip_suffix(b":")?;
    (level_words::word(word)?.1 == Sure::Certain).then_some(word)
}

/// ` 7f0d4a7d1700 -1 mon.a …`: errors of Ceph have the level -1 behind the address of their thread. What its other numbers
/// are worth nobody says.
fn ceph_error(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b" 7f")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let number = rest[digits..].trim_ascii_start();
    ((4..=14).contains(&digits) && number.starts_with(b"-1 ")).then(|| &number[..2])
}

/// The severity of events of security devices, 0 to 10: `CEF:0|…|7|…`, `LEEF:1.0|…|sev=7 …`.
pub(crate) fn security_event(text: &[u8]) -> Option<(Raw<'_>, Scale)> {
    if let Some(error) = ceph_error(text) {
        return Some((Raw::Text(Text { bytes: error, escaped: false }), Scale::Is(Level::Error)));
    }
    /// The header is behind a host and a tag at most.
    const REACH: usize = 200;
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("EF:"));
    let at = MARK.find(&text[..text.len().min(REACH)])?;
    let value = if text[..at].ends_with(b"C") {
        text[at..].split(|b| *b == b'|').nth(6)?
    } else if text[..at].ends_with(b"LE") {
        let severity = memchr::memmem::find(&text[at..], b"sev=")?;
        text[at + severity + 4..].split(|b| !b.is_ascii_digit()).next()?
    } else {
        return None;
    };
    let level = match (number(value), value) {
        (Some(0..=3), _) => Level::Info,
        (Some(4..=6), _) => Level::Warning,
        (Some(7..=8), _) => Level::Error,
        (Some(9..=10), _) => Level::Critical,
        (_, b"Low") => Level::Info,
        (_, b"Medium") => Level::Warning,
        (_, b"High") => Level::Error,
        (_, b"Very-High") => Level::Critical,
        _ => return None,
    };
    Some((Raw::Text(Text { bytes: value, escaped: false }), Scale::Is(level)))
}

/// Adds what the line that syslog carries says, where it says more than its text.
fn add_line_inside(record: &mut Record<'_>, line: &[u8], depth: u8) {
    if is_prose(line) {
        return;
    }
    let wrapping = Wrapping { depth, leveled: true, piece: false };
    let inner = Inner::of(sanitize::utf8(line), wrapping, &mut Shape::default());
    // Plain text is shown with the name of the program before it.
    let shown = record.message().map(Into::into);
    if inner.tells() {
        record.inner = Some(Box::new(inner.shown_as(shown)));
    }
}

/// Whether a line starts with a word of a sentence or a plain name, as most do: such a line is neither a record nor a
/// frame, and states no level.
fn is_prose(line: &[u8]) -> bool {
    let end = line.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(line.len());
    let word = &line[..end];
    line.get(end).is_none_or(|b| *b == b' ')
        && word.first().is_some_and(u8::is_ascii_alphabetic)
        && word.iter().any(u8::is_ascii_lowercase)
        && !matches!(word, b"at" | b"from" | b"File")
        && month_of(word).is_none()
}

/// `E0106 00:00:00.000000   12 file.go:3] message`
fn klog(line: &[u8], written: Option<Stamp>) -> Option<Record<'_>> {
    // Newer versions write the year too: `E20250106 00:00:00.000000 …`.
    let digits = line[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    let date = digits.checked_sub(4).filter(|year| matches!(year, 0 | 4))? + 1;
    let (month, day) = (number(line.get(date..date + 2)?)?, number(line.get(date + 2..date + 4)?)?);
    let (clock, len) = time_of_day(line.get(date + 5..)?)?;
    (line[date + 4] == b' ').then_some(())?;
    let at = match number(&line[1..date]) {
        Some(year) => Stamp::civil(i32::try_from(year).ok()?, month, day, clock),
        None => written.and_then(|written| in_year_before(written, month, day, clock)),
    };
    let rest = &line[date + 5 + len..];
    let message = rest.windows(2).position(|pair| pair == b"] ").map_or(rest, |end| &rest[end + 2..]);
    Some(Record::of_text(Dialect::Klog, line, at, Some(&line[..1]), message))
}

/// `ERROR:name:message`, as Python's logging writes by default: no time.
fn python_basic(line: &[u8]) -> Option<Record<'_>> {
    const WORDS: [&[u8]; 5] = [b"DEBUG", b"INFO", b"WARNING", b"ERROR", b"CRITICAL"];
    let word = WORDS.into_iter().find(|word| line.starts_with(word) && line.get(word.len()) == Some(&b':'))?;
    let rest = &line[word.len() + 1..];
    let name = rest.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')))?;
    (name > 0 && rest[name] == b':')
        .then(|| Record::of_text(Dialect::PythonBasic, line, None, Some(word), &rest[name + 1..]))
}

/// A record with the first level word near the start of `rest`, and what follows that word as its message.
fn leveled<'a>(dialect: Dialect, line: &'a [u8], at: Option<Stamp>, rest: &'a [u8]) -> Record<'a> {
    let mut found = level_after_date::level(rest, After::Date);
    if found.as_ref().is_some_and(|word| rest[..word.start].ends_with(b"|")) && security_event(rest).is_some() {
        // The names of vendors and products are between bars too.
        found = None;
    }
    let tail = found.clone().map_or(rest, |range| &rest[range.end..]);
    let event = if found.is_none() { security_event(rest) } else { None };
    let mut record = Record::of_text(dialect, line, at, found.map(|range| &rest[range]), message(tail));
    record.level = record.level.or(event);
    record
}

/// What follows the last field of a line, without the marks between them.
pub(crate) fn message(tail: &[u8]) -> &[u8] {
    let separator = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'-' | b':' | b'|' | b']' | b',' | b'>');
    &tail[tail.iter().position(|b| !separator(b)).unwrap_or(tail.len())..]
}
