//! What some shards come to, as a document that merges with others.
//!
//! The document is JSON in Zstandard behind a frame that decoders skip, which holds the digest of the rest.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde::{Deserialize, Serialize};

use super::fold::Fold;
use super::missing;
use super::plan::{Fixed, Plan, RULES};
use crate::digest;
use crate::log::summary::LogSummary;
use crate::log::totals::faults;
use crate::log::totals::summarise::{self, Terms};

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/partial/v1";
/// How a frame starts that decoders of Zstandard skip.
const SKIPPED: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// How hard the rest is compressed.
const LEVEL: i32 = 3;
/// The most that is unpacked, in bytes.
const UNPACKED: u64 = 4 << 30;

/// What some shards come to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Partial {
    schema: String,
    rules: String,
    /// The SHA-256 of the plan.
    plan_id: String,
    /// The shards, sorted.
    leaves: Vec<u32>,
    fixed: Fixed,
    fold: Fold,
    /// The digest of the document that it was read from.
    #[serde(skip)]
    digest: String,
}

/// Logs that were read in shards, as far as they were.
#[derive(Debug)]
pub struct Folded {
    /// How they were divided.
    pub plan: Plan,
    /// What was read of them.
    pub partial: Partial,
}

impl Folded {
    /// The summary of the logs: whatever is missing of the plan is a FAIL.
    pub fn summary(&self, terms: &Terms) -> LogSummary {
        self.partial.clone().summary(&self.plan, terms)
    }
}

impl Partial {
    /// What one shard comes to.
    pub(crate) fn new(plan: &Plan, plan_id: &str, shard: u32, fold: Fold) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            rules: RULES.to_owned(),
            plan_id: plan_id.to_owned(),
            leaves: vec![shard],
            fixed: plan.fixed.clone(),
            fold,
            digest: String::new(),
        }
    }

    /// Whether a document claims to be one, by its start.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(&SKIPPED) && bytes.get(8..).is_some_and(|rest| rest.starts_with(SCHEMA.as_bytes()))
    }

    /// Which shards are in it, for people: `0-3, 7`.
    pub fn shards(&self) -> String {
        ranges(&self.leaves)
    }

    /// The document.
    pub fn write(&mut self) -> std::io::Result<Vec<u8>> {
        self.fold.settle();
        let json = serde_json::to_vec(self)?;
        let packed = zstd::stream::encode_all(&json[..], LEVEL)?;
        let label = label(&packed);
        let length = u32::try_from(label.len()).unwrap_or(0).to_le_bytes();
        Ok([&SKIPPED[..], &length, label.as_bytes(), &packed].concat())
    }

    /// Reads a document.
    ///
    /// # Errors
    /// It is damaged, or of another version; the message says what to do.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        if !Self::is_one(bytes) {
            return Err("this is no partial of an audit".to_owned());
        }
        let again = "make it again from its shard";
        let damaged = |what: &str| format!("the partial is damaged ({what}): {again}");
        let length = bytes[4..8].first_chunk().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
        let (stated, packed) = bytes[8..].split_at_checked(length).ok_or_else(|| damaged("it is cut"))?;
        if stated != label(packed).as_bytes() {
            return Err(damaged("its digest is another one"));
        }
        let mut json = Vec::new();
        let unpacked =
            zstd::stream::read::Decoder::new(packed).and_then(|text| text.take(UNPACKED).read_to_end(&mut json));
        unpacked.map_err(|error| damaged(&error.to_string()))?;
        let mut partial: Self = serde_json::from_slice(&json).map_err(|error| damaged(&error.to_string()))?;
        if partial.rules != RULES {
            return Err(format!("the partial is of version {} and this is version {RULES}: {again}", partial.rules));
        }
        partial.fold.bind(&partial.fixed);
        partial.digest = digest::sha256(packed);
        Ok(partial)
    }

    /// Whether it was read by the plan with this id.
    ///
    /// # Errors
    /// It was read by another one.
    pub fn check_plan(&self, plan_id: &str) -> Result<(), String> {
        let fits = self.plan_id == plan_id;
        fits.then_some(()).ok_or_else(|| {
            "the partials were made with another plan than this one: give theirs, or make them again".to_owned()
        })
    }

    /// The summary of the logs of its plan, of which this is all that was read.
    pub fn summary(self, plan: &Plan, terms: &Terms) -> LogSummary {
        let shards = 0..u32::try_from(plan.shards.len()).unwrap_or(u32::MAX);
        let absent: Vec<u32> = shards.filter(|shard| self.leaves.binary_search(shard).is_err()).collect();
        let names: Vec<String> = plan.files.iter().map(|file| file.name.clone()).collect();
        let (tally, reports, mut findings) = self.fold.finish(&names);
        findings.extend(missing::shards(plan, &absent));
        let mut logs = summarise::summary(tally, reports, findings, &names, terms);
        faults::before(&mut logs, plan.findings.clone());
        logs
    }
}

/// Merges partials in any order, each shard once.
#[derive(Debug, Default)]
pub struct Merge {
    merged: Option<Partial>,
    /// What was merged: what messages call it, its shards, and its digest.
    parts: Vec<(String, Vec<u32>, String)>,
    /// In which of these each shard is.
    of_shard: BTreeMap<u32, usize>,
}

impl Merge {
    /// Adds a partial; `name` is what messages call it. One that holds the same shards as another is that one, made again.
    ///
    /// # Errors
    /// It does not fit the others; the message says why.
    pub fn add(&mut self, name: &str, mut next: Partial) -> Result<(), String> {
        if self.merged.as_ref().is_some_and(|merged| merged.plan_id != next.plan_id) {
            let first = &self.parts[0].0;
            return Err(format!("{first} and {name} are of different plans: merge partials of one plan only"));
        }
        let part = self.parts.len();
        if let Some((other, leaves, digest)) =
            next.leaves.iter().find_map(|leaf| self.parts.get(*self.of_shard.get(leaf)?))
        {
            let shards = ranges(&next.leaves);
            return match (*leaves == next.leaves, *digest == next.digest) {
                (true, true) => Ok(()),
                (true, false) => Err(format!(
                    "{other} and {name} differ, although both are of shard {shards}: a file changed meanwhile; plan again"
                )),
                (false, _) => Err(format!(
                    "{other} (shards {}) and {name} (shards {shards}) overlap: merge each shard once",
                    ranges(leaves)
                )),
            };
        }
        if let Some(merged) = &mut self.merged {
            merged.leaves.append(&mut next.leaves.clone());
            merged.leaves.sort_unstable();
        }
        self.of_shard.extend(next.leaves.iter().map(|leaf| (*leaf, part)));
        self.parts.push((name.to_owned(), next.leaves.clone(), std::mem::take(&mut next.digest)));
        match &mut self.merged {
            Some(merged) => merged.fold.merge(next.fold),
            None => self.merged = Some(next),
        }
        Ok(())
    }

    /// All of them as one; none if there was none.
    pub fn finish(self) -> Option<Partial> {
        self.merged
    }
}

/// What the frame before the rest says: the schema, and the digest of the rest.
fn label(packed: &[u8]) -> String {
    format!("{SCHEMA} {}\n", digest::sha256(packed))
}

/// `0-3, 7`.
fn ranges(numbers: &[u32]) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = ranges.iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
