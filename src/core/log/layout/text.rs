//! The layout of lines of text: where the stamp is, and in which columns the level.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::date_formats::{self, Day, Order, Parsed, Shape};
use super::fields::{self, Found};
use super::level_columns::{self, Column, Sample};
use super::level_spelling::Look;
use crate::time::Stamp;

/// A stamp starts in one of the first fields, more of them where the line starts with a bracket.
const FIELDS: usize = 6;
const BRACKETED: usize = 12;
/// Nor does it start further in than this.
const REACH: usize = 400;
/// The field of stamps that are behind a text of any length.
pub(crate) const ANYWHERE: usize = usize::MAX;
/// How many layouts a file may have.
pub(super) const MOST: usize = 4;

/// Where the stamp of lines is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) shape: Shape,
    /// The field in which it starts, counted by blanks.
    pub(crate) field: usize,
    pub(crate) order: Order,
    /// Whether nothing in the file tells the order of the three numbers.
    pub(crate) ambiguous: bool,
}

/// The layout of some of the lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    /// Where the stamp is; none in files without one.
    pub(crate) time: Option<Place>,
    /// Where the level is; the first column that states one decides.
    pub(crate) columns: Vec<Column>,
    /// How the words of the first column look, where they all look alike: another word that does is a level too, of a
    /// vocabulary that is not known.
    pub(crate) look: Option<Look>,
}

/// What a layout reads from a line.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Where the stamp is.
    pub(crate) stamp: Option<Range<usize>>,
    /// The instant; none of a time of day alone, and of a stamp without a year where nothing tells the year.
    pub(crate) at: Option<Stamp>,
    pub(crate) level: Option<Found>,
}

/// The last stamp of a layout. Most stamps differ from the one before only in their time of day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    offset: usize,
    /// The text of the day, up to the time of day.
    day: Vec<u8>,
    zone: Option<i64>,
    written: Option<Stamp>,
    /// The start of that day.
    midnight: i64,
}

impl Text {
    /// Reads a line; none if neither a stamp nor, in files without stamps, a level is where it belongs.
    #[inline]
    pub(crate) fn read(&self, line: &[u8], written: Option<Stamp>, memory: &mut Memory) -> Option<Seen> {
        let Some(place) = &self.time else {
            let level = self.level(line, None)?;
            return Some(Seen { stamp: None, at: None, level: Some(level) });
        };
        let (stamp, at) = match memory.read(line, written) {
            Some((stamp, at)) => (stamp, Some(at)),
            None => {
                let (start, parsed) = place.find(line, memory.offset)?;
                memory.offset = start;
                let at = parsed.at(place.order, written);
                memory.keep(line, start, &parsed, at, written);
                (start..start + parsed.len, at)
            }
        };
        let level = self.level(line, Some(&stamp));
        Some(Seen { stamp: Some(stamp), at, level })
    }

    /// Adds further columns, behind those that are known.
    pub(super) fn add(&mut self, columns: &[Column]) {
        let new = columns.iter().filter(|column| !self.columns.contains(column)).copied().collect::<Vec<_>>();
        self.columns.extend(new);
    }

    /// What about the times is a guess. What reads lines by the name of their dialect is not: it knows the keys of times.
    pub(super) fn doubt(&self, named: bool) -> Option<String> {
        let place = self.time.as_ref()?;
        if place.ambiguous {
            return Some(format!(
                "ambiguous dates: nothing in the file tells day, month and year apart; they were read as {}",
                place.order.name()
            ));
        }
        (place.shape == Shape::Epoch && self.columns.is_empty() && !named).then(|| {
            "unconfirmed times: numbers were taken for seconds since 1970, and nothing else looks like a log".to_owned()
        })
    }

    #[inline]
    fn level(&self, line: &[u8], stamp: Option<&Range<usize>>) -> Option<Found> {
        let known = self.columns.iter().find_map(|column| column.read(line, stamp));
        known.or_else(|| self.look?.read(self.columns.first()?, line, stamp)).or_else(|| {
            let pairs = self.columns.iter().any(|column| column.place == fields::Place::Pair);
            if pairs { fields::unknown_pair(line, stamp) } else { None }
        })
    }
}

