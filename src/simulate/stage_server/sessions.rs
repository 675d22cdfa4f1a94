//! The sessions of the simulated server, and the events that each request causes.

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use super::scenario::Scenario;
use crate::io::{clock, random};

/// A frame for a stream; none ends it.
type Frame = Option<Vec<u8>>;

/// All sessions.
pub(crate) struct Sessions {
    scenario: Scenario,
    all: BTreeMap<String, Session>,
}

#[derive(Default)]
struct Session {
    listeners: Vec<Sender<Frame>>,
    /// Every frame so far, for those who ask for what they missed.
    sent: Vec<Vec<u8>>,
    revision: u64,
    dropped: bool,
}

impl Sessions {
    pub(crate) fn new(scenario: Scenario) -> Self {
        Self { scenario, all: BTreeMap::new() }
    }

    pub(crate) fn create(&mut self, body: &Value) -> io::Result<Value> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
        let id = text("sessionId").map_or_else(random::uuid, Ok)?;
        let title = text("title").unwrap_or_default();
        self.all.entry(id.clone()).or_default();
        Ok(json!({ "session": summary(&id, &title, "active") }))
    }

    pub(crate) fn check(&mut self, id: &str, body: &Value) -> io::Result<Value> {
        let check = random::uuid()?;
        let audit = format!("debug.check:{check}");
        let moved = body.get("move").and_then(Value::as_str).unwrap_or("debug-check");
        let flags = body.get("safetyFlags").cloned().unwrap_or_else(|| json!([]));
        let vetoed = flags.as_array().is_some_and(|flags| !flags.is_empty());
        let now = clock::now().millis_z();
        let asked = json!({
            "id": check, "sessionId": id, "topic": "intent.checkRequest", "createdAt": now, "auditRef": audit,
            "move": moved, "data": { "move": moved, "flags": [], "safetyFlags": flags },
        });
        self.emit(id, "intent.checkRequest", &asked);
        self.emit(id, "check.prompt", &asked);
        if self.scenario == Scenario::StaleEvents {
            self.stale(id);
        }
        if vetoed {
            let veto = json!({
                "id": check, "sessionId": id, "topic": "event.checkVetoed", "createdAt": now, "auditRef": audit,
                "reason": "prohibited-capability", "safetyFlags": flags, "data": { "move": moved, "occurredAt": now },
            });
            self.emit(id, "event.checkVetoed", &veto);
            if !matches!(self.scenario, Scenario::NoAlert | Scenario::SeedLost) {
                let data = json!({ "checkId": check, "auditRef": audit, "safetyFlags": flags, "latencyMs": 0 });
                self.emit(id, "admin.alert", &alert(id, "high", "prohibited-capability", &data)?);
            }
        } else {
            let resolved = json!({
                "id": check, "sessionId": id, "auditRef": audit, "topic": "event.checkResolved", "tier": "full-success",
                "result": "full-success", "outcome": "full-success", "move": moved, "latencyMs": 0, "receivedAt": now,
            });
            self.emit(id, "event.checkResolved", &resolved);
            self.emit(id, "check.result", &resolved);
            let revision = self.revise(id);
            self.emit(id, "overlay.characterSync", &json!({ "revision": revision, "character": { "name": "Probe" } }));
        }
        Ok(json!({ "check": {
            "id": check, "auditRef": audit, "move": moved, "flags": [], "safetyFlags": flags,
            "difficulty": { "label": "standard", "target": null },
        }}))
    }

    pub(crate) fn alert(&mut self, id: &str, body: &Value) -> io::Result<Value> {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let payload = alert(id, text("severity"), text("reason"), body.get("data").unwrap_or(&Value::Null))?;
        if self.scenario != Scenario::SeedLost {
            self.emit(id, "admin.alert", &payload);
        }
        Ok(json!({ "alert": { "type": "admin.alert", "payload": payload } }))
    }

    /// None for a session that does not exist.
    pub(crate) fn close(&mut self, id: &str, body: &Value) -> io::Result<Option<Value>> {
        if !self.all.contains_key(id) {
            return Ok(None);
        }
        let (job, audit) = (random::uuid()?, format!("session.close:{id}:{}", random::uuid()?));
        let now = clock::now().millis_z();
        if self.scenario != Scenario::NeverCloses {
            let queued = json!({
                "jobId": job, "sessionId": id, "trigger": "session_closed", "auditRef": audit, "enqueuedAt": now,
            });
            self.emit(id, "offline.sessionClosure.queued", &queued);
            let closed = json!({
                "sessionId": id, "status": "closed", "closedAt": now, "auditRef": audit, "pendingOffline": true,
                "reason": body.get("reason"), "pendingChecks": 0,
            });
            self.emit(id, "session.statusChanged", &closed);
            self.emit(id, "session.closed", &closed);
        }
        let closure = json!({
            "jobId": job, "sessionId": id, "trigger": "session_closed", "status": "queued", "enqueuedAt": now,
            "attempts": 0, "auditRef": audit, "reason": body.get("reason"), "closedAt": now,
        });
        Ok(Some(json!({ "session": summary(id, "", "closed"), "closureJob": closure })))
    }

    /// A new listener; unknown sessions are made, as the real server does.
    pub(crate) fn subscribe(&mut self, id: &str, last_event_id: &str) -> io::Result<Receiver<Frame>> {
        let (sender, frames) = channel();
        let session = self.all.entry(id.to_owned()).or_default();
        if let Ok(last) = last_event_id.parse::<usize>() {
            for frame in session.sent.iter().skip(last) {
                let _ = sender.send(Some(frame.clone()));
            }
        }
        session.listeners.push(sender);
        if self.scenario == Scenario::StaleEvents {
            self.stale(id);
        }
        Ok(frames)
    }

    fn revise(&mut self, id: &str) -> u64 {
        let session = self.all.entry(id.to_owned()).or_default();
        session.revision += 1;
        session.revision
    }

    fn emit(&mut self, id: &str, kind: &str, payload: &Value) {
        let text = json!({ "type": kind, "payload": payload }).to_string();
        let session = self.all.entry(id.to_owned()).or_default();
        let frame = match self.scenario {
            Scenario::NamedEvents => format!("event: {kind}\ndata: {text}\n\n"),
            Scenario::DropStream => format!("id: {}\nretry: 100\ndata: {text}\n\n", session.sent.len() + 1),
            Scenario::Garbage => format!(": {kind}\ndata: {{\"type\":\n\ndata: 42\n\nunknown: x\ndata: {text}\r\r\n"),
            _ => format!("data: {text}\n\n"),
        };
        session.sent.push(frame.clone().into_bytes());
        session.listeners.retain(|listener| listener.send(Some(frame.clone().into_bytes())).is_ok());
        if self.scenario == Scenario::DropStream && kind == "event.checkResolved" && !session.dropped {
            session.dropped = true;
            for listener in session.listeners.drain(..) {
                let _ = listener.send(None);
            }
        }
    }

    /// What a server that repeats old news would send: everything that a run waits for, but of other runs.
    fn stale(&mut self, id: &str) {
        let old = "00000000-0000-4000-8000-000000000000";
        let audit = format!("session.close:{id}:{old}");
        for (kind, payload) in [
            ("event.checkResolved", json!({ "id": old, "sessionId": id, "tier": "hard-miss" })),
            ("overlay.characterSync", json!({ "revision": 0, "sessionId": "another-session" })),
            ("event.checkVetoed", json!({ "id": old, "sessionId": id })),
            ("admin.alert", json!({ "id": old, "sessionId": id, "severity": "low", "data": { "checkId": old } })),
            ("session.closed", json!({ "sessionId": id, "status": "closed", "auditRef": audit })),
            ("offline.sessionClosure.queued", json!({ "jobId": old, "sessionId": id, "auditRef": audit })),
        ] {
            self.emit(id, kind, &payload);
        }
    }
}

fn alert(session: &str, severity: &str, reason: &str, data: &Value) -> io::Result<Value> {
    Ok(json!({
        "id": random::uuid()?, "sessionId": session, "topic": "admin.alert", "createdAt": clock::now().millis_z(),
        "severity": severity, "reason": reason, "data": data,
    }))
}

fn summary(id: &str, title: &str, status: &str) -> Value {
    let now = clock::now().millis_z();
    json!({
        "sessionId": id, "title": title, "status": status, "createdAt": now, "updatedAt": now, "lastActiveAt": now,
        "requiresApproval": false, "approvedBy": null, "labels": [], "offlinePending": status == "closed",
    })
}
