//! One part of a log: a file, plain or compressed, that can be read up to its last flush.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use xz2::write::XzEncoder;

use crate::digest::hex;
use crate::io::files::Folder;

/// How logs are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip.
    Gz,
    /// xz.
    Xz,
    /// Zstandard.
    Zst,
}

impl Compression {
    /// What a file name ends with.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gz => ".gz",
            Self::Xz => ".xz",
            Self::Zst => ".zst",
        }
    }
}

/// Compressed bytes that are held before they are written.
const HELD: usize = 256 << 10;

/// A part that is being written.
pub(super) struct Part {
    folder: Folder,
    /// Below the folder.
    name: PathBuf,
    pub(super) file: File,
    pub(super) identity: (u64, u64),
    encoder: Encoder,
    /// Up to here the file on disk can be read; what follows is cut off when a write fails.
    good: u64,
    /// Of what was written, and of it up to `good`; none if the file holds more than that.
    digest: Option<Sha256>,
    good_digest: Sha256,
    /// Bytes in the file, lines up to `good`, and lines since.
    pub(super) written: u64,
    pub(super) lines: u64,
    pub(super) pending: u64,
    pub(super) opened: Instant,
}

enum Encoder {
    Plain,
    Gz(GzEncoder<Vec<u8>>),
    Xz(XzEncoder<Vec<u8>>),
    Zst(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(compression: Compression) -> io::Result<Self> {
        // The fastest levels: the command must not wait for its log.
        Ok(match compression {
            Compression::None => Self::Plain,
            Compression::Gz => Self::Gz(GzEncoder::new(Vec::new(), flate2::Compression::fast())),
            Compression::Xz => Self::Xz(XzEncoder::new(Vec::new(), 0)),
            Compression::Zst => Self::Zst(zstd::stream::write::Encoder::new(Vec::new(), 1)?),
        })
    }

    fn writer(&mut self) -> Option<&mut dyn Write> {
        match self {
            Self::Plain => None,
            Self::Gz(encoder) => Some(encoder),
            Self::Xz(encoder) => Some(encoder),
            Self::Zst(encoder) => Some(encoder),
        }
    }

    fn held(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Plain => unreachable!("a plain log holds nothing"),
            Self::Gz(encoder) => encoder.get_mut(),
            Self::Xz(encoder) => encoder.get_mut(),
            Self::Zst(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain => Ok(Vec::new()),
            Self::Gz(encoder) => encoder.finish(),
            Self::Xz(encoder) => encoder.finish(),
            Self::Zst(encoder) => encoder.finish(),
        }
    }
}

impl Part {
    pub(super) fn create(folder: &Folder, name: &Path, compression: Compression) -> io::Result<Self> {
        let encoder = Encoder::new(compression)?;
        let file = folder.create_file(name)?;
        let about = file.metadata()?;
        Ok(Self {
            folder: folder.clone(),
            name: name.to_owned(),
            file,
            identity: (about.dev(), about.ino()),
            encoder,
            good: 0,
            digest: Some(Sha256::new()),
            good_digest: Sha256::new(),
            written: 0,
            lines: 0,
            pending: 0,
            opened: Instant::now(),
        })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    pub(super) fn write(&mut self, bytes: &[u8], lines: u64) -> io::Result<()> {
        self.pending += lines;
        match self.encoder.writer() {
            None => {
                self.append(bytes)?;
                self.settle();
            }
            Some(encoder) => {
                encoder.write_all(bytes)?;
                if self.encoder.held().len() >= HELD {
                    self.append_held()?;
                }
            }
        }
        Ok(())
    }

    /// Makes everything written so far readable.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(encoder) = self.encoder.writer() {
            encoder.flush()?;
            self.append_held()?;
        }
        self.settle();
        Ok(())
    }

    /// Ends the part.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        let tail = std::mem::replace(&mut self.encoder, Encoder::Plain).finish()?;
        self.append(&tail)?;
        self.settle();
        Ok(())
    }

    /// The file, below the folder.
    pub(super) fn name(&self) -> &Path {
        &self.name
    }

    /// After a failed write: cuts off what cannot be read. Returns the lines that were lost.
    pub(super) fn give_up(&mut self, compression: Compression) -> u64 {
        self.digest = self.file.set_len(self.good).is_ok().then(|| self.good_digest.clone());
        self.written = self.good;
        // The compressed stream is torn; what follows is a new member, which readers take as one file.
        if let Ok(encoder) = Encoder::new(compression) {
            self.encoder = encoder;
        }
        std::mem::take(&mut self.pending)
    }

    /// Whether the file was removed or replaced behind our back.
    pub(super) fn is_gone(&self) -> bool {
        match self.folder.identity(&self.name) {
            Ok(found) => found != self.identity,
            Err(error) => is_absence(&error),
        }
    }

    /// The SHA-256 of what was written, in hexadecimal digits; none if the file may hold something else.
    pub(super) fn sha256(&self) -> Option<String> {
        self.digest.clone().map(|digest| hex(&digest.finalize()))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn append_held(&mut self) -> io::Result<()> {
        let held = std::mem::take(self.encoder.held());
        self.append(&held)
    }

    fn settle(&mut self) {
        self.good = self.written;
        if let Some(digest) = &self.digest {
            self.good_digest.clone_from(digest);
        }
        self.lines += std::mem::take(&mut self.pending);
    }
}

/// Whether an error says that there is nothing under a name, rather than that it cannot be looked up.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
