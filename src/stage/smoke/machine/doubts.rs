//! Whether answers and events that have come say themselves that something is wrong: an error beside the token, a check that
//! was both resolved and vetoed, an alert that was only tried. Each is a WARN.

use serde_json::Value;

use super::super::Step;
use super::super::waits::{Correlation, Seen};
use super::Machine;
use crate::finding::{Finding, Status, count};
use crate::json::{lenient, strict};
use crate::prose;
use crate::time::Stamp;

/// The outcomes of a check that the server knows.
const TIERS: [&str; 5] = ["critical-success", "full-success", "partial-success", "fail-forward", "hard-miss"];
/// The flag for which the safety check must be vetoed.
const FLAG: &str = "prohibited-capability";
/// How far the clock of the server may be from ours, in seconds.
const SKEW: f64 = 300.0;

impl Machine {
    /// Notes what an answer says against itself.
    pub(super) fn doubt_answer(&mut self, step: Step, body: &str, value: &Value) {
        let mut doubts = Vec::new();
        if let Err(error) = strict::parse(body.as_bytes())
            && !value.is_null()
        {
            doubts.push(format!("it is no JSON that says one thing only: {error}"));
        }
        doubts.extend(told_error(value));
        let text = |path: &str| value.pointer(path).and_then(Value::as_str);
        match step {
            Step::Login => {
                let (asked, email) = (self.settings.email.trim(), text("/account/email").map(str::trim));
                // Who logs in by another name than an address gets the address of the account.
                let other = email.filter(|email| asked.contains('@') && !email.eq_ignore_ascii_case(asked));
                doubts.extend(other.map(|email| format!("it is for the account {email}, not {asked}")));
                doubts.extend(text("/account/status").and_then(|state| bad_state("the account", state)));
            }
            Step::Session => doubts.extend(text("/session/status").and_then(|state| bad_state("the session", state))),
            Step::Safety if self.correlation.check == self.correlation.safety_check => {
                doubts.push("both checks have one id, so their events cannot be told apart".to_owned());
            }
            Step::Close => {
                let open = text("/session/status").filter(|state| !state.eq_ignore_ascii_case("closed"));
                doubts.extend(open.map(|state| format!("the session is {state} after it was closed")));
                doubts.extend(text("/closureJob/status").and_then(|state| bad_state("the closure job", state)));
                if value.get("session").is_none_or(Value::is_null) && value.get("closureJob").is_none_or(Value::is_null)
                {
                    doubts.push("it names neither the session nor the closure job".to_owned());
                }
            }
            _ => {}
        }
        self.doubt(&format!("the answer to {}", step.word()), doubts);
    }

    /// Notes what an event that was awaited says against itself.
    pub(super) fn doubt_event(&mut self, step: Step, seen: &Seen) {
        let text = |path: &str| seen.payload.pointer(path).and_then(Value::as_str);
        let mut doubts: Vec<String> = told_error(&seen.payload).into_iter().collect();
        match step {
            Step::Resolve => match text("/tier") {
                Some(tier) if TIERS.contains(&tier) => {}
                Some(tier) => doubts.push(format!("its tier `{tier}` is none that a check can have")),
                None => doubts.push("it states no tier, so how the check ended is not known".to_owned()),
            },
            Step::Overlay => {
                let empty =
                    ["revision", "character"].iter().all(|key| seen.payload.get(*key).is_none_or(Value::is_null));
                doubts.extend(empty.then(|| "it holds neither a revision nor a character".to_owned()));
            }
            Step::Veto => {
                let flags = seen.payload.get("safetyFlags").and_then(Value::as_array);
                let other = flags.is_some_and(|flags| flags.iter().all(|flag| flag != FLAG));
                doubts.extend(other.then(|| format!("it was not for {FLAG}, which the check asked for")));
            }
            Step::Alert | Step::SeededAlert => {
                doubts.extend(self.doubtful_alert(seen, step == Step::SeededAlert));
            }
            Step::Closed => {
                let open = text("/status").filter(|state| !state.eq_ignore_ascii_case("closed"));
                doubts.extend(open.map(|state| format!("the session is {state}")));
                let pending = lenient::natural(seen.payload.get("pendingChecks")).filter(|pending| *pending > 0);
                doubts.extend(pending.map(|pending| format!("{} of it still pending", count(pending, "check"))));
            }
            Step::Queue => doubts.extend(text("/status").and_then(|state| bad_state("the closure job", state))),
            _ => {}
        }
        self.doubt(&seen.kind, doubts);
    }

