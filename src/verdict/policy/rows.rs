//! The limits of a policy as a table: the value of each, who set it, and whether it is looser than it was meant to be.

use super::Layer;
use crate::finding::{Criterion, NotRequired, Status, percent};
use crate::log::access::Statuses;
use crate::time::human_duration;

/// A limit of the policy.
struct Limit {
    /// Its name in the policy file.
    name: &'static str,
    /// What a source says, as a number by which two sources compare.
    of: fn(&Layer) -> Option<f64>,
    /// Whether the larger number is the looser limit.
    more_is_looser: bool,
    /// What a source says, in words.
    text: fn(&Layer) -> String,
}

const LIMITS: [Limit; 17] = [
    Limit {
        name: "min_duration",
        of: |layer| layer.min_duration.map(|length| length.as_secs_f64()),
        more_is_looser: false,
        text: |layer| match layer.min_duration {
            Some(length) if !length.is_zero() => human_duration(length),
            _ => "none".to_owned(),
        },
    },
    Limit {
        name: "min_uptime",
        of: |layer| layer.min_uptime,
        more_is_looser: false,
        text: |layer| layer.min_uptime.map(percent).unwrap_or_default(),
    },
    Limit {
        name: "min_sharpe",
        of: |layer| layer.min_sharpe,
        more_is_looser: false,
        text: |layer| layer.min_sharpe.map(|ratio| ratio.to_string()).unwrap_or_default(),
    },
    Limit {
        name: "allow_warnings",
        of: |layer| layer.allow_warnings.map(number),
        more_is_looser: true,
        text: |layer| yes_no(layer.allow_warnings),
    },
    Limit {
        name: "optional_diary",
        of: |layer| layer.optional_diary.map(number),
        more_is_looser: true,
        text: |layer| yes_no(layer.optional_diary),
    },
    Limit {
        name: "optional_performance",
        of: |layer| layer.optional_performance.map(number),
        more_is_looser: true,
        text: |layer| yes_no(layer.optional_performance),
    },
    Limit {
        name: "warn_gap",
        of: |layer| layer.warn_gap.map(|length| length.as_secs_f64()),
        more_is_looser: true,
        text: |layer| layer.warn_gap.map(human_duration).unwrap_or_default(),
    },
    Limit {
        name: "fail_gap",
        of: |layer| layer.fail_gap.map(|length| length.as_secs_f64()),
        more_is_looser: true,
        text: |layer| layer.fail_gap.map(human_duration).unwrap_or_default(),
    },
    Limit {
        name: "ignore",
        of: |layer| layer.ignore.as_ref().map(|texts| texts.len() as f64),
        more_is_looser: true,
        text: |layer| match layer.ignore.as_deref() {
            None | Some([]) => "none".to_owned(),
            Some(texts) => quoted(texts),
        },
    },
    Limit {
        name: "error_statuses",
        of: |layer| layer.error_statuses.as_deref().map(|error| counting(error, &[])),
        more_is_looser: false,
        text: |layer| statuses(layer.error_statuses.as_deref()),
    },
    Limit {
        name: "warn_statuses",
        // One that is an error counts too: that is no relaxation.
        of: |layer| {
            let warn = layer.warn_statuses.as_deref()?;
            Some(counting(layer.error_statuses.as_deref().unwrap_or_default(), warn))
        },
        more_is_looser: false,
        text: |layer| statuses(layer.warn_statuses.as_deref()),
    },
    Limit {
        name: "min_entries_per_day",
        of: |layer| layer.diary_min_entries_per_day.map(|entries| entries as f64),
        more_is_looser: false,
        text: |layer| layer.diary_min_entries_per_day.unwrap_or_default().to_string(),
    },
    Limit {
        name: "daily_gap_severity",
        of: |layer| layer.diary_daily_gap_severity.map(|severity| number(severity == Status::Fail)),
        more_is_looser: false,
        text: |layer| layer.diary_daily_gap_severity.map(|severity| severity.word().to_owned()).unwrap_or_default(),
    },
    Limit {
        name: "accept_status",
        of: |layer| layer.diary_accept_status.as_ref().map(|words| words.len() as f64),
        more_is_looser: true,
        text: |layer| listed(layer.diary_accept_status.as_deref()),
    },
    Limit {
        name: "min_explained",
        of: |layer| layer.diary_min_explained,
        more_is_looser: false,
        text: |layer| layer.diary_min_explained.map(percent).unwrap_or_default(),
    },
    Limit {
        name: "min_roi",
        of: |layer| layer.performance_min_roi,
        more_is_looser: false,
        text: |layer| layer.performance_min_roi.map(|roi| roi.to_string()).unwrap_or_default(),
    },
    Limit {
        name: "stderr_level",
        of: |layer| layer.stderr_severity.map(|severity| f64::from(severity as u8)),
        more_is_looser: false,
        text: |layer| {
            match layer.stderr_severity {
                Some(Status::Pass) => "info",
                Some(Status::Warn) => "warning",
                Some(Status::Fail) | None => "error",
            }
            .to_owned()
        },
    },
];

