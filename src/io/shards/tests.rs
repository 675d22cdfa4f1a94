//! Whatever way logs are cut, read and merged, the summary is that of one run; and where anything is missing, it fails.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::planning::{Planning, plan};
use super::read;
use crate::io::read::options::ScanOptions;
use crate::io::read::scan::{expand, scan};
use crate::log::access::Statuses;
use crate::log::summary::LogSummary;
use crate::log::totals::faults;
use crate::shards::partial::{Merge, Partial};
use crate::shards::plan::{Fixed, Piece, Plan};

/// How many ways are tried where the variable [`CASES_VARIABLE`] says nothing.
const CASES: u64 = 24;
const CASES_VARIABLE: &str = "EMP_OPS_SHARD_CASES";

/// Numbers that look random, the same ones for the same seed.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides.max(1)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).unwrap_or(0)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

fn options() -> ScanOptions {
    ScanOptions {
        warn_gap: Duration::from_secs(30),
        max_listed: 40,
        ignore: vec!["slow answer of the mirror".to_owned()],
        statuses: Statuses { error: Some(vec!["5xx".to_owned()]), warn: vec!["404".to_owned()] },
        threads: 1,
        ..ScanOptions::default()
    }
}

fn fixed(options: &ScanOptions) -> Fixed {
    let warn_gap_us = u64::try_from(options.warn_gap.as_micros()).expect("short");
    let (ignore, statuses) = (options.ignore.clone(), options.statuses.clone());
    Fixed { warn_gap_us, max_listed: options.max_listed, ignore, statuses, ..Fixed::default() }
}

/// The plan of logs, all of them to be cut as finely as can be.
fn planned(logs: &[PathBuf], options: &ScanOptions) -> Plan {
    let fixed = fixed(options);
    plan(Planning { logs, options, fixed, shard_size: 1, whole: &[], said_by: Default::default() }).expect("a plan")
}

/// Cuts the files of a plan again, at any bytes, and deals the pieces to shards in any order.
fn cut(plan: &mut Plan, dice: &mut Dice) {
    let mut by_size = std::collections::BTreeMap::new();
    let mut pieces = Vec::new();
    for (number, file) in (0..).zip(&plan.files) {
        let mut cuts = vec![0, file.size];
        if file.splittable && file.size > file.skip + 1 {
            let wanted = dice.roll(6);
            cuts.extend((0..wanted).map(|_| file.skip + 1 + dice.roll(file.size - file.skip - 1)));
        }
        cuts.sort_unstable();
        cuts.dedup();
        let same = file.same_size && file.splittable;
        let cuts = if same { by_size.entry((file.size, file.skip)).or_insert(cuts).clone() } else { cuts };
        match cuts.as_slice() {
            [_] => pieces.push(Piece { file: number, from: 0, to: 0 }),
            cuts => pieces.extend(cuts.windows(2).map(|pair| Piece { file: number, from: pair[0], to: pair[1] })),
        }
    }
    dice.shuffle(&mut pieces);
    plan.shards.clear();
    for piece in pieces {
        match plan.shards.last_mut() {
            Some(shard) if dice.roll(3) == 0 => shard.push(piece),
            _ => plan.shards.push(vec![piece]),
        }
    }
}

/// The summary of one run over everything.
fn one_run(logs: &[PathBuf], options: &ScanOptions) -> LogSummary {
    let (sources, mut faults) = expand(logs, None);
    faults.sort_by(|a, b| a.place.cmp(&b.place));
    let mut summary = scan(&sources, options);
    faults::before(&mut summary, faults);
    summary
}

/// A partial, written and read back.
fn stored(mut partial: Partial) -> Partial {
    Partial::read(&partial.write().expect("memory")).expect("a partial")
}

fn of_shard(plan: &Plan, id: &str, shard: usize, options: &ScanOptions) -> Partial {
    let shard = u32::try_from(shard).expect("few shards");
    stored(read::shard((plan, id), shard, false, options).expect("readable"))
}

fn merged(parts: impl IntoIterator<Item = Partial>) -> Partial {
    let mut merge = Merge::default();
    parts.into_iter().for_each(|part| merge.add("a partial", part).expect("they fit"));
    stored(merge.finish().expect("some"))
}

/// Merges partials along a tree of any shape.
fn tree(mut parts: Vec<Partial>, dice: &mut Dice) -> Partial {
    while parts.len() > 1 {
        let mut chosen = vec![parts.swap_remove(dice.index(parts.len()))];
        for _ in 0..=dice.roll(3).min(parts.len() as u64 - 1) {
            chosen.push(parts.swap_remove(dice.index(parts.len())));
        }
        if dice.roll(3) == 0 {
            // Engines run tasks twice.
            chosen.push(chosen[0].clone());
        }
        dice.shuffle(&mut chosen);
        parts.push(merged(chosen));
    }
    merged(parts)
}

fn text_of(summary: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(summary).expect("JSON")
}

