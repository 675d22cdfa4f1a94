//! Opens packet archives: a gzipped tar is unpacked into a temporary folder of its own, with suspicion.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tar::{Archive, Entry, EntryType, PaxExtensions};
use tempfile::TempDir;

use crate::evidence::checksums::{self, List};
use crate::finding::Finding;
use crate::io::files::{self, FileError};
use crate::io::process::sampler::disk_space;
use crate::verdict::packet::{damaged, damaged_end, refused};

/// The most that an archive may hold, unpacked, where its manifest does not say how much it is.
const MOST_BYTES: u64 = 1 << 30;
/// The largest manifest, list of sums or document of another writer that is read.
const MOST_LIST: u64 = 64 << 20;
/// The most files that an archive may hold.
const MOST_FILES: usize = 200_000;
/// The longest extension header (a long name, say) that is read into memory.
const MOST_EXTENSION: u64 = 1 << 20;
/// The longest name of a member and of one part of it, in bytes; file systems take no more.
const LONGEST_NAME: usize = 2048;
const LONGEST_PART: usize = 255;

/// A packet that was unpacked; the folder goes away with it.
#[derive(Debug)]
pub(crate) struct Unpacked {
    folder: TempDir,
    /// Members that were refused, and damage of the archive.
    pub findings: Vec<Finding>,
}

impl Unpacked {
    /// The folder that holds the manifest: the top, or the only folder in it.
    pub(crate) fn packet(&self) -> PathBuf {
        let top = self.folder.path();
        if top.join("manifest.json").exists() {
            return top.to_owned();
        }
        let folders: Vec<PathBuf> =
            fs::read_dir(top).into_iter().flatten().flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
        match folders.as_slice() {
            [only] if only.join("manifest.json").exists() => only.clone(),
            _ => top.to_owned(),
        }
    }
}

/// Whether the file at `path` is a gzipped tar, by its first bytes. A damaged gzip counts as one, so that the damage
/// is reported.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn is_archive(path: &Path) -> Result<bool, FileError> {
    let fail = |source| FileError::new("read", path, source);
    let mut start = [0; 2];
    let read = files::open_found(path).and_then(|mut file| file.read(&mut start)).map_err(fail)?;
    if start[..read] != [0x1f, 0x8b] {
        return Ok(false);
    }
    let mut header = Vec::new();
    let file = files::open_found(path).map_err(fail)?;
    match MultiGzDecoder::new(BufReader::new(file)).take(512).read_to_end(&mut header) {
        Ok(512) => Ok(header[257..262] == *b"ustar"),
        Ok(_) => Ok(false),
        Err(_) => Ok(true),
    }
}

