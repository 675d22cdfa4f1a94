//! An event in the form of each channel: what is sent, byte by byte.

use serde_json::{Map, Value, json};

use super::Event;
use super::policy::{Channel, Kind, Tls};
use crate::digest::sha256;
use crate::sanitize::collapse;

/// The longest texts that the services take, in characters.
const SLACK: usize = 3000;
const TITLE: usize = 256;
const ISSUE: usize = 60_000;
const SMS: usize = 160;
/// The longest line of a mail, in bytes.
const LINE: usize = 900;

/// The fields of templates.
const FIELDS: [&str; 8] = ["severity", "category", "message", "occurred_at", "tags", "context_json", "run", "verdict"];

/// The label of issues that are looked for, where nobody names one.
const LABEL: &str = "emp-ops";
/// The keys of the context that say that what an event tells is over, and that nothing else is open.
pub(crate) const OVER: &str = "over";
pub(crate) const ALL_OVER: &str = "all_over";

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outgoing {
    /// A POST of JSON.
    Post { url: String, headers: Vec<(String, String)>, body: Value, answers_ok: bool },
    /// The open issue of a run, found by label and title: a comment, or a new one.
    Issue {
        /// The address of all issues of the repository.
        issues: String,
        headers: Vec<(String, String)>,
        label: String,
        title: String,
        /// The text.
        text: String,
        /// A new issue.
        new: Value,
        /// Whether what this tells is over: nothing is begun for that, and the issue is closed where nothing is open.
        over: bool,
        closes: bool,
    },
    /// A mail.
    Mail {
        host: String,
        port: u16,
        tls: Tls,
        login: Option<(String, String)>,
        from: String,
        to: Vec<String>,
        data: String,
    },
    /// A program with an event on its standard input.
    Exec { argv: Vec<String>, input: String },
}

/// The message of an event for a channel; `held_back` equal ones came before it, `drill` marks a rehearsal.
pub(crate) fn of(channel: &Channel, event: &Event, held_back: u64, drill: bool) -> Outgoing {
    let body = channel.body.as_ref().map(|template| filled(template, event));
    let message = body.as_deref().unwrap_or(&event.message);
    let mut context = event.context.clone();
    if held_back > 0 {
        context.insert("held_back".to_owned(), held_back.into());
    }
    let key = sha256(format!("{} {} {}", event.fingerprint, event.occurred_at, event.at).as_bytes())[..32].to_owned();
    let idempotent = ("Idempotency-Key".to_owned(), key);
    match &channel.kind {
        Kind::Webhook { url, headers } => {
            let headers = headers.iter().cloned().chain([idempotent]).collect();
            Outgoing::Post {
                url: url.clone(),
                headers,
                body: plain(event, message, &context, drill),
                answers_ok: false,
            }
        }
        Kind::Slack { url, channel, username, icon } => {
            let mut body = json!({ "text": slack(event, message, &context) });
            for (key, value) in [("channel", channel), ("username", username), ("icon_emoji", icon)] {
                if let Some(value) = value {
                    body[key] = value.as_str().into();
                }
            }
            Outgoing::Post { url: url.clone(), headers: vec![idempotent], body, answers_ok: true }
        }
        Kind::Issue { .. } => tracker(channel, event, issue(event, message, &context), idempotent),
        Kind::Sms { url, sender, recipients, headers } => {
            let body = json!({
                "sender": sender, "recipients": recipients, "message": sms(event, message),
                "severity": event.severity.word(), "category": event.category,
            });
            let headers = headers.iter().cloned().chain([idempotent]).collect();
            Outgoing::Post { url: url.clone(), headers, body, answers_ok: false }
        }
        Kind::Email { host, port, tls, login, sender, recipients } => Outgoing::Mail {
            host: host.clone(),
            port: *port,
            tls: *tls,
            login: login.clone(),
            from: header(sender),
            to: recipients.iter().map(|to| header(to)).collect(),
            data: mail(&subject(channel, event), sender, recipients, event, message, &context),
        },
        Kind::Exec { argv } => {
            Outgoing::Exec { argv: argv.clone(), input: plain(event, message, &context, drill).to_string() }
        }
    }
}

fn plain(event: &Event, message: &str, context: &Map<String, Value>, drill: bool) -> Value {
    json!({
        "category": event.category, "severity": event.severity.word(), "message": message,
        "occurred_at": event.occurred_at, "tags": event.tags, "context": context,
        "fingerprint": event.fingerprint, "run": event.run(), "drill": drill,
    })
}

