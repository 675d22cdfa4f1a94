//! Earlier runs and documents that a run is held against, found and read.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Evidence, LoadError, Loaded, Named, Request, Subject, load};
use crate::io::files;
use crate::io::runs::find::Finder;
use crate::json::lenient;
use crate::log::summary::comparison::{Baseline, Trend};
use crate::supervise::record::{self, RunRecord};
use crate::verdict::audit::Audit;
use crate::verdict::baseline::{self, Asked, Beside, Candidate, Measured, Options, documents, trend};
use crate::verdict::packet::PACKET_MARKS;
use crate::verdict::policy::Policy;

/// The most accepted runs that are taken where nobody names them: the newest.
const MOST: usize = 20;

/// What a run is held against.
#[derive(Clone, Debug, Default)]
pub struct Against {
    /// Runs, packets and documents that are named.
    pub baselines: Vec<PathBuf>,
    /// Whether accepted runs of the same command are looked for beside the run.
    pub auto: bool,
    /// Whether runs that were not accepted do as well.
    pub any: bool,
    /// The runs of a trend, the one that is judged last; empty where none is asked for.
    pub trend: Vec<PathBuf>,
}

impl Against {
    /// Whether a comparison with earlier runs is asked for.
    pub(crate) fn has_baseline(&self) -> bool {
        self.auto || !self.baselines.is_empty()
    }
}

/// Adds the comparisons that the request asks for; `run` is the run itself, where there is one.
///
/// # Errors
/// The policy names a figure that there is not.
pub(super) fn add(
    request: &Request,
    policy: &Policy,
    evidence: &Evidence,
    judged: &Audit,
) -> Result<(Option<Baseline>, Option<Trend>), LoadError> {
    let against = &request.against;
    let asked = Asked { rules: &policy.baseline, figures: &policy.performance.figures };
    if against.has_baseline() || !against.trend.is_empty() {
        baseline::check(asked).map_err(LoadError::Usage)?;
    }
    let (name, has_run) = match &request.subject {
        Subject::Run(path) => (path.display().to_string(), true),
        Subject::Files { logs, .. } => (String::new(), !logs.is_empty()),
    };
    let own = has_run.then(|| measured(&name, judged, evidence, asked));
    let mut found = None;
    if against.has_baseline() {
        let mut candidates: Vec<Candidate> = against.baselines.iter().map(|path| candidate(path, asked)).collect();
        if let (true, Subject::Run(run)) = (against.auto, &request.subject) {
            candidates.extend(beside(run, evidence.run.record.as_ref(), asked));
        }
        let options = Options { named: !against.baselines.is_empty(), any: against.any, rules: &policy.baseline };
        found = Some(baseline::compare(own.as_ref(), candidates, &options));
    }
    let mut moved = None;
    if let Some((_, before)) = against.trend.split_last() {
        let mut runs = Vec::new();
        for path in before {
            let loaded = load(&Request::run(path))?;
            runs.push(of_loaded(path, &loaded, asked));
        }
        runs.extend(own);
        moved = Some(trend::of(&runs));
    }
    Ok((found, moved))
}

/// What is at `path`: a run or packet, which is judged by its own policy, or a document.
fn candidate(path: &Path, asked: Asked<'_>) -> Candidate {
    let shown = path.display().to_string();
    let is_run = path.is_dir() || super::packet_at(path).is_ok_and(|packet| packet.is_some());
    if is_run {
        return match load(&Request::run(path)) {
            Ok(loaded) => Candidate::Run(Box::new(of_loaded(path, &loaded, asked))),
            Err(error) => Candidate::Unreadable(shown, error.to_string()),
        };
    }
    let bytes = match Named::given(path).read(files::FIGURES_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) => return Candidate::Unreadable(shown, error.to_string()),
    };
    match lenient::parse_within(&lenient::text(&bytes), lenient::BUDGET) {
        Ok(document) => match documents::read(&shown, &document) {
            Some((earlier, against)) => Candidate::Document(earlier, against),
            None => Candidate::Unreadable(
                shown,
                "it is no run, no packet, and no assessment of performance (healthy, throughput, backlog, resource, \
                 latency_seconds)"
                    .to_owned(),
            ),
        },
        Err(error) => Candidate::Unreadable(shown, format!("it is not JSON: {error}")),
    }
}

/// The newest accepted runs of the same command that are beside `run`. What tells cheaply that a run does not count is
/// looked at first; what is left is judged from its evidence.
fn beside(run: &Path, own: Option<&RunRecord>, asked: Asked<'_>) -> Vec<Candidate> {
    let absolute = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    let (Some(root), Some(own)) = (absolute.parent(), own) else { return Vec::new() };
    // Shown as the run itself is.
    let shown_root = run.parent().filter(|parent| !parent.as_os_str().is_empty());
    let names = Finder::default().all(root).unwrap_or_default().into_iter().map(|run| run.name);
    let mut found = Vec::new();
    for name in names.filter(|name| absolute.file_name().is_none_or(|own| own != name.as_str())) {
        let folder = root.join(&name);
        let packed = PACKET_MARKS.iter().any(|mark| folder.join(mark).exists());
        let record = folder.join(if packed { "raw" } else { "" }).join(record::FILE_NAME);
        let record = files::read_within(&record, files::FIGURES_LIMIT).ok();
        let record = record.and_then(|bytes| serde_json::from_slice::<RunRecord>(&bytes).ok());
        let fits = record.is_some_and(|record| {
            record.command == own.command
                && record.state == record::State::Complete
                && record.started_at < own.started_at
        });
        if !fits {
            continue;
        }
        let Ok(loaded) = load(&Request::run(&folder)) else { continue };
        let shown = shown_root.map_or_else(|| PathBuf::from(&name), |root| root.join(&name));
        let measured = of_loaded(&shown, &loaded, asked);
        if measured.is_accepted() {
            found.push(Candidate::Run(Box::new(measured)));
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

fn of_loaded(path: &Path, loaded: &Loaded, asked: Asked<'_>) -> Measured {
    measured(&path.display().to_string(), &loaded.audit, &loaded.evidence, asked)
}

fn measured(path: &str, audit: &Audit, evidence: &Evidence, asked: Asked<'_>) -> Measured {
    let report = evidence.performance.as_ref().and_then(|file| file.read(files::FIGURES_LIMIT).ok());
    let document = |name: &str| evidence.root.as_ref().and_then(|(root, _)| root.read(name).ok());
    let parse = |bytes: Option<Vec<u8>>| -> Option<Value> {
        lenient::parse_within(&lenient::text(&bytes?), lenient::BUDGET).ok()
    };
    let beside = Beside {
        record: evidence.run.record.as_ref(),
        report: parse(report),
        drills: parse(document("drills.json")),
        guards: parse(document("guards.json")),
    };
    Measured::of(path, audit, &beside, asked)
}
