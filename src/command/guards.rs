//! Guards on figures: the file that describes them, and the plan that comes of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::Error;
use super::workloads::checks::may_ask;
use super::workloads::keys::{Keys, Placed, plain};
use crate::digest::sha256;
use crate::guards::plan::{Guard, GuardsPlan, Limit, STATS, Stat};
use crate::guards::source::{OfProcess, Source};
use crate::guards::unit;
use crate::io::files;
use crate::io::process::supervisor::{GuardSource, GuardSources};
use crate::json::lenient;
use crate::sanitize::shorten;
use crate::supervise::redact::Redactor;
use crate::time::{human_duration, human_seconds};
use crate::verdict::policy::{Text, expected};

/// The most guards of a run.
const MOST: usize = 256;
/// Between two looks: usually, and at least.
const EVERY: Duration = Duration::from_secs(15);
const LEAST_EVERY: Duration = Duration::from_millis(100);
/// The warm-up of what grows, where nobody says: this share of the run, and at most so long.
const WARMUP_SHARE: u32 = 10;
const WARMUP: Duration = Duration::from_secs(30 * 60);
/// For so long growth is reckoned ahead, or for the required duration where that is longer.
const AHEAD: Duration = Duration::from_secs(24 * 3600);

/// What the run is to be, as far as guards depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// How long it is.
    pub(crate) target: Duration,
    /// How long it must be.
    pub(crate) required: Duration,
    /// How long its evidence may be missing.
    pub(crate) grace: Duration,
    /// The names of its workloads; none if it is a single command.
    pub(crate) workloads: &'a [String],
    /// Whether the file is a configuration, which holds other tables too.
    pub(crate) in_config: bool,
}

/// The guards of a run: the plan, and where each figure comes from.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) plan: GuardsPlan,
    sources: Vec<(Source, Option<usize>)>,
}

/// Reads the file of `--guard`; none if there is none.
///
/// # Errors
/// It cannot be read, or something in it is unknown or impossible.
pub(crate) fn load(file: Option<&PathBuf>, terms: Terms<'_>) -> Result<Option<Asked>, Error> {
    let Some(path) = file else { return Ok(None) };
    let bytes = files::read_within(path, files::REPORT_LIMIT).map_err(|error| Error::Usage(error.to_string()))?;
    of_text(path, &bytes, terms).map(Some).map_err(Error::Usage)
}

fn of_text(path: &Path, bytes: &[u8], terms: Terms<'_>) -> Result<Asked, String> {
    let (shown, content) = (path.display().to_string(), lenient::text(bytes));
    let text = Text::new(&shown, &content);
    let mut asked = Asked { plan: GuardsPlan { sha256: sha256(bytes), list: Vec::new() }, sources: Vec::new() };
    for (name, value) in text.tables()?.into_inner() {
        match name.get_ref().as_ref() {
            "guard" => {
                let span = value.span();
                let DeValue::Array(items) = value.into_inner() else {
                    return Err(text.at(span, "write [[guard]] with two brackets for each"));
                };
                for item in items {
                    guard(text, item, terms, &mut asked)?;
                }
            }
            _ if terms.in_config => {}
            word => {
                return Err(text.at(name.span(), &format!("unknown table `{word}`{}", expected(word, &["guard"]))));
            }
        }
    }
    match asked.plan.list.len() {
        0 => Err(format!("{shown}: there is no guard; write [[guard]] tables")),
        many if many > MOST => Err(format!("{shown}: {many} guards are more than {MOST}")),
        _ => Ok(asked),
    }
}

