//! Reads logs and sums them up: large plain files in ranges on all threads, packed files piece by piece on
//! several, many files side by side. The result does not depend on the number of threads or the order of the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::decode::{self, Encoding, Packing};
use super::file_ranges::{Extent, OffsetReader, Plain, read_full_at};
use super::line_chunks::PIECE;
use super::parallel::{self, lock};
use super::sources::{self, duplicates};
use super::{shared_stream, text};
use crate::finding::Finding;
use crate::io::clock;
use crate::io::files::{self, FileError};
use crate::io::packet::checksums;
use crate::io::tty::progress_bar;
use crate::log::access::Statuses;
use crate::log::frame::Frame;
use crate::log::ignore::Ignore;
use crate::log::layout::{self, Layout};
use crate::log::scan::chunk::{ChunkReport, Context};
use crate::log::summary::{FileReport, LogSummary};
use crate::log::totals::faults;
use crate::log::totals::summarise;
use crate::log::totals::tally::{Limits, Tally};
use crate::shards::close::{Said, close};
use crate::shards::fold::{Digest, Fold, Segment};
use crate::shards::missing;
use crate::shards::plan::{Fixed, Piece, PlannedFile};
use crate::time::Stamp;

pub use super::options::ScanOptions;
pub use super::sources::{Source, expand};

/// Clocks may differ by this much before a record is in the future.
const SKEW: Duration = Duration::from_secs(300);
/// Packed files below this size are read on one thread.
const SMALL: u64 = 64 << 10;
/// At most so many threads read one packed file; one decoder keeps no more of them busy.
const READERS: usize = 4;

/// Something to read.
#[derive(Clone, Copy)]
pub(crate) struct Input<'s> {
    /// Where it is.
    pub(crate) source: &'s Source,
    /// The number of the file: its place in the alphabet, not on the command line.
    pub(crate) number: u32,
    /// What a plan says of it.
    pub(crate) planned: Option<&'s PlannedFile>,
    /// Which bytes of it are read, where that is not the whole file; where they were piped, with the place of the first.
    pub(crate) piece: Option<(Piece, Option<u64>)>,
    /// The group of logs that it is counted with, by number.
    pub(crate) group: usize,
}

/// Reads the logs to their ends and sums them up. Whatever is wrong with a file is a finding of the summary.
pub fn scan(sources: &[Source], options: &ScanOptions) -> LogSummary {
    scan_groups(sources, options, |_| None).0
}

/// As [`scan`], and the same for each group of the logs. `of` gives the group of a file by the name that it is shown by;
/// what is found in a file of a group is a finding of that.
pub(crate) fn scan_groups(
    sources: &[Source],
    options: &ScanOptions,
    of: impl Fn(&str) -> Option<usize>,
) -> (LogSummary, Vec<LogSummary>) {
    let mut sources: Vec<Source> = sources.to_vec();
    sources.sort_by(|a, b| a.shown().cmp(b.shown()));
    let doubles: BTreeMap<usize, usize> = duplicates(&sources).into_iter().collect();
    // Those of no group come last.
    let group = |source: &Source| of(source.shown()).unwrap_or(options.groups.len());
    let numbered = (0..).zip(&sources).map(|(number, source)| Input {
        source,
        number,
        planned: None,
        piece: None,
        group: group(source),
    });
    let inputs: Vec<Input<'_>> =
        numbered.enumerate().filter(|(index, _)| !doubles.contains_key(index)).map(|(_, input)| input).collect();
    // A run says the same whenever it is judged, even where its clock was set ahead of ours.
    let latest = options.window.map_or_else(latest, |(start, end)| start.max(end).plus(options.drain).plus(SKEW));
    // Only a piece can fail, and there is none.
    let (mut folds, _) = read(&inputs, options, latest);
    let names: Vec<String> = sources.iter().map(|source| source.shown().to_owned()).collect();
    let others = folds.pop().unwrap_or_else(|| Fold::new(&options.limits()));
    let (mut total, mut reports, mut findings) = others.finish(&names);
    let mut parts = Vec::new();
    for (fold, gaps) in folds.into_iter().zip(&options.groups) {
        let (tally, own, found) = fold.finish(&names);
        total.merge(tally.clone());
        reports.extend(own.iter().cloned());
        parts.push(summarise::summary(tally, own, found, &names, &options.terms(*gaps)));
    }
    reports.sort_by(|a, b| a.path.cmp(&b.path));
    findings.extend(doubles.into_iter().map(|(double, first)| faults::double(&names[double], &names[first])));
    let terms = options.terms((options.warn_gap, options.fail_gap));
    (summarise::summary(total, reports, findings, &names, &terms), parts)
}

