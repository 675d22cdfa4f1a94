//! The policy of notifications: channels and rules, as `[notify]` in TOML or as the JSON of other tools.

use serde_json::{Map, Value};

use super::Severity;
use crate::time::parse_duration;

/// Where nobody says how long a channel may take, in seconds.
const TIMEOUT: f64 = 10.0;
/// How long all tries of one event may take, in seconds.
const DEADLINE: f64 = 30.0;

/// Who hears of what.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    /// Categories that somebody must hear of.
    pub events: Vec<String>,
    /// How long all tries of one event may take, in seconds.
    pub deadline: f64,
    /// Whether a critical that nobody hears of is a FAIL.
    pub required: bool,
    pub channels: Vec<Channel>,
    pub rules: Vec<Rule>,
    /// What is accepted, and should be written otherwise.
    pub remarks: Vec<String>,
}

/// A way to reach people.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Channel {
    pub name: String,
    /// What is less does not go there.
    pub min_severity: Severity,
    /// How long one try may take, in seconds.
    pub timeout: f64,
    pub kind: Kind,
    /// What the subject and the text are, in place of the usual ones.
    pub subject: Option<String>,
    pub body: Option<String>,
}

/// How a channel works.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Webhook {
        url: String,
        headers: Vec<(String, String)>,
    },
    Slack {
        url: String,
        channel: Option<String>,
        username: Option<String>,
        icon: Option<String>,
    },
    Issue {
        api: String,
        repository: String,
        token: String,
        number: Option<u64>,
        labels: Vec<String>,
        assignees: Vec<String>,
    },
    Sms {
        url: String,
        sender: String,
        recipients: Vec<String>,
        headers: Vec<(String, String)>,
    },
    Email {
        host: String,
        port: u16,
        tls: Tls,
        login: Option<(String, String)>,
        sender: String,
        recipients: Vec<String>,
    },
    Exec {
        argv: Vec<String>,
    },
}

impl Kind {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Issue { .. } => "github_issue",
            Self::Sms { .. } => "sms",
            Self::Email { .. } => "email",
            Self::Exec { .. } => "exec",
        }
    }
}

/// How mail is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// From the `STARTTLS` command on.
    StartTls,
    /// From the first byte on.
    Implicit,
    /// Not at all.
    None,
}

/// Which events go to which channels.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rule {
    pub name: String,
    /// Globs; empty for all.
    pub categories: Vec<String>,
    /// All of them must be there.
    pub tags: Vec<String>,
    pub min_severity: Severity,
    /// Places in the list of channels.
    pub channels: Vec<usize>,
    /// The same again is held back for so many seconds after a delivery.
    pub suppress: f64,
    /// What nobody acknowledged for so many seconds goes to further channels.
    pub escalate: Option<(f64, Vec<usize>)>,
}

/// What cannot be meant, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `channels[1]`.
    pub at: String,
    /// A word of the file by which it is found; empty where there is none.
    pub word: String,
    pub why: String,
}

