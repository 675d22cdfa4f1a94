//! What a workload leaves behind when it has ended: found, asked to go, killed and named, one look after the other.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::Signal;

use super::child;
use super::table::{self, Member};
use crate::supervise::event::Process;

/// How long processes may take to follow their workload, before they count as leaked.
const FOLLOW: Duration = Duration::from_millis(300);
/// How long leaked processes are asked politely.
const GRACE: Duration = Duration::from_secs(2);
/// How long they are killed again and again.
const FORCE: Duration = Duration::from_secs(5);
/// A process that forks and ends all the time can hide from one look, hardly from so many.
const EMPTY_LOOKS: u32 = 3;

/// The processes of a workload after it has ended.
pub(crate) struct Orphans {
    /// Of which workload; none for all that is left.
    of: Option<usize>,
    since: Instant,
    known: HashSet<u32>,
    leaked: Vec<Process>,
    empty_looks: u32,
}

impl Orphans {
    /// Begins to look for those of a workload, or for all.
    pub(crate) fn new(of: Option<usize>) -> Self {
        Self { of, since: Instant::now(), known: HashSet::new(), leaked: Vec::new(), empty_looks: 0 }
    }

    fn left<'m>(&self, members: &'m [Member]) -> Vec<&'m Member> {
        members.iter().filter(|m| m.is_alive() && self.of.is_none_or(|of| m.owner == Some(of))).collect()
    }

    /// Takes one look and does what is due. True when nothing is left, or nothing that could be ended.
    pub(crate) fn look(&mut self, members: &[Member]) -> bool {
        let alive = self.left(members);
        if alive.is_empty() {
            self.empty_looks += 1;
            return self.empty_looks >= EMPTY_LOOKS;
        }
        self.empty_looks = 0;
        let age = self.since.elapsed();
        if age < FOLLOW {
            return false;
        }
        let force = age >= FOLLOW + GRACE;
        let mut immune = 0;
        for member in &alive {
            let (pid, Ok(parent)) = (member.pid(), u32::try_from(member.stat.ppid)) else { continue };
            let new = self.known.insert(pid);
            // What a leaked process has started goes with it, and is no leak of its own.
            if new && !self.known.contains(&parent) {
                self.leaked.push(Process { pid, name: table::name_of(&member.stat), survived: false });
            }
            if let Some(target) = child::as_pid(pid)
                && (new || force)
            {
                let signal = if force { Signal::KILL } else { Signal::TERM };
                let refused = rustix::process::kill_process(target, signal) == Err(Errno::PERM);
                immune += usize::from(refused);
            }
        }
        (force && immune == alive.len()) || age >= FOLLOW + GRACE + FORCE
    }

    /// The processes that had to be ended, and whether they are.
    pub(crate) fn leaked(mut self, members: &[Member]) -> Vec<Process> {
        let alive: HashSet<u32> = self.left(members).into_iter().map(Member::pid).collect();
        for process in &mut self.leaked {
            process.survived = alive.contains(&process.pid);
        }
        self.leaked
    }
}
