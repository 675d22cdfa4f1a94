//! Dates at the start of text, read byte by byte. A format of another shape is a row of `layout/date_formats.rs`.

use crate::time::{self, Stamp};

/// The date and time at the start of a text, and how many bytes they take. No offset means UTC.
pub(crate) fn leading_time(text: &[u8]) -> Option<(Stamp, usize)> {
    let (date, rest) = text.split_at_checked(10)?;
    let year = i32::try_from(number(&date[..4])?).ok()?;
    let separator = date[4];
    (matches!(separator, b'-' | b'/' | b'.') && date[7] == separator).then_some(())?;
    let (month, day) = (number(&date[5..7])?, number(&date[8..])?);
    matches!(rest.first()?, b' ' | b'T' | b'_').then_some(())?;
    let (clock, len) = time_of_day(&rest[1..])?;
    let at = Stamp::civil(year, month, day, clock)?;
    let mut end = 11 + len;
    let mut offset = 0;
    let zone = &text[end..];
    if zone.first() == Some(&b'Z') {
        end += 1;
    } else {
        let blank = usize::from(zone.first() == Some(&b' '));
        if let Some(sign @ (b'+' | b'-')) = zone.get(blank) {
            let digits = &zone[blank + 1..];
            let colon = usize::from(digits.get(2) == Some(&b':'));
            let hours = digits.get(..2).and_then(number);
            let minutes = digits.get(2 + colon..4 + colon).and_then(number);
            if let (Some(hours @ 0..24), Some(minutes @ 0..60)) = (hours, minutes) {
                offset = i64::from(hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 };
                end += blank + 5 + colon;
            }
        }
    }
    Some((Stamp::from_micros(at.micros() - offset * 1_000_000)?, end))
}

/// `HH:MM:SS` with a fraction after `.` or `,`: the microseconds since midnight, and how many bytes they take.
pub(crate) fn time_of_day(text: &[u8]) -> Option<(i64, usize)> {
    let clock = text.get(..8)?;
    (clock[2] == b':' && clock[5] == b':').then_some(())?;
    let (hour, minute, second) = (number(&clock[..2])?, number(&clock[3..5])?, number(&clock[6..])?);
    (hour < 24 && minute < 60 && second < 60).then_some(())?;
    let mut micros = i64::from(hour * 3600 + minute * 60 + second) * 1_000_000;
    let mut len = 8;
    if matches!(text.get(8), Some(b'.' | b',')) {
        let digits = text[9..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut unit = 100_000;
        for digit in text[9..9 + digits].iter().take(6) {
            micros += i64::from(digit - b'0') * unit;
            unit /= 10;
        }
        len = if digits > 0 { 9 + digits } else { 8 };
    }
    Some((micros, len))
}

/// The date without a year, in the last year that puts it before `written` (with a day of grace for time zones).
pub(crate) fn in_year_before(written: Stamp, month: u32, day: u32, clock: i64) -> Option<Stamp> {
    let latest = written.plus(std::time::Duration::from_secs(86_400));
    // The average length of a year.
    const YEAR: i64 = 31_556_952_000_000;
    // This is wrong by one at most.
    let this_year = 1970 + i32::try_from(written.micros().div_euclid(YEAR)).ok()?;
    // Years start within two days of when their average length says.
    let starts_late = |year: &i32| i64::from(year - 1970) * YEAR - 3 * 86_400_000_000 > latest.micros();
    // Eight years back there was a 29 February for certain.
    (this_year - 9..=this_year + 2)
        .rev()
        .skip_while(starts_late)
        .filter_map(|year| Stamp::civil(year, month, day, clock))
        .find(|at| *at <= latest)
}

/// The number of a month by its English name, whole or its first three letters, in any case but all small.
pub(crate) fn month_of(name: &[u8]) -> Option<u32> {
    time::month(name).filter(|_| name[0].is_ascii_uppercase())
}

/// The value of digits alone, fewer than ten of them.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    (!digits.is_empty() && digits.len() < 10).then_some(())?;
    digits.iter().try_fold(0, |value, b| b.is_ascii_digit().then(|| value * 10 + u32::from(b - b'0')))
}
