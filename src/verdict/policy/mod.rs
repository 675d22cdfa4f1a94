//! The policy of an audit: thresholds and criteria, laid over each other from several sources.
//!
//! The command line wins over the policy file, that over the settings of the run, those over the defaults.

mod file;
mod keys;
mod place;
mod rows;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::baseline;
use super::criteria::Criteria;
use crate::evidence::figures::Figure;
use crate::evidence::{diary, performance, readiness};
use crate::finding::{Criterion, NotRequired, Status, Waiver};
use crate::log::access::Statuses;
use crate::log::layout::Layout;
use crate::log::layout::description::Description;
use crate::time::{Stamp, duration_text};

pub(crate) use file::{TABLES, parse_tables};
pub use file::{parse, parse_waivers};
pub(crate) use keys::{KEYS, OPEN_TABLES, WAIVER};
pub(crate) use place::{Text, expected, nearest};
pub use rows::is_loosened;

/// Silence that is a WARN where nothing else is said: the longest, for long runs and for logs of any length.
pub const WARN_GAP: Duration = Duration::from_secs(3600);
/// Silence that is a FAIL, in the same way.
pub const FAIL_GAP: Duration = Duration::from_secs(6 * 3600);
/// Findings of a kind that are listed, where nothing else is said.
pub const MAX_LISTED: usize = 1000;
/// More than so many findings of a kind cannot be asked for: they are all held in memory.
pub const MOST_LISTED: usize = 10_000_000;
/// The duration that a full sign-off asks for.
pub const MIN_DURATION: Duration = Duration::from_secs(72 * 3600);
/// The least share of explained entries, where fields are named and no share.
pub const MIN_EXPLAINED: f64 = 0.9;
/// The uptime that a full sign-off asks for.
pub const MIN_UPTIME: f64 = 0.98;

/// What one source says; none if it says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Where it is said, for messages: `policy.toml`, `the command line`.
    pub source: String,
    /// Where each limit is said, by its name in the policy file: an option, or a line of the file.
    pub places: BTreeMap<String, String>,
    /// The SHA-256 of the policy file, in hex.
    pub sha256: Option<String>,
    /// The limits as a run recorded them: with the sources that they had then.
    pub recorded: Vec<Criterion>,
    /// Whether these are defaults, which nobody asked for.
    pub is_default: bool,
    /// Whether they are the defaults of this program, and not those of a certain run.
    pub is_builtin: bool,
    /// Longer silence in the logs is a WARN.
    pub warn_gap: Option<Duration>,
    /// Longer silence in the logs is a FAIL.
    pub fail_gap: Option<Duration>,
    /// How many findings of a kind are listed.
    pub max_listed: Option<usize>,
    /// Where lines of the logs state time and level, instead of what they themselves show.
    pub layout: Option<Description>,
    /// Texts of log messages that are not held against the logs.
    pub ignore: Option<Vec<String>>,
    /// The statuses of HTTP responses that are errors, or classes of them.
    pub error_statuses: Option<Vec<String>>,
    /// The same for warnings.
    pub warn_statuses: Option<Vec<String>>,
    /// Diary entries for each UTC day.
    pub diary_min_entries_per_day: Option<u64>,
    /// What a day below that minimum is.
    pub diary_daily_gap_severity: Option<Status>,
    /// Further status words of the diary that are no reason to look.
    pub diary_accept_status: Option<Vec<String>>,
    /// The fields by which an entry of the diary is explained.
    pub diary_explained_by: Option<Vec<String>>,
    /// The least share of entries that are, 0 to 1.
    pub diary_min_explained: Option<f64>,
    /// What a smaller share is.
    pub diary_explained_severity: Option<Status>,
    /// A lower return on investment is a WARN.
    pub performance_min_roi: Option<f64>,
    /// What a line on standard error is that states no level itself: only an option of a run says so, and only where it is
    /// not a FAIL.
    pub stderr_severity: Option<Status>,
    /// Figures of the performance report with their limits, by name.
    pub figures: BTreeMap<String, Figure>,
    /// Whether this source asks for a full sign-off, with its defaults for what is not said.
    pub sign_off: bool,
    /// The shortest acceptable evidence; zero for no minimum.
    pub min_duration: Option<Duration>,
    /// The lowest acceptable uptime, 0 to 1.
    pub min_uptime: Option<f64>,
    /// The lowest acceptable Sharpe ratio.
    pub min_sharpe: Option<f64>,
    /// Whether a WARN is acceptable.
    pub allow_warnings: Option<bool>,
    /// Whether sign-off can do without a diary.
    pub optional_diary: Option<bool>,
    /// Whether sign-off can do without a performance report.
    pub optional_performance: Option<bool>,
    /// What somebody accepts by name.
    pub waivers: Option<Vec<Waiver>>,
    /// How many days ahead a waiver may reach.
    pub waivers_max_days: Option<u64>,
    /// Whose signatures are asked for.
    pub signatures: Option<SignaturePolicy>,
    /// What is asked of the components of a release.
    pub components: Option<readiness::Rules>,
    /// By what a run is held against earlier ones.
    pub baseline: Option<baseline::Rules>,
}

