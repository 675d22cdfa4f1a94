//! What happens to a run, and what the machine asks for: the whole interface between the pure machine and the
//! threads that feed it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::workloads::probe::Answer;
use super::workloads::state::Change;
use crate::drills::machine::{Order, Told};
use crate::drills::step;
use crate::finding::Status;
use crate::guards::pile::Pile;
use crate::guards::source::Reading;
use crate::stage::notify::live::{self, Delivery};
use crate::time::Stamp;

/// The present, on three clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Now {
    /// Wall clock: for labels only.
    pub wall: Stamp,
    /// Monotonic clock since the start of the run; it stands still while the machine is suspended.
    pub mono: Duration,
    /// The same, but it goes on while the machine is suspended.
    pub boot: Duration,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// The run starts.
    Start,
    /// Something happened to the workload of this number.
    Of(usize, Happened),
    /// Processes outlived all workloads, and belong to none that could be named.
    Leaked(Vec<Process>),
    /// The process tree was measured: of each workload that runs.
    Sampled(Vec<(usize, Measure)>),
    /// An evidence file was looked at.
    EvidenceSeen {
        /// The name in the plan.
        name: String,
        /// When it was last written; none if it is missing or empty.
        modified: Option<Stamp>,
    },
    /// The file system of the output was looked at.
    DiskSeen {
        /// Bytes that can still be written.
        available: u64,
        /// Its size in bytes.
        total: u64,
    },
    /// Evidence of the run could not be kept, or can be kept again.
    Capture {
        /// Whose evidence, where it is that of one workload.
        workload: Option<usize>,
        /// What happened.
        fault: CaptureFault,
    },
    /// The operator, or the machine, asks emp-ops to stop.
    Stop {
        /// The name of the signal.
        signal: &'static str,
    },
    /// A signal that asks for nothing came for emp-ops.
    Stray {
        /// The name of the signal.
        signal: String,
    },
    /// Something of a drill is done or known.
    Drill(Told),
    /// The source of a guard was looked at.
    Guard {
        /// Its place in the plan.
        guard: usize,
        /// What it gave, or why nothing.
        reading: Result<Reading, String>,
    },
    /// A channel is done with its notification.
    Sent {
        /// Its place in the policy.
        channel: usize,
        /// What became of it.
        delivery: Delivery,
    },
    /// Somebody looks after an incident.
    Acknowledged {
        /// Its id.
        incident: String,
    },
    /// Time has passed.
    Tick,
}

/// Something that happened to one workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Happened {
    /// It was started.
    Spawned {
        /// Its process id, which is that of its process group too.
        pid: u32,
    },
    /// It could not be started (again).
    SpawnFailed {
        /// Why.
        error: String,
    },
    /// Lines were captured.
    Output(Box<Batch>),
    /// It has ended; its output and what it left behind are still being collected.
    Gone(Exit),
    /// It ended, and its pipes are drained.
    Exited(Exit),
    /// Processes outlived it.
    Leaked(Vec<Process>),
    /// A probe was answered, that began in this attempt (0 before the first); `before` its next start where it was down.
    Probed {
        /// The attempt.
        attempt: u64,
        /// Whether it was the look before a start.
        before: bool,
        /// The answer.
        answer: Answer,
    },
    /// Its actions before or after its stop are done; what went wrong, in words.
    Acted {
        /// Which of them.
        stage: Stage,
        /// One sentence for each that failed or was late.
        faults: Vec<String>,
    },
    /// It is about to be killed: its processes as they are now, in words.
    Diagnosed(Vec<String>),
}

/// When actions of a workload are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Before it is asked to stop.
    BeforeStop,
    /// When it has stopped.
    AfterStop,
}

