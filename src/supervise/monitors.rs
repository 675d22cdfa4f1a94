//! The monitors of a live run: each turns an observation into incidents.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::event::{CaptureFault, Measure, Now, Trouble};
use super::incidents::{Incidents, incident};
use super::plan::{EvidenceWatch, Limits};
use super::progress::{Freshness, Resources};
use super::record::{ResourceMonitor, Sample, Stalls};
use super::stalls::Watcher;
use crate::finding::Status;
use crate::time::{Stamp, human_duration};

/// Below these the output's file system is a FAIL or a WARN: bytes, and a share of its size.
const DISK_FAIL: u64 = 100 << 20;
const DISK_WARN: u64 = 1 << 30;
const DISK_WARN_SHARE: u64 = 10;
/// So much is enough, however large the file system is.
const DISK_ENOUGH: u64 = 10 << 30;

/// When the wall clock and the monotonic clock drift apart by more than this between two looks, one was set.
const CLOCK_STEP: Duration = Duration::from_secs(1);

/// The longest series of samples that is kept; then every other one is dropped and the spacing doubles.
const SERIES: usize = 720;

/// Freshness of the evidence files.
#[derive(Debug, Default)]
pub(crate) struct EvidenceMonitor {
    /// The severity that each file has reached, for telling escalations and recoveries.
    reached: BTreeMap<String, Status>,
    /// When each was last known to be written.
    written: BTreeMap<String, Stamp>,
    shown: BTreeMap<String, Freshness>,
    ages: BTreeMap<String, Series<(Stamp, f64)>>,
    stalls: BTreeMap<String, Watcher>,
}

impl EvidenceMonitor {
    /// Judges one look at a file; before `grace` is over it is noted only. True when there is something new to show.
    pub(crate) fn seen(
        &mut self,
        watch: &EvidenceWatch,
        modified: Option<Stamp>,
        grace: Duration,
        now: Now,
        all: &mut Incidents,
    ) -> bool {
        let state = if modified.is_some() { "stale" } else { "missing" };
        self.written.extend(modified.map(|at| (watch.name.clone(), at)));
        // A file that is empty for the instant of its rewriting is as old as it was before.
        let written = self.written.get(&watch.name).copied();
        let age = written.map_or(now.mono, |at| now.wall.since(at));
        self.ages.entry(watch.name.clone()).or_default().keep((now.wall, round(age.as_secs_f64())));
        let over = |limit: Option<Duration>| now.mono >= grace && limit.is_some_and(|limit| age >= limit);
        let severity = match (over(watch.fail), over(watch.warn)) {
            (true, _) => Status::Fail,
            (_, true) => Status::Warn,
            _ => Status::Pass,
        };
        let stalls = self.stalls.entry(watch.name.clone()).or_default();
        // The two clocks never agree to the microsecond: the start of the run is reckoned once.
        let from = written.or_else(|| stalls.since()).unwrap_or_else(|| now.wall.minus(age));
        stalls.look(from, round(age.as_secs_f64()), severity);
        let state = if modified.is_some() && severity == Status::Pass { "fresh" } else { state };
        self.shown.insert(
            watch.name.clone(),
            Freshness {
                path: watch.path.clone(),
                state: state.to_owned(),
                age_seconds: age.as_secs_f64(),
                warn_seconds: watch.warn.map(|d| d.as_secs_f64()),
                fail_seconds: watch.fail.map(|d| d.as_secs_f64()),
            },
        );
        let before = self.reached.insert(watch.name.clone(), severity).unwrap_or_default();
        if severity > before {
            let limit = if severity == Status::Fail { watch.fail } else { watch.warn }.unwrap_or_default();
            let what = match (state, written) {
                ("missing", None) => "is still missing",
                ("missing", Some(_)) => "is gone and was not written again",
                _ => "was not refreshed",
            };
            let message = format!(
                "{} evidence {what} after {} (limit {})",
                watch.name,
                human_duration(age),
                human_duration(limit)
            );
            let mut found = incident(severity, "evidence", now.wall, message);
            found.metadata.insert("path".to_owned(), json!(watch.path));
            found.metadata.insert("state".to_owned(), json!(state));
            found.metadata.insert("age_seconds".to_owned(), json!(age.as_secs_f64()));
            found.metadata.insert("threshold_seconds".to_owned(), json!(limit.as_secs_f64()));
            if let Some(at) = written {
                found.metadata.insert("last_observed_at".to_owned(), json!(at));
            }
            all.add(&format!("{}/{state}", watch.name), found);
            return true;
        }
        if severity == Status::Pass && before > Status::Pass {
            for (state, severity) in
                ["missing", "stale"].into_iter().flat_map(|s| [(s, Status::Warn), (s, Status::Fail)])
            {
                all.amend("evidence", severity, &format!("{}/{state}", watch.name), |metadata| {
                    metadata.insert("recovered_at".to_owned(), json!(now.wall));
                });
            }
            return true;
        }
        false
    }

