//! Gates that hold a run against earlier ones.

use super::{View, causes, told, worst};
use crate::finding::{Finding, Gate, Status, count};
use crate::log::summary::comparison::{BASELINE, TREND};
use crate::verdict::baseline::shown;

impl View<'_> {
    /// Whether the run is as good as accepted ones. A WARN of it stays one under any criteria: one noisy run decides
    /// nothing.
    pub(super) fn baseline(&self) -> Option<Gate> {
        let baseline = self.summary.baseline.as_ref()?;
        let runs = count(baseline.compared, "earlier one");
        let clean = match baseline.metrics.len() as u64 {
            0 => "what was named is sound".to_owned(),
            figures => format!("{} no worse than in {runs}", count(figures, "figure")),
        };
        let worse =
            baseline.metrics.iter().filter(|figure| figure.status > Status::Pass && figure.status == baseline.status);
        let worse: Vec<String> = worse
            .map(|figure| {
                let [now, expected] = [figure.value, figure.expected].map(|value| shown(value, &figure.unit));
                format!("{} {now} instead of {expected}", figure.name)
            })
            .collect();
        let total = worse.len() as u64;
        let mut gate = of(BASELINE, "no worse than accepted runs", &baseline.findings, baseline.compared, &clean);
        if total > 0 {
            // The findings say by which rule.
            gate.measured = told(worse, total);
            return Some(gate.fixed_by("a run as good as those, or other baselines where the change is meant"));
        }
        Some(gate.fixed_by("accepted runs of the same command, length and machine to compare with"))
    }

    /// Whether nothing gets worse and worse; in the same way.
    pub(super) fn trend(&self) -> Option<Gate> {
        let trend = self.summary.trend.as_ref()?;
        let runs = trend.runs.len() as u64;
        let clean = format!("{} over {}", count(trend.metrics.len() as u64, "figure"), count(runs, "run"));
        let gate = of(TREND, "no figure worse four times in a row", &trend.findings, runs, &clean);
        Some(gate.fixed_by("runs named in the order of time, of which the last is no worse than those before it"))
    }
}

fn of(name: &str, threshold: &str, findings: &[Finding], samples: u64, clean: &str) -> Gate {
    let first = worst(findings);
    let total = findings.iter().filter(|finding| finding.severity > Status::Pass).count() as u64;
    Gate {
        name: name.to_owned(),
        threshold: threshold.to_owned(),
        measured: first.map_or_else(|| clean.to_owned(), |first| told(causes(findings, first.severity), total)),
        samples,
        status: first.map(|first| first.severity).unwrap_or_default(),
        evidence: first.and_then(|first| first.place.as_ref()).map(ToString::to_string),
        ..Gate::default()
    }
}
