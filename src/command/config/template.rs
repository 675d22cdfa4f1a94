//! The commented configuration that `--init` writes.

use std::any::TypeId;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::read::try_value;
use super::settings::{OUTPUT, Setting};
use crate::verdict::policy;

const HEAD: &str = "\
# The configuration of emp-ops. Every key is shown with a value that it can have, most often its default; take the # away
# in front of what you set. What wins: options, variables EMP_OPS_…, the tables of the profile chosen by --profile, the
# other tables, the file of --policy, defaults. Paths are meant from this file.
# `emp-ops final-dry-run --check` shows what holds, `--config-schema` prints a JSON Schema for editors.
";

const TAIL: &str = "
# Tables under [profile.NAME] win over those above with --profile NAME.
#[profile.ci.final_dry_run]
#duration = \"10m\"
#[profile.ci.sign_off]
#optional_performance = true
";

/// Values that an option may take, in the order in which they are tried.
const SAMPLES: [&str; 13] = [
    "1h",
    "1",
    "1GiB",
    "0.5",
    "team=payments",
    "failover=pass",
    "html=report.html",
    "login=5s",
    "stage.example:443:127.0.0.1",
    "app=sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "2026-01-06",
    "https://stage.example/api",
    "name",
];

/// The commented file for these options and limits: limits first, which matter most.
pub(super) fn template(options: &[Setting], limits: &[Setting]) -> String {
    let mut text = HEAD.to_owned();
    for table in policy::TABLES {
        let own = limits.iter().filter(|limit| limit.table == table);
        let mut keys: Vec<(String, String, String)> =
            own.map(|limit| (limit.key.clone(), limit.help(), example(limit))).collect();
        let more = policy::KEYS.iter().filter(|key| key.table == table);
        keys.extend(more.map(|key| (key.key.to_owned(), key.says.to_owned(), key.example.to_owned())));
        for (_, says, example) in policy::OPEN_TABLES.iter().filter(|(open, ..)| *open == table) {
            keys.extend(example.split_once(" = ").map(|(k, v)| (k.to_owned(), (*says).to_owned(), v.to_owned())));
        }
        let head = if table == policy::WAIVER { format!("[[{table}]]") } else { format!("[{table}]") };
        add(&mut text, &head, &keys);
    }
    let mut tables: Vec<&str> = options.iter().map(|setting| setting.table.as_str()).collect();
    tables.dedup();
    // The options that all commands take are read last.
    tables.sort_by_key(|table| *table == OUTPUT);
    for table in tables {
        let own = options.iter().filter(|setting| setting.table == table);
        let keys: Vec<_> = own.map(|setting| (setting.key.clone(), setting.help(), example(setting))).collect();
        add(&mut text, &format!("[{table}]"), &keys);
    }
    text + TAIL
}

/// Adds a table; one that is left commented out means nothing, so that an unused `[sign_off]` asks for nothing.
fn add(text: &mut String, head: &str, keys: &[(String, String, String)]) {
    let _ = write!(text, "\n#{head}\n");
    for (key, says, example) in keys {
        let _ = write!(text, "# {says}\n#{key} = {example}\n");
    }
}

/// A value in the form of the file: the default where there is one, else one that the option accepts.
pub(super) fn example(setting: &Setting) -> String {
    if setting.is_switch() {
        return "true".to_owned();
    }
    if setting.arg.is_last_set() {
        return "[\"/srv/app/bin/app\", \"--paper\"]".to_owned();
    }
    let parser = setting.arg.get_value_parser();
    let default = setting.arg.get_default_values().first().and_then(|value| value.to_str()).map(str::to_owned);
    let help = setting.help();
    let in_help = help.split("[default: ").nth(1).and_then(|rest| rest.split(']').next()).map(str::to_owned);
    let first = parser.possible_values().and_then(|mut values| values.next()).map(|value| value.get_name().to_owned());
    let name = setting.value_name().split(['[', '=', '|']).next().unwrap_or_default().to_lowercase();
    let candidates = default.into_iter().chain(in_help.filter(|text| !text.contains(' '))).chain(first).chain([name]);
    let mut candidates = candidates.chain(SAMPLES.map(str::to_owned));
    let value = candidates.find(|value| !value.is_empty() && try_value(setting, value).is_ok()).unwrap_or_default();
    let is_text = [TypeId::of::<PathBuf>(), TypeId::of::<String>()].iter().any(|id| parser.type_id() == *id);
    let bare = value == "true" || value == "false" || (!is_text && value.parse::<f64>().is_ok());
    let value = if bare { value } else { format!("{value:?}") };
    if setting.is_list() { format!("[{value}]") } else { value }
}
