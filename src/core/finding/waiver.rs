//! A waiver: somebody accepts, for a while and by name, that a gate or a finding fails.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Status, Waived};

/// Gates that nobody can waive: without them nothing shows that the rest is true.
const NEVER: [&str; 4] = ["checksums", "signature", "record", "approvals"];

/// What is waived. Keys are documented in `runbooks/formats.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The gate, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// The finding, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, UTC: `2026-12-31`.
    #[serde(serialize_with = "write_day", deserialize_with = "read_day")]
    pub expires: NaiveDate,
}

fn write_day<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(day)
}

/// A date of TOML, or one in quotes.
fn read_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_err(|_| de::Error::custom("write the last day as a date, such as 2026-12-31"))
}

impl Waiver {
    /// What it is for, in words.
    pub fn target(&self) -> String {
        match (&self.gate, &self.finding) {
            (Some(gate), _) => format!("the gate {gate}"),
            (None, Some(id)) => format!("the finding {id}"),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// What a gate or finding of status `from` shows of it.
    pub fn waived(&self, from: Status) -> Waived {
        Waived { from, owner: self.owner.clone(), reason: self.reason.clone(), expires: self.expires.to_string() }
    }

    /// Whether it is whole: for one thing, with an owner and a reason, and for nothing that cannot be waived.
    ///
    /// # Errors
    /// Says what is wrong and how it is written.
    pub fn check(&self) -> Result<(), String> {
        match (&self.gate, &self.finding) {
            (Some(gate), None) if NEVER.contains(&gate.as_str()) => {
                return Err(format!("the gate {gate} can never be waived: it shows that the evidence is what it was"));
            }
            (Some(_), None) => {}
            (None, Some(id)) if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {}
            (None, Some(_)) => return Err("`finding` is the id of a finding: 12 hexadecimal digits".to_owned()),
            _ => return Err("a waiver is for one `gate` or one `finding`; write a table for each".to_owned()),
        }
        for (key, value) in [("owner", &self.owner), ("reason", &self.reason)] {
            if value.trim().is_empty() {
                return Err(format!("a waiver needs its `{key}` in words"));
            }
        }
        Ok(())
    }
}