/// Later times than this are in the future.
pub(crate) fn latest() -> Stamp {
    clock::now().plus(SKEW)
}

/// Reads what is to be read, on all threads. Times after `latest` are in the future. Also returns why a piece could not
/// be read to its end.
pub(crate) fn fold(inputs: &[Input<'_>], options: &ScanOptions, latest: Stamp) -> (Fold, Option<FileError>) {
    let (mut folds, failed) = read(inputs, options, latest);
    (folds.pop().unwrap_or_else(|| Fold::new(&options.limits())), failed)
}

/// The same for each group, and last for what is in none.
fn read(inputs: &[Input<'_>], options: &ScanOptions, latest: Stamp) -> (Vec<Fold>, Option<FileError>) {
    let limits = options.limits();
    let scan = Scan {
        inputs,
        limits,
        layout: options.layout.as_ref(),
        statuses: Arc::new(options.statuses.clone()),
        ignore: Arc::new(Ignore::new(&options.ignore).and_drills(&options.drills)),
        latest,
        threads: parallel::threads(options.threads),
        queue: Mutex::new(Queue::default()),
        changed: Condvar::new(),
        folds: (0..=options.groups.len()).map(|_| Mutex::new(Fold::new(&limits))).collect(),
        failed: Mutex::default(),
        done: AtomicU64::new(0),
    };
    // Taken from the end.
    lock(&scan.queue).tasks.extend((0..inputs.len()).rev().map(Task::File));
    scan.run(options);
    let failed = scan.failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let folds = scan.folds.into_iter().map(|fold| fold.into_inner().unwrap_or_else(PoisonError::into_inner));
    (folds.collect(), failed)
}

/// A piece of work.
enum Task {
    /// Open a file, by number, and read it or divide it.
    File(usize),
    /// Read one range of a plain file, by number.
    Range(Arc<Plain>, u64),
}

#[derive(Default)]
struct Queue {
    tasks: Vec<Task>,
    /// Tasks in work that may add others.
    opening: usize,
}

struct Scan<'s> {
    inputs: &'s [Input<'s>],
    limits: Limits,
    layout: Option<&'s Arc<Layout>>,
    ignore: Arc<Ignore>,
    statuses: Arc<Statuses>,
    latest: Stamp,
    threads: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
    /// By group.
    folds: Vec<Mutex<Fold>>,
    /// Why a piece could not be read.
    failed: Mutex<Option<FileError>>,
    done: AtomicU64,
}

