//! `cargo xtask dist`: what a release hands out, in `target/dist`: the binary with completions, manual pages and licences as
//! one archive, beside the sums of everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use emp_ops::digest::sha256;

use crate::{Outcome, Tool, output};

/// The shells whose completion is packed, with the name of the file that each looks for.
const SHELLS: [(&str, &str); 3] = [("bash", "emp-ops.bash"), ("zsh", "_emp-ops"), ("fish", "emp-ops.fish")];

/// What is packed as it is in the repository.
const FILES: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

/// Builds and packs; `cargo deb` and `cargo binstall` rely on the names.
pub(crate) fn run() -> Outcome {
    let tool = Tool::build()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no folder above it")?;
    let version = output(Command::new(&tool.path).arg("--version"))?;
    let version = version.split_whitespace().last().ok_or("emp-ops prints no version")?;
    let name = format!("emp-ops-{version}-{}", host()?);
    let dist = root.join("target/dist");
    let folder = dist.join(&name);
    if dist.exists() {
        fs::remove_dir_all(&dist).map_err(named(&dist))?;
    }
    // `cargo deb` takes shell files and pages from a place without a version in it.
    let (completions, man) = (dist.join("completions"), dist.join("man"));
    for folder in [&folder, &completions, &man] {
        fs::create_dir_all(folder).map_err(named(folder))?;
    }
    for (shell, file) in SHELLS {
        let script = output(Command::new(&tool.path).args(["completions", shell]))?;
        fs::write(completions.join(file), script).map_err(named(&completions))?;
    }
    output(Command::new(&tool.path).arg("man").arg("--out").arg(&man))?;
    copy(&tool.path, &folder.join("emp-ops"))?;
    for file in FILES {
        copy(&root.join(file), &folder.join(file))?;
    }
    for (from, to) in [(&completions, folder.join("completions")), (&man, folder.join("man"))] {
        fs::create_dir_all(&to).map_err(named(&to))?;
        for file in files(from)? {
            copy(&file, &to.join(file.file_name().unwrap_or_default()))?;
        }
    }
    let archive = format!("{name}.tar.gz");
    // Neither the user nor the order of the directory is part of a release.
    let tar = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-czf", &archive, &name];
    output(Command::new("tar").current_dir(&dist).args(tar))?;
    let mut sums = String::new();
    for path in [vec![dist.join(&archive)], files(&folder)?, files(&completions)?, files(&man)?].concat() {
        let bytes = fs::read(&path).map_err(named(&path))?;
        sums.push_str(&format!("{}  {}\n", sha256(&bytes), path.strip_prefix(&dist).unwrap_or(&path).display()));
    }
    fs::write(dist.join("SHA256SUMS"), &sums).map_err(named(&dist))?;
    println!("{}: {archive} and SHA256SUMS of {} files", dist.display(), sums.lines().count());
    Ok(())
}

/// The target triple of this machine.
fn host() -> Result<String, String> {
    let about = output(Command::new("rustc").arg("-vV"))?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc names no host".to_owned())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(named(folder))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(named(from))
}

fn named(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{}: {error}", path.display())
}
