//! The verdict of a rehearsal.

use super::figures::{Spread, more_to_decide, wilson};
use super::read::Records;
use super::{Course, Expected, Fired, Limits, Rehearsal, matching, tally};
use crate::finding::{Finding, Gate, Status, count};
use crate::time::human_seconds;

/// Matches, counts and judges.
pub(crate) fn judge(expected: &Records<Expected>, fired: &Records<Fired>, limits: Limits) -> Rehearsal {
    let mut findings: Vec<Finding> = expected.faults.iter().chain(&fired.faults).cloned().collect();
    let owner = matching::assign(&expected.records, &fired.records, limits.match_window, limits.max_skew);
    let tally = tally::count(&expected.records, &fired.records, &owner);
    findings.extend(oddities(&expected.records, &fired.records, &owner, tally.early));
    let total = &tally.total;
    let more = more_to_decide(total.false_positives, total.fired, limits.max_noise);
    let interval = wilson(total.false_positives, total.fired);
    let mut gates = vec![evidence(total, &findings)];
    if total.expected > 0 && total.fired > 0 {
        gates.push(noise(total, &limits));
        gates.push(Gate {
            name: "misses".to_owned(),
            threshold: format!("at most {}", limits.max_misses),
            measured: format!("{} of {}", total.misses, count(total.expected, "incident")),
            samples: total.expected,
            status: if total.misses > limits.max_misses { Status::Fail } else { Status::Pass },
            ..Gate::default()
        });
        gates.extend(latency(total, &limits));
        let means = limits.means;
        let spreads = [&total.latency_seconds, &tally.acknowledge, &tally.resolve];
        let asked =
            [("mttd", means.max_mttd_seconds), ("mtta", means.max_mtta_seconds), ("mttr", means.max_mttr_seconds)];
        gates.extend(
            asked.into_iter().zip(spreads).filter_map(|((name, most), spread)| mean(name, most?, spread.as_ref())),
        );
    }
    gates.sort_by_key(|gate| std::cmp::Reverse(gate.status));
    Rehearsal {
        status: Status::roll_up(gates.iter().map(|gate| gate.status)),
        limits,
        gates,
        noise_interval: interval,
        alerts_to_decide: more,
        total: tally.total,
        tiers: tally.tiers,
        rules: tally.rules,
        noise_drivers: tally.drivers,
        missed: tally.missed,
        storm: tally.storm,
        time_to_acknowledge: tally.acknowledge,
        time_to_resolve: tally.resolve,
        findings,
        course: course(&expected.records, &fired.records, &owner),
    }
}

fn course(expected: &[Expected], fired: &[Fired], owner: &[Option<usize>]) -> Course {
    let mut first = std::collections::BTreeMap::new();
    for (alert, owner) in fired.iter().zip(owner) {
        if let Some(incident) = owner {
            let latency = alert.at.seconds_since(expected[*incident].at).max(0.0);
            let known = first.entry(*incident).or_insert(latency);
            *known = known.min(latency);
        }
    }
    Course {
        fired: fired.iter().zip(owner).map(|(alert, owner)| (alert.at, owner.is_none())).collect(),
        latencies: first.into_values().collect(),
    }
}

/// Nothing measured, or measured on a part of the files only, is never a pass.
fn evidence(total: &tally::Counts, findings: &[Finding]) -> Gate {
    let worst = Status::roll_up(findings.iter().map(|finding| finding.severity));
    let faults = findings.iter().filter(|finding| finding.severity == Status::Fail).count();
    let (status, measured) = match (total.expected, total.fired) {
        (0, 0) => (Status::Fail, "nothing was measured: no expected incidents and no alerts".to_owned()),
        (0, _) => (Status::Fail, "nothing was measured: no expected incidents".to_owned()),
        (_, 0) => (Status::Fail, "nothing was measured: no alerts".to_owned()),
        (expected, fired) if faults > 0 => (
            worst,
            format!(
                "{} and {}, but {} in the files",
                count(expected, "incident"),
                count(fired, "alert"),
                count(faults as u64, "fault")
            ),
        ),
        (expected, fired) => {
            let note = findings.iter().find(|finding| finding.metadata.contains_key("missing_alerts"));
            let note = note.map(|finding| format!("; {}", finding.summary)).unwrap_or_default();
            (worst, format!("{}, {}{note}", count(expected, "incident"), count(fired, "alert")))
        }
    };
    Gate {
        name: "evidence".to_owned(),
        threshold: "every record usable".to_owned(),
        measured,
        samples: total.expected + total.fired,
        status,
        ..Gate::default()
    }
}

