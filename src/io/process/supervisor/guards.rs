//! What guards on figures ask for, carried out: each look on a thread of its own, so that nothing holds supervision up.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::{Checker, Driver, Member, Message, RunError, Sampler};
use crate::guards::document::FILE_NAME;
use crate::guards::fields::{Lines, Reader};
use crate::guards::prometheus;
use crate::guards::source::{self, OfProcess, Reading, Source};
use crate::io::files;
use crate::io::read::parallel::lock;
use crate::json::lenient;
use crate::sanitize;
use crate::supervise::event::{CaptureFault, Event, Trouble};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where the figures of a guard come from.
#[derive(Clone, Debug)]
pub(crate) struct GuardSource {
    pub source: Source,
    /// Whether they cannot be negative.
    pub positive: bool,
    /// Whether a percentile is made of them.
    pub ranked: bool,
    /// The number of its workload where it is one of several.
    pub workload: Option<usize>,
}

/// Where the figures of guards come from, in the order of the plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct GuardSources {
    pub list: Vec<GuardSource>,
    /// The performance reports, by the number of the workload.
    pub reports: Vec<Option<PathBuf>>,
}

impl GuardSources {
    /// Those that lines of the log tell.
    pub(super) fn lines(&self) -> Lines {
        let mut lines = Lines::default();
        for (guard, GuardSource { source, positive, ranked, workload }) in self.list.iter().enumerate() {
            if let Some(reader) = Reader::of(source, *positive, *ranked) {
                lines.add(guard, *workload, reader);
            }
        }
        lines
    }
}

/// What looks at the sources of guards.
pub(super) struct Looker {
    sources: GuardSources,
    /// What measures processes, for each guard that looks at the CPU: it covers the time since it looked last.
    samplers: Vec<Option<Sampler>>,
    /// When the report that each guard read was written.
    read: Vec<Arc<Mutex<Option<SystemTime>>>>,
    failed: bool,
}

impl Looker {
    pub(super) fn new(sources: GuardSources) -> Self {
        let of_cpu = |source: &Source| *source == Source::Process(OfProcess::Cpu);
        Self {
            samplers: sources.list.iter().map(|of| of_cpu(&of.source).then(Sampler::new)).collect(),
            read: sources.list.iter().map(|_| Arc::default()).collect(),
            sources,
            failed: false,
        }
    }
}

impl Driver {
    /// Looks at the source of a guard.
    pub(super) fn look(&mut self, guard: usize) -> Result<(), RunError> {
        let Some(GuardSource { source, workload: of, .. }) = self.looker.sources.list.get(guard).cloned() else {
            return Ok(());
        };
        let reading = match source {
            Source::Process(what) => self.look_at_processes(guard, what, of),
            Source::Log { .. } | Source::Count { .. } => return Ok(()),
            source => {
                let unit = of.unwrap_or_default();
                let checker = self.units[unit].checker.clone();
                let reports = &self.looker.sources.reports;
                let report = match of {
                    Some(number) => reports.get(number).cloned().flatten(),
                    None => reports.iter().flatten().next().cloned(),
                };
                let read = Arc::clone(&self.looker.read[guard]);
                let sender = self.sender.clone();
                let asked = self.aside.run("guard", move || {
                    let reading = read_source(&checker, &source, report, &read);
                    let reading = reading.map_err(|why| sanitize::shorten(&checker.redactor.text(why.into()), 200));
                    let _ = sender.send(Message::Guard(guard, reading));
                });
                match asked {
                    Ok(()) => return Ok(()),
                    Err(error) => Err(format!("cannot look: {error}")),
                }
            }
        };
        self.feed(Event::Guard { guard, reading })
    }

