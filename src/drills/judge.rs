//! Judges the drills of a run again: by the plan in its record, the steps in its file and its incidents.

use serde_json::{Value, json};

use super::derive::{State, derive};
use super::document::{Document, FILE_NAME, Of, Row, SCHEMA, document, window};
use super::plan::{Drill, DrillsPlan, Known};
use super::step::{Stage, Step, StepKind};
use crate::finding::{Finding, Status, count};
use crate::json::strict;
use crate::log::excuse::{Window, fits};
use crate::log::summary::drills::{DrillRow, DrillsSummary};
use crate::time::{Stamp, human_seconds};

/// An incident of the run.
#[derive(Clone, Debug)]
pub(crate) struct Seen<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub message: &'a str,
    pub workload: Option<&'a str>,
    pub first: Stamp,
    pub last: Stamp,
    /// The drill that it is said to belong to.
    pub drill: Option<&'a str>,
}

/// What else is known of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct About<'a> {
    pub of: Of<'a>,
    /// How the file is called.
    pub path: &'a str,
    /// How long the run lasted with its end, in seconds.
    pub seconds: Option<f64>,
    pub incidents: &'a [Seen<'a>],
}

/// A step that says that a line of the log came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim {
    pub drill: String,
    /// The line, as the plan tells it.
    pub what: String,
}

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    pub summary: DrillsSummary,
    /// When incidents belong to drills.
    pub windows: Vec<Window>,
    /// The lines of which steps tell.
    pub claims: Vec<Claim>,
    /// When somebody looked after what a drill caused, by its name.
    pub looked_after: Vec<(String, Stamp)>,
}

/// Judges the drills of a run by its file, which may be missing.
pub(crate) fn judge(plan: &DrillsPlan, file: Result<&[u8], String>, about: About<'_>) -> Read {
    let fail = |text: String| Finding::fail(text).in_file(about.path, None);
    let mut summary = DrillsSummary { total: plan.list.len() as u64, ..DrillsSummary::default() };
    let (mut windows, mut claims, mut looked_after) = (Vec::new(), Vec::new(), Vec::new());
    if plan.list.is_empty() {
        summary.findings.push(fail("there is no drill: nothing was rehearsed".to_owned()));
    }
    match strict::stated(file, (FILE_NAME, SCHEMA), "drills") {
        Err(why) => summary.findings.push(fail(why)),
        Ok(stated) => {
            let steps: Vec<&[Step]> = plan.list.iter().map(|drill| steps_of(&stated, drill)).collect();
            let ids: Vec<(String, String)> =
                about.incidents.iter().filter_map(|i| Some((i.drill?.to_owned(), i.id.to_owned()))).collect();
            let derived = document(plan, &steps, about.of, stated.timestamp, &ids);
            summary.findings.extend(differences(&stated, &derived).into_iter().map(fail));
            for (drill, row) in plan.list.iter().zip(&derived.drills) {
                let judged = derive(drill, &row.steps, plan.dry);
                windows.extend(window(drill, &judged));
                claims.extend(told_of_lines(drill, row));
                looked_after.extend(row.acknowledged_at.map(|at| (row.name.clone(), at)));
                summary.findings.extend(contradictions(drill, row, &about).into_iter().map(fail));
                summary.findings.extend(findings(row, about.path));
            }
            summary.mttd_seconds = derived.mttd_seconds;
            summary.mtta_seconds = derived.mtta_seconds;
            summary.acknowledged = derived.samples.acknowledged;
            summary.mttr_seconds = derived.mttr_seconds;
            summary.detected = derived.samples.detected;
            summary.recovered = derived.samples.recovered;
            summary.drills = derived.drills.iter().map(short).collect();
        }
    }
    for name in &plan.required {
        let passed = summary.drills.iter().any(|row| base(&row.name) == *name && row.status == "passed");
        if !passed {
            summary.findings.push(fail(format!("the drill {name} is required, and none of that name passed")));
        }
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    Read { summary, windows, claims, looked_after }
}

/// The lines of the log that came, as the steps of a drill say; each once.
fn told_of_lines(drill: &Drill, row: &Row) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    for step in row.steps.iter().filter(|step| step.ok && step.kind == StepKind::Condition) {
        let of = drill.conditions(step.stage).get(step.number).filter(|of| of.kind == Known::Log);
        let claim = of.map(|of| Claim { drill: drill.name.clone(), what: of.what.clone() });
        claims.extend(claim.filter(|claim| !claims.contains(claim)));
    }
    claims
}

/// Drills that took place too long before `now` are worth nothing.
pub(crate) fn age(summary: &mut DrillsSummary, plan: &DrillsPlan, now: Stamp, path: &str) {
    let Some(limit) = plan.max_age_seconds else { return };
    for row in &summary.drills {
        let Some(injected) = row.injected_at else { continue };
        let age = now.seconds_since(injected);
        if age > limit {
            let (age, limit) = (human_seconds(age), human_seconds(limit));
            let text = format!("the drill {} took place {age} ago, max_age is {limit}", row.name);
            summary.findings.push(Finding::fail(text).in_file(path, None).at(Some(injected)));
        }
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
}

/// The name of a repeated drill without its number.
fn base(name: &str) -> &str {
    name.split_once('@').map_or(name, |(base, _)| base)
}

fn steps_of<'a>(stated: &'a Document, drill: &Drill) -> &'a [Step] {
    stated.drills.iter().find(|row| row.name == drill.name).map_or(&[], |row| &row.steps)
}

