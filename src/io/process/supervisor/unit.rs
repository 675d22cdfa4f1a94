//! What the supervisor holds of one workload: its process, its pipes and its logs.

use std::io;
use std::os::fd::AsFd;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Checker, Message, Orphans, UnitSetup};
use crate::io::capture::{Mailbox, PumpPlan, Room, Sink, Waiting, pump};
use crate::io::files::Syncer;
use crate::io::process::child::{self, Launch, Started};
use crate::io::process::table::Helpers;
use crate::level::Level;
use crate::supervise::capture::{Formatter, Origin};
use crate::supervise::event::{CaptureFault, Exit, StopSignal};
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::check::{Act, Check};
use crate::supervise::workloads::drill::Watched;

/// One workload.
pub(super) struct Unit {
    pub(super) launch: Arc<Launch>,
    stderr_level: Level,
    pub(super) source: Option<String>,
    pub(super) ready: Option<(Check, Duration)>,
    pub(super) actions: [Vec<Act>; 2],
    pub(super) checker: Checker,
    redactor: Arc<Redactor>,
    /// Whether the process that runs was asked to stop.
    interrupted: Arc<AtomicBool>,
    /// The lines that drills wait for.
    watched: Arc<Watched>,
    pub(super) sink: Arc<Mutex<Sink>>,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) pumps: Vec<Pump>,
    pub(super) pid: Option<u32>,
    attempt: u64,
    pub(super) leaving: Option<Leaving>,
}

/// What reads one stream, and whether it waits for output.
pub(super) struct Pump {
    pub(super) thread: JoinHandle<io::Result<String>>,
    pub(super) waiting: Arc<Waiting>,
}

/// A workload that has ended, while its group, its orphans and its last output are still there.
pub(super) struct Leaving {
    pub(super) exit: Exit,
    /// None while the group of one that is being stopped has its grace period.
    pub(super) orphans: Option<Orphans>,
    /// Since when nothing is left that could hold the pipes.
    pub(super) alone: Option<Instant>,
}

impl Unit {
    /// Opens its logs.
    pub(super) fn open(
        setup: UnitSetup,
        helpers: &Helpers,
        redactor: &Arc<Redactor>,
        (syncer, room, watched): (&Arc<Syncer>, &Arc<Room>, &Arc<Watched>),
    ) -> io::Result<Self> {
        let UnitSetup { launch, sink, stderr_level, source, ready, actions } = setup;
        let launch = Arc::new(launch);
        Ok(Self {
            checker: Checker { helpers: helpers.clone(), redactor: Arc::clone(redactor), launch: Arc::clone(&launch) },
            launch,
            stderr_level,
            source,
            ready,
            actions,
            redactor: Arc::clone(redactor),
            interrupted: Arc::default(),
            watched: Arc::clone(watched),
            sink: Arc::new(Mutex::new(Sink::open(sink, syncer, room)?)),
            mailbox: Arc::default(),
            pumps: Vec::new(),
            pid: None,
            attempt: 0,
            leaving: None,
        })
    }

    /// Does what is due for its logs. Gives what changed.
    pub(super) fn tend(&self) -> Vec<CaptureFault> {
        // While a pump writes, a slow disk must not hold up what has come already: the next look tends to the logs.
        self.sink.try_lock().map_or(Vec::new(), |mut sink| sink.tend())
    }

    /// Reads the output of a process that was started, and waits for its end.
    pub(super) fn started(
        &mut self,
        started: Started,
        (number, start): (usize, Instant),
        sender: &SyncSender<Message>,
    ) -> io::Result<()> {
        self.pid = Some(started.pid);
        self.attempt += 1;
        self.interrupted = Arc::default();
        let run = (number, start);
        self.pumps = vec![self.start_pump("stdout", Level::Info, started.stdout, run, sender)?];
        if let Some(stderr) = started.stderr {
            self.pumps.push(self.start_pump("stderr", self.stderr_level, stderr, run, sender)?);
        }
        start_waiter(started.child, number, sender.clone())
    }

    fn start_pump(
        &self,
        stream: &'static str,
        level: Level,
        pipe: impl io::Read + AsFd + Send + 'static,
        (workload, started): (usize, Instant),
        sender: &SyncSender<Message>,
    ) -> io::Result<Pump> {
        let origin = self.source.as_ref().map(|source| Origin::new(source, self.attempt));
        let waiting = Arc::<Waiting>::default();
        let plan = PumpPlan {
            formatter: Formatter::new(stream, level, Arc::clone(&self.redactor))
                .of(origin)
                .watching(self.watched.figures.of_workload(workload)),
            sink: Arc::clone(&self.sink),
            mailbox: Arc::clone(&self.mailbox),
            wake: sender.clone(),
            started,
            interrupted: Arc::clone(&self.interrupted),
            watched: Arc::clone(&self.watched),
            waiting: Arc::clone(&waiting),
            ready: match &self.ready {
                Some((Check::Log(line), _)) => Some(line.clone()),
                _ => None,
            },
        };
        let body = move || pump(pipe, plan, &Message::Look);
        Ok(Pump { thread: thread::Builder::new().name(stream.to_owned()).spawn(body)?, waiting })
    }

    /// It was sent a signal.
    pub(super) fn signalled(&self, signal: StopSignal) {
        self.interrupted.fetch_or(signal == StopSignal::Interrupt, Ordering::Relaxed);
    }

    /// Its process has ended.
    pub(super) fn left(&mut self, exit: Exit) {
        self.leaving = Some(Leaving { exit, orphans: None, alone: None });
    }
}

fn start_waiter(mut child: Child, number: usize, sender: SyncSender<Message>) -> io::Result<()> {
    let body = move || {
        let exit = child.wait().map(child::exit_of).unwrap_or_default();
        // The loop is gone only when the run is over.
        let _ = sender.send(Message::Exited(number, exit));
    };
    thread::Builder::new().name("waiter".to_owned()).spawn(body).map(drop)
}
