//! A line that is not told yet, with what was found out about it.

use std::borrow::Cow;

use super::Arrival;
use super::text::{lossy, suspected};
use crate::crash::classify::{self, Kind};
use crate::finding::Status;
use crate::level::Level;
use crate::log::ansi;
use crate::log::layout::{Layout, Memory};
use crate::log::level_at_start;
use crate::log::record::Record;

/// The line that was seen last; what follows may belong to it.
#[derive(Clone)]
pub(super) struct Pending<'l> {
    pub(super) text: Cow<'l, [u8]>,
    pub(super) arrived: Arrival,
    /// Whether the command had been asked to stop before.
    pub(super) interrupted: bool,
    pub(super) repeated: u64,
    pub(super) lines: u64,
    pub(super) cut_from: Option<u64>,
    pub(super) trace: bool,
    /// What the first line shows, where it is plain text.
    pub(super) crash: Option<Kind>,
    /// Whether equal lines may be counted in its record; not decided before there is one.
    pub(super) foldable: Option<bool>,
    /// Whether carriage returns divided it: its pieces are on lines of their own now.
    pub(super) divided: bool,
    /// Whether it goes on with a trace that was told already.
    pub(super) continues: bool,
    /// Whether it was told already, before its level was known.
    pub(super) restates: bool,
    /// What it was told as.
    pub(super) worst: Status,
}

impl Pending<'_> {
    /// Whether `line` is the first frame below this line, which says what happened.
    pub(super) fn heads(&self, line: &[u8], layout: &Layout) -> bool {
        matches!(line.first(), Some(b' ' | b'\t'))
            && (self.repeated == 1 && self.cut_from.is_none() && !self.trace)
            && std::str::from_utf8(line).is_ok_and(classify::is_frame)
            && layout.read(layout.unwrap(&self.text).1, None, &mut Memory::default()).is_none()
    }

    /// The crash that it shows, where it was not told before. `bare` is its text without the names of services.
    pub(super) fn shows(&self, record: Option<&Record<'_>>, structured: bool, bare: &str) -> Option<Kind> {
        if self.continues {
            return None;
        }
        match record {
            Some(record) if structured || record.wraps() => {
                suspected(&self.text).and_then(|()| record.crash()).or_else(|| record.frame())
            }
            _ if self.lines == 1 && self.text.first() != Some(&b'{') => self.crash,
            _ => classify::text(bare),
        }
    }

    /// The level that it states in a record, or in what is left of one, or else at the front of its first line.
    pub(super) fn level(&self, stated: Option<Level>, damage: Option<Level>, first: &str) -> Option<Level> {
        if self.continues {
            // The record before it has the level of its stream.
            return stated.or_else(|| level_at_start::word(first)).or(Some(Level::Info));
        }
        stated.or(damage).or_else(|| level_at_start::anywhere(first))
    }

    pub(super) fn into_owned(self) -> Pending<'static> {
        Pending { text: Cow::Owned(self.text.into_owned()), ..self }
    }
}

/// Whether equal lines may be counted in one record: each warning, error and crash keeps its own.
pub(super) fn foldable(line: &[u8], layout: &Layout, crash: Option<Kind>, default: Level) -> bool {
    let line = ansi::strip_bytes(line);
    let line = layout.unwrap(&line).1;
    let record = layout.read(line, None, &mut Memory::default());
    let stated = record.as_ref().and_then(Record::level).or_else(|| level_at_start::anywhere(&lossy(line)));
    let level = stated.unwrap_or(default);
    let crash = crash.or_else(|| suspected(line).and_then(|()| record.as_ref()?.crash()));
    crash.is_none() && level.status() == Status::Pass
}
