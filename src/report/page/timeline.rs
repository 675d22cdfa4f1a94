//! The course of a run as one picture: lanes over one axis of time.

pub(super) mod workloads;

use maud::{Markup, html};

use super::markup::Safe;
use super::series::thin;
use super::svg::{LEFT, RIGHT, Scale, WIDTH, at, lane, nothing};
use crate::finding::{Status, count, thousands};
use crate::log::summary::Bucket;
use crate::log::totals::histogram::spread;
use crate::sanitize;
use crate::supervise::record::Attempt;
use crate::time::{Stamp, human_seconds};

/// Something that happened, once or several times.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    /// How bad it is.
    pub(crate) severity: Status,
    /// The first time.
    pub(crate) first: Stamp,
    /// The last time.
    pub(crate) last: Option<Stamp>,
    /// How often.
    pub(crate) count: u64,
    /// What it is.
    pub(crate) text: String,
}

/// A figure over time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curve {
    /// The name of the lane.
    pub(crate) name: String,
    /// What is measured, and in which unit.
    pub(crate) what: String,
    /// How a value is written.
    pub(crate) unit: Unit,
    /// In the order of time.
    pub(crate) points: Vec<(Stamp, f64)>,
    /// Named limits.
    pub(crate) limits: Vec<(f64, Status)>,
}

/// How a figure is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A percentage.
    #[default]
    Percent,
    /// Mebibytes.
    Mebibytes,
    /// Seconds.
    Seconds,
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:.1}%"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Seconds => human_seconds(value),
        }
    }
}

/// What the picture shows.
#[derive(Clone, Debug)]
pub(crate) struct Timeline<'a> {
    /// Where the axis begins.
    pub(crate) start: Stamp,
    /// Where it ends.
    pub(crate) end: Stamp,
    /// Records over time.
    pub(crate) buckets: &'a [Bucket],
    /// Silences that were found.
    pub(crate) silences: Vec<(Stamp, Stamp)>,
    /// What happened.
    pub(crate) marks: Vec<Mark>,
    /// Each start of the command; none if several workloads have lanes of their own.
    pub(crate) attempts: Option<&'a [Attempt]>,
    /// Figures of the process and ages of the evidence.
    pub(crate) curves: Vec<Curve>,
}

/// At most this many bars are drawn.
const BUCKETS: i64 = 240;
/// At most this many marks are drawn, the worst first.
const MARKS: usize = 100;

/// The picture with its legend.
pub(crate) fn picture(timeline: &Timeline<'_>) -> Markup {
    let scale = Scale::new(timeline.start, timeline.end);
    let mut top = 20.0;
    let mut lanes = Vec::new();
    for (height, draw) in [(114.0, lines as Draw), (58.0, marks)] {
        lanes.push(draw(timeline, scale, top, top + height));
        top += height + 12.0;
    }
    if let Some(all) = timeline.attempts {
        lanes.push(attempts(all, scale, top, top + 40.0));
        top += 52.0;
    }
    for curve in &timeline.curves {
        lanes.push(curve_lane(curve, scale, top, top + 46.0));
        top += 58.0;
    }
    let about = format!(
        "From {} to {}: log lines over time, incidents, attempts of the command, and the figures that were measured. \
         The tables of this page hold the same facts.",
        timeline.start.human(),
        timeline.end.human()
    );
    html! {
        (legend())
        div.picture {
            svg viewBox={ "0 0 " (WIDTH) " " (at(top)) } width=(WIDTH) height=(at(top)) role="img" aria-labelledby="course course-about" font-family="system-ui, sans-serif" {
                title id="course" { "Course of the run" }
                desc id="course-about" { (about) }
                defs {
                    pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                        rect width="7" height="7" fill="#f6e8c4" class="hatch" {}
                        line x1="0" y1="0" x2="0" y2="7" stroke="#c08400" stroke-width="2" stroke-opacity=".5" {}
                    }
                }
                (scale.axis(top - 12.0))
                @for lane in &lanes { (lane) }
            }
        }
    }
}