impl Memory {
    #[inline]
    fn read(&self, line: &[u8], written: Option<Stamp>) -> Option<(Range<usize>, Stamp)> {
        let day = line.get(self.offset..self.offset + self.day.len()).filter(|day| !day.is_empty())?;
        (day == self.day && written == self.written).then_some(())?;
        let start = self.offset + day.len();
        let clock: &[u8; 8] = line.get(start..start + 8)?.first_chunk()?;
        let two = |at: usize| -> Option<i64> {
            let (tens, ones) = (clock[at].wrapping_sub(b'0'), clock[at + 1].wrapping_sub(b'0'));
            (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
        };
        (clock[2] == b':' && clock[5] == b':').then_some(())?;
        let (hour, minute, second) = (two(0)?, two(3)?, two(6)?);
        (hour < 24 && minute < 60 && second < 60).then_some(())?;
        let mut end = start + 8;
        let mut micros = ((hour * 60 + minute) * 60 + second) * 1_000_000;
        match line.get(end) {
            Some(b'.' | b',') => {
                let mut unit = 100_000;
                let mut at = end + 1;
                while let Some(digit) = line.get(at).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
                    micros += i64::from(digit) * unit;
                    unit /= 10;
                    at += 1;
                }
                end = if at > end + 1 { at } else { end };
            }
            Some(b':') => return None,
            _ => {}
        }
        let (zone, len) = super::cursor::zone(&line[end..]);
        end += len;
        (zone == self.zone && !line.get(end).is_some_and(u8::is_ascii_digit)).then_some(())?;
        Some((self.offset..end, Stamp::from_micros(self.midnight + micros)?))
    }

    fn keep(&mut self, line: &[u8], start: usize, parsed: &Parsed, at: Option<Stamp>, written: Option<Stamp>) {
        self.day.clear();
        let Some(at) =
            at.filter(|_| parsed.split > 0 && !parsed.twelve && !matches!(parsed.day, Day::Epoch(_) | Day::None))
        else {
            return;
        };
        self.day.extend_from_slice(&line[start..start + parsed.split]);
        self.zone = parsed.zone;
        self.written = written;
        self.midnight = at.micros() - parsed.clock;
    }
}

impl Place {
    /// Where the stamp of a line starts, and the stamp. `offset` is where the one before it started.
    fn find(&self, line: &[u8], offset: usize) -> Option<(usize, Parsed)> {
        let fits = |start: usize| Some((start, date_formats::read(self.shape, line.get(start..)?)?));
        if offset == 0 || line.get(offset - 1).is_some_and(|b| opens(*b)) {
            // One that starts sooner would have been found first.
            if let Some(found) = fits(offset).filter(|_| offset == 0 || self.field > 0 || !line[0].is_ascii_digit()) {
                return Some(found);
            }
        }
        if self.field == ANYWHERE {
            return all_starts(line, usize::MAX).find_map(|(_, start)| fits(start));
        }
        let near = starts(line).take_while(|(field, _)| *field <= self.field + 1);
        near.filter(|(field, _)| field + 1 >= self.field).find_map(|(_, start)| fits(start))
    }
}

/// Whether a stamp may start behind a byte.
#[inline]
fn opens(byte: u8) -> bool {
    const OPENS: [bool; 256] = {
        let (mut opens, mut at) = ([false; 256], 0);
        let marks = b" \t[(<{\"'=|,:;>*";
        while at < marks.len() {
            opens[marks[at] as usize] = true;
            at += 1;
        }
        opens
    };
    OPENS[usize::from(byte)]
}

/// Where a stamp may start, with the number of the field.
pub(super) fn starts(line: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    all_starts(line, if line.first() == Some(&b'[') { BRACKETED } else { FIELDS })
}

/// The same in the first `limit` fields.
fn all_starts(line: &[u8], limit: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut field = 0;
    let mut blank = false;
    let mut last = b' ';
    let mut before = b' ';
    let starts = line.iter().take(REACH).enumerate().map_while(move |(at, byte)| {
        // `12-INFO-2025-03-03 …`
        // Cisco marks a clock that is not set: `.Mar  3 08:00:00`
        let opened = opens(last)
            || at == 0
            || last == b'-' && before.is_ascii_alphabetic()
            || last == b'.' && before == b' ' && byte.is_ascii_uppercase();
        if matches!(byte, b' ' | b'\t') {
            blank = at > 0;
        } else if std::mem::take(&mut blank) {
            field += 1;
        }
        before = last;
        last = *byte;
        let starts = opened && (byte.is_ascii_alphanumeric() || *byte == b'@');
        (field < limit).then_some(starts.then_some((field, at)))
    });
    starts.flatten()
}

/// A shape at a field, and where it was found.
struct Candidate {
    shape: Shape,
    field: usize,
    /// By line: where it starts, and what it says.
    found: Vec<(usize, usize, Parsed)>,
}

/// The layouts of lines of text. `latest` is the end of what can be a date of the file.
pub(crate) fn learn(lines: &[&[u8]], latest: Stamp) -> Vec<Text> {
    let mut layouts = Vec::new();
    let mut left: Vec<&[u8]> = lines.to_vec();
    while layouts.len() < MOST && !left.is_empty() {
        // A few odd lines have no layout of their own.
        if !layouts.is_empty() && (left.len() < 2 || left.len() * 50 < lines.len()) {
            break;
        }
        let Some(layout) = learn_one(&left, latest, layouts.is_empty()) else { break };
        let mut memory = Memory::default();
        let before = left.len();
        left.retain(|line| layout.read(line, Some(latest), &mut memory).is_none());
        if left.len() == before {
            break;
        }
        layouts.push(layout);
    }
    layouts
}

