//! The keys under which JSON records state their level where no table has them, learnt from the values.

use serde::{Deserialize, Serialize};

use super::level_words::{self, Sure};
use crate::json::pull::{Members, Raw};
use crate::level::Level;
use crate::log::dialect::{self, Dialect, KEYS, Role, Scale};
use crate::log::json_level;
use crate::log::record::{Record, member};

/// More keys than this are not learnt.
pub(super) const MOST: usize = 4;

/// What is learnt of the keys of JSON records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    /// Keys that state the level of records that have it nowhere else; the first that is there decides.
    pub(super) level: Vec<Box<str>>,
    /// Keys such as `status` that may state a level and in this file do not.
    pub(super) other: Vec<Box<str>>,
}

/// What is under a key.
#[derive(Default)]
struct Values {
    key: String,
    count: usize,
    known: usize,
    certain: usize,
    /// The steps of severity, as bits.
    steps: u8,
}

impl Values {
    /// Whether the key is called like a level, so that words count that are ordinary elsewhere.
    fn is_called_level(&self) -> bool {
        const ENDS: [&str; 4] = ["severity", "level", "lvl", "loglevel"];
        let key = self.key.to_ascii_lowercase();
        ENDS.iter().any(|end| key.ends_with(end))
    }
}

impl Keys {
    /// Learns from records, of which those without a level may state it under a key of their own.
    pub(super) fn learn(records: &[Record<'_>]) -> Self {
        let json = || records.iter().filter(|record| record.dialect.is_json());
        let keyed = records.iter().filter(|record| has_keys(record));
        let silent: Vec<&Record<'_>> = keyed.filter(|record| record.level().is_none()).collect();
        let mut keys = Self { level: Vec::new(), other: doubtful(json()) };
        let mut left = silent;
        while keys.level.len() < MOST && !left.is_empty() {
            let Some(key) = best(&left) else { break };
            left.retain(|record| value_of(record, &key).is_none());
            keys.level.push(key.into_boxed_str());
        }
        keys
    }

    pub(super) fn is_empty(&self) -> bool {
        self.level.is_empty() && self.other.is_empty()
    }

    /// A record with the level that one of the keys states.
    pub(super) fn complete<'a>(&self, record: &mut Record<'a>) {
        let stated = record.level.map(|(value, _)| value);
        if stated
            .is_some_and(|value| self.other.iter().any(|key| member(record.source(), key.as_bytes()) == Some(value)))
        {
            record.level = json_level::beside_doubtful(record);
        }
        if record.level.is_some() {
            return;
        }
        let value = self.level.iter().find_map(|key| value_of(record, key));
        record.level = value.filter(|value| value.is_truthy() || value.number().is_some()).map(|value| {
            let scale = level_of(value).map_or(Scale::Auto, |(level, _)| Scale::Is(level));
            (value, scale)
        });
    }
}

/// Whether a record is made of keys and values: of JSON, or pairs.
pub(super) fn has_keys(record: &Record<'_>) -> bool {
    record.dialect.is_json() || record.dialect == Dialect::Logfmt
}

/// What is under a key, also in an object: `meta.grade`.
fn value_of<'a>(record: &Record<'a>, key: &str) -> Option<Raw<'a>> {
    if record.dialect == Dialect::Logfmt {
        return record.members().find(|(name, _)| name.bytes == key.as_bytes()).map(|(_, value)| value);
    }
    member(record.source(), key.as_bytes()).or_else(|| {
        let (outer, inner) = key.split_once('.')?;
        match member(record.source(), outer.as_bytes())? {
            Raw::Object(object) => member(object, inner.as_bytes()),
            _ => None,
        }
    })
}

/// The keys and values of a record, those of objects that may hold the level too.
fn values<'a>(record: &Record<'a>) -> Vec<(String, Raw<'a>)> {
    let mut found = Vec::new();
    for (key, value) in record.members() {
        let role = dialect::find(key.bytes).and_then(|at| KEYS.get(at)).map(|(_, role)| role);
        let taken = matches!(role, Some(Role::Time(..) | Role::Message(_) | Role::Event | Role::Failure));
        let Some(name) = std::str::from_utf8(key.bytes).ok().filter(|_| !key.escaped) else { continue };
        match value {
            Raw::Object(object) if json_level::is_container(key.bytes) => {
                let members = Members::new(object).into_iter().flatten().flatten();
                let names = members.filter_map(|(key, value)| Some((std::str::from_utf8(key.bytes).ok()?, value)));
                found.extend(names.map(|(inner, value)| (format!("{name}.{inner}"), value)));
            }
            value if !taken => found.push((name.to_owned(), value)),
            _ => {}
        }
    }
    found
}

/// The level of a value that is a word or a letter.
fn level_of(value: Raw<'_>) -> Option<(Level, Sure)> {
    let Raw::Text(text) = value else { return None };
    match text.bytes {
        [letter] => level_words::letter(*letter).map(|level| (level, Sure::Doubtful)),
        word => level_words::stepped(word).or_else(|| level_words::stepped(level_words::tail(word))),
    }
}

/// The key that states the level of most of the records, by its values: they are levels nearly all, of which at least
/// one is nothing else, and differ in severity.
fn best(records: &[&Record<'_>]) -> Option<String> {
    let mut all: Vec<Values> = Vec::new();
    for (key, value) in records.iter().flat_map(|record| values(record)) {
        let known = all.iter().position(|values| values.key == key);
        let at = known.unwrap_or(all.len());
        if known.is_none() {
            all.push(Values { key, ..Values::default() });
        }
        let values = &mut all[at];
        values.count += 1;
        if let Some((level, sure)) = level_of(value) {
            values.known += 1;
            values.certain += usize::from(sure == Sure::Certain);
            values.steps |= 1 << level_words::step(level);
        }
    }
    let total = records.len();
    let fits = |values: &Values| {
        let worst = values.steps & 0b11 == 0;
        let differ = values.steps.count_ones() >= 2;
        values.count * 2 >= total
            && values.known * 100 >= values.count * 95
            && values.certain > 0
            && (values.known >= 2 && differ || values.certain >= 5 || worst && values.certain == values.known)
            || values.is_called_level() && values.count * 2 >= total && values.known == values.count
    };
    // Of equal ones the first.
    let rank = |values: &Values| (values.steps.count_ones(), values.known, values.certain);
    all.into_iter().filter(fits).reduce(|best, next| if rank(&next) > rank(&best) { next } else { best }).map(|v| v.key)
}

/// Of the keys that state a level in some files only, those that hold something else in these records.
fn doubtful<'r, 'a: 'r>(records: impl Iterator<Item = &'r Record<'a>>) -> Vec<Box<str>> {
    let mut counts: Vec<(&'static str, usize, usize)> = Vec::new();
    for record in records.filter(|record| json_level::may_be_doubtful(record)) {
        for (key, value) in Members::new(record.source()).into_iter().flatten().flatten() {
            let Some((name, Role::Doubtful(_))) = dialect::find(key.bytes).and_then(|at| KEYS.get(at)) else {
                continue;
            };
            let at = counts.iter().position(|(known, ..)| known == name).unwrap_or(counts.len());
            if at == counts.len() {
                counts.push((name, 0, 0));
            }
            counts[at].1 += 1;
            counts[at].2 += usize::from(level_of(value).is_some());
        }
    }
    let other = counts.into_iter().filter(|(_, count, known)| *known > 0 && known * 100 < count * 95);
    other.map(|(name, ..)| name.into()).collect()
}