/// What the machine asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// Start the workload of this number.
    Spawn(usize),
    /// Send a signal to its process group.
    Signal(usize, StopSignal),
    /// Ask whether it is ready, in this attempt; `before` its next start where it is down.
    Probe {
        /// The workload.
        workload: usize,
        /// The attempt; 0 before the first.
        attempt: u64,
        /// Whether it is the look before a start.
        before: bool,
    },
    /// Do its actions.
    Act(usize, Stage),
    /// Keep this change of state.
    Changed(Change),
    /// Measure the process tree.
    Sample,
    /// Look at the evidence files.
    CheckEvidence,
    /// Look at the file system of the output.
    CheckDisk,
    /// Refresh the progress file.
    Snapshot {
        /// Whether the snapshot also goes into the timeline.
        timeline: bool,
    },
    /// Something that a drill needs.
    Drill(Order),
    /// Look at the source of the guard of this number.
    Look(usize),
    /// Keep what is known of the guards.
    KeepGuards,
    /// A notification, or what became of one.
    Notify(live::Order),
    /// Supervision is over.
    Finish,
}

/// The signals of the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT: what an operator's Ctrl-C would be.
    Interrupt,
    /// Another one that the workload is told to stop by, by its number.
    Other(i32),
    /// SIGTERM: for commands that ignore the first.
    Terminate,
    /// SIGKILL.
    Kill,
}

impl StopSignal {
    /// Its number.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Interrupt => 2,
            Self::Other(number) => number,
            Self::Terminate => 15,
            Self::Kill => 9,
        }
    }

    /// `SIGINT`.
    pub(crate) fn name(self) -> String {
        match signal_name(self.number()) {
            "" => format!("signal {}", self.number()),
            name => name.trim_matches([' ', '(', ')']).to_owned(),
        }
    }
}

/// How the command ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Its exit code, where it ended by exiting.
    pub code: Option<i32>,
    /// The signal that ended it, where one did.
    pub signal: Option<i32>,
}

impl Exit {
    /// `exited with code 3`, `was ended by signal 9 (SIGKILL)`.
    pub(crate) fn text(self) -> String {
        match (self.code, self.signal) {
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}{}", signal_name(signal)),
            (None, None) => "ended".to_owned(),
        }
    }

    /// Whether it ended with code 0.
    pub(crate) fn success(self) -> bool {
        self.code == Some(0)
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        10 => " (SIGUSR1)",
        11 => " (SIGSEGV)",
        12 => " (SIGUSR2)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        18 => " (SIGCONT)",
        19 => " (SIGSTOP)",
        24 => " (SIGXCPU)",
        25 => " (SIGXFSZ)",
        _ => "",
    }
}

/// A process, for naming it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    /// Its id.
    pub pid: u32,
    /// Its command line.
    pub name: String,
    /// Whether it could not be ended.
    pub survived: bool,
}

/// CPU and memory of the process tree.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Measure {
    /// Processes in the tree.
    pub processes: u64,
    /// CPU time used since the sample before, in percent of one core.
    pub cpu_percent: f64,
    /// Resident memory in bytes.
    pub rss_bytes: u64,
    /// Resident memory in percent of the machine's.
    pub memory_percent: f64,
}

impl Measure {
    /// Adds another tree.
    pub(crate) fn add(&mut self, other: &Self) {
        self.processes += other.processes;
        self.cpu_percent += other.cpu_percent;
        self.rss_bytes += other.rss_bytes;
        self.memory_percent += other.memory_percent;
    }
}

/// Evidence of the run could not be kept, or can be kept again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CaptureFault {
    /// The file, or what else it is about.
    pub path: String,
    /// What happened.
    pub trouble: Trouble,
    /// Lines that this cost since its last report.
    pub lost: u64,
    /// Lines that are missing, over the whole run.
    pub lost_lines: u64,
}

/// What keeps evidence from being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A log cannot be written, for this reason: lines are being lost.
    LogFailed(String),
    /// A part of a log was removed, with the lines in it.
    Removed,
    /// Something beside the logs failed, in words.
    Failed(String),
    /// Further lines were lost.
    GoesOn,
    /// It can be written again.
    Over,
}

