//! What the documents of a run say of it: its record, its last snapshot and its timeline, judged.
//!
//! Everything here is a pure function over what was read; who opens the files is `io::load`.

mod contradictions;
mod course;
mod documents;
mod drills;
mod guards;
mod incidents;
mod lines;
mod notifications;
mod rewritten;
mod sealed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::digest::sha256;
use crate::drills::judge::Claim;
use crate::evidence::checksums::is_safe;
use crate::finding::{Finding, Metadata, Status};
use crate::json::lenient;
use crate::log::excuse::Window;
use crate::log::summary::drills::DrillsSummary;
use crate::log::summary::guards::GuardsSummary;
use crate::log::summary::notifications::NotificationsSummary;
use crate::log::summary::{DownTime, LogSummary, RecordSummary};
use crate::log::totals::summarise::Receipt;
use crate::supervise::record::{self, RunRecord, State};
use crate::time::Stamp;
use crate::verdict::policy::Layer;
use crate::verdict::workloads::{self, Workloads};

use incidents::{incident, shown_incidents};

pub(crate) use course::Course;
pub(crate) use documents::{Sealed, compare as compare_documents, compare_policy, missing as missing_documents};
pub(crate) use drills::compare_acks;
pub(crate) use lines::{Wanted, compare as compare_lines, compare_report};
pub(crate) use rewritten::{Beside, Excerpts, as_sealed, compare as compare_whole, is_again};
pub(crate) use sealed::{FileFound, compare_files, named as named_files};

/// The name of the last snapshot in a run directory.
pub(crate) const PROGRESS: &str = "progress.json";
/// The folder of the snapshots in a run directory.
pub(crate) const TIMELINE: &str = "progress_timeline";

/// Where a run directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Where it was written: its record may name evidence elsewhere.
    Home,
    /// In a packet, below `raw/`: everything is in it.
    Packet,
}

impl Place {
    /// How a file of the run is shown: relative to what the user gave, so that a report reads the same wherever the run
    /// is.
    pub(crate) fn shown(self, file: &str) -> String {
        format!("{}{file}", self.prefix())
    }

    /// What is before each path of the run.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Home => "",
            Self::Packet => "raw/",
        }
    }

    /// The finding about a path of the record that leads out of what may be read.
    pub(crate) fn outside(self, path: &str) -> Finding {
        let text = format!("the run record names {path}, which is outside; it was not read");
        Finding::fail(text).in_file(self.shown(record::FILE_NAME), None)
    }

    /// Whether a path of the record may be opened: below the run directory, or elsewhere where the record is at home.
    pub(crate) fn admits(self, path: &str) -> bool {
        is_safe(path) || (self == Self::Home && Path::new(path).is_absolute())
    }
}

/// The documents of a run as they were read.
#[derive(Debug)]
pub(crate) struct Documents {
    /// Where they are.
    pub place: Place,
    /// The bytes of `run.json`, or why it cannot be read; none if there is none.
    pub record: Option<Result<Vec<u8>, String>>,
    /// The bytes of `progress.json`; none if it cannot be read.
    pub progress: Option<Vec<u8>>,
    /// The snapshots of the timeline, in the order of their numbers; none if there are none.
    pub timeline: Option<Course>,
    /// Any one snapshot of the timeline.
    pub snapshot: Option<Vec<u8>>,
    /// What tells of its drills.
    pub drills: Option<Result<Vec<u8>, String>>,
    /// What the watchdog restored of drills.
    pub restored: Option<Result<Vec<u8>, String>>,
    /// What tells of its guards on figures.
    pub guards: Option<Result<Vec<u8>, String>>,
    /// What each look at a source of them gave.
    pub guard_samples: Option<Result<Vec<u8>, String>>,
    /// The receipts of its notifications.
    pub notifications: Option<Result<Vec<u8>, String>>,
    /// What else a run of several workloads has.
    pub workloads: workloads::Documents,
    /// Whether the supervisor itself asks, to seal the run: then nothing is missing yet that comes with the verdict.
    pub sealing: bool,
}