fn short(row: &Row) -> DrillRow {
    DrillRow {
        name: row.name.clone(),
        status: row.status.word().to_owned(),
        stage: row.stage.map(|stage| stage.word().to_owned()),
        hypothesis: row.hypothesis.clone(),
        scheduled_at: Some(row.scheduled_at),
        injected_at: row.injected_at,
        detected_at: row.detected_at,
        acknowledged_at: row.acknowledged_at,
        recovered_at: row.recovered_at,
        detected_by: row.detected_by.clone(),
        time_to_detect_seconds: row.time_to_detect_seconds,
        time_to_acknowledge_seconds: row.time_to_acknowledge_seconds,
        time_to_recover_seconds: row.time_to_recover_seconds,
        limits: row.limits.clone(),
        incidents: row.incidents.len() as u64,
        excused: Vec::new(),
        findings: row.findings.clone(),
    }
}

/// What went wrong with a drill.
fn findings(row: &Row, path: &str) -> Vec<Finding> {
    let severity = row.severity();
    if severity == Status::Pass {
        return Vec::new();
    }
    let stage = row.stage.map(|stage| format!(" ({})", stage.word())).unwrap_or_default();
    let told = row.findings.join("; ");
    let told = if told.is_empty() { "its steps do not say why".to_owned() } else { told };
    let text = format!("the drill {} {}{stage}: {told}", row.name, said(row.status));
    vec![Finding::new(severity, text).in_file(path, None).at(row.injected_at)]
}

fn said(state: State) -> &'static str {
    match state {
        State::Passed => "passed",
        State::Failed => "failed",
        State::NotRun => "was not run",
        State::Skipped => "was skipped",
    }
}

/// Where the file says otherwise than its own steps.
fn differences(stated: &Document, derived: &Document) -> Vec<String> {
    let mut differs = Vec::new();
    let (mut says, mut is) = (json!(stated), json!(derived));
    let rows = |value: &mut Value| match value.as_object_mut().and_then(|keys| keys.remove("drills")) {
        Some(Value::Array(rows)) => rows,
        _ => Vec::new(),
    };
    let (says_rows, is_rows) = (rows(&mut says), rows(&mut is));
    let name = |row: &Value| row["name"].as_str().unwrap_or_default().to_owned();
    let mut names: Vec<String> = says_rows.iter().chain(&is_rows).map(name).collect();
    names.sort();
    names.dedup();
    compare("", &says, &is, &mut differs);
    for known in names {
        let mut own = says_rows.iter().filter(|row| name(row) == known);
        match (own.next(), is_rows.iter().find(|row| name(row) == known)) {
            (Some(says), Some(is)) => compare(&format!("{known}: "), says, is, &mut differs),
            (None, _) => differs.push(format!("{FILE_NAME} does not tell of the drill {known}, which was planned")),
            (_, None) => differs.push(format!("{FILE_NAME} tells of a drill {known}, which was not planned")),
        }
        if own.next().is_some() {
            differs.push(format!("{FILE_NAME} tells twice of the drill {known}"));
        }
    }
    differs
}

fn compare(of: &str, says: &Value, is: &Value, differs: &mut Vec<String>) {
    let (Some(says), Some(is)) = (says.as_object(), is.as_object()) else { return };
    for (key, derived) in is {
        let stated = says.get(key).unwrap_or(&Value::Null);
        if stated != derived {
            let brief = |value: &Value| crate::sanitize::shorten(&value.to_string(), 80);
            let (stated, derived) = (brief(stated), brief(derived));
            differs.push(format!("{FILE_NAME} says {of}{key} {stated}, its steps and its run say {derived}"));
        }
    }
}

/// Where the steps of a drill cannot be true in this run.
fn contradictions(drill: &Drill, row: &Row, about: &About<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong = |what: String| found.push(format!("the drill {} cannot be as it is told: {what}", drill.name));
    if let Some(first) = row.steps.first()
        && first.seconds + 0.001 < drill.at_seconds
    {
        let due = human_seconds(drill.at_seconds);
        wrong(format!("it began after {}, and was due after {due}", human_seconds(first.seconds)));
    }
    if let (Some(last), Some(seconds)) = (row.steps.last(), about.seconds)
        && last.seconds > seconds + 60.0
    {
        wrong(format!("its last step is {} later than the end of the run", human_seconds(last.seconds - seconds)));
    }
    let (Some(injected), Some(detected)) = (row.injected_at, row.detected_at) else { return found };
    for (number, condition) in drill.detect.iter().enumerate().filter(|(_, c)| c.kind == Known::Incident) {
        let told = row.steps.iter().any(|step| {
            (step.stage, step.kind, step.number, step.ok) == (Stage::Detect, StepKind::Condition, number, true)
        });
        let raised = about.incidents.iter().any(|seen| {
            fits(&condition.of, seen.kind, seen.message, seen.workload)
                && seen.first <= detected
                && seen.last >= injected
        });
        if told && !raised {
            wrong(format!("no incident of the run between its injection and its detection is {}", condition.of));
        }
    }
    found
}

/// How many drills went how, for people.
pub(crate) fn told(summary: &DrillsSummary) -> String {
    let of = |word: &str| summary.drills.iter().filter(|row| row.status == word).count() as u64;
    let mut told = vec![format!("{} of {} passed", of("passed"), count(summary.total, "drill"))];
    let mean = |name: &str, seconds: Option<f64>, samples: u64| {
        Some(format!("{name} {} (of {samples})", human_seconds(seconds?)))
    };
    told.extend(mean("detected after", summary.mttd_seconds, summary.detected));
    told.extend(mean("acknowledged after", summary.mtta_seconds, summary.acknowledged));
    told.extend(mean("recovered after", summary.mttr_seconds, summary.recovered));
    told.join(", ")
}
