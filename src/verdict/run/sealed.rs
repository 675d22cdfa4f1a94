//! The record of a run against its last snapshot and against the files that it sealed. Whoever touches one of them alone
//! contradicts the others.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{PROGRESS, Place, Run};
use crate::evidence::checksums::Found;
use crate::finding::{Finding, Status, count};
use crate::supervise::progress::Phase;
use crate::supervise::record::{self, EvidencePaths, RunRecord, SealedFile, UNSEALED};

/// At most so many disagreements of two documents are named one by one.
const NAMED: usize = 10;

/// What was found at the place of a file of the run.
#[derive(Clone, Debug)]
pub(crate) struct FileFound {
    /// Its path as the record has it.
    pub path: String,
    /// What is there now.
    pub found: Found,
    /// For a raw log: its lines, and its bytes when unpacked.
    pub text: Option<(u64, u64)>,
    /// The SHA-256 of the file outside that it is a copy of, where that can still be read.
    pub source_sha256: Option<String>,
}

/// The keys of a snapshot that say the same as the record, each with the place of the record.
pub(super) const SAME: &[(&str, &str)] = &[
    ("started_at", "/started_at"),
    ("elapsed_seconds", "/duration_seconds"),
    ("target_duration_seconds", "/settings/target_duration_seconds"),
    ("required_duration_seconds", "/settings/required_duration_seconds"),
    ("minimum_uptime_ratio", "/settings/minimum_uptime_ratio"),
    ("require_diary_evidence", "/settings/require_diary"),
    ("require_performance_evidence", "/settings/require_performance"),
    ("total_lines", "/capture/total_lines"),
    ("line_counts", "/capture/line_counts"),
    ("level_counts", "/capture/level_counts"),
    ("incident_counts", "/incident_counts"),
    ("command", "/command"),
    ("supervisor_pid", "/supervisor_pid"),
];

/// Where the record of a complete run and its last snapshot disagree. `bytes` is the record as it was read, `last` the
/// snapshot.
pub(super) fn compare_snapshot(bytes: &[u8], last: Option<&Value>, place: Place) -> Vec<Finding> {
    let (record_name, progress_name) = (place.shown(record::FILE_NAME), place.shown(PROGRESS));
    let fail = |text: String| Finding::fail(text).in_file(progress_name.as_str(), None);
    let Some(last) = last else {
        return vec![fail("the last snapshot of a complete run is missing, or cannot be read".to_owned())];
    };
    if last["phase"] != json!(Phase::Complete) {
        return vec![fail(format!(
            "{record_name} says that the run is complete, its last snapshot that its phase is {}",
            last["phase"]
        ))];
    }
    let Some(mut record) = super::parsed(Some(bytes)) else { return Vec::new() };
    let mut differs = Vec::new();
    for (key, pointer) in SAME {
        let (shown, recorded) = (&last[*key], record.pointer(pointer).unwrap_or(&Value::Null));
        if shown != recorded {
            differs.push((pointer[1..].replace('/', "."), recorded.clone(), shown.clone()));
        }
    }
    match (last.get("record"), record.as_object_mut()) {
        (Some(sealed), Some(keys)) => {
            keys.retain(|key, _| !UNSEALED.contains(&key.as_str()));
            differences("", &record, sealed, &mut differs);
            differs.sort_by(|a, b| a.0.cmp(&b.0));
            differs.dedup_by(|a, b| a.0 == b.0);
            // A whole of which parts are told is not told again.
            let part_of = |whole: &str, name: &str| name.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'));
            let names: Vec<String> = differs.iter().map(|differ| differ.0.clone()).collect();
            differs.retain(|differ| !names.iter().any(|name| part_of(&differ.0, name)));
        }
        _ => return vec![fail("the last snapshot does not repeat the run record: it was changed".to_owned())],
    }
    let more = differs.len().saturating_sub(NAMED);
    let mut findings: Vec<Finding> = differs
        .into_iter()
        .take(NAMED)
        .map(|(key, recorded, shown)| {
            let text = format!(
                "{record_name} and {progress_name} do not agree about {key}: the first says {}, the second {}",
                brief(&recorded),
                brief(&shown)
            );
            fail(text).with("key", key).with("recorded", recorded).with("last_snapshot", shown)
        })
        .collect();
    if more > 0 {
        findings.push(fail(format!("{record_name} and {progress_name} do not agree about {more} further keys")));
    }
    findings
}

/// The places at which two values differ, down to single members of objects.
fn differences(path: &str, a: &Value, b: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let of = |side: &serde_json::Map<String, Value>| side.get(key).cloned().unwrap_or_default();
                differences(&path, &of(left), &of(right), found);
            }
        }
        _ if a == b => {}
        _ => found.push((path.to_owned(), a.clone(), b.clone())),
    }
}

/// A value in few characters.
fn brief(value: &Value) -> String {
    match value {
        Value::Array(items) => count(items.len() as u64, "item"),
        Value::Null => "nothing".to_owned(),
        value => crate::sanitize::shorten(&value.to_string(), 60),
    }
}

