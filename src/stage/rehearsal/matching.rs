//! Which alert belongs to which expected incident.
//!
//! 1. An alert that names an incident belongs to that one; to none if nobody expected it, where the alert is of
//!    another rule, or where it is outside the incident's time by more than the window.
//! 2. Every other alert, earliest first, goes to the earliest incident of its rule that nobody has detected yet,
//!    whose labels it carries, and whose window it falls into.
//! 3. Where all such incidents are detected, it is one more alert of the one that stays open longest.
//!
//! Incidents are looked up by rule and label values and opened in order of time, so the cost is that of sorting.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use super::{Expected, Fired, Labels};
use crate::time::Stamp;

/// The incident of each alert (by index), in the order of the alerts; none for a false positive.
pub(super) fn assign(expected: &[Expected], fired: &[Fired], window: Duration, skew: Duration) -> Vec<Option<usize>> {
    let by_id: HashMap<&str, usize> = expected.iter().enumerate().map(|(i, e)| (e.id.as_str(), i)).collect();
    let mut owner: Vec<Option<usize>> = vec![None; fired.len()];
    let mut detected = vec![false; expected.len()];
    let mut rest = Vec::new();
    for (i, alert) in fired.iter().enumerate() {
        match &alert.incident {
            Some(id) => {
                let named = by_id.get(id.as_str()).copied();
                owner[i] = named.filter(|incident| {
                    let incident = &expected[*incident];
                    alert.rule == incident.rule
                        && alert.at.plus(window.max(skew)) >= incident.at
                        && alert.at <= closing(incident, window)
                });
                if let Some(incident) = owner[i] {
                    detected[incident] = true;
                }
            }
            None => rest.push(i),
        }
    }
    let mut rules = Rules::new(expected, window, skew);
    rest.sort_by_key(|i| (fired[*i].at, *i));
    for i in rest {
        owner[i] = rules.claim(expected, &fired[i], &mut detected);
    }
    owner
}

/// The last moment at which an alert belongs to an incident.
fn closing(incident: &Expected, window: Duration) -> Stamp {
    incident.until.unwrap_or(incident.at).max(incident.at).plus(window)
}

/// Incidents by rule, then by the labels that they ask for.
struct Rules<'a> {
    rules: HashMap<&'a str, Vec<Group<'a>>>,
}

/// Incidents of one rule that ask for the same label names.
struct Group<'a> {
    names: Vec<&'a str>,
    by_values: HashMap<Vec<&'a str>, Queue>,
}

/// Incidents that an alert cannot tell apart, except by time.
#[derive(Default)]
struct Queue {
    /// Opening and closing time and index, sorted by opening time.
    waiting: Vec<(Stamp, Stamp, usize)>,
    /// How many of them are open or past.
    next: usize,
    /// Open ones that nobody has detected, the earliest first.
    open: BinaryHeap<Reverse<(Stamp, usize, Stamp)>>,
    /// The detected one that closes last.
    detected: Option<(Stamp, usize)>,
}

impl<'a> Rules<'a> {
    fn new(expected: &'a [Expected], window: Duration, skew: Duration) -> Self {
        type Groups<'a> = BTreeMap<Vec<&'a str>, HashMap<Vec<&'a str>, Queue>>;
        let mut rules: HashMap<&str, Groups<'_>> = HashMap::new();
        for (i, incident) in expected.iter().enumerate() {
            let (names, values) = incident.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).unzip();
            let close = closing(incident, window);
            let queue = rules.entry(&incident.rule).or_default().entry(names).or_default().entry(values).or_default();
            queue.waiting.push((incident.at.minus(skew), close, i));
        }
        let rules = rules.into_iter().map(|(rule, groups)| {
            let groups = groups.into_iter().map(|(names, mut by_values)| {
                by_values.values_mut().for_each(|queue| queue.waiting.sort_unstable());
                Group { names, by_values }
            });
            (rule, groups.collect())
        });
        Self { rules: rules.collect() }
    }

    /// The incident of `alert`. Alerts must come in order of time.
    fn claim(&mut self, expected: &[Expected], alert: &'a Fired, detected: &mut [bool]) -> Option<usize> {
        let groups = self.rules.get_mut(alert.rule.as_str())?;
        let mut earliest: Option<(Stamp, usize)> = None;
        let mut again: Option<(Stamp, usize)> = None;
        for group in &mut *groups {
            let Some(queue) = group.queue(&alert.labels) else { continue };
            queue.advance(alert.at, detected);
            if let Some(Reverse((_, incident, _))) = queue.open.peek() {
                let candidate = (expected[*incident].at, *incident);
                earliest = Some(earliest.map_or(candidate, |best| best.min(candidate)));
            }
            again = again.max(queue.detected.filter(|(close, _)| *close >= alert.at));
        }
        match earliest {
            Some((_, incident)) => {
                detected[incident] = true;
                Some(incident)
            }
            None => again.map(|(_, incident)| incident),
        }
    }
}

impl<'a> Group<'a> {
    fn queue(&mut self, labels: &'a Labels) -> Option<&mut Queue> {
        let values: Option<Vec<&str>> = self.names.iter().map(|name| labels.get(*name).map(String::as_str)).collect();
        self.by_values.get_mut(&values?)
    }
}