/// `[CRITICAL] run.fail` on one line, or what the template of the channel makes of it.
fn subject(channel: &Channel, event: &Event) -> String {
    let text = match &channel.subject {
        Some(template) => filled(template, event),
        None => format!("[{}] {}", event.severity.word().to_uppercase(), event.category),
    };
    collapse(&text)
}

fn slack(event: &Event, message: &str, context: &Map<String, Value>) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!(
        "*{}* {}\n{}",
        event.severity.word().to_uppercase(),
        escape(&collapse(&event.category)),
        escape(&unfenced(message))
    );
    if !event.tags.is_empty() {
        text.push_str(&format!("\nTags: {}", escape(&event.tags.join(", "))));
    }
    let mut text = limited(&text, SLACK);
    let room = SLACK.saturating_sub(text.chars().count() + 20);
    if !context.is_empty() && room > 20 {
        let json = escape(&unfenced(&Value::Object(context.clone()).to_string()));
        text.push_str(&format!("\nContext: ```{}```", limited(&json, room)));
    }
    text
}

/// A message to a tracker: a new issue, a comment to one, or whichever of them the open issue of the run asks for.
fn tracker(channel: &Channel, event: &Event, text: String, idempotent: (String, String)) -> Outgoing {
    let Kind::Issue { api, repository, token, number, upsert, labels, assignees } = &channel.kind else {
        return Outgoing::Exec { argv: Vec::new(), input: text };
    };
    let issues = format!("{api}/repos/{repository}/issues");
    let headers = vec![
        ("Authorization".to_owned(), format!("Bearer {token}")),
        ("Accept".to_owned(), "application/vnd.github+json".to_owned()),
        idempotent,
    ];
    if let Some(number) = number {
        let url = format!("{issues}/{number}/comments");
        return Outgoing::Post { url, headers, body: json!({ "body": text }), answers_ok: false };
    }
    let label = labels.first().map_or(LABEL, String::as_str).to_owned();
    let labels = if *upsert && labels.is_empty() { vec![label.clone()] } else { labels.clone() };
    let title = limited(&if *upsert { run_title(channel, event) } else { subject(channel, event) }, TITLE);
    let mut new = json!({ "title": title, "body": text });
    for (key, list) in [("labels", &labels), ("assignees", assignees)] {
        if !list.is_empty() {
            new[key] = json!(list);
        }
    }
    if !upsert {
        return Outgoing::Post { url: issues, headers, body: new, answers_ok: false };
    }
    let is = |key: &str| event.context.get(key) == Some(&Value::Bool(true));
    Outgoing::Issue { issues, headers, label, title, text, new, over: is(OVER), closes: is(ALL_OVER) }
}

/// The title of the issue of a run: the same for all of its events.
fn run_title(channel: &Channel, event: &Event) -> String {
    match (&channel.subject, event.context.get("run").and_then(Value::as_str)) {
        (Some(template), _) => collapse(&filled(template, event)),
        (None, Some(run)) => format!("Rehearsal {}", collapse(run)),
        (None, None) => "Rehearsal".to_owned(),
    }
}

/// The text of an issue: what comes from the evidence is in fences, where it mentions nobody and is no heading.
fn issue(event: &Event, message: &str, context: &Map<String, Value>) -> String {
    let fenced = |text: &str| format!("```text\n{}\n```", unfenced(text));
    let line = |text: &str| format!("`{}`", collapse(text).replace('`', "'"));
    let mut text = format!(
        "{}\n\n* Severity: {}\n* Category: {}\n* Occurred: {}\n",
        fenced(&limited(message, ISSUE / 2)),
        event.severity.word().to_uppercase(),
        line(&event.category),
        line(&event.occurred_at)
    );
    if !event.tags.is_empty() {
        text.push_str(&format!("* Tags: {}\n", line(&event.tags.join(", "))));
    }
    if !context.is_empty() {
        let room = ISSUE.saturating_sub(text.chars().count() + 40);
        let json = unfenced(&Value::Object(context.clone()).to_string());
        text.push_str(&format!("\n```json\n{}\n```\n", limited(&json, room)));
    }
    text
}

/// Text that cannot end the fence around it.
fn unfenced(text: &str) -> String {
    text.replace("```", "'''").replace("~~~", "---")
}

