//! The performance report: a few figures with the period that they cover.
//!
//! Its figures are under `aggregates`, under `snapshot`, or at the top; each is taken from the first of these places
//! that has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::contradiction;
use super::figures::Figure;
use crate::finding::{self, FINDING_LIMIT, Finding, Status};
use crate::json::lenient;
use crate::log::summary::PerformanceSummary;
use crate::prose::{self, is_nothing};
use crate::time::Stamp;

/// No return and no ratio of a run is beyond this: such figures are faults of their writer.
const HIGHEST: f64 = 1000.0;
/// No run makes more trades than this.
const MOST_TRADES: f64 = 1e12;
/// How much of the run a period may leave out without a word: reports are often made of a moving window.
const SHORTER_SECONDS: f64 = 900.0;
/// How much longer than the run a period may be without a word: many reports are made of the last three days.
const LONGER_SECONDS: f64 = 259_200.0;

/// What the figures must show.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// A lower return on investment is a WARN.
    pub min_roi: f64,
    /// Further figures that are asked for, by name; gates of their own judge them.
    pub figures: BTreeMap<String, Figure>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { min_roi: 0.0, figures: BTreeMap::new() }
    }
}

/// The summary of a report that cannot be read: a FAIL that says why.
pub fn unreadable(path: &str, reason: &str) -> PerformanceSummary {
    let findings = vec![Finding::fail(reason).in_file(path, None)];
    PerformanceSummary { status: Status::Fail, findings, ..PerformanceSummary::default() }
}

/// Adds a FAIL where the file was last written at `modified`, before the run started.
pub fn check_written(summary: &mut PerformanceSummary, path: &str, modified: Stamp, started: Stamp) {
    if let Some(reason) = super::written_before("the performance report", modified, started) {
        summary.findings.insert(0, Finding::fail(reason).at(modified).in_file(path, None));
        summary.status = Status::Fail;
    }
}

/// Judges the report in `bytes`. `path` is what the user calls it; `window` is the time of the logs, where that is
/// known. Whatever is wrong with the file is a finding of the summary.
pub fn summarise(path: &str, bytes: &[u8], window: Option<(Stamp, Stamp)>, rules: &Rules) -> PerformanceSummary {
    let text = lenient::text(bytes);
    if text.trim().is_empty() {
        return unreadable(path, "the performance report is empty");
    }
    let report = match lenient::parse_within(&text, lenient::BUDGET) {
        Ok(Value::Object(report)) => report,
        Ok(_) => return unreadable(path, "the performance report is not a JSON object"),
        Err(error) => {
            let why = if error.is_data() { "cannot be read" } else { "is not JSON" };
            return unreadable(path, &format!("the performance report {why}: {error}"));
        }
    };
    let mut reader = Reader { path, report: &report, findings: Vec::new() };
    let mut summary = PerformanceSummary {
        metadata: finding::details(
            child(&report, "metadata").into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())),
            FINDING_LIMIT,
        ),
        ..PerformanceSummary::default()
    };

    let whole = Value::Object(report.clone());
    summary.figures = rules.figures.iter().map(|(name, figure)| (name.clone(), figure.read(&whole))).collect();
    let trades = reader.figure("trades", &["trades", "total_trades"]);
    // Counts are far below 2^53, so nothing is lost; a negative one becomes 0, and is a finding.
    summary.total_trades = trades.unwrap_or_default() as u64;
    summary.roi = reader.figure("roi", &["roi"]);
    summary.win_rate = reader.figure("win_rate", &["win_rate"]);
    summary.sharpe_ratio = reader.figure("sharpe_ratio", &["sharpe_ratio", "sharpe"]);
    reader.possible(trades, &summary);
    if let Some(roi) = summary.roi.filter(|roi| *roi < rules.min_roi) {
        reader.warn(match rules.min_roi {
            0.0 => format!("the return on investment is negative: {}", short(roi)),
            least => format!("the return on investment is {}, below {least}", short(roi)),
        });
    }
    reader.stated_status();
    let flags = ["partial", "incomplete", "truncated", "stale"];
    let says = |holds: &dyn Fn(&Map<String, Value>) -> bool| reader.places().any(holds);
    let incomplete = says(&|place| place.get("complete").and_then(Value::as_bool) == Some(false));
    let flag = flags.iter().find(|flag| says(&|place| lenient::flag(place.get(**flag))));
    if incomplete {
        reader.warn("the performance report says of itself that it is not complete".to_owned());
    }
    if let Some(flag) = flag {
        reader.warn(format!("the performance report says of itself that it is {flag}"));
    }
    reader.period(&mut summary, window);

    summary.findings = reader.findings;
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    summary
}

