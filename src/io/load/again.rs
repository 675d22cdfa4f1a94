//! Looks again, in the logs that a run captured, for the lines of which its drills and guards tell.

use std::io::{BufRead as _, BufReader, Read};

use serde_json::Value;

use super::Evidence;
use crate::guards::pile::{Pile, Reading};
use crate::guards::source;
use crate::io::read::decode;
use crate::json::lenient;
use crate::verdict::run::{self, Wanted};

/// The longest line that is read, in bytes; the rest of it is passed over.
const LINE: u64 = 2 << 20;

/// Notes where the logs do not show what drills and guards say.
pub(super) fn compare(evidence: &mut Evidence) {
    let Some(place) = evidence.place else { return };
    let mut wanted = evidence.run.wanted();
    let seen = search(evidence, &mut wanted);
    run::compare_lines(&mut evidence.run, place, &wanted, seen.as_deref());
    for report in evidence.run.reports() {
        if let Some(value) = reported(evidence, &report.path, &report.pointer) {
            run::compare_report(&mut evidence.run, place, &report, value);
        }
    }
    if !evidence.run.looked_after.is_empty() {
        let acks = evidence.acknowledgements(true).map(|acks| acks.list).unwrap_or_default();
        let acks: Vec<_> = acks.into_iter().map(|told| (told.ack.incident, told.ack.at)).collect();
        run::compare_acks(&mut evidence.run, place, &acks);
    }
}

/// What a performance report says at a place; none if it cannot be read, which is told elsewhere.
fn reported(evidence: &Evidence, path: &str, pointer: &str) -> Option<f64> {
    let bytes = evidence.root.as_ref()?.0.read(path).ok()?;
    let report = lenient::parse(&lenient::text(&bytes)).ok()?;
    match source::in_report(&report, pointer) {
        Ok(Reading::Value(value, _)) => Some(value),
        _ => None,
    }
}

/// Which of the lines are there; none if a log cannot be read, which is told elsewhere.
fn search(evidence: &Evidence, wanted: &mut Wanted) -> Option<Vec<bool>> {
    let (record, (root, _)) = (evidence.run.record.as_ref()?, evidence.root.as_ref()?);
    let mut seen = vec![false; wanted.lines.len()];
    if !wanted.lines.is_empty() {
        for path in &record.evidence.raw_logs {
            each_line(root.open_file(path).ok()?, |line| {
                for (seen, (_, wanted)) in seen.iter_mut().zip(&wanted.lines).filter(|(seen, _)| !**seen) {
                    *seen = wanted.is(line);
                }
            })?;
        }
    }
    if !wanted.figures.is_empty() {
        for path in &record.evidence.logs {
            each_line(root.open_file(path).ok()?, |line| figures(line, wanted))?;
        }
    }
    Some(seen)
}

/// What a record of the structured log says of figures.
fn figures(line: &[u8], wanted: &mut Wanted) {
    if !wanted.figures.iter().any(|figure| figure.reader.may_be_in(line)) {
        return;
    }
    let Ok(record) = serde_json::from_slice::<Value>(line) else { return };
    let Some(received) = record["received"].as_f64().filter(|_| record["restates"] != true) else { return };
    let payload = &record["payload"];
    let text = match &payload["structured"] {
        Value::Null => payload["raw"].as_str().or(record["message"].as_str()).unwrap_or_default().to_owned(),
        structured => structured.to_string(),
    };
    let times = record["repeated"].as_u64().unwrap_or(1);
    let source = record["source"].as_str();
    for figure in wanted.figures.iter_mut().filter(|of| of.workload.is_none() || of.workload.as_deref() == source) {
        let mut pile = Pile::default();
        text.lines().for_each(|line| figure.reader.note(line.as_bytes(), &mut pile));
        figure.note(received, pile.count.max(pile.seen) * times, pile.count * times);
    }
}

fn each_line(file: impl Read + Send + 'static, mut look: impl FnMut(&[u8])) -> Option<()> {
    let (head, reader) = decode::peek(file, decode::HEAD);
    let mut reader = BufReader::new(decode::unpack(reader, decode::packing(&head).ok()?).ok()?);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE).read_until(b'\n', &mut line).ok()? == 0 {
            return Some(());
        }
        if line.len() as u64 == LINE && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').ok()?;
        }
        look(line.trim_ascii_end());
    }
}
