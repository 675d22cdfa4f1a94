//! How logs are divided into shards, and all that the reading of a shard depends on beside its bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::digest;
use crate::finding::Finding;
use crate::log::access::Statuses;
use crate::log::ignore::Ignore;
use crate::log::layout::Layout;
use crate::log::layout::description::Description;
use crate::log::scan::chunk::Context;
use crate::log::totals::tally::Limits;
use crate::time::Stamp;

/// The name of the document, in its `schema` key.
pub const SCHEMA: &str = "emp-ops/plan/v1";
/// The version of the rules by which lines are judged.
pub const RULES: &str = env!("CARGO_PKG_VERSION");

/// What shapes the reading of all shards alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fixed {
    /// A longer silence is a gap, in microseconds.
    pub warn_gap_us: u64,
    /// How many findings of a kind are listed.
    pub max_listed: usize,
    /// Later times are in the future, in microseconds since the epoch.
    pub latest_us: i64,
    /// Texts of messages that are not held against the logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Which responses of web servers are errors or warnings.
    #[serde(default, skip_serializing_if = "Statuses::is_empty")]
    pub statuses: Statuses,
    /// The layout of all logs, where the policy pins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Description>,
}

/// One file of a plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedFile {
    /// How reports call it, and where it is.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in microseconds since the epoch, for times without a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_us: Option<i64>,
    /// What an object store calls this version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Bytes before its text: a byte order mark, or a hole.
    #[serde(default)]
    pub skip: u64,
    /// Zero bytes at its start.
    #[serde(default)]
    pub hole: u64,
    /// Whether it may be cut between any two bytes behind those.
    #[serde(default)]
    pub splittable: bool,
    /// Whether another file has the same size and starts alike, so that it may hold the same bytes.
    #[serde(default)]
    pub same_size: bool,
    /// What was learnt of its lines, where it is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Box<Layout>>,
}

/// Some bytes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Piece {
    /// The number of the file in the plan.
    pub file: u32,
    /// The first byte.
    pub from: u64,
    /// The byte behind the last.
    pub to: u64,
}

/// How logs are divided into shards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`RULES`].
    pub rules: String,
    /// What shapes the reading of all shards alike.
    #[serde(flatten)]
    pub fixed: Fixed,
    /// Who said that, by the name of the limit, where it was not the default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said_by: BTreeMap<String, String>,
    /// The logs as they were named.
    pub logs: Vec<String>,
    /// What was wrong with the paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The files in the order of their names.
    pub files: Vec<PlannedFile>,
    /// What each shard reads.
    pub shards: Vec<Vec<Piece>>,
}

impl Fixed {
    /// How records are tallied.
    pub fn limits(&self) -> Limits {
        Limits { silence: Duration::from_micros(self.warn_gap_us), listed: self.max_listed, sources: false }
    }

    /// Later times are in the future.
    pub fn latest(&self) -> Stamp {
        Stamp::from_micros(self.latest_us).unwrap_or(Stamp::EPOCH)
    }

    /// With what the pieces of a file are read and joined.
    pub(crate) fn context(&self, number: u32, file: &PlannedFile) -> Context {
        Context {
            limits: self.limits(),
            file: number,
            written: Some(file.written().unwrap_or(self.latest())),
            latest: self.latest(),
            layout: file.layout.clone().map(Arc::from).unwrap_or_default(),
            ignore: Arc::new(Ignore::new(&self.ignore)),
            statuses: Arc::new(self.statuses.clone()),
            years: Arc::default(),
            bounds: Arc::default(),
            offset: 0,
        }
    }
}

impl PlannedFile {
    /// When it was written.
    pub fn written(&self) -> Option<Stamp> {
        self.written_us.and_then(Stamp::from_micros)
    }
}

impl Plan {
    /// Reads a plan, with its id: the SHA-256 of the document.
    ///
    /// # Errors
    /// It is none that this program can use; the message says why.
    pub fn read(bytes: &[u8]) -> Result<(Self, String), String> {
        let plan: Self = serde_json::from_slice(bytes).map_err(|error| format!("this is no whole plan: {error}"))?;
        plan.check()?;
        Ok((plan, digest::sha256(bytes)))
    }

