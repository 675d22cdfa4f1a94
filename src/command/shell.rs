//! `emp-ops completions` and `emp-ops man`: what shells and readers of manuals need, without what is internal.

use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::{ACCEPTED, Common, Error};
use crate::finding::count;
use crate::io::files;
use crate::io::tty::terminal;

/// Prints the completion script of `shell`.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn completions(whole: &Command, shell: Shell) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut visible(whole), "emp-ops", &mut script);
    let script = String::from_utf8_lossy(&script);
    // The generator gives a name with a hyphen two spellings, of which bash then never finds the second.
    terminal::print(&script.replace("emp__subcmd__ops", "emp__ops"))?;
    Ok(ACCEPTED.into())
}

/// Prints the manual page of the whole, or writes it and a page for each command into a directory.
///
/// # Errors
/// Standard output or a page cannot be written.
pub(crate) fn man(common: &Common, whole: &Command) -> Result<ExitCode, Error> {
    let mut whole = visible(whole);
    whole.build();
    let Some(folder) = &common.out else {
        terminal::print(&String::from_utf8_lossy(&page(&whole)?.1))?;
        return Ok(ACCEPTED.into());
    };
    files::create_dir(folder)?;
    let mut pages = 0;
    for command in std::iter::once(&whole).chain(whole.get_subcommands()) {
        let (name, text) = page(command)?;
        files::replace(&folder.join(name), &text)?;
        pages += 1;
    }
    common.note(&format!("{} in {}; read one by: man -l {}", count(pages, "page"), folder.display(), example(folder)));
    Ok(ACCEPTED.into())
}

fn example(folder: &Path) -> String {
    folder.join("emp-ops-audit.1").display().to_string()
}

/// A manual page with the name of its file.
fn page(command: &Command) -> Result<(String, Vec<u8>), Error> {
    let man = Man::new(command.clone());
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok((man.get_filename(), text))
}

/// The command line without its internal commands.
fn visible(whole: &Command) -> Command {
    let copy = Command::new("emp-ops")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(whole.get_arguments().cloned())
        .subcommands(whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned());
    let copy = whole.get_about().cloned().map_or(copy.clone(), |about| copy.about(about));
    whole.get_after_help().cloned().map_or(copy.clone(), |help| copy.after_help(help))
}
