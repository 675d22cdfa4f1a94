//! Which event satisfies which wait: only one of this run, bound to its check, session and cause.

use serde_json::Value;

use super::Step;
use super::request::SEED_SOURCE;

/// An event of the stream, with the time since the start of the run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) at: std::time::Duration,
    pub(super) kind: String,
    pub(super) payload: Value,
}

/// What ties events to this run; filled as the run learns it.
#[derive(Clone, Debug, Default)]
pub(super) struct Correlation {
    pub(super) run: String,
    pub(super) session: String,
    pub(super) check: String,
    pub(super) safety_check: String,
    /// The audit reference and the job of our own closure, where the answer names them.
    pub(super) closure_ref: Option<String>,
    pub(super) closure_job: Option<String>,
    /// The revision of the character before our check.
    pub(super) revision: Option<f64>,
}

impl Correlation {
    /// Whether `seen` is what `step` waits for. The caller offers only events that came after the step's request.
    pub(super) fn satisfies(&self, step: Step, seen: &Seen) -> bool {
        let text = |path: &str| seen.payload.pointer(path).and_then(Value::as_str);
        // Where both sides name a thing, it must be the same thing.
        let agrees = |path: &str, ours: &Option<String>| match (text(path), ours) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        };
        let seed = text("/data/seedSource") == Some(SEED_SOURCE);
        !self.is_foreign(seen)
            && match step {
                Step::Resolve => seen.kind == "event.checkResolved" && text("/id") == Some(&self.check),
                Step::Overlay => {
                    let revision = seen.payload.pointer("/revision").and_then(Value::as_f64);
                    let newer = self.revision.zip(revision).is_none_or(|(before, now)| now > before);
                    seen.kind == "overlay.characterSync" && newer
                }
                Step::Veto => seen.kind == "event.checkVetoed" && text("/id") == Some(&self.safety_check),
                Step::Alert => seen.kind == "admin.alert" && text("/data/checkId") == Some(&self.safety_check) && !seed,
                Step::SeededAlert => seen.kind == "admin.alert" && text("/data/runId") == Some(&self.run) && seed,
                Step::Closed => {
                    seen.kind == "session.closed"
                        && text("/sessionId") == Some(&self.session)
                        && agrees("/auditRef", &self.closure_ref)
                }
                Step::Queue => {
                    seen.kind == "offline.sessionClosure.queued"
                        && text("/sessionId") == Some(&self.session)
                        && agrees("/jobId", &self.closure_job)
                        && agrees("/auditRef", &self.closure_ref)
                }
                _ => false,
            }
    }

    /// Whether an event names another session.
    pub(super) fn is_foreign(&self, seen: &Seen) -> bool {
        let session = seen.payload.get("sessionId").and_then(Value::as_str);
        session.is_some_and(|session| session != self.session)
    }

    /// What a step waits for, for messages.
    pub(super) fn describe(&self, step: Step) -> String {
        match step {
            Step::Resolve => format!("event.checkResolved of check {}", self.check),
            Step::Overlay => "overlay.characterSync after the check".to_owned(),
            Step::Veto => format!("event.checkVetoed of check {}", self.safety_check),
            Step::Alert => format!("admin.alert for check {}", self.safety_check),
            Step::SeededAlert => format!("admin.alert with the seed of run {}", self.run),
            Step::Closed => format!("session.closed of session {}", self.session),
            Step::Queue => format!("offline.sessionClosure.queued of session {}", self.session),
            _ => step.word().to_owned(),
        }
    }
}
