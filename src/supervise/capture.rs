//! Turns captured lines into records of the structured log.
//!
//! The lines of a stack trace become one record, and equal lines that come in one burst become one record with a
//! count: the structured log stays readable, and a flood costs little. The raw log keeps every line.

mod early;
mod interrupt;
mod pending;
mod text;
mod written;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::event::{Batch, LineIncident, Skew};
use super::redact::Redactor;
use crate::crash::classify;
use crate::crash::headline_among;
use crate::finding::Status;
use crate::guards::fields::Lines;
use crate::level::Level;
use crate::log::ansi;
use crate::log::frame::jul;
use crate::log::layout::Memory;
use crate::log::layout::description;
use crate::log::layout::live::Learner;
use crate::log::level_at_start;
use crate::log::record::Record;
use crate::log::scan::line;
use crate::log::totals::signature;
use crate::log::trace::{Style, Trace};
use crate::time::Stamp;
use early::Early;
use pending::{Pending, foldable};
use text::{is_object, level_word, lossy, one_line, plain};
use written::Line;
pub(crate) use written::{Arrival, Origin};

/// Longer lines are cut, in bytes.
pub(crate) const LINE_LIMIT: usize = 1 << 20;

/// A line's own time counts when it is this close to its arrival, in microseconds; otherwise its clock or time zone
/// is off, and the time of arrival counts.
const CLOSE: u64 = 60_000_000;

/// The most lines and bytes that are joined into one stack trace.
const TRACE_LINES: u64 = 2000;
const TRACE_BYTES: usize = 256 << 10;

/// How much of a message an incident shows, in characters.
const SHOWN: usize = 500;

/// The names of more services than this are not told apart where traces are joined.
const SERVICES: usize = 64;

/// A trace of a service is told after so long, although others go on to speak. See the pause of the pump.
const HELD: Duration = Duration::from_millis(40);

/// Turns the lines of one stream into records.
pub(crate) struct Formatter {
    stream: &'static str,
    level: Level,
    redactor: Arc<Redactor>,
    /// The first is that of lines without the name of a service before them.
    channels: Vec<Channel>,
    learner: Learner,
    early: Early,
    memory: Memory,
    /// Whose lines these are, where there are several workloads.
    origin: Option<Origin>,
    /// The figures that guards watch in these lines.
    figures: Lines,
}

/// The lines of one service of a stream, whose traces those of others must not tear apart.
#[derive(Default)]
struct Channel {
    service: Vec<u8>,
    trace: Trace,
    /// A stack trace whose next lines may still come.
    held: Option<Pending<'static>>,
    /// Whether that trace was told before a pause: what still comes of it is no incident of its own.
    told: bool,
}

/// The lines that arrived together.
pub(crate) struct Chunk<'a, 'l> {
    formatter: &'a mut Formatter,
    out: &'a mut Vec<u8>,
    batch: &'a mut Batch,
    arrived: Arrival,
    arrived_text: [String; 2],
    interrupted: bool,
    /// The channel of the line seen last.
    channel: usize,
    pending: Option<Pending<'l>>,
}

impl Formatter {
    /// A formatter for `stream`; lines that state no level get `level`, and what `redactor` knows is not written.
    pub(crate) fn new(stream: &'static str, level: Level, redactor: Arc<Redactor>) -> Self {
        let channels = vec![Channel::default()];
        let (learner, early, memory, origin, figures) = Default::default();
        Self { stream, level, redactor, channels, learner, early, memory, origin, figures }
    }

    /// A formatter that tells what its lines say of these figures.
    pub(crate) fn watching(self, figures: Lines) -> Self {
        Self { figures, ..self }
    }

    /// A formatter whose records name the workload.
    pub(crate) fn of(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// What was learnt, in words; empty where nothing was.
    pub(crate) fn layout(&self) -> String {
        description::in_short(&self.learner.layout().describe())
    }

    /// Begins a chunk of lines that arrived at `arrived`. Records go to `out`, counts and incidents to `batch`.
    /// `interrupted` says whether the command was asked to stop before.
    pub(crate) fn chunk<'a, 'l>(
        &'a mut self,
        arrived: Arrival,
        interrupted: bool,
        out: &'a mut Vec<u8>,
        batch: &'a mut Batch,
    ) -> Chunk<'a, 'l> {
        let (channel, pending) = (0, self.channels[0].held.take());
        let arrived_text = arrived.texts();
        let mut chunk = Chunk { formatter: self, out, batch, arrived, arrived_text, interrupted, channel, pending };
        chunk.restate();
        chunk
    }

    /// Whether a stack trace waits for its next lines. It must not wait long, because its incident waits with it.
    pub(crate) fn holds(&self) -> bool {
        self.channels.iter().any(|channel| channel.held.is_some())
    }

    /// Reads what is pending, `plain` in one line: its record, or else the worst level that is to be seen in it.
    fn read<'a>(&mut self, pending: &Pending<'_>, plain: &'a [u8]) -> (Option<Record<'a>>, Option<Level>) {
        match (pending.trace, pending.divided) {
            (true, _) => (None, None),
            (false, true) => (None, self.worst_of(plain)),
            (false, false) => self.learner.read(plain, &mut self.memory),
        }
    }

