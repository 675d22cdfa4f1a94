//! Finds the evidence in a run directory: by its record, or by convention where there is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Evidence, LoadError, Named, packet};
use crate::digest::sha256;
use crate::evidence::checksums::is_safe;
use crate::evidence::snapshot_chain::Chain;
use crate::finding::{Finding, Status};
use crate::io::files::{self, FileError};
use crate::io::packet_reader;
use crate::json::lenient;
use crate::supervise::progress::Incident;
use crate::supervise::record::{self, EndReason, RunRecord, State};
use crate::time::Stamp;
use crate::verdict::policy::Layer;

/// The folder of the snapshots in a run directory.
const TIMELINE: &str = "progress_timeline";

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

/// From the end of each attempt to the start of the next, or to the end of the run.
fn pauses(record: &RunRecord) -> Vec<(Stamp, Stamp)> {
    let next = record.attempts.iter().skip(1).map(|attempt| attempt.started_at).chain(record.ended_at);
    let pauses = record.attempts.iter().zip(next).filter_map(|(attempt, next)| Some((attempt.ended_at?, next)));
    pauses.filter(|(ended, next)| ended < next).collect()
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
                    serde_json::from_str(&lenient::text(&bytes)).map_err(|error| fault(error.to_string()))?;
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
        evidence
            .findings
            .extend(contradictions(record).map(|text| Finding::fail(text).in_file(self.name(record::FILE_NAME), None)));
        if record.state != State::Complete {
            // The record of a run that was cut short holds no incidents; its last snapshot does.
            if let Some(progress) = self.progress() {
                self.shown_incidents(&progress, evidence);
            }
            let text = "the run was not completed: its supervisor ended before it could close the evidence";
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
        // What was raised from log lines is found again in the logs.
        // A line that was lost cannot be found again.
        let lost = record.capture.lost_lines;
        let own = record.incidents.iter().filter(|incident| lost > 0 || !incident.of_log());
        evidence.findings.extend(own.map(|incident| self.incident(incident, record::FILE_NAME)));
        if lost > 0 && !record.incidents.iter().any(|i| i.kind == "capture" && i.severity == Status::Fail) {
            let text = format!("{lost} lines of the command were lost: no log holds them");
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
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
        let progress = self.progress();
        let snapshot = fs::read_dir(self.path.join(TIMELINE)).into_iter().flatten().flatten().next();
        let snapshot = snapshot.and_then(|entry| document_at(&entry.path()));
        let schemas =
            [&progress, &snapshot].into_iter().flatten().filter_map(|document| document.get("schema")?.as_str());
        let ours = schemas.into_iter().any(|schema| schema.starts_with("emp-ops/"));
        if ours && !self.path.join(record::FILE_NAME).exists() {
            let text = "the run record (run.json) is missing, so nothing vouches for this run";
            evidence.findings.push(Finding::fail(text).in_file(self.name(record::FILE_NAME), None));
        }
        if let (Some(progress), Place::Home) = (progress, self.place) {
            self.by_progress(&progress, evidence);
        }
    }

    /// The last snapshot.
    fn progress(&self) -> Option<Value> {
        document_at(&self.path.join("progress.json"))
    }

    /// The incidents that a snapshot lists.
    fn shown_incidents(&self, progress: &Value, evidence: &mut Evidence) {
        for incident in progress.get("incidents").and_then(Value::as_array).into_iter().flatten() {
            evidence.findings.push(match serde_json::from_value::<Incident>(incident.clone()) {
                Ok(incident) => self.incident(&incident, "progress.json"),
                Err(_) => Finding::warn(format!("an incident of the run cannot be read: {incident}"))
                    .in_file(self.name("progress.json"), None),
            });
        }
    }

    /// The last snapshot says how far the run got, and what it was asked for.
    fn by_progress(&self, progress: &Value, evidence: &mut Evidence) {
        let word = |key: &str| progress.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        let number = |key: &str| progress.get(key).and_then(lenient::number);
        let yes = |key: &str| progress.get(key).and_then(Value::as_bool);
        let place = self.name("progress.json");
        if word("phase") != "complete" {
            let text = format!("the run was not completed: its last snapshot says `{}`", word("phase"));
            evidence.findings.push(Finding::fail(text).in_file(place.as_str(), None));
        }
        self.shown_incidents(progress, evidence);
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
        let folder = self.named(TIMELINE);
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
        // The progress file of a run that is over is its last snapshot.
        let progress = files::read(&self.path.join("progress.json")).ok();
        if let (State::Complete, Some(bytes), Some(head)) = (record.state, progress, &recorded.head_sha256)
            && sha256(&bytes) != *head
        {
            let text = "the progress file was altered: it is not the last snapshot of the run";
            evidence.findings.push(Finding::fail(text).in_file(self.name("progress.json"), None));
        }
    }
}

/// The JSON document in a file; none where it cannot be read.
fn document_at(path: &Path) -> Option<Value> {
    lenient::parse(&lenient::text(&files::read(path).ok()?)).ok()
}

/// A length of time from a document; none where it is negative or unreal.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// What cannot be true of a run that was recorded as it was.
fn contradictions(record: &RunRecord) -> impl Iterator<Item = String> {
    let raised = |kind: &str| record.incidents.iter().any(|incident| incident.kind == kind);
    let failed = record.incidents.iter().any(|incident| incident.severity == Status::Fail);
    let last = record.attempts.last();
    let broke = last.is_some_and(|last| last.signal.is_some() || last.exit_code.is_some_and(|code| code != 0));
    let bad_end = match record.ended_because {
        Some(EndReason::GaveUp) => Some("gave the command up"),
        Some(EndReason::Interrupted) => Some("was interrupted"),
        Some(EndReason::CommandEnded) if broke => Some("ended with a command that failed"),
        _ => None,
    };
    let silent = bad_end.filter(|_| !failed).map(|end| format!("the run {end}, but no incident of its record says so"));
    let open = record.state == State::Complete
        && (record.ended_at.is_none() || record.duration_seconds.is_none() || record.ended_because.is_none());
    let open =
        open.then(|| "the run is said to be complete, but its record does not say when or why it ended".to_owned());
    // The clocks may differ by what an incident names, and by little else.
    let wall = record.ended_at.map(|ended| ended.seconds_since(record.started_at));
    let longer = record.duration_seconds.zip(wall).filter(|(duration, wall)| {
        let fits = (0.0..=wall.max(0.0) * 1.01 + 60.0).contains(duration);
        !fits && !raised("clock")
    });
    let longer = longer.map(|(duration, wall)| {
        format!("the run is said to have lasted {duration} seconds, but {wall} passed from its start to its end")
    });
    let settings = &record.settings;
    let unusable = [
        ("required_duration_seconds", duration(settings.required_duration_seconds).is_some()),
        ("minimum_uptime_ratio", (0.0..=1.0).contains(&settings.minimum_uptime_ratio)),
        ("warn_gap_seconds", positive(settings.warn_gap_seconds).is_some()),
        ("fail_gap_seconds", positive(settings.fail_gap_seconds).is_some()),
    ];
    let unusable = unusable.into_iter().filter(|(_, usable)| !usable);
    let unusable = unusable.map(|(name, _)| format!("the setting {name} of the run record is out of its range"));
    silent.into_iter().chain(open).chain(longer).chain(unusable)
}

/// A length of time above zero.
fn positive(seconds: f64) -> Option<Duration> {
    duration(seconds).filter(|length| !length.is_zero())
}

/// What the run was asked for.
fn layer(record: &RunRecord, source: String) -> Layer {
    let settings = &record.settings;
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
