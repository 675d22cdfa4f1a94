//! What drills and guards say of lines of the log, held against the logs that the run captured.

use super::{Place, Run};
use crate::drills::judge::Claim;
use crate::finding::{Finding, Status, count};
use crate::guards::document::FILE_NAME as GUARDS;
use crate::guards::fields::Reader;
use crate::guards::plan::{Guard, Level, Stat};
use crate::guards::source::Source;
use crate::supervise::record::RunRecord;
use crate::supervise::workloads::check::LogLine;

/// When a line was received, and when the machine took it, may be so far apart, in seconds.
const APART: f64 = 6.0;

/// What is to be looked for.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Lines that came, as steps of drills say.
    pub lines: Vec<(Claim, LogLine)>,
    /// Figures that guards took from the log.
    pub figures: Vec<Figure>,
}

/// A performance report that the run kept, with the guard whose figure it holds.
#[derive(Debug)]
pub(crate) struct Report {
    guard: Guard,
    /// Below the run directory.
    pub path: String,
    pub pointer: String,
}

/// A figure that a guard took from the log, in this time of the run in seconds.
#[derive(Debug)]
pub(crate) struct Figure {
    guard: String,
    /// Its workload, where it is about one of several.
    pub workload: Option<String>,
    pub reader: Reader,
    from: f64,
    to: f64,
    samples: u64,
    /// How often what is counted occurred, where that is all that is made of it.
    occurred: Option<u64>,
    /// What the logs hold: in that time for certain, and at most.
    found: [(u64, u64); 2],
}

impl Figure {
    /// A record that was received then says this: samples, and occurrences.
    pub(crate) fn note(&mut self, received: f64, samples: u64, occurred: u64) {
        for (found, apart) in self.found.iter_mut().zip([-APART, APART]) {
            if received >= self.from - apart && received <= self.to + apart {
                found.0 += samples;
                found.1 += occurred;
            }
        }
    }
}

impl Run {
    /// What drills and guards say of lines; nothing where lines were lost, or came later than they were received.
    pub(crate) fn wanted(&self) -> Wanted {
        let Some(record) = self.record.as_ref().filter(|_| self.is_complete()) else { return Wanted::default() };
        if record.capture.lost_lines > 0 || !record.held_up.is_empty() {
            return Wanted::default();
        }
        let hidden = |what: &str| !record.environment.is_empty() && what.contains("***");
        let lines = self.claims.iter().filter(|claim| !hidden(&claim.what));
        let lines = lines.filter_map(|claim| Some((claim.clone(), LogLine::of_words(&claim.what)?))).collect();
        let rows = self.guards.iter().flat_map(|guards| &guards.guards);
        let plan = record.guards.iter().flat_map(|plan| &plan.list);
        let figures = plan.zip(rows).filter_map(|(guard, row)| {
            let source = Source::parse(&guard.source).ok()?;
            let reader = Reader::of(&source, guard.is_positive(), false)?;
            let counts = guard.stat == Stat::Count && guard.window_seconds.is_none();
            let occurred = row.figure.filter(|_| counts && matches!(source, Source::Count { .. }));
            Some(Figure {
                guard: guard.name.clone(),
                workload: guard.workload.clone(),
                reader,
                from: guard.warmup_seconds,
                to: self.duration_seconds?,
                samples: row.samples,
                occurred: occurred.map(|occurred| occurred as u64),
                found: [(0, 0); 2],
            })
        });
        Wanted { lines, figures: figures.collect() }
    }

    /// The reports whose last figure alone may show a breach.
    pub(crate) fn reports(&self) -> Vec<Report> {
        // Also while the run is sealed: its verdict must know it.
        let ended = |record: &&RunRecord| record.duration_seconds.is_some();
        let Some(record) = self.record.as_ref().filter(ended) else { return Vec::new() };
        let all = record.guards.iter().flat_map(|plan| &plan.list);
        let alone = |guard: &&Guard| {
            let whole = guard.window_seconds.is_none() && guard.for_seconds == 0.0 && guard.min_samples.is_none();
            whole && matches!(guard.stat, Stat::Last | Stat::Max | Stat::Min)
        };
        let of = |guard: &Guard| {
            let Ok(Source::Performance { pointer }) = Source::parse(&guard.source) else { return None };
            let path = match &guard.workload {
                Some(name) => record.workloads.iter().find(|of| of.name == *name)?.evidence.get("performance"),
                None => record.evidence.performance.as_ref(),
            };
            Some(Report { guard: guard.clone(), path: path?.clone(), pointer })
        };
        all.filter(alone).filter_map(of).collect()
    }
}

