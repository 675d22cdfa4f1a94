//! The options of `emp-ops audit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::super::export::ExportArgs;
use super::super::limits::LimitArgs;
use super::super::signing::{SignArgs, TrustArgs};
use super::super::{Error, component};
use crate::finding::count;
use crate::io::load::Against;
use crate::time::Stamp;
use crate::verdict::policy::Layer;

/// What to judge, and how.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  emp-ops audit runs/20251012T090000Z\n  emp-ops audit packet.tar.gz\n  \
                        emp-ops audit --log logs/ --diary diary.json --performance performance.json --sign-off")]
pub(crate) struct Audit {
    /// A run directory, a packet directory or a packet.tar.gz; with --shard and --merge, a plan and partials
    #[arg(id = "run", value_name = "RUN_DIR")]
    pub(super) paths: Vec<PathBuf>,
    /// The run or packet among these.
    #[arg(skip)]
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
    /// A document of another system that is part of the verdict: a validation report, the state of incident response, …;
    /// JSON, TOML or lines of KEY=value; repeatable
    #[arg(long, value_name = "[NAME=]PATH", value_parser = component, help_heading = "Evidence")]
    pub(super) component: Vec<(Option<String>, PathBuf)>,
    /// The environment variable that holds the key of the diary's signatures
    #[arg(long, value_name = "NAME", help_heading = "Evidence")]
    pub(super) diary_key_env: Option<String>,
    /// Add to the metadata of the report; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::super::key_value, help_heading = "Evidence")]
    pub(super) metadata: Vec<(String, String)>,

    /// Judge for sign-off: 72h of evidence, uptime 98%, diary and performance report, no warnings. Any of the criteria
    /// below asks for one too, with the gates that it names and the diary and performance report
    #[arg(long, help_heading = "Criteria")]
    pub(super) sign_off: bool,
    #[command(flatten)]
    pub(super) limits: LimitArgs,
    /// The present, by which ages of components and ends of waivers are judged [default: the end of the run, else now]
    #[arg(long, value_name = "TIME", value_parser = super::super::stamp, help_heading = "Criteria")]
    pub(super) as_of: Option<Stamp>,

    /// An accepted run, its packet, or an assessment of another tool, that this run must be no worse than; repeatable.
    /// auto takes the accepted runs of the same command that are beside it
    #[arg(long, value_name = "PATH|auto", help_heading = "Comparison")]
    pub(super) baseline: Vec<PathBuf>,
    /// Compare with runs that were not accepted, too
    #[arg(long, requires = "baseline", help_heading = "Comparison")]
    pub(super) baseline_any: bool,
    /// Two runs or more in the order of time: how each figure moves. The verdict is that of the last one
    #[arg(long, value_name = "RUN", num_args = 1.., conflicts_with_all = ["run", "log"], help_heading = "Comparison")]
    pub(super) trend: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) trust: TrustArgs,
    #[command(flatten)]
    pub(super) sign: SignArgs,
    #[command(flatten)]
    pub(super) decide: DecideArgs,

    #[command(flatten)]
    pub(super) shards: ShardArgs,

    #[command(flatten)]
    pub export: ExportArgs,

    /// Threads that read logs [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Evidence")]
    pub(super) threads: Option<u16>,
}

/// Logs that are read in shards, by any number of machines.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Shards")]
pub(super) struct ShardArgs {
    /// Write a plan that divides the logs of --log into shards, and read none of them
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["shard", "merge", "partial", "run"], requires = "log")]
    pub(super) shard_plan: Option<PathBuf>,
    /// About how large a shard is [default: 256M]
    #[arg(long, value_name = "SIZE", value_parser = super::super::size, requires = "shard_plan")]
    pub(super) shard_size: Option<u64>,
    /// A log that is not to be cut; repeatable
    #[arg(long, value_name = "PATH", requires = "shard_plan")]
    pub(super) whole: Vec<PathBuf>,
    /// Read this shard of the plan, from 0, and write its partial; with `--log -` its bytes come from standard input
    #[arg(long, value_name = "K", requires = "partial", conflicts_with = "merge")]
    pub(super) shard: Option<u32>,
    /// Merge partials; with their plan among them, judge what they come to
    #[arg(long)]
    pub(super) merge: bool,
    /// Write the partial into this file, or - for standard output
    #[arg(long, value_name = "FILE")]
    pub(super) partial: Option<PathBuf>,
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
    /// The run or packet that is named.
    ///
    /// # Errors
    /// There are several, or a partial is asked for without a shard or a merge.
    pub(super) fn only_path(&self) -> Result<Option<PathBuf>, Error> {
        if self.shards.partial.is_some() {
            return Err(Error::Usage("--partial needs --shard K and a plan, or --merge and partials".to_owned()));
        }
        match self.paths.as_slice() {
            [_, second, ..] => Err(Error::Usage(format!(
                "only one run can be judged, and {} is a second one; add --merge if these are partials",
                second.display()
            ))),
            paths => Ok(paths.first().cloned()),
        }
    }

    /// Whether it is clear what is to be judged. Components that the policy asks for are something, though none is named.
    pub(super) fn check(&self, layers: &[Layer]) -> Result<(), Error> {
        let asked = layers.iter().any(|layer| layer.components.is_some());
        let files = !self.log.is_empty() || self.diary.is_some() || self.performance.is_some();
        let found = self.baseline.iter().any(|path| path.as_os_str() == "auto");
        let twice = self.log.iter().filter(|path| path.as_os_str() == "-").count() > 1;
        let text = match &self.run {
            Some(run) if files => format!(
                "{} brings its own logs, diary and performance report; name either a run directory or files with \
                 --log, --diary and --performance",
                run.display()
            ),
            _ if self.trend.len() == 1 => "--trend needs two runs or more, in the order of time".to_owned(),
            None if !self.trend.is_empty() => return Ok(()),
            None if found => "--baseline auto looks beside a run directory; name one".to_owned(),
            None if self.log.is_empty() && self.component.is_empty() && self.baseline.is_empty() && !asked => {
                "there is nothing to judge; name a run directory or packet, or logs with --log PATH, or components of a \
                 release with --component PATH"
                    .to_owned()
            }
            _ if twice => "standard input can be read only once; give one --log -".to_owned(),
            _ => return Ok(()),
        };
        Err(Error::Usage(text))
    }

    /// What the run is held against.
    pub(super) fn against(&self) -> Against {
        let (auto, baselines): (Vec<PathBuf>, _) =
            self.baseline.iter().cloned().partition(|path| path.as_os_str() == "auto");
        Against { baselines, auto: !auto.is_empty(), any: self.baseline_any, trend: self.trend.clone() }
    }

    /// What the report calls the evidence.
    pub(super) fn subject_name(&self) -> String {
        match (&self.run, self.log.as_slice()) {
            (Some(run), _) => run.display().to_string(),
            (None, [only]) if only.as_os_str() == "-" => "standard input".to_owned(),
            (None, [only]) => only.display().to_string(),
            (None, [first, rest @ ..]) => format!("{} and {} more", first.display(), rest.len()),
            (None, []) => {
                let documents = self.component.iter().map(|(_, path)| path).chain(&self.baseline);
                let paths: Vec<String> = documents.map(|path| path.display().to_string()).collect();
                match paths.as_slice() {
                    [only] => only.clone(),
                    [] => "the components that the policy asks for".to_owned(),
                    all => count(all.len() as u64, "document"),
                }
            }
        }
    }
}
