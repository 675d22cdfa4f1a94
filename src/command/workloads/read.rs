//! A file of workloads: TOML, or a `Procfile`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checks::{self, Probe};
use super::keys::{Keys, Placed, json};
use crate::finding::{Metadata, Status};
use crate::level::Level;
use crate::supervise::event::StopSignal;
use crate::supervise::plan::Restart;
use crate::supervise::workloads::check::Act;
use crate::supervise::workloads::plan::{Condition, OnLoss};
use crate::verdict::policy::Text;

/// The most workloads of a run.
const MOST: usize = 256;
/// Names that mean something else.
const RESERVED: [&str; 3] = ["run", "all", "emp-ops"];

/// What a file asks for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The workloads in the order of the file.
    pub(crate) workloads: Vec<Spec>,
    /// Where `[defaults]` sets a key, by key.
    pub(super) defaults: Common,
    /// Whether it is a `Procfile`.
    pub(super) procfile: bool,
}

/// A workload as the file has it.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: String,
    pub(super) command: Vec<String>,
    pub(super) job: bool,
    pub(super) depends_on: Vec<Dependency>,
    pub(super) ready: Option<Probe>,
    /// The paths of diary and performance report; an empty one is the usual one.
    pub(super) evidence: [Option<PathBuf>; 2],
    /// From which ages these are a WARN and a FAIL.
    pub(super) stale: [[Option<Duration>; 2]; 2],
    pub(super) own: Common,
    /// What is wrong with it, at its place.
    pub(super) place: String,
}

/// Something that a workload depends on.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// None if a list names it: the strongest that it offers.
    pub(super) condition: Option<Condition>,
    span: Range<usize>,
}

/// What `[defaults]` can set too.
#[derive(Clone, Debug, Default)]
pub(super) struct Common {
    pub(super) success_codes: Option<Vec<i32>>,
    pub(super) required: Option<bool>,
    pub(super) kind: Option<String>,
    pub(super) description: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) cwd: Option<PathBuf>,
    pub(super) env: Vec<(String, String)>,
    pub(super) pass_env: Vec<String>,
    pub(super) restart: Option<Restart>,
    pub(super) max_restarts: Option<u64>,
    pub(super) restart_window: Option<Duration>,
    pub(super) backoff: Option<Duration>,
    pub(super) backoff_max: Option<Duration>,
    pub(super) backoff_reset: Option<Duration>,
    pub(super) hang_timeout: Option<Duration>,
    pub(super) unready_timeout: Option<Duration>,
    pub(super) on_dependency_loss: Option<OnLoss>,
    pub(super) stop_signal: Option<StopSignal>,
    pub(super) shutdown_grace: Option<Duration>,
    pub(super) before_stop: Option<Vec<Act>>,
    pub(super) after_stop: Option<Vec<Act>>,
    pub(super) max_cpu: Option<f64>,
    pub(super) max_rss: Option<u64>,
    pub(super) resource_severity: Option<Status>,
    pub(super) warn_gap: Option<Duration>,
    pub(super) fail_gap: Option<Duration>,
    pub(super) min_uptime: Option<f64>,
    pub(super) quiet: Option<bool>,
    pub(super) stdin: Option<PathBuf>,
    pub(super) tty: Option<bool>,
    pub(super) stderr_level: Option<Level>,
}

/// Reads a file; `folder` is where its relative paths begin.
///
/// # Errors
/// Something in it is unknown or impossible: the message shows the place.
pub(crate) fn read(source: &str, content: &str, folder: &Path) -> Result<Asked, String> {
    let text = Text::new(source, content);
    let tables = text.tables()?;
    let mut asked = Asked::default();
    let mut places = Vec::new();
    for (name, value) in tables.into_inner() {
        match name.get_ref().as_ref() {
            "defaults" => asked.defaults = defaults(text, value, folder)?,
            "workload" => (asked.workloads, places) = workloads(text, value, folder)?,
            word => {
                let known = crate::verdict::policy::expected(word, &["defaults", "workload"]);
                let compose = word == "services";
                let hint = if compose { COMPOSE } else { known.as_str() };
                return Err(text.at(name.span(), &format!("unknown table `{word}`{hint}")));
            }
        }
    }
    check(text, &asked, &places)?;
    Ok(asked)
}