    /// Divides `files` into shards of about `size` bytes: large ones are cut where that can be done, small ones share one.
    pub fn divide(files: &[PlannedFile], size: u64) -> Vec<Vec<Piece>> {
        let size = size.max(1);
        let mut shards = Vec::new();
        let (mut shared, mut bytes) = (Vec::new(), 0_u64);
        for (number, file) in (0..).zip(files) {
            let whole = Piece { file: number, from: 0, to: file.size };
            if file.splittable && file.layout.is_some() && file.size > size {
                shards.extend(
                    cuts(file, size).windows(2).map(|pair| vec![Piece { from: pair[0], to: pair[1], ..whole }]),
                );
                continue;
            }
            if bytes > 0 && bytes.saturating_add(file.size) > size {
                shards.push(std::mem::take(&mut shared));
                bytes = 0;
            }
            shared.push(whole);
            bytes += file.size;
        }
        if !shared.is_empty() {
            shards.push(shared);
        }
        shards
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != SCHEMA {
            return Err(format!("this is no plan of shards: its schema is `{}`, not `{SCHEMA}`", self.schema));
        }
        if self.rules != RULES {
            return Err(format!(
                "the plan was made by version {} and this is version {RULES}: use that one, or plan again",
                self.rules
            ));
        }
        if Stamp::from_micros(self.fixed.latest_us).is_none() {
            return Err("its latest_us is no instant between the years 1 and 9999".to_owned());
        }
        if !self.files.is_sorted_by(|one, next| one.name <= next.name) {
            return Err("its files are not in the order of their names".to_owned());
        }
        let mut cut: Vec<Vec<(u64, u64)>> = vec![Vec::new(); self.files.len()];
        for piece in self.shards.iter().flatten() {
            let pieces = cut.get_mut(piece.file as usize);
            let pieces = pieces.ok_or_else(|| format!("a shard reads file {}, which there is not", piece.file))?;
            pieces.push((piece.from, piece.to));
        }
        let mut alike: BTreeMap<(u64, u64), &[(u64, u64)]> = BTreeMap::new();
        for (file, pieces) in self.files.iter().zip(&mut cut) {
            pieces.sort_unstable();
            check_pieces(file, pieces)?;
            if file.same_size && file.splittable {
                let first = alike.entry((file.size, file.skip)).or_insert(pieces);
                if *first != pieces.as_slice() {
                    return Err(format!("{} and another file of its size are not cut at the same bytes", file.name));
                }
            }
        }
        Ok(())
    }
}

/// Where a file is cut, its ends included.
fn cuts(file: &PlannedFile, size: u64) -> Vec<u64> {
    let mut cuts = vec![0];
    let mut at = size;
    while at < file.size {
        // A shard of nothing but what is skipped reads nothing.
        if at > file.skip {
            cuts.push(at);
        }
        at = at.saturating_add(size);
    }
    cuts.push(file.size);
    cuts
}

/// Checks that the sorted pieces of a file are all of it, once.
fn check_pieces(file: &PlannedFile, pieces: &[(u64, u64)]) -> Result<(), String> {
    let mut at = 0;
    for (from, to) in pieces {
        if *from != at || to < from || (to == from && file.size > 0) {
            return Err(format!("the shards do not read every byte of {} once: see byte {at}", file.name));
        }
        at = *to;
    }
    if at != file.size || pieces.is_empty() {
        return Err(format!("the shards do not read every byte of {} once: see byte {at}", file.name));
    }
    let cut = pieces.len() > 1;
    if cut && (!file.splittable || file.layout.is_none() || pieces[0].1 <= file.skip) {
        return Err(format!("{} cannot be cut as the plan does", file.name));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, size: u64, cut: bool) -> PlannedFile {
        let layout = cut.then(Box::default);
        PlannedFile { name: name.to_owned(), size, splittable: cut, layout, ..PlannedFile::default() }
    }

    fn plan(files: Vec<PlannedFile>, size: u64) -> Plan {
        let shards = Plan::divide(&files, size);
        Plan { schema: SCHEMA.to_owned(), rules: RULES.to_owned(), files, shards, ..Plan::default() }
    }

    #[test]
    fn large_files_are_cut_and_small_ones_share_a_shard() {
        let plan = plan(
            vec![file("a", 25, true), file("b", 3, true), file("c", 30, false), file("d", 0, true), file("e", 2, true)],
            10,
        );
        let shown: Vec<Vec<(u32, u64, u64)>> = plan
            .shards
            .iter()
            .map(|shard| shard.iter().map(|piece| (piece.file, piece.from, piece.to)).collect())
            .collect();
        assert_eq!(
            shown,
            [
                vec![(0, 0, 10)],
                vec![(0, 10, 20)],
                vec![(0, 20, 25)],
                vec![(1, 0, 3)],
                vec![(2, 0, 30)],
                vec![(3, 0, 0), (4, 0, 2)]
            ]
        );
        let text = serde_json::to_vec(&plan).expect("JSON");
        assert_eq!(Plan::read(&text).expect("a plan").0, plan);
    }

    #[test]
    fn a_plan_that_does_not_fit_is_refused() {
        let good = || plan(vec![file("a", 25, true), file("b", 3, false)], 10);
        type Change = fn(&mut Plan);
        let changes: [(&str, Change); 9] = [
            ("schema", |plan| plan.schema = "emp-ops/audit/v1".to_owned()),
            ("version", |plan| plan.rules = "0.0.0".to_owned()),
            ("every byte of a", |plan| drop(plan.shards.remove(1))),
            ("every byte of b", |plan| drop(plan.shards.pop())),
            ("every byte of a", |plan| plan.shards[1][0].from = 9),
            ("which there is not", |plan| plan.shards[0][0].file = 7),
            ("cannot be cut", |plan| plan.files[0].layout = None),
            ("cannot be cut", |plan| plan.files[0].skip = 10),
            ("order of their names", |plan| plan.files[0].name = "c".to_owned()),
        ];
        for (expect, change) in changes {
            let mut plan = good();
            change(&mut plan);
            let error = plan.check().expect_err(expect);
            assert!(error.contains(expect), "{error}");
        }
    }
}
