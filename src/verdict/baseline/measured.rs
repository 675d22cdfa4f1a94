//! What a run measured: the figures by which it is held against others, and what says whether they can be compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::documents;
use super::rules::{MIN_CHANGE, Rules};
use super::statistics::{median, quantile, slope};
use crate::evidence::figures::Figure;
use crate::finding::Status;
use crate::log::summary::comparison::Better;
use crate::supervise::record::{RunRecord, Sample, is_simulator};
use crate::time::Stamp;
use crate::verdict::audit::Audit;

/// The figures that every run may have, without those of its report, its drills and its guards.
pub(super) const BUILT_IN: [&str; 13] = [
    "cpu_median_percent",
    "cpu_p95_percent",
    "cpu_slope_percent_per_hour",
    "diary_entries_per_day",
    "errors_per_hour",
    "incidents",
    "lines_per_hour",
    "longest_gap_seconds",
    "memory_median_mb",
    "memory_p95_mb",
    "memory_slope_mb_per_hour",
    "uptime_ratio",
    "warnings_per_hour",
];

/// Fewer samples have no slope to speak of.
const SLOPE_SAMPLES: usize = 20;
/// What is in motion at the start of a run says nothing of its growth: a tenth of it, at most half an hour.
const WARM_UP: (f64, f64) = (0.1, 1800.0);

/// A figure of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// The figure.
    pub value: f64,
    /// The figures within the run that it is the median of; empty where it is one figure.
    pub windows: Vec<f64>,
    /// What a difference is.
    pub terms: Terms,
}

/// What a difference of a figure is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Terms {
    pub unit: String,
    pub better: Better,
    /// A smaller share of what was expected is none.
    pub min_change: f64,
    /// A smaller difference is none, in the unit of the figure.
    pub floor: f64,
}

impl Default for Terms {
    fn default() -> Self {
        Self { unit: String::new(), better: Better::Lower, min_change: MIN_CHANGE, floor: 0.0 }
    }
}

/// A run with what it measured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    /// Where it is, as given.
    pub path: String,
    /// When it started.
    pub at: Option<Stamp>,
    /// Its verdict.
    pub verdict: Status,
    /// Whether it is a run of the simulator that nothing else speaks against.
    pub accepted_simulation: bool,
    /// Whether the simulator ran.
    pub simulated: bool,
    /// The command with its arguments; of the simulator the arguments alone.
    pub command: Vec<String>,
    /// How many processors its machine had.
    pub cpus: Option<u64>,
    /// How long it lasted, in seconds.
    pub duration: Option<f64>,
    /// How the program was built, where the operator says so: `build_profile` in the metadata of the run.
    pub build_profile: Option<String>,
    /// The policy by which it was judged, as text that is equal for equal ones.
    pub policy: String,
    /// Its figures, by name.
    pub figures: BTreeMap<String, Reading>,
}

/// What a run left beside its logs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside<'a> {
    /// The record of the run.
    pub record: Option<&'a RunRecord>,
    /// Its performance report.
    pub report: Option<Value>,
    /// Its drills.
    pub drills: Option<Value>,
    /// Its guards on figures.
    pub guards: Option<Value>,
}

/// What the policy says of figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// `[baseline]`.
    pub rules: &'a Rules,
    /// `[performance.figures]`.
    pub figures: &'a BTreeMap<String, Figure>,
}

