//! One log of a run, in parts: written so that whatever is on disk can be read, even after a crash or a full disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::part::{Compression, Part, is_absence};
use crate::io::files::{Folder, Syncer};
use crate::supervise::event::{CaptureFault, Trouble};

/// While a log cannot be written, it is tried again this often.
const RETRY: Duration = Duration::from_secs(1);
/// A log in parts `<stem>.<ext>`, `<stem>_p001.<ext>`, …
pub(super) struct LogFile {
    folder: Folder,
    /// Below the folder, with directories.
    stem: PathBuf,
    extension: &'static str,
    compression: Compression,
    /// Makes complete parts durable.
    syncer: Arc<Syncer>,
    /// The part that is written; none while it cannot be made.
    current: Option<Part>,
    /// Its number.
    number: usize,
    closed: Vec<Closed>,
    /// While the log cannot be written, the next try.
    retry_at: Option<Instant>,
    lost: u64,
    outages: Vec<Outage>,
}

/// A part that is complete.
struct Closed {
    identity: (u64, u64),
    kept: Kept,
}

/// What a part of a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The file.
    pub path: PathBuf,
    /// Lines of output.
    pub lines: u64,
    /// The size of the file and its SHA-256 in hexadecimal digits, as it was written; none if that is not known.
    pub digest: Option<(u64, String)>,
}

/// A time in which the log could not be kept; every lost line belongs to one.
struct Outage {
    path: PathBuf,
    trouble: Trouble,
    over: bool,
    /// Lines lost since the last report.
    lost: u64,
    reported: bool,
}

impl LogFile {
    /// Opens the first part. An existing file is refused, so that two runs never share one.
    pub(super) fn open(
        (folder, syncer): (&Folder, &Arc<Syncer>),
        stem: &Path,
        extension: &'static str,
        compression: Compression,
    ) -> io::Result<Self> {
        let name = part_name(stem, extension, compression, 0);
        Ok(Self {
            folder: folder.clone(),
            stem: stem.to_owned(),
            extension,
            compression,
            syncer: Arc::clone(syncer),
            current: Some(Part::create(folder, &name, compression)?),
            number: 0,
            closed: Vec::new(),
            retry_at: None,
            lost: 0,
            outages: Vec::new(),
        })
    }

    /// Keeps `bytes`, which are `lines` whole lines, or counts them as lost.
    pub(super) fn write(&mut self, bytes: &[u8], lines: u64) {
        if self.rests() {
            return self.lose(lines);
        }
        match self.part() {
            Ok(part) => {
                let result = part.write(bytes, lines);
                self.note(result);
            }
            Err(error) => self.fail(&error, lines),
        }
    }

    /// Counts `lines` as lost because `error` forbids to write them.
    pub(super) fn refuse(&mut self, error: &io::Error, lines: u64) {
        self.fail(error, lines);
    }

    /// Makes everything written so far readable.
    pub(super) fn flush(&mut self) {
        if !self.rests()
            && let Some(part) = self.current.as_mut().filter(|part| part.pending > 0)
        {
            let result = part.flush();
            self.note(result);
        }
    }

    /// Notices parts that were removed or replaced behind our back. Whatever was written to them is lost.
    pub(super) fn check(&mut self) {
        let folder = self.folder.clone();
        let gone = |part: &mut Closed| {
            let path = &part.kept.path;
            let name = folder.relative(path).unwrap_or(path);
            folder.identity(name).map_or_else(|error| is_absence(&error), |found| found != part.identity)
        };
        for part in self.closed.extract_if(.., gone).collect::<Vec<_>>() {
            self.removed(&part.kept.path, part.kept.lines);
        }
        if let Some(part) = self.current.take_if(|part| part.is_gone()) {
            self.removed(&part.path(), part.lines + part.pending);
            self.number += 1;
        }
        if !self.rests()
            && let Err(error) = self.part()
        {
            self.fail(&error, 0);
        }
    }

    /// Starts the next part, unless the log cannot be written anyway.
    pub(super) fn rotate(&mut self) {
        if self.rests() {
            return;
        }
        self.finish();
        if let Err(error) = self.part() {
            self.fail(&error, 0);
        }
    }

    /// Ends the log. What is lost stays counted.
    pub(super) fn close(&mut self) {
        self.retry_at = None;
        self.check();
        self.finish();
    }

