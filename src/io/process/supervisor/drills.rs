//! What drills ask for, carried out: each on a thread of its own, so that nothing holds supervision up.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use rustix::process::Signal;

use super::{Checker, Driver, Message, RunError};
use crate::drills::machine::{Order, Outcome, Told};
use crate::drills::step::Stage;
use crate::guards::fields::Lines;
use crate::io::files;
use crate::io::process::child;
use crate::io::process::restore::{self, Owed};
use crate::json::lenient;
use crate::sanitize;
use crate::supervise::event::{CaptureFault, Event, Trouble};
use crate::supervise::workloads::check::{Act, Deed};
use crate::supervise::workloads::drill::{DrillActs, FileLook, Look, Sight, Watched};

/// So much of what came of an action is kept, in bytes.
const KEPT: usize = 4 << 10;

/// What drills do and look at.
pub(super) struct Carrier {
    acts: Vec<DrillActs>,
    /// When each of them began, or injected its fault.
    since: Vec<SystemTime>,
    /// Those that have injected something that is not restored, as the watchdog knows.
    owed: Vec<usize>,
    pub(super) watched: Arc<Watched>,
    failed: bool,
}

impl Carrier {
    pub(super) fn new(acts: Vec<DrillActs>, figures: Lines) -> Self {
        let lines = acts.iter().enumerate().flat_map(|(drill, acts)| {
            acts.lines.iter().map(move |(list, number, line)| ((drill, *list, *number), line.clone()))
        });
        let watched = Arc::new(Watched { lines: lines.collect(), figures, ..Watched::default() });
        Self { since: vec![SystemTime::now(); acts.len()], acts, owed: Vec::new(), watched, failed: false }
    }
}

impl Driver {
    /// Tells the pumps whether lines matter to drills now.
    pub(super) fn listen(&self) {
        let active = self.machine.listens(self.clocks.now());
        self.carrier.watched.active.store(active, Ordering::Relaxed);
    }

    /// Tells the watchdog what it must restore should emp-ops be killed.
    pub(super) fn tell_owed(&mut self) {
        let owed = self.machine.owed();
        if owed == self.carrier.owed {
            return;
        }
        self.carrier.owed.clone_from(&owed);
        let launch = &self.units[0].launch;
        let acts = owed.iter().filter_map(|drill| self.carrier.acts.get(*drill)?.acts.get(&Stage::Restore));
        let acts: Vec<_> = acts.flat_map(|acts| acts.iter().rev()).map(restore::plain).collect();
        let owed = Owed {
            log: self.keep.folder.path().join(restore::LOG),
            environment: launch.environment.clone(),
            folder: launch.folder.clone(),
            acts,
        };
        self.watchdog.owe(&owed);
        self.tell_watchdog();
    }

    pub(super) fn carry(&mut self, order: Order) -> Result<(), RunError> {
        match order {
            Order::Write => self.keep_drills(),
            Order::Do { drill, stage, number } => {
                if (stage, number) == (Stage::Inject, 0) {
                    self.carrier.since[drill] = SystemTime::now();
                }
                let act = self.carrier.acts[drill].acts.get(&stage).and_then(|acts| acts.get(number)).cloned();
                let told = move |outcome| Told::Done { drill, stage, number, outcome };
                let Some(act) = act else { return self.feed(Event::Drill(told(Outcome::default()))) };
                self.carry_act(act, told)
            }
            Order::Ask { drill, stage, number } => {
                if (stage, number) == (Stage::Steady, 0) {
                    self.carrier.since[drill] = SystemTime::now();
                }
                let list = match stage {
                    Stage::Before => Stage::Detect,
                    Stage::Again => Stage::Steady,
                    other => other,
                };
                let since = self.carrier.since[drill];
                let looks = self.carrier.acts[drill].looks.get(&list);
                let look = looks.and_then(|looks| looks.get(number)).cloned().flatten();
                let told = move |ok, message| Told::Answered { drill, stage, number, ok, message };
                let Some(look) = look else { return self.feed(Event::Drill(told(false, String::new()))) };
                let (checker, sender) = (self.units[0].checker.clone(), self.sender.clone());
                let asked = self.aside.run("condition", move || {
                    let (ok, message) = match see(&checker, &look, since) {
                        Ok(message) => (true, message),
                        Err(message) => (false, message),
                    };
                    let message = shown(&checker, &message, 300);
                    let _ = sender.send(Message::Drill(told(ok, message)));
                });
                asked.or_else(|error| self.feed(Event::Drill(told(false, format!("cannot look: {error}")))))
            }
            Order::Begun { .. } | Order::Over { .. } => Ok(()),
        }
    }