/// The first lines in which two texts differ.
fn difference(one: &str, other: &str) -> String {
    let pairs = one.lines().zip(other.lines()).enumerate();
    let lines = pairs.filter(|(_, (a, b))| a != b).take(8).map(|(line, (a, b))| format!("{line}: {a}  |  {b}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn however_logs_are_cut_and_merged_the_summary_is_that_of_one_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let all = corpus(&folder);
    let cases = std::env::var(CASES_VARIABLE).ok().and_then(|count| count.parse().ok()).unwrap_or(CASES);
    for seed in 0..cases {
        let mut dice = Dice(seed);
        let logs: Vec<PathBuf> = (0..=dice.roll(9)).map(|_| all[dice.index(all.len())].clone()).collect();
        let mut options = options();
        let single = text_of(&one_run(&logs, &options));
        let mut plan = planned(&logs, &options);
        cut(&mut plan, &mut dice);
        let text = serde_json::to_vec(&plan).expect("JSON");
        let (plan, id) = Plan::read(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        options.threads = 1 + dice.index(3);
        let mut parts: Vec<Partial> =
            (0..plan.shards.len()).map(|shard| of_shard(&plan, &id, shard, &options)).collect();
        dice.shuffle(&mut parts);
        let flat = merged(parts.clone()).write().expect("memory");
        let mut root = tree(parts.clone(), &mut dice);
        assert!(flat == root.write().expect("memory"), "seed {seed}: the same shards merge to other bytes");
        let folded = text_of(&root.summary(&plan, &options.terms((options.warn_gap, options.fail_gap))));
        assert!(folded == single, "seed {seed}, {logs:#?}\n{}", difference(&folded, &single));
        parts.pop();
        if !parts.is_empty() {
            let holed = tree(parts, &mut dice).summary(&plan, &options.terms((options.warn_gap, options.fail_gap)));
            assert_eq!(text_of(&holed.status), "\"fail\"", "seed {seed}");
            assert!(text_of(&holed.findings).contains("is missing: bytes"), "seed {seed}");
        }
    }
}

/// All fixtures, and files that are hard to cut.
fn corpus(folder: &TempDir) -> Vec<PathBuf> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let found = walkdir::WalkDir::new(fixtures).sort_by_file_name();
    let logs = found.into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    let is_log = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log" || extension == "jsonl");
    let mut all: Vec<PathBuf> = logs.filter(is_log).collect();
    let mut add = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("writable");
        all.push(path);
    };
    let dated = |number: u64, step: u64| {
        let seconds = number * step;
        format!("2025-01-06 {:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
    };
    let lines = |count: u64, of: &dyn Fn(u64) -> String| (0..count).map(of).collect::<String>();
    let errors = lines(300, &|n| format!("{} ERROR pump {n} lost {}\n", dated(n * 7 % 300, 11), n * 31));
    add("errors.log", errors.as_bytes());
    let traces = lines(120, &|n| {
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n\n    g()\nValueError: bad\n";
        format!("{} INFO step {n}\n{}", dated(n, 20), if n % 3 == 0 { trace } else { "  more of it\nloose words\n" })
    });
    add("traces.log", traces.as_bytes());
    add("windows.log", traces.replace('\n', "\r\n").as_bytes());
    add("marked.log", &[b"\xef\xbb\xbf", traces.as_bytes()].concat());
    add("holed.log", &[&[0; 700][..], errors.as_bytes()].concat());
    add(
        "inner-holes.log",
        &errors.as_bytes().iter().enumerate().map(|(at, b)| if at / 40 % 50 == 7 { 0 } else { *b }).collect::<Vec<_>>(),
    );
    add("no-end.log", traces.trim_end().as_bytes());
    add("latin.log", &traces.bytes().map(|b| if b == b'j' || b == b'g' { 0xe9 } else { b }).collect::<Vec<_>>());
    add("wide.log", &traces.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>());
    add("empty.log", b"");
    add("blank.log", b"\n\n \n");
    add("prose.log", b"nothing of this is a record\nnor this\n");
    add("one.log", b"2025-01-06 00:00:01 INFO only");
    let events = lines(400, &|n| {
        let level = ["info", "warning", "error", "weird"][usize::from(n % 40 == 3) + usize::from(n % 41 == 3) * 2];
        json!({"timestamp": 1_736_121_600 + n * 977 % 9000, "level": level, "event": format!("event {}", n * 37 % 1300),
               "message": format!("step {n}"), "nested": {"list": [n, 0.1, null], "text": "é\u{1b}[31m"}})
        .to_string()
            + "\n"
    });
    add("events.jsonl", events.as_bytes());
    add("twin-a.jsonl", events.as_bytes());
    add("twin-b.jsonl", events.as_bytes());
    // Of the same size, and other bytes far behind the start.
    add("near-twin.jsonl", events.replacen("step 399", "step 398", 1).as_bytes());
    let ignored = lines(60, &|n| format!("{} WARN slow answer of the mirror {n}\n", dated(n, 5)));
    add("ignored.log", ignored.as_bytes());
    let access =
        lines(90, &|n| format!("{} \"GET /{n} HTTP/1.1\" {} 5\n", dated(n, 5), [200, 404, 502][n as usize % 3]));
    add("access.log", access.as_bytes());
    let yearless = lines(80, &|n| format!("Dec 31 23:{:02}:{:02} host app[{n}]: <err> lost\n", n / 60 + 58, n % 60));
    add("yearless.log", yearless.replacen("Dec 31 23:59", "Jan  1 00:00", 1).as_bytes());
    let late = lines(40, &|n| format!("{} INFO early {n}\n", dated(n, 5)))
        + &lines(40, &|n| format!("app | {} | late {n}\n", dated(n, 9)));
    add("two-writers.log", late.as_bytes());
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(traces.as_bytes()).expect("memory");
    let packed = packer.finish().expect("memory");
    add("traces.log.gz", &packed);
    add("cut.log.gz", &packed[..packed.len() / 2]);
    add("events.jsonl.zst", &zstd::stream::encode_all(events.as_bytes(), 1).expect("memory"));
    add("program.log", b"\x7fELF and more");
    all.push(folder.path().join("not-there.log"));
    all
}
