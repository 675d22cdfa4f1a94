//! Standard output and standard error.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The columns of standard output; none if it is no terminal, unless `COLUMNS` says how many there shall be.
pub(crate) fn width() -> Option<u16> {
    let width = match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if io::stdout().is_terminal() => Some(if size.ws_col > 0 { size.ws_col } else { 80 }),
        _ => env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()),
    };
    width.map(|width| width.max(40))
}

/// The columns of the terminal at standard error.
pub(crate) fn error_width() -> u16 {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(80, |size| if size.ws_col > 0 { size.ws_col } else { 80 })
}

/// Whether to colour standard output.
pub(crate) fn colored(choice: ColorChoice) -> bool {
    let colorless = env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()) || env::var("TERM").as_deref() == Ok("dumb");
    match choice {
        ColorChoice::Auto => io::stdout().is_terminal() && !colorless,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
    }
}

/// Writes `text` to standard output. A reader that has gone away is not an error.
///
/// # Errors
/// Standard output cannot be written for any other reason.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Whether nobody reads standard output any more, as after `| head -1`.
pub(crate) fn reader_gone() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdout = io::stdout();
    let mut pipes = [PollFd::new(&stdout, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut pipes, Some(&at_once)).is_ok() && pipes[0].revents().contains(PollFlags::ERR)
}

/// Writes one line to standard error; a closed standard error is nobody's concern.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", crate::sanitize::line(text));
}
