//! The backlog for people: on the screen, as Markdown, as CSV for trackers, and as a block of a larger document.

use std::collections::BTreeMap;

use super::view::{self, Row, View};
use super::{Block, Cell, Doc, Table, Tone, count, criteria};
use crate::finding::{Gate, Place, Status, of_workload};
use crate::log::totals::signature;
use crate::sanitize;
use crate::time::Stamp;
use crate::verdict::backlog::{Backlog, Change, Item, NotUnderstood, Origin, Source};

/// Characters of a summary that a table shows.
const SUMMARY: usize = 160;
/// Parts that were not understood, on a screen.
const UNREAD: usize = 10;

/// The backlog as a table, for the screen.
pub(crate) fn screen(backlog: &Backlog) -> Doc {
    let mut doc = start(backlog);
    let owned = backlog.items.iter().any(|item| item.owner.is_some());
    let dated = backlog.items.iter().any(|item| item.due.is_some());
    let header = [("", true), ("item", true), ("owner", owned), ("due", dated), ("where", true), ("id", true)];
    let header: Vec<&'static str> = header.iter().filter(|(_, shown)| *shown).map(|(title, _)| *title).collect();
    let mut table = Table::new(&header);
    for item in &backlog.items {
        let mut row = vec![item.severity.into(), Cell::from(line(item, SUMMARY))];
        if owned {
            row.push(item.owner.as_deref().map_or_else(Cell::default, |owner| sanitize::shorten(owner, 40).into()));
        }
        if dated {
            row.push(due(item));
        }
        // The whole path is in the other formats; a column of a screen has room for its end.
        let place = place(item);
        row.push(Cell::dim(place.rsplit('/').next().unwrap_or_default()));
        row.push(Cell::dim(item.id.as_str()));
        table.row(row);
    }
    doc.push(Block::Table(table));
    if backlog.items.is_empty() {
        doc.push(Block::Text("Nothing to follow up.".into()));
    }
    ending(&mut doc, backlog, UNREAD);
    doc
}

/// The same for exports: a row for each item.
pub(crate) fn view(backlog: &Backlog) -> View<'static> {
    let of = |status| backlog.items.iter().filter(|item| item.severity == status).count() as u64;
    let unread = backlog.not_understood.iter().filter(|part| part.evidence).count() as u64;
    let gate = Gate {
        name: "follow-ups".to_owned(),
        threshold: "none".to_owned(),
        measured: format!("{} FAIL, {} WARN, {unread} not understood", of(Status::Fail), of(Status::Warn)),
        samples: backlog.items.len() as u64,
        status: backlog.status,
        ..Gate::default()
    };
    View {
        subject: backlog.title.clone(),
        status: backlog.status,
        headline: backlog.headline.clone(),
        gates: vec![gate].into(),
        rows: view::sorted(backlog.items.iter().map(row).collect()),
        generated_at: Some(backlog.generated_at),
        ..View::default()
    }
}

fn row(item: &Item) -> Row {
    Row {
        id: item.id.clone(),
        severity: item.severity,
        kind: item.category.replace('_', " "),
        signature: signature::of(&item.summary),
        text: of_workload(item.workload.as_deref(), &item.summary),
        workload: item.workload.clone(),
        count: item.count,
        first: item.occurred_at,
        last: item.last_at,
        place: item.sources.first().map(|source| Place { path: source.path.clone(), line: source.line }),
        waived: None,
    }
}

/// The backlog for a report: by severity, then by owner, with links to file and line.
pub(crate) fn document(backlog: &Backlog) -> Doc {
    let mut doc = start(backlog);
    for status in [Status::Fail, Status::Warn, Status::Pass] {
        let mut owners: BTreeMap<(bool, &str), Vec<&Item>> = BTreeMap::new();
        for item in backlog.items.iter().filter(|item| item.severity == status) {
            let owner = item.owner.as_deref().unwrap_or_default();
            owners.entry((owner.is_empty(), owner)).or_default().push(item);
        }
        for ((_, owner), items) in owners {
            let owner = if owner.is_empty() { "no owner" } else { owner };
            let mut table = Table::new(&["item", "status", "due", "where", "id"]);
            for group in view::alike(items, alike) {
                let others = group.len() as u64 - 1;
                let more = if others > 0 { format!(", with {} alike", count(others, "other")) } else { String::new() };
                let count = view::total(group.iter().map(|item| (item.count, is_incident(&item.sources))));
                let item = Item { count, ..group[0].clone() };
                table.row([
                    Cell::from(line(&item, 1000) + &more),
                    Cell::from(item.status.as_str()),
                    due(&item),
                    item.sources.first().map_or_else(Cell::default, |_| Cell::new(place(&item), Tone::Place)),
                    Cell::code(item.id.as_str()),
                ]);
            }
            let owner = sanitize::shorten(owner, 80);
            doc.section(format!("{}: {owner}", status.label()), Block::Table(table));
        }
    }
    if backlog.items.is_empty() {
        doc.push(Block::Text("Nothing to follow up.".into()));
    }
    ending(&mut doc, backlog, usize::MAX);
    doc
}

