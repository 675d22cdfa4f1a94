//! The pages of `stage-smoke` and `stage-alerts`.

use maud::{Markup, html};

use super::bars::{self, FAIL, PLAIN, Part, Row, WARN};
use super::svg::{LEFT, RIGHT, Scale, WIDTH, at, lane};
use super::{document, latency};
use crate::finding::{count, thousands};
use crate::log::summary::Bucket;
use crate::log::totals::histogram;
use crate::report::Doc;
use crate::stage::rehearsal::Rehearsal;
use crate::stage::smoke::{Report, StepState};
use crate::time::{Stamp, human_seconds};

/// The page of a smoke run: its steps as a waterfall.
pub(crate) fn stage_smoke(doc: &Doc, report: &Report, made_at: Stamp) -> String {
    document::page(doc, vec![("Waterfall", waterfall(report))], made_at)
}

/// Each step from its request to its answer or event, over the time of the run.
fn waterfall(report: &Report) -> Markup {
    const PARTS: [Part; 3] =
        [Part::new("passed", PLAIN), Part::new("slower than its limit", WARN), Part::new("failed", FAIL)];
    let rows: Vec<Row> = report
        .steps
        .iter()
        .filter(|step| step.state != StepState::Skipped)
        .map(|step| {
            let length = step.latency_ms.unwrap_or(0).max(u64::from(step.state == StepState::Passed)) as f64;
            let part = match step.state {
                StepState::Passed if step.slower_than_ms.is_none() => 0,
                StepState::Passed => 1,
                _ => 2,
            };
            let mut values = vec![0.0; PARTS.len()];
            values[part] = length;
            let text = match (step.state, step.latency_ms) {
                (StepState::NotReached, _) => "not reached".to_owned(),
                (StepState::Failed, _) => "failed".to_owned(),
                (_, Some(0)) => "<1ms".to_owned(),
                (_, Some(ms)) => format!("{ms}ms"),
                (_, None) => String::new(),
            };
            Row { name: step.step.word().to_owned(), offset: step.started_ms.unwrap_or(0) as f64, values, text }
        })
        .collect();
    let took = human_seconds(report.duration_ms as f64 / 1000.0);
    bars::chart(&PARTS, &rows, &format!("Each step from its request to its answer or event; the run took {took}."))
}

/// The page of an observation, an alert rehearsal, or both.
pub(crate) fn stage_alerts(doc: &Doc, rehearsal: Option<&Rehearsal>, made_at: Stamp) -> String {
    let mut pictures = Vec::new();
    if let Some(found) = rehearsal {
        let seen = latency::histogram(&found.course.latencies, "From an incident to its first alert", "incident");
        pictures.extend(seen.map(|seen| ("Latency", seen)));
        if !found.rules.is_empty() {
            pictures.push(("Noise by rule", noise(found)));
        }
        pictures.extend(storms(found).map(|storms| ("Alerts over time", storms)));
    }
    document::page(doc, pictures, made_at)
}

/// What the alerts of each rule were, the noisiest first.
fn noise(found: &Rehearsal) -> Markup {
    const PARTS: [Part; 3] =
        [Part::new("detections", PLAIN), Part::new("duplicates and flaps", WARN), Part::new("false", FAIL)];
    let mut rules: Vec<_> = found.rules.iter().filter(|(_, counts)| counts.fired > 0).collect();
    rules.sort_by_key(|(name, counts)| (std::cmp::Reverse((counts.false_positives, counts.fired)), name.as_str()));
    let row = |(name, counts): &(&String, &crate::stage::rehearsal::Counts)| Row {
        name: (*name).clone(),
        offset: 0.0,
        values: [counts.true_positives, counts.duplicates + counts.flaps, counts.false_positives]
            .map(|number| number as f64)
            .to_vec(),
        text: format!("{} of {} false", thousands(counts.false_positives), thousands(counts.fired)),
    };
    let rows: Vec<Row> = rules.iter().map(row).collect();
    let limit = found.limits.max_noise * 100.0;
    bars::chart(&PARTS, &rows, &format!("Alerts by rule; at most {limit:.1} % may be false."))
}

