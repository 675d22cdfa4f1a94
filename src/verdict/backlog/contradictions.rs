//! What a summary says against itself: figures that cannot be, parts that failed under a PASS, times that do not fit.

use serde_json::Value;

use super::evidence::audit_of;
use super::lists::{Part, word};
use super::{Gathered, Item, Origin};
use crate::evidence::contradiction::{failed_part, unreal};
use crate::finding::{Status, count, percent};
use crate::json::lenient;
use crate::level::Level;
use crate::time::human_seconds;

/// No run and no count of records is longer than these.
const LONGEST_SECONDS: f64 = 1e10;
const MOST_RECORDS: f64 = 1e15;
/// The least uptime that is taken as enough where no criterion says how much is: that of a sign-off by default.
const USUAL_UPTIME: f64 = 0.98;

impl Gathered {
    /// Adds what a summary says against itself; `before` is where its items begin.
    pub(super) fn contradictions(&mut self, document: &Value, path: &str, before: usize) {
        let audit = audit_of(document);
        let logs = audit.get("logs").unwrap_or(&Value::Null);
        let figures = [
            (document, "duration_seconds", LONGEST_SECONDS),
            (logs, "duration_seconds", LONGEST_SECONDS),
            (logs, "records", MOST_RECORDS),
            (logs, "uptime_ratio", 1.0),
        ];
        for text in figures.into_iter().filter_map(|(holder, key, most)| unreal(holder, key, 0.0, most)) {
            self.unread(path, text);
        }
        self.levels(logs, path);
        for holder in [Some(document), Some(audit), document.get("sign_off")].into_iter().flatten() {
            self.gates(holder, path);
        }
        let mut doubts: Vec<(Status, &str, String)> = Vec::new();
        doubts.extend(times(document).map(|text| (Status::Warn, "duration_seconds", text)));
        let told = |word: &str| self.items[before..].iter().any(|item| item.summary.contains(word));
        let uncovered = uncovered(document, logs).filter(|_| !told("uptime"));
        doubts.extend(uncovered.map(|(status, text)| (status, "logs.uptime_ratio", text)));
        let counted = ["error_count", "errors_total", "total_errors", "errorCount"];
        let counted = counted.iter().find_map(|key| lenient::natural(logs.get(*key).or_else(|| audit.get(*key))));
        let failed = |items: &[Item]| items.iter().any(|item| item.severity == Status::Fail);
        if let Some(errors) = counted.filter(|errors| *errors > 0 && !failed(&self.items[before..])) {
            doubts.push((Status::Fail, "logs", format!("{} are counted, and none is listed", count(errors, "error"))));
        }
        let touched = [document, audit].map(|holder| holder.pointer("/record/differs").and_then(Value::as_array));
        let touched = touched.into_iter().flatten().map(Vec::len).max().unwrap_or_default() as u64;
        if touched > 0 && !failed(&self.items[before..]) {
            let text = format!("the evidence is not as it was sealed: {}", count(touched, "difference"));
            doubts.push((Status::Fail, "record.differs", text));
        }
        if let Some(part) = failed_part(document).filter(|_| !failed(&self.items[before..])) {
            doubts.push((Status::Fail, "status", format!("a part of the summary failed: {part}")));
        }
        for (status, name, text) in doubts {
            let part = Part { path, name, category: "evidence", origin: Origin::Run };
            self.items.push(Item { summary: text, ..part.item(status) });
        }
    }

    /// Counts by level must be numbers by name.
    fn levels(&mut self, logs: &Value, path: &str) {
        match logs.get("level_counts") {
            None | Some(Value::Null) => {}
            Some(Value::Object(levels)) => {
                let odd = levels.iter().find(|(_, count)| lenient::real(Some(count)).is_none());
                if let Some((level, count)) = odd {
                    self.unread(path, format!("logs.level_counts.{level}: {count}"));
                }
                let negative = levels.iter().find(|(level, count)| {
                    Level::from_word(level) >= Level::Warning && lenient::real(Some(count)).is_some_and(|n| n < 0.0)
                });
                if let Some((level, count)) = negative {
                    self.unread(path, format!("logs.level_counts.{level}: {count}"));
                }
            }
            Some(other) => self.unread(path, format!("logs.level_counts: {other}")),
        }
    }

    /// A list of gates without one, and gates that say nothing, are no sign-off.
    fn gates(&mut self, holder: &Value, path: &str) {
        let Some(Value::Array(gates)) = holder.get("gates") else { return };
        if gates.is_empty() {
            self.unread(path, "gates: the list holds none, so nothing was asked for".to_owned());
        }
        for (at, gate) in gates.iter().enumerate() {
            let said = gate.as_object().and_then(|gate| word(gate.get("status")).or_else(|| word(gate.get("verdict"))));
            if said.is_none() {
                self.unread(path, format!("gates[{at}] states no verdict: {gate}"));
            }
        }
    }
}

/// A duration that the times beside it do not hold.
fn times(document: &Value) -> Option<String> {
    let at = |key: &str| document.get(key).and_then(lenient::stamp);
    let (start, end) = (at("started_at")?, at("ended_at")?);
    let said = lenient::real(document.get("duration_seconds"))?;
    let between = end.seconds_since(start);
    let differs = (said - between).abs() > (said.abs() * 0.05).max(300.0);
    differs.then(|| {
        let between = if between < 0.0 { "less than nothing".to_owned() } else { human_seconds(between) };
        format!("the duration is {}, but from its start to its end are {between}", human_seconds(said.max(0.0)))
    })
}

/// An uptime that was asked for, and is not there or too low; or a low one where nobody said how much is enough.
fn uncovered(document: &Value, logs: &Value) -> Option<(Status, String)> {
    let own = lenient::real(document.get("uptime_ratio"));
    let uptime = lenient::real(logs.get("uptime_ratio")).into_iter().chain(own).reduce(f64::min);
    if document.pointer("/sign_off/criteria").is_none_or(Value::is_null) {
        let low = uptime.filter(|uptime| *uptime < USUAL_UPTIME)?;
        return Some((Status::Warn, format!("the uptime is {low}, and no criterion says how much is enough")));
    }
    let asked = document.pointer("/sign_off/criteria/minimum_uptime_ratio").and_then(lenient::number)?;
    if asked <= 0.0 || !logs.is_object() {
        return None;
    }
    match uptime {
        None => Some((Status::Warn, "the uptime was asked for, and none is stated".to_owned())),
        Some(uptime) => {
            let text = || format!("the uptime is {}, at least {} is required", percent(uptime), percent(asked));
            (uptime < asked).then(|| (Status::Fail, text()))
        }
    }
}
