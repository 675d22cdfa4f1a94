//! Items of the documents of a run: summary bundles, audits, sign-offs, reviews, earlier backlogs.
//!
//! Other tools write these documents, too, so everything is read as it comes: lists may be null or a single object,
//! words of severity are those of any vocabulary. What is not understood is named, and keeps the verdict from PASS.

use serde_json::Value;

use super::lists::{Part, severity, text, word};
use super::{Gathered, Item, Origin, Source, carry};
use crate::evidence::contradiction::{denial, told_error};
use crate::finding::{Status, of_workload};
use crate::json::lenient;
use crate::time::Stamp;
use crate::verdict::headline::Terms;

/// The parts of an audit that list records of the logs, with the category of their items.
const LOG_LISTS: [(&str, &str, &str); 4] = [
    ("errors", "log_error", "an error without a message"),
    ("warnings", "log_warning", "a warning without a message"),
    ("gap_incidents", "log_gap", "a gap in the logs"),
    ("content_incidents", "log_content", "a stack trace in the logs"),
];

/// Keys by which a document shows that it belongs to a run.
const KNOWN: [&str; 10] = [
    "summary",
    "logs",
    "diary",
    "performance",
    "findings",
    "sign_off",
    "review",
    "action_items",
    "objectives",
    "incidents",
];

/// The object of that name: none if it is absent, null or empty.
pub(crate) fn section<'a>(document: &'a Value, key: &str) -> Option<&'a Value> {
    document.get(key).filter(|value| value.as_object().is_some_and(|object| !object.is_empty()))
}

/// The audit within a bundle, or the document itself where it is one.
pub(crate) fn audit_of(document: &Value) -> &Value {
    section(document, "summary").unwrap_or(document)
}

impl Gathered {
    /// Adds a document of a run. A document that holds nothing of a run is a FAIL, for nothing was judged.
    pub(crate) fn document(&mut self, document: &Value, path: &str, as_of: Stamp) {
        let schema = document.get("schema").and_then(Value::as_str).unwrap_or_default();
        if schema == super::SCHEMA
            || document.as_array().is_some_and(|l| !l.is_empty())
            || document.get("items").is_some_and(Value::is_array)
        {
            self.earlier(document, path);
            return;
        }
        let known = document.as_object().is_some_and(|object| KNOWN.iter().any(|key| object.contains_key(*key)));
        if !known {
            self.nothing(path, "this is no summary, sign-off, review or backlog: nothing was judged");
            return;
        }
        let before = self.items.len();
        self.terms.add(Terms::of(document));
        // An audit that is no object is named; what is beside it is still read.
        self.object(document.get("summary"), path, "summary");
        let audit = audit_of(document);
        let is_sign_off = document.get("criteria").is_some_and(Value::is_object) && document.get("logs").is_none();
        self.audit(audit, path);
        let sign_off =
            if is_sign_off { Some(document) } else { document.get("sign_off").or_else(|| audit.get("sign_off")) };
        let is_review = document.get("action_items").is_some() || document.get("objectives").is_some();
        let review = if is_review { Some(document) } else { document.get("review") };
        if let Some(sign_off) = self.object(sign_off, path, "sign_off") {
            let at = sign_off.get("evaluated_at").and_then(lenient::stamp);
            let part = Part { path, name: "sign_off.findings", category: "sign_off", origin: Origin::SignOff };
            for mut item in self.list(sign_off.get("findings"), &part, &["message", "summary"], "a gate did not pass") {
                item.occurred_at = item.occurred_at.or(at);
                self.items.push(item);
            }
        }
        if let Some(review) = self.object(review, path, "review") {
            self.review(review, path);
        }
        let part = Part { path, name: "incidents", category: "harness", origin: Origin::Incident };
        let incidents = self.list(document.get("incidents"), &part, &["message", "summary"], "an incident");
        self.items.extend(incidents);
        if !std::ptr::eq(audit, document) {
            self.findings(Some(document), path, "findings", "run");
        }
        self.still_running(document, path);
        self.contradictions(document, path, before);
        self.declared(document, path, before, as_of);
    }

