//! Drives the pure machine of a live run: threads turn what happens into events, and this loop carries out what the
//! machine asks for.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::alive;
use super::child::{self, Launch};
use super::clocks::Clocks;
use super::orphans::Orphans;
use super::run_error::{RunError, start_remedy};
use super::sampler::{Sampler, disk_space};
use super::signals::{self, Heard};
use super::watchdog::Watchdog;
use crate::io::capture::{Mailbox, PumpPlan, Sink, SinkPlan, pump};
use crate::io::files::{self, FileError, Folder, Syncer};
use crate::io::packet::seal;
use crate::io::progress_file::ProgressFile;
use crate::io::read::parallel::lock;
use crate::level::Level;
use crate::sanitize::shorten;
use crate::supervise::capture::Formatter;
use crate::supervise::event::{Action, CaptureFault, Event, Exit, Now, Process, StopSignal, Trouble};
use crate::supervise::listener::Listener;
use crate::supervise::machine::Machine;
use crate::supervise::plan::Plan;
use crate::supervise::record::{FILE_NAME, RunRecord, State};
use crate::supervise::redact::Redactor;
use crate::time::Stamp;

/// What is needed to supervise a run, beside its plan.
pub(crate) struct Setup {
    /// The run directory.
    pub folder: Folder,
    /// The command.
    pub launch: Launch,
    /// The logs.
    pub sink: SinkPlan,
    /// The evidence files by their names in the plan.
    pub evidence: Vec<(&'static str, PathBuf)>,
    /// Whether the timeline is kept.
    pub timeline: bool,
    /// The level of a line on standard error that states none.
    pub stderr_level: Level,
    /// Keeps secrets out of the evidence.
    pub redactor: Redactor,
    /// The record of the run, complete but for what only the run can tell.
    pub record: RunRecord,
}

/// A run that is over, with its record on disk.
pub(crate) struct Supervised {
    /// Why the record is not on disk after all, where it could not be written.
    pub unsaved: Option<FileError>,
    /// The record.
    pub record: RunRecord,
    /// The machine in its last state, for the final snapshot.
    pub machine: Machine,
    /// The progress file, for the final snapshot.
    pub progress: ProgressFile,
    /// The last instant of the run.
    pub ended: Now,
    /// The layout that was learnt of each stream, in words.
    pub layouts: BTreeMap<String, String>,
}

/// What the threads tell the loop.
#[derive(Clone, Copy, Debug)]
enum Message {
    /// Lines that need a look are in the mailbox.
    Look,
    /// The command ended.
    Exited(Exit),
    /// A signal for emp-ops itself.
    Signal(Heard),
}

/// Between looks at what the command left behind.
const LOOK: Duration = Duration::from_millis(10);
/// How long the pumps may take to empty the pipes when nobody holds them any more.
const DRAIN: Duration = Duration::from_secs(5);
/// Between collections of orphans that have ended.
const COLLECT: Duration = Duration::from_secs(10);

/// Supervises a run to its end.
///
/// # Errors
/// The command cannot be started, or the first files of the run directory cannot be written. After that nothing
/// stops a run but its plan and signals: what goes wrong becomes an incident.
pub(crate) fn supervise(plan: Plan, setup: Setup, listener: &mut dyn Listener) -> Result<Supervised, RunError> {
    child::become_subreaper()?;
    let (sender, receiver) = mpsc::sync_channel(1024);
    signals::listen(&sender, Message::Signal)?;
    let watchdog = Watchdog::start()?;
    let Setup { folder, mut launch, sink, evidence, timeline, stderr_level, redactor, record } = setup;
    launch.environment.push(watchdog.variable());
    let syncer = Arc::new(Syncer::start(folder.clone())?);
    let sink =
        Sink::open(sink, &syncer).map_err(|source| FileError::new("create", folder.path().join("logs"), source))?;
    let clocks = Clocks::start();
    let progress = ProgressFile::new(folder.clone(), Arc::clone(&syncer), timeline);
    let mut driver = Driver {
        machine: Machine::new(plan, record.started_at),
        folder,
        syncer,
        launch,
        evidence,
        stderr_level,
        redactor: Arc::new(redactor),
        interrupted: Arc::default(),
        record,
        clocks,
        sink: Arc::new(Mutex::new(sink)),
        mailbox: Arc::new(Mailbox::default()),
        sender,
        pumps: Vec::new(),
        layouts: BTreeMap::new(),
        child_pid: None,
        leaving: None,
        sampler: Sampler::new(vec![watchdog.pid()]),
        watchdog,
        progress,
        progress_failed: false,
        collected: Instant::now(),
        started_once: false,
        finished: false,
    };
    driver.save_record(State::Running)?;
    driver.run(&receiver, listener)?;
    driver.seal()
}

struct Driver {
    machine: Machine,
    folder: Folder,
    syncer: Arc<Syncer>,
    launch: Launch,
    evidence: Vec<(&'static str, PathBuf)>,
    stderr_level: Level,
    redactor: Arc<Redactor>,
    /// Whether the command that runs was asked to stop.
    interrupted: Arc<AtomicBool>,
    record: RunRecord,
    clocks: Clocks,
    sink: Arc<Mutex<Sink>>,
    mailbox: Arc<Mailbox>,
    sender: SyncSender<Message>,
    pumps: Vec<JoinHandle<std::io::Result<String>>>,
    layouts: BTreeMap<String, String>,
    child_pid: Option<u32>,
    leaving: Option<Leaving>,
    sampler: Sampler,
    watchdog: Watchdog,
    progress: ProgressFile,
    progress_failed: bool,
    collected: Instant,
    started_once: bool,
    finished: bool,
}

/// A command that has ended, while its group, its orphans and its last output are still there.
struct Leaving {
    exit: Exit,
    /// None while the group of a command that is being stopped has its grace period.
    orphans: Option<Orphans>,
    /// Since when nothing is left that could hold the pipes.
    alone: Option<Instant>,
}

impl Driver {
    fn run(&mut self, receiver: &Receiver<Message>, listener: &mut dyn Listener) -> Result<(), RunError> {
        self.feed(Event::Start)?;
        while !self.finished {
            let now = self.clocks.now();
            let wait = self.machine.deadline(now).saturating_sub(now.mono);
            let wait = if self.leaving.is_some() { wait.min(LOOK) } else { wait };
            let message = receiver.recv_timeout(wait);
            // Lines first: a tick must not take for silence what is already here.
            self.collect_lines()?;
            match message {
                Ok(Message::Exited(exit)) => {
                    self.leaving = Some(Leaving { exit, orphans: None, alone: None });
                }
                Ok(Message::Signal(Heard::Stop(signal))) => {
                    listener.asked_to_stop(&self.machine, signal, self.clocks.now());
                    self.feed(Event::Stop { signal })?;
                }
                Ok(Message::Signal(Heard::Stray(number))) => {
                    self.feed(Event::Stray { signal: signals::name(number) })?;
                }
                Ok(Message::Look) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    self.feed(Event::Tick)?;
                }
            }
            self.collect_end()?;
            listener.look(&self.machine, self.clocks.now());
            if self.collected.elapsed() > COLLECT {
                self.collected = Instant::now();
                self.watchdog.tell(self.child_pid);
                let spared: Vec<u32> = self.child_pid.into_iter().chain([self.watchdog.pid()]).collect();
                child::collect_orphans(&spared);
            }
        }
        listener.over(&self.machine);
        self.abandon();
        Ok(())
    }

