//! Findings of bounded size, whatever the evidence holds: what is left out is counted in its place.

use serde_json::Value;

use super::{Finding, Metadata};
use crate::sanitize;

/// The most bytes of text that a finding takes, its sentence and its details together.
pub const FINDING_LIMIT: usize = 16 << 10;
/// The longest name of a detail, in bytes.
const NAME_LIMIT: usize = 256;
/// The most details of a finding.
const MEMBERS: usize = 256;
/// Counts the details that are left out.
const LEFT_OUT: &str = "details_not_listed";

impl Finding {
    /// Holds the finding to about `limit` bytes: half for its sentence, half for its details.
    pub fn bound(&mut self, limit: usize) {
        self.summary = cut(std::mem::take(&mut self.summary), limit / 2);
        self.metadata = details(std::mem::take(&mut self.metadata), limit / 2);
    }
}

/// Bounds each of `findings` such that all of them take about `budget` bytes, and none is held to less than 2 KiB.
pub fn share<'a>(findings: impl ExactSizeIterator<Item = &'a mut Finding>, budget: usize) {
    let each = budget / findings.len().max(1);
    if each < FINDING_LIMIT {
        findings.for_each(|finding| finding.bound(each.max(2 << 10)));
    }
}

/// The first of `all` that fit into `limit` bytes. Long ones are cut, those left out are counted in one more detail.
pub fn details(all: impl IntoIterator<Item = (String, Value)>, limit: usize) -> Metadata {
    let mut kept = Metadata::new();
    let mut left = limit;
    let mut left_out = 0;
    for (name, value) in all {
        if name == LEFT_OUT
            && let Some(more) = value.as_u64()
        {
            left_out += more;
            continue;
        }
        // Names and values of a few bytes are not worth a cut.
        if kept.len() >= MEMBERS || left < 32 {
            left_out += 1;
            continue;
        }
        let name = cut(name, NAME_LIMIT);
        let value = cut_value(value, left.saturating_sub(name.len()).max(16));
        left = left.saturating_sub(name.len() + size(&value));
        kept.insert(name, value);
    }
    if left_out > 0 {
        kept.insert(LEFT_OUT.to_owned(), left_out.into());
    }
    kept
}

/// `text` of at most about `limit` bytes; one that was cut before says what is missing of the whole.
pub fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let before = text.strip_suffix(" more bytes)").and_then(|text| text.rsplit_once("… ("));
    match before.and_then(|(kept, missing)| Some((kept, missing.parse::<usize>().ok()?))) {
        Some((kept, missing)) if kept.len() > limit => {
            let end = (0..=limit).rev().find(|end| kept.is_char_boundary(*end)).unwrap_or(0);
            format!("{}… ({} more bytes)", &kept[..end], kept.len() - end + missing)
        }
        Some(_) => text,
        None => sanitize::bytes(&text, limit).into_owned(),
    }
}

/// A value of at most about `limit` bytes; of a large structure its start as text is enough to recognise it.
fn cut_value(value: Value, limit: usize) -> Value {
    match value {
        Value::String(text) => cut(text, limit).into(),
        Value::Array(_) | Value::Object(_) => {
            let text = value.to_string();
            if text.len() > limit { cut(text, limit).into() } else { value }
        }
        other => other,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        other => other.to_string().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_bounded_and_says_what_is_missing() {
        let many = (0..100_000).map(|n| (format!("key{n:06}"), Value::from("v")));
        let kept = details(many, 8 << 10);
        assert!(kept.len() <= MEMBERS + 1);
        assert_eq!(kept[LEFT_OUT], 100_000 - (kept.len() as u64 - 1));
        let mut finding = Finding { metadata: kept, ..Finding::fail("é".repeat(300_000)) }
            .with("list", vec!["x"; 50_000])
            .with("text", "y".repeat(100_000));
        for limit in [FINDING_LIMIT, 2 << 10, 2 << 10] {
            finding.bound(limit);
            let size = serde_json::to_string(&finding).expect("JSON").len();
            assert!(size < limit * 3 / 2 + 200, "{size} of {limit}");
            let kept = finding.summary.split('…').next().map_or(0, str::len);
            assert!(
                finding.summary.ends_with(&format!("… ({} more bytes)", 600_000 - kept)),
                "{}",
                finding.summary.len()
            );
        }
        let listed = finding.metadata.len() as u64 - 1;
        assert_eq!(finding.metadata[LEFT_OUT], 100_002 - listed);
    }
}
