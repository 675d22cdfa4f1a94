//! The smoke run: one conversation with a staging environment, as a pure state machine.
//!
//! [`Machine`] is fed with answers, stream events and ticks, each with the time since the start of the run, and gives
//! back what to send. It owns all deadlines, so a run ends in time whatever the server does. [`Report`] is what is left.

mod machine;
mod outcome;
mod report;
mod request;
mod waits;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::sse;
use crate::time::Stamp;

pub use machine::Machine;
pub use outcome::{AutoDecision, decide_seeding};
pub use report::{
    AlertOutcome, Config, Loss, Percentiles, Report, SCHEMA, StepReport, StepState, StreamReport, percentiles,
};
pub use request::{Request, Secrets};

/// The steps of a run, in their usual order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Log in.
    Login,
    /// Create the session.
    Session,
    /// Open the event stream.
    Stream,
    /// Ask for the probe check.
    Check,
    /// See it resolved.
    Resolve,
    /// See the character overlay follow.
    Overlay,
    /// Ask for the safety check.
    Safety,
    /// See it vetoed.
    Veto,
    /// See the admin alert of the veto.
    Alert,
    /// Ask for a seeded alert.
    Seed,
    /// See the seeded alert.
    SeededAlert,
    /// Close the session.
    Close,
    /// See the session closed.
    Closed,
    /// See the session queued for offline work.
    Queue,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 14] = [
        Self::Login,
        Self::Session,
        Self::Stream,
        Self::Check,
        Self::Resolve,
        Self::Overlay,
        Self::Safety,
        Self::Veto,
        Self::Alert,
        Self::Seed,
        Self::SeededAlert,
        Self::Close,
        Self::Closed,
        Self::Queue,
    ];

    /// The word of the documents and of `--slo`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Session => "session",
            Self::Stream => "stream",
            Self::Check => "check",
            Self::Resolve => "resolve",
            Self::Overlay => "overlay",
            Self::Safety => "safety",
            Self::Veto => "veto",
            Self::Alert => "alert",
            Self::Seed => "seed",
            Self::SeededAlert => "seeded-alert",
            Self::Close => "close",
            Self::Closed => "closed",
            Self::Queue => "queue",
        }
    }

    /// What the run cannot do without; a miss of the others is a WARN.
    pub fn is_vital(self) -> bool {
        !matches!(self, Self::Overlay | Self::Veto | Self::Queue)
    }
}

/// What a run is to do.
#[derive(Clone)]
pub struct Settings {
    /// A UUID that names the run and its seed.
    pub run_id: String,
    /// The base URL as given.
    pub base_url: String,
    /// The account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// The session to create.
    pub session_id: String,
    /// Its title.
    pub session_title: String,
    /// The limit of each request and each wait.
    pub timeout: Duration,
    /// The limit of the whole run.
    pub deadline: Duration,
    /// Whether the safety check and its alert are left out.
    pub skip_alert: bool,
    /// Whether an alert is seeded where no live one comes.
    pub seed_alert: bool,
    /// How often a request is sent again after a failure that may pass.
    pub retries: u32,
    /// Slower steps are a WARN.
    pub slos: BTreeMap<Step, Duration>,
    /// When the run started.
    pub started_at: Stamp,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The run begins.
    Start,
    /// A request was answered, or could not be.
    Answer(u64, Result<Answer, Failure>),
    /// The stream was opened.
    StreamOpen(u64),
    /// The stream was refused.
    StreamRefused(u64, Answer),
    /// The stream could not be opened, or it ended or broke.
    StreamLost(u64, Lost),
    /// The stream delivered an event.
    Stream(u64, sse::Event),
    /// Time passed.
    Tick,
    /// Somebody wants the run to end.
    Interrupted,
}

/// An answer to a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// Where a redirect leads; it is not followed.
    pub location: Option<String>,
    /// The start of the body.
    pub body: String,
}

/// Why a request was not answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What went wrong, and what to do about it.
    pub message: String,
}

/// How a stream ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lost {
    /// Why.
    pub reason: String,
    /// For `Last-Event-ID`; empty where the server sent no ids.
    pub last_event_id: String,
    /// The server's wish for the delay before the next try.
    pub retry: Option<Duration>,
    /// Events that were dropped as too large.
    pub oversized: u64,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send a request and answer with [`Event::Answer`]; give up after this long.
    Send(u64, Request, Duration),
    /// Open the stream after a delay; it must be open (or given up) this long after that.
    Open(u64, Request, Duration, Duration),
}
