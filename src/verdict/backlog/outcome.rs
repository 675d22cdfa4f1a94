//! Items of status reports.

use super::{Gathered, Item, NotUnderstood, Origin, Readiness, Source};
use crate::finding::{Metadata, Status};
use crate::status_report::{Kind, Outcome, Report, State};
use crate::time::Stamp;

impl Gathered {
    /// Adds a status report. A report in which nothing was understood is a FAIL, for nothing was judged.
    pub(crate) fn report(&mut self, report: &Report, path: &str, as_of: Stamp) {
        // A light alone tells of nothing that was looked at.
        if report.items.iter().all(|item| item.kind == Kind::Overall) {
            self.nothing(path, "no action item, risk, decision or next step was understood in this report");
        }
        let (ready, tracked) = report.readiness();
        let ratio = (tracked > 0).then(|| ready as f64 / tracked as f64);
        self.readiness.push(Readiness { path: path.to_owned(), tracked, ready, ratio });
        let day = report.day.and_then(|day| Stamp::parse(&day.to_string()));
        self.items.extend(report.items.iter().map(|outcome| item(outcome, path, day, as_of)));
        for claim in
            report.claims.iter().filter(|claim| tracked > 0 && (claim.ready, claim.tracked) != (ready, tracked))
        {
            let mut item = blank(Status::Warn, "readiness", path, claim.line);
            item.summary = format!(
                "the report claims {} of {} ready, its items say {ready} of {tracked}",
                claim.ready, claim.tracked
            );
            item.occurred_at = day;
            self.items.push(item);
        }
        let lines = report.unread.iter().map(|part| NotUnderstood {
            path: path.to_owned(),
            line: Some(part.line),
            text: part.text.clone(),
            evidence: false,
        });
        self.not_understood.extend(lines);
    }
}

fn blank(severity: Status, category: &str, path: &str, line: u64) -> Item {
    Item {
        severity,
        category: category.to_owned(),
        count: 1,
        status: "open".to_owned(),
        sources: vec![Source { path: path.to_owned(), line: Some(line), part: None }],
        runs: 1,
        origin: Origin::Report,
        ..Item::default()
    }
}

fn item(outcome: &Outcome, path: &str, day: Option<Stamp>, as_of: Stamp) -> Item {
    let mut item = blank(outcome.state.severity(), outcome.kind.category(), path, outcome.line);
    item.summary.clone_from(&outcome.title);
    item.status = outcome.state.word().to_owned();
    item.occurred_at = day;
    item.open_since = day.filter(|_| item.severity > Status::Pass);
    item.reference.clone_from(&outcome.reference);
    item.owner.clone_from(&outcome.owner);
    item.percent = outcome.percent;
    item.blockers.clone_from(&outcome.blockers);
    item.next_steps.clone_from(&outcome.next_steps);
    item.trend = outcome.trend.as_ref().map(|(trend, _)| trend.word().to_owned());
    item.context = context(outcome);
    if outcome.state == State::Unknown {
        let said = outcome.status.as_deref().unwrap_or_default();
        item.reasons.push(format!("the status `{said}` is not a known word"));
    }
    if let Some(due) = &outcome.due {
        item.due = Some(due.day.map_or_else(|| due.text.clone(), |day| day.to_string()));
        // Work that is done, or told for the record, cannot be late.
        if let Some(day) = due.day.filter(|day| as_of.day() > *day && item.severity > Status::Pass) {
            if item.severity < Status::Fail {
                "overdue".clone_into(&mut item.status);
            }
            item.severity = Status::Fail;
            item.reasons.push(format!("overdue since {day}"));
        }
    }
    item
}

fn context(outcome: &Outcome) -> Metadata {
    let mut context: Metadata = outcome.details.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect();
    if let Some(status) = &outcome.status {
        context.insert("status_text".to_owned(), status.as_str().into());
    }
    if let Some((_, Some(colour))) = &outcome.trend {
        context.insert("trend_from".to_owned(), colour.as_str().into());
    }
    if outcome.kind == Kind::Decision && outcome.state == State::Conditional {
        context.insert("conditional".to_owned(), true.into());
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(report: &str) -> Gathered {
        let mut gathered = Gathered::default();
        gathered.report(&Report::read(report), "s.md", Stamp::parse("2025-03-10").expect("a day"));
        gathered
    }

    #[test]
    fn a_report_is_no_better_than_its_items() {
        for (report, severity, words) in [
            (
                "# S\n\n## Action items\n\n- [ ] **A-1** move it (due 2025-03-01)\n",
                Status::Fail,
                "overdue since 2025-03-01",
            ),
            ("# S\n\nNothing to see.\n", Status::Fail, "no action item"),
            ("# S\n\nOverall status: RED\n\n- [x] done\n", Status::Fail, ""),
        ] {
            let found = gathered(report);
            let worst = found.items.iter().map(|item| item.severity).max();
            assert_eq!(worst, Some(severity), "{report}: {:?}", found.items);
            let told =
                found.items.iter().map(|item| format!("{} {:?}", item.summary, item.reasons)).collect::<String>();
            assert!(told.contains(words), "{report}: {told}");
        }
    }
}