    /// Adds a run that has no summary: its supervisor was killed, or has not finished.
    pub(crate) fn unfinished_run(&mut self, run: Option<&Value>, path: &str) {
        let mut item = Item {
            severity: Status::Fail,
            category: "run".to_owned(),
            summary: "the run was not completed: there is no summary".to_owned(),
            occurred_at: run.and_then(|run| run.get("started_at").and_then(lenient::stamp)),
            count: 1,
            status: "open".to_owned(),
            next_steps: Some(format!("judge what is there with `emp-ops audit {path}`")),
            sources: vec![Source { path: path.to_owned(), line: None, part: None }],
            runs: 1,
            origin: Origin::Run,
            ..Item::default()
        };
        item.open_since = item.occurred_at;
        self.items.push(item);
        if let Some(run) = run {
            let part = Part { path, name: "run.incidents", category: "harness", origin: Origin::Incident };
            let incidents = self.list(run.get("incidents"), &part, &["message", "summary"], "an incident");
            self.items.extend(incidents);
        }
    }

    /// Adds a FAIL where a summary and the last snapshot of the run beside it, both of emp-ops, were not written together.
    pub(crate) fn of_another_run(&mut self, document: &Value, last: Option<&Value>, path: &str) {
        let Some(last) = last.filter(|last| last.get("record").is_some_and(Value::is_object)) else { return };
        let started = |holder: &Value| holder.get("started_at").and_then(lenient::stamp);
        let own = started(document).or_else(|| started(audit_of(document).get("metadata")?));
        let (said, sealed) = (word(document.get("verdict")), word(last.get("verdict")));
        let why = if own.zip(started(last)).is_some_and(|(own, last)| own != last) {
            "it is the summary of another run than the last snapshot beside it".to_owned()
        } else if said != sealed && sealed.is_some() {
            let (said, sealed) = (said.unwrap_or_else(|| "not stated".to_owned()), sealed.unwrap_or_default());
            format!("its verdict is {said}, the last snapshot of the run says {sealed}: one of them was altered")
        } else {
            return;
        };
        self.nothing(path, &format!("{why}; judge the run with `emp-ops audit`"));
    }

    /// Adds a FAIL for an input that holds nothing to judge.
    pub(crate) fn nothing(&mut self, path: &str, why: &str) {
        self.items.push(Item {
            severity: Status::Fail,
            category: "input".to_owned(),
            summary: why.to_owned(),
            count: 1,
            status: "open".to_owned(),
            sources: vec![Source { path: path.to_owned(), line: None, part: None }],
            runs: 1,
            origin: Origin::Run,
            ..Item::default()
        });
    }

    /// Adds a FAIL for a summary that says itself that the run was not over when it was written.
    fn still_running(&mut self, document: &Value, path: &str) {
        const NOT_OVER: [&str; 10] = [
            "aborted",
            "in progress",
            "interrupted",
            "killed",
            "paused",
            "pending",
            "running",
            "sealing",
            "starting",
            "stopping",
        ];
        for name in ["phase", "state"] {
            let Some(said) = word(document.get(name)) else { continue };
            if NOT_OVER.contains(&said.to_ascii_lowercase().replace(['_', '-'], " ").as_str()) {
                let part = Part { path, name, category: "run", origin: Origin::Run };
                let mut item = part.item(Status::Fail);
                item.summary = format!("the run was not completed when this was written: its {name} is `{said}`");
                self.items.push(item);
            }
        }
    }

