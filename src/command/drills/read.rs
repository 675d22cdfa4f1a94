//! A file of drills.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::conditions::{self, Read};
use super::{Asked, Terms};
use crate::command::workloads::checks;
use crate::command::workloads::keys::{Keys, Placed};
use crate::drills::derive::proves;
use crate::drills::plan::{ActionPlan, Drill, DrillsPlan, Kind, Known, overlap};
use crate::drills::step::Stage;
use crate::sanitize::shorten;
use crate::supervise::workloads::check::{Act, Deed};
use crate::supervise::workloads::drill::{DrillActs, Look, Sight};
use crate::time::human_duration;
use crate::verdict::policy::{Text, expected};

/// The most drills of a run.
const MOST: usize = 256;
/// Between two looks at a condition: usually, and at least.
const POLL: Duration = Duration::from_secs(1);
const LEAST_POLL: Duration = Duration::from_millis(100);
/// The limits where nobody says.
const DETECT: Duration = Duration::from_secs(60);
const RECOVER: Duration = Duration::from_secs(600);

/// Names of options that hold a secret in what follows or in themselves.
const SECRETS: [&str; 6] = ["password", "passwd", "secret", "token", "apikey", "api-key"];

/// A drill that was read, with its place.
struct One {
    drill: Drill,
    acts: DrillActs,
    /// Again after so long.
    every: Option<Duration>,
    span: Range<usize>,
}

/// Reads a file.
///
/// # Errors
/// Something in it is unknown or impossible: the message shows the place.
pub(super) fn read(source: &str, content: &str, terms: Terms<'_>) -> Result<Asked, String> {
    let text = Text::new(source, content);
    let tables = text.tables()?;
    let mut all = Vec::new();
    let (mut required, mut max_age) = (Vec::new(), None);
    for (name, value) in tables.into_inner() {
        match name.get_ref().as_ref() {
            "drill" => all = drills(text, value)?,
            "drill_policy" => (required, max_age) = policy(text, value)?,
            _ if terms.in_config => {}
            word => {
                let known = expected(word, &["drill", "drill_policy"]);
                return Err(text.at(name.span(), &format!("unknown table `{word}`{known}")));
            }
        }
    }
    if all.is_empty() {
        return Err(format!("{source}: there is no drill; write [[drill]] tables"));
    }
    let names: Vec<String> = all.iter().map(|one| one.drill.name.clone()).collect();
    let near = |name: &str| expected(name, &names.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(missing) = terms.skipped.iter().find(|name| !names.contains(name)) {
        return Err(format!("--skip-drill: {source} has no drill `{missing}`{}", near(missing)));
    }
    if let Some((missing, span)) = required.iter().find(|(name, _)| !names.contains(name)) {
        return Err(text.at(span.clone(), &format!("required: there is no drill `{missing}`{}", near(missing))));
    }
    let mut list: Vec<One> = all.into_iter().flat_map(|one| repeated(one, terms.target)).collect();
    list.sort_by(|a, b| a.drill.at_seconds.total_cmp(&b.drill.at_seconds));
    if let Some(one) = list.get(MOST) {
        let why = format!(
            "{}: more than {MOST} drills would take place; make every longer, or take some out",
            one.drill.name
        );
        return Err(text.at(one.span.clone(), &why));
    }
    for one in &mut list {
        let base = one.drill.name.split('@').next().unwrap_or_default();
        one.drill.skipped = terms.skipped.iter().any(|name| name == base);
        check(text, one, terms)?;
    }
    let plan = DrillsPlan {
        sha256: String::new(),
        dry: terms.dry,
        list: list.iter().map(|one| one.drill.clone()).collect(),
        required: required.into_iter().map(|(name, _)| name).collect(),
        max_age_seconds: max_age.map(|age| age.as_secs_f64()),
    };
    if let Some(why) = overlap(&plan.list) {
        let at = list.iter().find(|one| why.contains(&format!("and {} begins", one.drill.name)));
        return Err(text.at(at.map_or(0..0, |one| one.span.clone()), &why));
    }
    Ok(Asked { plan, acts: list.into_iter().map(|one| one.acts).collect() })
}

/// The names of drills that must be there, each with its place, and how old they may be.
type DrillPolicy = (Vec<(String, Range<usize>)>, Option<Duration>);

fn policy(text: Text<'_>, value: Placed<'_>) -> Result<DrillPolicy, String> {
    let mut keys = Keys::of(text, "[drill_policy]", value)?;
    let span = keys.span();
    let (required, max_age) = (keys.take("required"), keys.positive("max_age")?);
    keys.finish()?;
    let Some(required) = required else { return Ok((Vec::new(), max_age)) };
    let DeValue::Array(items) = required.into_inner() else {
        return Err(text.at(span, "required: write a list of names"));
    };
    let one = |item: Placed<'_>| match item.get_ref() {
        DeValue::String(name) => Ok((name.to_string(), item.span())),
        _ => Err(text.at(item.span(), "required: write names")),
    };
    Ok((items.into_iter().map(one).collect::<Result<_, _>>()?, max_age))
}

