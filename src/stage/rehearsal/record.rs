//! One record of a file of a rehearsal, with readers of its members.

use serde_json::{Map, Value};

use super::Labels;
use crate::time::Stamp;

/// One record, whatever the file's form.
pub(super) struct Record(pub(super) Map<String, Value>);

impl Record {
    /// A text or a number as text; none if it is missing, null or blank.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, String> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("`{key}` is no text")),
        }
    }

    pub(super) fn need(&self, key: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    /// A time: ISO 8601 text, or a number of seconds, milliseconds or less since the Unix epoch.
    pub(super) fn time(&self, key: &str) -> Result<Option<Stamp>, String> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        // Shorter numbers are days and years.
        let since_epoch = Some(&text).filter(|text| text.len() > 8).and_then(|text| Stamp::from_epoch(text.as_bytes()));
        let at = since_epoch.or_else(|| super::super::observation::parse_time(&text));
        at.map(Some).ok_or_else(|| format!("`{key}` is no time: {text:?}"))
    }

    pub(super) fn need_time(&self, key: &str) -> Result<Stamp, String> {
        self.time(key)?.ok_or_else(|| format!("`{key}` is missing"))
    }

    /// An object, or text such as `service=api;region=eu`.
    pub(super) fn labels(&self) -> Result<Labels, String> {
        let mut labels = Labels::new();
        match self.0.get("labels") {
            None | Some(Value::Null) => {}
            Some(Value::Object(fields)) => {
                for (name, value) in fields {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    labels.insert(name.clone(), value);
                }
            }
            Some(Value::String(text)) => {
                for pair in text.split([';', ',']).map(str::trim).filter(|pair| !pair.is_empty()) {
                    let (name, value) = pair
                        .split_once('=')
                        .ok_or_else(|| format!("`labels` is not written as name=value: {pair:?}"))?;
                    labels.insert(name.trim().to_owned(), value.trim().to_owned());
                }
            }
            Some(_) => return Err("`labels` is no object".to_owned()),
        }
        Ok(labels)
    }
}