    fn audit(&mut self, audit: &Value, path: &str) {
        if let Some(logs) = self.object(audit.get("logs"), path, "logs") {
            for (key, category, generic) in LOG_LISTS {
                let name = format!("logs.{key}");
                let part = Part { path, name: &name, category, origin: Origin::Logs };
                let items = self.list(logs.get(key), &part, &["summary", "message"], generic);
                let listed = items.len() as u64;
                self.items.extend(items);
                let total = logs.get("totals").and_then(|totals| totals.get(key)).and_then(Value::as_u64);
                if let Some(more) = total.and_then(|total| total.checked_sub(listed)).filter(|more| *more > 0) {
                    let mut item = part.item(if key == "warnings" { Status::Warn } else { Status::Fail });
                    item.summary = format!("more records than the {listed} that are listed");
                    item.count = more;
                    self.items.push(item);
                }
            }
            self.findings(Some(logs), path, "logs.findings", "evidence");
            self.nothing_measured(logs, path);
        }
        if let Some(diary) = self.object(audit.get("diary"), path, "diary") {
            self.diary(diary, path);
        }
        if let Some(performance) = self.object(audit.get("performance"), path, "performance") {
            self.performance(performance, path);
        }
        for key in
            ["checksums", "plan", "drills", "guards", "notifications", "checklist", "readiness", "baseline", "trend"]
        {
            let part = self.object(audit.get(key), path, key);
            self.findings(part, path, &format!("{key}.findings"), key);
        }
        if !audit.get("criteria").is_some_and(Value::is_object) {
            self.findings(Some(audit), path, "findings", "run");
        }
    }

    /// No record, no uptime at all, or one that cannot be, is a FAIL, whatever the document makes of it.
    fn nothing_measured(&mut self, logs: &Value, path: &str) {
        let figure = |key: &str| logs.get(key).and_then(lenient::number);
        let levels = logs.get("level_counts").and_then(Value::as_object);
        let counted = levels.map(|levels| levels.values().filter_map(lenient::number).sum::<f64>());
        let none = match (figure("records"), counted) {
            (Some(records), _) => records <= 0.0,
            (None, Some(counted)) => counted <= 0.0,
            (None, None) => false,
        };
        let uptime = figure("uptime_ratio");
        let down = uptime.is_some_and(|uptime| uptime == 0.0);
        let unreal = uptime.is_some_and(|uptime| !(0.0..=1.0).contains(&uptime));
        for (found, key, word, text) in [
            (none, "records", "record", "the logs hold no records: nothing was measured"),
            (down, "uptime_ratio", "uptime", "the uptime is 0%: the logs cover nothing of the run"),
            (unreal, "uptime_ratio", "uptime", "the uptime is no share from 0 to 1: it was not measured"),
        ] {
            let told = |item: &Item| item.severity == Status::Fail && item.summary.contains(word);
            if found && !self.items.iter().any(told) {
                let name = format!("logs.{key}");
                let part = Part { path, name: &name, category: "evidence", origin: Origin::Run };
                let mut item = part.item(Status::Fail);
                text.clone_into(&mut item.summary);
                self.items.push(item);
            }
        }
    }

    fn findings(&mut self, holder: Option<&Value>, path: &str, name: &str, category: &str) {
        let part = Part { path, name, category, origin: Origin::Run };
        let list = holder.and_then(|holder| holder.get("findings"));
        let items = self.list(list, &part, &["summary", "message"], "a fault of the evidence");
        self.items.extend(items);
    }

    fn diary(&mut self, diary: &Value, path: &str) {
        let part = Part { path, name: "diary.issues", category: "diary", origin: Origin::Diary };
        for mut item in self.list(diary.get("issues"), &part, &[], "an issue in the decision diary") {
            let field = |key: &str| text(item.raw.get(key));
            let policy = field("policy_id").filter(|policy| policy != "*").map(|policy| format!("policy {policy}"));
            let entry = field("entry_id").map(|entry| format!("entry {entry}"));
            let place: Vec<String> = policy.into_iter().chain(entry).collect();
            let parts: Vec<String> =
                [place.join(", ")].into_iter().chain(field("reason")).filter(|part| !part.is_empty()).collect();
            if !parts.is_empty() {
                item.summary = parts.join(": ");
            }
            for key in ["entry_id", "policy_id", "reason"] {
                if let Some(value) = item.raw.get(key).filter(|value| !value.is_null()) {
                    // The entry's own metadata has the last word.
                    item.context.entry(key.to_owned()).or_insert_with(|| value.clone());
                }
            }
            item.context.retain(|_, value| !value.is_null());
            item.occurred_at = item.raw.get("recorded_at").and_then(lenient::stamp);
            self.items.push(item);
        }
    }

