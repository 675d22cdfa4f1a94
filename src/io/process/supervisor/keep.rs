//! What the supervisor keeps on disk beside the logs: the record, the snapshots, the changes of state.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Supervised;
use crate::drills::document::{self, Of};
use crate::guards;
use crate::guards::samples::{self, Look};
use crate::io::capture::Kept;
use crate::io::files::{self, FileError, Folder, Syncer};
use crate::io::packet::seal;
use crate::io::process::alive;
use crate::io::progress_file::ProgressFile;
use crate::stage::notify::report::Receipt;
use crate::supervise::event::{CaptureFault, Now, Trouble};
use crate::supervise::machine::Machine;
use crate::supervise::record::{self, RunRecord, State};
use crate::supervise::workloads::state::{Change, STATES};
use crate::time::Stamp;

/// The parts of the structured log of a workload and those of the raw one.
pub(super) type Logs = [Vec<Kept>; 2];

/// The documents of a run.
pub(super) struct Keep {
    pub(super) folder: Folder,
    syncer: Arc<Syncer>,
    record: RunRecord,
    progress: ProgressFile,
    progress_failed: bool,
    /// Where receipts go; nowhere where nobody is to hear of anything.
    receipts: Option<std::fs::File>,
    /// Where what looks at the sources of guards gave goes, with the bytes that are there; nowhere without such guards.
    looks: Option<(std::fs::File, u64)>,
    looks_failed: bool,
    /// Where changes of state go, until the run is sealed.
    states: Option<std::fs::File>,
}

impl Keep {
    pub(super) fn new(
        (folder, syncer): (Folder, Arc<Syncer>),
        record: RunRecord,
        progress: ProgressFile,
    ) -> Result<Self, FileError> {
        let error = |source| FileError::new("create", folder.path().join(STATES), source);
        let states = Some(folder.create_file(STATES).map_err(error)?);
        let receipts = record.evidence.notifications.as_ref().map(|name| {
            folder.create_file(name).map_err(|source| FileError::new("create", folder.path().join(name), source))
        });
        let receipts = receipts.transpose()?;
        let looks = record.evidence.guard_samples.as_ref().map(|name| {
            folder.create_file(name).map_err(|source| FileError::new("create", folder.path().join(name), source))
        });
        let looks = looks.transpose()?.map(|file| (file, 0));
        let (progress_failed, looks_failed) = (false, false);
        Ok(Self { folder, syncer, record, progress, progress_failed, receipts, looks, looks_failed, states })
    }

    /// Keeps a change of state at once. Best effort: the next snapshot has the state too, and the audit tells what is
    /// missing.
    pub(super) fn changed(&mut self, change: &Change) {
        if let Some(file) = &mut self.states {
            let _ = std::io::Write::write_all(file, files::json_line(change).as_bytes());
        }
    }

    /// Keeps a receipt at once. Best effort: what is missing is an event of which nobody tells.
    pub(super) fn receipt(&mut self, receipt: &Receipt, now: Stamp) {
        let mut line = serde_json::to_value(receipt).unwrap_or_default();
        line["time"] = serde_json::json!(now);
        if let Some(file) = &mut self.receipts {
            let _ = std::io::Write::write_all(file, files::json_line(&line).as_bytes());
        }
    }

    /// Keeps what looks at the sources of guards gave. Gives what is new about its being written.
    pub(super) fn looks(&mut self, looks: &[Look], lost_lines: u64) -> Option<CaptureFault> {
        let (file, held) = self.looks.as_mut()?;
        let mut lines = String::new();
        for look in looks {
            if *held >= samples::MOST_BYTES {
                break;
            }
            let line = files::json_line(&look.line());
            *held += line.len() as u64;
            lines += &line;
            if *held >= samples::MOST_BYTES {
                lines += &files::json_line(&samples::full(look.seconds));
            }
        }
        let written = std::io::Write::write_all(file, lines.as_bytes());
        if written.is_err() == self.looks_failed {
            return None;
        }
        self.looks_failed = written.is_err();
        let trouble = match written {
            Err(error) => Trouble::Failed(format!("cannot write {}: {error}", samples::FILE_NAME)),
            Ok(()) => Trouble::Over,
        };
        Some(CaptureFault { path: samples::FILE_NAME.to_owned(), trouble, lost: 0, lost_lines })
    }

    /// Writes what is known of the drills.
    pub(super) fn drills(&mut self, machine: &Machine, now: Stamp) -> Result<(), FileError> {
        let Some(document) = machine.drills_document(&self.record.name, now) else { return Ok(()) };
        self.folder.replace(document::FILE_NAME, files::json_text(&document).as_bytes())
    }

    /// Writes what is known of the guards.
    pub(super) fn guards(&mut self, machine: &Machine, now: Now) -> Result<(), FileError> {
        let Some(document) = machine.guards_document(&self.record.name, now) else { return Ok(()) };
        self.folder.replace(guards::document::FILE_NAME, files::json_text(&document).as_bytes())
    }

