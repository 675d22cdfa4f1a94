//! Equal items are one: with their count, their first and last time, and all their sources.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};

use super::{Item, Origin};
use crate::digest::hex;
use crate::finding::Status;
use crate::log::totals::signature;
use crate::time::Stamp;

/// Values of one detail that are kept when they differ between occurrences.
const MOST_VALUES: usize = 1000;

/// Makes one item of equal ones and gives every item its id.
pub(crate) fn merge(items: Vec<Item>) -> Vec<Item> {
    let mut kept: Vec<Item> = Vec::new();
    let mut known: HashMap<Key, usize> = HashMap::new();
    for item in items {
        let own = own_keys(&item);
        let same = own.first().and_then(|key| known.get(key)).copied();
        let fault = || {
            fault_keys(&item).iter().filter_map(|key| known.get(key)).copied().find(|at| {
                let other = &kept[*at];
                other.origin != item.origin || other.category != item.category
            })
        };
        if let Some(at) = same {
            if kept[at].origin == item.origin { repeat(&mut kept[at], item) } else { retell(&mut kept[at], item) }
        } else if let Some(at) = fault() {
            retell(&mut kept[at], item);
        } else {
            let at = kept.len();
            for key in own {
                known.entry(key).or_insert(at);
            }
            kept.push(item);
        }
    }
    fold_consequences(&mut kept);
    sort(&mut kept);
    name(&mut kept);
    kept
}

/// A gate that only says that the logs (or the run, the diary, the performance report) did not pass is no work of its
/// own where its cause is listed. In the words of other tools it must have one cause only, for they may mean more.
fn fold_consequences(items: &mut Vec<Item>) {
    let mut at = 0;
    while at < items.len() {
        let cause = consequence(&items[at]).and_then(|(origins, all)| {
            let gate = &items[at];
            let of_it = |other: &Item| gate.workload.is_none() || gate.workload == other.workload;
            let same =
                |other: &Item| origins.contains(&other.origin) && other.severity == gate.severity && of_it(other);
            let mut causes = (0..items.len()).filter(|i| same(&items[*i]));
            causes.next().filter(|_| all || causes.next().is_none())
        });
        match cause {
            Some(cause) => {
                let mut gate = items[at].clone();
                gate.occurred_at = None;
                retell(&mut items[cause], gate);
                items.remove(at);
            }
            None => at += 1,
        }
    }
}

/// What a gate speaks of that only sums up its causes, and whether that is all it can mean.
fn consequence(gate: &Item) -> Option<(&'static [Origin], bool)> {
    const SUBJECTS: [(&str, &[Origin]); 5] = [
        (" log", &[Origin::Logs]),
        (" diary", &[Origin::Diary]),
        (" performance", &[Origin::Performance]),
        (" run:", &[Origin::Run, Origin::Incident]),
        (" objectives:", &[Origin::Review]),
    ];
    if gate.origin != Origin::SignOff {
        return None;
    }
    if gate.workload.is_some() {
        return Some((&[Origin::Run, Origin::Incident, Origin::Logs], true));
    }
    let text = format!(" {}", gate.summary.to_lowercase());
    let says = |verb: &str| ["failures", "warnings"].iter().any(|noun| text.contains(&format!("{verb} {noun}")));
    let ours = says(": there are");
    let (_, origins) = SUBJECTS.iter().find(|(word, _)| text.contains(word))?;
    (ours || says("contains") || says("contain")).then_some((*origins, ours))
}

/// The gravest first; then in order of time, undated ones first; then by category and summary.
pub(super) fn sort(items: &mut [Item]) {
    items.sort_by(|a, b| {
        let key = |item: &Item| (std::cmp::Reverse(item.severity), item.occurred_at);
        key(a).cmp(&key(b)).then_with(|| a.category.cmp(&b.category)).then_with(|| a.summary.cmp(&b.summary))
    });
}

/// What makes two items one.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The same text in the same category; reports also tell owner and group apart.
    Same(Option<Status>, String, String, String),
    /// A fault of this severity with this text, of a workload or of none.
    Fault(Status, String, Option<String>),
    /// A record of the log: severity, time in microseconds, text, workload.
    Record(Status, i64, String, Option<String>),
    /// An entry of the diary: severity, entry and reason.
    Entry(Status, String, String),
    /// The performance report as a whole.
    Performance(Status),
}

/// The keys under which an item is found again; the first one is for its equals.
fn own_keys(item: &Item) -> Vec<Key> {
    if item.origin == Origin::Report {
        let owner = item.owner.clone().unwrap_or_default();
        let group = item.context.get("group").map(ToString::to_string).unwrap_or_default();
        return vec![match &item.reference {
            Some(reference) => {
                Key::Same(None, family(&item.category).to_owned(), reference.to_uppercase(), String::new())
            }
            None => Key::Same(None, item.category.clone(), item.summary.clone(), format!("{owner}\0{group}")),
        }];
    }
    let workload = &item.workload;
    let mut keys = vec![
        Key::Same(
            Some(item.severity),
            item.category.clone(),
            item.summary.clone(),
            workload.clone().unwrap_or_default(),
        ),
        Key::Fault(item.severity, item.summary.clone(), workload.clone()),
    ];
    if item.origin == Origin::Logs && item.headline() != item.summary {
        // The supervisor tells of a stack trace by the line that says most.
        keys.push(Key::Fault(item.severity, item.headline().to_owned(), workload.clone()));
    }
    if let (Origin::Logs, Some(at)) = (item.origin, item.occurred_at) {
        keys.push(Key::Record(item.severity, at.micros(), item.summary.clone(), workload.clone()));
    }
    match item.origin {
        Origin::Diary => keys.extend(entry_key(item)),
        Origin::Performance => keys.push(Key::Performance(item.severity)),
        _ => {}
    }
    keys
}

