//! Reads dates and times, one function for each shape.

use super::cursor::{Day, Order, Parsed, Scan, civil, full_year};
use crate::log::timestamp::number;
use crate::time::Stamp;

const SECOND: i64 = 1_000_000;

pub(super) fn iso(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = scan.exactly(4)?;
    let mark = scan.one_of(b"-/.:")?;
    let month = scan.month()?;
    scan.one_of(&[mark])?;
    let day = scan.day()?;
    scan.between(b"T _:.-,;\t|")?;
    scan.rest(Day::Full(i32::try_from(year).ok()?, month, day))
}

pub(super) fn ordinal(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    scan.one_of(b"-")?;
    let day = scan.exactly(3)?;
    scan.one_of(b"T ")?;
    let date = chrono::NaiveDate::from_yo_opt(year, day)?;
    scan.rest(Day::Full(year, chrono::Datelike::month(&date), chrono::Datelike::day(&date)))
}

/// `25072 08:00:00.12`: year and day of the year, as z/OS writes them, always with hundredths of a second.
pub(super) fn short_ordinal(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = if scan.text.get(5) == Some(&b' ') { full_year(scan.exactly(2)?) } else { full_year(scan.exactly(4)?) };
    let date = chrono::NaiveDate::from_yo_opt(year, scan.exactly(3)?)?;
    scan.one_of(b" ")?;
    let parsed = scan.rest(Day::Full(year, chrono::Datelike::month(&date), chrono::Datelike::day(&date)))?;
    (scan.text[..parsed.len].iter().rev().position(|b| *b == b'.') == Some(2)).then_some(parsed)
}

pub(super) fn dotted(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-./")?;
    let month = scan.exactly(2)?;
    scan.one_of(&[mark])?;
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

pub(super) fn compact(scan: &mut Scan<'_>) -> Option<Parsed> {
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

pub(super) fn digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let day = eight(scan)?;
    let _ = scan.one_of(b"T ._-:");
    let clock = six(scan)?;
    let zone = scan.zone();
    Some(scan.done(day, clock, zone))
}

pub(super) fn day_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let day = scan.day()?;
    // `13Mar2025` has no marks.
    let mark = scan.one_of(b"-/ .");
    let month = scan.named_month()?;
    if let Some(mark) = mark {
        scan.one_of(&[mark])?;
    }
    let year = scan.exactly(4).or_else(|| mark.and_then(|_| scan.exactly(2)))?;
    scan.between(b": T\t,")?;
    scan.rest(Day::Full(full_year(year), month, day))
}

pub(super) fn year_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-/ ")?;
    let month = scan.named_month()?;
    scan.one_of(&[mark])?;
    let _ = scan.blanks();
    let day = scan.day()?;
    scan.between(b": T\t,")?;
    scan.rest(Day::Full(year, month, day))
}

pub(super) fn month_dashed(scan: &mut Scan<'_>) -> Option<Parsed> {
    let month = scan.named_month()?;
    scan.one_of(b"-")?;
    let day = scan.day()?;
    scan.one_of(b"-")?;
    let year = scan.exactly(4).or_else(|| scan.exactly(2))?;
    scan.between(b": T,")?;
    scan.rest(Day::Full(full_year(year), month, day))
}

pub(super) fn month_day(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let month = scan.named_month()?;
    scan.blanks().or_else(|| scan.one_of(b"/").map(|_| ()))?;
    let day = scan.day()?;
    let _ = scan.one_of(b",/");
    let _ = scan.blanks();
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let comma = scan.one_of(b",");
    if scan.between(b"").is_none() {
        scan.blanks().or_else(|| scan.one_of(b":").map(|_| ())).or(comma.map(|_| ()))?;
    }
    // What Java puts between a time and its half of the day is a narrow blank.
    scan.rest(Day::Full(year, month, day))
}

pub(super) fn month_day_year_last(scan: &mut Scan<'_>) -> Option<Parsed> {
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

/// Day, month and year in an order that is not known yet.
fn three_numbers(scan: &mut Scan<'_>) -> Option<Day> {
    let start = scan.at;
    let first = scan.short()?;
    let mark = scan.one_of(b"/.- ")?;
    let second = scan.short()?;
    scan.one_of(&[mark])?;
    let third = scan.exactly(4).or_else(|| scan.exactly(2))?;
    // Between blanks only `26 11 2026` is a date.
    (mark != b' ' || scan.at - start == 10).then_some(())?;
    let numbers = [first, second, third];
    let day = |order: &Order| civil(numbers, *order).is_some_and(|(_, _, day)| (1..=31).contains(&day));
    Order::ALL.iter().any(day).then_some(Day::Numbers(numbers))
}

pub(super) fn numbers(scan: &mut Scan<'_>) -> Option<Parsed> {
    let day = three_numbers(scan)?;
    let _ = scan.one_of(b"-").filter(|_| scan.peek() == Some(b' '));
    scan.between(b" T:,\t_-|;")?;
    let single = !scan.text.get(1).is_some_and(u8::is_ascii_digit);
    let parsed = scan.rest(day)?;
    Some(Parsed { single, ..parsed })
}

fn six_date(scan: &mut Scan<'_>) -> Option<Day> {
    let year = scan.exactly(2)?;
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    Some(Day::Full(full_year(year), month, day))
}

pub(super) fn short_compact(scan: &mut Scan<'_>) -> Option<Parsed> {
    letter(scan);
    let day = six_date(scan)?;
    scan.blanks().or_else(|| scan.one_of(b"-T_").map(|_| ()))?;
    scan.rest(day)
}

pub(super) fn short_digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let day = six_date(scan)?;
    scan.blanks().or_else(|| scan.one_of(b"/").map(|_| ()))?;
    let clock = six(scan)?;
    Some(scan.done(day, clock, None))
}