/// Whose signatures and decisions a policy file asks for: `[signatures]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignaturePolicy {
    /// Files of public keys.
    pub verify_keys: Vec<PathBuf>,
    /// How many of these keys must have signed.
    pub min_signatures: Option<usize>,
    /// Reviewers with the files of their public keys.
    pub reviewers: BTreeMap<String, PathBuf>,
    /// How many of them must approve.
    pub min_approvals: Option<usize>,
}

impl Layer {
    /// Whether this source says anything about sign-off.
    fn asks_sign_off(&self) -> bool {
        self.sign_off
            || self.min_duration.is_some()
            || self.min_uptime.is_some()
            || self.min_sharpe.is_some()
            || self.allow_warnings.is_some()
            || self.optional_diary.is_some()
            || self.optional_performance.is_some()
    }
}

/// The name of the document that holds the policy of a verdict, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/policy/v1";

/// The policy that applies, with nothing left open; part of the audit document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Thresholds of the logs.
    pub logs: LogPolicy,
    /// Thresholds of the diary.
    pub diary: DiaryPolicy,
    /// Thresholds of the performance report.
    pub performance: PerformancePolicy,
    /// The criteria of the sign-off; none if none is asked for.
    pub sign_off: Option<Criteria>,
    /// Every limit with its source; shown as the `criteria` of the documents.
    #[serde(skip)]
    pub rows: Vec<Criterion>,
    /// What somebody accepts by name; a document of its own.
    #[serde(skip)]
    pub waivers: Vec<Waiver>,
    /// What is asked of the components of a release; none if nobody asks.
    #[serde(skip)]
    pub components: Option<readiness::Rules>,
    /// By what a run is held against earlier ones.
    #[serde(skip)]
    pub baseline: baseline::Rules,
}

/// Thresholds of the logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogPolicy {
    /// Longer silence is a WARN.
    pub warn_gap_seconds: f64,
    /// Longer silence is a FAIL.
    pub fail_gap_seconds: f64,
    /// How many findings of a kind are listed.
    pub max_listed: usize,
    /// Where lines of the logs state time and level, where that is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Description>,
    /// Texts of messages that are not held against the logs: see [`crate::log::ignore`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Which responses of web servers are errors or warnings.
    #[serde(default, skip_serializing_if = "Statuses::is_empty")]
    pub statuses: Statuses,
}

/// Thresholds of the diary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiaryPolicy {
    /// Entries for each UTC day; 0 where no minimum is asked for.
    pub min_entries_per_day: u64,
    /// What a day below that minimum is.
    pub daily_gap_severity: Status,
    /// Status words that are no reason to look, beside those known.
    pub accept_status: Vec<String>,
    /// By which fields entries are explained, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<diary::Explained>,
}

/// Thresholds of the performance report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerformancePolicy {
    /// A lower return on investment is a WARN.
    pub min_roi: f64,
    /// Further figures with their limits, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, Figure>,
}

