//! Where the issues of a document are kept while it is read.

use serde_json::Value;

use super::rules::Rules;
use super::values::{Figure, Object, at, figure, quoted};
use crate::finding::Status;
use crate::log::summary::readiness::Issue;
use crate::sanitize::shorten;
use crate::time::Stamp;

/// The longest message of an issue, in characters.
const MESSAGE: usize = 300;

/// Collects what is wrong with one document.
#[derive(Debug)]
pub(super) struct Reader<'r> {
    pub rules: &'r Rules,
    /// The present, by which ages are judged.
    pub now: Stamp,
    pub issues: Vec<Issue>,
    /// How many checks, figures or events the verdict rests on.
    pub samples: u64,
    /// Whether a WARN of this category holds up the release.
    pub blocking: Vec<String>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(rules: &'r Rules, now: Stamp) -> Self {
        Self { rules, now, issues: Vec::new(), samples: 0, blocking: Vec::new() }
    }

    pub(super) fn add(&mut self, severity: Status, category: &str, pointer: &str, message: &str) -> &mut Issue {
        self.issues.push(Issue {
            category: category.to_owned(),
            severity,
            message: shorten(message, MESSAGE),
            detail: pointer.to_owned(),
            ..Issue::default()
        });
        self.issues.last_mut().expect("it was just added")
    }

    pub(super) fn fail(&mut self, category: &str, pointer: &str, message: &str) {
        self.add(Status::Fail, category, pointer, message);
    }

    pub(super) fn warn(&mut self, category: &str, pointer: &str, message: &str) {
        self.add(Status::Warn, category, pointer, message);
    }

    /// Evidence that contradicts itself, or is impossible.
    pub(super) fn contradiction(&mut self, pointer: &str, message: &str) {
        self.add(Status::Fail, "contradiction", pointer, message).code = Some("contradiction".to_owned());
    }

    /// A FAIL for a word that nobody has defined.
    pub(super) fn not_understood(&mut self, pointer: &str, message: &str) {
        self.add(Status::Fail, "not_understood", pointer, message).code = Some("not_understood".to_owned());
    }

    /// The highest severity of what was found so far.
    pub(super) fn status(&self) -> Status {
        Status::roll_up(self.issues.iter().map(|issue| issue.severity))
    }

    /// The verdict that a value states: a truth value or a word. `None` for a number, for nothing, and for a word that
    /// nobody has defined.
    pub(super) fn word(&self, value: &Value) -> Option<Status> {
        match value {
            Value::Bool(true) => Some(Status::Pass),
            Value::Bool(false) => Some(Status::Fail),
            Value::String(text) => Status::of_state(text).or_else(|| self.rules.accepts(text).then_some(Status::Pass)),
            _ => None,
        }
    }

    /// The worst verdict that one of `keys` states; none if there is none of them. What is not understood is found.
    pub(super) fn stated(&mut self, object: &Object, keys: &[&str], pointer: &str) -> Option<Status> {
        let mut worst = None;
        for key in keys {
            let Some(value) = object.get(*key) else { continue };
            let pointer = at(pointer, key);
            match self.word(value) {
                Some(status) => worst = worst.max(Some(status)),
                None => {
                    let text = format!("{key} says {}, which is no verdict that anybody knows", quoted(value));
                    self.not_understood(&pointer, &text);
                    worst = Some(Status::Fail);
                }
            }
        }
        worst
    }

    /// A figure that must be real and not negative; one that is not is found, and none.
    pub(super) fn figure(&mut self, value: Option<&Value>, what: &str, pointer: &str) -> Option<f64> {
        match figure(value) {
            Figure::Real(number) if number >= 0.0 => Some(number),
            Figure::Real(number) => {
                self.contradiction(pointer, &format!("{what} is negative: {number}"));
                None
            }
            Figure::Unreal(text) => {
                self.contradiction(pointer, &format!("{what} is no real number: {text}"));
                None
            }
            Figure::Absent => None,
        }
    }

    /// A whole number, as [`Self::figure`].
    pub(super) fn count(&mut self, value: Option<&Value>, what: &str, pointer: &str) -> Option<u64> {
        let number = self.figure(value, what, pointer)?;
        if number.fract() != 0.0 || number > 1e15 {
            self.contradiction(pointer, &format!("{what} is no count: {number}"));
            return None;
        }
        Some(number as u64)
    }
}
