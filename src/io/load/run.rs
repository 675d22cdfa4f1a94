//! Finds the evidence in a run directory: by its record, or by convention where there is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Evidence, LoadError, Named, packet};
use crate::evidence::checksums::is_safe;
use crate::evidence::document;
use crate::evidence::timeline::Chain;
use crate::finding::{Finding, Status};
use crate::io::files::{self, FileError};
use crate::io::packet_reader;
use crate::supervise::progress::Incident;
use crate::supervise::record::{self, RunRecord, State};
use crate::verdict::policy::Layer;

/// Where a run directory lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where it was written: its record may name evidence elsewhere.
    Home,
    /// In a packet: everything lies in it.
    Packet,
}

/// The evidence at `path`: a run directory, a packet directory or a packet archive.
pub(super) fn find(path: &Path) -> Result<Evidence, LoadError> {
    let shown = path.display().to_string();
    let shown = shown.trim_end_matches('/');
    let about = fs::metadata(path).map_err(|source| FileError::new("read", path, source))?;
    let has = |name: &str| path.join(name).exists();
    if !about.is_dir() {
        return if packet_reader::is_archive(path)? {
            packet::archive(path, shown)
        } else {
            Err(LoadError::Usage(format!("{shown} is not a packet archive; to judge a log, write --log {shown}")))
        };
    }
    if has(record::FILE_NAME) {
        Ok(folder(path, Place::Home))
    } else if has("manifest.json") {
        Ok(packet::folder(path))
    } else if ["logs", "progress.json", "summary.json"].iter().any(|name| has(name)) {
        Ok(folder(path, Place::Home))
    } else {
        Err(LoadError::Usage(format!(
            "{shown} is no run directory: it has no run.json, no logs and no manifest.json; to judge the logs in a \
             directory, write --log {shown}"
        )))
    }
}

/// The seconds between the end of each attempt and the start of the next.
fn pauses(record: &RunRecord) -> Vec<f64> {
    let pairs = record.attempts.windows(2).filter_map(|pair| Some((pair[0].ended_at?, pair[1].started_at)));
    pairs.map(|(ended, started)| started.seconds_since(ended).max(0.0)).collect()
}

/// The evidence of the run whose files lie in `path`.
pub(super) fn folder(path: &Path, place: Place) -> Evidence {
    let folder = Folder { path, place };
    let mut evidence = Evidence { root: Some((path.to_owned(), folder.prefix())), ..Evidence::default() };
    match folder.record() {
        Ok(Some(record)) => folder.by_record(&record, &mut evidence),
        Ok(None) => folder.by_convention(&mut evidence),
        Err(finding) => {
            evidence.findings.push(finding);
            folder.by_convention(&mut evidence);
        }
    }
    evidence
}

/// The folder of a run. Its files are named relative to what the user gave, so that a report reads the same wherever
/// the run lies.
struct Folder<'a> {
    path: &'a Path,
    place: Place,
}

