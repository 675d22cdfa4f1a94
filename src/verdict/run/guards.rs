//! The guards on figures of a run, judged again: by its record, and by the file that tells of them.

use serde_json::Value;

use super::{Documents, Run, drills};
use crate::finding::{Finding, Status};
use crate::guards::document::{FILE_NAME, Of};
use crate::guards::judge::{self, About, Raised};
use crate::log::excuse::Window;
use crate::supervise::progress::Incident;
use crate::supervise::record::RunRecord;

/// Judges the guards; none if none were planned and nothing tells of any.
pub(super) fn judge(record: &RunRecord, documents: &Documents, run: &mut Run) {
    let file = documents.guards.as_ref();
    let path = documents.place.shown(FILE_NAME);
    let Some(plan) = &record.guards else {
        if file.is_some() {
            let text = format!("{path} tells of guards, but the run record names none: it was added");
            run.differs.push(Finding::fail(text).in_file(path, None));
        }
        return;
    };
    let raised: Vec<Raised<'_>> =
        record.incidents.iter().filter_map(|incident| raised(incident, &run.excuses)).collect();
    let about = About {
        of: Of { run: &record.name, started: record.started_at },
        path: &path,
        seconds: record.duration_seconds,
        raised: &raised,
        samples: documents.guard_samples.as_ref().map_or(Err("it is missing"), |file| match file {
            Ok(bytes) => Ok(bytes),
            Err(why) => Err(why),
        }),
    };
    let missing = || Err("it is missing".to_owned());
    let content = file.map_or_else(missing, |file| file.as_deref().map_err(Clone::clone));
    run.guards = Some(judge::judge(plan, content, about));
}

/// Whether a guard raised it.
pub(super) fn is_of(incident: &Incident) -> bool {
    incident.kind == "guard"
}

fn raised<'a>(incident: &'a Incident, excuses: &'a [Window]) -> Option<Raised<'a>> {
    if !is_of(incident) {
        return None;
    }
    let known = |key: &str| incident.metadata.get(key);
    // Where a drill could not cause it, it counts as any other.
    let excused = drills::severity(incident, excuses) == Status::Pass;
    let window = excuses.iter().find(|window| excused && incident.drill.as_ref() == Some(&window.drill));
    Some(Raised {
        guard: known("guard").and_then(Value::as_str).unwrap_or_default(),
        from_seconds: known("from_seconds").and_then(Value::as_f64).unwrap_or_default(),
        severity: incident.severity,
        drill: window.map(|window| (window.drill.as_str(), window.seconds.1)),
    })
}
