//! From the tally of all records to the summary of the logs.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::faults;
use super::gaps::{Gap, Mark, Name};
use super::tally::Tally;
use crate::finding::{Finding, Status};
use crate::level::Level;
use crate::log::excuse::Window;
use crate::log::summary::{DownTime, Excused, FileReport, LogSummary, LogTotals};
use crate::time::{Stamp, human_duration};

/// How a tally is judged.
#[derive(Clone, Debug)]
pub struct Terms {
    /// A longer silence is a WARN.
    pub warn_gap: Duration,
    /// A silence of this length is a FAIL.
    pub fail_gap: Duration,
    /// How many gaps are listed.
    pub listed: usize,
    /// The supervised time of a run, if the logs are of one.
    pub window: Option<(Stamp, Stamp)>,
    /// When nothing ran, in order of time.
    pub pauses: Vec<DownTime>,
    /// How long after the supervised time records may come: the command takes its time to end.
    pub drain: Duration,
    /// When lines of a supervised run could be received.
    pub receipt: Option<Receipt>,
    /// Texts that the policy ignores; those that match nothing are counted too.
    pub ignore: Vec<String>,
    /// When drills may have caused gaps.
    pub drills: Vec<Window>,
}

/// The time of a run by the monotonic clock, in which our capture received lines.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// How long the run lasted.
    pub duration: Duration,
    /// When nothing could be received, from and to since the start, in order of time.
    pub held_up: Vec<(Duration, Duration)>,
    /// The same by the wall clock, and when the machine was suspended: from and to, in order of time.
    pub paused: Vec<(Stamp, Stamp)>,
}

/// Longer silences are told apart: those that are not free, and in a supervised run those of half of it or more.
pub fn silence(warn_gap: Duration, window: Option<(Stamp, Stamp)>) -> Duration {
    window.map_or(warn_gap, |(from, to)| warn_gap.min(to.since(from) / 2))
}

const SEVERITIES: [Level; 10] = [
    Level::Unknown,
    Level::Trace,
    Level::Debug,
    Level::Info,
    Level::Notice,
    Level::Warning,
    Level::Error,
    Level::Critical,
    Level::Alert,
    Level::Emergency,
];

impl LogTotals {
    /// What the counts of errors, crashes and warnings amount to.
    fn severity(&self) -> Status {
        match self {
            Self { errors: 0, content_incidents: 0, warnings: 0, .. } => Status::Pass,
            Self { errors: 0, content_incidents: 0, .. } => Status::Warn,
            _ => Status::Fail,
        }
    }
}

