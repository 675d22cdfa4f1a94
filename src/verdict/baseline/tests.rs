use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::measured::{Reading, Terms};
use super::statistics::{Draws, predicted};
use super::*;
use crate::log::summary::comparison::{Better, Method};
use crate::time::Stamp;

/// Normal noise, the same every time.
struct Noise(Draws);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut unit = || ((self.0.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        let (radius, angle) = ((-2.0 * unit().ln()).sqrt(), std::f64::consts::TAU * unit());
        radius * angle.cos()
    }

    /// A figure of a run whose level is `level`, with this noise on logarithms.
    fn figure(&mut self, level: f64, noise: f64) -> f64 {
        level * (noise * self.next()).exp()
    }
}

fn reading(value: f64) -> Reading {
    Reading { value, ..Reading::default() }
}

/// The share of comparisons in which `figure` of a run is beyond the interval of `n` earlier ones.
fn alarms(n: usize, rounds: u32, mut base: impl FnMut() -> f64, mut figure: impl FnMut() -> f64) -> f64 {
    let mut beyond = 0_u32;
    for _ in 0..rounds {
        let logs: Vec<f64> = (0..n).map(|_| base().ln()).collect();
        let (mean, half) = predicted(&logs);
        beyond += u32::from(figure().ln() > mean + half);
    }
    f64::from(beyond) / f64::from(rounds)
}

#[test]
fn unchanged_code_is_beyond_the_interval_in_one_of_a_hundred_comparisons() {
    const ROUNDS: u32 = 40_000;
    // Three standard deviations of a share of 1 % in so many rounds.
    let spread = 3.0 * (0.01_f64 * 0.99 / f64::from(ROUNDS)).sqrt();
    for (noise, n) in [(0.05, 5), (0.05, 12), (0.2, 5), (0.2, 12), (0.5, 5), (0.5, 20)] {
        let mut one = Noise(Draws(11));
        let mut two = Noise(Draws(12));
        let rate = alarms(n, ROUNDS, || one.figure(100.0, noise), || two.figure(100.0, noise));
        // The least spread that runs are taken to have makes it rarer where they are very much alike.
        let least = if noise > 0.1 { 0.01 - spread } else { 0.006 };
        assert!((least..=0.01 + spread).contains(&rate), "{noise} {n}: {rate}");
        // The usual rule, a tenth more than the one run before, alarms many times as often.
        let mut noisy = Noise(Draws(13));
        let naive = (0..ROUNDS).filter(|_| noisy.figure(100.0, noise) > 1.1 * noisy.figure(100.0, noise)).count();
        assert!(naive as f64 / f64::from(ROUNDS) > 0.08, "{noise}: {naive}");
    }
}

#[test]
fn outliers_and_real_changes_are_found_as_often_as_the_runbook_says() {
    const ROUNDS: u32 = 10_000;
    for (what, n, noise, change, expect) in [
        ("+30 %", 5, 0.05, 1.3, 0.78..=1.0),
        ("a doubling", 5, 0.2, 2.0, 0.40..=0.50),
        ("a doubling", 12, 0.2, 2.0, 0.68..=0.82),
    ] {
        let (mut one, mut two) = (Noise(Draws(21)), Noise(Draws(22)));
        let rate = alarms(n, ROUNDS, || one.figure(100.0, noise), || two.figure(100.0 * change, noise));
        assert!(expect.contains(&rate), "{what} with {n} runs at {noise}: {rate}");
    }
    // One run in ten is an outlier, of code that is the same.
    let outlier = |noise: &mut Noise| {
        let figure = noise.figure(100.0, 0.05);
        if noise.0.next().is_multiple_of(10) { figure * 1.5 } else { figure }
    };
    let (mut one, mut two) = (Noise(Draws(31)), Noise(Draws(32)));
    let rate = alarms(8, ROUNDS, || outlier(&mut one), || outlier(&mut two));
    assert!(rate < 0.06, "{rate}");
}

