//! The two logs of a run, structured and raw, kept in step.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::log_file::{Kept, LogFile};
use super::part::Compression;
use crate::io::files::{Folder, Syncer};
use crate::io::process::sampler::disk_space;
use crate::io::read::parallel::lock;
use crate::supervise::event::CaptureFault;

/// Where and how the logs are kept.
#[derive(Clone, Debug)]
pub(crate) struct SinkPlan {
    /// The run directory.
    pub folder: Folder,
    /// What the names of the files start with, below the run directory.
    pub stem: PathBuf,
    /// How they are compressed.
    pub compression: Compression,
    /// A new part after this time.
    pub rotate_every: Option<Duration>,
    /// A new part when the structured log has this many bytes on disk.
    pub rotate_size: Option<u64>,
}

/// Between flushes of compressed logs, and between looks whether the files are still there.
const FLUSH: Duration = Duration::from_secs(1);

/// Logs leave this much of their file system free: a share of its size, within bounds in bytes.
const KEPT_SHARE: u64 = 20;
const KEPT_LEAST: u64 = 256 << 10;
const KEPT_MOST: u64 = 16 << 20;
/// Others write to the file system too: so often it is looked how much is left.
const LOOK: Duration = Duration::from_millis(250);

/// What the logs of a run may still write: a run whose logs fill the disk must be able to say so, and a workload that
/// fills it must leave the others space for theirs.
#[derive(Default)]
pub(crate) struct Room(Mutex<Space>);

#[derive(Default)]
struct Space {
    /// When it was looked, the bytes that are left since, and those that stay free.
    seen: Option<(Instant, u64, u64)>,
    /// How many write here, and how much they wrote together.
    sinks: u64,
    written: u64,
}

impl Room {
    /// Whether there is more space than the verdict needs, and for whoever wrote much more than the others, more than
    /// these need. `own` are the bytes that the one who asks wrote so far.
    fn takes(&self, bytes: u64, own: u64, folder: &Folder) -> bool {
        let mut space = lock(&self.0);
        let greedy = own.saturating_mul(2 * space.sinks) > space.written.saturating_mul(3);
        let fits = |left: u64, kept: u64| left.saturating_sub(bytes) > if greedy { 2 * kept } else { kept };
        let fresh = space.seen.filter(|(at, left, kept)| at.elapsed() < LOOK && fits(*left, *kept));
        let (at, left, kept) = match fresh {
            Some(seen) => seen,
            None => {
                let Ok((available, total)) = disk_space(folder.path()) else { return true };
                (Instant::now(), available, (total / KEPT_SHARE).clamp(KEPT_LEAST, KEPT_MOST))
            }
        };
        let takes = fits(left, kept);
        // Twice as much, since a file system needs space of its own for what is written.
        let rest = if takes { left.saturating_sub(2 * bytes) } else { left };
        space.seen = Some((at, rest, kept));
        space.written += if takes { bytes } else { 0 };
        takes
    }
}

/// The logs of a run.
pub(crate) struct Sink {
    plan: SinkPlan,
    structured: LogFile,
    raw: LogFile,
    flushed: Instant,
    room: Arc<Room>,
    /// The bytes that it wrote.
    written: u64,
    /// The parts are named and digested: what a pump that could not be waited for brings now would only add another.
    closed: bool,
}

impl Sink {
    /// Opens the first part of both logs; `syncer` makes durable what is complete.
    ///
    /// # Errors
    /// The files cannot be created, or are there already.
    pub(crate) fn open(plan: SinkPlan, syncer: &Arc<Syncer>, room: &Arc<Room>) -> io::Result<Self> {
        let open = |extension| LogFile::open((&plan.folder, syncer), &plan.stem, extension, plan.compression);
        let (structured, raw) = (open("jsonl")?, open("log")?);
        lock(&room.0).sinks += 1;
        Ok(Self { plan, structured, raw, flushed: Instant::now(), room: Arc::clone(room), written: 0, closed: false })
    }

    /// Keeps whole lines in both forms, each with its number of lines: a record may come later than its raw lines.
    pub(crate) fn write(&mut self, structured: (&[u8], u64), raw: (&[u8], u64)) {
        if self.closed {
            return;
        }
        let old = self.plan.rotate_every.is_some_and(|every| self.structured.age() >= every);
        let large = self.plan.rotate_size.is_some_and(|size| self.structured.bytes() >= size);
        if old || large {
            self.structured.rotate();
            self.raw.rotate();
        }
        let bytes = (structured.0.len() + raw.0.len()) as u64;
        let has_room = self.room.takes(bytes, self.written, &self.plan.folder);
        self.written += if has_room { bytes } else { 0 };
        let full = (!has_room).then(|| io::Error::from(io::ErrorKind::StorageFull));
        for (log, (bytes, lines)) in [(&mut self.structured, structured), (&mut self.raw, raw)] {
            match &full {
                _ if lines == 0 && bytes.is_empty() => {}
                Some(error) => log.refuse(error, lines),
                None => log.write(bytes, lines),
            }
        }
    }

    /// Does what is due: flushes compressed logs and looks after the files. Returns what changed.
    pub(crate) fn tend(&mut self) -> Vec<CaptureFault> {
        if self.flushed.elapsed() >= FLUSH {
            self.flushed = Instant::now();
            self.structured.flush();
            self.raw.flush();
            self.structured.check();
            self.raw.check();
        }
        self.faults()
    }

    /// Ends both logs; nothing is written any more. Returns what changed.
    pub(crate) fn close(&mut self) -> Vec<CaptureFault> {
        self.closed = true;
        self.structured.close();
        self.raw.close();
        self.faults()
    }

    /// The parts of the structured log and those of the raw one, once they are closed.
    pub(crate) fn parts(&self) -> [Vec<Kept>; 2] {
        [self.structured.parts(), self.raw.parts()]
    }

    /// Lines that are missing in one of the logs.
    fn lost(&self) -> u64 {
        self.structured.lost().max(self.raw.lost())
    }

    fn faults(&mut self) -> Vec<CaptureFault> {
        let lost_lines = self.lost();
        let news = [&mut self.structured, &mut self.raw].into_iter().flat_map(LogFile::news);
        news.map(|fault| CaptureFault { lost_lines, ..fault }).collect()
    }
}
