//! The list of settings, taken from the options of the commands.

use std::any::TypeId;

use clap::builder::{BoolishValueParser, Str};
use clap::{Arg, ArgAction, Command};

/// What the name of every variable of the environment begins with.
pub(super) const PREFIX: &str = "EMP_OPS_";

/// The table of the options that every command takes.
pub(super) const OUTPUT: &str = "output";

/// Options that say where settings come from: they are no settings.
pub(super) const NAMED_ONLY: [&str; 3] = ["config", "profile", "no-config"];

/// Options that do something else than to run a command, by their ids.
pub(super) const INSTEAD_OF_RUNNING: [&str; 2] = ["init", "config_schema"];

/// Options that make sense only where they are typed.
const TYPED_ONLY: [&str; 5] = ["help", "version", "init", "config-schema", "check"];

/// Commands that have nothing to set.
const PLAIN: [&str; 3] = ["completions", "man", "help"];

/// The commands whose limits are those of a policy.
const JUDGES: [&str; 2] = ["final-dry-run", "audit"];

/// A limit that an option and a key of a file set alike.
#[derive(Debug)]
pub(crate) struct Limit {
    /// The option: `diary-min-entries-per-day`.
    pub option: &'static str,
    /// The table of its key: `diary`.
    pub table: &'static str,
    /// The key, which is its name in reports too: `min_entries_per_day`.
    pub key: &'static str,
}

/// Every limit that has an option.
pub(crate) const LIMITS: [Limit; 13] = [
    Limit { option: "min-duration", table: "sign_off", key: "min_duration" },
    Limit { option: "min-uptime", table: "sign_off", key: "min_uptime" },
    Limit { option: "min-sharpe", table: "sign_off", key: "min_sharpe" },
    Limit { option: "allow-warnings", table: "sign_off", key: "allow_warnings" },
    Limit { option: "optional-diary", table: "sign_off", key: "optional_diary" },
    Limit { option: "optional-performance", table: "sign_off", key: "optional_performance" },
    Limit { option: "warn-gap", table: "logs", key: "warn_gap" },
    Limit { option: "fail-gap", table: "logs", key: "fail_gap" },
    Limit { option: "max-listed", table: "logs", key: "max_listed" },
    Limit { option: "diary-min-entries-per-day", table: "diary", key: "min_entries_per_day" },
    Limit { option: "diary-daily-gap-severity", table: "diary", key: "daily_gap_severity" },
    Limit { option: "diary-accept-status", table: "diary", key: "accept_status" },
    Limit { option: "performance-min-roi", table: "performance", key: "min_roi" },
];

/// What an option sets, as a key of the configuration.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The table: that of the command, or [`OUTPUT`].
    pub table: String,
    /// The key: the option with underscores.
    pub key: String,
    /// The option without its hyphens.
    pub option: String,
    /// Its definition.
    pub arg: Arg,
}

impl Setting {
    fn new(table: &str, arg: &Arg) -> Option<Self> {
        let option = match arg.get_long() {
            Some(long) => long,
            // The command to supervise.
            None if arg.is_last_set() => arg.get_id().as_str(),
            None => return None,
        };
        let named = |names: &[&str]| names.contains(&option);
        let is_setting = !arg.is_hide_set() && !named(&NAMED_ONLY) && !named(&TYPED_ONLY);
        is_setting.then(|| Self {
            table: table.to_owned(),
            key: option.replace('-', "_"),
            option: option.to_owned(),
            arg: arg.clone(),
        })
    }

    /// What its help says.
    pub(super) fn help(&self) -> String {
        self.arg.get_help().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether both are one setting.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.table, &self.key) == (&other.table, &other.key)
    }

    /// Whether it is on or off.
    pub(super) fn is_switch(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::SetTrue)
    }

    /// Whether it can be said several times.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.arg.get_action(), ArgAction::Append) || self.arg.is_last_set()
    }

    /// The option with a value, as it is typed.
    pub(super) fn word(&self, value: &str) -> String {
        if self.is_switch() { format!("--{}", self.option) } else { format!("--{}={value}", self.option) }
    }

    /// How its value is called: `D`, `NAME=FILE`.
    pub(super) fn value_name(&self) -> &str {
        self.arg.get_value_names().and_then(<[_]>::first).map_or("", Str::as_str)
    }
}

/// Whether the value of an option is true or false.
pub(super) fn is_truth(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<bool>()
}

/// Whether a command takes settings.
pub(super) fn is_configurable(command: &Command) -> bool {
    !command.is_hide_set() && !PLAIN.contains(&command.get_name())
}

/// The table of a command: `final_dry_run`.
pub(super) fn table_of(command: &Command) -> String {
    command.get_name().replace('-', "_")
}

/// Every setting of the commands below `whole`, which is built, without the limits, which are keys of a policy.
pub(super) fn settings(whole: &Command) -> Vec<Setting> {
    let mut all: Vec<Setting> = whole.get_arguments().filter_map(|arg| Setting::new(OUTPUT, arg)).collect();
    for command in whole.get_subcommands().filter(|command| is_configurable(command)) {
        let limit = |arg: &Arg| {
            JUDGES.contains(&command.get_name()) && LIMITS.iter().any(|limit| Some(limit.option) == arg.get_long())
        };
        let own = command.get_arguments().filter(|arg| !arg.is_global_set() && !limit(arg));
        all.extend(own.filter_map(|arg| Setting::new(&table_of(command), arg)));
    }
    all
}

/// Every limit that has an option, under its key of a policy.
pub(super) fn limits(whole: &Command) -> Vec<Setting> {
    let judge = whole.find_subcommand(JUDGES[0]);
    let limit = |limit: &Limit| {
        let arg = judge?.get_arguments().find(|arg| arg.get_long() == Some(limit.option))?;
        Some(Setting { table: limit.table.to_owned(), key: limit.key.to_owned(), ..Setting::new(limit.table, arg)? })
    };
    LIMITS.iter().filter_map(limit).collect()
}

/// Lets a variable of the environment set each option: `EMP_OPS_MIN_UPTIME` is `--min-uptime`.
pub(super) fn with_environment(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_long().map(str::to_owned) {
        Some(long) if !arg.is_hide_set() && !TYPED_ONLY.contains(&long.as_str()) => {
            let name = format!("{PREFIX}{}", long.replace('-', "_").to_uppercase());
            // Named once for all of them; the help of each option would be twice as long.
            let arg = arg.env(name).hide_env(true);
            // Variables are often 1 or yes, and what is neither yes nor no is refused.
            match matches!(arg.get_action(), ArgAction::SetTrue) || is_truth(&arg) {
                true => arg.value_parser(BoolishValueParser::new()),
                false => arg,
            }
        }
        _ => arg,
    });
    command.mut_subcommands(|command| if is_configurable(&command) { with_environment(command) } else { command })
}