/// What the documents of a run say.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// The record, where it can be read.
    pub record: Option<RunRecord>,
    /// The supervised time, and its length by the monotonic clock, in seconds.
    pub window: Option<(Stamp, Stamp)>,
    /// The same by the monotonic clock, in seconds.
    pub duration_seconds: Option<f64>,
    /// When nothing ran: after each attempt, until the next or the end of the run.
    pub pauses: Vec<DownTime>,
    /// The workloads, where there are several.
    pub workloads: Workloads,
    /// When lines could be received.
    pub receipt: Option<Receipt>,
    /// Lines that the logs must account for.
    pub captured: Option<u64>,
    /// Records by level, where none was lost.
    pub levels: Option<BTreeMap<String, u64>>,
    /// Its drills, where it has some.
    pub drills: Option<DrillsSummary>,
    /// Its guards on figures, where it has some.
    pub guards: Option<GuardsSummary>,
    /// Its notifications, where somebody was to hear of something.
    pub notifications: Option<NotificationsSummary>,
    /// What its drills say of lines of the log, and when somebody looked after what each caused.
    pub claims: Vec<Claim>,
    pub looked_after: Vec<(String, Stamp)>,
    /// When drills may have caused incidents.
    pub excuses: Vec<Window>,
    /// What is wrong with the run itself.
    pub findings: Vec<Finding>,
    /// Where the documents and the evidence of the run contradict each other: something was touched.
    pub differs: Vec<Finding>,
    /// What the run was asked for, over its own defaults.
    pub layers: Vec<Layer>,
    /// What the operator attached to the run.
    pub metadata: Metadata,
    /// What is known of the run, for the metadata of the audit.
    pub about: Option<Value>,
}

impl Run {
    /// The supervised time in which an evidence file could be written: from the first start of the workload that writes it.
    pub(crate) fn window_of(&self, path: Option<&String>) -> Option<(Stamp, Stamp)> {
        let (start, end) = self.window?;
        Some((path.and_then(|path| self.workloads.first_start(path)).unwrap_or(start), end))
    }

    /// The workloads in the words of readers of supervised tasks, where there are several.
    pub(crate) fn runtime(&self) -> Option<Value> {
        self.workloads.runtime(self.record.as_ref()?)
    }

    /// How long the command took to end after the supervised time.
    pub(crate) fn drain(&self) -> Duration {
        self.record.as_ref().and_then(|record| record.drain_seconds).and_then(duration).unwrap_or_default()
    }

    /// Whether there is a record, and it says that everything was written.
    pub(crate) fn is_complete(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.state == State::Complete)
    }
}

/// What was found about a run being as it was sealed; none for what has no record. `own_verdict` is that by the policy of
/// the run, where another one applies.
pub(crate) fn record_summary(run: &mut Run, own_verdict: Option<Status>) -> Option<RecordSummary> {
    let sealed = run.record.as_ref().and_then(|record| record.sealed_files.as_ref());
    let files = sealed.map_or(0, |files| files.len() as u64);
    let differs = std::mem::take(&mut run.differs);
    (run.record.is_some() || !differs.is_empty()).then(|| RecordSummary {
        status: Status::roll_up(differs.iter().map(|finding| finding.severity)),
        files,
        differs,
        own_verdict,
    })
}

/// Adds disagreements that were found elsewhere.
pub(crate) fn add_differences(record: &mut Option<RecordSummary>, differs: &[Finding]) {
    if !differs.is_empty() {
        let record = record.get_or_insert_default();
        record.status = Status::roll_up(differs.iter().map(|finding| finding.severity).chain([record.status]));
        record.differs.extend_from_slice(differs);
    }
}

/// Judges the documents of a run.
pub(crate) fn judge(documents: &Documents) -> Run {
    let mut run = Run::default();
    let name = documents.place.shown(record::FILE_NAME);
    match documents.record.as_ref().map(|bytes| read_record(bytes, &name)) {
        Some(Ok(record)) => {
            by_record(&record, documents, &mut run);
            run.record = Some(record);
        }
        Some(Err(finding)) => {
            run.findings.push(finding);
            by_convention(documents, &mut run);
        }
        None => by_convention(documents, &mut run),
    }
    run
}

