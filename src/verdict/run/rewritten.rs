//! The documents of a run as a whole, against the same documents written again from its evidence: whoever rewrites any
//! figure in one of them is found, with the digests made again too.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Run;
use super::documents::{Sealed, difference};
use crate::finding::{Finding, Metadata, Place};
use crate::log::summary::{RecordSummary, Summary};
use crate::supervise::record::RunRecord;
use crate::time::Stamp;
use crate::verdict::packet::Listed;

/// What says when a document was written, and where the packet was then: no evidence knows that.
const FREE: [&str; 3] = ["generated_at", "evaluated_at", "evidence_packet"];

/// The lines of logs around places: the number of each, and its text.
pub(crate) type Excerpts = BTreeMap<Place, Vec<(u64, String)>>;

/// What a packet holds beside its documents, for those of them that show it.
pub(crate) struct Beside<'a> {
    /// Its files, relative to it, but for its page and what is written after that.
    pub files: Vec<Listed>,
    /// Reads the lines of the logs around places.
    pub lines: &'a dyn Fn(&[Place]) -> Excerpts,
}

/// The summary as the supervisor saw it when it sealed the run: at that time, without what this audit `added`.
pub(crate) fn as_sealed(mut summary: Summary, run: &Run, documents: &[Sealed], added: &Metadata) -> Summary {
    let stated = documents.iter().find(|document| document.name == "summary.json");
    let at = stated.and_then(|document| document.content.as_ref().ok()?.get("generated_at")?.as_str());
    summary.generated_at = at.and_then(Stamp::parse).unwrap_or(summary.generated_at);
    for (key, value) in added {
        if summary.metadata.get(key) == Some(value) {
            summary.metadata.remove(key);
            summary.metadata.extend(run.metadata.get(key).map(|own| (key.clone(), own.clone())));
        }
    }
    for key in ["subject", "checksums_path", "plan_path"] {
        summary.metadata.remove(key);
    }
    let files = run.record.as_ref().and_then(|record| record.sealed_files.as_ref());
    summary.record =
        Some(RecordSummary { files: files.map_or(0, |files| files.len() as u64), ..RecordSummary::default() });
    summary
}

/// Where the documents differ from those that were `written` again. Another version of this program may say the same in
/// other words, so that only its own are compared; that the others were not is a warning.
pub(crate) fn compare(documents: &[Sealed], written: &[Sealed], record: &RunRecord) -> Vec<Finding> {
    if record.version != env!("CARGO_PKG_VERSION") {
        let summary = format!(
            "emp-ops {} wrote the documents: of them this version compares the verdicts and the gates, not each figure; \
             audit them with that one as well",
            record.version
        );
        return if documents.is_empty() { Vec::new() } else { vec![Finding::warn(summary)] };
    }
    let of = |name: &str| written.iter().find(|again| again.name == name);
    let pairs = documents.iter().filter_map(|document| {
        let (says, is) = (document.content.as_ref().ok()?, of(&document.name)?.content.as_ref().ok()?);
        match (says, is) {
            (Value::String(says), Value::String(is)) => lines(&document.name, says, is),
            _ => values("", says, is).map(|(place, says, is)| difference(&document.name, &place, &says, &is)),
        }
    });
    pairs.collect()
}

/// Whether a document is the one that was written again, as [`compare`] sees it.
pub(crate) fn is_again(says: &Value, is: &Value) -> bool {
    match (says.as_str(), is.as_str()) {
        (Some(says), Some(is)) => at_home(says) == at_home(is),
        _ => says == is,
    }
}

/// In a packet the evidence is below `raw/`.
fn at_home(text: &str) -> String {
    text.replace("raw/", "")
}

/// The first line that is another one.
fn lines(name: &str, says: &str, is: &str) -> Option<Finding> {
    let (mut said, mut derived) = (says.lines(), is.lines());
    for number in 1.. {
        match (said.next(), derived.next()) {
            (None, None) => return None,
            (Some(said), Some(derived)) if at_home(said) == at_home(derived) => {}
            (said, derived) => {
                let from = shared(said.unwrap_or_default(), derived.unwrap_or_default());
                let value = |line: Option<&str>| {
                    json!(line.map_or_else(|| "nothing".to_owned(), |line| at_home(line[from..].trim())))
                };
                let finding = difference(name, &format!("line {number}"), &value(said), &value(derived));
                return Some(finding.in_file(name, Some(number)));
            }
        }
    }
    None
}

