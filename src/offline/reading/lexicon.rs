//! The lexicon: which names, words and capabilities the text is searched for. Data, not code.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::sentences::fold;
use crate::json::strict;

/// What the text is searched for. The order of the entries is the order of the output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Lexicon {
    /// Who and what the world knows by name.
    pub entities: Vec<Entity>,
    /// Powers that a person must approve before they are told of.
    pub capabilities: Vec<Capability>,
    /// Words of change and of doubt.
    pub words: Words,
    /// Words that say how a region fares; the first rule that matches counts.
    pub status: Vec<StatusRule>,
}

/// Somebody or something with a name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entity {
    /// Unique.
    pub id: String,
    /// `faction` and `region` have rules of their own; any other word is allowed.
    #[serde(rename = "type")]
    pub kind: String,
    /// The canonical name.
    pub name: String,
    /// Other names.
    pub aliases: Vec<String>,
}

impl Entity {
    /// The canonical name (rank 0) and the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Whether it can hold regions.
    pub(crate) fn is_faction(&self) -> bool {
        self.kind == "faction"
    }

    /// Whether it can be held and has a status.
    pub(crate) fn is_region(&self) -> bool {
        self.kind == "region"
    }
}

/// A power that needs approval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Capability {
    /// Unique.
    pub id: String,
    /// How the text names it.
    pub label: String,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: String,
    /// Why it needs approval, for the reviewer.
    pub rationale: String,
}

/// Words of change and of doubt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Words {
    /// A faction takes a region.
    pub gain: Vec<String>,
    /// A faction gives up a region.
    pub loss: Vec<String>,
    /// The sentence may not be true. Endings count too: `rumour` finds `rumours`.
    pub doubt: Vec<String>,
    /// The word of change that follows did not happen: `no longer`, `never`.
    pub negation: Vec<String>,
}

/// Words for one status of a region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StatusRule {
    /// The status.
    pub status: String,
    /// The words that say so.
    pub words: Vec<String>,
}

/// Where a lexicon does not name its own words of negation.
const NEGATION: &[&str] =
    &["no longer", "not", "never", "nor", "neither", "without being", "hardly", "almost", "nearly", "cannot"];
const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];

impl Lexicon {
    /// The lexicon of our own invention, for demonstrations and fixtures.
    pub(crate) fn built_in() -> Self {
        match Self::from_toml(include_str!("lexicon.toml")) {
            Ok(lexicon) => lexicon,
            // Unreachable: a test reads it.
            Err(errors) => unreachable!("{errors:?}"),
        }
    }

    /// How many entities and capabilities it holds.
    pub(crate) fn entries(&self) -> usize {
        self.entities.len() + self.capabilities.len()
    }

