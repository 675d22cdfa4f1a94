//! The rules of the diary: what its entries say, and whether they cover the run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::read::{Diary, Entry};
use super::statuses::{self, Stated};
use super::{Rules, issue, signature, words};
use crate::finding::{Metadata, Status};
use crate::log::summary::{DiaryIssue, DiarySummary};
use crate::time::{Stamp, human_duration, human_seconds};

/// How far the first and the last entry may lie from the ends of the window, at most.
const TOLERANCE: Duration = Duration::from_secs(15 * 60);
/// No entry for longer than this is a gap: a day and a half, as people write at another hour on the next day.
const LONGEST_GAP: Duration = Duration::from_secs(36 * 3600);

pub(super) fn summarise(diary: Diary, path: &str, window: Option<(Stamp, Stamp)>, rules: &Rules) -> DiarySummary {
    let Diary { entries, faults } = diary;
    let mut summary = DiarySummary::default();
    let mut issues = Vec::new();
    let mut unknown: BTreeMap<String, Unknown<'_>> = BTreeMap::new();
    for entry in &entries {
        if !entry.replaced {
            summary.total_entries += 1;
            *summary.policy_counts.entry(entry.policy.clone()).or_default() += 1;
            summary.first_recorded_at = summary.first_recorded_at.into_iter().chain(entry.recorded_at).min();
            summary.last_recorded_at = summary.last_recorded_at.max(entry.recorded_at);
        }
        issues.extend(judge(entry, rules, &mut unknown).into_iter().map(|issue| issue.in_file(path, entry.line)));
    }
    for (word, Unknown { count, first }) in unknown {
        let seen = match count {
            1 => format!("seen once, in {}", first.name),
            _ => format!("seen {count} times, first in {}", first.name),
        };
        let reason = format!("the status word `{word}` is not known ({seen})");
        let mut found = issue(&format!("status/{word}"), Status::Warn, reason).in_file(path, first.line);
        found.recorded_at = first.recorded_at;
        issues.push(found);
    }
    let unreadable = faults.iter().any(|fault| fault.severity == Status::Fail);
    issues.extend(faults);
    if !(unreadable && entries.is_empty()) {
        let times: Vec<Stamp> = entries.iter().filter(|e| !e.replaced).filter_map(|e| e.recorded_at).collect();
        issues.extend(coverage(times, entries.len(), window, rules).into_iter().map(|issue| issue.in_file(path, None)));
    }
    // Undated issues last; entry issues before those of coverage, as they were found.
    issues.sort_by_key(|issue| (issue.recorded_at.is_none(), issue.recorded_at));
    summary.status = Status::roll_up(issues.iter().map(|issue| issue.severity));
    summary.total_issues = issues.len() as u64;
    summary.issues = worst(issues, rules.max_listed);
    summary
}

/// The first `max` by severity, still in their order.
fn worst(issues: Vec<DiaryIssue>, max: usize) -> Vec<DiaryIssue> {
    if issues.len() <= max {
        return issues;
    }
    let mut ranked: Vec<(usize, DiaryIssue)> = issues.into_iter().enumerate().collect();
    ranked.sort_by_key(|(i, issue)| (std::cmp::Reverse(issue.severity), *i));
    ranked.truncate(max);
    ranked.sort_by_key(|(i, _)| *i);
    ranked.into_iter().map(|(_, issue)| issue).collect()
}

/// A status word that nobody has defined.
struct Unknown<'a> {
    count: u64,
    first: &'a Entry,
}