fn noise(total: &tally::Counts, limits: &Limits) -> Gate {
    let raw = total.noise.unwrap_or(1.0);
    // Equal alerts that fire again and again must not make the false ones look few.
    let ratio = raw.max(total.distinct_noise.unwrap_or(1.0));
    let interval = wilson(total.false_positives, total.fired);
    let range = interval.map_or(String::new(), |i| format!(", 95% interval {} to {}", percent(i.low), percent(i.high)));
    Gate {
        name: "noise".to_owned(),
        threshold: format!("at most {}", percent(limits.max_noise)),
        measured: format!(
            "{} ({} of {} alerts{range}); distinct: {} ({} of {})",
            percent(raw),
            total.false_positives,
            total.fired,
            percent(total.distinct_noise.unwrap_or(1.0)),
            total.distinct_false_positives,
            total.distinct
        ),
        samples: total.fired,
        status: if ratio > limits.max_noise { Status::Fail } else { Status::Pass },
        ..Gate::default()
    }
}

/// A mean against its limit. What was never measured is a FAIL: no incident was detected, acknowledged or resolved.
fn mean(name: &str, most: f64, spread: Option<&Spread>) -> Option<Gate> {
    let (measured, samples, status) = match spread {
        Some(spread) => {
            let text = format!("mean {}, worst {}", human_seconds(spread.mean), human_seconds(spread.max));
            (text, spread.samples, if spread.mean > most { Status::Fail } else { Status::Pass })
        }
        None => ("nothing was measured".to_owned(), 0, Status::Fail),
    };
    let threshold = format!("mean at most {}", human_seconds(most));
    Some(Gate { name: name.to_owned(), threshold, measured, samples, status, ..Gate::default() })
}

fn latency(total: &tally::Counts, limits: &Limits) -> Option<Gate> {
    let baseline = limits.baseline_latency_seconds?;
    let (measured, samples, slower) = match &total.latency_seconds {
        Some(latency) => (format!("mean {}", human_seconds(latency.mean)), latency.samples, latency.mean > baseline),
        None => ("no incident was detected".to_owned(), 0, true),
    };
    Some(Gate {
        name: "latency".to_owned(),
        threshold: format!("mean at most {}", human_seconds(baseline)),
        measured,
        samples,
        status: if slower { Status::Warn } else { Status::Pass },
        ..Gate::default()
    })
}

/// `3.1 %`; more digits where one would hide the difference to zero.
pub(super) fn percent(ratio: f64) -> String {
    let value = ratio * 100.0;
    if value > 0.0 && value < 0.05 { format!("{value:.3}%") } else { format!("{value:.1}%") }
}

/// Things that a reader should know about how alerts and incidents met.
fn oddities(expected: &[Expected], fired: &[Fired], owner: &[Option<usize>], early: u64) -> Vec<Finding> {
    let (mut strangers, mut tiers, mut before) = (0_u64, 0_u64, 0_u64);
    for (alert, owner) in fired.iter().zip(owner) {
        match owner.map(|incident| &expected[incident]) {
            None => strangers += u64::from(alert.incident.is_some()),
            Some(incident) => {
                tiers += u64::from(matches!((&alert.tier, &incident.tier), (Some(a), Some(b)) if a != b));
            }
        }
        let early = |at: Option<crate::time::Stamp>| at.is_some_and(|at| at < alert.at);
        before += u64::from(early(alert.acked_at) || early(alert.resolved_at));
    }
    use Status::{Pass, Warn};
    [
        (
            strangers,
            Warn,
            "alerts name an incident that they cannot belong to (unknown, of another rule, or outside the match window): \
             each is a false positive",
        ),
        (before, Warn, "alerts were acknowledged or resolved before they fired: left out of those times"),
        (tiers, Pass, "alerts carry another tier than their incident: counted under the incident's"),
        (early, Pass, "incidents have an alert dated before their start: its latency counts as zero"),
    ]
    .into_iter()
    .filter(|(count, ..)| *count > 0)
    .map(|(count, severity, text)| Finding::new(severity, format!("{count} {text}")).with("count", count))
    .collect()
}
