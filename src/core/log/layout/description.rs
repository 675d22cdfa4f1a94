//! A layout in words: as reports show it, and as `[logs.layout]` of a policy pins it.

use serde::{Deserialize, Serialize};

use super::date_formats::{Order, SHAPES, Shape};
use super::level_columns::Column;
use super::text::{Place, Text};
use super::wrapping::Form;
use super::{Layout, keys, text};

/// A layout in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Description {
    /// What is before each line: `NAME |`, `[NAME]`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapping: Option<String>,
    /// Whether most lines are JSON objects.
    #[serde(skip_serializing_if = "is_false")]
    pub json: bool,
    /// Whether a dialect that is known by name reads most lines of text.
    #[serde(skip_serializing_if = "is_false")]
    pub named: bool,
    /// Whether a host and a tag are before the message, as in syslog.
    #[serde(skip_serializing_if = "is_false")]
    pub syslog: bool,
    /// Keys of JSON records and pairs that state the level, where no table has them; `meta.grade` inside an object.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub level_keys: Vec<String>,
    /// The layouts of lines of text; the first that reads a line counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<Line>,
    /// The same for the texts inside records that state no level: messages of JSON, lines of containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<Line>,
}

/// The layout of a line of text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Line {
    /// The shape of the stamp: `YYYY-MM-DD hh:mm:ss`, `N/N/N hh:mm:ss`, `epoch`, …; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The field in which the stamp starts, counted by blanks from 0; absent where it is anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<usize>,
    /// What the numbers of `N/N/N` mean: `ymd`, `mdy` or `dmy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Where the level is: `before-N` or `behind-N` the stamp, `pair`, `pri`, `glued`, `end`, with `:head`, `:tail`, `:first`,
    /// `:last`, `:letter`, `:symbol`, `:mnemonic`, `:number` for a part of the field, and `:marked` where only what is marked counts.
    pub level: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Layout {
    /// The layout in words.
    pub fn describe(&self) -> Description {
        Description {
            wrapping: self.wrapping.map(|form| form.name().to_owned()),
            json: self.json,
            named: self.named,
            syslog: self.syslog,
            level_keys: self.keys.level.iter().map(|key| key.to_string()).collect(),
            text: self.texts.iter().map(line).collect(),
            inner: self.inner.iter().flat_map(|inner| &inner.texts).map(line).collect(),
        }
    }

    /// The layout that is described.
    ///
    /// # Errors
    /// A name that is none; the message names it and those that are.
    pub fn from_description(description: &Description) -> Result<Self, String> {
        let wrapping = description.wrapping.as_deref().map(|name| {
            Form::from_name(name)
                .ok_or_else(|| format!("`{name}` is no wrapping; write one of {}", super::wrapping::names()))
        });
        let inner = description.inner.iter().map(text_of).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            inner: (!inner.is_empty()).then(|| Box::new(Self { texts: inner, ..Self::default() })),
            wrapping: wrapping.transpose()?,
            json: description.json,
            named: description.named,
            syslog: description.syslog,
            texts: description.text.iter().map(text_of).collect::<Result<_, _>>()?,
            keys: keys::Keys {
                level: description.level_keys.iter().map(|key| key.as_str().into()).collect(),
                other: Vec::new(),
            },
            yearless: true,
            requests: true,
            pinned: true,
            again: false,
        })
    }
}

fn line(text: &Text) -> Line {
    let name = |shape: Shape| SHAPES.iter().find(|row| row.shape == shape).map(|row| row.name.to_owned());
    let numbers = |place: &&Place| place.shape.has_order();
    Line {
        time: text.time.and_then(|place| name(place.shape)),
        field: text.time.map(|place| place.field).filter(|field| *field != text::ANYWHERE),
        order: text.time.as_ref().filter(numbers).map(|place| place.order.name().to_owned()),
        level: text.columns.iter().map(Column::name).collect(),
    }
}

fn text_of(line: &Line) -> Result<text::Text, String> {
    let quoted = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let time = line.time.as_deref().map(|name| {
        let row = SHAPES.iter().find(|row| row.name == name);
        let names = || quoted(SHAPES.iter().map(|row| row.name).collect());
        row.map(|row| row.shape).ok_or_else(|| format!("`{name}` is no shape of a time; write one of {}", names()))
    });
    let order = line.order.as_deref().map(|name| {
        let order = Order::ALL.into_iter().find(|order| order.name() == name);
        order.ok_or_else(|| format!("`{name}` is no order of a date; write `ymd`, `mdy` or `dmy`"))
    });
    let order = order.transpose()?.unwrap_or_default();
    let place = |shape| Place { shape, field: line.field.unwrap_or(text::ANYWHERE), order, ambiguous: false };
    let column = |name: &String| {
        Column::from_name(name).ok_or_else(|| {
            format!("`{name}` is no place of a level; write such as `behind-0`, `before-0:head`, `pair` or `pri`")
        })
    };
    let columns = line.level.iter().map(column).collect::<Result<_, _>>()?;
    Ok(Text { time: time.transpose()?.map(place), columns, look: None })
}

/// `time YYYY-MM-DD hh:mm:ss in field 0, level behind-0`: one line for people; empty where nothing was learnt.
pub fn in_short(description: &Description) -> String {
    let mut parts = Vec::new();
    parts.extend(description.wrapping.as_ref().map(|form| format!("wrapped as `{form}`")));
    parts.extend(description.json.then(|| "JSON".to_owned()));
    parts.extend(description.level_keys.iter().map(|key| format!("level under the key `{key}`")));
    for (line, inside) in
        description.text.iter().map(|line| (line, "")).chain(description.inner.iter().map(|line| (line, "inside: ")))
    {
        let time = match (&line.time, line.field, &line.order) {
            (Some(time), Some(field), None) => format!("time `{time}` in field {field}"),
            (Some(time), Some(field), Some(order)) => format!("time `{time}` ({order}) in field {field}"),
            (Some(time), None, _) => format!("time `{time}` in any field"),
            _ => "no time".to_owned(),
        };
        let level = if line.level.is_empty() { "no column of levels".to_owned() } else { line.level.join(", then ") };
        parts.push(format!("{inside}{time}, level {level}"));
    }
    parts.join("; ")
}
