//! What is learnt of a log before it is read: where its lines state their time and their level.
//!
//! Lines of one file look alike, so the file itself says where to look. The layout is learnt from the start of the
//! text, before the work is divided: it is the same however the file is packed and cut.

mod cursor;
pub(crate) mod date_formats;
mod date_readers;
pub mod description;
mod fields;
mod keys;
mod level_columns;
mod level_spelling;
pub(crate) mod level_words;
pub mod live;
mod text;
mod tokens;
mod wrapping;
pub mod years;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::dialect::{Dialect, Scale};
use super::key_cache::Shape;
use super::level_after_date::{self, After};
use super::record::{self, Record};
use super::text_record;
use super::{access, ansi};
use crate::crash::classify;
use crate::json::pull::{Raw, Text};
use crate::level::Level;
use crate::time::Stamp;

/// How many lines a layout is learnt from.
const HEADS: usize = 256;
/// How much of a text they are taken from, in bytes.
pub const SAMPLE: usize = 256 << 10;
/// How much of a line is looked at.
const HEAD: usize = 4096;

/// The layout of a file or a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What is before each line.
    wrapping: Option<wrapping::Form>,
    /// Where lines of text state time and level.
    texts: Vec<text::Text>,
    /// Whether a dialect that is known by name reads most lines of text.
    named: bool,
    /// Whether the lines of text are those of syslog.
    syslog: bool,
    /// Whether most lines are JSON objects.
    json: bool,
    /// Under which keys JSON records state their level, where no table has them.
    keys: keys::Keys,
    /// The layout of the texts inside records that state no level themselves: messages of JSON, lines of containers.
    inner: Option<Box<Self>>,
    /// Whether some lines may state times without a year.
    yearless: bool,
    /// Whether some lines may tell of requests to a server.
    #[serde(default)]
    requests: bool,
    /// Whether it was not learnt but given.
    pinned: bool,
    /// Whether lines that came late added to it.
    again: bool,
}

/// What is remembered of the lines before: most differ from them in little.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    shape: Shape,
    texts: Vec<text::Memory>,
}

impl Layout {
    /// The layout of a text by its start. Times after `latest` are in the future.
    pub fn learn(text: &[u8], latest: Stamp) -> Self {
        let text = &text[..text.len().min(SAMPLE)];
        let plain = ansi::strip_bytes(text);
        let lines: Vec<&[u8]> = plain.split(|b| matches!(b, b'\n' | b'\r')).map(head).filter(|l| is_head(l)).collect();
        Self { requests: access::may_tell(text), ..Self::of_lines(&spread(&lines), latest) }
    }

    /// The layout of lines.
    pub(crate) fn of_lines(lines: &[&[u8]], latest: Stamp) -> Self {
        let wrapping = wrapping::learn(lines);
        let unwrapped =
            lines.iter().map(|line| wrapping.and_then(|form| form.strip(line)).map_or(*line, |(_, rest)| rest));
        let texts: Vec<&[u8]> =
            unwrapped.filter(|line| !line.starts_with(b"{")).map(<[u8]>::trim_ascii_start).collect();
        let json = texts.len() * 2 < lines.len();
        let mut layout = Self { wrapping, texts: text::learn(&texts, latest), json, ..Self::default() };
        layout.compare(&texts, latest);
        layout.look_inside(lines, latest);
        layout.yearless = texts.iter().any(|line| {
            let stamp = text::starts(line).find_map(|(_, at)| date_formats::any(&line[at..]));
            stamp.is_some_and(|(shape, _)| years::is_yearless(shape))
        });
        layout
    }

    /// Learns the layout of the texts inside records without a level.
    fn look_inside(&mut self, lines: &[&[u8]], latest: Stamp) {
        let mut memory = Memory::default();
        let read = lines.iter().filter_map(|line| self.read_outer(self.unwrap(line).1, Some(latest), &mut memory));
        let mut records: Vec<Record<'_>> = read.collect();
        records.retain(|record| keys::has_keys(record) || record.wraps());
        let keys = keys::Keys::learn(&records);
        records.retain(|record| record.dialect.is_json() || record.wraps());
        records.iter_mut().filter(|record| record.dialect.is_json()).for_each(|record| keys.complete(record));
        let silent = records.iter().filter(|record| record.level().is_none());
        let texts: Vec<String> = silent.map(|record| text_inside(record).unwrap_or_default().into_owned()).collect();
        self.keys = keys;
        let texts: Vec<&[u8]> = texts.iter().map(|text| head(text.as_bytes())).filter(|text| is_head(text)).collect();
        if texts.is_empty() {
            return;
        }
        let (inner, columns) = (text::learn(&texts, latest), |text: &text::Text| !text.columns.is_empty());
        if inner.iter().any(columns) {
            self.inner = Some(Box::new(Self { texts: inner, ..Self::default() }));
        }
    }