    fn look_at_processes(&mut self, guard: usize, what: OfProcess, of: Option<usize>) -> Result<Reading, String> {
        let members = self.table.look();
        let own =
            |member: &&Member| member.is_alive() && member.owner.is_some_and(|owner| of.is_none_or(|of| of == owner));
        let own: Vec<&Member> = members.iter().filter(own).collect();
        if own.is_empty() {
            return Err("no process runs".to_owned());
        }
        let value = match what {
            OfProcess::Rss => own.iter().map(|member| member.stat.rss * procfs::page_size()).sum::<u64>() as f64,
            OfProcess::Fds => {
                own.iter()
                    .map(|member| open_files(member))
                    .sum::<Option<u64>>()
                    .ok_or("its open files cannot be counted: they belong to another user")? as f64
            }
            OfProcess::Cpu => {
                let sampler = self.looker.samplers[guard].get_or_insert_with(Sampler::new);
                let measured = sampler.sample(&members);
                measured.iter().filter(|(owner, _)| of.is_none_or(|of| of == *owner)).map(|(_, m)| m.cpu_percent).sum()
            }
        };
        Ok(Reading::Value(value, 1))
    }

    /// Keeps what looks gave, before anything is concluded from them.
    pub(super) fn keep_looks(&mut self) -> Result<(), RunError> {
        let looks = self.machine.take_looks();
        if looks.is_empty() {
            return Ok(());
        }
        let lost = self.machine.capture().lost_lines;
        match self.keep.looks(&looks, lost) {
            Some(fault) => self.feed(Event::Capture { workload: None, fault }),
            None => Ok(()),
        }
    }

    /// Keeps what is known of the guards.
    pub(super) fn keep_guards(&mut self) -> Result<(), RunError> {
        let now = self.clocks.now();
        let written = self.keep.guards(&self.machine, now);
        if written.is_err() == self.looker.failed {
            return Ok(());
        }
        self.looker.failed = written.is_err();
        let trouble = match written {
            Err(error) => Trouble::Failed(format!("cannot write {FILE_NAME}: {}", error.source)),
            Ok(()) => Trouble::Over,
        };
        let lost_lines = self.machine.capture().lost_lines;
        let fault = CaptureFault { path: FILE_NAME.to_owned(), trouble, lost: 0, lost_lines };
        self.feed(Event::Capture { workload: None, fault })
    }
}

/// How many files a process holds open; nothing of one that has ended meanwhile.
fn open_files(member: &Member) -> Option<u64> {
    match std::fs::read_dir(format!("/proc/{}/fd", member.pid())) {
        Ok(files) => Some(files.count() as u64),
        Err(error) => (error.kind() == std::io::ErrorKind::NotFound).then_some(0),
    }
}

fn read_source(
    checker: &Checker,
    source: &Source,
    report: Option<PathBuf>,
    read: &Mutex<Option<SystemTime>>,
) -> Result<Reading, String> {
    match source {
        Source::Performance { pointer } => {
            let path = report.ok_or("there is no performance report")?;
            let written = std::fs::metadata(&path).and_then(|about| about.modified()).map_err(|error| {
                let missing = error.kind() == std::io::ErrorKind::NotFound;
                if missing { "the performance report is not there".to_owned() } else { error.to_string() }
            })?;
            if *lock(read) == Some(written) {
                return Ok(Reading::Same);
            }
            let bytes = files::read_within(&path, files::FIGURES_LIMIT).map_err(|error| error.source.to_string())?;
            let report = lenient::parse(&lenient::text(&bytes))
                .map_err(|error| format!("the performance report is no JSON: {error}"))?;
            let reading = source::in_report(&report, pointer)?;
            *lock(read) = Some(written);
            Ok(reading)
        }
        Source::Prometheus { url, selector } => {
            let text = checker.fetch(url, TIMEOUT)?;
            prometheus::read(&text, selector)
        }
        Source::Exec { command } => source::printed(&checker.output(command, TIMEOUT)?),
        Source::Log { .. } | Source::Count { .. } | Source::Process(_) => Err("it is read elsewhere".to_owned()),
    }
}
