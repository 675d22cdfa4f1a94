//! Reads the documents of a run directory, wherever it lies, and finds its evidence.

use std::path::{Path, PathBuf};

use super::{Evidence, Named};
use crate::evidence::snapshot_chain::Chain;
use crate::io::files;
use crate::supervise::record::{self, RunRecord};
use crate::verdict::run::{self, Documents, PROGRESS, Place, TIMELINE};

/// The evidence in the run directory `found`.
pub(super) fn read(found: &files::Folder, place: Place) -> Evidence {
    let folder = Folder { found, place };
    let mut evidence = Evidence { root: Some((found.clone(), place.prefix())), ..Evidence::default() };
    evidence.run = run::judge(&folder.documents());
    match evidence.run.record.take() {
        Some(record) => {
            folder.by_record(&record, &mut evidence);
            evidence.run.record = Some(record);
        }
        None => folder.by_convention(&mut evidence),
    }
    evidence
}

struct Folder<'a> {
    found: &'a files::Folder,
    place: Place,
}

impl Folder<'_> {
    fn documents(&self) -> Documents {
        let snapshots = self.snapshots();
        Documents {
            place: self.place,
            record: match self.found.read(record::FILE_NAME) {
                Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => Some(Err(error.source.to_string())),
                Ok(bytes) => Some(Ok(bytes)),
            },
            progress: self.found.read(PROGRESS).ok(),
            snapshot: snapshots.first().and_then(|path| self.found.read(path).ok()),
            timeline: (!snapshots.is_empty()).then(|| self.chain(&snapshots)),
        }
    }

    /// The files of the timeline in their order.
    fn snapshots(&self) -> Vec<PathBuf> {
        let names = self.found.folder(TIMELINE).and_then(|timeline| timeline.names()).unwrap_or_default();
        let mut snapshots: Vec<PathBuf> = names
            .into_iter()
            .map(|name| Path::new(TIMELINE).join(name))
            .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        // By their number, since clocks may go back and numbers may grow longer.
        snapshots.sort_by_key(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (name.rsplit('-').next().and_then(|number| number.parse::<u64>().ok()), name)
        });
        snapshots
    }

    fn chain(&self, snapshots: &[PathBuf]) -> Chain {
        let mut chain = Chain::default();
        for path in snapshots {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What cannot be read is as broken as what does not fit.
            let bytes = self.found.read(path).unwrap_or_default();
            chain.push(&self.place.shown(&format!("{TIMELINE}/{name}")), &bytes);
        }
        chain
    }

    fn named(&self, file: &str) -> Named {
        Named { path: self.found.path().join(file), name: self.place.shown(file), run: Some(self.found.clone()) }
    }

    /// A path of the record, where it may be opened.
    fn recorded(&self, path: &str) -> Option<Named> {
        if !self.place.admits(path) {
            return None;
        }
        let name = if Path::new(path).is_absolute() { path.to_owned() } else { self.place.shown(path) };
        Some(Named { path: self.found.path().join(path), name, run: Some(self.found.clone()) })
    }

    fn by_record(&self, record: &RunRecord, evidence: &mut Evidence) {
        for log in &record.evidence.logs {
            match self.recorded(log) {
                Some(log) => evidence.logs.push(log.path),
                None => evidence.run.findings.push(self.place.outside(log)),
            }
        }
        for (recorded, usual, slot) in [
            (&record.evidence.diary, "decision_diary.json", &mut evidence.diary),
            (&record.evidence.performance, "performance_metrics.json", &mut evidence.performance),
        ] {
            *slot = recorded.as_ref().map(|path| match self.place {
                Place::Packet => self.named(usual),
                Place::Home => self.recorded(path).unwrap_or_else(|| self.named(usual)),
            });
        }
    }

    fn by_convention(&self, evidence: &mut Evidence) {
        evidence.logs = vec![self.found.path().join("logs")];
        let there =
            |names: &[&str]| names.iter().find(|name| self.found.kind(name).is_some()).map(|name| self.named(name));
        evidence.diary = there(&["decision_diary.json", "decision_diary.jsonl"]);
        evidence.performance = there(&["performance_metrics.json"]);
    }
}