fn learn_one(lines: &[&[u8]], latest: Stamp, first: bool) -> Option<Text> {
    let Some((candidate, order, ambiguous)) = best_time(lines, latest) else {
        let samples: Vec<Sample<'_>> = lines.iter().map(|line| (*line, None)).collect();
        let columns = level_columns::learn(&samples);
        return (!columns.is_empty() && (first || lines.len() > 4)).then_some(Text { time: None, columns, look: None });
    };
    let place = Place { shape: candidate.shape, field: candidate.field, order, ambiguous };
    let samples: Vec<Sample<'_>> = lines
        .iter()
        .filter_map(|line| {
            let (start, parsed) = place.find(line, 0)?;
            Some((*line, Some(start..start + parsed.len)))
        })
        .collect();
    let columns = level_columns::learn(&samples);
    let look = columns.first().and_then(|column| Look::of(column, &samples));
    Some(Text { time: Some(place), columns, look })
}

/// The best stamp of lines.
fn best_time(lines: &[&[u8]], latest: Stamp) -> Option<(Candidate, Order, bool)> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let mut end = 0;
        for (field, start) in starts(line) {
            if start < end {
                continue;
            }
            let Some((shape, parsed)) = date_formats::any(&line[start..]) else { continue };
            end = start + parsed.len;
            let known = candidates.iter_mut().find(|known| known.shape == shape && known.field == field);
            let found = (number, start, parsed);
            match known {
                // A line has one stamp at a place.
                Some(candidate) if candidate.found.last().is_some_and(|(last, ..)| *last == number) => {}
                Some(candidate) => candidate.found.push(found),
                None => candidates.push(Candidate { shape, field, found: vec![found] }),
            }
        }
    }
    let needed = 2.min(lines.len()).max(lines.len().div_ceil(10));
    // So few lines may be one record.
    let alone = |candidate: &Candidate| lines.len() <= 3 && candidate.found[0].0 == 0 && candidate.field < 2;
    candidates
        .retain(|candidate| (candidate.found.len() >= needed || alone(candidate)) && candidate.is_time(lines.len()));
    let best = candidates.into_iter().max_by_key(Candidate::rank);
    let best = match best {
        Some(best) if best.found.len() * 100 >= lines.len() * 95 => best,
        best => anywhere(lines).filter(|_| lines.len() > 2).or(best)?,
    };
    let (order, ambiguous) = order(&best, latest)?;
    Some((best, order, ambiguous))
}

/// The stamp of lines that nearly all have one full date, behind a text of any length.
fn anywhere(lines: &[&[u8]]) -> Option<Candidate> {
    let mut all: Option<Candidate> = None;
    let mut found = 0;
    for (number, line) in lines.iter().enumerate() {
        let dates =
            all_starts(line, usize::MAX).filter_map(|(_, start)| Some((start, date_formats::any(&line[start..])?)));
        let mut full = dates.filter(|(_, (shape, parsed))| parsed.is_full() && *shape != Shape::Epoch);
        let Some((start, (shape, parsed))) = full.next() else {
            // Prose is told from a log soon; each of its lines is looked through to its end.
            if (number + 1 - found) * 100 > lines.len() * 5 {
                return None;
            }
            continue;
        };
        let candidate = all.get_or_insert_with(|| Candidate { shape, field: ANYWHERE, found: Vec::new() });
        if candidate.shape == shape {
            found += 1;
            candidate.found.push((number, start, parsed));
        }
    }
    all.filter(|_| found * 100 >= lines.len() * 95)
}

impl Candidate {
    fn changes(&self) -> bool {
        self.found.len() < 2
            || self.found.iter().any(|(.., parsed)| {
                let (_, _, first) = &self.found[0];
                (parsed.day, parsed.clock) != (first.day, first.clock)
            })
    }

    /// Numbers are times only where they behave as such.
    fn is_time(&self, total: usize) -> bool {
        if self.shape != Shape::Epoch {
            return true;
        }
        let micros = |parsed: &Parsed| if let Day::Epoch(micros) = parsed.day { micros } else { 0 };
        let ordered = self.found.windows(2).filter(|pair| micros(&pair[0].2) <= micros(&pair[1].2)).count();
        self.found.len() * 10 >= total * 6 && self.changes() && ordered * 2 >= self.found.len() - 1
    }