fn drills(text: Text<'_>, value: Placed<'_>) -> Result<Vec<One>, String> {
    let span = value.span();
    let DeValue::Array(items) = value.into_inner() else {
        return Err(text.at(span, "write [[drill]] with two brackets for each"));
    };
    let mut all: Vec<One> = Vec::new();
    for item in items {
        let one = drill(text, item)?;
        if all.iter().any(|other| other.drill.name == one.drill.name) {
            let message = format!("two drills are called {}; choose another name", one.drill.name);
            return Err(text.at(one.span, &message));
        }
        all.push(one);
    }
    Ok(all)
}

fn drill(text: Text<'_>, value: Placed<'_>) -> Result<One, String> {
    let mut keys = Keys::of(text, "[[drill]]", value)?;
    let whole = keys.span();
    let Some(name) = keys.take("name") else { return Err(keys.wrong(whole, "this drill has no name")) };
    let span = name.span();
    let DeValue::String(name) = name.get_ref() else { return Err(keys.wrong(span, "name: write a text")) };
    let name = name.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || name.len() > 63 || name.starts_with(['.', '-']) || !name.chars().all(plain) {
        let rule = "letters, digits, `_`, `.` and `-` (not first), at most 63";
        return Err(
            keys.wrong(span, &format!("the name `{}` becomes that of a file: write {rule}", shorten(&name, 80)))
        );
    }
    let kind = keys.word("kind", &[("fault", Kind::Fault), ("exercise", Kind::Exercise)])?.unwrap_or_default();
    let (at, every, first) = (keys.duration("at")?, keys.positive("every")?, keys.duration("first")?);
    let at = match (at, every, first) {
        (Some(at), None, None) => at,
        (None, Some(every), first) => first.unwrap_or(every),
        _ => {
            let message = format!("{name}: say when: at = \"10m\", or every = \"6h\" with first = \"1h\"");
            return Err(keys.wrong(span, &message));
        }
    };
    let seconds = |length: Option<Duration>, usual: Duration| length.unwrap_or(usual).as_secs_f64();
    let poll = keys.positive("poll")?.unwrap_or(POLL);
    if poll < LEAST_POLL {
        return Err(keys.wrong(span, &format!("{name}: poll is 100ms at least")));
    }
    let acknowledge = keys.positive("acknowledge_within")?;
    let mut acts = DrillActs::default();
    let inject = actions(&mut keys, if kind == Kind::Exercise { "steps" } else { "inject" }, Stage::Inject, &mut acts)?;
    let restore = actions(&mut keys, "restore", Stage::Restore, &mut acts)?;
    let mut conditions = |name, stage| looked(&mut keys, name, stage, &mut acts);
    let steady = conditions("steady", Stage::Steady)?;
    let detect = conditions("detect", Stage::Detect)?;
    let recover = conditions("recover", Stage::Recover)?;
    let verify = conditions("verify", Stage::Verify)?;
    let drill = Drill {
        name,
        kind,
        hypothesis: keys.string("hypothesis")?,
        at_seconds: at.as_secs_f64(),
        poll_seconds: poll.as_secs_f64(),
        parallel: keys.flag("parallel")?.unwrap_or_default(),
        skipped: false,
        stop_on_failure: keys.word("on_failure", &[("continue", false), ("stop", true)])?.unwrap_or_default(),
        steady,
        inject,
        detect,
        detect_within_seconds: seconds(keys.positive("detect_within")?, DETECT),
        acknowledge_within_seconds: acknowledge.map(|limit| limit.as_secs_f64()),
        restore,
        recover,
        recover_within_seconds: seconds(keys.positive("recover_within")?, RECOVER),
        hold_seconds: seconds(keys.duration("hold")?, Duration::ZERO),
        verify,
        excuses: keys.strings("excuses")?.unwrap_or_default(),
    };
    if drill.excuses.iter().any(|glob| glob.chars().all(|c| matches!(c, '*' | '?' | '/'))) {
        let message =
            format!("{}: excuses would excuse everything; name kinds or messages, such as \"feed*\"", drill.name);
        return Err(keys.wrong(span, &message));
    }
    keys.finish()?;
    let proven = proves(&drill).and_then(|()| looks_at_others(&acts));
    proven.map_err(|why| text.at(span.clone(), &format!("{}: {why}", drill.name)))?;
    Ok(One { drill, acts, every, span })
}

