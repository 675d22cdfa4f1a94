//! One log of a run, in parts: written so that whatever is on disk can be read, even after a crash or a full disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use xz2::write::XzEncoder;

/// How logs are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Compression {
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
    fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gz => ".gz",
            Self::Xz => ".xz",
            Self::Zst => ".zst",
        }
    }
}

/// While a log cannot be written, it is tried again this often.
const RETRY: Duration = Duration::from_secs(1);
/// Compressed bytes that are held before they are written.
const HELD: usize = 256 << 10;

/// A log in parts `<stem>.<ext>`, `<stem>_p001.<ext>`, …
pub(super) struct LogFile {
    folder: PathBuf,
    stem: String,
    extension: &'static str,
    compression: Compression,
    file: File,
    inode: u64,
    encoder: Encoder,
    /// Up to here the file on disk can be read; what follows is cut off when a write fails.
    good: u64,
    /// Bytes in the file, and lines of this part and since `good`.
    written: u64,
    part_lines: u64,
    pending_lines: u64,
    part: usize,
    opened: Instant,
    broken_since: Option<Instant>,
    lost: u64,
    error: Option<String>,
    paths: Vec<PathBuf>,
    /// Lines in the parts that are closed, in their order.
    closed: Vec<u64>,
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

impl LogFile {
    /// Opens the first part. An existing file is refused, so that two runs never share one.
    pub(super) fn open(
        folder: &Path,
        stem: &str,
        extension: &'static str,
        compression: Compression,
    ) -> io::Result<Self> {
        let path = part_path(folder, stem, extension, compression, 0);
        let (file, inode) = create(&path)?;
        Ok(Self {
            folder: folder.to_owned(),
            stem: stem.to_owned(),
            extension,
            compression,
            file,
            inode,
            encoder: Encoder::new(compression)?,
            good: 0,
            written: 0,
            part_lines: 0,
            pending_lines: 0,
            part: 0,
            opened: Instant::now(),
            broken_since: None,
            lost: 0,
            error: None,
            paths: vec![path],
            closed: Vec::new(),
        })
    }

    /// Keeps `bytes`, which are `lines` whole lines, or counts them as lost.
    pub(super) fn write(&mut self, bytes: &[u8], lines: u64) {
        if self.broken_since.is_some_and(|since| since.elapsed() < RETRY) {
            self.lost += lines;
            return;
        }
        self.part_lines += lines;
        self.pending_lines += lines;
        let result = match self.encoder.writer() {
            None => self.append(bytes).map(|()| self.settle()),
            Some(encoder) => encoder
                .write_all(bytes)
                .and_then(|()| if self.encoder.held().len() >= HELD { self.append_held() } else { Ok(()) }),
        };
        self.note(result);
    }

    /// Counts `lines` as lost because `error` forbids to write them.
    pub(super) fn refuse(&mut self, error: io::Error, lines: u64) {
        self.lost += lines;
        self.note(Err(error));
    }

    /// Makes everything written so far readable.
    pub(super) fn flush(&mut self) {
        if self.pending_lines == 0 || self.broken_since.is_some_and(|since| since.elapsed() < RETRY) {
            return;
        }
        let result = match self.encoder.writer() {
            None => Ok(()),
            Some(encoder) => encoder.flush().and_then(|()| self.append_held()).map(|()| self.settle()),
        };
        self.note(result);
    }

    /// Notices that the file was removed or replaced behind our back, and starts a new part then.
    pub(super) fn check(&mut self) {
        let here = fs::metadata(&self.paths[self.paths.len() - 1]).is_ok_and(|m| m.ino() == self.inode);
        if here {
            return;
        }
        if self.broken_since.is_some_and(|since| since.elapsed() < RETRY) {
            return;
        }
        // Whatever was written went to a file that nobody can open any more.
        self.lost += self.part_lines;
        self.part_lines = 0;
        self.pending_lines = 0;
        self.error = Some("the file was removed".to_owned());
        self.paths.pop();
        let opened = self.next_part();
        self.broken_since = opened.is_err().then(Instant::now);
        if let Err(error) = opened {
            self.error = Some(format!("the file was removed, and a new one cannot be made: {error}"));
            self.paths.push(self.path_of(self.part));
        }
    }

