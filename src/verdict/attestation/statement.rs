//! in-toto statements: which files they are about, and what they say of them. The verdict is of the predicate type
//! `test-result`, without a key of our own, so that every reader of such statements understands it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::finding::{Gate, Status};
use crate::json::strict;

/// The type of every statement.
pub(crate) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The predicate type of a verdict.
pub(crate) const VERDICT_TYPE: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The key of the only digest that counts.
const SHA256: &str = "sha256";

/// A statement about files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Statement<P> {
    /// [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// What it is about.
    pub subject: Vec<Resource>,
    /// What kind of predicate follows.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What it says.
    pub predicate: P,
}

/// A file, or another thing that has a digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Resource {
    /// A path in the packet, or what the operator called it.
    #[serde(default)]
    pub name: String,
    /// Digests by the names of their algorithms.
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    /// Its media type.
    #[serde(rename = "mediaType", default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, Value>,
}

impl Resource {
    /// A resource with its SHA-256 in hex.
    pub(crate) fn new(name: &str, sha256: &str) -> Self {
        Self {
            name: name.to_owned(),
            digest: BTreeMap::from([(SHA256.to_owned(), sha256.to_owned())]),
            media_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Its SHA-256 in hex.
    pub(crate) fn sha256(&self) -> Option<&str> {
        self.digest.get(SHA256).map(String::as_str)
    }

    /// What it is in the packet.
    fn role(&self) -> Option<&str> {
        self.annotations.get("role")?.as_str()
    }

    /// Whether it is what was rehearsed, and no file of the packet.
    pub(crate) fn is_tested(&self) -> bool {
        self.role() == Some("tested")
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.annotations.insert(key.to_owned(), value.into());
        self
    }
}

/// The result of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// PASS.
    Passed,
    /// WARN.
    Warned,
    /// FAIL.
    Failed,
}

impl From<Status> for Outcome {
    fn from(status: Status) -> Self {
        match status {
            Status::Pass => Self::Passed,
            Status::Warn => Self::Warned,
            Status::Fail => Self::Failed,
        }
    }
}

impl Outcome {
    /// The word of the statement.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Warned => "WARNED",
            Self::Failed => "FAILED",
        }
    }
}

/// The predicate of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TestResult {
    /// The verdict.
    pub result: Outcome,
    /// The files that hold what was asked for.
    pub configuration: Vec<Resource>,
    /// Where more can be read; others write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The gates that passed.
    #[serde(default)]
    pub passed_tests: Vec<String>,
    /// The gates that are a WARN.
    #[serde(default)]
    pub warned_tests: Vec<String>,
    /// The gates that failed.
    #[serde(default)]
    pub failed_tests: Vec<String>,
}

/// The verdict with the gates that it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gates {
    /// The verdict.
    pub status: Status,
    /// Each gate by its name, in their order.
    pub gates: Vec<(String, Status)>,
}

impl Gates {
    /// The verdict of gates.
    pub fn of(status: Status, gates: &[Gate]) -> Self {
        Self { status, gates: gates.iter().map(|gate| (gate.name.clone(), gate.status)).collect() }
    }

    /// The verdict of a sign-off document; none if it is none.
    pub fn of_document(document: &Value) -> Option<Self> {
        let status = |of: &Value| serde_json::from_value(of.get("status")?.clone()).ok();
        let gates = document.get("gates")?.as_array()?.iter();
        let gates = gates.map(|gate| Some((gate.get("name")?.as_str()?.to_owned(), status(gate)?)));
        Some(Self { status: status(document)?, gates: gates.collect::<Option<_>>()? })
    }

    /// The names of the gates of one status.
    fn named(&self, status: Status) -> Vec<String> {
        self.gates.iter().filter(|(_, its)| *its == status).map(|(name, _)| name.clone()).collect()
    }
}

/// What a verdict is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed<'a> {
    /// Every file of the packet but the bundle: its path and its SHA-256 in hex.
    pub files: &'a BTreeMap<String, String>,
    /// How many snapshots the timeline holds, and the digest of the last; none without a timeline.
    pub head: Option<(u64, &'a str)>,
    /// What was rehearsed: names with SHA-256 in hex, in the order in which they were given.
    pub tested: &'a [(String, String)],
    /// The verdict.
    pub verdict: &'a Gates,
}

