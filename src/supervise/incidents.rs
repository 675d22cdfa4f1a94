//! The incidents of a run: equal ones are one, with a count; the number of different ones is bounded.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::progress::Incident;
use crate::digest::sha256;
use crate::finding::{Metadata, Status};
use crate::log::excuse;
use crate::time::Stamp;

/// The most different incidents that are kept. Further ones are counted under one heading per kind and severity.
pub(crate) const MOST: usize = 1000;

/// All incidents of a run.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    list: Vec<Incident>,
    index: HashMap<String, usize>,
    counts: BTreeMap<Status, u64>,
    /// Those of them that drills caused.
    caused: BTreeMap<Status, u64>,
    /// The drills that may cause some now, since when, and the patterns of those.
    open: Vec<(String, Stamp, Vec<String>)>,
    /// Incidents of drills are told apart from equal ones: their keys by those of the others.
    under: HashMap<String, String>,
    /// What was added since anybody looked, where somebody does.
    fresh: Vec<usize>,
    watched: bool,
}

/// What [`Incidents::add`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// The first of its kind: worth a snapshot of its own.
    New,
    /// One more of a known kind.
    Again,
}

impl Incidents {
    /// Adds an incident, or counts it with an equal one. `key` says what is equal, within kind and severity.
    pub(crate) fn add(&mut self, key: &str, incident: Incident) -> Added {
        *self.counts.entry(incident.severity).or_default() += incident.count;
        let mut key = format!("{}/{}/{key}", incident.kind, incident.severity.word());
        let mut incident = incident;
        self.under.remove(&key);
        if let Some(drill) = self.cause(&incident) {
            *self.caused.entry(incident.severity).or_default() += incident.count;
            let own = format!("{key}/{drill}");
            self.under.insert(key, own.clone());
            (key, incident.drill) = (own, Some(drill));
        }
        if !self.index.contains_key(&key) && self.list.len() >= MOST {
            key = format!("{}/{}/", incident.kind, incident.severity.word());
            incident.message = format!("further incidents of the kind {} (not listed one by one)", incident.kind);
            incident.metadata = Metadata::new();
        }
        match self.index.get(&key) {
            Some(&i) => {
                let known = &mut self.list[i];
                known.count += incident.count;
                known.last_at = known.last_at.max(incident.last_at.or(Some(incident.occurred_at)));
                known.metadata.remove("recovered_at");
                self.note(i);
                Added::Again
            }
            None => {
                incident.id = sha256(key.as_bytes())[..12].to_owned();
                self.index.insert(key, self.list.len());
                self.list.push(incident);
                self.note(self.list.len() - 1);
                Added::New
            }
        }
    }

    fn note(&mut self, at: usize) {
        if self.watched {
            self.fresh.push(at);
        }
    }

    /// From now on [`Self::fresh`] is asked.
    pub(crate) fn watch(&mut self) {
        self.watched = true;
    }

    /// The drill that may have caused an incident.
    fn cause(&self, incident: &Incident) -> Option<String> {
        let of = incident.workload.as_deref();
        let fits = |glob: &String| excuse::fits(glob, &incident.kind, &incident.message, of);
        let may =
            |(_, from, globs): &&(String, Stamp, Vec<String>)| *from <= incident.occurred_at && globs.iter().any(fits);
        self.open.iter().find(may).map(|(drill, ..)| drill.clone())
    }

    /// From now on these drills may cause incidents, each since when, and the patterns of those.
    pub(crate) fn open(&mut self, drills: Vec<(String, Stamp, Vec<String>)>) {
        self.open = drills;
    }

