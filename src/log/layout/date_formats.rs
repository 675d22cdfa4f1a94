//! The shapes of dates and times in text, in one table, and how each is read.

use super::cursor::Scan;
pub(crate) use super::cursor::{Day, Parsed};
use crate::log::timestamp::number;
use crate::time::Stamp;

const SECOND: i64 = 1_000_000;

/// A way of writing a date with a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Iso,
    Ordinal,
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
    Epoch,
    Tai,
    Clock,
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
pub(crate) const SHAPES: [Row; 22] = [
    row(Shape::Iso, "YYYY-MM-DD hh:mm:ss", iso),
    row(Shape::Ordinal, "YYYY-DDDThh:mm:ss", ordinal),
    row(Shape::Dotted, "YYYY-MM-DD-hh.mm.ss", dotted),
    row(Shape::Compact, "YYYYMMDD hh:mm:ss", compact),
    row(Shape::Digits, "YYYYMMDDhhmmss", digits),
    row(Shape::DayMonth, "DD Mon YYYY hh:mm:ss", day_month),
    row(Shape::YearMonth, "YYYY Mon DD hh:mm:ss", year_month),
    row(Shape::MonthDashed, "Mon-DD-YY hh:mm:ss", month_dashed),
    row(Shape::MonthDay, "Mon DD, YYYY hh:mm:ss", month_day),
    row(Shape::MonthDayYearLast, "Mon DD hh:mm:ss YYYY", month_day_year_last),
    row(Shape::Numbers, "N/N/N hh:mm:ss", numbers),
    row(Shape::ShortCompact, "YYMMDD hh:mm:ss", short_compact),
    row(Shape::ShortDigits, "YYMMDD hhmmss", short_digits),
    row(Shape::Minutes, "YYYY-MM-DD hh:mm", minutes),
    row(Shape::NoYearMonth, "Mon DD hh:mm:ss", no_year_month),
    row(Shape::NoYearDay, "DD Mon hh:mm:ss", no_year_day),
    row(Shape::NoYearLetter, "LMMDD hh:mm:ss", no_year_letter),
    row(Shape::NoYearNumbers, "MM-DD hh:mm:ss", no_year_numbers),
    row(Shape::NoYearDigits, "MMDD/hhmmss", no_year_digits),
    row(Shape::Epoch, "epoch", epoch),
    row(Shape::Tai, "TAI64N", tai),
    row(Shape::Clock, "hh:mm:ss", clock_alone),
];

/// What the three numbers of a date mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Order {
    /// Year, month, day.
    Ymd,
    /// Month, day, year.
    Mdy,
    /// Day, month, year.
    #[default]
    Dmy,
}

impl Order {
    pub(crate) const ALL: [Self; 3] = [Self::Ymd, Self::Mdy, Self::Dmy];

    /// Its name in reports and policies.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ymd => "ymd",
            Self::Mdy => "mdy",
            Self::Dmy => "dmy",
        }
    }
}

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

/// Year, month and day of three numbers.
pub(crate) fn civil(numbers: [u32; 3], order: Order) -> Option<(i32, u32, u32)> {
    let [a, b, c] = numbers;
    let (year, month, day) = match order {
        Order::Ymd => (a, b, c),
        Order::Mdy => (c, a, b),
        Order::Dmy => (c, b, a),
    };
    (1..=12).contains(&month).then_some(())?;
    Some((full_year(year), month, day))
}