    /// The last of the drills, with a timeline for each. Best effort: the audit tells what is missing.
    fn seal_drills(&mut self, machine: &Machine, now: Stamp) {
        let Some(document) = machine.drills_document(&self.record.name, now) else { return };
        let _ = self.folder.replace(document::FILE_NAME, files::json_text(&document).as_bytes());
        let mut written = vec![document::FILE_NAME.to_owned()];
        let of = Of { run: &self.record.name, started: self.record.started_at };
        let _ = self.folder.make_folder(document::TIMELINES);
        for row in document.drills.iter().filter(|row| row.injected_at.is_some()) {
            let name = format!("{}/{}.json", document::TIMELINES, row.name);
            let timeline = files::json_text(&document::timeline(row, of, now));
            if self.folder.replace(&name, timeline.as_bytes()).is_ok() {
                written.push(name);
            }
        }
        self.record.evidence.drill_files = written;
    }

    /// Writes a snapshot. Gives what is new about its being written.
    pub(super) fn snapshot(&mut self, machine: &mut Machine, now: Now, timeline: bool) -> Option<CaptureFault> {
        let mut write = |timeline| {
            let mut snapshot = machine.snapshot_now(now, self.progress.chain().clone(), alive::own());
            if snapshot.sequence == 0 {
                // What the run is judged by was known before anything ran.
                snapshot.criteria.clone_from(&self.record.criteria);
            }
            self.progress.write(snapshot, timeline).map(|at| machine.shown(at))
        };
        let result = write(timeline);
        if timeline && result.is_err() {
            // Whoever watches must see that the run goes on, and what is wrong with it.
            let _ = write(false);
        }
        if result.is_err() == self.progress_failed {
            return None;
        }
        self.progress_failed = result.is_err();
        Some(CaptureFault {
            path: "progress.json".to_owned(),
            trouble: match result {
                Err(error) => Trouble::Failed(format!("cannot write the progress file: {}", error.source)),
                Ok(()) => Trouble::Over,
            },
            lost: 0,
            lost_lines: machine.capture().lost_lines,
        })
    }

    /// Notes the attempts so far, so that a killed supervisor leaves them behind. Best effort: the logs matter more.
    pub(super) fn save_attempts(&mut self, machine: &Machine) {
        let text = self.text(machine, State::Running);
        let _ = self.syncer.replace(Path::new(record::FILE_NAME), text.as_bytes());
    }

    /// What could not be made durable since the last call.
    pub(super) fn unsynced(&self, machine: &Machine) -> Vec<CaptureFault> {
        let fault = |FileError { path, source, .. }: FileError| {
            let path = self.folder.relative(&path).unwrap_or(&path).display().to_string();
            let trouble = Trouble::Failed(format!("cannot write {path} to the disk: {source}"));
            CaptureFault { path, trouble, lost: 0, lost_lines: machine.capture().lost_lines }
        };
        self.syncer.failures().into_iter().map(fault).collect()
    }

    /// Waits until the snapshots are on the disk.
    pub(super) fn settle(&mut self) {
        self.progress.settle();
    }

    fn text(&mut self, machine: &Machine, state: State) -> String {
        self.record.attempts = machine.attempts();
        self.record.workloads = machine.records(&self.record.workloads);
        self.record.state = state;
        files::json_text(&self.record)
    }

    /// Writes the record.
    pub(super) fn save(&mut self, machine: &Machine, state: State) -> Result<(), FileError> {
        let text = self.text(machine, state);
        self.folder.replace(record::FILE_NAME, text.as_bytes())
    }

    pub(super) fn seal(
        mut self,
        machine: Machine,
        now: Now,
        (logs, layouts): (Vec<Logs>, BTreeMap<String, String>),
    ) -> Supervised {
        let (reason, ended) = machine.ended().map_or((None, now), |(why, at)| (Some(why), at));
        drop((self.states.take(), self.receipts.take(), self.looks.take()));
        self.seal_drills(&machine, now.wall);
        // What cannot be written is missed when the run is judged.
        let _ = self.guards(&machine, now);
        let record = &mut self.record;
        record.workloads = machine.records(&record.workloads);
        seal::seal(&self.folder, record, logs);
        record.ended_at = Some(ended.wall);
        record.duration_seconds = Some(ended.mono.as_secs_f64());
        record.drain_seconds = machine.drain().map(|drain| drain.as_secs_f64());
        record.ended_because = reason;
        record.ended_by = machine.ended_by();
        record.held_up = machine.held_up().to_vec();
        record.paused = machine.paused().to_vec();
        record.incidents = machine.incidents().all().to_vec();
        record.incident_counts = machine.incident_counts();
        record.capture = machine.capture();
        record.evidence_age = machine.evidence_age();
        record.evidence_stalls = machine.evidence_stalls();
        record.resource_monitor = machine.resource_monitor();
        record.progress = self.progress.chain().clone();
        let unsaved = self.save(&machine, State::Sealing).err();
        Supervised { unsaved, record: self.record, machine, progress: self.progress, ended, layouts }
    }
}
