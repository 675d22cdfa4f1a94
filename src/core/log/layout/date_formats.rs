//! The shapes of dates and times in text, in one table, and how each is read. The commonest, ISO 8601 and what is like
//! it, is read in [`crate::log::timestamp`] as well, which is faster.

use serde::{Deserialize, Serialize};

use super::cursor::{self, Scan};
pub(crate) use super::cursor::{Day, Order, Parsed, civil};
use super::date_readers;
use crate::time::Stamp;

const SECOND: i64 = 1_000_000;

/// A way of writing a date with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Shape {
    Iso,
    Ordinal,
    ShortOrdinal,
    Dotted,
    Compact,
    Digits,
    DayMonth,
    YearMonth,
    MonthDashed,
    MonthDay,
    MonthDayYearLast,
    Numbers,
    ShortCompact,
    ShortDigits,
    Minutes,
    NoYearMonth,
    NoYearDay,
    NoYearLetter,
    NoYearNumbers,
    NoYearDigits,
    NoYearMinutes,
    ClockIso,
    ClockNumbers,
    ClockMonth,
    Epoch,
    Tai,
    Clock,
}

impl Shape {
    /// Whether day, month and year are numbers in an order that must be learnt.
    pub(crate) fn has_order(self) -> bool {
        matches!(self, Self::Numbers | Self::ClockNumbers)
    }
}

/// One row of the table of shapes.
#[derive(Debug)]
pub(crate) struct Row {
    /// The shape.
    pub(crate) shape: Shape,
    /// Its name in reports and policies.
    pub(crate) name: &'static str,
    read: fn(&mut Scan<'_>) -> Option<Parsed>,
}

const fn row(shape: Shape, name: &'static str, read: fn(&mut Scan<'_>) -> Option<Parsed>) -> Row {
    Row { shape, name, read }
}

/// All shapes. The first that fits a place is taken.
#[rustfmt::skip]
pub(crate) const SHAPES: [Row; 27] = [
    row(Shape::Iso, "YYYY-MM-DD hh:mm:ss", date_readers::iso),
    row(Shape::Ordinal, "YYYY-DDDThh:mm:ss", date_readers::ordinal),
    row(Shape::ShortOrdinal, "YYDDD hh:mm:ss.ff", date_readers::short_ordinal),
    row(Shape::Dotted, "YYYY-MM-DD-hh.mm.ss", date_readers::dotted),
    row(Shape::Compact, "YYYYMMDD hh:mm:ss", date_readers::compact),
    row(Shape::Digits, "YYYYMMDDhhmmss", date_readers::digits),
    row(Shape::DayMonth, "DD Mon YYYY hh:mm:ss", date_readers::day_month),
    row(Shape::YearMonth, "YYYY Mon DD hh:mm:ss", date_readers::year_month),
    row(Shape::MonthDashed, "Mon-DD-YY hh:mm:ss", date_readers::month_dashed),
    row(Shape::MonthDay, "Mon DD, YYYY hh:mm:ss", date_readers::month_day),
    row(Shape::MonthDayYearLast, "Mon DD hh:mm:ss YYYY", date_readers::month_day_year_last),
    row(Shape::Numbers, "N/N/N hh:mm:ss", date_readers::numbers),
    row(Shape::ShortCompact, "YYMMDD hh:mm:ss", date_readers::short_compact),
    row(Shape::ShortDigits, "YYMMDD hhmmss", date_readers::short_digits),
    row(Shape::Minutes, "YYYY-MM-DD hh:mm", date_readers::minutes),
    row(Shape::NoYearMonth, "Mon DD hh:mm:ss", date_readers::no_year_month),
    row(Shape::NoYearDay, "DD Mon hh:mm:ss", date_readers::no_year_day),
    row(Shape::NoYearLetter, "LMMDD hh:mm:ss", date_readers::no_year_letter),
    row(Shape::NoYearNumbers, "MM-DD hh:mm:ss", date_readers::no_year_numbers),
    row(Shape::NoYearDigits, "MMDD/hhmmss", date_readers::no_year_digits),
    row(Shape::NoYearMinutes, "MM-DD hh:mm", date_readers::no_year_minutes),
    row(Shape::ClockIso, "hh:mm:ss YYYY-MM-DD", date_readers::clock_iso),
    row(Shape::ClockNumbers, "hh:mm:ss N/N/N", date_readers::clock_numbers),
    row(Shape::ClockMonth, "hh:mm:ss DD Mon YYYY", date_readers::clock_month),
    row(Shape::Epoch, "epoch", date_readers::epoch),
    row(Shape::Tai, "TAI64N", date_readers::tai),
    row(Shape::Clock, "hh:mm:ss", date_readers::clock_alone),
];

