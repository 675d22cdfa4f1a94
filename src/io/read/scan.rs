//! Reads logs and sums them up: large plain files in ranges on all threads, packed files piece by piece on
//! several, many files side by side. The result does not depend on the number of threads or the order of the files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::decode::{self, Encoding, Packing};
use super::file_ranges::{OffsetReader, Plain, read_full_at};
use super::line_chunks::{PIECE, Pieces};
use super::parallel::{self, lock};
use super::shared_stream;
use super::sources::{self, duplicates};
use crate::finding::Finding;
use crate::io::tty::progress_bar;
use crate::io::{clock, files};
use crate::log::frame::Frame;
use crate::log::ignore::Ignore;
use crate::log::layout::years::{Chain, Years};
use crate::log::layout::{self, Layout};
use crate::log::scan::chunk::{Context, Part};
use crate::log::summary::{DownTime, FileReport, LogSummary};
use crate::log::totals::faults;
use crate::log::totals::summarise::{self, Receipt, Terms};
use crate::log::totals::tally::{Limits, Tally};
use crate::time::Stamp;

pub use super::sources::{Source, expand};

/// Clocks may differ by this much before a record lies in the future.
const SKEW: Duration = Duration::from_secs(300);
/// Packed files below this size are read on one thread.
const SMALL: u64 = 64 << 10;
/// At most so many threads read one packed file; one decoder keeps no more of them busy.
const READERS: usize = 4;

/// How logs are read and judged.
#[derive(Clone, Debug)]
pub struct ScanOptions {
    /// A longer silence is a WARN.
    pub warn_gap: Duration,
    /// A silence of this length is a FAIL; at least the above.
    pub fail_gap: Duration,
    /// How many findings of a kind are listed; all are counted.
    pub max_listed: usize,
    /// The layout of all logs, where it is not to be learnt.
    pub layout: Option<Arc<Layout>>,
    /// Texts of messages that are not held against the logs.
    pub ignore: Vec<String>,
    /// How many threads read; 0 for all cores.
    pub threads: usize,
    /// The supervised time of a run: the duration, and silence at its ends is a gap.
    pub window: Option<(Stamp, Stamp)>,
    /// When nothing ran in that time, in order of time.
    pub pauses: Vec<DownTime>,
    /// How long the command took to end after that time.
    pub drain: Duration,
    /// When lines of a supervised run could be received.
    pub receipt: Option<Receipt>,
    /// Whether to show progress on standard error, where that is a terminal.
    pub show_progress: bool,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            warn_gap: Duration::from_secs(3600),
            fail_gap: Duration::from_secs(6 * 3600),
            max_listed: 1000,
            layout: None,
            ignore: Vec::new(),
            threads: 0,
            window: None,
            pauses: Vec::new(),
            drain: Duration::ZERO,
            receipt: None,
            show_progress: false,
        }
    }
}

/// Reads the logs to their ends and sums them up. Whatever is wrong with a file is a finding of the summary.
pub fn scan(sources: &[Source], options: &ScanOptions) -> LogSummary {
    let mut sources: Vec<&Source> = sources.iter().collect();
    // The place in the alphabet, not on the command line, is the number of a file.
    sources.sort_by_key(|source| source.shown());
    let owned: Vec<Source> = sources.iter().map(|source| (*source).clone()).collect();
    let doubles: BTreeMap<usize, usize> = duplicates(&owned).into_iter().collect();
    let silence = summarise::silence(options.warn_gap, options.window);
    let limits = Limits { silence, listed: options.max_listed };
    let scan = Scan {
        sources: &owned,
        limits,
        layout: options.layout.as_ref(),
        ignore: Arc::new(Ignore::new(&options.ignore)),
        // A run says the same whenever it is judged, even where its clock was set ahead of ours.
        latest: options.window.map_or_else(clock::now, |(start, end)| start.max(end).plus(options.drain)).plus(SKEW),
        threads: parallel::threads(options.threads),
        queue: Mutex::new(Queue::default()),
        changed: Condvar::new(),
        total: Mutex::new(Total { tally: Tally::new(&limits), reports: Vec::new(), findings: Vec::new() }),
        done: AtomicU64::new(0),
    };
    // Taken from the end.
    lock(&scan.queue).tasks.extend((0..owned.len()).rev().filter(|i| !doubles.contains_key(i)).map(Task::File));
    scan.run(options);

    let mut total = scan.total.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (double, first) in doubles {
        total.findings.push(faults::double(owned[double].shown(), owned[first].shown()));
    }
    let paths: Vec<String> = owned.iter().map(|source| source.shown().to_owned()).collect();
    let terms = Terms {
        warn_gap: options.warn_gap,
        fail_gap: options.fail_gap.max(options.warn_gap),
        listed: options.max_listed,
        window: options.window,
        pauses: options.pauses.clone(),
        drain: options.drain,
        receipt: options.receipt.clone(),
        ignore: options.ignore.clone(),
    };
    summarise::summary(total.tally, total.reports, total.findings, &paths, &terms)
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

struct Total {
    tally: Tally,
    reports: Vec<FileReport>,
    findings: Vec<Finding>,
}

struct Scan<'s> {
    sources: &'s [Source],
    limits: Limits,
    layout: Option<&'s Arc<Layout>>,
    ignore: Arc<Ignore>,
    latest: Stamp,
    threads: usize,
    queue: Mutex<Queue>,
    changed: Condvar,
    total: Mutex<Total>,
    done: AtomicU64,
}