/// Where a secret is: what the policy says to look up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secret<'a> {
    /// A variable of the environment.
    Env(&'a str),
    /// A file.
    File(&'a str),
}

/// Looks secrets up.
pub(crate) type Lookup<'a> = &'a dyn Fn(Secret<'_>) -> Result<String, String>;

const TOP: [&str; 6] = ["channels", "rules", "default_channels", "events", "deadline", "required"];
const RULE: [&str; 10] = [
    "name",
    "categories",
    "tags",
    "min_severity",
    "channels",
    "suppress",
    "suppress_seconds",
    "escalate_after",
    "escalate_to",
    "resolve",
];
const OF_ALL: [&str; 6] = ["name", "type", "min_severity", "timeout", "subject", "body"];

/// Reads a policy.
///
/// # Errors
/// Something in it is unknown, missing or contradicts itself.
pub(crate) fn read(document: &Value, lookup: Lookup<'_>) -> Result<Policy, Fault> {
    let document = document.get("notify").unwrap_or(document);
    let mut top = Table::of(document, "")?;
    // The names of TOML are those of a list of tables.
    for (one, many) in [("channel", "channels"), ("rule", "rules")] {
        if let Some(list) = top.object.remove(one) {
            top.object.insert(many.to_owned(), list);
        }
    }
    top.knows(&TOP)?;
    let mut policy = Policy {
        events: top.texts("events")?,
        deadline: top.seconds("deadline")?.unwrap_or(DEADLINE),
        required: top.flag("required")?.unwrap_or_default(),
        ..Policy::default()
    };
    for (n, value) in top.list("channels")?.iter().enumerate() {
        let mut table = Table::of(value, &format!("channels[{n}]"))?;
        let channel = channel(&mut table, lookup, &mut policy.remarks)?;
        if policy.channels.iter().any(|other| other.name == channel.name) {
            return Err(
                table.fault(&channel.name, format!("two channels are called `{}`; give each a name", channel.name))
            );
        }
        policy.channels.push(channel);
    }
    if policy.channels.is_empty() {
        return Err(top.fault("channels", "there is no channel: nobody would hear of anything".to_owned()));
    }
    let names: Vec<String> = policy.channels.iter().map(|channel| channel.name.clone()).collect();
    let default = top.channels("default_channels", &names)?;
    for (n, value) in top.list("rules")?.iter().enumerate() {
        let table = Table::of(value, &format!("rules[{n}]"))?;
        policy.rules.push(rule(&table, n, &names, &default)?);
    }
    Ok(policy)
}

fn rule(table: &Table, n: usize, names: &[String], default: &[usize]) -> Result<Rule, Fault> {
    table.knows(&RULE)?;
    let own = table.channels("channels", names)?;
    let channels = if own.is_empty() { default.to_vec() } else { own };
    if channels.is_empty() {
        return Err(table.fault("channels", "the rule has no channels, and there are no default_channels".to_owned()));
    }
    let suppress = table.seconds("suppress")?.or(table.seconds("suppress_seconds")?).unwrap_or_default();
    let to = table.channels("escalate_to", names)?;
    let escalate = match (table.seconds("escalate_after")?, to.is_empty()) {
        (Some(after), false) => Some((after, to)),
        (None, true) => None,
        _ => return Err(table.fault("escalate_after", "escalate_after and escalate_to go together".to_owned())),
    };
    Ok(Rule {
        name: table.text("name")?.unwrap_or_else(|| format!("rule {}", n + 1)),
        categories: table.texts("categories")?,
        tags: table.texts("tags")?,
        min_severity: table.severity("min_severity")?.unwrap_or(Severity::Warning),
        channels,
        suppress,
        escalate,
    })
}

fn channel(table: &mut Table, lookup: Lookup<'_>, remarks: &mut Vec<String>) -> Result<Channel, Fault> {
    let name = table.text("name")?.ok_or_else(|| table.fault("", "a channel needs a name".to_owned()))?;
    let word = table.text("type")?.ok_or_else(|| {
        table.fault(
            &name,
            format!("the channel `{name}` has no type; write webhook, slack, email, sms, github_issue or exec"),
        )
    })?;
    table.secrets(&name, lookup, remarks)?;
    let kind = kind(table, &name, &word)?;
    Ok(Channel {
        min_severity: table.severity("min_severity")?.unwrap_or_default(),
        timeout: table.seconds("timeout")?.unwrap_or(TIMEOUT),
        subject: table.template("subject")?,
        body: table.template("body")?,
        name,
        kind,
    })
}

fn kind(table: &Table, name: &str, word: &str) -> Result<Kind, Fault> {
    let needed = |keys: &[&str]| -> Result<String, Fault> {
        for key in keys {
            if let Some(text) = table.text(key)?.filter(|text| !text.trim().is_empty()) {
                return Ok(text);
            }
        }
        Err(table.fault(name, format!("the channel `{name}` needs {}", keys[0])))
    };
    let url = |keys: &[&str]| -> Result<String, Fault> {
        let url = needed(keys)?;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        match host.is_some_and(|host| !host.is_empty() && !host.starts_with('/')) && !url.contains(char::is_whitespace)
        {
            true => Ok(url),
            false => Err(table.fault(name, format!("the channel `{name}` needs an http or https URL as {}", keys[0]))),
        }
    };
    let recipients = || -> Result<Vec<String>, Fault> {
        let all = table.texts("recipients")?;
        match all.is_empty() {
            true => Err(table.fault(name, format!("the channel `{name}` needs recipients"))),
            false => Ok(all),
        }
    };
    let knows = |own: &[&str]| table.knows(&[&OF_ALL, own].concat());
    Ok(match word.trim().to_ascii_lowercase().as_str() {
        "webhook" => {
            knows(&["url", "webhook_url", "headers"])?;
            Kind::Webhook { url: url(&["url", "webhook_url"])?, headers: table.headers()? }
        }
        "slack" => {
            knows(&["url", "webhook_url", "channel", "username", "icon_emoji"])?;
            Kind::Slack {
                url: url(&["webhook_url", "url"])?,
                channel: table.text("channel")?,
                username: table.text("username")?,
                icon: table.text("icon_emoji")?,
            }
        }
        "github_issue" => {
            knows(&["repository", "token", "api_url", "url", "issue_number", "labels", "assignees"])?;
            let repository = needed(&["repository"])?;
            if repository.split('/').filter(|part| !part.is_empty()).count() != 2
                || repository.contains([' ', '?', '#', '%'])
            {
                return Err(table.fault(&repository, format!("the repository of `{name}` is written OWNER/NAME")));
            }
            let api = match table.text("api_url")?.or(table.text("url")?) {
                Some(_) => url(&["api_url", "url"])?,
                None => "https://api.github.com".to_owned(),
            };
            Kind::Issue {
                api: api.trim_end_matches('/').to_owned(),
                repository,
                token: needed(&["token"])?,
                number: table.number("issue_number")?,
                labels: table.texts("labels")?,
                assignees: table.texts("assignees")?,
            }
        }
        "sms" => {
            knows(&["gateway_url", "url", "sender", "recipients", "headers", "token"])?;
            let mut headers = table.headers()?;
            headers.extend(table.text("token")?.map(|token| ("Authorization".to_owned(), format!("Bearer {token}"))));
            let sender = table.text("sender")?.unwrap_or_else(|| "EMP".to_owned());
            Kind::Sms { url: url(&["gateway_url", "url"])?, sender, recipients: recipients()?, headers }
        }
        "email" | "smtp" => {
            knows(&[
                "smtp_host",
                "host",
                "smtp_port",
                "port",
                "smtp_tls",
                "tls",
                "smtp_username",
                "username",
                "smtp_password",
                "password",
                "sender",
                "from",
                "recipients",
            ])?;
            let tls = table.tls()?;
            let usual = match tls {
                Tls::Implicit => 465,
                Tls::StartTls => 587,
                Tls::None => 25,
            };
            let port = table.number("smtp_port")?.or(table.number("port")?).unwrap_or(usual);
            let port = u16::try_from(port).ok().filter(|port| *port > 0);
            let user = table.text("smtp_username")?.or(table.text("username")?);
            let password = table.text("smtp_password")?.or(table.text("password")?);
            Kind::Email {
                host: needed(&["smtp_host", "host"])?,
                port: port.ok_or_else(|| table.fault("port", format!("the port of `{name}` is none")))?,
                tls,
                login: match (user, password) {
                    (Some(user), Some(password)) => Some((user, password)),
                    (None, None) => None,
                    _ => {
                        return Err(table.fault(name, format!("`{name}` needs both username and password, or neither")));
                    }
                },
                sender: needed(&["sender", "from"])?,
                recipients: recipients()?,
            }
        }
        "exec" => {
            knows(&["argv", "command"])?;
            let argv = table.texts("argv")?;
            let argv = if argv.is_empty() { table.texts("command")? } else { argv };
            if argv.is_empty() {
                return Err(table.fault(name, format!("the channel `{name}` needs argv, a list of words")));
            }
            Kind::Exec { argv }
        }
        _ => {
            let known = "webhook, slack, email, sms, github_issue or exec";
            return Err(table.fault(word, format!("`{word}` is no type of channel; write {known}")));
        }
    })
}

/// An object of the policy with its place.
struct Table {
    at: String,
    object: Map<String, Value>,
}

impl Table {
    fn of(value: &Value, at: &str) -> Result<Self, Fault> {
        match value.as_object() {
            Some(object) => Ok(Self { at: at.to_owned(), object: object.clone() }),
            None => Err(Fault { at: at.to_owned(), word: String::new(), why: "this is no table".to_owned() }),
        }
    }

    fn fault(&self, word: &str, why: String) -> Fault {
        Fault { at: self.at.clone(), word: word.to_owned(), why }
    }

    /// A key that is there; null counts as absent.
    fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn knows(&self, keys: &[&str]) -> Result<(), Fault> {
        let unknown = self.object.keys().find(|key| !keys.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| {
            let near =
                keys.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key)).copied().unwrap_or_default();
            Err(self.fault(key, format!("`{key}` is not known here; did you mean `{near}`?")))
        })
    }

    fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.fault(key, format!("{key} is no text"))),
        }
    }

    /// A list of texts, or a text with `,` or `;` between its members.
    fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
        let clean = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(text.split([',', ';']).filter_map(clean).collect()),
            Some(Value::Array(list)) => {
                let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
                let texts = texts.ok_or_else(|| self.fault(key, format!("{key} holds something that is no text")))?;
                Ok(texts.into_iter().map(str::to_owned).collect())
            }
            Some(_) => Err(self.fault(key, format!("{key} is no list of texts"))),
        }
    }

    fn list(&self, key: &str) -> Result<Vec<Value>, Fault> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list.clone()),
            Some(_) => Err(self.fault(key, format!("{key} is no list"))),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.fault(key, format!("{key} is true or false"))),
        }
    }

    /// A length of time in seconds: a number, or a text with its unit.
    fn seconds(&self, key: &str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let seconds = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => parse_duration(text).ok().map(|length| length.as_secs_f64()),
            _ => None,
        };
        let seconds = seconds.filter(|seconds| seconds.is_finite() && (0.0..=31_536_000.0).contains(seconds));
        seconds.map(Some).ok_or_else(|| self.fault(key, format!("{key} is no length of time; write \"5m\" or seconds")))
    }

    /// A whole number, also as text with `#` before it.
    fn number(&self, key: &str) -> Result<Option<u64>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().trim_start_matches('#').parse().ok(),
            other => other.as_u64(),
        };
        number.map(Some).ok_or_else(|| self.fault(key, format!("{key} is no whole number")))
    }

    fn severity(&self, key: &str) -> Result<Option<Severity>, Fault> {
        let Some(word) = self.text(key)? else { return Ok(None) };
        let why = format!("`{word}` is no severity; write info, warning or critical");
        Severity::parse(&word).map(Some).ok_or_else(|| self.fault(&word, why))
    }

    fn channels(&self, key: &str, names: &[String]) -> Result<Vec<usize>, Fault> {
        let mut found = Vec::new();
        for name in self.texts(key)? {
            let at = names.iter().position(|known| *known == name);
            let at = at.ok_or_else(|| {
                self.fault(&name, format!("no channel is called `{name}`; there are {}", names.join(", ")))
            })?;
            if !found.contains(&at) {
                found.push(at);
            }
        }
        Ok(found)
    }

    fn headers(&self) -> Result<Vec<(String, String)>, Fault> {
        let Some(value) = self.get("headers") else { return Ok(Vec::new()) };
        let object = value.as_object().ok_or_else(|| self.fault("headers", "headers is no table".to_owned()))?;
        let mut headers = Vec::new();
        for (name, value) in object {
            let text = value.as_str().filter(|text| !text.contains(['\r', '\n']));
            let fits =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            match text.filter(|_| fits) {
                Some(text) => headers.push((name.clone(), text.to_owned())),
                None => return Err(self.fault(name, format!("the header `{name}` cannot be sent"))),
            }
        }
        Ok(headers)
    }

    fn tls(&self) -> Result<Tls, Fault> {
        let key = if self.get("tls").is_some() { "tls" } else { "smtp_tls" };
        Ok(match self.get(key) {
            None | Some(Value::Bool(true)) => Tls::StartTls,
            Some(Value::Bool(false)) => Tls::None,
            Some(Value::String(word)) => match word.trim().to_ascii_lowercase().as_str() {
                "starttls" => Tls::StartTls,
                "implicit" => Tls::Implicit,
                "none" => Tls::None,
                _ => return Err(self.fault(key, format!("`{word}`: write starttls, implicit or none"))),
            },
            Some(_) => return Err(self.fault(key, "write starttls, implicit or none".to_owned())),
        })
    }

    fn template(&self, key: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match super::message::unknown_field(&text) {
            Some(unknown) => Err(self.fault(&unknown, format!("{key}: `{{{unknown}}}` is no field"))),
            None => Ok(Some(text)),
        }
    }

    /// Puts in what `KEY_env` and `KEY_file` name; secrets that stand in the file are remarked.
    fn secrets(&mut self, name: &str, lookup: Lookup<'_>, remarks: &mut Vec<String>) -> Result<(), Fault> {
        for key in ["token", "password", "smtp_password"] {
            if self.get(key).is_some() {
                remarks.push(format!("the channel {name} has its {key} in the policy: name a variable with {key}_env"));
            }
        }
        let named: Vec<String> =
            self.object.keys().filter(|key| key.ends_with("_env") || key.ends_with("_file")).cloned().collect();
        for key in named {
            let place = self.text(&key)?.unwrap_or_default();
            let (base, secret) = match key.strip_suffix("_env") {
                Some(base) => (base, Secret::Env(&place)),
                None => (key.trim_end_matches("_file"), Secret::File(&place)),
            };
            if self.get(base).is_some() {
                return Err(self.fault(&key, format!("`{name}` has both {base} and {key}; leave one")));
            }
            let value = lookup(secret).map_err(|why| self.fault(&key, format!("{key} of `{name}`: {why}")))?;
            let base = base.to_owned();
            self.object.remove(&key);
            self.object.insert(base, value.into());
        }
        Ok(())
    }
}