/// The summary of the logs. `paths` are the files by number; `findings` are the faults of the files so far.
pub fn summary(
    mut tally: Tally,
    mut files: Vec<FileReport>,
    mut findings: Vec<Finding>,
    paths: &[String],
    terms: &Terms,
) -> LogSummary {
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let (mut gaps, mut unheard) = (stated(&mut tally, terms), unheard(&mut tally, terms));
    let length = |gap: &Gap| gap.to.since(gap.from);
    let longest_silence = longest_silence(&tally, &gaps, &files, terms).max(unheard.iter().map(length).max());
    gaps.retain(|gap| length(gap) > terms.warn_gap);
    unheard.retain(|gap| length(gap) > terms.warn_gap);
    let duration = terms.window.or(tally.first.zip(tally.last)).map(|(from, to)| to.since(from));
    // The worse of the two clocks counts.
    let (stated, heard) = (lost(&gaps, terms), lost(&unheard, terms));
    let (lost, down_times) =
        if heard > stated { (heard, down_times(&unheard, terms)) } else { (stated, down_times(&gaps, terms)) };
    let uptime = duration
        .filter(|duration| !duration.is_zero() && tally.records > 0)
        .map(|duration| (1.0 - lost / duration.as_secs_f64()).clamp(0.0, 1.0));
    // What a drill caused costs uptime all the same.
    let excused = take_excused(&mut tally, [(&mut gaps, false), (&mut unheard, true)], terms);
    findings.extend(no_records(&tally, paths).into_iter().chain(faults::twins(&files)).chain(outside(&tally, terms)));
    findings.sort_by_cached_key(|f| (Reverse(f.severity), f.place.clone(), f.summary.clone()));
    let severe = |gap: &Gap| if gap.to.since(gap.from) >= terms.fail_gap { Status::Fail } else { Status::Warn };
    // A silence by both clocks is one. Both lists are in order and their silences are apart.
    let told = |late: &Gap| {
        let first = gaps.partition_point(|gap| gap.to <= late.from);
        gaps[first..].iter().take_while(|gap| gap.from < late.to).any(|gap| severe(gap) >= severe(late))
    };
    let late: Vec<&Gap> = unheard.iter().filter(|late| !told(late)).collect();
    let listed = first_of(&gaps, &late, terms.listed);
    let gap_incidents: Vec<Finding> =
        listed.iter().map(|(gap, unheard)| gap_finding(gap, severe(gap), *unheard, &tally, paths)).collect();
    let totals = LogTotals {
        gap_incidents: (gaps.len() + late.len()) as u64,
        content_incidents: tally.crashes.total(),
        warnings: tally.warnings.total(),
        errors: tally.errors.total(),
    };
    let silences = gaps.iter().chain(late).map(severe);
    let status =
        Status::roll_up(silences.chain(findings.iter().map(|finding| finding.severity)).chain([totals.severity()]));
    let idle = terms.ignore.iter().map(|text| (text.clone(), 0));
    let ignored_by_policy: BTreeMap<String, u64> = idle.chain(tally.ignored_by_policy).collect();
    let (level_counts, levels_not_listed) = tally.levels.finish();
    let (event_counts, events_not_listed) = tally.events.finish();
    let (groups, incidents_not_grouped) = tally.groups.finish(paths);
    LogSummary {
        status,
        lines: tally.lines,
        records: tally.records,
        ignored_lines: tally.ignored,
        continued_lines: tally.continued,
        folded_lines: tally.folded,
        restated_lines: tally.restated,
        received_records: tally.received,
        level_counts,
        severity_counts: severity_counts(tally.severities),
        unknown_levels: tally.unknown_levels.finish().0,
        levels_not_listed,
        event_counts,
        events_not_listed,
        service_counts: tally.services.finish().0,
        sources: tally.sources.finish().0,
        gap_incidents,
        content_incidents: tally.crashes.finish(paths),
        warnings: tally.warnings.finish(paths),
        errors: tally.errors.finish(paths),
        ignored_by_policy,
        excused_by_drills: excused,
        totals,
        groups,
        incidents_not_grouped,
        histogram: tally.histogram.finish(),
        started_at: tally.first,
        ended_at: tally.last,
        duration_seconds: duration.filter(|_| tally.records > 0 || terms.window.is_some()).map(|d| d.as_secs_f64()),
        uptime_ratio: uptime,
        uptime_not_measured: None,
        longest_silence_seconds: longest_silence.map(|silence| silence.as_secs_f64()),
        free_silence_seconds: uptime.map(|_| terms.warn_gap.as_secs_f64()),
        down_times,
        files,
        findings,
    }
}

/// The first `count` of the gaps by stated times and by receipt, in order of time; whether each is one by receipt.
fn first_of<'a>(stated: &'a [Gap], heard: &[&'a Gap], count: usize) -> Vec<(&'a Gap, bool)> {
    let stated = stated.iter().take(count).map(|gap| (gap, false));
    let mut first: Vec<(&Gap, bool)> = stated.chain(heard.iter().map(|gap| (*gap, true))).collect();
    first.sort_by_key(|(gap, heard)| (gap.to, *heard));
    first.truncate(count);
    first
}

/// A silence of something that runs, from the moment at which it became a gap.
struct Silence {
    from: Stamp,
    to: Stamp,
    /// Its whole length.
    length: Duration,
}

fn severity_counts(counts: [u64; SEVERITIES.len()]) -> BTreeMap<String, u64> {
    let counted = SEVERITIES.iter().zip(counts).filter(|(_, count)| *count > 0);
    counted.map(|(level, count)| (level.word().to_owned(), count)).collect()
}

/// The seconds that pauses and gaps cost.
fn lost(gaps: &[Gap], terms: &Terms) -> f64 {
    let paused = terms.pauses.iter().map(|pause| pause.seconds).sum::<f64>();
    paused + silences(gaps, terms).map(|down| down.to.seconds_since(down.from)).sum::<f64>()
}

