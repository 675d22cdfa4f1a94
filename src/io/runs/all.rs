//! Follows all runs of an output root.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::find::Finder;
use super::follow::Follower;

/// How often the root is searched for new runs.
const SEARCH: Duration = Duration::from_secs(1);

/// The runs of an output root.
pub(crate) struct AllRuns {
    root: PathBuf,
    finder: Finder,
    searched: Option<Instant>,
    /// The runs, the newest first.
    pub runs: Vec<Follower>,
    /// Why the root cannot be listed.
    pub problem: Option<String>,
}

impl AllRuns {
    /// Follows the runs below `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), finder: Finder::default(), searched: None, runs: Vec::new(), problem: None }
    }

    /// Looks whether anything is new.
    pub(crate) fn look(&mut self) -> bool {
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
}
