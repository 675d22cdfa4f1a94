//! Rehearsals whose supervisor is killed while it seals the evidence: each is complete or not completed, never altered,
//! and `watch` says the same as `audit`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Outcome, Tool};

/// The command: enough lines that the sealing takes a while, and none that fails.
const SCRIPT: &str = "seq -f 'INFO line %.0f' 20000";

pub(crate) fn run(tool: &Tool, trials: u64) -> Outcome {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let window = {
        let mut child = start(tool, folder.path(), "whole")?;
        until_sealing(&mut child, &folder.path().join("whole"))?;
        let began = Instant::now();
        child.wait().map_err(|e| e.to_string())?;
        began.elapsed()
    };
    println!("  the sealing takes {window:?}");
    let (mut cut_short, mut complete, mut left_behind, mut wrong) = (0, 0, 0, Vec::new());
    for trial in 0..trials {
        let name = format!("r{trial}");
        let run = folder.path().join(&name);
        let mut child = start(tool, folder.path(), &name)?;
        until_sealing(&mut child, &run)?;
        // Spread evenly, in an order that is no series.
        thread::sleep(window.mul_f64((trial * 7919 % trials) as f64 / trials as f64 * 1.1));
        let _ = child.kill();
        child.wait().map_err(|e| e.to_string())?;
        match judge(tool, &run) {
            Ok(true) => complete += 1,
            Ok(false) => cut_short += 1,
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
        let names =
            Command::new("find").arg(&run).args(["-name", "*.tmp*"]).output().map_err(|e| e.to_string())?.stdout;
        left_behind += String::from_utf8_lossy(&names).lines().count();
        fs::remove_dir_all(&run).map_err(|e| e.to_string())?;
    }
    println!("  {trials} killed: {complete} complete, {cut_short} not completed, {left_behind} temporary files left");
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn start(tool: &Tool, folder: &Path, name: &str) -> Result<Child, String> {
    Command::new(&tool.path)
        .args([
            "final-dry-run",
            "-q",
            "--no-diary",
            "--no-performance",
            "--duration",
            "1h",
            "--required-duration",
            "0s",
        ])
        .args(["--min-uptime", "0", "--output-root"])
        .arg(folder)
        .args(["--run-name", name, "--", "sh", "-c", SCRIPT])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())
}

/// Waits until the record says that the run is being sealed, or the run is over.
fn until_sealing(child: &mut Child, run: &Path) -> Outcome {
    while child.try_wait().map_err(|e| e.to_string())?.is_none() {
        let record = fs::read_to_string(run.join("run.json")).unwrap_or_default();
        if record.contains("\"sealing\"") || record.contains("\"complete\"") {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Whether the run is complete, by both commands; or what is wrong with what they say.
fn judge(tool: &Tool, run: &Path) -> Result<bool, String> {
    let ask = |command: &str, options: &[&str]| -> Result<Value, String> {
        let output =
            Command::new(&tool.path).arg(command).arg(run).args(options).output().map_err(|e| e.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|e| format!("{command} printed no JSON: {e}"))
    };
    let audit = ask("audit", &["-q", "--format", "json"])?;
    let watch = ask("watch", &["--once", "--format", "json"])?;
    let differs = audit["record"]["differs"].as_array().map_or(0, Vec::len);
    if differs > 0 {
        return Err(format!("an honest run is accused: {}", audit["record"]["differs"]));
    }
    if audit["verdict"] != watch["verdict"] {
        return Err(format!("audit says {}, watch {} ({})", audit["verdict"], watch["verdict"], watch["because"]));
    }
    let not_completed = audit["findings"].to_string().contains("was not completed");
    if (audit["verdict"] == "fail") != not_completed {
        return Err(format!("it is {}, but not because it was not completed", audit["verdict"]));
    }
    // A packet that was not finished is never taken for one.
    let packet = run.join("packet");
    if packet.exists() && not_completed {
        let output = Command::new(&tool.path).args(["audit", "-q"]).arg(&packet).output().map_err(|e| e.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if text.contains("was changed") || text.contains("not in its manifest") {
            return Err(format!("its packet is accused: {text}"));
        }
    }
    Ok(!not_completed)
}
