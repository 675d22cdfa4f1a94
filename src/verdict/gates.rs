//! Gates: each part of the evidence, what was asked of it, what was measured, and what would fix it.

mod comparison;
mod duration_uptime;
mod integrity;
mod logs;
mod workloads;

use serde_json::Value;

use super::attestation::judge::Judgement;
use super::criteria::Criteria;
use super::policy::Policy;
use crate::drills::judge;
use crate::finding::{Finding, Gate, NotRequired, Place, Status, count};
use crate::log::summary::Summary;
use crate::log::summary::guards::GuardRow;
use crate::sanitize::shorten;
use crate::supervise::objective::Objective;
use crate::supervise::record::{EndReason, RunRecord, WorkloadRecord};
use crate::supervise::workloads::state::State;
use crate::time::Stamp;

pub(crate) use duration_uptime::{silences, uptime_in_words};
pub(crate) use logs::{first_of_logs, in_words};

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
    /// Whether neither a run nor a log was named.
    pub without_logs: bool,
    /// The workloads that the rehearsal does not fail with.
    pub optional: Vec<String>,
    /// The workload that ended the run, or the one whose end began that.
    pub culprit: Option<String>,
    /// Why the run ended, in the word of its record.
    pub all_completed: bool,
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
            optional: record.workloads.iter().filter(|w| !w.required).map(|w| w.name.clone()).collect(),
            culprit: culprit(record),
            all_completed: record.ended_because == Some(EndReason::AllCompleted),
            without_logs: false,
            attested: None,
        }
    }
}

/// The workload that ended the run, or whose end began that; where none did, the first that failed.
fn culprit(record: &RunRecord) -> Option<String> {
    let ended = record.ended_by.as_ref().map(|by| by.root.as_ref().unwrap_or(&by.workload).clone());
    let failed = record.workloads.iter().filter(|own| own.required && own.state == State::Failed);
    let at = |own: &&WorkloadRecord| own.attempts.last().and_then(|last| last.ended_at);
    ended.or_else(|| Some(failed.min_by_key(at)?.name.clone()))
}

/// Takes an uptime back that rests on nothing, where one is asked for.
pub(crate) fn settle_uptime(summary: &mut Summary, policy: &Policy, about: &About) {
    let view = View { summary, policy, about, criteria: policy.sign_off.as_ref() };
    if let Some(why) = view.unmeasured() {
        summary.logs.uptime_ratio = None;
        summary.logs.uptime_not_measured = Some(why);
    }
}

/// Every gate of the evidence, in the order in which people look: where a sign-off is asked for, as the sign-off sees
/// it, else by the evidence.
pub(crate) fn all(summary: &Summary, policy: &Policy, about: &About) -> Vec<Gate> {
    let view = View { summary, policy, about, criteria: policy.sign_off.as_ref() };
    let components = summary.readiness.iter().flat_map(|readiness| &readiness.gates);
    let components = components.map(|gate| {
        let status = view.accepts(gate.status);
        Some(Gate { status, raised: gate.raised || status > gate.status, ..gate.clone() })
    });
    let first = [
        view.subject(),
        (!view.only_components()).then(|| view.logs()),
        view.ignored(),
        view.duration(),
        view.uptime(),
        view.diary(),
        view.performance(),
        view.sharpe(),
    ];
    let last = [
        view.objectives(),
        view.checksums(),
        view.record(),
        view.signature(),
        view.approvals(),
        view.plan(),
        view.checklist(),
        view.drills(),
        view.notifications(),
        view.baseline(),
        view.trend(),
    ];
    let last = last.into_iter().chain(view.guards()).chain(components).flatten();
    let [subject, rest @ ..] = first;
    let first = subject.into_iter().chain(view.workloads()).chain(view.run()).chain(rest.into_iter().flatten());
    first.chain(view.figures()).chain(last).collect()
}

struct View<'a> {
    summary: &'a Summary,
    policy: &'a Policy,
    about: &'a About,
    criteria: Option<&'a Criteria>,
}

