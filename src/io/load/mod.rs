//! Loads the evidence of a run, wherever it is, and has it judged.
//!
//! `final-dry-run` ends with [`judge()`] on its run directory, and `audit` is little more than [`judge()`]: one verdict,
//! computed from what is on disk.

mod again;
mod attested;
mod comparison;
mod folder;
mod loaded;
mod logs;
mod packet;
pub(crate) mod readiness;
mod sealed;
mod written;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::clock;
use super::files::{self, FileError, Folder};
use super::packet::checksums;
use super::packet::reader::{self, Unpacked};
use super::read::decode;
use crate::drills::{document, judge};
use crate::evidence::checksums::Found;
use crate::evidence::terraform_plan;
use crate::finding::Metadata;
use crate::log::summary::drills::DrillsSummary;
use crate::log::summary::{ChecksumSummary, Summary};
use crate::shards::partial::Folded;
use crate::supervise::record::{self, RunRecord};
use crate::time::Stamp;
use crate::verdict::attestation::judge::{Packet, Trust};
use crate::verdict::audit::Audit;
use crate::verdict::gates::About;
use crate::verdict::packet::PACKET_MARKS;
use crate::verdict::policy::{self, Layer, Policy};
use crate::verdict::run::{self, Beside, FileFound, Place, Run, Sealed};

pub use comparison::Against;
pub(crate) use loaded::Loaded;

/// What is to be judged.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A run directory, a packet directory or a packet archive.
    Run(PathBuf),
    /// Evidence files named one by one.
    Files {
        /// Logs: files, directories, or `-` for standard input.
        logs: Vec<PathBuf>,
        /// The decision diary.
        diary: Option<PathBuf>,
        /// The performance report.
        performance: Option<PathBuf>,
    },
}

/// What is to be judged, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// The evidence.
    pub subject: Subject,
    /// A list of checksums to verify.
    pub checksums: Option<PathBuf>,
    /// An infrastructure plan to look for drift in.
    pub plan: Option<PathBuf>,
    /// Documents of other systems, with the name that each was given.
    pub components: Vec<(Option<String>, PathBuf)>,
    /// Thresholds and criteria, the first layer over all others; the settings of a run come after them.
    pub layers: Vec<Layer>,
    /// What the caller adds; never overwrites evidence.
    pub metadata: Metadata,
    /// The key of the diary's signatures.
    pub diary_key: Option<Vec<u8>>,
    /// How many threads read logs; 0 for one per core.
    pub threads: usize,
    /// Whether to show a progress bar on standard error.
    pub show_progress: bool,
    /// Whose signatures and decisions are asked for.
    pub trust: Trust,
    /// Bundles of signatures that are kept elsewhere.
    pub attestations: Vec<PathBuf>,
    /// The time by which waivers are judged, in the place of the end of the run.
    pub as_of: Option<Stamp>,
    /// What the run is held against.
    pub against: Against,
    /// What the logs come to, where they were read in shards.
    pub folded: Option<Arc<Folded>>,
    /// Whether the supervisor of the run asks, to seal it: then nothing is missing yet that comes with the verdict.
    pub sealing: bool,
    /// Writes the documents of a run again, which are held against what was sealed.
    pub(crate) again: Option<Again>,
}

/// The documents of a run, written from its record and its evidence; from those that were sealed comes what neither knows.
pub(crate) type Again = fn(&RunRecord, &Audit, &[Sealed], Option<&Beside<'_>>) -> Vec<Sealed>;

impl Request {
    /// A request to judge a run directory by its own settings.
    pub fn run(folder: &Path) -> Self {
        Self {
            subject: Subject::Run(folder.to_owned()),
            checksums: None,
            plan: None,
            components: Vec::new(),
            layers: Vec::new(),
            metadata: Metadata::new(),
            diary_key: None,
            threads: 0,
            show_progress: false,
            trust: Trust::default(),
            attestations: Vec::new(),
            as_of: None,
            against: Against::default(),
            folded: None,
            sealing: false,
            again: None,
        }
    }
}

/// Why no verdict could be formed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The request cannot be meant; the message says what to do.
    #[error("{0}")]
    Usage(String),
    /// The place of the evidence itself cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A file with the name by which people know it.
#[derive(Clone, Debug)]
struct Named {
    path: PathBuf,
    name: String,
    /// The run directory, for what its record names or what was found in it.
    run: Option<Folder>,
}

impl Named {
    fn given(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.display().to_string(), run: None }
    }

    fn read(&self, limit: u64) -> Result<Vec<u8>, FileError> {
        match &self.run {
            Some(run) => files::read_evidence(run, &self.path, limit),
            None => files::read_within(&self.path, limit),
        }
    }

    /// A document that is read as it comes, as UTF-8.
    fn text(&self) -> Result<Box<dyn Read + Send>, FileError> {
        let open = || match &self.run {
            Some(run) => files::open_evidence(run, &self.path).map(|file| Box::new(file) as Box<dyn Read + Send>),
            None => files::open_named(&self.path),
        };
        let (head, text) = decode::peek(open().map_err(|source| FileError::new("read", &self.path, source))?, 2);
        Ok(match head[..] {
            [0xff, 0xfe] => Box::new(decode::FromUtf16::new(text, false)),
            [0xfe, 0xff] => Box::new(decode::FromUtf16::new(text, true)),
            _ => text,
        })
    }

    /// When it was last written.
    fn modified(&self) -> Option<Stamp> {
        std::fs::metadata(&self.path).and_then(|file| file.modified()).ok().map(Stamp::from)
    }
}