/// What to do with a compose file.
pub(super) const COMPOSE: &str = "; a compose file describes images, networks and volumes, which would be dropped \
                                  silently: supervise it whole with -- docker compose up";

/// Reads the tables `[defaults]` and `[[workload]]` of a configuration, which `source` holds.
///
/// # Errors
/// As [`read`].
pub(crate) fn of_config(source: &str, content: &str, folder: &Path) -> Result<Option<Asked>, String> {
    let text = Text::new(source, content);
    let tables = text.tables()?.into_inner();
    let mut kept = DeTable::new();
    for (name, value) in tables {
        if matches!(name.get_ref().as_ref(), "defaults" | "workload") {
            kept.insert(name, value);
        }
    }
    if !kept.iter().any(|(name, _)| name.get_ref() == "workload") {
        return Ok(None);
    }
    let mut asked = Asked::default();
    let mut places = Vec::new();
    for (name, value) in kept {
        match name.get_ref().as_ref() {
            "defaults" => asked.defaults = defaults(text, value, folder)?,
            _ => (asked.workloads, places) = workloads(text, value, folder)?,
        }
    }
    check(text, &asked, &places)?;
    Ok(Some(asked))
}

fn defaults(text: Text<'_>, value: Placed<'_>, folder: &Path) -> Result<Common, String> {
    let mut keys = Keys::of(text, "[defaults]", value)?;
    let common = common(&mut keys, folder)?;
    keys.finish()?;
    Ok(common)
}

type Workloads = (Vec<Spec>, Vec<Range<usize>>);

fn workloads(text: Text<'_>, value: Placed<'_>, folder: &Path) -> Result<Workloads, String> {
    let span = value.span();
    let DeValue::Array(items) = value.into_inner() else {
        return Err(text.at(span, "write [[workload]] with two brackets for each"));
    };
    let read = |item: Placed<'_>| {
        let span = item.span();
        workload(text, item, folder).map(|(spec, name)| (spec, if name.is_empty() { span } else { name }))
    };
    items.into_iter().map(read).collect::<Result<Vec<_>, _>>().map(|all| all.into_iter().unzip())
}

fn workload(text: Text<'_>, value: Placed<'_>, folder: &Path) -> Result<(Spec, Range<usize>), String> {
    let mut keys = Keys::of(text, "[[workload]]", value)?;
    let span = keys.span();
    let Some(name) = keys.take("name") else { return Err(keys.wrong(span, "this workload has no name")) };
    let named = name.span();
    let DeValue::String(name) = name.get_ref() else { return Err(keys.wrong(named, "name: write a text")) };
    let name = name.to_string();
    check_name(&name).map_err(|why| keys.wrong(named.clone(), &why))?;
    let Some(command) = keys.command("command")? else {
        return Err(keys.misspelt("command").unwrap_or_else(|| keys.wrong(named, &format!("{name} has no command"))));
    };
    let job = keys.flag("job")?.unwrap_or_default();
    let depends_on = match keys.take("depends_on") {
        Some(value) => dependencies(text, value)?,
        None => Vec::new(),
    };
    let ready = match keys.take("ready") {
        Some(value) => {
            if job {
                return Err(keys.wrong(value.span(), "a job has no `ready`: others wait for its end, `completed`"));
            }
            Some(checks::ready(text, value)?)
        }
        None => None,
    };
    let mut evidence = [None, None];
    let mut stale = [[None, None], [None, None]];
    let names = [
        ("diary", "diary_stale_warn", "diary_stale_fail"),
        ("performance", "performance_stale_warn", "performance_stale_fail"),
    ];
    for (at, (name, warn, fail)) in names.into_iter().enumerate() {
        evidence[at] = match keys.take(name) {
            Some(value) => match value.get_ref() {
                DeValue::Boolean(true) => Some(PathBuf::new()),
                DeValue::Boolean(false) => None,
                DeValue::String(path) => Some(folder.join(path.as_ref())),
                _ => return Err(keys.wrong(value.span(), &format!("{name}: write true or a path"))),
            },
            None => None,
        };
        stale[at] = [keys.positive(warn)?, keys.positive(fail)?];
    }
    let own = common(&mut keys, folder)?;
    keys.finish()?;
    let place = text.place(&named);
    Ok((Spec { name, command, job, depends_on, ready, evidence, stale, own, place }, named))
}

