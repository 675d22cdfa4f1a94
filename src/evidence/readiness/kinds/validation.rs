//! Validation reports: a list of checks, or counts of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value;

use super::super::reader::Reader;
use super::super::values::same_name;
use super::super::values::{Object, at, code, quoted, rate, text};
use crate::finding::{Status, count, percent};
use crate::time::Stamp;

/// The share of passed checks below which a failed check is a FAIL, where no policy says.
const MIN_RATE: f64 = 0.95;
/// How far a stated share may be from that of the list: it may be rounded to whole percents.
const ROUNDED: f64 = 0.006;
/// The time that the history of reports is judged over, in seconds.
const WINDOW: f64 = 72.0 * 3600.0;
/// The mean share of passed checks in that time below which it is a FAIL.
const MEAN_FAIL: f64 = 0.85;

/// An earlier report.
#[derive(Debug)]
pub(in super::super) struct Earlier {
    pub path: String,
    pub report: Result<Value, String>,
}

/// A check with the worst verdict that it has in the list.
struct Check {
    name: String,
    pointer: String,
    status: Status,
    message: String,
}

/// What a report comes to.
struct Tally {
    passed: u64,
    total: u64,
}

impl Tally {
    fn rate(&self) -> f64 {
        if self.total == 0 { 0.0 } else { self.passed as f64 / self.total as f64 }
    }
}

/// Judges a report, with the earlier ones where the policy names any. Gives the summary.
pub(in super::super) fn judge(report: &Object, earlier: &[Earlier], reader: &mut Reader<'_>) -> String {
    let tally = by_rules(report, reader);
    required(report, reader);
    if !earlier.is_empty() {
        history(report, &tally, earlier, reader);
    }
    reader.samples = tally.total;
    format!("{} of {} passed ({})", tally.passed, count(tally.total, "check"), percent(tally.rate()))
}

/// The report by itself: its checks, its counts, and what it says of itself.
fn by_rules(report: &Object, reader: &mut Reader<'_>) -> Tally {
    let listed = ["results", "checks"].iter().any(|key| report.get(*key).is_some_and(|list| !list.is_null()));
    let checks = checks(report, reader);
    let tally = if listed { of_list(report, &checks, reader) } else { of_counts(report, reader) };
    let least = reader.rules.validation.as_ref().and_then(|rules| rules.min_success_rate).unwrap_or(MIN_RATE);
    let low = tally.rate() < least;
    let failed = checks.iter().any(|check| check.status == Status::Fail) || (!listed && tally.passed < tally.total);
    if tally.total == 0 {
        if reader.status() < Status::Fail {
            reader.fail("check", "", "it holds no check: nothing was validated");
        }
    } else if tally.passed == 0 {
        reader.fail("check", "", &format!("none of {} passed", count(tally.total, "check")));
    } else if failed && low {
        let message =
            format!("{} of the checks passed, at least {} are asked for", percent(tally.rate()), percent(least));
        reader.add(Status::Fail, "success_rate", "", &message).code = Some("success_rate_below_min".to_owned());
    } else if failed && !listed {
        reader.warn("check", "", &format!("{} did not pass", count(tally.total - tally.passed, "check")));
    }
    for check in checks.iter().filter(|check| check.status > Status::Pass) {
        let severity = if low { check.status } else { Status::Warn };
        let said = if check.message.is_empty() { String::new() } else { format!(": {}", check.message) };
        let how = if check.status == Status::Fail { "failed" } else { "did not pass" };
        reader.add(severity, "check", &check.pointer, &format!("{} {how}{said}", check.name));
    }
    by_word(report, failed, reader);
    tally
}

/// What the report says of itself: a worse word wins, a better one is a contradiction.
fn by_word(report: &Object, failed: bool, reader: &mut Reader<'_>) {
    let own = reader.stated(report, &["status"], "");
    let summary = report.get("summary").and_then(Value::as_object);
    let inner = summary.and_then(|summary| reader.stated(summary, &["status"], "/summary"));
    let Some(stated) = own.max(inner) else { return };
    if stated > reader.status() {
        let said = summary.and_then(|summary| text(summary, "message")).map(|text| format!(": {text}"));
        let message = format!("it says {} of itself{}", stated.label(), said.unwrap_or_default());
        reader.add(stated, "status", "/status", &message);
    } else if stated == Status::Pass && failed {
        reader.contradiction("/status", "it says that all is well, but a check in it failed");
    }
}

