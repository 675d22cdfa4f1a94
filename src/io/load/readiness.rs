//! The components of a release and the checklist of a run, read and handed over to be judged; the acknowledgements.

use std::io::Read as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Evidence, LoadError, Named, Request};
use crate::evidence::checklist;
use crate::evidence::readiness::{self, Given, Refused};
use crate::io::{clock, files};
use crate::json::lenient;
use crate::log::summary::ChecklistSummary;
use crate::log::summary::readiness::Readiness;
use crate::supervise::acks::{self, Acknowledgements, Acks};
use crate::supervise::record;
use crate::time::Stamp;
use crate::verdict::policy::{Policy, Text};

/// Judges the components that were named, or that the policy asks for; none where nobody asks. `ended_at` is the time
/// by which ages are judged.
///
/// # Errors
/// The policy, or the limits in a document, cannot be meant.
pub(super) fn judge(
    request: &Request,
    policy: &Policy,
    ended_at: Option<Stamp>,
) -> Result<Option<Readiness>, LoadError> {
    if request.sealing || (request.components.is_empty() && policy.components.is_none()) {
        return Ok(None);
    }
    let mut rules = policy.components.clone().unwrap_or_default();
    // Where documents are named as baselines alone, limits of components that there are not ask for none.
    let required = rules.readiness.as_ref().is_some_and(|readiness| !readiness.required.is_empty());
    if request.against.has_baseline() && request.components.is_empty() && !required {
        return Ok(None);
    }
    if let Some(incident) = &mut rules.incident {
        incident.runbooks = incident.runbook_dir().map(|folder| runbooks(Path::new(folder)));
    }
    let given: Vec<Given> = request.components.iter().map(|(name, path)| read(name.clone(), path)).collect();
    let history = rules.validation.iter().flat_map(|validation| &validation.history);
    let history: Vec<Given> = history.map(|path| earlier(path)).collect();
    let now = ended_at.unwrap_or_else(clock::now);
    readiness::judge(&given, &history, &rules, now)
        .map(Some)
        .map_err(|refused| LoadError::Usage(told(&refused, &given, request)))
}

/// An earlier validation report; of a run directory its verdict with its gates.
fn earlier(path: &Path) -> Given {
    if !path.is_dir() {
        return read(None, path);
    }
    let summary = |name: &str| -> Option<Value> {
        let bytes = files::read_within(&path.join(name), files::FIGURES_LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    let report = || {
        let (summary, record) = (summary("summary.json")?, summary(record::FILE_NAME)?);
        let gates = summary.get("gates").or_else(|| summary.pointer("/summary/gates"))?.as_array()?.clone();
        let checks = gates.iter().map(|gate| json!({"name": gate["name"], "status": gate["status"]}));
        let verdict = summary.get("verdict").or_else(|| summary.pointer("/summary/verdict"))?.clone();
        Some(json!({"timestamp": record.get("ended_at")?, "status": verdict, "checks": checks.collect::<Vec<_>>()}))
    };
    let content = report().map(|report| report.to_string().into_bytes());
    let why = "it is a directory, and no complete run: it has no summary.json with gates";
    Given { name: None, path: path.display().to_string(), content: content.ok_or_else(|| why.to_owned()) }
}

/// The files of a folder that are not empty.
fn runbooks(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.filter(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() > 0));
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

fn read(name: Option<String>, path: &Path) -> Given {
    let file = Named::given(path);
    let content = file.read(files::FIGURES_LIMIT).map_err(|error| error.to_string());
    Given { name, path: file.name, content }
}

/// What cannot be meant, at its place.
fn told(refused: &Refused, given: &[Given], request: &Request) -> String {
    let Refused { path, key, why } = refused;
    let Some(path) = path else {
        let source = request.layers.iter().find(|layer| layer.components.is_some()).map(|layer| layer.source.as_str());
        return format!("{why} ({})", source.unwrap_or("the policy"));
    };
    let content = given.iter().find(|file| file.path == *path).and_then(|file| file.content.as_ref().ok());
    let text = content.map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    match text.find(key.as_str()) {
        Some(at) => Text::new(path, &text).at(at..at + key.len(), &format!("{key} {why}")),
        None => format!("{path}: {key} {why}"),
    }
}

impl Evidence {
    /// The acknowledgements of incidents; with `sealed` only those that were there when the run was sealed.
    pub(super) fn acknowledgements(&self, sealed: bool) -> Option<Acknowledgements> {
        let (record, (root, _)) = (self.run.record.as_ref()?, self.root.as_ref()?);
        let mut bytes = Vec::new();
        let limit = acks::sealed_bytes(record).filter(|_| sealed).unwrap_or(u64::MAX).min(acks::LIMIT);
        root.open_file(acks::FILE_NAME).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
        Acks::parse(&bytes).told(record)
    }

    /// The checklist of the run, judged at its end; none where it has none.
    pub(super) fn checklist(&self) -> Option<ChecklistSummary> {
        let (record, place) = (self.run.record.as_ref()?, self.place?);
        let name = record.evidence.checklist.as_ref()?;
        let shown = place.shown(name);
        let sealed = |path: &str| {
            let file = record.sealed_files.iter().flatten().find(|file| file.path == path)?;
            Some(file.sha256.clone())
        };
        let (root, _) = self.root.as_ref()?;
        Some(match root.read(name) {
            Ok(bytes) => checklist::judge(&shown, &lenient::text(&bytes), record.ended_at, sealed),
            Err(error) => checklist::unreadable(&shown, &format!("the checklist cannot be read: {}", error.source)),
        })
    }
}
