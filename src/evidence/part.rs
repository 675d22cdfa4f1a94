//! Reads a part of a log: whole lines, cut anywhere between two of them. Parts of a file are appended in order.

use std::borrow::Cow;
use std::time::Duration;

use super::block::{self, Block};
use super::classify;
use super::coverage::Mark;
use super::dialect::{DIALECTS, Dialect};
use super::histogram::{Figures, Histogram};
use super::level::Level;
use super::listing::Key;
use super::record::{self, LevelSource, Record};
use super::shape::Shape;
use super::summary::IgnoredLine;
use super::tally::{Details, Limits, Tally, crash_details};
use crate::finding::Status;
use crate::time::Stamp;

/// A step back of the clock by more than this is noted.
const STEP_BACK: i64 = 1_000_000;
/// Labels of records beside a gap are cut at this many characters.
const LABEL: usize = 200;

/// What reading needs to know beside the lines.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// How records are tallied.
    pub limits: Limits,
    /// The number of the file.
    pub file: u32,
    /// When the file was written, for times without a year.
    pub written: Option<Stamp>,
    /// Later times lie in the future.
    pub latest: Stamp,
}

/// Something that was seen a number of times, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often.
    pub count: u64,
    /// The line where it was seen first.
    pub line: u64,
}

impl Seen {
    fn add(&mut self, line: u64) {
        self.append(Self { count: 1, line });
    }

    fn append(&mut self, next: Self) {
        if self.count == 0 {
            self.line = next.line;
        }
        self.count += next.count;
    }
}

/// What is odd about the lines of a file.
#[derive(Clone, Copy, Debug, Default)]
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
    /// Lines with invalid UTF-8.
    pub invalid_utf8: Seen,
    /// Lines too long to be read.
    pub too_long: Seen,
}

impl Oddities {
    fn all(&mut self) -> [&mut Seen; 6] {
        [
            &mut self.timeless,
            &mut self.future,
            &mut self.ancient,
            &mut self.steps_back,
            &mut self.invalid_utf8,
            &mut self.too_long,
        ]
    }

    fn append(&mut self, mut next: Self) {
        self.longest_step = self.longest_step.max(next.longest_step);
        self.all().into_iter().zip(next.all()).for_each(|(seen, more)| seen.append(*more));
    }

    fn shift(&mut self, lines: u64) {
        self.all().into_iter().for_each(|seen| seen.line += lines);
    }

    #[inline]
    fn step(&mut self, before: Stamp, at: Stamp, line: u64) {
        if before.micros() - at.micros() > STEP_BACK {
            self.steps_back.add(line);
            self.longest_step = self.longest_step.max(before.since(at));
        }
    }
}

/// The record to which the lines after it may belong.
#[derive(Clone, Debug)]
struct Last<'t> {
    at: Stamp,
    is_text: bool,
    crashed: bool,
    failed: bool,
    /// The line itself.
    text: Cow<'t, [u8]>,
}

/// A part of a log.
#[derive(Clone, Debug)]
pub struct Part {
    /// What the records add up to.
    pub tally: Tally,
    /// What is odd about the lines.
    pub odd: Oddities,
    /// Lines that are no record, the first few.
    pub samples: Vec<IgnoredLine>,
    dialects: [u64; DIALECTS.len()],
    /// The lines before the first record.
    lead: Block,
    /// The first record: when and on which line.
    first: Option<(Stamp, u64)>,
    last: Option<Last<'static>>,
    /// The lines after the last record.
    tail: Block,
    context: Context,
}

impl Part {
    /// Nothing read yet.
    pub fn new(context: Context) -> Self {
        Self {
            tally: Tally::new(&context.limits),
            odd: Oddities::default(),
            samples: Vec::new(),
            dialects: [0; DIALECTS.len()],
            lead: Block::default(),
            first: None,
            last: None,
            tail: Block::default(),
            context,
        }
    }