    /// The state of every file, by name.
    pub(crate) fn shown(&self) -> &BTreeMap<String, Freshness> {
        &self.shown
    }

    /// How often and how long every file was not refreshed in time, by name.
    pub(crate) fn stalls(&self) -> BTreeMap<String, Stalls> {
        self.stalls.iter().filter_map(|(name, stalls)| Some((name.clone(), stalls.all()?))).collect()
    }

    /// The age of every file in seconds over the whole run, by name.
    pub(crate) fn ages(&self) -> BTreeMap<String, Vec<(Stamp, f64)>> {
        self.ages.iter().map(|(name, ages)| (name.clone(), ages.kept.clone())).collect()
    }
}

/// A bounded series that covers the whole run evenly.
#[derive(Clone, Debug)]
pub(crate) struct Series<T> {
    kept: Vec<T>,
    skip: usize,
    skipped: usize,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), skip: 0, skipped: 0 }
    }
}

impl<T> Series<T> {
    fn keep(&mut self, point: T) {
        if self.skipped < self.skip {
            self.skipped += 1;
            return;
        }
        self.skipped = 0;
        self.kept.push(point);
        if self.kept.len() >= SERIES {
            let mut odd = false;
            self.kept.retain(|_| {
                odd = !odd;
                odd
            });
            self.skip = self.skip * 2 + 1;
        }
    }
}

/// CPU and memory of the process tree.
#[derive(Debug, Default)]
pub(crate) struct ResourceState {
    /// What goes into the run record, but for the series.
    record: ResourceMonitor,
    /// What goes into the snapshots; none before the first sample.
    pub shown: Option<Resources>,
    series: Series<Sample>,
}

