//! Reads a part of a log: whole lines, cut anywhere between two of them. Parts of a file are appended in order.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::continuation::{self, ContinuationLines, Crash, Suspects};
use super::stream::{Id, Last, Stream};
use super::unended::Unended;
use super::unread::Unread;
use crate::crash::classify::Kind;
use crate::crash::headline;
use crate::finding::Status;
use crate::json::pull::Raw;
use crate::log::access::Statuses;
use crate::log::dialect::{DIALECTS, Dialect};
use crate::log::ignore::Ignore;
use crate::log::layout::years::Years;
use crate::log::layout::{Layout, Memory};
use crate::log::record::Record;
use crate::log::summary::{IgnoredLine, LogTotals};
use crate::log::totals::first_n::Key;
use crate::log::totals::histogram::Histogram;
use crate::log::totals::tally::{Bounds, Details, Limits, Tally, crash_details};
use crate::time::Stamp;

/// A step back of the clock by more than this is noted.
const STEP_BACK: i64 = 1_000_000;

/// What reading needs to know beside the lines.
#[derive(Clone, Debug)]
pub struct Context {
    /// How records are tallied.
    pub limits: Limits,
    /// The number of the file.
    pub file: u32,
    /// When the file was written, for times without a year.
    pub written: Option<Stamp>,
    /// Later times are in the future.
    pub latest: Stamp,
    /// What was learnt of the file.
    pub layout: Arc<Layout>,
    /// What is not held against the log.
    pub ignore: Arc<Ignore>,
    /// Which responses of web servers are errors or warnings.
    pub statuses: Arc<Statuses>,
    /// The years of stamps without one.
    pub years: Arc<Years>,
    /// Beyond which findings need not be made.
    pub bounds: Arc<Bounds>,
    /// Where in the text of the file the part starts.
    pub offset: u64,
}

impl Context {
    /// What is in the place of a context that is still to be set.
    pub fn none() -> Self {
        Self {
            limits: Limits { silence: Duration::ZERO, listed: 0, sources: false },
            file: 0,
            written: None,
            latest: Stamp::EPOCH,
            layout: Arc::default(),
            ignore: Arc::default(),
            statuses: Arc::default(),
            years: Arc::default(),
            bounds: Arc::default(),
            offset: 0,
        }
    }

    /// The same for a part that starts at `offset`.
    #[must_use]
    pub fn at(&self, offset: u64) -> Self {
        let written = self.years.written(offset).or(self.written);
        Self { offset, written, ..self.clone() }
    }
}

/// Something that was seen a number of times, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// The line where it was seen first.
    pub line: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, line: u64) {
        self.append(Self { count: 1, line });
    }

    pub(crate) fn append(&mut self, next: Self) {
        if self.count == 0 {
            self.line = next.line;
        }
        self.count += next.count;
    }
}

/// How the record of a captured line ends that was empty.
const EMPTY_LINE: &[u8] = br#""raw":""}}"#;

/// What is odd about the lines of a file.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Oddities {
    /// Records without a usable time.
    pub timeless: Seen,
    /// Records of the future.
    pub future: Seen,
    /// Records from before the year 2000.
    pub ancient: Seen,
    /// Records more than a second earlier than the one before them.
    pub steps_back: Seen,
    /// The longest such step.
    pub longest_step: Duration,
    /// The longest time from one record to the next.
    pub longest_pause: Duration,
    /// Lines with invalid UTF-8.
    pub invalid_utf8: Seen,
    /// Lines too long to be read.
    pub too_long: Seen,
    /// Records that a container cut into pieces, the first of which does not show the level.
    pub cut: Seen,
    /// Records with a key that is there twice.
    pub twins: Seen,
    /// Records beyond the first in lines that hold many.
    pub batched: u64,
    /// Records without a usable time in such lines, beyond those lines that are ignored for them.
    pub batched_timeless: Seen,
    /// Zero bytes, which a crash or a truncated file leaves.
    pub zeros: Seen,
    /// Captured lines of which most could not be decoded.
    pub undecodable: Seen,
    /// Captured lines without any text.
    pub blank: Seen,
    /// Lines behind whose stamp a word for a level is, in a file that states levels elsewhere.
    pub bare: Seen,
    /// Those of a warning or worse among them.
    pub bare_errors: Seen,
    /// Records of text that state no level where most others do, and hold a word for an error.
    pub telling: Seen,
    /// Records below the levels of errors whose message is another record, of an error.
    pub nested: Seen,
    /// Records that tell of a crash in a field beside their message.
    #[serde(default)]
    pub beside: Seen,
    /// Responses of servers with a status of 5xx, where nobody says whether they are errors.
    #[serde(default)]
    pub server_errors: Seen,
    /// Captured records that show a crash and say that one before them does.
    pub continued_crashes: Seen,
}

