//! What the documents of a run or packet claim, against the verdict that its evidence gives when it is derived again.

use serde_json::Value;

use crate::finding::{Finding, Gate, Status};
use crate::verdict::audit::Audit;

/// Gates that only an audit of the sealed evidence has, so that no document of the run can hold them.
const LATER: &[&str] = &["record", "checksums", "signature", "approvals", "plan"];

/// A document that was written when the run was sealed.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// What the user calls it.
    pub name: String,
    /// Its content, or why it cannot be read.
    pub content: Result<Value, String>,
}

/// Where the documents disagree with `derived`, the verdict by the policy of the run on the evidence alone.
pub(crate) fn compare(documents: &[Sealed], derived: &Audit) -> Vec<Finding> {
    let gates: Vec<&Gate> = derived.gates.iter().filter(|gate| !LATER.contains(&gate.name.as_str())).collect();
    let mut differs = Vec::new();
    for document in documents {
        let fail = |text: String| Finding::fail(text).in_file(document.name.as_str(), None);
        let content = match &document.content {
            Ok(content) => content,
            Err(why) => {
                differs.push(fail(format!("{} cannot be read: {why}", document.name)));
                continue;
            }
        };
        let mut differ = |what: &str, says: &Value, is: Status| {
            if Status::from_word(says.as_str().unwrap_or_default()) != Some(is) {
                let said = says.as_str().map_or_else(|| says.to_string(), str::to_uppercase);
                differs.push(
                    fail(format!("{} says {said} for {what}, its evidence says {is}", document.name))
                        .with("said", says.clone())
                        .with("derived", is.word()),
                );
            }
        };
        let sign_off = derived.sign_off.as_ref().map(|sign_off| sign_off.status);
        // The document of a sign-off has no other verdict beside it.
        let is_sign_off = content.get("evaluated_at").is_some();
        let whole = if is_sign_off { sign_off } else { Some(derived.verdict) };
        for (what, pointer, is) in [
            (if is_sign_off { "the sign-off" } else { "the verdict" }, "", whole),
            ("the sign-off", "/sign_off", sign_off),
            ("the verdict of its summary", "/summary", Some(derived.verdict)),
        ] {
            for key in ["status", "verdict"] {
                if let (Some(says), Some(is)) = (content.pointer(&format!("{pointer}/{key}")), is) {
                    differ(what, says, is);
                }
            }
        }
        for list in gates_of(content) {
            let said: Vec<&Value> =
                list.iter().filter(|gate| !LATER.iter().any(|later| gate["name"] == *later)).collect();
            for gate in &said {
                let name = gate["name"].as_str().unwrap_or_default();
                match gates.iter().find(|derived| derived.name == name) {
                    Some(derived) => differ(&format!("the gate {name}"), &gate["status"], derived.status),
                    None => differ(&format!("the gate {name}, which there is not"), &gate["status"], Status::Fail),
                }
            }
            for gate in gates.iter().filter(|gate| !said.iter().any(|said| said["name"] == gate.name.as_str())) {
                differ(&format!("the gate {}, which it leaves out", gate.name), &Value::Null, gate.status);
            }
        }
    }
    differs
}

/// Every list of gates in a document: its own, that of its sign-off, that of the summary in it.
fn gates_of(document: &Value) -> impl Iterator<Item = &Vec<Value>> {
    ["/gates", "/sign_off/gates", "/summary/gates"]
        .into_iter()
        .filter_map(|pointer| document.pointer(pointer).and_then(Value::as_array))
}

/// Whether the policy that a packet states is the one that its run was judged by.
pub(crate) fn compare_policy(stated: &Sealed, derived: &Audit) -> Option<Finding> {
    let name = stated.name.as_str();
    let stated = match &stated.content {
        Ok(stated) => stated,
        Err(why) => return Some(Finding::fail(format!("{name} cannot be read: {why}")).in_file(name, None)),
    };
    let differ: Vec<String> = derived
        .policy
        .document()
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| stated.get(key.as_str()) != Some(*value))
        .map(|(key, _)| key.clone())
        .collect();
    (!differ.is_empty()).then(|| {
        let text = format!("{name} is not the policy of the run: they differ in {}", differ.join(", "));
        Finding::fail(text).in_file(name, None)
    })
}
