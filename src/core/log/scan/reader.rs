//! Reads the lines of one part of a log. What is met again and again is kept close and added up at the end.

mod coverage;
mod notes;

use std::borrow::Cow;
use std::sync::Arc;

use super::chunk::{ChunkReport, Context, Seen};
use super::continuation::{ContinuationLines, Tie};
use super::damaged;
use super::line::{crash_of, is_blank, starts, worse};
use super::places::Places;
use super::stream::{Id, Last, Stream};
use crate::crash::prefilter::{Marks, Suspicion};
use crate::finding::Status;
use crate::level::Level;
use crate::log::access;
use crate::log::ansi;
use crate::log::dialect::Dialect;
use crate::log::frame::{CONTINUES, FILL};
use crate::log::layout::{Layout, Memory};
use crate::log::record::{self, Record};
use crate::log::totals::first_n::Key;
use crate::log::totals::histogram::{Figures, Histogram};
use crate::time::Stamp;
use coverage::{Clock, Run};
use notes::Met;

impl ChunkReport {
    /// Reads lines; the last may lack its line end.
    pub fn read(raw: &[u8], context: Context) -> Self {
        // Colours and holes are between the fields that matter; without them all lines are read alike.
        if memchr::memchr3(0x1b, 0, b'\r', raw).is_none() {
            return read_lines(raw, raw, context, Seen::default(), false);
        }
        let text = ansi::strip_bytes(raw);
        let mut zeros = Seen::default();
        let text = match memchr::memchr(0, &text) {
            Some(first) => {
                zeros.line = 1 + memchr::memchr_iter(b'\n', &text[..first]).count() as u64;
                let before = text.len();
                let mut text = text.into_owned();
                text.retain(|b| *b != 0);
                zeros.count = (before - text.len()) as u64;
                Cow::Owned(text)
            }
            None => text,
        };
        let joined = memchr::memchr_iter(b'\r', &text).any(|at| text.get(at + 1).is_some_and(|next| *next != b'\n'));
        read_lines(raw, &text, context, zeros, joined)
    }
}

/// Reads lines, which may hold several where they are `joined`; `raw` are the same as they are in the file.
fn read_lines(raw: &[u8], text: &[u8], context: Context, zeros: Seen, joined: bool) -> ChunkReport {
    let years = Some(Arc::clone(&context.years)).filter(|years| years.turns());
    let offset = context.offset;
    let mut raw_starts = memchr::memchr_iter(b'\n', raw);
    let mut raw_start = 0;
    let mut reader = Reader::new(context, joined);
    reader.part.odd.zeros = zeros;
    let valid = text.is_ascii() || std::str::from_utf8(text).is_ok();
    let mut suspects = Marks::of(text, 0);
    let asked = reader.part.context.statuses.error.is_none() && reader.layout.tells_of_requests();
    let mut hints = Places::of(text, access::find_hint, asked);
    let mut shouts = Places::of(text, damaged::find_shout, true);
    let mut start = 0;
    let rest = (!text.is_empty() && !text.ends_with(b"\n")).then_some(text.len());
    for end in memchr::memchr_iter(b'\n', text).chain(rest) {
        let line = &text[start..end];
        let suspected = suspects.pass(start, end);
        reader.hinted = hints.pass(end);
        reader.shouted = shouts.pass(end);
        if !valid && std::str::from_utf8(line).is_err() {
            reader.part.odd.invalid_utf8.add(reader.part.tally.lines + 1);
        }
        if let Some(years) = &years {
            reader.part.context.written = years.written(offset + raw_start);
            raw_start = raw_starts.next().map_or(0, |end| end as u64 + 1);
        }
        reader.line(line, suspected);
        if rest == Some(end) {
            reader.end(line);
        }
        start = end + 1;
    }
    reader.finish()
}

#[derive(Clone, Copy)]
struct Spot<'t> {
    line: u64,
    part: u32,
    text: &'t [u8],
}

