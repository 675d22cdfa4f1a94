//! The conversation: what to send, what to wait for, and when to give up.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::report::{AlertOutcome, Config, Loss, Report, SCHEMA, StepReport, StepState, StreamReport, account, ms};
use super::request::{Request, Secrets};
use super::waits::{Bonds, Seen};
use super::{Action, Answer, Event, Failure, Lost, Settings, Step};
use crate::finding::{Finding, Status};
use crate::time::{Stamp, human_duration};

/// The delay before a lost stream is opened again, where the server names none.
const REOPEN: Duration = Duration::from_secs(3);
/// The longest delay that a server may ask for.
const REOPEN_MAX: Duration = Duration::from_secs(30);
/// The first delay before a request is sent again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(250);
/// How much of a body is kept.
const BODY: usize = 300;
/// How many events are kept while the answer of their request is awaited.
const KEPT: usize = 20_000;
/// How many event types are counted by name, and how many samples of unparsable data are kept.
const TYPES: usize = 500;
const SAMPLES: usize = 3;

/// A smoke run. Every instant is the time since its start.
pub struct Machine {
    settings: Settings,
    secrets: Secrets,
    phase: Phase,
    /// The request that is under way.
    pending: Option<Pending>,
    /// What is awaited from the stream.
    waits: Vec<Wait>,
    /// Events since the last request was sent.
    recent: Vec<Seen>,
    bonds: Bonds,
    token: String,
    stream: Stream,
    steps: BTreeMap<Step, StepReport>,
    metrics: BTreeMap<&'static str, Value>,
    event_counts: BTreeMap<String, u64>,
    account: Option<Value>,
    session: Option<Value>,
    facts: StreamReport,
    findings: Vec<Finding>,
    alert: Option<AlertOutcome>,
    error: Option<String>,
    answered: bool,
    /// Whether a session may exist on the server, and whether it was closed.
    session_sent: bool,
    closed: bool,
    tickets: u64,
    ended: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Login,
    Session,
    Stream,
    Probe,
    Safety,
    Seed,
    Close,
    /// Closing the session after a failure.
    Cleanup,
    Done,
}

struct Pending {
    step: Step,
    request: Request,
    /// When it was sent first, and last.
    first: Duration,
    sent: Option<(u64, Duration)>,
    /// When to send it (again).
    due: Duration,
    attempts: u32,
}

struct Wait {
    step: Step,
    base: Duration,
    until: Duration,
}

#[derive(Clone, Debug, PartialEq)]
enum Stream {
    Unopened,
    Open(u64),
    /// Being opened again.
    Reopening(u64),
    /// Given up, with the reason.
    Dead(String),
}

impl Machine {
    /// A run that has not begun; feed it with [`Event::Start`].
    pub fn new(settings: Settings) -> Self {
        let mut secrets = Secrets::default();
        secrets.add(&settings.password);
        let bonds = Bonds { run: settings.run_id.clone(), session: settings.session_id.clone(), ..Bonds::default() };
        Self {
            settings,
            secrets,
            phase: Phase::Login,
            pending: None,
            waits: Vec::new(),
            recent: Vec::new(),
            bonds,
            token: String::new(),
            stream: Stream::Unopened,
            steps: Step::ALL.into_iter().map(|step| (step, StepReport::new(step))).collect(),
            metrics: BTreeMap::new(),
            event_counts: BTreeMap::new(),
            account: None,
            session: None,
            facts: StreamReport::default(),
            findings: Vec::new(),
            alert: None,
            error: None,
            answered: false,
            session_sent: false,
            closed: false,
            tickets: 0,
            ended: None,
        }
    }