fn guard(text: Text<'_>, value: Placed<'_>, terms: Terms<'_>, asked: &mut Asked) -> Result<(), String> {
    let mut keys = Keys::of(text, "[[guard]]", value)?;
    let whole = keys.span();
    let Some(name) = keys.take("name") else { return Err(keys.wrong(whole, "this guard has no name")) };
    let span = name.span();
    let DeValue::String(name) = name.get_ref() else { return Err(keys.wrong(span, "name: write a text")) };
    let name = name.to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.len() > 63 || !name.chars().all(is_plain) {
        let rule = "letters, digits, `_`, `.` and `-`, at most 63";
        return Err(
            keys.wrong(span, &format!("the name `{}` becomes that of a gate: write {rule}", shorten(&name, 80)))
        );
    }
    if asked.plan.list.iter().any(|other| other.name == name) {
        return Err(keys.wrong(span, &format!("two guards are called {name}; choose another name")));
    }
    let Some(placed) = keys.take("source") else { return Err(keys.wrong(span, &format!("{name} has no source"))) };
    let place = placed.span();
    let DeValue::String(said) = placed.get_ref() else { return Err(keys.wrong(place, "source: write a text")) };
    let source = Source::parse(said).map_err(|why| keys.wrong(place.clone(), &format!("source: {why}")))?;
    let hosts = keys.strings("allow_hosts")?.unwrap_or_default();
    reachable(&source, &hosts).map_err(|why| keys.wrong(place, &format!("source: {why}")))?;
    let usual = if matches!(source, Source::Count { .. }) { Stat::Count } else { Stat::Last };
    let stat = keys.word("stat", &STATS)?.unwrap_or(usual);
    let figure = unit_of(&mut keys, &source, stat)?;
    let (warn, fail) = (limit(&mut keys, "warn", &figure, stat)?, limit(&mut keys, "fail", &figure, stat)?);
    if let Some(why) = order(warn.as_ref(), fail.as_ref()) {
        return Err(keys.wrong(span, &format!("{name}: {why}")));
    }
    let window = keys.positive("window")?;
    let every = keys.positive("every")?;
    if every.is_some_and(|every| every < LEAST_EVERY) {
        return Err(keys.wrong(span, &format!("{name}: every is 100ms at least")));
    }
    // A slope needs many looks.
    let share = if stat.grows() { 40 } else { 10 };
    let parts = [Some(EVERY), window.map(|window| window / share), Some(terms.target / share)];
    let often = parts.into_iter().flatten().min().unwrap_or(EVERY).max(LEAST_EVERY);
    let warmup = keys.duration("warmup")?;
    let of_growth = if stat.grows() { (terms.target / WARMUP_SHARE).min(WARMUP) } else { Duration::ZERO };
    let lasts = keys.duration("for")?.unwrap_or_default();
    let (workload, number) = workload(&mut keys, terms)?;
    let guard = Guard {
        source: said.trim().to_owned(),
        workload,
        unit: figure,
        stat,
        window_seconds: window.map(|window| window.as_secs_f64()),
        warn,
        fail,
        for_seconds: lasts.as_secs_f64(),
        warmup_seconds: warmup.unwrap_or(of_growth).as_secs_f64(),
        min_samples: keys.number("min_samples", 1)?,
        stop: keys.flag("stop")?.unwrap_or_default(),
        expected: keys.flag("expected")?.unwrap_or(true),
        every_seconds: every.unwrap_or(often).as_secs_f64(),
        grace_seconds: terms.grace.as_secs_f64(),
        ahead_seconds: AHEAD.max(terms.required).as_secs_f64(),
        name,
    };
    keys.finish()?;
    possible(&guard, terms).map_err(|why| text.at(span, &format!("{}: {why}", guard.name)))?;
    asked.plan.list.push(guard);
    asked.sources.push((source, number));
    Ok(())
}

/// Whether a source may be asked: servers are on this machine, unless somebody names others.
fn reachable(source: &Source, hosts: &[String]) -> Result<(), String> {
    let Source::Prometheus { url, .. } = source else {
        return if hosts.is_empty() { Ok(()) } else { Err("allow_hosts is for prometheus alone".to_owned()) };
    };
    let uri: ureq::http::Uri = url.parse().map_err(|_| format!("`{url}` is no URL"))?;
    let authority = uri.authority().map(|authority| authority.as_str()).unwrap_or_default();
    if authority.contains('@') {
        return Err("a name or password in the URL would be shown; leave it out".to_owned());
    }
    may_ask(uri.host().unwrap_or_default(), hosts)
}

/// The unit of the figure: as it is said, else as its name or its source tells.
fn unit_of(keys: &mut Keys<'_>, source: &Source, stat: Stat) -> Result<String, String> {
    if let Some(placed) = keys.take("unit") {
        let DeValue::String(said) = placed.get_ref() else {
            return Err(keys.wrong(placed.span(), "unit: write a text"));
        };
        let unknown =
            || keys.wrong(placed.span(), &format!("unit: unknown unit `{said}`{}", expected(said, &unit::names())));
        return unit::named(said).map(str::to_owned).ok_or_else(unknown);
    }
    let told = match source {
        _ if !stat.has_unit() => None,
        Source::Process(OfProcess::Rss) => Some("B"),
        Source::Process(OfProcess::Cpu) => Some("%"),
        source => unit::of_name(source.named().trim_end_matches("_bucket").trim_end_matches("_total")),
    };
    Ok(told.unwrap_or_default().to_owned())
}

