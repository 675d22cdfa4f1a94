//! What is wrong with a log file, as findings that name it.

use std::collections::BTreeMap;
use std::io;

use crate::finding::{self, Finding, Status};
use crate::level::Level;
use crate::log::dialect::Dialect;
use crate::log::scan::chunk::{ChunkReport, Oddities, Seen};
use crate::log::summary::{FileReport, LogSummary};
use crate::time::human_duration;

/// More ignored lines than this share of a file are worth a look, or not acceptable.
const IGNORED_WARN: f64 = 0.01;
const IGNORED_FAIL: f64 = 0.2;

/// Fewer lines that look alike than this are prose.
const FEW: u64 = 5;

/// Captured output of which most says nothing, with the line where that starts.
fn mute(odd: &Oddities, records: u64) -> Option<(String, u64)> {
    let (undecodable, blank) = (odd.undecodable, odd.blank);
    let what = match (undecodable.count, blank.count) {
        (_, 0) => "could not be decoded",
        (0, _) => "are blank",
        _ => "are blank or could not be decoded",
    };
    let count = undecodable.count + blank.count;
    let first = [undecodable, blank].into_iter().filter(|seen| seen.count > 0).map(|seen| seen.line).min()?;
    let subject = match records {
        1 => "the only record".to_owned(),
        _ => format!("{count} of {records} records"),
    };
    let what = if records == 1 { what.replace("are", "is") } else { what.to_owned() };
    (count * 2 > records).then(|| (format!("{subject} {what}: this is no evidence"), first))
}

/// Lines that state a level, or tell of an error, where none was read: what is said of them, and where the first is.
fn passed_over(part: &ChunkReport) -> Vec<(Status, String, u64)> {
    let (odd, mut found) = (&part.odd, Vec::new());
    // What can be read only once cannot be read again with what its late lines tell.
    if part.learn_again().is_some() {
        let severity = if odd.bare_errors.count > 0 || part.suspects.count > 0 { Status::Fail } else { Status::Warn };
        let summary = "lines that came late state levels in another place, and were not read: give the log as a file";
        found.push((severity, summary.to_owned(), odd.bare_errors.line));
    } else if odd.bare.count >= FEW && odd.bare_errors.count > 0 {
        let summary = format!(
            "{} lines state a warning or worse where the other lines of the file state no level; they count for none",
            odd.bare_errors.count
        );
        found.push((Status::Warn, summary, odd.bare_errors.line));
    }
    // Where no record states a level, that is said for all of them.
    if odd.telling.count > 0 && !is_silent(part) {
        let summary = format!(
            "{} without a level of its own: a word for an error in it counts for none",
            finding::count(odd.telling.count, "record")
        );
        found.push((Status::Warn, summary, odd.telling.line));
    }
    if odd.nested.count > 0 {
        let summary = format!(
            "{} of a lower level whose message is another record, which states an error: it counts for none",
            finding::count(odd.nested.count, "record")
        );
        found.push((Status::Warn, summary, odd.nested.line));
    }
    if odd.beside.count > 0 {
        let summary = format!(
            "{} of a lower level that {} of a crash in a field beside the message: it counts for none",
            finding::count(odd.beside.count, "record"),
            if odd.beside.count == 1 { "tells" } else { "tell" }
        );
        found.push((Status::Warn, summary, odd.beside.line));
    }
    if odd.server_errors.count > 0 {
        let summary = format!(
            "{} with a status of 5xx, and nothing says whether they are errors: set `error_statuses` in `[logs]` of the policy, to [\"5xx\"], or to [] if they are none",
            finding::count(odd.server_errors.count, "response")
        );
        found.push((Status::Warn, summary, odd.server_errors.line));
    }
    // That a crash is told elsewhere is believed only where one is.
    if odd.continued_crashes.count > 0 && part.tally.crashes.total() == 0 {
        let summary = "a record shows a crash and says that it goes on with one before it, which is not in this file";
        found.push((Status::Fail, summary.to_owned(), odd.continued_crashes.line));
    }
    found
}

