//! Readiness: documents of other systems as components of one verdict.
//!
//! The kind of a document shows in what it holds; the rules of its kind judge its figures, not its word. A document that
//! cannot be read, is of no known kind or too old is a FAIL: it is never passed over.

mod age;
mod document;
mod kind;
mod kinds;
mod reader;
mod roll_up;
mod rules;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::document::Fault;
use self::kind::{Kind, Part};
use self::kinds::validation::Earlier;
use self::kinds::{budgets, drift, drills, generic, guardian, incident, ours, runtime, slo, timeline, validation};
use self::reader::Reader;
use self::values::{Object, text};
use crate::finding::{Finding, Status};
use crate::log::summary::readiness::{Component, Issue, Readiness};
use crate::sanitize::shorten;
use crate::time::Stamp;

pub use rules::Rules;
pub(crate) use rules::{Budgets, Drift, Incident, Readiness as ReadinessRules, Validation};

/// The longest name of a component, in characters.
const NAME: usize = 80;

/// A file that somebody named as a component.
#[derive(Clone, Debug)]
pub struct Given {
    /// The name that the component was given; none if its document says it.
    pub name: Option<String>,
    /// The file, as given.
    pub path: String,
    /// What is in it, or why it cannot be read.
    pub content: Result<Vec<u8>, String>,
    /// Whether it is a document of the run that is judged, which has a gate of its own.
    pub own: bool,
}

/// A document of another system.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ComponentFile {
    /// The name that it was given; none if the document says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it is: elsewhere until it is copied.
    pub path: String,
}

/// Why nothing was judged: something in a policy or in the limits of a document cannot be meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// The document, where it is in one.
    pub path: Option<String>,
    /// What is wrong there.
    pub key: String,
    /// Why, and what to do.
    pub why: String,
}

/// A component with what is wrong with it.
#[derive(Debug, Default)]
struct Judged {
    component: Component,
    issues: Vec<Issue>,
    /// Categories of issues whose WARN holds up the release.
    blocking: Vec<String>,
    /// The budgets by JSON pointer whose figure it has.
    budgets: Vec<String>,
    /// Whether it has a gate of its own.
    own: bool,
}

/// Judges the components of a release at `now`. `history` are earlier validation reports.
///
/// # Errors
/// The policy names a component that there is not, or a document holds limits that cannot be meant.
pub fn judge(given: &[Given], history: &[Given], rules: &Rules, now: Stamp) -> Result<Readiness, Refused> {
    let history: Vec<Earlier> = history.iter().map(earlier).collect();
    let mut all = Vec::new();
    for file in given {
        let judged = of_file(file, &history, rules, now)?;
        all.extend(judged.into_iter().map(|judged| Judged { own: file.own, ..judged }));
    }
    roll_up::roll_up(all, rules)
}

/// What the policy of a run asks of its components and cannot mean.
pub(crate) fn not_meant(why: String) -> Finding {
    Finding::fail(why)
}

/// The validation report that a complete run amounts to: its gates are the checks.
pub fn of_run(summary: &Value, record: &Value) -> Option<Value> {
    let gates = summary.get("gates").or_else(|| summary.pointer("/summary/gates"))?.as_array()?;
    let checks: Vec<Value> = gates.iter().map(|gate| json!({"name": gate["name"], "status": gate["status"]})).collect();
    let verdict = summary.get("verdict").or_else(|| summary.pointer("/summary/verdict"))?;
    Some(json!({"timestamp": record.get("ended_at")?, "status": verdict, "checks": checks}))
}

fn earlier(file: &Given) -> Earlier {
    let report = match &file.content {
        Ok(bytes) => document::parse(&file.path, bytes).map_err(|fault| fault.message),
        Err(why) => Err(why.clone()),
    };
    Earlier { path: file.path.clone(), report }
}

/// The components of a file: the document itself, or those that it lists.
fn of_file(file: &Given, history: &[Earlier], rules: &Rules, now: Stamp) -> Result<Vec<Judged>, Refused> {
    let read = match &file.content {
        Ok(bytes) => document::parse(&file.path, bytes),
        Err(why) => Err(Fault::new(why.clone())),
    };
    let named = file.name.is_some();
    let name = |own: Option<&str>| {
        let name = file.name.as_deref().or(own).map_or_else(|| stem(&file.path), str::to_owned);
        shorten(&name, NAME)
    };
    let value = match read {
        Ok(value) => value,
        Err(fault) => return Ok(vec![unreadable(name(None), &file.path, &fault)]),
    };
    let Some((parts, missing)) = kind::parts(&value) else {
        let own = value.as_object().and_then(|document| text(document, "name").or_else(|| text(document, "service")));
        let part = Part { name: name(own), pointer: String::new(), value };
        return Ok(vec![of_part(&part, &file.path, history, rules, now)?]);
    };
    let mut all = Vec::new();
    for part in &parts {
        let part = Part { name: shorten(&part.name, NAME), ..part.clone() };
        all.push(of_part(&part, &file.path, history, rules, now)?);
    }
    let mut reader = Reader::new(rules, now);
    for section in missing.iter().filter(|section| !section.is_empty()) {
        let issue =
            reader.add(Status::Fail, "missing", "/missing_sections", &format!("the section {section} is missing"));
        issue.code = Some("missing".to_owned());
    }
    if parts.is_empty() {
        reader.fail("empty", "", "it holds no component: nothing was judged");
    }
    let worst = Status::roll_up(all.iter().map(|judged| judged.component.status));
    let stated = value.as_object().and_then(|document| reader.stated(document, &["status"], ""));
    match stated {
        Some(Status::Pass) if worst == Status::Fail => {
            reader.contradiction("/status", "it says that all is well, but a component of it failed");
        }
        Some(stated) if stated > worst.max(reader.status()) => {
            reader.add(stated, "status", "/status", &format!("it says {} of itself", stated.label()));
        }
        _ => {}
    }
    // The whole is a component of its own where somebody named it, or where its parts do not say all of it.
    if named || !reader.issues.is_empty() {
        if worst > reader.status() {
            reader.add(worst, "components", "", "not all of its components passed");
        }
        let summary = format!("{} components", parts.len());
        let generated_at = value.as_object().and_then(age::time_of);
        let mut whole = finish(name(None), &file.path, Kind::Generic.word(), reader, &summary);
        whole.component.generated_at = generated_at;
        whole.component.age_seconds = generated_at.map(|time| now.seconds_since(time));
        all.push(whole);
    }
    Ok(all)
}