/// The drill that may have caused a gap, which is one by the receipt of lines where `heard`.
fn excusing<'t>(gap: &Gap, heard: bool, terms: &'t Terms) -> Option<&'t Window> {
    let seconds = |at: Stamp| at.micros() as f64 / 1e6;
    let free = terms.warn_gap;
    terms.drills.iter().filter(|window| window.globs.iter().any(|glob| glob == "gap")).find(|window| match heard {
        true => window.seconds.0 <= seconds(gap.from.plus(free)) && seconds(gap.to) <= window.seconds.1,
        false => window.from <= gap.from.plus(free) && gap.to <= window.to,
    })
}

/// Takes out of the gaps, by stated times and by receipt, what drills excuse, and gives all that each excuses.
fn take_excused(tally: &mut Tally, gaps: [(&mut Vec<Gap>, bool); 2], terms: &Terms) -> BTreeMap<String, Excused> {
    let mut excused = std::mem::take(&mut tally.excused);
    for (gaps, heard) in gaps {
        let mut by_drill: BTreeMap<String, u64> = BTreeMap::new();
        gaps.retain(|gap| {
            let window = excusing(gap, heard, terms);
            window.inspect(|window| *by_drill.entry(window.drill.clone()).or_default() += 1).is_none()
        });
        for (drill, count) in by_drill {
            let of = excused.entry(drill).or_default();
            // A silence by both clocks is one.
            of.gap_incidents = of.gap_incidents.max(count);
        }
    }
    let one = |(drill, totals): (String, LogTotals)| {
        let window = terms.drills.iter().find(|window| window.drill == drill);
        let (from, to) = (window.map(|window| window.from), window.map(|window| window.to));
        (drill, Excused { totals, from, to })
    };
    excused.into_iter().map(one).collect()
}

/// The silences in gaps, less the times in which nothing ran; in order of time.
fn silences<'a>(gaps: &'a [Gap], terms: &'a Terms) -> impl Iterator<Item = Silence> + 'a {
    gaps.iter().flat_map(move |gap| {
        let pauses = terms.pauses.iter().filter(|pause| pause.to > gap.from && pause.from < gap.to);
        let mut from = gap.from;
        pauses.map(|pause| (pause.from, pause.to)).chain([(gap.to, gap.to)]).filter_map(move |(to, go_on)| {
            let length = to.since(from);
            let silence = Silence { from: from.plus(terms.warn_gap), to, length };
            from = from.max(go_on);
            (length > terms.warn_gap).then_some(silence)
        })
    })
}

/// The first of what the uptime lacks: silences, and the times in which nothing ran.
fn down_times(gaps: &[Gap], terms: &Terms) -> Vec<DownTime> {
    let silences = silences(gaps, terms).take(terms.listed).map(|silence| {
        DownTime::new(silence.from, silence.to, format!("no output for {}", human_duration(silence.length)))
    });
    let mut all: Vec<DownTime> = terms.pauses.iter().cloned().chain(silences).collect();
    all.sort_by_key(|down| (down.from, down.to));
    all.truncate(terms.listed);
    all
}

/// The longest time without a record, at the ends of the supervised time too; none without records.
fn longest_silence(tally: &Tally, gaps: &[Gap], files: &[FileReport], terms: &Terms) -> Option<Duration> {
    let (first, last) = tally.first.zip(tally.last)?;
    if let Some(longest) = gaps.iter().map(|gap| gap.to.since(gap.from)).max() {
        return Some(longest);
    }
    let mut longest = tally.longest_pause;
    if let Some((from, to)) = terms.window {
        longest = longest.max(first.since(from)).max(to.since(last));
    }
    // From the end of all files so far to the start of the next.
    let mut spans: Vec<(Stamp, Stamp)> = files.iter().filter_map(|file| file.started_at.zip(file.ended_at)).collect();
    spans.sort_unstable();
    let mut end = first;
    for (from, to) in spans {
        longest = longest.max(from.since(end));
        end = end.max(to);
    }
    Some(longest.min(silence(terms.warn_gap, terms.window)))
}

