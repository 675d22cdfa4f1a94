//! What a run leaves beside its logs, read and checked: diary, performance, checksums, plans, snapshots. Opens no file.

use std::time::Duration;

use crate::time::Stamp;

pub mod checklist;
pub mod checksums;
pub(crate) mod contradiction;
pub mod diary;
pub mod figures;
pub mod performance;
pub mod readiness;
pub(crate) mod snapshot_chain;
pub mod terraform_plan;

/// File systems keep times in steps, some of two seconds.
const STEP: Duration = Duration::from_secs(2);

/// Why a file that was last written at `modified` says nothing of a run that started at `started`.
fn written_before(what: &str, modified: Stamp, started: Stamp) -> Option<String> {
    (modified.plus(STEP) < started).then(|| {
        format!(
            "{what} was last written at {}, before the run started ({}): it tells of another run",
            modified.human(),
            started.human()
        )
    })
}
