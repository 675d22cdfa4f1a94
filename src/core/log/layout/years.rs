//! The years of stamps without one: those that keep the file in order, fit the full dates in it, and are before the time of
//! the file.

use super::date_formats::{self, Day, Order, Shape};
use super::text::starts;
use crate::time::Stamp;

/// A step of more days than this is a turn of the year.
const TURN: i32 = 180;
/// The shapes without a year.
const YEARLESS: [Shape; 6] = [
    Shape::NoYearMonth,
    Shape::NoYearDay,
    Shape::NoYearLetter,
    Shape::NoYearNumbers,
    Shape::NoYearDigits,
    Shape::NoYearMinutes,
];

/// Whether a shape states no year.
pub(super) fn is_yearless(shape: Shape) -> bool {
    YEARLESS.contains(&shape)
}

/// How many letters are before the day: that of the level, which changes from line to line.
fn letters(shape: Shape) -> usize {
    usize::from(shape == Shape::NoYearLetter)
}

/// The year from each of some offsets in a text on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Years(Vec<(u64, i32)>);

impl Years {
    /// The instant before which a stamp at this offset has its last occurrence; none if nothing was learnt.
    pub(crate) fn written(&self, offset: u64) -> Option<Stamp> {
        let behind = self.0.partition_point(|(start, _)| *start <= offset);
        let (_, year) = self.0.get(behind.saturating_sub(1))?;
        // A day of grace is given to stamps later than this.
        Stamp::civil(*year, 12, 30, 86_399_999_999)
    }

    /// Whether the year changes within the text.
    pub(crate) fn turns(&self) -> bool {
        self.0.len() > 1
    }
}

/// The stamps of a text in their order.
#[derive(Debug, Default)]
pub struct Chain {
    /// The number of the year, counted from that of the first stamp, from each offset on.
    turns: Vec<(u64, i32)>,
    /// The year of number 0 as full dates tell it, from each offset on.
    anchors: Vec<(u64, i32)>,
    /// The last stamp: the number of its year, its day, and whether it states a year.
    last: Option<(i32, i32)>,
    /// The newest stamp: the number of its year, its month and day.
    newest: Option<(i32, u32, u32)>,
    /// The numbers of years that have a 29 February.
    leaps: Vec<i32>,
    /// Where and in which shape the last stamp was.
    place: Option<(Shape, usize)>,
    /// The text of the day that was taken in last, up to the time of day.
    text: Vec<u8>,
}

impl Chain {
    /// Takes in a line that starts at `offset`.
    pub fn add(&mut self, offset: u64, line: &[u8]) {
        // Most stamps are of the day of the one before.
        if let Some((shape, start)) = self.place
            && !self.text.is_empty()
            && line.get(start + letters(shape)..).is_some_and(|line| line.starts_with(&self.text))
        {
            return;
        }
        self.text.clear();
        let Some((year, month, day)) = self.find(line) else { return };
        let ordinal = i32::try_from(month * 31 + day).unwrap_or(0) - 32;
        let number = match self.last {
            Some((number, before)) if before - ordinal > TURN => number + 1,
            Some((number, before)) if ordinal - before > TURN => number - 1,
            Some((number, _)) => number,
            None => 0,
        };
        self.last = Some((number, ordinal));
        if self.turns.last().is_none_or(|(_, last)| *last != number) {
            self.turns.push((offset, number));
        }
        match year {
            Some(year) => {
                let base = year - number;
                if self.anchors.last().is_none_or(|(_, last)| *last != base) {
                    self.anchors.push((offset, base));
                }
            }
            None => {
                self.newest = self.newest.max(Some((number, month, day)));
                if (month, day) == (2, 29) && !self.leaps.contains(&number) {
                    self.leaps.push(number);
                }
            }
        }
    }