    /// Reads lines; the last may lack its line end.
    pub fn read(text: &[u8], context: Context) -> Self {
        let mut reader = Reader::new(context);
        let valid = text.is_ascii() || std::str::from_utf8(text).is_ok();
        let mut suspect = classify::suspect(text, 0);
        let mut start = 0;
        let rest = (!text.is_empty() && !text.ends_with(b"\n")).then_some(text.len());
        for end in memchr::memchr_iter(b'\n', text).chain(rest) {
            let line = &text[start..end];
            let suspected = suspect.is_some_and(|at| at < end);
            if suspected {
                suspect = classify::suspect(text, end);
            }
            if !valid && std::str::from_utf8(line).is_err() {
                reader.part.odd.invalid_utf8.add(reader.part.tally.lines + 1);
            }
            reader.line(line, suspected);
            start = end + 1;
        }
        reader.finish()
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
        if self.last.is_none() {
            self.lead.append(next.lead);
        } else {
            self.tail.append(next.lead);
        }
        if let Some((first_at, line)) = next.first {
            if let Some(last) = self.last.take() {
                self.odd.step(last.at, first_at, line);
                let tail = std::mem::take(&mut self.tail);
                self.close(tail, Some(&last));
            }
            self.first = self.first.or(next.first);
            self.last = next.last;
            self.tail = next.tail;
        }
        self.odd.append(next.odd);
        self.add_samples(next.samples);
        self.dialects.iter_mut().zip(next.dialects).for_each(|(total, more)| *total += more);
        self.tally.merge(next.tally);
    }

    /// Decides about the lines at both ends, once nothing follows.
    pub fn close_ends(&mut self) {
        let lead = std::mem::take(&mut self.lead);
        self.close(lead, None);
        let tail = std::mem::take(&mut self.tail);
        let last = self.last.take();
        self.close(tail, last.as_ref());
    }

    /// The dialect of most records; none where there are none.
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
        self.tail.shift(lines);
        self.samples.iter_mut().for_each(|sample| sample.line += lines);
        self.odd.shift(lines);
        if let Some((_, line)) = &mut self.first {
            *line += lines;
        }
    }

    fn ignore(&mut self, number: u64, line: &[u8]) {
        self.tally.ignored += 1;
        if self.samples.len() < block::SHOWN {
            self.samples.push(IgnoredLine { line: number, text: block::shown(line) });
        }
    }

    fn add_samples(&mut self, more: Vec<IgnoredLine>) {
        self.samples.extend(more);
        self.samples.sort_by_key(|sample| sample.line);
        self.samples.truncate(block::SHOWN);
    }

    /// Decides about the lines between two records: text continues the record before it, all else is ignored. A
    /// crash in them is that record's, unless it shows one itself.
    fn close(&mut self, block: Block, last: Option<&Last<'_>>) {
        if block.lines == 0 {
            return;
        }
        if last.is_some_and(|last| last.is_text) {
            self.tally.continued += block.lines;
        } else {
            self.tally.ignored += block.lines;
        }
        if let Some(crash) = block.crash().filter(|_| last.is_none_or(|last| !last.crashed)) {
            let record = last.and_then(|last| record::parse_near(&last.text, self.context.written));
            let details =
                record.map_or_else(|| Details::of_text(crash.kind), |record| crash_details(&record, crash.kind));
            let at = last.map(|last| last.at);
            let key = Key::new(at, self.context.file, crash.line, 0);
            self.tally.add_crash_text(&crash.headline, at, &details.with_text(&crash.text), crash.kind, key);
            if let Some(last) = last.filter(|last| !last.failed) {
                self.tally.histogram.add(Histogram::hour(last.at), [0, 0, 1]);
            }
        }
        if last.is_none_or(|last| !last.is_text) {
            self.add_samples(block.samples);
        }
    }
}

/// A level as it was met, with what it was found to mean.
struct Met<'t> {
    source: LevelSource<'t>,
    level: Option<Level>,
    word: Box<[u8]>,
    count: u64,
}

/// Records without a gap between them: the first and the last, each with its line.
struct Run<'t> {
    first: (Stamp, Spot<'t>),
    last: (Stamp, Spot<'t>),
}

#[derive(Clone, Copy)]
struct Spot<'t> {
    line: u64,
    part: u32,
    text: &'t [u8],
}

