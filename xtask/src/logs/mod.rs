//! How fast `audit` reads logs of all forms, plain and packed, next to plain references.

mod baseline;
mod corpora;
mod packing;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use baseline::Ratios;
use corpora::{FORMS, Form, Random, SPAN_MICROS};
use emp_ops::io::read::decode::Packing;
pub(crate) use packing::{DECODE, decode};

use crate::measure::{self, Cost};
use crate::{Outcome, Tool};

/// The size of the large corpus in bytes, unless `BENCH_BYTES` says otherwise. That of each form is a sixteenth.
const BYTES: u64 = 1_000_000_000;
const SMALL_FILES: u64 = 10_000;
const LINES_OF_SMALL: u64 = 20;

pub(crate) fn bench(tool: &Tool) -> Outcome {
    let size = std::env::var("BENCH_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(BYTES);
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    start(tool, folder.path())?;
    let mut ratios = Ratios::default();
    forms(tool, folder.path(), size / 16, &mut ratios)?;
    large(tool, folder.path(), size, &mut ratios)?;
    small(tool, folder.path())?;
    ratios.compare()
}

/// The time that a small command takes: the best of several.
fn start(tool: &Tool, folder: &Path) -> Outcome {
    let tiny = folder.join("tiny.jsonl");
    let json = Form::named("json").ok_or("no form")?;
    fs::write(&tiny, json.record(0, 0, &mut Random(1))).map_err(|e| e.to_string())?;
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

/// Every form on one thread. The reference is `wc -w`: a plain loop over the bytes, which costs as much in every file.
fn forms(tool: &Tool, folder: &Path, size: u64, ratios: &mut Ratios) -> Outcome {
    println!("  {} MB of each form, one thread, medians of five; ratios to the CPU of wc -w", size / 1_000_000);
    for form in &FORMS {
        let path = folder.join(format!("{}.log", form.name));
        let length = form.write(&path, size).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        let reference = measure::median(|| measure::run(&["env", "LC_ALL=C", "wc", "-w", &text(&path)]))?;
        let cost = measure::median(|| audit(tool, &path, "1"))?;
        let nanos = cost.user.as_secs_f64() * 1e9 / length as f64;
        let ratio = cost.cpu.as_secs_f64() / reference.cpu.as_secs_f64();
        println!("  {:24} {}  {nanos:6.2} ns/B user  {ratio:6.2} x reference", form.name, cost.text());
        ratios.add(form.name, ratio);
        peers(form.name, &path, length);
        fs::remove_file(&path).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// What other programs take to look at every line of the same file, where they are installed.
fn peers(form: &str, path: &Path, length: u64) {
    const LOOP: &str = "import json,sys\nn = {}\nfor line in open(sys.argv[1]):\n    \
                        l = json.loads(line)['level'] if line[0] == '{' else line.split(None, 3)[2]\n    n[l] = n.get(l, 0) + 1";
    let path = text(path);
    let commands: &[(&str, &[&str])] = match form {
        "json" => {
            &[("jq .level", &["jq", "-r", ".level", &path]), ("python3, a loop", &["python3", "-c", LOOP, &path])]
        }
        "dated" => &[("python3, a loop", &["python3", "-c", LOOP, &path])],
        _ => &[],
    };
    for (name, command) in commands {
        let known = Command::new(command[0]).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let cost = known.ok().and_then(|_| measure::run(command).ok());
        match cost.filter(|cost| cost.code == 0) {
            Some(cost) => {
                let nanos = cost.user.as_secs_f64() * 1e9 / length as f64;
                println!("    {name:22} {}  {nanos:6.2} ns/B user", cost.text());
            }
            None => println!("    {name:22} is not here"),
        }
    }
}

/// A large log of JSON lines: on several threads, and packed next to our decoder alone.
fn large(tool: &Tool, folder: &Path, size: u64, ratios: &mut Ratios) -> Outcome {
    let plain = folder.join("plain.jsonl");
    let json = Form::named("json").ok_or("no form")?;
    let size = json.write(&plain, size).map_err(|e| format!("cannot write {}: {e}", plain.display()))?;
    println!("  {size} bytes of JSON lines, 72 hours");
    let reference = measure::run(&["wc", "-l", &text(&plain)])?;
    show("wc -l", size, &reference, None);
    for threads in ["1", "2", "8"] {
        let cost = audit(tool, &plain, threads)?;
        show(&format!("plain, {threads} threads"), size, &cost, Some(&reference));
    }
    let here = std::env::current_exe().map_err(|e| e.to_string())?;
    for packing in [Packing::Gz, Packing::Zst, Packing::Xz, Packing::Bz2] {
        let name = packing.name();
        let path = plain.with_extension(format!("jsonl.{name}"));
        packing::pack(&plain, &path, packing).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        let alone = measure::median(|| measure::run(&[&text(&here), DECODE, &text(&path)]))?;
        show(&format!("{name}, decoder alone"), size, &alone, None);
        let cost = measure::median(|| audit(tool, &path, "2"))?;
        show(&format!("{name}, 2 threads"), size, &cost, Some(&alone));
        ratios.add(name, cost.wall.as_secs_f64() / alone.wall.as_secs_f64());
        fs::remove_file(&path).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn small(tool: &Tool, folder: &Path) -> Outcome {
    let many = folder.join("many");
    fs::create_dir(&many).map_err(|e| e.to_string())?;
    let json = Form::named("json").ok_or("no form")?;
    let mut random = Random(2);
    let step = SPAN_MICROS / SMALL_FILES / LINES_OF_SMALL;
    let mut size = 0;
    for file in 0..SMALL_FILES {
        let numbers = file * LINES_OF_SMALL..(file + 1) * LINES_OF_SMALL;
        let lines: String = numbers.map(|number| json.record(number, step, &mut random)).collect();
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

fn text(path: &Path) -> String {
    path.display().to_string()
}
