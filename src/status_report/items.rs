//! From the text of an item, and what is below it, to the item.

use super::head::{self, Head};
use super::line;
use super::outline::{Block, Table};
use super::reader::{Details, Reader, entry_text, logical_lines};
use super::words::{self, Field, Topic};
use super::{Kind, Outcome, State};
use super::{adverse, marks, overall, states};
use crate::finding::Status;
use crate::prose::{is_unfinished, withholds_consent};

impl Reader {
    pub(crate) fn item(
        &mut self,
        kind: Kind,
        line: u64,
        mut head: Head,
        checked: Option<bool>,
        state: Option<State>,
        blocks: &[Block],
    ) {
        let mut details = Details::default();
        let title = head.title.clone();
        self.fields(&mut head, &mut details, blocks, &title);
        self.finish(kind, line, head, checked, state, details);
    }

    /// Reads what is below the first line of an item.
    pub(crate) fn fields(&mut self, head: &mut Head, details: &mut Details, blocks: &[Block], title: &str) {
        for block in blocks {
            match block {
                Block::Paragraph(lines) => {
                    logical_lines(lines).iter().for_each(|line| self.field(head, details, &line.text));
                }
                Block::List(entries) => {
                    for entry in entries {
                        if entry.checked.is_some() {
                            // A task below an item is an item of its own.
                            let outer = self.group.replace(title.to_owned());
                            self.entry(entry, Some(Topic::Items(Kind::Action, None)));
                            self.group = outer;
                        } else {
                            self.field(head, details, &entry_text(entry));
                        }
                    }
                }
                Block::Table(table) => self.table(table, None),
                Block::Code(lines) => details.notes.extend(lines.iter().map(|line| line.text.clone())),
            }
        }
    }

    pub(crate) fn field(&self, head: &mut Head, details: &mut Details, text: &str) {
        let text = text.trim();
        let Some((label, value)) = head::label(text) else {
            if !text.is_empty() {
                details.notes.push(text.to_owned());
            }
            return;
        };
        if !head::set(head, label, value, self.report.day) {
            let key = words::plain(label).trim().replace(' ', "_");
            let entry = details.more.entry(key).or_default();
            if !entry.is_empty() {
                entry.push_str("; ");
            }
            entry.push_str(value);
        }
    }

    /// Adds an item once all that is said about it was read.
    pub(crate) fn finish(
        &mut self,
        kind: Kind,
        line: u64,
        head: Head,
        checked: Option<bool>,
        section: Option<State>,
        details: Details,
    ) {
        let mut state = state_of(kind, &head, checked, section);
        let past = matches!(kind, Kind::Verification | Kind::Progress | Kind::Deliverable);
        if past && state.severity() == Status::Pass && adverse::is_adverse(&head.title) {
            state = State::AtRisk;
        }
        let mut more = details.more;
        if !details.notes.is_empty() {
            more.insert("notes".to_owned(), details.notes.join("; "));
        }
        if let Some(group) = &self.group {
            more.insert("group".to_owned(), group.clone());
        }
        self.report.items.push(Outcome {
            kind,
            line,
            reference: head.reference,
            title: head.title,
            owner: head.owner,
            state,
            status: head.status,
            percent: head.percent,
            due: head.due,
            blockers: head.blockers,
            next_steps: head.next,
            trend: head.trend,
            details: more,
        });
    }

    /// A row of a table of results that failed.
    fn notice_row(&mut self, line: u64, title: String) {
        let head = Head { title, ..Head::default() };
        self.finish(Kind::Overall, line, head, None, Some(State::AtRisk), Details::default());
    }