    /// The worst level of the lines of a text.
    fn worst_of(&mut self, text: &[u8]) -> Option<Level> {
        let levels = text.split(|b| *b == b'\n').filter_map(|piece| {
            let (record, damage) = self.learner.read(piece, &mut self.memory);
            record.as_ref().and_then(Record::level).or(damage).or_else(|| level_at_start::anywhere(&lossy(piece)))
        });
        levels.max()
    }

    /// Lines of a trace without the names of services before them.
    fn without_names<'t>(&self, text: &'t str, trace: bool) -> Cow<'t, str> {
        let layout = self.learner.layout();
        if !trace || !layout.wraps() {
            return Cow::Borrowed(text);
        }
        let plain = ansi::strip(text);
        let lines: Vec<Cow<'_, str>> = plain.lines().map(|line| lossy(layout.unwrap(line.as_bytes()).1)).collect();
        Cow::Owned(lines.join("\n"))
    }

    /// What lines are written with: see [`Redactor`].
    pub(crate) fn redactor(&self) -> &Arc<Redactor> {
        &self.redactor
    }
}

impl<'l> Chunk<'_, 'l> {
    /// Takes the next line, without its line end. `cut_from` is its full length where it was cut.
    pub(crate) fn line(&mut self, line: &'l [u8], cut_from: Option<u64>) {
        self.batch.cut += u64::from(cut_from.is_some());
        // The steps of a progress bar are one line; but where a line of a log is among them, each counts for its level.
        let starts = line::starts(line, self.formatter.learner.layout(), None);
        if starts.is_empty() {
            return self.piece(Cow::Borrowed(line), cut_from, false);
        }
        let mut divided = line.to_vec();
        starts.into_iter().for_each(|start| divided[start - 1] = b'\n');
        self.piece(Cow::Owned(divided), cut_from, true);
    }

    fn piece(&mut self, text: Cow<'l, [u8]>, cut_from: Option<u64>, divided: bool) {
        let raw: &[u8] = &text;
        let plain = if self.formatter.learner.layout().wraps() { ansi::strip_bytes(raw) } else { Cow::Borrowed(raw) };
        let (service, line) = self.formatter.learner.layout().unwrap(&plain);
        self.enter(service.unwrap_or_default());
        let channel = &mut self.formatter.channels[self.channel];
        let trace;
        if let Some(pending) = &mut self.pending {
            if !pending.trace && cut_from.is_none() && *pending.text == *raw {
                let level = self.formatter.level;
                let layout = self.formatter.learner.layout();
                if *pending.foldable.get_or_insert_with(|| foldable(raw, layout, pending.crash, level)) {
                    pending.repeated += 1;
                    return;
                }
            }
            let object = channel.trace == Trace::Open(Style::Object);
            let joins = jul::joins(&pending.text, raw) && pending.lines == 1 && !pending.trace;
            let mut goes_on = channel.trace.takes(line) || joins;
            if !goes_on && pending.heads(line, self.formatter.learner.layout()) {
                // Its first frame shows that a plain line was the head of a trace.
                channel.trace = Trace::Open(Style::Frames);
                goes_on = true;
            }
            trace = goes_on;
            if trace && pending.lines < TRACE_LINES && pending.text.len() + raw.len() < TRACE_BYTES {
                let text = pending.text.to_mut();
                text.push(b'\n');
                text.extend_from_slice(raw);
                pending.lines += 1;
                pending.trace = !object && !joins;
                return;
            }
        } else {
            trace = channel.told && channel.trace.takes(line);
        }
        let crash =
            if line.first() != Some(&b'{') && classify::may_match(line) { classify::text(&lossy(line)) } else { None };
        let begins = if trace { channel.trace } else { Trace::begins(line, crash) };
        self.emit();
        let channel = &mut self.formatter.channels[self.channel];
        channel.trace = begins;
        channel.told &= trace;
        let continues = channel.told;
        let (arrived, interrupted) = (self.arrived, self.interrupted);
        let (repeated, lines, foldable) = (1, 1, None);
        self.pending = Some(Pending {
            text,
            arrived,
            interrupted,
            repeated,
            lines,
            cut_from,
            trace,
            crash,
            foldable,
            divided,
            continues,
            restates: false,
            worst: Status::Pass,
        });
    }

    /// Turns to the lines of a service. A trace of the one before waits for its next lines.
    fn enter(&mut self, service: &[u8]) {
        let current = &self.formatter.channels[self.channel].service;
        // To compare nothing with nothing costs more than all else here: some processors stumble over its address.
        if service.is_empty() && current.is_empty() || current == service {
            return;
        }
        self.leave(false);
        let channels = &mut self.formatter.channels;
        let known = channels.iter().position(|channel| channel.service == service);
        self.channel = known.unwrap_or_else(|| {
            if channels.len() >= SERVICES {
                return 0;
            }
            channels.push(Channel { service: service.to_vec(), ..Channel::default() });
            channels.len() - 1
        });
        self.pending = channels[self.channel].held.take();
    }

    /// Puts what is pending away where more of it may come, and gives it out otherwise, or where it is `over`.
    fn leave(&mut self, over: bool) {
        let heads = |pending: &Pending<'_>| pending.lines == 1 && !pending.trace && jul::is_headline(&pending.text);
        let channel = &mut self.formatter.channels[self.channel];
        let open = !over && (channel.trace != Trace::None || self.pending.as_ref().is_some_and(heads));
        match self.pending.take() {
            Some(pending) if open => channel.held = Some(pending.into_owned()),
            None => {}
            pending => {
                if channel.trace == Trace::Open(Style::Object) {
                    channel.trace = Trace::None;
                }
                self.pending = pending;
                let told = self.emit();
                let channel = &mut self.formatter.channels[self.channel];
                // What nobody was told of goes on as what it is.
                channel.told = told && channel.trace != Trace::None;
            }
        }
    }

    /// Ends the chunk: everything taken is in `out` and `batch`, except for a stack trace at its end. That is told only
    /// where the stream pauses or ends, or other services have spoken for a while.
    pub(crate) fn finish(mut self, pause: bool) {
        self.leave(pause);
        for channel in 0..self.formatter.channels.len() {
            let waited = |pending: &Pending<'_>| self.arrived.since_start.saturating_sub(pending.arrived.since_start);
            let held = &mut self.formatter.channels[channel].held;
            if held.as_ref().is_some_and(|pending| pause || channel != self.channel && waited(pending) > HELD) {
                self.pending = held.take();
                self.channel = channel;
                self.leave(true);
            }
        }
        if self.batch.total() > 0 {
            self.batch.last_at = Some(self.arrived.at);
        }
    }

    /// Gives out what is pending. Says whether it is a crash that is told, or goes on with one that was.
    fn emit(&mut self) -> bool {
        self.pending.take().is_some_and(|pending| self.tell(&pending))
    }

    /// The same for a line.
    fn tell(&mut self, pending: &Pending<'_>) -> bool {
        let (stream, redactor) = (self.formatter.stream, Arc::clone(&self.formatter.redactor));
        self.batch.first_at.get_or_insert(pending.arrived.at);
        let text = lossy(&pending.text);
        let bare = self.formatter.without_names(&text, pending.lines > 1 || pending.crash.is_some());
        let later = (pending.arrived != self.arrived).then(|| pending.arrived.texts());
        let lines = self.count(pending, matches!(text, Cow::Owned(_)));
        if pending.interrupted && interrupt::is_own(&text) {
            self.own_interrupt(pending);
            return false;
        }
        let plain_line = plain(&pending.text, pending.lines);
        let (record, damage) = self.formatter.read(pending, &plain_line);
        let stated = record.as_ref().and_then(Record::level_and_word);
        let unwrapped = self.formatter.learner.layout().unwrap(&plain_line);
        let (is_stated, first, service) = (stated.is_some(), lossy(unwrapped.1), unwrapped.0.map(lossy));
        let level = pending.level(stated.as_ref().map(|(level, _)| *level), damage, &first);
        let word = match stated {
            Some((level, word)) => level_word(level, word, &redactor),
            None => Cow::Borrowed(level.unwrap_or(self.formatter.level).word()),
        };
        let at = record.as_ref().filter(|_| !pending.restates).and_then(|r| r.at);
        let at = at.and_then(|stated| self.credible(stated, pending.arrived.at, lines));
        let structured = matches!(text, Cow::Borrowed(_))
            && is_object(&pending.text, record.as_ref().filter(|_| pending.lines == 1));
        self.note_figures(pending, structured);
        let object = record.as_ref().filter(|_| structured);
        let crash = pending.shows(record.as_ref(), object.is_some(), &bare);
        // Judged as it came, written as it may be seen.
        let plain = text::without_secrets(&redactor, &text, pending.cut_from.is_some());
        let event = object.and_then(Record::event).map(|event| redactor.text(event));
        let message = match object {
            Some(record) => record.message().map(|message| redactor.text(message)),
            None if bare.len() < text.len() => Some(redactor.text(Cow::Borrowed(&*bare))),
            None => Some(Cow::Borrowed(&*plain)),
        };
        self.batch.count_level(&word, pending.repeated);

        let whole = one_line(&text);
        let written = structured.then(|| redactor.json(&whole));
        let line = Line {
            own_time: at,
            arrived: later.as_ref().unwrap_or(&self.arrived_text),
            level: &word,
            event: event.as_deref(),
            message: message.as_deref(),
            stream,
            service: service.as_deref(),
            origin: self.formatter.origin.as_ref(),
            folded: (pending.repeated, pending.lines),
            cut_from: pending.cut_from,
            continues: pending.continues,
            restates: pending.restates,
            has_twins: record.as_ref().is_some_and(Record::has_twins),
            object: written.as_deref(),
        };
        let start = self.out.len();
        line.append(self.out);

        let severity = level.unwrap_or(self.formatter.level).status();
        // The audit looks at each record alone.
        let told = pending.continues || (pending.trace || crash.is_some()) && text::shows_crash(&self.out[start..]);
        let trace = (pending.trace || crash.is_some()) && !pending.continues;
        if !trace && !pending.restates {
            self.formatter.keep(pending, level.unwrap_or(self.formatter.level), is_stated);
        }
        if !trace && severity == Status::Pass {
            return told;
        }
        let shown = message.or(event.clone()).unwrap_or_else(|| word.clone());
        let headline =
            if trace { crash_of(&shown, object, &redactor) } else { Cow::Borrowed(level_at_start::telling(&shown)) };
        self.batch.incident(LineIncident {
            severity: if trace { Status::Fail } else { severity },
            kind: if trace { "stack_trace" } else { "log_level" },
            stream,
            service: service.map(|name| redactor.text(name).into_owned()),
            level: word.into_owned(),
            event: event.map(Cow::into_owned),
            message: headline.chars().take(SHOWN).collect(),
            key: signature::of(&headline),
            at: pending.arrived.at,
            count: pending.repeated,
        });
        told
    }
}

