//! How a workload is asked whether it is ready, and what is done around its stop, as a file says it.

use std::time::Duration;

use regex_automata::meta::Regex;
use toml::de::DeValue;

use super::keys::{Keys, Placed, json};
use crate::supervise::event::StopSignal;
use crate::supervise::workloads::check::{Act, Check, Deed, Http, LogLine};
use crate::supervise::workloads::plan::ReadyPlan;
use crate::time::{human_duration, parse_duration};
use crate::verdict::policy::Text;

/// A probe with the time that an answer may take.
pub(in crate::command) type Probe = (ReadyPlan, Check, Duration);

const FORMS: &str = "write one of exec, http, tcp and log";

/// Reads `[workload.ready]`.
pub(in crate::command) fn ready(text: Text<'_>, value: Placed<'_>) -> Result<Probe, String> {
    let mut keys = Keys::of(text, "[workload.ready]", value)?;
    let hosts = keys.strings("allow_hosts")?.unwrap_or_default();
    let mut checks = Vec::new();
    if let Some(command) = keys.command("exec")? {
        checks.push((Check::Exec { command: command.clone() }, command.join(" ")));
    }
    if let Some(http) = http(&mut keys, "http", &hosts)? {
        let shown = http.url.clone();
        checks.push((Check::Http(Box::new(http)), shown));
    }
    if let Some(value) = keys.take("tcp") {
        let address = match value.get_ref() {
            DeValue::String(address) => address.to_string(),
            _ => return Err(keys.wrong(value.span(), "tcp: write \"HOST:PORT\"")),
        };
        let host = address.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok_and(|port| port > 0));
        let Some((host, _)) = host else { return Err(keys.wrong(value.span(), "tcp: write \"HOST:PORT\"")) };
        may_ask(host, &hosts).map_err(|why| keys.wrong(value.span(), &why))?;
        checks.push((Check::Tcp { address: address.clone() }, format!("tcp {address}")));
    }
    if let Some(value) = keys.take("log") {
        let line = log_line(text, value)?;
        let shown = line.shown.clone();
        checks.push((Check::Log(line), shown));
    }
    let Some((check, shown)) = checks.pop().filter(|_| checks.is_empty()) else {
        return Err(keys.wrong(keys.span(), &format!("a probe asks in exactly one way; {FORMS}")));
    };
    let plan = ReadyPlan {
        by_log: matches!(check, Check::Log(_)),
        shown,
        interval: keys.positive("interval")?.unwrap_or(Duration::from_secs(1)),
        successes: keys.number("successes", 1)?.unwrap_or(1),
        failures: keys.number("failures", 1)?.unwrap_or(3),
        initial_delay: keys.duration("initial_delay")?.unwrap_or_default(),
        within: keys.positive("within")?.unwrap_or(Duration::from_secs(60)),
        may_precede: keys.flag("may_precede")?.unwrap_or_default(),
    };
    if plan.interval < Duration::from_millis(100) {
        return Err(keys.wrong(keys.span(), "interval: a workload is asked every 100ms at most"));
    }
    let timeout = keys.positive("timeout")?.unwrap_or(Duration::from_secs(2));
    keys.finish()?;
    Ok((plan, check, timeout))
}

/// The request of `http = "URL"`, or of a table with `url`; its further keys are beside it or in it.
pub(in crate::command) fn http(
    keys: &mut Keys<'_>,
    name: &'static str,
    hosts: &[String],
) -> Result<Option<Http>, String> {
    let text = keys.text;
    let Some(value) = keys.take(name) else {
        return Ok(None);
    };
    let span = value.span();
    let mut inner = None;
    let url = match value.get_ref() {
        DeValue::String(url) => url.to_string(),
        _ => {
            let mut table = Keys::of(text, "http", value)?;
            let url = table.string("url")?.ok_or_else(|| text.at(span.clone(), "http: the url is missing"))?;
            inner = Some(table);
            url
        }
    };
    let from = inner.as_mut().unwrap_or(keys);
    let http = Http {
        method: from.string("method")?.unwrap_or_else(|| if name == "http" { "GET" } else { "POST" }.to_owned()),
        body: from.string("body")?,
        status: from.number("status", 100)?.and_then(|status| u16::try_from(status).ok()),
        pointer: from.string("pointer")?,
        equals: from.take("equals").map(|value| json(value.get_ref())),
        url,
    };
    if let Some(inner) = inner {
        inner.finish()?;
    }
    let uri: Option<ureq::http::Uri> = http.url.parse().ok();
    let host = uri.as_ref().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))).and_then(|uri| uri.host());
    let Some(host) = host.filter(|_| !http.url.contains('@')) else {
        return Err(text.at(span, "http: write a URL such as \"http://127.0.0.1:8080/health\", without a password"));
    };
    may_ask(host, hosts).map_err(|why| text.at(span.clone(), &why))?;
    if http.equals.is_some() && http.pointer.is_none() {
        return Err(text.at(span, "http: equals needs a pointer such as \"/status\""));
    }
    if http.pointer.as_ref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        return Err(text.at(span, "http: write a JSON pointer such as \"/status\""));
    }
    Ok(Some(http))
}

/// Hosts are this machine, unless somebody names others.
pub(in crate::command) fn may_ask(host: &str, hosts: &[String]) -> Result<(), String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if loopback || hosts.iter().any(|allowed| allowed == host || allowed == bare) {
        return Ok(());
    }
    Err(format!("{host} is not this machine; add allow_hosts = [\"{bare}\"] if that is meant"))
}

