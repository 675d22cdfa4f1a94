//! Which log files there are: directories walked, packed and rotated names known, duplicates found.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::io::files::{self, Folder, Kind, Walked};
use crate::io::packet::checksums;
use crate::log::parse;
use crate::log::totals::faults;

/// One log to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File {
        /// Where it is.
        path: PathBuf,
        /// How reports call it.
        shown: String,
        /// The directory of evidence that it was found in, which nothing leads out of.
        evidence: Option<Folder>,
    },
    /// Standard input.
    Stdin,
}

impl Source {
    /// How reports call it.
    pub fn shown(&self) -> &str {
        match self {
            Self::File { shown, .. } => shown,
            Self::Stdin => "standard input",
        }
    }

    /// The file as it was named.
    pub fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), shown: path.display().to_string(), evidence: None }
    }

    fn found(path: &Path, evidence: &Folder) -> Self {
        Self::File { path: path.to_owned(), shown: path.display().to_string(), evidence: Some(evidence.clone()) }
    }

    /// Opens the file, without waiting where it is a pipe; `None` for standard input.
    pub(crate) fn open(&self) -> Option<io::Result<(File, Metadata)>> {
        match self {
            Self::File { path, evidence: None, .. } => Some(files::open(path)),
            Self::File { path, evidence: Some(folder), .. } => {
                let opened = files::open_evidence(folder, path);
                Some(opened.and_then(|file| file.metadata().map(|about| (file, about))))
            }
            Self::Stdin => None,
        }
    }
}

/// The logs that the paths name, `-` being standard input; directories are walked, in the order of their names. Paths
/// that lead nowhere are findings. Where they come from the record of a run, `evidence` is its directory.
pub fn expand(paths: &[PathBuf], evidence: Option<&Folder>) -> (Vec<Source>, Vec<Finding>) {
    let mut sources = Vec::new();
    let mut findings = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            sources.push(Source::Stdin);
            continue;
        }
        if let Some(folder) = evidence {
            match folder.relative(path).map(|relative| folder.kind(relative)) {
                Some(Some(Kind::Folder)) => walk_evidence(folder, path, &mut sources, &mut findings),
                Some(None) => findings.push(unreadable(path, &io::ErrorKind::NotFound.into())),
                _ => sources.push(Source::found(path, folder)),
            }
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk(path, &mut sources, &mut findings),
            Ok(_) => sources.push(Source::file(path)),
            Err(error) => findings.push(unreadable(path, &error)),
        }
    }
    (sources, findings)
}

/// What the faults say of a path that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Finding {
    faults::unreadable(&path.display().to_string(), error)
}

fn walk(folder: &Path, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    let mut files = BTreeSet::new();
    for entry in walkdir::WalkDir::new(folder).follow_links(true) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && is_log(&entry.file_name().to_string_lossy()) => {
                files.insert(entry.into_path());
            }
            Ok(entry) => {
                let name = entry.file_name().to_string_lossy();
                let file = entry.file_type().is_file();
                if file && (looks_like_log(&name) || !name.starts_with('.') && reads_like_log(entry.path())) {
                    findings.push(faults::skipped(&entry.path().display().to_string()));
                } else if !entry.file_type().is_dir() && is_log(&name) {
                    // A pipe or a device in the place of a log: nobody knows what it would have held.
                    findings
                        .extend(files::open_found(entry.path()).err().map(|error| unreadable(entry.path(), &error)));
                }
            }
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                findings.push(unreadable(&path, &io::Error::from(error)));
            }
        }
    }
    let logs = files.iter().filter(|path| !has_structured_twin(path, &files)).map(|path| Source::file(path)).collect();
    add(folder, logs, sources, findings);
}

/// Walks a directory below that of the run. A log that is no regular file is a finding when it is opened.
fn walk_evidence(evidence: &Folder, path: &Path, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    let walked = evidence.folder(evidence.relative(path).unwrap_or(path)).map(|folder| folder.walk());
    let Walked { found, faults } =
        walked.unwrap_or_else(|error| Walked { faults: vec![(PathBuf::new(), error)], ..Walked::default() });
    let named = found.into_iter().map(|(name, _)| name);
    let files: BTreeSet<PathBuf> = named
        .filter(|name| name.file_name().is_some_and(|name| is_log(&name.to_string_lossy())))
        .map(|name| path.join(name))
        .collect();
    findings.extend(faults.into_iter().map(|(name, error)| unreadable(&path.join(name), &error)));
    let logs = files.iter().filter(|path| !has_structured_twin(path, &files));
    add(path, logs.map(|path| Source::found(path, evidence)).collect(), sources, findings);
}

