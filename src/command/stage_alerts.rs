//! `emp-ops stage-alerts`: may fallback seeding go, and how noisy are the alert rules.

mod notify;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::export::{ExportArgs, Exports};
use super::{Common, Error, Outcome};
use crate::finding::{Criterion, Status, percent};
use crate::io::{clock, files};
use crate::report;
use crate::report::stage_alerts::Found;
use crate::stage::freshness::{self, Freshness, Rules};
use crate::stage::history::{self, History};
use crate::stage::notify::report::Notifications;
use crate::stage::observation::{DEFAULT_PATH, Observation};
use crate::stage::rehearsal::{self, Limits, Means, Rehearsal, read};
use crate::time::{Stamp, human_duration};

/// The defaults of limits; a looser one is told.
const WINDOW: Duration = Duration::from_secs(6 * 3600);
const MAX_SKEW: Duration = Duration::from_secs(60);
const MATCH_WINDOW: Duration = Duration::from_secs(15 * 60);
const MAX_NOISE: f64 = 0.05;

/// The name of the document, in its `schema` key.
const SCHEMA: &str = "emp-ops/stage-alerts/v1";

/// Options of `stage-alerts`.
#[derive(Debug, Args)]
pub(crate) struct StageAlerts {
    /// The observation that a smoke run left [default: artifacts/admin-alert-observations.json, unless only a
    /// rehearsal is asked for]
    #[arg(long, value_name = "PATH", alias = "observation-path")]
    observation: Option<PathBuf>,
    /// The greatest age of an alert that still counts
    #[arg(long, value_name = "D", default_value = "6h", value_parser = super::positive_duration)]
    window: Duration,
    /// Judge as of this instant instead of now
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<Stamp>,
    /// How far two clocks may differ: alerts further in the future are not believed
    #[arg(long, value_name = "D", default_value = "1m", value_parser = super::duration)]
    max_skew: Duration,
    /// Also show the trend over earlier observations and smoke reports in this directory
    #[arg(long, value_name = "DIR")]
    history: Option<PathBuf>,

    /// The incidents that were expected: JSON Lines, a JSON array or CSV; or the drills.json of a run, each drill of which
    /// expects the alert rule that has its name
    #[arg(long, value_name = "FILE", requires = "fired", help_heading = "Alert rehearsal")]
    expected: Option<PathBuf>,
    /// The alerts that fired: the same forms, or captured webhooks of Alertmanager
    #[arg(long, value_name = "FILE", requires = "expected", help_heading = "Alert rehearsal")]
    fired: Option<PathBuf>,
    /// The highest acceptable share of false positives
    #[arg(long, value_name = "R", default_value = "5%", value_parser = super::ratio, help_heading = "Alert rehearsal")]
    max_noise: f64,
    /// How many incidents may be missed
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Alert rehearsal")]
    max_misses: u64,
    /// Slower detection on average is a WARN
    #[arg(long, value_name = "D", value_parser = super::positive_duration, help_heading = "Alert rehearsal")]
    baseline_latency: Option<Duration>,
    /// Slower detection on average is a FAIL
    #[arg(long, value_name = "D", value_parser = super::positive_duration, help_heading = "Alert rehearsal")]
    max_mttd: Option<Duration>,
    /// Slower acknowledgement on average is a FAIL
    #[arg(long, value_name = "D", value_parser = super::positive_duration, help_heading = "Alert rehearsal")]
    max_mtta: Option<Duration>,
    /// Slower resolution on average is a FAIL
    #[arg(long, value_name = "D", value_parser = super::positive_duration, help_heading = "Alert rehearsal")]
    max_mttr: Option<Duration>,
    /// How long after the start (or end) of an incident an alert still belongs to it
    #[arg(long, value_name = "D", default_value = "15m", value_parser = super::positive_duration,
        help_heading = "Alert rehearsal")]
    match_window: Duration,

    #[command(flatten)]
    notify: notify::NotifyArgs,

    #[command(flatten)]
    pub export: ExportArgs,
}

/// The result of `stage-alerts`: the keys of the observation's judgement at the top, the rest beside them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judgement {
    schema: &'static str,
    status: Status,
    /// The same.
    verdict: Status,
    generated_at: Stamp,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    freshness: Option<Freshness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rehearsal: Option<Rehearsal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notifications: Option<Notifications>,
    /// The limits that are looser than their defaults.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<Criterion>,
}