fn child<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    map.get(name).and_then(Value::as_object)
}

/// Four decimals, unless that would leave nothing.
fn short(figure: f64) -> String {
    if figure.abs() < 0.0001 { figure.to_string() } else { format!("{figure:.4}") }
}

struct Reader<'a> {
    path: &'a str,
    report: &'a Map<String, Value>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn warn(&mut self, summary: String) {
        self.find(Finding::warn(summary));
    }

    fn fail(&mut self, summary: String) {
        self.find(Finding::fail(summary));
    }

    /// What is where a figure should be may be of any size.
    fn find(&mut self, mut finding: Finding) {
        finding.bound(FINDING_LIMIT);
        self.findings.push(finding.in_file(self.path, None));
    }

    /// The places in which figures are, the most specific first.
    fn places(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let snapshot = child(self.report, "snapshot");
        let inner = snapshot.and_then(|snapshot| child(snapshot, "aggregates"));
        [child(self.report, "aggregates"), inner, snapshot, Some(self.report)].into_iter().flatten()
    }

    /// The first value that is there under any of `names`; zero is a value, null is none. One that is no real number
    /// is a WARN.
    fn figure(&mut self, title: &str, names: &[&str]) -> Option<f64> {
        let metadata = child(self.report, "metadata").filter(|_| title == "sharpe_ratio");
        let value = self
            .places()
            .chain(metadata)
            .flat_map(|place| names.iter().filter_map(|name| place.get(*name)))
            .find(|value| !value.is_null())
            .cloned();
        self.said_twice(title, names);
        match value {
            // A truth is no ratio that could be above a limit, whatever a language takes it for.
            Some(Value::Bool(truth)) if title != "win_rate" && title != "trades" => {
                self.fail(format!("{title} is not a number: {truth}"));
                None
            }
            Some(value) => {
                let number = lenient::number(&value).filter(|number| number.is_finite());
                match (&number, lenient::number(&value)) {
                    (None, Some(unreal)) => self.fail(format!("{title} is not a real number: {unreal}")),
                    (None, None) => self.warn(format!("{title} is not a number: {value}")),
                    _ => {}
                }
                number
            }
            None => {
                // A null alone is a figure that the writer did not have.
                if title == "trades" && self.places().any(|place| names.iter().any(|name| place.contains_key(*name))) {
                    self.warn("trades is null".to_owned());
                }
                None
            }
        }
    }

    /// One figure that a report states with different values: which of them is right nobody can tell.
    fn said_twice(&mut self, title: &str, names: &[&str]) {
        let stated = self.places().flat_map(|place| names.iter().filter_map(|name| place.get(*name)));
        let numbers: Vec<f64> = stated.filter_map(lenient::number).filter(|number| number.is_finite()).collect();
        let differs = |other: &&f64| (**other - numbers[0]).abs() > 1e-6 * numbers[0].abs().max(other.abs());
        if let Some(other) = numbers.iter().find(differs) {
            let (first, other) = (short(numbers[0]), short(*other));
            self.warn(format!("the performance report states {title} twice: {first} and {other}"));
        }
    }

    /// Whether there are figures at all, and such as can be: a count of trades alone measures nothing.
    fn possible(&mut self, trades: Option<f64>, summary: &PerformanceSummary) {
        let measured = [summary.roi, summary.win_rate, summary.sharpe_ratio];
        match trades {
            _ if summary.figures.values().any(|figure| figure.value.is_some()) => {}
            _ if measured.iter().all(Option::is_none) && trades.is_none_or(|trades| trades <= 0.0) => {
                let state = self.report.get("status").and_then(Value::as_str);
                let state = state.map(|state| format!("; its status is `{state}`")).unwrap_or_default();
                let counted = if trades.is_some() { " (no trade, no return, no rate, no ratio)" } else { "" };
                let others = "; figures of another kind count where [performance.figures] of a policy names them";
                self.fail(format!("the performance report holds no figures{counted}{state}{others}"));
            }
            _ if measured.iter().all(Option::is_none) => {
                self.warn("the performance report counts trades, but holds no return, rate or ratio".to_owned());
            }
            Some(0.0) => self.warn("the performance report holds figures of 0 trades: nothing was traded".to_owned()),
            _ => {}
        }
        if let Some(trades) = trades.filter(|trades| !(0.0..=MOST_TRADES).contains(trades) || trades.fract() != 0.0) {
            let what = match trades {
                _ if trades < 0.0 => "negative",
                _ if trades > MOST_TRADES => "more than any run makes",
                _ => "not a whole number",
            };
            self.fail(format!("trades is {what}: {trades}"));
        }
        if let Some(rate) = summary.win_rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
            self.fail(format!("win_rate is {rate}, which is no share from 0 to 1"));
        }
        if let Some(roi) = summary.roi.filter(|roi| roi.abs() > HIGHEST) {
            self.fail(format!("roi is {roi}, which no run reaches; write 0.05 for 5 %"));
        }
        if let Some(ratio) = summary.sharpe_ratio.filter(|ratio| ratio.abs() > HIGHEST) {
            self.fail(format!("sharpe_ratio is {ratio}, which no run reaches"));
        }
    }

    /// A writer that says `failed` about its own report is believed.
    fn stated_status(&mut self) {
        let ends = |place: &'_ Map<String, Value>| {
            // A state of the market is none of the report.
            let own = |key: &str| ["status", "verdict", "result"].contains(&key);
            let told = |key: &str, word: &str| {
                own(key) || prose::is_end_key(key) && (prose::is_failed(word) || word == "error")
            };
            let words = place.iter().filter_map(|(key, word)| Some((key, word.as_str()?)));
            words.filter(|(key, word)| told(key, word)).map(|(_, word)| word.to_owned()).collect::<Vec<_>>()
        };
        let words: BTreeSet<String> = self.places().flat_map(ends).collect();
        let denial = |place: &Map<String, Value>| {
            let (key, said) = contradiction::denial(place).filter(|(key, _)| !prose::is_end_key(key))?;
            Some(format!("the performance report says of itself that {key} is {said}"))
        };
        let denied = self.places().find_map(denial);
        denied.into_iter().for_each(|text| self.warn(text));
        for word in words {
            match Status::from_word(&word) {
                Some(Status::Fail) => self.fail(format!("the performance report says of itself: {word}")),
                Some(Status::Warn) => self.warn(format!("the performance report says of itself: {word}")),
                _ => {}
            }
        }
        for key in ["error", "errors"] {
            let nothing = |value: &Value| match value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(members) => members.is_empty(),
                Value::String(text) => is_nothing(text),
                Value::Number(number) => number.as_f64() == Some(0.0),
                Value::Bool(true) => false,
            };
            if let Some(told) = self.report.get(key).filter(|value| !nothing(value)) {
                self.warn(format!("the performance report tells of an error: {told}"));
            }
        }
    }

    fn time(&self, names: &[&str]) -> (Option<Stamp>, Option<Value>) {
        let found = [Some(self.report), child(self.report, "snapshot")]
            .into_iter()
            .flatten()
            .flat_map(|place| names.iter().filter_map(|name| place.get(*name)))
            .find(|value| !value.is_null());
        (found.and_then(lenient::stamp), found.cloned())
    }

    /// The period of the report, and whether it has to do with the time of the logs.
    fn period(&mut self, summary: &mut PerformanceSummary, window: Option<(Stamp, Stamp)>) {
        for (title, names, place) in [
            ("generated_at", ["generated_at", "captured_at", "updated_at"].as_slice(), &mut summary.generated_at),
            ("period_start", ["period_start", "started_at"].as_slice(), &mut summary.period_start),
        ] {
            let (at, raw) = self.time(names);
            *place = at;
            match (at, raw) {
                (Some(_), _) => {}
                (None, Some(raw)) => self.fail(format!("{title} is not a time: {raw}")),
                (None, None) => self.fail(format!("the performance report has no {title}")),
            }
        }
        // What is reported later than the period ends says nothing of the time between.
        let stated = self.time(&["period_end", "ended_at"]);
        if let (None, Some(raw)) = &stated {
            self.fail(format!("period_end is not a time: {raw}"));
        }
        let (Some(start), Some(made)) = (summary.period_start, summary.generated_at) else { return };
        let end = stated.0.map_or(made, |end| end.min(made));
        summary.window_duration_seconds = Some(end.seconds_since(start)).filter(|seconds| *seconds > 0.0);
        if end < start {
            self.fail(format!("the period ends ({}) before it starts ({})", end.human(), start.human()));
            return;
        }
        let Some((first, last)) = window else { return };
        let (run, period) = (last.seconds_since(first), end.seconds_since(start));
        let common = end.min(last).seconds_since(start.max(first));
        let (severity, why) = if common < 0.0 {
            (Status::Fail, "they do not overlap")
        } else if period <= 0.0 && run > 60.0 {
            (Status::Fail, "a period without length covers nothing")
        } else if common * 10.0 < run - SHORTER_SECONDS {
            (Status::Fail, "less than a tenth of the run is covered")
        } else if period > 10.0 * run + LONGER_SECONDS {
            (Status::Fail, "the run is less than a tenth of the period, so the figures are not its own")
        } else if common * 2.0 < run - SHORTER_SECONDS {
            (Status::Warn, "less than half of the run is covered")
        } else if period > 2.0 * run + LONGER_SECONDS {
            (Status::Warn, "the run is less than half of the period")
        } else {
            return;
        };
        let finding = Finding::new(
            severity,
            format!(
                "the performance report covers {} to {}, the run {} to {}: {why}",
                start.human(),
                end.human(),
                first.human(),
                last.human()
            ),
        )
        .in_file(self.path, None)
        .with("period_start", start.to_string())
        .with("generated_at", made.to_string())
        .with("period_end", end.to_string())
        .with("logs_start", first.to_string())
        .with("logs_end", last.to_string());
        self.findings.push(finding);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(extra: Value) -> PerformanceSummary {
        let mut report = json!({"generated_at": "2025-01-09T00:00:00Z", "period_start": "2025-01-06T00:00:00Z"});
        if let Value::Object(extra) = extra {
            report.as_object_mut().expect("an object").extend(extra);
        }
        let at = |text| Stamp::parse(text).expect("a time");
        let window = Some((at("2025-01-06T00:00:00Z"), at("2025-01-09T00:00:00Z")));
        summarise("p.json", report.to_string().as_bytes(), window, &Rules::default())
    }

    #[test]
    fn every_shape_gives_its_figures() {
        let figures = json!({"trades": 3, "roi": -0.9, "win_rate": 0.1, "sharpe_ratio": -3.0});
        for shape in [
            json!({ "aggregates": figures }),
            json!({ "snapshot": figures }),
            json!({ "snapshot": {"aggregates": figures} }),
            figures,
            json!({"aggregates": {"trades": "3"}, "roi": "-0.9", "win_rate": 0.1, "sharpe": "-3"}),
            json!({"aggregates": null, "trades": 3.0, "roi": -0.9, "win_rate": 0.1, "metadata": {"sharpe": -3}}),
        ] {
            let summary = judge(shape.clone());
            let read = (summary.total_trades, summary.roi, summary.win_rate, summary.sharpe_ratio);
            assert_eq!(read, (3, Some(-0.9), Some(0.1), Some(-3.0)), "{shape}");
            assert_eq!(summary.status, Status::Warn, "a loss is a warning: {shape}");
            assert_eq!(summary.window_duration_seconds, Some(259_200.0));
        }
    }

    #[test]
    fn zero_is_a_value() {
        let summary = judge(json!({"aggregates": {"trades": 1, "sharpe_ratio": 0.0}, "metadata": {"sharpe_ratio": 2}}));
        assert_eq!((summary.sharpe_ratio, summary.status), (Some(0.0), Status::Pass));
    }

    #[test]
    fn what_is_missing_or_unreal_is_no_pass() {
        for (extra, status, expect) in [
            (json!({}), Status::Fail, "no figures"),
            (json!({"status": "waiting", "message": "no data yet"}), Status::Fail, "`waiting`"),
            (json!({"status": "failed", "roi": 1}), Status::Fail, "says of itself"),
            (json!({"generated_at": null, "roi": 1}), Status::Fail, "has no generated_at"),
            (json!({"period_start": "soon", "roi": 1}), Status::Fail, "period_start is not a time"),
            (json!({"roi": "NaN"}), Status::Fail, "roi is not a real number"),
            (json!({"trades": 0, "roi": null, "win_rate": null}), Status::Fail, "no figures"),
            (json!({"trades": 7}), Status::Warn, "no return, rate or ratio"),
            (json!({"trades": 0, "roi": 0.0}), Status::Warn, "0 trades"),
            (json!({"trades": 2.5, "roi": 0.1}), Status::Fail, "not a whole number"),
            (json!({"win_rate": 7.0}), Status::Fail, "no share"),
            (json!({"win_rate": -0.1, "roi": 1}), Status::Fail, "no share"),
            (json!({"roi": 1e9}), Status::Fail, "no run reaches"),
            (json!({"sharpe": "-1e300"}), Status::Fail, "no run reaches"),
            (json!({"roi": 1, "aggregates": {"sharpe": "n/a"}}), Status::Warn, "sharpe_ratio is not a number"),
            (json!({"roi": 1, "aggregates": {"trades": null}}), Status::Warn, "trades is null"),
            (json!({"roi": 1, "trades": -1}), Status::Fail, "negative"),
            (json!({"roi": 1, "period_start": "2025-01-10"}), Status::Fail, "before it starts"),
            (json!({"roi": 1, "period_start": "2024-01-10", "generated_at": "2024-02-01"}), Status::Fail, "overlap"),
            (json!({"roi": 1, "period_start": "2019-01-06"}), Status::Fail, "a tenth of the period"),
            (json!({"roi": 1, "period_start": "2025-01-08T23:59:00Z"}), Status::Fail, "a tenth of the run"),
            (json!({"roi": 1, "period_start": "2024-12-20"}), Status::Warn, "half of the period"),
            (json!({"roi": 1, "period_start": "2025-01-01"}), Status::Pass, ""),
            (json!({"roi": 1, "period_start": "2025-01-08"}), Status::Warn, "half of the run"),
            (json!({"roi": 1, "period_start": "2025-01-05"}), Status::Pass, ""),
            (json!({"roi": 1, "period_end": "2025-01-06T00:01:00Z"}), Status::Fail, "a tenth of the run"),
            (json!({"roi": 1, "period_end": "2025-01-05"}), Status::Fail, "before it starts"),
            (json!({"roi": 1, "period_end": "yesterday"}), Status::Fail, "period_end is not a time"),
            (json!({"roi": 1, "period_end": "2025-01-07T12:00:00Z"}), Status::Pass, ""),
            // Nothing is known yet of what is still to come.
            (json!({"roi": 1, "period_end": "2025-02-01"}), Status::Pass, ""),
            (json!({"roi": 1, "verdict": "fail"}), Status::Fail, "says of itself: fail"),
            (json!({"roi": 1, "error": "feed lost"}), Status::Warn, "tells of an error"),
            (json!({"roi": 1, "errors": [], "error": "none"}), Status::Pass, ""),
            (json!({"roi": 1, "win_rate": true}), Status::Pass, ""),
            (json!({"roi": 1, "sharpe": true}), Status::Fail, "sharpe_ratio is not a number: true"),
            (json!({"roi": 1, "aggregates": {"roi": 0.5}}), Status::Warn, "states roi twice: 0.5000 and 1.0000"),
            (json!({"roi": 1, "aggregates": {"sharpe": 1, "sharpe_ratio": 5}}), Status::Warn, "sharpe_ratio twice"),
            (json!({"roi": 1, "aggregates": {"roi": 1.0}}), Status::Pass, ""),
            (json!({"roi": 1, "aggregates": {"status": "error"}}), Status::Fail, "says of itself: error"),
            (json!({"roi": 1, "complete": false}), Status::Warn, "not complete"),
            (json!({"roi": 1, "stale": true}), Status::Warn, "is stale"),
            (json!({"roi": 1, "success": false}), Status::Warn, "success is false"),
            (json!({"roi": 1, "aggregates": {"valid": false}}), Status::Warn, "valid is false"),
            (json!({"roi": 1, "aggregates": {"partial": true}}), Status::Warn, "is partial"),
            (json!({"roi": 1, "success": true, "valid": true}), Status::Pass, ""),
            (json!({"roi": 1, "run_state": "failed"}), Status::Fail, "says of itself: failed"),
            (json!({"roi": 1, "market_state": "high", "kill_switch_state": "no"}), Status::Pass, ""),
            (json!({"roi": 1, "period_end": "2025-01-06T00:00:00Z"}), Status::Fail, "without length"),
            (json!({"roi": 1, "trades": 1e30}), Status::Fail, "more than any run makes"),
        ] {
            let summary = judge(extra.clone());
            assert_eq!(summary.status, status, "{extra}");
            let messages: Vec<&str> = summary.findings.iter().map(|f| f.summary.as_str()).collect();
            assert!(messages.iter().any(|m| m.contains(expect)) || expect.is_empty(), "{extra}: {messages:?}");
        }
        for text in ["", "[]", "{", "null"] {
            assert_eq!(summarise("p", text.as_bytes(), None, &Rules::default()).status, Status::Fail, "{text:?}");
        }
        let bare = br#"{"generated_at": "2025-01-09", "period_start": "2025-01-06", "roi": NaN, "trades": 1}"#;
        let summary = summarise("p", bare, None, &Rules::default());
        assert_eq!((summary.status, summary.roi), (Status::Fail, None));
    }
}
