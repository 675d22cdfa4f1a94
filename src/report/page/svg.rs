//! The ground of every picture over time: a scale, its marks, and how coordinates are written.

use maud::{Markup, html};

use crate::time::Stamp;

/// The width of a picture in its own units; the browser fits it to the page.
pub(super) const WIDTH: f64 = 1000.0;
/// Where the plot begins, behind the names of the lanes.
pub(super) const LEFT: f64 = 100.0;
/// Where the plot ends.
pub(super) const RIGHT: f64 = 992.0;

/// A coordinate with one decimal, as short as it can be.
pub(super) fn at(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Time from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) start: Stamp,
    pub(super) end: Stamp,
}

impl Scale {
    /// A scale over at least a millisecond.
    pub(super) fn new(start: Stamp, end: Stamp) -> Self {
        let least = start.plus(std::time::Duration::from_millis(1));
        Self { start, end: end.max(least) }
    }

    pub(super) fn seconds(self) -> f64 {
        self.end.seconds_since(self.start)
    }

    /// Where an instant is; what is outside is at the edge.
    pub(super) fn x(self, when: Stamp) -> f64 {
        let share = when.seconds_since(self.start) / self.seconds();
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// The marks of the axis, at most ten, at round times.
    fn marks(self) -> Vec<Stamp> {
        const STEPS: [i64; 21] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
            604_800, 2_592_000,
        ];
        let step = STEPS.iter().copied().find(|step| self.seconds() / *step as f64 <= 10.0);
        let step = step.unwrap_or_else(|| (self.seconds() / 10.0).ceil() as i64);
        let first = self.start.micros().div_euclid(step * 1_000_000) + 1;
        (first..first + 11)
            .filter_map(|n| Stamp::from_seconds(n.checked_mul(step)?))
            .take_while(|mark| *mark < self.end)
            .collect()
    }

    /// The lines and times of the axis, down to `bottom`.
    pub(super) fn axis(self, bottom: f64) -> Markup {
        let marks = self.marks();
        let dates = self.start.day() != self.end.day();
        let coarse = marks.windows(2).next().is_some_and(|two| two[1].seconds_since(two[0]) >= 60.0);
        let text = |mark: &Stamp| match (dates, coarse) {
            (true, _) => mark.utc().format("%m-%d %H:%M").to_string(),
            (false, true) => mark.utc().format("%H:%M").to_string(),
            (false, false) => mark.utc().format("%H:%M:%S").to_string(),
        };
        html! {
            @for mark in &marks {
                @let x = at(self.x(*mark));
                line x1=(x) x2=(x) y1="18" y2=(at(bottom)) class="grid" stroke="#d5dbe1" {}
                text x=(x) y="12" text-anchor="middle" class="ls" font-size="10.5" fill="#566270" { (text(mark)) }
            }
        }
    }
}

/// The name of a lane with up to two lines under it, and the line on which it rests.
pub(super) fn lane(top: f64, bottom: f64, name: &str, under: &[&str]) -> Markup {
    html! {
        text x="0" y=(at(top + 13.0)) class="lt" font-size="12" font-weight="600" fill="#17202a" { (name) }
        @for (row, text) in under.iter().enumerate() {
            text x="0" y=(at(top + 28.0 + 13.0 * row as f64)) class="ls" font-size="10.5" fill="#566270" { (text) }
        }
        line x1=(at(LEFT)) x2=(at(RIGHT)) y1=(at(bottom)) y2=(at(bottom)) class="axis" stroke="#566270" {}
    }
}

/// What a lane says that has nothing to show.
pub(super) fn nothing(top: f64, bottom: f64) -> Markup {
    html! {
        text x=(at(LEFT + 8.0)) y=(at(f64::midpoint(top, bottom) + 4.0)) class="ls" font-size="11" fill="#566270" { "nothing was measured" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_a_few_round_marks_for_any_length() {
        let start = Stamp::parse("2025-03-03T08:00:00.4Z").unwrap();
        for seconds in [1_u64, 5, 61, 3600, 72 * 3600, 90 * 86_400] {
            let scale = Scale::new(start, start.plus(std::time::Duration::from_secs(seconds)));
            let marks = scale.marks();
            assert!((1..=11).contains(&marks.len()), "{seconds}: {marks:?}");
            assert!(marks.iter().all(|mark| mark.micros() % 1_000_000 == 0));
        }
    }

    #[test]
    fn instants_outside_are_drawn_at_the_edge() {
        let start = Stamp::parse("2025-03-03T08:00:00Z").unwrap();
        let scale = Scale::new(start, start);
        assert_eq!(scale.x(start.plus(std::time::Duration::from_secs(9))), RIGHT);
        assert_eq!(at(12.0), "12");
        assert_eq!(at(12.34), "12.3");
    }
}
