//! The list of incidents, newest first, and the details of one.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::widgets::{self, Palette};
use super::{Board, Scene, popup};
use crate::sanitize;
use crate::supervise::progress_reader::{Event, View};

/// How many rows the list would fill.
pub(super) fn wanted(view: &View, board: &Board) -> usize {
    board.shown(view).len()
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, view: &View, board: &Board, palette: Palette) {
    if area.height == 0 {
        return;
    }
    let shown = board.shown(view);
    let mut lines = vec![heading(view, board, shown.len(), area.width, palette)];
    let room = usize::from(area.height - 1);
    let at = board.position(&shown).unwrap_or(0);
    // The selection stays in sight; the list moves only as far as that takes.
    let first = at.saturating_sub(room.saturating_sub(1)).min(shown.len().saturating_sub(room));
    for (row, index) in shown.iter().enumerate().skip(first).take(room) {
        lines.push(entry(&view.events()[*index], scene, row == at, area.width, palette));
    }
    if shown.is_empty() && room > 0 {
        let text = match view.incidents {
            None if view.incident_counts.is_empty() => " the snapshot lists no incidents",
            Some(ref all) if !all.is_empty() => " none of this severity; f changes the filter",
            _ => " none",
        };
        lines.push(Line::styled(text, palette.dim()));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn heading(view: &View, board: &Board, shown: usize, width: u16, palette: Palette) -> Line<'static> {
    let mut line = Line::styled("─ ", palette.dim());
    line.push_span(Span::styled("Incidents ", palette.strong()));
    let counted: u64 = view.incident_counts.values().sum();
    for (severity, count) in view.incident_counts.iter().rev().filter(|(_, count)| **count > 0) {
        let word = severity.label();
        line.push_span(Span::styled(format!("{count} {word} "), palette.status(*severity)));
    }
    if counted == 0 {
        line.push_span(Span::raw("0 "));
    }
    if let Some(least) = board.filter {
        line.push_span(Span::raw(format!("· filter: {} ", super::keys::filter_text(least))));
    }
    if shown > 0
        && let Some(at) = board.position(&board.shown(view))
    {
        line.push_span(Span::styled(format!("· {} of {shown} ", at + 1), palette.dim()));
    }
    let rest = usize::from(width).saturating_sub(line.width());
    line.push_span(Span::styled("─".repeat(rest), palette.dim()));
    line
}

fn entry(event: &Event, scene: &Scene<'_>, selected: bool, width: u16, palette: Palette) -> Line<'static> {
    let mark = if selected { "▸" } else { " " };
    let when = event.latest();
    let time = match when {
        // The date matters over three days, but not on a narrow screen where the age says as much.
        Some(at) if width >= 100 => at.utc().format("%m-%d %H:%M:%SZ").to_string(),
        Some(at) => at.utc().format("%H:%M:%SZ").to_string(),
        None => "no time".to_owned(),
    };
    let age = match when {
        Some(at) => format!("{:>3} ago", widgets::briefest(scene.now.seconds_since(at))),
        None => String::new(),
    };
    let count = if event.count > 1 { format!("×{}", event.count) } else { String::new() };
    let seen = if event.is_acknowledged() { "✓" } else { " " };
    let lead = format!(" {time:<9} {age:>7} {count:>4}{seen}");
    let room = usize::from(width).saturating_sub(widgets::width(&lead) + 6);
    let message = sanitize::columns(&sanitize::line(&event.told()), room);
    let style = if selected { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    Line::from(vec![
        Span::raw(mark),
        Span::styled(format!("{:<4}", event.label()), palette.status(event.severity)),
        Span::styled(lead, palette.dim()),
        Span::styled(message, style),
    ])
}

/// The selected incident; none if there is none.
pub(crate) fn selected<'v>(view: &'v View, board: &Board) -> Option<&'v Event> {
    let shown = board.shown(view);
    board.position(&shown).and_then(|at| view.events().get(*shown.get(at)?))
}

/// The selected incident in full.
pub(super) fn detail(
    frame: &mut Frame<'_>,
    area: Rect,
    scene: &Scene<'_>,
    view: &View,
    board: &Board,
    palette: Palette,
) {
    let Some(event) = selected(view, board) else { return };
    let mut lines = vec![
        Line::from(vec![
            Span::styled(event.label(), palette.status(event.severity)),
            Span::raw(if event.kind.is_empty() { String::new() } else { format!("  {}", sanitize::line(&event.kind)) }),
        ]),
        Line::raw(sanitize::line(&event.told())),
        Line::raw(""),
    ];
    let mut fact = |name: &str, value: String| {
        lines.push(Line::from(vec![Span::styled(format!("{name}: "), palette.dim()), Span::raw(value)]));
    };
    if let Some(at) = event.occurred_at {
        fact("first", format!("{}, {}", at.human(), widgets::ago(Some(at), scene.now)));
    }
    if let Some(at) = event.last_at {
        fact("last", format!("{}, {}", at.human(), widgets::ago(Some(at), scene.now)));
    }
    if event.count > 1 {
        fact("times", crate::report::thousands(event.count));
    }
    fact("id", event.id.clone());
    if let Some(ack) = &event.acknowledged {
        fact("acknowledged", sanitize::line(&crate::report::watch_lines::acknowledged(event, ack)));
    }
    for (key, value) in &event.metadata {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        fact(&sanitize::line(key), sanitize::line(&value));
    }
    if let Some(context) = scene.context {
        lines.extend(super::log::context(context, area.width.saturating_sub(8).min(96), palette));
    }
    popup(frame, area, "Incident (Esc closes)", lines, board.skip, palette);
}
