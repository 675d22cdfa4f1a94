//! One run on the whole screen.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::{ACCEPTED, End, Error, LOOK, Watch, none};
use crate::io::runs::follow::Follower;
use crate::io::runs::log_tail;
use crate::io::tty::keyboard::Input;
use crate::io::tty::screen::Screen;
use crate::io::tty::terminal;
use crate::report::dashboard::{self, Ask, Board, Palette, Scene};
use crate::supervise::log_lines::LogView;
use crate::supervise::progress_reader::View;
use crate::supervise::staleness::{Health, Judgement};

/// What was read of the log for the screen.
#[derive(Default)]
struct Looked {
    log: log_tail::Tail,
    context: Option<LogView>,
    /// The message that the context is of.
    of: Option<String>,
}

impl Looked {
    /// Reads what the board shows, and nothing else.
    fn refresh(&mut self, progress: &Path, view: Option<&View>, board: &Board) {
        if board.log {
            self.log.look(progress, board.workload.as_deref());
        }
        let message = view.filter(|_| board.detail).and_then(|view| dashboard::selected(view, board));
        let message = message.map(|event| event.message.clone());
        if message != self.of {
            self.context = message.as_deref().and_then(|message| log_tail::around(progress, message));
            self.of = message;
        }
    }
}

impl Watch<'_> {
    /// One run on the whole screen.
    pub(super) fn dashboard(&mut self) -> Result<ExitCode, Error> {
        let mut run = self.follower()?.with_history();
        let mut screen = Screen::open(self.common.look().color)?;
        let end = self.board(&mut screen, &mut run, false);
        drop(screen);
        match end? {
            End::Signal(signal) => Ok((128 + signal).into()),
            End::Quit | End::Back if self.args.exit_when_complete => {
                terminal::note("watch: left before the run was complete, so there is no verdict");
                Ok(130.into())
            }
            End::Quit | End::Back => Ok(ACCEPTED.into()),
            End::Settled => {
                let Some((view, (health, judgement))) = run.view.as_ref().zip(run.judge(run.now())) else {
                    return Err(none(run.problem));
                };
                // What decided stays in sight after the screen is given back.
                terminal::print(&self.block(&run, view, &health, &judgement))?;
                self.pack(&run, view, &health, &judgement)?;
                Ok(self.code(judgement.verdict))
            }
        }
    }

    /// Draws `run` until something ends it. With `nested`, Esc goes back to the list of runs.
    pub(super) fn board(&mut self, screen: &mut Screen, run: &mut Follower, nested: bool) -> Result<End, Error> {
        let palette = Palette { color: self.common.look().color };
        let mut board = Board { workload: self.args.workload.clone(), ..Board::default() };
        let mut looked = Looked::default();
        let mut drawn: Option<Instant> = None;
        loop {
            if let Some(signal) = self.interrupts.pending() {
                return Ok(End::Signal(signal));
            }
            if run.look() || screen.resized() || drawn.is_none_or(|at| at.elapsed() >= self.args.interval) {
                drawn = Some(Instant::now());
                if !io::stderr().is_terminal() {
                    self.note(run.problem.as_ref());
                }
                let now = run.now();
                let waiting = (Health::Live, Judgement { verdict: None, settled: false, because: Vec::new() });
                let (health, judgement) = run.judge(now).unwrap_or(waiting);
                let (title, history) = (run.title(), &run.history);
                let (view, problem) = (run.view.as_ref(), run.problem.as_deref());
                looked.refresh(run.path(), view, &board);
                let (log, context) = (Some(looked.log.view()), looked.context.as_ref());
                let (health, judgement) = (&health, &judgement);
                let scene = Scene { title: &title, view, health, judgement, history, problem, now, log, context };
                screen.draw(|frame| dashboard::draw(frame, &scene, &board, palette))?;
                let settled = self.args.exit_when_complete && judgement.settled;
                if !nested && (settled || (run.view.is_none() && self.in_vain())) {
                    return Ok(End::Settled);
                }
            }
            match screen.wait(LOOK)? {
                None => {}
                Some(Input::Interrupt) => return Ok(End::Signal(2)),
                Some(Input::Hangup) => return Ok(End::Signal(1)),
                Some(Input::Key(key)) => {
                    match board.press(key, run.view.as_ref()) {
                        Ask::Leave => return Ok(End::Quit),
                        Ask::Acknowledge => self.acknowledge_selected(run, &mut board),
                        Ask::Back if nested => return Ok(End::Back),
                        Ask::Back | Ask::Draw => {}
                    }
                    drawn = None;
                }
            }
        }
    }
}
