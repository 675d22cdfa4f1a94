//! Cuts a stream of text into pieces of whole lines.

use std::io::{self, Read};

/// The size of a piece, in bytes.
pub(super) const PIECE: usize = 1 << 20;
/// Longer lines are not read.
pub(super) const LINE_LIMIT: usize = 16 << 20;
/// How much of such a line is shown, in bytes.
const SHOWN: usize = 512;

/// A piece of a text.
pub(super) enum Piece {
    /// Whole lines; only the very last may lack its line end.
    Lines(Vec<u8>),
    /// The start of a line that is too long to be read.
    TooLong(Vec<u8>),
}

impl Piece {
    /// The memory, to use it again.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        let (Self::Lines(buffer) | Self::TooLong(buffer)) = self;
        buffer
    }
}

/// Reads to the end, or to the first error; what was read before it is emitted first. `emit` takes a piece and gives
/// back a buffer to use again.
///
/// # Errors
/// The reader fails.
pub(super) fn cut(reader: &mut dyn Read, emit: &mut dyn FnMut(Piece) -> Vec<u8>) -> io::Result<()> {
    let mut buffer: Vec<u8> = Vec::with_capacity(PIECE);
    let mut skipping = false;
    loop {
        let from = buffer.len();
        let room = if from < PIECE { PIECE - from } else { PIECE };
        let result = fill(reader, &mut buffer, room);
        let ended = !matches!(result, Ok(true));
        if skipping {
            match memchr::memchr(b'\n', &buffer) {
                Some(end) => {
                    buffer.drain(..=end);
                    skipping = false;
                }
                None => buffer.clear(),
            }
        }
        let whole = if ended { buffer.len() } else { memchr::memrchr(b'\n', &buffer).map_or(0, |end| end + 1) };
        if whole > 0 {
            let rest = buffer[whole..].to_vec();
            buffer.truncate(whole);
            buffer = emit(Piece::Lines(buffer));
            buffer.clear();
            buffer.extend_from_slice(&rest);
        } else if buffer.len() > LINE_LIMIT {
            buffer.truncate(SHOWN);
            buffer = emit(Piece::TooLong(buffer));
            buffer.clear();
            skipping = true;
        }
        if ended {
            return result.map(|_| ());
        }
    }
}

/// Reads until `room` more bytes are there; false at the end.
fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, room: usize) -> io::Result<bool> {
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
        let mut found = Vec::new();
        let emit = &mut |piece| {
            found.push(match &piece {
                Piece::Lines(lines) => (true, lines.len()),
                Piece::TooLong(start) => (false, start.len()),
            });
            Vec::new()
        };
        cut(&mut &text[..], emit).expect("readable");
        found
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
