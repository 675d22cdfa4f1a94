//! Drives the pure machine of a live run: threads turn what happens into events, and this loop carries out what the
//! machine asks for.

mod aside;
mod drills;
mod ends;
mod guards;
mod keep;
mod notices;
mod unit;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use super::checks::Checker;
use super::child::{self, Launch};
use super::clocks::Clocks;
use super::orphans::Orphans;
use super::run_error::{RunError, start_remedy};
use super::sampler::{Sampler, disk_space};
use super::signals::{self, Heard};
use super::table::{Helpers, Member, Table};
use super::watchdog::Watchdog;
use crate::drills::machine::Told;
use crate::guards::source::Reading;
use crate::io::capture::SinkPlan;
use crate::io::files::{FileError, Folder, Syncer};
use crate::io::progress_file::ProgressFile;
use crate::level::Level;
use crate::sanitize::shorten;
use crate::stage::notify::live::Delivery;
use crate::stage::notify::policy::Policy;
use crate::supervise::event::{Action, Event, Exit, Happened, Now, Stage, StopSignal};
use crate::supervise::listener::Listener;
use crate::supervise::machine::Machine;
use crate::supervise::plan::Plan;
use crate::supervise::record::{RunRecord, State};
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::check::{Act, Check};
use crate::supervise::workloads::drill::DrillActs;
use crate::supervise::workloads::probe::Answer;
use crate::time::Stamp;
use unit::Unit;

pub(crate) use guards::{GuardSource, GuardSources};

/// What is needed to supervise a run, beside its plan.
pub(crate) struct Setup {
    /// The run directory.
    pub folder: Folder,
    /// What is started, in the order of the plan.
    pub units: Vec<UnitSetup>,
    /// What drills do and look at, in the order of the plan.
    pub drills: Vec<DrillActs>,
    /// Where the figures of guards come from, in the order of the plan.
    pub guards: GuardSources,
    /// The evidence files by their names in the plan.
    pub evidence: Vec<(String, PathBuf)>,
    /// Whether the timeline is kept.
    pub timeline: bool,
    /// Keeps secrets out of the evidence.
    pub redactor: Redactor,
    /// The record of the run, complete but for what only the run can tell.
    pub record: RunRecord,
}

/// What is needed to supervise one workload.
pub(crate) struct UnitSetup {
    /// The command.
    pub launch: Launch,
    /// Its logs.
    pub sink: SinkPlan,
    /// The level of a line on standard error that states none.
    pub stderr_level: Level,
    /// Its name in the records of its log, where there are several workloads.
    pub source: Option<String>,
    /// How it is asked whether it is ready, and how long an answer may take.
    pub ready: Option<(Check, Duration)>,
    /// What is done before and after its stop.
    pub actions: [Vec<Act>; 2],
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
    /// The layout that was learnt of each stream, in words; by the workload where there are several.
    pub layouts: BTreeMap<String, String>,
}

/// What the threads tell the loop.
#[derive(Clone, Debug)]
enum Message {
    /// Lines that need a look are in a mailbox.
    Look,
    /// A workload ended.
    Exited(usize, Exit),
    /// Something else happened to one.
    Of(usize, Happened),
    /// Something of a drill is done or known.
    Drill(Told),
    /// The source of the guard of this number was looked at.
    Guard(usize, Result<Reading, String>),
    /// The channel of this number is done with its notification.
    Sent(usize, Delivery),
    /// A signal for emp-ops itself.
    Signal(Heard),
}

/// Between looks at what a workload left behind.
const LOOK: Duration = Duration::from_millis(10);
/// Between looks at what the logs have to say.
const TEND: Duration = Duration::from_millis(20);
/// Between snapshots that are owed at once.
const SNAPSHOTS: Duration = Duration::from_millis(50);
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
    let helpers = Helpers::default();
    let watchdog = Watchdog::start()?;
    helpers.add(watchdog.pid());
    let Setup { folder, units, drills, guards, evidence, timeline, redactor, record } = setup;
    let redactor = Arc::new(redactor);
    let names = plan.workloads.iter().map(|workload| workload.name.clone()).collect();
    let single = plan.single;
    let syncer = Arc::new(Syncer::start(folder.clone())?);
    let carrier = drills::Carrier::new(drills, guards.lines());
    let looker = guards::Looker::new(guards);
    let policy = plan.notify.as_ref().map(|(policy, _)| Arc::clone(policy));
    let room = Arc::default();
    let open = |mut unit: UnitSetup| {
        unit.launch.environment.push(watchdog.variable());
        Unit::open(unit, &helpers, &redactor, (&syncer, &room, &carrier.watched))
            .map_err(|source| FileError::new("create", folder.path().join("logs"), source))
    };
    let units = units.into_iter().map(open).collect::<Result<Vec<Unit>, FileError>>()?;
    let clocks = Clocks::start();
    let progress = ProgressFile::new(folder.clone(), Arc::clone(&syncer), timeline);
    let mut driver = Driver {
        machine: Machine::new(plan, record.started_at),
        keep: keep::Keep::new((folder, syncer), record, progress)?,
        units,
        carrier,
        looker,
        policy,
        acks: notices::Acks::new(),
        evidence,
        redactor,
        clocks,
        sender,
        table: Table::new(names, helpers.clone()),
        helpers,
        sampler: Sampler::new(),
        watchdog,
        collected: Instant::now(),
        single,
        started_once: false,
        finished: false,
        layouts: BTreeMap::new(),
        todo: VecDeque::new(),
        acting: false,
        aside: aside::Aside::default(),
        tended: Instant::now(),
        snapped: Instant::now(),
        unsaved: false,
    };
    driver.keep.save(&driver.machine, State::Running)?;
    driver.run(&receiver, listener)?;
    driver.seal()
}

