//! `audit --shard-plan`, `--shard` and `--merge`: logs that are read in shards, by any number of machines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Common, Error};
use super::args::Audit;
use crate::finding::{NotRequired, count};
use crate::io::read::options::ScanOptions;
use crate::io::shards::documents::{self, Document, DocumentError};
use crate::io::shards::planning::{self, Planning};
use crate::io::shards::read;
use crate::shards::partial::{Folded, Merge, Partial};
use crate::shards::plan::{Fixed, Plan};
use crate::time::duration_text;
use crate::verdict::policy::{self, Layer, Policy};

/// How large a shard is where nothing else is said, in bytes.
const SHARD_SIZE: u64 = 256 << 20;

/// What became of the options.
pub(super) enum Sharded {
    /// A plan or a partial was written.
    Done,
    /// There is something to judge: the partials of a plan, or what the other options name.
    Judge(Option<Arc<Folded>>),
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::File(error) => Self::File(error),
            DocumentError::Unfit(why) => Self::Usage(why),
        }
    }
}

/// Does what the options for shards ask for. Where partials are to be judged, `layers` and `args` get what their plan fixes;
/// else `args` get the run.
///
/// # Errors
/// They contradict each other, a document is of no use, or a file cannot be read or written.
pub(super) fn run(common: &Common, args: &mut Audit, layers: &mut Vec<Layer>) -> Result<Sharded, Error> {
    let shards = &args.shards;
    if let Some(path) = &shards.shard_plan {
        let plan = plan(args, layers)?;
        documents::write_plan(path, &plan)?;
        let (files, all) = (count(plan.files.len() as u64, "file"), count(plan.shards.len() as u64, "shard"));
        common.note(&format!("{}: {files} in {all}", path.display()));
        return Ok(Sharded::Done);
    }
    if let (Some(shard), Some(partial)) = (shards.shard, &shards.partial) {
        self::shard(common, args, shard, partial)?;
        return Ok(Sharded::Done);
    }
    if !shards.merge {
        args.run = args.only_path()?;
        return Ok(Sharded::Judge(None));
    }
    let merged = merge(args, layers)?;
    if let Sharded::Judge(Some(folded)) = &merged {
        args.log = folded.plan.logs.iter().map(PathBuf::from).collect();
    }
    Ok(merged)
}

fn plan(args: &Audit, layers: &[Layer]) -> Result<Plan, Error> {
    let policy = policy::resolve(layers).map_err(Error::Usage)?;
    let options = ScanOptions { layout: policy.layout(), ..ScanOptions::default() };
    let planning = Planning {
        logs: &args.log,
        options: &options,
        fixed: fixed(&policy),
        shard_size: args.shards.shard_size.unwrap_or(SHARD_SIZE),
        whole: &args.shards.whole,
        said_by: said_by(&policy, layers),
    };
    planning::plan(planning).map_err(Error::Usage)
}

fn shard(common: &Common, args: &Audit, shard: u32, partial: &Path) -> Result<(), Error> {
    let piped = match args.log.as_slice() {
        [] => false,
        [only] if only.as_os_str() == "-" => true,
        _ => {
            return Err(Error::Usage(
                "the plan names the logs of a shard; leave --log out, or pipe them: --log -".to_owned(),
            ));
        }
    };
    let [path] = args.paths.as_slice() else {
        return Err(Error::Usage(
            "name the plan of the shard, and nothing else: --shard K --partial FILE PLAN".to_owned(),
        ));
    };
    let Document::Plan(plan, plan_id) = documents::load(path)? else {
        return Err(Error::Usage(format!("{} is a partial; name the plan of the shard", path.display())));
    };
    if plan.shards.get(shard as usize).is_none() {
        let last = plan.shards.len().saturating_sub(1);
        return Err(Error::Usage(format!("there is no shard {shard}: those of the plan are 0 to {last}")));
    }
    let options = read::options(&plan.fixed, args.threads.map_or(0, usize::from), !common.quiet);
    let options = options.map_err(|why| Error::Usage(format!("{}: {why}", path.display())))?;
    let read = read::shard((&plan, &plan_id), shard, piped, &options)?;
    Ok(documents::write_partial(partial, read)?)
}

