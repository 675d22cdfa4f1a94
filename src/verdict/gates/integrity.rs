//! The gates that show that the evidence is what it was, and who stands for it.

use super::{View, worst};
use crate::finding::{Finding, Gate, Status, count};
use crate::verdict::attestation::BUNDLE;
use crate::verdict::attestation::judge::Judgement;

impl View<'_> {
    pub(super) fn checksums(&self) -> Option<Gate> {
        let checksums = self.summary.checksums.as_ref()?;
        let clean = format!("{} verified", count(checksums.verified, "file"));
        let gate =
            self.part(("checksums", "checksums_path"), checksums.status, &checksums.findings, checksums.listed, &clean);
        Some(gate.fixed_by("the files as they were when the list was made, and a list that has digests"))
    }

    /// Its warnings are not raised: they tell of what is outside of the evidence.
    pub(super) fn record(&self) -> Option<Gate> {
        let record = self.summary.record.as_ref()?;
        let clean = format!("{} as sealed, no contradiction", count(record.files, "file"));
        let gate = self.part(("record", "record_path"), record.status, &record.differs, record.files, &clean);
        let gate = Gate { status: record.status, raised: false, threshold: "as it was sealed".to_owned(), ..gate };
        Some(gate.fixed_by("the evidence as it was sealed, or a new run"))
    }

    /// The signatures of the verdict, where keys were asked for.
    pub(super) fn signature(&self) -> Option<Gate> {
        let Judgement { signatures, .. } = self.about.attested.as_ref()?;
        let required = signatures.required as u64;
        let good: Vec<&str> =
            signatures.keys.iter().filter(|key| key.valid == Some(true)).map(|key| key.id.as_str()).collect();
        let clean = format!("{} of {required}: {}", good.len(), good.join(", "));
        let threshold = format!("signed by {}", count(required, "trusted key"));
        let gate = self.signed("signature", &signatures.findings, (signatures.keys.len() as u64, clean, threshold));
        (required > 0).then(|| gate.fixed_by("the packet as it was signed, with a signature of a key that you trust"))
    }

    /// The decisions of the reviewers, where some were named.
    pub(super) fn approvals(&self) -> Option<Gate> {
        let approvals = self.about.attested.as_ref()?.approvals.as_ref()?;
        let (samples, clean) = (approvals.counted as u64, approvals.measured.clone());
        let gate = self.signed("approvals", &approvals.findings, (samples, clean, approvals.threshold.clone()));
        Some(gate.fixed_by("the approval of the reviewers who are missing: emp-ops audit PACKET --sign-key KEY --decision approve --as NAME"))
    }

    fn signed(&self, name: &str, findings: &[Finding], (samples, clean, threshold): (u64, String, String)) -> Gate {
        let status = Status::roll_up(findings.iter().map(|finding| finding.severity));
        let gate = self.part((name, "subject"), status, findings, samples, &clean);
        let evidence = worst(findings).map_or_else(|| Some(BUNDLE.to_owned()), |_| gate.evidence.clone());
        Gate { status, raised: false, threshold, evidence, ..gate }
    }
}
