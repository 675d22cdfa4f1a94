//! Reads one line about an item: its reference, its title, and what stands in brackets or behind dashes.

use chrono::NaiveDate;

use super::words::{self, Field};
use super::{Due, Kind, State, Trend, dates, marks, states};

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
    /// Whether what stands there keeps the item from going on.
    pub(crate) blocks: bool,
    pub(crate) next: Option<String>,
    pub(crate) trend: Option<(Trend, Option<String>)>,
    /// Whether the line itself carries a reference or any attribute.
    pub(crate) telling: bool,
}

/// Separators between a title and what is said about it.
const DASHES: [&str; 4] = [" – ", " — ", " - ", " | "];
const STOPS: [&str; 3] = ["; ", ", ", ". "];

/// Reads a line about an item of this kind; `strong` bytes of it are emphasised. `near` dates days without a year.
pub(crate) fn read(text: &str, strong: usize, kind: Kind, near: Option<NaiveDate>) -> Head {
    let mut head = Head::default();
    let mut rest = text.trim();
    if let Some((mark, after)) = states::take_mark(rest) {
        head.mark = Some(mark);
        rest = after;
    }
    rest = marks::take_state(&mut head, rest);
    rest = marks::take_owner(&mut head, rest);
    if let Some((reference, after)) = take_reference(rest) {
        head.reference = Some(reference.to_owned());
        rest = after;
    }
    rest = marks::take_state(&mut head, rest);
    let structured = strong > 0 || head.reference.is_some();
    // Attributes stand at the end, the last one first.
    loop {
        rest = rest.trim_end();
        let closed = rest.strip_suffix('.').filter(|r| r.ends_with([')', ']'])).unwrap_or(rest);
        if let Some((before, inner)) = closing_bracket(closed)
            && !before.trim().is_empty()
        {
            // `@due(2025-05-12)`
            if let Some((before, tag)) = before.rsplit_once(" @")
                && !tag.contains(' ')
                && set(&mut head, tag, inner, near)
            {
                rest = before;
                continue;
            }
            if take_bracket(&mut head, inner, kind, structured, near) {
                rest = before;
                continue;
            }
        }
        let whole = rest.strip_suffix('.').unwrap_or(rest);
        let taken = marks::take_plugin(&mut head, whole, near)
            .or_else(|| marks::take_last_state(&mut head, whole))
            .or_else(|| marks::take_label(&mut head, whole, near));
        if let Some(before) = taken.filter(|before| !before.trim().is_empty()) {
            rest = before;
            continue;
        }
        if let Some((before, last)) = rest.rsplit_once(' ')
            && take_token(&mut head, last, near)
        {
            rest = before;
            continue;
        }
        match last_separator(rest) {
            Some((at, separator)) => {
                let segment = rest[at + separator.len()..].trim().trim_end_matches('.');
                let bare_state = DASHES.contains(&separator);
                if !take_segment(&mut head, segment, bare_state, near) {
                    break;
                }
                rest = &rest[..at];
            }
            None => break,
        }
    }
    if rest.trim().trim_end_matches([':', '–', '—', '-']).trim().is_empty() {
        // Nothing is left to be the title, so the line is one.
        return Head { title: text.trim().to_owned(), ..Head::default() };
    }
    head.telling = head.reference.is_some()
        || head.owner.is_some()
        || head.status.is_some()
        || head.due.is_some()
        || head.percent.is_some()
        || head.mark.is_some();
    rest.trim().trim_end_matches([':', '–', '—']).trim().clone_into(&mut head.title);
    head
}

/// Where the last segment of `text` begins, with the separator before it; a comma within a date is none.
fn last_separator(text: &str) -> Option<(usize, &'static str)> {
    let mut end = text.len();
    loop {
        let last = |separators: &[&'static str]| {
            separators.iter().filter_map(|s| text[..end].rfind(s).map(|at| (at, *s))).max()
        };
        let (at, separator) = last(&[&DASHES[..], &STOPS[..]].concat())?;
        let segment = text[at + separator.len()..].trim().trim_end_matches('.');
        if separator != ", " || !marks::continues_date(&text[..at], marks::pieces(segment).first().unwrap_or(&"")) {
            return Some((at, separator));
        }
        end = at;
    }
}

