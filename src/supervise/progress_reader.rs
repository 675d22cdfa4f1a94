//! The progress snapshot as a reader meets it: whatever a writer left, normalised. Nothing is required.
//!
//! [`super::progress::Snapshot`] is what we write. Documents of other writers miss most keys, carry numbers as
//! text, or spell their states in capitals; a [`View`] holds what could be understood and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

pub use super::workloads::seen::{Earlier, Worker};

use super::acks::Ack;
use super::workloads::seen::{earlier, workers};
use crate::digest::sha256;
use crate::evidence::contradiction::{failed_part, unreal};
use crate::finding::{Metadata, Status, count, of_workload};
use crate::json::lenient::{counts, flag, natural, real, whole};
use crate::json::strict;
use crate::time::{self, Stamp};

/// A snapshot with every key of [`super::progress::Snapshot`] that a reader shows; `None` is "not stated".
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// The status word, trimmed and in lower case.
    pub status: Option<String>,
    /// The phase, trimmed and in lower case; only `complete` is final.
    pub phase: Option<String>,
    /// The verdict in a word; in the final snapshot only.
    #[serde(skip)]
    pub stated_verdict: Option<String>,
    /// The verdict in one line, with what was waived and relaxed; in the final snapshot only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<String>,
    /// Whether it repeats the record of a run, as the last snapshot does that emp-ops writes.
    #[serde(skip)]
    pub repeats_record: bool,
    /// Whether the built-in simulator runs, and not a system of the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// When the snapshot was taken.
    pub now: Option<Stamp>,
    /// When the run started.
    pub started_at: Option<Stamp>,
    /// Supervised time so far.
    pub elapsed_seconds: Option<f64>,
    /// After this the command is stopped.
    pub target_duration_seconds: Option<f64>,
    /// Shorter runs fail.
    pub required_duration_seconds: Option<f64>,
    /// Seconds between periodic snapshots; 0 where there are none.
    pub progress_interval_seconds: Option<f64>,
    /// Lines captured so far.
    pub total_lines: Option<i64>,
    /// Lines by stream.
    pub line_counts: BTreeMap<String, i64>,
    /// Lines by level.
    pub level_counts: BTreeMap<String, i64>,
    /// When the first line came.
    pub first_line_at: Option<Stamp>,
    /// When the last line came.
    pub last_line_at: Option<Stamp>,
    /// Share of the time so far that is outside gaps, 0 to 1.
    pub uptime_ratio: Option<f64>,
    /// The lowest acceptable uptime, 0 to 1.
    pub minimum_uptime_ratio: Option<f64>,
    /// The supervised command with its arguments.
    pub command: Vec<String>,
    /// Whether a diary must be there at the end.
    pub require_diary_evidence: bool,
    /// Whether a performance report must be there at the end.
    pub require_performance_evidence: bool,
    /// The process id of the supervisor.
    pub supervisor_pid: Option<u32>,
    /// The host that the process ids belong to.
    pub supervisor_host: Option<String>,
    /// The process id of the command.
    pub child_pid: Option<u32>,
    /// How many times the command was restarted.
    pub restarts: Option<u64>,
    /// What is supervised, where there are several workloads.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Worker>,
    /// Incidents by severity; counted from the list where the writer does not state it.
    pub incident_counts: BTreeMap<Status, u64>,
    /// The last starts of the only command before the present one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// The incidents, newest last; `None` if this snapshot leaves them out.
    pub incidents: Option<Vec<Event>>,
    /// Freshness of the evidence files, by name.
    pub evidence: BTreeMap<String, Fresh>,
    /// CPU and memory of the process tree.
    pub resources: Option<Usage>,
    /// The exit code of the command.
    pub exit_code: Option<i64>,
    /// The status word of the summary, in lower case.
    pub summary_status: Option<String>,
    /// The status word of the sign-off, in lower case.
    pub sign_off_status: Option<String>,
    /// What the sign-off found, the worst first.
    pub sign_off_findings: Vec<String>,
    /// What the operator attached to the run.
    pub config_metadata: Metadata,
    /// A part of it that says of itself that it failed.
    #[serde(skip)]
    pub failed_part: Option<String>,
    /// What in it cannot be, or could not be understood.
    #[serde(skip)]
    pub doubts: Vec<String>,
}

/// The digits of the id of an incident.
const ID_DIGITS: usize = 12;

/// One incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Its id within the run; made from kind, time and message where the writer states none.
    pub id: String,
    /// How bad it is; a word that nobody has defined counts as [`Status::Warn`].
    pub severity: Status,
    /// When it happened first.
    pub occurred_at: Option<Stamp>,
    /// When it happened last, where it happened more than once.
    pub last_at: Option<Stamp>,
    /// How often it happened.
    pub count: u64,
    /// The kind, empty where it is not stated.
    pub kind: String,
    /// The workload that it is about, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// What happened.
    pub message: String,
    /// Details.
    pub metadata: Metadata,
    /// Who has seen it, as the file of acknowledgements beside the snapshot says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Ack>,
}

