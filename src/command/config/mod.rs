//! The configuration: `emp-ops.toml`, its profiles and the environment, laid under the options.
//!
//! clap's own definition of the options is the one list of settings: from it derive the keys of the file, the variables
//! of the environment, the schema for editors and the commented example. Options win over the environment, that over
//! the profile, that over the rest of the file, and that over a policy file and the defaults.

mod found;
mod read;
mod schema;
mod settings;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use self::found::File;
use self::read::Said;
pub(crate) use self::settings::LIMITS;
use super::Error;
use crate::io::files::FileError;
use crate::io::process::watchdog;
use crate::io::tty::terminal;
use crate::verdict::policy::{self, Layer};

/// What the configuration and the environment say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The limits of the file: those of the profile, then the others.
    pub layers: Vec<Layer>,
    /// Where options were set that are not on the command line: a variable, or a line of the file.
    places: BTreeMap<String, String>,
    /// Every option that somebody set, with its value, but no limit.
    pub set: Vec<(String, String)>,
}

impl Config {
    /// Where an option was set, by its long name: `--min-uptime`, `EMP_OPS_MIN_UPTIME`, `emp-ops.toml:7`.
    pub(crate) fn place_of(&self, option: &str) -> String {
        self.places.get(option).cloned().unwrap_or_else(|| format!("--{option}"))
    }
}

/// Why a command line gives nothing to run.
pub(crate) enum Failure {
    /// It is wrong, or asks for help.
    Options(clap::Error),
    /// The configuration is wrong.
    Settings(Error),
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self::Options(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Settings(error)
    }
}

