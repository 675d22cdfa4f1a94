//! The conversation: what to send, what to wait for, and when to give up.

mod answers;
mod awaited;
mod doubts;
mod finish;
mod stream;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::report::{AlertOutcome, StepReport, StepState, StreamReport, ms};
use super::request::{Request, Secrets};
use super::waits::{Correlation, Seen};
use super::{Action, Event, Settings, Step};
use crate::finding::Finding;
use crate::time::{Stamp, human_duration};

/// How long an interrupted run may take to close its session.
const FAREWELL: Duration = Duration::from_secs(3);

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
    correlation: Correlation,
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
        let correlation = Correlation {
            run: settings.run_id.clone(),
            session: settings.session_id.clone(),
            ..Correlation::default()
        };
        Self {
            settings,
            secrets,
            phase: Phase::Login,
            pending: None,
            waits: Vec::new(),
            recent: Vec::new(),
            correlation,
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
            Event::Interrupted => {
                // Whoever interrupts does not want to wait.
                self.settings.deadline = self.settings.deadline.min(now + FAREWELL);
                self.fail(now, None, "the run was interrupted");
            }
            Event::Answer(ticket, result) => self.answer(now, ticket, result),
            Event::StreamOpen(ticket) => self.stream_open(now, ticket),
            Event::StreamRefused(ticket, answer) => self.stream_refused(now, ticket, &answer),
            Event::StreamLost(ticket, lost) => self.stream_lost(now, ticket, &lost, &mut actions),
            Event::Stream(ticket, event) => self.stream_event(now, ticket, &event),
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
        let (token, session) = (self.token.clone(), self.correlation.session.clone());
        let (step, request) = match phase {
            Phase::Login => (Step::Login, Request::login(&self.settings.email, &self.settings.password)),
            Phase::Session => (Step::Session, Request::session(&token, &session, &self.settings.session_title)),
            Phase::Stream => (Step::Stream, Request::stream(&token, &session, "")),
            Phase::Probe => (Step::Check, Request::check(&token, &session)),
            Phase::Safety => (Step::Safety, Request::safety_check(&token, &session)),
            Phase::Seed => {
                (Step::Seed, Request::seed(&token, &session, &self.correlation.safety_check, &self.settings.run_id))
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
        // A little longer than the deadline, so that it is the machine that says what ended the request.
        let limit = self.settings.timeout.min(end.saturating_sub(now) + Duration::from_millis(200));
        let entry = self.report(step);
        entry.attempts = attempts;
        entry.request = Some(request.label());
        self.session_sent |= step == Step::Session;
        match step {
            Step::Stream => actions.push(Action::Open(ticket, request, Duration::ZERO, limit)),
            _ => actions.push(Action::Send(ticket, request, limit)),
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
        entry.started_ms = Some(ms(base));
        entry.latency_ms = Some(ms(latency));
        entry.detail = detail;
        entry.slower_than_ms = slo.map(ms);
    }

    /// Ends the run as failed; closes the session first where one may exist.
    fn fail(&mut self, now: Duration, step: Option<Step>, why: &str) {
        if self.phase == Phase::Done {
            return;
        }
        let why = self.secrets.mask(why);
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
}