/// Up to where two long lines, as those of a page, say the same; some of it is left to tell where that is.
fn shared(one: &str, other: &str) -> usize {
    const LEFT: usize = 30;
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    (0..=same.saturating_sub(LEFT)).rev().find(|at| one.is_char_boundary(*at)).unwrap_or_default()
}

/// The first value that is another one: its place, and both.
fn values(place: &str, says: &Value, is: &Value) -> Option<(String, Value, Value)> {
    match (says, is) {
        (Value::Object(said), Value::Object(derived)) => {
            let keys = said.keys().chain(derived.keys().filter(|key| !said.contains_key(*key)));
            keys.filter(|key| !FREE.contains(&key.as_str())).find_map(|key| {
                let dot = if place.is_empty() { "" } else { "." };
                let [says, is] = [said, derived].map(|keys| keys.get(key).unwrap_or(&Value::Null));
                values(&format!("{place}{dot}{key}"), says, is)
            })
        }
        (Value::Array(said), Value::Array(derived)) if said.len() == derived.len() => {
            let pairs = said.iter().zip(derived).enumerate();
            pairs.into_iter().find_map(|(at, (says, is))| values(&format!("{place}[{at}]"), says, is))
        }
        (Value::String(said), Value::String(derived)) if at_home(said) == at_home(derived) => None,
        _ => (says != is).then(|| (place.to_owned(), says.clone(), is.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(name: &str, content: Value) -> Sealed {
        Sealed { name: name.to_owned(), content: Ok(content) }
    }

    #[test]
    fn any_value_and_any_line_that_differs_is_named() {
        let record: Value = serde_json::from_str(include_str!("../../../fixtures/audit/run/run.json")).unwrap();
        let record: RunRecord = serde_json::from_value(record).unwrap();
        let record = RunRecord { version: env!("CARGO_PKG_VERSION").to_owned(), ..record };
        let json = json!({"generated_at": "then", "items": [{"count": 3, "file": "logs/a.log"}], "status": "pass"});
        let text = "# Run: PASS\n\n| Lines | 41 |\nraw/logs/a.log:7\n";
        let written = [document("a.json", json.clone()), document("a.md", text.into())];
        let mut as_packet = json.clone();
        as_packet["items"][0]["file"] = json!("raw/logs/a.log");
        as_packet["generated_at"] = json!("now");
        for (name, content, expect) in [
            ("a.json", json.clone(), None),
            ("a.json", as_packet, None),
            (
                "a.json",
                json!({"items": [{"count": 4, "file": "logs/a.log"}], "status": "pass"}),
                Some("items[0].count"),
            ),
            ("a.json", json!({"items": [], "status": "pass"}), Some("items")),
            ("a.json", json!({"items": json["items"], "status": "pass", "note": "x"}), Some("note")),
            ("a.json", json!({"items": json["items"]}), Some("status")),
            ("a.md", text.replace("raw/", "").into(), None),
            ("a.md", text.replace("41", "14").into(), Some("line 3")),
            ("a.md", format!("{text}Approved.\n").into(), Some("line 5")),
            ("a.md", "# Run: PASS\n".into(), Some("line 2")),
            ("b.md", "what nobody writes again".into(), None),
        ] {
            let differs = compare(&[document(name, content.clone())], &written, &record);
            let told = differs.first().map(|finding| finding.summary.as_str());
            match expect {
                None => assert_eq!(told, None, "{content}"),
                Some(place) => {
                    let told = told.unwrap_or_else(|| panic!("{content} differs in {place}"));
                    assert!(told.contains(&format!(" for {place}, ")), "{told}");
                }
            }
        }
        let other = RunRecord { version: "0.0.1".to_owned(), ..record };
        let told = compare(&[document("a.md", "# other words".into())], &written, &other);
        assert!(told.len() == 1 && told[0].severity == crate::finding::Status::Warn, "{told:?}");
        assert!(compare(&[], &written, &other).is_empty());
    }
}
