//! `emp-ops audit`: judge evidence that exists.

mod sign;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::sign::{DecideArgs, Signing};
use super::export::{ExportArgs, Exports};
use super::signing::{SignArgs, TrustArgs};
use super::{Common, Error, NOT_ACCEPTED, Outcome};
use crate::evidence::diary;
use crate::finding::Status;
use crate::io::load::{self, LoadError, Request, Subject};
use crate::io::tty::terminal;
use crate::io::{clock, files};
use crate::report;
use crate::report::page::Excerpts;
use crate::report::page::run::{self, Facts};
use crate::report::view::View;
use crate::time::Stamp;
use crate::verdict::policy::{self, Layer, MOST_LISTED};

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
    run: Option<PathBuf>,

    /// A log, a directory of logs, or - for standard input; repeatable
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    log: Vec<PathBuf>,
    /// The decision diary
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    diary: Option<PathBuf>,
    /// The performance report
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    performance: Option<PathBuf>,
    /// A SHA256SUMS file or a packet's manifest.json: every listed file is hashed again
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    checksums: Option<PathBuf>,
    /// The output of `terraform show -json PLAN`: any pending change is drift
    #[arg(long, value_name = "PATH", help_heading = "Evidence")]
    terraform_plan: Option<PathBuf>,
    /// The environment variable that holds the key of the diary's signatures
    #[arg(long, value_name = "NAME", help_heading = "Evidence")]
    diary_key_env: Option<String>,
    /// Add to the metadata of the report; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::key_value, help_heading = "Evidence")]
    metadata: Vec<(String, String)>,

    #[command(flatten)]
    thresholds: Thresholds,
    #[command(flatten)]
    sign_off: SignOffArgs,

    /// TOML with the tables logs, diary, performance and sign_off; options win over it
    #[arg(long, value_name = "FILE", help_heading = "Thresholds")]
    policy: Option<PathBuf>,
    /// TOML with a table `waiver` for each: which gate or finding may fail, who answers for it, why, and until when
    #[arg(long, value_name = "FILE", help_heading = "Thresholds")]
    waivers: Option<PathBuf>,
    /// Judge by this day whether waivers had run out [default: the end of the run]
    #[arg(long, value_name = "TIME", value_parser = super::stamp, help_heading = "Thresholds")]
    as_of: Option<Stamp>,

    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    sign: SignArgs,
    #[command(flatten)]
    decide: DecideArgs,

    #[command(flatten)]
    pub export: ExportArgs,

    /// Threads that read logs [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Thresholds")]
struct Thresholds {
    /// Longer silence in the logs is a WARN [default: a quarter of a required duration, 10s to 1h; else 1h]
    #[arg(long, value_name = "D", value_parser = super::positive_duration)]
    warn_gap: Option<Duration>,
    /// Longer silence in the logs is a FAIL [default: half of a required duration, 30s to 6h; else 6h]
    #[arg(long, value_name = "D", value_parser = super::positive_duration)]
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
    #[arg(long, value_name = "X", value_parser = super::number, allow_negative_numbers = true)]
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
    #[arg(long, value_name = "D", value_parser = super::duration)]
    sign_off_min_duration: Option<Duration>,
    /// The lowest acceptable uptime [default with --sign-off: 0.98]
    #[arg(long, value_name = "R", value_parser = super::ratio)]
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
    match super::number(text)? {
        number if number < 0.0 => Err("the lowest acceptable Sharpe ratio cannot be negative".to_owned()),
        number => Ok(number),
    }
}