#[test]
fn no_verdict_comes_from_one_noisy_run() {
    use Better::{Higher, Lower, Neither};
    use Status::{Fail, Pass, Warn};
    let five = [100.0, 102.0, 98.0, 101.0, 99.0];
    for (base, better, floor, value, status, method) in [
        (&five[..1], Lower, 0.0, 1e9, Warn, Method::Difference),
        (&five[..4], Lower, 0.0, 1e9, Warn, Method::Difference),
        (&five[..1], Lower, 0.0, 109.0, Pass, Method::Difference),
        (&five[..1], Lower, 20.0, 119.0, Pass, Method::Difference),
        (&five[..1], Higher, 0.0, 1e9, Pass, Method::Difference),
        (&five[..1], Neither, 0.0, 50.0, Warn, Method::Difference),
        (&five[..], Lower, 0.0, 130.0, Fail, Method::Interval),
        (&five[..], Lower, 40.0, 130.0, Pass, Method::Interval),
        (&five[..], Lower, 0.0, 109.9, Pass, Method::Interval),
        (&five[..], Lower, 0.0, 50.0, Pass, Method::Interval),
        (&five[..], Higher, 0.0, 50.0, Fail, Method::Interval),
        (&five[..], Neither, 0.0, 1e9, Warn, Method::Interval),
        // No logarithm.
        (&[0.0, 0.0, 0.0, 0.0, 0.0], Lower, 1.0, 1.0, Pass, Method::Range),
        (&[0.0, 0.0, 0.0, 0.0, 0.0], Lower, 1.0, 2.0, Fail, Method::Range),
        (&[0.0, 0.0, 0.0, 0.0, 0.0], Lower, 0.0, 2.0, Warn, Method::Range),
        (&[-5.0, 3.0, 0.0, 1.0, 2.0], Lower, 1.0, 3.5, Pass, Method::Range),
        (&[-5.0, 3.0, 0.0, 1.0, 2.0], Lower, 1.0, 9.0, Fail, Method::Range),
        (&[0.0], Lower, 1.0, 2.0, Warn, Method::Difference),
        (&[0.0], Lower, 1.0, 1.0, Pass, Method::Difference),
    ] {
        let base: Vec<Reading> = base.iter().map(|value| reading(*value)).collect();
        let run = Reading { terms: Terms { better, floor, ..Terms::default() }, ..reading(value) };
        let judged = judge::judge("x", &run, &base, 1);
        assert_eq!(
            (judged.status, judged.method),
            (status, method),
            "{better:?} {floor} {value} {base:?}: {}",
            judged.says
        );
    }
}

#[test]
fn windows_within_two_runs_are_enough_for_a_verdict() {
    let mut noise = Noise(Draws(5));
    let mut windows = |level: f64, n: usize| -> Reading {
        let windows: Vec<f64> = (0..n).map(|_| noise.figure(level, 0.1)).collect();
        Reading { value: statistics::median(&windows).unwrap(), windows, ..Reading::default() }
    };
    let (old, other) = (windows(100.0, 40), windows(104.0, 40));
    for (run, base, status, method) in [
        (windows(150.0, 40), vec![old.clone()], Status::Fail, Method::Windows),
        (windows(150.0, 40), vec![old.clone(), other], Status::Fail, Method::Windows),
        (windows(103.0, 40), vec![old.clone()], Status::Pass, Method::Windows),
        (windows(50.0, 40), vec![old.clone()], Status::Pass, Method::Windows),
        // It must be worse than each of them.
        (windows(150.0, 40), vec![old.clone(), windows(160.0, 40)], Status::Pass, Method::Windows),
        (windows(150.0, 19), vec![old], Status::Warn, Method::Difference),
        (windows(150.0, 40), vec![windows(100.0, 19)], Status::Warn, Method::Difference),
    ] {
        let judged = judge::judge("x", &run, &base, 1);
        assert_eq!((judged.status, judged.method), (status, method), "{}", judged.says);
    }
}

#[test]
fn a_verdict_that_must_be_confirmed_takes_runs_in_a_row() {
    let base =
        |last: f64| -> Vec<Reading> { [100.0, 101.0, 99.0, 100.0, 102.0, last].into_iter().map(reading).collect() };
    for (last, value, confirm, status) in [
        (100.0, 150.0, 1, Status::Fail),
        (100.0, 150.0, 2, Status::Warn),
        (150.0, 150.0, 2, Status::Fail),
        (150.0, 100.0, 2, Status::Pass),
    ] {
        assert_eq!(judge::judge("x", &reading(value), &base(last), confirm).status, status, "{last} {value} {confirm}");
    }
}

fn run(name: &str, day: i64, latency: f64) -> Measured {
    Measured {
        path: name.to_owned(),
        at: Stamp::from_seconds(1_736_121_600 + day * 86_400),
        command: vec!["serve".to_owned()],
        cpus: Some(4),
        duration: Some(3600.0),
        figures: BTreeMap::from([("latency".to_owned(), reading(latency))]),
        ..Measured::default()
    }
}