fn merge(args: &Audit, layers: &mut Vec<Layer>) -> Result<Sharded, Error> {
    if !args.log.is_empty() {
        return Err(Error::Usage("the plan names the logs of its partials; leave --log out".to_owned()));
    }
    let mut merge = Merge::default();
    let mut plan = None;
    for path in &args.paths {
        match documents::load(path)? {
            Document::Partial(partial) => merge.add(&path.display().to_string(), *partial).map_err(Error::Usage)?,
            Document::Plan(..) if plan.is_some() => {
                return Err(Error::Usage(format!("{} is a second plan; name one", path.display())));
            }
            Document::Plan(read, id) => plan = Some((*read, id)),
        }
    }
    let merged =
        merge.finish().ok_or_else(|| Error::Usage("there is no partial to merge; name at least one".to_owned()))?;
    if let Some((_, id)) = &plan {
        merged.check_plan(id).map_err(Error::Usage)?;
    }
    match (&args.shards.partial, plan) {
        (Some(path), _) => {
            documents::write_partial(path, merged)?;
            Ok(Sharded::Done)
        }
        (None, Some((plan, _))) => judge(plan, merged, layers),
        (None, None) => Err(Error::Usage(
            "name the plan of the partials too, to judge them; or write what they come to with --partial FILE"
                .to_owned(),
        )),
    }
}

/// Lays what the plan fixes under what is said, and checks that nothing else is.
fn judge(plan: Plan, partial: Partial, layers: &mut Vec<Layer>) -> Result<Sharded, Error> {
    let said = |limit: &str| plan.said_by.contains_key(limit);
    layers.push(Layer {
        source: "the plan of the shards".to_owned(),
        places: plan.said_by.clone(),
        warn_gap: said("warn_gap").then(|| plan.fixed.limits().silence),
        max_listed: said("max_listed").then_some(plan.fixed.max_listed),
        ignore: said("ignore").then(|| plan.fixed.ignore.clone()),
        error_statuses: plan.fixed.statuses.error.clone().filter(|_| said("error_statuses")),
        warn_statuses: said("warn_statuses").then(|| plan.fixed.statuses.warn.clone()),
        layout: plan.fixed.layout.clone(),
        ..Layer::default()
    });
    let policy = policy::resolve(layers).map_err(Error::Usage)?;
    let (asked, planned) = (fixed(&policy), Fixed { latest_us: 0, ..plan.fixed.clone() });
    if asked == planned {
        return Ok(Sharded::Judge(Some(Arc::new(Folded { plan, partial }))));
    }
    let gap = |fixed: &Fixed| duration_text(fixed.limits().silence);
    let what = if asked.warn_gap_us != planned.warn_gap_us {
        format!("the shards were read with a warn gap of {}, and {} is asked for", gap(&planned), gap(&asked))
    } else if asked.max_listed != planned.max_listed {
        format!("the shards list {} findings of a kind, and {} are asked for", planned.max_listed, asked.max_listed)
    } else {
        "the shards were read with other texts to ignore, statuses or layout than are asked for".to_owned()
    };
    Err(Error::Usage(format!("{what}: plan with the options by which you judge")))
}

/// What of a policy shapes the reading.
fn fixed(policy: &Policy) -> Fixed {
    Fixed {
        warn_gap_us: u64::try_from(policy.warn_gap().as_micros()).unwrap_or(u64::MAX),
        max_listed: policy.logs.max_listed,
        latest_us: 0,
        ignore: policy.logs.ignore.clone(),
        statuses: policy.logs.statuses.clone(),
        layout: policy.logs.layout.clone(),
    }
}

/// Who said that, where it is not the default.
fn said_by(policy: &Policy, layers: &[Layer]) -> BTreeMap<String, String> {
    let limits = ["warn_gap", "ignore", "error_statuses", "warn_statuses"];
    let sources = limits.map(|limit| (limit.to_owned(), policy.source_of(limit).to_owned()));
    let mut said: BTreeMap<String, String> =
        sources.into_iter().filter(|(_, source)| source != NotRequired::DEFAULT).collect();
    if layers.iter().any(|layer| layer.max_listed.is_some()) {
        said.insert("max_listed".to_owned(), policy.source_of("max_listed").to_owned());
    }
    said
}
