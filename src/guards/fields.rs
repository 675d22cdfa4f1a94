//! What lines of the log say of figures. Each line is looked at once for a field, however many guards watch that; a line
//! that is known to be a JSON object is not read again for it.

use std::collections::BTreeMap;

use memchr::memmem::Finder;

use super::pile::Pile;
use super::source::Source;
use crate::json::pull::{self, Members, Raw};
use crate::log::logfmt;

/// A field of the records of the log; inner ones come after a dot.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    name: String,
    /// The last part of its name: most lines are told apart by that.
    last: Finder<'static>,
    /// The name in quotes, where it has one part: as it is in an object.
    quoted: Option<Finder<'static>>,
}

/// What is made of the values of a field.
#[derive(Clone, Debug, PartialEq)]
enum Make {
    Figure,
    /// How often it says this.
    Count(String),
}

/// What is watched of a field.
#[derive(Clone, Debug)]
struct Want {
    make: Make,
    /// Whether figures cannot be negative.
    positive: bool,
    /// Whether the figures themselves matter, and not only their number, sum and range.
    ranked: bool,
}

/// One field that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    field: Field,
    want: Want,
}

/// A guard on a field: its number, and the number of its workload where it is one of several.
#[derive(Clone, Debug)]
struct Watcher {
    guard: usize,
    workload: Option<usize>,
    want: Want,
}

/// The fields that guards watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    list: Vec<(Field, Vec<Watcher>)>,
}

impl Field {
    fn new(name: &str) -> Self {
        let last = name.rsplit('.').next().unwrap_or(name);
        let plain = !name.contains('.') && !name.bytes().any(|b| b < b' ' || matches!(b, b'"' | b'\\'));
        Self {
            name: name.to_owned(),
            last: Finder::new(last.as_bytes()).into_owned(),
            quoted: plain.then(|| Finder::new(format!("\"{name}\"").as_bytes()).into_owned()),
        }
    }

    /// Its value in a line: of a JSON object, or of pairs `field=value`. `object` says that the line is known to be one
    /// object and nothing else.
    fn value<'l>(&self, line: &'l [u8], object: bool) -> Option<Raw<'l>> {
        if let (true, Some(quoted)) = (object, &self.quoted)
            && let Ok(found) = pull::spot(line, quoted)
        {
            return found;
        }
        self.last.find(line)?;
        if let Some(start) = memchr::memchr(b'{', line) {
            let inner = &line[start..];
            // Words in the texts of an object are no fields.
            match in_object(inner, &self.name) {
                None if pull::object_len(inner).is_none() => {}
                found => return found,
            }
        }
        logfmt::pairs(line).find(|(key, _)| key.decode() == self.name).map(|(_, value)| value)
    }
}

fn in_object<'l>(object: &'l [u8], field: &str) -> Option<Raw<'l>> {
    let members = || Members::new(object).into_iter().flatten().map_while(Result::ok);
    // A name may hold dots itself.
    if let Some((_, value)) = members().find(|(key, _)| key.decode() == field) {
        return Some(value);
    }
    let (first, rest) = field.split_once('.')?;
    match members().find(|(key, _)| key.decode() == first)?.1 {
        Raw::Object(inner) => in_object(inner, rest),
        _ => None,
    }
}

impl Want {
    fn take(&self, found: Option<Raw<'_>>, times: u64, pile: &mut Pile) {
        let Some(found) = found else { return };
        match &self.make {
            Make::Figure if found == Raw::Null => {}
            Make::Figure => {
                let number = found.number().or_else(|| found.string()?.trim().parse().ok());
                match number.filter(|number| number.is_finite() && !(self.positive && *number < 0.0)) {
                    Some(number) if self.ranked => pile.add(number, times),
                    Some(number) => pile.add_sums(number, times),
                    None => pile.bad += times,
                }
            }
            Make::Count(value) => {
                pile.seen += times;
                if says(found, value) {
                    pile.count += times;
                }
            }
        }
    }
}

/// Whether a value is the one that is meant, as it is written.
fn says(found: Raw<'_>, value: &str) -> bool {
    match found {
        Raw::Bool(yes) => value == if yes { "true" } else { "false" },
        Raw::Number(_) => found.to_text() == value || found.number().is_some_and(|n| value.parse() == Ok(n)),
        other => other.to_text() == value,
    }
}

impl Reader {
    /// A reader of a source that is a field of the log; none of other sources.
    pub(crate) fn of(source: &Source, positive: bool, ranked: bool) -> Option<Self> {
        let (field, make) = match source {
            Source::Log { field } => (field, Make::Figure),
            Source::Count { field, value } => (field, Make::Count(value.clone())),
            _ => return None,
        };
        Some(Self { field: Field::new(field), want: Want { make, positive, ranked } })
    }

    /// Whether a text may hold the field.
    pub(crate) fn may_be_in(&self, text: &[u8]) -> bool {
        self.field.last.find(text).is_some()
    }

    /// Takes what a line says.
    pub(crate) fn note(&self, line: &[u8], pile: &mut Pile) {
        self.want.take(self.field.value(line, false), 1, pile);
    }
}

