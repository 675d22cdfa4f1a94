//! Plays the timeline of a run back, as it was seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;

use crate::time::Stamp;

/// The timeline of a finished run, with a clock of its own.
#[derive(Debug)]
pub(crate) struct Replay {
    /// Each snapshot with the time in its name, in order.
    snapshots: Vec<(Stamp, PathBuf)>,
    started: Instant,
    speed: f64,
    /// The moment that is shown; none if time goes on.
    at: Option<Stamp>,
    /// How many snapshots were given out.
    given: usize,
}

impl Replay {
    /// The timeline beside a progress file, or none if there is none. `speed` is how many seconds pass in one; with
    /// `at` only that moment is shown.
    pub(crate) fn of(progress: &Path, speed: f64, at: Option<Stamp>) -> Option<Self> {
        let entries = fs::read_dir(progress.with_file_name("progress_timeline")).ok()?;
        let mut snapshots: Vec<(Stamp, PathBuf)> =
            entries.filter_map(Result::ok).filter_map(|entry| Some((time_of(&entry.path())?, entry.path()))).collect();
        snapshots.sort();
        (!snapshots.is_empty()).then(|| Self { snapshots, started: Instant::now(), speed, at, given: 0 })
    }

    /// The time of the first snapshot, in whole seconds.
    pub(crate) fn first(&self) -> Stamp {
        self.snapshots.first().map_or(std::time::UNIX_EPOCH.into(), |(at, _)| *at)
    }

    /// The time that is shown.
    pub(crate) fn now(&self) -> Stamp {
        let first = self.first();
        let passed = Duration::try_from_secs_f64(self.started.elapsed().as_secs_f64() * self.speed);
        self.at.unwrap_or_else(|| first.plus(passed.unwrap_or(Duration::MAX / 4)).min(self.last()))
    }

    fn last(&self) -> Stamp {
        // The name has whole seconds, and what was written within its last one belongs to it.
        let last = self.snapshots.last().map_or(std::time::UNIX_EPOCH.into(), |(at, _)| *at);
        last.plus(Duration::from_secs(1))
    }

    /// The snapshots that came since the call before, oldest first.
    pub(crate) fn next(&mut self) -> Vec<PathBuf> {
        let now = self.now();
        let until = self.snapshots.partition_point(|(at, _)| *at <= now);
        let new = self.snapshots[self.given.min(until)..until].iter().map(|(_, path)| path.clone()).collect();
        self.given = until;
        new
    }

    /// Whether all of it was shown.
    pub(crate) fn is_over(&self) -> bool {
        self.at.is_some() || self.given == self.snapshots.len()
    }
}

/// The time in `snapshot-20250303T080000-00012.json`.
fn time_of(path: &Path) -> Option<Stamp> {
    let name = path.file_name()?.to_str()?.strip_prefix("snapshot-")?.strip_suffix(".json")?;
    let time = NaiveDateTime::parse_from_str(name.split_once('-')?.0, "%Y%m%dT%H%M%S").ok()?;
    Stamp::from_seconds(time.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_the_snapshots_up_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let timeline = folder.path().join("progress_timeline");
        fs::create_dir(&timeline).unwrap();
        for name in ["080000-00000", "080010-00001", "080010-00002", "080020-00003"] {
            fs::write(timeline.join(format!("snapshot-20250303T{name}.json")), "{}").unwrap();
        }
        fs::write(timeline.join("notes.json"), "").unwrap();
        let progress = folder.path().join("progress.json");
        let at = |text: &str| Stamp::parse(&format!("2025-03-03T{text}Z"));
        let mut moment = Replay::of(&progress, 1.0, at("08:00:15")).unwrap();
        let names = moment.next();
        assert_eq!((names.len(), moment.is_over()), (3, true));
        assert!(names[2].ends_with("snapshot-20250303T080010-00002.json"));
        let mut all = Replay::of(&progress, 1e9, None).unwrap();
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!((all.next().len(), all.next().len(), all.is_over()), (4, 0, true));
        assert!(Replay::of(&folder.path().join("x/progress.json"), 1.0, None).is_none());
    }
}
