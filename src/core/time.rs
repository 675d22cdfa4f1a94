//! Instants and lengths of time, as the formats write them and as people type them.

mod duration;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc, Weekday};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

pub use duration::{duration_text, human_duration, human_seconds, parse_duration, reaches, tolerance};

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z: the range of the formats.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// An instant in UTC, exact to the microsecond, within the years 1 to 9999.
///
/// Written as `2025-01-06T00:00:00+00:00`, with a six-digit fraction where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(i64);

impl Stamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// The instant `micros` microseconds after the Unix epoch; `None` outside the years 1 to 9999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        RANGE.contains(&micros).then_some(Self(micros))
    }

    /// The instant `seconds` after the Unix epoch; `None` outside the years 1 to 9999.
    pub fn from_seconds(seconds: i64) -> Option<Self> {
        Self::from_micros(seconds.checked_mul(MICROS)?)
    }

    /// The instant `micros` microseconds after the midnight (UTC) that starts a day of the calendar; `None` for days that
    /// do not exist and outside the years 1 to 9999.
    pub fn civil(year: i32, month: u32, day: u32, micros: i64) -> Option<Self> {
        const DAY: i64 = 86_400 * MICROS;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + u32::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (1..=last).contains(&day).then_some(())?;
        // Years are taken to start in March, so that the leap day is their last.
        let (year, month) = if month > 2 { (i64::from(year), month - 3) } else { (i64::from(year) - 1, month + 9) };
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = year * 365 + leaps + i64::from((153 * month + 2) / 5 + day - 1) - 719_468;
        Self::from_micros(days.checked_mul(DAY)?.checked_add(micros)?)
    }

    /// A number since the epoch: seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude (seconds
    /// until the year 5138). `None` for 0, which stands for "not known", and for what is no number.
    pub fn from_epoch(digits: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(digits).ok()?;
        if let Ok(number) = text.parse::<i64>() {
            return Self::from_micros(match number.unsigned_abs() {
                0 => return None,
                1..100_000_000_000 => number.checked_mul(1_000_000)?,
                100_000_000_000..100_000_000_000_000 => number.checked_mul(1000)?,
                100_000_000_000_000..100_000_000_000_000_000 => number,
                _ => number.div_euclid(1000),
            });
        }
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite() && *n != 0.0)?;
        let micros = match number.abs() {
            n if n < 1e11 => number * 1e6,
            n if n < 1e14 => number * 1e3,
            n if n < 1e17 => number,
            n if n < 1e20 => number / 1e3,
            _ => return None,
        };
        Self::from_micros(micros.round_ties_even() as i64)
    }

    /// Microseconds since the Unix epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to `self`; negative when `self` is the earlier one.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        micros_to_seconds(self.0 - earlier.0)
    }

    /// The time from `earlier` to `self`, zero when `self` is the earlier one.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The instant `by` later, held at the end of the range.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(by).min(*RANGE.end()))
    }

    /// The instant `by` earlier, held at the start of the range.
    #[must_use]
    pub fn minus(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(by).max(*RANGE.start()))
    }

    /// The same instant as chrono knows it, for calendars.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// `2025-01-06`: the UTC day.
    pub fn day(self) -> NaiveDate {
        self.utc().date_naive()
    }

    /// `20250106T000000Z`: for names of files and runs.
    pub fn slug(self) -> String {
        self.utc().format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// `2025-01-06T00:00:00.000Z`: the form of the staging documents, cut to milliseconds.
    pub fn millis_z(self) -> String {
        self.utc().format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }

    /// `2025-01-06 00:00:00Z`: for people; seconds are enough on a screen.
    pub fn human(self) -> String {
        self.utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
    }

    /// Reads an ISO 8601 date or date-time: week dates and unpunctuated forms too, any separator between
    /// date and time, fractions after `.` or `,` (cut to microseconds), an offset or a final `Z`; UTC where
    /// no offset is given. `None` for everything else: month 13, 24:00, second 60, words.
    pub fn parse(text: &str) -> Option<Self> {
        parse_common(text.as_bytes()).or_else(|| {
            let text = text.trim_matches(is_blank);
            // More digits than a date has are a number, whatever could be read as a separator.
            let number = text.len() > 8 && text.bytes().all(|b| b.is_ascii_digit());
            if number { None } else { parse_iso(text) }
        })
    }

    /// [`Self::parse`] for bytes.
    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        parse_common(text).or_else(|| Self::parse(std::str::from_utf8(text).ok()?))
    }
}