/// Whether the supervisor tells of it, who counts what is alike.
pub(super) fn is_incident(sources: &[Source]) -> bool {
    sources.iter().any(|source| source.part.as_deref() == Some("incidents"))
}

/// By what lines of a log are brought together that differ in numbers and names alone. What people wrote stays apart.
fn alike(item: &Item) -> Option<(String, Option<&str>, &str, &str)> {
    let of_logs = matches!(item.origin, Origin::Logs | Origin::Incident) && item.reference.is_none();
    let due = item.due.as_deref().unwrap_or_default();
    of_logs.then(|| (signature::of(item.headline()), item.workload.as_deref(), item.status.as_str(), due))
}

fn start(backlog: &Backlog) -> Doc {
    let of = |status| backlog.items.iter().filter(|item| item.severity == status).count() as u64;
    let mut because = Vec::new();
    for status in [Status::Fail, Status::Warn] {
        let worst: Vec<&Item> = backlog.items.iter().filter(|item| item.severity == status).collect();
        if let Some(first) = worst.first() {
            let more = if worst.len() > 1 {
                format!(", first: {}", line(first, 80))
            } else {
                format!(": {}", line(first, 80))
            };
            because.push(format!("{} {}{more}", count(of(status), "item"), status.label()));
        }
    }
    let unread = backlog.not_understood.iter().filter(|part| part.evidence).count() as u64;
    if unread > 0 {
        because.push(format!("{} of the evidence not understood", count(unread, "part")));
    }
    let simulated = if backlog.simulated { " (simulated)" } else { "" };
    let remark = backlog.headline.strip_prefix(backlog.status.label()).unwrap_or_default();
    let mut doc = Doc::new(format!("{}{simulated}", backlog.title)).verdict(backlog.status, because).remark(remark);
    let mut facts: Vec<(String, Cell)> = Vec::new();
    let totals = &backlog.totals;
    if let (Some(new), Some(carried), Some(closed)) = (totals.new, totals.carried_over, totals.closed) {
        facts.push(("since the last one".into(), format!("{new} new, {carried} carried over, {closed} closed").into()));
    }
    for readiness in backlog.readiness.iter().filter(|readiness| readiness.tracked > 0) {
        let share = readiness.ratio.unwrap_or_default() * 100.0;
        let text = format!("{} of {} ready ({share:.0}%)", readiness.ready, readiness.tracked);
        facts.push((format!("action items of {}", readiness.path), text.into()));
    }
    let kinds: Vec<String> = totals
        .by_category
        .iter()
        .map(|(category, counts)| format!("{} {}", counts.values().sum::<u64>(), sanitize::shorten(category, 40)))
        .collect();
    if !kinds.is_empty() {
        facts.push(("found".into(), kinds.join(", ").into()));
    }
    if totals.left_out > 0 {
        let text = format!("{} below the severity asked for", count(totals.left_out, "item"));
        facts.push(("not listed".into(), text.into()));
    }
    doc.push(Block::Facts(facts));
    doc
}

fn ending(doc: &mut Doc, backlog: &Backlog, most: usize) {
    let mut closed = Table::new(&["", "item", "owner", "how", "id"]);
    for item in &backlog.closed {
        closed.row([
            Cell::from(item.severity),
            sanitize::shorten(&item.summary, SUMMARY).into(),
            item.owner.as_deref().unwrap_or_default().into(),
            item.how.into(),
            Cell::dim(item.id.as_str()),
        ]);
    }
    doc.section("Closed since the last backlog", Block::Table(closed));
    criteria::section(doc, &backlog.criteria);
    let all = &backlog.not_understood;
    // Parts of the evidence keep the verdict from PASS, so they come first.
    let mut parts: Vec<&NotUnderstood> = all.iter().collect();
    parts.sort_by_key(|part| !part.evidence);
    let mut table = Table::new(&["where", "what is there"]);
    for part in parts.iter().take(most) {
        let place = part.line.map_or_else(|| part.path.clone(), |line| format!("{}:{line}", part.path));
        table.row([Cell::new(place, Tone::Place), sanitize::shorten(&part.text, 100).into()]);
    }
    doc.section(format!("Not understood ({})", all.len()), Block::Table(table));
    if all.len() > most {
        doc.push(Block::Text(Cell::dim(format!("and {} more, with --format json or markdown", all.len() - most))));
    }
}