    /// What makes an alert none that somebody would have heard.
    fn doubtful_alert(&self, seen: &Seen, seeded: bool) -> Vec<String> {
        let at =
            |key: &str| [seen.payload.get(key), seen.payload.pointer(&format!("/data/{key}"))].into_iter().flatten();
        let flags: &[&str] = match seeded {
            true => &["suppressed", "silenced", "muted"],
            false => &["fallback", "test", "simulated", "dryRun", "suppressed", "silenced", "muted"],
        };
        let set = flags.iter().find(|flag| at(flag).any(|value| lenient::flag(Some(value))));
        let mut doubts: Vec<String> = set.map(|flag| format!("it says of itself: {flag}")).into_iter().collect();
        let text = |key: &str| seen.payload.get(key).and_then(Value::as_str);
        let state = text("status").filter(|state| {
            ["resolved", "suppressed", "silenced", "inhibited", "inactive", "expired"].contains(&state.trim())
        });
        doubts.extend(state.map(|state| format!("it is {state}")));
        match text("severity").map(str::trim) {
            None | Some("") => doubts.push("it states no severity".to_owned()),
            Some(none) if prose::is_nothing(none) => doubts.push(format!("its severity is {none}")),
            Some(_) => {}
        }
        let flagged = at("safetyFlags").filter_map(Value::as_array).flatten().any(|flag| flag == FLAG);
        let other = text("reason").map(str::trim).filter(|reason| !seeded && !flagged && *reason != FLAG);
        doubts.extend(other.map(|reason| format!("its reason is `{reason}`, and the check asked for {FLAG}")));
        if let Some(made) = text("createdAt").and_then(Stamp::parse) {
            let early = self.settings.started_at.seconds_since(made);
            let late = made.seconds_since(self.stamp(seen.at));
            if early > SKEW || late > SKEW {
                doubts.push(format!("it was created at {}, which is no time of this run", made.human()));
            }
        }
        doubts
    }

    /// Notes that a check ended in the way in which it must not.
    pub(super) fn doubt_ending(&mut self, seen: &Seen) {
        if self.correlation.is_foreign(seen) {
            return;
        }
        let Correlation { check, safety_check, .. } = &self.correlation;
        let of = |id: &str| !id.is_empty() && seen.payload.get("id").and_then(Value::as_str) == Some(id);
        let text = match seen.kind.as_str() {
            "event.checkResolved" if of(safety_check) && check != safety_check => {
                "the check that must be vetoed was resolved"
            }
            "event.checkVetoed" if of(check) && check != safety_check => "the check that must be resolved was vetoed",
            _ => return,
        };
        if self.findings.iter().all(|finding| finding.summary != text) {
            self.findings.push(Finding::warn(text));
        }
    }

    /// Notes events by which the server tells of its own failures.
    pub(super) fn doubt_stream(&mut self) {
        let failures = self.event_counts.iter().filter(|(kind, _)| {
            let kind = kind.to_ascii_lowercase();
            ["error", "failed", "failure"].iter().any(|end| kind == *end || kind.ends_with(&format!(".{end}")))
        });
        let told: Vec<String> = failures.map(|(kind, n)| format!("{kind} ({n})")).collect();
        if !told.is_empty() {
            let text = format!("the stream told of failures: {}", told.join(", "));
            self.findings.push(Finding::warn(text));
        }
    }

    fn doubt(&mut self, what: &str, doubts: Vec<String>) {
        for doubt in doubts {
            let text = self.secrets.mask(&format!("{what}: {doubt}"));
            self.findings.push(Finding::warn(text));
        }
    }
}

/// An error that an answer or event tells of.
fn told_error(value: &Value) -> Option<String> {
    let told = |key: &str| {
        let told = value.get(key)?;
        let nothing = match told {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => prose::is_nothing(text),
            Value::Array(list) => list.is_empty(),
            Value::Object(members) => members.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Bool(true) => false,
        };
        (!nothing).then(|| format!("it tells of an error: {}", told.to_string().chars().take(120).collect::<String>()))
    };
    ["error", "errors", "exception"].into_iter().find_map(told)
}

/// A state in which nothing can be used.
fn bad_state(what: &str, state: &str) -> Option<String> {
    const OVER: [&str; 9] =
        ["archived", "closed", "deleted", "disabled", "ended", "expired", "locked", "suspended", "terminated"];
    let word = state.trim().to_ascii_lowercase();
    let bad = OVER.contains(&word.as_str()) || Status::of_state(&word) == Some(Status::Fail);
    bad.then(|| format!("{what} is {word}"))
}
