//! The policy file: TOML with the names of the options, and errors that point at the place.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::de::IntoDeserializer as _;
use serde::{Deserialize, Deserializer, de};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::place::{Text, kind};
use super::{Layer, MOST_LISTED, SignaturePolicy, rows};
use crate::digest::sha256;
use crate::evidence::figures::Figure;
use crate::evidence::{diary, readiness};
use crate::finding::{Status, Waiver};
use crate::log::layout::Layout;
use crate::log::layout::description::Description;
use crate::log::{access, ignore};
use crate::time::{duration_text, parse_duration};
use crate::verdict::baseline;
use crate::verdict::criteria::number_or_percent;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct File {
    logs: LogsTable,
    diary: DiaryTable,
    performance: PerformanceTable,
    sign_off: Option<SignOffTable>,
    signatures: Option<SignaturePolicy>,
    waiver: Vec<Spanned<Waiver>>,
    waivers: WaiversTable,
    readiness: Option<readiness::ReadinessRules>,
    validation: Option<readiness::Validation>,
    incident: Option<readiness::Incident>,
    drift: Option<readiness::Drift>,
    budgets: Option<readiness::Budgets>,
    baseline: Option<baseline::Rules>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WaiversTable {
    max_days: Option<u64>,
}

/// A file of waivers alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiversFile {
    waiver: Vec<Spanned<Waiver>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct LogsTable {
    #[serde(deserialize_with = "spanned_duration")]
    warn_gap: Option<Spanned<Duration>>,
    #[serde(deserialize_with = "spanned_duration")]
    fail_gap: Option<Spanned<Duration>>,
    #[serde(deserialize_with = "listed")]
    max_listed: Option<usize>,
    layout: Option<Spanned<Description>>,
    ignore: Option<Vec<Spanned<String>>>,
    error_statuses: Option<Vec<Spanned<String>>>,
    warn_statuses: Option<Vec<Spanned<String>>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct DiaryTable {
    min_entries_per_day: Option<u64>,
    #[serde(deserialize_with = "severity")]
    daily_gap_severity: Option<Status>,
    accept_status: Option<Vec<Spanned<String>>>,
    explained_by: Option<Spanned<Vec<String>>>,
    #[serde(deserialize_with = "ratio")]
    min_explained: Option<f64>,
    #[serde(deserialize_with = "severity")]
    explained_severity: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct PerformanceTable {
    #[serde(deserialize_with = "real")]
    min_roi: Option<f64>,
    figures: BTreeMap<String, Spanned<Figure>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct SignOffTable {
    #[serde(deserialize_with = "duration")]
    min_duration: Option<Duration>,
    #[serde(deserialize_with = "ratio")]
    min_uptime: Option<f64>,
    #[serde(deserialize_with = "sharpe")]
    min_sharpe: Option<f64>,
    allow_warnings: Option<bool>,
    optional_diary: Option<bool>,
    optional_performance: Option<bool>,
}

/// The texts of a list.
fn texts(list: Vec<Spanned<String>>) -> Vec<String> {
    list.into_iter().map(Spanned::into_inner).collect()
}

/// The tables of a policy; a configuration has them too.
pub(crate) const TABLES: [&str; 13] = [
    "logs",
    "diary",
    "performance",
    "sign_off",
    "signatures",
    "waiver",
    "waivers",
    "readiness",
    "validation",
    "incident",
    "drift",
    "budgets",
    "baseline",
];

/// Those of them that are about components.
const OF_COMPONENTS: [&str; 5] = ["readiness", "validation", "incident", "drift", "budgets"];

/// Those of them that are about components and comparisons, whose keys are no limits of a run.
const OF_OTHERS: [&str; 6] = ["readiness", "validation", "incident", "drift", "budgets", "baseline"];

/// Reads a policy file. `source` is what the user calls it. A `[sign_off]` table asks for a full sign-off.
///
/// # Errors
/// Not TOML, an unknown key, a wrong type, a value out of range or a contradiction: the message shows the line with a
/// caret under the place.
pub fn parse(source: &str, text: &str) -> Result<Layer, String> {
    let text = Text::new(source, text);
    parse_tables(text, text.tables()?)
}

/// Reads the `tables` of a policy, which come from `text`.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_tables(text: Text<'_>, tables: Spanned<DeTable<'_>>) -> Result<Layer, String> {
    // A list of tables would pass for a table whose keys are its items.
    let misplaced = |(name, part): &(&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        !part.get_ref().is_table() && name.get_ref() != "waiver"
    };
    if let Some((name, part)) = tables.get_ref().iter().find(misplaced) {
        let value = toml::Value::deserialize(part.clone().into_deserializer()).map_err(|error| text.error(&error))?;
        let message = format!("this is {}; write one table [{}]", kind(&value), name.get_ref());
        return Err(text.at(part.span(), &message));
    }
    let mut places = places(text, tables.get_ref());
    let written = of_components(tables.get_ref());
    let file = read(text, tables)?;
    let components = components(text, &file, written);
    let File { logs, diary, performance, sign_off, mut signatures, waiver, waivers, baseline, .. } = file;
    if let (Some(warn), Some(fail)) = (&logs.warn_gap, &logs.fail_gap)
        && fail.get_ref() < warn.get_ref()
    {
        let message =
            format!("this is shorter than warn_gap ({}); make fail_gap the longer one", duration_text(*warn.get_ref()));
        return Err(text.at(fail.span(), &message));
    }
    // Keys are beside the policy that names them, wherever it is used from.
    if let (Some(signatures), Some(folder)) = (&mut signatures, Path::new(text.source).parent()) {
        for file in signatures.verify_keys.iter_mut().chain(signatures.reviewers.values_mut()) {
            *file = folder.join(&*file);
        }
    }
    for word in diary.accept_status.iter().flatten() {
        diary::acceptable(word.get_ref()).map_err(|message| text.at(word.span(), &message))?;
    }
    if let Some(by) = &diary.explained_by {
        diary::Explained::check(by.get_ref()).map_err(|message| text.at(by.span(), &message))?;
    }
    for ignored in logs.ignore.iter().flatten() {
        ignore::check(ignored.get_ref()).map_err(|message| text.at(ignored.span(), &message))?;
    }
    for status in logs.error_statuses.iter().chain(&logs.warn_statuses).flatten() {
        access::check(status.get_ref()).map_err(|message| text.at(status.span(), &message))?;
    }
    if let Some(layout) = &logs.layout {
        Layout::from_description(layout.get_ref()).map_err(|message| text.at(layout.span(), &message))?;
    }
    for (name, figure) in &performance.figures {
        figure.get_ref().check(name).map_err(|why| text.at(figure.span(), &why))?;
        places.insert(rows::figure(name), text.place(&figure.span()));
    }
    let full = sign_off.is_some();
    let sign_off = sign_off.unwrap_or_default();
    Ok(Layer {
        source: text.source.to_owned(),
        places,
        sha256: Some(sha256(text.text.as_bytes())),
        warn_gap: logs.warn_gap.map(Spanned::into_inner),
        fail_gap: logs.fail_gap.map(Spanned::into_inner),
        max_listed: logs.max_listed,
        layout: logs.layout.map(Spanned::into_inner),
        ignore: logs.ignore.map(texts),
        error_statuses: logs.error_statuses.map(texts),
        warn_statuses: logs.warn_statuses.map(texts),
        diary_min_entries_per_day: diary.min_entries_per_day,
        diary_daily_gap_severity: diary.daily_gap_severity,
        diary_accept_status: diary.accept_status.map(texts),
        diary_explained_by: diary.explained_by.map(Spanned::into_inner),
        diary_min_explained: diary.min_explained,
        diary_explained_severity: diary.explained_severity,
        performance_min_roi: performance.min_roi,
        figures: performance.figures.into_iter().map(|(name, figure)| (name, figure.into_inner())).collect(),
        sign_off: full,
        min_duration: sign_off.min_duration,
        min_uptime: sign_off.min_uptime,
        min_sharpe: sign_off.min_sharpe,
        allow_warnings: sign_off.allow_warnings,
        optional_diary: sign_off.optional_diary,
        optional_performance: sign_off.optional_performance,
        waivers: Some(checked(text, waiver)?).filter(|waivers| !waivers.is_empty()),
        waivers_max_days: waivers.max_days,
        signatures,
        components,
        baseline,
        ..Layer::default()
    })
}

/// The tables that are about components, as they are written.
fn of_components(tables: &DeTable<'_>) -> serde_json::Value {
    let written = tables.iter().filter(|(name, _)| OF_COMPONENTS.contains(&name.get_ref().as_ref()));
    let written = written.filter_map(|(name, table)| {
        let table = toml::Value::deserialize(table.clone().into_deserializer()).ok()?;
        Some((name.get_ref().to_string(), serde_json::to_value(table).ok()?))
    });
    serde_json::Value::Object(written.collect())
}

/// What the policy asks of components; none if it says nothing of them.
fn components(text: Text<'_>, file: &File, tables: serde_json::Value) -> Option<readiness::Rules> {
    let mut rules = readiness::Rules {
        readiness: file.readiness.clone(),
        validation: file.validation.clone(),
        incident: file.incident.clone(),
        drift: file.drift.clone(),
        budgets: file.budgets.clone(),
        tables: serde_json::Value::Null,
    };
    // Earlier reports are beside the policy that names them.
    if let (Some(validation), Some(folder)) = (&mut rules.validation, Path::new(text.source).parent()) {
        for file in &mut validation.history {
            *file = folder.join(&*file);
        }
    }
    let folder = Path::new(text.source).parent();
    if let (Some(incident), Some(folder)) = (&mut rules.incident, folder)
        && let Some(runbooks) = incident.runbook_dir().map(|runbooks| folder.join(runbooks))
    {
        incident.limits.insert("runbook_dir".to_owned(), runbooks.display().to_string().into());
    }
    rules.any().then_some(readiness::Rules { tables, ..rules })
}

/// Reads a file of waivers. `source` is what the user calls it.
///
/// # Errors
/// As [`parse`].
pub fn parse_waivers(source: &str, text: &str) -> Result<Vec<Waiver>, String> {
    let text = Text::new(source, text);
    let WaiversFile { waiver } = read(text, text.tables()?)?;
    checked(text, waiver)
}

fn read<T: de::DeserializeOwned>(text: Text<'_>, tables: Spanned<DeTable<'_>>) -> Result<T, String> {
    T::deserialize(toml::Deserializer::from(tables)).map_err(|error| text.error(&error))
}

fn checked(text: Text<'_>, waivers: Vec<Spanned<Waiver>>) -> Result<Vec<Waiver>, String> {
    let check = |waiver: Spanned<Waiver>| match waiver.get_ref().check() {
        Ok(()) => Ok(waiver.into_inner()),
        Err(why) => Err(text.at(waiver.span(), &why)),
    };
    waivers.into_iter().map(check).collect()
}

/// Where each key is said: `policy.toml:7`.
fn places(text: Text<'_>, tables: &DeTable<'_>) -> BTreeMap<String, String> {
    let limits = tables.iter().filter(|(name, _)| !OF_OTHERS.contains(&name.get_ref().as_ref()));
    let keys = limits.filter_map(|(_, table)| table.get_ref().as_table()).flatten();
    keys.map(|(key, _)| (key.get_ref().to_string(), text.place(&key.span()))).collect()
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => parse_duration(&text).map(Some).map_err(de::Error::custom),
        other => Err(de::Error::custom(format!(
            "this is {}; write a duration in quotes, such as \"72h\", \"90m\" or \"30s\"",
            kind(&other)
        ))),
    }
}

fn spanned_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Spanned<Duration>>, D::Error> {
    let text = Spanned::<toml::Value>::deserialize(deserializer)?;
    let span = text.span();
    match duration(text.into_inner()).map_err(de::Error::custom)? {
        Some(Duration::ZERO) => Err(de::Error::custom("this must be longer than zero, such as \"1h\"")),
        length => Ok(length.map(|length| Spanned::new(span, length))),
    }
}

fn real<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::Float(number) if number.is_finite() => Ok(Some(number)),
        // Policies hold small numbers; a float is exact far beyond them.
        toml::Value::Integer(number) => Ok(Some(number as f64)),
        other => Err(de::Error::custom(format!("this is {}; write a number such as 1.2", kind(&other)))),
    }
}

