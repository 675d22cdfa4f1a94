//! What one line says about an item, and its labelled values.

use chrono::NaiveDate;

use super::words::{self, Field};
use super::{Due, State, Trend, dates, states};

/// What one line says about an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) title: String,
    pub(crate) reference: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) status: Option<String>,
    /// The state of a mark such as ✅ in front.
    pub(crate) mark: Option<State>,
    pub(crate) percent: Option<f64>,
    pub(crate) due: Option<Due>,
    pub(crate) blockers: Option<String>,
    /// Whether what is there keeps the item from going on.
    pub(crate) blocks: bool,
    pub(crate) next: Option<String>,
    pub(crate) trend: Option<(Trend, Option<String>)>,
    /// Whether the line itself carries a reference or any attribute.
    pub(crate) telling: bool,
}

/// Splits `text` before the bracket that its last character closes.
pub(super) fn closing_bracket(text: &str) -> Option<(&str, &str)> {
    let (open, close) = match text.chars().next_back()? {
        ')' => ('(', ')'),
        ']' => ('[', ']'),
        _ => return None,
    };
    let mut depth = 0_usize;
    for (at, c) in text.char_indices().rev() {
        if c == close {
            depth += 1;
        } else if c == open {
            depth -= 1;
            if depth == 0 {
                return Some((&text[..at], &text[at + 1..text.len() - 1]));
            }
        }
    }
    None
}

/// Words for people and teams that mark a phrase as an owner even in lower case.
const ROLES: [&str; 10] =
    ["team", "lead", "ops", "owner", "operator", "manager", "engineer", "on-call", "oncall", "reviewer"];

pub(super) fn names_a_role(text: &str) -> bool {
    let last = text.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    text.split_whitespace().count() <= 4 && ROLES.contains(&last.as_str())
}

/// A few words that could be the name of a person or a team.
pub(crate) fn is_name(text: &str) -> bool {
    let words = text.split([' ', '+', '&', '/']).filter(|w| !w.is_empty()).count();
    let named = text.starts_with(|c: char| c.is_uppercase() || c == '@') || names_a_role(text);
    named && words <= 5 && text.chars().count() <= 60 && !text.contains(['.', '!', '?', '=', '`'])
}

/// Splits `Label: value`; `None` if the colon belongs to a URL, a time, or prose.
pub(crate) fn label(text: &str) -> Option<(&str, &str)> {
    let at = text.find(':')?;
    let (label, value) = (text[..at].trim().trim_matches('*'), &text[at + 1..]);
    let letters = label.chars().any(char::is_alphabetic);
    let short = label.chars().count() <= 48 && label.split_whitespace().count() <= 6;
    let url = value.starts_with("//");
    let time = label.ends_with(|c: char| c.is_ascii_digit()) && value.starts_with(|c: char| c.is_ascii_digit());
    (letters && short && !url && !time && !label.contains(['.', '(', ',', '`']))
        .then(|| (label, value.trim_start_matches(':').trim()))
}

/// Stores a labelled value; false for a label that is not understood.
pub(crate) fn set(head: &mut Head, label: &str, value: &str, near: Option<NaiveDate>) -> bool {
    let value = value.trim();
    let some = || Some(value.to_owned()).filter(|v| !v.is_empty());
    match words::field(label) {
        Some(Field::Reference) => head.reference = some(),
        Some(Field::Owner) => head.owner = some().filter(|v| !words::is_none(v) && v != "TBD" && v != "?"),
        Some(Field::Status) => {
            let (text, trend) = match closing_bracket(value) {
                Some((before, inner)) if states::trend(inner).is_some() => (before.trim(), states::trend(inner)),
                _ => (value, None),
            };
            head.trend = trend.or(head.trend.take());
            head.percent = states::percent(text).or(head.percent);
            head.status = Some(text.to_owned()).filter(|v| !v.is_empty());
        }
        Some(Field::Percent) => {
            // A column of bare numbers means percent, too.
            let bare = value.parse().ok().filter(|share| (0.0..=100.0).contains(share));
            // "Progress: the new dashboard shows 90% of …" is prose, not a figure.
            let short = value.split_whitespace().count() <= 4;
            match states::percent(value).or(bare).filter(|_| short) {
                Some(share) => head.percent = Some(share),
                None if short && states::state(value).is_some() => head.status = some(),
                None => return value.is_empty(),
            }
        }
        Some(Field::Due) if words::is_none(value) => {}
        Some(Field::Due) => head.due = some().map(|text| Due { text, day: dates::find(value, near) }),
        Some(Field::Blockers) if words::is_none(value) => {}
        Some(Field::Blockers) => {
            head.blockers = some();
            head.blocks = true;
        }
        Some(Field::Dependencies) => {
            head.blockers = some().filter(|value| !words::is_none(value));
            head.blocks = value.to_lowercase().starts_with("blocked");
        }
        Some(Field::Next) => head.next = some(),
        Some(Field::Trend) => head.trend = states::trend(value),
        Some(Field::Severity) => {
            head.mark = head.mark.or_else(|| states::state(value));
        }
        Some(Field::Title) | None => return false,
    }
    true
}
