//! The policy of notifications as people write it.

use std::path::Path;
use std::process::Command;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::Error;
use crate::io::files;
use crate::io::notify::{self, Issues};
use crate::json::{lenient, strict};
use crate::stage::notify::policy::{self, Fault, Policy, Secret};
use crate::stage::notify::report::{Outcome, Receipt};
use crate::stage::notify::{Event, message};
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
        true => strict::parse(text.text.as_bytes())
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

/// A fault of the policy at its place: where its word is last, since it is the later of two that is one too many.
fn told(text: Text<'_>, fault: &Fault) -> String {
    let place = if fault.at.is_empty() { String::new() } else { format!(" ({})", fault.at) };
    match text.text.rfind(&fault.word).filter(|_| !fault.word.is_empty()) {
        Some(at) => text.at(at..at + fault.word.len(), &format!("{}{place}", fault.why)),
        None => format!("{}: {}{place}", text.source, fault.why),
    }
}

/// The receipts of what was sent outside of a live run: by a rehearsal, or of the verdict.
pub(crate) const RECEIPTS: &str = "delivery_receipt.json";

/// Brings events to channels.
pub(crate) struct Courier<'p> {
    pub(crate) policy: &'p Policy,
    /// Whether anything is sent.
    pub(crate) sends: bool,
    pub(crate) issues: Issues,
}

impl Courier<'_> {
    /// To all of these channels at once, each by a rule and after so many that were held back: none waits for another.
    pub(crate) fn every(&self, event: &Event, to: Vec<(usize, usize, u64)>) -> Vec<(usize, usize, Receipt)> {
        std::thread::scope(|scope| {
            let all: Vec<_> = to
                .into_iter()
                .map(|(channel, rule, held_back)| {
                    (channel, rule, scope.spawn(move || self.sent(event, channel, Some(rule), held_back)))
                })
                .collect();
            let join = |(channel, rule, thread): (usize, usize, ScopedJoinHandle<'_, Receipt>)| {
                let lost = |_| Receipt {
                    error: Some("it broke off".to_owned()),
                    ..Receipt::of(self.policy, event, Some((channel, Some(rule))), Outcome::Failed)
                };
                (channel, rule, thread.join().unwrap_or_else(lost))
            };
            all.into_iter().map(join).collect()
        })
    }

    /// To one channel.
    pub(crate) fn sent(&self, event: &Event, channel: usize, rule: Option<usize>, held_back: u64) -> Receipt {
        let receipt = |outcome| Receipt::of(self.policy, event, Some((channel, rule)), outcome);
        if !self.sends {
            return receipt(Outcome::Planned);
        }
        let to = &self.policy.channels[channel];
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let drill = event.context.contains_key("drill");
        let limits = (seconds(to.timeout), seconds(self.policy.deadline));
        let message = message::of(to, event, held_back, drill);
        let sent = notify::send(&message, limits, &Command::spawn, &self.issues);
        let outcome = if sent.error.is_none() { Outcome::Delivered } else { Outcome::Failed };
        Receipt {
            attempt: sent.attempts,
            http_status: sent.http_status,
            duration_ms: u64::try_from(sent.duration.as_millis()).unwrap_or(u64::MAX),
            error: sent.error,
            ..receipt(outcome)
        }
    }
}
