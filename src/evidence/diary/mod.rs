//! The decision diary: who decided what, when, and how it ended.
//!
//! Read in three forms: an object with an `entries` list, a list of entries, and JSON Lines.

mod document;
mod explained;
mod issues;
mod judge;
mod read;
mod signature;
mod statuses;
mod words;

use std::io::Read;

pub use explained::Explained;
pub use words::acceptable;

use crate::finding::{Metadata, Status};
use crate::log::summary::{DiaryIssue, DiarySummary};
use crate::time::Stamp;

/// What the diary must hold, beside what its entries say.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Entries for each UTC day of the window; 0 where no minimum is asked for.
    pub min_entries_per_day: u64,
    /// What a day below that minimum is.
    pub daily_gap_severity: Status,
    /// Status words that are no reason to look, beside those known.
    pub accepted_statuses: Vec<String>,
    /// The key of the signatures; none for unkeyed ones.
    pub key: Option<Vec<u8>>,
    /// By which fields entries are explained, where that is asked for.
    pub explained: Option<Explained>,
    /// How many issues are listed.
    pub max_listed: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            min_entries_per_day: 0,
            daily_gap_severity: Status::Warn,
            accepted_statuses: Vec::new(),
            key: None,
            explained: None,
            max_listed: 1000,
        }
    }
}

/// Judges the diary in `text`, which is read as it comes. `path` is what the user calls it; `window` is the time that it
/// must cover, where that is known. Whatever is wrong with the file is an issue of the summary.
pub fn summarise(path: &str, text: impl Read, window: Option<(Stamp, Stamp)>, rules: &Rules) -> DiarySummary {
    let mut judge = judge::Judge::new(path, rules);
    read::read(text, &mut judge);
    judge.finish(window)
}

/// Adds a FAIL where the file was last written at `modified`, before the run started.
pub fn check_written(summary: &mut DiarySummary, path: &str, modified: Stamp, started: Stamp) {
    if let Some(reason) = super::written_before("the diary", modified, started) {
        let mut found = issue("diary/stale", Status::Fail, reason).in_file(path, None);
        found.recorded_at = Some(modified);
        summary.issues.insert(0, found);
        summary.total_issues += 1;
        summary.status = Status::Fail;
    }
}

/// The summary of a diary that cannot be read: a FAIL that says why.
pub fn unreadable(path: &str, reason: &str) -> DiarySummary {
    let issue = issue("diary/unreadable", Status::Fail, reason.to_owned()).in_file(path, None);
    DiarySummary { status: Status::Fail, total_issues: 1, issues: vec![issue], ..DiarySummary::default() }
}

