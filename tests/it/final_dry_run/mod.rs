//! Rehearsals with real children.

mod capture;
mod checklist;
mod components;
mod disk;
mod drill;
mod drills;
mod ending;
mod guards;
mod isolation;
mod notifications;
mod options;
mod pitfalls;
mod receipt;
mod seen;
mod workloads;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Bench, Output, wait_for};

/// A rehearsal that is over.
struct Run {
    output: Output,
    folder: PathBuf,
    record: Value,
}

impl Run {
    fn incidents(&self) -> Vec<(String, String)> {
        let text = |i: &Value, key: &str| i[key].as_str().unwrap().to_owned();
        let all = self.record["incidents"].as_array().unwrap();
        all.iter().map(|i| (format!("{} {}", text(i, "severity"), text(i, "kind")), text(i, "message"))).collect()
    }

    #[track_caller]
    fn has(&self, kind: &str, message: &str) {
        let found = self.incidents();
        assert!(
            found.iter().any(|(k, m)| k == kind && m.contains(message)),
            "no {kind:?} with {message:?} in {found:?}"
        );
    }

    fn structured(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for name in self.record["evidence"]["logs"].as_array().unwrap() {
            let file = fs::File::open(self.folder.join(name.as_str().unwrap())).unwrap();
            records.extend(BufReader::new(file).lines().map(|l| serde_json::from_str::<Value>(&l.unwrap()).unwrap()));
        }
        records
    }

    fn raw(&self) -> Vec<u8> {
        let logs = self.record["evidence"]["raw_logs"].as_array().unwrap();
        logs.iter().flat_map(|name| fs::read(self.folder.join(name.as_str().unwrap())).unwrap()).collect()
    }
}

/// Options for a short run without evidence files, so that a test shows one thing at a time.
const SHORT: &[&str] = &["--no-diary", "--no-performance", "--run-name", "r"];

/// Options of a simulated run whose verdict must not depend on how fast the machine is: the limits that grow with the
/// length of a run are tight for a short one.
const UNHURRIED: &[&str] =
    &["--warn-gap=1m", "--fail-gap=1m", "--live-gap=1m", "--diary-stale-fail=1m", "--performance-stale-fail=1m"];

/// Supervises `sh -c script` with these options.
fn rehearse(bench: &Bench, options: &[&str], script: &str) -> Run {
    finish(bench, bench.run(&[&["final-dry-run"], SHORT, options, &["--", "sh", "-c", script]].concat()))
}

fn finish(bench: &Bench, output: Output) -> Run {
    let folder = bench.path().join("runs/r");
    let record = fs::read(folder.join("run.json")).unwrap_or_else(|e| panic!("{e}: {output:?}"));
    Run { record: serde_json::from_slice(&record).unwrap(), folder, output }
}

/// Starts a rehearsal in the background and waits until its log shows a first line.
fn start(bench: &Bench, options: &[&str], script: &str) -> Running {
    let mut command = bench.command(&[&["final-dry-run"], SHORT, options, &["--", "sh", "-c", script]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let running = Running(Some(child));
    wait_for(|| {
        let logs = fs::read_dir(bench.path().join("runs/r/logs")).ok()?;
        logs.flatten().any(|f| f.metadata().is_ok_and(|m| m.len() > 0)).then_some(())
    });
    running
}

/// A rehearsal in the background, which does not outlive a test that fails.
struct Running(Option<Child>);

impl Running {
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(self.0.as_ref().unwrap()), signal).unwrap();
    }

    /// Waits until the progress file contains this.
    fn wait_until_told(&self, bench: &Bench, what: &str) {
        let progress = bench.path().join("runs/r/progress.json");
        wait_for(|| fs::read_to_string(&progress).ok()?.contains(what).then_some(()));
    }

    fn output(mut self) -> Output {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn alive(pid: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z') && !rest.is_empty())
}

fn number_in(path: &Path) -> u32 {
    wait_for(|| fs::read_to_string(path).ok()?.trim().parse().ok())
}

/// A gate of a run, as its summary has it.
fn gate(folder: &Path, name: &str) -> Value {
    let summary: Value = serde_json::from_slice(&fs::read(folder.join("summary.json")).unwrap()).unwrap();
    let gates = summary["summary"]["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["name"] == name).unwrap_or_else(|| panic!("no {name}: {gates:?}")).clone()
}

/// The verdict is the same wherever it is derived again.
fn agrees(bench: &Bench, run: &Run) {
    for place in ["runs/r", "runs/r/packet", "runs/r/r-packet.tar.gz"] {
        let _ = bench.run(&["audit", place, "--quiet"]).exits(run.output.code);
    }
}
