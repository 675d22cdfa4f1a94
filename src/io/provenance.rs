//! Finds out who runs what, where.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::packet::checksums;
use crate::digest::sha256;
use crate::supervise::provenance::{Commit, Provenance};

/// How long git may take, in a large working tree.
const GIT_LIMIT: Duration = Duration::from_secs(5);

/// The provenance of a run that starts `program`. `shown` is its command line as documents show it; `hidden` are
/// variables that no child may see.
pub(crate) fn collect(program: &str, shown: &[String], hidden: &[String]) -> Provenance {
    Provenance {
        user: user(),
        host: line_of("/proc/sys/kernel/hostname").unwrap_or_else(|| "unknown".to_owned()),
        // Applications are asked never to show the id itself.
        machine: line_of("/etc/machine-id").map(|id| sha256(format!("emp-ops {id}").as_bytes())[..32].to_owned()),
        cpus: thread::available_parallelism().ok().map(|cpus| cpus.get() as u64),
        container: fs::read_to_string("/proc/self/mountinfo").ok().as_deref().and_then(container),
        emp_ops_version: env!("CARGO_PKG_VERSION").to_owned(),
        command: shown.to_vec(),
        program_sha256: program_path(program)
            .and_then(|path| File::open(path).ok())
            .and_then(|file| checksums::digest(file).ok())
            .map(|(sha256, _)| sha256),
        commit: commit(hidden),
        subjects: Vec::new(),
    }
}

/// The file that is started for `program`, as the shell would find it.
fn program_path(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program));
    }
    let paths = env::var_os("PATH")?;
    env::split_paths(&paths).map(|folder| folder.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// The first line of a small file, if it holds anything.
fn line_of(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

/// The login name of the user; the number where nobody has it.
pub(crate) fn user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("uid {uid}"))
}

/// The id of a container from its mounts: Docker, containerd and Podman have it in the path of a file.
fn container(mounts: &str) -> Option<String> {
    let is_id = |part: &&str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let of_containers = mounts.lines().filter(|line| line.contains("/containers/") || line.contains("/sandboxes/"));
    of_containers.flat_map(|line| line.split(['/', ' '])).find(is_id).map(str::to_owned)
}

/// The commit of the working directory.
fn commit(hidden: &[String]) -> Option<Commit> {
    let id = git(&["rev-parse", "--verify", "HEAD"], hidden, 80)?;
    let id = id.trim().to_owned();
    let status = git(&["status", "--porcelain", "--untracked-files=no"], hidden, 1);
    Some(Commit { id, dirty: status.map(|status| !status.is_empty()) })
}

/// What git prints, at most `most` bytes of it; none if it fails or takes too long. It runs no program that the
/// working tree names.
fn git(arguments: &[&str], hidden: &[String], most: u64) -> Option<String> {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]).args(arguments);
    command.env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    for name in hidden {
        command.env_remove(name);
    }
    let mut child = command.spawn().ok()?;
    let output = child.stdout.take()?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        output.take(most).read_to_end(&mut text).map(|_| text)
    });
    let start = Instant::now();
    // One byte is enough to know that there are changes; git is not waited for then.
    while !reader.is_finished() && start.elapsed() < GIT_LIMIT {
        thread::sleep(Duration::from_millis(5));
    }
    if !reader.is_finished() {
        let _ = child.kill();
        let _ = child.wait();
        return None;
    }
    let text = String::from_utf8(reader.join().ok()?.ok()?).ok()?;
    let full = text.len() as u64 == most;
    if full {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    (full || status.success()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_container_is_found_in_its_mounts_and_nowhere_else() {
        let id = "0123456789abcdef".repeat(4);
        let docker =
            format!("1 2 8:1 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/a rw\n");
        assert_eq!(container(&docker), Some(id.clone()));
        assert_eq!(container(&format!("1 2 8:1 / /home/{id} rw - ext4 /dev/a rw\n")), None);
    }

    #[test]
    fn the_program_is_digested_and_the_user_named() {
        let shown = ["sh".to_owned(), "-c".to_owned(), "…".to_owned()];
        let provenance = collect("sh", &shown, &[]);
        assert!(provenance.program_sha256.is_some_and(|digest| digest.len() == 64));
        assert!(!provenance.user.is_empty() && !provenance.host.is_empty());
        assert_eq!(provenance.command, shown);
    }
}
