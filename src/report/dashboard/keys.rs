//! What the user chose on the dashboard, and how keys change it.

use ratatui::crossterm::event::KeyCode;

use crate::finding::Status;
use crate::supervise::progress_reader::{Event, View, Worker};

/// How many incidents a page key moves.
const PAGE: usize = 10;

/// What a key asks of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Nothing more than to draw again.
    Draw,
    /// To leave the dashboard.
    Leave,
    /// To go back to where it was opened from.
    Back,
    /// To acknowledge the selected incident, with the note that was typed.
    Acknowledge,
}

/// The user's choices; the snapshot itself is not part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Board {
    /// The selected incident, by its place in the snapshot; none follows the newest.
    pub selected: Option<usize>,
    /// The least severity to show; none shows all.
    pub filter: Option<Status>,
    /// The workload that is looked at alone.
    pub workload: Option<String>,
    /// Whether the details are open.
    pub detail: bool,
    /// Whether the help is open.
    pub help: bool,
    /// Lines of the details that are scrolled away.
    pub skip: u16,
    /// Whether the log is shown in the place of the incidents.
    pub log: bool,
    /// The text that lines of the log must hold; empty for all.
    pub search: String,
    /// Whether keys go into that text.
    pub typing: bool,
    /// The note to an acknowledgement, while keys go into it.
    pub note: Option<String>,
    /// What became of the last acknowledgement, until the next key.
    pub said: Option<String>,
}

/// What a filter shows.
pub(crate) fn filter_text(least: Status) -> &'static str {
    match least {
        Status::Pass => "all",
        Status::Warn => "WARN and FAIL",
        Status::Fail => "FAIL only",
    }
}

impl Board {
    /// The places of the incidents that the filter lets through, newest first.
    pub(crate) fn shown(&self, view: &View) -> Vec<usize> {
        let all = view.events().iter().enumerate().rev();
        let of = |event: &Event| self.workload.is_none() || event.workload == self.workload;
        all.filter(|(_, event)| of(event) && self.filter.is_none_or(|least| event.severity >= least))
            .map(|(at, _)| at)
            .collect()
    }

    /// Where the selection is in `shown`; none when nothing is shown.
    pub(crate) fn position(&self, shown: &[usize]) -> Option<usize> {
        if shown.is_empty() {
            return None;
        }
        let Some(selected) = self.selected else { return Some(0) };
        // A selection that the filter hides moves to its next older neighbour.
        Some(shown.iter().position(|at| *at <= selected).unwrap_or(shown.len() - 1))
    }

    /// Takes a key. `view` is the snapshot on the screen.
    pub(crate) fn press(&mut self, key: KeyCode, view: Option<&View>) -> Ask {
        self.said = None;
        if self.help {
            self.help = false;
            return Ask::Draw;
        }
        if let Some(note) = &mut self.note {
            match key {
                KeyCode::Enter => return Ask::Acknowledge,
                KeyCode::Esc => self.note = None,
                other => typed(note, other),
            }
            return Ask::Draw;
        }
        if self.typing {
            self.type_in(key);
            return Ask::Draw;
        }
        match key {
            KeyCode::Char('q') => return Ask::Leave,
            KeyCode::Char('l') => (self.log, self.detail) = (!self.log, false),
            KeyCode::Char('/') if self.log => self.typing = true,
            KeyCode::Esc if self.log && !self.search.is_empty() => self.search.clear(),
            KeyCode::Esc if self.log => self.log = false,
            KeyCode::Enter if self.log => {}
            KeyCode::Esc if self.detail => self.detail = false,
            KeyCode::Esc | KeyCode::Backspace => return Ask::Back,
            KeyCode::Char('a') if !self.log => {
                self.note = view.is_some_and(|view| !self.shown(view).is_empty()).then(String::new);
            }
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.help = true,
            KeyCode::Enter | KeyCode::Char(' ') => {
                self.detail = !self.detail && view.is_some_and(|view| !self.shown(view).is_empty());
                self.skip = 0;
            }
            KeyCode::Char('w') => self.next_workload(view),
            KeyCode::Char('f') => {
                self.filter = match self.filter {
                    None => Some(Status::Fail),
                    Some(Status::Fail) => Some(Status::Warn),
                    Some(_) => None,
                };
            }
            KeyCode::Down | KeyCode::Char('j') if self.detail => self.skip = self.skip.saturating_add(1).min(200),
            KeyCode::Up | KeyCode::Char('k') if self.detail => self.skip = self.skip.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.select(view, |at| at + 1),
            KeyCode::Up | KeyCode::Char('k') => self.select(view, |at| at.saturating_sub(1)),
            KeyCode::PageDown => self.select(view, |at| at + PAGE),
            KeyCode::PageUp => self.select(view, |at| at.saturating_sub(PAGE)),
            KeyCode::Home | KeyCode::Char('g') => self.select(view, |_| 0),
            KeyCode::End | KeyCode::Char('G') => self.select(view, |_| usize::MAX),
            _ => {}
        }
        Ask::Draw
    }

    /// Looks at the next workload, in the order of the rows, and behind the last at all of them.
    fn next_workload(&mut self, view: Option<&View>) {
        let all: &[Worker] = view.map_or(&[], |view| &view.workloads);
        let at = all.iter().position(|worker| Some(&worker.name) == self.workload.as_ref()).map_or(0, |at| at + 1);
        self.workload = all.get(at).map(|worker| worker.name.clone());
        self.selected = None;
    }

    fn type_in(&mut self, key: KeyCode) {
        match key {
            KeyCode::Esc => (self.typing, self.search) = (false, String::new()),
            KeyCode::Enter => self.typing = false,
            other => typed(&mut self.search, other),
        }
    }

