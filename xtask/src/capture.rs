//! How fast `final-dry-run` captures, and how soon incidents show.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::measure::{self, Cost};
use crate::{Outcome, Tool};

const LINES: u64 = 3_000_000;
/// 120 bytes with the line end.
const LINE: &str = "%0119.0f";

pub(crate) fn bench(tool: &Tool) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let script = format!("seq -f {LINE} 1 {LINES}");
    let plain = measure::run(&["sh", "-c", &format!("{script} | cat > {}/reference", folder.path().display())])?;
    println!("  reference: the command | cat > file   {}  {}", plain.text(), rate(plain.wall.as_secs_f64()));
    for compress in ["none", "gz", "zst"] {
        let (cost, seconds) = supervise(tool, folder.path(), compress, &["--compress", compress], &script)?;
        println!(
            "  {LINES} lines of 120 bytes, {compress:4}      {}  {}, {:.2} x reference, before the judgement",
            cost.text(),
            rate(seconds),
            seconds / plain.wall.as_secs_f64()
        );
    }
    let (cost, _) = supervise(tool, folder.path(), "burst", &[], "yes | head -c 200000000")?;
    println!("  100,000,000 equal lines               {}", cost.text());
    idle(tool, folder.path())?;
    latency(tool, folder.path())
}

fn rate(seconds: f64) -> String {
    format!("{:9.0} lines/s", LINES as f64 / seconds)
}

/// The words that supervise `sh -c script` below `root`, without evidence files.
pub(crate) fn rehearsal(tool: &Tool, root: &Path, name: &str, options: &[&str], script: &str) -> Vec<String> {
    let (tool, root) = (tool.path.display().to_string(), root.display().to_string());
    let fixed = [&tool, "final-dry-run", "--no-diary", "--no-performance", "--output-root", &root, "--run-name", name];
    [&fixed, options, &["--", "sh", "-c", script]].concat().into_iter().map(str::to_owned).collect()
}

/// Starts a command whose output nobody reads.
pub(crate) fn start(words: &[String]) -> Result<Child, String> {
    let mut command = Command::new(&words[0]);
    let child = command.args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    child.map_err(|e| format!("cannot start {}: {e}", words[0]))
}

/// Supervises `sh -c script` to its end without judging criteria; checks that every line was counted. Gives the cost
/// of it all, and the seconds of supervision alone.
fn supervise(tool: &Tool, folder: &Path, name: &str, options: &[&str], script: &str) -> Result<(Cost, f64), String> {
    let fixed = ["--duration", "1h", "--required-duration", "0s", "--no-packet", "--fail-on", "never"];
    let words = rehearsal(tool, folder, name, &[&fixed, options].concat(), script);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let cost = measure::run(&words)?;
    if cost.code != 0 {
        return Err(format!("the run {name} ended with code {}", cost.code));
    }
    let record = record(&folder.join(name))?;
    if record["capture"]["lost_lines"] != 0 {
        return Err(format!("the run {name} lost lines: {}", record["capture"]));
    }
    fs::remove_dir_all(folder.join(name)).map_err(|e| e.to_string())?;
    Ok((cost, record["duration_seconds"].as_f64().unwrap_or(f64::NAN)))
}

pub(crate) fn record(run: &Path) -> Result<Value, String> {
    let text = fs::read(run.join("run.json")).map_err(|e| format!("{}: {e}", run.display()))?;
    serde_json::from_slice(&text).map_err(|e| e.to_string())
}

/// What emp-ops itself uses while the command logs a hundred lines a second.
fn idle(tool: &Tool, folder: &Path) -> Outcome {
    let script = "while :; do echo 'an ordinary line of the log, about a hundred bytes long, as many systems write'; sleep 0.0095; done";
    let mut run = start(&rehearsal(tool, folder, "idle", &["--duration", "21s"], script))?;
    thread::sleep(Duration::from_secs(20));
    let stat = fs::read_to_string(format!("/proc/{}/stat", run.id())).map_err(|e| e.to_string())?;
    let fields: Vec<f64> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|f| f.parse().ok()).collect();
    // After the state come ppid … with utime and stime as the 11th and 12th numbers, in hundredths of a second.
    let percent = fields.get(10..12).map_or(f64::NAN, |times| times.iter().sum::<f64>() / 20.0);
    println!("  emp-ops while 100 lines/s come          {percent:.2} % of one core");
    run.wait().map_err(|e| e.to_string())?;
    Ok(())
}

/// From an error line to `progress.json`: the 95th percentile of a hundred.
fn latency(tool: &Tool, folder: &Path) -> Outcome {
    let script = "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo \"{\\\"level\\\":\\\"error\\\",\\\"message\\\":\\\"$(cat /proc/sys/kernel/random/uuid | tr 0-9 g-p)\\\"}\"; sleep 0.2; done";
    let mut run = start(&rehearsal(tool, folder, "latency", &["--duration", "1h"], script))?;
    let progress = folder.join("latency/progress.json");
    let mut seen = 0;
    let mut delays = Vec::new();
    let started = Instant::now();
    while run.try_wait().map_err(|e| e.to_string())?.is_none() && started.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(2));
        let Ok(text) = fs::read(&progress) else { continue };
        let Ok(snapshot) = serde_json::from_slice::<Value>(&text) else { continue };
        let count = snapshot["incident_counts"]["fail"].as_u64().unwrap_or(0);
        if count > seen && snapshot["phase"] == "running" {
            seen = count;
            // The file is refreshed when the incident is in it; the line came when the log was written.
            let written = fs::metadata(&progress).and_then(|m| m.modified()).unwrap_or(SystemTime::now());
            let last = snapshot["last_line_at"].as_str().unwrap_or_default().to_owned();
            delays.push((written, last));
        }
    }
    let mut millis: Vec<f64> =
        delays.iter().filter_map(|(written, last)| Some(since(*written, last)? * 1000.0)).collect();
    millis.sort_by(f64::total_cmp);
    let at = (millis.len() * 95).div_ceil(100).saturating_sub(1);
    let p95 = millis.get(at).copied().unwrap_or(f64::NAN);
    println!("  incident to progress.json               {p95:.1} ms (95th percentile of {})", millis.len());
    Ok(())
}

/// Seconds from the RFC 3339 time `earlier` (today) to `later`.
fn since(later: SystemTime, earlier: &str) -> Option<f64> {
    let clock = earlier.get(11..26)?;
    let mut parts = clock.split(':').filter_map(|p| p.parse::<f64>().ok());
    let (h, m, s) = (parts.next()?, parts.next()?, parts.next()?);
    let of_day = later.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs_f64() % 86_400.0;
    Some(of_day - (h * 3600.0 + m * 60.0 + s))
}
