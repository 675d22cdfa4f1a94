//! Where the configuration is, and whether one that nobody named may be used.

use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::super::Error;
use crate::io::files::{self, FileError};
use crate::supervise::record;
use crate::verdict::packet::PACKET_MARKS;
use crate::verdict::run::PROGRESS;

/// The file that is looked for.
pub(super) const NAME: &str = "emp-ops.toml";

/// More is read of no file that was found.
const LARGEST: u64 = 16 << 20;

/// A configuration file.
#[derive(Debug)]
pub(super) struct File {
    /// Where it is, as the user would type it.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
    /// Whether the user named it; one that was only found may set less.
    pub named: bool,
}

impl File {
    /// Its path, for people.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// The file that a user named.
///
/// # Errors
/// It cannot be read, or is no text.
pub(super) fn named(path: &Path) -> Result<File, Error> {
    let bytes = files::read(path).map_err(|error| Error::Usage(format!("--config: {error}")))?;
    Ok(File { path: path.to_owned(), text: text(path, bytes)?, named: true })
}

/// The nearest file from the folder `start`, relative to the working directory, upward.
///
/// # Errors
/// There is one, but it cannot be read, or anybody else than the user could have put it there.
pub(super) fn search(start: &Path) -> Result<Option<File>, Error> {
    let Ok(folder) = env::current_dir() else { return Ok(None) };
    let mut relative = start.to_owned();
    for above in folder.join(start).ancestors() {
        let path = relative.join(NAME);
        match fs::symlink_metadata(above.join(NAME)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Usage(FileError::new("read", path, error).to_string())),
            Ok(about) => {
                let failed = |error| Error::Usage(FileError::new("read", &path, error).to_string());
                // What is checked is what is read, whoever replaces the file in between.
                let (file, target) = files::open(&path).map_err(failed)?;
                check(&path, above, [&about, &target])?;
                let mut bytes = Vec::new();
                file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
                return Ok(Some(File { text: text(&path, bytes)?, path, named: false }));
            }
        }
        relative.push("..");
    }
    Ok(None)
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|_| Error::Usage(format!("{} is not UTF-8 text; write TOML", path.display())))
}

/// Whether the file at `path`, in the folder `folder`, may be used although nobody named it.
/// `about` is what its name leads to: the file or link itself, and what was opened.
fn check(path: &Path, folder: &Path, about: [&fs::Metadata; 2]) -> Result<(), Error> {
    let target = about[1];
    let own = rustix::process::geteuid().as_raw();
    let refuse = |why: String| {
        let path = path.display();
        Err(Error::Usage(format!(
            "{path} was found but not used: {why}; name it with --config {path}, or use --no-config"
        )))
    };
    for about in about {
        if about.uid() != own && about.uid() != 0 {
            return refuse(format!("it belongs to the user {}, neither to you nor to root", about.uid()));
        }
    }
    if !target.is_file() {
        return refuse("it is no regular file".to_owned());
    }
    if target.mode() & 0o022 != 0 {
        return refuse(format!(
            "others may write to it (mode {:o}); chmod go-w {}",
            target.mode() & 0o777,
            path.display()
        ));
    }
    let marks = || PACKET_MARKS.iter().copied().chain([record::FILE_NAME, PROGRESS]);
    match folder.ancestors().find(|above| marks().any(|mark| above.join(mark).exists())) {
        Some(run) => refuse(format!("it is in the run directory or packet {}", run.display())),
        None => Ok(()),
    }
}