impl Queue {
    /// Opens what is due at `now`, and puts aside what is past or detected.
    fn advance(&mut self, now: Stamp, detected: &[bool]) {
        while let Some((opens, closes, incident)) = self.waiting.get(self.next).copied().filter(|(at, ..)| *at <= now) {
            self.open.push(Reverse((opens, incident, closes)));
            self.next += 1;
        }
        while let Some(Reverse((_, incident, closes))) = self.open.peek().copied() {
            if detected[incident] {
                self.detected = self.detected.max(Some((closes, incident)));
            } else if closes >= now {
                break;
            }
            self.open.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Stamp {
        Stamp::from_seconds(second).expect("in range")
    }

    fn labels(text: &str) -> Labels {
        text.split_whitespace().filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
    }

    /// An incident written as `id rule at until labels…`; `-` for no end.
    fn incident(text: &str) -> Expected {
        let mut words = text.splitn(5, ' ');
        let mut next = || words.next().unwrap_or_default();
        Expected {
            id: next().into(),
            rule: next().into(),
            tier: None,
            at: at(next().parse().expect("a number")),
            until: next().parse().ok().map(at),
            labels: labels(next()),
        }
    }

    /// An alert written as `rule at incident labels…`; `-` for no incident.
    fn alert(text: &str) -> Fired {
        let mut words = text.splitn(4, ' ');
        let mut next = || words.next().unwrap_or_default();
        Fired {
            rule: next().into(),
            tier: None,
            at: at(next().parse().expect("a number")),
            incident: Some(next().to_owned()).filter(|id| id != "-"),
            acked_at: None,
            resolved_at: None,
            labels: labels(next()),
        }
    }

    #[test]
    fn alerts_meet_their_incidents() {
        type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [Option<usize>]);
        let cases: &[Case<'_>] = &[
            // The window is closed at both ends; the skew reaches back.
            (&["i a 1000 -"], &["a 1100 -", "a 1101 -", "a 990 -", "a 989 -"], &[Some(0), None, Some(0), None]),
            // An end keeps the window open.
            (&["i a 1000 2000"], &["a 2100 -", "a 2101 -"], &[Some(0), None]),
            // Another rule is another matter, and so are other labels; more labels are fine.
            (
                &["i a 1000 - h=1"],
                &["b 1001 - h=1", "a 1001 -", "a 1001 - h=2", "a 1002 - h=1 x=y"],
                &[None, None, None, Some(0)],
            ),
            // One alert each, the earliest first, whatever the order of the files.
            (&["j a 1050 -", "i a 1000 -"], &["a 1070 -", "a 1060 -"], &[Some(0), Some(1)]),
            // A second alert does not detect an incident that has not begun.
            (&["i a 1000 -", "j a 1050 -"], &["a 1001 -", "a 1002 -", "a 1060 -"], &[Some(0), Some(0), Some(1)]),
            // A name decides within the window; an unknown one is noise, and so is one of another rule or time.
            (
                &["i a 1000 -"],
                &["a 1100 i", "a 1101 i", "b 1001 i", "a 1001 ghost", "a 800 i"],
                &[Some(0), None, None, None, None],
            ),
            // A named alert takes its incident out of the search.
            (&["i a 1000 -", "j a 1010 -"], &["a 1020 -", "a 1030 i"], &[Some(1), Some(0)]),
        ];
        for (incidents, alerts, expect) in cases {
            let incidents: Vec<_> = incidents.iter().map(|text| incident(text)).collect();
            let alerts_: Vec<_> = alerts.iter().map(|text| alert(text)).collect();
            let found = assign(&incidents, &alerts_, Duration::from_secs(100), Duration::from_secs(10));
            assert_eq!(found, *expect, "{alerts:?}");
        }
    }

    /// The same rules, word for word and slowly.
    fn plainly(expected: &[Expected], fired: &[Fired], window: Duration, skew: Duration) -> Vec<Option<usize>> {
        let mut owner = vec![None; fired.len()];
        let mut detected = vec![false; expected.len()];
        let mut order: Vec<usize> = (0..fired.len()).collect();
        order.sort_by_key(|i| (fired[*i].at, *i));
        let closes = |e: &Expected| e.until.unwrap_or(e.at).max(e.at).plus(window);
        for i in order {
            let alert = &fired[i];
            let fits = |n: &usize| {
                let e = &expected[*n];
                e.rule == alert.rule
                    && e.labels.iter().all(|(k, v)| alert.labels.get(k) == Some(v))
                    && e.at.minus(skew) <= alert.at
                    && alert.at <= closes(e)
            };
            let open: Vec<usize> = (0..expected.len()).filter(fits).collect();
            let fresh = open.iter().copied().filter(|n| !detected[*n]).min_by_key(|n| (expected[*n].at, *n));
            owner[i] = fresh.or_else(|| open.iter().copied().max_by_key(|n| (closes(&expected[*n]), *n)));
            if let Some(n) = fresh {
                detected[n] = true;
            }
        }
        owner
    }

    proptest::proptest! {
        #[test]
        fn the_index_finds_what_a_plain_search_finds(
            incidents in proptest::collection::vec((0..3_u8, 0..400_i64, proptest::option::of(0..300_i64), 0..4_u8), 0..25),
            alerts in proptest::collection::vec((0..3_u8, 0..800_i64, 0..4_u8), 0..60),
        ) {
            let set = |bits: u8| {
                ["h=1", "z=2"].iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, l)| *l)
                    .collect::<Vec<_>>().join(" ")
            };
            let expected: Vec<_> = incidents.iter().enumerate().map(|(i, (rule, start, length, bits))| {
                let until = length.map_or("-".to_owned(), |length| (start + length).to_string());
                incident(&format!("i{i} r{rule} {start} {until} {}", set(*bits)))
            }).collect();
            let fired: Vec<_> =
                alerts.iter().map(|(rule, when, bits)| alert(&format!("r{rule} {when} - {}", set(*bits)))).collect();
            let (window, skew) = (Duration::from_secs(60), Duration::from_secs(5));
            proptest::prop_assert_eq!(
                assign(&expected, &fired, window, skew),
                plainly(&expected, &fired, window, skew)
            );
        }
    }
}
