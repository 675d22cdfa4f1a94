//! The components of a release and the checklist of a run, read and handed over to be judged; the acknowledgements.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use super::{Evidence, LoadError, Named, Request};
use crate::evidence::checklist;
use crate::evidence::readiness::{self, Given, Refused};
use crate::finding::Finding;
use crate::io::packet::seal;
use crate::io::{clock, files};
use crate::json::lenient;
use crate::log::summary::readiness::Readiness;
use crate::log::summary::{ChecklistSummary, Summary};
use crate::supervise::acks::{self, Acknowledgements, Acks};
use crate::time::Stamp;
use crate::verdict::policy::{Policy, Text};

/// Documents of a run that have gates of their own, by the names of their components.
const OWN: [(&str, &str); 3] =
    [("drills", "drills.json"), ("guards", "guards.json"), ("runtime", "runtime_summary.json")];

/// Adds the verdict on components. What the policy of a run meant wrongly is a finding: a run of days gets its verdict.
///
/// # Errors
/// A policy that was given now, or the limits in a document, cannot be meant.
pub(super) fn add(
    summary: &mut Summary,
    request: &Request,
    evidence: &Evidence,
    policy: &Policy,
    ended_at: Option<Stamp>,
) -> Result<(), LoadError> {
    let now = request.layers.iter().any(|layer| layer.components.is_some()) || !request.components.is_empty();
    match judge(request, evidence, policy, ended_at) {
        Err(LoadError::Usage(why)) if !now => summary.findings.push(readiness::not_meant(why)),
        judged => summary.readiness = judged?,
    }
    Ok(())
}

/// Judges the components that were named, that the run has, or that the policy asks for; none if nobody asks.
/// `ended_at` is the time by which ages are judged.
///
/// # Errors
/// The policy, or the limits in a document, cannot be meant.
fn judge(
    request: &Request,
    evidence: &Evidence,
    policy: &Policy,
    ended_at: Option<Stamp>,
) -> Result<Option<Readiness>, LoadError> {
    let of_run = evidence.components();
    if of_run.is_empty() && request.components.is_empty() && policy.components.is_none() {
        return Ok(None);
    }
    let mut rules = policy.components.clone().unwrap_or_default();
    // Where documents are named as baselines alone, limits of components that there are not ask for none.
    let required = rules.readiness.as_ref().is_some_and(|readiness| !readiness.required.is_empty());
    if request.against.has_baseline() && of_run.is_empty() && request.components.is_empty() && !required {
        return Ok(None);
    }
    if let Some(incident) = &mut rules.incident
        && let Some(folder) = incident.runbook_dir()
    {
        incident.runbooks = Some(runbooks(Path::new(folder)));
    }
    let named = request.components.iter().map(|(name, path)| read(name.clone(), path));
    let given: Vec<Given> = of_run.into_iter().chain(named).collect();
    let history = rules.validation.iter().flat_map(|validation| &validation.history);
    let history: Vec<Given> = history.map(|path| earlier(path)).chain(evidence.component_history()).collect();
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
    let why = "it is a directory, and no complete run: it has no summary.json with gates";
    let content = seal::earlier_run(path).ok_or_else(|| why.to_owned());
    Given { name: None, path: path.display().to_string(), content, own: false }
}

/// The files of a folder that are not empty.
pub(crate) fn runbooks(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.filter(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() > 0));
    files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

fn read(name: Option<String>, path: &Path) -> Given {
    let file = Named::given(path);
    let content = file.read(files::FIGURES_LIMIT).map_err(|error| error.to_string());
    Given { name, path: file.name, content, own: false }
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
    /// The components that are in the run: the documents that it was given, and its own.
    fn components(&self) -> Vec<Given> {
        let (Some(record), Some((root, prefix))) = (&self.run.record, &self.root) else { return Vec::new() };
        let given = record.evidence.components.iter().map(|component| Given {
            name: component.name.clone(),
            own: false,
            ..self.document(&component.path)
        });
        // What was not there when the run was sealed is none of its evidence.
        let sealed = |file: &str| record.sealed_files.iter().flatten().any(|sealed| sealed.path == file);
        let own = OWN.iter().filter(|(_, file)| sealed(file));
        let own = own.map(|(name, file)| {
            let content = root.read(file).map_err(|error| error.source.to_string());
            Given { name: Some((*name).to_owned()), path: format!("{prefix}{file}"), content, own: true }
        });
        given.chain(own).collect()
    }

    /// The earlier validation reports that are in the run.
    fn component_history(&self) -> Vec<Given> {
        let paths = self.run.record.iter().flat_map(|record| &record.evidence.component_history);
        paths.map(|path| self.document(path)).collect()
    }

    /// A document of the run.
    fn document(&self, path: &str) -> Given {
        let content = match (&self.root, self.place) {
            (Some((root, _)), Some(place)) if place.admits(path) => {
                root.read(path).map_err(|error| format!("it was not there when the run ended ({})", error.source))
            }
            _ => Err("it is outside of the run".to_owned()),
        };
        let shown = self.place.map_or_else(|| path.to_owned(), |place| place.shown(path));
        Given { name: None, path: shown, content, own: false }
    }

    /// The acknowledgements of incidents; with `sealed` only those that were there when the run was sealed. None if there
    /// are none, or if the file cannot be read.
    pub(super) fn acknowledgements(&self, sealed: bool) -> Option<Acknowledgements> {
        self.read_acks(sealed).ok().flatten()
    }

    /// What is wrong with the file of acknowledgements.
    pub(super) fn foreign_acks(&self) -> Option<Finding> {
        let shown = self.root.as_ref().map_or("", |(_, prefix)| *prefix).to_owned() + acks::FILE_NAME;
        match self.read_acks(false) {
            Ok(acks) => acks?.foreign(shown),
            Err(error) => Some(acks::unreadable(&error.to_string(), shown)),
        }
    }

    fn read_acks(&self, sealed: bool) -> io::Result<Option<Acknowledgements>> {
        let (Some(record), Some((root, _))) = (&self.run.record, &self.root) else { return Ok(None) };
        let mut bytes = Vec::new();
        let limit = acks::sealed_bytes(record).filter(|_| sealed).unwrap_or(u64::MAX).min(acks::LIMIT);
        let read = root.open_file(acks::FILE_NAME).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(_) => Ok(Acks::parse(&bytes).told(record)),
        }
    }

    /// The checklist of the run, judged at its end; none if it has none.
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
