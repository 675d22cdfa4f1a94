//! From the outline of a report to its items.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::head::{self, Head};
use super::outline::{self, Block, Entry, Section, Table, Text};
use super::words::{self, Field, Topic};
use super::{Claim, Kind, Line, Outcome, Report, State, dates};
use crate::finding::Status;

/// The longest piece of a part that was not understood.
const LONGEST_UNREAD: usize = 200;

pub(super) fn read(source: &str) -> Report {
    let sections = outline::outline(source);
    let headed = sections.iter().find(|section| section.level == 1).map(|section| section.title.clone());
    let title = headed.or_else(|| {
        facts(&sections).find_map(|(label, value)| (words::plain(label) == " title ").then(|| value.to_owned()))
    });
    let day = day_of(&sections);
    let mut reader = Reader { report: Report { title, day, ..Report::default() }, group: None };
    let alone = sections.iter().filter(|section| section.level > 0).count() == 1;
    let mut above: Vec<(u8, Option<Topic>)> = Vec::new();
    for section in &sections {
        above.retain(|(level, _)| *level < section.level);
        let own = words::topic(&section.title);
        let inherited = above.last().and_then(|(_, topic)| *topic);
        // The title of a document names its subject; only a short one says what all of it is.
        let title_only = section.level == 1 && !alone && section.title.split_whitespace().count() > 3;
        let topic = if title_only { None } else { own.or(inherited) };
        if own.is_none() && reader.heading_item(section, inherited) {
            continue;
        }
        above.push((section.level, topic));
        reader.section(section, topic);
    }
    reader.report
}

/// The labelled lines at the top of a report, its front matter among them.
fn facts(sections: &[Section]) -> impl Iterator<Item = (&str, &str)> {
    let lines = sections.iter().take(3).flat_map(|section| &section.blocks).flat_map(|block| match block {
        Block::Paragraph(lines) => lines.as_slice(),
        _ => &[],
    });
    lines.filter_map(|line| head::label(&line.text))
}

/// The day of the report: a line `Date: …`, or a day in its title.
fn day_of(sections: &[Section]) -> Option<NaiveDate> {
    let dated = |(label, value): (&str, &str)| is_heading_fact(label).then(|| dates::find(value, None))?;
    let titles = || sections.iter().filter(|section| section.level == 1);
    facts(sections).find_map(dated).or_else(|| titles().find_map(|section| dates::find(&section.title, None)))
}

struct Reader {
    report: Report,
    /// The group of a nested list, such as the name of a team.
    group: Option<String>,
}

