//! A plain file, read in ranges: each range is the lines that start in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex};

use super::line_chunks::{LINE_LIMIT, PIECE};
use super::parallel::lock;
use crate::log::layout::Layout;
use crate::log::scan::chunk::{Context, Part};

/// How many bytes at a time are read to find the end of the last line of a range.
const STEP: usize = 8 << 10;

/// A plain file that is read in ranges.
pub(crate) struct Plain {
    file: File,
    /// Its number.
    pub(crate) source: usize,
    context: Context,
    /// Bytes before the text.
    pub(crate) skip: u64,
    /// The size when it was opened. What comes later is not read.
    pub(crate) len: u64,
    state: Mutex<(Ordered, Option<io::Error>)>,
}

/// The parts of a file as far as they are read, in any order.
#[derive(Default)]
pub(crate) struct Ordered {
    /// The parts from the start without a hole.
    pub(crate) whole: Option<Part>,
    next: u64,
    /// Parts behind a hole.
    waiting: BTreeMap<u64, Part>,
}

impl Ordered {
    /// Adds the part with this number, counted from 0.
    pub(crate) fn add(&mut self, number: u64, part: Part) {
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
    /// A file with its number and size, and the bytes to skip at its start.
    pub(crate) fn new(file: File, source: usize, context: Context, skip: u64, len: u64) -> Self {
        Self { file, source, context, skip, len, state: Mutex::default() }
    }

    /// The same file, to be read anew with another layout.
    ///
    /// # Errors
    /// The file cannot be opened once more.
    pub(crate) fn again(&self, layout: Layout) -> io::Result<Self> {
        let context = Context { layout: Arc::new(layout), ..self.context.clone() };
        Ok(Self::new(self.file.try_clone()?, self.source, context, self.skip, self.len))
    }

    /// How many ranges there are, at least one.
    pub(crate) fn ranges(&self) -> u64 {
        self.len.saturating_sub(self.skip).div_ceil(PIECE as u64).max(1)
    }

    /// Reads the lines that start in a range.
    pub(crate) fn read(&self, number: u64, buffer: &mut Vec<u8>) -> (Part, Option<io::Error>) {
        let from = (self.skip + number * PIECE as u64).min(self.len);
        let to = (from + PIECE as u64).min(self.len);
        // One byte more, because the range starts with a line if the byte before it is a line end.
        let start = if number == 0 { from } else { from - 1 };
        if buffer.capacity() < PIECE + STEP {
            buffer.reserve_exact(PIECE + STEP - buffer.len());
        }
        buffer.resize(usize::try_from(to - start).unwrap_or(0), 0);
        match read_full_at(&self.file, buffer, start) {
            Ok(len) if len == buffer.len() => {}
            Ok(len) => {
                buffer.truncate(len);
                let lines = self.lines(number, buffer);
                let part = Part::read(lines, self.context(buffer, lines, start));
                return (part, Some(io::ErrorKind::UnexpectedEof.into()));
            }
            Err(error) => return (Part::new(self.context.clone()), Some(error)),
        }
        let whole = self.complete(buffer, to);
        let lines = self.lines(number, buffer);
        let context = self.context(buffer, lines, start);
        match whole {
            Ok(true) => (Part::read(lines, context), None),
            Ok(false) => {
                let last = memchr::memrchr(b'\n', lines).map_or(0, |end| end + 1);
                let mut part = Part::read(&lines[..last], context);
                part.append(Part::too_long(&lines[last..], self.context.clone()));
                (part, None)
            }
            Err(error) => (Part::read(lines, context), Some(error)),
        }
    }

    /// Adds a range that was read. Gives the whole file, and the first fault, once there is no hole left.
    pub(crate) fn add(&self, number: u64, part: Part, fault: Option<io::Error>) -> Option<(Part, Option<io::Error>)> {
        let mut state = lock(&self.state);
        state.0.add(number, part);
        state.1 = state.1.take().or(fault);
        if state.0.next < self.ranges() { None } else { Some((state.0.whole.take()?, state.1.take())) }
    }

    /// What was learnt, for the lines of a buffer that starts at `start`.
    fn context(&self, buffer: &[u8], lines: &[u8], start: u64) -> Context {
        self.context.at(start + (buffer.len() - lines.len()) as u64)
    }

    /// What begins in the range: without the end of a line that began before it.
    fn lines<'b>(&self, number: u64, buffer: &'b [u8]) -> &'b [u8] {
        if number == 0 {
            return buffer;
        }
        memchr::memchr(b'\n', &buffer[..buffer.len().min(PIECE + 1)]).map_or(&[], |end| &buffer[end + 1..])
    }

    /// Reads on to the end of the last line, unless no line begins in the range; false when the line is too long.
    fn complete(&self, buffer: &mut Vec<u8>, to: u64) -> io::Result<bool> {
        let Some(line) = memchr::memrchr(b'\n', buffer).or((to <= self.skip + PIECE as u64).then_some(0)) else {
            return Ok(true);
        };
        let mut at = to;
        while at < self.len && buffer.last() != Some(&b'\n') {
            if buffer.len() - line > LINE_LIMIT {
                return Ok(false);
            }
            let end = buffer.len();
            buffer.resize(end + STEP, 0);
            let len = read_full_at(&self.file, &mut buffer[end..], at)?;
            let len = len.min(usize::try_from(self.len - at).unwrap_or(len));
            let line_end = memchr::memchr(b'\n', &buffer[end..end + len]);
            buffer.truncate(line_end.map_or(end + len, |line_end| end + line_end + 1));
            at += len as u64;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(true)
    }
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