    fn finish(&mut self) {
        let Some(part) = &mut self.current else { return };
        let result = part.finish();
        self.note(result);
        if let Some(part) = self.current.take() {
            self.syncer.add(part.name());
            let digest = part.sha256().map(|sha256| (part.written, sha256));
            let kept = Kept { path: part.path(), lines: part.lines, digest };
            self.closed.push(Closed { identity: part.identity, kept });
            self.number += 1;
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.current.as_ref().map_or(0, |part| part.written)
    }

    pub(super) fn age(&self) -> Duration {
        self.current.as_ref().map_or(Duration::ZERO, |part| part.opened.elapsed())
    }

    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// The parts of a log that was closed. There is always one, so that a log of which nothing is left is missed.
    pub(super) fn parts(&self) -> Vec<Kept> {
        let mut parts: Vec<Kept> = self.closed.iter().map(|part| part.kept.clone()).collect();
        if parts.is_empty() {
            parts.push(Kept { path: self.path(), lines: 0, digest: None });
        }
        parts
    }

    /// What began, went on and ended since the last call: each outage once when it begins, and when it is over.
    pub(super) fn news(&mut self) -> Vec<CaptureFault> {
        let lost_lines = self.lost;
        let mut news = Vec::new();
        for outage in &mut self.outages {
            let mut tell = |trouble, lost| {
                let path = self.folder.relative(&outage.path).unwrap_or(&outage.path).display().to_string();
                news.push(CaptureFault { path, trouble, lost, lost_lines });
            };
            let lost = std::mem::take(&mut outage.lost);
            if !std::mem::replace(&mut outage.reported, true) {
                tell(outage.trouble.clone(), lost);
            } else if lost > 0 {
                tell(Trouble::GoesOn, lost);
            }
            // What was removed does not come back.
            if outage.over && outage.trouble != Trouble::Removed {
                tell(Trouble::Over, 0);
            }
        }
        self.outages.retain(|outage| !outage.over);
        news
    }

    /// Whether the next try is still to come.
    fn rests(&self) -> bool {
        self.retry_at.is_some_and(|at| Instant::now() < at)
    }

    /// The part to write to; a new one where there is none.
    fn part(&mut self) -> io::Result<&mut Part> {
        if self.current.is_none() {
            let name = self.name();
            if let Some(parent) = name.parent() {
                self.folder.make_folder(parent).map_err(|error| error.source)?;
            }
            self.current = Some(Part::create(&self.folder, &name, self.compression)?);
        }
        self.current.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn note(&mut self, result: io::Result<()>) {
        let Some(part) = &mut self.current else { return };
        match result {
            Err(error) => {
                let lost = part.give_up(self.compression);
                self.fail(&error, lost);
            }
            Ok(()) if part.pending == 0 => {
                self.retry_at = None;
                self.outages.iter_mut().for_each(|outage| outage.over = true);
            }
            Ok(()) => {}
        }
    }

    /// Notes that the log cannot be written, which costs `lines`.
    fn fail(&mut self, error: &io::Error, lines: u64) {
        self.retry_at = Some(Instant::now() + RETRY);
        if self.outages.iter().all(|outage| outage.over) {
            let path = self.current.as_ref().map_or_else(|| self.path(), Part::path);
            let trouble = Trouble::LogFailed(error.to_string());
            self.outages.push(Outage { path, trouble, over: false, lost: 0, reported: false });
        }
        self.lose(lines);
    }

    /// Counts lines that the outage at hand costs.
    fn lose(&mut self, lines: u64) {
        self.lost += lines;
        if let Some(outage) = self.outages.iter_mut().rfind(|outage| !outage.over) {
            outage.lost += lines;
        }
    }

    fn removed(&mut self, path: &Path, lost: u64) {
        self.lost += lost;
        let path = path.to_owned();
        self.outages.push(Outage { path, trouble: Trouble::Removed, over: true, lost, reported: false });
    }

    fn name(&self) -> PathBuf {
        part_name(&self.stem, self.extension, self.compression, self.number)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name())
    }
}

fn part_name(stem: &Path, extension: &str, compression: Compression, part: usize) -> PathBuf {
    let number = if part == 0 { String::new() } else { format!("_p{part:03}") };
    let mut name = stem.as_os_str().to_owned();
    name.push(format!("{number}.{extension}{}", compression.suffix()));
    name.into()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};

    use super::*;
    use crate::digest::sha256;

    fn open(folder: &tempfile::TempDir, compression: Compression) -> LogFile {
        open_at(folder.path(), "log", compression)
    }

    fn open_at(folder: &Path, stem: &str, compression: Compression) -> LogFile {
        let folder = Folder::open(folder).unwrap();
        let syncer = Arc::new(Syncer::start(folder.clone()).unwrap());
        LogFile::open((&folder, &syncer), Path::new(stem), "jsonl", compression).unwrap()
    }

    /// What happened, by the name of the part, with the lines that it cost.
    fn news(log: &mut LogFile) -> Vec<(String, &'static str, u64)> {
        let word = |trouble| match trouble {
            Trouble::LogFailed(_) => "failed",
            Trouble::Removed => "removed",
            Trouble::Failed(_) => "other",
            Trouble::GoesOn => "goes on",
            Trouble::Over => "over",
        };
        let name = |path: String| path.rsplit('/').next().unwrap().to_owned();
        log.news().into_iter().map(|fault| (name(fault.path), word(fault.trouble), fault.lost)).collect()
    }