/// Names become names of files.
fn check_name(name: &str) -> Result<(), String> {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let plain = |c: char| first(c) || matches!(c, '_' | '.' | '-');
    if name.len() > 63 || !name.starts_with(first) || !name.chars().all(plain) {
        let rule = "small letters, digits, `_`, `.` and `-` (not first), at most 63";
        return Err(format!("the name `{name}` becomes that of files: write {rule}"));
    }
    if RESERVED.contains(&name) {
        return Err(format!("the name `{name}` means something else; choose another"));
    }
    Ok(())
}

fn dependencies(text: Text<'_>, value: Placed<'_>) -> Result<Vec<Dependency>, String> {
    let span = value.span();
    let conditions =
        [("started", Condition::Started), ("ready", Condition::Ready), ("completed", Condition::Completed)];
    match value.into_inner() {
        DeValue::Array(items) => {
            let one = |item: Placed<'_>| match item.get_ref() {
                DeValue::String(name) => Ok(Dependency { name: name.to_string(), condition: None, span: item.span() }),
                _ => Err(text.at(item.span(), "depends_on: write names")),
            };
            items.into_iter().map(one).collect()
        }
        DeValue::Table(table) => {
            let one = |(name, value): (Spanned<_>, Placed<'_>)| {
                let word = match value.get_ref() {
                    DeValue::String(word) => word.to_string(),
                    _ => String::new(),
                };
                let found = conditions.iter().find(|(known, _)| *known == word).map(|(_, condition)| *condition);
                let names = conditions.map(|(name, _)| name);
                let Some(condition) = found else {
                    let near = crate::verdict::policy::expected(&word, &names);
                    return Err(text.at(value.span(), &format!("unknown condition `{word}`{near}")));
                };
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Ok(Dependency { name: name.to_string(), condition: Some(condition), span: value.span() })
            };
            table.into_iter().map(one).collect()
        }
        _ => Err(text.at(span, "depends_on: write a list of names, or a table such as { feed = \"ready\" }")),
    }
}

