//! Holds a run against what was sealed of it.

use super::{Against, Evidence, Request, about, readiness, summarise};
use crate::finding::Place;
use crate::log::summary::{RecordSummary, Summary};
use crate::verdict::attestation::statement::Gates;
use crate::verdict::audit::Audit;
use crate::verdict::policy::Policy;
use crate::verdict::run::{self, Beside};
use crate::verdict::waivers;

/// Holds the files and documents of a run against what it sealed, and against the verdict that its evidence gives under
/// its own policy. `policies` are the one that applies and that of the run.
pub(super) fn compare(
    evidence: &mut Evidence,
    summary: &Summary,
    policies: (&Policy, &Policy),
    request: &Request,
) -> Option<RecordSummary> {
    let (policy, own) = policies;
    let mut own_verdict = None;
    if !request.sealing && evidence.run.is_complete() {
        let same_terms = policy.document() == own.document() && policy.waivers == own.waivers;
        let same = same_terms && request.diary_key.is_none();
        let own_request = Request {
            layers: Vec::new(),
            components: Vec::new(),
            against: Against::default(),
            diary_key: None,
            show_progress: false,
            ..request.clone()
        };
        let mut judged = if same { summary.clone() } else { summarise(evidence, own, &own_request) };
        // By the end of the run, as it was sealed.
        let own_request = Request { as_of: None, ..own_request };
        let known = about(evidence, &own_request);
        // Nothing but the policy of the run asks here, so nothing is refused.
        let _ = readiness::add(&mut judged, &own_request, evidence, own, known.ended_at);
        let derived = Audit::new(judged.clone(), own.clone(), known.clone(), judged.generated_at);
        if let Some(packet) = &mut evidence.packet {
            packet.derived = Some(Gates::of(derived.verdict, &derived.gates));
        }
        own_verdict = (!same_terms).then_some(derived.verdict);
        let acknowledgements = evidence.acknowledgements(true);
        if let Some(record) = &evidence.run.record {
            let differs = run::compare_documents(&evidence.documents, &derived, record);
            evidence.run.differs.extend(differs);
        }
        evidence.run.differs.extend(evidence.policy.as_ref().and_then(|policy| run::compare_policy(policy, &derived)));
        if evidence.packet.is_some() {
            let ended_at = evidence.run.record.as_ref().and_then(|record| record.ended_at);
            let stated = evidence.waivers.as_ref().map(|waivers| waivers.content.as_ref().ok());
            evidence.run.differs.extend(waivers::compare(stated, &own.waivers, ended_at));
        }
        if evidence.run.differs.is_empty()
            && let (Some(again), Some(record)) = (request.again, &evidence.run.record)
        {
            let judged = run::as_sealed(judged, &evidence.run, &evidence.documents, &request.metadata);
            let at = judged.generated_at;
            let runtime = evidence.run.runtime();
            let audit = Audit { acknowledgements, runtime, ..Audit::new(judged, own.clone(), known, at) };
            let lines = |places: &[Place]| evidence.lines_around(places);
            let beside = evidence.packet.is_some().then(|| Beside { files: evidence.shown_files(), lines: &lines });
            let written = again(record, &audit, &evidence.documents, beside.as_ref());
            let differs = run::compare_whole(&evidence.documents, &written, record);
            evidence.run.differs.extend(differs);
        }
    }
    run::record_summary(&mut evidence.run, own_verdict)
}
