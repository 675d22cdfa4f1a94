//! What an audit makes of the bundle of a packet: whose signatures hold, whether the statement is about these files and
//! says what the evidence says, and how the reviewers decided.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::BUNDLE;
use super::decisions::{self, Choice, Consent, DECISION_TYPE, Decision, Judged, Reviewer, Subject, VerdictRef};
use super::envelope::{self, Envelope};
use super::statement::{self, Gates, Outcome, Sealed, Statement, TestResult, VERDICT_TYPE};
use crate::finding::{Finding, count};
use crate::keys::PublicKey;
use crate::supervise::record::RunRecord;

/// The most names that one finding lists.
const NAMED: usize = 5;

/// Whom the caller trusts, and how many of them must agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Keys of the verdict; empty where nothing about keys is asked.
    pub keys: Vec<PublicKey>,
    /// How many of them must have signed.
    pub min_signatures: usize,
    /// People who decide; empty where nobody is asked.
    pub reviewers: Vec<Reviewer>,
    /// How many of them must approve.
    pub min_approvals: usize,
}

/// The packet as it is on disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packet {
    /// Every file but the bundle: its path and its SHA-256 in hex.
    pub files: BTreeMap<String, String>,
    /// The snapshots of its timeline and the digest of the last; none if it holds no timeline.
    pub head: Option<(u64, String)>,
    /// The verdict that its evidence gives by its own policy; none if it holds no evidence of a complete run.
    pub derived: Option<Gates>,
    /// The verdict of its sign-off document; none if that cannot be read.
    pub sealed: Option<Gates>,
    /// What was rehearsed: names with SHA-256 in hex.
    pub tested: Vec<(String, String)>,
    /// The bundle; none if there is none.
    pub bundle: Option<Vec<u8>>,
}

impl Packet {
    /// What the record of a run says: its timeline, and what was rehearsed.
    pub fn of_run(record: &RunRecord) -> Self {
        let subjects = record.provenance.iter().flat_map(|provenance| &provenance.subjects);
        Self {
            head: record.progress.head_sha256.clone().map(|head| (record.progress.snapshots, head)),
            tested: subjects.map(|subject| (subject.name.clone(), subject.sha256.clone())).collect(),
            ..Self::default()
        }
    }

    /// The SHA-256 of the sums, in hex; empty where there are none.
    pub fn sums_sha256(&self) -> &str {
        self.files.get("SHA256SUMS").map_or("", String::as_str)
    }

    /// The payload of the verdict on it; none if nothing gives one.
    pub fn verdict(&self) -> Option<Vec<u8>> {
        let head = self.head.as_ref().map(|(snapshots, digest)| (*snapshots, digest.as_str()));
        // What was sealed and what the evidence gives must agree before anybody signs; gates that only the rehearsal
        // itself has are in the first alone.
        let verdict = self.derived.as_ref().map(|derived| self.sealed.as_ref().unwrap_or(derived))?;
        Some(statement::verdict(&Sealed { files: &self.files, head, tested: &self.tested, verdict }))
    }
}

/// Gates that only an audit has, beside those that a rehearsal seals.
const OF_AUDITS: [&str; 5] = ["checksums", "record", "signature", "approvals", "plan"];

/// The state of the signatures of the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is no bundle.
    None,
    /// Nobody asked; what is signed fits the packet.
    NotChecked,
    /// Enough trusted keys signed this packet and this verdict.
    Valid,
    /// Too few trusted keys signed.
    Untrusted,
    /// The bundle is damaged, or a signature of a trusted key does not fit.
    Invalid,
    /// What is signed is not this packet, or not what its evidence says.
    Mismatch,
}

/// The signatures of the verdict. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signatures {
    /// Their state.
    pub state: State,
    /// The result that was signed.
    pub result: Option<Outcome>,
    /// Each signature, by the key that it claims or is of.
    pub keys: Vec<KeyState>,
    /// How many trusted keys must have signed; 0 where nobody asked.
    pub required: usize,
    /// What stands against them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The payload of the verdict, for those who sign it too.
    #[serde(skip)]
    pub payload: Option<Vec<u8>>,
}

/// One signature of the verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyState {
    /// The fingerprint of the key.
    pub id: String,
    /// Whether the caller trusts it.
    pub trusted: bool,
    /// Whether the signature verifies; none if the key is not known.
    pub valid: Option<bool>,
}

