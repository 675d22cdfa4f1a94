//! What a policy asks of components: the tables `readiness`, `validation`, `incident`, `drift` and `budgets`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::document;
use super::kinds::{budgets, incident};
use super::values::{rate, same_name};
use crate::finding::Status;
use crate::time::parse_duration;

/// The key for the names of the runbooks that were there, in the record of a run.
const RUNBOOKS: &str = "available_runbooks_at_start";

/// The tables of a policy that are about components; none if it does not have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Which components there must be, how old they may be, and what a WARN is.
    pub readiness: Option<Readiness>,
    /// Limits of validation reports.
    pub validation: Option<Validation>,
    /// Limits of incident response and of timelines.
    pub incident: Option<Incident>,
    /// Which series of drift there must be.
    pub drift: Option<Drift>,
    /// Limits of figures by their JSON pointer, and of session reports by name.
    pub budgets: Option<Budgets>,
    /// The tables as they are written, for the record of a run; null where nobody wrote any.
    pub tables: Value,
}

/// `[readiness]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawReadiness {
    required: Vec<String>,
    optional: Vec<String>,
    warn_blocks: Vec<String>,
    fail_on_warn: bool,
    max_warn: Option<u64>,
    #[serde(deserialize_with = "age")]
    max_age_warn: Option<Age>,
    #[serde(deserialize_with = "age")]
    max_age_fail: Option<Age>,
    accept_status: Vec<String>,
    components: BTreeMap<String, Ages>,
}

/// `[readiness]`, checked.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "RawReadiness")]
pub struct Readiness {
    /// Components that must be there.
    pub required: Vec<String>,
    /// Components whose FAIL is a WARN.
    pub optional: Vec<String>,
    /// Components whose WARN is a FAIL.
    pub warn_blocks: Vec<String>,
    /// Whether every WARN is a FAIL.
    pub fail_on_warn: bool,
    /// More components in WARN are a FAIL.
    pub max_warn: Option<u64>,
    /// How old a component may be.
    pub ages: Ages,
    /// Words that are a pass beside those known.
    pub accept_status: Vec<String>,
    /// How old some of them may be.
    pub components: BTreeMap<String, Ages>,
}

/// How old a component may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "RawAges")]
pub struct Ages {
    /// An older one is a WARN.
    pub warn: Option<Age>,
    /// An older one is a FAIL.
    pub fail: Option<Age>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawAges {
    #[serde(deserialize_with = "age")]
    max_age_warn: Option<Age>,
    #[serde(deserialize_with = "age")]
    max_age_fail: Option<Age>,
}

/// A limit of age.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Age {
    /// `"none"`: the age is not judged.
    Any,
    /// In seconds.
    Seconds(f64),
}

/// `[validation]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// A lower share of passed checks is a FAIL where a check failed, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub min_success_rate: Option<f64>,
    /// Checks that must be there and pass.
    pub required_checks: Vec<String>,
    /// Earlier reports.
    pub history: Vec<PathBuf>,
}

/// `[incident]`: limits by their name, without `INCIDENT_` and in lower case.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<String, toml::Value>")]
pub struct Incident {
    /// The limits as they are written.
    pub limits: BTreeMap<String, Value>,
    /// The runbooks that are there; none if nobody says in which folder they are.
    pub runbooks: Option<Vec<String>>,
    /// The categories of issues whose WARN holds up the release.
    pub warn_block_categories: Option<Vec<String>>,
}

/// `[drift]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// Series that must be there.
    pub expected: Vec<String>,
}

/// `[budgets]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "BTreeMap<String, toml::Value>")]
pub struct Budgets {
    /// What each figure must be, by its JSON pointer or its name.
    pub limits: BTreeMap<String, Value>,
}

impl Incident {
    /// The folder of the runbooks, where the policy names one.
    pub fn runbook_dir(&self) -> Option<&str> {
        self.limits.get("runbook_dir")?.as_str()
    }
}

impl Rules {
    /// The rules of a run, as its record holds them. Its `runbooks` are those that were there when it started.
    pub(crate) fn of_record(tables: &Value) -> Option<Self> {
        fn table<T: de::DeserializeOwned>(tables: &Value, name: &str) -> Option<T> {
            serde_json::from_value(tables.get(name)?.clone()).ok()
        }
        let mut tables = tables.clone();
        let taken = |tables: &mut Value, key: &str| tables.get_mut("incident")?.as_object_mut()?.remove(key);
        let runbooks = taken(&mut tables, RUNBOOKS).and_then(|names| serde_json::from_value(names).ok());
        let incident = table::<Incident>(&tables, "incident").map(|incident| Incident { runbooks, ..incident });
        let rules = Self {
            readiness: table(&tables, "readiness"),
            validation: table(&tables, "validation"),
            incident,
            drift: table(&tables, "drift"),
            budgets: table(&tables, "budgets"),
            tables: Value::Null,
        };
        rules.any().then_some(rules)
    }

