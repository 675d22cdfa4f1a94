//! The page for reviewers: in the run directory, in the packet, and where `--export` wants it.

use std::path::Path;

use crate::digest::sha256;
use crate::io::load::Loaded;
use crate::report::page::run::{self, Facts, Row};
use crate::report::page::{self, Excerpts};
use crate::supervise::record::RunRecord;
use crate::verdict::audit::Audit;
use crate::verdict::packet::Listed;

/// What every page of a run shows.
pub(crate) struct Page<'a> {
    subject: &'a str,
    audit: &'a Audit,
    record: Option<&'a RunRecord>,
    people: &'a [String],
    notes: &'a [String],
    rows: Vec<Row>,
    excerpts: Excerpts,
}

impl<'a> Page<'a> {
    /// Reads the lines around the findings. `people` are those who decide, `notes` the remarks of the operator.
    pub(crate) fn of(loaded: &'a Loaded, subject: &'a str, people: &'a [String], notes: &'a [String]) -> Self {
        let rows = run::rows(&loaded.audit.summary);
        let excerpts = loaded.lines_around(&run::places(&rows));
        Self { subject, audit: &loaded.audit, record: loaded.record(), people, notes, rows, excerpts }
    }

    /// With the record as it is by now.
    #[must_use]
    pub(crate) fn with_record(self, record: &'a RunRecord) -> Self {
        Self { record: Some(record), ..self }
    }

    /// The page of the run directory: it names the evidence as it was sealed, and the documents of the run.
    pub(crate) fn of_run(&self, documents: &[(String, Vec<u8>)]) -> String {
        self.render(&self.files(documents), Some(""), "", None)
    }

    /// The files of the run directory.
    pub(crate) fn files(&self, documents: &[(String, Vec<u8>)]) -> Vec<Listed> {
        let sealed = self.record.iter().flat_map(|record| record.sealed_files.iter().flatten());
        let sealed =
            sealed.map(|file| Listed { path: file.path.clone(), bytes: file.bytes, sha256: file.sha256.clone() });
        let documents = documents.iter().map(|(name, bytes)| Listed {
            path: name.clone(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        });
        let mut files: Vec<Listed> = sealed.chain(documents).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// The page of the packet, whose files are `files`; `signed` says by what kinds of keys it will be signed.
    pub(crate) fn of_packet(&self, files: &[Listed], signed: &[&str]) -> String {
        self.render(files, Some(""), "raw/", Some(&page::commands(signed)))
    }

    /// The page at `path`, somewhere, of evidence in `folder`; without links where that is not below the page.
    pub(crate) fn exported(&self, path: &Path, folder: Option<&Path>, prefix: &str, files: &[Listed]) -> String {
        let base = folder.and_then(|folder| below(path.parent()?, folder));
        self.render(files, base.as_deref(), prefix, None)
    }

    fn render(&self, files: &[Listed], base: Option<&str>, prefix: &str, verify: Option<&str>) -> String {
        run::page(&Facts {
            subject: self.subject,
            audit: self.audit,
            record: self.record,
            people: self.people,
            notes: self.notes,
            files,
            base,
            prefix,
            rows: &self.rows,
            excerpts: &self.excerpts,
            verify,
        })
    }
}

/// The way down from `from` to `folder`, empty or with a slash at its end; none if it leads up.
fn below(from: &Path, folder: &Path) -> Option<String> {
    let from = if from.as_os_str().is_empty() { Path::new(".") } else { from };
    let way = folder.canonicalize().ok()?;
    let way = way.strip_prefix(from.canonicalize().ok()?).ok()?.to_str()?.to_owned();
    Some(if way.is_empty() { way } else { format!("{way}/") })
}
