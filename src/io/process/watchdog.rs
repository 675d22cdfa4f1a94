//! A small process that ends the command and all that it started when the supervisor is killed.
//!
//! The parent-death signal reaches only the command itself. The watchdog waits on a pipe that closes when emp-ops is
//! gone, however that came, and ends every process that carries the mark of the run in its environment, or is in the
//! cgroup of the command.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::Process;
use rustix::process::{Pid, Signal};

use super::cgroup::{self, Cgroup};
use super::restore::{self, Owed};
use crate::io::random;

/// The variable in the environment of a command that tells to which run its processes belong.
pub(crate) const MARK: &str = "EMP_OPS_RUN_MARK";
/// The hidden subcommand of the watchdog.
pub(crate) const WORD: &str = "watchdog";
/// How long processes that fork again and again are chased.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// The watchdog of this process; it stays until this process ends.
pub(crate) struct Watchdog {
    child: Child,
    mark: String,
    /// That of the command, where there is one.
    cgroup: Option<Cgroup>,
    /// What it must restore, as JSON.
    owed: String,
}

impl Watchdog {
    /// Starts the watchdog, out of reach of the terminal's signals.
    ///
    /// # Errors
    /// The process cannot be started.
    pub(crate) fn start() -> io::Result<Self> {
        let mark = random::uuid()?;
        let cgroup = Cgroup::make();
        Ok(Self { child: launch(&mark, cgroup.as_ref())?, mark, cgroup, owed: String::new() })
    }

    /// Names the process groups of what runs, and replaces a watchdog that is gone. Best effort:
    /// the watchdog is the second line of defence.
    pub(crate) fn tell(&mut self, groups: &[u32]) {
        if !matches!(self.child.try_wait(), Ok(None))
            && let Ok(child) = launch(&self.mark, self.cgroup.as_ref())
        {
            self.child = child;
        }
        if let Some(pipe) = &mut self.child.stdin {
            let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
            let _ = writeln!(pipe, "{}", groups.join(" "));
            if !self.owed.is_empty() {
                let _ = writeln!(pipe, "{}", self.owed);
            }
        }
    }

    /// Says what it must restore from the next [`Self::tell`] on.
    pub(super) fn owe(&mut self, owed: &Owed) {
        self.owed = serde_json::to_string(owed).unwrap_or_default();
    }

    /// Its process id: it is a child of emp-ops, but no part of what is supervised. It changes with the watchdog.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The cgroup of the command, where there is one.
    pub(crate) fn cgroup(&self) -> Option<&Cgroup> {
        self.cgroup.as_ref()
    }

    /// What the environment of the command must hold.
    pub(crate) fn variable(&self) -> (String, String) {
        (MARK.to_owned(), self.mark.clone())
    }
}

fn launch(mark: &str, cgroup: Option<&Cgroup>) -> io::Result<Child> {
    // This path works even when the program was replaced since it started.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("emp-ops").args([WORD, mark]).args(cgroup.map(Cgroup::folder)).env_remove(MARK).process_group(0);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// The watchdog's own side: waits for the end of the supervisor, then ends the process groups of which it was told last
/// and all that carries `mark` or is in the cgroup at `folder`; then restores what drills broke.
pub(crate) fn watch(mark: &str, folder: Option<&Path>) {
    // An error means that the pipe is gone too.
    let (mut groups, mut owed) = (String::new(), String::new());
    for line in io::stdin().lines().map_while(Result::ok) {
        let last = if line.starts_with('{') { &mut owed } else { &mut groups };
        *last = line;
    }
    for group in groups.split(' ').filter_map(|group| group.parse().ok()).filter_map(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
    folder.inspect(|folder| cgroup::end(folder));
    let started = Instant::now();
    while end_marked(mark) && started.elapsed() < KILL_LIMIT {
        thread::sleep(Duration::from_millis(5));
    }
    if let Ok(owed) = serde_json::from_str(&owed) {
        restore::restore(&owed);
    }
}

/// Kills every process with this mark. Returns whether there was one.
fn end_marked(mark: &str) -> bool {
    let Ok(all) = procfs::process::all_processes() else { return false };
    let marked =
        |process: &Process| process.environ().is_ok_and(|all| all.get(OsStr::new(MARK)).is_some_and(|m| m == mark));
    let found: Vec<Pid> = all.flatten().filter(marked).filter_map(|process| Pid::from_raw(process.pid)).collect();
    for pid in &found {
        let _ = rustix::process::kill_process(*pid, Signal::KILL);
    }
    !found.is_empty()
}