/// The state while a part is read. What is met again and again is kept close and added up at the end.
struct Reader<'t> {
    part: Part,
    shape: Shape,
    levels: Vec<Met<'t>>,
    run: Option<Run<'t>>,
    hour: (i64, Figures),
    last: Option<Last<'t>>,
    block: Block,
}

impl<'t> Reader<'t> {
    fn new(context: Context) -> Self {
        Self {
            part: Part::new(context),
            shape: Shape::default(),
            levels: Vec::new(),
            run: None,
            hour: (0, [0; 3]),
            last: None,
            block: Block::default(),
        }
    }

    fn line(&mut self, line: &'t [u8], suspected: bool) {
        self.part.tally.lines += 1;
        let number = self.part.tally.lines;
        let Some(record) = record::parse_like(line, self.part.context.written, &mut self.shape) else {
            return self.loose(number, line, suspected);
        };
        let Some(batch) = record.batch() else {
            if !self.record(&record, Spot { line: number, part: 0, text: line }, suspected) {
                self.part.ignore(number, line);
            }
            return;
        };
        let mut usable = false;
        for (record, part) in batch.iter().zip(0..) {
            usable |= self.record(record, Spot { line: number, part, text: record.source() }, suspected);
        }
        if !usable {
            self.part.ignore(number, line);
        }
    }

    /// A line that is no record.
    fn loose(&mut self, number: u64, line: &'t [u8], suspected: bool) {
        let plain = record::trim(line);
        if plain.is_empty() {
            self.part.tally.ignored += 1;
            self.part.tally.blank += 1;
            self.block.add_blank();
        } else if plain.contains(&b'\r') {
            // Lines of old, which end in a carriage return alone.
            self.part.tally.lines -= 1;
            plain.split(|b| *b == b'\r').for_each(|piece| self.line(piece, suspected));
        } else {
            self.block.add(number, line.strip_suffix(b"\r").unwrap_or(line), suspected);
        }
    }

    /// Takes a record in; false when it has no usable time.
    #[inline]
    fn record(&mut self, record: &Record<'t>, spot: Spot<'t>, suspected: bool) -> bool {
        let Some(at) = record.at else {
            self.timeless(record, spot, suspected);
            return false;
        };
        self.part.tally.records += 1;
        self.part.dialects[record.dialect as usize] += 1;
        let severity = self.level(record);
        self.event(record);
        self.cover(at, spot);
        let crash = if suspected { record.crash() } else { None };
        if severity > Status::Pass || crash.is_some() {
            let key = Key::new(Some(at), self.part.context.file, spot.line, spot.part);
            self.part.tally.add_incident(record, severity, key);
            if let Some(kind) = crash {
                self.part.tally.add_crash(record, kind, key);
            }
        }
        let failed = severity == Status::Fail || crash.is_some();
        self.count_hour(Histogram::hour(at), [1, u64::from(severity == Status::Warn && !failed), u64::from(failed)]);
        self.look_at_time(at, spot.line);
        if record.dialect == Dialect::Captured {
            self.unfold(record, at);
        }
        if self.block.lines > 0 {
            self.close_block();
        }
        let is_text = !record.dialect.is_json();
        self.last = Some(Last { at, is_text, crashed: crash.is_some(), failed, text: Cow::Borrowed(spot.text) });
        true
    }

    /// Counts the lines that a record of our own capture stands for, beside its own. Warnings and errors are never
    /// folded there, so nothing but counts is concerned.
    fn unfold(&mut self, record: &Record<'t>, at: Stamp) {
        let (repeated, lines) = record.captured();
        let more = repeated - 1;
        self.part.tally.folded += repeated.saturating_mul(lines) - 1;
        if more > 0 {
            self.part.tally.records += more;
            self.part.tally.add_level(record.level(), record.level_word().as_bytes(), more);
            if let Some(event) = record.event().filter(|event| !event.is_empty()) {
                self.part.tally.events.add(event.as_bytes(), more);
            }
            self.count_hour(Histogram::hour(at), [more, 0, 0]);
        }
    }

