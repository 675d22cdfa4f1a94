//! The attempts of a run: each start of the command, and how it ended.

use super::event::Exit;
use super::record::Attempt;
use super::workloads::seen::{EARLIER, Earlier};
use crate::time::Stamp;

/// Each start of the command, in order.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    list: Vec<Attempt>,
    /// How many times it could not be started again.
    failed_starts: u64,
}

/// What ended an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The command, by itself.
    ByItself,
    /// The supervisor, politely.
    Stopped,
    /// The supervisor, by force.
    Killed,
    /// The supervisor, because it hung.
    Hung,
}

impl Attempts {
    /// The command was started.
    pub(crate) fn spawned(&mut self, pid: u32, at: Stamp) {
        self.list.push(Attempt {
            workload: None,
            number: self.list.len() as u64 + 1,
            pid,
            started_at: at,
            ended_at: None,
            exit_code: None,
            signal: None,
            reason: None,
            recovery_seconds: None,
            lines: 0,
        });
    }

    /// Lines came; the first of them ends the recovery.
    pub(crate) fn lines(&mut self, lines: u64, first_at: Option<Stamp>) {
        let down_since = match &self.list[..] {
            [.., before, _] => before.ended_at,
            [only] => Some(only.started_at),
            [] => None,
        };
        if let Some(attempt) = self.list.last_mut() {
            attempt.lines += lines;
            if attempt.recovery_seconds.is_none()
                && let (Some(first), Some(since)) = (first_at, down_since)
            {
                attempt.recovery_seconds = Some(first.seconds_since(since).max(0.0));
            }
        }
    }

    /// The command ended.
    pub(crate) fn ended(&mut self, at: Stamp, exit: Exit, ended: Ended) {
        if let Some(attempt) = self.list.last_mut() {
            attempt.ended_at = Some(at);
            attempt.exit_code = exit.code;
            attempt.signal = exit.signal;
            attempt.reason = Some(
                match ended {
                    Ended::ByItself => "ended by itself",
                    Ended::Stopped => "stopped by the supervisor",
                    Ended::Killed => "killed by the supervisor",
                    Ended::Hung => "stopped by the supervisor because it hung",
                }
                .to_owned(),
            );
        }
    }

    /// The command could not be started again.
    pub(crate) fn not_started(&mut self) {
        self.failed_starts += 1;
    }

    /// How many times it was tried to start the command again.
    pub(crate) fn restarts(&self) -> u64 {
        (self.list.len() as u64).saturating_sub(1) + self.failed_starts
    }

    /// The number of the last start; 0 before the first.
    pub(crate) fn number(&self) -> u64 {
        self.list.len() as u64
    }

    /// Whether the command was started at all.
    pub(crate) fn any(&self) -> bool {
        !self.list.is_empty()
    }

    /// The process id of the running attempt.
    pub(crate) fn running_pid(&self) -> Option<u32> {
        self.list.last().filter(|a| a.ended_at.is_none()).map(|a| a.pid)
    }

    /// The last ones before the present one.
    pub(crate) fn earlier(&self) -> Vec<Earlier> {
        let before = self.list.split_last().map_or(&[][..], |(_, before)| before);
        let one = |attempt: &Attempt| Earlier {
            attempt: attempt.number,
            started_at: Some(attempt.started_at),
            ended_at: attempt.ended_at,
            exit_code: attempt.exit_code.map(i64::from),
            signal: attempt.signal.map(i64::from),
            reason: attempt.reason.clone(),
        };
        before[before.len().saturating_sub(EARLIER)..].iter().map(one).collect()
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Attempt] {
        &self.list
    }
}
