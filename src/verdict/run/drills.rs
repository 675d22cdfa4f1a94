//! The drills of a run, judged again: by its record, and by the file that tells of them.

use super::{Place, Run};
use crate::drills::document::{FILE_NAME, Of};
use crate::drills::judge::{self, About, Seen};
use crate::finding::{Finding, Status};
use crate::log::excuse::Window;
use crate::supervise::progress::Incident;
use crate::supervise::record::RunRecord;

/// Judges the drills; none where none were planned and nothing tells of any.
pub(super) fn judge(record: &RunRecord, file: Option<&Result<Vec<u8>, String>>, place: Place, run: &mut Run) {
    let path = place.shown(FILE_NAME);
    let Some(plan) = &record.drills else {
        if file.is_some() {
            let text = format!("{path} tells of drills, but the run record names none: it was added");
            run.differs.push(Finding::fail(text).in_file(path, None));
        }
        return;
    };
    let seen: Vec<Seen<'_>> = record.incidents.iter().map(seen).collect();
    let about = About {
        of: Of { run: &record.name, started: record.started_at },
        path: &path,
        seconds: record.duration_seconds.map(|seconds| seconds + record.drain_seconds.unwrap_or_default()),
        incidents: &seen,
    };
    let missing = || Err("it is missing".to_owned());
    let content = file.map_or_else(missing, |file| file.as_deref().map_err(Clone::clone));
    let read = judge::judge(plan, content, about);
    run.drills = Some(read.summary);
    run.excuses = read.windows;
    run.claims = read.claims;
}

fn seen(incident: &Incident) -> Seen<'_> {
    Seen {
        id: &incident.id,
        kind: &incident.kind,
        message: &incident.message,
        workload: incident.workload.as_deref(),
        first: incident.occurred_at,
        last: incident.last_at.unwrap_or(incident.occurred_at),
        drill: incident.drill.as_deref(),
    }
}

/// What an incident is held against the run: nothing, where a drill caused it and could.
pub(super) fn severity(incident: &Incident, excuses: &[Window]) -> Status {
    let Some(drill) = &incident.drill else { return incident.severity };
    let found = seen(incident);
    let held = |window: &&Window| {
        window.drill == *drill && window.holds((found.first, found.last), found.kind, found.message, found.workload)
    };
    if excuses.iter().any(|window| held(&window)) { Status::Pass } else { incident.severity }
}
