//! The log on the dashboard: its end, coloured by level, and the lines around an incident.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::Board;
use super::widgets::{self, Palette};
use crate::finding::Status;
use crate::sanitize;
use crate::supervise::log_lines::{LogLine, LogView};

/// The longest name of a workload before a line.
const NAME: usize = 16;

/// Draws the end of the log: what the filter lets through, the newest at the bottom.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, log: &LogView, board: &Board, palette: Palette) {
    if area.height == 0 {
        return;
    }
    let mut heading = Line::styled("─ ", palette.dim());
    heading.push_span(Span::styled(format!("Log {} ", sanitize::line(&log.file)), palette.strong()));
    if !board.search.is_empty() || board.typing {
        let cursor = if board.typing { "▏" } else { "" };
        heading.push_span(Span::raw(format!("· filter: {}{cursor} ", sanitize::line(&board.search))));
    }
    let rest = usize::from(area.width).saturating_sub(heading.width());
    heading.push_span(Span::styled("─".repeat(rest), palette.dim()));
    let room = usize::from(area.height - 1);
    let shown: Vec<&LogLine> =
        log.lines.iter().filter(|line| board.search.is_empty() || line.holds(&board.search)).collect();
    let mut lines = vec![heading];
    let last = &shown[shown.len().saturating_sub(room)..];
    // The log of one needs no names.
    let several = last.iter().any(|line| line.source != last[0].source);
    let longest = last.iter().map(|line| widgets::width(&line.source)).max().unwrap_or(0).min(NAME);
    let names = if several { longest } else { 0 };
    lines.extend(last.iter().map(|line| entry(line, None, (area.width, names), palette)));
    if shown.is_empty() {
        let text = log.problem.as_deref().unwrap_or("no line holds that; / changes the filter");
        lines.push(Line::styled(format!(" {}", sanitize::line(text)), palette.dim()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// The lines around an incident, with their file.
pub(super) fn context(log: &LogView, width: u16, palette: Palette) -> Vec<Line<'static>> {
    let place = log.hit.map(|hit| format!("{}:{hit}", log.file)).unwrap_or_else(|| log.file.clone());
    let mut lines = vec![Line::raw(""), Line::styled(sanitize::line(&place), palette.strong())];
    lines.extend(log.lines.iter().map(|line| entry(line, log.hit, (width, 0), palette)));
    lines
}

/// A line; `names` is the width of the names before the lines, 0 for none.
fn entry(line: &LogLine, hit: Option<u64>, (width, names): (u16, usize), palette: Palette) -> Line<'static> {
    let number = line.number.map(|number| format!("{number:>7} ")).unwrap_or_default();
    let lead = format!("{number}{} {:<7} ", line.time, sanitize::columns(&sanitize::line(&line.level), 7));
    let name = match names {
        0 => String::new(),
        _ => format!("{:<names$} ", sanitize::columns(&sanitize::line(&line.source), names)),
    };
    let room = usize::from(width).saturating_sub(lead.chars().count() + widgets::width(&name) + 1);
    let style = match line.status() {
        Status::Pass => ratatui::style::Style::new(),
        status => palette.status(status),
    };
    let style = if hit.is_some() && hit == line.number { style.add_modifier(Modifier::BOLD) } else { style };
    let text = sanitize::columns(&sanitize::line(line.text.lines().next().unwrap_or_default()), room);
    let whose = palette.name(&line.source);
    Line::from(vec![Span::styled(lead, palette.dim()), Span::styled(name, whose), Span::styled(text, style)])
}