/// Notes that a report says `value`: the command may have written it when nobody looked any more.
pub(crate) fn compare_report(run: &mut Run, place: Place, report: &Report, value: f64) {
    let (guard, Some(guards)) = (&report.guard, &mut run.guards) else { return };
    let row = guards.guards.iter_mut().find(|row| row.name == guard.name && row.status < Status::Fail);
    if let Some(row) = row.filter(|_| value.is_finite() && guard.level(value) == Level::Fail) {
        let text = format!(
            "{}: the report that the run kept says {} at {}, asked for {}: it was written after the last look",
            guard.name,
            guard.text(value),
            report.pointer,
            guard.asked()
        );
        let path = place.shown(&report.path);
        guards.findings.push(Finding::fail(text).in_file(path, None).with("guard", guard.name.as_str()));
        (row.status, guards.status) = (Status::Fail, Status::Fail);
    }
}

/// Notes what the logs do not show; `seen` says which of the lines they hold, none if they cannot be read.
pub(crate) fn compare(run: &mut Run, place: Place, wanted: &Wanted, seen: Option<&[bool]>) {
    let mut differs = Vec::new();
    for ((claim, _), _) in wanted.lines.iter().zip(seen.into_iter().flatten()).filter(|(_, seen)| !**seen) {
        let text = format!("the drill {} says that {} came, and no line of the logs is that", claim.drill, claim.what);
        differs.push(Finding::fail(text).in_file(place.shown(crate::drills::document::FILE_NAME), None));
    }
    for figure in wanted.figures.iter().filter(|_| seen.is_some()) {
        let [inner, outer] = figure.found;
        let samples = (figure.samples, inner.0, outer.0, "sample");
        let occurred = figure.occurred.map(|occurred| (occurred, inner.1, outer.1, "occurrence"));
        for (said, least, most, what) in std::iter::once(samples).chain(occurred) {
            if said < least || said > most {
                let (said, held) = (count(said, what), if said < least { least } else { most });
                let text = format!("the guard {} rests on {said}, and the logs hold {held}", figure.guard);
                differs.push(Finding::fail(text).in_file(place.shown(GUARDS), None));
            }
        }
    }
    run.differs.extend(differs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(samples: u64, occurred: u64) -> Figure {
        Figure {
            guard: "breaches".to_owned(),
            workload: None,
            reader: Reader::of(&Source::parse("count:event=breach").unwrap(), true, false).unwrap(),
            from: 10.0,
            to: 100.0,
            samples,
            occurred: Some(occurred),
            found: [(0, 0); 2],
        }
    }

    #[test]
    fn what_the_logs_do_not_show_is_told() {
        let line = LogLine::of_words("a line with event=\"up\"").unwrap();
        let claim = Claim { drill: "outage".to_owned(), what: "a line with event=\"up\"".to_owned() };
        for (samples, occurred, seen, told) in [
            (9, 1, true, &[][..]),
            (10, 1, true, &[]),
            (11, 1, true, &["rests on 11 samples, and the logs hold 10"]),
            (2, 1, true, &["rests on 2 samples, and the logs hold 8"]),
            (9, 0, true, &["rests on 0 occurrences, and the logs hold 1"]),
            (9, 1, false, &["the drill outage says that a line with event=\"up\" came"]),
        ] {
            let mut one = figure(samples, occurred);
            // One close to each end, which the run may have taken or not, and one before anything counts.
            for (received, occurred) in [(1.0, 1), (9.0, 0), (50.0, 1), (104.0, 0)] {
                one.note(received, if received == 50.0 { 8 } else { 1 }, occurred);
            }
            let wanted = Wanted { lines: vec![(claim.clone(), line.clone())], figures: vec![one] };
            let mut run = Run::default();
            compare(&mut run, Place::Home, &wanted, Some(&[seen]));
            let found: Vec<&str> = run.differs.iter().map(|finding| finding.summary.as_str()).collect();
            assert_eq!(found.len(), told.len(), "{found:?}");
            assert!(told.iter().zip(&found).all(|(told, found)| found.contains(told)), "{found:?}");
            compare(&mut run, Place::Home, &wanted, None);
            assert_eq!(run.differs.len(), told.len(), "a log that cannot be read is told elsewhere");
        }
    }
}
