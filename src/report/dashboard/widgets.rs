//! The colours of the dashboard, and its small marks: gauges, sparklines, ages.

use std::time::Duration;

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr as _;

use crate::finding::Status;
use crate::time::{self, Stamp};

/// Colours, from the sixteen that every terminal has, or none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    /// Whether to colour at all; without, weight and reversal remain.
    pub color: bool,
}

impl Palette {
    fn paint(self, style: Style, color: Color) -> Style {
        if self.color { style.fg(color) } else { style }
    }

    /// The look of a severity.
    pub(crate) fn status(self, status: Status) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        match status {
            Status::Pass => self.paint(Style::new(), Color::Green),
            Status::Warn => self.paint(bold, Color::Yellow),
            Status::Fail => self.paint(bold, Color::Red),
        }
    }

    /// The block behind a verdict's word; cyan while there is none.
    pub(crate) fn badge(self, status: Option<Status>) -> Style {
        let color = match status {
            None => Color::Cyan,
            Some(Status::Pass) => Color::Green,
            Some(Status::Warn) => Color::Yellow,
            Some(Status::Fail) => Color::Red,
        };
        self.paint(Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED), color)
    }

    /// The look of a name, the same wherever it is; none that a severity has.
    pub(crate) fn name(self, name: &str) -> Style {
        const COLORS: [Color; 6] =
            [Color::Cyan, Color::Magenta, Color::Blue, Color::LightCyan, Color::LightMagenta, Color::LightBlue];
        let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        self.paint(Style::new(), COLORS[sum % COLORS.len()])
    }

    /// Lesser weight.
    pub(crate) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Greater weight.
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// A curve or gauge.
    pub(crate) fn curve(self) -> Style {
        self.paint(Style::new(), Color::Cyan)
    }
}

/// The columns that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A length of time in whole seconds.
pub(crate) fn length(seconds: f64) -> String {
    time::human_duration(Duration::from_secs(seconds.max(0.0) as u64))
}

/// How long before `now` something was: `3s ago`, `at a time unknown`, `5m ahead of this clock`.
pub(crate) fn ago(at: Option<Stamp>, now: Stamp) -> String {
    let Some(at) = at else { return "at a time unknown".to_owned() };
    match now.seconds_since(at) {
        ahead if ahead <= -2.0 => format!("{} ahead of this clock", length(-ahead)),
        behind => format!("{} ago", brief(behind)),
    }
}

/// A length of time in its two largest units.
pub(crate) fn brief(seconds: f64) -> String {
    let text = length(seconds);
    text.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ")
}

/// A length of time in its largest unit.
pub(crate) fn briefest(seconds: f64) -> String {
    length(seconds).split(' ').next().unwrap_or_default().to_owned()
}

/// A bar of `columns`, filled by `share` (0 to 1).
pub(crate) fn gauge(share: f64, columns: usize, palette: Palette) -> Vec<Span<'static>> {
    let eighths = (share.clamp(0.0, 1.0) * columns as f64 * 8.0).round() as usize;
    let mut full = "█".repeat(eighths / 8);
    if let Some(part) = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(eighths % 8) {
        full.push_str(part);
    }
    let rest = columns.saturating_sub(eighths.div_ceil(8));
    vec![Span::styled(full, palette.curve()), Span::styled("·".repeat(rest), palette.dim())]
}

/// A sparkline, one column for each value, scaled to `top` or to the highest value where that is more. Zero is
/// a dot, in the look of `zero`; the unknown is blank.
pub(crate) fn sparkline(values: &[Option<f64>], top: f64, zero: Style, palette: Palette) -> Vec<Span<'static>> {
    const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
    let top = values.iter().flatten().fold(top, |top, value| top.max(*value));
    let mut spans: Vec<Span<'static>> = Vec::new();
    for value in values {
        let (mark, style) = match value {
            None => (" ", Style::new()),
            Some(value) if *value <= 0.0 => ("·", zero),
            Some(value) => (BARS[((value / top * 8.0).ceil() as usize).clamp(1, 8) - 1], palette.curve()),
        };
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(mark),
            _ => spans.push(Span::styled(mark, style)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(spans: &[Span<'_>]) -> String {
        spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[test]
    fn marks_fill_their_columns() {
        let palette = Palette { color: false };
        for share in [0.0, 0.01, 0.33, 0.999, 1.0, 7.0] {
            assert_eq!(width(&text(&gauge(share, 10, palette))), 10, "{share}");
        }
        let values = [None, Some(0.0), Some(0.1), Some(8.0)];
        assert_eq!(text(&sparkline(&values, 0.0, Style::new(), palette)), " ·▁█");
        assert_eq!(text(&sparkline(&values, 16.0, Style::new(), palette)), " ·▁▄");
    }

    #[test]
    fn ages_say_when_clocks_disagree() {
        let at = Stamp::parse("2025-01-06T00:01:40Z");
        let now = |text| Stamp::parse(text).expect("a time");
        assert_eq!(ago(at, now("2025-01-06T00:01:43.9Z")), "3s ago");
        assert_eq!(ago(at, now("2025-01-08T02:03:44Z")), "2d 2h ago");
        assert_eq!(ago(at, now("2025-01-06T00:00:40Z")), "1m ahead of this clock");
        assert_eq!(ago(None, now("2025-01-06T00:00:40Z")), "at a time unknown");
    }
}
