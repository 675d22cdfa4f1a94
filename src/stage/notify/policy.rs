//! The policy of notifications: channels and rules, as `[notify]` in TOML or as the JSON of other tools.

use serde_json::Value;

use super::Severity;
use super::table::Table;
pub(crate) use super::table::{Fault, Lookup, Secret, Tls};

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
    /// A sign of life, where one is asked for.
    pub heartbeat: Option<Heartbeat>,
    /// What is accepted, and should be written otherwise.
    pub remarks: Vec<String>,
}

/// A sign of life: its absence shows that emp-ops itself, or its machine, is gone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heartbeat {
    /// Between two of them, in seconds.
    pub every: f64,
    /// Places in the list of channels.
    pub channels: Vec<usize>,
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
        /// Whether a run has one open issue, to which everything goes.
        upsert: bool,
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
    /// Whether it is told when something is over.
    pub resolve: bool,
}

const TOP: [&str; 7] = ["channels", "rules", "default_channels", "events", "deadline", "required", "heartbeat"];
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
    if policy.deadline <= 0.0 {
        return Err(top.fault("deadline", "in no time nothing can be sent; write deadline = \"30s\"".to_owned()));
    }
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
    policy.heartbeat = top.get("heartbeat").map(|value| heartbeat(value, &names, &default)).transpose()?;
    for (n, value) in top.list("rules")?.iter().enumerate() {
        let table = Table::of(value, &format!("rules[{n}]"))?;
        policy.rules.push(rule(&table, n, &names, &default)?);
    }
    Ok(policy)
}

fn heartbeat(value: &Value, names: &[String], default: &[usize]) -> Result<Heartbeat, Fault> {
    let table = Table::of(value, "heartbeat")?;
    table.knows(&["every", "channels"])?;
    let own = table.channels("channels", names)?;
    let channels = if own.is_empty() { default.to_vec() } else { own };
    let every = table.seconds("every")?.filter(|every| *every >= 1.0);
    let every =
        every.ok_or_else(|| table.fault("every", "a heartbeat needs every = \"1h\", at least 1s".to_owned()))?;
    if channels.is_empty() {
        return Err(
            table.fault("heartbeat", "the heartbeat has no channels, and there are no default_channels".to_owned())
        );
    }
    Ok(Heartbeat { every, channels })
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
        resolve: table.flag("resolve")?.unwrap_or_default(),
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
    let fields = Fields { table, name };
    Ok(match word.trim().to_ascii_lowercase().as_str() {
        "webhook" => {
            fields.knows(&["url", "webhook_url", "headers"])?;
            Kind::Webhook { url: fields.url(&["url", "webhook_url"])?, headers: table.headers()? }
        }
        "slack" => {
            fields.knows(&["url", "webhook_url", "channel", "username", "icon_emoji"])?;
            Kind::Slack {
                url: fields.url(&["webhook_url", "url"])?,
                channel: table.text("channel")?,
                username: table.text("username")?,
                icon: table.text("icon_emoji")?,
            }
        }
        "github_issue" => fields.issue()?,
        "sms" => {
            fields.knows(&["gateway_url", "url", "sender", "recipients", "headers", "token"])?;
            let mut headers = table.headers()?;
            headers.extend(table.text("token")?.map(|token| ("Authorization".to_owned(), format!("Bearer {token}"))));
            let sender = table.text("sender")?.unwrap_or_else(|| "EMP".to_owned());
            Kind::Sms { url: fields.url(&["gateway_url", "url"])?, sender, recipients: fields.recipients()?, headers }
        }
        "email" | "smtp" => fields.email()?,
        "exec" => {
            fields.knows(&["argv", "command"])?;
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

/// What a channel needs to send.
struct Fields<'a> {
    table: &'a Table,
    name: &'a str,
}

impl Fields<'_> {
    fn knows(&self, own: &[&str]) -> Result<(), Fault> {
        self.table.knows(&[&OF_ALL, own].concat())
    }

    /// The first of these that is there.
    fn needed(&self, keys: &[&str]) -> Result<String, Fault> {
        for key in keys {
            if let Some(text) = self.table.text(key)?.filter(|text| !text.trim().is_empty()) {
                return Ok(text);
            }
        }
        Err(self.table.fault(self.name, format!("the channel `{}` needs {}", self.name, keys[0])))
    }

    fn url(&self, keys: &[&str]) -> Result<String, Fault> {
        let url = self.needed(keys)?;
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let has_host = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
        if has_host && !url.contains(char::is_whitespace) {
            return Ok(url);
        }
        let why = format!("the channel `{}` needs an http or https URL as {}", self.name, keys[0]);
        Err(self.table.fault(self.name, why))
    }

    fn recipients(&self) -> Result<Vec<String>, Fault> {
        let all = self.table.texts("recipients")?;
        let why = format!("the channel `{}` needs recipients", self.name);
        if all.is_empty() { Err(self.table.fault(self.name, why)) } else { Ok(all) }
    }

    fn issue(&self) -> Result<Kind, Fault> {
        let Self { table, name } = self;
        self.knows(&["repository", "token", "api_url", "url", "issue_number", "upsert", "labels", "assignees"])?;
        let repository = self.needed(&["repository"])?;
        let parts = repository.split('/').filter(|part| !part.is_empty()).count();
        if parts != 2 || repository.contains([' ', '?', '#', '%']) {
            return Err(table.fault(&repository, format!("the repository of `{name}` is written OWNER/NAME")));
        }
        let api = match table.text("api_url")?.or(table.text("url")?) {
            Some(_) => self.url(&["api_url", "url"])?,
            None => "https://api.github.com".to_owned(),
        };
        let (number, upsert) = (table.number("issue_number")?, table.flag("upsert")?.unwrap_or_default());
        if upsert && number.is_some() {
            let why = format!("`{name}` has an issue_number, and upsert looks for one; write one of them");
            return Err(table.fault("upsert", why));
        }
        Ok(Kind::Issue {
            api: api.trim_end_matches('/').to_owned(),
            repository,
            token: self.needed(&["token"])?,
            number,
            upsert,
            labels: table.texts("labels")?,
            assignees: table.texts("assignees")?,
        })
    }

    fn email(&self) -> Result<Kind, Fault> {
        let Self { table, name } = self;
        self.knows(&[
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
            Tls::Upgraded => 587,
            Tls::None => 25,
        };
        let port = table.number("smtp_port")?.or(table.number("port")?).unwrap_or(usual);
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        let user = table.text("smtp_username")?.or(table.text("username")?);
        let password = table.text("smtp_password")?.or(table.text("password")?);
        Ok(Kind::Email {
            host: self.needed(&["smtp_host", "host"])?,
            port: port.ok_or_else(|| table.fault("port", format!("the port of `{name}` is none")))?,
            tls,
            login: match (user, password) {
                (Some(user), Some(password)) => Some((user, password)),
                (None, None) => None,
                _ => return Err(table.fault(name, format!("`{name}` needs both username and password, or neither"))),
            },
            sender: self.needed(&["sender", "from"])?,
            recipients: self.recipients()?,
        })
    }
}
