//! After the run: judge what is on disk, write the documents, and pack them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::args::FinalDryRun;
use super::verdict;
use crate::command::export::Exports;
use crate::command::notify::RECEIPTS;
use crate::command::page::Page;
use crate::command::signing::Signers;
use crate::command::{Common, Error, Outcome, notes};
use crate::io::clock;
use crate::io::files::{self, Folder};
use crate::io::load::{self, LoadError, Loaded, Request};
use crate::io::packet::checksums;
use crate::io::packet::writer::{self, Contents};
use crate::io::process::alive;
use crate::io::process::supervisor::Supervised;
use crate::report::run_documents::{self, Given, Sink};
use crate::report::view::View;
use crate::report::{self, Cell, Doc};
use crate::supervise::event::Now;
use crate::supervise::progress::Phase;
use crate::supervise::record::{FILE_NAME, RunRecord, State};
use crate::verdict::attestation::judge::Packet;
use crate::verdict::attestation::sign::Next;
use crate::verdict::attestation::statement::Gates;
use crate::verdict::audit::Audit;
use crate::verdict::packet::{Listed, PAGE, POLICY_JSON, README, VERIFY, WAIVERS_JSON};
use crate::verdict::review::{self, Remarks};
use crate::verdict::run::TIMELINE;
use crate::verdict::run_summary::{self, Bundle};
use crate::verdict::{packet_contents, waivers};

/// Judges the run directory exactly as `audit` does, writes every document of the run and reports. What is known is
/// shown even where files cannot be written any more; that error is the last word then.
pub(super) fn seal(
    common: &Common,
    args: &FinalDryRun,
    (signers, exports): (&Signers, &Exports),
    mut supervised: Supervised,
    folder: &Folder,
    shown: &str,
) -> Result<ExitCode, Error> {
    let loaded = judged(common, &mut supervised, shown)?;
    let audit = &loaded.audit;
    let mut bundle = run_summary::bundle(&supervised.record, audit, !args.no_timeline);
    // The last snapshot repeats the record; what is packed is the record of a complete run.
    let completed = complete_progress(&mut supervised, &bundle);
    supervised.record.state = State::Complete;
    let record = &supervised.record;
    let contents =
        Contents { raw: raw(record, folder), documents: Vec::new(), left_out: Vec::new(), run: folder.clone() };
    let contents = if args.packet_skip_raw { contents.without_raw() } else { contents };
    if !args.no_packet {
        bundle.evidence_packet = Some(writer::paths(&contents, audit.sign_off.is_some()));
    }
    let again = if args.no_packet || args.packet_skip_raw { shown.to_owned() } else { format!("{shown}/packet") };
    let doc = report::run::run(record, audit, Some(shown), &again);
    let (remarks, unread) = match notes(&args.note, &args.notes_file) {
        Ok(remarks) => (remarks, Ok(())),
        Err(error) => (Vec::new(), Err(error)),
    };
    let attendees = review::names(&args.attendee);
    let told = supervised.machine.policy().map(|policy| {
        common.note("telling the verdict");
        let (document, lost) = verdict::tell(policy, record, audit);
        lost.iter().for_each(|line| common.note(line));
        document
    });
    let page = Page::of(&loaded, &record.name, &attendees, &remarks).with_record(record);
    let written = completed.and_then(|()| {
        let remarks = Remarks { label: args.label.clone(), attendees: attendees.clone(), notes: remarks.clone() };
        let given = Given { review: (!args.no_review).then_some(remarks), follow_up: !args.no_wrap_up };
        let mut documents = Documents { folder: Some(folder), written: Vec::new() };
        if let Some(told) = &told {
            documents.json(RECEIPTS, told)?;
        }
        let all = unread.and_then(|()| run_documents::of_run(&mut documents, (record, audit), given, &mut bundle));
        let written = all.and_then(|()| {
            let page = (!args.no_report).then_some(&page);
            if let Some(page) = page {
                folder.replace(PAGE, page.of_run(&documents.written).as_bytes())?;
            }
            if args.no_packet {
                return Ok(());
            }
            common.note("packing the evidence");
            let page = |files: &[Listed]| page.map(|page| page.of_packet(files, &signers.kinds()));
            let about = |names: &[String]| {
                let page = (!args.no_report).then(|| PAGE.to_owned());
                let names: Vec<String> = names.iter().cloned().chain(page).collect();
                let title = report::run::title(record);
                report::packet_readme::document(&title, &audit.headline, &names, !signers.is_empty())
            };
            let contents = Contents { documents: documents.written, ..contents };
            pack(audit, record, contents, (about, page), |files, packet| {
                sign(common, signers, record, audit, files, packet)
            })
        });
        // Only now the run is complete: whoever finds it in another state knows that its sealing was cut short.
        folder.replace(FILE_NAME, files::json_text(record).as_bytes())?;
        written
    });
    let view = View::of_audit(audit, &record.name);
    let outcome = Outcome { name: "final_dry_run", view: &view, json: &bundle, doc: &doc };
    let made = if written.is_ok() { made(args, folder, shown) } else { Vec::new() };
    let code =
        common.emit_short(&outcome, &report::run::screen(record, audit, (shown, made), &again, common.look().width))?;
    written?;
    exports.finish(common.fail_on, &outcome, |path: &Path| {
        page.exported(path, loaded.folder(), loaded.prefix(), &page.files(&[]))
    })?;
    Ok(code)
}