    /// Whether the dialects that are known by name read the lines better.
    fn compare(&mut self, lines: &[&[u8]], latest: Stamp) {
        let (mut named, mut wraps, mut dated, mut syslog) = (0, 0, 0, 0);
        for record in lines.iter().filter_map(|line| text_record::parse(line, Some(latest), 0)) {
            wraps += usize::from(record.wraps());
            dated += usize::from(record.at.is_some());
            match record.dialect {
                Dialect::Dated => {}
                Dialect::Syslog3164 if record.level_source().is_none_or(|source| !source.is_stated()) => syslog += 1,
                // A layout that tells the time knows more.
                _ if record.at.is_none() && self.tells_time() => {}
                _ => named += 1,
            }
        }
        let most = |count: usize, percent: usize| count > 0 && count * 100 >= lines.len() * percent;
        let blind = self.texts.first().is_none_or(|text| text.columns.is_empty());
        self.syslog = most(syslog, 60);
        self.named = most(named, 60) || most(wraps, 20) || blind && most(dated, 95);
    }

    /// Adds what records of JSON and of containers tell that state no level so far.
    fn learn_inside(&mut self, lines: &[&[u8]], latest: Stamp) {
        let mut late = Self::default();
        late.look_inside(lines, latest);
        let room = keys::MOST - self.keys.level.len().min(keys::MOST);
        self.keys.level.extend(late.keys.level.into_iter().take(room));
        if let Some(found) = late.inner {
            let texts = &mut self.inner.get_or_insert_default().texts;
            found.texts.into_iter().for_each(|text| add(texts, text));
        }
    }

    fn tells_time(&self) -> bool {
        self.texts.first().and_then(|text| text.time).is_some_and(|place| place.shape != date_formats::Shape::Clock)
    }

    /// Whether lines that are not read may tell more.
    #[inline]
    pub(crate) fn may_learn(&self) -> bool {
        !self.pinned && !self.again
    }

    /// The layout with what such lines tell: a writer may come late. None if they tell nothing.
    pub(crate) fn learn_again(&self, lines: &[&[u8]], latest: Stamp) -> Option<Self> {
        let lines: Vec<&[u8]> = lines.iter().map(|line| head(line)).filter(|line| is_head(line)).collect();
        let carries = |line: &&[u8]| {
            let record = || self.read_outer(line, Some(latest), &mut Memory::default());
            line.starts_with(b"{") || record().is_some_and(|record| record.wraps())
        };
        let (carriers, lines): (Vec<&[u8]>, Vec<&[u8]>) = lines.into_iter().partition(carries);
        let found = text::learn(&lines, latest).into_iter().filter(|text| !text.columns.is_empty());
        let mut layout = Self { again: true, ..self.clone() };
        found.for_each(|text| add(&mut layout.texts, text));
        layout.learn_inside(&carriers, latest);
        let news = layout.texts != self.texts || layout.keys != self.keys || layout.inner != self.inner;
        (self.may_learn() && news).then_some(layout)
    }