impl Parsed {
    /// The instant. `written` tells the year of stamps without one; local times count as UTC.
    pub(crate) fn at(&self, order: Order, written: Option<Stamp>) -> Option<Stamp> {
        let micros = self.clock - self.zone.unwrap_or(0) * SECOND;
        match self.day {
            Day::Full(year, month, day) => Stamp::civil(year, month, day, micros),
            Day::NoYear(month, day) => {
                written.and_then(|written| crate::log::timestamp::in_year_before(written, month, day, self.clock))
            }
            Day::Numbers(numbers) => {
                let (year, month, day) = civil(numbers, order)?;
                Stamp::civil(year, month, day, micros)
            }
            Day::Epoch(micros) => Stamp::from_micros(micros),
            Day::None => None,
        }
    }

    /// Whether a day with its year is stated.
    pub(crate) fn is_full(&self) -> bool {
        !matches!(self.day, Day::NoYear(..) | Day::None)
    }
}

/// Reads the stamp of a shape at the start of a text; it must end outside a number.
pub(crate) fn read(shape: Shape, text: &[u8]) -> Option<Parsed> {
    let row = SHAPES.iter().find(|row| row.shape == shape)?;
    let mut scan = Scan { text, at: 0, split: 0 };
    let parsed = (row.read)(&mut scan)?;
    let ends = match text.get(parsed.len) {
        Some(b'0'..=b'9') => false,
        Some(next) if matches!(shape, Shape::Epoch | Shape::Tai) => !next.is_ascii_alphanumeric() && *next != b'-',
        _ => true,
    };
    ends.then_some(parsed)
}

/// A cheap test that most words of prose do not pass: a stamp that starts with a letter starts with a day of the week, a
/// month, or one letter before digits.
fn may_start(text: &[u8]) -> bool {
    match text {
        [b'A'..=b'Z' | b'a'..=b'z', next, ..] if !next.is_ascii_digit() => {
            text.get(..3).is_some_and(|name| cursor::is_weekday(name) || crate::time::month(name).is_some())
        }
        _ => true,
    }
}

/// The instant of the date and time at the start of a text, in a shape that says which number is which, and its length.
/// One without a year, as Android writes it, is in the year that fits.
pub(crate) fn leading_date(text: &[u8], written: Option<Stamp>) -> Option<(Option<Stamp>, usize)> {
    use Shape::{DayMonth, MonthDay, MonthDayYearLast, NoYearNumbers};
    let android = (text.get(2) == Some(&b'-')).then_some(NoYearNumbers);
    let mut shapes = [DayMonth, MonthDay, MonthDayYearLast].into_iter().chain(android);
    let parsed = shapes.find_map(|shape| read(shape, text))?;
    Some((parsed.at(Order::default(), written), parsed.len))
}

/// The first shape that fits the start of a text.
pub(crate) fn any(text: &[u8]) -> Option<(Shape, Parsed)> {
    may_start(text).then_some(())?;
    SHAPES.iter().find_map(|row| Some((row.shape, read(row.shape, text)?)))
}

#[cfg(test)]
mod tests;
