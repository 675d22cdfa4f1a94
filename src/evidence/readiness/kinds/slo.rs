//! Service levels: objectives with their targets and what was observed.

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::{Figure, Object, at, figure, quoted, switch, text};
use crate::finding::{Status, count};
use crate::json::lenient;
use crate::time::human_seconds;

/// Beyond the target by this factor an objective is breached, where no other limit is stated.
const BREACH: f64 = 1.5;
/// How far the clock of another machine may be ahead, in seconds.
const SKEW: f64 = 60.0;

/// One objective that is judged.
struct Row<'a> {
    name: &'a str,
    pointer: String,
    target: &'a Object,
    observed: &'a Object,
}

/// Judges a snapshot of service levels. Gives the summary.
pub(in super::super) fn judge(document: &Object, reader: &mut Reader<'_>) -> String {
    let service = text(document, "service").unwrap_or_default();
    let none = Object::new();
    let mut rows = 0;
    let Some(list) = document.get("slos").and_then(Value::as_array) else {
        reader.not_understood("/slos", "slos is no list");
        return "no objectives".to_owned();
    };
    for (n, value) in list.iter().enumerate() {
        let pointer = format!("/slos/{n}");
        let Some(slo) = value.as_object() else {
            reader.not_understood(&pointer, &format!("an objective is {}, not an object", quoted(value)));
            continue;
        };
        let part = |key: &str| slo.get(key).and_then(Value::as_object).unwrap_or(&none);
        let name = text(slo, "name").unwrap_or("an objective");
        let row = Row { name, pointer, target: part("target"), observed: part("observed") };
        let is_summary = row.target.is_empty() && name == service;
        let before = reader.issues.len();
        if !is_summary {
            rows += 1;
            row.judge(reader);
        }
        let found = Status::roll_up(reader.issues[before..].iter().map(|issue| issue.severity));
        let stated = match slo.get("status") {
            Some(_) => reader.stated(slo, &["status"], &row.pointer),
            None if row.target.is_empty() && !is_summary => {
                reader.not_understood(&row.pointer, &format!("{name} states neither a verdict nor a target"));
                None
            }
            None => None,
        };
        let told = text(slo, "message").map(|text| format!(": {text}")).unwrap_or_default();
        match stated {
            // What the summary row says is said by the others; alone it is a word without a cause.
            Some(stated) if stated > found && (!is_summary || (rows == 0 && list.len() == 1)) => {
                reader.add(stated, "slo", &row.pointer, &format!("{name} is {}{told}", stated.label()));
            }
            Some(_) | None => {}
        }
    }
    if rows == 0 {
        reader.fail("slo", "/slos", "it holds no objective: nothing was measured");
    }
    let summaries = list.iter().filter_map(Value::as_object).filter(|slo| text(slo, "name") == Some(service));
    let stated: Vec<Status> =
        summaries.chain([document]).filter_map(|holder| reader.word(holder.get("status")?)).collect();
    let stated = Status::roll_up(stated);
    if stated > reader.status() {
        reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
    }
    reader.stated(document, &["status"], "");
    reader.samples = rows;
    count(rows, "objective")
}

