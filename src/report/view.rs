//! What a command found, in the form that every export draws on: the verdict, its gates and its findings, grouped.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::finding::{Finding, Gate, Place, Status, Waived};
use crate::log::summary::Summary;
use crate::log::totals::signature;
use crate::time::Stamp;
use crate::verdict::audit::Audit;

/// A result with a verdict, for exports. What a command has nothing of is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct View<'a> {
    /// What was judged: the name of a run, a path, the address of an environment.
    pub(crate) subject: String,
    /// The verdict: the highest status of the gates and rows, or above it where a command was told to be stricter.
    pub(crate) status: Status,
    /// The verdict in one line, with what was waived and relaxed: `PASS with 2 waivers`.
    pub(crate) headline: String,
    /// What was asked for and what was measured. Commands without gates of their own give a gate for each step,
    /// session or report.
    pub(crate) gates: Cow<'a, [Gate]>,
    /// What was found, equal ones together, the worst first. None is a PASS.
    pub(crate) rows: Vec<Row>,
    /// When what was judged began.
    pub(crate) started_at: Option<Stamp>,
    /// When it ended.
    pub(crate) ended_at: Option<Stamp>,
    /// How long it lasted, in seconds.
    pub(crate) duration_seconds: Option<f64>,
    /// The share of that time in which it was up, 0 to 1.
    pub(crate) uptime_ratio: Option<f64>,
    /// When it was judged; the time of the document.
    pub(crate) generated_at: Option<Stamp>,
    /// Whether there is no verdict: the command was killed, has not finished yet, or could not form one.
    pub(crate) unfinished: bool,
}

/// Findings that are equal but for numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// The id of the kind of finding: the same in every run. Twelve hexadecimal digits.
    pub(crate) id: String,
    /// How bad they are.
    pub(crate) severity: Status,
    /// What they are about, in words.
    pub(crate) kind: String,
    /// The text with the varying parts masked.
    pub(crate) signature: String,
    /// The first, in full, with the workload that it is about.
    pub(crate) text: String,
    /// That workload, where there are several.
    pub(crate) workload: Option<String>,
    /// How many.
    pub(crate) count: u64,
    /// The first time.
    pub(crate) first: Option<Stamp>,
    /// The last time.
    pub(crate) last: Option<Stamp>,
    /// Where the first is.
    pub(crate) place: Option<Place>,
    /// Who accepts them, and until when.
    pub(crate) waived: Option<Waived>,
}

impl Row {
    /// The row of one finding; `kind` where it names none itself.
    pub(crate) fn of(finding: &Finding, kind: &str) -> Self {
        let kind = finding.metadata.get("kind").and_then(Value::as_str).unwrap_or(kind);
        let signature = signature::of(&finding.summary);
        let known = finding.known.as_deref();
        Self {
            id: known.map_or_else(|| signature::id(kind, &signature), |known| known.id.clone()),
            severity: finding.severity,
            kind: kind.replace('_', " "),
            signature,
            text: finding.told(),
            workload: finding.workload().map(str::to_owned),
            count: finding.metadata.get("count").and_then(Value::as_u64).unwrap_or(1),
            first: finding.occurred_at,
            last: None,
            place: finding.place.clone(),
            waived: known.and_then(|known| known.waived.clone()),
        }
    }

    /// The rows of findings, the worst first, without what is a remark only.
    pub(crate) fn all<'f>(findings: impl IntoIterator<Item = &'f Finding>, kind: &str) -> Vec<Self> {
        sorted(findings.into_iter().map(|finding| Self::of(finding, kind)).collect())
    }
}

/// Brings together what has the same key, in the order of the first of each; what has none stays alone.
pub(crate) fn alike<'i, T, K: Ord>(
    items: impl IntoIterator<Item = &'i T>,
    key: impl Fn(&'i T) -> Option<K>,
) -> Vec<Vec<&'i T>> {
    let (mut groups, mut places): (Vec<Vec<&T>>, BTreeMap<K, usize>) = (Vec::new(), BTreeMap::new());
    for item in items {
        let place = key(item).map(|key| *places.entry(key).or_insert(groups.len()));
        match place.and_then(|place| groups.get_mut(place)) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    groups
}

/// How often the members of a group happened: an incident counts all that are like it, those that the log lists too.
pub(crate) fn total(group: impl Iterator<Item = (u64, bool)>) -> u64 {
    let (mut listed, mut counted) = (0_u64, 0_u64);
    for (count, incident) in group {
        listed += if incident { 1 } else { count };
        counted = counted.max(if incident { count } else { 0 });
    }
    listed.max(counted)
}

/// The worst first, then by time; remarks are left out.
pub(crate) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.retain(|row| row.severity > Status::Pass);
    rows.sort_by(|a, b| (b.severity, a.first, &a.kind, &a.text).cmp(&(a.severity, b.first, &b.kind, &b.text)));
    rows
}

