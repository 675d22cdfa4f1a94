//! The judge, case by case.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::finding::{Metadata, to_fix};
use crate::log::summary::{DiarySummary, DownTime, LogSummary, PerformanceSummary};
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
        drills: None,
        guards: None,
        notifications: None,
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
        workloads: None,
        readiness: None,
        baseline: None,
        trend: None,
        checklist: None,
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
        (&["a=warn", "b=warn"], false, Status::Fail, "a; b (stated by the operator)"),
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

#[test]
fn a_limit_is_held_against_its_figure() {
    type Figure = fn(&mut Summary, Option<f64>);
    type Limit = fn(&mut Criteria);
    let duration: Figure = |s, figure| s.logs.duration_seconds = figure;
    let uptime: Figure = |s, figure| s.logs.uptime_ratio = figure;
    let sharpe: Figure =
        |s, figure| s.performance = Some(PerformanceSummary { sharpe_ratio: figure, ..PerformanceSummary::default() });
    let no_duration: Limit = |c| c.minimum_duration_seconds = None;
    let no_uptime: Limit = |c| c.minimum_uptime_ratio = None;
    let no_sharpe: Limit = |c| c.minimum_sharpe_ratio = None;
    for (name, figure, no_limit, below, at, above) in [
        // Within a hundredth of its limit a duration is enough.
        ("duration", duration, no_duration, 3563.9, 3564.0, 7200.0),
        ("uptime", uptime, no_uptime, 0.979_999, 0.98, 1.0),
        ("sharpe", sharpe, no_sharpe, 0.999, 1.0, 3.0),
    ] {
        let judged = |figure_of: Option<f64>, criteria: &Criteria| {
            let mut summary = good();
            figure(&mut summary, figure_of);
            let gates = all(&summary, &policy(criteria), &About::default());
            gates.into_iter().find(|gate| gate.name == name).expect("a gate")
        };
        for (value, expect) in [
            (None, Status::Fail),
            (Some(f64::NAN), Status::Fail),
            (Some(below), Status::Fail),
            (Some(at), Status::Pass),
            (Some(above), Status::Pass),
        ] {
            let gate = judged(value, &strict());
            assert_eq!((gate.status, gate.not_required), (expect, None), "{name} {value:?}");
            // Who accepts warnings accepts no shortfall.
            assert_eq!(
                judged(value, &Criteria { allow_warnings: true, ..strict() }).status,
                expect,
                "{name} {value:?}"
            );
        }
        let mut criteria = strict();
        no_limit(&mut criteria);
        for value in [None, Some(below)] {
            let gate = judged(value, &criteria);
            assert!(gate.status == Status::Pass && gate.not_required.is_some(), "{name} {value:?}: {gate:?}");
        }
    }
}

#[test]
fn half_of_a_run_in_silence_is_no_uptime_even_where_such_a_silence_is_free() {
    for (silence, free, warn_gap, expect) in [
        (4.9, 10.0, None, Status::Fail),
        (2.6, 10.0, None, Status::Fail),
        (2.5, 10.0, None, Status::Pass),
        (1.9, 10.0, None, Status::Pass),
        // What the operator set free is shown as a relaxed limit instead.
        (4.9, 100.0, Some(100), Status::Pass),
        // A silence that is not free is told by the logs.
        (4.9, 2.0, Some(2), Status::Pass),
    ] {
        let mut summary = good();
        only_at_the_start(&mut summary, 5);
        summary.logs.duration_seconds = Some(5.0);
        summary.logs.longest_silence_seconds = Some(silence);
        summary.logs.free_silence_seconds = Some(free);
        let layer = Layer { warn_gap: warn_gap.map(std::time::Duration::from_secs), ..Layer::default() };
        let criteria = Criteria { minimum_duration_seconds: Some(5.0), ..strict() };
        let run = Layer { is_default: true, min_duration: Some(std::time::Duration::from_secs(5)), ..Layer::default() };
        let policy = Policy { sign_off: Some(criteria), ..policy::resolve(&[layer, run]).expect("no contradiction") };
        let gates = all(&summary, &policy, &About::default());
        let gate = gates.iter().find(|gate| gate.name == "uptime").expect("a gate");
        assert_eq!(gate.status, expect, "{silence} of 5 s silent, {free} s free: {gate:?}");
    }
}