/// What an audit makes of a bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The signatures of the verdict.
    pub signatures: Signatures,
    /// The decisions in their order.
    pub decisions: Vec<Judged>,
    /// What the reviewers say, where some were named.
    pub approvals: Option<Approvals>,
    /// Lines of other kinds, which say nothing here.
    pub ignored: usize,
}

/// What the reviewers say.
#[derive(Clone, Debug, PartialEq)]
pub struct Approvals {
    /// Who approves, rejects and is missing, in words.
    pub measured: String,
    /// What was asked for, in words.
    pub threshold: String,
    /// Decisions that count.
    pub counted: usize,
    /// What stands against acceptance.
    pub findings: Vec<Finding>,
}

/// A verdict with the statement in it.
struct Verdict {
    envelope: Envelope,
    statement: Statement<TestResult>,
}

/// The lines of all bundles, sorted by what they are.
#[derive(Default)]
struct Sorted {
    verdict: Option<Verdict>,
    decisions: Vec<(u64, Envelope, Statement<Decision>)>,
    ignored: usize,
    findings: Vec<Finding>,
}

/// Judges the bundles about a packet: by name and content, that of the packet first.
pub(crate) fn judge(bundles: &[(String, Vec<u8>)], trust: &Trust, packet: &Packet) -> Judgement {
    let Sorted { verdict, decisions, ignored, findings: damage } = sort(bundles);
    let required = if trust.keys.is_empty() { 0 } else { trust.min_signatures };
    let mut signatures =
        Signatures { state: State::None, result: None, keys: Vec::new(), required, findings: damage, payload: None };
    let Some(verdict) = verdict else {
        if !bundles.is_empty() {
            signatures.state = State::Invalid;
        } else if required > 0 {
            signatures.findings.push(Finding::fail(UNSIGNED).in_file(BUNDLE, None));
        }
        let approvals = (!trust.reviewers.is_empty()).then(|| approvals(&[], trust));
        return Judgement { signatures, decisions: Vec::new(), approvals, ignored };
    };
    signatures.result = Some(verdict.statement.predicate.result);
    signatures.payload = Some(verdict.envelope.payload.clone());
    signatures.keys = key_states(&verdict.envelope, &trust.keys);
    let broken = broken(&verdict.envelope, trust);
    let mismatch = mismatches(&verdict, packet);
    let missing = too_few(&signatures.keys, trust);
    let subject = Subject {
        sums_sha256: packet.sums_sha256(),
        verdict: &VerdictRef {
            result: verdict.statement.predicate.result,
            payload_sha256: verdict.envelope.payload_sha256(),
        },
        reviewers: &trust.reviewers,
    };
    let decisions = decisions::judge(&decisions, &subject);
    let approvals = (!trust.reviewers.is_empty()).then(|| approvals(&decisions, trust));
    // Where nobody asks for approvals, decisions that were touched are a fault of the bundle.
    let touched: Vec<Finding> = if approvals.is_some() { Vec::new() } else { touched(&decisions).collect() };
    signatures.state = if !signatures.findings.is_empty() || !broken.is_empty() {
        State::Invalid
    } else if !mismatch.is_empty() || !touched.is_empty() {
        State::Mismatch
    } else if missing.is_some() {
        State::Untrusted
    } else if required > 0 {
        State::Valid
    } else {
        State::NotChecked
    };
    signatures.findings.extend([broken, mismatch, touched].into_iter().flatten().chain(missing));
    Judgement { signatures, decisions, approvals, ignored }
}

/// What to do about a packet that nobody signed.
const UNSIGNED: &str =
    "the packet is not signed, but a signature was asked for; sign it with: emp-ops audit PACKET --sign-key KEY";

fn sort(bundles: &[(String, Vec<u8>)]) -> Sorted {
    let mut sorted = Sorted::default();
    for (name, bytes) in bundles {
        let fault = |why: String, line| Finding::fail(why).in_file(name.as_str(), line);
        let lines = match envelope::lines(bytes) {
            Ok(lines) => lines,
            Err(why) => {
                sorted.findings.push(fault(format!("the bundle of signatures cannot be read: {why}"), None));
                continue;
            }
        };
        for (line, number) in lines.into_iter().zip(1..) {
            if let Err(why) = line.and_then(|envelope| sorted.take(envelope, number)) {
                let text = format!("line {number} of the bundle of signatures does not count: {why}");
                sorted.findings.push(fault(text, Some(number)));
            }
        }
    }
    sorted
}

