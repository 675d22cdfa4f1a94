//! Histograms of latencies: bars over round limits, with the figures in words.

use maud::{Markup, html};

use super::svg::at;
use crate::finding::{count, thousands};
use crate::stage::rehearsal::figures::percentile;
use crate::time::human_seconds;

/// The upper limits of the bars, in seconds; slower ones have a bar of their own.
const LIMITS: [f64; 14] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 21_600.0];
/// The width of a bar with its gap, and the height of the highest.
const STEP: f64 = 48.0;
const HIGH: f64 = 78.0;

/// The picture of latencies in seconds, and one sentence about them. `what` says from what to what they are, `noun` is
/// what they are of; none if there are none.
pub(super) fn histogram(latencies: &[f64], what: &str, noun: &str) -> Option<Markup> {
    let mut sorted: Vec<f64> = latencies.iter().copied().filter(|seconds| seconds.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let slowest = *sorted.last()?;
    let bar_of = |seconds: f64| LIMITS.iter().position(|limit| seconds <= *limit).unwrap_or(LIMITS.len());
    let mut bars = vec![0_u64; LIMITS.len() + 1];
    sorted.iter().for_each(|seconds| bars[bar_of(*seconds)] += 1);
    let (first, last) = (bar_of(sorted[0]), bar_of(slowest));
    // With neighbours, so that one bar alone has a scale.
    let (first, last) = (first.saturating_sub(1), (last + 1).min(LIMITS.len()));
    let most = bars.iter().copied().max().unwrap_or(1).max(1);
    let label = |bar: usize| match LIMITS.get(bar) {
        Some(limit) => format!("≤ {}", human_seconds(*limit)),
        None => format!("> {}", human_seconds(LIMITS[LIMITS.len() - 1])),
    };
    let says = format!(
        "{what}: median {}, 90\u{a0}% within {}, slowest {} ({}).",
        human_seconds(percentile(&sorted, 50)),
        human_seconds(percentile(&sorted, 90)),
        human_seconds(slowest),
        count(sorted.len() as u64, noun)
    );
    let width = STEP * (last - first + 1) as f64;
    Some(html! {
        figure.chart {
            svg viewBox={ "0 0 " (at(width)) " 118" } width=(at(width)) height="118" role="img" aria-label=(says) font-family="system-ui, sans-serif" {
                @for bar in first..=last {
                    @let left = STEP * (bar - first) as f64;
                    @let height = if bars[bar] == 0 { 0.0 } else { (bars[bar] as f64 / most as f64 * HIGH).max(2.0) };
                    @if bars[bar] > 0 {
                        rect x=(at(left + 4.0)) y=(at(96.0 - height)) width=(at(STEP - 8.0)) height=(at(height)) class="bi" fill="#7f9bb8" {}
                        text x=(at(left + STEP / 2.0)) y=(at(92.0 - height)) text-anchor="middle" class="lt" font-size="11" fill="#17202a" { (thousands(bars[bar])) }
                    }
                    text x=(at(left + STEP / 2.0)) y="111" text-anchor="middle" class="ls" font-size="10" fill="#566270" { (label(bar)) }
                }
                line x1="0" x2=(at(width)) y1="96.5" y2="96.5" class="axis" stroke="#566270" {}
            }
            figcaption { (says) }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_in_a_bar_and_the_sentence_gives_the_figures() {
        let page = histogram(&[0.05, 0.3, 0.3, 40.0, 1e9], "From a to b", "incident").unwrap().0;
        assert!(page.contains("median 300ms, 90\u{a0}% within 11574d"), "{page}");
        assert_eq!(page.matches("<rect").count(), 4);
        assert!(page.contains(">2</text>") && page.contains("(5 incidents)"), "{page}");
        assert!(histogram(&[], "", "").is_none());
    }
}
