//! Who has seen which incident, as a table.

use crate::finding::count;
use crate::report::{Block, Cell, Doc, Table};
use crate::sanitize::shorten;
use crate::supervise::acks::{Acknowledged, Acknowledgements};

/// Acknowledgements that people are shown; JSON has them all.
const SHOWN: usize = 50;

/// Adds the acknowledgements of a run; nothing where there are none.
pub(in crate::report) fn push(doc: &mut Doc, list: &[Acknowledged]) {
    let mut table = Table::new(&["when", "who", "incident", "what", "how soon", "note"]);
    for told in list.iter().take(SHOWN) {
        table.row([
            told.ack.at.human().into(),
            shorten(&told.ack.by, 60).into(),
            Cell::code(shorten(&told.ack.incident, 20)),
            Cell::from(shorten(told.what(), 200)),
            told.soon().into(),
            shorten(told.ack.note.as_deref().unwrap_or_default(), 300).into(),
        ]);
    }
    doc.section("Acknowledged", Block::Table(table));
    if list.len() > SHOWN {
        doc.push(Block::Text(format!("{} more are in the JSON", list.len() - SHOWN).into()));
    }
}

/// What nobody acknowledged, and what could not be read, in a sentence; none if there is neither.
pub(in crate::report) fn rest(acks: &Acknowledgements) -> Option<String> {
    let unseen =
        (acks.unacknowledged > 0).then(|| format!("nobody acknowledged {}", count(acks.unacknowledged, "incident")));
    let unread = (acks.unread > 0).then(|| {
        let late = match acks.unread_late {
            0 => String::new(),
            late => format!(", {late} of them added when the run was sealed already"),
        };
        format!("{} of acks.jsonl could not be understood{late}", count(acks.unread, "line"))
    });
    let rest: Vec<String> = unseen.into_iter().chain(unread).collect();
    (!rest.is_empty()).then(|| rest.join("; "))
}
