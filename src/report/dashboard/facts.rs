//! The facts of a run, one row each: progress, uptime, logs, resources, evidence.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::widgets::{self, Palette};
use super::{Board, Scene};
use crate::finding::Status;
use crate::report::{bytes_text, count, thousands, watch_lines};
use crate::sanitize;
use crate::supervise::progress_reader::{Fresh, Usage, View, Worker};
use crate::supervise::staleness::Health;
use crate::time;

/// The columns of the names at the left.
const LABEL: usize = 13;

/// The rows, the most important first. With `roomy` each has its own line, else they share lines.
pub(super) fn rows(scene: &Scene<'_>, view: &View, palette: Palette, width: u16, roomy: bool) -> Vec<Line<'static>> {
    let rows = Rows { scene, view, palette, width: usize::from(width) };
    let mut lines = vec![rows.elapsed(), rows.left(), rows.uptime(roomy), rows.rate()];
    if roomy {
        lines.push(rows.lines());
        lines.extend(rows.levels());
        lines.extend(rows.cpu());
        lines.extend(rows.memory());
        lines.extend(rows.evidence());
        lines.push(rows.restarts());
        lines.extend(rows.command());
        lines.extend(rows.metadata());
    } else {
        lines.push(rows.lines());
        lines.extend(rows.evidence_short());
        lines.extend(rows.resources_short());
    }
    lines
}

/// A row for each workload, those in trouble first, or for the one that is looked at alone; at most `most`.
pub(super) fn workloads(
    view: &View,
    board: &Board,
    palette: Palette,
    (width, most): (usize, usize),
) -> Vec<Line<'static>> {
    let all: Vec<&Worker> = view
        .workloads
        .iter()
        .filter(|worker| board.workload.as_ref().is_none_or(|name| *name == worker.name))
        .collect();
    let shown = if all.len() > most { most.saturating_sub(1) } else { all.len() };
    let mut lines: Vec<Line<'static>> = all[..shown].iter().map(|worker| of_workload(worker, palette, width)).collect();
    if let (Some(_), [alone]) = (&board.workload, &all[..]) {
        let details = alone.details();
        lines.extend(details.iter().map(|(name, text)| {
            let text = sanitize::line(&format!("{name}: {text}"));
            Line::raw(format!(" {:LABEL$}{}", "", sanitize::columns(&text, width.saturating_sub(LABEL + 1))))
        }));
    }
    if shown < all.len() {
        let rest = format!(" {:LABEL$}(and {} more: w)", "", all.len() - shown);
        lines.push(Line::styled(rest, palette.dim()));
    }
    lines
}

fn of_workload(worker: &Worker, palette: Palette, width: usize) -> Line<'static> {
    let style = match worker.status() {
        Status::Pass => Style::new(),
        worse => palette.status(worse),
    };
    let since = worker.since.map(|at| format!(" since {}", at.human())).unwrap_or_default();
    let figures: String = worker.figures().iter().map(|figure| format!(", {figure}")).collect();
    let name = sanitize::columns(&sanitize::line(&worker.name), LABEL - 2);
    let text = sanitize::line(&format!("{}{since}{figures}", worker.state));
    Line::from(vec![
        Span::styled(format!(" {name:<width$}", width = LABEL - 1), palette.dim()),
        Span::styled(sanitize::columns(&text, width.saturating_sub(LABEL)), style),
    ])
}

struct Rows<'a> {
    scene: &'a Scene<'a>,
    view: &'a View,
    palette: Palette,
    width: usize,
}