/// Loads the evidence, judges it and reports.
///
/// # Errors
/// Options or policy contradict each other, or the evidence's place cannot be used. Bad evidence is a FAIL, no error.
pub(crate) fn run(common: &Common, mut args: Audit, exports: &Exports) -> Result<ExitCode, Error> {
    args.check()?;
    let mut layers = vec![args.layer()?];
    if let Some(path) = &args.policy {
        layers.push(read_policy(path)?);
    }
    policy::check_waivers(&layers, clock::now()).map_err(Error::Usage)?;
    let signatures = layers.iter().find_map(|layer| layer.signatures.clone()).unwrap_or_default();
    let trust = args.trust.trust(&signatures)?;
    let signing = Signing::plan(common, &args, &trust)?;
    let subject_name = args.subject_name();
    let diary_key = args.diary_key_env.as_deref().map(key_from).transpose()?;
    let mut attestations = std::mem::take(&mut args.trust.attestation);
    attestations.extend(signing.as_ref().and_then(Signing::kept_elsewhere));
    let request = Request {
        metadata: super::metadata(&args.metadata),
        subject: match args.run {
            Some(run) => Subject::Run(run),
            None => Subject::Files { logs: args.log, diary: args.diary, performance: args.performance },
        },
        checksums: args.checksums,
        plan: args.terraform_plan,
        layers,
        diary_key,
        threads: args.threads.map_or(0, usize::from),
        show_progress: !common.quiet,
        trust,
        attestations,
        as_of: args.as_of,
        sealing: false,
    };
    let judge = |request: &Request| {
        load::judge(request).map_err(|error| match error {
            LoadError::Usage(text) => Error::Usage(text),
            LoadError::File(error) => Error::File(error),
        })
    };
    let mut audit = judge(&request)?;
    let mut refused = None;
    if let Some(signing) = &signing {
        refused = signing.refusal(&audit);
        if refused.is_none() {
            signing.carry_out(common, &audit)?;
            let attestations = request.attestations.iter().cloned().chain(signing.kept_elsewhere()).collect();
            audit = judge(&Request { attestations, show_progress: false, ..request })?;
        }
    }
    let mut doc = report::audit::doc(&audit, &subject_name);
    if common.verbose {
        report::audit::layouts(&mut doc, &audit);
    }
    let outcome = Outcome { name: "audit", status: audit.verdict, json: &audit, doc: &doc };
    let view = View::of_audit(&audit, &subject_name);
    let page = |_: &Path| run::page(&Facts::of_audit(&audit, &view.rows, &Excerpts::new()));
    exports.finish(&outcome, &view, page)?;
    let code = common.emit(&outcome)?;
    match refused {
        Some(why) => {
            terminal::note(&format!("nothing was signed: {why}"));
            Ok(NOT_ACCEPTED.into())
        }
        None => Ok(code),
    }
}

fn read_policy(path: &std::path::Path) -> Result<Layer, Error> {
    let bytes = files::read(path).map_err(|error| Error::Usage(error.to_string()))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::Usage(format!("{} is not UTF-8 text; write the policy as TOML", path.display())))?;
    policy::parse(&path.display().to_string(), &text).map_err(Error::Usage)
}

/// The key is never on the command line, where everybody could see it.
fn key_from(name: &str) -> Result<Vec<u8>, Error> {
    match std::env::var(name) {
        Ok(key) if !key.is_empty() => Ok(key.into_bytes()),
        _ => Err(Error::Usage(format!("--diary-key-env: the variable {name} is not set; set it to the signing key"))),
    }
}

impl Audit {
    /// Whether it is clear what is to be judged.
    fn check(&self) -> Result<(), Error> {
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
    fn subject_name(&self) -> String {
        match (&self.run, self.log.as_slice()) {
            (Some(run), _) => run.display().to_string(),
            (None, [only]) if only.as_os_str() == "-" => "standard input".to_owned(),
            (None, [only]) => only.display().to_string(),
            (None, [first, rest @ ..]) => format!("{} and {} more", first.display(), rest.len()),
            (None, []) => String::new(),
        }
    }

    /// What the command line says about thresholds and criteria.
    fn layer(&self) -> Result<Layer, Error> {
        let (thresholds, sign_off) = (&self.thresholds, &self.sign_off);
        let accepted = &thresholds.diary_accept_status;
        Ok(Layer {
            waivers: self.waivers.as_deref().map(super::waivers).transpose()?,
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