fn add(folder: &Path, logs: Vec<Source>, sources: &mut Vec<Source>, findings: &mut Vec<Finding>) {
    if logs.is_empty() {
        findings.push(faults::no_log(&folder.display().to_string()));
    }
    sources.extend(logs);
}

/// Whether a file is named like a log, packed and rotated ones included: `a.jsonl`, `a.log.gz`, `a.log.2`, `a.ndjson.1.xz`.
fn is_log(name: &str) -> bool {
    let stem = unpacked_name(name);
    !stem.starts_with('.') && [".jsonl", ".ndjson", ".log"].iter().any(|end| stem.to_ascii_lowercase().ends_with(end))
}

/// Whether a file that is not named like a log may be one all the same, or hold some: `messages`, `err.txt`, `x.log.bak`,
/// `y.log.lz4`, `error_log`, `app.20250303`, `old.tgz`.
fn looks_like_log(name: &str) -> bool {
    const NAMES: [&str; 12] = [
        "messages", "dmesg", "kern", "auth", "secure", "stdout", "stderr", "catalina", "daemon", "cron", "debug",
        "trace",
    ];
    const ENDS: [&str; 13] =
        [".out", ".err", ".lz4", ".bak", ".old", ".txt", ".journal", ".tar", ".tgz", ".zip", ".7z", ".br", "log"];
    let stem = unpacked_name(name).to_ascii_lowercase();
    let dated = stem.len() < name.len() && !stem.contains('.');
    NAMES.contains(&&*stem)
        || ENDS.iter().any(|end| stem.ends_with(end)) && !stem.ends_with("changelog")
        || stem.contains(".log")
        || dated
}

/// Whether a file starts as a log does, whatever its name: most of its first lines state a time and a level.
fn reads_like_log(path: &Path) -> bool {
    /// So much of it is looked at.
    const START: u64 = 4096;
    /// Fewer lines may look alike by chance.
    const FEW: usize = 3;
    let Ok((file, _)) = files::open(path) else { return false };
    let mut start = Vec::new();
    if file.take(START).read_to_end(&mut start).is_err() {
        return false;
    }
    // The last one may be cut.
    let whole = memchr::memrchr(b'\n', &start).map_or(0, |end| end);
    let lines: Vec<&[u8]> =
        start[..whole].split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
    let states = |line: &&&[u8]| {
        parse::parse_inside(line, None, 0).is_some_and(|record| record.at.is_some() && record.level().is_some())
    };
    lines.len() >= FEW && lines.iter().filter(states).count() * 2 > lines.len()
}

/// The name without endings of compression and rotation.
fn unpacked_name(name: &str) -> &str {
    let mut stem = name;
    while let Some((start, end)) = stem.rsplit_once('.') {
        let packed = ["gz", "gzip", "bz2", "xz", "lzma", "zst"].iter().any(|known| end.eq_ignore_ascii_case(known));
        let rotated = !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        if !packed && !rotated {
            break;
        }
        stem = start;
    }
    stem
}

/// Whether a raw log of a supervised run has a structured one beside it, which holds the same lines.
fn has_structured_twin(path: &Path, files: &BTreeSet<PathBuf>) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(stem) = unpacked_name(&name).strip_suffix(".log").filter(|stem| stem.starts_with("final_dry_run_")) else {
        return false;
    };
    files.iter().any(|other| {
        let other_name = other.file_name().unwrap_or_default().to_string_lossy();
        other.parent() == path.parent() && unpacked_name(&other_name).strip_suffix(".jsonl") == Some(stem)
    })
}

