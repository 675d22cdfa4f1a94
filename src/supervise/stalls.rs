//! How often and how long a file was not refreshed in time.

use super::record::{Episode, Stalls};
use crate::finding::Status;
use crate::time::Stamp;

/// More of them are counted only.
const LISTED: usize = 100;

/// The stalls of one file, look by look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watcher {
    past: Stalls,
    open: Option<Episode>,
}

impl Watcher {
    /// One look at the file, last refreshed `from` (at the start of the run, where it never was), now `age` seconds ago.
    pub(crate) fn look(&mut self, from: Stamp, age: f64, severity: Status) {
        // A refresh ends a stall, also one that came and went stale again between two looks.
        if let Some(open) = self.open.filter(|open| open.from < from || severity == Status::Pass) {
            let to = from.max(open.from);
            self.keep(Episode { to: Some(to), age_seconds: to.seconds_since(open.from), ..open });
            self.open = None;
        }
        if severity > Status::Pass {
            let open = self.open.get_or_insert(Episode { from, to: None, age_seconds: age, severity });
            open.age_seconds = open.age_seconds.max(age);
            open.severity = open.severity.max(severity);
        }
    }

    /// When the stall began that lasts; none if none does.
    pub(crate) fn since(&self) -> Option<Stamp> {
        self.open.map(|open| open.from)
    }

    /// All of them, the one that lasts included; none if there was none.
    pub(crate) fn all(&self) -> Option<Stalls> {
        let mut all = self.clone();
        if let Some(open) = all.open {
            all.keep(open);
        }
        (all.past.count > 0).then_some(all.past)
    }

    fn keep(&mut self, episode: Episode) {
        let past = &mut self.past;
        past.count += 1;
        past.total_seconds += episode.age_seconds;
        past.worst_seconds = past.worst_seconds.max(episode.age_seconds);
        past.severity = past.severity.max(episode.severity);
        if past.episodes.len() < LISTED {
            past.episodes.push(episode);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_goes_from_one_refresh_to_the_next() {
        let at = |seconds: i64| Stamp::from_seconds(1_736_121_600 + seconds).unwrap();
        let mut watcher = Watcher::default();
        // Each look: when, the last refresh before it, and what its age is then.
        let severity = |age: i64| match age {
            20.. => Status::Fail,
            5.. => Status::Warn,
            _ => Status::Pass,
        };
        for (now, from) in [(2, 0), (6, 0), (25, 0), (31, 30), (40, 33), (50, 44), (60, 44), (70, 44)] {
            watcher.look(at(from), (now - from) as f64, severity(now - from));
        }
        let stalls = watcher.all().unwrap();
        let episodes: Vec<_> = stalls.episodes.iter().map(|e| (e.from, e.to, e.age_seconds, e.severity)).collect();
        assert_eq!(
            episodes,
            [
                // The WARN that became a FAIL is one stall.
                (at(0), Some(at(30)), 30.0, Status::Fail),
                // Refreshed and stale again between two looks.
                (at(33), Some(at(44)), 11.0, Status::Warn),
                (at(44), None, 26.0, Status::Fail),
            ]
        );
        assert_eq!((stalls.count, stalls.total_seconds, stalls.worst_seconds), (3, 67.0, 30.0));
        assert_eq!(stalls.severity, Status::Fail);
        assert_eq!(Watcher::default().all(), None);
    }

    #[test]
    fn many_stalls_are_counted_beyond_those_that_are_listed() {
        let mut watcher = Watcher::default();
        for n in 0..500 {
            let from = Stamp::from_seconds(n * 100).unwrap();
            watcher.look(from, 0.0, Status::Pass);
            watcher.look(from, 50.0, Status::Warn);
        }
        let stalls = watcher.all().unwrap();
        assert_eq!((stalls.count, stalls.episodes.len()), (500, LISTED));
    }
}
