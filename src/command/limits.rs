//! The limits by which evidence is judged, under one name everywhere: as options of `final-dry-run` and `audit`, as
//! variables of the environment, and as keys of a configuration or policy file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::config::{Config, LIMITS};
use super::{Error, SeverityArg, duration, number, positive_duration, ratio, waivers};
use crate::evidence::diary;
use crate::io::clock;
use crate::io::files;
use crate::verdict::policy::{self, Layer, MOST_LISTED};

/// The limits as options.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Criteria")]
pub(crate) struct LimitArgs {
    /// Shorter evidence is a FAIL; 0s for no minimum [default: the duration of the run; of a sign-off without one: 72h]
    #[arg(long, value_name = "D", value_parser = duration, aliases = ["required-duration", "sign-off-min-duration"])]
    pub min_duration: Option<Duration>,
    /// The lowest acceptable uptime [default: 98%]
    #[arg(long, value_name = "R", value_parser = ratio, alias = "sign-off-min-uptime")]
    pub min_uptime: Option<f64>,
    /// The lowest acceptable Sharpe ratio
    #[arg(long, value_name = "X", value_parser = sharpe, allow_negative_numbers = true, alias = "sign-off-min-sharpe")]
    pub min_sharpe: Option<f64>,
    /// Accept warnings: they stay WARN instead of becoming FAIL
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          alias = "sign-off-allow-warnings")]
    pub allow_warnings: Option<bool>,
    /// A decision diary need not be there; one that is there is judged
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          alias = "sign-off-optional-diary")]
    pub optional_diary: Option<bool>,
    /// A performance report need not be there; one that is there is judged
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          alias = "sign-off-optional-performance")]
    pub optional_performance: Option<bool>,
    /// Longer silence in the logs is a WARN [default: a quarter of a required duration, 10s to 1h; else 1h]
    #[arg(long, value_name = "D", value_parser = positive_duration)]
    pub warn_gap: Option<Duration>,
    /// Longer silence in the logs is a FAIL [default: half of a required duration, 30s to 6h; else 6h]
    #[arg(long, value_name = "D", value_parser = positive_duration)]
    pub fail_gap: Option<Duration>,
    /// How many findings of a kind are listed in full; counts stay exact [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_LISTED as i64))]
    pub max_listed: Option<u32>,
    /// Diary entries that each UTC day must have
    #[arg(long, value_name = "N")]
    pub diary_min_entries_per_day: Option<u64>,
    /// What a day below that minimum is [default: warn]
    #[arg(long, value_name = "SEVERITY")]
    pub diary_daily_gap_severity: Option<SeverityArg>,
    /// A further status word of the diary that is no reason to look; repeatable
    #[arg(long, value_name = "WORD", value_parser = acceptable)]
    pub diary_accept_status: Vec<String>,
    /// A lower return on investment is a WARN [default: 0]
    #[arg(long, value_name = "X", value_parser = number, allow_negative_numbers = true)]
    pub performance_min_roi: Option<f64>,
    /// Criteria and limits as TOML; options, variables and the configuration win over the file
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// TOML with a table `waiver` for each: which gate or finding may fail, who answers for it, why, and until when
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
}

impl LimitArgs {
    /// What the options and variables say, over the configuration, over the policy file.
    ///
    /// # Errors
    /// A file cannot be read or used, or a waiver reaches too far ahead.
    pub(crate) fn layers(&self, config: &Config) -> Result<Vec<Layer>, Error> {
        let mut layers = vec![self.layer(config)?];
        layers.extend(config.layers.iter().cloned());
        layers.extend(self.policy.as_deref().map(read_policy).transpose()?);
        policy::check_waivers(&layers, clock::now()).map_err(Error::Usage)?;
        Ok(layers)
    }

    fn layer(&self, config: &Config) -> Result<Layer, Error> {
        let places: BTreeMap<String, String> =
            LIMITS.iter().map(|limit| (limit.key.to_owned(), config.place_of(limit.option))).collect();
        Ok(Layer {
            source: "the command line".to_owned(),
            places,
            waivers: self.waivers.as_deref().map(waivers).transpose()?,
            warn_gap: self.warn_gap,
            fail_gap: self.fail_gap,
            max_listed: self.max_listed.map(|n| n as usize),
            diary_min_entries_per_day: self.diary_min_entries_per_day,
            diary_daily_gap_severity: self.diary_daily_gap_severity.map(Into::into),
            diary_accept_status: Some(self.diary_accept_status.clone()).filter(|words| !words.is_empty()),
            performance_min_roi: self.performance_min_roi,
            min_duration: self.min_duration,
            min_uptime: self.min_uptime,
            min_sharpe: self.min_sharpe,
            allow_warnings: self.allow_warnings,
            optional_diary: self.optional_diary,
            optional_performance: self.optional_performance,
            ..Layer::default()
        })
    }
}

fn read_policy(path: &Path) -> Result<Layer, Error> {
    let bytes = files::read(path).map_err(|error| Error::Usage(error.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::Usage(format!("{} is not UTF-8 text; write the policy as TOML", path.display())))?;
    policy::parse(&path.display().to_string(), &text).map_err(Error::Usage)
}

fn sharpe(text: &str) -> Result<f64, String> {
    match number(text)? {
        number if number < 0.0 => Err("the lowest acceptable Sharpe ratio cannot be negative".to_owned()),
        number => Ok(number),
    }
}

fn acceptable(word: &str) -> Result<String, String> {
    diary::acceptable(word).map(|()| word.to_owned())
}