/// Files that hold the same bytes as an earlier one of the list, each with that one, by their positions.
pub(crate) fn duplicates(sources: &[Source]) -> Vec<(usize, usize)> {
    let mut sizes: BTreeMap<u64, Vec<(usize, &Source, u64, u64)>> = BTreeMap::new();
    for (index, source) in sources.iter().enumerate() {
        // Opening a pipe only to see what it is would end whoever writes to it.
        let Source::File { path, .. } = source else { continue };
        if fs::metadata(path).is_ok_and(|about| about.is_file())
            && let Some(Ok((_, about))) = source.open()
        {
            sizes.entry(about.len()).or_default().push((index, source, about.dev(), about.ino()));
        }
    }
    let mut found = Vec::new();
    for (size, files) in sizes.into_iter().filter(|(size, files)| *size > 0 && files.len() > 1) {
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut inodes: BTreeMap<(u64, u64), usize> = BTreeMap::new();
        // The start tells most files apart, so that few are read twice.
        let mut starts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, (index, source, device, inode)) in files.iter().enumerate() {
            match inodes.get(&(*device, *inode)) {
                Some(first) => found.push((*index, *first)),
                None => {
                    inodes.insert((*device, *inode), *index);
                    if let Some(start) = digest(source, size.min(64 << 10)) {
                        starts.entry(start).or_default().push(position);
                    }
                }
            }
        }
        for alike in starts.into_values().filter(|alike| alike.len() > 1) {
            for (index, source, ..) in alike.into_iter().map(|position| files[position]) {
                let Some(all) = digest(source, size) else { continue };
                match known.get(&all) {
                    Some(first) => found.push((index, *first)),
                    None => {
                        known.insert(all, index);
                    }
                }
            }
        }
    }
    // Of several names of one file each is a double of the first that holds these bytes.
    let firsts: BTreeMap<usize, usize> = found.iter().copied().collect();
    found.into_iter().map(|(index, first)| (index, firsts.get(&first).copied().unwrap_or(first))).collect()
}

/// The SHA-256 of the first bytes of a file; none when it cannot be read, which the scan will tell.
fn digest(source: &Source, len: u64) -> Option<String> {
    let start = source.open()?.ok()?.0.take(len);
    checksums::digest(start).ok().map(|(digest, _)| digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_are_known_by_their_names() {
        for name in ["a.jsonl", "A.LOG", "a.ndjson.zst", "a.json.log.gz", "a.log.1", "a.log.2.gz", "a.log.2025-01-06"] {
            assert!(is_log(name), "{name}");
        }
        for name in ["a.json", "a.gz", "log", ".a.log", "a.txt", "run.json", "a.log.bak"] {
            assert!(!is_log(name), "{name}");
        }
    }

    #[test]
    fn the_raw_log_of_a_run_is_left_out_beside_its_structured_one() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["final_dry_run_x.log", "final_dry_run_x.jsonl.gz", "final_dry_run_y.log", "other.log"] {
            fs::write(folder.path().join(name), name).expect("writable");
        }
        let (sources, findings) = expand(&[folder.path().to_owned()], None);
        let names: Vec<_> = sources.iter().filter_map(|s| s.shown().rsplit('/').next()).collect();
        assert_eq!(names, ["final_dry_run_x.jsonl.gz", "final_dry_run_y.log", "other.log"]);
        assert_eq!(findings, []);
    }

    #[test]
    fn files_that_may_be_logs_under_other_names_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["a.log", "err.txt", "messages", "x.log.bak", "y.log.lz4", "run.json", "picture.png"] {
            fs::write(folder.path().join(name), name).expect("writable");
        }
        let (sources, findings) = expand(&[folder.path().to_owned()], None);
        assert_eq!((sources.len(), findings.len()), (1, 4), "{findings:#?}");
        // Whatever the name, what starts as a log does is named too.
        let lines = |line: &str| (0..5).map(|second| line.replace('S', &second.to_string())).collect::<String>();
        for (name, text) in [
            ("app.trace", lines("2025-01-06T00:00:0SZ INFO tick\n")),
            ("events.db", lines("{\"time\":\"2025-01-06T00:00:0SZ\",\"level\":\"info\",\"msg\":\"t\"}\n")),
            ("figures.dat", lines("2025-01-06T00:00:0SZ;12;13\n")),
            ("notes.md", lines("On 2025-01-06 we saw S errors.\n")),
        ] {
            fs::write(folder.path().join(name), text).expect("writable");
        }
        let (_, findings) = expand(&[folder.path().to_owned()], None);
        let named = |name: &str| findings.iter().any(|finding| format!("{:?}", finding.place).contains(name));
        assert!(
            named("app.trace") && named("events.db") && !named("figures.dat") && !named("notes.md"),
            "{findings:#?}"
        );
    }

    #[test]
    fn equal_files_are_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("writable");
            Source::file(&folder.path().join(name))
        };
        let sources = [source("a", "same"), source("b", "else"), source("c", "same"), source("a", "same")];
        assert_eq!(duplicates(&sources), [(3, 0), (2, 0)]);
    }
}