fn read_record(bytes: &Result<Vec<u8>, String>, name: &str) -> Result<RunRecord, Finding> {
    let fault = |why: String| {
        let text = format!("the run record cannot be read, so nothing vouches for this run: {why}");
        Finding::fail(text).in_file(name, None)
    };
    let bytes = bytes.as_ref().map_err(|why| fault(why.clone()))?;
    let record: RunRecord = lenient::parse(&lenient::text(bytes))
        .and_then(serde_json::from_value)
        .map_err(|error| fault(error.to_string()))?;
    if record.schema == record::SCHEMA {
        Ok(record)
    } else {
        Err(fault(format!("its schema is `{}`, not `{}`", record.schema, record::SCHEMA)))
    }
}

fn by_record(record: &RunRecord, documents: &Documents, run: &mut Run) {
    let place = documents.place;
    let name = place.shown(record::FILE_NAME);
    run.window = record.ended_at.map(|end| (record.started_at, end));
    run.duration_seconds = record.duration_seconds;
    if documents.workloads.is_empty() && record.workloads_sha256.is_none() {
        run.pauses = pauses(record);
    } else {
        let shown = |file: &str| place.shown(file);
        let workloads = Workloads::read(record, &documents.workloads, shown, &mut run.differs);
        // What is to be said of one command, the gates of the run say.
        match record.command.is_empty() {
            true => run.workloads = workloads,
            false => run.pauses = pauses(record),
        }
    }
    run.receipt = receipt(record);
    let over = record.state == State::Complete || (documents.sealing && record.state == State::Sealing);
    if over {
        let lost = record.capture.lost_lines;
        run.levels = Some(record.capture.level_counts.clone()).filter(|_| lost == 0);
        let sealed = record.sealed_files.iter().flatten().filter(|file| record.evidence.logs.contains(&file.path));
        let held = sealed.map(|file| file.lines).sum::<Option<u64>>();
        run.captured = held.or(Some(record.capture.total_lines.saturating_sub(lost)));
    }
    run.layers = vec![layer(record, name.clone()), defaults(Some(record.settings.target_duration_seconds))];
    run.metadata = record.metadata.clone();
    run.about = Some(json!({
        "name": record.name,
        "label": record.label,
        "state": if over { State::Complete } else { record.state },
        "command": record.command,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "ended_because": record.ended_because,
        "attempts": record.attempts.len(),
        "exit_code": record.attempts.last().and_then(|attempt| attempt.exit_code),
    }));
    let fail = |text: String| Finding::fail(text).in_file(name.as_str(), None);
    run.differs.extend(contradictions::of(record).into_iter().map(fail));
    if !over {
        // The record of a run that was cut short holds no incidents; its last snapshot does.
        if let Some(progress) = parsed(documents.progress.as_deref()) {
            shown_incidents(&progress, place, &mut run.findings);
        }
        let when = match record.state {
            State::Sealing => "while it sealed the evidence",
            _ => "before it could close the evidence",
        };
        let last = run.workloads.last_states();
        let last = if last.is_empty() { String::new() } else { format!("; last states: {}", last.join(", ")) };
        run.findings.push(fail(format!("the run was not completed: its supervisor ended {when}{last}")));
    }
    drills::judge(record, documents.drills.as_ref(), place, run);
    drills::restored(documents.restored.as_ref(), place, run);
    guards::judge(record, documents, run);
    notifications::judge(record, documents.notifications.as_ref(), place, run);
    // What was raised from log lines is found again in the logs, and what a guard raised is judged with it.
    // A line that was lost cannot be found again.
    let lost = record.capture.lost_lines;
    let own = record.incidents.iter().filter(|incident| lost > 0 || !incident.of_log());
    let own = own.filter(|incident| run.guards.is_none() || !guards::is_of(incident));
    let excuses = &run.excuses;
    let own: Vec<Finding> =
        own.map(|seen| Finding { severity: drills::severity(seen, excuses), ..incident(seen, &name) }).collect();
    run.findings.extend(own);
    if lost > 0 && !record.incidents.iter().any(|i| i.kind == "capture" && i.severity == Status::Fail) {
        run.findings.push(fail(format!("{lost} lines of the command were lost: no log holds them")));
    }
    run.differs.extend(timeline(record, documents));
}