fn against(run: &Measured, others: Vec<Measured>, named: bool, any: bool) -> Baseline {
    let rules = Rules::default();
    let candidates = others.into_iter().map(|other| Candidate::Run(Box::new(other))).collect();
    compare(Some(run), candidates, &Options { named, any, rules: &rules })
}

#[test]
fn only_accepted_and_comparable_runs_are_baselines_and_the_others_say_why() {
    let now = run("now", 9, 200.0);
    let failed = Measured { verdict: Status::Fail, ..run("failed", 1, 100.0) };
    let simulated =
        Measured { verdict: Status::Warn, accepted_simulation: true, simulated: true, ..run("sim", 1, 100.0) };
    let warned = Measured { verdict: Status::Warn, ..run("warned", 1, 100.0) };
    for (other, any, status, compared, says) in [
        (run("good", 1, 100.0), false, Status::Warn, 1, "noise is unknown"),
        (failed.clone(), false, Status::Fail, 0, "none was accepted"),
        (warned, false, Status::Fail, 0, "none was accepted"),
        (failed, true, Status::Warn, 1, "noise is unknown"),
        (simulated, false, Status::Warn, 0, "another command"),
        (
            Measured { command: vec!["other".to_owned()], ..run("x", 1, 100.0) },
            false,
            Status::Warn,
            0,
            "another command, other",
        ),
        (Measured { cpus: Some(8), ..run("x", 1, 100.0) }, false, Status::Warn, 0, "8 processors, not 4"),
        (Measured { duration: Some(3900.0), ..run("x", 1, 100.0) }, false, Status::Warn, 1, ""),
        (Measured { duration: Some(4000.0), ..run("x", 1, 100.0) }, false, Status::Warn, 0, "it lasted"),
        (Measured { duration: None, ..run("x", 1, 100.0) }, false, Status::Warn, 0, "not known"),
        (
            Measured { build_profile: Some("release".to_owned()), ..run("x", 1, 100.0) },
            false,
            Status::Warn,
            0,
            "build_profile",
        ),
        (now.clone(), false, Status::Fail, 0, "none was accepted"),
        (Measured { figures: BTreeMap::new(), ..run("x", 1, 100.0) }, false, Status::Fail, 1, "nothing was compared"),
    ] {
        let baseline = against(&now, vec![other.clone()], true, any);
        let texts: Vec<&str> = baseline.findings.iter().map(|finding| finding.summary.as_str()).collect();
        assert_eq!((baseline.status, baseline.compared), (status, compared), "{}: {texts:?}", other.path);
        assert!(texts.iter().any(|text| text.contains(says)), "{}: {texts:?}", other.path);
    }
    let nothing = against(&now, Vec::new(), false, false);
    assert_eq!(nothing.status, Status::Warn, "looked for and not found");
    let rules = Rules::default();
    let lost = vec![Candidate::Unreadable("x".to_owned(), "gone".to_owned())];
    let lost = compare(Some(&now), lost, &Options { named: true, any: false, rules: &rules });
    assert_eq!((lost.status, lost.findings.len()), (Status::Fail, 1), "{:?}", lost.findings);
}

#[test]
fn a_run_that_is_named_twice_counts_once() {
    let twice: Vec<Measured> = (0..6).map(|n| run(&format!("copy{n}"), 1, 100.0)).collect();
    let baseline = against(&run("now", 9, 150.0), twice, true, false);
    assert_eq!((baseline.compared, baseline.status), (1, Status::Warn));
}

