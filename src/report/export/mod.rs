//! The result of a command in the forms that programs read: JUnit, TAP, SARIF, Prometheus, and the Markdown and the
//! annotations of CI services. All of them are made of one [`View`], and agree on what fails.

mod github;
mod junit;
mod metrics;
mod sarif;
mod summary;
mod tap;

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Gate, Status, Waived, of_workload};
use crate::report::view::{Row, View};
use crate::sanitize;

pub(crate) use github::render as github;
pub(crate) use junit::render as junit;
pub(crate) use metrics::render as metrics;
pub(crate) use sarif::document as sarif;
pub(crate) use summary::render as summary;
pub(crate) use tap::render as tap;

/// A result that is exported.
pub(crate) struct Export<'a> {
    view: &'a View<'a>,
    /// The lowest status with which the command fails; none if it never does.
    fails_from: Option<Status>,
    /// The rows of the view, those of one id together.
    rows: Vec<Row>,
    /// A name for each gate, no two of them equal.
    names: Vec<String>,
}

/// Whether something counts as failed.
#[derive(Clone, Debug, PartialEq)]
enum State {
    /// It does not.
    Passed,
    /// It would, had nobody accepted it: by whom, until when and why.
    Waived(String),
    /// It does.
    Failed,
    /// There is no verdict on it.
    Missing,
}

/// Something that passes or fails: a gate, or a kind of finding.
struct Check {
    /// In words; the same in every run, and no other has it.
    name: String,
    /// A word for its kind.
    kind: String,
    state: State,
    status: Status,
    /// What was found, in one line.
    message: String,
    /// What, where, and what would make it pass; a line each.
    details: Vec<String>,
}

impl<'a> Export<'a> {
    /// `fails_from` is the lowest status with which the command fails; none if it never does.
    pub(crate) fn new(view: &'a View<'a>, fails_from: Option<Status>) -> Self {
        // Without a verdict the command fails, whatever it was told to accept.
        let fails_from = if view.unfinished { Some(Status::Fail) } else { fails_from };
        let mut names = BTreeSet::new();
        let name = |gate: &Gate| unique(&mut names, word(&gate.name));
        let mut rows = grouped(&view.rows);
        // Where the gate over a finding was waived, the finding is no more than a WARN.
        rows.iter_mut().for_each(|row| row.severity = row.severity.min(view.status.max(Status::Warn)));
        Self { view, fails_from, rows, names: view.gates.iter().map(name).collect() }
    }

    /// Whether something of this status makes the command fail. Nothing does while the verdict is accepted.
    fn fails(&self, status: Status) -> bool {
        self.fails_from.is_some_and(|from| status.min(self.view.status) >= from)
    }

    /// `FAIL`, or that there is none.
    fn headline(&self) -> &str {
        if self.view.unfinished { "No verdict" } else { &self.view.headline }
    }

    fn state(&self, status: Status, waived: Option<&Waived>) -> State {
        match waived {
            _ if self.view.unfinished => State::Missing,
            _ if self.fails(status) => State::Failed,
            Some(waived) => State::Waived(by(waived)),
            None => State::Passed,
        }
    }

    /// The gates. Where none fails although the command does, and where there is none, a last one is the verdict itself.
    fn gates(&self) -> Vec<Check> {
        let mut checks: Vec<Check> = self.view.gates.iter().zip(&self.names).map(|(g, n)| self.gate(g, n)).collect();
        let told = checks.iter().any(|check| matches!(check.state, State::Failed | State::Missing));
        if checks.is_empty() || (self.fails(self.view.status) && !told) {
            let worst = self.rows.first().filter(|row| row.severity >= self.view.status);
            let measured = worst.map_or(&self.view.headline, |row| &row.text).clone();
            let gate = Gate { status: self.view.status, measured, ..Gate::default() };
            checks.push(self.gate(&gate, &unique(&mut self.names.iter().cloned().collect(), "verdict".to_owned())));
        }
        checks
    }