impl Event {
    /// What happened, with the workload that it is about.
    pub fn told(&self) -> String {
        of_workload(self.workload.as_deref(), &self.message)
    }
}

/// How fresh an evidence file is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fresh {
    /// `fresh`, `missing`, `stale`, or the writer's own word.
    pub state: String,
    /// Seconds since it was last written.
    pub age_seconds: Option<f64>,
    /// From this age it is a WARN.
    pub warn_seconds: Option<f64>,
    /// From this age it is a FAIL.
    pub fail_seconds: Option<f64>,
}

/// CPU and memory of the process tree.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Processes in the tree.
    pub processes: Option<u64>,
    /// CPU in percent of one core.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub rss_bytes: Option<u64>,
    /// Resident memory in percent of the machine's.
    pub memory_percent: Option<f64>,
    /// The highest CPU so far.
    pub peak_cpu_percent: Option<f64>,
    /// The highest resident memory so far.
    pub peak_rss_bytes: Option<u64>,
    /// The limit of CPU.
    pub max_cpu_percent: Option<f64>,
    /// The limit of resident memory in bytes.
    pub max_rss_bytes: Option<u64>,
    /// The limit of resident memory in percent of the machine's.
    pub max_memory_percent: Option<f64>,
}

impl View {
    /// Reads the bytes of a progress file.
    ///
    /// # Errors
    /// Says why this is no progress snapshot: empty, not JSON, not an object, or a document of another kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err("the file is empty".to_owned());
        }
        let value = strict::parse(bytes).map_err(|error| format!("this is not valid JSON: {error}"))?;
        let Value::Object(object) = value else { return Err("this is not a JSON object".to_owned()) };
        if let Some(schema) = word(&object, "schema").filter(|schema| !schema.starts_with("emp-ops/progress/")) {
            return Err(format!("this is a document of another kind (`{schema}`), not a progress snapshot"));
        }
        if word(&object, "status").is_none() && word(&object, "phase").is_none() {
            return Err("this is not a progress snapshot: it has neither `status` nor `phase`".to_owned());
        }
        let mut view = Self::of(&object);
        let value = Value::Object(object);
        view.doubts = doubts(&value);
        view.failed_part = failed_part(&value);
        Ok(view)
    }

    fn of(object: &Map<String, Value>) -> Self {
        let length = |key: &str| real(object.get(key)).map(|seconds| seconds.max(0.0));
        let part = |key: &str| object.get(key).and_then(Value::as_object);
        let incidents = object.get("incidents").and_then(Value::as_array);
        let incidents: Option<Vec<Event>> =
            incidents.map(|all| all.iter().filter_map(Value::as_object).map(Event::of).collect());
        let mut incident_counts: BTreeMap<Status, u64> = BTreeMap::new();
        for (name, count) in counts(object.get("incident_counts")) {
            *incident_counts.entry(severity(Some(&name))).or_default() += u64::try_from(count).unwrap_or(0);
        }
        if incident_counts.is_empty() {
            for event in incidents.iter().flatten() {
                *incident_counts.entry(event.severity).or_default() += event.count;
            }
        }
        let logs = part("summary").and_then(|summary| summary.get("logs")).and_then(Value::as_object);
        Self {
            status: word(object, "status"),
            phase: word(object, "phase"),
            stated_verdict: word(object, "verdict"),
            headline: object.get("headline").and_then(Value::as_str).map(str::to_owned),
            repeats_record: part("record").is_some(),
            simulated: flag(object.get("simulated")),
            now: stamp(object.get("now")),
            started_at: stamp(object.get("started_at")),
            elapsed_seconds: length("elapsed_seconds"),
            target_duration_seconds: length("target_duration_seconds"),
            required_duration_seconds: length("required_duration_seconds"),
            progress_interval_seconds: length("progress_interval_seconds"),
            total_lines: match object.get("total_lines") {
                // A writer whose language has no difference between `true` and 1.
                Some(Value::Bool(one)) => Some(i64::from(*one)),
                other => whole(other),
            },
            line_counts: counts(object.get("line_counts")),
            level_counts: counts(object.get("level_counts")),
            first_line_at: stamp(object.get("first_line_at")),
            last_line_at: stamp(object.get("last_line_at")),
            uptime_ratio: real(object.get("uptime_ratio"))
                .or_else(|| logs.and_then(|logs| real(logs.get("uptime_ratio")))),
            minimum_uptime_ratio: real(object.get("minimum_uptime_ratio")),
            command: object
                .get("command")
                .and_then(Value::as_array)
                .map(|words| words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default(),
            require_diary_evidence: flag(object.get("require_diary_evidence")),
            require_performance_evidence: flag(object.get("require_performance_evidence")),
            supervisor_pid: natural(object.get("supervisor_pid")).and_then(|pid| pid.try_into().ok()),
            supervisor_host: text(object.get("supervisor_host")),
            child_pid: natural(object.get("child_pid")).and_then(|pid| pid.try_into().ok()),
            restarts: natural(object.get("restarts")),
            workloads: part("workloads").map(workers).unwrap_or_default(),
            earlier: earlier(
                part("workloads").filter(|all| all.len() == 1).and_then(|all| all.get("main")?.get("earlier")),
            ),
            incident_counts,
            incidents,
            evidence: part("evidence").map(freshness).unwrap_or_default(),
            resources: part("resources").map(Usage::of),
            exit_code: whole(object.get("exit_code")),
            summary_status: part("summary").and_then(|summary| word(summary, "status")),
            sign_off_status: part("sign_off").and_then(|sign_off| word(sign_off, "status")),
            sign_off_findings: part("sign_off").map(findings).unwrap_or_default(),
            config_metadata: part("config_metadata")
                .map(|all| all.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
                .unwrap_or_default(),
            failed_part: None,
            doubts: Vec::new(),
        }
    }

    /// Whether this is the last snapshot of its run. The phase alone decides: the status is set to `fail` while a
    /// run still goes on.
    pub fn is_complete(&self) -> bool {
        matches!(self.phase.as_deref(), Some("complete" | "completed"))
    }

    /// Whether both snapshots are of one run.
    pub fn same_run(&self, other: &Self) -> bool {
        self.started_at == other.started_at && self.command == other.command
    }

    /// Keeps the incidents that an earlier snapshot of the run listed, where this one leaves them out.
    pub fn inherit(&mut self, earlier: &Self) {
        if self.incidents.is_none() && self.same_run(earlier) {
            self.incidents.clone_from(&earlier.incidents);
            if self.incident_counts.is_empty() {
                self.incident_counts.clone_from(&earlier.incident_counts);
            }
        }
    }

    /// The incidents, newest last.
    pub fn events(&self) -> &[Event] {
        self.incidents.as_deref().unwrap_or_default()
    }

    /// The same with one workload alone, and what happened to it; the verdict is that of the run. None if there is no
    /// such workload.
    pub fn only(mut self, workload: &str) -> Option<Self> {
        self.workloads.retain(|worker| worker.name == workload);
        if let Some(incidents) = &mut self.incidents {
            incidents.retain(|event| event.workload.as_deref() == Some(workload));
        }
        (!self.workloads.is_empty()).then_some(self)
    }

    /// The names of the evidence that must be there at the end.
    pub fn required_evidence(&self) -> Vec<&'static str> {
        [("diary", self.require_diary_evidence), ("performance", self.require_performance_evidence)]
            .into_iter()
            .filter_map(|(name, required)| required.then_some(name))
            .collect()
    }

    /// Seconds until the command is stopped, from this snapshot on.
    pub fn remaining_seconds(&self) -> Option<f64> {
        Some((self.target_duration_seconds? - self.elapsed_seconds?).max(0.0))
    }

    /// How much of the target has passed, 0 to 1.
    pub fn share(&self) -> Option<f64> {
        let target = self.target_duration_seconds.filter(|target| *target > 0.0)?;
        Some((self.elapsed_seconds? / target).min(1.0))
    }
}

