//! One verdict from all components: what the policy asks for, the gates, the reasons and their codes.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{Readiness as Asked, Rules};
use super::values::code;
use super::values::same_name;
use super::{Judged, Refused};
use crate::finding::{Finding, Gate, Metadata, Status, count};
use crate::log::summary::readiness::{Component, Counts, GATE, Issue, Issues, Readiness, Reason};
use crate::sanitize::shorten;

/// The most issues of a component that are listed.
const LISTED: usize = 1000;
/// The most causes that a gate names.
const CAUSES: usize = 3;

/// Rolls the components up, in whatever order they come.
pub(super) fn roll_up(mut all: Vec<Judged>, rules: &Rules) -> Result<Readiness, Refused> {
    let asked = rules.readiness.clone().unwrap_or_default();
    name_apart(&mut all);
    all.sort_by_key(|judged| key(&judged.component));
    known_names(&all, &asked)?;
    let mut readiness = Readiness::default();
    for judged in &mut all {
        let counts = bound(&mut judged.issues);
        if judged.own {
            // Its gate tells what is wrong with it.
            judged.component.verdict = judged.component.status;
            continue;
        }
        verdict(judged, &asked, &mut readiness);
        details(judged, counts, &mut readiness);
    }
    missing(&all, &asked, &mut readiness);
    overall(&all, &asked, rules, &mut readiness);
    readiness.generated_at = all.iter().filter_map(|judged| judged.component.generated_at).max();
    readiness.metadata.component_count = all.len() as u64;
    let all_own: Vec<Status> = all.iter().filter(|judged| judged.own).map(|judged| judged.component.status).collect();
    readiness.components = all.into_iter().map(|judged| judged.component).collect();
    for component in &readiness.components {
        *readiness.metadata.status_breakdown.entry(component.status.word().to_owned()).or_default() += 1;
        readiness.metadata.component_statuses.insert(component.name.clone(), component.status);
    }
    let own = all_own.iter().copied();
    readiness.status = Status::roll_up(readiness.gates.iter().map(|gate| gate.status).chain(own));
    Ok(readiness)
}

fn key(component: &Component) -> (String, String, String) {
    (component.name.to_lowercase(), component.name.clone(), component.path.clone())
}

/// Documents that bear one name are told apart by their files, and each is a FAIL: nobody can say which one is meant.
fn name_apart(all: &mut [Judged]) {
    let mut names: BTreeMap<String, u64> = BTreeMap::new();
    for judged in all.iter() {
        *names.entry(judged.component.name.to_lowercase()).or_default() += 1;
    }
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|at| key(&all[*at].component));
    for at in order {
        let judged = &mut all[at];
        let name = judged.component.name.to_lowercase();
        if names[&name] < 2 {
            continue;
        }
        let number = seen.entry(name).or_default();
        *number += 1;
        let message = format!(
            "{} documents bear the name {}; name each with NAME=PATH",
            names[&judged.component.name.to_lowercase()],
            judged.component.name
        );
        judged.issues.push(Issue {
            category: "name".to_owned(),
            severity: Status::Fail,
            message,
            code: Some("contradiction".to_owned()),
            ..Issue::default()
        });
        judged.component.status = Status::Fail;
        if *number > 1 {
            judged.component.name = format!("{} ({number})", judged.component.name);
        }
    }
}

/// Whether every component that the policy names is there, or must be.
fn known_names(all: &[Judged], asked: &Asked) -> Result<(), Refused> {
    let known: Vec<&str> = all
        .iter()
        .map(|judged| judged.component.name.as_str())
        .chain(asked.required.iter().map(String::as_str))
        .collect();
    let lists = [("optional", &asked.optional), ("warn_blocks", &asked.warn_blocks)];
    let named = lists.into_iter().flat_map(|(list, names)| names.iter().map(move |name| (list, name)));
    let unknown = |name: &String| !known.iter().any(|known| same_name(known, name));
    match named.chain(asked.components.keys().map(|name| ("components", name))).find(|(_, name)| unknown(name)) {
        Some((list, name)) => Err(no_such(list, name, &known)),
        None => Ok(()),
    }
}

fn no_such(list: &str, name: &str, known: &[&str]) -> Refused {
    let near = known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase()), *known))
        .min();
    let near = match near {
        Some((far, near)) if far <= (name.chars().count() / 3).max(1) => format!("; did you mean `{near}`?"),
        _ if known.is_empty() => "; there is no component".to_owned(),
        _ => format!("; there are {}", shorten(&known.join(", "), 200)),
    };
    let why = format!("[readiness] {list} names `{}`, which no component bears{near}", shorten(name, 80));
    Refused { path: None, key: list.to_owned(), why }
}

/// Sorts the issues, the worst first, and lists at most so many. Gives how many there are by severity.
fn bound(issues: &mut Vec<Issue>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for issue in issues.iter() {
        *counts.entry(issue.severity.word().to_owned()).or_default() += 1;
    }
    issues.sort_by_key(|issue| std::cmp::Reverse(issue.severity));
    if issues.len() > LISTED {
        let more = issues.len() - LISTED;
        let severity = issues[LISTED].severity;
        issues.truncate(LISTED);
        let message = format!("and {}", count(more as u64, "more issue"));
        issues.push(Issue { category: "more".to_owned(), severity, message, ..Issue::default() });
    }
    counts
}