    fn select(&mut self, view: Option<&View>, go: impl Fn(usize) -> usize) {
        let Some(view) = view else { return };
        let shown = self.shown(view);
        let Some(at) = self.position(&shown) else { return };
        let to = go(at).min(shown.len() - 1);
        // At the top the selection follows what comes in; elsewhere it stays with its incident.
        self.selected = (to > 0).then(|| shown[to]);
    }
}

/// A key that edits a line.
fn typed(text: &mut String, key: KeyCode) {
    match key {
        KeyCode::Char(letter) if text.len() < 200 => text.push(letter),
        KeyCode::Backspace => drop(text.pop()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(severities: &[&str]) -> View {
        let all: Vec<String> = severities.iter().map(|s| format!(r#"{{"severity":"{s}","message":"m"}}"#)).collect();
        View::parse(format!(r#"{{"status":"fail","incidents":[{}]}}"#, all.join(",")).as_bytes()).expect("a view")
    }

    #[test]
    fn the_selection_stays_with_its_incident_and_the_top_follows_the_newest() {
        let mut board = Board::default();
        let (before, after) = (view(&["fail", "warn", "warn"]), view(&["fail", "warn", "warn", "fail"]));
        assert_eq!(board.press(KeyCode::Down, Some(&before)), Ask::Draw);
        assert_eq!(board.selected, Some(1));
        assert_eq!(board.position(&board.shown(&after)), Some(2), "a newer one came");
        board.press(KeyCode::Char('g'), Some(&after));
        assert_eq!(board.selected, None);
        board.press(KeyCode::Char('G'), Some(&after));
        assert_eq!(board.selected, Some(0));
        board.press(KeyCode::Down, Some(&after));
        assert_eq!(board.selected, Some(0), "it ends at the oldest");
    }

    #[test]
    fn the_filter_goes_round_and_keeps_near_the_selection() {
        let view = view(&["fail", "warn", "info", "warn"]);
        let mut board = Board { selected: Some(1), ..Board::default() };
        board.press(KeyCode::Char('f'), Some(&view));
        assert_eq!((board.shown(&view), board.position(&[0])), (vec![0], Some(0)));
        board.press(KeyCode::Char('f'), Some(&view));
        assert_eq!(board.shown(&view), [3, 1, 0]);
        board.press(KeyCode::Char('f'), Some(&view));
        assert_eq!(board.filter, None);
    }

    #[test]
    fn the_log_is_filtered_by_what_is_typed() {
        let mut board = Board::default();
        for key in [KeyCode::Char('l'), KeyCode::Char('/'), KeyCode::Char('q'), KeyCode::Char('x'), KeyCode::Backspace]
        {
            assert_eq!(board.press(key, None), Ask::Draw);
        }
        assert_eq!((board.log, board.typing, board.search.as_str()), (true, true, "q"));
        board.press(KeyCode::Enter, None);
        assert!(!board.typing && board.search == "q", "the filter stays");
        board.press(KeyCode::Esc, None);
        assert!(board.log && board.search.is_empty(), "first the filter goes");
        board.press(KeyCode::Esc, None);
        assert!(!board.log, "then the log");
    }

    #[test]
    fn an_incident_is_acknowledged_with_a_note_or_not_at_all() {
        let some = view(&["fail"]);
        let mut board = Board::default();
        board.press(KeyCode::Char('a'), Some(&view(&[])));
        assert_eq!(board.note, None, "there is nothing to acknowledge");
        for key in [KeyCode::Char('a'), KeyCode::Char('q'), KeyCode::Char('x'), KeyCode::Backspace] {
            assert_eq!(board.press(key, Some(&some)), Ask::Draw);
        }
        assert_eq!((board.press(KeyCode::Enter, Some(&some)), board.note.as_deref()), (Ask::Acknowledge, Some("q")));
        assert_eq!((board.press(KeyCode::Esc, Some(&some)), board.note), (Ask::Draw, None));
    }

    #[test]
    fn a_workload_is_looked_at_alone_with_its_incidents() {
        let text = r#"{"status":"warn","workloads":{"a":{"state":"running"},"b":{"state":"failed"}},
            "incidents":[{"severity":"warn","message":"m","workload":"a"},{"severity":"fail","message":"n","workload":"b"}]}"#;
        let view = View::parse(text.as_bytes()).unwrap();
        let mut board = Board::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            board.press(KeyCode::Char('w'), Some(&view));
            seen.push((board.workload.clone(), board.shown(&view)));
        }
        let of = |name: &str| Some(name.to_owned());
        assert_eq!(seen, [(of("b"), vec![1]), (of("a"), vec![0]), (None, vec![1, 0])], "the worst comes first");
        assert_eq!(view.clone().only("a").unwrap().events().len(), 1);
        assert_eq!(view.only("c"), None);
    }

    #[test]
    fn keys_open_close_and_leave() {
        let some = view(&["fail"]);
        let mut board = Board::default();
        assert_eq!(board.press(KeyCode::Enter, Some(&view(&[]))), Ask::Draw);
        assert!(!board.detail, "there is nothing to open");
        board.press(KeyCode::Enter, Some(&some));
        assert!(board.detail);
        assert_eq!((board.press(KeyCode::Esc, Some(&some)), board.detail), (Ask::Draw, false));
        board.press(KeyCode::Char('?'), None);
        assert!(board.help);
        board.press(KeyCode::Char('x'), None);
        assert!(!board.help, "any key closes the help");
        assert_eq!(board.press(KeyCode::Esc, None), Ask::Back);
        assert_eq!(board.press(KeyCode::Char('q'), None), Ask::Leave);
    }
}
