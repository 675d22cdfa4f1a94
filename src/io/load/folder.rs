//! Reads the documents of a run directory, wherever it is, and finds its evidence.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::{Evidence, Further, Named};
use crate::evidence::checksums::Found;
use crate::io::files;
use crate::io::packet::checksums;
use crate::io::read::decode;
use crate::json::lenient;
use crate::supervise::record::{self, RunRecord};
use crate::supervise::workloads::document::WORKLOADS;
use crate::supervise::workloads::runtime::RUNTIME;
use crate::supervise::workloads::state::STATES;
use crate::supervise::{acks, plan};
use crate::verdict::run::{self, Course, Documents, FileFound, PROGRESS, Place, Sealed, TIMELINE};
use crate::verdict::workloads;
use crate::{drills, guards};

/// The evidence in the run directory `found`. `sealing` says whether its own supervisor asks, `known` what was found
/// already at some paths of the packet.
pub(super) fn read(found: &files::Folder, place: Place, sealing: bool, known: &BTreeMap<String, Found>) -> Evidence {
    let folder = Folder { found, place };
    let mut evidence =
        Evidence { root: Some((found.clone(), place.prefix())), place: Some(place), ..Evidence::default() };
    evidence.top = Some(found.clone());
    evidence.run = run::judge(&folder.documents(sealing));
    match evidence.run.record.take() {
        Some(record) => {
            folder.by_record(&record, &mut evidence);
            evidence.run.record = Some(record);
            if evidence.run.is_complete() && !sealing {
                folder.compare_files(&mut evidence, known);
            }
        }
        None => folder.by_convention(&mut evidence),
    }
    if !sealing {
        let names = match place {
            Place::Home => &[PROGRESS, "summary.json", "summary.md"][..],
            Place::Packet => &[PROGRESS],
        };
        let documents = names.iter().filter_map(|name| sealed(found, name));
        evidence.documents.extend(documents.map(|document| Sealed { name: place.shown(&document.name), ..document }));
    }
    evidence
}

/// A document of a packet or run; none if it is not there.
pub(super) fn sealed(folder: &files::Folder, name: &str) -> Option<Sealed> {
    let content = match folder.read(name) {
        Err(error) if error.source.kind() == ErrorKind::NotFound => return None,
        Err(error) => Err(error.source.to_string()),
        Ok(bytes) if !name.ends_with(".json") => Ok(lenient::text(&bytes).into_owned().into()),
        Ok(bytes) => lenient::parse(&lenient::text(&bytes)).map_err(|error| error.to_string()),
    };
    Some(Sealed { name: name.to_owned(), content })
}

struct Folder<'a> {
    found: &'a files::Folder,
    place: Place,
}

