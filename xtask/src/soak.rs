//! A long run under faults: rotation, restarts, floods, leaked processes, a log directory that vanishes.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::capture::record;
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

pub(crate) fn run(tool: &Tool, minutes: f64) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let state = format!("STATE={}/state", folder.path().display());
    let duration = format!("{:.0}s", (minutes * 60.0).max(20.0));
    let mut command = Command::new(&tool.path);
    command.args(["final-dry-run", "--no-diary", "--no-performance", "--run-name", "soak", "--no-packet"]);
    command.args(["--duration", &duration, "--env", &state, "--restart", "always", "--max-restarts", "100000"]);
    command.args(["--backoff", "200ms", "--backoff-max", "200ms", "--rotate-size", "8MiB", "--sample-interval", "1s"]);
    command.args(["--compress", "gz", "--progress-interval", "5s", "--fail-on", "never", "--output-root"]);
    command.arg(folder.path()).args(["--", "sh", "-c", SCRIPT]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let run = folder.path().join("soak");
    let started = Instant::now();
    let mut memory = Vec::new();
    let mut removed = false;
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        thread::sleep(Duration::from_millis(500));
        memory.extend(resident(child.id()));
        if !removed && started.elapsed().as_secs_f64() > minutes * 30.0 {
            removed = true;
            fs::remove_dir_all(run.join("logs")).map_err(|e| e.to_string())?;
            println!("  half-way: the log directory was removed");
        }
    }
    judge(&run, folder.path(), &memory)
}

/// Resident memory of a process in KiB.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|l| l.strip_prefix("VmRSS:")?.trim().split(' ').next()?.parse().ok())
}

fn judge(run: &Path, folder: &Path, memory: &[u64]) -> Outcome {
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
    let half = memory.len() / 2;
    let peak = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (early, late) = (peak(&memory[..half]), peak(&memory[half..]));
    println!("  memory of emp-ops: {early} KiB at most in the first half, {late} KiB in the second");
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
    if !leaked.is_empty() {
        wrong.push("processes were leaked".to_owned());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
