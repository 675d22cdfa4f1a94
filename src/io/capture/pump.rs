//! Reads one stream of the command to its end.

use std::borrow::Cow;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use memchr::{memchr, memchr_iter, memrchr};
use rustix::event::{PollFd, PollFlags, Timespec};

use super::Sink;
use crate::io::clock;
use crate::io::read::decode::{self, Encoding};
use crate::io::read::parallel::lock;
use crate::sanitize::Utf16;
use crate::supervise::capture::{Arrival, Chunk, Formatter, LINE_LIMIT};
use crate::supervise::event::Batch;
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::check::LogLine;
use crate::supervise::workloads::drill::Watched;

/// What one read takes at most. Short lines grow a hundredfold on their way into the structured log, so this bounds memory.
const CHUNK: usize = 64 << 10;

/// A stack trace of which no more comes for this long is over. Its pieces follow at once, and its incident must be seen
/// within a tenth of a second.
const PAUSE: Duration = Duration::from_millis(40);

/// Lines on their way from the pumps to the machine. What the machine has not fetched yet adds up here, so a slow
/// machine costs no memory.
#[derive(Default)]
pub(crate) struct Mailbox {
    /// Whether there is something in it: most looks at it find nothing.
    filled: AtomicBool,
    batch: Mutex<Batch>,
}

impl Mailbox {
    /// Takes what has come since the last call; none if that is nothing.
    pub(crate) fn take(&self) -> Option<Batch> {
        self.filled.swap(false, Ordering::AcqRel).then(|| std::mem::take(&mut *lock(&self.batch)))
    }

    fn put(&self, batch: Batch) {
        lock(&self.batch).merge(batch);
        self.filled.store(true, Ordering::Release);
    }
}

/// What a pump needs.
pub(crate) struct PumpPlan<W> {
    /// Turns lines into records.
    pub formatter: Formatter,
    /// Keeps them.
    pub sink: Arc<Mutex<Sink>>,
    /// Tells the machine.
    pub mailbox: Arc<Mailbox>,
    /// Wakes the machine when it should look at once.
    pub wake: SyncSender<W>,
    /// The start of the run.
    pub started: Instant,
    /// Whether the command was asked to stop.
    pub interrupted: Arc<AtomicBool>,
    /// The line that says that it is ready, as long as that has not come.
    pub ready: Option<LogLine>,
    /// The lines that drills wait for.
    pub watched: Arc<Watched>,
    /// Whether it waits for output.
    pub waiting: Arc<Waiting>,
}

/// Whether a pump waits for output, and since when; otherwise it works on what it has read.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Milliseconds since the start of the run, one more; 0 while it works.
    since: AtomicU64,
}

