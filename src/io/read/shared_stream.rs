//! A stream of text, read by several threads: whichever is free decodes the next piece when few are waiting, else it
//! reads the lines of one. So no thread waits while there is work of either kind.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;

use super::file_ranges::Ordered;
use super::line_chunks::{Piece, Pieces};
use super::parallel::lock;
use crate::log::scan::chunk::{ChunkReport, Context};

/// Pieces that may wait to be read.
const WAITING: usize = 2;

/// A stream that was read, to its end or up to a fault.
pub(crate) struct Streamed {
    /// What its lines add up to.
    pub(crate) part: ChunkReport,
    /// How many bytes of text there were.
    pub(crate) bytes: u64,
    /// What ended it too early.
    pub(crate) fault: Option<io::Error>,
}

/// Reads a stream on this thread and as many others as make up `threads`.
pub(crate) fn read(text: impl Read + Send, context: &Context, threads: usize) -> Streamed {
    let stream = Stream {
        // What was read of it with another layout tells nothing.
        context: Context { bounds: Arc::default(), ..context.clone() },
        source: Mutex::new(Pieces::new(text)),
        shared: Mutex::default(),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        // This thread alone does where others cannot be had.
        for _ in 1..threads {
            let _ = thread::Builder::new().spawn_scoped(scope, || stream.work());
        }
        stream.work();
    });
    let Shared { parts, bytes, fault, .. } = stream.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    Streamed { part: parts.whole.unwrap_or_else(|| ChunkReport::new(context.clone())), bytes, fault }
}

struct Stream<R> {
    context: Context,
    /// Used by one thread at a time, which says so on the shared.
    source: Mutex<Pieces<R>>,
    shared: Mutex<Shared>,
    changed: Condvar,
}

/// What the threads share.
#[derive(Default)]
struct Shared {
    /// Pieces that wait, with their numbers and where they start.
    waiting: VecDeque<(u64, u64, Piece)>,
    /// How many pieces were decoded.
    decoded: u64,
    /// Where the next piece starts.
    offset: u64,
    decoding: bool,
    ended: bool,
    /// Memory to use again.
    buffers: Vec<Vec<u8>>,
    parts: Ordered,
    bytes: u64,
    fault: Option<io::Error>,
}

impl<R: Read> Stream<R> {
    fn work(&self) {
        let mut shared = lock(&self.shared);
        loop {
            if !shared.decoding && !shared.ended && shared.waiting.len() < WAITING {
                shared.decoding = true;
                let buffer = shared.buffers.pop().unwrap_or_default();
                drop(shared);
                let next = panic::catch_unwind(AssertUnwindSafe(|| lock(&self.source).next(buffer)))
                    // The other threads wait for this piece.
                    .unwrap_or_else(|_| Err(io::Error::other("the decoder crashed")));
                shared = lock(&self.shared);
                shared.decoding = false;
                match next {
                    Ok(Some(piece)) => {
                        let number = shared.decoded;
                        let offset = shared.offset;
                        shared.offset += piece.len() as u64;
                        shared.waiting.push_back((number, offset, piece));
                        shared.decoded += 1;
                    }
                    Ok(None) => shared.ended = true,
                    Err(error) => {
                        shared.ended = true;
                        shared.fault = Some(error);
                    }
                }
                self.changed.notify_all();
            } else if let Some((number, offset, piece)) = shared.waiting.pop_front() {
                drop(shared);
                let (part, bytes) = match &piece {
                    Piece::Lines(lines) => (ChunkReport::read(lines, self.context.at(offset)), lines.len() as u64),
                    Piece::TooLong(start) => (ChunkReport::too_long(start, self.context.clone()), 0),
                };
                shared = lock(&self.shared);
                shared.parts.add(number, part);
                shared.bytes += bytes;
                shared.buffers.push(piece.into_buffer());
            } else if shared.ended {
                return;
            } else {
                shared = self.changed.wait(shared).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