/// Judges what is on disk; what is known is shown even where that cannot be done.
fn judged(common: &Common, supervised: &mut Supervised, shown: &str) -> Result<Loaded, Error> {
    common.note("judging the evidence");
    let request = Request { show_progress: !common.quiet, sealing: true, ..Request::run(Path::new(shown)) };
    let loaded = match supervised.unsaved.take() {
        Some(error) => Err(Error::File(error)),
        None => load::load(&request).map_err(|error| match error {
            LoadError::Usage(message) => Error::NoVerdict(message),
            LoadError::File(error) => Error::File(error),
        }),
    };
    if let Err(error) = &loaded {
        let view = View::unfinished("final-dry-run", &error.to_string(), clock::generated_at());
        let record = &supervised.record;
        let doc = report::run::unjudged(record, shown);
        let _ = common.emit(&Outcome { name: "final_dry_run", view: &view, json: record, doc: &doc })?;
    }
    loaded
}

/// What the operator hands on: the page, and the archive with its digest, so that whoever keeps it elsewhere can tell
/// later whether it is this one.
fn made(args: &FinalDryRun, folder: &Folder, shown: &str) -> Vec<(String, Cell)> {
    let mut made = Vec::new();
    if !args.no_report {
        made.push(("Report".to_owned(), Cell::code(format!("{shown}/{PAGE}"))));
    }
    let name = writer::archive_name(folder);
    if !args.no_packet
        && let Ok((sha256, _)) = folder.open_file(&name).and_then(checksums::digest)
    {
        made.push(("Packet".to_owned(), Cell::code(format!("{shown}/{name}"))));
        made.push(("SHA-256".to_owned(), Cell::code(sha256)));
    }
    made
}

/// Writes documents, into the run directory where there is one, and keeps them for the packet.
struct Documents<'a> {
    folder: Option<&'a Folder>,
    written: Vec<(String, Vec<u8>)>,
}

impl Sink for Documents<'_> {
    type Error = Error;

    fn json(&mut self, name: &str, document: &impl Serialize) -> Result<(), Error> {
        self.text(name, files::json_text(document))
    }

    fn text(&mut self, name: &str, text: String) -> Result<(), Error> {
        let bytes = text.into_bytes();
        if let Some(folder) = self.folder {
            folder.replace(name, &bytes)?;
        }
        self.written.push((name.to_owned(), bytes));
        Ok(())
    }
}

/// The last snapshot: complete, with the verdict and the record. Its digest goes into the record.
fn complete_progress(supervised: &mut Supervised, bundle: &Bundle) -> Result<(), Error> {
    let chain = supervised.progress.chain().clone();
    // Later than the snapshots of the sealing that came after the end of the run.
    let now = Now { wall: clock::now(), ..supervised.ended };
    let mut last = supervised.machine.snapshot_now(now, chain, alive::own());
    last.phase = Phase::Complete;
    last.status = bundle.status.word().to_owned();
    last.verdict = Some(bundle.verdict);
    last.headline = Some(bundle.headline.clone());
    last.evidence_status = Some(bundle.evidence_status);
    last.criteria.clone_from(&bundle.criteria);
    last.uptime_ratio = bundle.summary["logs"]["uptime_ratio"].as_f64();
    last.exit_code = supervised.machine.exit().code;
    last.summary = Some(bundle.summary.clone());
    last.sign_off.clone_from(&bundle.sign_off);
    last.record = Some(supervised.record.sealed());
    supervised.progress.write(last, true)?;
    supervised.record.progress = supervised.progress.chain().clone();
    Ok(())
}