/// What a crash that a record shows is called.
fn crash_of(shown: &str, record: Option<&Record<'_>>, redactor: &Redactor) -> Cow<'static, str> {
    let traces = record.map(Record::traces).unwrap_or_default();
    Cow::Owned(redactor.text(Cow::Owned(headline_among(shown, &traces))).into_owned())
}

impl Chunk<'_, '_> {
    /// Takes what the lines of a record say of figures, unless they were told before; `object` where it is one line that
    /// is a JSON object.
    fn note_figures(&mut self, pending: &Pending<'_>, object: bool) {
        let figures = &self.formatter.figures;
        if figures.is_empty() || pending.restates {
            return;
        }
        let piles = &mut self.batch.figures;
        if object || pending.divided && pending.lines == 1 {
            // Pieces of one line are one line.
            figures.note(&pending.text, object, pending.repeated, piles);
            return;
        }
        for line in pending.text.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            figures.note(line, false, pending.repeated, piles);
        }
    }

    /// Counts the lines of a record, unless they were counted before. Gives how many there are.
    fn count(&mut self, pending: &Pending<'_>, invalid: bool) -> u64 {
        let lines = pending.repeated * pending.lines;
        if !pending.restates {
            *self.batch.lines.entry(self.formatter.stream).or_default() += lines;
            self.batch.invalid_utf8 += if invalid { pending.repeated } else { 0 };
        }
        lines
    }

    /// The time that `lines` lines state, where it is near their arrival; else the difference is noted.
    fn credible(&mut self, stated: Stamp, arrived: Stamp, lines: u64) -> Option<Stamp> {
        if stated.micros().abs_diff(arrived.micros()) <= CLOSE {
            return Some(stated);
        }
        let first = self.batch.skew.unwrap_or(Skew { lines: 0, stated, arrived });
        self.batch.skew = Some(Skew { lines: first.lines + lines, ..first });
        None
    }

    /// Keeps a trace for which emp-ops itself is the reason as what it is. Its frames are in the raw log.
    fn own_interrupt(&mut self, pending: &Pending<'_>) {
        self.note_figures(pending, false);
        self.batch.count_level(Level::Info.word(), 1);
        let (lines, arrived) = (pending.lines, pending.arrived);
        let received = arrived.since_start.as_micros() as f64 / 1e6;
        let (stream, arrived) = (self.formatter.stream, arrived.at.to_string());
        let mut record = json!({
            "timestamp": arrived, "received": received, "level": Level::Info.word(), "event": null,
            "message": "KeyboardInterrupt: the command ended on the SIGINT that emp-ops sent", "stream": stream,
            "lines": lines, "payload": {"stream": stream, "ingested_at": arrived, "raw": "KeyboardInterrupt"},
        });
        Origin::mark(self.formatter.origin.as_ref(), &mut record);
        let _ = serde_json::to_writer(&mut *self.out, &record);
        self.out.push(b'\n');
    }
}

#[cfg(test)]
mod later;
#[cfg(test)]
mod tests;
