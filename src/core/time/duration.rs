//! Lengths of time: read, written, compared.

use std::time::Duration;

/// Reads a length of time as people type it: `72h`, `1h30m`, `500ms`, `2d`, `0s`.
///
/// # Errors
/// Says what is wrong and shows the right spelling: for a bare number, a sign, an unknown unit, or a
/// length beyond a hundred years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const HINT: &str = "write a number with a unit, such as 72h, 90m, 30s, 1h30m, 500ms or 2d";
    let bad = |why: &str| Err(format!("{why}; {HINT}"));
    let mut rest = text.trim();
    if rest.is_empty() {
        return bad("no duration is given");
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(number_end);
        let unit_end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let Ok(value) = number.parse::<f64>() else {
            return bad(if number.is_empty() { "a duration starts with a number" } else { "this is not a number" });
        };
        total += value
            * match unit.trim() {
                "ms" => 0.001,
                "s" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                "w" => 604_800.0,
                "" => return bad("the unit is missing"),
                other => return bad(&format!("`{other}` is not a unit")),
            };
        rest = tail;
    }
    if total > 100.0 * 366.0 * 86_400.0 {
        return bad("this is longer than a hundred years");
    }
    // Via whole microseconds, so that 0.1s is 100 ms and not 99 999 999 ns.
    Ok(Duration::from_micros((total * 1e6).round() as u64))
}

/// The same length as [`parse_duration`] reads it back: `1h30m`, `45s`, `500ms`, `0s`.
pub fn duration_text(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let mut rest = millis;
    let mut text = String::new();
    for (size, unit) in units {
        if rest >= size {
            text.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// A length of time for people: `2d 3h 5m`, `1h 30m`, `4m 5s`, `4.5s`, `600ms`; the two or three largest units.
pub fn human_duration(length: Duration) -> String {
    let seconds = length.as_secs();
    if length.is_zero() {
        return "0s".to_owned();
    }
    if seconds < 1 {
        return match length.as_millis() {
            0 => "under 1ms".to_owned(),
            millis => format!("{millis}ms"),
        };
    }
    if seconds < 60 {
        let tenths = length.as_millis() / 100;
        return if tenths.is_multiple_of(10) { format!("{seconds}s") } else { format!("{seconds}.{}s", tenths % 10) };
    }
    let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let shown: Vec<String> =
        parts[first..].iter().take(3).filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n}{unit}")).collect();
    shown.join(" ")
}

/// [`human_duration`] of a number of seconds from a document; negative or unreal numbers read as zero.
pub fn human_seconds(seconds: f64) -> String {
    human_duration(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

/// How much less than a required duration is still enough: 1 % of it, and at most five minutes.
pub fn tolerance(required: Duration) -> Duration {
    (required / 100).min(Duration::from_secs(300))
}

/// Whether `actual` reaches `required`; both in seconds. The one rule for runs, audits and minutes.
pub fn reaches(actual: f64, required: f64) -> bool {
    let tolerance = Duration::try_from_secs_f64(required).map(tolerance).unwrap_or_default();
    actual + tolerance.as_secs_f64() >= required
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_reached_within_one_percent_and_five_minutes() {
        for (actual, required, expect) in [
            (20.0, 20.0, true),
            (19.8, 20.0, true),
            (19.79, 20.0, false),
            (2.0, 20.0, false),
            (258_900.0, 259_200.0, true),
            (258_899.0, 259_200.0, false),
            (0.0, 0.0, true),
            (f64::NAN, 1.0, false),
        ] {
            assert_eq!(reaches(actual, required), expect, "{actual} of {required}");
        }
    }

    #[test]
    fn durations_carry_units() {
        for (text, seconds) in [("72h", 259_200.0), ("1h30m", 5400.0), ("500ms", 0.5), ("2d", 172_800.0), ("0s", 0.0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["72", "-5s", "5 parsecs", "", "h", "1e3s", "nan", "99999999d"] {
            let error = parse_duration(text).expect_err(text);
            assert!(error.contains("72h"), "{text}: {error}");
        }
    }

    #[test]
    fn lengths_read_well() {
        for (millis, expect) in [
            (0, "0s"),
            (600, "600ms"),
            (4500, "4.5s"),
            (20_000, "20s"),
            (3_600_000, "1h"),
            (5_405_000, "1h 30m 5s"),
            (183_900_000, "2d 3h 5m"),
        ] {
            assert_eq!(human_duration(Duration::from_millis(millis)), expect);
        }
    }
}
