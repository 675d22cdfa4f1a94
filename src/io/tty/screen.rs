//! The whole terminal as one screen: taken over, drawn on, and given back on every way out.

use std::env;
use std::io::{self, IsTerminal as _, Stdout};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::crossterm::terminal::{self, EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::crossterm::{cursor, execute, style};
use ratatui::prelude::CrosstermBackend;
use ratatui::{Frame, Terminal};

use super::ansi16::Sixteen;
use super::keyboard::{Input, Keyboard};

/// Whether the terminal is ours at present.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is taken over; dropping it gives the terminal back.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Sixteen<Stdout>>>,
    keyboard: Keyboard,
    /// Columns and rows of the last frame.
    size: (u16, u16),
}

/// Whether there is a terminal to take over, for reading as well as for writing.
pub(crate) fn available() -> bool {
    io::stdout().is_terminal() && io::stdin().is_terminal() && env::var("TERM").as_deref() != Ok("dumb")
}

impl Screen {
    /// Takes the terminal over. A panic gives it back before it prints anything.
    ///
    /// # Errors
    /// The terminal refuses.
    pub(crate) fn open(color: bool) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let next = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                give_back();
                next(info);
            }));
        });
        style::force_color_output(color);
        // Set first: giving back what was not taken does no harm, the reverse does.
        TAKEN.store(true, Ordering::SeqCst);
        let opened = terminal::enable_raw_mode()
            .and_then(|()| execute!(io::stdout(), EnterAlternateScreen, cursor::Hide))
            .and_then(|()| Terminal::new(CrosstermBackend::new(Sixteen::new(io::stdout()))));
        match opened {
            Ok(terminal) => Ok(Self { terminal, keyboard: Keyboard::default(), size: (0, 0) }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Draws a frame; only what differs from the last one is sent.
    ///
    /// # Errors
    /// The terminal cannot be written.
    pub(crate) fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let frame = self.terminal.draw(render)?;
        self.size = (frame.area.width, frame.area.height);
        Ok(())
    }

    /// Waits at most `length` for the user.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub(crate) fn wait(&mut self, length: Duration) -> io::Result<Option<Input>> {
        self.keyboard.wait(length)
    }

    /// Whether the size of the terminal is another than that of the last frame.
    pub(crate) fn resized(&self) -> bool {
        rustix::termios::tcgetwinsize(io::stdout()).is_ok_and(|now| (now.ws_col, now.ws_row) != self.size)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // On the way out there is nobody left to tell.
        let _ = terminal::disable_raw_mode();
        let _ = execute!(io::stdout(), style::ResetColor, LeaveAlternateScreen, cursor::Show);
    }
}
