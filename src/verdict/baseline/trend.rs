//! Runs in the order of time: how each figure moves, and what gets worse and worse.

use std::collections::BTreeSet;

use super::judge::text;
use super::measured::{Measured, Terms};
use super::statistics::slope;
use crate::finding::{Finding, Status};
use crate::log::summary::comparison::{Better, Trend, TrendMetric, TrendRun};

/// A figure that got worse so many times in a row is worth a look.
const IN_A_ROW: u64 = 4;

/// The trend of `runs`, in the order in which they were named.
pub(crate) fn of(runs: &[Measured]) -> Trend {
    let policy = runs.last().map(|run| run.policy.as_str()).unwrap_or_default();
    let mut trend = Trend {
        runs: runs
            .iter()
            .map(|run| TrendRun {
                path: run.path.clone(),
                at: run.at,
                verdict: run.verdict,
                other_policy: run.policy != policy,
            })
            .collect(),
        ..Trend::default()
    };
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| run.figures.keys()).collect();
    for name in names {
        let readings: Vec<_> = runs.iter().map(|run| run.figures.get(name)).collect();
        let Some(terms) = readings.iter().rev().flatten().next().map(|reading| &reading.terms) else { continue };
        let values: Vec<Option<f64>> = readings.iter().map(|reading| reading.map(|reading| reading.value)).collect();
        if values.iter().flatten().count() < 2 {
            continue;
        }
        let metric = metric(name, values, terms);
        if metric.status > Status::Pass {
            trend.findings.push(told(&metric));
        }
        trend.metrics.push(metric);
    }
    if let Some(run) = runs.iter().find(|run| runs.iter().filter(|other| other.path == run.path).count() > 1) {
        trend.findings.push(Finding::fail(format!("{} is named twice: a trend takes different runs", run.path)));
    }
    if !runs.iter().filter_map(|run| run.at).is_sorted() {
        trend.findings.push(Finding::warn("the runs are not named in the order of time, so their trend is none"));
    }
    if trend.metrics.is_empty() {
        trend.findings.push(Finding::fail("no two of the runs measured the same: there is no trend"));
    }
    trend.status = Status::roll_up(trend.findings.iter().map(|finding| finding.severity));
    trend
}

fn metric(name: &str, values: Vec<Option<f64>>, terms: &Terms) -> TrendMetric {
    let points: Vec<(f64, f64)> =
        values.iter().enumerate().filter_map(|(n, value)| Some((n as f64, (*value)?))).collect();
    let worse = |two: &[(f64, f64)]| match terms.better {
        Better::Lower => two[1].1 > two[0].1,
        Better::Higher => two[1].1 < two[0].1,
        Better::Neither => false,
    };
    let last = values.last().copied().flatten();
    let steps = points.windows(2).rev().take_while(|two| worse(two)).count();
    let in_a_row = if last.is_some() { steps as u64 } else { 0 };
    // Small steps that come to nothing are noise, however many there are.
    let from = points.len().checked_sub(steps + 1).and_then(|at| points.get(at)).map_or(0.0, |point| point.1);
    let moved = (last.unwrap_or(from) - from).abs();
    let matters = moved > terms.floor && moved > terms.min_change * from.abs();
    let others: Vec<f64> = values[..values.len() - 1].iter().flatten().copied().collect();
    let rank = last.filter(|_| !others.is_empty()).map(|last| {
        let below = others.iter().filter(|other| **other < last).count() as f64;
        let equal = others.iter().filter(|other| **other == last).count() as f64;
        (below + equal / 2.0) / others.len() as f64
    });
    TrendMetric {
        name: name.to_owned(),
        unit: terms.unit.clone(),
        better: terms.better,
        slope_per_run: slope(&points),
        last_rank: rank,
        worse_in_a_row: in_a_row,
        status: if in_a_row >= IN_A_ROW && matters { Status::Warn } else { Status::Pass },
        values,
    }
}

fn told(metric: &TrendMetric) -> Finding {
    let steps = metric.worse_in_a_row as usize;
    let known: Vec<f64> = metric.values.iter().flatten().copied().collect();
    let of = known[known.len().saturating_sub(steps + 1)..].iter();
    let of: Vec<String> = of.map(|value| text(*value, &metric.unit)).collect();
    let text = format!("{} got worse {steps} times in a row: {}", metric.name, of.join(", "));
    Finding::warn(text).with("figure", metric.name.clone())
}
