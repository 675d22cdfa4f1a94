//! The state of the whole, as a report says it: a line, a heading, or a table of dimensions with a traffic light each.

use super::head::{self, Head};
use super::outline::{Table, Text};
use super::reader::{Details, Reader};
use super::words::{self, Field, Topic};
use super::{Kind, Line, State, states};

impl Reader {
    /// Reads `Overall status: …`; false where this is no such line.
    pub(crate) fn overall_line(&mut self, line: &Text) -> bool {
        let Some((label, value)) = head::label(&line.text) else { return false };
        let Some(explicit) = words::names_the_whole(label) else { return false };
        if value.is_empty() {
            return false;
        }
        let state = states::overall(value);
        // `Status: draft` tells of the document; a colour, a risk or a block tells of the whole.
        let light = matches!(state, Some(State::Green | State::Yellow | State::Red | State::AtRisk | State::Blocked));
        if !explicit && !light {
            return false;
        }
        self.report.overview.push(Line { line: line.line, text: line.text.trim().to_owned() });
        self.whole(line.line, label, value, None);
        true
    }

    /// A line or a list entry below a heading such as `Overall status`.
    pub(crate) fn overall_text(&mut self, line: &Text) {
        let (what, value) = head::label(&line.text).unwrap_or(("overall status", &line.text));
        match states::overall(value) {
            Some(_) => self.whole(line.line, what, value, None),
            None => self.report.overview.push(Line { line: line.line, text: line.text.trim().to_owned() }),
        }
    }

    fn whole(&mut self, line: u64, what: &str, said: &str, comment: Option<&str>) {
        let title = format!("{}: {}", what.trim(), said.trim());
        let head = Head { title, status: Some(said.trim().to_owned()), ..Head::default() };
        let mut details = Details::default();
        details.notes.extend(comment.map(str::to_owned));
        self.finish(Kind::Overall, line, head, None, None, details);
    }

    /// A table of dimensions with a traffic light each, in rows or in columns; false where this is none.
    pub(crate) fn overall_table(&mut self, table: &Table, topic: Option<Topic>) -> bool {
        let asked = topic == Some(Topic::Items(Kind::Overall, None));
        if !asked && matches!(topic, Some(Topic::Items(..) | Topic::People)) {
            return false;
        }
        let fields: Vec<Option<Field>> = table.header.iter().map(|title| words::field(title)).collect();
        let status = fields.iter().position(|field| *field == Some(Field::Status));
        let work = [Field::Owner, Field::Due, Field::Reference, Field::Severity].map(Some);
        let named = table.header.iter().any(|title| words::kind_of_label(title).is_some());
        if !asked && (named || fields.iter().any(|field| work.contains(field))) {
            return false;
        }
        let lit = |cells: &[String]| cells.iter().any(|cell| states::is_light(cell));
        let answered = asked && status.is_some();
        if !answered && !lit(&table.header) && !table.rows.iter().any(|(_, cells)| lit(cells)) {
            return false;
        }
        // A table without a header of its own: its first row was taken for one.
        let headless = lit(&table.header).then(|| (table.line, table.header.clone()));
        for (line, cells) in headless.iter().chain(&table.rows) {
            let name = cells.first().filter(|cell| !states::is_light(cell)).map(String::as_str).unwrap_or_default();
            let lights = || cells.iter().enumerate().filter(|(_, cell)| states::is_light(cell));
            let several = lights().count() > 1;
            let comment =
                fields.iter().zip(cells).skip(1).filter(|(field, cell)| field.is_none() && !states::is_light(cell));
            let comment = comment.map(|(_, cell)| cell.as_str()).find(|cell| !cell.is_empty());
            for (at, cell) in lights() {
                let column = table.header.get(at).map(String::as_str).unwrap_or_default();
                let what = match (name, several) {
                    ("", _) => column.to_owned(),
                    (name, true) => format!("{name} {column}"),
                    (name, false) => name.to_owned(),
                };
                self.whole(*line, &what, cell, comment);
            }
            // A dimension whose status is a word that nobody knows is no green one.
            if let Some(said) = status.and_then(|at| cells.get(at)).filter(|cell| !cell.is_empty())
                && lights().next().is_none()
            {
                self.whole(*line, name, said, comment);
            }
        }
        true
    }
}

impl State {
    /// The state of the whole that `said` tells.
    pub(crate) fn of_whole(said: &str) -> Self {
        states::overall(said).unwrap_or(Self::Unknown)
    }
}

/// Whether a table tells what happened: its first column holds times of day, or it is under such a heading and
/// has neither a status nor a day to keep.
pub(crate) fn is_history(table: &Table, topic: Option<Topic>) -> bool {
    let timed = |cell: &str| {
        let mut parts = cell.split(|c: char| !c.is_ascii_digit() && c != ':').filter(|part| part.contains(':'));
        parts.any(|part| {
            part.split(':').take(2).all(|n| matches!(n.len(), 1 | 2) && n.bytes().all(|b| b.is_ascii_digit()))
        })
    };
    let title = table.header.first().map(|title| words::plain(title)).unwrap_or_default();
    let clock = [" time ", " timestamp ", " when ", " at ", " date ", " utc ", " hour "];
    let named = clock.iter().any(|word| title.contains(word));
    let times = table.rows.iter().filter(|(_, cells)| cells.first().is_some_and(|cell| timed(cell))).count();
    if named && times > 0 && 2 * times >= table.rows.len() {
        return true;
    }
    let work = |title: &String| matches!(words::field(title), Some(Field::Status | Field::Due | Field::Percent));
    topic == Some(Topic::History) && !table.header.iter().skip(1).any(work)
}
