//! The text in a file before its records are read: where it starts, its years, and the same text once more.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::{self, Encoding, Packing};
use super::file_ranges::read_full_at;
use super::line_chunks::{PIECE, Pieces};
use super::sources::Source;
use crate::log::frame::Frame;
use crate::log::layout;
use crate::log::layout::years::{Chain, Years};
use crate::time::Stamp;

/// Where the text of a plain file starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Bytes before the text.
    pub(crate) skip: u64,
    /// Zero bytes among them.
    pub(crate) hole: u64,
}

/// Where the text starts of a plain file of UTF-8 in lines; none if it is anything else. `buffer` is the start of the
/// file, and then that of its text.
pub(crate) fn plain(file: &File, buffer: &mut Vec<u8>) -> Option<Start> {
    let head = &buffer[..buffer.len().min(decode::HEAD)];
    let (Ok(Packing::Plain), Ok(Encoding::Utf8 { skip })) = (decode::packing(head), decode::encoding(head)) else {
        return None;
    };
    if Frame::detect(buffer).is_some() {
        return None;
    }
    let hole = hole(file, head);
    let skip = skip as u64 + hole;
    if hole > 0 {
        buffer.resize(layout::SAMPLE, 0);
        let len = read_full_at(file, buffer, skip).unwrap_or(0);
        buffer.truncate(len);
    }
    Some(Start { skip, hole })
}

/// The length of the hole of zeros at the front of a file, which copying and truncating a log leaves there.
fn hole(file: &File, head: &[u8]) -> u64 {
    if head.first() != Some(&0) {
        return 0;
    }
    let mut block = vec![0; PIECE];
    let mut length = 0;
    loop {
        let len = read_full_at(file, &mut block, length).unwrap_or(0);
        let zeros = block[..len].iter().position(|b| *b != 0).unwrap_or(len);
        length += zeros as u64;
        if zeros < len || len == 0 {
            return length;
        }
    }
}

/// The text of a packed file, from its start.
pub(super) fn unpacked_again(source: &Source) -> Option<Box<dyn Read + Send>> {
    let (file, about) = source.open()?.ok()?;
    about.is_file().then_some(())?;
    let (head, reader) = decode::peek(file, decode::HEAD);
    let text = decode::unpack(reader, decode::packing(&head).ok()?).ok()?;
    let (head, mut text) = decode::peek(text, decode::HEAD);
    let (skip, big) = match decode::encoding(&head).ok()? {
        Encoding::Utf8 { skip } => (skip, None),
        Encoding::Utf16 { big, skip } => (skip, Some(big)),
    };
    io::copy(&mut text.by_ref().take(skip as u64), &mut io::sink()).ok()?;
    Some(match big {
        Some(big) => Box::new(decode::FromUtf16::new(text, big)),
        None => text,
    })
}

/// The years of the stamps of a text that starts at `offset`.
pub(super) fn years_of(text: impl Read, mut offset: u64, written: Stamp) -> Years {
    let mut chain = Chain::default();
    let mut pieces = Pieces::new(text);
    let mut buffer = Vec::new();
    // What cannot be read is told when the records are.
    while let Ok(Some(piece)) = pieces.next(buffer) {
        let length = piece.len() as u64;
        buffer = piece.into_buffer();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &buffer).chain([buffer.len()]) {
            chain.add(offset + start as u64, &buffer[start..end.max(start)]);
            start = end + 1;
        }
        offset += length;
    }
    chain.finish(written)
}

/// Counts the bytes that are read.
pub(super) struct Counted<'c, R> {
    /// What is read.
    pub(super) inner: R,
    /// How many bytes were read of it, and of others.
    pub(super) count: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