/// Takes a reference such as `ACTION-15`, `[OPS-7]` or `#482` with what separates it off the start of `text`.
pub(crate) fn take_reference(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix(['[', '(']) {
        let (reference, after) = inner.split_once([']', ')'])?;
        return is_reference(reference, false)
            .then(|| (reference, after.trim_start_matches([':', ' ', '–', '—', '-'])));
    }
    let end = text.find(|c: char| c.is_whitespace() || c == ':')?;
    let (reference, after) = text.split_at(end);
    let trimmed = after.trim_start();
    let separated =
        after.starts_with(':') || ["–", "—", "- ", "| ", ": "].iter().any(|separator| trimmed.starts_with(separator));
    if !is_reference(reference, !separated) {
        return None;
    }
    let title = trimmed.trim_start_matches([':', '–', '—', '-', '|']).trim_start();
    (!title.is_empty()).then_some((reference, title))
}

/// `strict` asks for letters, a dash and a number, as trackers write them.
fn is_reference(word: &str, strict: bool) -> bool {
    let body = word.strip_prefix('#').unwrap_or(word);
    let digits = body.bytes().any(|b| b.is_ascii_digit());
    let allowed = body.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '#'));
    if !digits || !allowed || word.len() > 32 {
        return false;
    }
    if word.starts_with('#') {
        return body.bytes().all(|b| b.is_ascii_digit());
    }
    let starts_upper = body.starts_with(|c: char| c.is_ascii_uppercase());
    let shouting = !body.chars().any(|c| c.is_ascii_lowercase());
    let ends_in_digit = body.ends_with(|c: char| c.is_ascii_digit());
    starts_upper && shouting && ends_in_digit && (!strict || body.contains('-'))
}

/// Splits `text` before the bracket that its last character closes.
fn closing_bracket(text: &str) -> Option<(&str, &str)> {
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

/// What stands in brackets at the end: labelled values, a date, a percentage, a state, a trend, or owners.
fn take_bracket(head: &mut Head, inner: &str, kind: Kind, structured: bool, near: Option<NaiveDate>) -> bool {
    if inner.trim().is_empty() || inner.len() > 300 {
        return false;
    }
    if let Some(trend) = states::trend(inner).filter(|_| inner.chars().count() <= 24) {
        head.trend = Some(trend);
        return true;
    }
    let pieces = marks::pieces(inner);
    let mut found = head.clone();
    let unknown: Vec<&str> = pieces.iter().copied().filter(|p| !take_segment(&mut found, p, true, near)).collect();
    let names = structured && matches!(kind, Kind::Action | Kind::NewAction | Kind::Story | Kind::Risk | Kind::Blocker);
    if unknown.is_empty() {
        *head = found;
        return true;
    }
    let owners = unknown.join(", ");
    let some_known = unknown.len() < pieces.len();
    let roles = unknown.iter().all(|u| names_a_role(u));
    if (names || some_known || roles)
        && head.owner.is_none()
        && found.owner.is_none()
        && unknown.iter().all(|u| is_name(u))
    {
        *head = found;
        head.owner = Some(owners);
        return true;
    }
    false
}

/// Words for people and teams that mark a phrase as an owner even in lower case.
const ROLES: [&str; 10] =
    ["team", "lead", "ops", "owner", "operator", "manager", "engineer", "on-call", "oncall", "reviewer"];

fn names_a_role(text: &str) -> bool {
    let last = text.split_whitespace().next_back().unwrap_or_default().to_lowercase();
    text.split_whitespace().count() <= 4 && ROLES.contains(&last.as_str())
}

/// A few words that could be the name of a person or a team.
pub(crate) fn is_name(text: &str) -> bool {
    let words = text.split([' ', '+', '&', '/']).filter(|w| !w.is_empty()).count();
    let named = text.starts_with(|c: char| c.is_uppercase() || c == '@') || names_a_role(text);
    named && words <= 5 && text.chars().count() <= 60 && !text.contains(['.', '!', '?', '=', '`'])
}

/// The last word of a line: `@handle`, `due:2025-01-15`, `owner:ops`.
fn take_token(head: &mut Head, token: &str, near: Option<NaiveDate>) -> bool {
    if let Some(handle) = token.strip_prefix('@') {
        let name = handle.trim_end_matches([',', '.', ';', ':']);
        let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | '.'));
        if plain {
            let name = format!("@{name}");
            // Handles are met from the right.
            head.owner = Some(head.owner.take().map_or_else(|| name.clone(), |others| format!("{name}, {others}")));
        }
        return plain;
    }
    match token.split_once(':') {
        Some((label, value)) if !value.is_empty() => set(head, label, value, near),
        _ => false,
    }
}

