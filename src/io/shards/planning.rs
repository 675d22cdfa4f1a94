//! From the paths of logs to the plan of their shards: sizes and times are listed, and only the starts of large files read.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};

use crate::digest;
use crate::io::read::file_ranges::read_full_at;
use crate::io::read::options::ScanOptions;
use crate::io::read::scan;
use crate::io::read::sources::{Source, expand};
use crate::io::read::text;
use crate::log::layout::{self, Layout};
use crate::shards::plan::{Fixed, Plan, PlannedFile, RULES, SCHEMA};
use crate::time::Stamp;

/// What is to be planned.
pub(crate) struct Planning<'a> {
    /// The logs as they were named.
    pub(crate) logs: &'a [PathBuf],
    /// How they are read.
    pub(crate) options: &'a ScanOptions,
    /// Where the layout of all logs is pinned, in words.
    pub(crate) fixed: Fixed,
    /// About how large a shard is, in bytes.
    pub(crate) shard_size: u64,
    /// Files that are not cut.
    pub(crate) whole: &'a [PathBuf],
    /// Who said what shapes the reading.
    pub(crate) said_by: BTreeMap<String, String>,
}

/// Plans the shards of logs.
///
/// # Errors
/// One of the logs can be read only once, or its name is no text; the message says what to do.
pub(crate) fn plan(planning: Planning<'_>) -> Result<Plan, String> {
    let latest = scan::latest();
    let (mut sources, mut findings) = expand(planning.logs, None);
    sources.sort_by(|a, b| a.shown().cmp(b.shown()));
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    let mut files = Vec::with_capacity(sources.len());
    let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
    for source in &sources {
        let file = list(source)?;
        *sizes.entry(file.size).or_default() += 1;
        files.push(file);
    }
    let mut starts: BTreeMap<(u64, String), Vec<usize>> = BTreeMap::new();
    let large = |file: &PlannedFile| file.size > planning.shard_size;
    for (index, (source, file)) in sources.iter().zip(&mut files).enumerate() {
        let alike = file.size > 0 && sizes.get(&file.size).is_some_and(|count| *count > 1);
        // What cannot be opened is told by the shard.
        let opened = if alike || large(file) { source.open().and_then(Result::ok) } else { None };
        if let Some((opened, _)) = opened {
            let start = look(&opened, file, &planning, latest);
            if alike {
                starts.entry((file.size, start)).or_default().push(index);
            }
        }
    }
    for alike in starts.into_values().filter(|alike| alike.len() > 1) {
        // They are cut at the same bytes, or not at all.
        let cut = alike.iter().all(|index| files[*index].splittable);
        for index in alike {
            files[index].same_size = true;
            files[index].splittable = cut;
        }
    }
    files.iter_mut().filter(|file| !file.splittable).for_each(|file| file.layout = None);
    Ok(Plan {
        schema: SCHEMA.to_owned(),
        rules: RULES.to_owned(),
        fixed: Fixed { latest_us: latest.micros(), ..planning.fixed },
        said_by: planning.said_by,
        logs: planning.logs.iter().map(|path| path.display().to_string()).collect(),
        findings,
        shards: Plan::divide(&files, planning.shard_size),
        files,
    })
}

/// Lists a file. One that cannot be opened is told by the shard that reads it.
fn list(source: &Source) -> Result<PlannedFile, String> {
    let Source::File { path, shown, .. } = source else {
        return Err("standard input can be read only once; name the logs that are to be planned".to_owned());
    };
    if path.to_str() != Some(shown.as_str()) {
        return Err(format!("the name of {shown} is no UTF-8 text, which a plan must hold; rename it"));
    }
    let about = source.open().and_then(Result::ok).map(|(_, about)| about);
    if about.as_ref().is_some_and(|about| !about.is_file()) {
        return Err(format!("{shown} is no regular file, and only these can be read in shards"));
    }
    let written = |about: &Metadata| about.modified().ok().map(|at| Stamp::from(at).micros());
    Ok(PlannedFile {
        name: shown.clone(),
        size: about.as_ref().map_or(0, Metadata::len),
        written_us: about.as_ref().and_then(written),
        ..PlannedFile::default()
    })
}

/// Looks at the start of a file: whether it may be cut, and the digest of it.
fn look(opened: &File, file: &mut PlannedFile, planning: &Planning<'_>, latest: Stamp) -> String {
    let mut buffer = vec![0; usize::try_from(file.size).unwrap_or(usize::MAX).min(layout::SAMPLE)];
    let len = read_full_at(opened, &mut buffer, 0).unwrap_or(0);
    buffer.truncate(len);
    let start = digest::sha256(&buffer);
    let whole = planning.whole.iter().any(|path| path == Path::new(&file.name));
    // The years of a pinned layout are told by all of the file.
    if planning.options.layout.is_none()
        && !whole
        && let Some(text::Start { skip, hole }) = text::plain(opened, &mut buffer)
    {
        let layout = Layout::learn(&buffer, latest);
        if !layout.is_yearless() && skip < file.size {
            (file.skip, file.hole, file.splittable) = (skip, hole, true);
            file.layout = (file.size > planning.shard_size).then(|| Box::new(layout));
        }
    }
    start
}
