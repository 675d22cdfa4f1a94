//! The drills of a run, judged again: by its record, and by the file that tells of them.

use serde_json::Value;

use super::{Place, Run};
use crate::drills::document::{FILE_NAME, Of, RESTORED};
use crate::drills::judge::{self, About, Seen};
use crate::finding::{Finding, Status};
use crate::log::excuse::Window;
use crate::supervise::progress::Incident;
use crate::supervise::record::RunRecord;
use crate::time::Stamp;

/// Two processes may tell the time of the same so far apart, in seconds.
const CLOCKS: f64 = 2.0;

/// Judges the drills; none if none were planned and nothing tells of any.
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
    run.excuses = read.windows;
    let mut summary = read.summary;
    for row in &mut summary.drills {
        let own = record.incidents.iter().filter(|incident| incident.drill.as_deref() == Some(&row.name));
        let own = own.filter(|incident| severity(incident, &run.excuses) < incident.severity);
        row.excused = own.map(|incident| incident.id.clone()).collect();
    }
    run.drills = Some(summary);
    (run.claims, run.looked_after) = (read.claims, read.looked_after);
}

/// What the watchdog did after emp-ops was killed: what it could not do is still broken.
pub(super) fn restored(file: Option<&Result<Vec<u8>, String>>, place: Place, run: &mut Run) {
    let path = place.shown(RESTORED);
    let add = |finding: Finding, line: Option<u64>| finding.in_file(path.as_str(), line);
    match file {
        None => {}
        Some(Err(why)) => run.findings.push(add(Finding::fail(format!("{RESTORED} cannot be read: {why}")), None)),
        Some(Ok(bytes)) => {
            for (number, line) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.is_empty())
            {
                let told: Value = serde_json::from_slice(line).unwrap_or_default();
                let what = told["what"].as_str().unwrap_or("something");
                let finding = match told["done"].as_bool() {
                    Some(true) => {
                        Finding::new(Status::Warn, format!("the watchdog restored what a drill broke: {what}"))
                    }
                    _ => {
                        let why = told["error"].as_str().map(|why| format!(" ({why})")).unwrap_or_default();
                        Finding::fail(format!("what a drill broke was not restored{why}; do by hand: {what}"))
                    }
                };
                run.findings.push(add(finding, Some(number)));
            }
        }
    }
}

/// Where a drill says that somebody looked after what it caused, and no acknowledgement says so.
pub(crate) fn compare_acks(run: &mut Run, place: Place, acks: &[(String, Stamp)]) {
    let Some(record) = run.record.as_ref().filter(|_| run.is_complete()) else { return };
    let caused = |drill: &str, id: &str| {
        record.incidents.iter().any(|incident| incident.id == id && incident.drill.as_deref() == Some(drill))
    };
    let unknown = run
        .looked_after
        .iter()
        .filter(|(drill, at)| !acks.iter().any(|(id, acked)| caused(drill, id) && acked.seconds_since(*at) <= CLOCKS));
    let found: Vec<Finding> = unknown
        .map(|(drill, _)| {
            let text =
                format!("the drill {drill} was acknowledged, it says, and no acknowledgement of what it caused is");
            Finding::fail(format!("{text} there")).in_file(place.shown(FILE_NAME), None)
        })
        .collect();
    run.differs.extend(found);
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
