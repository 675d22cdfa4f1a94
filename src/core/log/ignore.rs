//! Texts that a policy does not hold against a log.
//!
//! What may be ignored is narrow. A record below the error levels is ignored where its message contains the text, unless
//! it shows a crash by more than words of prose (a stack trace, a panic of a runtime, a field that is named after
//! exceptions). One at an error level is ignored only where the text is its whole message. A record without a usable time
//! never is, and what is ignored is counted.

use super::excuse::{self, Window};
use super::record::Record;
use crate::crash::classify::Kind;
use crate::finding::Status;

/// A text shorter than this, in characters, is met in too many messages by chance.
const SHORTEST: usize = 4;

/// Checks a text that somebody wants to ignore.
///
/// # Errors
/// It is too short, or has blanks at its ends, with which it would hardly match.
pub fn check(text: &str) -> Result<(), String> {
    match text {
        text if text.trim() != text => Err("this starts or ends with blanks; leave them out".to_owned()),
        text if text.chars().count() < SHORTEST => Err(format!(
            "this is too short to ignore records by; write at least {SHORTEST} characters of their message"
        )),
        _ => Ok(()),
    }
}

/// The texts to ignore, in the order in which they are tried; and what drills excuse.
#[derive(Clone, Debug, Default)]
pub struct Ignore {
    texts: Vec<String>,
    drills: Vec<Window>,
}

impl Ignore {
    /// These texts, without those that [`check`] refuses: they may come from a run record.
    pub fn new(texts: &[String]) -> Self {
        let texts = texts.iter().filter(|text| check(text).is_ok()).cloned().collect();
        Self { texts, drills: Vec::new() }
    }

    /// The same, with what drills excuse.
    pub fn and_drills(self, drills: &[Window]) -> Self {
        Self { drills: drills.to_vec(), ..self }
    }

    /// The drill that excuses a record which is a warning or worse, or shows a crash.
    pub(crate) fn drill_of(&self, record: &Record<'_>, crash: Option<Kind>) -> Option<&str> {
        match self.drills.is_empty() {
            true => None,
            false => excuse::of_record(&self.drills, record, crash.is_some()),
        }
    }

    /// The text for which a record of this severity, which may show a crash, is ignored.
    pub(crate) fn text_for(&self, record: &Record<'_>, severity: Status, crash: Option<Kind>) -> Option<&str> {
        if self.texts.is_empty() {
            return None;
        }
        let message = record.message()?;
        let named = |text: &&String| match severity {
            Status::Fail => message.trim() == text.as_str(),
            _ => message.contains(text.as_str()),
        };
        let text = self.texts.iter().find(named)?;
        (crash.is_none() || record.is_doubtful_crash()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use crate::log::parse;

    #[test]
    fn only_what_is_below_an_error_or_named_in_full_is_ignored() {
        let ignore =
            Ignore::new(&["connection reset".to_owned(), "cannot reach the mirror".to_owned(), "abc".to_owned()]);
        for (level, message, ignored) in [
            ("warning", "connection reset by peer", true),
            ("warning", "Connection reset by peer", false),
            ("error", "connection reset by peer", false),
            ("critical", "connection reset by peer", false),
            ("error", " cannot reach the mirror ", true),
            ("error", "cannot reach the mirror 2", false),
            ("info", "exception: connection reset", true),
            ("info", "thread 'main' panicked at src/main.rs:4:5: connection reset", false),
            ("info", "connection reset\n\tat a.B.c(D.java:1)", false),
            ("warning", "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1: connection reset", false),
            ("warning", "abc", false),
        ] {
            let line = serde_json::json!({"timestamp": "2025-01-06T00:00:00Z", "level": level, "message": message});
            let line = line.to_string();
            let record = parse::parse(line.as_bytes()).expect("a record");
            let severity = record.level().map_or(Status::Pass, Level::status);
            let found = ignore.text_for(&record, severity, record.crash());
            assert_eq!(found.is_some(), ignored, "{level} {message}");
        }
        let named = r#"{"timestamp":"2025-01-06T00:00:00Z","message":"connection reset","exception":"TimeoutError"}"#;
        let record = parse::parse(named.as_bytes()).expect("a record");
        assert_eq!(ignore.text_for(&record, Status::Pass, record.crash()), None);
    }
}
