//! The pieces of a shard from standard input: put into files that nobody else sees, so that they are read like all others.

use std::io::{self, Read, Write as _};

use tempfile::NamedTempFile;

use crate::io::read::line_chunks::LINE_LIMIT;
use crate::shards::plan::{Piece, Plan};

/// How much is read at once.
const BLOCK: usize = 256 << 10;
/// How much of a line is needed to see that it is too long.
const TOO_LONG: u64 = LINE_LIMIT as u64 + (64 << 10);

/// The pieces of a shard, each with the place of its first byte: for one that is cut, one byte before the piece, which
/// tells whether a line starts with it.
///
/// # Errors
/// The input ends too early or too late, or a piece that is cut does not come last.
pub(super) fn pieces(mut input: impl Read, plan: &Plan, pieces: &[Piece]) -> io::Result<Vec<(NamedTempFile, u64)>> {
    let mut spooled = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let last = number + 1 == pieces.len();
        let file = plan.files.get(piece.file as usize).ok_or_else(|| io::Error::other("there is no such file"))?;
        let base = piece.from.saturating_sub(1);
        let mut to = NamedTempFile::new()?;
        let length = piece.to - base;
        let copied = io::copy(&mut input.by_ref().take(length), &mut to)?;
        if copied < length {
            return Err(short(&file.name, copied, length));
        }
        if piece.to < file.size {
            if !last {
                return Err(io::Error::other(format!(
                    "a piece of {} is followed by others, which cannot be piped",
                    file.name
                )));
            }
            rest_of_line(&mut input, &mut to, file.size - piece.to, length)?;
        } else if last && input.read(&mut [0])? > 0 {
            return Err(io::Error::other(format!("{} has more bytes than the plan says: plan again", file.name)));
        }
        to.flush()?;
        spooled.push((to, base));
    }
    Ok(spooled)
}

/// Copies the rest of the line that `to` ends in, of `most` bytes at most.
fn rest_of_line(input: &mut impl Read, to: &mut NamedTempFile, most: u64, copied: u64) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut last = [0];
    crate::io::read::file_ranges::read_full_at(to.as_file(), &mut last, copied - 1)?;
    let (mut ended, mut more) = (last == [b'\n'], 0_u64);
    while !ended && more < most.min(TOO_LONG) {
        let len = match input.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        if len == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the input ends in the middle of a line, before the file does",
            ));
        }
        ended = block[..len].contains(&b'\n');
        more += len as u64;
        to.write_all(&block[..len])?;
    }
    Ok(())
}

fn short(name: &str, copied: u64, length: u64) -> io::Error {
    let what =
        format!("the input ends after {copied} of {length} bytes of {name}; pipe the pieces of the shard in its order");
    io::Error::new(io::ErrorKind::UnexpectedEof, what)
}