#[test]
fn documents_of_other_tools_are_sound_or_say_why_not() {
    let sound = json!({
        "healthy": true, "generated_at": "2031-05-04T12:00:00Z", "options": {"max_processing_ms": 200.0},
        "throughput": {"healthy": true, "max_processing_ms": 120.0, "samples": 9}, "execution": {"orders_submitted": 9, "orders_executed": 0},
    });
    let mut unhealthy = sound.clone();
    unhealthy["healthy"] = json!(false);
    let mut beyond = sound.clone();
    beyond["throughput"]["max_processing_ms"] = json!(300.0);
    let mut empty = sound.clone();
    empty["throughput"]["samples"] = json!(0);
    let mut part = sound.clone();
    part["throughput"]["healthy"] = json!(false);
    let mut word = sound.clone();
    word["healthy"] = json!("maybe");
    for (document, status) in [
        (&sound, Status::Pass),
        (&unhealthy, Status::Fail),
        (&beyond, Status::Fail),
        (&empty, Status::Fail),
        (&part, Status::Fail),
        (&word, Status::Fail),
    ] {
        let (earlier, against) = documents::read("a.json", document).unwrap();
        assert_eq!(earlier.verdict, Some(status), "{document}: {against:?}");
        assert!(
            earlier.remarks.iter().any(|remark| remark == "orders_executed 0 of 9 submitted"),
            "what was done is told"
        );
        let rules = Rules::default();
        let options = Options { named: true, any: false, rules: &rules };
        let baseline = compare(None, vec![Candidate::Document(earlier, against)], &options);
        assert_eq!(baseline.status, status, "{document}");
    }
    assert!(documents::read("a.json", &json!({"status": "ok"})).is_none());
    let notes =
        json!({"captured_at": "2031-05-04T12:00:00Z", "latency_seconds": {"p50": 0.1, "p99": 0.4, "samples": 9}});
    let (notes, against) = documents::read("notes.json", &notes).unwrap();
    assert_eq!(notes.figures.keys().collect::<Vec<_>>(), ["latency_seconds.p50", "latency_seconds.p99"]);
    let rules = Rules::default();
    let alone =
        compare(None, vec![Candidate::Document(notes, against)], &Options { named: true, any: false, rules: &rules });
    assert_eq!(alone.status, Status::Fail, "notes alone hold nothing against anything");
}

#[test]
fn a_trend_warns_of_what_gets_worse_and_worse() {
    let of = |values: &[f64]| {
        let runs: Vec<Measured> =
            values.iter().enumerate().map(|(n, value)| run(&format!("r{n}"), n as i64, *value)).collect();
        trend::of(&runs)
    };
    for (values, status, in_a_row) in [
        (&[100.0, 110.0, 120.0, 130.0, 140.0][..], Status::Warn, 4),
        (&[100.0, 110.0, 120.0, 130.0], Status::Pass, 3),
        (&[100.0, 110.0, 120.0, 130.0, 129.0], Status::Pass, 0),
        (&[140.0, 130.0, 120.0, 110.0, 100.0], Status::Pass, 0),
        (&[100.0, 100.1, 100.2, 100.3, 100.4], Status::Pass, 4),
    ] {
        let trend = of(values);
        assert_eq!((trend.status, trend.metrics[0].worse_in_a_row), (status, in_a_row), "{values:?}");
    }
    let steady = of(&[1.0, 2.0, 3.0]);
    assert_eq!((steady.metrics[0].slope_per_run, steady.metrics[0].last_rank), (Some(1.0), Some(1.0)));
    let mut runs: Vec<Measured> = (0..3).map(|n| run(&format!("r{n}"), n, 100.0)).collect();
    runs[0].policy = "another".to_owned();
    let marked: Vec<bool> = trend::of(&runs).runs.iter().map(|run| run.other_policy).collect();
    assert_eq!(marked, [true, false, false]);
    runs.reverse();
    assert_eq!(trend::of(&runs).status, Status::Warn, "out of order");
    let nothing: Vec<Measured> = runs.into_iter().map(|run| Measured { figures: BTreeMap::new(), ..run }).collect();
    assert_eq!(trend::of(&nothing).status, Status::Fail, "nothing was measured");
}

proptest! {
    #[test]
    fn the_order_in_which_baselines_are_named_says_nothing(order in Just((0..7_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let all: Vec<Measured> = (0..7).map(|n| run(&format!("r{n}"), n, 100.0 + n as f64)).collect();
        let turned: Vec<Measured> = order.iter().map(|n| all[*n].clone()).collect();
        let now = run("now", 9, 130.0);
        prop_assert_eq!(against(&now, all, true, false), against(&now, turned, true, false));
    }
}

#[test]
fn the_policy_names_only_figures_that_there_can_be() {
    let metric = |pointer: Option<&str>| Metric { pointer: pointer.map(str::to_owned), ..Metric::default() };
    for (name, pointer, fine) in [
        ("memory_p95_mb", None, true),
        ("memory_p95", None, false),
        ("anything", Some("/a"), true),
        ("throughput.max_lag_ms", None, true),
    ] {
        let rules = Rules { metrics: BTreeMap::from([(name.to_owned(), metric(pointer))]), ..Rules::default() };
        let checked = check(Asked { rules: &rules, figures: &BTreeMap::new() });
        assert_eq!(checked.is_ok(), fine, "{name}: {checked:?}");
    }
}
