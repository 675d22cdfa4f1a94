//! What all log records add up to, in memory that grows with what is reported and not with what is read. Tallies of
//! parts merge in any order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::counts::Counts;
use super::first_n::{Bound, Key, Listing};
use super::gaps::Coverage;
use super::groups::Groups;
use super::histogram::Histogram;
use crate::crash::classify::{Kind, Named};
use crate::crash::headline_among;
use crate::finding::{FINDING_LIMIT, Finding, Metadata, Status};
use crate::level::Level;
use crate::log::level_at_start;
use crate::log::record::Record;
use crate::log::summary::LogTotals;
use crate::time::Stamp;
use crate::{prose, sanitize};

/// How many different event names and level words are told apart.
const EVENTS: usize = 1000;
const LEVELS: usize = 100;
/// Longer texts are cut in findings, in bytes.
const TEXT_LIMIT: usize = FINDING_LIMIT / 2;
/// How many names of fields the finding of a crash lists.
const KEYS: usize = 100;

/// How logs are tallied.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A longer silence is kept with its ends.
    pub silence: Duration,
    /// How many findings of a kind are kept.
    pub listed: usize,
    /// Whether the workloads that our own captures name are counted.
    pub sources: bool,
}

/// What records add up to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tally {
    /// Lines, blank ones included.
    pub lines: u64,
    /// Blank lines.
    pub blank: u64,
    /// Usable records; one that stands for several equal lines counts as often.
    pub records: u64,
    /// Lines of output for which records are beyond their own line.
    pub folded: u64,
    /// Records of lines of output that others before them are of.
    pub restated: u64,
    /// Lines that are no record.
    pub ignored: u64,
    /// Lines that continue a record.
    pub continued: u64,
    /// Records by level word.
    pub levels: Counts,
    /// Records of unknown level by level word.
    pub unknown_levels: Counts,
    /// Records by severity, indexed by [`Level`].
    pub severities: [u64; 10],
    /// Records that state no level and come from no dialect with a level for those.
    pub unstated: u64,
    /// Records by event name.
    pub events: Counts,
    /// Records by the service that wrote them.
    pub services: Counts,
    /// Records of our own captures by workload, where that is asked for.
    pub sources: Counts,
    /// The time they cover.
    pub coverage: Coverage,
    /// Records that say when they were received.
    pub received: u64,
    /// The time that they cover by that: since the epoch stands for since the start of the run.
    pub receipt: Coverage,
    /// The records over time.
    pub histogram: Histogram,
    /// Records at an error level.
    pub errors: Listing,
    /// Records at a warning level.
    pub warnings: Listing,
    /// Records that are not judged because the policy ignores their text, by that text.
    pub ignored_by_policy: BTreeMap<String, u64>,
    /// Records that are not judged because a drill excuses them, by its name.
    #[serde(default)]
    pub excused: BTreeMap<String, LogTotals>,
    /// Stack traces and the like.
    pub crashes: Listing,
    /// All three, grouped.
    pub groups: Groups,
    /// The earliest time.
    pub first: Option<Stamp>,
    /// The latest time.
    pub last: Option<Stamp>,
    /// The longest time from one record of a file to the next.
    pub longest_pause: Duration,
}

