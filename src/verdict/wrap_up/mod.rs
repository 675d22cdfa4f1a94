//! The wrap-up: what the meeting after a rehearsal decides on, and who follows up what.

mod entries;
mod figures;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::backlog::{Gathered, Item, NotUnderstood, Readiness, evidence, lists};
use super::headline::Terms;
use crate::finding::{Criterion, Metadata, Status};
use crate::log::summary::drills::DrillsSummary;
use crate::log::summary::guards::GuardsSummary;
use crate::status_report::{Line, Report};
use crate::supervise::acks::Acknowledged;
use crate::time::{Stamp, human_duration, human_seconds};

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/wrap-up/v1";

/// Minutes of a rehearsal. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WrapUp {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// When the evidence was summarised; else when the minutes were made.
    pub generated_at: Stamp,
    /// The highest severity of everything below.
    pub status: Status,
    /// The same: the verdict.
    pub verdict: Status,
    /// The verdict in one line, with what was waived and relaxed.
    pub headline: String,
    /// Whether the built-in simulator ran, and not a system of the operator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
    /// What decided it, the weightiest first.
    pub because: Vec<String>,
    /// What the run is called.
    pub run_label: Option<String>,
    /// The verdict on the evidence, where there is one.
    pub summary_status: Option<Status>,
    /// The verdict of the gates, where they were evaluated.
    pub sign_off_status: Option<Status>,
    /// The verdict of the review brief, where there is one.
    pub review_status: Option<Status>,
    /// When the run started.
    pub started_at: Option<Stamp>,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// How long the evidence covers.
    pub duration_seconds: Option<f64>,
    /// How long it must cover; none if no minimum is asked for.
    pub duration_target_seconds: Option<f64>,
    /// How much less is still enough.
    pub duration_tolerance_seconds: f64,
    /// Whether it covers enough; none if either figure is not known.
    pub duration_met: Option<bool>,
    /// What somebody must look after, the gravest first.
    pub backlog_items: Vec<Entry>,
    /// What happened during the run, as the supervisor saw it.
    pub incidents: Vec<Incident>,
    /// Who has seen which incident, as the summary holds it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acknowledgements: Vec<Acknowledged>,
    /// The gates of the sign-off, as it holds them.
    pub gates: Vec<Value>,
    /// The drills of the run, as its summary holds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drills: Option<DrillsSummary>,
    /// Its guards on figures, as its summary holds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guards: Option<GuardsSummary>,
    /// Every limit with its value and its source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub criteria: Vec<Criterion>,
    /// What the rehearsal was for, as the review holds it.
    pub objectives: Vec<Value>,
    /// Key figures by their names.
    pub highlights: BTreeMap<String, Value>,
    /// Who decides.
    pub attendees: Vec<String>,
    /// Remarks.
    pub notes: Vec<String>,
    /// What was decided, according to the reports.
    pub decisions: Vec<Item>,
    /// The risks, according to the reports.
    pub risks: Vec<Item>,
    /// The priorities and next steps, according to the reports.
    pub priorities: Vec<Item>,
    /// What nobody has answered yet.
    pub open_questions: Vec<String>,
    /// The reports that were merged.
    pub reports: Vec<ReportPart>,
    /// What was not understood.
    pub not_understood: Vec<NotUnderstood>,
    /// What the operator attached to the run.
    pub metadata: Metadata,
}

/// One follow-up.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// The id that it has in a backlog, too.
    pub id: String,
    /// How bad it is.
    pub severity: Status,
    /// Where it comes from: `logs`, `diary`, `performance`, `sign_off`, `review`, `objective`, `harness`, `duration`, …
    pub category: String,
    /// The source's own name for it, such as `ACTION-15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// One sentence for people.
    pub description: String,
    /// The workload that it is about, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// How often it happened.
    pub count: u64,
    /// Who has it.
    pub owner: Option<String>,
    /// When it is due.
    pub due: Option<String>,
    /// How far the work is.
    pub status: String,
    /// When it happened first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Stamp>,
    /// All places that tell of it.
    pub sources: Vec<super::backlog::Source>,
    /// What the source says besides, of the first occurrence.
    pub metadata: Metadata,
    /// The details that are not the same for all occurrences, with all their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub varying: BTreeMap<String, Vec<Value>>,
}