/// Everything that was found in the evidence of a run.
pub(crate) fn rows(summary: &Summary) -> Vec<Row> {
    let mut rows: Vec<Row> = summary
        .logs
        .groups
        .iter()
        .map(|group| Row {
            id: group.id.clone(),
            kind: group.kind.replace('_', " "),
            severity: group.severity,
            signature: group.signature.clone(),
            count: group.count,
            first: group.first_at,
            last: group.last_at,
            waived: group.waived.clone(),
            ..Row::of(&group.example, "log")
        })
        .collect();
    let mut add = |findings: &[Finding], kind: &str| rows.extend(findings.iter().map(|f| Row::of(f, kind)));
    add(&unique(summary), "run");
    add(&summary.logs.findings, "log file");
    add(&summary.logs.gap_incidents, "silence");
    add(summary.performance.as_ref().map_or(&[], |part| &part.findings), "performance");
    add(summary.checksums.as_ref().map_or(&[], |part| &part.findings), "checksums");
    add(summary.plan.as_ref().map_or(&[], |part| &part.findings), "plan");
    add(summary.drills.as_ref().map_or(&[], |part| &part.findings), "drills");
    add(summary.guards.as_ref().map_or(&[], |part| &part.findings), "guards");
    add(summary.notifications.as_ref().map_or(&[], |part| &part.findings), "notifications");
    add(summary.checklist.as_ref().map_or(&[], |part| &part.findings), "checklist");
    add(summary.readiness.as_ref().map_or(&[], |part| &part.findings), "readiness");
    add(summary.baseline.as_ref().map_or(&[], |part| &part.findings), "baseline");
    add(summary.trend.as_ref().map_or(&[], |part| &part.findings), "trend");
    add(summary.record.as_ref().map_or(&[], |part| &part.differs), "record");
    rows.extend(summary.diary.iter().flat_map(|diary| &diary.issues).map(|issue| {
        let text = match issue.policy_id.as_str() {
            "*" => issue.reason.clone(),
            _ => format!("{}: {}", issue.entry_id, issue.reason),
        };
        let finding =
            Finding { place: issue.place.clone(), known: issue.known.clone(), ..Finding::new(issue.severity, text) };
        Row::of(&finding.at(issue.recorded_at), "diary")
    }));
    sorted(rows)
}

/// The findings of the run, without the silences that its logs tell of too.
fn unique(summary: &Summary) -> Vec<Finding> {
    let gaps = summary.logs.gap_incidents.iter().filter_map(|gap| Some((gap.severity, silence(gap)?)));
    let gaps: Vec<(Status, (Stamp, Stamp))> = gaps.collect();
    let told = |finding: &&Finding| {
        let is_silence = finding.metadata.get("kind").and_then(Value::as_str) == Some("silence");
        let at = finding.occurred_at.filter(|_| is_silence && !finding.is_waived());
        let covers = |at, (severity, (from, to)): &(Status, (Stamp, Stamp))| {
            *severity >= finding.severity && *from <= at && at <= *to
        };
        at.is_some_and(|at| gaps.iter().any(|gap| covers(at, gap)))
    };
    summary.findings.iter().filter(|finding| !told(finding)).cloned().collect()
}

/// From when to when a silence of the logs lasted.
pub(crate) fn silence(finding: &Finding) -> Option<(Stamp, Stamp)> {
    let end = finding.occurred_at?;
    let seconds = finding.metadata.get("gap_seconds").and_then(Value::as_f64)?;
    Some((end.minus(Duration::try_from_secs_f64(seconds).ok()?), end))
}

impl<'a> View<'a> {
    /// The view of a command without a verdict, and why there is none.
    pub(crate) fn unfinished(command: &str, why: &str, now: Stamp) -> Self {
        let gate = Gate {
            name: "verdict".to_owned(),
            measured: format!("not finished: {why}"),
            status: Status::Fail,
            ..Gate::default()
        };
        Self {
            subject: command.to_owned(),
            status: Status::Fail,
            headline: "no verdict".to_owned(),
            gates: vec![gate].into(),
            generated_at: Some(now),
            unfinished: true,
            ..Self::default()
        }
    }

    /// Adds a gate that failed, and the verdict with it.
    pub(crate) fn refuse(&mut self, name: &str, why: &str) {
        let gate = Gate { name: name.to_owned(), measured: why.to_owned(), status: Status::Fail, ..Gate::default() };
        self.gates.to_mut().push(gate);
        self.status = Status::Fail;
    }

    /// The view of judged evidence, which people call `subject`.
    pub(crate) fn of_audit(audit: &'a Audit, subject: &str) -> Self {
        let logs = &audit.summary.logs;
        Self {
            subject: subject.to_owned(),
            status: audit.verdict,
            headline: audit.headline.clone(),
            gates: Cow::Borrowed(&audit.gates),
            rows: rows(&audit.summary),
            started_at: logs.started_at,
            ended_at: logs.ended_at,
            duration_seconds: logs.duration_seconds,
            uptime_ratio: logs.uptime_ratio,
            generated_at: Some(audit.summary.generated_at),
            unfinished: false,
        }
    }
}