impl Policy {
    /// Whether a performance report must be there, by itself or for a figure in it.
    pub fn needs_performance(&self) -> bool {
        self.sign_off.as_ref().is_some_and(Criteria::needs_performance) || !self.performance.figures.is_empty()
    }

    /// Who set a limit, by its name in the policy file.
    pub fn source_of(&self, limit: &str) -> &str {
        self.rows.iter().find(|row| row.limit == limit).map_or(NotRequired::DEFAULT, |row| row.source.as_str())
    }

    /// Whether a limit is looser than it would be by default, by its name in the policy file.
    pub fn is_relaxed(&self, limit: &str) -> bool {
        self.rows.iter().any(|row| row.limit == limit && row.relaxed)
    }

    /// The policy as a document of a packet.
    pub fn document(&self) -> Value {
        let mut document = json!({ "schema": SCHEMA });
        if let (Some(keys), Value::Object(sections)) = (document.as_object_mut(), json!(self)) {
            keys.extend(sections);
        }
        document
    }

    /// Silence that is a WARN.
    pub fn warn_gap(&self) -> Duration {
        Duration::try_from_secs_f64(self.logs.warn_gap_seconds).unwrap_or(WARN_GAP)
    }

    /// Silence that is a FAIL.
    pub fn fail_gap(&self) -> Duration {
        Duration::try_from_secs_f64(self.logs.fail_gap_seconds).unwrap_or(FAIL_GAP)
    }

    /// The layout of the logs, where it is pinned.
    pub fn layout(&self) -> Option<Arc<Layout>> {
        // What a policy file says was checked when it was read.
        self.logs.layout.as_ref().and_then(|layout| Layout::from_description(layout).ok()).map(Arc::new)
    }

    /// The rules of the diary; `key` is that of its signatures.
    pub fn diary_rules(&self, key: Option<Vec<u8>>) -> diary::Rules {
        diary::Rules {
            min_entries_per_day: self.diary.min_entries_per_day,
            daily_gap_severity: self.diary.daily_gap_severity,
            accepted_statuses: self.diary.accept_status.clone(),
            key,
            explained: self.diary.explained.clone(),
            max_listed: self.logs.max_listed,
        }
    }

    /// The rules of the performance report.
    pub fn performance_rules(&self) -> performance::Rules {
        performance::Rules { min_roi: self.performance.min_roi, figures: self.performance.figures.clone() }
    }
}

/// Lays `layers` over each other, the first over all others, and the last over the defaults.
///
/// # Errors
/// Two sources contradict each other; the message names both and says what to do.
pub fn resolve(layers: &[Layer]) -> Result<Policy, String> {
    unexplained(layers)?;
    let mut layers = layers.to_vec();
    layers.push(defaults(&layers));
    let default = (first_default(&layers, |l| l.warn_gap), first_default(&layers, |l| l.fail_gap));
    let (warn_gap, fail_gap) = gaps(&layers, default)?;
    let said = layers.iter().take_while(|layer| !layer.is_default).count();
    layers.insert(said, moved(&layers, (warn_gap, fail_gap), default));
    let asked = layers.iter().any(Layer::asks_sign_off);
    Ok(Policy {
        logs: LogPolicy {
            warn_gap_seconds: warn_gap.as_secs_f64(),
            fail_gap_seconds: fail_gap.as_secs_f64(),
            max_listed: first(&layers, |l| l.max_listed).unwrap_or(MAX_LISTED),
            layout: layers.iter().find_map(|layer| layer.layout.clone()),
            ignore: first(&layers, |l| l.ignore.clone()).unwrap_or_default(),
            statuses: Statuses {
                error: said_statuses(&layers),
                warn: first(&layers, |l| l.warn_statuses.clone()).unwrap_or_default(),
            },
        },
        diary: DiaryPolicy {
            min_entries_per_day: first(&layers, |l| l.diary_min_entries_per_day).unwrap_or_default(),
            daily_gap_severity: first(&layers, |l| l.diary_daily_gap_severity).unwrap_or(Status::Warn),
            accept_status: first(&layers, |l| l.diary_accept_status.clone()).unwrap_or_default(),
            explained: first(&layers, |l| l.diary_explained_by.clone()).map(|by| diary::Explained {
                by,
                min_share: first(&layers, |l| l.diary_min_explained).unwrap_or(MIN_EXPLAINED),
                severity: first(&layers, |l| l.diary_explained_severity).unwrap_or(Status::Warn),
            }),
        },
        performance: PerformancePolicy {
            min_roi: first(&layers, |l| l.performance_min_roi).unwrap_or_default(),
            figures: layers.iter().rev().flat_map(|layer| layer.figures.clone()).collect(),
        },
        sign_off: asked.then(|| criteria(&layers)),
        rows: rows::rows(&layers),
        waivers: first(&layers, |l| l.waivers.clone()).unwrap_or_default(),
        components: first(&layers, |l| l.components.clone()),
        baseline: first(&layers, |l| l.baseline.clone()).unwrap_or_default(),
    })
}

