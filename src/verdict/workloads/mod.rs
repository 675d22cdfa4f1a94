//! The workloads of a rehearsal, judged from what is on disk: the plan, the changes of state, the attempts, the logs.

mod course;
mod criteria;
mod rows;
mod spans;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::digest::sha256;
use crate::finding::{Criterion, Finding, Status};
use crate::json::lenient;
use crate::log::summary::workloads::{Stretch, WorkloadsSummary};
use crate::log::summary::{DownTime, LogSummary};
use crate::supervise::plan::free_start;
use crate::supervise::record::{self, RunRecord, State as RunState, WorkloadRecord};
use crate::supervise::workloads::document::{Planned, PlannedWorkload, WORKLOADS};
use crate::supervise::workloads::runtime;
use crate::supervise::workloads::state::{Change, STATES};
use crate::time::Stamp;
use crate::verdict::policy::Policy;

use course::Course;
pub(crate) use criteria::rows as criteria;

/// The documents of a run of several workloads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    /// The bytes of `workloads.json`, or why it cannot be read.
    pub plan: Option<Result<Vec<u8>, String>>,
    /// Those of `states.jsonl`.
    pub states: Option<Result<Vec<u8>, String>>,
    /// The files in which workloads tell of their own tasks, by their paths.
    pub runtimes: BTreeMap<String, Vec<u8>>,
}

/// The workloads of a run as its documents have them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workloads {
    /// Each of the plan, in its order.
    parts: Vec<Part>,
    /// Their plan.
    planned: Option<Planned>,
    /// The supervised time in seconds.
    duration: f64,
}

/// One workload.
#[derive(Clone, Debug)]
struct Part {
    planned: PlannedWorkload,
    record: WorkloadRecord,
    course: Course,
    /// What it says of its own tasks.
    tasks: Vec<Value>,
}

impl Documents {
    /// Whether there is a trace of several workloads.
    pub(crate) fn is_empty(&self) -> bool {
        self.plan.is_none() && self.states.is_none()
    }
}

impl Workloads {
    /// Puts the documents together. What contradicts something else goes to `differs`.
    pub(crate) fn read(
        record: &RunRecord,
        documents: &Documents,
        shown: impl Fn(&str) -> String,
        differs: &mut Vec<Finding>,
    ) -> Self {
        let mut wrong = |file: &str, text: String| differs.push(Finding::fail(text).in_file(shown(file), None));
        let plan = match documents.plan.as_ref().map(|read| plan_of(read, record)) {
            Some(Ok(plan)) => plan,
            Some(Err(why)) => {
                wrong(WORKLOADS, format!("the plan of the workloads cannot be relied on: {why}"));
                return Self::default();
            }
            None => {
                wrong(WORKLOADS, "the plan of the workloads is missing, so nothing says what was to run".to_owned());
                return Self::default();
            }
        };
        let changes = match documents.states.as_ref().map(changes_of) {
            Some(Ok(changes)) => changes,
            Some(Err(why)) => {
                wrong(STATES, format!("the changes of state cannot be relied on: {why}"));
                Vec::new()
            }
            None => {
                wrong(
                    STATES,
                    "the changes of state are missing, so nothing says when which workload was up".to_owned(),
                );
                Vec::new()
            }
        };
        let mut by_name: BTreeMap<&str, Vec<Change>> = BTreeMap::new();
        for change in &changes {
            by_name.entry(&change.workload).or_default().push(change.clone());
        }
        for name in by_name.keys().filter(|name| !plan.workloads.iter().any(|planned| planned.name == **name)) {
            wrong(STATES, format!("{name} changed its state, but the plan has no such workload"));
        }
        for extra in record.workloads.iter().filter(|w| !plan.workloads.iter().any(|p| p.name == w.name)) {
            wrong(record::FILE_NAME, format!("the record has a workload {}, which the plan has not", extra.name));
        }
        let of_one = [record.command.clone()];
        if !record.command.is_empty() && !plan.workloads.iter().map(|planned| &planned.command).eq(&of_one) {
            wrong(record::FILE_NAME, "its command is not the only one of the plan".to_owned());
        }
        let over = record.state != RunState::Running;
        let mut parts = Vec::new();
        for planned in &plan.workloads {
            let Some(own) = record.workloads.iter().find(|own| own.name == planned.name) else {
                wrong(record::FILE_NAME, format!("{} is in the plan, but the record does not have it", planned.name));
                continue;
            };
            if (own.required, own.job) != (planned.required, planned.job) {
                let text = format!("{} is another in the record than in the plan: required or job differ", own.name);
                wrong(record::FILE_NAME, text);
            }
            if over && own.logs.is_empty() {
                wrong(record::FILE_NAME, format!("{} has no log in the record", own.name));
            }
            let changes = by_name.remove(planned.name.as_str()).unwrap_or_default();
            let course = Course::new(changes, own, record.started_at);
            for text in course.contradictions(own, planned, over) {
                wrong(STATES, text);
            }
            let told = documents.runtimes.get(&runtime::runtime_path(&planned.name));
            let tasks = told.map_or(Vec::new(), |told| runtime::own_tasks(told));
            parts.push(Part { record: own.clone(), planned: planned.clone(), course, tasks });
        }
        Self { parts, planned: Some(plan), duration: record.duration_seconds.unwrap_or_default() }
    }

    /// Whether there is none: a run of one command.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The limits of single ones, beside those of `policy`.
    pub(crate) fn criteria(&self, policy: &Policy) -> Vec<Criterion> {
        self.planned.as_ref().map_or(Vec::new(), |planned| criteria(planned, policy))
    }