    fn gate(&self, gate: &Gate, name: &str) -> Check {
        let asked = if gate.threshold.is_empty() { String::new() } else { format!("asked for: {}", gate.threshold) };
        let mut details = vec![format!("{}: {}", gate.name, gate.measured), asked.clone()];
        details.extend(gate.fix.iter().map(|fix| format!("to pass: {fix}")));
        details.extend(gate.evidence.iter().map(|place| format!("evidence: {place}")));
        details.extend(gate.waived.iter().map(by));
        details.retain(|line| !line.is_empty());
        let message = [gate.measured.clone(), asked].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        Check {
            name: name.to_owned(),
            kind: gate.status.word().to_owned(),
            state: self.state(gate.status, gate.waived.as_ref()),
            status: gate.status,
            message: message.join(", "),
            details,
        }
    }

    fn finding(&self, row: &Row) -> Check {
        let place = row.place.as_ref().map(|place| format!("{place}: ")).unwrap_or_default();
        let mut details = vec![format!("{place}{}", row.text)];
        let times = if row.count == 1 { "once".to_owned() } else { format!("{} times", row.count) };
        let since = row.first.map(|first| format!(", first at {}", first.human())).unwrap_or_default();
        details.push(times + &since);
        details.extend(row.waived.iter().map(by));
        Check {
            name: word(&format!("{}: {} [{}]", row.kind, of_workload(row.workload.as_deref(), &row.signature), row.id)),
            kind: row.kind.clone(),
            state: self.state(row.severity, row.waived.as_ref()),
            status: row.severity,
            message: row.text.lines().next().unwrap_or_default().to_owned(),
            details,
        }
    }
}

impl Check {
    /// `WARN uptime: 97%, asked for: at least 98%`: one that does not fail but is no PASS.
    fn remark(&self) -> Option<String> {
        let waived = matches!(self.state, State::Waived(_));
        (self.status > Status::Pass && self.state == State::Passed || waived)
            .then(|| format!("{} {}: {}", self.status.label(), self.name, self.message))
    }
}

/// `waived by Kim until 2026-12-31: known and harmless`.
fn by(waived: &Waived) -> String {
    format!("waived by {} until {}: {}", waived.owner, waived.expires, waived.reason)
}

/// One line without blanks around it or several in a row: some readers join these, and names must not change by that.
fn word(text: &str) -> String {
    /// Longer names are cut.
    const NAME: usize = 300;
    let word = sanitize::shorten(&sanitize::collapse(text), NAME);
    if word.is_empty() { "unnamed".to_owned() } else { word }
}

/// `name`, with a number where it was taken.
fn unique(taken: &mut BTreeSet<String>, name: String) -> String {
    let free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name} ({n})") }).find(|n| !taken.contains(n));
    let free = free.unwrap_or(name);
    taken.insert(free.clone());
    free
}

/// The rows with those of one id together: the worst stands for all.
fn grouped(rows: &[Row]) -> Vec<Row> {
    let mut groups: Vec<Row> = Vec::new();
    let mut at = BTreeMap::new();
    for row in rows {
        let index = *at.entry((row.id.as_str(), row.workload.as_deref())).or_insert(groups.len());
        match groups.get_mut(index) {
            None => groups.push(row.clone()),
            Some(group) => {
                group.count = group.count.saturating_add(row.count);
                group.first = [group.first, row.first].into_iter().flatten().min();
                group.last = [group.last, row.last].into_iter().flatten().max();
            }
        }
    }
    groups
}

/// A place as the reference of a URI that leads nowhere but downwards: `/var/log/a b.log` is `var/log/a%20b.log`.
fn relative_uri(path: &str) -> String {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "." | ".."));
    let uri: Vec<String> = parts.map(|part| sanitize::percent(part, "-._~")).collect();
    if uri.is_empty() { "run.json".to_owned() } else { uri.join("/") }
}

#[cfg(test)]
mod tests;