fn gate_name(name: &str) -> String {
    format!("{GATE}/{name}")
}

/// What the policy makes of a component: its gate, with the reasons.
fn verdict(judged: &mut Judged, asked: &Asked, readiness: &mut Readiness) {
    let Judged { component, issues, blocking, .. } = judged;
    let name = component.name.clone();
    let listed = |list: &[String]| list.iter().any(|other| same_name(other, &name));
    let gate = gate_name(&name);
    let part = code(&name);
    let mut reasons: Vec<(Status, String, String)> = Vec::new();
    let word = component.status.word();
    let optional = listed(&asked.optional);
    if component.status > Status::Pass {
        let severity = if optional { Status::Warn } else { component.status };
        reasons.push((
            severity,
            format!("component_{part}_{word}"),
            format!("{name} is {}: {}", component.status.label(), component.summary),
        ));
    }
    for issue in issues.iter().filter(|issue| issue.severity > Status::Pass) {
        let severity = if optional { Status::Warn } else { issue.severity };
        let told = format!("{name}: {}", issue.message);
        if let Some(code) = &issue.code {
            let general = ["missing", "stale", "future", "no_time", "unreadable", "not_understood", "contradiction"];
            let code = if general.contains(&code.as_str()) { format!("component_{part}_{code}") } else { code.clone() };
            reasons.push((severity, code, told.clone()));
        }
        if component.kind == "incident" {
            reasons.push((severity, format!("issue_{}_{}", code(&issue.category), issue.severity.word()), told));
        }
    }
    let mut raised = false;
    let warned = component.status == Status::Warn || (optional && component.status == Status::Fail);
    if warned && (asked.fail_on_warn || listed(&asked.warn_blocks)) {
        raised = true;
        let told = format!("{name} has warnings, which the policy does not accept");
        reasons.push((Status::Fail, format!("component_{part}_warn_blocked"), told));
    }
    if !optional {
        for issue in issues.iter().filter(|issue| issue.severity == Status::Warn && blocking.contains(&issue.category))
        {
            raised = true;
            let told = format!("{name}: {} (this holds up the release)", issue.message);
            reasons.push((Status::Fail, format!("issue_{}_warn_blocked", code(&issue.category)), told));
        }
    }
    component.verdict = Status::roll_up(reasons.iter().map(|(severity, ..)| *severity));
    let raised = raised && component.status < Status::Fail;
    readiness.gates.push(of_component(component, issues, raised, &gate, &reasons));
    for (severity, code, text) in reasons {
        readiness.reasons.push(Reason { gate: gate.clone(), severity, code, text: shorten(&text, 400) });
    }
    readiness.findings.extend(findings(component, issues, optional));
    if raised {
        let text = format!("{name} has warnings that hold up the release");
        readiness.findings.push(about(component, Finding::fail(text)));
    }
}

/// The gate of a component.
fn of_component(
    component: &Component,
    issues: &[Issue],
    raised: bool,
    name: &str,
    reasons: &[(Status, String, String)],
) -> Gate {
    let worst: Vec<&Issue> =
        issues.iter().filter(|issue| issue.severity == component.status && component.status > Status::Pass).collect();
    let mut measured: Vec<String> = worst.iter().take(CAUSES).map(|issue| issue.message.clone()).collect();
    if worst.len() > CAUSES {
        measured.push(format!("and {} more", worst.len() - CAUSES));
    }
    if measured.is_empty() {
        measured.push(component.summary.clone());
    }
    let codes: BTreeSet<&str> = reasons.iter().map(|(_, code, _)| code.as_str()).collect();
    let mut figures = Metadata::new();
    if !codes.is_empty() {
        figures.insert("codes".to_owned(), codes.into_iter().collect::<Vec<_>>().into());
    }
    Gate {
        name: name.to_owned(),
        threshold: if raised { "no warnings" } else { "no failures" }.to_owned(),
        measured: measured.join("; "),
        samples: component.samples,
        status: component.verdict,
        evidence: Some(component.path.clone()),
        raised,
        figures,
        ..Gate::default()
    }
    .fixed_by(&format!("a new {} that passes", component.path))
}

/// The issues of a component as findings.
fn findings(component: &Component, issues: &[Issue], optional: bool) -> Vec<Finding> {
    let found = issues.iter().filter(|issue| issue.severity > Status::Pass).map(|issue| {
        let severity = if optional { Status::Warn } else { issue.severity };
        let mut finding = about(component, Finding::new(severity, format!("{}: {}", component.name, issue.message)));
        if let (Some(place), Some(line)) = (&mut finding.place, issue.line) {
            place.line = Some(line);
        }
        let finding = finding.with("category", issue.category.as_str());
        if issue.detail.is_empty() { finding } else { finding.with("pointer", issue.detail.as_str()) }
    });
    found.collect()
}

