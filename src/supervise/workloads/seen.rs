//! A workload at one instant, as snapshots show it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::probe::ProbeSeen;
use super::state::State;
use crate::finding::{Status, count, percent};
use crate::json::lenient::{natural, real};
use crate::time::{Stamp, human_seconds};

/// A workload at one instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WorkloadSeen {
    /// Its state.
    pub state: State,
    /// Since when it is in that state.
    pub since: Stamp,
    /// Why.
    pub because: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// Whether it must end.
    pub job: bool,
    /// The number of its last start; 0 before the first.
    pub attempt: u64,
    /// How many times it was tried to start it again.
    pub restarts: u64,
    /// Its process; none if none runs.
    pub pid: Option<u32>,
    /// Whether its probe passes; none without a probe.
    pub ready: Option<bool>,
    /// The last answer to its probe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<ProbeSeen>,
    /// CPU since the sample before, in percent of one core; none if it was not sampled.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Processes in its tree.
    pub processes: Option<u64>,
    /// Lines captured so far.
    pub lines: u64,
    /// The same for each second of the run.
    pub lines_per_second: f64,
    /// How long ago the last line came, in seconds.
    pub last_line_age_seconds: Option<f64>,
    /// The share of the time since its conditions were met first in which it was up; none for a job.
    pub uptime_ratio: Option<f64>,
    /// What it waits for.
    pub waiting_for: Vec<String>,
    /// When it is started again, at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start_at: Option<Stamp>,
    /// Incidents of it by severity.
    pub incident_counts: BTreeMap<Status, u64>,
    /// Its last starts before the present one, in their order; the record has all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

/// So many earlier starts are shown.
pub(crate) const EARLIER: usize = 5;

/// A start of a workload that is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Earlier {
    /// Counts from 1.
    pub attempt: u64,
    /// When it was started.
    pub started_at: Option<Stamp>,
    /// When it had ended.
    pub ended_at: Option<Stamp>,
    /// Its exit code, where it ended by exiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// The signal that ended it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<i64>,
    /// Why it ended, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Earlier {
    fn read(seen: &Value) -> Option<Self> {
        let at = |key: &str| seen.get(key).and_then(Value::as_str).and_then(Stamp::parse);
        Some(Self {
            attempt: natural(seen.get("attempt"))?,
            started_at: at("started_at"),
            ended_at: at("ended_at"),
            exit_code: seen.get("exit_code").and_then(Value::as_i64),
            signal: seen.get("signal").and_then(Value::as_i64),
            reason: seen.get("reason").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// `2: exited with code 7, ended by itself, after 3s at 2026-01-01 10:00:03Z`.
    pub fn told(&self) -> String {
        let how = match (self.exit_code, self.signal) {
            (Some(code), _) => Some(format!("exited with code {code}")),
            (None, Some(signal)) => Some(format!("ended by signal {signal}")),
            (None, None) => None,
        };
        let lasted = self.started_at.zip(self.ended_at);
        let lasted =
            lasted.map(|(from, to)| format!("after {} at {}", human_seconds(to.seconds_since(from)), to.human()));
        let told: Vec<String> = [how, self.reason.clone(), lasted].into_iter().flatten().collect();
        format!(
            "{}: {}",
            self.attempt,
            if told.is_empty() { "how it ended is not known".to_owned() } else { told.join(", ") }
        )
    }
}

/// The earlier starts of a workload in a snapshot.
pub(crate) fn earlier(seen: Option<&Value>) -> Vec<Earlier> {
    let list = seen.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Earlier::read).collect()
}

/// A workload as a reader meets it in a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Worker {
    /// Its name.
    pub name: String,
    /// Its state, in lower case.
    pub state: String,
    /// Why.
    pub because: String,
    /// Whether the rehearsal fails with it.
    pub required: bool,
    /// How many times it was started again.
    pub restarts: u64,
    /// Since when it is in its state.
    pub since: Option<Stamp>,
    /// CPU in percent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Lines for each second of the run.
    pub lines_per_second: Option<f64>,
    /// How long ago its last line came, in seconds.
    pub last_line_age_seconds: Option<f64>,
    /// The share of the time in which it was up.
    pub uptime_ratio: Option<f64>,
    /// The number of its last start; 0 before the first.
    pub attempt: u64,
    /// Its process; none if none runs.
    pub pid: Option<u64>,
    /// The last answer to its probe, in words; none if there is none.
    pub probe: Option<String>,
    /// What it waits for.
    pub waiting_for: Vec<String>,
    /// When it is started again, at the earliest.
    pub next_start_at: Option<Stamp>,
    /// Its last starts before the present one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

impl Worker {
    /// The order in which people look at them: the lower, the sooner.
    pub fn rank(&self) -> usize {
        const WORST_FIRST: [&str; 11] = [
            "failed",
            "skipped",
            "hung",
            "unready",
            "restarting",
            "stopping",
            "waiting",
            "pending",
            "starting",
            "running",
            "ready",
        ];
        WORST_FIRST.iter().position(|word| *word == self.state).unwrap_or(WORST_FIRST.len())
    }

    /// How bad its state is.
    pub fn status(&self) -> Status {
        match (self.state.as_str(), self.required) {
            ("failed" | "skipped", true) => Status::Fail,
            ("failed" | "skipped" | "restarting" | "hung" | "unready", _) => Status::Warn,
            _ => Status::Pass,
        }
    }

    /// What is told of it where it is looked at alone: why it is in its state, its attempts, its probe, what it waits for.
    pub fn details(&self) -> Vec<(&'static str, String)> {
        let process = self.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
        let some = [
            ("because", Some(self.because.clone())),
            ("attempt", (self.attempt > 0).then(|| format!("{}{process}", self.attempt))),
            ("probe", self.probe.clone()),
            ("waits for", (!self.waiting_for.is_empty()).then(|| self.waiting_for.join(", "))),
            ("starts at", self.next_start_at.map(Stamp::human)),
        ];
        let known = some.into_iter().filter_map(|(name, text)| Some((name, text?)));
        known.chain(before(&self.earlier, self.attempt)).collect()
    }

    /// What is known of it, each part by itself: `2 restarts`, `up 99.1%`.
    pub fn figures(&self) -> Vec<String> {
        let some = [
            (self.restarts > 0).then(|| count(self.restarts, "restart")),
            self.uptime_ratio.map(|ratio| format!("up {}", percent(ratio))),
            self.lines_per_second.map(|rate| format!("{rate:.1} lines/s")),
            self.last_line_age_seconds.map(|age| format!("last line {} ago", human_seconds(age.round()))),
            self.cpu_percent.map(|cpu| format!("CPU {cpu:.0}%")),
            self.rss_bytes.map(|bytes| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))),
        ];
        some.into_iter().flatten().collect()
    }
}

