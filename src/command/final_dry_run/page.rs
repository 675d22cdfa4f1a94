//! The page for reviewers, in the run directory and in the packet.

use crate::digest::sha256;
use crate::io::excerpts;
use crate::io::files::Folder;
use crate::report::page::Excerpts;
use crate::report::page::run::{self, Facts, Row};
use crate::supervise::record::RunRecord;
use crate::verdict::audit::Audit;
use crate::verdict::packet::{Listed, VERIFY};
use crate::verdict::review::Review;

/// What both pages show.
pub(super) struct Page<'a> {
    audit: &'a Audit,
    record: &'a RunRecord,
    review: Option<&'a Review>,
    rows: Vec<Row>,
    excerpts: Excerpts,
}

impl<'a> Page<'a> {
    /// Reads the lines around the findings.
    pub(super) fn of(audit: &'a Audit, record: &'a RunRecord, review: Option<&'a Review>, folder: &Folder) -> Self {
        let rows = run::rows(&audit.summary);
        let excerpts = excerpts::around(folder, &run::places(&rows));
        Self { audit, record, review, rows, excerpts }
    }

    /// The page of the run directory: it names the evidence as it was sealed, and the documents of the run.
    pub(super) fn of_run(&self, documents: &[(String, Vec<u8>)]) -> String {
        let sealed = self.record.sealed_files.iter().flatten().map(|file| Listed {
            path: file.path.clone(),
            bytes: file.bytes,
            sha256: file.sha256.clone(),
        });
        let documents = documents.iter().map(|(name, bytes)| Listed {
            path: name.clone(),
            bytes: bytes.len() as u64,
            sha256: sha256(bytes),
        });
        let mut files: Vec<Listed> = sealed.chain(documents).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        self.render(&files, "", None)
    }

    /// The page of the packet, whose files are `files`.
    pub(super) fn of_packet(&self, files: &[Listed]) -> String {
        // The same commands as in the text beside the page.
        let commands: Vec<&str> =
            VERIFY.1.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        self.render(files, "raw/", Some(&commands.join("\n")))
    }

    fn render(&self, files: &[Listed], prefix: &str, verify: Option<&str>) -> String {
        run::page(&Facts {
            audit: self.audit,
            record: Some(self.record),
            review: self.review,
            files,
            prefix,
            rows: &self.rows,
            excerpts: &self.excerpts,
            verify,
        })
    }
}
