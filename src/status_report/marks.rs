//! What people write into the text of an item itself: an owner in front, a state in capitals, the marks of task plugins.

use chrono::NaiveDate;

use super::head::{self, Head};
use super::words::{self, Field};
use super::{Due, dates, states};

/// The marks behind which task plugins write a due day.
const DUE: [char; 5] = ['📅', '📆', '🗓', '⏰', '⌛'];
/// Their marks for other days (scheduled, start, created, done, cancelled), priorities and repetitions.
const OTHER: [char; 13] = ['⏳', '🛫', '➕', '✅', '❌', '🔁', '🔺', '⏫', '🔼', '🔽', '⏬', '🆔', '🏁'];

/// Takes `@anna: `, `@anna, @ben — ` or `[@anna] ` off the start of `text`. A handle without a separator behind it is an
/// owner, too, but the title keeps it, as it may be a part of the sentence.
pub(crate) fn take_owner<'a>(head: &mut Head, text: &'a str) -> &'a str {
    let (inner, after, closed) = match text.strip_prefix(['[', '(']).and_then(|t| t.split_once([']', ')'])) {
        Some((inner, after)) => (inner, after, true),
        None => (text, "", false),
    };
    let mut handles = Vec::new();
    let mut rest = inner;
    while let Some(body) = rest.strip_prefix('@') {
        let end = body.find(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(body.len());
        let name = body[..end].trim_end_matches(['.', '-']);
        // `@scope/package` is no person.
        if name.is_empty() || body[end..].starts_with(['/', '(']) && !body[end..].starts_with("/@") {
            return text;
        }
        handles.push(format!("@{name}"));
        rest = &body[name.len()..];
        let next = rest.trim_start_matches([' ', ',', '/', '+', '&']);
        let next = next.strip_prefix("and ").unwrap_or(next);
        if !next.starts_with('@') {
            break;
        }
        rest = next;
    }
    if handles.is_empty() || closed && !rest.trim().is_empty() {
        return text;
    }
    let behind = if closed { after } else { rest };
    let task = behind.trim_start().trim_start_matches([':', '–', '—', '-', '|', '>']).trim_start();
    if task.is_empty() {
        return text;
    }
    let spaced = [": ", " - ", " – ", " — ", " | ", " -> ", "- ", "– ", "— "];
    let separated = closed || spaced.iter().any(|separator| behind.starts_with(separator));
    head.owner = Some(handles.join(", "));
    if separated { task } else { text }
}

/// Takes a state off the start of `text`: `[BLOCKED] …`, `DONE – …`, `Done: …`, `IN PROGRESS …`.
pub(crate) fn take_state<'a>(head: &mut Head, text: &'a str) -> &'a str {
    let behind = |rest: &'a str| rest.trim_start().trim_start_matches([':', '–', '—', '-', '|']).trim_start();
    if let Some((inner, after)) = text.strip_prefix(['[', '(']).and_then(|t| t.split_once([']', ')']))
        && states::is_bare(inner)
        && !behind(after).is_empty()
    {
        head.status = Some(inner.trim().to_owned());
        return behind(after);
    }
    for (separator, in_capitals) in [(":", false), (" – ", false), (" — ", false), (" - ", false), (" ", true)] {
        // Of several words the longest that is a state: `IN PROGRESS`, not `IN`.
        let ends = text.match_indices(separator).map(|(at, _)| at).take(3).collect::<Vec<_>>();
        for at in ends.into_iter().rev() {
            let (word, after) = (&text[..at], behind(&text[at + separator.len()..]));
            let said = if in_capitals { states::is_shouted(word) } else { states::is_bare(word) };
            if said && !after.is_empty() {
                head.status = Some(word.trim().to_owned());
                return after;
            }
        }
    }
    text
}

/// Takes a state in capitals off the end of `text`: `n/a DONE`.
pub(crate) fn take_last_state<'a>(head: &mut Head, text: &'a str) -> Option<&'a str> {
    let starts = text.rmatch_indices(' ').map(|(at, _)| at).take(2);
    let at = starts.filter(|at| states::is_shouted(text[*at..].trim_matches(['(', ')', '[', ']', ' ', '.']))).min()?;
    head.status.get_or_insert_with(|| text[at..].trim_matches(['(', ')', '[', ']', ' ', '.']).to_owned());
    Some(text[..at].trim_end_matches([':', '–', '—', '-', ' ']))
}

/// A day without the mark of a task plugin before it.
pub(crate) fn without_mark(segment: &str) -> &str {
    segment.strip_prefix(DUE).map_or(segment, |rest| rest.trim_start_matches('\u{fe0f}').trim_start())
}

/// Takes the last mark of a task plugin with its day off the end of `text`.
pub(crate) fn take_plugin<'a>(head: &mut Head, text: &'a str, near: Option<NaiveDate>) -> Option<&'a str> {
    let (at, mark) = text.char_indices().rev().find(|(_, c)| DUE.contains(c) || OTHER.contains(c))?;
    let before = text[..at].trim_end();
    let value = text[at + mark.len_utf8()..].trim_start_matches('\u{fe0f}').trim();
    let day = dates::find(value, near);
    if before.is_empty() || value.split_whitespace().count() > 4 {
        return None;
    }
    if DUE.contains(&mark) {
        head.due = Some(Due { text: value.to_owned(), day });
    } else if value.is_empty() || day.is_some() {
        // A tick behind the text is one, with or without its day.
        head.mark =
            head.mark.or_else(|| states::take_mark(&text[at..]).map(|(state, _)| state).filter(|_| mark != '⏳'));
    } else if matches!(mark, '✅' | '❌') {
        return None;
    }
    Some(before)
}