impl Rows<'_> {
    fn row(&self, label: &str, spans: Vec<Span<'static>>) -> Line<'static> {
        let mut line = Line::styled(format!(" {label:<width$}", width = LABEL - 1), Style::new());
        line.spans[0].style = self.palette.dim();
        line.spans.extend(spans);
        line
    }

    fn text(&self, label: &str, text: &str, style: Style) -> Line<'static> {
        let text = sanitize::columns(&sanitize::line(text), self.width.saturating_sub(LABEL));
        self.row(label, vec![Span::styled(text, style)])
    }

    /// Supervised time at this instant: between snapshots of a live run it goes on.
    fn elapsed_now(&self) -> Option<f64> {
        let elapsed = self.view.elapsed_seconds?;
        let running = *self.scene.health == Health::Live
            && matches!(self.view.phase.as_deref(), Some("running" | "startup" | "stopping"));
        let since = match self.view.now {
            Some(at) if running => self.scene.now.seconds_since(at).max(0.0),
            _ => 0.0,
        };
        Some(elapsed + since)
    }

    fn elapsed(&self) -> Line<'static> {
        let Some(elapsed) = self.elapsed_now() else { return self.text("Elapsed", "unknown", self.palette.dim()) };
        let Some(target) = self.view.target_duration_seconds.filter(|target| *target > 0.0) else {
            return self.text("Elapsed", &widgets::length(elapsed), Style::new());
        };
        let share = (elapsed / target).min(1.0);
        // Held below 100 % until it is reached, so that the last minute does not read as the end.
        let percent = if share < 1.0 { (share * 1000.0).floor() / 10.0 } else { 100.0 };
        let figures = format!(" {percent:.1} %  {} of {}", widgets::length(elapsed), time::human_seconds(target));
        let columns = self.width.saturating_sub(LABEL + widgets::width(&figures) + 1).max(4);
        let mut spans = widgets::gauge(share, columns, self.palette);
        spans.push(Span::styled(figures, self.palette.strong()));
        self.row("Elapsed", spans)
    }

    fn left(&self) -> Line<'static> {
        let mut parts = Vec::new();
        if let (Some(target), Some(elapsed)) = (self.view.target_duration_seconds, self.elapsed_now()) {
            let left = (target - elapsed).max(0.0);
            match (self.scene.health, self.view.now) {
                (Health::Live, Some(_)) => {
                    let end = self.scene.now.plus(std::time::Duration::from_secs_f64(left.min(1e9)));
                    parts.push(format!("{} left, ends {}", widgets::length(left), end.human()));
                }
                (Health::Live, None) => parts.push(format!("{} left", widgets::length(left))),
                (Health::Complete, _) => parts.push(match self.view.now {
                    Some(at) => format!("ended {}", at.human()),
                    None => "ended".to_owned(),
                }),
                (Health::Stale(_), _) => parts.push(format!("{} were left", widgets::length(left))),
            }
        }
        if let Some(required) = self.view.required_duration_seconds.filter(|required| *required > 0.0) {
            let reached = self.view.elapsed_seconds.is_some_and(|elapsed| elapsed >= required);
            let word = if reached { "reached" } else { "required" };
            parts.push(format!("minimum {} {word}", time::human_seconds(required)));
        }
        self.text("", &parts.join("; "), Style::new())
    }

    fn uptime(&self, roomy: bool) -> Line<'static> {
        let (ratio, target) = (self.view.uptime_ratio, self.view.minimum_uptime_ratio);
        let mut text = match ratio {
            Some(ratio) => marks_percent(ratio),
            None => "not known yet".to_owned(),
        };
        if let Some(target) = target {
            text.push_str(&format!(", target {}", marks_percent(target)));
        }
        let style = match (ratio, target) {
            (Some(ratio), Some(target)) if ratio < target => {
                text.push_str(", BELOW");
                self.palette.status(Status::Fail)
            }
            (Some(_), Some(_)) => self.palette.status(Status::Pass),
            _ => Style::new(),
        };
        if !roomy && let Some(restarts) = self.view.restarts.filter(|restarts| *restarts > 0) {
            text.push_str(&format!("; {}", count(restarts, "restart")));
        }
        self.text("Uptime", &text, style)
    }

    fn span(&self) -> f64 {
        self.view.elapsed_seconds.unwrap_or(0.0).max(1.0)
    }

    fn rate(&self) -> Line<'static> {
        let history = self.scene.history;
        let now = history.rate_now();
        let columns = self.width.saturating_sub(LABEL + 27).max(8);
        let rates = history.rates(columns, self.span());
        if rates.iter().all(Option::is_none) {
            return self.text("Log rate", "not known yet", self.palette.dim());
        }
        // A column averages over its width, so that the rate of the last minute may be higher than any.
        let top = rates.iter().flatten().chain(&now).fold(0.0_f64, |top, rate| top.max(*rate));
        let mut spans = widgets::sparkline(&rates, 0.0, self.palette.status(Status::Fail), self.palette);
        let now = now.map(|rate| format!(" {},", rate_text(rate))).unwrap_or_default();
        spans.push(Span::raw(format!("{now} peak {}", rate_text(top))));
        self.row("Log rate", spans)
    }

    fn lines(&self) -> Line<'static> {
        let mut text = self.view.total_lines.map_or_else(|| "unknown".to_owned(), amount);
        if !self.view.line_counts.is_empty() {
            text.push_str(&format!(" ({})", list(&self.view.line_counts)));
        }
        if let Some(last) = self.view.last_line_at {
            text.push_str(&format!(", last {}", widgets::ago(Some(last), self.scene.now)));
        }
        self.text("Lines", &text, Style::new())
    }

    fn levels(&self) -> Option<Line<'static>> {
        (!self.view.level_counts.is_empty()).then(|| self.text("Levels", &list(&self.view.level_counts), Style::new()))
    }

    fn curve(
        &self,
        label: &str,
        values: &[Option<f64>],
        limit: Option<f64>,
        text: &str,
        status: Status,
    ) -> Line<'static> {
        let mut spans = widgets::sparkline(values, limit.unwrap_or(0.0), self.palette.dim(), self.palette);
        let style = if status == Status::Pass { Style::new() } else { self.palette.status(status) };
        spans.push(Span::styled(format!(" {text}"), style));
        self.row(label, spans)
    }

    fn cpu(&self) -> Option<Line<'static>> {
        let used = self.view.resources.as_ref()?;
        let (text, status) = cpu_text(used)?;
        let peak = used.peak_cpu_percent.map(|peak| format!(", peak {peak:.0} %")).unwrap_or_default();
        let text = text + &peak;
        let columns = self.width.saturating_sub(LABEL + 40).max(8);
        let values = self.scene.history.highest(columns, self.span(), |s| s.cpu);
        Some(self.curve("CPU", &values, used.max_cpu_percent, &text, status))
    }

    fn memory(&self) -> Option<Line<'static>> {
        let used = self.view.resources.as_ref()?;
        let (text, status) = memory_text(used)?;
        let peak = used.peak_rss_bytes.map(|peak| format!(", peak {}", bytes_text(peak))).unwrap_or_default();
        let text = text + &peak;
        let columns = self.width.saturating_sub(LABEL + 40).max(8);
        let values = self.scene.history.highest(columns, self.span(), |s| s.rss);
        let limit = used.max_rss_bytes.map(|bytes| bytes as f64);
        Some(self.curve("Memory", &values, limit, &text, status))
    }

    fn resources_short(&self) -> Option<Line<'static>> {
        let used = self.view.resources.as_ref()?;
        let (cpu, hot) = cpu_text(used)?;
        let (memory, full) = memory_text(used).unwrap_or_default();
        let worst = hot.max(full);
        let style = if worst == Status::Pass { Style::new() } else { self.palette.status(worst) };
        Some(self.text("CPU", &format!("{cpu}; memory {memory}"), style))
    }

    fn evidence(&self) -> Vec<Line<'static>> {
        let mut lines: Vec<Line<'static>> = self
            .view
            .evidence
            .iter()
            .map(|(name, fresh)| {
                self.text(
                    &sanitize::columns(&watch_lines::capitalised(name), LABEL - 2),
                    &fresh_text(fresh, true),
                    self.fresh_style(fresh),
                )
            })
            .collect();
        let unwatched: Vec<&str> =
            self.view.required_evidence().into_iter().filter(|name| !self.view.evidence.contains_key(*name)).collect();
        if !unwatched.is_empty() {
            lines.push(self.text("Evidence", &format!("{} required at the end", unwatched.join(", ")), Style::new()));
        }
        lines
    }

    fn evidence_short(&self) -> Option<Line<'static>> {
        let worst = self.view.evidence.values().map(Fresh::status).max()?;
        let parts: Vec<String> =
            self.view.evidence.iter().map(|(name, fresh)| format!("{name} {}", fresh_text(fresh, false))).collect();
        let style = if worst == Status::Pass { Style::new() } else { self.palette.status(worst) };
        Some(self.text("Evidence", &parts.join("; "), style))
    }

    fn fresh_style(&self, fresh: &Fresh) -> Style {
        match fresh.status() {
            Status::Pass if fresh.state == "fresh" => self.palette.status(Status::Pass),
            Status::Pass => Style::new(),
            worse => self.palette.status(worse),
        }
    }

    fn restarts(&self) -> Line<'static> {
        let restarts = self.view.restarts.map_or_else(|| "unknown".to_owned(), thousands);
        let code = self.view.exit_code.map(|code| format!(", the command ended with exit code {code}"));
        let style = match self.view.restarts {
            Some(1..) => self.palette.status(Status::Warn),
            _ => Style::new(),
        };
        self.text("Restarts", &(restarts + &code.unwrap_or_default()), style)
    }

    fn command(&self) -> Option<Line<'static>> {
        (!self.view.command.is_empty()).then(|| self.text("Command", &self.view.command.join(" "), self.palette.dim()))
    }

    fn metadata(&self) -> Option<Line<'static>> {
        if self.view.config_metadata.is_empty() {
            return None;
        }
        let text = watch_lines::metadata_text(&self.view.config_metadata);
        Some(self.text("Metadata", &text, self.palette.dim()))
    }
}