/// What one entry says, and what is wrong with it.
fn judge<'a>(entry: &'a Entry, rules: &Rules, unknown: &mut BTreeMap<String, Unknown<'a>>) -> Vec<DiaryIssue> {
    let metadata: Metadata = object(&entry.content, "metadata").clone().into_iter().collect();
    let issue = |severity, reason: String| DiaryIssue {
        entry_id: entry.name.clone(),
        policy_id: entry.policy.clone(),
        recorded_at: entry.recorded_at,
        severity,
        reason,
        metadata: metadata.clone(),
        place: None,
        known: None,
    };
    let mut issues = Vec::new();
    let mut decided: Option<(Status, String)> = None;
    let mut consider = |severity: Status, reason: String| {
        if severity > decided.as_ref().map_or(Status::Pass, |(worst, _)| *worst) {
            decided = Some((severity, reason));
        }
    };
    for note in notes(entry.content.get("notes")) {
        consider(words::note(&note), format!("note: {note}"));
    }
    for Stated { place, status } in statuses::of(&entry.content) {
        let word = match status {
            Ok(word) => word,
            Err(kind) => {
                consider(Status::Warn, format!("{place} is {kind}, which says no status"));
                continue;
            }
        };
        match words::status(&word, &rules.accepted_statuses) {
            Some(severity) => consider(severity, format!("{place}={}", word.to_lowercase())),
            None => unknown.entry(word).or_insert(Unknown { count: 0, first: entry }).count += 1,
        }
    }
    issues.extend(decided.map(|(severity, reason)| issue(severity, reason)));
    if !entry.has_id {
        issues.push(issue(Status::Warn, "the entry has no entry_id".to_owned()));
    }
    if entry.recorded_at.is_none() {
        let reason = match entry.content.get("recorded_at") {
            None | Some(Value::Null) => "the entry has no recorded_at".to_owned(),
            Some(other) => format!("recorded_at is not a time: {other}"),
        };
        issues.push(issue(Status::Warn, reason));
    }
    if let Some(signed) = entry.content.get("signature").filter(|signed| !signed.is_null()) {
        let matches =
            signed.as_str().is_some_and(|signed| signature::matches(&entry.content, signed, rules.key.as_deref()));
        if !matches {
            let reason = match rules.key {
                Some(_) => "the signature does not match: the entry was altered, or signed with another key",
                None => "the signature does not match: the entry was altered, or signed with a key that was not given",
            };
            issues.push(issue(Status::Fail, reason.to_owned()));
        }
    }
    issues
}

/// The object under `name`, or an empty one.
fn object<'a>(content: &'a Map<String, Value>, name: &str) -> &'a Map<String, Value> {
    static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    content.get(name).and_then(Value::as_object).unwrap_or_else(|| EMPTY.get_or_init(Map::new))
}

/// All text in `notes`: a list as the rules say, but a writer may also leave one text or an object. What stands under a
/// name is judged with it: `{"error": "disk full"}`.
fn notes(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(note)) => {
            let note = note.trim_matches(crate::time::is_blank);
            Some(note.to_owned()).filter(|note| !note.is_empty()).into_iter().collect()
        }
        Some(Value::Array(notes)) => notes.iter().flat_map(|note| self::notes(Some(note))).collect(),
        Some(Value::Object(notes)) => notes.iter().flat_map(|(name, note)| named_note(name, note)).collect(),
        _ => Vec::new(),
    }
}

fn named_note(name: &str, note: &Value) -> Vec<String> {
    let plain = ["text", "note", "notes", "message", "body", "comment", "content", "detail", "details"];
    let name = name.replace(['_', '-'], " ").trim().to_lowercase();
    let said = match note {
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(true) => vec!["true".to_owned()],
        other => notes(Some(other)),
    };
    let alone = |note: &str| plain.contains(&name.as_str()) || words::note(note) > Status::Pass;
    let named = |note: String| if alone(&note) { note } else { format!("{name}: {note}") };
    said.into_iter().map(named).collect()
}

