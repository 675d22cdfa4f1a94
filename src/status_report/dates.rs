//! Days as people write them in reports.

use chrono::{Datelike as _, NaiveDate};

use crate::time;

/// The first day named in `text`: `2025-01-15`, `2025/01/15`, `15.01.2025`, `15 Jan 2025`, `15-Jan-2025`, `January 15`.
///
/// A day without a year is in the year (of `near`, or the ones beside it) that puts it closest to `near`; without
/// `near` it is not understood. Neither are `01/02/2025`, which means two things, and `Friday`.
pub(crate) fn find(text: &str, near: Option<NaiveDate>) -> Option<NaiveDate> {
    let tokens: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']' | '<' | '>' | ':'))
        .filter(|token| !token.is_empty())
        .take(64)
        .collect();
    (0..tokens.len())
        .find_map(|at| numeric(tokens[at]).or_else(|| dashed(tokens[at])).or_else(|| named(&tokens[at..], near)))
}

fn numeric(token: &str) -> Option<NaiveDate> {
    let day = token.split(['T', '_']).next()?.trim_end_matches('.');
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let (a_len, c_len) = (a.len(), c.len());
    let [a, b, c] = [number(a)?, number(b)?, number(c)?];
    if a_len == 4 {
        return date(a, b, c);
    }
    if c_len != 4 {
        return None;
    }
    if day.contains('.') {
        return date(c, b, a);
    }
    // 13/01/2025 and 01/13/2025 mean one day each; 01/02/2025 means two.
    match (a > 12, b > 12) {
        (true, false) => date(c, b, a),
        (false, true) => date(c, a, b),
        _ if a == b => date(c, a, b),
        _ => None,
    }
}

/// `15-Jan-2025`.
fn dashed(token: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = token.trim_end_matches('.').split('-').collect();
    if parts.len() == 3 { named(&parts, None) } else { None }
}

/// Whether `word` names a month.
pub(crate) fn is_month(word: &str) -> bool {
    month(word).is_some()
}

/// `Jan 15, 2025`, `15 January`, `15th of January 2025`.
fn named(tokens: &[&str], near: Option<NaiveDate>) -> Option<NaiveDate> {
    let rest: Vec<&str> = tokens.iter().copied().filter(|token| *token != "of").take(3).collect();
    let (month, day) = match (month(rest.first()?), rest.get(1).and_then(|t| month(t))) {
        (Some(month), _) => (month, ordinal(rest.get(1)?)?),
        (None, Some(month)) => (month, ordinal(rest[0])?),
        (None, None) => return None,
    };
    match rest.get(2).filter(|year| year.len() == 4).and_then(|year| number(year)) {
        Some(year) => date(year, month, day),
        None => {
            let near = near?;
            let years = [near.year() - 1, near.year(), near.year() + 1];
            years
                .into_iter()
                .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
                .min_by_key(|date| (*date - near).num_days().abs())
        }
    }
}

fn month(token: &str) -> Option<u32> {
    let word = token.trim_end_matches('.');
    time::month(word.as_bytes()).or(word.eq_ignore_ascii_case("sept").then_some(9))
}

fn ordinal(token: &str) -> Option<u32> {
    let digits = token.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '.');
    let suffix = &token[digits.len()..];
    (digits.len() <= 2 && ["", ".", "st", "nd", "rd", "th"].contains(&suffix)).then(|| number(digits))?
}

fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn date(year: u32, month: u32, day: u32) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them_and_never_guessed() {
        let near = NaiveDate::from_ymd_opt(2025, 12, 20);
        for (text, expect) in [
            ("due 2025-01-15.", Some("2025-01-15")),
            ("2025/01/15", Some("2025-01-15")),
            ("15.01.2025", Some("2025-01-15")),
            ("by Jan 15, 2025", Some("2025-01-15")),
            ("15th of January 2025", Some("2025-01-15")),
            ("<2025-01-15 Wed>", Some("2025-01-15")),
            ("15-Jan-2025", Some("2025-01-15")),
            ("15-May", None),
            ("Jan 3", Some("2026-01-03")),
            ("2025-01-15T10:00Z", Some("2025-01-15")),
            ("01/13/2025", Some("2025-01-13")),
            ("01/02/2025", None),
            ("2025-02-30", None),
            ("Friday", None),
            ("Day 9", None),
            ("Mark 4", None),
            ("", None),
        ] {
            assert_eq!(find(text, near).map(|day| day.to_string()).as_deref(), expect, "{text}");
        }
        assert_eq!(find("Jan 3", None), None);
    }
}
