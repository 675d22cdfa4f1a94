//! Reads what a user named and what is no regular file: a named pipe, a device. Nobody may ever write to it, so there
//! is a limit to the patience.

use std::fs::File;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::time::human_duration;

/// How long somebody may take to open the other end.
const OPENED: Duration = Duration::from_secs(10);
/// How long the other end may be silent.
const SILENT: Duration = Duration::from_secs(60);
/// Between looks whether somebody has opened the other end.
const SLICE: Duration = Duration::from_millis(100);

/// A pipe or device that was opened without waiting, read with a time limit.
pub(crate) struct Pipe {
    file: File,
    /// Whether somebody has, or had, the other end.
    met: bool,
    opened: Duration,
    silent: Duration,
}

impl Pipe {
    /// Reads `file`, which must be non-blocking.
    pub(super) fn new(file: File) -> Self {
        Self { file, met: false, opened: OPENED, silent: SILENT }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = Instant::now();
        loop {
            let slice = Timespec { tv_sec: 0, tv_nsec: SLICE.subsec_nanos().into() };
            let mut wanted = [PollFd::new(&self.file, PollFlags::IN)];
            let ready = rustix::event::poll(&mut wanted, Some(&slice)).unwrap_or(0) > 0;
            match self.file.read(buffer) {
                // Nothing to read and nobody there is the end, unless nobody was there yet.
                Ok(0) if !ready && !self.met => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.met = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.met = true;
                    return result;
                }
            }
            let (limit, what) = match self.met {
                true => (self.silent, "nothing came through this pipe"),
                false => (self.opened, "nobody opened this pipe for writing"),
            };
            if since.elapsed() >= limit {
                let text = format!("{what} for {}; name a regular file, or write to it", human_duration(limit));
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::thread;

    use rustix::fs::{CWD, FileType, Mode};

    use super::*;
    use crate::io::files;

    #[test]
    fn a_pipe_is_waited_for_and_read_to_its_end_but_not_for_ever() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
        let pipe = |limit: u64| {
            let limit = Duration::from_millis(limit);
            let (file, _) = files::open(&path).expect("opened without waiting");
            Pipe { opened: limit, silent: limit, ..Pipe::new(file) }
        };
        let nobody = pipe(1).read(&mut [0; 8]).expect_err("nobody writes");
        assert!(nobody.to_string().contains("nobody opened this pipe"), "{nobody}");
        let mut reader = pipe(60_000);
        let writer = {
            let path = path.clone();
            thread::spawn(move || File::options().write(true).open(path).expect("a reader").write_all(b"two\nlines\n"))
        };
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read to its end");
        assert_eq!(text, "two\nlines\n");
        writer.join().expect("no panic").expect("written");
        let mut reader = pipe(1);
        let _silent = File::options().write(true).open(&path).expect("a reader");
        let silent = reader.read(&mut [0; 8]).expect_err("nothing comes");
        assert!(silent.to_string().contains("nothing came through this pipe"), "{silent}");
    }
}
