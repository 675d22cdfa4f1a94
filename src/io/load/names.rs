//! Gives the findings of logs the names by which people know the files, in place of the paths that were opened.

use super::Named;
use crate::evidence::summary::LogSummary;
use crate::finding::Finding;

/// Replaces the path of each log by its name.
pub(super) fn apply(summary: &mut LogSummary, logs: &[Named]) {
    let renamed: Vec<(String, &str)> = logs
        .iter()
        .map(|log| (log.path.display().to_string(), log.name.as_str()))
        .filter(|(path, name)| path != name)
        .collect();
    if renamed.is_empty() {
        return;
    }
    let lists = [
        &mut summary.gap_incidents,
        &mut summary.content_incidents,
        &mut summary.warnings,
        &mut summary.errors,
        &mut summary.findings,
    ];
    let examples = summary.groups.iter_mut().map(|group| &mut group.example);
    for finding in lists.into_iter().flatten().chain(examples) {
        rename(finding, &renamed);
    }
    for file in &mut summary.files {
        replace(&mut file.path, &renamed);
    }
}

fn rename(finding: &mut Finding, renamed: &[(String, &str)]) {
    if let Some(place) = &mut finding.place {
        replace(&mut place.path, renamed);
    }
    for (path, name) in renamed {
        if finding.summary.contains(path.as_str()) {
            finding.summary = finding.summary.replace(path, name);
        }
    }
}

fn replace(path: &mut String, renamed: &[(String, &str)]) {
    if let Some((_, name)) = renamed.iter().find(|(known, _)| known == path) {
        *path = (*name).to_owned();
    }
}