/// The statuses that are errors, where somebody says which: an empty list says that none is.
fn said_statuses(layers: &[Layer]) -> Option<Vec<String>> {
    layers.iter().filter(|layer| !layer.is_default).find_map(|layer| layer.error_statuses.clone())
}

/// How many entries must be explained means nothing without the fields that explain them.
fn unexplained(layers: &[Layer]) -> Result<(), String> {
    if layers.iter().any(|layer| layer.diary_explained_by.is_some()) {
        return Ok(());
    }
    let said = |layer: &Layer| {
        let share = layer.diary_min_explained.map(|_| "min_explained");
        let key = share.or(layer.diary_explained_severity.map(|_| "explained_severity"))?;
        Some(format!("{key} ({}) needs explained_by in [diary]: the fields that explain an entry", layer.place_of(key)))
    };
    layers.iter().find_map(said).map_or(Ok(()), Err)
}

/// How many days ahead a waiver may reach, where no policy says.
const WAIVERS_MAX_DAYS: u64 = 90;

/// Checks that no waiver of `layers`, which somebody gives now, reaches too far ahead of `today`.
///
/// # Errors
/// Names the waiver and the limit.
pub fn check_waivers(layers: &[Layer], today: Stamp) -> Result<(), String> {
    let most = first(layers, |l| l.waivers_max_days).unwrap_or(WAIVERS_MAX_DAYS);
    let last = today.day().checked_add_days(Days::new(most)).unwrap_or(NaiveDate::MAX);
    let too_far = layers.iter().flat_map(|l| l.waivers.iter().flatten()).find(|waiver| waiver.expires > last);
    too_far.map_or(Ok(()), |waiver| {
        Err(format!(
            "the waiver for {} expires on {}, more than {most} days ahead; let it expire by {last}, or raise max_days in \
             [waivers] of the policy",
            waiver.target(),
            waiver.expires
        ))
    })
}

fn first<T>(layers: &[Layer], what: impl Fn(&Layer) -> Option<T>) -> Option<T> {
    layers.iter().find_map(what)
}

/// The silences that are a WARN and a FAIL where nobody says anything: a quarter and a half of the required duration,
/// within bounds; without one, the upper bounds.
pub fn default_gaps(required: Option<Duration>) -> (Duration, Duration) {
    let Some(required) = required else { return (WARN_GAP, FAIL_GAP) };
    let seconds = Duration::from_secs;
    ((required / 4).clamp(seconds(10), WARN_GAP), (required / 2).clamp(seconds(30), FAIL_GAP))
}

/// A length of time that the defaults say.
fn first_default(layers: &[Layer], what: impl Fn(&Layer) -> Option<Duration>) -> Duration {
    layers.iter().filter(|layer| layer.is_default).find_map(what).unwrap_or_default()
}

