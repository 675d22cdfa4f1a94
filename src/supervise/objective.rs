//! What a rehearsal was for, as the operator states it.

use serde::{Deserialize, Serialize};

use crate::finding::Status;
use crate::prose;

/// What the rehearsal was for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// Whether it was reached.
    pub status: Status,
    /// A remark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Objective {
    /// Reads `NAME=STATUS[:NOTE]`.
    ///
    /// # Errors
    /// There is no name or status, or the status is no word of any vocabulary.
    pub fn parse(text: &str) -> Result<Self, String> {
        const HINT: &str = "write NAME=STATUS or NAME=STATUS:NOTE, with the status pass, warn or fail";
        let (name, rest) = text.split_once('=').ok_or(HINT)?;
        let (status, note) = rest.split_once(':').unwrap_or((rest, ""));
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err(format!("the objective has no name; {HINT}"));
        }
        let status = Status::from_word(status).ok_or_else(|| format!("`{}` is not a status; {HINT}", status.trim()))?;
        let note = Some(note.trim().to_owned()).filter(|n| !n.is_empty());
        Ok(Self { name, status, note })
    }

    /// What a remark of the operator says of the whole, where it refuses or consents only under a condition.
    pub(crate) fn of_remark(remark: &str) -> Option<Self> {
        let objective = || Self { name: "consent".to_owned(), status: Status::Warn, note: Some(remark.to_owned()) };
        prose::refuses(remark).then(objective)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objectives_are_read_and_unknown_words_refused() {
        let good = Objective::parse(" order  flow =go: all fills seen ").unwrap();
        assert_eq!(
            (good.name.as_str(), good.status, good.note.as_deref()),
            ("order flow", Status::Pass, Some("all fills seen"))
        );
        for bad in ["x", "=pass", "x=purple", "x="] {
            assert!(Objective::parse(bad).is_err(), "{bad}");
        }
    }
}