    /// What was added since the last call, once for each time.
    pub(crate) fn fresh(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.fresh).into_iter().map(|at| self.list[at].clone()).collect()
    }

    /// A known incident by its key.
    fn known(&mut self, key: &str) -> Option<&mut Incident> {
        let key = self.under.get(key).map_or(key, String::as_str);
        self.index.get(key).map(|at| &mut self.list[*at])
    }

    /// Changes the details of a known incident.
    pub(crate) fn amend(&mut self, kind: &str, severity: Status, key: &str, amend: impl FnOnce(&mut Metadata)) {
        if let Some(known) = self.known(&format!("{kind}/{}/{key}", severity.word())) {
            amend(&mut known.metadata);
        }
    }

    /// Makes a known WARN what it has become, a FAIL that is told again. Whether it is known.
    pub(crate) fn worsen(&mut self, kind: &str, key: &str, become_: &Incident) -> bool {
        let of = |severity: Status| format!("{kind}/{}/{key}", severity.word());
        let (before, after) = (of(Status::Warn), of(become_.severity));
        let before = self.under.remove(&before).unwrap_or(before);
        let Some(at) = self.index.remove(&before) else { return false };
        let known = &mut self.list[at];
        for counts in [Some(&mut self.counts), known.drill.is_some().then_some(&mut self.caused)].into_iter().flatten()
        {
            let was = counts.entry(known.severity).or_default();
            *was = was.saturating_sub(known.count);
            *counts.entry(become_.severity).or_default() += known.count;
        }
        known.severity = become_.severity;
        known.message.clone_from(&become_.message);
        known.last_at = Some(become_.occurred_at);
        known.metadata.extend(become_.metadata.clone());
        self.index.insert(after, at);
        self.note(at);
        true
    }

    /// Names another consequence of a known incident, where that is as severe. Whether it is.
    pub(crate) fn follow(&mut self, key: &str, severity: Status, consequence: &str) -> bool {
        let Some(known) = self.known(key).filter(|known| known.severity >= severity) else { return false };
        let list = known.metadata.entry("consequences".to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = list.as_array_mut() {
            list.push(consequence.into());
        }
        true
    }

    /// Tells a known incident again; `key` is its kind, its severity and its own key.
    pub(crate) fn retell(&mut self, key: &str, retell: impl FnOnce(&mut Incident)) {
        if let Some(known) = self.known(key) {
            retell(known);
        }
    }

    /// The highest severity so far of what no drill caused; it never goes down.
    pub(crate) fn worst(&self) -> Status {
        let own = |(status, count): &(&Status, &u64)| **count > self.caused.get(status).copied().unwrap_or(0);
        self.counts.iter().rev().find(own).map(|(status, _)| *status).unwrap_or_default()
    }

    /// Incidents by severity, each occurrence counted.
    pub(crate) fn counts(&self) -> &BTreeMap<Status, u64> {
        &self.counts
    }

    /// All of them, in order of first occurrence.
    pub(crate) fn all(&self) -> &[Incident] {
        &self.list
    }

    /// At most `most`, in order of first occurrence: the worst first of all, then the newest.
    pub(crate) fn head(&self, most: usize) -> Vec<Incident> {
        self.first(most).into_iter().map(|i| self.list[i].clone()).collect()
    }

    /// Notes that the first `most` of them could be seen from `at` on, where they could not before.
    pub(crate) fn shown(&mut self, most: usize, at: Stamp) {
        for i in self.first(most) {
            self.list[i].shown_at.get_or_insert(at);
        }
    }

    /// The places of the `most` that are shown.
    fn first(&self, most: usize) -> Vec<usize> {
        if self.list.len() <= most {
            return (0..self.list.len()).collect();
        }
        let latest = |i: &Incident| i.last_at.unwrap_or(i.occurred_at);
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse((self.list[i].severity, latest(&self.list[i]), i)));
        order.truncate(most);
        order.sort_unstable();
        order
    }
}

/// An incident that happened once; its id comes when it is added to the others.
pub(crate) fn incident(severity: Status, kind: &str, at: Stamp, message: impl Into<String>) -> Incident {
    Incident {
        id: String::new(),
        severity,
        occurred_at: at,
        message: message.into(),
        kind: kind.to_owned(),
        drill: None,
        workload: None,
        attempt: None,
        count: 1,
        last_at: None,
        shown_at: None,
        metadata: Metadata::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Stamp {
        Stamp::from_seconds(1_736_121_600 + seconds).unwrap()
    }

    #[test]
    fn equal_incidents_are_one_with_a_count_and_severity_never_falls() {
        let mut all = Incidents::default();
        assert_eq!(all.add("x", incident(Status::Fail, "log_level", at(0), "x")), Added::New);
        assert_eq!(all.add("x", incident(Status::Fail, "log_level", at(5), "x")), Added::Again);
        assert_eq!(all.add("x", incident(Status::Warn, "log_level", at(6), "x")), Added::New);
        assert_eq!(all.all().len(), 2);
        assert!(all.all()[0].id.len() == 12 && all.all()[0].id != all.all()[1].id, "each has an id of its own");
        assert_eq!((all.all()[0].count, all.all()[0].last_at), (2, Some(at(5))));
        assert_eq!(all.worst(), Status::Fail);
        assert_eq!(all.counts(), &BTreeMap::from([(Status::Warn, 1), (Status::Fail, 2)]));
    }

    #[test]
    fn what_happens_again_has_not_recovered() {
        let mut all = Incidents::default();
        all.add("x", incident(Status::Fail, "evidence", at(0), "x"));
        all.amend("evidence", Status::Fail, "x", |m| drop(m.insert("recovered_at".to_owned(), "then".into())));
        assert!(all.all()[0].metadata.contains_key("recovered_at"));
        all.add("x", incident(Status::Fail, "evidence", at(5), "x"));
        assert!(!all.all()[0].metadata.contains_key("recovered_at"));
    }

    #[test]
    fn a_flood_of_different_incidents_stays_bounded_and_counted() {
        let mut all = Incidents::default();
        for i in 0..5000_i64 {
            all.add(&i.to_string(), incident(Status::Warn, "log_level", at(i), "w"));
        }
        all.add("late", incident(Status::Fail, "exit", at(9999), "boom"));
        assert!(all.all().len() <= MOST + 2);
        assert_eq!(all.counts()[&Status::Warn], 5000);
        let head = all.head(3);
        assert_eq!(head.len(), 3);
        assert!(head.iter().any(|i| i.severity == Status::Fail), "the worst are always among the shown");
    }
}
