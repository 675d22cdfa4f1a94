//! Reads one stream of the command to its end.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::{memchr, memchr_iter};

use super::Sink;
use crate::io::clock;
use crate::supervise::capture::{Chunk, Formatter, LINE_LIMIT};
use crate::supervise::event::Batch;

/// What one read takes at most. Short lines grow a hundredfold on their way into the structured log, so this bounds memory.
const CHUNK: usize = 64 << 10;

/// Lines on their way from the pumps to the machine. What the machine has not fetched yet adds up here, so a slow
/// machine costs no memory.
#[derive(Default)]
pub struct Mailbox {
    batch: Mutex<Batch>,
}

impl Mailbox {
    /// Takes what has come since the last call.
    pub fn take(&self) -> Batch {
        std::mem::take(&mut *lock(&self.batch))
    }

    fn put(&self, batch: Batch) {
        lock(&self.batch).merge(batch);
    }
}

/// What a pump needs.
pub struct PumpPlan<W> {
    /// Turns lines into records.
    pub formatter: Formatter,
    /// Keeps them.
    pub sink: Arc<Mutex<Sink>>,
    /// Tells the machine.
    pub mailbox: Arc<Mailbox>,
    /// Wakes the machine when it should look at once.
    pub wake: SyncSender<W>,
    /// Never written: see [`redact`].
    pub secrets: Arc<Vec<String>>,
}

/// Reads `source` to its end. Lines that need a look wake the machine with `message`.
///
/// # Errors
/// The pipe cannot be read.
pub fn pump<W: Clone>(mut source: impl Read, mut plan: PumpPlan<W>, message: &W) -> io::Result<()> {
    let mut data: Vec<u8> = Vec::with_capacity(CHUNK);
    let mut structured = Vec::with_capacity(CHUNK);
    let mut raw = Vec::with_capacity(CHUNK);
    // Whether the line at hand was cut already: its rest is dropped up to the next line end.
    let mut skipping = false;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match source.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        let arrived = clock::now();
        let mut batch = Batch { bytes: read as u64, ..Batch::default() };
        structured.clear();
        raw.clear();
        let mut fresh = &chunk[..read];
        if skipping {
            let end = memchr(b'\n', fresh);
            fresh = end.map_or(&[], |end| &fresh[end + 1..]);
            skipping = end.is_none();
        }
        data.extend_from_slice(fresh);
        if !plan.secrets.is_empty() {
            redact(&mut data, &plan.secrets);
        }
        let mut out = plan.formatter.chunk(arrived, &mut structured, &mut batch);
        let (used, cut) = take_lines(&data, read == 0, &mut out, &mut raw);
        out.finish();
        data.drain(..used);
        skipping |= cut;
        let urgent = !batch.incidents.is_empty();
        let lines = batch.total();
        if lines > 0 {
            lock(&plan.sink).write(&structured, &raw, lines);
        }
        plan.mailbox.put(batch);
        if urgent {
            // A full channel means that the machine is about to look anyway.
            let _ = plan.wake.try_send(message.clone());
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// Hands over the whole lines in `data`, at its end also one without a line end, and the start of one that is too
/// long. Returns how much was used, and whether a line was cut whose rest is still to come.
fn take_lines<'l>(data: &'l [u8], at_end: bool, out: &mut Chunk<'_, 'l>, raw: &mut Vec<u8>) -> (usize, bool) {
    let mut used = 0;
    let mut keep = |line: &'l [u8], whole: usize| {
        out.line(line, (whole > line.len()).then_some(whole as u64));
        raw.extend_from_slice(line);
        raw.push(b'\n');
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

/// Replaces every secret by as many stars. Data is looked at again as it grows, so a secret that is torn by a read is
/// found as long as its line is not.
pub(in crate::io) fn redact(data: &mut [u8], secrets: &[String]) {
    for secret in secrets {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&data[from..], secret.as_bytes()) {
            data[from + at..from + at + secret.len()].fill(b'*');
            from += at + secret.len();
        }
    }
}

/// A panic elsewhere must not stop the capture, so poisoning is of no interest.
pub(in crate::io) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
