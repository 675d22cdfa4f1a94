//! What is fuzzed, and what must hold for any input.

use std::fs;
use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use emp_ops::digest;
use emp_ops::evidence::{checksums, diary, performance, terraform_plan};
use emp_ops::finding::Status;
use emp_ops::io::load::{self, Request};
use emp_ops::json::pull::{Members, Raw};
use emp_ops::json::strict;
use emp_ops::log::layout::Layout;
use emp_ops::log::scan::chunk::{ChunkReport, Context};
use emp_ops::log::summary::LogSummary;
use emp_ops::log::totals::summarise::{self, Terms};
use emp_ops::log::totals::tally::Limits;
use emp_ops::stage::sse::Decoder;
use emp_ops::status_report::Report;
use emp_ops::supervise::progress_reader::View;
use emp_ops::supervise::record::RunRecord;
use emp_ops::time::Stamp;
use emp_ops::verdict::policy;

use crate::Outcome;

/// A reader of what others wrote.
pub(super) struct Target {
    pub(super) name: &'static str,
    /// Files and directories of fixtures that the inputs derive from.
    pub(super) fixtures: &'static [&'static str],
    /// Further texts to derive them from.
    pub(super) texts: &'static [&'static str],
    /// What must hold; the number decides whatever else is to be chosen.
    pub(super) check: fn(&[u8], u64) -> Outcome,
}

pub(super) const TARGETS: &[Target] = &[
    Target {
        name: "logs",
        fixtures: &["logs", "crash/corpus.tsv", "audit/troubled/service.jsonl"],
        texts: &[],
        check: logs,
    },
    Target { name: "json", fixtures: &["logs", "audit", "watch"], texts: &[], check: json },
    Target {
        name: "diary",
        fixtures: &["audit/clean/diary.json", "audit/troubled/diary.json"],
        texts: &[LINES],
        check: diary,
    },
    Target { name: "reports", fixtures: &["backlog"], texts: &[], check: report },
    Target { name: "records", fixtures: &["audit", "watch"], texts: &[SUMS, MANIFEST], check: records },
    Target { name: "packets", fixtures: &["audit/run"], texts: &[], check: packet },
    Target { name: "sse", fixtures: &["stage"], texts: &[EVENTS], check: sse },
    Target { name: "policies", fixtures: &["audit/policy.toml"], texts: &[WAIVERS], check: policies },
];

const LINES: &str = "{\"entry_id\":\"a\",\"recorded_at\":\"2025-01-06T00:00:00Z\",\"outcomes\":{\"status\":\"filled\"}}\n\
    {\"entry_id\":\"b\",\"recorded_at\":\"2025-01-06T01:00:00Z\",\"notes\":[\"calm\"]}\n";
const SUMS: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  logs/a.log\n\
    \\e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *b\\nc.log\n";
const MANIFEST: &str = "{\"files\": [{\"path\": \"a.log\", \"bytes\": 3, \
    \"sha256\": \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}]}";
const EVENTS: &str = ": hello\n\nid: 7\nevent: tick\ndata: {\"a\":1}\ndata: b\n\nretry: 100\r\n\r\ndata\r\rdata: x\n\n";
const WAIVERS: &str = "[logs]\nwarn_gap = \"5m\"\nfail_gap = \"1h\"\n[sign_off]\nmin_uptime = \"98%\"\n\
    [[waiver]]\ngate = \"uptime\"\nowner = \"release manager\"\nreason = \"known outage\"\nexpires = 2030-01-01\n";

const ERROR: &[u8] = b"{\"timestamp\":\"2025-01-06T00:00:00Z\",\"level\":\"error\",\"message\":\"it broke\"}\n";

fn ensure(holds: bool, why: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(why()) }
}

fn read_log(text: &[u8], context: &Context) -> ChunkReport {
    ChunkReport::read(text, context.clone())
}

fn sum_up(mut part: ChunkReport) -> LogSummary {
    part.close_ends();
    let terms = Terms {
        drills: Vec::new(),
        warn_gap: Duration::from_secs(900),
        fail_gap: Duration::from_secs(3600),
        listed: 7,
        window: None,
        drain: Duration::ZERO,
        receipt: None,
        pauses: Vec::new(),
        ignore: Vec::new(),
    };
    summarise::summary(part.tally, Vec::new(), Vec::new(), &["a".to_owned()], &terms)
}