impl Folder<'_> {
    fn prefix(&self) -> &'static str {
        match self.place {
            Place::Home => "",
            Place::Packet => "raw/",
        }
    }

    fn name(&self, file: &str) -> String {
        format!("{}{file}", self.prefix())
    }

    fn named(&self, file: &str) -> Named {
        Named { path: self.path.join(file), name: self.name(file) }
    }

    fn record(&self) -> Result<Option<RunRecord>, Finding> {
        let fault = |why: String| {
            let text = format!("the run record cannot be read, so nothing vouches for this run: {why}");
            Finding::fail(text).in_file(self.name(record::FILE_NAME), None)
        };
        match files::read(&self.path.join(record::FILE_NAME)) {
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(error.source.to_string())),
            Ok(bytes) => {
                let record: RunRecord =
                    serde_json::from_str(&document::text(&bytes)).map_err(|error| fault(error.to_string()))?;
                if record.schema == record::SCHEMA {
                    Ok(Some(record))
                } else {
                    Err(fault(format!("its schema is `{}`, not `{}`", record.schema, record::SCHEMA)))
                }
            }
        }
    }

    fn by_record(&self, record: &RunRecord, evidence: &mut Evidence) {
        evidence.window = record.ended_at.map(|end| (record.started_at, end));
        evidence.duration_seconds = record.duration_seconds;
        evidence.pauses = pauses(record);
        evidence.levels = Some(record.capture.level_counts.clone()).filter(|_| record.capture.lost_lines == 0);
        let listed = record.incidents.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<Status, u64>, incident| {
            *counts.entry(incident.severity).or_default() += incident.count;
            counts
        });
        if !record.incident_counts.is_empty() && listed != record.incident_counts {
            let text = "the incidents of the run record are not those that it counted: it is not as it was written";
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
        // A record that counts no lines at all was made by another writer, or by hand.
        evidence.captured = Some(&record.capture)
            .filter(|capture| record.state == State::Complete && capture.total_lines > 0)
            .map(|capture| capture.total_lines.saturating_sub(capture.lost_lines));
        evidence.layer = Some(layer(record, self.name(record::FILE_NAME)));
        evidence.metadata = record.metadata.clone();
        evidence.run = Some(json!({
            "name": record.name,
            "label": record.label,
            "state": record.state,
            "command": record.command,
            "started_at": record.started_at,
            "ended_at": record.ended_at,
            "ended_because": record.ended_because,
            "attempts": record.attempts.len(),
            "exit_code": record.attempts.last().and_then(|attempt| attempt.exit_code),
        }));
        if record.state != State::Complete {
            let text = "the run was not completed: its supervisor ended before it could close the evidence";
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
        // What was raised from log lines is found again in the logs.
        let own =
            record.incidents.iter().filter(|incident| !matches!(incident.kind.as_str(), "log_level" | "stack_trace"));
        evidence.findings.extend(own.map(|incident| self.incident(incident, record::FILE_NAME)));
        self.timeline(record, evidence);
        for log in &record.evidence.logs {
            match self.recorded(log) {
                Some(log) => evidence.logs.push(log.path),
                None => self.refuse(log, evidence),
            }
        }
        for (recorded, usual, slot) in [
            (&record.evidence.diary, "decision_diary.json", &mut evidence.diary),
            (&record.evidence.performance, "performance_metrics.json", &mut evidence.performance),
        ] {
            *slot = recorded.as_ref().map(|path| match self.place {
                Place::Packet => self.named(usual),
                Place::Home => self.recorded(path).unwrap_or_else(|| self.named(usual)),
            });
        }
    }

    /// A run of which no record is left, or that another writer made.
    fn by_convention(&self, evidence: &mut Evidence) {
        evidence.logs = vec![self.path.join("logs")];
        let there = |names: &[&str]| names.iter().map(|name| self.named(name)).find(|file| file.path.is_file());
        evidence.diary = there(&["decision_diary.json", "decision_diary.jsonl"]);
        evidence.performance = there(&["performance_metrics.json"]);
        if self.place == Place::Packet {
            return;
        }
        let progress = files::read(&self.path.join("progress.json")).ok();
        if let Some(progress) = progress.and_then(|bytes| document::parse(&document::text(&bytes)).ok()) {
            self.by_progress(&progress, evidence);
        }
    }

    /// The last snapshot says how far the run got, and what it was asked for.
    fn by_progress(&self, progress: &Value, evidence: &mut Evidence) {
        let word = |key: &str| progress.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let number = |key: &str| progress.get(key).and_then(document::number);
        let yes = |key: &str| progress.get(key).and_then(Value::as_bool);
        let place = self.name("progress.json");
        if word("schema").starts_with("emp-ops/") {
            let text = "the run record (run.json) is missing, so nothing vouches for this run";
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
        if word("phase") != "complete" {
            let text = format!("the run was not completed: its last snapshot says `{}`", word("phase"));
            evidence.findings.push(Finding::fail(text).in_file(place.as_str(), None));
        }
        for incident in progress.get("incidents").and_then(Value::as_array).into_iter().flatten() {
            match serde_json::from_value::<Incident>(incident.clone()) {
                Ok(incident) => evidence.findings.push(self.incident(&incident, "progress.json")),
                Err(_) => {
                    let text = format!("an incident of the run cannot be read: {incident}");
                    evidence.findings.push(Finding::warn(text).in_file(place.as_str(), None));
                }
            }
        }
        evidence.run = Some(json!({"state": word("phase"), "started_at": progress.get("started_at")}));
        evidence.layer = Some(Layer {
            sign_off: true,
            min_duration: number("required_duration_seconds").and_then(duration),
            min_uptime: number("minimum_uptime_ratio").filter(|ratio| (0.0..=1.0).contains(ratio)),
            optional_diary: yes("require_diary_evidence").map(|required| !required),
            optional_performance: yes("require_performance_evidence").map(|required| !required),
            ..Layer { source: place, ..Layer::default() }
        });
    }

    fn incident(&self, incident: &Incident, file: &str) -> Finding {
        let mut finding = Finding::new(incident.severity, incident.message.as_str())
            .at(incident.occurred_at)
            .in_file(self.name(file), None);
        finding.metadata = incident.metadata.clone();
        if !incident.kind.is_empty() {
            finding = finding.with("kind", incident.kind.as_str());
        }
        if incident.count > 1 {
            finding = finding.with("count", incident.count);
        }
        finding
    }

    /// A path of the record: below the run directory, or elsewhere where the record lies at home.
    fn recorded(&self, path: &str) -> Option<Named> {
        if is_safe(path) {
            Some(self.named(path))
        } else if self.place == Place::Home && Path::new(path).is_absolute() {
            Some(Named { path: PathBuf::from(path), name: path.to_owned() })
        } else {
            None
        }
    }

    fn refuse(&self, path: &str, evidence: &mut Evidence) {
        let text = format!("the run record names {path}, which lies outside; it was not read");
        evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
    }

    /// Checks that no snapshot of the timeline was lost, altered or moved.
    fn timeline(&self, record: &RunRecord, evidence: &mut Evidence) {
        let folder = self.named("progress_timeline");
        let mut snapshots: Vec<PathBuf> = fs::read_dir(&folder.path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        let recorded = &record.progress;
        // Kept without a timeline, a run has no head.
        if snapshots.is_empty() && recorded.head_sha256.is_none() {
            return;
        }
        // By their number, since clocks may go back and numbers may grow longer.
        snapshots.sort_by_key(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok()), name)
        });
        let mut chain = Chain::default();
        for path in snapshots {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What cannot be read is as broken as what does not fit.
            let bytes = files::read(&path).unwrap_or_default();
            chain.push(&format!("{}/{name}", folder.name), &bytes);
        }
        evidence.findings.extend(chain.finish(&folder.name, recorded.snapshots, recorded.head_sha256.as_deref()));
    }
}

/// A length of time from a document; none where it is negative or unreal.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// What the run was asked for.
fn layer(record: &RunRecord, source: String) -> Layer {
    let settings = &record.settings;
    let positive = |seconds: f64| duration(seconds).filter(|length| !length.is_zero());
    Layer {
        source,
        warn_gap: positive(settings.warn_gap_seconds),
        fail_gap: positive(settings.fail_gap_seconds),
        diary_min_entries_per_day: Some(settings.diary_min_entries_per_day),
        diary_daily_gap_severity: Some(settings.diary_daily_gap_severity.max(Status::Warn)),
        sign_off: true,
        min_duration: duration(settings.required_duration_seconds),
        min_uptime: Some(settings.minimum_uptime_ratio).filter(|ratio| (0.0..=1.0).contains(ratio)),
        min_sharpe: settings.minimum_sharpe_ratio.filter(|ratio| ratio.is_finite()),
        allow_warnings: Some(settings.allow_warnings),
        optional_diary: Some(!settings.require_diary),
        optional_performance: Some(!settings.require_performance),
        diary_accept_status: Some(settings.diary_accept_status.clone()),
        performance_min_roi: settings.performance_min_roi.filter(|roi| roi.is_finite()),
        max_listed: settings.max_listed,
    }
}
