//! The verdict on one figure.

use super::measured::{Reading, Terms};
use super::statistics::{median, predicted, ratio_of_medians};
use crate::finding::{Status, count};
use crate::log::summary::comparison::{Better, Compared, Method};

/// So many runs say what their noise is.
const ENOUGH: usize = 5;
/// So many figures within a run do.
const WINDOWS: usize = 20;

/// Holds a figure of the run against those of accepted ones, in the order of time. A FAIL must be confirmed by the
/// `confirm` - 1 runs before this one.
pub(super) fn judge(name: &str, run: &Reading, base: &[Reading], confirm: usize) -> Compared {
    let before = confirm.saturating_sub(1).min(base.len().saturating_sub(1));
    let (base, before) = base.split_at(base.len() - before);
    let mut compared = once(name, run, base);
    // Without the runs that could confirm it, nothing does.
    let confirmed = before.len() + 1 >= confirm
        && before.iter().all(|reading| {
            once(name, &Reading { terms: run.terms.clone(), ..reading.clone() }, base).status == Status::Fail
        });
    if compared.status == Status::Fail && !confirmed {
        compared.status = Status::Warn;
        compared.says.push_str(&format!("; not yet {confirm} runs in a row"));
    }
    compared
}

fn once(name: &str, run: &Reading, base: &[Reading]) -> Compared {
    let values: Vec<f64> = base.iter().map(|reading| reading.value).collect();
    let positive = run.value > 0.0 && values.iter().all(|value| *value > 0.0);
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let expected = match positive {
        true => (logs.iter().sum::<f64>() / logs.len() as f64).exp(),
        false => median(&values).unwrap_or_default(),
    };
    let mut compared = Compared {
        name: name.to_owned(),
        unit: run.terms.unit.clone(),
        better: run.terms.better,
        value: run.value,
        expected,
        change: (expected != 0.0).then(|| (run.value - expected) / expected.abs()),
        samples: 1,
        baseline: values,
        ..Compared::default()
    };
    let runs = count(base.len() as u64, "accepted run");
    let shown = |value: f64| text(value, &run.terms.unit);
    let head = format!("{name} is {}, {} were expected", shown(run.value), shown(expected));
    let windows =
        |reading: &Reading| reading.windows.len() >= WINDOWS && median(&reading.windows).is_some_and(|m| m > 0.0);
    if base.len() >= ENOUGH && positive {
        compared.method = Method::Interval;
        let (mean, half) = predicted(&logs);
        let worse_below =
            run.terms.better == Better::Higher || (run.terms.better == Better::Neither && run.value < expected);
        let limit = if worse_below { (mean - half).exp() } else { (mean + half).exp() };
        compared.limit = Some(limit);
        let beyond = if worse_below { run.value < limit } else { run.value > limit };
        let side = if worse_below { "at least" } else { "at most" };
        compared.says = format!("{head}, {side} {} by the noise of {runs}", shown(limit));
        compared.status = status(beyond && matters(run, expected), run.terms.better, Status::Fail);
    } else if base.len() >= ENOUGH {
        compared.method = Method::Range;
        let ends = |fold: fn(f64, f64) -> f64| compared.baseline.iter().copied().reduce(fold).unwrap_or_default();
        let (least, most) = (ends(f64::min), ends(f64::max));
        let below = run.value < least - run.terms.floor && run.terms.better != Better::Lower;
        let above = run.value > most + run.terms.floor && run.terms.better != Better::Higher;
        compared.limit =
            Some(if run.terms.better == Better::Higher { least - run.terms.floor } else { most + run.terms.floor });
        compared.says = format!("{head}, {} to {} in {runs}", shown(least), shown(most));
        // What a difference is must be known where the spread of logarithms does not say it.
        let worst = if run.terms.floor > 0.0 { Status::Fail } else { Status::Warn };
        compared.status = status((below || above) && matters(run, expected), run.terms.better, worst);
    } else if windows(run) && base.iter().all(windows) {
        compared.method = Method::Windows;
        compared.samples = run.windows.len() as u64;
        // The figures of one run hang together: it must be worse than each of the others.
        let ratios: Vec<f64> =
            base.iter().map(|reading| worse_by(&run.windows, &reading.windows, &run.terms)).collect();
        let least = ratios.into_iter().reduce(f64::min).unwrap_or_default();
        compared.says = format!("{head}; with 95 % confidence worse by a factor of {least:.2} than {runs}");
        compared.status =
            status(least > 1.0 + run.terms.min_change && matters(run, expected), run.terms.better, Status::Fail);
        if compared.status == Status::Pass {
            compared.says = format!("{head} by {runs}");
        }
    } else {
        let worse = match run.terms.better {
            Better::Lower => run.value > expected,
            Better::Higher => run.value < expected,
            Better::Neither => true,
        };
        compared.says = format!("{head} by {runs}; the noise is unknown");
        compared.status = status(worse && matters(run, expected), run.terms.better, Status::Warn);
    }
    compared
}

/// Whether a difference is large enough to be one.
fn matters(run: &Reading, expected: f64) -> bool {
    let difference = (run.value - expected).abs();
    difference > run.terms.floor && difference > run.terms.min_change * expected.abs()
}

/// What a difference is: that a figure without a better side changed is no more than worth a look.
fn status(differs: bool, better: Better, worst: Status) -> Status {
    match (differs, better) {
        (false, _) => Status::Pass,
        (true, Better::Neither) => Status::Warn,
        (true, _) => worst,
    }
}

/// By which factor a run is worse at least; 0 where that cannot be said.
fn worse_by(run: &[f64], other: &[f64], terms: &Terms) -> f64 {
    let Some((low, high)) = ratio_of_medians(run, other) else { return 0.0 };
    match terms.better {
        Better::Lower => low,
        Better::Higher => high.recip(),
        Better::Neither => low.max(high.recip()),
    }
}

/// A figure for people: with as many digits as say something.
pub(crate) fn text(value: f64, unit: &str) -> String {
    let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (3 - magnitude).clamp(0, 8) as usize;
    let mut number = format!("{value:.decimals$}");
    if number.contains('.') {
        number.truncate(number.trim_end_matches('0').trim_end_matches('.').len());
    }
    match unit {
        "" => number,
        _ if unit.starts_with(['/', '%']) => format!("{number}{unit}"),
        _ => format!("{number} {unit}"),
    }
}
