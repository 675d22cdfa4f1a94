//! Follows one run: notices new snapshots at the price of one `stat`, reads them, and keeps the run's course.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::find::{Finder, Run};
use super::replay::Replay;
use crate::digest::sha256;
use crate::evidence::checksums::is_safe;
use crate::io::clock;
use crate::io::files::{self, Folder};
use crate::io::process::alive;
use crate::supervise::acks::{self, Ack, Acks};
use crate::supervise::history::{History, Sample};
use crate::supervise::progress_reader::View;
use crate::supervise::record::{self, ProgressChain, SealedFile, State};
use crate::supervise::staleness::{Health, Judgement, Recorded};
use crate::time::Stamp;

/// How often a path is searched again for a (newer) run.
const SEARCH: Duration = Duration::from_millis(500);
/// How many snapshots of a timeline are read; a screen has fewer columns than this.
const TIMELINE: usize = 1500;
/// How many snapshots are searched backwards for a list of incidents.
const BACKWARDS: usize = 40;
/// How long a writer that does not replace its file atomically gets to finish.
const REWRITE: Duration = Duration::from_millis(30);

/// What identifies one state of a file.
type Identity = (u64, u64, i64, i64, u64);

/// A run that is being followed.
pub(crate) struct Follower {
    target: PathBuf,
    finder: Finder,
    searched: Option<Instant>,
    run: Option<Run>,
    identity: Option<Identity>,
    /// The last snapshot that could be read.
    pub view: Option<View>,
    /// When its file was written, by the file system's clock.
    pub modified: Option<Stamp>,
    /// The course of the run.
    pub history: History,
    /// Why there is no (newer) snapshot.
    pub problem: Option<String>,
    wants_history: bool,
    /// The acknowledgements beside the snapshot, with the size of their file.
    acks: (u64, Acks),
    /// Where the past is shown.
    replay: Option<Replay>,
}

impl Follower {
    /// Follows what `target` means: a progress file, a run directory, or an output root.
    pub(crate) fn new(target: &Path) -> Self {
        Self {
            target: target.to_owned(),
            finder: Finder::default(),
            searched: None,
            run: None,
            identity: None,
            view: None,
            modified: None,
            history: History::default(),
            problem: None,
            wants_history: false,
            acks: (0, Acks::default()),
            replay: None,
        }
    }

    /// Plays the timeline of the run back, so many seconds in one, or shows one moment of it.
    ///
    /// # Errors
    /// There is no run, or it has no timeline.
    pub(crate) fn replaying(mut self, speed: f64, at: Option<Stamp>) -> Result<Self, String> {
        self.search()?;
        let replay = Replay::of(self.path(), speed, at);
        self.replay = Some(replay.ok_or_else(|| format!("{} has no progress_timeline to show", self.name()))?);
        Ok(self)
    }

    /// The present of what is followed: of a replay that of the run.
    pub(crate) fn now(&self) -> Stamp {
        self.replay.as_ref().map_or_else(clock::now, Replay::now)
    }

