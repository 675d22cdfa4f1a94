//! Reads one line about an item: its reference, its title, and what is in brackets or behind dashes.

use chrono::NaiveDate;

use super::head::{self, Head};
use super::{Due, Kind, dates, marks, states};

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
    // Attributes are at the end, the last one first.
    loop {
        rest = rest.trim_end();
        let closed = rest.strip_suffix('.').filter(|r| r.ends_with([')', ']'])).unwrap_or(rest);
        if let Some((before, inner)) = head::closing_bracket(closed)
            && !before.trim().is_empty()
        {
            // `@due(2025-05-12)`
            if let Some((before, tag)) = before.rsplit_once(" @")
                && !tag.contains(' ')
                && head::set(&mut head, tag, inner, near)
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

/// What is in brackets at the end: labelled values, a date, a percentage, a state, a trend, or owners.
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
    let roles = unknown.iter().all(|u| head::names_a_role(u));
    if (names || some_known || roles)
        && head.owner.is_none()
        && found.owner.is_none()
        && unknown.iter().all(|u| head::is_name(u))
    {
        *head = found;
        head.owner = Some(owners);
        return true;
    }
    false
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
        Some((label, value)) if !value.is_empty() => head::set(head, label, value, near),
        _ => false,
    }
}

/// A piece of a line that may be an attribute.
fn take_segment(head: &mut Head, segment: &str, bare_state: bool, near: Option<NaiveDate>) -> bool {
    if let Some((label, value)) = head::label(segment)
        && head::set(head, label, value, near)
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
        if let (true, Some(value)) = (lower.starts_with(lead), segment.get(lead.len()..).filter(|v| head::is_name(v))) {
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
    if head.owner.is_none() && head::names_a_role(segment) && head::is_name(segment) {
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
