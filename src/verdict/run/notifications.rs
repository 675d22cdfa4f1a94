//! The notifications of a run, judged again by their receipts.

use std::collections::{BTreeMap, BTreeSet};

use super::{Place, Run};
use crate::finding::{Finding, Status, count};
use crate::log::excuse::{Window, fits};
use crate::log::summary::notifications::NotificationsSummary;
use crate::prose::glob_matches;
use crate::stage::notify::Severity;
use crate::stage::notify::report::{Outcome, Receipt};
use crate::supervise::plan::{NOTIFICATIONS, NotifyRecord};
use crate::supervise::record::RunRecord;

/// So many that did not arrive are named.
const NAMED: usize = 100;

/// Judges the receipts; none if nobody was to hear of anything, and nothing tells of receipts.
pub(super) fn judge(record: &RunRecord, file: Option<&Result<Vec<u8>, String>>, place: Place, run: &mut Run) {
    let path = place.shown(NOTIFICATIONS);
    let fail = |text: String| Finding::fail(text).in_file(path.as_str(), None);
    let Some(asked) = &record.notify else {
        if file.is_some() {
            run.differs
                .push(fail(format!("{path} tells of notifications, but the run record asks for none: it was added")));
        }
        return;
    };
    let mut summary = NotificationsSummary::default();
    match file {
        None => summary.findings.push(fail(format!("{path}, which tells who heard of what, is missing"))),
        Some(Err(why)) => summary.findings.push(fail(format!("{path} cannot be read: {why}"))),
        Some(Ok(bytes)) => {
            let mut receipts = Vec::new();
            for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.is_empty())
            {
                match serde_json::from_slice::<Receipt>(line) {
                    Ok(receipt) => receipts.push(receipt),
                    Err(error) => {
                        let text = format!("this is no receipt: {error}");
                        summary.findings.push(Finding::fail(text).in_file(path.as_str(), number));
                    }
                }
            }
            by_receipts(asked, &receipts, (&path, &run.excuses), &mut summary);
        }
    }
    summary.status = Status::roll_up(summary.findings.iter().map(|finding| finding.severity));
    run.notifications = Some(summary);
}

fn by_receipts(
    asked: &NotifyRecord,
    receipts: &[Receipt],
    (path, excuses): (&str, &[Window]),
    summary: &mut NotificationsSummary,
) {
    let number = |outcome| receipts.iter().filter(|receipt| receipt.outcome == outcome).count() as u64;
    summary.delivered = number(Outcome::Delivered);
    summary.failed = number(Outcome::Failed);
    summary.suppressed = number(Outcome::Suppressed);
    summary.unrouted = number(Outcome::Unrouted);
    summary.dropped = number(Outcome::Dropped);
    let heard = [Outcome::Delivered, Outcome::Suppressed];
    let heard: BTreeSet<&str> =
        receipts.iter().filter(|receipt| heard.contains(&receipt.outcome)).map(|r| r.fingerprint.as_str()).collect();
    let mut lost: BTreeMap<(String, bool), u64> = BTreeMap::new();
    for receipt in receipts {
        let (category, word) = (&receipt.category, receipt.severity.word());
        let channel = receipt.channel.as_deref().unwrap_or_default();
        let text = match receipt.outcome {
            Outcome::Failed => {
                let why = receipt.error.as_deref().unwrap_or("the service refused it");
                format!("{channel} did not get {category} ({word}): {why}")
            }
            Outcome::Dropped => format!("{channel} did not get {category} ({word}): too much was waiting"),
            Outcome::Unrouted => format!("nobody hears of {category} ({word}): no rule brings it to a channel"),
            _ => continue,
        };
        // A channel that a drill breaks is meant to fail.
        let broken = |window: &Window| {
            let (from, to) = window.seconds;
            from <= receipt.at && receipt.at <= to && window.globs.iter().any(|glob| fits(glob, "notify", &text, None))
        };
        if receipt.severity == Severity::Info || excuses.iter().any(broken) {
            continue;
        }
        if summary.undelivered.len() < NAMED {
            summary.undelivered.push(text.clone());
        }
        // Nobody heard of what had to reach somebody.
        let listed = asked.events.is_empty() || asked.events.iter().any(|glob| glob_matches(glob, category));
        let must = asked.required && listed && receipt.severity == Severity::Critical;
        *lost.entry((text, must && !heard.contains(receipt.fingerprint.as_str()))).or_default() += 1;
    }
    for ((text, must), times) in lost {
        let often = if times > 1 { format!(" ({})", count(times, "time")) } else { String::new() };
        let status = if must { Status::Fail } else { Status::Warn };
        summary.findings.push(Finding::new(status, format!("{text}{often}")).in_file(path, None));
    }
}
