//! Gates: each part of the evidence, what was asked of it, what was measured, and what would fix it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sign_off::Criteria;
use crate::finding::{Finding, Place, Status, count};
use crate::log::level::Level;
use crate::log::summary::{LogSummary, Summary};
use crate::time::{Stamp, human_seconds};

/// One gate with what was asked for and what was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// The gate's name: `logs`, `duration`, `uptime`, `diary`, `performance`, `sharpe`, `run`, `checksums`, `plan`.
    pub name: String,
    /// What was asked for, in words.
    pub threshold: String,
    /// What was measured, in words.
    pub measured: String,
    /// How many records, entries, figures or files the measurement rests on.
    pub samples: u64,
    /// The gate's verdict.
    pub status: Status,
    /// The file (and line) that decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What would make it pass, where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The gate that decides this one too: it passes as soon as that one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

/// Every gate of the evidence, in the order in which people look: with criteria as the sign-off sees it, without them
/// as the evidence stands.
pub fn all(summary: &Summary, criteria: Option<&Criteria>) -> Vec<Gate> {
    let view = View { summary, criteria };
    [
        view.run(),
        Some(view.logs()),
        view.duration(),
        view.uptime(),
        view.diary(),
        view.performance(),
        view.sharpe(),
        view.checksums(),
        view.plan(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The smallest set of gates whose passing would better the verdict: those of the worst status, without those that
/// pass by themselves as soon as another does. Empty where everything passes.
pub fn to_fix(gates: &[Gate]) -> Vec<&Gate> {
    let worst = Status::roll_up(gates.iter().map(|gate| gate.status));
    let standing: Vec<&Gate> = gates.iter().filter(|gate| gate.status == worst && worst > Status::Pass).collect();
    let follows = |gate: &Gate| {
        gate.follows.as_ref().is_some_and(|other| standing.iter().any(|standing| standing.name == *other))
    };
    standing.iter().copied().filter(|gate| !follows(gate)).collect()
}

/// `99.5%`: a ratio for people, cut (never rounded up) after four decimals, so that what falls short looks short.
pub fn percent(ratio: f64) -> String {
    let text = format!("{:.4}", (ratio * 1e6 + 1e-4).floor() / 1e4);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

struct View<'a> {
    summary: &'a Summary,
    criteria: Option<&'a Criteria>,
}

impl View<'_> {
    /// What a part of the evidence in state `status` is here.
    fn accepts(&self, status: Status) -> Status {
        self.criteria.map_or(status, |criteria| criteria.accepts(status))
    }

    fn wanted(&self) -> &'static str {
        match self.criteria {
            Some(criteria) if !criteria.allow_warnings => "no warnings",
            _ => "no failures",
        }
    }

    /// The gate of a part that is judged by its findings; `path` is the key of its file in the metadata.
    fn part(&self, name: &str, findings: &[Finding], samples: u64, clean: &str, path: &str) -> Gate {
        let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
        let first = worst(findings);
        let standing = findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
        Gate {
            name: name.to_owned(),
            threshold: self.wanted().to_owned(),
            measured: first.map_or_else(|| clean.to_owned(), |first| with_more(&first.summary, standing)),
            samples,
            status: self.accepts(status),
            evidence: first.and_then(|first| first.place.as_ref()).map(ToString::to_string).or_else(|| self.path(path)),
            ..Gate::default()
        }
    }

    /// The path of a part of the evidence.
    fn path(&self, key: &str) -> Option<String> {
        self.summary.metadata.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// The path of the logs: the first, with how many more there are.
    fn log_paths(&self) -> Option<String> {
        let paths = self.summary.metadata.get("log_paths").and_then(Value::as_array)?;
        let first = paths.first().and_then(Value::as_str)?;
        Some(with_more(first, paths.len() as u64))
    }

    fn run(&self) -> Option<Gate> {
        let findings = &self.summary.findings;
        let known = !findings.is_empty() || self.summary.metadata.contains_key("run");
        let gate = self.part("run", findings, findings.len().max(1) as u64, "completed", "subject");
        let incidents = count(findings.len() as u64, "incident");
        known.then(|| gate.fixed_by(&format!("a completed run without {}", these(findings.len() as u64, &incidents))))
    }

    fn logs(&self) -> Gate {
        let logs = &self.summary.logs;
        let place = first_of_logs(logs).and_then(|first| first.place.as_ref()).map(ToString::to_string);
        let counts = log_counts(logs);
        // Nobody can say that these are harmless.
        let unknown = logs
            .severity_counts
            .get(Level::Unknown.word())
            .map_or(String::new(), |number| format!("; {} of an unknown level", count(*number, "record")));
        Gate {
            name: "logs".to_owned(),
            threshold: self.wanted().to_owned(),
            measured: if logs.records == 0 { "no records".to_owned() } else { counts.join(", ") + &unknown },
            samples: logs.records,
            status: self.accepts(logs.status),
            evidence: place.or_else(|| self.log_paths()),
            ..Gate::default()
        }
        .fixed_by(&match logs.records {
            0 => "at least one record that has a time".to_owned(),
            _ => format!("a run without its {}", join(&counts)),
        })
    }

    /// From when to when the evidence goes: the supervised time of a run, else from the first to the last record.
    fn period(&self) -> Option<String> {
        let run = self.summary.metadata.get("run");
        let time = |key: &str| run.and_then(|run| run[key].as_str()).and_then(Stamp::parse);
        let logs = &self.summary.logs;
        let (start, end) = time("started_at").zip(time("ended_at")).or(logs.started_at.zip(logs.ended_at))?;
        Some(format!("{} to {}", start.human(), end.human()))
    }

    fn duration(&self) -> Option<Gate> {
        let required = self.criteria?.minimum_duration_seconds;
        // That nobody asked how long a run lasted is something that its reviewers should see.
        let waived = required.is_none() && self.summary.metadata.contains_key("run");
        let required = required.or(waived.then_some(0.0))?;
        let logs = &self.summary.logs;
        let actual = logs.duration_seconds;
        let gate = Gate {
            name: "duration".to_owned(),
            threshold: if waived { "not required".to_owned() } else { format!("at least {}", human_seconds(required)) },
            measured: actual.map_or_else(|| "not known".to_owned(), human_seconds),
            samples: logs.records,
            status: pass_if(waived || actual.is_some_and(|actual| actual >= required)),
            evidence: self.period(),
            follows: actual.is_none().then(|| "logs".to_owned()),
            ..Gate::default()
        };
        let short = human_seconds(required - actual.unwrap_or_default());
        Some(gate.fixed_by(&format!("{short} more evidence, or a shorter minimum")))
    }

    fn uptime(&self) -> Option<Gate> {
        let required = self.criteria?.minimum_uptime_ratio?;
        let logs = &self.summary.logs;
        let longest = logs.gap_incidents.iter().max_by_key(|gap| gap.severity);
        let strict = !self.criteria?.allow_warnings;
        // Where no gap is acceptable, fixing the logs leaves none, and the uptime is whole.
        let decided = logs.uptime_ratio.is_none() || (strict && logs.totals.gap_incidents > 0);
        let gate = Gate {
            name: "uptime".to_owned(),
            threshold: format!("at least {}", percent(required)),
            measured: logs.uptime_ratio.map_or_else(|| "not known".to_owned(), percent),
            samples: logs.records,
            status: pass_if(logs.uptime_ratio.is_some_and(|actual| actual >= required)),
            evidence: longest.and_then(|gap| gap.place.as_ref()).map(ToString::to_string).or_else(|| self.log_paths()),
            follows: decided.then(|| "logs".to_owned()),
            ..Gate::default()
        };
        Some(gate.fixed_by("shorter silences, or a lower minimum"))
    }

    fn diary(&self) -> Option<Gate> {
        let required = self.criteria.is_some_and(|criteria| criteria.require_diary);
        let Some(diary) = &self.summary.diary else {
            return required.then(|| absent("diary", "a decision diary", "--diary"));
        };
        let first = diary.issues.iter().find(|issue| issue.severity == diary.status && diary.status > Status::Pass);
        let status = if required { self.accepts(diary.status) } else { diary.status };
        let gate = Gate {
            name: "diary".to_owned(),
            threshold: self.optional(required, self.wanted()),
            measured: match first {
                None => "no issues".to_owned(),
                Some(issue) => {
                    let whole = issue.policy_id == "*";
                    let text =
                        if whole { issue.reason.clone() } else { format!("{}: {}", issue.entry_id, issue.reason) };
                    with_more(&text, diary.total_issues.max(1))
                }
            },
            samples: diary.total_entries,
            status,
            evidence: first
                .and_then(|issue| issue.place.as_ref())
                .map(Place::to_string)
                .or_else(|| self.path("diary_path")),
            ..Gate::default()
        };
        let total = diary.total_issues;
        Some(gate.fixed_by(&match diary.total_entries {
            0 => "a decision diary with entries".to_owned(),
            _ => format!("a diary without {}", these(total, &count(total, "issue"))),
        }))
    }

    fn performance(&self) -> Option<Gate> {
        let required = self.criteria.is_some_and(Criteria::needs_performance);
        let Some(performance) = &self.summary.performance else {
            return required.then(|| absent("performance", "a performance report", "--performance"));
        };
        let figures = [performance.roi, performance.win_rate, performance.sharpe_ratio];
        let samples = figures.iter().flatten().count() as u64 + u64::from(performance.total_trades > 0);
        let mut gate = self.part("performance", &performance.findings, samples, "no findings", "performance_path");
        if !required {
            gate.status = performance.status;
        }
        gate.threshold = self.optional(required, &gate.threshold);
        let total = performance.findings.len() as u64;
        Some(gate.fixed_by(&match samples {
            0 => "a performance report with figures".to_owned(),
            _ => format!("a report without {}", these(total, &count(total, "finding"))),
        }))
    }

    fn sharpe(&self) -> Option<Gate> {
        let required = self.criteria?.minimum_sharpe_ratio?;
        let performance = self.summary.performance.as_ref();
        let actual = performance.and_then(|performance| performance.sharpe_ratio);
        let gate = Gate {
            name: "sharpe".to_owned(),
            threshold: format!("at least {required}"),
            measured: actual.map_or_else(|| "not known".to_owned(), |actual| actual.to_string()),
            samples: u64::from(actual.is_some()),
            status: pass_if(actual.is_some_and(|actual| actual >= required)),
            evidence: self.path("performance_path"),
            follows: performance.is_none().then(|| "performance".to_owned()),
            ..Gate::default()
        };
        Some(gate.fixed_by("a higher Sharpe ratio, or a lower minimum"))
    }

    fn checksums(&self) -> Option<Gate> {
        let checksums = self.summary.checksums.as_ref()?;
        let clean = format!("{} verified", count(checksums.verified, "file"));
        let gate = self.part("checksums", &checksums.findings, checksums.listed, &clean, "checksums_path");
        Some(gate.fixed_by("the files as they were when the list was made, and a list that has digests"))
    }

    fn plan(&self) -> Option<Gate> {
        let plan = self.summary.plan.as_ref()?;
        let gate = self.part("plan", &plan.findings, plan.resources, "no pending changes", "plan_path");
        Some(gate.fixed_by("a plan without pending changes: apply it, or take the drift back"))
    }

    fn optional(&self, required: bool, wanted: &str) -> String {
        match self.criteria {
            Some(_) if !required => format!("not required; {wanted}"),
            _ => wanted.to_owned(),
        }
    }
}

impl Gate {
    /// Says what would make it pass, where it does not.
    fn fixed_by(mut self, how: &str) -> Self {
        self.fix = (self.status > Status::Pass).then(|| how.to_owned());
        self
    }
}

fn pass_if(passed: bool) -> Status {
    if passed { Status::Pass } else { Status::Fail }
}

fn absent(name: &str, what: &str, option: &str) -> Gate {
    Gate {
        name: name.to_owned(),
        threshold: "required".to_owned(),
        measured: "none was given".to_owned(),
        status: Status::Fail,
        ..Gate::default()
    }
    .fixed_by(&format!("{what}, named by {option}"))
}

/// The first of the worst findings; none where all pass.
fn worst(findings: &[Finding]) -> Option<&Finding> {
    let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
    findings.iter().find(|finding| finding.severity == status && status > Status::Pass)
}

fn with_more(text: &str, total: u64) -> String {
    match total.saturating_sub(1) {
        0 => text.to_owned(),
        more => format!("{text} (and {more} more)"),
    }
}

/// The finding of the logs that stands first for their status.
pub fn first_of_logs(logs: &LogSummary) -> Option<&Finding> {
    let faults = [&logs.findings];
    let records = [&logs.content_incidents, &logs.errors, &logs.gap_incidents, &logs.warnings];
    // Without records the silence is only what follows from the fault of the file.
    let lists: Vec<_> = if logs.records == 0 {
        faults.into_iter().chain(records).collect()
    } else {
        records.into_iter().chain(faults).collect()
    };
    lists.into_iter().filter_map(|list| worst(list)).find(|finding| finding.severity == logs.status)
}

/// `3 errors`, `1 stack trace`, `2 gaps`, …; what there is none of is left out, and if there is nothing it says so.
fn log_counts(logs: &LogSummary) -> Vec<String> {
    let totals = logs.totals;
    let faults = logs.findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
    let counts: Vec<String> = [
        (totals.errors, "error"),
        (totals.content_incidents, "stack trace"),
        (totals.gap_incidents, "gap"),
        (totals.warnings, "warning"),
        (faults, "fault of the files"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, noun)| match noun.strip_suffix(" of the files") {
        Some(noun) => count(number, noun) + " of the files",
        None => count(number, noun),
    })
    .collect();
    if counts.is_empty() { vec!["no errors, gaps or warnings".to_owned()] } else { counts }
}

/// `its 3 issues`, `its issue`.
fn these(number: u64, counted: &str) -> String {
    match number {
        1 => format!("its {}", counted.trim_start_matches("1 ")),
        _ => format!("its {counted}"),
    }
}

/// `a, b and c`.
fn join(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_never_rounded_up() {
        for (ratio, expect) in [
            (1.0, "100%"),
            (0.98, "98%"),
            (0.979_999_9, "97.9999%"),
            (0.999_999_9, "99.9999%"),
            (0.5, "50%"),
            (0.0, "0%"),
            (0.995, "99.5%"),
        ] {
            assert_eq!(percent(ratio), expect);
        }
    }

    #[test]
    fn only_what_stands_by_itself_has_to_be_mended() {
        let gate = |name: &str, status, follows: Option<&str>| Gate {
            name: name.to_owned(),
            status,
            follows: follows.map(str::to_owned),
            ..Gate::default()
        };
        let gates = [
            gate("logs", Status::Fail, None),
            gate("uptime", Status::Fail, Some("logs")),
            gate("diary", Status::Warn, None),
            gate("sharpe", Status::Fail, Some("performance")),
        ];
        let names = |gates: &[Gate]| -> Vec<String> { to_fix(gates).iter().map(|g| g.name.clone()).collect() };
        assert_eq!(names(&gates), ["logs", "sharpe"]);
        assert_eq!(names(&gates[2..3]), ["diary"]);
        assert_eq!(names(&[gate("logs", Status::Pass, None)]), [""; 0]);
    }
}