    fn rank(&self) -> (bool, bool, bool, usize, bool, bool, std::cmp::Reverse<usize>) {
        let dated = self.shape != Shape::Clock;
        let near = self.shape != Shape::Epoch || self.field <= 2;
        let zoned = self.found.iter().all(|(.., parsed)| parsed.zone.is_some());
        let full = self.found.iter().all(|(.., parsed)| parsed.is_full());
        (dated, self.changes(), near, self.found.len(), zoned, full, std::cmp::Reverse(self.field))
    }
}

/// What the three numbers of the dates mean, and whether only custom tells; none if they are no dates.
fn order(candidate: &Candidate, latest: Stamp) -> Option<(Order, bool)> {
    if !candidate.shape.has_order() {
        return Some((Order::default(), false));
    }
    let stamps = |order: Order| -> Option<Vec<Stamp>> {
        let at = |(_, _, parsed): &(usize, usize, Parsed)| parsed.at(order, None).filter(|at| *at <= latest);
        candidate.found.iter().map(at).collect()
    };
    let single = candidate.found.iter().any(|(.., parsed)| parsed.single);
    let possible = Order::ALL.into_iter().filter(|order| *order != Order::Ymd || !single);
    let mut orders: Vec<(Order, Vec<Stamp>)> = possible.filter_map(|order| Some((order, stamps(order)?))).collect();
    let jumps = |stamps: &[Stamp]| stamps.windows(2).filter(|pair| pair[1] < pair[0]).count();
    let span = |stamps: &[Stamp]| stamps.iter().max().zip(stamps.iter().min()).map(|(last, first)| last.since(*first));
    let fewest = orders.iter().map(|(_, stamps)| jumps(stamps)).min()?;
    orders.retain(|(_, stamps)| jumps(stamps) == fewest);
    let shortest = orders.iter().filter_map(|(_, stamps)| span(stamps)).min()?;
    orders.retain(|(_, stamps)| span(stamps) == Some(shortest));
    let (_, _, first) = candidate.found.first()?;
    let short = matches!(first.day, Day::Numbers([_, _, last]) if last < 100);
    // 3/3/2025 is the same day in any order.
    let same = orders.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let usual = if candidate.found.iter().any(|(.., parsed)| parsed.twelve) || short && single {
        Order::Mdy
    } else if short && !single {
        Order::Ymd
    } else {
        Order::Dmy
    };
    let chosen = orders.iter().map(|(order, _)| *order).find(|order| *order == usual).or(Some(orders.first()?.0))?;
    Some((chosen, orders.len() > 1 && !same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Vec<String> {
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
        let latest = Stamp::parse("2026-01-01").expect("a date");
        let layouts = learn(&bytes, latest);
        let mut memories = vec![Memory::default(); layouts.len()];
        let mut show = |line: &[u8]| {
            let seen = layouts.iter().zip(&mut memories).find_map(|(l, memory)| l.read(line, Some(latest), memory));
            seen.map_or("-".to_owned(), |seen| {
                let at = seen.at.map_or("-".to_owned(), |at| at.to_string().replace("+00:00", ""));
                format!("{at} {}", seen.level.map_or("-", |found| found.level.word()))
            })
        };
        bytes.iter().map(|line| show(line)).collect()
    }

    #[test]
    fn stamps_and_levels_are_read_wherever_they_stand() {
        for (lines, expect) in [
            (
                &["25/03/03 08:00:00 INFO Executor: up", "25/03/03 08:10:00 ERROR Executor: lost"][..],
                &["2025-03-03T08:00:00 info", "2025-03-03T08:10:00 error"][..],
            ),
            (
                &["13/03/2025 08:00:00 INFO up", "12/03/2025 08:00:00 WARN x"],
                &["2025-03-13T08:00:00 info", "2025-03-12T08:00:00 warning"],
            ),
            (
                &["3/1/2025 8:00:00 AM INFO up", "3/2/2025 1:00:00 PM ERROR x"],
                &["2025-03-01T08:00:00 info", "2025-03-02T13:00:00 error"],
            ),
            (
                &[
                    "1740988800 2025.03.03 n1 Mar 3 08:00:00 n1/n1 kernel: FATAL x",
                    "1740988801 2025.03.03 n1 Mar 3 08:00:01 n1/n1 kernel: INFO x",
                ],
                &["2025-03-03T08:00:00 critical", "2025-03-03T08:00:01 info"],
            ),
            (
                &[
                    "2025-03-03 08:00:00 INFO a",
                    "E 08:00:01 odd",
                    "2025-03-04 08:00:02 ERROR b",
                    "2025-03-04 08:00:03,5 ERROR b",
                ],
                &["2025-03-03T08:00:00 info", "-", "2025-03-04T08:00:02 error", "2025-03-04T08:00:03.500000 error"],
            ),
            (&["once upon a time", "there was a king"], &["-", "-"]),
            (&["name,score", "anna,5", "ben,7"], &["-", "-", "-"]),
        ] {
            assert_eq!(read(lines), expect, "{lines:#?}");
        }
    }
}
