//! Feeds mutated fixtures to everything that reads what others wrote, and checks what must hold for any input.

mod mutate;
mod targets;

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::Outcome;
use mutate::{Random, mutated};
use targets::{TARGETS, Target};

const USAGE: &str = "usage: cargo xtask fuzz [--seconds N] [--seed N] [--input FILE] [TARGET…]";
/// No input may take longer, in a build without optimisation.
const SLOW: Duration = Duration::from_secs(5);
/// So many failures of a target are enough to begin with.
const ENOUGH: usize = 5;

struct Options<'a> {
    seconds: u64,
    seed: u64,
    input: Option<PathBuf>,
    targets: Vec<&'a Target>,
}

/// Fuzzes the targets one after the other, each for its share of the time.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let options = options(args)?;
    // A panic is a failure like any other, and told with its input.
    panic::set_hook(Box::new(|_| {}));
    let mut failures = 0;
    for target in &options.targets {
        failures += match &options.input {
            Some(path) => replay(target, path)?,
            None => fuzz(target, &options)?,
        };
    }
    if failures == 0 { Ok(()) } else { Err(format!("{failures} failures")) }
}

fn options<'a>(args: &[&str]) -> Result<Options<'a>, String> {
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = clock.map_or(1, |since| since.as_secs());
    let mut options = Options { seconds: 60, seed, input: None, targets: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.parse().ok()).ok_or(USAGE);
        match *arg {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--input" => options.input = Some(args.next().ok_or(USAGE)?.into()),
            name => {
                let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
                let target = TARGETS.iter().find(|target| target.name == name);
                options.targets.push(target.ok_or_else(|| format!("no target {name}; there are {known:?}; {USAGE}"))?);
            }
        }
    }
    if options.targets.is_empty() {
        options.targets.extend(TARGETS);
    }
    Ok(options)
}

fn fuzz(target: &Target, options: &Options<'_>) -> Result<usize, String> {
    let seeds = seeds(target)?;
    let share = Duration::from_secs(options.seconds) / options.targets.len() as u32;
    let started = Instant::now();
    let mut random = Random::new(options.seed);
    let mut failures: Vec<String> = Vec::new();
    let mut inputs = 0_u64;
    let mut slowest = Duration::ZERO;
    // The fixtures themselves come first.
    let mut fixtures = seeds.iter();
    while started.elapsed() < share && failures.len() < ENOUGH {
        let input = fixtures.next().cloned().unwrap_or_else(|| mutated(&seeds, &mut random));
        let choice = random.next();
        let before = Instant::now();
        let outcome = check(target, &input, choice);
        let took = before.elapsed();
        inputs += 1;
        slowest = slowest.max(took);
        let outcome =
            outcome.and_then(|()| if took > SLOW { Err(format!("took {:.1}s", took.as_secs_f64())) } else { Ok(()) });
        if let Err(why) = outcome {
            // One kind of failure is told once.
            let kind: String = why.chars().filter(|c| !c.is_ascii_digit()).take(60).collect();
            if !failures.contains(&kind) {
                let path = keep(target, &input, choice, failures.len())?;
                println!(
                    "{}: {why}\n  replay: cargo xtask fuzz --input {} {}",
                    target.name,
                    path.display(),
                    target.name
                );
                failures.push(kind);
            }
        }
    }
    println!(
        "{:8} {inputs} inputs in {:.0}s from seed {}, slowest {:.0} ms, {} kinds of failures",
        target.name,
        started.elapsed().as_secs_f64(),
        options.seed,
        slowest.as_secs_f64() * 1000.0,
        failures.len()
    );
    Ok(failures.len())
}

fn replay(target: &Target, path: &Path) -> Result<usize, String> {
    let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let choice = path.extension().and_then(|text| u64::from_str_radix(&text.to_string_lossy(), 16).ok());
    match check(target, &bytes, choice.unwrap_or_default()) {
        Ok(()) => println!("{}: nothing is wrong with {}", target.name, path.display()),
        Err(why) => println!("{}: {why}", target.name),
    }
    Ok(0)
}

/// What must hold; a panic is told as what it says.
fn check(target: &Target, input: &[u8], choice: u64) -> Outcome {
    panic::catch_unwind(AssertUnwindSafe(|| (target.check)(input, choice))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// Keeps an input that failed; its name ends with the choice that belongs to it.
fn keep(target: &Target, input: &[u8], choice: u64, number: usize) -> Result<PathBuf, String> {
    let folder = root().join("target/fuzz");
    let path = folder.join(format!("{}-{number}.{choice:x}", target.name));
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, input));
    kept.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(path)
}

fn seeds(target: &Target) -> Result<Vec<Vec<u8>>, String> {
    let mut seeds: Vec<Vec<u8>> = target.texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    for folder in target.fixtures {
        gather(&root().join("fixtures").join(folder), &mut seeds)?;
    }
    Ok(seeds)
}

fn gather(path: &Path, seeds: &mut Vec<Vec<u8>>) -> Outcome {
    let fail = |error| format!("cannot read {}: {error}", path.display());
    if path.is_file() {
        seeds.push(fs::read(path).map_err(fail)?);
        return Ok(());
    }
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    paths.iter().try_for_each(|path| gather(path, seeds))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}
