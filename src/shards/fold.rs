//! What files come to, in any order: the totals of those that were read to their ends, and the segments of the others.

use std::collections::{BTreeMap, btree_map};

use serde::{Deserialize, Serialize};

use super::close::{Said, close};
use super::missing;
use super::plan::{Fixed, PlannedFile};
use crate::finding::Finding;
use crate::log::scan::chunk::ChunkReport;
use crate::log::summary::FileReport;
use crate::log::totals::faults;
use crate::log::totals::tally::{Limits, Tally};

/// What files come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fold {
    /// The records of the files that are closed.
    tally: Tally,
    /// What is said of each file, by its number.
    files: BTreeMap<u32, Said>,
    /// Files that may hold the same bytes as others: closed, but counted only when that is known.
    held: BTreeMap<u32, Held>,
    /// Files of which parts are still to come.
    open: BTreeMap<u32, Open>,
}

/// The digest of some bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Digest {
    /// The first byte.
    pub from: u64,
    /// The byte behind the last.
    pub to: u64,
    /// The SHA-256, in hex.
    pub sha256: String,
}

/// A file that may hold the same bytes as another one.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Held {
    tally: Tally,
    /// The digests of all its bytes in order; none if they could not be read.
    digests: Vec<Digest>,
}

/// A file of which some segments are there.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    file: PlannedFile,
    /// By their first bytes; no two of them are neighbours.
    segments: BTreeMap<u64, Segment>,
}

/// Some bytes of a file: the lines that start in them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Segment {
    /// The byte behind the last.
    pub(crate) to: u64,
    /// What its lines come to; they are counted from 1.
    pub(crate) part: ChunkReport,
    /// Its digests in order, where the file may hold the same bytes as another one.
    pub(crate) digests: Vec<Digest>,
}

impl Fold {
    /// No file yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { tally: Tally::new(limits), files: BTreeMap::new(), held: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// Adds something that is said of a file.
    pub(crate) fn note(&mut self, number: u32, finding: Finding) {
        self.files.entry(number).or_default().findings.push(finding);
    }

    /// Adds a file that is closed; with `digests`, it is counted once it is known whether another holds the same bytes.
    pub(crate) fn close(&mut self, number: u32, (tally, said): (Tally, Said), digests: Option<Vec<Digest>>) {
        self.say(number, said);
        match digests {
            Some(digests) => drop(self.held.insert(number, Held { tally, digests })),
            None => self.tally.merge(tally),
        }
    }

    /// Adds a segment of a file. Together with its neighbours it is one, and with all others the file.
    pub(crate) fn add(&mut self, number: u32, file: &PlannedFile, from: u64, segment: Segment) {
        let open = self.open.entry(number).or_insert_with(|| Open { file: file.clone(), segments: BTreeMap::new() });
        open.add(from, segment);
        if let Some(whole) = open.whole() {
            let file = open.file.clone();
            self.open.remove(&number);
            self.close_segments(number, &file, whole);
        }
    }

    /// Adds all of `other`, which was read by the same plan and of which no part is here.
    pub(crate) fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.held.extend(other.held);
        other.files.into_iter().for_each(|(number, said)| self.say(number, said));
        for (number, open) in other.open {
            open.segments.into_iter().for_each(|(from, segment)| self.add(number, &open.file, from, segment));
        }
    }

    /// Tells what is open what it is read and joined with, which is not stored with it.
    pub(crate) fn bind(&mut self, fixed: &Fixed) {
        for (number, open) in &mut self.open {
            let context = fixed.context(*number, &open.file);
            open.segments.values_mut().for_each(|segment| segment.part.context = context.clone());
        }
    }

    /// Brings everything into a form that depends on the records alone.
    pub(crate) fn settle(&mut self) {
        let parts = self.open.values_mut().flat_map(|open| open.segments.values_mut());
        let parts = parts.map(|segment| &mut segment.part.tally);
        let held = self.held.values_mut().map(|held| &mut held.tally);
        parts.chain(held).chain([&mut self.tally]).for_each(Tally::settle);
        for said in self.files.values_mut() {
            said.findings.sort_by(|a, b| (a.severity, &a.summary, &a.place).cmp(&(b.severity, &b.summary, &b.place)));
        }
    }

    /// The totals, and what is said of the files. Of those that hold the same bytes the first is counted, and of those
    /// of which a part is missing none of it; `names` are the files by number.
    pub(crate) fn finish(mut self, names: &[String]) -> (Tally, Vec<FileReport>, Vec<Finding>) {
        let name = |number: u32| names.get(number as usize).map_or("", String::as_str);
        let mut first: BTreeMap<Vec<Digest>, u32> = BTreeMap::new();
        for (number, held) in std::mem::take(&mut self.held) {
            let twin = match first.entry(held.digests) {
                btree_map::Entry::Occupied(known) if !known.key().is_empty() => Some(*known.get()),
                btree_map::Entry::Occupied(_) => None,
                btree_map::Entry::Vacant(new) => {
                    new.insert(number);
                    None
                }
            };
            match twin {
                Some(twin) => {
                    let finding = faults::double(name(number), name(twin));
                    self.files.insert(number, Said { report: None, findings: vec![finding] });
                }
                None => self.tally.merge(held.tally),
            }
        }
        let (mut reports, mut findings) = (Vec::new(), Vec::new());
        for open in self.open.into_values() {
            let held = open.segments.iter().map(|(from, segment)| (*from, segment.to)).collect::<Vec<_>>();
            findings.push(missing::hole(&open.file, &held));
        }
        for said in self.files.into_values() {
            reports.extend(said.report);
            findings.extend(said.findings);
        }
        (self.tally, reports, findings)
    }

    fn say(&mut self, number: u32, said: Said) {
        match self.files.entry(number) {
            btree_map::Entry::Vacant(new) => drop(new.insert(said)),
            btree_map::Entry::Occupied(mut known) => known.get_mut().merge(said),
        }
    }

    fn close_segments(&mut self, number: u32, file: &PlannedFile, whole: Segment) {
        let report = FileReport {
            path: file.name.clone(),
            encoding: "plain".to_owned(),
            bytes: file.size,
            text_bytes: file.size - file.skip.min(file.size),
            ..FileReport::default()
        };
        if file.hole > 0 {
            self.note(number, faults::hole(&file.name, file.hole));
        }
        // One run would read the file again with what its late lines tell.
        if whole.part.learn_again().is_some() {
            self.note(number, missing::late(&file.name));
        }
        let closed = close(report, whole.part, None);
        self.close(number, closed, file.same_size.then_some(whole.digests));
    }
}

impl Open {
    /// Adds a segment, joined with those that it borders on.
    fn add(&mut self, mut from: u64, mut segment: Segment) {
        let before = self.segments.range(..from).next_back().filter(|(_, before)| before.to == from);
        if let Some(start) = before.map(|(start, _)| *start)
            && let Some(before) = self.segments.remove(&start)
        {
            segment = before.joined(segment);
            from = start;
        }
        if let Some(after) = self.segments.remove(&segment.to) {
            segment = segment.joined(after);
        }
        self.segments.insert(from, segment);
    }

    /// The whole file, where no part of it is missing.
    fn whole(&mut self) -> Option<Segment> {
        self.segments.get(&0).is_some_and(|segment| segment.to == self.file.size).then_some(())?;
        self.segments.remove(&0)
    }
}

impl Segment {
    fn joined(mut self, next: Self) -> Self {
        self.part.append(next.part);
        self.digests.extend(next.digests);
        Self { to: next.to, ..self }
    }
}
