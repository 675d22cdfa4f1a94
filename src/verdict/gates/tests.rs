//! The judge, case by case.

use super::*;
use crate::finding::{Metadata, to_fix};
use crate::log::summary::{DiarySummary, PerformanceSummary};
use crate::verdict::policy;
use crate::verdict::sign_off::SignOff;

/// A policy with these criteria.
fn policy(criteria: &Criteria) -> Policy {
    Policy { sign_off: Some(criteria.clone()), ..policy::resolve(&[]).expect("no contradiction") }
}

fn evaluate(criteria: &Criteria, summary: &Summary) -> SignOff {
    SignOff::of(&all(summary, &policy(criteria), &About::default()), criteria, summary.generated_at)
}

fn strict() -> Criteria {
    Criteria {
        minimum_duration_seconds: Some(3600.0),
        minimum_uptime_ratio: Some(0.98),
        require_diary: true,
        require_performance: true,
        allow_warnings: false,
        minimum_sharpe_ratio: Some(1.0),
    }
}

fn good() -> Summary {
    Summary {
        schema: String::new(),
        generated_at: Stamp::from_seconds(0).expect("in range"),
        evidence_status: Status::Pass,
        metadata: Metadata::new(),
        logs: LogSummary {
            records: 10,
            duration_seconds: Some(3600.0),
            uptime_ratio: Some(0.98),
            ..LogSummary::default()
        },
        diary: Some(DiarySummary { total_entries: 3, ..DiarySummary::default() }),
        performance: Some(PerformanceSummary { sharpe_ratio: Some(1.0), ..PerformanceSummary::default() }),
        checksums: None,
        plan: None,
        findings: Vec::new(),
    }
}

#[test]
fn equality_satisfies_every_gate() {
    let sign_off = evaluate(&strict(), &good());
    assert_eq!((sign_off.status, sign_off.findings.len()), (Status::Pass, 0));
    assert!(sign_off.gates.iter().all(|gate| gate.status == Status::Pass), "{:?}", sign_off.gates);
}

#[test]
fn each_shortfall_fails_its_own_gate() {
    type Change = fn(&mut Summary, &mut Criteria);
    let cases: &[(&str, Status, Change)] = &[
        ("logs", Status::Fail, |s, _| s.logs.status = Status::Fail),
        ("logs", Status::Fail, |s, _| s.logs.status = Status::Warn),
        ("logs", Status::Warn, |s, c| (s.logs.status, c.allow_warnings) = (Status::Warn, true)),
        ("duration", Status::Fail, |s, _| s.logs.duration_seconds = Some(3599.9)),
        ("duration", Status::Fail, |s, _| s.logs.duration_seconds = None),
        ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = Some(0.979_999)),
        ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = None),
        ("diary", Status::Fail, |s, _| s.diary = None),
        ("performance", Status::Fail, |s, c| (s.performance, c.minimum_sharpe_ratio) = (None, None)),
        ("sharpe", Status::Fail, |s, _| s.performance = Some(PerformanceSummary::default())),
        ("sharpe", Status::Fail, |_, c| c.minimum_sharpe_ratio = Some(1.1)),
        ("run", Status::Fail, |s, _| s.findings.push(Finding::fail("killed"))),
        ("run", Status::Fail, |s, _| s.findings.push(Finding::warn("restarted"))),
    ];
    for (name, status, change) in cases {
        let (mut summary, mut criteria) = (good(), strict());
        change(&mut summary, &mut criteria);
        let sign_off = evaluate(&criteria, &summary);
        assert_eq!((sign_off.status, sign_off.findings.len()), (*status, 1), "{name}: {:?}", sign_off.findings);
        let failed: Vec<&str> =
            sign_off.gates.iter().filter(|g| g.status != Status::Pass).map(|g| g.name.as_str()).collect();
        assert_eq!(failed, [*name]);
    }
}

#[test]
fn a_sharpe_minimum_needs_a_report() {
    let summary = Summary { performance: None, ..good() };
    let criteria = Criteria { require_performance: false, ..strict() };
    let sign_off = evaluate(&criteria, &summary);
    assert_eq!(sign_off.findings.len(), 1);
    assert_eq!(to_fix(&sign_off.gates).first().map(|gate| gate.name.as_str()), Some("performance"));
    assert_eq!(to_fix(&sign_off.gates).len(), 1, "the Sharpe ratio comes with the report");
}