/// An item on one line: its own name, its text, how often, and why it is as bad as it is.
fn line(item: &Item, longest: usize) -> String {
    let mut text = match &item.reference {
        Some(reference) => format!("{reference}: "),
        None => String::new(),
    };
    text.push_str(&sanitize::shorten(&of_workload(item.workload.as_deref(), item.headline()), longest));
    if item.count > 1 {
        text.push_str(&format!(" ({}×)", super::thousands(item.count)));
    }
    let mut remarks: Vec<String> = item.reasons.iter().map(|reason| sanitize::shorten(reason, 120)).collect();
    if let (Some(blockers), true) = (&item.blockers, item.severity > Status::Pass) {
        remarks.push(format!("blockers: {}", sanitize::shorten(blockers, 120)));
    }
    if let (Some(next), true) = (&item.next_steps, item.severity > Status::Pass) {
        remarks.push(format!("next: {}", sanitize::shorten(next, 120)));
    }
    if let Some(percent) = item.percent.filter(|percent| *percent < 100.0) {
        remarks.push(format!("{percent:.0}% done"));
    }
    if item.trend.as_deref().is_some_and(|trend| trend != "steady") {
        remarks.push(format!("risk went {}", item.trend.as_deref().unwrap_or_default()));
    }
    match item.change {
        Some(Change::New) => remarks.push("new".to_owned()),
        Some(Change::CarriedOver) => {
            let since = item.open_since.map(|since| format!(" since {}", since.day())).unwrap_or_default();
            remarks.push(format!("carried over{since}, {} in a row", count(item.runs, "run")));
        }
        None => {}
    }
    if !remarks.is_empty() {
        text.push_str(&format!(" [{}]", remarks.join("; ")));
    }
    text
}

fn due(item: &Item) -> Cell {
    let text = item.due.as_deref().map_or_else(String::new, |due| sanitize::shorten(due, 30));
    let late = item.status == "overdue";
    Cell::new(text, if late { Tone::Status(Status::Fail) } else { Tone::Plain })
}

/// The first source; how many there are beside it.
fn place(item: &Item) -> String {
    let Some(source) = item.sources.first() else { return String::new() };
    source.line.map_or_else(|| source.path.clone(), |line| format!("{}:{line}", source.path))
}

/// The backlog as CSV (RFC 4180), one item to a row. Cells that a spreadsheet would take for a formula get an
/// apostrophe in front.
pub(crate) fn csv(backlog: &Backlog) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record([
        "id",
        "severity",
        "category",
        "reference",
        "summary",
        "status",
        "owner",
        "due",
        "count",
        "occurred_at",
        "last_at",
        "open_since",
        "runs",
        "change",
        "reasons",
        "sources",
        "workload",
    ]);
    for item in &backlog.items {
        let at = |at: Option<Stamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let sources: Vec<String> = item
            .sources
            .iter()
            .map(|s| s.line.map_or_else(|| s.path.clone(), |line| format!("{}:{line}", s.path)))
            .collect();
        let change = match item.change {
            Some(Change::New) => "new",
            Some(Change::CarriedOver) => "carried_over",
            None => "",
        };
        let _ = writer.write_record([
            item.id.clone(),
            item.severity.word().to_owned(),
            no_formula(&item.category),
            no_formula(item.reference.as_deref().unwrap_or_default()),
            no_formula(&item.summary),
            item.status.clone(),
            no_formula(item.owner.as_deref().unwrap_or_default()),
            no_formula(item.due.as_deref().unwrap_or_default()),
            item.count.to_string(),
            at(item.occurred_at),
            at(item.last_at),
            at(item.open_since),
            item.runs.to_string(),
            change.to_owned(),
            no_formula(&item.reasons.join("; ")),
            no_formula(&sources.join(" ")),
            no_formula(item.workload.as_deref().unwrap_or_default()),
        ]);
    }
    writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

fn no_formula(text: &str) -> String {
    let plain = sanitize::line(text);
    if plain.starts_with(['=', '+', '-', '@']) { format!("'{plain}") } else { plain }
}