/// How far clocks may have been put back during a run, in seconds.
const ELAPSED_SLACK: f64 = 7200.0;

/// What in a snapshot cannot be, or could not be understood.
fn doubts(snapshot: &Value) -> Vec<String> {
    let nothing = Value::Null;
    let logs = snapshot.pointer("/summary/logs").unwrap_or(&nothing);
    let figures = [
        (snapshot, "elapsed_seconds", f64::MAX),
        (snapshot, "total_lines", f64::MAX),
        (snapshot, "uptime_ratio", 1.0),
        (logs, "uptime_ratio", 1.0),
    ];
    let mut doubts: Vec<String> =
        figures.into_iter().filter_map(|(holder, key, most)| unreal(holder, key, 0.0, most)).collect();
    match snapshot.get("incidents") {
        None | Some(Value::Null) => {}
        Some(Value::Array(all)) if all.iter().all(Value::is_object) => {}
        Some(other) => {
            doubts.push(format!("its incidents could not be understood: {other}").chars().take(200).collect());
        }
    }
    let at = |key: &str| stamp(snapshot.get(key));
    if let Some((started, now)) = at("started_at").zip(at("now"))
        && let Some(elapsed) = real(snapshot.get("elapsed_seconds"))
        && elapsed > now.seconds_since(started) + ELAPSED_SLACK
    {
        doubts.push("it lasted longer than from its start until the snapshot".to_owned());
    }
    if let Some(lost) = natural(snapshot.get("lost_lines")).filter(|lost| *lost > 0) {
        doubts.push(format!("{} of output were lost", count(lost, "line")));
    }
    doubts
}