fn sharpe<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match real(deserializer)? {
        Some(number) if number < 0.0 => Err(de::Error::custom("the lowest acceptable Sharpe ratio cannot be negative")),
        number => Ok(number),
    }
}

fn ratio<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match number_or_percent(&toml::Value::deserialize(deserializer)?) {
        Some(number) if (0.0..=1.0).contains(&number) => Ok(Some(number)),
        _ => Err(de::Error::custom("write a ratio from 0 to 1 such as 0.98, or a percentage such as \"98%\"")),
    }
}

fn severity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Status>, D::Error> {
    match toml::Value::deserialize(deserializer)?.as_str() {
        Some("warn") => Ok(Some(Status::Warn)),
        Some("fail") => Ok(Some(Status::Fail)),
        _ => Err(de::Error::custom("write \"warn\" or \"fail\"")),
    }
}

fn listed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match toml::Value::deserialize(deserializer)?.as_integer().map(usize::try_from) {
        Some(Ok(number)) if (1..=MOST_LISTED).contains(&number) => Ok(Some(number)),
        _ => Err(de::Error::custom(format!("write a whole number from 1 to {MOST_LISTED}, such as 1000"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_a_policy_file_are_shown_where_they_are() {
        for (text, expect) in [
            ("[logs]\nwarn_gapp = \"1h\"\n", "p.toml:2:1: unknown field `warn_gapp`; did you mean `warn_gap`?"),
            ("[log]\n", "p.toml:1:2: unknown field `log`"),
            ("[logs]\nwarn_gap = 60\n", "p.toml:2:12: this is a bare number; write a duration in quotes"),
            ("[logs]\nwarn_gap = \"60\"\n", "p.toml:2:12: the unit is missing"),
            ("[logs]\nwarn_gap = \"0s\"\n", "p.toml:2:12: this must be longer than zero"),
            ("[logs]\nwarn_gap = \"1h\"\nfail_gap = \"10m\"\n", "p.toml:3:12: this is shorter than warn_gap (1h)"),
            ("[logs]\nignore = [\"abc\"]\n", "p.toml:2:11: this is too short to ignore records by"),
            ("[logs]\nwarn_statuses = [\"4xx\", \"6xx\"]\n", "p.toml:2:25: this is no status of HTTP"),
            ("[logs]\nignore = [\"mirror \"]\n", "p.toml:2:11: this starts or ends with blanks"),
            ("[logs]\nmax_listed = 0\n", "p.toml:2:14: write a whole number from 1"),
            ("[sign_off]\nmin_uptime = 98\n", "p.toml:2:14: write a ratio from 0 to 1"),
            ("[sign_off]\nmin_sharpe = -1.0\n", "p.toml:2:14: the lowest acceptable Sharpe ratio cannot be negative"),
            ("[sign_off]\nmin_sharpe = nan\n", "p.toml:2:14: this is no finite number"),
            ("[sign_off]\nallow_warnings = \"yes\"\n", "p.toml:2:18: invalid type"),
            ("[diary]\nmin_entries_per_day = -1\n", "p.toml:2:23: "),
            ("[diary]\ndaily_gap_severity = \"pass\"\n", "p.toml:2:22: write \"warn\" or \"fail\""),
            (
                "[diary]\nmin_entries_per_day = \"x\"\n",
                "p.toml:2:23: invalid type: string \"x\", expected a whole number",
            ),
            ("[diary]\naccept_status = [\"x\", \"failed\"]\n", "p.toml:2:23: `failed` tells of a failure"),
            ("sign_off = true\n", "p.toml:1:12: this is a truth value; write one table [sign_off]"),
            ("[[logs]]\nwarn_gap = \"1h\"\n", "p.toml:1:1: this is a list; write one table [logs]"),
            ("[logs.layout]\nwrapping = \"x\"\n", "p.toml:1:1: `x` is no wrapping; write one of"),
            ("[logs\n", "p.toml:1:6: "),
        ] {
            let error = parse("p.toml", text).expect_err(text);
            assert!(error.starts_with(expect), "{text}: {error}");
            assert!(error.contains('^'), "{error}");
        }
        let error = parse("p.toml", "[logs]\nfail_gap = \"1 parsec\"\n").expect_err("no unit");
        insta::assert_snapshot!(error, @r#"
        p.toml:2:12: `parsec` is not a unit; write a number with a unit, such as 72h, 90m, 30s, 1h30m, 500ms or 2d
          |
        2 | fail_gap = "1 parsec"
          |            ^^^^^^^^^^
        "#);
    }
}
