//! The incidents of a run as findings.

use serde_json::Value;

use super::{PROGRESS, Place};
use crate::finding::Finding;
use crate::supervise::progress::Incident;

/// The incidents that a snapshot lists.
pub(super) fn shown_incidents(progress: &Value, place: Place, findings: &mut Vec<Finding>) {
    let name = place.shown(PROGRESS);
    for listed in progress.get("incidents").and_then(Value::as_array).into_iter().flatten() {
        findings.push(match serde_json::from_value::<Incident>(listed.clone()) {
            Ok(listed) => incident(&listed, &name),
            Err(_) => {
                Finding::warn(format!("an incident of the run cannot be read: {listed}")).in_file(name.as_str(), None)
            }
        });
    }
}

/// An incident as it is held against the run.
pub(super) fn incident(incident: &Incident, file: &str) -> Finding {
    let mut finding =
        Finding::new(incident.severity, incident.message.as_str()).at(incident.occurred_at).in_file(file, None);
    finding.metadata = incident.metadata.clone();
    if !incident.kind.is_empty() {
        finding = finding.with("kind", incident.kind.as_str());
    }
    if let Some(workload) = &incident.workload {
        finding = finding.with("workload", workload.as_str()).with("attempt", incident.attempt);
    }
    if let Some(drill) = &incident.drill {
        finding = finding.with("drill", drill.as_str());
    }
    if incident.count > 1 {
        finding = finding.with("count", incident.count);
    }
    finding
}
