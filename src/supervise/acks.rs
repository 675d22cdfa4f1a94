//! Acknowledgements: who has seen an incident, when. They are told, and never judged: an incident that somebody has seen
//! is as bad as before.

use serde::{Deserialize, Serialize};

use super::record::RunRecord;
use crate::finding::{Finding, Status, count};
use crate::json::strict;
use crate::time::{Stamp, human_seconds};

/// The name of the file in the run directory: JSON lines, only ever added to.
pub(crate) const FILE_NAME: &str = "acks.jsonl";

/// So much of the file is read, in bytes.
pub(crate) const LIMIT: u64 = 1 << 20;

/// The most characters of a name and of a note.
pub(crate) const NAME_LIMIT: usize = 100;
/// See [`NAME_LIMIT`].
pub(crate) const NOTE_LIMIT: usize = 1000;

/// A line of the file. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ack {
    /// When.
    pub at: Stamp,
    /// The id of the incident.
    pub incident: String,
    /// Who.
    pub by: String,
    /// What that person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The lines of the file that can be understood, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Acks {
    /// Each with the place of its end in the file, in bytes.
    list: Vec<(u64, Ack)>,
    /// Where the lines end that could not be understood, and whether each is one that was cut short.
    unread: Vec<(u64, bool)>,
}

/// How each line that is written begins.
const BEGIN: &[u8] = b"{\"at\":\"";

/// Whether a line is the beginning of an acknowledgement: what is left of one where the disk was full, or the program was
/// killed.
fn is_cut_short(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    BEGIN.starts_with(line) || line.starts_with(BEGIN) && strict::parse(line).is_err_and(|error| error.is_eof())
}

impl Acknowledged {
    /// What it is of, in words.
    pub(crate) fn what(&self) -> &str {
        self.message.as_deref().unwrap_or("no incident of this run has this id")
    }

    /// How soon it came, in words.
    pub(crate) fn soon(&self) -> String {
        let after = match (self.after_seconds, &self.message) {
            (Some(seconds), _) => format!("after {}", human_seconds(seconds)),
            (None, Some(_)) => "before it happened".to_owned(),
            (None, None) => String::new(),
        };
        let late = if self.late { "when the run was sealed already" } else { "" };
        [after.as_str(), late].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

impl Acks {
    /// Reads the file.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let mut acks = Self::default();
        let mut end = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            end += line.len() as u64;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let ack = strict::parse(line).ok().and_then(|value| serde_json::from_value::<Ack>(value).ok());
            match ack.filter(|ack| !ack.by.trim().is_empty()) {
                Some(ack) => acks.list.push((end, ack)),
                None => acks.unread.push((end, is_cut_short(line))),
            }
        }
        acks
    }

    /// The last one of an incident.
    pub(crate) fn of(&self, incident: &str) -> Option<&Ack> {
        self.list.iter().rev().map(|(_, ack)| ack).find(|ack| ack.incident == incident)
    }

    /// The acknowledgements of the incidents of a run.
    pub(crate) fn told(&self, record: &RunRecord) -> Option<Acknowledgements> {
        let sealed = sealed_bytes(record);
        if self.list.is_empty() && self.unread.is_empty() {
            return None;
        }
        let late = |end: u64| sealed.is_some_and(|sealed| end > sealed);
        let told = self.list.iter().map(|(end, ack)| {
            let incident = record.incidents.iter().find(|incident| incident.id == ack.incident);
            let after = incident.map(|incident| ack.at.seconds_since(incident.occurred_at));
            Acknowledged {
                ack: ack.clone(),
                severity: incident.map(|incident| incident.severity),
                message: incident.map(|incident| incident.message.clone()),
                after_seconds: after.filter(|seconds| *seconds >= 0.0),
                late: late(*end),
            }
        });
        let list: Vec<Acknowledged> = told.collect();
        let seen = |id: &str| list.iter().any(|told| told.ack.incident == id);
        let unseen = record.incidents.iter().filter(|incident| incident.severity > Status::Pass && !seen(&incident.id));
        let unread_late = self.unread.iter().filter(|(end, _)| late(*end)).count() as u64;
        let unread_foreign = self.unread.iter().filter(|(end, cut)| late(*end) && !cut).count() as u64;
        let (unacknowledged, unread) = (unseen.count() as u64, self.unread.len() as u64);
        Some(Acknowledgements { unacknowledged, list, unread, unread_late, unread_foreign })
    }
}

/// That there is something in the place of the file that cannot be read.
pub(crate) fn unreadable(why: &str, shown: String) -> Finding {
    Finding::warn(format!("the acknowledgements cannot be read: {why}")).in_file(shown, None)
}

