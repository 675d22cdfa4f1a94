//! Asks a workload whether it is ready, and does what is to be done around its stop: each on a thread of its own, in no
//! workload's group.

use std::io::{self, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use procfs::process::FDTarget;
use rustix::process::Signal;
use serde_json::Value;

use super::child::{self, Launch};
use super::table::Helpers;
use crate::io::files;
use crate::io::stage_client::{Client, Route};
use crate::json::lenient;
use crate::sanitize::shorten;
use crate::supervise::event::StopSignal;
use crate::supervise::redact::Redactor;
use crate::supervise::workloads::check::{Act, Check, Deed, Http, is_equal};
use crate::supervise::workloads::probe::Answer;

/// So much of the output of a program is kept.
const KEPT: usize = 4 << 10;
/// The longest answer that is read.
const BODY: u64 = 256 << 10;
/// The same of one that tells figures.
const FIGURES: u64 = 16 << 20;
/// How often a program is looked after.
const LOOK: Duration = Duration::from_millis(5);

/// What asks and acts for one workload.
#[derive(Clone)]
pub(super) struct Checker {
    pub(super) helpers: Helpers,
    pub(super) redactor: Arc<Redactor>,
    /// The environment and folder of the workload, which are those of its programs too.
    pub(super) launch: Arc<Launch>,
}

impl Checker {
    /// Asks. `tree` are the processes of the workload, where it matters whose the answer is.
    pub(super) fn ask(&self, check: &Check, timeout: Duration, tree: Option<&[u32]>) -> Answer {
        let answer = match check {
            Check::Exec { command } => self.exec(command, timeout),
            Check::Http(http) => self.http(http, timeout),
            Check::Tcp { address } => connect(address, timeout),
            Check::Log(_) => Err("only its log tells".to_owned()),
        };
        let port = match check {
            Check::Http(http) => port_of(&http.url),
            Check::Tcp { address } => address.rsplit(':').next().and_then(|port| port.parse().ok()),
            _ => None,
        };
        let own = tree.zip(port).filter(|_| answer.is_ok()).map(|(tree, port)| listens(port, tree));
        let (ok, message) = match answer {
            Ok(message) => (true, message),
            Err(message) => (false, message),
        };
        Answer { ok, own, message: shorten(&self.redactor.text(message.into()), 300) }
    }

    /// Does what is to be done, in order. Gives one sentence for each that failed.
    pub(super) fn act(&self, acts: &[Act], group: Option<u32>) -> Vec<String> {
        let mut faults = Vec::new();
        for Act { deed, timeout, shown } in acts {
            if let Err(why) = self.deed(deed, *timeout, group) {
                faults.push(shorten(&self.redactor.text(format!("{shown}: {why}").into()), 300));
            }
        }
        faults
    }

    /// Does one thing. Gives what came of it, in words.
    pub(super) fn deed(&self, deed: &Deed, timeout: Duration, group: Option<u32>) -> Result<String, String> {
        match deed {
            Deed::Exec { command } => self.exec(command, timeout),
            Deed::Http(http) => self.http(http, timeout),
            // Asked to stop, it is started again by the policy of restarts.
            Deed::Restart => {
                group.inspect(|group| child::signal_group(*group, StopSignal::Interrupt));
                Ok(String::new())
            }
            Deed::Signal { signal, .. } => {
                group.inspect(|group| child::signal_group(*group, *signal));
                Ok(String::new())
            }
            Deed::Touch { path } => touch(Path::new(path)),
            Deed::Remove { path } => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.to_string()),
                _ => Ok(String::new()),
            },
            Deed::Wait { time } => {
                thread::sleep((*time).min(timeout));
                Ok(String::new())
            }
        }
    }

    fn exec(&self, command: &[String], timeout: Duration) -> Result<String, String> {
        let (status, said) = self.run(command, timeout)?;
        let said = if said.is_empty() { said } else { format!(": {said}") };
        match status {
            Ok(status) if status.success() => Ok(format!("{} exited with code 0{said}", command[0])),
            Ok(status) => Err(format!("{} {}{said}", command[0], child::exit_of(status).text())),
            Err(why) => Err(format!("{} {why}{said}", command[0])),
        }
    }

    /// What a program prints last that ends with code 0.
    pub(super) fn output(&self, command: &[String], timeout: Duration) -> Result<String, String> {
        match self.run(command, timeout)? {
            (Ok(status), said) if status.success() => Ok(said),
            (Ok(status), _) => Err(format!("{} {}", command[0], child::exit_of(status).text())),
            (Err(why), _) => Err(format!("{} {why}", command[0])),
        }
    }

    /// What a server answers.
    pub(super) fn fetch(&self, url: &str, timeout: Duration) -> Result<String, String> {
        let client = Client::new(&Route { base: url.to_owned(), direct: true, ..Route::default() })?;
        let asked = client.ask("GET", None, timeout, FIGURES);
        match asked.map_err(|why| format!("{url}: {why}"))? {
            (200..300, _, Some(broken)) => Err(format!("{url}: {broken}")),
            (200..300, body, None) => Ok(lenient::text(&body).into_owned()),
            (status, ..) => Err(format!("{url} answered {status}")),
        }
    }

    /// Runs a program: how it ended, and what it printed last.
    fn run(
        &self,
        command: &[String],
        timeout: Duration,
    ) -> Result<(Result<std::process::ExitStatus, String>, String), String> {
        let mut program = Command::new(&command[0]);
        program.args(&command[1..]).envs(self.launch.environment.iter().map(|(name, value)| (name, value)));
        // It is no part of the workload, whose processes carry this.
        program.env_remove(super::table::WORKLOAD).process_group(0);
        for name in &self.launch.hidden {
            program.env_remove(name);
        }
        if let Some(folder) = &self.launch.folder {
            program.current_dir(folder);
        }
        let (mut reader, writer) = io::pipe().map_err(|error| error.to_string())?;
        let second = writer.try_clone().map_err(|error| error.to_string())?;
        program.stdin(Stdio::null()).stdout(writer).stderr(second);
        let spawned = self.helpers.spawn(&mut program);
        drop(program);
        let mut child = spawned.map_err(|error| format!("cannot start {}: {error}", command[0]))?;
        let output = thread::spawn(move || {
            let (mut kept, mut chunk) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = reader.read(&mut chunk) {
                kept.extend_from_slice(&chunk[..read]);
                kept.drain(..kept.len().saturating_sub(KEPT));
            }
            kept
        });
        let started = Instant::now();
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(status),
                Ok(None) if started.elapsed() >= timeout => break Err("took too long and was killed".to_owned()),
                Ok(None) => thread::sleep(LOOK.min(timeout)),
                Err(error) => break Err(error.to_string()),
            }
        };
        // What it started goes with it.
        if let Some(group) = child::as_pid(child.id()) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        self.helpers.remove(child.id());
        // Somebody who left the group may hold the pipe for ever.
        let ended = Instant::now();
        while !output.is_finished() && ended.elapsed() < Duration::from_millis(100) {
            thread::sleep(LOOK);
        }
        let kept = if output.is_finished() { output.join().unwrap_or_default() } else { Vec::new() };
        Ok((status, String::from_utf8_lossy(&kept).trim().to_owned()))
    }

    fn http(&self, http: &Http, timeout: Duration) -> Result<String, String> {
        let route = Route { base: http.url.clone(), direct: true, ..Route::default() };
        let client = Client::new(&route)?;
        let asked = client.ask(&http.method, http.body.as_deref(), timeout, BODY);
        let (status, body, broken) = asked.map_err(|why| format!("{}: {why}", http.url))?;
        let wanted = http.status.map_or((200..300).contains(&status), |wanted| wanted == status);
        let told = format!("{} answered {status}", http.url);
        let Some(pointer) = http.pointer.as_ref().filter(|_| wanted) else {
            return if wanted { Ok(told) } else { Err(told) };
        };
        if let Some(broken) = broken {
            return Err(format!("{told}: {broken}"));
        }
        let document = lenient::parse(&lenient::text(&body)).map_err(|error| format!("{told}: {error}"))?;
        let found = document.pointer(pointer).ok_or_else(|| format!("{told}: there is nothing at {pointer}"))?;
        let met = match &http.equals {
            Some(wanted) => is_equal(found, wanted),
            None => !matches!(found, Value::Null | Value::Bool(false)),
        };
        let told = format!("{told}, {pointer} is {found}");
        if met { Ok(told) } else { Err(told) }
    }
}