impl Measured {
    /// What the judged run at `path` measured.
    pub(crate) fn of(path: &str, audit: &Audit, beside: &Beside<'_>, asked: Asked<'_>) -> Self {
        let record = beside.record;
        let logs = &audit.summary.logs;
        let simulated = audit.simulated;
        let command = record.map(|record| record.command.clone()).unwrap_or_default();
        // The place of the program says nothing of the simulator that is built in.
        let command = if is_simulator(&command) { command[1..].to_vec() } else { command };
        let else_clean = audit.gates.iter().all(|gate| gate.status == Status::Pass || gate.name == "subject");
        let profile = audit.summary.metadata.get("build_profile");
        let mut measured = Self {
            path: path.to_owned(),
            at: record.map(|record| record.started_at).or(logs.started_at),
            verdict: audit.verdict,
            accepted_simulation: simulated && audit.verdict == Status::Warn && else_clean,
            simulated,
            command,
            cpus: record.and_then(|record| record.provenance.as_ref()).and_then(|from| from.cpus),
            duration: record.and_then(|record| record.duration_seconds).or(logs.duration_seconds),
            build_profile: profile.map(|profile| profile.as_str().map_or_else(|| profile.to_string(), str::to_owned)),
            policy: format!("{}{:?}", audit.policy.document(), audit.policy.waivers),
            figures: BTreeMap::new(),
        };
        measured.of_logs(audit);
        if let Some(record) = record {
            measured.add(
                "incidents",
                Some(record.incident_counts.values().sum::<u64>() as f64),
                ("", Better::Lower),
                1.0,
            );
            measured.of_resources(&record.resource_monitor.series);
        }
        measured.of_report(beside.report.as_ref(), asked);
        measured.of_drills(beside.drills.as_ref());
        measured.of_guards(beside.guards.as_ref());
        for (name, metric) in &asked.rules.metrics {
            if let Some(reading) = measured.figures.get_mut(name) {
                let terms = &mut reading.terms;
                terms.better = metric.better.unwrap_or(terms.better);
                terms.min_change = metric.min_change.unwrap_or(terms.min_change);
                terms.floor = metric.floor.unwrap_or(terms.floor);
                terms.unit = metric.unit.clone().unwrap_or_else(|| terms.unit.clone());
            }
        }
        measured
    }

    /// Whether it may be held against others: a PASS, or a run of the simulator that nothing else speaks against.
    pub(crate) fn is_accepted(&self) -> bool {
        self.verdict == Status::Pass || self.accepted_simulation
    }

