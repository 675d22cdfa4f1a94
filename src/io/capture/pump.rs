//! Reads one stream of the command to its end.

use std::io::{self, Read};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use memchr::{memchr, memrchr};

use super::Sink;
use crate::io::clock;
use crate::supervise::capture::{Formatter, LINE_LIMIT};
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
}

/// Reads `source` to its end. Lines that need a look wake the machine with `message`.
///
/// # Errors
/// The pipe cannot be read.
pub fn pump<W: Clone>(mut source: impl Read, mut plan: PumpPlan<W>, message: &W) -> io::Result<()> {
    let mut data: Vec<u8> = Vec::with_capacity(CHUNK);
    let mut structured = Vec::with_capacity(CHUNK);
    let mut raw = Vec::new();
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
        let mut fresh = &chunk[..read];
        structured.clear();
        raw.clear();
        if skipping {
            match memchr(b'\n', fresh) {
                None if read > 0 => {
                    plan.mailbox.put(batch);
                    continue;
                }
                None => fresh = &[],
                Some(end) => fresh = &fresh[end + 1..],
            }
            skipping = false;
        }
        let end = if read == 0 { None } else { memrchr(b'\n', fresh) };
        let mut out = plan.formatter.chunk(arrived, &mut structured, &mut batch);
        match end {
            Some(end) => {
                data.extend_from_slice(&fresh[..=end]);
                for line in data[..data.len() - 1].split(|b| *b == b'\n') {
                    if line.len() > LINE_LIMIT {
                        out.line(&line[..LINE_LIMIT], Some(line.len() as u64));
                        raw.extend_from_slice(&line[..LINE_LIMIT]);
                    } else {
                        out.line(line, None);
                        raw.extend_from_slice(line);
                    }
                    raw.push(b'\n');
                }
                data.clear();
                data.extend_from_slice(&fresh[end + 1..]);
            }
            None => data.extend_from_slice(fresh),
        }
        if data.len() > LINE_LIMIT || (read == 0 && !data.is_empty()) {
            let cut = data.len() > LINE_LIMIT;
            data.truncate(LINE_LIMIT);
            out.line(&data, cut.then_some(LINE_LIMIT as u64 + 1));
            raw.extend_from_slice(&data);
            raw.push(b'\n');
            data.clear();
            skipping = cut && read > 0;
        }
        out.finish();
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

/// A panic elsewhere must not stop the capture, so poisoning is of no interest.
pub(in crate::io) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
