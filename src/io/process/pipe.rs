//! Where the output of a command comes from: a pipe, or a pseudo-terminal.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, tcgetattr, tcsetattr};

/// One stream of output.
pub(crate) struct Pipe {
    file: File,
    terminal: bool,
}

impl Pipe {
    /// A pipe.
    pub(super) fn new(end: impl Into<OwnedFd>) -> Self {
        Self { file: File::from(end.into()), terminal: false }
    }

    /// A pseudo-terminal, with the end that a command gets: it shows the bytes as they are written, and echoes nothing.
    ///
    /// # Errors
    /// The kernel has none left.
    pub(super) fn terminal() -> io::Result<(Self, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let own = openpt(flags)?;
        unlockpt(&own)?;
        let other = ioctl_tiocgptpeer(&own, flags)?;
        let mut modes = tcgetattr(&other)?;
        modes.output_modes.remove(OutputModes::OPOST);
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&other, OptionalActions::Now, &modes)?;
        Ok((Self { file: File::from(own), terminal: true }, other))
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read(buffer) {
            // Nobody has the other end of the terminal open any more.
            Err(error) if self.terminal && error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(0),
            read => read,
        }
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
