//! What a policy asks of comparisons: the table `[baseline]`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use crate::log::summary::comparison::Better;
use crate::verdict::criteria::number_or_percent;

/// A difference below this share of what was expected is none, where nobody says.
pub(super) const MIN_CHANGE: f64 = 0.1;

/// `[baseline]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// So many runs in a row must be worse before it is a FAIL; 1 where nobody says.
    #[serde(deserialize_with = "times")]
    pub confirm: Option<usize>,
    /// Figures of the performance report that are compared, by name.
    pub metrics: BTreeMap<String, Metric>,
}

/// `[baseline.metrics.NAME]`: for a figure of the performance report the place where it is found; for any other figure
/// that is compared only what a difference is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "RawMetric")]
pub struct Metric {
    /// Where it is in the performance report, as a JSON pointer: a number, or a list of numbers measured over the run.
    pub pointer: Option<String>,
    /// Which way it gets better.
    pub better: Option<Better>,
    /// A difference below this share of what was expected is none.
    pub min_change: Option<f64>,
    /// A difference below this is none, in the unit of the figure.
    pub floor: Option<f64>,
    /// Its unit, for people.
    pub unit: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawMetric {
    pointer: Option<String>,
    better: Option<Better>,
    #[serde(deserialize_with = "share")]
    min_change: Option<f64>,
    floor: Option<toml::Value>,
    unit: Option<String>,
}

impl TryFrom<RawMetric> for Metric {
    type Error = String;

    fn try_from(raw: RawMetric) -> Result<Self, String> {
        if raw.pointer.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
            return Err("the pointer must begin with a slash, such as \"/latency/p99_ms\"".to_owned());
        }
        if raw.pointer.is_some() && raw.better.is_none() {
            return Err("say which way it gets better: better = \"lower\", \"higher\" or \"neither\"".to_owned());
        }
        let mut unit = raw.unit;
        let floor = match &raw.floor {
            None => None,
            Some(value) => {
                let (floor, said) = floor(value)?;
                unit = unit.or(said);
                Some(floor)
            }
        };
        Ok(Self { pointer: raw.pointer, better: raw.better, min_change: raw.min_change, floor, unit })
    }
}

/// A number, alone or with its unit: `5`, `"5ms"`, `"2 MiB"`. The unit must be that of the figure: nothing is converted.
fn floor(value: &toml::Value) -> Result<(f64, Option<String>), String> {
    const HINT: &str = "write the smallest difference that matters, as a number or with its unit: 5 or \"5ms\"";
    let (number, unit) = match value {
        toml::Value::Integer(number) => (*number as f64, None),
        toml::Value::Float(number) => (*number, None),
        toml::Value::String(text) => {
            let text = text.trim();
            let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '+')).unwrap_or(text.len());
            let number = text[..end].parse().map_err(|_| HINT.to_owned())?;
            (number, Some(text[end..].trim().to_owned()).filter(|unit| !unit.is_empty()))
        }
        _ => return Err(HINT.to_owned()),
    };
    if number.is_finite() && number >= 0.0 { Ok((number, unit)) } else { Err(HINT.to_owned()) }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match number_or_percent(&toml::Value::deserialize(deserializer)?) {
        Some(number) if number.is_finite() && (0.0..=100.0).contains(&number) => Ok(Some(number)),
        _ => Err(de::Error::custom("write a share such as \"10%\" or 0.1")),
    }
}

fn times<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match toml::Value::deserialize(deserializer)?.as_integer() {
        Some(times @ 1..=10) => Ok(Some(times as usize)),
        _ => Err(de::Error::custom("write how many runs in a row must be worse, 1 to 10")),
    }
}
