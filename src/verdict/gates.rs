//! Gates: each part of the evidence, what was asked of it, what was measured, and what would fix it.

mod integrity;

use serde_json::{Value, json};

use super::attestation::judge::Judgement;
use super::criteria::Criteria;
use super::policy::Policy;
use crate::finding::{Finding, Gate, NotRequired, Place, Status, count, percent};
use crate::log::level::Level;
use crate::log::summary::{LogSummary, Summary};
use crate::sanitize::shorten;
use crate::supervise::objective::Objective;
use crate::supervise::record::RunRecord;
use crate::time::{Stamp, human_seconds, reaches};

/// What is known of a run beside its evidence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The command with its arguments; empty where no run was supervised.
    pub command: Vec<String>,
    /// Whether the built-in simulator ran, and not a system of the operator.
    pub simulated: bool,
    /// What the rehearsal was for, as the operator stated it.
    pub objectives: Vec<Objective>,
    /// The time by which waivers are judged: the end of the run.
    pub ended_at: Option<Stamp>,
    /// What people signed about the packet; none for a run or files.
    pub attested: Option<Judgement>,
}

impl About {
    /// What a run record says.
    pub fn of(record: &RunRecord) -> Self {
        Self {
            command: record.command.clone(),
            simulated: record.is_simulated(),
            objectives: record.objectives.clone(),
            ended_at: record.ended_at,
            attested: None,
        }
    }
}