/// How much of the file was there when the run was sealed, in bytes; none if it was not sealed.
pub(crate) fn sealed_bytes(record: &RunRecord) -> Option<u64> {
    let files = record.sealed_files.as_ref()?;
    Some(files.iter().find(|file| file.path == FILE_NAME).map_or(0, |file| file.bytes))
}

/// Who acknowledged what of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Acknowledgements {
    /// In their order.
    pub list: Vec<Acknowledged>,
    /// How many incidents nobody acknowledged.
    pub unacknowledged: u64,
    /// How many lines of the file could not be understood.
    pub unread: u64,
    /// How many of those were added when the run had been sealed already.
    pub unread_late: u64,
    /// How many of those are no acknowledgement that was cut short, but something else.
    pub unread_foreign: u64,
}

impl Acknowledgements {
    /// That the file holds what nobody acknowledged anything with; none if it does not.
    pub(crate) fn foreign(&self, shown: String) -> Option<Finding> {
        let lines = count(self.unread_foreign, "line");
        let text =
            format!("{lines} that can be no acknowledgement, not even one cut short, came when the run was sealed");
        (self.unread_foreign > 0).then(|| Finding::warn(text).in_file(shown, None))
    }
}

/// An acknowledgement, with the incident that it is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The line of the file; its keys are beside the others.
    #[serde(flatten)]
    pub ack: Ack,
    /// How bad the incident is; none if the run has no incident of that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Status>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Seconds from its first occurrence to the acknowledgement; none if that is before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_seconds: Option<f64>,
    /// Whether it was added when the run had been sealed already.
    #[serde(default)]
    pub late: bool,
}

#[cfg(test)]
mod tests {
    use super::super::{incidents, progress, record};
    use super::*;

    #[test]
    fn lines_that_are_no_acknowledgement_are_counted_and_the_others_told() {
        let text = "{\"at\":\"2025-03-03T08:00:30Z\",\"incident\":\"ab\",\"by\":\"eve\"}\n\nnonsense\n\
            {\"at\":\"2025-03-03T08:00:40Z\",\"incident\":\"ab\",\"by\":\" \"}\n\
            {\"at\":\"2025-03-03T08:00:20Z\",\"incident\":\"cd\",\"by\":\"bob\",\"note\":\"mine\"}\n\
            {\"at\":\"2025-03-03T09:00:00Z\",\"incident\":\"ab\",\"by\":\"bob\"}\n{\"at\":\"2025-03";
        let acks = Acks::parse(text.as_bytes());
        assert_eq!((acks.list.len(), acks.unread.len()), (3, 3));
        assert_eq!(acks.of("ab").map(|ack| ack.by.as_str()), Some("bob"), "the last one counts");
        assert_eq!(acks.of("a"), None);
        let mut record: RunRecord = serde_json::from_str(include_str!("../../fixtures/audit/run/run.json")).unwrap();
        let at = Stamp::parse("2025-03-03T08:00:00Z").unwrap();
        let incident = |id: &str| progress::Incident {
            id: id.to_owned(),
            ..incidents::incident(Status::Fail, "exit", at, "gone")
        };
        record.incidents = vec![incident("ab"), incident("ef")];
        let sealed = text.find("{\"at\":\"2025-03-03T09").unwrap() as u64;
        let file = |bytes| record::SealedFile {
            path: FILE_NAME.to_owned(),
            source: None,
            bytes,
            sha256: String::new(),
            lines: None,
        };
        record.sealed_files = Some(vec![file(sealed)]);
        let told = acks.told(&record).unwrap();
        let brief: Vec<_> = told.list.iter().map(|told| (told.severity, told.after_seconds, told.late)).collect();
        let fail = Some(Status::Fail);
        assert_eq!(brief, [(fail, Some(30.0), false), (None, None, false), (fail, Some(3600.0), true)]);
        assert_eq!((told.unacknowledged, told.unread, told.unread_late), (1, 3, 1));
        assert_eq!(told.unread_foreign, 0, "the one that came later was cut short");
        let late = |record: &RunRecord| acks.told(record).unwrap().list.iter().filter(|told| told.late).count();
        record.sealed_files = Some(Vec::new());
        let told = acks.told(&record).unwrap();
        assert_eq!((told.unread_late, told.unread_foreign), (3, 2));
        assert_eq!(told.foreign("acks.jsonl".into()).unwrap().severity, Status::Warn);
        assert_eq!(late(&record), 3, "there was none when it was sealed");
        record.sealed_files = None;
        assert_eq!((late(&record), Acks::default().told(&record)), (0, None), "it was never sealed");
    }
}