    fn carry_act(
        &mut self,
        act: Act,
        told: impl FnOnce(Outcome) -> Told + Copy + Send + 'static,
    ) -> Result<(), RunError> {
        let outcome = |started: Instant, checker: &Checker, done: Result<String, String>| {
            let (ok, message) = match done {
                Ok(message) => (true, message),
                Err(message) => (false, message),
            };
            Outcome { ok, message: shown(checker, &message, KEPT), duration: started.elapsed() }
        };
        let started = Instant::now();
        let checker = self.units[0].checker.clone();
        // Signals are sent here, where it is known whose processes these are.
        if let Deed::Signal { .. } | Deed::Restart = &act.deed {
            let done = self.signal_of_drill(&act.deed);
            return self.feed(Event::Drill(told(outcome(started, &checker, done))));
        }
        let sender = self.sender.clone();
        let asked = self.aside.run("drill", move || {
            let done = checker.deed(&act.deed, act.timeout, None);
            let _ = sender.send(Message::Drill(told(outcome(started, &checker, done))));
        });
        asked.or_else(|error| {
            let message = format!("cannot act: {error}");
            self.feed(Event::Drill(told(Outcome { message, ..Outcome::default() })))
        })
    }

    fn signal_of_drill(&mut self, deed: &Deed) -> Result<String, String> {
        let signal = match deed {
            Deed::Signal { signal, .. } => *signal,
            _ => crate::supervise::event::StopSignal::Interrupt,
        };
        if let Deed::Signal { matching: Some(text), .. } = deed {
            let members = self.table.look();
            let fits = |member: &&super::Member| {
                member.owner.is_some()
                    && member.is_alive()
                    && crate::io::process::table::name_of(&member.stat).contains(text.as_str())
            };
            let pids: Vec<u32> = members.iter().filter(fits).map(super::Member::pid).collect();
            let number = Signal::from_named_raw(signal.number()).ok_or("this machine does not know the signal")?;
            for pid in pids.iter().copied().filter_map(child::as_pid) {
                rustix::process::kill_process(pid, number).map_err(|error| error.to_string())?;
            }
            return match pids.len() {
                0 => Err(format!("no process of the command is called {text}")),
                many => Ok(format!("{} to {}", signal.name(), crate::finding::count(many as u64, "process"))),
            };
        }
        let groups: Vec<u32> = self.units.iter().filter_map(|unit| unit.pid).collect();
        self.units.iter().for_each(|unit| unit.signalled(signal));
        groups.iter().for_each(|group| child::signal_group(*group, signal));
        if groups.is_empty() {
            Err("the command does not run".to_owned())
        } else {
            Ok(format!("{} sent", signal.name()))
        }
    }

    /// Keeps what is known of the drills.
    fn keep_drills(&mut self) -> Result<(), RunError> {
        let now = self.clocks.now();
        let written = self.keep.drills(&self.machine, now.wall);
        if written.is_err() == self.carrier.failed {
            return Ok(());
        }
        self.carrier.failed = written.is_err();
        let path = crate::drills::document::FILE_NAME;
        let trouble = match written {
            Err(error) => Trouble::Failed(format!("cannot write {path}: {}", error.source)),
            Ok(()) => Trouble::Over,
        };
        let lost_lines = self.machine.capture().lost_lines;
        let fault = CaptureFault { path: path.to_owned(), trouble, lost: 0, lost_lines };
        self.feed(Event::Capture { workload: None, fault })
    }
}

fn shown(checker: &Checker, message: &str, most: usize) -> String {
    sanitize::shorten(&checker.redactor.text(message.into()), most)
}

/// Whether a condition holds, and why, in words.
fn see(checker: &Checker, look: &Look, since: SystemTime) -> Result<String, String> {
    match &look.at {
        Sight::Check(check) => {
            let answer = checker.ask(check, look.timeout, None);
            if answer.ok { Ok(answer.message) } else { Err(answer.message) }
        }
        Sight::File(file) => see_file(file, since),
    }
}

fn see_file(look: &FileLook, since: SystemTime) -> Result<String, String> {
    let path = Path::new(&look.path);
    let about = match (std::fs::metadata(path), look.absent) {
        (Err(error), true) if error.kind() == std::io::ErrorKind::NotFound => return Ok("it is not there".to_owned()),
        (Err(error), _) => return Err(format!("it cannot be read: {error}")),
        (Ok(_), true) => return Err("it is there".to_owned()),
        (Ok(about), false) => about,
    };
    if look.newer && about.modified().is_ok_and(|modified| modified <= since) {
        return Err("it was not written since".to_owned());
    }
    if about.len() < look.min_bytes {
        return Err(format!("it has {} bytes", about.len()));
    }
    if look.min_entries.is_some() {
        let bytes = files::read_within(path, files::FIGURES_LIMIT).map_err(|error| error.to_string())?;
        let document = lenient::parse(&lenient::text(&bytes)).map_err(|error| error.to_string())?;
        look.entries(&document)?;
    }
    Ok(format!("it has {} bytes", about.len()))
}
