//! The keys of a table, each taken by its kind; what nobody takes is unknown.

use std::ops::Range;
use std::time::Duration;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::command::{positive_duration, ratio, size};
use crate::time::parse_duration;
use crate::verdict::policy::{Text, expected, nearest};

/// A table of a file.
pub(in crate::command) struct Keys<'t> {
    pub(in crate::command) text: Text<'t>,
    /// What the table is called in messages: `[[workload]]`.
    called: &'static str,
    table: DeTable<'t>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

/// A value with its place.
pub(in crate::command) type Placed<'t> = Spanned<DeValue<'t>>;

impl<'t> Keys<'t> {
    /// The keys of a value that must be a table.
    pub(in crate::command) fn of(text: Text<'t>, called: &'static str, value: Placed<'t>) -> Result<Self, String> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Ok(Self { text, called, table, span, known: Vec::new() }),
            _ => Err(text.at(span, &format!("write a table {called}"))),
        }
    }

    /// Where the table is.
    pub(in crate::command) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// A message at its place.
    pub(in crate::command) fn wrong(&self, span: Range<usize>, message: &str) -> String {
        self.text.at(span, message)
    }

    /// Takes a value as it is.
    pub(in crate::command) fn take(&mut self, name: &'static str) -> Option<Placed<'t>> {
        self.known.push(name);
        self.table.remove(name)
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&DeValue<'t>) -> Result<T, String>,
    ) -> Result<Option<T>, String> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(value.get_ref()).map(Some).map_err(|why| self.wrong(value.span(), &format!("{name}: {why}")))
    }

    pub(in crate::command) fn string(&mut self, name: &'static str) -> Result<Option<String>, String> {
        self.read(name, string)
    }

    pub(in crate::command) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        self.read(name, |value| match value {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err("write true or false".to_owned()),
        })
    }

    pub(in crate::command) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, String> {
        self.read(name, |value| parse_duration(&string(value).map_err(|_| "write a duration such as \"30s\"")?))
    }

    pub(in crate::command) fn positive(&mut self, name: &'static str) -> Result<Option<Duration>, String> {
        self.read(name, |value| positive_duration(&string(value).map_err(|_| "write a duration such as \"30s\"")?))
    }

    pub(in crate::command) fn number(&mut self, name: &'static str, least: u64) -> Result<Option<u64>, String> {
        self.read(name, |value| match whole(value) {
            Some(number) if number >= least => Ok(number),
            _ => Err(format!("write a whole number from {least}")),
        })
    }

    pub(in crate::command) fn size(&mut self, name: &'static str) -> Result<Option<u64>, String> {
        self.read(name, |value| size(&string(value).map_err(|_| "write a size such as \"512MiB\"")?))
    }

    pub(in crate::command) fn ratio(&mut self, name: &'static str) -> Result<Option<f64>, String> {
        self.read(name, |value| ratio(&plain(value).ok_or("write a ratio such as 0.98 or \"98%\"")?))
    }

    /// A percentage above zero.
    pub(in crate::command) fn percent(&mut self, name: &'static str) -> Result<Option<f64>, String> {
        self.read(name, |value| {
            let text = plain(value).unwrap_or_default();
            match text.trim().trim_end_matches('%').parse::<f64>() {
                Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
                _ => Err("write a percentage above zero, such as 150".to_owned()),
            }
        })
    }

    /// One of several words.
    pub(in crate::command) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, String> {
        self.read(name, |value| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let given = string(value).map_err(|_| format!("write one of {}", names.join(", ")))?;
            let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
            found.ok_or_else(|| format!("unknown word `{given}`{}", expected(&given, &names)))
        })
    }

    /// The words of a command: argv, no shell.
    pub(in crate::command) fn command(&mut self, name: &'static str) -> Result<Option<Vec<String>>, String> {
        self.read(name, |value| match value {
            DeValue::String(line) => {
                let words: Vec<String> = line.split_whitespace().map(|word| format!("{word:?}")).collect();
                Err(format!("this is a text, which no shell reads; write a list: [{}]", words.join(", ")))
            }
            value => match strings(value)? {
                words if words.first().is_none_or(String::is_empty) => {
                    Err("there is no program; write a list such as [\"bin/app\", \"--port\", \"80\"]".to_owned())
                }
                words if words.iter().any(|word| word.contains('\0')) => Err("a word holds a NUL".to_owned()),
                words => Ok(words),
            },
        })
    }

    pub(in crate::command) fn strings(&mut self, name: &'static str) -> Result<Option<Vec<String>>, String> {
        self.read(name, strings)
    }

    /// A table of texts.
    pub(in crate::command) fn pairs(&mut self, name: &'static str) -> Result<Option<Vec<(String, String)>>, String> {
        self.read(name, |value| match value {
            DeValue::Table(table) => {
                let pair = |(key, value): (&Spanned<_>, &Placed<'_>)| {
                    let key: &std::borrow::Cow<'_, str> = key.get_ref();
                    Some((key.to_string(), plain(value.get_ref())?))
                };
                table.iter().map(pair).collect::<Option<_>>().ok_or_else(|| "write a table of texts".to_owned())
            }
            _ => Err("write a table of texts".to_owned()),
        })
    }

    /// What to say of a key that is there and may be meant for `name`, which is not.
    pub(in crate::command) fn misspelt(&self, name: &'static str) -> Option<String> {
        let near = |key: &&Spanned<DeString<'_>>| nearest(key.get_ref(), &[name]).is_some();
        let key = self.table.keys().find(near)?;
        let message = format!("unknown key `{}` in {}; did you mean `{name}`?", key.get_ref(), self.called);
        Some(self.text.at(key.span(), &message))
    }

    /// Refuses what nobody has taken.
    pub(in crate::command) fn finish(self) -> Result<(), String> {
        let Some((key, _)) = self.table.iter().next() else { return Ok(()) };
        let word = key.get_ref().to_string();
        let message = format!("unknown key `{word}` in {}{}", self.called, expected(&word, &self.known));
        Err(self.text.at(key.span(), &message))
    }
}

fn string(value: &DeValue<'_>) -> Result<String, String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        _ => Err("write a text".to_owned()),
    }
}

fn strings(value: &DeValue<'_>) -> Result<Vec<String>, String> {
    match value {
        DeValue::Array(items) => items.iter().map(|item| string(item.get_ref())).collect(),
        _ => Err("write a list of texts".to_owned()),
    }
    .map_err(|_: String| "write a list of texts".to_owned())
}

/// A text or number as it would be typed.
pub(in crate::command) fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A whole number from 0.
fn whole(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// A value as JSON has it.
pub(in crate::command) fn json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => text.to_string().into(),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| number.to_string().into(), Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect()
        }
    }
}
