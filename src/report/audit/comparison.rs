//! The run beside earlier ones: what each figure was expected to be, and how it moves from run to run.

use crate::finding::{Status, percent};
use crate::log::summary::comparison::{Better, Earlier, TrendMetric};
use crate::report::{Block, Cell, Doc, Table, Tone};
use crate::sanitize::shorten;
use crate::time::Stamp;
use crate::verdict::audit::Audit;
use crate::verdict::baseline::shown;

/// The steps of a line of text, from the lowest figure to the highest.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn baseline(doc: &mut Doc, audit: &Audit) {
    let Some(baseline) = &audit.summary.baseline else { return };
    let mut table = Table::new(&["figure", "verdict", "now", "expected", "limit", "change"]).right(&[2, 3, 4, 5]);
    // What got worse comes first.
    let mut metrics: Vec<_> = baseline.metrics.iter().collect();
    metrics.sort_by_key(|metric| std::cmp::Reverse(metric.status));
    for metric in metrics {
        let text = |value: f64| shown(value, &metric.unit);
        table.row([
            Cell::new(metric.name.as_str(), Tone::Strong),
            metric.status.into(),
            text(metric.value).into(),
            text(metric.expected).into(),
            Cell::dim(metric.limit.map(text).unwrap_or_default()),
            metric.change.map(change).unwrap_or_default().into(),
        ]);
    }
    let before = doc.blocks.len();
    doc.section("Against accepted runs", Block::Table(table));
    let findings = baseline.findings.iter();
    let list: Vec<Cell> = findings
        .map(|finding| {
            let place = finding.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            let text = format!("{} {}{place}", finding.severity.label(), finding.summary);
            Cell::new(text, Tone::Status(finding.severity))
        })
        .collect();
    match doc.blocks.len() > before {
        true => doc.push(Block::List(list)),
        false => doc.section("Against accepted runs", Block::List(list)),
    }
    let mut table = Table::new(&["baseline", "verdict", "from", "compared", "remarks"]);
    for earlier in &baseline.baselines {
        table.row([
            Cell::new(earlier.path.as_str(), Tone::Path),
            verdict(earlier),
            Cell::dim(earlier.at.map(Stamp::human).unwrap_or_default()),
            if earlier.compared { "yes" } else { "no" }.into(),
            shorten(&earlier.remarks.join("; "), 300).into(),
        ]);
    }
    doc.section("Baselines", Block::Table(table));
    // The figures of documents that stand alone.
    for document in baseline.baselines.iter().filter(|earlier| earlier.kind == "document") {
        let facts = document.figures.iter().map(|(name, value)| (name.clone(), shown(*value, "").into()));
        doc.section(format!("Figures of {}", document.path), Block::Facts(facts.collect()));
    }
}

fn verdict(earlier: &Earlier) -> Cell {
    earlier.verdict.map_or_else(|| Cell::from("-"), Cell::from)
}

/// `+12%`: how far a figure is from what was expected.
fn change(change: f64) -> String {
    let sign = if change < 0.0 { "-" } else { "+" };
    format!("{sign}{}", percent((change.abs() * 1000.0).round() / 1000.0))
}

pub(super) fn trend(doc: &mut Doc, audit: &Audit) {
    let Some(trend) = &audit.summary.trend else { return };
    let mut table = Table::new(&["run", "verdict", "from", ""]);
    for run in &trend.runs {
        table.row([
            Cell::new(run.path.as_str(), Tone::Path),
            run.verdict.into(),
            Cell::dim(run.at.map(Stamp::human).unwrap_or_default()),
            if run.other_policy { "judged by another policy" } else { "" }.into(),
        ]);
    }
    doc.section("Trend", Block::Table(table));
    let mut table =
        Table::new(&["figure", "", "values", "last", "slope per run", "last among the others"]).right(&[3, 4]);
    for metric in &trend.metrics {
        let text = |value: f64| shown(value, &metric.unit);
        let values: Vec<String> =
            metric.values.iter().map(|value| value.map_or("-".to_owned(), |v| shown(v, ""))).collect();
        let tone = if metric.status > Status::Pass { Tone::Status(metric.status) } else { Tone::Strong };
        table.row([
            Cell::new(metric.name.as_str(), tone),
            line(&metric.values).into(),
            Cell::dim(values.join(" ")),
            metric.values.last().copied().flatten().map(text).unwrap_or_default().into(),
            metric
                .slope_per_run
                .map(|slope| format!("{}{}", if slope > 0.0 { "+" } else { "" }, text(slope)))
                .unwrap_or_default()
                .into(),
            among(metric).into(),
        ]);
    }
    doc.section("Figures from run to run", Block::Table(table));
    let list = trend.findings.iter().map(|finding| {
        Cell::new(format!("{} {}", finding.severity.label(), finding.summary), Tone::Status(finding.severity))
    });
    doc.push(Block::List(list.collect()));
}

/// Where the last figure is among the others, in words.
pub(crate) fn among(metric: &TrendMetric) -> String {
    let Some(rank) = metric.last_rank else { return "not measured".to_owned() };
    let best = match metric.better {
        Better::Lower => rank <= 0.0,
        Better::Higher => rank >= 1.0,
        Better::Neither => false,
    };
    let others: Vec<f64> = metric.values[..metric.values.len() - 1].iter().flatten().copied().collect();
    let same = metric.values.last().copied().flatten().is_some_and(|last| others.iter().all(|other| *other == last));
    let word = match (rank, metric.better) {
        _ if same => "the same as all",
        _ if best => "the best",
        (rank, Better::Neither) if rank >= 1.0 => "the highest",
        (rank, Better::Neither) if rank <= 0.0 => "the lowest",
        (rank, _) if rank <= 0.0 || rank >= 1.0 => "the worst",
        _ => return format!("above {} of {}", (rank * others.len() as f64).round(), others.len()),
    };
    word.to_owned()
}

/// A line of text that goes up and down with the figures; a gap where none was measured.
pub(crate) fn line(values: &[Option<f64>]) -> String {
    let known = || values.iter().flatten().copied();
    let (Some(least), Some(most)) = (known().reduce(f64::min), known().reduce(f64::max)) else { return String::new() };
    let step = |value: f64| match most > least {
        true => STEPS[((value - least) / (most - least) * 7.0).round() as usize],
        false => STEPS[3],
    };
    values.iter().map(|value| value.map_or(' ', step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_up_and_down_with_the_figures() {
        assert_eq!(line(&[Some(1.0), Some(8.0), None, Some(4.5)]), "▁█ ▅");
        assert_eq!(line(&[Some(2.0), Some(2.0)]), "▄▄");
        assert_eq!(line(&[None]), "");
        assert_eq!(change(-0.123), "-12.3%");
    }

    #[test]
    fn the_last_figure_is_told_by_its_place() {
        let metric = |rank, better, values: &[f64]| TrendMetric {
            last_rank: Some(rank),
            better,
            values: values.iter().copied().map(Some).collect(),
            ..TrendMetric::default()
        };
        assert_eq!(among(&metric(1.0, Better::Lower, &[1.0, 2.0])), "the worst");
        assert_eq!(among(&metric(1.0, Better::Higher, &[1.0, 2.0])), "the best");
        assert_eq!(among(&metric(0.5, Better::Lower, &[2.0, 2.0])), "the same as all");
        assert_eq!(among(&metric(0.5, Better::Lower, &[1.0, 3.0, 2.0])), "above 1 of 2");
    }
}