/// A piece of a line that may be an attribute.
fn take_segment(head: &mut Head, segment: &str, bare_state: bool, near: Option<NaiveDate>) -> bool {
    if let Some((label, value)) = label(segment)
        && set(head, label, value, near)
    {
        return true;
    }
    let segment = marks::without_mark(segment);
    let lower = segment.to_lowercase();
    for lead in ["due ", "due on ", "due by ", "by ", "until ", "deadline ", "target "] {
        // `get`, as lower-casing may move the borders of characters.
        if let (true, Some(value)) = (lower.starts_with(lead), segment.get(lead.len()..)) {
            let date = dates::find(value, near);
            let short = value.split_whitespace().count() <= 4;
            if date.is_some() || (lead.starts_with("due") && short) {
                head.due = Some(Due { text: value.trim().to_owned(), day: date });
                return true;
            }
        }
    }
    for lead in ["owner ", "owned by ", "assigned to "] {
        if let (true, Some(value)) = (lower.starts_with(lead), segment.get(lead.len()..).filter(|v| is_name(v))) {
            head.owner = Some(value.trim().to_owned());
            return true;
        }
    }
    if let Some(handles) = segment.starts_with('@').then(|| segment.split_whitespace())
        && handles.clone().count() <= 4
    {
        head.owner = Some(segment.to_owned());
        return handles.into_iter().all(|h| h.starts_with('@') || h == "and" || h == "+");
    }
    if !bare_state {
        return false;
    }
    if head.owner.is_none() && names_a_role(segment) && is_name(segment) {
        head.owner = Some(segment.to_owned());
        return true;
    }
    let words = segment.split_whitespace().count();
    if words <= 3 && dates::find(segment, near).is_some() && segment.contains(|c: char| c.is_ascii_digit()) {
        head.due = Some(Due { text: segment.to_owned(), day: dates::find(segment, near) });
        return true;
    }
    if words <= 4 && states::state(segment).is_some() {
        if let Some(share) = states::percent(segment) {
            head.percent = Some(share);
        }
        head.status.get_or_insert_with(|| segment.to_owned());
        return true;
    }
    false
}

/// Splits `Label: value`; `None` where the colon belongs to a URL, a time, or prose.
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
        Some(Field::Owner) => head.owner = some().filter(|v| !words::is_none(v) && v != "-" && v != "TBD" && v != "?"),
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
        Some(Field::Due) if words::is_none(value) || value == "-" => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_apart_into_title_and_attributes() {
        for (text, expect) in [
            ("ACTION-1 – Rotate keys (Owner: ops, Due: 2025-01-15).", "ACTION-1|Rotate keys|ops|2025-01-15|"),
            ("R-1 – Disk space (Owner: ops) – Status: Green (↓ from Yellow)", "R-1|Disk space|ops||Green"),
            ("[OPS-7] Fix it @ann @bob due:2025-02-01", "OPS-7|Fix it|@ann, @bob|2025-02-01|"),
            ("#12 Fix it, due Friday", "#12|Fix it||Friday|"),
            ("Run it (no-op) at 12:30 and go on", "|Run it (no-op) at 12:30 and go on|||"),
            ("Move to region B", "|Move to region B|||"),
            ("3 hosts - replace", "|3 hosts - replace|||"),
            ("Book a room (support lead) – blocked", "|Book a room|support lead||blocked"),
            ("(Owner: ops)", "|(Owner: ops)|||"),
            ("CI 2 is slow", "|CI 2 is slow|||"),
        ] {
            let head = read(text, 0, Kind::Action, None);
            let due = head.due.map(|due| due.text).unwrap_or_default();
            let read = [
                head.reference.unwrap_or_default(),
                head.title,
                head.owner.unwrap_or_default(),
                due,
                head.status.unwrap_or_default(),
            ];
            assert_eq!(read.join("|"), expect, "{text}");
        }
    }
}