/// Something that happened during the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Incident {
    /// How bad it is.
    pub severity: Status,
    /// One sentence for people.
    pub message: String,
    /// When it happened first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Stamp>,
    /// How often.
    pub count: u64,
    /// What the source says besides.
    pub metadata: Metadata,
}

/// A status report that was merged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ReportPart {
    /// The file.
    pub path: String,
    /// Its title.
    pub title: Option<String>,
    /// The day that it reports on.
    pub day: Option<String>,
    /// How far its action items are.
    pub readiness: Option<Readiness>,
    /// The story of the day.
    pub overview: Vec<String>,
}

/// How long the evidence must cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Required {
    /// What the sign-off of the run asked for; else 72 hours.
    #[default]
    AsSignedOff,
    /// Any length will do.
    Nothing,
    /// This long.
    AtLeast(Duration),
}

/// How minutes are made.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The present, for due dates and where the evidence says no time.
    pub now: Stamp,
    /// How long the evidence must cover.
    pub required: Required,
    /// How much less is still enough, where another tolerance than that of every verdict is asked for.
    pub tolerance: Option<Duration>,
    /// Whether a WARN counts as a FAIL.
    pub warn_as_fail: bool,
    /// Whether to list the follow-ups; the verdict counts them either way.
    pub backlog: bool,
    /// Who decides, besides those that the review names.
    pub attendees: Vec<String>,
    /// Remarks, besides those of the review.
    pub notes: Vec<String>,
}

