//! `README.md` of a packet: what to open first, and what is where.

use super::{Block, Cell, Doc, Table, Tone};

/// What each file is for, in the order of reading; a name that ends in a slash stands for all below it.
const FILES: &[(&str, &str)] = &[
    ("report.html", "the page for reviewers, with everything below in one place: open it first, in any browser"),
    ("summary.md", "the verdict, why, the gates and the criteria"),
    ("review.md", "what the reviewers decide on: objectives, action items, remarks, attendees"),
    ("wrap_up.md", "the minutes: what happened, who does what by when"),
    ("backlog.md", "the follow-ups, for a tracker"),
    ("dry_run_summary.md", "the evidence in detail: logs, silences, diary, performance"),
    ("VERIFY.md", "how to verify the files and their signatures by hand"),
    ("attestations.intoto.jsonl", "the signatures: of the verdict, and of the decisions of reviewers"),
    ("SHA256SUMS", "the digest of every file"),
    ("manifest.json", "the list of the files"),
    ("policy.json", "the policy by which the run was judged"),
    ("waivers.json", "the waivers that were in force"),
    ("dry_run_sign_off.json", "the gates, for programs"),
    ("summary.json", "the verdict with everything that it rests on, for programs; so are the other `.json` files"),
    ("raw/run.json", "the record of the run: settings, attempts, incidents"),
    ("raw/logs/", "the logs: structured (`.jsonl`) and as they were printed (`.log`)"),
    ("raw/progress_timeline/", "snapshots during the run, each with the digest of the one before"),
];

/// The document about a packet whose files are `names`. `title` is what the run is called, `headline` its verdict.
pub(crate) fn document(title: &str, headline: &str, names: &[String], signed: bool) -> Doc {
    let mut doc = Doc::new(format!("{title}: {headline}"));
    let there = |file: &str| match file.strip_suffix('/') {
        Some(_) => names.iter().any(|name| name.starts_with(file)),
        None => names.iter().any(|name| name == file) || (signed && file == "attestations.intoto.jsonl"),
    };
    let first = if there("report.html") { "report.html" } else { "summary.md" };
    doc.push(Block::Text(
        format!("This is the evidence of a rehearsal, for those who sign it off. Open {first} first.").into(),
    ));
    let mut table = Table::new(&["file", "what it is"]);
    // The last ones are written after this document.
    for (file, what) in FILES.iter().filter(|(file, _)| matches!(*file, "SHA256SUMS" | "manifest.json") || there(file))
    {
        table.row([Cell::new(*file, Tone::Place), (*what).into()]);
    }
    doc.push(Block::Table(table));
    doc.section("Judge it again", Block::Code("emp-ops audit .".to_owned()));
    doc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::to_markdown;

    #[test]
    fn only_what_is_there_is_named() {
        let names = ["summary.md", "raw/logs/a.jsonl"].map(str::to_owned);
        let text = to_markdown(&document("Release 7", "PASS with 1 waiver", &names, false));
        assert!(text.starts_with("# Release 7: PASS with 1 waiver\n"), "{text}");
        assert!(text.contains("Open summary.md first") && text.contains("(raw/logs/)"), "{text}");
        assert!(
            !text.contains("report.html") && !text.contains("waivers.json") && !text.contains("attestations"),
            "{text}"
        );
    }
}
