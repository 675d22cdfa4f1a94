//! The workloads of a run over time: a lane for each, below that of all required ones together.

use maud::{Markup, html};

use super::super::markup::Safe;
use super::super::svg::{LEFT, Scale, WIDTH, at, lane};
use crate::finding::{count, percent};
use crate::log::summary::Summary;
use crate::log::summary::workloads::{Stretch, WorkloadSummary};
use crate::report::view::silence;
use crate::sanitize;
use crate::supervise::record::RunRecord;
use crate::time::{Stamp, human_seconds};

/// From so many workloads on their lanes are folded away.
const FOLDED: usize = 9;
/// The height of a lane.
const HEIGHT: f64 = 46.0;
/// What is narrower than this is drawn together with what follows, where that is as narrow.
const NARROW: f64 = 2.0;
/// The longest name beside a lane.
const NAME: usize = 15;

/// How a state is drawn: the later, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// Nothing is to be seen: it is over.
    Over,
    /// It does its work.
    Up,
    /// It waits, starts or stops.
    Between,
    /// It is started again, or does not answer.
    Troubled,
    /// It hangs, has failed, or was never started.
    Down,
}

impl Look {
    fn of(state: &str) -> Self {
        match state {
            "completed" | "stopped" => Self::Over,
            "running" | "ready" => Self::Up,
            "restarting" | "unready" => Self::Troubled,
            "hung" | "failed" | "skipped" => Self::Down,
            _ => Self::Between,
        }
    }

    /// Its class and colour, and where its band begins and ends, from the top of the lane.
    fn style(self) -> (&'static str, &'static str, f64, f64) {
        match self {
            Self::Up | Self::Over => ("band", "#c5d3e0", 10.0, 34.0),
            Self::Between => ("band", "#c5d3e0", 20.0, 24.0),
            Self::Troubled => ("bw", "#c08400", 10.0, 34.0),
            Self::Down => ("be", "#ae2012", 10.0, 34.0),
        }
    }
}

/// The pictures; none if there is one command.
pub(in crate::report::page) fn section(
    summary: &Summary,
    record: Option<&RunRecord>,
    start: Stamp,
    end: Stamp,
) -> Option<Markup> {
    let all = summary.workloads.as_ref()?;
    let scale = Scale::new(start, end);
    let lanes: Vec<Markup> = (0..)
        .zip(&all.rows)
        .map(|(number, row)| workload(row, summary, record, scale, 20.0 + HEIGHT * f64::from(number)))
        .collect();
    let title = count(all.rows.len() as u64, "workload");
    let uptime = all.uptime_ratio.map_or("nothing required".to_owned(), |ratio| format!("up {}", percent(ratio)));
    let together = html! {
        (lane(20.0, 20.0 + HEIGHT, "All required", &["at once", &uptime]))
        (bands(&all.together, scale, 20.0))
    };
    let lanes = picture(scale, "workloads", &title, &lanes);
    Some(html! {
        h3 { "Workloads" }
        (legend())
        (picture(scale, "together", "When all required services were up at once", &[together]))
        @if all.rows.len() < FOLDED { (lanes) } @else { details { summary { (title) } (lanes) } }
    })
}

fn picture(scale: Scale, id: &str, title: &str, lanes: &[Markup]) -> Markup {
    let height = at(32.0 + HEIGHT * lanes.len() as f64);
    html! {
        div.picture {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } width=(WIDTH) height=(height) role="img" aria-labelledby=(id) font-family="system-ui, sans-serif" {
                title id=(id) { (title) }
                (scale.axis(20.0 + HEIGHT * lanes.len() as f64))
                @for lane in lanes { (lane) }
            }
        }
    }
}