impl Tally {
    /// Nothing yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            lines: 0,
            blank: 0,
            records: 0,
            folded: 0,
            restated: 0,
            ignored: 0,
            continued: 0,
            levels: Counts::new(LEVELS),
            unknown_levels: Counts::new(LEVELS),
            severities: [0; 10],
            unstated: 0,
            events: Counts::new(EVENTS),
            services: Counts::new(EVENTS),
            sources: Counts::new(EVENTS),
            coverage: Coverage::new(limits.silence),
            received: 0,
            receipt: Coverage::new(limits.silence),
            histogram: Histogram::default(),
            errors: Listing::new(limits.listed),
            warnings: Listing::new(limits.listed),
            ignored_by_policy: BTreeMap::new(),
            excused: BTreeMap::new(),
            crashes: Listing::new(limits.listed),
            groups: Groups::default(),
            first: None,
            last: None,
            longest_pause: Duration::ZERO,
        }
    }

    /// Leaves out findings that cannot be among the first of their kind.
    pub(crate) fn keep_to(&mut self, bounds: &Bounds) {
        self.listings().into_iter().zip(&bounds.0).for_each(|(listing, bound)| listing.keep_to(bound));
    }

    /// Tells other parts of the same log which findings need not be made.
    pub(crate) fn tell(&mut self, bounds: &Bounds) {
        self.listings().into_iter().zip(&bounds.0).for_each(|(listing, bound)| listing.tell(bound));
    }

    fn listings(&mut self) -> [&mut Listing; 3] {
        [&mut self.errors, &mut self.warnings, &mut self.crashes]
    }

    /// Moves the places of everything down by a number of lines.
    pub fn shift(&mut self, lines: u64) {
        self.coverage.shift(lines);
        self.receipt.shift(lines);
        self.errors.shift(lines);
        self.warnings.shift(lines);
        self.crashes.shift(lines);
        self.groups.shift(lines);
    }

    /// Brings what is kept for speed into a form that depends on the records alone.
    pub fn settle(&mut self) {
        for counts in [&mut self.levels, &mut self.unknown_levels, &mut self.events, &mut self.services] {
            counts.prune();
        }
        self.coverage.settle_names();
        self.receipt.settle_names();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        self.lines += other.lines;
        self.blank += other.blank;
        self.records += other.records;
        self.folded += other.folded;
        self.restated += other.restated;
        self.ignored += other.ignored;
        self.continued += other.continued;
        self.levels.merge(other.levels);
        self.unknown_levels.merge(other.unknown_levels);
        self.severities.iter_mut().zip(other.severities).for_each(|(total, more)| *total += more);
        self.unstated += other.unstated;
        self.events.merge(other.events);
        self.services.merge(other.services);
        self.sources.merge(other.sources);
        self.coverage.merge(other.coverage);
        self.received += other.received;
        self.receipt.merge(other.receipt);
        self.histogram.merge(other.histogram);
        self.errors.merge(other.errors);
        self.warnings.merge(other.warnings);
        for (text, count) in other.ignored_by_policy {
            *self.ignored_by_policy.entry(text).or_default() += count;
        }
        for (drill, more) in other.excused {
            self.excused.entry(drill).or_default().add(more);
        }
        self.crashes.merge(other.crashes);
        self.groups.merge(other.groups);
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.longest_pause = self.longest_pause.max(other.longest_pause);
    }

    /// Adds `count` records of a level.
    pub fn add_level(&mut self, level: Option<Level>, word: &[u8], count: u64) {
        let level = level.unwrap_or(Level::Info);
        self.levels.add(word, count);
        self.severities[level as usize] += count;
        if level == Level::Unknown {
            self.unknown_levels.add(word, count);
        }
    }

    /// Lists a record for its level, where that is a warning or worse. It is `grouped` where it is not for its crash.
    pub fn add_incident(&mut self, record: &Record<'_>, severity: Status, key: Key, grouped: bool) {
        let (listing, kind) = match severity {
            Status::Pass => return,
            Status::Warn => (&mut self.warnings, "warning"),
            Status::Fail => (&mut self.errors, "error"),
        };
        let summary = || {
            let summary = summary_of(record);
            // What a record of an ordinary level is listed for must be seen.
            let raised = severity == Status::Warn && record.level().is_none_or(|level| level.status() == Status::Pass);
            let hidden = raised && record.states_failure() && !prose::states_failure(&summary);
            if hidden { format!("{summary} (one of its fields states a failure)") } else { summary }
        };
        let make = || {
            let mut finding = Finding::new(severity, summary()).at(record.at);
            finding.metadata = record.details(FINDING_LIMIT / 2);
            let event = record.event().map_or(Value::Null, |event| event.into());
            finding.metadata.entry("event".to_owned()).or_insert(event);
            if let Some(service) = record.service() {
                let service = String::from_utf8_lossy(service).into_owned();
                finding.metadata.entry("service".to_owned()).or_insert(service.into());
            }
            finding.bound(FINDING_LIMIT);
            finding
        };
        listing.add(key, make);
        if grouped {
            self.groups.add(severity, kind, &summary(), key, make);
        }
    }

    /// Lists a record that shows a crash. `traces` are those of the record.
    pub fn add_crash(&mut self, record: &Record<'_>, traces: &[Named<'_>], kind: Kind, key: Key) {
        let details = || crash_details(record, kind).with_keys(record);
        self.add_crash_text(&headline_among(&summary_of(record), traces), record.at, details, kind, key);
    }

    /// Lists a crash by its summary and details, which are asked for only where they are kept.
    pub fn add_crash_text(
        &mut self,
        summary: &str,
        at: Option<Stamp>,
        details: impl Fn() -> Details,
        kind: Kind,
        key: Key,
    ) {
        let make = || {
            let mut finding = Finding::fail(summary).at(at);
            finding.metadata = details().0;
            finding.bound(FINDING_LIMIT);
            finding
        };
        self.crashes.add(key, make);
        self.groups.add(Status::Fail, kind.word(), summary, key, make);
    }
}

/// The bounds of the listings of errors, warnings and crashes.
#[derive(Debug, Default)]
pub struct Bounds([Bound; 3]);

/// The details of a crash.
#[derive(Clone, Debug)]
pub struct Details(Metadata);

/// What the record says that a crash belongs to.
pub fn crash_details(record: &Record<'_>, kind: Kind) -> Details {
    Details(Metadata::from([
        ("event".to_owned(), record.event().map_or(Value::Null, |event| event.into())),
        ("level".to_owned(), record.level_word().into()),
        ("kind".to_owned(), kind.word().into()),
    ]))
}

impl Details {
    /// Details of a crash that belongs to no record.
    pub fn of_text(kind: Kind) -> Self {
        Self(Metadata::from([("event".to_owned(), Value::Null), ("kind".to_owned(), kind.word().into())]))
    }

    /// Adds the names of the record's other fields.
    #[must_use]
    pub fn with_keys(mut self, record: &Record<'_>) -> Self {
        let (keys, count) = record.payload_keys(KEYS);
        if count > KEYS as u64 {
            self.0.insert("payload_key_count".to_owned(), count.into());
        }
        self.0.insert("payload_keys".to_owned(), keys.into());
        self
    }

    /// Adds the text of the trace.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.0.insert("text".to_owned(), sanitize::bytes(text, TEXT_LIMIT).into());
        self
    }
}

/// What the record says: its message, else its event, else its level.
fn summary_of(record: &Record<'_>) -> String {
    let message = record.message().filter(|message| !message.is_empty());
    let text = message.unwrap_or_else(|| {
        let word = record.level_word();
        if word.is_empty() { Cow::Borrowed("a record without a message") } else { word }
    });
    sanitize::bytes(level_at_start::telling(&text), TEXT_LIMIT).into_owned()
}