    /// The tables for the record of a run. What is elsewhere is put into it: the names of the `runbooks` that are there;
    /// earlier reports are copied.
    pub(crate) fn for_record(&self, runbooks: impl FnOnce(&str) -> Vec<String>) -> Value {
        let mut tables = self.tables.clone();
        if let Some(validation) = tables.get_mut("validation").and_then(Value::as_object_mut) {
            validation.remove("history");
        }
        if let Some(incident) = tables.get_mut("incident").and_then(Value::as_object_mut) {
            incident.remove("runbook_dir");
            if let Some(folder) = self.incident.as_ref().and_then(Incident::runbook_dir) {
                incident.insert(RUNBOOKS.to_owned(), runbooks(folder).into());
            }
        }
        tables
    }

    /// Whether the policy says anything about components.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Whether a word that nobody has defined is declared to be a pass.
    pub(super) fn accepts(&self, word: &str) -> bool {
        let same = |accepted: &String| accepted.trim().eq_ignore_ascii_case(word.trim());
        self.readiness.as_ref().is_some_and(|readiness| readiness.accept_status.iter().any(same))
    }
}

impl TryFrom<RawReadiness> for Readiness {
    type Error = String;

    fn try_from(raw: RawReadiness) -> Result<Self, String> {
        let told = raw.accept_status.iter().find(|word| Status::of_state(word).is_some_and(|said| said > Status::Pass));
        if let Some(word) = told {
            return Err(format!("accept_status: `{word}` tells of something wrong and cannot be accepted"));
        }
        let blank = [&raw.required, &raw.optional, &raw.warn_blocks];
        if blank.into_iter().flatten().any(|name| name.trim().is_empty()) {
            return Err("a component without a name is none; take it out".to_owned());
        }
        let both = raw.required.iter().find(|name| raw.optional.iter().any(|other| same_name(name, other)));
        if let Some(name) = both {
            return Err(format!("`{name}` is both required and optional; leave it in one of the lists"));
        }
        let ages = Ages::try_from(RawAges { max_age_warn: raw.max_age_warn, max_age_fail: raw.max_age_fail })?;
        Ok(Self {
            required: raw.required,
            optional: raw.optional,
            warn_blocks: raw.warn_blocks,
            fail_on_warn: raw.fail_on_warn,
            max_warn: raw.max_warn,
            ages,
            accept_status: raw.accept_status,
            components: raw.components,
        })
    }
}

impl TryFrom<RawAges> for Ages {
    type Error = String;

    fn try_from(RawAges { max_age_warn: warn, max_age_fail: fail }: RawAges) -> Result<Self, String> {
        match (warn, fail) {
            (Some(Age::Seconds(warn)), Some(Age::Seconds(fail))) if warn > fail => {
                Err("max_age_warn is longer than max_age_fail; make max_age_fail the longer one".to_owned())
            }
            _ => Ok(Self { warn, fail }),
        }
    }
}

impl TryFrom<BTreeMap<String, toml::Value>> for Incident {
    type Error = String;

    fn try_from(table: BTreeMap<String, toml::Value>) -> Result<Self, String> {
        let mut limits: BTreeMap<String, Value> =
            table.into_iter().map(|(key, value)| (key, document::json(value))).collect();
        let mut categories = None;
        if let Some(value) = limits.remove("warn_block_categories") {
            let list = value.as_array().and_then(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
            let list = list.ok_or("warn_block_categories is no list of names")?;
            if let Some(unknown) = list.iter().find(|name| !incident::CATEGORIES.contains(*name)) {
                let known = incident::CATEGORIES.join(", ");
                return Err(format!("warn_block_categories: `{unknown}` is no category; write some of {known}"));
            }
            categories = Some(list.into_iter().map(str::to_owned).collect());
        }
        incident::check(&limits).map_err(|(key, why)| format!("{key} {why}").trim().to_owned())?;
        Ok(Self { limits, runbooks: None, warn_block_categories: categories })
    }
}

impl TryFrom<BTreeMap<String, toml::Value>> for Budgets {
    type Error = String;

    fn try_from(table: BTreeMap<String, toml::Value>) -> Result<Self, String> {
        let limits: BTreeMap<String, Value> =
            table.into_iter().map(|(key, value)| (key, document::json(value))).collect();
        limits.iter().try_for_each(|(name, value)| budgets::check(name, value))?;
        Ok(Self { limits })
    }
}

fn age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Age>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(Some(Age::Any));
    }
    parse_duration(&text).map(|length| Some(Age::Seconds(length.as_secs_f64()))).map_err(de::Error::custom)
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    const HINT: &str = "write a ratio from 0 to 1 such as 0.95, or a percentage such as \"95%\"";
    let value = document::json(toml::Value::deserialize(deserializer)?);
    rate(&value).map(Some).ok_or_else(|| de::Error::custom(HINT))
}
