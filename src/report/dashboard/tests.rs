use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::KeyCode;
use ratatui::style::Color;

use super::*;
use crate::supervise::history::Sample;
use crate::supervise::log_lines::LogLine;
use crate::supervise::staleness::{Recorded, Supervisor};

const RUNNING: &str = include_str!("../../../fixtures/watch/running.json");

struct Read {
    view: View,
    health: Health,
    judgement: Judgement,
    history: History,
    now: Stamp,
    log: Option<LogView>,
}

/// Lines of a log, one of them hostile.
fn log() -> LogView {
    let line = |number: u64, level: &str, text: &str| LogLine {
        number: Some(number),
        time: "12:00:00".to_owned(),
        level: level.to_owned(),
        text: text.to_owned(),
        ..LogLine::default()
    };
    let lines = vec![line(7, "info", "beat"), line(8, "error", "gone \u{1b}[2J"), line(9, "info", "beat again")];
    LogView { file: "logs/a.jsonl".to_owned(), hit: Some(8), lines, problem: None }
}

fn read(text: &str, now: &str, supervisor: Supervisor) -> Read {
    let view = View::parse(text.as_bytes()).expect("a snapshot");
    let now = Stamp::parse(now).expect("a time");
    let health = Health::of(&view, None, now, supervisor, Recorded::Nothing);
    let judgement = Judgement::of(&view, &health);
    let mut history = History::default();
    for i in 0..=144_u32 {
        // Twelve hours in steps of five minutes, an hour of them silent.
        let silent = f64::from(i.saturating_sub(60).min(12)) * 300.0;
        let elapsed = f64::from(i) * 300.0;
        let busy = (f64::from(i) / 9.0).sin();
        history.add(Sample {
            elapsed,
            lines: Some(((elapsed - silent) * 0.4).floor()),
            cpu: Some(60.0 + 30.0 * busy),
            rss: Some(3.0e8 + 1.0e6 * f64::from(i)),
        });
    }
    let log = Some(log());
    Read { view, health, judgement, history, now, log }
}

impl Read {
    fn terminal(&self, size: (u16, u16), board: &Board, color: bool) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).expect("a screen");
        let scene = Scene {
            title: "r1, newest of 3 in runs",
            view: Some(&self.view),
            health: &self.health,
            judgement: &self.judgement,
            history: &self.history,
            problem: None,
            now: self.now,
            log: self.log.as_ref(),
            context: self.log.as_ref(),
        };
        terminal.draw(|frame| draw(frame, &scene, board, Palette { color })).expect("drawn");
        terminal
    }

    fn text(&self, size: (u16, u16), board: &Board) -> String {
        self.terminal(size, board, true).backend().to_string()
    }
}

fn running() -> Read {
    read(RUNNING, "2025-01-06T12:00:20Z", Supervisor::Alive)
}

#[test]
fn a_run_in_progress_at_three_sizes() {
    let running = running();
    for size in [(120, 40), (80, 24), (60, 15)] {
        let name = format!("running_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, running.text(size, &Board::default()));
    }
}

#[test]
fn the_runbook_shows_the_screen_as_it_is() {
    let shown = running().text((80, 24), &Board::default());
    let shown: Vec<&str> = shown.lines().map(|line| line.trim_matches('"').trim_end()).collect();
    let runbook = include_str!("../../../runbooks/watch.md");
    assert!(runbook.contains(&shown.join("\n")), "runbooks/watch.md shows another screen than\n{}", shown.join("\n"));
}

#[test]
fn a_run_whose_supervisor_is_gone() {
    let stale = read(RUNNING, "2025-01-06T14:00:00Z", Supervisor::Gone);
    insta::assert_snapshot!(stale.text((80, 24), &Board::default()));
}

#[test]
fn the_details_of_an_incident_and_the_help() {
    let running = running();
    let mut board = Board::default();
    board.press(KeyCode::Down, Some(&running.view));
    board.press(KeyCode::Enter, Some(&running.view));
    insta::assert_snapshot!("detail", running.text((80, 24), &board));
    insta::assert_snapshot!("help", running.text((60, 15), &Board { help: true, ..Board::default() }));
}

#[test]
fn the_verdict_is_a_word_and_a_colour_and_without_colour_still_a_word() {
    let stale = read(RUNNING, "2025-01-06T14:00:00Z", Supervisor::Gone);
    for (size, color, expect) in
        [((80, 24), true, Color::Red), ((80, 24), false, Color::Reset), ((20, 3), true, Color::Red)]
    {
        let terminal = stale.terminal(size, &Board::default(), color);
        assert!(terminal.backend().to_string().contains("STALE HARNESS"));
        assert_eq!(terminal.backend().buffer()[(1, 0)].fg, expect);
        if !color {
            let cells = &terminal.backend().buffer().content;
            assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
        }
    }
}

#[test]
fn every_size_can_be_drawn_in_every_mode() {
    let running = running();
    let boards = [
        Board::default(),
        Board { detail: true, selected: Some(0), skip: 200, ..Board::default() },
        Board { help: true, ..Board::default() },
        Board { log: true, typing: true, search: "a".to_owned(), ..Board::default() },
        Board { filter: Some(Status::Fail), selected: Some(99), ..Board::default() },
    ];
    for width in (0..=44).chain([60, 80, 300]) {
        for height in (0..=24).chain([200]) {
            for board in &boards {
                running.terminal((width, height), board, true);
            }
        }
    }
}

#[test]
fn hostile_texts_do_not_reach_the_screen() {
    let hostile = r#"{"status":"fail\u001b[2J","phase":"run\u202ening\n","elapsed_seconds":1,"command":["\u001b]0;pwn\u0007"],
        "line_counts":{"\u001b[31m":1},"evidence":{"\u0007x":{"state":"\u001b[1m"}},"config_metadata":{"\u200b":"\u009b31m"},
        "incidents":[{"severity":"fail","kind":"\u001b","message":"\u001b[2J\u001b]0;pwn\u0007","metadata":{"\r":"\u001b"}}]}"#;
    let read = read(hostile, "2025-01-06T12:00:20Z", Supervisor::Unknown);
    let boards =
        [Board::default(), Board { detail: true, ..Board::default() }, Board { log: true, ..Board::default() }];
    for board in boards {
        let text = read.text((120, 40), &board);
        let steering = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{200b}' | '\u{202e}');
        assert!(!text.contains(steering), "{text:?}");
        assert!(text.contains("\\u{1b}"), "{text}");
    }
}

#[test]
fn the_log_is_shown_with_its_filter_and_an_incident_with_its_lines() {
    let running = running();
    let text = running.text((100, 30), &Board { log: true, ..Board::default() });
    assert!(
        text.contains("Log logs/a.jsonl") && text.contains("12:00:00 error") && text.contains("beat again"),
        "{text}"
    );
    let text = running.text((100, 30), &Board { log: true, search: "again".to_owned(), ..Board::default() });
    assert!(text.contains("filter: again") && !text.contains("12:00:00 error"), "{text}");
    let text = running.text((120, 45), &Board { detail: true, selected: Some(0), ..Board::default() });
    assert!(text.contains("logs/a.jsonl:8") && text.contains("      9 12:00:00 info"), "{text}");
}