/// The form of nearly all times, `2025-01-06T00:00:00.123456` with `Z` or `+00:00`, without any detours.
fn parse_common(text: &[u8]) -> Option<Stamp> {
    let (clock, rest) = text.split_first_chunk::<19>()?;
    let two = |at: usize| {
        let (tens, ones) = (clock[at].wrapping_sub(b'0'), clock[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| u32::from(tens * 10 + ones))
    };
    let shaped = clock[4] == b'-' && clock[7] == b'-' && clock[10] == b'T' && clock[13] == b':' && clock[16] == b':';
    shaped.then_some(())?;
    let (mut part, mut zone) = (0, rest);
    if let [b'.', digits @ ..] = rest {
        let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        (len > 0).then_some(())?;
        let known = &digits[..len.min(6)];
        part = known.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')) * 10_i64.pow(6 - known.len() as u32);
        zone = &digits[len..];
    }
    (zone == b"Z" || zone == b"+00:00").then_some(())?;
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    (hour < 24 && minute < 60 && second < 60).then_some(())?;
    let micros = i64::from(hour * 3600 + minute * 60 + second) * MICROS + part;
    Stamp::civil(i32::try_from(two(0)? * 100 + two(2)?).ok()?, two(5)?, two(8)?, micros)
}

/// The number of a month by its English name, whole or its first three letters, in any case.
pub fn month(name: &[u8]) -> Option<u32> {
    let (start, rest) = name.split_first_chunk::<3>()?;
    let (number, end): (u32, &[u8]) = match &start.map(|b| b.to_ascii_lowercase()) {
        b"jan" => (1, b"uary"),
        b"feb" => (2, b"ruary"),
        b"mar" => (3, b"ch"),
        b"apr" => (4, b"il"),
        b"may" => (5, b""),
        b"jun" => (6, b"e"),
        b"jul" => (7, b"y"),
        b"aug" => (8, b"ust"),
        b"sep" => (9, b"tember"),
        b"oct" => (10, b"ober"),
        b"nov" => (11, b"ember"),
        b"dec" => (12, b"ember"),
        _ => return None,
    };
    (rest.is_empty() || rest.eq_ignore_ascii_case(end)).then_some(number)
}

/// Blank as the formats define it: Unicode white space and the four ASCII separators U+001C to U+001F.
pub fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn micros_to_seconds(micros: i64) -> f64 {
    // Whole and part are exact on their own, so the sum is the nearest float to the true value.
    micros as f64 / MICROS as f64
}

impl From<DateTime<Utc>> for Stamp {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros().clamp(*RANGE.start(), *RANGE.end()))
    }
}

impl From<std::time::SystemTime> for Stamp {
    fn from(at: std::time::SystemTime) -> Self {
        DateTime::<Utc>::from(at).into()
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.utc();
        let (y, mo, d, h, mi, s) = (at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second());
        write!(f, "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}")?;
        match self.0.rem_euclid(MICROS) {
            0 => {}
            part => write!(f, ".{part:06}")?,
        }
        f.write_str("+00:00")
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("not an ISO 8601 time: {text:?}")))
    }
}

