//! The evidence with its digests, and how anybody can verify it.

use maud::{Markup, html};

use super::markup::{Links, Safe};
use crate::finding::count;
use crate::report::bytes_text;
use crate::verdict::packet::{Listed, VERIFY};

/// The files; the timeline is one row.
pub(super) fn section(files: &[Listed], links: Links<'_>) -> Markup {
    let (snapshots, files): (Vec<&Listed>, Vec<&Listed>) =
        files.iter().partition(|file| file.path.contains("progress_timeline/"));
    html! {
        table.cards {
            caption { "Files and their SHA-256 digests" }
            thead { tr { th scope="col" { "File" } th.num scope="col" { "Size" } th scope="col" { "SHA-256" } } }
            tbody {
                @for file in files { tr {
                    td { (links.whole(&file.path)) }
                    td.num data-l="Size" { (bytes_text(file.bytes)) }
                    td data-l="SHA-256" { span.hash { (file.sha256) } }
                } }
                @if let Some(head) = snapshots.last() { tr {
                    td { code { "progress_timeline/" } " " (count(snapshots.len() as u64, "snapshot")) ", each naming the one before" }
                    td.num data-l="Size" { (bytes_text(snapshots.iter().map(|file| file.bytes).sum())) }
                    td data-l="Head" { span.hash { (head.sha256) } }
                } }
            }
        }
    }
}

/// The commands that verify the packet.
pub(super) fn verify(commands: &str) -> Markup {
    html! {
        p {
            "In the directory of the packet. All but the last line need tools that every system has; " code { "KEY.pub" }
            " is the public key of the signer, which must come from its owner and not with the packet."
        }
        pre tabindex="0" { @for line in commands.lines() { (Safe(line)) "\n" } }
    }
}

/// The same commands as in the text beside the page, for a packet signed by keys of these kinds.
pub(crate) fn commands(signed: &[&str]) -> String {
    let blocks = VERIFY.1.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let all: Vec<&str> = blocks.flat_map(str::lines).collect();
    let wanted = |line: &&str| match line.rsplit_once("# ") {
        Some((_, kind)) if line.starts_with("openssl") => signed.contains(&kind),
        _ => !signed.is_empty() || line.starts_with("sha256sum") || line.starts_with("emp-ops"),
    };
    let lines: Vec<&str> = all.into_iter().filter(wanted).collect();
    let text = lines.join("\n");
    let text = text.replace(" PACKET", " .");
    if signed.is_empty() { text.replace(" --verify-key KEY.pub", "") } else { text }
}