/// How many statuses of HTTP these lists make at least a warning.
fn counting(error: &[String], warn: &[String]) -> f64 {
    Statuses { error: Some(error.to_vec()), warn: warn.to_vec() }.count(Status::Warn) as f64
}

fn listed(words: Option<&[String]>) -> String {
    match words {
        None | Some([]) => "none".to_owned(),
        Some(words) => words.join(", "),
    }
}

fn statuses(names: Option<&[String]>) -> String {
    match names {
        None | Some([]) => "no status".to_owned(),
        names => listed(names),
    }
}

/// Limits that are not said where they are not set.
const UNLESS_SET: [&str; 4] = ["ignore", "error_statuses", "warn_statuses", "stderr_level"];

/// Limits whose relaxing a gate of its own shows as given up.
const OF_A_GATE: [&str; 3] = ["optional_diary", "optional_performance", "ignore"];

/// Whether relaxing this limit loosened a gate; false where a gate says itself what it gave up.
pub fn is_loosened(row: &Criterion) -> bool {
    row.relaxed && !OF_A_GATE.contains(&row.limit.as_str()) && row.value != "none"
}

/// The name of a figure's limit, and of the place where it is said.
pub(super) fn figure(name: &str) -> String {
    format!("figures.{name}")
}

/// The limits of the figures: of each, what the first source says that names it.
fn figures(layers: &[Layer]) -> Vec<Criterion> {
    let mut names: Vec<&String> = layers.iter().flat_map(|layer| layer.figures.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let row = |name: &String| {
        let mut saying = layers.iter().filter_map(|layer| Some((layer, layer.figures.get(name)?)));
        let (layer, holds) = saying.next()?;
        let limit = figure(name);
        let recorded = layer.recorded.iter().find(|row| row.limit == limit);
        let stricter = saying.find(|(_, other)| holds.is_looser(other));
        let relaxed_from = stricter.map(|(below, other)| format!("{} ({})", other.asked(), below.place_of(&limit)));
        let relaxed_from = recorded.and_then(|row| row.relaxed_from.clone()).or(relaxed_from);
        Some(Criterion {
            value: format!("{} {}", holds.pointer, holds.asked()),
            source: recorded.map_or_else(|| layer.place_of(&limit), |row| row.source.clone()),
            policy_sha256: recorded.map_or_else(|| layer.sha256.clone(), |row| row.policy_sha256.clone()),
            relaxed: relaxed_from.is_some(),
            relaxed_from,
            limit,
        })
    };
    names.into_iter().filter_map(row).collect()
}

/// The table of the limits that `layers` set, the first over all others. The last layer holds the defaults.
pub(super) fn rows(layers: &[Layer]) -> Vec<Criterion> {
    let rows = LIMITS.iter().filter_map(|limit| row(limit, layers));
    // That nothing is ignored is no limit.
    let unset = |row: &Criterion| matches!(row.value.as_str(), "none" | "no status" | "error") && !row.relaxed;
    rows.filter(|row| !UNLESS_SET.contains(&row.limit.as_str()) || !unset(row)).chain(figures(layers)).collect()
}

fn row(limit: &Limit, layers: &[Layer]) -> Option<Criterion> {
    let (at, value) = layers.iter().enumerate().find_map(|(at, layer)| Some((at, (limit.of)(layer)?)))?;
    let layer = &layers[at];
    let recorded = layer.recorded.iter().find(|row| row.limit == limit.name);
    let looser = |than: f64| if limit.more_is_looser { value > than } else { value < than };
    // How long a rehearsal must be is for a policy to say; only the length of this very run is a default beside it.
    let standard = |below: &Layer| below.is_builtin && layer.sha256.is_some() && limit.name == "min_duration";
    let mut below = replaced(limit, &layers[at..]).filter(|below| !standard(below));
    let replaced = below.find(|below| (limit.of)(below).is_some_and(looser));
    let relaxed_from = replaced.map(|below| format!("{} ({})", (limit.text)(below), below.place_of(limit.name)));
    let relaxed_from = recorded.and_then(|row| row.relaxed_from.clone()).or(relaxed_from);
    Some(Criterion {
        limit: limit.name.to_owned(),
        value: (limit.text)(layer),
        source: recorded.map_or_else(|| layer.place_of(limit.name), |row| row.source.clone()),
        policy_sha256: recorded.map_or_else(|| layer.sha256.clone(), |row| row.policy_sha256.clone()),
        relaxed: relaxed_from.is_some(),
        relaxed_from,
    })
}

/// What the first of `layers` replaced: the sources below it, down to the default of this run.
fn replaced<'a>(limit: &Limit, layers: &'a [Layer]) -> impl Iterator<Item = &'a Layer> {
    let speaking: Vec<&Layer> = layers.iter().filter(|layer| (limit.of)(layer).is_some()).collect();
    let default = speaking.iter().position(|layer| layer.is_default).unwrap_or(speaking.len());
    speaking.into_iter().take(default + 1).skip(1)
}

