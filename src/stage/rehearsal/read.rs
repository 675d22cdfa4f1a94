//! The files of a rehearsal: JSON Lines, a JSON array, CSV, or captured webhooks of Prometheus Alertmanager.

use serde_json::Value;

use super::record::Record;
use super::webhook::{self, Webhooks};
use super::{Expected, Fired};
use crate::finding::{self, Finding};
use crate::json::{lenient, strict};

/// How many faults of a file are listed one by one.
const LISTED: usize = 20;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Records<T> {
    /// Usable records, in the order of the file.
    pub records: Vec<T>,
    /// What could not be used: a FAIL each, because a figure over a part of the file would deceive; and a WARN where the
    /// file says that it is a part only.
    pub faults: Vec<Finding>,
}

/// Reads the expected incidents; `path` is only for messages.
pub(crate) fn expected(bytes: &[u8], path: &str) -> Records<Expected> {
    let mut reader = Reader::new(path);
    let mut records: Vec<Expected> = Vec::new();
    if let Some(records) = drills(bytes, &mut reader) {
        return Records { records, faults: reader.finish() };
    }
    reader.each(bytes, |record| {
        records.push(Expected {
            id: record.need("id")?,
            rule: record.need("rule")?,
            tier: record.text("tier")?,
            at: record.need_time("at")?,
            until: record.time("until")?,
            labels: record.labels()?,
        });
        Ok(())
    });
    let mut ids = std::collections::HashSet::new();
    for record in &records {
        if !ids.insert(record.id.as_str()) {
            reader.fault(None, &format!("the id {:?} stands for more than one incident", record.id));
        }
        if record.until.is_some_and(|until| until < record.at) {
            reader.fault(None, &format!("the incident {:?} ends before it begins", record.id));
        }
    }
    Records { records, faults: reader.finish() }
}

/// The drills of a run that injected a fault, each as an incident of the rule that has its name; none if this is another
/// file.
fn drills(bytes: &[u8], reader: &mut Reader<'_>) -> Option<Vec<Expected>> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    document.get("schema").filter(|schema| *schema == "emp-ops/drills/v1")?;
    let mut records = Vec::new();
    for row in document.get("drills").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| row.get(key).and_then(Value::as_str);
        let time = |key: &str| text(key).and_then(crate::time::Stamp::parse);
        let Some(name) = text("name") else {
            reader.fault(None, "a drill of this file has no name");
            continue;
        };
        // What was not injected had nothing to show.
        let Some(at) = time("injected_at") else { continue };
        records.push(Expected {
            id: name.to_owned(),
            rule: name.split('@').next().unwrap_or(name).to_owned(),
            tier: None,
            at,
            until: time("recovered_at").or(time("restored_at")),
            labels: Default::default(),
        });
    }
    if records.is_empty() {
        reader.fault(None, "no drill of this file injected anything");
    }
    Some(records)
}

/// Reads the alerts that fired; `path` is only for messages.
pub(crate) fn fired(bytes: &[u8], path: &str) -> Records<Fired> {
    let mut reader = Reader::new(path);
    let mut records: Vec<Fired> = Vec::new();
    let mut webhooks = Webhooks::default();
    let mut left_out = LeftOut::default();
    reader.each(bytes, |record| {
        left_out.look(record);
        if let Some(Value::Array(alerts)) = record.0.get("alerts") {
            return alerts.iter().try_for_each(|alert| match alert {
                Value::Object(fields) => webhooks.add(&Record(fields.clone())),
                _ => Err("an alert of the webhook is no object".to_owned()),
            });
        }
        if webhook::is_alert(record) {
            return webhooks.add(record);
        }
        if left_out.never_fired(record) {
            return Ok(());
        }
        for end in ["endsAt", "ends_at", "ended_at"] {
            if record.time(end)?.zip(record.time("at")?).is_some_and(|(end, at)| end < at && end.micros() > 0) {
                // The year 1 stands for an alert that fires still.
                return Err(format!("it ends (`{end}`) before it fires (`at`)"));
            }
        }
        records.push(Fired {
            rule: record.need("rule")?,
            tier: record.text("tier")?,
            at: record.need_time("at")?,
            incident: record.text("incident")?,
            acked_at: record.time("acked_at")?,
            resolved_at: record.time("resolved_at")?,
            labels: record.labels()?,
        });
        Ok(())
    });
    records.extend(webhooks.finish());
    left_out.tell(&mut reader);
    Records { records, faults: reader.finish() }
}