/// The files that hold what was asked for.
const CONFIGURATION: [&str; 2] = ["policy.json", "waivers.json"];

/// The payload of the verdict on a packet. It holds no clock time, so that equal packets give equal payloads.
pub(crate) fn verdict(sealed: &Sealed<'_>) -> Vec<u8> {
    let run = if sealed.files.contains_key("raw/run.json") { "raw/run.json" } else { "summary.json" };
    let mut subject: Vec<Resource> = Vec::new();
    for (name, sha256) in sealed.files {
        let file = Resource::new(name, sha256);
        subject.push(match name.as_str() {
            "SHA256SUMS" => file.with("role", "sums"),
            "manifest.json" => file.with("role", "manifest"),
            "report.html" => file.with("role", "report"),
            "dry_run_sign_off.json" => file.with("role", "gates"),
            name if name == run => match sealed.head {
                Some((snapshots, head)) => {
                    file.with("role", "run").with("snapshots", snapshots).with("headSha256", head)
                }
                None => file.with("role", "run"),
            },
            _ => file,
        });
    }
    subject.extend(sealed.tested.iter().map(|(name, sha256)| Resource::new(name, sha256).with("role", "tested")));
    let configuration = CONFIGURATION.iter().filter_map(|name| {
        let file = Resource::new(name, sealed.files.get(*name)?);
        Some(Resource { media_type: Some("application/json".to_owned()), ..file })
    });
    let statement = Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        subject,
        predicate_type: VERDICT_TYPE.to_owned(),
        predicate: TestResult {
            result: sealed.verdict.status.into(),
            configuration: configuration.collect(),
            url: None,
            passed_tests: sealed.verdict.named(Status::Pass),
            warned_tests: sealed.verdict.named(Status::Warn),
            failed_tests: sealed.verdict.named(Status::Fail),
        },
    };
    payload(&statement)
}

/// A statement as it is signed.
pub(super) fn payload(statement: &impl Serialize) -> Vec<u8> {
    // Strings, numbers and lists of them cannot fail to serialise.
    serde_json::to_vec(statement).unwrap_or_default()
}

/// The predicate type of a payload.
///
/// # Errors
/// It is no statement; the message says why.
pub(crate) fn predicate_type(payload: &[u8]) -> Result<String, String> {
    Ok(read::<Value>(payload, None)?.predicate_type)
}

/// Reads a statement of one predicate type.
///
/// # Errors
/// It is another, or none; the message says why.
pub(super) fn read<P: serde::de::DeserializeOwned>(
    payload: &[u8],
    predicate_type: Option<&str>,
) -> Result<Statement<P>, String> {
    let value = strict::parse(payload).map_err(|error| format!("the statement is not JSON of one meaning: {error}"))?;
    let is = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    if is("_type") != STATEMENT_TYPE {
        return Err(format!("its type is `{}`, not `{STATEMENT_TYPE}`", is("_type")));
    }
    if let Some(expected) = predicate_type.filter(|expected| is("predicateType") != *expected) {
        return Err(format!("its predicate is `{}`, not `{expected}`", is("predicateType")));
    }
    serde_json::from_value(value).map_err(|error| format!("the statement cannot be read: {error}"))
}

/// Reads the payload of a verdict.
///
/// # Errors
/// It is none; the message says why.
pub(crate) fn read_verdict(payload: &[u8]) -> Result<Statement<TestResult>, String> {
    read(payload, Some(VERDICT_TYPE))
}

