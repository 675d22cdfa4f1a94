//! The streams whose lines are in one file: those of a container, and of the services before whose lines a multiplexer
//! puts their names. Lines that are no record belong to the record before them in their stream.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::continuation::ContinuationLines;
use crate::crash::classify::Kind;
use crate::json::stored;
use crate::log::record::Record;
use crate::log::totals::first_n::Key;
use crate::time::Stamp;

/// The record to which the lines after it may belong.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Last<'t> {
    pub(crate) at: Stamp,
    pub(crate) is_text: bool,
    /// The record shows a crash, which is listed already.
    pub(crate) crashed: bool,
    /// The record shows a crash, which is listed with the lines that follow: they may say what it is called.
    pub(crate) crash: Option<(Kind, Key)>,
    pub(crate) failed: bool,
    /// The line itself.
    #[serde(with = "stored::bytes")]
    pub(crate) text: Cow<'t, [u8]>,
}

/// A stream, by the number of its names: the same wherever a file is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Id(u16);

impl Id {
    /// The stream of a line behind the name of a service, of which `record` may tell more.
    #[inline]
    pub(crate) fn of(service: Option<&[u8]>, record: Option<&Record<'_>>) -> Self {
        /// Services with the same number share a stream.
        const SERVICES: u32 = 1021;
        let hash = |name: &[u8]| name.iter().fold(0_u32, |hash, b| hash.wrapping_mul(31).wrapping_add(u32::from(*b)));
        let service = service.map_or(0, |name| 1 + (hash(name) % SERVICES) as u16);
        Self(service * 2 + u16::from(record.is_some_and(Record::is_of_stderr)))
    }
}

/// What is known of a stream in a part of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stream<'t> {
    pub(crate) id: Id,
    /// The lines before the first record.
    pub(crate) lead: ContinuationLines,
    pub(crate) last: Option<Last<'t>>,
    /// The lines after the last record.
    pub(crate) tail: ContinuationLines,
}

impl Stream<'_> {
    pub(crate) fn new(id: Id) -> Self {
        Self { id, lead: ContinuationLines::default(), last: None, tail: ContinuationLines::default() }
    }

    /// The lines to which another one is added.
    #[inline]
    pub(crate) fn block(&mut self) -> &mut ContinuationLines {
        if self.last.is_some() { &mut self.tail } else { &mut self.lead }
    }

    pub(crate) fn shift(&mut self, lines: u64) {
        self.lead.shift(lines);
        self.tail.shift(lines);
        if let Some((_, key)) = self.last.as_mut().and_then(|last| last.crash.as_mut()) {
            *key = key.shifted(lines);
        }
    }

    pub(crate) fn into_owned(self) -> Stream<'static> {
        let own = |last: Last<'_>| Last { text: Cow::Owned(last.text.into_owned()), ..last };
        Stream { id: self.id, lead: self.lead, last: self.last.map(own), tail: self.tail }
    }
}
