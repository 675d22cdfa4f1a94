//! A supervised command as a process group.

use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal};

use super::cgroup::Cgroup;
use super::pipe::Pipe;
use crate::io::files;
use crate::supervise::event::{Exit, StopSignal};

/// What is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program and its arguments; never empty.
    pub command: Vec<String>,
    /// Variables that are set for it, over the environment of emp-ops.
    pub environment: Vec<(String, String)>,
    /// Variables of the environment of emp-ops that it does not get.
    pub hidden: Vec<String>,
    /// The folder in which it runs; that of emp-ops where none is given.
    pub folder: Option<PathBuf>,
    /// What it reads; nothing where none is given.
    pub stdin: Option<PathBuf>,
    /// Whether it writes to a pseudo-terminal, where both streams are one.
    pub tty: bool,
}

/// A command that was started.
pub(crate) struct Started {
    /// For waiting.
    pub child: Child,
    /// Its process id, which is that of its group too.
    pub pid: u32,
    /// Its standard output.
    pub stdout: Pipe,
    /// Its standard error; none if both are one.
    pub stderr: Option<Pipe>,
}

/// Makes this process the parent of every orphan below it, so that daemonised grandchildren can be found.
///
/// # Errors
/// The kernel refuses.
pub(crate) fn become_subreaper() -> io::Result<()> {
    Ok(rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?)
}

/// Starts a command in a process group of its own. It is killed when the calling thread ends, so call this from
/// the main thread: a killed emp-ops must not leave the command running unwatched.
///
/// # Errors
/// The command is not found or not executable.
pub(crate) fn start(launch: &Launch, cgroup: Option<&Cgroup>) -> io::Result<Started> {
    let mut command = Command::new(&launch.command[0]);
    for name in &launch.hidden {
        command.env_remove(name);
    }
    command.args(&launch.command[1..]).envs(launch.environment.iter().map(|(k, v)| (k, v)));
    let stdin = launch.stdin.as_ref().map(|path| files::open_found(path)).transpose()?;
    command.stdin(stdin.map_or_else(Stdio::null, Stdio::from));
    let terminal = launch.tty.then(Pipe::terminal).transpose()?;
    match &terminal {
        Some((_, end)) => command.stdout(end.try_clone()?).stderr(end.try_clone()?),
        // The leader of a session is that of a group already.
        None => command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0),
    };
    if let Some(folder) = &launch.folder {
        command.current_dir(folder);
    }
    prepare_child(&mut command, cgroup.map(Cgroup::members).transpose()?, launch.tty);
    let mut child = command.spawn()?;
    if let Some((stdout, _)) = terminal {
        return Ok(Started { pid: child.id(), child, stdout, stderr: None });
    }
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(io::Error::other("the pipes of the command are missing"));
    };
    // A large pipe spares the command from waiting; the default size works too.
    let _ = rustix::pipe::fcntl_setpipe_size(&stdout, 1 << 20);
    let _ = rustix::pipe::fcntl_setpipe_size(&stderr, 1 << 20);
    Ok(Started { pid: child.id(), child, stdout: Pipe::new(stdout), stderr: Some(Pipe::new(stderr)) })
}

/// Has the child killed when its parent ends, and has it join the cgroup that takes its `members`; with a terminal it gets
/// a session of its own.
#[expect(unsafe_code, reason = "the parent-death signal can only be set between fork and exec")]
fn prepare_child(command: &mut Command, members: Option<File>, tty: bool) {
    let parent = rustix::process::getpid();
    // SAFETY: these are system calls without allocation, which are allowed between fork and exec.
    unsafe {
        command.pre_exec(move || {
            if let Some(members) = &members {
                // Best effort: the run can do without.
                let _ = rustix::io::write(members, b"0");
            }
            if tty {
                rustix::process::setsid()?;
                // Whoever has no terminal of its own finds it by its output.
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdout())?;
            }
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            // The parent may have died before that took effect.
            if rustix::process::getppid() == Some(parent) { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        });
    }
}

/// How a process ended.
pub(crate) fn exit_of(status: ExitStatus) -> Exit {
    Exit { code: status.code(), signal: status.signal() }
}

/// Sends a signal to the whole process group. A group that is gone is no error.
pub(crate) fn signal_group(pid: u32, signal: StopSignal) {
    let signal = match signal {
        StopSignal::Interrupt => Some(Signal::INT),
        StopSignal::Other(number) => Signal::from_named_raw(number),
        StopSignal::Terminate => Some(Signal::TERM),
        StopSignal::Kill => Some(Signal::KILL),
    };
    if let (Some(group), Some(signal)) = (as_pid(pid), signal) {
        let _ = rustix::process::kill_process_group(group, signal);
        // A stopped process cannot act on a polite signal.
        if signal != Signal::STOP {
            let _ = rustix::process::kill_process_group(group, Signal::CONT);
        }
    }
}

pub(crate) fn as_pid(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}
