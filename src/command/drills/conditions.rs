//! The conditions of a drill, as a file says them.

use std::time::Duration;

use toml::de::DeValue;

use crate::command::workloads::checks;
use crate::command::workloads::keys::{Keys, Placed};
use crate::drills::plan::{Condition, Known};
use crate::supervise::workloads::check::{Check, LogLine};
use crate::supervise::workloads::drill::{FileLook, Look, Sight};
use crate::verdict::policy::Text;

/// How long an answer may take where nobody says.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A condition with how it is looked at.
pub(super) struct Read {
    pub(super) condition: Condition,
    pub(super) look: Option<Look>,
    pub(super) line: Option<LogLine>,
}

/// Reads a list of conditions.
pub(super) fn list(text: Text<'_>, value: Placed<'_>) -> Result<Vec<Read>, String> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(items) => items.into_iter().map(|item| condition(text, item)).collect(),
        _ => Err(text.at(span, "write a list of conditions such as [{ incident = \"feed*\" }]")),
    }
}

fn condition(text: Text<'_>, value: Placed<'_>) -> Result<Read, String> {
    let mut keys = Keys::of(text, "a condition", value)?;
    let hosts = keys.strings("allow_hosts")?.unwrap_or_default();
    let within = keys.duration("within")?;
    let timeout = keys.positive("timeout")?.unwrap_or(TIMEOUT);
    let mut found = Vec::new();
    let mut add = |kind: Known, what: String, of: String, sight: Option<Sight>, line: Option<LogLine>| {
        let condition = Condition { kind, what, of, within_seconds: within.map(|within| within.as_secs_f64()) };
        found.push(Read { condition, look: sight.map(|at| Look { at, timeout }), line });
    };
    if let Some(value) = keys.take("log") {
        let line = checks::log_line(text, value)?;
        add(Known::Log, line.shown.clone(), String::new(), None, Some(line));
    }
    if let Some(glob) = keys.string("incident")? {
        if glob.chars().all(|c| matches!(c, '*' | '?' | '/' | ' ')) {
            return Err(
                keys.wrong(keys.span(), "incident: any incident would do; name a kind or a message, such as \"feed*\"")
            );
        }
        add(Known::Incident, format!("an incident {glob}"), glob, None, None);
    }
    if let Some(command) = keys.command("exec")? {
        add(Known::Exec, command.join(" "), String::new(), Some(Sight::Check(Check::Exec { command })), None);
    }
    if let Some(http) = checks::http(&mut keys, "http", &hosts)? {
        let pointer = http.pointer.as_ref().map(|pointer| match &http.equals {
            Some(equals) => format!(" with {pointer} = {equals}"),
            None => format!(" with {pointer}"),
        });
        let what = format!("{}{}", http.url, pointer.unwrap_or_default());
        add(Known::Http, what, String::new(), Some(Sight::http(http)), None);
    }
    if let Some(path) = keys.string("file")? {
        let (look, what) = file(&mut keys, path)?;
        add(Known::File, what, String::new(), Some(Sight::File(look)), None);
    }
    if let Some(value) = keys.take("exit") {
        let code = match value.get_ref() {
            DeValue::Boolean(true) => String::new(),
            DeValue::Integer(code) => code.as_str().to_owned(),
            _ => return Err(keys.wrong(value.span(), "exit: write true, or the exit code")),
        };
        let what =
            if code.is_empty() { "the command ends".to_owned() } else { format!("the command exits with {code}") };
        add(Known::Exit, what, code, None, None);
    }
    if let Some(guard) = keys.string("guard")? {
        let words = [("pass", "pass"), ("warn", "warn"), ("fail", "fail")];
        let is = keys.word("is", &words)?.unwrap_or("fail");
        add(Known::Guard, format!("the guard {guard} is {is}"), format!("{guard}={is}"), None, None);
    }
    if let Some(channel) = keys.string("notified")? {
        add(Known::Notified, format!("a notification by {channel}"), channel, None, None);
    }
    if keys.flag("acknowledged")?.unwrap_or_default() {
        add(Known::Acknowledged, "somebody acknowledges it".to_owned(), String::new(), None, None);
    }
    let Some(read) = found.pop().filter(|_| found.is_empty()) else {
        let message = "a condition is known in exactly one way; write one of log, incident, http, exec, file, \
                       exit, guard, notified and acknowledged";
        return Err(keys.wrong(keys.span(), message));
    };
    keys.finish()?;
    Ok(read)
}

fn file(keys: &mut Keys<'_>, path: String) -> Result<(FileLook, String), String> {
    let mut look = FileLook { path, ..FileLook::default() };
    let mut what = Vec::new();
    let exists = keys.flag("exists")?;
    let absent = keys.flag("absent")?.unwrap_or_default() || exists == Some(false);
    if absent {
        look.absent = true;
        what.push("is absent".to_owned());
    }
    if keys.flag("newer")?.unwrap_or_default() {
        look.newer = true;
        what.push("was written since".to_owned());
    }
    if let Some(bytes) = keys.number("min_bytes", 1)? {
        look.min_bytes = bytes;
        what.push(format!("has {bytes} bytes"));
    }
    let pointer = keys.string("pointer")?;
    if let Some(entries) = keys.number("min_entries", 1)? {
        let pointer = pointer.unwrap_or_default();
        what.push(format!("has {entries} entries at {}", if pointer.is_empty() { "its top" } else { &pointer }));
        look.min_entries = Some((pointer, entries));
    } else if pointer.is_some() {
        return Err(keys.wrong(keys.span(), "file: pointer needs min_entries"));
    }
    if absent && what.len() > 1 {
        return Err(keys.wrong(keys.span(), "file: what is absent has no other qualities"));
    }
    if what.is_empty() {
        what.push("exists".to_owned());
    }
    let what = format!("{} {}", look.path, what.join(", "));
    Ok((look, what))
}
