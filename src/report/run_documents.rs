//! The documents of a run that was judged: written when it is sealed, and once more when it is audited, to hold what was
//! sealed against them.

use std::convert::Infallible;

use serde::Serialize;
use serde_json::{Value, json};

use super::page::run::Facts;
use super::{Doc, packet_readme, page};
use crate::sanitize;
use crate::supervise::provenance::Provenance;
use crate::supervise::record::RunRecord;
use crate::supervise::workloads::runtime::RUNTIME_SUMMARY;
use crate::verdict::audit::Audit;
use crate::verdict::packet::{PAGE, README, SIGN_OFF_JSON, SUMMARY_JSON, SUMMARY_MARKDOWN};
use crate::verdict::review::{self, Remarks};
use crate::verdict::run::{Beside, Sealed, is_again};
use crate::verdict::run_summary::{self, Bundle};
use crate::verdict::{backlog, wrap_up};

/// Where documents are written to.
pub(crate) trait Sink {
    /// Why one cannot be written.
    type Error;
    /// Writes a document for programs.
    fn json(&mut self, name: &str, document: &impl Serialize) -> Result<(), Self::Error>;
    /// Writes a document for people.
    fn text(&mut self, name: &str, text: String) -> Result<(), Self::Error>;
}

/// What neither the record nor the evidence of a run says.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// What the operator adds to the review brief; none if there is no brief.
    pub review: Option<Remarks>,
    /// Whether backlog and minutes are asked for.
    pub follow_up: bool,
}

/// A document with who ran the rehearsal, of what, and where.
#[derive(Serialize)]
struct With<'a, T> {
    #[serde(flatten)]
    document: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: &'a Option<Provenance>,
}

fn json<S: Sink>(to: &mut S, record: &RunRecord, name: &str, document: &impl Serialize) -> Result<(), S::Error> {
    to.json(name, &With { document, provenance: &record.provenance })
}

/// Writes a document for people, with its provenance at its end.
pub(crate) fn markdown<S: Sink>(to: &mut S, record: &RunRecord, name: &str, doc: &Doc) -> Result<(), S::Error> {
    let mut text = super::to_markdown(doc);
    if let Some(provenance) = &record.provenance {
        text.push_str(&format!("\nProvenance: {}\n", sanitize::markdown(&provenance.line())));
    }
    to.text(name, text)
}

/// Writes the documents that are in the run directory and in its packet. What is told of the packet is in `bundle`, which
/// gets the review brief.
pub(crate) fn of_run<S: Sink>(
    to: &mut S,
    (record, audit): (&RunRecord, &Audit),
    given: Given,
    bundle: &mut Bundle,
) -> Result<(), S::Error> {
    if let Some(runtime) = &audit.runtime {
        json(to, record, RUNTIME_SUMMARY, runtime)?;
    }
    if let Some(remarks) = given.review {
        let mut brief = review::brief(audit, remarks);
        brief.evidence_packet.clone_from(&bundle.evidence_packet);
        json(to, record, "review.json", &brief)?;
        markdown(to, record, "review.md", &super::review::review(&brief, super::audit::because(audit)))?;
        bundle.review = Some(brief);
    }
    json(to, record, "summary.json", bundle)?;
    markdown(to, record, "summary.md", &super::run::run(record, audit, None, "."))?;
    if given.follow_up {
        let (document, at) = (json!(bundle), bundle.generated_at);
        let backlog = backlog::from_bundle(&document, "summary.json", &backlog::Options::new(at));
        json(to, record, "backlog.json", &backlog)?;
        markdown(to, record, "backlog.md", &super::backlog::document(&backlog))?;
        let mut minutes = wrap_up::from_bundle(&document, "summary.json", &[], &wrap_up::Options::new(at));
        // The summary beside it gives the reasons, and every document the same.
        minutes.because = super::audit::because(audit);
        json(to, record, "wrap_up.json", &minutes)?;
        markdown(to, record, "wrap_up.md", &super::wrap_up::minutes(&minutes).without("Gates"))?;
    }
    Ok(())
}

/// Writes the documents that are in the packet alone.
pub(crate) fn of_packet<S: Sink>(to: &mut S, record: &RunRecord, audit: &Audit) -> Result<(), S::Error> {
    json(to, record, SUMMARY_JSON, audit)?;
    markdown(to, record, SUMMARY_MARKDOWN, &super::audit::doc(audit, "the run"))?;
    if let Some(sign_off) = &audit.sign_off {
        json(to, record, SIGN_OFF_JSON, sign_off)?;
    }
    Ok(())
}

