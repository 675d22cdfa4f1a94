//! Guards, by their machine alone, on a clock of the test.

use std::time::Duration;

use serde_json::{Value, json};

use super::document::{Document, Of};
use super::judge::{About, Raised, judge};
use super::machine::{Guards, Order};
use super::pile::Pile;
use super::plan::{Guard, GuardsPlan, Limit, STATS, Stat};
use super::samples::Look;
use super::source::Reading;
use crate::drills::machine::Moment;
use crate::finding::Status;
use crate::log::summary::guards::GuardsSummary;
use crate::time::Stamp;

fn start() -> Stamp {
    Stamp::from_seconds(1_736_121_600).unwrap()
}

fn moment(seconds: f64) -> Moment {
    let at = Duration::from_secs_f64(seconds);
    Moment { wall: start().plus(at), at }
}

/// A guard that looks every second, of which each case says what it needs.
fn guard(source: &str, stat: Stat, fail: f64) -> Guard {
    Guard {
        name: "g".to_owned(),
        source: source.to_owned(),
        workload: None,
        unit: String::new(),
        stat,
        window_seconds: None,
        warn: None,
        fail: Some(Limit { above: true, value: fail }),
        for_seconds: 0.0,
        warmup_seconds: 0.0,
        min_samples: None,
        stop: false,
        expected: true,
        every_seconds: 1.0,
        grace_seconds: 0.0,
        ahead_seconds: 86_400.0,
    }
}

/// A run of one guard: what it told, its document and the verdict on that.
struct Run {
    plan: GuardsPlan,
    looks: Vec<Look>,
    told: Vec<(f64, Order)>,
    document: Document,
    seconds: f64,
}

/// Runs for so many seconds; `read` is what each look at the second gives, `lines` what the log says in the second before.
fn run(
    guard: Guard,
    seconds: u32,
    read: impl Fn(f64) -> Result<Reading, String>,
    lines: impl Fn(f64) -> Vec<f64>,
) -> Run {
    let plan = GuardsPlan { sha256: String::new(), list: vec![guard] };
    let mut guards = Guards::new(plan.clone(), Duration::from_secs(seconds.into()));
    let mut told = Vec::new();
    for tick in 1..=seconds * 2 {
        let now = f64::from(tick) / 2.0;
        if now.fract() == 0.0 {
            let mut pile = Pile::default();
            lines(now).into_iter().for_each(|value| pile.take(Some(value), true));
            guards.lines(moment(now), 0, &pile);
        }
        let mut orders = guards.tick(moment(now));
        if orders.contains(&Order::Look(0)) {
            orders.extend(guards.told(moment(now), 0, read(now)));
        }
        let breach = |order: &Order| matches!(order, Order::Raised(_) | Order::Over(_));
        told.extend(orders.into_iter().filter(breach).map(|order| (now, order)));
    }
    let end = moment(f64::from(seconds) + 0.2);
    told.extend(guards.end(end).into_iter().map(|order| (end.at.as_secs_f64(), order)));
    let document = guards.document(Of { run: "r", started: start() }, end, &[]);
    Run { plan, looks: guards.take_looks(), told, document, seconds: end.at.as_secs_f64() }
}

fn polled(guard: Guard, seconds: u32, read: impl Fn(f64) -> f64) -> Run {
    run(guard, seconds, |now| Ok(Reading::Value(read(now), 1)), |_| Vec::new())
}