impl View<'_> {
    /// What a part of the evidence in state `status` is here.
    fn accepts(&self, status: Status) -> Status {
        self.criteria.map_or(status, |criteria| criteria.accepts(status))
    }

    /// Whether nothing but components and documents is to be judged: then nobody asks for logs.
    fn only_components(&self) -> bool {
        let others = self.summary.readiness.is_some() || self.summary.baseline.is_some();
        self.about.without_logs && self.criteria.is_none() && others
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
        let (optional, own): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().filter(|finding| !finding.is_waived()).partition(|finding| self.is_optional(finding));
        let status = Status::roll_up(own.iter().map(|finding| finding.severity).chain([status]));
        let optional = Status::roll_up(optional.iter().map(|finding| finding.severity)).min(Status::Warn);
        let first = worst(findings);
        let standing = findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
        Gate {
            name: name.to_owned(),
            threshold: self.wanted().to_owned(),
            measured: first.map_or_else(|| clean.to_owned(), |first| told(causes(findings, first.severity), standing)),
            samples,
            status: self.accepts(status).max(optional),
            raised: self.accepts(status) > status,
            evidence: first.and_then(|first| first.place.as_ref()).map(ToString::to_string).or_else(|| self.path(path)),
            ..Gate::default()
        }
    }

    /// The path of a part of the evidence.
    fn path(&self, key: &str) -> Option<String> {
        self.summary.metadata.get(key).and_then(Value::as_str).map(str::to_owned)
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
        let worst = objectives.iter().filter(|objective| objective.status == status && status > Status::Pass);
        let worst = worst.map(|Objective { name, note, .. }| match note {
            Some(note) => format!("{name}: {note}"),
            None => name.clone(),
        });
        let worst: Vec<String> = worst.collect();
        let missed = objectives.iter().filter(|objective| objective.status > Status::Pass).count() as u64;
        let measured = match worst.is_empty() {
            true => format!("{} reached", count(objectives.len() as u64, "objective")),
            false => told(worst, missed),
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
        let gate = self.part(("run", "record_path"), Status::Pass, findings, findings.len().max(1) as u64, "completed");
        let incidents = count(findings.len() as u64, "incident");
        known.then(|| gate.fixed_by(&format!("a completed run without {}", these(findings.len() as u64, &incidents))))
    }

    /// A gate that nobody asked for, and who did not: it passes, and is shown.
    fn not_required(&self, gate: Gate, limit: &str) -> Gate {
        let by = self.policy.source_of(limit).to_owned();
        Gate { threshold: "not required".to_owned(), not_required: Some(NotRequired { by }), ..gate }
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
                    told(vec![text], diary.total_issues.max(1))
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
            0 => self.first("a decision diary with entries", "FINAL_DRY_RUN_DIARY_PATH", "--no-diary"),
            _ => format!("a diary without {}", these(total, &count(total, "issue"))),
        }))
    }

    fn performance(&self) -> Option<Gate> {
        let required = self.criteria.is_some() && self.policy.needs_performance();
        let Some(performance) = &self.summary.performance else {
            let fix = "a performance report, named by --performance";
            return self.absent("performance", required, "optional_performance", fix);
        };
        let figures = [performance.roi, performance.win_rate, performance.sharpe_ratio];
        let asked = performance.figures.values().filter(|figure| figure.value.is_some()).count();
        let samples = (figures.iter().flatten().count() + asked) as u64 + u64::from(performance.total_trades > 0);
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
            0 => self.first("a performance report with figures", "FINAL_DRY_RUN_PERFORMANCE_PATH", "--no-performance"),
            _ => format!("a report without {}", these(total, &count(total, "finding"))),
        }))
    }

    /// What a part of the evidence without content lacks: for a command that has never written it, where it goes, and what
    /// it means to do without.
    fn first(&self, what: &str, variable: &str, waive: &str) -> String {
        match self.about.command.is_empty() || self.about.simulated {
            true => what.to_owned(),
            false => format!(
                "{what}, written by the command to the file that {variable} names; a system that keeps none is judged \
                 without it by {waive}, and the verdict then says that it was waived"
            ),
        }
    }

    /// The gate of a part that is not there; none if nobody asked for a sign-off.
    fn absent(&self, name: &str, required: bool, limit: &str, fix: &str) -> Option<Gate> {
        self.criteria?;
        let gate = Gate { name: name.to_owned(), measured: "none was given".to_owned(), ..Gate::default() };
        Some(match required {
            true => Gate { threshold: "required".to_owned(), status: Status::Fail, ..gate }.fixed_by(fix),
            false => self.not_required(gate, limit),
        })
    }

    fn plan(&self) -> Option<Gate> {
        let plan = self.summary.plan.as_ref()?;
        let gate = self.part(("plan", "plan_path"), plan.status, &plan.findings, plan.resources, "no pending changes");
        Some(gate.fixed_by("a plan without pending changes: apply it, or take the drift back"))
    }

    fn drills(&self) -> Option<Gate> {
        let drills = self.summary.drills.as_ref()?;
        let path = ("drills", "drills_path");
        let gate = self.part(path, drills.status, &drills.findings, drills.total, &judge::told(drills));
        let fix = "drills that are run, each detected, restored and recovered in time";
        Some(gate.fixed_by(fix))
    }

    /// One gate for each guard, and one for the file that tells of them where something is wrong with that.
    fn guards(&self) -> impl Iterator<Item = Option<Gate>> {
        let all = self.summary.guards.iter();
        let path = "guards_path";
        all.flat_map(move |all| {
            let about = |row: Option<&GuardRow>| -> Vec<Finding> {
                let of = |finding: &&Finding| match row {
                    Some(row) => row.has(finding),
                    None => !all.guards.iter().any(|row| row.has(finding)),
                };
                all.findings.iter().filter(of).cloned().collect()
            };
            let file = about(None);
            let whole = (!file.is_empty()).then(|| {
                let status = Status::roll_up(file.iter().map(|finding| finding.severity));
                let gate = self.part(("guards", path), status, &file, all.total, "");
                gate.fixed_by("guards.json as the run wrote it")
            });
            let rows = all.guards.iter().map(move |row| {
                let remark = row.remark.as_ref().map(|remark| format!("; {remark}")).unwrap_or_default();
                let measured = format!("{}{remark}", row.measured);
                let gate = self.part((&row.gate(), path), row.status, &about(Some(row)), row.samples, &measured);
                let gate = Gate { threshold: row.limits.clone(), ..gate };
                Some(gate.fixed_by("a figure that is measured all the time, and stays within its limits"))
            });
            std::iter::once(whole).chain(rows).collect::<Vec<_>>()
        })
    }

    fn notifications(&self) -> Option<Gate> {
        let all = self.summary.notifications.as_ref()?;
        let clean = format!("{} delivered, {} held back as repeated", all.delivered, all.suppressed);
        let path = ("notifications", "notifications_path");
        let mut gate = self.part(path, all.status, &all.findings, all.delivered + all.failed, &clean);
        // Nothing is wrong with the run, but whether anybody would have heard of that is not known.
        if all.delivered == 0 && all.status == Status::Pass {
            gate.status = Status::Warn;
            gate.measured = "nothing was sent, so nothing shows that the channels work".to_owned();
        }
        let fix = "channels that answer, and rules that bring every warning and critical to one; a heartbeat shows that \
                   they work";
        Some(gate.fixed_by(fix))
    }

    fn checklist(&self) -> Option<Gate> {
        let list = self.summary.checklist.as_ref()?;
        let path = ("checklist", "checklist_path");
        let gate = self.part(path, list.status, &list.findings, list.total, &list.summary);
        Some(gate.fixed_by("a list of which every required task is ticked, with a name and a time"))
    }

    fn optional(&self, required: bool, wanted: &str) -> String {
        match self.criteria {
            Some(_) if !required => format!("not required; {wanted}"),
            _ => wanted.to_owned(),
        }
    }
}

/// The first of the worst findings; none if all pass.
fn worst(findings: &[Finding]) -> Option<&Finding> {
    let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
    findings.iter().find(|finding| finding.severity == status && status > Status::Pass)
}

/// The most causes that a gate names; the findings have all.
const CAUSES: usize = 5;

/// The findings of that status in words, each text once.
fn causes(findings: &[Finding], status: Status) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.severity == status) {
        if causes.len() < CAUSES && !causes.contains(&finding.summary) {
            causes.push(finding.summary.clone());
        }
    }
    causes
}

/// The first causes, with how many more there are in all.
fn told(mut causes: Vec<String>, total: u64) -> String {
    causes.truncate(CAUSES);
    match total.saturating_sub(causes.len() as u64) {
        0 => causes.join("; "),
        more => format!("{} (and {more} more)", causes.join("; ")),
    }
}

/// `its 3 issues`, `its issue`.
fn these(number: u64, counted: &str) -> String {
    match number {
        1 => format!("its {}", counted.trim_start_matches("1 ")),
        _ => format!("its {counted}"),
    }
}

#[cfg(test)]
mod tests;