    /// What of the layout is a guess that nothing in the file confirms.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let inner = self.inner.iter().flat_map(|inner| &inner.texts);
        let texts = self.texts.iter().chain(inner).filter(|_| !self.pinned);
        let mut doubts: Vec<String> = texts.filter_map(|text| text.doubt(self.named)).collect();
        doubts.dedup();
        doubts
    }

    /// Whether some lines may state times without a year, so that the years must be told by all of the file.
    pub fn is_yearless(&self) -> bool {
        self.yearless
    }

    /// Whether some lines may tell of requests to a server.
    pub(crate) fn tells_of_requests(&self) -> bool {
        self.requests
    }

    /// Whether lines of text state levels in columns.
    pub(crate) fn states_levels(&self) -> bool {
        self.texts.iter().any(|text| !text.columns.is_empty())
    }

    /// The level that a line of text may state in the first field behind its stamp, in a file in which levels are
    /// elsewhere: what a second writer does that came late.
    pub(crate) fn bare_level(&self, line: &[u8]) -> Option<Level> {
        let learnt = self.json || self.states_levels();
        let start = text::starts(line).next().filter(|_| learnt)?.1;
        let (_, parsed) = date_formats::any(&line[start..])?;
        let column = level_columns::Column { place: fields::Place::Behind(0), view: fields::View::Word, marked: false };
        column.read(line, Some(&(start..start + parsed.len))).map(|found| found.level)
    }

    /// Whether most lines are JSON objects.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether names are before lines.
    pub fn wraps(&self) -> bool {
        self.wrapping.is_some()
    }

    /// The name before a line, where lines are wrapped, and the line itself.
    pub fn unwrap<'a>(&self, line: &'a [u8]) -> (Option<&'a [u8]>, &'a [u8]) {
        match self.wrapping.and_then(|form| form.strip(line)) {
            Some((name, rest)) => (Some(name).filter(|name| !name.is_empty()), rest),
            None => (None, line),
        }
    }

    /// Reads a line that is not wrapped; none if it is no record of its own.
    #[inline]
    pub fn read<'a>(&self, line: &'a [u8], written: Option<Stamp>, memory: &mut Memory) -> Option<Record<'a>> {
        // Most need nothing more, and a record is long to hand on.
        if self.keys.is_empty() && self.inner.is_none() {
            return self.read_outer(line, written, memory);
        }
        let mut record = self.read_outer(line, written, memory)?;
        if !self.keys.is_empty() && keys::has_keys(&record) {
            self.keys.complete(&mut record);
        }
        match &self.inner {
            Some(inner) if record.level.is_none() => Some(inner.complete(record, written)),
            _ => Some(record),
        }
    }

    /// A record with the level that the text inside it states.
    fn complete<'a>(&self, mut record: Record<'a>, written: Option<Stamp>) -> Record<'a> {
        let carries = record.dialect.is_json() || record.wraps();
        if carries && record.level().is_none() {
            let level = text_inside(&record).and_then(|message| {
                self.read_text(message.trim_end().as_bytes(), written, &mut Memory::default())?.level()
            });
            record.level = level.map(|level| (Raw::Null, Scale::Is(level)));
        }
        record
    }

    #[inline]
    fn read_outer<'a>(&self, line: &'a [u8], written: Option<Stamp>, memory: &mut Memory) -> Option<Record<'a>> {
        let line = record::trim(line);
        if *line.first()? == b'{' {
            return Record::of_json(line, &mut memory.shape);
        }
        if self.named || self.texts.is_empty() {
            let named = text_record::parse(line, written, 0);
            let may_be_late = self.again || self.states_levels();
            // What a container carries is read as a line of its own: columns are counted from its start.
            let carries = named.as_ref().is_some_and(|record| record.dialect == Dialect::Cri);
            if carries || !may_be_late && named.is_some() {
                return named;
            }
            let late = may_be_late && named.as_ref().is_none_or(|record| !record.states_level());
            let late = if late { self.read_text(line, written, memory).filter(Record::states_level) } else { None };
            return match (named, late) {
                (Some(named), Some(late)) if late.at.is_none() => Some(Record { level: late.level, ..named }),
                (named, late) => late.or(named).or_else(|| self.read_text(line, written, memory)),
            };
        }
        let read = self.read_text(line, written, memory);
        if read.as_ref().is_some_and(Record::states_level) {
            return read;
        }
        // The line has no column of levels: it is an odd one.
        let odd = text_record::parse(line, written, 0).filter(|odd| read.is_none() || odd.states_level());
        let Some(mut odd) = odd else { return read };
        odd.at = odd.at.or_else(|| read?.at);
        Some(odd)
    }

    fn read_text<'a>(&self, line: &'a [u8], written: Option<Stamp>, memory: &mut Memory) -> Option<Record<'a>> {
        memory.texts.resize_with(self.texts.len(), Default::default);
        let seen =
            self.texts.iter().zip(&mut memory.texts).find_map(|(text, memory)| text.read(line, written, memory))?;
        if seen.stamp.is_none() {
            let mut record = Record::of_text(Dialect::Dated, line, None, None, line);
            record.level = seen.level.map(|found| (raw(&line[found.range]), Scale::Is(found.level)));
            return Some(record);
        }
        let start = fields::behind(line, seen.stamp.as_ref());
        let barred = |found: &fields::Found| line[..found.range.start].ends_with(b"|");
        let event =
            if seen.level.as_ref().is_none_or(barred) { text_record::security_event(&line[start..]) } else { None };
        let level = match seen.level.filter(|_| event.is_none()) {
            Some(found) => Some((found.range, Some(found.level))),
            None if event.is_some() => None,
            None => level_after_date::level(&line[start..], After::Date)
                .map(|range| (range.start + start..range.end + start, None))
                .or_else(|| fields::alone_before(line, seen.stamp.as_ref()?)),
        };
        let behind = level.as_ref().map_or(start, |(range, _)| range.end.max(start));
        // What is said before a stamp at the end of a line is the message.
        let front = seen.stamp.as_ref().map_or(&[][..], |stamp| &line[..stamp.start]);
        let behind =
            if line[behind..].trim_ascii().is_empty() || has_words(front) && classify::suspect(front, 0).is_some() {
                0
            } else {
                behind
            };
        let (dialect, message) = if self.syslog {
            let rest = line[start..].trim_ascii_start();
            (Dialect::Syslog3164, rest.iter().position(|b| *b == b' ').map_or(rest, |host| &rest[host + 1..]))
        } else {
            (Dialect::Dated, text_record::message(&line[behind..]))
        };
        let stated = level.map(|(range, level)| (raw(&line[range]), level.map_or(Scale::Auto, Scale::Is)));
        Some(Record { level: stated.or(event), ..Record::of_text(dialect, line, seen.at, None, message) })
    }
}