/// Whether the entries cover the window from its start to its end, and each of its days.
fn coverage(times: Vec<Stamp>, entries: usize, window: Option<(Stamp, Stamp)>, rules: &Rules) -> Vec<DiaryIssue> {
    let Some((start, end)) = window else {
        let none = entries == 0;
        return none
            .then(|| issue("coverage/missing", Status::Fail, "the diary holds no entries".to_owned()))
            .into_iter()
            .collect();
    };
    // In a short run the entries of minutes before and after it would pass for its own.
    let span = TOLERANCE.min(end.since(start) / 4);
    let tolerance = span.as_secs_f64();
    let mut issues = Vec::new();
    let mut push = |id: &str, severity, at: Stamp, reason: String, metadata: &[(&str, Value)]| {
        let mut found = issue(id, severity, reason);
        found.recorded_at = Some(at);
        found.metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        issues.push(found);
    };
    let text = |at: Stamp| Value::String(at.to_string());
    let mut near: Vec<Stamp> =
        times.into_iter().filter(|at| *at >= start.minus(span) && *at <= end.plus(span)).collect();
    near.sort_unstable();
    // Entries just before the start or after the end cover the ends, but alone they may be those of another run.
    let inside = near.iter().any(|at| *at >= start && *at <= end);
    match (near.first().filter(|_| inside), near.last()) {
        (Some(&first), Some(&last)) => {
            let late = first.seconds_since(start);
            if late > tolerance {
                push(
                    "coverage/start_gap",
                    Status::Warn,
                    first,
                    format!("the first entry comes {} after the start of the run", human_seconds(late)),
                    &[
                        ("expected_window_start", text(start)),
                        ("first_entry", text(first)),
                        ("gap_seconds", late.into()),
                        ("coverage_tolerance_seconds", tolerance.into()),
                    ],
                );
            }
            let early = end.seconds_since(last);
            if early > tolerance {
                push(
                    "coverage/end_gap",
                    Status::Warn,
                    last,
                    format!("the last entry comes {} before the end of the run", human_seconds(early)),
                    &[
                        ("expected_window_end", text(end)),
                        ("last_entry", text(last)),
                        ("gap_seconds", early.into()),
                        ("coverage_tolerance_seconds", tolerance.into()),
                    ],
                );
            }
            if let Some((gap, from, to)) =
                near.windows(2).map(|pair| (pair[1].since(pair[0]), pair[0], pair[1])).max_by_key(|(gap, ..)| *gap)
                && gap > LONGEST_GAP
            {
                push(
                    "coverage/gap",
                    Status::Warn,
                    from,
                    format!("no entry for {}, from {} to {}", human_duration(gap), from.human(), to.human()),
                    &[
                        ("last_entry", text(from)),
                        ("next_entry", text(to)),
                        ("gap_seconds", gap.as_secs_f64().into()),
                        ("longest_gap_seconds", LONGEST_GAP.as_secs_f64().into()),
                    ],
                );
            }
        }
        _ => push(
            "coverage/missing",
            Status::Fail,
            start,
            match entries {
                0 => "the diary holds no entries".to_owned(),
                n => format!("none of the {n} entries lies within the time of the run"),
            },
            &[
                ("expected_window_start", text(start)),
                ("expected_window_end", text(end)),
                ("coverage_tolerance_seconds", tolerance.into()),
            ],
        ),
    }
    if rules.min_entries_per_day > 0 {
        let mut by_day: BTreeMap<_, u64> = BTreeMap::new();
        for at in &near {
            *by_day.entry(at.day()).or_default() += 1;
        }
        // A window of decades comes from a broken clock; ten years of short days say enough.
        for day in start.day().iter_days().take_while(|day| *day <= end.day()).take(3660) {
            let actual = by_day.get(&day).copied().unwrap_or_default();
            let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
            if actual < rules.min_entries_per_day {
                push(
                    &format!("coverage/daily/{day}"),
                    rules.daily_gap_severity,
                    midnight.into(),
                    format!("{day} has {actual} entries of at least {}", rules.min_entries_per_day),
                    &[
                        ("day", day.to_string().into()),
                        ("required_entries", rules.min_entries_per_day.into()),
                        ("actual_entries", actual.into()),
                    ],
                );
            }
        }
    }
    issues
}
