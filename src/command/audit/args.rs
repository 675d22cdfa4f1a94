//! The options of `emp-ops audit`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::Error;
use super::super::export::ExportArgs;
use super::super::signing::{SignArgs, TrustArgs};
use crate::evidence::diary;
use crate::finding::Status;
use crate::time::Stamp;
use crate::verdict::policy::{Layer, MOST_LISTED};

/// The option that sets each limit of the policy.
const PLACES: [(&str, &str); 12] = [
    ("min_duration", "--sign-off-min-duration"),
    ("min_uptime", "--sign-off-min-uptime"),
    ("min_sharpe", "--sign-off-min-sharpe"),
    ("allow_warnings", "--sign-off-allow-warnings"),
    ("optional_diary", "--sign-off-optional-diary"),
    ("optional_performance", "--sign-off-optional-performance"),
    ("warn_gap", "--warn-gap"),
    ("fail_gap", "--fail-gap"),
    ("min_entries_per_day", "--diary-min-entries-per-day"),
    ("daily_gap_severity", "--diary-daily-gap-severity"),
    ("accept_status", "--diary-accept-status"),
    ("min_roi", "--performance-min-roi"),
];

/// What to judge, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  emp-ops audit runs/20251012T090000Z\n  emp-ops audit packet.tar.gz\n  \
                        emp-ops audit --log logs/ --diary diary.json --performance performance.json --sign-off")]
pub(crate) struct Audit {
    /// A run directory, a packet directory or a packet.tar.gz
    #[arg(value_name = "RUN_DIR")]
    pub(super) run: Option<PathBuf>,

    /// A log, a directory of logs, or - for standard input; repeatable
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    pub(super) log: Vec<PathBuf>,
    /// The decision diary
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    pub(super) diary: Option<PathBuf>,
    /// The performance report
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    pub(super) performance: Option<PathBuf>,
    /// A SHA256SUMS file or a packet's manifest.json: every listed file is hashed again
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    pub(super) checksums: Option<PathBuf>,
    /// The output of `terraform show -json PLAN`: any pending change is drift
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    pub(super) terraform_plan: Option<PathBuf>,
    /// The environment variable that holds the key of the diary's signatures
    #[arg(long, value_name = "NAME", help_heading = "Evidence")]
    pub(super) diary_key_env: Option<String>,
    /// Add to the metadata of the report; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::super::key_value, help_heading = "Evidence")]
    pub(super) metadata: Vec<(String, String)>,

    #[command(flatten)]
    thresholds: Thresholds,
    #[command(flatten)]
    sign_off: SignOffArgs,

    /// TOML with the tables logs, diary, performance and sign_off; options win over it
    #[arg(long, value_name = "FILE", help_heading = "Thresholds")]
    pub(super) policy: Option<PathBuf>,
    /// TOML with a table `waiver` for each: which gate or finding may fail, who answers for it, why, and until when
    #[arg(long, value_name = "FILE", help_heading = "Thresholds")]
    pub(super) waivers: Option<PathBuf>,
    /// Judge by this day whether waivers had run out [default: the end of the run]
    #[arg(long, value_name = "TIME", value_parser = super::super::stamp, help_heading = "Thresholds")]
    pub(super) as_of: Option<Stamp>,

    #[command(flatten)]
    pub(super) trust: TrustArgs,
    #[command(flatten)]
    pub(super) sign: SignArgs,
    #[command(flatten)]
    pub(super) decide: DecideArgs,

    #[command(flatten)]
    pub export: ExportArgs,

