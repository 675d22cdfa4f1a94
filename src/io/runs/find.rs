//! Where runs are: from the path that a user gave to progress files.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::io::files;
use crate::time::Stamp;
use crate::verdict::packet::PACKET_MARKS;

/// The file that a supervisor refreshes, and the record that it writes first.
const PROGRESS: &str = "progress.json";
const RECORD: &str = "run.json";

/// A run that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its progress file; it may not be written yet.
    pub progress: PathBuf,
    /// Its name: that of its directory or file.
    pub name: String,
    /// How many runs are beside it, where it was chosen as the newest.
    pub newest_of: Option<usize>,
}

/// Remembers when runs started, so that looking again costs little.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    started: BTreeMap<PathBuf, Stamp>,
}

impl Finder {
    /// The run that `path` means: a progress file, a run directory, or the newest run in an output root.
    /// `None` while there is nothing yet.
    ///
    /// # Errors
    /// The path is there but cannot be used.
    pub(crate) fn find(&mut self, path: &Path) -> io::Result<Option<Run>> {
        let kind = match fs::metadata(path) {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if kind.is_file() {
            return Ok(Some(Run { progress: path.to_owned(), name: path.display().to_string(), newest_of: None }));
        }
        if !kind.is_dir() {
            return Err(io::Error::other("this is neither a file nor a directory"));
        }
        if let Some(progress) = progress_in(path) {
            return Ok(Some(Run { progress, name: path.display().to_string(), newest_of: None }));
        }
        let all = self.all(path)?;
        let count = all.len();
        Ok(all.into_iter().next().map(|run| Run { newest_of: Some(count), ..run }))
    }

    /// The runs in an output root, the newest first. A root that does not exist yet has none.
    ///
    /// # Errors
    /// The root is there but cannot be listed.
    pub(crate) fn all(&mut self, root: &Path) -> io::Result<Vec<Run>> {
        let entries = match fs::read_dir(root) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found: Vec<(Option<Stamp>, Run)> = Vec::new();
        for folder in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if let Some(progress) = progress_in(&folder) {
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let started = self.started(&folder, &progress);
                found.push((started, Run { progress, name, newest_of: None }));
            }
        }
        found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.name.cmp(&a.1.name)));
        Ok(found.into_iter().map(|(_, run)| run).collect())
    }

    fn started(&mut self, folder: &Path, progress: &Path) -> Option<Stamp> {
        if let Some(known) = self.started.get(folder) {
            return Some(*known);
        }
        let stated = started_at(progress).or_else(|| started_at(&folder.join(RECORD)));
        if let Some(at) = stated {
            self.started.insert(folder.to_owned(), at);
            return Some(at);
        }
        // Nothing says when it started, perhaps not yet: the age of the folder has to do for now.
        Some(fs::metadata(folder).ok()?.modified().ok()?.into())
    }
}

/// The newest run in an output root, and how many there are; none if `path` is a run, a packet or a file itself.
pub(crate) fn newest(path: &Path) -> Option<(PathBuf, usize)> {
    const OWN: [&str; 4] = [RECORD, PROGRESS, "logs", "summary.json"];
    if !path.is_dir() || OWN.iter().chain(PACKET_MARKS).any(|name| path.join(name).exists()) {
        return None;
    }
    let all = Finder::default().all(path).ok()?;
    let count = all.len();
    Some((path.join(all.into_iter().next()?.name), count))
}

/// The progress file of a run directory, written or not; `None` when this is no run directory.
fn progress_in(folder: &Path) -> Option<PathBuf> {
    let usual = folder.join(PROGRESS);
    if usual.is_file() || folder.join(RECORD).is_file() {
        return Some(usual);
    }
    // In a packet it is below.
    let packed = folder.join("raw").join(PROGRESS);
    if packed.is_file() {
        return Some(packed);
    }
    // Other supervisors put the stamp of the run into the name.
    let others = fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let named = others.filter(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with("_progress.json"))
    });
    named.max_by_key(|path| fs::metadata(path).and_then(|kind| kind.modified()).ok())
}

fn started_at(path: &Path) -> Option<Stamp> {
    #[derive(serde::Deserialize)]
    struct Lean {
        started_at: Option<Value>,
    }
    let lean: Lean = serde_json::from_slice(&files::read_found(path).ok()?).ok()?;
    Stamp::parse(lean.started_at?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_be_a_file_a_run_or_a_root() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path();
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            fs::write(path, text).expect("writable");
        };
        let mut finder = Finder::default();
        assert_eq!(finder.find(&root.join("runs")).expect("readable"), None, "not there yet");
        write("runs/notes.txt", "");
        assert_eq!(finder.find(&root.join("runs")).expect("readable"), None, "no run in it yet");
        // The newest by its start, whatever its name and whenever it was last written.
        write("runs/a/progress.json", r#"{"started_at":"2025-01-07T00:00:00Z"}"#);
        write("runs/b/progress.json", r#"{"started_at":"2025-01-06T00:00:00Z"}"#);
        write("runs/c/run.json", r#"{"started_at":"2025-01-05T00:00:00Z"}"#);
        write("runs/d/other.json", r#"{"started_at":"2025-02-01T00:00:00Z"}"#);
        let newest = finder.find(&root.join("runs")).expect("readable").expect("a run");
        assert_eq!((newest.name.as_str(), newest.newest_of), ("a", Some(3)));
        let names: Vec<String> =
            finder.all(&root.join("runs")).expect("readable").into_iter().map(|run| run.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let direct = finder.find(&root.join("runs/b")).expect("readable").expect("a run");
        assert_eq!((direct.progress, direct.newest_of), (root.join("runs/b/progress.json"), None));
        let started = finder.find(&root.join("runs/c")).expect("readable").expect("a run");
        assert!(!started.progress.exists(), "its first snapshot is still to come");
        write("logs/final_1_progress.json", "{}");
        let other = finder.find(&root.join("logs")).expect("readable").expect("a run");
        assert!(other.progress.ends_with("final_1_progress.json"));
    }
}