impl Oddities {
    /// Notes captured lines that tell nothing: blank ones, and such that are no text; equal ones are folded into one.
    pub(super) fn look_at_text(&mut self, record: &Record<'_>, line: u64) {
        let seen = |count| Seen { count, line };
        match record.message {
            Raw::Text(text) if !text.escaped && text.bytes.is_ascii() && !text.bytes.trim_ascii().is_empty() => {}
            Raw::Text(text) => {
                let text = text.decode();
                let wrong = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || c.is_control()).count();
                if text.chars().all(|c| c.is_whitespace() || c == '\0') {
                    self.blank.append(seen(record.captured().0));
                } else if wrong * 10 > text.chars().count() * 3 {
                    self.undecodable.append(seen(record.captured().0));
                }
            }
            // A line of JSON need not have a message; one of text that has none is empty.
            _ if record.source().trim_ascii_end().ends_with(EMPTY_LINE) => {
                self.blank.append(seen(record.captured().0));
            }
            _ => {}
        }
    }

    fn all(&mut self) -> [&mut Seen; 19] {
        [
            &mut self.timeless,
            &mut self.future,
            &mut self.ancient,
            &mut self.steps_back,
            &mut self.invalid_utf8,
            &mut self.too_long,
            &mut self.cut,
            &mut self.twins,
            &mut self.batched_timeless,
            &mut self.zeros,
            &mut self.undecodable,
            &mut self.blank,
            &mut self.bare,
            &mut self.bare_errors,
            &mut self.telling,
            &mut self.nested,
            &mut self.beside,
            &mut self.server_errors,
            &mut self.continued_crashes,
        ]
    }

    fn append(&mut self, mut next: Self) {
        self.longest_step = self.longest_step.max(next.longest_step);
        self.longest_pause = self.longest_pause.max(next.longest_pause);
        self.batched += next.batched;
        self.all().into_iter().zip(next.all()).for_each(|(seen, more)| seen.append(*more));
    }

    fn shift(&mut self, lines: u64) {
        self.all().into_iter().filter(|seen| seen.count > 0).for_each(|seen| seen.line += lines);
    }

    #[inline]
    pub(crate) fn step(&mut self, before: Stamp, at: Stamp, line: u64) {
        if at > before {
            self.longest_pause = self.longest_pause.max(at.since(before));
        } else if before.micros() - at.micros() > STEP_BACK {
            self.steps_back.add(line);
            self.longest_step = self.longest_step.max(before.since(at));
        }
    }
}

/// A part of a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChunkReport {
    /// What the records add up to.
    pub tally: Tally,
    /// What is odd about the lines.
    pub odd: Oddities,
    /// Lines that are no record, the first few.
    pub samples: Vec<IgnoredLine>,
    /// Ignored lines that hold a word for an error, and damaged ones.
    pub suspects: Suspects,
    pub(crate) dialects: [u64; DIALECTS.len()],
    /// The lines before the first one whose stream is known.
    pub(crate) lead: ContinuationLines,
    /// The first record: when and on which line.
    pub(crate) first: Option<(Stamp, u64)>,
    /// When the last record was.
    pub(crate) latest: Option<Stamp>,
    pub(crate) streams: Vec<Stream<'static>>,
    /// The stream of the last line.
    pub(crate) current: Option<Id>,
    #[serde(skip, default = "Context::none")]
    /// What it was read with.
    pub context: Context,
    /// Lines that the layout does not read in full.
    pub(crate) unread: Unread,
    /// The last line, where it lacks its line end.
    #[serde(default)]
    pub(crate) unended: Option<Unended>,
}