fn actions(
    keys: &mut Keys<'_>,
    name: &'static str,
    stage: Stage,
    all: &mut DrillActs,
) -> Result<Vec<ActionPlan>, String> {
    let text = keys.text;
    let Some(value) = keys.take(name) else { return Ok(Vec::new()) };
    let span = value.span();
    let acts = checks::acts(text, value, true)?;
    for act in &acts {
        secret(act).map_err(|why| text.at(span.clone(), &format!("{name}: {why}")))?;
    }
    let plans =
        acts.iter().map(|act| ActionPlan { what: act.shown.clone(), timeout_seconds: act.timeout.as_secs_f64() });
    let plans = plans.collect();
    all.acts.insert(stage, acts);
    Ok(plans)
}

/// Refuses a drill that looks only at files which it makes and removes itself: it would pass without any system.
fn looks_at_others(acts: &DrillActs) -> Result<(), &'static str> {
    let plain = |path: &str| -> PathBuf {
        Path::new(path).components().filter(|part| !matches!(part, Component::CurDir)).collect()
    };
    let own: Vec<PathBuf> = acts
        .acts
        .values()
        .flatten()
        .filter_map(|act| match &act.deed {
            Deed::Touch { path } | Deed::Remove { path } => Some(plain(path)),
            _ => None,
        })
        .collect();
    let looks = |stage| acts.looks.get(&stage).into_iter().flatten();
    let is_own = |look: &Option<Look>| match look {
        Some(Look { at: Sight::File(file), .. }) => own.contains(&plain(&file.path)),
        _ => false,
    };
    let detects = looks(Stage::Detect).next().is_some();
    if detects && looks(Stage::Detect).all(is_own) {
        return Err(
            "detect looks only at files that the drill itself touches or removes, so it would hold whatever the \
                    system does; name what the system does, such as { incident = \"feed*\" }",
        );
    }
    if !detects && looks(Stage::Recover).chain(looks(Stage::Verify)).all(is_own) {
        return Err(
            "it looks only at files that it touches or removes itself, so it would pass without any system; name \
                    what the system does, such as detect = [{ incident = \"feed*\" }]",
        );
    }
    Ok(())
}

/// Refuses secrets among the words of a program: everybody on the machine can read those.
fn secret(act: &Act) -> Result<(), String> {
    let Deed::Exec { command } = &act.deed else { return Ok(()) };
    let named = |word: &&String| {
        let (name, value) = word.split_once('=').unwrap_or((word.as_str(), ""));
        let bare = name.trim_start_matches('-').to_ascii_lowercase();
        let alone = word.starts_with('-') && value.is_empty();
        let refers = value.starts_with(['$', '@', '/']);
        SECRETS.iter().any(|secret| bare.ends_with(secret)) && !refers && (alone || !value.is_empty())
    };
    match command.iter().skip(1).find(named) {
        Some(word) => {
            let name = word.split('=').next().unwrap_or_default();
            Err(format!(
                "{name} among the words of a program is no secret; let it read a variable, given by --env NAME"
            ))
        }
        None => Ok(()),
    }
}