impl Folder<'_> {
    fn documents(&self, sealing: bool) -> Documents {
        let snapshots = self.snapshots();
        Documents {
            place: self.place,
            record: self.whole(record::FILE_NAME),
            progress: self.found.read(PROGRESS).ok(),
            snapshot: snapshots.first().and_then(|path| self.found.read(path).ok()),
            timeline: (!snapshots.is_empty()).then(|| self.course(&snapshots)),
            drills: self.whole(drills::document::FILE_NAME),
            restored: self.whole(drills::document::RESTORED),
            guards: self.whole(guards::document::FILE_NAME),
            guard_samples: self.whole(guards::samples::FILE_NAME),
            notifications: self.whole(plan::NOTIFICATIONS),
            workloads: workloads::Documents {
                plan: self.whole(WORKLOADS),
                states: self.whole(STATES),
                runtimes: self.runtimes(),
            },
            sealing,
        }
    }

    /// What workloads told of their own tasks, by path.
    fn runtimes(&self) -> BTreeMap<String, Vec<u8>> {
        let names = self.found.folder(RUNTIME).and_then(|told| told.names()).unwrap_or_default();
        let paths = names.into_iter().map(|name| format!("{RUNTIME}/{}", name.to_string_lossy()));
        paths.filter_map(|path| Some((path.clone(), self.found.read(&path).ok()?))).collect()
    }

    /// A file of the run directory, or why it cannot be read; none if it is not there.
    fn whole(&self, name: &str) -> Option<Result<Vec<u8>, String>> {
        match self.found.read(name) {
            Err(error) if error.source.kind() == ErrorKind::NotFound => None,
            Err(error) => Some(Err(error.source.to_string())),
            Ok(bytes) => Some(Ok(bytes)),
        }
    }

    /// Holds each file that the record names, or that is among the logs, against its digest.
    fn compare_files(&self, evidence: &mut Evidence, known: &BTreeMap<String, Found>) {
        let Some(record) = &evidence.run.record else { return };
        let admitted = run::named_files(&record.evidence).filter(|path| self.place.admits(path));
        let raw: BTreeSet<&String> = record.evidence.raw_logs.iter().collect();
        let source = |path: &str| {
            let sealed = record.sealed_files.iter().flatten().find(|file| file.path == path)?;
            sealed.source.clone().filter(|_| self.place == Place::Home)
        };
        evidence.files = admitted
            .map(|path| FileFound {
                path: path.clone(),
                found: match (self.before_sealing(record, path), known.get(&self.place.shown(path))) {
                    (Some(found), _) => found,
                    (None, Some(found)) => found.clone(),
                    (None, None) => checksums::look(self.found, path),
                },
                text: raw.contains(path).then(|| self.text(path)).flatten(),
                source_sha256: source(path).and_then(|source| {
                    checksums::digest(files::open_found(&self.found.path().join(source)).ok()?)
                        .ok()
                        .map(|(sha256, _)| sha256)
                }),
            })
            .collect();
        let in_logs = self.found.folder("logs").map(|logs| logs.walk().found).unwrap_or_default();
        let in_logs: Vec<String> = in_logs.iter().map(|(path, _)| format!("logs/{}", path.display())).collect();
        run::compare_files(&mut evidence.run, self.place, &evidence.files, &in_logs);
    }

    /// What was there of the acknowledgements when the run was sealed: people go on adding to them. None for other files.
    fn before_sealing(&self, record: &RunRecord, path: &str) -> Option<Found> {
        let sealed = acks::sealed_bytes(record).filter(|_| path == acks::FILE_NAME)?;
        let (sha256, bytes) = checksums::digest(self.found.open_file(path).ok()?.take(sealed)).ok()?;
        Some(Found::File { sha256, bytes })
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

    fn course(&self, snapshots: &[PathBuf]) -> Course {
        let mut course = Course::default();
        for path in snapshots {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // What cannot be read is as broken as what does not fit.
            let bytes = self.found.read(path).unwrap_or_default();
            course.push(&self.place.shown(&format!("{TIMELINE}/{name}")), &bytes);
        }
        course
    }

    fn named(&self, file: &str) -> Named {
        Named { path: self.found.path().join(file), name: self.place.shown(file), run: Some(self.found.clone()) }
    }

    /// A path of the record, where it may be opened.
    fn recorded(&self, path: &str) -> Option<Named> {
        if !self.place.admits(path) {
            return None;
        }
        // What is elsewhere is called the same in the packet, which knows no folder of this machine.
        let short = Path::new(path).file_name().filter(|_| Path::new(path).is_absolute());
        let name = short.map_or_else(|| self.place.shown(path), |name| self.place.shown(&name.to_string_lossy()));
        Some(Named { path: self.found.path().join(path), name, run: Some(self.found.clone()) })
    }

    fn by_record(&self, record: &RunRecord, evidence: &mut Evidence) {
        for log in &record.evidence.logs {
            match self.recorded(log) {
                Some(log) => evidence.logs.push(log.path),
                None => evidence.run.findings.push(self.place.outside(log)),
            }
        }
        evidence.diary = record.evidence.diary.as_ref().map(|path| self.evidence_file(path));
        evidence.performance = record.evidence.performance.as_ref().map(|path| self.evidence_file(path));
        let further = evidence.run.workloads.further(record).into_iter();
        evidence.further = further
            .map(|(workload, kind, path)| Further { workload, kind, file: self.evidence_file(&path), path })
            .collect();
    }

    /// An evidence file of the record; one that may not be opened here is not there.
    fn evidence_file(&self, path: &str) -> Named {
        let usual =
            || self.named(Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy()).as_ref());
        self.recorded(path).unwrap_or_else(usual)
    }

    fn by_convention(&self, evidence: &mut Evidence) {
        evidence.logs = vec![self.found.path().join("logs")];
        let there =
            |names: &[&str]| names.iter().find(|name| self.found.kind(name).is_some()).map(|name| self.named(name));
        evidence.diary = there(&["decision_diary.json", "decision_diary.jsonl"]);
        evidence.performance = there(&["performance_metrics.json"]);
    }

    /// The lines and bytes of a raw log as it was before it was packed; none if it cannot be read, which its digest shows.
    fn text(&self, path: &str) -> Option<(u64, u64)> {
        let (head, file) =
            decode::peek(files::open_evidence(self.found, &self.found.path().join(path)).ok()?, decode::HEAD);
        let mut text = decode::unpack(file, decode::packing(&head).ok()?).ok()?;
        let mut chunk = vec![0; 256 << 10];
        let (mut lines, mut bytes) = (0, 0);
        loop {
            match text.read(&mut chunk).ok()? {
                0 => return Some((lines, bytes)),
                read => {
                    lines += memchr::memchr_iter(b'\n', &chunk[..read]).count() as u64;
                    bytes += read as u64;
                }
            }
        }
    }
}