impl Sorted {
    /// Takes one envelope to its place.
    fn take(&mut self, envelope: Envelope, line: u64) -> Result<(), String> {
        let predicate = statement::predicate_type(&envelope.payload)?;
        let Some(verdict) = &mut self.verdict else {
            let statement = statement::read_verdict(&envelope.payload)?;
            self.verdict = Some(Verdict { envelope, statement });
            return Ok(());
        };
        match predicate.as_str() {
            // A copy that is kept elsewhere brings further signatures.
            VERDICT_TYPE if envelope.payload == verdict.envelope.payload => {
                verdict.envelope.take_signatures(envelope);
            }
            VERDICT_TYPE => return Err("it is another verdict than the first line".to_owned()),
            DECISION_TYPE => {
                let statement = decisions::read(&envelope.payload)?;
                match self.decisions.iter_mut().find(|(_, known, _)| known.payload == envelope.payload) {
                    Some((_, known, _)) => known.take_signatures(envelope),
                    None => self.decisions.push((line, envelope, statement)),
                }
            }
            _ => self.ignored += 1,
        }
        Ok(())
    }
}

fn key_states(envelope: &Envelope, trusted: &[PublicKey]) -> Vec<KeyState> {
    let message = envelope.signed_bytes();
    let mut states: Vec<KeyState> = Vec::new();
    for signature in &envelope.signatures {
        let signer = trusted.iter().find(|key| key.verifies(&message, &signature.sig));
        let claimed = trusted.iter().any(|key| key.id() == signature.keyid);
        let state = KeyState {
            id: signer.map_or(signature.keyid.as_str(), PublicKey::id).to_owned(),
            trusted: signer.is_some() || claimed,
            valid: signer.map(|_| true).or(claimed.then_some(false)),
        };
        if !states.contains(&state) {
            states.push(state);
        }
    }
    states
}

fn broken(envelope: &Envelope, trust: &Trust) -> Vec<Finding> {
    let broken = trust.keys.iter().filter(|key| envelope.is_broken_for(key));
    broken
        .map(|key| {
            let text = format!(
                "the signature of the trusted key {} does not fit: the payload, its type or the signature was altered",
                key.id()
            );
            Finding::fail(text).in_file(BUNDLE, 1)
        })
        .collect()
}

/// Too few distinct trusted keys: how many, and who signed instead.
fn too_few(states: &[KeyState], trust: &Trust) -> Option<Finding> {
    let good: BTreeSet<&str> = states.iter().filter(|key| key.valid == Some(true)).map(|key| key.id.as_str()).collect();
    if good.len() >= trust.min_signatures || trust.keys.is_empty() {
        return None;
    }
    let others: Vec<&str> = states.iter().filter(|key| key.valid.is_none()).map(|key| key.id.as_str()).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!("; signed by keys that you do not trust: {}", listed(others)),
    };
    let (found, asked) = (good.len(), trust.min_signatures);
    let text = format!("{found} of {} signed the verdict{others}", count(asked as u64, "trusted key"));
    Some(Finding::fail(text).in_file(BUNDLE, 1))
}

/// Where the verdict is not about this packet, or not what it says.
fn mismatches(verdict: &Verdict, packet: &Packet) -> Vec<Finding> {
    let statement = &verdict.statement;
    let mut texts = Vec::new();
    texts.extend(file_differences(statement, &packet.files));
    let signed: BTreeMap<&str, Option<&str>> =
        statement.files().map(|file| (file.name.as_str(), file.sha256())).collect();
    let loose = statement.predicate.configuration.iter();
    let loose = loose.filter(|file| signed.get(file.name.as_str()) != Some(&file.sha256()) || file.sha256().is_none());
    texts
        .extend(loose.map(|file| format!("the statement names a configuration, {}, that it does not sign", file.name)));
    if let Some((snapshots, digest)) = &packet.head
        && statement.head() != Some((*snapshots, digest))
    {
        let (count, short) = (count(*snapshots, "snapshot"), &digest[..digest.len().min(16)]);
        texts.push(match statement.head() {
            None => format!("the statement does not sign the timeline of {count}"),
            Some((signed, _)) if signed != *snapshots => {
                format!("the timeline holds {count}, but {signed} were signed")
            }
            Some(_) => format!("the last snapshot of the timeline ({short}) is not the one that was signed"),
        });
    }
    for (who, gates) in [("the evidence", &packet.derived), ("dry_run_sign_off.json", &packet.sealed)] {
        texts.extend(gates.as_ref().and_then(|gates| statement.differs_from(who, gates, &OF_AUDITS)));
    }
    texts.into_iter().map(|text| Finding::fail(text).in_file(BUNDLE, 1)).collect()
}

