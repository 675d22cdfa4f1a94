//! What a line of a log is, by its look.

use super::continuation::Tie;
use crate::crash::classify::{self, Kind, Named};
use crate::crash::prefilter;
use crate::finding::Status;
use crate::log::ansi;
use crate::log::layout::{Layout, Memory};
use crate::log::record::{self, Record};
use crate::time::Stamp;

/// Where a line that holds several starts again: behind the carriage returns that are followed by a line of a log or of a
/// stack trace. All else, such as the steps of a progress bar, belongs together.
pub fn starts(line: &[u8], layout: &Layout, written: Option<Stamp>) -> Vec<usize> {
    let inner = memchr::memchr(b'\r', line).is_some_and(|at| at + 1 < line.len());
    if !inner {
        return Vec::new();
    }
    let starts = memchr::memchr_iter(b'\r', line).map(|at| at + 1).filter(|start| {
        let piece = &line[*start..];
        let piece = &piece[..memchr::memchr(b'\r', piece).unwrap_or(piece.len())];
        layout.read(piece, written, &mut Memory::default()).is_some()
            || Tie::of(piece) == Tie::None
            || classify::is_marker(&String::from_utf8_lossy(piece))
    });
    starts.collect()
}

/// Whether nothing is left of a line without blanks and colours.
pub(super) fn is_blank(line: &[u8]) -> bool {
    let plain = record::trim(line);
    plain.is_empty() || plain.first() == Some(&0x1b) && ansi::strip(&String::from_utf8_lossy(plain)).trim().is_empty()
}

/// How bad a record is by its level, or by the failure that it states: then it is a warning at least. Most lines are not
/// suspected of one.
#[inline]
pub(super) fn worse(record: &Record<'_>, severity: Status, suspected: bool) -> Status {
    let look = suspected && severity == Status::Pass && prefilter::failure(record.source());
    if look && record.states_failure() { Status::Warn } else { severity }
}

/// The crash that a record shows, with its traces. Most lines are not suspected of one, and have no traces to look for.
#[inline]
pub(super) fn crash_of<'a>(record: &Record<'a>, suspected: bool) -> (Option<Kind>, Vec<Named<'a>>) {
    match record.frame() {
        frame if !suspected && frame.is_none() => (None, Vec::new()),
        frame => {
            let traces = record.traces();
            (if suspected { record.crash_in(&traces) } else { frame }, traces)
        }
    }
}
