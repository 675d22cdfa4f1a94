//! Keys from the bytes of a terminal in raw mode: only those that a screen of ours uses.
//!
//! Read here rather than by crossterm, whose reader spins for ever on a terminal that was hung up and blocks on
//! half an escape sequence.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::KeyCode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// How long the rest of an escape sequence may take; after that it was the Esc key.
const REST: Duration = Duration::from_millis(40);

/// What the user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Pressed a key.
    Key(KeyCode),
    /// Pressed Ctrl-C.
    Interrupt,
    /// Closed the terminal.
    Hangup,
}

/// Collects the bytes of standard input until they are keys.
#[derive(Debug, Default)]
pub(crate) struct Keyboard {
    bytes: Vec<u8>,
}

impl Keyboard {
    /// Waits at most `length` for a key. A signal ends the wait early.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub(crate) fn wait(&mut self, length: Duration) -> io::Result<Option<Input>> {
        loop {
            match take(&self.bytes) {
                Taken::Input(input, used) => {
                    self.bytes.drain(..used);
                    return Ok(Some(input));
                }
                Taken::Nothing(used) => {
                    self.bytes.drain(..used);
                }
                Taken::Unfinished => {
                    if self.read(REST)? == Got::Nothing {
                        self.bytes.clear();
                        return Ok(Some(Input::Key(KeyCode::Esc)));
                    }
                    continue;
                }
            }
            if self.bytes.is_empty() {
                match self.read(length)? {
                    Got::Bytes => {}
                    Got::Nothing => return Ok(None),
                    Got::Hangup => return Ok(Some(Input::Hangup)),
                }
            }
        }
    }

    fn read(&mut self, length: Duration) -> io::Result<Got> {
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let timeout = Timespec::try_from(length).map_err(io::Error::other)?;
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) | Err(Errno::INTR) => return Ok(Got::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        if !fds[0].revents().contains(PollFlags::IN) {
            return Ok(Got::Hangup);
        }
        let mut buffer = [0; 256];
        match rustix::io::read(&stdin, &mut buffer) {
            Ok(0) | Err(Errno::IO) => Ok(Got::Hangup),
            Ok(count) => {
                self.bytes.extend_from_slice(&buffer[..count]);
                Ok(Got::Bytes)
            }
            Err(Errno::INTR | Errno::AGAIN) => Ok(Got::Nothing),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Got {
    Bytes,
    Nothing,
    Hangup,
}

#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// An input, and how many bytes it took.
    Input(Input, usize),
    /// So many bytes that mean nothing to us.
    Nothing(usize),
    /// The beginning of an escape sequence.
    Unfinished,
}

/// Takes the first key off `bytes`.
fn take(bytes: &[u8]) -> Taken {
    let key = |code, used| Taken::Input(Input::Key(code), used);
    match bytes {
        [] => Taken::Nothing(0),
        [0x03, ..] => Taken::Input(Input::Interrupt, 1),
        [b'\r' | b'\n', ..] => key(KeyCode::Enter, 1),
        [0x08 | 0x7f, ..] => key(KeyCode::Backspace, 1),
        [0x1b] | [0x1b, b'[' | b'O'] => Taken::Unfinished,
        [0x1b, lead @ (b'[' | b'O'), rest @ ..] => {
            // Parameters, then one letter or `~`.
            let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
                return if rest.len() > 16 { Taken::Nothing(bytes.len()) } else { Taken::Unfinished };
            };
            let used = end + 3;
            match (lead, &rest[..end], rest[end]) {
                (_, _, b'A') => key(KeyCode::Up, used),
                (_, _, b'B') => key(KeyCode::Down, used),
                (_, _, b'H') | (_, b"1" | b"7", b'~') => key(KeyCode::Home, used),
                (_, _, b'F') | (_, b"4" | b"8", b'~') => key(KeyCode::End, used),
                (_, b"5", b'~') => key(KeyCode::PageUp, used),
                (_, b"6", b'~') => key(KeyCode::PageDown, used),
                (b'O', b"", b'P') | (_, b"11", b'~') => key(KeyCode::F(1), used),
                _ => Taken::Nothing(used),
            }
        }
        [0x1b, ..] => key(KeyCode::Esc, 1),
        [byte @ 0x20..=0x7e, ..] => key(KeyCode::Char(char::from(*byte)), 1),
        _ => Taken::Nothing(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_taken_off_one_by_one() {
        let key = |code, used| Taken::Input(Input::Key(code), used);
        for (bytes, expect) in [
            (&b"q"[..], key(KeyCode::Char('q'), 1)),
            (b"\x03", Taken::Input(Input::Interrupt, 1)),
            (b"\r", key(KeyCode::Enter, 1)),
            (b"\x1b", Taken::Unfinished),
            (b"\x1b[", Taken::Unfinished),
            (b"\x1b[1;5", Taken::Unfinished),
            (b"\x1b[Bq", key(KeyCode::Down, 3)),
            (b"\x1bOA", key(KeyCode::Up, 3)),
            (b"\x1b[1;5A", key(KeyCode::Up, 6)),
            (b"\x1b[6~", key(KeyCode::PageDown, 4)),
            (b"\x1b[4~", key(KeyCode::End, 4)),
            (b"\x1b[C", Taken::Nothing(3)),
            (b"\x1bq", key(KeyCode::Esc, 1)),
            (b"\xc3\xa4", Taken::Nothing(1)),
            (b"", Taken::Nothing(0)),
        ] {
            assert_eq!(take(bytes), expect, "{bytes:?}");
        }
    }
}