impl Run {
    fn raised(&self) -> Vec<Raised<'_>> {
        let of = |order: &Order| match order {
            Order::Raised(breach) => Some((breach.from_seconds, breach.severity)),
            _ => None,
        };
        let mut raised: Vec<Raised<'_>> = Vec::new();
        for (from_seconds, severity) in self.told.iter().filter_map(|(_, order)| of(order)) {
            raised.retain(|known| known.from_seconds != from_seconds);
            raised.push(Raised { guard: "g", from_seconds, severity, drill: None });
        }
        raised
    }

    fn judged(&self, file: &Value, raised: &[Raised<'_>]) -> GuardsSummary {
        self.judged_by(&self.samples(), file, raised)
    }

    /// The file of samples.
    fn samples(&self) -> String {
        self.looks.iter().map(|look| format!("{}\n", look.line())).collect()
    }

    fn judged_by(&self, samples: &str, file: &Value, raised: &[Raised<'_>]) -> GuardsSummary {
        let (of, seconds, samples) = (Of { run: "r", started: start() }, Some(self.seconds), Ok(samples.as_bytes()));
        let about = About { of, path: "guards.json", seconds, raised, samples };
        judge(&self.plan, Ok(file.to_string().as_bytes()), about)
    }

    /// The verdict, which is the same when it is derived again, and why.
    fn verdict(&self) -> (Status, String) {
        let again = self.judged(&json!(self.document), &self.raised());
        let told: Vec<String> = again.findings.iter().map(|finding| finding.summary.clone()).collect();
        assert_eq!(again.status, self.document.verdict, "{told:?}");
        (again.status, told.join("; "))
    }
}

#[test]
fn a_limit_must_be_passed_for_as_long_as_it_says_and_equality_satisfies() {
    let held = |seconds| Guard { for_seconds: seconds, ..guard("process:fds", Stat::Last, 50.0) };
    type Case = (f64, fn(f64) -> f64, Status, usize);
    let cases: [Case; 6] = [
        (0.0, |_| 50.0, Status::Pass, 0),
        (0.0, |now| if now == 30.0 { 51.0 } else { 1.0 }, Status::Fail, 1),
        (5.0, |now| if (30.0..35.0).contains(&now) { 51.0 } else { 1.0 }, Status::Pass, 0),
        (5.0, |now| if (30.0..=35.0).contains(&now) { 51.0 } else { 1.0 }, Status::Fail, 1),
        (0.0, |now| if (now / 10.0) as i32 % 2 == 1 { 51.0 } else { 1.0 }, Status::Fail, 3),
        (0.0, |now| if now > 50.0 { 90.0 } else { 1.0 }, Status::Fail, 1),
    ];
    for (number, (lasts, figure, status, episodes)) in cases.into_iter().enumerate() {
        let run = polled(held(lasts), 60, figure);
        let (verdict, told) = run.verdict();
        assert_eq!((verdict, run.document.guards[0].episodes.len()), (status, episodes), "{number}: {told}");
        let begun = run.told.iter().filter(|(_, order)| matches!(order, Order::Raised(_))).count();
        assert_eq!(begun, episodes, "{number}: one incident for each");
    }
}

#[test]
fn a_warning_that_becomes_worse_is_one_episode() {
    let warned = Guard {
        warn: Some(Limit { above: true, value: 40.0 }),
        for_seconds: 2.0,
        ..guard("process:fds", Stat::Last, 50.0)
    };
    let run = polled(warned, 60, |now| match now {
        20.0..30.0 => 45.0,
        30.0..40.0 => 60.0,
        40.0..45.0 => 45.0,
        _ => 1.0,
    });
    let episodes = &run.document.guards[0].episodes;
    assert_eq!(episodes.len(), 1, "{episodes:?}");
    let of = (episodes[0].severity, episodes[0].from_seconds, episodes[0].to_seconds, episodes[0].worst);
    assert_eq!(of, (Status::Fail, 20.0, Some(45.0), 60.0));
    let told: Vec<(f64, Status, bool)> = run
        .told
        .iter()
        .filter_map(|(now, order)| match order {
            Order::Raised(breach) => Some((*now, breach.severity, breach.worse)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(22.0, Status::Warn, false), (32.0, Status::Fail, true)]);
    assert_eq!(run.verdict().0, Status::Fail);
}

#[test]
fn what_is_not_measured_is_no_pass() {
    let nothing = || Err("the performance report is not there".to_owned());
    let of =
        |guard: Guard, read: &dyn Fn(f64) -> Result<Reading, String>| run(guard, 60, read, |_| Vec::new()).verdict();
    let plain = || guard("performance:/p99", Stat::Last, 50.0);
    let (status, told) = of(plain(), &|_| nothing());
    assert!(status == Status::Fail && told.contains("never measured: the performance report"), "{told}");
    let (status, told) = of(Guard { expected: false, ..plain() }, &|_| nothing());
    assert!(status == Status::Warn && told.contains("never measured"), "{told}");
    let (status, told) =
        of(Guard { warmup_seconds: 59.0, every_seconds: 7.0, ..plain() }, &|_| Ok(Reading::Value(1.0, 1)));
    assert!(status == Status::Fail && told.contains("warm-up"), "{told}");
    let (status, told) = of(Guard { min_samples: Some(100), ..plain() }, &|_| Ok(Reading::Value(1.0, 1)));
    assert!(status == Status::Fail && told.contains("60 samples in a window at most, 100"), "{told}");
    let (status, told) = of(plain(), &|now| Ok(Reading::Value(if now > 58.0 { f64::NAN } else { 1.0 }, 1)));
    assert!(status == Status::Fail && told.contains("no figures that can be"), "{told}");
    // Nothing for a while is a WARN with the stretch; a moment is nothing.
    let gap = |from: f64, to: f64| {
        move |now: f64| if (from..to).contains(&now) { nothing() } else { Ok(Reading::Value(1.0, 1)) }
    };
    let (status, told) = of(plain(), &gap(20.0, 22.0));
    assert_eq!(status, Status::Pass, "{told}");
    let (status, told) = of(plain(), &gap(20.0, 40.0));
    assert!(status == Status::Warn && told.contains("blind after 19s for 21s"), "{told}");
    let (status, told) = of(plain(), &gap(0.0, 40.0));
    assert!(status == Status::Warn && told.contains("blind"), "{told}");
    assert_eq!(of(Guard { grace_seconds: 45.0, ..plain() }, &gap(0.0, 40.0)).0, Status::Pass);
    assert_eq!(of(plain(), &gap(40.0, 61.0)).0, Status::Warn, "until the end too");
}

#[test]
fn what_is_counted_is_measured_as_soon_as_its_field_is_there() {
    let counted = |seen: bool, at: Option<f64>| {
        let plan = GuardsPlan { sha256: String::new(), list: vec![guard("count:event=breach", Stat::Count, 0.0)] };
        let mut guards = Guards::new(plan.clone(), Duration::from_secs(60));
        let mut told = Vec::new();
        for now in (1..=60).map(f64::from) {
            let mut pile = Pile::default();
            (pile.seen, pile.count) = (u64::from(seen), u64::from(at == Some(now)));
            guards.lines(moment(now), 0, &pile);
            told.extend(guards.tick(moment(now)).into_iter().map(|order| (now, order)));
        }
        drop(guards.end(moment(60.5)));
        let document = guards.document(Of { run: "r", started: start() }, moment(60.5), &[]);
        Run { plan, looks: Vec::new(), told, document, seconds: 60.5 }
    };
    assert_eq!(counted(true, None).verdict().0, Status::Pass);
    let (status, told) = counted(false, None).verdict();
    assert!(status == Status::Fail && told.contains("never measured"), "{told}");
    let breached = counted(true, Some(30.0));
    assert_eq!(breached.verdict().0, Status::Fail);
    assert_eq!(breached.document.invariant_breaches.len(), 1);
}

#[test]
fn windows_forget_and_rates_know_restarts() {
    let slow = |now: f64| if now <= 10.0 { vec![90.0; 5] } else { vec![1.0; 5] };
    let log = |window: Option<f64>| Guard { window_seconds: window, ..guard("log:ms", Stat::P99, 50.0) };
    let within = run(log(Some(5.0)), 60, |_| Err(String::new()), slow);
    let episodes = &within.document.guards[0].episodes;
    assert_eq!(episodes.len(), 1);
    assert!(episodes[0].to_seconds.is_some_and(|to| (14.0..=17.0).contains(&to)), "{episodes:?}");
    let whole = run(log(None), 60, |_| Err(String::new()), slow);
    assert!(whole.document.guards[0].episodes[0].to_seconds.is_none(), "without a window nothing is forgotten");
    // A counter that rises by 10 a second and begins again at 30 s.
    let rate = |limit| Guard { window_seconds: Some(10.0), ..guard("exec:x", Stat::Rate, limit) };
    let counter = |now: f64| if now < 30.0 { 1000.0 + now * 10.0 } else { (now - 30.0) * 10.0 };
    assert_eq!(polled(rate(11.0), 60, counter).verdict().0, Status::Pass);
    assert_eq!(polled(rate(8.0), 60, counter).verdict().0, Status::Fail);
    // Nothing in the window is the very thing that a lower limit is for.
    let least = Guard {
        window_seconds: Some(5.0),
        fail: Some(Limit { above: false, value: 1.0 }),
        ..guard("log:ms", Stat::Count, 0.0)
    };
    let silent = run(least, 60, |_| Err(String::new()), |now| if now < 40.0 { vec![1.0] } else { Vec::new() });
    assert_eq!(silent.verdict().0, Status::Fail);
}

#[test]
fn growth_is_no_peak_and_is_told_ahead() {
    let noise = |now: f64| (now * 7919.0).sin() * 5.0;
    let of = |stat, limit| Guard { warmup_seconds: 60.0, every_seconds: 10.0, ..guard("exec:rss", stat, limit) };
    // In MB: noise and a peak; a leak of 60 an hour under a limit of 64; one that passes it within the run.
    let peak = |now: f64| 200.0 + noise(now) + if (900.0..1000.0).contains(&now) { 80.0 } else { 0.0 };
    let leak = |now: f64| 200.0 + noise(now) + now / 60.0;
    assert_eq!(polled(of(Stat::Delta, 64.0), 1800, peak).verdict().0, Status::Pass);
    assert_eq!(polled(of(Stat::Slope, 30.0), 1800, peak).verdict().0, Status::Pass);
    assert_eq!(polled(of(Stat::Slope, 30.0), 1800, leak).verdict().0, Status::Fail);
    // Within a window that is short beside the run, and after what came before it is forgotten.
    let recent = |limit| Guard { window_seconds: Some(300.0), ..of(Stat::Slope, limit) };
    let late = |now: f64| 200.0 + noise(now) / 10.0 + (now - 20_000.0).max(0.0) / 10.0;
    assert_eq!(polled(recent(30.0), 18_000, late).verdict().0, Status::Pass);
    assert_eq!(polled(recent(30.0), 22_000, late).verdict().0, Status::Fail);
    let (status, told) = polled(of(Stat::Delta, 64.0), 1800, leak).verdict();
    assert!(status == Status::Warn && told.contains("within 1d it passes the limit of 64"), "{told}");
    assert_eq!(polled(of(Stat::Delta, 20.0), 1800, leak).verdict().0, Status::Fail);
}

#[test]
fn a_percentile_of_few_samples_is_remarked_and_stated_samples_are_taken() {
    let log =
        |values: usize| run(guard("log:ms", Stat::P99, 50.0), 20, |_| Err(String::new()), move |_| vec![1.0; values]);
    let remark = |run: &Run| run.judged(&json!(run.document), &[]).guards[0].remark.clone();
    assert_eq!(remark(&log(1)).unwrap(), "p99 rests on 20 samples only");
    assert_eq!(remark(&log(10)), None);
    let stated = Guard { min_samples: Some(100), ..guard("performance:/p99_s", Stat::Last, 50.0) };
    let run = run(stated, 20, |now| Ok(Reading::Value(1.0, 10 * now as u64 + 2)), |_| Vec::new());
    assert_eq!(run.verdict().0, Status::Pass, "its own count is taken");
}

#[test]
fn whatever_is_changed_in_the_file_is_found() {
    let run = polled(guard("process:fds", Stat::Last, 50.0), 60, |now| if now == 30.0 { 51.0 } else { 1.0 });
    let whole = json!(run.document);
    assert_eq!(run.judged(&whole, &run.raised()).status, Status::Fail);
    let spoilt = |pointer: &str, value: Value| {
        let mut file = whole.clone();
        *file.pointer_mut(pointer).unwrap() = value;
        run.judged(&file, &run.raised())
    };
    for (pointer, value) in [
        ("/verdict", json!("pass")),
        ("/status", json!("completed")),
        ("/guards/0/status", json!("pass")),
        ("/guards/0/episodes", json!([])),
        ("/guards/0/findings", json!([])),
        ("/guards/0/stretches/1/level", json!("ok")),
        ("/guards/0/stretches/1/worst", json!(49.0)),
        ("/guards", json!([])),
        ("/metrics/objectives_met", json!(true)),
        ("/finished_at", Value::Null),
        ("/run_id", json!("other")),
    ] {
        let again = spoilt(pointer, value);
        assert_eq!(again.status, Status::Fail, "{pointer}");
        let own = again.findings.iter().any(|finding| !finding.summary.starts_with("g: last was"));
        assert!(own, "{pointer}: {:?}", again.findings);
    }
    // Everything of the breach taken out of the file: its incident is still there.
    let clean = polled(guard("process:fds", Stat::Last, 50.0), 60, |_| 1.0);
    let again = run.judged(&json!(clean.document), &run.raised());
    assert!(again.findings.iter().any(|finding| finding.summary.contains("does not tell of its breach")));
    // And the other way round.
    let again = run.judged(&whole, &[]);
    assert!(again.findings.iter().any(|finding| finding.summary.contains("has no incident of its breach")));
}

#[test]
fn figures_of_sources_are_made_again_from_their_samples() {
    // Whatever was measured: windows, growth, counters that begin again, histograms, blind looks and bad samples.
    let at = |now: f64| match now as u32 % 20 {
        7 => Err("it is down".to_owned()),
        11 => Ok(Reading::Same),
        _ => Ok(Reading::Value(0.1 + (now * 7919.0).sin().abs(), 3)),
    };
    let buckets = |now: f64| Ok(Reading::Buckets(vec![(0.1, now * 3.0), (0.5, now * 4.0), (f64::INFINITY, now * 4.0)]));
    let windows = [None, Some(7.5)];
    for stat in STATS.map(|(_, stat)| stat) {
        for window_seconds in windows {
            let of = Guard { window_seconds, warmup_seconds: 3.0, ..guard("exec:x", stat, 0.9) };
            let rehearsed = run(of.clone(), 90, at, |_| Vec::new());
            assert!(rehearsed.looks.len() > 80);
            let _ = rehearsed.verdict();
            let _ =
                run(Guard { source: "prometheus:http://h/m#x_bucket".to_owned(), ..of }, 60, buckets, |_| Vec::new())
                    .verdict();
        }
    }
    // The end of a run may be noticed a moment after it: a look came meanwhile.
    let plan = GuardsPlan { sha256: String::new(), list: vec![guard("exec:x", Stat::Last, 0.9)] };
    for (stat, answers) in [(Stat::Last, true), (Stat::Delta, true), (Stat::Last, false)] {
        let plan = GuardsPlan { list: vec![Guard { stat, ..plan.list[0].clone() }], ..plan.clone() };
        let mut guards = Guards::new(plan.clone(), Duration::from_secs(10));
        for now in (1..=10).map(|now| f64::from(now) + 0.2) {
            let _ = guards.tick(moment(now));
            if answers {
                let _ = guards.told(moment(now + 0.03), 0, Ok(Reading::Value(0.5, 1)));
            }
        }
        let _ = guards.end(moment(10.21));
        let (looks, told) = (guards.take_looks(), Vec::new());
        let document = guards.document(Of { run: "r", started: start() }, moment(10.5), &[]);
        let late = Run { plan, looks, told, document, seconds: 10.21 };
        let (status, said) = late.verdict();
        assert_eq!(status == Status::Fail, !answers, "{said}");
        assert_eq!(said.contains("had not answered when the run ended"), !answers, "{said}");
    }
    // A breach that is taken out of the document and out of the incidents is still in the samples.
    let bad = polled(guard("process:fds", Stat::Last, 50.0), 60, |now| if now == 30.0 { 51.0 } else { 1.0 });
    let clean = polled(guard("process:fds", Stat::Last, 50.0), 60, |_| 1.0);
    let forged = json!(clean.document);
    assert_eq!(clean.judged(&forged, &[]).status, Status::Pass);
    let told = |summary: GuardsSummary| {
        let told: Vec<String> = summary.findings.iter().map(|finding| finding.summary.clone()).collect();
        (summary.status, told.join("; "))
    };
    let samples = bad.samples();
    let (status, said) = told(bad.judged_by(&samples, &forged, &[]));
    assert!(
        status == Status::Fail && said.contains("what its samples do not show: 1 stretches, and they give 3"),
        "{said}"
    );
    for (samples, expect) in [
        (
            samples.lines().filter(|line| !line.contains("\"value\":51")).collect::<Vec<_>>().join("\n") + "\n",
            "and they are 59",
        ),
        (String::new(), "and they are 0"),
        (format!("{samples}x\n"), "line 61 is no look"),
        (samples.replace("\"g\"", "\"other\""), "tells of a guard other"),
    ] {
        let (status, said) = told(bad.judged_by(&samples, &forged, &[]));
        assert!(status == Status::Fail && said.contains(expect), "{expect}: {said}");
    }
    let about = About {
        of: Of { run: "r", started: start() },
        path: "guards.json",
        seconds: Some(clean.seconds),
        raised: &[],
        samples: Err("it is missing"),
    };
    let (status, said) = told(judge(&clean.plan, Ok(forged.to_string().as_bytes()), about));
    assert!(status == Status::Fail && said.contains("guard_samples.jsonl"), "{said}");
}

#[test]
fn a_breach_belongs_to_a_drill_only_where_it_ends_with_that() {
    for (until, to, expect) in [(40.0, 43.0, Status::Pass), (40.0, 58.0, Status::Fail)] {
        let run =
            polled(
                guard("process:fds", Stat::Last, 50.0),
                60,
                |now| if (30.0..to).contains(&now) { 51.0 } else { 1.0 },
            );
        let raised: Vec<Raised<'_>> =
            run.raised().into_iter().map(|raised| Raised { drill: Some(("outage", until)), ..raised }).collect();
        let again = run.judged(&json!(run.document), &raised);
        assert_eq!(again.status, expect, "{:?}", again.findings);
    }
}