fn marks_percent(ratio: f64) -> String {
    watch_lines::percent(ratio)
}

/// `12,345`, `-1`.
fn amount(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", thousands(number.unsigned_abs()))
}

/// The counts, the largest first.
fn list(counts: &std::collections::BTreeMap<String, i64>) -> String {
    let mut all: Vec<(&String, &i64)> = counts.iter().collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    all.iter().map(|(name, count)| format!("{name} {}", amount(**count))).collect::<Vec<_>>().join(", ")
}

/// `3.2/s`, `12/min`, `2/h`: the unit that gives a readable figure.
fn rate_text(per_second: f64) -> String {
    let (value, unit) = match per_second {
        rate if rate >= 1.0 || rate <= 0.0 => (rate, "s"),
        rate if rate * 60.0 >= 1.0 => (rate * 60.0, "min"),
        rate => (rate * 3600.0, "h"),
    };
    match value {
        value if value >= 10.0 || value == 0.0 => format!("{}/{unit}", thousands(value.round() as u64)),
        value => format!("{value:.1}/{unit}"),
    }
}

fn cpu_text(used: &Usage) -> Option<(String, Status)> {
    let cpu = used.cpu_percent?;
    Some(match used.max_cpu_percent {
        Some(limit) => (format!("{cpu:.0} % of {limit:.0} %"), if cpu > limit { Status::Fail } else { Status::Pass }),
        None => (format!("{cpu:.0} %"), Status::Pass),
    })
}

