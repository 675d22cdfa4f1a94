//! `emp-ops audit`: judge evidence that exists.

mod args;
mod shards;
mod sign;

use std::path::Path;
use std::process::ExitCode;

pub(crate) use self::args::Audit;
use self::shards::Sharded;
use self::sign::Signing;
use super::export::Exports;
use super::page::Page;
use super::{Common, Error, FailOn, NOT_ACCEPTED, Outcome};
use crate::io::load::{self, LoadError, Request, Subject};
use crate::io::runs::find;
use crate::io::tty::terminal;
use crate::report;
use crate::report::view::View;

/// Loads the evidence, judges it and reports.
///
/// # Errors
/// Options or policy contradict each other, or the evidence's place cannot be used. Bad evidence is a FAIL, no error.
pub(crate) fn run(common: &Common, mut args: Audit, exports: &Exports) -> Result<ExitCode, Error> {
    let mut layers = args.limits.layers(&common.settings)?;
    layers[0].sign_off = args.sign_off;
    let Sharded::Judge(folded) = shards::run(common, &mut args, &mut layers)? else { return Ok(ExitCode::SUCCESS) };
    args.check(&layers)?;
    let against = args.against();
    if let Some(last) = against.trend.last() {
        args.run = Some(last.clone());
    }
    if let Some((newest, all)) = args.run.as_deref().and_then(find::newest) {
        common.note(&format!("judging {}, the newest of {all} in its directory", newest.display()));
        args.run = Some(newest);
    }
    let signatures = layers.iter().find_map(|layer| layer.signatures.clone()).unwrap_or_default();
    let trust = args.trust.trust(&signatures)?;
    let signing = Signing::plan(common, &args, &trust)?;
    let subject_name = args.subject_name();
    let diary_key = args.diary_key_env.as_deref().map(key_from).transpose()?;
    let mut attestations = std::mem::take(&mut args.trust.attestation);
    attestations.extend(signing.as_ref().and_then(Signing::kept_elsewhere));
    let request = Request {
        metadata: super::metadata(&args.metadata),
        subject: match args.run {
            Some(run) => Subject::Run(run),
            None => Subject::Files { logs: args.log, diary: args.diary, performance: args.performance },
        },
        checksums: args.checksums,
        plan: args.terraform_plan,
        components: args.component,
        layers,
        diary_key,
        threads: args.threads.map_or(0, usize::from),
        show_progress: !common.quiet,
        trust,
        attestations,
        as_of: args.as_of,
        against,
        folded,
        sealing: false,
        again: Some(report::run_documents::again),
    };
    let judge = |request: &Request| {
        load::load(request).map_err(|error| match error {
            LoadError::Usage(text) => Error::Usage(text),
            LoadError::File(error) => Error::File(error),
        })
    };
    let mut loaded = judge(&request)?;
    let mut refused = None;
    if let Some(signing) = &signing {
        refused = signing.refusal(&loaded.audit);
        if refused.is_none() {
            signing.carry_out(common, &loaded.audit)?;
            let attestations = request.attestations.iter().cloned().chain(signing.kept_elsewhere()).collect();
            loaded = judge(&Request { attestations, show_progress: false, ..request })?;
        }
    }
    let audit = &loaded.audit;
    let mut doc = report::audit::doc(audit, &subject_name);
    if common.verbose {
        report::audit::layouts(&mut doc, audit);
    }
    let mut view = View::of_audit(audit, &subject_name);
    if let Some(why) = &refused {
        view.refuse("signing", &format!("nothing was signed: {why}"));
    }
    let outcome = Outcome { name: "audit", view: &view, json: audit, doc: &doc };
    let page = |path: &Path| {
        let review = loaded.review();
        let (people, notes) = review.map(|review| (review.attendees, review.notes)).unwrap_or_default();
        let page = Page::of(&loaded, &subject_name, &people, &notes);
        page.exported(path, loaded.folder(), loaded.prefix(), &loaded.files())
    };
    let code = common.emit(&outcome)?;
    let Some(why) = refused else {
        exports.finish(common.fail_on, &outcome, page)?;
        return Ok(code);
    };
    // Whatever verdict is accepted, what was asked for was not done.
    exports.finish(FailOn::Fail, &outcome, page)?;
    terminal::note(&format!("nothing was signed: {why}"));
    Ok(NOT_ACCEPTED.into())
}

/// The key is never on the command line, where everybody could see it.
fn key_from(name: &str) -> Result<Vec<u8>, Error> {
    match std::env::var(name) {
        Ok(key) if !key.is_empty() => Ok(key.into_bytes()),
        _ => Err(Error::Usage(format!("--diary-key-env: the variable {name} is not set; set it to the signing key"))),
    }
}
