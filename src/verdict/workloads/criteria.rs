//! The limits of single workloads as rows of the criteria: what a plan sets, who set it, and what is looser than the run.

use crate::finding::{Criterion, percent};
use crate::supervise::plan::Restart;
use crate::supervise::workloads::document::{Planned, PlannedWorkload};
use crate::time::human_seconds;
use crate::verdict::policy::Policy;

/// The rows of all workloads: each limit that somebody set.
pub(crate) fn rows(planned: &Planned, policy: &Policy) -> Vec<Criterion> {
    planned.workloads.iter().flat_map(|workload| of(workload, policy)).collect()
}

fn of<'p>(workload: &'p PlannedWorkload, policy: &'p Policy) -> impl Iterator<Item = Criterion> + use<'p> {
    workload.sources.iter().filter_map(|(limit, source)| {
        let relaxed_from = relaxed_from(workload, policy, limit);
        Some(Criterion {
            limit: format!("{}/{limit}", workload.name),
            value: value(workload, limit)?,
            source: source.clone(),
            policy_sha256: None,
            relaxed: relaxed_from.is_some(),
            relaxed_from,
        })
    })
}

/// A limit in words; none if it is not in force.
fn value(workload: &PlannedWorkload, limit: &str) -> Option<String> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    Some(match limit {
        "command" => "a line for sh -c: a required service without a probe".to_owned(),
        "restart" => match workload.restart {
            Restart::Never => "never",
            Restart::OnFailure => "on-failure",
            Restart::Always => "always",
        }
        .to_owned(),
        "max_restarts" => match workload.restart_window_seconds {
            Some(window) => format!("{} in {}", workload.max_restarts, human_seconds(window)),
            None => workload.max_restarts.to_string(),
        },
        "backoff" => human_seconds(workload.backoff_seconds),
        "backoff_max" => human_seconds(workload.backoff_max_seconds),
        "hang_timeout" => human_seconds(workload.hang_timeout_seconds?),
        "unready_timeout" => human_seconds(workload.unready_timeout_seconds?),
        "shutdown_grace" => human_seconds(workload.shutdown_grace_seconds),
        "warn_gap" => human_seconds(workload.warn_gap_seconds),
        "fail_gap" => human_seconds(workload.fail_gap_seconds),
        "min_uptime" => percent(workload.min_uptime),
        "required" => yes_no(workload.required),
        "stderr_level" => workload.stderr_level.clone()?,
        "quiet" => yes_no(workload.quiet),
        "may_precede" => yes_no(workload.ready.as_ref()?.may_precede),
        _ => return None,
    })
}

/// What the run asks for, and by whom, where a workload is held to less.
fn relaxed_from(workload: &PlannedWorkload, policy: &Policy, limit: &str) -> Option<String> {
    let asked = policy.sign_off.as_ref().and_then(|criteria| criteria.minimum_uptime_ratio).unwrap_or_default();
    let (warn, fail) = (policy.warn_gap().as_secs_f64(), policy.fail_gap().as_secs_f64());
    let stricter = match limit {
        "may_precede" => workload.ready.as_ref().is_some_and(|ready| ready.may_precede).then(|| "no".to_owned()),
        "stderr_level" => workload.stderr_level.is_some().then(|| "error".to_owned()),
        "min_uptime" => (workload.min_uptime < asked).then(|| percent(asked)),
        "warn_gap" => (workload.warn_gap_seconds > warn).then(|| human_seconds(warn)),
        "fail_gap" => (workload.fail_gap_seconds > fail).then(|| human_seconds(fail)),
        _ => None,
    };
    stricter.map(|value| format!("{value} ({})", policy.source_of(limit)))
}
