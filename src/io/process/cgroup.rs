//! A cgroup of its own for the command, where this user can make one: no process leaves it by cutting its ties, such as
//! by a session of its own and an empty environment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::Process;
use rustix::process::{Pid, Signal};

use crate::io::random;

/// How long processes that fork again and again are killed.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// A cgroup below that of emp-ops. It is removed with this value, where it is empty then.
pub(crate) struct Cgroup {
    folder: PathBuf,
    /// Takes the ids of the processes that join.
    members: File,
}

impl Cgroup {
    /// Makes one; none if there is no cgroup v2, or where this user may not.
    pub(crate) fn make() -> Option<Self> {
        let own = Process::myself().ok()?;
        let mount = own.mountinfo().ok()?.into_iter().find(|mount| mount.fs_type == "cgroup2")?;
        let below = own.cgroups().ok()?.into_iter().find(|group| group.hierarchy == 0)?.pathname;
        let folder =
            mount.mount_point.join(below.trim_start_matches('/')).join(format!("emp-ops-{}", random::word().ok()?));
        fs::create_dir(&folder).ok()?;
        match OpenOptions::new().write(true).open(folder.join("cgroup.procs")) {
            Ok(members) => Some(Self { folder, members }),
            Err(_) => {
                let _ = fs::remove_dir(&folder);
                None
            }
        }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the ids of the processes that join: `0` for the one that writes.
    ///
    /// # Errors
    /// There are too many open files.
    pub(crate) fn members(&self) -> io::Result<File> {
        self.members.try_clone()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The watchdog does it too, for a process that is killed.
        let _ = fs::remove_dir(&self.folder);
    }
}

/// Kills all processes in the cgroup at `folder`, and removes it.
pub(crate) fn end(folder: &Path) {
    let started = Instant::now();
    while started.elapsed() < KILL_LIMIT {
        // Kernels before 5.14 have no such file.
        if OpenOptions::new()
            .write(true)
            .open(folder.join("cgroup.kill"))
            .and_then(|mut kill| kill.write_all(b"1"))
            .is_err()
        {
            let members = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            for pid in members.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
        }
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => thread::sleep(Duration::from_millis(5)),
            _ => return,
        }
    }
}
