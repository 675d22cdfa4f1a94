//! Which time the records cover: runs of them without a gap.

use std::borrow::Cow;

use super::{Reader, Spot};
use crate::log::layout::Memory;
use crate::log::record::Record;
use crate::log::totals::first_n::Key;
use crate::log::totals::gaps::{Mark, Name};
use crate::time::Stamp;

/// Labels of records beside a gap are cut at this many characters.
const LABEL: usize = 200;

/// By which clock records follow each other.
#[derive(Clone, Copy)]
pub(super) enum Clock {
    /// The times that they state.
    Stated,
    /// When our capture received them.
    Receipt,
}

/// Records without a gap between them: the first and the last, each with its line.
pub(super) struct Run<'t> {
    pub(super) first: (Stamp, Spot<'t>),
    pub(super) last: (Stamp, Spot<'t>),
}

impl<'t> Reader<'t> {
    #[inline]
    pub(super) fn cover(&mut self, clock: Clock, at: Stamp, spot: Spot<'t>) {
        let limit = self.part.context.limits.silence;
        if let Some(run) = &mut self.runs[clock as usize] {
            if at >= run.last.0 && at.since(run.last.0) <= limit {
                run.last = (at, spot);
                return;
            }
            if at < run.last.0 && at.plus(limit) >= run.first.0 {
                if at < run.first.0 {
                    run.first = (at, spot);
                }
                return;
            }
        }
        self.end_run(clock);
        self.runs[clock as usize] = Some(Run { first: (at, spot), last: (at, spot) });
    }

    pub(super) fn end_run(&mut self, clock: Clock) {
        if let Some(run) = self.runs[clock as usize].take() {
            let context = &self.part.context;
            let mark = |(at, spot): (Stamp, Spot<'t>)| {
                let record = context.layout.read(spot.text, context.written, &mut Memory::default());
                let short = |text: Cow<'_, str>| text.chars().take(LABEL).collect();
                Mark {
                    key: Key::new(Some(at), context.file, spot.line, spot.part),
                    name: Name {
                        event: record.as_ref().and_then(Record::event).map(short),
                        label: record.as_ref().and_then(Record::label).map(short),
                    },
                }
            };
            let tally = &mut self.part.tally;
            let coverage = match clock {
                Clock::Stated => &mut tally.coverage,
                Clock::Receipt => &mut tally.receipt,
            };
            coverage.add(mark(run.first), mark(run.last));
        }
    }
}
