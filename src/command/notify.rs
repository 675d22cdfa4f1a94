//! The policy of notifications as people write it.

use std::path::Path;

use serde_json::Value;

use super::Error;
use crate::io::files;
use crate::json::lenient;
use crate::stage::notify::policy::{self, Fault, Policy, Secret};
use crate::verdict::policy::Text;

/// Reads a policy of notifications: TOML with `[notify]`, which may hold other tables too, or JSON.
///
/// # Errors
/// It cannot be read or meant, or a secret that it names is not there.
pub(crate) fn read_policy(path: &Path) -> Result<Policy, Error> {
    let shown = path.display().to_string();
    let bytes = files::read(path)?;
    let text = lenient::text(&bytes);
    let text = Text::new(&shown, &text);
    let is_json = text.text.trim_start().starts_with('{');
    let document: Value = match is_json {
        true => serde_json::from_str(text.text)
            .map_err(|error| Error::Usage(format!("{shown}: it is not JSON: {error}")))?,
        false => toml::from_str(text.text).map_err(|error| Error::Usage(text.error(&error)))?,
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let lookup = |secret: Secret<'_>| match secret {
        Secret::Env(name) => match std::env::var(name) {
            Ok(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
            _ => Err(format!("the variable {name} is not set")),
        },
        Secret::File(name) => match files::read(&folder.join(name)) {
            Ok(value) if !value.trim_ascii().is_empty() => Ok(lenient::text(&value).trim().to_owned()),
            Ok(_) => Err(format!("{name} is empty")),
            Err(error) => Err(error.to_string()),
        },
    };
    policy::read(&document, &lookup).map_err(|fault| Error::Usage(told(text, &fault)))
}

/// A fault of the policy at its place: where its word stands last, since it is the later of two that is one too many.
fn told(text: Text<'_>, fault: &Fault) -> String {
    let place = if fault.at.is_empty() { String::new() } else { format!(" ({})", fault.at) };
    match text.text.rfind(&fault.word).filter(|_| !fault.word.is_empty()) {
        Some(at) => text.at(at..at + fault.word.len(), &format!("{}{place}", fault.why)),
        None => format!("{}: {}{place}", text.source, fault.why),
    }
}