/// Silences by the times that records state; those of our own captures less the time in which nothing could be received.
fn stated(tally: &mut Tally, terms: &Terms) -> Vec<Gap> {
    let paused = terms.receipt.as_ref().filter(|_| tally.received > 0).map_or(&[][..], |receipt| &receipt.paused);
    less(tally.coverage.gaps(terms.window), paused)
}

/// Silences by the time of receipt, less the time in which nothing could be received.
fn unheard(tally: &mut Tally, terms: &Terms) -> Vec<Gap> {
    let (Some(receipt), Some((start, _)), true) = (&terms.receipt, terms.window, tally.received > 0) else {
        return Vec::new();
    };
    // The epoch stands for the start of the run.
    let zero = Stamp::from_micros(0).unwrap_or(start);
    let wall = |at: Stamp| start.plus(at.since(zero));
    let held_up: Vec<_> = receipt.held_up.iter().map(|(from, to)| (zero.plus(*from), zero.plus(*to))).collect();
    let gaps = tally.receipt.gaps(Some((zero, zero.plus(receipt.duration))));
    let heard = less(gaps, &held_up);
    heard.into_iter().map(|gap| Gap { from: wall(gap.from), to: wall(gap.to), ..gap }).collect()
}

/// Gaps without the `pauses` in them.
fn less(gaps: Vec<Gap>, pauses: &[(Stamp, Stamp)]) -> Vec<Gap> {
    if pauses.is_empty() {
        return gaps;
    }
    let rest = |gap: Gap| {
        let mut from = gap.from;
        let within = pauses.iter().copied().filter(move |(stop, go_on)| *go_on > gap.from && *stop < gap.to);
        within.chain([(gap.to, gap.to)]).filter_map(move |(stop, go_on)| {
            let piece = Gap { from, to: stop.max(from), ..gap };
            from = from.max(go_on);
            (piece.to > piece.from).then_some(piece)
        })
    };
    gaps.into_iter().flat_map(rest).collect()
}

fn gap_finding(gap: &Gap, severity: Status, unheard: bool, tally: &Tally, paths: &[String]) -> Finding {
    let coverage = if unheard { &tally.receipt } else { &tally.coverage };
    let (before, after) = (coverage.before(gap), coverage.after(gap));
    let event = |mark: &Option<Mark>| mark.as_ref().and_then(|mark| mark.name.event.clone()).map(String::from);
    let named = |mark: &Option<Mark>, edge: &str| match mark {
        None => edge.to_owned(),
        Some(Mark { name: Name { label: Some(label), .. }, .. }) => format!("`{label}`"),
        Some(_) => "a record without a name".to_owned(),
    };
    let length = gap.to.since(gap.from);
    let mut summary = format!(
        "{} of silence between {} and {}",
        human_duration(length),
        named(&before, "the start of the run"),
        named(&after, "the end of the run")
    );
    if unheard {
        summary.push_str(": nothing was received, although records state times in it");
    }
    let finding = Finding::new(severity, summary)
        .at(gap.to)
        .with("gap_seconds", length.as_secs_f64())
        .with("previous_event", event(&before))
        .with("next_event", event(&after));
    match after.as_ref().or(before.as_ref()) {
        Some(mark) => super::first_n::place(finding, &mark.key, paths),
        None => finding,
    }
}

/// No records at all are never a pass.
fn no_records(tally: &Tally, paths: &[String]) -> Option<Finding> {
    (tally.records == 0).then(|| match paths {
        [] => Finding::fail("there is no log to judge"),
        [path] => Finding::fail("there is no usable record in the log").in_file(path.as_str(), None),
        [path, ..] => {
            let summary = format!("there is no usable record in any of the {} logs", paths.len());
            Finding::fail(summary).in_file(path.as_str(), None)
        }
    })
}

/// Records far outside the supervised time show a wrong clock or time zone.
fn outside(tally: &Tally, terms: &Terms) -> Option<Finding> {
    const SLACK: Duration = Duration::from_secs(60);
    let ((from, to), (first, last)) = (terms.window?, tally.first.zip(tally.last)?);
    (first < from.minus(SLACK) || last > to.plus(SLACK).plus(terms.drain)).then(|| {
        Finding::warn(format!(
            "records from {} to {} are outside the supervised time {} to {}: check clocks and time zones",
            first.human(),
            last.human(),
            from.human(),
            to.human()
        ))
    })
}