fn about(component: &Component, finding: Finding) -> Finding {
    finding.in_file(component.path.as_str(), None).with("component", component.name.as_str())
}

/// The issues of a component in the counts over all.
fn details(judged: &Judged, counts: BTreeMap<String, u64>, readiness: &mut Readiness) {
    let Counts { issue_counts, component_issue_details, .. } = &mut readiness.metadata;
    for (word, number) in &counts {
        *issue_counts.entry(word.clone()).or_default() += number;
    }
    if judged.issues.is_empty() {
        return;
    }
    let mut issues = Issues {
        issue_counts: counts,
        issue_details: judged.issues.clone(),
        highest_issue_severity: Status::roll_up(judged.issues.iter().map(|issue| issue.severity)),
        severity: judged.component.status,
        summary: judged.component.summary.clone(),
        ..Issues::default()
    };
    for issue in &judged.issues {
        issues.issue_catalog.entry(issue.category.clone()).or_default().push(issue.clone());
        let worst = issues.issue_category_severity.entry(issue.category.clone()).or_default();
        *worst = (*worst).max(issue.severity);
    }
    component_issue_details.insert(judged.component.name.clone(), issues);
}

/// Components that must be there and are not.
fn missing(all: &[Judged], asked: &Asked, readiness: &mut Readiness) {
    let mut wanted: Vec<&String> = asked.required.iter().collect();
    wanted.sort_by_key(|name| name.to_lowercase());
    wanted.dedup_by(|a, b| same_name(a, b));
    for name in wanted {
        if all.iter().any(|judged| same_name(&judged.component.name, name)) {
            continue;
        }
        let text = format!("{name} is missing, which the policy requires");
        readiness.gates.push(
            Gate {
                name: gate_name(name),
                threshold: "required".to_owned(),
                measured: "it is missing".to_owned(),
                status: Status::Fail,
                ..Gate::default()
            }
            .fixed_by(&format!("the document, named by --component {name}=PATH")),
        );
        readiness.reasons.push(Reason {
            gate: gate_name(name),
            severity: Status::Fail,
            code: format!("component_{}_missing", code(name)),
            text: text.clone(),
        });
        readiness.findings.push(Finding::fail(text).with("component", name.as_str()));
        readiness.metadata.missing_components.push(name.clone());
        *readiness.metadata.issue_counts.entry(Status::Fail.word().to_owned()).or_default() += 1;
    }
}

/// What holds for all components together.
fn overall(all: &[Judged], asked: &Asked, rules: &Rules, readiness: &mut Readiness) {
    let warned = all.iter().filter(|judged| judged.component.verdict == Status::Warn).count() as u64;
    let in_warn = all.iter().filter(|judged| judged.component.status == Status::Warn).count() as u64;
    let mut found = Vec::new();
    if all.is_empty() && readiness.metadata.missing_components.is_empty() {
        found.push(("no_components", "there is no component: nothing was judged".to_owned()));
    }
    if let Some(most) = asked.max_warn.filter(|most| in_warn.max(warned) > *most) {
        let text = format!("{} have warnings, at most {most} are accepted", count(in_warn.max(warned), "component"));
        found.push(("max_warn_components_exceeded", text));
    }
    let budgets = rules.budgets.iter().flat_map(|budgets| budgets.limits.keys()).filter(|name| name.starts_with('/'));
    for pointer in budgets.filter(|pointer| !all.iter().any(|judged| judged.budgets.contains(pointer))) {
        found.push(("budget_not_measured", format!("no component has {pointer}, which has a budget")));
    }
    for (code, text) in &found {
        readiness.reasons.push(Reason {
            gate: GATE.to_owned(),
            severity: Status::Fail,
            code: (*code).to_owned(),
            text: text.clone(),
        });
        readiness.findings.push(Finding::fail(text.clone()));
    }
    if !found.is_empty() {
        let texts: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
        readiness.gates.push(
            Gate {
                name: GATE.to_owned(),
                threshold: asked
                    .max_warn
                    .map_or("at least one component".to_owned(), |most| format!("at most {most} with warnings")),
                measured: texts.join("; "),
                samples: all.len() as u64,
                status: Status::Fail,
                ..Gate::default()
            }
            .fixed_by("components that pass"),
        );
    }
    let worst = Status::roll_up(readiness.gates.iter().map(|gate| gate.status));
    if worst > Status::Pass {
        let held = worst == Status::Fail
            && all.iter().all(|judged| judged.component.status < Status::Fail)
            && readiness.metadata.missing_components.is_empty();
        let code = if held { "status_warn_blocked".to_owned() } else { format!("status_{}", worst.word()) };
        let text = format!("the readiness is {}", worst.label());
        readiness.reasons.insert(0, Reason { gate: String::new(), severity: worst, code, text });
    }
    if readiness.metadata.issue_counts.contains_key(Status::Fail.word()) {
        let failed = readiness.metadata.issue_counts[Status::Fail.word()];
        let text = format!("{} of components", count(failed, "failure"));
        readiness.reasons.push(Reason {
            gate: String::new(),
            severity: Status::Fail,
            code: "issue_counts_fail".to_owned(),
            text,
        });
    }
}
