//! Loads the evidence of a run, wherever it lies, and has it judged.
//!
//! `final-dry-run` ends with [`judge`] on its run directory, and `audit` is little more than [`judge`]: one verdict,
//! computed from what is on disk.

mod packet;
mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::{self, FileError};
use super::packet_reader::Unpacked;
use super::scan::{self, ScanOptions, Source};
use super::{checksums, clock};
use crate::evidence::{diary, performance, terraform_plan};
use crate::finding::{Finding, Metadata, Status};
use crate::log::summary::{ChecksumSummary, LogSummary, Summary};
use crate::time::Stamp;
use crate::verdict::audit::Audit;
use crate::verdict::policy::{self, Layer, Policy};

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
}

impl Request {
    /// A request to judge a run directory by its own settings.
    pub fn run(folder: &Path) -> Self {
        Self {
            subject: Subject::Run(folder.to_owned()),
            checksums: None,
            plan: None,
            layers: Vec::new(),
            metadata: Metadata::new(),
            diary_key: None,
            threads: 0,
            show_progress: false,
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
}

impl Named {
    fn given(path: &Path) -> Self {
        Self { path: path.to_owned(), name: path.display().to_string() }
    }
}

/// The evidence, found but not yet read.
#[derive(Debug, Default)]
struct Evidence {
    logs: Vec<PathBuf>,
    /// The folder that paths are shown relative to, with what stands before them.
    root: Option<(PathBuf, &'static str)>,
    diary: Option<Named>,
    performance: Option<Named>,
    /// The supervised time, and its length by the monotonic clock.
    window: Option<(Stamp, Stamp)>,
    duration_seconds: Option<f64>,
    /// When nothing ran: after each attempt, until the next or the end of the run.
    pauses: Vec<(Stamp, Stamp)>,
    /// Lines that the logs must account for, by the record of the run.
    captured: Option<u64>,
    /// Records by level, where none was lost, by the record of the run.
    levels: Option<BTreeMap<String, u64>>,
    /// What is wrong with the run itself.
    findings: Vec<Finding>,
    /// What the run was asked for.
    layer: Option<Layer>,
    /// What the operator attached to the run, and what is known of the run.
    metadata: Metadata,
    run: Option<Value>,
    checksums: Option<ChecksumSummary>,
    /// Keeps the temporary folder until the evidence was read.
    _unpacked: Option<Unpacked>,
}

/// Loads the evidence and judges it.
///
/// # Errors
/// The policy contradicts itself, or the named place holds no run. Bad evidence is no error but a finding.
pub fn judge(request: &Request) -> Result<Audit, LoadError> {
    let mut evidence = match &request.subject {
        Subject::Run(path) => run::find(path)?,
        Subject::Files { logs, diary, performance } => Evidence {
            logs: logs.clone(),
            diary: diary.as_deref().map(Named::given),
            performance: performance.as_deref().map(Named::given),
            ..Evidence::default()
        },
    };
    let layers: Vec<Layer> = request.layers.iter().cloned().chain(evidence.layer.take()).collect();
    let policy = policy::resolve(&layers).map_err(LoadError::Usage)?;
    let (logs, log_names) = read_logs(&evidence, &policy, request);
    let window = evidence.window.or(logs.started_at.zip(logs.ended_at));
    let diary = evidence.diary.as_ref().map(|file| match files::read(&file.path) {
        Ok(bytes) => diary::summarise(&file.name, &bytes, window, &policy.diary_rules(request.diary_key.clone())),
        Err(error) => diary::unreadable(&file.name, &unreadable("the decision diary", &error)),
    });
    let performance = evidence.performance.as_ref().map(|file| match files::read(&file.path) {
        Ok(bytes) => performance::summarise(&file.name, &bytes, window, &policy.performance_rules()),
        Err(error) => performance::unreadable(&file.name, &unreadable("the performance report", &error)),
    });
    let plan = request.plan.as_deref().map(Named::given).map(|file| match files::read(&file.path) {
        Ok(bytes) => terraform_plan::summarise(&file.name, &bytes),
        Err(error) => terraform_plan::unreadable(&file.name, &unreadable("the infrastructure plan", &error)),
    });
    let listed = request.checksums.as_deref().map(|path| checksums::verify(path, &path.display().to_string()));
    let checksums = match (evidence.checksums.take(), listed) {
        (Some(mut packet), Some(listed)) => {
            packet.merge(listed);
            Some(packet)
        }
        (packet, listed) => packet.or(listed),
    };
    let metadata = metadata(&evidence, log_names, request);
    let summary = Summary {
        schema: String::new(),
        generated_at: clock::generated_at(),
        status: Status::Pass,
        metadata,
        logs,
        diary,
        performance,
        checksums,
        plan,
        findings: evidence.findings,
    };
    Ok(Audit::new(summary, policy, clock::generated_at()))
}

/// Why a file could not be read, for people.
fn unreadable(what: &str, error: &FileError) -> String {
    match error.source.kind() {
        std::io::ErrorKind::NotFound => format!("{what} is missing"),
        _ => format!("{what} cannot be read: {}", error.source),
    }
}

/// The summary of the logs, and how each of them is called.
fn read_logs(evidence: &Evidence, policy: &Policy, request: &Request) -> (LogSummary, Vec<String>) {
    let options = ScanOptions {
        warn_gap: policy.warn_gap(),
        fail_gap: policy.fail_gap(),
        max_listed: policy.logs.max_listed,
        threads: request.threads,
        window: evidence.window,
        pauses: evidence.pauses.clone(),
        show_progress: request.show_progress,
    };
    let (mut sources, mut faults) = scan::expand(&evidence.logs);
    for source in &mut sources {
        if let Source::File { shown, .. } = source {
            evidence.rename(shown);
        }
    }
    for place in faults.iter_mut().filter_map(|fault| fault.place.as_mut()) {
        evidence.rename(&mut place.path);
    }
    // The same report for any order of the files.
    sources.sort_by(|a, b| a.shown().cmp(b.shown()));
    faults.sort_by(|a, b| a.place.cmp(&b.place));
    let mut logs = scan::scan(&sources, &options);
    logs.status = logs.status.max(Status::roll_up(faults.iter().map(|fault| fault.severity)));
    logs.findings.splice(0..0, faults);
    if let Some(captured) = evidence.captured {
        let held = logs.lines + logs.folded_lines;
        if held != captured {
            let text = format!(
                "the run captured {captured} lines, but its logs hold {held}: they are not as they were written"
            );
            logs.findings.push(Finding::fail(text).with("captured_lines", captured).with("held_lines", held));
            logs.status = Status::Fail;
        } else if logs.levels_not_listed == 0 && evidence.levels.as_ref().is_some_and(|l| *l != logs.level_counts) {
            let text =
                "the levels of the records are not those that the run captured: its logs are not as they were written";
            logs.findings.push(Finding::fail(text));
            logs.status = Status::Fail;
        }
    }
    if let Some(seconds) = evidence.duration_seconds {
        logs.duration_seconds = Some(seconds);
        logs.uptime_ratio = logs.uptime_ratio.filter(|_| seconds > 0.0);
    }
    let names = match &request.subject {
        Subject::Run(_) => sources.iter().map(|source| source.shown().to_owned()).collect(),
        Subject::Files { logs, .. } => {
            let mut names: Vec<String> = logs.iter().map(|path| path.display().to_string()).collect();
            names.sort();
            names
        }
    };
    (logs, names)
}

impl Evidence {
    /// Shows a path relative to the run, where it lies there.
    fn rename(&self, shown: &mut String) {
        if let Some((root, prefix)) = &self.root
            && let Ok(relative) = Path::new(shown.as_str()).strip_prefix(root)
        {
            *shown = format!("{prefix}{}", relative.display());
        }
    }
}

/// What the document says about where it comes from. The keys of the evidence win over those of people.
fn metadata(evidence: &Evidence, log_names: Vec<String>, request: &Request) -> Metadata {
    let name = |file: &Named| Value::from(file.name.as_str());
    let subject = match &request.subject {
        Subject::Run(path) => Some(name(&Named::given(path))),
        Subject::Files { .. } => None,
    };
    let known: BTreeMap<&str, Option<Value>> = BTreeMap::from([
        ("log_paths", Some(log_names.into())),
        ("diary_path", evidence.diary.as_ref().map(name)),
        ("performance_path", evidence.performance.as_ref().map(name)),
        ("checksums_path", request.checksums.as_deref().map(Named::given).as_ref().map(name)),
        ("plan_path", request.plan.as_deref().map(Named::given).as_ref().map(name)),
        ("run", evidence.run.clone()),
        ("subject", subject),
    ]);
    let mut metadata = evidence.metadata.clone();
    metadata.extend(request.metadata.clone());
    metadata.retain(|key, _| !known.contains_key(key.as_str()));
    metadata.extend(known.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    metadata
}
