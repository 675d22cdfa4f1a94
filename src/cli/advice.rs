//! What to do instead, for wrong usages of which the parser says only that they are wrong.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// What stands for the command that is supervised.
const EXAMPLE: &str = "emp-ops final-dry-run --duration 2h -- ./app --paper";

/// The option that names what a command looks at, for commands that take no word without an option.
const INPUT_OPTIONS: [(&str, &str); 3] = [
    ("stage-smoke", "--base-url http://localhost:8080"),
    ("stage-alerts", "--observation FILE"),
    ("offline-qa", "--input PATH"),
];
/// What others call such an option.
const ALIASES: [&str; 4] = ["--url", "--host", "--file", "--path"];

/// Adds to `error` what to do instead, where it does not say so itself; `args` is the command line without its first word.
pub(super) fn advise(error: &mut clap::Error, args: &[OsString]) {
    if let Some(advice) = advice(error, args) {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
}

fn advice(error: &clap::Error, args: &[OsString]) -> Option<String> {
    let words: Vec<&str> = args.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let invalid = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(one)) => one.clone(),
        Some(ContextValue::Strings(all)) => all.join(" "),
        _ => String::new(),
    };
    let dry_run = words.contains(&"final-dry-run");
    match error.kind() {
        ErrorKind::UnknownArgument => {
            // The parser names only the first letter of a word such as `-5s`.
            let number =
                |word: &str| word.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let at = words.iter().position(|word| number(word) && word.starts_with(&invalid));
            if let Some((at, option)) = at.and_then(|at| Some((at, words.get(at.checked_sub(1)?)?))) {
                let value = words[at];
                return Some(format!(
                    "durations, sizes and counts are never negative; a value that begins with `-` is written {option}={value}"
                ));
            }
            let plain = !invalid.starts_with('-') && !invalid.is_empty();
            let start = words.iter().position(|word| *word == invalid)?;
            let (before, from) = (words[..start].join(" "), words[start..].join(" "));
            if dry_run {
                return plain.then(|| format!("put `--` before the command: emp-ops {before} -- {from}"));
            }
            let (_, option) = INPUT_OPTIONS.iter().find(|(command, _)| words.contains(command))?;
            let alike = plain || ALIASES.contains(&invalid.as_str());
            alike.then(|| format!("what it looks at is named by an option: emp-ops {before} {option}"))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = |name: &str| invalid.contains(name);
            Some(match () {
                () if dry_run && missing("COMMAND") => {
                    format!("put the command behind `--`, as in `{EXAMPLE}`, or try --simulate")
                }
                () if missing("--base-url") => {
                    "name the environment, as in --base-url https://stage.example.org/api, or try --simulate".to_owned()
                }
                () if missing("--input") => {
                    "name a session, or the directory of many, as in --input artifacts/sessions".to_owned()
                }
                () if missing("--fired") => {
                    "a rehearsal of alerts needs both: --expected FILE what should fire, --fired FILE what did"
                        .to_owned()
                }
                () if missing("<PATH>") => {
                    "name a run directory, as in runs/release-7, or the directory of many: runs".to_owned()
                }
                () if missing("<INPUT>") => {
                    "name a run directory or a summary.json, and any status reports in Markdown after it".to_owned()
                }
                () => return None,
            })
        }
        _ => None,
    }
}
