//! The rules of the diary: what its entries say, and whether they cover the run.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::issues::Issues;
use super::statuses::{self, Stated};
use super::{Rules, issue, signature, words};
use crate::finding::{Metadata, Status};
use crate::log::summary::{DiaryIssue, DiarySummary};
use crate::sanitize::shorten;
use crate::time::{Stamp, human_duration, human_seconds};

/// How far the first and the last entry may be from the ends of the window, at most.
const TOLERANCE: Duration = Duration::from_secs(15 * 60);
/// No entry for longer than this is a gap: a day and a half, as people write at another hour on the next day.
const LONGEST_GAP: Duration = Duration::from_secs(36 * 3600);

/// How many policies and unknown status words are told apart, by the first that come.
const NAMES: usize = 1000;
/// The longest of these names, in bytes.
const NAME_LIMIT: usize = 256;

/// One stored entry.
pub(super) struct Entry {
    /// Its id, or `entry 3` by its position (from 1) where it has none.
    pub(super) name: String,
    /// Whether it has an id.
    pub(super) has_id: bool,
    /// The policy that decided.
    pub(super) policy: String,
    /// When; none if the entry has no usable time.
    pub(super) recorded_at: Option<Stamp>,
    /// The line (from 1) at which it can be found.
    pub(super) line: u64,
    /// All that is stored.
    pub(super) content: Map<String, Value>,
}

/// Judges the entries of a diary as they are read, and keeps of each what the whole needs: a few bytes.
pub(super) struct Judge<'a> {
    path: &'a str,
    rules: &'a Rules,
    issues: Issues,
    faults: Issues,
    /// The entries that count, by a digest of their id; of several with one id the last.
    by_id: HashMap<[u8; 12], Kept, foldhash::fast::FixedState>,
    /// Those without an id.
    nameless: Vec<Kept>,
    policies: HashMap<String, u32>,
    unknown: BTreeMap<String, Unknown>,
    /// Uses of unknown words beyond those told apart.
    more_unknown: u64,
    entries: u64,
}

/// What is kept of an entry.
#[derive(Clone, Copy)]
struct Kept {
    /// Microseconds since the epoch; `i64::MAX` where it has no time.
    at: i64,
    /// A digest of its content.
    content: [u8; 8],
    /// The number of its policy; [`NAMES`] for all that are not told apart.
    policy: u32,
    /// Whether it is explained.
    explained: bool,
}

impl Kept {
    fn recorded_at(self) -> Option<Stamp> {
        Stamp::from_micros(self.at)
    }
}

/// A status word that nobody has defined.
struct Unknown {
    count: u64,
    name: String,
    line: u64,
    recorded_at: Option<Stamp>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(path: &'a str, rules: &'a Rules) -> Self {
        Self {
            path,
            rules,
            issues: Issues::new(rules.max_listed),
            by_id: HashMap::default(),
            nameless: Vec::new(),
            policies: HashMap::new(),
            unknown: BTreeMap::new(),
            more_unknown: 0,
            entries: 0,
            faults: Issues::new(rules.max_listed),
        }
    }

    /// Something is wrong with the file.
    pub(super) fn fault(&mut self, severity: Status, reason: String, line: Option<u64>) {
        self.faults.add(issue("diary/format", severity, reason).in_file(self.path, line));
    }

    /// The file cannot be read to its end.
    pub(super) fn unreadable(&mut self, reason: String) {
        self.faults.add(issue("diary/unreadable", Status::Fail, reason).in_file(self.path, None));
    }

    /// The next entry; where it is to be `unique`, another of its id must be the same.
    pub(super) fn entry(&mut self, entry: &Entry, unique: bool) {
        self.entries += 1;
        for found in self.judge(entry) {
            self.issues.add(found.in_file(self.path, Some(entry.line)));
        }
        let known = self.policies.len() as u32;
        let policy = match self.policies.get(shorten(&entry.policy, NAME_LIMIT).as_str()) {
            Some(number) => *number,
            None if known < NAMES as u32 => {
                self.policies.insert(shorten(&entry.policy, NAME_LIMIT), known);
                known
            }
            None => NAMES as u32,
        };
        let text = serde_json::to_vec(&entry.content).unwrap_or_default();
        let explained = self.rules.explained.as_ref().is_some_and(|asked| asked.is_met(&entry.content));
        let kept =
            Kept { explained, at: entry.recorded_at.map_or(i64::MAX, Stamp::micros), content: digest(&text), policy };
        if !entry.has_id {
            self.nameless.push(kept);
        } else if let Some(earlier) = self.by_id.insert(digest(entry.name.as_bytes()), kept)
            && unique
            && earlier.content != kept.content
        {
            let reason = format!("two entries that differ have the id {}; the later one counts", entry.name);
            self.fault(Status::Warn, reason, Some(entry.line));
        }
    }