    fn performance(&mut self, performance: &Value, path: &str) {
        let part = Part { path, name: "performance", category: "performance", origin: Origin::Performance };
        let at = performance.get("generated_at").and_then(lenient::stamp);
        let mut items = self.list(performance.get("findings"), &part, &["summary", "message"], "a finding");
        let said = word(performance.get("status"));
        let (status, unknown) = severity(performance.get("status"));
        if status > Status::Pass && items.iter().all(|item| item.severity < status) {
            let mut item = part.item(status);
            item.summary = match status {
                Status::Fail => "the performance report is not acceptable",
                Status::Warn | Status::Pass => "the performance report has warnings",
            }
            .to_owned();
            item.raw = performance.as_object().cloned().unwrap_or_default();
            items.push(item);
        }
        if unknown {
            self.unread(path, format!("performance.status: {}", said.unwrap_or_default()));
        }
        for mut item in items {
            item.occurred_at = item.occurred_at.or(at);
            for key in ["total_trades", "roi", "win_rate", "sharpe_ratio", "metadata"] {
                let value =
                    performance.get(key).filter(|v| !v.is_null() && v.as_object().is_none_or(|o| !o.is_empty()));
                if let Some(value) = value {
                    item.context.entry(key.to_owned()).or_insert_with(|| value.clone());
                }
            }
            self.items.push(item);
        }
    }

    fn review(&mut self, review: &Value, path: &str) {
        let before = self.items.len();
        let part = Part { path, name: "review.action_items", category: "action", origin: Origin::Review };
        for mut item in self.list(review.get("action_items"), &part, &["description", "summary"], "an action item") {
            if let Some(category) = text(item.raw.get("category")) {
                item.category = category;
            }
            // The finding without the name of its workload, which its description begins with.
            let finding = item.raw.get("context").and_then(|context| text(context.get("summary")));
            if let Some(finding) = finding.filter(|text| of_workload(item.workload.as_deref(), text) == item.summary) {
                item.summary = finding;
            }
            if let Some(context) = item.raw.get("context").and_then(Value::as_object) {
                item.context = context.clone().into_iter().collect();
            }
            self.items.push(item);
        }
        let part = Part { path, name: "review.objectives", category: "objective", origin: Origin::Review };
        for mut item in self.list(review.get("objectives"), &part, &[], "an objective was not reached") {
            if item.severity == Status::Pass {
                continue;
            }
            let note = text(item.raw.get("note")).map(|note| format!(": {note}")).unwrap_or_default();
            if let Some(name) = text(item.raw.get("name")) {
                // The words of our own briefs, which list it among the action items, too.
                item.summary = format!("objective {name}{note}");
            }
            if self.items[before..].iter().any(|other| other.category == item.category && other.summary == item.summary)
            {
                continue;
            }
            if let Some(evidence) = item.raw.get("evidence").and_then(Value::as_object) {
                item.context = evidence.clone().into_iter().collect();
            }
            self.items.push(item);
        }
    }