impl Scan<'_> {
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
        let size = |source: &Source| match source {
            Source::File { path, .. } => path.metadata().map_or(0, |metadata| metadata.len()),
            Source::Stdin => 0,
        };
        self.sources.iter().map(size).sum()
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
        let mut report = FileReport { path: self.sources[index].shown().to_owned(), ..FileReport::default() };
        let mut context = Context {
            limits: self.limits,
            file: u32::try_from(index).unwrap_or(u32::MAX),
            written: Some(self.latest),
            latest: self.latest,
            layout: Arc::default(),
            ignore: Arc::clone(&self.ignore),
            years: Arc::default(),
            offset: 0,
        };
        let path = match &self.sources[index] {
            Source::Stdin => return self.stream(report, context, io::stdin(), true),
            Source::File { path, .. } => path,
        };
        let (file, metadata) = match self.sources[index].open() {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                let finding = sources::unreadable(Path::new(&report.path), &error);
                return self.refuse(report, finding);
            }
            None => return,
        };
        if metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return self.refuse(report, sources::unreadable(path, &error));
        }
        report.bytes = metadata.len();
        context.written = metadata.modified().ok().map(Stamp::from).or(context.written);
        if !metadata.is_file() {
            return self.stream(report, context, files::pipe(file), true);
        }
        let size = metadata.len();
        buffer.resize(usize::try_from(size).unwrap_or(usize::MAX).min(layout::SAMPLE), 0);
        match read_full_at(&file, buffer, 0) {
            Ok(len) => buffer.truncate(len),
            Err(error) => return self.refuse(report, sources::unreadable(path, &error)),
        }
        let head = &buffer[..buffer.len().min(decode::HEAD)];
        let (packing, encoding) = (decode::packing(head), decode::encoding(head));
        match (packing, encoding) {
            (Ok(Packing::Plain), Ok(Encoding::Utf8 { skip })) if Frame::detect(buffer).is_none() => {
                let hole = self.hole(&report, &file, head);
                let skip = skip as u64 + hole;
                if hole > 0 {
                    buffer.resize(layout::SAMPLE, 0);
                    let len = read_full_at(&file, buffer, skip).unwrap_or(0);
                    buffer.truncate(len);
                }
                context.layout = self.learn(buffer);
                if context.layout.is_yearless() {
                    let text = OffsetReader { file: &file, at: skip };
                    context.years = Arc::new(years_of(text, skip, context.written.unwrap_or(self.latest)));
                }
                self.divide(&Arc::new(Plain::new(file, index, context, skip, size)), buffer);
            }
            _ => {
                self.stream(report, context, file, size > SMALL);
                self.check_growth(path, size);
            }
        }
    }

    /// The length of the hole of zeros at the front of a file, which copying and truncating a log leaves there.
    fn hole(&self, report: &FileReport, file: &File, head: &[u8]) -> u64 {
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
                break;
            }
        }
        lock(&self.total).findings.push(faults::hole(&report.path, length));
        length
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
        if let Some(Ok(again)) = whole.learn_again().map(|layout| plain.again(layout)) {
            self.done.fetch_sub(plain.ranges() * PIECE as u64, Ordering::Relaxed);
            return self.divide(&Arc::new(again), buffer);
        }
        let shown = self.sources[plain.source].shown();
        let report = FileReport {
            path: shown.to_owned(),
            encoding: Packing::Plain.name().to_owned(),
            bytes: plain.len,
            text_bytes: plain.len - plain.skip.min(plain.len),
            ..FileReport::default()
        };
        self.finish(report, whole, fault);
        if let Source::File { path, .. } = &self.sources[plain.source] {
            self.check_growth(path, plain.len);
        }
    }

    /// Reads a packed file, another encoding than UTF-8, or what is no file at all.
    fn stream(&self, mut report: FileReport, mut context: Context, reader: impl Read + Send, threaded: bool) {
        let counted = Counted { inner: reader, count: &self.done };
        let (head, reader) = decode::peek(counted, decode::HEAD);
        let packing = match decode::packing(&head) {
            Ok(packing) => packing,
            Err(what) => {
                let finding = faults::packed(&report.path, what);
                return self.refuse(report, finding);
            }
        };
        packing.name().clone_into(&mut report.encoding);
        let text = match decode::unpack(reader, packing) {
            Ok(text) => text,
            Err(error) => return self.finish(report, Part::new(context), Some(error)),
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
                return self.refuse(report, finding);
            }
        }
        let (sample, mut text) = decode::peek(text, layout::SAMPLE);
        let mut sample = sample;
        let frame = Frame::detect(&sample);
        if let Some(frame) = frame {
            (sample, text) = decode::peek(decode::Framed::new(text, frame), layout::SAMPLE);
        }
        context.layout = self.learn(&sample);
        let source = self.sources.get(context.file as usize);
        if context.layout.is_yearless() {
            let again = source.filter(|_| frame.is_none()).and_then(unpacked_again);
            let written = context.written.unwrap_or(self.latest);
            context.years = Arc::new(match again {
                Some(text) => years_of(text, 0, written),
                // What can be read only once is judged by its start.
                None => years_of(&sample[..], 0, written),
            });
        }
        let threads = if threaded { self.threads.min(READERS) } else { 1 };
        let mut read = shared_stream::read(text, &context, threads);
        if let Some((layout, text)) = read.part.learn_again().zip(source.and_then(unpacked_again)) {
            context.layout = Arc::new(layout);
            let text = decode::framed(text, frame);
            read = shared_stream::read(text, &context, threads);
        }
        report.text_bytes = read.bytes;
        self.finish(report, read.part, read.fault);
    }

    /// A file that gave nothing.
    fn refuse(&self, report: FileReport, finding: Finding) {
        let mut total = lock(&self.total);
        total.findings.push(finding);
        total.reports.push(report);
    }

    /// Adds a file that was read, to its end or up to a fault.
    fn finish(&self, mut report: FileReport, mut part: Part, fault: Option<io::Error>) {
        part.close_ends();
        report.dialect = part.dialect().map_or_else(String::new, |dialect| dialect.name().to_owned());
        report.layout = part.context().layout.describe();
        report.lines = part.tally.lines;
        report.records = part.tally.records;
        report.ignored_lines = part.tally.ignored;
        report.continued_lines = part.tally.continued;
        report.started_at = part.tally.first;
        report.ended_at = part.tally.last;
        report.complete = fault.is_none();
        report.first_ignored = std::mem::take(&mut part.samples);
        let mut findings = faults::of(&report, &part);
        findings.extend(fault.map(|error| faults::broken(&report, &error)));
        part.tally.longest_pause = part.odd.longest_pause;
        let mut total = lock(&self.total);
        total.tally.merge(part.tally);
        total.findings.extend(findings);
        total.reports.push(report);
    }

    fn check_growth(&self, path: &Path, before: u64) {
        let now = path.metadata().map_or(before, |metadata| metadata.len());
        if now != before {
            let finding = faults::changed(&path.display().to_string(), before, now);
            lock(&self.total).findings.push(finding);
        }
    }
}

/// The text of a packed file, from its start.
fn unpacked_again(source: &Source) -> Option<Box<dyn Read + Send>> {
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
fn years_of(text: impl Read, mut offset: u64, written: Stamp) -> Years {
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
struct Counted<'c, R> {
    inner: R,
    count: &'c AtomicU64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.count.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