/// The state while a part is read.
struct Reader<'t> {
    part: ChunkReport,
    layout: Arc<Layout>,
    memory: Memory,
    levels: Vec<Met<'t>>,
    /// The levels of lines inside others, with their words.
    inner_levels: Vec<(Level, Cow<'static, str>, u64)>,
    /// By what the records state, and by when they were received.
    runs: [Option<Run<'t>>; 2],
    tick: (i64, Figures),
    /// The streams, and which of them the last line belongs to.
    streams: Vec<Stream<'t>>,
    current: Option<usize>,
    /// The stream of the line at hand.
    id: Id,
    /// Whether a line may hold several.
    joined: bool,
    /// Whether the line may tell of a response with a status of 5xx of which nobody says what it means.
    hinted: bool,
    /// Whether the line holds the name of the level of errors in capitals.
    shouted: bool,
}

impl<'t> Reader<'t> {
    fn new(context: Context, joined: bool) -> Self {
        Self {
            layout: Arc::clone(&context.layout),
            part: ChunkReport::new(context),
            memory: Memory::default(),
            levels: Vec::new(),
            inner_levels: Vec::new(),
            runs: [None, None],
            tick: (0, [0; 3]),
            streams: Vec::new(),
            current: None,
            id: Id::default(),
            joined,
            hinted: false,
            shouted: false,
        }
    }

    fn line(&mut self, line: &'t [u8], suspected: Suspicion) {
        self.part.tally.lines += 1;
        let number = self.part.tally.lines;
        if line == FILL {
            self.part.tally.continued += 1;
            return;
        }
        let carried = line.strip_prefix(CONTINUES);
        let (service, line) = self.layout.unwrap(carried.unwrap_or(line));
        let mut read = self.layout.read(line, self.part.context.written, &mut self.memory);
        let Some(record) = &mut read else {
            self.id = Id::of(service, None);
            if service.is_some() {
                self.enter(self.id);
            }
            return self.loose(number, line, suspected);
        };
        record.service = service;
        self.part.context.statuses.apply(record);
        self.id = Id::of(service, Some(record));
        // One without a time and a name may belong to any stream.
        if carried.is_some() || self.id != Id::default() {
            self.enter(self.id);
        }
        if let Some(text) = carried.and_then(|_| record.bare()) {
            return self.carry(number, text.trim_end().as_bytes());
        }
        if !record.dialect.is_json() && self.split(line, suspected) {
            return;
        }
        let Some(batch) = record.batch() else {
            if !self.record(record, Spot { line: number, part: 0, text: line }, suspected) {
                self.part.ignore(number, line);
                if !record.dialect.is_json() {
                    // What follows it may tell of the same.
                    self.block().add(number, line, suspected, Tie::None);
                }
            }
            return;
        };
        self.batch(&batch, number, line, suspected);
    }

    /// Takes in the records of a line that holds many.
    fn batch(&mut self, batch: &[Record<'t>], number: u64, line: &[u8], suspected: Suspicion) {
        let mut timeless = 0;
        for (record, part) in batch.iter().zip(0..) {
            let usable = self.record(record, Spot { line: number, part, text: record.source() }, suspected);
            timeless += u64::from(!usable);
        }
        if timeless == batch.len() as u64 {
            self.part.ignore(number, line);
            timeless = timeless.saturating_sub(1);
        }
        self.part.odd.batched += (batch.len() as u64).saturating_sub(1);
        if timeless > 0 {
            self.part.odd.batched_timeless.append(Seen { count: timeless, line: number });
        }
    }

    /// Reads a line that holds JSON but is not one object. False where it gives no record.
    fn damaged(&mut self, number: u64, line: &'t [u8], suspected: Suspicion) -> bool {
        if !self.layout.is_json() && record::trim(line).first() != Some(&b'{') {
            return false;
        }
        let Some(pieces) = damaged::pieces(line) else { return false };
        if pieces.damaged {
            self.part.suspects.add(number, line);
        }
        if let Some(level) = pieces.level {
            self.timeless(
                &damaged::record(line, level),
                Spot { line: number, part: 0, text: line },
                Suspicion::default(),
            );
        }
        if pieces.records.is_empty() {
            return false;
        }
        self.batch(&pieces.records, number, line, suspected);
        true
    }

    /// Reads a line that holds several, as those of old do, which end in a carriage return alone. False when it is one.
    fn split(&mut self, line: &'t [u8], suspected: Suspicion) -> bool {
        let text = if self.joined { line } else { b"" };
        let starts = starts(text, &self.layout, self.part.context.written);
        if starts.is_empty() {
            return false;
        }
        self.part.tally.lines -= 1;
        let mut from = 0;
        for start in starts.into_iter().chain([line.len() + 1]) {
            self.line(&line[from..start - 1], suspected);
            from = start;
        }
        true
    }

    /// A line that is no record.
    fn loose(&mut self, number: u64, line: &'t [u8], suspected: Suspicion) {
        if self.split(line, suspected) {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if is_blank(line) {
            self.part.tally.ignored += 1;
            self.part.tally.blank += 1;
            return self.block().add_blank();
        }
        if self.damaged(number, line, suspected) {
            return;
        }
        let tie = Tie::of(line);
        if tie != Tie::Close && self.layout.may_learn() {
            self.part.unread.add(number, record::trim(line));
        }
        if tie == Tie::None {
            self.part.ignore(number, line);
            self.timeless(&Record::of_line(line), Spot { line: number, part: 0, text: line }, Suspicion::default());
        }
        // Frames are indented.
        let suspected = Suspicion { crash: suspected.crash || matches!(line[0], b' ' | b'\t'), ..suspected };
        self.block().add(number, line, suspected, tie);
    }

    /// Takes a record in; false when it has no usable time.
    #[inline]
    fn record(&mut self, record: &Record<'t>, spot: Spot<'t>, suspected: Suspicion) -> bool {
        let Some(at) = record.at else {
            self.timeless(record, spot, suspected);
            return false;
        };
        self.part.tally.records += 1;
        self.part.dialects[record.dialect as usize] += 1;
        let severity = self.level(record);
        if record.level.is_none() && !record.dialect.has_default_level() && record.level().is_none() {
            self.part.tally.unstated += 1;
            self.unread(spot.line, record);
        }
        self.look_beside_level(record, severity, spot.line);
        self.event(record);
        self.cover(Clock::Stated, at, spot);
        if let Some(service) = record.service() {
            self.part.tally.services.add(service, 1);
        }
        if record.dialect == Dialect::Captured {
            self.part.odd.look_at_text(record, spot.line);
        }
        let (mut crash, traces) = crash_of(record, suspected.crash);
        if crash.is_some() && record.continues() {
            self.part.odd.continued_crashes.add(spot.line);
            crash = None;
        }
        if suspected.crash && crash.is_none() && severity < Status::Fail && record.crash_beside() {
            self.part.odd.beside.add(spot.line);
        }
        let severity = worse(record, severity, suspected.failure && crash.is_none());
        let (severity, crash) = self.part.unless_ignored(record, severity, crash);
        if record.has_twins() {
            self.part.odd.twins.add(spot.line);
        }
        if record.is_cut() {
            self.part.odd.cut.add(spot.line);
        }
        if severity > Status::Pass || crash.is_some() {
            let key = Key::new(Some(at), self.part.context.file, spot.line, spot.part);
            self.part.tally.add_incident(record, severity, key, crash.is_none());
            if let Some(kind) = crash.filter(|_| !record.is_text()) {
                self.part.tally.add_crash(record, &traces, kind, key);
            }
        }
        let failed = severity == Status::Fail || crash.is_some();
        self.count_tick(Histogram::tick(at), [1, u64::from(severity == Status::Warn && !failed), u64::from(failed)]);
        self.look_at_time(at, spot.line);
        if record.dialect == Dialect::Captured {
            self.unfold(record, at);
            if let Some(received) = record.received().and_then(|since| Stamp::from_micros(since.as_micros() as i64)) {
                self.part.tally.received += 1;
                if self.part.context.limits.sources {
                    self.part.tally.sources.add(record.workload().unwrap_or_default(), 1);
                }
                self.cover(Clock::Receipt, received, spot);
            }
        }
        self.enter(self.id);
        let own = self.current.unwrap_or_default();
        if self.streams[own].last.as_ref().is_some_and(|last| self.streams[own].tail.lines > 0 || last.crash.is_some())
        {
            self.close_block();
        }
        let is_text = record.is_text();
        let crashed = crash.is_some() && !is_text;
        let key = Key::new(Some(at), self.part.context.file, spot.line, spot.part);
        let crash = crash.filter(|_| is_text).map(|kind| (kind, key));
        self.streams[own].last = Some(Last { at, is_text, crashed, crash, failed, text: Cow::Borrowed(spot.text) });
        true
    }

    /// Counts the lines that a record of our own capture stands for, beside its own. Warnings and errors are never
    /// folded there, so nothing but counts is concerned.
    fn unfold(&mut self, record: &Record<'t>, at: Stamp) {
        let (repeated, lines) = record.captured();
        self.part.tally.restated += u64::from(record.restates());
        let more = repeated - 1;
        self.part.tally.folded += repeated.saturating_mul(lines) - 1;
        if more > 0 {
            self.part.tally.records += more;
            self.part.tally.add_level(record.level(), record.level_word().as_bytes(), more);
            if let Some(event) = record.event().filter(|event| !event.is_empty()) {
                self.part.tally.events.add(event.as_bytes(), more);
            }
            self.count_tick(Histogram::tick(at), [more, 0, 0]);
        }
    }

    /// A record that cannot be placed in time still counts for what it says.
    #[cold]
    fn timeless(&mut self, record: &Record<'t>, spot: Spot<'t>, suspected: Suspicion) {
        self.part.odd.timeless.add(spot.line);
        let key = Key::new(None, self.part.context.file, spot.line, spot.part);
        let severity = worse(record, record.level().map_or(Status::Pass, Level::status), suspected.failure);
        self.part.tally.add_incident(record, severity, key, true);
        if let (Some(kind), traces) = crash_of(record, suspected.crash) {
            self.part.tally.add_crash(record, &traces, kind, key);
        }
    }

    #[inline]
    fn level(&mut self, record: &Record<'t>) -> Status {
        if let Some((level, word)) = record.inner_level() {
            let met = self.inner_levels.iter().position(|met| met.0 == *level && met.1 == *word);
            match met {
                Some(met) => self.inner_levels[met].2 += 1,
                None if self.inner_levels.len() < 32 => self.inner_levels.push((*level, word.clone(), 1)),
                None => self.part.tally.add_level(Some(*level), word.as_bytes(), 1),
            }
            return level.status();
        }
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
    fn count_tick(&mut self, tick: i64, figures: Figures) {
        if tick != self.tick.0 {
            self.end_tick();
            self.tick.0 = tick;
        }
        self.tick.1.iter_mut().zip(figures).for_each(|(total, more)| *total += more);
    }

    fn end_tick(&mut self) {
        if self.tick.1 != [0; 3] {
            self.part.tally.histogram.add(self.tick.0, std::mem::take(&mut self.tick.1));
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
        match part.latest {
            Some(latest) => part.odd.step(latest, at, line),
            None => part.first = Some((at, line)),
        }
        part.latest = Some(at);
        part.tally.first = Some(part.tally.first.map_or(at, |first| first.min(at)));
        part.tally.last = Some(part.tally.last.map_or(at, |last| last.max(at)));
    }

    /// The lines that follow belong to this stream.
    #[inline]
    fn enter(&mut self, id: Id) {
        if self.current.is_none_or(|at| self.streams[at].id != id) {
            let known = self.streams.iter().position(|stream| stream.id == id);
            self.current = Some(known.unwrap_or(self.streams.len()));
            if known.is_none() {
                self.streams.push(Stream::new(id));
            }
        }
    }

    /// The lines to which another one that is no record is added.
    fn block(&mut self) -> &mut ContinuationLines {
        match self.current {
            Some(at) => self.streams[at].block(),
            None => &mut self.part.lead,
        }
    }

    /// Takes in a line of a container that goes on with a trace.
    fn carry(&mut self, number: u64, text: &[u8]) {
        if text.is_empty() {
            self.part.tally.continued += 1;
            self.block().add_blank();
        } else {
            self.block().carry(number, text);
        }
    }

    /// Decides about the lines behind the last record of the stream.
    fn close_block(&mut self) {
        let Some(stream) = self.current.map(|at| &mut self.streams[at]) else { return };
        let block = std::mem::take(&mut stream.tail);
        self.part.close(&block, stream.last.as_ref());
        stream.tail = block.emptied();
    }

    fn finish(mut self) -> ChunkReport {
        self.end_run(Clock::Stated);
        self.end_run(Clock::Receipt);
        self.end_tick();
        for met in std::mem::take(&mut self.levels) {
            self.part.tally.add_level(met.level, &met.word, met.count);
        }
        for (level, word, count) in std::mem::take(&mut self.inner_levels) {
            self.part.tally.add_level(Some(level), word.as_bytes(), count);
        }
        self.part.current = self.current.map(|at| self.streams[at].id);
        self.part.streams = self.streams.into_iter().map(Stream::into_owned).collect();
        self.part
    }
}
