//! Many runs at a glance: one row each, newest first.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell as TableCell, Paragraph, Row, Table as Grid};

use super::dashboard::Palette;
use super::{Block, Cell, Doc, Table, Tone, watch_lines};
use crate::finding::Status;
use crate::sanitize;
use crate::supervise::progress_reader::View;
use crate::supervise::staleness::{Health, Judgement};
use crate::time::{self, Stamp};

const HEADER: [&str; 7] = ["run", "state", "verdict", "elapsed", "uptime", "incidents", "last change"];

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RunRow {
    /// The name of its directory.
    pub name: String,
    /// What it is doing: the phase, `stale`, `unreadable`, or `no snapshot`.
    pub state: String,
    /// Its verdict, so far or for good; none while nothing was found.
    pub verdict: Option<Status>,
    /// Whether the verdict cannot change any more.
    pub settled: bool,
    /// `12h 3m`, of the target where it runs.
    pub elapsed: String,
    /// Its uptime so far.
    pub uptime: String,
    /// `2 FAIL, 1 WARN`.
    pub incidents: String,
    /// When its snapshot was last refreshed.
    pub changed: Option<Stamp>,
}

impl RunRow {
    /// The row of a run whose snapshot was read.
    pub(crate) fn of(name: &str, view: &View, health: &Health, judgement: &Judgement, modified: Option<Stamp>) -> Self {
        let phase = view.phase.as_deref().unwrap_or("n/a");
        let elapsed = view.elapsed_seconds.map(|seconds| time::human_seconds(seconds.floor())).unwrap_or_default();
        let incidents: Vec<String> = view
            .incident_counts
            .iter()
            .rev()
            .filter(|(severity, count)| **count > 0 && **severity > Status::Pass)
            .map(|(severity, count)| format!("{count} {}", severity.label()))
            .collect();
        Self {
            name: name.to_owned(),
            state: if matches!(health, Health::Stale(_)) { "stale".to_owned() } else { phase.to_owned() },
            verdict: judgement.verdict,
            settled: judgement.settled,
            elapsed: match (view.target_duration_seconds, health) {
                (Some(target), Health::Live) => format!("{elapsed} of {}", time::human_seconds(target)),
                _ => elapsed,
            },
            uptime: view.uptime_ratio.map(watch_lines::percent).unwrap_or_default(),
            incidents: if incidents.is_empty() { "0".to_owned() } else { incidents.join(", ") },
            changed: view.now.or(modified),
        }
    }

    /// The row of a run without a usable snapshot.
    pub(crate) fn without(name: &str, state: &str, verdict: Option<Status>, changed: Option<Stamp>) -> Self {
        Self {
            name: name.to_owned(),
            state: state.to_owned(),
            verdict,
            settled: verdict.is_some(),
            elapsed: String::new(),
            uptime: String::new(),
            incidents: String::new(),
            changed,
        }
    }

    fn verdict_text(&self) -> String {
        match self.verdict {
            Some(status) if self.settled => status.label().to_owned(),
            Some(status) => format!("{} so far", status.label()),
            None => "-".to_owned(),
        }
    }

    fn tone(&self) -> Tone {
        self.verdict.map_or(Tone::Plain, Tone::Status)
    }
}

/// The worst of all verdicts; none while nothing was found in any run.
pub(crate) fn worst(rows: &[RunRow]) -> Option<Status> {
    rows.iter().filter_map(|row| row.verdict).max()
}

/// The table as a document.
pub(crate) fn to_doc(root: &str, rows: &[RunRow]) -> Doc {
    let mut doc = Doc::new(format!("{} in {root}, newest first", super::count(rows.len() as u64, "run")));
    let mut table = Table::new(&HEADER);
    for row in rows {
        table.row([
            Cell::from(row.name.as_str()),
            Cell::from(row.state.as_str()),
            Cell::new(row.verdict_text(), row.tone()),
            Cell::from(row.elapsed.as_str()),
            Cell::from(row.uptime.as_str()),
            Cell::from(row.incidents.as_str()),
            Cell::from(row.changed.map(Stamp::human).unwrap_or_default()),
        ]);
    }
    doc.push(Block::Table(table));
    doc
}

/// Draws the table on the whole screen with the row `selected` marked.
pub(crate) fn draw(frame: &mut Frame<'_>, root: &str, rows: &[RunRow], selected: usize, now: Stamp, palette: Palette) {
    let area = frame.area();
    if area.height < 3 {
        return;
    }
    let head = Line::from(vec![
        Span::styled(" RUNS ", palette.badge(worst(rows))),
        Span::raw(format!(" {} in {}", rows.len(), sanitize::line(root))),
        Span::styled(format!("  {}", now.human()), palette.dim()),
    ]);
    frame.render_widget(Paragraph::new(head), Rect { height: 1, ..area });
    let room = usize::from(area.height - 3);
    let first = selected.saturating_sub(room.saturating_sub(1)).min(rows.len().saturating_sub(room));
    let grid = rows.iter().enumerate().skip(first).take(room).map(|(at, row)| {
        let mark = if at == selected { "▸" } else { " " };
        let changed = row.changed.map(|at| super::dashboard::ago(at, now)).unwrap_or_default();
        let verdict = row.verdict.map_or(Style::new(), |status| palette.status(status));
        let plain = |text: &str| TableCell::from(sanitize::line(text));
        let cells = [
            plain(&format!("{mark}{}", row.name)),
            plain(&row.state),
            TableCell::from(Span::styled(row.verdict_text(), verdict)),
            plain(&row.elapsed),
            plain(&row.uptime),
            plain(&row.incidents),
            plain(&changed),
        ];
        Row::new(cells).style(if at == selected { palette.strong() } else { Style::new() })
    });
    // A narrow screen gives up the columns that the dashboard of a run shows anyway.
    let wide = area.width >= 90;
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(10),
        Constraint::Length(11),
        Constraint::Length(if wide { 18 } else { 0 }),
        Constraint::Length(if wide { 8 } else { 0 }),
        Constraint::Length(16),
        Constraint::Length(12),
    ];
    let titles = Row::new(HEADER.map(|title| format!("{}{title}", if title == "run" { " " } else { "" })));
    let table = Grid::new(grid, widths).header(titles.style(palette.dim())).column_spacing(1);
    frame.render_widget(table, Rect { y: area.y + 1, height: area.height - 2, ..area });
    if rows.is_empty() {
        let line = Line::styled(" no runs yet", palette.dim());
        frame.render_widget(Paragraph::new(line), Rect { y: area.y + 2, height: 1, ..area });
    }
    let foot = Line::styled(" ↑↓ select  Enter open  q quit", palette.dim());
    frame.render_widget(Paragraph::new(foot), Rect { y: area.bottom() - 1, height: 1, ..area });
}