/// The year of two digits: 1970 to 2069.
fn full_year(year: u32) -> i32 {
    let year = i32::try_from(year).unwrap_or(0);
    match year {
        0..70 => 2000 + year,
        70..100 => 1900 + year,
        _ => year,
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

/// The first shape that fits the start of a text.
pub(crate) fn any(text: &[u8]) -> Option<(Shape, Parsed)> {
    SHAPES.iter().find_map(|row| Some((row.shape, read(row.shape, text)?)))
}

fn iso(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = scan.exactly(4)?;
    let mark = scan.one_of(b"-/.:")?;
    let month = scan.month()?;
    scan.one_of(&[mark])?;
    let day = scan.day()?;
    scan.between(b"T _:.-,;\t|")?;
    scan.rest(Day::Full(i32::try_from(year).ok()?, month, day))
}

fn ordinal(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    scan.one_of(b"-")?;
    let day = scan.exactly(3)?;
    scan.one_of(b"T ")?;
    let date = chrono::NaiveDate::from_yo_opt(year, day)?;
    scan.rest(Day::Full(year, chrono::Datelike::month(&date), chrono::Datelike::day(&date)))
}

fn dotted(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    scan.one_of(b"-")?;
    let month = scan.exactly(2)?;
    scan.one_of(b"-")?;
    let day = scan.exactly(2)?;
    scan.one_of(b"-")?;
    let hour = scan.exactly(2)?;
    scan.one_of(b".")?;
    let minute = scan.exactly(2)?;
    scan.one_of(b".")?;
    let second = scan.exactly(2)?;
    let clock = scan.finish_clock(hour, minute, second)?;
    // DB2 counts the zone in minutes: `+060`.
    let minutes = match scan.text.get(scan.at..scan.at + 4) {
        Some([sign @ (b'+' | b'-'), digits @ ..]) => number(digits).map(|m| (*sign, m)),
        _ => None,
    };
    let zone = minutes.map(|(sign, minutes)| {
        scan.at += 4;
        i64::from(minutes) * if sign == b'-' { -60 } else { 60 }
    });
    valid(month, day)?;
    Some(scan.done(Day::Full(year, month, day), clock, zone))
}

fn valid(month: u32, day: u32) -> Option<()> {
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(())
}

fn letter(scan: &mut Scan<'_>) {
    let _ = scan.one_of(b"TVDINWECFA");
}

fn eight(scan: &mut Scan<'_>) -> Option<Day> {
    let year = scan.exactly(4).filter(|year| (1970..2100).contains(year))?;
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    Some(Day::Full(i32::try_from(year).ok()?, month, day))
}

fn compact(scan: &mut Scan<'_>) -> Option<Parsed> {
    letter(scan);
    let day = eight(scan)?;
    scan.one_of(b"-T _:,")?;
    scan.rest(day)
}

fn six(scan: &mut Scan<'_>) -> Option<(i64, bool)> {
    scan.split = 0;
    let (hour, minute, second) = (scan.exactly(2)?, scan.exactly(2)?, scan.exactly(2)?);
    scan.finish_clock(hour, minute, second)
}

fn digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let day = eight(scan)?;
    let _ = scan.one_of(b"T ._-");
    let clock = six(scan)?;
    let zone = scan.zone();
    Some(scan.done(day, clock, zone))
}

fn day_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let day = scan.day()?;
    let mark = scan.one_of(b"-/ .")?;
    let month = scan.named_month()?;
    scan.one_of(&[mark])?;
    let year = scan.exactly(4).or_else(|| scan.exactly(2))?;
    scan.between(b": T\t,")?;
    scan.rest(Day::Full(full_year(year), month, day))
}

fn year_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-/ ")?;
    let month = scan.named_month()?;
    scan.one_of(&[mark])?;
    let _ = scan.blanks();
    let day = scan.day()?;
    scan.between(b": T\t,")?;
    scan.rest(Day::Full(year, month, day))
}

fn month_dashed(scan: &mut Scan<'_>) -> Option<Parsed> {
    let month = scan.named_month()?;
    scan.one_of(b"-")?;
    let day = scan.day()?;
    scan.one_of(b"-")?;
    let year = scan.exactly(4).or_else(|| scan.exactly(2))?;
    scan.between(b": T,")?;
    scan.rest(Day::Full(full_year(year), month, day))
}

fn month_day(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let month = scan.named_month()?;
    scan.blanks().or_else(|| scan.one_of(b"/").map(|_| ()))?;
    let day = scan.day()?;
    let _ = scan.one_of(b",/");
    let _ = scan.blanks();
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let comma = scan.one_of(b",");
    let at = scan.text[scan.at..].starts_with(b" at ");
    scan.at += if at { 3 } else { 0 };
    scan.blanks().or_else(|| scan.one_of(b":").map(|_| ())).or(comma.map(|_| ()))?;
    // What Java puts between a time and its half of the day is a narrow blank.
    scan.rest(Day::Full(year, month, day))
}

fn month_day_year_last(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let month = scan.named_month()?;
    scan.blanks()?;
    let day = scan.day()?;
    scan.blanks()?;
    let clock = scan.clock()?;
    let zone = scan.zone();
    scan.split = 0;
    scan.blanks()?;
    let year = scan.exactly(4)?;
    Some(scan.done(Day::Full(i32::try_from(year).ok()?, month, day), clock, zone))
}

fn numbers(scan: &mut Scan<'_>) -> Option<Parsed> {
    let first = scan.short()?;
    let mark = scan.one_of(b"/.-")?;
    let second = scan.short()?;
    scan.one_of(&[mark])?;
    let third = scan.exactly(4).or_else(|| scan.exactly(2))?;
    let _ = scan.one_of(b"-").filter(|_| scan.peek() == Some(b' '));
    scan.between(b" T:,\t_-|;")?;
    let numbers = [first, second, third];
    Order::ALL
        .iter()
        .any(|order| civil(numbers, *order).is_some_and(|(_, _, day)| (1..=31).contains(&day)))
        .then_some(())?;
    let single = !scan.text.get(1).is_some_and(u8::is_ascii_digit);
    let parsed = scan.rest(Day::Numbers(numbers))?;
    Some(Parsed { single, ..parsed })
}