/// Earlier starts in words, the latest first; `attempt` is the present one.
pub(crate) fn before(earlier: &[Earlier], attempt: u64) -> impl Iterator<Item = (&'static str, String)> + '_ {
    let left = attempt.saturating_sub(earlier.len() as u64 + 1);
    let more =
        (left > 0 && !earlier.is_empty()).then(|| ("before", format!("{} in run.json", count(left, "more attempt"))));
    earlier.iter().rev().map(|one| ("before", one.told())).chain(more)
}

fn texts(list: Option<&Value>) -> Vec<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(|text| Some(text.as_str()?.to_owned())).collect()
}

/// The last answer to a probe in words: `passed (connected)`, `failed 3 times in a row (refused)`.
fn probe(seen: &Value) -> Option<String> {
    let message = seen.get("message").and_then(Value::as_str).unwrap_or_default();
    let how = match (seen.get("ok")?.as_bool()?, natural(seen.get("failures")).unwrap_or_default()) {
        (true, _) => "passed".to_owned(),
        (false, times) => format!("failed {} in a row", count(times, "time")),
    };
    Some(format!("{how} ({message})"))
}

/// The workloads of a snapshot, those in trouble first; the only one of a run of one command is not told apart from that.
pub(crate) fn workers(all: &Map<String, Value>) -> Vec<Worker> {
    let said = |object: &Map<String, Value>, key: &str| {
        object.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
    };
    let one = |(name, value): (&String, &Value)| {
        let object = value.as_object()?;
        Some(Worker {
            name: name.clone(),
            state: said(object, "state").to_lowercase(),
            because: said(object, "because"),
            required: object.get("required").and_then(Value::as_bool).unwrap_or(true),
            restarts: natural(object.get("restarts")).unwrap_or_default(),
            since: object.get("since").and_then(Value::as_str).and_then(Stamp::parse),
            cpu_percent: real(object.get("cpu_percent")),
            rss_bytes: natural(object.get("rss_bytes")),
            lines_per_second: real(object.get("lines_per_second")),
            last_line_age_seconds: real(object.get("last_line_age_seconds")),
            uptime_ratio: real(object.get("uptime_ratio")),
            attempt: natural(object.get("attempt")).unwrap_or_default(),
            pid: natural(object.get("pid")),
            probe: object.get("probe").and_then(probe),
            waiting_for: texts(object.get("waiting_for")),
            next_start_at: object.get("next_start_at").and_then(Value::as_str).and_then(Stamp::parse),
            earlier: earlier(object.get("earlier")),
        })
    };
    let mut workers: Vec<Worker> = all.iter().filter_map(one).collect();
    workers.sort_by_key(Worker::rank);
    if workers.len() == 1 && workers[0].name == "main" { Vec::new() } else { workers }
}
