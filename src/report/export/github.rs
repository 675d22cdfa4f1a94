//! Workflow commands of GitHub Actions: they become annotations of the job, and of lines of files.

use super::{Check, Export, State, by};
use crate::finding::{Place, Status, thousands};
use crate::sanitize;

/// A step shows no more of a kind.
const SHOWN: usize = 10;

/// The commands, the gates first, and in the last line the verdict.
pub(crate) fn render(export: &Export<'_>) -> String {
    let mut errors = Vec::new();
    let mut warnings = Vec::new();
    let mut add = |title: String, check: &Check, place: Option<&Place>, message: String| {
        let failed = matches!(check.state, State::Failed | State::Missing) || check.status == Status::Fail;
        match check.status {
            Status::Pass => {}
            _ if failed => errors.push(command("error", &title, place, &message)),
            _ => warnings.push(command("warning", &title, place, &message)),
        }
    };
    let gates = export.gates();
    for gate in &gates {
        let waived = match &gate.state {
            State::Waived(by) => format!("{by}; "),
            _ => String::new(),
        };
        add(format!("gate {}", gate.name), gate, None, format!("{waived}{}", gate.message));
    }
    for row in &export.rows {
        let waived = row.waived.as_ref().map(|waived| format!("{}; ", by(waived))).unwrap_or_default();
        let times = if row.count > 1 { format!(" ({} times)", row.count) } else { String::new() };
        let check = export.finding(row);
        add(row.kind.clone(), &check, row.place.as_ref(), format!("{waived}{}{times}", check.message));
    }
    let mut out = String::new();
    for (level, mut all) in [("error", errors), ("warning", warnings)] {
        if all.len() > SHOWN {
            let more = all.split_off(SHOWN - 1).len() as u64;
            all.push(command(level, "emp-ops", None, &format!("{} more: see the report", thousands(more))));
        }
        out.extend(all);
    }
    let verdict = format!("{}: {}", export.headline(), export.view.subject);
    out.push_str(&format!("{}\n", plain(&verdict)));
    out
}

/// `::error file=…,line=…,title=…::message`.
fn command(level: &str, title: &str, place: Option<&Place>, message: &str) -> String {
    let mut properties = Vec::new();
    if let Some(place) = place {
        properties.push(format!("file={}", property(&place.path)));
        properties.push(format!("line={}", place.line.unwrap_or(1).max(1)));
    }
    properties.push(format!("title={}", property(title)));
    format!("::{level} {}::{}\n", properties.join(","), escape(message))
}

/// A text as the value of a property.
fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}

fn escape(text: &str) -> String {
    // Line ends are blanks by now.
    inert(text).replace('%', "%25")
}

/// A line that is no command: neither one at its start, nor one of the old form, which is found anywhere in a line.
fn plain(text: &str) -> String {
    let line = inert(text);
    if line.trim_start().starts_with("::") { format!("- {line}") } else { line }
}

fn inert(text: &str) -> String {
    sanitize::line(text).replace("##[", "# #[")
}