/// The checks of the lists, each name once.
fn checks(report: &Object, reader: &mut Reader<'_>) -> Vec<Check> {
    let mut checks: BTreeMap<String, Check> = BTreeMap::new();
    for list in ["results", "checks"] {
        let members: Vec<(String, String, &Value)> = match report.get(list) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(map)) => map.iter().map(|(name, value)| (name.clone(), name.clone(), value)).collect(),
            Some(Value::Array(items)) => {
                let name =
                    |item: &Value| ["name", "check"].iter().find_map(|key| Some(item.get(*key)?.as_str()?.to_owned()));
                let unnamed = |n: usize| format!("check {}", n + 1);
                let items = items.iter().enumerate();
                items.map(|(n, item)| (name(item).unwrap_or_else(|| unnamed(n)), n.to_string(), item)).collect()
            }
            Some(other) => {
                reader.not_understood(&at("", list), &format!("{list} is {}, not a list of checks", quoted(other)));
                continue;
            }
        };
        for (name, key, value) in members {
            let pointer = at(&at("", list), &key);
            let status = verdict(value, &name, &pointer, reader);
            let message = value.as_object().and_then(|object| text(object, "message")).unwrap_or_default().to_owned();
            let check = Check { name: name.clone(), pointer, status, message };
            match checks.entry(name) {
                Entry::Vacant(free) => drop(free.insert(check)),
                Entry::Occupied(mut kept) if check.status > kept.get().status => drop(kept.insert(check)),
                Entry::Occupied(_) => {}
            }
        }
    }
    checks.into_values().collect()
}

/// The verdict of one check: the worst that it states. One that states none FAILs.
fn verdict(value: &Value, name: &str, pointer: &str, reader: &mut Reader<'_>) -> Status {
    let stated: Vec<&Value> = match value {
        Value::Object(check) => ["passed", "status"].iter().filter_map(|key| check.get(*key)).collect(),
        Value::Null => Vec::new(),
        other => vec![other],
    };
    let stated: Vec<&Value> = stated.into_iter().filter(|value| !value.is_null()).collect();
    let words: Option<Vec<Status>> = stated.iter().map(|value| reader.word(value)).collect();
    match words.filter(|words| !words.is_empty()) {
        Some(words) => Status::roll_up(words),
        None => {
            let said = stated.first().map_or_else(|| "nothing".to_owned(), |value| quoted(value));
            reader.not_understood(pointer, &format!("{name} says {said}, which is no verdict"));
            Status::Fail
        }
    }
}

/// The tally of the list; the counters beside it must agree.
fn of_list(report: &Object, checks: &[Check], reader: &mut Reader<'_>) -> Tally {
    let with = |status: Status| checks.iter().filter(|check| check.status == status).count() as u64;
    let (total, passed, failed) = (checks.len() as u64, with(Status::Pass), with(Status::Fail));
    let all: usize = ["results", "checks"].iter().filter_map(|key| Some(report.get(*key)?.as_array()?.len())).sum();
    let most = (all as u64).max(total);
    for (key, range) in [
        ("total_checks", total..=most),
        ("passed_checks", passed..=passed + (most - total)),
        ("failed_checks", failed..=most - passed),
    ] {
        let pointer = at("", key);
        if let Some(said) = reader.count(report.get(key), key, &pointer).filter(|said| !range.contains(said)) {
            reader.contradiction(&pointer, &format!("{key} is {said}, but the list says {}", range.start()));
        }
    }
    let tally = Tally { passed, total };
    agrees(report, &tally, reader);
    tally
}

/// The tally of counters that stand for a list; a rate alone is none.
fn of_counts(report: &Object, reader: &mut Reader<'_>) -> Tally {
    let mut read = |key: &str| reader.count(report.get(key), key, &at("", key));
    let (total, passed, failed) = (read("total_checks"), read("passed_checks"), read("failed_checks"));
    let (total, passed) = match (total, passed, failed) {
        (Some(total), Some(passed), _) => (total, passed),
        (Some(total), None, Some(failed)) => (total, total.saturating_sub(failed)),
        (None, Some(passed), Some(failed)) => (passed.saturating_add(failed), passed),
        _ => {
            reader.fail("check", "", "it lists no checks and does not count them: a rate alone measures nothing");
            return Tally { passed: 0, total: 0 };
        }
    };
    if passed > total || failed.is_some_and(|failed| failed > total || passed.saturating_add(failed) > total) {
        let failed = failed.map(|failed| format!(" and {failed} failed")).unwrap_or_default();
        reader.contradiction("/total_checks", &format!("{passed} passed{failed} of {total} checks"));
    }
    let tally = Tally { passed: passed.min(total), total };
    agrees(report, &tally, reader);
    tally
}

