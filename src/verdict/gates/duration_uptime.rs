//! Gates that hold a figure against its limit: the only place that compares the two.

use serde_json::json;

use super::View;
use crate::finding::{Gate, Status, count, percent};
use crate::log::summary::LogSummary;
use crate::time::{Stamp, human_seconds, reaches};

/// However short a run is, so long a silence is no lack: its command needs a moment to start.
const MOMENT_SECONDS: f64 = 2.0;

/// A limit as a gate judges it.
struct Measure<'a> {
    name: &'a str,
    /// The limit that decides whether the gate is asked for, by its name in the policy file.
    limit: &'a str,
    /// How its figures are called in findings.
    unit: &'a str,
    required: Option<f64>,
    actual: Option<f64>,
    /// A figure for people.
    shown: fn(f64) -> String,
    /// Whether the actual figure meets the required one.
    meets: fn(f64, f64) -> bool,
}

/// Whether a figure is no less than its limit.
fn no_less(actual: f64, required: f64) -> bool {
    actual >= required
}

impl View<'_> {
    /// From when to when the evidence goes: the supervised time of a run, else from the first to the last record.
    fn period(&self) -> Option<String> {
        let logs = &self.summary.logs;
        let (start, end) =
            self.run_time("started_at").zip(self.run_time("ended_at")).or(logs.started_at.zip(logs.ended_at))?;
        Some(format!("{} to {}", start.human(), end.human()))
    }

    /// Holds a figure against its limit. What was not measured fails; equality satisfies.
    fn measure(&self, measure: &Measure<'_>) -> Gate {
        let Measure { name, limit, unit, required, actual, shown, meets } = measure;
        let measured = actual.map_or_else(|| "not known".to_owned(), shown);
        let gate = Gate { name: (*name).to_owned(), measured, ..Gate::default() };
        let Some(required) = required else { return self.not_required(gate, limit) };
        let figures = [("required", Some(*required)), ("actual", *actual)];
        Gate {
            threshold: format!("at least {}", shown(*required)),
            status: pass_if(actual.is_some_and(|actual| meets(actual, *required))),
            figures: figures
                .into_iter()
                .filter_map(|(which, figure)| Some((format!("{which}_{unit}"), json!(figure?))))
                .collect(),
            ..gate
        }
    }

    pub(super) fn duration(&self) -> Option<Gate> {
        let mut required = self.criteria?.minimum_duration_seconds;
        // Jobs that are all done need not last as long as nobody asked for.
        let default = self.policy.rows.iter().any(|row| row.limit == "min_duration" && row.source == "default");
        if self.about.all_completed && default {
            required = None;
        }
        let logs = &self.summary.logs;
        let mut gate = Gate {
            samples: logs.records,
            evidence: self.period(),
            follows: logs.duration_seconds.is_none().then(|| "logs".to_owned()),
            ..self.measure(&Measure {
                name: "duration",
                limit: "min_duration",
                unit: "seconds",
                required,
                actual: logs.duration_seconds,
                shown: human_seconds,
                meets: reaches,
            })
        };
        if let (Some(required), Some(actual), Status::Pass) = (required, logs.duration_seconds, gate.status)
            && actual < required
        {
            gate.measured.push_str(" (within the tolerance)");
        }
        let short = human_seconds(required.unwrap_or_default() - logs.duration_seconds.unwrap_or_default());
        Some(gate.fixed_by(&format!("{short} more evidence")))
    }

    pub(super) fn uptime(&self) -> Option<Gate> {
        let criteria = self.criteria?;
        let logs = &self.summary.logs;
        let workloads = self.summary.workloads.as_ref();
        if workloads.is_some_and(|workloads| workloads.required_services == 0) {
            let measured = "no service is required".to_owned();
            return Some(
                self.not_required(Gate { name: "uptime".to_owned(), measured, ..Gate::default() }, "min_uptime"),
            );
        }
        let unmeasured = logs.uptime_not_measured.clone().or_else(|| self.unmeasured());
        let longest = logs.gap_incidents.iter().max_by_key(|gap| gap.severity);
        // Where no gap is acceptable, fixing the logs leaves none, and the uptime is whole.
        let decided = logs.uptime_ratio.is_none() || (!criteria.allow_warnings && logs.totals.gap_incidents > 0);
        let mut gate = Gate {
            samples: logs.records,
            evidence: longest.and_then(|gap| gap.place.as_ref()).map(ToString::to_string).or_else(|| self.log_paths()),
            follows: (decided && unmeasured.is_none()).then(|| "logs".to_owned()),
            ..self.measure(&Measure {
                name: "uptime",
                limit: "min_uptime",
                unit: "ratio",
                required: criteria.minimum_uptime_ratio,
                actual: logs.uptime_ratio.filter(|_| unmeasured.is_none()),
                shown: percent,
                meets: no_less,
            })
        };
        if let Some(why) = unmeasured {
            gate.measured = format!("no uptime was measured: {why}");
            return Some(gate.fixed_by("a run that logs something for as long as it lasts, such as a heartbeat"));
        }
        if logs.uptime_ratio.is_some() {
            gate.measured.push_str(&silences(logs));
        }
        Some(gate.fixed_by("a run with shorter silences and down-times"))
    }

    /// Why there is no uptime to speak of: hardly a record, none but at the start of the run, or none in most of a run so
    /// short that any silence in it is free.
    pub(super) fn unmeasured(&self) -> Option<String> {
        let logs = &self.summary.logs;
        // With several, each row says whether there was something to measure it by.
        if self.criteria?.minimum_uptime_ratio.is_none() || self.summary.workloads.is_some() {
            return None;
        }
        if logs.records < 2 {
            return Some(count(logs.records, "record"));
        }
        let start = self.run_time("started_at")?;
        let (first, last, length) = (logs.started_at?, logs.ended_at?, logs.duration_seconds?);
        // A command needs a moment to start, which in a short run is more than a hundredth.
        let burst = last.seconds_since(first) <= length / 100.0 && first.seconds_since(start) <= length / 10.0;
        if burst || last.seconds_since(start) <= length / 100.0 {
            let records = count(logs.records, "record");
            let length = human_seconds(length);
            return Some(format!("all {records} came within a hundredth of {length}, at its start"));
        }
        let silence = logs.longest_silence_seconds?;
        let free = logs.free_silence_seconds? >= silence && !self.policy.is_relaxed("warn_gap");
        // Where no length is asked for, a command may end when it likes.
        self.criteria?.minimum_duration_seconds?;
        // An uptime that does not meet its limit says more.
        let met = logs.uptime_ratio >= self.criteria?.minimum_uptime_ratio;
        let down: f64 = logs.down_times.iter().map(|down| down.seconds).sum();
        if !free || !met || silence <= (length / 2.0).max(MOMENT_SECONDS) + down {
            return None;
        }
        let (silence, length) = (human_seconds(silence), human_seconds(length));
        Some(format!("nothing was heard for {silence} of {length}, in which any silence is free"))
    }

    /// A time of the run, where one was supervised.
    fn run_time(&self, key: &str) -> Option<Stamp> {
        self.summary.metadata.get("run").and_then(|run| run[key].as_str()).and_then(Stamp::parse)
    }

    pub(super) fn sharpe(&self) -> Option<Gate> {
        let performance = self.summary.performance.as_ref();
        let actual = performance.and_then(|performance| performance.sharpe_ratio);
        let gate = Gate {
            samples: u64::from(actual.is_some()),
            evidence: self.path("performance_path"),
            follows: performance.is_none().then(|| "performance".to_owned()),
            ..self.measure(&Measure {
                name: "sharpe",
                limit: "min_sharpe",
                unit: "sharpe_ratio",
                required: self.criteria?.minimum_sharpe_ratio,
                actual,
                shown: |ratio| ratio.to_string(),
                meets: no_less,
            })
        };
        Some(gate.fixed_by("a higher Sharpe ratio"))
    }

    /// A gate for each figure that the policy asks for: what is missing or no number fails.
    pub(super) fn figures(&self) -> impl Iterator<Item = Gate> {
        let performance = self.summary.performance.as_ref();
        self.policy.performance.figures.iter().map(move |(name, figure)| {
            let read = performance.and_then(|performance| performance.figures.get(name));
            let value = read.and_then(|read| read.value);
            let problem = read.and_then(|read| read.problem.clone());
            let status = figure.judge(value);
            let limits = [("max", figure.max), ("min", figure.min), ("warn", figure.warn), ("actual", value)];
            let gate = Gate {
                name: format!("figure {name}"),
                threshold: figure.asked(),
                measured: match (value, problem) {
                    (Some(value), _) => figure.text(value),
                    (None, problem) => {
                        problem.unwrap_or_else(|| "there is no performance report to read it from".to_owned())
                    }
                },
                samples: u64::from(value.is_some()),
                status: self.accepts(status),
                raised: self.accepts(status) > status,
                evidence: self.path("performance_path"),
                figures: limits
                    .iter()
                    .filter_map(|(which, limit)| Some(((*which).to_owned(), json!((*limit)?))))
                    .collect(),
                follows: read.is_none().then(|| "performance".to_owned()),
                ..Gate::default()
            };
            gate.fixed_by(&format!("a figure {name} of {}", figure.asked()))
        })
    }
}

fn pass_if(passed: bool) -> Status {
    if passed { Status::Pass } else { Status::Fail }
}

/// The uptime, with its silences, or why there is none.
pub(crate) fn uptime_in_words(logs: &LogSummary) -> Option<String> {
    let why = || logs.uptime_not_measured.as_ref().map(|why| format!("not measured: {why}"));
    logs.uptime_ratio.map(|ratio| percent(ratio) + &silences(logs)).or_else(why)
}

/// `, 2 down-times; longest silence 40s, silences up to 1h are free`: what an uptime does not show by itself.
pub(crate) fn silences(logs: &LogSummary) -> String {
    let downs = match logs.down_times.len() as u64 {
        0 => String::new(),
        n => format!(", {}", count(n, "down-time")),
    };
    let silence = |seconds: Option<f64>| seconds.map_or_else(|| "not known".to_owned(), human_seconds);
    let free = silence(logs.free_silence_seconds);
    format!("{downs}; longest silence {}, silences up to {free} are free", silence(logs.longest_silence_seconds))
}