impl Row<'_> {
    fn judge(&self, reader: &mut Reader<'_>) {
        let has = |key: &str| self.target.contains_key(key);
        if has("p95_seconds") {
            self.latency(reader);
        } else if has("freshness_warn_seconds") || has("freshness_fail_seconds") {
            self.freshness(reader);
        } else if has("warn_threshold") || has("fail_threshold") {
            self.determinism(reader);
        }
        for key in ["samples", "sample_count"] {
            let pointer = at(&at(&self.pointer, "observed"), key);
            if reader.count(self.observed.get(key), key, &pointer) == Some(0) {
                reader.fail("slo", &pointer, &format!("{} rests on no sample", self.name));
            }
        }
    }

    fn number(&self, part: &str, key: &str, reader: &mut Reader<'_>) -> Option<f64> {
        let holder = if part == "target" { self.target } else { self.observed };
        let pointer = at(&at(&self.pointer, part), key);
        reader.figure(holder.get(key), &format!("{key} of {}", self.name), &pointer)
    }

    fn latency(&self, reader: &mut Reader<'_>) {
        let target = self.number("target", "p95_seconds", reader);
        let breach = self.number("target", "p95_fail_seconds", reader).or(target.map(|target| target * BREACH));
        let before = reader.issues.len();
        let p95 = self.number("observed", "p95_seconds", reader);
        let most = self.number("observed", "max_seconds", reader);
        let (Some(target), Some(breach)) = (target, breach) else {
            reader
                .not_understood(&at(&self.pointer, "target"), &format!("{} has no target that can be read", self.name));
            return;
        };
        let place = at(&self.pointer, "observed");
        let Some(p95) = p95 else {
            if reader.issues.len() == before {
                reader.fail("slo", &place, &format!("{}: the latency was not measured", self.name));
            }
            return;
        };
        let said = format!("{}: p95 of {p95} s", self.name);
        if p95 > breach || most.is_some_and(|most| most > breach) {
            let most = most.map(|most| format!(", {most} s at most")).unwrap_or_default();
            reader.fail("slo", &place, &format!("{said}{most}, beyond {breach} s"));
        } else if p95 > target {
            reader.warn("slo", &place, &format!("{said}, the target is {target} s"));
        } else if most.is_some_and(|most| most < p95) {
            reader.contradiction(&place, &format!("{}: its maximum is below its p95", self.name));
        }
    }

    fn freshness(&self, reader: &mut Reader<'_>) {
        let warn = self.number("target", "freshness_warn_seconds", reader);
        let fail = self.number("target", "freshness_fail_seconds", reader);
        let place = at(&self.pointer, "observed");
        let before = reader.issues.len();
        let named = |key: &str| key.ends_with("seconds") || key.contains("age");
        let stated = self.observed.iter().find(|(key, value)| named(key) && figure(Some(value)) != Figure::Absent);
        let last =
            self.observed.iter().find_map(|(key, value)| key.ends_with("_at").then(|| lenient::stamp(value)).flatten());
        let age = match (stated, last) {
            (Some((key, value)), _) => reader.figure(Some(value), &format!("{key} of {}", self.name), &at(&place, key)),
            (None, Some(last)) => {
                let age = reader.now.seconds_since(last);
                if age < -SKEW {
                    reader.contradiction(
                        &place,
                        &format!("{}: the last time is in the future ({})", self.name, last.human()),
                    );
                    return;
                }
                Some(age.max(0.0))
            }
            (None, None) => None,
        };
        if let Some(last) = last.filter(|last| reader.now.seconds_since(*last) < -SKEW) {
            reader.contradiction(&place, &format!("{}: the last time is in the future ({})", self.name, last.human()));
        }
        let Some(age) = age else {
            if reader.issues.len() == before {
                reader.fail("slo", &place, &format!("{}: never seen", self.name));
            }
            return;
        };
        let fail = fail.or(warn);
        let said = format!("{}: last seen {} ago", self.name, human_seconds(age));
        if let Some(limit) = fail.filter(|limit| age > *limit) {
            reader.fail("slo", &place, &format!("{said}, at most {} are accepted", human_seconds(limit)));
        } else if let Some(limit) = warn.filter(|limit| age > *limit) {
            reader.warn("slo", &place, &format!("{said}, at most {} are hoped for", human_seconds(limit)));
        }
    }

    fn determinism(&self, reader: &mut Reader<'_>) {
        let warn = self.number("target", "warn_threshold", reader);
        let fail = self.number("target", "fail_threshold", reader);
        let place = at(&self.pointer, "observed");
        let before = reader.issues.len();
        let score = self.number("observed", "drift_score", reader);
        let same = self.observed.get("checksum_match").filter(|value| !value.is_null());
        let differ = self.observed.get("mismatched_fields").and_then(Value::as_array).map_or(0, Vec::len);
        if let Some(value) = same
            && switch(value) != Some(true)
        {
            reader.fail(
                "slo",
                &at(&place, "checksum_match"),
                &format!("{}: the replay gives another checksum", self.name),
            );
        }
        if differ > 0 {
            let message = format!("{}: {} differ in the replay", self.name, count(differ as u64, "field"));
            reader.fail("slo", &at(&place, "mismatched_fields"), &message);
        }
        match score {
            None if same.is_none() && reader.issues.len() == before => {
                reader.fail("slo", &place, &format!("{}: no replay was compared", self.name));
            }
            Some(score) if fail.is_some_and(|fail| score > fail) => {
                reader.fail("slo", &place, &format!("{}: a drift of {score}", self.name));
            }
            Some(score) if warn.is_some_and(|warn| score > warn) => {
                reader.warn("slo", &place, &format!("{}: a drift of {score}", self.name));
            }
            _ => {}
        }
    }
}