/// The name of a file without its folders and its ending.
fn stem(path: &str) -> String {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    if stem.is_empty() { file.to_owned() } else { stem.to_owned() }
}

fn unreadable(name: String, path: &str, fault: &Fault) -> Judged {
    let issue = Issue {
        category: "document".to_owned(),
        severity: Status::Fail,
        message: shorten(&fault.message, 300),
        code: Some("unreadable".to_owned()),
        line: fault.line,
        ..Issue::default()
    };
    let component = Component {
        name,
        status: Status::Fail,
        summary: "it cannot be read".to_owned(),
        kind: "unreadable".to_owned(),
        path: path.to_owned(),
        ..Component::default()
    };
    Judged { component, issues: vec![issue], ..Judged::default() }
}

/// Judges one document by the rules of its kind.
fn of_part(part: &Part, path: &str, history: &[Earlier], rules: &Rules, now: Stamp) -> Result<Judged, Refused> {
    let mut reader = Reader::new(rules, now);
    let whole = Object::new();
    let (kind, document) = match &part.value {
        Value::Object(document) => (Kind::of(document), document),
        // A list of timelines has no keys of its own.
        Value::Array(list) if kind::is_timelines(list) => (Kind::Timeline, &whole),
        other => {
            reader.not_understood("", &format!("it is {}, not an object", crate::json::lenient::kind(other)));
            return Ok(finish(part.name.clone(), path, "unreadable", reader, "it is no object"));
        }
    };
    let summary = match &part.value {
        Value::Array(_) => timeline::judge(&part.value, &mut reader),
        _ => by_kind(kind, document, history, &mut reader).map_err(|refusal| Refused {
            path: Some(path.to_owned()),
            key: refusal.key,
            why: refusal.why,
        })?,
    };
    let budgets = budgets::pointers(&part.value, &mut reader);
    // The states of incident response have ages of their own.
    let needed = !(kind == Kind::Incident && incident::is_flat(document));
    let generated_at = age::judge(dated(kind, &part.value, document), &part.name, needed, &mut reader);
    for issue in &mut reader.issues {
        issue.detail.insert_str(0, &part.pointer);
    }
    let mut judged = finish(part.name.clone(), path, kind.word(), reader, &summary);
    judged.budgets = budgets;
    judged.component.generated_at = generated_at;
    judged.component.age_seconds = generated_at.map(|time| now.seconds_since(time));
    Ok(judged)
}

/// The part of a document that says when it was made.
fn dated<'a>(kind: Kind, value: &'a Value, document: &'a Object) -> &'a Object {
    if age::time_of(document).is_some() {
        return document;
    }
    let newest =
        |list: &'a Vec<Value>| list.iter().filter_map(Value::as_object).max_by_key(|entry| age::time_of(entry));
    let inner = match kind {
        Kind::Runtime => document.get("runtime").and_then(Value::as_object),
        Kind::Timeline => {
            let trend = document.get("alert_response_trend").and_then(Value::as_array);
            value.as_array().or(trend).and_then(newest)
        }
        _ => None,
    };
    inner.unwrap_or(document)
}

fn by_kind(
    kind: Kind,
    document: &Object,
    history: &[Earlier],
    reader: &mut Reader<'_>,
) -> Result<String, incident::Refusal> {
    Ok(match kind {
        Kind::Validation => validation::judge(document, history, reader),
        Kind::Incident => incident::judge(document, reader)?,
        Kind::Slo => slo::judge(document, reader),
        Kind::Drift => drift::judge(document, reader),
        Kind::Guardian => guardian::judge(document, reader),
        Kind::Drills => drills::judge(document, reader),
        Kind::Runtime => runtime::judge(document, reader),
        Kind::Timeline => timeline::judge(&Value::Object(document.clone()), reader),
        Kind::Budgets => budgets::judge(document, reader),
        Kind::Ours => ours::judge(document, reader),
        Kind::Generic => generic::judge(document, reader),
    })
}

fn finish(name: String, path: &str, kind: &str, reader: Reader<'_>, summary: &str) -> Judged {
    let component = Component {
        name,
        status: reader.status(),
        summary: shorten(summary, 300),
        kind: kind.to_owned(),
        path: path.to_owned(),
        samples: reader.samples,
        ..Component::default()
    };
    Judged { component, issues: reader.issues, blocking: reader.blocking, budgets: Vec::new(), own: false }
}

#[cfg(test)]
mod tests;
