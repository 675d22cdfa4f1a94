//! Evidence that was judged, still at hand for those who show it.

use std::collections::BTreeMap;
use std::path::Path;

use super::Evidence;
use crate::evidence::checksums::Found;
use crate::finding::Place;
use crate::io::excerpts;
use crate::io::files::{self, Folder};
use crate::json::lenient;
use crate::supervise::record::RunRecord;
use crate::verdict::attestation::BUNDLE;
use crate::verdict::audit::Audit;
use crate::verdict::packet::{Listed, PAGE};
use crate::verdict::review::Review;
use crate::verdict::run::{self, Excerpts};

/// A verdict with the evidence that it rests on.
pub(crate) struct Loaded {
    /// The verdict.
    pub(crate) audit: Audit,
    pub(super) evidence: Evidence,
}

impl Loaded {
    /// The record of the run, where the evidence is that of one.
    pub(crate) fn record(&self) -> Option<&RunRecord> {
        self.evidence.run.record.as_ref()
    }

    /// The directory of the run or of the packet; none for files that were named one by one, and for an archive.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.top().filter(|_| self.evidence._unpacked.is_none()).map(Folder::path)
    }

    /// What is before the path of a file of the run there.
    pub(crate) fn prefix(&self) -> &'static str {
        self.evidence.place.map_or("", run::Place::prefix)
    }

    /// The files of the evidence as they were found, relative to that directory.
    pub(crate) fn files(&self) -> Vec<Listed> {
        if !self.evidence.found.is_empty() {
            return self.evidence.found.iter().filter_map(listed).collect();
        }
        let found: BTreeMap<&String, &Found> =
            self.evidence.files.iter().map(|file| (&file.path, &file.found)).collect();
        found.into_iter().filter_map(listed).collect()
    }

    /// The review brief beside the evidence, for what only the operator can know.
    pub(crate) fn review(&self) -> Option<Review> {
        let bytes = self.top()?.read("review.json").ok()?;
        serde_json::from_str(&lenient::text(&bytes)).ok()
    }

    /// The lines around `places` in the logs: the number of each, and its text.
    pub(crate) fn lines_around(&self, places: &[Place]) -> Excerpts {
        self.evidence.lines_around(places)
    }

    fn top(&self) -> Option<&Folder> {
        self.evidence.top.as_ref()
    }
}

impl Evidence {
    /// [`Loaded::lines_around`].
    pub(super) fn lines_around(&self, places: &[Place]) -> Excerpts {
        match &self.root {
            Some((run, prefix)) => {
                excerpts::around(places, |path| run.open_file(path.strip_prefix(prefix).unwrap_or(path)).ok())
            }
            None => excerpts::around(places, |path| files::open_found(Path::new(path)).ok()),
        }
    }

    /// The files of a packet that its page lists: those that were there before it.
    pub(super) fn shown_files(&self) -> Vec<Listed> {
        let later = [PAGE, "manifest.json", "SHA256SUMS", BUNDLE];
        let shown = self.found.iter().filter(|(path, _)| !later.contains(&path.as_str()));
        shown.filter_map(listed).collect()
    }
}

/// A file as it was found.
fn listed((path, found): (&String, &Found)) -> Option<Listed> {
    match found {
        Found::File { sha256, bytes } => Some(Listed { path: path.clone(), bytes: *bytes, sha256: sha256.clone() }),
        Found::Unreadable(_) => None,
    }
}
