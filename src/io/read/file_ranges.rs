//! A plain file or a piece of one, read in ranges: each range is the lines that start in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex};

use super::line_chunks::{LINE_LIMIT, PIECE};
use super::parallel::lock;
use crate::log::layout::Layout;
use crate::log::scan::chunk::{ChunkReport, Context};

/// How many bytes at a time are read to find the end of the last line of a range.
const STEP: usize = 8 << 10;

/// Which bytes of a file are read, and how they are called: all by their places in the whole file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Where the text of the file starts.
    pub(crate) skip: u64,
    /// The first byte, at or behind that.
    pub(crate) from: u64,
    /// The byte behind the last.
    pub(crate) to: u64,
    /// The size of the file when it was opened. What comes later is not read.
    pub(crate) len: u64,
    /// The place of the first byte that is at hand.
    pub(crate) base: u64,
}

impl Extent {
    /// All of a file.
    pub(crate) fn whole(skip: u64, len: u64) -> Self {
        Self { skip, from: skip.min(len), to: len, len, base: 0 }
    }
}

/// A plain file that is read in ranges.
pub(crate) struct Plain {
    file: File,
    /// Its number.
    pub(crate) source: usize,
    context: Context,
    /// What is read of it.
    pub(crate) extent: Extent,
    state: Mutex<(Ordered, Option<io::Error>)>,
}

/// The parts of a file as far as they are read, in any order.
#[derive(Default)]
pub(crate) struct Ordered {
    /// The parts from the start without a hole.
    pub(crate) whole: Option<ChunkReport>,
    next: u64,
    /// Parts behind a hole.
    waiting: BTreeMap<u64, ChunkReport>,
}

impl Ordered {
    /// Adds the part with this number, counted from 0.
    pub(crate) fn add(&mut self, number: u64, part: ChunkReport) {
        self.waiting.insert(number, part);
        while let Some(part) = self.waiting.remove(&self.next) {
            match &mut self.whole {
                Some(whole) => whole.append(part),
                None => self.whole = Some(part),
            }
            self.next += 1;
        }
    }
}

impl Plain {
    /// A file with its number, and what is read of it.
    pub(crate) fn new(file: File, source: usize, context: Context, extent: Extent) -> Self {
        // What was read of it with another layout tells nothing.
        let context = Context { bounds: Arc::default(), ..context };
        Self { file, source, context, extent, state: Mutex::default() }
    }

    /// The same file, to be read again with another layout.
    ///
    /// # Errors
    /// The file cannot be opened once more.
    pub(crate) fn again(&self, layout: Layout) -> io::Result<Self> {
        let context = Context { layout: Arc::new(layout), ..self.context.clone() };
        Ok(Self::new(self.file.try_clone()?, self.source, context, self.extent))
    }

    /// How many ranges there are, at least one.
    pub(crate) fn ranges(&self) -> u64 {
        (self.extent.to - self.extent.from).div_ceil(PIECE as u64).max(1)
    }

    /// Reads the lines that start in a range.
    pub(crate) fn read(&self, number: u64, buffer: &mut Vec<u8>) -> (ChunkReport, Option<io::Error>) {
        let from = (self.extent.from + number * PIECE as u64).min(self.extent.to);
        let to = (from + PIECE as u64).min(self.extent.to);
        let first = from <= self.extent.skip;
        // One byte more, because the range starts with a line if the byte before it is a line end.
        let start = if first { from } else { from - 1 };
        if buffer.capacity() < PIECE + STEP {
            buffer.reserve_exact(PIECE + STEP - buffer.len());
        }
        buffer.resize(usize::try_from(to - start).unwrap_or(0), 0);
        match self.read_at(buffer, start) {
            Ok(len) if len == buffer.len() => {}
            Ok(len) => {
                buffer.truncate(len);
                let lines = begun(first, buffer);
                let part = ChunkReport::read(lines, self.context(buffer, lines, start));
                return (part, Some(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(error) => return (ChunkReport::new(self.context.clone()), Some(error)),
        }
        let whole = self.complete(buffer, to, first);
        let lines = begun(first, buffer);
        let context = self.context(buffer, lines, start);
        match whole {
            Ok(true) => (ChunkReport::read(lines, context), None),
            Ok(false) => {
                let last = memchr::memrchr(b'\n', lines).map_or(0, |end| end + 1);
                let mut part = ChunkReport::read(&lines[..last], context);
                part.append(ChunkReport::too_long(&lines[last..], self.context.clone()));
                (part, None)
            }
            Err(error) => (ChunkReport::read(lines, context), Some(error)),
        }
    }

    /// Adds a range that was read. Gives the whole file, and the first fault, once there is no hole left.
    pub(crate) fn add(
        &self,
        number: u64,
        part: ChunkReport,
        fault: Option<io::Error>,
    ) -> Option<(ChunkReport, Option<io::Error>)> {
        let mut state = lock(&self.state);
        state.0.add(number, part);
        state.1 = state.1.take().or(fault);
        if state.0.next < self.ranges() { None } else { Some((state.0.whole.take()?, state.1.take())) }
    }

    /// What was learnt, for the lines of a buffer that starts at `start`.
    fn context(&self, buffer: &[u8], lines: &[u8], start: u64) -> Context {
        self.context.at(start + (buffer.len() - lines.len()) as u64)
    }

    /// Reads on to the end of the last line, unless no line begins in the range; false when the line is too long, of which
    /// the start is left then.
    fn complete(&self, buffer: &mut Vec<u8>, to: u64, first: bool) -> io::Result<bool> {
        let Some(line) = memchr::memrchr(b'\n', buffer).map(|end| end + 1).or(first.then_some(0)) else {
            return Ok(true);
        };
        let mut at = to;
        while at < self.extent.len && buffer.last() != Some(&b'\n') {
            if buffer.len() - line > LINE_LIMIT {
                return Ok(false);
            }
            let end = buffer.len();
            buffer.resize(end + STEP, 0);
            let len = self.read_at(&mut buffer[end..], at)?;
            let len = len.min(usize::try_from(self.extent.len - at).unwrap_or(len));
            let line_end = memchr::memchr(b'\n', &buffer[end..end + len]);
            buffer.truncate(line_end.map_or(end + len, |line_end| end + line_end + 1));
            at += len as u64;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        // How much of it came at once must not decide.
        let ended = buffer.last() == Some(&b'\n') && buffer.len() > line;
        let fits = buffer.len() - line - usize::from(ended) <= LINE_LIMIT;
        if !fits && ended {
            buffer.pop();
        }
        Ok(fits)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        read_full_at(&self.file, buffer, at - self.extent.base)
    }
}

/// What begins in a range: without the end of a line that began before it, unless it is the first of the file.
fn begun(first: bool, buffer: &[u8]) -> &[u8] {
    if first {
        return buffer;
    }
    memchr::memchr(b'\n', &buffer[..buffer.len().min(PIECE + 1)]).map_or(&[], |end| &buffer[end + 1..])
}

/// Reads until the buffer is full or the file ends, and says how many bytes there were.
pub(crate) fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// Reads a file from an offset on, and leaves its own place alone.
pub(crate) struct OffsetReader<'f> {
    pub(crate) file: &'f File,
    pub(crate) at: u64,
}

impl Read for OffsetReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = read_full_at(self.file, buffer, self.at)?;
        self.at += len as u64;
        Ok(len)
    }
}