impl Scan<'_> {
    /// Where a file is counted.
    fn fold(&self, index: usize) -> MutexGuard<'_, Fold> {
        lock(&self.folds[self.inputs[index].group])
    }

    fn run(&self, options: &ScanOptions) {
        let (alive, all_done) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let started = (0..self.threads).take_while(|_| {
                let alive = alive.clone();
                let work = move || {
                    self.work();
                    drop(alive);
                };
                thread::Builder::new().spawn_scoped(scope, work).is_ok()
            });
            // Where no thread can be had, this one does the work.
            if started.count() == 0 {
                self.work();
            }
            drop(alive);
            if options.show_progress {
                progress_bar::show(self.size(), &self.done, &all_done);
            }
        });
    }

    fn size(&self) -> u64 {
        let size = |input: &Input<'_>| match (input.piece, input.source) {
            (Some((piece, _)), _) => piece.to - piece.from,
            (None, Source::File { path, .. }) => path.metadata().map_or(0, |metadata| metadata.len()),
            (None, Source::Stdin) => 0,
        };
        self.inputs.iter().map(size).sum()
    }

    fn work(&self) {
        let mut buffer = Vec::new();
        while let Some(task) = self.take() {
            match task {
                Task::File(index) => {
                    self.file(index, &mut buffer);
                    lock(&self.queue).opening -= 1;
                    self.changed.notify_all();
                }
                Task::Range(plain, number) => self.range(&plain, number, &mut buffer),
            }
        }
    }

    fn take(&self) -> Option<Task> {
        let mut queue = lock(&self.queue);
        loop {
            match queue.tasks.pop() {
                Some(task) => {
                    queue.opening += usize::from(matches!(task, Task::File(_)));
                    return Some(task);
                }
                None if queue.opening == 0 => return None,
                None => queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Reads a file or divides it. `buffer` is kept from one task to the next, because fresh memory is slow.
    fn file(&self, index: usize, buffer: &mut Vec<u8>) {
        let Input { source, number, planned, piece, .. } = self.inputs[index];
        let mut report = FileReport { path: source.shown().to_owned(), ..FileReport::default() };
        let mut context = Context {
            limits: self.limits,
            file: number,
            written: Some(self.latest),
            latest: self.latest,
            layout: Arc::default(),
            ignore: Arc::clone(&self.ignore),
            statuses: Arc::clone(&self.statuses),
            years: Arc::default(),
            bounds: Arc::default(),
            offset: 0,
        };
        let path = match source {
            Source::Stdin => return self.stream(report, context, index, io::stdin(), true),
            Source::File { path, .. } => path,
        };
        let (file, metadata) = match source.open() {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                let finding = sources::unreadable(Path::new(&report.path), &error);
                return self.refuse(index, report, finding);
            }
            None => return,
        };
        if metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return self.refuse(index, report, sources::unreadable(path, &error));
        }
        // Of what was piped no more is there.
        let piped = piece.is_some_and(|(_, base)| base.is_some());
        if let Some(planned) = planned.filter(|planned| planned.size != metadata.len() && !piped) {
            let finding = missing::changed(&report.path, planned.size, metadata.len());
            return self.fold(index).note(number, finding);
        }
        if let (Some(planned), Some((piece, base))) = (planned, piece) {
            return self.piece(file, index, planned, (piece, base), buffer);
        }
        report.bytes = metadata.len();
        let written = planned.and_then(PlannedFile::written);
        context.written = written.or(metadata.modified().ok().map(Stamp::from)).or(context.written);
        if !metadata.is_file() {
            return self.stream(report, context, index, files::pipe(file), true);
        }
        let size = metadata.len();
        buffer.resize(usize::try_from(size).unwrap_or(usize::MAX).min(layout::SAMPLE), 0);
        match read_full_at(&file, buffer, 0) {
            Ok(len) => buffer.truncate(len),
            Err(error) => return self.refuse(index, report, sources::unreadable(path, &error)),
        }
        let Some(text::Start { skip, hole }) = text::plain(&file, buffer) else {
            self.stream(report, context, index, file, size > SMALL);
            return self.check_growth(index, path, size);
        };
        if hole > 0 {
            self.fold(index).note(number, faults::hole(&report.path, hole));
        }
        context.layout = self.learn(buffer);
        if context.layout.is_yearless() {
            let text = OffsetReader { file: &file, at: skip };
            context.years = Arc::new(text::years_of(text, skip, context.written.unwrap_or(self.latest)));
        }
        self.divide(&Arc::new(Plain::new(file, index, context, Extent::whole(skip, size))), buffer);
    }

    /// The layout of a text by its start.
    fn learn(&self, sample: &[u8]) -> Arc<Layout> {
        self.layout.map_or_else(|| Arc::new(Layout::learn(sample, self.latest)), Arc::clone)
    }

    /// Queues the ranges of a file; the first is read at once.
    fn divide(&self, plain: &Arc<Plain>, buffer: &mut Vec<u8>) {
        let count = plain.ranges();
        if count > 1 {
            lock(&self.queue).tasks.extend((1..count).rev().map(|number| Task::Range(Arc::clone(plain), number)));
            self.changed.notify_all();
        }
        self.range(plain, 0, buffer);
    }

    fn range(&self, plain: &Plain, number: u64, buffer: &mut Vec<u8>) {
        let (part, fault) = plain.read(number, buffer);
        self.done.fetch_add(PIECE as u64, Ordering::Relaxed);
        let Some((whole, fault)) = plain.add(number, part, fault) else { return };
        let Input { source, planned, piece, .. } = self.inputs[plain.source];
        if let (Some(planned), Some((piece, _))) = (planned, piece) {
            return self.finish_piece(plain.source, planned, piece, whole, fault);
        }
        if let Some(Ok(again)) = whole.learn_again().map(|layout| plain.again(layout)) {
            self.done.fetch_sub(plain.ranges() * PIECE as u64, Ordering::Relaxed);
            return self.divide(&Arc::new(again), buffer);
        }
        let Extent { skip, len, .. } = plain.extent;
        let report = FileReport {
            path: source.shown().to_owned(),
            encoding: Packing::Plain.name().to_owned(),
            bytes: len,
            text_bytes: len - skip.min(len),
            ..FileReport::default()
        };
        self.finish(plain.source, report, whole, fault.as_ref());
        if let Source::File { path, .. } = source {
            self.check_growth(plain.source, path, len);
        }
    }

    /// Reads a piece of a plain file.
    fn piece(
        &self,
        file: File,
        index: usize,
        planned: &PlannedFile,
        piece: (Piece, Option<u64>),
        buffer: &mut Vec<u8>,
    ) {
        let (Piece { file: number, from, to }, base) = piece;
        let fixed = Fixed { latest_us: self.latest.micros(), ..Fixed::default() };
        let (ignore, statuses) = (Arc::clone(&self.ignore), Arc::clone(&self.statuses));
        let context = Context { limits: self.limits, ignore, statuses, ..fixed.context(number, planned) };
        let extent =
            Extent { skip: planned.skip, from: from.max(planned.skip), to, len: planned.size, base: base.unwrap_or(0) };
        self.divide(&Arc::new(Plain::new(file, index, context, extent)), buffer);
    }

    fn finish_piece(
        &self,
        index: usize,
        planned: &PlannedFile,
        piece: Piece,
        part: ChunkReport,
        fault: Option<io::Error>,
    ) {
        let digests = planned.same_size.then(|| self.digests(index, piece)).transpose();
        match (fault.map_or(digests, Err), self.inputs[index].source) {
            (Ok(digests), _) => {
                let segment = Segment { to: piece.to, part, digests: digests.unwrap_or_default() };
                self.fold(index).add(piece.file, planned, piece.from, segment);
            }
            (Err(error), source) => {
                lock(&self.failed).get_or_insert_with(|| FileError::new("read", source.shown(), error));
            }
        }
    }

    /// The digest of a piece of a file, or of all of it.
    fn digests(&self, index: usize, piece: Piece) -> io::Result<Vec<Digest>> {
        let Input { source, piece: part, .. } = self.inputs[index];
        let (file, _) = source.open().unwrap_or_else(|| Err(io::ErrorKind::Unsupported.into()))?;
        let text = OffsetReader { file: &file, at: piece.from - part.and_then(|(_, base)| base).unwrap_or(0) };
        let (sha256, _) = checksums::digest(text.take(piece.to - piece.from))?;
        Ok(vec![Digest { from: piece.from, to: piece.to, sha256 }])
    }

    /// Reads a packed file, another encoding than UTF-8, or what is no file at all.
    fn stream(
        &self,
        mut report: FileReport,
        mut context: Context,
        index: usize,
        reader: impl Read + Send,
        threaded: bool,
    ) {
        let counted = text::Counted { inner: reader, count: &self.done };
        let (head, reader) = decode::peek(counted, decode::HEAD);
        let packing = match decode::packing(&head) {
            Ok(packing) => packing,
            Err(what) => {
                let finding = faults::packed(&report.path, what);
                return self.refuse(index, report, finding);
            }
        };
        packing.name().clone_into(&mut report.encoding);
        let text = match decode::unpack(reader, packing) {
            Ok(text) => text,
            Err(error) => return self.finish(index, report, ChunkReport::new(context), Some(&error)),
        };
        let (head, mut text) = decode::peek(text, decode::HEAD);
        match decode::encoding(&head) {
            Ok(Encoding::Utf8 { skip }) => {
                let skipped = io::copy(&mut text.by_ref().take(skip as u64), &mut io::sink());
                debug_assert!(skipped.is_ok(), "the head is in memory");
            }
            Ok(Encoding::Utf16 { big, skip }) => {
                report.encoding.push_str("+utf-16");
                let skipped = io::copy(&mut text.by_ref().take(skip as u64), &mut io::sink());
                debug_assert!(skipped.is_ok(), "the head is in memory");
                text = Box::new(decode::FromUtf16::new(text, big));
            }
            Err(what) => {
                let finding = faults::not_a_log(&report.path, what);
                return self.refuse(index, report, finding);
            }
        }
        let (sample, mut text) = decode::peek(text, layout::SAMPLE);
        let mut sample = sample;
        let frame = Frame::detect(&sample);
        if let Some(frame) = frame {
            (sample, text) = decode::peek(decode::Framed::new(text, frame), layout::SAMPLE);
        }
        context.layout = self.learn(&sample);
        let source = self.inputs[index].source;
        if context.layout.is_yearless() {
            let again = Some(source).filter(|_| frame.is_none()).and_then(text::unpacked_again);
            let written = context.written.unwrap_or(self.latest);
            context.years = Arc::new(match again {
                Some(text) => text::years_of(text, 0, written),
                // What can be read only once is judged by its start.
                None => text::years_of(&sample[..], 0, written),
            });
        }
        let threads = if threaded { self.threads.min(READERS) } else { 1 };
        let mut read = shared_stream::read(text, &context, threads);
        if let Some((layout, text)) = read.part.learn_again().zip(text::unpacked_again(source)) {
            context.layout = Arc::new(layout);
            let text = decode::framed(text, frame);
            read = shared_stream::read(text, &context, threads);
        }
        report.text_bytes = read.bytes;
        self.finish(index, report, read.part, read.fault.as_ref());
    }

    /// A file that gave nothing.
    fn refuse(&self, index: usize, report: FileReport, finding: Finding) {
        self.close(index, (Tally::new(&self.limits), Said { report: Some(report), findings: vec![finding] }));
    }

    /// Adds a file that was read, to its end or up to a fault.
    fn finish(&self, index: usize, report: FileReport, part: ChunkReport, fault: Option<&io::Error>) {
        self.close(index, close(report, part, fault));
    }

    fn close(&self, index: usize, closed: (Tally, Said)) {
        let Input { number, planned, .. } = self.inputs[index];
        let alike = planned.filter(|planned| planned.same_size);
        // What cannot be read is told, and is no double.
        let digests = alike.map(|planned| {
            let whole = Piece { file: number, from: 0, to: planned.size };
            self.digests(index, whole).unwrap_or_default()
        });
        self.fold(index).close(number, closed, digests);
    }

    fn check_growth(&self, index: usize, path: &Path, before: u64) {
        let now = path.metadata().map_or(before, |metadata| metadata.len());
        if now != before {
            let finding = faults::changed(&path.display().to_string(), before, now);
            self.fold(index).note(self.inputs[index].number, finding);
        }
    }
}