    /// The stamp of a line, where the last one was or anywhere at its front.
    fn find(&mut self, line: &[u8]) -> Option<(Option<i32>, u32, u32)> {
        let line = &line[..line.len().min(200)];
        if let Some((shape, offset)) = self.place
            && let Some(parsed) = line.get(offset..).and_then(|text| date_formats::read(shape, text))
        {
            // A year may be behind the time of day.
            if matches!(parsed.day, Day::NoYear(..)) {
                self.text.extend_from_slice(&line[offset + letters(shape)..offset + parsed.split]);
            }
            return day(&parsed);
        }
        let (shape, offset, parsed) = starts(line).find_map(|(_, at)| {
            let (shape, parsed) = date_formats::any(&line[at..])?;
            (shape != Shape::Clock).then_some((shape, at, parsed))
        })?;
        self.place = Some((shape, offset));
        day(&parsed)
    }

    /// The years, for a file that was written at `written`.
    pub fn finish(self, written: Stamp) -> Years {
        let Some((number, month, day)) = self.newest else { return Years::default() };
        let anchors = if self.anchors.is_empty() {
            let latest = written.plus(std::time::Duration::from_secs(86_400));
            let this_year = chrono::Datelike::year(&latest.day());
            let fits = |year: &i32| {
                let newest = Stamp::civil(*year, month, day, 0);
                newest.is_some_and(|at| at <= latest) && self.leaps.iter().all(|leap| is_leap(year - number + leap))
            };
            let year = (this_year - 12..=this_year).rev().find(fits).unwrap_or(this_year);
            vec![(0, year - number)]
        } else {
            self.anchors
        };
        // Both lists are in order; the year changes where either does.
        let mut starts: Vec<u64> = self.turns.iter().chain(&anchors).map(|(offset, _)| *offset).collect();
        starts.sort_unstable();
        starts.dedup();
        let at = |list: &[(u64, i32)], offset: u64| {
            let behind = list.partition_point(|(start, _)| *start <= offset);
            list.get(behind.saturating_sub(1)).map_or(0, |(_, value)| *value)
        };
        let mut years: Vec<(u64, i32)> =
            starts.into_iter().map(|offset| (offset, at(&self.turns, offset) + at(&anchors, offset))).collect();
        years.dedup_by_key(|(_, year)| *year);
        Years(years)
    }
}

fn day(parsed: &date_formats::Parsed) -> Option<(Option<i32>, u32, u32)> {
    match parsed.day {
        Day::NoYear(month, day) => Some((None, month, day)),
        Day::Full(year, month, day) => Some((Some(year), month, day)),
        Day::Numbers(numbers) => {
            date_formats::civil(numbers, Order::default()).map(|(year, month, day)| (Some(year), month, day))
        }
        Day::Epoch(_) | Day::None => None,
    }
}

fn is_leap(year: i32) -> bool {
    Stamp::civil(year, 2, 29, 0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn years(lines: &[&str], written: &str) -> Vec<i32> {
        let mut chain = Chain::default();
        lines.iter().zip((0..).step_by(100)).for_each(|(line, offset)| chain.add(offset, line.as_bytes()));
        let years = chain.finish(Stamp::parse(written).expect("a date"));
        let year = |at: Stamp| chrono::Datelike::year(&at.day());
        (0..lines.len() as u64).filter_map(|number| years.written(number * 100).map(year)).collect()
    }

    #[test]
    fn the_years_keep_the_file_in_order() {
        for (lines, written, expect) in [
            (&["Jun 14 08:00:00 a", "Jul 27 08:00:00 b"][..], "2025-06-14", &[2024, 2024][..]),
            (&["Dec 31 23:59:59 a", "Jan  1 00:00:01 b"], "2025-02-01", &[2024, 2025]),
            (&["Jan  7 08:00:00 a", "<174>1 2023-01-07T08:00:05Z h b"], "2026-02-01", &[2023, 2023]),
            (&["Feb 29 08:00:00 a", "Mar  1 08:00:00 b"], "2026-02-01", &[2024, 2024]),
            (&["Jan 1 08:00:00 a", "Dec 31 08:00:00 late", "Jan 1 08:00:01 b"], "2025-02-01", &[2025, 2024, 2025]),
            (&["2025-01-06 08:00:00 a"], "2025-02-01", &[]),
            (&["no date"], "2025-02-01", &[]),
        ] {
            assert_eq!(years(lines, written), expect, "{lines:?}");
        }
    }
}