impl Options {
    /// The sign-off's own duration and tolerance, everything listed.
    pub(crate) fn new(now: Stamp) -> Self {
        Self {
            now,
            required: Required::default(),
            tolerance: None,
            warn_as_fail: false,
            backlog: true,
            attendees: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Minutes of a run from its summary bundle (or from an audit), with status reports and their paths.
pub(crate) fn from_bundle(bundle: &Value, path: &str, reports: &[(String, Report)], options: &Options) -> WrapUp {
    from_run(bundle, None, path, reports, options)
}

/// The same, of a run whose last snapshot is there too.
pub(crate) fn from_run(
    bundle: &Value,
    last: Option<&Value>,
    path: &str,
    reports: &[(String, Report)],
    options: &Options,
) -> WrapUp {
    let mut gathered = Gathered::default();
    gathered.document(bundle, path, options.now);
    gathered.of_another_run(bundle, last, path);
    let audit = evidence::audit_of(bundle);
    gathered.items.extend(entries::unsigned(sign_off_of(bundle), path));
    gathered.items.extend(entries::without_logs(audit, path));
    assemble(gathered, bundle, path, reports, options)
}

/// Minutes of a run that has no summary, from its record where there is one.
pub(crate) fn from_unfinished(
    record: Option<&Value>,
    path: &str,
    reports: &[(String, Report)],
    options: &Options,
) -> WrapUp {
    let mut gathered = Gathered::default();
    gathered.unfinished_run(record, path);
    assemble(gathered, record.unwrap_or(&Value::Null), path, reports, options)
}

/// The sign-off of a bundle, or of the audit in it; the document itself where it is one.
fn sign_off_of(bundle: &Value) -> Option<&Value> {
    let own = bundle.get("criteria").is_some_and(Value::is_object) && bundle.get("logs").is_none();
    evidence::section(bundle, "sign_off")
        .or_else(|| evidence::section(evidence::audit_of(bundle), "sign_off"))
        .or(own.then_some(bundle))
}

/// Why the status is what it is: the parts and the first items that have it. `unread` says that a part of the evidence
/// was not understood.
fn reasons(parts: &[(&str, Option<Status>)], items: &[Item], highest: Status, unread: bool) -> Vec<String> {
    let mut because = Vec::new();
    let worst: Vec<&str> = parts
        .iter()
        .filter(|(_, said)| said.is_some_and(|said| said == highest && said > Status::Pass))
        .map(|(name, _)| *name)
        .collect();
    if !worst.is_empty() {
        because.push(format!("{}: {}", worst.join(", "), highest.label()));
    }
    let deciding: Vec<&Item> = items.iter().filter(|i| i.severity == highest && highest > Status::Pass).collect();
    because.extend(deciding.iter().take(3).map(|item| entries::sentence(item)));
    if deciding.len() > 3 {
        because.push(format!("and {} more at {}", deciding.len() - 3, highest.label()));
    }
    if unread && highest == Status::Warn {
        because.push("parts of the evidence were not understood".to_owned());
    }
    because
}

fn assemble(
    mut gathered: Gathered,
    bundle: &Value,
    path: &str,
    reports: &[(String, Report)],
    options: &Options,
) -> WrapUp {
    let audit = evidence::audit_of(bundle);
    let sign_off = sign_off_of(bundle);
    let review = evidence::section(bundle, "review");
    let status_of = |holder: Option<&Value>| lists::word(holder?.get("status")).and_then(|w| Status::from_word(&w));
    // By itself, before any criterion, where the document tells that apart.
    let evidence = lists::word(audit.get("evidence_status")).and_then(|word| Status::from_word(&word));
    let (summary_status, sign_off_status, review_status) =
        (evidence.or_else(|| status_of(Some(audit))), status_of(sign_off), status_of(review));

    let duration = figures::duration(audit);
    let target = figures::target(sign_off, options.required);
    let tolerance = figures::tolerance(target, options.tolerance);
    let met = target.zip(duration).map(|(target, duration)| duration + tolerance >= target);
    for (path, report) in reports {
        gathered.report(report, path, options.now);
    }
    if let Some(target) = target.filter(|_| met != Some(true)) {
        gathered.items.push(entries::too_short(duration, target, path));
    }
    let notes = figures::notes(review, options);
    gathered.items.extend(notes.iter().filter_map(|note| entries::refusing(note, path)));
    let mut items = entries::merged(gathered.items, audit, path);
    let unread = gathered.not_understood.iter().any(|part| part.evidence);
    let incidents = entries::incidents(bundle.get("incidents"));
    let told = [status_of(Some(bundle)), summary_status, sign_off_status, review_status].into_iter().flatten();
    let found = items.iter().map(|item| item.severity).chain(incidents.iter().map(|incident| incident.severity));
    let highest = Status::roll_up(told.chain(found).chain(unread.then_some(Status::Warn)));
    let status = if options.warn_as_fail && highest == Status::Warn { Status::Fail } else { highest };

    let decisions: Vec<Item> = items.extract_if(.., |item| item.category == "decision").collect();
    // What was delivered, checked or done is in the reports; minutes look ahead.
    items.retain(|item| !["deliverable", "verification", "progress"].contains(&item.category.as_str()));
    let of = |kinds: &[&str]| items.iter().filter(|item| kinds.contains(&item.category.as_str())).cloned().collect();
    let open_questions = open_questions(&items, &decisions, target.is_some() && duration.is_none());
    let parts = [("evidence", summary_status), ("sign-off", sign_off_status), ("review", review_status)];
    let mut because = reasons(&parts, &items, highest, unread);
    because.extend((status > highest).then(|| "a WARN counts as a FAIL here".to_owned()));
    because.extend(duration.zip(target).filter(|_| status == Status::Pass).map(|(duration, target)| {
        format!("{} were covered, {} are required", human_seconds(duration), human_seconds(target))
    }));
    let of_logs = |key| stamped(if bundle.get(key).is_some() { bundle } else { audit.get("logs")? }, key);
    let metadata = bundle.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut terms = Terms::of(bundle);
    figures::asked(&mut terms.criteria, sign_off, options.required);
    WrapUp {
        schema: SCHEMA,
        generated_at: stamped(bundle, "generated_at").or(stamped(audit, "generated_at")).unwrap_or(options.now),
        status,
        verdict: status,
        headline: terms.headline(status),
        simulated: terms.simulated,
        because,
        run_label: figures::label(bundle, review),
        summary_status,
        sign_off_status,
        review_status,
        started_at: of_logs("started_at"),
        ended_at: of_logs("ended_at"),
        duration_seconds: duration,
        duration_target_seconds: target,
        duration_tolerance_seconds: tolerance,
        duration_met: met,
        backlog_items: if options.backlog { items.iter().map(entries::entry).collect() } else { Vec::new() },
        incidents,
        acknowledgements: list(audit.get("acknowledgements"), "list")
            .into_iter()
            .filter_map(|told| serde_json::from_value(told).ok())
            .collect(),
        gates: list(sign_off, "gates"),
        // Those of others have forms of their own: what they found is among the follow-ups.
        drills: audit.get("drills").and_then(|part| DrillsSummary::deserialize(part).ok()),
        guards: audit.get("guards").and_then(|part| GuardsSummary::deserialize(part).ok()),
        criteria: terms.criteria,
        objectives: list(review, "objectives"),
        highlights: figures::highlights(audit, review),
        attendees: figures::attendees(review, reports, options),
        notes,
        decisions,
        risks: of(&["risk"]),
        priorities: of(&["priority", "next_step"]),
        open_questions,
        reports: reports.iter().map(|(path, report)| part(path, report, &gathered.readiness)).collect(),
        not_understood: gathered.not_understood,
        metadata: metadata.into_iter().collect(),
    }
}

fn part(path: &str, report: &Report, readiness: &[Readiness]) -> ReportPart {
    let text = |line: &Line| line.text.clone();
    ReportPart {
        path: path.to_owned(),
        title: report.title.clone(),
        day: report.day.map(|day| day.to_string()),
        readiness: readiness.iter().find(|r| r.path == path && r.tracked > 0).cloned(),
        overview: report.overview.iter().map(text).collect(),
    }
}

fn stamped(holder: &Value, key: &str) -> Option<Stamp> {
    holder.get(key)?.as_str().and_then(Stamp::parse)
}

/// The objects of a list.
fn list(holder: Option<&Value>, key: &str) -> Vec<Value> {
    let members = holder.and_then(|holder| holder.get(key)).and_then(Value::as_array);
    members.into_iter().flatten().filter(|member| member.is_object()).cloned().collect()
}

fn open_questions(items: &[Item], decisions: &[Item], unknown_duration: bool) -> Vec<String> {
    let mut questions: Vec<String> =
        items.iter().filter(|item| item.category == "question").map(|item| item.summary.clone()).collect();
    if unknown_duration {
        questions.push("How long did the run last? The evidence does not say.".to_owned());
    }
    for decision in decisions.iter().filter(|decision| decision.status == "conditional") {
        questions.push(format!("Is the condition met? {}", decision.summary));
    }
    let open = || items.iter().filter(|item| item.severity > Status::Pass);
    let (orphans, undated) = (open().filter(|i| i.owner.is_none()).count(), open().filter(|i| i.due.is_none()).count());
    if orphans > 0 {
        questions.push(format!("Who takes the follow-ups without an owner ({orphans})?"));
    }
    if undated > 0 {
        questions.push(format!("By when are the follow-ups without a date due ({undated})?"));
    }
    questions
}

/// `2h of 72h`: for messages.
fn of_target(duration: Option<f64>, target: f64) -> String {
    let target = Duration::try_from_secs_f64(target).map_or_else(|_| human_seconds(target), human_duration);
    match duration {
        Some(duration) => format!("the evidence covers {}, {target} are required", human_seconds(duration)),
        None => format!("how long the run lasted is not known; {target} are required"),
    }
}