    /// Which of the logs belong to which, by path.
    pub(crate) fn owner(&self, log: &str) -> Option<usize> {
        self.parts.iter().position(|part| part.record.logs.iter().any(|own| own == log))
    }

    /// From which length on silence counts, for each: for a WARN, and for a FAIL.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.parts.iter().map(|part| (part.planned.warn_gap_seconds, part.planned.fail_gap_seconds))
    }

    /// The workload that writes an evidence file.
    fn writer(&self, path: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.record.evidence.values().any(|own| own == path))
    }

    /// When the workload that writes an evidence file was started first.
    pub(crate) fn first_start(&self, path: &str) -> Option<Stamp> {
        self.writer(path)?.record.attempts.first().map(|attempt| attempt.started_at)
    }

    /// The evidence files beside those that the run itself names: the workload, the kind, and the path of each.
    pub(crate) fn further(&self, record: &RunRecord) -> Vec<(String, String, String)> {
        let named =
            |path: &String| [&record.evidence.diary, &record.evidence.performance].contains(&&Some(path.clone()));
        let of = |part: &Part| {
            let name = part.planned.name.clone();
            let further = part.record.evidence.iter().filter(|(_, path)| !named(path) && !part.planned.left_out);
            further.map(|(kind, path)| (name.clone(), kind.clone(), path.clone())).collect::<Vec<_>>()
        };
        self.parts.iter().flat_map(of).collect()
    }

    /// The last state of each, for a run that was not completed.
    pub(crate) fn last_states(&self) -> Vec<String> {
        let told = |part: &Part| format!("{} {}", part.planned.name, part.course.last().word());
        self.parts.iter().map(told).collect()
    }

    /// All of them in the words of readers of supervised tasks; none in a run of one command.
    pub(crate) fn runtime(&self, record: &RunRecord) -> Option<Value> {
        let all: Vec<_> = self.parts.iter().map(|part| (&part.record, &part.planned, &part.tasks[..])).collect();
        (!all.is_empty()).then(|| runtime::summary(record, &all))
    }

    /// Judges all of them. `logs` are the summaries of their logs, in the order of the plan, and `all` that of all
    /// together, which gets what only the single ones can tell: silences, uptime, and how bad their findings are.
    pub(crate) fn judge(
        &self,
        record: &RunRecord,
        logs: Vec<LogSummary>,
        all: &mut LogSummary,
        listed: usize,
    ) -> WorkloadsSummary {
        let mut rows = Vec::new();
        let mut spans = Vec::new();
        let mut own_logs = Vec::new();
        for (part, log) in self.parts.iter().zip(logs) {
            let (row, down, log) = rows::row(part, log, record, self.duration);
            rows.push(row);
            spans.push(down);
            own_logs.push(log);
        }
        let free = free_start(
            std::time::Duration::try_from_secs_f64(record.settings.required_duration_seconds).unwrap_or_default(),
        );
        let services = |part: &Part| part.planned.required && !part.planned.job && !part.planned.left_out;
        let required: Vec<usize> = (0..self.parts.len()).filter(|at| services(&self.parts[*at])).collect();
        let lost = spans::Spans::union(required.iter().map(|at| &spans[*at].down));
        let free = free.as_secs_f64();
        let uptime = (!required.is_empty() && self.duration > 0.0).then(|| {
            let start = lost.starts_with().min(free);
            (1.0 - (lost.total() - start) / self.duration).clamp(0.0, 1.0)
        });
        rows::merge(all, own_logs, &rows, listed);
        all.uptime_ratio = uptime;
        // Those of the others cost the rehearsal nothing; their rows tell of them.
        let costly = required.iter().flat_map(|at| rows[*at].down_times.iter().cloned());
        let mut down_times: Vec<DownTime> = costly.collect();
        down_times.sort_by_key(|down| (down.from, down.to));
        down_times.truncate(listed);
        all.down_times = down_times;
        WorkloadsSummary {
            status: Status::roll_up(rows.iter().map(|row| row.status)),
            uptime_ratio: uptime,
            required_services: required.len() as u64,
            free_start_seconds: free,
            together: if required.is_empty() { Vec::new() } else { together(&lost, record.started_at, self.duration) },
            rows,
        }
    }
}

/// When all required services were up, and when not, as stretches of time.
fn together(lost: &spans::Spans, started_at: Stamp, end: f64) -> Vec<Stretch> {
    let up = lost.rest(end);
    let of = |(from, to): (f64, f64), state: &str| Stretch {
        from: rows::wall(started_at, from),
        to: rows::wall(started_at, to),
        state: state.to_owned(),
    };
    let lost = lost.within(0.0, end);
    let mut all: Vec<Stretch> = up.iter().map(|span| of(span, "running")).collect();
    all.extend(lost.iter().map(|span| of(span, "failed")));
    all.sort_by_key(|stretch| stretch.from);
    all
}

fn plan_of(read: &Result<Vec<u8>, String>, record: &RunRecord) -> Result<Planned, String> {
    let bytes = read.as_ref().map_err(Clone::clone)?;
    if record.workloads_sha256.as_deref() != Some(sha256(bytes).as_str()) {
        return Err("its digest is not the one in the run record".to_owned());
    }
    lenient::parse(&lenient::text(bytes)).and_then(serde_json::from_value).map_err(|error| error.to_string())
}

fn changes_of(read: &Result<Vec<u8>, String>) -> Result<Vec<Change>, String> {
    let bytes = read.as_ref().map_err(Clone::clone)?;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let parse = |(number, line)| serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", number + 1));
    lines.enumerate().map(parse).collect()
}