/// Lines that were captured together. Batches add up, so that a slow reader sees one large batch instead of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// Lines by stream.
    pub lines: BTreeMap<&'static str, u64>,
    /// Lines by level.
    pub levels: BTreeMap<String, u64>,
    /// Bytes of output, line ends included.
    pub bytes: u64,
    /// Bytes for the raw log.
    pub raw_bytes: u64,
    /// Lines cut because of their length.
    pub cut: u64,
    /// Lines with invalid UTF-8.
    pub invalid_utf8: u64,
    /// When the first of them came.
    pub first_at: Option<Stamp>,
    /// When the last of them came.
    pub last_at: Option<Stamp>,
    /// Whether one of them says that the workload is ready.
    pub ready: bool,
    /// Conditions of drills that one of them meets, with the time of the last: the drill, the list and the place in that.
    pub met: BTreeMap<(usize, step::Stage, usize), Stamp>,
    /// What they say of figures that guards watch, by the number of the guard.
    pub figures: BTreeMap<usize, Pile>,
    /// Lines that need a look.
    pub incidents: Vec<LineIncident>,
    /// Lines that need a look but were too many to keep, by kind and severity.
    pub more_incidents: BTreeMap<(&'static str, Status), u64>,
    /// The largest difference between a line's own time and its arrival, where that is suspicious.
    pub skew: Option<Skew>,
}

/// A line whose own time is far from its arrival: a wrong clock, or a time zone that the line does not state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Skew {
    /// Lines concerned.
    pub lines: u64,
    /// The first of them by its own time.
    pub stated: Stamp,
    /// When that one arrived.
    pub arrived: Stamp,
}

/// A line that needs a look.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LineIncident {
    /// How bad it is.
    pub severity: Status,
    /// `log_level` or `stack_trace`.
    pub kind: &'static str,
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    /// The service that a multiplexer named before the line.
    pub service: Option<String>,
    /// The level of the line.
    pub level: String,
    /// Its event name.
    pub event: Option<String>,
    /// Its message, shortened.
    pub message: String,
    /// What makes two of them equal.
    pub key: String,
    /// When it came.
    pub at: Stamp,
    /// How often.
    pub count: u64,
}

/// Different incidents that a batch keeps; more are only counted.
const MOST_PER_BATCH: usize = 256;

impl Batch {
    /// Adds an incident, counting it with an equal one.
    pub(crate) fn incident(&mut self, new: LineIncident) {
        let equal = |i: &&mut LineIncident| {
            (i.kind, i.severity, &i.key, &i.service) == (new.kind, new.severity, &new.key, &new.service)
        };
        if let Some(known) = self.incidents.iter_mut().find(equal) {
            known.count += new.count;
        } else if self.incidents.len() < MOST_PER_BATCH {
            self.incidents.push(new);
        } else {
            *self.more_incidents.entry((new.kind, new.severity)).or_default() += new.count;
        }
    }

    /// Counts lines of a level.
    pub(crate) fn count_level(&mut self, level: &str, lines: u64) {
        match self.levels.get_mut(level) {
            Some(count) => *count += lines,
            None => {
                self.levels.insert(level.to_owned(), lines);
            }
        }
    }

    /// Adds a later batch to this one.
    pub(crate) fn merge(&mut self, later: Self) {
        for (stream, lines) in later.lines {
            *self.lines.entry(stream).or_default() += lines;
        }
        for (level, lines) in later.levels {
            *self.levels.entry(level).or_default() += lines;
        }
        self.bytes += later.bytes;
        self.raw_bytes += later.raw_bytes;
        self.cut += later.cut;
        self.invalid_utf8 += later.invalid_utf8;
        self.first_at = self.first_at.or(later.first_at);
        self.last_at = later.last_at.or(self.last_at);
        self.ready |= later.ready;
        self.met.extend(later.met);
        for (guard, pile) in later.figures {
            self.figures.entry(guard).or_default().merge(&pile);
        }
        for incident in later.incidents {
            self.incident(incident);
        }
        for (kind, count) in later.more_incidents {
            *self.more_incidents.entry(kind).or_default() += count;
        }
        self.skew = match (self.skew, later.skew) {
            (Some(a), Some(b)) => Some(Skew { lines: a.lines + b.lines, ..a }),
            (a, b) => a.or(b),
        };
    }

    /// Lines of both streams.
    pub(crate) fn total(&self) -> u64 {
        self.lines.values().sum()
    }
}