fn common(keys: &mut Keys<'_>, folder: &Path) -> Result<Common, String> {
    let restarts = [("never", Restart::Never), ("on-failure", Restart::OnFailure), ("always", Restart::Always)];
    let losses = [("continue", OnLoss::Continue), ("restart", OnLoss::Restart), ("stop", OnLoss::Stop)];
    let levels = [("error", Level::Error), ("warning", Level::Warning), ("info", Level::Info)];
    let text = keys.text;
    let path = |path: String| folder.join(path);
    let codes = keys.take("success_codes");
    let codes = codes.map(|value| match json(value.get_ref()) {
        serde_json::Value::Array(all) if !all.is_empty() => all
            .iter()
            .map(|code| code.as_i64().filter(|code| (0..=255).contains(code)).and_then(|code| i32::try_from(code).ok()))
            .collect::<Option<Vec<i32>>>()
            .ok_or_else(|| text.at(value.span(), "success_codes: write codes from 0 to 255")),
        _ => Err(text.at(value.span(), "success_codes: write a list of codes from 0 to 255")),
    });
    let acts = |value: Option<Placed<'_>>| value.map(|value| checks::acts(text, value, false)).transpose();
    Ok(Common {
        success_codes: codes.transpose()?,
        required: keys.flag("required")?,
        kind: keys.string("kind")?,
        description: keys.string("description")?,
        metadata: match keys.take("metadata").map(|value| json(value.get_ref())) {
            Some(serde_json::Value::Object(all)) => all.into_iter().collect(),
            _ => Metadata::new(),
        },
        cwd: keys.string("cwd")?.map(path),
        env: keys.pairs("env")?.unwrap_or_default(),
        pass_env: keys.strings("pass_env")?.unwrap_or_default(),
        restart: keys.word("restart", &restarts)?,
        max_restarts: keys.number("max_restarts", 0)?,
        restart_window: keys.positive("restart_window")?,
        backoff: keys.duration("backoff")?,
        backoff_max: keys.duration("backoff_max")?,
        backoff_reset: keys.duration("backoff_reset")?,
        hang_timeout: keys.positive("hang_timeout")?,
        unready_timeout: keys.positive("unready_timeout")?,
        on_dependency_loss: keys.word("on_dependency_loss", &losses)?,
        stop_signal: checks::signal(keys, "stop_signal")?,
        shutdown_grace: keys.duration("shutdown_grace")?,
        before_stop: acts(keys.take("before_stop"))?,
        after_stop: acts(keys.take("after_stop"))?,
        max_cpu: keys.percent("max_cpu")?,
        max_rss: keys.size("max_rss")?,
        resource_severity: keys.word("resource_severity", &[("warn", Status::Warn), ("fail", Status::Fail)])?,
        warn_gap: keys.positive("warn_gap")?,
        fail_gap: keys.positive("fail_gap")?,
        min_uptime: keys.ratio("min_uptime")?,
        quiet: keys.flag("quiet")?,
        tty: keys.flag("tty")?,
        stdin: keys.string("stdin")?.filter(|word| word != "null").map(path),
        stderr_level: keys.word("stderr_level", &levels)?,
    })
}