    /// Starts the next part.
    pub(super) fn rotate(&mut self) {
        let encoder = std::mem::replace(&mut self.encoder, Encoder::Plain);
        let result = encoder.finish().and_then(|tail| self.append(&tail)).map(|()| self.settle());
        self.note(result);
        // Durable before the next one begins; a failure shows at the next write too.
        let _ = self.file.sync_all();
        let opened = self.next_part();
        self.note(opened);
    }

    /// Ends the log. What is lost stays counted.
    pub(super) fn close(&mut self) {
        if self.broken_since.is_some() {
            self.broken_since = None;
        }
        self.check();
        self.count_removed_parts();
        let encoder = std::mem::replace(&mut self.encoder, Encoder::Plain);
        let result = encoder
            .finish()
            .and_then(|tail| self.append(&tail))
            .map(|()| self.settle())
            .and_then(|()| self.file.sync_all());
        self.note(result);
    }

    /// Earlier parts that are gone take their lines with them.
    fn count_removed_parts(&mut self) {
        let parts: Vec<(PathBuf, u64)> = self.paths.iter().cloned().zip(self.closed.iter().copied()).collect();
        for (path, lines) in parts.into_iter().filter(|(path, _)| !path.exists()) {
            self.lost += lines;
            self.error.get_or_insert_with(|| "a part of the log was removed".to_owned());
            self.paths.retain(|kept| *kept != path);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.written
    }

    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// The first error since the log could last be written.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn append_held(&mut self) -> io::Result<()> {
        let held = std::mem::take(self.encoder.held());
        self.append(&held)
    }

    fn settle(&mut self) {
        self.good = self.written;
        self.pending_lines = 0;
    }

    /// After a failed write: cuts off what cannot be read, counts what was lost, and starts afresh.
    fn note(&mut self, result: io::Result<()>) {
        match result {
            Ok(()) => {
                if self.pending_lines == 0 {
                    self.broken_since = None;
                    self.error = None;
                }
            }
            Err(error) => {
                let _ = self.file.set_len(self.good);
                self.written = self.good;
                self.lost += self.pending_lines;
                self.part_lines = self.part_lines.saturating_sub(self.pending_lines);
                self.pending_lines = 0;
                // The compressed stream is torn; what follows is a new member, which readers take as one file.
                if let Ok(encoder) = Encoder::new(self.compression) {
                    self.encoder = encoder;
                }
                self.error.get_or_insert_with(|| error.to_string());
                self.broken_since = Some(Instant::now());
            }
        }
    }

    fn next_part(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.path_of(self.part + 1);
        (self.file, self.inode) = create(&path)?;
        if self.closed.len() < self.paths.len() {
            self.closed.push(self.part_lines);
        }
        self.encoder = Encoder::new(self.compression)?;
        self.part += 1;
        self.paths.push(path);
        (self.good, self.written, self.part_lines, self.pending_lines) = (0, 0, 0, 0);
        self.opened = Instant::now();
        Ok(())
    }

    fn path_of(&self, part: usize) -> PathBuf {
        part_path(&self.folder, &self.stem, self.extension, self.compression, part)
    }
}

fn part_path(folder: &Path, stem: &str, extension: &str, compression: Compression, part: usize) -> PathBuf {
    let number = if part == 0 { String::new() } else { format!("_p{part:03}") };
    folder.join(format!("{stem}{number}.{extension}{}", compression.suffix()))
}

fn create(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create_new(true).open(path)?;
    let inode = file.metadata()?.ino();
    Ok((file, inode))
}