/// The keys under which the same fault may have been told before, by another document of the run.
fn fault_keys(item: &Item) -> Vec<Key> {
    let workload = &item.workload;
    let mut keys = Vec::new();
    match item.origin {
        // One record may be an error and a stack trace.
        Origin::Logs if item.category == "log_content" => {
            let record = |at: Stamp| Key::Record(item.severity, at.micros(), item.summary.clone(), workload.clone());
            keys.extend(item.occurred_at.map(record));
        }
        Origin::SignOff | Origin::Review | Origin::Incident | Origin::Run => {
            keys.push(Key::Fault(item.severity, item.summary.clone(), workload.clone()));
            keys.extend(entry_key(item));
            keys.extend((item.category == "performance").then_some(Key::Performance(item.severity)));
        }
        Origin::Logs | Origin::Diary | Origin::Performance | Origin::Report | Origin::Earlier => {}
    }
    if matches!(item.origin, Origin::Incident | Origin::Run) {
        // The supervisor says where it met a message, then the message.
        let parts = item.summary.match_indices(": ").take(4);
        keys.extend(
            parts.map(|(at, _)| Key::Fault(item.severity, item.summary[at + 2..].to_owned(), workload.clone())),
        );
    }
    keys
}

fn entry_key(item: &Item) -> Option<Key> {
    let text = |key: &str| item.context.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    Some(Key::Entry(item.severity, text("entry_id")?, text("reason")?))
}

/// Another occurrence of `kept`.
fn repeat(kept: &mut Item, item: Item) {
    if item.origin == Origin::Report {
        supersede(kept, item);
        return;
    }
    vary(kept, &item);
    kept.count = kept.count.saturating_add(item.count);
    times_and_sources(kept, item);
}

/// The same occurrences, told by another document.
fn retell(kept: &mut Item, item: Item) {
    kept.count = kept.count.max(item.count);
    for (key, value) in &item.context {
        kept.context.entry(key.clone()).or_insert_with(|| value.clone());
    }
    times_and_sources(kept, item);
}

/// The same work in two reports: the later report is right; of the same day, the worse one.
fn supersede(kept: &mut Item, item: Item) {
    let (before, after) = (kept.occurred_at, item.occurred_at);
    let newer = match (before, after) {
        (Some(before), Some(after)) if before != after => after > before,
        _ => item.severity > kept.severity,
    };
    let sources: Vec<_> = kept.sources.iter().cloned().chain(item.sources.iter().cloned()).collect();
    let open_since = [kept.open_since, item.open_since].into_iter().flatten().min();
    if newer {
        *kept = item;
    }
    kept.open_since = open_since;
    kept.occurred_at = [before, after].into_iter().flatten().min();
    kept.last_at = [before, after].into_iter().flatten().max().filter(|last| Some(*last) != kept.occurred_at);
    kept.sources = sources;
    kept.sources.dedup();
}

fn times_and_sources(kept: &mut Item, item: Item) {
    let first = [kept.occurred_at, item.occurred_at].into_iter().flatten().min();
    let last = [kept.last_at, kept.occurred_at, item.last_at, item.occurred_at].into_iter().flatten().max();
    kept.occurred_at = first;
    kept.last_at = last.filter(|last| Some(*last) != first);
    kept.open_since = [kept.open_since, item.open_since].into_iter().flatten().min();
    kept.owner = kept.owner.take().or(item.owner);
    kept.due = kept.due.take().or(item.due);
    for source in item.sources {
        // Occurrences in one list share their source, and there may be many.
        if kept.sources.last() != Some(&source) && !kept.sources.contains(&source) {
            kept.sources.push(source);
        }
    }
}

/// Keeps the details in which occurrences differ.
fn vary(kept: &mut Item, item: &Item) {
    let Item { context, varying, count, .. } = kept;
    let keys: Vec<&String> = context.keys().chain(item.context.keys()).collect();
    for key in keys {
        let (old, new) = (context.get(key), item.context.get(key));
        if varying.contains_key(key) || old != new {
            let values = varying.entry(key.clone()).or_insert_with(|| {
                old.map_or_else(Vec::new, |old| vec![old.clone(); 1.min(usize::try_from(*count).unwrap_or(1))])
            });
            if let Some(new) = new
                && values.len() < MOST_VALUES
                && values.last() != Some(new)
            {
                values.push(new.clone());
            }
        }
    }
}

/// Actions keep their identity when they grow from new ones to tracked ones.
fn family(category: &str) -> &str {
    match category {
        "new_action" => "action",
        other => other,
    }
}

/// Gives each item its id: equal signatures are numbered in the order of the list.
fn name(items: &mut [Item]) {
    let mut used: BTreeMap<String, u64> = BTreeMap::new();
    for item in items {
        if item.id.is_empty() {
            let signature = match &item.reference {
                Some(reference) => reference.to_uppercase(),
                // People number things on purpose; machines do so because they count.
                None if item.origin == Origin::Report => item.summary.to_lowercase(),
                None => signature::of(item.headline()),
            };
            let whose = item.workload.as_ref().map(|name| format!("\0{name}")).unwrap_or_default();
            let digest = Sha256::digest(format!("{}\0{signature}{whose}", family(&item.category)));
            item.id = hex(&digest[..5]);
        }
        let seen = used.entry(item.id.clone()).or_default();
        *seen += 1;
        if *seen > 1 {
            item.id = format!("{}-{seen}", item.id);
        }
    }
}