/// The files that were changed, removed or added since they were signed, in one sentence.
fn file_differences(statement: &Statement<TestResult>, files: &BTreeMap<String, String>) -> Option<String> {
    let mut signed = BTreeMap::new();
    let mut differs = BTreeMap::new();
    for file in statement.files() {
        let name = file.name.as_str();
        if signed.insert(name, file.sha256()).is_some() {
            differs.insert(name, "signed twice");
        }
    }
    for (name, sha256) in &signed {
        match files.get(*name) {
            None => differs.insert(name, "missing"),
            Some(found) if Some(found.as_str()) != *sha256 => differs.insert(name, "changed"),
            Some(_) => None,
        };
    }
    differs
        .extend(files.keys().filter(|name| !signed.contains_key(name.as_str())).map(|name| (name.as_str(), "added")));
    if differs.is_empty() {
        return None;
    }
    let named: Vec<String> = differs.iter().map(|(name, how)| format!("{name} ({how})")).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    let are = if named.len() == 1 { "is" } else { "are" };
    Some(format!("{} {are} not as signed: {}", count(named.len() as u64, "file"), listed(&named)))
}

/// The first few names, and how many more there are.
fn listed(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Decisions that were touched.
fn touched(decisions: &[Judged]) -> impl Iterator<Item = Finding> {
    decisions.iter().filter(|decision| decision.tampered).map(|decision| {
        let why = decision.why_not.as_deref().unwrap_or_default();
        let text = format!("the decision of {} does not count: {why}", decision.reviewer);
        Finding::fail(text).in_file(BUNDLE, decision.line)
    })
}

fn approvals(decisions: &[Judged], trust: &Trust) -> Approvals {
    let consent = Consent::of(decisions, &trust.reviewers);
    let mut findings: Vec<Finding> = touched(decisions).collect();
    for name in &consent.rejected {
        let own = decisions.iter().find(|d| d.counts && d.decision == Choice::Reject && d.reviewer == *name);
        let why = own.and_then(|decision| decision.note.as_deref()).unwrap_or("without a note");
        let text = format!("{name} rejects the packet: {why}");
        findings.push(Finding::fail(text).in_file(BUNDLE, own.map(|decision| decision.line)));
    }
    if consent.approved.len() < trust.min_approvals {
        let missing: Vec<String> = consent
            .missing
            .iter()
            .map(|name| match decisions.iter().rfind(|decision| decision.reviewer == *name) {
                None => format!("{name} has not decided"),
                Some(decision) => {
                    let why = decision.why_not.as_deref().unwrap_or_default();
                    format!("the decision in line {} in the name of {name} does not count: {why}", decision.line)
                }
            })
            .collect();
        let missing = if missing.is_empty() { String::new() } else { format!(": {}", missing.join("; ")) };
        let text =
            format!("{} of {} given{missing}", consent.approved.len(), count(trust.min_approvals as u64, "approval"));
        findings.push(Finding::fail(text).in_file(BUNDLE, None));
    }
    let people =
        [("approved by", &consent.approved), ("rejected by", &consent.rejected), ("missing:", &consent.missing)];
    let people = people.iter().filter(|(_, names)| !names.is_empty());
    let measured: Vec<String> = people.map(|(word, names)| format!("{word} {}", listed(names))).collect();
    Approvals {
        measured: measured.join("; "),
        threshold: format!(
            "{} of {}, no rejection",
            count(trust.min_approvals as u64, "approval"),
            trust.reviewers.len()
        ),
        counted: consent.approved.len() + consent.rejected.len(),
        findings,
    }
}

#[cfg(test)]
mod tests;