impl Statement<TestResult> {
    /// The files that the statement is about.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Resource> {
        self.subject.iter().filter(|subject| !subject.is_tested())
    }

    /// The snapshots and the head of the timeline that were signed.
    pub(crate) fn head(&self) -> Option<(u64, &str)> {
        let run = self.files().find(|file| file.role() == Some("run"))?;
        Some((run.annotations.get("snapshots")?.as_u64()?, run.annotations.get("headSha256")?.as_str()?))
    }

    /// Where the statement says another thing about the verdict than `verdict` does, which is that of `who`; none if
    /// it does not. `beside` are gates that only one of them may have.
    pub(crate) fn differs_from(&self, who: &str, verdict: &Gates, beside: &[&str]) -> Option<String> {
        let said = &self.predicate;
        let lists = [
            (Status::Pass, &said.passed_tests),
            (Status::Warn, &said.warned_tests),
            (Status::Fail, &said.failed_tests),
        ];
        let mut differs = Vec::new();
        for (name, status) in &verdict.gates {
            let found: Vec<&str> =
                lists.iter().filter(|(_, list)| list.contains(name)).map(|(status, _)| status.label()).collect();
            match found.as_slice() {
                [only] if *only == status.label() => {}
                [] if beside.contains(&name.as_str()) => {}
                [] => differs.push(format!("{name}: not in the statement, {status} by {who}")),
                found => differs.push(format!("{name}: {} in the statement, {status} by {who}", found.join(" and "))),
            }
        }
        for (status, list) in lists {
            let known = |name: &String| verdict.gates.iter().any(|(known, _)| known == name);
            let unknown = list.iter().filter(|name| !known(name) && !beside.contains(&name.as_str()));
            differs.extend(unknown.map(|name| format!("{name}: {status} in the statement, no gate of {who}")));
        }
        let same = said.result == Outcome::from(verdict.status);
        (!same || !differs.is_empty()).then(|| {
            let gates = if differs.is_empty() { String::new() } else { format!(" ({})", differs.join("; ")) };
            format!("the statement says {}, {who} says {}{gates}", said.result.word(), verdict.status.label())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(status: Status, gates: &[(&str, Status)]) -> Gates {
        Gates { status, gates: gates.iter().map(|(name, status)| ((*name).to_owned(), *status)).collect() }
    }

    #[test]
    fn a_verdict_names_every_file_with_its_role_and_the_gates_by_status() {
        let files = ["SHA256SUMS", "manifest.json", "policy.json", "raw/run.json", "waivers.json"];
        let files = files.map(|name| (name.to_owned(), format!("<{name}>"))).into();
        let verdict_ = gates(Status::Fail, &[("run", Status::Pass), ("logs", Status::Fail), ("plan", Status::Warn)]);
        let tested = [("image".to_owned(), "<image>".to_owned())];
        let payload =
            verdict(&Sealed { files: &files, head: Some((2, "<head>")), tested: &tested, verdict: &verdict_ });
        let text = serde_json::to_string_pretty(&serde_json::from_slice::<Value>(&payload).unwrap()).unwrap();
        insta::assert_snapshot!(text);
        let read = read_verdict(&payload).unwrap();
        assert_eq!(read.head(), Some((2, "<head>")));
        assert_eq!(read.files().count(), 5);
        assert_eq!(read.differs_from("the evidence", &verdict_, &[]), None);
    }

    #[test]
    fn what_a_statement_says_otherwise_is_named() {
        let (pass, fail) = (("run", Status::Pass), ("logs", Status::Fail));
        let evidence = gates(Status::Fail, &[pass, fail]);
        for (status, signed, beside, expect) in [
            (Status::Fail, vec![pass, fail], "", None),
            (
                Status::Pass,
                vec![pass, ("logs", Status::Pass)],
                "",
                Some(
                    "the statement says PASSED, the evidence says FAIL (logs: PASS in the statement, FAIL by the evidence)",
                ),
            ),
            (Status::Pass, vec![pass, fail], "", Some("the statement says PASSED, the evidence says FAIL")),
            (Status::Fail, vec![fail], "", Some("(run: not in the statement, PASS by the evidence)")),
            (Status::Fail, vec![fail], "run", None),
            (
                Status::Fail,
                vec![pass, fail, ("logs", Status::Pass)],
                "",
                Some("(logs: PASS and FAIL in the statement, FAIL by the evidence)"),
            ),
            (
                Status::Fail,
                vec![pass, fail, ("x", Status::Pass)],
                "",
                Some("(x: PASS in the statement, no gate of the evidence)"),
            ),
        ] {
            let signed = gates(status, &signed);
            let sealed = Sealed { files: &BTreeMap::new(), head: None, tested: &[], verdict: &signed };
            let statement = read_verdict(&verdict(&sealed)).unwrap();
            let differs = statement.differs_from("the evidence", &evidence, &[beside]);
            match expect {
                None => assert_eq!(differs, None),
                Some(expect) => assert!(differs.as_ref().unwrap().ends_with(expect), "{differs:?}"),
            }
        }
    }
}