    /// A record that cannot be placed in time still counts for what it says.
    #[cold]
    fn timeless(&mut self, record: &Record<'t>, spot: Spot<'t>, suspected: bool) {
        self.part.odd.timeless.add(spot.line);
        let key = Key::new(None, self.part.context.file, spot.line, spot.part);
        self.part.tally.add_incident(record, record.level().map_or(Status::Pass, Level::status), key);
        if let Some(kind) = if suspected { record.crash() } else { None } {
            self.part.tally.add_crash(record, kind, key);
        }
    }

    #[inline]
    fn level(&mut self, record: &Record<'t>) -> Status {
        let source = record.level_source();
        if let Some(met) = source.and_then(|source| self.levels.iter_mut().find(|met| met.source == source)) {
            met.count += 1;
            return met.level.map_or(Status::Pass, Level::status);
        }
        let (level, word) = (record.level(), record.level_word());
        match source {
            // What an unknown level means may depend on the rest of its line.
            Some(source) if level != Some(Level::Unknown) && self.levels.len() < 32 => {
                self.levels.push(Met { source, level, word: word.as_bytes().into(), count: 1 });
            }
            _ => self.part.tally.add_level(level, word.as_bytes(), 1),
        }
        level.map_or(Status::Pass, Level::status)
    }

    #[inline]
    fn event(&mut self, record: &Record<'t>) {
        match record.plain_event() {
            Some(b"") => {}
            Some(event) => self.part.tally.events.add(event, 1),
            None => {
                if let Some(event) = record.event().filter(|event| !event.is_empty()) {
                    self.part.tally.events.add(event.as_bytes(), 1);
                }
            }
        }
    }

    #[inline]
    fn cover(&mut self, at: Stamp, spot: Spot<'t>) {
        let limit = self.part.context.limits.warn_gap;
        if let Some(run) = &mut self.run {
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
        self.end_run();
        self.run = Some(Run { first: (at, spot), last: (at, spot) });
    }

    fn end_run(&mut self) {
        if let Some(run) = self.run.take() {
            let context = self.part.context;
            let mark = |(at, spot): (Stamp, Spot<'t>)| {
                let record = record::parse_near(spot.text, context.written);
                let short = |text: Cow<'_, str>| text.chars().take(LABEL).collect();
                Mark {
                    key: Key::new(Some(at), context.file, spot.line, spot.part),
                    at,
                    event: record.as_ref().and_then(Record::event).map(short),
                    label: record.as_ref().and_then(Record::label).map(short),
                }
            };
            self.part.tally.coverage.add(mark(run.first), mark(run.last));
        }
    }

    #[inline]
    fn count_hour(&mut self, hour: i64, figures: Figures) {
        if hour != self.hour.0 {
            self.end_hour();
            self.hour.0 = hour;
        }
        self.hour.1.iter_mut().zip(figures).for_each(|(total, more)| *total += more);
    }

    fn end_hour(&mut self) {
        if self.hour.1 != [0; 3] {
            self.part.tally.histogram.add(self.hour.0, std::mem::take(&mut self.hour.1));
        }
    }

    #[inline]
    fn look_at_time(&mut self, at: Stamp, line: u64) {
        const Y2000: i64 = 946_684_800_000_000;
        let part = &mut self.part;
        if at > part.context.latest {
            part.odd.future.add(line);
        } else if at.micros() < Y2000 {
            part.odd.ancient.add(line);
        }
        match &self.last {
            Some(last) => part.odd.step(last.at, at, line),
            None => part.first = Some((at, line)),
        }
        part.tally.first = Some(part.tally.first.map_or(at, |first| first.min(at)));
        part.tally.last = Some(part.tally.last.map_or(at, |last| last.max(at)));
    }

    fn close_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        match &self.last {
            Some(last) => self.part.close(block, Some(last)),
            // The record that these lines may belong to is in the part before.
            None => self.part.lead = block,
        }
    }

    fn finish(mut self) -> Part {
        self.end_run();
        self.end_hour();
        for met in std::mem::take(&mut self.levels) {
            self.part.tally.add_level(met.level, &met.word, met.count);
        }
        match &self.last {
            Some(_) => self.part.tail = self.block,
            None => self.part.lead = self.block,
        }
        self.part.last = self.last.map(|last| Last { text: Cow::Owned(last.text.into_owned()), ..last });
        self.part
    }
}
