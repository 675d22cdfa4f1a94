//! From the outline of a report to its items.

use chrono::NaiveDate;

use super::adverse;
use super::head::{self, Head};
use super::line;
use super::outline::{self, Block, Entry, Section, Text};
use super::reader::{Details, Reader, is_heading_fact, join, logical_lines};
use super::words::{self, Field, Topic};
use super::{Claim, Kind, Line, Report, State, dates, states};
use crate::finding::Status;
use crate::sanitize::shorten;

/// The longest piece of a part that was not understood.
const LONGEST_UNREAD: usize = 200;

pub(crate) fn read(source: &str) -> Report {
    // The parser takes a box for text where the file ends right behind it.
    let ended = format!("{source}\n");
    let sections = outline::outline(&ended);
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
        reader.overall_line(&Text { text: section.title.clone(), strong: 0, line: section.line });
        if own.is_none() && reader.heading_item(section, inherited) {
            continue;
        }
        if own.is_none() {
            reader.notice(section.line, &section.title);
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
        if section.title.is_empty() || !(fields || line::take_reference(&section.title).is_some()) {
            return false;
        }
        let head = line::read(&section.title, section.title.len(), kind, self.report.day);
        self.item(kind, section.line, head, None, state, &section.blocks);
        true
    }

    fn paragraph(&mut self, lines: &[Text], topic: Option<Topic>, prose_only: bool, level: u8) {
        for text in logical_lines(lines) {
            let labelled = head::label(&text.text);
            self.report.claims.extend(claim(&text.text, text.line));
            if self.overall_line(&text) {
                continue;
            }
            if let Some((label, value)) = labelled
                && let Some((kind, state)) = words::kind_of_label(label).filter(|(kind, _)| *kind != Kind::Progress)
            {
                self.labelled(kind, state, value, text.line, &[]);
                continue;
            }
            // `Billing: BLOCKED by the vendor`
            if let Some(state) =
                labelled.and_then(|(_, value)| states::shouted(value)).filter(|s| s.severity() > Status::Pass)
            {
                let head = Head { title: text.text.trim().to_owned(), ..Head::default() };
                self.item(
                    if state == State::Blocked { Kind::Blocker } else { Kind::Action },
                    text.line,
                    head,
                    None,
                    Some(state),
                    &[],
                );
                continue;
            }
            match topic {
                Some(Topic::People) => self.people(&text.text),
                Some(Topic::History) => self.tell(text.line, &text.text),
                Some(Topic::Narrative) => self.tell_now(text.line, &text.text),
                Some(Topic::Items(Kind::Overall, _)) => self.overall_text(&text),
                _ if words::is_none(&text.text) => {}
                Some(Topic::Items(kind, state)) if prose_only => {
                    let head = line::read(&text.text, text.strong, kind, self.report.day);
                    self.item(kind, text.line, head, None, state, &[]);
                }
                // What is under the title of a document introduces it.
                None if level <= 1 => self.tell_now(text.line, &text.text),
                _ => {
                    self.notice(text.line, &text.text);
                    self.not_understood(text.line, &text.text);
                }
            }
        }
    }

    pub(crate) fn entry(&mut self, entry: &Entry, topic: Option<Topic>) {
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
            && let Some((kind, state)) = words::kind_of_label(label)
            && (kind != Kind::Progress || matches!(topic, Some(Topic::Items(..))))
            && topic != Some(Topic::History)
        {
            self.labelled(kind, state, value, first.line, rest);
            return;
        }
        if !task && rest.is_empty() && self.overall_line(first) {
            return;
        }
        if words::is_none(text) && rest.is_empty() {
            return;
        }
        match topic {
            Some(Topic::People) if !task => self.people(text),
            Some(Topic::Items(Kind::Overall, _)) if !task => {
                lines.iter().for_each(|line| self.overall_text(line));
                self.children(rest, topic);
            }
            Some(Topic::Items(kind, state)) => self.listed(entry, &lines, rest, kind, state),
            _ if task => self.listed(entry, &lines, rest, Kind::Action, None),
            Some(topic @ (Topic::Narrative | Topic::History)) => {
                match topic {
                    Topic::History => self.tell(first.line, &join(&lines)),
                    _ => self.tell_now(first.line, &join(&lines)),
                }
                self.children(rest, Some(topic));
            }
            _ => self.unplaced(entry, &lines, rest, topic),
        }
    }

    /// An entry of a section that holds items.
    fn listed(&mut self, entry: &Entry, lines: &[Text], rest: &[Block], kind: Kind, state: Option<State>) {
        let first = &lines[0];
        let head = line::read(&first.text, first.strong, kind, self.report.day);
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
        let head = line::read(&first.text, first.strong, Kind::Action, self.report.day);
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
            self.notice(first.line, &join(lines));
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
    fn labelled(&mut self, kind: Kind, state: Option<State>, value: &str, line: u64, rest: &[Block]) {
        if value.is_empty() {
            self.children(rest, Some(Topic::Items(kind, state)));
        } else if !words::is_none(value) {
            let head = line::read(value, 0, kind, self.report.day);
            self.item(kind, line, head, None, state, rest);
        }
    }

    pub(crate) fn code(&mut self, lines: &[Text], topic: Option<Topic>) {
        let Some(first) = lines.first() else { return };
        if let Some(Topic::Items(Kind::Verification, _)) = topic {
            for line in lines.iter().filter(|line| !line.text.trim().is_empty()) {
                let title = line.text.trim().trim_start_matches("$ ").to_owned();
                let head = Head { title, ..Head::default() };
                self.finish(Kind::Verification, line.line, head, None, None, Details::default());
            }
        } else if !matches!(topic, Some(Topic::Narrative | Topic::History)) {
            lines.iter().for_each(|line| self.notice(line.line, &line.text));
            self.not_understood(first.line, &format!("code: {}", first.text));
        }
    }

    fn people(&mut self, text: &str) {
        let names = head::label(text).map_or(text, |(_, names)| names).trim_end_matches('.');
        let names = names.split([',', ';']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
        self.report.people.extend(names);
    }

    pub(crate) fn tell(&mut self, line: u64, text: &str) {
        let people = ["attendees", "participants", "present", "async contributors", "contributors"];
        match head::label(text) {
            Some((label, _)) if people.contains(&words::plain(label).trim()) => self.people(text),
            // Read already: they name and date the report.
            Some((label, _)) if is_heading_fact(label) => {}
            _ if text.trim().is_empty() => {}
            _ => self.report.overview.push(Line { line, text: text.trim().to_owned() }),
        }
    }

    /// Tells how things are now.
    fn tell_now(&mut self, line: u64, text: &str) {
        self.notice(line, text);
        self.tell(line, text);
    }

    /// Makes a follow-up of a text that speaks against the whole, wherever it is.
    pub(crate) fn notice(&mut self, line: u64, text: &str) {
        if adverse::is_adverse(text) {
            let head = Head { title: shorten(text.trim(), LONGEST_UNREAD), ..Head::default() };
            self.finish(Kind::Overall, line, head, None, Some(State::AtRisk), Details::default());
        }
    }

    pub(crate) fn not_understood(&mut self, line: u64, text: &str) {
        let text = shorten(text.trim(), LONGEST_UNREAD);
        if !text.is_empty() {
            self.report.unread.push(Line { line, text });
        }
    }
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
