//! `final-dry-run --check`: whether a run could start, and with what, before anything is made or started.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::fs::Access;

use super::args::{FinalDryRun, RestartArg};
use super::beside::{self, Terms};
use super::{planning, prepare, scale, several};
use crate::command::signing::Signers;
use crate::command::{Common, Error, Format, USAGE};
use crate::finding::{Status, count};
use crate::io::clock;
use crate::io::files;
use crate::io::process::sampler;
use crate::io::tty::terminal;
use crate::keys::PublicKey;
use crate::report::check::{self, Check, Need, Set};
use crate::report::{self, bytes_text};
use crate::sanitize;
use crate::supervise::monitors;
use crate::verdict::workloads;

/// Shows every limit with its source, and what the run would lack.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn check(common: &Common, args: &FinalDryRun) -> Result<ExitCode, Error> {
    let config = &common.settings;
    let (target, scale) = scale::length(args);
    let policy = prepare::policy_of(args, config, &scale, target);
    let workloads = several::asked(args, config);
    let mut planned = None;
    let mut checks = match workloads {
        Ok(None) => vec![need("command", prepare::shown_command(args, &scale))],
        asked => {
            let resolved = asked.and_then(|asked| match (&asked, &policy) {
                (Some(asked), Ok(policy)) => several::resolve(args, policy, asked, Path::new("")),
                _ => Err(Error::Usage("the criteria contradict each other".to_owned())),
            });
            let needs = match &resolved {
                Ok(all) => vec![
                    need("workloads", Ok(count(all.plans.len() as u64, "workload"))),
                    need("programs", all.check_programs().map(|()| "all there".to_owned())),
                ],
                Err(error) => vec![need("workloads", Err(Error::Usage(error.to_string())))],
            };
            planned = resolved.ok().map(|all| all.document);
            needs
        }
    };
    let limits = match &policy {
        Ok(policy) => prepare::check_for(args, policy, target, args.workloads.is_none())
            .map(|()| count(policy.rows.len() as u64, "limit")),
        Err(error) => Err(Error::Usage(error.to_string())),
    };
    checks.push(need("criteria", limits));
    checks.push(need("keys", args.signatures.signers(common).map(|signers| keys(&signers))));
    let name = prepare::run_name(args, &args.output_root, clock::now());
    checks.push(need("run directory", name.and_then(|name| new_folder(&args.output_root.join(name)))));
    let named = [(&args.diary, args.no_diary), (&args.performance, args.no_performance)];
    for path in named.into_iter().filter(|(_, waived)| !waived).filter_map(|(path, _)| path.as_ref()) {
        checks.push(need("evidence", written(path)));
    }
    let needed = policy.as_ref().ok().and_then(|policy| policy.sign_off.as_ref()).map(planning::required);
    let names: Vec<String> =
        planned.iter().flat_map(|planned| &planned.workloads).map(|workload| workload.name.clone()).collect();
    let terms = Terms {
        target,
        required: needed.unwrap_or(target),
        scale: &scale,
        workloads: &names,
        // Whether restarts are allowed is known where the workloads are.
        restarts: args.restart == RestartArg::Always || args.workloads.is_some(),
    };
    checks.extend(beside::checks(args, config, terms).into_iter().map(|(name, found)| need(name, found)));
    checks.push(need("staleness", prepare::watch_limits(args, (&scale, target))));
    for path in args.export.paths() {
        checks.push(need("export", written(path)));
    }
    checks.push(disk(&args.output_root));
    let settings = config.set.iter().map(|(option, value)| Set {
        option: option.clone(),
        value: sanitize::shorten(value, 120),
        source: config.place_of(option).replace("--command", "the command line"),
    });
    let ready = checks.iter().all(|need| need.status < Status::Fail);
    let criteria = policy.map(|mut policy| {
        let own: Vec<_> = planned.iter().flat_map(|planned| workloads::criteria(planned, &policy)).collect();
        policy.rows.extend(own);
        policy.rows
    });
    let criteria = criteria.unwrap_or_default();
    let check =
        Check { schema: "emp-ops/check/v1", ready, checks, settings: settings.collect(), criteria, workloads: planned };
    let doc = check::document(&check);
    common.pack("check", &check, &doc)?;
    terminal::print(&match common.format {
        Format::Json => files::json_text(&check),
        Format::Markdown => report::to_markdown(&doc),
        _ => report::to_text(&doc, common.look()),
    })?;
    Ok(if ready { ExitCode::SUCCESS } else { USAGE.into() })
}

fn need(name: &'static str, found: Result<String, Error>) -> Need {
    match found {
        Ok(detail) => Need { name, status: Status::Pass, detail },
        Err(error) => Need { name, status: Status::Fail, detail: error.to_string() },
    }
}

fn keys(signers: &Signers) -> String {
    let keys: Vec<&str> = signers.public().map(PublicKey::id).collect();
    if keys.is_empty() { "the packet will not be signed".to_owned() } else { keys.join(", ") }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// The run directory is made by the run, and must not be there yet.
fn new_folder(path: &Path) -> Result<String, Error> {
    if path.symlink_metadata().is_ok() {
        return Err(Error::Usage(format!("{} is there already; choose another --run-name", path.display())));
    }
    written(path)
}

/// Whether the file or folder at `path` could be made.
fn written(path: &Path) -> Result<String, Error> {
    writable(&folder_of(path)).map(|()| path.display().to_string())
}

/// Whether files can be written below `folder`, which is made where it is missing.
fn writable(folder: &Path) -> Result<(), Error> {
    let absolute = std::path::absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })?;
    let there = absolute.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    match there.is_dir().then(|| rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK)) {
        Some(Ok(())) => Ok(()),
        Some(Err(why)) => {
            let text = format!("{} cannot be written: {why}; check its permissions", there.display());
            Err(Error::Usage(text))
        }
        None => Err(Error::Usage(format!("{} is no directory; choose another place", there.display()))),
    }
}

fn disk(root: &Path) -> Need {
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    let there = absolute.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    match sampler::disk_space(there) {
        Ok((available, total)) => Need {
            name: "disk",
            status: monitors::disk_status(available, total),
            detail: format!("{} of {} are free", bytes_text(available), bytes_text(total)),
        },
        Err(why) => Need { name: "disk", status: Status::Warn, detail: format!("not known: {why}") },
    }
}