impl ChunkReport {
    /// Nothing read yet.
    pub fn new(context: Context) -> Self {
        let mut tally = Tally::new(&context.limits);
        tally.keep_to(&context.bounds);
        Self {
            tally,
            odd: Oddities::default(),
            samples: Vec::new(),
            suspects: Suspects::default(),
            dialects: [0; DIALECTS.len()],
            lead: ContinuationLines::default(),
            first: None,
            latest: None,
            streams: Vec::new(),
            current: None,
            unread: Unread::default(),
            unended: None,
            context,
        }
    }

    /// What it was read with.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// A part that is one line, too long to be read, by its start.
    pub fn too_long(start: &[u8], context: Context) -> Self {
        let mut part = Self::new(context);
        part.tally.lines = 1;
        part.ignore(1, start);
        part.odd.too_long.add(1);
        part
    }

    /// Appends the part that follows directly in the file.
    pub fn append(&mut self, mut next: Self) {
        next.shift(self.tally.lines);
        let current = self.current.and_then(|id| self.streams.iter_mut().find(|stream| stream.id == id));
        current.map_or(&mut self.lead, Stream::block).append(next.lead);
        for stream in next.streams {
            self.append_stream(stream);
        }
        if let Some((first_at, line)) = next.first {
            if let Some(latest) = self.latest {
                self.odd.step(latest, first_at, line);
            }
            self.first = self.first.or(next.first);
            self.latest = next.latest;
        }
        self.current = next.current.or(self.current);
        self.odd.append(next.odd);
        self.add_samples(next.samples);
        self.suspects.append(&next.suspects);
        self.unread.append(next.unread);
        self.unended = next.unended;
        self.dialects.iter_mut().zip(next.dialects).for_each(|(total, more)| *total += more);
        self.tally.merge(next.tally);
        self.tally.tell(&self.context.bounds);
    }

    /// Appends what follows in a stream.
    fn append_stream(&mut self, next: Stream<'static>) {
        let Some(own) = self.streams.iter_mut().find(|own| own.id == next.id) else {
            return self.streams.push(next);
        };
        own.block().append(next.lead);
        if next.last.is_none() {
            return;
        }
        let before = std::mem::replace(&mut own.tail, next.tail);
        if let Some(last) = std::mem::replace(&mut own.last, next.last) {
            self.close(&before, Some(&last));
        }
    }

    /// Decides about the lines at both ends, once nothing follows.
    pub fn close_ends(&mut self) {
        let lasts = self.streams.iter().filter_map(|stream| stream.last.as_ref());
        let dialect = self.dialect();
        let cut = |line: &Unended| line.is_cut(dialect, lasts.map(|last| &*last.text));
        if let Some(line) = self.unended.take().filter(cut) {
            self.suspects.add(line.number, &line.text);
        }
        let lead = std::mem::take(&mut self.lead);
        self.close(&lead, None);
        for stream in std::mem::take(&mut self.streams) {
            self.close(&stream.lead, None);
            self.close(&stream.tail, stream.last.as_ref());
        }
    }

    /// The layout with what the lines tell that it does not read; none if they tell nothing, or it has it already.
    pub fn learn_again(&self) -> Option<Layout> {
        let heads = self.unread.heads(self.tally.lines)?;
        self.context.layout.learn_again(&heads, self.context.latest)
    }

    /// The dialect of most records; none if there are none.
    pub fn dialect(&self) -> Option<Dialect> {
        let most = self.dialects.iter().max().filter(|count| **count > 0)?;
        DIALECTS.iter().map(|row| row.dialect).find(|dialect| self.dialects[*dialect as usize] == *most)
    }

    fn shift(&mut self, lines: u64) {
        if lines == 0 {
            return;
        }
        self.tally.shift(lines);
        self.lead.shift(lines);
        self.streams.iter_mut().for_each(|stream| stream.shift(lines));
        self.samples.iter_mut().for_each(|sample| sample.line += lines);
        self.suspects.shift(lines);
        self.unread.shift(lines);
        self.unended.iter_mut().for_each(|line| line.number += lines);
        self.odd.shift(lines);
        if let Some((_, line)) = &mut self.first {
            *line += lines;
        }
    }

