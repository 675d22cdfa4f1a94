//! The report of a smoke run.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::observation::{LastRun, Observation};
use super::super::rehearsal::figures::{Spread, spread};
use super::outcome::AutoDecision;
use super::{Settings, Step};
use crate::finding::{Finding, Status};
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/stage-smoke/v1";

/// What a run did and saw. Keys are documented in `runbooks/formats.md`; times are UTC with milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The verdict.
    pub status: Status,
    /// The same.
    pub verdict: Status,
    /// A UUID.
    pub run_id: String,
    /// When the run started.
    pub started_at: String,
    /// The base URL as given.
    pub base_url: String,
    /// What was asked for.
    pub config: Config,
    /// The figures of the steps, under the names of the contract.
    pub metrics: BTreeMap<&'static str, Value>,
    /// Events by type.
    pub event_counts: BTreeMap<String, u64>,
    /// `id`, `email`, `role`, `roles`; none before login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<Value>,
    /// `id`, `title`, `createdAt`, `closed`; none before it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Value>,
    /// What is known about the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamReport>,
    /// Whether the run did not fail; a WARN is a success.
    pub success: bool,
    /// `message` of what made it fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// When the run ended.
    pub completed_at: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Every step, in order, also those that were not reached.
    pub steps: Vec<StepReport>,
    /// What needs a look, the worst first.
    pub findings: Vec<Finding>,
    /// Whether any request was answered at all.
    pub answered: bool,
    /// Whether the built-in server answered.
    pub simulated: bool,
    /// The spread of the steps over repeated runs, in milliseconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub percentiles: Vec<Percentiles>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// The limit of each request and wait.
    pub timeout_ms: u64,
    /// The limit of the whole run.
    pub deadline_ms: u64,
    /// Whether the alert steps were left out.
    pub skip_admin_alert: bool,
    /// Whether a seed was allowed, after the automatic decision.
    pub seed_admin_alert: bool,
    /// Where this report goes.
    pub report_path: Option<String>,
    /// Always false: a run without the stream proves nothing.
    pub skip_sse: bool,
    /// Whether seeding was decided from the last observation.
    pub auto_admin_alert: bool,
    /// The observation, as an absolute path.
    pub admin_alert_observation_path: Option<String>,
    /// How long an observation counts.
    pub admin_alert_observation_window_ms: u64,
    /// The automatic decision.
    pub admin_alert_auto_decision: Option<AutoDecision>,
    /// How often a request was sent again.
    pub retries: u32,
    /// Limits of steps, in milliseconds.
    pub slo_ms: BTreeMap<Step, u64>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// `passed`, `failed`, `skipped` or `not-reached`.
    pub state: StepState,
    /// When its request was sent, since the start of the run; none for what did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// From its request to its answer or event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// How often its request was sent; 0 for waits.
    pub attempts: u32,
    /// The request, without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The HTTP status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// The start of the body of an answer that was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What was seen, or why not.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// The limit that `--slo` set, where it was exceeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slower_than_ms: Option<u64>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// It did what it should.
    Passed,
    /// It did not.
    Failed,
    /// It was left out on purpose.
    Skipped,
    /// The run ended before it.
    NotReached,
}

/// What is known about the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamReport {
    /// When it was first open; none if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at: Option<String>,
    /// Events received.
    pub events: u64,
    /// Events that carried a name of their own.
    pub named_events: u64,
    /// Events of another session.
    pub foreign_events: u64,
    /// Events whose data is no JSON object or array, or is too large.
    pub unparsable: u64,
    /// The start of the first few of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unparsable_samples: Vec<String>,
    /// How often the stream was lost, and what may have been missed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<Loss>,
}

/// One loss of the stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// When it was lost.
    pub at: String,
    /// Why.
    pub reason: String,
    /// When it was open again; none if it never was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<String>,
    /// Whether the server was told the last event id, so that it could resend what was missed.
    pub resumable: bool,
}

/// What the run learnt about admin alerts.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertOutcome {
    /// An alert was seen.
    Seen {
        /// Whether it was our own seed.
        seeded: bool,
        /// When it arrived.
        at: Stamp,
        /// From its request.
        latency_ms: u64,
        /// As the alert says.
        severity: Value,
        /// As the alert says.
        reason: Value,
    },
    /// None was seen: the state of the step and why.
    None {
        /// `failed`, `skipped` or `not-reached`.
        step: &'static str,
        /// Why.
        detail: String,
    },
}