    pub(crate) fn table(&mut self, table: &Table, topic: Option<Topic>) {
        if overall::is_history(table, topic) {
            for (line, cells) in &table.rows {
                let told: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
                self.tell(*line, &told.join(" – "));
            }
            return;
        }
        if self.overall_table(table, topic) {
            return;
        }
        let fields: Vec<Option<Field>> = table.header.iter().map(|title| words::field(title)).collect();
        let has = |field| fields.contains(&Some(field));
        let named = table.header.iter().find_map(|title| words::kind_of_label(title));
        let (kind, state) = match topic {
            Some(Topic::Items(kind, state)) => (Some(kind), state),
            _ => match named.filter(|(kind, _)| *kind != Kind::Progress) {
                Some((kind, state)) => (Some(kind), state),
                None => ((has(Field::Owner) || has(Field::Due)).then_some(Kind::Action), None),
            },
        };
        let needed = |title: &String| {
            words::is_undecided(title)
                || [" needed by ", " required by ", " decide by "].contains(&words::plain(title).as_str())
        };
        // A day by which something is to be decided tells that it is not.
        let undecided = kind == Some(Kind::Decision) && state.is_none() && table.header.iter().any(needed);
        let state = if undecided { Some(State::Open) } else { state };
        let (Some(kind), Some(titles)) = (kind, title_column(table, &fields, kind)) else {
            for (line, cells) in &table.rows {
                let pairs = table.header.iter().zip(cells).map(|(title, cell)| format!("{title} {cell}"));
                let whole = pairs.collect::<Vec<_>>().join(", ");
                let told = cells.iter().find(|cell| adverse::is_adverse_cell(cell)).map(|_| cells.join(" | "));
                match told {
                    Some(told) => self.notice_row(*line, told),
                    None => self.notice(*line, &whole),
                }
            }
            let rows = table.rows.len();
            self.not_understood(table.line, &format!("table of {rows} rows: {}", table.header.join(" | ")));
            return;
        };
        for (line, cells) in &table.rows {
            let title = cells.get(titles).map(String::as_str).unwrap_or_default();
            if cells.iter().all(|cell| cell.is_empty()) || words::is_none(title) && !title.is_empty() {
                continue;
            }
            let mut head = line::read(title, 0, kind, self.report.day);
            let mut details = Details::default();
            for (at, cell) in cells.iter().enumerate().filter(|(at, cell)| *at != titles && !cell.is_empty()) {
                let label = table.header.get(at).map(String::as_str).unwrap_or_default();
                let cell = match words::field(label) {
                    Some(Field::Status) => cell.as_str(),
                    _ if states::is_shouted(cell) && head.status.is_none() => {
                        head.status = Some(cell.clone());
                        continue;
                    }
                    _ => marks::take_last_state(&mut head, cell).unwrap_or_else(|| marks::take_state(&mut head, cell)),
                };
                if !head::set(&mut head, label, cell, self.report.day) {
                    details.more.insert(words::plain(label).trim().replace(' ', "_"), cell.to_owned());
                }
            }
            if head.title.is_empty() {
                head.title = head.reference.clone().unwrap_or_else(|| cells.join(" | "));
            }
            self.finish(kind, *line, head, None, state, details);
        }
    }
}

/// The column of the titles: the one that is called as the items are, else one that is called so, else the first that
/// is nothing else.
fn title_column(table: &Table, fields: &[Option<Field>], kind: Option<Kind>) -> Option<usize> {
    let of_kind = |title: &String| words::kind_of_label(title).is_some_and(|(named, _)| Some(named) == kind);
    let plain = |title: &String| {
        [" description ", " summary ", " what ", " title ", " details "].contains(&words::plain(title).as_str())
    };
    let titled = || table.header.iter().zip(fields).map(|(title, field)| (title, *field == Some(Field::Title)));
    table
        .header
        .iter()
        .position(of_kind)
        .or_else(|| titled().position(|(title, titled)| titled && plain(title)))
        .or_else(|| titled().position(|(_, titled)| titled))
        .or_else(|| fields.iter().position(Option::is_none))
}

/// The state of an item: what its status says, unless a tick, a mark or a blocker says worse.
fn state_of(kind: Kind, head: &Head, checked: Option<bool>, section: Option<State>) -> State {
    if kind == Kind::Overall {
        return section.unwrap_or_else(|| State::of_whole(head.status.as_deref().unwrap_or_default()));
    }
    let stated = head.status.as_deref().map(|text| states::state(text).unwrap_or(State::Unknown));
    // What is ticked may say itself that it is not done.
    let ticked = checked.map(|done| if done && !is_unfinished(&head.title) { State::Done } else { State::Open });
    let counted = head.percent.map(|share| if share >= 100.0 { State::Done } else { State::Open });
    let state = match (stated, head.mark, ticked) {
        (Some(stated), _, Some(ticked)) if ticked.severity() > stated.severity() => ticked,
        (Some(State::Unknown), _, _) => State::Unknown,
        (Some(stated), _, _) => stated,
        (None, Some(mark), Some(State::Done)) if mark.severity() == Status::Pass => State::Done,
        (None, Some(mark), _) => mark,
        (None, None, Some(ticked)) => ticked,
        (None, None, None) => match (kind, counted.or(section)) {
            (_, Some(state)) => state,
            (Kind::Decision, None) if words::is_undecided(&head.title) => State::Open,
            (Kind::Decision, None) if is_conditional(&head.title) => State::Conditional,
            (Kind::Decision, None) if states::is_refusal(&head.title) => State::Blocked,
            (Kind::Decision, None) if withholds_consent(&head.title) => State::Open,
            (Kind::Decision, None) => State::Decided,
            (Kind::Deliverable | Kind::Verification | Kind::Progress, None) => State::Reported,
            (Kind::Blocker, None) => State::Blocked,
            (_, None) => State::Open,
        },
    };
    match state {
        // A blocker that is open, or being worked on, blocks.
        _ if (head.blocks || kind == Kind::Blocker) && state.severity() == Status::Warn => State::Blocked,
        // Green is a risk under control, but work that is merely on its way.
        State::Green if kind != Kind::Risk => State::Open,
        state => state,
    }
}

fn is_conditional(text: &str) -> bool {
    let words = words::plain(text);
    [
        " pending ",
        " contingent ",
        " subject to ",
        " provided ",
        " unless ",
        " tbc ",
        " tbd ",
        " conditional ",
        " with conditions ",
    ]
    .iter()
    .any(|word| words.contains(word))
}