/// Reads the command line `words` with what the configuration and the environment add to it.
///
/// # Errors
/// Options, variables or the file are wrong: the message names the place.
pub(crate) fn parse(command: Command, mut words: Vec<OsString>) -> Result<(ArgMatches, Config), Failure> {
    let command = settings::with_environment(command);
    let mut whole = command.clone();
    whole.build();
    // What is missing may come from the file, and what is wrong is told by the second reading.
    let first = command.clone().ignore_errors(true).try_get_matches_from(&words);
    let first = first.as_ref().ok().and_then(ArgMatches::subcommand);
    let given = first.and_then(|(name, given)| Some((whole.find_subcommand(name)?, given)));
    let Some((subcommand, given)) = given.filter(|(subcommand, _)| settings::is_configurable(subcommand)) else {
        return Ok((command.try_get_matches_from(words)?, Config::default()));
    };
    let settings = settings::settings(&whole);
    let (mut config, mut shown, mut said) = (Config::default(), None, Vec::new());
    let (mut workloads, mut alone) = (None, None);
    if let Some(file) = locate(given)? {
        let profile = given.get_one::<String>("profile").map(String::as_str);
        let content = read::read(&file, &settings, profile).map_err(Error::Usage)?;
        config.layers = content.layers;
        said = content.said;
        workloads = content.workloads.map(|place| (file.path.clone(), place));
        alone = Some((file.path.clone(), content.alone));
        let profile = profile.map(|name| format!(" (profile {name})")).unwrap_or_default();
        shown = Some(format!("{}{profile}", file.shown()));
    }
    let from = |arg: &Arg| given.value_source(arg.get_id().as_str());
    let given_as =
        |source: ValueSource| subcommand.get_arguments().filter(|arg| from(arg) == Some(source)).collect::<Vec<&Arg>>();
    let options = given_as(ValueSource::CommandLine);
    // An option puts out of force what contradicts it, wherever that was said.
    let (variables, dropped): (Vec<&Arg>, Vec<&Arg>) = given_as(ValueSource::EnvVariable)
        .into_iter()
        .partition(|arg| !options.iter().any(|option| contradict(subcommand, arg, option)));
    let explicit = [options, variables.clone()].concat();
    config.places = variables.iter().filter_map(|arg| Some((arg.get_long()?.to_owned(), variable(arg)?))).collect();
    let table = settings::table_of(subcommand);
    let mut added = Vec::new();
    for Said { setting, texts, place } in
        said.iter().filter(|said| [table.as_str(), settings::OUTPUT].contains(&said.setting.table.as_str()))
    {
        let arg = &setting.arg;
        if explicit.iter().any(|other| other.get_id() == arg.get_id() || contradict(subcommand, arg, other)) {
            continue;
        }
        config.places.insert(setting.option.clone(), place.clone());
        if arg.is_last_set() {
            words.extend([OsString::from("--")].into_iter().chain(texts.iter().map(OsString::from)));
        } else {
            added.extend(texts.iter().map(|text| OsString::from(setting.word(text))));
        }
    }
    if let Some((path, place)) = workloads.filter(|_| table == "final_dry_run")
        && !has_others(&place, &explicit, &words, &added)?
    {
        config.places.insert("workloads".to_owned(), place);
        added.push(OsString::from(format!("--workloads={}", path.display())));
    }
    if let Some((path, tables)) = alone.filter(|_| table == "final_dry_run") {
        let named = |option: &str| explicit.iter().any(|arg| arg.get_id() == option);
        added.extend(alone_tables(&path, tables, named, &mut config));
    }
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.splice(end..end, added);
    let name = subcommand.get_name().to_owned();
    let command = dropped.iter().filter(|arg| !arg.is_global_set()).fold(command, |command, arg| {
        let unset = |arg: Arg| arg.env(None::<&'static str>);
        command.mut_subcommand(&name, |subcommand| subcommand.mut_arg(arg.get_id(), unset))
    });
    let matches = command.try_get_matches_from(words).inspect_err(|error| {
        // What is wrong may come from there.
        if error.use_stderr() {
            tell(shown.clone(), &variables, &settings);
        }
    })?;
    if let Some((_, given)) = matches.subcommand() {
        let own =
            settings.iter().filter(|setting| [table.as_str(), settings::OUTPUT].contains(&setting.table.as_str()));
        config.set = own.filter_map(|setting| Some((setting.option.clone(), value(setting, given)?))).collect();
        if !given.get_flag("quiet") {
            tell(shown, &variables, &settings);
        }
    }
    Ok((matches, config))
}

/// Whether something else is supervised than the workloads at `place` of the configuration, as by its own options.
///
/// # Errors
/// The operator names others beside them, or a command: nobody could tell which were meant.
fn has_others(place: &str, explicit: &[&Arg], words: &[OsString], added: &[OsString]) -> Result<bool, Error> {
    let is = |name: &str| explicit.iter().any(|arg| arg.get_id() == name);
    let command = words.iter().any(|word| word == "--").then_some("-- COMMAND");
    if let Some(other) = is("workloads").then_some("--workloads").or(command) {
        return Err(Error::Usage(format!("{place}: [[workload]] and {other} at once: take one of them out")));
    }
    Ok(is("simulate") || added.iter().any(|word| word.to_string_lossy().starts_with("--workloads")))
}

/// The value of an option that somebody set, for people; what could be a secret is left out.
fn value(setting: &settings::Setting, given: &ArgMatches) -> Option<String> {
    let id = setting.arg.get_id().as_str();
    given.value_source(id).filter(|source| *source != ValueSource::DefaultValue)?;
    let values = given.get_raw(id)?.map(|value| value.to_string_lossy());
    let public = |value: std::borrow::Cow<'_, str>| match setting.key.as_str() {
        "env" => value.split('=').next().unwrap_or_default().to_owned(),
        _ => value.into_owned(),
    };
    Some(values.map(public).collect::<Vec<_>>().join(" "))
}

/// The JSON Schema of the configuration.
pub(crate) fn schema(command: Command) -> serde_json::Value {
    let (options, limits) = lists(command);
    schema::schema(&options, &limits)
}

