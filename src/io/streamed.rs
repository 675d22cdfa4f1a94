//! A stream of text: one thread decodes it and cuts it into pieces, others read the lines.

use std::io::{self, Read};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender, sync_channel};
use std::thread;

use super::pieces::{self, Piece};
use super::ranges::Ordered;
use super::scan::lock;
use crate::evidence::part::{Context, Part};

/// Pieces that may wait for a reader.
const WAITING: usize = 2;

/// A stream that was read, to its end or up to a fault.
pub(super) struct Streamed {
    /// What its lines add up to.
    pub(super) part: Part,
    /// How many bytes of text there were.
    pub(super) bytes: u64,
    /// What ended it too early.
    pub(super) fault: Option<io::Error>,
}

/// Reads a stream with this many threads beside the one that decodes; on this thread alone for none.
pub(super) fn read(text: &mut (dyn Read + Send), context: Context, readers: usize) -> Streamed {
    let state = Mutex::new((Ordered::default(), 0));
    let take = |number: u64, piece: &Piece| {
        let (part, bytes) = match piece {
            Piece::Lines(lines) => (Part::read(lines, context), lines.len() as u64),
            Piece::TooLong(start) => (Part::too_long(start, context), 0),
        };
        let mut state = lock(&state);
        state.0.add(number, part);
        state.1 += bytes;
    };
    let result = if readers == 0 {
        let mut number = 0;
        pieces::cut(text, &mut |piece| {
            take(number, &piece);
            number += 1;
            piece.into_buffer()
        })
    } else {
        side_by_side(text, readers, &take)
    };
    let (ordered, bytes) = state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Streamed { part: ordered.whole.unwrap_or_else(|| Part::new(context)), bytes, fault: result.err() }
}

fn side_by_side(text: &mut (dyn Read + Send), readers: usize, take: &(impl Fn(u64, &Piece) + Sync)) -> io::Result<()> {
    let (pieces, taken) = sync_channel::<(u64, Piece)>(WAITING);
    let (empty, used) = mpsc::channel::<Vec<u8>>();
    let taken = Mutex::new(taken);
    let work = |taken: &Mutex<Receiver<(u64, Piece)>>, empty: &Sender<Vec<u8>>| {
        loop {
            let next = lock(taken).recv();
            let Ok((number, piece)) = next else { return };
            take(number, &piece);
            // The decoder may be at its end, and need no buffer any more.
            let _ = empty.send(piece.into_buffer());
        }
    };
    thread::scope(|scope| {
        let decoder = scope.spawn(move || {
            let mut number = 0;
            pieces::cut(text, &mut |piece| {
                // The readers outlive this thread, unless they panicked.
                let _ = pieces.send((number, piece));
                number += 1;
                used.try_recv().unwrap_or_default()
            })
        });
        for _ in 1..readers {
            let empty = empty.clone();
            scope.spawn(|| {
                let empty = empty;
                work(&taken, &empty);
            });
        }
        work(&taken, &empty);
        decoder.join().unwrap_or_else(|_| Err(io::Error::other("the decoder crashed")))
    })
}