#[test]
fn a_contradiction_of_the_record_fails_and_a_remark_on_what_lies_outside_is_not_raised() {
    for (differs, status, measured) in [
        (vec![], Status::Pass, "2 files as sealed, no contradiction"),
        (vec![Finding::warn("a diary goes on elsewhere")], Status::Warn, "a diary goes on elsewhere"),
        (vec![Finding::fail("run.json was altered")], Status::Fail, "run.json was altered"),
    ] {
        let mut summary = good();
        let record = crate::log::summary::RecordSummary { status, files: 2, differs, own_verdict: None };
        summary.record = Some(record);
        let gates = all(&summary, &policy(&strict()), &About::default());
        let gate = gates.iter().find(|gate| gate.name == "record").expect("a gate");
        assert_eq!((gate.status, gate.raised), (status, false), "{gate:?}");
        assert!(gate.measured.contains(measured), "{gate:?}");
    }
}

#[test]
fn texts_that_the_policy_ignores_are_a_gate_of_their_own() {
    for (ignored, expect) in [
        (&[][..], None),
        (&[("slow mirror", 3)], Some((Status::Pass, "3 records with \"slow mirror\""))),
        (
            &[("slow mirror", 1), ("x\u{1b}[2J", 0)],
            Some((Status::Warn, "1 record with \"slow mirror\"; \"x\\u{1b}[2J\" matches nothing")),
        ),
    ] {
        let mut summary = good();
        summary.logs.ignored_by_policy = ignored.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect();
        let gates = all(&summary, &policy(&strict()), &About::default());
        let gate = gates.iter().find(|gate| gate.name == "ignored");
        assert_eq!(gate.map(|gate| (gate.status, gate.measured.as_str())), expect);
        assert!(gate.is_none_or(|gate| gate.not_required.is_some()));
    }
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Pass), Just(Status::Warn), Just(Status::Fail)]
}

prop_compose! {
    fn criteria()(
        duration in prop::option::of(0.0..10_000.0_f64),
        uptime in prop::option::of(0.0..=1.0_f64),
        sharpe in prop::option::of(0.0..3.0_f64),
        flags in any::<[bool; 3]>(),
    ) -> Criteria {
        Criteria {
            minimum_duration_seconds: duration,
            minimum_uptime_ratio: uptime,
            require_diary: flags[0],
            require_performance: flags[1],
            allow_warnings: flags[2],
            minimum_sharpe_ratio: sharpe,
        }
    }
}

prop_compose! {
    fn summary()(
        logs in (status(), 0..5_u64, prop::option::of(0.0..10_000.0_f64), prop::option::of(0.0..=1.0_f64)),
        diary in prop::option::of((status(), 0..5_u64)),
        performance in prop::option::of((status(), prop::option::of(-1.0..3.0_f64))),
        findings in prop::collection::vec(status(), 0..3),
    ) -> Summary {
        let (status, records, duration_seconds, uptime_ratio) = logs;
        Summary {
            logs: LogSummary { status, records, duration_seconds, uptime_ratio, ..LogSummary::default() },
            diary: diary.map(|(status, total_entries)| DiarySummary { status, total_entries, ..DiarySummary::default() }),
            performance: performance
                .map(|(status, sharpe_ratio)| PerformanceSummary { status, sharpe_ratio, ..PerformanceSummary::default() }),
            findings: findings.into_iter().map(|severity| Finding::new(severity, "x")).collect(),
            ..good()
        }
    }
}