/// Takes `n` digits from the front of `rest`.
fn digits(rest: &mut &[u8], n: usize) -> Option<u32> {
    let (head, tail) = rest.split_at_checked(n)?;
    let mut value = 0;
    for byte in head {
        value = value * 10 + u32::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    *rest = tail;
    Some(value)
}

fn eat(rest: &mut &[u8], byte: u8) -> bool {
    match rest.split_first() {
        Some((first, tail)) if *first == byte => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

fn parse_iso(text: &str) -> Option<Stamp> {
    let mut rest = text.as_bytes();
    let date = parse_date(&mut rest)?;
    let mut micros = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
    if !rest.is_empty() {
        // Whatever separates date and time is one character, which may be longer than a byte.
        let skip = std::str::from_utf8(rest).ok()?.chars().next()?.len_utf8();
        rest = &rest[skip..];
        let (clock, offset) = parse_clock(rest)?;
        micros = micros.checked_add(clock)?.checked_sub(offset)?;
    }
    Stamp::from_micros(micros)
}

fn parse_date(rest: &mut &[u8]) -> Option<NaiveDate> {
    let year = i32::try_from(digits(rest, 4)?).ok().filter(|year| *year > 0)?;
    let dashed = eat(rest, b'-');
    if eat(rest, b'W') {
        let week = digits(rest, 2)?;
        let day = match (dashed, rest.first()) {
            (true, Some(b'-')) if rest.get(1).is_some_and(u8::is_ascii_digit) => {
                eat(rest, b'-');
                digits(rest, 1)?
            }
            (false, Some(b'0'..=b'9')) => digits(rest, 1)?,
            _ => 1,
        };
        let weekday = Weekday::try_from(u8::try_from(day.checked_sub(1)?).ok()?).ok()?;
        return NaiveDate::from_isoywd_opt(year, week, weekday);
    }
    let month = digits(rest, 2)?;
    if dashed && !eat(rest, b'-') {
        return None;
    }
    NaiveDate::from_ymd_opt(year, month, digits(rest, 2)?)
}

/// The time of day and the offset from UTC, both in microseconds.
fn parse_clock(mut rest: &[u8]) -> Option<(i64, i64)> {
    let clock = parse_hms(&mut rest, true)?;
    if rest.is_empty() || rest == b"Z" {
        return Some((clock, 0));
    }
    eat(&mut rest, b' ');
    let sign = match rest.split_first()? {
        (b'+', tail) => {
            rest = tail;
            1
        }
        (b'-', tail) => {
            rest = tail;
            -1
        }
        _ => return None,
    };
    let offset = parse_hms(&mut rest, false)?;
    rest.is_empty().then_some((clock, sign * offset))
}

/// `HH[:MM[:SS[.f]]]` or the same without colons.
fn parse_hms(rest: &mut &[u8], clock: bool) -> Option<i64> {
    let mut seconds = i64::from(digits(rest, 2).filter(|h| *h < 24)?) * 3600;
    let colons = eat(rest, b':');
    let more = |rest: &[u8]| rest.first().is_some_and(u8::is_ascii_digit);
    let mut part = 0;
    if colons || more(rest) {
        seconds += i64::from(digits(rest, 2).filter(|m| *m < 60)?) * 60;
        let again = if colons { eat(rest, b':') } else { more(rest) };
        if again {
            seconds += i64::from(digits(rest, 2).filter(|s| *s < 60)?);
            part = parse_fraction(rest, clock)?;
        }
    }
    Some(seconds * MICROS + part)
}

fn parse_fraction(rest: &mut &[u8], clock: bool) -> Option<i64> {
    if !matches!(rest.first(), Some(b'.' | b',')) {
        return Some(0);
    }
    let len = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
    if len == 0 && !(clock && rest.len() > 1) {
        return None;
    }
    let mut part = 0;
    for i in 0..6 {
        part = part * 10 + if i < len { i64::from(rest[1 + i] - b'0') } else { 0 };
    }
    *rest = &rest[1 + len..];
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_formats_write_them() {
        for (text, expect) in [
            ("2025-01-06T00:00:00Z", Some("2025-01-06T00:00:00+00:00")),
            ("2025-01-06", Some("2025-01-06T00:00:00+00:00")),
            ("20250106T010203", Some("2025-01-06T01:02:03+00:00")),
            ("2025-W02-1", Some("2025-01-06T00:00:00+00:00")),
            ("2025W021", Some("2025-01-06T00:00:00+00:00")),
            ("2025-01-06 05:30:00,123456789+05:30", Some("2025-01-06T00:00:00.123456+00:00")),
            ("2025-01-06T00:00:00 -0100", Some("2025-01-06T01:00:00+00:00")),
            ("2025-01-06T00:00:00.+01:00", Some("2025-01-05T23:00:00+00:00")),
            ("2025-01-06T12", Some("2025-01-06T12:00:00+00:00")),
            ("2025-01-06T00:00:00.", None),
            ("2025-01-06T00:00:00z", None),
            ("2025-1-6T00:00:00", None),
            ("2025-01-06T24:00:00", None),
            ("2025-01-06T23:59:60", None),
            ("2025-02-30T00:00:00", None),
            ("2025-01", None),
            ("0001-01-01T00:00:00+05:00", None),
            ("1736121600", None),
            ("2025-01-06T00:00:00 UTC", None),
        ] {
            assert_eq!(Stamp::parse(text).map(|at| at.to_string()).as_deref(), expect, "{text:?}");
        }
    }

    #[test]
    fn numbers_since_the_epoch_are_told_apart_by_magnitude() {
        for digits in
            ["1736121600", "1736121600.0", "1736121600000", "1736121600000000", "1736121600000000000", "1.7361216e9"]
        {
            assert_eq!(Stamp::from_epoch(digits.as_bytes()), Stamp::parse("2025-01-06"), "{digits}");
        }
        for digits in ["0", "NaN", "Infinity", "1e30", "99999999999999999999999"] {
            assert_eq!(Stamp::from_epoch(digits.as_bytes()), None, "{digits}");
        }
    }
}
