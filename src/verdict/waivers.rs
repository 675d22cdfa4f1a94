//! Waivers: somebody accepts, for a while and by name, that a gate or a finding fails. What is waived is a WARN, shown
//! with its waiver wherever it is shown, and never a PASS.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::packet::WAIVERS_JSON;
use crate::finding::{Finding, Gate, Known, Status, Waived, Waiver, count};
use crate::log::summary::guards::GuardsSummary;
use crate::log::summary::{DiaryIssue, LogSummary, Summary};
use crate::log::totals::signature;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub(crate) const SCHEMA: &str = "emp-ops/waivers/v1";
/// A finding outside the groups of the logs.
fn item<'f>(finding: &'f mut Finding, part: &str) -> (&'f mut Known, &'f mut Status) {
    let Finding { severity, summary, metadata, known, .. } = finding;
    let kind = metadata.get("kind").and_then(serde_json::Value::as_str).unwrap_or(part);
    (known_as(known, kind, summary), severity)
}

/// Gives a finding the id of its kind: the same in every run, since numbers and names in its text do not count.
fn known_as<'f>(known: &'f mut Option<Box<Known>>, kind: &str, text: &str) -> &'f mut Known {
    let id = signature::id(kind, &signature::of(text));
    known.insert(Box::new(Known { id, waived: None }))
}

/// The document `waivers.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// The waivers that were in force when the run ended.
    pub waivers: Vec<Waiver>,
}

/// The document of the waivers that were in force at `at`, the end of the run; none if there are none.
pub(crate) fn document(waivers: &[Waiver], at: Option<Stamp>) -> Option<Document> {
    let in_force = waivers.iter().filter(|waiver| at.is_none_or(|at| waiver.expires >= at.day()));
    let document = Document { schema: SCHEMA.to_owned(), waivers: in_force.cloned().collect() };
    (!document.waivers.is_empty()).then_some(document)
}

/// Whether the document of a packet, none if there is none, states the waivers of its run; what is wrong where it does
/// not. `at` is the end of the run.
pub(crate) fn compare(
    stated: Option<Option<&serde_json::Value>>,
    waivers: &[Waiver],
    at: Option<Stamp>,
) -> Option<Finding> {
    let expected = document(waivers, at).map(|document| serde_json::json!(document));
    let same = match (stated, &expected) {
        (None, None) => true,
        (Some(Some(stated)), Some(expected)) => stated == expected,
        _ => false,
    };
    let text = "waivers.json does not state the waivers that the run was judged by";
    (!same).then(|| Finding::fail(text).in_file(WAIVERS_JSON, None))
}

/// Waivers that an audit applies.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Waivers {
    all: Vec<Waiver>,
    /// The day by which expiry is judged, and today.
    at: NaiveDate,
    today: NaiveDate,
    /// Whether there is no record at all: nobody can answer for that.
    without_data: bool,
    /// Which of them did something.
    used: BTreeSet<usize>,
    /// Gates with findings that are waived, and the worst of these.
    of_gates: BTreeMap<String, Waived>,
}

impl Waivers {
    /// Waivers of what can be waived, judged by the day of `at`, the end of the run; `now` tells which have run out since.
    pub(crate) fn new(all: Vec<Waiver>, at: Stamp, now: Stamp) -> Self {
        let all = all.into_iter().filter(|waiver| waiver.check().is_ok()).collect();
        Self { all, at: at.day(), today: now.day(), ..Self::default() }
    }

    /// Gives the findings their ids, and makes each that is waived a WARN with its waiver; the status of its part is then
    /// that of the others.
    pub(crate) fn apply_to_findings(&mut self, summary: &mut Summary) {
        self.without_data = summary.logs.records == 0;
        self.logs(&mut summary.logs);
        let runs = summary.findings.iter_mut();
        self.part("run", &mut Status::Pass, runs.map(|finding| item(finding, "run")));
        if let Some(diary) = &mut summary.diary
            // Only where everything that decided is at hand, so that nothing is waived unseen.
            && diary.total_issues == diary.issues.len() as u64
        {
            let issues = diary
                .issues
                .iter_mut()
                .map(|DiaryIssue { severity, reason, known, .. }| (known_as(known, "diary", reason), severity));
            self.part("diary", &mut diary.status, issues);
        }
        for (name, part) in [
            ("performance", summary.performance.as_mut().map(|part| (&mut part.status, &mut part.findings))),
            ("drills", summary.drills.as_mut().map(|part| (&mut part.status, &mut part.findings))),
            ("notifications", summary.notifications.as_mut().map(|part| (&mut part.status, &mut part.findings))),
            ("checklist", summary.checklist.as_mut().map(|part| (&mut part.status, &mut part.findings))),
            ("plan", summary.plan.as_mut().map(|part| (&mut part.status, &mut part.findings))),
        ] {
            let Some((status, findings)) = part else { continue };
            let findings = findings.iter_mut();
            let items = findings.map(|finding| item(finding, name));
            self.part(name, status, items);
        }
        if let Some(guards) = &mut summary.guards {
            self.guards(guards);
        }
    }

