//! From the bytes of a file to the text in it: compression and character encoding, recognised by content.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use xz2::stream::{CONCATENATED, Stream};

use crate::log::frame::{Frame, Framer};
use crate::sanitize::Utf16;

/// How many bytes are looked at to recognise a file.
pub const HEAD: usize = 4096;
/// Decompressors of xz refuse to use more memory than this.
const XZ_MEMORY: u64 = 512 << 20;

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, of one or many members.
    Gz,
    /// bzip2.
    Bz2,
    /// xz, or the older lzma.
    Xz,
    /// Zstandard.
    Zst,
}

impl Packing {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Gz => "gz",
            Self::Bz2 => "bz2",
            Self::Xz => "xz",
            Self::Zst => "zst",
        }
    }
}

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, perhaps after a byte order mark of three bytes.
    Utf8 {
        /// Bytes before the text.
        skip: usize,
    },
    /// UTF-16, perhaps after a byte order mark of two bytes.
    Utf16 {
        /// Whether the high byte comes first.
        big: bool,
        /// Bytes before the text.
        skip: usize,
    },
}

/// Recognises the packing by the first bytes.
///
/// # Errors
/// The name of a format that holds no log as such.
pub fn packing(head: &[u8]) -> Result<Packing, &'static str> {
    Ok(match head {
        [0x1f, 0x8b, 8, ..] => Packing::Gz,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Packing::Bz2,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Packing::Xz,
        // lzma has no magic number: a property byte, the size of its window, and the size or "unknown".
        [0x5d, 0, 0, _, _, size @ ..] if size.starts_with(&[0xff; 8]) || size.get(5..8) == Some(&[0; 3]) => Packing::Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Packing::Zst,
        [b'P', b'K', 3 | 5, 4 | 6, ..] => return Err("a zip archive"),
        [b'7', b'z', 0xbc, 0xaf, ..] => return Err("a 7z archive"),
        [4, 0x22, 0x4d, 0x18, ..] => return Err("lz4 data"),
        [0x1f, 0x9d, ..] => return Err("compress (.Z) data"),
        [0x7f, b'E', b'L', b'F', ..] => return Err("a program"),
        _ if head.get(257..262) == Some(b"ustar") => return Err("a tar archive"),
        _ => Packing::Plain,
    })
}

/// Recognises the encoding of a text by its first bytes.
///
/// # Errors
/// What it is when it is no text.
pub fn encoding(head: &[u8]) -> Result<Encoding, &'static str> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Ok(Encoding::Utf8 { skip: 3 }),
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err("UTF-32 text"),
        [0xff, 0xfe, ..] => Ok(Encoding::Utf16 { big: false, skip: 2 }),
        [0xfe, 0xff, ..] => Ok(Encoding::Utf16 { big: true, skip: 2 }),
        [1..=255, 0, 1..=255, 0, ..] => Ok(Encoding::Utf16 { big: false, skip: 0 }),
        [0, 1..=255, 0, 1..=255, ..] => Ok(Encoding::Utf16 { big: true, skip: 0 }),
        _ if is_binary(head) => Err("binary data"),
        _ => Ok(Encoding::Utf8 { skip: 0 }),
    }
}

/// Whether more than 2 % of a text are control characters that no text has. Zeros are left out: they are holes. So is
/// what ends the fields of FIX messages, `35=0` and such.
fn is_binary(head: &[u8]) -> bool {
    let text = head.iter().filter(|b| **b != 0).count();
    let odd = head.iter().filter(|b| matches!(b, 1..=6 | 14..=26 | 127)).count();
    let ends_field = |at: &usize| {
        let digits = head[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        match head.get(at + 1 + digits) {
            None | Some(b'\r' | b'\n') => digits == 0,
            next => digits > 0 && next == Some(&b'='),
        }
    };
    odd * 50 > text && (odd - memchr::memchr_iter(1, head).filter(ends_field).count()) * 50 > text
}

/// Reads what is packed.
///
/// # Errors
/// The decompressor cannot be set up.
pub fn unpack<'a>(reader: impl Read + Send + 'a, packing: Packing) -> io::Result<Box<dyn Read + Send + 'a>> {
    let reader = BufReader::with_capacity(128 << 10, reader);
    Ok(match packing {
        Packing::Plain => Box::new(reader),
        Packing::Gz => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
        Packing::Bz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
        Packing::Xz => {
            let stream = Stream::new_auto_decoder(XZ_MEMORY, CONCATENATED).map_err(io::Error::other)?;
            let inner = xz2::bufread::XzDecoder::new_stream(reader, stream);
            Box::new(UpToTheFault { inner, given: 0, fault: None })
        }
        Packing::Zst => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
    })
}

/// Gives what the decoder of xz had unpacked when it met a fault, and the fault after that; by itself it keeps that
/// text to itself.
struct UpToTheFault<R> {
    inner: xz2::bufread::XzDecoder<R>,
    given: u64,
    fault: Option<io::Error>,
}

impl<R: BufRead> Read for UpToTheFault<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let result = self.inner.read(buffer);
        let unpacked = self.inner.total_out() - self.given;
        self.given += unpacked;
        match (result, usize::try_from(unpacked)) {
            (Err(fault), Ok(len)) if len > 0 => {
                self.fault = Some(fault);
                Ok(len)
            }
            (result, _) => result,
        }
    }
}