/// Runs the command.
///
/// # Errors
/// A file that was named cannot be read, or the result cannot be written.
pub(crate) fn run(common: &Common, args: &StageAlerts, exports: &Exports) -> Result<ExitCode, Error> {
    let freshness = match (&args.observation, &args.expected) {
        (None, Some(_)) => None,
        (None, None) if args.notify.notify.is_some() => None,
        (path, _) => Some(judge_observation(args, path.as_deref().unwrap_or(Path::new(DEFAULT_PATH)))?),
    };
    let rehearsal = match (&args.expected, &args.fired) {
        (Some(expected), Some(fired)) => Some(judge_rehearsal(args, expected, fired)?),
        _ => None,
    };
    let history = args.history.as_deref().map(read_history).transpose()?;
    let notifications = notify::rehearse(common, &args.notify)?;
    let verdicts = [
        freshness.as_ref().map(|f| f.recommendation.verdict),
        rehearsal.as_ref().map(|r| r.status),
        notifications.as_ref().map(|n| n.status),
    ];
    let status = Status::roll_up(verdicts.into_iter().flatten());
    let criteria = relaxed(args, freshness.is_some(), rehearsal.is_some());
    let found = Found {
        freshness: freshness.as_ref(),
        rehearsal: rehearsal.as_ref(),
        notifications: notifications.as_ref(),
        relaxed: &criteria,
    };
    let doc = report::stage_alerts::doc(status, found, history.as_ref());
    let generated_at = clock::generated_at();
    let json = Judgement {
        schema: SCHEMA,
        status,
        verdict: status,
        generated_at,
        freshness,
        history,
        rehearsal,
        notifications,
        criteria,
    };
    let rehearsal = json.rehearsal.as_ref();
    let found = Found {
        freshness: json.freshness.as_ref(),
        rehearsal,
        notifications: json.notifications.as_ref(),
        relaxed: &json.criteria,
    };
    let view = report::stage_alerts::view(status, json.generated_at, found);
    let outcome = Outcome { name: "stage_alerts", view: &view, json: &json, doc: &doc };
    let code = common.emit(&outcome)?;
    let page = |_: &Path| report::page::stage_alerts(&doc, rehearsal, json.generated_at);
    exports.finish(common.fail_on, &outcome, page)?;
    Ok(code)
}

/// The limits that somebody made looser than their defaults, of what was asked.
fn relaxed(args: &StageAlerts, freshness: bool, rehearsal: bool) -> Vec<Criterion> {
    let length = |name: &'static str, given: Duration, default: Duration| {
        (name, given > default, human_duration(given), human_duration(default))
    };
    let observed = [length("window", args.window, WINDOW), length("max_skew", args.max_skew, MAX_SKEW)];
    let rehearsed = [
        ("max_noise", args.max_noise > MAX_NOISE, percent(args.max_noise), percent(MAX_NOISE)),
        ("max_misses", args.max_misses > 0, args.max_misses.to_string(), "0".to_owned()),
        length("match_window", args.match_window, MATCH_WINDOW),
    ];
    let observed = observed.into_iter().filter(|_| freshness);
    let rows = observed.chain(rehearsed.into_iter().filter(|_| rehearsal)).filter(|(_, looser, ..)| *looser);
    rows.map(|(name, _, value, default)| Criterion {
        limit: name.to_owned(),
        value,
        source: format!("--{}", name.replace('_', "-")),
        policy_sha256: None,
        relaxed: true,
        relaxed_from: Some(format!("{default} (default)")),
    })
    .collect()
}

fn judge_observation(args: &StageAlerts, path: &Path) -> Result<Freshness, Error> {
    let found = match files::read_found(path) {
        Ok(bytes) => Some(Observation::read(&bytes)),
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let rules = Rules { window: args.window, max_skew: args.max_skew };
    let now = args.as_of.unwrap_or_else(clock::now);
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(freshness::assess(found.as_ref(), rules, now, &path.display().to_string()))
}

fn judge_rehearsal(args: &StageAlerts, expected: &Path, fired: &Path) -> Result<Rehearsal, Error> {
    let limits = Limits {
        max_noise: args.max_noise,
        max_misses: args.max_misses,
        baseline_latency_seconds: args.baseline_latency.map(|baseline| baseline.as_secs_f64()),
        means: Means {
            max_mttd_seconds: args.max_mttd.map(|most| most.as_secs_f64()),
            max_mtta_seconds: args.max_mtta.map(|most| most.as_secs_f64()),
            max_mttr_seconds: args.max_mttr.map(|most| most.as_secs_f64()),
        },
        match_window: args.match_window,
        max_skew: args.max_skew,
    };
    let expected = read::expected(&files::read(expected)?, &expected.display().to_string());
    let fired = read::fired(&files::read(fired)?, &fired.display().to_string());
    Ok(rehearsal::judge(&expected, &fired, limits))
}

/// Every JSON file directly in `folder`, by name.
fn read_history(folder: &Path) -> Result<History, Error> {
    let fail = |source| files::FileError::new("read", folder, source);
    let mut documents = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|extension| extension == "json") && !path.is_dir() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            documents.push((name, files::read_found(&path)?));
        }
    }
    documents.sort();
    Ok(history::trend(documents.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()))))
}

fn instant(text: &str) -> Result<Stamp, String> {
    Stamp::parse(text).ok_or_else(|| "write a time such as 2025-01-06T09:00:00Z".to_owned())
}