    fn add(&mut self, name: &str, value: Option<f64>, (unit, better): (&str, Better), floor: f64) {
        let terms = Terms { unit: unit.to_owned(), better, floor, ..Terms::default() };
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.figures.insert(name.to_owned(), Reading { value, windows: Vec::new(), terms });
        }
    }

    fn of_logs(&mut self, audit: &Audit) {
        let logs = &audit.summary.logs;
        let hours = self.duration.filter(|seconds| *seconds > 0.0).map(|seconds| seconds / 3600.0);
        if logs.records > 0 {
            // One more than before may be chance: it takes two.
            let once = hours.map_or(0.0, f64::recip);
            let per_hour = |number: u64| hours.map(|hours| number as f64 / hours);
            self.add("errors_per_hour", per_hour(logs.totals.errors), ("/h", Better::Lower), once);
            self.add("warnings_per_hour", per_hour(logs.totals.warnings), ("/h", Better::Lower), once);
            // So much does a count vary by chance alone.
            let chance = once * 3.0 * (logs.lines as f64).sqrt();
            self.add("lines_per_hour", per_hour(logs.lines), ("/h", Better::Neither), chance);
            self.add("uptime_ratio", logs.uptime_ratio, ("", Better::Higher), 0.005);
            if let Some(uptime) = self.figures.get_mut("uptime_ratio") {
                uptime.terms.min_change = 0.01;
            }
            self.add("longest_gap_seconds", logs.longest_silence_seconds, ("s", Better::Lower), 1.0);
        }
        if let (Some(diary), Some(hours)) = (&audit.summary.diary, hours) {
            let days = hours / 24.0;
            let per_day = diary.total_entries as f64 / days;
            self.add("diary_entries_per_day", Some(per_day), ("/d", Better::Higher), days.recip());
        }
    }

    /// CPU and memory of the process tree over the run.
    fn of_resources(&mut self, series: &[Sample]) {
        let Some((first, last)) = series.first().zip(series.last()) else { return };
        let length = last.timestamp.seconds_since(first.timestamp);
        let hours = length / 3600.0;
        let warm = (length * WARM_UP.0).min(WARM_UP.1);
        for (what, suffix) in [("cpu", "percent"), ("memory", "mb")] {
            let of = |sample: &Sample| if what == "cpu" { sample.cpu_percent } else { sample.memory_mb };
            // Percent points of a core, and MiB.
            let (unit, floor) = if what == "cpu" { ("%", 5.0) } else { ("MiB", 5.0) };
            let all: Vec<f64> = series.iter().map(of).collect();
            let name = format!("{what}_median_{suffix}");
            self.add(&name, median(&all), (unit, Better::Lower), floor);
            self.add(&format!("{what}_p95_{suffix}"), quantile(&all, 0.95), (unit, Better::Lower), floor);
            if let Some(reading) = self.figures.get_mut(&name) {
                reading.windows = all;
            }
            let point = |sample: &Sample| (sample.timestamp.seconds_since(first.timestamp) / 3600.0, of(sample));
            let warmed: Vec<(f64, f64)> = series.iter().map(point).filter(|(at, _)| at * 3600.0 >= warm).collect();
            if warmed.len() >= SLOPE_SAMPLES && hours > 0.0 {
                // Growth that comes to less than the floor over the whole run is none.
                let (name, unit) = (format!("{what}_slope_{suffix}_per_hour"), format!("{unit}/h"));
                self.add(&name, slope(&warmed), (&unit, Better::Lower), (floor / hours).max(floor));
            }
        }
    }

    /// The figures that the policy names in the performance report, and those that the report has by its form.
    fn of_report(&mut self, report: Option<&Value>, asked: Asked<'_>) {
        let Some(report) = report else { return };
        for (name, value, better) in documents::figures(report) {
            self.add(&name, Some(value), ("", better), 0.0);
        }
        for (name, figure) in asked.figures {
            let better = match (figure.max, figure.min) {
                (Some(_), None) => Better::Lower,
                (None, Some(_)) => Better::Higher,
                _ => Better::Neither,
            };
            let unit = figure.unit.as_deref().unwrap_or_default();
            self.add(name, figure.read(report).value, (unit, better), 0.0);
        }
        for (name, metric) in &asked.rules.metrics {
            let Some(found) = metric.pointer.as_ref().and_then(|pointer| report.pointer(pointer)) else { continue };
            let numbers = |list: &[Value]| list.iter().map(|value| value.as_f64().filter(|x| x.is_finite())).collect();
            let windows: Option<Vec<f64>> = found.as_array().map(Vec::as_slice).and_then(numbers);
            let value = windows.as_deref().map_or_else(|| found.as_f64(), median);
            self.add(name, value, ("", metric.better.unwrap_or_default()), 0.0);
            if let (Some(reading), Some(windows)) = (self.figures.get_mut(name), windows) {
                reading.windows = windows;
            }
        }
    }

    /// How long drills took, by their names.
    fn of_drills(&mut self, drills: Option<&Value>) {
        let Some(drills) = drills else { return };
        for (key, name) in [("mttd_seconds", "drills_mttd_seconds"), ("mttr_seconds", "drills_mttr_seconds")] {
            self.add(name, drills.get(key).and_then(Value::as_f64), ("s", Better::Lower), 1.0);
        }
        for drill in drills.get("drills").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = drill.get("name").and_then(Value::as_str) else { continue };
            for key in ["time_to_detect_seconds", "time_to_recover_seconds"] {
                let value = drill.get(key).and_then(Value::as_f64);
                self.add(&format!("drill_{name}_{key}"), value, ("s", Better::Lower), 1.0);
            }
        }
    }

    /// The figures of guards, by their names; which way they get better is theirs to know.
    fn of_guards(&mut self, guards: Option<&Value>) {
        for (name, value) in
            guards.and_then(|guards| guards.get("metrics")).and_then(Value::as_object).into_iter().flatten()
        {
            self.add(&format!("guard_{name}"), value.as_f64(), ("", Better::Neither), 0.0);
        }
    }
}
