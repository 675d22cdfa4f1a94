//! What a configuration file says: the options of the commands, and the limits of a policy.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::found::File;
use super::settings::{LIMITS, OUTPUT, Setting};
use crate::verdict::policy::{self, Layer, Text, expected};

/// Keys that say what is executed, which a file may only do that the user named.
const EXECUTES: [&str; 7] = ["command", "env", "exec", "drill", "guard", "workload", "workloads"];

/// The tables of workloads.
pub(super) const WORKLOADS: [&str; 2] = ["workload", "defaults"];
/// Further tables that are read on their own, each with the option that would name their file.
pub(super) const ALONE: [(&str, &str); 4] =
    [("drill", "drill"), ("drill_policy", "drill"), ("guard", "guard"), ("notify", "notify")];

/// The tables that hold profiles.
pub(super) const PROFILE: &str = "profile";

/// What a key says.
#[derive(Debug)]
pub(super) struct Said<'a> {
    pub setting: &'a Setting,
    /// Its values as they would be typed; none for a switch that is off.
    pub texts: Vec<String>,
    /// Where it is said.
    pub place: String,
}

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Content<'a> {
    /// The limits: those of the profile, then the others.
    pub layers: Vec<Layer>,
    /// The options; those of the profile have put the others out of force.
    pub said: Vec<Said<'a>>,
    /// Where it begins to name workloads, which are read on their own.
    pub workloads: Option<String>,
    /// Where it holds other tables that are read on their own, by the option that would name their file.
    pub alone: BTreeMap<&'static str, String>,
}

/// Reads a file; `profile` is the one that was asked for.
///
/// # Errors
/// Something in it is unknown or wrong, also in a profile that nobody asked for: the message shows the place.
pub(super) fn read<'a>(file: &File, settings: &'a [Setting], profile: Option<&str>) -> Result<Content<'a>, String> {
    let shown = file.shown();
    let text = Text::new(&shown, &file.text);
    let mut tables = text.tables()?;
    let profiles = tables.get_mut().remove(PROFILE);
    let mut content = part(file, text, tables, settings)?;
    let mut names = Vec::new();
    let mut chosen = None;
    if let Some(profiles) = profiles {
        let span = profiles.span();
        let DeValue::Table(profiles) = profiles.into_inner() else {
            return Err(text.at(span, "write tables such as [profile.ci.sign_off]"));
        };
        for (name, tables) in profiles {
            let span = tables.span();
            let DeValue::Table(tables) = tables.into_inner() else {
                return Err(text.at(span, "write tables such as [profile.ci.sign_off]"));
            };
            let name = name.into_inner().into_owned();
            let text = Text { profile: Some(&name), ..text };
            let part = part(file, text, Spanned::new(span, tables), settings)?;
            if profile == Some(&name) {
                chosen = Some(part);
            }
            names.push(name);
        }
    }
    match (profile, chosen) {
        (Some(profile), None) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Err(format!("{shown} has no profile `{profile}`{}", expected(profile, &names)))
        }
        (_, Some(mut chosen)) => {
            content.said.retain(|said| !chosen.said.iter().any(|over| over.setting.is_same(said.setting)));
            chosen.said.append(&mut content.said);
            chosen.layers.append(&mut content.layers);
            chosen.workloads = content.workloads;
            chosen.alone = content.alone;
            Ok(chosen)
        }
        (None, None) => Ok(content),
    }
}

/// Reads the tables of a profile, or those outside of profiles.
fn part<'a>(
    file: &File,
    text: Text<'_>,
    tables: Spanned<DeTable<'_>>,
    settings: &'a [Setting],
) -> Result<Content<'a>, String> {
    let span = tables.span();
    let mut limits = DeTable::new();
    let mut workloads = None;
    let mut alone = BTreeMap::new();
    let mut said = Vec::new();
    for (name, table) in tables.into_inner() {
        let word = name.get_ref().to_string();
        if EXECUTES.contains(&word.as_str()) {
            may_execute(file, text, &name)?;
        }
        if WORKLOADS.contains(&word.as_str()) && text.profile.is_none() {
            may_execute(file, text, &name)?;
            workloads = workloads.or((word == WORKLOADS[0]).then(|| text.place(&name.span())));
            continue;
        }
        let own = ALONE.iter().find(|(table, _)| *table == word);
        if let Some((_, option)) =
            own.filter(|_| text.profile.is_none() && !matches!(table.get_ref(), DeValue::String(_)))
        {
            may_execute(file, text, &name)?;
            alone.entry(*option).or_insert_with(|| text.place(&name.span()));
            continue;
        }
        if policy::TABLES.contains(&word.as_str()) {
            limits.insert(name, table);
            continue;
        }
        let own: Vec<&Setting> = settings.iter().filter(|setting| setting.table == word).collect();
        if own.is_empty() {
            let mut known: Vec<&str> = policy::TABLES.to_vec();
            known.extend(settings.iter().map(|setting| setting.table.as_str()));
            known.extend(text.profile.is_none().then_some(PROFILE));
            if text.profile.is_none() {
                known.extend(WORKLOADS);
                known.extend(ALONE.map(|(table, _)| table));
            }
            known.sort_unstable();
            known.dedup();
            return Err(text.at(name.span(), &format!("unknown table `{word}`{}", expected(&word, &known))));
        }
        let span = table.span();
        let DeValue::Table(keys) = table.into_inner() else {
            return Err(text.at(span, &format!("write a table [{word}]")));
        };
        for (key, value) in &keys {
            let Some(setting) = own.iter().copied().find(|setting| setting.key == *key.get_ref()) else {
                return Err(text.at(key.span(), &unknown(&word, key.get_ref(), settings)));
            };
            if EXECUTES.contains(&key.get_ref().as_ref()) {
                may_execute(file, text, key)?;
            }
            let folder = file.path.parent().unwrap_or(Path::new(""));
            let texts = texts(setting, value.get_ref(), folder).map_err(|why| text.at(value.span(), &why))?;
            said.push(Said { setting, texts, place: text.place(&key.span()) });
        }
    }
    let layers = match limits.is_empty() {
        true => Vec::new(),
        false => vec![policy::parse_tables(text, Spanned::new(span, limits))?],
    };
    Ok(Content { layers, said, workloads, alone })
}

