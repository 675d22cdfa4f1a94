//! Notifications: who hears of what, by which channel, and how often.
//!
//! [`policy`] is what people write, [`router`] decides by a clock that it is given, [`message`] says it in the form of
//! each channel. Nothing here sends anything.

pub(crate) mod live;
pub(crate) mod message;
pub(crate) mod policy;
pub(crate) mod report;
pub(crate) mod router;
mod table;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What test events of the delivery are about.
pub(crate) const TEST: &str = "drill.delivery";

/// How much an event matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// Good to know.
    #[default]
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody must look now.
    Critical,
}

impl Severity {
    /// Reads a severity as people and other tools write it.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "info" | "information" | "informational" => Self::Info,
            "warning" | "warn" => Self::Warning,
            "critical" | "crit" => Self::Critical,
            _ => return None,
        })
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something that people may want to hear of.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    /// When, in seconds of the clock of the router.
    pub at: f64,
    /// What it is about, with dots between its parts.
    pub category: String,
    pub severity: Severity,
    pub message: String,
    /// When it happened, as it is told.
    pub occurred_at: String,
    pub tags: Vec<String>,
    /// Figures and details.
    pub context: Map<String, Value>,
    /// What is equal; by default what it is about and its message.
    pub fingerprint: String,
}

impl Event {
    /// Reads an event of a file.
    ///
    /// # Errors
    /// Says what is missing, or cannot be meant.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        let object = value.as_object().ok_or("an event is an object of JSON")?;
        let text = |key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
        let needed =
            |key: &str| text(key).filter(|text| !text.trim().is_empty()).ok_or(format!("an event needs a {key}"));
        let category = needed("category")?;
        let message = needed("message")?;
        let word = needed("severity")?;
        let severity = Severity::parse(&word)
            .ok_or_else(|| format!("the severity `{word}` is none; write info, warning or critical"))?;
        let at = match object.get("at") {
            None => 0.0,
            Some(at) => at.as_f64().filter(|at| at.is_finite()).ok_or("`at` is no number of seconds")?,
        };
        let tags = match object.get("tags") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(tags)) => {
                tags.iter().map(|tag| tag.as_str().map_or(tag.to_string(), str::to_owned)).collect()
            }
            Some(_) => return Err("`tags` is no list".to_owned()),
        };
        let fingerprint = text("fingerprint").unwrap_or_else(|| format!("{category}: {message}"));
        Ok(Self {
            at,
            severity,
            occurred_at: text("occurred_at").unwrap_or_default(),
            tags,
            context: object.get("context").and_then(Value::as_object).cloned().unwrap_or_default(),
            category,
            message,
            fingerprint,
        })
    }

    /// The run that it is about, where it says so.
    pub(crate) fn run(&self) -> Option<&str> {
        self.context.get("run").and_then(Value::as_str)
    }
}

#[cfg(test)]
mod tests;