impl Layer {
    /// Where this source says `limit`.
    pub(super) fn place_of(&self, limit: &str) -> String {
        let unnamed = if self.is_default { NotRequired::DEFAULT } else { &self.source };
        self.places.get(limit).map_or(unnamed, String::as_str).to_owned()
    }
}

fn number(yes: bool) -> f64 {
    f64::from(u8::from(yes))
}

/// `"a", "b"`.
fn quoted(texts: &[String]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ")
}

fn yes_no(said: Option<bool>) -> String {
    if said == Some(true) { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::verdict::policy::resolve;

    /// A layer that is said at this place, of a policy file where its name is one.
    fn said(source: &str, layer: Layer) -> Layer {
        let sha256 = source.ends_with(".toml").then(|| "00".to_owned());
        Layer { source: source.to_owned(), sha256, sign_off: true, ..layer }
    }

    fn run_of(length: u64) -> Layer {
        Layer { is_default: true, min_duration: Some(Duration::from_secs(length)), sign_off: true, ..Layer::default() }
    }

    #[test]
    fn each_limit_says_who_set_it_and_what_it_is_looser_than() {
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
        let option = |layer: Layer| said("--option", layer);
        let file = |layer: Layer| said("p.toml", layer);
        let uptime = |ratio: f64| Layer { min_uptime: Some(ratio), ..Layer::default() };
        let length = |length| Layer { min_duration: length, ..Layer::default() };
        let warnings = |allow| Layer { allow_warnings: Some(allow), ..Layer::default() };
        let gap = |gap| Layer { fail_gap: gap, ..Layer::default() };
        let ignore = |texts: &[&str]| Layer {
            ignore: Some(texts.iter().map(|text| (*text).to_owned()).collect()),
            ..Layer::default()
        };
        for (limit, layers, value, source, from) in [
            ("min_uptime", vec![], "98%", "default", None),
            ("min_uptime", vec![option(uptime(0.99))], "99%", "--option", None),
            ("min_uptime", vec![option(uptime(0.98))], "98%", "--option", None),
            ("min_uptime", vec![option(uptime(0.9))], "90%", "--option", Some("98% (default)")),
            ("min_uptime", vec![file(uptime(0.9))], "90%", "p.toml", Some("98% (default)")),
            ("min_uptime", vec![option(uptime(0.99)), file(uptime(0.995))], "99%", "--option", Some("99.5% (p.toml)")),
            ("min_uptime", vec![option(uptime(0.995)), file(uptime(0.9))], "99.5%", "--option", None),
            (
                "min_duration",
                vec![option(length(hours(1))), file(length(hours(72)))],
                "1h",
                "--option",
                Some("3d (p.toml)"),
            ),
            ("min_duration", vec![option(length(hours(0)))], "none", "--option", Some("3d (default)")),
            // How long a rehearsal must be is for a policy to say, but not less than this very run.
            ("min_duration", vec![file(length(hours(8)))], "8h", "p.toml", None),
            ("min_duration", vec![file(length(hours(8))), run_of(10 * 3600)], "8h", "p.toml", Some("10h (default)")),
            ("allow_warnings", vec![option(warnings(true))], "yes", "--option", Some("no (default)")),
            ("allow_warnings", vec![option(warnings(false)), file(warnings(true))], "no", "--option", None),
            ("fail_gap", vec![option(gap(hours(7)))], "7h", "--option", Some("6h (default)")),
            ("fail_gap", vec![option(gap(hours(2)))], "2h", "--option", None),
            (
                "ignore",
                vec![file(ignore(&["a b c", "d e f"]))],
                "\"a b c\", \"d e f\"",
                "p.toml",
                Some("none (default)"),
            ),
        ] {
            let layers = if layers.is_empty() { vec![said("", Layer::default())] } else { layers };
            let rows = resolve(&layers).expect("no contradiction").rows;
            let row = rows.iter().find(|row| row.limit == limit).expect(limit);
            assert_eq!((row.value.as_str(), row.source.as_str()), (value, source), "{limit}");
            assert_eq!((row.relaxed, row.relaxed_from.as_deref()), (from.is_some(), from), "{limit} {value}");
        }
        let rows = resolve(&[option(ignore(&[]))]).expect("no contradiction").rows;
        assert!(rows.iter().all(|row| row.limit != "ignore"), "that nothing is ignored is no limit");
    }
}