/// Reads up to `size` bytes, and gives back a reader that starts with them. An error that comes before the head is
/// complete comes again after it.
pub fn peek<'a>(mut reader: impl Read + Send + 'a, size: usize) -> (Vec<u8>, Box<dyn Read + Send + 'a>) {
    let mut head = vec![0; size];
    let mut len = 0;
    let mut fault = None;
    while len < size {
        match reader.read(&mut head[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    head.truncate(len);
    let start = Cursor::new(head.clone());
    match fault {
        Some(error) => (head, Box::new(start.chain(Failing(Some(error))))),
        None => (head, Box::new(start.chain(reader))),
    }
}

/// Fails once, then is at its end.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// UTF-16 as UTF-8.
pub struct FromUtf16<R> {
    inner: R,
    decoder: Utf16,
    /// Text that is not read yet.
    text: Cursor<Vec<u8>>,
    done: bool,
}

impl<R: Read> FromUtf16<R> {
    /// A reader of UTF-8 from one of UTF-16.
    pub fn new(inner: R, big: bool) -> Self {
        Self { inner, decoder: Utf16::new(big), text: Cursor::default(), done: false }
    }

    fn refill(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 64 << 10];
        let len = self.inner.read(&mut buffer)?;
        self.done = len == 0;
        let text = self.decoder.decode(&buffer[..len], self.done);
        self.text = Cursor::new(text.into_bytes());
        Ok(())
    }
}

impl<R: Read> Read for FromUtf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.text.read(buffer)?;
            if len > 0 || self.done || buffer.is_empty() {
                return Ok(len);
            }
            match self.refill() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => result?,
            }
        }
    }
}

/// A text as lines of records, whichever way its records are framed.
pub(crate) fn framed<'a>(text: Box<dyn Read + Send + 'a>, frame: Option<Frame>) -> Box<dyn Read + Send + 'a> {
    match frame {
        Some(frame) => Box::new(Framed::new(text, frame)),
        None => text,
    }
}

/// A text whose records are framed in another way than by line ends, as lines.
pub struct Framed<R> {
    inner: R,
    framer: Framer,
    buffer: Vec<u8>,
    text: Cursor<Vec<u8>>,
    done: bool,
}

impl<R: Read> Framed<R> {
    /// A reader of lines from one of framed records.
    pub fn new(inner: R, frame: Frame) -> Self {
        let (buffer, text) = (vec![0; 64 << 10], Cursor::default());
        Self { inner, framer: Framer::new(frame), buffer, text, done: false }
    }
}

impl<R: Read> Read for Framed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let len = self.text.read(buffer)?;
            if len > 0 || self.done || buffer.is_empty() {
                return Ok(len);
            }
            let read = match self.inner.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            self.done = read == 0;
            let mut lines = std::mem::take(self.text.get_mut());
            lines.clear();
            self.framer.push(&self.buffer[..read], self.done, &mut lines);
            self.text = Cursor::new(lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(packing(b"{\"a\":1}"), Ok(Packing::Plain));
        assert_eq!(packing(&[0x1f, 0x8b, 8, 0]), Ok(Packing::Gz));
        assert_eq!(packing(b"BZh is how it starts"), Ok(Packing::Plain));
        assert_eq!(packing(b"]\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Packing::Xz));
        assert_eq!(packing(b"PK\x03\x04"), Err("a zip archive"));
        assert_eq!(encoding(b"a\0b\0"), Ok(Encoding::Utf16 { big: false, skip: 0 }));
        assert_eq!(encoding(b"abc\x01\0"), Err("binary data"));
        assert_eq!(encoding(b"8=FIX.4.4\x0135=0\x01\n"), Ok(Encoding::Utf8 { skip: 0 }));
        assert_eq!(encoding(b"8=FIX.4.4\x01\x02\x0335=0\x01"), Err("binary data"));
        assert_eq!(encoding(b"abc\0"), Ok(Encoding::Utf8 { skip: 0 }));
        assert_eq!(encoding(b""), Ok(Encoding::Utf8 { skip: 0 }));
    }

    #[test]
    fn what_stands_before_a_fault_is_read() {
        use std::io::Write as _;
        let mut packer = xz2::write::XzEncoder::new(Vec::new(), 1);
        for number in 0..20_000 {
            writeln!(packer, "line {number}").expect("memory");
        }
        let mut bytes = packer.finish().expect("memory");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        let read = |size: usize| {
            let mut text = unpack(&bytes[..], Packing::Xz).expect("a decoder");
            let (mut chunk, mut len) = (vec![0; size], 0);
            loop {
                match text.read(&mut chunk) {
                    Ok(more) => len += more,
                    Err(_) => return len,
                }
            }
        };
        assert!(read(1 << 20) > 1000);
        assert_eq!(read(1 << 20), read(1));
    }

    #[test]
    fn utf16_is_decoded_however_it_is_cut() {
        struct Drip(Vec<u8>);
        impl Read for Drip {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let len = self.0.len().min(buffer.len()).min(3);
                buffer[..len].copy_from_slice(&self.0[..len]);
                self.0.drain(..len);
                Ok(len)
            }
        }
        for big in [false, true] {
            let bytes: Vec<u8> = "aé😀z"
                .encode_utf16()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            let mut text = String::new();
            FromUtf16::new(Drip(bytes), big).read_to_string(&mut text).expect("readable");
            assert_eq!(text, "aé😀z");
        }
    }
}
