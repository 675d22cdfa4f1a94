//! Units of figures: of limits with one, and of figures that are called after theirs.

/// What a unit measures, and how many of the smallest of its kind it is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unit {
    names: &'static [&'static str],
    kind: Kind,
    scale: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Size,
    Share,
}

/// The first name is the one that is shown.
const UNITS: &[Unit] = &[
    Unit { names: &["ns"], kind: Kind::Time, scale: 1e-9 },
    Unit { names: &["us", "µs"], kind: Kind::Time, scale: 1e-6 },
    Unit { names: &["ms"], kind: Kind::Time, scale: 1e-3 },
    Unit { names: &["s"], kind: Kind::Time, scale: 1.0 },
    Unit { names: &["m", "min"], kind: Kind::Time, scale: 60.0 },
    Unit { names: &["h"], kind: Kind::Time, scale: 3600.0 },
    Unit { names: &["d"], kind: Kind::Time, scale: 86_400.0 },
    Unit { names: &["B"], kind: Kind::Size, scale: 1.0 },
    Unit { names: &["kB", "KB"], kind: Kind::Size, scale: 1e3 },
    Unit { names: &["MB"], kind: Kind::Size, scale: 1e6 },
    Unit { names: &["GB"], kind: Kind::Size, scale: 1e9 },
    Unit { names: &["KiB"], kind: Kind::Size, scale: 1024.0 },
    Unit { names: &["MiB"], kind: Kind::Size, scale: 1_048_576.0 },
    Unit { names: &["GiB"], kind: Kind::Size, scale: 1_073_741_824.0 },
    Unit { names: &["%"], kind: Kind::Share, scale: 1.0 },
    Unit { names: &["ratio"], kind: Kind::Share, scale: 100.0 },
];

/// The last words of names that say the unit of what they name.
const CALLED: &[(&str, &str)] = &[
    ("s", "s"),
    ("sec", "s"),
    ("secs", "s"),
    ("seconds", "s"),
    ("ms", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("us", "us"),
    ("micros", "us"),
    ("microseconds", "us"),
    ("ns", "ns"),
    ("nanos", "ns"),
    ("nanoseconds", "ns"),
    ("bytes", "B"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("percent", "%"),
    ("pct", "%"),
    ("ratio", "ratio"),
];

fn known(name: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.names.contains(&name))
}

/// The unit of this name, as it is shown.
pub(crate) fn named(name: &str) -> Option<&'static str> {
    known(name).map(|unit| unit.names[0])
}

/// The names of all units.
pub(crate) fn names() -> Vec<&'static str> {
    UNITS.iter().map(|unit| unit.names[0]).collect()
}

/// The unit that the name of a figure tells; none if it tells none.
pub(crate) fn of_name(name: &str) -> Option<&'static str> {
    let word = name.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_ascii_lowercase();
    // A whole name such as `s` says nothing.
    let suffix = name.len() > word.len();
    CALLED.iter().find(|(called, _)| suffix && *called == word).map(|(_, unit)| *unit)
}

/// Whether figures in this unit cannot be negative.
pub(crate) fn is_positive(unit: &str) -> bool {
    known(unit).is_some_and(|unit| unit.kind != Kind::Share)
}

/// A number with or without a unit, in the unit `figure`; `per` is what it may be by, such as `h`.
///
/// # Errors
/// Says what is wrong.
pub(crate) fn read(text: &str, figure: &str, per: &str) -> Result<f64, String> {
    let text = text.trim();
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_');
    let end = text.find(|c| !number(c)).unwrap_or(text.len());
    let (value, name) = text.split_at(end);
    let Ok(value) = value.replace('_', "").parse::<f64>() else {
        return Err(format!("`{text}` is no number; write one such as 50, 50ms, 60MiB or 5%"));
    };
    let name = name.trim();
    let name = match name.split_once('/') {
        Some((name, by)) if by.trim() == per && !per.is_empty() => name.trim(),
        Some((_, by)) => return Err(format!("`/{}` does not belong here", by.trim())),
        None => name,
    };
    if name.is_empty() {
        return Ok(value);
    }
    let Some(unit) = known(name) else {
        return Err(format!("`{name}` is no unit; write one of {}", names().join(", ")));
    };
    match known(figure) {
        Some(own) if own.kind == unit.kind => Ok(value * unit.scale / own.scale),
        Some(own) => Err(format!("the figure is in {}, which cannot be held against {name}", own.names[0])),
        None => Err(format!("the limit has the unit {name}, and that of the figure is not known; write unit = \"…\"")),
    }
}