/// Every line is counted once, two parts are the whole, and an error that is added is a FAIL.
fn logs(text: &[u8], choice: u64) -> Outcome {
    let mut text = text.to_vec();
    if text.last().is_some_and(|byte| *byte != b'\n') {
        text.push(b'\n');
    }
    let latest = Stamp::parse("2040-01-01").ok_or("a date")?;
    let layout = if choice.is_multiple_of(2) { Layout::learn(&text, latest) } else { Layout::default() };
    let context = Context {
        limits: Limits { silence: Duration::from_secs(900), listed: 7, sources: false },
        file: 0,
        written: None,
        latest,
        layout: Arc::new(layout),
        years: Arc::default(),
        statuses: Arc::default(),
        bounds: Arc::default(),
        ignore: Arc::default(),
        offset: 0,
    };
    let part = read_log(&text, &context);
    let batched = part.odd.batched > 0;
    let whole = sum_up(part);
    let counted = whole.records + whole.ignored_lines + whole.continued_lines;
    ensure(batched || whole.folded_lines > 0 || counted == whole.lines, || {
        format!("{counted} lines are counted of {}", whole.lines)
    })?;
    let ends: Vec<usize> = memchr_ends(&text);
    let at = ends.get((choice >> 1) as usize % ends.len().max(1)).copied().unwrap_or(0);
    let (start, end) = text.split_at(at);
    let mut joined = read_log(start, &context);
    joined.append(read_log(end, &context.at(at as u64)));
    let joined = sum_up(joined);
    ensure(joined == whole, || {
        format!("two parts, cut at byte {at}, are not the whole: {}", difference(&joined, &whole))
    })?;
    let worse = sum_up(read_log(&[start, ERROR, end].concat(), &context));
    ensure(worse.status == Status::Fail, || format!("an error that is added at byte {at} is a {}", worse.status))
}

fn memchr_ends(text: &[u8]) -> Vec<usize> {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

/// The first member in which two documents differ.
fn difference(a: &LogSummary, b: &LogSummary) -> String {
    let (a, b) = (serde_json::to_value(a).unwrap_or_default(), serde_json::to_value(b).unwrap_or_default());
    let mut names = a.as_object().into_iter().chain(b.as_object()).flat_map(|object| object.keys());
    let differ = names.find(|name| a[*name] != b[*name]);
    differ.map_or_else(String::new, |name| {
        format!("{name} is {:.300} and {:.300}", a[name].to_string(), b[name].to_string())
    })
}

/// What serde reads, the fast reader reads as the same.
fn json(text: &[u8], _: u64) -> Outcome {
    for line in text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).chain([text.trim_ascii()]) {
        let read = Members::new(line).is_some_and(|members| members.into_iter().all(|member| member.is_ok()));
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        if value.is_object() {
            ensure(read, || format!("an object is not read: {:.200}", String::from_utf8_lossy(line)))?;
            let own = Raw::Object(line).to_value();
            ensure(own == value || deep(&value, 0) || as_text(own.clone()) == as_text(value.clone()), || {
                format!("read as another: {own:.200} for {value:.200}")
            })?;
        }
    }
    Ok(())
}

/// Numbers as text and without their last digits: where 64 bits do not hold a whole one, ours is text with all of them.
fn as_text(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) => as_text(number.to_string().into()),
        Value::String(text) => match text.parse::<f64>() {
            Ok(number) => format!("{number:e}").into(),
            Err(_) => text.into(),
        },
        Value::Array(all) => all.into_iter().map(as_text).collect(),
        Value::Object(all) => all.into_iter().map(|(key, value)| (key, as_text(value))).collect(),
        other => other,
    }
}

fn deep(value: &serde_json::Value, depth: usize) -> bool {
    depth > 60
        || value.as_object().into_iter().flat_map(|object| object.values()).any(|value| deep(value, depth + 1))
        || value.as_array().into_iter().flatten().any(|value| deep(value, depth + 1))
}

/// A reader that gives a few bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(self.1);
        self.0.read(&mut buffer[..len])
    }
}

/// However it is cut, a diary is the same; one that is not JSON or holds nothing is no pass, nor is one with a failure.
fn diary(text: &[u8], choice: u64) -> Outcome {
    let rules = diary::Rules::default();
    let judge = |text: &[u8]| diary::summarise("d", text, None, &rules);
    let whole = judge(text);
    let dripped = diary::summarise("d", Drip(text, 1 + choice as usize % 97), None, &rules);
    ensure(dripped == whole, || "the same bytes in other pieces are another diary".to_owned())?;
    ensure(whole.total_entries > 0 || whole.status == Status::Fail, || "no entry is a pass".to_owned())?;
    let failed =
        b"{\"entry_id\":\"z\",\"recorded_at\":\"2025-01-06T02:00:00Z\",\"outcomes\":{\"status\":\"failed\"}}\n";
    let worse = judge(&[text, b"\n", failed].concat());
    ensure(worse.status == Status::Fail, || format!("a failed entry at the end is a {}", worse.status))?;
    if let Ok(serde_json::Value::Array(mut entries)) = serde_json::from_slice(text) {
        let count = entries.len() as u64;
        ensure(whole.total_entries + whole.total_issues >= count.min(1), || "entries are lost".to_owned())?;
        entries.insert(choice as usize % (entries.len() + 1), serde_json::from_slice(failed).unwrap_or_default());
        let worse = judge(serde_json::Value::from(entries).to_string().as_bytes());
        ensure(worse.status == Status::Fail, || format!("a failed entry in the list is a {}", worse.status))?;
    }
    Ok(())
}