fn looked(
    keys: &mut Keys<'_>,
    name: &'static str,
    stage: Stage,
    all: &mut DrillActs,
) -> Result<Vec<crate::drills::plan::Condition>, String> {
    let text = keys.text;
    let Some(value) = keys.take(name) else { return Ok(Vec::new()) };
    let read = conditions::list(text, value)?;
    let mut plans = Vec::new();
    let mut looks = Vec::new();
    for (number, Read { condition, look, line }) in read.into_iter().enumerate() {
        plans.push(condition);
        looks.push(look);
        all.lines.extend(line.map(|line| (stage, number, line)));
    }
    all.looks.insert(stage, looks);
    Ok(plans)
}

/// Each time that a drill is to take place; the name of a further one has a number.
fn repeated(one: One, target: Duration) -> Vec<One> {
    let Some(every) = one.every else { return vec![one] };
    let mut all = Vec::new();
    let mut at = Duration::from_secs_f64(one.drill.at_seconds);
    // What would begin at the very end is not meant.
    while (all.is_empty() || at < target) && all.len() <= MOST {
        let number = all.len() + 1;
        let name = if number == 1 { one.drill.name.clone() } else { format!("{}@{number}", one.drill.name) };
        let drill = Drill { name, at_seconds: at.as_secs_f64(), ..one.drill.clone() };
        all.push(One { drill, acts: one.acts.clone(), every: None, span: one.span.clone() });
        at += every;
    }
    all
}

/// What cannot be in this run.
fn check(text: Text<'_>, one: &One, terms: Terms<'_>) -> Result<(), String> {
    let wrong = |why: &str| Err(text.at(one.span.clone(), &format!("{}: {why}", one.drill.name)));
    if one.drill.at() >= terms.target && !one.drill.skipped {
        let (at, target) = (human_duration(one.drill.at()), human_duration(terms.target));
        return wrong(&format!("it begins after {at}, and the run takes {target}: it would never take place"));
    }
    if one.drill.acknowledge_within_seconds.is_some() && terms.channels.is_empty() {
        return wrong("acknowledge_within needs notifications: nobody would hear of it; add --notify FILE");
    }
    let lists = [&one.drill.steady, &one.drill.detect, &one.drill.recover, &one.drill.verify];
    for condition in lists.into_iter().flatten() {
        let unknown = condition.kind == Known::Notified && !terms.channels.contains(&condition.of);
        if unknown {
            let names: Vec<&str> = terms.channels.iter().map(String::as_str).collect();
            return wrong(&format!("no channel is called `{}`{}", condition.of, expected(&condition.of, &names)));
        }
        if condition.kind == Known::Guard {
            let name = condition.of.rsplit_once('=').map_or("", |(name, _)| name);
            if !terms.guards.iter().any(|known| known == name) {
                let names: Vec<&str> = terms.guards.iter().map(String::as_str).collect();
                let hint = if names.is_empty() { "; add --guard FILE".to_owned() } else { expected(name, &names) };
                return wrong(&format!("no guard is called `{name}`{hint}"));
            }
        }
        if condition.kind == Known::Acknowledged && terms.channels.is_empty() {
            return wrong("acknowledged needs notifications: nobody would hear of it; add --notify FILE");
        }
    }
    let acts: BTreeMap<_, _> = one.acts.acts.iter().collect();
    let restarts = acts.values().flat_map(|acts| acts.iter()).any(|act| act.deed == Deed::Restart);
    if restarts && !terms.restarts {
        return wrong("restart asks the command to stop, which ends the run: add --restart always");
    }
    Ok(())
}
