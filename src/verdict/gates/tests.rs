//! The judge, case by case.

use super::*;
use crate::finding::{Metadata, to_fix};
use crate::log::summary::{DiarySummary, DownTime, PerformanceSummary};
use crate::verdict::policy::{self, Layer};
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
        record: None,
        findings: Vec::new(),
    }
}

/// A supervised hour whose last record came after so many seconds.
fn only_at_the_start(summary: &mut Summary, seconds: i64) {
    let start = Stamp::from_seconds(1_741_000_000).expect("in range");
    summary.metadata.insert("run".to_owned(), json!({"started_at": start}));
    summary.logs.started_at = Some(start);
    summary.logs.ended_at = Some(start.plus(std::time::Duration::from_secs(seconds.unsigned_abs())));
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
        ("duration", Status::Fail, |s, _| s.logs.duration_seconds = Some(3563.9)),
        ("duration", Status::Fail, |s, _| s.logs.duration_seconds = None),
        ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = Some(0.979_999)),
        ("uptime", Status::Fail, |s, _| s.logs.uptime_ratio = None),
        ("uptime", Status::Fail, |s, _| s.logs.records = 1),
        ("uptime", Status::Fail, |s, _| only_at_the_start(s, 36)),
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

#[test]
fn what_nobody_asked_for_passes_and_says_who_gave_it_up() {
    let layer = Layer {
        source: "the command line".to_owned(),
        sign_off: true,
        min_duration: Some(std::time::Duration::ZERO),
        optional_diary: Some(true),
        optional_performance: Some(true),
        places: [("optional_diary".to_owned(), "p.toml:7".to_owned())].into(),
        ..Layer::default()
    };
    let policy = policy::resolve(&[layer]).expect("no contradiction");
    let summary = Summary { diary: None, performance: None, ..good() };
    let gates = all(&summary, &policy, &About::default());
    let by: Vec<(&str, Status, Option<&str>)> = gates
        .iter()
        .map(|gate| (gate.name.as_str(), gate.status, gate.not_required.as_ref().map(|not| not.by.as_str())))
        .collect();
    assert_eq!(
        by,
        [
            ("logs", Status::Pass, None),
            ("duration", Status::Pass, Some("the command line")),
            ("uptime", Status::Pass, None),
            ("diary", Status::Pass, Some("p.toml:7")),
            ("performance", Status::Pass, Some("the command line")),
            ("sharpe", Status::Pass, Some("default")),
        ]
    );
    // What is there is judged all the same.
    let bad = DiarySummary { status: Status::Fail, total_entries: 1, ..DiarySummary::default() };
    let gates = all(&Summary { diary: Some(bad), ..summary }, &policy, &About::default());
    assert!(gates.iter().any(|gate| gate.name == "diary" && gate.status == Status::Fail));
}

#[test]
fn the_simulator_is_a_warning_that_no_sign_off_raises() {
    let about = About { command: vec!["emp-ops".to_owned()], simulated: true, ..About::default() };
    let gates = all(&good(), &policy(&strict()), &about);
    let sign_off = SignOff::of(&gates, &strict(), good().generated_at);
    assert_eq!(sign_off.status, Status::Warn);
    assert_eq!(gates.iter().filter(|gate| gate.status > Status::Pass).count(), 1);
}

#[test]
fn objectives_count_as_the_operator_states_them() {
    let objective = |text: &str| Objective::parse(text).expect("an objective");
    for (stated, allow_warnings, status, measured) in [
        (&["a=pass", "b=pass"][..], false, Status::Pass, "2 objectives reached (stated by the operator)"),
        (&["a=pass", "b=fail:no take-over"], true, Status::Fail, "b: no take-over (stated by the operator)"),
        (&["a=warn", "b=warn"], false, Status::Fail, "a (and 1 more) (stated by the operator)"),
        (&["a=warn"], true, Status::Warn, "a (stated by the operator)"),
    ] {
        let about = About { objectives: stated.iter().map(|text| objective(text)).collect(), ..About::default() };
        let gates = all(&good(), &policy(&Criteria { allow_warnings, ..strict() }), &about);
        let gate = gates.iter().find(|gate| gate.name == "objectives").expect("a gate");
        assert_eq!((gate.status, gate.measured.as_str()), (status, measured));
    }
}

#[test]
fn an_uptime_shows_its_silences_and_no_fix_lowers_a_limit() {
    let mut summary = good();
    summary.logs.uptime_ratio = Some(0.9);
    summary.logs.duration_seconds = Some(60.0);
    summary.logs.longest_silence_seconds = Some(40.0);
    summary.logs.free_silence_seconds = Some(10.0);
    summary.logs.down_times = vec![DownTime::new(summary.generated_at, summary.generated_at, "x")];
    let gates = all(&summary, &policy(&strict()), &About::default());
    let uptime = gates.iter().find(|gate| gate.name == "uptime").expect("a gate");
    assert_eq!(uptime.measured, "90%, 1 down-time; longest silence 40s, silences up to 10s are free");
    for fix in gates.iter().filter_map(|gate| gate.fix.as_ref()) {
        assert!(!fix.contains("lower") && !fix.contains("shorter minimum"), "{fix}");
    }
}