    /// The judgement of the whole.
    pub(super) fn finish(mut self, window: Option<(Stamp, Stamp)>) -> DiarySummary {
        let mut summary = DiarySummary::default();
        let mut names: Vec<(u64, String)> = vec![(0, String::new()); self.policies.len()];
        for (name, number) in std::mem::take(&mut self.policies) {
            names[number as usize].1 = name;
        }
        let mut explained = 0;
        let mut times = Vec::with_capacity(self.by_id.len() + self.nameless.len());
        for kept in self.by_id.values().chain(&self.nameless) {
            summary.total_entries += 1;
            match names.get_mut(kept.policy as usize) {
                Some((count, _)) => *count += 1,
                None => summary.policies_not_listed += 1,
            }
            times.extend(kept.recorded_at());
            explained += u64::from(kept.explained);
        }
        summary.policy_counts = names.into_iter().filter(|(n, _)| *n > 0).map(|(count, name)| (name, count)).collect();
        summary.first_recorded_at = times.iter().min().copied();
        summary.last_recorded_at = times.iter().max().copied();
        for (word, unknown) in std::mem::take(&mut self.unknown) {
            let seen = match unknown.count {
                1 => format!("seen once, in {}", unknown.name),
                count => format!("seen {count} times, first in {}", unknown.name),
            };
            let reason = format!("the status word `{word}` is not known ({seen})");
            let found = issue(&format!("status/{word}"), Status::Warn, reason).in_file(self.path, Some(unknown.line));
            self.issues.add(DiaryIssue { recorded_at: unknown.recorded_at, ..found });
        }
        if self.more_unknown > 0 {
            let reason =
                format!("{} more statuses hold words that are not known, beyond {NAMES} of them", self.more_unknown);
            self.issues.add(issue("status/*", Status::Warn, reason).in_file(self.path, None));
        }
        let few = self.rules.explained.as_ref().and_then(|asked| asked.issue(explained, summary.total_entries));
        if let Some(found) = few {
            self.issues.add(found.in_file(self.path, None));
        }
        let unreadable = self.faults.status == Status::Fail;
        self.issues.append(self.faults);
        if !(unreadable && self.entries == 0) {
            for found in coverage(&times, self.entries, window, self.rules) {
                self.issues.add(found.in_file(self.path, None));
            }
        }
        summary.status = self.issues.status;
        summary.total_issues = self.issues.total;
        summary.issues = self.issues.finish();
        summary
    }

    /// What one entry says, and what is wrong with it.
    fn judge(&mut self, entry: &Entry) -> Vec<DiaryIssue> {
        let rules = self.rules;
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
                // What a decision rests on may have failed without the decision.
                Some(Status::Fail) if rules.explained.as_ref().is_some_and(|asked| asked.holds(&place)) => {
                    consider(Status::Warn, format!("{place}={}, which explains the decision", word.to_lowercase()));
                }
                Some(severity) => consider(severity, format!("{place}={}", word.to_lowercase())),
                None => self.unknown_word(&word, entry),
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
                    None => {
                        "the signature does not match: the entry was altered, or signed with a key that was not given"
                    }
                };
                issues.push(issue(Status::Fail, reason.to_owned()));
            }
        }
        issues
    }

    fn unknown_word(&mut self, word: &str, entry: &Entry) {
        let word = shorten(word, NAME_LIMIT);
        if let Some(unknown) = self.unknown.get_mut(&word) {
            unknown.count += 1;
        } else if self.unknown.len() < NAMES {
            let Entry { line, recorded_at, .. } = *entry;
            let name = shorten(&entry.name, NAME_LIMIT);
            self.unknown.insert(word, Unknown { count: 1, name, line, recorded_at });
        } else {
            self.more_unknown += 1;
        }
    }
}

/// The first bytes of the SHA-256.
fn digest<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut start = [0; N];
    start.copy_from_slice(&Sha256::digest(bytes)[..N]);
    start
}

/// The object under `name`, or an empty one.
fn object<'a>(content: &'a Map<String, Value>, name: &str) -> &'a Map<String, Value> {
    static EMPTY: std::sync::OnceLock<Map<String, Value>> = std::sync::OnceLock::new();
    content.get(name).and_then(Value::as_object).unwrap_or_else(|| EMPTY.get_or_init(Map::new))
}

