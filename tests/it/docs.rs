//! Runs the `console` blocks of the README and the runbooks, so that what they promise stays true.
//!
//! A line that starts with `$ ` is a command; `# exits 1` at its end names its exit code, 0 otherwise. The lines below it
//! are what it prints, in order; digits may differ, and a line with `…` stands for anything. `cargo run --` is the program.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use crate::harness::Bench;

#[test]
fn console_blocks_do_what_they_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = fs::read_dir(root.join("runbooks")).unwrap().map(|e| e.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|extension| extension == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    // Each page by itself, since some commands take their time.
    let commands: usize = thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(|| check_page(root, page))).collect();
        running.into_iter().map(|page| page.join().expect("a page that is true")).sum()
    });
    assert!(commands > 0, "no console block was found");
}

/// Runs the blocks of a page; how many commands there were.
#[expect(clippy::print_stderr, reason = "a test that lacks its tool says so")]
fn check_page(root: &Path, page: &Path) -> usize {
    let mut commands = 0;
    for block in console_blocks(&fs::read_to_string(page).unwrap()) {
        if block.contains("openssl ") && Command::new("openssl").arg("version").output().is_err() {
            eprintln!("skipped: a block of {}: openssl is not installed", page.display());
            continue;
        }
        // One folder for a block, so that its later commands see what the earlier ones wrote.
        let bench = Bench::new();
        symlink(root.join("fixtures"), bench.path().join("fixtures")).unwrap();
        for step in block.split("$ ").skip(1) {
            commands += 1;
            check(page, &bench, step);
        }
    }
    commands
}

#[test]
fn pictures_are_there_and_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let images: Vec<String> = Parser::new(&readme)
        .filter_map(|event| match event {
            Event::Start(Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(images.len(), 3, "the page, its timeline and the dashboard");
    for image in images {
        let bytes = fs::read(root.join(&image)).unwrap_or_else(|error| panic!("{image}: {error}"));
        assert!(bytes.len() < 150_000, "{image}: {} bytes", bytes.len());
    }
}

fn console_blocks(markdown: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut inside = false;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                inside = &*info == "console";
                if inside {
                    blocks.push(String::new());
                }
            }
            Event::End(_) => inside = false,
            Event::Text(text) if inside => blocks.last_mut().unwrap().push_str(&text),
            _ => {}
        }
    }
    blocks
}

fn check(page: &Path, bench: &Bench, step: &str) {
    let (line, shown) = step.split_once('\n').unwrap_or((step, ""));
    let (line, code) = line.split_once("# exits ").unwrap_or((line, "0"));
    let program = Path::new(env!("CARGO_BIN_EXE_emp-ops"));
    let path = format!("{}:{}", program.parent().unwrap().display(), env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &line.replace("cargo run -- ", "emp-ops ")])
        .current_dir(bench.path())
        .env_clear()
        .env("PATH", path)
        .env("SOURCE_DATE_EPOCH", "1736121600");
    let output = shell.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let where_ = format!("{}: $ {line}\n{said}", page.display());
    assert_eq!(output.status.code(), Some(code.trim().parse().unwrap()), "{where_}");
    let actual: Vec<String> = said.lines().map(mask).collect();
    let mut from = 0;
    for expected in shown.lines().map(mask).filter(|l| !l.is_empty() && !l.contains('…')) {
        let at = actual[from..].iter().position(|l| *l == expected);
        from += at.unwrap_or_else(|| panic!("nothing like {expected:?} in {where_}")) + 1;
    }
}

/// A line with every number as `#`, every run of blanks as one and milliseconds as seconds: what may not differ.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    for c in line.trim().chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if !(matches!(c, '#' | ' ') && masked.ends_with(c)) {
            masked.push(c);
        }
    }
    masked.replace("#.#", "#").replace("#ms", "#s")
}