fn six_date(scan: &mut Scan<'_>) -> Option<Day> {
    let year = scan.exactly(2)?;
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    Some(Day::Full(full_year(year), month, day))
}

fn short_compact(scan: &mut Scan<'_>) -> Option<Parsed> {
    letter(scan);
    let day = six_date(scan)?;
    scan.blanks().or_else(|| scan.one_of(b"-T_").map(|_| ()))?;
    scan.rest(day)
}

fn short_digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let day = six_date(scan)?;
    scan.blanks()?;
    let clock = six(scan)?;
    Some(scan.done(day, clock, None))
}

fn minutes(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-/.")?;
    let month = scan.month()?;
    scan.one_of(&[mark])?;
    let day = scan.day()?;
    scan.one_of(b"T ")?;
    let hour = scan.exactly(2)?;
    scan.one_of(b":")?;
    let minute = scan.exactly(2)?;
    (hour < 24 && minute < 60).then_some(())?;
    let zone = scan.zone();
    Some(scan.done(Day::Full(year, month, day), (i64::from(hour * 3600 + minute * 60) * SECOND, false), zone))
}

fn no_year_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let month = scan.named_month()?;
    scan.blanks().or_else(|| scan.one_of(b"-").map(|_| ()))?;
    let day = scan.day()?;
    let _ = scan.one_of(b",");
    scan.blanks()?;
    scan.rest(Day::NoYear(month, day))
}

fn no_year_day(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let day = scan.day()?;
    scan.one_of(b" -")?;
    let month = scan.named_month()?;
    scan.one_of(b" -:")?;
    scan.rest(Day::NoYear(month, day))
}

fn no_year_letter(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.one_of(b"TVDINWECFA")?;
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    scan.blanks()?;
    scan.rest(Day::NoYear(month, day))
}

fn no_year_numbers(scan: &mut Scan<'_>) -> Option<Parsed> {
    let month = scan.exactly(2)?;
    scan.one_of(b"-./")?;
    let day = scan.exactly(2)?;
    valid(month, day)?;
    scan.one_of(b" T")?;
    scan.rest(Day::NoYear(month, day))
}

/// `0303/080000.123456`, as Chromium writes it.
fn no_year_digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    scan.one_of(b"/")?;
    let clock = six(scan)?;
    Some(scan.done(Day::NoYear(month, day), clock, None))
}

fn epoch(scan: &mut Scan<'_>) -> Option<Parsed> {
    let digits = scan.text.iter().take_while(|b| b.is_ascii_digit()).count();
    matches!(digits, 10 | 13 | 16 | 19).then_some(())?;
    scan.at = digits;
    if digits == 10 && scan.peek() == Some(b'.') {
        scan.at += 1 + scan.text[digits + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let at = Stamp::from_epoch(&scan.text[..scan.at])?;
    // 2000 to 2100: other numbers are something else.
    (946_684_800..4_102_444_800).contains(&(at.micros() / SECOND)).then_some(())?;
    Some(scan.done(Day::Epoch(at.micros()), (0, false), Some(0)))
}

/// `@4000000067c5643a12345678`: seconds since 1970 with ten seconds of TAI, and nanoseconds.
fn tai(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.one_of(b"@")?;
    let digits = scan.text.get(1..25)?;
    let hex = |text: &[u8]| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    let (seconds, nanos) = (hex(&digits[..16])?, hex(&digits[16..])?);
    let seconds = i64::try_from(seconds.checked_sub(1 << 62)?).ok()?.checked_sub(10)?;
    scan.at = 25;
    let micros = seconds.checked_mul(SECOND)?.checked_add(i64::try_from(nanos / 1000).ok()?)?;
    Some(scan.done(Day::Epoch(micros), (0, false), Some(0)))
}

fn clock_alone(scan: &mut Scan<'_>) -> Option<Parsed> {
    if let Some(parsed) = scan.rest(Day::None) {
        return Some(parsed);
    }
    scan.at = 0;
    let hour = scan.short()?;
    scan.one_of(b":")?;
    let minute = scan.exactly(2)?;
    let clock = scan.finish_clock(hour, minute, 0).filter(|(_, twelve)| *twelve)?;
    Some(scan.done(Day::None, clock, None))
}

#[cfg(test)]
mod tests;