/// A run of which no record is left, or that another writer made.
fn by_convention(documents: &Documents, run: &mut Run) {
    let place = documents.place;
    let progress = parsed(documents.progress.as_deref());
    let snapshot = parsed(documents.snapshot.as_deref());
    let schemas = [&progress, &snapshot].into_iter().flatten().filter_map(|document| document.get("schema")?.as_str());
    let ours = schemas.into_iter().any(|schema| schema.starts_with("emp-ops/"));
    if ours && documents.record.is_none() {
        let text = "the run record (run.json) is missing, so nothing vouches for this run";
        run.findings.push(Finding::fail(text).in_file(place.shown(record::FILE_NAME), None));
    }
    if let (Some(progress), Place::Home) = (progress, place) {
        by_progress(&progress, run);
    }
}

/// The last snapshot says how far the run got, and what it was asked for.
fn by_progress(progress: &Value, run: &mut Run) {
    let word = |key: &str| progress.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
    let number = |key: &str| progress.get(key).and_then(lenient::number);
    let yes = |key: &str| progress.get(key).and_then(Value::as_bool);
    if word("phase") != "complete" {
        let text = format!("the run was not completed: its last snapshot says `{}`", word("phase"));
        run.findings.push(Finding::fail(text).in_file(PROGRESS, None));
    }
    shown_incidents(progress, Place::Home, &mut run.findings);
    run.about = Some(json!({"state": word("phase"), "started_at": progress.get("started_at")}));
    let asked = Layer {
        sign_off: true,
        min_duration: number("required_duration_seconds").and_then(duration),
        min_uptime: number("minimum_uptime_ratio").filter(|ratio| (0.0..=1.0).contains(ratio)),
        optional_diary: yes("require_diary_evidence").map(|required| !required),
        optional_performance: yes("require_performance_evidence").map(|required| !required),
        ..Layer { source: PROGRESS.to_owned(), ..Layer::default() }
    };
    run.layers = vec![asked, defaults(number("target_duration_seconds"))];
}

/// Whether the timeline is whole, and ends where the record says; what the last snapshot says otherwise than the record.
fn timeline(record: &RunRecord, documents: &Documents) -> Vec<Finding> {
    let place = documents.place;
    let recorded = &record.progress;
    let complete = record.state == State::Complete;
    let mut differs = Vec::new();
    // Kept without a timeline, a run has no head.
    if documents.timeline.is_some() || recorded.head_sha256.is_some() {
        let course = documents.timeline.clone().unwrap_or_default();
        differs.extend(course.finish(&place.shown(TIMELINE), record, complete));
    }
    if !complete {
        return differs;
    }
    let fail = |text: &str| Finding::fail(text).in_file(place.shown(PROGRESS), None);
    let last = parsed(documents.progress.as_deref());
    // The progress file of a run that is over is its last snapshot.
    match (&documents.progress, &recorded.head_sha256) {
        (Some(bytes), Some(head)) if sha256(bytes) != *head => {
            differs.push(fail("the progress file was altered: it is not the last snapshot of the run"));
        }
        (Some(_), None) if last.as_ref().is_some_and(|last| last["previous_sha256"].is_string()) => {
            differs.push(fail("the last snapshot is one of a timeline, but the run record names none"));
        }
        _ => {}
    }
    if let Some(Ok(bytes)) = &documents.record {
        differs.extend(sealed::compare_snapshot(bytes, last.as_ref(), place));
    }
    differs
}

