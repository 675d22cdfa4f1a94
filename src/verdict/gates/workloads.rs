//! The gates of workloads: a row for each, and the worst of them.

use super::{View, told};
use crate::finding::{Finding, Gate, Metadata, Status, count, percent};
use crate::log::summary::workloads::WorkloadSummary;
use crate::time::human_seconds;
use crate::verdict::headline::{WORKLOAD, WORKLOADS};

impl View<'_> {
    /// Whether a finding is about a workload that the rehearsal does not fail with.
    pub(super) fn is_optional(&self, finding: &Finding) -> bool {
        finding.workload().is_some_and(|name| self.about.optional.iter().any(|optional| optional == name))
    }

    /// The gates of all workloads, the worst of them first; none for a run of one command.
    pub(super) fn workloads(&self) -> Vec<Gate> {
        let Some(workloads) = &self.summary.workloads else { return Vec::new() };
        let rows: Vec<Gate> = workloads.rows.iter().map(|row| self.workload(row)).collect();
        let status = Status::roll_up(rows.iter().map(|row| row.status));
        // The one that brought the end, else one that failed by itself and not for another, or by the criteria alone.
        let is_culprit = |row: &WorkloadSummary| self.about.culprit.as_ref() == Some(&row.name);
        let rank = |(row, gate): &(&WorkloadSummary, &Gate)| (!is_culprit(row), gate.raised, row.state == "skipped");
        let standing: Vec<_> =
            workloads.rows.iter().zip(&rows).filter(|(_, gate)| gate.status > Status::Pass).collect();
        let worst = standing.iter().copied().filter(|(_, gate)| gate.status == status).min_by_key(rank);
        let first = worst.map(|(row, gate)| first_of(row).unwrap_or_else(|| gate.measured.clone()));
        let gate = Gate {
            name: WORKLOADS.to_owned(),
            threshold: self.wanted().to_owned(),
            measured: match first {
                None => format!("{} as planned", count(rows.len() as u64, "workload")),
                Some(first) => told(vec![first], standing.len() as u64),
            },
            samples: rows.len() as u64,
            // An empty set is never a pass.
            status: if rows.is_empty() { Status::Fail } else { status },
            raised: rows.iter().all(|row| row.status < status || row.raised),
            follows: worst.map(|(_, gate)| gate.name.clone()),
            ..Gate::default()
        };
        let gate = gate.fixed_by("a run in which every workload does as planned");
        [gate].into_iter().chain(rows).collect()
    }

    fn workload(&self, row: &WorkloadSummary) -> Gate {
        // A waiver, or what the rehearsal does not fail with, is a WARN under any criteria.
        let status = if row.required && !row.left_out { self.accepts(row.status) } else { row.status };
        let mut parts = vec![row.state.clone()];
        parts.extend((row.restarts > 0).then(|| count(row.restarts, "restart")));
        if let Some(uptime) = row.uptime_ratio {
            let seen = [(row.probes, "probe"), (row.lines, "line")].map(|(n, noun)| (n > 0).then(|| count(n, noun)));
            let seen: Vec<_> = seen.into_iter().flatten().collect();
            parts.push(format!("up {} on {}", percent(uptime), seen.join(" and ")));
        }
        parts.extend(row.longest_silence_seconds.map(|longest| format!("longest silence {}", human_seconds(longest))));
        parts.extend(row.exit.clone());
        let first = first_of(row).map(|first| format!("; {first}")).unwrap_or_default();
        let wanted = match (row.job, row.required) {
            (true, true) => "a job that is done".to_owned(),
            (true, false) => "optional; a job that is done".to_owned(),
            (false, true) => format!("up at least {}", percent(row.min_uptime.unwrap_or_default())),
            (false, false) => format!("optional; up at least {}", percent(row.min_uptime.unwrap_or_default())),
        };
        let gate = Gate {
            name: format!("{WORKLOAD}{}", row.name),
            threshold: wanted,
            measured: format!("{}{first}", parts.join(", ")),
            samples: row.probes + row.lines,
            status,
            raised: status > row.status,
            figures: Metadata::from([("workload".to_owned(), row.name.as_str().into())]),
            ..Gate::default()
        };
        gate.fixed_by(&format!("a run in which {} does as planned", row.name))
    }

    /// The status of the logs: what is wrong with those of optional workloads is never raised.
    pub(super) fn log_status(&self) -> (Status, bool) {
        let logs = self.summary.logs.status;
        let Some(workloads) = &self.summary.workloads else { return (self.accepts(logs), self.accepts(logs) > logs) };
        let of = |required: bool| {
            Status::roll_up(workloads.rows.iter().filter(|row| row.required == required).map(|row| row.log_status))
        };
        let all = Status::roll_up(workloads.rows.iter().map(|row| row.log_status));
        let own = if logs > all { logs } else { of(true) };
        (self.accepts(own).max(of(false).min(Status::Warn)), self.accepts(own) > own)
    }
}

/// What is worst about a workload.
fn first_of(row: &WorkloadSummary) -> Option<String> {
    let first = row.findings.iter().find(|finding| finding.severity == row.status && row.status > Status::Pass);
    let of_log = || {
        (row.log_status == row.status && row.status > Status::Pass).then(|| format!("{}: {}", row.name, row.log_faults))
    };
    first.map(|finding| finding.summary.clone()).or_else(of_log)
}
