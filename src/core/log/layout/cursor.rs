//! Walks through the parts of a date.

use serde::{Deserialize, Serialize};

use crate::log::timestamp::{month_of, number};

const SECOND: i64 = 1_000_000;

/// What the three numbers of a date mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// Whether three letters are the start of a day of the week.
pub(super) fn is_weekday(name: &[u8]) -> bool {
    let [a, b, c] = name else { return false };
    let name = [a, b, c].map(u8::to_ascii_lowercase);
    matches!(&name, b"mon" | b"tue" | b"wed" | b"thu" | b"fri" | b"sat" | b"sun")
}

/// The year of two digits: 1970 to 2069.
pub(super) fn full_year(year: u32) -> i32 {
    let year = i32::try_from(year).unwrap_or(0);
    match year {
        0..70 => 2000 + year,
        70..100 => 1900 + year,
        _ => year,
    }
}

/// The day of a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Day {
    /// A day of the calendar: year, month, day.
    Full(i32, u32, u32),
    /// Month and day.
    NoYear(u32, u32),
    /// Three numbers whose order is not known yet, the last one of four digits or of two.
    Numbers([u32; 3]),
    /// Microseconds since the epoch, where the stamp is a number.
    Epoch(i64),
    /// None: a time of day.
    None,
}

/// A stamp as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) day: Day,
    /// Microseconds since midnight.
    pub(crate) clock: i64,
    /// The offset from UTC in seconds, where one is stated.
    pub(crate) zone: Option<i64>,
    /// How long the stamp is, in bytes.
    pub(crate) len: usize,
    /// Where its time of day starts; 0 where day and clock cannot be told apart.
    pub(crate) split: usize,
    /// Whether the clock counts twelve hours.
    pub(crate) twelve: bool,
    /// Whether the first of three numbers has one digit: then it is no year.
    pub(crate) single: bool,
}

/// A place in a text.
pub(super) struct Scan<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
    /// Where the time of day starts.
    pub(super) split: usize,
}