    /// Threads that read logs [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Thresholds")]
struct Thresholds {
    /// Longer silence in the logs is a WARN [default: a quarter of a required duration, 10s to 1h; else 1h]
    #[arg(long, value_name = "D", value_parser = super::super::positive_duration)]
    warn_gap: Option<Duration>,
    /// Longer silence in the logs is a FAIL [default: half of a required duration, 30s to 6h; else 6h]
    #[arg(long, value_name = "D", value_parser = super::super::positive_duration)]
    fail_gap: Option<Duration>,
    /// Diary entries that each UTC day must have
    #[arg(long, value_name = "N")]
    diary_min_entries_per_day: Option<u64>,
    /// What a day below that minimum is [default: warn]
    #[arg(long, value_name = "SEVERITY")]
    diary_daily_gap_severity: Option<Severity>,
    /// A further status word of the diary that is no reason to look; repeatable
    #[arg(long, value_name = "WORD", value_parser = acceptable)]
    diary_accept_status: Vec<String>,
    /// A lower return on investment is a WARN [default: 0]
    #[arg(long, value_name = "X", value_parser = super::super::number, allow_negative_numbers = true)]
    performance_min_roi: Option<f64>,
    /// How many findings of a kind are listed in full; counts stay exact [default: 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MOST_LISTED as i64))]
    max_listed: Option<u32>,
}

#[derive(Debug, Args)]
#[command(
    next_help_heading = "Sign-off (any of these turns it on; alone, the gates named apply, and the diary and performance report)"
)]
struct SignOffArgs {
    /// Judge for sign-off: 72h of evidence, uptime 98%, diary and performance report, no warnings
    #[arg(long)]
    sign_off: bool,
    /// The shortest acceptable evidence; 0s for no minimum [default with --sign-off: 72h]
    #[arg(long, value_name = "D", value_parser = super::super::duration)]
    sign_off_min_duration: Option<Duration>,
    /// The lowest acceptable uptime [default with --sign-off: 0.98]
    #[arg(long, value_name = "R", value_parser = super::super::ratio)]
    sign_off_min_uptime: Option<f64>,
    /// The lowest acceptable Sharpe ratio
    #[arg(long, value_name = "X", value_parser = sharpe, allow_negative_numbers = true)]
    sign_off_min_sharpe: Option<f64>,
    /// A WARN is acceptable
    #[arg(long)]
    sign_off_allow_warnings: bool,
    /// A diary need not be there
    #[arg(long)]
    sign_off_optional_diary: bool,
    /// A performance report need not be there
    #[arg(long)]
    sign_off_optional_performance: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Severity {
    Warn,
    Fail,
}

fn sharpe(text: &str) -> Result<f64, String> {
    match super::super::number(text)? {
        number if number < 0.0 => Err("the lowest acceptable Sharpe ratio cannot be negative".to_owned()),
        number => Ok(number),
    }
}

/// What is signed.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Signatures")]
pub(super) struct DecideArgs {
    /// Sign a decision about the packet, not its verdict
    #[arg(long, value_name = "DECISION", requires = "name")]
    pub(super) decision: Option<DecisionArg>,
    /// Whose decision it is: the name by which verifiers know the key
    #[arg(long = "as", id = "name", value_name = "NAME", requires = "decision")]
    pub(super) name: Option<String>,
    /// Why; needed to reject, and to approve what is not PASSED
    #[arg(long, value_name = "TEXT", requires = "decision")]
    pub(super) note: Option<String>,
    /// Write the bytes to sign into this file, for a key that never leaves its token
    #[arg(long, value_name = "FILE", conflicts_with = "sign_key")]
    pub(super) to_sign: Option<PathBuf>,
    /// Add this signature over the bytes that --to-sign wrote, of the one key given by --verify-key
    #[arg(long, value_name = "FILE", requires = "to_sign", conflicts_with_all = ["decision", "sign_key"])]
    pub(super) add_signature: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DecisionArg {
    /// The packet is accepted
    Approve,
    /// It is not
    Reject,
}

impl Audit {
    /// Whether it is clear what is to be judged.
    pub(super) fn check(&self) -> Result<(), Error> {
        let files = !self.log.is_empty() || self.diary.is_some() || self.performance.is_some();
        let twice = self.log.iter().filter(|path| path.as_os_str() == "-").count() > 1;
        let text = match &self.run {
            Some(run) if files => format!(
                "{} brings its own logs, diary and performance report; name either a run directory or files with \
                 --log, --diary and --performance",
                run.display()
            ),
            None if self.log.is_empty() => {
                "there is nothing to judge; name a run directory or packet, or logs with --log PATH".to_owned()
            }
            _ if twice => "standard input can be read only once; give one --log -".to_owned(),
            _ => return Ok(()),
        };
        Err(Error::Usage(text))
    }

    /// What the report calls the evidence.
    pub(super) fn subject_name(&self) -> String {
        match (&self.run, self.log.as_slice()) {
            (Some(run), _) => run.display().to_string(),
            (None, [only]) if only.as_os_str() == "-" => "standard input".to_owned(),
            (None, [only]) => only.display().to_string(),
            (None, [first, rest @ ..]) => format!("{} and {} more", first.display(), rest.len()),
            (None, []) => String::new(),
        }
    }

    /// What the command line says about thresholds and criteria.
    pub(super) fn layer(&self) -> Result<Layer, Error> {
        let (thresholds, sign_off) = (&self.thresholds, &self.sign_off);
        let accepted = &thresholds.diary_accept_status;
        Ok(Layer {
            waivers: self.waivers.as_deref().map(super::super::waivers).transpose()?,
            source: "the command line".to_owned(),
            places: PLACES.map(|(limit, option)| (limit.to_owned(), option.to_owned())).into(),
            warn_gap: thresholds.warn_gap,
            fail_gap: thresholds.fail_gap,
            max_listed: thresholds.max_listed.map(|n| n as usize),
            diary_min_entries_per_day: thresholds.diary_min_entries_per_day,
            diary_daily_gap_severity: thresholds.diary_daily_gap_severity.map(|severity| match severity {
                Severity::Warn => Status::Warn,
                Severity::Fail => Status::Fail,
            }),
            diary_accept_status: (!accepted.is_empty()).then(|| accepted.clone()),
            performance_min_roi: thresholds.performance_min_roi,
            sign_off: sign_off.sign_off,
            min_duration: sign_off.sign_off_min_duration,
            min_uptime: sign_off.sign_off_min_uptime,
            min_sharpe: sign_off.sign_off_min_sharpe,
            allow_warnings: sign_off.sign_off_allow_warnings.then_some(true),
            optional_diary: sign_off.sign_off_optional_diary.then_some(true),
            optional_performance: sign_off.sign_off_optional_performance.then_some(true),
            ..Layer::default()
        })
    }
}

fn acceptable(word: &str) -> Result<String, String> {
    diary::acceptable(word).map(|()| word.to_owned())
}
