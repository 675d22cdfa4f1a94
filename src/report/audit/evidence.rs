//! The parts of the audit beside the logs: the run, diary, performance, checksums, plan, metadata.

use serde_json::Value;

use super::{SHOWN, and_more, place};
use crate::finding::{Finding, Status, percent};
use crate::report::{Block, Cell, Doc, Table, Tone, count};
use crate::sanitize;
use crate::time::{Stamp, human_seconds};
use crate::verdict::audit::Audit;

/// A table of findings, the worst first.
pub(super) fn findings(doc: &mut Doc, heading: &str, findings: &[Finding]) {
    let named = findings.iter().any(|finding| finding.known.is_some());
    let columns = ["", "when", "what", "where", "id"];
    let columns = if named { &columns[..] } else { &columns[..4] };
    let mut table = Table::new(columns);
    for finding in worst_first(findings) {
        let known = finding.known.as_ref();
        let waived = super::waiver(known.and_then(|known| known.waived.as_ref()));
        let cells = [
            finding.severity.into(),
            when(finding.occurred_at),
            format!("{}{waived}", sanitize::shorten(&finding.summary, 300)).into(),
            place(finding.place.as_ref()),
            Cell::dim(known.map_or("", |known| known.id.as_str())),
        ];
        table.row(cells.into_iter().take(columns.len()));
    }
    let shown = table.rows.len();
    doc.section(heading, Block::Table(table));
    and_more(doc, findings.len() as u64, shown, "finding");
}

fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut ranked: Vec<&Finding> = findings.iter().collect();
    ranked.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    ranked.truncate(SHOWN);
    ranked
}

fn when(at: Option<Stamp>) -> Cell {
    Cell::dim(at.map(Stamp::human).unwrap_or_default())
}