/// What a log of these lines, in one file or in two that are read in this order, comes to under strict criteria.
fn gates_of(parts: Vec<crate::log::scan::chunk::ChunkReport>) -> Vec<Gate> {
    use crate::log::totals::summarise;
    let hour = std::time::Duration::from_secs(3600);
    let mut parts = parts.into_iter().map(|mut part| {
        part.close_ends();
        part.tally
    });
    let mut tally = parts.next().expect("a part");
    parts.for_each(|part| tally.merge(part));
    let terms = summarise::Terms {
        drills: Vec::new(),
        warn_gap: hour / 60,
        fail_gap: hour,
        listed: 1000,
        window: None,
        pauses: Vec::new(),
        drain: std::time::Duration::ZERO,
        receipt: None,
        ignore: vec!["slow mirror".to_owned()],
    };
    let paths = ["a", "b"].map(str::to_owned);
    let logs = summarise::summary(tally, Vec::new(), Vec::new(), &paths, &terms);
    let mut gates = all(&Summary { logs, ..good() }, &policy(&strict()), &About::default());
    // The place of the evidence is all that may differ.
    gates.iter_mut().for_each(|gate| gate.evidence = None);
    gates
}

fn part(lines: &[String], file: u32) -> crate::log::scan::chunk::ChunkReport {
    use crate::log::scan::chunk::{ChunkReport, Context};
    let limits =
        crate::log::totals::tally::Limits { silence: std::time::Duration::from_secs(60), listed: 1000, sources: false };
    let context = Context {
        limits,
        file,
        written: None,
        latest: Stamp::parse("2030-01-01").expect("a time"),
        layout: std::sync::Arc::default(),
        ignore: std::sync::Arc::new(crate::log::ignore::Ignore::new(&["slow mirror".to_owned()])),
        statuses: std::sync::Arc::default(),
        bounds: std::sync::Arc::default(),
        years: std::sync::Arc::default(),
        offset: 0,
    };
    ChunkReport::read(lines.concat().as_bytes(), context)
}

proptest! {
    #[test]
    fn a_sign_off_is_the_fold_of_its_gates(criteria in criteria(), summary in summary()) {
        let gates = all(&summary, &policy(&criteria), &About::default());
        let sign_off = SignOff::of(&gates, &criteria, summary.generated_at);
        prop_assert_eq!(sign_off.status, gates.iter().map(|gate| gate.status).max().unwrap_or_default());
        prop_assert_eq!(sign_off.verdict, sign_off.status);
        let worst = sign_off.findings.iter().map(|finding| finding.severity).max().unwrap_or_default();
        prop_assert_eq!(worst, sign_off.status, "{:?}", sign_off.findings);
    }

    #[test]
    fn gates_of_split_evidence_are_those_of_the_whole(
        records in prop::collection::vec((0..200_i64, 0..6_usize), 2..40),
        cut in 0..40_usize,
    ) {
        const KINDS: [(&str, &str); 6] = [
            ("info", "tick"),
            ("info", "tock"),
            ("warning", "a slow mirror"),
            ("warning", "low on disk"),
            ("error", "no mirror"),
            ("info", "thread 'main' panicked at src/main.rs:4:5"),
        ];
        let mut at = 1_741_000_000;
        let lines: Vec<String> = records
            .iter()
            .map(|(pause, kind)| {
                at += pause;
                let (level, message) = KINDS[*kind];
                let time = Stamp::from_seconds(at).expect("in range");
                format!("{}\n", json!({"timestamp": time, "level": level, "message": message}))
            })
            .collect();
        let (front, back) = lines.split_at(cut % lines.len());
        let whole = gates_of(vec![part(&lines, 0)]);
        let mut joined = part(front, 0);
        joined.append(part(back, 0));
        prop_assert_eq!(&gates_of(vec![joined]), &whole);
        prop_assert_eq!(&gates_of(vec![part(front, 0), part(back, 1)]), &whole);
        prop_assert_eq!(&gates_of(vec![part(back, 1), part(front, 0)]), &whole);
    }
}
