//! `audit PACKET --sign-key`: signs the verdict of a packet that was audited, or decides on it.

use std::path::{Path, PathBuf};

use super::super::signing::Signers;
use super::super::{Common, Error};
use super::args::{Audit as Options, DecideArgs, DecisionArg};
use crate::finding::Status;
use crate::io::load::{self, Form};
use crate::io::packet::signatures;
use crate::io::{clock, files};
use crate::keys::PublicKey;
use crate::verdict::attestation::BUNDLE;
use crate::verdict::attestation::decisions::{self, Choice};
use crate::verdict::attestation::envelope::{self, Signature};
use crate::verdict::attestation::judge::{Packet, State, Trust};
use crate::verdict::attestation::sign::{self, Deciding, Next};
use crate::verdict::audit::Audit;

/// A signature that was made elsewhere.
struct Foreign {
    signature: Vec<u8>,
    /// The bytes that it is over.
    over: Vec<u8>,
    key: PublicKey,
}

/// What is to be signed, checked before anything is judged.
pub(super) struct Signing {
    /// The folder of the bundle: the packet, or `--out` for an archive.
    folder: PathBuf,
    form: Form,
    signers: Signers,
    decide: DecideArgs,
    subjects: Vec<(String, String)>,
    foreign: Option<Foreign>,
}

impl Signing {
    /// What the options ask for; none if nothing is signed.
    ///
    /// # Errors
    /// They contradict each other, or a key is of no use: the message says what to do.
    pub(super) fn plan(common: &Common, args: &Options, trust: &Trust) -> Result<Option<Self>, Error> {
        let usage = |text: &str| Err(Error::Usage(text.to_owned()));
        let decide = args.decide.clone();
        let signers = args.sign.signers(common)?;
        if signers.is_empty() && decide.to_sign.is_none() {
            return match (&decide.decision, args.sign.subject.is_empty()) {
                (Some(_), _) => usage("a decision is signed; add --sign-key KEY with the key of the reviewer"),
                (None, false) => usage("--subject goes into the signed statement; add --sign-key KEY"),
                (None, true) => Ok(None),
            };
        }
        let Some(run) = &args.run else {
            return usage("only a packet can be signed; name one, such as RUN_DIR/packet");
        };
        let Some(form) = load::packet_at(run)? else {
            let inside = run.join("packet");
            let hint = if inside.is_dir() { format!(": {}", inside.display()) } else { String::new() };
            return Err(Error::Usage(format!("{} is no packet, and only a packet can be signed{hint}", run.display())));
        };
        let folder = match (form, &common.out) {
            (Form::Folder, _) => run.clone(),
            (Form::Archive, Some(out)) => out.clone(),
            (Form::Archive, None) => {
                return usage("an archive is never rewritten; add --out DIR, which gets attestations.intoto.jsonl");
            }
        };
        if decide.decision.is_some() {
            Self::check_decision(&decide, &signers, trust)?;
        }
        let foreign = Self::foreign(&decide, trust)?;
        let subjects = args.sign.subject.clone();
        Ok(Some(Self { folder, form, signers, decide, subjects, foreign }))
    }

    fn check_decision(decide: &DecideArgs, signers: &Signers, trust: &Trust) -> Result<(), Error> {
        let usage = |text: String| Err(Error::Usage(text));
        if signers.public().count() > 1 {
            return usage("a decision is that of one person; give one --sign-key".to_owned());
        }
        let name = decide.name.as_deref().unwrap_or_default();
        if name.trim().is_empty() {
            return usage("--as needs the name of the reviewer".to_owned());
        }
        let noted = decide.note.as_ref().is_some_and(|note| !note.trim().is_empty());
        if matches!(decide.decision, Some(DecisionArg::Reject)) && !noted {
            return usage("a rejection needs a reason; add --note TEXT".to_owned());
        }
        let known = trust.reviewers.iter().find(|reviewer| reviewer.name == name);
        if let (Some(known), Some(key)) = (known, signers.public().next())
            && known.key != *key
        {
            return usage(format!("--sign-key is not the key of {name}: it is {}, not {}", key.id(), known.key.id()));
        }
        Ok(())
    }

    /// A signature that was made elsewhere.
    fn foreign(decide: &DecideArgs, trust: &Trust) -> Result<Option<Foreign>, Error> {
        let (Some(signature), Some(signed)) = (&decide.add_signature, &decide.to_sign) else { return Ok(None) };
        let read = |path: &Path| files::read(path).map_err(|error| Error::Usage(error.to_string()));
        let [key] = trust.keys.as_slice() else {
            let text = "--add-signature needs the public key that it is of; give one by --verify-key FILE";
            return Err(Error::Usage(text.to_owned()));
        };
        let (bytes, over) = (read(signature)?, read(signed)?);
        let fault = |why: String| Err(Error::Usage(format!("{}: {why}", signature.display())));
        if envelope::payload_of(&over).is_none() {
            return fault(format!("{} is not what --to-sign wrote", signed.display()));
        }
        if !key.verifies(&over, &bytes) {
            return fault(format!("this is no signature of {} over {}", key.id(), signed.display()));
        }
        Ok(Some(Foreign { signature: bytes, over, key: key.clone() }))
    }

    /// The bundle beside an archive, which is a part of what is audited; none for a folder, or while there is none.
    pub(super) fn kept_elsewhere(&self) -> Option<PathBuf> {
        let path = self.folder.join(BUNDLE);
        (self.form == Form::Archive && path.exists()).then_some(path)
    }