/// What a capture says of its own gaps.
#[derive(Default)]
struct LeftOut {
    alerts: u64,
    parts: u64,
    unheard: u64,
}

impl LeftOut {
    fn look(&mut self, record: &Record) {
        let count = ["truncatedAlerts", "truncated_alerts", "droppedAlerts", "omittedAlerts"];
        let flags = ["truncated", "partial", "incomplete", "hasMore", "has_more"];
        let count = count.iter().filter_map(|key| lenient::natural(record.0.get(*key))).max().unwrap_or_default();
        // Alertmanager says how many alerts each of its messages leaves out; they may be the same ones again.
        self.alerts = self.alerts.max(count);
        self.parts += u64::from(count > 0 || flags.iter().any(|key| lenient::flag(record.0.get(*key))));
    }

    /// Whether an alert says itself that nobody heard it: it waited still, or was silenced.
    fn never_fired(&mut self, record: &Record) -> bool {
        const UNHEARD: [&str; 13] = [
            "pending",
            "suppressed",
            "silenced",
            "muted",
            "inhibited",
            "inactive",
            "expired",
            "normal",
            "ok",
            "nodata",
            "no data",
            "no_data",
            "green",
        ];
        let state = ["state", "status"].iter().filter_map(|key| record.0.get(*key)?.as_str());
        let mut unheard =
            state.into_iter().any(|state| UNHEARD.iter().any(|word| state.trim().eq_ignore_ascii_case(word)));
        let flags = ["muted", "silenced", "suppressed", "inhibited", "dry_run", "dryRun", "simulated", "test"];
        unheard |= flags.iter().any(|key| lenient::flag(record.0.get(*key)));
        self.unheard += u64::from(unheard);
        unheard
    }

    fn tell(&self, reader: &mut Reader<'_>) {
        if self.unheard > 0 {
            let text = format!(
                "{} that nobody heard (pending, silenced, inhibited, not firing or only tried): they count for nothing",
                finding::count(self.unheard, "alert")
            );
            reader.faults.push(Finding::warn(text).with("count", self.unheard).in_file(reader.path, None));
        }
        if self.parts == 0 {
            return;
        }
        let how_many = match self.alerts {
            0 => "some alerts are".to_owned(),
            1 => "at least 1 alert is".to_owned(),
            alerts => format!("at least {alerts} alerts are"),
        };
        let text = format!(
            "{how_many} missing, as the capture says itself: noise and misses are not known in full; raise `max_alerts` \
             of the receiver and capture again"
        );
        let finding = Finding::warn(text).with("missing_alerts", self.alerts).with("incomplete_records", self.parts);
        reader.faults.push(finding.in_file(reader.path, None));
    }
}

/// Takes a file apart and collects its faults.
struct Reader<'a> {
    path: &'a str,
    faults: Vec<Finding>,
    more: u64,
}

impl<'a> Reader<'a> {
    fn new(path: &'a str) -> Self {
        Self { path, faults: Vec::new(), more: 0 }
    }

    fn fault(&mut self, line: Option<u64>, why: &str) {
        if self.faults.len() < LISTED {
            self.faults.push(Finding::fail(why).in_file(self.path, line));
        } else {
            self.more += 1;
        }
    }

    fn finish(mut self) -> Vec<Finding> {
        if self.more > 0 {
            let text = format!("{} more records could not be used", self.more);
            self.faults.push(Finding::fail(text).with("count", self.more).in_file(self.path, None));
        }
        self.faults
    }

    /// Calls `take` with every record of the file; what it refuses becomes a fault.
    fn each(&mut self, bytes: &[u8], mut take: impl FnMut(&Record) -> Result<(), String>) {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes.trim_ascii_start().first() {
            None => {}
            Some(b'[') => match strict::parse(bytes).and_then(serde_json::from_value::<Vec<Value>>) {
                Ok(values) => {
                    for (i, value) in values.into_iter().enumerate() {
                        if let Err(why) = object(value).and_then(|record| take(&record)) {
                            self.fault(None, &format!("record {}: {why}", i + 1));
                        }
                    }
                }
                Err(error) => self.fault(Some(error.line() as u64), &format!("the list is not JSON: {error}")),
            },
            Some(b'{') => match strict::parse(bytes) {
                // One document over several lines, such as a single captured webhook.
                Ok(value) => {
                    if let Err(why) = object(value).and_then(|record| take(&record)) {
                        self.fault(Some(1), &why);
                    }
                }
                Err(_) => self.lines(bytes, take),
            },
            Some(_) => self.csv(bytes, take),
        }
    }