/// The faults of a file that could be read. `blank` lines are ignored too, but nothing is lost with them.
pub fn of(report: &FileReport, part: &ChunkReport) -> Vec<Finding> {
    let (odd, blank) = (&part.odd, part.tally.blank);
    let mut found = Vec::new();
    let mut add = |severity, summary: String, line: Option<u64>| {
        found.push(Finding::new(severity, summary).in_file(report.path.as_str(), line));
    };
    if report.complete && report.lines == blank {
        add(
            Status::Warn,
            if blank == 0 { "the file is empty" } else { "the file holds blank lines alone" }.to_owned(),
            None,
        );
    }
    let lines = report.lines - blank + odd.batched;
    let ignored = report.ignored_lines - blank + odd.batched_timeless.count;
    let share = if lines == 0 { 0.0 } else { ignored as f64 / lines as f64 };
    if share > IGNORED_WARN {
        let severity = if share > IGNORED_FAIL { Status::Fail } else { Status::Warn };
        let timeless = match odd.timeless.count {
            0 => String::new(),
            count => format!(", {count} of them because they state no usable time"),
        };
        let what = if odd.batched == 0 { "lines" } else { "entries" };
        let summary = format!("{ignored} of {lines} {what} ({:.1}%) are no usable records{timeless}", share * 100.0);
        let batched = Some(odd.batched_timeless.line).filter(|line| *line > 0);
        add(severity, summary, report.first_ignored.first().map(|line| line.line).or(batched));
    }
    if let Some(first) = &part.suspects.first {
        let count = part.suspects.count;
        let what =
            if count == 1 { "line that is no whole record holds" } else { "lines that are no whole records hold" };
        add(
            Status::Warn,
            format!("{count} {what} a word for an error or a part of a record: `{}`", first.text),
            Some(first.line),
        );
    }
    for doubt in part.context().layout.doubts().into_iter().filter(|_| part.tally.records > 0) {
        add(Status::Warn, format!("{doubt}; pin the layout in the policy if that is right"), None);
    }
    for (severity, summary) in silent_levels(part) {
        add(severity, summary, None);
    }
    let records = part.tally.records;
    if let Some((summary, line)) = mute(odd, records) {
        add(Status::Fail, summary, Some(line));
    }
    for (severity, summary, line) in passed_over(part) {
        add(severity, summary, Some(line).filter(|line| *line > 0));
    }
    if odd.zeros.count > 0 {
        let summary = format!(
            "a hole of {} zero bytes, as a crash or a log cut while it is written leaves it; what was there is lost",
            odd.zeros.count
        );
        add(Status::Warn, summary, Some(odd.zeros.line));
    }
    let mut seen = |seen: Seen, what: &str| {
        if seen.count > 0 {
            add(Status::Warn, format!("{} {what}", times(seen.count)), Some(seen.line));
        }
    };
    let longest = human_duration(odd.longest_step);
    seen(odd.steps_back, &format!("the time goes back by more than a second, at most by {longest}"));
    seen(odd.future, "a record is in the future: check the clock or the time zone");
    seen(odd.ancient, "a record is from before the year 2000: check the clock");
    seen(odd.invalid_utf8, "a line is not valid UTF-8; the wrong bytes are shown as U+FFFD");
    seen(odd.cut, "a container cut a record into pieces, the first of which does not show its level");
    seen(odd.twins, "a record has a key twice: readers disagree about what it says; the worst level counts");
    seen(odd.too_long, "a line is longer than 16 MiB; it was not read");
    found
}

/// A path that cannot be read.
pub fn unreadable(path: &str, error: &io::Error) -> Finding {
    let remedy = match error.kind() {
        io::ErrorKind::NotFound => ": check the path",
        io::ErrorKind::PermissionDenied => ": check its permissions",
        _ => "",
    };
    Finding::fail(format!("the log cannot be read: {error}{remedy}")).in_file(path, None)
}

/// A directory without logs.
pub fn no_log(path: &str) -> Finding {
    let summary = "there is no log in this directory: nothing named *.jsonl, *.ndjson, *.json.log or *.log";
    Finding::fail(summary).in_file(path, None)
}

/// A file that holds `what`, which cannot be unpacked here.
pub fn packed(path: &str, what: &str) -> Finding {
    Finding::fail(format!("this is {what}, not a log: unpack it first")).in_file(path, None)
}

/// A file that holds `what`.
pub fn not_a_log(path: &str, what: &str) -> Finding {
    Finding::fail(format!("this is {what}, not a log")).in_file(path, None)
}

/// A file that holds the same bytes as `first`.
pub fn double(path: &str, first: &str) -> Finding {
    Finding::warn(format!("this holds the same bytes as {first}; it was read once")).in_file(path, None)
}

/// A file of `before` bytes that had `now` bytes when it was read.
pub fn changed(path: &str, before: u64, now: u64) -> Finding {
    let summary = format!("the file had {before} bytes when it was opened and {now} when it was read: audit it again");
    Finding::warn(summary).in_file(path, None)
}