    /// The findings of each guard are those of a gate of its own.
    fn guards(&mut self, all: &mut GuardsSummary) {
        for row in &mut all.guards {
            let mut status = row.status;
            let own = all.findings.iter_mut().filter(|finding| row.has(finding));
            self.part(&row.gate(), &mut status, own.map(|finding| item(finding, "guards")));
            row.status = status;
        }
        all.status = Status::roll_up(all.findings.iter().map(|finding| finding.severity));
    }

    /// Waives the findings of a part; its status is that of what is left, where its findings decided it.
    fn part<'f>(
        &mut self,
        gate: &str,
        status: &mut Status,
        findings: impl Iterator<Item = (&'f mut Known, &'f mut Status)>,
    ) {
        let (mut all, mut left) = (Status::Pass, Status::Pass);
        for (known, severity) in findings {
            all = all.max(*severity);
            match (*severity > Status::Pass).then(|| self.finding(&known.id, *severity, gate)).flatten() {
                Some(found) => {
                    *severity = Status::Warn;
                    known.waived = Some(found);
                }
                None => left = left.max(*severity),
            }
        }
        if all == *status {
            *status = left;
        }
    }

    /// Incidents of the logs, by their groups. Faults of the files are no incidents: a log that is missing stays so.
    fn logs(&mut self, logs: &mut LogSummary) {
        let severities = |logs: &LogSummary, all: bool| {
            let groups = logs.groups.iter().filter(|group| all || group.waived.is_none()).map(|group| group.severity);
            let others = logs.gap_incidents.iter().chain(&logs.findings).map(|finding| finding.severity);
            Status::roll_up(groups.chain(others))
        };
        let known = severities(logs, true) == logs.status;
        let mut any = false;
        for group in &mut logs.groups {
            if let Some(waived) = self.finding(&group.id, group.severity, "logs") {
                group.severity = Status::Warn;
                group.waived = Some(waived);
                any = true;
            }
        }
        // Only where everything that decided is at hand, so that nothing is waived unseen.
        if any && known && logs.incidents_not_grouped == 0 {
            logs.status = severities(logs, false);
        }
    }

    /// The waiver of a finding, which counts as used.
    fn finding(&mut self, id: &str, from: Status, gate: &str) -> Option<Waived> {
        if self.without_data && gate != "diary" && gate != "performance" {
            return None;
        }
        let (at, waiver) = self.in_force(|waiver| waiver.finding.as_deref() == Some(id))?;
        let waived = waiver.waived(from);
        self.used.insert(at);
        self.of_gates.entry(gate.to_owned()).or_insert_with(|| waived.clone());
        Some(waived)
    }

    fn in_force(&self, wanted: impl Fn(&Waiver) -> bool) -> Option<(usize, &Waiver)> {
        self.all.iter().enumerate().find(|(_, waiver)| waiver.expires >= self.at && wanted(waiver))
    }

    /// Makes every gate that is waived, or whose findings are, a WARN; adds the gate that tells which waivers did what.
    pub(crate) fn apply_to_gates(mut self, gates: &mut Vec<Gate>) {
        for gate in gates.iter_mut() {
            if let Some(waived) = self.of_gates.get(gate.name.as_str()) {
                gate.status = gate.status.max(Status::Warn);
                gate.waived = Some(waived.clone());
            }
            let without_data = self.without_data && matches!(gate.name.as_str(), "run" | "logs");
            if gate.status != Status::Fail || without_data {
                continue;
            }
            if let Some((at, waiver)) = self.in_force(|waiver| waiver.gate.as_deref() == Some(gate.name.as_str())) {
                gate.waived = Some(waiver.waived(Status::Fail));
                gate.status = Status::Warn;
                gate.raised = false;
                self.used.insert(at);
            }
        }
        gates.extend(self.gate());
    }

    /// The gate of the waivers themselves; none if there are none.
    fn gate(&self) -> Option<Gate> {
        let idle: Vec<String> = self
            .all
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.used.contains(at))
            .map(|(_, waiver)| match waiver.expires < self.at {
                true => format!("that for {} had run out on {}", waiver.target(), waiver.expires),
                false => format!("that for {} matches nothing", waiver.target()),
            })
            .collect();
        let since = self.used.iter().filter(|at| self.all[**at].expires < self.today);
        let since = since.map(|at| format!("that for {} has run out since", self.all[*at].target()));
        let applied = format!("{} applied", count(self.used.len() as u64, "waiver"));
        let gate = Gate {
            name: "waivers".to_owned(),
            threshold: "each of use".to_owned(),
            status: if idle.is_empty() { Status::Pass } else { Status::Warn },
            measured: std::iter::once(applied).chain(idle).chain(since).collect::<Vec<_>>().join("; "),
            samples: self.all.len() as u64,
            ..Gate::default()
        };
        (!self.all.is_empty()).then(|| gate.fixed_by("waivers for what fails, that have not run out"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::summary::{DiarySummary, Group};
    use crate::verdict::audit::Audit;
    use crate::verdict::gates::About;
    use crate::verdict::policy::{self, Layer};

    fn stamp(text: &str) -> Stamp {
        Stamp::parse(text).unwrap()
    }

    fn waiver(target: &str, expires: &str) -> Waiver {
        let (gate, finding) = match target.len() {
            12 => (None, Some(target.to_owned())),
            _ => (Some(target.to_owned()), None),
        };
        let text = format!("owner = \"ada\"\nreason = \"planned\"\nexpires = {expires}");
        let dated: Waiver = toml::from_str(&text).unwrap();
        Waiver { gate, finding, ..dated }
    }

    /// A rehearsal with one error, a diary issue and a Sharpe ratio that is not known, under a full sign-off.
    fn audit(waivers: Vec<Waiver>, records: u64) -> Audit {
        let group = Group {
            id: signature::id("error", "order # failed"),
            severity: Status::Fail,
            kind: "error".to_owned(),
            signature: "order # failed".to_owned(),
            count: 1,
            first_at: None,
            last_at: None,
            example: Finding::fail("order 7 failed"),
            waived: None,
        };
        let logs = LogSummary {
            status: Status::Fail,
            records,
            groups: vec![group],
            duration_seconds: Some(60.0),
            uptime_ratio: Some(1.0),
            ..LogSummary::default()
        };
        let mut issue: DiaryIssue = serde_json::from_value(serde_json::json!({"severity": "warn"})).unwrap();
        issue.reason = "entry 12 is late".to_owned();
        let diary = DiarySummary {
            status: Status::Warn,
            total_entries: 3,
            total_issues: 1,
            issues: vec![issue],
            ..DiarySummary::default()
        };
        let summary =
            serde_json::json!({"generated_at": "2026-03-01T00:00:00Z", "evidence_status": "pass", "logs": logs});
        let summary = Summary { diary: Some(diary), ..serde_json::from_value(summary).unwrap() };
        let layer = Layer {
            min_duration: Some(std::time::Duration::from_secs(60)),
            min_sharpe: Some(1.0),
            optional_performance: Some(true),
            waivers: Some(waivers),
            ..Layer::default()
        };
        let about = About { ended_at: Some(stamp("2026-02-01T12:00:00Z")), ..About::default() };
        Audit::new(summary, policy::resolve(&[layer]).unwrap(), about, stamp("2026-03-01T00:00:00Z"))
    }

    fn gate<'a>(audit: &'a Audit, name: &str) -> &'a Gate {
        audit.gates.iter().find(|gate| gate.name == name).unwrap()
    }

    #[test]
    fn what_is_waived_is_a_warning_with_its_waiver_and_what_is_not_still_fails() {
        let error = signature::id("error", "order # failed");
        let late = signature::id("diary", &signature::of("entry 99 is late"));
        let plain = audit(Vec::new(), 9);
        assert_eq!((plain.verdict, gate(&plain, "diary").status), (Status::Fail, Status::Fail));
        assert_eq!(plain.summary.diary.as_ref().unwrap().issues[0].known.as_ref().unwrap().id, late);
        let day = "2026-02-01";
        let all =
            audit(vec![waiver(&error, day), waiver(&late, day), waiver("performance", day), waiver("sharpe", day)], 9);
        for name in ["logs", "diary", "sharpe"] {
            let gate = gate(&all, name);
            let waived = gate.waived.as_ref().unwrap();
            assert_eq!(
                (gate.status, waived.owner.as_str(), waived.expires.as_str()),
                (Status::Warn, "ada", day),
                "{name}"
            );
        }
        assert_eq!(
            all.verdict,
            if gate(&all, "performance").status == Status::Fail { Status::Fail } else { Status::Warn }
        );
        let group = &all.summary.logs.groups[0];
        assert_eq!((group.severity, group.waived.as_ref().unwrap().from), (Status::Warn, Status::Fail));
        // The finding of one kind does not cover another.
        let other = audit(vec![waiver(&signature::id("error", "order # lost"), day)], 9);
        assert_eq!(gate(&other, "logs").status, Status::Fail);
        let told = gate(&other, "waivers");
        assert!(told.status == Status::Warn && told.measured.contains("matches nothing"), "{told:?}");
    }

    #[test]
    fn expiry_is_judged_by_the_end_of_the_run() {
        for (expires, status, says) in [
            ("2026-01-31", Status::Fail, "had run out on 2026-01-31"),
            ("2026-02-01", Status::Warn, "1 waiver applied; that for the gate sharpe has run out since"),
            ("2026-03-01", Status::Warn, "1 waiver applied"),
        ] {
            let audit = audit(vec![waiver("sharpe", expires)], 9);
            assert_eq!(gate(&audit, "sharpe").status, status, "{expires}");
            let told = &gate(&audit, "waivers").measured;
            assert!(told.ends_with(says), "{told}");
        }
    }

    #[test]
    fn nobody_can_waive_what_shows_that_the_evidence_is_what_it_was_or_that_there_is_none() {
        let error = signature::id("error", "order # failed");
        for target in ["logs", &error] {
            assert_eq!(gate(&audit(vec![waiver(target, "2026-02-01")], 0), "logs").status, Status::Fail, "{target}");
        }
        for name in ["checksums", "signature", "record", "approvals"] {
            assert!(waiver(name, "2026-02-01").check().unwrap_err().contains("never be waived"));
            // One that is in a run record that somebody wrote does nothing.
            let waivers = Waivers::new(vec![waiver(name, "2026-02-01")], stamp("2026-01-01"), stamp("2026-01-01"));
            let mut gates = vec![Gate { name: name.to_owned(), status: Status::Fail, samples: 1, ..Gate::default() }];
            waivers.apply_to_gates(&mut gates);
            assert_eq!(gates[0].status, Status::Fail, "{name}");
        }
    }

    #[test]
    fn the_waivers_of_a_policy_are_checked_with_their_place() {
        let whole = "[[waiver]]\ngate = \"uptime\"\nowner = \"ada\"\nreason = \"drill\"\nexpires = 2026-12-31\n";
        let read = policy::parse_waivers("w.toml", whole).unwrap();
        assert_eq!(read, policy::parse("p.toml", whole).unwrap().waivers.unwrap());
        assert_eq!(read, policy::parse_waivers("w.toml", &whole.replace("2026-12-31", "\"2026-12-31\"")).unwrap());
        for (from, to, expect) in [
            ("owner = \"ada\"\n", "", "missing field `owner`"),
            ("\"drill\"", "\" \"", "a waiver needs its `reason`"),
            ("\"uptime\"", "\"record\"", "w.toml:1:1: the gate record can never be waived"),
            ("gate = \"uptime\"", "finding = \"abc\"", "12 hexadecimal digits"),
            ("gate = \"uptime\"", "gate = \"uptime\"\nfinding = \"0123456789ab\"", "one `gate` or one `finding`"),
            ("gate = \"uptime\"\n", "", "one `gate` or one `finding`"),
            ("2026-12-31", "2026-02-30", "w.toml:5"),
            ("2026-12-31", "\"soon\"", "write the last day as a date"),
            ("reason", "resaon", "unknown field `resaon`"),
            ("[[waiver]]", "[[waver]]", "unknown field `waver`"),
        ] {
            let error = policy::parse_waivers("w.toml", &whole.replace(from, to)).expect_err(expect);
            assert!(error.contains(expect), "{error}");
        }
        let layer = policy::parse("p.toml", whole).unwrap();
        let check = |layer: &Layer, today: &str| policy::check_waivers(std::slice::from_ref(layer), stamp(today));
        assert_eq!(check(&layer, "2026-10-02"), Ok(()));
        assert!(check(&layer, "2026-10-01").unwrap_err().contains("more than 90 days ahead"));
        let longer = policy::parse("p.toml", &format!("[waivers]\nmax_days = 100\n{whole}")).unwrap();
        assert_eq!(check(&longer, "2026-10-01"), Ok(()));
    }
}