    fn lines(&mut self, bytes: &[u8], mut take: impl FnMut(&Record) -> Result<(), String>) {
        for (i, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let record = strict::parse(line).map_err(|error| format!("not a JSON record: {error}"));
            if let Err(why) = record.and_then(object).and_then(|record| take(&record)) {
                self.fault(Some(i as u64 + 1), &why);
            }
        }
    }

    fn csv(&mut self, bytes: &[u8], mut take: impl FnMut(&Record) -> Result<(), String>) {
        let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header = match rows.headers() {
            Ok(header) if (1..header.len()).any(|at| header.iter().take(at).any(|name| name == &header[at])) => {
                return self.fault(Some(1), "a column is there twice");
            }
            Ok(header) if header.iter().any(|name| name == "rule") => header.clone(),
            Ok(_) => return self.fault(Some(1), "neither JSON nor CSV with a column `rule`"),
            Err(error) => return self.fault(Some(1), &format!("neither JSON nor CSV: {error}")),
        };
        for row in rows.records() {
            match row {
                Ok(row) => {
                    let line = row.position().map(csv::Position::line);
                    let cells = header.iter().zip(row.iter()).filter(|(_, cell)| !cell.is_empty());
                    let fields = cells.map(|(name, cell)| (name.to_owned(), cell.into()));
                    if let Err(why) = take(&Record(fields.collect())) {
                        self.fault(line, &why);
                    }
                }
                Err(error) => self.fault(error.position().map(csv::Position::line), &format!("not a CSV row: {error}")),
            }
        }
    }
}

fn object(value: Value) -> Result<Record, String> {
    match value {
        Value::Object(fields) => Ok(Record(fields)),
        other => Err(format!("a record is {} instead of an object", lenient::kind(&other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"rule":"disk","tier":"A","at":"2025-01-06T09:00:00Z","labels":{"host":"a"}}"#;

    #[test]
    fn one_record_in_every_form() {
        let csv = "rule,tier,at,labels,acked_at\ndisk,A,2025-01-06T09:00:00Z,host=a,\n";
        let epoch = r#"{"rule":"disk","tier":"A","at":1736154000,"labels":{"host":"a"}}"#;
        let millis = r#"{"rule":"disk","tier":"A","at":1736154000000,"labels":"host=a"}"#;
        let one = fired(LINE.as_bytes(), "f");
        assert!(one.faults.is_empty(), "{:?}", one.faults);
        for text in [&format!("{LINE}\n\n"), &format!("[{LINE}]"), &format!("\u{feff}{csv}"), epoch, millis] {
            assert_eq!(fired(text.as_bytes(), "f"), one, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_line() {
        for (text, line, why) in [
            (format!("{LINE}\nnot json\n"), Some(2), "not a JSON record"),
            (format!("{LINE}\n{{\"rule\":\"x\"}}\n"), Some(2), "`at` is missing"),
            (format!("{LINE}\n[1]\n"), Some(2), "a list"),
            (format!("[{LINE},5]"), None, "record 2"),
            ("[{".to_owned(), Some(1), "not JSON"),
            ("hello\n".to_owned(), Some(1), "neither JSON nor CSV"),
            ("rule,at\ndisk,soon\n".to_owned(), Some(2), "`at` is no time"),
            ("rule,at,at\ndisk,2025-01-06,2025-01-07\n".to_owned(), Some(1), "a column is there twice"),
            (
                r#"{"rule":"x","at":"2025-01-06","endsAt":"2025-01-05"}"#.to_owned(),
                Some(1),
                "it ends (`endsAt`) before it fires",
            ),
            ("rule,at\ndisk\n".to_owned(), Some(2), "not a CSV row"),
            (r#"{"rule":["x"],"at":"2025-01-06"}"#.to_owned(), Some(1), "`rule` is no text"),
        ] {
            let faults = fired(text.as_bytes(), "f.jsonl").faults;
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            assert!(faults[0].summary.contains(why), "{text}: {faults:?}");
            assert_eq!(faults[0].place.as_ref().and_then(|place| place.line), line, "{text}");
        }
    }

    #[test]
    fn an_id_stands_for_one_incident() {
        let line = r#"{"id":"i1","rule":"disk","at":"2025-01-06T09:00:00Z"}"#;
        assert_eq!(expected(format!("{line}\n{line}\n").as_bytes(), "e").faults.len(), 1);
    }
}