impl Lines {
    /// Adds a guard; nothing where its source is no field of the log.
    pub(crate) fn add(&mut self, guard: usize, workload: Option<usize>, reader: Reader) {
        let Reader { field, want } = reader;
        let watcher = Watcher { guard, workload, want };
        match self.list.iter_mut().find(|(known, _)| known.name == field.name) {
            Some((_, watchers)) => watchers.push(watcher),
            None => self.list.push((field, vec![watcher])),
        }
    }

    /// Those that look at the lines of the workload of this number.
    pub(crate) fn of_workload(&self, number: usize) -> Self {
        let mut list = self.list.clone();
        list.iter_mut().for_each(|(_, all)| all.retain(|watcher| watcher.workload.is_none_or(|of| of == number)));
        list.retain(|(_, all)| !all.is_empty());
        Self { list }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes what a line says that came so many times; `object` says that it is known to be one JSON object.
    pub(crate) fn note(&self, line: &[u8], object: bool, times: u64, piles: &mut BTreeMap<usize, Pile>) {
        for (field, watchers) in &self.list {
            let found = field.value(line, object);
            if found.is_some() {
                for Watcher { guard, want, .. } in watchers {
                    want.take(found, times, piles.entry(*guard).or_default());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn reader(source: &str) -> Reader {
        Reader::of(&Source::parse(source).unwrap(), true, true).unwrap()
    }

    #[test]
    fn fields_are_found_in_lines_of_both_forms_and_nowhere_else() {
        for (name, line, values, bad) in [
            ("log:latency_ms", r#"{"event":"order","latency_ms":12.5}"#, 1, 0),
            ("log:latency_ms", r#"{"event":"order","latency_ms":"12.5"}"#, 1, 0),
            ("log:latency_ms", r#"{"event":"order","latency_ms":NaN}"#, 0, 1),
            ("log:latency_ms", r#"{"event":"order","latency_ms":-1}"#, 0, 1),
            ("log:latency_ms", r#"{"event":"order","latency_ms":null}"#, 0, 0),
            ("log:latency_ms", r#"{"event":"order","latency_ms":"fast"}"#, 0, 1),
            ("log:latency_ms", r#"{"message":"latency_ms is 12"}"#, 0, 0),
            ("log:latency_ms", r#"{"message":"took latency_ms=12 again"}"#, 0, 0),
            ("log:latency_ms", r#"{"inner":{"latency_ms":12}}"#, 0, 0),
            ("log:inner.latency_ms", r#"{"inner":{"latency_ms":12}}"#, 1, 0),
            ("log:latency_ms", r#"api | {"latency_ms":12}"#, 1, 0),
            ("log:latency_ms", "level=info latency_ms=12.5 msg=done", 1, 0),
            ("log:latency_ms", "level=info latency_ms=12.5 msg={a}", 1, 0),
            ("log:latency_ms", "level=info msg=done", 0, 0),
        ] {
            let mut pile = Pile::default();
            reader(name).note(line.as_bytes(), &mut pile);
            assert_eq!((pile.count, pile.bad), (values, bad), "{name} {line}");
        }
        for (name, line, seen, count) in [
            ("count:event=breach", r#"{"event":"breach"}"#, 1, 1),
            ("count:event=breach", r#"{"event":"order"}"#, 1, 0),
            ("count:event=breach", r#"{"message":"event=breach"}"#, 0, 0),
            ("count:event=breach", r#"{"message":"saw event=breach now"}"#, 0, 0),
            ("count:code=500", r#"{"code":500}"#, 1, 1),
            ("count:event=breach", "event=breach order=7", 1, 1),
            ("count:ok=false", r#"{"ok":false}"#, 1, 1),
        ] {
            let mut pile = Pile::default();
            reader(name).note(line.as_bytes(), &mut pile);
            assert_eq!((pile.seen, pile.count), (seen, count), "{name} {line}");
        }
    }

    proptest! {
        /// What is found without reading an object again is what reading it finds.
        #[test]
        fn a_known_object_gives_the_same(
            members in prop::collection::vec(
                ("k|kk|m|inner", prop_oneof![
                    Just(json!(null)), Just(json!(7)), Just(json!("k")), Just(json!("{\"k\":1}")), Just(json!("\"k\":")),
                    Just(json!("a\\")), Just(json!({"k": 3, "m": "k"})), Just(json!([{"k": 4}, "k"])), Just(json!(-1.5)),
                ]), 0..6),
            pretty in any::<bool>(),
        ) {
            let text: Vec<String> = members
                .iter()
                .map(|(key, value): &(String, Value)| if pretty { format!("\"{key}\" : {value}") } else { format!("\"{key}\":{value}") })
                .collect();
            let line = format!("{{{}}}", text.join(if pretty { " , " } else { "," }));
            let field = Field::new("k");
            let (spotted, read) = (field.value(line.as_bytes(), true), field.value(line.as_bytes(), false));
            prop_assert_eq!(spotted, read, "{}", line);
        }
    }
}
