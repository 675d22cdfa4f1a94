//! Answers: what the run takes from a good one, and which bad ones are worth another try.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::report::account;
use super::super::{Answer, Failure, Step};
use super::{Machine, Phase, Wait};
use crate::finding::Finding;

/// The first delay before a request is sent again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(250);
/// How much of a body is kept.
const BODY: usize = 300;

impl Machine {
    pub(super) fn answer(&mut self, now: Duration, ticket: u64, result: Result<Answer, Failure>) {
        let Some(step) = self.is_pending(ticket) else { return };
        match result {
            Err(failure) => self.try_again_or_fail(now, step, None, &failure.message),
            Ok(answer) => {
                self.answered = true;
                self.report(step).http_status = Some(answer.status);
                if (200..300).contains(&answer.status) {
                    self.accepted(now, step, &answer);
                } else {
                    // What was refused is not ours to close; after a fault of the server it may be there all the same.
                    self.session_sent &= step != Step::Session || answer.status >= 500;
                    let why = refusal(step, &answer);
                    self.try_again_or_fail(now, step, Some(&answer), &why);
                }
            }
        }
    }

    pub(super) fn is_pending(&self, ticket: u64) -> Option<Step> {
        self.pending.as_ref().filter(|pending| pending.sent.is_some_and(|(sent, _)| sent == ticket)).map(|p| p.step)
    }

    pub(super) fn try_again_or_fail(&mut self, now: Duration, step: Step, answer: Option<&Answer>, why: &str) {
        let may_pass = answer.is_none_or(|answer| matches!(answer.status, 429 | 502 | 503 | 504));
        let retries = self.settings.retries;
        if let Some(pending) = self.pending.as_mut().filter(|pending| may_pass && pending.attempts <= retries) {
            pending.due = now + BACKOFF * 2_u32.pow(pending.attempts.min(6) - 1);
            pending.sent = None;
            return;
        }
        if let Some(answer) = answer {
            let body = self.start_of(&answer.body);
            self.report(step).body = Some(body).filter(|body| !body.is_empty());
        }
        self.fail(now, Some(step), why);
    }

    pub(super) fn start_of(&self, body: &str) -> String {
        self.secrets.mask(body).chars().take(BODY).collect()
    }

    /// An answer with a good status: takes what the run needs from it.
    pub(super) fn accepted(&mut self, now: Duration, step: Step, answer: &Answer) {
        let Some(pending) = self.pending.take() else { return };
        let base = pending.sent.map_or(pending.first, |(_, at)| at);
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |path: &str| {
            value.pointer(path).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
        };
        let lack = match step {
            Step::Login => match text("/token") {
                Some(token) => {
                    self.secrets.add(&token);
                    self.token = token;
                    let (shown, finding) = account(&value);
                    self.account = Some(shown);
                    self.findings.extend(finding);
                    None
                }
                None => Some("Authentication response missing token"),
            },
            Step::Session => match text("/session/sessionId") {
                Some(id) => {
                    if id != self.correlation.session {
                        let asked = std::mem::replace(&mut self.correlation.session, id);
                        self.findings.push(Finding::warn(format!("the server did not take the session id {asked}")));
                    }
                    self.session = Some(json!({
                        "id": self.correlation.session,
                        "title": value.pointer("/session/title"),
                        "createdAt": value.pointer("/session/createdAt"),
                    }));
                    None
                }
                None => Some("Session creation response missing session data"),
            },
            Step::Check | Step::Safety => match text("/check/id") {
                Some(id) => {
                    let asked_at = self.stamp(base).millis_z();
                    let moved = text("/check/move").unwrap_or_else(|| "unknown".to_owned());
                    let name = if step == Step::Check { "checkDispatch" } else { "safetyCheck" };
                    self.metrics.insert(name, json!({ "id": id, "requestedAt": asked_at, "move": moved }));
                    *(if step == Step::Check {
                        &mut self.correlation.check
                    } else {
                        &mut self.correlation.safety_check
                    }) = id;
                    None
                }
                None => Some("the answer holds no check id"),
            },
            Step::Close => {
                self.closed = true;
                self.correlation.closure_ref = text("/closureJob/auditRef");
                self.correlation.closure_job = text("/closureJob/jobId");
                None
            }
            _ => None,
        };
        if let Some(lack) = lack {
            let body = self.start_of(&answer.body);
            self.report(step).body = Some(body);
            self.fail(now, Some(step), lack);
            return;
        }
        self.doubt_answer(step, &answer.body, &value);
        self.pass(now, base, step, String::new());
        if pending.attempts > 1 {
            self.findings.push(Finding::warn(format!("{} needed {} attempts", step.word(), pending.attempts)));
        }
        let waits: &[Step] = match (self.phase, step) {
            (Phase::Probe, _) => &[Step::Resolve, Step::Overlay],
            (Phase::Safety, _) => &[Step::Veto, Step::Alert],
            (Phase::Seed, _) => &[Step::SeededAlert],
            (Phase::Close, _) => &[Step::Closed, Step::Queue],
            _ => &[],
        };
        let until = now + self.settings.timeout;
        self.waits.extend(waits.iter().map(|&step| Wait { step, base, until }));
        for seen in std::mem::take(&mut self.recent) {
            self.offer(&seen);
        }
    }
}

/// Why a status is not accepted, with the likely remedy.
fn refusal(step: Step, answer: &Answer) -> String {
    let status = answer.status;
    let what = match step {
        Step::Login => "Authentication failed",
        Step::Session => "Failed to create session",
        Step::Check | Step::Safety => "Debug check request failed",
        Step::Seed => "Debug admin alert request failed",
        _ => "Session closure failed",
    };
    let hint = match (step, status) {
        (Step::Login, 401 | 403) => ": check the email and the password",
        (Step::Login, 404) => ": check the path of the base URL",
        (Step::Check | Step::Safety | Step::Seed, 404) => {
            ": the debug endpoints are switched off on the server (ENABLE_DEBUG_ENDPOINTS=true), or a proxy in front of \
             it does not pass /debug on"
        }
        (Step::Session, 409) => ": the session id belongs to another account; choose another --session-id",
        (_, 401 | 403) => ": the token was not accepted",
        _ => "",
    };
    match &answer.location {
        Some(to) if (300..400).contains(&status) => format!(
            "{what} ({status}): the server redirects to {to}, which is not followed; name the server that answers with --base-url"
        ),
        _ => format!("{what} ({status}){hint}"),
    }
}