    /// Reads a lexicon in JSON (when it starts with `{`) or TOML.
    ///
    /// # Errors
    /// One line for each fault, with the line of the file or the entry that has it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Vec<String>> {
        let text = std::str::from_utf8(bytes).map_err(|error| vec![format!("not UTF-8: {error}")])?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') {
            let value = strict::parse(text.as_bytes()).map_err(|error| vec![format!("not JSON: {error}")])?;
            Self::from_value(value)
        } else {
            Self::from_toml(text)
        }
    }

    fn from_toml(text: &str) -> Result<Self, Vec<String>> {
        let value: Value = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            vec![format!("line {line}: {}", error.message())]
        })?;
        Self::from_value(value)
    }

    fn from_value(value: Value) -> Result<Self, Vec<String>> {
        let mut check = Check::default();
        let Value::Object(mut top) = value else { return Err(vec!["a lexicon is a table".to_owned()]) };
        let lexicon = Self {
            entities: check.tables(&mut top, "entities", |check, at, entry| Entity {
                id: check.text(entry, at, "id"),
                kind: check.text(entry, at, "type"),
                name: check.text(entry, at, "name"),
                aliases: check.texts(entry, at, "aliases"),
            }),
            capabilities: check.tables(&mut top, "capabilities", |check, at, entry| {
                let label = check.text(entry, at, "label");
                let rationale = entry.contains_key("rationale").then(|| check.text(entry, at, "rationale"));
                Capability {
                    id: check.text(entry, at, "id"),
                    severity: check.text(entry, at, "severity"),
                    rationale: rationale.unwrap_or_else(|| format!("{label} needs the approval of a moderator.")),
                    label,
                }
            }),
            words: check.words(&mut top),
            status: check.tables(&mut top, "status", |check, at, entry| StatusRule {
                status: check.text(entry, at, "status"),
                words: check.texts(entry, at, "words"),
            }),
        };
        check.nothing_left(&top, "");
        lexicon.check_meaning(&mut check);
        if check.errors.is_empty() { Ok(lexicon) } else { Err(check.errors) }
    }

    /// What the shape alone does not show: ids and names that stand for two things, words that cannot be found.
    fn check_meaning(&self, check: &mut Check) {
        if self.entities.is_empty() && self.capabilities.is_empty() {
            check.fault("", "it names no entities and no capabilities, so nothing could be found");
        }
        let mut names = HashMap::new();
        let mut ids = HashMap::new();
        for (i, entity) in self.entities.iter().enumerate() {
            let at = format!("entities[{i}] ({})", entity.id);
            check.unique(&mut ids, &entity.id, &at, "id");
            for name in entity.names() {
                check.unique(&mut names, &fold(name), &at, "name");
            }
        }
        let mut labels = HashMap::new();
        for (i, capability) in self.capabilities.iter().enumerate() {
            let at = format!("capabilities[{i}] ({})", capability.id);
            check.unique(&mut ids, &capability.id, &at, "id");
            check.unique(&mut labels, &fold(&capability.label), &at, "label");
            if !capability.severity.is_empty() && !SEVERITIES.contains(&capability.severity.as_str()) {
                let known = SEVERITIES.join(", ");
                check.fault(&at, &format!("severity `{}` is not one of {known}", capability.severity));
            }
        }
        for (i, rule) in self.status.iter().enumerate() {
            if rule.words.is_empty() {
                check.fault(&format!("status[{i}] ({})", rule.status), "it has no words");
            }
        }
    }
}

/// Collects faults, so that all are told at once.
#[derive(Default)]
struct Check {
    errors: Vec<String>,
}

impl Check {
    fn fault(&mut self, at: &str, what: &str) {
        let colon = if at.is_empty() { "" } else { ": " };
        self.errors.push(format!("{at}{colon}{what}"));
    }

    fn unique(&mut self, seen: &mut HashMap<String, String>, key: &str, at: &str, what: &str) {
        if key.is_empty() {
            return;
        }
        match seen.get(key) {
            Some(first) if first != at => self.fault(at, &format!("the {what} `{key}` belongs to {first} already")),
            Some(_) => self.fault(at, &format!("the {what} `{key}` is given twice")),
            None => {
                seen.insert(key.to_owned(), at.to_owned());
            }
        }
    }