/// The files that the record names: logs, raw logs, diary, performance report, the checklist with what it names, and
/// the acknowledgements.
pub(crate) fn named(evidence: &EvidencePaths) -> impl Iterator<Item = &String> {
    let EvidencePaths { logs, raw_logs, diary, performance, checklist, checklist_files, acks, .. } = evidence;
    let components = evidence.components.iter().map(|component| &component.path).chain(&evidence.component_history);
    let judged = logs.iter().chain(raw_logs).chain(diary).chain(performance).chain(checklist).chain(checklist_files);
    let others = evidence.workload_files.iter().chain(&evidence.drill_files).chain(&evidence.guards);
    let others = others.chain(&evidence.guard_samples).chain(&evidence.notifications);
    judged.chain(acks).chain(others).chain(components)
}

/// Holds the files of a complete run against what its record sealed. `in_logs` are the paths of all files in the folder
/// of the logs.
pub(crate) fn compare_files(run: &mut Run, place: Place, found: &[FileFound], in_logs: &[String]) {
    let Some(record) = &run.record else { return };
    let name = place.shown(record::FILE_NAME);
    let Some(sealed) = &record.sealed_files else {
        let text = "the run record holds no digests of its evidence files, so nothing shows that they are as they were";
        run.differs.push(Finding::fail(text).in_file(name, None));
        return;
    };
    let by_path: BTreeMap<&str, &SealedFile> = sealed.iter().map(|file| (file.path.as_str(), file)).collect();
    let mut differs = Vec::new();
    for file in found {
        differs.extend(compare_file(file, by_path.get(file.path.as_str()).copied(), place));
    }
    let listed: BTreeSet<&str> = named(&record.evidence).map(String::as_str).chain(by_path.keys().copied()).collect();
    for path in in_logs.iter().filter(|path| !listed.contains(path.as_str())) {
        let text = format!("{} is among the logs, but {name} does not name it: it was added", place.shown(path));
        differs.push(Finding::fail(text).in_file(place.shown(path), None));
    }
    let counts = line_counts(record, sealed).chain(raw_bytes(record, found));
    differs.extend(counts.map(|text| Finding::fail(text).in_file(name.as_str(), None)));
    run.differs.extend(differs);
}

fn compare_file(file: &FileFound, sealed: Option<&SealedFile>, place: Place) -> Option<Finding> {
    let shown = if file.path.starts_with('/') { file.path.clone() } else { place.shown(&file.path) };
    let record = place.shown(record::FILE_NAME);
    let fail = |text: String| Some(Finding::fail(text).in_file(shown.as_str(), None));
    match (sealed, &file.found) {
        // That it is missing now as then is told where it is wanted.
        (None, Found::Unreadable(_)) => None,
        (None, Found::File { .. }) => fail(format!(
            "{shown} is there, but {record} holds no digest of it: it was not there when the run was sealed"
        )),
        (Some(_), Found::Unreadable(why)) => {
            let why = if why.starts_with("is ") { why.clone() } else { format!("cannot be read: {why}") };
            fail(format!("{shown}, which {record} sealed, {why}"))
        }
        (Some(sealed), Found::File { sha256, bytes }) if *sha256 != sealed.sha256 => {
            let size = if *bytes == sealed.bytes {
                String::new()
            } else {
                format!(" ({bytes} bytes instead of {})", sealed.bytes)
            };
            fail(format!("{shown} was changed after the run: its digest is not the one in {record}{size}")).map(
                |finding| {
                    finding.with("expected_sha256", sealed.sha256.as_str()).with("actual_sha256", sha256.as_str())
                },
            )
        }
        (Some(sealed), Found::File { bytes, .. }) if *bytes != sealed.bytes => {
            fail(format!("{shown} has {bytes} bytes, but {record} says {}", sealed.bytes))
        }
        (Some(sealed), Found::File { .. }) => match (sealed.lines, file.text) {
            (Some(expected), Some((lines, _))) if expected != lines => {
                fail(format!("{shown} holds {lines} lines, but {record} says {expected}"))
            }
            _ => sealed.source.as_ref().zip(file.source_sha256.as_ref()).filter(|(_, now)| **now != sealed.sha256).map(
                |(source, _)| {
                    let text = format!("{source} was changed after the run; {shown}, the copy made then, was judged");
                    Finding::new(Status::Warn, text).in_file(shown.as_str(), None)
                },
            ),
        },
    }
}

/// The raw logs hold each byte that was captured, where no line was lost.
fn raw_bytes(record: &RunRecord, found: &[FileFound]) -> Option<String> {
    let captured = record.capture.raw_bytes?;
    let raw = found.iter().filter(|file| record.evidence.raw_logs.contains(&file.path));
    let held: u64 = raw.map(|file| file.text.map(|(_, bytes)| bytes)).sum::<Option<u64>>()?;
    (held != captured && record.capture.lost_lines == 0)
        .then(|| format!("the run captured {captured} bytes for its raw logs, but they hold {held}"))
}

/// The logs account for each line that was captured and not lost.
fn line_counts(record: &RunRecord, sealed: &[SealedFile]) -> impl Iterator<Item = String> {
    let capture = &record.capture;
    let lines = |names: &[String]| -> u64 {
        sealed.iter().filter(|file| names.contains(&file.path)).filter_map(|file| file.lines).sum()
    };
    let held = [("logs", lines(&record.evidence.logs)), ("raw logs", lines(&record.evidence.raw_logs))];
    let least = capture.total_lines.saturating_sub(capture.lost_lines);
    let total = capture.total_lines;
    held.into_iter().filter(move |(_, held)| !(least..=total).contains(held)).map(move |(what, held)| {
        format!("the run captured {}, but its {what} are said to hold {held}", count(total, "line"))
    })
}