/// Adds a layout of lines to those that are known.
fn add(texts: &mut Vec<text::Text>, text: text::Text) {
    let room = texts.len() < text::MOST;
    match texts.iter_mut().find(|known| known.time == text.time) {
        Some(known) => known.add(&text.columns),
        None if room => texts.push(text),
        None => {}
    }
}

/// The text that a record carries: of a container all that the program wrote.
fn text_inside<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    record.contained().or_else(|| record.message())
}

fn raw(bytes: &[u8]) -> Raw<'_> {
    Raw::Text(Text { bytes, escaped: false })
}

/// The instant of a text that is a date in one of the known shapes, with its year.
pub(crate) fn read_date(text: &[u8]) -> Option<Stamp> {
    let (_, parsed) = date_formats::any(text)?;
    parsed.at(date_formats::Order::default(), None).filter(|_| parsed.is_full() && parsed.len == text.len())
}

/// The length of the date and time at the start of a text.
pub(crate) fn leading_stamp(text: &[u8]) -> Option<usize> {
    date_formats::any(text).filter(|(shape, _)| *shape != date_formats::Shape::Epoch).map(|(_, parsed)| parsed.len)
}

/// Where the first date and time among the first fields of a text ends.
pub(crate) fn stamp_inside(text: &[u8]) -> Option<usize> {
    text::starts(text).find_map(|(_, at)| Some(at + leading_stamp(&text[at..])?))
}

/// The start of a line.
fn head(line: &[u8]) -> &[u8] {
    record::trim_zeros(&line[..line.len().min(HEAD)])
}

/// Whether a line may be the start of a record: not blank, not indented, no comment, no part of a stack trace. A line
/// with a stamp is one all the same.
fn is_head(line: &[u8]) -> bool {
    let stamped = || text::starts(line).any(|(_, at)| date_formats::any(&line[at..]).is_some());
    let trace = || {
        let text = String::from_utf8_lossy(line);
        classify::is_marker(&text) || classify::is_frame(&text)
    };
    match line {
        [] | [0x16, ..] => false,
        [b'{', ..] => true,
        [b' ' | b'\t', ..] => is_stamped_behind_blanks(line) && !trace(),
        [b'#', ..] => line.starts_with(b"##") && stamped(),
        _ => stamped() || !trace(),
    }
}

/// Whether an indented line starts with a date, as those of programs that set their lines in, also behind a level or a
/// number.
fn is_stamped_behind_blanks(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let dated = |text: &[u8]| {
        date_formats::any(text).is_some_and(|(shape, parsed)| shape != date_formats::Shape::Epoch && parsed.is_full())
    };
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    let first = &line[..line.iter().position(|b| *b == b' ').unwrap_or(line.len())];
    dated(line)
        || digits > 0 && line.get(digits) == Some(&b':') && dated(&line[digits + 1..])
        || level_words::word(first).is_some() && {
            let rest = line[first.len()..].trim_ascii_start();
            dated(rest.strip_prefix(b"[").unwrap_or(rest))
        }
}

/// At most [`HEADS`] of the lines, spread evenly.
fn spread<'a>(lines: &[&'a [u8]]) -> Vec<&'a [u8]> {
    let count = lines.len().min(HEADS);
    (0..count).map(|number| lines[number * lines.len() / count]).collect()
}

/// Whether a text holds a word: most that is before a stamp is an address and a bar.
fn has_words(text: &[u8]) -> bool {
    text.windows(4).any(|word| word.iter().all(u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests;