    /// Whether the run is over.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The secrets of the run, for messages of the caller.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// When the machine wants a tick at the latest.
    pub fn wake_at(&self, now: Duration) -> Duration {
        let pending = self.pending.as_ref().map(|pending| match pending.sent {
            Some((_, at)) => at + self.settings.timeout,
            None if pending.due > now => pending.due,
            // Held back until the stream is open again.
            None => pending.due + self.settings.timeout,
        });
        let waits = self.waits.iter().map(|wait| wait.until);
        let limit = if self.phase < Phase::Cleanup { self.work_deadline() } else { self.settings.deadline };
        waits.chain(pending).fold(limit, Duration::min)
    }

    /// Takes one event and gives what to do next.
    pub fn step(&mut self, now: Duration, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Start => self.enter(now, Phase::Login),
            Event::Tick => {}
            Event::Interrupted => self.fail(now, None, "the run was interrupted".to_owned()),
            Event::Answer(ticket, result) => self.answer(now, ticket, result),
            Event::StreamOpen(ticket) => self.stream_open(now, ticket),
            Event::StreamRefused(ticket, answer) => self.stream_refused(now, ticket, &answer),
            Event::StreamLost(ticket, lost) => self.stream_lost(now, ticket, lost, &mut actions),
            Event::Stream(ticket, event) => self.stream_event(now, ticket, event),
        }
        self.expire(now);
        self.advance(now);
        self.send(now, &mut actions);
        actions
    }

    /// The instant `after` the start, on the wall clock.
    fn stamp(&self, after: Duration) -> Stamp {
        self.settings.started_at.plus(after)
    }

    /// Work ends early enough to close the session within the deadline.
    fn work_deadline(&self) -> Duration {
        let reserve = (self.settings.deadline / 5).min(Duration::from_secs(2));
        self.settings.deadline - reserve
    }

    fn report(&mut self, step: Step) -> &mut StepReport {
        self.steps.entry(step).or_insert_with(|| StepReport::new(step))
    }

    /// Starts a phase with its request.
    fn enter(&mut self, now: Duration, phase: Phase) {
        self.phase = phase;
        let (token, session) = (self.token.clone(), self.bonds.session.clone());
        let (step, request) = match phase {
            Phase::Login => (Step::Login, Request::login(&self.settings.email, &self.settings.password)),
            Phase::Session => (Step::Session, Request::session(&token, &session, &self.settings.session_title)),
            Phase::Stream => (Step::Stream, Request::stream(&token, &session, "")),
            Phase::Probe => (Step::Check, Request::check(&token, &session)),
            Phase::Safety => (Step::Safety, Request::safety_check(&token, &session)),
            Phase::Seed => {
                (Step::Seed, Request::seed(&token, &session, &self.bonds.safety_check, &self.settings.run_id))
            }
            Phase::Close | Phase::Cleanup => (Step::Close, Request::close(&token, &session)),
            Phase::Done => {
                self.ended = Some(now);
                self.pending = None;
                self.waits.clear();
                return;
            }
        };
        self.pending = Some(Pending { step, request, first: now, sent: None, due: now, attempts: 0 });
    }

    /// Sends the pending request when it is due. One that causes events is held back until the stream is open, so that
    /// none of them gets lost.
    fn send(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let needs_stream = matches!(self.phase, Phase::Probe | Phase::Safety | Phase::Seed | Phase::Close);
        let reopening = matches!(self.stream, Stream::Reopening(_));
        let Some(pending) = &mut self.pending else { return };
        if pending.sent.is_some() || pending.due > now || (needs_stream && reopening) {
            return;
        }
        self.tickets += 1;
        let ticket = self.tickets;
        if pending.attempts == 0 {
            pending.first = now;
            self.recent.clear();
        }
        pending.attempts += 1;
        pending.sent = Some((ticket, now));
        let (step, attempts, request) = (pending.step, pending.attempts, pending.request.clone());
        let end = if self.phase < Phase::Cleanup { self.work_deadline() } else { self.settings.deadline };
        let limit = self.settings.timeout.min(end.saturating_sub(now)).max(Duration::from_millis(1));
        let entry = self.report(step);
        entry.attempts = attempts;
        entry.request = Some(request.label());
        self.session_sent |= step == Step::Session;
        match step {
            Step::Stream => actions.push(Action::Open(ticket, request, Duration::ZERO, limit)),
            _ => actions.push(Action::Send(ticket, request, limit)),
        }
    }

    fn answer(&mut self, now: Duration, ticket: u64, result: Result<Answer, Failure>) {
        let Some(step) = self.is_pending(ticket) else { return };
        match result {
            Err(failure) => self.try_again_or_fail(now, step, None, failure.message),
            Ok(answer) => {
                self.answered = true;
                self.report(step).http_status = Some(answer.status);
                if (200..300).contains(&answer.status) {
                    self.accepted(now, step, &answer);
                } else {
                    let why = refusal(step, answer.status);
                    self.try_again_or_fail(now, step, Some(&answer), why);
                }
            }
        }
    }

    fn is_pending(&self, ticket: u64) -> Option<Step> {
        self.pending.as_ref().filter(|pending| pending.sent.is_some_and(|(sent, _)| sent == ticket)).map(|p| p.step)
    }

    fn try_again_or_fail(&mut self, now: Duration, step: Step, answer: Option<&Answer>, why: String) {
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

    fn start_of(&self, body: &str) -> String {
        self.secrets.mask(body).chars().take(BODY).collect()
    }

    /// An answer with a good status: takes what the run needs from it.
    fn accepted(&mut self, now: Duration, step: Step, answer: &Answer) {
        let Some(pending) = self.pending.take() else { return };
        let base = pending.sent.map_or(pending.first, |(_, at)| at);
        let value: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text =
            |path: &str| value.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
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
                    if id != self.bonds.session {
                        let asked = std::mem::replace(&mut self.bonds.session, id);
                        self.findings.push(Finding::warn(format!("the server did not take the session id {asked}")));
                    }
                    self.session = Some(json!({
                        "id": self.bonds.session,
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
                    *(if step == Step::Check { &mut self.bonds.check } else { &mut self.bonds.safety_check }) = id;
                    None
                }
                None => Some("the answer holds no check id"),
            },
            Step::Close => {
                self.closed = true;
                self.bonds.closure_ref = text("/closureJob/auditRef");
                self.bonds.closure_job = text("/closureJob/jobId");
                None
            }
            _ => None,
        };
        if let Some(lack) = lack {
            let body = self.start_of(&answer.body);
            self.report(step).body = Some(body);
            self.fail(now, Some(step), lack.to_owned());
            return;
        }
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

    fn pass(&mut self, at: Duration, base: Duration, step: Step, detail: String) {
        let latency = at.saturating_sub(base);
        let slo = self.settings.slos.get(&step).copied().filter(|slo| latency > *slo);
        if let Some(slo) = slo {
            self.findings.push(Finding::warn(format!(
                "{} took {}, its limit is {}",
                step.word(),
                human_duration(latency),
                human_duration(slo)
            )));
        }
        let entry = self.report(step);
        entry.state = StepState::Passed;
        entry.latency_ms = Some(ms(latency));
        entry.detail = detail;
        entry.slower_than_ms = slo.map(ms);
    }

    /// Gives an event to the waits that it satisfies.
    fn offer(&mut self, seen: &Seen) {
        let mut open = Vec::new();
        for wait in std::mem::take(&mut self.waits) {
            if seen.at >= wait.base && self.bonds.satisfies(wait.step, seen) {
                self.satisfied(&wait, seen);
            } else {
                open.push(wait);
            }
        }
        self.waits = open;
    }

    fn satisfied(&mut self, wait: &Wait, seen: &Seen) {
        let latency = ms(seen.at.saturating_sub(wait.base));
        let field = |path: &str| seen.payload.pointer(path).cloned().unwrap_or_default();
        let mut detail = String::new();
        match wait.step {
            Step::Resolve => {
                let tier = field("/tier");
                detail = tier.as_str().unwrap_or_default().to_owned();
                let metric = json!({ "id": self.bonds.check, "tier": tier, "latencyMs": latency });
                self.metrics.insert("checkResolution", metric);
            }
            Step::Overlay => {
                self.metrics.insert("overlaySync", json!({ "observed": true, "latencyMs": latency }));
            }
            Step::Veto => {
                self.metrics.insert("safetyVeto", json!({ "observed": true, "latencyMs": latency }));
            }
            Step::Alert | Step::SeededAlert => {
                let seeded = wait.step == Step::SeededAlert;
                let at = self.stamp(seen.at);
                let (severity, reason) = (field("/severity"), field("/reason"));
                detail = format!("{} {}", severity.as_str().unwrap_or("?"), reason.as_str().unwrap_or("?"));
                self.metrics.insert(
                    "adminAlert",
                    json!({
                        "observed": true, "latencyMs": latency, "severity": severity, "reason": reason,
                        "seeded": seeded, "checkId": field("/data/checkId"), "observedAt": at.millis_z(),
                    }),
                );
                self.alert = Some(AlertOutcome::Seen { seeded, at, latency_ms: latency, severity, reason });
            }
            Step::Closed => {
                self.metrics.insert("sessionClosure", json!({ "latencyMs": latency }));
            }
            Step::Queue => {
                let job = field("/jobId");
                self.metrics.insert("offlineQueue", json!({ "observed": true, "latencyMs": latency, "jobId": job }));
            }
            _ => {}
        }
        let detail = self.secrets.mask(&detail);
        self.pass(seen.at, wait.base, wait.step, detail);
    }

    /// Ends requests and waits whose time is up.
    fn expire(&mut self, now: Duration) {
        if self.phase == Phase::Done {
            return;
        }
        if now >= self.settings.deadline {
            let step = self.pending.as_ref().map(|pending| pending.step);
            let why = format!("the deadline of {} was reached", human_duration(self.settings.deadline));
            if let Some(step) = step {
                self.mark_failed(step, &why);
            }
            self.error.get_or_insert(why);
            self.enter(now, Phase::Done);
            return;
        }
        if self.phase < Phase::Cleanup && now >= self.work_deadline() {
            let why = format!("the deadline of {} was near", human_duration(self.settings.deadline));
            for wait in std::mem::take(&mut self.waits) {
                self.mark_failed(wait.step, &why);
            }
            let step = self.pending.as_ref().map(|pending| pending.step);
            self.fail(now, step, why);
            return;
        }
        let timeout = self.settings.timeout;
        if let Some(pending) = &self.pending
            && let Some((_, sent)) = pending.sent
            && now >= sent + timeout
        {
            let why = format!("no complete answer within {}", human_duration(timeout));
            self.try_again_or_fail(now, pending.step, None, why);
        }
        if let Some(pending) = &self.pending
            && pending.sent.is_none()
            && now >= pending.due + timeout
        {
            let why = format!("the stream was lost and not open again within {}", human_duration(timeout));
            self.fail(now, Some(pending.step), why);
        }
        let dead = match &self.stream {
            Stream::Dead(why) => Some(why.clone()),
            _ => None,
        };
        let (over, open): (Vec<Wait>, Vec<Wait>) =
            std::mem::take(&mut self.waits).into_iter().partition(|wait| dead.is_some() || now >= wait.until);
        self.waits = open;
        for wait in over {
            let awaited = self.bonds.describe(wait.step);
            let why = match &dead {
                Some(why) => format!("{awaited} was not seen: {why}"),
                None => format!("{awaited} was not seen within {}{}", human_duration(timeout), self.gap_note()),
            };
            self.missed(now, wait.step, why);
        }
    }

    /// What a timeout may owe to a loss of the stream.
    fn gap_note(&self) -> &'static str {
        match (&self.stream, self.facts.losses.is_empty()) {
            (Stream::Reopening(_), _) => "; the stream is lost",
            (_, false) => "; the stream was lost in between, so it may have been missed",
            _ => "",
        }
    }

    /// A wait that was in vain: some are vital, an alert may still be seeded.
    fn missed(&mut self, now: Duration, step: Step, why: String) {
        match step {
            Step::Overlay => self.metrics.insert("overlaySync", json!({ "observed": false })),
            Step::Veto => self.metrics.insert("safetyVeto", json!({ "observed": false })),
            Step::Queue => self.metrics.insert("offlineQueue", json!({ "observed": false })),
            Step::SeededAlert => self.metrics.insert("adminAlert", json!({ "observed": false, "seeded": true })),
            _ => None,
        };
        self.mark_failed(step, &why);
        match step {
            Step::Alert if self.settings.seed_alert => {
                self.findings.push(Finding::warn(format!("no live alert: {why}; a seed was sent instead")));
            }
            _ if step.is_vital() => self.fail(now, Some(step), why),
            _ => self.findings.push(Finding::warn(why)),
        }
    }

    fn mark_failed(&mut self, step: Step, why: &str) {
        let why = self.secrets.mask(why);
        let entry = self.report(step);
        entry.state = StepState::Failed;
        entry.detail = why;
    }

    /// Ends the run as failed; closes the session first where one may exist.
    fn fail(&mut self, now: Duration, step: Option<Step>, why: String) {
        if self.phase == Phase::Done {
            return;
        }
        let why = self.secrets.mask(&why);
        if let Some(step) = step {
            self.mark_failed(step, &why);
        }
        if self.phase == Phase::Cleanup {
            self.findings.push(Finding::warn(format!("the session was left open: {why}")));
            return self.enter(now, Phase::Done);
        }
        let label = step.map_or(String::new(), |step| format!("{}: ", step.word()));
        self.error.get_or_insert_with(|| format!("{label}{why}"));
        let closing = self.phase == Phase::Close;
        self.pending = None;
        self.waits.clear();
        if self.session_sent && !self.closed && !closing && !self.token.is_empty() {
            self.enter(now, Phase::Cleanup);
        } else {
            if closing && !self.closed {
                self.findings.push(Finding::warn("the session was left open"));
            }
            self.enter(now, Phase::Done);
        }
    }

    /// Goes on to the next phase when nothing is awaited any more.
    fn advance(&mut self, now: Duration) {
        if self.pending.is_some() || !self.waits.is_empty() {
            return;
        }
        let passed = |step: Step| self.steps.get(&step).is_some_and(|entry| entry.state == StepState::Passed);
        let next = match self.phase {
            Phase::Login => Phase::Session,
            Phase::Session => Phase::Stream,
            Phase::Stream => Phase::Probe,
            Phase::Probe if self.settings.skip_alert => Phase::Close,
            Phase::Probe => Phase::Safety,
            Phase::Safety if !passed(Step::Alert) && self.settings.seed_alert => Phase::Seed,
            Phase::Safety | Phase::Seed => Phase::Close,
            Phase::Close | Phase::Cleanup => Phase::Done,
            Phase::Done => return,
        };
        self.enter(now, next);
    }

    fn stream_open(&mut self, now: Duration, ticket: u64) {
        if self.is_pending(ticket) == Some(Step::Stream) {
            let Some(pending) = self.pending.take() else { return };
            self.answered = true;
            self.facts.connected_at = Some(self.stamp(now).millis_z());
            self.stream = Stream::Open(ticket);
            self.report(Step::Stream).http_status = Some(200);
            self.pass(now, pending.sent.map_or(pending.first, |(_, at)| at), Step::Stream, String::new());
        } else if self.stream == Stream::Reopening(ticket) {
            self.stream = Stream::Open(ticket);
            let at = self.stamp(now).millis_z();
            if let Some(loss) = self.facts.losses.last_mut() {
                loss.reopened_at = Some(at);
            }
        }
    }

    fn stream_refused(&mut self, now: Duration, ticket: u64, answer: &Answer) {
        let why = match answer.status {
            200 => format!(
                "the event stream has the content type {:?} instead of text/event-stream",
                self.start_of(&answer.content_type)
            ),
            status => format!("Non-200 status code ({status}) for the event stream"),
        };
        if self.is_pending(ticket) == Some(Step::Stream) {
            self.answered = true;
            self.report(Step::Stream).http_status = Some(answer.status);
            self.try_again_or_fail(now, Step::Stream, Some(answer), why);
        } else if self.stream == Stream::Reopening(ticket) {
            self.stream = Stream::Dead(format!("the stream was lost and not given back: {why}"));
        }
    }

    fn stream_lost(&mut self, now: Duration, ticket: u64, lost: Lost, actions: &mut Vec<Action>) {
        if self.is_pending(ticket) == Some(Step::Stream) {
            return self.try_again_or_fail(now, Step::Stream, None, lost.reason);
        }
        let (was_open, ours) = match self.stream {
            Stream::Open(current) => (true, current == ticket),
            Stream::Reopening(current) => (false, current == ticket),
            _ => (false, false),
        };
        if !ours || self.phase >= Phase::Cleanup {
            return;
        }
        self.facts.unparsable += lost.oversized;
        if was_open {
            self.facts.losses.push(Loss {
                at: self.stamp(now).millis_z(),
                reason: self.secrets.mask(&lost.reason),
                reopened_at: None,
                resumable: !lost.last_event_id.is_empty(),
            });
        }
        self.tickets += 1;
        self.stream = Stream::Reopening(self.tickets);
        let delay = lost.retry.unwrap_or(REOPEN).min(REOPEN_MAX);
        let request = Request::stream(&self.token, &self.bonds.session, &lost.last_event_id);
        actions.push(Action::Open(self.tickets, request, delay, self.settings.timeout));
    }

    fn stream_event(&mut self, now: Duration, ticket: u64, event: super::sse::Event) {
        if self.stream != Stream::Open(ticket) {
            return;
        }
        self.facts.events += 1;
        self.facts.named_events += u64::from(event.name != "message");
        let value = serde_json::from_str::<Value>(&event.data).ok().filter(|v| v.is_object() || v.is_array());
        let Some(mut value) = value else {
            self.facts.unparsable += 1;
            if self.facts.unparsable_samples.len() < SAMPLES {
                let sample = self.secrets.mask(&event.data).chars().take(80).collect();
                self.facts.unparsable_samples.push(sample);
            }
            return;
        };
        let kind = value.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        let kind = self.secrets.mask(kind.unwrap_or("unknown"));
        let counted = if self.event_counts.len() < TYPES || self.event_counts.contains_key(&kind) {
            kind.clone()
        } else {
            "other".to_owned()
        };
        *self.event_counts.entry(counted).or_default() += 1;
        let payload = value.get_mut("payload").map(Value::take).unwrap_or_default();
        let seen = Seen { at: now, kind, payload };
        self.facts.foreign_events += u64::from(self.bonds.is_foreign(&seen));
        let sent = self.pending.as_ref().is_some_and(|pending| pending.attempts > 0);
        let before_check = self.phase < Phase::Probe || (self.phase == Phase::Probe && !sent && self.waits.is_empty());
        if seen.kind == "overlay.characterSync" && before_check {
            let revision = seen.payload.get("revision").and_then(Value::as_f64);
            self.bonds.revision = revision.or(self.bonds.revision);
        }
        self.offer(&seen);
        if sent && self.recent.len() < KEPT {
            self.recent.push(seen);
        }
    }

    /// What is left when the run is over, with what was learnt about alerts.
    pub fn finish(mut self, mut config: Config) -> (Report, AlertOutcome, Settings) {
        let ended = self.ended.unwrap_or_default();
        if self.settings.skip_alert {
            for step in [Step::Safety, Step::Veto, Step::Alert] {
                self.report(step).state = StepState::Skipped;
            }
            self.metrics.insert("adminAlert", json!({ "observed": false, "skipped": true }));
        }
        if !self.settings.seed_alert || matches!(self.alert, Some(AlertOutcome::Seen { seeded: false, .. })) {
            for step in [Step::Seed, Step::SeededAlert] {
                self.report(step).state = StepState::Skipped;
            }
        }
        let alert = self.alert.take().unwrap_or_else(|| self.no_alert());
        if let Some(session) = self.session.as_mut().and_then(Value::as_object_mut) {
            session.insert("closed".to_owned(), self.closed.into());
        }
        self.findings.extend(self.stream_findings());
        if let Some(error) = &self.error {
            self.findings.push(Finding::fail(error));
        }
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let status = Status::roll_up(self.findings.iter().map(|finding| finding.severity));
        config.slo_ms = self.settings.slos.iter().map(|(step, slo)| (*step, ms(*slo))).collect();
        // An answer may repeat what it was sent; nothing of that may get out.
        for value in self.metrics.values_mut().chain(&mut self.account).chain(&mut self.session) {
            self.secrets.mask_json(value);
        }
        let report = Report {
            schema: SCHEMA,
            status,
            run_id: self.settings.run_id.clone(),
            started_at: self.settings.started_at.millis_z(),
            base_url: self.settings.base_url.clone(),
            config,
            metrics: self.metrics,
            event_counts: self.event_counts,
            account: self.account,
            session: self.session,
            stream: (self.stream != Stream::Unopened).then_some(self.facts),
            success: status != Status::Fail,
            error: self.error.map(|message| json!({ "message": message })),
            completed_at: self.settings.started_at.plus(ended).millis_z(),
            duration_ms: ms(ended),
            steps: self.steps.into_values().collect(),
            findings: self.findings,
            answered: self.answered,
            simulated: false,
            percentiles: Vec::new(),
        };
        (report, alert, self.settings)
    }

    fn no_alert(&self) -> AlertOutcome {
        let last = [Step::SeededAlert, Step::Seed, Step::Alert, Step::Safety].map(|step| &self.steps[&step]);
        let failed = last.iter().find(|entry| entry.state == StepState::Failed);
        match failed {
            Some(entry) => AlertOutcome::None { step: "failed", detail: entry.detail.clone() },
            None if self.settings.skip_alert => {
                AlertOutcome::None { step: "skipped", detail: "the alert steps were left out".to_owned() }
            }
            None => AlertOutcome::None { step: "not-reached", detail: self.error.clone().unwrap_or_default() },
        }
    }

    fn stream_findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for loss in &self.facts.losses {
            let until = loss
                .reopened_at
                .as_deref()
                .map_or("and was not open again".to_owned(), |at| format!("and open again at {at}"));
            let missed = if loss.resumable {
                "the server was told the last event id"
            } else {
                "the server sends no event ids, so what it sent in between was missed"
            };
            findings
                .push(Finding::warn(format!("the stream was lost at {} ({}) {until}; {missed}", loss.at, loss.reason)));
        }
        if self.facts.unparsable > 0 {
            let shown =
                self.facts.unparsable_samples.first().map_or(String::new(), |text| format!(", such as {text:?}"));
            let count = self.facts.unparsable;
            findings.push(Finding::warn(format!("{count} events of the stream could not be read{shown}")));
        }
        if self.facts.named_events > 0 {
            let count = self.facts.named_events;
            findings.push(Finding::warn(format!(
                "{count} events carried an `event:` name: clients that listen for unnamed messages do not see them"
            )));
        }
        findings
    }
}

/// Why a status is not accepted, with the likely remedy.
fn refusal(step: Step, status: u16) -> String {
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
    format!("{what} ({status}){hint}")
}