fn connect(address: &str, timeout: Duration) -> Result<String, String> {
    let addresses = address.to_socket_addrs().map_err(|error| format!("{address}: {error}"))?;
    let mut last = format!("{address}: no address");
    for one in addresses {
        match TcpStream::connect_timeout(&one, timeout) {
            Ok(_) => return Ok(format!("{address} takes connections")),
            Err(error) => last = format!("{address}: {error}"),
        }
    }
    Err(last)
}

fn touch(path: &Path) -> Result<String, String> {
    // Appending nothing makes the file, and leaves what it holds.
    files::append(path, b"").map_err(|error| error.to_string())?;
    let now = std::fs::FileTimes::new().set_modified(std::time::SystemTime::now());
    let file = files::open_found(path).and_then(|file| file.set_times(now));
    file.map(|()| String::new()).map_err(|error| error.to_string())
}

/// The port of a URL.
fn port_of(url: &str) -> Option<u16> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    uri.port_u16().or(if uri.scheme_str() == Some("https") { Some(443) } else { Some(80) })
}

/// Whether one of these processes listens on a port.
fn listens(port: u16, tree: &[u32]) -> bool {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()].into_iter().flatten().flatten();
    let inodes: Vec<u64> = tables
        .filter(|entry| entry.state == procfs::net::TcpState::Listen && entry.local_address.port() == port)
        .map(|entry| entry.inode)
        .collect();
    let holds = |pid: &u32| {
        let process = i32::try_from(*pid).ok().and_then(|pid| procfs::process::Process::new(pid).ok());
        let files = process.and_then(|process| process.fd().ok()).into_iter().flatten().flatten();
        files.into_iter().any(|file| matches!(file.target, FDTarget::Socket(inode) if inodes.contains(&inode)))
    };
    tree.iter().any(holds)
}
