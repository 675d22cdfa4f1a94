//! The limits of a verdict as a table: value, source, and whether it was relaxed.

use super::{Block, Cell, Doc, Table, Tone};
use crate::finding::{Criterion, Status};

/// How much of a policy file's digest a table shows; JSON has all of it.
const DIGEST: usize = 12;

/// Adds the table under its heading; nothing where no limits are known.
pub(super) fn section(doc: &mut Doc, criteria: &[Criterion]) {
    let mut table = Table::new(&["limit", "value", "set by", ""]);
    for row in criteria {
        let digest = row.policy_sha256.as_deref().map(|sha| format!(" (sha256 {})", &sha[..sha.len().min(DIGEST)]));
        let relaxed = match &row.relaxed_from {
            Some(from) => Cell::new(format!("RELAXED from {from}"), Tone::Status(Status::Warn)),
            None if row.relaxed => Cell::new("RELAXED", Tone::Status(Status::Warn)),
            None => Cell::default(),
        };
        table.row([
            row.limit.as_str().into(),
            row.value.as_str().into(),
            Cell::from(format!("{}{}", row.source, digest.unwrap_or_default())),
            relaxed,
        ]);
    }
    doc.section("Criteria", Block::Table(table));
}
