//! Figures in the text form of Prometheus.

use std::collections::BTreeMap;

use super::pile::Reading;

/// The longest list of bounds of a histogram.
const MOST_BUCKETS: usize = 1000;

/// Which figure is meant: `metric{label="x"}`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selector {
    pub metric: String,
    labels: BTreeMap<String, String>,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// Says what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (metric, labels) = name_and_labels(text.trim())
            .ok_or_else(|| format!("`{text}` names no metric; write metric or metric{{label=\"x\"}}"))?;
        Ok(Self { metric, labels })
    }

    fn fits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

/// What the text tells of the figure; a histogram where the metric is one.
///
/// # Errors
/// It tells nothing, or of more than one.
pub(crate) fn read(text: &str, wanted: &Selector) -> Result<Reading, String> {
    let bare = wanted.metric.strip_suffix("_bucket").unwrap_or(&wanted.metric);
    let buckets = format!("{bare}_bucket");
    let mut values = Vec::new();
    let mut bounds: BTreeMap<u64, (f64, f64)> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| line.starts_with(bare)) {
        let Some((name, labels, value)) = sample(line) else { continue };
        if !wanted.fits(&labels) {
            continue;
        }
        if name == buckets {
            let Some(bound) = labels.get("le").and_then(|bound| number(bound)) else { continue };
            // Series of several labels add up.
            let key = if bound.is_sign_negative() { !bound.to_bits() } else { bound.to_bits() | (1 << 63) };
            bounds.entry(key).or_insert((bound, 0.0)).1 += value;
        } else if name == wanted.metric {
            values.push(value);
        }
    }
    match (values.as_slice(), bounds.len()) {
        ([value], _) => Ok(Reading::Value(*value, 1)),
        ([], 1..=MOST_BUCKETS) => Ok(Reading::Buckets(bounds.into_values().collect())),
        ([], 0) => Err(format!("it does not tell of {}", wanted.metric)),
        ([], _) => Err(format!("{} has too many buckets", wanted.metric)),
        (several, _) => Err(format!("it tells {} times of {}; name labels", several.len(), wanted.metric)),
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        other => other.parse().ok(),
    }
}

/// One line: the name, the labels, the value.
fn sample(line: &str) -> Option<(String, BTreeMap<String, String>, f64)> {
    let end = match line.find('{') {
        Some(open) => open + close(&line[open..])? + 1,
        None => line.find(char::is_whitespace)?,
    };
    let (name, labels) = name_and_labels(&line[..end])?;
    // A time may follow.
    let value = line[end..].split_whitespace().next()?;
    Some((name, labels, number(value)?))
}

/// Where the labels end that begin here.
fn close(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.bytes().position(|byte| {
        let ends = byte == b'}' && !quoted;
        quoted ^= byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn name_and_labels(text: &str) -> Option<(String, BTreeMap<String, String>)> {
    let (name, rest) = match text.split_once('{') {
        Some((name, rest)) => (name.trim(), rest.trim().strip_suffix('}')?),
        None => (text, ""),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    let mut labels = BTreeMap::new();
    let mut rest = rest.trim().trim_start_matches(',');
    while !rest.is_empty() {
        let (label, tail) = rest.split_once('=')?;
        let mut value = String::new();
        let mut chars = tail.trim_start().strip_prefix('"')?.char_indices();
        let inner = tail.trim_start().strip_prefix('"')?;
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.insert(label.trim().to_owned(), value);
        rest = inner[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    Some((name.to_owned(), labels))
}

/// What came to a histogram since the look before: each value, the upper end of its bucket, with how many. Counters that
/// fell began again.
pub(super) fn since(before: Option<&[(f64, f64)]>, now: &[(f64, f64)]) -> Vec<(f64, u64)> {
    let total = |buckets: &[(f64, f64)]| buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    let before = before.filter(|before| total(before) <= total(now));
    let earlier =
        |bound: f64| before.into_iter().flatten().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
    let mut below = 0.0_f64;
    let mut came = Vec::new();
    for (bound, count) in now {
        let risen = (count - earlier(*bound)).max(0.0);
        let own = (risen - below).max(0.0);
        below = below.max(risen);
        // What is beyond the largest bound is larger than anything that is told.
        let value = if bound.is_finite() { *bound } else { f64::MAX };
        if own >= 1.0 {
            came.push((value, own as u64));
        }
    }
    came
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# TYPE up gauge
up 1
queue_depth{queue="orders",zone="a \"b\" {c}"} 12 1700000000
queue_depth{queue="fills",zone="a"} 3
latency_seconds_bucket{le="0.01"} 90
latency_seconds_bucket{le="0.1"} 99
latency_seconds_bucket{le="+Inf"} 100
latency_seconds_sum 1.5
latency_seconds_count 100
odd NaN
"#;

    #[test]
    fn a_figure_is_found_by_name_and_labels() {
        let read = |selector: &str| read(TEXT, &Selector::parse(selector).unwrap());
        assert_eq!(read("up"), Ok(Reading::Value(1.0, 1)));
        assert_eq!(read("queue_depth{queue=\"orders\"}"), Ok(Reading::Value(12.0, 1)));
        assert_eq!(read("latency_seconds_sum"), Ok(Reading::Value(1.5, 1)));
        let buckets = Reading::Buckets(vec![(0.01, 90.0), (0.1, 99.0), (f64::INFINITY, 100.0)]);
        assert_eq!(read("latency_seconds"), Ok(buckets));
        assert!(read("queue_depth").unwrap_err().contains("2 times"));
        assert!(read("down").unwrap_err().contains("does not tell"));
        assert!(matches!(read("odd"), Ok(Reading::Value(value, 1)) if value.is_nan()));
        assert!(Selector::parse("queue depth").is_err() && Selector::parse("x{a=1}").is_err());
    }

    #[test]
    fn histograms_tell_what_came_since() {
        let bound = [0.01, 0.1, f64::INFINITY];
        let of = |counts: [f64; 3]| -> Vec<(f64, f64)> { bound.into_iter().zip(counts).collect() };
        let first = of([90.0, 99.0, 100.0]);
        assert_eq!(since(None, &first), [(0.01, 90), (0.1, 9), (f64::MAX, 1)]);
        assert_eq!(since(Some(&first), &of([190.0, 204.0, 205.0])), [(0.01, 100), (0.1, 5)]);
        assert_eq!(since(Some(&first), &of([5.0, 5.0, 7.0])), [(0.01, 5), (f64::MAX, 2)], "it began again");
        assert_eq!(since(Some(&first), &first), []);
    }
}