    /// Adds the items of an earlier backlog.
    fn earlier(&mut self, document: &Value, path: &str) {
        let before = self.items.len();
        let mut document = document.clone();
        let list = match document.get_mut("items") {
            Some(items) => items,
            None => &mut document,
        };
        for (at, value) in list.as_array_mut().into_iter().flatten().enumerate() {
            let (status, unknown) = severity(value.get("severity"));
            if unknown {
                self.unread(path, format!("items[{at}].severity: {}", word(value.get("severity")).unwrap_or_default()));
            }
            if let Some(object) = value.as_object_mut() {
                object.insert("severity".to_owned(), status.word().into());
            }
        }
        let (items, unread) = carry::earlier_items(&document);
        for mut item in items {
            if item.sources.is_empty() {
                item.sources.push(Source { path: path.to_owned(), line: None, part: Some("items".to_owned()) });
            }
            if item.status.is_empty() {
                "open".clone_into(&mut item.status);
            }
            item.open_since = item.open_since.or(item.occurred_at);
            self.items.push(item);
        }
        for text in unread {
            self.unread(path, format!("items: {text}"));
        }
        self.unexplained(&document, path, before);
    }

    /// Adds what a backlog says of the whole that is worse than its items.
    fn unexplained(&mut self, document: &Value, path: &str, before: usize) {
        let listed = Status::roll_up(self.items[before..].iter().map(|item| item.severity));
        let words = ["status", "verdict"].iter().filter_map(|key| Some((*key, word(document.get(*key))?)));
        let stated = words.filter_map(|(key, word)| Some((Status::from_word(&word)?, format!("{key} is {word}"))));
        let denied =
            document.as_object().and_then(denial).map(|(key, said)| (Status::Fail, format!("{key} is {said}")));
        let error = document.as_object().and_then(told_error).map(|told| (Status::Warn, told));
        let worst =
            stated.chain(denied).chain(error).max_by_key(|(status, _)| *status).filter(|(status, _)| *status > listed);
        if let Some((status, text)) = worst {
            let part = Part { path, name: "status", category: "status", origin: Origin::Run };
            let summary = format!("its {text}, but none of its items says why");
            self.items.push(Item { summary, ..part.item(status) });
        }
    }

    /// What the documents declare must not be better than their items: a FAIL without a cause is work, too.
    fn declared(&mut self, document: &Value, path: &str, before: usize, as_of: Stamp) {
        let audit = audit_of(document);
        let parts = [
            Some(document),
            Some(audit),
            audit.get("logs"),
            audit.get("diary"),
            document.get("sign_off"),
            document.get("review"),
        ];
        let gates = [Some(document), Some(audit), document.get("sign_off")].into_iter().flatten();
        let gates = gates.filter_map(|holder| holder.get("gates")?.as_array()).flatten();
        let mut worst = Status::Pass;
        let mut silent = true;
        // The worst word counts, whichever of its keys says it.
        let said = parts
            .into_iter()
            .flatten()
            .chain(gates)
            .flat_map(|holder| ["status", "verdict"].map(|key| holder.get(key)));
        for said in said.filter_map(word) {
            silent = false;
            let status = Status::from_word(&said).unwrap_or(Status::Warn);
            if Status::from_word(&said).is_none() {
                self.unread(path, format!("status: {said}"));
            }
            worst = worst.max(status);
        }
        // A headline begins with its verdict, and the simulator is no system of anybody.
        let headlines = [Some(document), Some(audit), document.get("sign_off")].into_iter().flatten();
        let headlines = headlines.filter_map(|holder| word(holder.get("headline")));
        let headline = headlines.filter_map(|told| Status::from_word(told.split_whitespace().next()?)).max();
        worst = worst.max(headline.unwrap_or_default());
        if [document, audit].iter().any(|holder| lenient::flag(holder.get("simulated"))) {
            worst = worst.max(Status::Warn);
        }
        if silent && self.items.len() == before {
            self.nothing(path, "this holds neither a status nor anything that was found: nothing was judged");
        } else if self.items[before..].iter().all(|item| item.severity < worst) && worst > Status::Pass {
            let part = Part { path, name: "status", category: "status", origin: Origin::Run };
            let mut item = part.item(worst);
            item.summary = format!("the status is {}, but no cause is listed", worst.label());
            item.occurred_at = document.get("generated_at").and_then(lenient::stamp).or(Some(as_of));
            self.items.push(item);
        }
    }
}