    fn tables<T>(
        &mut self,
        top: &mut Map<String, Value>,
        key: &str,
        mut read: impl FnMut(&mut Self, &str, &mut Map<String, Value>) -> T,
    ) -> Vec<T> {
        let list = match top.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.fault(key, "this is a list of tables");
                return Vec::new();
            }
        };
        let mut tables = Vec::with_capacity(list.len());
        for (i, entry) in list.into_iter().enumerate() {
            let Value::Object(mut entry) = entry else {
                self.fault(&format!("{key}[{i}]"), "this is a table");
                continue;
            };
            let name = ["id", "status"].iter().find_map(|k| entry.get(*k).and_then(Value::as_str));
            let at = name.map_or_else(|| format!("{key}[{i}]"), |name| format!("{key}[{i}] ({name})"));
            tables.push(read(self, &at, &mut entry));
            self.nothing_left(&entry, &at);
        }
        tables
    }

    fn words(&mut self, top: &mut Map<String, Value>) -> Words {
        let mut table = match top.remove("words") {
            None => Map::new(),
            Some(Value::Object(table)) => table,
            Some(_) => {
                self.fault("words", "this is a table with the lists gain, loss and doubt");
                Map::new()
            }
        };
        let own = table.contains_key("negation");
        let words = Words {
            gain: self.texts(&mut table, "words", "gain"),
            loss: self.texts(&mut table, "words", "loss"),
            doubt: self.texts(&mut table, "words", "doubt"),
            negation: if own {
                self.texts(&mut table, "words", "negation")
            } else {
                NEGATION.iter().map(|word| (*word).to_owned()).collect()
            },
        };
        self.nothing_left(&table, "words");
        words
    }

    fn text(&mut self, entry: &mut Map<String, Value>, at: &str, key: &str) -> String {
        match entry.remove(key) {
            Some(Value::String(text)) if !fold(&text).is_empty() => text,
            Some(Value::String(_)) => {
                self.fault(at, &format!("`{key}` is blank"));
                String::new()
            }
            Some(_) => {
                self.fault(at, &format!("`{key}` is not text"));
                String::new()
            }
            None => {
                self.fault(at, &format!("`{key}` is missing"));
                String::new()
            }
        }
    }

    fn texts(&mut self, entry: &mut Map<String, Value>, at: &str, key: &str) -> Vec<String> {
        let list = match entry.remove(key) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.fault(at, &format!("`{key}` is not a list of texts"));
                return Vec::new();
            }
        };
        let mut texts = Vec::with_capacity(list.len());
        for (i, item) in list.into_iter().enumerate() {
            match item {
                Value::String(text) if !fold(&text).is_empty() => texts.push(text),
                Value::String(_) => self.fault(at, &format!("`{key}[{i}]` is blank")),
                _ => self.fault(at, &format!("`{key}[{i}]` is not text")),
            }
        }
        texts
    }

    fn nothing_left(&mut self, table: &Map<String, Value>, at: &str) {
        for key in table.keys() {
            self.fault(at, &format!("`{key}` is not a key of the lexicon here"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_lexicon_is_sound_and_survives_json() {
        let lexicon = Lexicon::built_in();
        assert!(lexicon.entities.iter().any(Entity::is_faction) && lexicon.entities.iter().any(Entity::is_region));
        let json = serde_json::to_vec(&lexicon).unwrap();
        assert_eq!(Lexicon::read(&json).unwrap(), lexicon);
    }

    #[test]
    fn faults_point_to_the_entry() {
        for (text, expect) in [
            ("", "names no entities"),
            ("[[entities]]\nid = 3\n", "entities[0]: `id` is not text"),
            ("[[entities]]\nid='a'\ntype='region'\nname=' '\n", "entities[0] (a): `name` is blank"),
            ("[[entities]]\nid='a'\nname='A'\ntype='x'\ncolour='red'\n", "entities[0] (a): `colour` is not a key"),
            (
                r#"{"entities":[{"id":"a","type":"x","name":"Old Mill"},{"id":"b","type":"x","name":"B","aliases":["OLD  MILL"]}]}"#,
                "entities[1] (b): the name `old mill` belongs to entities[0] (a) already",
            ),
            (r#"{"entities":[{"id":"a","type":"x","name":"A","aliases":["B",7]}]}"#, "`aliases[1]` is not text"),
            (
                r#"{"capabilities":[{"id":"c","label":"C","severity":"dire"}]}"#,
                "capabilities[0] (c): severity `dire` is not one of low",
            ),
            (r#"{"status":[{"status":"gone","words":[]}]}"#, "status[0] (gone): it has no words"),
            ("[words]\ngain = 'won'\n", "words: `gain` is not a list"),
            ("entities = [\n1,\n", "line "),
            ("{\"entities\": ", "line 1"),
        ] {
            let errors = Lexicon::read(text.as_bytes()).unwrap_err().join("\n");
            assert!(errors.contains(expect), "{text}: {errors}");
        }
    }
}