/// The lane of one workload: its states, its silences, its restarts.
fn workload(row: &WorkloadSummary, summary: &Summary, record: Option<&RunRecord>, scale: Scale, top: f64) -> Markup {
    let gaps = summary.logs.gap_incidents.iter().filter(|gap| gap.workload() == Some(&row.name));
    let own = record.and_then(|record| record.workloads.iter().find(|own| own.name == row.name));
    let attempts = own.map_or(&[][..], |own| &own.attempts);
    let state = row.uptime_ratio.map_or(row.state.clone(), |ratio| format!("up {}", percent(ratio)));
    let second = match row.restarts {
        0 if row.uptime_ratio.is_some() => row.state.clone(),
        0 => String::new(),
        restarts => format!("{}, {}", row.state, count(restarts, "restart")),
    };
    html! {
        g {
            title { (Safe(&row.name)) ": " (Safe(&row.state)) " (" (Safe(&sanitize::shorten(&row.because, 120))) ")" }
            (lane(top, top + HEIGHT, &sanitize::shorten(&row.name, NAME), &[&state, &second]))
            (bands(&row.course, scale, top))
        }
        @for (from, to) in gaps.filter_map(silence) {
            rect x=(at(scale.x(from))) y=(at(top + 10.0)) width=(at((scale.x(to) - scale.x(from)).max(1.0))) height="24" fill="url(#hatch)" {
                title { "silence of " (human_seconds(to.seconds_since(from))) }
            }
        }
        @for attempt in attempts.iter().filter(|attempt| attempt.number > 1) {
            @let x = at(scale.x(attempt.started_at));
            line x1=(x) x2=(x) y1=(at(top + 5.0)) y2=(at(top + 39.0)) class="sf" stroke="#ae2012" stroke-width="2" {
                title { "restart at " (attempt.started_at.human()) }
            }
        }
    }
}

/// States as bands, each kind as one path: a workload may have changed its state thousands of times.
fn bands(course: &[Stretch], scale: Scale, top: f64) -> Markup {
    let mut drawn: Vec<(f64, f64, Look)> = Vec::new();
    for stretch in course {
        let (left, right, look) = (scale.x(stretch.from), scale.x(stretch.to), Look::of(&stretch.state));
        match drawn.last_mut() {
            // The worst of what is too short to be seen is seen.
            Some((from, to, known)) if *known == look || (*to - *from).max(right - left) < NARROW => {
                (*to, *known) = (right, look.max(*known));
            }
            _ => drawn.push((left, right, look)),
        }
    }
    drawn.dedup_by(|next, last| {
        let same = next.2 == last.2;
        if same {
            last.1 = next.1;
        }
        same
    });
    let kinds = [Look::Up, Look::Between, Look::Troubled, Look::Down];
    let path = |kind: Look| {
        let (_, _, above, below) = kind.style();
        let of_kind = drawn.iter().filter(|(_, _, look)| *look == kind);
        let bars = of_kind.map(|(left, right, _)| {
            let (x, width) = (at(left.max(LEFT)), at((right - left).max(1.0)));
            format!("M{x} {}h{width}v{}h-{width}z", at(top + above), at(below - above))
        });
        bars.collect::<String>()
    };
    html! {
        @for kind in kinds {
            @let (class, fill, ..) = kind.style();
            @let path = path(kind);
            @if !path.is_empty() { path d=(path) class=(class) fill=(fill) {} }
        }
    }
}

fn legend() -> Markup {
    let one = |look: Look, text: &str| {
        let (class, fill, above, below) = look.style();
        let (y, height) = (at((above - 10.0) / 2.0), at((below - above) / 2.0));
        html! { li { svg width="12" height="12" aria-hidden="true" { rect width="12" y=(y) height=(height) class=(class) fill=(fill) {} } (text) } }
    };
    html! {
        ul.legend {
            (one(Look::Up, "up"))
            (one(Look::Between, "waits, starts or stops"))
            (one(Look::Troubled, "restarts, or is not ready"))
            (one(Look::Down, "hangs, failed or skipped"))
            li { svg width="6" height="12" aria-hidden="true" { rect x="2" width="2" height="12" class="ff" fill="#ae2012" {} } "restart" }
            li { svg width="12" height="12" aria-hidden="true" { rect width="12" height="12" fill="url(#hatch)" {} } "silence" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_often_is_drawn_as_its_worst_and_little() {
        let start = Stamp::parse("2025-03-03T08:00:00Z").unwrap();
        let at = |seconds: u64| start.plus(std::time::Duration::from_secs(seconds));
        let stretch = |from: u64, to: u64, state: &str| Stretch { from: at(from), to: at(to), state: state.to_owned() };
        let scale = Scale::new(start, at(100_000));
        let restless: Vec<Stretch> = (0..50_000)
            .flat_map(|n| [stretch(2 * n, 2 * n + 1, "ready"), stretch(2 * n + 1, 2 * n + 2, "unready")])
            .collect();
        let drawn = bands(&restless, scale, 0.0).0;
        assert!(drawn.len() < 100 && drawn.contains("class=\"bw\""), "{} bytes: {drawn}", drawn.len());
        let calm = [stretch(0, 10, "starting"), stretch(10, 90_000, "ready"), stretch(90_000, 100_000, "failed")];
        let drawn = bands(&calm, scale, 0.0).0;
        assert!(drawn.contains("h802.7v24") && drawn.contains("h89.2v24h-89.2z\" class=\"be\""), "{drawn}");
    }
}
