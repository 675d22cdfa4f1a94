//! One look at the process table for all workloads: which process below emp-ops belongs to which.
//!
//! A process belongs to a workload by its group, else by the mark in its environment, else by the parents under which it
//! was seen. The only command of a run owns all that there is.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use procfs::process::{Process, Stat};
use rustix::process::{Pid, Signal, WaitOptions};

use super::child::as_pid;
use crate::io::read::parallel::lock;

/// The variable in the environment of a workload that names it.
pub(crate) const WORKLOAD: &str = "FINAL_DRY_RUN_WORKLOAD";

/// Children of emp-ops that are no part of what is supervised: the watchdog, probes and actions.
#[derive(Clone, Default)]
pub(crate) struct Helpers(Arc<Mutex<HashSet<u32>>>);

impl Helpers {
    pub(crate) fn add(&self, pid: u32) {
        lock(&self.0).insert(pid);
    }

    /// Starts one, which is known as a helper before anybody sees it.
    ///
    /// # Errors
    /// It cannot be started.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        let mut all = lock(&self.0);
        let child = command.spawn()?;
        all.insert(child.id());
        Ok(child)
    }

    pub(crate) fn remove(&self, pid: u32) {
        lock(&self.0).remove(&pid);
    }

    /// Ends all of them but one, with what they have started: nobody waits for their answers any more.
    pub(crate) fn end(&self, but: u32) {
        for group in self.all().into_iter().filter(|pid| *pid != but).filter_map(as_pid) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }

    fn all(&self) -> HashSet<u32> {
        lock(&self.0).clone()
    }
}

/// A process below emp-ops.
pub(crate) struct Member {
    pub(crate) stat: Stat,
    /// The number of its workload; none if nobody can be named.
    pub(crate) owner: Option<usize>,
}

impl Member {
    pub(crate) fn pid(&self) -> u32 {
        u32::try_from(self.stat.pid).unwrap_or_default()
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.stat.state != 'Z'
    }
}

/// Looks at the process table, and remembers to whom processes belong.
pub(crate) struct Table {
    helpers: Helpers,
    /// The names of the workloads.
    names: Vec<String>,
    /// The main process of each that runs, which leads its group.
    leaders: HashMap<u32, usize>,
    /// Owners found before, by process id and start time.
    known: HashMap<(i32, u64), Option<usize>>,
}

impl Table {
    pub(crate) fn new(names: Vec<String>, helpers: Helpers) -> Self {
        Self { helpers, names, leaders: HashMap::new(), known: HashMap::new() }
    }

    /// A workload was started.
    pub(crate) fn started(&mut self, number: usize, pid: u32) {
        self.leaders.insert(pid, number);
    }

    /// Nothing of a workload is left.
    pub(crate) fn over(&mut self, pid: u32) {
        self.leaders.remove(&pid);
    }

    /// The process groups of all that run.
    pub(crate) fn groups(&self) -> Vec<u32> {
        self.leaders.keys().copied().collect()
    }

    /// All processes below this one but the helpers, orphans included.
    pub(crate) fn look(&mut self) -> Vec<Member> {
        let Ok(all) = procfs::process::all_processes() else { return Vec::new() };
        let stats: Vec<Stat> = all.filter_map(|p| p.ok()?.stat().ok()).collect();
        let helpers = self.helpers.all();
        let mut children: HashMap<i32, Vec<usize>> = HashMap::new();
        for (i, stat) in stats.iter().enumerate() {
            children.entry(stat.ppid).or_default().push(i);
        }
        let mut owners: HashMap<i32, Option<usize>> = HashMap::new();
        let mut stack = vec![(rustix::process::getpid().as_raw_nonzero().get(), None)];
        let mut known = HashMap::new();
        while let Some((parent, of_parent)) = stack.pop() {
            for &i in children.get(&parent).into_iter().flatten() {
                let stat = &stats[i];
                let helper = u32::try_from(stat.pid).is_ok_and(|pid| helpers.contains(&pid));
                if !helper && !owners.contains_key(&stat.pid) {
                    let owner = self.owner(stat, of_parent);
                    owners.insert(stat.pid, owner);
                    known.insert((stat.pid, stat.starttime), owner);
                    stack.push((stat.pid, owner));
                }
            }
        }
        self.known = known;
        let member = |stat: Stat| owners.get(&stat.pid).map(|owner| Member { owner: *owner, stat });
        stats.into_iter().filter_map(member).collect()
    }

    fn owner(&self, stat: &Stat, of_parent: Option<usize>) -> Option<usize> {
        if self.names.len() == 1 {
            return Some(0);
        }
        if let Some(owner) = u32::try_from(stat.pgrp).ok().and_then(|group| self.leaders.get(&group)) {
            return Some(*owner);
        }
        if let Some(known) = self.known.get(&(stat.pid, stat.starttime)).filter(|known| known.is_some()) {
            return *known;
        }
        // Below a process that is known, its environment says nothing new.
        of_parent.or_else(|| self.marked(stat.pid))
    }

    fn marked(&self, pid: i32) -> Option<usize> {
        let environment = Process::new(pid).and_then(|process| process.environ()).ok()?;
        let name = environment.get(OsStr::new(WORKLOAD))?;
        self.names.iter().position(|known| OsStr::new(known) == name)
    }

    /// Collects orphans that have ended, so that they do not stay as zombies for the length of the run. Somebody else waits
    /// for the main processes.
    pub(crate) fn collect(&self, members: &[Member]) {
        let here = rustix::process::getpid().as_raw_nonzero().get();
        for member in members.iter().filter(|m| !m.is_alive() && m.stat.ppid == here) {
            if !self.leaders.contains_key(&member.pid()) {
                let _ = rustix::process::waitpid(Pid::from_raw(member.stat.pid), WaitOptions::NOHANG);
            }
        }
    }
}

/// What to call a process: its command line, else its name.
pub(crate) fn name_of(stat: &Stat) -> String {
    let line = Process::new(stat.pid).and_then(|p| p.cmdline()).unwrap_or_default().join(" ");
    if line.is_empty() { stat.comm.clone() } else { line }
}

/// What a process is doing, for whoever wonders why it does not end: its state, its threads, what it waits for.
pub(crate) fn state_of(member: &Member) -> String {
    let stat = &member.stat;
    let waits = Process::new(stat.pid).and_then(|process| process.wchan()).unwrap_or_default();
    let waits = if waits.is_empty() || waits == "0" { String::new() } else { format!(", waits in {waits}") };
    format!("state {}, {} threads{waits}", stat.state, stat.num_threads)
}
