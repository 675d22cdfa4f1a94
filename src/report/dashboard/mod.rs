//! The full-screen view of a run: a pure function of (what was read, size, now).

mod facts;
mod incidents;
pub(crate) mod keys;
mod log;
mod widgets;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use crate::finding::Status;
use crate::sanitize;
use crate::supervise::history::History;
use crate::supervise::log_lines::LogView;
use crate::supervise::progress_reader::View;
use crate::supervise::staleness::{Health, Judgement};
use crate::time::Stamp;

pub(crate) use incidents::selected;
pub(crate) use keys::{Ask, Board};
pub(crate) use widgets::Palette;

/// Below this size only the verdict is shown.
const SMALLEST: (u16, u16) = (40, 8);

/// Everything that the dashboard shows, at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    /// Which run: `runs/r1`, `r1, newest of 3 in runs`.
    pub title: &'a str,
    /// The last snapshot; none while it is waited for.
    pub view: Option<&'a View>,
    /// Its state.
    pub health: &'a Health,
    /// Its verdict.
    pub judgement: &'a Judgement,
    /// The course of the run.
    pub history: &'a History,
    /// What stands in the way of reading a newer snapshot.
    pub problem: Option<&'a str>,
    /// The instant of drawing.
    pub now: Stamp,
    /// The end of the log, where it is looked at.
    pub log: Option<&'a LogView>,
    /// The lines of the log around the selected incident, where its details are open.
    pub context: Option<&'a LogView>,
}

/// How long before `now` something was: `3s ago`, `2d 2h ago`.
pub(crate) fn ago(at: Stamp, now: Stamp) -> String {
    widgets::ago(Some(at), now)
}

/// Draws `scene` as `board` (what the user chose) asks for.
pub(crate) fn draw(frame: &mut Frame<'_>, scene: &Scene<'_>, board: &Board, palette: Palette) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let Some(view) = scene.view else {
        waiting(frame, scene, palette);
        return;
    };
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        frame.render_widget(Paragraph::new(badge(scene, palette)), area);
        return;
    }
    let mut top = head(scene, view, palette, area.width);
    // A small screen shows the same facts, several to a line, so that the incidents keep some room.
    let room = usize::from(area.height).saturating_sub(top.len() + 2);
    let roomy = area.height >= 20;
    let list = incidents::wanted(view, board).clamp(1, if roomy { 5 } else { 3 });
    let mut rows = facts::rows(scene, view, palette, area.width, roomy);
    let most = usize::from(area.height / 3);
    rows.splice(3..3, facts::workloads(view, board, palette, (usize::from(area.width), most)));
    rows.truncate(room.saturating_sub(list));
    top.extend(rows);
    let used = (top.len() as u16).min(area.height.saturating_sub(2));
    frame.render_widget(Paragraph::new(top), Rect { height: used, ..area });
    let middle = Rect { y: area.y + used, height: area.height - used - 1, ..area };
    match scene.log.filter(|_| board.log) {
        Some(log) => log::draw(frame, middle, log, board, palette),
        None => incidents::draw(frame, middle, scene, view, board, palette),
    }
    foot(frame, Rect { y: area.bottom() - 1, height: 1, ..area }, scene, board, palette);
    if board.help {
        help(frame, area, palette);
    } else if board.detail {
        incidents::detail(frame, area, scene, view, board, palette);
    }
}