/// Holds the logs against what the run captured. `documents` were written when it was sealed.
pub(crate) fn compare_logs(run: &mut Run, place: Place, logs: &LogSummary, documents: &[Sealed]) {
    let name = place.shown(record::FILE_NAME);
    let fail = |text: String| Finding::fail(text).in_file(name.as_str(), None);
    let ours = || documents.iter().any(Sealed::is_ours);
    let of_record = |text: &str| ["run.json", "the run record cannot be read"].iter().any(|part| text.contains(part));
    let told = || run.findings.iter().any(|finding| of_record(&finding.summary));
    if run.record.is_none() && (logs.received_records > 0 || ours()) && !told() {
        let text = "the logs are captures of emp-ops, but their run record (run.json) is missing, so nothing vouches for \
                    this run";
        run.findings.push(fail(text.to_owned()));
    }
    let Some(captured) = run.captured else { return };
    let held = (logs.lines + logs.folded_lines).saturating_sub(logs.restated_lines);
    if held != captured {
        let text =
            format!("the run captured {captured} lines, but its logs hold {held}: they are not as they were written");
        run.differs.push(fail(text).with("captured_lines", captured).with("held_lines", held));
    }
    let Some(levels) =
        run.levels.as_ref().filter(|levels| logs.levels_not_listed == 0 && **levels != logs.level_counts)
    else {
        return;
    };
    let words: BTreeSet<&String> = levels.keys().chain(logs.level_counts.keys()).collect();
    let count = |counts: &BTreeMap<String, u64>, word: &String| counts.get(word).copied().unwrap_or(0);
    let differ: Vec<String> = words
        .into_iter()
        .map(|word| (word, count(levels, word), count(&logs.level_counts, word)))
        .filter(|(_, recorded, held)| recorded != held)
        .map(|(word, recorded, held)| format!("{word}: {recorded} captured, {held} in the logs"))
        .collect();
    let text = format!(
        "the levels of the records are not those that the run captured ({}): its logs are not as they were written",
        differ.join("; ")
    );
    run.differs.push(fail(text));
}

/// The time of the run by the monotonic clock, in which lines were received.
fn receipt(record: &RunRecord) -> Option<Receipt> {
    let held_up = record.held_up.iter().filter_map(|(from, to)| Some((duration(*from)?, duration(*to)?)));
    let duration = duration(record.duration_seconds?)?;
    Some(Receipt { duration, held_up: held_up.collect(), paused: record.paused.clone() })
}

/// From the end of each attempt to the start of the next, or to the end of the run; and why.
fn pauses(record: &RunRecord) -> Vec<DownTime> {
    let next = record.attempts.iter().skip(1).map(|attempt| attempt.started_at).chain(record.ended_at);
    let pauses = record.attempts.iter().zip(next).filter_map(|(attempt, next)| {
        let end = attempt.ended_at.filter(|end| next > *end)?;
        let how = match (attempt.exit_code, attempt.signal) {
            (Some(code), _) => format!("exited with code {code}"),
            (None, Some(signal)) => format!("ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        let reason = attempt.reason.as_deref().filter(|reason| reason.contains("supervisor"));
        let cause = reason.map_or_else(|| format!("the command {how}"), |reason| format!("the command was {reason}"));
        Some(DownTime::new(end, next, cause))
    });
    pauses.collect()
}

/// A JSON document; none if it cannot be read.
fn parsed(bytes: Option<&[u8]>) -> Option<Value> {
    lenient::parse(&lenient::text(bytes?)).ok()
}

/// A length of time from a document; none if it is negative or unreal.
fn duration(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
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
        waivers: Some(record.waivers.clone()).filter(|waivers| !waivers.is_empty()),
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
        figures: settings.performance_figures.clone(),
        diary_explained_by: settings.diary_explained.as_ref().map(|asked| asked.by.clone()),
        diary_min_explained: settings.diary_explained.as_ref().map(|asked| asked.min_share),
        diary_explained_severity: settings.diary_explained.as_ref().map(|asked| asked.severity.max(Status::Warn)),
        performance_min_roi: settings.performance_min_roi.filter(|roi| roi.is_finite()),
        stderr_severity: settings.stderr_severity,
        max_listed: settings.max_listed,
        ignore: Some(settings.log_ignore.clone()).filter(|texts| !texts.is_empty()),
        error_statuses: settings.log_statuses.error.clone(),
        warn_statuses: Some(settings.log_statuses.warn.clone()).filter(|texts| !texts.is_empty()),
        components: settings.components.as_ref().and_then(crate::evidence::readiness::Rules::of_record),
        recorded: record.criteria.clone(),
        ..Layer::default()
    }
}

/// The defaults of a run: it must last as long as it was planned to.
fn defaults(target_seconds: Option<f64>) -> Layer {
    let min_duration = target_seconds.and_then(positive);
    Layer { is_default: true, min_duration, sign_off: true, ..Layer::default() }
}

#[cfg(test)]
mod tests;
