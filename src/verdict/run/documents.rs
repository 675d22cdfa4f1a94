//! What the documents of a run or packet claim, against the verdict that its evidence gives when it is derived again.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::finding::{Finding, Gate, Status};
use crate::sanitize::{self, shorten};
use crate::supervise::record::RunRecord;
use crate::verdict::audit::Audit;

/// Gates that only an audit of the sealed evidence has, so that no document of the run can hold them.
const LATER: &[&str] = &["record", "checksums", "signature", "approvals", "plan"];

/// A document that was written when the run was sealed.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// What the user calls it.
    pub name: String,
    /// Its content, that of Markdown and of the page as one text; or why it cannot be read.
    pub content: Result<Value, String>,
}

impl Sealed {
    /// Whether emp-ops wrote it, by what it says of itself.
    pub(super) fn is_ours(&self) -> bool {
        let schema = self.content.as_ref().ok().and_then(|content| content.get("schema")?.as_str());
        schema.is_some_and(|schema| schema.starts_with("emp-ops/"))
    }
}

/// The figures of a summary that are compared, by their places in it.
const FIGURES: [&str; 12] = [
    "/logs/lines",
    "/logs/records",
    "/logs/totals",
    "/logs/level_counts",
    "/logs/uptime_ratio",
    "/logs/duration_seconds",
    "/diary/total_entries",
    "/diary/total_issues",
    "/performance/total_trades",
    "/performance/roi",
    "/performance/win_rate",
    "/performance/sharpe_ratio",
];

/// What documents repeat of the run record.
const REPEATED: [&str; 6] = ["command", "started_at", "ended_at", "duration_seconds", "provenance", "objectives"];

/// Where the documents disagree with `derived`, the verdict by the policy of the run on the evidence alone, or with the
/// record of the run. Their words are compared where the same version of this program wrote them: another one may say
/// the same in other words.
pub(crate) fn compare(documents: &[Sealed], derived: &Audit, record: &RunRecord) -> Vec<Finding> {
    let same_version = record.version == env!("CARGO_PKG_VERSION");
    let (summary, record) = (json!(derived.summary), json!(record));
    let mut differs: Vec<Finding> = Vec::new();
    for document in documents {
        let name = document.name.as_str();
        let of = Derived { name, audit: derived, summary: &summary, record: &record, differs: &mut differs };
        match &document.content {
            Ok(Value::String(text)) => of.text(text, same_version),
            Ok(content) => of.json(content, same_version),
            Err(why) => {
                differs.push(Finding::fail(format!("{name} cannot be read: {why}")).in_file(name, None));
            }
        }
    }
    // It says its verdict, and that of each gate, in several places.
    let mut told = BTreeSet::new();
    differs.retain(|finding| told.insert(finding.summary.clone()));
    differs
}

/// The document `name` says `says` for `what`, and its evidence `is`.
pub(super) fn difference(name: &str, what: &str, says: &Value, is: &Value) -> Finding {
    let text = |value: &Value| match value.as_str().map(|word| (word, Status::from_word(word))) {
        Some((_, Some(status))) => status.label().to_owned(),
        Some((text, None)) => shorten(text, 80),
        None => shorten(&value.to_string(), 80),
    };
    let told = format!("{name} says {} for {what}, its evidence says {}", text(says), text(is));
    Finding::fail(told).in_file(name, None).with("said", says.clone()).with("derived", is.clone())
}

/// A document of this name, held against what is derived from the evidence.
struct Derived<'a> {
    name: &'a str,
    audit: &'a Audit,
    /// The summary of the evidence as JSON.
    summary: &'a Value,
    /// The record of the run as JSON.
    record: &'a Value,
    differs: &'a mut Vec<Finding>,
}