fn may_execute(file: &File, text: Text<'_>, key: &Spanned<impl AsRef<str>>) -> Result<(), String> {
    if file.named {
        return Ok(());
    }
    let (key, span) = (key.get_ref().as_ref(), key.span());
    let message = format!(
        "`{key}` says what is executed, which only a file may that you name: add --config {}, or take the key out",
        text.source
    );
    Err(text.at(span, &message))
}

/// What to write instead of a key that its table does not have.
fn unknown(table: &str, key: &str, settings: &[Setting]) -> String {
    let option = key.replace('_', "-");
    let elsewhere = LIMITS
        .iter()
        .filter(|limit| limit.option == option || limit.key == key)
        .map(|limit| format!("`{}` in [{}]", limit.key, limit.table))
        .chain(settings.iter().filter(|other| other.key == key).map(|other| format!("`{key}` in [{}]", other.table)))
        .next();
    match elsewhere {
        Some(place) => format!("unknown key `{key}` in [{table}]; it is {place}"),
        None => {
            let known = settings.iter().filter(|setting| setting.table == table);
            let known: Vec<&str> = known.map(|setting| setting.key.as_str()).collect();
            format!("unknown key `{key}` in [{table}]{}", expected(key, &known))
        }
    }
}

/// The values of a key as they would be typed, each checked as the option would be.
fn texts(setting: &Setting, value: &DeValue<'_>, folder: &Path) -> Result<Vec<String>, String> {
    if setting.is_switch() {
        return match value {
            DeValue::Boolean(on) => Ok(if *on { vec!["true".to_owned()] } else { Vec::new() }),
            _ => Err("write true or false".to_owned()),
        };
    }
    let items: Vec<String> = match value {
        DeValue::Array(items) if setting.is_list() => {
            items.iter().map(|item| plain(item.get_ref())).collect::<Option<_>>().ok_or("write a list of texts")?
        }
        DeValue::Table(pairs) if setting.is_list() && setting.value_name().contains('=') => {
            let pair = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                Some(format!("{key}={}", plain(value.get_ref())?))
            };
            pairs.iter().map(pair).collect::<Option<_>>().ok_or("write a table of texts")?
        }
        DeValue::Array(_) => return Err("this is a list; write one value".to_owned()),
        value => vec![plain(value).ok_or("write a text or a number")?],
    };
    let items: Vec<String> = items.into_iter().map(|item| in_folder(setting, item, folder)).collect();
    items.iter().try_for_each(|item| try_value(setting, item))?;
    Ok(items)
}

/// A text or number as it would be typed.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Datetime(moment) => Some(moment.to_string()),
        DeValue::Boolean(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// A path is meant from the file that names it, wherever the command is started.
fn in_folder(setting: &Setting, text: String, folder: &Path) -> String {
    let joined = |path: &str| folder.join(path).display().to_string();
    let is_path = setting.arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
    match (setting.value_name(), text.split_once('=')) {
        _ if is_path && text != "-" => joined(&text),
        ("SOURCE", _) if !text.starts_with("env:") => joined(&text),
        ("NAME=FILE" | "FORMAT=PATH", Some((name, path))) => format!("{name}={}", joined(path)),
        _ => text,
    }
}

/// Has clap look at a value as if it had been typed.
pub(super) fn try_value(setting: &Setting, text: &str) -> Result<(), String> {
    if setting.arg.is_last_set() {
        return Ok(());
    }
    let arg = Arg::new("value")
        .long(setting.option.clone())
        .value_parser(setting.arg.get_value_parser().clone())
        .allow_hyphen_values(true)
        .value_name(setting.value_name().to_owned());
    let command = Command::new(OUTPUT).no_binary_name(true).disable_help_flag(true).arg(arg);
    let Err(error) = command.try_get_matches_from([setting.word(text)]) else { return Ok(()) };
    let said = error.render().to_string();
    let said = said.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    Err(said.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}