    /// Ends what a command that could not be stopped in time still has.
    fn abandon(&mut self) {
        if self.child_pid.is_some() {
            let mut orphans = Orphans::new(vec![self.watchdog.pid()]);
            while !orphans.look() {
                thread::sleep(LOOK);
            }
        }
    }

    fn collect_lines(&mut self) -> Result<(), RunError> {
        let batch = self.mailbox.take();
        if batch.bytes > 0 || batch.total() > 0 {
            self.feed(Event::Output(batch))?;
        }
        // While a pump writes, a slow disk must not hold up what has come already: the next look tends to the logs.
        let faults = self.sink.try_lock().map_or(Vec::new(), |mut sink| sink.tend());
        for fault in faults {
            self.feed(Event::Capture(fault))?;
        }
        self.tell_unsynced()
    }

    /// Tells what could not be made durable.
    fn tell_unsynced(&mut self) -> Result<(), RunError> {
        for FileError { path, source, .. } in self.syncer.failures() {
            let path = self.folder.relative(&path).unwrap_or(&path).display().to_string();
            let trouble = Trouble::Failed(format!("cannot write {path} to the disk: {source}"));
            let lost_lines = self.machine.capture().lost_lines;
            self.feed(Event::Capture(CaptureFault { path, trouble, lost: 0, lost_lines }))?;
        }
        Ok(())
    }

