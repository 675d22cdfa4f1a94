//! Follows all runs of an output root.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::follow::Follower;
use super::runs::Finder;
use crate::finding::Status;
use crate::report::runs_table::RunRow;
use crate::time::Stamp;

/// How often the root is searched for new runs.
const SEARCH: Duration = Duration::from_secs(1);
/// A run that has no snapshot after this many seconds will not get one.
const STILLBORN: f64 = 60.0;

/// The runs of an output root.
pub struct Fleet {
    root: PathBuf,
    finder: Finder,
    searched: Option<Instant>,
    /// The runs, the newest first.
    pub runs: Vec<Follower>,
    /// Why the root cannot be listed.
    pub problem: Option<String>,
}

impl Fleet {
    /// Follows the runs below `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), finder: Finder::default(), searched: None, runs: Vec::new(), problem: None }
    }

    /// Looks whether anything is new.
    pub fn look(&mut self) -> bool {
        let mut changed = false;
        if self.searched.is_none_or(|at| at.elapsed() >= SEARCH) {
            self.searched = Some(Instant::now());
            changed = self.search();
        }
        for run in &mut self.runs {
            changed |= run.look();
        }
        changed
    }

    fn search(&mut self) -> bool {
        let shown = self.root.display();
        let found = match self.finder.all(&self.root) {
            Ok(found) => found,
            Err(error) => {
                self.problem = Some(format!("cannot read {shown}: {error}"));
                return false;
            }
        };
        self.problem = match (found.is_empty(), self.root.exists()) {
            (true, true) => Some(format!("no run in {shown} yet")),
            (true, false) => Some(format!("{shown} does not exist yet")),
            _ => None,
        };
        let known: BTreeSet<PathBuf> = self.runs.iter().map(|run| run.path().to_owned()).collect();
        let same = known.len() == found.len() && found.iter().all(|run| known.contains(&run.progress));
        if same {
            return false;
        }
        let mut earlier = std::mem::take(&mut self.runs);
        self.runs = found
            .into_iter()
            .map(|run| match earlier.iter().position(|other| other.path() == run.progress) {
                Some(at) => earlier.swap_remove(at),
                None => Follower::of_run(run),
            })
            .collect();
        true
    }

    /// One row for each run.
    pub fn rows(&self, now: Stamp) -> Vec<RunRow> {
        self.runs.iter().map(|run| row(run, now)).collect()
    }
}

/// The row of one run.
pub fn row(run: &Follower, now: Stamp) -> RunRow {
    if let (Some(view), Some((health, judgement))) = (&run.view, run.judge(now)) {
        return RunRow::of(&run.name(), view, &health, &judgement, run.modified);
    }
    let changed = |path: Option<&Path>| Some(Stamp::from(fs::metadata(path?).ok()?.modified().ok()?));
    if run.path().exists() {
        return RunRow::without(&run.name(), "unreadable", Some(Status::Fail), changed(Some(run.path())));
    }
    let made = changed(run.path().parent());
    let late = made.is_none_or(|made| now.seconds_since(made) > STILLBORN);
    RunRow::without(&run.name(), "no snapshot", late.then_some(Status::Fail), made)
}