impl Waiting {
    fn begin(&self, since_start: Duration) {
        self.since.store(since_start.as_millis() as u64 + 1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// For how long it has waited at a time since the start of the run; none while it works.
    pub(crate) fn lasts(&self, since_start: Duration) -> Option<Duration> {
        let since = self.since.load(Ordering::Relaxed).checked_sub(1)?;
        Some(since_start.saturating_sub(Duration::from_millis(since)))
    }
}

/// Reads `source` to its end. Lines that need a look wake the machine with `message`. Gives the layout that was learnt,
/// in words; empty where none was.
///
/// # Errors
/// The pipe cannot be read.
pub(crate) fn pump<W: Clone>(mut source: impl Read + AsFd, mut plan: PumpPlan<W>, message: &W) -> io::Result<String> {
    let redactor = Arc::clone(plan.formatter.redactor());
    let mut data: Vec<u8> = Vec::with_capacity(CHUNK);
    let mut structured = Vec::with_capacity(CHUNK);
    let mut raw = Raw { redactor: &redactor, bytes: Vec::with_capacity(CHUNK), lines: 0 };
    // Whether the line at hand was cut already: its rest is dropped up to the next line end.
    let mut skipping = false;
    let mut chunk = vec![0; CHUNK];
    let mut text = Text::Unknown;
    let started = plan.started;
    let now = move || Arrival { at: clock::now(), since_start: started.elapsed() };
    let mut arrived = now();
    loop {
        let paused = plan.formatter.holds() && !more_comes(&source);
        plan.waiting.begin(started.elapsed());
        let result = if paused { Ok(0) } else { source.read(&mut chunk) };
        plan.waiting.end();
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            continue;
        }
        let read = *result.as_ref().unwrap_or(&0);
        let at_end = read == 0 && !paused;
        if !paused {
            arrived = now();
        }
        let decoded = text.decode(&chunk[..read], at_end);
        let mut batch = Batch { bytes: decoded.len() as u64, ..Batch::default() };
        structured.clear();
        raw.clear();
        let mut fresh: &[u8] = &decoded;
        if skipping {
            let end = memchr(b'\n', fresh);
            fresh = end.map_or(&[], |end| &fresh[end + 1..]);
            skipping = end.is_none();
        }
        data.extend_from_slice(fresh);
        let interrupted = plan.interrupted.load(Ordering::Relaxed);
        let whole = if at_end { data.len() } else { memrchr(b'\n', &data).map_or(0, |end| end + 1) };
        plan.formatter.learn(&data[..whole], arrived.at, at_end);
        let mut out = plan.formatter.chunk(arrived, interrupted, &mut structured, &mut batch);
        let (used, cut) = take_lines(&data, at_end, &mut out, &mut raw);
        out.finish(paused || at_end);
        // Also a last line that has no end yet.
        if !paused && plan.ready.as_ref().is_some_and(|ready| data.split(|b| *b == b'\n').any(|line| ready.is(line))) {
            plan.ready = None;
            batch.ready = true;
        }
        if plan.watched.active.load(Ordering::Relaxed) {
            for line in data[..used].split(|b| *b == b'\n') {
                let met = plan.watched.lines.iter().filter(|(_, wanted)| wanted.is(line));
                batch.met.extend(met.map(|(condition, _)| (*condition, arrived.at)));
            }
        }
        data.drain(..used);
        skipping |= cut;
        batch.raw_bytes = raw.bytes.len() as u64;
        let urgent = !batch.incidents.is_empty() || batch.ready || !batch.met.is_empty();
        let lines = batch.total();
        // What is told again is no new line.
        if !structured.is_empty() || lines > 0 || raw.lines > 0 {
            lock(&plan.sink).write((&structured, lines), (&raw.bytes, raw.lines));
        }
        plan.mailbox.put(batch);
        if urgent {
            // A full channel means that the machine is about to look anyway.
            let _ = plan.wake.try_send(message.clone());
        }
        if at_end {
            return result.map(|_| plan.formatter.layout());
        }
    }
}

/// How the stream is encoded, as its first bytes tell.
enum Text {
    Unknown,
    Plain,
    Utf16(Utf16),
}

impl Text {
    /// The bytes as UTF-8.
    fn decode<'b>(&mut self, bytes: &'b [u8], end: bool) -> Cow<'b, [u8]> {
        let mut rest = bytes;
        if matches!(self, Self::Unknown) && !bytes.is_empty() {
            *self = match decode::encoding(bytes) {
                Ok(Encoding::Utf16 { big, skip }) => {
                    rest = &bytes[skip..];
                    Self::Utf16(Utf16::new(big))
                }
                _ => Self::Plain,
            };
        }
        match self {
            Self::Utf16(decoder) => Cow::Owned(decoder.decode(rest, end).into_bytes()),
            _ => Cow::Borrowed(rest),
        }
    }
}

/// Waits a short while for more to read; the end of the stream counts as that too.
fn more_comes(source: &impl AsFd) -> bool {
    let wait = Timespec { tv_sec: 0, tv_nsec: PAUSE.subsec_nanos().into() };
    let ready = rustix::event::poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&wait));
    // Whatever is wrong with the source, reading will tell.
    ready != Ok(0)
}

/// Lines for the raw log.
struct Raw<'r> {
    redactor: &'r Redactor,
    bytes: Vec<u8>,
    lines: u64,
}

impl Raw<'_> {
    fn push(&mut self, line: &[u8], cut: bool) {
        if self.redactor.is_empty() {
            self.bytes.extend_from_slice(line);
        } else {
            self.bytes.extend_from_slice(&self.redactor.line(line, cut));
        }
        self.bytes.push(b'\n');
        self.lines += 1;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.lines = 0;
    }
}

/// Hands over the whole lines in `data`, at its end also one without a line end, and the start of one that is too
/// long. Returns how much was used, and whether a line was cut whose rest is still to come.
fn take_lines<'l>(data: &'l [u8], at_end: bool, out: &mut Chunk<'_, 'l>, raw: &mut Raw<'_>) -> (usize, bool) {
    let mut used = 0;
    let mut keep = |line: &'l [u8], whole: usize| {
        out.line(line, (whole > line.len()).then_some(whole as u64));
        raw.push(line, whole > line.len());
    };
    for end in memchr_iter(b'\n', data) {
        let line = &data[used..end];
        keep(&line[..line.len().min(LINE_LIMIT)], line.len());
        used = end + 1;
    }
    let rest = &data[used..];
    if rest.len() > LINE_LIMIT {
        keep(&rest[..LINE_LIMIT], rest.len());
        return (data.len(), !at_end);
    }
    if at_end && !rest.is_empty() {
        keep(rest, rest.len());
        return (data.len(), false);
    }
    (used, false)
}
