//! Charts of horizontal bars: a row for each name, of parts with a meaning each.

use maud::{Markup, html};

use super::markup::Safe;
use super::svg::at;
use crate::finding::thousands;
use crate::sanitize;

/// Where the bars begin and how long the longest is; the text of a row is behind it.
const LEFT: f64 = 190.0;
const LONG: f64 = 380.0;
const WIDTH: f64 = 680.0;
/// The height of a row, and of its bar.
const ROW: f64 = 22.0;
const BAR: f64 = 14.0;
/// At most so many rows are drawn.
const ROWS: usize = 24;

/// What a part of a bar means: its name, its class and its colour without a style.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str);

/// Ordinary.
pub(super) const PLAIN: (&str, &str) = ("bi", "#7f9bb8");
/// To be looked at.
pub(super) const WARN: (&str, &str) = ("bw", "#c08400");
/// Bad.
pub(super) const FAIL: (&str, &str) = ("be", "#ae2012");

impl Part {
    pub(super) const fn new(name: &'static str, (class, fill): (&'static str, &'static str)) -> Self {
        Self(name, class, fill)
    }
}

/// One row.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its name.
    pub(super) name: String,
    /// Where the bar begins.
    pub(super) offset: f64,
    /// The length of each part, in the order of the parts.
    pub(super) values: Vec<f64>,
    /// What is behind the bar.
    pub(super) text: String,
}

/// The chart; `about` says in a sentence what it shows. Nothing where there are no rows.
pub(super) fn chart(parts: &[Part], rows: &[Row], about: &str) -> Markup {
    let shown = &rows[..rows.len().min(ROWS)];
    let most = shown.iter().map(|row| row.offset + row.values.iter().sum::<f64>()).fold(0.0, f64::max);
    let scale = if most > 0.0 { LONG / most } else { 0.0 };
    let high = ROW * shown.len() as f64 + 4.0;
    html! {
        @if !shown.is_empty() { figure.chart {
            @if parts.len() > 1 { ul.legend { @for Part(name, class, fill) in parts {
                li { svg width="12" height="12" aria-hidden="true" { rect width="12" height="12" class=(class) fill=(fill) {} } (name) }
            } } }
            svg viewBox={ "0 0 " (at(WIDTH)) " " (at(high)) } width=(at(WIDTH)) height=(at(high)) role="img" aria-label=(about) font-family="system-ui, sans-serif" {
                @for (number, row) in shown.iter().enumerate() { (bar(parts, row, ROW * number as f64, scale)) }
                line x1=(at(LEFT)) x2=(at(LEFT)) y1="0" y2=(at(high)) class="axis" stroke="#566270" {}
            }
            figcaption {
                (about)
                @if rows.len() > shown.len() { " The first " (shown.len()) " of " (thousands(rows.len() as u64)) " are drawn." }
            }
        } }
    }
}

fn bar(parts: &[Part], row: &Row, top: f64, scale: f64) -> Markup {
    let mut left = LEFT + row.offset * scale;
    let mut drawn = Vec::new();
    for (Part(_, class, fill), value) in parts.iter().zip(&row.values) {
        if *value > 0.0 {
            // What is there must be seen, however little it is.
            let width = (value * scale).max(1.5);
            drawn.push((left, width, class, fill));
            left += width;
        }
    }
    html! {
        text x=(at(LEFT - 8.0)) y=(at(top + 15.0)) text-anchor="end" class="lt" font-size="12" fill="#17202a" { (Safe(&sanitize::columns(&row.name, 26))) }
        @for (left, width, class, fill) in drawn {
            rect x=(at(left)) y=(at(top + 4.0)) width=(at(width)) height=(at(BAR)) class=(class) fill=(fill) {}
        }
        text x=(at(left + 6.0)) y=(at(top + 15.0)) class="ls" font-size="11" fill="#566270" { (Safe(&sanitize::columns(&row.text, 34))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_drawn_and_hostile_names_stay_text() {
        let parts = [Part::new("good", PLAIN), Part::new("bad", FAIL)];
        let row = |name: &str, values: [f64; 2]| Row {
            name: name.to_owned(),
            offset: 0.0,
            values: values.to_vec(),
            text: String::new(),
        };
        let page = chart(&parts, &[row("<b>", [1e9, 1.0]), row("b", [0.0, 0.0])], "what").0;
        assert_eq!(page.matches("class=\"be\"").count(), 2, "the legend and one bar: {page}");
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "{page}");
        assert_eq!(chart(&parts, &[], "what").0, "");
    }
}