/// What applies where no source says anything: in a full sign-off every gate, in one that only names gates those.
fn defaults(layers: &[Layer]) -> Layer {
    let full = layers.iter().any(|layer| layer.sign_off);
    let asked = layers.iter().any(Layer::asks_sign_off);
    let lengths = layers.iter().filter_map(|layer| layer.min_duration);
    let (warn_gap, fail_gap) = default_gaps(lengths.into_iter().find(|length| !length.is_zero()));
    Layer {
        source: "the defaults".to_owned(),
        is_default: true,
        is_builtin: true,
        warn_gap: Some(warn_gap),
        fail_gap: Some(fail_gap),
        ignore: Some(Vec::new()),
        error_statuses: Some(Vec::new()),
        warn_statuses: Some(Vec::new()),
        diary_min_entries_per_day: Some(0),
        diary_daily_gap_severity: Some(diary::Rules::default().daily_gap_severity),
        diary_accept_status: Some(Vec::new()),
        diary_min_explained: layers.iter().any(|layer| layer.diary_explained_by.is_some()).then_some(MIN_EXPLAINED),
        performance_min_roi: Some(performance::Rules::default().min_roi),
        stderr_severity: Some(Status::Fail),
        min_duration: full.then_some(MIN_DURATION),
        min_uptime: full.then_some(MIN_UPTIME),
        allow_warnings: asked.then_some(false),
        optional_diary: asked.then_some(false),
        optional_performance: asked.then_some(false),
        ..Layer::default()
    }
}

/// The criteria of a sign-off; `layers` ends with the defaults.
fn criteria(layers: &[Layer]) -> Criteria {
    let duration = first(layers, |l| l.min_duration);
    Criteria {
        minimum_duration_seconds: duration.filter(|length| !length.is_zero()).map(|length| length.as_secs_f64()),
        minimum_uptime_ratio: first(layers, |l| l.min_uptime),
        require_diary: !first(layers, |l| l.optional_diary).unwrap_or_default(),
        require_performance: !first(layers, |l| l.optional_performance).unwrap_or_default(),
        allow_warnings: first(layers, |l| l.allow_warnings).unwrap_or_default(),
        minimum_sharpe_ratio: first(layers, |l| l.min_sharpe),
    }
}

/// The silences that are a WARN and a FAIL; `default` is what holds where nobody says anything.
fn gaps(layers: &[Layer], default: (Duration, Duration)) -> Result<(Duration, Duration), String> {
    let said = || layers.iter().filter(|layer| !layer.is_default);
    let warn = said().find_map(|layer| Some((layer.warn_gap?, &layer.source)));
    let fail = said().find_map(|layer| Some((layer.fail_gap?, &layer.source)));
    match (warn, fail) {
        (Some((warn, warn_source)), Some((fail, fail_source))) if fail < warn => {
            let (warn, fail) = (duration_text(warn), duration_text(fail));
            let sources = if warn_source == fail_source {
                format!("the fail gap {fail} is shorter than the warn gap {warn} ({warn_source})")
            } else {
                format!("the fail gap {fail} ({fail_source}) is shorter than the warn gap {warn} ({warn_source})")
            };
            Err(format!("{sources}; make the fail gap the longer one"))
        }
        (Some((warn, _)), Some((fail, _))) => Ok((warn, fail)),
        // One that is given alone moves the default of the other out of its way.
        (Some((warn, _)), None) => Ok((warn, default.1.max(warn))),
        (None, Some((fail, _))) => Ok((default.0.min(fail), fail)),
        (None, None) => Ok(default),
    }
}

/// A gap that was moved out of the way of the other one is as much that one's doing.
fn moved(layers: &[Layer], (warn_gap, fail_gap): (Duration, Duration), default: (Duration, Duration)) -> Layer {
    let place = |limit: &str, says: fn(&Layer) -> bool| {
        layers.iter().find(|layer| !layer.is_default && says(layer)).map(|layer| layer.place_of(limit))
    };
    let (by_warn, by_fail) = (place("warn_gap", |l| l.warn_gap.is_some()), place("fail_gap", |l| l.fail_gap.is_some()));
    let places = [("warn_gap", by_fail), ("fail_gap", by_warn)];
    Layer {
        warn_gap: Some(warn_gap).filter(|gap| *gap != default.0),
        fail_gap: Some(fail_gap).filter(|gap| *gap != default.1),
        places: places.into_iter().filter_map(|(limit, by)| Some((limit.to_owned(), by?))).collect(),
        ..Layer::default()
    }
}

#[cfg(test)]
mod tests;