/// An issue of the diary as a whole.
fn issue(id: &str, severity: Status, reason: String) -> DiaryIssue {
    DiaryIssue {
        entry_id: id.to_owned(),
        policy_id: "*".to_owned(),
        recorded_at: None,
        severity,
        reason,
        metadata: Metadata::new(),
        place: None,
        known: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(hour: u64) -> Stamp {
        Stamp::from_seconds(1_736_121_600).expect("in range").plus(std::time::Duration::from_secs(hour * 3600))
    }

    /// An ordinary entry at `hour`, overlaid with `extra`.
    fn entry(hour: u64, extra: Value) -> Value {
        let mut entry = json!({"entry_id": format!("e-{hour}"), "recorded_at": at(hour), "policy_id": "alpha"});
        let Value::Object(extra) = extra else { return extra };
        entry.as_object_mut().expect("an object").extend(extra);
        entry
    }

    fn judge(entries: &[Value]) -> DiarySummary {
        summarise(
            "d.json",
            json!({ "entries": entries }).to_string().as_bytes(),
            Some((at(0), at(2))),
            &Rules::default(),
        )
    }

    /// The issues as `severity id: reason`.
    fn issues(summary: &DiarySummary) -> Vec<String> {
        summary.issues.iter().map(|i| format!("{} {}: {}", i.severity, i.entry_id, i.reason)).collect()
    }

    #[test]
    fn an_entry_is_as_bad_as_the_worst_that_it_says() {
        for (extra, expect) in [
            (json!({}), None),
            (json!({"outcomes": {"status": "pending"}}), None),
            (
                json!({"notes": ["latency warning", "fatal error: book corrupted"]}),
                Some("FAIL e-1: note: fatal error: book corrupted"),
            ),
            (
                json!({"notes": ["warned twice"], "outcomes": {"status": "failed"}}),
                Some("FAIL e-1: outcomes.status=failed"),
            ),
            (json!({"notes": "HALT: kill switch"}), Some("FAIL e-1: note: HALT: kill switch")),
            (json!({"notes": [{"text": "HALT: kill switch"}]}), Some("FAIL e-1: note: HALT: kill switch")),
            (json!({"notes": [{"error": "disk full"}]}), Some("FAIL e-1: note: error: disk full")),
            (json!({"notes": {"feed": {"state": ["degraded"]}}}), Some("WARN e-1: note: degraded")),
            (json!({"notes": [{"errors": 0, "incident": null, "halted": false, "note": ""}]}), None),
            (
                json!({"outcomes": {"trade_outcome": {"status": "Rejected"}}}),
                Some("FAIL e-1: outcomes.trade_outcome.status=rejected"),
            ),
            (
                json!({"outcomes": {"orders": [{"status": "filled"}, {"status": "blocked"}]}}),
                Some("FAIL e-1: outcomes.orders[1].status=blocked"),
            ),
            (json!({"decision": {"status": "throttled"}}), Some("WARN e-1: decision.status=throttled")),
            (
                json!({"probes": [{"probe_id": "latency", "status": "failed", "severity": "critical"}]}),
                Some("FAIL e-1: probes.latency.status=failed"),
            ),
            (
                json!({"probes": [{"probe_id": "latency", "severity": "critical"}]}),
                Some("WARN status/unknown: the status word `unknown` is not known (seen once, in e-1)"),
            ),
            (
                json!({"outcomes": {"status": "purple"}}),
                Some("WARN status/purple: the status word `purple` is not known (seen once, in e-1)"),
            ),
            (json!({"status": "failed"}), Some("FAIL e-1: status=failed")),
            (json!({"status": ["failed"]}), Some("FAIL e-1: status=failed")),
            (json!({"outcomes": [{"status": "failed"}]}), Some("FAIL e-1: outcomes[0].status=failed")),
            (json!({"outcomes": {"a": {"b": {"status": "failed"}}}}), Some("FAIL e-1: outcomes.a.b.status=failed")),
            (json!({"outcomes": {"t": [[{"status": "failed"}]]}}), Some("FAIL e-1: outcomes.t[0][0].status=failed")),
            (json!({"outcomes": ["failed"]}), Some("FAIL e-1: outcomes[0]=failed")),
            (json!({"outcomes": "failed"}), Some("FAIL e-1: outcomes=failed")),
            (json!({"decision": "failed"}), Some("FAIL e-1: decision=failed")),
            (json!({"decision": "buy the dip"}), None),
            (json!({"probes": {"latency": {"status": "failed"}}}), Some("FAIL e-1: probes.latency.status=failed")),
            (json!({"probes": {"latency": "failed"}}), Some("FAIL e-1: probes.latency=failed")),
            (json!({"probes": {"probe_id": "latency", "status": "ok"}}), None),
            (json!({"probes": 3}), Some("WARN e-1: probes is a number, which says no status")),
            (
                json!({"outcomes": {"status": {"code": 7}}}),
                Some("WARN e-1: outcomes.status is an object, which says no status"),
            ),
            (json!({"outcomes": true}), Some("WARN e-1: outcomes is a truth value, which says no status")),
            (json!({"outcomes": {}, "metadata": {"http": {"status": 200}}, "decision": null, "status": ""}), None),
            (json!({"recorded_at": "yesterday"}), Some("WARN e-1: recorded_at is not a time: \"yesterday\"")),
            (json!({"entry_id": null}), Some("WARN entry 2: the entry has no entry_id")),
            (
                json!({"signature": "00"}),
                Some(
                    "FAIL e-1: the signature does not match: the entry was altered, or signed with a key that was not given",
                ),
            ),
            (json!("no object"), Some("WARN diary/format: entry 2 is text, not an object")),
        ] {
            let summary = judge(&[entry(0, json!({})), entry(1, extra.clone()), entry(2, json!({}))]);
            assert_eq!(issues(&summary), Vec::from_iter(expect.map(str::to_owned)), "{extra}");
        }
    }

    #[test]
    fn only_entries_of_the_window_cover_it() {
        let days = 24 * 200;
        for (hours, expect) in [
            (vec![0, 2], vec![]),
            (vec![], vec!["coverage/missing"]),
            (vec![days, days + 1], vec!["coverage/missing"]),
            (vec![1, 2], vec!["coverage/start_gap"]),
            (vec![0, 1], vec!["coverage/end_gap"]),
            (vec![1, days], vec!["coverage/start_gap", "coverage/end_gap"]),
        ] {
            let entries: Vec<Value> = hours.iter().map(|hour| entry(*hour, json!({}))).collect();
            let summary = judge(&entries);
            let ids: Vec<&str> = summary.issues.iter().map(|i| i.entry_id.as_str()).collect();
            assert_eq!(ids, expect, "{hours:?}");
        }
    }

    #[test]
    fn the_tolerance_shrinks_with_the_run_and_days_without_a_word_are_a_gap() {
        let minutes = |n: u64| at(2).plus(std::time::Duration::from_secs(n * 60));
        // The length of the run in minutes, the minutes of the entries (counted from two hours before it), the issues.
        for (length, entries, expect) in [
            (20, vec![119], vec!["coverage/missing"]),
            (20, vec![119, 141], vec!["coverage/missing"]),
            (20, vec![124, 136], vec![]),
            (20, vec![126, 136], vec!["coverage/start_gap"]),
            (72 * 60, vec![119, 120 + 72 * 60 + 1], vec!["coverage/missing"]),
            (72 * 60, vec![121, 119 + 72 * 60], vec!["coverage/gap"]),
            (72 * 60, vec![121, 120 + 30 * 60, 120 + 60 * 60, 119 + 72 * 60], vec![]),
        ] {
            let base = at(0);
            let entries: Vec<Value> = entries
                .iter()
                .map(|n| entry(0, json!({"entry_id": n.to_string(), "recorded_at": base.plus(std::time::Duration::from_secs(n * 60))})))
                .collect();
            let bytes = Value::from(entries).to_string();
            let summary = summarise("d", bytes.as_bytes(), Some((at(2), minutes(length))), &Rules::default());
            let ids: Vec<&str> = summary.issues.iter().map(|i| i.entry_id.as_str()).collect();
            assert_eq!(ids, expect, "{length} {bytes}");
        }
    }

    #[test]
    fn a_file_that_the_run_did_not_touch_is_stale() {
        for (seconds_before, status) in [(0, Status::Pass), (1, Status::Pass), (3600, Status::Fail)] {
            let mut summary = judge(&[entry(0, json!({})), entry(2, json!({}))]);
            let modified = at(0).minus(std::time::Duration::from_secs(seconds_before));
            check_written(&mut summary, "d.json", modified, at(0));
            assert_eq!((summary.status, summary.total_issues), (status, u64::from(status == Status::Fail)));
        }
    }

    #[test]
    fn days_are_counted_in_utc() {
        let rules = Rules { min_entries_per_day: 2, daily_gap_severity: Status::Fail, ..Rules::default() };
        let entries: Vec<Value> = [0, 12, 30, 48].iter().map(|hour| entry(*hour, json!({}))).collect();
        let bytes = Value::from(entries).to_string();
        let summary = summarise("d.json", bytes.as_bytes(), Some((at(0), at(48))), &rules);
        assert_eq!(
            issues(&summary),
            [
                "FAIL coverage/daily/2025-01-07: 2025-01-07 has 1 entries of at least 2",
                "FAIL coverage/daily/2025-01-08: 2025-01-08 has 1 entries of at least 2"
            ]
        );
    }

    #[test]
    fn every_form_is_read_and_no_entry_is_lost() {
        let lines = format!("{}\n\n{}\n", entry(0, json!({})), entry(2, json!({})));
        let list = json!([entry(0, json!({})), entry(2, json!({}))]).to_string();
        for text in [lines, list, entry(1, json!({})).to_string()] {
            let summary = summarise("d", text.as_bytes(), None, &Rules::default());
            assert_eq!(summary.status, Status::Pass, "{text}");
            assert_eq!(summary.total_entries, text.matches("entry_id").count() as u64);
        }
        // Entries without an id do not replace each other, and a replaced entry is still judged.
        let summary = judge(&[
            entry(0, json!({"entry_id": null})),
            entry(1, json!({"entry_id": null, "outcomes": {"status": "failed"}})),
            entry(2, json!({})),
            entry(2, json!({"outcomes": {"status": "blocked"}})),
            entry(2, json!({"policy_id": "beta"})),
        ]);
        assert_eq!(summary.total_entries, 3);
        assert_eq!(summary.policy_counts.get("beta"), Some(&1));
        assert_eq!(
            issues(&summary),
            [
                "WARN entry 1: the entry has no entry_id",
                "FAIL entry 2: outcomes.status=failed",
                "WARN entry 2: the entry has no entry_id",
                "FAIL e-2: outcomes.status=blocked",
                "WARN diary/format: two entries that differ have the id e-2; the later one counts",
                "WARN diary/format: two entries that differ have the id e-2; the later one counts",
            ]
        );
    }

    #[test]
    fn no_diary_is_a_pass_without_entries() {
        for text in ["", "{}", "[]", "{\"entries\": null}", "{\"entries\": \"x\"}", "nonsense", "{\"entries\": [", "5"]
        {
            for window in [None, Some((at(0), at(2)))] {
                let summary = summarise("d.json", text.as_bytes(), window, &Rules::default());
                assert_eq!(summary.status, Status::Fail, "{text:?}");
                assert!(summary.issues.iter().all(|issue| issue.place.is_some()));
            }
        }
        let torn = format!("{}\n{{\"entry_id\": \"e-", entry(0, json!({})));
        let summary = summarise("d.jsonl", torn.as_bytes(), None, &Rules::default());
        assert_eq!((summary.status, summary.total_entries), (Status::Fail, 1));
        assert_eq!(summary.issues[0].place.as_ref().map(ToString::to_string).as_deref(), Some("d.jsonl:2"));
    }

    /// A reader that gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let len = buffer.len().min(1);
            self.0.read(&mut buffer[..len])
        }
    }

    #[test]
    fn a_diary_is_read_as_it_comes_and_what_is_broken_is_a_fail() {
        let (good, failed) = (entry(0, json!({})), entry(2, json!({"outcomes": {"status": "failed"}})));
        for (text, entries, expect) in [
            (
                format!("\u{feff} {{\"v\": 1, \"entries\" : [ {good} , {failed} ], \"x\": [\"]\"]}}\n"),
                2,
                "e-2: outcomes.status=failed",
            ),
            (format!("{{\"x\": NaN, \"entries\": [{good}, {failed}]}}"), 2, "e-2: outcomes.status=failed"),
            (
                format!("[{good}, {failed}"),
                2,
                "diary/format: the diary is not JSON: expected `,` or `]` at line 1, but the text ends",
            ),
            (
                format!("[{good}, {{\"a\" 1}}, {failed}]"),
                2,
                "diary/format: entry 2 is not JSON: expected `:` at line 1",
            ),
            (format!("[{good}] {failed}"), 1, "diary/format: the diary is not JSON: more follows its end at line 1"),
            (format!("[{good}}}"), 1, "diary/format: the diary is not JSON: expected `,` or `]` at line 1, not `}`"),
            (
                format!("[{good},\n \"a\nb\"]"),
                1,
                "diary/format: the diary is not JSON: a text that starts at line 2 does not end in it",
            ),
            (format!("{good}\n{{\"entries\": [{failed}]}}\n"), 2, "e-2: outcomes.status=failed"),
            (format!("{{\"entries\": [{good}]}}\n{failed}\n"), 2, "e-2: outcomes.status=failed"),
            (
                format!("{good}\n[\n"),
                1,
                "diary/format: line 2 is not JSON: EOF while parsing a list at line 1 column 1",
            ),
            (format!("{good} {failed}"), 0, "diary/format: the diary is not JSON: more follows its end at line 1"),
        ] {
            let whole = summarise("d", text.as_bytes(), None, &Rules::default());
            assert_eq!(summarise("d", Drip(text.as_bytes()), None, &Rules::default()), whole, "{text}");
            assert_eq!((whole.status, whole.total_entries), (Status::Fail, entries), "{text}");
            assert!(issues(&whole).contains(&format!("FAIL {expect}")), "{text}: {:?}", issues(&whole));
        }
    }

    #[test]
    fn what_a_diary_makes_up_is_counted_and_not_kept() {
        let entries: String = (0..3000)
            .map(|n| {
                let long = "m".repeat(if n < 3 { 100_000 } else { 10 });
                json!({"entry_id": n, "policy_id": format!("p{n}"), "recorded_at": at(n), "status": format!("odd{n:05}"),
                    "notes": format!("error {long}"), "metadata": {"long": long}}).to_string() + "\n"
            })
            .collect();
        let summary = summarise("d", entries.as_bytes(), None, &Rules { max_listed: 5, ..Rules::default() });
        assert_eq!((summary.total_entries, summary.total_issues), (3000, 3000 + 1000 + 1));
        assert_eq!((summary.policy_counts.len(), summary.policies_not_listed), (1000, 2000));
        assert_eq!(summary.issues.len(), 5);
        for issue in &summary.issues {
            assert!(serde_json::to_string(issue).expect("JSON").len() < 20_000);
        }
    }

    #[test]
    fn an_issue_names_its_line_and_the_worst_are_listed() {
        let entries: Vec<Value> = (0..50)
            .map(|i| json!({"entry_id": format!("x{i}"), "recorded_at": at(i), "outcomes": {"status": if i == 40 { "failed" } else { "warn" }}}))
            .collect();
        let text = serde_json::to_string_pretty(&entries).expect("JSON");
        let rules = Rules { max_listed: 3, ..Rules::default() };
        let summary = summarise("d.json", text.as_bytes(), None, &rules);
        assert_eq!(summary.total_issues, 50);
        let listed: Vec<&str> = summary.issues.iter().map(|i| i.entry_id.as_str()).collect();
        assert_eq!(listed, ["x0", "x1", "x40"]);
        let line = summary.issues[2].place.as_ref().and_then(|place| place.line).expect("a line");
        assert!(text.lines().nth(line as usize - 1).expect("the line").contains("\"x40\""));
    }
}