impl Derived<'_> {
    /// Notes that the document says `says` for `what`, and its evidence `is`.
    fn differ(&mut self, what: &str, says: &Value, is: &Value) {
        self.differs.push(difference(self.name, what, says, is));
    }

    /// Whether it rolls up its own items: it may then be worse than the evidence, as each item of a gate that was waived
    /// is still work, and is never better.
    fn rolls_up(&self) -> bool {
        ["backlog.", "wrap_up."]
            .iter()
            .any(|stem| self.name.rsplit('/').next().is_some_and(|name| name.starts_with(stem)))
    }

    /// Whether a headline fits the evidence: its verdict, and what was given up for it.
    fn fits(&self, says: &str, markdown: bool) -> bool {
        let is = |label: &str| {
            let remark = self.audit.headline.strip_prefix(self.audit.verdict.label()).unwrap_or_default();
            let headline = format!("{label}{remark}");
            says == if markdown { sanitize::markdown(&headline) } else { headline }
        };
        let verdicts = [Status::Pass, Status::Warn, Status::Fail].into_iter();
        let able = |status: &Status| *status == self.audit.verdict || self.rolls_up() && *status > self.audit.verdict;
        verdicts.filter(able).any(|status| is(status.label()))
    }

    fn status(&mut self, what: &str, says: &Value, is: Status) {
        if Status::from_word(says.as_str().unwrap_or_default()) != Some(is) {
            self.differ(what, says, &json!(is.word()));
        }
    }

    fn same(&mut self, what: &str, says: Option<&Value>, is: &Value) {
        if let Some(says) = says.filter(|says| *says != is) {
            self.differ(what, says, is);
        }
    }

    /// The incidents of the record, each as bad as it is held against the run.
    fn incidents(&self) -> Value {
        let mut incidents = self.record["incidents"].clone();
        let drills = self.audit.summary.drills.as_ref();
        for incident in incidents.as_array_mut().into_iter().flatten() {
            if drills.is_some_and(|drills| drills.excuses(incident["id"].as_str().unwrap_or_default())) {
                incident["severity"] = json!(Status::Pass);
            }
        }
        incidents
    }

    fn gates(&self) -> impl Iterator<Item = &Gate> {
        self.audit.gates.iter().filter(|gate| !LATER.contains(&gate.name.as_str()))
    }

    fn json(mut self, content: &Value, same_version: bool) {
        let verdict = self.audit.verdict;
        let sign_off = self.audit.sign_off.as_ref().map(|sign_off| sign_off.status);
        // The document of a sign-off has no other verdict beside it.
        let is_sign_off = content.get("evaluated_at").is_some();
        let whole = if is_sign_off { sign_off } else { Some(verdict) };
        let parts = [
            (if is_sign_off { "the sign-off" } else { "the verdict" }, "", whole),
            ("the sign-off", "/sign_off", sign_off),
            ("the verdict of its summary", "/summary", Some(verdict)),
            ("the verdict of its review", "/review", Some(verdict)),
        ];
        for (what, pointer, is) in parts {
            for key in ["status", "verdict"] {
                if let (Some(says), Some(is)) = (content.pointer(&format!("{pointer}/{key}")), is) {
                    let own =
                        says.as_str().and_then(Status::from_word).filter(|_| pointer.is_empty() && self.rolls_up());
                    self.status(what, says, own.map_or(is, |own| own.max(is)));
                }
            }
        }
        for list in gates_of(content) {
            self.gate_list(list, same_version);
        }
        for figure in FIGURES {
            let summary = self.summary;
            let is = summary.pointer(figure).unwrap_or(&Value::Null);
            for pointer in ["", "/summary"] {
                self.same(&figure[1..].replace('/', "."), content.pointer(&format!("{pointer}{figure}")), is);
            }
        }
        // What the record leaves out, where there is none of it, is an empty list in a document.
        let said = |key: &str| content.get(key).filter(|says| says.as_array().is_none_or(|list| !list.is_empty()));
        for key in REPEATED {
            let record = self.record;
            self.same(key, said(key), &record[key]);
        }
        // The bundle lists all incidents in the form of the record, others some of them or in other forms.
        if content.get("run_directory").is_some() {
            let raw = &self.record["incidents"];
            let judged = self.incidents();
            // Those of before had the severity of the record.
            let says = said("incidents").filter(|says| same_version || *says != raw);
            self.same("incidents", says, &judged);
        }
        if same_version {
            let headline = json!(self.audit.headline);
            for pointer in ["", "/sign_off", "/summary", "/review"] {
                let of = |key: &str| content.pointer(&format!("{pointer}/{key}"));
                let says = of("headline").filter(|says| says.as_str().is_some_and(|says| !self.fits(says, false)));
                self.same("the headline", says, &headline);
                let table = of("criteria_sources").or_else(|| of("criteria").filter(|table| table.is_array()));
                if let Some(table) = table.and_then(Value::as_array) {
                    self.limits(table);
                }
            }
        }
    }

    /// The table of the limits, which says who set them and what was relaxed.
    fn limits(&mut self, table: &[Value]) {
        let text = |row: &Value| {
            let word = |key: &str| row[key].as_str().unwrap_or("nothing").to_owned();
            let relaxed = if row["relaxed"] == true { ", RELAXED" } else { "" };
            json!(format!("{} ({}{relaxed})", word("value"), word("source")))
        };
        for row in json!(self.audit.criteria).as_array().into_iter().flatten() {
            let says = table.iter().find(|said| said["limit"] == row["limit"]).unwrap_or(&Value::Null);
            if says != row {
                self.differ(
                    &format!("the limit {}", row["limit"].as_str().unwrap_or_default()),
                    &text(says),
                    &text(row),
                );
            }
        }
    }

    fn gate_list(&mut self, list: &[Value], same_version: bool) {
        let gates: Vec<Gate> = self.gates().cloned().collect();
        let said: Vec<&Value> = list.iter().filter(|gate| !LATER.iter().any(|later| gate["name"] == *later)).collect();
        for gate in &said {
            let name = gate["name"].as_str().unwrap_or_default();
            let Some(derived) = gates.iter().find(|derived| derived.name == name) else {
                self.status(&format!("the gate {name}, which there is not"), &gate["status"], Status::Fail);
                continue;
            };
            self.status(&format!("the gate {name}"), &gate["status"], derived.status);
            if same_version {
                let words =
                    [("measured", "measured", &derived.measured), ("threshold", "asks for", &derived.threshold)];
                words.into_iter().for_each(|(key, does, is)| {
                    self.same(&format!("what the gate {name} {does}"), gate.get(key), &json!(is));
                });
            }
        }
        for gate in gates.iter().filter(|gate| !said.iter().any(|said| said["name"] == gate.name.as_str())) {
            self.status(&format!("the gate {}, which it leaves out", gate.name), &Value::Null, gate.status);
        }
    }

    /// Markdown or the page: the verdict in its title, and that of each gate in its table.
    fn text(mut self, text: &str, same_version: bool) {
        let page = self.name.ends_with(".html");
        let title = match page {
            true => text.split_once("<title>").and_then(|(_, rest)| rest.split_once(" – ")).map(|(word, _)| word),
            // The headline may name a workload and what it did.
            false => text.lines().next().and_then(|line| {
                let inner = self.audit.headline.matches(": ").count();
                line.rmatch_indices(": ").nth(inner).map(|(at, mark)| &line[at + mark.len()..])
            }),
        };
        let is = match page || !same_version {
            true => self.audit.verdict.label().to_owned(),
            false => sanitize::markdown(&self.audit.headline),
        };
        let title = title.unwrap_or_default();
        let fits = match page || !same_version {
            true if self.rolls_up() => {
                Status::from_word(title.split(' ').next().unwrap_or_default()) >= Some(self.audit.verdict)
            }
            true => title.starts_with(&is) && (!same_version || title == is),
            false => self.fits(title, true),
        };
        if !fits {
            self.differ("the headline", &json!(title), &json!(is));
        }
        let gates: Vec<Gate> = self.gates().cloned().collect();
        for gate in gates {
            let row = match page {
                true => text.split_once(&format!("<th scope=\"row\">{}</th>", gate.name)).map(|(_, rest)| rest),
                false => text.split_once(&format!("\n| **{}** | **", gate.name)).map(|(_, rest)| rest),
            };
            // What is in bold, or what is behind the sign of the verdict.
            let word = row.and_then(|row| match page {
                true => row.split_once("</svg>")?.1.split_once('<'),
                false => row.split_once("**"),
            });
            if let Some((word, _)) = word {
                self.status(&format!("the gate {}", gate.name), &json!(word), gate.status);
            }
        }
    }
}

/// What every packet of a run holds, and these lack.
pub(crate) fn missing(names: &[&str], documents: &[Sealed]) -> Vec<Finding> {
    let there = |name: &str| documents.iter().any(|document| document.name == name);
    let missing = names.iter().filter(|name| !there(name));
    missing
        .map(|name| Finding::fail(format!("{name} is missing, which every packet holds")).in_file(*name, None))
        .collect()
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