/// A file that could be read up to an error.
pub fn broken(report: &FileReport, error: &io::Error) -> Finding {
    let what = match (error.kind(), report.encoding.as_str()) {
        (io::ErrorKind::UnexpectedEof, "plain") => "the file became shorter while it was read".to_owned(),
        (io::ErrorKind::UnexpectedEof, packing) => format!("the {packing} data end too early"),
        (_, "plain") => format!("reading failed ({error})"),
        (_, packing) => format!("the {packing} data are corrupt ({error})"),
    };
    let summary = format!("{what}: {} lines could be read, {} bytes of text", report.lines, report.text_bytes);
    Finding::fail(summary).in_file(report.path.as_str(), None)
}

/// Puts the faults of paths that led nowhere before those of the files.
pub fn before(logs: &mut LogSummary, faults: Vec<Finding>) {
    logs.status = logs.status.max(Status::roll_up(faults.iter().map(|fault| fault.severity)));
    logs.findings.splice(0..0, faults);
}

/// A file of a directory that is not named like a log, but may be one.
pub fn skipped(path: &str) -> Finding {
    let summary = "this file was not read, because it is not named like a log (*.jsonl, *.ndjson, *.log): name it with --log if it is one";
    Finding::warn(summary).in_file(path, None)
}

/// A file that starts with `length` zero bytes.
pub fn hole(path: &str, length: u64) -> Finding {
    let summary = format!("the file starts with a hole of {length} zero bytes; what was there is lost");
    Finding::warn(summary).in_file(path, Some(1))
}

/// Whether no record states a level, so that errors cannot be told from the rest. A few lines of syslog, where most
/// programs state none, may all be ordinary.
fn is_silent(part: &ChunkReport) -> bool {
    let (records, unstated) = (part.tally.records, part.tally.unstated);
    let few = unstated < FEW && part.dialects[Dialect::Syslog3164 as usize] == records;
    unstated > 0 && unstated == records && !few
}

/// What is wrong where the levels of records cannot be told.
fn silent_levels(part: &ChunkReport) -> Vec<(Status, String)> {
    let tally = &part.tally;
    let unknown = tally.severities[Level::Unknown as usize];
    let mut found = Vec::new();
    if unknown > 0 {
        let severity = if unknown * 2 > tally.records { Status::Fail } else { Status::Warn };
        let word = tally.unknown_levels.clone().finish().0.into_keys().next().unwrap_or_default();
        let summary = format!(
            "{unknown} of {} records state a level that nothing here understands, such as `{word}`: errors among them are not seen",
            tally.records
        );
        found.push((severity, summary));
    }
    if is_silent(part) {
        let summary = "no record states a level: errors cannot be told from the rest";
        found.push((Status::Warn, summary.to_owned()));
    }
    found
}

/// Files that hold the same text although their bytes differ, such as a log and its packed copy: their records are
/// counted twice.
pub(crate) fn twins(reports: &[FileReport]) -> Vec<Finding> {
    let mut known = BTreeMap::new();
    let mut found = Vec::new();
    for report in reports.iter().filter(|report| report.records > 0) {
        let looks = (report.text_bytes, report.lines, report.records, report.started_at, report.ended_at);
        match known.get(&looks) {
            Some(first) => found.push(
                Finding::warn(format!("this seems to hold the same text as {first}; its records are counted twice"))
                    .in_file(report.path.as_str(), None),
            ),
            None => {
                known.insert(looks, report.path.as_str());
            }
        }
    }
    found
}

fn times(count: u64) -> String {
    match count {
        1 => "once,".to_owned(),
        count => format!("{count} times,"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::log::scan::chunk::Context;
    use crate::log::totals::tally::Limits;
    use crate::time::Stamp;

    fn part() -> ChunkReport {
        let limits = Limits { silence: Duration::from_secs(60), listed: 10, sources: false };
        let latest = Stamp::parse("2030-01-01").expect("a date");
        ChunkReport::new(Context {
            limits,
            file: 0,
            written: None,
            latest,
            layout: Arc::default(),
            ignore: Arc::default(),
            statuses: Arc::default(),
            years: Arc::default(),
            bounds: Arc::default(),
            offset: 0,
        })
    }

    #[test]
    fn ignored_lines_weigh_by_their_share() {
        for (ignored, blank, expect) in [
            (1, 0, None),
            (2, 0, Some(Status::Warn)),
            (20, 0, Some(Status::Warn)),
            (21, 0, Some(Status::Fail)),
            (60, 60, None),
        ] {
            let report = FileReport {
                path: "a.log".to_owned(),
                text_bytes: 1,
                lines: 100 + blank,
                ignored_lines: ignored,
                complete: true,
                ..FileReport::default()
            };
            let mut part = part();
            part.tally.blank = blank;
            let found = of(&report, &part);
            assert_eq!(found.first().map(|finding| finding.severity), expect, "{ignored} {blank}");
        }
    }
}