    /// Whether a replay has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.replay.as_ref().is_some_and(Replay::is_over)
    }

    /// Takes what the replay shows by now; returns whether that is something new.
    fn play(&mut self) -> bool {
        let new = self.replay.as_mut().map(Replay::next).unwrap_or_default();
        for path in &new {
            match read(path) {
                Ok(mut view) => {
                    if let Some(earlier) = &self.view {
                        view.inherit(earlier);
                    }
                    if let Some(sample) = Sample::of(&view).filter(|_| self.wants_history) {
                        self.history.add(sample);
                    }
                    self.view = Some(view);
                }
                Err(problem) => self.problem = Some(problem),
            }
        }
        !new.is_empty()
    }

    /// Follows exactly this run.
    pub(crate) fn of_run(run: Run) -> Self {
        let target = run.progress.clone();
        Self { run: Some(run), searched: Some(Instant::now()), ..Self::new(&target) }
    }

    /// Also reads the timeline of the run and keeps its course.
    #[must_use]
    pub(crate) fn with_history(mut self) -> Self {
        self.wants_history = true;
        self
    }

    /// The run as people know it.
    pub(crate) fn title(&self) -> String {
        let simulated = self.view.as_ref().is_some_and(|view| view.simulated);
        self.place() + if simulated { " (simulated)" } else { "" }
    }

    fn place(&self) -> String {
        match &self.run {
            Some(Run { name, newest_of: Some(1), .. }) => format!("{name}, the only one in {}", self.target.display()),
            Some(Run { name, newest_of: Some(all), .. }) => {
                format!("{name}, newest of {all} in {}", self.target.display())
            }
            Some(run) => run.name.clone(),
            None => self.target.display().to_string(),
        }
    }

    /// The name of the run's directory, or the path that it was asked by.
    pub(crate) fn name(&self) -> String {
        self.run.as_ref().map_or_else(|| self.target.display().to_string(), |run| run.name.clone())
    }

    /// The progress file, as far as it is known.
    pub(crate) fn path(&self) -> &Path {
        self.run.as_ref().map_or(&self.target, |run| &run.progress)
    }

    /// Judges the last snapshot at the instant `now`.
    pub(crate) fn judge(&self, now: Stamp) -> Option<(Health, Judgement)> {
        let view = self.view.as_ref()?;
        let recorded = if view.is_complete() { self.recorded() } else { Recorded::Open };
        let health = match &self.replay {
            // Whether its supervisor lives by now says nothing of that time.
            Some(_) if !view.is_complete() => Health::Live,
            _ => Health::of(view, self.modified, now, alive::supervisor(view), recorded),
        };
        let judgement = Judgement::of(view, &health);
        Some((health, judgement))
    }

    /// The time of the first snapshot of what is played back.
    pub(crate) fn first(&self) -> Option<Stamp> {
        self.replay.as_ref().map(Replay::first)
    }

    /// What the record beside the progress file says.
    fn recorded(&self) -> Recorded {
        #[derive(serde::Deserialize)]
        struct Lean {
            state: State,
            #[serde(default)]
            sealed_files: Vec<SealedFile>,
            progress: ProgressChain,
        }
        match files::read_found(&self.path().with_file_name(record::FILE_NAME)) {
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Recorded::Nothing,
            Err(_) => Recorded::Unreadable,
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(Lean { state: State::Complete, sealed_files, progress }) => {
                    self.altered(&sealed_files, &progress).map_or(Recorded::Complete, Recorded::Altered)
                }
                Ok(_) => Recorded::Open,
                Err(_) => Recorded::Unreadable,
            },
        }
    }

    /// What is not as it was sealed, as far as that shows without reading the logs.
    fn altered(&self, sealed: &[SealedFile], progress: &ProgressChain) -> Option<String> {
        let snapshot = files::read_found(self.path()).unwrap_or_default();
        if progress.head_sha256.as_ref().is_some_and(|head| sha256(&snapshot) != *head) {
            return Some("the progress file is not the last snapshot of the run".to_owned());
        }
        let folder = files::folder_of(self.path());
        sealed.iter().filter(|file| is_safe(&file.path)).find_map(|file| {
            // People go on acknowledging.
            let as_sealed = |size: u64| size == file.bytes || file.path == acks::FILE_NAME && size > file.bytes;
            let size = fs::metadata(folder.join(&file.path)).ok().map(|about| about.len());
            match size {
                None => Some(format!("{} is gone", file.path)),
                Some(size) => (!as_sealed(size)).then(|| format!("{} has another size", file.path)),
            }
        })
    }

    /// Looks whether there is anything new; returns whether the snapshot or the problem changed.
    pub(crate) fn look(&mut self) -> bool {
        let fresh = if self.replay.is_some() { self.play() } else { self.look_now() };
        self.acknowledge(fresh) || fresh
    }

    /// Notes who has seen which incident; returns whether that is something new.
    fn acknowledge(&mut self, fresh: bool) -> bool {
        let now = self.now();
        let Some(events) = self.view.as_mut().and_then(|view| view.incidents.as_mut()).filter(|all| !all.is_empty())
        else {
            return false;
        };
        let (path, past) = (self.run.as_ref().map_or(&self.target, |run| &run.progress), self.replay.is_some());
        // It only ever grows.
        let size = fs::metadata(path.with_file_name(acks::FILE_NAME)).map_or(0, |about| about.len());
        let grown = size != self.acks.0;
        if grown {
            self.acks = (size, read_acks(path));
        }
        if grown || fresh {
            for event in events {
                event.acknowledged = self.acks.1.of(&event.id).filter(|ack| !past || ack.at <= now).cloned();
            }
        }
        grown
    }

    /// Takes the acknowledgement of incidents of the run: who has seen them, and what that person says.
    ///
    /// # Errors
    /// The past is shown, the run is in a packet, or the file cannot be written.
    pub(crate) fn add_ack(&self, incident: &str, by: &str, note: Option<&str>) -> Result<(), String> {
        if self.replay.is_some() {
            return Err("the past cannot be acknowledged: watch the run itself".to_owned());
        }
        let folder = files::folder_of(self.path());
        let above = folder.join("..");
        if ["manifest.json", "SHA256SUMS"].iter().any(|name| folder.join(name).exists() || above.join(name).exists()) {
            return Err(format!("{} is in a packet, which is sealed: name the run directory", folder.display()));
        }
        let ack =
            Ack { at: clock::now(), incident: incident.to_owned(), by: by.to_owned(), note: note.map(str::to_owned) };
        let folder = Folder::of_evidence(folder).map_err(|error| error.to_string())?;
        folder.append_line(acks::FILE_NAME, files::json_line(&ack).trim_end()).map_err(|error| error.to_string())
    }

    fn look_now(&mut self) -> bool {
        let before = self.problem.clone();
        let fresh = match self.search() {
            Ok(()) => self.refresh(),
            Err(problem) => {
                self.problem = Some(problem);
                false
            }
        };
        fresh || self.problem != before
    }

    /// Finds the run that the target means by now.
    fn search(&mut self) -> Result<(), String> {
        let exact = self.run.as_ref().is_some_and(|run| run.newest_of.is_none());
        let recent = self.searched.is_some_and(|at| at.elapsed() < SEARCH);
        if exact || (recent && self.run.is_some()) {
            return Ok(());
        }
        self.searched = Some(Instant::now());
        let shown = self.target.display();
        match self.finder.find(&self.target) {
            Ok(Some(run)) => {
                if self.run.as_ref().is_none_or(|known| known.progress != run.progress) {
                    (self.identity, self.view, self.history) = (None, None, History::default());
                }
                self.run = Some(run);
                Ok(())
            }
            // A run that was there and is gone keeps its last snapshot.
            Ok(None) if self.target.is_dir() => Err(format!("no run in {shown} yet")),
            Ok(None) => Err(format!("{shown} does not exist yet")),
            Err(error) => Err(format!("cannot read {shown}: {error}")),
        }
    }

    /// Reads the progress file if it changed; returns whether there is a new snapshot.
    fn refresh(&mut self) -> bool {
        let path = self.path().to_owned();
        let file = match fs::metadata(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let gone = if self.view.is_some() { "is gone" } else { "does not exist yet" };
                self.problem = Some(format!("{} {gone}", path.display()));
                self.identity = None;
                return false;
            }
            Err(error) => {
                self.problem = Some(format!("cannot read {}: {error}", path.display()));
                return false;
            }
        };
        let identity = (file.dev(), file.ino(), file.mtime(), file.mtime_nsec(), file.len());
        if self.identity == Some(identity) {
            return false;
        }
        // Within one tick of the file system's clock a file may change again and look the same.
        let settled = file
            .modified()
            .is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > Duration::from_millis(20)));
        self.identity = settled.then_some(identity);
        if !file.is_file() {
            self.problem = Some(format!("{} is not a file", path.display()));
            return false;
        }
        let read = read(&path).or_else(|_| {
            thread::sleep(REWRITE);
            read(&path)
        });
        let mut view = match read {
            Ok(view) => view,
            Err(problem) => {
                self.problem = Some(problem);
                return false;
            }
        };
        self.problem = None;
        self.modified = file.modified().ok().map(Into::into);
        if self.view.as_ref() == Some(&view) {
            return false;
        }
        match &self.view {
            Some(earlier) if view.same_run(earlier) => view.inherit(earlier),
            _ => self.begin(&mut view),
        }
        if let Some(sample) = Sample::of(&view).filter(|_| self.wants_history) {
            self.history.add(sample);
        }
        self.view = Some(view);
        true
    }

    /// Gathers what happened in a run before it was followed.
    fn begin(&mut self, view: &mut View) {
        self.history = History::default();
        let folder = self.path().with_file_name("progress_timeline");
        if view.incidents.is_some() && !self.wants_history {
            return;
        }
        let Ok(entries) = fs::read_dir(folder) else { return };
        let mut names: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "json"));
        names.sort();
        if view.incidents.is_none() {
            let earlier = names.iter().rev().take(BACKWARDS).filter_map(|name| read(name).ok());
            if let Some(earlier) = earlier.into_iter().find(|earlier| earlier.incidents.is_some()) {
                view.inherit(&earlier);
            }
        }
        if self.wants_history {
            let step = names.len().div_ceil(TIMELINE).max(1);
            for name in names.iter().step_by(step) {
                let bytes = files::read_found(name).unwrap_or_default();
                if let Some(sample) = Sample::parse(&bytes, view.started_at) {
                    self.history.add(sample);
                }
            }
        }
    }
}

/// The acknowledgements beside a progress file; none if they cannot be read.
fn read_acks(progress: &Path) -> Acks {
    let mut bytes = Vec::new();
    let folder = Folder::of_evidence(files::folder_of(progress)).ok();
    let file = folder.and_then(|folder| folder.open_file(acks::FILE_NAME).ok());
    // What was read before an error is as true as all of it.
    let _ = file.map(|file| file.take(acks::LIMIT).read_to_end(&mut bytes));
    Acks::parse(&bytes)
}

fn read(path: &Path) -> Result<View, String> {
    let bytes = files::read_found(path).map_err(|error| error.to_string())?;
    View::parse(&bytes).map_err(|why| format!("cannot use {}: {why}", path.display()))
}