impl Scan<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub(super) fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|byte| set.contains(byte))?;
        self.at += 1;
        Some(byte)
    }

    /// Exactly `count` digits.
    pub(super) fn exactly(&mut self, count: usize) -> Option<u32> {
        let value = number(self.text.get(self.at..self.at + count)?)?;
        self.at += count;
        Some(value)
    }

    /// One or two digits.
    pub(super) fn short(&mut self) -> Option<u32> {
        self.exactly(2).or_else(|| self.exactly(1))
    }

    pub(super) fn day(&mut self) -> Option<u32> {
        self.short().filter(|day| (1..=31).contains(day))
    }

    pub(super) fn month(&mut self) -> Option<u32> {
        self.short().filter(|month| (1..=12).contains(month))
    }

    /// `Jan`, `January`, also in capitals.
    pub(super) fn named_month(&mut self) -> Option<u32> {
        let letters = self.text[self.at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let month = month_of(&self.text[self.at..self.at + letters])?;
        self.at += letters;
        Some(month)
    }

    pub(super) fn blanks(&mut self) -> Option<()> {
        let blanks = self.text[self.at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at += blanks;
        (blanks > 0).then_some(())
    }

    /// `Mon `, `Mon, `, `Monday, `; nothing where there is no day of the week.
    pub(super) fn weekday(&mut self) -> Option<()> {
        let letters = self.text[self.at..].iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let name = self.text[self.at..self.at + letters].get(..3);
        if letters > 9 || !name.is_some_and(is_weekday) {
            return Some(());
        }
        self.at += letters;
        let comma = self.one_of(b",");
        self.blanks().or(comma.map(|_| ()))
    }

    /// What is between a date and its time: one mark of `set`, behind a comma also a blank, or one of [`JOINS`].
    pub(super) fn between(&mut self, set: &[u8]) -> Option<()> {
        if let Some(join) = JOINS.iter().find(|join| self.text[self.at..].starts_with(join)) {
            self.at += join.len();
            return Some(());
        }
        let mark = self.one_of(set)?;
        if matches!(mark, b',' | b';' | b' ') {
            let _ = self.one_of(b" ");
        }
        Some(())
    }

    /// `h:mm:ss` with a fraction and `AM` or `PM`: microseconds since midnight, and whether it counts twelve hours.
    pub(super) fn clock(&mut self) -> Option<(i64, bool)> {
        self.split = self.at;
        let hour = self.short()?;
        self.one_of(b":")?;
        let minute = self.exactly(2)?;
        self.one_of(b":")?;
        let second = self.exactly(2)?;
        self.finish_clock(hour, minute, second)
    }

    /// `hh:mm` alone.
    pub(super) fn minutes(&mut self) -> Option<(i64, bool)> {
        let hour = self.exactly(2)?;
        self.one_of(b":")?;
        let minute = self.exactly(2)?;
        let ends = self.peek() != Some(b':');
        (hour < 24 && minute < 60 && ends).then(|| (i64::from(hour * 3600 + minute * 60) * SECOND, false))
    }

    pub(super) fn finish_clock(&mut self, hour: u32, minute: u32, second: u32) -> Option<(i64, bool)> {
        (hour < 24 && minute < 60 && second <= 60).then_some(())?;
        let fraction = self.fraction();
        let half = self.half_day();
        let hour = match half {
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
            None => hour,
        };
        // A leap second counts as the one before it.
        Some((i64::from(hour * 3600 + minute * 60 + second.min(59)) * SECOND + fraction, half.is_some()))
    }

    /// Behind `.` or `,` any digits, behind `:` three or six, or a number of milliseconds.
    pub(super) fn fraction(&mut self) -> i64 {
        let Some(mark @ (b'.' | b',' | b':')) = self.peek() else { return 0 };
        let digits = &self.text[self.at + 1..];
        let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let alone = !digits.get(len).is_some_and(|b| matches!(b, b':' | b'.') || b.is_ascii_alphabetic() && *b != b'Z');
        let micros = match (mark, len) {
            (_, 0) => return 0,
            (b':', 1 | 2) if alone => i64::from(number(&digits[..len]).unwrap_or(0)) * 1000,
            (b':', 3 | 6) | (b'.' | b',', _) => fraction(&digits[..len]),
            _ => return 0,
        };
        self.at += 1 + len;
        micros
    }

    /// `-060"`: minutes before or behind UTC, in seconds, at the end of a text in quotes.
    pub(super) fn minutes_from_utc(&mut self) -> Option<i64> {
        let [sign @ (b'+' | b'-'), digits @ ..] = self.text.get(self.at..)? else { return None };
        let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        let minutes = number(&digits[..len]).filter(|_| digits.get(len) == Some(&b'"'))?;
        self.at += 1 + len;
        // The sign is that of what is to be added to come to UTC.
        Some(i64::from(minutes) * if *sign == b'-' { 60 } else { -60 })
    }

    /// Whether `PM`; none if neither `AM` nor `PM` follows.
    pub(super) fn half_day(&mut self) -> Option<bool> {
        let start = self.at + usize::from(self.peek() == Some(b' '));
        let word = self.text.get(start..start + 2)?;
        let afternoon = match &word.to_ascii_uppercase()[..] {
            b"AM" => false,
            b"PM" => true,
            _ => return None,
        };
        (!self.text.get(start + 2).is_some_and(u8::is_ascii_alphanumeric)).then_some(())?;
        self.at = start + 2;
        Some(afternoon)
    }

    /// `Z`, `+05:30`, `-0500`, ` +00`, ` UTC`, ` GMT`; of other names only that they are names of zones.
    pub(super) fn zone(&mut self) -> Option<i64> {
        let start = self.at + usize::from(self.peek() == Some(b' '));
        let rest = self.text.get(start..)?;
        match rest {
            [sign @ (b'+' | b'-'), digits @ ..] => {
                let hours = number(digits.get(..2)?).filter(|h| *h < 24)?;
                let colon = usize::from(digits.get(2) == Some(&b':'));
                let minutes = digits.get(2 + colon..4 + colon).and_then(number).filter(|m| *m < 60);
                // Hours alone only where nothing follows that could belong to them: ` -12 rows` is no zone.
                let end = match minutes {
                    Some(_) => 4 + colon,
                    None if start == self.at && !digits.get(2).is_some_and(u8::is_ascii_alphanumeric) => 2,
                    None => return None,
                };
                (!digits.get(end).is_some_and(u8::is_ascii_digit)).then_some(())?;
                self.at = start + 1 + end;
                let seconds = i64::from(hours * 3600 + minutes.unwrap_or(0) * 60);
                Some(if *sign == b'-' { -seconds } else { seconds })
            }
            // Behind a blank only where the stamp ends with it.
            [b'Z' | b'z', after @ ..]
                if !after.first().is_some_and(u8::is_ascii_alphanumeric) && (start == self.at || after.is_empty()) =>
            {
                self.at = start + 1;
                Some(0)
            }
            _ => {
                // In brackets too, as in `[UTC]`.
                let letters = rest.iter().take_while(|b| b.is_ascii_uppercase()).count();
                let name = &rest[..letters];
                let ends = !rest.get(letters).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
                (start > self.at && ends && ZONES.contains(&name)).then_some(())?;
                self.at = start + letters;
                (name == b"UTC" || name == b"GMT").then_some(0)
            }
        }
    }

    pub(super) fn done(&self, day: Day, (clock, twelve): (i64, bool), zone: Option<i64>) -> Parsed {
        Parsed { day, clock, zone, len: self.at, split: self.split, twelve, single: false }
    }

    /// A clock and a zone, and with them the stamp.
    pub(super) fn rest(&mut self, day: Day) -> Option<Parsed> {
        let clock = self.clock()?;
        let zone = self.zone();
        Some(self.done(day, clock, zone))
    }
}

/// What is between a date and its time where they are fields of their own, in quotes, brackets or a pair.
const JOINS: [&[u8]; 17] = [
    b"\" \"",
    b"\",\"",
    b"\"\t\"",
    b"\";\"",
    b"][",
    b"] [",
    b" | ",
    b" - ",
    b" -- ",
    b". ",
    b"::",
    b" time=",
    b" > ",
    b" at ",
    b"\" date=\"",
    b" date=",
    b" On date: ",
];

/// Names of zones that are passed over, because a name alone is not certain enough to shift a time by.
const ZONES: [&[u8]; 22] = [
    b"UTC", b"GMT", b"CET", b"CEST", b"EET", b"EEST", b"WET", b"WEST", b"BST", b"IST", b"MSK", b"EST", b"EDT", b"CST",
    b"CDT", b"MST", b"MDT", b"PST", b"PDT", b"JST", b"KST", b"AEST",
];

fn fraction(digits: &[u8]) -> i64 {
    digits.iter().take(6).fold((0, 100_000), |(sum, unit), b| (sum + i64::from(b - b'0') * unit, unit / 10)).0
}

/// The zone at the start of a text: its offset in seconds, where the offset is certain, and its length.
pub(super) fn zone(text: &[u8]) -> (Option<i64>, usize) {
    match text {
        [b'Z' | b'+' | b'-', ..] | [b' ', b'+' | b'-' | b'A'..=b'Z', ..] => {
            let mut scan = Scan { text, at: 0, split: 0 };
            let zone = scan.zone();
            (zone, scan.at)
        }
        _ => (None, 0),
    }
}