/// What is said about an item below its first line.
#[derive(Default)]
struct Details {
    more: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl Reader {
    fn section(&mut self, section: &Section, topic: Option<Topic>) {
        let prose_only = !section.blocks.iter().any(|block| matches!(block, Block::List(_) | Block::Table(_)));
        for block in &section.blocks {
            match block {
                Block::Paragraph(lines) => self.paragraph(lines, topic, prose_only, section.level),
                Block::List(entries) => entries.iter().for_each(|entry| self.entry(entry, topic)),
                Block::Table(table) => self.table(table, topic),
                Block::Code(lines) => self.code(lines, topic),
            }
        }
    }

    /// A heading that is itself an item (`### ACTION-7: Rotate the keys`), with its fields below.
    fn heading_item(&mut self, section: &Section, topic: Option<Topic>) -> bool {
        let Some(Topic::Items(kind, state)) = topic else { return false };
        let labelled = |line: &Text| {
            head::label(&line.text).is_some_and(|(label, _)| {
                matches!(words::field(label), Some(Field::Owner | Field::Status | Field::Due | Field::Severity))
            })
        };
        let fields = section.blocks.iter().any(|block| match block {
            Block::Paragraph(lines) => lines.iter().any(labelled),
            Block::List(entries) => entries.iter().any(|e| e.checked.is_none() && first_lines(e).any(labelled)),
            Block::Table(_) | Block::Code(_) => false,
        });
        if section.title.is_empty() || !(fields || head::take_reference(&section.title).is_some()) {
            return false;
        }
        let head = head::read(&section.title, section.title.len(), kind, self.report.day);
        self.item(kind, section.line, head, None, state, &section.blocks);
        true
    }

    fn paragraph(&mut self, lines: &[Text], topic: Option<Topic>, prose_only: bool, level: u8) {
        for text in logical_lines(lines) {
            let labelled = head::label(&text.text);
            if let Some((label, value)) = labelled
                && let Some(kind) = words::kind_of_label(label).filter(|kind| *kind != Kind::Progress)
            {
                self.labelled(kind, value, text.line, &[]);
                continue;
            }
            match topic {
                Some(Topic::People) => self.people(&text.text),
                Some(Topic::Narrative) => self.tell(text.line, &text.text),
                _ if words::is_none(&text.text) => {}
                Some(Topic::Items(kind, state)) if prose_only => {
                    let head = head::read(&text.text, text.strong, kind, self.report.day);
                    self.item(kind, text.line, head, None, state, &[]);
                }
                // What stands under the title of a document introduces it.
                None if level <= 1 => self.tell(text.line, &text.text),
                _ => self.not_understood(text.line, &text.text),
            }
        }
    }

    fn entry(&mut self, entry: &Entry, topic: Option<Topic>) {
        let (lines, rest) = match entry.blocks.split_first() {
            Some((Block::Paragraph(lines), rest)) => (logical_lines(lines), rest),
            _ => (Vec::new(), entry.blocks.as_slice()),
        };
        let Some(first) = lines.first() else {
            // An entry without a text of its own: whatever it holds stands for itself.
            for block in rest {
                match block {
                    Block::List(entries) => entries.iter().for_each(|e| self.entry(e, topic)),
                    Block::Table(table) => self.table(table, topic),
                    Block::Code(lines) => self.code(lines, topic),
                    Block::Paragraph(_) => {}
                }
            }
            return;
        };
        let text = first.text.trim();
        if let Some(claim) = claim(text, first.line) {
            self.report.claims.push(claim);
            return;
        }
        let task = entry.checked.is_some();
        let label = head::label(text);
        if let Some((label, value)) = label
            && !task
            && let Some(kind) = words::kind_of_label(label)
            && (kind != Kind::Progress || matches!(topic, Some(Topic::Items(..))))
        {
            self.labelled(kind, value, first.line, rest);
            return;
        }
        if words::is_none(text) && rest.is_empty() {
            return;
        }
        match topic {
            Some(Topic::People) if !task => self.people(text),
            Some(Topic::Items(kind, state)) => self.listed(entry, &lines, rest, kind, state),
            _ if task => self.listed(entry, &lines, rest, Kind::Action, None),
            Some(Topic::Narrative) => {
                self.tell(first.line, &join(&lines));
                self.tell_children(rest);
            }
            _ => self.unplaced(entry, &lines, rest, topic),
        }
    }

    /// An entry of a section that holds items.
    fn listed(&mut self, entry: &Entry, lines: &[Text], rest: &[Block], kind: Kind, state: Option<State>) {
        let first = &lines[0];
        let head = head::read(&first.text, first.strong, kind, self.report.day);
        if entry.checked.is_none() && !head.telling && is_group(&first.text, rest) {
            let outer = self.group.replace(first.text.trim().trim_end_matches(':').to_owned());
            let inner = words::topic(&first.text).unwrap_or(Topic::Items(kind, state));
            self.children(rest, Some(inner));
            self.group = outer;
            return;
        }
        let more = &lines[1..];
        if more.is_empty() {
            self.item(kind, first.line, head, entry.checked, state, rest);
        } else {
            let mut blocks = vec![Block::Paragraph(more.to_vec())];
            let mut details = Details::default();
            let mut head = head;
            self.fields(&mut head, &mut details, &blocks, &first.text);
            blocks.clear();
            self.fields(&mut head, &mut details, rest, &first.text);
            self.finish(kind, first.line, head, entry.checked, state, details);
        }
    }

    /// An entry of a section whose heading does not tell what it holds.
    fn unplaced(&mut self, entry: &Entry, lines: &[Text], rest: &[Block], topic: Option<Topic>) {
        let first = &lines[0];
        let head = head::read(&first.text, first.strong, Kind::Action, self.report.day);
        let told = [head.owner.is_some(), head.status.is_some(), head.due.is_some()];
        let attributes = told.iter().filter(|told| **told).count();
        let fields = rest.iter().any(|block| match block {
            Block::List(entries) => entries.iter().any(|e| {
                first_lines(e).any(|l| {
                    head::label(&l.text).is_some_and(|(label, _)| {
                        matches!(words::field(label), Some(Field::Owner | Field::Status | Field::Due))
                    })
                })
            }),
            _ => false,
        });
        if attributes > 1 || (head.reference.is_some() && (attributes > 0 || fields)) || (fields && head.telling) {
            self.listed(entry, lines, rest, Kind::Action, None);
            return;
        }
        let inner = words::topic(&first.text).filter(|_| is_group(&first.text, rest));
        if inner.is_none() {
            self.not_understood(first.line, &join(lines));
        }
        self.children(rest, inner.or(topic));
    }

    fn children(&mut self, blocks: &[Block], topic: Option<Topic>) {
        for block in blocks {
            match block {
                Block::List(entries) => entries.iter().for_each(|entry| self.entry(entry, topic)),
                Block::Table(table) => self.table(table, topic),
                Block::Paragraph(lines) => self.paragraph(lines, topic, false, 9),
                Block::Code(lines) => self.code(lines, topic),
            }
        }
    }

    /// `Decision: …`, or `Next steps:` with a list below.
    fn labelled(&mut self, kind: Kind, value: &str, line: u64, rest: &[Block]) {
        if value.is_empty() {
            self.children(rest, Some(Topic::Items(kind, None)));
        } else if !words::is_none(value) {
            let head = head::read(value, 0, kind, self.report.day);
            self.item(kind, line, head, None, None, rest);
        }
    }

    fn item(
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

    /// Reads what stands below the first line of an item.
    fn fields(&mut self, head: &mut Head, details: &mut Details, blocks: &[Block], title: &str) {
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

    fn field(&self, head: &mut Head, details: &mut Details, text: &str) {
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
    fn finish(
        &mut self,
        kind: Kind,
        line: u64,
        head: Head,
        checked: Option<bool>,
        section: Option<State>,
        details: Details,
    ) {
        let state = state_of(kind, &head, checked, section);
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

    fn table(&mut self, table: &Table, topic: Option<Topic>) {
        let fields: Vec<Option<Field>> = table.header.iter().map(|title| words::field(title)).collect();
        let has = |field| fields.contains(&Some(field));
        // The column of the titles: the one that is called so, or the first that is nothing else.
        let titles =
            fields.iter().position(|f| *f == Some(Field::Title)).or_else(|| fields.iter().position(Option::is_none));
        let named = table.header.iter().find_map(|title| words::kind_of_label(title));
        let kind = match topic {
            Some(Topic::Items(kind, _)) => Some(kind),
            _ => named
                .filter(|kind| *kind != Kind::Progress)
                .or_else(|| (has(Field::Owner) || has(Field::Due)).then_some(Kind::Action)),
        };
        let state = if let Some(Topic::Items(_, state)) = topic { state } else { None };
        let (Some(kind), Some(titles)) = (kind, titles) else {
            let rows = table.rows.len();
            self.not_understood(table.line, &format!("table of {rows} rows: {}", table.header.join(" | ")));
            return;
        };
        for (line, cells) in &table.rows {
            let title = cells.get(titles).map(String::as_str).unwrap_or_default();
            if cells.iter().all(|cell| cell.is_empty()) || words::is_none(title) && !title.is_empty() {
                continue;
            }
            let mut head = head::read(title, 0, kind, self.report.day);
            let mut details = Details::default();
            for (at, cell) in cells.iter().enumerate().filter(|(at, cell)| *at != titles && !cell.is_empty()) {
                let label = table.header.get(at).map(String::as_str).unwrap_or_default();
                if !head::set(&mut head, label, cell, self.report.day) {
                    details.more.insert(words::plain(label).trim().replace(' ', "_"), cell.clone());
                }
            }
            if head.title.is_empty() {
                head.title = head.reference.clone().unwrap_or_else(|| cells.join(" | "));
            }
            self.finish(kind, *line, head, None, state, details);
        }
    }

    fn code(&mut self, lines: &[Text], topic: Option<Topic>) {
        let Some(first) = lines.first() else { return };
        if let Some(Topic::Items(Kind::Verification, _)) = topic {
            for line in lines.iter().filter(|line| !line.text.trim().is_empty()) {
                let title = line.text.trim().trim_start_matches("$ ").to_owned();
                let head = Head { title, ..Head::default() };
                self.finish(Kind::Verification, line.line, head, None, None, Details::default());
            }
        } else if topic != Some(Topic::Narrative) {
            self.not_understood(first.line, &format!("code: {}", first.text));
        }
    }

    fn people(&mut self, text: &str) {
        let names = head::label(text).map_or(text, |(_, names)| names).trim_end_matches('.');
        let names = names.split([',', ';']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        self.report.people.extend(names);
    }

    fn tell(&mut self, line: u64, text: &str) {
        let people = ["attendees", "participants", "present", "async contributors", "contributors"];
        match head::label(text) {
            Some((label, _)) if people.contains(&words::plain(label).trim()) => self.people(text),
            // Read already: they name and date the report.
            Some((label, _)) if is_heading_fact(label) => {}
            _ if text.trim().is_empty() => {}
            _ => self.report.overview.push(Line { line, text: text.trim().to_owned() }),
        }
    }

    fn tell_children(&mut self, blocks: &[Block]) {
        self.children(blocks, Some(Topic::Narrative));
    }

    fn not_understood(&mut self, line: u64, text: &str) {
        let text: String = text.trim().chars().take(LONGEST_UNREAD).collect();
        if !text.is_empty() {
            self.report.unread.push(Line { line, text });
        }
    }
}

/// The state of an item: what its status says, unless a tick, a mark or a blocker says worse.
fn state_of(kind: Kind, head: &Head, checked: Option<bool>, section: Option<State>) -> State {
    let stated = head.status.as_deref().map(|text| words::state(text).unwrap_or(State::Unknown));
    let ticked = checked.map(|done| if done { State::Done } else { State::Open });
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
            (Kind::Decision, None) if is_conditional(&head.title) => State::Conditional,
            (Kind::Decision, None) => State::Decided,
            (Kind::Deliverable | Kind::Verification | Kind::Progress, None) => State::Reported,
            (Kind::Blocker, None) => State::Blocked,
            (_, None) => State::Open,
        },
    };
    match state {
        _ if head.blocks && state.severity() == Status::Warn => State::Blocked,
        // Green is a risk under control, but work that is merely on its way.
        State::Green if kind != Kind::Risk => State::Open,
        state => state,
    }
}

fn is_conditional(text: &str) -> bool {
    let words = words::plain(text);
    [" pending ", " contingent ", " subject to ", " provided ", " unless ", " tbc ", " tbd ", " conditional "]
        .iter()
        .any(|word| words.contains(word))
}

/// `Readiness: 8/10 items`: a report's own figure.
fn claim(text: &str, line: u64) -> Option<Claim> {
    let (label, value) = head::label(text)?;
    let words = words::plain(label);
    if ![" readiness ", " metric ", " completion "].iter().any(|word| words.contains(word)) {
        return None;
    }
    let (before, after) = value.split_once('/')?;
    let ready = before.trim().rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let tracked = after.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(Claim { line, ready, tracked })
}

/// Whether an entry only names what the entries below it have in common.
fn is_group(text: &str, rest: &[Block]) -> bool {
    let text = text.trim();
    let short = text.ends_with(':') || text.split_whitespace().count() <= 5;
    let entries = || rest.iter().filter_map(|b| if let Block::List(e) = b { Some(e) } else { None }).flatten();
    let labelled = entries().filter(|e| first_lines(e).next().is_some_and(|l| head::label(&l.text).is_some())).count();
    short && entries().count() > 2 * labelled
}

fn first_lines(entry: &Entry) -> impl Iterator<Item = &Text> {
    let lines = match entry.blocks.first() {
        Some(Block::Paragraph(lines)) => lines.as_slice(),
        _ => &[],
    };
    lines.iter()
}

/// All text of an entry and what is nested in it, on one line.
fn entry_text(entry: &Entry) -> String {
    let mut parts = Vec::new();
    for block in &entry.blocks {
        match block {
            Block::Paragraph(lines) | Block::Code(lines) => parts.push(join(lines)),
            Block::List(entries) => parts.extend(entries.iter().map(entry_text)),
            Block::Table(table) => parts.extend(table.rows.iter().map(|(_, cells)| cells.join(" | "))),
        }
    }
    parts.join(" ")
}

/// Joins wrapped lines; a line that starts with a label that we know starts anew.
fn logical_lines(lines: &[Text]) -> Vec<Text> {
    let mut whole: Vec<Text> = Vec::new();
    for line in lines {
        let labelled = head::label(&line.text).is_some_and(|(label, _)| {
            line.strong > 0
                || is_heading_fact(label)
                || words::field(label).is_some()
                || words::kind_of_label(label).is_some()
        });
        match whole.last_mut() {
            Some(last) if !labelled => {
                last.text.push(' ');
                last.text.push_str(line.text.trim());
            }
            _ => whole.push(line.clone()),
        }
    }
    whole
}

/// Whether a label names or dates the report itself.
fn is_heading_fact(label: &str) -> bool {
    matches!(words::plain(label).trim(), "date" | "day" | "title" | "report date" | "week of" | "week ending" | "as of")
}

fn join(lines: &[Text]) -> String {
    lines.iter().map(|line| line.text.trim()).collect::<Vec<_>>().join(" ")
}
