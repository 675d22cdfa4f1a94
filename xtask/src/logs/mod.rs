//! How fast `audit` reads logs: plain and packed, next to `wc -l` and to the decoder alone.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use emp_ops::io::read::decode::{self, Packing};

use crate::measure::{self, Cost};
use crate::{Outcome, Tool};

/// The first argument of the copy that decodes a file and does nothing with the text.
pub(crate) const DECODE: &str = "decode";
/// The size of the corpus in bytes, unless `BENCH_BYTES` says otherwise.
const BYTES: u64 = 1_000_000_000;
const SMALL_FILES: u64 = 10_000;
const LINES_OF_SMALL: u64 = 20;
/// The time that the corpus spans: 72 hours.
const SPAN_MICROS: u64 = 72 * 3600 * 1_000_000;

pub(crate) fn bench(tool: &Tool) -> Outcome {
    let size = std::env::var("BENCH_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(BYTES);
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let plain = folder.path().join("plain.jsonl");
    write_corpus(&plain, size).map_err(|e| format!("cannot write {}: {e}", plain.display()))?;
    start(tool, folder.path())?;
    println!("  {size} bytes of JSON lines, 72 hours");
    let reference = measure::run(&["wc", "-l", &text(&plain)])?;
    show("wc -l", size, &reference, None);
    for threads in ["1", "2", "8"] {
        let cost = audit(tool, &plain, threads)?;
        show(&format!("plain, {threads} threads"), size, &cost, Some(&reference));
    }
    packed(tool, &plain, size)?;
    small(tool, folder.path())
}

/// The time that a small command takes: the best of several.
fn start(tool: &Tool, folder: &Path) -> Outcome {
    let tiny = folder.join("tiny.jsonl");
    fs::write(&tiny, line(0, 0, &mut Random(1))).map_err(|e| e.to_string())?;
    let program = text(&tool.path);
    let tiny = text(&tiny);
    let commands: [(&str, Vec<&str>); 2] =
        [("--help", vec![&program, "--help"]), ("audit of one line", vec![&program, "audit", "--log", &tiny])];
    for (name, command) in commands {
        let mut best = Duration::MAX;
        let mut last = None;
        for _ in 0..10 {
            let cost = measure::run(&command)?;
            best = best.min(cost.wall);
            last = Some(cost);
        }
        let peak = last.map_or(0.0, |cost| cost.peak as f64 / f64::from(1 << 20));
        println!("  {name:24} {:.1} ms, {peak:.1} MiB peak", best.as_secs_f64() * 1e3);
    }
    Ok(())
}

/// The same corpus packed, next to our decoder alone.
fn packed(tool: &Tool, plain: &Path, size: u64) -> Outcome {
    let here = std::env::current_exe().map_err(|e| e.to_string())?;
    for packing in [Packing::Gz, Packing::Zst, Packing::Xz, Packing::Bz2] {
        let name = packing.name();
        let path = plain.with_extension(format!("jsonl.{name}"));
        pack(plain, &path, packing).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        let alone = measure::run(&[&text(&here), DECODE, &text(&path)])?;
        show(&format!("{name}, decoder alone"), size, &alone, None);
        let cost = audit(tool, &path, "2")?;
        show(&format!("{name}, 2 threads"), size, &cost, Some(&alone));
        fs::remove_file(&path).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn small(tool: &Tool, folder: &Path) -> Outcome {
    let many = folder.join("many");
    fs::create_dir(&many).map_err(|e| e.to_string())?;
    let mut random = Random(2);
    let mut size = 0;
    for file in 0..SMALL_FILES {
        let lines: String = (0..LINES_OF_SMALL)
            .map(|number| line(file * LINES_OF_SMALL + number, SPAN_MICROS / SMALL_FILES / LINES_OF_SMALL, &mut random))
            .collect();
        size += lines.len() as u64;
        fs::write(many.join(format!("{file:05}.jsonl")), lines).map_err(|e| e.to_string())?;
    }
    let cost = audit(tool, &many, "2")?;
    show(&format!("{SMALL_FILES} small files"), size, &cost, None);
    Ok(())
}

fn audit(tool: &Tool, log: &Path, threads: &str) -> Result<Cost, String> {
    let program = text(&tool.path);
    let log = text(log);
    let cost = measure::run(&[
        &program,
        "audit",
        "--log",
        &log,
        "--threads",
        threads,
        "--format",
        "json",
        "--fail-on",
        "never",
    ])?;
    if cost.code == 0 { Ok(cost) } else { Err(format!("the audit of {log} ended with {}", cost.code)) }
}

fn show(name: &str, size: u64, cost: &Cost, reference: Option<&Cost>) {
    let rate = size as f64 / cost.wall.as_secs_f64() / 1e9;
    let ratio = reference.map_or_else(String::new, |reference| {
        format!("  {:.2} x reference", cost.wall.as_secs_f64() / reference.wall.as_secs_f64())
    });
    println!("  {name:24} {}  {rate:6.2} GB/s{ratio}", cost.text());
}

/// The copy's side of "decoder alone".
pub(crate) fn decode(path: &str) -> Outcome {
    let failed = |e: io::Error| format!("cannot decode {path}: {e}");
    let mut file = File::open(path).map_err(failed)?;
    let mut head = vec![0; decode::HEAD];
    let len = file.read(&mut head).map_err(failed)?;
    let packing = decode::packing(&head[..len]).map_err(str::to_owned)?;
    let mut text = decode::unpack(File::open(path).map_err(failed)?, packing).map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    while text.read(&mut buffer).map_err(failed)? > 0 {}
    Ok(())
}

fn pack(from: &Path, to: &PathBuf, packing: Packing) -> io::Result<()> {
    let mut from = File::open(from)?;
    let to = BufWriter::new(File::create(to)?);
    let end: Result<_, _> = match packing {
        Packing::Gz => {
            let mut packer = flate2::write::GzEncoder::new(to, flate2::Compression::default());
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Zst => {
            let mut packer = zstd::Encoder::new(to, 3)?;
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Xz => {
            let mut packer = xz2::write::XzEncoder::new(to, 1);
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Bz2 => {
            let mut packer = bzip2::write::BzEncoder::new(to, bzip2::Compression::fast());
            io::copy(&mut from, &mut packer)?;
            packer.finish()
        }
        Packing::Plain => return Ok(()),
    };
    end?.flush()
}

fn write_corpus(path: &Path, size: u64) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut random = Random(0);
    let step = SPAN_MICROS / (size / 350).max(1);
    let mut written = 0;
    let mut number = 0;
    while written < size {
        let line = line(number, step, &mut random);
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
        number += 1;
    }
    out.flush()
}

/// A line of about 350 bytes; every ten-thousandth is a warning.
fn line(number: u64, step: u64, random: &mut Random) -> String {
    const EVENTS: [&str; 8] =
        ["heartbeat", "order_placed", "order_filled", "book_update", "risk_check", "feed_tick", "cache", "position"];
    let micros = number * step;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (day, hour, minute, second) = (6 + seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let level = match number {
        n if n % 10_000 == 9_999 => "warning",
        n if n % 3 == 0 => "debug",
        _ => "info",
    };
    let event = EVENTS[random.below(8) as usize];
    format!(
        "{{\"timestamp\":\"2025-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00\",\"level\":\"{level}\",\
         \"event\":\"{event}\",\"message\":\"{event} took {} us with result ok\",\"logger\":\"runtime.{event}\",\
         \"thread\":\"worker-{}\",\"host\":\"node-{:02}\",\"sequence\":{number},\"payload\":{{\"instrument\":\"I{}\",\
         \"price\":{}.{:02},\"quantity\":{},\"tags\":[\"rehearsal\",\"paper\"]}},\"trace_id\":\"{:016x}{:016x}\"}}\n",
        random.below(10_000),
        random.below(8),
        random.below(12),
        random.below(100),
        random.below(1000),
        random.below(100),
        random.below(1000),
        random.next(),
        random.next(),
    )
}

/// splitmix64: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