/// Alerts over time, with the busiest minutes behind them.
fn storms(found: &Rehearsal) -> Option<Markup> {
    const BOTTOM: f64 = 130.0;
    let bucket = |(start, noise): &(Stamp, bool)| Bucket {
        start: *start,
        seconds: 0.5,
        records: 1,
        warnings: 0,
        errors: u64::from(*noise),
    };
    let fired = &found.course.fired;
    let (first, last) = (fired.iter().map(|(at, _)| *at).min()?, fired.iter().map(|(at, _)| *at).max()?);
    let each: Vec<Bucket> = fired.iter().map(bucket).collect();
    let rows = histogram::spread(&each, first, last, 200);
    let (start, end) = (rows.first()?.start, rows.last()?.end());
    let scale = Scale::new(start, end);
    let peak = rows.iter().map(|row| row.records).max().unwrap_or(1).max(1);
    let unit = (BOTTOM - 40.0) / peak as f64;
    let storm = found.storm.as_ref().filter(|storm| storm.alerts > 1);
    let says = storm.map_or_else(
        || format!("{} over time.", count(fired.len() as u64, "alert")),
        |storm| {
            format!(
                "{} over time; the busiest {} from {} had {}.",
                count(fired.len() as u64, "alert"),
                human_seconds(storm.seconds as f64),
                storm.at.human(),
                thousands(storm.alerts)
            )
        },
    );
    let most = format!("peak {}", thousands(peak));
    let filled = rows.iter().filter(|row| row.records > 0);
    Some(html! {
        figure.picture {
            svg viewBox={ "0 0 " (at(WIDTH)) " 140" } width=(at(WIDTH)) height="140" role="img" aria-label=(says) font-family="system-ui, sans-serif" {
                (scale.axis(BOTTOM))
                (lane(22.0, BOTTOM, "Alerts", &[&most, "false in red"]))
                @if let Some(storm) = storm {
                    @let left = scale.x(storm.at);
                    @let right = scale.x(storm.at.plus(std::time::Duration::from_secs(storm.seconds)));
                    rect x=(at(left)) y="24" width=(at((right - left).clamp(2.0, RIGHT - LEFT))) height=(at(BOTTOM - 24.0)) class="hatch" fill="#f6e8c4" {}
                }
                @for row in filled {
                    @let left = scale.x(row.start);
                    @let width = (scale.x(row.end()) - left - 0.6).max(1.0);
                    @let (all, bad) = (row.records as f64 * unit, row.errors as f64 * unit);
                    rect x=(at(left)) y=(at(BOTTOM - all)) width=(at(width)) height=(at(all)) class="bi" fill="#7f9bb8" {}
                    @if row.errors > 0 {
                        rect x=(at(left)) y=(at(BOTTOM - all)) width=(at(width)) height=(at(bad.max(1.0))) class="be" fill="#ae2012" {}
                    }
                }
            }
            figcaption { (says) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Gate, Status};

    #[test]
    fn a_rehearsal_without_alerts_has_no_picture_of_nothing() {
        let limits = crate::stage::rehearsal::Limits {
            means: Default::default(),
            max_noise: 0.05,
            max_misses: 0,
            baseline_latency_seconds: None,
            match_window: std::time::Duration::from_secs(900),
            max_skew: std::time::Duration::ZERO,
        };
        let none = crate::stage::rehearsal::read::Records { records: Vec::new(), faults: Vec::new() };
        let none_fired = crate::stage::rehearsal::read::Records { records: Vec::new(), faults: Vec::new() };
        let found = crate::stage::rehearsal::judge(&none, &none_fired, limits);
        assert_eq!(Status::roll_up(found.gates.iter().map(|gate: &Gate| gate.status)), Status::Fail);
        let page = stage_alerts(&Doc::new("x"), Some(&found), Stamp::from_seconds(0).unwrap());
        assert!(!page.contains("<figure"), "{page}");
    }
}