/// At most `most` characters, with its line breaks.
fn limited(text: &str, most: usize) -> String {
    match text.char_indices().nth(most.saturating_sub(1)) {
        Some((end, _)) if text.chars().count() > most => format!("{}…", &text[..end]),
        _ => text.to_owned(),
    }
}

/// A short message; the name of the run is in it, however long the rest.
fn sms(event: &Event, message: &str) -> String {
    let message = collapse(message);
    match event.run() {
        Some(run)
            if message.chars().count() > SMS && !message.chars().take(SMS - 1).collect::<String>().contains(run) =>
        {
            limited(&format!("{}: {message}", limited(run, SMS / 2)), SMS)
        }
        _ => limited(&message, SMS),
    }
}

/// A mail with its headers, lines ended as on the wire, those with a dot at their start doubled; without its end.
fn mail(
    subject: &str,
    sender: &str,
    recipients: &[String],
    event: &Event,
    message: &str,
    context: &Map<String, Value>,
) -> String {
    let to: Vec<String> = recipients.iter().map(|to| header(to)).collect();
    let domain = sender.rsplit('@').next().map(header).filter(|domain| !domain.is_empty()).unwrap_or_default();
    let id = sha256(format!("{} {} {}", event.fingerprint, event.occurred_at, event.at).as_bytes());
    let date = crate::time::Stamp::parse(&event.occurred_at).map(|at| at.utc().to_rfc2822());
    let mut text = format!("From: {}\nTo: {}\nSubject: {}\n", header(sender), to.join(", "), encoded(subject));
    if let Some(date) = date {
        text.push_str(&format!("Date: {date}\n"));
    }
    text.push_str(&format!("Message-ID: <{}@{domain}>\nMIME-Version: 1.0\n", &id[..32]));
    text.push_str("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n");
    text.push_str(&format!("{message}\n\ncategory={}\n", collapse(&event.category)));
    if !event.tags.is_empty() {
        text.push_str(&format!("tags={}\n", collapse(&event.tags.join(", "))));
    }
    if !context.is_empty() {
        text.push_str(&format!("context={}\n", Value::Object(context.clone())));
    }
    text.push_str(&format!("occurred_at={}\n", collapse(&event.occurred_at)));
    let mut data = String::with_capacity(text.len() + 64);
    for line in text.replace("\r\n", "\n").replace('\r', "\n").lines() {
        let mut rest = line;
        loop {
            let mut end = rest.len().min(LINE);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (part, more) = rest.split_at(end);
            if part.starts_with('.') {
                data.push('.');
            }
            data.push_str(part);
            data.push_str("\r\n");
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
    }
    data
}

/// A header without what would begin another one.
fn header(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

/// A header in words of RFC 2047, where it is no plain ASCII.
fn encoded(text: &str) -> String {
    use base64::Engine as _;
    let text = header(text);
    if text.is_ascii() {
        return text;
    }
    let chars: Vec<char> = text.chars().collect();
    // A word takes 75 characters at most, and is cut between characters.
    let words = chars.chunks(11).map(|part| {
        let part: String = part.iter().collect();
        format!("=?utf-8?B?{}?=", base64::engine::general_purpose::STANDARD.encode(part))
    });
    words.collect::<Vec<_>>().join("\n ")
}

/// The first field of a template that there is not.
pub(super) fn unknown_field(template: &str) -> Option<String> {
    let fields = template.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    fields.into_iter().find(|field| !FIELDS.contains(field)).map(str::to_owned)
}

fn filled(template: &str, event: &Event) -> String {
    let context = || Value::Object(event.context.clone()).to_string();
    let verdict = || event.context.get("verdict").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut text = String::new();
    let mut parts = template.split('{');
    text.push_str(parts.next().unwrap_or_default());
    // In one pass: what an event says is no template.
    for part in parts {
        let (field, rest) = part.split_once('}').unwrap_or((part, ""));
        text.push_str(&match field {
            "severity" => event.severity.word().to_uppercase(),
            "category" => event.category.clone(),
            "message" => event.message.clone(),
            "occurred_at" => event.occurred_at.clone(),
            "tags" => event.tags.join(", "),
            "context_json" => context(),
            "run" => event.run().unwrap_or_default().to_owned(),
            _ => verdict(),
        });
        text.push_str(rest);
    }
    text
}