/// Takes the last label within `text` with its value off its end: `… Due: 2025-05-12`. Where the value is no day and no
/// name, it is prose.
pub(crate) fn take_label<'a>(head: &mut Head, text: &'a str, near: Option<NaiveDate>) -> Option<&'a str> {
    let colon = text.rfind(": ")?;
    let value = text[colon + 2..].trim();
    // The end of a bracket that was not understood.
    if [('(', ')'), ('[', ']')].iter().any(|(open, close)| value.matches(*close).count() > value.matches(*open).count())
    {
        return None;
    }
    for words in [2, 1] {
        let Some((before, _)) = text[..colon].rmatch_indices(' ').nth(words - 1) else { continue };
        let start = before + 1;
        let label = text[start..colon].trim_matches('*');
        if !label.starts_with(char::is_uppercase) {
            continue;
        }
        let fits = match words::field(label) {
            Some(Field::Due) => dates::find(value, near).is_some() || words::is_none(value),
            Some(Field::Owner) => head::is_name(value) || words::is_none(value),
            Some(Field::Status) => states::state(value).is_some() && value.split_whitespace().count() <= 4,
            _ => false,
        };
        let before = text[..start].trim_end().trim_end_matches(['|', '–', '—', '-', ',', ';', '.', '(']);
        if fits && !before.trim().is_empty() && head::set(head, label, value, near) {
            return Some(before);
        }
    }
    None
}

/// The pieces of a list of attributes; the comma within a date (`by Friday, May 12, 2025`) does not divide it.
pub(crate) fn pieces(inner: &str) -> Vec<&str> {
    let mut pieces: Vec<&str> = Vec::new();
    let mut start = 0;
    let ends = inner.char_indices().filter(|(_, c)| matches!(c, ',' | ';')).map(|(at, _)| at).chain([inner.len()]);
    for end in ends {
        let piece = inner[start..end].trim();
        match pieces.last_mut() {
            Some(last) if continues_date(last, piece) => {
                let from = last.as_ptr() as usize - inner.as_ptr() as usize;
                *last = inner[from..end].trim();
            }
            _ => pieces.push(piece),
        }
        start = end + 1;
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// Whether `next` goes on with the date that ends `before`: a year, or the day behind the name of a weekday.
pub(crate) fn continues_date(before: &str, next: &str) -> bool {
    let year = next.len() == 4 && next.starts_with("20") && next.bytes().all(|b| b.is_ascii_digit());
    let words = words::plain(before);
    let last = words.split_whitespace().next_back().unwrap_or_default();
    let weekday = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .any(|day| last == *day || last.starts_with(day) && last.ends_with("day"));
    let digits = last.chars().next().is_some_and(|c| c.is_ascii_digit()) || dates::is_month(last);
    year && digits || weekday && dates::find(next, NaiveDate::from_ymd_opt(2000, 1, 1)).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use crate::status_report::line;

    #[test]
    fn what_is_written_into_an_item_is_told_from_its_title() {
        for (text, expect) in [
            ("@anna: Compare", "Compare|@anna|||"),
            ("@anna — Compare — due 2025-05-12", "Compare|@anna|2025-05-12||"),
            ("@anna, @ben - Compare", "Compare|@anna, @ben|||"),
            ("[@anna] Compare", "Compare|@anna|||"),
            ("@anna to compare", "@anna to compare|@anna|||"),
            ("@types/node: upgrade", "@types/node: upgrade||||"),
            ("[BLOCKED] Move it", "Move it|||BLOCKED|"),
            ("(done) Move it", "Move it|||done|"),
            ("DONE Move it", "Move it|||DONE|"),
            ("IN PROGRESS: Move it", "Move it|||IN PROGRESS|"),
            ("Move it BLOCKED", "Move it|||BLOCKED|"),
            ("Move it **to** TODO lists", "Move it **to** TODO lists||||"),
            ("Move [the queue] to B", "Move [the queue] to B||||"),
            ("OPEN the port", "OPEN the port||||"),
            ("Move it Due: 2025-05-12 Owner: Anna", "Move it|Anna|2025-05-12||"),
            ("Move it DEADLINE: <2025-05-12 Mon>", "Move it||2025-05-12||"),
            ("Move what Owner: means to the wiki page.", "Move what Owner: means to the wiki page.||||"),
            ("Move it (📅 2025-05-12)", "Move it||2025-05-12||"),
            ("Move it 📅 2025-05-12", "Move it||2025-05-12||"),
            ("Move it ⏫ 🛫 2025-05-01 📅 2025-05-12", "Move it||2025-05-12||"),
            ("Move it 🗓️ May 12, 2025", "Move it||2025-05-12||"),
            ("Move it ✅ 2025-05-11", "Move it||||Done"),
            ("Move it [due:: 2025-05-12]", "Move it||2025-05-12||"),
            ("Move it @due(2025-05-12)", "Move it||2025-05-12||"),
            ("Move it (by May 12, 2025)", "Move it||2025-05-12||"),
            ("Move it (by Friday, 12 May 2025)", "Move it||2025-05-12||"),
            ("Move it, by Mon, May 12th, 2025.", "Move it||2025-05-12||"),
            ("Move it (ops team, by May 12, 2025)", "Move it|ops team|2025-05-12||"),
            ("Move it - due 12-May-2025", "Move it||2025-05-12||"),
        ] {
            let head = line::read(text, 0, Kind::Action, None);
            let day = head.due.and_then(|due| due.day).map(|day| day.to_string()).unwrap_or_default();
            let mark = head.mark.map(|mark| format!("{mark:?}")).unwrap_or_default();
            let read =
                [head.title, head.owner.unwrap_or_default(), day, head.status.unwrap_or_default(), mark].join("|");
            assert_eq!(read, expect, "{text}");
        }
    }
}