/// A figure with its unit, for people; `per` is what it is by.
pub(crate) fn text(value: f64, unit: &str, per: &str) -> String {
    if value >= f64::MAX {
        return "more than its largest bucket".to_owned();
    }
    let by = if per.is_empty() { String::new() } else { format!("/{per}") };
    let (value, unit) = match known(unit) {
        Some(own) if own.kind != Kind::Share => readable(value * own.scale, own.kind),
        Some(own) if own.names[0] == "ratio" => (value * own.scale, "%"),
        _ => (value, unit),
    };
    format!("{}{unit}{by}", short(value))
}

/// The unit in which a size or time is at least 1.
fn readable(value: f64, kind: Kind) -> (f64, &'static str) {
    let shown: &[&str] = match kind {
        Kind::Time => &["s", "ms", "us", "ns"],
        _ => &["GiB", "MiB", "KiB", "B"],
    };
    let of = |name: &&&str| known(name).map_or(1.0, |unit| unit.scale);
    let fits = shown
        .iter()
        .find(|name| value.abs() >= of(name))
        .unwrap_or(&shown[if value == 0.0 { 0 } else { shown.len() - 1 }]);
    let name = if value == 0.0 && kind == Kind::Size { "B" } else { fits };
    (value / known(name).map_or(1.0, |unit| unit.scale), name)
}

/// Four digits that matter.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    if value.abs() >= 1e15 {
        return format!("{value:.3e}");
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let text = format!("{value:.*}", digits.clamp(0, 9) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_in_the_unit_of_their_figure() {
        for (text, figure, per, expect) in [
            ("50ms", "s", "", Some(0.05)),
            ("50 ms", "ms", "", Some(50.0)),
            ("0.2", "s", "", Some(0.2)),
            ("60MiB", "B", "", Some(62_914_560.0)),
            ("60MiB/h", "B", "h", Some(62_914_560.0)),
            ("60MiB/h", "B", "", None),
            ("5%", "ratio", "", Some(0.05)),
            ("5%", "%", "", Some(5.0)),
            ("1_000", "", "", Some(1000.0)),
            ("50ms", "", "", None),
            ("50ms", "B", "", None),
            ("50 furlongs", "s", "", None),
            ("ms", "s", "", None),
            ("", "s", "", None),
        ] {
            let read = read(text, figure, per).ok();
            assert!(read.zip(expect).map_or(read == expect, |(a, b)| (a - b).abs() < 1e-9), "{text}: {read:?}");
        }
    }

    #[test]
    fn names_tell_units_and_figures_are_told_in_them() {
        for (name, expect) in [
            ("/latency/p99_s", Some("s")),
            ("latency_ms", Some("ms")),
            ("rss_bytes", Some("B")),
            ("memory_mb", None),
            ("orders", None),
            ("s", None),
            ("/failure_ratio", Some("ratio")),
        ] {
            assert_eq!(of_name(name), expect, "{name}");
        }
        for (value, unit, per, expect) in [
            (0.061, "s", "", "61ms"),
            (61.25, "ms", "", "61.25ms"),
            (1234.0, "ms", "", "1.234s"),
            (0.0, "s", "", "0s"),
            (62_914_560.0, "B", "h", "60MiB/h"),
            (0.0, "B", "", "0B"),
            (0.051, "ratio", "", "5.1%"),
            (17.0, "", "", "17"),
            (123_456.0, "", "", "123456"),
            (-0.25, "", "", "-0.25"),
            (f64::MAX, "s", "", "more than its largest bucket"),
        ] {
            assert_eq!(text(value, unit, per), expect);
        }
    }
}