/// Places are within the report, figures are possible, and blank lines at the end change nothing.
fn report(text: &[u8], _: u64) -> Outcome {
    let text = String::from_utf8_lossy(text);
    let report = Report::read(&text);
    let lines = text.split(['\n', '\r']).count() as u64;
    for item in &report.items {
        ensure((1..=lines).contains(&item.line), || format!("an item on line {} of {lines}", item.line))?;
        let percent = item.percent.unwrap_or_default();
        ensure((0.0..=100.0).contains(&percent), || format!("{percent} % are done"))?;
    }
    let (ready, tracked) = report.readiness();
    ensure(ready <= tracked, || format!("{ready} of {tracked} are ready"))?;
    let open = !text.matches("```").count().is_multiple_of(2) || text.contains("<!--") || text.contains("~~~");
    ensure(open || Report::read(&format!("{text}\n\n")).items.len() == report.items.len(), || {
        "blank lines at the end change the items".to_owned()
    })
}

/// Names never lead out of a packet, and what is no JSON is no pass.
fn records(text: &[u8], _: u64) -> Outcome {
    let list = checksums::read("list", text);
    for path in list.files.keys() {
        ensure(checksums::is_safe(path), || format!("the list leads to {path}"))?;
    }
    let is_json = strict::parse(text).is_ok();
    let _ = serde_json::from_slice::<RunRecord>(text);
    if let Ok(view) = View::parse(text) {
        let _ = (view.share(), view.remaining_seconds(), view.events().len());
    }
    let performance = performance::summarise("p", text, None, &performance::Rules::default());
    ensure(is_json || performance.status != Status::Pass || is_lax(text), || {
        "no JSON passes as performance".to_owned()
    })?;
    let plan = terraform_plan::summarise("p", text);
    ensure(is_json || plan.status != Status::Pass || is_lax(text), || "no JSON passes as a plan".to_owned())
}

/// Whether this may be JSON to a lenient reader.
fn is_lax(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.contains("NaN") || text.contains("Infinity") || text.contains(['\u{fffd}', '\u{feff}'])
}

/// The files of a packet, in a directory of their own.
struct Packet {
    folder: tempfile::TempDir,
    files: Vec<(String, Vec<u8>)>,
}

fn make_packet() -> Result<Packet, String> {
    let fail = |error: std::io::Error| format!("cannot make a packet: {error}");
    let source = super::root().join("fixtures/audit/run");
    let folder = tempfile::tempdir().map_err(fail)?;
    let mut files = Vec::new();
    let mut sums = String::new();
    for below in ["", "logs", "progress_timeline"] {
        fs::create_dir_all(folder.path().join(below)).map_err(fail)?;
        for entry in fs::read_dir(source.join(below)).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.is_file() {
                let name = path.strip_prefix(&source).map_err(|error| error.to_string())?.display().to_string();
                let bytes = fs::read(&path).map_err(fail)?;
                sums.push_str(&format!("{}  {name}\n", digest::sha256(&bytes)));
                fs::write(folder.path().join(&name), &bytes).map_err(fail)?;
                files.push((name, bytes));
            }
        }
    }
    files.sort();
    fs::write(folder.path().join("SHA256SUMS"), &sums).map_err(fail)?;
    files.push(("SHA256SUMS".to_owned(), sums.into_bytes()));
    Ok(Packet { folder, files })
}

/// A packet in which a listed file was changed is a FAIL.
fn packet(input: &[u8], choice: u64) -> Outcome {
    static PACKET: OnceLock<Result<Packet, String>> = OnceLock::new();
    let packet = PACKET.get_or_init(make_packet).as_ref().map_err(Clone::clone)?;
    let (name, bytes) = &packet.files[choice as usize % packet.files.len()];
    let path = packet.folder.path().join(name);
    let fail = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
    fs::write(&path, input).map_err(fail)?;
    let judged = std::panic::catch_unwind(|| load::judge(&Request::run(packet.folder.path())));
    fs::write(&path, bytes).map_err(fail)?;
    match judged {
        Err(panic) => std::panic::resume_unwind(panic),
        Ok(Ok(audit)) if name != "SHA256SUMS" && input != bytes => {
            ensure(audit.verdict == Status::Fail, || format!("with another {name} the packet is a {}", audit.verdict))
        }
        Ok(_) => Ok(()),
    }
}

/// However the bytes are cut, the events are the same.
fn sse(bytes: &[u8], choice: u64) -> Outcome {
    let decode = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        pieces.for_each(|piece| decoder.feed(piece, |event| events.push(event)));
        (events, decoder.last_id().to_owned(), decoder.retry(), decoder.oversized())
    };
    let whole = decode(&mut [bytes].into_iter());
    let cut = decode(&mut bytes.chunks(1 + choice as usize % 23));
    ensure(cut == whole, || format!("other pieces give other events: {cut:?} for {whole:?}"))
}

/// A policy is read or refused with a message that names the file.
fn policies(text: &[u8], _: u64) -> Outcome {
    let text = String::from_utf8_lossy(text);
    let errors = [policy::parse("p.toml", &text).err(), policy::parse_waivers("p.toml", &text).err()];
    errors
        .into_iter()
        .flatten()
        .try_for_each(|error| ensure(error.contains("p.toml"), || format!("the message names no file: {error}")))
}