/// All text in `notes`: a list as the rules say, but a writer may also leave one text or an object. What is under a
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
fn coverage(times: &[Stamp], entries: u64, window: Option<(Stamp, Stamp)>, rules: &Rules) -> Vec<DiaryIssue> {
    let Some((start, end)) = window else {
        let none = entries == 0;
        return none
            .then(|| issue("coverage/missing", Status::Fail, "the diary holds no entries".to_owned()))
            .into_iter()
            .collect();
    };
    // In a short run the entries of minutes before and after it would pass for its own.
    let span = TOLERANCE.min(end.since(start) / 4);
    let mut near: Vec<Stamp> =
        times.iter().copied().filter(|at| *at >= start.minus(span) && *at <= end.plus(span)).collect();
    near.sort_unstable();
    // Entries just before the start or after the end cover the ends, but alone they may be those of another run.
    let inside = near.iter().any(|at| at.plus(resolution(*at)) >= start && *at <= end);
    let mut issues = match (near.first().filter(|_| inside), near.last()) {
        (Some(&first), Some(&last)) => ends((start, end), (first, last), span),
        _ => vec![covered(
            "coverage/missing",
            Status::Fail,
            start,
            match entries {
                0 => "the diary holds no entries".to_owned(),
                1 => "its only entry is not within the time of the run".to_owned(),
                n => format!("none of the {n} entries is within the time of the run"),
            },
            &[
                ("expected_window_start", text(start)),
                ("expected_window_end", text(end)),
                ("coverage_tolerance_seconds", span.as_secs_f64().into()),
            ],
        )],
    };
    if inside {
        issues.extend(longest_gap(&near));
    }
    issues.extend(days(&near, (start, end), rules));
    issues
}

/// How much later than its stamp an entry may have been made: whole seconds are cut, not rounded.
fn resolution(at: Stamp) -> Duration {
    Duration::from_secs(u64::from(at.micros() % 1_000_000 == 0))
}

fn text(at: Stamp) -> Value {
    Value::String(at.to_string())
}

/// An issue of the coverage, with its figures.
fn covered(id: &str, severity: Status, at: Stamp, reason: String, metadata: &[(&str, Value)]) -> DiaryIssue {
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    DiaryIssue { recorded_at: Some(at), metadata, ..issue(id, severity, reason) }
}

/// Whether the first and the last entry come near the ends of the window.
fn ends((start, end): (Stamp, Stamp), (first, last): (Stamp, Stamp), span: Duration) -> Vec<DiaryIssue> {
    let tolerance = span.as_secs_f64();
    let (late, early) = (first.seconds_since(start), end.seconds_since(last));
    let late = (late > tolerance).then(|| {
        covered(
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
        )
    });
    let early = (early > tolerance + resolution(last).as_secs_f64()).then(|| {
        covered(
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
        )
    });
    late.into_iter().chain(early).collect()
}

/// The longest time without an entry, where it is too long.
fn longest_gap(near: &[Stamp]) -> Option<DiaryIssue> {
    let gaps = near.windows(2).map(|pair| (pair[1].since(pair[0]), pair[0], pair[1]));
    let (gap, from, to) = gaps.max_by_key(|(gap, ..)| *gap).filter(|(gap, ..)| *gap > LONGEST_GAP)?;
    Some(covered(
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
    ))
}

/// The days of the window that have fewer entries than the rules ask for.
fn days(near: &[Stamp], (start, end): (Stamp, Stamp), rules: &Rules) -> Vec<DiaryIssue> {
    let mut by_day: BTreeMap<_, u64> = BTreeMap::new();
    for at in near {
        *by_day.entry(at.day()).or_default() += 1;
    }
    let entries = |day| by_day.get(&day).copied().unwrap_or_default();
    // A window of decades comes from a broken clock; ten years of short days say enough.
    let all = start.day().iter_days().take_while(|day| *day <= end.day()).take(3660);
    all.filter(|day| entries(*day) < rules.min_entries_per_day)
        .map(|day| {
            covered(
                &format!("coverage/daily/{day}"),
                rules.daily_gap_severity,
                day.and_time(chrono::NaiveTime::MIN).and_utc().into(),
                format!("{day} has {} entries of at least {}", entries(day), rules.min_entries_per_day),
                &[
                    ("day", day.to_string().into()),
                    ("required_entries", rules.min_entries_per_day.into()),
                    ("actual_entries", entries(day).into()),
                ],
            )
        })
        .collect()
}