impl AlertOutcome {
    /// The observation after this run. What an earlier run really saw is kept where this one saw nothing.
    pub fn observe(&self, before: Option<Observation>, settings: &Settings, recorded: Stamp) -> Observation {
        let (run, session) = (settings.run_id.as_str(), settings.session_id.as_str());
        let recorded = Value::from(recorded.millis_z());
        let fresh = Observation {
            schema: super::super::observation::SCHEMA.to_owned(),
            seeded: false.into(),
            run_id: run.into(),
            session_id: session.into(),
            recorded_at: recorded.clone(),
            ..Observation::default()
        };
        match self {
            Self::Seen { seeded, at, latency_ms, severity, reason } => Observation {
                observed_at: at.millis_z().into(),
                latency_ms: (*latency_ms).into(),
                reason: reason.clone(),
                severity: severity.clone(),
                seeded: (*seeded).into(),
                ..fresh
            },
            Self::None { step, detail } => {
                let kept = before.filter(|before| matches!(before.observed(), Ok(Some(_))));
                Observation {
                    last_run: Some(LastRun {
                        run_id: run.into(),
                        session_id: session.into(),
                        recorded_at: recorded,
                        alert_step: (*step).to_owned(),
                        detail: detail.clone(),
                    }),
                    ..kept.unwrap_or(fresh)
                }
            }
        }
    }
}

/// The spread of one step over repeated runs, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Percentiles {
    /// The step.
    pub step: Step,
    /// Runs in which it passed.
    pub passed: u64,
    /// Runs in which it failed.
    pub failed: u64,
    /// Of the runs in which it passed.
    pub latency_ms: Option<Spread>,
}

/// The spread of every step that any of `reports` reached.
pub fn percentiles(reports: &[Report]) -> Vec<Percentiles> {
    let of_step = |step: Step| {
        let all = || reports.iter().flat_map(|report| &report.steps).filter(move |entry| entry.step == step);
        let passed = all().filter(|entry| entry.state == StepState::Passed);
        let mut latencies: Vec<f64> = passed.filter_map(|entry| entry.latency_ms.map(|ms| ms as f64)).collect();
        Percentiles {
            step,
            passed: latencies.len() as u64,
            failed: all().filter(|entry| entry.state == StepState::Failed).count() as u64,
            latency_ms: spread(&mut latencies),
        }
    };
    Step::ALL.into_iter().map(of_step).filter(|row| row.passed + row.failed > 0).collect()
}

/// Whole milliseconds.
pub(super) fn ms(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

impl StepReport {
    pub(super) fn new(step: Step) -> Self {
        Self {
            step,
            state: StepState::NotReached,
            started_ms: None,
            latency_ms: None,
            attempts: 0,
            request: None,
            http_status: None,
            body: None,
            detail: String::new(),
            slower_than_ms: None,
        }
    }
}

/// `account` of the report, and the WARN for an account that is no administrator.
pub(super) fn account(login: &Value) -> (Value, Option<Finding>) {
    let account = login.get("account").cloned().unwrap_or_default();
    let mut roles: Vec<String> = Vec::new();
    if let Some(list) = account.get("roles").and_then(Value::as_array) {
        roles.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
    }
    roles.extend(account.get("roles").and_then(Value::as_str).map(str::to_owned));
    roles.extend(account.get("role").and_then(Value::as_str).map(str::to_owned));
    let admin = roles.iter().find(|role| role.eq_ignore_ascii_case("admin"));
    let role = admin.or_else(|| roles.first()).cloned();
    let finding = match (roles.is_empty(), admin) {
        (_, Some(_)) => None,
        (true, None) => {
            Some("the answer to login names no roles: whether alerts reach the account is not known".into())
        }
        (false, None) => {
            Some(format!("the account is no admin (roles: {}): alerts may not reach it", roles.join(", ")))
        }
    };
    let finding = finding.map(|text: String| Finding::warn(text));
    let shown = json!({ "id": account.get("id"), "email": account.get("email"), "role": role, "roles": roles });
    (shown, finding)
}