    fn is(part: &str, what: &'static str, lost: u64) -> (String, &'static str, u64) {
        (part.to_owned(), what, lost)
    }

    /// Lets writes to the current part fail as on a full disk. Returns the file for [`fix`].
    fn breaks(log: &mut LogFile) -> File {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        std::mem::replace(&mut log.current.as_mut().unwrap().file, full)
    }

    fn fix(log: &mut LogFile, file: File) {
        log.current.as_mut().unwrap().file = file;
        log.retry_at = None;
    }

    #[test]
    fn a_part_that_is_removed_is_named_with_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, Compression::None);
        log.write(b"a\nb\n", 2);
        log.rotate();
        log.write(b"c\n", 1);
        fs::remove_file(folder.path().join("log.jsonl")).unwrap();
        log.check();
        assert_eq!(news(&mut log), [is("log.jsonl", "removed", 2)]);
        fs::remove_file(folder.path().join("log_p001.jsonl")).unwrap();
        log.close();
        assert_eq!(news(&mut log), [is("log_p001.jsonl", "removed", 1)]);
        assert_eq!((log.lost(), news(&mut log)), (3, vec![]));
        let digest = Some((0, sha256(b"")));
        assert_eq!(log.parts(), [Kept { path: folder.path().join("log_p002.jsonl"), lines: 0, digest }]);
    }

    #[test]
    fn an_outage_is_told_when_it_begins_while_it_costs_lines_and_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, Compression::None);
        log.write(b"a\n", 1);
        let file = breaks(&mut log);
        log.write(b"b\n", 1);
        log.write(b"c\n", 1);
        assert_eq!(news(&mut log), [is("log.jsonl", "failed", 2)]);
        log.write(b"d\n", 1);
        log.refuse(&io::ErrorKind::StorageFull.into(), 4);
        assert_eq!(news(&mut log), [is("log.jsonl", "goes on", 5)]);
        assert_eq!(news(&mut log), []);
        fix(&mut log, file);
        log.write(b"e\n", 1);
        log.close();
        assert_eq!(news(&mut log), [is("log.jsonl", "over", 0)]);
        assert_eq!(log.lost(), 7);
        assert_eq!(fs::read(folder.path().join("log.jsonl")).unwrap(), b"a\ne\n");
        assert_eq!(log.parts()[0].digest, None, "the other file could not be cut off");
    }

    #[test]
    fn the_digest_of_each_part_is_that_of_its_file() {
        for compression in [Compression::None, Compression::Gz, Compression::Xz, Compression::Zst] {
            let folder = tempfile::tempdir().unwrap();
            let mut log = open(&folder, compression);
            for line in 0..100 {
                log.write(format!("line {line}\n").as_bytes(), 1);
                match line % 30 {
                    7 => log.flush(),
                    29 => log.rotate(),
                    _ => {}
                }
            }
            log.close();
            let parts = log.parts();
            assert_eq!(parts.iter().map(|part| part.lines).collect::<Vec<_>>(), [30, 30, 30, 10]);
            for part in parts {
                let file = fs::read(part.path).unwrap();
                assert_eq!(part.digest, Some((file.len() as u64, sha256(&file))), "{compression:?}");
            }
        }
    }

    #[test]
    fn an_outage_between_two_looks_is_told_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = open(&folder, Compression::Gz);
        log.write(b"a\nb\n", 2);
        let _ = breaks(&mut log);
        log.rotate();
        assert_eq!(log.lost(), 2, "the end of the part could not be written");
        log.retry_at = None;
        log.write(b"c\n", 1);
        log.close();
        assert_eq!(news(&mut log), [is("log.jsonl.gz", "failed", 2), is("log.jsonl.gz", "over", 0)]);
        assert_eq!(log.lost(), 2);
    }

    #[test]
    fn a_log_whose_folder_cannot_be_made_has_not_recovered() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("logs");
        fs::create_dir(&folder).unwrap();
        let mut log = open_at(root.path(), "logs/log", Compression::None);
        log.write(b"a\n", 1);
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "in the way").unwrap();
        log.check();
        log.write(b"b\n", 1);
        assert_eq!(news(&mut log), [is("log.jsonl", "removed", 1), is("log_p001.jsonl", "failed", 1)]);
        fs::remove_file(&folder).unwrap();
        log.retry_at = None;
        log.write(b"c\n", 1);
        assert_eq!(news(&mut log), [is("log_p001.jsonl", "over", 0)]);
        assert_eq!((log.lost(), fs::read(folder.join("log_p001.jsonl")).unwrap()), (2, b"c\n".to_vec()));
    }
}