fn memory_text(used: &Usage) -> Option<(String, Status)> {
    let rss = used.rss_bytes?;
    let mut status = Status::Pass;
    let mut text = bytes_text(rss);
    if let Some(limit) = used.max_rss_bytes {
        text.push_str(&format!(" of {}", bytes_text(limit)));
        status = status.max(if rss > limit { Status::Fail } else { Status::Pass });
    }
    if let (Some(share), Some(limit)) = (used.memory_percent, used.max_memory_percent) {
        text.push_str(&format!(", {share:.0} % of {limit:.0} %"));
        status = status.max(if share > limit { Status::Fail } else { Status::Pass });
    }
    Some((text, status))
}

fn fresh_text(fresh: &Fresh, limits: bool) -> String {
    let mut text = if fresh.status() == Status::Pass { fresh.state.clone() } else { fresh.state.to_uppercase() };
    if let Some(age) = fresh.age_seconds {
        text.push_str(&format!(", {} old", widgets::brief(age)));
    }
    if limits {
        let limits: Vec<String> = [("WARN", fresh.warn_seconds), ("FAIL", fresh.fail_seconds)]
            .into_iter()
            .filter_map(|(word, limit)| Some(format!("{word} at {}", time::human_seconds(limit?))))
            .collect();
        if !limits.is_empty() {
            text.push_str(&format!(" ({})", limits.join(", ")));
        }
    }
    text
}