    /// Why the packet cannot be signed as it is; none if it can.
    pub(super) fn refusal(&self, audit: &Audit) -> Option<String> {
        let Some(packet) = &audit.packet else { return Some("it is no packet".to_owned()) };
        let broken = audit
            .gates
            .iter()
            .find(|gate| gate.status == Status::Fail && matches!(gate.name.as_str(), "checksums" | "record"));
        if let Some(gate) = broken {
            return Some(format!("{}: {}", gate.name, gate.measured));
        }
        match audit.signature.as_ref().map(|signature| signature.state) {
            Some(State::Invalid | State::Mismatch) => {
                let gate = audit.gates.iter().find(|gate| gate.name == "signature");
                let measured = gate.map_or("the bundle of signatures does not fit", |gate| gate.measured.as_str());
                return Some(format!("signature: {measured}"));
            }
            Some(State::None) | None if self.decide.decision.is_some() => {
                return Some("nobody signed its verdict yet, so there is none to decide on: sign it first".to_owned());
            }
            Some(State::None) | None if packet.derived.is_none() => {
                return Some("it holds no evidence of a complete run, so it has no verdict".to_owned());
            }
            _ => {}
        }
        None
    }

    /// Signs what was audited.
    ///
    /// # Errors
    /// The bundle cannot be written, was replaced meanwhile, or cannot take what is asked for.
    pub(super) fn carry_out(&self, common: &Common, audit: &Audit) -> Result<(), Error> {
        let Some(packet) = &audit.packet else { return Ok(()) };
        if self.form == Form::Archive {
            files::create_dir(&self.folder)?;
        }
        let start = packet.bundle.clone().unwrap_or_default();
        let now = clock::generated_at().utc().format("%Y-%m-%dT%H:%M:%SZ").to_string();
        let verdict = self.verdict(audit, packet)?;
        let next = |bundle: &[u8]| self.next(bundle, packet, &verdict, &now);
        if let Some(Foreign { signature, over, key }) = &self.foreign {
            return signatures::replace(&self.folder, |before| {
                let before = before.unwrap_or_else(|| start.clone());
                let next = foreign_next(&before, over, packet, &verdict)?;
                let signature = Signature::new(key.id(), signature.clone());
                let added = sign::add(&before, &next, key, signature).map_err(Error::NoVerdict)?;
                Ok(added.unwrap_or(before))
            });
        }
        if let Some(path) = &self.decide.to_sign {
            let before = signatures::read(&self.folder)?.unwrap_or(start);
            files::replace(path, &next(&before)?.signed_bytes())?;
            common.note(&format!("sign the bytes of {}, then add the signature with --add-signature", path.display()));
            return Ok(());
        }
        self.signers.sign(common, &self.folder, &start, next)?;
        common.note(&format!("signed: {}", self.folder.join(BUNDLE).display()));
        Ok(())
    }

    /// The payload of the verdict: the one that was audited, or the first on this packet.
    fn verdict(&self, audit: &Audit, packet: &Packet) -> Result<Vec<u8>, Error> {
        if let Some(payload) = audit.signature.as_ref().and_then(|signature| signature.payload.clone()) {
            if !self.subjects.is_empty() {
                let text =
                    "--subject: the verdict is signed already, and what it is about cannot change; drop the option";
                return Err(Error::Usage(text.to_owned()));
            }
            return Ok(payload);
        }
        let mut packet = packet.clone();
        packet.tested.extend(self.subjects.iter().cloned());
        packet.verdict().ok_or_else(|| Error::NoVerdict("the packet has no verdict to sign".to_owned()))
    }

    /// What is signed next, given the bundle as it is now.
    fn next(&self, bundle: &[u8], packet: &Packet, verdict: &[u8], now: &str) -> Result<Next, Error> {
        check_verdict(bundle, verdict)?;
        let Some(choice) = self.decide.decision else { return Ok(Next::Verdict { payload: verdict.to_vec() }) };
        let choice = match choice {
            DecisionArg::Approve => Choice::Approve,
            DecisionArg::Reject => Choice::Reject,
        };
        let reviewer = self.decide.name.as_deref().unwrap_or_default();
        let deciding = Deciding { choice, reviewer, note: self.decide.note.as_deref(), at: now };
        sign::decision(bundle, &deciding, packet.sums_sha256()).map_err(Error::Usage)
    }
}

/// Whether the bundle still begins with the verdict that was audited, if it begins with any.
fn check_verdict(bundle: &[u8], verdict: &[u8]) -> Result<(), Error> {
    if bundle.is_empty() || sign::verdict(bundle).is_ok_and(|first| first.payload() == verdict) {
        return Ok(());
    }
    Err(Error::NoVerdict("the verdict in the bundle was replaced while it was being signed; audit it again".to_owned()))
}

/// Where a signature over the bytes `over` belongs, if they are still what is to be signed.
fn foreign_next(bundle: &[u8], over: &[u8], packet: &Packet, verdict: &[u8]) -> Result<Next, Error> {
    check_verdict(bundle, verdict)?;
    let payload = envelope::payload_of(over).unwrap_or_default();
    if payload == verdict {
        return Ok(Next::Verdict { payload: payload.to_vec() });
    }
    let stale =
        |why: &str| Err(Error::Usage(format!("the bytes of --to-sign are out of date: {why}; write them again")));
    let Ok(statement) = decisions::read(payload) else {
        return stale("they are neither the verdict of this packet nor a decision on it");
    };
    let decision = statement.predicate;
    let deciding = Deciding {
        choice: decision.decision,
        reviewer: &decision.reviewer,
        note: decision.note.as_deref(),
        at: &decision.decided_at,
    };
    match sign::decision(bundle, &deciding, packet.sums_sha256()).map_err(Error::Usage)? {
        next if next.payload() == payload => Ok(next),
        _ => stale("the packet, its verdict or the decisions before this one changed"),
    }
}
