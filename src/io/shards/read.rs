//! Reads one shard of a plan.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::spool;
use crate::io::files::FileError;
use crate::io::read::options::ScanOptions;
use crate::io::read::scan::{self, Input};
use crate::io::read::sources::Source;
use crate::log::layout::Layout;
use crate::shards::partial::Partial;
use crate::shards::plan::{Fixed, Piece, Plan};

/// Reads a shard; `piped` tells that its bytes come from standard input, piece behind piece, each that is cut from one byte
/// before it.
///
/// # Errors
/// A piece cannot be read to its end. Whatever else is wrong with a file is a finding.
pub(crate) fn shard(
    (plan, plan_id): (&Plan, &str),
    shard: u32,
    piped: bool,
    options: &ScanOptions,
) -> Result<Partial, FileError> {
    let pieces: &[Piece] = plan.shards.get(shard as usize).map_or(&[], Vec::as_slice);
    let spooled = match piped {
        true => spool::pieces(io::stdin().lock(), plan, pieces)
            .map_err(|error| FileError::new("read", "standard input", error))?,
        false => Vec::new(),
    };
    let name = |piece: &Piece| plan.files.get(piece.file as usize).map_or("", |file| file.name.as_str()).to_owned();
    let sources: Vec<Source> = (0..)
        .zip(pieces)
        .map(|(index, piece): (usize, _)| {
            let path =
                spooled.get(index).map_or_else(|| PathBuf::from(name(piece)), |(file, _)| file.path().to_owned());
            Source::File { path, shown: name(piece), evidence: None }
        })
        .collect();
    let base = |index: usize| spooled.get(index).map(|(_, base)| *base);
    let inputs: Vec<Input<'_>> = sources
        .iter()
        .zip(pieces)
        .enumerate()
        .map(|(index, (source, piece))| {
            let planned = plan.files.get(piece.file as usize);
            let whole = planned.is_some_and(|file| (piece.from, piece.to) == (0, file.size));
            Input { source, number: piece.file, planned, piece: (!whole).then(|| (*piece, base(index))), group: 0 }
        })
        .collect();
    let (fold, failed) = scan::fold(&inputs, options, plan.fixed.latest());
    failed.map_or_else(|| Ok(Partial::new(plan, plan_id, shard, fold)), Err)
}

/// How the shards of a plan are read.
///
/// # Errors
/// The plan pins a layout that is none.
pub(crate) fn options(fixed: &Fixed, threads: usize, show_progress: bool) -> Result<ScanOptions, String> {
    let layout = fixed.layout.as_ref().map(Layout::from_description).transpose()?.map(Arc::new);
    let limits = fixed.limits();
    Ok(ScanOptions {
        warn_gap: limits.silence,
        max_listed: limits.listed,
        layout,
        ignore: fixed.ignore.clone(),
        statuses: fixed.statuses.clone(),
        threads,
        show_progress,
        ..ScanOptions::default()
    })
}
