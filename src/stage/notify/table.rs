//! The tables of a policy of notifications: keys, values and what is wrong with them, each at its place.

use serde_json::{Map, Value};

use super::Severity;
use crate::time::parse_duration;

/// How mail is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// From the `STARTTLS` command on.
    Upgraded,
    /// From the first byte on.
    Implicit,
    /// Not at all.
    None,
}

/// What cannot be meant, and where it is.
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

/// An object of the policy with its place.
pub(super) struct Table {
    at: String,
    pub(super) object: Map<String, Value>,
}

impl Table {
    pub(super) fn of(value: &Value, at: &str) -> Result<Self, Fault> {
        match value.as_object() {
            Some(object) => Ok(Self { at: at.to_owned(), object: object.clone() }),
            None => Err(Fault { at: at.to_owned(), word: String::new(), why: "this is no table".to_owned() }),
        }
    }

    pub(super) fn fault(&self, word: &str, why: String) -> Fault {
        Fault { at: self.at.clone(), word: word.to_owned(), why }
    }

    /// A key that is there; null counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn knows(&self, keys: &[&str]) -> Result<(), Fault> {
        let unknown = self.object.keys().find(|key| !keys.contains(&key.as_str()));
        unknown.map_or(Ok(()), |key| {
            let near =
                keys.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key)).copied().unwrap_or_default();
            Err(self.fault(key, format!("`{key}` is not known here; did you mean `{near}`?")))
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.fault(key, format!("{key} is no text"))),
        }
    }

    /// A list of texts, or a text with `,` or `;` between its members.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
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

    pub(super) fn list(&self, key: &str) -> Result<Vec<Value>, Fault> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list.clone()),
            Some(_) => Err(self.fault(key, format!("{key} is no list"))),
        }
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.fault(key, format!("{key} is true or false"))),
        }
    }

    /// A length of time in seconds: a number, or a text with its unit.
    pub(super) fn seconds(&self, key: &str) -> Result<Option<f64>, Fault> {
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
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Fault> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().trim_start_matches('#').parse().ok(),
            other => other.as_u64(),
        };
        number.map(Some).ok_or_else(|| self.fault(key, format!("{key} is no whole number")))
    }

    pub(super) fn severity(&self, key: &str) -> Result<Option<Severity>, Fault> {
        let Some(word) = self.text(key)? else { return Ok(None) };
        let why = format!("`{word}` is no severity; write info, warning or critical");
        Severity::parse(&word).map(Some).ok_or_else(|| self.fault(&word, why))
    }

    pub(super) fn channels(&self, key: &str, names: &[String]) -> Result<Vec<usize>, Fault> {
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

    pub(super) fn headers(&self) -> Result<Vec<(String, String)>, Fault> {
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

    pub(super) fn tls(&self) -> Result<Tls, Fault> {
        let key = if self.get("tls").is_some() { "tls" } else { "smtp_tls" };
        Ok(match self.get(key) {
            None | Some(Value::Bool(true)) => Tls::Upgraded,
            Some(Value::Bool(false)) => Tls::None,
            Some(Value::String(word)) => match word.trim().to_ascii_lowercase().as_str() {
                "starttls" => Tls::Upgraded,
                "implicit" => Tls::Implicit,
                "none" => Tls::None,
                _ => return Err(self.fault(key, format!("`{word}`: write starttls, implicit or none"))),
            },
            Some(_) => return Err(self.fault(key, "write starttls, implicit or none".to_owned())),
        })
    }

    pub(super) fn template(&self, key: &str) -> Result<Option<String>, Fault> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        match super::message::unknown_field(&text) {
            Some(unknown) => Err(self.fault(&unknown, format!("{key}: `{{{unknown}}}` is no field"))),
            None => Ok(Some(text)),
        }
    }

    /// Puts in what `KEY_env` and `KEY_file` name; secrets that are in the file are remarked.
    pub(super) fn secrets(&mut self, name: &str, lookup: Lookup<'_>, remarks: &mut Vec<String>) -> Result<(), Fault> {
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