fn limit(keys: &mut Keys<'_>, name: &'static str, figure: &str, stat: Stat) -> Result<Option<Limit>, String> {
    let Some(value) = keys.take(name) else { return Ok(None) };
    let wrong = |why: &str| keys.wrong(value.span(), &format!("{name}: {why}"));
    let text = plain(value.get_ref()).unwrap_or_default();
    let text = text.trim();
    let (above, rest) = match (text.strip_prefix('>'), text.strip_prefix('<')) {
        (Some(rest), _) => (true, rest),
        (_, Some(rest)) => (false, rest),
        _ => return Err(wrong("say on which side: \"> 50ms\" where more is bad, \"< 10\" where less is")),
    };
    if rest.starts_with('=') {
        return Err(wrong("a figure that equals its limit satisfies it; write > or <"));
    }
    let unit = if stat.has_unit() { figure } else { "" };
    let value = unit::read(rest, unit, stat.per()).map_err(|why| wrong(&why))?;
    if value.is_finite() { Ok(Some(Limit { above, value })) } else { Err(wrong("this is no finite number")) }
}

/// Why two limits contradict each other.
fn order(warn: Option<&Limit>, fail: Option<&Limit>) -> Option<&'static str> {
    match (warn, fail) {
        (None, None) => Some("there is no limit: write fail = \"> …\", warn = \"> …\", or both"),
        (Some(warn), Some(fail)) if warn.above != fail.above => Some("warn and fail are on different sides"),
        (Some(warn), Some(fail)) if warn.value != fail.value && fail.is_passed(warn.value) => {
            Some("warn is beyond fail: it could never be reached")
        }
        _ => None,
    }
}

fn workload(keys: &mut Keys<'_>, terms: Terms<'_>) -> Result<(Option<String>, Option<usize>), String> {
    let span = keys.span();
    let Some(name) = keys.string("workload")? else { return Ok((None, None)) };
    let names: Vec<&str> = terms.workloads.iter().map(String::as_str).collect();
    match names.iter().position(|known| *known == name) {
        Some(number) => Ok((Some(name), Some(number))),
        None if names.is_empty() => Err(keys.wrong(span, "workload: there is only one command; take the key out")),
        None => Err(keys.wrong(span, &format!("no workload is called `{name}`{}", expected(&name, &names)))),
    }
}

/// What could never be measured in this run.
fn possible(guard: &Guard, terms: Terms<'_>) -> Result<(), String> {
    let target = terms.target.as_secs_f64();
    let takes = human_duration(terms.target);
    for (key, seconds) in [("warmup", guard.warmup_seconds), ("for", guard.for_seconds), ("every", guard.every_seconds)]
    {
        if seconds >= target {
            return Err(format!("{key} is not shorter than the run, which takes {takes}: nothing would be judged"));
        }
    }
    if guard.warmup_seconds + guard.for_seconds >= target {
        return Err(format!("warmup and for take as long as the run, {takes}: nothing would be judged"));
    }
    let judged = target - guard.warmup_seconds;
    let within = guard.window_seconds.map_or(judged, |window| window.min(judged));
    let (looks, needed) = ((within / guard.every_seconds) as usize, guard.stat.looks());
    if looks < needed {
        return Err(format!(
            "a {} rests on {needed} looks, and {looks} fit in {}: shorten every, or lengthen window or the run",
            guard.stat.word(),
            human_seconds(within)
        ));
    }
    Ok(())
}

impl Asked {
    /// Takes secrets out of what is shown and kept; `reports` are the performance reports by the number of the workload.
    pub(crate) fn split(mut self, redactor: &Redactor, reports: Vec<Option<PathBuf>>) -> (GuardsPlan, GuardSources) {
        let about = self.plan.list.iter().zip(self.sources);
        let list = about.map(|(guard, (source, of))| GuardSource {
            source,
            positive: guard.is_positive(),
            ranked: guard.stat.share().is_some(),
            workload: of,
        });
        let list = list.collect();
        for guard in &mut self.plan.list {
            guard.source = redactor.text(guard.source.as_str().into()).into_owned();
        }
        (self.plan, GuardSources { list, reports })
    }
}

/// Each guard with its limits, for people.
pub(crate) fn told(asked: &Asked) -> String {
    let one = |guard: &Guard| format!("{} ({}, {})", guard.name, guard.what(), guard.asked());
    asked.plan.list.iter().map(one).collect::<Vec<_>>().join("; ")
}