type Draw = fn(&Timeline<'_>, Scale, f64, f64) -> Markup;

fn legend() -> Markup {
    let square = |class: &str, fill: &str, text: &str| {
        html! { li { svg width="12" height="12" aria-hidden="true" { rect width="12" height="12" class=(class) fill=(fill) {} } (text) } }
    };
    let shape = |path: &str, class: &str, fill: &str, text: &str| {
        html! { li { svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true" { path d=(path) class=(class) fill=(fill) {} } (text) } }
    };
    html! {
        ul.legend {
            (square("bi", "#7f9bb8", "lines"))
            (square("bw", "#c08400", "warnings"))
            (square("be", "#ae2012", "errors"))
            (shape("M7 1l6 6l-6 6l-6 -6z", "ff", "#ae2012", "FAIL incident"))
            (shape("M7 1l6 11h-12z", "fw", "#c08400", "WARN incident"))
            (square("", "url(#hatch)", "silence"))
        }
    }
}

/// Log lines in their buckets: errors on top, then warnings; silences behind them.
fn lines(timeline: &Timeline<'_>, scale: Scale, top: f64, bottom: f64) -> Markup {
    let all = spread(timeline.buckets, timeline.start, timeline.end, BUCKETS);
    let shown: Vec<&Bucket> = all.iter().filter(|bucket| bucket.records > 0).collect();
    let peak = shown.iter().map(|bucket| bucket.records).max().unwrap_or(0);
    let width = shown.first().map_or(0.0, |bucket| bucket.seconds);
    let (per, most) = (format!("per {}", human_seconds(width)), format!("peak {}", thousands(peak)));
    let under: &[&str] = if peak > 0 { &[&per, &most] } else { &[] };
    let unit = (bottom - top - 18.0) / peak.max(1) as f64;
    let bars: Vec<Bar> = shown.iter().flat_map(|bucket| stack(bucket, scale, bottom, unit)).collect();
    html! {
        (lane(top, bottom, "Log lines", under))
        @for (from, to) in &timeline.silences {
            @let (left, right) = (scale.x(*from), scale.x(*to));
            rect x=(at(left)) y=(at(top + 2.0)) width=(at((right - left).max(1.0))) height=(at(bottom - top - 2.0)) fill="url(#hatch)" {
                title { "silence of " (human_seconds(to.seconds_since(*from))) }
            }
            @if right - left > 60.0 {
                text x=(at(f64::midpoint(left, right))) y=(at(top + 15.0)) text-anchor="middle" class="lt" font-size="11" fill="#17202a" {
                    (human_seconds(to.seconds_since(*from))) " silent"
                }
            }
        }
        @for (class, fill, path) in paths(&bars) { path d=(path) class=(class) fill=(fill) {} }
        @if peak == 0 { (nothing(top, bottom)) }
    }
}

/// The bars of each kind as one path: hundreds of rectangles would be the largest part of the page.
fn paths(bars: &[Bar]) -> Vec<(&'static str, &'static str, String)> {
    let mut paths: Vec<(&str, &str, String)> = Vec::new();
    for Bar { left, top, width, height, class, fill } in bars {
        let (x, y, w, h) = (at(*left), at(*top), at(*width), at(*height));
        let bar = format!("M{x} {y}h{w}v{h}h-{w}z");
        match paths.iter_mut().find(|(known, ..)| known == class) {
            Some((.., path)) => path.push_str(&bar),
            None => paths.push((class, fill, bar)),
        }
    }
    paths
}

/// One rectangle of the log lines.
struct Bar {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    class: &'static str,
    fill: &'static str,
}

/// The rectangles of one bucket; `unit` is the height of one record.
fn stack(bucket: &Bucket, scale: Scale, bottom: f64, unit: f64) -> Vec<Bar> {
    let left = scale.x(bucket.start);
    let width = (scale.x(bucket.end()) - left - 0.6).max(0.8);
    let plain = bucket.records.saturating_sub(bucket.warnings + bucket.errors);
    let mut top = bottom;
    let mut bars = Vec::new();
    for (records, class, fill) in
        [(plain, "bi", "#7f9bb8"), (bucket.warnings, "bw", "#c08400"), (bucket.errors, "be", "#ae2012")]
    {
        if records > 0 {
            // What is there must be seen, however little it is.
            let height = (records as f64 * unit).max(1.0);
            top -= height;
            bars.push(Bar { left, top, width, height, class, fill });
        }
    }
    bars
}

/// Incidents: those that fail above, those that warn below, each with a tail to its last occurrence.
fn marks(timeline: &Timeline<'_>, scale: Scale, top: f64, bottom: f64) -> Markup {
    let mut all: Vec<&Mark> = timeline.marks.iter().collect();
    all.sort_by_key(|mark| (std::cmp::Reverse(mark.severity), mark.first));
    let total: u64 = all.iter().map(|mark| mark.count).sum();
    let says = match all.len() as u64 {
        0 => "none".to_owned(),
        kinds => format!("{} in {}", thousands(total), count(kinds, "kind")),
    };
    html! {
        (lane(top, bottom, "Incidents", &[&says]))
        @for mark in all.into_iter().take(MARKS) {
            @let x = scale.x(mark.first);
            @let (y, path, fill, class, stroke) = match mark.severity {
                Status::Fail => (top + 12.0, "l6 6l-6 6l-6 -6z", "#ae2012", "ff", "sf"),
                _ => (top + 34.0, "l6 11h-12z", "#c08400", "fw", "sw"),
            };
            @if let Some(last) = mark.last.filter(|last| *last > mark.first) {
                line x1=(at(x)) x2=(at(scale.x(last))) y1=(at(y)) y2=(at(y)) class=(stroke) stroke=(fill) stroke-width="3" stroke-opacity=".35" {}
            }
            g {
                path d={ "M" (at(x)) " " (at(y - 6.0)) (path) } class=(class) fill=(fill) {}
                title { (mark.severity.label()) " " (mark.first.human()) " " (Safe(&sanitize::shorten(&mark.text, 80))) @if mark.count > 1 { " (" (thousands(mark.count)) " times)" } }
            }
        }
    }
}

/// Each start of the command, with why it ended.
fn attempts(all: &[Attempt], scale: Scale, top: f64, bottom: f64) -> Markup {
    let number = count(all.len() as u64, "attempt");
    let lane_text: [&str; 1] = [&number];
    html! {
        (lane(top, bottom, "Process", &lane_text))
        @for attempt in all {
            @let left = scale.x(attempt.started_at);
            @let right = attempt.ended_at.map_or(RIGHT, |ended| scale.x(ended));
            @let why = attempt.reason.as_deref().unwrap_or("was not seen to end");
            @let text = format!("#{} {why}", attempt.number);
            g {
                rect x=(at(left)) y=(at(top + 8.0)) width=(at((right - left).max(1.5))) height="20" rx="3" class="band" fill="#c5d3e0" {}
                @if right - left > 7.0 * text.chars().count() as f64 {
                    text x=(at(left + 6.0)) y=(at(top + 22.0)) class="lt" font-size="11" fill="#17202a" { (Safe(&text)) }
                }
                title { (Safe(&text)) }
            }
            @if attempt.number > 1 {
                line x1=(at(left)) x2=(at(left)) y1=(at(top + 2.0)) y2=(at(bottom)) class="sf" stroke="#ae2012" stroke-width="2" {}
            }
        }
        @if all.is_empty() { (nothing(top, bottom)) }
    }
}

/// A figure with its limits.
fn curve_lane(curve: &Curve, scale: Scale, top: f64, bottom: f64) -> Markup {
    let peak = curve.points.iter().map(|(_, value)| *value).fold(f64::NAN, f64::max);
    let ceiling = curve.limits.iter().map(|(limit, _)| *limit).fold(peak, f64::max) * 1.08;
    let ceiling = if ceiling > 0.0 { ceiling } else { 1.0 };
    let y = |value: f64| bottom - (value / ceiling).clamp(0.0, 1.0) * (bottom - top - 6.0);
    let most = format!("peak {}", curve.unit.text(peak));
    let under: &[&str] = if peak.is_nan() { &[&curve.what] } else { &[&curve.what, &most] };
    let path: String = thin(&curve.points)
        .iter()
        .enumerate()
        .map(|(n, (when, value))| format!("{}{} {}", if n == 0 { "M" } else { "L" }, at(scale.x(*when)), at(y(*value))))
        .collect();
    html! {
        (lane(top, bottom, &curve.name, under))
        @if path.is_empty() { (nothing(top, bottom)) } @else { path d=(path) fill="none" class="curve" stroke="#2f618a" stroke-width="1.5" {} }
        @for (limit, severity) in &curve.limits {
            @let (class, colour) = if *severity == Status::Fail { ("sf", "#ae2012") } else { ("sw", "#c08400") };
            line x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(y(*limit))) y2=(at(y(*limit))) class=(class) stroke=(colour) stroke-dasharray="5 4" {}
            text x=(at(RIGHT)) y=(at(y(*limit) - 3.0)) text-anchor="end" class="ls" font-size="10.5" fill="#566270" {
                (severity.word()) " at " (curve.unit.text(*limit))
            }
        }
    }
}
