//! The two logs of a run, structured and raw, kept in step.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::log_file::{Compression, LogFile};
use crate::io::sampler::disk_space;
use crate::supervise::event::CaptureFault;

/// Where and how the logs are kept.
#[derive(Clone, Debug)]
pub struct SinkPlan {
    /// The folder of the logs.
    pub folder: PathBuf,
    /// What the names of the files start with.
    pub stem: String,
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

/// The logs of a run.
pub struct Sink {
    plan: SinkPlan,
    structured: LogFile,
    raw: LogFile,
    flushed: Instant,
    reported: Vec<(PathBuf, Option<String>, u64)>,
}

impl Sink {
    /// Opens the first part of both logs.
    ///
    /// # Errors
    /// The files cannot be created, or are there already.
    pub fn open(plan: SinkPlan) -> io::Result<Self> {
        let structured = LogFile::open(&plan.folder, &plan.stem, "jsonl", plan.compression)?;
        let raw = LogFile::open(&plan.folder, &plan.stem, "log", plan.compression)?;
        Ok(Self { plan, structured, raw, flushed: Instant::now(), reported: Vec::new() })
    }

    /// Keeps `lines` whole lines in both forms.
    pub fn write(&mut self, structured: &[u8], raw: &[u8], lines: u64) {
        let old = self.plan.rotate_every.is_some_and(|every| self.structured.age() >= every);
        let large = self.plan.rotate_size.is_some_and(|size| self.structured.bytes() >= size);
        if old || large {
            self.structured.rotate();
            self.raw.rotate();
        }
        if self.has_room() {
            self.structured.write(structured, lines);
            self.raw.write(raw, lines);
        } else {
            self.structured.refuse(io::ErrorKind::StorageFull.into(), lines);
            self.raw.refuse(io::ErrorKind::StorageFull.into(), lines);
        }
    }

    /// Whether there is more space than the verdict needs: a run whose logs fill the disk must still be able to say so.
    fn has_room(&self) -> bool {
        disk_space(&self.plan.folder)
            .map_or(true, |(available, total)| available > (total / KEPT_SHARE).clamp(KEPT_LEAST, KEPT_MOST))
    }

    /// Does what is due: flushes compressed logs and looks after the files. Returns what changed.
    pub fn tend(&mut self) -> Vec<CaptureFault> {
        if self.flushed.elapsed() >= FLUSH {
            self.flushed = Instant::now();
            self.structured.flush();
            self.raw.flush();
            self.structured.check();
            self.raw.check();
        }
        self.faults()
    }

    /// Ends both logs. Returns what changed.
    pub fn close(&mut self) -> Vec<CaptureFault> {
        self.structured.close();
        self.raw.close();
        self.faults()
    }

    /// The parts of the structured log.
    pub fn structured_paths(&self) -> &[PathBuf] {
        self.structured.paths()
    }

    /// The parts of the raw log.
    pub fn raw_paths(&self) -> &[PathBuf] {
        self.raw.paths()
    }

    /// Lines that are missing in one of the logs.
    fn lost(&self) -> u64 {
        self.structured.lost().max(self.raw.lost())
    }

    fn faults(&mut self) -> Vec<CaptureFault> {
        let lost = self.lost();
        let mut changed = Vec::new();
        for log in [&self.structured, &self.raw] {
            let path: &Path = log.paths().last().map_or(&self.plan.folder, |p| p.as_path());
            let state = (path.to_owned(), log.error().map(str::to_owned), log.lost());
            let known = self.reported.iter_mut().find(|(p, ..)| *p == state.0);
            let news = known.as_ref().map_or(state.1.is_some() || state.2 > 0, |k| **k != state);
            if news {
                changed.push(CaptureFault {
                    path: path.display().to_string(),
                    error: state.1.clone(),
                    lost_lines: lost,
                });
                match known {
                    Some(known) => *known = state,
                    None => self.reported.push(state),
                }
            }
        }
        changed
    }
}
