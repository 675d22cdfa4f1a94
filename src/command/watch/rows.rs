//! The table of all runs: one row for each.

use std::fs;
use std::path::Path;

use crate::finding::Status;
use crate::io::runs::all::AllRuns;
use crate::io::runs::follow::Follower;
use crate::report::runs_table::RunRow;
use crate::time::Stamp;

/// A run that has no snapshot after this many seconds will not get one.
const NEVER_STARTED_SECONDS: f64 = 60.0;

/// One row for each run.
pub(super) fn all(runs: &AllRuns, now: Stamp) -> Vec<RunRow> {
    runs.runs.iter().map(|run| of(run, now)).collect()
}

/// The row of one run.
pub(super) fn of(run: &Follower, now: Stamp) -> RunRow {
    if let (Some(view), Some((health, judgement))) = (&run.view, run.judge(now)) {
        return RunRow::of(&run.name(), view, &health, &judgement, run.modified);
    }
    let changed = |path: Option<&Path>| Some(Stamp::from(fs::metadata(path?).ok()?.modified().ok()?));
    if run.path().exists() {
        return RunRow::without(&run.name(), "unreadable", Some(Status::Fail), changed(Some(run.path())));
    }
    let made = changed(run.path().parent());
    let late = made.is_none_or(|made| now.seconds_since(made) > NEVER_STARTED_SECONDS);
    RunRow::without(&run.name(), "no snapshot", late.then_some(Status::Fail), made)
}
