//! What is missing of the logs that a plan names, as findings: with any of them nothing passes.

use super::plan::{Piece, Plan, PlannedFile};
use crate::finding::{Finding, count};

/// A file of which only the bytes `held` were read.
pub(super) fn hole(file: &PlannedFile, held: &[(u64, u64)]) -> Finding {
    let mut holes = Vec::new();
    let mut at = 0;
    for (from, to) in held.iter().copied().chain([(file.size, file.size)]) {
        if from > at {
            holes.push(format!("{at} to {from}"));
        }
        at = to;
    }
    let more = holes.len().saturating_sub(10);
    holes.truncate(10);
    let more = if more > 0 { format!(", and {more} more ranges") } else { String::new() };
    let summary = format!(
        "parts of this file are missing, and none of it is counted: bytes {}{more} of {}",
        holes.join(", "),
        file.size
    );
    Finding::fail(summary).in_file(file.name.as_str(), None)
}

/// A file that tells late where it states levels, so that it must be read a second time.
pub(super) fn late(name: &str) -> Finding {
    let summary = "lines that came late state levels in another place, so that the file must be read in one piece: plan \
                   again with --whole for this file";
    Finding::fail(summary).in_file(name, None)
}

/// A file of another size than the plan says.
pub(crate) fn changed(name: &str, planned: u64, now: u64) -> Finding {
    let summary = format!("the file had {planned} bytes when the shards were planned and {now} now: plan again");
    Finding::fail(summary).in_file(name, None)
}

/// The shards that are not there, by what each was to read.
pub(super) fn shards(plan: &Plan, numbers: &[u32]) -> Vec<Finding> {
    let most = plan.fixed.max_listed.max(1);
    let pieces = |number: u32| plan.shards.get(number as usize).into_iter().flatten().map(move |piece| (number, piece));
    let mut absent = numbers.iter().copied().flat_map(pieces);
    let mut found: Vec<Finding> = absent.by_ref().take(most).map(|(number, piece)| of(plan, number, piece)).collect();
    let more = absent.count();
    if more > 0 {
        let what = format!("{} of files are missing that are not listed here", count(more as u64, "more range"));
        found.push(Finding::fail(what));
    }
    found
}

fn of(plan: &Plan, shard: u32, piece: &Piece) -> Finding {
    let summary = format!("shard {shard} is missing: bytes {} to {} of this file were not read", piece.from, piece.to);
    let name = plan.files.get(piece.file as usize).map_or("", |file| file.name.as_str());
    Finding::fail(summary).in_file(name, None)
}