pub(super) fn run(doc: &mut Doc, audit: &Audit) {
    let run = audit.summary.metadata.get("run").and_then(Value::as_object);
    let mut facts = Vec::new();
    let keys =
        ["name", "label", "command", "started_at", "ended_at", "ended_because", "exit_code", "attempts", "state"];
    for (key, value) in keys.into_iter().filter_map(|key| Some((key, run?.get(key)?))) {
        let text = match value {
            Value::Null => continue,
            Value::String(text) if key == "ended_because" => text.replace('_', " "),
            Value::String(text) => {
                Stamp::parse(text).filter(|_| key.ends_with("_at")).map_or(text.clone(), Stamp::human)
            }
            Value::Array(words) => words
                .iter()
                .map(|word| word.as_str().map_or(word.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(" "),
            other => other.to_string(),
        };
        facts.push((key.replace('_', " "), sanitize::shorten(&text, 200).into()));
    }
    doc.section("Run", Block::Facts(facts));
    findings(doc, "Incidents of the run", &audit.summary.findings);
}

pub(super) fn diary(doc: &mut Doc, audit: &Audit) {
    let Some(diary) = &audit.summary.diary else { return };
    let policies: Vec<String> = diary.policy_counts.iter().take(SHOWN).map(|(name, n)| format!("{name}={n}")).collect();
    let mut facts = vec![
        ("status".to_owned(), diary.status.into()),
        ("entries".to_owned(), diary.total_entries.into()),
        ("issues".to_owned(), diary.total_issues.into()),
        ("policies".to_owned(), sanitize::shorten(&policies.join(", "), 300).into()),
    ];
    if let (Some(first), Some(last)) = (diary.first_recorded_at, diary.last_recorded_at) {
        facts.push(("recorded".to_owned(), format!("{} to {}", first.human(), last.human()).into()));
    }
    doc.section("Decision diary", Block::Facts(facts));
    let mut table = Table::new(&["", "when", "entry", "why", "where"]);
    let mut ranked: Vec<_> = diary.issues.iter().collect();
    ranked.sort_by_key(|issue| std::cmp::Reverse(issue.severity));
    for issue in ranked.into_iter().take(SHOWN) {
        table.row([
            issue.severity.into(),
            when(issue.recorded_at),
            Cell::new(issue.entry_id.as_str(), Tone::Strong),
            sanitize::shorten(&issue.reason, 300).into(),
            place(issue.place.as_ref()),
        ]);
    }
    let shown = table.rows.len();
    doc.push(Block::Table(table));
    and_more(doc, diary.total_issues, shown, "issue");
}

pub(super) fn performance(doc: &mut Doc, audit: &Audit) {
    let Some(report) = &audit.summary.performance else { return };
    let mut facts: Vec<(String, Cell)> =
        vec![("status".to_owned(), report.status.into()), ("trades".to_owned(), report.total_trades.into())];
    let mut known = |name: &str, text: Option<String>| facts.extend(text.map(|text| (name.to_owned(), text.into())));
    known("return on investment", report.roi.map(percent));
    known("win rate", report.win_rate.map(percent));
    known("Sharpe ratio", report.sharpe_ratio.map(|ratio| ratio.to_string()));
    known("period", report.window_duration_seconds.map(human_seconds));
    known("made", report.generated_at.map(Stamp::human));
    doc.section("Performance", Block::Facts(facts));
    list(doc, &report.findings);
}

pub(super) fn checksums(doc: &mut Doc, audit: &Audit) {
    let Some(checksums) = &audit.summary.checksums else { return };
    let facts = vec![
        ("status".to_owned(), checksums.status.into()),
        ("verified".to_owned(), format!("{} of {}", checksums.verified, count(checksums.listed, "listed file")).into()),
        ("lists".to_owned(), Cell::code(checksums.lists.join(", "))),
    ];
    doc.section("Checksums", Block::Facts(facts));
    list(doc, &checksums.findings);
}

pub(super) fn record(doc: &mut Doc, audit: &Audit) {
    let Some(record) = &audit.summary.record else { return };
    let mut facts =
        vec![("status".to_owned(), record.status.into()), ("sealed".to_owned(), count(record.files, "file").into())];
    facts.extend(record.own_verdict.map(|own| {
        let both = format!("by the policy of the run {own}, by yours {}", audit.verdict);
        ("verdicts".to_owned(), both.into())
    }));
    if record.status > Status::Pass || record.own_verdict.is_some() {
        doc.section("As it was sealed", Block::Facts(facts));
        list(doc, &record.differs);
    }
}

pub(super) fn plan(doc: &mut Doc, audit: &Audit) {
    let Some(plan) = &audit.summary.plan else { return };
    let facts = vec![
        ("status".to_owned(), plan.status.into()),
        ("resources".to_owned(), plan.resources.into()),
        ("pending changes".to_owned(), (plan.changes.len() as u64).into()),
        ("plan".to_owned(), Cell::code(plan.path.as_str())),
    ];
    doc.section("Infrastructure plan", Block::Facts(facts));
    // Drift is acted on resource by resource, so all of it is shown.
    doc.push(Block::List(plan.findings.iter().map(item).collect()));
}

pub(super) fn metadata(doc: &mut Doc, audit: &Audit) {
    let own =
        ["log_paths", "diary_path", "performance_path", "checksums_path", "plan_path", "run", "record_path", "subject"];
    let facts = audit.summary.metadata.iter().filter(|(key, _)| !own.contains(&key.as_str())).map(|(key, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (key.clone(), sanitize::shorten(&text, 200).into())
    });
    doc.section("Metadata", Block::Facts(facts.collect()));
}

fn list(doc: &mut Doc, findings: &[Finding]) {
    let shown = worst_first(findings);
    let more = shown.len();
    doc.push(Block::List(shown.into_iter().map(item).collect()));
    and_more(doc, findings.len() as u64, more, "finding");
}

fn item(finding: &Finding) -> Cell {
    let place = finding.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let text = format!("{} {}{place}", finding.severity.label(), sanitize::shorten(&finding.summary, 300));
    match finding.severity {
        Status::Pass => text.into(),
        severity => Cell::new(text, Tone::Status(severity)),
    }
}