    fn feed(&mut self, event: Event) -> Result<(), RunError> {
        let now = self.clocks.now();
        for action in self.machine.step(now, event) {
            self.act(action)?;
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<(), RunError> {
        match action {
            Action::Spawn => self.spawn()?,
            Action::Signal(signal) => {
                self.interrupted.fetch_or(signal == StopSignal::Interrupt, Ordering::Relaxed);
                if let Some(pid) = self.child_pid {
                    child::signal_group(pid, signal);
                }
            }
            Action::Sample => {
                let measure = self.sampler.sample();
                self.feed(Event::Sampled(measure))?;
            }
            Action::CheckEvidence => {
                for (name, path) in self.evidence.clone() {
                    // A link would not be followed when the evidence is judged.
                    let found = std::fs::symlink_metadata(path).ok().filter(|m| m.is_file() && m.len() > 0);
                    let modified = found.and_then(|m| m.modified().ok()).map(Stamp::from);
                    self.feed(Event::EvidenceSeen { name, modified })?;
                }
            }
            Action::CheckDisk => {
                if let Ok((available, total)) = disk_space(self.folder.path()) {
                    self.feed(Event::DiskSeen { available, total })?;
                }
            }
            Action::Snapshot { timeline } => self.snapshot(timeline)?,
            Action::Finish => self.finished = true,
        }
        Ok(())
    }

    fn spawn(&mut self) -> Result<(), RunError> {
        let started = match child::start(&self.launch, self.watchdog.cgroup()) {
            Ok(started) => started,
            Err(source) if !self.started_once => {
                return Err(RunError::Spawn { command: self.launch.command[0].clone(), source });
            }
            Err(error) => {
                let error = format!("{error}{}", start_remedy(&error));
                return self.feed(Event::SpawnFailed { error });
            }
        };
        self.started_once = true;
        self.child_pid = Some(started.pid);
        self.watchdog.tell(self.child_pid);
        self.interrupted = Arc::default();
        self.pumps = vec![
            self.start_pump("stdout", Level::Info, started.stdout)?,
            self.start_pump("stderr", self.stderr_level, started.stderr)?,
        ];
        self.start_waiter(started.child)?;
        self.feed(Event::Spawned { pid: started.pid })?;
        self.save_attempts();
        Ok(())
    }

    fn start_pump(
        &self,
        stream: &'static str,
        level: Level,
        source: impl std::io::Read + AsFd + Send + 'static,
    ) -> Result<JoinHandle<std::io::Result<String>>, RunError> {
        let plan = PumpPlan {
            formatter: Formatter::new(stream, level, Arc::clone(&self.redactor)),
            sink: Arc::clone(&self.sink),
            mailbox: Arc::clone(&self.mailbox),
            wake: self.sender.clone(),
            started: self.clocks.mono,
            interrupted: Arc::clone(&self.interrupted),
        };
        let body = move || pump(source, plan, &Message::Look);
        Ok(thread::Builder::new().name(stream.to_owned()).spawn(body)?)
    }

    fn start_waiter(&self, mut child: Child) -> Result<(), RunError> {
        let sender = self.sender.clone();
        let body = move || {
            let exit = child.wait().map(child::exit_of).unwrap_or_default();
            // The loop is gone only when the run is over.
            let _ = sender.send(Message::Exited(exit));
        };
        thread::Builder::new().name("waiter".to_owned()).spawn(body)?;
        Ok(())
    }

    /// Where the command has ended: ends what it left behind, empties the pipes, then tells the machine. Looks once.
    fn collect_end(&mut self) -> Result<(), RunError> {
        let Some(leaving) = &mut self.leaving else { return Ok(()) };
        let exit = leaving.exit;
        let Some(orphans) = &mut leaving.orphans else {
            // The machine goes on with its signals to those that are still in the group.
            if !(self.machine.is_stopping() && self.child_pid.is_some_and(child::group_lives)) {
                leaving.orphans = Some(Orphans::new(vec![self.watchdog.pid()]));
                self.feed(Event::Gone(exit))?;
            }
            return Ok(());
        };
        if orphans.look() {
            leaving.alone.get_or_insert_with(Instant::now);
        } else {
            leaving.alone = None;
        }
        let drained = self.pumps.iter().all(JoinHandle::is_finished);
        if leaving.alone.is_none_or(|alone| !drained && alone.elapsed() < DRAIN) {
            return Ok(());
        }
        let leaked = self.leaving.take().and_then(|leaving| leaving.orphans).map_or(Vec::new(), Orphans::leaked);
        let mut read = true;
        for pump in std::mem::take(&mut self.pumps) {
            let stream = pump.thread().name().unwrap_or_default().to_owned();
            match pump.is_finished().then(|| pump.join()) {
                Some(Ok(Ok(layout))) if layout.is_empty() => {}
                Some(Ok(Ok(layout))) => drop(self.layouts.insert(stream, layout)),
                _ => read = false,
            }
        }
        if !read {
            self.feed(Event::Capture(CaptureFault {
                path: "the output of the command".to_owned(),
                trouble: Trouble::Failed("the output of the command could not be read to its end".to_owned()),
                lost: 0,
                lost_lines: self.machine.capture().lost_lines,
            }))?;
        }
        self.collect_lines()?;
        if !leaked.is_empty() {
            self.feed(Event::Leaked(leaked.into_iter().map(|process| self.without_secrets(process)).collect()))?;
        }
        self.child_pid = None;
        self.watchdog.tell(None);
        self.feed(Event::Exited(exit))?;
        self.save_attempts();
        Ok(())
    }

    /// A process whose command line may be shown.
    fn without_secrets(&self, process: Process) -> Process {
        let name = shorten(&self.redactor.text(process.name.into()), 120);
        Process { name, ..process }
    }

    fn snapshot(&mut self, timeline: bool) -> Result<(), RunError> {
        let mut write = |timeline| {
            let now = self.clocks.now();
            let mut snapshot = self.machine.snapshot_now(now, self.progress.chain().clone(), alive::own());
            if snapshot.sequence == 0 {
                // What the run is judged by was known before anything ran.
                snapshot.criteria.clone_from(&self.record.criteria);
            }
            self.progress.write(snapshot, timeline).map(|at| self.machine.shown(at))
        };
        let result = write(timeline);
        if timeline && result.is_err() {
            // Whoever watches must see that the run goes on, and what is wrong with it.
            let _ = write(false);
        }
        if result.is_err() == self.progress_failed {
            return Ok(());
        }
        self.progress_failed = result.is_err();
        self.feed(Event::Capture(CaptureFault {
            path: "progress.json".to_owned(),
            trouble: match result {
                Err(error) => Trouble::Failed(format!("cannot write the progress file: {}", error.source)),
                Ok(()) => Trouble::Over,
            },
            lost: 0,
            lost_lines: self.machine.capture().lost_lines,
        }))
    }

    /// Notes the attempts so far, so that a killed supervisor leaves them behind. Best effort: the logs matter more.
    fn save_attempts(&mut self) {
        self.record.attempts = self.machine.attempts().all().to_vec();
        let text = files::json_text(&self.record);
        let _ = self.syncer.replace(Path::new(FILE_NAME), text.as_bytes());
    }

    fn save_record(&mut self, state: State) -> Result<(), FileError> {
        self.record.state = state;
        let text = files::json_text(&self.record);
        self.folder.replace(FILE_NAME, text.as_bytes())
    }

    fn seal(mut self) -> Result<Supervised, RunError> {
        let faults = lock(&self.sink).close();
        for fault in faults {
            self.feed(Event::Capture(fault))?;
        }
        self.progress.settle();
        self.tell_unsynced()?;
        let now = self.clocks.now();
        let (reason, ended) = self.machine.ended().map_or((None, now), |(why, at)| (Some(why), at));
        let logs = lock(&self.sink).parts();
        seal::seal(&self.folder, &mut self.record, logs);
        let machine = &self.machine;
        let record = &mut self.record;
        record.ended_at = Some(ended.wall);
        record.duration_seconds = Some(ended.mono.as_secs_f64());
        record.drain_seconds = self.machine.drain().map(|drain| drain.as_secs_f64());
        record.ended_because = reason;
        record.held_up = machine.held_up().to_vec();
        record.paused = machine.paused().to_vec();
        record.attempts = machine.attempts().all().to_vec();
        record.incidents = machine.incidents().all().to_vec();
        record.incident_counts = machine.incident_counts();
        record.capture = machine.capture().clone();
        record.evidence_age = machine.evidence_age();
        record.evidence_stalls = machine.evidence_stalls();
        let monitor = std::mem::take(&mut record.resource_monitor);
        record.resource_monitor = machine.resources().record();
        record.resource_monitor.enabled = monitor.enabled;
        record.resource_monitor.interval_seconds = monitor.interval_seconds;
        record.resource_monitor.violation_severity = monitor.violation_severity;
        record.resource_monitor.thresholds = monitor.thresholds;
        record.progress = self.progress.chain().clone();
        let unsaved = self.save_record(State::Sealing).err();
        Ok(Supervised {
            unsaved,
            record: self.record,
            machine: self.machine,
            progress: self.progress,
            ended,
            layouts: self.layouts,
        })
    }
}
