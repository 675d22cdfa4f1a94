//! The run beside earlier ones: a table against accepted runs, and a line for each figure of a trend.

use maud::{Markup, html};

use super::markup::{Safe, badge, class};
use super::svg::at;
use crate::finding::percent;
use crate::log::summary::comparison::{Baseline, Trend, TrendMetric};
use crate::report::audit::comparison::among;
use crate::time::Stamp;
use crate::verdict::audit::Audit;
use crate::verdict::baseline::shown;

/// The size of a line.
const WIDE: f64 = 180.0;
const HIGH: f64 = 36.0;

/// The sections of a comparison, each with its id and its title; none if nobody asked.
pub(super) fn sections(audit: &Audit) -> Vec<(&'static str, String, Markup)> {
    let baseline = audit.summary.baseline.as_ref();
    let trend = audit.summary.trend.as_ref();
    let baseline = baseline.map(|part| ("baseline", "Against accepted runs".to_owned(), against(part)));
    baseline.into_iter().chain(trend.map(|part| ("trend", "Trend".to_owned(), moves(part)))).collect()
}

fn against(baseline: &Baseline) -> Markup {
    let mut metrics: Vec<_> = baseline.metrics.iter().collect();
    metrics.sort_by_key(|metric| std::cmp::Reverse(metric.status));
    html! {
        @if !metrics.is_empty() { table.cards {
            caption { "Figures of the run, and what accepted runs let expect" }
            thead { tr {
                th scope="col" { "Figure" } th scope="col" { "Verdict" } th.num scope="col" { "Now" } th.num scope="col" { "Expected" }
                th.num scope="col" { "Limit" } th.num scope="col" { "Change" } th scope="col" { "Says" }
            } }
            tbody { @for metric in metrics {
                @let text = |value: f64| shown(value, &metric.unit);
                tr class=(class(metric.status)) {
                    th scope="row" { (Safe(&metric.name)) }
                    td data-l="Verdict" { (badge(metric.status)) }
                    td.num data-l="Now" { (Safe(&text(metric.value))) }
                    td.num data-l="Expected" { (Safe(&text(metric.expected))) }
                    td.num data-l="Limit" { (Safe(&metric.limit.map(text).unwrap_or_default())) }
                    td.num data-l="Change" { @if let Some(change) = metric.change { (if change < 0.0 { "-" } else { "+" }) (percent((change.abs() * 1000.0).round() / 1000.0)) } }
                    td.what data-l="Says" { (Safe(&metric.says)) }
                }
            } }
        } }
        table.cards {
            caption { "What the run was compared with" }
            thead { tr {
                th scope="col" { "Baseline" } th scope="col" { "Verdict" } th scope="col" { "From" } th scope="col" { "Compared" } th scope="col" { "Remarks" }
            } }
            tbody { @for earlier in &baseline.baselines { tr {
                th scope="row" { (Safe(&earlier.path)) }
                td data-l="Verdict" { @if let Some(verdict) = earlier.verdict { (badge(verdict)) } }
                td data-l="From" { (earlier.at.map(Stamp::human).unwrap_or_default()) }
                td data-l="Compared" { (if earlier.compared { "yes" } else { "no" }) }
                td.what data-l="Remarks" { (Safe(&earlier.remarks.join("; "))) }
            } } }
        }
    }
}

fn moves(trend: &Trend) -> Markup {
    html! {
        table.cards {
            caption { "The runs, in their order" }
            thead { tr { th scope="col" { "Run" } th scope="col" { "Verdict" } th scope="col" { "From" } th scope="col" { "Policy" } } }
            tbody { @for run in &trend.runs { tr {
                th scope="row" { (Safe(&run.path)) }
                td data-l="Verdict" { (badge(run.verdict)) }
                td data-l="From" { (run.at.map(Stamp::human).unwrap_or_default()) }
                td data-l="Policy" { (if run.other_policy { "another one" } else { "the same" }) }
            } } }
        }
        table.cards {
            caption { "Figures from run to run" }
            thead { tr {
                th scope="col" { "Figure" } th scope="col" { "Course" } th.num scope="col" { "Last" } th.num scope="col" { "Slope per run" }
                th scope="col" { "Last among the others" }
            } }
            tbody { @for metric in &trend.metrics {
                @let text = |value: f64| shown(value, &metric.unit);
                tr class=(class(metric.status)) {
                    th scope="row" { (Safe(&metric.name)) }
                    td data-l="Course" { (line(metric)) }
                    td.num data-l="Last" { (Safe(&metric.values.last().copied().flatten().map(text).unwrap_or_default())) }
                    td.num data-l="Slope per run" { (Safe(&metric.slope_per_run.map(text).unwrap_or_default())) }
                    td data-l="Last among the others" { (among(metric)) @if metric.worse_in_a_row > 1 { ", worse " (metric.worse_in_a_row) " times in a row" } }
                }
            } }
        }
    }
}

/// The line of a figure; it breaks where a run did not measure it.
fn line(metric: &TrendMetric) -> Markup {
    let known: Vec<f64> = metric.values.iter().flatten().copied().collect();
    let least = known.iter().copied().fold(f64::INFINITY, f64::min);
    let most = known.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let step = (WIDE - 8.0) / (metric.values.len().max(2) - 1) as f64;
    let point = |n: usize, value: f64| {
        let share = if most > least { (value - least) / (most - least) } else { 0.5 };
        (4.0 + step * n as f64, HIGH - 5.0 - share * (HIGH - 10.0))
    };
    let mut path = String::new();
    let mut dots = Vec::new();
    let mut broken = true;
    for (n, value) in metric.values.iter().enumerate() {
        let Some(value) = value else {
            broken = true;
            continue;
        };
        let (x, y) = point(n, *value);
        path.push_str(&format!("{}{} {}", if broken { 'M' } else { 'L' }, at(x), at(y)));
        dots.push((x, y));
        broken = false;
    }
    let values: Vec<String> =
        metric.values.iter().map(|value| value.map_or("not measured".to_owned(), |v| shown(v, &metric.unit))).collect();
    let says = format!("{}: {}", metric.name, values.join(", "));
    html! {
        svg viewBox={ "0 0 " (at(WIDE)) " " (at(HIGH)) } width=(at(WIDE)) height=(at(HIGH)) role="img" aria-label=(Safe(&says)) {
            path d=(path) fill="none" stroke="#3c6491" stroke-width="1.5" {}
            @for (x, y) in &dots { circle cx=(at(*x)) cy=(at(*y)) r="2" fill="#3c6491" {} }
        }
    }
}