/// Unpacks the archive at `path`, reading it once from start to end. `shown` is what the user calls it. Members with
/// hostile names, links, devices and too large ones are refused; damage ends the unpacking. Both are findings.
///
/// # Errors
/// The archive cannot be opened, or the temporary folder cannot be written.
pub(crate) fn unpack(path: &Path, shown: &str) -> Result<Unpacked, FileError> {
    let file = files::open_found(path).map_err(|source| FileError::new("read", path, source))?;
    let folder = tempfile::Builder::new()
        .prefix("emp-ops-packet-")
        .tempdir()
        .map_err(|source| FileError::new("create", std::env::temp_dir(), source))?;
    let mut unpacked = Unpacked { folder, findings: Vec::new() };
    let stated = Stated::of(path).map_err(|source| FileError::new("read", path, source))?;
    let space = disk_space(unpacked.folder.path()).map_or(u64::MAX, |(available, _)| available);
    if stated.as_ref().is_some_and(|stated| stated.total() > space) {
        let text = "the packet is larger than the free space for temporary files; set TMPDIR to a larger place";
        return Err(FileError::new("unpack", path, io::Error::new(io::ErrorKind::StorageFull, text)));
    }
    let mut archive = Archive::new(MultiGzDecoder::new(BufReader::with_capacity(256 << 10, file)));
    let mut room = stated.as_ref().map_or(MOST_BYTES, |stated| stated.total().saturating_add(2 * MOST_LIST));
    let damage = |error: &io::Error, after: usize| damaged(shown, after, error);
    // Raw, because the library would read extension headers of any size into memory.
    let entries = match archive.entries() {
        Ok(entries) => entries.raw(true),
        Err(error) => {
            unpacked.findings.push(damage(&error, 0));
            return Ok(unpacked);
        }
    };
    let mut long_name = None;
    for (count, entry) in entries.enumerate() {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                unpacked.findings.push(damage(&error, count));
                break;
            }
        };
        match extension(&mut entry) {
            Ok(None) => {}
            Ok(Some(name)) => {
                long_name = name.or(long_name);
                continue;
            }
            Err(error) => {
                unpacked.findings.push(damage(&error, count));
                break;
            }
        }
        let name = long_name.take().unwrap_or_else(|| String::from_utf8_lossy(&entry.path_bytes()).into_owned());
        let refuse = |why: &str| refused(shown, &name, why);
        if count >= MOST_FILES {
            unpacked.findings.push(refuse("the archive holds too many members"));
            break;
        }
        let target = match admit(&entry, &name, room) {
            Ok(Some(relative)) => {
                match stated.as_ref().map_or(Ok(()), |stated| stated.admit(&relative, entry.size())) {
                    Ok(()) => unpacked.folder.path().join(relative),
                    Err(why) => {
                        unpacked.findings.push(refuse(&why));
                        continue;
                    }
                }
            }
            Ok(None) => continue,
            Err(why) => {
                unpacked.findings.push(refuse(why));
                continue;
            }
        };
        match store(&mut entry, &target) {
            Ok(()) => room = room.saturating_sub(entry.size()),
            Err(Failure::Twice) => unpacked.findings.push(refuse("there is another of this name")),
            Err(Failure::Damaged(error)) => {
                unpacked.findings.push(damage(&error, count));
                break;
            }
            Err(Failure::Write(source)) => return Err(FileError::new("write", target, source)),
        }
    }
    let end = ended(archive.into_inner());
    if let (Err(error), true) = (end, unpacked.findings.is_empty()) {
        unpacked.findings.push(damaged_end(shown, &error));
    }
    Ok(unpacked)
}

/// What follows the last member is padding and the check of the compression, and nothing that would be hidden there.
fn ended(rest: impl Read) -> io::Result<()> {
    let mut bytes = Vec::new();
    rest.take(MOST_EXTENSION).read_to_end(&mut bytes)?;
    let padding = bytes.iter().all(|b| *b == 0) && (bytes.len() as u64) < MOST_EXTENSION;
    if padding { Ok(()) } else { Err(io::Error::other("more follows its last member")) }
}

/// The sizes that the manifest of an archive states.
struct Stated {
    /// The folder of the manifest.
    top: PathBuf,
    list: List,
}

impl Stated {
    /// Reads up to the manifest. `None` if there is none that can be read, which is found again when it is judged.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        let file = files::open_found(path)?;
        let mut archive = Archive::new(MultiGzDecoder::new(BufReader::with_capacity(256 << 10, file)));
        // Damage is found again when the archive is unpacked.
        let Ok(entries) = archive.entries() else { return Ok(None) };
        for mut entry in entries.raw(true).map_while(Result::ok).take(MOST_FILES) {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = Path::new(name.trim_start_matches("./"));
            let high = name.components().count() <= 2;
            if high && name.file_name().is_some_and(|name| name == "manifest.json") && entry.size() <= MOST_LIST {
                let mut bytes = Vec::new();
                if entry.read_to_end(&mut bytes).is_err() {
                    return Ok(None);
                }
                let list = checksums::read("manifest.json", &bytes);
                return Ok(Some(Self { top: name.parent().unwrap_or(Path::new("")).to_owned(), list }));
            }
        }
        Ok(None)
    }

    /// How much is stated in all.
    fn total(&self) -> u64 {
        self.list.files.values().fold(0, |total, listed| total.saturating_add(listed.bytes.unwrap_or(0)))
    }

    /// Whether a member is no larger than it is said to be.
    fn admit(&self, name: &Path, size: u64) -> Result<(), String> {
        let relative = name.strip_prefix(&self.top).unwrap_or(name).to_string_lossy();
        let most = match self.list.files.get(&*relative) {
            Some(listed) => listed.bytes.unwrap_or(MOST_LIST),
            None if matches!(&*relative, "manifest.json" | "SHA256SUMS") => MOST_LIST,
            // So small that it does no harm; that it is there is found when the packet is verified.
            None => 1 << 20,
        };
        if size <= most {
            Ok(())
        } else {
            Err(format!("it is too large: {size} bytes, where its manifest allows {most}"))
        }
    }
}

