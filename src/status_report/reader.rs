//! What the readers of the parts of a report have in common.

use std::collections::BTreeMap;

use super::outline::{Block, Entry, Text};
use super::{Report, head, words};

pub(crate) struct Reader {
    pub(crate) report: Report,
    /// The group of a nested list, such as the name of a team.
    pub(crate) group: Option<String>,
}

/// What is said about an item below its first line.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) more: BTreeMap<String, String>,
    pub(crate) notes: Vec<String>,
}

/// All text of an entry and what is nested in it, on one line.
pub(crate) fn entry_text(entry: &Entry) -> String {
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

/// Joins wrapped lines; a line that starts with a label that we know starts again.
pub(crate) fn logical_lines(lines: &[Text]) -> Vec<Text> {
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
pub(super) fn is_heading_fact(label: &str) -> bool {
    matches!(words::plain(label).trim(), "date" | "day" | "title" | "report date" | "week of" | "week ending" | "as of")
}

pub(super) fn join(lines: &[Text]) -> String {
    lines.iter().map(|line| line.text.trim()).collect::<Vec<_>>().join(" ")
}