/// An evidence file of a workload beside the one that the run names.
#[derive(Debug)]
struct Further {
    workload: String,
    /// `diary` or `performance`.
    kind: String,
    /// Its path by the record.
    path: String,
    file: Named,
}

/// The evidence, found but not yet read.
#[derive(Debug, Default)]
struct Evidence {
    logs: Vec<PathBuf>,
    /// The folder that the evidence was found in and that paths are shown relative to, with what is before them.
    root: Option<(Folder, &'static str)>,
    diary: Option<Named>,
    performance: Option<Named>,
    /// The evidence files of further workloads.
    further: Vec<Further>,
    /// The directory of the run or of the packet.
    top: Option<Folder>,
    /// What was found at each path of a packet.
    found: BTreeMap<String, Found>,
    /// Where the run is, if it is one.
    place: Option<Place>,
    /// What the documents of the run say.
    run: Run,
    /// Its evidence files, as they are now.
    files: Vec<FileFound>,
    /// The documents that were written when it was sealed.
    documents: Vec<Sealed>,
    /// The policy that a packet states.
    policy: Option<Sealed>,
    /// The waivers that it states.
    waivers: Option<Sealed>,
    /// The files of a packet and its signatures.
    packet: Option<Packet>,
    checksums: Option<ChecksumSummary>,
    /// Keeps the temporary folder until the evidence was read.
    _unpacked: Option<Unpacked>,
}

/// Loads the evidence and judges it.
///
/// # Errors
/// The policy contradicts itself, or the named place holds no run. Bad evidence is no error but a finding.
pub fn judge(request: &Request) -> Result<Audit, LoadError> {
    load(request).map(|loaded| loaded.audit)
}

/// [`judge()`], with the evidence still at hand.
///
/// # Errors
/// The same.
pub(crate) fn load(request: &Request) -> Result<Loaded, LoadError> {
    let mut evidence = match &request.subject {
        Subject::Run(path) => find(path, request.sealing)?,
        Subject::Files { logs, diary, performance } => Evidence {
            logs: logs.clone(),
            diary: diary.as_deref().map(Named::given),
            performance: performance.as_deref().map(Named::given),
            ..Evidence::default()
        },
    };
    let own: Vec<Layer> = evidence.run.layers.drain(..).collect();
    let layers: Vec<Layer> = request.layers.iter().chain(&own).cloned().collect();
    let workloads = &evidence.run.workloads;
    let resolve = |layers: &[Layer]| -> Result<Policy, LoadError> {
        let mut policy = policy::resolve(layers).map_err(LoadError::Usage)?;
        policy.rows.extend(workloads.criteria(&policy));
        Ok(policy)
    };
    let (policy, own) = (resolve(&layers)?, resolve(&own)?);
    let mut summary = summarise(&evidence, &policy, request);
    if let Some(place) = evidence.place {
        run::compare_logs(&mut evidence.run, place, &summary.logs, &evidence.documents);
        again::compare(&mut evidence);
        summary.findings.clone_from(&evidence.run.findings);
        summary.guards.clone_from(&evidence.run.guards);
        summary.record = sealed::compare(&mut evidence, &summary, (&policy, &own), request);
        // A supervisor that seals the run leaves what was there to the record.
        if let Some(foreign) = evidence.foreign_acks().filter(|_| !request.sealing) {
            run::add_differences(&mut summary.record, &[foreign]);
        }
    }
    let attested = attested::judge(&evidence, request)?;
    // What is signed and does not fit is told even where nobody asks for signatures.
    if let (Some(attested), true) = (&attested, request.trust.keys.is_empty()) {
        run::add_differences(&mut summary.record, &attested.signatures.findings);
    }
    let listed = request.checksums.as_deref().map(|path| checksums::verify(path, &path.display().to_string()));
    summary.checksums = match (evidence.checksums.take(), listed) {
        (Some(mut packet), Some(listed)) => {
            packet.merge(listed);
            Some(packet)
        }
        (packet, listed) => packet.or(listed),
    };
    summary.plan = request.plan.as_deref().map(Named::given).map(|file| match file.read(files::DOCUMENT_LIMIT) {
        Ok(bytes) => terraform_plan::summarise(&file.name, &bytes),
        Err(error) => terraform_plan::unreadable(&file.name, &unreadable("the infrastructure plan", &error)),
    });
    let about = About { attested, ..about(&evidence, request) };
    readiness::add(&mut summary, request, &evidence, &policy, about.ended_at)?;
    // One time for all of it, so that its documents can be written again.
    let at = summary.generated_at;
    let against = &request.against;
    if against.has_baseline() || !against.trend.is_empty() {
        // Earlier runs are held against what this one is without them.
        let judged = Audit::new(summary.clone(), policy.clone(), about.clone(), at);
        (summary.baseline, summary.trend) = comparison::add(request, &policy, &evidence, &judged)?;
    }
    let (packet, acknowledgements) = (evidence.packet.take(), evidence.acknowledgements(request.sealing));
    let runtime = evidence.run.runtime();
    let audit = Audit { packet, acknowledgements, runtime, ..Audit::new(summary, policy, about, at) };
    Ok(Loaded { audit, evidence })
}

/// Reads logs, diary and performance report under `policy`.
fn summarise(evidence: &Evidence, policy: &Policy, request: &Request) -> Summary {
    // What need not be there in a run, and is not, says nothing.
    let criteria = policy.sign_off.as_ref().filter(|_| evidence.place.is_some());
    let named = |file: &&Named, required: bool| required || file.path.exists();
    let diary = evidence.diary.as_ref().filter(|file| criteria.is_none_or(|c| named(file, c.require_diary)));
    let performance =
        evidence.performance.as_ref().filter(|file| criteria.is_none() || named(file, policy.needs_performance()));
    let (logs, log_names, mut workloads) = logs::read(evidence, policy, request);
    let metadata = metadata(evidence, [diary, performance], log_names, request);
    let names = evidence.run.record.as_ref().map(|record| [&record.evidence.diary, &record.evidence.performance]);
    let window = |at: usize| {
        let run = evidence.run.window_of(names.and_then(|names| names[at].as_ref()));
        run.or(logs.started_at.zip(logs.ended_at))
    };
    let diary = diary.map(|file| written::diary(evidence, file, window(0), policy, request));
    let performance = performance.map(|file| written::performance(evidence, file, window(1), policy, request));
    if let Some(workloads) = &mut workloads {
        written::further(evidence, policy, request, workloads);
    }
    Summary {
        schema: String::new(),
        generated_at: clock::generated_at(),
        evidence_status: Default::default(),
        metadata,
        logs,
        diary,
        performance,
        checksums: None,
        plan: None,
        record: None,
        workloads,
        readiness: None,
        baseline: None,
        trend: None,
        drills: drills(evidence, request),
        guards: evidence.run.guards.clone(),
        notifications: evidence.run.notifications.clone(),
        checklist: evidence.checklist(),
        findings: evidence.run.findings.clone(),
    }
}

/// The drills of the run, which grow old where it is judged for a later time than its own.
fn drills(evidence: &Evidence, request: &Request) -> Option<DrillsSummary> {
    let mut drills = evidence.run.drills.clone();
    let plan = evidence.run.record.as_ref().and_then(|record| record.drills.as_ref());
    if let (Some(drills), Some(plan), Some(now)) = (&mut drills, plan, request.as_of) {
        let place = evidence.place.unwrap_or(Place::Home);
        judge::age(drills, plan, now, &place.shown(document::FILE_NAME));
    }
    drills
}

/// What is known of the run beside its evidence.
fn about(evidence: &Evidence, request: &Request) -> About {
    let about = evidence.run.record.as_ref().map(About::of).unwrap_or_default();
    let without_logs = matches!(&request.subject, Subject::Files { logs, .. } if logs.is_empty());
    About { ended_at: request.as_of.or(about.ended_at), without_logs, ..about }
}

/// The evidence at `path`: a run directory, a packet directory or a packet archive.
fn find(path: &Path, sealing: bool) -> Result<Evidence, LoadError> {
    let shown = path.display().to_string();
    let shown = shown.trim_end_matches('/');
    let (_, about) = files::open(path).map_err(|source| FileError::new("read", path, source))?;
    if !about.is_dir() {
        return if reader::is_archive(path)? {
            packet::unpack(path, shown)
        } else {
            Err(LoadError::Usage(format!("{shown} is not a packet archive; to judge a log, write --log {shown}")))
        };
    }
    let found = Folder::of_evidence(path)?;
    let has = |name: &str| found.kind(name).is_some();
    // Whatever else is in it: what claims to be a packet is verified like one.
    if PACKET_MARKS.iter().any(|name| has(name)) {
        Ok(packet::read(&found))
    } else if [record::FILE_NAME, "logs", "progress.json", "summary.json"].iter().any(|name| has(name)) {
        Ok(folder::read(&found, Place::Home, sealing, &BTreeMap::new()))
    } else {
        Err(LoadError::Usage(format!(
            "{shown} is no run directory: it has no run.json, no logs and no manifest.json; to judge the logs in a \
             directory, write --log {shown}"
        )))
    }
}

/// Whether a packet is at `path`: a directory that claims to be one, or an archive.
///
/// # Errors
/// There is nothing that can be read.
pub fn packet_at(path: &Path) -> Result<Option<Form>, FileError> {
    let about = std::fs::metadata(path).map_err(|source| FileError::new("read", path, source))?;
    if about.is_dir() {
        return Ok(PACKET_MARKS.iter().any(|name| path.join(name).exists()).then_some(Form::Folder));
    }
    Ok(reader::is_archive(path)?.then_some(Form::Archive))
}

/// The form of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A directory.
    Folder,
    /// A gzipped tar.
    Archive,
}