impl ResourceState {
    /// What goes into the run record, with the time between samples, where there are some, and the limits.
    pub(crate) fn record(&self, interval: Option<Duration>, limits: &Limits) -> ResourceMonitor {
        let thresholds = [
            ("cpu_percent", limits.cpu_percent),
            ("memory_mb", limits.rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20))),
            ("memory_percent", limits.memory_percent),
        ];
        ResourceMonitor {
            enabled: interval.is_some(),
            interval_seconds: interval.map(|interval| interval.as_secs_f64()),
            violation_severity: interval.map(|_| limits.severity),
            thresholds: thresholds.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?))).collect(),
            series: self.series.kept.clone(),
            ..self.record.clone()
        }
    }

    /// Judges one sample. True when there is something new to show.
    /// `whose` names the workload of the tree, where there are several.
    pub(crate) fn sampled(
        &mut self,
        seen: Measure,
        limits: &Limits,
        now: Now,
        whose: Option<&str>,
        all: &mut Incidents,
    ) -> bool {
        let megabytes = seen.rss_bytes as f64 / f64::from(1 << 20);
        let sample = Sample {
            timestamp: now.wall,
            cpu_percent: round(seen.cpu_percent),
            memory_mb: round(megabytes),
            memory_percent: round(seen.memory_percent),
        };
        self.series.keep(sample);
        let record = &mut self.record;
        record.samples += 1;
        record.last_sample = Some(sample);
        peak(sample.cpu_percent, now, &mut record.peak_cpu_percent, &mut record.peak_cpu_percent_timestamp);
        peak(sample.memory_mb, now, &mut record.peak_memory_mb, &mut record.peak_memory_mb_timestamp);
        peak(sample.memory_percent, now, &mut record.peak_memory_percent, &mut record.peak_memory_percent_timestamp);
        let before = self.shown.take().unwrap_or_default();
        self.shown = Some(Resources {
            processes: seen.processes,
            cpu_percent: sample.cpu_percent,
            rss_bytes: seen.rss_bytes,
            memory_percent: sample.memory_percent,
            peak_cpu_percent: before.peak_cpu_percent.max(sample.cpu_percent),
            peak_rss_bytes: before.peak_rss_bytes.max(seen.rss_bytes),
            max_cpu_percent: limits.cpu_percent,
            max_rss_bytes: limits.rss_bytes,
            max_memory_percent: limits.memory_percent,
        });
        let rss_limit = limits.rss_bytes.map(|bytes| bytes as f64 / f64::from(1 << 20));
        let mut news = false;
        for (metric, unit, of_what, observed, limit) in [
            ("cpu_percent", "%", " CPU", sample.cpu_percent, limits.cpu_percent),
            ("memory_mb", " MiB", " of memory", sample.memory_mb, rss_limit),
            ("memory_percent", "%", " of the memory", sample.memory_percent, limits.memory_percent),
        ] {
            let Some(limit) = limit.filter(|limit| observed > *limit) else { continue };
            let of = whose.map(|name| format!(" of {name}")).unwrap_or_default();
            // A small limit is not to look like none.
            let shown = if limit < 0.1 { limit.to_string() } else { format!("{limit:.1}") };
            let message = format!("the process tree{of} uses {observed:.1}{unit}{of_what} (limit {shown}{unit})");
            let mut found = incident(limits.severity, "resource", now.wall, message);
            found.metadata.insert(format!("observed_{metric}"), json!(observed));
            found.metadata.insert(format!("threshold_{metric}"), json!(limit));
            found.metadata.insert("observed_at".to_owned(), json!(now.wall));
            found.workload = whose.map(str::to_owned);
            all.add(&format!("{}/{metric}", whose.unwrap_or_default()), found);
            news = true;
        }
        news
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn peak(value: f64, now: Now, highest: &mut Option<f64>, at: &mut Option<Stamp>) {
    if highest.is_none_or(|h| value > h) {
        (*highest, *at) = (Some(value), Some(now.wall));
    }
}

/// What the space is that a file system has left, in bytes.
pub(crate) fn disk_status(available: u64, total: u64) -> Status {
    if available < DISK_FAIL {
        Status::Fail
    } else if available < DISK_WARN.max((total / DISK_WARN_SHARE).min(DISK_ENOUGH)) {
        Status::Warn
    } else {
        Status::Pass
    }
}

/// Judges the space that the output's file system has left. True when there is something new to show.
pub(crate) fn disk_seen(available: u64, total: u64, reached: &mut Status, now: Now, all: &mut Incidents) -> bool {
    let severity = disk_status(available, total);
    let escalated = severity > *reached;
    *reached = severity;
    if escalated {
        let megabytes = available >> 20;
        let message = format!("the output's file system has {megabytes} MiB left; free some space");
        let mut found = incident(severity, "disk", now.wall, message);
        found.metadata.insert("available_bytes".to_owned(), json!(available));
        found.metadata.insert("total_bytes".to_owned(), json!(total));
        all.add("space", found);
    }
    escalated
}

/// Judges evidence that cannot be kept. True when there is something new to show: an outage is one incident, however
/// long it lasts.
/// `whose` names the workload, where there are several.
pub(crate) fn capture_fault(fault: &CaptureFault, now: Now, whose: Option<&str>, all: &mut Incidents) -> bool {
    let path = &fault.path;
    // The whole path is in the details.
    let name = path.rsplit('/').next().unwrap_or(path);
    let message = match &fault.trouble {
        Trouble::LogFailed(why) => Some(format!("cannot write {name}: {why}; lines are being lost")),
        Trouble::Removed => Some(format!("{name}: the file was removed, and {} lines with it", fault.lost)),
        Trouble::Failed(message) => Some(message.clone()),
        Trouble::GoesOn | Trouble::Over => None,
    };
    let news = message.is_some();
    if let Some(message) = message {
        let mut found = incident(Status::Fail, "capture", now.wall, message);
        found.workload = whose.map(str::to_owned);
        found.metadata.insert("path".to_owned(), json!(path));
        if !matches!(fault.trouble, Trouble::Failed(_)) {
            found.metadata.insert("lost_lines".to_owned(), json!(0));
        }
        all.add(path, found);
    }
    all.amend("capture", Status::Fail, path, |metadata| {
        if let Some(lost) = metadata.get_mut("lost_lines") {
            *lost = json!(lost.as_u64().unwrap_or_default() + fault.lost);
        }
        if fault.trouble == Trouble::Over {
            metadata.insert("recovered_at".to_owned(), json!(now.wall));
        }
    });
    news
}

/// Notices that the wall clock was set, or that the machine was suspended.
#[derive(Debug, Default)]
pub(crate) struct ClockMonitor {
    last: Option<Now>,
}

impl ClockMonitor {
    /// Compares the clocks with the look before. True when there is something new to show.
    pub(crate) fn look(&mut self, now: Now, all: &mut Incidents) -> bool {
        let Some(last) = self.last.replace(now) else { return false };
        let ran = now.mono.saturating_sub(last.mono);
        let suspended = now.boot.saturating_sub(last.boot).saturating_sub(ran);
        let wall = now.wall.micros() - last.wall.micros();
        let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap_or(i64::MAX);
        let mut news = false;
        if suspended > CLOCK_STEP {
            let message = format!("the machine was suspended for {}", human_duration(suspended));
            let mut found = incident(Status::Warn, "clock", now.wall, message);
            found.metadata.insert("suspended_seconds".to_owned(), json!(suspended.as_secs_f64()));
            found.metadata.insert("from".to_owned(), json!(last.wall));
            all.add("suspend", found);
            news = true;
        }
        let step = wall - micros(ran) - micros(suspended);
        if step.abs() > micros(CLOCK_STEP) {
            let length = human_duration(Duration::from_micros(step.unsigned_abs()));
            let direction = if step < 0 { "back" } else { "forward" };
            let message = format!("the system clock was set {direction} by {length}");
            let mut found = incident(Status::Warn, "clock", now.wall, message);
            found.metadata.insert("step_seconds".to_owned(), json!(step as f64 / 1e6));
            found.metadata.insert("from".to_owned(), json!(last.wall));
            all.add(direction, found);
            news = true;
        }
        news
    }
}