/// Writes the packet and its archive; `sign` puts the signatures between them, given the digest of each file.
fn pack(
    audit: &Audit,
    record: &RunRecord,
    mut contents: Contents,
    (about, page): (impl FnOnce(&[String]) -> Doc, impl FnOnce(&[Listed]) -> Option<String>),
    sign: impl FnOnce(BTreeMap<String, String>, &Folder) -> Result<(), Error>,
) -> Result<(), Error> {
    let folder = contents.run.clone();
    let mut documents = Documents { folder: None, written: std::mem::take(&mut contents.documents) };
    run_documents::of_packet(&mut documents, record, audit)?;
    // In the packet the evidence is below raw/, and links lead there.
    for (_, bytes) in documents.written.iter_mut().filter(|(name, _)| name.ends_with(".md")) {
        *bytes = below_raw(bytes, &contents.raw);
    }
    let mut add = |name: &str, bytes: Vec<u8>| documents.written.push((name.to_owned(), bytes));
    add(POLICY_JSON, files::json_text(&audit.policy.document()).into_bytes());
    if let Some(waivers) = waivers::document(&audit.policy.waivers, record.ended_at) {
        add(WAIVERS_JSON, files::json_text(&waivers).into_bytes());
    }
    add(VERIFY.0, VERIFY.1.as_bytes().to_vec());
    if contents.left_out.is_empty() {
        add(&format!("raw/{FILE_NAME}"), files::json_text(record).into_bytes());
    }
    let raw = contents.raw.iter().map(|(name, _)| format!("raw/{name}"));
    let names: Vec<String> = documents.written.iter().map(|(name, _)| name.clone()).chain(raw).collect();
    run_documents::markdown(&mut documents, record, README, &about(&names))?;
    contents.documents = documents.written;
    let at = audit.summary.generated_at;
    let packet = folder.create_folder("packet")?;
    let written = writer::write(&packet, &contents, at, page);
    let written = written.map_err(Error::File);
    let written = written.and_then(|files| sign(files, &packet)).and_then(|()| {
        writer::archive(&packet, &folder, &writer::archive_name(&folder), at)?;
        Ok(())
    });
    if written.is_err() {
        // Half a packet would only mislead.
        let _ = folder.remove_folder("packet");
    }
    written
}

/// A Markdown document with its links to the evidence as they are in the packet.
fn below_raw(markdown: &[u8], raw: &[(String, PathBuf)]) -> Vec<u8> {
    let text = String::from_utf8_lossy(markdown).into_owned();
    let evidence = raw.iter().map(|(name, _)| name.as_str()).chain([FILE_NAME]);
    let named = evidence.filter(|name| !name.starts_with(TIMELINE));
    named.fold(text, |text, name| text.replace(&format!("]({name}"), &format!("](raw/{name}"))).into_bytes()
}

/// Signs the verdict on the packet, whatever it is; nothing where nobody gave a key.
fn sign(
    common: &Common,
    signers: &Signers,
    record: &RunRecord,
    audit: &Audit,
    files: BTreeMap<String, String>,
    packet: &Folder,
) -> Result<(), Error> {
    if signers.is_empty() {
        return Ok(());
    }
    common.note("signing the packet");
    let about = Packet { files, derived: Some(Gates::of(audit.verdict, &audit.gates)), ..Packet::of_run(record) };
    let payload = about.verdict().ok_or_else(|| Error::NoVerdict("there is no verdict to sign".to_owned()))?;
    signers.sign(common, packet.path(), &[], |_| Ok(Next::Verdict { payload: payload.clone() }))
}

/// The evidence files of a run but for its record, by their names below `raw/` in the packet: those of the run directory.
fn raw(record: &RunRecord, folder: &Folder) -> Vec<(String, PathBuf)> {
    let there =
        packet_contents::evidence(record).into_iter().map(|(name, missed)| (name, missed, folder.path().join(name)));
    let mut raw: BTreeMap<String, PathBuf> = there
        .filter(|(_, missed, path)| *missed || path.exists())
        .map(|(name, _, path)| (name.to_owned(), path))
        .collect();
    let timeline = folder.folder(TIMELINE).ok();
    for name in timeline.iter().filter_map(|timeline| timeline.names().ok()).flatten() {
        let name = format!("{TIMELINE}/{}", name.to_string_lossy());
        raw.insert(name.clone(), folder.path().join(name));
    }
    raw.retain(|name, _| !name.ends_with(".tmp"));
    raw.into_iter().collect()
}