/// Why a file could not be read, for people.
fn unreadable(what: &str, error: &FileError) -> String {
    match error.source.kind() {
        std::io::ErrorKind::NotFound => format!("{what} is missing"),
        _ => format!("{what} cannot be read: {}", error.source),
    }
}

impl Evidence {
    /// The earliest time by the wall clock that a file written during the run can have, even where the clock was set
    /// back meanwhile.
    fn earliest(&self) -> Option<Stamp> {
        let (started, ended) = self.run.window?;
        let length = Duration::try_from_secs_f64(self.run.duration_seconds.unwrap_or_default()).unwrap_or_default();
        Some(started.min(ended.minus(length)))
    }

    /// Shows a path relative to the run, where it is there.
    fn rename(&self, shown: &mut String) {
        if let Some((root, prefix)) = &self.root
            && let Some(relative) = root.relative(Path::new(shown.as_str()))
        {
            *shown = format!("{prefix}{}", relative.display());
        }
    }
}

/// What the document says about where it comes from. The keys of the evidence win over those of people.
fn metadata(evidence: &Evidence, parts: [Option<&Named>; 2], log_names: Vec<String>, request: &Request) -> Metadata {
    let name = |file: &Named| Value::from(file.name.as_str());
    let subject = match &request.subject {
        // Its documents may go anywhere: they name no place of this machine.
        Subject::Run(_) if request.sealing => None,
        Subject::Run(path) => Some(name(&Named::given(path))),
        Subject::Files { .. } => None,
    };
    let known: BTreeMap<&str, Option<Value>> = BTreeMap::from([
        ("log_paths", Some(log_names.into())),
        ("diary_path", parts[0].map(name)),
        ("performance_path", parts[1].map(name)),
        ("checksums_path", request.checksums.as_deref().map(Named::given).as_ref().map(name)),
        ("plan_path", request.plan.as_deref().map(Named::given).as_ref().map(name)),
        ("run", evidence.run.about.clone()),
        ("record_path", evidence.place.map(|place| place.shown(record::FILE_NAME).into())),
        ("subject", subject),
    ]);
    let mut metadata = evidence.run.metadata.clone();
    metadata.extend(request.metadata.clone());
    metadata.retain(|key, _| !known.contains_key(key.as_str()));
    metadata.extend(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    metadata
}
