//! A directory that is opened once. What is below it is reached from its descriptor and through no link, so that
//! nobody who may write there can lead a reader or a writer elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{DOCUMENT_LIMIT, FileError, read_whole, write};

/// How to open a directory below another: the descriptor serves for look-ups alone.
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A directory, by its descriptor.
#[derive(Clone, Debug)]
pub struct Folder {
    directory: Arc<OwnedFd>,
    path: PathBuf,
    /// Whose files are read; everybody's where none is said.
    owner: Option<u32>,
}

impl PartialEq for Folder {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for Folder {}

/// What has a name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Folder,
    /// A symbolic link, to whatever.
    Link,
    /// A named pipe, socket or device.
    Special,
}

/// What is below a directory, by relative paths.
#[derive(Debug, Default)]
pub struct Walked {
    /// Everything that is no directory, sorted.
    pub found: Vec<(PathBuf, Kind)>,
    /// Directories that cannot be listed, with the error.
    pub faults: Vec<(PathBuf, io::Error)>,
}

impl Folder {
    /// Opens the directory that `path` names. Links on the way to it are followed.
    ///
    /// # Errors
    /// It is missing, no directory, or may not be entered.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let open = || -> io::Result<Self> {
            let directory = rustix::fs::open(path, DIRECTORY, Mode::empty())?;
            Ok(Self { directory: Arc::new(directory), path: path.to_owned(), owner: None })
        };
        open().map_err(|source| FileError::new("read", path, source))
    }

    /// Makes a directory that must be new, and opens it.
    ///
    /// # Errors
    /// Something has its name, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, FileError> {
        let made = std::fs::DirBuilder::new().mode(0o777).create(path);
        made.map_err(|source| FileError::new("create", path, source))?;
        Self::of_evidence(path)
    }

    /// Opens a directory of evidence, in which the files of strangers are not read: of anybody but the owner of the
    /// directory, this user and the superuser.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn of_evidence(path: &Path) -> Result<Self, FileError> {
        let folder = Self::open(path)?;
        let about = rustix::fs::fstat(&*folder.directory);
        let owner = about.map_err(|error| FileError::new("read", path, error.into()))?.st_uid;
        Ok(Self { owner: Some(owner), ..folder })
    }

    /// The path by which it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The part of `path` below this directory; `None` if it is elsewhere by its name.
    pub fn relative<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.strip_prefix(&self.path).ok()
    }

    /// A directory below this one.
    ///
    /// # Errors
    /// It is missing, no directory, or is behind a link.
    pub fn folder(&self, name: impl AsRef<Path>) -> io::Result<Self> {
        let name = name.as_ref();
        let mut directory = Arc::clone(&self.directory);
        for part in name.components() {
            let part = match part {
                Component::Normal(part) => part,
                Component::CurDir => continue,
                _ => return Err(io::Error::other("its name leads out of the directory")),
            };
            let below = rustix::fs::openat(&*directory, part, DIRECTORY | OFlags::NOFOLLOW, Mode::empty());
            directory = match below {
                Ok(below) => Arc::new(below),
                Err(Errno::NOTDIR) if is_link(&directory, part) => {
                    let text = format!("{} is a symbolic link, which is not followed here", part.display());
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, text));
                }
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Self { directory, path: self.path.join(name), owner: self.owner })
    }

    /// The directory that holds `name`, and its last part.
    fn holder<'n>(&self, name: &'n Path) -> io::Result<(Self, &'n OsStr)> {
        let last = name.file_name().ok_or_else(|| io::Error::other("this is not the name of a file"))?;
        Ok((self.folder(name.parent().unwrap_or(Path::new("")))?, last))
    }

    /// Opens a file that was found below this directory.
    ///
    /// # Errors
    /// It is missing, cannot be read, is no regular file, is behind a link, or belongs to a stranger; see
    /// [`Self::of_evidence`].
    pub fn open_file(&self, name: impl AsRef<Path>) -> io::Result<File> {
        let (holder, name) = self.holder(name.as_ref())?;
        // Without waiting for the other end of what turns out to be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&*holder.directory, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link, which is not followed here")),
            Err(Errno::NXIO) => return Err(io::Error::other("it is a socket or a device, not a regular file")),
            Err(error) => return Err(error.into()),
        };
        self.check_ours(&file)?;
        Ok(file)
    }

    /// Refuses what is no regular file, and the file of a stranger.
    fn check_ours(&self, file: &File) -> io::Result<()> {
        let about = file.metadata()?;
        regular(&about)?;
        let found = about.uid();
        if let Some(owner) = self.owner
            && ![owner, 0, rustix::process::geteuid().as_raw()].contains(&found)
        {
            let text = format!("it belongs to user number {found} and its directory to number {owner}: not used");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
        }
        Ok(())
    }

    /// Adds a line at the end of a file below this directory, which is made where it is missing.
    ///
    /// # Errors
    /// As for [`Self::open_file`], and when it cannot be written.
    pub fn append_line(&self, name: impl AsRef<Path>, line: &str) -> Result<(), FileError> {
        let name = name.as_ref();
        let append = || {
            let (holder, last) = self.holder(name)?;
            let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK;
            let opened = rustix::fs::openat(&*holder.directory, last, flags | OFlags::CLOEXEC, write::FILE_MODE);
            let mut file = match opened {
                Ok(file) => File::from(file),
                Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link, which is not followed here")),
                Err(error) => return Err(error.into()),
            };
            self.check_ours(&file)?;
            let length = file.metadata()?.len();
            let mut last = [b'\n'];
            if length > 0 {
                file.read_exact_at(&mut last, length - 1)?;
            }
            // A line that was cut short does not swallow this one; one write, so that others come before it or behind it.
            let gap = if last == [b'\n'] { "" } else { "\n" };
            io::Write::write_all(&mut file, format!("{gap}{line}\n").as_bytes())?;
            file.sync_all()
        };
        append().map_err(|source| FileError::new("write", self.path.join(name), source))
    }

    /// The whole of a document that was found below this directory.
    ///
    /// # Errors
    /// As [`Self::open_file`], and when it is larger than [`DOCUMENT_LIMIT`].
    pub fn read(&self, name: impl AsRef<Path>) -> Result<Vec<u8>, FileError> {
        let name = name.as_ref();
        let read = self.open_file(name).and_then(|file| read_whole(file, DOCUMENT_LIMIT));
        read.map_err(|source| FileError::new("read", self.path.join(name), source))
    }

    /// What is under a name; `None` if nothing does or where it cannot be looked up.
    pub fn kind(&self, name: impl AsRef<Path>) -> Option<Kind> {
        self.stat(name).ok().map(|stat| kind(&stat))
    }

    /// The device and the number of the file under a name, a link being a file.
    ///
    /// # Errors
    /// Nothing has that name, or it cannot be looked up.
    pub fn identity(&self, name: impl AsRef<Path>) -> io::Result<(u64, u64)> {
        self.stat(name).map(|stat| (stat.st_dev, stat.st_ino))
    }

    fn stat(&self, name: impl AsRef<Path>) -> io::Result<Stat> {
        let (holder, name) = self.holder(name.as_ref())?;
        Ok(rustix::fs::statat(&*holder.directory, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// The names in this directory, sorted; without files of ours that are not whole yet, or never were.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listing = rustix::fs::openat(&*self.directory, ".", flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::new(listing)? {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." && !write::is_temporary(name.as_bytes()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Everything below this directory that is no directory, by its relative path and sorted. Links count as what
    /// they are. What cannot be listed is named with the error.
    pub fn walk(&self) -> Walked {
        let Walked { mut found, mut faults } = Walked::default();
        let mut waiting = vec![PathBuf::new()];
        while let Some(path) = waiting.pop() {
            match self.folder(&path).and_then(|folder| Ok((folder.names()?, folder))) {
                Ok((names, folder)) => {
                    for name in names {
                        match folder.kind(&name) {
                            Some(Kind::Folder) => waiting.push(path.join(name)),
                            Some(kind) => found.push((path.join(name), kind)),
                            // It went away in between.
                            None => {}
                        }
                    }
                }
                Err(error) => faults.push((path, error)),
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Walked { found, faults }
    }

    /// Tries whether a file can be made in this directory, without leaving one.
    pub(super) fn check_writable(&self) -> Result<(), FileError> {
        write::check(&self.directory).map_err(|source| FileError::new("write", &self.path, source))
    }

    /// Makes a directory below this one, with its parents.
    ///
    /// # Errors
    /// It cannot be made, or a link or something else has its name.
    pub fn make_folder(&self, name: impl AsRef<Path>) -> Result<Self, FileError> {
        let name = name.as_ref();
        let make = || {
            let mut at = self.clone();
            for part in name.components() {
                let made = rustix::fs::mkdirat(&*at.directory, part.as_os_str(), Mode::from_raw_mode(0o777));
                made.or_else(|error| if error == Errno::EXIST { Ok(()) } else { Err(error) })?;
                at = at.folder(part)?;
            }
            Ok(at)
        };
        make().map_err(|source| FileError::new("create", self.path.join(name), source))
    }

    /// Makes a file below this directory that must be new, for writing at its end.
    ///
    /// # Errors
    /// Something has its name, a link included, or it cannot be made.
    pub fn create_file(&self, name: impl AsRef<Path>) -> io::Result<File> {
        let (holder, name) = self.holder(name.as_ref())?;
        let flags = OFlags::APPEND | OFlags::WRONLY | write::NEW;
        Ok(File::from(rustix::fs::openat(&*holder.directory, name, flags, write::FILE_MODE)?))
    }

    /// Replaces a file below this directory: readers see the old content or the new, whatever happens in between.
    ///
    /// # Errors
    /// The directory cannot be written. The old content is still there then.
    pub fn replace(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<(), FileError> {
        self.replace_with(name, |file| io::Write::write_all(file, bytes))
    }

    /// [`Self::replace`] for content that is written piece by piece.
    ///
    /// # Errors
    /// As for [`Self::replace`], and whatever `write` returns.
    pub fn replace_with(
        &self,
        name: impl AsRef<Path>,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), FileError> {
        self.put(name.as_ref(), true, write)
    }

    /// Replaces a file, where `durable` waiting until it is on the disk.
    pub(super) fn put(
        &self,
        name: &Path,
        durable: bool,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> Result<(), FileError> {
        let put = || {
            let (holder, name) = self.holder(name)?;
            write::replace(&holder.directory, name, durable, write)
        };
        put().map_err(|source| FileError::new("write", self.path.join(name), source))
    }

    /// Makes the names in a directory below this one durable.
    pub(super) fn sync(&self, name: &Path) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let listing = rustix::fs::openat(&*self.folder(name)?.directory, ".", flags, Mode::empty())?;
        Ok(rustix::fs::fsync(listing)?)
    }

    /// Makes a directory directly in this one that must be new.
    ///
    /// # Errors
    /// Something has its name, or it cannot be made.
    pub fn create_folder(&self, name: &str) -> Result<Self, FileError> {
        let made = rustix::fs::mkdirat(&*self.directory, name, Mode::from_raw_mode(0o777)).map_err(io::Error::from);
        let made = made.and_then(|()| self.folder(name));
        made.map_err(|source| FileError::new("create", self.path.join(name), source))
    }

    /// Removes this directory with everything in it, if it is still where it was opened.
    ///
    /// # Errors
    /// Something in it may not be removed.
    pub fn remove(&self) -> io::Result<()> {
        // The standard library follows no link below the path that it is given, nor at its end.
        std::fs::remove_dir_all(&self.path)
    }

    /// Removes a file below this directory.
    ///
    /// # Errors
    /// It is missing, or may not be removed.
    pub fn remove_file(&self, name: impl AsRef<Path>) -> io::Result<()> {
        let (holder, name) = self.holder(name.as_ref())?;
        Ok(rustix::fs::unlinkat(&*holder.directory, name, AtFlags::empty())?)
    }

    /// Removes a directory below this one with everything in it.
    ///
    /// # Errors
    /// Something in it may not be removed.
    pub fn remove_folder(&self, name: impl AsRef<Path>) -> io::Result<()> {
        let (holder, name) = self.holder(name.as_ref())?;
        std::fs::remove_dir_all(write::by_descriptor(holder.directory.as_raw_fd()).join(name))
    }
}

fn is_link(directory: &OwnedFd, name: &OsStr) -> bool {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW);
    stat.is_ok_and(|stat| kind(&stat) == Kind::Link)
}

fn kind(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        _ => Kind::Special,
    }
}

/// Refuses what is no regular file, and says what it is.
pub(super) fn regular(about: &std::fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let kind = about.file_type();
    let what = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(io::Error::other(format!("it is {what}, not a regular file")))
}