impl Event {
    fn of(object: &Map<String, Value>) -> Self {
        let said = |key: &str| text(object.get(key)).filter(|text| !text.is_empty());
        // What is no text is shown as it is in the document.
        let other = |key: &str| object.get(key).filter(|value| !value.is_null() && !value.is_string());
        let shown = |key: &str| said(key).or_else(|| other(key).map(Value::to_string));
        let kind = said("kind").unwrap_or_default();
        let message = shown("message").or_else(|| shown("summary")).unwrap_or_else(|| "(no message)".to_owned());
        let id = said("id").filter(|id| id.len() == ID_DIGITS && id.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let at = || said("occurred_at").unwrap_or_default();
        let drill = said("drill").map(|drill| format!(" (drill {drill})")).unwrap_or_default();
        Self {
            id: id.unwrap_or_else(|| sha256(format!("{kind}\0{}\0{message}", at()).as_bytes())[..ID_DIGITS].to_owned()),
            severity: severity(said("severity").as_deref()),
            occurred_at: stamp(object.get("occurred_at")),
            last_at: stamp(object.get("last_at")),
            count: natural(object.get("count")).unwrap_or(1).max(1),
            workload: said("workload"),
            kind,
            message: format!("{message}{drill}"),
            acknowledged: None,
            metadata: match object.get("metadata") {
                Some(Value::Object(all)) => all.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
                _ => Metadata::new(),
            },
        }
    }

    /// When it happened last.
    pub fn latest(&self) -> Option<Stamp> {
        self.last_at.max(self.occurred_at)
    }

    /// Whether somebody has seen it since it happened last.
    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged.as_ref().is_some_and(|ack| self.latest().is_none_or(|latest| ack.at >= latest))
    }

    /// The word of its severity.
    pub fn label(&self) -> &'static str {
        self.severity.label()
    }
}

impl Fresh {
    /// What the state and the age mean.
    pub fn status(&self) -> Status {
        let over = |limit: Option<f64>| matches!((self.age_seconds, limit), (Some(age), Some(limit)) if age >= limit);
        if over(self.fail_seconds) {
            Status::Fail
        } else if over(self.warn_seconds) {
            Status::Warn
        } else {
            Status::Pass
        }
    }
}

impl Usage {
    fn of(object: &Map<String, Value>) -> Self {
        let real = |key: &str| real(object.get(key));
        let natural = |key: &str| natural(object.get(key));
        Self {
            processes: natural("processes"),
            cpu_percent: real("cpu_percent"),
            rss_bytes: natural("rss_bytes"),
            memory_percent: real("memory_percent"),
            peak_cpu_percent: real("peak_cpu_percent"),
            peak_rss_bytes: natural("peak_rss_bytes"),
            max_cpu_percent: real("max_cpu_percent"),
            max_rss_bytes: natural("max_rss_bytes"),
            max_memory_percent: real("max_memory_percent"),
        }
    }
}

fn freshness(object: &Map<String, Value>) -> BTreeMap<String, Fresh> {
    let entries = object.iter().filter_map(|(name, value)| Some((name, value.as_object()?)));
    entries
        .map(|(name, entry)| {
            let real = |key: &str| real(entry.get(key)).map(|seconds| seconds.max(0.0));
            let fresh = Fresh {
                state: word(entry, "state").unwrap_or_else(|| "unknown".to_owned()),
                age_seconds: real("age_seconds"),
                warn_seconds: real("warn_seconds"),
                fail_seconds: real("fail_seconds"),
            };
            (name.clone(), fresh)
        })
        .collect()
}

fn findings(sign_off: &Map<String, Value>) -> Vec<String> {
    let all = sign_off.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<(Status, String)> = all
        .iter()
        .filter_map(Value::as_object)
        .filter_map(|finding| Some((severity(word(finding, "severity").as_deref()), text(finding.get("message"))?)))
        .collect();
    found.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    found.into_iter().map(|(_, message)| message).collect()
}

/// The severity that a word states. Whoever lists an incident without a known severity wants it looked at.
fn severity(word: Option<&str>) -> Status {
    word.and_then(Status::from_word).unwrap_or(Status::Warn)
}

fn text(value: Option<&Value>) -> Option<String> {
    Some(value?.as_str()?.trim_matches(time::is_blank).to_owned())
}

fn word(object: &Map<String, Value>, key: &str) -> Option<String> {
    text(object.get(key)).filter(|word| !word.is_empty()).map(|word| word.to_lowercase())
}

fn stamp(value: Option<&Value>) -> Option<Stamp> {
    Stamp::parse(value?.as_str()?)
}

#[cfg(test)]
mod tests;
