//! A long run under faults: rotation, restarts, floods, leaked processes, a log directory that vanishes.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::capture::{record, rehearsal, start};
use crate::{Outcome, Tool};

/// The command: numbered lines in bursts and pauses, now and then a crash or a process left behind.
const SCRIPT: &str = r#"
n=0
[ -f "$STATE" ] && n=$(cat "$STATE")
while :; do
  seq -f "line %.0f of the soak" $((n + 1)) $((n + 2000)); n=$((n + 2000)); echo $n > "$STATE"
  sleep 0.05
  case $((n / 2000 % 200)) in 50) (setsid sleep 3600 &) ;; 199) exit 1 ;; esac
done
"#;

/// The memory that emp-ops may take, in KiB.
const LIMIT: u64 = 32 << 10;

pub(crate) fn run(tool: &Tool, minutes: f64) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let state = format!("STATE={}/state", folder.path().display());
    let length = Duration::from_secs_f64((minutes * 60.0).max(20.0).round());
    let duration = format!("{}s", length.as_secs());
    let options = [
        &["--no-packet", "--fail-on", "never", "--duration", &duration, "--env", &state][..],
        &["--restart", "always", "--max-restarts", "100000", "--backoff", "200ms", "--backoff-max", "200ms"],
        &["--rotate-size", "8MiB", "--compress", "gz", "--sample-interval", "1s", "--progress-interval", "5s"],
    ];
    let mut child = start(&rehearsal(tool, folder.path(), "soak", &options.concat(), SCRIPT))?;
    let run = folder.path().join("soak");
    let started = Instant::now();
    let mut memory = Memory::default();
    let mut removed = false;
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        thread::sleep(Duration::from_millis(500));
        let part = match started.elapsed() {
            past if past < length / 2 => &mut memory.first_half,
            past if past < length => &mut memory.second_half,
            _ => &mut memory.judging,
        };
        *part = (*part).max(resident(child.id()).unwrap_or(0));
        if !removed && started.elapsed() > length / 2 {
            removed = true;
            // Moved first: what is written meanwhile would stand in the way of its removal.
            let gone = folder.path().join("gone");
            let removed = fs::rename(run.join("logs"), &gone).and_then(|()| fs::remove_dir_all(gone));
            if let Err(error) = removed {
                let _ = child.kill();
                return Err(format!("cannot remove the log directory: {error}"));
            }
            println!("  half-way: the log directory was removed");
        }
    }
    judge(&run, folder.path(), &memory)
}

/// The most memory that emp-ops held, in KiB.
#[derive(Default)]
struct Memory {
    first_half: u64,
    second_half: u64,
    /// When the command was stopped: while its evidence was judged.
    judging: u64,
}

/// Resident memory of a process in KiB.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok())
}

fn judge(run: &Path, folder: &Path, memory: &Memory) -> Outcome {
    let record = record(run)?;
    let capture = &record["capture"];
    let number = |v: &serde_json::Value| v.as_u64().unwrap_or_default();
    let written: u64 = fs::read_to_string(folder.join("state")).ok().and_then(|t| t.trim().parse().ok()).unwrap_or(0);
    let (total, lost) = (number(&capture["total_lines"]), number(&capture["lost_lines"]));
    let logs = record["evidence"]["logs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut kept = 0;
    for log in logs {
        let path = run.join(log.as_str().unwrap_or_default());
        let output = Command::new("sh").args(["-c", "gzip -dc \"$1\" | wc -l", "sh"]).arg(path).output();
        let text = output.map_err(|e| e.to_string())?.stdout;
        kept += String::from_utf8_lossy(&text).trim().parse::<u64>().unwrap_or(0);
    }
    let attempts = record["attempts"].as_array().map_or(0, Vec::len);
    println!(
        "  {attempts} attempts, {} log parts, {total} lines captured, {kept} kept, {lost} lost with the directory",
        logs.len()
    );
    let Memory { first_half: early, second_half: late, judging } = *memory;
    println!(
        "  memory of emp-ops: {early} KiB at most in the first half, {late} KiB in the second, {judging} KiB while \
         it judged the evidence"
    );
    let leaked = Command::new("pgrep").args(["-f", "^sleep 3600$"]).output().map_err(|e| e.to_string())?.stdout;
    let mut wrong = Vec::new();
    if kept + lost != total {
        wrong.push(format!("{total} lines were captured, but {kept} kept and {lost} lost"));
    }
    // The last burst may be cut by the stop, and a burst is written before its number.
    if total < written || total > written + 2000 * attempts as u64 {
        wrong.push(format!("the command wrote {written} lines, {total} were captured"));
    }
    if late > early + early / 4 + 2048 {
        wrong.push("memory grows".to_owned());
    }
    if early.max(late).max(judging) > LIMIT {
        wrong.push(format!("emp-ops took more than {LIMIT} KiB"));
    }
    if !leaked.is_empty() {
        wrong.push("processes were leaked".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
