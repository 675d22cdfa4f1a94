//! TAP version 14: a test for each gate.

use super::{Export, State};
use crate::finding::Status;
use crate::sanitize;

/// The whole document.
pub(crate) fn render(export: &Export<'_>) -> String {
    let gates = export.gates();
    let mut out = format!("TAP version 14\n1..{}\n", gates.len());
    for (number, gate) in gates.iter().enumerate() {
        let ok = if matches!(gate.state, State::Failed | State::Missing) { "not ok" } else { "ok" };
        out.push_str(&format!("{ok} {} - {}", number + 1, description(&gate.name)));
        if let State::Waived(by) = &gate.state {
            out.push_str(&format!(" # SKIP {}", description(by)));
        }
        out.push('\n');
        if gate.status == Status::Pass {
            continue;
        }
        // Strings of JSON are strings of YAML.
        let quoted = |text: &str| serde_json::Value::from(sanitize::line(text)).to_string();
        let severity = if export.view.unfinished { "no verdict" } else { gate.status.word() };
        out.push_str(&format!("  ---\n  severity: {}\n  message: {}\n", quoted(severity), quoted(&gate.message)));
        out.push_str("  details:\n");
        for line in &gate.details {
            out.push_str(&format!("    - {}\n", quoted(line)));
        }
        out.push_str("  ...\n");
    }
    out
}

/// A text that begins no directive.
fn description(text: &str) -> String {
    sanitize::line(text).replace('\\', "\\\\").replace('#', "\\#")
}