    pub(crate) fn ignore(&mut self, number: u64, line: &[u8]) {
        self.tally.ignored += 1;
        if self.samples.len() < continuation::SHOWN {
            self.samples.push(IgnoredLine { line: number, text: continuation::shown(line) });
        }
    }

    /// What a record is judged for: nothing, where the policy ignores its text.
    #[inline]
    pub(crate) fn unless_ignored(
        &mut self,
        record: &Record<'_>,
        severity: Status,
        crash: Option<Kind>,
    ) -> (Status, Option<Kind>) {
        if severity == Status::Pass && crash.is_none() {
            return (severity, crash);
        }
        if let Some(drill) = self.context.ignore.drill_of(record, crash) {
            let times = record.captured().0;
            let of = |is: bool| if is { times } else { 0 };
            self.tally.excused.entry(drill.to_owned()).or_default().add(LogTotals {
                errors: of(severity == Status::Fail),
                warnings: of(severity == Status::Warn),
                content_incidents: of(crash.is_some()),
                gap_incidents: 0,
            });
            return (Status::Pass, None);
        }
        match self.context.ignore.text_for(record, severity, crash) {
            None => (severity, crash),
            Some(text) => {
                *self.tally.ignored_by_policy.entry(text.to_owned()).or_default() += record.captured().0;
                (Status::Pass, None)
            }
        }
    }

    fn add_samples(&mut self, more: Vec<IgnoredLine>) {
        self.samples.extend(more);
        self.samples.sort_by_key(|sample| sample.line);
        self.samples.truncate(continuation::SHOWN);
    }

    /// Decides about the lines between two records: text continues the record before it, within limits, and all else is
    /// ignored. A crash in them is that record's, unless it shows one itself.
    pub(crate) fn close(&mut self, block: &ContinuationLines, last: Option<&Last<'_>>) {
        let own = last.and_then(|last| last.crash.as_ref());
        if block.lines == 0 && own.is_none() {
            return;
        }
        let behind_text = last.is_some_and(|last| last.is_text);
        let (continued, ignored, samples) = block.split(behind_text);
        self.tally.continued += continued;
        self.tally.ignored += ignored;
        self.add_samples(samples.cloned().collect());
        let told = block.crash().filter(|_| last.is_none_or(|last| !last.crashed));
        let kinds = [told.as_ref().map(|crash| crash.kind), own.map(|(kind, _)| *kind)];
        let explained = kinds.iter().any(Option::is_some) || last.is_some_and(|last| last.failed || last.crashed);
        self.suspects.append(&block.suspects(behind_text, explained));
        if let Some(kind) = kinds.into_iter().flatten().min() {
            let (layout, written) = (Arc::clone(&self.context.layout), self.context.written);
            let record = || last.and_then(|last| layout.read(&last.text, written, &mut Memory::default()));
            let at = last.map(|last| last.at);
            let text = match (own, &told) {
                (Some(_), _) => {
                    let message = record().as_ref().and_then(Record::message).map(Cow::into_owned);
                    message.map_or_else(String::new, |message| format!("{message}\n{}", block.text()))
                }
                (None, told) => told.as_ref().map_or_else(String::new, |crash| crash.text.clone()),
            };
            let details = || {
                let details = record().map_or_else(|| Details::of_text(kind), |record| crash_details(&record, kind));
                told.iter().fold(details, |details, crash| details.with_text(&crash.text))
            };
            let line = |crash: &Crash| Key::new(at, self.context.file, crash.line, 0);
            if let Some(key) = own.map(|(_, key)| *key).or(told.as_ref().map(line)) {
                self.tally.add_crash_text(&headline(&text), at, details, kind, key);
            }
            if let Some(last) = last.filter(|last| !last.failed) {
                self.tally.histogram.add(Histogram::tick(last.at), [0, 0, 1]);
            }
        }
    }
}