/// Whether the stated rate is that of the checks.
fn agrees(report: &Object, tally: &Tally, reader: &mut Reader<'_>) {
    let Some(value) = report.get("success_rate").filter(|value| !value.is_null()) else { return };
    let Some(stated) = rate(value) else {
        reader.contradiction("/success_rate", &format!("success_rate is {}, which is no share", quoted(value)));
        return;
    };
    // 1 may be all of them, or one percent.
    let readings = if stated == 1.0 { vec![1.0, 0.01] } else { vec![stated] };
    if tally.total > 0 && readings.iter().all(|reading| (reading - tally.rate()).abs() > ROUNDED) {
        let message = format!("success_rate is {}, but {} of {} passed", quoted(value), tally.passed, tally.total);
        reader.contradiction("/success_rate", &message);
    }
}

/// Checks that the policy asks for by name.
fn required(report: &Object, reader: &mut Reader<'_>) {
    let Some(rules) = reader.rules.validation.as_ref().filter(|rules| !rules.required_checks.is_empty()) else {
        return;
    };
    // Whatever is wrong with the list was found before.
    let mut scratch = Reader::new(reader.rules, reader.now);
    let checks = checks(report, &mut scratch);
    for wanted in &rules.required_checks {
        let found = checks.iter().find(|check| same_name(&check.name, wanted));
        let (what, pointer, message) = match found {
            None => ("missing", "", format!("the required check {wanted} is missing")),
            Some(check) if check.status > Status::Pass => {
                ("failed", check.pointer.as_str(), format!("the required check {wanted} did not pass"))
            }
            Some(_) => continue,
        };
        let issue = reader.add(Status::Fail, "required_check", pointer, &message);
        issue.code = Some(format!("required_check_{what}_{}", code(wanted)));
    }
}

/// The report with those before it: how many in a row were not well, and the mean of the last days.
fn history(report: &Object, tally: &Tally, earlier: &[Earlier], reader: &mut Reader<'_>) {
    let mut entries: BTreeMap<i64, (Status, f64, Stamp)> = BTreeMap::new();
    let mut keep = |time: Option<Stamp>, status: Status, rate: f64| match time {
        Some(time) => {
            let entry = entries.entry(time.micros()).or_insert((status, rate, time));
            if status > entry.0 || (status == entry.0 && rate < entry.1) {
                *entry = (status, rate, time);
            }
            true
        }
        None => false,
    };
    keep(super::super::age::time_of(report), reader.status(), tally.rate());
    for Earlier { path, report } in earlier {
        let object = match report {
            Ok(Value::Object(object)) => object,
            Ok(other) => {
                reader.fail("reliability", "", &format!("the earlier report {path} is {}", quoted(other)));
                continue;
            }
            Err(why) => {
                reader.fail("reliability", "", &format!("the earlier report {path} cannot be read: {why}"));
                continue;
            }
        };
        let mut past = Reader::new(reader.rules, reader.now);
        // What is kept of an earlier report may be its status and its rate alone.
        let short = !["results", "checks", "total_checks"].iter().any(|key| object.contains_key(*key));
        let stated = object.get("success_rate").and_then(rate).filter(|_| short);
        let (status, rate) = match stated {
            Some(rate) => (past.stated(object, &["status"], "").unwrap_or(Status::Fail), rate),
            None => {
                let tally = by_rules(object, &mut past);
                (past.status(), tally.rate())
            }
        };
        if !keep(super::super::age::time_of(object), status, rate) {
            reader.fail("reliability", "", &format!("the earlier report {path} has no time that can be read"));
        }
    }
    let newest: Vec<&(Status, f64, Stamp)> = entries.values().rev().collect();
    let run = |wanted: Status| newest.iter().take_while(|(status, ..)| *status == wanted).count() as u64;
    let (fails, warns) = (run(Status::Fail), run(Status::Warn));
    let mut found = Vec::new();
    if fails > 0 {
        let severity = if fails >= 2 { Status::Fail } else { Status::Warn };
        found.push((severity, format!("{} in a row failed", count(fails, "report"))));
    }
    if warns >= 2 {
        found.push((Status::Warn, format!("{warns} reports in a row had warnings")));
    }
    let recent: Vec<f64> = newest
        .iter()
        .filter(|(_, _, time)| reader.now.seconds_since(*time) <= WINDOW)
        .map(|(_, rate, _)| *rate)
        .collect();
    if !recent.is_empty() {
        let mean = recent.iter().sum::<f64>() / recent.len() as f64;
        let severity = if mean < MEAN_FAIL { Some(Status::Fail) } else { (mean < MIN_RATE).then_some(Status::Warn) };
        let reports = count(recent.len() as u64, "report");
        found.extend(severity.map(|severity| {
            (severity, format!("on average {} of the checks passed in the last 72 hours ({reports})", percent(mean)))
        }));
    }
    for (severity, message) in found {
        let issue = reader.add(severity, "reliability", "", &message);
        issue.code = Some(format!("reliability_status_{}", severity.word()));
    }
}