/// For a header that extends the next member: the name that it gives it, if any. None for a member.
fn extension<R: Read>(entry: &mut Entry<'_, R>) -> io::Result<Option<Option<String>>> {
    let kind = entry.header().entry_type();
    if !matches!(kind, EntryType::GNULongName | EntryType::GNULongLink | EntryType::XHeader | EntryType::XGlobalHeader)
    {
        return Ok(None);
    }
    if entry.size() > MOST_EXTENSION {
        return Err(io::Error::other("an extension header is too large"));
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes)?;
    Ok(Some(match kind {
        EntryType::GNULongName => {
            Some(String::from_utf8_lossy(bytes.trim_ascii_end()).trim_end_matches('\0').to_owned())
        }
        EntryType::XHeader => {
            let mut name = None;
            for record in PaxExtensions::new(&bytes) {
                let record = record?;
                match record.key_bytes() {
                    b"path" => name = Some(String::from_utf8_lossy(record.value_bytes()).into_owned()),
                    b"size" => return Err(io::Error::other("a member is larger than 8 GiB")),
                    _ => {}
                }
            }
            name
        }
        _ => None,
    }))
}

/// Where a member may be stored; none for folders, which are made as needed.
fn admit<R: Read>(entry: &Entry<'_, R>, name: &str, room: u64) -> Result<Option<PathBuf>, &'static str> {
    let mut relative = PathBuf::new();
    if name.len() > LONGEST_NAME || name.split('/').any(|part| part.len() > LONGEST_PART) {
        return Err("its name is too long");
    }
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => relative.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("its name leads out of the packet"),
            Component::RootDir | Component::Prefix(_) => return Err("its name is absolute"),
        }
    }
    match entry.header().entry_type() {
        EntryType::Directory => Ok(None),
        EntryType::Regular | EntryType::Continuous if relative.as_os_str().is_empty() => Err("it has no name"),
        EntryType::Regular | EntryType::Continuous if entry.size() > room => Err("it is too large"),
        EntryType::Regular | EntryType::Continuous => Ok(Some(relative)),
        EntryType::Symlink | EntryType::Link => Err("it is a link"),
        EntryType::Char | EntryType::Block | EntryType::Fifo => Err("it is a device"),
        _ => Err("it is not a plain file"),
    }
}

enum Failure {
    Twice,
    Damaged(io::Error),
    Write(io::Error),
}

fn store<R: Read>(entry: &mut Entry<'_, R>, target: &Path) -> Result<(), Failure> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(|error| match error.kind() {
            // A member is already where this one wants a folder.
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => Failure::Twice,
            _ => Failure::Write(error),
        })?;
    }
    let mut file = File::create_new(target).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Twice,
        _ => Failure::Write(error),
    })?;
    let mut chunk = vec![0; 256 << 10];
    let mut missing = entry.size();
    loop {
        match entry.read(&mut chunk).map_err(Failure::Damaged)? {
            0 if missing > 0 => return Err(Failure::Damaged(io::ErrorKind::UnexpectedEof.into())),
            0 => return Ok(()),
            read => {
                file.write_all(&chunk[..read]).map_err(Failure::Write)?;
                missing = missing.saturating_sub(read as u64);
            }
        }
    }
}
