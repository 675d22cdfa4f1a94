//! What the operator hears while a run lasts: on a terminal one line that is kept up to date, and each incident as it
//! happens; in a pipe one line at each progress interval.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crate::io::process::alive;
use crate::io::tty::terminal;
use crate::report::live_line;
use crate::sanitize;
use crate::supervise::event::Now;
use crate::supervise::listener::Listener;
use crate::supervise::machine::Machine;
use crate::supervise::record::ProgressChain;
use crate::supervise::workloads::state::State;

/// How often the line of a terminal is written again.
const REFRESH: Duration = Duration::from_secs(1);
/// More new incidents than this between two refreshes are counted only.
const AT_ONCE: usize = 5;

/// Speaks on standard error.
pub(super) struct Console {
    quiet: bool,
    terminal: bool,
    /// Between two lines; none if there are none.
    interval: Option<Duration>,
    grace: Duration,
    next: Duration,
    /// How many kinds of incidents were told.
    told: usize,
    stopping: bool,
    /// The states of the workloads that were told.
    states: Vec<State>,
    /// Lines and time at the line before.
    before: Option<(u64, Duration)>,
}

impl Console {
    /// Speaks of a run with this progress interval and grace period.
    pub(super) fn new(quiet: bool, interval: Option<Duration>, grace: Duration) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let interval = if terminal { Some(REFRESH) } else { interval };
        let next = interval.unwrap_or_default();
        Self { quiet, terminal, interval, grace, next, told: 0, stopping: false, states: Vec::new(), before: None }
    }

    /// Writes a line that stays.
    fn say(&self, text: &str) {
        self.clear();
        terminal::note(text);
    }

    /// Takes the line that is kept up to date off the terminal.
    fn clear(&self) {
        if self.terminal && !self.quiet {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }

    fn incidents(&mut self, machine: &Machine) {
        let all = machine.incidents().all();
        let new = &all[self.told.min(all.len())..];
        for incident in new.iter().take(AT_ONCE) {
            self.say(&live_line::incident(incident));
        }
        if new.len() > AT_ONCE {
            self.say(&format!("and {} more kinds of incidents", new.len() - AT_ONCE));
        }
        self.told = all.len();
    }

    /// One line for each change of state, not for each probe.
    fn changes(&mut self, machine: &Machine) {
        for (number, (name, state, because)) in machine.states().enumerate() {
            if self.states.len() <= number {
                self.states.push(State::Pending);
            }
            if std::mem::replace(&mut self.states[number], state) != state {
                self.say(&live_line::change(name, state.word(), because));
            }
        }
    }

    fn line(&mut self, machine: &Machine, now: Now) {
        let snapshot = machine.snapshot_now(now, ProgressChain::default(), alive::own());
        let rate = self.before.map(|(lines, at)| {
            let passed = now.mono.saturating_sub(at).as_secs_f64().max(1e-3);
            snapshot.total_lines.saturating_sub(lines) as f64 / passed
        });
        self.before = Some((snapshot.total_lines, now.mono));
        let text = live_line::line(&snapshot, rate);
        if self.terminal {
            let width = usize::from(terminal::error_width()).saturating_sub(1);
            let mut out = std::io::stderr().lock();
            let _ = write!(out, "\r{}\x1b[K", sanitize::columns(&text, width));
            let _ = out.flush();
        } else {
            terminal::note(&text);
        }
    }
}

impl Listener for Console {
    fn look(&mut self, machine: &Machine, now: Now) {
        if self.quiet {
            return;
        }
        self.changes(machine);
        if self.stopping {
            return;
        }
        let new = self.terminal && machine.incidents().all().len() > self.told;
        let due = self.interval.is_some_and(|_| now.mono >= self.next);
        if due || (new && now.mono + REFRESH / 2 >= self.next) {
            if self.terminal {
                self.incidents(machine);
            }
            self.line(machine, now);
            self.next = now.mono + self.interval.unwrap_or(REFRESH);
        }
    }

    fn asked_to_stop(&mut self, machine: &Machine, signal: &'static str, now: Now) {
        // Whoever presses a key wants an answer, however quiet the rest is.
        let several = machine.states().next().is_some();
        let text = match machine.is_ending() {
            true => live_line::killing(signal, several),
            false => live_line::stopping(signal, now.wall, self.grace, several),
        };
        self.say(&text);
        self.stopping = true;
    }

    fn over(&mut self, machine: &Machine) {
        if !self.quiet {
            self.changes(machine);
        }
        if self.terminal && !self.quiet {
            self.incidents(machine);
            self.clear();
        }
    }
}