pub(super) fn minutes(scan: &mut Scan<'_>) -> Option<Parsed> {
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-/.")?;
    let month = scan.month()?;
    scan.one_of(&[mark])?;
    let day = scan.day()?;
    scan.one_of(b"T ")?;
    let clock = scan.minutes()?;
    let zone = scan.zone();
    Some(scan.done(Day::Full(year, month, day), clock, zone))
}

pub(super) fn no_year_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let month = scan.named_month()?;
    // `Mar13 08:00:00` has two digits.
    let day = match scan.blanks().or_else(|| scan.one_of(b"-").map(|_| ())) {
        Some(()) => scan.day()?,
        None => scan.exactly(2).filter(|day| (1..=31).contains(day))?,
    };
    let _ = scan.one_of(b",");
    scan.blanks()?;
    scan.rest(Day::NoYear(month, day))
}

pub(super) fn no_year_day(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.weekday()?;
    let day = scan.day()?;
    scan.one_of(b" -")?;
    let month = scan.named_month()?;
    scan.one_of(b" -:")?;
    scan.rest(Day::NoYear(month, day))
}

pub(super) fn no_year_letter(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.one_of(b"TVDINWECFA")?;
    let digits = scan.text[scan.at..].iter().take_while(|b| b.is_ascii_digit()).count();
    // PyTorch writes the month as a number: `E313`.
    let (month, day) = (scan.exactly(if digits == 3 { 1 } else { 2 })?, scan.exactly(2)?);
    valid(month, day)?;
    scan.blanks()?;
    scan.rest(Day::NoYear(month, day))
}

pub(super) fn no_year_numbers(scan: &mut Scan<'_>) -> Option<Parsed> {
    let month = scan.exactly(2)?;
    let mark = scan.one_of(b"-./")?;
    let day = scan.exactly(2)?;
    valid(month, day)?;
    // `03/13-08:00:00`, as Snort writes it.
    scan.one_of(if mark == b'/' { b" T|-" } else { b" T|" })?;
    scan.rest(Day::NoYear(month, day))
}

/// `0303/080000.123456`, as Chromium writes it.
pub(super) fn no_year_digits(scan: &mut Scan<'_>) -> Option<Parsed> {
    let (month, day) = (scan.exactly(2)?, scan.exactly(2)?);
    valid(month, day)?;
    scan.one_of(b"/")?;
    let clock = six(scan)?;
    Some(scan.done(Day::NoYear(month, day), clock, None))
}

pub(super) fn no_year_minutes(scan: &mut Scan<'_>) -> Option<Parsed> {
    let month = scan.exactly(2)?;
    scan.one_of(b"-/")?;
    let day = scan.exactly(2)?;
    valid(month, day)?;
    scan.one_of(b" ")?;
    let clock = scan.minutes()?;
    Some(scan.done(Day::NoYear(month, day), clock, None))
}

pub(super) fn clock_iso(scan: &mut Scan<'_>) -> Option<Parsed> {
    let clock = scan.clock()?;
    scan.split = 0;
    scan.between(b" ,")?;
    let year = i32::try_from(scan.exactly(4)?).ok()?;
    let mark = scan.one_of(b"-/.")?;
    let month = scan.month()?;
    scan.one_of(&[mark])?;
    let day = scan.day()?;
    Some(scan.done(Day::Full(year, month, day), clock, None))
}

pub(super) fn clock_numbers(scan: &mut Scan<'_>) -> Option<Parsed> {
    let clock = scan.clock()?;
    scan.split = 0;
    // Before the name of the date, an offset is in minutes: `time="08:00:00.123-060" date="03-13-2025"`.
    let offset = scan.minutes_from_utc();
    scan.between(b" ,")?;
    let start = scan.at;
    let day = three_numbers(scan)?;
    let single = !scan.text.get(start + 1).is_some_and(u8::is_ascii_digit);
    Some(Parsed { single, ..scan.done(day, clock, offset) })
}

/// `08:00 13 Mar 25`, also with seconds.
pub(super) fn clock_month(scan: &mut Scan<'_>) -> Option<Parsed> {
    let clock = scan.clock().or_else(|| {
        scan.at = 0;
        scan.minutes()
    })?;
    scan.split = 0;
    scan.between(b" ,")?;
    let day = scan.day()?;
    let mark = scan.one_of(b"- ")?;
    let month = scan.named_month()?;
    scan.one_of(&[mark])?;
    let year = scan.exactly(4).or_else(|| scan.exactly(2))?;
    Some(scan.done(Day::Full(full_year(year), month, day), clock, None))
}

pub(super) fn epoch(scan: &mut Scan<'_>) -> Option<Parsed> {
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
pub(super) fn tai(scan: &mut Scan<'_>) -> Option<Parsed> {
    scan.one_of(b"@")?;
    let digits = scan.text.get(1..25)?;
    let hex = |text: &[u8]| u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok();
    let (seconds, nanos) = (hex(&digits[..16])?, hex(&digits[16..])?);
    let seconds = i64::try_from(seconds.checked_sub(1 << 62)?).ok()?.checked_sub(10)?;
    scan.at = 25;
    let micros = seconds.checked_mul(SECOND)?.checked_add(i64::try_from(nanos / 1000).ok()?)?;
    Some(scan.done(Day::Epoch(micros), (0, false), Some(0)))
}

pub(super) fn clock_alone(scan: &mut Scan<'_>) -> Option<Parsed> {
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
