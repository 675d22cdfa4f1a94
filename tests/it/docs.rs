//! Runs the `console` blocks of the README and the runbooks, so that what they promise stays true.
//!
//! A line that starts with `$ ` is a command; `# exits 1` at its end names its exit code, 0 otherwise. The lines below it
//! are what it prints, in order; digits may differ, and a line with `…` stands for anything.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use crate::harness::Bench;

#[test]
fn console_blocks_do_what_they_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> = fs::read_dir(root.join("runbooks")).unwrap().map(|e| e.unwrap().path()).collect();
    pages.push(root.join("README.md"));
    pages.sort();
    let mut commands = 0;
    for page in &pages {
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
    }
    assert!(commands > 0, "no console block was found");
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
        .args(["-c", line])
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

/// A line with every number as `#` and every run of blanks as one: what may not differ.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    for c in line.trim().chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if !(matches!(c, '#' | ' ') && masked.ends_with(c)) {
            masked.push(c);
        }
    }
    masked
}