/// Every gate of the evidence, in the order in which people look: where a sign-off is asked for, as the sign-off sees
/// it, else as the evidence stands. The only place that compares a limit with a figure.
pub fn all(summary: &Summary, policy: &Policy, about: &About) -> Vec<Gate> {
    let view = View { summary, policy, about, criteria: policy.sign_off.as_ref() };
    [
        view.subject(),
        view.run(),
        Some(view.logs()),
        view.duration(),
        view.uptime(),
        view.diary(),
        view.performance(),
        view.sharpe(),
        view.objectives(),
        view.checksums(),
        view.record(),
        view.signature(),
        view.approvals(),
        view.plan(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct View<'a> {
    summary: &'a Summary,
    policy: &'a Policy,
    about: &'a About,
    criteria: Option<&'a Criteria>,
}

/// A limit as a gate judges it.
struct Measure<'a> {
    name: &'a str,
    /// The limit that decides whether the gate is asked for, by its name in the policy file.
    limit: &'a str,
    /// How its figures are called in findings.
    unit: &'a str,
    required: Option<f64>,
    actual: Option<f64>,
    /// A figure for people.
    shown: fn(f64) -> String,
    /// Whether the actual figure meets the required one.
    meets: fn(f64, f64) -> bool,
}

/// Whether a figure is no less than its limit.
fn no_less(actual: f64, required: f64) -> bool {
    actual >= required
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
    fn part(
        &self,
        (name, path): (&str, &str),
        status: Status,
        findings: &[Finding],
        samples: u64,
        clean: &str,
    ) -> Gate {
        let standing = findings.iter().filter(|finding| !finding.is_waived()).map(|finding| finding.severity);
        let status = Status::roll_up(standing.chain([status]));
        let first = worst(findings);
        let standing = findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
        Gate {
            name: name.to_owned(),
            threshold: self.wanted().to_owned(),
            measured: first.map_or_else(|| clean.to_owned(), |first| with_more(&first.summary, standing)),
            samples,
            status: self.accepts(status),
            raised: self.accepts(status) > status,
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

    /// What was rehearsed. That it was the simulator is a WARN under any criteria: nothing is wrong with the run, but it
    /// says nothing about anybody's system.
    fn subject(&self) -> Option<Gate> {
        let About { command, simulated, .. } = self.about;
        let (status, measured) = match simulated {
            true => (Status::Warn, "the built-in simulator ran, not your system".to_owned()),
            false => (Status::Pass, shorten(&command.join(" "), 80)),
        };
        let gate = Gate {
            name: "subject".to_owned(),
            threshold: "your system".to_owned(),
            measured,
            samples: 1,
            status,
            ..Gate::default()
        };
        let known = *simulated || !command.is_empty();
        known.then(|| gate.fixed_by("a rehearsal of your own system: emp-ops final-dry-run -- COMMAND"))
    }

    /// What the operator says was or was not reached.
    fn objectives(&self) -> Option<Gate> {
        let objectives = &self.about.objectives;
        let status = Status::roll_up(objectives.iter().map(|objective| objective.status));
        let worst = objectives.iter().find(|objective| objective.status == status && status > Status::Pass);
        let missed = objectives.iter().filter(|objective| objective.status > Status::Pass).count() as u64;
        let measured = match worst {
            None => format!("{} reached", count(objectives.len() as u64, "objective")),
            Some(Objective { name, note, .. }) => {
                let note = note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
                with_more(&format!("{name}{note}"), missed)
            }
        };
        let gate = Gate {
            name: "objectives".to_owned(),
            threshold: "all reached".to_owned(),
            measured: format!("{measured} (stated by the operator)"),
            samples: objectives.len() as u64,
            status: self.accepts(status),
            raised: self.accepts(status) > status,
            ..Gate::default()
        };
        (!objectives.is_empty()).then(|| gate.fixed_by("a rehearsal that reaches its objectives"))
    }

    fn run(&self) -> Option<Gate> {
        let findings = &self.summary.findings;
        let known = !findings.is_empty() || self.summary.metadata.contains_key("run");
        let gate = self.part(("run", "subject"), Status::Pass, findings, findings.len().max(1) as u64, "completed");
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
            raised: self.accepts(logs.status) > logs.status,
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
        let logs = &self.summary.logs;
        let (start, end) =
            self.run_time("started_at").zip(self.run_time("ended_at")).or(logs.started_at.zip(logs.ended_at))?;
        Some(format!("{} to {}", start.human(), end.human()))
    }

    /// Holds a figure against its limit. What was not measured fails; equality satisfies.
    fn measure(&self, measure: &Measure<'_>) -> Gate {
        let Measure { name, limit, unit, required, actual, shown, meets } = measure;
        let measured = actual.map_or_else(|| "not known".to_owned(), shown);
        let gate = Gate { name: (*name).to_owned(), measured, ..Gate::default() };
        let Some(required) = required else { return self.not_required(gate, limit) };
        let figures = [("required", Some(*required)), ("actual", *actual)];
        Gate {
            threshold: format!("at least {}", shown(*required)),
            status: pass_if(actual.is_some_and(|actual| meets(actual, *required))),
            figures: figures
                .into_iter()
                .filter_map(|(which, figure)| Some((format!("{which}_{unit}"), json!(figure?))))
                .collect(),
            ..gate
        }
    }

    /// A gate that nobody asked for, and who did not: it passes, and is shown.
    fn not_required(&self, gate: Gate, limit: &str) -> Gate {
        let by = self.policy.source_of(limit).to_owned();
        Gate { threshold: "not required".to_owned(), not_required: Some(NotRequired { by }), ..gate }
    }

    fn duration(&self) -> Option<Gate> {
        let required = self.criteria?.minimum_duration_seconds;
        let logs = &self.summary.logs;
        let mut gate = Gate {
            samples: logs.records,
            evidence: self.period(),
            follows: logs.duration_seconds.is_none().then(|| "logs".to_owned()),
            ..self.measure(&Measure {
                name: "duration",
                limit: "min_duration",
                unit: "seconds",
                required,
                actual: logs.duration_seconds,
                shown: human_seconds,
                meets: reaches,
            })
        };
        if let (Some(required), Some(actual), Status::Pass) = (required, logs.duration_seconds, gate.status)
            && actual < required
        {
            gate.measured.push_str(" (within the tolerance)");
        }
        let short = human_seconds(required.unwrap_or_default() - logs.duration_seconds.unwrap_or_default());
        Some(gate.fixed_by(&format!("{short} more evidence")))
    }

    fn uptime(&self) -> Option<Gate> {
        let criteria = self.criteria?;
        let logs = &self.summary.logs;
        let unmeasured = criteria.minimum_uptime_ratio.and(self.unmeasured());
        let longest = logs.gap_incidents.iter().max_by_key(|gap| gap.severity);
        // Where no gap is acceptable, fixing the logs leaves none, and the uptime is whole.
        let decided = logs.uptime_ratio.is_none() || (!criteria.allow_warnings && logs.totals.gap_incidents > 0);
        let mut gate = Gate {
            samples: logs.records,
            evidence: longest.and_then(|gap| gap.place.as_ref()).map(ToString::to_string).or_else(|| self.log_paths()),
            follows: (decided && unmeasured.is_none()).then(|| "logs".to_owned()),
            ..self.measure(&Measure {
                name: "uptime",
                limit: "min_uptime",
                unit: "ratio",
                required: criteria.minimum_uptime_ratio,
                actual: logs.uptime_ratio.filter(|_| unmeasured.is_none()),
                shown: percent,
                meets: no_less,
            })
        };
        if let Some(why) = unmeasured {
            gate.measured = why;
            return Some(gate.fixed_by("a run that logs something for as long as it lasts, such as a heartbeat"));
        }
        if logs.uptime_ratio.is_some() {
            gate.measured.push_str(&silences(logs));
        }
        Some(gate.fixed_by("a run with shorter silences and down-times"))
    }

    /// Why there is no uptime to speak of: hardly a record, or none but at the start of the run.
    fn unmeasured(&self) -> Option<String> {
        let logs = &self.summary.logs;
        let unmeasured = |why: String| Some(format!("no uptime was measured: {why}"));
        if logs.records < 2 {
            return unmeasured(count(logs.records, "record"));
        }
        let start = self.run_time("started_at")?;
        let (first, last, length) = (logs.started_at?, logs.ended_at?, logs.duration_seconds?);
        // A command needs a moment to start, which in a short run is more than a hundredth.
        let burst = last.seconds_since(first) <= length / 100.0 && first.seconds_since(start) <= length / 10.0;
        if !burst && last.seconds_since(start) > length / 100.0 {
            return None;
        }
        let records = count(logs.records, "record");
        unmeasured(format!("all {records} came within a hundredth of {}, at its start", human_seconds(length)))
    }

    /// A time of the run, where one was supervised.
    fn run_time(&self, key: &str) -> Option<Stamp> {
        self.summary.metadata.get("run").and_then(|run| run[key].as_str()).and_then(Stamp::parse)
    }

    fn diary(&self) -> Option<Gate> {
        let required = self.criteria.is_some_and(|criteria| criteria.require_diary);
        let Some(diary) = &self.summary.diary else {
            return self.absent("diary", required, "optional_diary", "a decision diary, named by --diary");
        };
        let first = diary.issues.iter().find(|issue| issue.severity == diary.status && diary.status > Status::Pass);
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
            status: if required { self.accepts(diary.status) } else { diary.status },
            raised: required && self.accepts(diary.status) > diary.status,
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
            let fix = "a performance report, named by --performance";
            return self.absent("performance", required, "optional_performance", fix);
        };
        let figures = [performance.roi, performance.win_rate, performance.sharpe_ratio];
        let samples = figures.iter().flatten().count() as u64 + u64::from(performance.total_trades > 0);
        let mut gate = self.part(
            ("performance", "performance_path"),
            performance.status,
            &performance.findings,
            samples,
            "no findings",
        );
        if !required {
            (gate.status, gate.raised) = (performance.status, false);
        }
        gate.threshold = self.optional(required, &gate.threshold);
        let total = performance.findings.len() as u64;
        Some(gate.fixed_by(&match samples {
            0 => "a performance report with figures".to_owned(),
            _ => format!("a report without {}", these(total, &count(total, "finding"))),
        }))
    }

    /// The gate of a part that is not there; none where nobody asked for a sign-off.
    fn absent(&self, name: &str, required: bool, limit: &str, fix: &str) -> Option<Gate> {
        self.criteria?;
        let gate = Gate { name: name.to_owned(), measured: "none was given".to_owned(), ..Gate::default() };
        Some(match required {
            true => Gate { threshold: "required".to_owned(), status: Status::Fail, ..gate }.fixed_by(fix),
            false => self.not_required(gate, limit),
        })
    }

    fn sharpe(&self) -> Option<Gate> {
        let performance = self.summary.performance.as_ref();
        let actual = performance.and_then(|performance| performance.sharpe_ratio);
        let gate = Gate {
            samples: u64::from(actual.is_some()),
            evidence: self.path("performance_path"),
            follows: performance.is_none().then(|| "performance".to_owned()),
            ..self.measure(&Measure {
                name: "sharpe",
                limit: "min_sharpe",
                unit: "sharpe_ratio",
                required: self.criteria?.minimum_sharpe_ratio,
                actual,
                shown: |ratio| ratio.to_string(),
                meets: no_less,
            })
        };
        Some(gate.fixed_by("a higher Sharpe ratio"))
    }

    fn plan(&self) -> Option<Gate> {
        let plan = self.summary.plan.as_ref()?;
        let gate = self.part(("plan", "plan_path"), plan.status, &plan.findings, plan.resources, "no pending changes");
        Some(gate.fixed_by("a plan without pending changes: apply it, or take the drift back"))
    }

    fn optional(&self, required: bool, wanted: &str) -> String {
        match self.criteria {
            Some(_) if !required => format!("not required; {wanted}"),
            _ => wanted.to_owned(),
        }
    }
}

fn pass_if(passed: bool) -> Status {
    if passed { Status::Pass } else { Status::Fail }
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

/// `, 2 down-times; longest silence 40s, silences up to 1h are free`: what an uptime does not show by itself.
pub fn silences(logs: &LogSummary) -> String {
    let downs = match logs.down_times.len() as u64 {
        0 => String::new(),
        n => format!(", {}", count(n, "down-time")),
    };
    let silence = |seconds: Option<f64>| seconds.map_or_else(|| "not known".to_owned(), human_seconds);
    let free = silence(logs.free_silence_seconds);
    format!("{downs}; longest silence {}, silences up to {free} are free", silence(logs.longest_silence_seconds))
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
mod tests;