/// A line with these fields, or one that matches a pattern.
pub(in crate::command) fn log_line(text: Text<'_>, value: Placed<'_>) -> Result<LogLine, String> {
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        return Err(
            text.at(span, "log: write fields such as { event = \"started\" }, or { matches = \"listening on\" }")
        );
    };
    let mut line = LogLine { fields: Default::default(), matches: None, shown: String::new() };
    let mut shown = Vec::new();
    for (key, value) in table {
        let name = key.get_ref().to_string();
        shown.push(format!("{name}={}", json(value.get_ref())));
        match (name.as_str(), value.get_ref()) {
            ("matches", DeValue::String(pattern)) => {
                let pattern = Regex::new(pattern)
                    .map_err(|error| text.at(value.span(), &format!("log: this is no regular expression: {error}")))?;
                line.matches = Some(pattern);
            }
            (_, DeValue::Array(_) | DeValue::Table(_)) => {
                return Err(text.at(value.span(), "log: write a text, a number or a truth value"));
            }
            (_, value) => drop(line.fields.insert(name, json(value))),
        }
    }
    if shown.is_empty() {
        return Err(text.at(span, "log: any line would do; name a field or a pattern"));
    }
    line.shown = format!("{}{}", LogLine::WORDS, shown.join(" "));
    Ok(line)
}

/// Reads a list of actions, those of a drill where `drill` says so.
pub(in crate::command) fn acts(text: Text<'_>, value: Placed<'_>, drill: bool) -> Result<Vec<Act>, String> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(items) => items.into_iter().map(|item| act(text, item, drill)).collect(),
        _ => Err(text.at(span, "write a list of actions such as [{ exec = [\"bin/drain\"], timeout = \"10s\" }]")),
    }
}

fn act(text: Text<'_>, value: Placed<'_>, drill: bool) -> Result<Act, String> {
    let mut keys = Keys::of(text, "an action", value)?;
    let hosts = keys.strings("allow_hosts")?.unwrap_or_default();
    let timeout = keys.positive("timeout")?.unwrap_or(Duration::from_secs(30));
    let mut found = Vec::new();
    if let Some(command) = keys.command("exec")? {
        found.push((command.join(" "), Deed::Exec { command }));
    }
    if let Some(signal) = signal(&mut keys, "signal")? {
        let matching = if drill { keys.string("match")? } else { None };
        let to = matching.as_ref().map(|text| format!(" to processes of {text}")).unwrap_or_default();
        found.push((format!("{}{to}", signal.name()), Deed::Signal { signal, matching }));
    }
    for (name, signal) in [("pause", 19), ("resume", 18)] {
        if drill && keys.flag(name)?.unwrap_or_default() {
            found.push((name.to_owned(), Deed::Signal { signal: StopSignal::Other(signal), matching: None }));
        }
    }
    if drill && keys.flag("restart")?.unwrap_or_default() {
        found.push(("restart".to_owned(), Deed::Restart));
    }
    if let Some(http) = http(&mut keys, "http", &hosts)? {
        found.push((http.url.clone(), Deed::Http(Box::new(http))));
    }
    if let Some(path) = keys.string("touch")? {
        found.push((format!("touch {path}"), Deed::Touch { path }));
    }
    if let Some(path) = keys.string("remove")? {
        found.push((format!("remove {path}"), Deed::Remove { path }));
    }
    if let Some(value) = keys.take("wait") {
        let time = match value.get_ref() {
            DeValue::String(text) => parse_duration(text),
            _ => Err("write a duration such as \"5s\"".to_owned()),
        };
        let time = time.map_err(|why| keys.wrong(value.span(), &why))?;
        found.push((format!("wait {}", human_duration(time)), Deed::Wait { time }));
    }
    let Some((shown, deed)) = found.pop().filter(|_| found.is_empty()) else {
        let more = if drill { ", pause, resume, restart" } else { "" };
        let message =
            format!("an action does exactly one thing; write one of exec, signal, http, touch, remove{more} and wait");
        return Err(keys.wrong(keys.span(), &message));
    };
    keys.finish()?;
    Ok(Act { deed, timeout, shown })
}

/// Reads the name of a signal.
pub(in crate::command) fn signal(keys: &mut Keys<'_>, name: &'static str) -> Result<Option<StopSignal>, String> {
    const SIGNALS: [(&str, StopSignal); 7] = [
        ("INT", StopSignal::Interrupt),
        ("TERM", StopSignal::Terminate),
        ("KILL", StopSignal::Kill),
        ("HUP", StopSignal::Other(1)),
        ("QUIT", StopSignal::Other(3)),
        ("USR1", StopSignal::Other(10)),
        ("USR2", StopSignal::Other(12)),
    ];
    let Some(value) = keys.take(name) else { return Ok(None) };
    let word = match value.get_ref() {
        DeValue::String(word) => word.to_string(),
        _ => String::new(),
    };
    let bare = word.strip_prefix("SIG").unwrap_or(&word);
    let found = SIGNALS.iter().find(|(known, _)| *known == bare).map(|(_, signal)| *signal);
    let names: Vec<&str> = SIGNALS.iter().map(|(name, _)| *name).collect();
    found.map(Some).ok_or_else(|| keys.wrong(value.span(), &format!("{name}: write one of {}", names.join(", "))))
}