/// What is wrong with the workloads together.
fn check(text: Text<'_>, asked: &Asked, places: &[Range<usize>]) -> Result<(), String> {
    let all = &asked.workloads;
    if all.is_empty() {
        return Err(format!("{}: there is no workload; write [[workload]] tables", text.source));
    }
    if all.len() > MOST {
        return Err(format!("{}: {} workloads are more than {MOST}", text.source, all.len()));
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (at, spec) in all.iter().enumerate() {
        if let Some(first) = seen.insert(spec.name.to_lowercase(), at) {
            let there = text.place(&places[first]);
            return Err(text.at(places[at].clone(), &format!("there is a workload `{}` already ({there})", spec.name)));
        }
    }
    for (at, spec) in all.iter().enumerate() {
        check_one(text, asked, spec, &places[at])?;
    }
    if !all.iter().any(|spec| asked.required(spec)) {
        return Err(format!(
            "{}: no workload is required, so nothing could fail; take a `required = false` out",
            text.source
        ));
    }
    if let Some(cycle) = cycle(all) {
        let names: Vec<&str> = cycle.iter().chain(&cycle[..1]).map(|at| all[*at].name.as_str()).collect();
        let message = format!("these wait for each other, so none could start: {}", names.join(" -> "));
        return Err(text.at(places[cycle[0]].clone(), &message));
    }
    Ok(())
}

fn check_one(text: Text<'_>, asked: &Asked, spec: &Spec, place: &Range<usize>) -> Result<(), String> {
    let all = &asked.workloads;
    for Dependency { name, condition, span } in &spec.depends_on {
        if *name == spec.name {
            return Err(text.at(span.clone(), &format!("{name} depends on itself")));
        }
        let Some(other) = all.iter().find(|other| other.name == *name) else {
            let names: Vec<&str> = all.iter().map(|spec| spec.name.as_str()).collect();
            let near = crate::verdict::policy::expected(name, &names);
            return Err(text.at(span.clone(), &format!("there is no workload `{name}`{near}")));
        };
        match condition {
            Some(Condition::Ready) if other.ready.is_none() => {
                let message =
                    format!("{name} has no `ready`, so it can never be that; add a probe, or write \"started\"");
                return Err(text.at(span.clone(), &message));
            }
            Some(Condition::Completed) if !other.job => {
                let message =
                    format!("{name} is a service, which never completes; add job = true, or write \"started\"");
                return Err(text.at(span.clone(), &message));
            }
            _ => {}
        }
    }
    let wrong = |message: &str| Err(text.at(place.clone(), &format!("{}: {message}", spec.name)));
    let (own, defaults) = (&spec.own, &asked.defaults);
    if spec.job && own.restart.or(defaults.restart) == Some(Restart::Always) {
        return wrong("a job must end; restart = \"always\" would never let it");
    }
    let by_log = spec.ready.as_ref().is_none_or(|(plan, ..)| plan.by_log);
    if !spec.job && own.quiet.or(defaults.quiet).unwrap_or_default() && by_log {
        return wrong(
            "it is quiet and has no probe but its log, so nothing would measure it; add ready with exec, http or tcp",
        );
    }
    let (warn, fail) = (own.warn_gap.or(defaults.warn_gap), own.fail_gap.or(defaults.fail_gap));
    if warn.zip(fail).is_some_and(|(warn, fail)| warn > fail) {
        return wrong("warn_gap is longer than fail_gap; a WARN must come before a FAIL");
    }
    let (first, most) = (own.backoff.or(defaults.backoff), own.backoff_max.or(defaults.backoff_max));
    if first.zip(most).is_some_and(|(first, most)| first > most) {
        return wrong("backoff is longer than backoff_max");
    }
    if own.unready_timeout.is_some() && spec.ready.is_none() {
        return wrong("unready_timeout has no effect without ready");
    }
    for [warn, fail] in spec.stale {
        if warn.zip(fail).is_some_and(|(warn, fail)| warn > fail) {
            return wrong("the stale limit of a WARN is longer than that of a FAIL");
        }
    }
    Ok(())
}

/// The members of a cycle of dependencies, in their order.
fn cycle(all: &[Spec]) -> Option<Vec<usize>> {
    fn walk(all: &[Spec], at: usize, path: &mut Vec<usize>, done: &mut [bool]) -> Option<Vec<usize>> {
        if let Some(start) = path.iter().position(|known| *known == at) {
            return Some(path[start..].to_vec());
        }
        if done[at] {
            return None;
        }
        path.push(at);
        let next = all[at].depends_on.iter().filter_map(|on| all.iter().position(|other| other.name == on.name));
        let found = next.into_iter().find_map(|next| walk(all, next, path, done));
        path.pop();
        done[at] = true;
        found
    }
    let mut done = vec![false; all.len()];
    (0..all.len()).find_map(|at| walk(all, at, &mut Vec::new(), &mut done))
}

impl Asked {
    /// Whether the rehearsal fails with a workload.
    pub(super) fn required(&self, spec: &Spec) -> bool {
        spec.own.required.or(self.defaults.required).unwrap_or(true)
    }
}

/// Reads a `Procfile`: `name: line`, which a shell runs as a required service without a probe.
///
/// # Errors
/// A line is none of these.
pub(crate) fn procfile(source: &str, content: &str) -> Result<Asked, String> {
    let text = Text::new(source, content);
    let mut asked = Asked { procfile: true, ..Asked::default() };
    let mut places = Vec::new();
    let mut at = 0;
    for line in content.split_inclusive('\n') {
        let span = at..at + line.trim_end().len();
        at += line.len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, command)) = line.split_once(':').filter(|(_, command)| !command.trim().is_empty()) else {
            return Err(text.at(span, "write `name: command`"));
        };
        let name = name.trim().to_owned();
        check_name(&name).map_err(|why| text.at(span.clone(), &why))?;
        let command = ["sh", "-c", command.trim()].map(str::to_owned).to_vec();
        let place = text.place(&span);
        let (depends_on, own) = (Vec::new(), Common::default());
        let (evidence, stale) = ([None, None], [[None, None], [None, None]]);
        asked.workloads.push(Spec { name, command, job: false, depends_on, ready: None, evidence, stale, own, place });
        places.push(span);
    }
    check(text, &asked, &places)?;
    Ok(asked)
}
