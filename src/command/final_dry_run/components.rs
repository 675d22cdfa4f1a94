//! The documents of other systems that a run is given as components of the release.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::FinalDryRun;
use crate::command::Error;
use crate::evidence::readiness::ComponentFile;
use crate::io::files::FileError;
use crate::io::load::readiness;

use crate::supervise::record::EvidencePaths;
use crate::verdict::policy::Policy;

/// What the policy asks of components, for the record of the run.
pub(super) fn asked(policy: &Policy) -> Option<Value> {
    let rules = policy.components.as_ref()?;
    Some(rules.for_record(|folder| readiness::runbooks(Path::new(folder))))
}

/// Where a run that has no other evidence finds the documents of other systems, and the earlier reports.
pub(super) fn paths(args: &FinalDryRun, policy: &Policy) -> Result<EvidencePaths, Error> {
    let (components, component_history) = (documents(args)?, history(policy)?);
    Ok(EvidencePaths { components, component_history, ..EvidencePaths::default() })
}

/// The documents of other systems, where they will be when the run has ended.
fn documents(args: &FinalDryRun) -> Result<Vec<ComponentFile>, Error> {
    let of = |(name, path): &(Option<String>, PathBuf)| Ok(ComponentFile { name: name.clone(), path: absolute(path)? });
    args.component.iter().map(of).collect()
}

/// The earlier validation reports that the policy names.
fn history(policy: &Policy) -> Result<Vec<String>, Error> {
    let validation = policy.components.as_ref().and_then(|rules| rules.validation.as_ref());
    validation.iter().flat_map(|validation| &validation.history).map(|path| absolute(path)).collect()
}

fn absolute(path: &Path) -> Result<String, Error> {
    Ok(std::path::absolute(path).map_err(|e| FileError::new("read", path, e))?.display().to_string())
}