fn badge(scene: &Scene<'_>, palette: Palette) -> Line<'static> {
    let status = scene.judgement.verdict;
    let label = scene.judgement.label(scene.health);
    Line::from(Span::styled(format!(" {label} "), palette.badge(status)))
}

/// The first lines: verdict, phase, run and clock; what decided the verdict; how old the snapshot is.
fn head(scene: &Scene<'_>, view: &View, palette: Palette, width: u16) -> Vec<Line<'static>> {
    let mut first = badge(scene, palette);
    let phase = view.phase.as_deref().unwrap_or("phase n/a");
    first.push_span(Span::styled(format!(" {} · ", sanitize::line(phase)), palette.strong()));
    let clock = scene.now.human();
    let left = usize::from(width).saturating_sub(first.width() + clock.len() + 2);
    let title = sanitize::columns(&sanitize::line(scene.title), left);
    let gap = left.saturating_sub(widgets::width(&title)) + 1;
    first.push_span(Span::raw(title));
    first.push_span(Span::raw(" ".repeat(gap)));
    first.push_span(Span::styled(clock, palette.dim()));
    let mut lines = vec![first];
    let stale = matches!(scene.health, Health::Stale(_));
    if !scene.judgement.because.is_empty() {
        let reasons = scene.judgement.because.join("; ");
        let text = sanitize::columns(&format!(" because {}", sanitize::line(&reasons)), usize::from(width));
        lines.push(Line::styled(text, palette.status(scene.judgement.verdict.unwrap_or(Status::Warn))));
    }
    let mut second = format!(" snapshot {}", widgets::ago(view.now, scene.now));
    match view.progress_interval_seconds {
        Some(interval) if interval > 0.0 => {
            second.push_str(&format!(", refreshed every {}", crate::time::human_seconds(interval)));
        }
        _ => {}
    }
    if let Some(pid) = view.supervisor_pid {
        second.push_str(&format!(", supervisor {pid}"));
    }
    if let Some(pid) = view.child_pid {
        second.push_str(&format!(", command {pid}"));
    }
    let style = if stale { palette.status(Status::Fail) } else { palette.dim() };
    lines.push(Line::styled(sanitize::columns(&second, usize::from(width)), style));
    lines
}

fn foot(frame: &mut Frame<'_>, area: Rect, scene: &Scene<'_>, board: &Board, palette: Palette) {
    let line = match scene.problem {
        _ if board.note.is_some() => {
            let note = sanitize::line(board.note.as_deref().unwrap_or_default());
            Line::raw(format!(" acknowledge; a note, if any: {note}▏  Enter done  Esc not at all"))
        }
        _ if board.said.is_some() => {
            let said = sanitize::line(board.said.as_deref().unwrap_or_default());
            Line::raw(sanitize::columns(&format!(" {said}"), usize::from(area.width)))
        }
        Some(problem) => Line::styled(
            sanitize::columns(&format!(" ! {}", sanitize::line(problem)), usize::from(area.width)),
            palette.status(Status::Warn),
        ),
        None if board.typing => Line::styled(" type a text  Enter done  Esc all lines", palette.dim()),
        None if board.log => Line::styled(" / filter by text  l incidents  ? help  q quit", palette.dim()),
        None if area.width < 76 => {
            Line::styled(" ↑↓  Enter open  a ack  f filter  l log  ? help  q quit", palette.dim())
        }
        None => {
            Line::styled(" ↑↓ select  Enter details  a acknowledge  f filter  l log  ? help  q quit", palette.dim())
        }
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn waiting(frame: &mut Frame<'_>, scene: &Scene<'_>, palette: Palette) {
    let lines = vec![
        Line::from(vec![
            Span::styled(" WAITING ", palette.badge(None)),
            Span::raw(format!(" {}", sanitize::line(scene.title))),
        ]),
        Line::raw(""),
        Line::raw(format!(" {}", sanitize::line(scene.problem.unwrap_or("no snapshot yet")))),
        Line::raw(""),
        Line::styled(format!(" {}   q quit", scene.now.human()), palette.dim()),
    ];
    frame.render_widget(Paragraph::new(lines).wrap(ratatui::widgets::Wrap { trim: false }), frame.area());
}

const HELP: &[(&str, &str)] = &[
    ("↑ ↓ j k", "select an incident, newest first"),
    ("PgUp PgDn", "ten at a time"),
    ("Home End g G", "newest, oldest"),
    ("Enter", "details, with the lines around it"),
    ("a", "acknowledge the incident, with a note"),
    ("f", "filter: all, FAIL, WARN and FAIL"),
    ("w", "the next workload alone, or all of them"),
    ("l", "the end of the log, or the incidents again"),
    ("/", "in the log: only lines with a text"),
    ("Esc", "close, back"),
    ("q Ctrl-C", "quit"),
];

fn help(frame: &mut Frame<'_>, area: Rect, palette: Palette) {
    let mut lines: Vec<Line<'_>> = HELP
        .iter()
        .map(|(key, meaning)| Line::from(vec![Span::styled(format!("{key:<14}"), palette.strong()), (*meaning).into()]))
        .collect();
    lines.push(Line::raw(""));
    lines.push(Line::from("Log rate: · is silence, blank is unknown."));
    popup(frame, area, "Keys", lines, 0, palette);
}

/// Draws `lines` in a box in the middle, wrapped, from line `skip` on.
fn popup(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>, skip: u16, palette: Palette) {
    let width = area.width.saturating_sub(4).clamp(1, 100);
    let inner = usize::from(width.saturating_sub(4)).max(1);
    let wrapped: usize = lines.iter().map(|line| line.width().div_ceil(inner).max(1)).sum();
    // Words wrap earlier than characters would; one line more is room enough for most texts.
    let height = (wrapped as u16 + 3).min(area.height);
    let place = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    let frame_style = palette.strong();
    let block = ratatui::widgets::Block::bordered()
        .title(format!(" {title} "))
        .border_style(frame_style)
        .padding(ratatui::widgets::Padding::horizontal(1));
    frame.render_widget(Clear, place);
    let text = Paragraph::new(lines).wrap(ratatui::widgets::Wrap { trim: false }).scroll((skip, 0)).block(block);
    frame.render_widget(text, place);
}

#[cfg(test)]
mod tests;
