//! The uptime of the rehearsal: the share of the time in which all required services were up at once.

use std::time::Duration;

use super::Machine;

/// What the uptime lacks so far.
#[derive(Debug)]
pub(super) struct Uptime {
    lost: Duration,
    /// What is left of the free part of the start; none once all were up.
    free: Option<Duration>,
}

impl Uptime {
    pub(super) fn new(free: Duration) -> Self {
        Self { lost: Duration::ZERO, free: Some(free) }
    }
}

impl Machine {
    /// Charges the time from `before` to `now`, in which nothing but silence grew.
    pub(super) fn charge(&mut self, before: Duration, now: Duration) {
        if self.stopped.is_some() || self.ended.is_some() || now <= before {
            return;
        }
        // What emp-ops takes to start an only command is not its down-time.
        if self.plan.single && !self.workloads[0].attempts.any() {
            return;
        }
        for workload in &mut self.workloads {
            if let (Some(met), Some(from)) = (workload.met_at, workload.down_from(before, now)) {
                workload.lost += now.saturating_sub(from.max(met));
            }
        }
        let lost = self.lost_since(before, now);
        if self.uptime.free.is_some() && self.services().all(|workload| workload.is_up()) {
            self.uptime.free = None;
        }
        let free = self.uptime.free.as_mut().map_or(Duration::ZERO, |free| {
            let used = lost.min(*free);
            *free -= used;
            used
        });
        self.uptime.lost += lost - free;
    }

    /// The time since `before` in which not all required services were up. Each down-time lasts until now.
    fn lost_since(&self, before: Duration, now: Duration) -> Duration {
        let from = self.services().filter_map(|workload| workload.down_from(before, now)).min();
        from.map_or(Duration::ZERO, |from| now.saturating_sub(from))
    }

    /// What the uptime lacks until now.
    pub(super) fn lost_uptime(&self) -> Duration {
        self.uptime.lost
    }

    fn services(&self) -> impl Iterator<Item = &super::Workload> {
        self.workloads.iter().filter(|w| w.plan.required && !w.plan.job && !w.plan.left_out)
    }
}