struct Driver {
    machine: Machine,
    keep: keep::Keep,
    units: Vec<Unit>,
    carrier: drills::Carrier,
    looker: guards::Looker,
    /// Who hears of what.
    policy: Option<Arc<Policy>>,
    acks: notices::Acks,
    evidence: Vec<(String, PathBuf)>,
    redactor: Arc<Redactor>,
    clocks: Clocks,
    sender: SyncSender<Message>,
    table: Table,
    helpers: Helpers,
    sampler: Sampler,
    watchdog: Watchdog,
    collected: Instant,
    /// Whether there is only one command.
    single: bool,
    started_once: bool,
    finished: bool,
    layouts: BTreeMap<String, String>,
    /// What the machine asked for and is not done yet, and whether something of it is being done.
    todo: VecDeque<Action>,
    acting: bool,
    /// For what takes its time.
    aside: aside::Aside,
    /// When the logs were tended last.
    tended: Instant,
    /// When the last snapshot was made, and whether attempts are not in the record yet.
    snapped: Instant,
    unsaved: bool,
}

impl Driver {
    fn run(&mut self, receiver: &Receiver<Message>, listener: &mut dyn Listener) -> Result<(), RunError> {
        self.feed(Event::Start)?;
        while !self.finished {
            if std::mem::take(&mut self.unsaved) {
                self.keep.save_attempts(&self.machine);
            }
            let now = self.clocks.now();
            let wait = self.machine.deadline(now).saturating_sub(now.mono);
            let leaving = self.units.iter().any(|unit| unit.leaving.is_some());
            let wait = if leaving { wait.min(LOOK) } else { wait };
            let message = receiver.recv_timeout(wait);
            // Lines first: a tick must not take for silence what is already here.
            self.collect_lines()?;
            match message {
                Ok(Message::Exited(number, exit)) => self.units[number].left(exit),
                Ok(Message::Sent(channel, delivery)) => self.feed(Event::Sent { channel, delivery })?,
                Ok(Message::Drill(told)) => self.feed(Event::Drill(told))?,
                Ok(Message::Guard(guard, reading)) => self.feed(Event::Guard { guard, reading })?,
                Ok(Message::Of(number, happened)) => self.feed(Event::Of(number, happened))?,
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
            self.collect_ends()?;
            self.listen();
            self.look_for_acks()?;
            listener.look(&self.machine, self.clocks.now());
            if self.collected.elapsed() > COLLECT {
                self.collected = Instant::now();
                self.tell_watchdog();
                let members = self.table.look();
                self.table.collect(&members);
            }
        }
        listener.over(&self.machine);
        self.flush_notices(receiver)
    }

    /// Names to the watchdog what runs.
    fn tell_watchdog(&mut self) {
        let before = self.watchdog.pid();
        self.watchdog.tell(&self.table.groups());
        if self.watchdog.pid() != before {
            self.helpers.remove(before);
            self.helpers.add(self.watchdog.pid());
        }
    }

    fn collect_lines(&mut self) -> Result<(), RunError> {
        for number in 0..self.units.len() {
            if let Some(batch) = self.units[number].mailbox.take().filter(|batch| batch.bytes > 0 || batch.total() > 0)
            {
                self.feed(Event::Of(number, Happened::Output(Box::new(batch))))?;
            }
        }
        if self.tended.elapsed() >= TEND {
            self.tended = Instant::now();
            for number in 0..self.units.len() {
                for fault in self.units[number].tend() {
                    self.feed(Event::Capture { workload: Some(number), fault })?;
                }
            }
        }
        self.tell_unsynced()
    }

    /// Tells what could not be made durable.
    fn tell_unsynced(&mut self) -> Result<(), RunError> {
        for fault in self.keep.unsynced(&self.machine) {
            self.feed(Event::Capture { workload: None, fault })?;
        }
        Ok(())
    }

    /// Tells the machine, and does what it asks for, in the order in which it asked: what an action brings to pass comes
    /// after the actions that were asked for before.
    fn feed(&mut self, event: Event) -> Result<(), RunError> {
        let now = self.clocks.now();
        self.todo.extend(self.machine.step(now, event));
        self.tell_owed();
        self.keep_looks()?;
        if self.acting {
            return Ok(());
        }
        self.acting = true;
        while let Some(action) = self.todo.pop_front() {
            self.act(action)?;
        }
        self.acting = false;
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<(), RunError> {
        match action {
            Action::Spawn(number) => self.spawn(number)?,
            Action::Signal(number, signal) => self.signal(number, signal)?,
            Action::Probe { workload, attempt, before } => self.probe(workload, attempt, before)?,
            Action::Act(number, stage) => self.do_acts(number, stage)?,
            Action::Changed(change) => self.keep.changed(&change),
            Action::Sample => {
                let members = self.table.look();
                let measured = self.sampler.sample(&members);
                self.feed(Event::Sampled(measured))?;
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
                if let Ok((available, total)) = disk_space(self.keep.folder.path()) {
                    self.feed(Event::DiskSeen { available, total })?;
                }
            }
            Action::Snapshot { timeline } => {
                // Of many starts at once each asks for one: the next shows what this one would.
                let next = self.todo.iter_mut().find_map(|action| match action {
                    Action::Snapshot { timeline } => Some(timeline),
                    _ => None,
                });
                if let Some(next) = next
                    && self.snapped.elapsed() < SNAPSHOTS
                {
                    *next |= timeline;
                    return Ok(());
                }
                self.snapped = Instant::now();
                let now = self.clocks.now();
                if let Some(fault) = self.keep.snapshot(&mut self.machine, now, timeline) {
                    self.feed(Event::Capture { workload: None, fault })?;
                }
            }
            Action::Drill(order) => self.carry(order)?,
            Action::Look(guard) => self.look(guard)?,
            Action::KeepGuards => self.keep_guards()?,
            Action::Notify(order) => self.notify(order)?,
            Action::Finish => self.finished = true,
        }
        Ok(())
    }

    fn spawn(&mut self, number: usize) -> Result<(), RunError> {
        let started = match child::start(&self.units[number].launch, self.watchdog.cgroup()) {
            Ok(started) => started,
            Err(source) if self.single && !self.started_once => {
                return Err(RunError::Spawn { command: self.units[number].launch.command[0].clone(), source });
            }
            Err(error) => {
                let error = format!("{error}{}", start_remedy(&error));
                return self.feed(Event::Of(number, Happened::SpawnFailed { error }));
            }
        };
        self.started_once = true;
        let pid = started.pid;
        self.table.started(number, pid);
        self.tell_watchdog();
        self.units[number].started(started, (number, self.clocks.mono), &self.sender)?;
        self.unsaved = true;
        self.feed(Event::Of(number, Happened::Spawned { pid }))
    }

    fn signal(&mut self, number: usize, signal: StopSignal) -> Result<(), RunError> {
        let Some(pid) = self.units[number].pid else { return Ok(()) };
        self.units[number].signalled(signal);
        let diagnosis = (signal == StopSignal::Kill).then(|| self.diagnosis(number));
        child::signal_group(pid, signal);
        match diagnosis {
            Some(processes) => self.feed(Event::Of(number, Happened::Diagnosed(processes))),
            None => Ok(()),
        }
    }

    /// Each process of a workload that is about to be killed, in words.
    fn diagnosis(&mut self, number: usize) -> Vec<String> {
        let members = self.table.look();
        let own = members.iter().filter(|member| member.owner == Some(number) && member.is_alive());
        let told = own.map(|member| {
            let name = super::table::name_of(&member.stat);
            let name = shorten(&self.redactor.text(name.into()), 120);
            format!("{} {name} ({})", member.pid(), super::table::state_of(member))
        });
        told.take(20).collect()
    }

    fn probe(&mut self, number: usize, attempt: u64, before: bool) -> Result<(), RunError> {
        let Some((check, timeout)) = self.units[number].ready.clone() else { return Ok(()) };
        let suspicious = self.machine.is_suspicious(number);
        let tree: Option<Vec<u32>> = suspicious.then(|| {
            let members = self.table.look();
            members.iter().filter(|member| member.owner == Some(number)).map(Member::pid).collect()
        });
        let (checker, sender) = (self.units[number].checker.clone(), self.sender.clone());
        self.aside
            .run("probe", move || {
                let answer = checker.ask(&check, timeout, tree.as_deref());
                let _ = sender.send(Message::Of(number, Happened::Probed { attempt, before, answer }));
            })
            .or_else(|error| {
                let answer = Answer { message: format!("cannot ask: {error}"), ..Answer::default() };
                self.feed(Event::Of(number, Happened::Probed { attempt, before, answer }))
            })
    }

    fn do_acts(&mut self, number: usize, stage: Stage) -> Result<(), RunError> {
        let unit = &self.units[number];
        let acts = unit.actions[usize::from(stage == Stage::AfterStop)].clone();
        let (checker, sender, pid) = (unit.checker.clone(), self.sender.clone(), unit.pid);
        self.aside
            .run("action", move || {
                let faults = checker.act(&acts, pid);
                let _ = sender.send(Message::Of(number, Happened::Acted { stage, faults }));
            })
            .or_else(|error| {
                let faults = vec![format!("cannot act: {error}")];
                self.feed(Event::Of(number, Happened::Acted { stage, faults }))
            })
    }
}
