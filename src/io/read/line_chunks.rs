//! Cuts a stream of text into pieces of whole lines.

use std::io::{self, Read};

/// The size of a piece, in bytes.
pub(crate) const PIECE: usize = 1 << 20;
/// Longer lines are not read.
pub(crate) const LINE_LIMIT: usize = 16 << 20;
/// How much of such a line is shown, in bytes.
const SHOWN: usize = 512;

/// A piece of a text.
pub(crate) enum Piece {
    /// Whole lines; only the very last may lack its line end.
    Lines(Vec<u8>),
    /// The start of a line that is too long to be read.
    TooLong(Vec<u8>),
}

impl Piece {
    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        let (Self::Lines(buffer) | Self::TooLong(buffer)) = self;
        buffer.len()
    }

    /// The memory, to use it again.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        let (Self::Lines(buffer) | Self::TooLong(buffer)) = self;
        buffer
    }
}

/// A text, piece by piece.
pub(crate) struct Pieces<R> {
    reader: R,
    /// The start of a line whose end is still to come.
    rest: Vec<u8>,
    /// Whether the line at hand is passed over.
    skipping: bool,
    ended: bool,
    fault: Option<io::Error>,
}

impl<R: Read> Pieces<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, rest: Vec::new(), skipping: false, ended: false, fault: None }
    }

    /// The next piece, in the memory of `buffer`; none at the end.
    ///
    /// # Errors
    /// The reader failed; what it had read before came as a piece.
    pub(crate) fn next(&mut self, mut buffer: Vec<u8>) -> io::Result<Option<Piece>> {
        buffer.clear();
        buffer.append(&mut self.rest);
        while !self.ended {
            let room = if buffer.len() < PIECE { PIECE - buffer.len() } else { PIECE };
            match fill(&mut self.reader, &mut buffer, room) {
                Ok(more) => self.ended = !more,
                Err(error) => {
                    self.ended = true;
                    self.fault = Some(error);
                }
            }
            if self.skipping {
                match memchr::memchr(b'\n', &buffer) {
                    Some(end) => {
                        buffer.drain(..=end);
                        self.skipping = false;
                    }
                    None => buffer.clear(),
                }
            }
            let whole =
                if self.ended { buffer.len() } else { memchr::memrchr(b'\n', &buffer).map_or(0, |end| end + 1) };
            if whole > 0 {
                self.rest.extend_from_slice(&buffer[whole..]);
                buffer.truncate(whole);
                return Ok(Some(Piece::Lines(buffer)));
            }
            if buffer.len() > LINE_LIMIT {
                buffer.truncate(SHOWN);
                self.skipping = true;
                return Ok(Some(Piece::TooLong(buffer)));
            }
        }
        self.fault.take().map_or(Ok(None), Err)
    }
}

/// Reads until `room` more bytes are there; false at the end.
fn fill(reader: &mut impl Read, buffer: &mut Vec<u8>, room: usize) -> io::Result<bool> {
    let start = buffer.len();
    buffer.resize(start + room, 0);
    let mut len = start;
    let result = loop {
        match reader.read(&mut buffer[len..]) {
            Ok(0) => break Ok(len == buffer.len()),
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(error),
        }
        if len == buffer.len() {
            break Ok(true);
        }
    };
    buffer.truncate(len);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &[u8]) -> Vec<(bool, usize)> {
        let mut pieces = Pieces::new(text);
        let next = || {
            Some(match pieces.next(Vec::new()).expect("readable")? {
                Piece::Lines(lines) => (true, lines.len()),
                Piece::TooLong(start) => (false, start.len()),
            })
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn lines_stay_whole_and_endless_ones_are_passed_over() {
        let mut text = vec![b'x'; PIECE - 2];
        text.extend_from_slice(b"\nabc\nlast");
        assert_eq!(pieces(&text), [(true, PIECE - 1), (true, 8)]);
        let mut text = b"first\n".to_vec();
        text.extend(vec![b'x'; LINE_LIMIT + PIECE]);
        text.extend_from_slice(b"\nlast\n");
        assert_eq!(pieces(&text), [(true, 6), (false, SHOWN), (true, 5)]);
        assert_eq!(pieces(b""), []);
    }
}