/// Writes a commented configuration into the working directory, where there is none.
///
/// # Errors
/// There is one, or it cannot be written.
pub(crate) fn init(command: Command) -> Result<(), Error> {
    let (options, limits) = lists(command);
    #[expect(clippy::disallowed_methods, reason = "a file that must be new, so that no link is followed")]
    let file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(found::NAME);
    let written = file.and_then(|mut file| file.write_all(template::template(&options, &limits).as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Usage(format!(
            "{} is there already, and is never overwritten; edit it, or move it away",
            found::NAME
        )),
        _ => FileError::new("write", found::NAME, error).into(),
    })?;
    terminal::note(&format!("wrote {}: take the # away in front of what you set", found::NAME));
    Ok(())
}

fn lists(mut command: Command) -> (Vec<settings::Setting>, Vec<settings::Setting>) {
    command.build();
    (settings::settings(&command), settings::limits(&command))
}

/// Says what else than the options was used, and which variable was perhaps meant to be.
fn tell(file: Option<String>, variables: &[&Arg], settings: &[settings::Setting]) {
    let variables = variables.iter().filter_map(|arg| variable(arg));
    let used: Vec<String> = file.into_iter().chain(variables).collect();
    if !used.is_empty() {
        terminal::note(&format!("settings from {}", used.join(", ")));
    }
    let limits = LIMITS.iter().map(|limit| limit.option.replace('-', "_"));
    let known: BTreeSet<String> = settings.iter().map(|setting| setting.key.clone()).chain(limits).collect();
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        let Some(key) = name.strip_prefix(settings::PREFIX).map(str::to_lowercase) else { continue };
        let settable = settings::NAMED_ONLY.contains(&key.replace('_', "-").as_str()) || known.contains(&key);
        if !settable && name != watchdog::MARK {
            terminal::note(&format!("warning: the variable {name} sets nothing{}", meant(&key, &known)));
        }
    }
}

fn meant(key: &str, known: &BTreeSet<String>) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match policy::nearest(key, &known) {
        Some(near) => format!("; did you mean {}{}?", settings::PREFIX, near.to_uppercase()),
        None => String::new(),
    }
}

fn variable(arg: &Arg) -> Option<String> {
    Some(arg.get_env()?.to_string_lossy().into_owned())
}

/// Whether two options of a command exclude each other.
fn contradict(command: &Command, one: &Arg, other: &Arg) -> bool {
    let names = |one: &Arg, other: &Arg| {
        !one.is_global_set() && command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    names(one, other) || names(other, one)
}

/// The file that holds: the one that was named, else the one that is found.
fn locate(given: &ArgMatches) -> Result<Option<File>, Error> {
    let asked = |id: &str| given.try_get_one::<bool>(id).ok().flatten().copied().unwrap_or_default();
    if settings::INSTEAD_OF_RUNNING.iter().any(|id| asked(id)) || asked("no_config") {
        return Ok(None);
    }
    if let Some(path) = given.get_one::<PathBuf>("config") {
        return found::named(path).map(Some);
    }
    let file = found::search(Path::new(""))?;
    match (given.get_one::<String>("profile"), &file) {
        (Some(profile), None) => Err(Error::Usage(format!(
            "--profile {profile}: there is no {} in the working directory or above it; write one (emp-ops final-dry-run \
             --init), or name it with --config FILE",
            found::NAME
        ))),
        _ => Ok(file),
    }
}

/// The options that name this file for tables that are read on their own, unless another one is named.
fn alone_tables(
    path: &Path,
    tables: BTreeMap<&'static str, String>,
    named: impl Fn(&str) -> bool,
    config: &mut Config,
) -> Vec<OsString> {
    let mut words = Vec::new();
    for (option, place) in tables {
        if !named(option) && !config.places.contains_key(option) {
            config.places.insert(option.to_owned(), place);
            words.push(OsString::from(format!("--{option}={}", path.display())));
        }
    }
    words
}