/// The documents of a run as they are written from its evidence, given what `sealed` ones say that no evidence can: the
/// remarks and people, and where the packet is. Those that show what is `beside` them are written where that is known.
pub(crate) fn again(record: &RunRecord, audit: &Audit, sealed: &[Sealed], beside: Option<&Beside<'_>>) -> Vec<Sealed> {
    let document = |name: &str| sealed.iter().find(|document| document.name == name)?.content.as_ref().ok();
    let texts = |of: &Value, key: &str| {
        let list = of[key].as_array().into_iter().flatten();
        list.filter_map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    let summary = document("summary.json");
    // In the run directory the brief is a part of the bundle.
    let review = document("review.json").or_else(|| summary?.get("review"));
    let remarks = review.map(|review| Remarks {
        label: record.label.clone(),
        attendees: texts(review, "attendees"),
        notes: texts(review, "notes"),
    });
    let given = Given { review: remarks.clone(), follow_up: true };
    let timeline = summary.is_none_or(|summary| summary["progress_timeline_dir"].is_string());
    let mut bundle = run_summary::bundle(record, audit, timeline);
    bundle.evidence_packet = summary.and_then(|summary| summary.get("evidence_packet").cloned());
    let mut written: Vec<Sealed> = Vec::new();
    let Ok(()) =
        of_run(&mut written, (record, audit), given, &mut bundle).and_then(|()| of_packet(&mut written, record, audit));
    if let Some(beside) = beside {
        let remarks = remarks.unwrap_or_default();
        // How it was signed is in neither, and signatures may be kept elsewhere: each way is tried.
        let ways: [&[&str]; 4] = [&[], &["Ed25519"], &["P-256"], &["Ed25519", "P-256"]];
        let as_sealed = |name: &str, write: &dyn Fn(&[&str]) -> Vec<Sealed>| {
            let all = ways.iter().flat_map(|signed| write(signed));
            let fits = |again: &Sealed, sealed| again.content.as_ref().is_ok_and(|again| is_again(sealed, again));
            let mut all = all.filter(|again| document(name).is_none_or(|sealed| fits(again, sealed)));
            all.next().or_else(|| write(&[]).pop())
        };
        // It may have been left out.
        let page_there = sealed.iter().any(|document| document.name == PAGE);
        written.extend(as_sealed(README, &|signed| readme(record, audit, (beside, page_there), signed)));
        written.extend(as_sealed(PAGE, &|signed| page(record, audit, &remarks, beside, signed)));
    }
    written
}

/// What is where in the packet.
fn readme(record: &RunRecord, audit: &Audit, (beside, page): (&Beside<'_>, bool), signed: &[&str]) -> Vec<Sealed> {
    let page = page.then(|| PAGE.to_owned());
    let names: Vec<String> = beside.files.iter().map(|file| file.path.clone()).chain(page).collect();
    let doc = packet_readme::document(&super::run::title(record), &audit.headline, &names, !signed.is_empty());
    let mut written = Vec::new();
    let Ok(()) = markdown(&mut written, record, README, &doc);
    written
}

/// The page of the packet.
fn page(record: &RunRecord, audit: &Audit, remarks: &Remarks, beside: &Beside<'_>, signed: &[&str]) -> Vec<Sealed> {
    let rows = page::run::rows(&audit.summary);
    let text = page::run::page(&Facts {
        subject: &record.name,
        audit,
        record: Some(record),
        people: &remarks.attendees,
        notes: &remarks.notes,
        files: &beside.files,
        base: Some(""),
        prefix: "raw/",
        rows: &rows,
        excerpts: &(beside.lines)(&page::run::places(&rows)),
        verify: Some(&page::commands(signed)),
    });
    vec![Sealed { name: PAGE.to_owned(), content: Ok(text.into()) }]
}

impl Sink for Vec<Sealed> {
    type Error = Infallible;

    fn json(&mut self, name: &str, document: &impl Serialize) -> Result<(), Infallible> {
        self.push(Sealed { name: name.to_owned(), content: Ok(json!(document)) });
        Ok(())
    }

    fn text(&mut self, name: &str, text: String) -> Result<(), Infallible> {
        self.push(Sealed { name: name.to_owned(), content: Ok(text.into()) });
        Ok(())
    }
}
